//! Every fenced block has a language, and each language is checked: `console` is run (`samples.rs`), `ini` and `toml`
//! are read by the program, shell text by its shell, and the words of a `text` block are the program's own
//! (`words.rs`).

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::pages::{self, Block};
use crate::world::World;

/// Lines of shell blocks that are not run here, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("cargo install --path . --locked", "builds for minutes, and puts a binary into ~/.cargo"),
    (
        "cargo run --release --features sandbox -- sandbox --once",
        "builds for minutes; tests/cli/sandbox.rs runs the tour",
    ),
    ("rustup target add x86_64-unknown-linux-musl", "downloads"),
    (
        "cargo build --release --locked --target x86_64-unknown-linux-musl",
        "builds for minutes; tests/bench/run does it",
    ),
    ("cargo run -p twolock-pages -- OUT_DIR", "tests of pages/ cover it"),
    ("TWOLOCK_DOCS_BLESS=1 cargo test --all-features --test docs", "runs this test"),
    ("tests/run", "runs this test"),
    ("tests/run --long", "runs this test"),
    ("tests/run lib", "runs tests"),
    ("tests/bench/run", "measures for minutes"),
];

/// Programs whose blocks are not parsed here, and why.
const NOT_PARSED: &[(&str, &str)] =
    &[("powershell", "PowerShell cannot be installed everywhere; tests/shells runs it")];

#[test]
fn every_block_has_a_language_that_is_checked() {
    for page in pages::all() {
        for block in page.blocks() {
            let at = format!("{}:{}", page.name, block.line);
            match block.language.as_str() {
                "console" | "text" => {}
                "ini" => is_read_alike_by_all(&block, &at),
                "toml" => is_read_as_settings(&block, &at),
                "json" => drop(serde_json::from_str::<Value>(&block.lines.join("\n")).expect(&at)),
                "sh" => is_shell(&block, &at, "bash"),
                "zsh" | "fish" => is_shell(&block, &at, &block.language),
                other => assert!(NOT_PARSED.iter().any(|(language, _)| *language == other), "{at}: '{other}'"),
            }
        }
    }
}

#[test]
fn every_line_that_is_not_run_is_on_the_list() {
    for page in pages::all() {
        for block in page.blocks().into_iter().filter(|block| block.language == "sh") {
            for line in block.lines.iter().map(|line| code_of(line)).filter(|line| !line.is_empty()) {
                // twolock's own commands are parsed by `commands.rs`; other programs are listed with the reason.
                let ours = ["twolock", "tl", "eval", "PROMPT", "PS1", "autoload", "setopt"];
                let is_ours = ours.iter().any(|word| line.starts_with(word));
                let listed = NOT_RUN.iter().any(|(command, _)| *command == line);
                assert!(is_ours || listed, "{}:{}: not on the list: {line}", page.name, block.line);
            }
        }
    }
}

/// A line of shell without its comment.
fn code_of(line: &str) -> &str {
    let end = if line.starts_with('#') { 0 } else { line.find("  #").unwrap_or(line.len()) };
    line[..end].trim()
}

fn is_read_alike_by_all(block: &Block, at: &str) {
    let world = World::new();
    world.write(".aws/credentials", "");
    let text = block.lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    world.write(".aws/config", &text);
    let list = world.run(["profile", "list", "--json"]).json();
    let sections = block.lines.iter().filter(|line| line.starts_with("[profile ") || *line == "[default]").count();
    assert_eq!(list["profiles"].as_array().unwrap().len(), sections, "{at}: {list}");
    let doctor = world.finish(world.twolock(["doctor", "--json"]).env("AWS_ENDPOINT_URL_STS", world.sandbox.url()));
    let doctor: Value = serde_json::from_str(&doctor.stdout).unwrap_or_else(|e| panic!("{at}: {e}"));
    let findings = doctor["findings"].as_array().unwrap();
    let odd: Vec<&Value> = findings.iter().filter(|it| it["check"] == "file-grammar").collect();
    assert!(odd.is_empty(), "{at}: {odd:?}");
}

fn is_read_as_settings(block: &Block, at: &str) {
    let world = World::new();
    let text = block.lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    world.write(".config/twolock/config.toml", &text);
    let list = world.run(["settings", "list", "--json"]).json();
    let listed = list["settings"].as_array().unwrap().iter();
    let from_file = listed.filter(|it| it["origin"].as_str().is_some_and(|origin| origin.contains("config.toml")));
    let set = block.lines.iter().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
    assert_eq!(from_file.count(), set, "{at}: {list}");
}

fn is_shell(block: &Block, at: &str, shell: &str) {
    let mut child = Command::new(shell).arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), block.lines.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{at}: {}", String::from_utf8_lossy(&output.stderr));
}

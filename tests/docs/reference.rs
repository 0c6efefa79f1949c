//! reference.md says what the program has, all of it and nothing else: exit codes, settings, variables, keys, JSON.

use std::collections::BTreeSet;

use serde_json::Value;
use twolock::Shell;
use twolock::internals::Kind;

use crate::pages::{self, Page};
use crate::stage::{Preparation, Stage};
use crate::world::{Ran, World};

/// With it the clock of AWS cannot be asked for.
const DEAD_PROXY: &str = "HTTPS_PROXY=http://127.0.0.1:1";

/// A key that AWS could not be asked about, of a profile that is gone.
const KEYS: &str = r#"{"v":1,"keys":{"gone":{"access_key_id":"AKIAIOSFODNN7EXAMPLE","unproved":true}}}"#;

/// A rotation whose new key is stored.
const ROTATION: &str = r#"{"v":1,"rotations":[{"user":"arn:aws:iam::123456789012:user/ana","profile":"work","old":"AKIAIOSFODNN7EXAMPLE","before":["AKIAIOSFODNN7EXAMPLE"],"began":"2030-01-01T00:00:00Z","delete_after":{"secs":1,"nanos":0},"phase":"stored","new":"AKIANEWNEWNEWNEWNEW1"}]}"#;

fn reference() -> Page {
    Page::read("docs/reference.md")
}

#[track_caller]
fn same(documented: &BTreeSet<String>, real: &BTreeSet<String>, what: &str) {
    let missing: Vec<_> = real.difference(documented).collect();
    let invented: Vec<_> = documented.difference(real).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "{what}: not in reference.md: {missing:?}; not real: {invented:?}"
    );
}

fn names(heading: &str) -> BTreeSet<String> {
    pages::first_cells(&reference().section(heading)).into_iter().collect()
}

#[test]
fn every_exit_code_is_there() {
    let real = (1..=u8::MAX).take_while(|code| Kind::from_exit_code(*code).is_some()).map(|code| code.to_string());
    same(&names("Exit codes"), &real.chain(["0".to_owned()]).collect(), "exit codes");
}

#[test]
fn every_setting_is_there_with_its_default() {
    let list = World::new().run(["settings", "list", "--json"]).json();
    let setting =
        |it: &Value| (it["name"].as_str().unwrap().to_owned(), it["value"].as_str().unwrap_or_default().to_owned());
    let mut real: Vec<(String, String)> = list["settings"].as_array().unwrap().iter().map(setting).collect();
    real.push(("aliases.NAME".into(), String::new()));
    let rows = pages::rows(&reference().section("Settings"));
    let documented: Vec<(String, String)> = rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(documented.iter().collect::<BTreeSet<_>>(), real.iter().collect::<BTreeSet<_>>());
}

#[test]
fn every_variable_is_there() {
    let words = |directory: &str, prefix: &str| words_of(directory, prefix);
    let ours = words("src", "TWOLOCK_").into_iter().chain(words("shell", "TWOLOCK_"));
    let aws = words("src/system/env.rs", "AWS_").into_iter().chain(words("src/output/exports", "AWS_"));
    let machine = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "NO_COLOR", "COLUMNS", "TERM"];
    let browser = ["BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "XDG_DATA_DIRS"];
    let more = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().chain(machine).chain(browser);
    let all = read_by_the_program();
    assert!(more.clone().all(|name| all.contains(name)), "{all:?}");
    let real = ours.chain(aws).chain(more.map(String::from)).collect();
    same(&names("Variables"), &real, "variables");
}

#[test]
fn every_key_of_ours_in_a_profile_is_there() {
    let mut real = words_of("src", "twolock_");
    // Names of other things than keys.
    real.retain(|word| !["twolock_sandbox", "twolock_prompt", "twolock_segment"].contains(&word.as_str()));
    real.insert("mfa_process".to_owned());
    let documented = names("twolock's own keys in a profile");
    let missing: Vec<_> = documented.symmetric_difference(&real).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The lines at the end of what `init` prints, below "for the prompt".
#[test]
fn the_guide_adds_to_the_prompt_of_each_shell_what_init_says() {
    let guide = Page::read("docs/guide.md");
    for integration in Shell::ALL.into_iter().filter_map(Shell::integration) {
        let (_, lines) = integration.text.split_once("\n# and, for the prompt").expect("every shell has a prompt");
        let lines: Vec<&str> = lines.lines().filter_map(|line| line.strip_prefix("#   ")).collect();
        assert!(!lines.is_empty() && guide.text.contains(&format!("{}\n```\n", lines.join("\n"))), "{lines:?}");
    }
}

const WITHOUT_BUS: &str = "env -u DBUS_SESSION_BUS_ADDRESS -u XDG_RUNTIME_DIR";

#[test]
fn every_field_of_json_is_there() {
    let real = [
        ("profile list", fields(&[&["twolock", "profile", "list", "--json"]])),
        (
            "profile show",
            fields(&[
                &["twolock", "profile", "show", "prod", "--json"],
                &["twolock", "profile", "show", "work", "--json"],
                &["twolock", "profile", "show", "lost", "--json"],
                &[
                    "sh",
                    "-c",
                    &format!("printf '{PROTECTED}' >> ~/.aws/config && exec twolock profile show guarded --json"),
                ],
            ]),
        ),
        (
            "status",
            fields(&[
                &["env", "AWS_PROFILE=prod", "twolock", "status", "--json"],
                &["sh", "-c", &format!("unshare -Ur {WITHOUT_BUS} twolock status --json")],
                &[
                    "sh",
                    "-c",
                    &format!(
                        "strace -f -o /dev/null -e inject=keyctl:error=ENOSYS {WITHOUT_BUS} twolock status --json"
                    ),
                ],
            ]),
        ),
        (
            "key list",
            fields(&[
                &["twolock", "key", "list", "--json"],
                &[
                    "sh",
                    "-c",
                    &format!("printf '{KEYS}' > ~/.local/share/twolock/keys.json && exec twolock key list --json"),
                ],
                &[
                    "sh",
                    "-c",
                    &format!(
                        "umask 077; printf '{ROTATION}' > ~/.local/share/twolock/rotations.json && exec twolock key list --json"
                    ),
                ],
            ]),
        ),
        ("whoami", fields(&[&["twolock", "whoami", "prod", "--json"]])),
        ("whoami --all", fields(&[&["sh", "-c", &format!("{UNREACHABLE} && exec twolock whoami --all --json")]])),
        ("mfa devices", fields(&[&["twolock", "mfa", "devices", "work", "--json"]])),
        (
            "doctor",
            fields(&[
                &["twolock", "doctor", "--json"],
                &["env", DEAD_PROXY, "twolock", "doctor", "--json"],
                &["sh", "-c", "chmod 666 ~/.aws/config ~/.aws/credentials && exec twolock doctor --json"],
            ]),
        ),
        ("settings list", fields(&[&["twolock", "settings", "list", "--json"]])),
        (
            "env",
            fields(&[
                &["twolock", "env", "prod", "--format", "json"],
                &["twolock", "env", "prod", "--by-name=if-possible", "--format", "json"],
            ]),
        ),
        ("credential-process", fields(&[&["twolock", "credential-process", "prod"]])),
    ];
    for (verb, real) in real {
        same(&names(&format!("`{verb}`")), &real, verb);
    }
}

const PROTECTED: &str = "[profile guarded]\\nrole_arn = arn:aws:iam::444455556666:role/Deploy\\n\
    source_profile = work\\ntwolock_protected = true\\n";

/// Adds a profile whose key is tested where nobody answers.
const UNREACHABLE: &str = "printf '%s\\n' '[profile gone]' 'endpoint_url = http://127.0.0.1:1' \
    'aws_access_key_id = AKIAI44QH8DHBEXAMPLE' 'aws_secret_access_key = x' >> ~/.aws/config";

/// The paths of every field that these commands print: `sessions[].profile`.
fn fields(commands: &[&[&str]]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for preparation in [Preparation::SignedIn, Preparation::Files] {
        let stage = Stage::new(preparation);
        let desktop = stage.prepare(preparation);
        stage
            .world
            .add_config("[profile lost]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = nobody\n");
        stage
            .world
            .sandbox
            .add_another_key("arn:aws:iam::123456789012:user/ana")
            .expect("there is room for a second one");
        for words in commands {
            let mut command = stage.command(desktop.as_ref());
            command.args(["-c", "\"$@\"", "bash"]).args(*words);
            command.env("TWOLOCK_MFA_CODE", stage.world.code());
            let Ran { stdout, .. } = stage.world.finish(&mut command);
            collect(&serde_json::from_str(&stdout).unwrap_or(Value::Null), "", &mut found);
        }
    }
    found
}

fn collect(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, &format!("{path}[]"), found)),
        _ => {}
    }
}

/// Every word of a file, or of all files below a directory, that begins so; comments are left out.
fn words_of(place: &str, prefix: &str) -> BTreeSet<String> {
    let place = pages::root().join(place);
    let files = if place.is_dir() { pages::files_of_any_kind(&place) } else { vec![place] };
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        for line in text.lines().map(str::trim_start).filter(|line| !line.starts_with("//") && !line.starts_with('#')) {
            let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            found.extend(words.filter(|word| word.starts_with(prefix) && word.len() > prefix.len()).map(String::from));
        }
    }
    found
}

fn read_by_the_program() -> BTreeSet<String> {
    words_of("src/system/env.rs", "")
}

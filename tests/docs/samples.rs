//! Every `console` block is a transcript: its commands are run, and their output is compared.
//!
//! Commands are the lines that begin with `$ `; one bash runs all of a block, on a terminal of 80 columns. Questions
//! are answered as the marker says.

use std::time::{Duration, Instant};

use crate::pages::{self, Block, Page};
use crate::stage::{Scene, Stage, typed};
use crate::tidy::CODE;
use crate::world::{Terminal, without_terminal};

/// Longest wait for one block: generous, only so that a hang ends.
const HANG: Duration = Duration::from_secs(120);

/// Stands before the output of each command; no program prints it.
const MARK: char = '\u{1}';

struct Sample {
    /// The block's command lines, without `$ `.
    commands: Vec<String>,
    /// What the page says they print.
    outputs: Vec<String>,
    /// Whether an empty line precedes the command.
    apart: Vec<bool>,
}

macro_rules! pages_with_samples {
    ($($test:ident = $page:literal)*) => {
        const TESTED: &[&str] = &[$($page),*];
        $(#[test] fn $test() { check($page); })*
    };
}

pages_with_samples! {
    the_samples_of_readme = "README.md"
    the_samples_of_guide = "docs/guide.md"
    the_samples_of_security = "docs/security.md"
    the_samples_of_reference = "docs/reference.md"
    the_samples_of_callers = "docs/callers.md"
    the_samples_of_troubleshooting = "docs/troubleshooting.md"
}

#[test]
fn every_page_with_samples_is_run() {
    for page in pages::all() {
        let has_samples = page.blocks().iter().any(|block| block.language == "console");
        assert!(!has_samples || TESTED.contains(&page.name.as_str()), "{} is not run by any test", page.name);
    }
}

fn check(name: &str) {
    let page = Page::read(name);
    let bless = std::env::var_os("TWOLOCK_DOCS_BLESS").is_some();
    let (mut wrong, mut blessed) = (Vec::new(), page.text.lines().map(String::from).collect::<Vec<_>>());
    // From the last to the first, so that the lines above stay where they are.
    for block in page.blocks().into_iter().rev().filter(|block| block.language == "console") {
        let sample = Sample::of(&block);
        let real = Scene::of(&block).map(|scene| play(&sample, &scene));
        match real {
            Err(why) => wrong.push(format!("{name}:{}: {why}", block.line)),
            Ok(outputs) if squeezed(&outputs) == squeezed(&sample.outputs) => {}
            Ok(outputs) if bless => {
                blessed.splice(block.line..block.line + block.lines.len(), sample.rendered(&outputs));
            }
            Ok(outputs) => {
                let (says, real) = (block.lines.join("\n"), sample.rendered(&outputs).join("\n"));
                wrong.push(format!("{name}:{}: the page says\n{says}\n\nand in truth it is\n{real}\n", block.line));
            }
        }
    }
    if bless {
        std::fs::write(pages::root().join(name), blessed.join("\n") + "\n").unwrap();
    }
    wrong.reverse();
    let how = "TWOLOCK_DOCS_BLESS=1 cargo test --all-features --test docs writes the real output";
    assert!(wrong.is_empty(), "{}\n{how}", wrong.join("\n"));
}

impl Sample {
    fn of(block: &Block) -> Self {
        let mut sample = Self { commands: Vec::new(), outputs: Vec::new(), apart: Vec::new() };
        let mut above = "";
        for line in &block.lines {
            if let Some(command) = line.strip_prefix("$ ") {
                sample.commands.push(command.to_owned());
                sample.outputs.push(String::new());
                sample.apart.push(above.is_empty() && sample.commands.len() > 1);
            } else if let Some(output) = sample.outputs.last_mut() {
                *output += &format!("{line}\n");
            }
            above = line;
        }
        sample.outputs.iter_mut().for_each(|output| *output = output.trim_end().to_owned());
        sample
    }

    /// The lines of the block with these outputs.
    fn rendered(&self, outputs: &[String]) -> Vec<String> {
        let mut lines = Vec::new();
        for ((command, output), apart) in self.commands.iter().zip(outputs).zip(&self.apart) {
            lines.extend(apart.then(String::new));
            lines.push(format!("$ {command}"));
            lines.extend(output.lines().map(String::from));
        }
        lines
    }

    fn script(&self, setup: &str) -> String {
        let mark = |command: &String| format!("printf '\\001'\n{command}\n");
        format!("{{ :\n{setup}\n}} >/dev/null 2>&1 </dev/null\n{}", self.commands.iter().map(mark).collect::<String>())
            + "printf '\\001'\n"
    }
}

/// Runs a block and returns what each command printed.
fn play(sample: &Sample, scene: &Scene) -> Vec<String> {
    let stage = Stage::new(scene.preparation);
    let desktop = stage.prepare(scene.preparation);
    let mut script = sample.script(&scene.setup);
    if !scene.terminal {
        script = format!("exec 2>&1\n{script}");
    }
    stage.world.write("sample.sh", &script);
    let mut command = stage.command(desktop.as_ref());
    // Sourced, so that the caller which questions name is a shell, as it is for people.
    command.args(["-c", ". ./sample.sh"]);
    let text = if scene.terminal {
        on_terminal(Terminal::start_in_full(command), &stage, scene, sample.commands.len() + 1)
    } else {
        without_terminal(&mut command);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let outputs: Vec<String> = text.split(MARK).skip(1).map(|part| stage.tidy(part).trim_end().to_owned()).collect();
    assert_eq!(outputs.len(), sample.commands.len() + 1, "{text:?}");
    outputs[..sample.commands.len()].to_vec()
}

/// Answers what is asked until the last mark is there; the codes that were typed become the one of the samples.
fn on_terminal(mut terminal: Terminal, stage: &Stage, scene: &Scene, marks: usize) -> String {
    let (end, mut answered, mut codes) = (Instant::now() + HANG, 0, Vec::<String>::new());
    let mut answers = scene.answers.iter();
    let mut answer = answers.next();
    loop {
        let shown = terminal.shown();
        if shown.matches(MARK).count() == marks {
            let _ = terminal.end();
            return codes
                .iter()
                .filter(|code| !code.is_empty())
                .fold(shown, |text, code| text.replace(code.as_str(), CODE));
        }
        assert!(Instant::now() < end, "hangs: {shown:?}");
        let question = &shown[answered..];
        if question.ends_with("[y/N] ") {
            answered = shown.len();
            terminal.types(&format!("{}\n", answer.expect("a marker has one answer at least")));
            answer = answers.next().or(answer);
        } else if let Some(typed) = typed(question) {
            answered = shown.len();
            terminal.types(&format!("{typed}\n"));
        } else if question.contains("MFA code for ") && question.ends_with("): ") {
            answered = shown.len();
            if let Some(code) = stage.code(scene.code, codes.len()) {
                terminal.types(&format!("{code}\n"));
                codes.push(code);
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Columns are as wide as their widest cell, and a time left may be one second from another width.
fn squeezed(outputs: &[String]) -> Vec<Vec<Vec<String>>> {
    let words = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<_>>();
    outputs.iter().map(|output| output.lines().map(words).collect()).collect()
}

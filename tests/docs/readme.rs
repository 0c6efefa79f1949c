//! README stays short and narrow, and names every verb.

use clap::CommandFactory;
use twolock::Cli;

use crate::pages::{self, Page};

const MOST_LINES: usize = 150;
const MOST_COLUMNS: usize = 120;

#[test]
fn the_readme_is_at_most_150_lines_of_at_most_120_characters() {
    let page = Page::read("README.md");
    assert!(page.text.lines().count() <= MOST_LINES, "{} lines", page.text.lines().count());
    for (at, line) in page.text.lines().enumerate() {
        assert!(line.chars().count() <= MOST_COLUMNS, "README.md:{}: {} characters", at + 1, line.chars().count());
    }
}

#[test]
fn the_readme_lists_the_verbs_of_the_help_and_no_others() {
    let listed = verbs_of(&Page::read("README.md").section("The verbs"));
    let mut built = Vec::new();
    for command in Cli::command().get_subcommands().filter(|it| !it.is_hide_set() && it.get_name() != "sandbox") {
        let groups = ["profile", "key", "mfa", "settings"];
        match groups.contains(&command.get_name()) {
            true => built
                .extend(command.get_subcommands().map(|verb| format!("{} {}", command.get_name(), verb.get_name()))),
            false => built.push(command.get_name().to_owned()),
        }
    }
    for verb in &built {
        assert!(listed.contains(verb), "README.md does not list `{verb}`, but {listed:?}");
    }
    for verb in &listed {
        assert!(built.contains(verb), "README.md lists `{verb}`, which is not in --help");
    }
}

/// The verbs in the first cells of a table: `profile set NAME KEY VALUE`, `settings list`, …; a group's name is given once.
fn verbs_of(table: &str) -> Vec<String> {
    let mut verbs = Vec::new();
    for cell in pages::first_cells(table) {
        let mut group = None;
        for span in cell.split('`').filter(|span| span.starts_with(|c: char| c.is_ascii_lowercase())) {
            let words: Vec<&str> = span.split_whitespace().take_while(|word| is_verb(word)).collect();
            match (words.as_slice(), group) {
                (["profile" | "key" | "mfa" | "settings", verb, ..], _) => {
                    group = Some(words[0]);
                    verbs.push(format!("{} {verb}", words[0]));
                }
                ([verb, ..], Some(group)) => verbs.push(format!("{group} {verb}")),
                ([verb, ..], None) => verbs.push((*verb).to_owned()),
                ([], _) => {}
            }
        }
    }
    verbs.retain(|verb| verb != "twolock");
    verbs
}

fn is_verb(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

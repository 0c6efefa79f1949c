//! Every command of ours that a page names is one the program takes: verbs, arguments and flags, by its own parser.

use clap::CommandFactory;
use clap::error::ErrorKind;
use twolock::Cli;

use crate::pages::{self, Page};

/// Flags of other programs that pages name.
const OTHERS_FLAGS: [&str; 2] = ["--profile", "--long"];

/// Commands as other programs' files hold them, or with a part left out.
const ABRIDGED: char = '…';

#[test]
fn every_command_that_is_named_is_parsed() {
    let mut wrong = Vec::new();
    for page in pages::all() {
        for (line, command) in commands(&page) {
            if let Err(why) = parse(&command) {
                wrong.push(format!("{}:{line}: `{command}`: {why}", page.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_flag_that_is_named_alone_is_a_flag_of_some_command() {
    let known = flags(&Cli::command());
    for page in pages::all() {
        for (line, span) in page.spans() {
            let Some(flag) = span.split([' ', '=']).next().filter(|flag| flag.starts_with("--") && flag.len() > 2)
            else {
                continue;
            };
            assert!(known.contains(flag) || OTHERS_FLAGS.contains(&flag), "{}:{line}: {flag}", page.name);
        }
    }
}

#[test]
fn a_command_that_does_not_exist_is_noticed() {
    assert!(parse("twolock profile adpot work").is_err());
    assert!(parse("twolock login work --quick").is_err());
    assert!(parse("twolock login work --fresh").is_ok());
    let page = Page {
        name: "x.md".into(),
        text: "See `twolock status` or\n```sh\neval \"$(twolock env work)\"\n```\n".into(),
    };
    let found: Vec<String> = commands(&page).into_iter().map(|(_, command)| command).collect();
    assert_eq!(found, ["twolock status", "twolock env work"]);
}

/// What pages tell people to type: in backticks, and in blocks of shell and transcripts.
fn commands(page: &Page) -> Vec<(usize, String)> {
    let spans = page.spans().into_iter().filter(|(_, span)| span.starts_with("twolock "));
    let in_blocks = page.blocks().into_iter().flat_map(|block| {
        let typed = |line: &String| match block.language.as_str() {
            "console" => line.strip_prefix("$ ").map(String::from),
            "sh" | "zsh" | "fish" | "powershell" => Some(line.clone()),
            _ => None,
        };
        block.lines.iter().filter_map(typed).map(move |line| (block.line, line)).collect::<Vec<_>>()
    });
    let all = spans.chain(in_blocks);
    all.flat_map(|(at, line)| in_line(&line).into_iter().map(move |command| (at, command))).collect()
}

/// The calls of twolock in one line of shell, each to its end.
fn in_line(line: &str) -> Vec<String> {
    let line = line.split(" #").next().unwrap_or_default();
    let starts = line.match_indices("twolock ").filter(|(at, _)| {
        let before = line[..*at].chars().next_back();
        before.is_none_or(|c| " (`".contains(c)) && !line[..*at].ends_with("for ")
    });
    let cut = |(at, _): (usize, &str)| {
        let rest = &line[at..];
        let end = [")", " | ", " && ", "; ", " > ", " < ", " 2>", "`"].iter().filter_map(|stop| rest.find(stop)).min();
        rest[..end.unwrap_or(rest.len())].trim().to_owned()
    };
    starts.map(cut).collect()
}

fn parse(command: &str) -> Result<(), String> {
    if command.contains(ABRIDGED) {
        return Ok(());
    }
    let words = shlex::split(command).ok_or("an open quote")?;
    if !cfg!(feature = "sandbox") && words.get(1).is_some_and(|verb| verb == "sandbox") {
        return Ok(());
    }
    let words = words.into_iter().skip(1).map(Into::into).collect();
    match Cli::read(words).map_err(|e| (e.kind(), e.to_string())) {
        Ok(_) => Ok(()),
        Err((ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, _)) => Ok(()),
        Err((ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, _)) => Ok(()),
        Err((_, text)) => Err(text.lines().next().unwrap_or_default().to_owned()),
    }
}

/// Every long flag of a command and those below it.
fn flags(command: &clap::Command) -> std::collections::BTreeSet<String> {
    let own = command.get_arguments().filter_map(|argument| argument.get_long()).map(|long| format!("--{long}"));
    let below = command.get_subcommands().flat_map(flags);
    own.chain(below).chain(["--help".to_owned(), "--version".to_owned()]).collect()
}

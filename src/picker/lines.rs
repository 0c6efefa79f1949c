//! The picker of a terminal that cannot be drawn on: a numbered list, and a line to answer on.

use std::fmt::Write as _;

use crate::picker::matching::{Choices, Search};
use crate::system::clock::Deadline;
use crate::system::terminal::{Line, Terminal, Unusable, without_paste_marks};
use crate::text::visible::visible;
use crate::text::width::{columns, cut_middle};

const MOST_LINES: usize = 15;

/// A number selects that name, text filters the list, an empty line cancels.
pub fn pick(
    terminal: &Terminal,
    choices: &Choices<'_>,
    mut search: Search,
    filter: &str,
    until: Deadline,
) -> Result<Option<usize>, Unusable> {
    let (mut filter, mut found) = (filter.to_owned(), Vec::new());
    terminal.discard_input();
    loop {
        search.find(&filter, &mut found);
        let text = list(choices, &found, terminal.width().saturating_sub(1));
        terminal.write(&text).map_err(|_| Unusable::Gone)?;
        match terminal.read_line(until) {
            Line::Text(typed) => match answer(without_paste_marks(&typed).expose().trim(), choices, &found) {
                Answer::Selected(at) => return Ok(Some(at)),
                Answer::Cancelled => return Ok(None),
                Answer::Filter(text) => filter = text,
            },
            Line::Resumed => terminal.check()?,
            Line::TooLong => {}
            Line::End => {
                let _ = terminal.write("\n");
                return Ok(None);
            }
            Line::TimedOut => return Ok(None),
            Line::Lost(why) => return Err(why),
        }
    }
}

fn list(choices: &Choices<'_>, found: &[u32], width: usize) -> String {
    let mut text = String::new();
    for (&at, number) in found.iter().zip(1..=MOST_LINES) {
        let start = format!("{number:>3} ");
        let name = visible(&choices.names[at as usize]);
        let line = format!("{name}  {}", visible(&(choices.detail)(at as usize)));
        let _ = writeln!(text, "{start}{}", cut_middle(line.trim_end(), width.saturating_sub(columns(&start))));
    }
    match found.len() {
        0 => text += "no match\n",
        all if all > MOST_LINES => text += &format!("    and {} more\n", all - MOST_LINES),
        _ => {}
    }
    text + &format!("{}: enter a number, or part of a name: ", choices.what)
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Selected(usize),
    Cancelled,
    Filter(String),
}

fn answer(typed: &str, choices: &Choices<'_>, found: &[u32]) -> Answer {
    if typed.is_empty() {
        return Answer::Cancelled;
    }
    let by_number = typed.parse::<usize>().ok().filter(|number| *number <= MOST_LINES);
    let by_number = by_number.and_then(|number| found.get(number.checked_sub(1)?)).map(|&at| at as usize);
    let by_name = || choices.names.iter().position(|name| name == typed);
    by_number.or_else(by_name).map_or_else(|| Answer::Filter(typed.to_owned()), Answer::Selected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_a_name_or_a_part_of_one() {
        let names = ["base", "prod", "prod-eu", "7"].map(String::from);
        let detail = |at: usize| format!("role {at}");
        let choices = Choices { what: "profile", names: &names, weights: &[], detail: &detail };
        let found = [2, 0];
        assert_eq!(
            list(&choices, &found, 79),
            "  1 prod-eu  role 2\n  2 base  role 0\nprofile: enter a number, or part of a name: "
        );
        for (typed, expected) in [
            ("1", Answer::Selected(2)),
            ("2", Answer::Selected(0)),
            ("3", Answer::Filter("3".into())),
            ("0", Answer::Filter("0".into())),
            ("7", Answer::Selected(3)),
            ("prod", Answer::Selected(1)),
            ("pro", Answer::Filter("pro".into())),
            ("", Answer::Cancelled),
            ("99999999999999999999", Answer::Filter("99999999999999999999".into())),
        ] {
            assert_eq!(answer(typed, &choices, &found), expected, "{typed}");
        }
        assert!(list(&choices, &[], 79).starts_with("no match\n"));
        let many: Vec<u32> = [0, 1].repeat(20);
        assert!(list(&choices, &many, 79).contains("\n    and 25 more\n"));
    }
}

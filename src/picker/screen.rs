//! The picker drawn on the terminal: an input line and the matching names below.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::picker::matching::{Choices, LONGEST_FILTER, Search};
use crate::system::clock::Deadline;
use crate::system::signals;
use crate::system::terminal::keys::{Key, KeyEvent};
use crate::system::terminal::{Terminal, Unusable};
use crate::text::visible::visible;
use crate::text::width::{columns, cut_middle, padded};

const MOST_ROWS: usize = 15;
/// With fewer columns left in a row, details are omitted: half an account id is useless.
const LEAST_DETAIL: usize = 16;
/// From this width on, long names are cut to leave space for details.
const WIDE: usize = 60;

/// From the cursor's line to the end of the screen.
const ERASE: &str = "\r\x1b[J";

pub fn pick(
    terminal: &Terminal,
    choices: &Choices<'_>,
    search: Search,
    filter: &str,
    styled: bool,
    until: Deadline,
) -> Result<Option<usize>, Unusable> {
    let drawing = Arc::new(Mutex::new(()));
    let for_exit_hook = Arc::clone(&drawing);
    // registered before the terminal modes change, so it runs after they are restored
    let _exit_hook = signals::on_termination(move || leave(&for_exit_hook));
    let mut keys = terminal.keys()?;
    let mut drawn = Drawn { terminal, drawing, width: None };
    let mut state = State::new(choices, search, filter);
    loop {
        drawn.show(&mut state, styled)?;
        match keys.next(until) {
            KeyEvent::Key(key) => match state.handle(key) {
                Handled::Selected(at) => return Ok(Some(at)),
                Handled::Cancelled => return Ok(None),
                Handled::Continue => {}
            },
            KeyEvent::Resized => drawn.erase(),
            KeyEvent::Stop => {
                drawn.erase();
                keys.stop().inspect_err(|_| drawn.width = None)?;
            }
            KeyEvent::Resumed => {}
            KeyEvent::TimedOut => return Ok(None),
            KeyEvent::Lost(why) => return Err(why),
        }
    }
}

/// The exit hook, when a signal ends the process: erases the picker and blocks further drawing.
fn leave(drawing: &Mutex<()>) {
    let held = held(drawing);
    if let Ok(terminal) = Terminal::open() {
        let _ = terminal.write(ERASE);
    }
    std::mem::forget(held);
}

fn held(drawing: &Mutex<()>) -> MutexGuard<'_, ()> {
    drawing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is on the screen, with the cursor in its first line; erased on drop.
struct Drawn<'a> {
    terminal: &'a Terminal,
    /// Held while the screen changes.
    drawing: Arc<Mutex<()>>,
    /// The width of the first line; none if nothing is drawn.
    width: Option<usize>,
}

impl Drawn<'_> {
    fn show(&mut self, state: &mut State, styled: bool) -> Result<(), Unusable> {
        let (width, height) = (self.terminal.width(), self.terminal.height());
        let view = state.view(width, height);
        let mut text = String::from("\r");
        for (row, selected) in &view.rows {
            let (on, off) = if *selected && styled { ("\x1b[7m", "\x1b[0m") } else { ("", "") };
            text += &format!("\n{on}{row}{off}\x1b[K");
        }
        // erase the rest of a longer list, then go back to the input line
        text += &format!("\x1b[J\x1b[{}A\r{}\x1b[K", view.rows.len(), view.line);
        let _held = held(&self.drawing);
        self.terminal.write(&text).map_err(|_| Unusable::Gone)?;
        self.width = Some(columns(&view.line));
        Ok(())
    }

    /// A terminal that became narrower wraps lines again, so the first line may take several rows.
    fn erase(&mut self) {
        let _held = held(&self.drawing);
        if let Some(width) = self.width.take() {
            let above = width.saturating_sub(1) / self.terminal.width();
            let up = if above > 0 { format!("\x1b[{above}A") } else { String::new() };
            let _ = self.terminal.write(&format!("{up}{ERASE}"));
        }
    }
}

impl Drop for Drawn<'_> {
    fn drop(&mut self) {
        // in the background, this would write over the foreground program
        if matches!(self.terminal.check(), Ok(()) | Err(Unusable::KeyByKey)) {
            self.erase();
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Handled {
    Selected(usize),
    Cancelled,
    Continue,
}

/// What to draw: printable text, no line wider than the terminal.
#[derive(Debug, PartialEq, Eq)]
struct View {
    line: String,
    /// Whether each row is the selected one.
    rows: Vec<(String, bool)>,
}

/// What was typed, and the names that match.
struct State<'a> {
    choices: &'a Choices<'a>,
    search: Search,
    filter: String,
    found: Vec<u32>,
    selected: usize,
    /// The first row shown.
    top: usize,
    /// How many rows were shown last.
    page: usize,
    details: HashMap<u32, String>,
}

impl<'a> State<'a> {
    fn new(choices: &'a Choices<'a>, search: Search, filter: &str) -> Self {
        let filter = filter.chars().filter(|c| !c.is_control()).take(LONGEST_FILTER).collect();
        let (found, details) = (Vec::new(), HashMap::new());
        let mut state = Self { choices, search, filter, found, selected: 0, top: 0, page: 1, details };
        state.narrow();
        state
    }

    fn narrow(&mut self) {
        self.search.find(&self.filter, &mut self.found);
        (self.selected, self.top) = (0, 0);
    }

    fn handle(&mut self, key: Key) -> Handled {
        let last = self.found.len().saturating_sub(1);
        match key {
            Key::Enter => match self.found.get(self.selected) {
                Some(&at) => return Handled::Selected(at as usize),
                None => return Handled::Continue,
            },
            Key::Escape | Key::End => return Handled::Cancelled,
            Key::Up => self.selected = self.selected.checked_sub(1).unwrap_or(last),
            Key::Down => self.selected = if self.selected >= last { 0 } else { self.selected + 1 },
            Key::PageUp => self.selected = self.selected.saturating_sub(self.page),
            Key::PageDown => self.selected = last.min(self.selected + self.page),
            Key::First => self.selected = 0,
            Key::Last => self.selected = last,
            Key::Text(_) | Key::Backspace | Key::EraseWord | Key::EraseLine => self.edit(key),
        }
        Handled::Continue
    }

    fn edit(&mut self, key: Key) {
        let before = self.filter.len();
        match key {
            Key::Text(c) if self.filter.chars().count() < LONGEST_FILTER => self.filter.push(c),
            Key::Backspace => drop(self.filter.pop()),
            Key::EraseWord => {
                let words = self.filter.trim_end_matches(|c: char| !c.is_alphanumeric());
                self.filter.truncate(words.trim_end_matches(char::is_alphanumeric).len());
            }
            Key::EraseLine => self.filter.clear(),
            _ => {}
        }
        if self.filter.len() != before {
            self.narrow();
        }
    }

    fn view(&mut self, width: usize, height: usize) -> View {
        // the last column stays empty: a terminal may wrap there
        let width = width.saturating_sub(1).max(1);
        self.page = MOST_ROWS.min(height.saturating_sub(1)).max(1);
        if self.selected < self.top {
            self.top = self.selected;
        }
        self.top = self.top.max((self.selected + 1).saturating_sub(self.page));
        View { line: self.line(width), rows: self.rows(width) }
    }

    fn line(&self, width: usize) -> String {
        let Choices { what, names, .. } = self.choices;
        let count = format!("{}/{}", self.found.len(), names.len());
        let starts = [format!("{what} {count}: "), format!("{count}: "), String::new()];
        let start = starts.iter().find(|start| columns(start) * 2 <= width).unwrap_or(&starts[2]);
        let shown = visible(&self.filter);
        let mut end = shown.as_str();
        while columns(end) > width - columns(start) {
            end = &end[end.chars().next().map_or(0, char::len_utf8)..];
        }
        format!("{start}{end}")
    }

    fn rows(&mut self, width: usize) -> Vec<(String, bool)> {
        let shown: Vec<u32> = self.found.iter().skip(self.top).take(self.page).copied().collect();
        if shown.is_empty() {
            return vec![(cut_middle("  no match", width), false)];
        }
        let room = width.saturating_sub(2).max(1);
        let widest = if room >= WIDE { room * 3 / 5 } else { room };
        let names: Vec<String> =
            shown.iter().map(|&at| cut_middle(&visible(&self.choices.names[at as usize]), widest)).collect();
        let column = names.iter().map(|name| columns(name)).max().unwrap_or(0);
        let left = room.saturating_sub(column + 2);
        let mut rows = Vec::with_capacity(shown.len());
        for ((&at, name), place) in shown.iter().zip(names).zip(self.top..) {
            let detail = if left < LEAST_DETAIL { String::new() } else { cut_middle(&visible(self.detail(at)), left) };
            let name = padded(&name, column + 2);
            let selected = place == self.selected;
            let row = format!("{}{name}{detail}", if selected { "> " } else { "  " });
            rows.push((row.trim_end().to_owned(), selected));
        }
        rows
    }

    fn detail(&mut self, at: u32) -> &str {
        self.details.entry(at).or_insert_with(|| (self.choices.detail)(at as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    fn with<T>(names: &[String], weights: &[u64], filter: &str, test: impl FnOnce(&mut State) -> T) -> T {
        let detail = |at: usize| format!("role {at} \u{1b}[31m");
        let choices = Choices { what: "profile", names, weights, detail: &detail };
        test(&mut State::new(&choices, Search::among(names, weights), filter))
    }

    fn types(state: &mut State, text: &str) {
        text.chars().for_each(|c| assert_eq!(state.handle(Key::Text(c)), Handled::Continue));
    }

    #[test]
    fn typing_filters_and_enter_selects() {
        let names = names(&["base", "prod", "prod-eu", "staging"]);
        with(&names, &[0, 0, 7, 0], "", |state| {
            assert_eq!(
                state.view(80, 24),
                View {
                    line: "profile 4/4: ".into(),
                    rows: vec![
                        ("> prod-eu  role 2 \\u{1b}[31m".into(), true),
                        ("  base     role 0 \\u{1b}[31m".into(), false),
                        ("  prod     role 1 \\u{1b}[31m".into(), false),
                        ("  staging  role 3 \\u{1b}[31m".into(), false),
                    ]
                }
            );
            types(state, "prod");
            assert_eq!(state.view(80, 24).line, "profile 2/4: prod");
            assert_eq!(state.handle(Key::Down), Handled::Continue);
            assert_eq!(state.handle(Key::Enter), Handled::Selected(2));
            types(state, "x");
            assert_eq!(state.view(80, 24).rows, [("  no match".to_string(), false)]);
            assert_eq!(state.handle(Key::Enter), Handled::Continue);
            assert_eq!(state.handle(Key::Down), Handled::Continue);
            for (key, line) in [
                (Key::Backspace, "profile 2/4: prod"),
                (Key::EraseLine, "profile 4/4: "),
                (Key::Backspace, "profile 4/4: "),
            ] {
                state.handle(key);
                assert_eq!(state.view(80, 24).line, line);
            }
            assert_eq!((state.handle(Key::Escape), state.handle(Key::End)), (Handled::Cancelled, Handled::Cancelled));
        });
    }

    #[test]
    fn an_initial_filter_is_applied_and_words_can_be_erased() {
        with(&names(&["a"]), &[], "my pro\u{1b}d-eu ", |state| {
            assert_eq!(state.filter, "my prod-eu ");
            for left in ["my prod-", "my ", "", ""] {
                state.handle(Key::EraseWord);
                assert_eq!(state.filter, left);
            }
            types(state, &"é".repeat(LONGEST_FILTER + 9));
            assert_eq!(state.filter.chars().count(), LONGEST_FILTER);
        });
    }

    #[test]
    fn the_selection_wraps_and_stays_on_the_screen() {
        let names: Vec<String> = (0..50).map(|n| format!("p{n:02}")).collect();
        with(&names, &[], "", |state| {
            let mut selected = |keys: &[Key], height| {
                keys.iter().for_each(|&key| assert_eq!(state.handle(key), Handled::Continue));
                let rows = state.view(80, height).rows;
                assert!(rows.len() < height && rows.iter().filter(|(_, selected)| *selected).count() == 1, "{rows:?}");
                rows.iter().find(|(_, selected)| *selected).unwrap().0[2..5].to_string()
            };
            for (keys, height, expected) in [
                (&[][..], 5, "p00"),
                (&[Key::Down, Key::Down, Key::Down, Key::Down, Key::Down], 5, "p05"),
                (&[Key::Up, Key::Up, Key::Up], 5, "p02"),
                (&[Key::PageDown], 5, "p06"),
                (&[Key::PageUp, Key::PageUp], 5, "p00"),
                (&[Key::Up], 5, "p49"),
                (&[Key::Down], 5, "p00"),
                (&[Key::Last], 24, "p49"),
                (&[], 5, "p49"),
                (&[Key::PageDown, Key::First], 2, "p00"),
            ] {
                assert_eq!(selected(keys, height), expected);
            }
        });
    }

    #[test]
    fn no_line_reaches_the_last_column() {
        let long = "a-very-long-name-of-a-profile-".repeat(9);
        let names = names(&["p", &long, &"漢字".repeat(40), "\u{202e}\u{1b}[2J", "e\u{301}\u{301}", "👩🏽‍💻"]);
        for (width, height) in [(80, 24), (40, 5), (20, 3), (10, 2), (3, 1), (1, 1)] {
            for filter in ["", "a", "漢", &"x".repeat(60), &"漢".repeat(60)] {
                with(&names, &[], filter, |state| {
                    let view = state.view(width, height);
                    for line in view.rows.iter().map(|(row, _)| row).chain([&view.line]) {
                        assert!(columns(line) < width.max(4), "{width}: {} columns: {line}", columns(line));
                        assert!(!line.chars().any(char::is_control), "{line:?}");
                    }
                });
            }
        }
    }

    #[test]
    fn details_are_aligned_for_names_in_any_script() {
        let names = names(&["本番-eu", "prod-eu", "gro\u{308}ße", "🦀"]);
        with(&names, &[], "", |state| {
            let rows = state.view(80, 24).rows;
            let before: Vec<usize> = rows.iter().map(|(row, _)| columns(row.split("role").next().unwrap())).collect();
            assert_eq!(before, [11; 4], "{rows:?}");
        });
    }

    #[test]
    fn a_narrow_terminal_shows_names_rather_than_details() {
        let rows = |list: &[&str], width| with(&names(list), &[], "", |state| state.view(width, 24).rows[0].0.clone());
        assert_eq!(rows(&["team42-service00333-prod"], 40), "> team42-service00333-prod");
        assert_eq!(rows(&["short"], 40), "> short  role 0 \\u{1b}[31m");
        let long = "name".repeat(30);
        assert_eq!(rows(&[&long], 80), format!("> {}…{}  role 0 \\u{{1b}}[31m", &long[..23], &long[long.len() - 22..]));
    }

    #[test]
    fn details_are_computed_once_and_only_for_shown_rows() {
        let names: Vec<String> = (0..1_000).map(|n| format!("p{n}")).collect();
        let asked = std::cell::Cell::new(0);
        let detail = |_: usize| {
            asked.set(asked.get() + 1);
            String::from("role")
        };
        let choices = Choices { what: "profile", names: &names, weights: &[], detail: &detail };
        let mut state = State::new(&choices, Search::among(&names, &[]), "");
        state.view(80, 24);
        state.view(80, 24);
        assert_eq!(asked.get(), MOST_ROWS);
    }
}

//! The question on the controlling terminal. Its rules:
//!
//! - We ask on the terminal we open ourselves. Standard input, output and error belong to the caller, who may capture
//!   them and show them to nobody.
//! - Without a terminal, in its background, or beside a program that reads it key by key, we fail at once and ask
//!   nobody; we are never stopped for touching it.
//! - The question is one line of at most 80 columns. Account and device come from the values that will be sent;
//!   everything else in it is foreign, is made visible, and gives way when the line is full.
//! - One question at a time: another process that asks on this terminal is waited for.
//! - The terminal keeps its settings. The code is read as a line, with the terminal's own editing and echo: it is
//!   worthless a moment later, and nothing can leave the terminal mute.
//! - What was typed before the question is no answer to it, and what was typed after the answer is not left for the
//!   shell: both are dropped.
//! - Enter sends; end of input cancels, and an empty line below a notice that says so. A code of the wrong form is asked
//!   again, without counting.
//! - After ^Z and `fg` the question is shown again. ^C is the signal's business (`system/signals.rs`).
//! - When it is over, the question is erased. A terminal that cannot erase (`TERM=dumb`) keeps it, and sees no notes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Failure, Kind};
use crate::names::MfaCode;
use crate::prompt::{AskError, CodeSource, Question};
use crate::system::clock::Deadline;
use crate::system::env::Env;
use crate::system::signals;
use crate::system::terminal::{Line, Terminal, Unusable, allows_styles, without_paste_marks};
use crate::system::turn::{self, Taken, Turn};
use crate::text::style::bold;
use crate::text::visible::visible;
use crate::text::width::{columns, cut_middle};

/// Widest question, in columns.
const WIDEST: usize = 80;
const NOT_A_CODE: &str = "not a six-digit code; an empty line cancels";
const EMPTY: &str = "no code was typed; another empty line cancels";

const ERASE_LINE: &str = "\r\x1b[2K";
const ERASE_LINE_ABOVE: &str = "\x1b[A\x1b[2K";

/// A person at the controlling terminal.
pub struct TerminalSource {
    can_erase: bool,
    is_styled: bool,
    /// Where processes say that they ask on a terminal; none if we may not write there.
    turns: Option<PathBuf>,
    /// Whether a note is shown: the exit hook that erases it.
    noted: Mutex<Option<signals::ExitHook>>,
}

impl TerminalSource {
    /// Prepares to ask; nothing is opened before. `turns`: the directory in which processes take turns on a terminal.
    pub fn new(env: &Env, turns: Option<&Path>) -> Self {
        let can_erase = env.text("TERM") != Some("dumb");
        Self { can_erase, is_styled: allows_styles(env), turns: turns.map(Path::to_owned), noted: Mutex::new(None) }
    }

    fn turn(&self, terminal: &Terminal, until: Deadline) -> Result<Option<Turn>, AskError> {
        let Some(directory) = &self.turns else { return Ok(None) };
        let turn = Turn::wait(terminal, directory, until).map_err(|Taken(holder)| {
            let cause = format!("gave up waiting for {holder}, which is asking for a code on this terminal");
            AskError::Failed(Failure::new(Kind::Busy, cause).hint("enter that code, then run this again"))
        })?;
        terminal.check().map_err(nobody)?;
        Ok(Some(turn))
    }
}

impl CodeSource for TerminalSource {
    fn ask(&self, question: &Question, until: Deadline) -> Result<MfaCode, AskError> {
        self.note("");
        let terminal = Terminal::open().map_err(nobody)?;
        let turn = self.turn(&terminal, until)?;
        let can_erase = self.can_erase;
        let mut shown = Shown { terminal: &terminal, can_erase, rows_above: None, for_exit_hook: Arc::default() };
        let above = Arc::clone(&shown.for_exit_hook);
        let release = turn.as_ref().map(Turn::release_at_exit);
        let _exit_hook = signals::on_termination(move || {
            leave(can_erase, *held(&above));
            release.into_iter().for_each(|release| release());
        });
        let line = question_line(question);
        let (line, styled) = (line.plain(), line.styled(self.is_styled));
        let mut notice = question.notice.as_deref().map(visible);
        let mut is_told_how_to_cancel = false;
        loop {
            shown.show(notice.as_deref(), &styled, columns(&line))?;
            match terminal.read_line(until) {
                Line::Text(typed) => {
                    shown.answered(&line, columns(typed.expose()));
                    let typed = without_paste_marks(&typed);
                    if let Some(code) = MfaCode::parse(typed.expose()) {
                        return Ok(code);
                    }
                    let is_empty = typed.expose().trim().is_empty();
                    if is_empty && is_told_how_to_cancel {
                        return Err(AskError::Cancelled);
                    }
                    is_told_how_to_cancel = true;
                    notice = Some(if is_empty { EMPTY } else { NOT_A_CODE }.into());
                }
                Line::TooLong => {
                    shown.answered(&line, 0);
                    is_told_how_to_cancel = true;
                    notice = Some(NOT_A_CODE.into());
                }
                Line::Resumed => {
                    terminal.check().map_err(nobody)?;
                    shown.rows_above = None;
                }
                Line::End => return Err(AskError::Cancelled),
                Line::TimedOut => return Err(AskError::TimedOut),
                Line::Lost(why) => return Err(nobody(why)),
            }
        }
    }

    fn can_ask_again(&self) -> bool {
        true
    }

    fn is_person(&self) -> bool {
        true
    }

    fn note(&self, text: &str) {
        let mut noted = held(&self.noted);
        if !self.can_erase || text.is_empty() && noted.is_none() {
            return;
        }
        let Ok(terminal) = Terminal::open() else { return };
        if self.turns.as_ref().is_some_and(|directory| turn::is_taken(&terminal, directory)) {
            return;
        }
        // room for the `^C` a terminal echoes, which would wrap and leave the note behind
        let note = cut_middle(&visible(text), terminal.width().min(WIDEST).saturating_sub(3));
        if terminal.write(&format!("{ERASE_LINE}{note}")).is_ok() && !text.is_empty() {
            noted.get_or_insert_with(|| signals::on_termination(|| leave(true, 0)));
        } else {
            *noted = None;
        }
    }
}

impl Drop for TerminalSource {
    fn drop(&mut self) {
        self.note("");
    }
}

fn nobody(why: Unusable) -> AskError {
    AskError::Nobody(why.to_string())
}

/// The exit hook: what is done when a signal ends us at the question: as if it had never been asked.
fn leave(can_erase: bool, above: usize) {
    if let Ok(terminal) = Terminal::open() {
        terminal.discard_input();
        let erased = format!("{ERASE_LINE}{}", ERASE_LINE_ABOVE.repeat(above));
        let _ = terminal.write(if can_erase { &erased } else { "\n" });
    }
}

/// The question on the screen; erased on drop, with whatever was typed.
struct Shown<'a> {
    terminal: &'a Terminal,
    can_erase: bool,
    /// Rows of ours above the cursor's; none if nothing of ours is on the screen.
    rows_above: Option<usize>,
    /// The same for the thread of exit hooks, held while the screen changes.
    for_exit_hook: Arc<Mutex<usize>>,
}

impl Shown<'_> {
    fn show(&mut self, notice: Option<&str>, question: &str, question_columns: usize) -> Result<(), AskError> {
        let width = self.terminal.width();
        let mut text = String::from(if self.can_erase { ERASE_LINE } else { "" });
        let mut above = rows(question_columns, width) - 1;
        if let Some(notice) = notice {
            let _ = writeln!(text, "{notice}");
            above += rows(columns(notice), width);
        }
        text.push_str(question);
        let mut for_exit_hook = held(&self.for_exit_hook);
        self.terminal.discard_input();
        self.terminal.write(&text).map_err(|_| nobody(Unusable::Gone))?;
        self.rows_above = Some(above);
        *for_exit_hook = above;
        Ok(())
    }

    /// The line was sent: the cursor is below it, and the answer may have wrapped.
    fn answered(&mut self, question: &str, typed: usize) {
        let width = self.terminal.width();
        let wrapped = rows(columns(question) + typed, width) - rows(columns(question), width);
        self.erase(1 + wrapped);
    }

    fn erase(&mut self, more_rows: usize) {
        let mut for_exit_hook = held(&self.for_exit_hook);
        *for_exit_hook = 0;
        if let Some(above) = self.rows_above.take()
            && self.can_erase
        {
            let _ = self.terminal.write(&format!("{ERASE_LINE}{}", ERASE_LINE_ABOVE.repeat(above + more_rows)));
        }
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        // from the background we would take away the typing, and write on the screen, of whoever is in front now
        if self.terminal.check().is_err() {
            return;
        }
        self.terminal.discard_input();
        if self.rows_above.is_some() && !self.can_erase {
            let _ = self.terminal.write("\n");
        }
        self.erase(0);
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn rows(columns: usize, width: usize) -> usize {
    columns.div_ceil(width).max(1)
}

/// How much of the asker is said, and the widest that profile and device, and endpoint, may be: tried until one fits.
const FITS: [(Asker, usize, usize); 10] = [
    (Asker::Whole, WIDEST, WIDEST),
    (Asker::Name, WIDEST, WIDEST),
    (Asker::Whole, 24, 40),
    (Asker::Name, 24, 40),
    (Asker::Name, 18, 32),
    (Asker::Name, 14, 24),
    (Asker::Nobody, 20, 28),
    (Asker::Nobody, 14, 24),
    (Asker::Nobody, 10, 20),
    (Asker::Nobody, 6, 11),
];

#[derive(Clone, Copy)]
enum Asker {
    Whole,
    Name,
    Nobody,
}

/// The question in one line, in two parts with the profile between them.
struct QuestionLine {
    before: String,
    profile: String,
    after: String,
}

impl QuestionLine {
    fn plain(&self) -> String {
        self.styled(false)
    }

    /// With the profile in bold, if styles are wanted.
    fn styled(&self, is_styled: bool) -> String {
        format!("{}{}{}", self.before, bold(&self.profile, is_styled), self.after)
    }
}

/// The question in one line, without styles.
pub(super) fn one_line(question: &Question) -> String {
    question_line(question).plain()
}

fn question_line(question: &Question) -> QuestionLine {
    let lines = FITS.iter().map(|&(asker, name, endpoint)| compose(question, asker, name, endpoint));
    let fits = |line: &QuestionLine| columns(&line.plain()) <= WIDEST;
    lines.reduce(|kept, next| if fits(&kept) { kept } else { next }).expect("the table is not empty")
}

/// `MFA code for 123456789012 (prod, device ana; for terraform, pid 4242): `
fn compose(question: &Question, asker: Asker, name: usize, endpoint: usize) -> QuestionLine {
    let account = question.account.as_ref().map(|account| account.as_str());
    let before = match (&question.foreign_endpoint, account) {
        (Some(host), account) => {
            let account = account.map(|account| format!("{account}, ")).unwrap_or_default();
            format!("MFA code for STS at {}, not AWS ({account}", cut_middle(&visible(host), endpoint))
        }
        (None, Some(account)) => format!("MFA code for {account} ("),
        (None, None) => "MFA code (".into(),
    };
    let device = question.device.name().unwrap_or(question.device.as_str());
    let mut after = format!(", device {}", cut_middle(&visible(device), name));
    if let Some(text) = question.asker.as_deref() {
        let whole = visible(text);
        let program = whole.rsplit_once(", pid ").map_or(whole.as_str(), |(program, _)| program);
        let _ = match asker {
            Asker::Whole => write!(after, "; for {whole}"),
            Asker::Name => write!(after, "; for {program}"),
            Asker::Nobody => Ok(()),
        };
    }
    QuestionLine { before, profile: profile_of(question, name), after: after + "): " }
}

/// A profile's name may be any text: one that could pass for other parts of the question is quoted.
pub(super) fn profile_of(question: &Question, widest: usize) -> String {
    let name = visible(question.profile.as_str());
    if question.profile.is_read_by_every_sdk() {
        return cut_middle(&name, widest);
    }
    format!("'{}'", cut_middle(&name.replace('\'', "\\'"), widest.saturating_sub(2)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arn::{AccountId, MfaSerial};
    use crate::names::ProfileName;

    fn question(profile: &str, device: &str, asker: &str, endpoint: &str) -> Question {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Question {
            account: AccountId::parse("123456789012"),
            profile: ProfileName::parse(profile).unwrap(),
            device: MfaSerial::parse(device).unwrap(),
            asker: some(asker),
            foreign_endpoint: some(endpoint),
            notice: None,
            closed_dialog: None,
        }
    }

    const ANA: &str = "arn:aws:iam::123456789012:mfa/ana";

    #[test]
    fn the_question_names_account_profile_device_asker_and_endpoint() {
        for (profile, device, asker, endpoint, line) in [
            ("prod", ANA, "", "", "MFA code for 123456789012 (prod, device ana): "),
            (
                "prod",
                ANA,
                "terraform, pid 4242",
                "",
                "MFA code for 123456789012 (prod, device ana; for terraform, pid 4242): ",
            ),
            ("prod", "GAHT12345678", "", "", "MFA code for 123456789012 (prod, device GAHT12345678): "),
            (
                "prod",
                ANA,
                "",
                "127.0.0.1:45661",
                "MFA code for STS at 127.0.0.1:45661, not AWS (123456789012, prod, device ana): ",
            ),
            (
                "production-admin",
                "arn:aws:iam::123456789012:mfa/ana.maria",
                "terraform, pid 4242",
                "",
                "MFA code for 123456789012 (production-admin, device ana.maria; for terraform): ",
            ),
            (
                "a, device boss; for me",
                ANA,
                "",
                "",
                "MFA code for 123456789012 ('a, device boss; for me', device ana): ",
            ),
            ("x\u{202e}y", ANA, "", "", "MFA code for 123456789012 ('x\\u{202e}y', device ana): "),
        ] {
            assert_eq!(question_line(&question(profile, device, asker, endpoint)).plain(), line);
        }
        let mut nowhere = question("prod", "GAHT12345678", "", "");
        nowhere.account = None;
        assert_eq!(question_line(&nowhere).plain(), "MFA code (prod, device GAHT12345678): ");
    }

    #[test]
    fn no_question_is_wider_than_80_columns() {
        let long = format!("arn:aws:iam::123456789012:mfa/{}", "d".repeat(200));
        for profile in ["p", "a-profile-of-twenty-five", &"p".repeat(500), &"漢".repeat(100), &"\u{202e}".repeat(80)] {
            for device in [ANA, &long] {
                for asker in ["", "terraform, pid 4242", "aaaaaaaaaaaaaaaaaaaa, pid 4194304", &"z".repeat(300)] {
                    for endpoint in ["", "127.0.0.1:4566", "localstack.internal.example.com:4566", &"h".repeat(250)] {
                        let line = question_line(&question(profile, device, asker, endpoint)).plain();
                        assert!(columns(&line) <= WIDEST, "{} columns: {line}", columns(&line));
                        assert!(line.contains("123456789012") && line.contains("device "), "{line}");
                        assert_eq!(line.contains("not AWS"), !endpoint.is_empty(), "{line}");
                    }
                }
            }
        }
    }

    #[test]
    fn escapes_from_outside_never_reach_the_terminal() {
        let mut hostile = question("prod", ANA, "\u{1b}]0;x\u{7}evil, pid 1", "host\u{1b}[2J\r\n");
        let line = question_line(&hostile).plain();
        assert!(!line.chars().any(char::is_control), "{line:?}");
        hostile.foreign_endpoint = None;
        assert!(question_line(&hostile).plain().contains("\\u{1b}]0;x"), "shown, not hidden");
    }

    #[test]
    fn the_profile_is_bold_where_styles_are_wanted() {
        let line = question_line(&question("prod", ANA, "", ""));
        assert_eq!(line.styled(true), "MFA code for 123456789012 (\x1b[1mprod\x1b[0m, device ana): ");
        assert_eq!(line.styled(false), line.plain());
    }

    #[test]
    fn rows_are_counted_as_the_terminal_wraps() {
        for (columns, width, expected) in [(0, 80, 1), (80, 80, 1), (81, 80, 2), (79, 40, 2), (200, 80, 3)] {
            assert_eq!(rows(columns, width), expected, "{columns} in {width}");
        }
    }
}

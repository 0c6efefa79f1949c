//! Asks for two consecutive codes on the controlling terminal, below the QR code of a new device if there is one.
//!
//! The picture is a secret: it is erased as soon as the first code is there, and whenever the question ends, by a signal
//! too. It is drawn only where it fits as a whole and can be erased; else the secret key is shown as text.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Failure, Kind, Result};
use crate::names::{MfaCode, ProfileName};
use crate::output::messages;
use crate::output::qr::Drawing;
use crate::secret::Secret;
use crate::session::codes;
use crate::system::clock::{self, Deadline};
use crate::system::env::Env;
use crate::system::signals::{self, ExitHook};
use crate::system::terminal::{Line, Terminal, Unusable, without_paste_marks};
use crate::text::width::columns;

/// So many pairs of codes may be refused.
pub const MOST_TRIES: u32 = 3;

/// Time to find the app, to install one, and to scan.
const PATIENCE: Duration = Duration::from_secs(900);
const TICK: Duration = Duration::from_secs(1);

const NOT_A_CODE: &str = "not six digits; an empty line cancels";
const EMPTY: &str = "no code; an empty line cancels";
const USED: &str = "this code was already used; wait for the next";
const ERASE_LINE: &str = "\r\x1b[2K";
const ERASE_LINE_ABOVE: &str = "\x1b[A\r\x1b[2K";

/// A new device's secret key, in both of its forms.
pub struct Seed {
    /// None where it is shown as text from the start.
    pub qr: Option<Drawing>,
    pub text: Drawing,
}

pub struct Prompt<'a> {
    terminal: Terminal,
    profile: ProfileName,
    can_erase: bool,
    was_sent: &'a dyn Fn(&MfaCode) -> bool,
    until: Deadline,
    seed: Option<Seed>,
    /// The rows of the picture on the screen, for the exit hook too.
    rows: Arc<AtomicUsize>,
    _exit_hook: Option<ExitHook>,
}

impl<'a> Prompt<'a> {
    pub fn open(profile: &ProfileName, env: &Env, was_sent: &'a dyn Fn(&MfaCode) -> bool) -> Result<Self> {
        Ok(Self {
            terminal: Terminal::open().map_err(|why| nobody(profile, &why))?,
            profile: profile.clone(),
            can_erase: env.text("TERM") != Some("dumb"),
            was_sent,
            until: Deadline::after(Instant::now(), PATIENCE),
            seed: None,
            rows: Arc::default(),
            _exit_hook: None,
        })
    }

    /// Shows a secret key above the first question; `if_interrupted` is said if a signal ends us.
    pub fn show_seed(&mut self, mut seed: Seed, if_interrupted: String) {
        let fits = |qr: &Drawing| qr.columns <= self.terminal.width() && qr.rows < self.terminal.height();
        seed.qr = seed.qr.filter(|qr| self.can_erase && fits(qr));
        let rows = Arc::clone(&self.rows);
        self._exit_hook = Some(signals::on_termination(move || {
            if let Ok(terminal) = Terminal::open() {
                let _ = terminal.write(&erasing(rows.swap(0, Ordering::SeqCst)));
            }
            messages::warning(&if_interrupted);
        }));
        self.seed = Some(seed);
    }

    /// Asks for two codes that follow each other.
    pub fn two_codes(&mut self, of: &str, notice: &str) -> Result<[MfaCode; 2]> {
        let first = self.first(of, notice)?;
        self.clear();
        let second = self.second(&first)?;
        Ok([first, second])
    }

    fn first(&mut self, of: &str, notice: &str) -> Result<MfaCode> {
        let (mut notice, mut may_cancel) = (notice.to_owned(), false);
        loop {
            let has_qr = self.seed.as_ref().is_some_and(|seed| seed.qr.is_some());
            let more = if has_qr { "s: show the seed as text" } else { of };
            let typed = self.read(&asked(&notice, &format!("first code ({more}): ")), None)?;
            let typed = typed.expose().trim();
            if let ("s" | "S", Some(seed)) = (typed, &mut self.seed) {
                seed.qr = None;
                self.clear();
                notice.clear();
                continue;
            }
            notice = match MfaCode::parse(typed) {
                Some(code) if !(self.was_sent)(&code) => return Ok(code),
                Some(_) => USED.into(),
                None => self.not_a_code(typed, &mut may_cancel)?.into(),
            };
        }
    }

    /// Below a countdown, since the device may show the next code for a while already.
    fn second(&mut self, first: &MfaCode) -> Result<MfaCode> {
        let next = Deadline::after(Instant::now(), codes::until_next(clock::now()));
        let countdown = || {
            let left = next.left().as_secs() + 1;
            if next.has_passed() { "the next code is there".into() } else { format!("next code in {left} s") }
        };
        let (mut notice, mut may_cancel) = (String::new(), false);
        loop {
            let typed = self.read(&asked(&notice, "second code, the next one: "), Some(&countdown))?;
            let typed = typed.expose().trim();
            notice = match MfaCode::parse(typed) {
                Some(code) if code.expose() == first.expose() => "that is the first code; wait for the next".into(),
                Some(code) => return Ok(code),
                None => self.not_a_code(typed, &mut may_cancel)?.into(),
            };
        }
    }

    fn not_a_code(&self, typed: &str, may_cancel: &mut bool) -> Result<&'static str> {
        let is_empty = typed.is_empty();
        if is_empty && *may_cancel {
            return Err(self.cancelled());
        }
        *may_cancel = true;
        Ok(if is_empty { EMPTY } else { NOT_A_CODE })
    }

    /// Asks one question, below a line that changes each second, or else below the picture.
    fn read(&self, question: &str, above: Option<&dyn Fn() -> String>) -> Result<Secret<String>> {
        self.terminal.discard_input();
        self.show(question, above)?;
        loop {
            let tick = Deadline::after(Instant::now(), if above.is_some() { TICK } else { self.until.left() });
            match self.terminal.read_line(tick) {
                Line::Text(typed) => {
                    self.erase_question(above.is_some());
                    return Ok(without_paste_marks(&typed));
                }
                Line::TooLong => {
                    self.erase_question(above.is_some());
                    return Ok(Secret::new("?".into()));
                }
                Line::Resumed => {
                    self.rows.store(0, Ordering::SeqCst);
                    self.show(question, above)?;
                }
                Line::TimedOut if !self.until.has_passed() => self.tick(above),
                Line::TimedOut => {
                    let failure = Failure::new(Kind::NeedsPerson, "no code was entered in time");
                    return Err(failure.of_profile(&self.profile));
                }
                Line::End => return Err(self.cancelled()),
                Line::Lost(why) => return Err(nobody(&self.profile, &why)),
            }
        }
    }

    fn show(&self, question: &str, above: Option<&dyn Fn() -> String>) -> Result<()> {
        match above {
            Some(above) => self.write(&format!("{}\n{question}", above())),
            None => self.draw().and_then(|()| self.write(question)),
        }
    }

    /// Writes the line above anew; the cursor returns to what is being typed.
    fn tick(&self, above: Option<&dyn Fn() -> String>) {
        if let Some(above) = above.filter(|_| self.can_erase) {
            let _ = self.terminal.write(&format!("\x1b7{ERASE_LINE_ABOVE}{}\x1b8", above()));
        }
    }

    /// The answer's Enter has moved the cursor below the question.
    fn erase_question(&self, has_line_above: bool) {
        if self.can_erase {
            let _ = self.terminal.write(&ERASE_LINE_ABOVE.repeat(1 + usize::from(has_line_above)));
        }
    }

    fn draw(&self) -> Result<()> {
        let Some(seed) = self.seed.as_ref().filter(|_| self.rows.load(Ordering::SeqCst) == 0) else { return Ok(()) };
        let drawing = seed.qr.as_ref().unwrap_or(&seed.text);
        let width = self.terminal.width().max(1);
        let rows = drawing.text.expose().lines().map(|line| columns(line).div_ceil(width).max(1)).sum();
        self.rows.store(if seed.qr.is_some() { drawing.rows } else { rows }, Ordering::SeqCst);
        self.write(drawing.text.expose())
    }

    /// Takes the picture from the screen.
    fn clear(&self) {
        let rows = self.rows.swap(0, Ordering::SeqCst);
        if rows > 0 && self.can_erase {
            let _ = self.terminal.write(&erasing(rows));
        }
    }

    fn write(&self, text: &str) -> Result<()> {
        self.terminal.write(text).map_err(|_| nobody(&self.profile, &Unusable::Gone))
    }

    fn cancelled(&self) -> Failure {
        Failure::cancelled("no code was given").of_profile(&self.profile)
    }
}

impl Drop for Prompt<'_> {
    fn drop(&mut self) {
        self.clear();
        self.terminal.discard_input();
    }
}

/// Notice and question in one line: there may be no room for two.
fn asked(notice: &str, question: &str) -> String {
    if notice.is_empty() { question.into() } else { format!("{notice}; {question}") }
}

fn erasing(rows: usize) -> String {
    // Row by row: what erases a whole screen at once, some terminals keep in their history.
    format!("{ERASE_LINE}{}", ERASE_LINE_ABOVE.repeat(rows))
}

fn nobody(profile: &ProfileName, why: &Unusable) -> Failure {
    Failure::new(Kind::NeedsPerson, format!("two codes have to be typed: {why}")).of_profile(profile)
}

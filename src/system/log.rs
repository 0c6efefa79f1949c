//! The debug log of `-v`: what is done, on stderr, never a secret.

use std::fmt::Arguments;
use std::io::Write;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::text::visible::one_line;

static LEVEL: AtomicU8 = AtomicU8::new(0);

/// Sets how much is logged: 0 nothing, 1 each step, 2 also what each step looked at.
pub fn set_level(level: u8) {
    LEVEL.store(level, Ordering::Relaxed);
}

/// Logs a step.
pub fn step(text: Arguments<'_>) {
    say(1, text);
}

/// Logs what a step looked at.
pub fn detail(text: Arguments<'_>) {
    say(2, text);
}

fn say(level: u8, text: Arguments<'_>) {
    if LEVEL.load(Ordering::Relaxed) >= level {
        let line = format!("twolock: debug: {}\n", one_line(&text.to_string()));
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

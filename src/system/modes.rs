//! Terminal modes changed for a moment, and put back whatever ends that moment (threat-model P22).
//!
//! They are put back when the guard is dropped; by the last acts when INT, TERM, HUP or QUIT ends us; by the panic
//! hook after a bug of ours (a release build aborts without dropping anything); and before ^Z stops us, so that the
//! shell has its own modes while it is in front. After `fg` they are set again. Not by a background job: whoever is in
//! front then has modes of his own. Kill -9 cannot be helped: `stty sane` can.

use std::cell::RefCell;
use std::fs::File;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use crate::system::platform::{self, Modes, ModesKept, NoStops};
use crate::system::signals;
use crate::system::terminal::{Heard, Terminal, Unusable};

/// What the modes are changed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Whole lines, not shown.
    HiddenLine,
    /// Each key at once.
    KeyByKey,
}

/// The modes of before, while they are changed. There is one controlling terminal, so there is one of these.
static BEFORE: Mutex<Option<(File, Modes)>> = Mutex::new(None);

/// Changed modes, put back on drop.
pub(super) struct Changed<'a> {
    terminal: &'a Terminal,
    wanted: Wanted,
    kept: RefCell<ModesKept>,
    _last_act: signals::Guard,
}

impl<'a> Changed<'a> {
    /// Changes the modes, and drops what was typed before; refused where the terminal is not ours, or changed already.
    pub fn begin(terminal: &'a Terminal, wanted: Wanted) -> Result<Self, Unusable> {
        terminal.check()?;
        if held().is_some() {
            return Err(Unusable::KeyByKey);
        }
        let kept = RefCell::new(ModesKept::begin().map_err(|_| Unusable::Gone)?);
        put_back_after_a_bug();
        let changed = Self { terminal, wanted, kept, _last_act: signals::on_death(put_back_for_good) };
        changed.set()?;
        Ok(changed)
    }

    /// Stops if that is what was heard; afterwards, in front again, the modes are set again.
    pub fn resume_after(&self, heard: Heard) -> Result<(), Unusable> {
        if heard == Heard::Stop {
            put_back(&mut held());
            self.kept.borrow_mut().stop(&self.terminal.resumed);
        }
        self.set()
    }

    /// After a stop that could not be caught (SIGSTOP) the modes of before are those known already.
    fn set(&self) -> Result<(), Unusable> {
        let mut before = held();
        let input = &self.terminal.input;
        match platform::is_foreground(input) {
            Err(_) => return Err(Unusable::Gone),
            Ok(false) => return Err(Unusable::Background),
            Ok(true) => {}
        }
        if before.is_none() {
            let file = input.try_clone().map_err(|_| Unusable::Gone)?;
            *before = Some((file, Modes::of(input).map_err(|_| Unusable::Gone)?));
        }
        let (_, modes) = before.as_ref().expect("set the line before");
        let modes = if self.wanted == Wanted::HiddenLine { modes.hidden() } else { modes.key_by_key() };
        modes.set(input).map_err(|_| Unusable::Gone)?;
        self.terminal.discard_input();
        Ok(())
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        put_back(&mut held());
    }
}

fn held() -> MutexGuard<'static, Option<(File, Modes)>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn put_back(before: &mut Option<(File, Modes)>) {
    let Some((terminal, modes)) = before.take() else { return };
    let _no_stops = NoStops::begin();
    if platform::is_foreground(&terminal).unwrap_or(false) {
        let _ = modes.set(&terminal);
        // half a password must not reach the shell
        platform::discard_input(&terminal);
    }
}

/// The last act: nobody changes them again.
fn put_back_for_good() {
    let mut before = held();
    put_back(&mut before);
    std::mem::forget(before);
}

fn put_back_after_a_bug() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let say = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |bug| {
            if let Ok(mut before) = BEFORE.try_lock() {
                put_back(&mut before);
            }
            say(bug);
        }));
    });
}

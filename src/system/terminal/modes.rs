//! The input of the terminal, and its modes changed for a moment and restored whatever ends that moment
//! (threat-model P22).
//!
//! They are restored when the guard is dropped; by an exit hook when INT, TERM, HUP or QUIT ends us; by the panic hook
//! after a bug of ours (a release build aborts without dropping anything); and before ^Z stops us, so that the shell
//! has its own modes while it is in front. After `fg` they are changed again. Not by a background job: whoever is in
//! front then has modes of his own. Kill -9 cannot be helped: `stty sane` can.

use std::cell::RefCell;
use std::fs::File;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use crate::system::clock::Deadline;
use crate::system::platform::{self, Modes, StopHandler, StopsBlocked, TerminalSignals};
use crate::system::signals;
use crate::system::terminal_events::{Event, Unusable};

/// What is read from: in its background it fails; it never stops us.
pub(super) struct Input {
    file: File,
    signals: TerminalSignals,
    _stops_blocked: StopsBlocked,
}

impl Input {
    /// Begins to listen to the signals of the terminal.
    pub(super) fn new(file: File) -> Result<Self, Unusable> {
        let signals = TerminalSignals::listen().map_err(|_| Unusable::Missing)?;
        Ok(Self { file, signals, _stops_blocked: StopsBlocked::begin() })
    }

    /// Says why the terminal cannot be talked to right now, if so.
    pub(super) fn check(&self) -> Result<(), Unusable> {
        self.must_be_foreground()?;
        if platform::takes_lines(&self.file) { Ok(()) } else { Err(Unusable::KeyByKey) }
    }

    fn must_be_foreground(&self) -> Result<(), Unusable> {
        match platform::is_foreground(&self.file) {
            Err(_) => Err(Unusable::Gone),
            Ok(false) => Err(Unusable::Background),
            Ok(true) => Ok(()),
        }
    }

    /// Drops what was typed and not read yet.
    pub(super) fn discard(&self) {
        platform::discard_input(&self.file);
    }

    /// Waits for what comes next.
    pub(super) fn read(&self, buffer: &mut [u8], until: Deadline) -> Event {
        platform::read_terminal(&self.file, &self.signals, buffer, until)
    }
}

/// What the modes are changed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Whole lines, not shown.
    HiddenLine,
    /// Each key at once.
    KeyByKey,
}

/// The modes to restore, while they are changed. There is one controlling terminal, so there is one of these.
static SAVED: Mutex<Option<(File, Modes)>> = Mutex::new(None);

/// Changed modes, restored on drop.
pub(super) struct ChangedModes<'a> {
    input: &'a Input,
    mode: Mode,
    stop_handler: RefCell<StopHandler>,
    _exit_hook: signals::ExitHook,
}

impl<'a> ChangedModes<'a> {
    /// Changes the modes, and drops what was typed before; refused where the terminal is not ours, or changed already.
    pub(super) fn begin(input: &'a Input, mode: Mode) -> Result<Self, Unusable> {
        input.check()?;
        if saved().is_some() {
            return Err(Unusable::KeyByKey);
        }
        let stop_handler = RefCell::new(StopHandler::install().map_err(|_| Unusable::Gone)?);
        restore_on_panic();
        let changed = Self { input, mode, stop_handler, _exit_hook: signals::on_termination(restore_at_exit) };
        changed.set()?;
        Ok(changed)
    }

    /// Stops if that is the event; afterwards, in front again, the modes are changed again.
    pub(super) fn resume_after(&self, event: Event) -> Result<(), Unusable> {
        if event == Event::Stop {
            restore(&mut saved());
            self.stop_handler.borrow_mut().stop(&self.input.signals);
        }
        self.set()
    }

    /// After a stop that could not be caught (SIGSTOP) the modes saved already are the ones to restore.
    fn set(&self) -> Result<(), Unusable> {
        let mut saved = saved();
        let input = &self.input.file;
        self.input.must_be_foreground()?;
        if saved.is_none() {
            let file = input.try_clone().map_err(|_| Unusable::Gone)?;
            *saved = Some((file, Modes::of(input).map_err(|_| Unusable::Gone)?));
        }
        let (_, modes) = saved.as_ref().expect("set the line before");
        let modes = if self.mode == Mode::HiddenLine { modes.hidden() } else { modes.key_by_key() };
        modes.set(input).map_err(|_| Unusable::Gone)?;
        self.input.discard();
        Ok(())
    }
}

impl Drop for ChangedModes<'_> {
    fn drop(&mut self) {
        restore(&mut saved());
    }
}

fn saved() -> MutexGuard<'static, Option<(File, Modes)>> {
    SAVED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn restore(saved: &mut Option<(File, Modes)>) {
    let Some((terminal, modes)) = saved.take() else { return };
    let _stops_blocked = StopsBlocked::begin();
    if platform::is_foreground(&terminal).unwrap_or(false) {
        let _ = modes.set(&terminal);
        // half a password must not reach the shell
        platform::discard_input(&terminal);
    }
}

/// The lock is kept: nobody changes them again.
fn restore_at_exit() {
    let mut saved = saved();
    restore(&mut saved);
    std::mem::forget(saved);
}

fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if let Ok(mut saved) = SAVED.try_lock() {
                restore(&mut saved);
            }
            report(panic);
        }));
    });
}

//! Last acts before a signal ends us.
//!
//! A caught INT, TERM, HUP or QUIT runs what was registered here, newest first, on a thread of its own (never in a
//! handler), and then ends the process by that very signal. Those ignored at the start stay ignored (`nohup`). The
//! kernel resets handlers on exec, and no mask is left behind, so children inherit what the caller gave us.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, mpsc};
use std::time::Duration;

use crate::system::platform;

/// Longest time all last acts together may take: a reader that never reads must not keep us alive.
const ACTS_BOUND: Duration = Duration::from_secs(1);

type Act = Box<dyn FnOnce() + Send>;

static ACTS: Mutex<Vec<(u64, Act)>> = Mutex::new(Vec::new());

/// Starts to catch the signals that end us; the full path calls it once, before the first last act matters.
/// If the machine has no thread or pipe left for it, signals end us as they would have, without last acts.
pub fn watch() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let _ = platform::on_deadly_signal(|signal| {
            run_acts_within(ACTS_BOUND);
            platform::die_of(signal);
        });
    });
}

/// Registers what is done when a signal ends us; dropping the guard withdraws it.
///
/// Acts must not register or withdraw acts. Once they have begun, withdrawing waits for the end of the process: what
/// comes after the guard's drop never mixes with what its act writes.
#[must_use = "dropping the guard withdraws the act"]
pub fn on_death(act: impl FnOnce() + Send + 'static) -> Guard {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    acts().push((id, Box::new(act)));
    Guard(id)
}

/// A registered last act, withdrawn on drop.
#[derive(Debug)]
pub struct Guard(u64);

impl Drop for Guard {
    fn drop(&mut self) {
        acts().retain(|(id, _)| *id != self.0);
    }
}

fn acts() -> MutexGuard<'static, Vec<(u64, Act)>> {
    ACTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run_acts_within(bound: Duration) {
    let (done, wait) = mpsc::channel();
    let run = move || {
        let mut registered = acts();
        while let Some((_, act)) = registered.pop() {
            act();
        }
        let _ = done.send(());
        // the lock is kept: nobody may go on as if no signal had come
        std::mem::forget(registered);
    };
    if std::thread::Builder::new().name("last acts".into()).spawn(run).is_ok() {
        let _ = wait.recv_timeout(bound);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_guard_withdraws_its_act() {
        let before = acts().len();
        let (kept, dropped) = (on_death(|| {}), on_death(|| {}));
        drop(dropped);
        assert_eq!(acts().len(), before + 1);
        drop(kept);
        assert_eq!(acts().len(), before);
    }
}

//! Exit hooks: what is done before a signal ends us.
//!
//! A caught INT, TERM, HUP or QUIT runs the hooks registered here, newest first, on a thread of its own (never in a
//! handler), and then ends the process by that very signal. Those ignored at the start stay ignored (`nohup`). The
//! kernel resets handlers on exec, and no mask is left behind, so children inherit what the caller gave us.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, mpsc};
use std::time::Duration;

use crate::system::platform;

/// Longest time all hooks together may take: a reader that never reads must not keep us alive.
const HOOKS_BOUND: Duration = Duration::from_secs(1);

type Hook = Box<dyn FnOnce() + Send>;

static HOOKS: Mutex<Vec<(u64, Hook)>> = Mutex::new(Vec::new());

/// Starts to catch the signals that end us; the full path calls it once, before the first hook matters.
/// If the machine has no thread or pipe left for it, signals end us as they would have, without hooks.
pub fn watch() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let _ = platform::on_termination_signal(|signal| {
            run_hooks_within(HOOKS_BOUND);
            platform::end_by_signal(signal);
        });
    });
}

/// Registers what is done when a signal ends us; dropping the guard withdraws it.
///
/// Hooks must not register or withdraw hooks. Once they have begun, withdrawing waits for the end of the process: what
/// comes after the guard's drop never mixes with what its hook writes.
#[must_use = "dropping the guard withdraws the hook"]
pub fn on_termination(hook: impl FnOnce() + Send + 'static) -> ExitHook {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    hooks().push((id, Box::new(hook)));
    ExitHook(id)
}

/// A registered exit hook, withdrawn on drop.
#[derive(Debug)]
pub struct ExitHook(u64);

impl Drop for ExitHook {
    fn drop(&mut self) {
        hooks().retain(|(id, _)| *id != self.0);
    }
}

fn hooks() -> MutexGuard<'static, Vec<(u64, Hook)>> {
    HOOKS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run_hooks_within(bound: Duration) {
    let (done, wait) = mpsc::channel();
    let run = move || {
        let mut registered = hooks();
        while let Some((_, hook)) = registered.pop() {
            hook();
        }
        let _ = done.send(());
        // the lock is kept: nobody may go on as if no signal had come
        std::mem::forget(registered);
    };
    if std::thread::Builder::new().name("exit hooks".into()).spawn(run).is_ok() {
        let _ = wait.recv_timeout(bound);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_guard_withdraws_its_hook() {
        let before = hooks().len();
        let (kept, dropped) = (on_termination(|| {}), on_termination(|| {}));
        drop(dropped);
        assert_eq!(hooks().len(), before + 1);
        drop(kept);
        assert_eq!(hooks().len(), before);
    }
}

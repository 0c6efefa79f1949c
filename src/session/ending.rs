//! Notifies a person, once, that a session expires soon which only a code can replace.

use std::path::Path;
use std::time::Duration;

use crate::credentials::Session;
use crate::session::cache::Need;
use crate::session::device::{DeviceFiles, DeviceState};
use crate::session::identity::{Identity, PlannedStep};
use crate::session::obtain::{Lookup, look_at};
use crate::session::sealed::Header;
use crate::session::sessions::{Locking, Sessions};
use crate::session::target::Target;
use crate::system::lock::FileLock;
use crate::timestamp::Timestamp;

/// From then on, the AWS CLI and boto3 ask for new credentials at each request.
const SOON: Duration = Duration::from_secs(15 * 60);
/// No session lasts longer.
const KEPT: Duration = Duration::from_secs(36 * 3_600);

/// Whether a session ends so soon that a person should know: less than 15 minutes, or a third of its life, remains.
pub(super) fn is_near(header: &Header, now: Timestamp) -> bool {
    header.expires.since(now) < SOON.min(header.life() / 3)
}

/// Returns whether the notification for a plan's session was shown already. Takes no lock.
pub fn is_told(directory: &Path, endpoint: Option<&str>, steps: &[PlannedStep<'_>]) -> bool {
    let told = |last: Target<'_>| {
        let (device, code) = last.opened_by_a_code()?;
        Some(DeviceFiles::of(directory, device, endpoint).load().is_told(&code))
    };
    Target::last_of(steps).and_then(told).unwrap_or(false)
}

impl Sessions<'_> {
    /// Notifies a person unless that was done already. If the device's lock is held, a person is asked for a code anyway.
    pub(super) fn tell_of_the_end(&self, last: Target<'_>, session: &Session) {
        let (Some(tell), Some((device, code))) = (self.ends_soon, last.opened_by_a_code()) else { return };
        if self.locking == Locking::Never {
            return;
        }
        let files = DeviceFiles::of(self.directory, device, self.endpoint);
        let Ok(_lock) = FileLock::try_acquire(&files.lock) else { return };
        let mut state = files.load();
        // Looked at once more under the lock: a code may have opened the next session since.
        let still_ends = |cache| matches!(look_at(cache, last, Need::ALIVE, (self.clock)()), Lookup::Last(_));
        if state.is_told(&code) || !self.cache.is_some_and(still_ends) {
            return;
        }
        state.note_told(&code, (self.clock)());
        files.save(&state);
        // If this was not saved, every request would notify again.
        if files.load().is_told(&code) {
            tell(session);
        }
    }
}

/// After a new session of this code: its end is still to be told. The device's lock is held.
pub(super) fn begins_anew(files: &DeviceFiles, code: &Identity) {
    let mut state = files.load();
    if state.is_told(code) {
        state.told.retain(|(of, _)| *of != code.hex());
        files.save(&state);
    }
}

impl DeviceState {
    /// An MFA session and each role on it expire at different times; one notification is enough for all of them, until a
    /// code opens the next.
    fn is_told(&self, code: &Identity) -> bool {
        self.told.iter().any(|(of, _)| *of == code.hex())
    }

    fn note_told(&mut self, code: &Identity, now: Timestamp) {
        self.told.retain(|(_, at)| now.since(*at) < KEPT);
        self.told.push((code.hex(), now));
    }
}

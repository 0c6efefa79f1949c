//! Two consecutive codes of a device: each counts as sent, whatever comes of the call that carries them.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::arn::MfaSerial;
use crate::aws::{AwsError, AwsErrorKind};
use crate::error::{Failure, Kind, Result};
use crate::names::MfaCode;
use crate::session::codes;
use crate::session::device::DeviceFiles;
use crate::system::clock::{self, Deadline};
use crate::system::lock::{self, FileLock, LockError};
use crate::system::obstacle::Obstacle;
use crate::system::private_file::create_private_dir;

/// How long another process may ask for a code of the same device.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends two codes under the device's lock.
pub fn send(
    directory: &Path,
    device: &MfaSerial,
    endpoint: Option<&str>,
    codes: [&MfaCode; 2],
    call: impl FnOnce() -> std::result::Result<(), AwsError>,
) -> Result<std::result::Result<(), AwsError>> {
    create_private_dir(directory).map_err(|e| Obstacle::of_directory(directory, &e).failure())?;
    let files = DeviceFiles::of(directory, device, endpoint);
    let _lock = match FileLock::acquire(&files.lock, Deadline::after(Instant::now(), PATIENCE)) {
        Ok(lock) => Some(lock),
        Err(LockError::Held) => {
            let cause = format!("{} is asking for a code of the same device", lock::holder(&files.lock));
            return Err(Failure::new(Kind::Busy, cause));
        }
        Err(LockError::Unavailable(e)) if lock::is_unsupported(&e) => None,
        Err(LockError::Unavailable(e)) => return Err(Obstacle::to("locked", &files.lock, &e).failure()),
    };
    let mut state = files.load();
    codes.iter().for_each(|code| codes::note(&mut state, device, code, clock::now()));
    files.save(&state);
    let called = call();
    if called.as_ref().is_err_and(|e| e.kind == AwsErrorKind::NotSent) {
        codes.iter().for_each(|_| codes::forget_last(&mut state));
        files.save(&state);
    }
    Ok(called)
}

/// Notes that a device was enabled just now: AWS refuses right codes of it for some seconds.
pub fn note_enabled(directory: &Path, device: &MfaSerial, endpoint: Option<&str>) {
    let files = DeviceFiles::of(directory, device, endpoint);
    let mut state = files.load();
    state.enabled = Some(clock::now());
    files.save(&state);
}

/// Whether a code of this device was sent a moment ago.
pub fn was_sent(directory: &Path, device: &MfaSerial, endpoint: Option<&str>, code: &MfaCode) -> bool {
    codes::was_sent(&DeviceFiles::of(directory, device, endpoint).load(), device, code, clock::now())
}

//! `history`: one line of JSON for each use of a protected profile, in the state directory. A diary, not evidence: whoever
//! may use the profile may also edit the file.
//!
//! A line is written before the code is asked for, and completed once AWS has answered, so that no credentials exist
//! without their line. A run that is killed in between leaves it as `begun`. Lines are never removed.

use std::io::{self, ErrorKind};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::arn::{AccountId, RoleArn};
use crate::credentials::AccessKeyId;
use crate::error::{Failure, Kind, Result};
use crate::names::{ProfileName, Reason, SessionName};
use crate::system::clock::Deadline;
use crate::system::lock::{self, FileLock, LockError};
use crate::system::obstacle::Obstacle;
use crate::system::private_file::{create_private_dir, read_private, write_atomically};
use crate::timestamp::Timestamp;

const FILE: &str = "history";
const LARGEST_FILE: u64 = 64 << 20;
const NOTHING: &str = "so nothing was requested";
/// The longest wait for another twolock process, which only writes.
const LOCK_BOUND: Duration = Duration::from_secs(5);

/// One use, without anything secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub time: Timestamp,
    pub event: Event,
    pub result: Outcome,
    pub profile: ProfileName,
    pub account: AccountId,
    pub role: RoleArn,
    pub session_name: SessionName,
    /// A digest of all that shapes the request, to find the uses of the profile as it is now. Absent in older lines.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub access_key_id: Option<AccessKeyId>,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    BreakGlass,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Not ended yet, or killed before its end.
    Begun,
    /// AWS gave credentials.
    Minted,
    /// No credentials: cancelled by an empty line, refused, not reached.
    Failed,
}

pub struct History {
    directory: PathBuf,
}

/// A use whose line is written and not yet completed.
pub struct Begun<'a> {
    history: &'a History,
    entry: Entry,
}

impl History {
    /// The history of a state directory. Nothing is read or made yet.
    pub fn of(directory: &Path) -> Self {
        Self { directory: directory.into() }
    }

    pub fn file(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// Fails as a line would fail to be written, before a person types anything.
    pub fn must_be_writable(&self) -> Result<()> {
        self.change(NOTHING, |_| false)
    }

    /// Writes the line of a use that begins.
    pub fn begin(&self, entry: Entry) -> Result<Begun<'_>> {
        self.change(NOTHING, |text| {
            if text.last().is_some_and(|last| *last != b'\n') {
                text.push(b'\n');
            }
            text.extend(line(&entry));
            true
        })?;
        Ok(Begun { history: self, entry })
    }

    /// When AWS last gave credentials for a request, by the lines of this period.
    pub fn last_minted(&self, request: &str, period: RangeInclusive<Timestamp>) -> Option<Timestamp> {
        let text = self.read().ok()?;
        let entries = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Entry>(line).ok());
        let of_it = |entry: &Entry| entry.result == Outcome::Minted && entry.request.as_deref() == Some(request);
        entries.filter(of_it).map(|entry| entry.time).filter(|time| period.contains(time)).max()
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        match read_private(&self.file(), LARGEST_FILE) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            read => read,
        }
    }

    /// Writes the text if `act` says that it has changed it; `lost` is what a failure means.
    fn change(&self, lost: &str, act: impl FnOnce(&mut Vec<u8>) -> bool) -> Result<()> {
        let failed = |done: &str, path: &Path, e: &io::Error| {
            let failure = Obstacle::to(done, path, e).failure();
            Failure { kind: Kind::Disk, cause: format!("{}, {lost}", failure.cause), ..failure }
        };
        create_private_dir(&self.directory).map_err(|e| failed("written", &self.file(), &e))?;
        let at = self.directory.join("history.lock");
        let _lock = match FileLock::acquire(&at, Deadline::after(Instant::now(), LOCK_BOUND)) {
            Ok(lock) => Some(lock),
            Err(LockError::Held) => return Err(failed("locked", &at, &ErrorKind::WouldBlock.into())),
            Err(LockError::Unavailable(e)) if lock::is_unsupported(&e) => None,
            Err(LockError::Unavailable(e)) => return Err(failed("locked", &at, &e)),
        };
        let mut text = self.read().map_err(|e| failed("read", &self.file(), &e))?;
        if !act(&mut text) {
            return Ok(());
        }
        write_atomically(&self.file(), &text).map_err(|e| failed("written", &self.file(), &e))
    }
}

impl Begun<'_> {
    /// Completes the line: with the access key id, or as failed.
    pub fn end(self, access_key_id: Option<&AccessKeyId>) -> Result<()> {
        let begun = line(&self.entry);
        let result = if access_key_id.is_some() { Outcome::Minted } else { Outcome::Failed };
        let ended = line(&Entry { result, access_key_id: access_key_id.cloned(), ..self.entry });
        let lost = if access_key_id.is_some() { "so the new credentials were dropped" } else { NOTHING };
        self.history.change(lost, |text| {
            match memchr::memmem::rfind(text, &begun) {
                Some(at) => drop(text.splice(at..at + begun.len(), ended)),
                // Somebody has removed it meanwhile.
                None => text.extend(ended),
            }
            true
        })
    }
}

fn line(entry: &Entry) -> Vec<u8> {
    let mut line = serde_json::to_vec(entry).expect("texts and nothing else");
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ASIAIOSFODNN7EXAMPLE";

    fn entry(seconds: i64) -> Entry {
        let role = RoleArn::parse("arn:aws:iam::123456789012:role/Admin").unwrap();
        Entry {
            time: Timestamp::from_unix(1_900_000_000 + seconds),
            event: Event::BreakGlass,
            result: Outcome::Begun,
            profile: ProfileName::parse("prod").unwrap(),
            account: role.account().clone(),
            role,
            session_name: SessionName::from_person("ana"),
            request: Some("5ea1".into()),
            access_key_id: None,
            reason: Reason::parse("incident \"42\"").unwrap(),
        }
    }

    fn text(directory: &Path) -> String {
        std::fs::read_to_string(directory.join(FILE)).unwrap()
    }

    #[test]
    fn a_use_is_one_line_that_is_completed() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let (history, key) = (History::of(&state), AccessKeyId::parse(KEY).unwrap());
        let begun = history.begin(entry(0)).unwrap();
        let start = r#"{"time":"2030-03-17T17:46:40Z","event":"break-glass","result":""#;
        let middle = r#"","profile":"prod","account":"123456789012","role":"arn:aws:iam::123456789012:role/Admin","session_name":"ana","request":"5ea1","#;
        let end = r#""reason":"incident \"42\""}"#;
        assert_eq!(text(&state), format!("{start}begun{middle}{end}\n"));
        let at = |seconds| entry(seconds).time;
        assert_eq!(history.last_minted("5ea1", at(0)..=at(60)), None);
        let other = history.begin(entry(60)).unwrap();
        begun.end(Some(&key)).unwrap();
        other.end(None).unwrap();
        let lines = text(&state);
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines[0], format!(r#"{start}minted{middle}"access_key_id":"{KEY}",{end}"#));
        assert!(lines.len() == 2 && lines[1].contains(r#""result":"failed""#), "{lines:?}");
        assert_eq!(history.last_minted("5ea1", at(0)..=at(60)), Some(at(0)));
        assert_eq!(history.last_minted("5ea2", at(0)..=at(60)), None, "another request");
        assert_eq!(history.last_minted("5ea1", at(1)..=at(60)), None, "too long ago");
    }

    #[test]
    fn lines_that_are_there_stay_to_the_byte() {
        let directory = tempfile::tempdir().unwrap();
        write_atomically(&directory.path().join(FILE), b"\xff no json\n{\"v\":9}").unwrap();
        let history = History::of(directory.path());
        history.begin(entry(0)).unwrap().end(None).unwrap();
        let bytes = std::fs::read(history.file()).unwrap();
        assert!(bytes.starts_with(b"\xff no json\n{\"v\":9}\n{\"time\""));
    }

    #[test]
    fn two_uses_in_one_second_are_both_completed() {
        let directory = tempfile::tempdir().unwrap();
        let (history, key) = (History::of(directory.path()), AccessKeyId::parse(KEY).unwrap());
        let [one, other] = [history.begin(entry(0)).unwrap(), history.begin(entry(0)).unwrap()];
        one.end(Some(&key)).unwrap();
        assert!(text(directory.path()).contains("begun"));
        other.end(None).unwrap();
        let lines = text(directory.path());
        assert!(lines.lines().count() == 2 && lines.contains("minted") && lines.contains("failed"), "{lines}");
    }

    #[cfg(unix)]
    #[test]
    fn a_history_that_is_not_private_or_cannot_be_written_is_a_failure() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let history = History::of(directory.path());
        drop(history.begin(entry(0)).unwrap());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&history.file()), 0o600);
        std::fs::set_permissions(history.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(history.must_be_writable().unwrap_err().kind, Kind::Disk);
        std::fs::rename(history.file(), directory.path().join("elsewhere")).unwrap();
        symlink(directory.path().join("elsewhere"), history.file()).unwrap();
        assert_eq!(history.begin(entry(1)).err().unwrap().kind, Kind::Disk);
    }
}

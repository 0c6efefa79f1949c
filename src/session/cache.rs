//! The directory of sealed sessions: one file per identity and sealing key.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::credentials::Session;
use crate::hex::hex;
use crate::session::identity::Identity;
use crate::session::sealed::{self, Header};
use crate::session::sealing_key::SealingKey;
use crate::system::obstacle::Obstacle;
use crate::system::private_file;
use crate::timestamp::Timestamp;

const SUFFIX: &str = "sealed";
/// A sealed session is a few kilobytes; a larger file is ignored.
const LARGEST: u64 = 64 * 1024;
/// A session with less time left is not returned.
pub const SHORTEST_REST: Duration = Duration::from_secs(30);

/// A failed renewal is not tried again before this.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Sealed sessions under one key.
pub struct Cache {
    directory: PathBuf,
    key: SealingKey,
}

/// What a caller requires of a session.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// The shortest time left.
    pub rest: Duration,
    /// Not minted before this moment: a fresh code was demanded then.
    pub not_before: Option<Timestamp>,
    /// Asked of AWS for this long: a caller demanded that length.
    pub asked: Option<Duration>,
}

impl Need {
    /// Any session that is still valid.
    pub const ALIVE: Need = Need { rest: SHORTEST_REST, not_before: None, asked: None };
}

impl Cache {
    pub fn new(directory: PathBuf, key: SealingKey) -> Self {
        Self { directory, key }
    }

    /// Looks up a valid session. Damaged, foreign, renamed, implausible or expired files are misses.
    pub fn look_up(&self, identity: &Identity, need: Need, now: Timestamp) -> Option<(Header, Session)> {
        let bytes = private_file::read_private(&self.path(identity), LARGEST).ok()?;
        let (header, session) = sealed::open(&bytes, identity, &self.key)?;
        let valid = header.expires.since(now) > need.rest && header.is_plausible(now);
        let new_enough = need.not_before.is_none_or(|moment| header.issued >= moment);
        let of_that_length = need.asked.is_none_or(|asked| header.asked == asked);
        (valid && new_enough && of_that_length).then_some((header, session))
    }

    /// Stores a session; replaces the old one, and removes expired ones.
    pub fn keep(
        &self,
        identity: &Identity,
        mut header: Header,
        session: &Session,
    ) -> std::result::Result<(), Obstacle> {
        remove_expired(&self.directory, header.issued);
        header.identity = *identity;
        header.key = self.key.id().into();
        let path = self.path(identity);
        let sealed = sealed::seal(&header, session, &self.key).ok_or_else(|| io::Error::other("no random bytes"));
        sealed
            .and_then(|bytes| private_file::write_atomically(&path, &bytes))
            .map_err(|error| Obstacle::to("written", &path, &error))
    }

    /// Removes a session under this key.
    pub fn forget(&self, identity: &Identity) -> io::Result<()> {
        std::fs::remove_file(self.path(identity))
    }

    /// Notes that a renewal failed, so that the next callers do not retry for a minute.
    pub fn note_failure(&self, identity: &Identity, now: Timestamp) {
        let _ = private_file::write_atomically(&self.retry(identity), now.unix().to_string().as_bytes());
    }

    /// Whether a renewal failed within the last minute.
    pub fn failed_lately(&self, identity: &Identity, now: Timestamp) -> bool {
        let text = private_file::read_private(&self.retry(identity), 64).ok().and_then(|b| String::from_utf8(b).ok());
        let failed = text.and_then(|t| t.parse().ok()).map(Timestamp::from_unix);
        failed.is_some_and(|at| at <= now && now.since(at) < RETRY_AFTER)
    }

    fn retry(&self, identity: &Identity) -> PathBuf {
        self.path(identity).with_extension("retry")
    }

    /// The headers of all sessions that open under this key, with their paths. What a look-up would not find (a file
    /// that is forged, damaged, renamed, or of another key) is none of them.
    pub fn headers(&self) -> Vec<(PathBuf, Header)> {
        let open = |path: PathBuf| {
            let header = sealed::open_header(&private_file::read_private(&path, LARGEST).ok()?, &self.key)?;
            (self.path(&header.identity) == path).then_some((path, header))
        };
        let mut found: Vec<_> = sealed_files(&self.directory).filter_map(open).collect();
        let order = |(path, header): &(PathBuf, Header)| (header.profile.to_string(), header.kind.word(), path.clone());
        found.sort_by_cached_key(order);
        found
    }

    fn path(&self, identity: &Identity) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(identity.bytes());
        hash.update(self.key.id().as_bytes());
        self.directory.join(format!("{}.{SUFFIX}", &hex(&hash.finalize())[..32]))
    }
}

/// The unverified headers of a directory's sealed files, with their paths. Anybody can write such a file: use this for
/// removing them; what is shown comes from [`Cache::headers`].
pub fn claims(directory: &Path) -> impl Iterator<Item = (PathBuf, Header)> {
    let read = |path: PathBuf| {
        let bytes = private_file::read_private(&path, LARGEST).ok()?;
        let end = memchr::memchr(b'\n', &bytes)?;
        let header = Header::parse(&bytes[..end])?;
        Some((path, header))
    };
    sealed_files(directory).filter_map(read)
}

fn sealed_files(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == SUFFIX))
}

/// What cannot be removed now is left for the next time: storing a fresh session must not fail for it.
fn remove_expired(directory: &Path, now: Timestamp) {
    for (path, header) in claims(directory) {
        if header.expires <= now {
            let _ = std::fs::remove_file(path.with_extension("retry"));
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Removes every sealed file of a directory, whatever its key; returns how many.
pub fn remove_all(directory: &Path) -> io::Result<usize> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(e),
    };
    let mut removed = 0;
    for path in entries.flatten().map(|e| e.path()) {
        if path.extension().is_some_and(|e| e == SUFFIX) {
            match std::fs::remove_file(path) {
                Ok(()) => removed += 1,
                // Another twolock is removing them, too.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
    }
    Ok(removed)
}

//! The folder of sealed sessions: one file an identity and sealing key.

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
/// A sealed session is a few kilobytes; a larger file is none.
const LARGEST: u64 = 64 * 1024;
/// What is left must be worth handing out.
pub const SHORTEST_REST: Duration = Duration::from_secs(30);

/// A failed renewal is not tried again before this.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Sealed sessions under one key.
pub struct Cache {
    folder: PathBuf,
    key: SealingKey,
}

/// What a session has to be to serve a caller.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// The least time left.
    pub rest: Duration,
    /// Not minted before this moment: a fresh code was demanded then.
    pub not_before: Option<Timestamp>,
}

impl Need {
    /// Any session that still lives.
    pub const ALIVE: Need = Need { rest: SHORTEST_REST, not_before: None };
}

impl Cache {
    /// A cache in `folder` under `key`.
    pub fn new(folder: PathBuf, key: SealingKey) -> Self {
        Self { folder, key }
    }

    /// Looks a living session up. Damaged, foreign, renamed, implausible or expired files are misses.
    pub fn look_up(&self, identity: &Identity, need: Need, now: Timestamp) -> Option<(Header, Session)> {
        let bytes = private_file::read_private(&self.path(identity), LARGEST).ok()?;
        let (header, session) = sealed::open(&bytes, identity, &self.key)?;
        let alive = header.expires.since(now) > need.rest && header.is_plausible(now);
        let new_enough = need.not_before.is_none_or(|moment| header.issued >= moment);
        (alive && new_enough).then_some((header, session))
    }

    /// Keeps a session; replaces what was there, and removes what has ended.
    pub fn keep(
        &self,
        identity: &Identity,
        mut header: Header,
        session: &Session,
    ) -> std::result::Result<(), Obstacle> {
        remove_ended(&self.folder, header.issued);
        header.identity = *identity;
        header.key = self.key.id().into();
        let path = self.path(identity);
        let sealed = sealed::seal(&header, session, &self.key).ok_or_else(|| io::Error::other("no random bytes"));
        sealed
            .and_then(|bytes| private_file::write_atomically(&path, &bytes))
            .map_err(|error| Obstacle::to("written", &path, &error))
    }

    /// Forgets a session under this key.
    pub fn forget(&self, identity: &Identity) -> io::Result<()> {
        std::fs::remove_file(self.path(identity))
    }

    /// Notes that a renewal failed, so that the next callers leave it alone for a minute.
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
        let mut found: Vec<_> = sealed_files(&self.folder).filter_map(open).collect();
        let order = |(path, header): &(PathBuf, Header)| (header.profile.to_string(), header.kind.word(), path.clone());
        found.sort_by_cached_key(order);
        found
    }

    fn path(&self, identity: &Identity) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(identity.bytes());
        hash.update(self.key.id().as_bytes());
        self.folder.join(format!("{}.{SUFFIX}", &hex(&hash.finalize())[..32]))
    }
}

/// What the sealed files of a folder say of themselves, with their paths. Anybody can write such a file, so this is for
/// removing them; what is shown comes from [`Cache::headers`].
pub fn claims(folder: &Path) -> impl Iterator<Item = (PathBuf, Header)> {
    let read = |path: PathBuf| {
        let bytes = private_file::read_private(&path, LARGEST).ok()?;
        let end = memchr::memchr(b'\n', &bytes)?;
        let header = Header::parse(&bytes[..end])?;
        Some((path, header))
    };
    sealed_files(folder).filter_map(read)
}

fn sealed_files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == SUFFIX))
}

/// What cannot be removed now is left for the next time: it never costs a fresh session its place.
fn remove_ended(folder: &Path, now: Timestamp) {
    for (path, header) in claims(folder) {
        if header.expires <= now {
            let _ = std::fs::remove_file(path.with_extension("retry"));
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Removes every sealed file of a folder, whatever key it lies under; says how many.
pub fn remove_all(folder: &Path) -> io::Result<usize> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(e),
    };
    let mut removed = 0;
    for path in entries.flatten().map(|e| e.path()) {
        if path.extension().is_some_and(|e| e == SUFFIX) {
            std::fs::remove_file(path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

//! The sessions that open and live, and how long what a plan ends in will.
//!
//! Whoever brings a cache directory brings its files: what the sealing key does not open is no session, and nothing of it
//! is shown or counted as one (threat-model P55).

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use crate::arn::RoleArn;
use crate::session::cache::{self, Cache};
use crate::session::identity::Identity;
use crate::session::sealed::Header;
use crate::session::sealing_key;
use crate::system::clock;
use crate::timestamp::Timestamp;

use super::context::{Context, Planned};

/// What the sealed files hold.
#[derive(Default)]
pub struct Opened {
    /// The sessions that open under the sealing key, with their files.
    pub sessions: Vec<(PathBuf, Header)>,
    /// Set where nobody can say what the files hold.
    pub unopened: Option<Unopened>,
}

/// Files that may hold sessions, while the keyring with their key does not answer.
pub struct Unopened {
    /// How many.
    pub files: usize,
    /// What the keyring says.
    pub why: String,
}

impl Unopened {
    /// `2 sealed files cannot be opened: the Secret Service is locked`
    pub fn line(&self) -> String {
        format!("{} cannot be opened: {}", sealed_files(self.files), self.why)
    }
}

/// `1 sealed file`, `2 sealed files`
pub fn sealed_files(count: usize) -> String {
    format!("{count} sealed file{}", if count == 1 { "" } else { "s" })
}

/// Opens the sealed files that are wanted by what they say of themselves. No keyring is asked about nothing.
pub fn open(context: &Context, is_wanted: impl Fn(&Header) -> bool) -> Opened {
    let files = cache::claims(&context.dirs.cache).filter(|(_, header)| is_wanted(header)).count();
    if files == 0 {
        return Opened::default();
    }
    match sealing_key::find(&context.stores(false), &context.dirs.cache) {
        Ok(key) => {
            let mut sessions = Cache::new(context.dirs.cache.clone(), key).headers();
            sessions.retain(|(_, header)| is_wanted(header));
            Opened { sessions, unopened: None }
        }
        Err(none) => Opened { sessions: Vec::new(), unopened: none.unclear().map(|why| Unopened { files, why }) },
    }
}

/// The same of those that live.
pub fn open_active(context: &Context, now: Timestamp, is_wanted: impl Fn(&Header) -> bool) -> Opened {
    open(context, |header| header.expires > now && header.is_plausible(now) && is_wanted(header))
}

/// What lives, found by what it serves.
pub struct ActiveSessions {
    now: Timestamp,
    ends: HashMap<Identity, Timestamp>,
    roles: HashSet<Option<RoleArn>>,
}

impl ActiveSessions {
    /// Looks once for all profiles.
    pub fn look(context: &Context) -> Self {
        let now = clock::now();
        let sessions = open_active(context, now, |_| true).sessions;
        let roles = sessions.iter().map(|(_, header)| header.role.clone()).collect();
        let ends = sessions.into_iter().map(|(_, header)| (header.identity, header.expires)).collect();
        Self { now, ends, roles }
    }

    /// Whether anything lives that may be what a plan with this last role ends in. Plans and identities are expensive;
    /// most profiles of a long list can do without.
    pub fn may_serve(&self, role: Option<&RoleArn>) -> bool {
        self.roles.contains(&role.cloned())
    }

    /// When the credentials of a plan's last step end, if they live, and how long that is from now.
    pub fn rest(&self, planned: &Planned) -> Option<(Timestamp, Duration)> {
        if self.ends.is_empty() {
            return None;
        }
        let end = *self.ends.get(&planned.steps().last()?.identity)?;
        Some((end, end.since(self.now)))
    }
}

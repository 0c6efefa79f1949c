//! The active sessions in the cache, and the time left of a plan's credentials.
//!
//! A file in the cache that the sealing key does not open may be forged: it is neither shown nor counted as a session
//! (threat-model P55).

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use crate::arn::RoleArn;
use crate::credentials::AccessKeyId;
use crate::session::cache::{self, Cache};
use crate::session::identity::Identity;
use crate::session::sealed::Header;
use crate::session::{outside, sealing_key};
use crate::system::clock;
use crate::system::confinement::Confinement;
use crate::text::list::counted;
use crate::timestamp::Timestamp;

use super::context::{Context, Planned};

/// The files of these sessions, also those that cannot be opened: such a file is of no use, and ends with the session
/// that it claims to be.
pub fn files_of(context: &Context, identities: &HashSet<Identity>) -> Vec<PathBuf> {
    let claims = cache::claims(&context.dirs.cache);
    claims.filter(|(_, header)| identities.contains(&header.identity)).map(|(path, _)| path).collect()
}

/// The files of every session that began with this access key.
pub fn files_on_key(context: &Context, id: &AccessKeyId) -> Vec<PathBuf> {
    let rests_on_it = |name: &String| {
        let key = context.outline(name)?.base.into_key()?;
        if key.id == *id { context.plan_quietly(name) } else { None }
    };
    let names = context.files.profile_names();
    let identities = names.iter().filter_map(rests_on_it).flat_map(|planned| planned.identities()).collect();
    files_of(context, &identities)
}

#[derive(Default)]
pub struct Opened {
    pub sessions: Vec<(PathBuf, Header)>,
    /// Set if the sealing key is not available.
    pub unopened: Option<Unopened>,
}

/// Files that may be sessions, but the keyring with their key does not answer.
pub struct Unopened {
    pub files: usize,
    pub why: String,
}

impl Unopened {
    /// `2 session files cannot be opened: the Secret Service is locked`
    pub fn line(&self) -> String {
        format!("{} cannot be opened: {}", sealed_files(self.files), self.why)
    }
}

pub fn sealed_files(count: usize) -> String {
    counted(count, "session file")
}

/// Opens the sealed files whose headers are wanted. Without any, no keyring is asked.
pub fn open(context: &Context, is_wanted: impl Fn(&Header) -> bool) -> Opened {
    let files = cache::claims(&context.dirs.cache).filter(|(_, header)| is_wanted(header)).count();
    if files == 0 {
        return Opened::default();
    }
    let stores = context.stores(false);
    let outside = || outside::hidden_by(&stores, &context.dirs.cache).map(|_| Confinement::WHY.to_string());
    match sealing_key::find(&stores, &context.dirs.cache) {
        Ok(key) => {
            let mut sessions = Cache::new(context.dirs.cache.clone(), key).headers();
            sessions.retain(|(_, header)| is_wanted(header));
            let files = files - sessions.len().min(files);
            let why = (files > 0).then(outside).flatten();
            Opened { sessions, unopened: why.map(|why| Unopened { files, why }) }
        }
        Err(none) => {
            let why = none.unclear().or_else(outside);
            Opened { sessions: Vec::new(), unopened: why.map(|why| Unopened { files, why }) }
        }
    }
}

/// Opens those that have not expired, and do not rest on a sign-in that is over: nobody gets these.
pub fn open_active(context: &Context, now: Timestamp, is_wanted: impl Fn(&Header) -> bool) -> Opened {
    let lives = |header: &Header| header.expires > now && header.is_plausible(now) && is_wanted(header);
    let mut opened = open(context, lives);
    let mut over = HashMap::new();
    opened.sessions.retain(|(_, header)| {
        let identities = over.entry(header.profile.clone()).or_insert_with(|| {
            let planned = context.plan_quietly(header.profile.as_str())?;
            planned.plan.base.has_proof().then(|| planned.identities())
        });
        identities.as_ref().is_none_or(|identities| identities.contains(&header.identity))
    });
    opened
}

/// Every session that was started for a profile whose credentials come from elsewhere, also those of a former sign-in or
/// setting.
pub fn of_any_source(context: &Context, planned: &Planned) -> HashSet<Identity> {
    let is_its = |header: &Header| planned.plan.base.is_fetched() && header.profile == planned.plan.profile;
    let claims = cache::claims(&context.dirs.cache).filter(|(_, header)| is_its(header));
    claims.map(|(_, header)| header.identity).collect()
}

pub struct ActiveSessions {
    now: Timestamp,
    ends: HashMap<Identity, Timestamp>,
    roles: HashSet<Option<RoleArn>>,
}

impl ActiveSessions {
    pub fn look(context: &Context) -> Self {
        let now = clock::now();
        let sessions = open_active(context, now, |_| true).sessions;
        let roles = sessions.iter().map(|(_, header)| header.role.clone()).collect();
        let ends = sessions.into_iter().map(|(_, header)| (header.identity, header.expires)).collect();
        Self { now, ends, roles }
    }

    /// Whether a plan that ends in this role may have an active session. Plans and identities are expensive, and most
    /// profiles of a long list need none.
    pub fn may_have(&self, role: Option<&RoleArn>) -> bool {
        self.roles.contains(&role.cloned())
    }

    /// When the session of a step expires, if it is active.
    pub fn end(&self, step: &Identity) -> Option<Timestamp> {
        self.ends.get(step).copied()
    }

    /// When the credentials of a plan's last step expire, and the time left, if they are active. A protected profile uses
    /// no session, not even one that another profile has of its role.
    pub fn time_left(&self, planned: &Planned) -> Option<(Timestamp, Duration)> {
        if self.ends.is_empty() || planned.plan.protected {
            return None;
        }
        let end = self.end(&planned.steps().last()?.identity)?;
        Some((end, end.since(self.now)))
    }
}

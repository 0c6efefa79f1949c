//! The sessions that live, and how long what a plan ends in will.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::arn::RoleArn;
use crate::session::sealed::Header;
use crate::session::{cache, sealing_key};
use crate::system::clock;
use crate::timestamp::Timestamp;

use super::world::{Planned, World};

/// The headers of the sessions that live and can be opened.
pub fn headers(world: &World, now: Timestamp) -> Vec<Header> {
    let all = cache::headers(&world.folders.cache).into_iter().map(|(_, header)| header);
    let mut living: Vec<Header> = all.filter(|h| h.expires > now && h.is_plausible(now)).collect();
    // No keyring is asked about nothing.
    if !living.is_empty() {
        living.retain(opens(world));
    }
    living
}

/// Whether a sealed file can be opened: its key may be gone after a reboot. A locked keyring says nothing, so all count.
fn opens(world: &World) -> impl Fn(&Header) -> bool {
    let key = sealing_key::find(&world.stores(false), &world.folders.cache);
    move |header| match &key {
        Ok(key) => header.key == key.id(),
        Err(none) => !none.is_absent(),
    }
}

/// What lives, found by what it serves.
pub struct Living {
    now: Timestamp,
    ends: HashMap<String, Timestamp>,
    roles: HashSet<Option<String>>,
}

impl Living {
    /// Looks once for all profiles.
    pub fn look(world: &World) -> Self {
        let now = clock::now();
        let headers = headers(world, now);
        let roles = headers.iter().map(|header| header.role.clone()).collect();
        let ends = headers.into_iter().map(|header| (header.identity, header.expires)).collect();
        Self { now, ends, roles }
    }

    /// Whether anything lives that may be what a plan with this last role ends in. Plans and identities are expensive;
    /// most profiles of a long list can do without.
    pub fn may_serve(&self, role: Option<&RoleArn>) -> bool {
        self.roles.contains(&role.map(ToString::to_string))
    }

    /// When the credentials of a plan's last step end, if they live, and how long that is from now.
    pub fn rest(&self, planned: &Planned) -> Option<(Timestamp, Duration)> {
        if self.ends.is_empty() {
            return None;
        }
        let end = *self.ends.get(&planned.steps().last()?.identity.hex())?;
        Some((end, end.since(self.now)))
    }
}

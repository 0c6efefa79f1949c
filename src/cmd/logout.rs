//! `logout`: ends sessions; access keys stay.

use std::collections::HashSet;

use crate::arn::{MfaSerial, RoleArn};
use crate::change::apply::forget_sessions;
use crate::cli;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Hint, Verb};
use crate::names::ProfileName;
use crate::output::to_stdout;
use crate::profile::base::Base;
use crate::session::identity::Identity;
use crate::session::sealed::{Header, SessionKind};
use crate::session::{cache, sealing_key};
use crate::store::StoreError;
use crate::system::clock;
use crate::system::directories::{Directories, shorten};
use crate::system::obstacle::Obstacle;
use crate::text::list::counted;
use crate::text::visible::visible;

use super::active_sessions::{self, sealed_files};
use super::context::{Context, Invocation};
use super::foreign_caches::{self, ForeignCache};

pub fn run(args: &cli::Logout, invocation: &Invocation) -> Result<u8> {
    if args.all {
        return all(&Context::for_any_profiles(Directories::find(&invocation.env)?, &invocation.env)?);
    }
    let context = Context::load(&invocation.env)?;
    let planned = context.plan(&context.requested_or_picked(&args.profile)?)?;
    let mut wanted = planned.identities();
    wanted.extend(active_sessions::of_any_source(&context, &planned));
    let found = active_sessions::open(&context, |header| wanted.contains(&header.identity));
    forget_sessions(&active_sessions::files_of(&context, &wanted))?;
    let name = visible(planned.plan.profile.as_str());
    let mut text: String = found.sessions.iter().map(|(_, header)| ended(header)).collect();
    if let Some(unopened) = &found.unopened {
        text += &format!("{name}: removed {}\n", unopened.line().replace(" cannot be ", " that could not be "));
    } else if found.sessions.is_empty() {
        text += &format!("{name}: no sessions to end\n");
    } else {
        let ended = found.sessions.iter().map(|(_, header)| header.identity).collect();
        text += &sharing(&context, &planned.plan.profile, &ended);
    }
    if let Some(sign_out) = sign_out(&planned.plan.base) {
        text += &format!("twolock does not end the AWS CLI's sign-in; to sign out: {sign_out}\n");
    }
    to_stdout(text.as_bytes()).map(|()| 0)
}

/// The command of the AWS CLI that ends the sign-in of a source.
fn sign_out(base: &Base) -> Option<CommandLine> {
    match base {
        Base::Sso(_) => Some(CommandLine::other("aws sso logout")),
        Base::Login(login) => Some(CommandLine::other("aws logout --profile").of_profile(&login.profile)),
        _ => None,
    }
}

fn ended(header: &Header) -> String {
    let role = header.role.as_ref().map(RoleArn::as_str);
    let owner = role.or(header.device.as_ref().map(MfaSerial::as_str)).unwrap_or(header.profile.as_str());
    let role = if header.kind == SessionKind::Role { "role " } else { "" };
    format!("ended the {role}session of {}\n", visible(owner))
}

fn all(context: &Context) -> Result<u8> {
    let now = clock::now();
    let sessions = active_sessions::open(context, |_| true).sessions;
    let active = sessions.iter().filter(|(_, header)| header.expires > now).count();
    let removed = cache::remove_all(&context.dirs.cache).map_err(|e| {
        let obstacle = Obstacle::to("removed", &context.dirs.cache.join("*.sealed"), &e);
        context.shortened_failure(Failure { kind: Kind::Disk, ..obstacle.failure() })
    })?;
    let (had_key, left) = sealing_key::forget(&context.stores(true), &context.dirs.cache);
    // A locked keyring may still have the key; a missing one does not.
    let remaining = left.into_iter().find(|(_, e)| !matches!(e, StoreError::NoService(_)));
    if let Some((store, e)) = remaining {
        let cause = format!(
            "{} removed, but their encryption key may still be stored: {} {e}",
            sealed_files(removed),
            store.name
        );
        let again = |unlock| CommandLine::new(Verb::Logout).with("--all").to(format!("{unlock}, then run"));
        let hint = store
            .unlock
            .map_or_else(|| Hint::from("delete the key there, or restart the keyring and run this again"), again);
        return Err(Failure::new(Kind::Keyring, cause).hint(hint));
    }
    let mut text = match (active, had_key) {
        (0, true) => "no sessions to end; deleted the encryption key\n".into(),
        (0, false) => "no sessions to end\n".into(),
        (_, true) => format!("ended {} and deleted the encryption key\n", counted(active, "session")),
        (_, false) => format!("ended {}\n", counted(active, "session")),
    };
    if removed > sessions.len() {
        text += &format!("removed {} that could not be opened\n", sealed_files(removed - sessions.len()));
    }
    for cache in foreign_caches::found(&context.dirs.home, now) {
        text += &format!("not ended: {}\n", left_behind(context, &cache));
    }
    to_stdout(text.as_bytes()).map(|()| 0)
}

/// Names credentials of others that are still valid, and the command that removes them.
pub fn left_behind(context: &Context, cache: &ForeignCache) -> String {
    let shown = visible(&shorten(&cache.place, &context.dirs.home));
    let remove = CommandLine::other("rm -r").with(cache.place.to_string_lossy());
    format!("credentials of {} in {shown}; to remove them: {remove}", cache.of)
}

/// Names the other profiles that used one of the ended sessions.
fn sharing(context: &Context, profile: &ProfileName, ended: &HashSet<Identity>) -> String {
    let names = context.profile_names();
    let shares = |name: &&String| {
        let planned = if *name == profile.as_str() { None } else { context.plan_quietly(name) };
        planned.is_some_and(|other| !other.identities().is_disjoint(ended))
    };
    let others: Vec<String> = names.iter().filter(shares).map(|name| visible(name)).collect();
    if others.is_empty() { String::new() } else { format!("it was shared with: {}\n", others.join(", ")) }
}

//! `status`: the sessions that live, the keys, and an answer for scripts.

use serde_json::{Value, json};

use crate::arn::RoleArn;
use crate::cli;
use crate::duration;
use crate::error::{Kind, Result};
use crate::names::ProfileName;
use crate::output::table::table;
use crate::output::{json_to_stdout, to_stdout};
use crate::session::cache;
use crate::session::sealed::Header;
use crate::system::clock;
use crate::timestamp::Timestamp;
use crate::visible::visible;

use super::Call;
use super::living;
use super::world::{Planned, World};

/// Lists what lives. With `--min-ttl` the exit code says whether the profile lasts that long without a question.
pub fn run(args: &cli::Status, call: &Call) -> Result<u8> {
    let world = World::load(&call.env)?;
    let now = clock::now();
    let one = args.min_ttl.is_some() || args.profile.positional.is_some() || args.profile.flag.is_some();
    let planned = if one { Some(world.plan(&world.asked(&args.profile)?)?) } else { None };
    let mut living = living::headers(&world, now);
    if let Some(planned) = &planned {
        living.retain(|header| planned.identities().iter().any(|identity| identity.hex() == header.identity));
    }
    if args.json {
        json_to_stdout(as_json(&living, &world, now))?;
    } else {
        to_stdout(as_text(&living, &world, now).as_bytes())?;
    }
    match (args.min_ttl, planned) {
        (Some(rest), Some(planned)) if !lasts(&planned, &living, now.plus(rest)) => Ok(Kind::NeedsPerson.exit_code()),
        _ => Ok(0),
    }
}

/// Whether credentials that live until `until` can be had without a code: they are there, or the session below is.
fn lasts(planned: &Planned, living: &[Header], until: Timestamp) -> bool {
    let alive = |step: usize, until: Timestamp| {
        let identity = planned.identities()[step - 1].hex();
        living.iter().any(|header| header.identity == identity && header.expires > until)
    };
    let steps = &planned.plan.steps;
    let last = planned.identities().len();
    let fresh_would_last = clock::now().plus(planned.plan.duration()) > until;
    let without_code = match steps.iter().position(|step| step.device().is_some()) {
        None => true,
        Some(opened) => opened < last && alive(opened, clock::now().plus(cache::SHORTEST_REST)),
    };
    alive(last, until) || (without_code && fresh_would_last)
}

fn as_text(living: &[Header], world: &World, now: Timestamp) -> String {
    let row = |header: &Header| {
        let what = header.role.as_deref().and_then(|arn| RoleArn::parse(arn).ok()).map(|role| role.name().to_string());
        vec![
            visible(&header.profile),
            header.account.clone().unwrap_or_else(|| "-".into()),
            what.map_or_else(|| header.kind.word().into(), |role| format!("role {role}")),
            header.device.as_deref().map_or_else(|| "no MFA".into(), |d| visible(d.rsplit('/').next().unwrap_or(d))),
            duration::show(header.expires.since(now)),
        ]
    };
    let mut text = if living.is_empty() {
        "no session lives\n".to_string()
    } else {
        table(&["PROFILE", "ACCOUNT", "KIND", "DEVICE", "LEFT"], &living.iter().map(row).collect::<Vec<_>>())
    };
    let keys: Vec<_> =
        keys(world, now).into_iter().map(|key| vec![visible(&key.profile), key.id, key.place, key.age]).collect();
    if !keys.is_empty() {
        text += "\n";
        text += &table(&["KEY OF", "ACCESS KEY", "WHERE", "AGE"], &keys);
    }
    text
}

fn as_json(living: &[Header], world: &World, now: Timestamp) -> Value {
    let session = |header: &Header| {
        let mut fields = json!({
            "profile": header.profile,
            "kind": header.kind.word(),
            "expires": header.expires.to_string(),
            "seconds_left": header.expires.since(now).as_secs(),
        });
        let more = [("account", &header.account), ("mfa_serial", &header.device), ("role_arn", &header.role)];
        for (name, value) in more {
            if let Some(value) = value {
                fields[name] = json!(value);
            }
        }
        fields
    };
    let key = |key: Key| json!({"profile": key.profile, "access_key_id": key.id, "where": key.place, "age": key.age});
    json!({
        "sessions": living.iter().map(session).collect::<Vec<_>>(),
        "keys": keys(world, now).into_iter().map(key).collect::<Vec<_>>(),
    })
}

struct Key {
    profile: String,
    id: String,
    place: String,
    age: String,
}

/// Every long-lived key, with its age where the index knows it. A file says nothing of its keys' age.
fn keys(world: &World, now: Timestamp) -> Vec<Key> {
    let key_of = |name: &String| {
        let profile = ProfileName::parse(name).ok()?;
        let key = world.outline(name)?.key;
        if key.profile != profile {
            return None;
        }
        let created = world.index.get(&profile).filter(|entry| entry.id == key.id).and_then(|entry| entry.created);
        Some(Key {
            profile: name.clone(),
            id: key.id.to_string(),
            place: key.place.to_string(),
            age: created.map_or_else(|| "unknown".into(), |at| duration::show(now.since(at))),
        })
    };
    world.files.profile_names().iter().filter_map(key_of).collect()
}

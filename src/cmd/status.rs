//! `status`: active sessions, keys, and an exit code for scripts.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::arn::{AccountId, MfaSerial, RoleArn};
use crate::cli;
use crate::duration;
use crate::error::{Kind, Result};
use crate::output::paragraph::wrapped;
use crate::output::table::table;
use crate::output::{json_to_stdout, to_stdout};
use crate::profile::base::LongTermKey;
use crate::session::cache;
use crate::session::identity::Identity;
use crate::session::sealed::{Header, SessionKind};
use crate::session::target::Target;
use crate::system::directories::Directories;
use crate::system::{clock, terminal};
use crate::text::visible::{sentence, visible};
use crate::timestamp::Timestamp;

use super::active_sessions::{Opened, Unopened, open_active};
use super::context::{Context, Invocation, Planned};
use super::kept::Kept;
use super::key_ages::KeyAges;
use super::sessions::refuse_protected;
use super::this_shell::ThisShell;

/// With `--min-ttl`, the exit code says whether the profile's credentials last that long without a code.
pub fn run(args: &cli::Status, invocation: &Invocation) -> Result<u8> {
    let one = args.min_ttl.is_some() || args.profile.name().is_some();
    let context = match one {
        true => Context::load(&invocation.env)?,
        false => Context::for_any_profiles(Directories::find(&invocation.env)?, &invocation.env)?,
    };
    let now = clock::now();
    let planned = if one { Some(context.plan(&context.requested(&args.profile)?)?) } else { None };
    planned.iter().try_for_each(|planned| refuse_protected(&planned.plan))?;
    let wanted = planned.as_ref().map(Planned::identities);
    let is_wanted = |header: &Header| wanted.as_ref().is_none_or(|wanted| wanted.contains(&header.identity));
    let active_sessions = open_active(&context, now, is_wanted);
    let keys = keys(&context);
    let rows = key_rows(&context, &keys, now);
    // Not where a script only wants the exit code: a keyring may take seconds.
    let kept = args.min_ttl.is_none().then(|| Kept::look(&context));
    if args.json {
        let mut fields = as_json(&active_sessions, &context, rows, now);
        if let Some(kept) = kept {
            fields["kept"] = kept.as_json();
        }
        json_to_stdout(fields)?;
    } else {
        let room = terminal::columns(&context.env);
        let kept = kept.map(|kept| format!("\n{}", wrapped(&sentence(&kept.line()), "", room))).unwrap_or_default();
        to_stdout((as_text(&active_sessions, &context, rows, now) + &kept).as_bytes())?;
    }
    // Not where a program asks: nobody would see it, and it is not said twice.
    if !args.json && args.min_ttl.is_none() {
        match planned.as_ref().map(|planned| &planned.plan.base) {
            Some(base) => context.remind(base.key()),
            None => context.remind(&keys),
        }
    }
    match (args.min_ttl, planned) {
        (Some(rest), Some(planned)) if !lasts(&planned, &active_sessions, now.plus(rest)) => {
            Ok(Kind::NeedsPerson.exit_code())
        }
        _ => Ok(0),
    }
}

/// Whether credentials that last until `until` need no code: they are cached, or the session they are made from is.
fn lasts(planned: &Planned, active_sessions: &Opened, until: Timestamp) -> bool {
    let alive = |identity: Identity, until: Timestamp| {
        active_sessions.sessions.iter().any(|(_, header)| header.identity == identity && header.expires > until)
    };
    let steps = planned.steps();
    let Some(last) = Target::last_of(&steps) else { return false };
    let soon = clock::now().plus(cache::SHORTEST_REST);
    let fresh_would_last = clock::now().plus(planned.plan.least_duration()) > until;
    let without_code = || last.needs_no_person(|below| alive(below, soon));
    // Only a person signs in, and whether somebody has to is not known before the sign-in is used.
    let without_sign_in = || planned.plan.base.sign_in().is_none() || alive(steps[0].identity, soon);
    alive(last.identity, until) || (fresh_would_last && without_code() && without_sign_in())
}

fn as_text(active_sessions: &Opened, context: &Context, keys: Vec<[String; 4]>, now: Timestamp) -> String {
    let row = |(_, header): &(PathBuf, Header)| {
        vec![
            visible(header.profile.as_str()),
            header.account.as_ref().map_or_else(|| "-".into(), ToString::to_string),
            kind(header),
            match &header.device {
                Some(device) => device.name().unwrap_or(device.as_str()).into(),
                None if has_no_mfa(context, header) => "no MFA".into(),
                None => "-".into(),
            },
            duration::show(header.expires.since(now)),
        ]
    };
    let room = terminal::columns(&context.env);
    let this_shell = ThisShell::of(&context.env);
    let own = this_shell.profile.as_deref().map(|own| format!("this shell: {}\n", visible(own)));
    let mut text = this_shell.remark(&context.files) + &own.unwrap_or_default();
    text += if text.is_empty() { "" } else { "\n" };
    text += &if active_sessions.sessions.is_empty() {
        "no active sessions\n".to_string()
    } else {
        table(
            &["PROFILE", "ACCOUNT", "KIND", "DEVICE", "LEFT"],
            &active_sessions.sessions.iter().map(row).collect::<Vec<_>>(),
            room,
            &[3, 1],
        )
    };
    if let Some(unopened) = &active_sessions.unopened {
        text += &format!("{}\n", unopened.line());
    }
    let row = |[profile, id, place, age]: [String; 4]| vec![visible(&profile), id, place, age];
    let keys: Vec<_> = keys.into_iter().map(row).collect();
    if !keys.is_empty() {
        text += "\n";
        text += &table(&["KEY OF", "ACCESS KEY", "WHERE", "AGE"], &keys, room, &[2]);
    }
    text
}

fn kind(header: &Header) -> String {
    match (&header.role, &header.device) {
        (Some(role), _) => format!("role {}", role.name()),
        (None, _) if header.kind != SessionKind::Session => header.kind.word().into(),
        (None, Some(_)) => "MFA session".into(),
        (None, None) => "session".into(),
    }
}

/// Whether a session began with an access key and no code. Credentials from elsewhere may have MFA of their own.
fn has_no_mfa(context: &Context, header: &Header) -> bool {
    let of_profile = || context.outline(header.profile.as_str()).is_some_and(|outline| outline.base.key().is_some());
    match header.kind {
        SessionKind::Session => true,
        SessionKind::Role => of_profile(),
        SessionKind::Process | SessionKind::Sso | SessionKind::Login => false,
    }
}

fn as_json(active_sessions: &Opened, context: &Context, keys: Vec<[String; 4]>, now: Timestamp) -> Value {
    let session = |(_, header): &(PathBuf, Header)| {
        let mut fields = json!({
            "profile": header.profile.as_str(),
            "kind": header.kind.word(),
            "expires": header.expires.to_string(),
            "seconds_left": header.expires.since(now).as_secs(),
        });
        let more = [
            ("account", header.account.as_ref().map(AccountId::as_str)),
            ("mfa_serial", header.device.as_ref().map(MfaSerial::as_str)),
            ("role_arn", header.role.as_ref().map(RoleArn::as_str)),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                fields[name] = json!(value);
            }
        }
        fields
    };
    let key = |[profile, id, place, age]: [String; 4]| json!({"profile": profile, "access_key_id": id, "where": place, "age": age});
    let mut fields = json!({
        "sessions": active_sessions.sessions.iter().map(session).collect::<Vec<_>>(),
        "keys": keys.into_iter().map(key).collect::<Vec<_>>(),
    });
    if let Some(own) = ThisShell::of(&context.env).profile {
        fields["this_shell"] = json!(own);
    }
    if let Some(Unopened { files, why }) = &active_sessions.unopened {
        fields["unopened"] = json!({"files": files, "why": why});
    }
    fields
}

/// Every long-term key, as its own profile has it.
fn keys(context: &Context) -> Vec<LongTermKey> {
    let key_of = |name: &String| {
        let key = context.outline(name)?.base.into_key()?;
        (key.profile.as_str() == name).then_some(key)
    };
    context.profile_names().iter().filter_map(key_of).collect()
}

/// The profile, id, place and age of every long-term key.
fn key_rows(context: &Context, keys: &[LongTermKey], now: Timestamp) -> Vec<[String; 4]> {
    let ages = KeyAges::of(context);
    let age = |key: &LongTermKey| ages.age(&key.id, now).map_or_else(|| "unknown".into(), |age| age.to_string());
    keys.iter().map(|key| [key.profile.to_string(), key.id.to_string(), key.place.to_string(), age(key)]).collect()
}

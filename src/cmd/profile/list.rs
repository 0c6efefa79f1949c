//! `profile list`: each profile with its account, device and key, and how long its session lives.

use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use crate::arn::MfaSerial;
use crate::aws_files::Profile;
use crate::duration;
use crate::error::Result;
use crate::output::table::table_within;
use crate::output::{json_to_stdout, to_stdout};
use crate::profile::base::{Base, KeyPlace};
use crate::profile::callers::{Callers, Served};
use crate::profile::facts::{account, device, kind};
use crate::profile::plan::Outline;
use crate::system::terminal;
use crate::text::visible::visible;
use crate::timestamp::Timestamp;

use super::fields::{add_key_and_rest, facts};
use crate::cmd::active_sessions::ActiveSessions;
use crate::cmd::context::Context;

const HEADER: [&str; 7] = ["PROFILE", "KIND", "ACCOUNT", "DEVICE", "KEY", "LEFT", "SERVED"];

/// What a narrow terminal does without, by column: the device first, then the account, then the key.
const SPARE: [usize; 3] = [3, 2, 4];

/// Lists every profile.
pub fn run(context: &Context, as_json: bool) -> Result<u8> {
    let names = context.files.profile_names();
    let active_sessions = ActiveSessions::look(context);
    let callers = Callers::of(&context.files);
    let listed = names.iter().filter_map(|name| Listed::of(context, &active_sessions, &callers, name));
    if as_json {
        // Not by `json!`, which copies what it is given.
        let list = listed.map(|listed| listed.facts(context)).collect();
        return json_to_stdout(Value::Object([("profiles".into(), list)].into_iter().collect())).map(|()| 0);
    }
    let rows: Vec<_> = listed.map(|listed| listed.row(context)).collect();
    let text = if rows.is_empty() {
        let (config, credentials) = (context.files.config.shown(), context.files.credentials.shown());
        format!("no profiles in {config} or {credentials}; run: twolock profile add\n")
    } else {
        table_within(&HEADER, &rows, terminal::columns(&context.env), &SPARE)
    };
    to_stdout(text.as_bytes()).map(|()| 0)
}

/// A profile, where it leads, and what lives of it.
struct Listed {
    profile: Rc<Profile>,
    base: Option<Base>,
    device: Option<MfaSerial>,
    rest: Option<(Timestamp, Duration)>,
    served: Served,
}

impl Listed {
    fn of(context: &Context, active_sessions: &ActiveSessions, callers: &Callers, name: &str) -> Option<Self> {
        let Some(outline) = context.outline(name) else {
            let profile = Rc::new(context.files.profile(name)?);
            let served = callers.served(&profile);
            return Some(Self { profile, base: None, device: None, rest: None, served });
        };
        let Outline { profile, base, device, role } = outline;
        let profile = Rc::new(profile);
        let served = callers.served(&profile);
        let planned = if active_sessions.may_have(role.as_ref()) { context.plan_quietly(name) } else { None };
        let rest = planned.and_then(|planned| active_sessions.time_left(&planned));
        Some(Self { profile, base: Some(base), device, rest, served })
    }

    fn row(&self, context: &Context) -> Vec<String> {
        // A role's device may be named by the profiles below it.
        let device_of_the_chain = self.device.as_ref().and_then(|device| device.name()).map(visible);
        let or_none = |cell: Option<String>| cell.unwrap_or_else(|| "-".into());
        // Where the key is has a column of its own.
        let kind = match kind(&self.profile, &context.index) {
            "key in keyring" | "key of another" => "key",
            "settings only" => "settings",
            kind => kind,
        };
        vec![
            visible(&self.profile.name),
            kind.into(),
            or_none(account(&self.profile, &context.index)),
            or_none(device_of_the_chain.or_else(|| device(&self.profile).map(visible))),
            or_none(self.base.as_ref().map(|Base::Key(key)| short_place(&key.place))),
            or_none(self.rest.map(|(_, left)| duration::show(left))),
            match self.served {
                Served::Fully => "yes",
                Served::Partly => "partly",
                Served::No => "-",
            }
            .into(),
        ]
    }

    fn facts(&self, context: &Context) -> Value {
        let mut fields = facts(context, &self.profile, self.served);
        if let Some(base) = &self.base {
            add_key_and_rest(&mut fields, base, self.rest);
        }
        fields
    }
}

/// `credentials:2`, without the directories.
fn short_place(place: &KeyPlace) -> String {
    match place {
        KeyPlace::Keyring => "keyring".into(),
        KeyPlace::File(place) => {
            let file = place.file.rsplit(['/', '\\']).next().unwrap_or(&place.file);
            format!("{}:{}", visible(file), place.line)
        }
    }
}

//! `profile list`: each profile with its account, device, key and the time left.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::arn::MfaSerial;
use crate::aws_files::Profile;
use crate::duration;
use crate::error::Result;
use crate::output::table::table;
use crate::output::{json_to_stdout, to_stdout};
use crate::profile::base::{Base, KeyPlace};
use crate::profile::callers::{Callers, Served};
use crate::profile::facts::{account, device, kind};
use crate::profile::plan::Outline;
use crate::system::terminal;
use crate::text::visible::visible;
use crate::timestamp::Timestamp;

use crate::cmd::active_sessions::ActiveSessions;
use crate::cmd::context::Context;

const HEADER: [&str; 7] = ["PROFILE", "KIND", "ACCOUNT", "DEVICE", "KEY", "LEFT", "SERVED"];

/// The columns that a narrow terminal omits, in this order: device, account, key.
const SPARE: [usize; 3] = [3, 2, 4];

pub fn run(context: &Context, as_json: bool) -> Result<u8> {
    let names = context.files.profile_names();
    let active_sessions = ActiveSessions::look(context);
    let callers = context.callers();
    let listed = names.iter().filter_map(|name| Listed::of(context, &active_sessions, &callers, name));
    if as_json {
        // Not with `json!`, which copies its values.
        let list = listed.map(|listed| listed.facts(context)).collect();
        return json_to_stdout(Value::Object([("profiles".into(), list)].into_iter().collect())).map(|()| 0);
    }
    let rows: Vec<_> = listed.map(|listed| listed.row(context)).collect();
    let text = if rows.is_empty() {
        format!("no profiles in {}; run: twolock profile add\n", context.files.shown())
    } else {
        table(&HEADER, &rows, terminal::columns(&context.env), &SPARE)
    };
    to_stdout(text.as_bytes()).map(|()| 0)
}

struct Listed {
    profile: Rc<Profile>,
    base: Option<Base>,
    device: Option<MfaSerial>,
    rest: Option<(Timestamp, Duration)>,
    served: Served,
}

impl Listed {
    fn of(context: &Context, active_sessions: &ActiveSessions, callers: &Callers, name: &str) -> Option<Self> {
        let Some(Outline { profile, base, device, role }) = context.outline(name) else {
            let profile = Rc::new(context.files.profile(name)?);
            let served = callers.served(&profile);
            return Some(Self { profile, base: None, device: None, rest: None, served });
        };
        let profile = Rc::new(profile);
        let served = callers.served(&profile);
        let planned = if active_sessions.may_have(role.as_ref()) { context.plan_quietly(name) } else { None };
        let rest = planned.and_then(|planned| active_sessions.time_left(&planned));
        Some(Self { profile, base: Some(base), device, rest, served })
    }

    fn row(&self, context: &Context) -> Vec<String> {
        // The profiles of the chain may name a role's device.
        let device_of_the_chain = self.device.as_ref().and_then(|device| device.name()).map(visible);
        let or_none = |cell: Option<String>| cell.unwrap_or_else(|| "-".into());
        // Another column shows where the key is.
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

/// `credentials:2`: no directories.
fn short_place(place: &KeyPlace) -> String {
    match place {
        KeyPlace::Keyring => "keyring".into(),
        KeyPlace::File(place) => {
            let file = place.file.rsplit(['/', '\\']).next().unwrap_or(&place.file);
            format!("{}:{}", visible(file), place.line)
        }
    }
}

/// Adds where the key is, and when the credentials expire.
pub fn add_key_and_rest(fields: &mut Value, base: &Base, rest: Option<(Timestamp, Duration)>) {
    let Base::Key(key) = base;
    fields["key"] = json!(key.place.to_string());
    if let Some((end, left)) = rest {
        fields["expires"] = json!(end.to_string());
        fields["seconds_left"] = json!(left.as_secs());
    }
}

/// The profile's settings; missing ones are omitted.
pub fn facts(context: &Context, profile: &Profile, served: Served) -> Value {
    let adopted = served == Served::Fully;
    let mut fields = json!({"name": profile.name, "kind": kind(profile, &context.index), "adopted": adopted});
    let text = |ours: &str, standard: &str| {
        profile.get(ours).or_else(|| profile.get(standard)).map(|setting| setting.shown().to_string())
    };
    for (name, value) in [
        ("account", account(profile, &context.index)),
        ("region", text("region", "region")),
        ("mfa_serial", text("mfa_serial", "mfa_serial")),
        ("role_arn", text("twolock_role_arn", "role_arn")),
        ("source_profile", text("twolock_source_profile", "source_profile")),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            fields[name] = json!(value);
        }
    }
    fields
}

//! `profile list`: each profile with its account, device, key and the time left.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::arn::MfaSerial;
use crate::aws_files::{Profile, Setting};
use crate::duration;
use crate::error::Result;
use crate::output::table::table;
use crate::output::{Masked, json_list_to_stdout, to_stdout};
use crate::profile::base::{Base, KeyPlace, LongTermKey, TemporaryKey};
use crate::profile::callers::{Callers, Served};
use crate::profile::facts::{account_on, device, kind_on};
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
    let names = context.profile_names();
    let active_sessions = ActiveSessions::look(context);
    let callers = context.callers();
    let listed = names.iter().filter_map(|name| Listed::of(context, &active_sessions, &callers, name));
    if as_json {
        return json_list_to_stdout("profiles", listed.map(|listed| InJson { listed, context })).map(|()| 0);
    }
    let rows: Vec<_> = listed.map(|listed| listed.row(context)).collect();
    let text = if rows.is_empty() {
        format!("no profiles in {}; run: twolock setup\n", context.files.shown())
    } else {
        table(&HEADER, &rows, terminal::columns(&context.env), &SPARE)
    };
    to_stdout(text.as_bytes()).map(|()| 0)
}

struct Listed {
    profile: Profile,
    base: Option<Base>,
    device: Option<MfaSerial>,
    rest: Option<(Timestamp, Duration)>,
    served: Served,
}

impl Listed {
    fn of(context: &Context, active_sessions: &ActiveSessions, callers: &Callers, name: &str) -> Option<Self> {
        let Some(Outline { profile, base, device, role }) = context.outline(name) else {
            let profile = context.files.profile(name)?;
            let served = callers.served(&profile);
            return Some(Self { profile, base: None, device: None, rest: None, served });
        };
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
        let kind = match kind_on(&self.profile, &context.index, self.base.as_ref()) {
            "key in keyring" | "key of another" => "key",
            "settings only" => "settings",
            kind => kind,
        };
        vec![
            visible(&self.profile.name),
            kind.into(),
            or_none(account_on(&self.profile, &context.index, self.base.as_ref())),
            or_none(device_of_the_chain.or_else(|| device(&self.profile).map(visible))),
            or_none(self.base.as_ref().map(short_place)),
            or_none(self.rest.map(|(_, left)| duration::show(left))),
            match self.served {
                Served::Fully => "yes",
                Served::Partly => "partly",
                Served::No => "-",
            }
            .into(),
        ]
    }
}

struct InJson<'a> {
    listed: Listed,
    context: &'a Context,
}

impl Serialize for InJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Listed { profile, base, rest, served, .. } = &self.listed;
        Facts::of(self.context, profile, *served, base.as_ref(), *rest).serialize(serializer)
    }
}

/// `credentials:2`: no directories.
fn short_place(base: &Base) -> String {
    match base {
        Base::Key(LongTermKey { place, .. }) | Base::Temporary(TemporaryKey { place, .. }) => short_key_place(place),
        other => other.kind().into(),
    }
}

fn short_key_place(place: &KeyPlace) -> String {
    match place {
        KeyPlace::Keyring => "keyring".into(),
        KeyPlace::Environment => "environment".into(),
        KeyPlace::File(place) => {
            let file = place.file.rsplit(['/', '\\']).next().unwrap_or(&place.file);
            format!("{}:{}", visible(file), place.line)
        }
    }
}

/// The profile's settings, where its key is, and when the credentials expire; what is missing is omitted.
#[derive(Serialize)]
pub struct Facts<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    adopted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Masked<'a>>,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_serial: Option<Masked<'a>>,
    name: Masked<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Masked<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<Masked<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_left: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_profile: Option<Masked<'a>>,
}

impl<'a> Facts<'a> {
    pub fn of(
        context: &Context,
        profile: &'a Profile,
        served: Served,
        base: Option<&Base>,
        rest: Option<(Timestamp, Duration)>,
    ) -> Self {
        let masked = |text: &'a str| Masked(Cow::Borrowed(text));
        let shown = |setting: &'a Setting| Some(setting.shown()).filter(|value| !value.is_empty()).map(masked);
        let text = |key: &str| profile.get(key).and_then(shown);
        let first = |ours: &str, standard: &str| profile.get(ours).or_else(|| profile.get(standard)).and_then(shown);
        Self {
            account: account_on(profile, &context.index, base),
            adopted: served == Served::Fully,
            expires: rest.map(|(end, _)| end.to_string()),
            key: base.and_then(Base::key).map(|key| Masked(key.place.to_string().into())),
            kind: kind_on(profile, &context.index, base),
            mfa_serial: text("mfa_serial"),
            name: masked(&profile.name),
            region: text("region"),
            role_arn: first("twolock_role_arn", "role_arn"),
            seconds_left: rest.map(|(_, left)| left.as_secs()),
            source_profile: first("twolock_source_profile", "source_profile"),
        }
    }
}

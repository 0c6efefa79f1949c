//! `profile list`: each profile with its account, device and key, and how long its session lives.

use std::time::Duration;

use serde_json::{Value, json};

use crate::arn::MfaSerial;
use crate::aws_files::Profile;
use crate::duration;
use crate::error::Result;
use crate::output::table::table_within;
use crate::output::{json_to_stdout, to_stdout};
use crate::profile::base::{Base, KeyPlace};
use crate::profile::facts::{account, device, is_adopted, kind};
use crate::profile::plan::Outline;
use crate::system::terminal;
use crate::text::visible::visible;
use crate::timestamp::Timestamp;

use crate::cmd::living::Living;
use crate::cmd::world::World;

const HEADER: [&str; 7] = ["PROFILE", "KIND", "ACCOUNT", "DEVICE", "KEY", "LEFT", "SERVED"];

/// What a narrow terminal does without, by column: the device first, then the account, then the key.
const SPARE: [usize; 3] = [3, 2, 4];

/// Lists every profile.
pub fn run(world: &World, as_json: bool) -> Result<u8> {
    let names = world.files.profile_names();
    let living = Living::look(world);
    let listed = names.iter().filter_map(|name| Listed::of(world, &living, name));
    if as_json {
        // Not by `json!`, which copies what it is given.
        let list = listed.map(|listed| listed.facts(world)).collect();
        return json_to_stdout(Value::Object([("profiles".into(), list)].into_iter().collect())).map(|()| 0);
    }
    let rows: Vec<_> = listed.map(|listed| listed.row(world)).collect();
    let text = if rows.is_empty() {
        let (config, credentials) = (world.files.config.shown(), world.files.credentials.shown());
        format!("no profiles in {config} or {credentials}; run: twolock profile add\n")
    } else {
        table_within(&HEADER, &rows, terminal::columns(&world.env), &SPARE)
    };
    to_stdout(text.as_bytes()).map(|()| 0)
}

/// A profile, where it leads, and what lives of it.
struct Listed {
    profile: Profile,
    base: Option<Base>,
    device: Option<MfaSerial>,
    rest: Option<(Timestamp, Duration)>,
}

impl Listed {
    fn of(world: &World, living: &Living, name: &str) -> Option<Self> {
        let Some(outline) = world.outline(name) else {
            let profile = world.files.profile(name)?;
            return Some(Self { profile, base: None, device: None, rest: None });
        };
        let Outline { profile, base, device, role } = outline;
        let planned = if living.may_serve(role.as_ref()) { world.plan_if_any(name) } else { None };
        let rest = planned.and_then(|planned| living.rest(&planned));
        Some(Self { profile, base: Some(base), device, rest })
    }

    fn row(&self, world: &World) -> Vec<String> {
        // A role's device may be named by the profiles below it.
        let device_of_the_chain = self.device.as_ref().and_then(|device| device.name()).map(visible);
        let or_none = |cell: Option<String>| cell.unwrap_or_else(|| "-".into());
        // Where the key is has a column of its own.
        let kind = match kind(&self.profile, &world.index) {
            "key in keyring" | "key of another" => "key",
            "settings only" => "settings",
            kind => kind,
        };
        vec![
            visible(&self.profile.name),
            kind.into(),
            or_none(account(&self.profile, &world.index)),
            or_none(device_of_the_chain.or_else(|| device(&self.profile).map(visible))),
            or_none(self.base.as_ref().map(|Base::Key(key)| short_place(&key.place))),
            or_none(self.rest.map(|(_, left)| duration::show(left))),
            if is_adopted(&self.profile) { "yes" } else { "-" }.into(),
        ]
    }

    fn facts(&self, world: &World) -> Value {
        let mut fields = facts(world, &self.profile);
        if let Some(base) = &self.base {
            add_key_and_rest(&mut fields, base, self.rest);
        }
        fields
    }
}

/// `credentials:2`, without the folders.
fn short_place(place: &KeyPlace) -> String {
    match place {
        KeyPlace::Keyring => "keyring".into(),
        KeyPlace::File(place) => {
            let file = place.file.rsplit(['/', '\\']).next().unwrap_or(&place.file);
            format!("{}:{}", visible(file), place.line)
        }
    }
}

/// Where the key is, and how long what the plan ends in lives.
pub fn add_key_and_rest(fields: &mut Value, base: &Base, rest: Option<(Timestamp, Duration)>) {
    let Base::Key(key) = base;
    fields["key"] = json!(key.place.to_string());
    if let Some((end, left)) = rest {
        fields["expires"] = json!(end.to_string());
        fields["seconds_left"] = json!(left.as_secs());
    }
}

/// What the files say of a profile; what is absent is left out.
pub fn facts(world: &World, profile: &Profile) -> Value {
    let mut fields = json!({"name": profile.name, "kind": kind(profile, &world.index), "adopted": is_adopted(profile)});
    let text = |ours: &str, standard: &str| {
        profile.get(ours).or_else(|| profile.get(standard)).map(|setting| setting.shown().to_string())
    };
    for (name, value) in [
        ("account", account(profile, &world.index)),
        ("region", text("region", "region")),
        ("mfa_serial", text("mfa_serial", "mfa_serial")),
        ("role_arn", text("twolock_role_arn", "role_arn")),
        ("source_profile", text("twolock_source_profile", "source_profile")),
    ] {
        // `region =` says nothing.
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            fields[name] = json!(value);
        }
    }
    fields
}

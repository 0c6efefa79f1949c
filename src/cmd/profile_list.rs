//! `profile list`: each profile with its account, device and key, and how long its session lives.

use serde_json::{Value, json};

use crate::config::Profile;
use crate::duration;
use crate::error::Result;
use crate::names::ProfileName;
use crate::output::table::table_within;
use crate::output::{json_to_stdout, to_stdout};
use crate::profile::chain::KeyPlace;
use crate::profile::plan::{Plan, Step};
use crate::system::terminal;
use crate::visible::visible;

use super::living::Living;
use super::profile::{account, device, is_adopted, kind};
use super::world::{Planned, World};

const HEADER: [&str; 7] = ["PROFILE", "KIND", "ACCOUNT", "DEVICE", "KEY", "LEFT", "SERVED"];

/// What a narrow terminal does without, by column: the device first, then the account, then the key.
const SPARE: [usize; 3] = [3, 2, 4];

/// Lists every profile.
pub fn run(world: &World, as_json: bool) -> Result<u8> {
    let names = world.files.profile_names();
    let living = Living::look(world);
    let listed = names.iter().filter_map(|name| Some(Listed::of(world, &living, world.files.profile(name)?)));
    if as_json {
        let list: Vec<Value> = listed.map(|listed| listed.facts(world)).collect();
        return json_to_stdout(&json!({ "profiles": list })).map(|()| 0);
    }
    let rows: Vec<_> = listed.map(|listed| listed.row(world)).collect();
    let text = if rows.is_empty() {
        let (config, credentials) = (world.files.config.shown(), world.files.credentials.shown());
        format!("no profiles in {config} or {credentials}; run: aws configure\n")
    } else {
        table_within(&HEADER, &rows, terminal::columns(&world.env), &SPARE)
    };
    to_stdout(text.as_bytes()).map(|()| 0)
}

/// A profile, its plan if one can be made, and what lives of it.
struct Listed<'a> {
    profile: Profile,
    planned: Option<Planned>,
    living: &'a Living,
}

impl<'a> Listed<'a> {
    fn of(world: &World, living: &'a Living, profile: Profile) -> Self {
        let planned = ProfileName::parse(&profile.name).ok().and_then(|name| world.plan(&name).ok());
        Self { profile, planned, living }
    }

    fn row(&self, world: &World) -> Vec<String> {
        let plan = self.planned.as_ref().map(|planned| &planned.plan);
        // A role's device may be named by the profiles below it.
        let device_of = |plan: &Plan| Some(visible(plan.device.as_ref()?.name()?));
        let or_none = |cell: Option<String>| cell.unwrap_or_else(|| "-".into());
        let rest = self.planned.as_ref().and_then(|planned| self.living.rest(planned));
        // Where the key is has a column of its own.
        let kind = match kind(world, &self.profile) {
            "key in keyring" | "key of another" => "key",
            "settings only" => "settings",
            kind => kind,
        };
        vec![
            visible(&self.profile.name),
            kind.into(),
            or_none(account(world, &self.profile)),
            or_none(plan.and_then(device_of).or_else(|| device(&self.profile))),
            or_none(plan.map(|plan| short_place(key_place(plan)))),
            or_none(rest.map(|(_, left)| duration::show(left))),
            if is_adopted(&self.profile) { "yes" } else { "-" }.into(),
        ]
    }

    fn facts(&self, world: &World) -> Value {
        let mut fields = facts(world, &self.profile);
        if let Some(planned) = &self.planned {
            add_plan_facts(&mut fields, planned, self.living);
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

fn key_place(plan: &Plan) -> &KeyPlace {
    let Step::LongLivedKey(key) = &plan.steps[0] else { unreachable!("a plan has its key first") };
    &key.place
}

/// Where the key of a plan is, and how long what it ends in lives.
pub fn add_plan_facts(fields: &mut Value, planned: &Planned, living: &Living) {
    fields["key"] = json!(key_place(&planned.plan).to_string());
    if let Some((end, left)) = living.rest(planned) {
        fields["expires"] = json!(end.to_string());
        fields["seconds_left"] = json!(left.as_secs());
    }
}

/// What the files say of a profile; what is absent is left out.
pub fn facts(world: &World, profile: &Profile) -> Value {
    let mut fields = json!({"name": profile.name, "kind": kind(world, profile), "adopted": is_adopted(profile)});
    let text = |ours: &str, standard: &str| {
        profile.get(ours).or_else(|| profile.get(standard)).map(|setting| setting.value.clone())
    };
    for (name, value) in [
        ("account", account(world, profile)),
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

//! `profile list` and `profile show`: what there is, and what would be done. Edits are in `profile_edit`.

use serde_json::{Value, json};

use crate::cli;
use crate::config::replace::wait_while_fresh;
use crate::config::{Profile, Setting};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::output::table::table;
use crate::output::{json_to_stdout, to_stdout};
use crate::visible::{one_line, visible};

use super::Call;
use super::profile_edit;
use super::world::{Planned, World};

/// Runs one of the profile commands.
pub fn run(args: &cli::Profile, call: &Call) -> Result<u8> {
    let mut world = World::load(&call.env)?;
    if !matches!(args, cli::Profile::List { .. } | cli::Profile::Show { .. } | cli::Profile::Pick { .. }) {
        // What is edited must not be half of what somebody is writing.
        for choice in [&world.files.config_choice, &world.files.credentials_choice] {
            wait_while_fresh(|| std::fs::metadata(&choice.path));
        }
        world = World::load(&call.env)?;
    }
    match args {
        cli::Profile::List { json } => list(&world, *json),
        cli::Profile::Show { profile, json } => show(&world, &world.asked_or_picked(profile)?, *json),
        cli::Profile::Pick { filter } => pick(&world, filter.as_deref().unwrap_or_default()),
        cli::Profile::Set { profile, key, value, making } => {
            profile_edit::set(&world, &world.meant(profile)?, key, value, *making)
        }
        cli::Profile::Unset { profile, key, making } => {
            profile_edit::unset(&world, &world.meant(profile)?, key, *making)
        }
        cli::Profile::Rename { old, new, making } => profile_edit::rename(&world, &world.meant(old)?, new, *making),
        cli::Profile::Remove { profile, making } => profile_edit::remove(&world, &world.meant(profile)?, *making),
    }
}

/// Prints the name a person picked, and nothing else.
fn pick(world: &World, filter: &str) -> Result<u8> {
    let nobody = |why| Failure::new(Kind::NeedsPerson, format!("a profile is picked on a terminal: {why}"));
    let name = world.pick(filter, nobody)?;
    to_stdout(format!("{name}\n").as_bytes())?;
    world.note_use(&world.meant(&name)?);
    Ok(0)
}

/// What a profile is, in one word for the table and one for JSON.
pub fn kind(world: &World, profile: &Profile) -> &'static str {
    let has = |key: &str| profile.get(key).is_some();
    let is_indexed = || ProfileName::parse(&profile.name).is_ok_and(|name| world.index.get(&name).is_some());
    match () {
        () if has("twolock_role_arn") || has("role_arn") => "role",
        () if has("aws_access_key_id") => "key",
        () if has("twolock_source_profile") => "key of another",
        () if is_indexed() => "key in keyring",
        () if has("sso_session") || has("sso_start_url") || has("sso_account_id") => "sso",
        () if has("credential_process") => "process",
        () => "settings only",
    }
}

/// Whether the AWS CLI and SDKs come to us for this profile.
pub fn is_adopted(profile: &Profile) -> bool {
    profile.get("credential_process").is_some_and(|process| {
        let mut words = process.value.split_whitespace();
        let program = words.next().and_then(|p| p.rsplit(['/', '\\']).next()).unwrap_or_default();
        matches!(program, "twolock" | "twolock.exe") && words.next() == Some("credential-process")
    })
}

/// The device's name, or the whole serial where it has none.
pub fn device(profile: &Profile) -> Option<String> {
    profile.get("mfa_serial").map(|serial| visible(serial.value.rsplit('/').next().unwrap_or(&serial.value)))
}

fn list(world: &World, as_json: bool) -> Result<u8> {
    let profiles: Vec<Profile> =
        world.files.profile_names().iter().filter_map(|name| world.files.profile(name)).collect();
    if as_json {
        let list: Vec<Value> = profiles.iter().map(|profile| facts(world, profile)).collect();
        return json_to_stdout(&json!({ "profiles": list })).map(|()| 0);
    }
    if profiles.is_empty() {
        let text = format!(
            "no profiles in {} or {}; run: aws configure\n",
            world.files.config.shown(),
            world.files.credentials.shown()
        );
        return to_stdout(text.as_bytes()).map(|()| 0);
    }
    let row = |profile: &Profile| {
        let region = profile.get("region").filter(|r| !r.value.is_empty()).map(|r| visible(&r.value));
        let adopted = if is_adopted(profile) { "yes" } else { "-" };
        vec![
            visible(&profile.name),
            kind(world, profile).into(),
            account(world, profile).unwrap_or_else(|| "-".into()),
            device(profile).unwrap_or_else(|| "-".into()),
            region.unwrap_or_else(|| "-".into()),
            adopted.into(),
        ]
    };
    let rows: Vec<_> = profiles.iter().map(row).collect();
    to_stdout(table(&["PROFILE", "KIND", "ACCOUNT", "DEVICE", "REGION", "SERVED"], &rows).as_bytes()).map(|()| 0)
}

/// The account of the role, else of the device; the key's account is known to AWS alone.
pub fn account(world: &World, profile: &Profile) -> Option<String> {
    let role = profile.get("twolock_role_arn").or_else(|| profile.get("role_arn"));
    let arn = role.or_else(|| profile.get("mfa_serial"))?;
    let named = crate::arn::account_of(&arn.value).map(|account| account.to_string());
    let indexed =
        || world.index.get(&ProfileName::parse(&profile.name).ok()?)?.account.as_ref().map(ToString::to_string);
    named.or_else(indexed)
}

/// The fields of `profile list --json`; what is absent is left out.
fn facts(world: &World, profile: &Profile) -> Value {
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

fn show(world: &World, name: &ProfileName, as_json: bool) -> Result<u8> {
    let profile = world.files.profile(name.as_str());
    let planned = world.plan(name);
    // A name nobody knows has nothing to show; the plan's own failure says so best.
    let Some(profile) = profile else { return Err(planned.err().unwrap_or_else(|| unknown(name))) };
    if as_json {
        return json_to_stdout(&explained(world, &profile, planned)).map(|()| 0);
    }
    let mut text = format!("{} ({}): {}\n\nsettings\n", visible(name.as_str()), profile.place, kind(world, &profile));
    let rows: Vec<Vec<String>> = profile
        .settings()
        .into_iter()
        .map(|s| vec![format!("  {}", visible(&s.key)), shown(s), s.place.to_string()])
        .collect();
    text += &table(&["  KEY", "VALUE", "WHERE"], &rows);
    text += "\nplan\n";
    text += &match planned {
        Ok(planned) => plan_text(&planned),
        Err(problem) => format!("  none: {}\n{}", one_line(&problem.headline()), hints(&problem)),
    };
    to_stdout((text + &oddities(world)).as_bytes()).map(|()| 0)
}

/// A failure about a name no file has.
pub fn unknown(name: &ProfileName) -> Failure {
    Failure::new(Kind::Config, "there is no such profile").of_profile(visible(name.as_str()))
}

fn shown(setting: &Setting) -> String {
    if setting.is_secret() {
        return "***".into();
    }
    let lines: Vec<&str> = setting.value.lines().filter(|line| !line.is_empty()).collect();
    visible(&lines.join(", "))
}

fn plan_text(planned: &Planned) -> String {
    let plan = &planned.plan;
    let mut text: String =
        plan.steps.iter().zip(1..).map(|(step, n)| format!("  {n}. {}\n", one_line(&step.to_string()))).collect();
    let whose = if planned.endpoint.identity().is_some() { ", not AWS" } else { "" };
    let chosen = plan.endpoint_url.as_ref().map(|url| format!(", by {}", one_line(&url.origin))).unwrap_or_default();
    text += &format!(
        "  region {} ({}), STS at {}{whose}{chosen}\n",
        plan.region.value,
        one_line(&plan.region.origin),
        planned.endpoint.shown()
    );
    text += &match plan.codes() {
        _ if plan.protected => "  asks for a code each time\n".to_string(),
        0 => "  asks for no code\n".to_string(),
        1 => "  asks for one code when no session lives\n".to_string(),
        n => format!("  asks for {n} codes when no session lives\n"),
    };
    if let Some(process) = &plan.mfa_process {
        text += &format!(
            "  the code comes from mfa_process of '{}' ({})\n",
            visible(process.profile.as_str()),
            process.line.place
        );
    }
    if plan.protected {
        text += "  protected: this version plans break-glass profiles but does not run them yet\n";
    }
    plan.notes.iter().fold(text, |text, note| text + &format!("  note: {}\n", one_line(note)))
}

fn hints(problem: &Failure) -> String {
    problem.hints.iter().map(|hint| format!("  hint: {}\n", one_line(hint))).collect()
}

/// What other readers of the same two files stumble over: most of it makes them refuse the whole file.
fn oddities(world: &World) -> String {
    let of = |file: &crate::config::file::AwsFile| file.oddities();
    let all = of(&world.files.config).into_iter().chain(of(&world.files.credentials));
    let lines: Vec<String> = all.map(|oddity| format!("  {}\n", one_line(&oddity.to_string()))).take(20).collect();
    if lines.is_empty() { String::new() } else { format!("\nread differently elsewhere\n{}", lines.concat()) }
}

fn explained(world: &World, profile: &Profile, planned: Result<Planned>) -> Value {
    let mut fields = facts(world, profile);
    let setting = |s: &Setting| {
        let value = if s.is_secret() { "***" } else { s.value.as_str() };
        json!({"key": s.key, "value": value, "file": s.place.file, "line": s.place.line})
    };
    fields["settings"] = profile.settings().into_iter().map(setting).collect();
    match planned {
        Ok(planned) => {
            fields["plan"] = planned.plan.steps.iter().map(|step| json!(step.to_string())).collect();
            fields["codes"] = json!(planned.plan.codes());
            fields["region_of_calls"] = json!(planned.plan.region.value.as_str());
            fields["endpoint"] = json!(planned.endpoint.url());
            fields["notes"] = json!(planned.plan.notes);
        }
        Err(problem) => fields["problem"] = json!(problem.headline()),
    }
    fields
}

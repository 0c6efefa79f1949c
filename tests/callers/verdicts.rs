//! What the real callers do with every row of the contract's tables, compared with what we say they would do.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde_json::{Value, json};
use twolock::internals::{
    AwsFiles, Env,
    callers::{Callers, CodeUse, Lacking, Machine, Obtained, Provider, Reader, Resolution},
};

use crate::adopted::python;
use crate::sdks::{Sdk, go, javascript};
use crate::world::{ACCOUNT, NewUser, Role, World, make_runnable, without_terminal};

#[path = "../../src/profile/callers/tests/rows.rs"]
#[expect(dead_code, reason = "what the contract says of a row is compared with our verdict beside the rows")]
mod rows;

use rows::ROWS;

/// Who has which key: by it we see what a caller used.
const USERS: [(&str, &str, &str); 4] = [
    ("own", "AKIAIOWNOWNOWNOWNOWN", "own/secret"),
    ("base", "AKIAIBASEBASEBASEBAS", "bases/secret"),
    ("us", "AKIAIUSUSUSUSUSUSUSU", "us/secret"),
    ("other", "AKIAIOTHEROTHEROTHER", "others/secret"),
];

/// What a program leaves of a run: the ARN it became, or nothing.
type Became = Option<String>;

/// Four users, and two programs that answer with the keys of two of them: one is called as we are.
fn world() -> World {
    let world = World::new();
    for (name, id, secret) in USERS {
        let arn = format!("arn:aws:iam::{ACCOUNT}:user/{name}");
        let user = NewUser { arn, access_key_id: Some(id.into()), secret_access_key: Some(secret.into()) };
        world.sandbox.add(user).unwrap();
    }
    for (program, (_, id, secret)) in [("twolock", USERS[2]), ("other", USERS[3])] {
        let answer = json!({"Version": 1, "AccessKeyId": id, "SecretAccessKey": secret});
        world.write(&format!("programs/{program}"), &format!("#!/bin/sh\necho '{answer}'\n"));
        make_runnable(&world.home().join("programs").join(program));
    }
    for row in 0..ROWS.len() {
        // The AWS CLI keeps role sessions by the role alone: each row has roles of its own.
        for role in [format!("Top{row}"), format!("Mid{row}")] {
            world.sandbox.add_role(Role::trusting(ACCOUNT, &role, "*"));
        }
    }
    world
}

/// Writes the files of a row, and returns the variables that choose them.
fn variables(world: &World, row: usize) -> BTreeMap<&'static str, String> {
    let program = |name: &str| world.home().join("programs").join(name).to_str().unwrap().to_owned();
    let role = |name: &str| format!("arn:aws:iam::{ACCOUNT}:role/{name}{row}");
    let text = |text: &str| {
        text.replace("{us}", &program("twolock"))
            .replace("{other}", &program("other"))
            .replace("{role}", &role("Top"))
            .replace("{mid}", &role("Mid"))
            .replace("{serial}", crate::world::DEVICE)
    };
    let mut variables = BTreeMap::from([
        ("AWS_ENDPOINT_URL_STS", world.sandbox.url().to_owned()),
        ("AWS_REGION", "eu-west-1".into()),
        ("AWS_DEFAULT_REGION", "eu-west-1".into()),
        ("AWS_EC2_METADATA_DISABLED", "true".into()),
    ]);
    let files = [
        ("AWS_CONFIG_FILE", "config", ROWS[row].config),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", ROWS[row].credentials),
    ];
    for (variable, file, content) in files {
        let path = format!("rows/{row}/{file}");
        world.write(&path, &text(content));
        variables.insert(variable, world.home().join(path).to_str().unwrap().into());
    }
    variables
}

/// The programs of a world; a twolock that answers for every profile.
struct Programs<'a>(&'a World);

impl Machine for Programs<'_> {
    fn lacks(&self, program: &str) -> Option<Lacking> {
        let below = ["~/", "$HOME/"].iter().find_map(|home| program.strip_prefix(home));
        let path = below.map_or(program.into(), |below| self.0.home().join(below));
        (!path.exists()).then_some(Lacking::NoSuchFile)
    }

    fn refusal(&self, _: &str) -> Option<String> {
        None
    }
}

fn resolution(world: &World, row: usize, reader: Reader) -> Resolution {
    let variables = variables(world, row);
    let chosen = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"];
    let env = Env::of(chosen.map(|variable| (variable, variables[variable].clone())));
    let files = AwsFiles::load(&env, world.home()).0;
    Callers::of(&files, Programs(world))
        .judge("p")
        .callers()
        .iter()
        .find(|(caller, _)| *caller == reader)
        .unwrap()
        .1
        .clone()
}

/// What we foretell: a user's name, in as many roles as there are, or nothing.
fn foretold(world: &World, resolution: &Resolution) -> Option<String> {
    let Resolution::Gets(Obtained { provider, roles, code }) = resolution else { return None };
    let user = match provider {
        // Nobody is there to be asked.
        _ if matches!(code, CodeUse::Asked(_)) => None,
        Provider::Twolock(_) => Some("us"),
        Provider::Other("another program", _) => Some("other"),
        Provider::Other("the access key", place) => {
            let text = std::fs::read_to_string(world.home().join(place.file.strip_prefix("~/")?)).unwrap();
            let line = text.lines().nth(place.line - 1)?;
            USERS.iter().find(|(_, id, _)| line.ends_with(id)).map(|(name, ..)| *name)
        }
        Provider::Other(..) => None,
    }?;
    Some((0..*roles).fold(user.into(), |with, _| format!("role({with})")))
}

/// What came of a row: the user whose key signed first, in as many roles as were assumed; every call without MFA.
fn seen(world: &World, row: usize, became: &Became) -> Option<String> {
    let arn = became.as_ref()?;
    let name = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
    if !arn.contains(":assumed-role/") {
        return Some(name(arn));
    }
    let of_row = |call: &crate::world::Call| {
        let role = call.param("RoleArn").unwrap_or_default();
        call.action == "AssumeRole"
            && call.outcome == "ok"
            && ["Top", "Mid"].iter().any(|r| role.ends_with(&format!("/{r}{row}")))
    };
    let calls: Vec<_> = world.sandbox.calls().into_iter().filter(of_row).collect();
    assert!(calls.iter().all(|call| call.param("SerialNumber").is_none()), "{}", ROWS[row].name);
    let first = name(calls.first()?.caller_arn.as_ref()?);
    Some(calls.iter().fold(first, |with, _| format!("role({with})")))
}

/// Compares what we say of a caller with what it does, row by row.
fn compare(world: &World, reader: Reader, became: &[Became]) {
    assert_eq!(became.len(), ROWS.len());
    let mut surprises = Vec::new();
    for (row, became) in became.iter().enumerate() {
        let said = resolution(world, row, reader);
        let (told, seen) = (foretold(world, &said), seen(world, row, became));
        if told != seen {
            surprises.push(format!("{}: we say {said} ({told:?}), seen {seen:?}", ROWS[row].name));
        }
    }
    assert!(surprises.is_empty(), "{reader}: {surprises:#?}");
}

fn arn(line: &str, key: &str) -> Became {
    Some(serde_json::from_str::<Value>(line).ok()?[key].as_str()?.to_owned())
}

#[test]
fn aws_cli_does_with_each_row_what_we_say() {
    let world = world();
    let asked: Vec<_> = (0..ROWS.len()).map(|row| variables(&world, row)).collect();
    world.write("asked.json", &json!(asked).to_string());
    let mut command = python(&world, "aws_cli_in_turn.py", &["sts", "get-caller-identity", "--profile", "p"]);
    command.stdin(Stdio::from(std::fs::File::open(world.home().join("asked.json")).unwrap()));
    without_terminal(&mut command);
    let answers = world.finish(&mut command).json();
    let became: Vec<Became> =
        answers.as_array().unwrap().iter().map(|answer| arn(answer["stdout"].as_str().unwrap(), "Arn")).collect();
    compare(&world, Reader::Cli, &became);
}

fn of_an_sdk(reader: Reader, sdk: Sdk) {
    let world = world();
    let became = |row: usize| {
        let mut command = sdk(&world, &["--profile", "p"]);
        command.envs(variables(&world, row));
        without_terminal(&mut command);
        let ran = world.finish(&mut command);
        if ran.code == 0 { arn(&ran.stdout, "arn") } else { None }
    };
    let became: Vec<Became> = (0..ROWS.len()).map(became).collect();
    compare(&world, reader, &became);
}

#[test]
#[ignore = "long: installs the Go SDK"]
fn go_does_with_each_row_what_we_say() {
    of_an_sdk(Reader::Go, go);
}

#[test]
#[ignore = "long: installs the JavaScript SDK"]
fn javascript_does_with_each_row_what_we_say() {
    of_an_sdk(Reader::Js, javascript);
}

/// The Rust SDK takes its endpoint from the environment of its process, so this test starts itself again for each row.
/// Without its feature for processes it stops just before one, and says so.
#[test]
#[expect(clippy::disallowed_methods, reason = "how the test knows which of the two runs it is")]
fn rust_does_with_each_row_what_we_say() {
    const ROW: &str = "TWOLOCK_TEST_ROW";
    if std::env::var_os(ROW).is_some() {
        return tell_what_rust_does("p");
    }
    let world = world();
    let mut surprises = Vec::new();
    for (row, case) in ROWS.iter().enumerate() {
        let mut command = world.program(std::env::current_exe().unwrap());
        command.args(["--exact", "verdicts::rust_does_with_each_row_what_we_say", "--nocapture"]);
        let ran = world.finish(command.envs(variables(&world, row)).env(ROW, row.to_string()));
        let told = ran.stdout.lines().find_map(|line| line.split_once("rust: ")).unwrap_or_else(|| panic!("{ran:?}")).1;
        let said = resolution(&world, row, Reader::Rust);
        let expected = match foretold(&world, &said) {
            Some(base) if base.contains("us") || base.contains("other") => "a process".into(),
            Some(base) => base,
            None if said.to_string().contains("cannot start") => "a process".into(),
            None => "nothing".into(),
        };
        let seen = match told {
            "nothing" | "a process" => told.to_owned(),
            key => seen(&world, row, &who_has(&world, key)).unwrap(),
        };
        if expected != seen {
            surprises.push(format!("{}: we say {said} ({expected}), seen {seen}", case.name));
        }
    }
    assert!(surprises.is_empty(), "{surprises:#?}");
}

fn who_has(world: &World, key: &str) -> Became {
    let user =
        USERS.iter().find(|(_, id, _)| *id == key).map(|(name, ..)| format!("arn:aws:iam::{ACCOUNT}:user/{name}"));
    let role =
        || world.sandbox.sessions().into_iter().find(|s| s.access_key_id == key).map(|_| ":assumed-role/".into());
    user.or_else(role)
}

#[expect(clippy::disallowed_macros, reason = "read by the run that started this one")]
pub fn tell_what_rust_does(profile: &str) {
    use aws_config::profile::ProfileFileCredentialsProvider;
    use aws_config::provider_config::ProviderConfig;
    use aws_credential_types::provider::ProvideCredentials;
    use aws_types::region::Region;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config =
            ProviderConfig::without_region().with_region(Some(Region::from_static("eu-west-1"))).with_http_client(http);
        let provider = ProfileFileCredentialsProvider::builder().profile_name(profile).configure(&config).build();
        provider.provide_credentials().await
    });
    let told = match answer {
        Ok(credentials) => credentials.access_key_id().to_owned(),
        Err(problem) if format!("{problem:?}").contains("credentials-process") => "a process".into(),
        Err(_) => "nothing".into(),
    };
    println!("rust: {told}");
}

//! Another program's `credential_process` as a source: what it prints, and what becomes of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::world::{ACCOUNT, ADMIN, DEVICE, KEY_ID, Ran, Role, SECRET, World, make_runnable};

/// Ana's long-term key, as such a program prints it.
pub const KEY: &str = r#"{"Version":1,"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"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"}"#;

/// The profile of the program, roles above it, and one above those.
const CONFIG: &str = "\
[profile vend]
region = eu-west-1
credential_process = {program}
endpoint_url = {url}

[profile open]
role_arn = arn:aws:iam::123456789012:role/Open
source_profile = vend
endpoint_url = {url}

[profile guarded]
role_arn = arn:aws:iam::123456789012:role/Admin
source_profile = vend
endpoint_url = {url}

[profile top]
role_arn = arn:aws:iam::123456789012:role/Top
source_profile = open
endpoint_url = {url}
";

impl World {
    /// A world whose keys come from a program that records each run and prints this.
    pub fn vending(prints: &str) -> Self {
        let world = Self::new();
        world.write(
            "vend",
            "#!/bin/sh\necho run >>\"$0.runs\"\ntr '\\0' ' ' </proc/$PPID/cmdline >>\"$0.above\"\ncat \"$0.json\"\n",
        );
        make_runnable(&world.home().join("vend"));
        world.prints(prints);
        let program = world.home().join("vend");
        world.write(".aws/config", &CONFIG.replace("{program}", program.to_str().unwrap()));
        world.write(".aws/credentials", "");
        let user = format!("arn:aws:iam::{ACCOUNT}:user/ana");
        let open = world.sandbox.add_role(Role::trusting(ACCOUNT, "Open", &user));
        world.sandbox.add_role(Role::trusting(ACCOUNT, "Top", &open));
        world
    }

    /// The same with temporary credentials of Ana that end in an hour.
    pub fn vending_a_session() -> Self {
        let world = Self::vending("");
        world.prints(&world.session_of(KEY, 3600));
        world
    }

    /// From now on its program prints this.
    pub fn prints(&self, text: &str) {
        self.write("vend.json", text);
    }

    /// How often it ran.
    pub fn runs(&self) -> usize {
        fs::read_to_string(self.home().join("vend.runs")).unwrap_or_default().lines().count()
    }

    /// Real temporary credentials that the key gives, said to end in so many seconds.
    pub fn session_of(&self, key: &str, seconds: i64) -> String {
        self.prints(key);
        let mut json = self.run(["credential-process", "vend"]).json();
        assert_eq!(self.run(["logout", "--all"]).code, 0);
        fs::remove_file(self.home().join("vend.runs")).unwrap();
        self.sandbox.forget_calls();
        json["Expiration"] = Value::from(rfc_3339(self.sandbox.now() + seconds));
        json.to_string()
    }

    /// Adds lines to the profile of the program.
    fn with_lines(&self, lines: &str) {
        let config = fs::read_to_string(self.home().join(".aws/config")).unwrap();
        self.write(".aws/config", &config.replace("[profile vend]\n", &format!("[profile vend]\n{lines}\n")));
    }

    /// The files below the home directory that hold a text, without those of the program.
    fn files_with(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        search(self.home(), text.as_bytes(), &mut found);
        found.retain(|file| !file.ends_with("/vend.json"));
        found
    }
}

fn rfc_3339(unix: i64) -> String {
    let date = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ", "-d", &format!("@{unix}")]).output();
    String::from_utf8(date.unwrap().stdout).unwrap().trim().into()
}

fn search(directory: &Path, text: &[u8], found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            search(&path, text, found);
        } else if kind.is_file() && fs::read(&path).unwrap().windows(text.len()).any(|window| window == text) {
            found.push(path.display().to_string());
        }
    }
}

fn id(ran: &Ran) -> String {
    ran.json()["AccessKeyId"].as_str().unwrap().into()
}

#[test]
fn a_long_term_key_becomes_a_session_and_is_kept_nowhere() {
    let world = World::vending(KEY);
    let first = id(&world.run(["credential-process", "vend"]));
    assert!(first.starts_with("ASIA"), "{first}");
    let exported = world.run(["env", "vend", "--format", "json"]).json();
    assert_eq!(exported["AWS_ACCESS_KEY_ID"], first.as_str());
    let seen = world.run(["exec", "vend", "--", "sh", "-c", "tr '\\0' '\\n' </proc/$PPID/cmdline; env"]);
    assert_eq!((seen.code, seen.stdout.contains(&format!("AWS_ACCESS_KEY_ID={first}\n"))), (0, true), "{seen:?}");
    assert_eq!((world.runs(), world.sandbox.count("GetSessionToken")), (1, 1));
    assert!(world.sandbox.codes_consumed().is_empty());
    let above = fs::read_to_string(world.home().join("vend.above")).unwrap();
    assert!(above.contains("credential-process vend"), "{above}");
    assert!(!above.contains(SECRET) && !format!("{seen:?}").contains(SECRET), "{above} {seen:?}");
    assert_eq!((world.files_with(SECRET), world.files_with(&SECRET[..12])), (vec![], vec![]));
}

#[test]
fn a_long_term_key_with_a_device_takes_one_code() {
    let world = World::vending(KEY);
    world.with_lines(&format!("mfa_serial = {DEVICE}"));
    let refused = world.run(["credential-process", "vend"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (9, ""), "{refused:?}");
    let first = id(&world.run_with_code(["credential-process", "vend"]));
    let runs = world.runs();
    for profile in ["vend", "guarded", "guarded"] {
        assert_eq!(world.run(["credential-process", profile]).code, 0, "{profile}");
    }
    assert_eq!(id(&world.run(["credential-process", "vend"])), first);
    assert_eq!((world.sandbox.codes_consumed().len(), world.sandbox.count("AssumeRole")), (1, 1));
    assert_eq!(world.runs(), runs, "the session serves, and not another run");
    assert_eq!(world.files_with(SECRET), Vec::<String>::new());
}

#[test]
fn temporary_credentials_are_handed_on_until_they_end_and_then_printed_anew() {
    let world = World::vending_a_session();
    let printed: Value = serde_json::from_str(&fs::read_to_string(world.home().join("vend.json")).unwrap()).unwrap();
    for _ in 0..3 {
        let mut handed = world.run(["credential-process", "vend"]).json();
        handed.as_object_mut().unwrap().retain(|field, _| field != "AccountId");
        let mut wanted = printed.clone();
        wanted.as_object_mut().unwrap().retain(|field, _| field != "AccountId");
        assert_eq!(handed, wanted);
    }
    assert_eq!((world.runs(), world.sandbox.connections() > 0), (1, true));
    assert!(world.sandbox.calls().is_empty(), "AWS was not asked");
    for field in ["SecretAccessKey", "SessionToken"] {
        assert_eq!(world.files_with(printed[field].as_str().unwrap()), Vec::<String>::new(), "{field}");
    }
    let later =
        printed.to_string().replace(printed["Expiration"].as_str().unwrap(), &rfc_3339(world.sandbox.now() + 3 * 3600));
    world.prints(&later);
    let mut command = world.program("faketime");
    command.args(["-f", "+59m50s", env!("CARGO_BIN_EXE_twolock"), "credential-process", "vend"]);
    let again = world.finish(&mut command).json();
    assert_ne!(again["Expiration"], printed["Expiration"]);
    assert_eq!((world.runs(), &again["AccessKeyId"]), (2, &printed["AccessKeyId"]));
}

#[test]
fn temporary_credentials_beside_a_device_are_refused_without_a_question() {
    let world = World::vending_a_session();
    world.with_lines(&format!("mfa_serial = {DEVICE}"));
    for profile in ["vend", "guarded"] {
        let ran = world.run_with_code(["credential-process", profile]);
        let line = format!(
            "twolock: error: profile '{profile}': mfa_serial {DEVICE} cannot be used: AWS accepts a code only with a \
             long-term access key, and another program gave temporary credentials\n\
             twolock: hint: to use them without a code: twolock profile unset vend mfa_serial\n"
        );
        ran.is(3, "", &line);
    }
    assert!(world.sandbox.codes_consumed().is_empty() && world.sandbox.calls().is_empty());
    let (shown, ran) = world.on_terminal(["env", "vend"]).shown_after_end();
    assert_eq!((shown.as_str(), ran.code), ("", 3), "{ran:?}");
}

#[test]
fn roles_rest_on_whatever_the_program_prints() {
    let session = World::vending_a_session();
    for (what, world) in [("key", World::vending(KEY)), ("session", session)] {
        for (profile, role) in [("open", "Open"), ("top", "Top")] {
            let ran = world.run(["whoami", profile, "--json"]);
            let arn = ran.json()["arn"].as_str().unwrap().to_owned();
            assert_eq!(arn, format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/ana"), "{what}: {ran:?}");
        }
        let signers: Vec<_> = world.sandbox.calls().into_iter().filter(|call| call.action == "AssumeRole").collect();
        let first = signers[0].access_key_id.as_deref().unwrap();
        assert_eq!((first == KEY_ID, first.starts_with("ASIA")), (what == "key", what != "key"), "{what}");
        assert_eq!((signers.len(), world.runs()), (2, 1), "{what}: the role below served the one above");
        assert_eq!(world.sandbox.count("GetSessionToken"), 0, "{what}");
        assert_eq!(world.files_with(SECRET), Vec::<String>::new());
        let refused = world.run(["credential-process", "guarded"]);
        assert_eq!((refused.code, refused.stdout.as_str()), (4, ""), "{what}: Admin wants a code: {refused:?}");
        assert!(refused.stderr.contains(ADMIN), "{refused:?}");
    }
}

#[test]
fn logout_forgets_what_the_program_gave() {
    let world = World::vending_a_session();
    for profile in ["vend", "open"] {
        assert_eq!(world.run(["credential-process", profile]).code, 0);
    }
    assert_eq!(world.runs(), 1);
    let ran = world.run(["logout", "vend"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(world.run(["credential-process", "vend"]).code, 0);
    assert_eq!(world.runs(), 2);
    assert_eq!(world.run(["logout", "--all"]).code, 0);
    let sealed = fs::read_dir(world.cache()).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(sealed.filter(|path| path.extension().is_some_and(|end| end == "sealed")).count(), 0);
}

#[test]
fn a_length_that_is_not_ours_to_choose_is_refused_before_anything_runs() {
    let world = World::vending(KEY);
    world.add_config(
        "[profile sso]\nsso_start_url = https://acme.awsapps.com/start\nsso_region = eu-west-1\n\
         sso_account_id = 123456789012\nsso_role_name = Ops\n[profile above]\n\
         role_arn = arn:aws:iam::123456789012:role/Open\nsource_profile = sso\n",
    );
    for (profile, what) in [("vend", "another program"), ("sso", "SSO")] {
        let ran = world.run(["env", profile, "--duration", "2h"]);
        let says = format!("--duration does not apply: {what} decides how long the credentials last\n");
        assert_eq!((ran.code, ran.stderr), (2, format!("twolock: error: profile '{profile}': {says}")));
    }
    let ran = world.run(["env", "above", "--duration", "2h"]);
    let says = "--duration of 2h is too long: AWS limits roles assumed with temporary credentials to 1h\n";
    assert_eq!((ran.code, ran.stderr), (2, format!("twolock: error: profile 'above': {says}")));
    assert_eq!((world.runs(), world.sandbox.connections()), (0, 0));
}

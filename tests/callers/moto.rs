//! moto's STS, written by strangers: it takes any signature and any code, and answers in its own way.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::adopted::{CONFIG, CREDENTIALS, run_aws, run_python};
use crate::world::{Ran, World, required, without_terminal};

/// A running moto, ended on drop.
pub struct Moto {
    server: Child,
    url: String,
}

impl Moto {
    /// Starts it on a free port, which it names itself.
    pub fn start() -> Self {
        let mut command = Command::new(required("TWOLOCK_TEST_MOTO"));
        command.args(["-H", "127.0.0.1", "-p", "0"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.env_remove("AWS_PROFILE");
        let mut server = command.spawn().expect("moto starts");
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let named = lines.find_map(|line| line.ok()?.split_once("Running on ").map(|(_, url)| url.to_owned()));
        // Its log has to be read, or it stops when the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        let url = named.expect("moto names its address before it ends").trim_end_matches('/').to_owned();
        Self { server, url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

const MORE_PROFILES: &str = "
[profile plain]
region = eu-west-1
endpoint_url = {moto}
twolock_source_profile = base-keys

[profile deploy]
role_arn = arn:aws:iam::444455556666:role/path/Deploy
source_profile = base-keys
mfa_serial = arn:aws:iam::123456789012:mfa/ana
external_id = ex:1/2
twolock_tags = team=one
endpoint_url = {moto}

[profile long]
role_arn = arn:aws:iam::123456789012:role/Admin
source_profile = base-keys
mfa_serial = arn:aws:iam::123456789012:mfa/ana
duration_seconds = 14400
endpoint_url = {moto}

[profile china]
role_arn = arn:aws-cn:iam::123456789012:role/Admin
source_profile = base-keys
endpoint_url = {moto}
";

/// A home that knows moto only.
fn world(moto: &Moto) -> World {
    let world = World::new();
    let config = format!("{CONFIG}{MORE_PROFILES}").replace("{url}", &moto.url).replace("{moto}", &moto.url);
    world.write(".aws/config", &config.replace("{helper}", env!("CARGO_BIN_EXE_twolock")));
    // Not the key id of AWS's documentation: moto gives that one to every session.
    world.write(".aws/credentials", &CREDENTIALS.replace("AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE"));
    world
}

fn with_code<const N: usize>(world: &World, args: [&str; N], code: &str) -> Ran {
    world.finish(world.twolock(args).env("TWOLOCK_MFA_CODE", code))
}

fn arn_of(world: &World, profile: &str) -> String {
    let ran = world.run(["whoami", profile, "--json"]);
    ran.json()["arn"].as_str().unwrap().to_owned()
}

#[test]
fn sessions_and_roles_of_a_foreign_sts_are_taken_kept_and_used() {
    let moto = Moto::start();
    let world = world(&moto);
    let base = with_code(&world, ["credential-process", "base"], "111111");
    let session = base.json();
    // Its expiry has microseconds; callers get the one form that all of them read.
    let expiry = session["Expiration"].as_str().unwrap();
    assert!(expiry.len() == "2030-01-31T12:34:56Z".len() && expiry.ends_with('Z'), "{expiry}");
    assert_eq!(session["AccountId"], "123456789012");
    world.run(["credential-process", "base"]).is(0, &base.stdout, "");
    for (profile, account) in [("prod", "123456789012"), ("deploy", "444455556666")] {
        let answer = world.run(["credential-process", profile]).json();
        assert_eq!((answer["AccountId"].as_str(), profile), (Some(account), profile));
        assert_ne!(answer["AccessKeyId"], session["AccessKeyId"]);
    }
    assert_eq!(arn_of(&world, "prod"), "arn:aws:sts::123456789012:assumed-role/Admin/ana");
    assert_eq!(arn_of(&world, "deploy"), "arn:aws:sts::444455556666:assumed-role/Deploy/ana");
    assert_eq!(with_code(&world, ["login", "long"], "222222").code, 0);
    assert_eq!(arn_of(&world, "long"), "arn:aws:sts::123456789012:assumed-role/Admin/ana");
    assert_eq!(world.sandbox.connections(), 0, "nobody else was asked");
}

#[test]
fn session_without_mfa_has_no_account_and_works() {
    let moto = Moto::start();
    let world = world(&moto);
    let answer = world.run(["credential-process", "plain"]).json();
    assert_eq!(answer.get("AccountId"), None);
    assert!(arn_of(&world, "plain").contains(":user/"));
}

#[test]
fn role_of_another_partition_is_assumed_there() {
    let moto = Moto::start();
    let world = world(&moto);
    let answer = world.run(["credential-process", "china"]).json();
    assert_eq!(answer["AccountId"], "123456789012");
}

#[test]
fn aws_cli_and_boto3_reach_it_with_what_we_minted_there() {
    let moto = Moto::start();
    let world = world(&moto);
    assert_eq!(with_code(&world, ["login", "prod"], "111111").code, 0);
    let arn = "arn:aws:sts::123456789012:assumed-role/Admin/ana";
    let words = ["sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--profile", "prod"];
    run_aws(&world, &words).is(0, &format!("{arn}\n"), "");
    let ran = run_python(&world, "identity.py", &["--profile", "prod"]);
    assert_eq!(ran.json()["arn"], arn);
    let mut exec = world.twolock(["exec", "prod", "--"]);
    exec.arg(required("TWOLOCK_TEST_AWS")).args(&words[..6]).env("AWS_ENDPOINT_URL_STS", &moto.url);
    exec.env("AWS_EC2_METADATA_DISABLED", "true");
    without_terminal(&mut exec);
    world.finish(&mut exec).is(0, &format!("{arn}\n"), "");
}

#[test]
fn code_is_sent_once_even_to_a_server_that_would_take_it_twice() {
    let moto = Moto::start();
    let world = world(&moto);
    assert_eq!(with_code(&world, ["login", "base"], "111111").code, 0);
    // What was minted in the second of the call is fresh.
    std::thread::sleep(Duration::from_millis(1100));
    let again = with_code(&world, ["login", "base", "--fresh"], "111111");
    assert_eq!(again.code, 4, "{again:?}");
    assert!(again.stderr.contains("this code was already used"), "{again:?}");
}

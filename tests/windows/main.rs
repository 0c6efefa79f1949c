//! The binary on Windows against the sandbox: the main job, with the user's own Credential Manager and directories.
//!
//! `USERPROFILE` gives it AWS files of its own. No variable moves our own directories, so the sessions are forgotten at
//! the end, and nothing else of the user's is.
#![cfg(windows)]

use std::process::{Command, Output, Stdio};

use twolock::internals::KNOWN;
use twolock_sandbox::{NewUser, Options, Role, Sandbox};

const ACCOUNT: &str = "123456789012";

struct World {
    home: tempfile::TempDir,
    sandbox: Sandbox,
    device: String,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::start(Options::default()).unwrap();
        let ana = NewUser {
            arn: format!("arn:aws:iam::{ACCOUNT}:user/ana"),
            access_key_id: Some("AKIAIOSFODNN7EXAMPLE".into()),
            secret_access_key: Some("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".into()),
        };
        let ana = sandbox.add(ana).unwrap();
        let device = sandbox.add_device(&ana.arn, "ana").serial;
        sandbox.add_role(Role { require_mfa: true, ..Role::trusting(ACCOUNT, "Admin", &ana.arn) });
        let world = Self { home: tempfile::tempdir().unwrap(), sandbox, device };
        world.write_profiles(&ana.secret_access_key);
        world
    }

    /// With the line ends that editors and the AWS CLI write here.
    fn write_profiles(&self, secret: &str) {
        let (url, device, aws) = (self.sandbox.url(), &self.device, self.home.path().join(".aws"));
        let config = format!(
            "[profile base]\r\nmfa_serial = {device}\r\nendpoint_url = {url}\r\n\r\n[profile prod]\r\n\
             role_arn = arn:aws:iam::{ACCOUNT}:role/Admin\r\nsource_profile = base\r\nregion = eu-west-1\r\n\
             endpoint_url = {url}\r\n"
        );
        let key = format!("[base]\r\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\r\naws_secret_access_key = {secret}\r\n");
        std::fs::create_dir(&aws).unwrap();
        std::fs::write(aws.join("config"), config).unwrap();
        std::fs::write(aws.join("credentials"), key).unwrap();
    }

    fn twolock(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twolock"));
        for name in KNOWN.iter().filter(|name| name.starts_with("AWS_") || name.starts_with("TWOLOCK_")) {
            command.env_remove(name);
        }
        command.args(arguments).env("USERPROFILE", self.home.path()).stdin(Stdio::null());
        command
    }

    #[track_caller]
    fn stdout(&self, arguments: &[&str]) -> String {
        text(&self.twolock(arguments).output().unwrap())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.twolock(&["logout", "prod"]).output();
    }
}

#[track_caller]
fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn one_code_is_enough_for_every_caller_until_the_session_is_forgotten() {
    let world = World::new();
    let arguments = ["credential-process", "--profile", "prod"];
    let code = world.sandbox.code(&world.device).unwrap().digits;
    let cold = text(&world.twolock(&arguments).env("TWOLOCK_MFA_CODE", code).output().unwrap());
    assert_eq!(world.stdout(&arguments), cold);
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
    let key = serde_json::from_str::<serde_json::Value>(&cold).unwrap()["AccessKeyId"].as_str().unwrap().to_owned();

    assert!(
        world.stdout(&["env", "prod", "--shell", "powershell"]).contains(&format!("$Env:AWS_ACCESS_KEY_ID = '{key}';"))
    );
    let variables = world.stdout(&["exec", "prod", "--", "cmd", "/c", "set"]);
    assert!(variables.lines().any(|line| line == format!("AWS_ACCESS_KEY_ID={key}")), "{variables}");
    assert!(world.stdout(&["profile", "show", "prod"]).contains("(~/.aws/config:5)"));
    assert!(world.stdout(&["whoami", "prod"]).contains(":assumed-role/Admin/ana"));

    world.stdout(&["logout", "prod"]);
    let refused = world.twolock(&arguments).env("TWOLOCK_MFA_CODE", "000000").output().unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty(), "{refused:?}");
}

#[test]
fn exec_ends_with_the_whole_exit_code_of_a_batch_file() {
    let world = World::new();
    let code = world.sandbox.code(&world.device).unwrap().digits;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("ends-so.cmd"), "@exit 1000\r\n").unwrap();
    let mut command = world.twolock(&["exec", "prod", "--", "ends-so"]);
    let path = std::env::join_paths([directory.path(), std::path::Path::new(r"C:\Windows\System32")]).unwrap();
    let output = command.env("PATH", path).env("TWOLOCK_MFA_CODE", code).output().unwrap();
    assert_eq!(output.status.code(), Some(1000), "{output:?}");
}

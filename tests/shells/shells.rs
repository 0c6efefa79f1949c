//! The shells, and a world in which one of them evaluates what the binary prints.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::world::{Ran, World, path};

/// A shell of the list.
#[derive(Clone, Copy, Debug)]
pub struct Shell {
    /// The command that starts it, without the user's own files.
    pub command: &'static [&'static str],
    /// What `--shell` calls it.
    pub language: &'static str,
}

pub const DASH: Shell = Shell { command: &["dash"], language: "sh" };
pub const BASH: Shell = Shell { command: &["bash", "--norc"], language: "bash" };
pub const BASH_POSIX: Shell = Shell { command: &["bash", "--norc", "--posix"], language: "bash" };
pub const ZSH: Shell = Shell { command: &["zsh", "-f"], language: "zsh" };
pub const KSH: Shell = Shell { command: &["ksh"], language: "sh" };
pub const MKSH: Shell = Shell { command: &["mksh"], language: "sh" };
pub const BUSYBOX: Shell = Shell { command: &["busybox", "sh"], language: "sh" };
pub const FISH: Shell = Shell { command: &["fish", "--no-config"], language: "fish" };

/// All that `init` has a file for.
pub const WITH_INTEGRATION: [Shell; 4] = [BASH, BASH_POSIX, ZSH, FISH];
/// All that speak POSIX.
pub const POSIX: [Shell; 7] = [DASH, BASH, BASH_POSIX, ZSH, KSH, MKSH, BUSYBOX];
/// All of them.
pub const ALL: [Shell; 8] = [DASH, BASH, BASH_POSIX, ZSH, KSH, MKSH, BUSYBOX, FISH];

impl Shell {
    pub fn is_fish(self) -> bool {
        self.language == "fish"
    }

    pub fn name(self) -> String {
        self.command.join(" ")
    }

    /// What loads the file that `init` prints, as the file itself says.
    pub fn load(self) -> String {
        let ours = twolock::Shell::from_program(self.language).unwrap();
        let text = ours.integration().expect("WITH_INTEGRATION").text;
        let (_, install) = text.split_once("# ---- install").unwrap();
        install.lines().find_map(|line| line.strip_prefix("#   ")).unwrap().into()
    }

    /// The shell in a world; a shell that is not there is a failure that names it.
    #[track_caller]
    pub fn start_in(self, world: &World) -> Command {
        let program = self.command[0];
        let there = path().split(':').any(|directory| PathBuf::from(directory).join(program).is_file());
        assert!(there, "{program} is not installed: run the tests by tests/run, which installs the real parts");
        let mut command = world.program(program);
        command.args(&self.command[1..]);
        command
    }
}

/// Credentials of before, and all that could mix with new ones.
const OLD: [(&str, &str); 19] = [
    ("AWS_PROFILE", "old"),
    ("AWS_DEFAULT_PROFILE", "old"),
    ("AWS_SECURITY_TOKEN", "oldtoken"),
    ("AWS_ROLE_ARN", "arn:aws:iam::999999999999:role/old"),
    ("AWS_ROLE_SESSION_NAME", "old"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/old/token"),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/old"),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/old"),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "oldtoken"),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/old/token"),
    ("AWS_BEARER_TOKEN_BEDROCK", "oldtoken"),
    ("TWOLOCK_RUNNING", "arn:aws:iam::999999999999:mfa/old"),
    ("AWS_ACCESS_KEY_ID", "AKIAOLDOLDOLDOLDOLD1"),
    ("AWS_SECRET_ACCESS_KEY", "oldsecret"),
    ("AWS_SESSION_TOKEN", "oldtoken"),
    ("AWS_CREDENTIAL_EXPIRATION", "2001-01-01T00:00:00Z"),
    ("AWS_ACCOUNT_ID", "999999999999"),
    ("AWS_REGION", "us-old-1"),
    ("AWS_DEFAULT_REGION", "us-old-1"),
];
/// The first of [`OLD`] that `env` only removes.
const MIXING: usize = 12;
/// An unrelated variable.
const OTHERS: (&str, &str) = ("AWS_MAX_ATTEMPTS", "3");

/// Says in one word what a child process sees of AWS's variables and of ours, to the byte; if it is none of these, all
/// of it.
const SEEN: &str = r#"#!/bin/sh
seen=$(mktemp "$HOME/seen.XXXXXX")
env -0 | grep -zE '^(AWS_|TWOLOCK_(RUNNING|HANDED|PROFILE|EXPIRATION)=)' | LC_ALL=C sort -z >"$seen"
for state in ours old nothing only-mixing; do
  cmp -s "$seen" "$HOME/states/$state" && echo "$state" && exit
done
tr '\0' ' ' <"$seen"
echo
"#;

/// A world with a session, where shells run in a directory full of traps.
pub struct Stage {
    pub world: World,
    /// Where the shells stand.
    pub directory: PathBuf,
    /// What `env prod` sets.
    pub ours: BTreeMap<String, String>,
}

impl Stage {
    pub fn new() -> Self {
        let world = World::new();
        world.add_config(ELSEWHERE);
        world.log_in("prod");
        let ours = world.run(["env", "prod", "--format", "json"]).json();
        let mut ours: BTreeMap<String, String> = serde_json::from_value(ours).unwrap();
        ours.insert("AWS_ENDPOINT_URL".into(), world.sandbox.url().into());
        let directory = world.home().join("traps");
        let stage = Self { world, directory, ours };
        stage.write_states();
        stage.lay_traps();
        stage.world.write("bin/seen", SEEN);
        crate::world::make_runnable(&stage.world.home().join("bin/seen"));
        stage
    }

    fn write_states(&self) {
        let state = |name: &str, variables: Vec<(&str, &str)>| {
            let mut lines: Vec<_> = variables.iter().chain([&OTHERS]).map(|(n, v)| format!("{n}={v}\0")).collect();
            lines.sort();
            self.world.write(&format!("states/{name}"), &lines.concat());
        };
        state("ours", self.ours.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect());
        state("old", OLD.to_vec());
        state("only-mixing", OLD[..MIXING].to_vec());
        state("nothing", vec![]);
    }

    /// Files named as patterns match, and as every word of what is printed.
    fn lay_traps(&self) {
        fs::create_dir(&self.directory).unwrap();
        let printed: String = ["sh", "fish"].map(|shell| self.printed(&["--shell", shell])).concat();
        let patterns = ["*", "?", "[a-z]", "a", "b", "true", "false", "export", "unset", "eval", "-n", "#", "~"];
        for word in printed.split_whitespace().chain(patterns) {
            for name in [word, word.trim_end_matches(';'), &word.replace('\'', "")] {
                if !name.contains('/') && !name.is_empty() && name.len() < 255 {
                    fs::write(self.directory.join(name), "").unwrap();
                }
            }
        }
        assert!(self.directory.join("AWS_REGION='eu-west-1'").exists());
    }

    /// What `env prod` prints.
    pub fn printed(&self, more: &[&str]) -> String {
        let ran = self.world.finish(self.world.twolock(["env", "prod"]).args(more));
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
    }

    /// A shell in the directory of traps, with old credentials, and `SHELL` naming another shell.
    #[track_caller]
    pub fn shell(&self, shell: Shell) -> Command {
        let mut command = shell.start_in(&self.world);
        command.current_dir(&self.directory).envs(OLD).env(OTHERS.0, OTHERS.1);
        command.env("PATH", format!("{}/bin:{}", self.world.home().display(), path()));
        command.env("SHELL", if shell.is_fish() { "/bin/bash" } else { "/usr/bin/fish" });
        crate::world::without_terminal(&mut command);
        command
    }

    /// Runs a script in a shell.
    #[track_caller]
    pub fn run(&self, shell: Shell, script: &str) -> Ran {
        self.world.finish(self.shell(shell).args(["-c", script]))
    }
}

/// A profile without a session, one without keys, one that AWS refuses, one that cannot be read.
const ELSEWHERE: &str = "\
[profile asks]
mfa_serial = arn:aws:iam::123456789012:mfa/spare
twolock_source_profile = base
endpoint_url = {url}

[profile elsewhere]
mfa_serial = arn:aws:iam::123456789012:mfa/ana
twolock_source_profile = base
endpoint_url = {url}
use_dualstack_endpoint = true
ca_bundle = /corp.pem

[profile keyless]
region = eu-west-1

[profile refused]
role_arn = arn:aws:iam::123456789012:role/Nobodys
source_profile = base
endpoint_url = {url}

[profile wrong]
role_arn = no arn at all
source_profile = base
";

/// PowerShell is run where there is one: `powershell.rs`.
#[test]
fn every_shell_that_the_binary_speaks_is_in_the_lists() {
    for shell in twolock::Shell::ALL.into_iter().filter(|shell| shell.name() != "powershell") {
        let is_it = |listed: &Shell| listed.language == shell.name();
        assert!(ALL.iter().any(is_it), "{shell:?}");
        assert_eq!(WITH_INTEGRATION.iter().any(is_it), shell.integration().is_some(), "{shell:?}");
    }
}

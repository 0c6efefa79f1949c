//! The small world tests run the binary in: a temporary home, a strict STS, and a terminal where one is wanted.
//!
//! Shared by the test groups with `#[path = "../world/mod.rs"] mod world;`.
#![allow(dead_code, unused_imports, reason = "each group uses its own part of the world")]
#![allow(clippy::disallowed_methods, reason = "tests stand outside the program's layers")]

#[cfg(target_os = "linux")]
pub mod desktop;
pub mod person;
pub mod sign_ins;
mod terminal;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

pub use terminal::{Terminal, without_terminal};
pub use twolock_sandbox::{Call, Clock, Device, Fault, FaultKind, NewUser, Options, Role, Sandbox, User};

/// The account of all users.
pub const ACCOUNT: &str = "123456789012";
/// Another account, with a role that Ana may enter.
pub const OTHER_ACCOUNT: &str = "444455556666";
/// Ana's device.
pub const DEVICE: &str = "arn:aws:iam::123456789012:mfa/ana";
/// A role in the same account.
pub const ADMIN: &str = "arn:aws:iam::123456789012:role/Admin";
/// A role in the other account.
pub const DEPLOY: &str = "arn:aws:iam::444455556666:role/Deploy";
/// Ana's key.
pub const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
/// Its secret: a canary, which no output may ever hold.
pub const SECRET: &str = "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";

/// The config most situations start from; `{url}` becomes the sandbox's address.
pub const CONFIG: &str = "\
[profile base]
region = eu-west-1
mfa_serial = arn:aws:iam::123456789012:mfa/ana
endpoint_url = {url}

[profile prod]
role_arn = arn:aws:iam::123456789012:role/Admin
source_profile = base
region = eu-west-1
endpoint_url = {url}

[profile deploy]
role_arn = arn:aws:iam::444455556666:role/Deploy
source_profile = base
region = eu-central-1
endpoint_url = {url}

[profile long]
role_arn = arn:aws:iam::123456789012:role/Admin
source_profile = base
duration_seconds = 14400
endpoint_url = {url}
";

/// The credentials file that goes with [`CONFIG`].
pub const CREDENTIALS: &str = "\
[base]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = 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
";

/// A home, an STS, Ana with her key and device, and two roles.
pub struct World {
    home: tempfile::TempDir,
    pub sandbox: Sandbox,
}

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; 128 + N if signal N ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    /// The usual world.
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    /// The usual world with another STS.
    pub fn with(options: Options) -> Self {
        let sandbox = Sandbox::start(options).expect("the sandbox starts");
        let user = NewUser {
            arn: format!("arn:aws:iam::{ACCOUNT}:user/ana"),
            access_key_id: Some(KEY_ID.into()),
            secret_access_key: Some(SECRET.into()),
        };
        let ana = sandbox.add(user).expect("Ana is new");
        sandbox.add_device(&ana.arn, "ana");
        for (account, name) in [(ACCOUNT, "Admin"), (OTHER_ACCOUNT, "Deploy")] {
            sandbox.add_role(Role { require_mfa: true, ..Role::trusting(account, name, &ana.arn) });
        }
        let world = Self { home: tempfile::tempdir().expect("a temporary home"), sandbox };
        world.write(".aws/config", CONFIG);
        world.write(".aws/credentials", CREDENTIALS);
        world
    }

    /// The home directory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where sealed sessions lie.
    pub fn cache(&self) -> PathBuf {
        self.home().join(".cache/twolock")
    }

    /// Writes a private file below the home directory; `{url}` becomes the sandbox's address.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.home().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text.replace("{url}", self.sandbox.url())).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    /// Adds lines to the config.
    pub fn add_config(&self, text: &str) {
        let config = std::fs::read_to_string(self.home().join(".aws/config")).unwrap();
        self.write(".aws/config", &format!("{config}\n{text}"));
    }

    /// Any program in this world: its home, a bare environment, no stdin.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.home()).env("USER", "ana").env("LANG", "C.UTF-8");
        // The tests' uid has its own account, with another home directory.
        command.env("TWOLOCK_ACCOUNT_HOME", self.home());
        command.env("PATH", path()).stdin(Stdio::null());
        command
    }

    /// The binary in this world, without a terminal.
    pub fn twolock<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_twolock"));
        command.args(args);
        terminal::without_terminal(&mut command);
        command
    }

    /// Runs the binary without a terminal.
    pub fn run<const N: usize>(&self, args: [&str; N]) -> Ran {
        self.finish(&mut self.twolock(args))
    }

    /// Runs the binary with a fresh code in its environment.
    pub fn run_with_code<const N: usize>(&self, args: [&str; N]) -> Ran {
        self.finish(self.twolock(args).env("TWOLOCK_MFA_CODE", self.code()))
    }

    /// The same with a code of another device.
    pub fn run_with_code_of(&self, serial: &str, args: &[&str]) -> Ran {
        self.finish(self.twolock(args).env("TWOLOCK_MFA_CODE", self.code_of(serial)))
    }

    /// Runs a command to its end.
    pub fn finish(&self, command: &mut Command) -> Ran {
        let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        self.read(&output)
    }

    /// Reads what a run left; the sandbox's port becomes `PORT`, the home directory `HOME`.
    pub fn read(&self, output: &Output) -> Ran {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is UTF-8");
        let code = terminal::code(output.status);
        self.tidy(Ran { code, stdout: text(&output.stdout), stderr: text(&output.stderr) })
    }

    /// The same of a run on a terminal.
    pub fn tidy(&self, ran: Ran) -> Ran {
        let text = |text: String| {
            let text = text.replace(&format!("127.0.0.1:{}", self.sandbox.port()), "127.0.0.1:PORT");
            text.replace(self.home().to_str().unwrap(), "HOME")
        };
        Ran { code: ran.code, stdout: text(ran.stdout), stderr: text(ran.stderr) }
    }

    /// Starts the binary on its own terminal; stdout and stderr are pipes, as with SDKs.
    pub fn on_terminal<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Terminal {
        let mut command = self.program(env!("CARGO_BIN_EXE_twolock"));
        command.args(args);
        Terminal::start(command)
    }

    /// A code of Ana's device that was not used yet; waits for the next step if it has to.
    pub fn code(&self) -> String {
        self.code_of(DEVICE)
    }

    /// A code of any device that was not used yet.
    pub fn code_of(&self, serial: &str) -> String {
        let code = self.sandbox.code(serial).expect("the device exists");
        std::thread::sleep(Duration::from_secs(code.wait_seconds));
        code.digits
    }

    /// A code that STS refuses, in the right form.
    pub fn wrong_code(&self) -> String {
        let right = self.sandbox.code(DEVICE).expect("the device exists").digits;
        let first = if right.starts_with('9') { '0' } else { '9' };
        let mut wrong = right;
        // Neither this step's code nor a neighbour's begins the same by more than chance; change two digits.
        wrong.replace_range(0..1, &first.to_string());
        let last = if wrong.ends_with('9') { '0' } else { '9' };
        wrong.replace_range(5..6, &last.to_string());
        wrong
    }

    /// Logs in, so that what follows finds a session.
    pub fn log_in(&self, profile: &str) {
        let ran = self.run_with_code(["login", profile]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
}

impl Drop for World {
    /// The kernel keyring would keep the world's sealing key for three days.
    fn drop(&mut self) {
        let mut command = self.program(env!("CARGO_BIN_EXE_twolock"));
        let _ = command.args(["logout", "--all"]).output();
    }
}

impl Ran {
    /// Compares everything: exit code, stdout, stderr.
    #[track_caller]
    pub fn is(&self, code: i32, stdout: &str, stderr: &str) {
        assert_eq!((self.code, self.stdout.as_str(), self.stderr.as_str()), (code, stdout, stderr));
    }

    /// The JSON on stdout.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }
}

/// The directory of the binaries under test first, then the system's.
pub fn path() -> String {
    let binaries = Path::new(env!("CARGO_BIN_EXE_twolock")).parent().unwrap().display().to_string();
    format!("{binaries}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
}

/// Makes a program of a file, in a process of its own: a fork of a test beside this one could hold a file that we wrote
/// open for writing just when it is to be run ("Text file busy").
#[track_caller]
pub fn make_runnable(file: &Path) {
    copy_runnable(file, &file.with_extension("runnable"));
    std::fs::rename(file.with_extension("runnable"), file).unwrap();
}

/// Copies a program, in a process of its own for the same reason.
#[track_caller]
pub fn copy_runnable(from: &Path, to: &Path) {
    let copy = Command::new("sh").args(["-c", "cp \"$1\" \"$2\" && chmod 755 \"$2\"", "sh"]).args([from, to]).status();
    assert!(copy.unwrap().success(), "{}", from.display());
}

/// Polls until it is so; fails with what was waited for.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A part of the machine that a test cannot do without; its absence is a failure that names it.
#[track_caller]
pub fn required(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run the tests by tests/run, which installs the real parts"))
}

//! `sandbox`: a tour with a local, strict imitation of STS, in a temporary home directory.

use std::ffi::OsStr;
use std::io::{IsTerminal, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use twolock_sandbox::{NewUser, Options, Role, Sandbox};

use crate::cli;
use crate::error::{Failure, Kind, Result};
use crate::output::to_stdout;
use crate::system::env::Env;
use crate::system::private_file;

use super::context::Invocation;

const ACCOUNT: &str = "123456789012";
const ROLE: &str = "arn:aws:iam::123456789012:role/Admin";

/// Runs the tour, then a subshell if there is a terminal and no `--once`.
pub fn run(args: &cli::Sandbox, invocation: &Invocation) -> Result<u8> {
    let tour = Tour::start(&invocation.env)?;
    let stay = !args.once && stdin().is_terminal() && stdout().is_terminal();
    let result = tour.walk().and_then(|()| if stay { tour.sub_shell(invocation) } else { Ok(()) });
    // Removes the sealing key from the keyring, even after a failure.
    let _ = tour.output(&mut tour.twolock(["logout", "--all"]));
    result.map(|()| 0)
}

struct Tour {
    sandbox: Arc<Sandbox>,
    home: tempfile::TempDir,
    binary: PathBuf,
    device: String,
    path: String,
}

impl Tour {
    fn start(env: &Env) -> Result<Self> {
        if cfg!(windows) {
            let cause = "the sandbox needs its own home directory, which Windows cannot set by a variable: use WSL";
            return Err(Failure::new(Kind::Usage, cause));
        }
        let sandbox = Sandbox::start(Options::default()).map_err(|e| broken("cannot start the local STS", &e))?;
        let ana = sandbox
            .add(NewUser {
                arn: format!("arn:aws:iam::{ACCOUNT}:user/ana"),
                access_key_id: Some("AKIASANDBOXEXAMPLE00".into()),
                secret_access_key: None,
            })
            .map_err(|e| broken("cannot add a user to the local STS", &e))?;
        let device = sandbox.add_device(&ana.arn, "ana").serial;
        sandbox.add_role(Role { require_mfa: true, ..Role::trusting(ACCOUNT, "Admin", &ana.arn) });
        let home = tempfile::tempdir().map_err(|e| broken("cannot create a temporary directory", &e))?;
        let binary = std::env::current_exe().map_err(|e| broken("cannot find the path of twolock", &e))?;
        let dir = binary.parent().unwrap_or(Path::new("/")).display();
        let path = format!("{dir}:{}", env.text("PATH").unwrap_or("/usr/bin:/bin"));
        let tour = Self { sandbox: Arc::new(sandbox), home, binary, device, path };
        tour.write_profiles(&ana.secret_access_key)?;
        Ok(tour)
    }

    fn config(&self) -> String {
        let (binary, url, device) = (self.binary.display(), self.sandbox.url(), &self.device);
        format!(
            "[profile demo]\nregion = eu-west-1\nendpoint_url = {url}\nmfa_serial = {device}\n\
             twolock_source_profile = demo-keys\ncredential_process = {binary} credential-process --profile demo\n\n\
             [profile admin]\nregion = eu-west-1\nendpoint_url = {url}\n\
             twolock_role_arn = {ROLE}\ntwolock_source_profile = demo\n\
             credential_process = {binary} credential-process --profile admin\n"
        )
    }

    fn write_profiles(&self, secret: &str) -> Result<()> {
        let credentials =
            format!("[demo-keys]\naws_access_key_id = AKIASANDBOXEXAMPLE00\naws_secret_access_key = {secret}\n");
        let dir = self.home.path().join(".aws");
        private_file::create_private_dir(&dir)
            .and_then(|()| private_file::write_atomically(&dir.join("config"), self.config().as_bytes()))
            .and_then(|()| private_file::write_atomically(&dir.join("credentials"), credentials.as_bytes()))
            .map_err(|e| broken("cannot write to the temporary home directory", &e))
    }

    /// Stops at the first step that fails.
    fn walk(&self) -> Result<()> {
        say(&format!(
            "An IAM user with an MFA device, and a role that the user can assume, on a local STS at {}.\n\n~/.aws/config\n{}\n",
            self.sandbox.url(),
            indent(&self.config())
        ))?;
        self.use_key_file_without_keyring()?;
        let code = self.sandbox.code(&self.device).ok_or_else(|| wrong("the virtual device has a code", ""))?.digits;
        let (first, took) =
            self.timed(self.twolock(["credential-process", "--profile", "admin"]).env("TWOLOCK_MFA_CODE", &code))?;
        let answer = shortened(&first)?;
        say(&format!(
            "1. twolock is called as the AWS CLI would call it, for profile 'admin', with MFA code {code}:\n   {answer}\n   \
             {took}\n\n"
        ))?;
        let (second, took) = self.timed(&mut self.twolock(["credential-process", "--profile", "admin"]))?;
        check("the second answer equals the first", first == second)?;
        check("STS gave one session for one code", self.sandbox.count("GetSessionToken") == 1)?;
        say(&format!("2. The second call: the same credentials, no prompt, no call to STS.\n   {took}\n\n"))?;
        let (who, _) = self.timed(&mut self.twolock(["whoami", "admin"]))?;
        check("STS knows the credentials as the role's", who.contains(":assumed-role/Admin/ana"))?;
        let who = indent(&who);
        say(&format!("3. STS accepts these credentials (twolock whoami admin):\n{who}\n"))?;
        let script = "eval \"$(twolock env admin)\" && printf '%s in %s' \"$AWS_ACCESS_KEY_ID\" \"$AWS_REGION\"";
        let (shell, _) = self.timed(self.program("/bin/sh").args(["-c", script]))?;
        check("the shell has the same key", first.contains(shell.split(' ').next().unwrap_or("?")))?;
        say(&format!("4. In a shell: eval \"$(twolock env admin)\"\n   {shell}\n\n"))?;
        say("All steps succeeded. Everything is deleted when the sandbox ends.\n")
    }

    /// If no keyring answers, stores the sealing key in a private file of the temporary home directory.
    fn use_key_file_without_keyring(&self) -> Result<()> {
        // An invalid code prevents a question, and the keyring is checked before the code.
        let mut probe = self.twolock(["credential-process", "--profile", "admin"]);
        let probe = self.output(probe.env("TWOLOCK_MFA_CODE", "none"))?;
        if probe.status.code() == Some(i32::from(Kind::Keyring.exit_code())) {
            say(
                "No keyring is available, so the sandbox stores its encryption key in a private file (keyring = \"file\").\n\n",
            )?;
            self.output(&mut self.twolock(["settings", "set", "keyring", "file"]))?;
        }
        Ok(())
    }

    fn sub_shell(&self, invocation: &Invocation) -> Result<()> {
        let code_file = self.home.path().join("code");
        say("\nThis is a shell in the sandbox's home directory. Try: twolock, twolock exec admin, or\n\
             aws --profile admin sts get-caller-identity\n\
             The device's current code: cat ~/code    To leave: exit\n")?;
        let running = Arc::new(AtomicBool::new(true));
        let (writes, sandbox, device) = (Arc::clone(&running), Arc::clone(&self.sandbox), self.device.clone());
        let writer = std::thread::spawn(move || {
            while writes.load(Ordering::Relaxed) {
                let code = sandbox.code(&device).map(|code| code.digits).unwrap_or_default();
                // After a failure, the next round writes the code.
                let _ = private_file::write_atomically(&code_file, format!("{code}\n").as_bytes());
                std::thread::sleep(Duration::from_millis(500));
            }
        });
        let shell = invocation.env.raw("SHELL").unwrap_or(OsStr::new("/bin/sh"));
        let mut command = self.program(shell);
        command.stdin(Stdio::inherit());
        invocation.limits.restore_for(&mut command);
        let ended = command.status();
        running.store(false, Ordering::Relaxed);
        let _ = writer.join();
        ended.map(drop).map_err(|e| broken("cannot start the shell", &e))
    }

    fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.home.path()).env("PATH", &self.path).env("USER", "ana");
        command.env("TWOLOCK_ACCOUNT_HOME", self.home.path());
        command.env("LANG", "C.UTF-8").env("TERM", "xterm-256color").stdin(Stdio::null());
        command
    }

    fn twolock<const N: usize>(&self, args: [&str; N]) -> Command {
        let mut command = self.program(&self.binary);
        command.args(args);
        command
    }

    fn output(&self, command: &mut Command) -> Result<Output> {
        command.output().map_err(|e| broken("cannot start a step", &e))
    }

    fn timed(&self, command: &mut Command) -> Result<(String, String)> {
        let started = Instant::now();
        let output = self.output(command)?;
        let took = format!("({:.1} ms)", started.elapsed().as_secs_f64() * 1_000.0);
        if !output.status.success() {
            return Err(wrong("a step ends well", String::from_utf8_lossy(&output.stderr).trim()));
        }
        Ok((String::from_utf8_lossy(&output.stdout).into_owned(), took))
    }
}

fn say(text: &str) -> Result<()> {
    to_stdout(text.as_bytes())
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("   {line}\n")).collect()
}

/// The answer with its secrets cut: a terminal keeps what it shows.
fn shortened(line: &str) -> Result<String> {
    let mut json: serde_json::Value =
        serde_json::from_str(line).map_err(|e| wrong("the answer is JSON", &e.to_string()))?;
    for name in ["SecretAccessKey", "SessionToken"] {
        let cut: String = json[name].as_str().unwrap_or_default().chars().take(4).collect();
        json[name] = format!("{cut}…").into();
    }
    Ok(json.to_string())
}

fn check(what: &str, right: bool) -> Result<()> {
    if right { Ok(()) } else { Err(wrong(what, "")) }
}

fn wrong(what: &str, detail: &str) -> Failure {
    let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    Failure::new(Kind::Bug, format!("the tour failed at this check: {what}{detail}"))
}

fn broken(what: &str, e: &dyn std::fmt::Display) -> Failure {
    Failure::new(Kind::Disk, format!("{what}: {e}"))
}

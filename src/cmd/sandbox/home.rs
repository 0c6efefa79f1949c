//! The environment of the tour: a local STS with one user, and a temporary home directory with plain profiles.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use twolock_sandbox::{Code, NewUser, Options, Role, STEP_SECONDS, Sandbox};

use crate::credentials::AccessKeyId;
use crate::error::{Failure, Kind, Result};
use crate::keyring::Keyring;
use crate::shell::Shell;
use crate::store::choose::Stores;
use crate::store::{StoreError, access_key};
use crate::system::env::Env;
use crate::system::private_file;
use crate::text::visible::as_word;

const ACCOUNT: &str = "123456789012";
/// The region of IAM, so that calls to it are signed right without `--region`.
const REGION: &str = "us-east-1";
/// With these, the profiles that somebody adds there do not call AWS either.
const ENDPOINT_VARIABLES: [&str; 3] = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_IAM"];
/// What the role's credentials are called.
pub const ROLE_SESSION: &str = "arn:aws:sts::123456789012:assumed-role/Admin/ana";
/// How the name of the directory begins: nothing else is ever removed.
pub const PREFIX: &str = "twolock-sandbox-";
/// Where fish looks whether it still has to read all manual pages, in a process that would outlive it.
const FISH_HAS_READ: [&str; 2] = [".local/share/fish/generated_completions", ".cache/fish/generated_completions"];
const LOOK: Duration = Duration::from_millis(500);

pub struct Home {
    pub sts: Arc<Sandbox>,
    pub access_key_id: AccessKeyId,
    pub keyring: Keyring,
    pub shell: String,
    device: String,
    binary: PathBuf,
    variables: Vec<(&'static str, String)>,
    directory: tempfile::TempDir,
}

impl Home {
    pub fn start(env: &Env) -> Result<Self> {
        let sts = Sandbox::start(Options::default()).map_err(|e| broken("cannot start the local STS", &e))?;
        let arn = format!("arn:aws:iam::{ACCOUNT}:user/ana");
        let ana = sts
            .add(NewUser { arn, ..NewUser::default() })
            .map_err(|e| broken("cannot add a user to the local STS", &e))?;
        let device = sts.add_device(&ana.arn, "ana").serial;
        sts.add_role(Role { require_mfa: true, ..Role::trusting(ACCOUNT, "Admin", &ana.arn) });
        sts.add_role(Role { max_mfa_age: Some(300), ..Role::trusting(ACCOUNT, "Glass", &ana.arn) });
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir();
        let directory = directory.map_err(|e| broken("cannot create a temporary directory", &e))?;
        let binary = std::env::current_exe().map_err(|e| broken("cannot find the path of twolock", &e))?;
        let access_key_id = AccessKeyId::parse(&ana.access_key_id).map_err(|e| broken("a bad access key", &e))?;
        let keyring = usable_keyring(env, &access_key_id);
        let shell = env.text("SHELL").unwrap_or("/bin/sh").to_owned();
        let variables = variables(env, directory.path(), &binary, &shell);
        let sts = Arc::new(sts);
        let home = Self { sts, access_key_id, keyring, shell, device, binary, variables, directory };
        home.write_files(&ana.secret_access_key)
            .map_err(|e| broken("cannot write to the temporary home directory", &e))?;
        home.keep_code_in_a_file();
        Ok(home)
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The line that opens this home in any terminal and shell.
    pub fn entrance(&self) -> String {
        format!("sh {}", as_word(&self.path().join("enter").to_string_lossy()))
    }

    /// A code that was not used yet, and the seconds that STS will accept it.
    pub fn code(&self) -> Option<(Code, i64)> {
        let code = self.sts.code(&self.device)?;
        // STS also accepts the code of the step before.
        let left = (code.step + 2) * STEP_SECONDS - self.sts.now();
        Some((code, left))
    }

    pub fn is_adopted(&self) -> bool {
        let config = fs::read_to_string(self.path().join(".aws/config")).unwrap_or_default();
        config.matches("\ncredential_process = ").count() == 3
    }

    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.variables.iter().cloned()).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    pub fn twolock(&self, args: &[&str]) -> Command {
        let mut command = self.program(&self.binary);
        command.args(args);
        command
    }

    fn config(&self) -> String {
        let (url, device) = (self.sts.url(), &self.device);
        format!(
            "[profile demo]\nregion = {REGION}\nendpoint_url = {url}\nmfa_serial = {device}\n\n\
             [profile admin]\nregion = {REGION}\nendpoint_url = {url}\n\
             role_arn = arn:aws:iam::{ACCOUNT}:role/Admin\nsource_profile = demo\n\n\
             [profile glass]\nregion = {REGION}\nendpoint_url = {url}\ntwolock_protected = true\n\
             role_arn = arn:aws:iam::{ACCOUNT}:role/Glass\nsource_profile = demo\n"
        )
    }

    fn write_files(&self, secret: &str) -> std::io::Result<()> {
        let key = format!("[demo]\naws_access_key_id = {}\naws_secret_access_key = {secret}\n", self.access_key_id);
        let files = [(".aws/config".into(), self.config()), (".aws/credentials".into(), key)];
        let enter = [("enter".into(), self.script())];
        FISH_HAS_READ.iter().try_for_each(|name| private_file::create_private_dir(&self.path().join(name)))?;
        for (name, text) in files.into_iter().chain(enter).chain(Shell::ALL.into_iter().filter_map(startup_file)) {
            let file: PathBuf = self.path().join::<String>(name);
            private_file::create_private_dir(file.parent().unwrap_or(self.path()))?;
            private_file::write_atomically(&file, text.as_bytes())?;
        }
        Ok(())
    }

    /// The script that opens a shell here.
    fn script(&self) -> String {
        let of_the_terminal = ["TERM", "SHELL"];
        let variables = self.variables.iter().filter(|(name, _)| !of_the_terminal.contains(name));
        let url = self.sts.url();
        let endpoints = ENDPOINT_VARIABLES.map(|name| (name, url.to_string()));
        let variables = variables.chain(&endpoints);
        let variables: String = variables.map(|(name, value)| format!(" {name}={}", as_word(value))).collect();
        let home = as_word(&self.path().to_string_lossy());
        format!(
            "# Opens a shell in the sandbox.\nshell=${{SHELL:-/bin/sh}}\n\
             command -v \"$shell\" >/dev/null || shell=/bin/sh\ncd {home} || exit\n\
             exec env -i{variables} TERM=\"${{TERM:-dumb}}\" SHELL=\"$shell\" \"$shell\"\n"
        )
    }

    /// Until the directory is gone.
    fn keep_code_in_a_file(&self) {
        let (sts, device, directory) = (Arc::clone(&self.sts), self.device.clone(), self.path().to_owned());
        std::thread::spawn(move || {
            while directory.exists() {
                let code = sts.code(&device).map(|code| code.digits).unwrap_or_default();
                // After a failure, the next round writes the code.
                let _ = private_file::write_atomically(&directory.join("code"), format!("{code}\n").as_bytes());
                std::thread::sleep(LOOK);
            }
        });
    }
}

/// The best keyring that says it could store this key; it answers "absent" for a new one.
fn usable_keyring(env: &Env, id: &AccessKeyId) -> Keyring {
    if cfg!(target_os = "macos") {
        // The Keychain of another home directory does not exist.
        return Keyring::File;
    }
    let stores = Stores::choose(Keyring::Auto, env, PathBuf::new, false);
    let answers = |store: Option<_>| {
        store.is_some_and(|it: Box<_>| matches!(access_key::read(&*it, id), Err(StoreError::Absent)))
    };
    match (answers(stores.durable), answers(stores.fast)) {
        (true, _) => Keyring::Auto,
        (false, true) => Keyring::Kernel,
        (false, false) => Keyring::File,
    }
}

fn variables(env: &Env, home: &Path, binary: &Path, shell: &str) -> Vec<(&'static str, String)> {
    let home = home.to_string_lossy().into_owned();
    let directory = binary.parent().unwrap_or(Path::new("/")).display();
    let path = format!("{directory}:{}", env.text("PATH").unwrap_or("/usr/bin:/bin"));
    let mut variables = vec![
        ("HOME", home.clone()),
        ("TWOLOCK_ACCOUNT_HOME", home),
        ("PATH", path),
        ("USER", "ana".into()),
        ("LANG", "C.UTF-8".into()),
        ("AWS_PAGER", String::new()),
        ("SHELL", shell.into()),
        ("TERM", env.text("TERM").unwrap_or("dumb").into()),
    ];
    let of_the_keyring = ["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"];
    variables.extend(of_the_keyring.into_iter().filter_map(|name| Some((name, env.text(name)?.into()))));
    variables
}

/// The startup file of a shell below the home directory, which loads the integration.
fn startup_file(shell: Shell) -> Option<(String, String)> {
    let (line, place) = shell.integration()?.installation();
    let file = place.strip_prefix("~/")?.split(',').next()?.to_owned();
    let (before, prompt) = match shell {
        Shell::Bash => ("", "PROMPT_COMMAND=twolock_prompt\nPS1='${twolock_segment}sandbox \\$ '"),
        Shell::Zsh => (
            "autoload -Uz compinit add-zsh-hook && compinit -u\n",
            "add-zsh-hook precmd twolock_prompt\nsetopt prompt_subst\nPROMPT='${twolock_segment}sandbox %# '",
        ),
        _ => ("", "function fish_prompt; string join '' (twolock_prompt) 'sandbox > '; end\nset -g fish_greeting"),
    };
    Some((file, format!("{before}{line}\n{prompt}\n")))
}

pub fn broken(what: &str, e: &dyn std::fmt::Display) -> Failure {
    Failure::new(Kind::Disk, format!("{what}: {e}"))
}

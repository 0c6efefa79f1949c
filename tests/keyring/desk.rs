//! A desktop session in a temporary directory: a bus of its own, and a GNOME Keyring on it.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::person::Person;
use crate::probe::{self, Answer, Which, need, path};

/// The name of an item.
pub const USER: &str = "AKIATESTTESTTESTTEST";

pub const LOGIN: &str = "/org/freedesktop/secrets/collection/login";

/// A temporary session. Whatever was started in it ends with it.
pub struct Desk {
    directory: TempDir,
    address: String,
    children: Vec<Child>,
    /// Whose session it is, if not that of whoever runs the tests.
    uid: Option<u32>,
}

impl Desk {
    /// A session without a bus.
    pub fn without_bus() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let desk = Self { directory, address: String::new(), children: Vec::new(), uid: None };
        for directory in ["home", "run", "data"] {
            fs::create_dir(desk.at(directory)).unwrap();
            fs::set_permissions(desk.at(directory), fs::Permissions::from_mode(0o700)).unwrap();
        }
        desk
    }

    /// A session with a bus, and nothing on it until somebody asks.
    pub fn with_bus() -> Self {
        need("dbus-daemon", "dbus-daemon");
        let mut desk = Self::without_bus();
        let socket = desk.at("session");
        desk.address = format!("unix:path={}", socket.display());
        let address = format!("--address={}", desk.address);
        desk.start(&["dbus-daemon", "--session", "--nofork", "--nopidfile", "--nosyslog", &address], b"");
        wait_for("the bus", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
        desk
    }

    /// A session whose bus starts no service by itself: another program is to be the keyring.
    pub fn with_bus_that_starts_nothing() -> Self {
        need("dbus-daemon", "dbus-daemon");
        let mut desk = Self::without_bus();
        let socket = desk.at("session");
        desk.address = format!("unix:path={}", socket.display());
        let rules = "<allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>";
        let config = format!(
            "<busconfig><type>session</type><listen>{}</listen><policy context=\"default\">{rules}</policy></busconfig>",
            desk.address
        );
        fs::write(desk.at("bus.conf"), config).unwrap();
        let config = format!("--config-file={}", desk.at("bus.conf").display());
        desk.start(&["dbus-daemon", "--nofork", "--nopidfile", "--nosyslog", &config], b"");
        wait_for("the bus", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
        desk
    }

    /// A session with a bus and an unlocked keyring.
    pub fn unlocked() -> Self {
        let mut desk = Self::with_bus();
        desk.start_keyring();
        desk
    }

    /// A session of another user with an unlocked keyring, whose bus lets everybody in at this address. Needs root.
    pub fn of_another_user(uid: u32, address: &str) -> Self {
        need("setpriv", "util-linux");
        let mut desk = Self::without_bus();
        desk.uid = Some(uid);
        fs::set_permissions(desk.at(""), fs::Permissions::from_mode(0o755)).unwrap();
        for directory in ["", "home", "run", "data"] {
            chown(desk.at(directory), Some(uid), Some(uid)).unwrap();
        }
        desk.address = address.replace("{folder}", desk.at("").to_str().unwrap().trim_end_matches('/'));
        let rules = "<allow user=\"*\"/><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>";
        let config = format!(
            "<busconfig><type>session</type><listen>{}</listen><policy context=\"default\">{rules}<allow own=\"*\"/>\
             </policy></busconfig>",
            desk.address
        );
        fs::write(desk.at("bus.conf"), config).unwrap();
        let config = format!("--config-file={}", desk.at("bus.conf").display());
        desk.start(&["dbus-daemon", "--nofork", "--nopidfile", "--nosyslog", &config], b"");
        let bus = ["call", "--session", "-d", "org.freedesktop.DBus", "-o", "/org/freedesktop/DBus", "-m"];
        let ask = [&bus[..], &["org.freedesktop.DBus.GetId"]].concat();
        wait_for("the bus", || desk.run("gdbus", &ask, "").starts_with('('));
        desk.start_keyring();
        desk
    }

    /// The process id of the bus.
    pub fn bus(&self) -> u32 {
        self.children[0].id()
    }

    /// Replaces the program that shows the keyring's dialogs, before it is first asked for.
    pub fn set_prompter(&self, program: &str) {
        let services = self.at("data/dbus-1/services");
        fs::create_dir_all(&services).unwrap();
        let name = "org.gnome.keyring.SystemPrompter";
        let text = format!("[D-BUS Service]\nName={name}\nExec={program}\n");
        fs::write(services.join(format!("{name}.service")), text).unwrap();
        let bus = ["call", "--session", "-d", "org.freedesktop.DBus", "-o", "/org/freedesktop/DBus", "-m"];
        let said = self.run("gdbus", &[&bus[..], &["org.freedesktop.DBus.ReloadConfig"]].concat(), "");
        assert_eq!(said, "()\n");
    }

    /// Starts the keyring daemon with the password that opens its login collection, or makes one.
    pub fn start_keyring(&mut self) -> u32 {
        need("gnome-keyring-daemon", "gnome-keyring");
        need("gdbus", "libglib2.0-bin");
        let pid =
            self.start(&["gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground"], b"password");
        // Asking the service itself would make the bus start another one, locked, in the race for the name.
        let bus = ["call", "--session", "-d", "org.freedesktop.DBus", "-o", "/org/freedesktop/DBus", "-m"];
        let owned = ["org.freedesktop.DBus.NameHasOwner", "org.freedesktop.secrets"];
        wait_for("the keyring", || self.run("gdbus", &[&bus[..], &owned].concat(), "").contains("true"));
        wait_for("the login collection", || self.property("Locked").contains("<false>"));
        pid
    }

    /// Kills the keyring daemon; the bus starts another when it is asked for.
    pub fn end_keyring(&mut self) {
        let mut keyring = self.children.pop().unwrap();
        keyring.kill().unwrap();
        keyring.wait().unwrap();
    }

    fn start(&mut self, program: &[&str], input: &[u8]) -> u32 {
        let log = File::create(self.at("log")).unwrap();
        let mut command = self.command(program[0]);
        command.args(&program[1..]).stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let pid = child.id();
        self.children.push(child);
        pid
    }

    /// Points the session at a bus address, whatever is behind it.
    pub fn set_address(&mut self, address: &str) {
        self.address = address.into();
    }

    /// A path in the session's directory.
    pub fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A program in this session, with nothing of the caller's environment.
    pub fn command(&self, program: &str) -> Command {
        let mut command = match self.uid {
            None => Command::new(program),
            Some(uid) => {
                let uid = uid.to_string();
                let mut command = Command::new("setpriv");
                command.args(["--reuid", &uid, "--regid", &uid, "--clear-groups", "--", program]).current_dir("/");
                command
            }
        };
        self.dress(&mut command);
        command
    }

    fn dress(&self, command: &mut Command) {
        command.env_clear().env("PATH", path()).env("LANG", "C.UTF-8");
        command.env("HOME", self.at("home")).env("XDG_DATA_HOME", self.at("data"));
        command.env("TWOLOCK_ACCOUNT_HOME", self.at("home"));
        command.env("XDG_RUNTIME_DIR", self.at("run"));
        if !self.address.is_empty() {
            command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        }
    }

    /// What a program of this session prints.
    pub fn run(&self, program: &str, arguments: &[&str], input: &str) -> String {
        let mut child = self.command(program);
        child.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// Calls the service as any program of the session could.
    pub fn gdbus(&self, object: &str, method: &str, arguments: &[&str]) -> String {
        let fixed = ["call", "--session", "--timeout=5", "-d", "org.freedesktop.secrets", "-o", object, "-m", method];
        self.run("gdbus", &[&fixed, arguments].concat(), "")
    }

    /// A property of the login collection.
    pub fn property(&self, name: &str) -> String {
        self.gdbus(LOGIN, "org.freedesktop.DBus.Properties.Get", &["org.freedesktop.Secret.Collection", name])
    }

    /// Locks the login collection, as the desktop does.
    pub fn lock(&self) {
        let said =
            self.gdbus("/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock", &[&format!("['{LOGIN}']")]);
        assert!(said.contains(LOGIN) && self.property("Locked").contains("<true>"), "{said}");
    }

    /// Puts an item there as another program would.
    pub fn store_by_secret_tool(&self, attributes: &[&str], secret: &str) {
        need("secret-tool", "libsecret-tools");
        let said = self.run("secret-tool", &[&["store", "--label=x"], attributes].concat(), secret);
        assert_eq!(said, "");
    }

    /// One call of ours in this session.
    pub fn call(&self, which: Which, verb: &str, user: &str, bytes: &[u8]) -> Answer {
        let mut command = probe::call(which, verb, user, bytes);
        self.dress(&mut command);
        probe::answer(command)
    }

    /// The same by another user.
    pub fn call_as(&self, person: &Person<'_>, verb: &str, bytes: &[u8]) -> Answer {
        let mut command = person.probe(&[], &probe::call(Which::Desktop, verb, USER, bytes));
        self.dress(&mut command);
        probe::answer(command)
    }

    /// Reads as `credential-process` does.
    pub fn read(&self, user: &str) -> Answer {
        self.call(Which::Desktop, "read", user, b"")
    }

    /// Records every message of the bus, as its bytes, until the returned recorder is stopped.
    pub fn record(&self) -> Recorder {
        need("dbus-monitor", "dbus-bin");
        let file = self.at("recorded");
        let mut command = self.command("dbus-monitor");
        command.args(["--session", "--binary"]).stdin(Stdio::null()).stdout(File::create(&file).unwrap());
        let recorder = Recorder { child: command.spawn().unwrap(), file };
        let announce = || self.run("gdbus", &["emit", "--session", "-o", "/x", "-s", "x.y.Here"], "");
        wait_for("the recorder", || {
            announce();
            recorder.holds(b"x.y.Here") || recorder.holds(b"Here")
        });
        recorder
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // The bus was started first and goes last: what it started itself ends with it.
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub struct Recorder {
    child: Child,
    file: PathBuf,
}

impl Recorder {
    pub fn holds(&self, needle: &[u8]) -> bool {
        let recorded = fs::read(&self.file).unwrap();
        recorded.windows(needle.len()).any(|window| window == needle)
    }

    /// Waits until everything up to this needle was recorded.
    pub fn wait_for(&self, needle: &[u8]) {
        wait_for("the recorded message", || self.holds(needle));
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Polls until it is so; fails after twenty seconds, far beyond what anything here takes.
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal to one process that this test started.
pub fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap().success());
}

/// Processes whose command line holds this word and whose environment holds this directory.
pub fn processes(word: &str, directory: &Path) -> Vec<String> {
    let directory = directory.to_str().unwrap();
    let text = |path: PathBuf| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).replace('\0', " ");
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|entry| text(entry.path().join("environ")).contains(directory))
        .map(|entry| text(entry.path().join("cmdline")))
        .filter(|line| line.contains(word))
        .collect()
}

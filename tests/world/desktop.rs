//! A desktop session of a world: a private bus, and a real GNOME Keyring on it with Ana's access key.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};

use super::{KEY_ID, SECRET, Terminal, World, eventually, without_terminal};

const LOGIN: &str = "/org/freedesktop/secrets/collection/login";

/// A bus and what runs on it; all of it ends with this.
pub struct Desktop<'a> {
    pub world: &'a World,
    address: String,
    children: Vec<Child>,
}

/// The item of Ana's key, as twolock writes it.
pub fn item() -> String {
    format!("{{\"v\":1,\"access_key_id\":\"{KEY_ID}\",\"secret_access_key\":\"{SECRET}\"}}")
}

impl<'a> Desktop<'a> {
    /// A session without a bus; the key index says that the keyring has the key, and no file has it.
    pub fn without_bus(world: &'a World) -> Self {
        world.write(".aws/credentials", "");
        let entry = format!("{{\"access_key_id\":\"{KEY_ID}\",\"account\":\"123456789012\"}}");
        world.write(".local/share/twolock/keys.json", &format!("{{\"v\":1,\"keys\":{{\"base\":{entry}}}}}"));
        Self::bare(world)
    }

    fn bare(world: &'a World) -> Self {
        let run = world.home().join("run");
        fs::create_dir_all(&run).unwrap();
        fs::set_permissions(run, fs::Permissions::from_mode(0o700)).unwrap();
        Self { world, address: String::new(), children: Vec::new() }
    }

    /// The same for a world as it is: its key is stored in the files, and the keyring is empty.
    pub fn empty(world: &'a World) -> Self {
        let mut desktop = Self::bare(world);
        desktop.start_keyring();
        desktop
    }

    /// A session whose bus starts no service, and has none.
    pub fn with_empty_bus(world: &'a World) -> Self {
        let mut desktop = Self::without_bus(world);
        let socket = world.home().join("run/session");
        world.write(
            "bus.conf",
            &format!(
                "<busconfig><type>session</type><listen>unix:path={}</listen><policy context=\"default\">\
                 <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>\
                 </policy></busconfig>",
                socket.display()
            ),
        );
        let config = format!("--config-file={}", world.home().join("bus.conf").display());
        desktop.start_bus(&[&config]);
        desktop
    }

    /// A session with the machine's own services, and a keyring that is unlocked and holds the key.
    pub fn unlocked(world: &'a World) -> Self {
        let mut desktop = Self::without_bus(world);
        desktop.start_keyring();
        desktop.plant(&item(), &[]);
        desktop
    }

    fn start_keyring(&mut self) {
        let address = format!("--address=unix:path={}", self.world.home().join("run/session").display());
        self.start_bus(&["--session", &address]);
        let keyring = ["gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground"];
        self.start(&keyring, b"password");
        let bus = ["call", "--session", "-d", "org.freedesktop.DBus", "-o", "/org/freedesktop/DBus", "-m"];
        let owned = ["org.freedesktop.DBus.NameHasOwner", "org.freedesktop.secrets"];
        eventually("the keyring", || self.run("gdbus", &[&bus[..], &owned].concat(), "").contains("true"));
        eventually("the login collection", || self.is_locked() == Some(false));
    }

    /// Points the session at any address.
    pub fn set_address(&mut self, address: &str) {
        self.address = address.to_owned();
    }

    /// Puts the item of Ana's key there.
    pub fn plant(&self, secret: &str, more: &[&str]) {
        let attributes = ["store", "--label=twolock: base", "service", "twolock", "username", KEY_ID];
        assert_eq!(self.run("secret-tool", &[&attributes, more].concat(), secret), "");
    }

    /// What the keyring holds under the key's name.
    pub fn planted(&self) -> String {
        self.run("secret-tool", &["lookup", "service", "twolock", "username", KEY_ID], "")
    }

    /// Takes the item of Ana's key away.
    pub fn clear(&self) {
        self.run("secret-tool", &["clear", "service", "twolock", "username", KEY_ID], "");
    }

    /// Locks the collection, as the desktop does.
    pub fn lock(&self) {
        let call = ["call", "--session", "-d", "org.freedesktop.secrets", "-o", "/org/freedesktop/secrets", "-m"];
        self.run("gdbus", &[&call[..], &["org.freedesktop.Secret.Service.Lock", &format!("['{LOGIN}']")]].concat(), "");
        assert_eq!(self.is_locked(), Some(true));
    }

    fn is_locked(&self) -> Option<bool> {
        let call = ["call", "--session", "--timeout=5", "-d", "org.freedesktop.secrets", "-o", LOGIN, "-m"];
        let get = ["org.freedesktop.DBus.Properties.Get", "org.freedesktop.Secret.Collection", "Locked"];
        let said = self.run("gdbus", &[&call[..], &get].concat(), "");
        [("<true>", true), ("<false>", false)].into_iter().find(|(text, _)| said.contains(text)).map(|(_, is)| is)
    }

    /// The process id of the keyring daemon.
    pub fn keyring(&self) -> u32 {
        self.children.last().expect("the keyring was started last").id()
    }

    /// Kills the keyring daemon; the bus starts another one, locked, when it is asked for.
    pub fn kill_keyring(&mut self) {
        let mut keyring = self.children.pop().expect("the keyring was started last");
        keyring.kill().unwrap();
        keyring.wait().unwrap();
    }

    /// Adds what a program of this session finds in its environment.
    pub fn dress(&self, command: &mut Command) {
        command.env("XDG_RUNTIME_DIR", self.world.home().join("run"));
        if !self.address.is_empty() {
            command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        }
    }

    /// The binary in this session, without a terminal.
    pub fn twolock(&self, args: &[&str]) -> Command {
        let mut command = self.world.twolock(args);
        self.dress(&mut command);
        command
    }

    /// Runs the binary in this session, without a terminal.
    pub fn run_twolock(&self, args: &[&str]) -> super::Ran {
        self.world.finish(&mut self.twolock(args))
    }

    /// The binary in this session, on its own terminal.
    pub fn on_terminal(&self, args: &[&str]) -> Terminal {
        let mut command = self.world.program(env!("CARGO_BIN_EXE_twolock"));
        self.dress(command.args(args));
        Terminal::start(command)
    }

    fn start_bus(&mut self, arguments: &[&str]) {
        let socket = self.world.home().join("run/session");
        self.address = format!("unix:path={}", socket.display());
        self.start(&[&["dbus-daemon", "--nofork", "--nopidfile", "--nosyslog"], arguments].concat(), b"");
        eventually("the bus", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
    }

    fn start(&mut self, words: &[&str], input: &[u8]) {
        let mut command = self.world.program(words[0]);
        self.dress(command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()));
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{}: {e}", words[0]));
        child.stdin.take().unwrap().write_all(input).unwrap();
        self.children.push(child);
    }

    pub fn run(&self, program: &str, arguments: &[&str], input: &str) -> String {
        let mut command = self.world.program(program);
        self.dress(command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()));
        without_terminal(&mut command);
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{program}: {e}"));
        // A program that wants no input may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let Output { stdout, stderr, .. } = child.wait_with_output().unwrap();
        String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr)
    }
}

impl Drop for Desktop<'_> {
    fn drop(&mut self) {
        // The bus was started first and goes last: what it started itself ends with it.
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

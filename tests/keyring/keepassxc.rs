//! A real KeePassXC as the Secret Service, with its default settings, on a display of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::desk::{Desk, USER, wait_for};
use crate::probe::{Which, need};

/// Makes `b.kdbx`, whose group "Secrets" is shared.
const DATABASE: &str = r#"
set -e
printf 'pw\npw\n' | keepassxc-cli db-create -p -t 100 a.kdbx
printf 'pw\n' | keepassxc-cli mkdir a.kdbx Secrets
printf 'pw\n' | keepassxc-cli export a.kdbx > a.xml
python3 - <<'PYTHON'
import base64, re, uuid
text = open('a.xml').read()
group = re.findall('<UUID>([^<]+)</UUID>', text[:text.index('<Name>Secrets</Name>')])[-1]
value = '{%s}' % uuid.UUID(bytes=base64.b64decode(group))
item = f'<Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{value}</Value></Item>'
meta, rest = text.split('</Meta>', 1)
meta = meta.replace('<CustomData>', '<CustomData>' + item, 1) if '<CustomData>' in meta else meta + f'<CustomData>{item}</CustomData>'
open('b.xml', 'w').write(meta + '</Meta>' + rest)
PYTHON
printf 'pw\npw\n' | keepassxc-cli import -p b.xml b.kdbx
"#;

const SETTINGS: &str = "[General]\nConfigVersion=2\n[FdoSecrets]\nEnabled=true\nShowNotification=false\n\
                        [GUI]\nCheckForUpdates=false\n";

/// KeePassXC on a bus that starts no other keyring.
struct KeePassXc {
    desk: Desk,
    display: String,
    children: Vec<Child>,
}

impl KeePassXc {
    fn start(password: &str) -> Self {
        for (program, package) in [("keepassxc", "keepassxc"), ("Xvfb", "xvfb"), ("xdotool", "xdotool")] {
            need(program, package);
        }
        let desk = Desk::with_bus_that_starts_nothing();
        let mut xvfb = Command::new("Xvfb");
        xvfb.args(["-displayfd", "1", "-screen", "0", "1280x800x24"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut xvfb = xvfb.spawn().unwrap();
        let mut number = String::new();
        BufReader::new(xvfb.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let mut all = Self { desk, display: format!(":{}", number.trim()), children: vec![xvfb] };
        fs::write(all.desk.at("k.ini"), SETTINGS).unwrap();
        fs::write(all.desk.at("l.ini"), "").unwrap();
        let made = all.command("sh").args(["-c", DATABASE]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let mut program = all.command("keepassxc");
        program.args(["--config", "k.ini", "--localconfig", "l.ini"]);
        if !password.is_empty() {
            program.arg("--pw-stdin");
        }
        let mut program = program.arg("b.kdbx").stdin(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut program.stdin.take().unwrap(), password.as_bytes()).unwrap();
        all.children.push(program);
        let state = if password.is_empty() { "<true>" } else { "<false>" };
        wait_for("the shared group", || all.is_locked().contains(state));
        all
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.desk.command(program);
        // Its lock and its socket lie there: one runs beside another of this machine.
        command.env("DISPLAY", &self.display).env("TMPDIR", self.desk.at("run")).current_dir(self.desk.at(""));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn is_locked(&self) -> String {
        let get = ["org.freedesktop.Secret.Collection", "Locked"];
        self.desk.gdbus("/org/freedesktop/secrets/aliases/default", "org.freedesktop.DBus.Properties.Get", &get)
    }

    fn windows(&self) -> String {
        let search = ["search", "--onlyvisible", "--name", ".", "getwindowname", "%@"];
        let found = self.command("xdotool").args(search).stdout(Stdio::piped()).output().unwrap();
        String::from_utf8(found.stdout).unwrap()
    }
}

impl Drop for KeePassXc {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
#[ignore = "long: starts KeePassXC"]
fn a_locked_database_is_locked_at_once_and_opens_no_window() {
    let keepassxc = KeePassXc::start("");
    wait_for("its window", || keepassxc.windows().contains("KeePassXC"));
    let before = keepassxc.windows();
    for verb in ["read", "write", "remove", "users"] {
        let answer = keepassxc.desk.call(Which::Desktop, verb, USER, b"new");
        assert_eq!(answer.text, "Locked", "{verb}");
    }
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(keepassxc.windows(), before, "no unlock window");
}

#[test]
#[ignore = "long: starts KeePassXC"]
fn its_question_for_access_is_told_from_a_lock_and_raised_only_with_leave() {
    let keepassxc = KeePassXc::start("pw\n");
    keepassxc.desk.store_by_secret_tool(&["service", "twolock", "username", USER], "theirs");
    assert_eq!(keepassxc.desk.read(USER).text, "Unconfirmed");
    assert!(!keepassxc.windows().contains("Access Request"), "{}", keepassxc.windows());
    let allowed = std::thread::scope(|scope| {
        let asking = scope.spawn(|| keepassxc.desk.call(Which::DesktopMayUnlock, "read", USER, b"").text);
        wait_for("the question", || keepassxc.windows().contains("Access Request"));
        std::thread::sleep(Duration::from_secs(1));
        keepassxc.command("xdotool").args(["key", "Return"]).status().unwrap();
        asking.join().unwrap()
    });
    assert_eq!(allowed, "Ok(746865697273)");
}

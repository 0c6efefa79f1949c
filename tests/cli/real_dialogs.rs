//! The real programs on a real display: what they are told makes a window that takes a code, Escape, and no answer.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::world::{Ran, World, eventually};

/// The programs, each under the name by which it is found.
const SHOWN: [(&str, &str); 4] = [
    ("zenity", "/usr/bin/zenity"),
    ("kdialog", "/usr/bin/kdialog"),
    ("pinentry-gtk-2", "/usr/bin/pinentry-gtk-2"),
    ("pinentry", "/usr/bin/pinentry-qt"),
];

/// An X server without a screen, and a window manager, which gives windows the keyboard.
struct Display {
    name: String,
    children: Vec<Child>,
}

impl Display {
    fn start() -> Self {
        let mut server = Command::new("Xvfb");
        // Without -noreset the server resets when its last client, here xdotool, disconnects.
        server.args(["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"]);
        let mut server = server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Xvfb");
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let name = format!(":{}", number.trim());
        let mut manager = Command::new("openbox");
        manager.env("DISPLAY", &name).stdout(Stdio::null()).stderr(Stdio::null());
        let manager = manager.spawn().expect("openbox");
        Self { name, children: vec![server, manager] }
    }

    fn xdotool(&self, args: &[&str]) -> String {
        let output = Command::new("xdotool").env("DISPLAY", &self.name).args(args).output().expect("xdotool");
        String::from_utf8(output.stdout).unwrap()
    }

    fn windows(&self) -> String {
        // openbox may miss a window that is opened while it starts; any message wakes it.
        self.xdotool(&["set_desktop", "0", "search", "--onlyvisible", "--name", "^twolock"])
    }

    /// Waits for the dialog, and presses keys in it.
    fn press(&self, text: &str, key: &str) {
        eventually("a dialog", || !self.windows().is_empty());
        let window = self.windows().lines().last().unwrap().to_owned();
        eventually("the focus", || {
            self.xdotool(&["windowactivate", "--sync", &window]);
            self.xdotool(&["getwindowfocus", "getwindowname"]).starts_with("twolock")
        });
        // twolock takes a program that fails at once for one that could not open a window.
        std::thread::sleep(Duration::from_millis(400));
        self.xdotool(&["type", "--delay", "30", text]);
        self.xdotool(&["key", key]);
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn desk(name: &str, program: &str) -> World {
    let world = World::new();
    std::fs::create_dir_all(world.home().join(".nix-profile/bin")).unwrap();
    symlink(program, world.home().join(".nix-profile/bin").join(name)).unwrap();
    world
}

/// Asks for credentials, with a bound.
fn start(world: &World, display: &str, timeout: &str) -> Child {
    let mut command = world.twolock(["credential-process", "prod"]);
    command.env("DISPLAY", display).env("TWOLOCK_PROMPT_TIMEOUT", timeout);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(world: &World, child: Child) -> Ran {
    world.read(&child.wait_with_output().unwrap())
}

#[test]
#[ignore = "long: real dialogs"]
fn a_code_typed_into_a_dialog_gives_credentials() {
    let display = Display::start();
    for (name, program) in SHOWN {
        let world = desk(name, program);
        let asking = start(&world, &display.name, "50s");
        display.press("12345", "Return");
        eventually("the end of the first dialog", || display.windows().is_empty());
        display.press(&world.code(), "Return");
        let ran = end(&world, asking);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{program}: {ran:?}");
    }
}

#[test]
#[ignore = "long: real dialogs"]
fn escape_cancels_and_no_answer_ends_with_the_time() {
    let display = Display::start();
    for (name, program) in SHOWN {
        let world = desk(name, program);
        let asking = start(&world, &display.name, "50s");
        display.press("", "Escape");
        end(&world, asking).is(9, "", "twolock: error: profile 'prod': cancelled; no code was given\n");
        assert_eq!(world.run(["logout", "--all"]).code, 0);

        let world = desk(name, program);
        let ran = end(&world, start(&world, &display.name, "8s"));
        assert!(ran.code == 9 && ran.stderr.contains("no code was entered in time"), "{program}: {ran:?}");
        eventually("the end of the dialog", || display.windows().is_empty());
    }
}

#[test]
#[ignore = "long: real dialogs"]
fn a_pinentry_of_the_terminal_and_a_display_that_is_gone_are_skipped() {
    for (name, program, display) in [
        ("pinentry", "/usr/bin/pinentry-curses", ":4242"),
        ("pinentry", "/usr/bin/pinentry-tty", ":4242"),
        ("pinentry", "/usr/bin/pinentry-gtk-2", ":4242"),
        ("pinentry", "/usr/bin/pinentry-qt", ":4242"),
        ("zenity", "/usr/bin/zenity", ":4242"),
        ("kdialog", "/usr/bin/kdialog", ":4242"),
    ] {
        let world = desk(name, program);
        let ran = end(&world, start(&world, display, "50s"));
        let said = format!("no terminal, and {name} could not open a dialog; run in a terminal: twolock login prod");
        assert!(ran.code == 9 && ran.stderr.contains(&said), "{program}: {ran:?}");
    }
}

/// Waits for the daemon, runs twolock twice at a time when its session has 14 minutes left, and waits for what is shown.
const AT_THE_END: &str = r#"
dunst -print >"$HOME/printed" 2>&1 &
owned='call --session -d org.freedesktop.DBus -o / -m org.freedesktop.DBus.NameHasOwner org.freedesktop.Notifications'
until gdbus $owned | grep -q true; do sleep 0.1; done
for caller in 1 2; do faketime -f +706m "$0" credential-process base || echo "$?" >>"$HOME/failed"; done >/dev/null
tries=0
until grep -q body "$HOME/printed" || test $((tries += 1)) = 100; do sleep 0.1; done
sleep 0.5
kill "$!"
"#;

#[test]
#[ignore = "long: real dialogs"]
fn a_notification_daemon_is_told_once_that_a_session_ends() {
    let display = Display::start();
    for (name, program) in [("notify-send", "/usr/bin/notify-send"), ("kdialog", "/usr/bin/kdialog")] {
        let world = desk(name, program);
        world.log_in("base");
        let mut command = world.program("dbus-run-session");
        command.args(["--", "sh", "-c", AT_THE_END, env!("CARGO_BIN_EXE_twolock")]);
        command.env("DISPLAY", &display.name);
        let ran = world.finish(&mut command);
        let printed = std::fs::read_to_string(world.home().join("printed")).unwrap();
        let shown = |line: &str| printed.lines().filter(|shown| shown.trim() == line).count();
        let text = "body: 'To start a new one with an MFA code, run in a terminal: twolock login base --fresh'";
        assert_eq!(
            (shown("summary: 'base: AWS session expires in 14 min'"), shown(text)),
            (1, 1),
            "{name}: {printed} {ran:?}"
        );
        assert!(!world.home().join("failed").exists(), "{name}: {ran:?}");
    }
}

//! A code asked for in a dialog, where there is no terminal. The programs are fakes in the directory of a package manager
//! below the account's home, which in tests stands for the whole machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::world::{DEVICE, Ran, Terminal, World, eventually, make_runnable};

const ASKS: [&str; 2] = ["credential-process", "prod"];
const RIGHT: &str = "cat \"$HOME/code\"";
const CANCEL: &str = "exit 1";

/// What a pinentry with a window answers; GETPIN as told.
fn pinentry(getpin: &str) -> String {
    format!(
        "echo OK; while read -r word rest; do case $word in SETDESC) note \"$rest\"; echo OK ;; GETINFO) echo D gtk2; \
         echo OK ;; GETPIN) {getpin} ;; BYE) echo OK; exit ;; *) echo OK ;; esac; done"
    )
}

struct Desk {
    world: World,
}

impl Desk {
    /// A desk with one program, and the code of now.
    fn new(name: &str, body: &str) -> Self {
        let desk = Self { world: World::new() };
        desk.install(&format!(".nix-profile/bin/{name}"), body);
        desk.world.write("code", &format!("{}\n", desk.world.code()));
        desk
    }

    /// A program that writes down what it was told: `note` adds a line, and its arguments are one.
    fn install(&self, name: &str, body: &str) -> PathBuf {
        let note = "note() { printf '%s' \"$*\" | tr '\\n' '|' >>\"$HOME/opened\"; echo >>\"$HOME/opened\"; }";
        let arguments = if name.ends_with("pinentry") { "" } else { "note \"$@\"; " };
        self.world.write(name, &format!("#!/bin/sh\n{note}\nenv >\"$HOME/environment\"\n{arguments}{body}\n"));
        let program = self.world.home().join(name);
        make_runnable(&program);
        program
    }

    fn twolock(&self, args: &[&str]) -> Command {
        let mut command = self.world.twolock(args);
        command.env("DISPLAY", ":1");
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.world.finish(&mut self.twolock(args))
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.world.home().join(name)).unwrap_or_default()
    }

    /// What each dialog was told.
    fn opened(&self) -> Vec<String> {
        self.read("opened").lines().map(String::from).collect()
    }

    fn set(&self, name: &str, value: &str) {
        assert_eq!(self.world.run(["settings", "set", name, value]).code, 0);
    }

    /// The note of the device, and its file.
    fn device(&self) -> (PathBuf, serde_json::Value) {
        let mut files = fs::read_dir(self.world.cache()).unwrap().map(|entry| entry.unwrap().path());
        let is_note = |file: &PathBuf| {
            let name = file.file_name().unwrap().to_str().unwrap();
            name.starts_with("device-") && name.ends_with(".json")
        };
        let file = files.find(is_note).expect("a note of the device");
        let note = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        (file, note)
    }

    /// Lets so many seconds pass since the last dialog.
    fn pass(&self, seconds: i64) {
        let (file, mut note) = self.device();
        let at = note["closed_dialog"]["at"].as_i64().expect("a dialog was closed");
        note["closed_dialog"]["at"] = (at - seconds).into();
        fs::write(file, note.to_string()).unwrap();
    }
}

/// The failure where nobody can be asked.
fn nobody(why: &str) -> String {
    format!(
        "twolock: error: profile 'prod': needs an MFA code from {DEVICE}: no terminal{why}; run in a terminal: twolock \
         login prod\n"
    )
}

#[track_caller]
fn is_paused(ran: &Ran, how: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (9, ""), "{ran:?}");
    let (before, after) = ran.stderr.split_once(&format!(", and the last dialog {how} ")).unwrap_or_default();
    assert!(before.ends_with(&format!("needs an MFA code from {DEVICE}: no terminal")), "{ran:?}");
    assert!(
        after.contains(" ago (the next may open in ") && after.ends_with("; run in a terminal: twolock login prod\n")
    );
}

#[test]
fn a_dialog_asks_where_there_is_no_terminal() {
    let data = pinentry("printf 'D '; cat \"$HOME/code\"; echo OK");
    for (name, body) in [
        ("zenity", RIGHT),
        ("kdialog", RIGHT),
        ("pinentry", &data),
        ("osascript", RIGHT),
        ("powershell.exe", &format!("note \"$(cat)\"; {RIGHT}")),
    ] {
        let desk = Desk::new(name, body);
        let ran = desk.run(&ASKS);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{name}: {ran:?}");
        assert!(ran.stdout.starts_with("{\"Version\":1,"), "{name}: {ran:?}");
        let opened = desk.read("opened");
        let port = desk.world.sandbox.port();
        for part in ["MFA code for account 123456789012", "Profile: prod", "Device: ana"] {
            assert!(opened.contains(part), "{name}: {opened}");
        }
        assert!(opened.contains(&format!("Sent to: 127.0.0.1:{port}, not AWS")), "{name}: {opened}");
        assert_eq!(desk.run(&ASKS).stdout, ran.stdout, "{name}");
        assert_eq!(desk.read("opened"), opened, "{name}: a cached session opens nothing");
    }
}

#[test]
fn without_a_display_nothing_is_opened() {
    let desk = Desk::new("zenity", RIGHT);
    let ran = desk.world.run(ASKS);
    ran.is(9, "", &nobody(""));
    assert_eq!(desk.opened(), [""; 0]);
}

#[test]
fn a_job_of_a_terminal_opens_no_dialog() {
    let desk = Desk::new("zenity", RIGHT);
    let behind = "import os; os.setpgid(0, 0); os.execvp('twolock', ['twolock', 'credential-process', 'prod'])";
    for (line, why) in [
        (format!("python3 -c \"{behind}\"; exit $?"), "this job runs in the background"),
        (
            "stty -icanon; twolock credential-process prod; exit $?".into(),
            "another program reads the terminal key by key",
        ),
    ] {
        let mut shell = desk.world.program("sh");
        shell.args(["-c", &line]).env("DISPLAY", ":1");
        let ran = Terminal::start(shell).end();
        assert_eq!(ran.code, 9, "{ran:?}");
        assert!(ran.stderr.contains(&format!("needs an MFA code from {DEVICE}: {why}; run in")), "{ran:?}");
    }
    assert_eq!(desk.opened(), [""; 0]);
}

#[test]
fn a_program_that_is_missing_or_shows_no_window_is_skipped_for_the_next() {
    let tty = pinentry("echo ERR 83886179 cancelled").replace("D gtk2", "D tty");
    let desk = Desk::new("pinentry", &tty);
    let alone = desk.run(&ASKS);
    alone.is(9, "", &nobody(", and pinentry could not open a dialog"));
    desk.install(".nix-profile/bin/zenity", "sleep 1; echo 'Gtk-WARNING: cannot open display: :1' >&2; exit 1");
    desk.run(&ASKS).is(9, "", &nobody(", and zenity could not open a dialog"));
    desk.install(".nix-profile/bin/kdialog", RIGHT);
    let ran = desk.run(&ASKS);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    fs::remove_dir_all(desk.world.home().join(".nix-profile")).unwrap();
    assert_eq!(desk.run(&["logout", "--all"]).code, 0);
    desk.run(&ASKS).is(9, "", &nobody(", and no dialog program was found (such as zenity or kdialog)"));
}

#[test]
fn after_a_cancel_none_is_opened_for_ten_minutes_unless_a_person_logs_in() {
    let desk = Desk::new("zenity", CANCEL);
    desk.run(&ASKS).is(9, "", "twolock: error: profile 'prod': cancelled; no code was given\n");
    for args in [&ASKS[..], &["exec", "prod", "true"], &["credential-process", "base"]] {
        let ran = desk.run(args);
        assert_eq!(ran.code, 9, "{ran:?}");
        assert!(ran.stderr.contains("no terminal, and the last dialog was cancelled "), "{args:?}: {ran:?}");
    }
    is_paused(&desk.run(&ASKS), "was cancelled");
    assert_eq!(desk.opened().len(), 1);
    desk.pass(570);
    is_paused(&desk.run(&ASKS), "was cancelled");
    desk.run(&["login", "prod"]).is(9, "", "twolock: error: profile 'prod': cancelled; no code was given\n");
    assert_eq!(desk.opened().len(), 2);
    is_paused(&desk.run(&ASKS), "was cancelled");
    desk.pass(601);
    desk.run(&ASKS).is(9, "", "twolock: error: profile 'prod': cancelled; no code was given\n");
    assert_eq!(desk.opened().len(), 3);
    desk.install(".nix-profile/bin/zenity", RIGHT);
    assert_eq!(desk.run(&["login", "prod"]).code, 0);
    assert!(desk.device().1["closed_dialog"].is_null(), "a session ends the pause");
}

#[test]
fn a_dialog_that_hangs_ends_at_the_deadline_with_all_it_started() {
    let desk = Desk::new("zenity", "sleep 1000 & echo $! $$ >\"$HOME/pids\"; trap '' TERM; wait; sleep 1000");
    let mut command = desk.twolock(&ASKS);
    let ran = desk.world.finish(command.env("TWOLOCK_PROMPT_TIMEOUT", "3s"));
    let line = "no code was entered in time; run in a terminal: twolock login prod";
    ran.is(9, "", &format!("twolock: error: profile 'prod': {line}\n"));
    for pid in desk.read("pids").split_whitespace() {
        let stat = PathBuf::from(format!("/proc/{pid}/stat"));
        let is_dead = || fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z ")) || !stat.exists();
        eventually("the death of the whole group", is_dead);
    }
    assert!(desk.opened()[0].contains("--timeout="), "{:?}", desk.opened());
    is_paused(&desk.run(&ASKS), "timed out");
    assert_eq!(desk.opened().len(), 1);
}

#[test]
fn a_program_that_says_the_time_is_over_is_believed() {
    let desk = Desk::new("zenity", "exit 5");
    assert!(desk.run(&ASKS).stderr.contains("no code was entered in time"));
    is_paused(&desk.run(&ASKS), "timed out");
}

#[test]
fn fifty_cold_callers_open_one_dialog() {
    let desk = Desk::new("zenity", &format!("sleep 3; {RIGHT}"));
    let start = || {
        let mut command = desk.twolock(&ASKS);
        command.env("TWOLOCK_PROMPT_TIMEOUT", "5m").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let callers: Vec<_> = (0..50).map(|_| start()).collect();
    let ran: Vec<Output> = callers.into_iter().map(|caller| caller.wait_with_output().unwrap()).collect();
    for output in &ran {
        assert_eq!((output.status.code(), &output.stdout), (Some(0), &ran[0].stdout), "{output:?}");
    }
    assert_eq!(desk.opened().len(), 1);
    assert_eq!(desk.world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn a_code_of_the_wrong_form_is_asked_again_with_the_reason() {
    let desk =
        Desk::new("zenity", &format!("case $* in *'not a six-digit'*) {RIGHT} ;; *'no code was'*) echo abc ;; esac"));
    let ran = desk.run(&ASKS);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let opened = desk.opened();
    assert_eq!(opened.len(), 3, "{opened:?}");
    assert!(opened[1].contains("|no code was typed ") && opened[2].contains("|not a six-digit code "), "{opened:?}");
    let broken = Desk::new("zenity", "echo hello");
    let line = "twolock: error: profile 'prod': no six-digit code in 5 dialogs of zenity\n";
    broken.run(&ASKS).is(4, "", line);
    assert_eq!(broken.opened().len(), 5);
}

#[test]
fn a_refused_code_opens_a_second_dialog_that_says_why() {
    let desk = Desk::new("zenity", "");
    let wrong = desk.world.wrong_code();
    desk.install(".nix-profile/bin/zenity", &format!("case $* in *'wrong code'*) {RIGHT} ;; *) echo {wrong} ;; esac"));
    let ran = desk.run(&ASKS);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let opened = desk.opened();
    assert_eq!(opened.len(), 2, "{opened:?}");
    let said = "|wrong code, already used, or of another device; next code in ";
    assert!(opened[1].contains(said) && opened[1].contains(" s; 2 tries left "), "{opened:?}");
}

#[test]
fn a_code_that_was_sent_is_not_taken_from_a_dialog_for_ever() {
    let desk = Desk::new("zenity", RIGHT);
    assert_eq!(desk.run(&ASKS).code, 0);
    assert_eq!(desk.run(&["logout", "--all"]).code, 0);
    let ran = desk.run(&ASKS);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stderr.contains("this code was already used; next code in "), "{ran:?}");
    assert!(
        desk.opened().last().unwrap().contains("|this code was already used; next code in "),
        "{:?}",
        desk.opened()
    );
    assert_eq!(desk.world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn dialogs_get_no_credentials_and_programs_are_not_taken_from_path() {
    let desk = Desk::new("zenity", RIGHT);
    let elsewhere = desk.install("elsewhere/zenity", CANCEL);
    let mut command = desk.twolock(&ASKS);
    for (name, value) in [
        ("AWS_SECRET_ACCESS_KEY", "canary"),
        ("AWS_SESSION_TOKEN", "canary"),
        ("LD_PRELOAD", ""),
        ("GTK_MODULES", "canary"),
        ("XAUTHORITY", "/x/cookie"),
    ] {
        command.env(name, value);
    }
    command.env("PATH", format!("{}:/usr/bin:/bin", elsewhere.parent().unwrap().display()));
    let ran = desk.world.finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let environment = desk.read("environment");
    assert!(!environment.contains("canary") && !environment.contains("TWOLOCK_"), "{environment}");
    assert!(environment.contains("DISPLAY=:1\n") && environment.contains("XAUTHORITY=/x/cookie\n"), "{environment}");
}

#[test]
fn the_setting_prompt_gives_the_order_or_turns_dialogs_off() {
    let desk = Desk::new("zenity", CANCEL);
    desk.install(".nix-profile/bin/kdialog", RIGHT);
    desk.set("prompt", "off");
    desk.run(&ASKS).is(9, "", &nobody(", and dialogs are off (setting prompt)"));
    desk.set("prompt", "kdialog, zenity");
    assert_eq!(desk.run(&ASKS).code, 0);
    assert_eq!(desk.opened().len(), 1);
    let allowed = "allowed: auto, off, or a list of pinentry, zenity, kdialog, osascript, powershell";
    for wrong in ["", "xmessage", "zenity, xmessage", "/usr/bin/zenity"] {
        let line = format!("twolock: error: prompt cannot be '{wrong}': {allowed}\n");
        desk.world.run(["settings", "set", "prompt", wrong]).is(2, "", &line);
    }
}

// ---- askpass

impl Desk {
    fn with_askpass(body: &str) -> (Self, PathBuf) {
        let desk = Self::new("zenity", CANCEL);
        let program = desk.install("my askpass", body);
        desk.set("askpass", program.to_str().unwrap());
        (desk, program)
    }
}

#[test]
fn askpass_gets_the_question_as_its_argument_and_prints_the_code() {
    let (desk, _) = Desk::with_askpass(&format!("echo $# >\"$HOME/count\"; {RIGHT}; echo more"));
    // No display is needed: it may be any program.
    let mut command = desk.world.twolock(ASKS);
    let ran = desk.world.finish(command.env("AWS_SESSION_TOKEN", "canary"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let port = desk.world.sandbox.port();
    let line = format!("MFA code for STS at 127.0.0.1:{port}, not AWS (123456789012, prod, device ana");
    assert!(desk.opened().len() == 1 && desk.opened()[0].starts_with(&line), "{:?}", desk.opened());
    assert_eq!(desk.read("count"), "1\n");
    assert!(!desk.read("environment").contains("canary"));
}

#[test]
fn askpass_that_fails_cancels_and_opens_no_dialog_behind_it() {
    let (desk, _) = Desk::with_askpass("exit 3");
    desk.run(&ASKS).is(9, "", "twolock: error: profile 'prod': cancelled; no code was given\n");
    is_paused(&desk.run(&ASKS), "was cancelled");
    assert_eq!(desk.opened().len(), 1);
}

#[test]
fn askpass_that_prints_no_code_is_asked_again_and_then_named() {
    let (desk, _) = Desk::with_askpass("echo hello");
    let ran = desk.run(&ASKS);
    assert_eq!(ran.code, 3, "{ran:?}");
    let said = "profile 'prod': askpass 'HOME/my askpass' (~/.config/twolock/config.toml:1) printed no six-digit code in 5 \
                tries\ntwolock: hint: ";
    assert!(ran.stderr.contains(said), "{ran:?}");
    assert!(desk.opened().len() == 5 && desk.opened()[1].starts_with("not a six-digit code|MFA code"));
}

#[test]
fn askpass_that_is_missing_or_cannot_run_is_a_failure_that_names_the_setting() {
    let (desk, program) = Desk::with_askpass(RIGHT);
    fs::write(&program, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let fails = |why: &str| {
        let ran = desk.run(&ASKS);
        assert_eq!(ran.code, 3, "{ran:?}");
        let said = format!("askpass 'HOME/my askpass' (~/.config/twolock/config.toml:1) could not be started: {why}");
        assert!(ran.stderr.contains(&said) && ran.stderr.contains("twolock settings unset askpass"), "{ran:?}");
    };
    fails("Permission denied");
    fs::remove_file(&program).unwrap();
    fails("No such file");
    for relative in ["askpass", "./askpass", "~/askpass"] {
        let line = format!("twolock: error: askpass cannot be '{relative}': it must be an absolute path\n");
        desk.world.run(["settings", "set", "askpass", relative]).is(2, "", &line);
    }
}

#[test]
fn askpass_counts_only_in_the_accounts_own_file() {
    let desk = Desk::new("zenity", RIGHT);
    let program = desk.install("repo/askpass", CANCEL);
    desk.world.write("repo/twolock/config.toml", &format!("askpass = \"{}\"\n", program.display()));
    let mut command = desk.twolock(&ASKS);
    let ran = desk.world.finish(command.env("XDG_CONFIG_HOME", desk.world.home().join("repo")));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(Path::new(&program).exists() && desk.opened()[0].starts_with("--entry"), "{:?}", desk.opened());
}

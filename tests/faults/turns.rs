//! Two devices wanted at once on one terminal: one question at a time, and none that cannot be seen holds up another.

use std::fs;
use std::time::Duration;

use crate::machine::{self, eventually};
use crate::outcome::secrets;
use crate::somebody::is_root;
use crate::world::{ACCOUNT, DEVICE, NewUser, Terminal, World};

const BOB: &str = "arn:aws:iam::123456789012:mfa/bob";
const OF_ANA: &str = "device ana): ";
const OF_BOB: &str = "device bob): ";

/// The usual world, and Bob with a key, a device and the profile `bob`.
fn world() -> World {
    let world = World::new();
    add(&world, "bob");
    world
}

/// Adds a user with a key, a device and a profile of the same name.
fn add(world: &World, name: &str) {
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/{name}");
    let user = NewUser { arn: arn.clone(), access_key_id: None, secret_access_key: None };
    let user = world.sandbox.add(user).unwrap();
    world.sandbox.add_device(&arn, name);
    let device = format!("arn:aws:iam::{ACCOUNT}:mfa/{name}");
    world.add_config(&format!("[profile {name}]\nregion = eu-west-1\nmfa_serial = {device}\nendpoint_url = {{url}}\n"));
    let credentials = fs::read_to_string(world.home().join(".aws/credentials")).unwrap();
    let (id, secret) = (user.access_key_id, user.secret_access_key);
    world.write(
        ".aws/credentials",
        &format!("{credentials}[{name}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"),
    );
}

/// A script on a terminal; its lines run in the foreground of the terminal, also those behind `&`.
fn on_terminal(world: &World, script: &str) -> Terminal {
    let mut shell = world.program("sh");
    shell.args(["-c", script]).current_dir(world.home());
    Terminal::start(shell)
}

/// bash with job control on a terminal, at its prompt.
fn interactive_shell(world: &World) -> Terminal {
    let mut shell = world.program("bash");
    shell.args(["--norc", "--noprofile", "-i"]).env("PS1", "ready$ ").current_dir(world.home());
    let mut terminal = Terminal::start_in_full(shell);
    terminal.sees("ready$ ");
    terminal
}

fn answered(world: &World, name: &str) -> bool {
    let text = fs::read_to_string(world.home().join(name)).unwrap_or_default();
    text.starts_with("{\"Version\":1,") && text.ends_with("}\n")
}

/// Fails if a terminal's turn is left in the cache.
fn leaves_no_turn(world: &World) {
    let names = fs::read_dir(world.cache()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("terminal-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn two_devices_on_one_terminal_are_asked_for_one_after_the_other() {
    let world = world();
    let both = "twolock credential-process base >base & twolock credential-process bob >bob & wait";
    let mut terminal = on_terminal(&world, both);
    let is_ana = |shown: &str| shown.contains(OF_ANA);
    eventually("a question", || terminal.shown().contains("): "));
    // Long enough for the other one to ask, too.
    std::thread::sleep(Duration::from_millis(500));
    let shown = terminal.shown();
    assert_eq!(shown.matches("MFA code for").count(), 1, "{shown:?}");
    let order = if is_ana(&shown) { [(OF_ANA, DEVICE), (OF_BOB, BOB)] } else { [(OF_BOB, BOB), (OF_ANA, DEVICE)] };
    for (question, device) in order {
        terminal.sees(question);
        terminal.types(&format!("{}\n", world.code_of(device)));
    }
    terminal.end().is(0, "", "");
    assert!(answered(&world, "base") && answered(&world, "bob"));
    assert_eq!(world.sandbox.codes_consumed().len(), 2);
    leaves_no_turn(&world);
}

#[test]
fn a_wrong_code_is_asked_for_again_and_the_other_question_comes_all_the_same() {
    let world = world();
    let both = "twolock credential-process base >base & twolock credential-process bob >bob & wait";
    let mut terminal = on_terminal(&world, both);
    let (mut answered_to, mut wrong) = (0, 0);
    while !terminal.has_ended() {
        let shown = terminal.shown();
        let new = &shown[answered_to..];
        let next = [(OF_ANA, DEVICE), (OF_BOB, BOB)].map(|(question, device)| Some((new.find(question)?, device)));
        if let Some((at, device)) = next.into_iter().flatten().min() {
            answered_to += at + OF_ANA.len();
            wrong += 1;
            let code = if wrong == 1 { "000000".into() } else { world.code_of(device) };
            terminal.types(&format!("{code}\n"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    terminal.end().is(0, "", "");
    assert!(wrong == 3 && answered(&world, "base") && answered(&world, "bob"), "{wrong}");
}

#[test]
fn a_question_that_was_stopped_or_killed_holds_up_nobody() {
    for keys in ["\x1a", "kill"] {
        let world = world();
        let mut terminal = interactive_shell(&world);
        terminal.types("twolock credential-process base >base\n");
        terminal.sees(OF_ANA);
        match keys {
            "kill" => {
                let asking = machine::children(terminal.pid());
                assert_eq!(asking.len(), 1, "{asking:?}");
                machine::signal(asking[0], libc::SIGKILL);
            }
            keys => terminal.types(keys),
        }
        terminal.sees("ready$ ");
        terminal.types("twolock credential-process bob >bob\n");
        terminal.sees(OF_BOB);
        terminal.types(&format!("{}\n", world.code_of(BOB)));
        eventually("an answer", || answered(&world, "bob"));
        terminal.sees("ready$ ");
        if keys != "kill" {
            terminal.types("fg\n");
            terminal.sees(OF_ANA);
            terminal.types(&format!("{}\n", world.code_of(DEVICE)));
            eventually("an answer", || answered(&world, "base"));
            terminal.sees("ready$ ");
        }
        terminal.types("exit\n");
        let (shown, _) = terminal.shown_after_end();
        assert!(secrets(&world).iter().all(|secret| !shown.contains(secret)));
        leaves_no_turn(&world);
    }
}

#[test]
fn those_who_waited_for_a_question_that_was_killed_are_asked_one_after_the_other() {
    let world = world();
    ["carl", "dora"].iter().for_each(|name| add(&world, name));
    let all = "twolock credential-process base >base & echo $! >first; while ! [ -e go ]; do sleep 0.02; done; \
        for name in bob carl dora; do twolock credential-process $name >$name & done; wait";
    let mut terminal = on_terminal(&world, all);
    terminal.sees(OF_ANA);
    world.write("go", "");
    // Long enough for all to wait.
    std::thread::sleep(Duration::from_millis(700));
    let first = fs::read_to_string(world.home().join("first")).unwrap().trim().parse().unwrap();
    machine::signal(first, libc::SIGKILL);
    for asked in 2..5 {
        eventually("the next question", || terminal.shown().matches("MFA code for").count() >= asked);
        std::thread::sleep(Duration::from_millis(300));
        let shown = terminal.shown();
        assert_eq!(shown.matches("MFA code for").count(), asked, "{shown:?}");
        let name = shown.rsplit_once("device ").unwrap().1.split(')').next().unwrap().to_owned();
        terminal.types(&format!("{}\n", world.code_of(&format!("arn:aws:iam::{ACCOUNT}:mfa/{name}"))));
    }
    assert_eq!(terminal.end().code, 0);
    assert!(["bob", "carl", "dora"].iter().all(|name| answered(&world, name)));
    leaves_no_turn(&world);
}

#[test]
fn those_who_wait_beside_a_question_that_was_stopped_are_asked_one_after_the_other() {
    let world = world();
    add(&world, "carl");
    let mut terminal = interactive_shell(&world);
    terminal.types("twolock credential-process base >base\n");
    terminal.sees(OF_ANA);
    terminal.types("\x1a");
    terminal.sees("ready$ ");
    let both = "twolock credential-process bob >bob & twolock credential-process carl >carl & wait";
    terminal.types(&format!("sh -c '{both}'\n"));
    for asked in 2..4 {
        eventually("the next question", || terminal.shown().matches("MFA code for").count() >= asked);
        std::thread::sleep(Duration::from_millis(500));
        let shown = terminal.shown();
        assert_eq!(shown.matches("MFA code for").count(), asked, "{shown:?}");
        let name = if shown.rfind("device bob)") > shown.rfind("device carl)") { "bob" } else { "carl" };
        terminal.types(&format!("{}\n", world.code_of(&format!("arn:aws:iam::{ACCOUNT}:mfa/{name}"))));
    }
    eventually("the answers", || answered(&world, "bob") && answered(&world, "carl"));
    eventually("the prompt", || terminal.shown().ends_with("ready$ "));
    terminal.types("kill -9 %1\n");
    terminal.sees("kill -9 %1");
    terminal.sees("ready$ ");
    // The first one may only say that a job was stopped.
    terminal.types("exit\nexit\n");
    terminal.shown_after_end();
}

/// As in a container that shares the terminal.
#[test]
fn in_a_pid_namespace_of_its_own_the_question_is_asked() {
    let world = world();
    if !is_root() {
        // A user namespace besides would hide the kernel keyring.
        return eprintln!("skipped: only root makes a pid namespace alone");
    }
    let script = "unshare --pid --fork --mount-proc twolock credential-process base >base";
    let mut terminal = on_terminal(&world, script);
    terminal.sees(OF_ANA);
    terminal.types(&format!("{}\n", world.code()));
    terminal.end().is(0, "", "");
    assert!(answered(&world, "base"));
    leaves_no_turn(&world);
}

#[test]
fn whoever_waits_for_a_turn_in_vain_says_so_before_its_caller_has_gone() {
    let world = world();
    let both = "twolock credential-process base >base & \
        while ! [ -e go ]; do sleep 0.02; done; \
        TWOLOCK_PROMPT_TIMEOUT=2s twolock credential-process bob; echo $? >code; wait";
    let mut terminal = on_terminal(&world, both);
    terminal.sees(OF_ANA);
    world.write("go", "");
    eventually("its end", || fs::read_to_string(world.home().join("code")).is_ok_and(|code| code.ends_with('\n')));
    terminal.types(&format!("{}\n", world.code()));
    let ran = terminal.end();
    assert_eq!(fs::read_to_string(world.home().join("code")).unwrap(), "7\n");
    let (before, after) = ("twolock: error: profile 'bob': gave up waiting for another twolock (pid ", ran.stderr);
    let rest = after.strip_prefix(before).unwrap_or_else(|| panic!("{after}"));
    let (_, rest) = rest.split_once(')').unwrap();
    assert_eq!(
        rest,
        ", which is asking for a code on this terminal\ntwolock: hint: enter that code, then run this again\n"
    );
    assert!(answered(&world, "base"));
}

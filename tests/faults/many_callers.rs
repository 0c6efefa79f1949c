//! Many callers at once: one question, one call, equal answers; and holders that are killed or stopped (P23, F9, F44).

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Command, Stdio};

use crate::machine::{eventually, script, signal, status, waits};
use crate::outcome::{failed, is_one_line_or_nothing, tells_no_secret};
use crate::world::{ACCOUNT, Ran, Role, Terminal, World};

const QUESTION: &str = "(123456789012, prod, device ana): ";

/// A world where five roles lie below one device.
fn five_roles() -> World {
    let world = World::new();
    let mut config = String::new();
    for n in 0..5 {
        let user = format!("arn:aws:iam::{ACCOUNT}:user/ana");
        let role = Role { require_mfa: true, ..Role::trusting(ACCOUNT, &format!("Role{n}"), &user) };
        let arn = world.sandbox.add_role(role);
        config += &format!("[profile role{n}]\nrole_arn = {arn}\nsource_profile = base\nendpoint_url = {{url}}\n");
    }
    world.add_config(&config);
    world
}

/// Starts a caller without a terminal, its streams piped.
fn caller(world: &World, profile: &str) -> Child {
    start(&mut world.twolock(["credential-process", profile]))
}

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(world: &World, child: Child) -> Ran {
    let ran = world.read(&child.wait_with_output().unwrap());
    is_one_line_or_nothing(&ran);
    tells_no_secret(world, &ran);
    ran
}

/// A caller that asks on its terminal.
fn asking(world: &World) -> Terminal {
    let mut terminal = world.on_terminal(["credential-process", "prod"]);
    terminal.sees(QUESTION);
    terminal
}

/// Fails unless each of five roles was answered alike ten times, after one code and one call each.
fn fifty_equal_answers(world: &World, answers: impl Iterator<Item = (usize, String)>) {
    let mut distinct = BTreeSet::new();
    let mut count = 0;
    for (n, answer) in answers {
        count += 1;
        assert!(answer.starts_with("{\"Version\":1,"), "{n}: {answer}");
        distinct.insert((n % 5, answer));
    }
    assert_eq!((count, distinct.len()), (50, 5), "fifty answers, one a role");
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
    assert_eq!(world.sandbox.count("AssumeRole"), 5);
    assert_eq!(world.sandbox.codes_consumed().len(), 1);
}

#[test]
fn fifty_cold_callers_on_one_terminal_share_one_question() {
    let world = five_roles();
    fs::create_dir(world.home().join("out")).unwrap();
    let mut shell = world.program("sh");
    let text = "for i in $(seq 0 49); do \
                (twolock credential-process role$((i % 5)) >out/$i 2>err$i || echo $i $? >>failed; cat err$i >>errors) & \
                done; wait";
    shell.args(["-c", text]).current_dir(world.home());
    let mut terminal = Terminal::start(shell);
    terminal.sees("device ana): ");
    terminal.types(&format!("{}\n", world.code()));
    eventually("fifty answers", || {
        let ended = |n: usize| fs::metadata(world.home().join(format!("out/{n}"))).is_ok_and(|m| m.len() > 0);
        world.home().join("failed").exists() || (0..50).all(ended)
    });
    let shown = terminal.shown();
    terminal.end().is(0, "", "");
    let read = |name: &str| fs::read_to_string(world.home().join(name)).unwrap_or_default();
    assert_eq!((read("failed"), read("errors")), (String::new(), String::new()), "{shown}");
    assert_eq!(shown.matches("device ana): ").count(), 1, "one question: {shown:?}");
    fifty_equal_answers(&world, (0..50).map(|n| (n, read(&format!("out/{n}")))));
}

#[test]
fn fifty_cold_callers_without_a_terminal_run_one_mfa_process() {
    let world = five_roles();
    world.write("code", &world.code());
    let program = script(&world, "codes", "echo run >>\"$HOME/runs\"; sleep 1; cat \"$HOME/code\"");
    let config = fs::read_to_string(world.home().join(".aws/config")).unwrap();
    let device = "mfa_serial = arn:aws:iam::123456789012:mfa/ana\n";
    world.write(".aws/config", &config.replace(device, &format!("{device}mfa_process = {program}\n")));
    let callers: Vec<Child> = (0..50).map(|n| caller(&world, &format!("role{}", n % 5))).collect();
    let answers = callers.into_iter().enumerate().map(|(n, child)| {
        let ran = end(&world, child);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
        (n, ran.stdout)
    });
    fifty_equal_answers(&world, answers);
    assert_eq!(fs::read_to_string(world.home().join("runs")).unwrap(), "run\n");
}

#[test]
fn a_cancel_is_shared_with_those_who_wait_and_with_nobody_later() {
    let world = World::new();
    let mut asking = asking(&world);
    let waiting: Vec<Child> = (0..3).map(|_| caller(&world, "prod")).collect();
    waiting.iter().for_each(|child| waits(child.id()));
    let pid = asking.pid();
    asking.types("\x04");
    asking.end().is(9, "", "twolock: error: profile 'prod': cancelled; no code was given\n");
    for child in waiting {
        let text = format!("twolock: error: profile 'prod': cancelled at the prompt of pid {pid}\n");
        end(&world, child).is(9, "", &text);
    }
    assert_eq!(world.sandbox.connections(), 0);
    let mut later = world.on_terminal(["credential-process", "prod"]);
    later.sees(QUESTION);
    later.types(&format!("{}\n", world.code()));
    assert_eq!(later.end().code, 0, "a later caller asks anew");
}

#[test]
fn an_interrupt_at_the_question_is_a_cancel_for_those_who_wait() {
    let world = World::new();
    for (name, number) in
        [("^C", None), ("TERM", Some(libc::SIGTERM)), ("HUP", Some(libc::SIGHUP)), ("QUIT", Some(libc::SIGQUIT))]
    {
        let mut asking = asking(&world);
        let waiting = caller(&world, "prod");
        waits(waiting.id());
        let pid = asking.pid();
        match number {
            Some(number) => signal(pid, number),
            None => asking.types("\x03"),
        }
        assert_eq!(asking.end().code, 128 + number.unwrap_or(libc::SIGINT), "{name}");
        let text = format!("twolock: error: profile 'prod': cancelled at the prompt of pid {pid}\n");
        end(&world, waiting).is(9, "", &text);
    }
}

#[test]
fn a_refusal_is_shared_with_those_who_wait() {
    let world = World::new();
    assert!(world.sandbox.set_key_active(crate::world::KEY_ID, false));
    let mut asking = asking(&world);
    let waiting: Vec<Child> = (0..3).map(|_| caller(&world, "prod")).collect();
    waiting.iter().for_each(|child| waits(child.id()));
    let pid = asking.pid();
    asking.types(&format!("{}\n", world.code()));
    assert_eq!(asking.end().code, 4);
    for child in waiting {
        failed(
            &end(&world, child),
            4,
            &["profile 'prod'", "unknown, inactive or deleted", &format!("at the prompt of pid {pid}")],
        );
    }
    assert_eq!(world.sandbox.count("GetSessionToken"), 1, "the refusal was asked for once");
}

#[test]
fn the_wait_ends_in_the_session_of_whoever_was_asked() {
    let world = World::new();
    let mut asking = asking(&world);
    let waiting: Vec<Child> = (0..3).map(|_| caller(&world, "prod")).collect();
    waiting.iter().for_each(|child| waits(child.id()));
    asking.types(&format!("{}\n", world.code()));
    let first = asking.end();
    assert_eq!(first.code, 0);
    for child in waiting {
        end(&world, child).is(0, &first.stdout, "");
    }
    assert_eq!((world.sandbox.count("GetSessionToken"), world.sandbox.count("AssumeRole")), (1, 1));
}

#[test]
fn a_killed_holder_delays_nobody() {
    let world = World::new();
    let asking = asking(&world);
    let mut second = world.on_terminal(["credential-process", "prod"]);
    waits(second.pid());
    signal(asking.pid(), libc::SIGKILL);
    assert_eq!(asking.end().code, 128 + libc::SIGKILL);
    second.sees(QUESTION);
    second.types(&format!("{}\n", world.code()));
    assert_eq!(second.end().code, 0);
}

#[test]
fn a_stopped_holder_is_waited_for_until_the_bound_and_named() {
    let world = World::new();
    let asking = asking(&world);
    let pid = asking.pid();
    signal(pid, libc::SIGSTOP);
    let ran = end(&world, start(world.twolock(["credential-process", "prod"]).env("TWOLOCK_PROMPT_TIMEOUT", "2s")));
    failed(
        &ran,
        7,
        &["profile 'prod'", "gave up after waiting ", " s for ", &format!("pid {pid}"), "(profile 'prod')"],
    );
    assert_eq!(world.sandbox.connections(), 0);
    signal(pid, libc::SIGKILL);
}

#[test]
#[ignore = "long: waits until one who waits would say so"]
fn waiting_does_not_write_over_the_question_on_the_same_terminal() {
    let world = World::new();
    let mut shell = world.program("sh");
    shell.args([
        "-c",
        "twolock credential-process prod >one & echo $! >pid1; \
                       twolock credential-process prod >two & echo $! >pid2; wait",
    ]);
    shell.current_dir(world.home());
    let mut terminal = Terminal::start(shell);
    terminal.sees(QUESTION);
    let pid = |name: &str| fs::read_to_string(world.home().join(name)).unwrap_or_default().trim().parse().unwrap_or(0);
    // Longer than a waiting one keeps silent: 5 s are about 250 looks at the lock.
    let looks = |name: &str| status(pid(name), "voluntary_ctxt_switches").unwrap_or(0);
    eventually("the second to wait longer than 6 s", || looks("pid1").max(looks("pid2")) > 320);
    let shown = terminal.shown();
    let after = &shown[shown.find(QUESTION).unwrap() + QUESTION.len()..];
    assert_eq!(after, "", "written after the question: {shown:?}");
    terminal.types(&format!("{}\n", world.code()));
    terminal.end().is(0, "", "");
}

#[test]
fn two_devices_are_asked_for_independently() {
    let world = World::new();
    let device = world.sandbox.add_device(&format!("arn:aws:iam::{ACCOUNT}:user/ana"), "phone");
    world.add_config(&format!(
        "[profile phone]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\n\
         mfa_serial = {}\nendpoint_url = {{url}}\n",
        device.serial
    ));
    let first = asking(&world);
    let mut second = world.on_terminal(["credential-process", "phone"]);
    second.sees("device phone): ");
    second.types(&format!("{}\n", world.code_of(&device.serial)));
    assert_eq!(second.end().code, 0);
    signal(first.pid(), libc::SIGTERM);
    assert_eq!(first.end().code, 128 + libc::SIGTERM);
}

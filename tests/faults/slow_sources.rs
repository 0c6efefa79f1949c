//! Many callers at once on a slow program that prints credentials: it runs once for all of them.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use crate::machine::script;
use crate::outcome::{is_one_line_or_nothing, tells_no_secret};
use crate::world::{ACCOUNT, KEY_ID, Role, SECRET, World};

/// A world whose keys come from a program that takes a second and prints what `vend.json` holds.
fn slow(prints: &str) -> World {
    let world = World::new();
    let program = script(&world, "vend", "echo run >>\"$0.runs\"; sleep 1; cat \"$0.json\"");
    world.write("vend.json", prints);
    world.write(".aws/credentials", "");
    let user = format!("arn:aws:iam::{ACCOUNT}:user/ana");
    let mut config = format!("[profile vend]\ncredential_process = {program}\nendpoint_url = {{url}}\n");
    for n in 0..5 {
        let arn = world.sandbox.add_role(Role::trusting(ACCOUNT, &format!("Open{n}"), &user));
        config += &format!("[profile open{n}]\nrole_arn = {arn}\nsource_profile = vend\nendpoint_url = {{url}}\n");
    }
    world.write(".aws/config", &config);
    world
}

fn key() -> String {
    format!(r#"{{"Version":1,"AccessKeyId":"{KEY_ID}","SecretAccessKey":"{SECRET}"}}"#)
}

/// The same where the program prints temporary credentials.
fn slow_with_a_session() -> World {
    let world = slow(&key());
    let session = world.run(["credential-process", "vend"]).stdout;
    assert_eq!(world.run(["logout", "--all"]).code, 0);
    world.write("vend.json", &session);
    fs::remove_file(world.home().join("vend.runs")).unwrap();
    world.sandbox.forget_calls();
    world
}

/// How many different answers fifty callers got, how often the program ran, and how often STS was called.
#[track_caller]
fn fifty(world: &World, profile: impl Fn(usize) -> String) -> (usize, usize, usize) {
    let start = |n| {
        let mut command = world.twolock(["credential-process", &profile(n)]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let callers: Vec<_> = (0..50).map(start).collect();
    let mut answers = BTreeSet::new();
    for caller in callers {
        let ran = world.read(&caller.wait_with_output().unwrap());
        is_one_line_or_nothing(&ran);
        tells_no_secret(world, &ran);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
        answers.insert(ran.stdout);
    }
    let runs = fs::read_to_string(world.home().join("vend.runs")).unwrap().lines().count();
    (answers.len(), runs, world.sandbox.calls().len())
}

#[test]
fn fifty_cold_callers_share_one_run_of_a_program_that_prints_a_session() {
    assert_eq!(fifty(&slow_with_a_session(), |_| "vend".into()), (1, 1, 0));
}

#[test]
fn fifty_cold_callers_of_five_roles_share_one_run_below_them() {
    assert_eq!(fifty(&slow_with_a_session(), |n| format!("open{}", n % 5)), (5, 1, 5));
}

#[test]
fn fifty_cold_callers_share_one_run_of_a_program_that_prints_a_long_term_key() {
    assert_eq!(fifty(&slow(&key()), |_| "vend".into()), (1, 1, 1), "and one session on it");
}

#[test]
fn fifty_cold_callers_of_a_role_share_one_run_of_a_program_that_prints_a_long_term_key() {
    assert_eq!(fifty(&slow(&key()), |_| "open0".into()), (1, 1, 1));
}

#[test]
fn a_long_term_key_is_kept_for_nobody_so_each_role_runs_the_program_itself() {
    assert_eq!(fifty(&slow(&key()), |n| format!("open{}", n % 5)), (5, 5, 5));
}

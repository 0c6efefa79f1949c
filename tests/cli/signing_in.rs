//! `login` where a person has to sign in: the AWS CLI does it, at the same terminal.
//!
//! The AWS CLI that is run is a script in a directory of a package manager below the home, one of those it is looked for in.

use std::fs;
use std::path::Path;

use twolock_sandbox::{Login, SsoToken};

use crate::world::sign_ins::{ANA, login_file};
use crate::world::{Terminal, World, make_runnable};

/// Puts a script there, where it is found before the system's own AWS CLI.
fn aws(world: &World, script: &str) {
    script_at(world, ".nix-profile/bin/aws", script);
}

fn script_at(world: &World, name: &str, script: &str) {
    world.write(name, &format!("#!/bin/sh\nprintf '<%s>' \"$@\" >>\"$HOME/arguments\"\n{script}\n"));
    make_runnable(&world.home().join(name));
}

/// Asks on its terminal, and keeps what the test prepared as the token.
const SIGNS_IN: &str = "test -t 0 && test -t 1 && test -t 2 || exit 90\n\
    test -z \"$AWS_PROFILE$AWS_DEFAULT_PROFILE$TWOLOCK_MFA_CODE\" || exit 91\n\
    printf 'press enter: '; read -r line\n\
    mkdir -p \"$(dirname \"$(cat \"$HOME/where\")\")\"; cp \"$HOME/prepared\" \"$(cat \"$HOME/where\")\"";

/// What the script keeps, and where.
fn prepare(world: &World, file: &Path, text: &str) {
    world.write("prepared", text);
    world.write("where", file.to_str().unwrap());
}

fn arguments(world: &World) -> String {
    fs::read_to_string(world.home().join("arguments")).unwrap_or_default()
}

/// `login` of a profile with all three streams on a terminal.
fn login(world: &World, profile: &str) -> Terminal {
    let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(["login", profile]).env("AWS_PROFILE", "dev").env("TWOLOCK_MFA_CODE", "123456");
    Terminal::start_in_full(command)
}

fn signs_in(world: &World, profile: &str, given: &str) {
    let mut terminal = login(world, profile);
    terminal.sees("press enter: ");
    terminal.types("\n");
    let shown = terminal.shown_until_the_end();
    assert!(shown.contains(&format!("{profile}: credentials in account 123456789012, ")), "{shown:?}");
    assert_eq!(arguments(world), given);
    let ran = world.run(["credential-process", profile]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
}

#[test]
fn nobody_is_signed_in_so_the_aws_cli_is_run_at_the_terminal() {
    let world = World::of_sso();
    aws(&world, SIGNS_IN);
    let token = world.sandbox.sso_sign_in("ana");
    prepare(&world, &world.token_file(), &token.cache_json().to_string());
    signs_in(&world, "dev", "<sso><login><--sso-session=corp>");
    assert_eq!(world.counts(["GetRoleCredentials"]), [1]);
    // Who is signed in is not asked again.
    let shown = login(&world, "dev").shown_until_the_end();
    assert!(
        shown.starts_with("dev: credentials in account") && arguments(&world).matches("<sso>").count() == 1,
        "{shown}"
    );
}

#[test]
fn the_note_says_what_is_run_and_why() {
    let world = World::of_sso();
    aws(&world, "exit 7");
    world.on_terminal(["login", "dev"]).end().is(
        9,
        "",
        "twolock: note: running: aws sso login --sso-session corp\n\
         twolock: error: profile 'dev' (~/.aws/config:7): 'aws sso login --sso-session corp' exited with 7\n",
    );
}

#[test]
fn a_role_above_signs_in_where_it_has_to() {
    let world = World::of_sso();
    aws(&world, SIGNS_IN);
    let token = world.sandbox.sso_sign_in("ana");
    prepare(&world, &world.token_file(), &token.cache_json().to_string());
    signs_in(&world, "top", "<sso><login><--sso-session=corp>");
}

#[test]
fn the_older_form_and_aws_login_are_named_by_their_profile() {
    let world = World::of_sso();
    aws(&world, SIGNS_IN);
    let token = world.sandbox.sso_sign_in("ana");
    let file = world.home().join(".aws/sso/cache").join(SsoToken::cache_file_name(&token.start_url));
    prepare(&world, &file, &token.legacy_cache_json().to_string());
    signs_in(&world, "older", "<sso><login><--profile=older>");

    let (world, session) = World::logged_in();
    aws(&world, SIGNS_IN);
    let file = world.home().join(login_file(&session));
    fs::remove_file(&file).unwrap();
    let session: Login = world.sandbox.open_login(ANA).unwrap();
    prepare(&world, &file, &session.cache_json().to_string());
    signs_in(&world, "ana", "<login><--profile=ana>");
}

#[test]
fn a_sign_in_that_the_portal_ended_is_begun_anew() {
    let (world, _) = World::signed_in();
    aws(&world, SIGNS_IN);
    world.sandbox.sso_sign_out("ana");
    let token = world.sandbox.sso_sign_in("ana");
    prepare(&world, &world.token_file(), &token.cache_json().to_string());
    signs_in(&world, "dev", "<sso><login><--sso-session=corp>");
}

#[test]
fn a_sign_in_that_came_to_nothing_says_so() {
    for (script, says) in [
        ("exit 0", "not signed in to SSO 'corp'"),
        ("kill -9 $$", "'aws sso login --sso-session corp' was killed by signal 9"),
        ("exit 255", "'aws sso login --sso-session corp' exited with 255"),
    ] {
        let world = World::of_sso();
        aws(&world, script);
        let ran = world.on_terminal(["login", "dev"]).end();
        assert_eq!((ran.code, ran.stdout.as_str()), (9, ""), "{ran:?}");
        assert!(ran.stderr.lines().any(|line| line.starts_with("twolock: error: ") && line.contains(says)), "{ran:?}");
        assert_eq!(arguments(&world).matches("<sso>").count(), 1, "run once");
    }
}

#[test]
fn an_aws_cli_of_another_directory_is_not_run() {
    let of_the_system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    if of_the_system.iter().any(|directory| Path::new(directory).join("aws").exists()) {
        // It would be run, and open a browser.
        return;
    }
    let world = World::of_sso();
    script_at(&world, "repo/bin/aws", "");
    for start in ["repo/bin", "repo/bin:/usr/bin:/bin", "bin:/usr/bin:/bin", ".:/usr/bin:/bin"] {
        let path = start.replace("repo/bin", world.home().join("repo/bin").to_str().unwrap());
        let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
        command.args(["login", "dev"]).env("PATH", path).current_dir(world.home().join("repo"));
        let ran = world.tidy(Terminal::start(command).end());
        assert_eq!(ran.code, 9, "{ran:?}");
        assert!(
            ran.stderr.ends_with(
                "twolock: hint: the AWS CLI was not found in a system directory, so twolock does not run it\n"
            ),
            "{ran:?}"
        );
        assert!(ran.stderr.contains("hint: or without twolock: aws sso login --sso-session corp\n"), "{ran:?}");
    }
    assert_eq!(arguments(&world), "");
}

#[test]
fn without_a_terminal_nothing_is_run() {
    let world = World::of_sso();
    aws(&world, "exit 0");
    world.run(["login", "dev"]).is(
        9,
        "",
        "twolock: error: profile 'dev' (~/.aws/config:7): not signed in to SSO 'corp'; \
         run in a terminal: twolock login dev\n\
         twolock: hint: or without twolock: aws sso login --sso-session corp\n",
    );
    // Neither do the verbs that programs run, terminal or not.
    for args in [["credential-process", "dev"], ["whoami", "dev"], ["env", "dev"]] {
        assert_eq!(world.on_terminal(args).end().code, 9);
    }
    assert_eq!(arguments(&world), "");
}

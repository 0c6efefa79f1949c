//! The AWS CLI, which starts us without a shell, pipes our stdout and stderr, and starts us in each process.

use std::process::Command;

use crate::adopted::{aws, calls, helper_runs, minted, run_aws, signers, world};
use crate::world::{ADMIN, KEY_ID, SECRET, Terminal, World};

const USER: &str = "arn:aws:iam::123456789012:user/ana";
const ADMIN_SESSION: &str = "arn:aws:sts::123456789012:assumed-role/Admin/ana";

fn whoami(profile: &str) -> Vec<&str> {
    vec!["sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--profile", profile]
}

/// The keys of our own sessions, as the sandbox gave them out: the user's, then the roles'.
fn issued(world: &World) -> Vec<String> {
    world.sandbox.sessions().into_iter().map(|session| session.access_key_id).collect()
}

#[test]
fn base_profile_asked_once_on_the_terminal_then_silence() {
    let world = world();
    let mut terminal = Terminal::start(aws(&world, &whoami("base")));
    terminal.sees("(123456789012, base, device ana): ");
    terminal.types(&format!("{}\n", world.code()));
    let first = terminal.end();
    assert_eq!((first.code, first.stdout.trim(), first.stderr.as_str()), (0, USER, ""), "{first:?}");
    for _ in 0..2 {
        run_aws(&world, &whoami("base")).is(0, &first.stdout, "");
    }
    assert_eq!(minted(&world), (1, 0));
    assert_eq!(helper_runs(&world), 3);
    let session = &issued(&world)[0];
    assert_eq!(signers(&world, "GetCallerIdentity"), [session.as_str(); 3]);
}

#[test]
fn role_above_an_adopted_base_is_assumed_by_the_aws_cli_from_our_session() {
    let world = world();
    let mut terminal = Terminal::start(aws(&world, &whoami("via-base")));
    terminal.sees("(123456789012, base, device ana): ");
    terminal.types(&format!("{}\n", world.code()));
    let first = terminal.end();
    assert_eq!((first.code, first.stderr.as_str()), (0, ""), "{first:?}");
    assert!(first.stdout.contains(":assumed-role/Admin/botocore-session-"), "{first:?}");
    assert_eq!(run_aws(&world, &whoami("via-base")).code, 0);
    // The AWS CLI keeps its own role session in ~/.aws/cli/cache, but runs the source's process anyway.
    assert_eq!((minted(&world), helper_runs(&world)), ((1, 1), 2));
    let assume = &calls(&world, "AssumeRole")[0];
    assert_eq!(assume.access_key_id.as_ref(), Some(&issued(&world)[0]));
    assert_eq!(assume.serial(), None);
}

#[test]
fn adopted_role_is_assumed_by_us_once_for_all_processes() {
    let world = world();
    let mut terminal = Terminal::start(aws(&world, &whoami("prod")));
    terminal.sees("(123456789012, prod, device ana): ");
    terminal.types(&format!("{}\n", world.code()));
    let first = terminal.end();
    assert_eq!((first.code, first.stdout.trim(), first.stderr.as_str()), (0, ADMIN_SESSION, ""), "{first:?}");
    run_aws(&world, &whoami("prod")).is(0, &first.stdout, "");
    assert_eq!((minted(&world), helper_runs(&world)), ((1, 1), 2));
    let [of_user, of_role] = &issued(&world)[..] else { panic!("{:?}", world.sandbox.sessions()) };
    assert_eq!(signers(&world, "AssumeRole"), [of_user.as_str()]);
    assert_eq!(signers(&world, "GetCallerIdentity"), [of_role.as_str(); 2]);
    assert_eq!(calls(&world, "AssumeRole")[0].role_arn(), Some(ADMIN));
}

#[test]
fn one_code_serves_both_layouts() {
    let world = world();
    world.log_in("prod");
    for profile in ["base", "prod", "via-base"] {
        assert_eq!(run_aws(&world, &whoami(profile)).code, 0, "{profile}");
    }
    assert_eq!((world.sandbox.count("GetSessionToken"), world.sandbox.codes_consumed().len()), (1, 1));
}

#[test]
fn without_a_terminal_the_callers_own_error_holds_our_first_line() {
    let world = world();
    for profile in ["base", "prod"] {
        let ran = run_aws(&world, &whoami(profile));
        let line = format!(
            "Error when retrieving credentials from custom-process: twolock: error: profile '{profile}': needs an MFA code from \
             arn:aws:iam::123456789012:mfa/ana: no terminal; run in a terminal: twolock login {profile}"
        );
        assert!(ran.stderr.contains(&line), "{ran:?}");
        assert_eq!((ran.code, ran.stdout.as_str()), (255, ""));
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn swapped_key_lines_put_no_secret_into_the_callers_error() {
    let world = world();
    for secret in [SECRET, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"] {
        let keys = format!("[base-keys]\naws_access_key_id = {secret}\naws_secret_access_key = {KEY_ID}\n");
        world.write(".aws/credentials", &keys);
        let ran = run_aws(&world, &whoami("base"));
        let cause = "aws_access_key_id looks like the secret key: are the two lines swapped?";
        assert!(ran.stderr.contains(&format!("profile 'base-keys' (~/.aws/credentials:2): {cause}")), "{ran:?}");
        assert!(ran.code != 0 && !format!("{ran:?}").contains(&secret[..20]), "{ran:?}");
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn eight_of_them_cold_ask_one_question() {
    let world = world();
    let mut script = Command::new("sh");
    let line = format!("{} {}", aws(&world, &[]).get_program().display(), whoami("prod").join(" "));
    script.arg("-c").arg(format!("for n in 1 2 3 4 5 6 7 8; do {line} & done; wait"));
    copy_environment(&aws(&world, &[]), &mut script);
    let mut terminal = Terminal::start(script);
    terminal.sees("(123456789012, prod, device ana): ");
    terminal.types(&format!("{}\n", world.code()));
    let shown = terminal.end();
    assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{shown:?}");
    assert_eq!(shown.stdout.lines().collect::<Vec<_>>(), [ADMIN_SESSION; 8]);
    assert_eq!((minted(&world), helper_runs(&world)), ((1, 1), 8));
}

#[test]
#[ignore = "long: waits beyond the five seconds after which those who wait say so"]
fn question_on_the_same_terminal_is_not_wiped_by_those_who_wait() {
    let world = world();
    let mut script = world.program("sh");
    script.arg("-c").arg("for n in 1 2 3; do twolock credential-process prod & done; wait");
    let mut terminal = Terminal::start(script);
    terminal.sees("(123456789012, prod, device ana): ");
    std::thread::sleep(std::time::Duration::from_secs(7));
    assert!(terminal.shown().ends_with("(123456789012, prod, device ana): "), "{}", terminal.shown());
    terminal.types(&format!("{}\n", world.code()));
    let ended = terminal.end();
    assert_eq!((ended.stdout.lines().count(), ended.stderr.as_str(), minted(&world)), (3, "", (1, 1)), "{ended:?}");
}

#[test]
fn cancelled_question_ends_the_call_and_sends_nothing() {
    let world = world();
    for keys in ["\n", "\u{4}"] {
        let mut terminal = Terminal::start(aws(&world, &whoami("base")));
        terminal.sees("(123456789012, base, device ana): ");
        terminal.types(keys);
        if keys == "\n" {
            terminal.sees("(123456789012, base, device ana): ");
            terminal.types(keys);
        }
        let ended = terminal.end();
        assert_eq!((ended.code, ended.stdout.as_str()), (255, ""), "{ended:?}");
        assert!(ended.stderr.contains("Error when retrieving credentials from custom-process"), "{ended:?}");
        assert!(ended.stderr.contains("profile 'base': cancelled; no code was given"), "{ended:?}");
    }
    assert_eq!((helper_runs(&world), world.sandbox.connections()), (2, 0));
}

#[test]
fn wrong_code_is_asked_again_while_the_caller_waits() {
    let world = world();
    let mut terminal = Terminal::start(aws(&world, &whoami("base")));
    terminal.sees("(123456789012, base, device ana): ");
    terminal.types(&format!("{}\n", world.wrong_code()));
    terminal.sees("next code in");
    terminal.sees("device ana): ");
    terminal.types(&format!("{}\n", world.code()));
    let ended = terminal.end();
    assert_eq!((ended.code, ended.stdout.trim(), ended.stderr.as_str()), (0, USER, ""), "{ended:?}");
    assert_eq!(world.sandbox.count("GetSessionToken"), 2);
}

fn copy_environment(from: &Command, to: &mut Command) {
    to.env_clear();
    for (name, value) in from.get_envs() {
        if let Some(value) = value {
            to.env(name, value);
        }
    }
}

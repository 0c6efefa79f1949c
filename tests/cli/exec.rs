use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::Duration;

use crate::rounded;
use crate::world::{Terminal, World};

#[test]
fn the_exit_code_is_the_commands() {
    let world = World::new();
    world.log_in("prod");
    for (line, code) in
        [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137)]
    {
        world.run(["exec", "prod", "--", "sh", "-c", line]).is(code, "", "");
    }
}

#[test]
fn a_command_that_cannot_run_is_127_or_126() {
    let world = World::new();
    world.log_in("prod");
    world.run(["exec", "prod", "--", "no-such-command"]).is(
        127,
        "",
        "twolock: error: command 'no-such-command' not found\n",
    );
    world.write("text", "no program");
    let file = world.home().join("text");
    world.run(["exec", "prod", "--", file.to_str().unwrap()]).is(
        126,
        "",
        "twolock: error: command 'HOME/text' cannot be run: permission denied\n",
    );
    world.run(["exec", "prod", "--", "\u{1b}[31mred"]).is(
        127,
        "",
        "twolock: error: command '\\u{1b}[31mred' not found\n",
    );
}

#[test]
fn a_command_that_cannot_run_is_said_before_a_code_is_asked_for() {
    let world = World::new();
    world.write("text", "no program");
    world.add_config(
        "[profile adopted]\ncredential_process = twolock credential-process --profile adopted\n\
                      twolock_source_profile = base\nregion = eu-west-1\n",
    );
    let denied = "cannot be run: permission denied";
    for (args, code, said) in [
        (&["exec", "prod", "no-such-command"][..], 127, "command 'no-such-command' not found"),
        (&["exec", "prod", "--", "./no-such-command"], 127, "command './no-such-command' not found"),
        (&["exec", "prod", "./text"], 126, &format!("command './text' {denied}")),
        (&["exec", "prod", "."], 126, &format!("command '.' {denied}")),
        (&["exec", "prod", "./"], 126, &format!("command './' {denied}")),
        (&["exec", "--by-name", "adopted", "no-such-command"], 127, "command 'no-such-command' not found"),
    ] {
        let mut command = world.twolock(args);
        world.finish(command.current_dir(world.home())).is(code, "", &format!("twolock: error: {said}\n"));
    }
    let mut command = world.twolock(["exec", "prod", "text"]);
    command.current_dir(world.home()).env("PATH", ":/usr/bin");
    world.finish(&mut command).is(126, "", &format!("twolock: error: command 'text' {denied}\n"));
    // One that can run is asked for a code.
    assert_eq!(world.run(["exec", "prod", "true"]).code, 9);
}

#[test]
fn nothing_runs_without_credentials() {
    let world = World::new();
    let marker = world.home().join("marker");
    for (args, code) in [(vec!["exec", "prod"], 9), (vec!["exec", "nobody"], 3), (vec!["exec"], 2)] {
        let ran = world.finish(world.twolock(args).args(["--", "touch"]).arg(&marker));
        assert_eq!((ran.code, ran.stdout.as_str(), marker.exists()), (code, "", false), "{ran:?}");
    }
    for args in [&["exec", "prod", "--odd", "touch"][..], &["exec", "prod", "--", "--odd"]] {
        world.finish(&mut world.twolock(args)).is(
            2,
            "",
            "twolock: error: '--odd' is neither a flag of exec nor a command\n\
             twolock: hint: its flags: twolock exec --help\n",
        );
    }
    world.run(["exec", "--odd", "prod", "touch"]).is(
        2,
        "",
        "twolock: error: unexpected argument '--odd' found\n\
         twolock: hint: usage: twolock exec [OPTIONS] [PROFILE] [OPTIONS] [--] [COMMAND]...\n\
         twolock: hint: try '--help'\n",
    );
}

#[test]
fn the_command_is_the_same_with_and_without_dashes() {
    let world = World::new();
    world.log_in("prod");
    for args in [
        &["exec", "prod", "--"][..],
        &["exec", "prod"],
        &["exec", "--profile", "prod"],
        &["exec", "--profile=prod", "--"],
        &["exec", "prod", "--min-ttl", "1m", "-v"],
    ] {
        let ran =
            world.finish(world.twolock(args).args(["printf", "%s ", "--profile", "x", "--help", "-v", "--", "y"]));
        assert_eq!((ran.code, ran.stdout.as_str()), (0, "--profile x --help -v -- y "), "{args:?}: {ran:?}");
    }
    let mut command = world.twolock(["exec", "--", "sh", "-c", "echo $AWS_REGION"]);
    world.finish(command.env("AWS_PROFILE", "prod")).is(0, "eu-west-1\n", "");
}

#[test]
fn a_program_in_place_of_the_profile_is_suggested_as_the_command() {
    let world = World::new();
    world.log_in("prod");
    let unknown = "not found in ~/.aws/config or ~/.aws/credentials";
    world.write("job", "");
    for (args, hint) in [
        (&["printf", "%s", "a b"][..], "twolock: hint: did you mean: twolock exec -- printf %s 'a b'\n"),
        (&["ls", "-l"], "twolock: hint: did you mean: twolock exec -- ls -l\n"),
        (&["./job"], "twolock: hint: did you mean: twolock exec -- ./job\n"),
        (&["no-such-program", "x"], "twolock: hint: profiles: 'base', 'prod', 'deploy', 'long'\n"),
    ] {
        let mut command = world.twolock(["exec"]);
        command.args(args).env("AWS_PROFILE", "prod").current_dir(world.home());
        let text = format!("twolock: error: profile '{}': {unknown}\n{hint}", args[0]);
        world.finish(&mut command).is(3, "", &text);
    }
    // An existing profile that fails, or one that a flag names, is not mistaken for a command.
    world.add_config("[profile sh]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = none\n");
    for args in [&["exec", "sh", "true"][..], &["exec", "--profile", "ls", "true"]] {
        let ran = world.finish(&mut world.twolock(args));
        assert!(ran.code == 3 && !ran.stderr.contains("did you mean: twolock"), "{ran:?}");
    }
}

#[test]
fn the_environment_differs_by_exactly_our_variables() {
    let world = World::new();
    world.log_in("prod");
    let answer = world.run(["credential-process", "prod"]).json();
    let mut command = world.twolock(["exec", "prod", "--", "/usr/bin/env", "-0"]);
    command.envs([
        ("AWS_PROFILE", "other"),
        ("AWS_DEFAULT_PROFILE", "other"),
        ("AWS_SECURITY_TOKEN", "old"),
        ("AWS_SESSION_TOKEN", "old"),
        ("AWS_ACCOUNT_ID", "999999999999"),
        ("AWS_ROLE_ARN", "old"),
        ("AWS_ROLE_SESSION_NAME", "old"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "old"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "old"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "old"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "old"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "old"),
        ("AWS_BEARER_TOKEN_BEDROCK", "old"),
        ("TWOLOCK_RUNNING", "old"),
        ("AWS_ACCESS_KEY_ID", "AKIAOLD"),
        ("AWS_CREDENTIAL_EXPIRATION", "2001-01-01T00:00:00Z"),
        ("AWS_REGION", "us-east-2"),
        ("AWS_PAGER", "less"),
        ("TWOLOCK_MFA_CODE", "123456"),
        ("OTHER", "a\nb"),
    ]);
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut after: BTreeMap<&str, &str> = text.split_terminator('\0').filter_map(|pair| pair.split_once('=')).collect();
    let handed = after.remove("TWOLOCK_HANDED").unwrap();
    let handed: Vec<_> = handed.split(',').map(|entry| entry.split_once(':').unwrap().0).collect();
    let listed = ["AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "TWOLOCK_PROFILE"];
    assert_eq!(handed, listed);
    let (home, path) = (world.home().to_str().unwrap(), crate::world::path());
    let field = |name: &str| answer[name].as_str().unwrap();
    let expected = BTreeMap::from([
        ("AWS_ACCESS_KEY_ID", field("AccessKeyId")),
        ("AWS_SECRET_ACCESS_KEY", field("SecretAccessKey")),
        ("AWS_SESSION_TOKEN", field("SessionToken")),
        ("AWS_CREDENTIAL_EXPIRATION", field("Expiration")),
        ("AWS_ACCOUNT_ID", "123456789012"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL", world.sandbox.url()),
        ("TWOLOCK_PROFILE", "prod"),
        ("AWS_PAGER", "less"),
        ("HOME", home),
        ("LANG", "C.UTF-8"),
        ("OTHER", "a\nb"),
        ("PATH", &path),
        ("TWOLOCK_ACCOUNT_HOME", home),
        ("USER", "ana"),
    ]);
    assert_eq!(after, expected);
}

#[test]
fn a_value_that_no_variable_can_hold_is_noted_and_the_command_runs() {
    let world = World::new();
    world.add_config(
        "[profile odd]\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\ntwolock_source_profile = base\n\
         endpoint_url = {url}\nregion = eu-west-1\nca_bundle = /etc/\0ssl.pem\n",
    );
    world.log_in("odd");
    let note =
        "twolock: note: profile 'odd': ca_bundle (~/.aws/config:29) is not exported: it contains a NUL character\n";
    world.run(["exec", "odd", "--", "echo", "ran"]).is(0, "ran\n", note);
}

#[test]
fn without_a_configured_region_the_callers_region_stays() {
    let world = World::new();
    world
        .write(".aws/config", "[profile base]\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\nendpoint_url = {url}\n");
    world.log_in("base");
    let mut command = world.twolock(["exec", "base", "--", "sh", "-c", "echo $AWS_REGION:$AWS_DEFAULT_REGION"]);
    world.finish(command.env("AWS_REGION", "ap-south-1")).is(0, "ap-south-1:\n", "");
}

#[test]
fn a_session_without_mfa_is_noted_first() {
    let world = World::new();
    world.write(".aws/config", "[profile base]\nregion = eu-west-1\nendpoint_url = {url}\n");
    world.run(["exec", "base", "--", "sh", "-c", "echo out; echo err >&2"]).is(
        0,
        "out\n",
        "twolock: note: profile 'base': no mfa_serial, so this session has no MFA and AWS will reject IAM calls\nerr\n",
    );
}

#[test]
fn the_core_limit_is_restored() {
    let world = World::new();
    world.log_in("prod");
    let line = "ulimit -Sc 8; ulimit -c; exec twolock exec prod -- sh -c 'ulimit -Sc; ulimit -Hc'";
    let hard = world.finish(world.program("sh").args(["-c", "ulimit -Hc"])).stdout;
    world.finish(world.program("sh").args(["-c", line])).is(0, &format!("8\n8\n{hard}"), "");
}

#[test]
fn signals_the_caller_ignored_stay_ignored_and_others_do_not() {
    let world = World::new();
    world.log_in("prod");
    let mut command = world.twolock(["exec", "prod", "--", "sh", "-c", "grep SigIgn /proc/self/status; kill -INT $$"]);
    // SAFETY: signal is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            Ok(())
        })
    };
    let ran = world.finish(&mut command);
    let ignored = ran.stdout.split_whitespace().last().and_then(|mask| u64::from_str_radix(mask, 16).ok());
    assert_eq!((ran.code, ignored.map(|mask| mask & 1)), (130, Some(1)), "{ran:?}");
}

#[test]
fn stdin_goes_to_the_command_except_the_line_of_the_code() {
    let world = World::new();
    let mut command = world.twolock(["exec", "prod", "--code-stdin", "--", "cat"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    write!(child.stdin.take().unwrap(), "{}\nrest\nof it", world.code()).unwrap();
    world.read(&child.wait_with_output().unwrap()).is(0, "rest\nof it", "");
}

#[test]
fn without_a_command_it_starts_a_subshell_and_says_so() {
    let world = World::new();
    world.log_in("prod");
    let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(["exec", "prod"]).env("SHELL", "/bin/sh").env("PS1", "> ");
    let mut terminal = Terminal::start(command);
    terminal.types("echo $AWS_REGION; exit 5\n");
    let ran = terminal.end();
    assert_eq!((ran.code, ran.stdout.as_str()), (5, "eu-west-1\n"));
    let note = "twolock: note: subshell with the credentials of 'prod', 1h left; exit to leave\n";
    assert!(rounded(&ran.stderr).starts_with(note), "{ran:?}");
}

#[test]
fn min_ttl_renews_without_a_question() {
    let world = World::new();
    world.log_in("prod");
    world.run(["exec", "prod", "--min-ttl", "30m", "--", "true"]).is(0, "", "");
    assert_eq!(world.sandbox.count("AssumeRole"), 1);
    std::thread::sleep(Duration::from_millis(2_100));
    world.run(["exec", "prod", "--min-ttl", "3599", "--", "true"]).is(0, "", "");
    assert_eq!((world.sandbox.count("AssumeRole"), world.sandbox.count("GetSessionToken")), (2, 1));
    world.run(["exec", "prod", "--min-ttl", "1h", "--", "true"]).is(
        2,
        "",
        "twolock: error: profile 'prod': min_ttl 1h is longer than new credentials last (1h)\n",
    );
}

#[test]
fn no_child_inherits_the_code_variable() {
    let world = World::new();
    let mut command = world.twolock(["exec", "prod", "--", "sh", "-c", "echo ${TWOLOCK_MFA_CODE-none}"]);
    world.finish(command.env("TWOLOCK_MFA_CODE", world.code())).is(0, "none\n", "");
}

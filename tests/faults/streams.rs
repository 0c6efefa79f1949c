//! Streams that are closed, full or left early (P1, F41, F42).

use std::fs::{self, File, OpenOptions};
use std::process::{Command, Stdio};

use crate::machine::without_streams;
use crate::outcome::{answer, failed, is_one_line_or_nothing, tells_no_secret};
use crate::world::World;

/// Runs a line of `sh` in the world; `$?` of the binary goes to the file `code`.
fn shell(world: &World, line: &str) -> Command {
    let mut shell = world.program("sh");
    shell.args(["-c", line]).current_dir(world.home());
    crate::world::without_terminal(&mut shell);
    shell
}

fn read(world: &World, name: &str) -> String {
    fs::read_to_string(world.home().join(name)).unwrap_or_default()
}

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

#[test]
fn a_reader_that_left_costs_nothing_but_the_answer() {
    let world = World::new();
    for reader in ["true", "head -c1", "exec <&-; sleep 0.1"] {
        let line = format!("(twolock credential-process prod 2>errors; echo $? >code) | ({reader}) >/dev/null");
        let ran = world.finish(shell(&world, &line).env("TWOLOCK_MFA_CODE", world.code()));
        assert_eq!(
            (ran.code, read(&world, "code").as_str(), read(&world, "errors").as_str()),
            (0, "0\n", ""),
            "{reader}"
        );
    }
    assert_eq!(world.sandbox.count("GetSessionToken"), 1, "the first session was stored");
    assert_eq!(answer(&world, &mut world.twolock(["credential-process", "prod"])).code, 0);
}

#[test]
fn a_full_stdout_is_a_disk_failure_and_the_session_is_stored() {
    let world = World::new();
    let ran =
        world.finish(shell(&world, "twolock credential-process prod >/dev/full").env("TWOLOCK_MFA_CODE", world.code()));
    failed(&ran, 10, &["cannot write to stdout"]);
    tells_no_secret(&world, &ran);
    for verb in [
        &["credential-process", "prod"][..],
        &["env", "prod"],
        &["env", "prod", "--format", "json"],
        &["status"],
        &["profile", "list"],
    ] {
        let mut command = world.twolock(verb);
        let output = command.stdout(full()).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        failed(&world.read(&output), 10, &["cannot write to stdout"]);
    }
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn closed_streams_change_no_result() {
    let world = World::new();
    world.log_in("prod");
    let plain = world.run(["credential-process", "prod"]);
    for closed in [&[2][..], &[0], &[0, 2]] {
        let mut command = world.twolock(["credential-process", "prod"]);
        without_streams(&mut command, closed.to_vec().leak());
        answer(&world, &mut command).is(0, &plain.stdout, "");
    }
    for closed in [&[1][..], &[1, 2], &[0, 1, 2]] {
        let mut command = world.twolock(["credential-process", "prod"]);
        without_streams(&mut command, closed.to_vec().leak());
        world.finish(&mut command).is(0, "", "");
    }
}

#[test]
fn what_is_opened_with_all_streams_closed_is_never_written_to_as_a_stream() {
    let world = World::new();
    let config = read(&world, ".aws/config");
    let code = world.code();
    let mut command = world.twolock(["credential-process", "-vv", "prod"]);
    command.env("TWOLOCK_MFA_CODE", &code);
    without_streams(&mut command, &[0, 1, 2]);
    world.finish(&mut command).is(0, "", "");
    let mut failing = world.twolock(["credential-process", "-vv", "nobody"]);
    without_streams(&mut failing, &[0, 1, 2]);
    world.finish(&mut failing).is(3, "", "");
    assert_eq!(read(&world, ".aws/config"), config);
    for entry in fs::read_dir(world.cache()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("twolock: ") && !text.contains("AccessKeyId"), "{text}");
    }
    let ran = answer(&world, &mut world.twolock(["credential-process", "prod"]));
    assert_eq!((ran.code, world.sandbox.count("GetSessionToken")), (0, 1), "and the session was stored");
}

#[test]
fn every_warning_and_note_goes_to_stderr_and_leaves_one_line_on_stdout() {
    let world = World::new();
    // No MFA, a short session, odd syntax, a cache that cannot be written: all that can be said beside an answer.
    world.add_config(
        "[profile plain]\nendpoint_url = {url}\n[profile short]\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\n\
         twolock_session_duration = 15m\nendpoint_url = {url} # comment\nregion: eu-west-1\n",
    );
    world.write(
        ".aws/credentials",
        "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = 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\n\
         [plain]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = 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\n\
         [short]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = 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\n",
    );
    for profile in ["plain", "short", "prod"] {
        for verbosity in ["-v", "-vv", "-vvvv"] {
            let mut command = world.twolock(["credential-process", verbosity, profile]);
            command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full").env("AWS_LOG", "trace");
            if profile == "short" {
                command.env("TWOLOCK_MFA_CODE", world.sandbox.code(crate::world::DEVICE).unwrap().digits);
            }
            let ran = answer(&world, &mut command);
            assert!([0, 9].contains(&ran.code), "{ran:?}");
            assert!(verbosity == "-v" || ran.stderr.contains("twolock: debug: "), "{ran:?}");
        }
    }
    // A directory where the sealed file should be: the session is handed out anyway.
    for entry in fs::read_dir(world.cache()).unwrap().flatten() {
        if entry.path().extension().is_some_and(|e| e == "sealed") {
            fs::remove_file(entry.path()).unwrap();
            fs::create_dir(entry.path()).unwrap();
        }
    }
    let ran = answer(&world, &mut world.twolock(["credential-process", "plain"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.starts_with("twolock: warning: the session could not be saved"), "{ran:?}");
}

#[test]
fn refusals_leave_stdout_empty() {
    let world = World::new();
    world.add_config("[profile loop]\nrole_arn = arn:aws:iam::123456789012:role/A\nsource_profile = loop\n");
    for (args, code) in [
        (&["credential-process"][..], 2),
        (&["credential-process", "prod", "base"], 2),
        (&["credential-process", "--profile", "prod", "base"], 2),
        (&["credential-process", "--no-such", "prod"], 2),
        (&["credential-process", "missing"], 3),
        (&["credential-process", "loop"], 3),
        (&["credential-process", "prod"], 9),
        (&["credential-process", "--code-stdin", "prod"], 2),
    ] {
        let ran = world.finish(&mut world.twolock(args));
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{args:?}: {ran:?}");
        assert!(!ran.stderr.is_empty(), "{args:?}");
        tells_no_secret(&world, &ran);
        if code != 2 {
            is_one_line_or_nothing(&ran);
        }
    }
}

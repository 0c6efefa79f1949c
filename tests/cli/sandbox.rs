use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::desktop::Desktop;
use crate::world::{Terminal, World, eventually, make_runnable, required};

/// A directory for temporary files, where everything that a sandbox leaves is found.
fn temporary(world: &World) -> PathBuf {
    let temporary = world.home().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    temporary
}

fn left_in(temporary: &Path) -> usize {
    std::fs::read_dir(temporary).unwrap().count()
}

/// The words that begin so, up to a blank.
fn words<'a>(text: &'a str, beginning: &str) -> Vec<&'a str> {
    text.split_whitespace().filter(|word| word.starts_with(beginning)).collect()
}

/// The sandbox as a person starts it.
fn tour(world: &World, shell: &str, temporary: &Path) -> Command {
    let mut tour = world.program(env!("CARGO_BIN_EXE_twolock"));
    tour.arg("sandbox").env("SHELL", shell).env("TMPDIR", temporary).env("TERM", "xterm");
    tour
}

fn start(world: &World, shell: &str, temporary: &Path) -> Terminal {
    Terminal::start_in_full(tour(world, shell, temporary))
}

fn skip_to_the_shell(terminal: &mut Terminal) {
    for number in 1..=5 {
        terminal.sees(&format!("\n{number}. "));
        terminal.sees("[q] quit: ");
        terminal.types("s\n");
    }
    terminal.sees("Now it is your turn");
    terminal.sees("sandbox ");
}

/// What `code` in the home directory says.
fn code(home: &Path) -> String {
    let file = home.join("code");
    eventually("a code", || std::fs::read_to_string(&file).is_ok_and(|code| code.trim().len() == 6));
    std::fs::read_to_string(file).unwrap()
}

/// The one home directory there.
fn home_in(temporary: &Path) -> PathBuf {
    std::fs::read_dir(temporary).unwrap().next().expect("a home").unwrap().path()
}

#[test]
fn the_tour_adopts_asks_and_is_silent_and_leaves_nothing() {
    let world = World::new();
    let temporary = temporary(&world);
    let ran = world.finish(world.twolock(["sandbox", "--once"]).env("TMPDIR", &temporary));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let mut rest = ran.stdout.as_str();
    for part in [
        "No keyring that stores access keys is available, so twolock uses keyring = ",
        "\n1. ",
        "$ twolock\nPROFILE  KIND             LEFT  NEXT\ndemo     key              -  ",
        "$ twolock profile adopt --all\n",
        "- role_arn = arn:aws:iam::123456789012:role/Admin\n",
        "adopt? [y/N] y\nadopted demo, admin, glass; try: ",
        "Her MFA device shows ",
        "$ twolock login admin\nMFA code for STS at 127.0.0.1:",
        "admin: credentials in account 123456789012, 1h left\n",
        "$ twolock credential-process --profile admin\n{\"AccessKeyId\":\"ASIA",
        " ms)\n",
        "$ twolock whoami admin\n",
        ":assumed-role/Admin/ana\n",
        "$ eval \"$(twolock env admin)\" && env | grep ^AWS_ACCESS_KEY_ID\nAWS_ACCESS_KEY_ID=ASIA",
        "\nEvery step succeeded.\n\nDeleted HOME/tmp/twolock-sandbox-",
    ] {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part}: {}", ran.stdout));
        rest = &rest[at + part.len()..];
    }
    let after = |part: &str| ran.stdout.split_once(part).unwrap().1[..6].to_owned();
    assert_eq!(after("Her MFA device shows "), after("device ana): "), "the question is answered as a person does");
    assert_eq!(left_in(&temporary), 0);
    assert!(!world.cache().exists());
}

#[test]
fn each_run_has_an_access_key_of_its_own() {
    let world = World::new();
    let temporary = temporary(&world);
    let [first, second] = [(); 2].map(|()| {
        let ran = world.finish(world.twolock(["sandbox", "--once"]).env("TMPDIR", &temporary));
        let ids = words(&ran.stdout, "AKIA").into_iter().map(String::from).collect::<Vec<_>>();
        assert!(ids.iter().all(|id| *id == ids[0] && id.len() == 20), "{ids:?}");
        ids[0].clone()
    });
    assert_ne!(first, second);
}

#[test]
fn the_shells_with_an_integration_are_shown_tl() {
    let world = World::new();
    let temporary = temporary(&world);
    for shell in ["/bin/bash", "/usr/bin/zsh", "/usr/bin/fish"] {
        let mut once = world.twolock(["sandbox", "--once"]);
        let ran = world.finish(once.env("TMPDIR", &temporary).env("SHELL", shell));
        let line = "$ tl admin && env | grep ^AWS_\n";
        assert!(ran.code == 0 && ran.stdout.contains(line), "{shell}: {ran:?}");
        let (_, seen) = ran.stdout.split_once(line).unwrap();
        assert!(seen.contains("AWS_PROFILE=admin\n") && !seen.contains("AWS_ACCESS_KEY_ID"), "{shell}: {ran:?}");
    }
    assert_eq!(left_in(&temporary), 0);
}

#[test]
fn the_aws_cli_shows_who_it_is_if_it_can_be_sent_to_the_local_sts() {
    let world = World::new();
    let temporary = temporary(&world);
    world.write("old/aws", "#!/bin/sh\necho aws-cli/2.9.19 Python/3.9.11 Linux/6.1\n");
    make_runnable(&world.home().join("old/aws"));
    let real = PathBuf::from(required("TWOLOCK_TEST_AWS"));
    for (directory, line) in [
        (real.parent().unwrap(), "$ aws --profile admin sts get-caller-identity\n{\n"),
        (&world.home().join("old"), "$ twolock whoami admin\naccount  123456789012\n"),
    ] {
        let path = format!("{}:/usr/bin:/bin", directory.display());
        let ran = world.finish(world.twolock(["sandbox", "--once"]).env("TMPDIR", &temporary).env("PATH", path));
        assert!(ran.code == 0 && ran.stdout.contains(line), "{ran:?}");
        assert!(ran.stdout.contains(":assumed-role/Admin/ana"), "{ran:?}");
    }
    assert_eq!(left_in(&temporary), 0);
}

#[test]
fn a_person_says_no_mistypes_the_code_and_still_arrives_in_a_shell() {
    let world = World::new();
    let temporary = temporary(&world);
    let mut terminal = start(&world, "/bin/bash", &temporary);
    let next = |terminal: &mut Terminal, number: u8| {
        terminal.sees(&format!("\n{number}. "));
        terminal.sees("[q] quit: ");
        terminal.types("\n");
    };
    next(&mut terminal, 1);
    terminal.sees("demo     key ");
    next(&mut terminal, 2);
    terminal.sees("adopt? [y/N] ");
    terminal.types("n\n");
    terminal.sees("This step is not done: the command exited with 9.");
    terminal.sees("[q] quit: ");
    terminal.types("what?\n");
    terminal.sees("[q] quit: ");
    terminal.types("\n");
    terminal.sees("adopt? [y/N] ");
    terminal.types("y\n");
    terminal.sees("adopted demo, admin");
    next(&mut terminal, 3);
    terminal.sees("Her MFA device shows ");
    terminal.sees("device ana): ");
    let shown = terminal.shown();
    let right = &shown.split_once("Her MFA device shows ").unwrap().1[..6];
    terminal.types(if right.starts_with('0') { "987654\n" } else { "012345\n" });
    terminal.sees("wrong code");
    terminal.sees("device ana): ");
    terminal.types(&format!("{right}\n"));
    terminal.sees("admin: credentials in account 123456789012");
    next(&mut terminal, 4);
    terminal.sees(" ms)");
    next(&mut terminal, 5);
    terminal.sees(":assumed-role/Admin/ana");
    terminal.sees("twolock exec glass  a protected role: a fresh code each time");
    terminal.sees("exit                leave, and delete everything");
    terminal.sees("sandbox ");
    terminal.types("tl admin\n");
    terminal.sees("(admin ");
    terminal.types("twolock exec glass\n");
    terminal.sees("*** BREAK GLASS: role Glass in account 123456789012 ***");
    terminal.types("\u{4}");
    terminal.sees("cancelled; no credentials were requested");
    terminal.types("exit\n");
    terminal.sees("Deleted ");
    assert_eq!(terminal.end().code, 0);
    assert_eq!(left_in(&temporary), 0);
}

#[test]
fn a_profile_that_is_added_there_and_the_aws_cli_do_not_reach_aws() {
    let world = World::new();
    let temporary = temporary(&world);
    let aws = PathBuf::from(required("TWOLOCK_TEST_AWS"));
    let mut sandbox = tour(&world, "/bin/bash", &temporary);
    sandbox.env("PATH", format!("{}:/usr/bin:/bin", aws.parent().unwrap().display()));
    let mut terminal = Terminal::start_in_full(sandbox);
    skip_to_the_shell(&mut terminal);
    let role = "--role-arn arn:aws:iam::123456789012:role/Admin --source-profile demo --yes";
    terminal.types(&format!("twolock profile add mine {role}\n"));
    terminal.sees("added mine");
    terminal.types("tl --keys mine\n");
    terminal.sees("device ana): ");
    terminal.types(&code(&home_in(&temporary)));
    terminal.sees("(mine ");
    terminal.types("aws sts get-caller-identity --query Arn\n");
    terminal.sees("\"arn:aws:sts::123456789012:assumed-role/Admin/ana\"");
    // What `tl` sets and removes for a profile is not all there is.
    terminal.types("tl demo; tl --off; echo \"<$AWS_ENDPOINT_URL> <$AWS_ENDPOINT_URL_STS> <$AWS_ENDPOINT_URL_IAM>\"\n");
    terminal.sees("<http://127.0.0.1:");
    terminal.sees("> <http://127.0.0.1:");
    terminal.sees("> <http://127.0.0.1:");
    terminal.types("aws --profile demo iam list-access-keys --user-name ana --query 'AccessKeyMetadata[].Status'\n");
    terminal.sees("\"Active\"");
    terminal.types("exit\n");
    terminal.sees("Deleted ");
    assert_eq!((terminal.end().code, left_in(&temporary)), (0, 0));
}

#[test]
fn a_person_who_leaves_half_way_leaves_nothing() {
    let world = World::new();
    let temporary = temporary(&world);
    for leaving in ["q\n", "\u{4}"] {
        let mut terminal = start(&world, "/bin/sh", &temporary);
        terminal.sees("[q] quit: ");
        terminal.types("\n");
        terminal.sees("\n2. ");
        terminal.sees("[q] quit: ");
        terminal.types(leaving);
        terminal.sees("Deleted ");
        assert_eq!(terminal.end().code, 0);
        assert_eq!(left_in(&temporary), 0);
    }
}

#[test]
fn the_line_for_another_terminal_opens_the_same_sandbox_in_every_shell() {
    let world = World::new();
    let temporary = temporary(&world);
    let mut terminal = start(&world, "/bin/sh", &temporary);
    terminal.sees("/enter\r\n");
    terminal.sees("[q] quit: ");
    let shown = terminal.shown();
    let line = shown.lines().find_map(|line| line.trim().strip_prefix("sh ")).unwrap();
    let home = home_in(&temporary);
    for (at, shell) in ["bash", "zsh", "fish"].into_iter().enumerate() {
        // Another terminal has its own environment, which does not come along.
        let mut other = world.program(shell);
        let path = format!("/usr/bin/{shell}");
        other.env("SHELL", path).env("TERM", "xterm").env("AWS_PROFILE", "prod");
        other.args([if shell == "fish" { "--no-config" } else { "-f" }; 1]);
        let mut other = Terminal::start_in_full(other);
        other.types(&format!("sh {line}\n"));
        other.sees("sandbox ");
        other.types("echo \"<$AWS_PROFILE>\" (pwd)\n".replace("(pwd)", "; pwd").as_str());
        other.sees("<>");
        other.sees(home.to_str().unwrap());
        other.types("tl admin\n");
        if at == 0 {
            other.sees("device ana): ");
            other.types(&code(&home));
        }
        other.sees("(admin ");
        other.types("exit\n");
    }
    terminal.types("q\n");
    assert_eq!(terminal.end().code, 0);
    assert_eq!(left_in(&temporary), 0);
}

#[test]
fn a_shell_that_is_missing_is_replaced_by_that_of_the_system() {
    let world = World::new();
    let temporary = temporary(&world);
    let mut terminal = start(&world, "/nowhere/csh", &temporary);
    for _ in 1..=5 {
        terminal.sees("[q] quit: ");
        terminal.types("s\n");
    }
    terminal.sees("eval \"$(twolock env admin)\"");
    terminal.sees("leave, and delete everything");
    terminal.types("while ! test -s ~/code; do sleep 0.1; done; wc -c < ~/code; echo \"$SHELL\"\n");
    terminal.sees("7\r\n");
    terminal.sees("/bin/sh\r\n");
    terminal.types("exit\n");
    assert_eq!(terminal.end().code, 0);
    assert_eq!(left_in(&temporary), 0);
}

#[test]
fn a_signal_at_any_moment_leaves_nothing_not_even_the_shell() {
    let world = World::new();
    let temporary = temporary(&world);
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGKILL] {
        for in_the_shell in [false, true] {
            let mut terminal = start(&world, "/usr/bin/fish", &temporary);
            if in_the_shell {
                skip_to_the_shell(&mut terminal);
            } else {
                terminal.sees("[q] quit: ");
            }
            assert_eq!(left_in(&temporary), 1);
            // SAFETY: the process is our child and not reaped, so the id is still its own.
            unsafe { libc::kill(terminal.pid() as i32, signal) };
            assert_eq!(terminal.end().code, 128 + signal);
            eventually("nothing to be left", || left_in(&temporary) == 0);
        }
    }
}

#[test]
fn what_adopt_puts_into_a_keyring_goes_with_the_sandbox() {
    let world = World::new();
    let temporary = temporary(&world);
    let desktop = Desktop::empty(&world);
    let stored = || desktop.run("secret-tool", &["search", "--all", "service", "twolock"], "");
    let mut once = world.twolock(["sandbox", "--once"]);
    desktop.dress(once.env("TMPDIR", &temporary));
    let ran = world.finish(&mut once);
    assert!(ran.code == 0 && ran.stdout.contains("' moves to the Secret Service\n"), "{ran:?}");
    assert_eq!((stored(), left_in(&temporary)), (String::new(), 0));
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGKILL] {
        let mut tour = tour(&world, "/bin/sh", &temporary);
        desktop.dress(&mut tour);
        let mut terminal = Terminal::start_in_full(tour);
        for typed in ["s\n", "\n"] {
            terminal.sees("[q] quit: ");
            terminal.types(typed);
        }
        terminal.sees("adopt? [y/N] ");
        terminal.types("y\n");
        terminal.sees("adopted demo, admin");
        terminal.sees("[q] quit: ");
        terminal.types("\n");
        terminal.sees("device ana): ");
        terminal.types(&code(&home_in(&temporary)));
        terminal.sees("admin: credentials");
        assert_eq!(stored().matches("attribute.username = ").count(), 2, "the access key and the encryption key");
        // SAFETY: the process is our child and not reaped, so the id is still its own.
        unsafe { libc::kill(terminal.pid() as i32, signal) };
        assert_eq!(terminal.end().code, 128 + signal);
        eventually("nothing to be left", || stored().is_empty() && left_in(&temporary) == 0);
    }
}

#[test]
fn a_locked_keyring_is_left_alone() {
    let world = World::new();
    let temporary = temporary(&world);
    let desktop = Desktop::empty(&world);
    desktop.lock();
    let mut once = world.twolock(["sandbox", "--once"]);
    desktop.dress(once.env("TMPDIR", &temporary));
    let ran = world.finish(&mut once);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stdout.contains("No keyring that stores access keys is available"), "{ran:?}");
    assert_eq!(left_in(&temporary), 0);
}

#[test]
fn no_other_home_directory_is_ever_removed() {
    let world = World::new();
    world.run(["sandbox", "--sweep", "AKIAIOSFODNN7EXAMPLE"]).is(
        2,
        "",
        "twolock: error: HOME is not the home directory of a sandbox\n",
    );
    assert!(world.home().join(".aws/config").exists());
}

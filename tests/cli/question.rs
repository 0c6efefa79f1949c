use crate::world::{Clock, DEVICE, Terminal, World};

const QUESTION: &str = "MFA code for STS at 127.0.0.1:";

impl World {
    /// A code that STS refuses; another one for another digit.
    fn wrong(&self, digit: char) -> String {
        let code = self.wrong_code();
        let last = if code.ends_with(digit) { '0' } else { digit };
        format!("{}{last}", &code[..5])
    }

    fn asked(&self) -> Terminal {
        let mut terminal = self.on_terminal(["credential-process", "prod"]);
        terminal.sees(QUESTION);
        terminal.sees(", not AWS (123456789012, prod, device ana): ");
        terminal
    }
}

#[test]
fn two_wrong_codes_then_the_right_one() {
    let world = World::new();
    let mut terminal = world.asked();
    for (digit, left) in [('1', " s; 2 tries left\r\n"), ('2', " s; 1 try left\r\n")] {
        terminal.types(&format!("{}\n", world.wrong(digit)));
        terminal.sees("\x1b[2Kwrong code, already used, or of another device; next code in ");
        terminal.sees(left);
        terminal.sees("device ana): ");
    }
    terminal.types(&format!("{}\n", world.code()));
    let ran = terminal.end();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(world.sandbox.count("GetSessionToken"), 3);
}

#[test]
fn after_three_wrong_codes_it_fails() {
    let world = World::new();
    let mut terminal = world.asked();
    for digit in ['1', '2'] {
        terminal.types(&format!("{}\n", world.wrong(digit)));
        terminal.sees("wrong code, already used, or of another device");
        terminal.sees("device ana): ");
    }
    terminal.types(&format!("{}\n", world.wrong('3')));
    let ran = world.tidy(terminal.end());
    ran.is(
        4,
        "",
        "twolock: error: profile 'prod': the code was refused by STS at 127.0.0.1:PORT, not AWS: wrong, already used, or \
         from another device\ntwolock: hint: check the code; each code works only once, and comes from \
         arn:aws:iam::123456789012:mfa/ana\n",
    );
    assert_eq!(world.sandbox.count("GetSessionToken"), 3);
}

#[test]
fn a_code_with_an_invalid_format_is_not_sent() {
    let world = World::new();
    let mut terminal = world.asked();
    for typed in ["12345", "1234567", "abcdef", "12 34 5", "１２３４５６", "-12345"] {
        terminal.types(&format!("{typed}\n"));
        terminal.sees("not a six-digit code");
        terminal.sees("device ana): ");
    }
    assert_eq!(world.sandbox.connections(), 0, "what is no code is not sent");
    let code = world.code();
    terminal.types(&format!(" {} {} \n", &code[..3], &code[3..]));
    let ran = terminal.end();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn a_first_empty_line_asks_again_and_a_cancel_says_so() {
    let world = World::new();
    for (first, second) in [("\n", "\n"), ("   \n", "\x04"), ("\x04", "")] {
        for verb in ["credential-process", "login", "exec", "whoami"] {
            let mut terminal = world.on_terminal([verb, "prod"]);
            terminal.sees("device ana): ");
            terminal.types(first);
            if !second.is_empty() {
                terminal.sees("no code was typed; another empty line cancels");
                terminal.sees("device ana): ");
                terminal.types(second);
            }
            terminal.end().is(9, "", "twolock: error: profile 'prod': cancelled; no code was given\n");
        }
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn control_c_ends_it_by_the_signal_silently() {
    let world = World::new();
    for verb in ["credential-process", "login", "exec"] {
        let mut terminal = world.on_terminal([verb, "prod"]);
        terminal.sees("device ana): ");
        terminal.types("\x03");
        terminal.end().is(130, "", "");
    }
}

#[test]
fn a_code_that_was_sent_is_not_sent_again() {
    let world = World::new();
    let mut first = world.asked();
    let code = world.code();
    first.types(&format!("{code}\n"));
    assert_eq!(first.end().code, 0);
    // A role session of two hours needs a code of its own, because it is signed with the key.
    world.add_config("[profile longer]\nrole_arn = arn:aws:iam::444455556666:role/Deploy\nsource_profile = base\nduration_seconds = 7200\nendpoint_url = {url}\n");
    let mut second = world.on_terminal(["login", "longer"]);
    second.sees("device ana): ");
    second.types(&format!("{code}\n"));
    second.sees("this code was already used; next code in ");
    second.sees("device ana): ");
    // Another one is typed below it, at once.
    second.types(&format!("{}\n", world.wrong_code()));
    second.sees("wrong code, already used, or of another device");
    second.types("\x03");
    assert_eq!(second.end().code, 130);
    let mut command = world.twolock(["login", "longer"]);
    let ran = world.finish(command.env("TWOLOCK_MFA_CODE", &code));
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""));
    assert!(
        ran.stderr.starts_with("twolock: error: profile 'longer': this code was already used; next code in "),
        "{ran:?}"
    );
}

#[test]
fn a_code_from_stdin_or_the_variable_avoids_the_question() {
    let world = World::new();
    let line = format!("printf '%s\\nrest' {} | twolock login prod --code-stdin", world.code());
    let ran = world.finish(world.program("sh").args(["-c", &line]));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
}

#[test]
fn an_invalid_given_code_is_a_usage_error_and_not_repeated() {
    let world = World::new();
    for verb in ["credential-process", "login", "exec", "whoami"] {
        let mut command = world.twolock([verb, "prod"]);
        world.finish(command.env("TWOLOCK_MFA_CODE", "98765")).is(
            2,
            "",
            "twolock: error: profile 'prod': TWOLOCK_MFA_CODE did not contain a six-digit code\n",
        );
    }
    for (input, what) in [("12345", "did not contain a six-digit code"), ("", "is set, but standard input is empty")] {
        let line = format!("printf '%s' '{input}' | twolock login prod --code-stdin");
        world.finish(world.program("sh").args(["-c", &line])).is(
            2,
            "",
            &format!("twolock: error: profile 'prod': --code-stdin {what}\n"),
        );
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn a_given_code_that_aws_refuses_is_not_asked_for_again() {
    let world = World::new();
    let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(["login", "prod"]).env("TWOLOCK_MFA_CODE", world.wrong('1'));
    let terminal = Terminal::start(command);
    let ran = terminal.end();
    assert_eq!((ran.code, world.sandbox.count("GetSessionToken")), (4, 1), "{ran:?}");
}

#[test]
fn an_unanswered_question_times_out() {
    let world = World::new();
    for verb in ["credential-process", "login"] {
        let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
        command.args([verb, "prod"]).env("TWOLOCK_PROMPT_TIMEOUT", "1s");
        let mut terminal = Terminal::start(command);
        terminal.sees("device ana): ");
        terminal.end().is(
            9,
            "",
            "twolock: error: profile 'prod': no code was entered in time; run in a terminal: twolock login prod\n",
        );
    }
}

#[test]
fn without_a_terminal_the_command_to_paste_is_quoted() {
    let world = World::new();
    world.add_config("[profile \"my prod\"]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\nendpoint_url = {url}\n");
    world.run(["login", "my prod"]).is(
        9,
        "",
        &format!(
            "twolock: error: profile 'my prod': needs an MFA code from {DEVICE}: no terminal; run in a terminal: \
             twolock login 'my prod'\n"
        ),
    );
}

#[test]
fn the_command_to_paste_leads_to_the_session_that_was_asked_for() {
    let world = World::new();
    world.log_in("prod");
    // Fresh means: not created before the second of the request.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    for (args, command) in [
        (&["exec", "base", "--duration", "1h", "--", "true"][..], "login base --duration=1h"),
        (&["env", "base", "--duration", "5400", "--format", "json"], "login base --duration=1h30m"),
        (&["exec", "base", "--duration", "2h", "--min-ttl", "1h", "--", "true"], "login base --fresh --duration=2h"),
        (&["login", "base", "--fresh"], "login base --fresh"),
    ] {
        world.finish(&mut world.twolock(args)).is(
            9,
            "",
            &format!(
                "twolock: error: profile 'base': needs an MFA code from {DEVICE}: no terminal; run in a terminal: \
                 twolock {command}\n"
            ),
        );
    }
    // A minute later, so that the device shows another code.
    world.sandbox.set_clock(Clock::Offset(60));
    let ran = world.run_with_code(["login", "base", "--duration=1h"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    world.run(["exec", "base", "--duration", "1h", "--", "true"]).is(0, "", "");
}

//! The question: where it appears, what it takes, what it leaves.

use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::termios::LocalModes;

use crate::screen::{BOLD, PLAIN};
use crate::world::{World, eventually, role};

#[test]
fn the_question_appears_on_the_terminal_though_all_three_streams_are_piped() {
    let (mut world, _) = World::asked(&[("PROMPT_ASKER", "terraform, pid 4242"), ("PROMPT_FDS", "1")]);
    assert_eq!(world.screen(), ["MFA code for 123456789012 (prod, device ana; for terraform, pid 4242):"]);
    world.types("123456\r");
    assert_eq!(world.event(), "exited 0");
    let report = world.report();
    assert!(report.contains("fd 0 /dev/null") && report.contains("fd 2 pipe:"), "{report}");
    assert!(report.ends_with("code 123456\ndone\n"), "{report}");
    assert!(world.screen().is_empty(), "the question is erased: {:?}", world.screen());
}

#[test]
fn the_profile_is_bold_unless_styles_are_not_wanted() {
    for (setting, is_bold) in [(("TERM", "xterm"), true), (("NO_COLOR", "1"), false), (("TERM", "dumb"), false)] {
        let (mut world, _) = World::asked(&[setting]);
        let shown = String::from_utf8_lossy(world.bytes()).into_owned();
        let profile = if is_bold { format!("{BOLD}prod{PLAIN}") } else { "prod".into() };
        assert!(shown.contains(&format!("MFA code for 123456789012 ({profile}, device ana")), "{setting:?}: {shown:?}");
    }
}

#[test]
fn streams_closed_at_the_start_change_nothing() {
    let (mut world, _) = World::asked(&[("PROMPT_CLOSED", "1"), ("PROMPT_FDS", "1")]);
    world.types("123456\r");
    assert_eq!(world.event(), "exited 0");
    let report = world.report();
    assert!(!report.contains("tty") && !report.contains("pts") && !report.contains("report"), "{report}");
    assert!(report.ends_with("code 123456\ndone\n"), "{report}");
}

#[test]
fn without_a_terminal_it_fails_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("report");
    let mut job = role("ask");
    job.env("PROMPT_REPORT", &report).stdin(Stdio::null()).stdout(Stdio::null());
    // SAFETY: between fork and exec one system call is made.
    unsafe {
        job.pre_exec(|| Ok(rustix::process::setsid().map(|_| ())?));
    }
    let start = Instant::now();
    assert!(job.status().unwrap().success());
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(std::fs::read_to_string(report).unwrap(), "nobody: no terminal\ndone\n");
}

#[test]
fn a_background_job_is_refused_and_not_stopped() {
    let mut world = World::new(&[("PROMPT_BEHIND", "1")]);
    world.change_modes(|modes| modes.local_modes.insert(LocalModes::TOSTOP));
    world.start();
    assert_eq!(world.event(), "exited 0");
    assert_eq!(world.report(), "nobody: this job runs in the background\ndone\n");
    assert!(world.bytes().is_empty());
}

#[test]
fn a_terminal_read_key_by_key_is_left_to_its_owner() {
    let mut world = World::new(&[]);
    world.change_modes(|modes| modes.local_modes.remove(LocalModes::ICANON));
    world.start();
    assert_eq!(world.event(), "exited 0");
    assert_eq!(world.report(), "nobody: another program reads the terminal key by key\ndone\n");
    assert!(world.bytes().is_empty());
    world.assert_modes_unchanged();
}

#[test]
fn digits_typed_before_the_question_are_no_answer() {
    let mut world = World::new(&[("PROMPT_SECONDS", "30")]);
    world.types("999999\r888");
    world.start();
    world.sees("MFA code for");
    world.types("123456\r");
    assert_eq!(world.event(), "exited 0");
    assert_eq!(world.report(), "code 123456\ndone\n");
    world.assert_nothing_left();
}

#[test]
fn digits_typed_after_the_answer_are_not_left_to_the_shell() {
    let (mut world, _) = World::asked(&[]);
    world.types("123456\rrm -rf /\r123");
    assert_eq!(world.event(), "exited 0");
    assert_eq!(world.report(), "code 123456\ndone\n");
    world.assert_nothing_left();
}

#[test]
fn a_code_of_the_wrong_form_is_asked_again() {
    let (mut world, _) = World::asked(&[]);
    for wrong in ["12345", "1234567", "abcdef", "１２３４５６", &"9".repeat(3_000)] {
        let before = world.shown_so_far();
        world.types(&format!("{wrong}\r"));
        world.sees_after(
            before,
            "not a six-digit code; an empty line cancels\r\nMFA code for 123456789012 (prod, device ana): ",
        );
    }
    world.types("12 34 56\r");
    assert_eq!(world.event(), "exited 0");
    assert_eq!(world.report(), "code 123456\ndone\n");
    world.assert_modes_unchanged();
}

#[test]
fn a_first_empty_line_is_asked_again_and_a_second_one_cancels() {
    for (first, second) in [("\r", "\r"), ("   \r", "\r"), ("\r", "\x04")] {
        let (mut world, _) = World::asked(&[]);
        let before = world.shown_so_far();
        world.types(first);
        world.sees_after(before, "no code was typed; another empty line cancels\r\nMFA code for 123456789012 (prod,");
        world.sees("device ana): ");
        world.types(second);
        assert_eq!(world.event(), "exited 0");
        assert_eq!(world.report(), "Cancelled\ndone\n");
        world.assert_modes_unchanged();
        world.assert_nothing_left();
        assert!(world.screen().is_empty(), "{:?}", world.screen());
    }
}

#[test]
fn a_word_that_asks_to_leave_is_told_how_and_one_empty_line_then_cancels() {
    for word in ["q", "quit", "exit", "cancel"] {
        let (mut world, _) = World::asked(&[]);
        let before = world.shown_so_far();
        world.types(&format!("{word}\r"));
        world.sees_after(before, "not a six-digit code; an empty line cancels\r\nMFA code for 123456789012 (prod,");
        world.sees("device ana): ");
        world.types("\r");
        assert_eq!(world.event(), "exited 0");
        assert_eq!(world.report(), "Cancelled\ndone\n");
        assert!(world.screen().is_empty(), "{:?}", world.screen());
    }
}

#[test]
fn a_code_that_the_terminal_marks_as_pasted_is_taken() {
    for pasted in ["\x1b[200~123456\x1b[201~\r", "\x1b[200~123456\r\x1b[201~", "12\x1b[200~3456\x1b[201~\r"] {
        let (mut world, _) = World::asked(&[("PROMPT_ASKER", "terraform, pid 4242")]);
        world.types(pasted);
        assert_eq!(world.event(), "exited 0");
        assert_eq!(world.report(), "code 123456\ndone\n", "{pasted:?}");
        world.assert_nothing_left();
        assert!(world.screen().is_empty(), "{pasted:?}: {:?}", world.screen());
    }
}

#[test]
fn the_notice_of_a_wrong_code_stands_above_the_question_and_goes_with_it() {
    let notice = "wrong code, already used, or of another device; next code in 30 s; 2 tries left";
    let (mut world, _) = World::asked(&[("PROMPT_NOTICE", notice)]);
    assert_eq!(world.screen(), [notice, "MFA code for 123456789012 (prod, device ana):"]);
    world.types("x\r");
    world.sees("not a six-digit code");
    world.types("123456\r");
    assert_eq!(world.event(), "exited 0");
    assert!(world.screen().is_empty(), "{:?}", world.screen());
}

#[test]
fn a_narrow_terminal_is_left_clean_too() {
    let mut world = World::with_columns(40, &[("PROMPT_ASKER", "terraform, pid 4242")]);
    world.start();
    world.sees("4242): ");
    world.types("12345678901\r");
    world.sees("not a six-digit code");
    world.types("123456\r");
    assert_eq!(world.event(), "exited 0");
    assert!(world.screen().is_empty(), "{:?}", world.screen());
}

#[test]
fn a_terminal_that_cannot_erase_gets_no_escapes() {
    let (mut world, _) = World::asked(&[("TERM", "dumb")]);
    world.types("\x04");
    assert_eq!(world.event(), "exited 0");
    assert!(!world.bytes().contains(&0x1b));
    assert!(world.bytes().ends_with(b"device ana): \r\n"));
}

#[test]
fn text_of_strangers_cannot_steer_the_terminal() {
    let (mut world, _) = World::asked(&[
        ("PROMPT_PROFILE", "a\u{202e}b, device boss"),
        ("PROMPT_ASKER", "\u{1b}]0;title\u{7}\u{9b}2Jx, pid 7"),
        ("PROMPT_NOTICE", "\u{1b}[31mred\r\nMFA code for 999999999999: "),
    ]);
    let screen = world.screen();
    assert_eq!(screen.len(), 2, "{screen:?}");
    assert!(screen[0].starts_with("\\u{1b}[31mred\\u{d}\\u{a}MFA"), "{screen:?}");
    assert_eq!(screen[1], "MFA code for 123456789012 ('a\\u{202e}…ice boss', device ana):");
    let (mut world, _) = World::asked(&[("PROMPT_ASKER", "\u{1b}]0;t\u{7}x, pid 7")]);
    assert_eq!(world.screen(), ["MFA code for 123456789012 (prod, device ana; for \\u{1b}]0;t\\u{7}x, pid 7):"]);
}

#[test]
fn after_stop_and_fg_the_question_is_shown_again() {
    let (mut world, _) = World::asked(&[]);
    for _ in 0..2 {
        world.types("12\x1a");
        assert_eq!(world.event(), "stopped");
        world.assert_modes_unchanged();
        world.types("345678\r");
        let before = world.shown_so_far();
        world.tell("fg");
        world.sees_after(before, "MFA code for 123456789012 (prod, device ana): ");
    }
    world.types("123456\r");
    assert_eq!(world.event(), "exited 0");
    assert_eq!(world.report(), "code 123456\ndone\n");
    world.assert_modes_unchanged();
    world.assert_nothing_left();
}

#[test]
fn a_question_sent_to_the_background_ends_and_leaves_what_is_typed_in_front() {
    let (mut world, _) = World::asked(&[]);
    world.types("\x1a");
    assert_eq!(world.event(), "stopped");
    world.types("ls");
    world.sees("ls");
    let before = world.bytes().len();
    world.tell("bg");
    assert_eq!(world.event(), "exited 0");
    assert_eq!(world.report(), "nobody: this job runs in the background\ndone\n");
    assert_eq!(world.bytes().len(), before);
    world.tell("left");
    assert_eq!(world.event(), "left 2");
}

#[test]
fn a_terminal_that_hangs_up_ends_the_question_without_a_busy_loop() {
    let (mut world, _) = World::asked(&[("PROMPT_NOHUP", "1")]);
    world.hang_up();
    eventually("the end of the question", || world.report().contains("done"));
    assert_eq!(world.report(), "nobody: the terminal was closed\ndone\n");
}

#[test]
fn waiting_for_an_answer_takes_no_processor_time() {
    let (world, pid) = World::asked(&[]);
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<u64> =
            stat.rsplit_once(')').unwrap().1.split_whitespace().filter_map(|f| f.parse().ok()).collect();
        fields[10] + fields[11]
    };
    let before = ticks();
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(ticks() - before <= 3, "{} ticks of 10 ms in 1.5 s", ticks() - before);
    drop(world);
}

#[test]
fn notes_pass_and_leave_nothing() {
    let mut world = World::new(&[("PROMPT_JOB", "note")]);
    world.start();
    world.sees("MFA code for");
    assert_eq!(world.screen(), ["MFA code for 123456789012 (prod, device ana):"], "the note gave way");
    let shown = String::from_utf8_lossy(world.bytes()).into_owned();
    assert!(shown.contains("a code works once, next code in 12 s"), "{shown}");
    world.types("123456\r");
    world.sees("last words");
    assert_eq!(world.event(), "exited 0");
    assert!(world.screen().is_empty(), "{:?}", world.screen());
}

//! The other side: what runs in the processes the tests start.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use twolock::internals::{
    AccountId, AskError, CodeSource, CommandSource, Credentials, Deadline, Env, GivenCode, MfaSerial, Place,
    ProcessSource, ProfileName, Question, TerminalSource, signals,
};

use crate::world::role;

#[expect(clippy::disallowed_methods, reason = "how a test tells its processes what to do")]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Not a test by itself: the part of the processes that tests start.
#[test]
fn driver() {
    let Some(role) = setting("PROMPT_ROLE") else { return };
    match role.as_str() {
        "shell" => shell(),
        "ask" => ask(),
        "note" => note(),
        "command" => command(),
        "process" => process(),
        "stdin" => stdin(),
        "hardened" => crate::hardened::part(),
        "hidden" => crate::modes::hidden(),
        "keys" => crate::modes::keys(),
        other => panic!("no role {other}"),
    }
    std::process::exit(0);
}

/// Writes a line where the test reads it afterwards; never on file descriptors 0 to 2.
pub fn report(line: &str) {
    let path = setting("PROMPT_REPORT").expect("a report file");
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

pub fn question() -> Question {
    Question {
        account: AccountId::parse("123456789012"),
        profile: ProfileName::parse(&setting("PROMPT_PROFILE").unwrap_or("prod".into())).unwrap(),
        device: MfaSerial::parse("arn:aws:iam::123456789012:mfa/ana").unwrap(),
        asker: setting("PROMPT_ASKER"),
        foreign_endpoint: setting("PROMPT_ENDPOINT"),
        notice: setting("PROMPT_NOTICE"),
        closed_dialog: None,
    }
}

pub fn deadline() -> Deadline {
    let seconds = setting("PROMPT_SECONDS").and_then(|s| s.parse().ok()).unwrap_or(60.0);
    Deadline::after(Instant::now(), Duration::from_secs_f32(seconds))
}

fn report_answer(source: &impl CodeSource) {
    report(&match source.ask(&question(), deadline()) {
        Ok(code) => format!("code {}", code.expose()),
        Err(AskError::Failed(failure)) => format!("failed {}: {failure}", failure.kind.exit_code()),
        Err(AskError::Nobody(why)) => format!("nobody: {why}"),
        Err(other) => format!("{other:?}"),
    });
}

fn ask() {
    signals::watch();
    let _first = signals::on_termination(|| report("act 1"));
    let _second = signals::on_termination(|| {
        report("act 2");
        if setting("PROMPT_ACT_HANGS").is_some() {
            std::thread::sleep(Duration::from_secs(600));
        }
    });
    drop(signals::on_termination(|| report("withdrawn act")));
    if setting("PROMPT_FDS").is_some() {
        for fd in 0..3 {
            report(&format!("fd {fd} {}", std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap().display()));
        }
    }
    report_answer(&TerminalSource::new(&Env::from_process(), None));
    report("done");
}

fn note() {
    signals::watch();
    let source = TerminalSource::new(&Env::from_process(), None);
    source.note("a code works once, next code in 12 s");
    source.note(&format!("a code works once, {}", "next code in 11 s ".repeat(9)));
    if setting("PROMPT_NOTE_STAYS").is_some() {
        std::thread::sleep(Duration::from_secs(600));
    }
    report_answer(&source);
    source.note("last words");
    source.note("");
    report("done");
}

fn command() {
    signals::watch();
    let place = Place { file: "~/.aws/config".into(), line: 7 };
    let line = setting("PROMPT_LINE").unwrap();
    let profile = ProfileName::parse("prod").unwrap();
    report_answer(
        &CommandSource::parse(
            &line,
            &profile,
            &place,
            &Env::from_process(),
            std::path::Path::new(&setting("PROMPT_HOME").unwrap_or_default()),
        )
        .unwrap(),
    );
    report("done");
}

fn process() {
    signals::watch();
    let place = Place { file: "~/.aws/config".into(), line: 7 };
    let profile = ProfileName::parse("base").unwrap();
    let home = std::path::Path::new("/nowhere");
    let source = ProcessSource::parse(&setting("PROMPT_LINE").unwrap(), &profile, &place, &Env::from_process(), home);
    report(&match source.unwrap().run(deadline()) {
        Ok(Credentials::Key(key)) => format!("key {}", key.id),
        other => format!("{other:?}"),
    });
}

fn stdin() {
    report_answer(&GivenCode::from_stdin());
    let mut rest = String::new();
    let mut child = std::process::Command::new("cat").stdout(Stdio::piped()).spawn().unwrap();
    child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    child.wait().unwrap();
    report(&format!("rest {rest}"));
}

/// A shell with one job: starts it in front (or behind), tells how it ends, and looks at what it leaves behind.
fn shell() {
    // as every shell with job control: it takes the terminal back while it is in the background itself
    // SAFETY: ignoring a signal takes plain values.
    unsafe { libc::signal(libc::SIGTTOU, libc::SIG_IGN) };
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").unwrap();
    let mut orders = std::io::stdin().lock().lines().map_while(Result::ok);
    while let Some(order) = orders.next() {
        match order.as_str() {
            "go" => run_job(&terminal, &mut orders),
            "left" => say(&format!("left {}", left(&terminal))),
            other => panic!("no order {other}"),
        }
    }
}

fn run_job(terminal: &File, orders: &mut impl Iterator<Item = String>) {
    let job = start_job(terminal);
    say(&format!("pid {}", job.as_raw_nonzero()));
    loop {
        let mut status = 0;
        // SAFETY: the status lives through the call, and the job is our own child.
        unsafe { libc::waitpid(job.as_raw_nonzero().get(), &mut status, libc::WUNTRACED) };
        rustix::termios::tcsetpgrp(terminal, rustix::process::getpgrp()).unwrap();
        if libc::WIFSIGNALED(status) {
            return say(&format!("signaled {}", libc::WTERMSIG(status)));
        }
        if libc::WIFEXITED(status) {
            return say(&format!("exited {}", libc::WEXITSTATUS(status)));
        }
        say("stopped");
        if orders.next().as_deref() == Some("fg") {
            rustix::termios::tcsetpgrp(terminal, job).unwrap();
        }
        rustix::process::kill_process_group(job, Signal::CONT).unwrap();
    }
}

/// Forks by hand: the job has to be in front before its first instruction, with exactly the descriptors we say.
fn start_job(terminal: &File) -> Pid {
    let wanted = |name| setting(name).is_some();
    let (behind, closed, nohup) = (wanted("PROMPT_BEHIND"), wanted("PROMPT_CLOSED"), wanted("PROMPT_NOHUP"));
    let mut job = role(&setting("PROMPT_JOB").unwrap_or("ask".into()));
    if nohup {
        let inner = job;
        job = std::process::Command::new("nohup");
        job.arg(inner.get_program()).args(inner.get_args()).env("PROMPT_ROLE", "ask");
    }
    job.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let tty = terminal.as_fd().try_clone_to_owned().unwrap();
    // SAFETY: between fork and exec only system calls are made; SIGTTOU is ignored there as in the shell.
    unsafe {
        job.pre_exec(move || {
            rustix::process::setpgid(None, None)?;
            if !behind {
                rustix::termios::tcsetpgrp(&tty, rustix::process::getpgrp())?;
            }
            libc::signal(libc::SIGTTOU, libc::SIG_DFL);
            if closed {
                for fd in 0..3 {
                    libc::close(fd);
                }
            }
            Ok(())
        });
    }
    // the child is waited for by number, which tells of stops as well
    Pid::from_child(&std::mem::ManuallyDrop::new(job.spawn().unwrap()))
}

fn say(event: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("@{event}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

/// How much was typed and not read, unfinished lines included.
fn left(terminal: &File) -> usize {
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
    let before = tcgetattr(terminal).unwrap();
    let mut keys = before.clone();
    keys.local_modes.remove(LocalModes::ICANON);
    keys.special_codes[SpecialCodeIndex::VMIN] = 0;
    keys.special_codes[SpecialCodeIndex::VTIME] = 0;
    tcsetattr(terminal, OptionalActions::Now, &keys).unwrap();
    let mut reader = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/tty").unwrap();
    let count = reader.read(&mut [0; 4096]).unwrap_or(0);
    tcsetattr(terminal, OptionalActions::Now, &before).unwrap();
    count
}

//! Who asks: the nearest ancestor that is a program of its own, for the question on the terminal, and so that a
//! question that was declined is not put to it again.
//!
//! Read from `/proc`, so on Linux only; elsewhere nobody is named rather than somebody guessed.

use std::fmt::{self, Display};
use std::path::Path;

use crate::shell::Shell;
use crate::system::platform;
use crate::text::visible::visible;

/// Longest program name shown.
const LONGEST_NAME: usize = 20;
/// Wrappers looked through before giving up.
const DEEPEST: usize = 16;
/// Shells that we do not speak, but people type into.
const OTHER_SHELLS: [&str; 6] = ["csh", "tcsh", "elvish", "ion", "nu", "xonsh"];
/// Options of interactive shells that are followed by a file or command; terminals of editors start shells so.
const START_UP: [&str; 4] = ["--init-file", "--rcfile", "--init-command", "-C"];

/// The program that wants credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Its name, as its own author or a stranger chose it.
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name: String = visible(&self.name).chars().take(LONGEST_NAME).collect();
        write!(f, "{name}, pid {}", self.pid)
    }
}

/// A process that cannot be mistaken for a later one of the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its process id.
    pub pid: u32,
    /// When it started, in clock ticks since the machine did.
    pub started: u64,
}

/// Returns who asks; nobody when a person called us from a shell, or where it cannot be found out.
pub fn asker() -> Option<Asker> {
    asking_in(Path::new("/proc"), platform::parent_id()?).map(|(asker, _)| asker)
}

/// Returns the program that asks, where it runs on our own terminal: a terminal emulator, a tmux or an sshd that starts
/// us directly does so for many people's calls.
pub fn caller() -> Option<Caller> {
    caller_in(Path::new("/proc"))
}

/// Returns what `known` makes of the nearest ancestor it knows, given program names; none where it cannot be found out.
pub fn nearest<T>(known: impl Fn(&str) -> Option<T>) -> Option<T> {
    nearest_in(Path::new("/proc"), platform::parent_id()?, known)
}

fn nearest_in<T>(proc: &Path, parent: u32, known: impl Fn(&str) -> Option<T>) -> Option<T> {
    let mut pid = parent;
    for _ in 0..DEEPEST {
        let process = Process::load(proc, pid)?;
        if let Some(found) = known(&process.program) {
            return Some(found);
        }
        pid = process.parent;
    }
    None
}

fn caller_in(proc: &Path) -> Option<Caller> {
    let ours = Process::load(proc, "self")?;
    let (Asker { pid, .. }, process) = asking_in(proc, ours.parent)?;
    (process.terminal == ours.terminal).then_some(Caller { pid, started: process.started })
}

/// SDKs start us through `sh -c` (aws-contract 3.3), so such shells are looked through.
fn asking_in(proc: &Path, parent: u32) -> Option<(Asker, Process)> {
    let mut pid = parent;
    for _ in 0..DEEPEST {
        let process = Process::load(proc, pid)?;
        match process.role() {
            Role::Wrapper => pid = process.parent,
            Role::Person => return None,
            Role::Program(name) => return Some((Asker { name, pid }, process)),
        }
    }
    None
}

struct Process {
    name: String,
    /// The file it runs: a script's interpreter, where `name` is the script.
    program: String,
    arguments: Vec<String>,
    parent: u32,
    /// The number of its controlling terminal; 0 for none.
    terminal: i32,
    /// Clock ticks since the machine started.
    started: u64,
}

enum Role {
    Program(String),
    /// `sh -c …`
    Wrapper,
    /// A shell somebody types into.
    Person,
}

impl Process {
    fn load(proc: &Path, pid: impl Display) -> Option<Self> {
        let directory = proc.join(pid.to_string());
        let stat = std::fs::read(directory.join("stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        // the name is in parentheses and may contain some itself: the last one closes
        let (before, after) = stat.rsplit_once(')')?;
        let name = before.split_once('(')?.1.to_owned();
        // proc_pid_stat(5) counts from 1, and the state, its third field, is the first here
        let field = |number: usize| after.split_whitespace().nth(number - 3);
        let (parent, terminal, started) = (field(4)?.parse().ok()?, field(7)?.parse().ok()?, field(22)?.parse().ok()?);
        let arguments = std::fs::read(directory.join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments);
        let (first, arguments) = arguments.split_once('\0').unwrap_or_default();
        // a process of another user, or a hardened one, hides its file
        let file = std::fs::read_link(directory.join("exe")).ok().map(|file| file.to_string_lossy().into_owned());
        let file = file.as_deref().unwrap_or(first);
        // a shell that was upgraded under its users still runs the old file
        let program = file.strip_suffix(" (deleted)").unwrap_or(file).to_owned();
        let arguments = arguments.split('\0').map(str::to_owned).collect();
        Some(Self { name, program, arguments, parent, terminal, started })
    }

    fn role(&self) -> Role {
        if Shell::from_program(&self.name).is_none() && !OTHER_SHELLS.contains(&self.name.as_str()) {
            return Role::Program(self.name.clone());
        }
        if self.arguments.first().is_some_and(|option| START_UP.contains(&option.as_str())) {
            return Role::Person;
        }
        let mut options = self.arguments.iter().take_while(|word| word.starts_with('-'));
        if options.any(|word| !word.starts_with("--") && word.contains('c')) {
            return Role::Wrapper;
        }
        let script = self.arguments.iter().find(|word| !word.is_empty() && !word.starts_with('-'));
        match script.and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty()) {
            Some(script) => Role::Program(script.to_owned()),
            None => Role::Person,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields of `stat` behind the name.
    fn stat(parent: u32, terminal: i32, started: u64) -> String {
        format!("S {parent} 1 1 {terminal} -1 4194304 0 0 0 0 1 2 0 0 20 0 1 0 {started} 1000")
    }

    /// Processes as (pid, parent, name, command line).
    fn asked(processes: &[(u32, u32, &str, &str)]) -> Option<String> {
        let proc = tempfile::tempdir().unwrap();
        for (pid, parent, name, line) in processes {
            let directory = proc.path().join(pid.to_string());
            std::fs::create_dir(&directory).unwrap();
            std::fs::write(directory.join("stat"), format!("{pid} ({name}) {}", stat(*parent, 0, 1))).unwrap();
            std::fs::write(directory.join("cmdline"), line.split('|').map(|w| format!("{w}\0")).collect::<String>())
                .unwrap();
        }
        asking_in(proc.path(), 10).map(|(asker, _)| asker.to_string())
    }

    #[test]
    fn a_caller_is_known_by_id_and_start_on_our_own_terminal_only() {
        let called = |ours: i32, theirs: i32| {
            let proc = tempfile::tempdir().unwrap();
            let write = |pid: &str, text: String| {
                std::fs::create_dir(proc.path().join(pid)).unwrap();
                std::fs::write(proc.path().join(pid).join("stat"), text).unwrap();
            };
            write("self", format!("11 (twolock) {}", stat(10, ours, 900)));
            write("10", format!("10 (node) {}", stat(9, theirs, 700)));
            caller_in(proc.path())
        };
        let node = Some(Caller { pid: 10, started: 700 });
        assert_eq!((called(34816, 34816), called(0, 0)), (node, node));
        assert_eq!((called(34816, 0), called(34816, 34817)), (None, None), "a tmux server; a terminal of its own");
        assert_eq!(caller_in(Path::new("/nonexistent")), None, "a system without /proc");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_that_runs_tells_the_program_and_a_name_only_where_it_is_hidden() {
        let proc = tempfile::tempdir().unwrap();
        for (pid, parent, line, file) in [
            (10, 9, "timeout|60|twolock", Some("/usr/bin/timeout")),
            (9, 8, "/bin/sh|deploy.sh", Some("/usr/bin/dash (deleted)")),
            (8, 7, "-fish", None),
            (7, 7, "fish", Some("/sbin/init")),
        ] {
            let directory = proc.path().join(pid.to_string());
            std::fs::create_dir(&directory).unwrap();
            std::fs::write(directory.join("stat"), format!("{pid} (deploy.sh) {}", stat(parent, 0, 1))).unwrap();
            std::fs::write(directory.join("cmdline"), format!("{line}|").replace('|', "\0")).unwrap();
            if let Some(file) = file {
                std::os::unix::fs::symlink(file, directory.join("exe")).unwrap();
            }
        }
        let nearest = |pid, word: &str| nearest_in(proc.path(), pid, |p| p.ends_with(word).then(|| p.to_owned()));
        assert_eq!(nearest(10, "dash").as_deref(), Some("/usr/bin/dash"));
        assert_eq!(nearest(10, "fish").as_deref(), Some("-fish"));
        assert_eq!(nearest(10, "zsh"), None);
        assert_eq!(nearest(6, "fish"), None);
    }

    #[test]
    fn the_nearest_ancestor_that_is_no_wrapper_asks() {
        type Row<'a> = (&'a [(u32, u32, &'a str, &'a str)], Option<&'a str>);
        let table: &[Row] = &[
            (&[(10, 9, "terraform", "terraform|apply")], Some("terraform, pid 10")),
            (&[(10, 9, "sh", "sh|-c|twolock …"), (9, 1, "terraform", "terraform")], Some("terraform, pid 9")),
            (
                &[(10, 9, "sh", "/bin/sh|-c|x"), (9, 8, "bash", "bash|-ec|y"), (8, 1, "node", "node")],
                Some("node, pid 8"),
            ),
            (&[(10, 9, "mksh", "mksh|-c|x"), (9, 1, "make", "make")], Some("make, pid 9")),
            (&[(10, 9, "bash", "-bash")], None),
            (&[(10, 9, "bash", "bash|--norc|-i")], None),
            (&[(10, 9, "bash", "bash|/srv/deploy.sh|prod")], Some("deploy.sh, pid 10")),
            (&[(10, 9, "fish", "fish")], None),
            (&[(10, 9, "nu", "nu")], None),
            (&[(10, 9, "tcsh", "tcsh|-c|x"), (9, 1, "node", "node")], Some("node, pid 9")),
            (&[(10, 9, "bash", "bash|--init-file|/opt/code/integration.sh")], None),
            (&[(10, 9, "fish", "fish|--init-command|source x")], None),
            (&[(10, 10, "sh", "sh|-c|x")], None),
            (&[], None),
            (&[(10, 9, "a) S 1 (b", "x")], Some("a) S 1 (b, pid 10")),
            (&[(10, 9, "\u{1b}[2Jx", "x")], Some("\\u{1b}[2Jx, pid 10")),
            (&[(10, 9, "a-name-longer-than-twenty-columns", "x")], Some("a-name-longer-than-t, pid 10")),
        ];
        for (processes, expected) in table {
            assert_eq!(asked(processes).as_deref(), *expected, "{processes:?}");
        }
    }
}

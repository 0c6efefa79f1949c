//! A pseudo-terminal with a shell on it, and the process that asks below that.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;

use crate::screen;

/// Longest wait for anything that should happen at once: generous, so that a busy machine fails nothing.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// This test binary as a process with a role.
pub fn role(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["driver::driver", "--exact", "--nocapture", "--test-threads=1"]);
    command.env("PROMPT_ROLE", name);
    command
}

/// Waits until `done`, or fails with what was waited for.
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub struct World {
    master: Option<File>,
    shell: Child,
    commands: Option<ChildStdin>,
    events: BufReader<ChildStdout>,
    seen: Vec<u8>,
    columns: u16,
    modes: Modes,
    directory: TempDir,
}

/// Every terminal setting, comparable.
#[derive(Debug, PartialEq)]
pub struct Modes(String);

impl World {
    /// A terminal of 80 columns, and a shell on it that is ready to start the asking process.
    pub fn new(settings: &[(&str, &str)]) -> Self {
        Self::with_columns(80, settings)
    }

    pub fn with_columns(columns: u16, settings: &[(&str, &str)]) -> Self {
        let (master, slave) = open_pty(columns);
        let directory = tempfile::tempdir().unwrap();
        let mut command = role("shell");
        command
            .env("PROMPT_REPORT", directory.path().join("report"))
            .env("TERM", "xterm")
            .envs(settings.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let terminal = slave.as_raw_fd();
        // SAFETY: between fork and exec only system calls are made.
        unsafe {
            command.pre_exec(move || {
                rustix::process::setsid()?;
                match libc::ioctl(terminal, libc::TIOCSCTTY as _, 0) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
        }
        let mut shell = command.spawn().unwrap();
        let modes = modes_of(&master);
        Self {
            master: Some(master),
            commands: shell.stdin.take(),
            events: BufReader::new(shell.stdout.take().unwrap()),
            shell,
            seen: Vec::new(),
            columns,
            modes,
            directory,
        }
    }

    /// A world whose asking process has put its question.
    pub fn asked(settings: &[(&str, &str)]) -> (Self, i32) {
        let mut world = Self::new(settings);
        let pid = world.start();
        world.sees("MFA code for");
        (world, pid)
    }

    /// Lets the shell start the asking process and returns its process id.
    pub fn start(&mut self) -> i32 {
        self.tell("go");
        let event = self.event();
        event.strip_prefix("pid ").unwrap_or_else(|| panic!("{event}")).parse().unwrap()
    }

    pub fn tell(&mut self, command: &str) {
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
    }

    /// The shell's next event: `pid N`, `stopped`, `exited N`, `signaled N`, `left N`.
    pub fn event(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.events.read_line(&mut line).unwrap() > 0, "the shell ended; report: {:?}", self.report());
            if let Some((_, event)) = line.split_once('@') {
                return event.trim().to_owned();
            }
        }
    }

    pub fn types(&mut self, keys: &str) {
        self.master.as_ref().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the text shows up in what has not been looked at yet.
    pub fn sees(&mut self, text: &str) {
        self.sees_after(self.seen.len().saturating_sub(4096), text);
    }

    /// Waits until the text shows up behind the first `start` bytes.
    pub fn sees_after(&mut self, start: usize, text: &str) {
        let began = Instant::now();
        while !screen::without_styles(&String::from_utf8_lossy(&self.seen[start..])).contains(text) {
            assert!(began.elapsed() < PATIENCE, "no {text:?} in {:?}", String::from_utf8_lossy(&self.seen[start..]));
            self.look(Duration::from_millis(50));
        }
    }

    /// Takes in what the terminal shows, waiting a moment if there is nothing; whether it was something.
    fn look(&mut self, moment: Duration) -> bool {
        let Some(mut master) = self.master.as_ref() else { return false };
        let span = Timespec::try_from(moment).unwrap();
        if poll(&mut [PollFd::new(&master, PollFlags::IN)], Some(&span)).unwrap() == 0 {
            return false;
        }
        let mut piece = [0; 4096];
        let count = master.read(&mut piece).unwrap_or(0);
        self.seen.extend_from_slice(&piece[..count]);
        count > 0
    }

    pub fn shown_so_far(&self) -> usize {
        self.seen.len()
    }

    /// Everything the terminal was sent until it fell silent.
    pub fn bytes(&mut self) -> &[u8] {
        while self.look(Duration::from_millis(100)) {}
        &self.seen
    }

    /// The rows on the screen, blank ones left out.
    pub fn screen(&mut self) -> Vec<String> {
        let columns = self.columns.into();
        let mut rows = screen::rows(self.bytes(), columns);
        rows.retain(|row| !row.is_empty());
        rows
    }

    /// What the asking process wrote down.
    pub fn report(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("report")).unwrap_or_default()
    }

    pub fn assert_modes_unchanged(&self) {
        assert_eq!(modes_of(self.master.as_ref().unwrap()), self.modes, "terminal settings");
    }

    /// Fails if anything typed is still there for the shell to read.
    pub fn assert_nothing_left(&mut self) {
        self.tell("left");
        assert_eq!(self.event(), "left 0");
    }

    /// Changes the terminal's settings before anybody asks.
    pub fn change_modes(&mut self, change: impl FnOnce(&mut rustix::termios::Termios)) {
        let master = self.master.as_ref().unwrap();
        let mut modes = rustix::termios::tcgetattr(master).unwrap();
        change(&mut modes);
        rustix::termios::tcsetattr(master, rustix::termios::OptionalActions::Now, &modes).unwrap();
        self.modes = modes_of(master);
    }

    /// Makes the window this wide.
    pub fn resize(&mut self, columns: u16) {
        let size = rustix::termios::Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(self.master.as_ref().unwrap(), size).unwrap();
        self.columns = columns;
    }

    pub fn hang_up(&mut self) {
        self.master = None;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

fn open_pty(columns: u16) -> (File, OwnedFd) {
    let (mut master, mut slave) = (-1, -1);
    let size = libc::winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: openpty fills in two descriptors that nobody else owns; they close on exec, as other tests fork meanwhile.
    unsafe {
        let made = libc::openpty(&mut master, &mut slave, std::ptr::null_mut(), std::ptr::null(), &size);
        assert_eq!(made, 0, "openpty");
        for end in [master, slave] {
            libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave))
    }
}

fn modes_of(master: &File) -> Modes {
    Modes(format!("{:?}", rustix::termios::tcgetattr(master).unwrap()))
}

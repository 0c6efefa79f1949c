//! A real pseudo-terminal as the controlling terminal of one command.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Ran;

/// Longest wait for anything: generous, only so that a hang ends.
const HANG: Duration = Duration::from_secs(40);

/// One command on its own terminal. stdin is the terminal; stdout and stderr are pipes.
pub struct Terminal {
    child: Option<Child>,
    master: File,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
    seen: usize,
}

impl Terminal {
    /// Starts a command with a controlling terminal of 80 columns, and pipes for stdout and stderr.
    pub fn start(mut command: Command) -> Self {
        let (master, slave) = open_pty();
        command.stdin(slave.try_clone().unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::spawn(command, master)
    }

    /// Starts a command with all three streams on the terminal, as a person starts it.
    pub fn start_in_full(mut command: Command) -> Self {
        let (master, slave) = open_pty();
        command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
        Self::spawn(command, master)
    }

    fn spawn(mut command: Command, master: OwnedFd) -> Self {
        // SAFETY: setsid and ioctl are async-signal-safe; fd 0 is the terminal's slave side.
        unsafe {
            command.pre_exec(|| {
                if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        // The command holds the slave side; our copies go, so that its end is seen.
        drop(command);
        let master = File::from(master);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, sink) = (master.try_clone().unwrap(), Arc::clone(&shown));
        let reading = std::thread::spawn(move || {
            let mut buffer = [0u8; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                sink.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { child: Some(child), master, shown, reader: Some(reading), seen: 0 }
    }

    /// The process id of the command.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("still there").id()
    }

    /// Waits until the terminal shows this text, after what was waited for before.
    #[track_caller]
    pub fn sees(&mut self, text: &str) {
        let end = Instant::now() + HANG;
        loop {
            let shown = self.shown();
            if let Some(at) = shown[self.seen.min(shown.len())..].find(text) {
                self.seen += at + text.len();
                return;
            }
            assert!(Instant::now() < end, "the terminal never showed {text:?}, but {shown:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Everything shown so far.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Whether the command has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().expect("still there").try_wait().unwrap().is_some()
    }

    /// Waits for the end; everything that was shown, and what stdout and stderr held.
    pub fn shown_after_end(mut self) -> (String, Ran) {
        let (shown, reader) = (Arc::clone(&self.shown), self.reader.take().expect("joined once"));
        let ran = self.end();
        reader.join().unwrap();
        (String::from_utf8_lossy(&shown.lock().unwrap()).into_owned(), ran)
    }

    /// Waits for the end; everything that was shown.
    pub fn shown_until_the_end(mut self) -> String {
        self.child.take().expect("ended once").wait().unwrap();
        self.reader.take().expect("joined once").join().unwrap();
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Types keys.
    pub fn types(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Waits for the end; what stdout and stderr held, if they were pipes.
    #[track_caller]
    pub fn end(mut self) -> Ran {
        let child = self.child.take().expect("ended once");
        let pid = child.id();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        let output = receiver.recv_timeout(HANG).unwrap_or_else(|_| {
            // SAFETY: the process is our child and not reaped, so the id is still its own.
            unsafe { libc::kill(pid as i32, libc::SIGKILL) };
            panic!("hangs; the terminal shows {:?}", self.shown())
        });
        let output = output.unwrap();
        Ran {
            code: code(output.status),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The exit code, or 128 + the signal, as shells say it.
pub fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// Starts the command in a session of its own, where there is no terminal.
pub fn without_terminal(command: &mut Command) {
    // SAFETY: setsid is async-signal-safe and touches no memory.
    unsafe {
        command.pre_exec(|| {
            libc::setsid();
            Ok(())
        });
    }
}

fn open_pty() -> (OwnedFd, OwnedFd) {
    let (mut master, mut slave) = (0, 0);
    let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the pointers are to live locals; name and modes may be null.
    let done = unsafe { libc::openpty(&mut master, &mut slave, std::ptr::null_mut(), std::ptr::null_mut(), &size) };
    assert_eq!(done, 0, "a pseudo-terminal");
    for fd in [master, slave] {
        // SAFETY: both descriptors were just opened by us.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    // SAFETY: both descriptors were just opened by us and are used nowhere else.
    unsafe { (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) }
}

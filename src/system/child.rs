//! A program run for its short answer: bounded in time and in words, and ended with all its children.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::system::clock::Deadline;
use crate::system::{platform, signals};

/// How often a child that keeps its pipes open is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long what an ended child left in its pipes may take to arrive.
const REST: Duration = Duration::from_millis(200);

/// Becomes another program, so that signals, job control and exit code are its own; returns only if that failed.
pub fn become_command(command: &mut Command) -> io::Error {
    platform::become_command(command)
}

/// Starts a program that may outlive us: in a process group of its own, which the signals of our terminal do not reach,
/// and with no open files but its standard streams.
pub fn start_apart(command: &mut Command) -> io::Result<Child> {
    platform::lead_group(command);
    platform::keep_files(command);
    platform::restore_file_size_signal(command);
    command.spawn()
}

/// Tells a child that its terminal is gone.
#[cfg(feature = "sandbox")]
pub fn hang_up(child: u32) {
    platform::hang_up(child);
}

/// Starts a program on a terminal of its own, so wide; returns the side of the terminal where a person sits.
#[cfg(feature = "sandbox")]
pub fn start_on_own_terminal(command: &mut Command, columns: u16) -> io::Result<(Child, std::fs::File)> {
    platform::start_on_own_terminal(command, columns)
}

/// What the system is asked to start where a person named a program, as a shell would; or why it would not start, where
/// that can be known before.
pub fn startable(program: &OsStr, path: Option<&OsStr>) -> io::Result<OsString> {
    platform::startable(program, path)
}

/// Limits of a child program.
#[derive(Clone, Copy, Debug)]
pub struct ChildLimits {
    /// Bytes of standard output; one more and it is killed.
    pub output: usize,
    /// Bytes of standard error kept; the rest is read and dropped.
    pub errors: usize,
    pub until: Deadline,
}

/// The output of a program that ended by itself.
#[derive(Debug)]
pub struct Answer {
    pub status: ExitStatus,
    pub output: Secret<Vec<u8>>,
    /// The beginning of its standard error.
    pub errors: Vec<u8>,
}

/// Why a program gave no answer. It and its process group are dead.
#[derive(Debug)]
pub enum NoAnswer {
    NotStarted(io::Error),
    TimedOut,
    /// It wrote more than was asked for.
    TooLong,
}

/// Runs a command in a process group of its own, with nothing on its standard input, and returns what it said.
/// If a signal ends us, the group goes too.
pub fn answer(command: &mut Command, bounds: ChildLimits) -> Result<Answer, NoAnswer> {
    command.stdin(Stdio::null());
    run(command, &[], bounds)
}

/// The same, with a few words on its standard input: no more than a pipe holds, so that writing them waits for nobody.
pub fn answer_to(input: &Secret<String>, command: &mut Command, bounds: ChildLimits) -> Result<Answer, NoAnswer> {
    command.stdin(Stdio::piped());
    run(command, input.expose().as_bytes(), bounds)
}

fn run(command: &mut Command, input: &[u8], bounds: ChildLimits) -> Result<Answer, NoAnswer> {
    platform::lead_group(command);
    platform::restore_file_size_signal(command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(NoAnswer::NotStarted)?;
    // A program that does not read says by its exit code what it thinks of that.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input));
    let leader = child.id();
    let exit_hook = signals::on_termination(move || platform::kill_group(leader));
    let output = Pipe::drain(child.stdout.take(), bounds.output);
    let errors = Pipe::drain(child.stderr.take(), bounds.errors);
    let ended = wait(&mut child, &output, bounds);
    drop(exit_hook);
    let status = ended.inspect_err(|_| end(&mut child))?;
    if output.finish(REST) {
        // The program has ended; what it started writes on, and keeps the group's number from being given away.
        platform::kill_group(leader);
        return Err(NoAnswer::TooLong);
    }
    errors.finish(REST);
    Ok(Answer { status, output: Secret::new(output.take()), errors: errors.take() })
}

/// Returns how a program ended, for a message: `exited with 1`.
pub fn ending(status: ExitStatus) -> String {
    match (platform::signal_of(status), status.code()) {
        (Some(signal), _) => format!("was killed by signal {signal}"),
        (None, Some(code)) => format!("exited with {code}"),
        (None, None) => "ended without an exit code".into(),
    }
}

/// Whether a file is a program that we may start.
pub fn is_executable(file: &Path) -> bool {
    platform::is_executable(file)
}

/// Finds a program: an absolute path, or a bare name in the absolute directories of `path`. Never anything relative to the
/// current directory, which a repository may have chosen (threat-model P16).
pub fn find_program(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    let given = Path::new(name);
    if given.is_absolute() {
        return platform::is_executable(given).then(|| given.to_owned());
    }
    if given.components().count() != 1 || name.contains(std::path::is_separator) || name.starts_with('.') {
        return None;
    }
    let directories = std::env::split_paths(path?).filter(|directory| directory.is_absolute());
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    directories
        .flat_map(|directory| [directory.join(&file), directory.join(name)])
        .find(|file| platform::is_executable(file))
}

/// Waits for the end of the child, not of its pipes: what it leaves running may keep those open.
fn wait(child: &mut Child, output: &Pipe, bounds: ChildLimits) -> Result<ExitStatus, NoAnswer> {
    loop {
        if let Some(status) = child.try_wait().map_err(NoAnswer::NotStarted)? {
            return Ok(status);
        }
        if bounds.until.has_passed() {
            return Err(NoAnswer::TimedOut);
        }
        let look = LOOK.min(bounds.until.left());
        if output.finish(look) {
            return Err(NoAnswer::TooLong);
        }
        // a closed pipe no longer makes the wait above last
        std::thread::sleep(LOOK / 4);
    }
}

fn end(child: &mut Child) {
    platform::kill_group(child.id());
    let _ = child.kill();
    let _ = child.wait();
}

/// One of the child's streams, read by a thread so that the child never blocks on it and neither do we.
struct Pipe(Arc<(Mutex<Captured>, Condvar)>);

struct Captured {
    bytes: Zeroizing<Vec<u8>>,
    too_long: bool,
    ended: bool,
}

impl Pipe {
    fn drain(stream: Option<impl Read + Send + 'static>, most: usize) -> Self {
        let captured = Captured { bytes: Zeroizing::new(Vec::with_capacity(most)), too_long: false, ended: false };
        let shared = Arc::new((Mutex::new(captured), Condvar::new()));
        let writer = Arc::clone(&shared);
        let reading = move || {
            let mut piece = Zeroizing::new([0u8; 4096]);
            let mut stream = stream;
            while let Some(count) = stream.as_mut().and_then(|s| s.read(&mut piece[..]).ok()).filter(|&n| n > 0) {
                let mut captured = lock(&writer.0);
                let kept = count.min(most - captured.bytes.len());
                captured.bytes.extend_from_slice(&piece[..kept]);
                if kept < count {
                    captured.too_long = true;
                    writer.1.notify_all();
                }
            }
            lock(&writer.0).ended = true;
            writer.1.notify_all();
        };
        std::thread::spawn(reading);
        Self(shared)
    }

    /// Waits for the end of the stream, at most `span`; returns early, and true, if it is longer than it may be.
    fn finish(&self, span: Duration) -> bool {
        let (captured, changed) = &*self.0;
        let waiting =
            changed.wait_timeout_while(lock(captured), span, |captured| !captured.ended && !captured.too_long);
        waiting.unwrap_or_else(PoisonError::into_inner).0.too_long
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *lock(&self.0.0).bytes)
    }
}

fn lock(captured: &Mutex<Captured>) -> MutexGuard<'_, Captured> {
    captured.lock().unwrap_or_else(PoisonError::into_inner)
}

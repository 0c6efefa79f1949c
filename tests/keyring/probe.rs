//! One call to a store in a process of its own: under another environment, user, or fault.

// Without a Secret Service only the kernel's tests call it.
#![cfg_attr(not(feature = "secret-service"), allow(dead_code))]

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use twolock::internals::{Bounded, Env, Item, Keyring, Secret, SecretService, Store, StoreError, Stores};

/// What the test harness of the new process is asked to run; the call itself travels as a second, unmatched filter.
const HERE: &str = "probe::one_call_when_another_test_asks_for_it";
const MARK: &str = "answer of the store: ";

/// Shorter than what people are given, so that no test waits for a minute.
pub const DIALOG_BOUND: Duration = Duration::from_secs(4);

/// How a store came to answer in another process.
#[derive(Debug)]
pub struct Answer {
    /// `Ok(HEX)`, or the error as Rust prints it.
    pub text: String,
    /// The call alone.
    pub call: Duration,
    /// The process, from start to end.
    pub process: Duration,
}

/// Which store is called.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// The durable one of this system, as `credential-process` opens it.
    Desktop,
    /// The same with leave to open an unlock dialog, which may stand for [`DIALOG_BOUND`].
    DesktopMayUnlock,
    Kernel,
}

/// Returns the command for one call: `read`, `write` or `remove`. Put what shall run it before, with [`under`].
pub fn call(which: Which, verb: &str, user: &str, bytes: &[u8]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    command.args(["--exact", "--nocapture", HERE, &format!("call,{which:?},{verb},{user},{hex}")]);
    command
}

/// Runs a command by way of another program: `setpriv`, `strace`, `keyctl session`.
pub fn under(program: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(program[0]);
    outer.args(&program[1..]).arg(command.get_program()).args(command.get_args());
    outer
}

/// Runs the call and reads its answer.
pub fn answer(mut command: Command) -> Answer {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let process = start.elapsed();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = said.lines().find_map(|line| line.split_once(MARK)).unwrap_or_else(|| panic!("{}", failure(&output))).1;
    let (millis, text) = line.split_once(' ').unwrap();
    Answer { text: text.into(), call: Duration::from_millis(millis.parse().unwrap()), process }
}

fn failure(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("no answer: {}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr))
}

/// Fails by name where a real part is missing.
pub fn need(program: &str, package: &str) {
    let found = std::env::split_paths(&path()).any(|directory| directory.join(program).exists());
    assert!(found, "{program} is not installed: this test needs the real one (package {package})");
}

/// Where programs are looked for, whatever the caller's own path is.
pub fn path() -> String {
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()
}

#[test]
fn one_call_when_another_test_asks_for_it() {
    let Some(call) = std::env::args().find(|argument| argument.starts_with("call,")) else { return };
    let words: Vec<_> = call.split(',').collect();
    let [_, which, verb, user, hex] = words[..] else { panic!("{call}") };
    let item = Item { user: user.into(), label: format!("twolock: {user}") };
    let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    let store = open(which);
    let start = Instant::now();
    let text = shown(match verb {
        "read" => store.read(&item).map(|bytes| bytes.expose().clone()),
        "users" => store.users().map(|users| users.join(" ").into_bytes()),
        "write" => store.write(&item, &Secret::new(bytes)).map(|()| Vec::new()),
        _ => store.remove(&item).map(|()| Vec::new()),
    });
    eprintln!("\n{MARK}{} {text}", start.elapsed().as_millis());
}

fn open(which: &str) -> Box<dyn Store> {
    let env = Env::from_process();
    let auto = || Stores::choose(Keyring::Auto, &env, || "/nowhere".into(), false);
    match which {
        "Desktop" => auto().durable.unwrap(),
        "Kernel" => auto().fast.unwrap(),
        _ => {
            let dialog = DIALOG_BOUND;
            Box::new(Bounded::new(SecretService::new(&env, true), dialog))
        }
    }
}

fn shown(answer: Result<Vec<u8>, StoreError>) -> String {
    match answer {
        Ok(bytes) => format!("Ok({})", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        Err(error) => format!("{error:?}"),
    }
}

//! One file a verb; builds the real parts and calls down.
//!
//! `world` reads what is there, `sessions` puts the session layer's real parts together; the verbs say what they
//! want of them and hand the result to `output`. `changing` shows, asks about and makes changes, and `conversation` asks a
//! person on the terminal.

mod asked;
mod changing;
mod complete;
mod conversation;
pub mod credential_process;
mod doctor;
pub mod env;
mod exec;
pub mod init;
mod keyring;
mod keys;
mod living;
mod login;
mod logout;
mod overview;
mod profile;
#[cfg(feature = "sandbox")]
mod sandbox;
mod sessions;
mod settings;
mod status;
mod whoami;
mod world;

use std::time::Instant;

use crate::cli::{Cli, Command};
use crate::error::Result;
use crate::output::messages;
use crate::profile::plan::Plan;
use crate::system::directories::Directories;
use crate::system::env::Env;
use crate::system::harden::Limits;
use crate::system::{log, signals, user};
use crate::text::visible::visible;

/// What a run starts with.
pub struct Call {
    /// When the process started: the deadline of `credential-process` counts from here.
    pub started: Instant,
    /// The caller's limits, for the children.
    pub limits: Limits,
    /// The environment.
    pub env: Env,
}

/// Says what the user should know of a plan before it is used.
fn say_notes(plan: &Plan) {
    plan.notes.iter().for_each(|note| messages::note(&format!("profile '{}': {note}", visible(plan.profile.as_str()))));
}

/// What writes files would leave root's in another user's home, which their owner could not change (threat-model P54).
fn refuse_root_elsewhere(cli: &Cli, call: &Call) -> Result<()> {
    let writes = cli.command.as_ref().is_some_and(Command::writes_files);
    let home = Directories::find(&call.env).ok().filter(|_| writes).map(|folders| folders.home);
    match home.and_then(|home| user::owner_of_the_home_root_visits(&home)) {
        Some(owner) => Err(world::root_elsewhere(&owner)),
        None => Ok(()),
    }
}

/// Runs a command and returns its exit code.
pub fn run(cli: Cli, call: Call) -> Result<u8> {
    log::set_level(cli.verbose);
    signals::watch();
    refuse_root_elsewhere(&cli, &call)?;
    match cli.command {
        None => overview::run(&call),
        Some(Command::CredentialProcess(args)) => credential_process::run(&args, &call),
        Some(Command::Env(args)) => env::run(&args, &call),
        Some(Command::Exec(args)) => exec::run(args, &call),
        Some(Command::Login(args)) => login::run(&args, &call),
        Some(Command::Logout(args)) => logout::run(&args, &call),
        Some(Command::Status(args)) => status::run(&args, &call),
        Some(Command::Whoami(args)) => whoami::run(&args, &call),
        Some(Command::Profile(args)) => profile::run(&args, &call),
        Some(Command::Doctor(args)) => doctor::run(&args, &call),
        Some(Command::Settings(args)) => settings::run(&args, &call),
        Some(Command::Init { shell }) => init::run(shell),
        Some(Command::Complete { words }) => complete::run(&words, &call),
        #[cfg(feature = "sandbox")]
        Some(Command::Sandbox(args)) => sandbox::run(&args, &call),
    }
}

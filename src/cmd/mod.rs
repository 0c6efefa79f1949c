//! One file per verb; only this directory builds the real parts (STS, keyrings, prompts).
//!
//! `context` reads files and settings, `sessions` gets credentials, `break_glass` those of a protected profile, `changing`
//! shows, confirms and applies changes, and `conversation` asks questions on the terminal.

mod account;
mod active_sessions;
mod bases;
mod break_glass;
mod changing;
mod complete;
mod console;
mod context;
mod conversation;
pub mod credential_process;
mod doctor;
mod ending_soon;
pub mod env;
mod exec;
mod foreign_caches;
mod forget;
mod handing;
pub mod init;
mod kept;
mod key;
mod key_ages;
mod keys;
mod login;
mod logout;
mod mfa;
pub mod mistaken;
mod overview;
mod profile;
#[cfg(feature = "sandbox")]
mod sandbox;
mod selection;
mod sessions;
mod settings;
mod setup;
mod shell;
mod signing_in;
mod status;
mod this_shell;
mod typed_key;
mod whoami;

use crate::cli::{Cli, Command};
use crate::error::Result;
use crate::output::messages;
use crate::system::directories::Directories;
use crate::system::{log, signals, user};

use context::Context;
pub use context::Invocation;

/// A command that writes files as root in another user's home would leave files that the user cannot change
/// (threat-model P54).
fn refuse_root_elsewhere(cli: &Cli, invocation: &Invocation) -> Result<()> {
    if cli.command.as_ref().is_some_and(Command::writes_files)
        && let Ok(dirs) = Directories::find(&invocation.env)
        && let Some(owner) = user::owner_of_the_home_root_visits(&dirs.home)
    {
        return Err(context::root_elsewhere(&owner));
    }
    Ok(())
}

/// One line for each interrupted rotation of a key or new device, except where a program reads what is printed.
fn remark_on_unfinished(cli: &Cli, invocation: &Invocation) {
    use Command::{Complete, CredentialProcess, Forget, Init, Key, Mfa, Setup};
    let (on_keys, on_devices) = match cli.command {
        Some(CredentialProcess(_) | Forget(_) | Init { .. } | Complete { .. } | Setup(_)) => (false, false),
        Some(Key(_)) => (false, true),
        Some(Mfa(_)) => (true, false),
        _ => (true, true),
    };
    let Ok(dirs) = Directories::find(&invocation.env) else { return };
    let keys = if on_keys {
        key::rotations::remarks(&dirs, || Context::readable(dirs.clone(), &invocation.env).0)
    } else {
        Vec::new()
    };
    let devices = if on_devices { mfa::remarks(&dirs) } else { Vec::new() };
    keys.iter().chain(&devices).for_each(|remark| messages::warning(remark));
}

/// Runs a command and returns its exit code.
pub fn run(cli: Cli, invocation: Invocation) -> Result<u8> {
    log::set_level(cli.verbose);
    signals::watch();
    refuse_root_elsewhere(&cli, &invocation)?;
    remark_on_unfinished(&cli, &invocation);
    match cli.command {
        None => overview::run(&invocation),
        Some(Command::CredentialProcess(args)) => credential_process::run(&args, &invocation),
        Some(Command::Env(args)) => env::run(&args, &invocation),
        Some(Command::Exec(args)) => exec::run(args, &invocation),
        Some(Command::Login(args)) => login::run(&args, &invocation),
        Some(Command::Logout(args)) => logout::run(&args, &invocation),
        Some(Command::Status(args)) => status::run(&args, &invocation),
        Some(Command::Whoami(args)) => whoami::run(&args, &invocation),
        Some(Command::Console(args)) => console::run(&args, &invocation),
        Some(Command::Key(args)) => key::run(&args, &invocation),
        Some(Command::Mfa(args)) => mfa::run(&args, &invocation),
        Some(Command::Setup(args)) => setup::run(&args, &invocation),
        Some(Command::Profile(args)) => profile::run(&args, &invocation),
        Some(Command::Doctor(args)) => doctor::run(&args, &invocation),
        Some(Command::Settings(args)) => settings::run(&args, &invocation),
        Some(Command::Forget(args)) => forget::run(&args, &invocation),
        Some(Command::Init { shell }) => init::run(shell),
        Some(Command::Complete { words }) => complete::run(&words, &invocation),
        #[cfg(feature = "sandbox")]
        Some(Command::Sandbox(args)) => sandbox::run(&args, &invocation),
    }
}

//! twolock: MFA session credential helper and profile manager for AWS. One code a day, then silence.
//!
//! Whatever the caller (an SDK, a shell, a person), the work is one line, walked from left to right and never back:
//!
//! ```text
//! names ──► settings ──► plan ──► session (cached? else: one caller mints, the others wait) ──► output
//! ```
//!
//! To read it, in this order:
//!
//! 1. the vocabulary, which knows nobody: [`secret`], [`names`], [`arn`], [`credentials`], [`role`], [`timestamp`],
//!    [`duration`], [`origin`], [`text`], [`hex`], [`hint`], and [`error`], whose kinds are the
//!    exit codes
//! 2. [`system`], the machine: environment, clock, terminal, private files, locks, signals
//! 3. [`aws_files`], what the two AWS files say, and on which line; [`ours`], our own files
//! 4. [`profile`], pure: settings in, a [`profile::plan::Plan`] out, every refusal made before anybody is asked; and
//!    [`profile::adoption`], what a profile becomes so that every AWS tool comes to us
//! 5. the three edges, which do not know each other: [`prompt`] (where a code comes from), [`aws`] (STS, the only
//!    network; async ends there) and [`store`] (the keyrings)
//! 6. [`session`], their only meeting place: look, lock, look again, mint, keep
//! 7. [`output`], what other programs and people read
//!    [`picker`] lets a person choose a name, where none was given
//! 8. [`cli`] and [`cmd`], one file a verb: builds the real parts and calls down; `shell/` holds what
//!    [`cmd::init`] prints, one file a shell
//!
//! The cached path (`credential-process` with a session that lives) is [`cmd::credential_process::cached`].

#![deny(missing_docs)]

pub mod arn;
mod as_text;
pub mod credentials;
pub mod duration;
pub mod error;
pub mod hex;
pub mod hint;
pub mod names;
pub mod origin;
pub mod role;
pub mod secret;
pub mod text;
pub mod timestamp;

pub mod system;

pub mod aws_files;
pub mod ours;
pub mod profile;

pub mod aws;
pub mod prompt;
pub mod store;

pub mod session;

pub mod change;

pub mod output;
pub mod picker;

pub mod cli;
pub mod cmd;

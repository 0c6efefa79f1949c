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
//!    [`duration`], [`origin`], [`text`], [`hex`], [`base64`], [`hint`], [`shell`], [`keyring`],
//!    [`dialogs`], and [`error`], whose kinds are the
//!    exit codes
//! 2. [`system`], the machine: environment, clock, terminal, private files, locks, signals
//!    [`sources`], what other programs keep on this machine that credentials can be had with
//! 3. [`aws_files`], what the two AWS files say, and on which line; [`ours`], our own files
//! 4. [`profile`], pure: settings in, a [`profile::plan::Plan`] out, every refusal made before anybody is asked; and
//!    [`profile::adoption`], what a profile becomes so that every AWS tool uses twolock
//! 5. the three edges, which do not know each other: [`prompt`] (where a code comes from), [`aws`] (STS, IAM and sign-in, the
//!    only network; async ends there) and [`store`] (the keyrings)
//!    [`sources`], what other programs keep on this machine, or print
//! 6. [`session`], their only meeting place: look, lock, look again, mint, keep
//! 7. [`output`], what other programs and people read
//!    [`picker`] lets a person choose a name, where none was given
//! 8. [`cli`] and [`cmd`], one file a verb: builds the real parts and calls down; `shell/` holds what
//!    [`cmd::init`] prints, one file a shell
//!
//! The cached path (`credential-process` with a session that lives) is [`cmd::credential_process::cached`].

mod arn;
mod as_text;
mod base64;
mod credentials;
mod dialogs;
mod duration;
mod error;
mod hex;
mod hint;
mod keyring;
mod names;
mod origin;
mod role;
mod secret;
mod shell;
mod text;
mod timestamp;

mod system;

mod aws_files;
mod ours;
mod profile;

mod aws;
mod notification;
mod prompt;
mod sources;
mod store;

mod session;

mod change;
mod enrollment;
mod rotation;

mod output;
mod picker;

mod cli;
mod cmd;

mod run;

pub use cli::Cli;
pub use run::run;
pub use shell::Shell;

/// What the tests of whole parts (`tests/`) reach into. No other program uses it, and it changes without notice.
#[doc(hidden)]
pub mod internals {
    pub use crate::arn::{AccountId, MfaSerial, Partition, RoleArn};
    pub use crate::aws::endpoint::{Endpoint, EndpointRequest, Service, resolve};
    pub use crate::aws::http::HttpSettings;
    pub use crate::aws::iam::{DeviceKind, IamClient, KeyInfo, KeyStatus, LastUsed, MfaDevice, VirtualDevice};
    pub use crate::aws::login::{FreshLogin, LoginClient, LoginGrant, ProofKey};
    pub use crate::aws::sso::{FreshToken, RefreshGrant, SsoClient, SsoOidcClient};
    pub use crate::aws::sts::StsClient;
    pub use crate::aws::{AwsError, AwsErrorKind, Bounds, Iam, Mfa, RoleRequest, Signer, Sts};
    pub use crate::aws_files::AwsFiles;
    pub use crate::aws_files::edit::Edit;
    pub use crate::aws_files::file::{AwsFile, FileKind};
    pub use crate::aws_files::oddities;
    pub use crate::credentials::{AccessKey, AccessKeyId, Credentials, Session, is_credential_text};
    pub use crate::error::{Failure, Kind, Place};
    pub use crate::keyring::Keyring;
    pub use crate::names::{
        DeviceName, ExternalId, MfaCode, ProfileName, Region, SessionName, SourceIdentity, Tag, UserName,
    };
    pub use crate::origin::{Origin, Sourced};
    pub use crate::ours::consent::fingerprint;
    pub use crate::output::exports;
    pub use crate::profile::callers;
    pub use crate::prompt::command::CommandSource;
    pub use crate::prompt::dialog::DialogSource;
    pub use crate::prompt::given::GivenCode;
    pub use crate::prompt::terminal::TerminalSource;
    pub use crate::prompt::{AskError, CodeSource, Question};
    pub use crate::secret::Secret;
    pub use crate::session::sealing_key;
    pub use crate::sources::process::ProcessSource;
    pub use crate::sources::{Next, Problem, Saved, login_token, sso_token, token_file};
    pub use crate::store::bounded::Bounded;
    pub use crate::store::choose::{CALL_BOUND, Stores};
    pub use crate::store::{Item, Store, StoreError};
    pub use crate::system::clock::{Deadline, now};
    pub use crate::system::env::{Env, KNOWN};
    pub use crate::system::lock::FileLock;
    pub use crate::system::log;
    pub use crate::system::permissions::close_to_others;
    pub use crate::system::terminal::keys::{Key, KeyEvent};
    pub use crate::system::terminal::{Line, Terminal};
    pub use crate::system::{harden, signals};
    pub use crate::timestamp::Timestamp;

    #[cfg(not(any(target_os = "macos", windows)))]
    pub use crate::store::{kernel::KernelStore, secret_service::SecretService};
}

//! Imitates AWS STS, IAM and the sign-in of the console on loopback, strictly: signatures, one-time codes, trust and time are all checked.
//!
//! The public imitations accept any signature and any MFA code, so they cannot show that an MFA
//! tool works. This one answers with AWS's own codes, statuses and words, and can be set to fail
//! in every way a network and a service may fail.
//!
//! ```
//! use twolock_sandbox::{Fault, FaultKind, Options, Role, Sandbox};
//!
//! let sandbox = Sandbox::start(Options::default())?;
//! let alice = sandbox.add_user("111122223333", "alice");
//! let phone = sandbox.add_device(&alice.arn, "alice-phone");
//! let admin = sandbox.add_role(Role {
//!     require_mfa: true,
//!     ..Role::trusting("111122223333", "admin", &alice.arn)
//! });
//! sandbox.fault(Fault::new(FaultKind::DropAfter).on("AssumeRole").role(&admin));
//! println!("{} {:?}", sandbox.url(), sandbox.code(&phone.serial));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! How it is laid out: `listener` accepts and `server` runs a connection; `service` takes a call through
//! signature, fault and action; `sts` and `iam` hold the actions, `signin` the console's, `world` who exists, `ledger` what happened;
//! `sandbox` and `account` are the handle, `page` is the door for scripts in other languages. `Sink` and `Proxy`
//! are two small servers for the paths that must not be taken, or must.

mod account;
mod answer;
mod arn;
mod checks;
mod clock;
mod fault;
mod fault_script;
mod form;
mod http;
mod iam;
mod ledger;
mod listener;
mod page;
mod proxy;
mod qr;
mod random;
mod refusal;
mod sandbox;
mod server;
mod service;
mod signature;
mod signed_call;
mod signin;
mod sink;
mod sts;
mod tls;
mod totp;
mod world;
mod xml;

pub use clock::Clock;
pub use fault::{Fault, FaultKind};
pub use ledger::Call;
pub use proxy::{Proxied, Proxy};
pub use refusal::Refusal;
pub use sandbox::{Options, Sandbox};
pub use sink::{Sink, SinkAnswer};
pub use tls::Tls;
pub use totp::{STEP_SECONDS, step_at, totp};
pub use world::{
    AccessKey, Code, ConsumedCode, Device, KeyUse, NewUser, Policy, Role, Session, SignIn, SourceIdentity, User,
};

//! Imitates AWS STS, IAM, single sign-on and the sign-ins on loopback, strictly: signatures, one-time codes, tokens, trust and time are all checked.
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
//! Other sources of credentials are there too: people of IAM Identity Center with the portal and the device flow of
//! `aws sso login`, sessions of `aws login`, and roles that trust identity tokens. All services share one address and are
//! told apart by path.
//!
//! ```
//! use twolock_sandbox::{IdentityProvider, Options, Role, Sandbox, SsoToken, SsoUser, WebIdentity};
//!
//! let sandbox = Sandbox::start(Options::default())?;
//! sandbox.add_sso_user(SsoUser::new("alice").assigned("111122223333", "Admin"));
//! let file = SsoToken::cache_file_name("corp"); // of `sso_session = corp`, in ~/.aws/sso/cache
//! println!("{file}: {}", sandbox.sso_sign_in("alice").cache_json());
//!
//! let user = sandbox.add_user("111122223333", "bob");
//! let login = sandbox.open_login(&user.arn).expect("a user that exists");
//! println!("{}: {}", login.cache_file_name(), login.cache_json());
//!
//! let issuer = "https://ci.example".to_owned();
//! let (account, audience) = ("111122223333".to_owned(), "sts.amazonaws.com".to_owned());
//! sandbox.add_identity_provider(IdentityProvider { account, issuer: issuer.clone(), audience });
//! let trusted = WebIdentity { issuer, subject: "repo:org/app:*".to_owned() };
//! sandbox.add_role(Role { web_identities: vec![trusted], ..Role::new("111122223333", "deploy") });
//! println!("{}", sandbox.identity_token("repo:org/app:main", 300));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! How it is laid out: `listener` accepts and `server` runs a connection; `service` takes a call through
//! signature, fault and action; `sts` and `iam` hold the actions, `signin` the console's, `world` who exists, `ledger` what happened;
//! `rest` takes the calls of the JSON services, whose actions are in `sso` and `login`;
//! `sandbox`, `account` and `sources` are the handle, `page` is the door for scripts in other languages. `Sink` and `Proxy`
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
mod jwt;
mod ledger;
mod listener;
mod login;
mod page;
mod proxy;
mod qr;
mod random;
mod refusal;
mod rest;
mod sandbox;
mod server;
mod service;
mod signature;
mod signed_call;
mod signin;
mod sink;
mod sources;
mod sso;
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
pub use sources::{Login, SsoToken};
pub use tls::Tls;
pub use totp::{STEP_SECONDS, step_at, totp};
pub use world::{
    AccessKey, Assignment, Code, ConsumedCode, Device, IdentityProvider, KeyUse, LoginState, NewUser, Policy, Role,
    Session, SignIn, SourceIdentity, SsoUser, User, WebIdentity,
};

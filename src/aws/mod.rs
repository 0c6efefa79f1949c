//! AWS, the only network: typed calls in, checked answers or sorted errors out.
//!
//! May know the vocabulary and `system`; never profiles, prompts or stores. Async ends here: the traits block.
//!
//! What every service shares, each file knowing those before it only: [`endpoint`] (where it is), [`http`] and `wire` (how
//! bytes get there), `unreached`, `error`, `call`, `failure` (what went wrong), `given` (credentials, checked), `client`, which
//! runs one call, and `unsigned`, which makes one of JSON that nobody signs. A service is a directory, [`sts`], [`iam`],
//! [`sso`] or [`login`]: its operations, its answers checked, and what its own error codes mean. [`signin`] has one call,
//! and is a file.

mod call;
#[cfg(test)]
mod canned;
mod client;
mod clocks;
pub mod date;
pub mod endpoint;
mod error;
mod failure;
mod given;
pub mod http;
pub mod iam;
pub mod login;
mod mask;
pub mod signin;
pub mod sso;
pub mod sts;
mod unreached;
mod unsigned;
mod wire;

pub use self::call::{Bounds, Signer};
pub use self::error::{AwsError, AwsErrorKind};
pub use self::iam::Iam;
pub use self::sts::{Mfa, Sts};
pub use crate::role::RoleRequest;

//! AWS, the only network: typed calls in, checked answers or sorted errors out.
//!
//! May know the vocabulary and `system`; never profiles, prompts or stores. Async ends here: the traits block.
//!
//! What every service shares, each file knowing those before it only: [`endpoint`] (where it is), [`http`] and `wire` (how
//! bytes get there), `unreached`, `error`, `call`, `failure` (what went wrong), and `client`, which runs one call. A
//! service is a directory, [`sts`] or [`iam`]: its operations, its answers checked, and what its own error codes mean.
//! [`signin`] has one call, and is a file.

mod call;
mod client;
mod clocks;
pub mod date;
pub mod endpoint;
mod error;
mod failure;
pub mod http;
pub mod iam;
mod mask;
pub mod signin;
pub mod sts;
mod unreached;
mod wire;

pub use self::call::{Bounds, Signer};
pub use self::error::{AwsError, AwsErrorKind};
pub use self::iam::Iam;
pub use self::sts::{Mfa, Sts};
pub use crate::role::RoleRequest;

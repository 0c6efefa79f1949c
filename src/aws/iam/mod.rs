//! IAM: access keys and MFA devices. Its operations, the requests made and signed here, its answers checked, and what its
//! own error codes mean.
//!
//! Without an SDK: a dozen calls of the query protocol need a signature, a form and a small document.

mod answer;
mod client;
mod meaning;
mod operations;
mod request;
mod xml;

pub use self::client::IamClient;
pub use self::operations::{DeviceKind, Iam, KeyInfo, KeyStatus, LastUsed, MfaDevice, VirtualDevice};

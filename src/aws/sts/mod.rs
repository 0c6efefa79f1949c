//! STS: sessions and identities. Its operations, its answers checked, and what its own error codes mean.

mod answer;
mod meaning;
pub mod operations;
mod sdk;

pub use self::operations::{Mfa, Sts};
pub use self::sdk::StsClient;

#[cfg(test)]
mod tests;

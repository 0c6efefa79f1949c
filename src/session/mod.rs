//! The meeting place of plan, question, STS and store: look, lock, look again, mint, keep.
//!
//! - [`identity`]: what makes two sessions the same; a plan's steps with theirs
//! - `target`: one of those steps, with what its call rests on
//! - [`sealing_key`], [`sealed`], [`cache`]: sessions in private files under one key
//! - [`outside`]: the words of a sandbox that hides the sealing key
//! - [`device`], [`codes`], [`declined`]: what callers that want a code of the same device tell each other
//! - `ending`: who tells a person that a session ends soon
//! - `failed`: what those who waited for a base are told of its failure
//! - [`mint`]: the steps of a plan, executed
//! - [`Sessions`]: what that needs; [`Sessions::obtain`] returns the credentials
//!
//! May know [`Plan`](crate::profile::plan::Plan) and the traits of `prompt`, `aws` and `store`; never commands or output.

pub mod cache;
mod closed_dialog;
pub mod codes;
pub mod declined;
pub mod device;
mod ending;
mod failed;
pub mod identity;
pub mod mint;
mod obtain;
pub mod outside;
pub mod question;
pub mod sealed;
pub mod sealing_key;
mod sessions;
pub(crate) mod target;

pub use ending::is_told;
pub use obtain::{Lookup, look};
pub use sessions::{BaseCredentials, Locking, Patience, Sessions};

#[cfg(test)]
mod tests;

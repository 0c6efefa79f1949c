//! The key commands: long-term access keys.

mod new_keys;
pub mod rotate;
mod switch;

use crate::cli::Key;
use crate::error::Result;

use super::context::Invocation;

pub fn run(args: &Key, invocation: &Invocation) -> Result<u8> {
    match args {
        Key::Rotate(args) => rotate::run(args, invocation),
    }
}

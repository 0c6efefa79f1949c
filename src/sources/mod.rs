//! Credentials and tokens that other programs keep on this machine or print.
//!
//! - [`process`]: a `credential_process` of another program, run; [`given`]: what such a program printed
//! - [`sso_token`], [`login_token`]: the token files of the AWS CLI's sign-ins
//! - [`token_file`]: the token of a web identity
//!
//! May know the vocabulary and `system`; never AWS, profiles, prompts or stores. Whether a file may name programs at all
//! is decided before (threat-model P16). `load` reads one file, bounded and without waiting; `proof` is the cheap question
//! of the cached path whether the sign-in is still the one that was used.

pub mod given;
mod json_file;
pub mod login_token;
pub mod process;
pub mod sso_token;
pub mod token_file;

use std::time::Duration;

use crate::timestamp::Timestamp;

/// The size limit of a sign-in's token file; real ones are smaller.
const LONGEST_FILE: u64 = 64 * 1024;

/// A sign-in with less left than this is renewed first, as the SDKs do.
const RENEWED_BEFORE: Duration = Duration::from_secs(5 * 60);

/// Why a file gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// There is none: nobody has signed in, or somebody has signed out.
    Missing,
    /// It cannot be read; why, in words that follow "cannot be read: ".
    Unreadable(String),
    /// It is not what it should be; what is wrong, in words that follow "is damaged: ". Nothing of its content.
    Damaged(String),
}

/// What comes next with a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is used as it is.
    Use,
    /// It is renewed, and used as it is if that fails, because it still lives.
    RenewOrUse,
    /// It is renewed, because it has expired.
    Renew,
    /// A person signs in again.
    SignIn,
}

impl Next {
    /// Decides by the end of what is at hand, and by whether it can be renewed.
    fn of(expires: Timestamp, can_renew: bool, now: Timestamp) -> Self {
        let lives = expires > now;
        match (lives && expires >= now.plus(RENEWED_BEFORE), can_renew) {
            (true, _) => Self::Use,
            (false, true) if lives => Self::RenewOrUse,
            (false, true) => Self::Renew,
            (false, false) if lives => Self::Use,
            (false, false) => Self::SignIn,
        }
    }
}

/// What became of a renewed sign-in that was to be kept.
#[derive(Debug)]
pub enum Saved<T> {
    /// The file holds it now.
    Written,
    /// Another program had changed or removed the file in the meantime: what is there now is the sign-in.
    Changed(Result<T, Problem>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_renewed_early_and_used_while_it_lives() {
        let now = Timestamp::from_unix(1_927_629_296);
        for (left, can_renew, step) in [
            (3600, true, Next::Use),
            (3600, false, Next::Use),
            (300, true, Next::Use),
            (299, true, Next::RenewOrUse),
            (299, false, Next::Use),
            (1, true, Next::RenewOrUse),
            (1, false, Next::Use),
            (0, true, Next::Renew),
            (0, false, Next::SignIn),
            (-1, true, Next::Renew),
            (-86_400, false, Next::SignIn),
            (i64::from(i32::MIN), true, Next::Renew),
        ] {
            let expires = Timestamp::from_unix(now.unix() + left);
            assert_eq!(Next::of(expires, can_renew, now), step, "{left} {can_renew}");
        }
    }
}

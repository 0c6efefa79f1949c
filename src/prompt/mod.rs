//! Where the MFA code comes from: given beforehand, printed by a program, typed at the controlling terminal or,
//! where there is none, into a dialog.
//!
//! May know the vocabulary and `system`; never profiles, STS or stores.

pub mod askpass;
pub mod command;
pub mod dialog;
pub mod given;
pub mod sources;
pub mod terminal;

use crate::arn::{AccountId, MfaSerial};
use crate::error::Failure;
use crate::names::{MfaCode, ProfileName};
use crate::system::clock::Deadline;

/// What is asked, and for whom: shown from the values that will be sent (threat-model P15).
#[derive(Clone, Debug)]
pub struct Question {
    /// The account the credentials will act in (the role's, else the device's).
    pub account: Option<AccountId>,
    /// The profile that was asked for.
    pub profile: ProfileName,
    /// The device whose code is wanted.
    pub device: MfaSerial,
    /// Who asks, as `terraform, pid 4242`; none when the person called us directly.
    pub asker: Option<String>,
    /// The endpoint, when it is not AWS's own: `127.0.0.1:4566`.
    pub foreign_endpoint: Option<String>,
    /// What went wrong before, shown above the question in a line of its own, of at most 80 columns.
    pub notice: Option<String>,
    /// Why no dialog may be opened for this device now: a person closed the last one, or let it pass.
    pub closed_dialog: Option<String>,
}

/// Why no code came.
#[derive(Debug)]
pub enum AskError {
    /// No person can be asked here: no controlling terminal, or we are a background job. The text says which.
    Nobody(String),
    /// The person declined: an empty line, after we said what it does, or end of input.
    Cancelled,
    /// Nothing was entered before the deadline.
    TimedOut,
    /// The source is there and failed (an `mfa_process` that exits 1, a given code of the wrong form).
    Failed(Failure),
}

/// A source of MFA codes.
pub trait CodeSource {
    /// Returns one code for this question before the deadline, asking a person if it has to.
    /// A code of the wrong form is asked again, as long as the source can be asked again.
    fn ask(&self, question: &Question, until: Deadline) -> Result<MfaCode, AskError>;

    /// Whether asking again after a wrong code can return another one (a person: yes; a given code: no).
    fn can_ask_again(&self) -> bool;

    /// Whether a person is asked, who sees when the device shows another code.
    fn is_person(&self) -> bool {
        false
    }

    /// Whether the person was asked in a dialog, which opens unbidden.
    fn is_dialog(&self) -> bool {
        false
    }

    /// Shows a passing note to the person, if there is one to see it: a countdown, who is waited for. Empty erases it.
    fn note(&self, _text: &str) {}
}

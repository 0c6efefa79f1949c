//! Describes users and account roots, and the long-lived keys they call with.

use crate::arn::Arn;
use crate::random;

/// A user or root to be added; missing values are generated.
#[derive(Clone, Debug, Default)]
pub struct NewUser {
    /// `arn:<partition>:iam::<account>:user/<path><name>`, or `…:root`.
    pub arn: String,
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<String>,
}

/// A user or root with one of its long-lived keys.
#[derive(Clone, Debug)]
pub struct User {
    pub arn: String,
    pub user_id: String,
    pub access_key_id: String,
    pub secret_access_key: String,
}

#[derive(Debug)]
pub(super) struct Account {
    pub user_id: String,
}

impl Account {
    pub(super) fn new(arn: &Arn) -> Account {
        // A root's id is the account itself.
        let user_id = if arn.is_root() { arn.account.clone() } else { random::identifier("AIDA") };
        Account { user_id }
    }
}

#[derive(Debug)]
pub(super) struct Key {
    pub owner: String,
    pub secret: String,
    pub active: bool,
}

impl Key {
    pub(super) fn new(owner: &str, secret: String) -> Key {
        Key { owner: owner.to_owned(), secret, active: true }
    }
}

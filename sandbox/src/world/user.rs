//! Describes users and account roots, and what their policies allow.

use std::collections::BTreeSet;

use super::ServerState;
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

/// What the policies of a user allow; roots and roles may do everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    #[default]
    Everything,
    /// AWS's sample policy for users who manage their own credentials with MFA.
    ///
    /// Without MFA the user may look at the own user, and create, enable, list and resync devices. With MFA also
    /// manage the own keys, and deactivate devices. No one may delete a virtual device.
    SelfManaged,
    /// An older version of it: devices are named as the user, and may then be deleted with MFA.
    SelfManagedByName,
}

#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub user_id: String,
    pub created_at: i64,
    pub policy: Policy,
    /// Actions that the policy does not allow.
    pub denied: BTreeSet<String>,
}

impl Account {
    pub(super) fn new(arn: &Arn, now: i64) -> Account {
        // A root's id is the account itself.
        let user_id = if arn.is_root() { arn.account.clone() } else { random::identifier("AIDA") };
        Account { user_id, created_at: now, policy: Policy::default(), denied: BTreeSet::new() }
    }
}

impl ServerState {
    pub(crate) fn account(&self, arn: &str) -> Option<&Account> {
        self.accounts.get(arn)
    }

    pub(crate) fn account_mut(&mut self, arn: &str) -> Option<&mut Account> {
        self.accounts.get_mut(arn)
    }

    /// Returns the ARN of the user of this name in the caller's account, whatever its path.
    pub(crate) fn user_named(&self, caller: &Arn, name: &str) -> Option<String> {
        let near = |arn: &Arn| arn.partition == caller.partition && arn.account == caller.account;
        let is_it = |arn: Arn| arn.is_user() && near(&arn) && arn.name() == name;
        self.accounts.keys().find(|text| Arn::parse(text).is_some_and(is_it)).cloned()
    }

    pub(crate) fn account_arns(&self) -> impl Iterator<Item = &String> {
        self.accounts.keys()
    }

    pub(crate) fn set_alias(&mut self, account: &str, alias: &str) {
        self.aliases.insert(account.to_owned(), alias.to_owned());
    }

    pub(crate) fn alias(&self, account: &str) -> Option<&String> {
        self.aliases.get(account)
    }
}

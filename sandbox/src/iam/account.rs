//! The actions that tell who a user is and what an account is called.

use super::policy::Resource;
use super::{Answer, Implied, list};
use crate::arn::Arn;
use crate::clock::iso;
use crate::refusal::Refusal;
use crate::signed_call::SignedCall;
use crate::xml::{element, wrap};

pub(super) fn user(call: &SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let name = checks.user_name();
    checks.finish()?;
    let arn = call.subject("GetUser", name, Implied::Caller)?;
    Ok(call.answer("GetUser", wrap("User", &described(call, &arn))))
}

pub(super) fn aliases(call: &SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let wanted = checks.page()?;
    checks.finish()?;
    call.authorize("ListAccountAliases", Resource::Account)?;
    let alias = call.world.alias(&call.caller.name().account);
    let members: Vec<String> = alias.map(|alias| element("member", alias)).into_iter().collect();
    Ok(call.answer("ListAccountAliases", list::page(call, &wanted, "AccountAliases", &members)?))
}

/// Describes a user or root; a root has no name.
pub(super) fn described(call: &SignedCall<'_>, arn: &str) -> String {
    let parts = Arn::parse(arn).expect("only whole ARNs enter the world");
    let path = parts.resource.strip_prefix("user").and_then(|rest| rest.strip_suffix(parts.name()));
    let account = call.world.account(arn);
    let path = path.map(|path| element("Path", path)).unwrap_or_default();
    let about = account.map(|it| element("UserId", &it.user_id) + &element("CreateDate", &iso(it.created_at)));
    path + &user_name(arn) + &element("Arn", arn) + &about.unwrap_or_default()
}

/// Writes the name behind an ARN; a root has none.
pub(super) fn user_name(arn: &str) -> String {
    let user = Arn::parse(arn).filter(Arn::is_user);
    user.map(|arn| element("UserName", arn.name())).unwrap_or_default()
}

impl SignedCall<'_> {
    pub(super) fn answer(&self, action: &'static str, result: impl Into<Option<String>>) -> Answer {
        Answer::new(action, &self.caller.name().account, result)
    }
}

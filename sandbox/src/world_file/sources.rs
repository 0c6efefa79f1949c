//! The part of a world that is about single sign-on, `aws login` and identity tokens.

use serde_json::{Value, json};
use twolock_sandbox::{Assignment, IdentityProvider, Sandbox, SsoToken, SsoUser, WebIdentity};

use super::Object;

/// Adds what the world declares, and tells what a caller needs: roles, files of the AWS CLI's caches, tokens.
pub(super) fn fill(sandbox: &Sandbox, world: &Object<'_>, told: &mut Value) -> Result<(), String> {
    let all = |name: &str, add: &dyn Fn(&Sandbox, &Value) -> Result<Value, String>| {
        world.list(name)?.iter().map(|value| add(sandbox, value)).collect::<Result<Vec<_>, String>>()
    };
    told["sso"] = json!(all("sso", &add_person)?);
    told["logins"] = json!(all("logins", &add_login)?);
    if let Some(value) = world.read("identity_provider", "an object", Some)? {
        told["identity_provider"] = add_provider(sandbox, value)?;
    }
    Ok(())
}

fn add_person(sandbox: &Sandbox, value: &Value) -> Result<Value, String> {
    let object = Object::new("a person", value, &["user", "start_url", "region", "assignments", "signed_in_as"])?;
    let mut user = SsoUser::new(&object.need_text("user")?);
    user.start_url = object.text("start_url")?.unwrap_or(user.start_url);
    user.region = object.text("region")?.unwrap_or(user.region);
    user.assignments = object.list("assignments")?.iter().map(assignment).collect::<Result<_, _>>()?;
    let name = user.name.clone();
    let mut told = json!({"user": name, "roles": sandbox.add_sso_user(user)});
    if let Some(session) = object.text("signed_in_as")? {
        let token = sandbox.sso_sign_in(&name);
        let older = session.contains("://");
        told["cache_file"] = json!(SsoToken::cache_file_name(&session));
        told["cache"] = if older { token.legacy_cache_json() } else { token.cache_json() };
    }
    Ok(told)
}

fn assignment(value: &Value) -> Result<Assignment, String> {
    let object = Object::new("an assignment", value, &["account", "role", "seconds"])?;
    let account = object.need_text("account")?;
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("an assignment: not an account: {account}"));
    }
    Ok(Assignment { account, role_name: object.need_text("role")?, seconds: object.number("seconds")?.unwrap_or(3600) })
}

fn add_login(sandbox: &Sandbox, value: &Value) -> Result<Value, String> {
    let object = Object::new("a login", value, &["arn", "mfa"])?;
    let arn = object.need_text("arn")?;
    let login = if object.flag("mfa")? { sandbox.open_login_with_mfa(&arn)? } else { sandbox.open_login(&arn)? };
    Ok(json!({"arn": arn, "cache_file": login.cache_file_name(), "cache": login.cache_json()}))
}

fn add_provider(sandbox: &Sandbox, value: &Value) -> Result<Value, String> {
    let object = Object::new("an identity provider", value, &["account", "issuer", "audience", "tokens"])?;
    let provider = IdentityProvider {
        account: object.need_text("account")?,
        issuer: object.need_text("issuer")?,
        audience: object.need_text("audience")?,
    };
    let arn = sandbox.add_identity_provider(provider);
    let tokens: Vec<String> =
        object.list("tokens")?.iter().map(|value| token(sandbox, value)).collect::<Result<_, _>>()?;
    Ok(json!({"arn": arn, "tokens": tokens}))
}

fn token(sandbox: &Sandbox, value: &Value) -> Result<String, String> {
    let object = Object::new("an identity token", value, &["subject", "seconds"])?;
    Ok(sandbox.identity_token(&object.need_text("subject")?, object.number("seconds")?.unwrap_or(3600)))
}

/// Returns the subjects that a role trusts.
pub(super) fn web_identities(role: &Object<'_>) -> Result<Vec<WebIdentity>, String> {
    let read = |value| {
        let object = Object::new("a web identity", value, &["issuer", "subject"])?;
        Ok(WebIdentity { issuer: object.need_text("issuer")?, subject: object.need_text("subject")? })
    };
    role.list("web_identities")?.iter().map(read).collect()
}

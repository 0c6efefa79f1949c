//! The portal: what a person is assigned, and credentials for it.

use serde_json::{Value, json};

use crate::arn::Arn;
use crate::refusal::Refusal;
use crate::rest::JsonCall;
use crate::world::{Session, SsoUser};

/// The header that carries the access token.
pub(crate) const TOKEN: &str = "x-amz-sso_bearer_token";

pub(crate) fn perform(mut call: JsonCall<'_>) -> Result<Value, Refusal> {
    let token = call.request.header(TOKEN).ok_or_else(unauthorized)?;
    let user = call.world.sso_bearer(token, call.now).ok_or_else(unauthorized)?.clone();
    match call.action {
        "GetRoleCredentials" => role_credentials(&mut call, &user),
        "ListAccounts" => accounts(&call, &user),
        "ListAccountRoles" => roles(&call, &user),
        _ => {
            call.world.sign_out_token(token);
            Ok(Value::Null)
        }
    }
}

fn unauthorized() -> Refusal {
    Refusal::new(401, "UnauthorizedException", "Session token not found or invalid")
}

fn no_access() -> Refusal {
    Refusal::new(403, "ForbiddenException", "No access")
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(400, "InvalidRequestException", message)
}

fn account_id<'a>(call: &JsonCall<'a>) -> Result<&'a str, Refusal> {
    let is_account = |text: &&str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    call.query.get("account_id").filter(is_account).ok_or_else(|| invalid("account_id is not an account"))
}

fn role_credentials(call: &mut JsonCall<'_>, user: &SsoUser) -> Result<Value, Refusal> {
    let account = account_id(call)?;
    let role_name = call.query.get("role_name").filter(|name| !name.is_empty());
    let role_name = role_name.ok_or_else(|| invalid("role_name is missing"))?;
    let assignment = user.assignment(account, role_name).ok_or_else(no_access)?;
    let arn = call.world.reserved_role(assignment).ok_or_else(no_access)?;
    let (role, role_id) = call.world.role(arn).ok_or_else(no_access)?;
    let name = Arn::parse(arn).expect("a role's ARN is made of its parts");
    let session = Session {
        arn: name.sibling("sts", &format!("assumed-role/{}/{}", role.name, user.name)),
        user_id: format!("{role_id}:{}", user.name),
        role_arn: Some(arn.clone()),
        ..Session::new("sso", call.now, assignment.seconds, call.token_length)
    };
    call.world.remember(session.clone());
    Ok(json!({"roleCredentials": {
        "accessKeyId": session.access_key_id,
        "secretAccessKey": session.secret_access_key,
        "sessionToken": session.session_token,
        "expiration": session.expires_at * 1000,
    }}))
}

fn accounts(call: &JsonCall<'_>, user: &SsoUser) -> Result<Value, Refusal> {
    let account = |id: &&str| {
        let name = call.world.alias(id).cloned().unwrap_or_else(|| format!("account {id}"));
        json!({"accountId": id, "accountName": name, "emailAddress": format!("aws-{id}@example.com")})
    };
    page(call, "accountList", user.accounts().iter().map(account).collect())
}

fn roles(call: &JsonCall<'_>, user: &SsoUser) -> Result<Value, Refusal> {
    let account = account_id(call)?;
    let own = user.assignments.iter().filter(|it| it.account == account);
    let roles: Vec<Value> = own.map(|it| json!({"accountId": account, "roleName": it.role_name})).collect();
    if roles.is_empty() {
        return Err(no_access());
    }
    page(call, "roleList", roles)
}

/// Returns as much of a list as the caller wants and the server gives at once.
fn page(call: &JsonCall<'_>, name: &str, all: Vec<Value>) -> Result<Value, Refusal> {
    let number = |name| call.query.get(name).map(|text| text.parse::<usize>().ok());
    let most = match number("max_result") {
        None => 100,
        Some(most) => most.filter(|most| (1..=100).contains(most)).ok_or_else(|| invalid("max_result is invalid"))?,
    };
    let from = match number("next_token") {
        None => 0,
        Some(from) => from.filter(|from| *from < all.len()).ok_or_else(|| invalid("next_token is invalid"))?,
    };
    let to = all.len().min(from + most.min(call.world.pace.page_size));
    let next = (to < all.len()).then(|| to.to_string());
    Ok(json!({name: all[from..to], "nextToken": next}))
}

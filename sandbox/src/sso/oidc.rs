//! OIDC: a client registers, a person approves its device code, and it gets tokens and refreshes them.

use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::rest::JsonCall;
use crate::world::{Consent, DEVICE_INTERVAL, DEVICE_SECONDS, IssuedTokens, SsoClient};

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(crate) fn perform(mut call: JsonCall<'_>) -> Result<Value, Refusal> {
    match call.action {
        "RegisterClient" => register(&mut call),
        "StartDeviceAuthorization" => start(&mut call),
        _ => token(&mut call),
    }
}

/// Returns the name that RFC 6749 and 8628 have for an exception of the service: `ExpiredTokenException` is `expired_token`.
pub(crate) fn error_name(code: &str) -> String {
    if matches!(code, "InternalServerException" | "ServiceUnavailableException") {
        return "server_error".to_owned();
    }
    let mut name = String::new();
    for letter in code.trim_end_matches("Exception").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn refusal(code: &str, message: &str) -> Refusal {
    let status = if code == "InvalidClientException" { 401 } else { 400 };
    Refusal::new(status, code, message)
}

fn need<'a>(call: &JsonCall<'a>, name: &str) -> Result<&'a str, Refusal> {
    call.text(name).ok_or_else(|| refusal("InvalidRequestException", &format!("{name} is missing")))
}

fn register(call: &mut JsonCall<'_>) -> Result<Value, Refusal> {
    need(call, "clientName")?;
    if need(call, "clientType")? != "public" {
        return Err(refusal("InvalidClientMetadataException", "clientType is not public"));
    }
    let scoped = call.body.get("scopes").and_then(Value::as_array).is_some_and(|scopes| !scopes.is_empty());
    let client = call.world.register_client(scoped, call.now);
    Ok(json!({
        "clientId": client.id,
        "clientSecret": client.secret,
        "clientIdIssuedAt": call.now,
        "clientSecretExpiresAt": client.expires_at,
    }))
}

/// Returns the client of a call when its secret is right.
fn client(call: &JsonCall<'_>) -> Result<SsoClient, Refusal> {
    let (id, secret) = (need(call, "clientId")?, need(call, "clientSecret")?);
    let client = call.world.sso_client(id).filter(|client| client.secret == secret && client.expires_at > call.now);
    client.cloned().ok_or_else(|| refusal("InvalidClientException", "Invalid client"))
}

fn start(call: &mut JsonCall<'_>) -> Result<Value, Refusal> {
    let client = client(call)?;
    let start_url = need(call, "startUrl")?;
    if !call.world.knows_start_url(start_url) {
        return Err(refusal("InvalidRequestException", "Invalid start url provided"));
    }
    let grant = call.world.start_device_grant(&client.id, start_url, call.now);
    let page = format!("{}/_sandbox/device", call.url);
    Ok(json!({
        "deviceCode": grant.device_code,
        "userCode": grant.user_code,
        "verificationUri": page,
        "verificationUriComplete": format!("{page}?user_code={}", grant.user_code),
        "expiresIn": DEVICE_SECONDS,
        "interval": DEVICE_INTERVAL,
    }))
}

fn token(call: &mut JsonCall<'_>) -> Result<Value, Refusal> {
    let grant = need(call, "grantType")?;
    let client = client(call)?;
    let tokens = match grant {
        DEVICE_GRANT => by_device(call, &client)?,
        "refresh_token" => by_refresh(call, &client)?,
        _ => return Err(refusal("UnsupportedGrantTypeException", "Unsupported grant type")),
    };
    let mut answer = json!({"accessToken": tokens.access, "tokenType": "Bearer", "expiresIn": tokens.seconds});
    if let Some(refresh) = tokens.refresh {
        answer["refreshToken"] = json!(refresh);
    }
    Ok(answer)
}

fn by_device(call: &mut JsonCall<'_>, client: &SsoClient) -> Result<IssuedTokens, Refusal> {
    let code = need(call, "deviceCode")?;
    let grant = call.world.device_grant(code, &client.id).filter(|grant| grant.consent != Consent::Used);
    let grant = grant.ok_or_else(|| refusal("InvalidGrantException", "Invalid device code provided"))?;
    if grant.expires_at <= call.now {
        return Err(refusal("ExpiredTokenException", "Device code has expired"));
    }
    if grant.is_asked_too_soon(call.now) {
        return Err(refusal("SlowDownException", "The device polls too often"));
    }
    let user = match &grant.consent {
        Consent::Approved(user) => user.clone(),
        Consent::Denied => return Err(refusal("AccessDeniedException", "The person denied the request")),
        Consent::Waiting | Consent::Used => {
            return Err(refusal("AuthorizationPendingException", "The person has not answered yet"));
        }
    };
    grant.consent = Consent::Used;
    Ok(call.world.start_sso_session(&user, &client.id, client.scoped, call.now))
}

fn by_refresh(call: &mut JsonCall<'_>, client: &SsoClient) -> Result<IssuedTokens, Refusal> {
    let token = need(call, "refreshToken")?;
    let session = call.world.refreshable(token, &client.id, call.now);
    let session = session.ok_or_else(|| refusal("InvalidGrantException", "Invalid refresh token provided"))?;
    Ok(call.world.issue_tokens(session, true, call.now))
}

#[cfg(test)]
mod tests {
    use super::error_name;

    #[test]
    fn exceptions_have_the_names_of_the_standards() {
        let rows = [
            ("AuthorizationPendingException", "authorization_pending"),
            ("SlowDownException", "slow_down"),
            ("ExpiredTokenException", "expired_token"),
            ("UnsupportedGrantTypeException", "unsupported_grant_type"),
            ("InternalServerException", "server_error"),
        ];
        for (code, name) in rows {
            assert_eq!(error_name(code), name);
        }
    }
}

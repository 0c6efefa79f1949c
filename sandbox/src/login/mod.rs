//! The sign-in behind `aws login`: short credentials for a refresh token and a proof of the session's key.

mod proof;

use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::rest::JsonCall;
use crate::world::{LOGIN_SECONDS, LoginState};

/// The clients that AWS knows: the AWS CLI with a browser on the same machine, or on another.
const CLIENTS: [&str; 2] = ["arn:aws:signin:::devtools/same-device", "arn:aws:signin:::devtools/cross-device"];

pub(crate) fn perform(call: JsonCall<'_>) -> Result<Value, Refusal> {
    let need = |name: &str| call.text(name).ok_or_else(|| invalid(format!("{name} is missing")));
    let client_id = need("clientId")?;
    if !CLIENTS.contains(&client_id) {
        return Err(invalid("clientId does not match the pattern"));
    }
    match need("grantType")? {
        "refresh_token" => {}
        "authorization_code" => return Err(invalid("the sandbox has no authorization codes")),
        _ => return Err(invalid("grantType does not match the pattern")),
    }
    let refresh_token = need("refreshToken")?;
    let proof = proof::read(call.request, call.url, call.now).map_err(invalid)?;
    if !call.world.is_new_proof(&proof.jti) {
        return Err(invalid("DPoP proof was used before"));
    }
    let login = call.world.login(refresh_token).filter(|login| login.client_id == client_id);
    let login = login.cloned().ok_or_else(|| denied("TOKEN_EXPIRED"))?;
    if login.point != proof.point {
        return Err(invalid("DPoP proof is not of the key that the session was opened with"));
    }
    match login.state {
        LoginState::Good => {}
        LoginState::Expired => return Err(denied("TOKEN_EXPIRED")),
        LoginState::CredentialsChanged => return Err(denied("USER_CREDENTIALS_CHANGED")),
        LoginState::NotPermitted => return Err(denied("INSUFFICIENT_PERMISSIONS")),
    }
    let next = call.world.rotate_login(refresh_token);
    let session = call.world.issue_login(&login, call.token_length, call.now);
    Ok(json!({
        "accessToken": {
            "accessKeyId": session.access_key_id,
            "secretAccessKey": session.secret_access_key,
            "sessionToken": session.session_token,
        },
        "tokenType": "aws_sigv4",
        "expiresIn": LOGIN_SECONDS,
        "refreshToken": next,
    }))
}

/// Returns the exception that carries an error code; an exception's own name stays as it is.
pub(crate) fn exception_name(code: &str) -> &str {
    match code {
        "TOKEN_EXPIRED" | "AUTHCODE_EXPIRED" | "USER_CREDENTIALS_CHANGED" | "INSUFFICIENT_PERMISSIONS" => {
            "AccessDeniedException"
        }
        "INVALID_REQUEST" => "ValidationException",
        "rate_exceeded" => "TooManyRequestsError",
        other => other,
    }
}

/// Returns the error code that goes with it in the body.
pub(crate) fn error_name(code: &str) -> &str {
    match code {
        "InternalServerException" => "server_error",
        "ServiceUnavailableException" => "service_unavailable",
        other => other,
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "INVALID_REQUEST", message)
}

fn denied(error: &str) -> Refusal {
    let message = match error {
        "USER_CREDENTIALS_CHANGED" => "The credentials of the user have changed",
        "INSUFFICIENT_PERMISSIONS" => "The user may not use this sign-in",
        _ => "The refresh token is expired or not valid",
    };
    // The model gives it no status of its own, which means 400.
    Refusal::new(400, error, message)
}

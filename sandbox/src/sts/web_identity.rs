//! `AssumeRoleWithWebIdentity`: an identity token in the place of a key, and the roles that trust its subject.

use super::answer::{Answer, AssumedRole, Subject};
use super::assume_role::packed;
use crate::arn::Arn;
use crate::checks::Checks;
use crate::jwt::Jwt;
use crate::refusal::Refusal;
use crate::signed_call::UnsignedCall;
use crate::world::{ServerState, Session};

const HOUR: i64 = 3600;

struct Request<'a> {
    role_arn: &'a str,
    session_name: &'a str,
    token: &'a str,
    seconds: i64,
    packed: Option<usize>,
}

pub(super) fn answer(call: UnsignedCall<'_>) -> Result<Answer, Refusal> {
    let request = read(&call)?;
    let name = Arn::parse(request.role_arn)
        .filter(Arn::is_role)
        .ok_or_else(|| Refusal::validation("Request ARN is invalid"))?;
    let subject = verify(call.world, request.token, &name.account, call.now)?;
    let trusted = |issuer: &str| {
        call.world
            .role(request.role_arn)
            .filter(|(role, _)| role.web_identities.iter().any(|it| it.means(issuer, &subject.claims.subject)))
    };
    let (role, role_id) = trusted(&subject.issuer)
        .ok_or_else(|| Refusal::access_denied("Not authorized to perform sts:AssumeRoleWithWebIdentity"))?;
    if request.seconds > role.max_duration {
        return Err(Refusal::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    let assumed = AssumedRole {
        arn: name.sibling("sts", &format!("assumed-role/{}/{}", role.name, request.session_name)),
        id: format!("{role_id}:{}", request.session_name),
    };
    let session = Session {
        arn: assumed.arn.clone(),
        user_id: assumed.id.clone(),
        role_arn: Some(role.arn()),
        ..Session::new(&subject.claims.provider, call.now, request.seconds, call.token_length)
    };
    let mut answer = Answer::new("AssumeRoleWithWebIdentity");
    answer.credentials = Some((&session).into());
    answer.assumed_role = Some(assumed);
    answer.packed_policy_size = request.packed;
    answer.web_identity = Some(subject.claims);
    call.world.remember(session);
    Ok(answer)
}

fn read<'a>(call: &UnsignedCall<'a>) -> Result<Request<'a>, Refusal> {
    let mut checks = Checks::new(call.params);
    let role_arn = checks.role_arn();
    let session_name = checks.session_name();
    let token = checks.web_identity_token();
    let seconds = checks.seconds(900, 43_200)?.unwrap_or(HOUR);
    let policy = checks.policy();
    let policy_arns = checks.policy_arns();
    checks.finish()?;
    Ok(Request { role_arn, session_name, token, seconds, packed: packed(policy, &policy_arns, &[])? })
}

struct Verified {
    issuer: String,
    claims: Subject,
}

/// Reads a token of a provider of this account; each check that fails has AWS's own words.
fn verify(world: &ServerState, token: &str, account: &str, now: i64) -> Result<Verified, Refusal> {
    let jwt = Jwt::parse(token).ok_or_else(|| {
        invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
    })?;
    let claim = |name: &str| jwt.text(name).ok_or_else(|| missing(name));
    let issuer = claim("iss")?;
    let provider = world
        .provider(account, issuer)
        .ok_or_else(|| invalid(format!("No OpenIDConnect provider found in your account for {issuer}")))?;
    if !jwt.is_signed_by(world.providers.key.point()) {
        return Err(invalid("Couldn't retrieve verification key from your identity provider"));
    }
    let (subject, audience) = (claim("sub")?, claim("aud")?);
    if audience != provider.audience {
        return Err(invalid("Incorrect token audience"));
    }
    jwt.moment("iat").ok_or_else(|| missing("iat"))?;
    if jwt.moment("nbf").is_some_and(|from| from > now) {
        return Err(invalid("Token is not valid yet"));
    }
    let end = jwt.moment("exp").ok_or_else(|| missing("exp"))?;
    if end <= now {
        let words = format!("Token expired: current date/time {now} must be before the expiration date/time {end}");
        return Err(Refusal::new(400, "ExpiredTokenException", words));
    }
    Ok(Verified {
        issuer: issuer.to_owned(),
        claims: Subject { subject: subject.to_owned(), audience: audience.to_owned(), provider: provider.arn() },
    })
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidIdentityToken", message)
}

fn missing(claim: &str) -> Refusal {
    invalid(format!("Missing a required claim: {claim}"))
}

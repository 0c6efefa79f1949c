//! `AssumeRole`: the trust policy, the limits on time, and what a session carries on.

use super::SignedCall;
use super::answer::{Answer, AssumedRole};
use super::grammar::{MEMBER_LIMIT, POLICY_ROOM};
use crate::arn::Arn;
use crate::checks::Checks;
use crate::refusal::Refusal;
use crate::world::{Caller, Policy, Role, SourceIdentity};

const HOUR: i64 = 3600;

type Tags = Vec<(String, String)>;

/// What a call asks of a role, checked for grammar only.
struct Request<'a> {
    role_arn: &'a str,
    session_name: &'a str,
    seconds: i64,
    external_id: Option<&'a str>,
    source_identity: Option<&'a str>,
    tags: Tags,
    transitive_keys: Vec<&'a str>,
    /// How much of the room for policies and tags is taken, in per cent; nothing when there are none.
    packed: Option<usize>,
}

pub(super) fn answer(mut call: SignedCall<'_>) -> Result<Answer, Refusal> {
    let request = read(&call)?;
    if call.caller.is_root() {
        return Err(Refusal::access_denied("Roles may not be assumed by root accounts."));
    }
    // Before the trust policy is looked at: a refused role costs the code all the same.
    let proved = call.prove_device()?;
    let (role, role_id) =
        call.world.role(request.role_arn).ok_or_else(|| refused(call.caller, "AssumeRole", request.role_arn))?;
    let (tags, transitive_tags) = session_tags(call.caller, &request)?;
    let mfa_at = proved.or(call.caller.mfa_at());
    let source_identity = authorize(&call, role, &request, mfa_at, !tags.is_empty())?;
    check_time(call.caller, role, request.seconds)?;

    let name = Arn::parse(&role.arn()).expect("a role's ARN is made of its parts");
    let assumed = AssumedRole {
        arn: name.sibling("sts", &format!("assumed-role/{}/{}", role.name, request.session_name)),
        id: format!("{role_id}:{}", request.session_name),
    };
    let mut session = call.new_session(request.seconds, proved);
    session.arn = assumed.arn.clone();
    session.user_id = assumed.id.clone();
    session.role_arn = Some(role.arn());
    session.source_identity = source_identity.clone();
    session.transitive_tags = transitive_tags;

    let mut answer = Answer::new("AssumeRole");
    answer.credentials = Some((&session).into());
    answer.assumed_role = Some(assumed);
    answer.packed_policy_size = request.packed;
    answer.source_identity = source_identity;
    call.world.remember(session);
    Ok(answer)
}

fn read<'a>(call: &SignedCall<'a>) -> Result<Request<'a>, Refusal> {
    let params = call.params;
    let mut checks = Checks::new(params);
    let role_arn = checks.role_arn();
    let session_name = checks.session_name();
    let seconds = checks.seconds(900, 43_200)?.unwrap_or(HOUR);
    checks.device();
    let external_id = checks.external_id();
    let source_identity = checks.source_identity();
    let policy = checks.policy();
    let policy_arns = checks.policy_arns();
    let tags = checks.tags();
    let transitive_keys = checks.transitive_keys();
    checks.finish()?;
    if !Arn::parse(role_arn).is_some_and(|arn| arn.is_role()) {
        return Err(Refusal::validation(format!("{role_arn} is invalid")));
    }
    Ok(Request {
        role_arn,
        session_name,
        seconds,
        external_id,
        source_identity,
        packed: packed(policy, &policy_arns, &tags)?,
        tags,
        transitive_keys,
    })
}

fn is_object(value: serde_json::Value) -> bool {
    value.is_object()
}

/// Returns how full the packed form is. AWS's packing is secret; ours only grows with what is sent.
pub(super) fn packed(policy: Option<&str>, arns: &[&str], tags: &[(String, String)]) -> Result<Option<usize>, Refusal> {
    if policy.is_some_and(|text| !serde_json::from_str(text).is_ok_and(is_object)) {
        return Err(Refusal::new(400, "MalformedPolicyDocument", "This policy contains invalid Json"));
    }
    if policy.is_none() && arns.is_empty() && tags.is_empty() {
        return Ok(None);
    }
    let bytes = policy.map_or(0, str::len)
        + arns.iter().map(|arn| arn.len()).sum::<usize>()
        + tags.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>();
    let percent = (bytes * 100).div_ceil(POLICY_ROOM);
    if percent > 100 {
        return Err(Refusal::new(
            400,
            "PackedPolicyTooLarge",
            format!("Packed policy consumes {percent}% of allotted space, please use smaller policy."),
        ));
    }
    Ok(Some(percent))
}

/// Returns all tags of the new session, and the transitive ones.
fn session_tags(caller: &Caller, request: &Request<'_>) -> Result<(Tags, Tags), Refusal> {
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    for (at, (key, _)) in request.tags.iter().enumerate() {
        if request.tags[..at].iter().any(|(other, _)| same(key, other)) {
            return Err(Refusal::invalid_parameter(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    let inherited = caller.session.as_ref().map_or(&[] as &[_], |session| &session.transitive_tags);
    let clash = |(key, _): &(String, String)| inherited.iter().any(|(old, _)| same(key, old));
    if request.tags.iter().any(clash) {
        return Err(Refusal::invalid_parameter(
            "One of the specified transitive tag keys can't be set because it conflicts with a \
             transitive tag key from the calling session.",
        ));
    }
    let mut transitive = inherited.to_vec();
    for key in &request.transitive_keys {
        let tag = request.tags.iter().find(|(known, _)| same(known, key));
        transitive.push(tag.cloned().ok_or_else(|| {
            Refusal::invalid_parameter("The specified transitive tag key must be included in the requested tags.")
        })?);
    }
    let mut all = inherited.to_vec();
    all.extend(request.tags.iter().cloned());
    if all.len() > MEMBER_LIMIT {
        return Err(Refusal::invalid_parameter(
            "The number of session tags, transitive ones included, exceeds the limit.",
        ));
    }
    Ok((all, transitive))
}

/// Holds the trust policy against the call and returns the source identity of the new session.
fn authorize(
    call: &SignedCall<'_>,
    role: &Role,
    request: &Request<'_>,
    mfa_at: Option<i64>,
    tagged: bool,
) -> Result<Option<String>, Refusal> {
    let caller = call.caller;
    let no = |action| refused(caller, action, request.role_arn);
    // A sample policy forbids everything without MFA, whatever the role's own policy says.
    let policy = call.world.account(&caller.arn).map(|user| user.policy).unwrap_or_default();
    if policy != Policy::Everything && mfa_at.is_none() {
        let name = "sts:AssumeRole";
        return Err(Refusal::not_authorized(&caller.arn, name, request.role_arn, Refusal::EXPLICIT_DENY));
    }
    let inherited = caller.session.as_ref().and_then(|session| session.source_identity.clone());
    let asked = request.source_identity.map(str::to_owned);
    if inherited.is_some() && asked.is_some() && inherited != asked {
        return Err(no("SetSourceIdentity"));
    }
    let source_identity = asked.or(inherited);

    let principal = role.principals.iter().any(|it| caller.is_meant_by(it));
    let mfa = !role.require_mfa || mfa_at.is_some();
    // An age that is not there fulfils no numeric condition.
    let fresh = role.max_mfa_age.is_none_or(|most| mfa_at.is_some_and(|at| call.now - at <= most));
    let external = role.external_id.is_none() || role.external_id.as_deref() == request.external_id;
    let identified = match &role.source_identity {
        SourceIdentity::Refused | SourceIdentity::Allowed => true,
        SourceIdentity::Required => source_identity.is_some(),
        SourceIdentity::Exactly(one) => source_identity.as_ref() == Some(one),
    };
    if !(principal && mfa && fresh && external && identified) {
        return Err(no("AssumeRole"));
    }
    if source_identity.is_some() && role.source_identity == SourceIdentity::Refused {
        return Err(no("SetSourceIdentity"));
    }
    if tagged && !role.allow_tags {
        return Err(no("TagSession"));
    }
    Ok(source_identity)
}

fn refused(caller: &Caller, action: &str, role_arn: &str) -> Refusal {
    Refusal::not_authorized(&caller.arn, &format!("sts:{action}"), role_arn, "")
}

/// Holds the time asked for against the role's own maximum and the hour of chained sessions.
fn check_time(caller: &Caller, role: &Role, seconds: i64) -> Result<(), Refusal> {
    // A user's GetSessionToken session counts as chaining too, though AWS's text says roles.
    if caller.session.is_some() && seconds > HOUR {
        return Err(Refusal::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
             role chaining.",
        ));
    }
    if seconds > role.max_duration {
        return Err(Refusal::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(())
}

//! Answers checked before anything of them is kept (threat-model P18, F34).

use std::time::Duration;

use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityOutput;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws_sdk_sts::operation::get_session_token::GetSessionTokenOutput;
use aws_sdk_sts::types::{AssumedRoleUser, Credentials};

use super::operations::CallerIdentity;
use crate::arn::{AccountId, MfaSerial, account_of};
use crate::aws::clocks::Clocks;
use crate::aws::given::Given;
use crate::credentials::Session;
use crate::role::RoleRequest;
use crate::secret::Secret;
use crate::timestamp::Timestamp;

/// Returns the session of a GetSessionToken answer, or what is wrong with it. Its account is the device's, if known.
pub(super) fn session_token(
    answer: GetSessionTokenOutput,
    device: Option<&MfaSerial>,
    asked: Duration,
    clocks: Clocks,
) -> Result<Session, String> {
    session(answer.credentials, device.and_then(MfaSerial::account).cloned(), asked, clocks)
}

/// Returns the session of an AssumeRole answer, or what is wrong with it.
pub(super) fn role_session(answer: AssumeRoleOutput, request: &RoleRequest, clocks: Clocks) -> Result<Session, String> {
    must_be_as_asked(answer.assumed_role_user().map_or("", AssumedRoleUser::arn), request)?;
    session(answer.credentials, Some(request.role.account().clone()), request.duration, clocks)
}

/// Returns the session of an AssumeRoleWithWebIdentity answer, or what is wrong with it.
pub(super) fn web_identity_session(
    answer: AssumeRoleWithWebIdentityOutput,
    request: &RoleRequest,
    clocks: Clocks,
) -> Result<Session, String> {
    must_be_as_asked(answer.assumed_role_user().map_or("", AssumedRoleUser::arn), request)?;
    session(answer.credentials, Some(request.role.account().clone()), request.duration, clocks)
}

/// Checks that `arn:PARTITION:sts::ACCOUNT:assumed-role/ROLE/SESSION` is the role and the session that were asked for.
fn must_be_as_asked(arn: &str, request: &RoleRequest) -> Result<(), String> {
    let role = &request.role;
    let account = account_of(arn).ok_or("it names no account")?;
    if account != *role.account() {
        return Err(format!("it is for account {account}, but the role is in account {}", role.account()));
    }
    let Some((partition, name, session)) = assumed_role(arn) else { return Err("it contains no role".into()) };
    if partition != role.partition().name() {
        return Err(format!("it is for partition {partition}, but the role is in partition {}", role.partition()));
    }
    // In IAM no two names differ in case alone, and the answer may spell the name as it was created.
    if !name.eq_ignore_ascii_case(role.name()) {
        return Err(format!("it is for role '{name}', but '{}' was requested", role.name()));
    }
    if session != request.session_name.as_str() {
        return Err(format!("its session is '{session}', but '{}' was requested", request.session_name));
    }
    Ok(())
}

/// Returns partition, role and session of `AssumedRoleUser.Arn`.
fn assumed_role(arn: &str) -> Option<(&str, &str, &str)> {
    if arn.len() > 2048 || !arn.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let mut fields = arn.splitn(6, ':');
    let (partition, service) = (fields.nth(1)?, fields.next()?);
    let (role, session) = fields.nth(2)?.strip_prefix("assumed-role/")?.split_once('/')?;
    (service == "sts").then_some((partition, role, session))
}

/// Returns the identity of a GetCallerIdentity answer, or what is wrong with it.
pub(super) fn identity(answer: &GetCallerIdentityOutput) -> Result<CallerIdentity, String> {
    let plain = |text: &Option<String>| {
        let text = text.as_deref().filter(|t| (1..=2048).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_graphic()));
        text.map(str::to_owned)
    };
    let account = answer.account().and_then(AccountId::parse).ok_or("it names no account")?;
    let arn = plain(&answer.arn).filter(|arn| account_of(arn).as_ref() == Some(&account));
    Ok(CallerIdentity {
        arn: arn.ok_or("it contains no ARN in its account")?,
        user_id: plain(&answer.user_id).ok_or("it contains no user id")?,
        account,
    })
}

fn session(
    credentials: Option<Credentials>,
    account: Option<AccountId>,
    asked: Duration,
    clocks: Clocks,
) -> Result<Session, String> {
    let credentials = credentials.ok_or("it contains no credentials")?;
    // Moved, not copied: both are wiped with the session, or in the check if it is refused.
    let (secret, token) = (Secret::new(credentials.secret_access_key), Secret::new(credentials.session_token));
    let expires = Timestamp::from_unix(credentials.expiration.secs());
    Given { id: &credentials.access_key_id, secret, token, expires }.checked(account, asked, clocks)
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;

    use super::*;
    use crate::arn::RoleArn;
    use crate::credentials::LONGEST_TOKEN;
    use crate::names::SessionName;

    const NOW: i64 = 1_927_629_296;
    const HOUR: Duration = Duration::from_secs(3600);

    fn clocks(theirs: Option<i64>) -> Clocks {
        Clocks { ours: Timestamp::from_unix(NOW), theirs: theirs.map(|off| Timestamp::from_unix(NOW + off)) }
    }

    fn credentials(id: &str, secret: &str, token: &str, ends_in: i64) -> Credentials {
        let builder = Credentials::builder().access_key_id(id).secret_access_key(secret).session_token(token);
        builder.expiration(DateTime::from_secs(NOW + ends_in)).build().unwrap()
    }

    fn good(ends_in: i64) -> Credentials {
        credentials("ASIAIOSFODNN7EXAMPLE", "secret/+canary", "token/+canary==", ends_in)
    }

    fn role_answer(arn: &str) -> AssumeRoleOutput {
        let user = AssumedRoleUser::builder().assumed_role_id("AROA:x").arn(arn).build().unwrap();
        AssumeRoleOutput::builder().assumed_role_user(user).credentials(good(3600)).build()
    }

    fn request() -> RoleRequest {
        RoleRequest::plain(
            RoleArn::parse("arn:aws:iam::123456789012:role/path/Admin").unwrap(),
            SessionName::parse("ana").unwrap(),
            HOUR,
        )
    }

    #[test]
    fn an_answer_as_asked_is_taken() {
        let session = session(Some(good(3600)), None, HOUR, clocks(None)).unwrap();
        assert_eq!(session.expires, Timestamp::from_unix(NOW + 3600));
        assert!(!format!("{session:?}").contains("canary"), "{session:?}");
    }

    #[test]
    fn account_of_a_session_token_is_the_devices() {
        let answer = GetSessionTokenOutput::builder().credentials(good(3600)).build();
        let device = MfaSerial::parse("arn:aws:iam::123456789012:mfa/ana").unwrap();
        let with = session_token(answer.clone(), Some(&device), HOUR, clocks(None)).unwrap();
        assert_eq!(with.account, AccountId::parse("123456789012"));
        assert_eq!(session_token(answer.clone(), None, HOUR, clocks(None)).unwrap().account, None);
        let hardware = MfaSerial::parse("GAHT12345678").unwrap();
        assert_eq!(session_token(answer, Some(&hardware), HOUR, clocks(None)).unwrap().account, None);
    }

    #[test]
    fn credentials_with_a_part_missing_or_malformed_are_refused_and_not_shown() {
        let long = "x".repeat(LONGEST_TOKEN + 1);
        for (id, secret, token, why) in [
            ("", "s", "t", "its access key id is invalid"),
            ("ASIA canary", "s", "t", "its access key id is invalid"),
            ("ASIAIOSFODNN7EXAMPLE", "", "t", "its secret key is missing or malformed"),
            ("ASIAIOSFODNN7EXAMPLE", "canary$(x)", "t", "its secret key is missing or malformed"),
            ("ASIAIOSFODNN7EXAMPLE", "s", "", "its session token is missing or malformed"),
            ("ASIAIOSFODNN7EXAMPLE", "s", "canary\nx", "its session token is missing or malformed"),
            ("ASIAIOSFODNN7EXAMPLE", "s", "canary *", "its session token is missing or malformed"),
            ("ASIAIOSFODNN7EXAMPLE", "s", &long, "its session token is longer than 16384 bytes"),
        ] {
            let bad = credentials(id, secret, token, 3600);
            assert_eq!(session(Some(bad), None, HOUR, clocks(None)).unwrap_err(), why);
        }
        assert_eq!(session(None, None, HOUR, clocks(None)).unwrap_err(), "it contains no credentials");
    }

    #[test]
    fn ends_that_are_believed() {
        for (ends_in, theirs, taken) in [
            (3600, None, true),
            (900, None, true),
            (1, None, true),
            (0, None, false),
            (-1, None, false),
            (-86_400, None, false),
            (3600 + 300, None, true),
            (3600 + 301, None, false),
            (i64::from(i32::MAX), None, false),
            // our clock is 14 minutes slow, and AWS still takes our signature
            (3600 + 840, Some(840), true),
            (3600 + 840 + 301, Some(840), false),
            // our clock is fast: what we see is shorter, and what is not shorter is right by our clock
            (3600, Some(-840), true),
            (3600 - 840, Some(-840), true),
            // a Date that AWS would never have signed us in for proves nothing
            (3600 + 901 + 300, Some(901), false),
            (86_400 + 3600, Some(86_400), false),
            // and a wrong Date turns no good answer into a bad one
            (3600, Some(86_400), true),
            (3600, Some(-86_400), true),
            // past is past by our clock, whatever theirs says
            (-60, Some(-840), false),
        ] {
            let outcome = session(Some(good(ends_in)), None, HOUR, clocks(theirs));
            assert_eq!(outcome.is_ok(), taken, "ends in {ends_in}, Date off by {theirs:?}");
        }
    }

    #[test]
    fn a_role_of_another_account_is_refused() {
        let own = role_answer("arn:aws:sts::123456789012:assumed-role/Admin/ana");
        let account = role_session(own, &request(), clocks(None)).unwrap().account;
        assert_eq!(account, AccountId::parse("123456789012"));
        for (arn, why) in [
            (
                "arn:aws:sts::999999999999:assumed-role/Admin/ana",
                "it is for account 999999999999, but the role is in account 123456789012",
            ),
            ("arn:aws:sts::1:assumed-role/Admin/ana", "it names no account"),
            ("", "it names no account"),
        ] {
            assert_eq!(role_session(role_answer(arn), &request(), clocks(None)).unwrap_err(), why);
        }
        let nobody = AssumeRoleOutput::builder().credentials(good(3600)).build();
        assert_eq!(role_session(nobody, &request(), clocks(None)).unwrap_err(), "it names no account");
    }

    #[test]
    fn a_role_or_a_session_that_was_not_asked_for_is_refused() {
        for (arn, why) in [
            ("arn:aws:sts::123456789012:assumed-role/Other/ana", "it is for role 'Other', but 'Admin' was requested"),
            (
                "arn:aws:sts::123456789012:assumed-role/path/Admin/ana",
                "it is for role 'path', but 'Admin' was requested",
            ),
            ("arn:aws:sts::123456789012:assumed-role/Admin/bob", "its session is 'bob', but 'ana' was requested"),
            ("arn:aws:sts::123456789012:assumed-role/Admin/", "its session is '', but 'ana' was requested"),
            (
                "arn:aws-cn:sts::123456789012:assumed-role/Admin/ana",
                "it is for partition aws-cn, but the role is in partition aws",
            ),
            ("arn:aws:sts::123456789012:assumed-role/Admin", "it contains no role"),
            ("arn:aws:sts::123456789012:federated-user/ana", "it contains no role"),
            ("arn:aws:iam::123456789012:assumed-role/Admin/ana", "it contains no role"),
            ("arn:aws:sts::123456789012:assumed-role/\u{1b}[2J/ana", "it contains no role"),
        ] {
            assert_eq!(role_session(role_answer(arn), &request(), clocks(None)).unwrap_err(), why);
        }
        let other_case = role_answer("arn:aws:sts::123456789012:assumed-role/admin/ana");
        assert!(role_session(other_case, &request(), clocks(None)).is_ok());
    }

    #[test]
    fn identities_that_contradict_themselves_are_refused() {
        let arn = "arn:aws:iam::123456789012:user/ana";
        for (account, arn, user, good) in [
            ("123456789012", arn, "AIDAEXAMPLE", true),
            ("123456789012", "arn:aws:iam::123456789012:root", "123456789012", true),
            ("999999999999", arn, "AIDAEXAMPLE", false),
            ("12345", arn, "AIDAEXAMPLE", false),
            ("123456789012", "arn:aws:iam::123456789012:user/\u{1b}[31m", "AIDAEXAMPLE", false),
            ("123456789012", arn, "", false),
            ("123456789012", arn, "a\nb", false),
        ] {
            let answer = GetCallerIdentityOutput::builder().account(account).arn(arn).user_id(user).build();
            assert_eq!(identity(&answer).is_ok(), good, "{account} {arn} {user}");
        }
    }

    #[test]
    fn clocks_are_named_only_when_they_differ_by_more_than_five_minutes() {
        for (theirs, named) in [(None, false), (Some(300), false), (Some(301), true), (Some(-301), true)] {
            assert_eq!(clocks(theirs).skew().is_some(), named);
        }
    }
}

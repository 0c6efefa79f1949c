//! The parameters of STS, as its model describes them.

use crate::checks::{Checks, Pattern, is_word};
use crate::refusal::Refusal;

/// How many tags a session may carry.
pub(super) const MEMBER_LIMIT: usize = 50;
/// How many managed policies a call may name.
const POLICY_LIMIT: usize = 10;
/// How many bytes of policies and tags fill the packed form.
pub(super) const POLICY_ROOM: usize = 4096;

const DIGITS: Pattern = Pattern(r"[\d]*", |c| c.is_ascii_digit());
const SERIAL: Pattern = Pattern(r"[\w+=/:,.@-]*", |c| is_word(c) || "+=/:,.@-".contains(c));
const NAME: Pattern = Pattern(r"[\w+=,.@-]*", |c| is_word(c) || "+=,.@-".contains(c));
const EXTERNAL_ID: Pattern = Pattern(r"[\w+=,.@:\/-]*", |c| is_word(c) || "+=,.@:/-".contains(c));
const TAG: Pattern = Pattern(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", |c| {
    // `is_alphabetic` is a little wider than \p{L}: some combining marks pass here and not at AWS.
    c.is_alphabetic() || c.is_numeric() || is_separator(c) || "_.:/=+-@".contains(c)
});
const ANY: Pattern =
    Pattern(r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+", |c| {
        !c.is_control() || "\t\n\r\u{85}".contains(c)
    });

fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

impl<'a> Checks<'a> {
    pub(super) fn device(&mut self) {
        self.optional("SerialNumber", "serialNumber", 9, 256, SERIAL);
        self.optional("TokenCode", "tokenCode", 6, 6, DIGITS);
    }

    /// Returns the time asked for, within bounds or with the failure noted.
    pub(super) fn seconds(&mut self, least: i64, most: i64) -> Result<Option<i64>, Refusal> {
        self.number("DurationSeconds", "durationSeconds", least, most)
    }

    pub(super) fn role_arn(&mut self) -> &'a str {
        self.required("RoleArn", "roleArn", 20, 2048, ANY)
    }

    pub(super) fn session_name(&mut self) -> &'a str {
        self.required("RoleSessionName", "roleSessionName", 2, 64, NAME)
    }

    pub(super) fn web_identity_token(&mut self) -> &'a str {
        self.required("WebIdentityToken", "webIdentityToken", 4, 20_000, ANY)
    }

    pub(super) fn external_id(&mut self) -> Option<&'a str> {
        self.optional("ExternalId", "externalId", 2, 1224, EXTERNAL_ID)
    }

    pub(super) fn source_identity(&mut self) -> Option<&'a str> {
        self.optional("SourceIdentity", "sourceIdentity", 2, 64, NAME)
    }

    pub(super) fn policy(&mut self) -> Option<&'a str> {
        self.optional("Policy", "policy", 1, 2048, ANY)
    }

    pub(super) fn policy_arns(&mut self) -> Vec<&'a str> {
        let arns = self.list("PolicyArns", ".arn", "policyArns", POLICY_LIMIT);
        for (at, arn) in arns.iter().enumerate() {
            let member = format!("policyArns.{}.member.arn", at + 1);
            self.text(arn, &member, 20, 2048, ANY);
        }
        arns
    }

    pub(super) fn tags(&mut self) -> Vec<(String, String)> {
        let keys = self.list("Tags", ".Key", "tags", MEMBER_LIMIT);
        let values = self.list("Tags", ".Value", "tags", usize::MAX);
        for (at, (key, value)) in keys.iter().zip(&values).enumerate() {
            let member = format!("tags.{}.member", at + 1);
            self.text(key, &format!("{member}.key"), 1, 128, TAG);
            self.text(value, &format!("{member}.value"), 0, 256, TAG);
        }
        let owned = |text: &str| text.to_owned();
        keys.into_iter().zip(values).map(|(key, value)| (owned(key), owned(value))).collect()
    }

    pub(super) fn transitive_keys(&mut self) -> Vec<&'a str> {
        let keys = self.list("TransitiveTagKeys", "", "transitiveTagKeys", MEMBER_LIMIT);
        for (at, key) in keys.iter().enumerate() {
            let member = format!("transitiveTagKeys.{}.member", at + 1);
            self.text(key, &member, 1, 128, TAG);
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Params;

    fn message(query: &str, check: impl FnOnce(&mut Checks<'_>)) -> Option<String> {
        let mut params = Params::default();
        params.read(query).unwrap();
        let mut checks = Checks::new(&params);
        check(&mut checks);
        checks.finish().err().map(|refusal| refusal.message)
    }

    #[test]
    fn one_failure_reads_as_at_aws() {
        assert_eq!(
            message("TokenCode=12345", |it| it.device()).unwrap(),
            "1 validation error detected: Value '12345' at 'tokenCode' failed to satisfy \
             constraint: Member must have length greater than or equal to 6"
        );
        assert_eq!(
            message("DurationSeconds=899", |it| _ = it.seconds(900, 43_200)).unwrap(),
            "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy \
             constraint: Member must have value greater than or equal to 900"
        );
        assert_eq!(message("", |it| _ = it.role_arn()).unwrap().matches("null").count(), 2);
    }

    #[test]
    fn several_failures_come_in_one_text() {
        assert_eq!(
            message("TokenCode=12a&SerialNumber=x%20y%20z%20long", |it| it.device()).unwrap(),
            "3 validation errors detected: Value 'x y z long' at 'serialNumber' failed to satisfy \
             constraint: Member must satisfy regular expression pattern: [\\w+=/:,.@-]*; Value \
             '12a' at 'tokenCode' failed to satisfy constraint: Member must satisfy regular \
             expression pattern: [\\d]*; Value '12a' at 'tokenCode' failed to satisfy constraint: \
             Member must have length greater than or equal to 6"
        );
    }

    #[test]
    fn what_the_model_allows_passes() {
        let rows = [
            "TokenCode=012345&SerialNumber=GAHT12345678",
            "SerialNumber=arn:aws-us-gov:iam::111122223333:mfa/team/phone%2B1",
        ];
        for query in rows {
            assert_eq!(message(query, |it| it.device()), None, "{query}");
        }
        let tags = "Tags.member.1.Key=Gr%C3%B6%C3%9Fe+1&Tags.member.1.Value=";
        assert_eq!(message(tags, |it| _ = it.tags()), None);
    }
}

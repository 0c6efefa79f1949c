//! Checks the parameters of a call against the service model, and words the failures as AWS does.

use crate::form::Params;
use crate::refusal::Refusal;

/// How many tags a session may carry.
pub(super) const MEMBER_LIMIT: usize = 50;
/// How many managed policies a call may name.
const POLICY_LIMIT: usize = 10;
/// How many bytes of policies and tags fill the packed form.
pub(super) const POLICY_ROOM: usize = 4096;

/// A rule for characters: AWS's own notation, and what it means.
#[derive(Clone, Copy)]
struct Pattern(&'static str, fn(char) -> bool);

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

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// The failures of one call so far; AWS reports them all at once.
pub(super) struct Checks<'a> {
    params: &'a Params,
    failures: Vec<String>,
}

impl<'a> Checks<'a> {
    pub(super) fn new(params: &'a Params) -> Checks<'a> {
        Checks { params, failures: Vec::new() }
    }

    /// Ends the checks with all failures in one text.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        let errors = match self.failures.len() {
            0 => return Ok(()),
            1 => "error",
            _ => "errors",
        };
        Err(Refusal::validation(format!(
            "{} validation {errors} detected: {}",
            self.failures.len(),
            self.failures.join("; ")
        )))
    }

    pub(super) fn device(&mut self) {
        self.optional("SerialNumber", "serialNumber", 9, 256, SERIAL);
        self.optional("TokenCode", "tokenCode", 6, 6, DIGITS);
    }

    /// Returns the time asked for, within bounds or with the failure noted.
    pub(super) fn seconds(&mut self, least: i64, most: i64) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.params.get("DurationSeconds") else {
            return Ok(None);
        };
        let seconds: i64 =
            text.parse().map_err(|_| Refusal::new(400, "MalformedInput", "Expected a number for DurationSeconds"))?;
        let bound = if seconds < least {
            format!("greater than or equal to {least}")
        } else if seconds > most {
            format!("less than or equal to {most}")
        } else {
            return Ok(Some(seconds));
        };
        self.note(text, "durationSeconds", &format!("Member must have value {bound}"));
        Ok(Some(seconds))
    }

    pub(super) fn role_arn(&mut self) -> &'a str {
        self.required("RoleArn", "roleArn", 20, 2048, ANY)
    }

    pub(super) fn session_name(&mut self) -> &'a str {
        self.required("RoleSessionName", "roleSessionName", 2, 64, NAME)
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

    /// Returns one field of each member; a member without it is noted as null.
    fn list(&mut self, name: &str, field: &str, member: &str, most: usize) -> Vec<&'a str> {
        let found = self.params.members(name, field);
        if found.len() > most {
            self.failures.push(format!(
                "Value at '{member}' failed to satisfy constraint: Member must have length less \
                 than or equal to {most}"
            ));
        }
        let mut texts = Vec::new();
        for (at, text) in found.into_iter().enumerate() {
            if text.is_none() {
                let field = field.to_lowercase();
                self.null(&format!("{member}.{}.member{field}", at + 1));
            }
            texts.push(text.unwrap_or_default());
        }
        texts
    }

    fn required(&mut self, name: &str, member: &str, least: usize, most: usize, pattern: Pattern) -> &'a str {
        if self.params.get(name).is_none() {
            self.null(member);
        }
        self.optional(name, member, least, most, pattern).unwrap_or_default()
    }

    fn optional(&mut self, name: &str, member: &str, least: usize, most: usize, pattern: Pattern) -> Option<&'a str> {
        let text = self.params.get(name)?;
        self.text(text, member, least, most, pattern);
        Some(text)
    }

    fn text(&mut self, text: &str, member: &str, least: usize, most: usize, pattern: Pattern) {
        let Pattern(notation, allowed) = pattern;
        if !text.chars().all(allowed) {
            let rule = format!("Member must satisfy regular expression pattern: {notation}");
            self.note(text, member, &rule);
        }
        let length = text.chars().count();
        if length < least {
            let rule = format!("Member must have length greater than or equal to {least}");
            self.note(text, member, &rule);
        } else if length > most {
            let rule = format!("Member must have length less than or equal to {most}");
            self.note(text, member, &rule);
        }
    }

    fn note(&mut self, value: &str, member: &str, rule: &str) {
        self.failures.push(format!("Value '{value}' at '{member}' failed to satisfy constraint: {rule}"));
    }

    fn null(&mut self, member: &str) {
        self.failures.push(format!("Value null at '{member}' failed to satisfy constraint: Member must not be null"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

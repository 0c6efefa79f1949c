//! Checks the signature of a request by signing it again with the secret we know.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

use crate::clock::{basic, parse_basic};
use crate::http::Request;
use crate::refusal::Refusal;

/// What the `Authorization` header of a request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub access_key_id: String,
    pub day: String,
    pub region: String,
    pub service: String,
    pub signed_headers: Vec<String>,
    pub signature: String,
}

impl Claim {
    /// Reads the header form of SigV4; the query form is not spoken here.
    pub(crate) fn read(request: &Request) -> Result<Claim, Refusal> {
        let header = request.header("authorization").ok_or_else(|| {
            Refusal::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
        })?;
        let fields = header
            .trim()
            .strip_prefix("AWS4-HMAC-SHA256")
            .ok_or_else(|| incomplete("Unsupported AWS 'algorithm' in Authorization header."))?;
        let field = |name: &str| {
            fields
                .split(',')
                .filter_map(|field| field.trim().split_once('='))
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.to_owned())
                .ok_or_else(|| incomplete(format!("Authorization header requires '{name}' parameter.")))
        };
        let credential = field("Credential")?;
        let scope: Vec<&str> = credential.split('/').collect();
        let &[key, day, region, service, end] = scope.as_slice() else {
            return Err(incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term, got '{credential}'"
            )));
        };
        if end != "aws4_request" {
            return Err(Refusal::signature(format!(
                "Credential should be scoped with a valid terminator: 'aws4_request', not '{end}'."
            )));
        }
        Ok(Claim {
            access_key_id: key.to_owned(),
            day: day.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: field("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: field("Signature")?,
        })
    }

    /// Checks scope, date and signature, in this order.
    pub(crate) fn check(
        &self,
        request: &Request,
        secret: &str,
        token: Option<&str>,
        expected: &Expected,
    ) -> Result<(), Refusal> {
        if self.service != expected.service {
            return Err(Refusal::signature(format!(
                "Credential should be scoped to correct service: '{}'. ",
                expected.service
            )));
        }
        if expected.region.is_some_and(|region| region != self.region) {
            // The space at the end is AWS's.
            return Err(Refusal::signature("Credential should be scoped to a valid region. "));
        }
        let text = request.header("x-amz-date").unwrap_or_default();
        let date = parse_basic(text).ok_or_else(|| {
            incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        })?;
        if !text.starts_with(&self.day) || self.day.len() != 8 {
            return Err(Refusal::signature(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date \
                 from HTTP: '{}' != '{}', from '{text}'.",
                self.day,
                &text[..8]
            )));
        }
        expected.check_date(date)?;
        if !self.signed_headers.iter().any(|name| name == "host") {
            return Err(Refusal::signature(
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            ));
        }
        if self.sign_again(request, secret, token, date).as_deref() != Some(&self.signature) {
            return Err(Refusal::signature(
                "The request signature we calculated does not match the signature you provided. \
                 Check your AWS Secret Access Key and signing method. Consult the service \
                 documentation for details.",
            ));
        }
        Ok(())
    }

    /// Returns what the signature ought to be over the headers that the client lists.
    fn sign_again(&self, request: &Request, secret: &str, token: Option<&str>, date: i64) -> Option<String> {
        let identity = Credentials::new(&self.access_key_id, secret, token.map(str::to_owned), None, "sandbox").into();
        let mut settings = SigningSettings::default();
        // The client chose which headers to sign; the library's own exceptions do not apply.
        settings.excluded_headers = None;

        let time: SystemTime = UNIX_EPOCH + Duration::from_secs(date.try_into().ok()?);
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(time)
            .settings(settings)
            .build()
            .ok()?
            .into();
        let headers = request
            .headers
            .iter()
            .filter(|(name, _)| self.signed_headers.iter().any(|signed| signed.eq_ignore_ascii_case(name)))
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let uri = format!("http://{}{}", request.header("host")?, request.target);
        let body = SignableBody::Bytes(&request.body);
        let signable = SignableRequest::new(&request.method, uri, headers, body).ok()?;
        Some(sign(signable, &params).ok()?.signature().to_owned())
    }
}

fn incomplete(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "IncompleteSignature", message)
}

/// What a server expects of every request, from any caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub service: &'a str,
    /// The only region, for a service that has one.
    pub region: Option<&'a str>,
    pub now: i64,
    /// How far a request's date may be off, in seconds.
    pub tolerance: i64,
}

impl Expected<'_> {
    fn check_date(&self, date: i64) -> Result<(), Refusal> {
        let (now, minutes) = (self.now, self.tolerance / 60);
        let oldest = now - self.tolerance;
        let newest = now + self.tolerance;
        if date < oldest {
            return Err(Refusal::signature(format!(
                "Signature expired: {} is now earlier than {} ({} - {minutes} min.)",
                basic(date),
                basic(oldest),
                basic(now)
            )));
        }
        if date > newest {
            return Err(Refusal::signature(format!(
                "Signature not yet current: {} is still later than {} ({} + {minutes} min.)",
                basic(date),
                basic(newest),
                basic(now)
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn request(text: &str) -> Request {
        let text = text.replace('\n', "\r\n");
        let mut wire = std::io::Cursor::new(text.into_bytes());
        crate::http::read_request(&mut wire, &mut Vec::new()).unwrap().unwrap()
    }

    fn check(text: &str, service: &str, secret: &str, now: &str) -> Result<(), Refusal> {
        let request = request(text);
        let expected = Expected { service, region: None, now: parse_basic(now).unwrap(), tolerance: 900 };
        let token = request.header("x-amz-security-token");
        Claim::read(&request)?.check(&request, secret, token, &expected)
    }

    /// From AWS's signature test suite and its Signature Version 4 documentation.
    const PUBLISHED: [(&str, &str); 4] = [
        (
            "service",
            "GET / HTTP/1.1\nHost: example.amazonaws.com\nX-Amz-Date: 20150830T123600Z\n\
             Authorization: AWS4-HMAC-SHA256 \
             Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31\n\n",
        ),
        (
            "service",
            "POST / HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n\
             Host: example.amazonaws.com\nX-Amz-Date: 20150830T123600Z\nContent-Length: 13\n\
             Authorization: AWS4-HMAC-SHA256 \
             Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a\n\n\
             Param1=value1",
        ),
        (
            "service",
            "POST / HTTP/1.1\nHost: example.amazonaws.com\nX-Amz-Date: 20150830T123600Z\n\
             X-Amz-Security-Token: AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGB\
             uFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtB\
             mUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXA\
             kiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9K\
             SYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==\n\
             Authorization: AWS4-HMAC-SHA256 \
             Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-security-token, \
             Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead\n\n",
        ),
        (
            "iam",
            "GET /?Action=ListUsers&Version=2010-05-08 HTTP/1.1\n\
             Content-Type: application/x-www-form-urlencoded; charset=utf-8\n\
             Host: iam.amazonaws.com\nX-Amz-Date: 20150830T123600Z\n\
             Authorization: AWS4-HMAC-SHA256 \
             Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\n\n",
        ),
    ];

    #[test]
    fn published_examples_are_right() {
        for (service, text) in PUBLISHED {
            let done = check(text, service, SECRET, "20150830T123600Z");
            assert_eq!(done, Ok(()), "{text}");
        }
    }

    #[test]
    fn any_change_to_what_is_signed_is_noticed() {
        let (_, vanilla) = PUBLISHED[0];
        let (_, form) = PUBLISHED[1];
        let (_, list_users) = PUBLISHED[3];
        let rows = [
            ("service", vanilla.replace("GET /", "GET /x")),
            ("service", vanilla.replace("GET", "HEAD")),
            ("service", vanilla.replace("123600Z", "123601Z")),
            ("service", vanilla.replace("Host: example", "Host: sample")),
            ("service", vanilla.replace("fbf31", "fbf32")),
            ("service", form.replace("value1", "value2")),
            ("iam", list_users.replace("ListUsers", "ListRoles")),
        ];
        for (service, text) in rows {
            let refusal = check(&text, service, SECRET, "20150830T123600Z").unwrap_err();
            assert!(refusal.message.starts_with("The request signature we"), "{text}: {refusal:?}");
        }
        assert!(check(vanilla, "service", "other", "20150830T123600Z").is_err());
    }

    #[test]
    fn malformed_and_misplaced_signatures_are_named() {
        let (_, vanilla) = PUBLISHED[0];
        let rows = [
            (vanilla.replace("Authorization", "Author"), 403, "Request is missing"),
            (vanilla.replace("AWS4-HMAC-SHA256", "AWS3"), 400, "Unsupported AWS"),
            (vanilla.replace("SignedHeaders", "Signed"), 400, "Authorization header requires 'SignedHeaders'"),
            (vanilla.replace("AKIDEXAMPLE/", ""), 400, "Credential must have exactly 5"),
            (vanilla.replace("aws4_request", "aws3"), 403, "Credential should be scoped with a valid term"),
            (vanilla.replace("/service/", "/sts/"), 403, "Credential should be scoped to correct service: 'service'"),
            (vanilla.replace("/20150830/", "/20150831/"), 403, "Date in Credential scope does not match"),
            (vanilla.replace("X-Amz-Date: 20150830T123600Z\n", ""), 400, "Authorization header requires existence"),
            (vanilla.replace("SignedHeaders=host;", "SignedHeaders="), 403, "'Host' or ':authority' must be"),
        ];
        for (text, status, words) in rows {
            let refusal = check(&text, "service", SECRET, "20150830T123600Z").unwrap_err();
            assert_eq!(refusal.status, status, "{text}");
            assert!(refusal.message.starts_with(words), "{text}: {refusal:?}");
        }
    }

    #[test]
    fn an_error_about_a_wrong_clock_names_both_times() {
        let (service, text) = PUBLISHED[0];
        let rows = [
            ("20150830T125100Z", None),
            ("20150830T122100Z", None),
            (
                "20150830T125101Z",
                Some(
                    "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)",
                ),
            ),
            (
                "20150830T122059Z",
                Some(
                    "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T122059Z + 15 min.)",
                ),
            ),
        ];
        for (now, words) in rows {
            let message = check(text, service, SECRET, now).err().map(|it| it.message);
            assert_eq!(message.as_deref(), words, "{now}");
        }
    }

    #[test]
    fn headers_count_when_the_client_has_signed_them() {
        let sign = |signed: &str, agent: &str| {
            let (_, text) = PUBLISHED[0];
            let text = text
                .replace("SignedHeaders=host;", signed)
                .replace("X-Amz-Date", &format!("User-Agent: {agent}\nX-Amz-Date"));
            let request = request(&text);
            let claim = Claim::read(&request).unwrap();
            claim.sign_again(&request, SECRET, None, 1_440_938_160)
        };
        let (with, without) = ("SignedHeaders=host;user-agent;", "SignedHeaders=host;");
        assert_ne!(sign(with, "one"), sign(with, "two"));
        assert_eq!(sign(without, "one"), sign(without, "two"));
    }
}

//! What a failed call means: AWS's codes given meaning, in this one place (aws-contract 4.3).
//!
//! Codes and messages are matched loosely, since AWS's texts vary in blanks and full stops. AWS's own words stay as the
//! cause, after every secret we sent was taken out of them (threat-model P2).

mod mask;
mod unreached;

use std::error::Error;
use std::time::Duration;

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use self::mask::mask;
pub(super) use self::unreached::Way;
use super::answer::Clocks;
use super::endpoint::Endpoint;
use super::http::Proxy;
use super::wire::{End, Seen};
use super::{Mfa, RoleRequest, Signer, StsError, StsErrorKind};
use crate::arn::Partition;
use crate::credentials::AccessKeyId;
use crate::duration;
use crate::hint::{CommandLine, Hint, Verb};
use crate::text::visible::cut;

/// What was tried: who signed what, and where it went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) action: &'static str,
    pub(super) signer: Signer<'a>,
    pub(super) mfa: Option<Mfa<'a>>,
    pub(super) role: Option<&'a RoleRequest>,
    pub(super) endpoint: &'a Endpoint,
    pub(super) proxy: Option<&'a Proxy>,
}

/// How a call ended, as far as the SDK tells.
#[derive(Debug)]
pub(super) enum Outcome {
    /// STS answered with an error of its own.
    Said { code: String, message: String },
    /// Whatever the wire saw.
    Wordless,
    /// The whole bound went by.
    TimedOut(Duration),
    /// The SDK made no request of it.
    NotBuilt(String),
}

impl Outcome {
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(said) => match said.err().code().filter(|code| !code.is_empty()) {
                Some(code) => Outcome::Said {
                    code: code.to_owned(),
                    message: said.err().message().unwrap_or_default().to_owned(),
                },
                None => Outcome::Wordless,
            },
            SdkError::ConstructionFailure(_) => {
                Outcome::NotBuilt(error.source().map(ToString::to_string).unwrap_or_default())
            }
            _ => Outcome::Wordless,
        }
    }
}

/// A meaning: what the caller does next, what happened, what to do.
pub(super) type Meaning = (StsErrorKind, String, Vec<Hint>);

impl Call<'_> {
    fn way(&self) -> Way<'_> {
        Way { endpoint: self.endpoint, proxy: self.proxy }
    }

    /// Returns the error of a call that ended without an answer we keep.
    pub(super) fn failed(&self, outcome: Outcome, seen: &Seen, clocks: Clocks) -> StsError {
        let meaning = match outcome {
            Outcome::NotBuilt(why) => return self.not_begun(&why),
            Outcome::TimedOut(bound) => self.way().silent(bound),
            Outcome::Said { code, message } => self.said(&code, &message, seen, clocks),
            Outcome::Wordless => self.wordless(seen),
        };
        self.error(meaning, clocks)
    }

    /// Returns the error of a call that never reached the wire.
    pub(super) fn not_begun(&self, why: &str) -> StsError {
        let cause = format!("the call to {} could not begin: {}", self.endpoint, cut(&self.masked(why, None)));
        StsError { kind: StsErrorKind::NotSent, cause, hints: Vec::new() }
    }

    /// Returns the error of an answer that failed its checks.
    pub(super) fn unusable(&self, why: &str, clocks: Clocks) -> StsError {
        let cause = format!("the answer of {} to {} is not usable: {why}", self.endpoint, self.action);
        self.error((StsErrorKind::BadAnswer, cause, Vec::new()), clocks)
    }

    fn error(&self, (kind, cause, mut hints): Meaning, clocks: Clocks) -> StsError {
        if let Some((ours, theirs, apart)) = clocks.skew().filter(|_| !cause.contains("clock")) {
            let apart = duration::show(apart);
            hints
                .push(format!("this clock is off by {apart} ({ours} here, {theirs} there): set it right first").into());
        }
        if kind == StsErrorKind::Unclear && self.mfa.is_some() {
            hints.push("the code counts as used: wait for the next one".into());
        }
        StsError { kind, cause, hints }
    }

    fn wordless(&self, seen: &Seen) -> Meaning {
        match &seen.end {
            Some(End::NotConnected(obstacle)) => {
                let kind = if seen.sent { StsErrorKind::Unclear } else { StsErrorKind::NotSent };
                let (cause, hints) = self.way().unreached(obstacle);
                (kind, cause, hints)
            }
            Some(End::Answered(status)) => self.status(*status),
            Some(End::TooLong) => self.bad("it is far too long"),
            Some(End::Broken) | None => {
                let cause = format!("{} ended the connection without a whole answer", self.way().host());
                (StsErrorKind::Unclear, cause, vec!["try again".into()])
            }
        }
    }

    fn status(&self, status: u16) -> Meaning {
        match status {
            200..=299 => self.bad("it cannot be read"),
            300..=399 => self.bad(&format!("it leads elsewhere (HTTP {status}), and redirects are not followed")),
            429 => self.busy("HTTP 429"),
            500.. => self.busy(&format!("HTTP {status}")),
            _ => self.bad(&format!("it is HTTP {status} without a word of STS")),
        }
    }

    fn bad(&self, why: &str) -> Meaning {
        let cause = format!("the answer of {} to {} is not usable: {why}", self.endpoint, self.action);
        let hint = "does something between here and AWS answer in its place: a proxy, a guest network's login page?";
        (StsErrorKind::BadAnswer, cause, vec![hint.into()])
    }

    fn busy(&self, words: &str) -> Meaning {
        let words = words.strip_prefix(&format!("{}: ", self.endpoint)).unwrap_or(words);
        let cause = format!("{} cannot answer right now ({words})", self.endpoint);
        (StsErrorKind::Unclear, cause, vec!["try again in a moment".into()])
    }

    fn masked(&self, text: &str, seen: Option<&Seen>) -> String {
        let (secret, token) = match self.signer {
            Signer::Key(key) => (&key.secret, None),
            Signer::Session(session) => (&session.secret, Some(session.token.expose().as_str())),
        };
        let code = self.mfa.map(|mfa| mfa.code.expose());
        let signature = seen.and_then(|seen| seen.signature.as_ref()).map(|text| text.expose().as_str());
        mask(text, [Some(secret.expose().as_str()), token, code, signature].into_iter().flatten())
    }

    fn said(&self, code: &str, message: &str, seen: &Seen, clocks: Clocks) -> Meaning {
        let words = self.masked(&format!("{code}: {}", message.trim()), Some(seen));
        let words = format!("{}: {}", self.endpoint, cut(words.trim_end_matches([':', ' ', '.'])));
        let message = message.to_ascii_lowercase();
        let says = |part: &str| message.contains(part);
        let unavailable = matches!(seen.end, Some(End::Answered(500..)));
        match code.trim_end_matches("Exception") {
            _ if unavailable => self.busy(&words),
            "Throttling"
            | "Throttled"
            | "RequestThrottled"
            | "RequestLimitExceeded"
            | "TooManyRequests"
            | "SlowDown" => self.busy(&words),
            "AccessDenied" if says("invalid mfa one time pass code") => self.wrong_code(),
            "AccessDenied" if says("validate mfa code") || says("mfa serial number is valid") => {
                self.wrong_device(&words)
            }
            "AccessDenied" if says("must provide both mfa") => {
                refused(format!("{} takes a device and its code together or not at all ({words})", self.action), "")
            }
            "AccessDenied" if says("session credentials") && self.action == "GetSessionToken" => refused(
                format!("key {} is temporary, and {} takes long-term keys only ({words})", self.key(), self.action),
                "the chain has to begin with an IAM user's own access key (AKIA…)",
            ),
            "AccessDenied" if says("by root account") => {
                refused(format!("root cannot assume roles ({words})"), "begin with an IAM user's key instead of root's")
            }
            "AccessDenied" => self.denied(&words),
            "InvalidClientTokenId" | "UnrecognizedClient" | "InvalidAccessKeyId" => self.unknown_key(&words),
            "ExpiredToken" => self.stale(format!("the session is over ({words})")),
            "RequestExpired" | "RequestTimeTooSkewed" => self.wrong_clock(&words, clocks),
            "SignatureDoesNotMatch" | "InvalidSignature"
                if says("signature expired") || says("not yet current") || clocks.skew().is_some() =>
            {
                self.wrong_clock(&words, clocks)
            }
            "SignatureDoesNotMatch" | "InvalidSignature" => self.wrong_secret(&words),
            "RegionDisabled" => refused(
                format!("STS is not switched on in {} for this account ({words})", self.endpoint.region()),
                "set another region for this profile, or switch STS on there in IAM's account settings",
            ),
            "PackedPolicyTooLarge" => refused(
                format!("tags and policies are too large together ({words})"),
                "send fewer: twolock_tags, twolock_policy_arns",
            ),
            "MalformedPolicyDocument" => {
                refused(format!("a policy was not taken ({words})"), "look at twolock_policy_arns")
            }
            "ValidationError" | "Validation" => self.invalid(&message, &words),
            _ => refused(format!("{} was refused ({words})", self.action), ""),
        }
    }

    fn wrong_code(&self) -> Meaning {
        let cause = format!("that code was refused by {}: wrong, used before, or another device's", self.endpoint);
        let hint = self.mfa.map(|mfa| format!("a code works once: wait for the next one of {}", mfa.serial));
        (StsErrorKind::WrongCode, cause, hint.into_iter().map(Hint::from).collect())
    }

    fn wrong_device(&self, words: &str) -> Meaning {
        let device = self.mfa.map(|mfa| mfa.serial.to_string()).unwrap_or_default();
        refused(
            format!("device '{device}' was refused: not this user's, not enabled, or a kind without codes ({words})"),
            "compare mfa_serial with the ARN under IAM > Users > Security credentials (…:mfa/NAME)",
        )
    }

    fn denied(&self, words: &str) -> Meaning {
        let Some(request) = self.role else {
            return refused(format!("{} is not allowed ({words})", self.action), "");
        };
        let trusts = format!("the trust policy of {} has to allow {}", request.role.name(), self.caller());
        let mut hints: Vec<Hint> = vec![trusts.into()];
        match (self.signer, self.mfa) {
            (Signer::Key(_), None) => hints.push("if it demands MFA: set mfa_serial in this profile".into()),
            (Signer::Session(_), _) => {
                hints.push(CommandLine::new(Verb::Login).with("--fresh").to("if it demands a recent code"))
            }
            _ => {}
        }
        hints.push(match request.external_id {
            None => "if it demands an external id: set external_id in this profile".into(),
            Some(_) => "if it demands an external id: compare it with external_id in this profile".into(),
        });
        hints.push("the caller's own policies have to allow sts:AssumeRole on that role".into());
        (StsErrorKind::Refused, format!("{} may not be assumed ({words})", request.role), hints)
    }

    fn unknown_key(&self, words: &str) -> Meaning {
        if let Signer::Session(_) = self.signer {
            return self.stale(format!("AWS no longer knows the session ({words})"));
        }
        let partition = self.endpoint.region().partition().map_or("this partition", Partition::name);
        let cause = format!("access key {} is unknown, inactive or deleted in {partition} ({words})", self.key());
        let hint = "look at it under IAM > Users > Security credentials; a new key takes some seconds to be known";
        refused(cause, hint)
    }

    /// A session that is refused is forgotten and minted anew; a long-term key has nothing behind it.
    fn stale(&self, cause: String) -> Meaning {
        match self.signer {
            Signer::Session(_) => (StsErrorKind::StaleSession, cause, Vec::new()),
            Signer::Key(_) => refused(cause, "these keys are temporary: the chain has to begin with an IAM user's own"),
        }
    }

    fn wrong_secret(&self, words: &str) -> Meaning {
        match self.signer {
            Signer::Session(_) => self.stale(format!("the session's signature was refused ({words})")),
            Signer::Key(_) => refused(
                format!("the secret key held for {} is not the one AWS has ({words})", self.key()),
                "was it pasted with a blank or a character missing? compare it where it is kept",
            ),
        }
    }

    fn wrong_clock(&self, words: &str, clocks: Clocks) -> Meaning {
        let cause = match clocks.skew() {
            Some((ours, theirs, apart)) => {
                let slow = if ours < theirs { "slow" } else { "fast" };
                let apart = duration::show(apart);
                format!("this machine's clock is {apart} {slow}: {ours} here, {theirs} at {} ({words})", self.endpoint)
            }
            None => format!("this machine's clock does not agree with AWS's: {} here ({words})", clocks.ours),
        };
        refused(cause, "set the clock, best by time synchronisation, and try again")
    }

    fn invalid(&self, message: &str, words: &str) -> Meaning {
        let asked = self.role.map(|request| duration::show(request.duration)).unwrap_or_default();
        if message.contains("maxsessionduration") {
            return refused(
                format!("the role gives no session of {asked} ({words})"),
                "set a shorter duration_seconds, or raise the role's maximum session duration",
            );
        }
        if message.contains("role chaining") || message.contains("1 hour session limit") {
            return refused(
                format!("a role assumed from a session lasts 1h at most, not {asked} ({words})"),
                "set duration_seconds = 3600 in this profile",
            );
        }
        refused(format!("{} was not understood ({words})", self.action), "")
    }

    fn key(&self) -> &AccessKeyId {
        match self.signer {
            Signer::Key(key) => &key.id,
            Signer::Session(session) => &session.access_key_id,
        }
    }

    fn caller(&self) -> String {
        match self.signer {
            Signer::Key(key) => format!("the user of key {}", key.id),
            Signer::Session(_) => "the session's user or role".into(),
        }
    }
}

fn refused(cause: String, hint: &str) -> Meaning {
    let hints = if hint.is_empty() { Vec::new() } else { vec![hint.into()] };
    (StsErrorKind::Refused, cause, hints)
}

#[cfg(test)]
mod tests;

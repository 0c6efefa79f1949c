//! What a failed call means: the codes that every service of AWS has, given meaning in this one place (aws-contract 4.3).
//! What only one service says is that service's to explain, and asked first.
//!
//! Codes and messages are matched loosely, since AWS's texts vary in blanks and full stops. AWS's own words stay as the
//! cause, after every secret we sent was taken out of them (threat-model P2).

use std::time::Duration;

use super::call::{Call, Signer};
use super::clocks::Clocks;
use super::error::{AwsError, AwsErrorKind, Meaning};
use super::wire::{End, Seen};
use crate::duration;
use crate::hint::Hint;
use crate::text::visible::cut;

/// One call of a service, and what only that service's errors mean.
pub(super) trait ServiceCall {
    /// What all services' calls have.
    fn common(&self) -> &Call<'_>;

    /// The meaning of an error that is this service's own; none leaves it to the codes that all of them have.
    fn own_meaning(&self, said: &Said<'_>) -> Option<Meaning>;
}

/// An error as AWS reports it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    /// Without the `Exception` that some services add.
    pub(super) code: &'a str,
    /// In lower case, for matching.
    pub(super) message: &'a str,
    /// Who said what, to be quoted; nothing that we sent is in it.
    pub(super) words: &'a str,
}

impl Said<'_> {
    pub(super) fn says(&self, part: &str) -> bool {
        self.message.contains(part)
    }
}

/// How a call ended, as far as the one who sent it can tell.
#[derive(Debug)]
pub(super) enum Outcome {
    /// AWS answered with an error of its own.
    Said { code: String, message: String },
    /// Whatever the wire saw.
    Wordless,
    /// The whole bound went by.
    TimedOut(Duration),
    /// No request could be made of it.
    NotBuilt(String),
}

/// Returns the error of a call that ended without an answer we keep.
pub(super) fn failed(call: &impl ServiceCall, outcome: Outcome, seen: &Seen, clocks: Clocks) -> AwsError {
    let common = call.common();
    let meaning = match outcome {
        Outcome::NotBuilt(why) => return not_begun(common, &why),
        Outcome::TimedOut(bound) => common.way().silent(bound),
        Outcome::Said { code, message } => said(call, &code, &message, seen, clocks),
        Outcome::Wordless => common.wordless(seen),
    };
    common.error(meaning, clocks)
}

pub(super) fn not_begun(call: &Call<'_>, why: &str) -> AwsError {
    let cause = format!("could not call {}: {}", call.endpoint, cut(&call.masked(why, None)));
    AwsError { kind: AwsErrorKind::NotSent, cause, hints: Vec::new() }
}

/// Returns the error of an answer that failed its checks.
pub(super) fn unusable(call: &Call<'_>, why: &str, clocks: Clocks) -> AwsError {
    let cause = format!("invalid response to {} from {}: {why}", call.action, call.endpoint);
    call.error((AwsErrorKind::BadAnswer, cause, Vec::new()), clocks)
}

/// Returns the meaning of a refusal.
pub(super) fn refused(cause: String, hint: &str) -> Meaning {
    let hints = if hint.is_empty() { Vec::new() } else { vec![hint.into()] };
    (AwsErrorKind::Refused, cause, hints)
}

fn said(call: &impl ServiceCall, code: &str, message: &str, seen: &Seen, clocks: Clocks) -> Meaning {
    let common = call.common();
    let words = common.masked(&format!("{code}: {}", message.trim()), Some(seen));
    let words = format!("{}: {}", common.endpoint, cut(words.trim_end_matches([':', ' ', '.'])));
    let message = message.to_ascii_lowercase();
    let said = Said { code: code.trim_end_matches("Exception"), message: &message, words: &words };
    if is_trouble(said.code, seen) {
        return common.busy(&words);
    }
    call.own_meaning(&said).unwrap_or_else(|| common.meaning(&said, clocks))
}

/// Whether the same call may succeed in a moment.
pub(super) fn may_pass(outcome: &Outcome, seen: &Seen) -> bool {
    match outcome {
        Outcome::Said { code, .. } => is_trouble(code.trim_end_matches("Exception"), seen),
        Outcome::Wordless => matches!(seen.end, Some(End::Broken | End::Answered(429 | 500..))),
        Outcome::TimedOut(_) | Outcome::NotBuilt(_) => false,
    }
}

/// Whether AWS, or a proxy in front of it, is overloaded or down.
fn is_trouble(code: &str, seen: &Seen) -> bool {
    const THROTTLED: [&str; 6] =
        ["Throttling", "Throttled", "RequestThrottled", "RequestLimitExceeded", "TooManyRequests", "SlowDown"];
    matches!(seen.end, Some(End::Answered(429 | 500..))) || THROTTLED.contains(&code)
}

impl Call<'_> {
    fn error(&self, (kind, cause, mut hints): Meaning, clocks: Clocks) -> AwsError {
        if let Some((ours, theirs, apart)) = clocks.skew().filter(|_| !cause.contains("clock")) {
            let apart = duration::show(apart);
            hints.push(
                format!("this machine's clock is off by {apart} ({ours} here, {theirs} at AWS): correct it first")
                    .into(),
            );
        }
        if kind == AwsErrorKind::Unclear {
            hints.extend(self.of_used_codes().map(Hint::from));
        }
        AwsError { kind, cause, hints }
    }

    fn of_used_codes(&self) -> Option<&'static str> {
        match self.codes {
            [None, None] => None,
            [Some(_), Some(_)] => Some("the codes count as used: wait for the next two codes"),
            _ => Some("the code counts as used: wait for the next code"),
        }
    }

    fn wordless(&self, seen: &Seen) -> Meaning {
        match &seen.end {
            Some(End::NotConnected(obstacle)) => {
                let kind = if seen.sent { AwsErrorKind::Unclear } else { AwsErrorKind::NotSent };
                let (cause, hints) = self.way().unreached(obstacle);
                (kind, cause, hints)
            }
            Some(End::Answered(status)) => self.status(*status),
            Some(End::TooLong) => self.bad("it is too long"),
            Some(End::Broken) | None => {
                let cause = format!("{} closed the connection before the response was complete", self.way().host());
                (AwsErrorKind::Unclear, cause, vec!["try again".into()])
            }
        }
    }

    fn status(&self, status: u16) -> Meaning {
        match status {
            200..=299 => self.bad("it cannot be read"),
            300..=399 => self.bad(&format!("it is a redirect (HTTP {status}), and redirects are not followed")),
            429 => self.busy("HTTP 429"),
            500.. => self.busy(&format!("HTTP {status}")),
            _ => self.bad(&format!("unexpected HTTP {status}, not a response from {}", self.endpoint.service().name())),
        }
    }

    fn bad(&self, why: &str) -> Meaning {
        let cause = format!("invalid response to {} from {}: {why}", self.action, self.endpoint);
        let hint = "is a proxy or a guest network's login page answering instead of AWS?";
        (AwsErrorKind::BadAnswer, cause, vec![hint.into()])
    }

    fn busy(&self, words: &str) -> Meaning {
        let words = words.strip_prefix(&format!("{}: ", self.endpoint)).unwrap_or(words);
        let cause = format!("{} is temporarily unavailable ({words})", self.endpoint);
        (AwsErrorKind::Unclear, cause, vec!["try again in a moment".into()])
    }

    fn meaning(&self, said: &Said<'_>, clocks: Clocks) -> Meaning {
        let Said { code, words, .. } = *said;
        match code {
            "AccessDenied" => refused(format!("{} is not allowed ({words})", self.action), ""),
            "InvalidClientTokenId" | "UnrecognizedClient" | "InvalidAccessKeyId" => self.unknown_key(words),
            "ExpiredToken" => self.stale(format!("the session has expired ({words})")),
            "RequestExpired" | "RequestTimeTooSkewed" => self.wrong_clock(words, clocks),
            "SignatureDoesNotMatch" | "InvalidSignature"
                if said.says("signature expired") || said.says("not yet current") || clocks.skew().is_some() =>
            {
                self.wrong_clock(words, clocks)
            }
            "SignatureDoesNotMatch" | "InvalidSignature" => self.wrong_secret(words),
            "ValidationError" | "Validation" => refused(format!("{} was not understood ({words})", self.action), ""),
            _ => refused(format!("{} was refused ({words})", self.action), ""),
        }
    }

    fn unknown_key(&self, words: &str) -> Meaning {
        let key = match self.signer {
            Some(Signer::Session(_)) => return self.stale(format!("AWS no longer knows the session ({words})")),
            Some(Signer::Key(key)) => key,
            None => return refused(format!("{} was refused ({words})", self.action), ""),
        };
        let partition = self.endpoint.region().partition();
        let place = partition.map(|partition| format!(" in partition {}", partition.name())).unwrap_or_default();
        let cause = format!("access key {} is unknown, inactive or deleted{place} ({words})", key.id);
        let hint = "check it under IAM > Users > Security credentials; a new key needs a few seconds to become active";
        refused(cause, hint)
    }

    /// A session that is refused is removed and minted again; a long-term key cannot be renewed.
    fn stale(&self, cause: String) -> Meaning {
        match self.signer {
            Some(Signer::Session(_)) => (AwsErrorKind::StaleSession, cause, Vec::new()),
            Some(Signer::Key(_)) => {
                refused(cause, "this key is temporary: use a long-term access key (AKIA…) of an IAM user")
            }
            None => (AwsErrorKind::SignedOut, format!("has ended: {cause}"), Vec::new()),
        }
    }

    fn wrong_secret(&self, words: &str) -> Meaning {
        match self.signer {
            Some(Signer::Session(_)) => self.stale(format!("the session's signature was refused ({words})")),
            None => refused(format!("{} was refused ({words})", self.action), ""),
            Some(Signer::Key(key)) => refused(
                format!("the secret key of {} does not match the one at AWS ({words})", key.id),
                "was a space added or a character lost when it was pasted? compare it with the original",
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
        refused(cause, "set the clock, preferably by time synchronization, and try again")
    }
}

//! Another program that prints an access key as a `credential_process` does: aws-vault, a password manager.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cmd::context::Context;
use crate::cmd::typed_key::long_term_id;
use crate::credentials::{AccessKey, parse_secret_key};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::secret::Secret;
use crate::system::child::{self, ChildLimits, NoAnswer};
use crate::system::clock::Deadline;
use crate::system::program_line::{self, ProgramLine};

/// Time to unlock a keyring in a dialog.
const BOUND: Duration = Duration::from_secs(60);
const MOST_OUTPUT: usize = 64 << 10;

/// Runs the program and takes the key from what it prints, which is never shown.
pub fn key(context: &Context, profile: &ProfileName, line: &str) -> Result<AccessKey> {
    let failed = |kind, what: &str| Failure::new(kind, format!("--process: {what}")).of_profile(profile);
    let ProgramLine { program, arguments } = ProgramLine::find(line, &context.env, &context.dirs.account_home())
        .map_err(|refusal| {
            let hint = match &refusal {
                program_line::Refusal::Elsewhere { absolute, .. } => {
                    Some(format!("if you trust it, use its absolute path: {absolute}"))
                }
                program_line::Refusal::ShellSyntax(_) => {
                    Some("put it into a script, and give the script's path".into())
                }
                _ => None,
            };
            hint.into_iter().fold(failed(Kind::Usage, &refusal.to_string()), Failure::hint)
        })?;
    let mut command = Command::new(program);
    command.args(arguments).env_remove("TWOLOCK_MFA_CODE");
    let until = Deadline::after(Instant::now(), BOUND);
    let answer = child::answer(&mut command, ChildLimits { output: MOST_OUTPUT, errors: 4096, until });
    let answer = answer.map_err(|why| match why {
        NoAnswer::NotStarted(why) => failed(Kind::Config, &format!("could not be started: {why}")),
        NoAnswer::TimedOut => failed(Kind::Refused, &format!("did not finish within {} s", BOUND.as_secs())),
        NoAnswer::TooLong => failed(Kind::Config, &format!("printed more than {MOST_OUTPUT} bytes")),
    })?;
    if !answer.status.success() {
        let failure = failed(Kind::Refused, &child::ending(answer.status));
        return Err(failure.hint("to see its error message, run it yourself with stdout redirected to /dev/null"));
    }
    from_json(&answer.output).map_err(|why| failed(Kind::Config, &why))
}

/// Reads the JSON of aws-contract 2.1. The error repeats nothing of it.
fn from_json(output: &Secret<Vec<u8>>) -> std::result::Result<AccessKey, String> {
    let json: std::result::Result<Value, _> = serde_json::from_slice(output.expose());
    let mut json = json.ok().filter(Value::is_object).ok_or("printed something other than one JSON object")?;
    // Taken out first, so that it is wiped whatever else is wrong.
    let secret = match json["SecretAccessKey"].take() {
        Value::String(secret) => Secret::new(secret),
        _ => Secret::new(String::new()),
    };
    if json["Version"].as_u64() != Some(1) {
        return Err("printed JSON without \"Version\": 1".into());
    }
    if json["SessionToken"].as_str().is_some_and(|token| !token.is_empty()) {
        return Err("printed temporary credentials (they have a SessionToken): it must print the long-term key".into());
    }
    let id = json["AccessKeyId"].as_str().unwrap_or_default();
    let id = long_term_id(id).map_err(|why| format!("its AccessKeyId {why}"))?;
    let secret = parse_secret_key(secret.expose()).map_err(|why| format!("its SecretAccessKey {why}"))?;
    Ok(AccessKey { id, secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_prints_is_a_key_or_refused() {
        let read = |text: &str| from_json(&Secret::new(text.as_bytes().to_vec()));
        let key =
            read(r#" {"Version":1,"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"a/b","SessionToken":""} "#);
        assert_eq!(key.unwrap().secret.expose(), "a/b");
        for (text, why) in [
            ("", "printed something other than one JSON object"),
            ("export AWS_SECRET_ACCESS_KEY=wJalr", "printed something other than one JSON object"),
            ("[]", "printed something other than one JSON object"),
            (r#"{"Version":2}"#, "printed JSON without \"Version\": 1"),
            (r#"{"Version":1,"SessionToken":"t"}"#, "printed temporary credentials"),
            (
                r#"{"Version":1,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"x"}"#,
                "its AccessKeyId is a temporary",
            ),
            (r#"{"Version":1,"AccessKeyId":"wJalrXUtnFEMI/K7MDENG","SecretAccessKey":"x"}"#, "its AccessKeyId "),
            (r#"{"Version":1,"AccessKeyId":"AKIAIOSFODNN7EXAMPLE"}"#, "its SecretAccessKey is empty"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.starts_with(why) && !said.contains("wJalr"), "{text}: {said}");
        }
    }
}

//! Statements that set credentials in a shell, one file per language, each with its quoting function.
//!
//! Each statement ends in `;` on its own line, because unquoted `eval $(…)` joins lines; values that word splitting
//! or globbing would change are refused. Variable names are constants (threat-model P11).

mod fish;
mod posix;
mod powershell;

use crate::credentials::{Session, is_credential_text};
use crate::error::{Failure, Kind, Result};
use crate::names::Region;
use crate::shell::{Language, Shell};
use crate::system::env::{HANDED, HANDED_PROFILE};

pub use fish::quote as quote_fish;
pub use posix::quote as quote_posix;
pub use powershell::quote as quote_powershell;

/// Credentials, account and region for SDKs: set by `env`, removed by `env --unset`.
pub(crate) const OURS: [&str; 7] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_ACCOUNT_ID",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
];

/// When a code is needed next, where the profile is handed over by name; the prompt shows it.
pub const EXPIRATION: &str = "TWOLOCK_EXPIRATION";

/// What `twolock` itself says about this shell.
pub(crate) const MARKS: [&str; 3] = [HANDED, HANDED_PROFILE, EXPIRATION];

/// Variables that would select other credentials, or another account (threat-model P20).
pub const MIXING: [&str; 13] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_ACCOUNT_ID",
    // other sources of credentials: some tools use them first, and all do when ours have expired
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    // SDKs send it to Bedrock instead of a signature
    "AWS_BEARER_TOKEN_BEDROCK",
    // set by twolock for an `mfa_process`; a program with these credentials is not part of that prompt
    "TWOLOCK_RUNNING",
];

/// The variables `env` and `exec` set for a session. The caller's region stays if no profile sets one.
pub fn variables(session: &Session, region: Option<&Region>) -> Result<Vec<(&'static str, String)>> {
    let mut variables = vec![
        (OURS[0], session.access_key_id.to_string()),
        (OURS[1], session.secret.expose().clone()),
        (OURS[2], session.token.expose().clone()),
        (OURS[3], session.expires.to_string()),
    ];
    variables.extend(session.account.as_ref().map(|account| (OURS[4], account.to_string())));
    variables.extend(regions(region));
    match variables.iter().find(|(_, value)| !is_credential_text(value)) {
        Some((name, _)) => {
            let cause = format!("the value for {name} contains characters that AWS credentials never contain");
            Err(Failure::new(Kind::Refused, cause))
        }
        None => Ok(variables),
    }
}

/// Both variables of a region.
pub fn regions(region: Option<&Region>) -> impl Iterator<Item = (&'static str, String)> {
    region.into_iter().flat_map(|region| [(OURS[5], region.to_string()), (OURS[6], region.to_string())])
}

/// Whether a setting of a profile survives an unquoted `eval $(…)`, and every reader of an env file.
pub fn is_plain(value: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=+,@%~".contains(c) || (cfg!(windows) && c == '\\');
    value.chars().all(is_plain)
}

/// The variables to remove before the keys are set: those that could mix, and those handed on before, with what says so.
pub fn removed(handed: &[&'static str]) -> Vec<&'static str> {
    unique(MIXING.iter().chain(handed).chain(&MARKS))
}

/// The variables to remove before a profile is handed over by name: keys of other credentials, too. The region stays
/// unless the profile has its own.
pub fn removed_for_name(handed: &[&'static str], has_own_region: bool) -> Vec<&'static str> {
    let (credentials, regions) = OURS.split_at(5);
    let regions = if has_own_region { regions } else { &[] };
    unique(MIXING.iter().chain(credentials).chain(regions).chain(handed).chain(&MARKS))
}

/// The variables that `env --unset` removes: all that `env` sets, and those it handed on.
pub fn removed_at_last(handed: &[&'static str], is_by_name: bool) -> Vec<&'static str> {
    let name = if is_by_name { Some(&"AWS_PROFILE") } else { None };
    unique(OURS.iter().chain(name).chain(handed).chain(&MARKS))
}

fn unique<'a>(names: impl Iterator<Item = &'a &'static str>) -> Vec<&'static str> {
    let mut unique = Vec::new();
    names.for_each(|name| {
        if !unique.contains(name) {
            unique.push(*name)
        }
    });
    unique
}

/// Statements that remove variables, and then set others.
pub fn set(shell: Shell, removed: &[&'static str], variables: &[(&'static str, String)]) -> String {
    match shell.language() {
        Language::Posix => posix::set(removed, variables),
        Language::Fish => fish::set(removed, variables),
        Language::PowerShell => powershell::set(removed, variables),
    }
}

/// Statements that remove variables. They succeed if one is not set.
pub fn unset(shell: Shell, names: &[&'static str]) -> String {
    match shell.language() {
        Language::Posix => posix::unset(names),
        Language::Fish => fish::unset(names),
        Language::PowerShell => powershell::unset(names),
    }
}

/// The statement that fails, so that what follows an `eval` does not run with earlier credentials.
pub fn failing(shell: Shell) -> &'static str {
    match shell.language() {
        Language::Posix | Language::Fish => "false;\n",
        Language::PowerShell => "throw 'twolock: no credentials';\n",
    }
}

/// The command a person types in this shell to remove variables.
pub(crate) fn unset_line(shell: Shell, names: &[&str]) -> String {
    match shell.language() {
        Language::Posix => format!("unset {}", names.join(" ")),
        Language::Fish => format!("set -e {}", names.join(" ")),
        Language::PowerShell => format!("Remove-Item Env:{}", names.join(", Env:")),
    }
}

/// The line a person types in this shell to evaluate a command's output.
pub(crate) fn evaluating(shell: Shell, command: &str) -> String {
    match shell.language() {
        Language::Posix => format!("eval \"$({command})\""),
        Language::Fish => format!("{command} | source"),
        Language::PowerShell => format!("{command} | Out-String | Invoke-Expression"),
    }
}

/// Lines for an env file; no quotes, because its readers differ in how they read those.
pub fn dotenv(variables: &[(&'static str, String)]) -> String {
    variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// The variables as one JSON object.
pub fn json(variables: &[(&'static str, String)]) -> serde_json::Value {
    variables.iter().map(|(name, value)| ((*name).to_string(), serde_json::Value::from(value.as_str()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arn::AccountId;
    use crate::credentials::AccessKeyId;
    use crate::secret::Secret;
    use crate::system::env::HANDABLE;
    use crate::timestamp::Timestamp;

    fn session(token: &str) -> Session {
        Session {
            access_key_id: AccessKeyId::parse("ASIAIOSFODNN7EXAMPLE").unwrap(),
            secret: Secret::new("se/cret+".into()),
            token: Secret::new(token.into()),
            expires: Timestamp::from_unix(1_927_629_296),
            account: AccountId::parse("123456789012"),
        }
    }

    #[test]
    fn posix_statements_as_they_are_printed() {
        let region = Region::parse("eu-west-1").unwrap();
        let variables = variables(&session("tok=="), Some(&region)).unwrap();
        assert_eq!(
            set(Shell::Bash, &removed(&[]), &variables),
            "'unset' AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN AWS_ACCOUNT_ID AWS_ROLE_ARN \
             AWS_ROLE_SESSION_NAME AWS_WEB_IDENTITY_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_RELATIVE_URI \
             AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN \
             AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_BEARER_TOKEN_BEDROCK TWOLOCK_RUNNING TWOLOCK_HANDED \
             TWOLOCK_PROFILE TWOLOCK_EXPIRATION \
             AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_REGION \
             AWS_DEFAULT_REGION \
             && 'export' AWS_ACCESS_KEY_ID='ASIAIOSFODNN7EXAMPLE' AWS_SECRET_ACCESS_KEY='se/cret+' \
             AWS_SESSION_TOKEN='tok==' AWS_CREDENTIAL_EXPIRATION='2031-01-31T12:34:56Z' AWS_ACCOUNT_ID='123456789012' \
             AWS_REGION='eu-west-1' AWS_DEFAULT_REGION='eu-west-1';\n"
        );
    }

    #[test]
    fn fish_statements_as_they_are_printed() {
        let variables = [("AWS_REGION", "eu-west-1".to_string())];
        assert_eq!(
            set(Shell::Fish, &removed(&["AWS_CA_BUNDLE"]), &variables),
            "while set -e AWS_PROFILE; end;\nwhile set -e AWS_DEFAULT_PROFILE; end;\n\
             while set -e AWS_SECURITY_TOKEN; end;\nwhile set -e AWS_ACCOUNT_ID; end;\n\
             while set -e AWS_ROLE_ARN; end;\nwhile set -e AWS_ROLE_SESSION_NAME; end;\n\
             while set -e AWS_WEB_IDENTITY_TOKEN_FILE; end;\n\
             while set -e AWS_CONTAINER_CREDENTIALS_RELATIVE_URI; end;\n\
             while set -e AWS_CONTAINER_CREDENTIALS_FULL_URI; end;\n\
             while set -e AWS_CONTAINER_AUTHORIZATION_TOKEN; end;\n\
             while set -e AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE; end;\n\
             while set -e AWS_BEARER_TOKEN_BEDROCK; end;\nwhile set -e TWOLOCK_RUNNING; end;\n\
             while set -e AWS_CA_BUNDLE; end;\nwhile set -e TWOLOCK_HANDED; end;\n\
             while set -e TWOLOCK_PROFILE; end;\nwhile set -e TWOLOCK_EXPIRATION; end;\n\
             set -gx AWS_REGION 'eu-west-1';\ntrue;\n"
        );
    }

    #[test]
    fn powershell_statements_as_they_are_printed() {
        let variables = variables(&session("tok=="), None).unwrap();
        let text = set(Shell::PowerShell, &removed(&[]), &variables);
        assert!(text.starts_with("Remove-Item Env:AWS_PROFILE -ErrorAction SilentlyContinue;\n"), "{text}");
        assert!(text.contains("$Env:AWS_SESSION_TOKEN = 'tok==';\n"), "{text}");
        assert_eq!(failing(Shell::PowerShell), "throw 'twolock: no credentials';\n");
        assert_eq!(quote_powershell("it's \u{2019}"), "'it''s \u{2019}\u{2019}'");
    }

    #[test]
    fn a_value_that_eval_would_change_is_refused() {
        for token in ["a b", "a*", "a?", "[a]", "a\nb", "a\tb", "", "ä"] {
            assert!(variables(&session(token), None).is_err(), "{token:?}");
        }
    }

    #[test]
    fn every_statement_ends_in_a_semicolon_on_its_own_line() {
        let variables = variables(&session("tok"), None).unwrap();
        for shell in Shell::ALL {
            let names = removed(&HANDABLE);
            for text in [set(shell, &names, &variables), unset(shell, &names), failing(shell).to_string()] {
                assert!(text.ends_with(";\n") && text.lines().all(|line| line.ends_with(';')), "{text}");
            }
        }
    }

    #[test]
    fn unset_removes_all_that_env_sets() {
        let region = Region::parse("eu-west-1").unwrap();
        for shell in Shell::ALL {
            let text = unset(shell, &removed_at_last(&[], false));
            let words: Vec<_> = text.split([' ', ':', ';', '\n']).collect();
            for (name, _) in variables(&session("tok"), Some(&region)).unwrap() {
                assert!(words.contains(&name), "{shell:?} {name}");
            }
        }
    }
}

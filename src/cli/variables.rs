//! The environment variables that each command reads, at the end of its help.

use clap::Command;

const PROFILE: &str = "AWS_PROFILE, AWS_DEFAULT_PROFILE";
const SHELL: &str = "TWOLOCK_PROFILE";
const FILES: &str = "AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE";
const CALLS: &str = "AWS_REGION, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, \
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT, AWS_CA_BUNDLE, \
    SSL_CERT_FILE, SSL_CERT_DIR, HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY";
const CALLS_TO_IAM: &str = "AWS_ENDPOINT_URL_IAM";
const KEYRING: &str = "TWOLOCK_KEYRING";
const SESSIONS: &str = "TWOLOCK_SESSION_DURATION, TWOLOCK_PROMPT_TIMEOUT, TWOLOCK_KEYRING, TWOLOCK_MFA_CODE";
const MIN_TTL: &str = "TWOLOCK_MIN_TTL";
const SETTINGS: &str = "TWOLOCK_SESSION_DURATION, TWOLOCK_PROMPT_TIMEOUT, TWOLOCK_MIN_TTL, TWOLOCK_KEYRING";
const BROWSER: &str = "BROWSER, DISPLAY, WAYLAND_DISPLAY, SSH_CONNECTION, XDG_DATA_DIRS";
const DIALOG: &str = "DISPLAY, WAYLAND_DISPLAY, SSH_CONNECTION";
const COLUMNS: &str = "COLUMNS";
const PICKER: &str = "TERM, NO_COLOR";

/// Adds the variables to the help of every command.
pub(super) fn listed(command: Command) -> Command {
    listed_below(command, "")
}

fn listed_below(command: Command, path: &str) -> Command {
    command.mut_subcommands(|below| {
        let path = format!("{path} {}", below.get_name());
        let groups = read_by(path.trim_start());
        let below = listed_below(below, &path);
        if groups.is_empty() {
            return below;
        }
        let help = below.get_after_help().map(ToString::to_string).unwrap_or_default();
        below.after_help(format!("{help}\n\nVariables: {}", groups.join(", ")))
    })
}

fn read_by(command: &str) -> &'static [&'static str] {
    match command {
        "credential-process" => &[PROFILE, FILES, CALLS, SESSIONS, DIALOG],
        "login" => &[PROFILE, FILES, CALLS, CALLS_TO_IAM, SESSIONS, DIALOG],
        "console" => &[PROFILE, FILES, CALLS, SESSIONS, BROWSER],
        "whoami" => &[PROFILE, SHELL, FILES, CALLS, CALLS_TO_IAM, SESSIONS],
        "env" | "exec" => &[PROFILE, FILES, CALLS, "AWS_SDK_LOAD_CONFIG", SESSIONS, MIN_TTL, DIALOG],
        "logout" | "profile show" | "profile adopt" | "profile release" => &[PROFILE, FILES, CALLS, KEYRING],
        "status" => &[PROFILE, SHELL, FILES, CALLS, KEYRING, COLUMNS],
        "key add" | "key export" | "key replace" => &[PROFILE, FILES, CALLS, KEYRING],
        "key import" | "key remove" => &[FILES, CALLS, KEYRING],
        "key list" => &[FILES, CALLS, CALLS_TO_IAM, KEYRING, COLUMNS],
        "profile list" => &[FILES, CALLS, KEYRING, COLUMNS],
        "profile pick" => &[FILES, PICKER],
        "profile add" | "profile remove" => &[FILES, CALLS, KEYRING],
        "profile set" | "profile unset" | "profile rename" | "complete" => &[FILES],
        "mfa devices" => &[PROFILE, FILES, CALLS, CALLS_TO_IAM, KEYRING, COLUMNS],
        "mfa enroll" | "mfa resync" => &[PROFILE, FILES, CALLS, CALLS_TO_IAM, KEYRING, "TERM"],
        "mfa remove" => &[PROFILE, FILES, CALLS, CALLS_TO_IAM, SESSIONS],
        "key rotate" | "setup" => &[PROFILE, FILES, CALLS, CALLS_TO_IAM, SESSIONS],
        "doctor" => &[PROFILE, FILES, CALLS, SETTINGS, "AWS_LOGIN_CACHE_DIRECTORY", COLUMNS],
        "forget" => &[SHELL, FILES, KEYRING],
        "settings list" => &[SETTINGS, COLUMNS],
        "settings get" | "settings set" | "settings unset" => &[SETTINGS],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;
    use crate::system::env::KNOWN;

    fn each(command: &Command, visit: &mut impl FnMut(&Command)) {
        visit(command);
        command.get_subcommands().for_each(|below| each(below, visit));
    }

    #[test]
    fn every_variable_for_people_is_in_the_help_of_a_command() {
        let mut listed = BTreeSet::new();
        each(&Cli::command(), &mut |command| {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let variables = help.split_once("\n\nVariables: ").map(|(_, list)| list).unwrap_or_default();
            listed.extend(variables.split(['\n', ',', ' ']).filter(|word| KNOWN.contains(word)).map(String::from));
        });
        let of_the_machine = |name: &str| {
            let is_set_by_us = ["TWOLOCK_ASKPASS", "TWOLOCK_RUNNING", "TWOLOCK_HANDED", "TWOLOCK_ACCOUNT_HOME"];
            let is_handed_on = ["AWS_ACCOUNT_ID", "AWS_STS_REGIONAL_ENDPOINTS"];
            let at = KNOWN.iter().position(|known| *known == name).unwrap();
            let machine = KNOWN.iter().position(|known| *known == "HOME").unwrap();
            at >= machine
                || name.starts_with(char::is_lowercase)
                || is_set_by_us.contains(&name)
                || is_handed_on.contains(&name)
        };
        let missing: Vec<_> = KNOWN.iter().filter(|name| !of_the_machine(name) && !listed.contains(**name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn a_command_that_takes_a_profile_lists_the_variables_that_name_it() {
        each(&Cli::command(), &mut |command| {
            let takes_a_profile = command.get_arguments().any(|arg| arg.get_long() == Some("profile"));
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert_eq!(
                takes_a_profile,
                help.contains(&format!("Variables: {PROFILE}")) && command.get_name() != "doctor"
            );
        });
    }

    #[test]
    fn examples_in_the_help_are_not_broken_at_80_columns() {
        each(&Cli::command(), &mut |command| {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let long: Vec<&str> = help.lines().filter(|line| line.starts_with("  ") && line.len() > 80).collect();
            assert!(long.is_empty(), "{}: {long:?}", command.get_name());
        });
    }
}

//! The environment as a value, read once: the file that lists every variable we know.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::process::Command;

use crate::error::{Failure, Kind, Result};

use super::platform;
use crate::hex::sha256;
use crate::secret::Secret;

/// Every variable twolock reads. A name that is not here cannot be asked for.
pub const KNOWN: &[&str] = &[
    // where the AWS files are, and which profile is meant (aws-contract 1.1)
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCOUNT_ID",
    "AWS_LOGIN_CACHE_DIRECTORY",
    "AWS_SDK_LOAD_CONFIG",
    // where STS and IAM are (aws-contract 1.3, 4.5)
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_IAM",
    "AWS_ENDPOINT_URL",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    // ours
    "TWOLOCK_SESSION_DURATION",
    "TWOLOCK_PROMPT_TIMEOUT",
    "TWOLOCK_MIN_TTL",
    "TWOLOCK_KEYRING",
    "TWOLOCK_MFA_CODE",
    "TWOLOCK_ASKPASS",
    "TWOLOCK_RUNNING",
    HANDED,
    HANDED_PROFILE,
    // read by builds with the feature `sandbox` only
    "TWOLOCK_ACCOUNT_HOME",
    // the browser that `console` opens
    "BROWSER",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "SSH_CONNECTION",
    "XDG_DATA_DIRS",
    // the machine
    "HOME",
    "USER",
    "USERNAME",
    "USERPROFILE",
    "SHELL",
    "PATH",
    "COLUMNS",
    "NO_COLOR",
    "TERM",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// The paths of the AWS files. As in botocore, variables in them are replaced, such as `$HOME` in single quotes
/// (aws-contract 1.1).
pub const FILE_VARIABLES: [&str; 2] = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"];

/// Variables that hold credentials. An [`Env`] knows whether they are set, and of what they hold the key's id alone.
pub const CREDENTIALS: [&str; 4] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"];

/// Variables that `env` and `exec` set to what a profile says, or that its name needs.
pub const HANDABLE: [&str; 9] = [
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_SDK_LOAD_CONFIG",
    "AWS_ENDPOINT_URL",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_CA_BUNDLE",
];

/// Lists which of [`HANDABLE`] were set that way, and to what: `NAME:HASH`, separated by commas.
pub const HANDED: &str = "TWOLOCK_HANDED";

/// Names the profile that `env` or `exec` handed over. It chooses the profile of no command.
pub const HANDED_PROFILE: &str = "TWOLOCK_PROFILE";

/// Says which keys belong to the profile that [`HANDED_PROFILE`] names.
pub const KEY_ID: &str = CREDENTIALS[0];

/// A variable and its value in [`HANDED`]. One that has another value by now is the user's.
pub fn handed_entry(name: &str, value: &OsStr) -> String {
    format!("{name}:{}", &sha256(value.as_encoded_bytes())[..8])
}

/// The variables we know, as they were when the process started. Those that an earlier `env` or `exec` handed on say
/// nothing about this run, and count as unset.
#[derive(Clone, Debug, Default)]
pub struct Env {
    values: BTreeMap<&'static str, OsString>,
    handed: Vec<&'static str>,
    has_handed_keys: bool,
    credentials: BTreeSet<&'static str>,
    key_id: Option<String>,
}

impl Env {
    /// Reads the process environment.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_process() -> Self {
        Self::from_variables(std::env::vars_os())
    }

    /// One walk over the environment; asking for each name would walk it as often as there are names.
    fn from_variables(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut read = Self::default();
        let variables: Vec<(OsString, OsString)> = variables.into_iter().collect();
        for (name, value) in &variables {
            for known in KNOWN.iter().filter(|known| platform::is_variable(name, known)) {
                read.values.insert(known, value.clone());
            }
            let is_set = |known: &&&str| !value.is_empty() && platform::is_variable(name, known);
            read.credentials.extend(CREDENTIALS.iter().filter(is_set));
        }
        for path in FILE_VARIABLES {
            if let Some(expanded) = read.text(path).and_then(|given| expanded(given, &variables)) {
                read.values.insert(path, expanded.into());
            }
        }
        let key_id = variables.iter().find(|(name, _)| platform::is_variable(name, KEY_ID));
        read.key_id = key_id.and_then(|(_, id)| id.to_str()).filter(|id| !id.is_empty()).map(String::from);
        read.without_handed(key_id.map(|(_, id)| id.as_os_str()))
    }

    fn without_handed(mut self, key_id: Option<&OsStr>) -> Self {
        let Some(listed) = self.values.remove(HANDED) else { return self };
        let listed: Vec<&str> = listed.to_str().unwrap_or_default().split(',').collect();
        let is_handed = |name, value: Option<&OsStr>| {
            value.is_some_and(|value| listed.contains(&handed_entry(name, value).as_str()))
        };
        let value = |name| self.values.get(name).map(OsString::as_os_str);
        self.has_handed_keys = is_handed(KEY_ID, key_id) && is_handed(HANDED_PROFILE, value(HANDED_PROFILE));
        self.handed = HANDABLE.into_iter().filter(|name| is_handed(name, value(name))).collect();
        self.handed.iter().for_each(|name| drop(self.values.remove(name)));
        self
    }

    /// An environment made by hand, for tests and for the sandbox. Panics on a variable that is not in [`KNOWN`].
    pub fn of<V: Into<OsString>>(pairs: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        let values = pairs.into_iter().map(|(name, value)| (known(name), value.into())).collect();
        Self { values, ..Self::default() }.without_handed(None)
    }

    /// The value as text, unless it is unset, empty or not UTF-8.
    pub fn text(&self, name: &'static str) -> Option<&str> {
        self.raw(name).and_then(OsStr::to_str)
    }

    /// The value as text, unless it is unset or empty; one that is not UTF-8 is a failure, never "unset".
    pub fn readable(&self, name: &'static str) -> Result<Option<&str>> {
        let failure = || Failure::new(Kind::Config, format!("{name} is not UTF-8: set it again, or unset it"));
        self.raw(name).map(|value| value.to_str().ok_or_else(failure)).transpose()
    }

    /// The value as the system gave it, unless it is unset or empty.
    pub fn raw(&self, name: &'static str) -> Option<&OsStr> {
        self.values.get(known(name)).map(OsString::as_os_str).filter(|v| !v.is_empty())
    }

    /// The variables that still have the value an earlier `env` or `exec` handed on.
    pub fn handed(&self) -> &[&'static str] {
        &self.handed
    }

    /// Whether the access key in the environment is the one that was set together with `TWOLOCK_PROFILE`.
    pub fn has_handed_keys(&self) -> bool {
        self.has_handed_keys
    }

    /// The variables of [`CREDENTIALS`] that are set, in that order.
    pub fn credentials(&self) -> Vec<&'static str> {
        CREDENTIALS.iter().copied().filter(|name| self.credentials.contains(name)).collect()
    }

    /// The id of the access key in the environment, as it is there.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Whether the variable is set to `true` (any case), as AWS's switches are read.
    pub fn is_true(&self, name: &'static str) -> bool {
        self.text(name).is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }
}

/// The credentials in the environment, read when they are needed and kept nowhere.
pub struct ShellCredentials {
    pub key_id: String,
    pub secret: Secret<String>,
    /// None for a long-term key.
    pub token: Option<Secret<String>>,
}

/// Reads the credentials that programs started here would use; none if a part is missing, empty or not UTF-8.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn shell_credentials() -> Option<ShellCredentials> {
    let read = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let [key_id, secret, token, older_token] = CREDENTIALS.map(read);
    let token = token.or(older_token).map(Secret::new);
    Some(ShellCredentials { key_id: key_id?, secret: Secret::new(secret?), token })
}

/// Replaces `$NAME` and `${NAME}` as Python's `expandvars` does: once, and what is not set stays as it is.
fn expanded(text: &str, variables: &[(OsString, OsString)]) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('$') {
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        let (name, behind) = braced.unwrap_or(after.split_at(end));
        let value = variables.iter().find(|(set, _)| !name.is_empty() && set == name);
        let written = &rest[before.len()..rest.len() - behind.len()];
        out += before;
        out += value.and_then(|(_, value)| value.to_str()).unwrap_or(written);
        rest = behind;
    }
    (rest.len() < text.len()).then(|| out + rest)
}

/// Whether a D-Bus address only leads to sockets of this machine: `unixexec:` and `autolaunch:` start programs, and `tcp:`
/// leads to any machine.
pub fn is_bus_of_sockets(addresses: &str) -> bool {
    addresses.split(';').all(|one| one.is_empty() || one.starts_with("unix:"))
}

/// Keeps from a program every variable of ours but these.
#[expect(clippy::disallowed_methods, reason = "names of the real environment, which a child gets")]
pub fn remove_all_but(command: &mut Command, kept: &[&str]) {
    let is_kept = |name: &OsString| name.to_str().is_some_and(|name| kept.contains(&name));
    std::env::vars_os().map(|(name, _)| name).filter(|name| !is_kept(name)).for_each(|name| {
        command.env_remove(name);
    });
}

fn known(name: &'static str) -> &'static str {
    debug_assert!(KNOWN.contains(&name), "{name} is missing in system/env.rs");
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Env {
        Env::from_variables(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn variables_are_read_by_the_names_the_system_tells_apart() {
        let env = read(&[("Path", "a"), ("https_proxy", "b"), ("OTHER", "c")]);
        let same_whatever_the_case = cfg!(windows);
        assert_eq!(env.text("PATH").is_some(), same_whatever_the_case);
        assert_eq!(env.text("HTTPS_PROXY").is_some(), same_whatever_the_case);
        assert_eq!(env.text("https_proxy"), Some("b"));
    }

    #[test]
    fn what_was_handed_on_counts_as_unset_and_only_names_of_our_table_are_read() {
        let env = read(&[
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
            ("AWS_CA_BUNDLE", "mine.pem"),
            ("PATH", "/bin"),
            ("TWOLOCK_HANDED", "PATH:808dd192,AWS_ENDPOINT_URL:de17eadc,x;rm,AWS_USE_FIPS_ENDPOINT:0a1b2c3d"),
        ]);
        assert_eq!(env.handed(), ["AWS_ENDPOINT_URL"]);
        assert_eq!(env.text("AWS_ENDPOINT_URL"), None);
        assert_eq!((env.text("AWS_CA_BUNDLE"), env.text("PATH")), (Some("mine.pem"), Some("/bin")));
    }

    #[test]
    fn a_variable_changed_since_it_was_handed_on_is_the_users() {
        let listed = handed_entry("AWS_ENDPOINT_URL", OsStr::new("http://127.0.0.1:4566"));
        for changed in ["http://127.0.0.1:4567", ""] {
            let env = read(&[("AWS_ENDPOINT_URL", changed), ("TWOLOCK_HANDED", &listed)]);
            assert!(env.handed().is_empty(), "{changed}");
            assert_eq!(env.text("AWS_ENDPOINT_URL"), Some(changed).filter(|text| !text.is_empty()));
        }
        // A list without hashes.
        let env = read(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("TWOLOCK_HANDED", "AWS_ENDPOINT_URL")]);
        assert_eq!(env.text("AWS_ENDPOINT_URL"), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn a_path_in_single_quotes_is_expanded_as_botocore_does() {
        for (given, path) in [
            ("$HOME/.aws/other", "/home/ana/.aws/other"),
            ("${HOME}/$TEAM.cfg", "/home/ana/$x.cfg"),
            ("$GONE/${GONE}/$/${HOME", "$GONE/${GONE}/$/${HOME"),
            ("~/config", "~/config"),
        ] {
            let env = read(&[("HOME", "/home/ana"), ("TEAM", "$x"), ("AWS_CONFIG_FILE", given)]);
            assert_eq!(env.text("AWS_CONFIG_FILE"), Some(path), "{given}");
        }
    }

    #[test]
    fn credentials_are_known_to_be_set_and_not_kept() {
        let env = read(&[
            ("AWS_SESSION_TOKEN", "hush"),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", ""),
        ]);
        assert_eq!(env.credentials(), ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"]);
        assert_eq!(env.key_id(), Some("AKIAIOSFODNN7EXAMPLE"));
        assert!(!format!("{env:?}").contains("hush"));
    }
}

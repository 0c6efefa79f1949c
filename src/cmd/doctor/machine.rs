//! Variables, clock, certificates, proxy.

use crate::aws::endpoint::Endpoint;
use crate::aws::{Bounds, date};
use crate::cmd::shell::calling_shell;
use crate::duration;
use crate::error::Result;
use crate::origin::FileChoice;
use crate::output::exports;
use crate::text::visible::visible;

use super::checkup::Checkup;
use super::finding::Severity::{Error, Info, Warning};
use super::finding::{Checked, Finding};

/// Keys in the environment, which take precedence over a profile nearly everywhere (aws-contract 1.1).
pub fn keys(checkup: &Checkup) -> Checked {
    let env = &checkup.context.env;
    let (set, mut found) = (env.credentials(), Vec::new());
    let profile = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].into_iter().find(|name| env.raw(name).is_some());
    if let (Some(profile), false) = (profile, set.is_empty()) {
        let what = format!("{} {} set beside {profile}", set.join(", "), if set.len() == 1 { "is" } else { "are" });
        let why = "almost every AWS tool uses these keys and ignores the profile";
        found.push(Finding::new(Warning, what, why).fix(unset(checkup, &set)));
    }
    if ["AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"].iter().all(|name| set.contains(name)) {
        let why = "boto3 uses AWS_SECURITY_TOKEN, which usually belongs to other keys";
        let finding = Finding::new(Warning, "AWS_SECURITY_TOKEN is set beside AWS_SESSION_TOKEN", why);
        found.push(finding.fix(unset(checkup, &["AWS_SECURITY_TOKEN"])));
    }
    found.into()
}

/// Variables that name a missing profile, or two different ones.
pub fn profile_variables(checkup: &Checkup) -> Checked {
    let env = &checkup.context.env;
    let mut found = Vec::new();
    for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        if let Err(failure) = env.readable(variable) {
            let why = "twolock cannot know which profile is meant, and fails where none is named";
            found.push(Finding::new(Error, failure.cause, why).fix(unset(checkup, &[variable])));
        }
        let is_missing = |name: &&str| !checkup.profiles.iter().any(|one| one.name == *name);
        let Some(name) = env.text(variable).filter(is_missing) else { continue };
        let (severity, what) = match checkup.context.settings.aliases.get(name) {
            Some(_) => (Warning, "which is an alias only twolock knows"),
            None => (Error, "which does not exist"),
        };
        let what = format!("{variable} names '{}', {what}", visible(name));
        let why = "AWS tools started here fail, or use other credentials";
        found.push(Finding::new(severity, what, why).fix(unset(checkup, &[variable])));
    }
    found.extend(differing(checkup, "AWS_PROFILE", "AWS_DEFAULT_PROFILE"));
    found.into()
}

/// Variables that lead to a missing file.
pub fn file_variables(checkup: &Checkup) -> Checked {
    let files = &checkup.context.files;
    let missing = |choice: &FileChoice| {
        let variable = choice.variable.filter(|_| choice.is_missing)?;
        let what = format!("{variable} names '{}', which does not exist", checkup.shown(&choice.path));
        let why = "twolock and AWS tools started here find no profiles in it";
        Some(Finding::new(Warning, what, why).fix(unset(checkup, &[variable])))
    };
    [&files.config_choice, &files.credentials_choice].into_iter().filter_map(missing).collect::<Vec<_>>().into()
}

/// Region variables that differ.
pub fn region_variables(checkup: &Checkup) -> Checked {
    let found = differing(checkup, "AWS_REGION", "AWS_DEFAULT_REGION");
    found.map(|finding| Finding { severity: Info, ..finding }).into_iter().collect::<Vec<_>>().into()
}

/// Two variables with different values, of which boto3 reads the second.
fn differing(checkup: &Checkup, usual: &'static str, default: &'static str) -> Option<Finding> {
    let env = &checkup.context.env;
    let (one, other) = (env.text(usual)?, env.text(default).filter(|other| Some(*other) != env.text(usual))?);
    let what = format!("{usual} is '{}' and {default} is '{}'", visible(one), visible(other));
    let why = format!("boto3 uses {default}, everything else {usual}");
    Some(Finding::new(Warning, what, why).fix(unset(checkup, &[default])))
}

fn unset(checkup: &Checkup, names: &[&str]) -> String {
    exports::unset_line(calling_shell(&checkup.context.env), names)
}

/// Aliases and consents in a `config.toml` that a variable chose.
pub fn ignored_consents(checkup: &Checkup) -> Checked {
    let context = &checkup.context;
    let found = context.settings.ignores_consents.then(|| {
        let why = "a repository can set this variable, and must not bring aliases and consents of its own";
        Finding::new(Warning, context.why_consents_are_ignored(), why)
    });
    found.into_iter().collect::<Vec<_>>().into()
}

/// Additional certificates, and the proxy.
pub fn connections(checkup: &Checkup) -> Checked {
    let env = &checkup.context.env;
    let settings = match usual_endpoint(checkup).and_then(|endpoint| checkup.context.http(&endpoint)) {
        Ok(settings) => settings,
        Err(failure) => return vec![Finding::of_failure(Error, &failure, "twolock cannot call AWS")].into(),
    };
    let shown = |name| env.raw(name).map(|path| visible(&path.to_string_lossy()));
    let why = "anyone who has their private keys can read and change your calls to AWS";
    let bundle = shown("AWS_CA_BUNDLE").map(|path| format!("AWS_CA_BUNDLE adds the certificates in {path}"));
    let system = shown("SSL_CERT_FILE")
        .map(|path| format!("SSL_CERT_FILE replaces the system's certificates with those in {path}"));
    let directory = shown("SSL_CERT_DIR")
        .map(|path| format!("SSL_CERT_DIR replaces the system's certificates with those in {path}"));
    let mut found: Vec<Finding> =
        bundle.into_iter().chain(system).chain(directory).map(|what| Finding::new(Info, what, why)).collect();
    let proxy = settings.shown_proxy().map(|proxy| format!("calls to AWS go through the proxy {proxy}"));
    found.extend(proxy.map(|what| Finding::new(Info, what, "if it is down, no new sessions can start")));
    found.into()
}

/// This machine's clock against the server's. AWS rejects requests that are more than a few minutes off.
pub fn clock(checkup: &Checkup) -> Checked {
    let to = |endpoint: Endpoint| checkup.context.http(&endpoint).map(|http| (endpoint, http));
    let (endpoint, http) = match usual_endpoint(checkup).and_then(to) {
        Ok(found) => found,
        Err(failure) => return Checked::unchecked(failure.shown_cause()),
    };
    let skew = match date::skew(&endpoint, http, Bounds::LOOK) {
        Ok(None) => return Vec::new().into(),
        Ok(Some(skew)) => skew,
        Err(error) => return Checked::unchecked(error.shown_cause()),
    };
    let direction = if skew.ours < skew.theirs { "slow" } else { "fast" };
    let apart = duration::show(skew.apart);
    let what =
        format!("this machine's clock is {apart} {direction}: {} here, {} at {endpoint}", skew.ours, skew.theirs);
    let finding = Finding::new(Error, what, "AWS rejects requests with a wrong time, and MFA codes depend on it");
    vec![finding.fix(if cfg!(windows) { "w32tm /resync" } else { "sudo timedatectl set-ntp true" })].into()
}

/// The endpoint of the first profile that uses an AWS host, else of the first profile, else what the variables name.
fn usual_endpoint(checkup: &Checkup) -> Result<Endpoint> {
    let planned = || checkup.profiles.iter().filter_map(|one| Some(&one.plan.as_ref()?.as_ref().ok()?.endpoint));
    let usual = planned().find(|endpoint| endpoint.is_aws()).or_else(|| planned().next()).cloned();
    usual.map_or_else(|| checkup.context.endpoint_without_profile(), Ok)
}

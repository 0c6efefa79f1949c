//! What a profile says of endpoints and certificates, and the standard variable for each: programs that get keys from
//! `env` or `exec` read no profile but `default`.

use crate::aws_files::Profile;
use crate::origin::{Origin, Sourced};

/// Each setting, its variable, and the value that undoes the one of `default`.
const VARIABLES: [(&str, &str, Option<&str>); 5] = [
    ("endpoint_url", "AWS_ENDPOINT_URL", None),
    ("use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT", Some("false")),
    ("use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT", Some("false")),
    ("sts_regional_endpoints", "AWS_STS_REGIONAL_ENDPOINTS", Some("regional")),
    ("ca_bundle", "AWS_CA_BUNDLE", None),
];

const IGNORE: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
const IGNORE_KEY: &str = "ignore_configured_endpoint_urls";

/// What of an `s3` block decides where requests go.
const S3_HOSTS: [&str; 4] =
    ["addressing_style", "use_accelerate_endpoint", "use_dualstack_endpoint", "us_east_1_regional_endpoint"];

pub struct HandedOn {
    /// Each variable with its value.
    pub variables: Vec<(&'static str, Sourced<String>)>,
    /// The settings that have no variable.
    pub lost: Vec<Origin>,
    /// The settings of `default` that no variable undoes.
    pub inherited: Vec<Origin>,
}

/// `default` is what SDKs read then. A value that `can_pass` refuses is not set, so it undoes nothing. An endpoint that
/// the user set in a variable must not be ignored either.
pub fn handed_on(
    own: &Profile,
    default: Option<&Profile>,
    can_pass: impl Fn(&str) -> bool,
    has_users_endpoint: bool,
) -> HandedOn {
    let default = default.filter(|_| own.name != "default");
    let in_default = |key: &str| default.is_some_and(|default| default.get(key).is_some());
    let passed = |key| said(own, key).filter(|said| can_pass(&said.value));
    let is_ignoring = said(own, IGNORE_KEY).is_some_and(|said| is_true(&said));
    let of = |(key, variable, neutral): (&'static str, &'static str, Option<&str>)| {
        let neutral = || neutral.filter(|_| in_default(key)).map(undone);
        Some((variable, said(own, key).or_else(neutral)?))
    };
    let rows = VARIABLES.into_iter().filter(|row| !is_ignoring || row.0 != "endpoint_url");
    let mut variables: Vec<_> = rows.filter_map(of).collect();
    let has_endpoint = has_users_endpoint || passed("endpoint_url").is_some();
    variables.extend(ignoring(own, default, has_endpoint).map(|ignoring| (IGNORE, ignoring)));

    let services = said(own, "services").filter(|_| !is_ignoring);
    let lost = [services, s3(own)].into_iter().flatten().filter(|_| own.name != "default");
    let ca_bundle = default.and_then(|default| said(default, "ca_bundle")).filter(|_| passed("ca_bundle").is_none());
    let inherited = [ca_bundle, default.and_then(s3)].into_iter().flatten();
    HandedOn {
        variables,
        lost: lost.map(|said| said.origin).collect(),
        inherited: inherited.map(|said| said.origin).collect(),
    }
}

/// Without an endpoint of its own, the profile must not use that of `default`; with one, that must not be ignored.
fn ignoring(own: &Profile, default: Option<&Profile>, has_endpoint: bool) -> Option<Sourced<String>> {
    let in_default = |key| default.and_then(|default| said(default, key));
    let own = said(own, IGNORE_KEY);
    let has_other = in_default("endpoint_url").or_else(|| in_default("services")).is_some();
    match own {
        Some(own) if is_true(&own) => Some(own),
        _ if !has_endpoint && has_other => Some(undone("true")),
        own => own.or_else(|| in_default(IGNORE_KEY).map(|_| undone("false"))),
    }
}

fn is_true(said: &Sourced<String>) -> bool {
    said.value.eq_ignore_ascii_case("true")
}

fn undone(value: &str) -> Sourced<String> {
    Sourced { value: value.into(), origin: Origin::Default }
}

/// The `s3` block, if it decides where requests go.
fn s3(profile: &Profile) -> Option<Sourced<String>> {
    said(profile, "s3").filter(|s3| S3_HOSTS.iter().any(|key| s3.value.contains(key)))
}

fn said(profile: &Profile, key: &'static str) -> Option<Sourced<String>> {
    let setting = profile.get(key).filter(|setting| !setting.value.is_empty())?;
    Some(Sourced { value: setting.value.clone(), origin: Origin::Setting(key, setting.place.clone()) })
}

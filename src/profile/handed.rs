//! What a profile says of endpoints and certificates, and the standard variable for each: programs that get keys from
//! `env` or `exec` read no profile but `default`.

use crate::aws_files::Profile;
use crate::origin::{Origin, Sourced};

/// Each setting, its variable, and the value that undoes the one of `default`.
const VARIABLES: [(&str, &str, Option<&str>); 6] = [
    ("endpoint_url", "AWS_ENDPOINT_URL", None),
    ("ignore_configured_endpoint_urls", IGNORE, None),
    ("use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT", Some("false")),
    ("use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT", Some("false")),
    ("sts_regional_endpoints", "AWS_STS_REGIONAL_ENDPOINTS", Some("regional")),
    ("ca_bundle", "AWS_CA_BUNDLE", None),
];

pub const IGNORE: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";

/// What of an `s3` block decides where requests go.
const S3_HOSTS: [&str; 4] =
    ["addressing_style", "use_accelerate_endpoint", "use_dualstack_endpoint", "us_east_1_regional_endpoint"];

pub struct HandedOn {
    /// Each variable with its value.
    pub variables: Vec<(&'static str, Sourced<String>)>,
    /// The settings that have no variable.
    pub lost: Vec<Origin>,
}

/// `default` is what SDKs read then.
pub fn handed_on(own: &Profile, default: Option<&Profile>) -> HandedOn {
    let is_default = own.name == "default";
    let in_default = |key: &str| !is_default && default.is_some_and(|default| default.get(key).is_some());
    let undone = |value: &str| Sourced { value: value.into(), origin: Origin::Default };
    let is_ignoring = said(own, VARIABLES[1].0).is_some_and(|said| said.value.eq_ignore_ascii_case("true"));
    let of = |(key, variable, neutral): (&'static str, &'static str, Option<&str>)| {
        let neutral = || neutral.filter(|_| in_default(key)).map(undone);
        Some((variable, said(own, key).or_else(neutral)?))
    };
    let rows = VARIABLES.into_iter().filter(|row| !is_ignoring || row.0 != "endpoint_url");
    let mut variables: Vec<_> = rows.filter_map(of).collect();
    let is_given = variables.iter().any(|(variable, _)| ["AWS_ENDPOINT_URL", IGNORE].contains(variable));
    if !is_given && (in_default("endpoint_url") || in_default("services")) {
        variables.push((IGNORE, undone("true")));
    }
    let services = said(own, "services").filter(|_| !is_ignoring);
    let s3 = said(own, "s3").filter(|s3| S3_HOSTS.iter().any(|key| s3.value.contains(key)));
    let lost = [services, s3].into_iter().flatten().filter(|_| !is_default);
    HandedOn { variables, lost: lost.map(|said| said.origin).collect() }
}

fn said(profile: &Profile, key: &'static str) -> Option<Sourced<String>> {
    let setting = profile.get(key).filter(|setting| !setting.value.is_empty())?;
    Some(Sourced { value: setting.value.clone(), origin: Origin::Setting(key, setting.place.clone()) })
}

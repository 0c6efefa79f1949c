//! The machine around the files: variables, clock, certificates, proxy.

use crate::arn::Partition;
use crate::aws::endpoint::{self, Endpoint, EndpointRequest};
use crate::aws::http::HttpSettings;
use crate::aws::{Bounds, date};
use crate::cmd::env::calling_shell;
use crate::duration;
use crate::names::Region;
use crate::output::exports;
use crate::text::visible::visible;

use super::Outcome;
use super::context::Context;
use super::finding::Finding;
use super::finding::Severity::{Error, Info, Warning};

/// Keys in the environment, which win over a profile nearly everywhere (aws-contract 1.1).
pub fn keys(context: &Context) -> Outcome {
    let env = &context.world.env;
    let set = env.credentials();
    let mut found = Vec::new();
    let profile = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].into_iter().find(|name| env.raw(name).is_some());
    if let (Some(profile), false) = (profile, set.is_empty()) {
        let what = format!("{} {} set beside {profile}", set.join(", "), if set.len() == 1 { "is" } else { "are" });
        let why = "almost every AWS tool uses these keys and ignores the profile";
        found.push(Finding::new(Warning, what, why).mend(unset(context, &set)));
    }
    if ["AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"].iter().all(|name| set.contains(name)) {
        let why = "boto3 uses AWS_SECURITY_TOKEN, which usually belongs to other keys";
        let finding = Finding::new(Warning, "AWS_SECURITY_TOKEN is set beside AWS_SESSION_TOKEN", why);
        found.push(finding.mend(unset(context, &["AWS_SECURITY_TOKEN"])));
    }
    found.into()
}

/// Variables that name a profile: one that is there, and not two.
pub fn profile_variables(context: &Context) -> Outcome {
    let env = &context.world.env;
    let named = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].map(|variable| (variable, env.text(variable)));
    let mut found = Vec::new();
    for (variable, name) in named {
        let Some(name) = name.filter(|name| !context.profiles.iter().any(|one| one.name == *name)) else { continue };
        let (severity, what) = match context.world.settings.aliases.get(name) {
            Some(_) => (Warning, "which is an alias only twolock knows"),
            None => (Error, "which does not exist"),
        };
        let what = format!("{variable} names '{}', {what}", visible(name));
        let why = "AWS tools started here fail, or use other credentials";
        found.push(Finding::new(severity, what, why).mend(unset(context, &[variable])));
    }
    if let [(_, Some(one)), (_, Some(other))] = named
        && one != other
    {
        let what = format!("AWS_PROFILE is '{}' and AWS_DEFAULT_PROFILE is '{}'", visible(one), visible(other));
        let why = "boto3 uses AWS_DEFAULT_PROFILE, everything else AWS_PROFILE";
        found.push(Finding::new(Warning, what, why).mend(unset(context, &["AWS_DEFAULT_PROFILE"])));
    }
    found.into()
}

/// Region variables that differ: no two tools read the same ones.
pub fn region_variables(context: &Context) -> Outcome {
    let env = &context.world.env;
    let (Some(one), Some(other)) = (env.text("AWS_REGION"), env.text("AWS_DEFAULT_REGION")) else {
        return Vec::new().into();
    };
    if one == other {
        return Vec::new().into();
    }
    let what = format!("AWS_REGION is '{}' and AWS_DEFAULT_REGION is '{}'", visible(one), visible(other));
    let why = "boto3 uses AWS_DEFAULT_REGION, everything else AWS_REGION";
    vec![Finding::new(Warning, what, why).mend(unset(context, &["AWS_DEFAULT_REGION"]))].into()
}

fn unset(context: &Context, names: &[&str]) -> String {
    exports::unset_line(calling_shell(&context.world.env), names)
}

/// Whose certificates are trusted, and through whom calls go.
pub fn connections(context: &Context) -> Outcome {
    let env = &context.world.env;
    let settings = match HttpSettings::from_env(env, &usual_endpoint(context)) {
        Ok(settings) => settings,
        Err(failure) => return vec![Finding::of_failure(Error, &failure, "calls to AWS are impossible")].into(),
    };
    let shown = |name| env.raw(name).map(|path| visible(&path.to_string_lossy()));
    let why = "whoever holds their private keys can read and change your calls to AWS";
    let bundle = shown("AWS_CA_BUNDLE").map(|path| format!("AWS_CA_BUNDLE adds the certificates in {path}"));
    let system = shown("SSL_CERT_FILE")
        .map(|path| format!("SSL_CERT_FILE replaces the system's certificates with those in {path}"));
    let mut found: Vec<Finding> = bundle.into_iter().chain(system).map(|what| Finding::new(Info, what, why)).collect();
    found.extend(settings.shown_proxy().map(|proxy| {
        Finding::new(
            Info,
            format!("calls to AWS go through the proxy {proxy}"),
            "if it is down, no new sessions can start",
        )
    }));
    found.into()
}

/// This machine's clock against the server's: AWS takes no request that is dated more than a few minutes off.
pub fn clock(context: &Context) -> Outcome {
    let endpoint = usual_endpoint(context);
    let http = match HttpSettings::from_env(&context.world.env, &endpoint) {
        Ok(http) => http,
        Err(failure) => return Outcome::unchecked(failure.shown_cause()),
    };
    let skew = match date::skew(&endpoint, http, Bounds::LOOK) {
        Ok(None) => return Vec::new().into(),
        Ok(Some(skew)) => skew,
        Err(error) => return Outcome::unchecked(error.shown_cause()),
    };
    let direction = if skew.ours < skew.theirs { "slow" } else { "fast" };
    let apart = duration::show(skew.apart);
    let what =
        format!("this machine's clock is {apart} {direction}: {} here, {} at {endpoint}", skew.ours, skew.theirs);
    let finding = Finding::new(Error, what, "AWS rejects requests with a wrong time, and MFA codes depend on it");
    vec![finding.mend(if cfg!(windows) { "w32tm /resync" } else { "sudo timedatectl set-ntp true" })].into()
}

/// Where the profiles ask: AWS's own host if one of them does, else whatever the first one names, else the default.
fn usual_endpoint(context: &Context) -> Endpoint {
    let planned = || context.profiles.iter().filter_map(|one| Some(&one.plan.as_ref()?.as_ref().ok()?.endpoint));
    planned().find(|endpoint| endpoint.is_aws()).or_else(|| planned().next()).cloned().unwrap_or_else(|| {
        let named = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| context.world.env.text(name));
        let region = named.and_then(|name| Region::parse(name).ok()).filter(|region| region.partition().is_some());
        default_endpoint(region.unwrap_or_else(|| Region::default_of(Partition::Aws)))
    })
}

fn default_endpoint(region: Region) -> Endpoint {
    let partition = region.partition().unwrap_or(Partition::Aws);
    let request = EndpointRequest { partition, region, fips: false, dualstack: false, given: None };
    endpoint::resolve(&request, &[]).expect("a region of a partition has an endpoint")
}

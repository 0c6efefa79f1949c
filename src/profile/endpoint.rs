//! The endpoints that the asked profile and its surroundings name, as they name them. Whether calls may go there is
//! decided elsewhere, before any is made.

use crate::aws_files::Setting;
use crate::error::Result;
use crate::origin::{Origin, Sourced};
use crate::profile::settings::ProfileSettings;
use crate::profile::{EndpointUrls, Sources};

/// For each service: variables, then `[services]`, then the profile's `endpoint_url` (aws-contract 1.3).
pub(super) fn endpoints_of(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Result<EndpointUrls> {
    let ignored = settings.switch("ignore_configured_endpoint_urls")?.is_some_and(|s| s.value);
    if sources.surroundings.ignore_configured_endpoints || ignored {
        return Ok(EndpointUrls::default());
    }
    let of = |variable: &Option<Sourced<String>>, service| {
        let of_services = || of_services(sources, settings.raw("services")?, service);
        variable.clone().or_else(of_services).or_else(|| {
            let own = settings.raw("endpoint_url")?;
            Some(Sourced { value: own.value.clone(), origin: Origin::Setting("endpoint_url", own.place.clone()) })
        })
    };
    let EndpointUrls { sts, iam } = &sources.surroundings.endpoint_urls;
    Ok(EndpointUrls { sts: of(sts, "sts"), iam: of(iam, "iam") })
}

/// `endpoint_url` below the service in the section that `services` names.
fn of_services(sources: Sources<'_>, services: &Setting, service: &'static str) -> Option<Sourced<String>> {
    let section = sources.files.config.named_section("services", &services.value)?;
    let block = section.get(service)?;
    let value = block.value.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        key.trim().eq_ignore_ascii_case("endpoint_url").then(|| value.trim().to_string())
    })?;
    Some(Sourced { value, origin: Origin::Services(service, services.value.clone(), block.place.clone()) })
}

/// Whether FIPS and dual-stack endpoints are wanted.
pub(super) fn endpoint_kinds(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Result<(bool, bool)> {
    let fips = settings.switch("use_fips_endpoint")?.is_some_and(|s| s.value);
    let dualstack = settings.switch("use_dualstack_endpoint")?.is_some_and(|s| s.value);
    Ok((fips || sources.surroundings.fips, dualstack || sources.surroundings.dualstack))
}

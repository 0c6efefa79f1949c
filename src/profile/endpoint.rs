//! The endpoint that the asked profile and its surroundings name, as they name it. Whether calls may go there is
//! decided elsewhere, before any is made.

use crate::aws_files::Setting;
use crate::error::Result;
use crate::origin::{Origin, Sourced};
use crate::profile::Sources;
use crate::profile::settings::ProfileSettings;

/// Variables, then `[services]`, then the profile's `endpoint_url` (aws-contract 1.3).
pub(super) fn endpoint_of(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Result<Option<Sourced<String>>> {
    let ignored = settings.switch("ignore_configured_endpoint_urls")?.is_some_and(|s| s.value);
    if sources.surroundings.ignore_configured_endpoints || ignored {
        return Ok(None);
    }
    if let Some(variable) = &sources.surroundings.endpoint_url {
        return Ok(Some(variable.clone()));
    }
    if let Some(of_services) = settings.raw("services").and_then(|services| of_services(sources, services)) {
        return Ok(Some(of_services));
    }
    let own = settings.raw("endpoint_url");
    Ok(own.map(|own| Sourced { value: own.value.clone(), origin: Origin::Setting("endpoint_url", own.place.clone()) }))
}

/// `endpoint_url` below `sts` in the section that `services` names.
fn of_services(sources: Sources<'_>, services: &Setting) -> Option<Sourced<String>> {
    let section = sources.files.config.named_section("services", &services.value)?;
    let sts = section.get("sts")?;
    let value = sts.value.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        key.trim().eq_ignore_ascii_case("endpoint_url").then(|| value.trim().to_string())
    })?;
    Some(Sourced { value, origin: Origin::Services(services.value.clone(), sts.place.clone()) })
}

/// Whether FIPS and dual-stack endpoints are wanted.
pub(super) fn endpoint_kinds(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Result<(bool, bool)> {
    let fips = settings.switch("use_fips_endpoint")?.is_some_and(|s| s.value);
    let dualstack = settings.switch("use_dualstack_endpoint")?.is_some_and(|s| s.value);
    Ok((fips || sources.surroundings.fips, dualstack || sources.surroundings.dualstack))
}

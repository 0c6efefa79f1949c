//! The partition and region that a plan's calls go to.

use crate::arn::Partition;
use crate::error::{Failure, Kind, Result};
use crate::names::Region;
use crate::origin::{Origin, Sourced};
use crate::profile::Sources;
use crate::profile::chain::Chain;
use crate::profile::device::Device;

/// The partition of the ARNs, which have to agree: an account of one partition cannot enter another.
pub(super) fn partition_of(chain: &Chain, device: Option<&Device<'_>>) -> Result<Option<Partition>> {
    let mut found = device.and_then(|(_, d)| d.value.partition()).or(chain.base.partition());
    for hop in chain.hops.iter().rev() {
        let Some(role) = &hop.role else { continue };
        let partition = role.value.partition();
        if let Some(known) = found
            && known != partition
        {
            let cause =
                format!("role {} is in partition {partition}, but the chain below it is in {known}", role.value);
            return Err(Failure::new(Kind::Config, cause).of_profile(&hop.name).at(role.place()));
        }
        found = Some(partition);
    }
    Ok(found)
}

/// The asked profile's region, else that of the base's profile; `env` and `exec` export no other.
pub(super) fn named_region(chain: &Chain, partition: Option<Partition>) -> Result<Option<Sourced<Region>>> {
    for hop in std::iter::once(chain.asked()).chain(chain.base_profiles()) {
        let Some(region) = hop.settings().region()? else { continue };
        if let (Some(wanted), Some(is)) = (partition, region.value.partition())
            && wanted != is
        {
            let cause = format!("region {} is in partition {is}, but the account is in {wanted}", region.value);
            return Err(Failure::new(Kind::Config, cause).of_profile(&hop.name).at(region.place()));
        }
        return Ok(Some(region));
    }
    Ok(None)
}

/// Where no profile names a region: the caller's, else the partition's default.
pub(super) fn unnamed_region(
    sources: Sources<'_>,
    partition: Option<Partition>,
    notes: &mut Vec<String>,
) -> Result<Sourced<Region>> {
    if let Some(Sourced { value, origin }) = &sources.surroundings.region {
        let region =
            Region::parse(value).map_err(|why| Failure::new(Kind::Config, format!("{origin} '{value}' {why}")))?;
        match (partition, region.partition()) {
            (Some(wanted), Some(is)) if wanted != is => {
                notes.push(format!("{origin} {region} is not used: the account is in partition {wanted}"));
            }
            _ => return Ok(Sourced { value: region, origin: origin.clone() }),
        }
    }
    let default = Region::default_of(partition.unwrap_or(Partition::Aws));
    Ok(Sourced { value: default, origin: Origin::Default })
}

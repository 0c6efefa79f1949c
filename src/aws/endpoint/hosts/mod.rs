//! The hosts of a service that are AWS's own, as a table (aws-contract 4.5).
//!
//! A host is AWS's when the whole of it is rebuilt from the table: service, a region of the partition, a suffix of the
//! partition. Ends are never compared, because buckets, gateways and load balancers of strangers end alike.

use super::service::Service;
use crate::arn::Partition;
use crate::names::Region;

/// STS's host of all regions.
const GLOBAL_STS: &str = "sts.amazonaws.com";

/// Returns the host a call of this partition and region goes to; none if the partition's is not known.
pub(super) fn host_of(
    service: Service,
    partition: Partition,
    region: &Region,
    fips: bool,
    dualstack: bool,
) -> Option<String> {
    Some(match service {
        Service::Iam => iam_hosts(partition)[usize::from(fips) + 2 * usize::from(dualstack)].into(),
        Service::Sts => regional_host("sts", partition, region, fips, dualstack),
        Service::Sso => regional_host("portal.sso", partition, region, fips, dualstack),
        Service::SsoOidc => regional_host("oidc", partition, region, fips, dualstack),
        Service::Login => login_host(partition, region, fips, dualstack),
        Service::Console => console_signin_host(partition, region)?,
    })
}

/// Returns the region that signs calls to `host`, if the host is AWS's own in this partition.
pub(super) fn signing_region(service: Service, partition: Partition, host: &str) -> Option<Region> {
    match service {
        Service::Iam => iam_hosts(partition).contains(&host).then(|| iam_region(partition)),
        Service::Sts if partition == Partition::Aws && host == GLOBAL_STS => Some(Region::default_of(partition)),
        Service::Sts => regional(partition, host).or_else(|| interface(partition, host)),
        Service::Console => {
            let region = host.split_once('.').and_then(|(label, _)| region_of(partition, label));
            let region = region.unwrap_or_else(|| Region::default_of(partition));
            (console_signin_host(partition, &region)? == host).then_some(region)
        }
        Service::Sso | Service::SsoOidc | Service::Login => rebuilt(service, partition, host),
    }
}

/// Returns the region of a host that is the service's own in a region which one of its labels names. The one host without
/// a region, GovCloud's sign-in with FIPS, is of the partition's default.
fn rebuilt(service: Service, partition: Partition, host: &str) -> Option<Region> {
    const SWITCHES: [(bool, bool); 4] = [(false, false), (true, false), (false, true), (true, true)];
    let is = |region: &Region| {
        let same = |(fips, dualstack)| host_of(service, partition, region, fips, dualstack).as_deref() == Some(host);
        SWITCHES.into_iter().any(same)
    };
    let named = host.split('.').filter_map(|label| region_of(partition, label)).find(is);
    named.or_else(|| Some(Region::default_of(partition)).filter(is))
}

fn regional_host(name: &str, partition: Partition, region: &Region, fips: bool, dualstack: bool) -> String {
    let suffix = if dualstack { dualstack_suffix(partition) } else { suffix(partition) };
    // GovCloud's plain host is its FIPS host.
    let plain = !fips || (partition == Partition::UsGov && !dualstack);
    format!("{name}{}.{region}.{suffix}", if plain { "" } else { "-fips" })
}

/// The host that renews a session of `aws login`.
fn login_host(partition: Partition, region: &Region, fips: bool, dualstack: bool) -> String {
    const GOV: &str = "amazonaws-us-gov.com";
    match (fips, dualstack) {
        (false, false) => format!("{region}.signin.{}", signin_domain(partition)),
        (true, false) if region.as_str() == "us-gov-west-1" => format!("signin-fips.{GOV}"),
        (true, false) if partition == Partition::UsGov => format!("{region}.signin-fips.{GOV}"),
        _ => regional_host("signin", partition, region, fips, dualstack),
    }
}

fn signin_domain(partition: Partition) -> &'static str {
    match partition {
        Partition::Aws => "aws.amazon.com",
        Partition::China => "amazonaws.cn",
        Partition::UsGov => "amazonaws-us-gov.com",
        Partition::Iso => "c2shome.ic.gov",
        Partition::IsoB => "sc2shome.sgov.gov",
        Partition::IsoE => "csphome.adc-e.uk",
        Partition::IsoF => "csphome.hci.ic.gov",
        Partition::Eusc => "amazonaws-eusc.eu",
    }
}

/// Returns the host of the console's pages in a region; none if the partition's is not known.
pub(super) fn console_host(partition: Partition, region: &Region) -> Option<String> {
    let (_, console) = console_domains(partition)?;
    Some(format!("{region}.{console}"))
}

/// One for the whole partition, where there is one.
fn console_signin_host(partition: Partition, region: &Region) -> Option<String> {
    let (signin, _) = console_domains(partition)?;
    Some(if partition == Partition::Eusc { format!("{region}.{signin}") } else { signin.into() })
}

/// Where the console signs in, and where its pages are. Those of the isolated partitions are not public.
fn console_domains(partition: Partition) -> Option<(&'static str, &'static str)> {
    Some(match partition {
        Partition::Aws => ("signin.aws.amazon.com", "console.aws.amazon.com"),
        Partition::China => ("signin.amazonaws.cn", "console.amazonaws.cn"),
        Partition::UsGov => ("signin.amazonaws-us-gov.com", "console.amazonaws-us-gov.com"),
        Partition::Eusc => ("signin.amazonaws-eusc.eu", "console.amazonaws-eusc.eu"),
        Partition::Iso | Partition::IsoB | Partition::IsoE | Partition::IsoF => return None,
    })
}

/// Returns the region that signs the calls to IAM.
pub(super) fn iam_region(partition: Partition) -> Region {
    match partition {
        Partition::China => Region::parse("cn-north-1").expect("a region's name"),
        _ => Region::default_of(partition),
    }
}

/// The hosts of IAM: plain, FIPS, dual-stack, both. The newest partitions have no dual-stack ones.
fn iam_hosts(partition: Partition) -> [&'static str; 4] {
    match partition {
        Partition::Aws => {
            ["iam.amazonaws.com", "iam-fips.amazonaws.com", "iam.global.api.aws", "iam-fips.global.api.aws"]
        }
        Partition::China => [
            "iam.cn-north-1.amazonaws.com.cn",
            "iam-fips.amazonaws.com.cn",
            "iam.global.api.amazonwebservices.com.cn",
            "iam-fips.api.amazonwebservices.com.cn",
        ],
        Partition::UsGov => {
            ["iam.us-gov.amazonaws.com", "iam.us-gov.amazonaws.com", "iam.us-gov.api.aws", "iam.us-gov.api.aws"]
        }
        Partition::Iso => [
            "iam.us-iso-east-1.c2s.ic.gov",
            "iam-fips.us-iso-east-1.c2s.ic.gov",
            "iam.api.aws.ic.gov",
            "iam-fips.api.aws.ic.gov",
        ],
        Partition::IsoB => [
            "iam.us-isob-east-1.sc2s.sgov.gov",
            "iam-fips.us-isob-east-1.sc2s.sgov.gov",
            "iam.api.aws.scloud",
            "iam-fips.api.aws.scloud",
        ],
        Partition::IsoE => {
            let [plain, fips] = ["iam.eu-isoe-west-1.cloud.adc-e.uk", "iam-fips.cloud.adc-e.uk"];
            [plain, fips, plain, fips]
        }
        Partition::IsoF => {
            let [plain, fips] = ["iam.us-isof-south-1.csp.hci.ic.gov", "iam-fips.csp.hci.ic.gov"];
            [plain, fips, plain, fips]
        }
        Partition::Eusc => [
            "iam.eusc-de-east-1.amazonaws.eu",
            "iam-fips.amazonaws.eu",
            "iam.global.api.amazonwebservices.eu",
            "iam-fips.api.amazonwebservices.eu",
        ],
    }
}

/// A host of STS in one region.
fn regional(partition: Partition, host: &str) -> Option<Region> {
    let (label, rest) = host.split_once('.')?;
    let (region, suffix_given) = rest.split_once('.')?;
    let known = suffix_given == suffix(partition) || suffix_given == dualstack_suffix(partition);
    if known && ["sts", "sts-fips"].contains(&label) { region_of(partition, region) } else { None }
}

/// An interface endpoint of STS: `vpce-ID.sts.REGION.vpce.SUFFIX`, its id optionally followed by a zone.
fn interface(partition: Partition, host: &str) -> Option<Region> {
    let (endpoint, rest) = host.split_once('.')?;
    let (region, suffix_given) = rest.strip_prefix("sts.")?.split_once('.')?;
    let known = suffix_given.strip_prefix("vpce.") == Some(suffix(partition));
    if known && is_endpoint_id(endpoint) { region_of(partition, region) } else { None }
}

/// `vpce-0123456789abcdef0-a1b2c3d4`, then perhaps `-eu-west-1a`. The hexadecimal id keeps `vpce-svc-…` out, which
/// belongs to anybody.
fn is_endpoint_id(label: &str) -> bool {
    let Some((id, rest)) = label.strip_prefix("vpce-").map(|l| l.split_once('-').unwrap_or((l, ""))) else {
        return false;
    };
    let hexadecimal = id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let tail = rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (8..=17).contains(&id.len()) && hexadecimal && tail && !label.ends_with('-')
}

fn region_of(partition: Partition, label: &str) -> Option<Region> {
    Region::parse(label).ok().filter(|region| region.partition() == Some(partition))
}

fn suffix(partition: Partition) -> &'static str {
    match partition {
        Partition::Aws | Partition::UsGov => "amazonaws.com",
        Partition::China => "amazonaws.com.cn",
        Partition::Iso => "c2s.ic.gov",
        Partition::IsoB => "sc2s.sgov.gov",
        Partition::IsoE => "cloud.adc-e.uk",
        Partition::IsoF => "csp.hci.ic.gov",
        Partition::Eusc => "amazonaws.eu",
    }
}

fn dualstack_suffix(partition: Partition) -> &'static str {
    match partition {
        Partition::Aws | Partition::UsGov => "api.aws",
        Partition::China => "api.amazonwebservices.com.cn",
        Partition::Iso => "api.aws.ic.gov",
        Partition::IsoB => "api.aws.scloud",
        Partition::IsoE => "api.cloud-aws.adc-e.uk",
        Partition::IsoF => "api.aws.hci.ic.gov",
        Partition::Eusc => "api.amazonwebservices.eu",
    }
}

#[cfg(test)]
mod tests;

//! The hosts of a service that are AWS's own, as a table (aws-contract 4.5).
//!
//! A host is AWS's when the whole of it is rebuilt from the table: service, a region of the partition, a suffix of the
//! partition. Ends are never compared, because buckets, gateways and load balancers of strangers end alike.

use super::service::Service;
use crate::arn::Partition;
use crate::names::Region;

/// Returns the host a call of this partition and region goes to.
pub(super) fn host_of(service: Service, partition: Partition, region: &Region, fips: bool, dualstack: bool) -> String {
    let suffix = if dualstack { dualstack_suffix(partition) } else { suffix(partition) };
    // GovCloud's plain host is its FIPS host.
    let plain = !fips || (partition == Partition::UsGov && !dualstack);
    let [label, fips_label] = service.labels();
    format!("{}.{region}.{suffix}", if plain { label } else { fips_label })
}

/// Returns the region that signs calls to `host`, if the host is AWS's own in this partition.
pub(super) fn signing_region(service: Service, partition: Partition, host: &str) -> Option<Region> {
    if partition == Partition::Aws && Some(host) == service.global_host() {
        return Some(Region::default_of(partition));
    }
    regional(service, partition, host).or_else(|| interface(service, partition, host))
}

fn regional(service: Service, partition: Partition, host: &str) -> Option<Region> {
    let (label, rest) = host.split_once('.')?;
    let (region, suffix_given) = rest.split_once('.')?;
    let known = suffix_given == suffix(partition) || suffix_given == dualstack_suffix(partition);
    if known && service.labels().contains(&label) { region_of(partition, region) } else { None }
}

/// An interface endpoint: `vpce-ID.SERVICE.REGION.vpce.SUFFIX`, its id optionally followed by a zone.
fn interface(service: Service, partition: Partition, host: &str) -> Option<Region> {
    let (endpoint, rest) = host.split_once('.')?;
    let (region, suffix_given) = rest.strip_prefix(service.labels()[0])?.strip_prefix('.')?.split_once('.')?;
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
mod tests {
    use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};

    use super::*;

    const REGIONS: [&str; 14] = [
        "us-east-1",
        "eu-west-1",
        "ap-southeast-3",
        "mx-central-1",
        "il-central-1",
        "cn-north-1",
        "cn-northwest-1",
        "us-gov-west-1",
        "us-gov-east-1",
        "us-iso-east-1",
        "us-isob-east-1",
        "eu-isoe-west-1",
        "us-isof-south-1",
        "eusc-de-east-1",
    ];

    fn sdk_host(region: &str, fips: bool, dualstack: bool) -> Option<String> {
        let params = Params::builder().region(region).use_fips(fips).use_dual_stack(dualstack).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let resolver = DefaultResolver::new();
        let endpoint = runtime.block_on(async { resolver.resolve_endpoint(&params).await }).ok()?;
        Some(endpoint.url().strip_prefix("https://").unwrap().to_owned())
    }

    #[test]
    fn our_hosts_are_those_of_the_sdk() {
        let mut compared = 0;
        for name in REGIONS {
            for (fips, dualstack) in [(false, false), (true, false), (false, true), (true, true)] {
                let region = Region::parse(name).unwrap();
                let partition = region.partition().unwrap();
                let Some(theirs) = sdk_host(name, fips, dualstack) else { continue };
                let ours = host_of(Service::Sts, partition, &region, fips, dualstack);
                assert_eq!(ours, theirs, "{name} fips {fips} dualstack {dualstack}");
                assert_eq!(signing_region(Service::Sts, partition, &ours), Some(region), "{ours}");
                compared += 1;
            }
        }
        assert!(compared > 40, "{compared}");
    }

    #[test]
    fn hosts_that_are_awss() {
        for (partition, host, region) in [
            (Partition::Aws, "sts.amazonaws.com", "us-east-1"),
            (Partition::Aws, "sts-fips.us-east-2.amazonaws.com", "us-east-2"),
            (Partition::Aws, "sts.eu-west-1.api.aws", "eu-west-1"),
            (Partition::China, "sts.cn-north-1.api.amazonwebservices.com.cn", "cn-north-1"),
            (Partition::Aws, "vpce-0123456789abcdef0-a1b2c3d4.sts.eu-west-1.vpce.amazonaws.com", "eu-west-1"),
            (
                Partition::Aws,
                "vpce-0123456789abcdef0-a1b2c3d4-eu-west-1a.sts.eu-west-1.vpce.amazonaws.com",
                "eu-west-1",
            ),
            (Partition::China, "vpce-0123456789abcdef0-a1b2c3d4.sts.cn-north-1.vpce.amazonaws.com.cn", "cn-north-1"),
        ] {
            assert_eq!(signing_region(Service::Sts, partition, host).expect(host).as_str(), region, "{host}");
        }
    }

    #[test]
    fn hosts_of_strangers_that_end_or_begin_alike() {
        for host in [
            "",
            "amazonaws.com",
            "sts",
            "sts.amazonaws.com.evil.example",
            "sts.eu-west-1.amazonaws.com.evil.example",
            "evil-sts.eu-west-1.amazonaws.com",
            "evil.sts.eu-west-1.amazonaws.com",
            "sts.eu-west-1.evilamazonaws.com",
            "sts.eu-west-1.amazonaws.com.cn",
            "sts.cn-north-1.amazonaws.com",
            "sts.mars-north-1.amazonaws.com",
            "sts.s3.amazonaws.com",
            "sts.s3.eu-west-1.amazonaws.com",
            "bucket.s3.eu-west-1.amazonaws.com",
            "abc123.execute-api.eu-west-1.amazonaws.com",
            "sts.elb.eu-west-1.amazonaws.com",
            "my-lb-123.eu-west-1.elb.amazonaws.com",
            "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com",
            "iam.amazonaws.com",
            "sts.api.aws",
            "vpce-0123456789abcdef0.vpce-svc-0123456789abcdef0.eu-west-1.vpce.amazonaws.com",
            "vpce-svc-0123456789abcdef0.sts.eu-west-1.vpce.amazonaws.com",
            "vpce-0123456789abcdef0.execute-api.eu-west-1.vpce.amazonaws.com",
            "vpce-.sts.eu-west-1.vpce.amazonaws.com",
            "x.vpce-0123456789abcdef0.sts.eu-west-1.vpce.amazonaws.com",
            "vpce-0123456789abcdef0.sts.eu-west-1.vpce.amazonaws.com.evil.example",
            "vpce-0123456789abcdef0.sts.eu-west-1.amazonaws.com",
        ] {
            assert_eq!(signing_region(Service::Sts, Partition::Aws, host), None, "{host}");
        }
    }
}

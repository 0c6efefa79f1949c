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
        Service::Sts => {
            let suffix = if dualstack { dualstack_suffix(partition) } else { suffix(partition) };
            // GovCloud's plain host is its FIPS host.
            let plain = !fips || (partition == Partition::UsGov && !dualstack);
            format!("{}.{region}.{suffix}", if plain { "sts" } else { "sts-fips" })
        }
        Service::Signin => signin_host(partition, region)?,
    })
}

/// Returns the region that signs calls to `host`, if the host is AWS's own in this partition.
pub(super) fn signing_region(service: Service, partition: Partition, host: &str) -> Option<Region> {
    match service {
        Service::Iam => iam_hosts(partition).contains(&host).then(|| iam_region(partition)),
        Service::Sts if partition == Partition::Aws && host == GLOBAL_STS => Some(Region::default_of(partition)),
        Service::Sts => regional(partition, host).or_else(|| interface(partition, host)),
        Service::Signin => {
            let region = host.split_once('.').and_then(|(label, _)| region_of(partition, label));
            let region = region.unwrap_or_else(|| Region::default_of(partition));
            (signin_host(partition, &region)? == host).then_some(region)
        }
    }
}

/// Returns the host of the console's pages in a region; none if the partition's is not known.
pub(super) fn console_host(partition: Partition, region: &Region) -> Option<String> {
    let (_, console) = console_domains(partition)?;
    Some(format!("{region}.{console}"))
}

/// One for the whole partition, where there is one.
fn signin_host(partition: Partition, region: &Region) -> Option<String> {
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
                let ours = host_of(Service::Sts, partition, &region, fips, dualstack).unwrap();
                assert_eq!(ours, theirs, "{name} fips {fips} dualstack {dualstack}");
                assert_eq!(signing_region(Service::Sts, partition, &ours), Some(region), "{ours}");
                compared += 1;
            }
        }
        assert!(compared > 40, "{compared}");
    }

    /// What botocore 1.44 calls and signs for, by partition: plain, FIPS, dual-stack, both.
    #[test]
    fn hosts_of_iam_are_those_of_botocore() {
        for (caller, signer, hosts) in [
            (
                "eu-west-1",
                "us-east-1",
                ["iam.amazonaws.com", "iam-fips.amazonaws.com", "iam.global.api.aws", "iam-fips.global.api.aws"],
            ),
            (
                "cn-northwest-1",
                "cn-north-1",
                [
                    "iam.cn-north-1.amazonaws.com.cn",
                    "iam-fips.amazonaws.com.cn",
                    "iam.global.api.amazonwebservices.com.cn",
                    "iam-fips.api.amazonwebservices.com.cn",
                ],
            ),
            (
                "us-gov-east-1",
                "us-gov-west-1",
                ["iam.us-gov.amazonaws.com", "iam.us-gov.amazonaws.com", "iam.us-gov.api.aws", "iam.us-gov.api.aws"],
            ),
            (
                "us-iso-west-1",
                "us-iso-east-1",
                [
                    "iam.us-iso-east-1.c2s.ic.gov",
                    "iam-fips.us-iso-east-1.c2s.ic.gov",
                    "iam.api.aws.ic.gov",
                    "iam-fips.api.aws.ic.gov",
                ],
            ),
            (
                "eusc-de-east-1",
                "eusc-de-east-1",
                [
                    "iam.eusc-de-east-1.amazonaws.eu",
                    "iam-fips.amazonaws.eu",
                    "iam.global.api.amazonwebservices.eu",
                    "iam-fips.api.amazonwebservices.eu",
                ],
            ),
        ] {
            let region = Region::parse(caller).unwrap();
            let partition = region.partition().unwrap();
            let kinds = [(false, false), (true, false), (false, true), (true, true)];
            let ours = kinds.map(|(fips, dualstack)| host_of(Service::Iam, partition, &region, fips, dualstack));
            assert_eq!(ours, hosts.map(|host| Some(host.into())), "{caller}");
            for host in hosts {
                assert_eq!(signing_region(Service::Iam, partition, host).expect(host).as_str(), signer, "{host}");
                assert_eq!(signing_region(Service::Sts, partition, host), None, "{host}");
            }
        }
    }

    /// botocore's rules for the service `signin` name these sign-in hosts, with the region before each.
    #[test]
    fn the_console_has_hosts_of_its_own_in_each_partition_whose_are_public() {
        for (region, hosts) in [
            ("us-east-1", Some(["signin.aws.amazon.com", "us-east-1.console.aws.amazon.com"])),
            ("eu-west-1", Some(["signin.aws.amazon.com", "eu-west-1.console.aws.amazon.com"])),
            ("cn-northwest-1", Some(["signin.amazonaws.cn", "cn-northwest-1.console.amazonaws.cn"])),
            ("us-gov-east-1", Some(["signin.amazonaws-us-gov.com", "us-gov-east-1.console.amazonaws-us-gov.com"])),
            (
                "eusc-de-east-1",
                Some(["eusc-de-east-1.signin.amazonaws-eusc.eu", "eusc-de-east-1.console.amazonaws-eusc.eu"]),
            ),
            ("us-iso-east-1", None),
            ("us-isob-east-1", None),
            ("eu-isoe-west-1", None),
            ("us-isof-south-1", None),
        ] {
            let region = Region::parse(region).unwrap();
            let partition = region.partition().unwrap();
            let signin = host_of(Service::Signin, partition, &region, false, false);
            let ours = signin.zip(console_host(partition, &region)).map(|(signin, console)| [signin, console]);
            assert_eq!(ours, hosts.map(|hosts| hosts.map(String::from)), "{region}");
            for host in ours.iter().flatten() {
                let is_of = |of: &Partition| signing_region(Service::Signin, *of, host).is_some();
                let of: Vec<Partition> = Partition::ALL.into_iter().filter(is_of).collect();
                let expected = if host.contains("console") { vec![] } else { vec![partition] };
                assert_eq!(of, expected, "{host}");
                assert_eq!(signing_region(Service::Sts, partition, host), None, "{host}");
            }
        }
        for host in [
            "signin.aws.amazon.com.evil.example",
            "evil-signin.aws.amazon.com",
            "x.signin.aws.amazon.com",
            "signin.amazonaws.com",
            "signin.amazonaws-eusc.eu",
            "us-east-1.signin.amazonaws-eusc.eu",
        ] {
            let is_awss = |partition| signing_region(Service::Signin, partition, host).is_some();
            assert!(!Partition::ALL.into_iter().any(is_awss), "{host}");
        }
    }

    #[test]
    fn hosts_of_strangers_and_of_other_services_are_not_iams() {
        for host in [
            "",
            "iam",
            "iam.amazonaws.com.evil.example",
            "evil-iam.amazonaws.com",
            "iam.eu-west-1.amazonaws.com",
            "iam.us-gov.amazonaws.com",
            "iam.s3.amazonaws.com",
            "sts.amazonaws.com",
            "sts.eu-west-1.amazonaws.com",
            "vpce-0123456789abcdef0.iam.us-east-1.vpce.amazonaws.com",
        ] {
            assert_eq!(signing_region(Service::Iam, Partition::Aws, host), None, "{host}");
        }
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

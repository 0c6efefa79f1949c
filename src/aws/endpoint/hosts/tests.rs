//! The table beside what the SDK and botocore call.

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
        let signin = host_of(Service::Console, partition, &region, false, false);
        let ours = signin.zip(console_host(partition, &region)).map(|(signin, console)| [signin, console]);
        assert_eq!(ours, hosts.map(|hosts| hosts.map(String::from)), "{region}");
        for host in ours.iter().flatten() {
            let is_of = |of: &Partition| signing_region(Service::Console, *of, host).is_some();
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
        let is_awss = |partition| signing_region(Service::Console, partition, host).is_some();
        assert!(!Partition::ALL.into_iter().any(is_awss), "{host}");
    }
}

/// What botocore 1.44 calls, by region: plain, FIPS, dual-stack, both. Of `*`, the service's own part.
#[test]
fn hosts_of_sign_ins_are_those_of_botocore() {
    let kinds = [(false, false), (true, false), (false, true), (true, true)];
    let mut rows = 0;
    for (name, regional, login) in SIGN_INS {
        let region = Region::parse(name).unwrap();
        let partition = region.partition().unwrap();
        let of = |part: &str| regional.map(|host| host.replace('*', part).replace('@', name));
        let login = login.map(|host| host.replace('@', name));
        for (service, hosts) in
            [(Service::Sso, of("portal.sso")), (Service::SsoOidc, of("oidc")), (Service::Login, login)]
        {
            let ours = kinds.map(|(fips, dual)| host_of(service, partition, &region, fips, dual).unwrap());
            assert_eq!(ours, hosts, "{service:?} {name}");
            for host in &hosts {
                let is_of = |of: &Partition| signing_region(service, *of, host).is_some();
                assert_eq!(signing_region(service, partition, host).as_ref(), Some(&region), "{host}");
                assert_eq!(Partition::ALL.into_iter().filter(is_of).collect::<Vec<_>>(), [partition], "{host}");
                assert_eq!(signing_region(Service::Sts, partition, host), None, "{host}");
            }
            rows += 1;
        }
    }
    assert_eq!(rows, 33);
}

const SIGN_INS: [(&str, [&str; 4], [&str; 4]); 11] = [
    (
        "us-east-1",
        ["*.@.amazonaws.com", "*-fips.@.amazonaws.com", "*.@.api.aws", "*-fips.@.api.aws"],
        ["@.signin.aws.amazon.com", "signin-fips.@.amazonaws.com", "signin.@.api.aws", "signin-fips.@.api.aws"],
    ),
    (
        "eu-west-1",
        ["*.@.amazonaws.com", "*-fips.@.amazonaws.com", "*.@.api.aws", "*-fips.@.api.aws"],
        ["@.signin.aws.amazon.com", "signin-fips.@.amazonaws.com", "signin.@.api.aws", "signin-fips.@.api.aws"],
    ),
    (
        "cn-north-1",
        [
            "*.@.amazonaws.com.cn",
            "*-fips.@.amazonaws.com.cn",
            "*.@.api.amazonwebservices.com.cn",
            "*-fips.@.api.amazonwebservices.com.cn",
        ],
        [
            "@.signin.amazonaws.cn",
            "signin-fips.@.amazonaws.com.cn",
            "signin.@.api.amazonwebservices.com.cn",
            "signin-fips.@.api.amazonwebservices.com.cn",
        ],
    ),
    (
        "cn-northwest-1",
        [
            "*.@.amazonaws.com.cn",
            "*-fips.@.amazonaws.com.cn",
            "*.@.api.amazonwebservices.com.cn",
            "*-fips.@.api.amazonwebservices.com.cn",
        ],
        [
            "@.signin.amazonaws.cn",
            "signin-fips.@.amazonaws.com.cn",
            "signin.@.api.amazonwebservices.com.cn",
            "signin-fips.@.api.amazonwebservices.com.cn",
        ],
    ),
    (
        "us-gov-west-1",
        ["*.@.amazonaws.com", "*.@.amazonaws.com", "*.@.api.aws", "*-fips.@.api.aws"],
        [
            "@.signin.amazonaws-us-gov.com",
            "signin-fips.amazonaws-us-gov.com",
            "signin.@.api.aws",
            "signin-fips.@.api.aws",
        ],
    ),
    (
        "us-gov-east-1",
        ["*.@.amazonaws.com", "*.@.amazonaws.com", "*.@.api.aws", "*-fips.@.api.aws"],
        [
            "@.signin.amazonaws-us-gov.com",
            "@.signin-fips.amazonaws-us-gov.com",
            "signin.@.api.aws",
            "signin-fips.@.api.aws",
        ],
    ),
    (
        "us-iso-east-1",
        ["*.@.c2s.ic.gov", "*-fips.@.c2s.ic.gov", "*.@.api.aws.ic.gov", "*-fips.@.api.aws.ic.gov"],
        [
            "@.signin.c2shome.ic.gov",
            "signin-fips.@.c2s.ic.gov",
            "signin.@.api.aws.ic.gov",
            "signin-fips.@.api.aws.ic.gov",
        ],
    ),
    (
        "us-isob-east-1",
        ["*.@.sc2s.sgov.gov", "*-fips.@.sc2s.sgov.gov", "*.@.api.aws.scloud", "*-fips.@.api.aws.scloud"],
        [
            "@.signin.sc2shome.sgov.gov",
            "signin-fips.@.sc2s.sgov.gov",
            "signin.@.api.aws.scloud",
            "signin-fips.@.api.aws.scloud",
        ],
    ),
    (
        "eu-isoe-west-1",
        [
            "*.@.cloud.adc-e.uk",
            "*-fips.@.cloud.adc-e.uk",
            "*.@.api.cloud-aws.adc-e.uk",
            "*-fips.@.api.cloud-aws.adc-e.uk",
        ],
        [
            "@.signin.csphome.adc-e.uk",
            "signin-fips.@.cloud.adc-e.uk",
            "signin.@.api.cloud-aws.adc-e.uk",
            "signin-fips.@.api.cloud-aws.adc-e.uk",
        ],
    ),
    (
        "us-isof-south-1",
        ["*.@.csp.hci.ic.gov", "*-fips.@.csp.hci.ic.gov", "*.@.api.aws.hci.ic.gov", "*-fips.@.api.aws.hci.ic.gov"],
        [
            "@.signin.csphome.hci.ic.gov",
            "signin-fips.@.csp.hci.ic.gov",
            "signin.@.api.aws.hci.ic.gov",
            "signin-fips.@.api.aws.hci.ic.gov",
        ],
    ),
    (
        "eusc-de-east-1",
        [
            "*.@.amazonaws.eu",
            "*-fips.@.amazonaws.eu",
            "*.@.api.amazonwebservices.eu",
            "*-fips.@.api.amazonwebservices.eu",
        ],
        [
            "@.signin.amazonaws-eusc.eu",
            "signin-fips.@.amazonaws.eu",
            "signin.@.api.amazonwebservices.eu",
            "signin-fips.@.api.amazonwebservices.eu",
        ],
    ),
];

#[test]
fn hosts_of_strangers_are_not_of_the_sign_ins() {
    for host in [
        "",
        "oidc",
        "portal.sso",
        "portal.sso.amazonaws.com",
        "portal.sso.eu-west-1.amazonaws.com.evil.example",
        "portal.sso.eu-west-1.amazonaws.com.",
        "evil.portal.sso.eu-west-1.amazonaws.com",
        "evil-portal.sso.eu-west-1.amazonaws.com",
        "portal.sso.s3.amazonaws.com",
        "portal.sso.mars-north-1.amazonaws.com",
        "portal.sso.cn-north-1.amazonaws.com",
        "portal.sso.eu-west-1.evilamazonaws.com",
        "sso.eu-west-1.amazonaws.com",
        "d-1234567890.awsapps.com",
        "oidc.eu-west-1.amazonaws.com.evil.example",
        "evil-oidc.eu-west-1.amazonaws.com",
        "x.oidc.eu-west-1.amazonaws.com",
        "oidc.eks.eu-west-1.amazonaws.com",
        "oidc.eu-west-1.eu-west-1.amazonaws.com",
        "oidc.eu-west-1.s3.amazonaws.com",
        "signin.aws.amazon.com",
        "eu-west-1.signin.aws.amazon.com.evil.example",
        "evil.eu-west-1.signin.aws.amazon.com",
        "evil.signin.aws.amazon.com",
        "eu-west-1.signin.amazonaws.com",
        "eu-west-1.console.aws.amazon.com",
        "signin.eu-west-1.amazonaws.com",
        "us-gov-west-1.signin.aws.amazon.com",
        "signin-fips.aws.amazon.com",
        "sts.eu-west-1.amazonaws.com",
    ] {
        for service in [Service::Sso, Service::SsoOidc, Service::Login] {
            let is_awss = |partition| signing_region(service, partition, host).is_some();
            assert!(!Partition::ALL.into_iter().any(is_awss), "{service:?} {host}");
        }
    }
    for (host, own) in [
        ("portal.sso.eu-west-1.amazonaws.com", Service::Sso),
        ("oidc.eu-west-1.amazonaws.com", Service::SsoOidc),
        ("eu-west-1.signin.aws.amazon.com", Service::Login),
    ] {
        let all = [Service::Sts, Service::Iam, Service::Console, Service::Sso, Service::SsoOidc, Service::Login];
        let is_of = |of: &Service| signing_region(*of, Partition::Aws, host).is_some();
        assert_eq!(all.into_iter().filter(is_of).collect::<Vec<_>>(), [own], "{host}");
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
        (Partition::Aws, "vpce-0123456789abcdef0-a1b2c3d4-eu-west-1a.sts.eu-west-1.vpce.amazonaws.com", "eu-west-1"),
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

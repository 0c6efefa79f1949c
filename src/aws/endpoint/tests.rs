//! One test a trap of P17 and P19.

use super::*;
use crate::error::Place;
use crate::origin::Origin;

fn request(given: Option<&str>) -> EndpointRequest {
    EndpointRequest {
        service: Service::Sts,
        partition: Partition::Aws,
        region: Region::parse("eu-west-1").unwrap(),
        fips: false,
        dualstack: false,
        given: given.map(|url| Sourced { value: url.into(), origin: Origin::Variable("AWS_ENDPOINT_URL_STS") }),
    }
}

fn at(url: &str) -> Result<Endpoint, Failure> {
    resolve(&request(Some(url)), &[])
}

fn at_allowing(url: &str, entry: &str) -> Result<Endpoint, Failure> {
    resolve(&request(Some(url)), &[entry.to_string()])
}

fn assert_refused(urls: &[&str]) {
    for url in urls {
        // Not even an allowed host of that very text may be reached by another notation.
        for allow in [vec![], vec![url.to_string()], vec![url.split("//").last().unwrap_or("").to_string()]] {
            let failure = resolve(&request(Some(url)), &allow).expect_err(url);
            assert_eq!(failure.kind, Kind::Config, "{url}");
            assert!(failure.cause.starts_with("AWS_ENDPOINT_URL_STS points STS to "), "{}", failure.cause);
        }
    }
}

#[test]
fn without_an_address_the_host_is_awss_regional_one() {
    let endpoint = resolve(&request(None), &[]).unwrap();
    assert_eq!(endpoint.url(), "https://sts.eu-west-1.amazonaws.com");
    assert_eq!((endpoint.is_aws(), endpoint.identity(), endpoint.region().as_str()), (true, None, "eu-west-1"));
    assert_eq!(endpoint.to_string(), "STS");
}

#[test]
fn switches_and_partition_choose_the_host() {
    for (partition, region, fips, dualstack, host) in [
        (Partition::Aws, "us-east-2", true, false, "sts-fips.us-east-2.amazonaws.com"),
        (Partition::Aws, "eu-west-1", false, true, "sts.eu-west-1.api.aws"),
        (Partition::China, "cn-north-1", false, false, "sts.cn-north-1.amazonaws.com.cn"),
        (Partition::UsGov, "us-gov-west-1", true, false, "sts.us-gov-west-1.amazonaws.com"),
        (Partition::UsGov, "eu-west-1", false, false, "sts.us-gov-west-1.amazonaws.com"),
        (Partition::China, "us-east-1", false, false, "sts.cn-northwest-1.amazonaws.com.cn"),
        (Partition::Eusc, "eusc-de-east-1", false, false, "sts.eusc-de-east-1.amazonaws.eu"),
    ] {
        let request = EndpointRequest {
            service: Service::Sts,
            partition,
            region: Region::parse(region).unwrap(),
            fips,
            dualstack,
            given: None,
        };
        assert_eq!(resolve(&request, &[]).unwrap().host(), host);
    }
}

#[test]
fn iam_has_one_host_for_a_partition_whatever_the_region() {
    for (partition, region, fips, dualstack, host, signer) in [
        (Partition::Aws, "eu-west-1", false, false, "iam.amazonaws.com", "us-east-1"),
        (Partition::Aws, "mars-north-1", true, false, "iam-fips.amazonaws.com", "us-east-1"),
        (Partition::Aws, "eu-west-1", true, true, "iam-fips.global.api.aws", "us-east-1"),
        (Partition::China, "eu-west-1", false, false, "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        (Partition::UsGov, "us-gov-east-1", false, true, "iam.us-gov.api.aws", "us-gov-west-1"),
        (Partition::IsoE, "eu-isoe-west-1", false, true, "iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1"),
    ] {
        let region = Region::parse(region).unwrap();
        let request = EndpointRequest { service: Service::Iam, partition, region, fips, dualstack, given: None };
        let endpoint = resolve(&request, &[]).unwrap();
        assert_eq!((endpoint.host().as_str(), endpoint.region().as_str()), (host, signer));
        assert_eq!((endpoint.to_string().as_str(), endpoint.is_aws()), ("IAM", true));
    }
}

#[test]
fn address_of_iam_is_checked_as_that_of_sts_and_signed_for_iams_region() {
    let at =
        |url: &str, allow: &[String]| resolve(&EndpointRequest { service: Service::Iam, ..request(Some(url)) }, allow);
    for (url, allow, shown) in [
        ("http://127.0.0.1:4566", vec![], "IAM at 127.0.0.1:4566, not AWS"),
        ("https://iam.corp.example", vec!["iam.corp.example".to_owned()], "IAM at iam.corp.example, not AWS"),
        ("https://iam.global.api.aws", vec![], "IAM"),
    ] {
        let endpoint = at(url, &allow).unwrap();
        assert_eq!((endpoint.to_string().as_str(), endpoint.region().as_str()), (shown, "us-east-1"));
    }
    for url in
        ["https://sts.eu-west-1.amazonaws.com", "https://iam.amazonaws.com.evil.example", "http://iam.amazonaws.com"]
    {
        let failure = at(url, &[]).expect_err(url);
        assert!(failure.cause.starts_with("AWS_ENDPOINT_URL_STS points IAM to "), "{}", failure.cause);
    }
}

#[test]
fn region_of_no_partition_has_no_host() {
    let request = EndpointRequest { region: Region::parse("mars-north-1").unwrap(), ..request(None) };
    let failure = resolve(&request, &[]).unwrap_err();
    assert_eq!(failure.kind, Kind::Config);
    assert!(failure.cause.contains("'mars-north-1'"), "{}", failure.cause);
}

#[test]
fn awss_own_host_given_as_address_is_awss_and_signed_for_its_region() {
    for (url, region) in [
        ("https://sts.eu-west-1.amazonaws.com", "eu-west-1"),
        ("https://sts.us-east-1.amazonaws.com/", "us-east-1"),
        ("https://STS.us-east-1.amazonaws.com:443", "us-east-1"),
        ("https://sts.amazonaws.com", "us-east-1"),
        ("https://vpce-0123456789abcdef0-a1b2c3d4.sts.eu-west-1.vpce.amazonaws.com", "eu-west-1"),
    ] {
        let endpoint = at(url).expect(url);
        assert_eq!((endpoint.kind(), endpoint.region().as_str()), (EndpointKind::Aws, region), "{url}");
        assert_eq!(endpoint.identity(), None, "{url}");
    }
}

#[test]
fn awss_host_of_another_partition_is_a_stranger() {
    assert_refused(&["https://sts.cn-north-1.amazonaws.com.cn@x", "http://sts.cn-north-1.amazonaws.com.cn"]);
    assert!(at("https://sts.cn-north-1.amazonaws.com.cn").is_err());
}

#[test]
fn awss_host_over_plain_http_or_another_port_is_refused() {
    assert_refused(&["http://sts.eu-west-1.amazonaws.com", "http://sts.eu-west-1.amazonaws.com:443"]);
    assert!(at("https://sts.eu-west-1.amazonaws.com:8443").is_err());
}

#[test]
fn stranger_is_refused_naming_where_it_stood_and_the_way_to_allow_it() {
    let failure = at("https://evil.example:8443").unwrap_err();
    assert_eq!(
        failure.cause,
        "AWS_ENDPOINT_URL_STS points STS to 'https://evil.example:8443': not an AWS host, and not allowed by your settings"
    );
    assert!(
        failure.shown_hints()[0].ends_with("twolock settings set endpoints.allow evil.example:8443"),
        "{:?}",
        failure.shown_hints()
    );
    let place = Place { file: "~/.aws/config".into(), line: 7 };
    let given = Sourced { value: "https://evil.example".into(), origin: Origin::Setting("endpoint_url", place) };
    let failure =
        resolve(&EndpointRequest { given: Some(given), ..request(None) }, &["other.example".into()]).unwrap_err();
    assert!(failure.headline().starts_with("endpoint_url (~/.aws/config:7) points STS to 'https://evil.example'"));
    let keeps_the_other = "twolock settings set endpoints.allow other.example,evil.example";
    assert!(failure.shown_hints()[0].ends_with(keeps_the_other), "{:?}", failure.shown_hints());
}

#[test]
fn lookalikes_of_awss_hosts_are_strangers() {
    for url in [
        "https://sts.amazonaws.com.evil.example",
        "https://evil-sts.eu-west-1.amazonaws.com",
        "https://bucket.s3.eu-west-1.amazonaws.com",
        "https://abc.execute-api.eu-west-1.amazonaws.com",
        "https://vpce-svc-0123456789abcdef0.sts.eu-west-1.vpce.amazonaws.com",
        "https://amazonaws.com",
    ] {
        let failure = at(url).expect_err(url);
        assert!(failure.cause.contains("not an AWS host"), "{}", failure.cause);
    }
}

#[test]
fn allowed_host_is_not_aws() {
    let endpoint = at_allowing("https://STS.corp.example/", "sts.corp.example").unwrap();
    assert_eq!(endpoint.kind(), EndpointKind::Allowed);
    assert_eq!(endpoint.identity().as_deref(), Some("https://sts.corp.example:443"));
    assert_eq!(endpoint.to_string(), "STS at sts.corp.example, not AWS");
}

#[test]
fn plain_http_goes_to_a_host_the_settings_allow_and_never_to_aws() {
    let endpoint = at_allowing("http://localstack:4566", "localstack:4566").unwrap();
    assert_eq!((endpoint.kind(), endpoint.url().as_str()), (EndpointKind::Allowed, "http://localstack:4566"));
    assert_eq!(endpoint.identity().as_deref(), Some("http://localstack:4566"));
    assert!(at_allowing("http://localstack", "localstack:80").is_ok());
    for (url, entry) in [
        ("http://localstack", "localstack"),
        ("http://localstack:443", "localstack"),
        ("http://localstack:443", "localstack:443"),
    ] {
        assert!(at_allowing(url, entry).is_err(), "allowed for https alone: {url} by {entry}");
    }
    let refused = at("http://localstack:4566").unwrap_err();
    assert!(refused.cause.ends_with("plain http is allowed only for this machine and for hosts in endpoints.allow"));
    let hint = "if you trust that host with your keys and codes: twolock settings set endpoints.allow localstack:4566";
    assert_eq!(refused.shown_hints(), [hint]);
    let refused = at_allowing("http://sts.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com").unwrap_err();
    assert!(refused.cause.ends_with("plain http to AWS is not allowed"), "{}", refused.cause);
    assert_eq!(refused.shown_hints(), ["use https://sts.eu-west-1.amazonaws.com"]);
}

#[test]
fn allow_list_compares_whole_hosts_and_ports() {
    for (url, entry, allowed) in [
        ("https://sts.corp.example", "sts.corp.example", true),
        ("https://sts.corp.example", " STS.corp.example:443 ", true),
        ("https://sts.corp.example:8443", "sts.corp.example:8443", true),
        ("https://sts.corp.example:8443", "sts.corp.example", false),
        ("https://sts.corp.example", "sts.corp.example:8443", false),
        ("https://evil.sts.corp.example", "sts.corp.example", false),
        ("https://sts.corp.example.evil.example", "sts.corp.example", false),
        ("https://sts.corp.example", "corp.example", false),
        ("https://sts.corp.example", ".corp.example", false),
        ("https://sts.corp.example", "*", false),
        ("https://sts.corp.example", "*.corp.example", false),
        ("https://sts.corp.example", "https://sts.corp.example", false),
        ("https://sts.corp.example", "", false),
        ("https://10.1.2.3", "10.1.2.3", true),
    ] {
        assert_eq!(at_allowing(url, entry).is_ok(), allowed, "{url} with {entry:?}");
    }
}

#[test]
fn loopback_may_speak_plain_http_and_is_named() {
    for (url, shown, identity) in [
        ("http://127.0.0.1:4566", "127.0.0.1:4566", "http://127.0.0.1:4566"),
        ("http://127.8.9.10:4566/", "127.8.9.10:4566", "http://127.8.9.10:4566"),
        ("http://[::1]:4566", "[::1]:4566", "http://[::1]:4566"),
        ("http://localhost:4566", "localhost:4566", "http://localhost:4566"),
        ("https://localhost:4566", "localhost:4566", "https://localhost:4566"),
        ("http://127.0.0.1", "127.0.0.1", "http://127.0.0.1:80"),
    ] {
        let endpoint = at(url).expect(url);
        assert_eq!((endpoint.kind(), endpoint.shown().as_str()), (EndpointKind::Loopback, shown));
        assert_eq!(endpoint.identity().as_deref(), Some(identity));
    }
    assert_eq!(at("http://127.0.0.1:4566").unwrap().to_string(), "STS at 127.0.0.1:4566, not AWS");
}

#[test]
fn plain_http_to_anything_else_is_refused() {
    for url in [
        "http://evil.example",
        "http://0.0.0.0:4566",
        "http://10.0.0.1",
        "http://169.254.169.254",
        "http://[::]:4566",
        "http://[::2]:4566",
        "http://localhost.evil.example",
        "http://evil.localhost",
        "http://127.0.0.1.evil.example",
        "http://localhost.localdomain",
    ] {
        let cause = at(url).expect_err(url).cause;
        assert!(cause.contains("plain http is allowed only for this machine"), "{cause}");
    }
}

#[test]
fn other_notations_of_addresses_are_refused() {
    for scheme in ["http", "https"] {
        for host in [
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
            "127.0.0.01",
            "127.0.0.256",
            "127.0.0.1.1",
            "1.2.3.0x4",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:0:0:1]",
            "[::0001]",
            "[::1%25lo]",
            "[::1",
            "::1",
            "127.0.0.1.",
        ] {
            assert_refused(&[&format!("{scheme}://{host}"), &format!("{scheme}://{host}:4566")]);
        }
    }
}

#[test]
fn user_names_are_refused_and_not_shown() {
    for url in [
        "https://user:hunter2@sts.amazonaws.com",
        "http://127.0.0.1:4566@evil.example",
        "https://sts.amazonaws.com@evil.example",
        "https://@sts.amazonaws.com",
        "http://hunter2@localhost",
    ] {
        assert_refused(&[url]);
        let failure = at(url).unwrap_err();
        assert!(!failure.cause.contains("hunter2"), "{}", failure.cause);
    }
}

#[test]
fn trailing_dots_are_refused() {
    assert_refused(&[
        "https://sts.eu-west-1.amazonaws.com.",
        "http://localhost.:4566",
        "https://evil.example.",
        "https://evil..example",
        "https://.evil.example",
    ]);
}

#[test]
fn paths_queries_and_fragments_are_refused() {
    assert_refused(&[
        "https://sts.eu-west-1.amazonaws.com/x",
        "https://sts.eu-west-1.amazonaws.com//",
        "https://sts.eu-west-1.amazonaws.com?x=1",
        "https://sts.eu-west-1.amazonaws.com/?",
        "https://sts.eu-west-1.amazonaws.com/#x",
        "https://sts.eu-west-1.amazonaws.com#",
        "https://evil.example/#.sts.eu-west-1.amazonaws.com",
        "https://evil.example\\.amazonaws.com",
    ]);
}

#[test]
fn bad_ports_are_refused() {
    assert_refused(&[
        "http://127.0.0.1:0",
        "http://127.0.0.1:",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:04566",
        "http://127.0.0.1:+80",
        "http://127.0.0.1:x",
        "http://localhost:80:80",
    ]);
}

#[test]
fn what_is_no_address_is_refused() {
    let long = format!("https://{}.example", "a".repeat(64));
    assert_refused(&[
        "",
        " ",
        "/",
        "https://",
        "https:///",
        "sts.eu-west-1.amazonaws.com",
        "sts.eu-west-1.amazonaws.com:443",
        "//sts.eu-west-1.amazonaws.com",
        "ftp://sts.eu-west-1.amazonaws.com",
        "file:///etc/passwd",
        "unix:/run/x",
        "https://sts.eu-west-1.amazonaws.com\n",
        " https://sts.eu-west-1.amazonaws.com",
        "https://sts.eu-west-1.amazonaws.com\u{202e}",
        "https://ëvil.example",
        "https://sts%2eamazonaws.com",
        "https://-x.example",
        "https://x_y.example",
        &long,
    ]);
}

#[test]
fn an_address_full_of_escapes_is_shown_harmless() {
    let failure = at("https://x\u{1b}[31m").unwrap_err();
    let line = failure.headline();
    assert!(line.contains("\\u{1b}") && !line.contains('\u{1b}'), "{line}");
}

#[test]
fn a_server_of_this_machine_gets_tokens_in_a_release_only_if_the_settings_name_it() {
    let to = |url: &str, allow: &[&str]| {
        let allow: Vec<String> = allow.iter().map(ToString::to_string).collect();
        resolve(&request(Some(url)), &allow).unwrap().may_get_tokens(&allow)
    };
    let trusted = cfg!(feature = "sandbox");
    for (url, allow, expected) in [
        ("https://sts.eu-west-1.amazonaws.com", &[][..], true),
        ("https://sts.corp.example", &["sts.corp.example"], true),
        ("http://127.0.0.1:4566", &[], trusted),
        ("http://127.0.0.1:4566", &["127.0.0.1:4567", "127.0.0.1"], trusted),
        ("http://localhost:4566", &["127.0.0.1:4566"], trusted),
        ("http://127.0.0.1:4566", &["127.0.0.1:4566"], true),
        ("http://[::1]:4566", &["x", " [::1]:4566"], true),
    ] {
        assert_eq!(to(url, allow), expected, "{url} {allow:?}");
    }
}

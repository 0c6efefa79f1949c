//! Answers as IAM gives them, and answers about somebody else, damaged or hostile: a table an operation.

use super::*;
use crate::arn::AccountId;
use crate::aws::iam::xml::parse;
use crate::credentials::Session;

const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

fn user() -> UserName {
    UserName::parse("ana").unwrap()
}

fn session() -> Session {
    Session {
        access_key_id: AccessKeyId::parse("ASIAIOSFODNN7EXAMPLE").unwrap(),
        secret: Secret::new("s".into()),
        token: Secret::new("t".into()),
        expires: Timestamp::from_unix(0),
        account: AccountId::parse("123456789012"),
    }
}

/// Reads a document of these children.
fn read<T>(children: &str, read: impl Fn(&Element<'_>) -> Result<T, String>) -> Result<T, String> {
    let document = format!("<r>{children}</r>");
    let root = parse(document.as_bytes()).map_err(str::to_owned)?;
    read(&root)
}

fn fields(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, text)| format!("<{name}>{text}</{name}>")).collect()
}

#[test]
fn a_listed_key_is_taken_with_its_state_and_age() {
    let key = |user, id, status, date| {
        let entry = fields(&[("UserName", user), ("AccessKeyId", id), ("Status", status), ("CreateDate", date)]);
        read(&entry, |entry| key_info(entry, &self::user()))
    };
    let (id, date) = ("AKIAIOSFODNN7EXAMPLE", "2026-01-31T12:34:56Z");
    let read = key("Ana", id, "Inactive", date).unwrap();
    assert_eq!((read.id.as_str(), read.status, read.created.to_string().as_str()), (id, KeyStatus::Inactive, date));
    assert_eq!(key("ana", id, "Expired", date).unwrap().status, KeyStatus::Expired);
    for (user, id, status, date, why) in [
        ("bob", id, "Active", date, "it is for user 'bob', but 'ana' was requested"),
        ("ana", "", "Active", date, "its AccessKeyId is invalid"),
        ("ana", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "Active", date, "its AccessKeyId is invalid"),
        ("ana", id, "active", date, "its Status is invalid"),
        ("ana", id, "Active", "yesterday", "its CreateDate is invalid"),
        ("ana", id, "Active", "", "its CreateDate is invalid"),
    ] {
        assert_eq!(key(user, id, status, date).unwrap_err(), why);
    }
    let entry = fields(&[("AccessKeyId", id), ("AccessKeyId", id), ("Status", "Active"), ("CreateDate", date)]);
    assert_eq!(
        self::read(&entry, |entry| key_info(entry, &self::user())).unwrap_err(),
        "it contains AccessKeyId twice"
    );
}

#[test]
fn a_list_that_is_cut_or_is_none_is_no_short_list() {
    let member = "<member>ana-corp</member>";
    for (children, entries, next) in [
        (format!("<L>{member}</L><IsTruncated>false</IsTruncated>"), 1, None),
        (format!("<L>{member}{member}</L>"), 2, None),
        ("<L/><IsTruncated>true</IsTruncated><Marker>m&amp;1</Marker>".into(), 0, Some("m&1")),
    ] {
        let page = read(&children, |result| page(result, "L", alias)).unwrap();
        assert_eq!((page.entries.len(), page.next.as_deref()), (entries, next), "{children}");
    }
    for (children, why) in [
        ("<IsTruncated>false</IsTruncated>", "it contains no L"),
        ("<L>text</L>", "its L is not a list"),
        ("<L><entry>x</entry></L>", "its L is not a list"),
        ("<L/><L/>", "it contains L twice"),
        ("<L/><IsTruncated>maybe</IsTruncated>", "its IsTruncated is invalid"),
        ("<L/><IsTruncated>true</IsTruncated>", "it contains no Marker"),
        ("<L><member>a b</member></L>", "its alias is invalid"),
        ("<L><member>&canary;</member></L>", "its member is invalid"),
    ] {
        assert_eq!(read(children, |result| page(result, "L", alias)).err().unwrap(), why, "{children}");
    }
}

#[test]
fn a_new_key_comes_with_its_secret_or_is_named_without_it() {
    let key = |user, id, secret, status| {
        let key = fields(&[("UserName", user), ("AccessKeyId", id), ("SecretAccessKey", secret), ("Status", status)]);
        read(&format!("<AccessKey>{key}</AccessKey>"), |result| new_key(result, &self::user()))
    };
    let id = "AKIAIOSFODNN7EXAMPLE";
    let made = key("ana", id, "canary&#x2F;secret&#43;", "Active").unwrap();
    assert_eq!((made.id.as_str(), made.secret.expose().as_str()), (id, "canary/secret+"));
    assert!(!format!("{made:?}").contains("canary"));
    for (user, id, secret, status, why) in [
        ("bob", id, "canary", "Active", "it is for user 'bob', but 'ana' was requested"),
        ("ana", "canary", "canary", "Active", "its AccessKeyId is invalid"),
        ("ana", id, "", "Active", "the secret of its key AKIAIOSFODNN7EXAMPLE is malformed"),
        ("ana", id, "canary $(x)", "Active", "the secret of its key AKIAIOSFODNN7EXAMPLE is malformed"),
        ("ana", id, "&canary;", "Active", "its SecretAccessKey is invalid"),
        ("ana", id, "canary", "Inactive", "its key AKIAIOSFODNN7EXAMPLE is not active"),
    ] {
        assert_eq!(key(user, id, secret, status).unwrap_err(), why);
    }
    assert_eq!(read("", |result| new_key(result, &self::user())).unwrap_err(), "it contains no AccessKey");
}

#[test]
fn the_last_use_of_a_key_is_told_as_far_as_aws_knows_it() {
    let used =
        |last: &[(&str, &str)]| read(&format!("<AccessKeyLastUsed>{}</AccessKeyLastUsed>", fields(last)), last_used);
    let date = ("LastUsedDate", "2026-01-31T12:34:00Z");
    let last = used(&[date, ("ServiceName", "s3"), ("Region", "eu-west-1")]).unwrap().unwrap();
    assert_eq!((last.service.as_deref(), last.region.as_deref()), (Some("s3"), Some("eu-west-1")));
    assert_eq!(last.when, Timestamp::parse(date.1).unwrap());
    let last = used(&[date, ("ServiceName", "iam"), ("Region", "N/A")]).unwrap().unwrap();
    assert_eq!((last.service.as_deref(), last.region), (Some("iam"), None));
    assert_eq!(used(&[("ServiceName", "N/A"), ("Region", "N/A")]), Ok(None));
    assert_eq!(used(&[date, ("ServiceName", "\u{202e}s3")]), Err("its ServiceName is invalid".into()));
    assert_eq!(used(&[("LastUsedDate", "")]), Err("its LastUsedDate is invalid".into()));
}

#[test]
fn devices_are_told_apart_by_their_serials() {
    let session = session();
    let device = |user, serial| {
        let entry = fields(&[("UserName", user), ("SerialNumber", serial), ("EnableDate", "2026-01-31T12:34:56Z")]);
        read(&entry, |entry| device(entry, &self::user(), Signer::Session(&session)))
    };
    for (serial, kind, has_codes) in [
        ("arn:aws:iam::123456789012:mfa/ana", DeviceKind::Virtual, true),
        ("GAHT12345678", DeviceKind::Hardware, true),
        ("arn:aws:iam::123456789012:u2f/user/ana/yubi-ABC", DeviceKind::Passkey, false),
        ("arn:aws:iam::123456789012:sms-mfa/ana", DeviceKind::TextMessage, false),
    ] {
        let device = device("ana", serial).unwrap();
        assert_eq!((device.kind, device.kind.has_codes_for_sts()), (kind, has_codes), "{serial}");
        assert!(device.since.is_some());
    }
    for (user, serial, why) in [
        ("bob", "GAHT12345678", "it is for user 'bob', but 'ana' was requested"),
        (
            "ana",
            "arn:aws:iam::999999999999:mfa/ana",
            "it is for account 999999999999, but the session is of account 123456789012",
        ),
        (
            "ana",
            "arn:aws:iam::123456789012:role/ana",
            "its SerialNumber is not an MFA device: 'role/ana' should be 'mfa/NAME'",
        ),
    ] {
        assert_eq!(device(user, serial).unwrap_err(), why);
    }
}

#[test]
fn a_new_device_comes_with_its_seed_and_no_message_has_it() {
    let (name, session) = (DeviceName::parse("ana").unwrap(), session());
    let made = |serial, seed: &str| {
        let device = fields(&[("SerialNumber", serial), ("Base32StringSeed", seed), ("QRCodePNG", "iVBORw0=")]);
        let device = format!("<VirtualMFADevice>{device}</VirtualMFADevice>");
        read(&device, |result| virtual_device(result, &name, Signer::Session(&session)))
    };
    let serial = "arn:aws:iam::123456789012:mfa/ana";
    for padded in [SEED.to_owned(), format!("{SEED}====")] {
        let device = made(serial, &base64::encode(&padded)).unwrap();
        assert_eq!(device.seed.expose(), SEED);
        assert!(!format!("{device:?}").contains(SEED));
    }
    for seed in ["", SEED, "&canary;", &base64::encode("canary"), &base64::encode([0xff; 32]), "?"] {
        let why = made(serial, seed).unwrap_err();
        assert_eq!(why, "its Base32StringSeed is invalid", "{seed}");
    }
    for (serial, why) in [
        (
            "arn:aws:iam::123456789012:mfa/bob",
            "it is for device 'arn:aws:iam::123456789012:mfa/bob', but 'ana' was requested",
        ),
        ("GAHT12345678", "it is for device 'GAHT12345678', but 'ana' was requested"),
        (
            "arn:aws:iam::999999999999:mfa/ana",
            "it is for account 999999999999, but the session is of account 123456789012",
        ),
    ] {
        assert_eq!(made(serial, &base64::encode(SEED)).unwrap_err(), why);
    }
}

#[test]
fn an_error_is_one_only_with_a_code() {
    let said = |document: &str| error(&parse(document.as_bytes()).ok().unwrap()).map(|outcome| format!("{outcome:?}"));
    let whole = "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>a &amp; b</Message></Error>\
                 <RequestId>x</RequestId></ErrorResponse>";
    assert_eq!(said(whole).unwrap(), "Said { code: \"NoSuchEntity\", message: \"a & b\" }");
    assert!(said("<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>").is_some());
    for none in [
        "<html><Error><Code>x</Code></Error></html>",
        "<ErrorResponse/>",
        "<ErrorResponse><Error><Code/></Error></ErrorResponse>",
        "<ErrorResponse><Error><Code>a</Code><Code>b</Code></Error></ErrorResponse>",
    ] {
        assert_eq!(said(none), None, "{none}");
    }
}

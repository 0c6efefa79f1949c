//! Names and short values, each parsed once at the border (aws-contract 6).

use std::fmt;
use std::time::Duration;

use zeroize::Zeroize;

use crate::arn::{Partition, is_name_char};
use crate::secret::{self, Secret};

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);
        impl $name {
            /// The text as it is sent and shown.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type! {
    /// A profile's name as written in the AWS files; any text but control characters, for reading.
    ProfileName
}
text_type! {
    /// One host label naming a region, such as `eu-west-1` (threat-model P10).
    Region
}
text_type! {
    /// `RoleSessionName`: 2 to 64 of `[\w+=,.@-]`.
    SessionName
}
text_type! {
    /// `ExternalId`: 2 to 1224 of `[\w+=,.@:/-]`.
    ExternalId
}
text_type! {
    /// `SourceIdentity`: 2 to 64 of `[\w+=,.@-]`, not beginning with `aws:`.
    SourceIdentity
}

text_type! {
    /// An IAM user's name without its path: 1 to 128 of `[\w+=,.@-]`.
    UserName
}
text_type! {
    /// A role's name in single sign-on, where it is the name of a permission set: 1 to 64 of `[\w+=,.@-]`.
    RoleName
}
text_type! {
    /// The name of a virtual MFA device, the last part of its ARN: 1 to 226 of `[\w+=,.@-]`.
    DeviceName
}

text_type! {
    /// Why somebody uses a protected profile, in one line of at most 500 characters; may be empty.
    Reason
}

crate::as_text::as_text!(ProfileName);
crate::as_text::as_text!(SessionName);
crate::as_text::as_text!(Reason);

impl UserName {
    /// Reads a user's name; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        match (1..=128).contains(&text.len()) && text.chars().all(is_name_char) {
            true => Ok(Self(text.into())),
            false => Err("is not a valid user name (1 to 128 of A-Z a-z 0-9 _+=,.@-)".into()),
        }
    }

    /// The user that an ARN names, if it names one: `arn:aws:iam::123456789012:user/PATH/NAME`.
    pub fn of_arn(arn: &str) -> Option<Self> {
        let resource = arn.splitn(6, ':').nth(5)?.strip_prefix("user/")?;
        Self::parse(resource.rsplit('/').next()?).ok()
    }
}

impl RoleName {
    /// Reads a role's name; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        match (1..=64).contains(&text.len()) && text.chars().all(is_name_char) {
            true => Ok(Self(text.into())),
            false => Err("is not a valid role name (1 to 64 of A-Z a-z 0-9 _+=,.@-)".into()),
        }
    }
}

impl DeviceName {
    /// Reads a device's name; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        match (1..=226).contains(&text.len()) && text.chars().all(is_name_char) {
            true => Ok(Self(text.into())),
            false => Err("is not a valid device name (1 to 226 of A-Z a-z 0-9 _+=,.@-)".into()),
        }
    }
}

impl ProfileName {
    /// Any name of 1 to 512 characters without control characters.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a profile name cannot be empty".into());
        }
        if text.chars().any(char::is_control) || text.len() > 512 {
            return Err(format!("'{text}' is not a valid profile name"));
        }
        Ok(Self(text.into()))
    }

    /// Whether every SDK finds a profile of this name (aws-contract 1.2).
    pub fn is_read_by_every_sdk(&self) -> bool {
        self.0.chars().all(|c| c.is_ascii_alphanumeric() || "_-/.%@:+".contains(c))
    }

    /// Whether `profile add` takes the name: every SDK finds it, and it can stand in a `credential_process` line.
    pub fn fits_every_tool(&self) -> bool {
        is_process_word(&self.0) && self.is_read_by_every_sdk()
    }
}

/// Whether a text gives the same word under a word splitter, `sh -c` and Windows, so that it may stand in a
/// `credential_process` line (threat-model P13). `%` is missing: cmd.exe reads text between two of them as a variable.
pub fn is_process_word(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./@+:".contains(c))
}

impl Region {
    /// One lower-case host label; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let label = !text.is_empty()
            && text.len() <= 63
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if label {
            Ok(Self(text.into()))
        } else {
            Err("is not a valid region name (lower-case letters, digits and '-', like eu-west-1)".into())
        }
    }

    /// The partition this region belongs to by its pattern (aws-contract 4.5); none if no pattern fits.
    pub fn partition(&self) -> Option<Partition> {
        let mut parts = [""; 5];
        let count = self.0.split('-').zip(&mut parts).map(|(part, place)| *place = part).count();
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        let word = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric());
        match &parts[..count] {
            ["us", "gov", w, n] if word(w) && digits(n) => Some(Partition::UsGov),
            ["us", "iso", w, n] if word(w) && digits(n) => Some(Partition::Iso),
            ["us", "isob", w, n] if word(w) && digits(n) => Some(Partition::IsoB),
            ["eu", "isoe", w, n] if word(w) && digits(n) => Some(Partition::IsoE),
            ["us", "isof", w, n] if word(w) && digits(n) => Some(Partition::IsoF),
            ["eusc", "de", w, n] if word(w) && digits(n) => Some(Partition::Eusc),
            ["cn", w, n] if word(w) && digits(n) => Some(Partition::China),
            ["us" | "eu" | "ap" | "sa" | "ca" | "me" | "af" | "il" | "mx", w, n] if word(w) && digits(n) => {
                Some(Partition::Aws)
            }
            _ => None,
        }
    }

    /// The region STS calls of a partition go to when nothing names one (aws-contract 4.5).
    pub fn default_of(partition: Partition) -> Self {
        let name = match partition {
            Partition::Aws => "us-east-1",
            Partition::China => "cn-northwest-1",
            Partition::UsGov => "us-gov-west-1",
            Partition::Iso => "us-iso-east-1",
            Partition::IsoB => "us-isob-east-1",
            Partition::IsoE => "eu-isoe-west-1",
            Partition::IsoF => "us-isof-south-1",
            Partition::Eusc => "eusc-de-east-1",
        };
        Self(name.into())
    }
}

impl SessionName {
    /// Reads a session name; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        not_a_secret(text)?;
        let ok = (2..=64).contains(&text.len()) && text.chars().all(is_name_char);
        if ok {
            Ok(Self(text.into()))
        } else {
            Err("is not a valid session name (2 to 64 of A-Z a-z 0-9 _+=,.@-)".into())
        }
    }

    /// Makes a session name out of a person's name: other characters become `-`, length is brought to 2..64.
    pub fn from_person(name: &str) -> Self {
        let mut text: String = name.chars().map(|c| if is_name_char(c) { c } else { '-' }).take(64).collect();
        while text.len() < 2 {
            text.push('-');
        }
        Self(text)
    }
}

impl ExternalId {
    /// Reads an external id; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let ok = (2..=1224).contains(&text.len()) && text.chars().all(|c| is_name_char(c) || c == ':' || c == '/');
        if ok {
            Ok(Self(text.into()))
        } else {
            Err("is not a valid external ID (2 to 1224 of A-Z a-z 0-9 _+=,.@:/-)".into())
        }
    }
}

impl SourceIdentity {
    /// Reads a source identity; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        not_a_secret(text)?;
        let ok = (2..=64).contains(&text.len()) && text.chars().all(is_name_char) && !text.starts_with("aws:");
        if ok {
            Ok(Self(text.into()))
        } else {
            Err("is not a valid source identity (2 to 64 of A-Z a-z 0-9 _+=,.@-)".into())
        }
    }
}

impl Reason {
    /// Reads a reason; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if secret::is_in(text) {
            return Err("looks like a secret key, and would be kept in a file".into());
        }
        match text.chars().count() {
            ..=500 if !text.contains(char::is_control) => Ok(Self(text.into())),
            _ => Err("is not a valid reason (one line of at most 500 characters)".into()),
        }
    }
}

/// Names of sessions stand in ARNs and in CloudTrail's logs, where many read them.
fn not_a_secret(text: &str) -> Result<(), String> {
    if secret::is_in(text) { Err("looks like a secret key, and would appear in AWS's logs".into()) } else { Ok(()) }
}

/// One session tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tag {
    /// 1 to 128 characters.
    pub key: String,
    /// 0 to 256 characters.
    pub value: String,
}

impl Tag {
    /// Reads `KEY=VALUE`; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or_else(|| format!("'{text}' is not a valid tag (KEY=VALUE)"))?;
        let (key, value) = (key.trim(), value.trim());
        let ok = |s: &str| s.chars().all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c));
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 || !ok(key) || !ok(value) {
            return Err(format!(
                "'{text}' is not a valid tag (KEY of 1 to 128, VALUE of up to 256 letters, digits, spaces, _.:/=+-@)"
            ));
        }
        Ok(Self { key: key.into(), value: value.into() })
    }
}

/// Six ASCII digits, or it does not exist; wiped on drop.
#[derive(Clone, Debug)]
pub struct MfaCode(Secret<String>);

impl MfaCode {
    /// How long one code is shown by a device.
    pub const STEP: Duration = Duration::from_secs(30);

    /// Reads a code; blanks people type between the groups are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit()) {
            return Some(Self(Secret::new(digits)));
        }
        digits.zeroize();
        None
    }

    /// Lends the six digits to the call that carries them.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_named_by_the_end_of_their_arns_and_roles_and_root_are_none() {
        for (arn, name) in [
            ("arn:aws:iam::123456789012:user/ana", Some("ana")),
            ("arn:aws-cn:iam::123456789012:user/team/a_+=,.@-9", Some("a_+=,.@-9")),
            ("arn:aws:iam::123456789012:user/", None),
            ("arn:aws:iam::123456789012:user/a b", None),
            ("arn:aws:iam::123456789012:root", None),
            ("arn:aws:sts::123456789012:assumed-role/user/ana", None),
            ("user/ana", None),
        ] {
            assert_eq!(UserName::of_arn(arn).as_ref().map(UserName::as_str), name, "{arn}");
        }
    }

    #[test]
    fn names_of_users_and_devices_are_as_long_as_iam_allows() {
        for (length, user, device) in [
            (0, false, false),
            (1, true, true),
            (128, true, true),
            (129, false, true),
            (226, false, true),
            (227, false, false),
        ] {
            let name = "x".repeat(length);
            assert_eq!((UserName::parse(&name).is_ok(), DeviceName::parse(&name).is_ok()), (user, device), "{length}");
        }
        assert!(DeviceName::parse("ana/phone").is_err() && UserName::parse("ana\n").is_err());
    }

    #[test]
    fn a_region_is_one_host_label() {
        for good in ["eu-west-1", "us-gov-west-1", "mars-north-1"] {
            assert!(Region::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "x.evil.test/#",
            "eu-west-1.evil.test",
            "EU-WEST-1",
            "eu west 1",
            "-eu",
            "eu-",
            "eu_west",
            "é",
            "a\nb",
            "a@b",
            &"a".repeat(64),
        ] {
            assert!(Region::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn regions_know_their_partition() {
        for (region, partition) in [
            ("eu-west-1", Some(Partition::Aws)),
            ("ap-southeast-1", Some(Partition::Aws)),
            ("mx-central-1", Some(Partition::Aws)),
            ("cn-north-1", Some(Partition::China)),
            ("us-gov-east-1", Some(Partition::UsGov)),
            ("us-isob-east-1", Some(Partition::IsoB)),
            ("eu-isoe-west-1", Some(Partition::IsoE)),
            ("eusc-de-east-1", Some(Partition::Eusc)),
            ("mars-north-1", None),
            ("us-east", None),
        ] {
            assert_eq!(Region::parse(region).unwrap().partition(), partition, "{region}");
        }
        for partition in Partition::ALL {
            assert_eq!(Region::default_of(partition).partition(), Some(partition));
        }
    }

    #[test]
    fn six_ascii_digits_or_no_code() {
        for good in ["123456", "012345", "123 456", " 123456\n"] {
            assert_eq!(MfaCode::parse(good).unwrap().expose().len(), 6, "{good:?}");
        }
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６", "-12345", "12345\u{660}"] {
            assert!(MfaCode::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_persons_name_becomes_a_session_name() {
        for (person, name) in
            [("ana", "ana"), ("Ana Müller", "Ana-M-ller"), ("x", "x-"), ("", "--"), ("a/b:c", "a-b-c")]
        {
            let made = SessionName::from_person(person);
            assert_eq!(made.as_str(), name);
            assert!(SessionName::parse(made.as_str()).is_ok());
        }
    }

    #[test]
    fn tags_are_read_and_refused() {
        let tag = Tag::parse("team = a=b").unwrap();
        assert_eq!((tag.key.as_str(), tag.value.as_str()), ("team", "a=b"));
        for bad in ["team", "=x", "te\u{7f}am=x", &format!("k={}", "v".repeat(257))] {
            assert!(Tag::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_every_sdk_reads() {
        for (name, everywhere) in [("prod", true), ("a/b.c@d:e+f%g", true), ("my prod", false), ("prød", false)] {
            assert_eq!(ProfileName::parse(name).unwrap().is_read_by_every_sdk(), everywhere, "{name}");
        }
        assert!(ProfileName::parse("").is_err());
        assert!(ProfileName::parse("a\nb").is_err());
    }
}

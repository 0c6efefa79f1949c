//! ARNs: partition, account, role, MFA serial. Grammar from aws-contract 6.

use std::fmt;

/// A group of regions with its own accounts, host names and ARNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Partition {
    /// `aws`, the commercial regions.
    Aws,
    /// `aws-cn`, China.
    China,
    /// `aws-us-gov`, GovCloud.
    UsGov,
    /// `aws-iso`
    Iso,
    /// `aws-iso-b`
    IsoB,
    /// `aws-iso-e`
    IsoE,
    /// `aws-iso-f`
    IsoF,
    /// `aws-eusc`, the European Sovereign Cloud.
    Eusc,
}

impl Partition {
    /// Every partition, in the order of aws-contract 4.5.
    pub const ALL: [Partition; 8] = [
        Partition::Aws,
        Partition::China,
        Partition::UsGov,
        Partition::Iso,
        Partition::IsoB,
        Partition::IsoE,
        Partition::IsoF,
        Partition::Eusc,
    ];

    /// The name used in an ARN.
    pub fn name(self) -> &'static str {
        match self {
            Partition::Aws => "aws",
            Partition::China => "aws-cn",
            Partition::UsGov => "aws-us-gov",
            Partition::Iso => "aws-iso",
            Partition::IsoB => "aws-iso-b",
            Partition::IsoE => "aws-iso-e",
            Partition::IsoF => "aws-iso-f",
            Partition::Eusc => "aws-eusc",
        }
    }

    /// The partition of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Twelve digits, kept as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(String);

crate::as_text::as_text!(AccountId);

impl AccountId {
    /// Twelve ASCII digits, or nothing.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())).then(|| Self(text.into()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An IAM role: `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoleArn {
    text: String,
    partition: Partition,
    account: AccountId,
}

impl RoleArn {
    /// Reads a role ARN; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (partition, account, resource) =
            iam_arn(text).ok_or("is not a valid role ARN (arn:aws:iam::123456789012:role/NAME)")?;
        let name =
            resource.strip_prefix("role/").ok_or("is not a valid role ARN: 'role/' is missing after the account")?;
        let last = name.rsplit('/').next().unwrap_or_default();
        if last.is_empty() || last.len() > 64 || !last.chars().all(is_name_char) {
            return Err("has no valid role name (1 to 64 of A-Z a-z 0-9 _+=,.@-)".into());
        }
        if text.len() > 2048
            || name.contains("//")
            || name.starts_with('/')
            || !name.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err("has no valid path before the role name".into());
        }
        Ok(Self { partition, account, text: text.into() })
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The role's name without its path.
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }

    /// The account the role belongs to.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The partition the role belongs to.
    pub fn partition(&self) -> Partition {
        self.partition
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An MFA device: an ARN, or the serial printed on a hardware token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MfaSerial {
    text: String,
    partition: Option<Partition>,
    account: Option<AccountId>,
}

crate::as_text::as_text!(MfaSerial);
crate::as_text::as_text!(RoleArn);

impl MfaSerial {
    /// Reads a serial; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"_+=/:,.@-".contains(&b);
        if text.len() < 9 || text.len() > 256 || !text.bytes().all(ok) {
            return Err(
                "is not a valid MFA serial (arn:aws:iam::123456789012:mfa/NAME, or the number on a hardware token)"
                    .into(),
            );
        }
        if text.len() == 20 && crate::secret::begins_as_key_id(text) {
            return Err("is an access key id, not an MFA device".into());
        }
        if !text.starts_with("arn:") && crate::secret::is_in(text) {
            return Err("looks like a secret key, not an MFA device".into());
        }
        if !text.starts_with("arn:") {
            return Ok(Self { text: text.into(), partition: None, account: None });
        }
        let (partition, account, resource) =
            iam_arn(text).ok_or("is not a valid MFA device ARN (arn:aws:iam::123456789012:mfa/NAME)")?;
        let kind = resource.split('/').next().unwrap_or_default();
        if resource.ends_with('/') || !resource.contains('/') || !["mfa", "u2f", "sms-mfa"].contains(&kind) {
            return Err(format!("is not an MFA device: '{resource}' should be 'mfa/NAME'"));
        }
        Ok(Self { text: text.into(), partition: Some(partition), account: Some(account) })
    }

    /// The serial as it is sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is a FIDO key or passkey, which STS takes no code for.
    pub fn is_fido(&self) -> bool {
        self.account.is_some() && self.text.split(':').nth(5).is_some_and(|r| r.starts_with("u2f/"))
    }

    /// The device's name, the last part of its ARN; none for a hardware serial.
    pub fn name(&self) -> Option<&str> {
        self.account.as_ref().and_then(|_| self.text.rsplit('/').next())
    }

    /// The account of the ARN; none for a hardware serial.
    pub fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// The partition of the ARN; none for a hardware serial.
    pub fn partition(&self) -> Option<Partition> {
        self.partition
    }
}

impl fmt::Display for MfaSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The account of any ARN, as in `AssumedRoleUser.Arn` or `GetCallerIdentity`.
pub fn account_of(arn: &str) -> Option<AccountId> {
    let mut fields = arn.split(':');
    (fields.next() == Some("arn")).then(|| fields.nth(3)).flatten().and_then(AccountId::parse)
}

/// Splits `arn:PARTITION:iam::ACCOUNT:RESOURCE`.
fn iam_arn(text: &str) -> Option<(Partition, AccountId, &str)> {
    let mut fields = text.splitn(6, ':');
    if fields.next() != Some("arn") {
        return None;
    }
    let partition = Partition::from_name(fields.next()?)?;
    if fields.next() != Some("iam") || fields.next() != Some("") {
        return None;
    }
    Some((partition, AccountId::parse(fields.next()?)?, fields.next()?))
}

/// `[\w+=,.@-]`, the characters of names in IAM.
pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_arn_gives_partition_account_and_name() {
        let role = RoleArn::parse("arn:aws-us-gov:iam::123456789012:role/team/path/Admin").unwrap();
        assert_eq!(
            (role.partition(), role.account().as_str(), role.name()),
            (Partition::UsGov, "123456789012", "Admin")
        );
    }

    #[test]
    fn what_is_no_role_is_refused() {
        for bad in [
            "",
            "arn:aws:iam::123456789012:user/ana",
            "arn:aws:iam::12345678901:role/Admin",
            "arn:aws:iam:eu-west-1:123456789012:role/Admin",
            "arn:amazon:iam::123456789012:role/Admin",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role//Admin",
            "arn:aws:iam::123456789012:role/Ad min",
            "arn:aws:iam::123456789012:role/a\n/Admin",
            "arn:aws:sts::123456789012:assumed-role/Admin/x",
            &format!("arn:aws:iam::123456789012:role/{}", "x".repeat(65)),
        ] {
            assert!(RoleArn::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn devices_that_take_codes_and_those_that_do_not() {
        for (text, fido, name) in [
            ("arn:aws:iam::123456789012:mfa/ana", false, Some("ana")),
            ("arn:aws-cn:iam::123456789012:mfa/path/ana", false, Some("ana")),
            ("GAHT12345678", false, None),
            ("arn:aws:iam::123456789012:u2f/user/ana/key-ABC", true, Some("key-ABC")),
            ("arn:aws:iam::123456789012:mfa/root-account-mfa-device", false, Some("root-account-mfa-device")),
        ] {
            let serial = MfaSerial::parse(text).unwrap();
            assert_eq!((serial.is_fido(), serial.name()), (fido, name), "{text}");
        }
    }

    #[test]
    fn what_is_no_device_is_refused() {
        for bad in [
            "",
            "12345678",
            "arn:aws:iam::123456789012:role/x",
            "arn:aws:iam::123456789012:mfa/",
            "GAHT 12345678",
            "arn:aws:iam::1:mfa/x",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ] {
            assert!(MfaSerial::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_account_of_an_assumed_role() {
        assert_eq!(account_of("arn:aws:sts::123456789012:assumed-role/R/s").unwrap().as_str(), "123456789012");
        assert_eq!(account_of("arn:aws:s3:::bucket"), None);
        assert_eq!(account_of("nothing"), None);
    }
}

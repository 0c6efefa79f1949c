//! Takes apart the names that AWS gives its resources, in every partition.

/// A name such as `arn:aws-cn:iam::111122223333:user/alice`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arn {
    pub partition: String,
    pub service: String,
    pub account: String,
    pub resource: String,
}

impl Arn {
    /// Returns the parts, or none if the text is not an ARN of IAM or STS.
    pub(crate) fn parse(text: &str) -> Option<Arn> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &["arn", partition, service, "", account, resource] = parts.as_slice() else {
            return None;
        };
        let known = matches!(service, "iam" | "sts") && partition.starts_with("aws");
        let digits = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        (known && digits && !resource.is_empty()).then(|| Arn {
            partition: partition.to_owned(),
            service: service.to_owned(),
            account: account.to_owned(),
            resource: resource.to_owned(),
        })
    }

    pub(crate) fn is_root(&self) -> bool {
        self.service == "iam" && self.resource == "root"
    }

    pub(crate) fn is_user(&self) -> bool {
        self.service == "iam" && self.resource.starts_with("user/") && !self.name().is_empty()
    }

    pub(crate) fn is_role(&self) -> bool {
        self.service == "iam" && self.resource.starts_with("role/") && !self.name().is_empty()
    }

    /// Returns the part after the last slash: the name without its path.
    pub(crate) fn name(&self) -> &str {
        self.resource.rsplit_once('/').map_or(self.resource.as_str(), |(_, name)| name)
    }

    /// Returns the sibling of this name in the same partition and account.
    pub(crate) fn sibling(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}::{}:{resource}", self.partition, self.account)
    }
}

/// Returns the text with its account replaced, for answers that name a stranger.
pub(crate) fn with_account(text: &str, account: &str) -> String {
    let mut parts: Vec<&str> = text.splitn(6, ':').collect();
    if parts.len() == 6 {
        parts[4] = account;
    }
    parts.join(":")
}

/// Returns the partition that a region belongs to.
pub(crate) fn partition_of(region: &str) -> &'static str {
    let rows = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    rows.into_iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// Returns the region that calls to IAM of a partition are signed for.
pub(crate) fn iam_region(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-iso" => "us-iso-east-1",
        "aws-iso-b" => "us-isob-east-1",
        "aws-iso-e" => "eu-isoe-west-1",
        "aws-iso-f" => "us-isof-south-1",
        "aws-eusc" => "eusc-de-east-1",
        _ => "us-east-1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_partition_come_apart() {
        let arn = Arn::parse("arn:aws-cn:iam::111122223333:user/team/alice").unwrap();
        assert!(arn.is_user() && !arn.is_root() && !arn.is_role());
        assert_eq!(arn.name(), "alice");
        assert_eq!(arn.sibling("sts", "assumed-role/r/s"), "arn:aws-cn:sts::111122223333:assumed-role/r/s");
        assert!(Arn::parse("arn:aws:iam::111122223333:root").unwrap().is_root());
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "alice",
            "arn:aws:iam::1234:user/a",
            "arn:aws:iam:us-east-1:111122223333:user/a",
            "arn:gcp:iam::111122223333:user/a",
            "arn:aws:s3:::bucket",
        ] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_region_tells_its_partition() {
        assert_eq!(partition_of("eu-central-1"), "aws");
        assert_eq!(partition_of("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition_of("us-isob-east-1"), "aws-iso-b");
        assert_eq!(partition_of("us-iso-east-1"), "aws-iso");
    }
}

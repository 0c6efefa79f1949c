//! The services that are called, as their hosts and our messages name them.

/// A service of AWS. One that is built gets a variant here, and a row below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Sessions and identities.
    Sts,
    /// Access keys and MFA devices. It has one endpoint for a whole partition.
    Iam,
    /// The sign-in of the AWS console. Its calls are not signed: they carry the credentials of a role.
    Signin,
}

impl Service {
    /// As messages name it.
    pub fn name(self) -> &'static str {
        match self {
            Service::Sts => "STS",
            Service::Iam => "IAM",
            Service::Signin => "console sign-in",
        }
    }

    /// As signatures name it.
    pub fn signing_name(self) -> &'static str {
        match self {
            Service::Sts => "sts",
            Service::Iam => "iam",
            Service::Signin => "signin",
        }
    }
}

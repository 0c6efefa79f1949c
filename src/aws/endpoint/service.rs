//! The services that are called, as their hosts and our messages name them.

/// A service of AWS. One that is built gets a variant here, and a row below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Sessions and identities.
    Sts,
    /// Access keys and MFA devices. It has one endpoint for a whole partition.
    Iam,
    /// The sign-in of the AWS console. Its calls are not signed: they carry the credentials of a role.
    Console,
    /// The portal of single sign-on (IAM Identity Center), which gives credentials of roles for a token.
    Sso,
    /// What issues and renews the tokens of single sign-on.
    SsoOidc,
    /// The sign-in of `aws login`, which renews its sessions.
    Login,
}

impl Service {
    /// As messages name it.
    pub fn name(self) -> &'static str {
        match self {
            Service::Sts => "STS",
            Service::Iam => "IAM",
            Service::Console => "console sign-in",
            Service::Sso => "SSO",
            Service::SsoOidc => "SSO OIDC",
            Service::Login => "AWS sign-in",
        }
    }

    /// As signatures name it.
    pub fn signing_name(self) -> &'static str {
        match self {
            Service::Sts => "sts",
            Service::Iam => "iam",
            Service::Console | Service::Login => "signin",
            Service::Sso => "awsssoportal",
            Service::SsoOidc => "sso-oauth",
        }
    }
}

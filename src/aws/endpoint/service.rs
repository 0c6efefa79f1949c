//! The services that are called, as their hosts and our messages name them.

/// A service of AWS. One that is built gets a variant here, and a row below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Sessions and identities.
    Sts,
}

impl Service {
    /// As messages name it.
    pub fn name(self) -> &'static str {
        match self {
            Service::Sts => "STS",
        }
    }

    /// The first label of its hosts: plain, and of FIPS endpoints.
    pub(super) fn labels(self) -> [&'static str; 2] {
        match self {
            Service::Sts => ["sts", "sts-fips"],
        }
    }

    /// Its host of all regions, whose calls the default region of the commercial partition signs.
    pub(super) fn global_host(self) -> Option<&'static str> {
        match self {
            Service::Sts => Some("sts.amazonaws.com"),
        }
    }
}

//! Names the refusals of AWS: a status, a code and AWS's own words.

/// An answer that refuses, as AWS would word it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Refusal {
    /// The reason given when a policy forbids an action, instead of not allowing it.
    pub(crate) const EXPLICIT_DENY: &str = " with an explicit deny in an identity-based policy";

    /// Returns a refusal with the given status and code.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Refusal {
        Refusal { status, code: code.to_owned(), message: message.into() }
    }

    pub(crate) fn access_denied(message: impl Into<String>) -> Refusal {
        Refusal::new(403, "AccessDenied", message)
    }

    /// Returns the refusal of an action such as `sts:AssumeRole`, with the reason where AWS gives one.
    pub(crate) fn not_authorized(caller: &str, action: &str, resource: &str, reason: &str) -> Refusal {
        Refusal::access_denied(format!(
            "User: {caller} is not authorized to perform: {action} on resource: {resource}{reason}"
        ))
    }

    pub(crate) fn missing_action() -> Refusal {
        Refusal::new(400, "MissingAction", "Missing Action")
    }

    pub(crate) fn invalid_action(action: &str, version: Option<&str>) -> Refusal {
        let version = version.unwrap_or("NO_VERSION_SPECIFIED");
        Refusal::new(400, "InvalidAction", format!("Could not find operation {action} for version {version}"))
    }

    pub(crate) fn exists(message: &str) -> Refusal {
        Refusal::new(409, "EntityAlreadyExists", message)
    }

    pub(crate) fn limit_exceeded(quota: &str, most: usize) -> Refusal {
        Refusal::new(409, "LimitExceeded", format!("Cannot exceed quota for {quota}: {most}"))
    }

    pub(crate) fn no_such_entity(message: impl Into<String>) -> Refusal {
        Refusal::new(404, "NoSuchEntity", message)
    }

    pub(crate) fn validation(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "ValidationError", message)
    }

    pub(crate) fn invalid_parameter(message: &str) -> Refusal {
        Refusal::new(400, "InvalidParameterValue", message)
    }

    pub(crate) fn invalid_token() -> Refusal {
        Refusal::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    }

    pub(crate) fn expired_token() -> Refusal {
        Refusal::new(403, "ExpiredToken", "The security token included in the request is expired")
    }

    pub(crate) fn signature(message: impl Into<String>) -> Refusal {
        Refusal::new(403, "SignatureDoesNotMatch", message)
    }

    pub(crate) fn throttled() -> Refusal {
        Refusal::new(400, "Throttling", "Rate exceeded")
    }

    /// Returns the bare server failure of a status, without any effect.
    pub(crate) fn server(status: u16) -> Refusal {
        match status {
            503 => Refusal::new(503, "ServiceUnavailable", "Service is unavailable"),
            _ => Refusal::new(
                status,
                "InternalFailure",
                "The request processing has failed because of an unknown error, exception or failure.",
            ),
        }
    }
}

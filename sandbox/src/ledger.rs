//! Remembers every call, with all that tests want to know about it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// One call as it came, and what became of it.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// Counts calls from 1.
    pub number: u64,
    /// Which connection it came on, counted from 1.
    pub connection: u64,
    /// When, by the server's clock.
    pub time: i64,
    pub action: String,
    /// `GET` or `POST`.
    pub method: String,
    /// The identity of the key id; none if it is unknown. The signature may be invalid.
    ///
    /// At the JSON services: the name of the person, or the ARN of the session of `aws login`, whose token came.
    pub caller_arn: Option<String>,
    pub access_key_id: Option<String>,
    /// From the credential scope, as the region.
    pub service: Option<String>,
    pub region: Option<String>,
    pub host: Option<String>,
    pub user_agent: Option<String>,
    /// The parameters in the order sent, one-time codes included; tokens and client secrets are `***`.
    pub params: Vec<(String, String)>,
    /// `ok`, the code of the refusal, or `unprocessed` when a fault came first.
    pub outcome: String,
    /// The name of the fault that struck.
    pub fault: Option<String>,
    /// The HTTP status sent, if any was.
    pub status: Option<u16>,
}

impl Call {
    /// Returns a parameter by the name it has on the wire, such as `Tags.member.1.Key`.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn user_name(&self) -> Option<&str> {
        self.param("UserName")
    }

    pub fn role_arn(&self) -> Option<&str> {
        self.param("RoleArn")
    }

    pub fn session_name(&self) -> Option<&str> {
        self.param("RoleSessionName")
    }

    pub fn external_id(&self) -> Option<&str> {
        self.param("ExternalId")
    }

    pub fn source_identity(&self) -> Option<&str> {
        self.param("SourceIdentity")
    }

    pub fn serial(&self) -> Option<&str> {
        self.param("SerialNumber")
    }

    pub fn token_code(&self) -> Option<&str> {
        self.param("TokenCode")
    }

    /// Returns the time asked for, when it is a number.
    pub fn seconds(&self) -> Option<i64> {
        self.param("DurationSeconds")?.parse().ok()
    }

    /// Returns the tags in the order sent.
    pub fn tags(&self) -> Vec<(&str, &str)> {
        (1..)
            .map_while(|at| {
                let key = self.param(&format!("Tags.member.{at}.Key"))?;
                let value = self.param(&format!("Tags.member.{at}.Value"))?;
                Some((key, value))
            })
            .collect()
    }

    pub fn transitive_tag_keys(&self) -> Vec<&str> {
        (1..).map_while(|at| self.param(&format!("TransitiveTagKeys.member.{at}"))).collect()
    }

    pub fn policy_arns(&self) -> Vec<&str> {
        (1..).map_while(|at| self.param(&format!("PolicyArns.member.{at}.arn"))).collect()
    }

    pub(crate) fn to_json(&self) -> Value {
        let params: BTreeMap<&str, &str> =
            self.params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        json!({
            "number": self.number,
            "connection": self.connection,
            "time": self.time,
            "action": self.action,
            "method": self.method,
            "caller_arn": self.caller_arn,
            "access_key_id": self.access_key_id,
            "service": self.service,
            "region": self.region,
            "host": self.host,
            "user_agent": self.user_agent,
            "params": params,
            "outcome": self.outcome,
            "fault": self.fault,
            "status": self.status,
        })
    }
}

/// Counts calls by whatever a caller picks out of them.
pub(crate) fn tally(calls: &[Call], pick: impl Fn(&Call) -> String) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in calls.iter().map(pick) {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

//! The answer of `credential_process`: one JSON object on one line (aws-contract 3.1).

use crate::credentials::Session;

/// The line with its newline. `AccountId` is left out where it is not known: SDKs do not accept null there.
pub fn line(session: &Session) -> String {
    let text = |value: &str| serde_json::Value::from(value).to_string();
    let account = session.account.as_ref().map(|a| format!(",\"AccountId\":{}", text(a.as_str()))).unwrap_or_default();
    format!(
        "{{\"Version\":1,\"AccessKeyId\":{},\"SecretAccessKey\":{},\"SessionToken\":{},\"Expiration\":{}{account}}}\n",
        text(session.access_key_id.as_str()),
        text(session.secret.expose()),
        text(session.token.expose()),
        text(&session.expires.to_string()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arn::AccountId;
    use crate::credentials::AccessKeyId;
    use crate::secret::Secret;
    use crate::timestamp::Timestamp;

    fn session(account: Option<&str>) -> Session {
        Session {
            access_key_id: AccessKeyId::parse("ASIAIOSFODNN7EXAMPLE").unwrap(),
            secret: Secret::new("se/cret+".into()),
            token: Secret::new("to\"ken".into()),
            expires: Timestamp::from_unix(1_927_629_296),
            account: account.and_then(AccountId::parse),
        }
    }

    #[test]
    fn the_line_is_what_every_sdk_reads() {
        assert_eq!(
            line(&session(Some("123456789012"))),
            "{\"Version\":1,\"AccessKeyId\":\"ASIAIOSFODNN7EXAMPLE\",\"SecretAccessKey\":\"se/cret+\",\
             \"SessionToken\":\"to\\\"ken\",\"Expiration\":\"2031-01-31T12:34:56Z\",\"AccountId\":\"123456789012\"}\n"
        );
    }

    #[test]
    fn an_unknown_account_is_left_out_and_the_rest_parses() {
        let json: serde_json::Value = serde_json::from_str(&line(&session(None))).unwrap();
        assert_eq!(json["Version"], 1);
        assert!(json.get("AccountId").is_none());
    }
}

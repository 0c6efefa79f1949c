//! The keys of a profile that AWS tools or twolock read, and which of them an unknown key was probably meant to be.

use crate::aws_files::edit::PREFIX;
use crate::text::near::nearest;

/// Every key that the AWS CLI, an SDK, a well-known helper or twolock reads in a profile, sorted.
pub const KEYS: &[&str] = &[
    "account_id_endpoint_mode",
    "api_versions",
    "auth_scheme_preference",
    "aws_access_key_id",
    "aws_account_id",
    "aws_expiration",
    "aws_secret_access_key",
    "aws_security_token",
    "aws_session_token",
    "ca_bundle",
    "cli_auto_prompt",
    "cli_binary_format",
    "cli_follow_urlparam",
    "cli_history",
    "cli_pager",
    "cli_timestamp_format",
    "connect_timeout",
    "credential_process",
    "credential_source",
    "csm_client_id",
    "csm_enabled",
    "csm_host",
    "csm_port",
    "defaults_mode",
    "disable_request_compression",
    "duration_seconds",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "ec2_metadata_v1_disabled",
    "endpoint_discovery_enabled",
    "endpoint_url",
    "external_id",
    "ignore_configured_endpoint_urls",
    "include_profile",
    "login_session",
    "max_attempts",
    "metadata_service_num_attempts",
    "metadata_service_timeout",
    "mfa_process",
    "mfa_serial",
    "output",
    "parameter_validation",
    "region",
    "request_checksum_calculation",
    "request_min_compression_size_bytes",
    "response_checksum_validation",
    "retry_mode",
    "role_arn",
    "role_session_name",
    "s3",
    "s3_disable_express_session_auth",
    "s3_disable_multiregion_access_points",
    "s3_us_east_1_regional_endpoint",
    "s3_use_arn_region",
    "sdk_ua_app_id",
    "services",
    "session_tags",
    "sigv4a_signing_region_set",
    "source_identity",
    "source_profile",
    "sso_account_id",
    "sso_account_name",
    "sso_auto_populated",
    "sso_region",
    "sso_registration_scopes",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
    "sts_regional_endpoints",
    "tcp_keepalive",
    "transitive_session_tags",
    "twolock_key_max_age",
    "twolock_policy_arns",
    "twolock_protected",
    "twolock_role_arn",
    "twolock_session_duration",
    "twolock_source_identity",
    "twolock_source_profile",
    "twolock_tags",
    "twolock_transitive_tags",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
    "web_identity_token_file",
];

/// Whether somebody reads this key.
pub fn is_known(key: &str) -> bool {
    KEYS.binary_search(&key).is_ok()
}

/// Whether a key decides about MFA: the device, the role, who gives the credentials.
pub fn concerns_mfa(key: &str) -> bool {
    ["mfa_serial", "mfa_process", "role_arn"].contains(&key) || key.starts_with(PREFIX)
}

/// The formats that the AWS CLI accepts as `output`.
pub const OUTPUTS: &[&str] = &["json", "text", "table", "yaml", "yaml-stream", "off"];

/// What is wrong with a key that nobody reads.
#[derive(Debug, PartialEq, Eq)]
pub enum Mistake {
    /// It is nearly this one.
    Nearly(&'static str),
    /// It has our prefix, but is not ours.
    NotOurs,
}

/// Returns what is wrong with a key, in lower case. A key that is near to none may be another program's.
pub fn mistake(key: &str) -> Option<Mistake> {
    // To change two letters of a short name makes any other short name of it.
    if is_known(key) || key.len() < 4 {
        return None;
    }
    let exactly = |wanted: &str| KEYS.binary_search(&wanted).ok().map(|at| KEYS[at]);
    let near = exactly(&key.replace('-', "_"))
        .or_else(|| exactly(&format!("{PREFIX}{key}")))
        .or_else(|| exactly(key.strip_prefix(PREFIX)?))
        .or_else(|| nearest(KEYS.iter().copied(), key, 1));
    near.map(Mistake::Nearly).or_else(|| key.starts_with(PREFIX).then_some(Mistake::NotOurs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_nearly_another_is_a_mistake() {
        for (key, meant) in [
            ("regoin", "region"),
            ("mfa-serial", "mfa_serial"),
            ("mfa_seria", "mfa_serial"),
            ("session_duration", "twolock_session_duration"),
            ("key_max_age", "twolock_key_max_age"),
            ("protected", "twolock_protected"),
            ("source_profil", "source_profile"),
            ("ouput", "output"),
        ] {
            assert_eq!(mistake(key), Some(Mistake::Nearly(meant)), "{key}");
        }
        let ours = |key: &str| mistake(&format!("{PREFIX}{key}"));
        assert_eq!(ours("sesion_duration"), Some(Mistake::Nearly("twolock_session_duration")));
        assert_eq!(ours("mfa_serial"), Some(Mistake::Nearly("mfa_serial")));
        assert_eq!(ours("nonsense"), Some(Mistake::NotOurs));
    }

    #[test]
    fn they_are_sorted() {
        assert!(KEYS.is_sorted());
    }

    #[test]
    fn known_keys_and_those_of_other_programs_are_none() {
        for key in
            KEYS.iter().copied().chain(["x", "s4", "granted_sso_start_url", "x_principal_arn", "their_key", "color"])
        {
            assert_eq!(mistake(key), None, "{key}");
        }
    }
}

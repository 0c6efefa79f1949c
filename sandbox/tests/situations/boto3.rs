//! AWS's own client against the sandbox, over TLS.

use std::process::Command;

use twolock_sandbox::{Clock, Fault, FaultKind, Options, Role, Sandbox, SourceIdentity, Tls};

use crate::wire::ACCOUNT;

/// Names the interpreter that has boto3.
const PYTHON: &str = "TWOLOCK_TEST_PYTHON";

#[test]
#[expect(clippy::disallowed_methods, reason = "the interpreter is named by tests/run in the environment")]
fn boto3_is_served_and_refused_as_by_aws() {
    let python =
        std::env::var_os(PYTHON).unwrap_or_else(|| panic!("set {PYTHON} to a Python interpreter that has boto3"));
    let sandbox =
        Sandbox::start(Options { tls: Tls::Good, token_length: 4096, clock: Clock::Offset(0), ..Options::default() })
            .unwrap();
    let alice = sandbox.add_user(ACCOUNT, "alice");
    let phone = sandbox.add_device(&alice.arn, "alice-phone");
    let role = sandbox.add_role(Role {
        require_mfa: true,
        allow_tags: true,
        source_identity: SourceIdentity::Allowed,
        external_id: Some("ex:1/2".to_owned()),
        ..Role::trusting("444455556666", "dev", &alice.arn)
    });
    sandbox.fault(Fault::new(FaultKind::Status(503)).on("GetCallerIdentity"));
    let ca = std::env::temp_dir().join(format!("twolock-sandbox-ca-{}.pem", std::process::id()));
    std::fs::write(&ca, sandbox.ca_pem().unwrap()).unwrap();
    let output = Command::new(python)
        .args(["-c", include_str!("boto3_client.py")])
        .env("AWS_CA_BUNDLE", &ca)
        .env("AWS_ENDPOINT_URL_STS", sandbox.url())
        .env("AWS_ACCESS_KEY_ID", &alice.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &alice.secret_access_key)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_DEFAULT_REGION", "eu-central-1")
        .env("AWS_CONFIG_FILE", "none")
        .env("AWS_SHARED_CREDENTIALS_FILE", "none")
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN")
        .env_remove("HTTPS_PROXY")
        .env_remove("https_proxy")
        .env("SERIAL", &phone.serial)
        .env("ROLE", &role)
        .output();
    std::fs::remove_file(&ca).unwrap();
    let output = output.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}\n{:#?}", sandbox.calls());
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "good");
    // One call met the fault, was repeated by boto3, and the others came once.
    assert_eq!(sandbox.count("GetCallerIdentity"), 4);
    assert_eq!(sandbox.codes_consumed().len(), 1);
    let call = sandbox.calls().into_iter().find(|call| call.action == "AssumeRole").unwrap();
    assert_eq!(call.tags(), [("Größe", "a+b c")]);
    assert_eq!(call.region.as_deref(), Some("eu-central-1"));
    assert!(call.user_agent.unwrap().contains("Boto3"));
}

//! The binary, as tests in other languages start it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::Value;

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_twolock-sandbox"))
}

#[test]
fn world_file_is_served_until_input_ends() {
    let world = r#"{
        "tls": "good",
        "users": [{"arn": "arn:aws:iam::111122223333:user/alice",
                   "access_key_id": "AKIASANDBOXALICE0001", "secret_access_key": "s",
                   "devices": [{"name": "phone", "ahead": 300}], "passkeys": ["laptop"],
                   "created_at": 1750000000, "policy": "self-managed", "denied": ["ListMFADevices"]},
                  {"arn": "arn:aws:iam::111122223333:user/alice", "inactive": true}],
        "aliases": [{"account": "111122223333", "alias": "example"}],
        "key_delay": 20, "device_delay": 20, "list_delay": 5, "page_size": 10,
        "roles": [{"arn": "arn:aws:iam::111122223333:role/team/dev", "source_identity": "=alice"}],
        "faults": [{"kind": "hang"}]}"#;
    let path = std::env::temp_dir().join(format!("twolock-sandbox-{}.json", std::process::id()));
    std::fs::write(&path, world).unwrap();
    let ca = path.with_extension("pem");
    let mut child =
        command().arg("--ca-file").arg(&ca).arg(&path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pem = std::fs::read_to_string(&ca).unwrap();
    std::fs::remove_file(&ca).unwrap();
    std::fs::remove_file(&path).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    assert!(told["url"].as_str().unwrap().starts_with("https://127.0.0.1:"));
    assert_eq!(told["ca_pem"], pem.as_str());
    assert!(pem.starts_with("-----BEGIN CERTIFICATE"));
    assert_eq!(told["users"][0]["access_key_id"], "AKIASANDBOXALICE0001");
    assert_eq!(told["users"][0]["devices"][0]["serial"], "arn:aws:iam::111122223333:mfa/phone");
    assert!(told["users"][0]["passkeys"][0].as_str().unwrap().contains(":u2f/user/alice/laptop-"));
    assert!(told["users"][1]["access_key_id"].as_str().unwrap().starts_with("AKIA"));
    assert_eq!(told["roles"][0], "arn:aws:iam::111122223333:role/team/dev");
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"\n").unwrap();
    assert!(child.try_wait().unwrap().is_none());
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn other_sources_of_credentials_are_declared_in_the_world_file() {
    let world = r#"{
        "users": [{"arn": "arn:aws:iam::111122223333:user/bob"}],
        "sso": [{"user": "ann", "start_url": "https://corp.awsapps.com/start", "region": "eu-west-1",
                 "assignments": [{"account": "111122223333", "role": "Admin", "seconds": 7200}], "signed_in_as": "corp"},
                {"user": "eve", "signed_in_as": "https://example.awsapps.com/start"}, {"user": "sue"}],
        "sso_token_seconds": 600, "sso_session_seconds": 7200,
        "logins": [{"arn": "arn:aws:iam::111122223333:user/bob", "mfa": true}],
        "identity_provider": {"account": "111122223333", "issuer": "https://ci.example", "audience": "sts.amazonaws.com",
                              "tokens": [{"subject": "repo:org/app", "seconds": 300}]},
        "roles": [{"arn": "arn:aws:iam::111122223333:role/deploy",
                   "web_identities": [{"issuer": "https://ci.example", "subject": "repo:org/*"}]}]}"#;
    let path = std::env::temp_dir().join(format!("twolock-sandbox-sources-{}.json", std::process::id()));
    std::fs::write(&path, world).unwrap();
    let output = command().arg(&path).stdin(Stdio::null()).output().unwrap();
    std::fs::remove_file(&path).unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let role = told["sso"][0]["roles"][0].as_str().unwrap();
    assert!(role.contains(":role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_"), "{role}");
    let [ann, eve, sue] = [0, 1, 2].map(|at| &told["sso"][at]);
    assert_eq!(ann["cache"]["startUrl"], "https://corp.awsapps.com/start");
    assert_eq!(ann["cache"]["region"], "eu-west-1");
    assert!(ann["cache"]["refreshToken"].is_string() && ann["cache_file"].as_str().unwrap().len() == 45);
    assert!(eve["cache"]["accessToken"].is_string() && eve["cache"].get("refreshToken").is_none());
    assert_eq!(sue.get("cache"), None);
    assert!(told["logins"][0]["cache"]["dpopKey"].as_str().unwrap().starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
    assert_eq!(told["logins"][0]["cache_file"].as_str().unwrap().len(), 69);
    assert_eq!(told["identity_provider"]["arn"], "arn:aws:iam::111122223333:oidc-provider/ci.example");
    assert_eq!(told["identity_provider"]["tokens"][0].as_str().unwrap().split('.').count(), 3);
}

#[test]
fn mistakes_end_it_with_words() {
    for (argument, words) in [("--nonsense", "unknown flag"), ("/nowhere.json", "/nowhere.json: ")] {
        let output = command().arg(argument).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
        assert!(error.starts_with("twolock-sandbox: error: ") && error.contains(words), "{error}");
    }
}

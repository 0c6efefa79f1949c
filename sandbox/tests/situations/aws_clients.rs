//! AWS's own clients against the sandbox: boto3 over TLS, and the AWS CLI.

use std::process::{Command, Output};

use twolock_sandbox::{Clock, Fault, FaultKind, NewUser, Options, Policy, Role, Sandbox, SourceIdentity, Tls, User};

use crate::wire::ACCOUNT;

/// Returns a program named in the environment, with no settings of AWS but the address and the region.
#[expect(clippy::disallowed_methods, reason = "the programs are named by tests/run in the environment")]
pub fn program(variable: &str, sandbox: &Sandbox) -> Command {
    let path = std::env::var_os(variable).unwrap_or_else(|| panic!("set {variable} to the program of that name"));
    let mut command = Command::new(path);
    command
        .env("AWS_ENDPOINT_URL", sandbox.url())
        .env("AWS_CONFIG_FILE", "none")
        .env("AWS_SHARED_CREDENTIALS_FILE", "none")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_MAX_ATTEMPTS", "2")
        .env("AWS_PAGER", "");
    for name in ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
        command.env_remove(name);
    }
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        command.env(name, "us-east-1");
    }
    command
}

/// Returns a program with the user's keys.
fn program_of(variable: &str, sandbox: &Sandbox, user: &User) -> Command {
    let mut command = program(variable, sandbox);
    command.env("AWS_ACCESS_KEY_ID", &user.access_key_id).env("AWS_SECRET_ACCESS_KEY", &user.secret_access_key);
    command
}

fn boto3(script: &str, sandbox: &Sandbox, user: &User) -> Command {
    let mut command = program_of("TWOLOCK_TEST_PYTHON", sandbox, user);
    command.args(["-c", script]);
    command
}

pub fn assert_good(output: &Output, sandbox: &Sandbox) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}\n{:#?}", sandbox.calls());
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "good");
}

#[test]
fn boto3_is_served_and_refused_as_by_aws() {
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
    let output = boto3(include_str!("boto3_client.py"), &sandbox, &alice)
        .env("AWS_CA_BUNDLE", &ca)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_DEFAULT_REGION", "eu-central-1")
        .env("SERIAL", &phone.serial)
        .env("ROLE", &role)
        .output();
    std::fs::remove_file(&ca).unwrap();
    assert_good(&output.unwrap(), &sandbox);
    // One call met the fault, was repeated by boto3, and the others came once.
    assert_eq!(sandbox.count("GetCallerIdentity"), 4);
    assert_eq!(sandbox.codes_consumed().len(), 1);
    let call = sandbox.calls().into_iter().find(|call| call.action == "AssumeRole").unwrap();
    assert_eq!(call.tags(), [("Größe", "a+b c")]);
    assert_eq!(call.region.as_deref(), Some("eu-central-1"));
    assert!(call.user_agent.unwrap().contains("Boto3"));
}

#[test]
fn boto3_enrols_a_device_and_rotates_a_key_under_the_sample_policy() {
    let sandbox = Sandbox::start(Options { page_size: 1, ..Options::default() }).unwrap();
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/team/sue");
    let sue = sandbox.add(NewUser { arn, ..NewUser::default() }).unwrap();
    sandbox.set_key_created(&sue.access_key_id, 1_600_000_000);
    sandbox.set_policy(&sue.arn, Policy::SelfManaged);
    sandbox.set_alias(ACCOUNT, "example");
    let admin = sandbox.add_user(ACCOUNT, "admin");
    let output = boto3(include_str!("boto3_iam.py"), &sandbox, &sue)
        .env("ADMIN_KEY", &admin.access_key_id)
        .env("ADMIN_SECRET", &admin.secret_access_key)
        .output();
    assert_good(&output.unwrap(), &sandbox);
    assert_eq!(sandbox.keys(&sue.arn).len(), 1);
    assert!(sandbox.devices_of(&sue.arn).is_empty());
    let every = [
        "CreateAccessKey",
        "CreateVirtualMFADevice",
        "DeactivateMFADevice",
        "DeleteAccessKey",
        "DeleteVirtualMFADevice",
        "EnableMFADevice",
        "GetAccessKeyLastUsed",
        "GetUser",
        "ListAccessKeys",
        "ListAccountAliases",
        "ListMFADevices",
        "ListVirtualMFADevices",
        "ResyncMFADevice",
        "UpdateAccessKey",
    ];
    for action in every {
        let calls = sandbox.calls();
        assert!(calls.iter().any(|call| call.action == action && call.outcome == "ok"), "{action}");
    }
}

#[test]
fn the_aws_cli_manages_keys_and_devices() {
    let sandbox = Sandbox::start(Options { page_size: 1, ..Options::default() }).unwrap();
    let alice = sandbox.add_user(ACCOUNT, "alice");
    let phone = sandbox.add_device(&alice.arn, "alice-phone");
    let aws = |words: &str| {
        let mut command = program_of("TWOLOCK_TEST_AWS", &sandbox, &alice);
        let output = command.arg("iam").args(words.split(' ')).args(["--output", "text"]).output().unwrap();
        let text = if output.status.success() { output.stdout } else { output.stderr };
        String::from_utf8(text).unwrap().trim().to_owned()
    };
    let picture = std::env::temp_dir().join(format!("twolock-sandbox-qr-{}.png", std::process::id()));
    let file = picture.to_str().unwrap();
    let serial = aws(&format!(
        "create-virtual-mfa-device --virtual-mfa-device-name cli --bootstrap-method QRCodePNG --outfile {file} \
         --query VirtualMFADevice.SerialNumber"
    ));
    assert_eq!(serial, format!("arn:aws:iam::{ACCOUNT}:mfa/cli"));
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    std::fs::remove_file(&picture).unwrap();
    let [first, second] = [-30, 0].map(|off| sandbox.code_at(&serial, sandbox.now() + off).unwrap());
    let codes = format!("--authentication-code1 {first} --authentication-code2 {second}");
    assert_eq!(aws(&format!("enable-mfa-device --user-name alice --serial-number {serial} {codes}")), "");
    let listed = aws("list-mfa-devices --query MFADevices[].SerialNumber");
    assert_eq!(listed.split_whitespace().collect::<Vec<_>>(), [phone.serial.as_str(), serial.as_str()]);

    let made = aws("create-access-key --query AccessKey.[AccessKeyId,SecretAccessKey]");
    let (id, secret) = made.split_once('\t').unwrap();
    assert_eq!(sandbox.key(id).unwrap().secret, secret);
    let refused = aws("create-access-key --user-name alice");
    let limit = "An error occurred (LimitExceeded) when calling the CreateAccessKey operation: \
        Cannot exceed quota for AccessKeysPerUser: 2";
    assert!(refused.contains(limit), "{refused}");
    assert_eq!(aws(&format!("update-access-key --access-key-id {id} --status Inactive")), "");
    let listed = aws("list-access-keys --query AccessKeyMetadata[].Status");
    assert_eq!(listed.split_whitespace().collect::<std::collections::BTreeSet<_>>().len(), 2, "{listed}");
    assert_eq!(aws(&format!("delete-access-key --access-key-id {id}")), "");
    assert_eq!(sandbox.keys(&alice.arn).len(), 1);
}

//! boto3 with profiles of single sign-on, of `aws login` and of identity tokens, and the files that it keeps for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use twolock_sandbox::{Fault, FaultKind, IdentityProvider, Options, Role, Sandbox, SsoToken, SsoUser, WebIdentity};

use crate::aws_clients::{assert_good, program};
use crate::wire::ACCOUNT;

const ISSUER: &str = "https://ci.example";

/// A home directory of its own, deleted in the end.
struct Home(PathBuf);

impl Home {
    fn new(name: &str, config: &str) -> Home {
        let home = Home(std::env::temp_dir().join(format!("twolock-sandbox-{name}-{}", std::process::id())));
        // One that a killed run has left would have its files.
        let _ = fs::remove_dir_all(&home.0);
        home.write(".aws/config", config);
        home
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns boto3 without keys, in a home.
fn boto3(script: &str, sandbox: &Sandbox, home: &Home) -> Command {
    let mut command = program("TWOLOCK_TEST_PYTHON", sandbox);
    command.args(["-c", script]).env("HOME", &home.0).env("USERPROFILE", &home.0);
    command.env("AWS_CONFIG_FILE", home.path(".aws/config"));
    command
}

fn with_ann() -> Sandbox {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    sandbox.add_sso_user(SsoUser::new("ann").assigned(ACCOUNT, "Admin"));
    sandbox
}

const SSO: &str = "[profile admin]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Admin\n\
    [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://example.awsapps.com/start\n\
    sso_registration_scopes = sso:account:access\n\
    [profile older]\nsso_region = us-east-1\nsso_start_url = https://example.awsapps.com/start\n\
    sso_account_id = 111122223333\nsso_role_name = Admin\n";

#[test]
fn boto3_signs_in_by_a_device_and_refreshes_its_token() {
    let sandbox = with_ann();
    let home = Home::new("sso", SSO);
    let mut command = boto3(include_str!("boto3_sso.py"), &sandbox, &home);
    // The addresses that only these services have.
    command.env("AWS_ENDPOINT_URL_SSO", sandbox.url()).env("AWS_ENDPOINT_URL_SSO_OIDC", sandbox.url());
    assert_good(&command.output().unwrap(), &sandbox);
    let ann = sandbox.calls().into_iter().find(|call| call.action == "GetRoleCredentials").unwrap();
    assert_eq!((ann.caller_arn.as_deref(), ann.outcome.as_str()), (Some("ann"), "ok"));
    assert_eq!(sandbox.count("Logout"), 1);
}

/// Asks who the profile is, three times in one process: a client is made anew each time.
const WHO: &str = "import boto3\nfor _ in range(3):\n  \
    print(boto3.Session(profile_name='admin').client('sts').get_caller_identity()['Arn'])";

#[test]
fn boto3_takes_files_that_were_written_by_hand() {
    let sandbox = with_ann();
    let home = Home::new("files", SSO);
    let token = sandbox.sso_sign_in("ann");
    let name = format!(".aws/sso/cache/{}", SsoToken::cache_file_name("corp"));
    let write = |token: &SsoToken| home.write(&name, &token.cache_json().to_string());
    let run = || boto3(WHO, &sandbox, &home).env("AWS_MAX_ATTEMPTS", "1").output().unwrap();
    write(&token);
    let output = run();
    let text = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text.lines().filter(|line| line.ends_with("/ann")).count(), 3, "{error}");
    assert_eq!((sandbox.count("GetRoleCredentials"), sandbox.count("CreateToken")), (3, 0));

    sandbox.expire_sso_token(&token.access_token);
    write(&SsoToken { expires_at: sandbox.now() - 60, ..token.clone() });
    assert!(run().status.success());
    assert_eq!(sandbox.count("CreateToken"), 1);
    let kept: Value = serde_json::from_str(&fs::read_to_string(home.path(&name)).unwrap()).unwrap();
    assert_ne!(kept["accessToken"], token.access_token.as_str());

    // In a service that is out of order a token that still lives is used.
    let fresh = sandbox.sso_sign_in("ann");
    write(&SsoToken { expires_at: sandbox.now() + 240, ..fresh });
    sandbox.fault(Fault::new(FaultKind::Status(500)).on("CreateToken").always());
    assert!(run().status.success());
    sandbox.sso_sign_out("ann");
    let refused = run();
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("UnauthorizedSSOTokenError"), "{words}");
}

#[test]
fn boto3_refreshes_a_session_of_aws_login() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let alice = sandbox.add_user(ACCOUNT, "alice");
    let role = sandbox.add_role(Role::trusting("444455556666", "dev", &alice.arn));
    let login = sandbox.open_login(&alice.arn).unwrap();
    let config = format!("[profile alice]\nregion = us-east-1\nlogin_session = {}\n", alice.arn);
    let home = Home::new("login", &config);
    let file = home.write(&format!("cache/{}", login.cache_file_name()), &login.cache_json().to_string());
    let mut command = boto3(include_str!("boto3_login.py"), &sandbox, &home);
    command.env("AWS_LOGIN_CACHE_DIRECTORY", file.parent().unwrap()).env("ARN", &alice.arn).env("ROLE", role);
    assert_good(&command.output().unwrap(), &sandbox);
    assert_eq!(sandbox.count("CreateOAuth2Token"), 2);
}

#[test]
fn boto3_assumes_a_role_with_an_identity_token() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let provider = |issuer: &str| IdentityProvider {
        account: ACCOUNT.to_owned(),
        issuer: issuer.to_owned(),
        audience: "sts.amazonaws.com".to_owned(),
    };
    sandbox.add_identity_provider(provider(ISSUER));
    let trusted = WebIdentity { issuer: ISSUER.to_owned(), subject: "repo:org/app:*".to_owned() };
    let role = sandbox.add_role(Role { web_identities: vec![trusted], ..Role::new(ACCOUNT, "deploy") });
    let foreign = Sandbox::start(Options::default()).unwrap();
    foreign.add_identity_provider(provider(ISSUER));
    let home = Home::new("web", "");
    let token = home.write("token", &sandbox.identity_token("repo:org/app:main", 600));
    let line = |path: &Path| format!("web_identity_token_file = {}\n", path.display());
    let config = format!("[profile deploy]\nrole_arn = {role}\nrole_session_name = build-7\n{}", line(&token));
    home.write(".aws/config", &config);
    let output = boto3(include_str!("boto3_web_identity.py"), &sandbox, &home)
        .env("TOKEN_FILE", &token)
        .env("ROLE", &role)
        .env("EXPIRED", sandbox.identity_token("repo:org/app:main", -1))
        .env("STRANGER", sandbox.identity_token("repo:org/other:main", 600))
        .env("FOREIGN", foreign.identity_token("repo:org/app:main", 600))
        .output();
    assert_good(&output.unwrap(), &sandbox);
    assert_eq!(sandbox.count("AssumeRoleWithWebIdentity"), 5);
}

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::world::{Clock, Ran, SECRET, World};

const NO_SERVICE: &str = "\
info: the Secret Service is not available: no session bus: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set
  only the kernel keyring protects sessions, and access keys stay in files
";

const KEY_OF_BASE: &str = "\
info: profile 'base' (~/.aws/credentials:3): access key AKIAIOSFODNN7EXAMPLE is stored in plain text
  no persistent keyring is available, so it stays in the file
";

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A world without problems.
fn well() -> World {
    let world = World::new();
    chmod(&world.home().join(".aws"), 0o700);
    world
}

impl World {
    pub fn findings(&self, more: &[&str]) -> (i32, Vec<Value>) {
        let mut command = self.twolock(["doctor", "--json"]);
        // The request for the time must not leave this machine.
        let ran = self.finish(command.args(more).env("AWS_ENDPOINT_URL_STS", self.sandbox.url()));
        let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
        (ran.code, json["findings"].as_array().unwrap().clone())
    }

    /// The findings of one check.
    #[track_caller]
    fn found(&self, check: &str) -> Vec<Value> {
        let (code, findings) = self.findings(&[]);
        let is_wrong = findings.iter().any(|finding| finding["severity"] != "info");
        assert_eq!(code, if is_wrong { 3 } else { 0 }, "{findings:?}");
        findings.into_iter().filter(|finding| finding["check"] == check).collect()
    }

    fn doctor_with(&self, variables: &[(&str, &str)]) -> Ran {
        let mut command = self.twolock(["doctor"]);
        command.envs(variables.iter().copied());
        self.finish(&mut command)
    }
}

#[test]
fn iam_elsewhere_is_an_info_of_its_own_where_sts_is_not_there() {
    let world = well();
    assert!(!world.doctor_with(&[]).stdout.contains("IAM is"));
    let ran = world.doctor_with(&[("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:1")]);
    assert!(
        ran.stdout.contains("info: IAM is 127.0.0.1:1, not AWS, set by AWS_ENDPOINT_URL_IAM of 'base', "),
        "{ran:?}"
    );
}

#[test]
fn without_problems_only_infos_are_shown() {
    let world = well();
    let endpoint = "\
info: STS is 127.0.0.1:PORT, not AWS, set by endpoint_url of 'base', 'prod', 'deploy', 'long'
  your key signs requests to it; its sessions are separate from AWS's
";
    let all = format!("{KEY_OF_BASE}{NO_SERVICE}{endpoint}doctor: no problems found\n");
    world.run(["doctor"]).is(0, &all, "");
    assert_eq!(world.sandbox.count("GetSessionToken") + world.sandbox.count("AssumeRole"), 0);
}

#[test]
fn every_problem_has_place_reason_and_fix_and_the_worst_comes_first() {
    let world = World::new();
    world.write(
        ".aws/config",
        "[profile base]\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\nendpoint_url = {url}\n\
         [profile lost]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = nobody\n\
         [profile under lost]\nrole_arn = arn:aws:iam::123456789012:role/Admin # c\nsource_profile = lost\n\
         [profile work]\nsso_session = corp\n",
    );
    world.write(
        ".aws/credentials",
        "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n\
         [old]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = x\n",
    );
    chmod(&world.home().join(".aws/credentials"), 0o646);
    let ran = world.doctor_with(&[("AWS_PROFILE", "gone"), ("AWS_SECRET_ACCESS_KEY", SECRET)]);
    let expected = "\
error: ~/.aws/credentials: other users can change it (mode 646)
  whoever changes it controls which accounts, hosts and programs your AWS tools use
  fix: twolock doctor --fix
error: AWS_PROFILE names 'gone', which does not exist
  AWS tools started here fail, or use other credentials
  fix: unset AWS_PROFILE
warning: ~/.aws: other users can list it (mode 755)
  everybody can read any file in it that is not private
  fix: twolock doctor --fix
warning: profile 'old' (~/.aws/credentials:7): a session token is stored in plain text
  it was written by `aws configure mfa-login`: whoever reads the file can use the session
  fix: twolock profile remove old
warning: profile 'lost' (~/.aws/config:6): source_profile 'nobody' does not exist
  twolock cannot get credentials for it; the same for 'under lost'; profiles: 'base', 'lost', 'under lost', 'work', 'old'
  fix: edit ~/.aws/config:6
warning: ~/.aws/config:8: a comment after a value
  it is read differently by the AWS CLI
  fix: move the comment to a line of its own
warning: AWS_SECRET_ACCESS_KEY is set beside AWS_PROFILE
  almost every AWS tool uses these keys and ignores the profile
  fix: unset AWS_SECRET_ACCESS_KEY
";
    let to_know = "\
info: profile 'work' (~/.aws/config:11): sso_session 'corp' does not exist: there is no [sso-session corp]
  twolock cannot get credentials for it; other programs may; to set one up: aws configure sso-session
  fix: edit ~/.aws/config:11
info: profile 'under lost' (~/.aws/config:7): some SDKs cannot find a profile with this name
  they accept only A-Z a-z 0-9 _ - / . % @ : + in names
  fix: twolock profile rename 'under lost' under-lost
info: STS is 127.0.0.1:PORT, not AWS, set by endpoint_url of 'base'
  your key signs requests to it; its sessions are separate from AWS's
doctor: 2 errors, 5 warnings
";
    ran.is(3, &format!("{expected}{KEY_OF_BASE}{NO_SERVICE}{to_know}"), "");
}

#[test]
fn fix_closes_files_reports_it_and_changes_nothing_else() {
    let world = well();
    let at = |name: &str| world.home().join(name);
    world.write(".aws/cli/cache/a.json", "{}");
    world.write(".aws/cli/cache/b.json", "{}");
    world.write(".aws/code.sh", "#!/bin/sh\n");
    world.write(".config/twolock/config.toml", "min_ttl = \"5m\"\n");
    for name in [".aws/config", ".aws/cli/cache/a.json", ".aws/cli/cache/b.json"] {
        chmod(&at(name), 0o644);
    }
    chmod(&at(".aws/code.sh"), 0o755);
    chmod(&at(".config/twolock"), 0o700);
    chmod(&at(".aws/credentials"), 0o400);
    let before = std::fs::read(at(".aws/config")).unwrap();
    let repaired = "\
fixed: ~/.aws/config: other users can read it (mode 644)
fixed: ~/.aws/cli/cache: other users can list it (mode 755)
fixed: ~/.aws/cli/cache: other users can read 2 files in it, such as ";
    let ran = world.run(["doctor", "--fix"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stdout.starts_with(repaired) && ran.stdout.ends_with("doctor: no problems found\n"), "{ran:?}");
    for (name, expected) in [
        (".aws", 0o700),
        (".aws/config", 0o600),
        (".aws/credentials", 0o400),
        (".aws/cli/cache", 0o700),
        (".aws/cli/cache/b.json", 0o600),
        (".aws/code.sh", 0o755),
    ] {
        assert_eq!(mode(&at(name)), expected, "{name}");
    }
    assert_eq!(std::fs::read(at(".aws/config")).unwrap(), before);
    assert!(!world.run(["doctor", "--fix"]).stdout.contains("repaired"));
}

#[test]
fn without_fix_nothing_is_changed() {
    let world = World::new();
    chmod(&world.home().join(".aws/config"), 0o666);
    assert_eq!(world.run(["doctor"]).code, 3);
    assert_eq!((mode(&world.home().join(".aws")), mode(&world.home().join(".aws/config"))), (0o755, 0o666));
    assert!(!world.home().join(".cache").exists() && !world.home().join(".config").exists());
}

#[test]
fn json_has_every_finding_with_all_its_fields() {
    let world = World::new();
    world.add_config("[profile lost]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = bsae\n");
    let plan = json!({
        "check": "plan", "severity": "warning", "profile": "lost", "file": "~/.aws/config", "line": 26,
        "what": "source_profile 'bsae' does not exist", "why": "twolock cannot get credentials for it; did you mean 'base'?",
        "fix": "edit ~/.aws/config:26", "fixable": false, "fixed": false,
    });
    assert_eq!(world.found("plan"), [plan]);
    let dir = |fixed: bool| {
        json!({
            "check": "file-mode", "severity": "info", "file": "~/.aws", "what": "other users can list it (mode 755)",
            "why": "everybody can list its files, but cannot read credentials", "fix": "twolock doctor --fix",
            "fixable": true, "fixed": fixed,
        })
    };
    assert_eq!(world.found("file-mode"), [dir(false)]);
    let (code, findings) = world.findings(&["--fix"]);
    assert_eq!((code, &findings[0]), (3, &dir(true)), "the plan is still wrong");
    assert_eq!(findings.iter().filter(|finding| finding["check"] == "file-mode").count(), 1);
}

#[test]
fn invalid_files_are_findings_and_the_rest_is_checked() {
    let world = well();
    world.write(".config/twolock/config.toml", "min_ttl = \"5m\"\nkeyring = \"plain\"\nsession_duration = 9\n");
    world.write(".local/share/twolock/keys.json", r#"{"v":2,"keys":{}}"#);
    std::fs::remove_file(world.home().join(".aws/config")).unwrap();
    std::fs::create_dir(world.home().join(".aws/config")).unwrap();
    let said: Vec<String> = world.found("unreadable").iter().map(|f| f["what"].as_str().unwrap().into()).collect();
    assert_eq!(
        said,
        [
            "~/.config/twolock/config.toml:3: session_duration '9': allowed: 15m to 36h (such as 12h, 45m, 90s)",
            "~/.config/twolock/config.toml:2: keyring 'plain': allowed: auto, kernel, file",
            "cannot read ~/.aws/config: it is a directory",
            "~/.local/share/twolock/keys.json has version 2, and this twolock reads only version 1",
        ]
    );
    assert_eq!(world.found("plaintext-key").len(), 1, "the credentials file is still read");
    world.write(".config/twolock/config.toml", "= broken");
    assert!(world.found("unreadable")[0]["what"].as_str().unwrap().contains("config.toml:1: invalid TOML"));
}

#[test]
fn without_any_aws_file_there_is_nothing_to_fix() {
    let world = World::new();
    std::fs::remove_dir_all(world.home().join(".aws")).unwrap();
    // No request may leave this machine.
    let ran = world.doctor_with(&[("HTTPS_PROXY", "http://127.0.0.1:1")]);
    let expected = "\
info: calls to AWS go through the proxy 127.0.0.1:1 (HTTPS_PROXY)
  if it is down, no new sessions can start
not checked: clock: proxy 127.0.0.1:1 (HTTPS_PROXY) refused the connection
doctor: no problems found
";
    ran.is(0, &format!("{NO_SERVICE}{expected}"), "");
}

#[test]
fn a_wrong_clock_is_reported_with_both_times() {
    let world = well();
    assert_eq!(world.found("clock"), Vec::<Value>::new());
    for (offset, said) in [(7_200, "2h slow"), (-1_200, "20m fast")] {
        world.sandbox.set_clock(Clock::Offset(offset));
        let found = world.found("clock");
        let what = found[0]["what"].as_str().unwrap();
        assert!(what.starts_with(&format!("this machine's clock is {said}: ")), "{what}");
        assert!(what.contains("Z here, ") && what.contains("Z at STS at 127.0.0.1:"), "{what}");
        assert_eq!(found[0]["severity"], "error");
    }
    world.sandbox.set_clock(Clock::Offset(240));
    assert_eq!(world.found("clock"), Vec::<Value>::new());
}

#[test]
fn callers_that_bypass_twolock_are_reported_with_what_they_get() {
    let world = well();
    let line = "credential_process = twolock credential-process --profile";
    let ours = |name: &str, more: &str| format!("[profile {name}]\n{more}{line} {name}\n");
    world.add_config(&ours("keys", ""));
    world.add_config(&ours("role", "role_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\n"));
    world.add_config(&ours("good", "twolock_source_profile = base\n"));
    world.add_config("[profile native]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = good\n");
    world.add_config(
        "[profile half]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = good\n\
         mfa_serial = arn:aws:iam::123456789012:mfa/ana\n",
    );
    let key = "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    world.write(".aws/credentials", &format!("{key}{}", key.replace("base", "keys")));
    let found: Vec<String> = world
        .found("bypass")
        .into_iter()
        .map(|f| {
            let [severity, profile, what, why, fix] =
                ["severity", "profile", "what", "why", "fix"].map(|k| f[k].as_str().unwrap());
            format!("{severity} {profile}: {what}: {why}: {fix}")
        })
        .collect();
    assert_eq!(
        found,
        [
            "error role: AWS CLI, boto3 and SDKs (Go, JavaScript, Java, Rust) bypass twolock: \
             AWS CLI and boto3, JavaScript v3, Java v2, Rust: its own AssumeRole with the access key (~/.aws/credentials:2); \
             twolock is not called; Go v2: an error: takes one source of credentials, not source_profile and \
             credential_process: twolock profile adopt role",
            "error half: AWS CLI and boto3, Go v2, JavaScript v3 bypass twolock: AWS CLI and boto3: its own \
             AssumeRole with credentials from twolock for 'good'; asks for the code itself (mfa_serial at \
             ~/.aws/config:43); Go v2, JavaScript v3: an error: cannot ask for the MFA code (mfa_serial at \
             ~/.aws/config:43): twolock profile adopt half",
            "warning keys: AWS CLI and boto3, Go v2, JavaScript v3 bypass twolock: the access key \
             (~/.aws/credentials:5); twolock is not called; it cannot be adopted yet: has no mfa_serial: its sessions would have no MFA, and IAM would reject them: twolock login keys",
        ]
    );
}

#[test]
fn a_missing_or_unusual_program_is_reported_with_its_profiles() {
    let world = well();
    let copy = world.home().join("0.1.0/twolock");
    std::fs::create_dir(copy.parent().unwrap()).unwrap();
    crate::world::copy_runnable(Path::new(env!("CARGO_BIN_EXE_twolock")), &copy);
    let other = world.home().join("other/twolock");
    std::fs::create_dir(other.parent().unwrap()).unwrap();
    crate::world::copy_runnable(&copy, &other);
    world.write("flat/twolock", "no program");
    let programs = [
        ("gone", "/gone/twolock".to_string()),
        ("gone-too", "/gone/twolock".to_string()),
        ("versioned", copy.display().to_string()),
        ("other", other.display().to_string()),
        ("flat", world.home().join("flat/twolock").display().to_string()),
        ("relative", "./bin/twolock".to_string()),
        ("windows", r"C:\bin\twolock.exe".to_string()),
        ("here", "twolock".to_string()),
        ("whole", env!("CARGO_BIN_EXE_twolock").to_string()),
    ];
    for (name, program) in &programs {
        let line = format!("credential_process = {program} credential-process --profile {name}");
        world.add_config(&format!("[profile {name}]\ntwolock_source_profile = base\n{line}\n"));
    }
    let home = world.home().to_str().unwrap();
    let found: Vec<String> = world
        .found("process-program")
        .into_iter()
        .map(|f| {
            let [severity, profile, what, why] = ["severity", "profile", "what", "why"].map(|k| f[k].as_str().unwrap());
            format!("{severity} {profile}: {what}; {why}").replace(home, "HOME")
        })
        .collect();
    let nothing = "the AWS CLI and SDKs cannot find the program";
    assert_eq!(
        found,
        [
            format!("error relative: credential_process names ./bin/twolock, which is not an absolute path or a name on PATH; {nothing}"),
            format!("error gone: credential_process names /gone/twolock, which does not exist; {nothing}; so does 'gone-too'"),
            format!("error flat: credential_process names HOME/flat/twolock, which is not executable; {nothing}"),
            format!(r"error windows: credential_process names C:\bin\twolock.exe, which is a Windows path; {nothing}"),
            "warning versioned: credential_process names HOME/0.1.0/twolock, a path that contains a version; the next upgrade may remove it".into(),
            "info other: credential_process names HOME/other/twolock, which is a different twolock; it may be an older version".into(),
        ]
    );
}

#[test]
fn conflicting_variables_are_reported() {
    let world = well();
    for (variables, parts) in [
        (
            vec![("AWS_PROFILE", "base"), ("AWS_DEFAULT_PROFILE", "prod")],
            vec![
                "warning: AWS_PROFILE is 'base' and AWS_DEFAULT_PROFILE is 'prod'\n",
                "fix: unset AWS_DEFAULT_PROFILE\n",
            ],
        ),
        (
            vec![("AWS_SECURITY_TOKEN", "x"), ("AWS_SESSION_TOKEN", "x")],
            vec!["warning: AWS_SECURITY_TOKEN is set beside AWS_SESSION_TOKEN\n", "fix: unset AWS_SECURITY_TOKEN\n"],
        ),
        (
            vec![("AWS_DEFAULT_PROFILE", "base"), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", SECRET)],
            vec!["warning: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY are set beside AWS_DEFAULT_PROFILE\n"],
        ),
    ] {
        let ran = world.doctor_with(&variables);
        assert_eq!(ran.code, 3, "{ran:?}");
        for part in parts {
            assert!(ran.stdout.contains(part), "{part}: {ran:?}");
        }
        assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET));
    }
    let ran = world.doctor_with(&[("AWS_REGION", "eu-west-1"), ("AWS_DEFAULT_REGION", "us-east-1")]);
    assert!(ran.stdout.contains("info: AWS_REGION is 'eu-west-1' and AWS_DEFAULT_REGION is 'us-east-1'\n"), "{ran:?}");
    assert_eq!(ran.code, 0, "regions are no matter of MFA");
    let equal = [("AWS_PROFILE", "base"), ("AWS_DEFAULT_PROFILE", "base"), ("AWS_REGION", "eu-west-1")];
    assert_eq!(world.doctor_with(&equal).code, 0);
    let alone = [("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_SESSION_TOKEN", "x")];
    assert_eq!(world.doctor_with(&alone).code, 0, "a shell that `env` dressed is well");
}

#[test]
fn certificates_and_proxies_are_reported_and_invalid_ones_are_errors() {
    let world = World::new();
    std::fs::remove_dir_all(world.home().join(".aws")).unwrap();
    let dead = ("HTTPS_PROXY", "http://ana:secret@127.0.0.1:1");
    let ran = world.doctor_with(&[("AWS_CA_BUNDLE", "/nowhere"), dead]);
    assert!(ran.stdout.contains("error: AWS_CA_BUNDLE names '/nowhere', which cannot be read"), "{ran:?}");
    assert!(ran.code == 3 && ran.stdout.contains("not checked: clock: "), "{ran:?}");
    let system = "/etc/ssl/certs/ca-certificates.crt";
    let ran = world.doctor_with(&[("AWS_CA_BUNDLE", system), ("SSL_CERT_FILE", system), dead]);
    for part in [
        format!("info: AWS_CA_BUNDLE adds the certificates in {system}\n"),
        format!("info: SSL_CERT_FILE replaces the system's certificates with those in {system}\n"),
        "info: calls to AWS go through the proxy 127.0.0.1:1 (HTTPS_PROXY)\n".into(),
    ] {
        assert!(ran.stdout.contains(&part), "{part}: {ran:?}");
    }
    assert!(ran.code == 0 && !ran.stdout.contains("ana"), "{ran:?}");
    let ran = world.doctor_with(&[("HTTPS_PROXY", "socks5://x")]);
    assert!(ran.code == 3 && ran.stdout.contains("error: HTTPS_PROXY names a proxy that cannot be used"), "{ran:?}");
}

#[test]
fn it_takes_no_profile_and_has_an_example() {
    let world = World::new();
    assert_eq!(world.run(["doctor", "prod"]).code, 2);
    let ran = world.run(["doctor", "--help"]);
    assert!(ran.code == 0 && ran.stdout.contains("twolock doctor --fix"), "{ran:?}");
}

impl World {
    /// `severity profile: what` of one check's findings, for these two AWS files.
    fn says(&self, check: &str, config: &str, credentials: &str) -> Vec<String> {
        self.write(".aws/config", config);
        self.write(".aws/credentials", credentials);
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_string();
        let line = |f: Value| {
            let profile = text(&f, "profile");
            let whose = if profile.is_empty() { String::new() } else { format!(" {profile}") };
            format!("{}{whose}: {}", text(&f, "severity"), text(&f, "what"))
        };
        self.found(check).into_iter().map(line).collect()
    }
}

#[test]
fn each_profile_check_finds_its_situations_and_no_others() {
    const KEY: &str = "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    const TWIN: &str = "[twin]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    let two = format!("{KEY}{TWIN}");
    type Row<'a> = (&'a str, &'a str, &'a str, &'a [&'a str]);
    let rows: &[Row] = &[
        ("shared-key", "", &two, &["info base: access key AKIAIOSFODNN7EXAMPLE is also used by 'twin'"]),
        ("shared-key", "", KEY, &[]),
        ("plan", "[profile base]\n", KEY, &[]),
        (
            "plan",
            "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/A\nsource_profile = r\n",
            "",
            &["warning r: is its own source_profile, but has no access key"],
        ),
        (
            "plan",
            "[profile fido]\nmfa_serial = arn:aws:iam::123456789012:u2f/user/ana/x\n",
            &KEY.replace("base", "fido"),
            &[
                "warning fido: mfa_serial arn:aws:iam::123456789012:u2f/user/ana/x is a FIDO key or passkey; STS accepts only codes \
             from virtual and hardware token devices",
            ],
        ),
        (
            "plan",
            "[profile us]\ncredential_process = twolock credential-process --profile us\n",
            "",
            &["error us: has no access key and no role"],
        ),
        (
            "plan",
            "[sso-session x]\nsso_region = eu-west-1\nsso_start_url = https://x.awsapps.com/start\n\
                  [profile sso]\nsso_session = x\nsso_account_id = 123456789012\nsso_role_name = A\n\
                  [profile above]\nrole_arn = arn:aws:iam::123456789012:role/A\n\
                  source_profile = sso\n[profile other]\ncredential_process = vault\n[profile plain]\nregion = x\n\
                  [profile ec2]\nrole_arn = arn:aws:iam::123456789012:role/A\ncredential_source = Ec2InstanceMetadata\n",
            "",
            &[],
        ),
        (
            "mfa-device",
            "[profile base]\nmfa_serial = arn:aws:iam::123456789012:mfa/root-account-mfa-device\n",
            KEY,
            &["warning base: mfa_serial is the root user's device"],
        ),
        ("mfa-device", "[profile base]\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\n", KEY, &[]),
        (
            "short-session",
            "[profile base]\ntwolock_session_duration = 15m\n",
            KEY,
            &["warning base: an MFA session of 15m always looks expired"],
        ),
        ("short-session", "[profile base]\ntwolock_session_duration = 16m\n", KEY, &[]),
        (
            "profile-name",
            "[profile a b]\nregion = x\n[profile grüße]\nregion = x\n",
            "",
            &[
                "info a b: some SDKs cannot find a profile with this name",
                "info grüße: some SDKs cannot find a profile with this name",
            ],
        ),
        (
            "file-grammar",
            "[profile p]\nregion = v # c\nx = 1 ; d\n[DEFAULT]\n",
            "\u{feff}[q]\nX = 1\n",
            &[
                "warning: a comment after a value, and 1 more like this",
                "warning: [DEFAULT] in capital letters",
                "warning: a byte order mark",
                "info: a key with capital letters",
            ],
        ),
        ("file-grammar", "# c\n[profile p]\nregion = v\n", KEY, &[]),
        (
            "plan",
            "",
            "[localstack]\naws_access_key_id = test\naws_secret_access_key = test\n",
            &[
                "info localstack: aws_access_key_id is not a valid access key id (16 to 128 letters and digits, like AKIA…)",
            ],
        ),
        (
            "plan",
            "[profile up]\nrole_arn = arn:aws:iam::123456789012:role/A\nsource_profile = half\n",
            "[half]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
            &["warning half: aws_access_key_id is set but aws_secret_access_key is missing"],
        ),
        (
            "section-header",
            "[localstack]\nregion = x\n",
            "",
            &["info localstack: '[localstack]' is not a profile header"],
        ),
        ("section-header", "[prod]\nrole_arn = x\n", "", &["warning prod: '[prod]' is not a profile header"]),
        (
            "plaintext-session",
            "",
            "[s]\naws_session_token = x\n",
            &["warning s: a session token is stored in plain text"],
        ),
        ("plaintext-key", "", "[t]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n", &[]),
    ];
    let world = well();
    for (check, config, credentials, expected) in rows {
        assert_eq!(world.says(check, config, credentials), *expected, "{check}: {config}{credentials}");
    }
}

#[test]
fn keys_in_the_index_are_checked() {
    let world = well();
    world.write(".aws/credentials", "");
    let index = |added: &str, account: &str| {
        let entry =
            format!("{{\"access_key_id\":\"AKIAIOSFODNN7EXAMPLE\",\"added\":\"{added}\",\"account\":\"{account}\"}}");
        world.write(".local/share/twolock/keys.json", &format!("{{\"v\":1,\"keys\":{{\"base\":{entry}}}}}"));
    };
    let age = |world: &World, days: u64| {
        let date =
            std::process::Command::new("date").args(["-u", "-d", &format!("{days} days ago"), "+%FT%TZ"]).output();
        index(String::from_utf8(date.unwrap().stdout).unwrap().trim(), "123456789012");
        world.found("key-age").iter().map(|f| (f["severity"].clone(), f["what"].as_str().unwrap().into())).collect()
    };
    let said = |days: u64, most: &str| {
        format!("access key AKIAIOSFODNN7EXAMPLE is at least {days} days old; key_max_age is {most}")
    };
    let ages: Vec<Vec<(Value, String)>> = [44, 46, 91].map(|days| age(&world, days)).into();
    assert_eq!(
        ages,
        [vec![], vec![(json!("info"), said(46, "90d (default)"))], vec![(json!("warning"), said(91, "90d (default)"))]]
    );
    world.run(["settings", "set", "key_max_age", "40d"]).is(
        0,
        "key_max_age is 40d (~/.config/twolock/config.toml:1)\n",
        "",
    );
    let set: Vec<(Value, String)> = age(&world, 41);
    assert_eq!(set, [(json!("warning"), said(41, "40d (~/.config/twolock/config.toml:1)"))]);
    let config = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
    world.write(".aws/config", &config.replacen("[profile base]\n", "[profile base]\ntwolock_key_max_age = 30d\n", 1));
    let of_profile: Vec<(Value, String)> = age(&world, 31);
    let said = "access key AKIAIOSFODNN7EXAMPLE is at least 31 days old; twolock_key_max_age is 30d (~/.aws/config:2)";
    assert_eq!(of_profile, [(json!("warning"), said.to_owned())]);
    assert_eq!(world.found("key-age")[0]["fix"], "twolock key rotate base");
    world.write(".aws/config", &config);
    // Of a key in a file, once AWS has said when it was created.
    world.write(".local/share/twolock/keys.json", r#"{"v":1,"keys":{}}"#);
    world.write(".aws/credentials", crate::world::CREDENTIALS);
    world.write(
        ".local/state/twolock/state.json",
        r#"{"v":1,"keys":{"AKIAIOSFODNN7EXAMPLE":{"created":"2020-01-02T03:04:05Z"}}}"#,
    );
    let what = world.found("key-age")[0]["what"].as_str().unwrap().to_owned();
    assert!(
        what.starts_with("access key AKIAIOSFODNN7EXAMPLE is 2") && what.contains(" days old; key_max_age is 40d"),
        "{what}"
    );
    world.write(".aws/credentials", "");
    index("2026-01-02T03:04:05Z", "999999999999");
    let device = &world.found("mfa-device")[0];
    assert_eq!(
        device["what"],
        "mfa_serial belongs to account 123456789012, and access key AKIAIOSFODNN7EXAMPLE to account 999999999999"
    );
    let unchecked = world.finish(&mut world.twolock(["doctor"])).stdout;
    assert!(
        unchecked.contains("\nnot checked: keyring-item: the Secret Service is not available: no session bus"),
        "{unchecked}"
    );
}

#[test]
fn adopting_is_no_fix_where_it_is_refused() {
    let world = well();
    let role = "arn:aws:iam::123456789012:role/Admin";
    world.add_config(&format!(
        "[profile twice]\nrole_arn = {role}\ntwolock_role_arn = {role}\nsource_profile = base\n\
         credential_process = twolock credential-process --profile twice\n"
    ));
    let found = world.found("bypass");
    assert!(found[0]["why"].as_str().unwrap().contains("; it cannot be adopted yet: role_arn"), "{found:?}");
    assert_eq!(found[0]["fix"], "twolock profile unset twice role_arn");
}

#[test]
fn a_profile_of_another_cloud_is_no_problem_unless_it_has_a_device() {
    let world = well();
    let key = |name: &str, id: &str| format!("[{name}]\naws_access_key_id = {id}\naws_secret_access_key = x\n");
    let keys = key("fr", "SCWXXXXXXXXXXXXXXXXX") + &key("device", "AKIAI44QH8DHBEXAMPLE");
    world.write(".aws/credentials", &(crate::world::CREDENTIALS.to_string() + &keys));
    world.add_config("[profile fr]\nregion = fr-par\n");
    let info = "info: profile 'fr': region 'fr-par' is not an AWS region, so the host of STS is unknown (the region is set \
                in ~/.aws/config:25)\n  twolock cannot get credentials for it; other programs may\n";
    let ran = world.doctor_with(&[]);
    assert!(ran.code == 0 && ran.stdout.contains(info), "{ran:?}");
    world.add_config("[profile device]\nregion = fr-par\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\n");
    let ran = world.doctor_with(&[]);
    assert!(ran.code == 3 && ran.stdout.contains("warning: profile 'device': region 'fr-par' is not"), "{ran:?}");
}

#[test]
fn a_key_that_aws_could_not_be_asked_about_is_found_without_a_keyring() {
    let world = well();
    let key = r#"{"access_key_id":"AKIAI44QH8DHBEXAMPLE","unproved":true}"#;
    world.write(".local/share/twolock/keys.json", &format!(r#"{{"v":1,"keys":{{"base":{key}}}}}"#));
    let found = world.found("keyring-item");
    assert_eq!(found[0]["what"], "access key AKIAI44QH8DHBEXAMPLE is stored but not verified");
    assert_eq!(found[0]["fix"], "twolock key add base");
}

#[test]
fn a_key_of_a_profile_that_is_gone_is_shown() {
    let world = well();
    world.write(
        ".local/share/twolock/keys.json",
        r#"{"v":1,"keys":{"left":{"access_key_id":"AKIAIOSFODNN7EXAMPLE"},"a b":{"access_key_id":"AKIAI44QH8DHBEXAMPLE"}}}"#,
    );
    let found = world.found("key-without-profile");
    assert_eq!(found[1]["what"], "access key AKIAIOSFODNN7EXAMPLE is stored for it, but the profile does not exist");
    let fixes: Vec<&Value> = found.iter().map(|finding| &finding["fix"]).collect();
    assert_eq!(fixes, ["twolock key remove 'a b'", "twolock key remove left"]);
}

#[test]
fn the_fix_of_a_session_leaves_no_half_of_it_and_no_long_term_key_is_lost() {
    const SESSION: &str = "aws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    let world = well();
    world.write(".aws/config", "");
    for (settings, fix) in [
        (format!("{SESSION}aws_session_token = x\n"), "twolock profile remove s"),
        (
            format!("{SESSION}aws_security_token = x\naws_session_token = x\nregion = eu-west-1\n"),
            "twolock profile unset s aws_access_key_id aws_secret_access_key aws_security_token aws_session_token",
        ),
        (
            format!("{}aws_session_token = x\n", SESSION.replace("ASIA", "AKIA")),
            "twolock profile unset s aws_session_token",
        ),
    ] {
        world.write(".aws/credentials", &format!("[s]\n{settings}"));
        assert_eq!(world.found("plaintext-session")[0]["fix"], fix);
        assert_eq!(world.found("plan"), [] as [Value; 0], "{settings}");
        let args = [fix.strip_prefix("twolock ").unwrap(), "--yes"].join(" ");
        assert_eq!(world.finish(&mut world.twolock(args.split(' '))).code, 0, "{fix}");
        assert!(!std::fs::read_to_string(world.home().join(".aws/credentials")).unwrap().contains("ASIA"));
    }
}

#[test]
fn an_open_directory_or_config_without_secrets_is_no_problem_and_files_alike_are_one_finding() {
    let world = World::new();
    let aws = world.home().join(".aws");
    chmod(&aws, 0o755);
    for (config, credentials, expected) in [
        (0o600, 0o600, "info ~/.aws"),
        (0o644, 0o600, "info ~/.aws/config, info ~/.aws"),
        (0o600, 0o644, "warning ~/.aws/credentials, warning ~/.aws"),
    ] {
        chmod(&aws.join("config"), config);
        chmod(&aws.join("credentials"), credentials);
        let mut found: Vec<String> =
            world.found("file-mode").iter().map(|f| format!("{} {}", f["severity"], f["file"])).collect();
        found.sort_by_key(|line| std::cmp::Reverse(line.len()));
        assert_eq!(found.join(", ").replace('"', ""), expected, "{config:o} {credentials:o}");
    }
    world.add_config("# aws_secret_access_key = x\n");
    chmod(&aws.join("config"), 0o644);
    let found = world.found("file-mode");
    let both = found.iter().find(|finding| finding["file"] == "~/.aws/config").unwrap();
    assert_eq!((&both["severity"], &both["also"]), (&json!("warning"), &json!(["~/.aws/credentials"])));
    let text = world.run(["doctor"]).stdout;
    assert!(text.contains("only you should read; also: '~/.aws/credentials'\n"), "{text}");
}

#[test]
fn every_construct_that_is_a_warning_has_a_fix() {
    let world = well();
    for text in ["\u{feff}[a]\n", "[a]\n[b]\n[a]\n", "x = 1\n[a]\n", "[a]\nx = 1\nx = 2\n", "[a]\njunk\n"] {
        world.write(".aws/credentials", text);
        let found = world.found("file-grammar");
        assert!(found.iter().all(|finding| finding["severity"] == "info" || finding["fix"].is_string()), "{found:?}");
        assert!(found.iter().any(|finding| finding["severity"] == "warning"), "{text}");
    }
}

#[test]
fn hidden_aliases_and_aliases_without_a_profile_are_found() {
    let world = well();
    let aliases = "[aliases]\nprod = \"base\"\ngone = \"nobody\"\ngood = \"base\"\n";
    world.write(".config/twolock/config.toml", aliases);
    let said = |(at, what): (u64, &str)| (json!(at), json!(what));
    let found: Vec<_> = world.found("alias").iter().map(|f| (f["line"].clone(), f["what"].clone())).collect();
    let expected = [
        (3, "alias 'gone' refers to profile 'nobody', which does not exist"),
        (2, "alias 'prod' is also the name of a profile, which takes precedence"),
    ];
    assert_eq!(found, expected.map(said));
    let ran = world.doctor_with(&[("AWS_PROFILE", "good")]);
    let named = "warning: AWS_PROFILE names 'good', which is an alias only twolock knows\n";
    assert!(ran.code == 3 && ran.stdout.contains(named), "{ran:?}");
}

#[test]
fn a_file_selected_by_a_variable_starts_programs_only_with_consent() {
    let world = well();
    world.write("repo/config", "[profile p]\nmfa_process = code\n");
    let doctor = || {
        let mut command = world.twolock(["doctor", "--json"]);
        command.env("AWS_CONFIG_FILE", world.home().join("repo/config")).env("HTTPS_PROXY", "http://127.0.0.1:1");
        let json: Value = serde_json::from_str(&world.finish(&mut command).stdout).unwrap();
        let findings = json["findings"].as_array().unwrap();
        findings.iter().filter(|f| f["check"] == "program-consent").cloned().collect::<Vec<_>>()
    };
    let found = doctor();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0]["fix"], &found[0]["line"]), (&json!("twolock settings trust HOME/repo/config"), &json!(2)));
    assert_eq!(
        world.finish(world.twolock(["settings", "trust", "repo/config", "--yes"]).current_dir(world.home())).code,
        0
    );
    assert_eq!(doctor(), Vec::<Value>::new());
}

#[test]
fn a_variable_that_leads_to_a_missing_file_is_a_warning() {
    let world = World::new();
    let warning = "warning: AWS_CONFIG_FILE names '~/gone', which does not exist\n  \
                   twolock and AWS tools started here find no profiles in it\n  fix: unset AWS_CONFIG_FILE\n";
    assert!(world.doctor_with(&[("AWS_CONFIG_FILE", "~/gone")]).stdout.contains(warning));
    assert!(!world.doctor_with(&[("AWS_CONFIG_FILE", "/dev/null")]).stdout.contains("AWS_CONFIG_FILE"));
}

/// The caches of other programs, each with credentials that are still valid.
const CACHES: [(&str, &str, &str); 3] = [
    (
        ".aws/cli/cache/a.json",
        r#"{"Credentials":{"AccessKeyId":"ASIAX","SecretAccessKey":"s","Expiration":"2099-01-01T00:00:00+00:00"}}"#,
        "the AWS CLI",
    ),
    (
        ".aws/boto/cache/b.json",
        r#"{"Credentials":{"SecretAccessKey":"s","Expiration":"2099-01-01T00:00:00Z"}}"#,
        "git-remote-codecommit",
    ),
    (
        ".ecr/cache.json",
        r#"{"Registries":{"r":{"AuthorizationToken":"t","ExpiresAt":"2099-01-01T00:00:00.5Z"}},"Version":"1.0"}"#,
        "ecr-credential-helper",
    ),
];

#[test]
fn credentials_in_caches_of_other_programs_are_found_and_named_by_logout() {
    let world = well();
    for (file, text, _) in CACHES {
        world.write(file, text);
    }
    world.write(".aws/cli/cache/old.json", &CACHES[0].1.replace("2099", "2001"));
    let found = world.found("plaintext-cache");
    let mut left = String::new();
    for ((file, _, program), finding) in CACHES.into_iter().zip(&found) {
        let place = if file.starts_with(".ecr") { file } else { Path::new(file).parent().unwrap().to_str().unwrap() };
        assert_eq!(finding["what"], format!("{program} stores credentials here in plain text"));
        assert_eq!((&finding["file"], &finding["severity"]), (&json!(format!("~/{place}")), &json!("warning")));
        assert_eq!(finding["fix"], format!("rm -r HOME/{place}"));
        left += &format!("not ended: credentials of {program} in ~/{place}; to remove them: rm -r HOME/{place}\n");
    }
    assert_eq!(found.len(), CACHES.len());
    let ended = "no sessions to end\n";
    world.run(["logout", "--all"]).is(0, &format!("{ended}{left}"), "");
}

#[test]
fn expired_credentials_in_a_cache_are_no_finding() {
    let world = well();
    for (file, text, _) in CACHES {
        world.write(file, &text.replace("2099", "2001"));
    }
    assert_eq!(world.found("plaintext-cache"), [] as [Value; 0]);
    world.run(["logout", "--all"]).is(0, "no sessions to end\n", "");
}

#[test]
fn the_error_message_of_a_client_is_explained() {
    let world = well();
    world.run(["doctor", "--explain", "Error: Request is missing Authentication Token (code 403)"]).is(
        0,
        "info: C++, pyarrow: Request is missing Authentication Token\n  \
         it found no credentials and sent an unsigned request\n  fix: twolock exec NAME -- COMMAND\n",
        "",
    );
    world.run(["doctor", "--explain", "Unable to locate credentials. You can configure credentials by running"]).is(
        0,
        "info: AWS CLI, boto3: Unable to locate credentials\n  \
         no profile is selected, or the selected one has no credentials\n  fix: twolock exec NAME -- COMMAND\n",
        "",
    );
    let json = world.run(["doctor", "--json", "--explain", "credentials not found in native keychain"]).json();
    assert_eq!(json["findings"][0]["fix"], "twolock login NAME");
    assert_eq!(json["findings"][0]["check"], "client");
    world.run(["doctor", "--explain", "it does not work"]).is(
        2,
        "",
        "twolock: error: doctor does not know this error message\n\
         twolock: hint: run twolock doctor without --explain: it checks everything it knows\n",
    );
}

#[test]
fn a_program_that_never_calls_twolock_is_named_where_profiles_are_adopted() {
    let world = well();
    world.write("bin/s3cmd", "#!/bin/sh\n");
    crate::world::make_runnable(&world.home().join("bin/s3cmd"));
    let path = format!("{}:{}", world.home().join("bin").display(), crate::world::path());
    let find = |world: &World| {
        let ran = world.finish(world.twolock(["doctor", "--json"]).env("PATH", &path));
        let json: Value = serde_json::from_str(&ran.stdout).unwrap();
        json["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == "client").cloned().collect()
    };
    let found: Vec<Value> = find(&world);
    assert_eq!(found, [] as [Value; 0]);
    world.add_config("[profile adopted]\ncredential_process = twolock credential-process base\n");
    let found: Vec<Value> = find(&world);
    assert_eq!(found[0]["what"], "s3cmd ignores credential_process");
    assert_eq!(found[0]["fix"], "twolock exec NAME -- s3cmd");
}

#[test]
fn a_program_for_codes_that_would_not_be_started_is_found() {
    let world = well();
    world.write("bin/oathtool", "#!/bin/sh\n");
    crate::world::make_runnable(&world.home().join("bin/oathtool"));
    for (name, line) in [("bare", "oathtool --totp"), ("gone", "/nowhere/code"), ("good", "/bin/true")] {
        world.add_config(&format!("[profile {name}]\ntwolock_source_profile = base\nmfa_process = {line}\n"));
    }
    let path = format!("{}:{}", world.home().join("bin").display(), crate::world::path());
    let ran = world.finish(world.twolock(["doctor", "--json"]).env("PATH", path));
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    let found = json["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == "mfa-process");
    let found: Vec<_> =
        found.map(|finding| (finding["profile"].as_str().unwrap(), finding["what"].as_str().unwrap())).collect();
    let elsewhere = "mfa_process: 'oathtool' on PATH is HOME/bin/oathtool, which is not in a system directory";
    assert_eq!(found, [("bare", elsewhere), ("gone", "mfa_process: program not found: '/nowhere/code'")]);
}

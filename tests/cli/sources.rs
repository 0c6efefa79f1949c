//! Profiles whose credentials come from elsewhere: another program, SSO, `aws login`, a web identity token.

use std::os::unix::fs::PermissionsExt;

use crate::profile_edit::config_of;
use crate::world::{ACCOUNT, ADMIN, CREDENTIALS, DEVICE, KEY_ID, Role, SECRET, World, make_runnable};

/// Roles stand above their sources, so that an edit moves the lines of these. `{tool}` is a program that prints a key.
const CONFIG: &str = "\
[profile prod]
role_arn = arn:aws:iam::123456789012:role/Free
source_profile = tool
region = eu-west-1
endpoint_url = {url}

[profile top]
role_arn = arn:aws:iam::123456789012:role/Top
source_profile = prod
region = eu-west-1
endpoint_url = {url}

[profile above-sso]
role_arn = arn:aws:iam::123456789012:role/Free
source_profile = sso

[profile above-login]
role_arn = arn:aws:iam::123456789012:role/Free
source_profile = con

[profile above-web]
role_arn = arn:aws:iam::123456789012:role/Top
source_profile = web

[profile above-keys]
role_arn = arn:aws:iam::123456789012:role/Free
source_profile = keys

[profile lent]
twolock_source_profile = sso

[profile tool]
credential_process = {tool} print
region = eu-west-1
endpoint_url = {url}

[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://corp.awsapps.com/start

[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Dev

[profile con]
login_session = arn:aws:iam::123456789012:user/ana

[profile web]
role_arn = arn:aws:iam::123456789012:role/Free
web_identity_token_file = /nowhere/token
";

const TEMPORARY: &str = "\
[keys]
aws_access_key_id = ASIAIOSFODNN7EXAMPLE
aws_secret_access_key = x
aws_session_token = x
";

fn world() -> World {
    let world = World::new();
    for (name, principal) in [("Free", "*"), ("Top", "*")] {
        world.sandbox.add_role(Role::trusting(ACCOUNT, name, principal));
    }
    tool(&world, &format!("echo '{}'", key()));
    world.write(".aws/config", &with_tool(&world, CONFIG));
    world.write(".aws/credentials", TEMPORARY);
    world
}

fn key() -> String {
    format!(r#"{{"Version":1,"AccessKeyId":"{KEY_ID}","SecretAccessKey":"{SECRET}"}}"#)
}

/// A program that counts its runs, and then does this.
fn tool(world: &World, script: &str) {
    world.write("bin/tool", &format!("#!/bin/sh\necho run >> \"${{0%/*}}/runs\"\n{script}\n"));
    make_runnable(&world.home().join("bin/tool"));
    world.write("bin/runs", "");
}

fn with_tool(world: &World, config: &str) -> String {
    config.replace("{tool}", world.home().join("bin/tool").to_str().unwrap())
}

fn runs(world: &World) -> usize {
    std::fs::read_to_string(world.home().join("bin/runs")).unwrap().lines().count()
}

#[test]
fn roles_on_other_sources_are_adopted_with_all_and_released_to_the_byte() {
    let world = world();
    let before = config_of(&world);
    let ran = world.run(["profile", "adopt", "--all", "--yes"]);
    let adopted = ["prod", "top", "above-sso", "above-login", "above-web", "above-keys", "lent"];
    assert!(ran.code == 0 && ran.stdout.contains(&format!("\nadopted {}; try: ", adopted.join(", "))), "{ran:?}");
    for name in ["tool", "sso", "con", "web", "keys"] {
        assert!(ran.stdout.contains(&format!("note: not adopted: profile '{name}' (")), "{name}: {ran:?}");
    }
    for name in adopted {
        assert_eq!(world.run(["profile", "show", name, "--json"]).json()["adopted"], true, "{name}");
    }
    for (name, role) in [("prod", "Free"), ("top", "Top")] {
        let who = world.run(["whoami", name]);
        assert!(who.code == 0 && who.stdout.contains(&format!(":assumed-role/{role}/ana\n")), "{name}: {who:?}");
    }
    for name in adopted {
        let ran = world.run(["profile", "release", name, "--yes"]);
        assert!(ran.code == 0, "{name}: {ran:?}");
    }
    assert_eq!(config_of(&world), before);
}

#[test]
fn an_adopted_role_and_the_one_above_it_start_the_program_once() {
    let world = world();
    assert_eq!(world.run(["profile", "adopt", "prod", "--yes"]).code, 0);
    for name in ["prod", "prod", "top"] {
        assert_eq!(world.run(["credential-process", "--profile", name]).code, 0, "{name}");
    }
    assert_eq!(runs(&world), 1);
}

#[test]
fn a_source_itself_is_refused_with_the_way_to_use_it() {
    let world = world();
    let exec = |name: &str| format!("twolock: hint: for a program that cannot, in a subshell: twolock exec {name}\n");
    for (name, place, what) in [
        ("tool", 33, "credential_process 'HOME/bin/tool print' runs another program"),
        ("sso", 42, "sso_session 'corp' makes this an SSO profile"),
        ("con", 47, "login_session 'arn:aws:iam::123456789012:user/ana' makes this a profile of 'aws login'"),
        ("web", 51, "web_identity_token_file '/nowhere/token' makes this a web identity profile"),
    ] {
        let error = format!("twolock: error: profile '{name}' (~/.aws/config:{place}): {what}");
        let error = format!("{error}, which AWS tools use without twolock\n{}", exec(name));
        world.run(["profile", "adopt", name, "--yes"]).is(3, "", &error);
    }
}

#[test]
fn the_list_says_where_the_credentials_come_from() {
    let world = world();
    world.run(["profile", "list"]).is(
        0,
        "PROFILE      KIND       ACCOUNT       DEVICE  KEY            LEFT  SERVED\n\
         prod         role       123456789012  -       process        -     -\n\
         top          role       123456789012  -       process        -     -\n\
         above-sso    role       123456789012  -       sso            -     -\n\
         above-login  role       123456789012  -       login          -     -\n\
         above-web    role       123456789012  -       web identity   -     -\n\
         above-keys   role       123456789012  -       credentials:2  -     -\n\
         lent         sso        123456789012  -       sso            -     -\n\
         tool         process    -             -       process        -     -\n\
         sso          sso        123456789012  -       sso            -     -\n\
         con          login      123456789012  -       login          -     -\n\
         web          role       123456789012  -       web identity   -     -\n\
         keys         temporary  -             -       credentials:2  -     -\n",
        "",
    );
}

#[test]
fn the_overview_says_nothing_of_mfa_that_it_cannot_know_and_offers_no_adoption_that_nobody_needs() {
    let world = world();
    let shown = world.run::<0>([]).stdout;
    assert!(!shown.contains("no MFA") && !shown.contains("to use these profiles"), "{shown}");
    assert!(shown.contains("\nlent         sso of sso "), "{shown}");
    world.write(".aws/config", "[profile base]\nregion = eu-west-1\n");
    world.write(".aws/credentials", CREDENTIALS);
    let shown = world.run::<0>([]).stdout;
    assert!(shown.contains("key, no MFA"), "{shown}");
}

#[test]
fn a_session_of_another_program_is_named_and_nothing_is_said_of_its_mfa() {
    let world = world();
    assert_eq!(world.run(["login", "top"]).code, 0);
    assert_eq!(world.run(["login", "tool"]).code, 0);
    let status = crate::rounded(&world.run(["status"]).stdout);
    for row in [
        "top      123456789012  role Top   -       1h\n",
        "top      123456789012  role Free  -       1h\n",
        "tool     -             process    -       12h\n",
    ] {
        assert!(status.contains(row), "{row}: {status}");
    }
    let ran = world.run(["status", "--min-ttl", "1h", "tool"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let kinds = world.run(["status", "--json"]).json();
    assert!(kinds["sessions"].as_array().unwrap().iter().any(|session| session["kind"] == "process"), "{kinds}");
    world.run(["logout", "tool"]).is(0, "ended the session of tool\nit was shared with: prod, top\n", "");
}

#[test]
fn nobody_knows_how_long_credentials_of_another_source_will_last_before_they_are_there() {
    let world = world();
    for (name, code) in [("sso", 9), ("above-sso", 9), ("con", 9), ("lent", 9), ("tool", 9), ("prod", 0), ("web", 0)] {
        assert_eq!(world.run(["status", "--min-ttl", "30m", name]).code, code, "{name}");
    }
    assert_eq!(runs(&world), 0);
}

#[test]
fn whoami_all_starts_a_program_that_fails_once_for_all_profiles_on_it() {
    let world = world();
    tool(&world, "echo 'vault is sealed' >&2; exit 1");
    let roles: String = (0..20)
        .map(|n| format!("[profile r{n}]\nrole_arn = arn:aws:iam::123456789012:role/Free\nsource_profile = tool\nendpoint_url = {{url}}\n"))
        .collect();
    let config =
        format!("{roles}[profile tool]\ncredential_process = {{tool}} print\n[profile base]\nendpoint_url = {{url}}\n");
    world.write(".aws/config", &with_tool(&world, &config));
    world.write(".aws/credentials", CREDENTIALS);
    let ran = world.run(["whoami", "--all"]);
    assert_eq!((ran.code, runs(&world)), (4, 1), "{ran:?}");
    assert!(ran.stdout.matches("vault is sealed").count() == 21 && ran.stdout.contains("not tried: "), "{ran:?}");
    assert!(ran.stdout.contains("arn:aws:iam::123456789012:user/ana"), "what has a key is tested: {ran:?}");
}

#[test]
fn mfa_and_setup_of_a_profile_with_sso_say_where_else() {
    let world = world();
    let error = "twolock: error: profile 'sso': has no access key: its credentials come from SSO\n";
    let devices = "twolock: hint: MFA devices for SSO are managed in the access portal, or by your identity provider: https://corp.awsapps.com/start\n";
    for verb in ["devices", "enroll"] {
        world.run(["mfa", verb, "sso"]).is(3, "", &format!("{error}{devices}"));
    }
    let another = "twolock: hint: to set up another profile, with an access key: twolock setup NAME\n";
    world.run(["setup", "sso"]).is(3, "", &format!("{error}{another}"));
    world.run(["key", "rotate", "sso"]).is(3, "", error);
}

#[test]
fn key_verbs_leave_other_sources_alone() {
    let world = world();
    world.write(".aws/credentials", "");
    world.run(["key", "list"]).is(0, "no access keys in the AWS files or the keyring\n", "");
    world.run(["key", "rotate", "--all"]).is(3, "", "twolock: error: no profile has an access key\n");
    let none = |name: &str, origin: &str| {
        format!("twolock: error: profile '{name}': gets its credentials from {origin}, and needs no access key\n")
    };
    world.run(["key", "replace", "sso"]).is(3, "", &none("sso", "SSO"));
    world.run(["key", "replace", "tool"]).is(3, "", &none("tool", "another program"));
    let import = "twolock: error: profile 'tool': has no long-term access key in the AWS files\n";
    world.run(["key", "import", "tool"]).is(3, "", import);
    assert_eq!(runs(&world), 0);
}

#[test]
fn a_device_that_is_not_used_or_refused_is_said_when_it_is_set() {
    let world = world();
    let set = |name: &str| world.run(["profile", "set", name, "mfa_serial", DEVICE, "--dry-run"]);
    let diff = |name: &str| format!("~/.aws/config\n  [profile {name}]\n+ mfa_serial = {DEVICE}\n");
    let unused = "note: mfa_serial is not used: AWS accepts no code with credentials from SSO\n";
    set("sso").is(0, &(diff("sso") + unused), "");
    let refused = format!(
        "note: after this, twolock cannot get credentials for 'above-sso': mfa_serial {DEVICE} cannot be used: AWS accepts a \
         code only with a long-term access key, and these credentials come from SSO\n"
    );
    set("above-sso").is(0, &(diff("above-sso") + &refused), "");
    set("tool").is(0, &diff("tool"), "");
}

#[test]
fn a_new_role_may_have_sso_or_another_program_as_its_source() {
    let world = world();
    for source in ["sso", "tool"] {
        let ran = world.run(["profile", "add", "new", "--role-arn", ADMIN, "--source-profile", source, "--dry-run"]);
        assert!(ran.code == 0 && ran.stdout.contains(&format!("+ twolock_source_profile = {source}\n")), "{ran:?}");
    }
    let ran = world.run([
        "profile",
        "add",
        "new",
        "--role-arn",
        ADMIN,
        "--source-profile",
        "sso",
        "--mfa-serial",
        DEVICE,
        "--dry-run",
    ]);
    assert!(ran.code == 2 && ran.stderr.contains("these credentials come from SSO"), "{ran:?}");
}

#[test]
fn logout_names_the_sign_in_that_it_does_not_end() {
    let world = world();
    let left = "twolock does not end the AWS CLI's sign-in; to sign out: ";
    world.run(["logout", "sso"]).is(0, &format!("sso: no sessions to end\n{left}aws sso logout\n"), "");
    world.run(["logout", "con"]).is(0, &format!("con: no sessions to end\n{left}aws logout --profile con\n"), "");
    world.run(["logout", "tool"]).is(0, "tool: no sessions to end\n", "");
}

#[test]
fn the_console_needs_a_role_and_says_so_where_another_program_gives_a_user() {
    let world = world();
    let ran = world.run(["console", "con", "--print"]);
    assert!(ran.code == 3 && ran.stderr.contains("the console needs a role"), "{ran:?}");
    let ran = world.run(["console", "tool", "--print"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stderr.ends_with(
            "hint: the console accepts only credentials of a role; to see whose these are: twolock whoami tool\n"
        ),
        "{ran:?}"
    );
    let ran = world.run(["console", "prod", "--print"]);
    assert!(ran.code == 0 && ran.stdout.contains("SigninToken="), "{ran:?}");
}

fn findings(world: &World, check: &str) -> Vec<String> {
    let (_, findings) = world.findings(&[]);
    let of = |finding: &serde_json::Value| {
        let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}: {}", text("severity"), text("profile"), text("what"))
    };
    findings.iter().filter(|finding| finding["check"] == check).map(of).collect()
}

#[test]
fn doctor_warns_nobody_whose_other_sources_are_well() {
    let world = world();
    world.write("token", "token");
    let config = with_tool(&world, CONFIG).replace("/nowhere/token", world.home().join("token").to_str().unwrap());
    world.write(".aws/config", &config);
    world.write(".aws/credentials", "");
    std::fs::set_permissions(world.home().join(".aws"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let config = config_of(&world);
    let keys = config.find("[profile above-keys]").unwrap()..config.find("[profile lent]").unwrap();
    let mut config = config;
    config.replace_range(keys, "");
    world.write(".aws/config", &config);
    let (code, findings) = world.findings(&[]);
    assert_eq!(code, 0, "{findings:?}");
    assert_eq!(runs(&world), 0);
}

#[test]
fn doctor_reports_programs_that_twolock_would_not_run() {
    let world = world();
    let role = "role_arn = arn:aws:iam::123456789012:role/Free\nsource_profile = p\n";
    let line = "credential_process = twolock credential-process --profile served\n";
    let served = format!(
        "[profile served]\ntwolock_role_arn = arn:aws:iam::123456789012:role/Free\ntwolock_source_profile = p\n{line}"
    );
    for (program, above, expected) in [
        ("/bin/true | cat", "", Some("info p: credential_process uses shell syntax: '|'")),
        ("/bin/true | cat", &served, Some("error p: credential_process uses shell syntax: '|'")),
        ("/bin/true | cat", role, Some("info p: credential_process uses shell syntax: '|'")),
        ("/nowhere/tool", "", Some("warning p: credential_process: program not found: '/nowhere/tool'")),
        ("./tool", "", Some("info p: credential_process must be an absolute path or a name on PATH: './tool'")),
        ("/bin/true", &served, None),
    ] {
        let above = if above == role { format!("[profile r]\n{role}") } else { above.to_string() };
        world.write(".aws/config", &format!("{above}[profile p]\ncredential_process = {program}\n"));
        assert_eq!(findings(&world, "source-program").first().map(String::as_str), expected, "{program}");
    }
}

#[test]
fn doctor_reports_a_file_that_may_not_start_the_program_of_a_source() {
    let world = world();
    world.write("repo/config", "[profile p]\ncredential_process = /bin/true\n");
    let mut command = world.twolock(["doctor", "--json"]);
    let ran = world.finish(command.env("AWS_CONFIG_FILE", world.home().join("repo/config")));
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let found: Vec<_> =
        json["findings"].as_array().unwrap().iter().filter(|found| found["check"] == "source-program").collect();
    assert!(found.len() == 1 && found[0]["severity"] == "info", "{ran:?}");
    assert!(found[0]["fix"].as_str().unwrap().starts_with("twolock settings trust "), "{ran:?}");
}

#[test]
fn doctor_reports_settings_of_sso_that_are_broken() {
    let world = world();
    let session = "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n";
    let role = "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/Free\nsource_profile = s\n";
    let whole = "sso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev\n";
    for (settings, more, expected) in [
        (whole, session, None),
        (whole, "", Some("info s: sso_session 'corp' does not exist: there is no [sso-session corp]")),
        (whole, role, Some("warning s: sso_session 'corp' does not exist: there is no [sso-session corp]")),
        (
            "sso_session = corp\nsso_account_id = 123456789012\n",
            session,
            Some("info s: sso_session is set, but sso_role_name is missing"),
        ),
        (
            "sso_session = corp\nsso_account_id = 1234\nsso_role_name = Dev\n",
            session,
            Some("info s: sso_account_id '1234' is not 12 digits"),
        ),
        ("login_session = ana\n", "", Some("info s: login_session 'ana' is not the ARN of a user or role")),
    ] {
        world.write(".aws/config", &format!("[profile s]\n{settings}{more}"));
        world.write(".aws/credentials", "");
        assert_eq!(findings(&world, "plan").first().map(String::as_str), expected, "{settings}{more}");
    }
}

#[test]
fn doctor_finds_the_aws_cli_where_twolock_takes_programs_from() {
    let world = world();
    world.write(".nix-profile/bin/aws", "#!/bin/sh\necho started > \"$HOME/started\"\n");
    make_runnable(&world.home().join(".nix-profile/bin/aws"));
    assert_eq!(findings(&world, "sign-in"), Vec::<String>::new());
    assert!(!world.home().join("started").exists());
}

#[test]
fn doctor_closes_token_files_and_sign_ins_where_a_variable_names_their_directory() {
    let world = world();
    let at = |name: &str| world.home().join(name);
    let mode = |name: &str| std::fs::metadata(at(name)).unwrap().permissions().mode() & 0o7777;
    let chmod = |name: &str, mode| std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).unwrap();
    let session = format!("logins/{}.json", "0a".repeat(32));
    for name in ["token", &session, "logins/other.json"] {
        world.write(name, "{}");
        chmod(name, 0o644);
    }
    chmod("logins", 0o755);
    let config = with_tool(&world, CONFIG).replace("/nowhere/token", at("token").to_str().unwrap());
    world.write(".aws/config", &config);
    let mut command = world.twolock(["doctor", "--fix"]);
    command.env("AWS_LOGIN_CACHE_DIRECTORY", "~/logins").env("AWS_ENDPOINT_URL_STS", world.sandbox.url());
    let ran = world.finish(&mut command);
    assert!(ran.stdout.contains("fixed: ~/token: other users can read it (mode 644)\n"), "{ran:?}");
    assert_eq!([mode("token"), mode(&session)], [0o600, 0o600]);
    // A variable may name any directory: what is no sign-in is left alone.
    assert_eq!([mode("logins"), mode("logins/other.json")], [0o755, 0o644]);
}

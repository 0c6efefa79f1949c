//! `console`: the browser is a script that writes down what it was given; the tests ask for the page in its place.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use twolock_sandbox::{Fault, FaultKind, Options, Proxy, Refusal, Role, SignIn, Tls};

use crate::world::{ACCOUNT, ADMIN, CONFIG, Ran, World, copy_runnable, eventually, make_runnable, without_terminal};
use crate::{protected, rounded};

const ANA: &str = "arn:aws:iam::123456789012:user/ana";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/Admin/ana";

/// A world with a browser in its settings: a script.
struct Desk {
    world: World,
}

impl Desk {
    fn new() -> Self {
        Self::with_browser(
            "printf '%s\\n' \"$@\" > \"$HOME/opened.part\"; env > \"$HOME/env\"; mv \"$HOME/opened.part\" \"$HOME/opened\"",
        )
    }

    fn with_browser(script: &str) -> Self {
        let desk = Self { world: World::new() };
        desk.world.write("browser", &format!("#!/bin/sh\n{script}\n"));
        make_runnable(&desk.browser());
        desk.world.write(".config/twolock/config.toml", &format!("browser = '{}'\n", desk.browser().display()));
        desk.world.log_in("prod");
        desk
    }

    fn browser(&self) -> PathBuf {
        self.world.home().join("browser")
    }

    fn start(&self, words: &[&str]) -> Child {
        self.start_command(self.world.twolock(["console"]).args(words))
    }

    fn start_command(&self, command: &mut Command) -> Child {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The address that the browser got.
    fn opened(&self) -> String {
        let file = self.world.home().join("opened");
        eventually("the browser", || file.exists());
        std::fs::read_to_string(file).unwrap().trim_end().to_owned()
    }

    fn end(&self, child: Child) -> Ran {
        self.world.read(&child.wait_with_output().unwrap())
    }
}

/// The answer to one request, whole.
fn send(host: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// What a browser's request for an address is answered with.
fn get(url: &str) -> String {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    send(host, &format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nSec-Fetch-Site: none\r\n\r\n"))
}

fn location(answer: &str) -> String {
    let line = answer.lines().find_map(|line| line.strip_prefix("Location: "));
    line.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// The sign-in's address of the world as it is printed, up to the token.
fn printed(page: &str) -> String {
    format!("http://127.0.0.1:PORT/federation?Action=login&Issuer=twolock&Destination={page}&SigninToken=")
}

const HOME_PAGE: &str = "https%3A%2F%2Feu-west-1.console.aws.amazon.com%2Fconsole%2Fhome%3Fregion%3Deu-west-1";

#[test]
fn the_browser_is_led_to_the_signed_in_page_once() {
    let desk = Desk::new();
    let running = desk.start(&["prod", "-vv"]);
    let opened = desk.opened();
    let (host, path) = opened.strip_prefix("http://").unwrap().split_once('/').unwrap();
    assert!(host.starts_with("127.0.0.1:") && path.len() == 32, "{opened}");
    let request = |path: &str, headers: &str| send(host, &format!("GET /{path} HTTP/1.1\r\n{headers}\r\n"));
    let port = host.split_once(':').unwrap().1;
    for wrong in [
        request("", &format!("Host: {host}\r\n")),
        request(&path[1..], &format!("Host: {host}\r\n")),
        request(path, &format!("Host: localhost:{port}\r\n")),
        request(path, &format!("Host: {host}\r\nOrigin: https://evil.example\r\n")),
    ] {
        assert_eq!(wrong, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let answer = get(&opened);
    assert!(answer.starts_with("HTTP/1.1 302 Found\r\n"), "{answer}");
    assert!(answer.contains("\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n"), "{answer}");
    let ran = desk.end(running);
    assert!(TcpStream::connect(host).is_err(), "a second request");
    assert_eq!(
        (ran.code, rounded(&ran.stdout).as_str()),
        (0, "prod: console in account 123456789012 opened in the browser, 1h left\n"),
        "{ran:?}"
    );

    let page = location(&answer);
    assert!(page.replace(&desk.world.sandbox.port().to_string(), "PORT").starts_with(&printed(HOME_PAGE)), "{page}");
    let token = page.rsplit_once('=').unwrap().1;
    assert!(token.len() > 500 && !ran.stderr.contains(&token[..20]), "{ran:?}");
    let signed_in = get(&page);
    assert!(signed_in.contains(&format!("<h1>Signed in</h1><p>as {SESSION}</p>")), "{signed_in}");
    assert!(get(&page).starts_with("HTTP/1.1 400 "), "a token signs in once");
    let [SignIn { arn, destination, .. }] = &desk.world.sandbox.sign_ins()[..] else { panic!("one") };
    assert_eq!(arn, SESSION);
    assert_eq!(destination, "https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1");
    let asked = desk.world.sandbox.calls().into_iter().find(|call| call.action == "getSigninToken").unwrap();
    assert_eq!(asked.param("SessionDuration"), None, "the role is assumed with a session");
    assert_eq!(asked.method, "POST", "no log of addresses has the credentials");
}

#[test]
fn the_browser_gets_no_credentials_and_no_variable_of_a_repository() {
    let desk = Desk::new();
    let mut command = desk.world.twolock(["console", "prod"]);
    for (name, value) in [
        ("BROWSER", "/repo/browser"),
        ("XDG_DATA_HOME", "/repo"),
        ("XDG_CONFIG_DIRS", "/repo"),
        ("XDG_DATA_DIRS", "/repo:/usr/share"),
        ("DBUS_SESSION_BUS_ADDRESS", "unixexec:path=/repo/bin"),
        ("GIO_EXTRA_MODULES", "/repo"),
        ("GTK_MODULES", "/repo/module.so"),
        ("QT_PLUGIN_PATH", "/repo"),
        ("LD_LIBRARY_PATH", "/repo"),
        ("PERL5OPT", "-I/repo"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
        ("AWS_SESSION_TOKEN", "hush"),
        ("TWOLOCK_MFA_CODE", "000000"),
        ("WAYLAND_DISPLAY", "wayland-1"),
    ] {
        command.env(name, value);
    }
    command.env("PATH", format!("/repo:{}", crate::world::path()));
    let running = desk.start_command(&mut command);
    let opened = desk.opened();
    get(&opened);
    assert_eq!(desk.end(running).code, 0);
    let env = std::fs::read_to_string(desk.world.home().join("env")).unwrap();
    for gone in ["/repo", "hush", "000000", "SigninToken"] {
        assert!(!env.contains(gone), "{gone} in {env}");
    }
    let has = |line: String| assert!(env.lines().any(|found| found == line), "{line} in {env}");
    has(format!("HOME={}", desk.world.home().display()));
    has("XDG_DATA_DIRS=/usr/share".into());
    has("WAYLAND_DISPLAY=wayland-1".into());
    assert_eq!(desk.world.sandbox.sign_ins(), [], "only the browser may follow");
}

#[test]
#[cfg(target_os = "linux")]
fn another_user_gets_nothing() {
    if !is_root("ask as a second user") {
        return;
    }
    let desk = Desk::new();
    let running = desk.start(&["prod"]);
    let opened = desk.opened();
    let (host, path) = opened.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let port = host.split_once(':').unwrap().1;
    let script = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{port} && printf 'GET /{path} HTTP/1.1\\r\\nHost: {host}\\r\\n\\r\\n' >&3; cat <&3"
    );
    for _ in 0..3 {
        let mut other = Command::new("setpriv");
        other.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--", "bash", "-c", &script]);
        let said = other.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), "", "{said:?}");
    }
    assert!(get(&opened).starts_with("HTTP/1.1 302 "));
    assert_eq!(desk.end(running).code, 0);
}

/// Whether this test can be done; if not, it is said past the harness, which keeps what a passing test prints to itself.
#[cfg(target_os = "linux")]
fn is_root(to: &str) -> bool {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !is_root {
        std::io::stderr().write_all(format!("NOT TESTED: only root can {to}\n").as_bytes()).unwrap();
    }
    is_root
}

#[test]
#[cfg(target_os = "linux")]
fn xdg_open_of_the_system_is_used_whatever_browser_and_path_say() {
    if !is_root("put a program into a directory of the system") {
        return;
    }
    let desk = Desk::new();
    // What the browser in the settings did, xdg-open does: for this process tree, it is in /usr/local/bin.
    desk.world.write(".config/twolock/config.toml", "");
    let own = desk.world.home().join("local-bin");
    std::fs::create_dir(&own).unwrap();
    copy_runnable(&desk.browser(), &own.join("xdg-open"));
    let mut command = desk.world.program("unshare");
    let script = "mount --bind \"$1\" /usr/local/bin && shift && exec \"$@\"";
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(own).arg(env!("CARGO_BIN_EXE_twolock"));
    command.args(["console", "prod"]).env("DISPLAY", ":0").env("BROWSER", "/repo/browser");
    without_terminal(&mut command);
    let running = desk.start_command(&mut command);
    assert!(get(&desk.opened()).starts_with("HTTP/1.1 302 "));
    let ran = desk.end(running);
    let note = "twolock: note: BROWSER is not used, because a repository could set it; if you trust it: \
                twolock settings set browser /repo/browser\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (0, note), "{ran:?}");
}

#[test]
fn print_prints_the_url_for_a_page_of_a_service() {
    let world = World::new();
    world.log_in("prod");
    let print = |words: &[&str]| world.finish(world.twolock(["console", "--print"]).args(words));
    for (words, page) in [
        (["prod"].as_slice(), HOME_PAGE),
        (
            &["prod", "--service", "ec2"],
            "https%3A%2F%2Feu-west-1.console.aws.amazon.com%2Fec2%2Fhome%3Fregion%3Deu-west-1",
        ),
        (
            &["--profile", "prod", "--service=s3", "--region=us-east-1"],
            "https%3A%2F%2Fus-east-1.console.aws.amazon.com%2Fs3%2Fhome%3Fregion%3Dus-east-1",
        ),
    ] {
        let ran = print(words);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
        let token = ran.stdout.strip_prefix(&printed(page)).unwrap_or_else(|| panic!("{ran:?}"));
        assert!(token.len() > 500 && token.ends_with('\n'), "{ran:?}");
    }
    assert_eq!(world.sandbox.count("AssumeRole"), 1);
    print(&["prod", "--region", "cn-north-1"]).is(
        2,
        "",
        "twolock: error: profile 'prod': region 'cn-north-1' is not in the role's partition: aws\n",
    );
    for service in ["EC2", "ec2/x", "a.b", "", "..", "ec2?x=y"] {
        let ran = print(&["prod", "--service", service]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{service}: {ran:?}");
    }
}

#[test]
fn without_an_endpoint_the_sign_in_of_aws_is_asked() {
    const HOSTS: [&str; 2] = ["sts.eu-west-1.amazonaws.com", "signin.aws.amazon.com"];
    let extra_names = HOSTS.map(String::from).to_vec();
    let world = World::with(Options { tls: Tls::Good, extra_names, ..Options::default() });
    let address = format!("127.0.0.1:{}", world.sandbox.port()).parse().unwrap();
    let routes = HOSTS.map(|host| format!("{host}:443"));
    let routes: Vec<_> = routes.iter().map(|host| (host.as_str(), address)).collect();
    let proxy = Proxy::start(&routes).unwrap();
    world.write("ca.pem", world.sandbox.ca_pem().unwrap());
    world.write(".aws/config", &CONFIG.replace("endpoint_url = {url}\n", ""));
    let mut command = world.twolock(["console", "prod", "--print"]);
    command.env("HTTPS_PROXY", proxy.url()).env("AWS_CA_BUNDLE", world.home().join("ca.pem"));
    let ran = world.finish(command.env("TWOLOCK_MFA_CODE", world.code()));
    let signin = "https://signin.aws.amazon.com/federation?Action=login&";
    assert!(ran.code == 0 && ran.stdout.starts_with(signin), "{ran:?}");
    let asked: Vec<String> = proxy.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(asked.last().unwrap(), "signin.aws.amazon.com:443", "{asked:?}");
}

#[test]
fn a_longer_session_is_made_with_the_key_and_a_code_of_its_own() {
    let world = World::new();
    world.sandbox.add_role(Role { require_mfa: true, max_duration: 43_200, ..Role::trusting(ACCOUNT, "Admin", ANA) });
    world.log_in("prod");
    let note = "twolock: note: profile 'prod': AWS limits a role assumed with an MFA session to 1h, so for 8h it is \
                assumed with the access key, and needs a code of its own\n";
    let ran = world.run(["console", "prod", "--print", "--duration", "8h"]);
    ran.is(
        9,
        "",
        &format!(
            "{note}twolock: error: profile 'prod': needs an MFA code from {}: no terminal; \
             run in a terminal: twolock login prod --duration=8h\n",
            crate::world::DEVICE
        ),
    );
    let ran = world.run_with_code(["console", "prod", "--print", "--duration", "8h"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, note), "{ran:?}");
    let calls = world.sandbox.calls();
    let of = |action: &str| calls.iter().rfind(|call| call.action == action).unwrap();
    assert_eq!(of("getSigninToken").param("SessionDuration"), Some("28800"));
    let role = of("AssumeRole");
    assert_eq!((role.seconds(), role.role_arn(), role.token_code().is_some()), (Some(28_800), Some(ADMIN), true));
    assert_eq!(role.access_key_id.as_deref(), Some(crate::world::KEY_ID));
    // That session is there, and so is the one of before.
    assert_eq!(world.run(["console", "prod", "--print", "--duration", "8h"]).code, 0);
    assert_eq!(world.run(["console", "prod", "--print"]).code, 0);
    assert_eq!(world.sandbox.codes_consumed().len(), 2);
}

#[test]
fn a_shorter_session_needs_no_code_and_ends_with_its_credentials() {
    let world = World::new();
    world.log_in("prod");
    for asked in ["30m", "1h", "1h"] {
        let ran = world.run(["console", "prod", "--print", "--duration", asked]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    }
    let calls = world.sandbox.calls();
    let roles: Vec<_> = calls.iter().filter(|call| call.action == "AssumeRole").map(|call| call.seconds()).collect();
    assert_eq!(roles, [Some(3600), Some(1800), Some(3600)]);
    assert!(calls.iter().all(|call| call.param("SessionDuration").is_none()));
    assert_eq!(world.sandbox.codes_consumed().len(), 1);
    world.run(["console", "prod", "--print", "--duration", "13h"]).is(
        2,
        "",
        "twolock: error: profile 'prod': --duration 13h is out of range: AWS accepts 15m to 12h\n",
    );
}

#[test]
fn a_role_without_mfa_is_assumed_with_the_key_so_the_duration_is_sent() {
    let world = World::new();
    world.sandbox.add_role(Role { max_duration: 43_200, ..Role::trusting(ACCOUNT, "Open", ANA) });
    let config = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
    let config = config.replace("mfa_serial = arn:aws:iam::123456789012:mfa/ana\n", "");
    world.write(".aws/config", &config.replace("role/Admin", "role/Open"));
    let ran = world.run(["console", "prod", "--print", "--duration", "2h"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let asked = world.sandbox.calls().into_iter().find(|call| call.action == "getSigninToken").unwrap();
    assert_eq!(asked.param("SessionDuration"), Some("7200"));
}

#[test]
fn a_user_without_a_role_is_refused_and_the_roles_are_named() {
    let world = World::new();
    world.add_config("[profile other]\naws_access_key_id = AKIAIOSFODNN7OTHER00\naws_secret_access_key = x\n");
    world.run(["console", "base"]).is(
        3,
        "",
        "twolock: error: profile 'base': the console needs a role, and this profile has none\n\
         twolock: hint: a role that uses its access key: twolock console prod\n\
         twolock: hint: a role that uses its access key: twolock console deploy\n\
         twolock: hint: a role that uses its access key: twolock console long\n",
    );
    world.run(["console", "other", "--print"]).is(
        3,
        "",
        "twolock: error: profile 'other': the console needs a role, and this profile has none\n\
         twolock: hint: sign in with a profile that has a role_arn, and this profile as its source_profile\n",
    );
    assert_eq!(world.sandbox.calls().len(), 0);
}

#[test]
fn a_protected_role_signs_in_by_one_fresh_code_for_fifteen_minutes() {
    let world = protected::world();
    world.log_in("base");
    let before = world.sandbox.count("GetSessionToken");
    let ran = world.breaks_glass(world.on_terminal(["console", "glass", "--print"]), "incident 7");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.starts_with(&printed(HOME_PAGE)), "{ran:?}");
    assert_eq!((world.sandbox.count("AssumeRole"), world.sandbox.count("GetSessionToken")), (1, before));
    let sent = world.sandbox.calls().into_iter().find(|call| call.action == "getSigninToken").expect("asked for");
    assert_eq!(sent.param("SessionDuration"), Some("900"));
    // Never without a terminal, whatever codes a program has.
    let ran = world.run_with_code(["console", "glass", "--print"]);
    assert!(ran.code == 9 && ran.stderr.contains("TWOLOCK_MFA_CODE is not accepted for"), "{ran:?}");
}

const PRINTING: &str =
    "twolock: hint: print the URL, and open it in a browser yourself: twolock console prod --print\n";

#[test]
fn where_no_browser_can_open_it_says_so_before_it_asks_for_a_code() {
    let world = World::new();
    let console =
        |variables: &[(&str, &str)]| world.finish(world.twolock(["console", "prod"]).envs(variables.iter().copied()));
    let display = "twolock: error: profile 'prod': there is no display to open a browser on\n";
    let ssh = "twolock: error: profile 'prod': this is an SSH session, where no browser can be opened\n";
    console(&[]).is(9, "", &format!("{display}{PRINTING}"));
    for variables in
        [[("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")].as_slice(), &[("SSH_CONNECTION", "x"), ("DISPLAY", ":0")]]
    {
        console(variables).is(9, "", &format!("{ssh}{PRINTING}"));
    }
    let use_it =
        "twolock: hint: to use BROWSER, which a repository could set: twolock settings set browser /opt/firefox\n";
    console(&[("BROWSER", "/opt/firefox")]).is(9, "", &format!("{display}{PRINTING}{use_it}"));

    world.write(".config/twolock/config.toml", "browser = '/nowhere/firefox'\n");
    console(&[("BROWSER", "/opt/firefox")]).is(
        3,
        "",
        &format!(
            "twolock: error: profile 'prod': the browser '/nowhere/firefox' (setting browser) cannot be run\n{PRINTING}"
        ),
    );
    assert_eq!(world.sandbox.calls().len(), 0);
    world.run(["settings", "set", "browser", "firefox"]).is(
        2,
        "",
        "twolock: error: browser cannot be 'firefox': it must be an absolute path\n",
    );
}

#[test]
fn a_repository_cannot_set_the_browser() {
    let world = World::new();
    world.write("repo/twolock/config.toml", "browser = '/bin/true'\n");
    let mut command = world.twolock(["console", "prod"]);
    let ran = world.finish(command.env("XDG_CONFIG_HOME", world.home().join("repo")));
    assert_eq!((ran.code, ran.stdout.as_str()), (9, ""), "{ran:?}");
    assert!(ran.stderr.contains("there is no display to open a browser on"), "{ran:?}");
}

#[test]
fn a_browser_that_fails_is_not_waited_for() {
    let desk = Desk::with_browser("exit 3");
    desk.world.run(["console", "prod"]).is(
        9,
        "",
        &format!("twolock: error: profile 'prod': no browser opened: HOME/browser exited with 3\n{PRINTING}"),
    );
    desk.world.write("browser", "#!/nowhere/sh\n");
    make_runnable(&desk.browser());
    let ran = desk.world.run(["console", "prod"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{ran:?}");
    let cause = "twolock: error: profile 'prod': HOME/browser cannot be started: ";
    assert!(ran.stderr.starts_with(cause) && ran.stderr.ends_with(PRINTING), "{ran:?}");
}

#[test]
#[ignore = "long: the browser has 60 s"]
fn a_browser_that_does_not_open_the_page_is_given_up() {
    let desk = Desk::with_browser("exit 0");
    desk.world.run(["console", "prod"]).is(
        9,
        "",
        &format!(
            "twolock: note: waiting for the browser to open the page\n\
             twolock: error: profile 'prod': the browser did not open the page within 60 s\n{PRINTING}"
        ),
    );
}

#[test]
fn an_answer_of_the_sign_in_that_is_no_token_is_explained() {
    let world = World::new();
    world.log_in("prod");
    let signin = "console sign-in at 127.0.0.1:PORT, not AWS";
    let refusal = || FaultKind::Error(Refusal::new(400, "BadRequest", "no"));
    let bad = |why: &str| {
        format!("twolock: error: profile 'prod': invalid response to getSigninToken from {signin}: {why}\n")
    };
    let proxy = "twolock: hint: is a proxy or a guest network's login page answering instead of AWS?\n";
    for (kind, times, code, text) in [
        (
            refusal(),
            1,
            4,
            format!(
                "twolock: error: profile 'prod': the credentials were refused ({signin}: HTTP 400)\n\
                 twolock: hint: end the session, then try again: twolock logout prod\n"
            ),
        ),
        (FaultKind::HtmlBody, 1, 6, bad("it has no SigninToken")),
        (FaultKind::EmptyBody, 1, 6, bad("it has no SigninToken")),
        (
            FaultKind::Redirect("https://evil.example/".into()),
            1,
            6,
            bad("it is a redirect (HTTP 302), and redirects are not followed") + proxy,
        ),
        (
            FaultKind::Status(503),
            3,
            6,
            format!(
                "twolock: error: profile 'prod': {signin} is temporarily unavailable (HTTP 503)\n\
                 twolock: hint: try again in a moment\n"
            ),
        ),
    ] {
        for _ in 0..times {
            world.sandbox.fault(Fault::new(kind.clone()).on("getSigninToken"));
        }
        world.run(["console", "prod", "--print"]).is(code, "", &text);
    }
    // Once is not enough.
    world.sandbox.fault(Fault::new(FaultKind::Status(500)).on("getSigninToken"));
    assert_eq!(world.run(["console", "prod", "--print"]).code, 0);
}

#[test]
#[ignore = "long: a real browser"]
fn chromium_ends_on_the_signed_in_page() {
    let desk = Desk::new();
    let running = desk.start(&["prod"]);
    let opened = desk.opened();
    let mut chromium = desk.world.program("chromium");
    chromium.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--dump-dom"]);
    chromium.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    chromium.arg(format!("--user-data-dir={}", desk.world.home().join("chromium").display())).arg(&opened);
    without_terminal(&mut chromium);
    let page = desk.world.finish(&mut chromium);
    assert!(page.stdout.contains(&format!("<h1>Signed in</h1><p>as {SESSION}</p>")), "{page:?}");
    assert_eq!(desk.end(running).code, 0);
    assert_eq!(desk.world.sandbox.sign_ins().len(), 1);
}

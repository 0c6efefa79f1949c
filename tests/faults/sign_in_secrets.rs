//! Where the tokens of sign-ins go, and that nothing else is told of them (P2, P3, P17, P46).

use std::fs;
use std::process::Command;

use twolock_sandbox::{Proxy, Sink, SinkAnswer, SsoToken, Tls};

use crate::outcome::{answer, failed, tells_no_secret};
use crate::world::sign_ins::{ANA, LOGIN, SSO, login_file, secrets_of_login, secrets_of_token};
use crate::world::{Fault, FaultKind, Options, Ran, World};

const PORTAL: &str = "GetRoleCredentials";
const RENEWAL: &str = "CreateToken";
const LOGIN_RENEWAL: &str = "CreateOAuth2Token";

#[test]
fn addresses_of_strangers_get_nothing_of_a_sign_in() {
    let stranger = Sink::start(SinkAnswer::Close).unwrap();
    let url = format!("http://127.0.0.1:{}", stranger.port());
    let names = ["AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC", "AWS_ENDPOINT_URL_SIGNIN"];
    let strange = |command: &mut Command| names.iter().for_each(|name| _ = command.env(name, &url));
    let (world, token) = World::signed_in();
    world.token_ends_in(&token, -1);
    let mut command = world.twolock(["credential-process", "dev"]);
    strange(&mut command);
    assert_eq!(answer(&world, &mut command).code, 0);
    assert_eq!(world.counts([RENEWAL, PORTAL]), [1, 1], "the server that stands for STS stands for them too");
    let (world, login) = World::logged_in();
    world.login_ends_in(&login, -1);
    let mut command = world.twolock(["credential-process", "ana"]);
    strange(&mut command);
    assert_eq!(answer(&world, &mut command).code, 0);
    assert_eq!((world.sandbox.count(LOGIN_RENEWAL), stranger.connections()), (1, 0));
}

/// AWS's own hosts, behind a proxy that leads to a sandbox which has certificates for them.
struct Aws {
    world: World,
    proxy: Proxy,
}

impl Aws {
    const HOSTS: [&str; 4] = [
        "portal.sso.us-east-1.amazonaws.com",
        "oidc.us-east-1.amazonaws.com",
        "sts.eu-west-1.amazonaws.com",
        "eu-west-1.signin.aws.amazon.com",
    ];

    fn new() -> Self {
        let extra_names = Self::HOSTS.map(String::from).to_vec();
        let world = World::of_sso_with(Options { tls: Tls::Good, extra_names, ..Options::default() });
        world.write(".aws/config", &SSO.replace("endpoint_url = {url}\n", ""));
        world.write("ca.pem", world.sandbox.ca_pem().unwrap());
        let address = format!("127.0.0.1:{}", world.sandbox.port()).parse().unwrap();
        let routes = Self::HOSTS.map(|host| format!("{host}:443"));
        let routes: Vec<_> = routes.iter().map(|host| (host.as_str(), address)).collect();
        Self { proxy: Proxy::start(&routes).unwrap(), world }
    }

    fn run(&self, dress: impl FnOnce(&mut Command)) -> Ran {
        let mut command = self.world.twolock(["credential-process", "dev"]);
        command.env("HTTPS_PROXY", self.proxy.url()).env("AWS_CA_BUNDLE", self.world.home().join("ca.pem"));
        dress(&mut command);
        answer(&self.world, &mut command)
    }

    fn asked(&self) -> Vec<String> {
        self.proxy.requests().into_iter().map(|request| request.target).collect()
    }
}

#[test]
fn without_a_server_on_this_machine_the_portal_of_aws_is_asked_through_the_proxy() {
    let aws = Aws::new();
    let stranger = Sink::start(SinkAnswer::Close).unwrap();
    let url = format!("http://127.0.0.1:{}", stranger.port());
    let token = aws.world.sign_in("ana");
    aws.world.token_ends_in(&token, -1);
    let ran = aws.run(|command| {
        for name in ["AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC", "AWS_ENDPOINT_URL_SIGNIN"] {
            command.env(name, &url);
        }
    });
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(aws.asked(), ["oidc.us-east-1.amazonaws.com:443", "portal.sso.us-east-1.amazonaws.com:443"]);
    assert_eq!(stranger.connections(), 0);
}

#[test]
fn without_a_server_on_this_machine_the_sign_in_of_aws_is_asked_with_a_proof_for_it() {
    let aws = Aws::new();
    let ana = aws.world.sandbox.open_login(ANA).unwrap();
    aws.world.write(".aws/config", &LOGIN.replace("endpoint_url = {url}\n", "").replace("profile ana", "profile dev"));
    aws.world.login_ends_in(&ana, -1);
    let ran = aws.run(|_| {});
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(aws.asked(), ["eu-west-1.signin.aws.amazon.com:443"]);
}

#[test]
fn no_proxy_leaves_the_proxy_out() {
    let aws = Aws::new();
    aws.world.sign_in("ana");
    let ran = aws.run(|command| _ = command.env("NO_PROXY", "portal.sso.us-east-1.amazonaws.com"));
    // This machine may have no way to AWS at all; what counts is who was not asked.
    assert_ne!(ran.code, 0, "{ran:?}");
    assert_eq!(aws.asked(), [""; 0]);
    assert_eq!(aws.world.sandbox.count(PORTAL), 0);
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let aws = Aws::new();
    aws.world.sign_in("ana");
    let closed = Sink::start(SinkAnswer::Close).unwrap();
    let ran = aws.run(|command| _ = command.env("HTTPS_PROXY", format!("http://127.0.0.1:{}", closed.port())));
    failed(&ran, 6, &["HTTPS_PROXY"]);
}

#[test]
fn redirects_are_not_followed() {
    let stranger = Sink::start(SinkAnswer::Close).unwrap();
    let redirect = || FaultKind::Redirect(format!("http://127.0.0.1:{}/token", stranger.port()));
    let (world, token) = World::signed_in();
    world.sandbox.fault(Fault::new(redirect()).on(PORTAL).always());
    failed(&answer(&world, &mut world.twolock(["credential-process", "dev"])), 6, &["SSO at 127.0.0.1:PORT"]);
    world.token_ends_in(&token, -1);
    world.sandbox.fault(Fault::new(redirect()).on(RENEWAL).always());
    failed(&answer(&world, &mut world.twolock(["credential-process", "dev"])), 6, &["SSO OIDC at 127.0.0.1:PORT"]);
    let (world, login) = World::logged_in();
    world.login_ends_in(&login, -1);
    world.sandbox.fault(Fault::new(redirect()).on(LOGIN_RENEWAL).always());
    failed(&answer(&world, &mut world.twolock(["credential-process", "ana"])), 6, &["AWS sign-in at 127.0.0.1:PORT"]);
    let world = World::with_identity_token();
    world.sandbox.fault(Fault::new(redirect()).on("AssumeRoleWithWebIdentity").always());
    failed(&answer(&world, &mut world.twolock(["credential-process", "ci"])), 6, &["STS at 127.0.0.1:PORT"]);
    assert_eq!(stranger.connections(), 0);
}

/// Every verb that reads a sign-in, as loudly as it can; `secrets` may stand nowhere but in an answer that hands
/// credentials out, and in the user's own files.
#[track_caller]
fn nothing_is_told(world: &World, profiles: &[&str], secrets: &[String], own: &[&str]) {
    for profile in profiles {
        for args in [
            &["credential-process", profile][..],
            &["env", profile],
            &["exec", profile, "--", "true"],
            &["login", profile, "--fresh"],
            &["whoami", profile],
            &["status"],
            &["profile", "show", profile],
            &["doctor"],
        ] {
            let mut command = world.twolock(["-vvv"]);
            command.args(args).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
            let ran = world.finish(&mut command);
            tells_no_secret(world, &ran);
            let hands_out = ["credential-process", "env"].contains(&args[0]);
            for secret in secrets {
                assert!(!ran.stderr.contains(secret), "{args:?} told {secret}: {ran:?}");
                assert!(hands_out || !ran.stdout.contains(secret), "{args:?} told {secret}: {ran:?}");
            }
        }
    }
    let issued = world.sandbox.sessions().into_iter().flat_map(|s| [s.secret_access_key, s.session_token]);
    let all: Vec<String> = secrets.iter().cloned().chain(issued).collect();
    files_hold_none(world.home(), &all, &own.iter().map(|name| world.home().join(name)).collect::<Vec<_>>());
}

#[track_caller]
fn files_hold_none(directory: &std::path::Path, secrets: &[String], own: &[std::path::PathBuf]) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            files_hold_none(&path, secrets, own);
        } else if !own.contains(&path) {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            secrets.iter().for_each(|secret| assert!(!text.contains(secret), "{} holds {secret}", path.display()));
        }
    }
}

#[test]
fn no_token_of_single_sign_on_is_told_anywhere() {
    let faults = [None, Some(FaultKind::Status(500)), Some(FaultKind::HtmlBody), Some(FaultKind::DropAfter)];
    for fault in faults {
        let (world, token) = World::signed_in();
        let mut secrets = secrets_of_token(&token);
        world.token_ends_in(&token, -1);
        if let Some(kind) = fault {
            world.sandbox.fault(Fault::new(kind).on(RENEWAL));
        }
        let own = format!(".aws/sso/cache/{}", SsoToken::cache_file_name("corp"));
        nothing_is_told(&world, &["dev", "top"], &secrets, &[&own]);
        let renewed = world.token();
        secrets.extend(["accessToken", "refreshToken"].map(|name| renewed[name].as_str().unwrap().to_owned()));
        nothing_is_told(&world, &["dev", "ops"], &secrets, &[&own]);
    }
}

#[test]
fn an_answer_that_repeats_the_request_is_shown_without_it() {
    let (world, token) = World::signed_in();
    let secrets = secrets_of_token(&token);
    let echo = twolock_sandbox::Refusal::new(403, "ForbiddenException", format!("no: {}", secrets.join(" ")));
    world.sandbox.fault(Fault::new(FaultKind::Error(echo.clone())).on(PORTAL).always());
    let own = format!(".aws/sso/cache/{}", SsoToken::cache_file_name("corp"));
    nothing_is_told(&world, &["dev"], &secrets[..1], &[&own]);
    world.token_ends_in(&token, -1);
    world.sandbox.fault(Fault::new(FaultKind::Error(echo)).on(RENEWAL).always());
    nothing_is_told(&world, &["dev"], &secrets, &[&own]);
}

#[test]
fn no_session_of_aws_login_and_no_identity_token_is_told_anywhere() {
    let (world, login) = World::logged_in();
    world.login_ends_in(&login, -1);
    let secrets = secrets_of_login(&login);
    nothing_is_told(&world, &["ana", "hub"], &secrets, &[&login_file(&login)]);
    let world = World::with_identity_token();
    let token = fs::read_to_string(world.identity_token_file()).unwrap().trim().to_owned();
    nothing_is_told(&world, &["ci", "hub"], &[token], &["token"]);
    world.sandbox.fault(Fault::new(FaultKind::Status(500)).on("AssumeRoleWithWebIdentity").always());
    let token = world.sandbox.identity_token("repo:org/app:other", 600);
    world.keep_identity_token(&token);
    nothing_is_told(&world, &["ci"], &[token], &["token"]);
}

#[test]
fn nothing_secret_is_an_argument_of_any_program() {
    let (world, token) = World::signed_in();
    world.token_ends_in(&token, -1);
    let (ran, trace) = crate::machine::traced(&world, "execve", &["credential-process", "dev"], |_| {});
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(trace.count(&["execve"]) >= 1);
    for secret in secrets_of_token(&token).into_iter().chain(crate::outcome::secrets(&world)) {
        assert!(!trace.0.contains(&secret), "{secret}");
    }
}

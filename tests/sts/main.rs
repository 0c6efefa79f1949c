//! The real client against the sandbox: strict signatures, one-time codes, TLS, a proxy, and faults on command.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use twolock::internals::{
    AccessKey, AccessKeyId, AwsError, AwsErrorKind, Bounds, Endpoint, EndpointRequest, Env, ExternalId, HttpSettings,
    Mfa, MfaCode, MfaSerial, Origin, Partition, Region, RoleArn, RoleRequest, Secret, Service, Session, SessionName,
    Signer, SourceIdentity, Sourced, Sts, StsClient, Tag, Timestamp, now, resolve,
};
use twolock_sandbox::{Clock, Device, Fault, FaultKind, Options, Proxy, Refusal, Role, Sandbox, Sink, SinkAnswer, Tls};

const ACCOUNT: &str = "111122223333";
const HOUR: Duration = Duration::from_secs(3600);
const QUICK: Bounds = Bounds { connect: Duration::from_secs(2), total: Duration::from_secs(3) };

/// A sandbox with one user and device, and a client of it.
struct World {
    sandbox: Sandbox,
    user: String,
    key: AccessKey,
    device: Device,
    client: StsClient,
}

impl World {
    fn new() -> Self {
        Self::with(Options::default(), |sandbox| client_at(sandbox.url(), &Env::default()))
    }

    fn with(options: Options, client: impl FnOnce(&Sandbox) -> StsClient) -> Self {
        let sandbox = Sandbox::start(options).unwrap();
        let user = sandbox.add_user(ACCOUNT, "ana");
        let device = sandbox.add_device(&user.arn, "phone");
        let key = access_key(&user.access_key_id, &user.secret_access_key);
        let client = client(&sandbox);
        Self { sandbox, user: user.arn, key, device, client }
    }

    fn serial(&self) -> MfaSerial {
        MfaSerial::parse(&self.device.serial).unwrap()
    }

    fn code(&self) -> MfaCode {
        MfaCode::parse(&self.sandbox.code(&self.device.serial).unwrap().digits).unwrap()
    }

    fn login(&self) -> Result<Session, AwsError> {
        self.login_with(&self.serial(), &self.code())
    }

    fn login_with(&self, serial: &MfaSerial, code: &MfaCode) -> Result<Session, AwsError> {
        self.client.get_session_token(Signer::Key(&self.key), Some(Mfa { serial, code }), HOUR, QUICK)
    }

    fn session_without_code(&self) -> Result<Session, AwsError> {
        self.client.get_session_token(Signer::Key(&self.key), None, HOUR, Bounds::CALL)
    }

    fn role(&self, change: impl FnOnce(&mut Role)) -> RoleRequest {
        let mut role = Role::trusting(ACCOUNT, "Admin", &self.user);
        change(&mut role);
        request(&self.sandbox.add_role(role))
    }

    fn assume(&self, signer: Signer<'_>, request: &RoleRequest) -> Result<Session, AwsError> {
        self.client.assume_role(signer, request, None, Bounds::CALL)
    }
}

fn access_key(id: &str, secret: &str) -> AccessKey {
    AccessKey { id: AccessKeyId::parse(id).unwrap(), secret: Secret::new(secret.into()) }
}

fn request(arn: &str) -> RoleRequest {
    RoleRequest::plain(RoleArn::parse(arn).unwrap(), SessionName::parse("ana").unwrap(), HOUR)
}

fn endpoint(url: &str) -> Endpoint {
    let request = EndpointRequest {
        service: Service::Sts,
        partition: Partition::Aws,
        region: Region::parse("eu-west-1").unwrap(),
        fips: false,
        dualstack: false,
        given: (!url.is_empty())
            .then(|| Sourced { value: url.into(), origin: Origin::Variable("AWS_ENDPOINT_URL_STS") }),
    };
    resolve(&request, &["sts.corp.example".into()]).unwrap()
}

fn client_at(url: &str, env: &Env) -> StsClient {
    let endpoint = endpoint(url);
    let http = HttpSettings::from_env(env, &endpoint).unwrap();
    StsClient::new(endpoint, http)
}

fn refusal(error: AwsError, kind: AwsErrorKind, begin: &str) {
    assert_eq!(error.kind, kind, "{error:?}");
    assert!(error.cause.starts_with(begin), "{}", error.cause);
    assert!(error.cause.contains("not AWS"), "{}", error.cause);
}

#[test]
fn a_code_brings_a_session_and_the_session_a_role() {
    let world = World::new();
    let request = world.role(|role| role.require_mfa = true);
    let session = world.login().unwrap();
    assert_eq!(session.account.as_ref().unwrap().as_str(), ACCOUNT);
    assert!(session.access_key_id.is_temporary());
    assert!(session.expires.since(now()) <= HOUR);
    let role = world.assume(Signer::Session(&session), &request).unwrap();
    assert_eq!(role.account.as_ref().unwrap().as_str(), ACCOUNT);
    let who = world.client.get_caller_identity(Signer::Session(&role), Bounds::CALL).unwrap();
    assert_eq!(who.arn, format!("arn:aws:sts::{ACCOUNT}:assumed-role/Admin/ana"));
    assert_eq!(world.sandbox.codes_consumed().len(), 1);
    assert_eq!(world.sandbox.calls()[0].region.as_deref(), Some("eu-west-1"));
}

#[test]
fn a_role_straight_from_the_key_with_everything_it_can_carry() {
    let world = World::new();
    let mut request = world.role(|role| {
        role.require_mfa = true;
        role.external_id = Some("contract-7".into());
        role.source_identity = twolock_sandbox::SourceIdentity::Exactly("ana.m".into());
        role.allow_tags = true;
        role.max_duration = 43_200;
    });
    request.external_id = Some(ExternalId::parse("contract-7").unwrap());
    request.source_identity = Some(SourceIdentity::parse("ana.m").unwrap());
    request.tags = vec![Tag::parse("team=red blue").unwrap()];
    request.transitive_tags = vec!["team".into()];
    request.duration = HOUR * 12;
    let (serial, code) = (world.serial(), world.code());
    let mfa = Some(Mfa { serial: &serial, code: &code });
    let session = world.client.assume_role(Signer::Key(&world.key), &request, mfa, Bounds::CALL).unwrap();
    assert!(session.expires.since(now()) > HOUR * 11);
}

#[test]
fn wrong_used_and_foreign_codes() {
    let world = World::new();
    let used = world.code();
    world.login_with(&world.serial(), &used).unwrap();
    let said = "the code was refused by STS at 127.0.0.1:";
    refusal(world.login_with(&world.serial(), &used).unwrap_err(), AwsErrorKind::WrongCode, said);
    let current = world.sandbox.code_at(&world.device.serial, world.sandbox.now()).unwrap();
    let wrong = format!("{:06}", (current.parse::<u32>().unwrap() + 500_000) % 1_000_000);
    let wrong = MfaCode::parse(&wrong).unwrap();
    refusal(world.login_with(&world.serial(), &wrong).unwrap_err(), AwsErrorKind::WrongCode, said);
    assert_eq!(world.sandbox.count("GetSessionToken"), 3, "each code was sent once");
}

#[test]
fn a_device_of_another_user_is_not_asked_again() {
    let world = World::new();
    let other = world.sandbox.add_user(ACCOUNT, "bob");
    let theirs = world.sandbox.add_device(&other.arn, "bobs");
    let serial = MfaSerial::parse(&theirs.serial).unwrap();
    let error = world.login_with(&serial, &world.code()).unwrap_err();
    refusal(error, AwsErrorKind::Missing, &format!("device '{serial}' was refused: it belongs to another user"));
}

#[test]
fn keys_that_are_unknown_switched_off_or_wrong() {
    let world = World::new();
    let id = world.key.id.clone();
    let unknown = format!("access key {id} is unknown, inactive or deleted in partition aws");
    world.sandbox.set_key_active(id.as_str(), false);
    refusal(world.session_without_code().unwrap_err(), AwsErrorKind::Refused, &unknown);
    world.sandbox.delete_key(id.as_str());
    refusal(world.login().unwrap_err(), AwsErrorKind::Refused, &unknown);
    let mut world = World::new();
    world.key.secret = Secret::new("canary0/canary1/canary2/canary3/canary45".into());
    let error = world.session_without_code().unwrap_err();
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    refusal(error, AwsErrorKind::Refused, &format!("the secret key of {} does not match the one at AWS", world.key.id));
}

#[test]
fn sessions_that_are_over_or_unknown_are_stale() {
    let world = World::new();
    let request = world.role(|_| {});
    let session = world.login().unwrap();
    world.sandbox.expire_session(session.access_key_id.as_str());
    let error = world.assume(Signer::Session(&session), &request).unwrap_err();
    refusal(error, AwsErrorKind::StaleSession, "the session has expired");
    world.sandbox.revoke_session(session.access_key_id.as_str());
    let error = world.assume(Signer::Session(&session), &request).unwrap_err();
    refusal(error, AwsErrorKind::StaleSession, "AWS no longer knows the session");
}

#[test]
fn roles_that_refuse() {
    let world = World::new();
    let closed = world.role(|role| role.principals.clear());
    let session = world.login().unwrap();
    let error = world.assume(Signer::Session(&session), &closed).unwrap_err();
    refusal(error, AwsErrorKind::Denied, &format!("not allowed to assume arn:aws:iam::{ACCOUNT}:role/Admin"));
    let third_party = world.role(|role| role.external_id = Some("contract-7".into()));
    let error = world.assume(Signer::Session(&session), &third_party).unwrap_err();
    assert!(error.shown_hints().iter().any(|hint| hint.contains("set external_id")), "{error:?}");
    let guarded = world.role(|role| role.require_mfa = true);
    let error = world.assume(Signer::Key(&world.key), &guarded).unwrap_err();
    assert!(error.shown_hints().iter().any(|hint| hint.contains("set mfa_serial")), "{error:?}");
}

#[test]
fn durations_that_are_too_long() {
    let world = World::new();
    let long = RoleRequest { duration: HOUR * 2, ..world.role(|_| {}) };
    let error = world.assume(Signer::Key(&world.key), &long).unwrap_err();
    refusal(error, AwsErrorKind::Refused, "the role does not allow sessions of 2h");
    let long = RoleRequest { duration: HOUR * 2, ..world.role(|role| role.max_duration = 43_200) };
    let session = world.login().unwrap();
    let error = world.assume(Signer::Session(&session), &long).unwrap_err();
    refusal(error, AwsErrorKind::Refused, "a role assumed from a session lasts at most 1h, not 2h");
}

#[test]
fn root_and_temporary_keys_in_the_wrong_place() {
    let mut world = World::new();
    let request = world.role(|role| role.principals = vec!["*".into()]);
    let root = world.sandbox.add_root(ACCOUNT);
    let root = access_key(&root.access_key_id, &root.secret_access_key);
    let error = world.assume(Signer::Key(&root), &request).unwrap_err();
    refusal(error, AwsErrorKind::Refused, "root cannot assume roles");
    let session = world.login().unwrap();
    let role = world.assume(Signer::Session(&session), &world.role(|_| {})).unwrap();
    world.key = access_key(role.access_key_id.as_str(), role.secret.expose());
    assert_eq!(world.session_without_code().unwrap_err().kind, AwsErrorKind::Refused);
}

#[test]
fn a_wrong_clock_is_named_with_both_times() {
    for (offset, said) in [(1_200, "20m slow"), (-1_200, "20m fast"), (86_400, "1d slow"), (-86_400, "1d fast")] {
        let options = Options { clock: Clock::Offset(offset), ..Options::default() };
        let world = World::with(options, |sandbox| client_at(sandbox.url(), &Env::default()));
        let error = world.session_without_code().unwrap_err();
        assert_eq!(world.sandbox.count("GetSessionToken"), 1, "not sent again");
        refusal(error, AwsErrorKind::Refused, &format!("this machine's clock is {said}: "));
        let error = world.login().unwrap_err();
        refusal(error, AwsErrorKind::Refused, &format!("this machine's clock is {said}: "));
    }
}

#[test]
fn a_clock_within_awss_window_costs_nothing() {
    for offset in [-800, -301, 301, 800] {
        let options = Options { clock: Clock::Offset(offset), ..Options::default() };
        let world = World::with(options, |sandbox| client_at(sandbox.url(), &Env::default()));
        world.login().unwrap_or_else(|error| panic!("{offset}: {error:?}"));
    }
}

#[test]
fn faults_without_a_code_are_tried_again() {
    for kind in [FaultKind::Status(500), FaultKind::Status(503), FaultKind::Throttling, FaultKind::DropBefore] {
        let world = World::new();
        world.sandbox.fault(Fault::new(kind.clone()));
        world.session_without_code().unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        assert_eq!(world.sandbox.count("GetSessionToken"), 2, "{kind:?}");
        world.sandbox.fault(Fault::new(kind.clone()).always());
        assert_eq!(world.session_without_code().unwrap_err().kind, AwsErrorKind::Unclear);
        assert_eq!(world.sandbox.count("GetSessionToken"), 5, "{kind:?}: three tries, no more");
    }
}

#[test]
fn faults_with_a_code_are_not_tried_again() {
    for kind in [
        FaultKind::Status(500),
        FaultKind::Status(503),
        FaultKind::Throttling,
        FaultKind::DropBefore,
        FaultKind::DropAfter,
        FaultKind::CutBody,
        FaultKind::Hang,
    ] {
        let world = World::new();
        world.sandbox.fault(Fault::new(kind.clone()));
        let begun = Instant::now();
        let error = world.login().unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::Unclear, "{kind:?}: {error:?}");
        assert_eq!(world.sandbox.count("GetSessionToken"), 1, "{kind:?}");
        assert!(error.shown_hints().iter().any(|hint| hint.contains("counts as used")), "{kind:?}: {error:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{kind:?}");
    }
}

#[test]
fn answers_that_are_not_what_was_asked_for() {
    let sink = Sink::start(SinkAnswer::Close).unwrap();
    for kind in [
        FaultKind::TruncatedBody,
        FaultKind::OversizedBody(10 << 20),
        FaultKind::HtmlBody,
        FaultKind::EmptyBody,
        FaultKind::ExpiryPast,
        FaultKind::ExpiryBeyond(600),
        FaultKind::NoSessionToken,
        FaultKind::Redirect(format!("http://{}/", sink.address())),
    ] {
        let world = World::new();
        world.sandbox.fault(Fault::new(kind.clone()));
        let error = world.login().unwrap_err();
        refusal(error, AwsErrorKind::BadAnswer, "invalid response to ");
        assert_eq!(world.sandbox.count("GetSessionToken"), 1, "{kind:?}");
    }
    assert_eq!(sink.connections(), 0, "redirects are not followed");
}

#[test]
fn an_answer_of_a_foreign_account_is_refused() {
    let world = World::new();
    let request = world.role(|_| {});
    world.sandbox.fault(Fault::new(FaultKind::ForeignAccount("999999999999".into())).on("AssumeRole"));
    let error = world.assume(Signer::Key(&world.key), &request).unwrap_err();
    assert!(error.cause.ends_with(&format!("it is for account 999999999999, but the role is in account {ACCOUNT}")));
    refusal(error, AwsErrorKind::BadAnswer, "invalid response to ");
}

#[test]
fn an_answer_for_another_role_or_session_is_refused() {
    let world = World::new();
    let request = world.role(|_| {});
    let (role, session) = (request.role.name(), &request.session_name);
    for (partition, named) in [
        ("aws", format!("Other/{session}")),
        ("aws", format!("{role}/somebody-else")),
        ("aws", role.to_owned()),
        ("aws-cn", format!("{role}/{session}")),
    ] {
        let arn = format!("arn:{partition}:sts::{ACCOUNT}:assumed-role/{named}");
        world.sandbox.fault(Fault::new(FaultKind::ForeignRole(arn)).on("AssumeRole"));
        let error = world.assume(Signer::Key(&world.key), &request).unwrap_err();
        refusal(error, AwsErrorKind::BadAnswer, "invalid response to ");
    }
    world.assume(Signer::Key(&world.key), &request).unwrap();
}

#[test]
fn a_wrong_date_beside_a_right_answer_costs_nothing() {
    for offset in [-86_400, -1_200, 1_200, 86_400] {
        let world = World::new();
        world.sandbox.fault(Fault::new(FaultKind::DateOffset(offset)));
        world.login().unwrap();
    }
}

#[test]
fn longest_tokens_are_carried() {
    let options = Options { token_length: 4096, ..Options::default() };
    let world = World::with(options, |sandbox| client_at(sandbox.url(), &Env::default()));
    let session = world.login().unwrap();
    assert_eq!(session.token.expose().len(), 4096);
    let who = world.client.get_caller_identity(Signer::Session(&session), Bounds::CALL).unwrap();
    assert_eq!(who.arn, world.user);
}

#[test]
fn what_sts_echoes_is_masked() {
    let world = World::new();
    let session = world.login().unwrap();
    let token = session.token.expose().clone();
    let code = world.code();
    let echoed = format!("bad {} {} {token}", code.expose(), world.key.secret.expose());
    world.sandbox.fault(Fault::new(FaultKind::Error(Refusal::new(403, "Weird", echoed))).times(2));
    let error = world.login_with(&world.serial(), &code).unwrap_err();
    let text = format!("{error:?}");
    assert!(!text.contains(code.expose()) && !text.contains(world.key.secret.expose()), "{text}");
    let error = world.client.get_caller_identity(Signer::Session(&session), Bounds::CALL).unwrap_err();
    assert!(!format!("{error:?}").contains(&token[..20]), "{error:?}");
}

/// A TLS sandbox and the file of its authority.
fn tls_world(tls: Tls, url: impl Fn(&Sandbox) -> String, trusted: bool, env: &[(&'static str, String)]) -> World {
    let extra_names = vec!["sts.eu-west-1.amazonaws.com".into(), "sts.corp.example".into()];
    World::with(Options { tls, extra_names, ..Options::default() }, |sandbox| {
        let mut bundle = tempfile::NamedTempFile::new().unwrap();
        writeln!(bundle, "a comment\n{}", sandbox.ca_pem().unwrap()).unwrap();
        let mut env = env.to_vec();
        if trusted {
            env.push(("AWS_CA_BUNDLE", bundle.path().to_string_lossy().into_owned()));
        }
        client_at(&url(sandbox), &Env::of(env))
    })
}

#[test]
fn tls_with_a_certificate_file_of_ones_own() {
    for url in ["https://127.0.0.1", "https://localhost"] {
        let world = tls_world(Tls::Good, |sandbox| format!("{url}:{}", sandbox.port()), true, &[]);
        world.client.warm_up();
        world.login().unwrap();
        world.session_without_code().unwrap();
    }
}

#[test]
fn certificates_that_are_not_trusted() {
    for (tls, trusted, said) in [
        (Tls::WrongName, true, "its certificate is for another name"),
        (Tls::Expired, true, "its certificate has expired or is not valid yet"),
        (Tls::Good, false, "this machine does not know its certificate's issuer"),
    ] {
        let world = tls_world(tls, |sandbox| sandbox.url().to_owned(), trusted, &[]);
        let begun = Instant::now();
        let error = world.login().unwrap_err();
        assert!(error.cause.ends_with(&format!("was not trusted: {said}")), "{}", error.cause);
        refusal(error, AwsErrorKind::NotSent, "STS at 127.0.0.1:");
        assert_eq!(world.sandbox.count("GetSessionToken"), 0);
        assert!(begun.elapsed() < QUICK.connect);
    }
}

#[test]
fn a_certificate_file_adds_to_the_systems_and_replaces_nothing() {
    let start = || Sandbox::start(Options { tls: Tls::Good, ..Options::default() }).unwrap();
    let (system, own, stranger) = (start(), start(), start());
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, sandbox: &Sandbox| {
        std::fs::write(directory.path().join(name), sandbox.ca_pem().unwrap()).unwrap();
        directory.path().join(name)
    };
    let (system_file, own_file) = (file("system.pem", &system), file("own.pem", &own));
    for (sandbox, trusted) in [(&system, true), (&own, true), (&stranger, false)] {
        // The system's certificates are read once a process, so each look needs a process of its own.
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_endpoint_of_the_environment_is_trusted"])
            .env("SSL_CERT_FILE", &system_file)
            .env("AWS_CA_BUNDLE", &own_file)
            .env("AWS_ENDPOINT_URL_STS", sandbox.url())
            .output()
            .unwrap();
        assert_eq!(status.status.success(), trusted, "{}", String::from_utf8_lossy(&status.stdout));
        assert_eq!(sandbox.count("GetCallerIdentity"), usize::from(trusted));
    }
}

/// Not a test by itself: the process that the one above starts, with certificate files in its environment.
#[test]
fn the_endpoint_of_the_environment_is_trusted() {
    let env = Env::from_process();
    let Some(url) = env.text("AWS_ENDPOINT_URL_STS") else { return };
    let client = client_at(url, &env);
    let nobody = access_key("AKIANOBODYNOBODY1234", "nobody");
    let error = client.get_caller_identity(Signer::Key(&nobody), Bounds::CALL).unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::Refused, "{error:?}");
}

#[test]
fn awss_own_host_through_a_proxy() {
    // The proxy has to be there before the client, and the sandbox before the proxy.
    let reserved = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, reserved));
    let routes = [("sts.eu-west-1.amazonaws.com:443", address), ("sts.corp.example:443", address)];
    let proxy = Proxy::start(&routes).unwrap();
    let with_password = proxy.url().replace("http://", "http://ana:canary@");
    for url in ["", "https://sts.corp.example"] {
        let env = Env::of([("HTTPS_PROXY", with_password.clone())]);
        let world = proxied_world(reserved, url, env);
        world.login().unwrap();
        let host = world.sandbox.calls()[0].host.clone();
        let expected = if url.is_empty() { "sts.eu-west-1.amazonaws.com" } else { "sts.corp.example" };
        assert_eq!(host.as_deref(), Some(expected));
        assert_eq!(world.client.endpoint().is_aws(), url.is_empty());
    }
    let asked = proxy.requests();
    assert_eq!(asked[0].target, "sts.eu-west-1.amazonaws.com:443");
    assert!(asked.iter().all(|request| request.authorization.as_deref() == Some("Basic YW5hOmNhbmFyeQ==")));
}

fn proxied_world(port: u16, url: &str, env: Env) -> World {
    let extra_names = vec!["sts.eu-west-1.amazonaws.com".into(), "sts.corp.example".into()];
    let options = Options { port, tls: Tls::Good, extra_names, ..Options::default() };
    World::with(options, |sandbox| {
        let mut bundle = tempfile::NamedTempFile::new().unwrap();
        bundle.write_all(sandbox.ca_pem().unwrap().as_bytes()).unwrap();
        let endpoint = endpoint(url);
        let proxy = env.text("HTTPS_PROXY").unwrap().to_owned();
        let env = Env::of([("HTTPS_PROXY", proxy), ("AWS_CA_BUNDLE", bundle.path().to_string_lossy().into_owned())]);
        let http = HttpSettings::from_env(&env, &endpoint).unwrap();
        StsClient::new(endpoint, http)
    })
}

#[test]
fn without_a_network_awss_host_is_not_found_and_nothing_is_sent() {
    let world = World::with(Options::default(), |_| client_at("", &Env::default()));
    let error = world.client.get_session_token(Signer::Key(&world.key), None, HOUR, Bounds::CALL).unwrap_err();
    if error.kind != AwsErrorKind::NotSent {
        return eprintln!("skipped: this machine has a network: {error:?}");
    }
    assert!(error.cause.starts_with("sts.eu-west-1.amazonaws.com "), "{error:?}");
    assert!(error.shown_hints().iter().any(|hint| hint == "is region 'eu-west-1' correct?"), "{error:?}");
}

#[test]
fn renewals_are_over_after_two_seconds() {
    let world = World::new();
    world.sandbox.fault(Fault::new(FaultKind::Hang).always());
    let begun = Instant::now();
    let error = world.client.get_session_token(Signer::Key(&world.key), None, HOUR, Bounds::RENEWAL).unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::Unclear);
    assert!(begun.elapsed() < Duration::from_millis(2_800), "{:?}", begun.elapsed());
}

#[test]
fn an_answer_far_ahead_of_its_clock_is_judged_by_ours() {
    let world = World::with(Options::default(), |sandbox| {
        client_at(sandbox.url(), &Env::default()).with_clock(|| Timestamp::from_unix(now().unix() - 840))
    });
    world.login().expect("14 minutes slow is within AWS's window");
}

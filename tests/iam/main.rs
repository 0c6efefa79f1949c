//! The real client of IAM against the sandbox: keys and devices from beginning to end, what policies deny, and faults on
//! command.
#![allow(clippy::disallowed_methods, reason = "tests stand outside the program's layers")]

use std::time::{Duration, Instant};

use twolock::internals::{
    AccessKey, AccessKeyId, AwsError, AwsErrorKind, Bounds, DeviceKind, DeviceName, Endpoint, EndpointRequest, Env,
    HttpSettings, Iam, IamClient, KeyStatus, Mfa, MfaCode, MfaSerial, Origin, Partition, Region, Secret, Service,
    Session, Signer, Sourced, Sts, StsClient, Timestamp, UserName, VirtualDevice, log, now, resolve,
};
use twolock_sandbox::{Clock, Device, Fault, FaultKind, KeyUse, Options, Policy, Sandbox};

const ACCOUNT: &str = "111122223333";
const QUICK: Bounds = Bounds { connect: Duration::from_secs(2), total: Duration::from_secs(3) };

/// A sandbox with one user, key and device, and clients of both services.
struct World {
    sandbox: Sandbox,
    arn: String,
    user: UserName,
    key: AccessKey,
    device: Device,
    sts: StsClient,
    iam: IamClient,
}

impl World {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let sandbox = Sandbox::start(options).unwrap();
        let user = sandbox.add_user(ACCOUNT, "ana");
        let device = sandbox.add_device(&user.arn, "phone");
        let key = access_key(&user.access_key_id, &user.secret_access_key);
        let at = |service| {
            let endpoint = endpoint(service, sandbox.url());
            (endpoint.clone(), HttpSettings::from_env(&Env::default(), &endpoint).unwrap())
        };
        let ((sts_at, sts_http), (iam_at, iam_http)) = (at(Service::Sts), at(Service::Iam));
        Self {
            sts: StsClient::new(sts_at, sts_http),
            iam: IamClient::new(iam_at, iam_http),
            user: UserName::of_arn(&user.arn).unwrap(),
            arn: user.arn,
            sandbox,
            key,
            device,
        }
    }

    fn session(&self) -> Session {
        self.session_of(&self.device.serial)
    }

    fn session_of(&self, serial: &str) -> Session {
        let code = MfaCode::parse(&self.sandbox.code(serial).unwrap().digits).unwrap();
        let mfa = Mfa { serial: &MfaSerial::parse(serial).unwrap(), code: &code };
        let hour = Duration::from_secs(3600);
        self.sts.get_session_token(Signer::Key(&self.key), Some(mfa), hour, Bounds::CALL).unwrap()
    }

    fn by_key(&self) -> Signer<'_> {
        Signer::Key(&self.key)
    }

    fn create_device(&self, name: &str) -> Result<VirtualDevice, AwsError> {
        self.iam.create_virtual_mfa_device(self.by_key(), &DeviceName::parse(name).unwrap(), QUICK)
    }

    /// Two codes that follow each other, and that AWS takes now; the current one stays unused.
    fn codes(&self, serial: &MfaSerial) -> [MfaCode; 2] {
        let now = self.sandbox.now();
        [now - 60, now - 30].map(|at| MfaCode::parse(&self.sandbox.code_at(serial.as_str(), at).unwrap()).unwrap())
    }

    fn enable(&self, serial: &MfaSerial, codes: &[MfaCode; 2]) -> Result<(), AwsError> {
        self.iam.enable_mfa_device(self.by_key(), &self.user, serial, [&codes[0], &codes[1]], QUICK)
    }
}

fn endpoint(service: Service, url: &str) -> Endpoint {
    let request = EndpointRequest {
        service,
        partition: Partition::Aws,
        region: Region::parse("eu-west-1").unwrap(),
        fips: false,
        dualstack: false,
        given: Some(Sourced { value: url.into(), origin: Origin::Variable("AWS_ENDPOINT_URL") }),
    };
    resolve(&request, &[]).unwrap()
}

fn access_key(id: &str, secret: &str) -> AccessKey {
    AccessKey { id: AccessKeyId::parse(id).unwrap(), secret: Secret::new(secret.into()) }
}

fn assert_error<T>(ended: Result<T, AwsError>, kind: AwsErrorKind, begin: &str) {
    let error = ended.err().expect(begin);
    assert_eq!(error.kind, kind, "{error:?}");
    assert!(error.cause.starts_with(begin), "{}", error.cause);
    assert!(error.cause.contains("not AWS"), "{}", error.cause);
}

#[test]
fn a_key_is_created_used_switched_off_and_deleted() {
    let world = World::new();
    let session = world.session();
    let signer = Signer::Session(&session);
    let new = world.iam.create_access_key(signer, &world.user, QUICK).unwrap();
    assert_eq!(world.sandbox.key(new.id.as_str()).unwrap().secret, *new.secret.expose());
    let who = world.sts.get_caller_identity(Signer::Key(&new), QUICK).unwrap();
    assert_eq!(who.user(), Some(world.user.clone()));

    world.iam.set_access_key_active(signer, &world.user, &world.key.id, false, QUICK).unwrap();
    let listed = world.iam.list_access_keys(signer, &world.user, QUICK).unwrap();
    let status = |id: &AccessKeyId| listed.iter().find(|key| key.id == *id).map(|key| key.status);
    assert_eq!(status(&world.key.id), Some(KeyStatus::Inactive));
    assert_eq!((status(&new.id), listed.len()), (Some(KeyStatus::Active), 2));
    assert!(listed.iter().all(|key| now().since(key.created) < Duration::from_secs(60)));

    world.iam.set_access_key_active(signer, &world.user, &world.key.id, true, QUICK).unwrap();
    world.iam.delete_access_key(signer, &world.user, &world.key.id, QUICK).unwrap();
    let listed = world.iam.list_access_keys(signer, &world.user, QUICK).unwrap();
    assert_eq!(listed.iter().map(|key| &key.id).collect::<Vec<_>>(), [&new.id]);
    let gone = world.iam.delete_access_key(signer, &world.user, &world.key.id, QUICK);
    assert_error(
        gone,
        AwsErrorKind::Missing,
        &format!("access key {} does not exist, or does not belong to user 'ana'", world.key.id),
    );
}

#[test]
fn requests_name_the_user_and_are_signed_for_iams_region() {
    let world = World::new();
    world.iam.list_access_keys(world.by_key(), &world.user, QUICK).unwrap();
    let call = &world.sandbox.calls()[0];
    assert_eq!((call.service.as_deref(), call.region.as_deref()), (Some("iam"), Some("us-east-1")));
    assert_eq!(call.user_agent.as_deref(), Some(concat!("twolock/", env!("CARGO_PKG_VERSION"))));
    let sent: Vec<_> = call.params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(sent, [("Action", "ListAccessKeys"), ("Version", "2010-05-08"), ("UserName", "ana")]);
}

#[test]
fn names_with_every_character_that_iam_allows_are_carried() {
    let world = World::new();
    let user = world.sandbox.add_user(ACCOUNT, "a_+=,.@-Z9");
    let key = access_key(&user.access_key_id, &user.secret_access_key);
    let name = UserName::of_arn(&user.arn).unwrap();
    assert_eq!(world.iam.list_access_keys(Signer::Key(&key), &name, QUICK).unwrap().len(), 1);
}

#[test]
fn last_use_of_a_key_is_told_to_the_minute() {
    let world = World::new();
    let last = |id| world.iam.access_key_last_used(world.by_key(), id, QUICK);
    let idle = world.iam.create_access_key(world.by_key(), &world.user, QUICK).unwrap();
    assert_eq!(last(&idle.id), Ok(None));
    let at = Timestamp::parse("2026-01-31T12:34:56Z").unwrap();
    let used = KeyUse { time: at.unix(), service: "s3".into(), region: "eu-west-1".into() };
    world.sandbox.set_key_used(idle.id.as_str(), Some(used));
    let read = last(&idle.id).unwrap().unwrap();
    assert_eq!(read.when.to_string(), "2026-01-31T12:34:00Z");
    assert_eq!((read.service.as_deref(), read.region.as_deref()), (Some("s3"), Some("eu-west-1")));
}

#[test]
fn a_device_is_created_enabled_used_and_removed() {
    let world = World::new();
    let made = world.create_device("ana").unwrap();
    assert_eq!(made.serial.as_str(), format!("arn:aws:iam::{ACCOUNT}:mfa/ana"));
    assert_eq!(made.seed.expose().len(), 64);
    world.enable(&made.serial, &world.codes(&made.serial)).unwrap();
    let passkey = world.sandbox.add_passkey(&world.arn, "yubi").unwrap();
    let listed = world.iam.list_mfa_devices(world.by_key(), &world.user, QUICK).unwrap();
    let mut kinds: Vec<_> = listed.iter().map(|device| (device.serial.as_str(), device.kind)).collect();
    kinds.sort_unstable_by_key(|(serial, _)| *serial);
    let phone = world.device.serial.as_str();
    let ana = made.serial.as_str();
    assert_eq!(kinds, [(ana, DeviceKind::Virtual), (phone, DeviceKind::Virtual), (&passkey, DeviceKind::Passkey)]);
    assert!(listed.iter().all(|device| device.since.is_some()));

    let session = world.session_of(ana);
    let signer = Signer::Session(&session);
    let in_use = world.iam.delete_virtual_mfa_device(signer, &made.serial, QUICK);
    assert_error(in_use, AwsErrorKind::InUse, &format!("device '{ana}' is still enabled for a user"));
    world.iam.deactivate_mfa_device(signer, &world.user, &made.serial, QUICK).unwrap();
    world.iam.delete_virtual_mfa_device(signer, &made.serial, QUICK).unwrap();
    assert!(world.sandbox.devices().iter().all(|device| device.serial != ana));
}

#[test]
fn a_device_whose_clock_is_off_is_resynchronized() {
    let world = World::new();
    let serial = MfaSerial::parse(&world.device.serial).unwrap();
    world.sandbox.set_device_ahead(serial.as_str(), 300);
    let [first, second] = world.codes(&serial);
    world.iam.resync_mfa_device(world.by_key(), &world.user, &serial, [&first, &second], QUICK).unwrap();
    world.session();
}

#[test]
fn codes_that_do_not_follow_each_other_are_refused_and_name_taken_is_said() {
    let world = World::new();
    let made = world.create_device("ana").unwrap();
    let [first, _] = world.codes(&made.serial);
    let twice = world.enable(&made.serial, &[first.clone(), first]);
    assert_error(twice, AwsErrorKind::WrongCode, "the codes were refused by IAM at 127.0.0.1:");
    assert_error(world.create_device("ana"), AwsErrorKind::Exists, "device 'ana' already exists in this account");
    let phone = MfaSerial::parse(&world.device.serial).unwrap();
    let enabled = world.enable(&phone, &world.codes(&phone));
    assert_error(enabled, AwsErrorKind::Refused, &format!("device '{phone}' is already enabled for a user"));
    let nobodys = MfaSerial::parse(&format!("arn:aws:iam::{ACCOUNT}:mfa/nobody")).unwrap();
    let unknown = world.enable(&nobodys, &world.codes(&made.serial));
    assert_error(
        unknown,
        AwsErrorKind::Missing,
        &format!("device '{nobodys}' does not exist, or does not belong to user 'ana'"),
    );
}

#[test]
fn a_third_key_is_refused_whatever_the_state_of_the_others() {
    let world = World::new();
    let second = world.iam.create_access_key(world.by_key(), &world.user, QUICK).unwrap();
    world.iam.set_access_key_active(world.by_key(), &world.user, &second.id, false, QUICK).unwrap();
    let third = world.iam.create_access_key(world.by_key(), &world.user, QUICK);
    assert_error(third, AwsErrorKind::Refused, "user 'ana' already has two access keys, the most that AWS allows");
}

#[test]
fn without_mfa_the_sample_policy_lets_only_devices_be_made() {
    let world = World::new();
    world.sandbox.set_policy(&world.arn, Policy::SelfManaged);
    let denied = world.iam.list_access_keys(world.by_key(), &world.user, QUICK);
    let hints = denied.as_ref().unwrap_err().shown_hints();
    assert_eq!(hints, ["if your policies require MFA for this action, it needs a session made with a code"]);
    assert_error(denied, AwsErrorKind::Denied, "ListAccessKeys is not allowed (IAM at 127.0.0.1:");
    let made = world.create_device("ana").unwrap();
    world.enable(&made.serial, &world.codes(&made.serial)).unwrap();
    let session = world.session_of(made.serial.as_str());
    let signer = Signer::Session(&session);
    world.iam.list_access_keys(signer, &world.user, QUICK).unwrap();
    world.iam.deactivate_mfa_device(signer, &world.user, &made.serial, QUICK).unwrap();
    let denied = world.iam.delete_virtual_mfa_device(signer, &made.serial, QUICK);
    let hints = denied.as_ref().unwrap_err().shown_hints();
    assert_eq!(hints, ["your policies must allow iam:DeleteVirtualMFADevice on your own devices"]);
    assert_error(denied, AwsErrorKind::Denied, "DeleteVirtualMFADevice is not allowed (");
}

#[test]
fn sessions_that_iam_does_not_take_are_stale() {
    let world = World::new();
    let hour = Duration::from_secs(3600);
    let without = world.sts.get_session_token(world.by_key(), None, hour, QUICK).unwrap();
    let list = |session: &Session| world.iam.list_access_keys(Signer::Session(session), &world.user, QUICK);
    let unknown = "AWS no longer knows the session, or it was made without a code (";
    assert_error(list(&without), AwsErrorKind::StaleSession, unknown);
    let session = world.session();
    world.sandbox.expire_session(session.access_key_id.as_str());
    assert_error(list(&session), AwsErrorKind::StaleSession, "the session has expired (");
    world.sandbox.revoke_session(session.access_key_id.as_str());
    assert_error(list(&session), AwsErrorKind::StaleSession, unknown);
}

#[test]
fn keys_that_are_wrong_or_unknown_and_users_that_are_not_there() {
    let world = World::new();
    let list = |key: &AccessKey, user: &UserName| world.iam.list_access_keys(Signer::Key(key), user, QUICK);
    let wrong = access_key(world.key.id.as_str(), "canary0/canary1/canary2/canary3/canary45");
    assert_error(list(&wrong, &world.user), AwsErrorKind::Refused, "the secret key of AKIA");
    let unknown = access_key("AKIANOBODYNOBODY1234", "nobody");
    assert_error(list(&unknown, &world.user), AwsErrorKind::Refused, "access key AKIANOBODYNOBODY1234 is unknown");
    let nobody = UserName::parse("nobody").unwrap();
    assert_error(list(&world.key, &nobody), AwsErrorKind::Refused, "user 'nobody' does not exist (");
}

#[test]
fn lists_of_several_pages_are_read_whole_and_endless_ones_given_up() {
    let world = World::with(Options { page_size: 1, ..Options::default() });
    world.iam.create_access_key(world.by_key(), &world.user, QUICK).unwrap();
    for name in ["tablet", "laptop"] {
        world.sandbox.add_device(&world.arn, name);
    }
    assert_eq!(world.iam.list_access_keys(world.by_key(), &world.user, QUICK).unwrap().len(), 2);
    assert_eq!(world.iam.list_mfa_devices(world.by_key(), &world.user, QUICK).unwrap().len(), 3);
    assert_eq!(world.sandbox.count("ListMFADevices"), 3);
    for at in 0..30 {
        world.sandbox.add_device(&world.arn, &format!("phone-{at}"));
    }
    let endless = world.iam.list_mfa_devices(world.by_key(), &world.user, Bounds::CALL);
    assert!(endless.as_ref().unwrap_err().cause.ends_with(": it does not end"), "{endless:?}");
    assert_error(endless, AwsErrorKind::BadAnswer, "invalid response to ListMFADevices from IAM at ");
    assert_eq!(world.sandbox.count("ListMFADevices"), 3 + 20);
    // The second page is damaged: nothing of the first is kept.
    world.sandbox.fault(Fault::new(FaultKind::TruncatedBody).on("ListAccessKeys").after(1));
    let cut = world.iam.list_access_keys(world.by_key(), &world.user, QUICK);
    assert_error(cut, AwsErrorKind::BadAnswer, "invalid response to ListAccessKeys from IAM at ");
}

#[test]
fn an_account_has_an_alias_or_none() {
    let world = World::new();
    assert_eq!(world.iam.list_account_aliases(world.by_key(), QUICK), Ok(vec![]));
    world.sandbox.set_alias(ACCOUNT, "ana-corp");
    assert_eq!(world.iam.list_account_aliases(world.by_key(), QUICK), Ok(vec!["ana-corp".to_owned()]));
}

#[test]
fn trouble_is_passed_by_trying_again_where_that_changes_nothing() {
    for kind in [FaultKind::Status(500), FaultKind::Status(503), FaultKind::Throttling, FaultKind::DropBefore] {
        let world = World::new();
        world.sandbox.fault(Fault::new(kind.clone()));
        world
            .iam
            .list_access_keys(world.by_key(), &world.user, Bounds::CALL)
            .unwrap_or_else(|e| panic!("{kind:?}: {e:?}"));
        assert_eq!(world.sandbox.count("ListAccessKeys"), 2, "{kind:?}");
        world.sandbox.fault(Fault::new(kind.clone()));
        world.iam.set_access_key_active(world.by_key(), &world.user, &world.key.id, true, Bounds::CALL).unwrap();
        world.sandbox.fault(Fault::new(kind.clone()).always());
        let error = world.iam.list_access_keys(world.by_key(), &world.user, Bounds::CALL).unwrap_err();
        assert_eq!((error.kind, world.sandbox.count("ListAccessKeys")), (AwsErrorKind::Unclear, 5), "{kind:?}");
    }
}

#[test]
fn a_key_whose_answer_is_lost_is_not_created_again() {
    for kind in [
        FaultKind::Status(500),
        FaultKind::Throttling,
        FaultKind::DropBefore,
        FaultKind::DropAfter,
        FaultKind::CutBody,
        FaultKind::TruncatedBody,
        FaultKind::EmptyBody,
        FaultKind::HtmlBody,
        FaultKind::Hang,
    ] {
        let world = World::new();
        let processed = Fault::new(kind.clone()).processed;
        world.sandbox.fault(Fault::new(kind.clone()).on("CreateAccessKey"));
        let begun = Instant::now();
        let error = world.iam.create_access_key(world.by_key(), &world.user, QUICK).unwrap_err();
        assert!(error.kind.may_have_arrived(), "{kind:?}: {error:?}");
        assert_eq!(world.sandbox.count("CreateAccessKey"), 1, "{kind:?}");
        let keys = world.iam.list_access_keys(world.by_key(), &world.user, QUICK).unwrap();
        assert_eq!(keys.len(), 1 + usize::from(processed), "{kind:?}: a list decides");
        assert!(begun.elapsed() < Duration::from_secs(5), "{kind:?}");
    }
    let world = World::new();
    world.sandbox.fault(Fault::new(FaultKind::DropAfter));
    let lost = world.iam.create_access_key(world.by_key(), &world.user, QUICK);
    assert_error(lost, AwsErrorKind::Unclear, "IAM at 127.0.0.1:");
}

#[test]
fn two_codes_are_sent_once_and_count_as_used_when_the_answer_is_lost() {
    let world = World::new();
    let made = world.create_device("ana").unwrap();
    world.sandbox.fault(Fault::new(FaultKind::DropAfter).on("EnableMFADevice"));
    let error = world.enable(&made.serial, &world.codes(&made.serial)).unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::Unclear);
    assert_eq!(error.shown_hints(), ["try again", "the codes count as used: wait for the next two codes"]);
    assert_eq!(world.sandbox.count("EnableMFADevice"), 1);
    assert_eq!(world.sandbox.codes_consumed().len(), 2);
}

#[test]
fn answers_that_are_not_what_was_asked_for_are_not_kept() {
    for kind in [
        FaultKind::TruncatedBody,
        FaultKind::OversizedBody(10 << 20),
        FaultKind::HtmlBody,
        FaultKind::EmptyBody,
        FaultKind::Redirect("http://127.0.0.1:1/".into()),
    ] {
        let world = World::new();
        world.sandbox.fault(Fault::new(kind.clone()));
        let listed = world.iam.list_access_keys(world.by_key(), &world.user, QUICK);
        assert_error(listed, AwsErrorKind::BadAnswer, "invalid response to ListAccessKeys from IAM at 127.0.0.1:");
        assert_eq!(world.sandbox.count("ListAccessKeys"), 1, "{kind:?}");
    }
    let world = World::new();
    let session = world.session();
    world.sandbox.fault(Fault::new(FaultKind::ForeignAccount("999999999999".into())).on("CreateVirtualMFADevice"));
    let name = DeviceName::parse("ana").unwrap();
    let foreign = world.iam.create_virtual_mfa_device(Signer::Session(&session), &name, QUICK);
    let why = format!("it is for account 999999999999, but the session is of account {ACCOUNT}");
    assert!(foreign.as_ref().unwrap_err().cause.ends_with(&why), "{foreign:?}");
    assert_error(foreign, AwsErrorKind::BadAnswer, "invalid response to CreateVirtualMFADevice from IAM at ");
}

#[test]
fn a_wrong_clock_is_named_with_both_times() {
    let world = World::with(Options { clock: Clock::Offset(1_200), ..Options::default() });
    let error = world.iam.list_access_keys(world.by_key(), &world.user, QUICK);
    assert_error(error, AwsErrorKind::Refused, "this machine's clock is 20m slow: ");
    assert_eq!(world.sandbox.count("ListAccessKeys"), 1, "not sent again");
}

#[test]
fn nobody_there_is_not_sent() {
    let world = World::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = endpoint(Service::Iam, &format!("http://{free}"));
    let http = HttpSettings::from_env(&Env::default(), &nowhere).unwrap();
    let lost = IamClient::new(nowhere, http).create_access_key(world.by_key(), &world.user, QUICK);
    assert_error(lost, AwsErrorKind::NotSent, &format!("IAM at {free}, not AWS, refused the connection"));
}

const OF_ANOTHER_PROCESS: &str = "TWOLOCK_TEST_LOGS_OF";

/// The process writes its log to its own stderr, so it needs one of its own.
#[test]
fn the_log_holds_no_secret_key_no_token_no_code_and_no_seed() {
    let world = World::new();
    let key = format!("{} {}", world.key.id, world.key.secret.expose());
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "calls_are_logged_for_the_test_above", "--nocapture"])
        .env(OF_ANOTHER_PROCESS, format!("{} {key} {}", world.sandbox.url(), world.device.serial))
        .env("RUST_LOG", "trace")
        .env("AWS_LOG", "trace")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    for said in
        ["call IAM at 127.0.0.1:", "IAM answered CreateAccessKey", "IAM did not answer EnableMFADevice (WrongCode)"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
    let codes = world.sandbox.calls();
    let codes =
        codes.iter().flat_map(|call| ["AuthenticationCode1", "AuthenticationCode2"].map(|name| call.param(name)));
    let codes: Vec<String> = codes.flatten().map(str::to_owned).collect();
    assert_eq!(codes.len(), 2);
    let sessions = world.sandbox.sessions();
    let keys = world.sandbox.keys(&world.arn);
    assert_eq!((sessions.len(), keys.len()), (1, 2));
    let secrets = keys.iter().map(|key| key.secret.clone());
    let secrets =
        secrets.chain(sessions.iter().flat_map(|it| [it.secret_access_key.clone(), it.session_token.clone()]));
    for secret in secrets.chain(codes) {
        assert!(!text.contains(&secret), "{secret} in {text}");
    }
    // Nothing of 64 characters of Base32: no seed.
    let is_base32 = |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c);
    assert!(!text.split(|c| !is_base32(c)).any(|run| run.len() >= 32), "{text}");
}

/// Not a test by itself: the process that the one above starts.
#[test]
fn calls_are_logged_for_the_test_above() {
    let Ok(given) = std::env::var(OF_ANOTHER_PROCESS) else { return };
    let given: Vec<&str> = given.split(' ').collect();
    let [url, id, secret, serial] = given[..] else { panic!("{given:?}") };
    log::set_level(2);
    let client = endpoint(Service::Iam, url);
    let iam = IamClient::new(client, HttpSettings::default());
    let sts = StsClient::new(endpoint(Service::Sts, url), HttpSettings::default());
    let (key, user) = (access_key(id, secret), UserName::parse("ana").unwrap());
    let session = sts.get_session_token(Signer::Key(&key), None, Duration::from_secs(900), QUICK).unwrap();
    let new = iam.create_access_key(Signer::Key(&key), &user, QUICK).unwrap();
    let device = iam.create_virtual_mfa_device(Signer::Key(&key), &DeviceName::parse("ana").unwrap(), QUICK).unwrap();
    let codes = ["000000", "111111"].map(|digits| MfaCode::parse(digits).unwrap());
    let serial = MfaSerial::parse(serial).unwrap();
    let refused = iam.enable_mfa_device(Signer::Key(&key), &user, &device.serial, [&codes[0], &codes[1]], QUICK);
    let stale = iam.list_mfa_devices(Signer::Session(&session), &user, QUICK);
    eprintln!("{iam:?} {new:?} {device:?} {refused:?} {stale:?} {serial} {session:?}");
}

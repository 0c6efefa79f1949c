//! The network and STS when they fail: each failure names host, cause and what to do (P35, F30, F31, F34, F35, F38).

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use twolock_sandbox::{Proxy, Refusal, Sink, SinkAnswer, Tls};

use crate::machine::at_time;
use crate::outcome::{answer, failed};
use crate::somebody::{Somebody, is_root};
use crate::world::{CONFIG, DEVICE, Fault, FaultKind, KEY_ID, Options, Ran, World};

/// Cold `credential-process` with a code, against another address.
fn call(world: &World, url: &str, env: &[(&str, &str)]) -> Ran {
    world.write(".aws/config", &CONFIG.replace("{url}", url));
    let mut command = world.twolock(["credential-process", "prod"]);
    command.env("TWOLOCK_MFA_CODE", "123456").envs(env.iter().copied());
    answer(world, &mut command)
}

fn tls(tls: Tls) -> World {
    let world = World::with(Options { tls, ..Options::default() });
    world.write("ca.pem", world.sandbox.ca_pem().unwrap());
    world
}

fn call_tls(world: &World, with_ca: bool) -> Ran {
    let bundle = world.home().join("ca.pem");
    let code = world.code();
    let mut command = world.twolock(["credential-process", "prod"]);
    command.env("TWOLOCK_MFA_CODE", code);
    if with_ca {
        command.env("AWS_CA_BUNDLE", bundle);
    }
    answer(world, &mut command)
}

#[test]
fn a_certificate_file_of_the_users_own_is_trusted_besides() {
    let world = tls(Tls::Good);
    let ran = call_tls(&world, true);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
}

#[test]
fn certificates_that_others_than_root_can_change_count_only_once_trusted() {
    for variable in ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let world = tls(Tls::Good);
        let somebody = Somebody::of(&world);
        let file = world.home().join("ca.pem");
        // The user's own file, and one of root's that everybody can write to.
        fs::set_permissions(&file, fs::Permissions::from_mode(if is_root() { 0o600 } else { 0o644 })).unwrap();
        let named = if variable == "SSL_CERT_DIR" { world.home() } else { &file };
        let run = |args: &[&str]| {
            let mut command = somebody.twolock(args);
            world.finish(command.env(variable, named).env("TWOLOCK_MFA_CODE", world.code()))
        };
        let ran = run(&["credential-process", "prod"]);
        failed(&ran, 3, &[variable, "users other than root can change"]);
        failed(&run(&["whoami", "prod"]), 3, &[variable]);
        let doctor = run(&["doctor"]);
        assert!(doctor.code == 3 && doctor.stdout.contains(variable), "{doctor:?}");
        assert_eq!(world.sandbox.calls().len(), 0);
        if variable == "SSL_CERT_DIR" {
            continue;
        }
        let trusting = ["settings", "trust", "--yes", file.to_str().unwrap()];
        assert!(ran.stderr.contains("check the file, then run: twolock settings trust HOME/ca.pem"), "{ran:?}");
        assert_eq!(run(&trusting).code, 0);
        assert_eq!(run(&["credential-process", "prod"]).code, 0, "{variable}");
        fs::write(&file, format!("{}\n", world.sandbox.ca_pem().unwrap())).unwrap();
        failed(&run(&["login", "prod", "--fresh"]), 3, &[variable, "has changed since you trusted it"]);
    }
}

#[test]
fn each_directory_of_a_list_of_certificates_must_be_roots_and_so_must_what_it_leads_to() {
    let world = tls(Tls::Good);
    let somebody = Somebody::of(&world);
    let own = world.home().join("own");
    fs::create_dir(&own).unwrap();
    fs::copy(world.home().join("ca.pem"), own.join("ca.pem")).unwrap();
    somebody.own(&own);
    // Where the tests run as root, a directory of root's with a link to the user's file.
    let linked = tempfile::tempdir().unwrap();
    fs::set_permissions(linked.path(), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(own.join("ca.pem"), linked.path().join("0a1b2c3d.0")).unwrap();
    let (own, linked) = (own.display(), linked.path().display());
    for list in [format!("{own}:"), format!("/nonexistent:{own}"), format!("/usr/share:{own}"), linked.to_string()] {
        let mut command = somebody.twolock(&["credential-process", "prod"]);
        let ran = world.finish(command.env("SSL_CERT_DIR", &list).env("TWOLOCK_MFA_CODE", world.code()));
        failed(&ran, 3, &["SSL_CERT_DIR names '", "users other than root can change"]);
        assert_eq!(world.sandbox.calls().len(), 0, "{list}");
    }
}

#[test]
fn certificates_that_prove_nothing_are_refused_and_the_code_is_unused() {
    for (kind, with_ca, says) in [
        (Tls::WrongName, true, "its certificate is for another name"),
        (Tls::Expired, true, "its certificate has expired or is not valid yet"),
        (Tls::Good, false, "this machine does not know its certificate's issuer"),
    ] {
        let world = tls(kind);
        let ran = call_tls(&world, with_ca);
        failed(&ran, 6, &["profile 'prod'", "127.0.0.1:PORT", "was not trusted", says]);
        assert!(!ran.stderr.contains("counts as used"), "{ran:?}");
        assert_eq!(world.sandbox.calls().len(), 0);
    }
}

#[test]
fn a_certificate_file_that_is_none_is_named() {
    let world = tls(Tls::Good);
    for (name, text) in [("ca.pem", "nothing"), ("ca.pem", ""), ("missing.pem", "")] {
        world.write("ca.pem", text);
        let bundle = world.home().join(name);
        let ran = answer(&world, world.twolock(["credential-process", "prod"]).env("AWS_CA_BUNDLE", bundle));
        failed(&ran, 3, &["AWS_CA_BUNDLE", name]);
    }
}

#[test]
fn what_is_valid_is_served_beside_certificates_that_cannot_be_read() {
    let world = tls(Tls::Good);
    assert_eq!(call_tls(&world, true).code, 0);
    // A role that would be renewed, and a session whose end would be told.
    for (args, offset) in [
        (&["credential-process", "prod"][..], "+50m"),
        (&["env", "prod", "--format=json"], "+50m"),
        (&["credential-process", "base"], "+706m"),
    ] {
        let mut command = world.twolock(args);
        command.env("AWS_CA_BUNDLE", "/missing.pem").env("DISPLAY", ":77");
        at_time(&mut command, offset);
        let ran = world.finish(&mut command);
        assert!(ran.code == 0 && ran.stdout.contains("ASIA") && ran.stderr.is_empty(), "{args:?}: {ran:?}");
    }
    let mut command = world.twolock(["credential-process", "prod"]);
    at_time(command.env("AWS_CA_BUNDLE", "/missing.pem"), "+800m");
    failed(&answer(&world, &mut command), 3, &["AWS_CA_BUNDLE names '/missing.pem'"]);
}

#[test]
fn a_way_that_leads_nowhere_is_named_with_its_cause() {
    let world = World::new();
    world.write(".config/twolock/config.toml", "[endpoints]\nallow = [\"sts.nowhere.invalid\"]\n");
    let silent = Sink::start(SinkAnswer::Silence).unwrap();
    let rude = Sink::start(SinkAnswer::Close).unwrap();
    let web = Sink::start(SinkAnswer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec())).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (url, says) in [
        ("https://sts.nowhere.invalid".to_owned(), "sts.nowhere.invalid, not AWS, could not be resolved"),
        (format!("http://127.0.0.1:{free}"), "refused the connection"),
        (format!("https://127.0.0.1:{}", silent.port()), "did not answer within 3 s"),
        (format!("https://127.0.0.1:{}", rude.port()), "could not be reached"),
        (format!("https://127.0.0.1:{}", web.port()), "was not trusted"),
        (format!("http://127.0.0.1:{}", rude.port()), "closed the connection before the response was complete"),
        (format!("http://127.0.0.1:{}", web.port()), "invalid response"),
    ] {
        let ran = call(&world, &url, &[]);
        failed(&ran, 6, &["profile 'prod'", "not AWS", says]);
        assert!(ran.stderr.contains("twolock: hint: ") || says.contains("trusted"), "what to do: {ran:?}");
        std::fs::remove_dir_all(world.cache()).unwrap();
    }
}

#[test]
fn a_port_that_takes_no_more_connections_is_given_up_at_the_bound() {
    let world = World::new();
    let full = full_listener();
    let ran = call(&world, &format!("http://127.0.0.1:{}", full.0), &[]);
    failed(&ran, 6, &["did not answer within 3 s"]);
    assert!(!ran.stderr.contains("counts as used"), "{ran:?}");
}

/// A port whose queue is full, so that further connections are neither made nor refused.
fn full_listener() -> (u16, TcpListener, Vec<std::net::TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // SAFETY: listen takes numbers only; a second call shortens the queue.
    unsafe { libc::listen(std::os::fd::AsRawFd::as_raw_fd(&listener), 0) };
    let address = listener.local_addr().unwrap();
    let wait = std::time::Duration::from_millis(300);
    let connect = |_| std::net::TcpStream::connect_timeout(&address, wait).ok();
    let taken: Vec<_> = (0..16).map_while(connect).collect();
    assert!(taken.len() < 16, "the queue is full");
    (address.port(), listener, taken)
}

#[test]
fn proxies_are_named_and_no_proxy_is_obeyed() {
    let world =
        World::with(Options { tls: Tls::Good, extra_names: vec!["sts.corp.test".into()], ..Options::default() });
    world.write("ca.pem", world.sandbox.ca_pem().unwrap());
    world.write(".config/twolock/config.toml", "[endpoints]\nallow = [\"sts.corp.test\"]\n");
    let proxy = Proxy::start(&[("sts.corp.test:443", format!("127.0.0.1:{}", world.sandbox.port()).parse().unwrap())]);
    let proxy = proxy.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let dead = format!("http://ana:hunter2@127.0.0.1:{closed}");
    let ca = world.home().join("ca.pem").display().to_string();
    let url = "https://sts.corp.test";
    let named = format!("127.0.0.1:{closed}");
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let ran = call(&world, url, &[("AWS_CA_BUNDLE", &ca), (variable, &dead)]);
        failed(&ran, 6, &["profile 'prod'", "proxy ", &named, variable]);
        assert!(!ran.stderr.contains("hunter2") && ran.stderr.contains("NO_PROXY=sts.corp.test"), "{ran:?}");
    }
    for exempt in ["sts.corp.test", ".corp.test", "*", "other.test,sts.corp.test"] {
        let ran = call(&world, url, &[("AWS_CA_BUNDLE", &ca), ("HTTPS_PROXY", &dead), ("NO_PROXY", exempt)]);
        failed(&ran, 6, &["could not be resolved"]);
        assert!(!ran.stderr.contains("proxy "), "{exempt}: {ran:?}");
    }
    let code = world.code();
    let ran = call(&world, url, &[("AWS_CA_BUNDLE", &ca), ("HTTPS_PROXY", &proxy.url()), ("TWOLOCK_MFA_CODE", &code)]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(proxy.connections() > 0);
    // Nothing is between us and ourselves.
    let local = World::new();
    let mut command = local.twolock(["credential-process", "prod"]);
    command.env("HTTPS_PROXY", &dead).env("HTTP_PROXY", &dead).env("TWOLOCK_MFA_CODE", local.code());
    assert_eq!(answer(&local, &mut command).code, 0);
}

#[test]
fn what_aws_refuses_is_said_with_the_next_step() {
    let refused = |status, code: &str, words: &str| FaultKind::Error(Refusal::new(status, code, words));
    for (fault, code, parts) in [
        (
            refused(403, "InvalidClientTokenId", "The security token included in the request is invalid"),
            4,
            vec!["unknown, inactive or deleted"],
        ),
        (
            refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match"),
            4,
            vec!["does not match the one at AWS"],
        ),
        (
            refused(403, "RegionDisabledException", "STS is not activated in this region"),
            4,
            vec!["is not activated in"],
        ),
        (
            refused(
                403,
                "AccessDenied",
                "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
            ),
            4,
            vec!["device"],
        ),
        (refused(403, "AccessDenied", "nothing \u{9b}2J\u{202e}\u{200b}for you"), 4, vec!["\\u{202e}"]),
        (refused(418, "Teapot", "short and stout"), 4, vec!["Teapot", "short and stout"]),
        (refused(503, "ServiceUnavailable", "later"), 6, vec!["is temporarily unavailable"]),
    ] {
        let world = World::new();
        world.sandbox.fault(Fault::new(fault).on("GetSessionToken"));
        let code_of = world.code();
        let ran = answer(&world, world.twolock(["credential-process", "prod"]).env("TWOLOCK_MFA_CODE", code_of));
        let parts: Vec<&str> = ["profile 'prod'"].into_iter().chain(parts).collect();
        failed(&ran, code, &parts);
        assert!(
            !ran.stderr.chars().any(|c| c.is_control() && c != '\n' || ['\u{202e}', '\u{200b}'].contains(&c)),
            "{ran:?}"
        );
        assert_eq!(world.sandbox.count("GetSessionToken"), 1);
    }
}

#[test]
fn what_aws_says_never_carries_our_secrets_on() {
    let world = World::new();
    let code = world.code();
    let words = format!("you sent {} and {code} of {DEVICE}, key {KEY_ID}", crate::world::SECRET);
    world.sandbox.fault(Fault::new(FaultKind::Error(Refusal::new(403, "AccessDenied", words))));
    let mut command = world.twolock(["credential-process", "-vv", "prod"]);
    let ran = answer(&world, command.env("TWOLOCK_MFA_CODE", &code));
    assert!(ran.code == 4 && ran.stderr.contains("***") && !ran.stderr.contains(&code), "{ran:?}");
}

#[test]
fn the_key_of_another_user_or_a_deleted_one_is_refused() {
    let world = World::new();
    world.sandbox.delete_key(KEY_ID);
    let ran = answer(&world, world.twolock(["credential-process", "prod"]).env("TWOLOCK_MFA_CODE", world.code()));
    failed(&ran, 4, &["profile 'prod'", KEY_ID, "unknown, inactive or deleted"]);
    let bob = "arn:aws:iam::123456789012:mfa/bob";
    let world = World::new();
    world
        .sandbox
        .add(crate::world::NewUser {
            arn: "arn:aws:iam::123456789012:user/bob".into(),
            access_key_id: None,
            secret_access_key: None,
        })
        .unwrap();
    world.sandbox.add_device("arn:aws:iam::123456789012:user/bob", "bob");
    world.write(".aws/config", &CONFIG.replace(DEVICE, bob));
    let ran = answer(&world, world.twolock(["credential-process", "prod"]).env("TWOLOCK_MFA_CODE", world.code_of(bob)));
    failed(&ran, 4, &["profile 'prod'", &format!("device '{bob}' was refused")]);
}

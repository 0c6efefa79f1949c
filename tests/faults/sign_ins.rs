//! Sign-ins when something goes wrong: many callers, services and disks that fail (P18, P31, P54; F9, F30).

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Child, Stdio};
use std::time::Duration;

use twolock_sandbox::SsoToken;

use crate::machine::{at_time, bent, eventually, signal, waits};
use crate::outcome::{answer, failed, is_one_line_or_nothing, tells_no_secret};
use crate::somebody::{Somebody, is_root};
use crate::world::{Clock, Fault, FaultKind, Ran, World};

const PORTAL: &str = "GetRoleCredentials";
const RENEWAL: &str = "CreateToken";
const LOGIN_RENEWAL: &str = "CreateOAuth2Token";

fn caller(world: &World, profile: &str) -> Child {
    let mut command = world.twolock(["credential-process", profile]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The distinct answers of fifty callers at once, who all get one.
fn fifty(world: &World, profiles: &[&str]) -> usize {
    let callers: Vec<Child> = (0..50).map(|n| caller(world, profiles[n % profiles.len()])).collect();
    let mut distinct = BTreeSet::new();
    for child in callers {
        let ran = world.read(&child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
        is_one_line_or_nothing(&ran);
        distinct.insert(ran.stdout);
    }
    distinct.len()
}

#[test]
fn fifty_cold_callers_ask_the_portal_once() {
    let (world, _) = World::signed_in();
    assert_eq!(fifty(&world, &["dev"]), 1);
    assert_eq!(world.counts([RENEWAL, PORTAL]), [0, 1]);
}

#[test]
fn fifty_cold_callers_with_a_token_that_ended_renew_it_once() {
    let (world, token) = World::signed_in();
    world.token_ends_in(&token, -1);
    assert_eq!(fifty(&world, &["dev"]), 1);
    assert_eq!(world.counts([RENEWAL, PORTAL]), [1, 1]);
}

#[test]
fn callers_of_two_roles_and_of_roles_above_renew_their_token_once() {
    let (world, token) = World::signed_in();
    world.token_ends_in(&token, -1);
    assert_eq!(fifty(&world, &["dev", "ops", "hub", "top"]), 4);
    assert_eq!(world.counts([RENEWAL, PORTAL]), [1, 2]);
}

#[test]
fn fifty_cold_callers_renew_a_session_of_aws_login_once() {
    let (world, login) = World::logged_in();
    world.login_ends_in(&login, -1);
    assert_eq!(fifty(&world, &["ana", "hub"]), 2);
    assert_eq!(world.counts([LOGIN_RENEWAL, "AssumeRole"]), [1, 1]);
}

#[test]
fn fifty_cold_callers_send_a_web_identity_token_once() {
    let world = World::with_identity_token();
    assert_eq!(fifty(&world, &["ci", "hub"]), 2);
    assert_eq!(world.counts(["AssumeRoleWithWebIdentity", "AssumeRole"]), [1, 1]);
}

#[test]
fn a_token_of_somebody_else_cannot_be_read() {
    let (world, token) = World::signed_in();
    let somebody = Somebody::of(&world);
    fs::set_permissions(world.token_file(), fs::Permissions::from_mode(0o000)).unwrap();
    let ran = world.finish(&mut somebody.twolock(&["credential-process", "dev"]));
    failed(
        &ran,
        3,
        &["profile 'dev' (~/.aws/config:7): the saved sign-in to SSO 'corp' cannot be read: ", "permission denied"],
    );
    assert!(!ran.stderr.contains("hint: to sign in"), "{ran:?}");
    assert_eq!(world.sandbox.connections(), 0);
    // Where only the directory is closed to writing, the renewed token is used, and one warning says that it is not kept.
    fs::set_permissions(world.token_file(), fs::Permissions::from_mode(0o600)).unwrap();
    world.token_ends_in(&token, -1);
    let directory = world.token_file().parent().unwrap().to_owned();
    somebody.own(&world.home().join(".aws"));
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o500)).unwrap();
    let ran = world.finish(&mut somebody.twolock(&["credential-process", "dev"]));
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
    is_handed_out_with_one_warning(&ran);
}

#[test]
fn root_in_another_home_renews_nothing_and_writes_nothing() {
    if !is_root() {
        return;
    }
    let (world, token) = World::signed_in();
    let somebody = Somebody::of(&world);
    let before = |file: &std::path::Path| (fs::metadata(file).unwrap().uid(), fs::read(file).unwrap());
    for (left, code) in [(240, 0), (-1, 3)] {
        world.token_ends_in(&token, left);
        somebody.own(world.home());
        let file = before(&world.token_file());
        let ran = world.run(["whoami", "dev"]);
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(code == 0 || ran.stderr.contains("running as root in the home directory of"), "{ran:?}");
        assert_eq!((before(&world.token_file()), world.sandbox.count(RENEWAL)), (file, 0));
        assert!(!world.cache().exists(), "nothing of root's is left there");
    }
}

#[test]
fn who_waits_in_vain_for_another_renewal_says_so() {
    let (world, token) = World::signed_in();
    world.token_ends_in(&token, -1);
    world.write(".config/twolock/config.toml", "prompt_timeout = \"60s\"\n");
    world.sandbox.fault(Fault::new(FaultKind::Hang).on(RENEWAL));
    let first = caller(&world, "dev");
    eventually("the first one's call", || world.sandbox.count(RENEWAL) == 1);
    let waiting = caller(&world, "ops");
    waits(waiting.id());
    signal(first.id(), libc::SIGSTOP);
    world.write(".config/twolock/config.toml", "prompt_timeout = \"5s\"\n");
    let ran = world.run(["credential-process", "dev"]);
    signal(first.id(), libc::SIGKILL);
    first.wait_with_output().unwrap();
    failed(&ran, 7, &["gave up waiting for another twolock (pid ", "which is renewing the sign-in to SSO 'corp'"]);
    // Whoever still waits goes on once that one is gone.
    let ran = world.read(&waiting.wait_with_output().unwrap());
    assert_eq!((ran.code, world.sandbox.count(RENEWAL)), (0, 2), "{ran:?}");
}

/// Fails unless the credentials came with the one warning that the token was not kept.
#[track_caller]
fn is_handed_out_with_one_warning(ran: &Ran) {
    assert_eq!(ran.code, 0, "{ran:?}");
    is_one_line_or_nothing(ran);
    let warnings: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(warnings.len(), 1, "{ran:?}");
    assert!(
        warnings[0].contains("warning: the renewed sign-in to ") && warnings[0].contains("could not be saved"),
        "{ran:?}"
    );
}

#[test]
fn what_the_services_answer_in_place_of_an_answer_is_named() {
    let big = 10 << 20;
    for (kind, portal, renewal) in [
        (FaultKind::Status(500), (0, 2), (6, 1)),
        (FaultKind::Throttling, (0, 2), (6, 1)),
        (FaultKind::HtmlBody, (6, 1), (6, 1)),
        (FaultKind::OversizedBody(big), (6, 1), (6, 1)),
        (FaultKind::EmptyBody, (6, 1), (6, 1)),
        (FaultKind::TruncatedBody, (6, 1), (6, 1)),
        (FaultKind::DropBefore, (0, 2), (6, 1)),
    ] {
        let (world, _) = World::signed_in();
        world.sandbox.fault(Fault::new(kind.clone()).on(PORTAL));
        let ran = answer(&world, &mut world.twolock(["credential-process", "dev"]));
        assert_eq!((ran.code, world.sandbox.count(PORTAL)), portal, "{kind:?}: {ran:?}");
        assert!(ran.code == 0 || ran.stderr.contains("SSO at 127.0.0.1:PORT, not AWS"), "{kind:?}: {ran:?}");
        assert_eq!(answer(&world, &mut world.twolock(["credential-process", "dev"])).code, 0, "{kind:?}");

        let (world, token) = World::signed_in();
        world.token_ends_in(&token, -1);
        world.sandbox.fault(Fault::new(kind.clone()).on(RENEWAL));
        let ran = answer(&world, &mut world.twolock(["credential-process", "dev"]));
        assert_eq!((ran.code, world.sandbox.count(RENEWAL)), renewal, "{kind:?}: {ran:?}");
        assert!(ran.stderr.contains("SSO OIDC at 127.0.0.1:PORT, not AWS"), "{kind:?}: {ran:?}");
        assert_eq!(world.sandbox.count(PORTAL), 0);

        let (world, login) = World::logged_in();
        world.login_ends_in(&login, -1);
        world.sandbox.fault(Fault::new(kind.clone()).on(LOGIN_RENEWAL));
        let ran = answer(&world, &mut world.twolock(["credential-process", "ana"]));
        assert_eq!((ran.code, world.sandbox.count(LOGIN_RENEWAL)), renewal, "{kind:?}: {ran:?}");
        assert!(ran.stderr.contains("AWS sign-in at 127.0.0.1:PORT, not AWS"), "{kind:?}: {ran:?}");
    }
}

#[test]
fn a_renewal_that_never_reached_the_service_costs_nothing() {
    for kind in [FaultKind::Status(500), FaultKind::Throttling, FaultKind::DropBefore] {
        let (world, token) = World::signed_in();
        world.token_ends_in(&token, -1);
        let before = world.token();
        world.sandbox.fault(Fault::new(kind.clone()).on(RENEWAL));
        assert_eq!(world.run(["credential-process", "dev"]).code, 6, "{kind:?}");
        assert_eq!(world.token(), before);
        let ran = world.run(["credential-process", "dev"]);
        assert_eq!((ran.code, world.counts([RENEWAL, PORTAL])), (0, [2, 1]), "{kind:?}: {ran:?}");
    }
}

#[test]
fn a_connection_cut_after_a_renewal_was_accepted_ends_the_sign_in_and_says_how_to_go_on() {
    for kind in [FaultKind::DropAfter, FaultKind::CutBody, FaultKind::TruncatedBody] {
        let (world, token) = World::signed_in();
        world.token_ends_in(&token, -1);
        let before = world.token();
        world.sandbox.fault(Fault::new(kind.clone()).on(RENEWAL));
        let ran = answer(&world, &mut world.twolock(["credential-process", "dev"]));
        failed(&ran, 6, &["profile 'dev'", "SSO OIDC at 127.0.0.1:PORT, not AWS"]);
        assert_eq!(world.token(), before, "{kind:?}: the file is as it was");
        // The refresh token was used up.
        let ran = answer(&world, &mut world.twolock(["credential-process", "dev"]));
        failed(&ran, 9, &["the sign-in to SSO 'corp' has expired or was ended"]);
        assert!(ran.stderr.contains("run in a terminal: twolock login dev\n"), "{ran:?}");
        world.sign_in("ana");
        assert_eq!(world.run(["credential-process", "dev"]).code, 0);

        let (world, login) = World::logged_in();
        world.login_ends_in(&login, -1);
        world.sandbox.fault(Fault::new(kind.clone()).on(LOGIN_RENEWAL));
        failed(&world.run(["credential-process", "ana"]), 6, &["AWS sign-in at 127.0.0.1:PORT, not AWS"]);
        failed(&world.run(["credential-process", "ana"]), 9, &["has expired or was ended"]);
    }
}

#[test]
fn a_service_that_is_silent_is_given_up_at_the_deadline() {
    for action in [PORTAL, RENEWAL] {
        let (world, token) = World::signed_in();
        if action == RENEWAL {
            world.token_ends_in(&token, -1);
        }
        world.write(".config/twolock/config.toml", "prompt_timeout = \"5s\"\n");
        world.sandbox.fault(Fault::new(FaultKind::Hang).on(action).always());
        let ran = answer(&world, &mut world.twolock(["credential-process", "dev"]));
        failed(&ran, 6, &["did not answer within", "127.0.0.1:PORT"]);
    }
}

/// A world fifty minutes after Ana's credentials were fetched, when they have ten left and her token has ended.
fn ageing() -> (World, String) {
    let (world, token) = World::signed_in();
    let first = world.run(["credential-process", "dev"]);
    world.sandbox.set_clock(Clock::Offset(3000));
    world.token_ends_in(&token, -1);
    (world, first.stdout)
}

/// `credential-process` at that time.
fn later(world: &World) -> Ran {
    let mut command = world.twolock(["credential-process", "dev"]);
    at_time(&mut command, "+50m");
    let ran = answer(world, &mut command);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    ran
}

#[test]
fn credentials_that_age_are_renewed_together_with_their_token() {
    // A busy machine may not make it within the two seconds of a renewal.
    let tried = (0..3).find_map(|_| {
        let (world, first) = ageing();
        let renewed = later(&world);
        (renewed.stdout != first).then_some((world, renewed))
    });
    let (world, renewed) = tried.expect("one of three renewals in time");
    assert_eq!(world.counts([RENEWAL, PORTAL]), [1, 2]);
    assert_eq!(later(&world).stdout, renewed.stdout, "kept on the new token");
    assert_eq!(world.counts([RENEWAL, PORTAL]), [1, 2]);
}

#[test]
fn a_renewal_that_was_sent_is_waited_for_since_it_uses_up_the_refresh_token() {
    let (world, first) = ageing();
    world.sandbox.fault(Fault::new(FaultKind::Delay(Duration::from_millis(2500))).on(RENEWAL));
    let renewed = later(&world);
    assert_ne!(renewed.stdout, first);
    assert_eq!(later(&world).stdout, renewed.stdout);
    assert_eq!(world.counts([RENEWAL, PORTAL]), [1, 2]);
}

#[test]
fn credentials_that_age_are_served_where_nothing_can_be_renewed() {
    for action in [RENEWAL, PORTAL] {
        let (world, first) = ageing();
        world.sandbox.fault(Fault::new(FaultKind::Status(500)).on(action).always());
        assert_eq!(later(&world).stdout, first, "{action}");
        assert!(world.sandbox.count(action) > usize::from(action == PORTAL), "it was tried");
    }
    // A sign-in that was ended is no reason to try each time.
    let (world, first) = ageing();
    world.sandbox.sso_sign_out("ana");
    assert_eq!(later(&world).stdout, first);
    let tried = world.sandbox.count(RENEWAL);
    assert!(tried > 0);
    assert_eq!((later(&world).stdout, world.sandbox.count(RENEWAL)), (first, tried));
}

/// Runs with a disk that fails while the token is saved, which is the first file that is renamed or synced after the
/// sealing key is there.
fn while_saving(calls: &str, what: &str, nth: usize) -> (World, SsoToken, Ran) {
    let (world, token) = World::signed_in();
    world.run(["credential-process", "ops"]);
    world.token_ends_in(&token, -1);
    let ran = world.finish(&mut bent(&world, calls, what, nth, &["credential-process", "dev"]));
    (world, token, ran)
}

/// Fails unless the file holds the old token or a newer one, whole.
#[track_caller]
fn is_old_or_new(world: &World, token: &SsoToken) -> bool {
    let now = world.token();
    for kept in ["clientId", "clientSecret", "startUrl", "region", "registrationExpiresAt"] {
        assert_eq!(now[kept], token.cache_json()[kept], "{now}");
    }
    let is_old = now["accessToken"] == token.access_token.as_str();
    assert_eq!(is_old, now["refreshToken"] == token.refresh_token.clone().unwrap().as_str(), "both or neither");
    is_old
}

#[test]
fn a_disk_that_fails_while_the_token_is_saved_costs_no_credentials() {
    for (calls, what) in
        [("fsync", "error=EIO"), ("fsync", "error=ENOSPC"), ("rename", "error=ENOSPC"), ("rename", "error=EIO")]
    {
        let (world, token, ran) = while_saving(calls, what, 1);
        is_handed_out_with_one_warning(&ran);
        tells_no_secret(&world, &ran);
        assert!(is_old_or_new(&world, &token), "{calls} {what}");
        assert_eq!(
            world.run(["credential-process", "dev"]).stdout,
            ran.stdout,
            "cached on the sign-in that the file has"
        );
        assert_eq!(world.sandbox.count(RENEWAL), 1);
        assert_eq!(fs::read_dir(world.token_file().parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    }
}

#[test]
fn a_disk_that_fails_while_a_session_of_aws_login_is_saved_costs_no_credentials() {
    for (calls, what) in [("fsync", "error=EIO"), ("rename", "error=ENOSPC")] {
        let (world, login) = World::logged_in();
        let ended = world.login_ends_in(&login, -1);
        // The sealing key and the lock are there by then.
        assert_eq!(world.run(["status"]).code, 0);
        let ran = world.finish(&mut bent(&world, calls, what, 1, &["credential-process", "ana"]));
        is_handed_out_with_one_warning(&ran);
        assert_eq!(world.login(&login), ended.cache_json(), "{calls} {what}");
        assert_eq!(world.run(["credential-process", "ana"]).stdout, ran.stdout);
        assert_eq!(world.sandbox.count(LOGIN_RENEWAL), 1);
    }
}

#[test]
fn killed_at_each_call_of_saving_the_token_leaves_the_old_one_or_the_new_one() {
    let mut news = 0;
    for (calls, most) in [("rename", 2), ("fsync", 3), ("write", 12)] {
        for nth in 1..=most {
            let (world, token, ran) = while_saving(calls, "signal=SIGKILL", nth);
            news += usize::from(!is_old_or_new(&world, &token));
            is_one_line_or_nothing(&ran);
            // Whatever was left, the next one says what to do, or gives credentials.
            let next = world.run(["credential-process", "dev"]);
            assert!([0, 9].contains(&next.code), "{calls} {nth}: {next:?}");
            world.sign_in("ana");
            assert_eq!(world.run(["credential-process", "dev"]).code, 0, "{calls} {nth}");
            // One that was killed may leave its unfinished file, which the next one that writes removes.
            assert!(fs::read_dir(world.token_file().parent().unwrap()).unwrap().count() <= 2);
        }
    }
    assert!(news > 0, "some were killed after the renewal was kept");
}

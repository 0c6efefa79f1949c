//! Many callers at once: one asks, the others wait, and are told what concerns them.

use std::sync::atomic::AtomicBool;
use std::thread;

use super::*;
use crate::error::Kind;
use crate::session::device::DeviceFiles;
use crate::system::lock::FileLock;
use crate::system::parent::Caller;

const NODE: Caller = Caller { pid: 7, started: 70 };

/// A caller that counts how often it looks at the clock: it does so a third time when it found the lock held.
fn obtain_counted(world: &World, plan: &Plan, person: &FakePerson, looks: &AtomicUsize) -> Result<Session> {
    let clock = || {
        looks.fetch_add(1, Ordering::SeqCst);
        world.now()
    };
    let cache = world.cache();
    let act = |sessions: Sessions<'_>| Sessions { clock: &clock, caller: Some(NODE), ..sessions }.obtain(Need::ALIVE);
    world.caller(plan, person, Some(&cache), &act)
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < end, "hangs");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What a waiting caller gets when the one who asks ends with `error`, and how often the waiting one asked itself.
fn told_to_the_waiting(error: AskError, own: FakePerson) -> (Result<Session>, usize, World) {
    let world = World::new();
    let (asking, looks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let first = FakePerson::ending(error).meanwhile({
        let (asking, looks) = (Arc::clone(&asking), Arc::clone(&looks));
        move || {
            asking.store(true, Ordering::SeqCst);
            wait_until(|| looks.load(Ordering::SeqCst) >= 3);
        }
    });
    let second = thread::scope(|scope| {
        scope.spawn(|| world.obtain(&base(), &first).unwrap_err());
        wait_until(|| asking.load(Ordering::SeqCst));
        obtain_counted(&world, &base(), &own, &looks)
    });
    (second, own.asked(), world)
}

#[test]
fn fifty_cold_callers_are_one_question_one_session_one_role() {
    let world = World::new();
    let person = FakePerson::typing(&["111111"]);
    let numbers: Vec<usize> = thread::scope(|scope| {
        let callers: Vec<_> =
            (0..50).map(|_| scope.spawn(|| number(&world.obtain(&role("admin"), &person).unwrap()))).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(numbers, [2; 50]);
    assert_eq!((person.asked(), world.sts.calls().len()), (1, 2));
}

#[test]
fn callers_of_several_roles_share_the_question() {
    let world = World::new();
    let person = FakePerson::typing(&["111111"]);
    let names = ["admin", "deploy", "audit"];
    thread::scope(|scope| {
        for at in 0..15 {
            let (world, person) = (&world, &person);
            scope.spawn(move || world.obtain(&role(names[at % 3]), person).unwrap());
        }
    });
    assert_eq!(person.asked(), 1);
    assert_eq!((world.sts.count("GetSessionToken"), world.sts.count("AssumeRole")), (1, 3));
}

#[test]
fn cancel_is_told_to_the_waiting_who_ask_nobody() {
    let (second, asked, world) = told_to_the_waiting(AskError::Cancelled, FakePerson::default());
    let failure = second.unwrap_err();
    let line = format!("profile 'base': cancelled at the prompt of pid {}", std::process::id());
    assert_eq!((failure.kind, failure.headline()), (Kind::NeedsPerson, line));
    assert_eq!((asked, world.sts.calls().len()), (0, 0));
    thread::sleep(Duration::from_millis(2));
    let again = obtain_counted(&world, &base(), &FakePerson::default(), &AtomicUsize::new(0)).unwrap_err();
    assert!(again.cause.starts_with("declined 0 s ago; "), "a cancel counts for those who waited: {}", again.cause);
}

#[test]
fn failed_source_of_codes_is_told_to_the_waiting() {
    let broken = Failure::new(Kind::Config, "mfa_process exited with 1");
    let (second, asked, _) = told_to_the_waiting(AskError::Failed(broken), FakePerson::default());
    let failure = second.unwrap_err();
    let cause = format!("mfa_process exited with 1 (at the prompt of pid {})", std::process::id());
    assert_eq!((failure.kind, failure.cause, asked), (Kind::Config, cause, 0));
}

#[test]
fn question_that_nobody_saw_leaves_the_waiting_to_ask_themselves() {
    for error in [AskError::Nobody("no terminal".into()), AskError::TimedOut] {
        let (second, asked, _) = told_to_the_waiting(error, FakePerson::typing(&["222222"]));
        assert_eq!((number(&second.unwrap()), asked), (1, 1));
    }
}

#[test]
fn caller_after_a_cancel_asks_anew() {
    let world = World::new();
    world.obtain(&base(), &FakePerson::ending(AskError::Cancelled)).unwrap_err();
    thread::sleep(Duration::from_millis(2));
    let person = FakePerson::typing(&["111111"]);
    world.obtain(&base(), &person).unwrap();
    assert_eq!(person.asked(), 1);
    let state = DeviceFiles::of(&world.directory(), &device(), None).load();
    assert_eq!(state.ending, None, "the new question wipes the old ending");
}

#[test]
fn ending_noted_under_a_clock_that_was_ahead_is_told_to_nobody() {
    let world = World::new();
    world.obtain(&base(), &FakePerson::ending(AskError::Cancelled)).unwrap_err();
    let files = DeviceFiles::of(&world.directory(), &device(), None);
    let mut state = files.load();
    state.ending.as_mut().unwrap().at_millis += 2 * 3_600_000;
    files.save(&state);
    let person = FakePerson::typing(&["111111"]);
    world.obtain(&base(), &person).unwrap();
    assert_eq!(person.asked(), 1, "the clock was set right since");
}

#[test]
fn refusal_by_aws_is_told_to_the_waiting() {
    let world = World::new();
    world.sts.fail("GetSessionToken", AwsErrorKind::Refused);
    let (asking, looks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let first = FakePerson::typing(&["111111"]).meanwhile({
        let (asking, looks) = (Arc::clone(&asking), Arc::clone(&looks));
        move || {
            asking.store(true, Ordering::SeqCst);
            wait_until(|| looks.load(Ordering::SeqCst) >= 3);
        }
    });
    let second = FakePerson::default();
    let failure = thread::scope(|scope| {
        scope.spawn(|| world.obtain(&base(), &first).unwrap_err());
        wait_until(|| asking.load(Ordering::SeqCst));
        obtain_counted(&world, &base(), &second, &looks).unwrap_err()
    });
    let cause = format!("AWS said Refused (at the prompt of pid {})", std::process::id());
    assert_eq!((failure.kind, failure.cause), (Kind::Refused, cause));
    assert_eq!((second.asked(), world.sts.calls().len()), (0, 1));
}

#[test]
fn callers_of_another_device_do_not_wait() {
    let world = World::new();
    let other = MfaSerial::parse("arn:aws:iam::123456789012:mfa/spare").unwrap();
    let held = FileLock::try_acquire(&DeviceFiles::of(&world.directory(), &device(), None).lock).unwrap();
    let plan = plan("spare", Some(other.clone()), vec![session_step(Some(other), HOUR)]);
    world.obtain(&plan, &FakePerson::typing(&["111111"])).unwrap();
    drop(held);
}

#[test]
fn waiting_beyond_the_deadline_names_the_holder() {
    let world = World::new();
    let files = DeviceFiles::of(&world.directory(), &device(), None);
    let held = FileLock::try_acquire(&files.lock).unwrap();
    let holder = crate::session::device::Holder { pid: 4242, profile: ProfileName::parse("prod").unwrap() };
    files.save(&crate::session::device::DeviceState { holder: Some(holder), ..Default::default() });
    let until = Deadline::after(Instant::now(), Duration::from_millis(100));
    let hurried =
        |sessions: Sessions<'_>| Sessions { patience: Patience::Until(until), ..sessions }.obtain(Need::ALIVE);
    let failure = world.caller(&base(), &FakePerson::default(), None, &hurried).unwrap_err();
    drop(held);
    let cause = "gave up after waiting 1 s for pid 4242, which is asking for a code (profile 'prod')";
    assert_eq!((failure.kind, failure.cause.as_str()), (Kind::Busy, cause));
}

#[test]
fn role_minted_by_another_while_we_waited_is_taken() {
    let world = World::new();
    world.obtain(&base(), &FakePerson::typing(&["111111"])).unwrap();
    let numbers: Vec<usize> = thread::scope(|scope| {
        let callers: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| number(&world.obtain(&role("admin"), &FakePerson::default()).unwrap())))
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!((numbers, world.sts.count("AssumeRole")), (vec![2; 20], 1));
}

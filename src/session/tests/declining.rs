//! A question that a person ended does not come back to the same caller at once (threat-model P58).

use super::*;
use crate::error::Kind;
use crate::session::device::DeviceFiles;
use crate::system::parent::Caller;

const NODE: Caller = Caller { pid: 7, started: 70 };
const JAVA: Caller = Caller { pid: 8, started: 80 };

fn obtain(world: &World, plan: &Plan, caller: impl Into<Option<Caller>>, person: &FakePerson) -> Result<Session> {
    let (cache, caller) = (world.cache(), caller.into());
    world.caller(plan, person, Some(&cache), &|sessions| Sessions { caller, ..sessions }.obtain(Need::ALIVE))
}

/// The line that a caller gets who is not asked.
fn refused(world: &World, plan: &Plan, caller: Caller) -> String {
    let failure = obtain(world, plan, caller, &FakePerson::default()).unwrap_err();
    assert_eq!(failure.kind, Kind::NeedsPerson);
    failure.headline()
}

fn later() {
    std::thread::sleep(Duration::from_millis(2));
}

/// A person whose question ends in a way, and what is said of it to the caller that comes again.
type Ending = (fn(&World) -> FakePerson, &'static str);

const ENDINGS: [Ending; 3] = [
    (|_| FakePerson::ending(AskError::Cancelled), "declined"),
    (|_| FakePerson::ending(AskError::TimedOut), "timed out"),
    (
        |world| {
            (0..3).for_each(|_| world.sts.fail("GetSessionToken", AwsErrorKind::WrongCode));
            FakePerson::typing(&["111111", "222222", "333333"])
        },
        "three wrong codes",
    ),
];

#[test]
fn same_caller_is_asked_again_after_half_a_minute_only() {
    for (ends, text) in ENDINGS {
        let world = World::new();
        obtain(&world, &base(), NODE, &ends(&world)).unwrap_err();
        later();
        world.pass(12);
        let line = format!("profile 'base': {text} 12 s ago; asks again in 18 s, or run: twolock login base");
        assert_eq!(refused(&world, &base(), NODE), line);
        let of_the_device = refused(&world, &role("admin"), NODE);
        assert!(of_the_device.starts_with(&format!("profile 'admin': {text} 12 s ago")), "{of_the_device}");
        world.pass(18);
        assert_eq!(number(&obtain(&world, &base(), NODE, &FakePerson::typing(&["444444"])).unwrap()), 1, "{text}");
    }
}

#[test]
fn other_callers_and_people_are_asked_and_served_as_before() {
    for caller in [Some(JAVA), Some(Caller { started: 71, ..NODE }), None] {
        let world = World::new();
        for asked in [Some(NODE), caller] {
            obtain(&world, &base(), asked, &FakePerson::ending(AskError::Cancelled)).unwrap_err();
            later();
        }
        assert!(refused(&world, &base(), NODE).contains(": declined 0 s ago;"), "{caller:?} keeps the note");
        obtain(&world, &base(), None, &FakePerson::typing(&["111111"])).unwrap();
        obtain(&world, &base(), NODE, &FakePerson::default()).expect("a session that lives is served");
    }
}

#[test]
fn other_device_is_asked_for() {
    let world = World::new();
    obtain(&world, &base(), NODE, &FakePerson::ending(AskError::Cancelled)).unwrap_err();
    let device = MfaSerial::parse("arn:aws:iam::123456789012:mfa/bob").ok();
    let other = plan("other", device.clone(), vec![session_step(device, 12 * HOUR)]);
    obtain(&world, &other, NODE, &FakePerson::typing(&["111111"])).unwrap();
}

#[test]
fn question_that_no_person_ended_comes_back() {
    let broken = || AskError::Failed(Failure::new(Kind::Config, "mfa_process exited with 1"));
    for error in [AskError::Nobody("no terminal".into()), broken()] {
        let world = World::new();
        obtain(&world, &base(), NODE, &FakePerson::ending(error)).unwrap_err();
        later();
        obtain(&world, &base(), NODE, &FakePerson::typing(&["111111"])).unwrap();
    }
    for kind in [AwsErrorKind::NotSent, AwsErrorKind::Unclear, AwsErrorKind::Refused, AwsErrorKind::BadAnswer] {
        let world = World::new();
        world.sts.fail("GetSessionToken", kind);
        obtain(&world, &base(), NODE, &FakePerson::typing(&["111111"])).unwrap_err();
        later();
        obtain(&world, &base(), NODE, &FakePerson::typing(&["222222"])).unwrap();
    }
}

#[test]
fn declined_caller_waits_for_a_running_question() {
    let world = World::new();
    obtain(&world, &base(), NODE, &FakePerson::ending(AskError::Cancelled)).unwrap_err();
    let (asking, running) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let ended = Mutex::new(ended);
    let person = FakePerson::typing(&["111111"]).meanwhile(move || {
        asking.send(()).unwrap();
        let _ = ended.lock().unwrap().recv();
    });
    std::thread::scope(|scope| {
        scope.spawn(|| obtain(&world, &base(), JAVA, &person).unwrap());
        running.recv().unwrap();
        let again = scope.spawn(|| obtain(&world, &base(), NODE, &FakePerson::default()));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!again.is_finished(), "it waits for the answer");
        drop(end);
        assert_eq!(number(&again.join().unwrap().unwrap()), 1);
    });
}

#[test]
fn note_of_a_machine_that_keeps_none_is_not_written() {
    let world = World::new();
    let act = |sessions: Sessions<'_>| {
        Sessions { caller: Some(NODE), locking: Locking::Never, ..sessions }.obtain(Need::ALIVE)
    };
    world.caller(&base(), &FakePerson::ending(AskError::Cancelled), None, &act).unwrap_err();
    assert!(!DeviceFiles::of(&world.directory(), &device(), None).state.exists());
    world.caller(&base(), &FakePerson::typing(&["111111"]), None, &act).unwrap();
}

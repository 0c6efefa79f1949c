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
    later();
    let (asking, running) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let ended = Mutex::new(ended);
    let person = FakePerson::typing(&["111111"]).meanwhile(move || {
        asking.send(()).unwrap();
        let _ = ended.lock().unwrap().recv();
    });
    std::thread::scope(|scope| {
        scope.spawn(|| obtain(&world, &base(), JAVA, &person).unwrap());
        running.recv_timeout(Duration::from_secs(60)).expect("the question");
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

/// A person in front of a dialog.
fn in_a_dialog(person: FakePerson) -> FakePerson {
    FakePerson { is_dialog: true, ..person }
}

/// What the next question says of the last dialog; nobody is there to answer it.
fn closed_dialog(world: &World, caller: Caller) -> Option<String> {
    let person = FakePerson::ending(AskError::Nobody("no terminal".into()));
    later();
    obtain(world, &base(), caller, &person).unwrap_err();
    let question = person.questions.lock().unwrap().pop().expect("every caller comes to its question");
    question.closed_dialog
}

#[test]
fn dialog_that_was_closed_is_told_to_every_caller_for_ten_minutes() {
    for (ends, text) in [(AskError::Cancelled, "was cancelled"), (AskError::TimedOut, "timed out")] {
        let world = World::new();
        obtain(&world, &base(), NODE, &in_a_dialog(FakePerson::ending(ends))).unwrap_err();
        world.pass(12);
        for caller in [NODE, JAVA] {
            let said = format!("the last dialog {text} 12s ago (the next may open in 9m48s)");
            assert_eq!(closed_dialog(&world, caller), Some(said));
        }
        world.pass(588);
        assert_eq!(closed_dialog(&world, NODE), None);
    }
}

#[test]
fn session_or_a_question_that_was_no_dialog_leaves_dialogs_alone() {
    let world = World::new();
    obtain(&world, &base(), None, &FakePerson::ending(AskError::Cancelled)).unwrap_err();
    assert_eq!(closed_dialog(&world, JAVA), None, "cancelled on a terminal");
    (0..3).for_each(|_| world.sts.fail("GetSessionToken", AwsErrorKind::WrongCode));
    let wrong = in_a_dialog(FakePerson::typing(&["111111", "222222", "333333"]));
    obtain(&world, &base(), None, &wrong).unwrap_err();
    assert_eq!(closed_dialog(&world, JAVA), None, "three wrong codes");
    obtain(&world, &base(), None, &in_a_dialog(FakePerson::ending(AskError::Cancelled))).unwrap_err();
    assert!(closed_dialog(&world, JAVA).is_some());
    later();
    obtain(&world, &base(), None, &FakePerson::typing(&["444444"])).unwrap();
    let state = DeviceFiles::of(&world.directory(), &device(), None).load();
    assert_eq!(state.closed_dialog, None, "a session ends the pause");
}

#[test]
fn person_who_repeats_a_sent_code_is_not_asked_for_ever() {
    let world = World::new();
    obtain(&world, &base(), None, &FakePerson::typing(&["111111"])).unwrap();
    let other = plan("other", Some(device()), vec![role_step("other", 4 * HOUR, Some(device()))]);
    let person = FakePerson::typing(&["111111"; 20]);
    let failure = obtain(&world, &other, None, &person).unwrap_err();
    assert!(failure.cause.starts_with("this code was already used; next code in "), "{failure}");
    assert_eq!((failure.kind, person.asked()), (Kind::Refused, 11));
}

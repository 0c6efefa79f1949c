//! Codes: each is sent once, three may be wrong, and what became of one is written down.

use super::*;
use crate::error::Kind;
use crate::session::device::{DeviceFiles, DeviceState};

fn state(world: &World) -> DeviceState {
    DeviceFiles::of(&world.directory(), &device(), None).load()
}

/// Those who ask in the same millisecond were waiting.
fn later() {
    std::thread::sleep(Duration::from_millis(2));
}

/// The last second before the device shows its next code.
fn just_before_the_next_code(world: &World) {
    world.pass(29);
}

#[test]
fn question_names_what_will_be_sent() {
    let world = World::new();
    let person = FakePerson::typing(&["111111"]);
    world.obtain(&role("admin"), &person).unwrap();
    let questions = person.questions.lock().unwrap();
    let question = &questions[0];
    assert_eq!(question.account, AccountId::parse("123456789012"));
    assert_eq!((question.profile.as_str(), question.device.as_str()), ("admin", DEVICE));
    assert_eq!((&question.asker, &question.foreign_endpoint, &question.notice), (&None, &None, &None));
}

#[test]
fn question_names_an_endpoint_that_is_not_awss_own() {
    let world = World::new();
    let person = FakePerson::typing(&["111111"]);
    let foreign = |sessions: Sessions<'_>| {
        Sessions { endpoint: Some("http://127.0.0.1:4566"), asker: Some("terraform, pid 7".into()), ..sessions }
            .obtain(Need::ALIVE)
    };
    world.caller(&base(), &person, None, &foreign).unwrap();
    let questions = person.questions.lock().unwrap();
    assert_eq!(questions[0].foreign_endpoint.as_deref(), Some("127.0.0.1:4566"));
    assert_eq!(questions[0].asker.as_deref(), Some("terraform, pid 7"));
}

#[test]
fn wrong_code_is_asked_again_and_says_when_the_next_comes() {
    let world = World::new();
    world.pass(10);
    world.sts.fail("GetSessionToken", AwsErrorKind::WrongCode);
    let person = FakePerson::typing(&["111111", "222222"]);
    world.obtain(&base(), &person).unwrap();
    let notice = "wrong code, already used, or of another device; next code in 20 s; 2 tries left";
    assert_eq!(person.notices(), [None, Some(notice.to_string())]);
    assert_eq!(world.sts.calls().len(), 2);
}

#[test]
fn third_wrong_code_is_the_last() {
    let world = World::new();
    for _ in 0..3 {
        world.sts.fail("GetSessionToken", AwsErrorKind::WrongCode);
    }
    let person = FakePerson::typing(&["111111", "222222", "333333"]);
    let failure = world.obtain(&base(), &person).unwrap_err();
    assert_eq!((failure.kind, person.asked(), world.sts.calls().len()), (Kind::Refused, 3, 3));
    assert_eq!(state(&world).sent.len(), 3);
    let notices: Vec<String> = person.notices().into_iter().flatten().collect();
    assert!(notices[0].ends_with("; 2 tries left") && notices[1].ends_with("; 1 try left"), "{notices:?}");
    assert!(notices.iter().all(|notice| notice.len() <= 80), "{notices:?}");
}

#[test]
fn given_code_that_is_wrong_is_not_asked_again() {
    let world = World::new();
    world.sts.fail("GetSessionToken", AwsErrorKind::WrongCode);
    let person = FakePerson::typing(&["111111"]).only_one();
    assert_eq!(world.obtain(&base(), &person).unwrap_err().kind, Kind::Refused);
    assert_eq!((person.asked(), world.sts.calls().len()), (1, 1));
}

#[test]
fn device_that_aws_does_not_know_is_no_reason_to_ask_again() {
    for kind in [AwsErrorKind::Refused, AwsErrorKind::StaleSession, AwsErrorKind::BadAnswer] {
        let world = World::new();
        world.sts.fail("GetSessionToken", kind);
        let person = FakePerson::typing(&["111111"]);
        world.obtain(&base(), &person).unwrap_err();
        assert_eq!((person.asked(), world.sts.calls().len()), (1, 1), "{kind:?}");
    }
}

#[test]
fn code_typed_twice_is_not_sent_twice_and_the_question_stays() {
    let world = World::new();
    world.pass(20);
    world.sts.fail("GetSessionToken", AwsErrorKind::WrongCode);
    let person = FakePerson::typing(&["111111", "111111", "111111", "111111", "222222"]);
    world.obtain(&base(), &person).unwrap();
    let sent: Vec<String> = world.sts.calls();
    assert!(sent[0].ends_with("111111") && sent[1].ends_with("222222") && sent.len() == 2, "{sent:?}");
    let notice = "this code was already used; next code in 10 s";
    assert_eq!(person.notices()[2..], vec![Some(notice.to_string()); 3]);
    assert!(person.notes().is_empty(), "{:?}", person.notes());
}

#[test]
fn code_printed_twice_is_not_sent_twice_but_waited_beyond() {
    let world = World::new();
    just_before_the_next_code(&world);
    world.sts.fail("GetSessionToken", AwsErrorKind::WrongCode);
    let person = FakePerson::typing(&["111111", "111111", "222222"]).of_a_program();
    let began = Instant::now();
    world.obtain(&base(), &person).unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1), "the next code was not waited for");
    let sent: Vec<String> = world.sts.calls();
    assert!(sent[0].ends_with("111111") && sent[1].ends_with("222222") && sent.len() == 2, "{sent:?}");
    let notes = person.notes();
    assert_eq!(notes[0], "this code was already used; next code in 1 s");
    assert_eq!(notes.last().map(String::as_str), Some(""), "{notes:?}");
}

#[test]
fn program_that_always_prints_the_same_code_is_given_up() {
    let world = World::new();
    just_before_the_next_code(&world);
    world.sts.fail("GetSessionToken", AwsErrorKind::WrongCode);
    let person = FakePerson::typing(&["111111"; 4]).of_a_program();
    let failure = world.obtain(&base(), &person).unwrap_err();
    let cause = "this code was already used; next code in 1 s";
    assert_eq!((failure.kind, failure.cause.as_str()), (Kind::Refused, cause));
    assert_eq!((person.asked(), world.sts.calls().len()), (4, 1));
}

#[test]
fn given_code_that_was_sent_before_is_refused_at_once() {
    let world = World::new();
    world.obtain(&base(), &FakePerson::typing(&["111111"])).unwrap();
    world.cache().forget(&identities(&base())[0]).unwrap();
    world.pass(10);
    let failure = world.obtain(&base(), &FakePerson::typing(&["111111"]).only_one()).unwrap_err();
    let cause = "this code was already used; next code in 20 s";
    assert_eq!((failure.kind, failure.cause.as_str()), (Kind::Refused, cause));
    assert_eq!(world.sts.calls().len(), 1);
}

#[test]
fn code_whose_end_is_unclear_counts_as_used() {
    for kind in [AwsErrorKind::Unclear, AwsErrorKind::BadAnswer] {
        let world = World::new();
        world.pass(25);
        world.sts.fail("GetSessionToken", kind);
        let failure = world.obtain(&base(), &FakePerson::typing(&["111111"])).unwrap_err();
        let cause = format!("AWS said {kind:?}; the code counts as used; next code in 5 s");
        assert_eq!((failure.kind, failure.cause), (Kind::Network, cause));
        assert_eq!(state(&world).sent.len(), 1);
        later();
        world.obtain(&base(), &FakePerson::typing(&["111111"]).only_one()).unwrap_err();
        assert_eq!(world.sts.calls().len(), 1);
    }
}

#[test]
fn code_that_never_left_may_be_sent_again() {
    let world = World::new();
    world.sts.fail("GetSessionToken", AwsErrorKind::NotSent);
    let failure = world.obtain(&base(), &FakePerson::typing(&["111111"])).unwrap_err();
    assert_eq!((failure.kind, failure.cause.as_str()), (Kind::Network, "AWS said NotSent"));
    assert_eq!(state(&world).sent, []);
    later();
    world.obtain(&base(), &FakePerson::typing(&["111111"]).only_one()).unwrap();
    assert_eq!(world.sts.calls().len(), 2);
}

#[test]
fn code_is_written_down_before_it_is_sent() {
    struct Looking<'a>(&'a World, Mutex<usize>);
    impl Sts for Looking<'_> {
        fn get_session_token(
            &self,
            signer: Signer<'_>,
            mfa: Option<Mfa<'_>>,
            duration: Duration,
            bounds: Bounds,
        ) -> std::result::Result<Session, AwsError> {
            *self.1.lock().unwrap() = state(self.0).sent.len();
            self.0.sts.get_session_token(signer, mfa, duration, bounds)
        }

        fn assume_role(
            &self,
            _: Signer<'_>,
            _: &RoleRequest,
            _: Option<Mfa<'_>>,
            _: Bounds,
        ) -> std::result::Result<Session, AwsError> {
            unreachable!("this plan has no role")
        }

        fn assume_role_with_web_identity(
            &self,
            _: &Secret<String>,
            _: &RoleRequest,
            _: Bounds,
        ) -> std::result::Result<Session, AwsError> {
            unreachable!("this plan has no role")
        }

        fn get_caller_identity(&self, _: Signer<'_>, _: Bounds) -> std::result::Result<CallerIdentity, AwsError> {
            unreachable!("the session layer asks nobody who it is")
        }
    }
    let world = World::new();
    let looking = Looking(&world, Mutex::new(0));
    let obtain = |sessions: Sessions<'_>| Sessions { sts: &looking, ..sessions }.obtain(Need::ALIVE);
    world.caller(&base(), &FakePerson::typing(&["111111"]), None, &obtain).unwrap();
    assert_eq!(*looking.1.lock().unwrap(), 1);
}

#[test]
fn device_file_holds_no_code() {
    let world = World::new();
    world.obtain(&base(), &FakePerson::typing(&["111111"])).unwrap();
    let bytes = std::fs::read(DeviceFiles::of(&world.directory(), &device(), None).state).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("\"digest\"") && !text.contains("111111"), "{text}");
}

#[test]
fn cancel_says_so_and_is_written_down() {
    let world = World::new();
    let failure = world.obtain(&base(), &FakePerson::ending(AskError::Cancelled)).unwrap_err();
    let line = "profile 'base': cancelled; no code was given";
    assert_eq!((failure.kind, failure.headline().as_str()), (Kind::NeedsPerson, line));
    let ending = state(&world).ending.unwrap();
    assert_eq!((ending.pid, ending.kind), (std::process::id(), Kind::NeedsPerson));
    assert_eq!(ending.text, format!("cancelled at the prompt of pid {}", std::process::id()));
}

#[test]
fn question_that_nobody_saw_says_nothing_to_others() {
    for error in [AskError::Nobody("no terminal".into()), AskError::TimedOut] {
        let world = World::new();
        let failure = world.obtain(&base(), &FakePerson::ending(error)).unwrap_err();
        assert_eq!((failure.kind, state(&world).ending), (Kind::NeedsPerson, None));
    }
}

#[test]
fn without_anybody_to_ask_the_command_is_named() {
    let world = World::new();
    let failure = world.obtain(&base(), &FakePerson::ending(AskError::Nobody("no terminal".into()))).unwrap_err();
    let line =
        format!("profile 'base': needs an MFA code from {DEVICE}: no terminal; run in a terminal: twolock login base");
    assert_eq!((failure.kind, failure.headline()), (Kind::NeedsPerson, line));
}

#[test]
fn question_ends_with_the_callers_deadline() {
    let world = World::new();
    let person = FakePerson::typing(&["111111"]);
    let until = Deadline::after(Instant::now(), Duration::from_secs(7));
    let hurried =
        |sessions: Sessions<'_>| Sessions { patience: Patience::Until(until), ..sessions }.obtain(Need::ALIVE);
    world.caller(&base(), &person, None, &hurried).unwrap();
    let given = person.deadlines.lock().unwrap()[0];
    assert!(given <= Duration::from_secs(7), "{given:?}");
}

#[test]
fn wait_for_the_next_code_ends_with_the_deadline() {
    let world = World::new();
    world.sts.fail("GetSessionToken", AwsErrorKind::WrongCode);
    let person = FakePerson::typing(&["111111", "111111"]).of_a_program();
    let until = Deadline::after(Instant::now(), Duration::from_millis(300));
    let hurried =
        |sessions: Sessions<'_>| Sessions { patience: Patience::Until(until), ..sessions }.obtain(Need::ALIVE);
    let failure = world.caller(&base(), &person, None, &hurried).unwrap_err();
    let cause = "no code was entered in time; run in a terminal: twolock login base";
    assert_eq!((failure.kind, failure.cause.as_str()), (Kind::NeedsPerson, cause));
    assert_eq!(world.sts.calls().len(), 1);
}

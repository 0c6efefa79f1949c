//! Where no lock can be had: who asks all the same, who does not, and what is left behind (threat-model P54).

use std::fs;

use super::*;
use crate::error::Kind;
use crate::session::device::DeviceFiles;

/// A caller that does this about locks.
fn obtain(world: &World, plan: &Plan, person: &FakePerson, locking: Locking) -> Result<Session> {
    let cache = world.cache();
    world.caller(plan, person, Some(&cache), &|sessions| Sessions { locking, ..sessions }.obtain(Need::ALIVE))
}

/// Something other than a lock file is in the place of the device's lock.
fn without_a_lock() -> World {
    let world = World::new();
    fs::create_dir(DeviceFiles::of(&world.directory(), &device(), None).lock).unwrap();
    world
}

fn names(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.directory()).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn who_needs_a_lock_for_its_question_asks_nobody_without_one() {
    let world = without_a_lock();
    let failure = obtain(&world, &base(), &FakePerson::default(), Locking::Required).unwrap_err();
    let lock = DeviceFiles::of(&world.directory(), &device(), None).lock;
    let cause = format!("{} cannot be locked: is a directory", lock.display());
    assert_eq!((failure.kind, failure.cause, failure.profile), (Kind::Busy, cause, Some("base".into())));
    assert_eq!(world.sts.calls(), Vec::<String>::new());
}

#[test]
fn a_person_that_waits_for_one_command_is_asked_without_a_lock() {
    let world = without_a_lock();
    let person = FakePerson::typing(&["111111"]);
    assert_eq!(number(&obtain(&world, &base(), &person, Locking::IfPossible).unwrap()), 1);
}

#[test]
fn a_directory_that_is_gone_is_named_and_not_the_lock_in_it() {
    let (world, cache) = (World::new(), World::new().cache());
    let missing = world.directory().join("missing");
    let obtain = |sessions: Sessions<'_>| {
        Sessions { locking: Locking::Required, directory: &missing, ..sessions }.obtain(Need::ALIVE)
    };
    let failure = world.caller(&base(), &FakePerson::default(), Some(&cache), &obtain).unwrap_err();
    let cause = format!("{} is missing", missing.display());
    assert_eq!((failure.kind, failure.cause), (Kind::Disk, cause));
}

#[test]
fn a_call_that_asks_nobody_is_made_without_a_lock() {
    let world = World::new();
    world.obtain(&base(), &FakePerson::typing(&["111111"])).unwrap();
    let admin = role("admin");
    fs::create_dir(world.directory().join(format!("{}.lock", &identities(&admin)[1].hex()[..16]))).unwrap();
    assert_eq!(number(&obtain(&world, &admin, &FakePerson::default(), Locking::Required).unwrap()), 2);
}

#[test]
fn who_takes_no_locks_leaves_nothing_behind() {
    let world = World::new();
    let before = names(&world);
    let person = FakePerson::typing(&["111111"]);
    let act = |sessions: Sessions<'_>| Sessions { locking: Locking::Never, ..sessions }.obtain(Need::ALIVE);
    assert_eq!(number(&world.caller(&role("admin"), &person, None, &act).unwrap()), 2);
    let cancelled = FakePerson::ending(AskError::Cancelled);
    world.caller(&base(), &cancelled, None, &act).unwrap_err();
    assert_eq!(names(&world), before);
}

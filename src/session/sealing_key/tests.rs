use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::store::memory::MemoryStore;

struct World {
    cache: TempDir,
    fast: MemoryStore,
    durable: MemoryStore,
}

impl World {
    fn new() -> Self {
        Self { cache: tempfile::tempdir().unwrap(), fast: MemoryStore::new(), durable: MemoryStore::new() }
    }

    fn cache(&self) -> &Path {
        self.cache.path()
    }

    fn stores(&self) -> Stores {
        Stores { fast: Some(Box::new(self.fast.clone())), durable: Some(Box::new(self.durable.clone())) }
    }

    fn user(&self) -> String {
        item(self.cache()).unwrap().user
    }

    fn find(&self) -> Result<SealingKey, NoSealingKey> {
        find(&self.stores(), self.cache())
    }

    fn find_or_make(&self) -> Result<SealingKey, NoSealingKey> {
        find_or_make(&self.stores(), self.cache(), soon())
    }
}

fn soon() -> Deadline {
    Deadline::after(Instant::now(), Duration::from_secs(20))
}

fn expected(fill: u8) -> String {
    hex(&Sha256::digest([fill; LENGTH])[..8])
}

const LIVING: [StoreError; 4] =
    [StoreError::Locked, StoreError::Dismissed, StoreError::Quota, StoreError::TooLarge(32)];

fn every_failure() -> Vec<StoreError> {
    let mut all = LIVING.to_vec();
    all.extend([
        StoreError::NoService("no bus".into()),
        StoreError::Refused("no".into()),
        StoreError::TimedOut(Duration::from_secs(2)),
        StoreError::Damaged("two of them".into()),
    ]);
    all
}

#[test]
fn a_new_key_goes_to_both_stores_and_is_found_again() {
    let world = World::new();
    assert!(world.find().unwrap_err().is_absent());
    let made = world.find_or_make().unwrap();
    assert_eq!(made.bytes().expose().len(), LENGTH);
    for store in [&world.fast, &world.durable] {
        assert_eq!(store.peek(&world.user()).as_ref(), Some(made.bytes().expose()));
    }
    assert_eq!(world.find().unwrap().id(), made.id());
    assert_eq!(world.find_or_make().unwrap().id(), made.id());
}

#[test]
fn a_key_in_the_fast_store_is_used_without_asking_the_durable_one() {
    let world = World::new();
    world.fast.plant(&world.user(), &[1; LENGTH]);
    assert_eq!(world.find().unwrap().id(), expected(1));
    assert_eq!(world.find_or_make().unwrap().id(), expected(1));
    assert!(world.durable.calls().is_empty(), "{:?}", world.durable.calls());
}

#[test]
fn a_key_in_the_durable_store_alone_is_copied_to_the_fast_one() {
    let world = World::new();
    world.durable.plant(&world.user(), &[2; LENGTH]);
    assert_eq!(world.find().unwrap().id(), expected(2));
    assert_eq!(world.fast.peek(&world.user()), None, "looking writes nothing");
    assert_eq!(world.find_or_make().unwrap().id(), expected(2));
    assert_eq!(world.fast.peek(&world.user()), Some(vec![2; LENGTH]));
}

#[test]
fn different_keys_in_both_stores_the_fast_one_rules_and_nothing_is_overwritten() {
    let world = World::new();
    world.fast.plant(&world.user(), &[1; LENGTH]);
    world.durable.plant(&world.user(), &[2; LENGTH]);
    assert_eq!(world.find_or_make().unwrap().id(), expected(1));
    assert_eq!(world.fast.peek(&world.user()), Some(vec![1; LENGTH]));
    assert_eq!(world.durable.peek(&world.user()), Some(vec![2; LENGTH]));
}

#[test]
fn a_durable_store_that_fails_to_read_is_not_written_and_does_not_cost_the_new_key() {
    for error in every_failure() {
        let world = World::new();
        world.durable.plant(&world.user(), &[9; LENGTH]);
        world.durable.fail_reads(Some(error.clone()));
        let made = world.find_or_make().unwrap();
        assert_eq!(world.fast.peek(&world.user()).as_ref(), Some(made.bytes().expose()), "{error:?}");
        assert_eq!(world.durable.peek(&world.user()), Some(vec![9; LENGTH]), "{error:?}");
    }
}

#[test]
fn a_durable_store_that_dies_between_read_and_write_does_not_cost_the_new_key() {
    for error in every_failure() {
        let world = World::new();
        world.durable.fail_writes(Some(error.clone()));
        let made = world.find_or_make().unwrap();
        assert_eq!(world.find().unwrap().id(), made.id(), "{error:?}");
    }
}

#[test]
fn a_fast_store_that_fails_is_not_written_and_the_durable_one_keeps_the_key() {
    for error in every_failure() {
        let world = World::new();
        world.fast.fail_reads(Some(error.clone()));
        let made = world.find_or_make().unwrap();
        assert_eq!(world.durable.peek(&world.user()).as_ref(), Some(made.bytes().expose()), "{error:?}");
        assert_eq!(world.fast.calls().iter().filter(|c| c.starts_with("write")).count(), 0, "{error:?}");
    }
}

#[test]
fn a_full_fast_store_does_not_cost_a_key_found_in_the_durable_one() {
    let world = World::new();
    world.durable.plant(&world.user(), &[2; LENGTH]);
    world.fast.fail_writes(Some(StoreError::Quota));
    assert_eq!(world.find_or_make().unwrap().id(), expected(2));
}

#[test]
fn where_neither_store_serves_every_cause_is_kept_and_the_way_out_named() {
    let world = World::new();
    world.fast.fail_reads(Some(StoreError::NoService("keyctl is not permitted here".into())));
    for error in every_failure() {
        world.durable.fail_reads(Some(error.clone()));
        let nothing = world.find_or_make().unwrap_err();
        assert!(!nothing.is_absent());
        assert_eq!(nothing, world.find().unwrap_err());
        let failure = nothing.failure();
        assert_eq!(failure.kind.exit_code(), 5);
        for cause in ["keyctl is not permitted here", &error.to_string()] {
            assert!(failure.cause.contains(cause), "{}", failure.cause);
        }
        assert!(failure.shown_hints().iter().any(|hint| hint.contains("twolock settings set keyring file")));
        let asks_to_unlock = failure.shown_hints().iter().any(|hint| hint.contains("unlock the keyring"));
        assert_eq!(asks_to_unlock, matches!(error, StoreError::Locked | StoreError::Dismissed));
    }
}

#[test]
fn a_new_key_that_no_store_keeps_is_not_handed_out() {
    let world = World::new();
    world.fast.fail_writes(Some(StoreError::Quota));
    world.durable.fail_writes(Some(StoreError::Refused("read-only".into())));
    let NoSealingKey::Nowhere(answers) = world.find_or_make().unwrap_err() else { panic!("not that") };
    let answers: Vec<_> = answers.into_iter().map(|(_, answer)| answer).collect();
    assert_eq!(answers, [StoreError::Quota, StoreError::Refused("read-only".into())]);
}

#[test]
fn a_machine_without_any_store_is_not_a_miss() {
    let cache = tempfile::tempdir().unwrap();
    let nothing = find_or_make(&Stores::default(), cache.path(), soon()).unwrap_err();
    assert!(!nothing.is_absent());
    assert_eq!(nothing.failure().cause, "no keyring is available to protect sessions: this machine has none");
}

#[test]
fn a_key_of_another_length_is_damaged_and_stays() {
    for length in [0, 1, 31, 33, 64] {
        let world = World::new();
        world.fast.plant(&world.user(), &vec![1; length]);
        world.durable.plant(&world.user(), &vec![2; length]);
        let NoSealingKey::Nowhere(answers) = world.find_or_make().unwrap_err() else { panic!("not that") };
        assert!(answers.iter().all(|(_, answer)| matches!(answer, StoreError::Damaged(_))), "{answers:?}");
        assert_eq!(world.fast.peek(&world.user()), Some(vec![1; length]));
        assert_eq!(world.durable.peek(&world.user()), Some(vec![2; length]));
    }
}

#[test]
fn two_makers_at_once_end_with_one_key() {
    let world = World::new();
    let makers: Vec<_> = (0..8)
        .map(|_| {
            let (fast, durable, cache) = (world.fast.clone(), world.durable.clone(), world.cache().to_path_buf());
            std::thread::spawn(move || {
                let stores = Stores { fast: Some(Box::new(fast)), durable: Some(Box::new(durable)) };
                find_or_make(&stores, &cache, soon()).unwrap().id().to_owned()
            })
        })
        .collect();
    let ids: Vec<_> = makers.into_iter().map(|maker| maker.join().unwrap()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(world.fast.calls().iter().filter(|call| call.starts_with("write")).count(), 1);
}

#[test]
fn a_maker_that_stands_still_is_waited_for_and_then_named() {
    let world = World::new();
    let _held = FileLock::try_acquire(&world.cache().join(LOCK_FILE)).unwrap();
    let deadline = Deadline::after(Instant::now(), Duration::from_millis(50));
    let busy = find_or_make(&world.stores(), world.cache(), deadline).unwrap_err();
    assert_eq!((busy.clone(), busy.failure().kind.exit_code()), (NoSealingKey::Busy, 7));
    assert!(world.fast.users().is_empty());
}

#[test]
fn where_no_lock_can_be_had_the_key_is_made_without() {
    let world = World::new();
    std::fs::create_dir(world.cache().join(LOCK_FILE)).unwrap();
    let made = world.find_or_make().unwrap();
    assert_eq!(world.find().unwrap().id(), made.id());
}

#[test]
fn each_cache_folder_has_a_key_of_its_own_whatever_way_leads_there() {
    let world = World::new();
    let other = tempfile::tempdir().unwrap();
    assert_ne!(item(world.cache()).unwrap().user, item(other.path()).unwrap().user);
    let detour = other.path().join("..").join(other.path().file_name().unwrap());
    assert_eq!(item(&detour).unwrap(), item(other.path()).unwrap());
    #[cfg(unix)]
    {
        let link = other.path().join("link");
        std::os::unix::fs::symlink(world.cache(), &link).unwrap();
        assert_eq!(item(&link).unwrap(), item(world.cache()).unwrap());
    }
}

#[test]
fn a_folder_that_is_gone_or_not_yet_made_keeps_its_name() {
    let world = World::new();
    let directory = world.cache().join("a/b");
    let before = item(&directory).unwrap();
    create_private_dir(&directory).unwrap();
    assert_eq!(item(&directory).unwrap(), before);
}

#[test]
fn forgetting_removes_both_copies_and_reports_only_what_stayed() {
    let world = World::new();
    world.find_or_make().unwrap();
    assert_eq!(forget(&world.stores(), world.cache()), (true, vec![]));
    assert!(world.fast.users().is_empty() && world.durable.users().is_empty());
    assert_eq!(forget(&world.stores(), world.cache()), (false, vec![]), "it is gone already");
    world.durable.fail_writes(Some(StoreError::Locked));
    assert_eq!(forget(&world.stores(), world.cache()), (false, vec![(world.fast.about(), StoreError::Locked)]));
}

#[test]
fn the_id_is_known_and_the_key_never_shows() {
    let key = SealingKey::new(Secret::new(vec![0; LENGTH]));
    assert_eq!(key.id(), "66687aadf862bd77");
    assert_eq!(format!("{key:?}"), "SealingKey { bytes: ***, id: \"66687aadf862bd77\" }");
}

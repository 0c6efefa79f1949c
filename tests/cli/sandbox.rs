use crate::world::World;

#[test]
fn the_tour_is_right_from_the_first_step_to_the_last_and_leaves_nothing() {
    let world = World::new();
    let temporary = world.home().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let ran = world.finish(world.twolock(["sandbox", "--once"]).env("TMPDIR", &temporary));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    for part in [
        "credential_process = ",
        "One code of the virtual device",
        "no call to STS",
        ":assumed-role/Admin/ana",
        "in eu-west-1",
        "Every step was right.",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
    assert!(!world.cache().exists());
}

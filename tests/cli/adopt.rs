use crate::world::World;
#[test]
fn try_it() {
    let world = World::new();
    for args in [
        vec!["adopt", "base", "--dry-run"],
        vec!["adopt", "base", "--yes"],
        vec!["adopt", "base", "--yes"],
        vec!["show", "prod"],
        vec!["release", "prod", "--yes"],
        vec!["adopt", "prod", "--yes"],
        vec!["adopt", "--all", "--dry-run"],
        vec!["release", "base", "--restore-key", "--yes"],
        vec!["adopt", "base", "--only", "--dry-run"],
        vec!["adopt", "prod", "--native", "--dry-run"],
    ] {
        let ran = world.finish(world.twolock(["profile"]).args(&args));
        println!("$ twolock profile {}\n{}{}[{}]\n", args.join(" "), ran.stdout, ran.stderr, ran.code);
    }
}

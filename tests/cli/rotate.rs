//! `key rotate` of a key that lies in the credentials file; with a real keyring: tests/keyring.

use twolock_sandbox::KeyUse;

use crate::world::{ACCOUNT, Fault, FaultKind, KEY_ID, Options, Ran, World};

const ANA: &str = "arn:aws:iam::123456789012:user/ana";

fn ids(world: &World) -> Vec<(String, bool)> {
    world.sandbox.keys(ANA).into_iter().map(|key| (key.id, key.active)).collect()
}

#[test]
fn probe() {
    let world = World::new();
    let ran = world.run_with_code(["key", "rotate", "base", "--dry-run"]);
    println!("{ran:?}\n{}", ran.stdout);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let mut t = world.on_terminal(["key", "rotate", "base"]);
    t.sees("rotate? [y/N] ");
    t.types("y\n");
    t.sees("device ana");
    t.types(&format!("{}\n", world.code()));
    println!("{:?}", t.end());
    println!("{}", std::fs::read_to_string(world.home().join(".aws/credentials")).unwrap());
    println!("{:?}", world.sandbox.keys(ANA));
    panic!();
}

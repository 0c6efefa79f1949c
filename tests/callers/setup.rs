//! From an empty home and an emailed key to a silent call of the real AWS CLI.

use std::process::Command;

use twolock_sandbox::Policy;

use crate::world::desktop::Desktop;
use crate::world::person::{answering, codes, line};
use crate::world::{NewUser, Options, Terminal, World, required};

const BEA: &str = "arn:aws:iam::123456789012:user/bea";
const ID: &str = "AKIAI44QH8DHBEXAMPLE";
const SECRET: &str = "je7MtGbClwBFCANARYSECOND0000000000000000";

/// Bea may do what AWS's sample policy allows; new keys and devices work only after a while.
fn world() -> World {
    let world = World::with(Options { key_delay: 4, device_delay: 4, ..Options::default() });
    std::fs::remove_dir_all(world.home().join(".aws")).unwrap();
    let (id, secret) = (Some(ID.into()), Some(SECRET.into()));
    world.sandbox.add(NewUser { arn: BEA.into(), access_key_id: id, secret_access_key: secret }).unwrap();
    world.sandbox.set_policy(BEA, Policy::SelfManaged);
    world
}

fn dressed(desktop: &Desktop, mut command: Command) -> Command {
    let aws = required("TWOLOCK_TEST_AWS");
    let directory = std::path::Path::new(&aws).parent().unwrap().display().to_string();
    desktop.dress(&mut command);
    command.env("AWS_ENDPOINT_URL", desktop.world.sandbox.url());
    command.env("PATH", format!("{}:{directory}", crate::world::path()));
    command
}

#[test]
fn an_emailed_key_becomes_a_device_a_new_key_and_a_silent_call_by_four_codes() {
    let world = world();
    let desktop = Desktop::empty(&world);
    let mut setup = world.program(env!("CARGO_BIN_EXE_twolock"));
    setup.arg("setup");
    let mut answers = vec![
        line("profile name (Enter for default): ", ""),
        line("region, such as eu-west-1 (Enter for none): ", "eu-west-1"),
        line("access key id, or path of the console's CSV file: ", ID),
        line("secret access key (not shown): ", SECRET),
        line("enroll? [y/N] ", "y"),
        line("adopt? [y/N] ", "y"),
        line("rotate it now? [y/N] ", "y"),
    ];
    answers.extend(codes(&world, BEA));
    let (shown, ran) = answering(&world, Terminal::start(dressed(&desktop, setup)), answers);
    assert_eq!(ran.code, 0, "{ran:?} {shown}");
    assert!(ran.stdout.contains(&format!("--output text --profile default\n{BEA}\n")), "{ran:?}");
    assert_eq!(world.sandbox.codes_consumed().len(), 4);
    // Once more where AWS did not know the new device yet.
    let asked = shown.matches("MFA code for ").count();
    assert!((2..=3).contains(&asked) && shown.matches("first code (").count() == 1, "{shown}");
    // The key of the mail is inactive; the other one is in the keyring alone.
    let keys = world.sandbox.keys(BEA);
    let active: Vec<_> = keys.iter().filter(|key| key.active).collect();
    assert!(keys.len() == 2 && active.len() == 1 && active[0].id != ID, "{keys:?}");
    let item = desktop.run("secret-tool", &["lookup", "service", "twolock", "username", &active[0].id], "");
    assert!(item.contains(&active[0].secret) && !shown.contains(&active[0].secret));
    world.sandbox.forget_calls();
    let mut aws = dressed(&desktop, world.program(required("TWOLOCK_TEST_AWS")));
    let silent = world.finish(aws.args(["sts", "get-caller-identity", "--query", "Arn", "--output", "text"]));
    silent.is(0, &format!("{BEA}\n"), "");
    assert_eq!(world.sandbox.count("GetSessionToken"), 0);
}

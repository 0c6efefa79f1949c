//! `profile show --test`: whether AWS enforces a protected profile, with an MFA session that is too old for it.

use crate::machine::at_time;
use crate::world::{ACCOUNT, Clock, Ran, Role, Terminal, World};

const GLASS: &str = "\
[profile glass]
twolock_role_arn = arn:aws:iam::123456789012:role/Glass
twolock_source_profile = base
twolock_protected = true
region = eu-west-1
endpoint_url = {url}
credential_process = twolock credential-process --profile glass
";

/// A refusal of a code that was a little more than 7 minutes old.
fn is_not_confirmed(ran: &Ran) {
    let start = "twolock: error: profile 'glass': not confirmed: AWS refused a code 7m";
    let end = " old, but may have done so for another reason: use the profile once, then test again within 24h\n\
               twolock: hint: to use it: twolock exec glass\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (9, ""), "{ran:?}");
    assert!(ran.stderr.starts_with(start) && ran.stderr.ends_with(end), "{ran:?}");
}

const TEST: [&str; 4] = ["profile", "show", "glass", "--test"];

/// A protected role whose trust policy allows codes of so many seconds ago, and an MFA session.
fn world(max_mfa_age: Option<i64>) -> World {
    let world = World::new();
    let ana = format!("arn:aws:iam::{ACCOUNT}:user/ana");
    world.sandbox.add_role(Role { max_mfa_age, require_mfa: true, ..Role::trusting(ACCOUNT, "Glass", &ana) });
    world.add_config(GLASS);
    world
}

/// Starts the test so many minutes from now, by the clocks of both sides.
fn tested_in(world: &World, minutes: i64, answer: &str) -> (String, Ran) {
    world.sandbox.set_clock(Clock::Offset(minutes * 60));
    let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(TEST);
    at_time(&mut command, &format!("+{minutes}m"));
    let mut terminal = Terminal::start(command);
    terminal.sees("test it? [y/N] ");
    terminal.types(answer);
    let (shown, ran) = terminal.shown_after_end();
    (shown, world.tidy(ran))
}

fn use_it(world: &World) {
    let mut terminal = world.on_terminal(["exec", "glass", "--reason", "drill", "--", "true"]);
    terminal.sees("to continue: ");
    terminal.types("glass\n");
    terminal.sees("device ana): ");
    terminal.types(&format!("{}\n", world.code()));
    assert_eq!(terminal.end().code, 0);
}

#[test]
fn a_refusal_is_confirmed_only_after_a_fresh_code_has_opened_the_role() {
    let world = world(Some(300));
    world.log_in("base");
    let refused = "glass: AWS refused a code 7m old, as it would with the condition\n";
    let (shown, ran) = tested_in(&world, 7, "y\n");
    assert!(shown.contains("this AssumeRole appears in CloudTrail"), "{shown}");
    is_not_confirmed(&ran);
    world.sandbox.set_clock(Clock::Offset(0));
    use_it(&world);
    let (_, ran) = tested_in(&world, 7, "y\n");
    let confirmed = "glass: confirmed: AWS gave credentials for the same request with a fresh code at 20";
    assert!(ran.code == 0 && ran.stdout.starts_with(&format!("{refused}{confirmed}")), "{ran:?}");
}

#[test]
fn a_use_before_the_profile_was_changed_confirms_nothing() {
    let world = world(Some(300));
    world.log_in("base");
    use_it(&world);
    for (key, value) in [("external_id", "other"), ("role_session_name", "other"), ("twolock_tags", "team=other")] {
        assert_eq!(world.run(["profile", "set", "glass", key, value, "--yes"]).code, 0);
        let (_, ran) = tested_in(&world, 7, "y\n");
        is_not_confirmed(&ran);
        assert_eq!(world.run(["profile", "unset", "glass", key, "--yes"]).code, 0);
    }
    let (_, ran) = tested_in(&world, 7, "y\n");
    assert_eq!(ran.code, 0, "{ran:?}");
    let history = world.home().join(".local/state/twolock/history");
    let old = std::fs::read_to_string(&history).unwrap().replace(r#"{"time":"20"#, r#"{"time":"19"#);
    std::fs::write(history, old).unwrap();
    let (_, ran) = tested_in(&world, 7, "y\n");
    is_not_confirmed(&ran);
}

#[test]
fn a_role_that_an_old_session_opens_is_not_enforced() {
    let world = world(None);
    world.log_in("base");
    let sealed = std::fs::read_dir(world.cache()).unwrap().count();
    let (_, ran) = tested_in(&world, 7, "y\n");
    ran.is(
        3,
        "",
        "twolock: error: profile 'glass': not enforced by AWS: the role was assumed with a code 7m old; its \
         credentials were dropped at once\ntwolock: hint: the condition that its trust policy needs: \
         twolock profile show glass\n",
    );
    assert_eq!(std::fs::read_dir(world.cache()).unwrap().count(), sealed, "nothing of it is kept");
}

#[test]
fn the_test_asks_first_and_needs_an_old_session() {
    let world = world(Some(300));
    let says = |ran: Ran, code: i32, text: &str| {
        assert!(ran.code == code && ran.stdout.is_empty() && ran.stderr.contains(text), "{text}: {ran:?}");
    };
    says(world.run(TEST), 9, "the test needs an MFA session older than 5m, and there is none\n");
    world.log_in("base");
    says(world.run(TEST), 7, "the test needs an MFA session older than 5m, and this one is too new: test in ");
    let mut command = world.twolock(TEST);
    at_time(&mut command, "+7m");
    says(world.finish(&mut command), 2, "the test must be confirmed, and there is no terminal to ask on");
    let (_, ran) = tested_in(&world, 7, "n\n");
    says(ran, 9, "profile 'glass': cancelled; nothing was requested\n");
    says(
        world.run(["profile", "show", "prod", "--test"]),
        2,
        "profile 'prod': is not protected: there is nothing to test\n",
    );
    assert_eq!(world.sandbox.count("AssumeRole"), 0);
}

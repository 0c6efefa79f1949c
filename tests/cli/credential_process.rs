use crate::world::World;

#[test]
fn one_code_on_the_terminal_then_silence() {
    let world = World::new();
    let mut terminal = world.on_terminal(["credential-process", "--profile", "prod"]);
    terminal.sees("(123456789012, prod, device ana): ");
    terminal.types(&format!("{}\n", world.code()));
    let first = terminal.end();
    assert_eq!((first.code, first.stderr.as_str()), (0, ""), "{first:?}");
    for _ in 0..3 {
        world.run(["credential-process", "--profile", "prod"]).is(0, &first.stdout, "");
    }
    let json = first.json();
    assert_eq!((json["Version"].as_u64(), json["AccountId"].as_str()), (Some(1), Some("123456789012")));
    assert_eq!((world.sandbox.count("GetSessionToken"), world.sandbox.count("AssumeRole")), (1, 1));
}

#[test]
fn without_a_terminal_it_ends_at_once_and_names_the_command() {
    let world = World::new();
    world.run(["credential-process", "prod"]).is(
        9,
        "",
        "twolock: error: profile 'prod': an MFA code of arn:aws:iam::123456789012:mfa/ana is needed: no terminal; \
         run in a terminal: twolock login prod\n",
    );
    assert_eq!(world.sandbox.connections(), 0);
}

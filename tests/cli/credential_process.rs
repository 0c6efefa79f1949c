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
fn without_a_terminal_it_fails_at_once_and_names_the_command() {
    let world = World::new();
    world.run(["credential-process", "prod"]).is(
        9,
        "",
        "twolock: error: profile 'prod': needs an MFA code from arn:aws:iam::123456789012:mfa/ana: no terminal; \
         run in a terminal: twolock login prod\n",
    );
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn the_answer_is_one_line_with_exactly_these_fields() {
    let world = World::new();
    world.log_in("prod");
    let ran = world.run(["credential-process", "prod"]);
    assert_eq!((ran.stdout.matches('\n').count(), ran.stdout.ends_with("}\n")), (1, true));
    let json = ran.json();
    let fields: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["AccessKeyId", "AccountId", "Expiration", "SecretAccessKey", "SessionToken", "Version"]);
    assert!(json["Expiration"].as_str().unwrap().ends_with('Z'), "{json}");
}

#[test]
fn the_profile_comes_from_the_argument_the_flag_or_a_variable() {
    let world = World::new();
    world.log_in("prod");
    let answer = world.run(["credential-process", "prod"]);
    for (args, variables) in [
        (vec!["--profile", "prod"], vec![("AWS_PROFILE", "nobody")]),
        (vec!["--profile=prod"], vec![]),
        (vec!["prod", "--profile", "prod"], vec![]),
        (vec![], vec![("AWS_PROFILE", "prod"), ("AWS_DEFAULT_PROFILE", "nobody")]),
        (vec![], vec![("AWS_PROFILE", ""), ("AWS_DEFAULT_PROFILE", "prod")]),
    ] {
        let mut command = world.twolock([vec!["credential-process"], args].concat());
        let ran = world.finish(command.envs(variables));
        ran.is(0, &answer.stdout, "");
    }
}

#[test]
fn a_session_without_mfa_prints_no_note() {
    let world = World::new();
    world.write(".aws/config", "[profile base]\nregion = eu-west-1\nendpoint_url = {url}\n");
    let first = world.run(["credential-process", "base"]);
    assert_eq!((first.code, first.stderr.as_str()), (0, ""));
    world.run(["credential-process", "base"]).is(0, &first.stdout, "");
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn refusals_leave_stdout_empty_and_say_profile_place_and_cause() {
    let world = World::new();
    world.add_config(
        "[profile lost]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = bsae\n\
         [profile glass]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\n\
         endpoint_url = {url}\ntwolock_protected = true\n",
    );
    for (args, code, stderr) in [
        (
            vec![],
            2,
            "no profile given: name one, or set AWS_PROFILE\ntwolock: hint: profiles: 'base', 'prod', 'deploy', 'long', 'lost', 'glass'",
        ),
        (vec!["a", "--profile", "b"], 2, "two profiles were given: 'a' and 'b'"),
        (vec![""], 2, "invalid value '' for '[PROFILE]': a profile name cannot be empty\ntwolock: hint: try '--help'"),
        (
            vec!["prdo"],
            3,
            "profile 'prdo': not found in ~/.aws/config or ~/.aws/credentials\ntwolock: hint: did you mean 'prod'?",
        ),
        (
            vec!["lost"],
            3,
            "profile 'lost' (~/.aws/config:26): source_profile 'bsae' does not exist\ntwolock: hint: did you mean 'base'?",
        ),
        (
            vec!["glass"],
            3,
            "profile 'glass': is protected: an AWS tool would need a fresh code for each request, so it gets no credentials; \
             use twolock env or twolock exec\ntwolock: hint: a subshell with its credentials: twolock exec glass",
        ),
    ] {
        let ran = world.finish(&mut world.twolock([vec!["credential-process"], args].concat()));
        ran.is(code, "", &format!("twolock: error: {stderr}\n"));
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn a_closed_stdout_does_not_lose_the_session() {
    let world = World::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = world.twolock(["credential-process", "prod"]);
    command.env("TWOLOCK_MFA_CODE", world.code()).stdout(writer);
    let ran = world.finish(&mut command);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(world.run(["credential-process", "prod"]).code, 0);
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn closed_streams_are_not_replaced_by_files() {
    let world = World::new();
    world.log_in("prod");
    let answer = world.run(["credential-process", "prod"]).stdout;
    for (line, stdout) in [
        ("twolock credential-process prod 2>&-", answer.as_str()),
        ("twolock credential-process prod <&-", &answer),
        ("twolock credential-process prod >&-", ""),
        ("twolock credential-process prod <&- >&- 2>&-", ""),
        ("twolock login prod <&- >&- 2>&-", ""),
        ("twolock credential-process nobody <&- >&- 2>&-; test $? = 3", ""),
    ] {
        world.finish(world.program("sh").args(["-c", line])).is(0, stdout, "");
    }
    world.run(["credential-process", "prod"]).is(0, &answer, "");
}

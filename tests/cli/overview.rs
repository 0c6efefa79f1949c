use crate::rounded;
use crate::world::World;

#[test]
fn each_profile_with_its_next_command() {
    let world = World::new();
    world.add_config(
        "[profile served]\nregion = eu-west-1\ncredential_process = twolock credential-process --profile base\n\
         [profile lost]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = bsae\n\
         [profile \"my base\"]\ntwolock_source_profile = base\n",
    );
    let table = |left: [&str; 3]| {
        format!(
            "PROFILE  KIND         LEFT  NEXT\n\
             base     key          {:<4}  eval \"$(twolock env base)\"\n\
             prod     role         {:<4}  eval \"$(twolock env prod)\"\n\
             deploy   role         -     eval \"$(twolock env deploy)\"\n\
             long     role         {:<4}  eval \"$(twolock env long)\"\n\
             served   process      {:<4}  aws --profile served …\n\
             lost     role         -     twolock profile show lost\n\
             my base  key of base  -     eval \"$(twolock env 'my base')\"\n\
             to use these profiles in the AWS CLI and every SDK: twolock profile adopt base\n",
            left[0], left[1], left[1], left[2]
        )
    };
    world.finish(&mut world.twolock::<&str>([])).is(0, &table(["-"; 3]), "");
    world.log_in("prod");
    let ran = world.finish(&mut world.twolock::<&str>([]));
    let squeezed = |text: &str| text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let lived = rounded(&squeezed(&ran.stdout));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    // `prod` and `long` are the same role and device, so both use an active session, whatever its duration.
    // A session belongs to one endpoint: `served` and `my base` have another one.
    assert_eq!(lived, squeezed(&table(["12h", "1h", "-"])));
}

#[test]
fn the_profile_of_the_shell_is_marked_and_one_without_mfa_is_named() {
    let world = World::new();
    world.write(".aws/config", "[profile a]\nregion = eu-west-1\n[profile b]\nregion = eu-west-1\n");
    let key = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    world.write(".aws/credentials", &format!("[a]\n{key}[b]\n"));
    let ran = |variable: &str| world.finish(world.twolock::<&str>([]).env(variable, "b")).stdout;
    for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        let text = ran(variable);
        assert!(
            text.contains("\n  a      key, no MFA    -     eval ") && text.contains("\n* b      settings"),
            "{text}"
        );
    }
    assert!(ran("OTHER").contains("\na        key, no MFA"), "{}", ran("OTHER"));
}

#[test]
fn without_profiles_it_says_how_to_start() {
    let world = World::new();
    world.write(".aws/config", "");
    world.write(".aws/credentials", "");
    world.finish(&mut world.twolock::<&str>([])).is(
        0,
        "no profiles in ~/.aws/config or ~/.aws/credentials\nnext: twolock setup\n",
        "",
    );
}

#[test]
fn many_profiles_are_cut_with_the_command_for_the_rest() {
    let world = World::new();
    let config: String = (0..50).map(|n| format!("[profile p{n:02}]\nregion = eu-west-1\n")).collect();
    world.write(".aws/config", &config);
    let ran = world.finish(&mut world.twolock::<&str>([]));
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 42));
    assert!(ran.stdout.ends_with("11 more: twolock profile list\n"), "{ran:?}");
}

#[test]
fn escape_sequences_in_names_are_escaped() {
    let world = World::new();
    world.write(".aws/config", "[profile \u{1b}[2J\u{202e}x]\nregion = eu-west-1\n");
    let ran = world.finish(&mut world.twolock::<&str>([]));
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("\\u{1b}[2J\\u{202e}x") && !ran.stdout.contains('\u{1b}'), "{ran:?}");
}

#[test]
fn long_names_are_cut_to_the_terminal() {
    let world = World::new();
    let name = "a-long-name-of-a-profile-in-the-production-account-of-the-billing-team";
    world.add_config(&format!(
        "[profile {name}]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\nendpoint_url = {{url}}\n"
    ));
    world.log_in(name);
    let ran = |args: &[&str]| world.finish(world.twolock(args).env("COLUMNS", "80")).stdout;
    let status = ran(&["status"]);
    let line = status.lines().find(|line| line.starts_with("a-long-")).unwrap();
    assert!(line.contains('…') && status.lines().all(|line| line.chars().count() <= 80), "{status}");
}

#[test]
fn the_next_command_is_never_cut() {
    let world = World::new();
    let name = "a-profile-of-the-billing-team";
    world.add_config(&format!(
        "[profile {name}]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\nendpoint_url = {{url}}\n"
    ));
    let text = world.finish(world.twolock::<&str>([]).env("COLUMNS", "44")).stdout;
    assert_eq!(
        text,
        "PROFILE                        KIND  LEFT\n  NEXT\n\
         base                           key   -\n  eval \"$(twolock env base)\"\n\
         prod                           role  -\n  eval \"$(twolock env prod)\"\n\
         deploy                         role  -\n  eval \"$(twolock env deploy)\"\n\
         long                           role  -\n  eval \"$(twolock env long)\"\n\
         a-profile-of-the-billing-team  role  -\n  eval \"$(twolock env a-profile-of-the-billing-team)\"\n\
         to use these profiles in the AWS CLI and every SDK: twolock profile adopt base\n"
    );
}

use crate::world::{SECRET, World};

#[test]
fn the_sessions_of_the_plan_end_and_the_profiles_that_shared_them_are_named() {
    let world = World::new();
    world.log_in("prod");
    world.run(["logout", "prod"]).is(
        0,
        "ended the role session of arn:aws:iam::123456789012:role/Admin\n\
         ended the session of arn:aws:iam::123456789012:mfa/ana\n\
         it was shared with: base, deploy, long\n",
        "",
    );
    world.run(["logout", "prod"]).is(0, "prod: no sessions to end\n", "");
    assert_eq!(world.run(["credential-process", "prod"]).code, 9);
    assert_eq!(world.run(["credential-process", "deploy"]).code, 9);
}

#[test]
fn sessions_of_other_profiles_stay() {
    let world = World::new();
    world.log_in("prod");
    assert_eq!(world.run(["login", "deploy"]).code, 0);
    assert_eq!(world.run(["logout", "prod"]).code, 0);
    assert_eq!(world.run(["credential-process", "deploy"]).code, 0, "its role still lives");
}

#[test]
fn all_ends_every_session_and_keeps_access_keys() {
    let world = World::new();
    world.log_in("prod");
    world.run(["logout", "--all"]).is(0, "ended 2 sessions and deleted the encryption key\n", "");
    let left: Vec<_> = std::fs::read_dir(world.cache()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".sealed")), "{left:?}");
    assert!(std::fs::read_to_string(world.home().join(".aws/credentials")).unwrap().contains(SECRET));
    world.run(["logout", "--all"]).is(0, "no sessions to end\n", "");
}

#[test]
fn an_aws_file_that_cannot_be_read_is_a_warning_where_no_profile_is_needed() {
    let world = World::new();
    world.log_in("prod");
    std::fs::remove_file(world.home().join(".aws/config")).unwrap();
    std::fs::create_dir(world.home().join(".aws/config")).unwrap();
    let warning = "twolock: warning: cannot read ~/.aws/config: it is a directory\n";
    let status = world.run(["status"]);
    assert!(status.code == 0 && status.stdout.contains("role Admin") && status.stderr == warning, "{status:?}");
    world.run(["settings", "get", "keyring"]).is(0, "auto\n", warning);
    assert_eq!(world.run(["settings", "list"]).code, 0);
    world.run(["logout", "--all"]).is(0, "ended 2 sessions and deleted the encryption key\n", warning);
    assert_eq!(world.run(["status", "prod"]).code, 3, "a profile is asked for");
    world.write(".config/twolock/config.toml", "keyring = \"x\"\n");
    assert_eq!(world.run(["logout", "--all"]).code, 3, "which keyring has the encryption key?");
}

#[test]
fn all_conflicts_with_a_profile() {
    let world = World::new();
    for args in [["logout", "--all", "prod"], ["logout", "--all", "--profile=prod"]] {
        let ran = world.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        assert!(ran.stderr.starts_with("twolock: error: the argument '--all' cannot be used with '"), "{ran:?}");
        assert!(ran.stderr.contains("hint: usage: twolock logout [OPTIONS] [PROFILE | --all]\n"), "{ran:?}");
    }
}

#[test]
fn a_profile_that_cannot_be_planned_is_refused() {
    let world = World::new();
    world.run(["logout", "nobody"]).is(
        3,
        "",
        "twolock: error: profile 'nobody': not found in ~/.aws/config or ~/.aws/credentials\n\
         twolock: hint: profiles: 'base', 'prod', 'deploy', 'long'\n",
    );
}

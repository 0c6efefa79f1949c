//! Whose credentials a shell has: what the overview, `status` and `whoami` say, and that no other command listens.

use serde_json::json;

use crate::by_name::adopted;
use crate::world::{KEY_ID, Ran, SECRET, World, without_terminal};

const ROLE: &str = "arn:aws:sts::123456789012:assumed-role/Admin/ana";

fn sh(world: &World, script: &str) -> Ran {
    let mut command = world.program("sh");
    command.args(["-c", script]);
    without_terminal(&mut command);
    world.finish(&mut command)
}

#[test]
fn whoami_in_a_shell_with_keys_asks_with_these_keys() {
    let world = adopted();
    world.log_in("prod");
    let ran = sh(&world, "eval $(twolock env p) && twolock whoami && twolock whoami --json");
    let text = format!("profile  prod\naccount  123456789012\narn      {ROLE}\nuser id  ");
    assert!(ran.code == 0 && ran.stderr.is_empty() && ran.stdout.starts_with(&text), "{ran:?}");
    assert!(ran.stdout.contains("\"profile\":\"prod\"") || ran.stdout.contains("\"profile\": \"prod\""), "{ran:?}");
    let asked: Vec<_> = world.sandbox.calls().into_iter().filter(|call| call.action == "GetCallerIdentity").collect();
    let role = world.sandbox.sessions().into_iter().find(|session| session.role_arn.is_some()).unwrap();
    let signed = |call: &crate::world::Call| call.access_key_id.as_ref() == Some(&role.access_key_id);
    assert!(asked.len() == 2 && asked.iter().all(signed), "{asked:?}");
    // By name, it is the profile's session.
    let ran = sh(&world, "eval $(twolock env prod --by-name) && twolock whoami");
    assert!(ran.code == 0 && ran.stdout.contains(ROLE) && ran.stderr.is_empty(), "{ran:?}");
}

#[test]
fn whoami_names_keys_that_are_not_those_of_the_profile() {
    let world = adopted();
    world.log_in("prod");
    let foreign = format!(
        "export AWS_ACCESS_KEY_ID={KEY_ID} AWS_SECRET_ACCESS_KEY={SECRET} AWS_ENDPOINT_URL_STS={}; unset AWS_SESSION_TOKEN",
        world.sandbox.url()
    );
    let ran = sh(&world, &format!("eval $(twolock env prod); {foreign}; twolock whoami"));
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (0, "twolock: note: TWOLOCK_PROFILE says prod, the keys here are others\n")
    );
    let user = "account  123456789012\narn      arn:aws:iam::123456789012:user/ana\nuser id  ";
    assert!(ran.stdout.starts_with(user), "{ran:?}");
    let ran = sh(&world, &format!("{foreign}; twolock whoami --json"));
    assert_eq!((ran.code, ran.json()["arn"].clone()), (0, json!("arn:aws:iam::123456789012:user/ana")), "{ran:?}");
    assert!(ran.json().get("profile").is_none(), "{ran:?}");
    // A name that is given counts.
    let ran = sh(&world, &format!("{foreign}; twolock whoami prod"));
    assert!(ran.code == 0 && ran.stdout.contains(ROLE), "{ran:?}");
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn whoami_says_where_the_programs_of_the_shell_use_other_credentials() {
    let world = adopted();
    world.log_in("prod");
    let key = "printf '[base]\\naws_access_key_id = AKIAOTHEROTHEROTHER1\\naws_secret_access_key = x\\n' >> ~/.aws/credentials";
    let ran = sh(&world, &format!("eval $(twolock env base --by-name); {key}; twolock whoami"));
    let note = "twolock: note: profile 'base': not every SDK uses twolock for it (twolock profile show base)\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (0, note), "{ran:?}");
    for (script, says) in [
        ("export AWS_PROFILE=unadopted; twolock whoami", true),
        ("twolock whoami unadopted", false),
        ("eval $(twolock env prod --by-name); twolock whoami", false),
    ] {
        let ran = sh(&world, script);
        assert_eq!((ran.code, ran.stderr.contains("do not use twolock for it")), (0, says), "{script}: {ran:?}");
    }
}

#[test]
fn whoami_does_not_believe_a_name_for_keys_of_another_account() {
    let world = adopted();
    world.log_in("prod");
    // Everything that `env` would set, for keys of somebody else's choice.
    let keys = format!("eval $(twolock env prod); export AWS_ENDPOINT_URL_STS={}", world.sandbox.url());
    let renamed = "sed -i s/123456789012:role/555566667777:role/ ~/.aws/config";
    let ran = sh(&world, &format!("{keys}; {renamed}; twolock whoami --json"));
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (0, "twolock: note: TWOLOCK_PROFILE says prod, but the keys in this shell belong to another account\n")
    );
    assert_eq!((ran.json()["account"].clone(), ran.json().get("profile")), (json!("123456789012"), None));
}

#[test]
fn whoami_says_what_is_wrong_with_the_keys_of_the_shell() {
    let world = adopted();
    world.log_in("prod");
    let url = world.sandbox.url();
    for (script, code, says) in [
        (
            format!("export AWS_ACCESS_KEY_ID={KEY_ID}"),
            3,
            "twolock: error: AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY\n\
             twolock: hint: remove them: unset AWS_ACCESS_KEY_ID\n",
        ),
        (
            format!("export AWS_ACCESS_KEY_ID={SECRET} AWS_SECRET_ACCESS_KEY={KEY_ID}"),
            3,
            "twolock: error: AWS_ACCESS_KEY_ID looks like the secret key: are the two lines swapped?\n\
             twolock: hint: remove them: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY\n",
        ),
        (
            format!(
                "export AWS_ACCESS_KEY_ID=ASIAUNKNOWNUNKNOWN01 AWS_SECRET_ACCESS_KEY=x AWS_SESSION_TOKEN=y AWS_ENDPOINT_URL={url}"
            ),
            4,
            "twolock: hint: remove them: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN\n",
        ),
    ] {
        let ran = sh(&world, &format!("{script}; twolock whoami"));
        assert!(ran.code == code && ran.stderr.ends_with(says) && !ran.stderr.contains(SECRET), "{script}: {ran:?}");
    }
    let evaluated = "eval $(twolock env prod)";
    let ran = sh(&world, &format!("{evaluated}; export AWS_SESSION_TOKEN=stale; twolock whoami"));
    let says = "twolock: error: profile 'prod': the credentials of this shell: ";
    assert!(ran.code == 4 && ran.stderr.starts_with(says), "{ran:?}");
    assert!(ran.stderr.ends_with("twolock: hint: get new ones: eval \"$(twolock env prod)\"\n"), "{ran:?}");
}

#[test]
fn the_overview_and_status_mark_the_profile_of_this_shell() {
    let world = adopted();
    world.log_in("prod");
    for line in ["eval $(twolock env p)", "eval $(twolock env p --by-name)", "export AWS_PROFILE=prod"] {
        let ran = sh(&world, &format!("{line}; twolock; twolock status; twolock status --json"));
        assert!(ran.code == 0 && ran.stderr.is_empty(), "{line}: {ran:?}");
        assert!(ran.stdout.contains("\n* prod "), "{line}: {ran:?}");
        assert!(ran.stdout.contains("\nthis shell: prod\n\nPROFILE"), "{line}: {ran:?}");
        assert!(ran.stdout.contains("\"this_shell\": \"prod\""), "{line}: {ran:?}");
    }
}

#[test]
fn a_name_without_its_credentials_is_not_believed() {
    let world = adopted();
    world.log_in("prod");
    let keys = "export AWS_ACCESS_KEY_ID=AKIAOTHEROTHEROTHER1";
    for (script, says) in [
        (format!("eval $(twolock env prod); {keys}"), "TWOLOCK_PROFILE says prod, the keys here are others\n"),
        (
            "eval $(twolock env base); export TWOLOCK_PROFILE=prod".into(),
            "TWOLOCK_PROFILE says prod, the keys here are others\n",
        ),
        (
            "eval $(twolock env prod --by-name); export AWS_PROFILE=base".into(),
            "TWOLOCK_PROFILE says prod, but AWS_PROFILE says base\n",
        ),
        ("export TWOLOCK_PROFILE=prod".into(), "TWOLOCK_PROFILE says prod, but this shell has no credentials for it\n"),
        (keys.into(), "this shell has keys of its own (AWS_ACCESS_KEY_ID), which programs use before any profile\n"),
    ] {
        for command in ["twolock", "twolock status"] {
            let ran = sh(&world, &format!("{script}; {command}"));
            assert!(ran.code == 0 && ran.stdout.contains(says), "{script}; {command}: {ran:?}");
            assert!(!ran.stdout.contains("* prod") && !ran.stdout.contains("this shell: prod"), "{ran:?}");
        }
    }
}

#[test]
fn a_profile_that_aws_tools_do_not_find_is_named() {
    let world = adopted();
    world.log_in("prod");
    let gone = "eval $(twolock env prod --by-name); sed -i 's/profile prod/profile gone/' ~/.aws/config";
    for (script, name) in [(gone, "prod"), ("export AWS_PROFILE=p", "p"), ("export AWS_DEFAULT_PROFILE=q", "q")] {
        let says = format!(
            "the profile of this shell, '{name}', is not in ~/.aws/config or ~/.aws/credentials, so AWS tools fail\n"
        );
        let ran = sh(&world, &format!("{script}; twolock; twolock status"));
        assert!(ran.code == 0 && ran.stdout.matches(&says).count() == 2, "{script}: {ran:?}");
        sh(&world, "sed -i 's/profile gone/profile prod/' ~/.aws/config");
    }
    for script in ["export AWS_PROFILE=default", "export AWS_PROFILE=prod", "eval $(twolock env p)"] {
        let ran = sh(&world, &format!("{script}; twolock; twolock status"));
        assert!(ran.code == 0 && !ran.stdout.contains("AWS tools fail"), "{script}: {ran:?}");
    }
}

#[test]
fn it_chooses_the_profile_of_no_other_command() {
    let world = adopted();
    world.log_in("prod");
    for args in ["login", "env --format json", "exec -- true", "profile show", "logout", "status --min-ttl 5m"] {
        let ran = sh(&world, &format!("export TWOLOCK_PROFILE=prod; twolock {args}"));
        assert!([2, 9].contains(&ran.code), "{args}: {ran:?}");
        assert!(
            ran.stderr.contains("no profile given") || ran.stderr.contains("requires a terminal"),
            "{args}: {ran:?}"
        );
    }
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

//! `tl` by name and by keys, mixed, in every shell that has one.

use crate::shells::{BASH, Shell, Stage, WITH_INTEGRATION};
use crate::world::Ran;

/// A role and a key that every client gets from twolock; `base`, `prod` and the others of the stage are not adopted.
const ADOPTED: &str = "\
[profile role]
region = eu-central-1
mfa_serial = arn:aws:iam::123456789012:mfa/ana
twolock_role_arn = arn:aws:iam::123456789012:role/Admin
twolock_source_profile = base
endpoint_url = {url}
credential_process = twolock credential-process --profile role

[profile key]
mfa_serial = arn:aws:iam::123456789012:mfa/ana
twolock_source_profile = base
endpoint_url = {url}
credential_process = twolock credential-process --profile key
";

/// Prints what a child process has: the profile, keys or none, the region, what marks the shell.
const HAS: &str = r#"#!/bin/sh
keys=no-keys; [ -z "$AWS_ACCESS_KEY_ID$AWS_SECRET_ACCESS_KEY$AWS_SESSION_TOKEN" ] || keys=keys
ends=; [ -z "$TWOLOCK_EXPIRATION" ] || ends=" until"
echo "${AWS_PROFILE-no-name} $keys ${AWS_REGION-no-region} ${TWOLOCK_PROFILE-unmarked}$ends"
"#;

struct Scene {
    name: &'static str,
    /// In every shell: `tl`, `has`, `twolock`, `;`.
    script: &'static str,
    prints: &'static str,
}

const SCENES: &[Scene] = &[
    Scene {
        name: "an adopted profile is set by name, another by keys",
        script: "tl role; has; tl prod; has; tl key; has",
        prints: "role no-keys no-region role until\nno-name keys eu-west-1 prod\nkey no-keys eu-west-1 key until\n",
    },
    Scene {
        name: "keys where they are asked for, before the name or behind it",
        script: "tl --keys role; has; tl role; has; tl role --keys; has",
        prints: "no-name keys eu-central-1 role\nrole no-keys no-region role until\nno-name keys eu-central-1 role\n",
    },
    Scene {
        name: "back to the previous profile in the manner it was asked for",
        script: "tl --keys role; tl key; tl -; has; tl -; has; tl --keys -; has",
        prints: "no-name keys eu-central-1 role\nkey no-keys eu-west-1 key until\nno-name keys eu-central-1 role\n",
    },
    Scene {
        name: "off brings back what was there before the first, whatever came between",
        script: "tl role; tl prod; tl --keys key; tl key; tl --off; has; tl role; tl --off; has",
        prints: "old keys us-old-1 unmarked\nold keys us-old-1 unmarked\n",
    },
    Scene {
        name: "back after off",
        script: "tl --keys role; tl --off; tl -; has; tl --off; tl key; tl --off; tl -; has",
        prints: "no-name keys eu-central-1 role\nkey no-keys eu-west-1 key until\n",
    },
    Scene {
        name: "an alias is the name of its profile",
        script: "tl r; has; tl prod; tl -; has",
        prints: "role no-keys no-region role until\nrole no-keys no-region role until\n",
    },
    Scene {
        name: "a failure changes nothing",
        script: "tl role; tl nope; has; tl --keys refused; has; tl - x; has; tl --off; has",
        prints: "role no-keys no-region role until\nrole no-keys no-region role until\n\
                 role no-keys no-region role until\nold keys us-old-1 unmarked\n",
    },
];

fn stage() -> Stage {
    let stage = Stage::new();
    stage.world.add_config(ADOPTED);
    stage.world.write(".config/twolock/config.toml", "[aliases]\nr = \"role\"\n");
    stage.world.write("bin/has", HAS);
    crate::world::make_runnable(&stage.world.home().join("bin/has"));
    // Its session of the code is the stage's own.
    stage
}

fn run(stage: &Stage, shell: Shell, script: &str) -> Ran {
    stage.run(shell, &format!("{}\n{}", shell.load(), script.replace("; ", "\n")))
}

#[test]
fn scenes_of_mixed_manners() {
    let stage = stage();
    let mut wrong = String::new();
    for shell in WITH_INTEGRATION {
        for scene in SCENES {
            let ran = run(&stage, shell, scene.script);
            if ran.stdout != scene.prints {
                wrong += &format!("{}: {}:\n{}{}\n", shell.name(), scene.name, ran.stdout, ran.stderr);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(stage.world.sandbox.count("GetSessionToken"), 1, "one question for all of them");
}

#[test]
fn one_note_says_why_keys_are_set() {
    let stage = stage();
    for shell in WITH_INTEGRATION {
        let note = "twolock: note: profile 'prod': keys are set instead of AWS_PROFILE: the AWS CLI and SDKs do not use twolock \
                    for it (twolock profile adopt prod)\n";
        assert_eq!(run(&stage, shell, "tl prod").stderr, note, "{}", shell.name());
        assert_eq!(run(&stage, shell, "tl role; tl --keys prod").stderr, "", "{}", shell.name());
    }
}

#[test]
fn no_process_of_the_shell_finds_a_key() {
    let stage = stage();
    for shell in WITH_INTEGRATION {
        let look = "tl role; sh -c 'tr \"\\\\0\" \"\\\\n\" </proc/self/environ' | grep -c ASIA; aws-like";
        let ran = run(&stage, shell, &look.replace("; aws-like", ""));
        assert_eq!(ran.stdout, "0\n", "{}: {ran:?}", shell.name());
    }
}

#[test]
fn the_prompt_shows_the_name_and_when_a_code_is_needed() {
    let stage = stage();
    for shell in WITH_INTEGRATION {
        let show = match shell.language {
            "fish" => "echo \"[$(twolock_prompt)]\"",
            "zsh" => "twolock_prompt; print -r \"[$twolock_segment]\"",
            _ => "twolock_prompt; echo \"[$twolock_segment]\"",
        };
        let set = |name: &str, value: &str| match shell.is_fish() {
            true => format!("set -gx {name} '{value}'"),
            false => format!("{name}='{value}'"),
        };
        let unset = if shell.is_fish() { "set -e TWOLOCK_EXPIRATION" } else { "unset TWOLOCK_EXPIRATION" };
        let script = format!(
            "tl role; {show}; {}; {show}; {unset}; {show}; {}; {show}; {}; {}; {show}; tl --keys role; {show}",
            set("TWOLOCK_EXPIRATION", "2001-01-01T00:00:00Z"),
            set("AWS_PROFILE", "other"),
            set("AWS_PROFILE", "a\u{7}b"),
            set("TWOLOCK_PROFILE", "a\u{7}b"),
        );
        let ran = run(&stage, shell, &script);
        let shown: Vec<&str> = ran.stdout.lines().collect();
        assert!(
            shown[0].starts_with("[(role 11h59m") || shown[0].starts_with("[(role 12h"),
            "{}: {ran:?}",
            shell.name()
        );
        assert_eq!(shown[1..5], ["[(role code?) ]", "[(role) ]", "[]", "[]"], "{}: {ran:?}", shell.name());
        assert!(shown[5].starts_with("[(role 59m") || shown[5].starts_with("[(role 1h0m"), "{}: {ran:?}", shell.name());
    }
}

#[test]
fn under_set_eu_and_with_odd_separators() {
    let stage = stage();
    let script = "set -eu; tl role; has; tl --keys role; tl -; tl --off; has";
    for shell in WITH_INTEGRATION.into_iter().filter(|shell| !shell.is_fish()) {
        let ran = run(&stage, shell, script);
        assert_eq!((ran.code, ran.stderr.as_str()), (2, "tl: no previous profile\n"), "{}: {ran:?}", shell.name());
        let ran = run(&stage, shell, "set -eu; tl role; IFS=-; tl --keys role; has; tl role; has; tl --off; has");
        let prints = "no-name keys eu-central-1 role\nrole no-keys no-region role until\nold keys us-old-1 unmarked\n";
        ran.is(0, prints, "");
    }
}

/// Statements by name survive an unquoted `eval` as those with keys do.
#[test]
fn unquoted_in_a_plain_shell() {
    let stage = stage();
    stage.run(BASH, "eval $(twolock env role --by-name) && has && eval $(twolock env --unset) && has").is(
        0,
        "role no-keys no-region role until\nno-name no-keys no-region unmarked\n",
        "",
    );
}

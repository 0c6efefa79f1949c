//! The list of scenes. Every shell runs each of them, in a directory full of traps, with old credentials set, and
//! with a `SHELL` that names another one. `seen` prints what a child process then sees: `ours`, `old`, `nothing`, …

use crate::shells::{self, Shell, Stage};

struct Scene {
    /// What happens.
    name: &'static str,
    /// In the words of POSIX shells.
    posix: &'static str,
    /// In those of fish; empty where it has none.
    fish: &'static str,
    /// What is printed.
    prints: &'static str,
}

const SCENES: &[Scene] = &[
    Scene {
        name: "unquoted",
        posix: "eval $(twolock env prod) && seen",
        fish: "eval (twolock env prod); and seen",
        prints: "ours\n",
    },
    Scene {
        name: "quoted, and as a stream",
        posix: "eval \"$(twolock env prod)\" && seen",
        fish: "twolock env prod | source && seen",
        prints: "ours\n",
    },
    Scene {
        name: "the status is success",
        posix: "false; eval $(twolock env prod); echo $?; false; eval \"$(twolock env prod)\"; echo $?",
        fish: "false; eval (twolock env prod); echo $status; false; twolock env prod | source; echo $status",
        prints: "0\n0\n",
    },
    Scene {
        name: "twice",
        posix: "eval $(twolock env prod) && eval $(twolock env prod) && seen",
        fish: "twolock env prod | source && eval (twolock env prod) && seen",
        prints: "ours\n",
    },
    Scene {
        name: "in a function",
        posix: "use() { eval $(twolock env \"$1\"); }; use prod && seen",
        fish: "function use; twolock env $argv | source; end; use prod && seen",
        prints: "ours\n",
    },
    Scene {
        name: "where nothing was set before, under set -eu",
        posix: "set -eu; unset $(env | sed -n '/^AWS_MAX/d; s/^\\(AWS_[A-Z_]*\\)=.*/\\1/p' | tr '\\n' ' ') || :
            for name in AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN AWS_ACCOUNT_ID TWOLOCK_RUNNING \\
                AWS_ROLE_ARN AWS_ROLE_SESSION_NAME AWS_WEB_IDENTITY_TOKEN_FILE AWS_BEARER_TOKEN_BEDROCK \\
                AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI \\
                AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_ACCESS_KEY_ID \\
                AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_REGION AWS_DEFAULT_REGION
            do unset $name; done
            seen; eval $(twolock env prod); seen; eval \"$(twolock env prod)\"; seen",
        fish: "for name in TWOLOCK_RUNNING (set -nx | string match 'AWS_*'); test $name = AWS_MAX_ATTEMPTS; or set -e $name; end
            seen; eval (twolock env prod); and seen; twolock env prod | source && seen",
        prints: "nothing\nours\nours\n",
    },
    Scene {
        name: "variables that were not exported",
        posix: "key=$AWS_ACCESS_KEY_ID; unset AWS_ACCESS_KEY_ID AWS_PROFILE; AWS_ACCESS_KEY_ID=$key AWS_PROFILE=x
            eval $(twolock env prod) && seen",
        fish: "set -gu AWS_ACCESS_KEY_ID x; set -gu AWS_PROFILE x; twolock env prod | source && seen",
        prints: "ours\n",
    },
    Scene {
        name: "the shell is named",
        posix: "for shell in sh bash zsh; do (eval $(twolock env prod --shell $shell) && seen); done",
        fish: "twolock env prod --shell fish | source && seen; eval (twolock env --shell=fish prod) && seen
            echo ours",
        prints: "ours\nours\nours\n",
    },
    Scene {
        name: "no file names are made of words",
        posix: "set -f; eval $(twolock env prod) && set +f && seen",
        fish: "",
        prints: "ours\n",
    },
    Scene {
        name: "words are not split, or not at all",
        posix: "(unset IFS; eval $(twolock env prod) && seen); (IFS=; eval $(twolock env prod) && seen)
            (IFS=; eval \"$(twolock env prod)\" && seen)",
        fish: "set IFS; eval (twolock env prod); and seen; eval (twolock env prod | string collect); and seen
            set -e IFS; twolock env prod | source && seen",
        prints: "ours\nours\nours\n",
    },
    Scene {
        name: "words are split at characters of the values, and quotes save them",
        posix: "for chars in : = / A ASIA \"'\" _ '&' ';' -; do (IFS=$chars; eval \"$(twolock env prod)\" && seen)
            done | sort | uniq -c | tr -s ' '",
        fish: "",
        prints: " 10 ours\n",
    },
    Scene {
        name: "the words are aliases",
        posix: "test -z \"$BASH_VERSION\" || shopt -s expand_aliases
            alias export='echo leaked' unset='echo leaked' eval='echo leaked'
            'eval' \"'eval' \\$(twolock env prod) && seen\"",
        fish: "alias export 'echo leaked'; function source; builtin source $argv; end
            twolock env prod | source && seen",
        prints: "ours\n",
    },
    Scene {
        name: "every assignment is exported, nothing is overwritten, paths of their own",
        posix: "set -aC; CDPATH=/:/tmp; POSIXLY_CORRECT=1; cd ..; cd ./traps; eval $(twolock env prod) && seen",
        fish: "set -g CDPATH / /tmp; cd ..; cd ./traps; twolock env prod | source && seen",
        prints: "ours\n",
    },
    Scene {
        name: "removed again",
        posix: "eval $(twolock env prod) && eval $(twolock env --unset) && seen
            eval $(twolock env prod) && eval \"$(twolock env --unset)\" && seen",
        fish: "twolock env prod | source && twolock env --unset | source && seen
            eval (twolock env prod); and eval (twolock env --unset); and seen",
        prints: "nothing\nnothing\n",
    },
    Scene {
        name: "removing leaves what env does not set",
        posix: "eval $(twolock env --unset) && seen",
        fish: "twolock env --unset | source && seen",
        prints: "only-mixing\n",
    },
    Scene {
        name: "removing what is not there succeeds, under set -eu",
        posix: "set -eu; eval $(twolock env --unset); eval $(twolock env --unset); echo $?
            eval \"$(twolock env --unset)\"; echo $?",
        fish: "twolock env --unset | source; twolock env --unset | source; echo $status
            eval (twolock env --unset); echo $status",
        prints: "0\n0\n",
    },
    Scene {
        name: "an env file",
        posix: "eval $(twolock env --unset); twolock env prod --format dotenv >../file; set -a; . ../file; set +a
            unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN TWOLOCK_RUNNING AWS_ROLE_ARN
            unset AWS_ROLE_SESSION_NAME AWS_WEB_IDENTITY_TOKEN_FILE AWS_BEARER_TOKEN_BEDROCK
            unset AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI
            unset AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE; seen",
        fish: "",
        prints: "ours\n",
    },
];

/// Plays all scenes; every one that ends otherwise is reported, not only the first.
fn play(shell: Shell) {
    let stage = Stage::new();
    let mut wrong = String::new();
    for scene in SCENES {
        let script = if shell.is_fish() { scene.fish } else { scene.posix };
        if script.is_empty() {
            continue;
        }
        let ran = stage.run(shell, script);
        if (ran.code, ran.stdout.as_str(), ran.stderr.as_str()) != (0, scene.prints, "") {
            wrong += &format!("{}: {}: {ran:?}\n", shell.name(), scene.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(stage.world.sandbox.count("GetSessionToken"), 1, "one question for all of them");
}

#[test]
fn dash() {
    play(shells::DASH);
}

#[test]
fn bash() {
    play(shells::BASH);
}

#[test]
fn bash_as_posix() {
    play(shells::BASH_POSIX);
}

#[test]
fn zsh() {
    play(shells::ZSH);
}

#[test]
fn ksh() {
    play(shells::KSH);
}

#[test]
fn mksh() {
    play(shells::MKSH);
}

#[test]
fn busybox() {
    play(shells::BUSYBOX);
}

#[test]
fn fish() {
    play(shells::FISH);
}

#[test]
fn what_is_set_is_all_that_sdks_read() {
    let stage = Stage::new();
    let names: Vec<_> = stage.ours.keys().map(String::as_str).collect();
    let all = [
        "AWS_ACCESS_KEY_ID",
        "AWS_ACCOUNT_ID",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "TWOLOCK_HANDED",
        "TWOLOCK_PROFILE",
    ];
    assert_eq!(names, all);
    assert_eq!((&*stage.ours["AWS_REGION"], &*stage.ours["AWS_DEFAULT_REGION"]), ("eu-west-1", "eu-west-1"));
    assert!(stage.ours["AWS_ACCESS_KEY_ID"].starts_with("ASIA"));
}

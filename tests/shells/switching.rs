//! `tl` of `twolock init`, in every shell that has one: one list of scenes. Each shell begins with old credentials, in
//! a directory full of traps; `seen` says what a child process sees of AWS's variables.

use crate::shells::{BASH, BASH_POSIX, FISH, Shell, Stage, ZSH};
use crate::world::Ran;

struct Scene {
    /// What happens.
    name: &'static str,
    /// In bash and zsh.
    posix: &'static str,
    /// In fish; empty where it has none.
    fish: &'static str,
    /// What is printed.
    prints: &'static str,
    /// What stderr holds; empty: nothing at all.
    says: &'static str,
}

const SCENES: &[Scene] = &[
    Scene {
        name: "to a profile, and to what was there before",
        posix: "tl prod && seen && tl --off && seen",
        fish: "tl prod; and seen; and tl --off; and seen",
        prints: "ours\nold\n",
        says: "",
    },
    Scene {
        name: "off without a profile, and twice",
        posix: "tl --off && seen; tl prod && tl --off && tl --off && seen",
        fish: "tl --off; and seen; tl prod; and tl --off; and tl --off; and seen",
        prints: "old\nold\n",
        says: "",
    },
    Scene {
        name: "off after several profiles",
        posix: "tl prod && tl base && tl prod && tl --off && seen",
        fish: "tl prod; and tl base; and tl prod; and tl --off; and seen",
        prints: "old\n",
        says: "",
    },
    Scene {
        name: "back and forth",
        posix: "tl prod && tl base && tl - && seen && tl - && seen | cut -c1-9 && tl - && seen",
        fish: "tl prod; and tl base; and tl -; and seen; and tl -; and seen | cut -c1-9; and tl -; and seen",
        prints: "ours\nAWS_ACCES\nours\n",
        says: "",
    },
    Scene {
        name: "the same profile again is no other one",
        posix: "tl base && tl prod && tl prod && tl - && tl - && seen",
        fish: "tl base; and tl prod; and tl prod; and tl -; and tl -; and seen",
        prints: "ours\n",
        says: "",
    },
    Scene {
        name: "back after off",
        posix: "tl prod && tl --off && tl - && seen",
        fish: "tl prod; and tl --off; and tl -; and seen",
        prints: "ours\n",
        says: "",
    },
    Scene {
        name: "no profile before",
        posix: "tl -; echo $?; seen; tl prod && tl -; echo $?; seen",
        fish: "tl -; echo $status; seen; tl prod; and tl -; echo $status; seen",
        prints: "2\nold\n2\nours\n",
        says: "tl: no previous profile",
    },
    Scene {
        name: "a failure changes nothing, and its status says so",
        posix: "tl nope; echo $?; seen; tl asks; echo $?; seen; tl prod; tl refused; echo $?; seen; tl --off; seen",
        fish: "tl nope; echo $status; seen; tl asks; echo $status; seen
            tl prod; tl refused; echo $status; seen; tl --off; seen",
        prints: "3\nold\n9\nold\n4\nours\nold\n",
        says: "twolock: error: profile 'nope'",
    },
    Scene {
        name: "what is no profile is answered by how, and which there are",
        posix: "tl ''; echo $?; tl a b; echo $?; tl --frobnicate; echo $?; seen",
        fish: "tl ''; echo $status; tl a b; echo $status; tl --frobnicate; echo $status; seen",
        prints: "2\n2\n2\nold\n",
        says: "usage: tl [--keys] [PROFILE]   (no PROFILE: pick one; tl -: the previous profile; --keys: set keys, not AWS_PROFILE; tl --off: restore what was set before the first tl)\nbase\nprod\n",
    },
    Scene {
        name: "without a profile and a terminal there is no picker, and nothing changes",
        posix: "tl; echo $?; seen",
        fish: "tl; echo $status; seen",
        prints: "9\nold\n",
        says: "twolock: error: picking a profile requires a terminal: no terminal",
    },
    Scene {
        name: "by another name of config.toml",
        posix: "tl p && seen && tl base && tl - && seen && twolock_prompt && tl --off && seen",
        fish: "tl p; and seen; and tl base; and tl -; and seen; and tl --off; and seen",
        prints: "ours\nours\nold\n",
        says: "",
    },
    Scene {
        name: "help is no failure",
        posix: "tl --help | cut -c1-28 && tl -h | cut -c1-28 && tl help | cut -c1-28 && seen",
        fish: "tl --help | cut -c1-28; and tl -h | cut -c1-28; and tl help | cut -c1-28; and seen",
        prints: "usage: tl [--keys] [PROFILE]\nusage: tl [--keys] [PROFILE]\nusage: tl [--keys] [PROFILE]\nold\n",
        says: "",
    },
    Scene {
        name: "loaded twice in between",
        posix: "tl prod && LOAD && tl base && LOAD && tl - && seen && tl --off && LOAD && seen",
        fish: "tl prod; and LOAD; and tl base; and LOAD; and tl -; and seen; and tl --off; and LOAD; and seen",
        prints: "ours\nold\n",
        says: "",
    },
    Scene {
        name: "what was not set is not set again, what was not exported not exported",
        posix: "unset AWS_PROFILE AWS_SESSION_TOKEN AWS_REGION; AWS_REGION=eu-mine-1
            tl prod && seen && tl --off && echo ${AWS_PROFILE-unset} ${AWS_SESSION_TOKEN-unset} $AWS_REGION
            printenv AWS_REGION || printenv AWS_PROFILE || printenv AWS_DEFAULT_REGION",
        fish: "set -e AWS_PROFILE; set -e AWS_SESSION_TOKEN; set -e AWS_REGION; set -g AWS_REGION eu-mine-1
            tl prod; and seen; and tl --off
            set -q AWS_PROFILE; or echo -n 'unset '; set -q AWS_SESSION_TOKEN; or echo -n 'unset '; echo $AWS_REGION
            printenv AWS_REGION; or printenv AWS_PROFILE; or printenv AWS_DEFAULT_REGION",
        prints: "ours\nunset unset eu-mine-1\nus-old-1\n",
        says: "",
    },
    Scene {
        name: "values that a shell would read come back to the byte",
        posix: "old='a  b\"c$(touch ran)`touch ran` \\\\ * '\"'\"'x
            y'; export AWS_PROFILE=$old; tl prod && tl --off && test \"$AWS_PROFILE\" = \"$old\" && echo same; ls ran",
        fish: "set -gx AWS_PROFILE 'a  b\"c$(touch ran)`touch ran` \\\\ * \\'x' y; set old $AWS_PROFILE
            tl prod; and tl --off; and test \"$AWS_PROFILE\" = \"$old\"; and count $AWS_PROFILE $old | string replace 4 same
            ls ran",
        prints: "same\n",
        says: "ran",
    },
    Scene {
        name: "under set -eu",
        posix: "set -eu; tl prod; seen; tl base; tl -; seen; tl --off; seen; twolock_prompt; tl nope || seen; tl nope; seen",
        fish: "",
        prints: "ours\nours\nold\nold\n",
        says: "twolock: error: profile 'nope'",
    },
    Scene {
        name: "loaded under set -eu and set -a",
        posix: "set -eua; LOAD; tl prod; seen; env | sed -n 's/^\\(__*twolock[^=]*\\)=.*/\\1/p'; tl --off; seen",
        fish: "",
        prints: "ours\nold\n",
        says: "",
    },
    Scene {
        name: "odd separators of words",
        posix: "for IFS in A : \"'\" / ' ' _ '' 0; do tl prod && seen && tl base && tl - && seen && tl --off && seen; done |
            sort | uniq -c | tr -s ' '",
        fish: "for chars in A : \"'\" / ' ' _ '' 0
                set -g IFS $chars; tl prod; and seen; and tl base; and tl -; and seen; and tl --off; and seen
            end | sort | uniq -c | tr -s ' '",
        prints: " 8 old\n 16 ours\n",
        says: "",
    },
    Scene {
        name: "the words are aliases, before it is loaded and after",
        posix: "test -z \"$BASH_VERSION\" || shopt -s expand_aliases
            alias tl='echo leaked'
            for word in export unset eval cd command builtin local declare typeset printf print shift return read test emulate
            do alias $word='echo leaked'; done
            QUOTED LOAD
            \\eval 'tl prod && seen && tl base && tl - && seen && tl --off && seen && tl - && twolock_prompt && seen'",
        fish: "for word in export unset cd source printf echo string count contains path math
                alias $word 'false leaked'
            end
            twolock init fish | builtin source; tl prod; and seen; and tl base; and tl -; and seen; and tl --off; and seen
            tl -; and twolock_prompt >/dev/null; and seen",
        prints: "ours\nours\nold\nours\n",
        says: "",
    },
    Scene {
        name: "the words are functions",
        posix: "for word in declare typeset printf print read test emulate local cd
            do \\builtin eval \"function $word { echo leaked; }\"; done
            LOAD; function twolock { echo leaked; }
            tl prod && seen && tl --off && seen && tl - && twolock_prompt && seen",
        fish: "function twolock; echo leaked; end
            tl prod; and seen; and tl --off; and seen; and tl -; and seen",
        prints: "ours\nold\nours\n",
        says: "",
    },
    Scene {
        name: "names with spaces, and such as a shell would read",
        posix: "tl 'my base' && printenv AWS_REGION && tl prod && tl - && printenv AWS_REGION
            tl '$(touch ran)`touch ran`'; echo $?; tl \"a'b\"; echo $?; ls ran",
        fish: "tl 'my base'; and printenv AWS_REGION; and tl prod; and tl -; and printenv AWS_REGION
            tl '$(touch ran)`touch ran`'; echo $status; tl \"a'b\"; echo $status; ls ran",
        prints: "eu-north-1\neu-north-1\n3\n3\n",
        says: "profile '$(touch ran)`touch ran`'",
    },
    Scene {
        name: "nothing of it is handed to children",
        posix: "tl prod && env | grep -v ACCOUNT_HOME | grep -v ^TWOLOCK_HANDED= | grep -v ^TWOLOCK_PROFILE= | grep -ci twolock_; bash -c 'echo ${__twolock_at-none} ${__twolock_before-none}'",
        fish: "tl prod; and env | grep -v ACCOUNT_HOME | grep -v ^TWOLOCK_HANDED= | grep -v ^TWOLOCK_PROFILE= | grep -ci twolock_; bash -c 'echo ${__twolock_at-none} ${__twolock_before-none}'",
        prints: "0\nnone none\n",
        says: "",
    },
    Scene {
        name: "what one profile handed on is removed for the next, and off brings back what was there before",
        posix: "handed() { sed 's/:[0-9a-f]*//g; s/AWS_ACCESS_KEY_ID,//; s/AWS_REGION,AWS_DEFAULT_REGION,//; s/,TWOLOCK_PROFILE//'; }
            unset AWS_ENDPOINT_URL; export AWS_CA_BUNDLE=/mine; tl prod && echo $TWOLOCK_HANDED | handed
            tl elsewhere && echo $TWOLOCK_HANDED $AWS_CA_BUNDLE | handed
            tl --off && echo ${TWOLOCK_HANDED-none} ${AWS_ENDPOINT_URL-none} $AWS_CA_BUNDLE; seen | cut -c1-9",
        fish: "function handed; sed 's/:[0-9a-f]*//g; s/AWS_ACCESS_KEY_ID,//; s/AWS_REGION,AWS_DEFAULT_REGION,//; s/,TWOLOCK_PROFILE//'; end
            set -gx AWS_CA_BUNDLE /mine; tl prod; and echo $TWOLOCK_HANDED | handed
            tl elsewhere; and echo $TWOLOCK_HANDED $AWS_CA_BUNDLE | handed
            tl --off; set -q TWOLOCK_HANDED; or set -q AWS_ENDPOINT_URL; or echo none none $AWS_CA_BUNDLE
            seen | cut -c1-9",
        prints: "AWS_ENDPOINT_URL\nAWS_ENDPOINT_URL,AWS_USE_DUALSTACK_ENDPOINT /mine\nnone none /mine\nAWS_ACCES\n",
        says: "AWS_CA_BUNDLE is already set, and takes precedence over ca_bundle",
    },
    Scene {
        name: "in a directory called like everything, with files as words",
        posix: "set -f; tl prod && seen; set +f; tl base; tl - && seen && tl --off && seen",
        fish: "",
        prints: "ours\nours\nold\n",
        says: "",
    },
];

pub fn stage() -> Stage {
    let stage = Stage::new();
    stage.world.write(".config/twolock/config.toml", "[aliases]\np = \"prod\"\n");
    stage.world.add_config(
        "[profile my base]\nregion = eu-north-1\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\n\
         twolock_source_profile = base\nendpoint_url = {url}\n",
    );
    stage
}

#[track_caller]
fn run(stage: &Stage, shell: Shell, script: &str) -> Ran {
    let script =
        script.replace("QUOTED LOAD", &shell.load().replacen("eval", "'eval'", 1)).replace("LOAD", &shell.load());
    without_notes(stage.run(shell, &format!("{}\n{script}", shell.load())))
}

/// No profile here is adopted, so each is set by its keys, and a note says why.
fn without_notes(mut ran: Ran) -> Ran {
    ran.stderr = ran
        .stderr
        .lines()
        .filter(|line| !line.contains(": keys are set instead of AWS_PROFILE: "))
        .fold(String::new(), |kept, line| kept + line + "\n");
    ran
}

/// Plays all scenes; every one that ends otherwise is reported, not only the first.
fn play(shell: Shell, before: &str) {
    let stage = stage();
    let mut wrong = String::new();
    for scene in SCENES {
        let script = if shell.is_fish() { scene.fish } else { scene.posix };
        if script.is_empty() {
            continue;
        }
        let ran = run(&stage, shell, &format!("{before}\n{script}"));
        let said = if scene.says.is_empty() { ran.stderr.is_empty() } else { ran.stderr.contains(scene.says) };
        if ran.stdout != scene.prints || !said {
            wrong += &format!("{} {before}: {}:\n{}{}\n", shell.name(), scene.name, ran.stdout, ran.stderr);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(stage.world.sandbox.count("GetSessionToken"), 1, "one question for all of them");
}

#[test]
fn bash() {
    play(BASH, "");
}

#[test]
fn bash_as_posix() {
    play(BASH_POSIX, "");
}

#[test]
fn zsh() {
    play(ZSH, "");
}

#[test]
fn fish() {
    play(FISH, "");
}

/// Each option, set before the file is read again, in a new shell.
fn plays_under(shell: Shell, set: &str, options: &str) {
    let stage = stage();
    let mut wrong = String::new();
    for option in options.split_whitespace() {
        let script = format!(
            "{set} {option}; LOAD; tl prod && seen && tl base && tl - && seen && tl nope || tl --off && seen
             twolock_prompt; COMP_WORDS=(tl pr) COMP_CWORD=1; echo end"
        );
        let ran = run(&stage, shell, &script);
        let noise = ran.stderr.lines().find(|line| !line.starts_with("twolock: "));
        if ran.stdout != "ours\nours\nold\nend\n" || noise.is_some() {
            wrong += &format!("{option}: {ran:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn options_of_bash() {
    let options = "nullglob failglob extglob dotglob nocaseglob nocasematch globstar expand_aliases xpg_echo
        localvar_unset localvar_inherit lastpipe compat31 compat44";
    plays_under(BASH, "shopt -s", options);
    plays_under(BASH, "set -o", "allexport noclobber errexit noglob nounset pipefail posix errtrace functrace");
}

#[test]
fn options_of_zsh() {
    let options = "sh_word_split glob_subst no_nomatch null_glob csh_null_glob ksh_arrays rc_quotes csh_junkie_quotes
        posix_builtins posix_aliases posix_identifiers magic_equal_subst extended_glob ksh_glob sh_glob err_exit
        err_return no_unset no_global_export all_export warn_create_global warn_nested_var ksh_typeset typeset_silent
        brace_ccl no_multios noglob no_equals no_short_loops ignore_braces interactive_comments rc_expand_param
        prompt_bang prompt_subst no_clobber pipe_fail";
    plays_under(ZSH, "setopt", options);
}

#[test]
fn a_read_only_variable_makes_it_fail_and_nothing_is_changed() {
    let stage = stage();
    for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ACCESS_KEY_ID"] {
        for shell in [BASH, ZSH] {
            let ran = run(&stage, shell, &format!("readonly {name}\ntl prod || echo failed\nseen"));
            assert_eq!(ran.stdout, "failed\nold\n", "{} {name}: {ran:?}", shell.name());
            assert!(ran.stderr.contains(name), "{} {name}: {ran:?}", shell.name());
        }
    }
}

#[test]
fn traps_of_bash_see_the_failure_alone() {
    let script = "set -E; trap 'echo trapped' ERR; tl prod; tl --off; twolock_prompt; seen";
    run(&stage(), BASH, script).is(0, "old\n", "");
}

#[test]
fn universal_variables_of_fish_come_back_behind_global_ones() {
    let stage = stage();
    let mut fish = stage.shell(Shell { command: &["fish"], language: "fish" });
    let script = "
        twolock init fish | source
        set -e AWS_PROFILE; set -Ux AWS_PROFILE everywhere; set -gx AWS_PROFILE here
        set -e AWS_ACCOUNT_ID; set -U AWS_ACCOUNT_ID 1
        set -Ux AWS_REGION eu-mine-1; set -eg AWS_REGION
        tl prod; and seen; and tl --off
        echo $AWS_PROFILE; set -eg AWS_PROFILE; printenv AWS_PROFILE; echo $AWS_ACCOUNT_ID; printenv AWS_REGION
        set -qUx AWS_ACCOUNT_ID; or echo not exported";
    let ran = without_notes(stage.world.finish(fish.args(["-c", script])));
    ran.is(0, "ours\nhere\neverywhere\n1\neu-mine-1\nnot exported\n", "");
}

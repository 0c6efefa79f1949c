//! Options of single shells that change how words are read; each in a subshell of one process.

use crate::shells::{BASH, KSH, MKSH, Shell, Stage, ZSH};

const ZSH_OPTIONS: &str = "sh_word_split glob_subst no_nomatch null_glob csh_null_glob ksh_arrays rc_quotes no_rcs
    csh_junkie_quotes posix_builtins posix_aliases posix_identifiers magic_equal_subst extended_glob ksh_glob sh_glob
    err_exit err_return no_unset no_global_export all_export warn_create_global warn_nested_var ksh_typeset
    typeset_silent brace_ccl no_multios noglob no_equals no_short_loops ignore_braces interactive_comments mark_dirs
    glob_assign glob_complete numeric_glob_sort no_case_glob no_bad_pattern rc_expand_param sh_file_expansion
    no_exec_off";
const BASH_OPTIONS: &str = "nullglob failglob extglob dotglob nocaseglob nocasematch globstar expand_aliases xpg_echo
    localvar_unset localvar_inherit lastpipe compat44 globasciiranges";
const SET_OPTIONS: &str = "allexport noclobber errexit noglob nounset pipefail";

/// Sets each option in a subshell, evaluates in both ways, and names the options under which it did not work.
fn plays_under(shell: Shell, set: &str, options: &str) {
    let stage = Stage::new();
    let options: Vec<_> = options.split_whitespace().filter(|option| *option != "no_exec_off").collect();
    let mut script = String::new();
    for option in &options {
        script += &format!(
            "(echo \"{option} $({set} {option}; eval $(twolock env prod) && seen) \
             $({set} {option}; eval \"$(twolock env prod)\" && seen) \
             $({set} {option}; eval $(twolock env nope) && seen)\")\n"
        );
    }
    let ran = stage.run(shell, &script);
    let expected: String = options.iter().map(|option| format!("{option} ours ours \n")).collect();
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
    let noise = ran.stderr.lines().find(|line| !line.starts_with("twolock: "));
    assert_eq!(noise, None);
}

#[test]
fn options_of_zsh() {
    plays_under(ZSH, "setopt", ZSH_OPTIONS);
}

#[test]
fn emulations_of_zsh() {
    plays_under(ZSH, "emulate", "sh ksh csh zsh");
}

#[test]
fn options_of_bash() {
    plays_under(BASH, "shopt -s", BASH_OPTIONS);
}

#[test]
fn options_of_set() {
    for shell in [BASH, ZSH, KSH, MKSH] {
        plays_under(shell, "set -o", SET_OPTIONS);
    }
}

#[test]
fn traps_of_bash_see_no_error() {
    let stage = Stage::new();
    let script = "set -E; trap 'echo trapped' ERR; eval $(twolock env prod); seen; eval $(twolock env --unset); seen";
    stage.run(BASH, script).is(0, "ours\nnothing\n", "");
}

/// fish: a function's own variables and universal ones would be exported beside ours.
#[test]
fn variables_of_every_scope_of_fish() {
    let stage = Stage::new();
    let script = "
        function outer
            set -lx AWS_PROFILE outer
            begin
                set -lx AWS_PROFILE block
                set -lx AWS_ACCOUNT_ID 1
                twolock env prod | source && seen
            end
            seen
        end
        set -gx AWS_PROFILE global
        outer
        seen";
    stage.run(crate::shells::FISH, script).is(0, "ours\nours\nours\n", "");
}

#[test]
fn universal_variables_of_fish() {
    let stage = Stage::new();
    let mut fish = stage.shell(Shell { command: &["fish"], language: "fish" });
    let script = "
        set -e AWS_PROFILE; set -Ux AWS_PROFILE everywhere; set -Ux AWS_REGION eu-mine-1
        twolock env prod | source && seen
        twolock env --unset | source && twolock env --unset | source && printenv AWS_REGION";
    let ran = stage.world.finish(fish.args(["-c", script]));
    ran.is(0, "ours\neu-mine-1\n", "");
}

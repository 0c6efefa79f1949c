//! The prompt segment of `twolock init`, with a stopped clock.

use std::fs;

use crate::shells::{BASH, BASH_POSIX, FISH, Shell, Stage, WITH_INTEGRATION, ZSH};

/// The present of these tests.
const NOW: &str = "2026-02-28 23:50:00";

/// When credentials end, and the segment.
const SEGMENTS: &[(&str, &str)] = &[
    ("2026-02-28T23:50:59Z", "(aws <1m!) "),
    ("2026-02-28T23:51:00Z", "(aws 1m!) "),
    ("2026-02-28T23:59:59Z", "(aws 9m!) "),
    ("2026-03-01T00:00:00Z", "(aws 10m) "),
    ("2026-03-01T00:00:00+00:00", "(aws 10m) "),
    ("2026-03-01T00:49:59Z", "(aws 59m) "),
    ("2026-03-01T00:50:00Z", "(aws 1h0m) "),
    ("2026-03-01T11:49:08Z", "(aws 11h59m) "),
    ("2026-03-02T11:50:00Z", "(aws 36h0m) "),
    ("2028-02-29T23:50:00Z", "(aws 17544h0m) "),
    ("2028-03-01T23:50:00Z", "(aws 17568h0m) "),
    ("2100-03-01T00:00:00Z", "(aws 648672h10m) "),
    ("2026-02-28T23:50:00Z", "(aws expired!) "),
    ("2026-02-28T23:49:59Z", "(aws expired!) "),
    ("2025-12-31T08:09:08Z", "(aws expired!) "),
    ("1970-01-01T00:00:00Z", "(aws expired!) "),
    ("2026-03-01T00:00:00+01:00", "(aws) "),
    ("2026-03-01", "(aws) "),
    ("a[$(touch ran)]", "(aws) "),
    ("$(touch ran)", "(aws) "),
    ("%n%m!", "(aws) "),
    ("", ""),
];

fn script(shell: Shell) -> (String, &'static str) {
    let show = match shell.language {
        "fish" => "echo \"[$(twolock_prompt)]\"",
        "zsh" => "twolock_prompt; print -r \"[$twolock_segment]\"",
        _ => "twolock_prompt; echo \"[$twolock_segment]\"",
    };
    (shell.load(), show)
}

#[test]
fn time_left_warning_and_end() {
    let stage = Stage::new();
    for shell in WITH_INTEGRATION {
        let (load, show) = script(shell);
        let mut text = format!("{load}\n");
        for (ends, _) in SEGMENTS {
            text += &match shell.is_fish() {
                true => format!("set -gx AWS_CREDENTIAL_EXPIRATION '{ends}'; {show}\n"),
                false => format!("AWS_CREDENTIAL_EXPIRATION='{ends}'; {show}\n"),
            };
        }
        let command = stage.shell(shell);
        let mut frozen = stage.world.program("faketime");
        frozen.env("TZ", "UTC").env("NO_FAKE_STAT", "1").current_dir(&stage.directory);
        frozen.args(["-f", NOW]).arg(command.get_program()).args(command.get_args()).args(["-c", &text]);
        crate::world::without_terminal(&mut frozen);
        let ran = stage.world.finish(&mut frozen);
        let expected: String = SEGMENTS.iter().map(|(_, segment)| format!("[{segment}]\n")).collect();
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (expected.as_str(), ""), "{}", shell.name());
        assert!(!stage.directory.join("ran").exists());
    }
}

#[test]
fn the_profile_is_named_only_while_its_credentials_are_there() {
    let stage = Stage::new();
    for shell in WITH_INTEGRATION {
        let (load, show) = script(shell);
        let evaluated = if shell.is_fish() { "twolock env base | source" } else { "eval \"$(twolock env base)\"" };
        let text = format!(
            "{load}\ntl prod; {show}; tl base; {show}; {evaluated}; {show}; tl prod; {evaluated}; {show}; tl --off; {show}"
        );
        let ran = stage.run(shell, &text);
        // what is left is not this test's
        let names: Vec<_> = ran.stdout.lines().map(|line| line.split([' ', ']']).next().unwrap()).collect();
        // base's own session again is base's
        assert_eq!(names, ["[(prod", "[(base", "[(base", "[(aws", "[(aws"], "{}: {ran:?}", shell.name());
    }
}

#[test]
fn the_status_is_kept() {
    let stage = Stage::new();
    for shell in [BASH, BASH_POSIX, ZSH] {
        let (load, _) = script(shell);
        let text = format!("{load}\n(exit 7); twolock_prompt; echo $?; unset AWS_CREDENTIAL_EXPIRATION; (exit 8)\n");
        stage.run(shell, &(text + "twolock_prompt; echo $?")).is(0, "7\n8\n", "");
    }
    let text = "twolock init fish | source; sh -c 'exit 7'; twolock_prompt >/dev/null; echo $status
        set -e AWS_CREDENTIAL_EXPIRATION; sh -c 'exit 8'; twolock_prompt; echo $status";
    stage.run(FISH, text).is(0, "7\n8\n", "");
}

/// Names are shown as they are: no prompt interprets a part of them.
#[test]
fn names_are_shown_and_not_obeyed() {
    let stage = Stage::new();
    let name = "%n !! $(touch ran) `touch ran` \\u";
    let at = format!("__twolock_at=('{name}' $AWS_ACCESS_KEY_ID)");
    let text =
        format!("eval \"$(twolock init bash)\"; {at}; twolock_prompt; PS1='$twolock_segment'; echo \"${{PS1@P}}\"");
    let shown = format!("({name} expired!) \n");
    stage.run(BASH, &text).is(0, &shown, "");
    for options in ["prompt_subst", "prompt_subst prompt_bang"] {
        let text = format!(
            "setopt {options}; eval \"$(twolock init zsh)\"; {at}; twolock_prompt
             PROMPT='$twolock_segment'; print -r -- \"${{(%%)PROMPT}}\""
        );
        stage.run(ZSH, &text).is(0, &shown, "");
    }
    assert!(!stage.directory.join("ran").exists());
}

/// The number of processes a script starts; threads of fish are none.
fn processes(stage: &Stage, shell: Shell, text: &str) -> usize {
    let trace = stage.world.home().join("trace");
    let command = stage.shell(shell);
    let mut strace = stage.world.program("strace");
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    strace.args(["-f", "-e", "trace=clone,clone3,fork,vfork,execve", "-o"]).arg(&trace);
    strace.arg(command.get_program()).args(command.get_args()).args(["-c", text]);
    crate::world::without_terminal(&mut strace);
    let ran = stage.world.finish(&mut strace);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let calls = fs::read_to_string(&trace).unwrap();
    let starts = |line: &&str| line.contains('(') && !line.contains("CLONE_THREAD") && !line.contains("resumed");
    calls.lines().filter(starts).count()
}

#[test]
fn no_process_is_started() {
    let stage = Stage::new();
    for shell in WITH_INTEGRATION {
        let (_, show) = script(shell);
        let file = stage.world.home().join("loaded");
        fs::write(&file, stage.world.run(["init", shell.language]).stdout).unwrap();
        let load = format!(". {}", file.display());
        let (show, set) = match shell.is_fish() {
            true => ("twolock_prompt >/dev/null", "set -gx AWS_CREDENTIAL_EXPIRATION "),
            false => (show, "AWS_CREDENTIAL_EXPIRATION="),
        };
        let ends = ["2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"];
        let shows: String = ends.iter().map(|ends| format!("{set}{ends}; {show}\n")).collect();
        assert_eq!(processes(&stage, shell, &format!("{load}\n{shows}true")), 1, "{}: the shell", shell.name());
        let seen = processes(&stage, shell, &format!("{load}\n{shows}ls >/dev/null\ntrue"));
        assert!(seen > 1, "{}: the trace sees a process", shell.name());
    }
}

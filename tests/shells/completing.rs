//! Completion of `twolock init`, driven in the real shells.

use std::fs;
use std::time::{Duration, Instant};

use twolock::Shell;

use crate::shells::{BASH, FISH, Stage, ZSH};
use crate::world::Ran;

fn completion(shell: Shell) -> &'static str {
    shell.integration().unwrap().completion()
}

fn stage() -> Stage {
    let stage = Stage::new();
    stage.world.add_config("[profile my base]\nregion = eu-west-1\n[profile a:b:$(touch ran)]\nregion = eu-west-1\n");
    stage
}

/// The words up to the cursor, as bash cuts them, and what is offered.
const BASH_LINES: &[(&str, &str)] = &[
    ("twolock lo", "login logout"),
    ("twolock env p", "prod"),
    ("twolock env m", "my\\ base"),
    ("twolock env my\\\\\\ b", "my\\ base"),
    ("twolock env \\'my", "my base"),
    ("twolock env --sh", "--shell"),
    ("twolock env --shell = zs", "zsh"),
    ("twolock env --shell =", "sh bash zsh fish powershell"),
    ("twolock profile show --profile pr", "prod"),
    ("twolock env a : b", "b:\\$\\(touch\\ ran\\)"),
    ("twolock init f", "fish"),
    ("twolock settings get session_d", "session_duration"),
    ("twolock profile set prod mfa", "mfa_process mfa_serial"),
    ("twolock exec prod -- printen", "printenv"),
    ("twolock env prod ''", ""),
    ("tl p", "prod"),
    ("tl --", "--keys --off"),
    ("tl prod b", ""),
];

#[test]
fn bash() {
    completes_in_bash("eval \"$(twolock init bash)\"");
    completes_in_bash(completion(Shell::Bash));
}

fn completes_in_bash(load: &str) {
    let stage = stage();
    let mut script = format!("{load}\nset -eu\n");
    for (line, _) in BASH_LINES {
        script += &format!(
            "COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
             of=$(complete -p ${{COMP_WORDS[0]}}); of=${{of##*-F }}; ${{of%% *}}
             printf '%s\\n' \"${{COMPREPLY[@]-}}\" | awk '!seen[$0]++' | paste -sd' ' -\n"
        );
    }
    let ran = stage.run(BASH, &script);
    let expected: String = BASH_LINES.iter().map(|(_, offered)| format!("{offered}\n")).collect();
    ran.is(0, &expected, "");
    assert!(!stage.directory.join("ran").exists());
}

/// What is typed before the key, and the line after it.
const ZSH_LINES: &[(&str, &str)] = &[
    ("twolock who", "twolock whoami "),
    ("twolock env m", "twolock env my\\ base "),
    ("twolock env a:", "twolock env a:b:\\$\\(touch\\ ran\\) "),
    ("twolock env --she", "twolock env --shell "),
    ("twolock env --shell zs", "twolock env --shell zsh "),
    ("twolock env --shell=zs", "twolock env --shell=zsh "),
    ("twolock profile show pr", "twolock profile show prod "),
    ("twolock settings get session_d", "twolock settings get session_duration "),
    ("twolock settings trust ./only-fi", "twolock settings trust ./only-file "),
    ("twolock exec prod -- ls only-fi", "twolock exec prod -- ls only-file "),
    ("tl pr", "tl prod "),
    ("tl --o", "tl --off "),
];

#[test]
fn zsh() {
    completes_in_zsh("autoload -Uz compinit; compinit -u -D; eval \"$(twolock init zsh)\"", ZSH_LINES);
}

/// As packages install it: a file that the completion system finds and loads.
#[test]
fn zsh_by_a_file_of_its_functions() {
    let only_twolock: Vec<_> = ZSH_LINES.iter().copied().filter(|(typed, _)| typed.starts_with("twolock")).collect();
    completes_in_zsh("fpath=($HOME/functions $fpath); autoload -Uz compinit; compinit -u -D", &only_twolock);
}

fn completes_in_zsh(load: &str, typed: &[(&str, &str)]) {
    let stage = stage();
    stage.world.write("functions/_twolock", &format!("#compdef twolock\n\n{}", completion(Shell::Zsh)));
    fs::write(stage.directory.join("only-file"), "").unwrap();
    let mut script = format!("zmodload zsh/zpty; zpty shell 'zsh -f -i'\nzpty -w shell 'PS1=; {load}'\n");
    script += "\
        zpty -w shell 'shown() { print -r -- \"$BUFFER\" >>$HOME/lines; BUFFER=; }; zle -N shown; bindkey \"^X\" shown'\n\
        zpty -w shell 'print -r -- ready >$HOME/lines'\n\
        wait_for() { repeat 600; do (( $(wc -l <$HOME/lines) >= $1 )) && return; sleep 0.05; done; }\n\
        touch $HOME/lines; wait_for 1\n";
    for (n, (typed, _)) in typed.iter().enumerate() {
        let quoted = typed.replace('\'', "'\\''");
        script += &format!("zpty -wn shell '{quoted}'$'\\t'; zpty -wn shell $'\\x18'; wait_for {}\n", n + 2);
    }
    script += "zpty -d shell";
    let ran = stage.run(ZSH, &script);
    let lines = fs::read_to_string(stage.world.home().join("lines")).unwrap();
    let expected: String = typed.iter().map(|(_, line)| format!("{line}\n")).collect();
    assert_eq!(lines, format!("ready\n{expected}"), "{ran:?}");
    assert!(!stage.directory.join("ran").exists());
}

/// What is typed, and what is offered, sorted as fish sorts it.
const FISH_LINES: &[(&str, &str)] = &[
    ("twolock lo", "login|logout"),
    ("twolock env pro", "prod"),
    ("twolock env my", "my base"),
    ("twolock env \\'my", "my base"),
    ("twolock env a:", "a:b:$(touch ran)"),
    ("twolock env --sh", "--shell"),
    ("twolock env --shell zs", "zsh"),
    ("twolock env --shell=zs", "--shell=zsh"),
    ("twolock profile show --profile pro", "prod"),
    ("twolock init fis", "fish"),
    ("twolock settings get session_d", "session_duration"),
    ("twolock settings trust ./only-fi", "./only-file"),
    ("twolock exec prod -- printen", "printenv"),
    ("tl pro", "prod"),
    ("tl --o", "--off"),
    ("tl prod pro", ""),
];

#[test]
fn fish() {
    completes_in_fish("twolock init fish | source");
    completes_in_fish(completion(Shell::Fish));
}

fn completes_in_fish(load: &str) {
    let stage = stage();
    fs::write(stage.directory.join("only-file"), "").unwrap();
    let mut script = format!("{load}\n");
    for (line, _) in FISH_LINES {
        script += &format!("complete -C '{line}' | string replace -r '\\t.*' '' | string join '|'; echo\n");
    }
    let ran = stage.run(FISH, &script);
    let lines: Vec<&str> = ran.stdout.lines().filter(|line| !line.is_empty()).collect();
    let expected: Vec<&str> = FISH_LINES.iter().map(|(_, offered)| *offered).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, expected, "{ran:?}");
    assert!(!stage.directory.join("ran").exists());
}

#[test]
fn without_files_nothing_is_said() {
    let stage = stage();
    stage.world.write(".aws/config", "[profile broken\nno setting at all");
    stage.world.write(".aws/credentials", "\u{0}");
    stage.world.write(".config/twolock/config.toml", "not = [toml");
    let ran: Ran = stage.world.run(["complete", "--", "env", ""]);
    ran.is(0, "", "");
    stage.world.run(["complete", "--", "who"]).is(0, "whoami\tAsk AWS who a profile's credentials belong to\n", "");
    stage.world.run(["complete"]).is(0, &stage.world.run(["complete", "--", ""]).stdout, "");
}

#[test]
fn it_asks_no_keyring_and_no_network() {
    let stage = stage();
    let trace = stage.world.home().join("trace");
    let mut strace = stage.world.program("strace");
    strace.args(["-f", "-e", "trace=socket,connect,keyctl,request_key,add_key", "-o"]).arg(&trace);
    let ran = stage.world.finish(strace.args(["twolock", "complete", "--", "env", "pr"]));
    ran.is(0, "prod\n", "");
    let calls = fs::read_to_string(&trace).unwrap();
    assert!(!calls.contains('('), "{calls}");
}

#[test]
fn ten_thousand_profiles_cost_no_more_than_reading_their_names() {
    let stage = stage();
    let config: String = (0..10_000).map(|n| format!("[profile p{n}]\nregion = eu-west-1\n")).collect();
    stage.world.write(".aws/config", &config);
    let timed = |words: &[&str]| {
        let once = || {
            let start = Instant::now();
            let ran = stage.world.finish(stage.world.twolock(["complete", "--"]).args(words));
            assert_eq!(ran.code, 0);
            (start.elapsed(), ran.stdout.lines().count())
        };
        (0..5).map(|_| once()).min().unwrap()
    };
    let (none, _) = timed(&["who"]);
    let (all, lines) = timed(&["env", ""]);
    assert_eq!(lines, 10_001);
    // an unoptimized build; what it must not be is quadratic, which is minutes
    assert!(all < none * 200 + Duration::from_secs(1), "{all:?} against {none:?}");
}

#[test]
fn every_shell_of_the_list_has_a_file() {
    let stage = stage();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let ran = stage.world.run(["init", shell]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{shell}");
        assert!(ran.stdout.contains(&format!("twolock init {shell}")), "{shell}");
    }
    assert_eq!(stage.world.run(["init", "tcsh"]).code, 2);
}

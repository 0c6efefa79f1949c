//! `tl` without a profile, on a terminal: one list of scenes for every shell that has it. The terminal shows the picker
//! alone; what the shell and its commands print goes into pipes.

use crate::shells::{BASH, BASH_POSIX, FISH, Shell, Stage, ZSH};
use crate::switching::stage;
use crate::world::Terminal;

struct Scene {
    /// What happens.
    name: &'static str,
    /// In bash and zsh.
    posix: &'static str,
    /// In fish.
    fish: &'static str,
    /// What is typed into each picker, one after the other.
    keys: &'static [&'static str],
    /// What is printed.
    prints: &'static str,
}

const SCENES: &[Scene] = &[
    Scene {
        name: "a part of the name and Enter",
        posix: "tl && seen && tl --off && seen",
        fish: "tl; and seen; and tl --off; and seen",
        keys: &["pro\r"],
        prints: "ours\nold\n",
    },
    Scene {
        name: "left without a choice",
        posix: "tl; echo $?; seen; tl prod; tl; echo $?; seen; tl - 2>/dev/null; echo $?",
        fish: "tl; echo $status; seen; tl prod; tl; echo $status; seen; tl - 2>/dev/null; echo $status",
        keys: &["\x1b", "pro\x04"],
        prints: "9\nold\n9\nours\n2\n",
    },
    Scene {
        name: "under set -eu, in an odd directory, with odd separators",
        posix: "set -eu; set -- a b; IFS=o; tl || echo $?; IFS=; tl; seen; tl base; tl -; seen",
        fish: "set -g IFS o; tl; or echo $status; set -g IFS; tl; and seen; and tl base; and tl -; and seen",
        keys: &["\x1b", "pro\r"],
        prints: "9\nours\nours\n",
    },
    Scene {
        name: "the words are aliases and functions",
        posix: "test -z \"$BASH_VERSION\" || shopt -s expand_aliases
            for word in builtin command local return printf; do alias $word='echo leaked'; done
            function twolock { echo leaked; }
            \\eval 'tl && seen && tl --off && seen'",
        fish: "function twolock; echo leaked; end; alias count 'false leaked'; tl; and seen; and tl --off; and seen",
        keys: &["prod\r"],
        prints: "ours\nold\n",
    },
    Scene {
        name: "a name with a space, and an alias",
        posix: "tl && printenv AWS_REGION && tl && seen",
        fish: "tl; and printenv AWS_REGION; and tl; and seen",
        keys: &["my b\r", "p\r"],
        prints: "eu-north-1\nours\n",
    },
    Scene {
        name: "the last status is the switch's own",
        posix: "tl; echo $?; seen",
        fish: "tl; echo $status; seen",
        keys: &["refused\r"],
        prints: "4\nold\n",
    },
    Scene {
        name: "env picks before it prints",
        posix: "eval \"$(twolock env)\" && seen; eval $(twolock env) || echo failed",
        fish: "twolock env | source; and seen; twolock env | source; or echo failed",
        keys: &["prod\r", "\x1b"],
        prints: "ours\nfailed\n",
    },
];

/// A shell that runs a script on its own terminal.
fn start(stage: &Stage, shell: Shell, script: &str) -> Terminal {
    let mut command = stage.world.program(shell.command[0]);
    let environment = stage.shell(shell);
    let named = |name: &std::ffi::OsStr| name == "AWS_PROFILE" || name == "AWS_DEFAULT_PROFILE";
    let picks_by_itself = script.contains("twolock env)") || script.contains("twolock env |");
    let kept = environment.get_envs().filter(|(name, _)| !(picks_by_itself && named(name)));
    command.envs(kept.filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
    command
        .args(&shell.command[1..])
        .args(["-c", &format!("{}\n{script}", shell.load())])
        .current_dir(&stage.directory);
    Terminal::start(command)
}

/// Plays all scenes; every one that ends otherwise is reported, not only the first.
fn play(shell: Shell) {
    let stage = stage();
    let mut wrong = String::new();
    for scene in SCENES {
        let mut terminal = start(&stage, shell, if shell.is_fish() { scene.fish } else { scene.posix });
        for keys in scene.keys {
            terminal.sees("profile ");
            // once it is all drawn
            terminal.sees("\x1b[K");
            terminal.types(keys);
            terminal.sees("\r\x1b[J");
        }
        let ran = terminal.end();
        let said = ran.stderr.lines().find(|line| !line.starts_with("twolock: "));
        if ran.stdout != scene.prints || said.is_some() {
            wrong += &format!("{}: {}: {ran:?}\n", shell.name(), scene.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn bash() {
    play(BASH);
}

#[test]
fn bash_as_posix() {
    play(BASH_POSIX);
}

#[test]
fn zsh() {
    play(ZSH);
}

#[test]
fn fish() {
    play(FISH);
}

//! Which shell `env` writes for without `--shell`: the nearest calling one, through scripts and wrappers.

use std::fs;

use crate::shells::{ALL, FISH, Stage};
use crate::world::path;

#[track_caller]
fn is_written_for(printed: &str, fish: bool, situation: &str) {
    let (begin, other) = if fish { ("while set -e ", "'unset'") } else { ("'unset' ", "set -gx") };
    assert!(printed.starts_with(begin) && !printed.contains(other), "{situation}: {printed}");
}

#[test]
fn the_shell_that_calls() {
    let stage = Stage::new();
    for shell in ALL {
        let ways = ["twolock env prod", "twolock env prod | cat", "env -i HOME=$HOME PATH=\"$PATH\" twolock env prod"];
        for way in ways.into_iter().chain(["timeout 60 twolock env prod", "nice twolock env prod | cat"]) {
            // `true`, because some shells become their last command
            let ran = stage.run(shell, &format!("{way}\ntrue"));
            assert_eq!(ran.code, 0, "{way}: {ran:?}");
            is_written_for(&ran.stdout, shell.is_fish(), &format!("{}: {way}", shell.name()));
        }
    }
}

#[test]
fn the_shell_of_a_script_and_not_the_one_that_starts_it() {
    let stage = Stage::new();
    let script = stage.world.home().join("bin/deploy.sh");
    for inner in ALL {
        let (program, option) = (inner.command[0], inner.command[1..].last().unwrap_or(&""));
        let program =
            path().split(':').map(|directory| format!("{directory}/{program}")).find(|file| fs::exists(file).unwrap());
        // `true`, because some shells become their last command
        let line = format!("#!{} {option}\ntwolock env prod\ntrue\n", program.expect("the shell is installed"));
        fs::write(&script, line).unwrap();
        crate::world::make_runnable(&script);
        for outer in [FISH, crate::shells::BASH] {
            let ran = stage.run(outer, "deploy.sh");
            assert_eq!(ran.code, 0, "{ran:?}");
            is_written_for(&ran.stdout, inner.is_fish(), &format!("{} in {}", inner.name(), outer.name()));
        }
    }
}

#[test]
fn make_and_programs_use_sh_whatever_the_user_types_into() {
    let stage = Stage::new();
    stage.world.write("bin/Makefile", "show:\n\t@eval $$(twolock env prod) && seen\n");
    let python = "import subprocess; print(end=subprocess.run('twolock env prod', shell=True, capture_output=True, \
                  text=True, check=True).stdout)";
    for shell in [FISH, crate::shells::ZSH] {
        stage.run(shell, "make -s -f ../bin/Makefile").is(0, "ours\n", "");
        let ran = stage.run(shell, &format!("python3 -c \"{python}\""));
        is_written_for(&ran.stdout, false, &shell.name());
        is_written_for(&stage.run(shell, "sh -c 'twolock env prod; :'").stdout, false, &shell.name());
    }
}

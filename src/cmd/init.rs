//! `init`: the integration of a shell, printed as it lies in `shell/`.

use crate::cli::InitShell;
use crate::error::Result;
use crate::output::to_stdout;

/// Prints the file of a shell.
pub fn run(shell: InitShell) -> Result<u8> {
    to_stdout(text(shell).as_bytes()).map(|()| 0)
}

/// Returns the file of a shell.
pub fn text(shell: InitShell) -> &'static str {
    match shell {
        InitShell::Bash => include_str!("../../shell/twolock.bash"),
        InitShell::Zsh => include_str!("../../shell/twolock.zsh"),
        InitShell::Fish => include_str!("../../shell/twolock.fish"),
        InitShell::Powershell => include_str!("../../shell/twolock.ps1"),
    }
}

/// Returns the section of a shell's file that completes `twolock` by itself, for packagers.
pub fn completion(shell: InitShell) -> &'static str {
    let text = text(shell);
    let from = text.find("# ---- completion").expect("every file has this section");
    let to = text[from + 1..].find("# ----").map_or(text.len(), |at| from + 1 + at);
    &text[from..to]
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::output::exports::{MIXING, Shell, unset};

    /// Their tests run where those shells are; this one runs everywhere.
    #[test]
    fn each_file_knows_every_variable_that_env_sets_or_removes() {
        let statements = unset(Shell::PowerShell);
        let set = statements.lines().filter_map(|line| line.strip_prefix("Remove-Item Env:")?.split(' ').next());
        let names: Vec<&str> = set.chain(MIXING).collect();
        assert_eq!(names.len(), 19);
        for shell in InitShell::value_variants() {
            let words: Vec<&str> = text(*shell).split([' ', '\n', '(', ')', '\'', ',']).collect();
            for name in &names {
                assert!(words.contains(name), "{shell:?} {name}");
            }
        }
    }

    #[test]
    fn each_file_has_its_sections_and_ends_in_how_to_install_it() {
        for shell in InitShell::value_variants() {
            let text = text(*shell);
            let titles = text.lines().filter_map(|line| line.strip_prefix("# ---- "));
            let titles: Vec<&str> = titles.map(|title| title.split(':').next().unwrap()).collect();
            assert_eq!(titles, ["state", "tl", "completion", "prompt", "install"], "{shell:?}");
            let end = text.rsplit("# ---- install").next().unwrap();
            assert!(end.contains("twolock init ") && end.lines().skip(1).all(|line| line.starts_with('#')), "{end}");
            assert!(completion(*shell).ends_with("\n\n"), "{shell:?}");
        }
    }
}

//! Writes manual pages and completion files into a directory: `cargo run -p twolock-pages -- OUT_DIR`.
//!
//! A program of its own, so that nothing of this is in the released binary.

use std::path::Path;
use std::{fs, io};

use clap::{CommandFactory, Parser};
use twolock::Cli;
use twolock::Shell;

/// Write manual pages and completion files for packages
#[derive(Parser)]
#[command(name = "twolock-pages")]
struct Arguments {
    /// The output directory; created if missing
    out_dir: std::path::PathBuf,
}

fn main() -> io::Result<()> {
    write(&Arguments::parse().out_dir)
}

/// `man/*.1`, and `completions/` with one file a shell, called as the shell looks for it.
fn write(directory: &Path) -> io::Result<()> {
    let (man, completions) = (directory.join("man"), directory.join("completions"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(Cli::command(), &man)?;
    for integration in Shell::ALL.into_iter().filter_map(Shell::integration) {
        let Some((name, first)) = integration.package else { continue };
        fs::write(completions.join(name), format!("{first}{}", integration.completion().trim_end()) + "\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_page_for_each_command_and_a_completion_for_each_shell_that_loads_files() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path()).unwrap();
        let pages = names(&directory.path().join("man"));
        for page in ["twolock.1", "twolock-env.1", "twolock-profile-show.1", "twolock-init.1"] {
            assert!(pages.contains(&page.to_string()), "{page}: {pages:?}");
        }
        assert!(!pages.contains(&"twolock-complete.1".to_string()), "{pages:?}");
        let env = fs::read_to_string(directory.path().join("man/twolock-env.1")).unwrap();
        assert!(env.contains("Print shell statements that set the credentials"), "{env}");
        let completions = directory.path().join("completions");
        assert_eq!(names(&completions), ["_twolock", "twolock.bash", "twolock.fish"]);
        let zsh = fs::read_to_string(completions.join("_twolock")).unwrap();
        assert!(zsh.starts_with("#compdef twolock\n"), "{zsh}");
    }
}

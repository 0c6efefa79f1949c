//! The shells we speak, once: everything that lists shells, or knows one by its name, asks here.
//!
//! How a language sets and removes variables is in `output/exports/`, one file a language.

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// POSIX: sh, dash, ksh.
    Sh,
    /// GNU bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
    /// PowerShell, Windows' and the portable one.
    PowerShell,
}

/// What a shell reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Posix,
    Fish,
    PowerShell,
}

struct Facts {
    /// What people, `--shell` and `init` call it.
    name: &'static str,
    /// What `--help` says beside the name.
    title: &'static str,
    /// Other programs that read its language.
    programs: &'static [&'static str],
    language: Language,
    integration: Option<Integration>,
}

impl Shell {
    /// Every shell, in the order of the help.
    pub const ALL: [Self; 5] = [Self::Sh, Self::Bash, Self::Zsh, Self::Fish, Self::PowerShell];

    fn facts(self) -> Facts {
        match self {
            Self::Sh => Facts {
                name: "sh",
                title: "POSIX shells",
                programs: &["dash", "ash", "ksh", "mksh", "lksh", "oksh", "yash", "posh", "busybox"],
                language: Language::Posix,
                integration: None,
            },
            Self::Bash => Facts {
                name: "bash",
                title: "GNU bash",
                programs: &["rbash"],
                language: Language::Posix,
                integration: Some(Integration {
                    text: include_str!("../shell/twolock.bash"),
                    package: Some(("twolock.bash", "")),
                }),
            },
            Self::Zsh => Facts {
                name: "zsh",
                title: "zsh",
                programs: &[],
                language: Language::Posix,
                integration: Some(Integration {
                    text: include_str!("../shell/twolock.zsh"),
                    package: Some(("_twolock", "#compdef twolock\n\n")),
                }),
            },
            Self::Fish => Facts {
                name: "fish",
                title: "fish",
                programs: &[],
                language: Language::Fish,
                integration: Some(Integration {
                    text: include_str!("../shell/twolock.fish"),
                    package: Some(("twolock.fish", "")),
                }),
            },
            Self::PowerShell => Facts {
                name: "powershell",
                title: "PowerShell",
                programs: &["pwsh", "pwsh-preview"],
                language: Language::PowerShell,
                integration: Some(Integration { text: include_str!("../shell/twolock.ps1"), package: None }),
            },
        }
    }

    /// What people, `--shell` and `init` call it.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    pub(crate) fn title(self) -> &'static str {
        self.facts().title
    }

    pub(crate) fn language(self) -> Language {
        self.facts().language
    }

    /// What `init` prints, if there is something for this shell.
    pub fn integration(self) -> Option<Integration> {
        self.facts().integration
    }

    /// The shell of this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shell| shell.name() == name)
    }

    /// The shell that a program of this name or path is.
    pub fn from_program(name: &str) -> Option<Self> {
        let name = name.rsplit(['/', '\\']).next()?.trim_start_matches('-');
        let name = name.strip_suffix(".exe").unwrap_or(name).to_ascii_lowercase();
        // zsh-5.9, ksh93
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        Self::ALL.into_iter().find(|shell| {
            let Facts { name: usual, programs, .. } = shell.facts();
            name == usual || programs.contains(&name)
        })
    }
}

/// A file of `shell/`: `tl`, completion and a segment for the prompt.
#[derive(Clone, Copy, Debug)]
pub struct Integration {
    /// The file.
    pub text: &'static str,
    /// For packagers: the name under which this shell looks for a completion file, and its first lines; none where it
    /// looks for no such files.
    pub package: Option<(&'static str, &'static str)>,
}

impl Integration {
    /// Returns the section that completes `twolock` by itself, for packagers.
    pub fn completion(self) -> &'static str {
        let from = self.text.find("# ---- completion").expect("every file has this section");
        let to = self.text[from + 1..].find("# ----").map_or(self.text.len(), |at| from + 1 + at);
        &self.text[from..to]
    }

    /// Returns the line that loads it, and the file where the line goes, as the last section says.
    pub(crate) fn installation(self) -> (&'static str, &'static str) {
        let (_, section) = self.text.split_once("# ---- install: in ").expect("every file has this section");
        let mut lines = section.lines();
        let place = lines.next().unwrap_or_default();
        (lines.find_map(|line| line.strip_prefix("#   ")).unwrap_or_default(), place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_recognised_as_shells() {
        for (program, shell) in [
            ("/bin/bash", Some(Shell::Bash)),
            ("-zsh", Some(Shell::Zsh)),
            ("dash", Some(Shell::Sh)),
            ("/usr/bin/ksh93", Some(Shell::Sh)),
            ("zsh-5.9", Some(Shell::Zsh)),
            ("rbash", Some(Shell::Bash)),
            ("pwsh.exe", Some(Shell::PowerShell)),
            ("C:\\Windows\\powershell.exe", Some(Shell::PowerShell)),
            ("fish", Some(Shell::Fish)),
            ("nu", None),
            ("make", None),
        ] {
            assert_eq!(Shell::from_program(program), shell, "{program}");
        }
    }

    #[test]
    fn no_program_is_two_shells() {
        for shell in Shell::ALL {
            for program in shell.facts().programs.iter().chain([&shell.name()]) {
                assert_eq!(Shell::from_program(program), Some(shell), "{program}");
            }
        }
    }

    #[test]
    fn each_file_has_its_sections_and_ends_in_how_to_install_it() {
        for shell in Shell::ALL {
            let Some(integration) = shell.integration() else { continue };
            let text = integration.text;
            let titles = text.lines().filter_map(|line| line.strip_prefix("# ---- "));
            let titles: Vec<&str> = titles.map(|title| title.split(':').next().unwrap()).collect();
            assert_eq!(titles, ["state", "tl", "completion", "prompt", "install"], "{shell:?}");
            let end = text.rsplit("# ---- install").next().unwrap();
            assert!(end.lines().skip(1).all(|line| line.starts_with('#')), "{end}");
            let (line, place) = integration.installation();
            assert!(line.contains(&format!("twolock init {}", shell.name())) && !place.is_empty(), "{line} {place}");
            assert!(integration.completion().ends_with("\n\n"), "{shell:?}");
        }
    }
}

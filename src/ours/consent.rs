//! Whether programs named in a config file may be started (threat-model P16). Reading the file needs no trust.
//!
//! Entering a directory must not run code: no program is started for a file that others can write, or that a variable
//! selected and the user has not trusted.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Failure, Kind, Result};
use crate::hex::sha256;
use crate::hint::{CommandLine, Verb};
use crate::origin::FileChoice;
use crate::system::directories::{self, HOME_VARIABLE};
use crate::system::foreign_file::{self, plain};
use crate::system::path_owners::Steps;

/// Consents as stored in `config.toml`: canonical path → SHA-256 of the content in hex.
pub type Consents = BTreeMap<String, String>;

/// Far above any real file, far below what would use up memory.
pub(super) const LARGEST_FILE: u64 = 64 << 20;

/// Refuses unless programs named in this file may be started. `bytes` is the content that was
/// parsed, so that exactly this content is checked.
pub fn may_start_programs(choice: &FileChoice, bytes: &[u8], account_home: &Path, consents: &Consents) -> Result<()> {
    must_be_safe(&choice.path)?;
    must_have_consent(choice, bytes, account_home, consents)
}

/// Refuses a file that a variable selected, unless it is in its default place below the account's own home or this
/// exact content was trusted.
pub fn must_have_consent(choice: &FileChoice, bytes: &[u8], account_home: &Path, consents: &Consents) -> Result<()> {
    if is_in_its_default_place(&choice.path, account_home) {
        return Ok(());
    }
    let path = consent_path(&choice.path)?;
    let variable = choice.variable.unwrap_or(HOME_VARIABLE);
    match consents.get(&path) {
        Some(consent) if *consent == sha256(bytes) => Ok(()),
        Some(_) => Err(without_consent(&path, "it has changed since you trusted it")),
        None => Err(without_consent(&path, &format!("{variable} selected it"))),
    }
}

/// Refuses a file that another user can change: it must be regular, and the file, every directory of its path and every
/// symlink must belong to the user or root and not be writable by others.
pub fn must_be_safe(path: &Path) -> Result<()> {
    let unreadable = |error: io::Error| {
        Failure::new(Kind::Config, format!("cannot check who can write to {}: {}", path.display(), plain(&error)))
    };
    let steps = Steps::to(path).map_err(unreadable)?;
    if !steps.end_at_a_file() {
        let cause = format!("will not run programs from {}: it is not a regular file", path.display());
        return Err(Failure::new(Kind::Config, cause));
    }
    match steps.other_writers().into_iter().next() {
        Some((step, writer)) => {
            let cause = format!("will not run programs from {}, because {} {writer}", path.display(), step.display());
            Err(match writer.fix(&step) {
                None => Failure::new(Kind::Config, cause),
                Some(fix) => Failure::new(Kind::Config, format!("{cause}: {fix}")).hint(fix),
            })
        }
        None => Ok(()),
    }
}

/// Returns the path as stored in consents: absolute, symlinks resolved.
pub fn consent_path(path: &Path) -> Result<String> {
    let failure = |why: &str| Failure::new(Kind::Config, format!("cannot trust {}: {why}", path.display()));
    let resolved = directories::resolve(path).map_err(|error| failure(&plain(&error)))?;
    resolved.into_os_string().into_string().map_err(|_| failure("its path is not UTF-8"))
}

/// Returns the SHA-256 of a file's content in hex, to be stored as consent.
pub fn fingerprint(path: &Path) -> Result<String> {
    let shown = path.display().to_string();
    if !std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return Err(Failure::new(Kind::Config, format!("cannot trust {shown}: it is not a regular file")));
    }
    Ok(sha256(&foreign_file::load(path, &shown, LARGEST_FILE)?))
}

fn without_consent(path: &str, why: &str) -> Failure {
    let command = CommandLine::new(Verb::SettingsTrust).with(path);
    let cause = format!("will not run programs from {path}, because {why}: check the file, then run `{command}`");
    Failure::new(Kind::Config, cause).hint(command)
}

fn is_in_its_default_place(path: &Path, account_home: &Path) -> bool {
    let default = ["config", "credentials"].map(|name| account_home.join(".aws").join(name));
    let is = |default: &PathBuf| {
        default == path || directories::resolve(default).is_ok_and(|to| directories::resolve(path).ok() == Some(to))
    };
    default.iter().any(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_the_sha_256_of_the_content() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "abc").unwrap();
        assert_eq!(fingerprint(file.path()).unwrap(), sha256(b"abc"));
        for bad in [Path::new("/nowhere/at/all"), std::env::temp_dir().as_path()] {
            assert!(fingerprint(bad).unwrap_err().cause.ends_with("it is not a regular file"), "{bad:?}");
        }
    }

    #[cfg(unix)]
    mod unix {
        use std::fs::{self, Permissions};
        use std::os::unix::fs::{PermissionsExt, symlink};

        use super::*;

        const CONTENT: &[u8] = b"[profile p]\nmfa_process = code\n";

        /// A directory `repo` with a config file, below a private directory in the sticky `/tmp`.
        struct World(tempfile::TempDir);

        impl World {
            fn new() -> Self {
                let world = Self(tempfile::tempdir().unwrap());
                fs::create_dir(world.path("repo")).unwrap();
                fs::write(world.path("repo/config"), CONTENT).unwrap();
                world.mode("", 0o700);
                world.mode("repo", 0o755);
                world.mode("repo/config", 0o644);
                world
            }

            fn path(&self, name: &str) -> PathBuf {
                self.0.path().join(name)
            }

            fn mode(&self, name: &str, mode: u32) {
                fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
            }

            fn ask(&self, variable: Option<&'static str>, consents: &Consents) -> Result<()> {
                let choice = FileChoice { path: self.path("repo/config"), variable, is_missing: false };
                may_start_programs(&choice, CONTENT, self.0.path(), consents)
            }

            fn consent(&self, content: &[u8]) -> Consents {
                [(consent_path(&self.path("repo/config")).unwrap(), sha256(content))].into()
            }
        }

        const CHOSEN: Option<&str> = Some("AWS_CONFIG_FILE");

        #[test]
        fn a_file_a_variable_chose_needs_consent_and_the_command_is_named() {
            let world = World::new();
            let failure = world.ask(CHOSEN, &Consents::new()).unwrap_err();
            let command = format!("twolock settings trust {}", world.path("repo/config").display());
            assert_eq!(failure.kind, Kind::Config);
            assert!(failure.cause.contains("AWS_CONFIG_FILE") && failure.cause.contains(&command), "{}", failure.cause);
            assert_eq!(failure.shown_hints(), [command]);
            assert_eq!(world.ask(CHOSEN, &world.consent(CONTENT)), Ok(()));
            let cause = world.ask(None, &Consents::new()).unwrap_err().cause;
            assert!(cause.contains("because HOME selected it"), "{cause}");
        }

        #[test]
        fn a_changed_file_asks_again() {
            let world = World::new();
            let failure = world.ask(CHOSEN, &world.consent(b"before")).unwrap_err();
            assert!(failure.cause.contains("changed since you trusted it"), "{}", failure.cause);
        }

        #[test]
        fn a_variable_may_choose_the_usual_place() {
            let world = World::new();
            fs::rename(world.path("repo"), world.path(".aws")).unwrap();
            symlink(world.path(".aws"), world.path("repo")).unwrap();
            assert_eq!(world.ask(CHOSEN, &Consents::new()), Ok(()));
            assert_eq!(world.ask(None, &Consents::new()), Ok(()));
            fs::rename(world.path(".aws/config"), world.path(".aws/other")).unwrap();
            symlink(world.path(".aws/other"), world.path("x")).unwrap();
            let choice = FileChoice { path: world.path("x"), variable: CHOSEN, is_missing: false };
            assert!(
                may_start_programs(&choice, CONTENT, world.0.path(), &Consents::new()).is_err(),
                "not named config"
            );
        }

        #[test]
        fn what_others_can_write_starts_nothing_even_with_consent() {
            for (step, mode) in [("repo/config", 0o646), ("repo", 0o757), ("repo", 0o1777), ("", 0o777)] {
                let world = World::new();
                world.mode(step, mode);
                let owned_by_root_and_sticky = mode & 0o1000 != 0 && foreign_file::account().unwrap().user == 0;
                if owned_by_root_and_sticky {
                    continue;
                }
                let failure = world.ask(CHOSEN, &world.consent(CONTENT)).unwrap_err();
                assert!(failure.cause.contains("is writable by everybody"), "{}", failure.cause);
                assert!(failure.shown_hints()[0].starts_with("chmod go-w /"), "{:?}", failure.shown_hints());
            }
        }

        #[test]
        fn a_symlink_is_only_as_safe_as_the_directories_on_its_way() {
            let world = World::new();
            fs::create_dir(world.path("open")).unwrap();
            symlink("../repo/config", world.path("open/symlink")).unwrap();
            world.mode("open", 0o755);
            assert_eq!(must_be_safe(&world.path("open/symlink")), Ok(()));
            world.mode("open", 0o777);
            let failure = must_be_safe(&world.path("open/symlink")).unwrap_err();
            assert!(failure.cause.contains("open is writable by everybody"), "{}", failure.cause);
            assert_eq!(must_be_safe(&world.path("repo/config")), Ok(()));
        }

        #[test]
        fn only_a_regular_file_starts_programs() {
            let world = World::new();
            for (path, why) in [
                (world.path("repo"), "it is not a regular file"),
                (world.path("repo/missing"), "cannot check who can write"),
                (PathBuf::from("/dev/null"), "it is not a regular file"),
            ] {
                let cause = must_be_safe(&path).unwrap_err().cause;
                assert!(cause.contains(why), "{cause}");
            }
            symlink(world.path("loop"), world.path("loop")).unwrap();
            assert!(must_be_safe(&world.path("loop")).unwrap_err().cause.contains("too many symlinks"));
        }
    }
}

//! Whether a certificate file that a variable names counts (threat-model P16, P17). Together with a proxy it would let
//! somebody stand between us and AWS, so a repository's variables must not bring one.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::consent::{self, Consents, LARGEST_FILE};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::system::env::Env;
use crate::system::foreign_file;
use crate::system::path_owners::Steps;

/// Refuses a certificate file or directory that somebody else than root can change, unless its content was trusted.
pub fn must_count(env: &Env, consents: &Consents) -> Result<()> {
    for variable in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        env.raw(variable).map_or(Ok(()), |path| file_must_count(variable, Path::new(path), consents))?;
    }
    // The TLS library reads each directory of a list.
    let directories = env.raw("SSL_CERT_DIR").map(std::env::split_paths);
    directories.into_iter().flatten().filter(|path| !path.as_os_str().is_empty()).try_for_each(|path| {
        let is_roots = only_roots(&path) && entries(&path).all(|entry| only_roots(&entry));
        let hint = "unset SSL_CERT_DIR, or set AWS_CA_BUNDLE to a file of certificates";
        let refused = || {
            let cause =
                format!("SSL_CERT_DIR names '{}', whose certificates users other than root can change", path.display());
            Failure::new(Kind::Config, cause).hint(hint)
        };
        if is_roots { Ok(()) } else { Err(refused()) }
    })
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// Whether only root can change what a path leads to, or nothing is there.
fn only_roots(path: &Path) -> bool {
    match Steps::to(path) {
        Ok(steps) => steps.only_root_can_change_them(),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

fn file_must_count(variable: &str, path: &Path, consents: &Consents) -> Result<()> {
    // A path that is not a file is reported when it is read.
    if only_roots(path) || !path.is_file() {
        return Ok(());
    }
    let why = match consents.get(&consent::consent_path(path)?) {
        Some(consent) if *consent == consent::fingerprint(path)? => return Ok(()),
        Some(_) => "which has changed since you trusted it",
        None => "which users other than root can change: whoever changes it could read your calls to AWS",
    };
    let command = CommandLine::new(Verb::SettingsTrust).with(path.to_string_lossy());
    let cause = format!("{variable} names '{}', {why}", path.display());
    Err(Failure::new(Kind::Config, cause).hint(command.to("check the file, then run")))
}

/// Whether a file holds certificates.
pub fn are_in(path: &Path) -> bool {
    let content = foreign_file::load(path, "", LARGEST_FILE).unwrap_or_default();
    memchr::memmem::find(&content, b"-----BEGIN CERTIFICATE-----").is_some()
}

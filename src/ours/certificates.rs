//! Whether a certificate file that a variable names counts (threat-model P16, P17). Together with a proxy it would let
//! somebody stand between us and AWS, so a repository's variables must not bring one.

use std::path::Path;

use super::consent::{self, Consents, LARGEST_FILE};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::system::env::Env;
use crate::system::foreign_file;
use crate::system::path_owners::Steps;

/// The variables that add to the system's certificates or replace them.
const VARIABLES: [&str; 3] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Refuses a certificate file or directory that somebody else than root can change, unless its content was trusted.
pub fn must_count(env: &Env, consents: &Consents) -> Result<()> {
    VARIABLES.iter().try_for_each(|variable| match env.raw(variable) {
        Some(path) => must_be_roots_or_trusted(variable, Path::new(path), consents),
        None => Ok(()),
    })
}

fn must_be_roots_or_trusted(variable: &str, path: &Path, consents: &Consents) -> Result<()> {
    let refused = |why: &str| {
        let cause = format!("{variable} names '{}', {why}", path.display());
        Failure::new(Kind::Config, cause)
    };
    // What cannot be read is reported by those who read it.
    let Ok(steps) = Steps::to(path) else { return Ok(()) };
    if steps.only_root_can_change_them() {
        return Ok(());
    }
    if !path.is_file() {
        let why = "a directory that can be changed without being root: certificates are not read from it";
        let hint = format!("unset {variable}, or set AWS_CA_BUNDLE to a file of certificates");
        return if path.is_dir() { Err(refused(why).hint(hint)) } else { Ok(()) };
    }
    let trusted = consents.get(&consent::consent_path(path)?);
    let why = match trusted {
        Some(consent) if *consent == consent::fingerprint(path)? => return Ok(()),
        Some(_) => "which has changed since you trusted it",
        None => "which can be changed without being root: whoever wrote it could read your calls to AWS",
    };
    let command = CommandLine::new(Verb::SettingsTrust).with(path.to_string_lossy());
    Err(refused(why).hint(command.to("check the file, then run")))
}

/// Whether a file holds certificates.
pub fn are_in(path: &Path) -> bool {
    let content = foreign_file::load(path, "", LARGEST_FILE).unwrap_or_default();
    memchr::memmem::find(&content, b"-----BEGIN CERTIFICATE-----").is_some()
}

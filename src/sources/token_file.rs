//! The token file of a web identity: what a platform (a cluster, a CI system) writes there, and renews, to say who runs here.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Problem;
use super::json_file::read;
use crate::secret::Secret;

/// What STS takes.
const LONGEST: usize = 20_000;

const LONGEST_FILE: u64 = 32 * 1024;

/// Where the token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFile(PathBuf);

impl TokenFile {
    /// The file that `web_identity_token_file` names, which has to be an absolute path: nobody knows the directory that a
    /// caller runs us in.
    pub fn at(path: &Path) -> Result<Self, Problem> {
        match path.is_absolute() {
            true => Ok(Self(path.into())),
            false => Err(Problem::Unreadable("it is not an absolute path".into())),
        }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the token. It may be of any form, since not every provider's is a JWT, but visible ASCII. White space around
    /// it is left out: SDKs send it on, and STS takes no token with a line end, which `echo` writes.
    pub fn load(&self) -> Result<Secret<String>, Problem> {
        let damaged = |what: &str| Problem::Damaged(what.into());
        let bytes = read(&self.0, LONGEST_FILE)?;
        let text = bytes.expose().trim_ascii();
        match str::from_utf8(text) {
            Ok("") => Err(damaged("it is empty")),
            Ok(text) if text.len() > LONGEST => Err(damaged("it is longer than the 20000 characters that STS takes")),
            Ok(text) if text.bytes().all(|b| b.is_ascii_graphic()) => Ok(Secret::new(text.to_owned())),
            _ => Err(damaged("it contains a space, a line break or another character that a token cannot have")),
        }
    }

    /// Returns what stands for the token. None if there is none.
    pub fn proof(&self) -> Option<[u8; 32]> {
        let token = self.load().ok()?;
        Some(Sha256::digest(token.expose().as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl-_";

    fn holding(bytes: &[u8]) -> (tempfile::TempDir, TokenFile) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, bytes).unwrap();
        (directory, TokenFile::at(&path).unwrap())
    }

    #[test]
    fn a_token_is_taken_without_the_white_space_around_it() {
        let (_kept, bare) = holding(TOKEN.as_bytes());
        for text in [TOKEN.to_owned(), format!("{TOKEN}\n"), format!("{TOKEN}\r\n"), format!(" {TOKEN}\t\n")] {
            let (_kept, file) = holding(text.as_bytes());
            assert_eq!(file.load().unwrap().expose(), TOKEN);
            assert_eq!(file.proof(), bare.proof(), "{text:?}");
        }
        let (_kept, opaque) = holding(b"EAAC-opaque|token");
        assert_eq!(opaque.load().unwrap().expose(), "EAAC-opaque|token");
        assert_ne!(opaque.proof(), bare.proof());
    }

    #[test]
    fn what_is_no_token_is_refused_and_not_shown() {
        let long = vec![b'x'; 20_001];
        let huge = vec![b'x'; 1 << 20];
        let damaged = |what: &str| Problem::Damaged(what.into());
        for (bytes, problem) in [
            (&b""[..], damaged("it is empty")),
            (b" \n", damaged("it is empty")),
            (
                b"canary canary",
                damaged("it contains a space, a line break or another character that a token cannot have"),
            ),
            (
                b"canary\ncanary",
                damaged("it contains a space, a line break or another character that a token cannot have"),
            ),
            (b"canary\0", damaged("it contains a space, a line break or another character that a token cannot have")),
            (
                b"\xef\xbb\xbfcanary",
                damaged("it contains a space, a line break or another character that a token cannot have"),
            ),
            (b"canary\xff", damaged("it contains a space, a line break or another character that a token cannot have")),
            (
                "canäry".as_bytes(),
                damaged("it contains a space, a line break or another character that a token cannot have"),
            ),
            (&long, damaged("it is longer than the 20000 characters that STS takes")),
            (&huge, Problem::Unreadable("it is larger than 32 KiB".into())),
        ] {
            let (_kept, file) = holding(bytes);
            let found = file.load().unwrap_err();
            assert_eq!((found.clone(), file.proof()), (problem, None));
            assert!(!format!("{found:?}").contains("canary"));
        }
        let (_kept, longest) = holding(&long[..20_000]);
        assert_eq!(longest.load().unwrap().expose().len(), 20_000);
    }

    #[test]
    fn a_missing_file_a_directory_and_a_relative_path_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let at = |path: &Path| TokenFile::at(path).unwrap();
        assert_eq!(at(&directory.path().join("token")).load().unwrap_err(), Problem::Missing);
        assert_eq!(at(directory.path()).load().unwrap_err(), Problem::Unreadable("it is a directory".into()));
        for relative in ["token", "./token", "~/token", ""] {
            let why = "it is not an absolute path".into();
            assert_eq!(TokenFile::at(Path::new(relative)).unwrap_err(), Problem::Unreadable(why), "{relative}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_does_not_hold_us_up() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("token");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let why = "it is a pipe or device, not a file".into();
        assert_eq!(TokenFile::at(&pipe).unwrap().load().unwrap_err(), Problem::Unreadable(why));
    }
}

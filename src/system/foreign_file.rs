//! Files other programs write and we read: opened without waiting, size-capped, their owners told.

use std::fs::Metadata;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::owner::{Account, Ownership};
use super::platform;
use crate::error::{Failure, Kind, Result};

/// `aws configure` and SDKs empty a file before they write it, which takes them milliseconds.
const JUST_NOW: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_millis(5);
const MOST_LOOKS: u32 = 40;

/// Reads a whole file; a missing one and the null device are empty. Never waits for a writer: pipes, sockets,
/// devices and directories are refused, and so is anything above `limit` bytes. `shown` is how messages name it.
pub fn load(path: &Path, shown: &str, limit: u64) -> Result<Vec<u8>> {
    let refused = |why: &str| Failure::new(Kind::Config, format!("cannot read {shown}: {why}"));
    read_regular(path, limit).map(Option::unwrap_or_default).map_err(|error| match error {
        Unreadable::NotAFile(what) => refused(what),
        Unreadable::TooLarge => refused(&format!("it is larger than {} MiB", limit >> 20)),
        Unreadable::Io(error) => refused(&plain(&error)),
    })
}

/// Reads a whole file as [`load`] does, but tells a missing one from an empty one: none. The error is why, in words that
/// name no file.
pub fn read(path: &Path, limit: u64) -> std::result::Result<Option<Vec<u8>>, String> {
    read_regular(path, limit).map_err(|error| match error {
        Unreadable::NotAFile(what) => what.into(),
        Unreadable::TooLarge => format!("it is larger than {} KiB", limit >> 10),
        Unreadable::Io(error) => plain(&error),
    })
}

/// Returns who may change a file, if the platform can tell.
pub fn ownership(metadata: &Metadata) -> Option<Ownership> {
    platform::ownership(metadata)
}

/// Returns the name of a user, or `uid 1000` where the account database has none.
pub(crate) fn user_name(user: u32) -> String {
    platform::user_name(user).unwrap_or_else(|| format!("uid {user}"))
}

/// Returns the account this process acts for, if the platform has uids.
pub fn account() -> Option<Account> {
    platform::account()
}

enum Unreadable {
    NotAFile(&'static str),
    TooLarge,
    Io(io::Error),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Unreadable::Io(error)
    }
}

/// Reads a file, but waits a moment for one that another program has emptied in order to write it.
fn read_regular(path: &Path, limit: u64) -> std::result::Result<Option<Vec<u8>>, Unreadable> {
    for _ in 0..MOST_LOOKS {
        match read_once(path, limit)? {
            Some((bytes, metadata)) if bytes.is_empty() && was_just_emptied(&metadata) => sleep(LOOK),
            found => return Ok(found.map(|(bytes, _)| bytes)),
        }
    }
    Ok(Some(Vec::new()))
}

fn was_just_emptied(metadata: &Metadata) -> bool {
    let age = metadata.modified().ok().and_then(|at| at.elapsed().ok());
    metadata.is_file() && age.is_some_and(|age| age < JUST_NOW)
}

/// None if it is missing.
fn read_once(path: &Path, limit: u64) -> std::result::Result<Option<(Vec<u8>, Metadata)>, Unreadable> {
    let file = match platform::open_without_waiting(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        let is_empty = platform::is_null_device(&metadata);
        return if is_empty { Ok(Some((Vec::new(), metadata))) } else { Err(kind_of(&metadata)) };
    }
    // The room is made at once: growing would leave copies of keys behind in freed memory.
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(limit)).unwrap_or(0) + 1);
    let read = file.take(limit + 1).read_to_end(&mut bytes)?;
    if read as u64 > limit { Err(Unreadable::TooLarge) } else { Ok(Some((bytes, metadata))) }
}

fn kind_of(metadata: &Metadata) -> Unreadable {
    Unreadable::NotAFile(if metadata.is_dir() { "it is a directory" } else { "it is a pipe or device, not a file" })
}

/// Returns an I/O error in words, without the number `io::Error` appends and the full stop Windows puts before it.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.trim_end_matches('.').to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path, limit: u64) -> String {
        let failure = load(path, "~/.aws/config", limit).unwrap_err();
        assert_eq!(failure.kind, Kind::Config);
        failure.cause
    }

    #[test]
    fn a_missing_file_is_an_empty_one() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(load(&directory.path().join("config"), "x", 10), Ok(Vec::new()));
        std::fs::write(directory.path().join("file"), "x").unwrap();
        assert_eq!(load(&directory.path().join("file/config"), "x", 10), Ok(Vec::new()), "its directory is a file");
    }

    #[test]
    fn one_that_was_just_emptied_is_read_when_it_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        let mut file = std::fs::File::create(&path).unwrap();
        let reader = std::thread::spawn(move || load(&path, "x", 10));
        sleep(Duration::from_millis(20));
        std::io::Write::write_all(&mut file, b"words").unwrap();
        assert_eq!(reader.join().unwrap(), Ok(b"words".to_vec()));
    }

    #[test]
    fn a_missing_file_can_be_told_from_an_empty_one() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(&directory.path().join("token"), 10), Ok(None));
        std::fs::write(directory.path().join("token"), "").unwrap();
        assert_eq!(read(&directory.path().join("token"), 10), Ok(Some(Vec::new())));
        std::fs::write(directory.path().join("token"), [b'x'; 1025]).unwrap();
        assert_eq!(read(&directory.path().join("token"), 1024).unwrap_err(), "it is larger than 1 KiB");
        assert_eq!(read(directory.path(), 1024).unwrap_err(), "it is a directory");
    }

    #[test]
    fn a_directory_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(refusal(directory.path(), 10), "cannot read ~/.aws/config: it is a directory");
    }

    #[test]
    fn a_file_above_the_limit_is_refused_and_one_at_it_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "0123456789").unwrap();
        assert_eq!(load(file.path(), "x", 10).unwrap(), b"0123456789");
        assert_eq!(refusal(file.path(), 9), "cannot read ~/.aws/config: it is larger than 0 MiB");
    }

    #[cfg(windows)]
    #[test]
    fn the_null_device_is_an_empty_file() {
        assert_eq!(load(Path::new("NUL"), "x", 10), Ok(Vec::new()));
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::PermissionsExt;
        use std::os::unix::net::UnixListener;
        use std::time::{Duration, Instant};

        use super::*;

        #[test]
        fn a_pipe_without_writer_a_socket_and_a_device_are_refused_at_once() {
            let directory = tempfile::tempdir().unwrap();
            let (pipe, socket) = (directory.path().join("pipe"), directory.path().join("socket"));
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            let _listener = UnixListener::bind(&socket).unwrap();
            let started = Instant::now();
            assert_eq!(refusal(&pipe, 10), "cannot read ~/.aws/config: it is a pipe or device, not a file");
            assert!(refusal(&socket, 10).starts_with("cannot read ~/.aws/config: "));
            assert_eq!(
                refusal(Path::new("/dev/zero"), 10),
                "cannot read ~/.aws/config: it is a pipe or device, not a file"
            );
            assert!(started.elapsed() < Duration::from_secs(5));
        }

        #[test]
        fn the_null_device_is_an_empty_file() {
            assert_eq!(load(Path::new("/dev/null"), "x", 10), Ok(Vec::new()));
        }

        #[test]
        fn a_file_we_may_not_read_is_named() {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
            match load(file.path(), "~/.aws/config", 10) {
                Err(failure) => assert_eq!(failure.cause, "cannot read ~/.aws/config: permission denied"),
                // Root reads everything.
                Ok(_) => assert_eq!(account().unwrap().user, 0),
            }
        }

        #[test]
        fn a_loop_of_symlinks_is_refused() {
            let directory = tempfile::tempdir().unwrap();
            let symlink = directory.path().join("config");
            std::os::unix::fs::symlink(&symlink, &symlink).unwrap();
            assert!(refusal(&symlink, 10).starts_with("cannot read ~/.aws/config: "));
        }

        #[cfg(target_os = "linux")]
        #[test]
        fn the_account_has_the_home_of_the_account_database() {
            let listed =
                std::process::Command::new("getent").args(["passwd", &account().unwrap().user.to_string()]).output();
            let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
            let fields: Vec<&str> = listed.trim_end().split(':').collect();
            let account = account().unwrap();
            assert_eq!(account.group.to_string(), fields[3]);
            assert_eq!(account.home.as_deref(), Some(Path::new(fields[5])));
        }
    }
}

//! The key file: one private file an item, in clear, chosen by `keyring = "file"` alone (threat-model P7).

use std::io;
use std::path::PathBuf;

use super::{About, Item, Store, StoreError};
use crate::secret::Secret;
use crate::system::foreign_file::plain;
use crate::system::private_file::{create_private_dir, read_private, write_atomically};

/// Far above a key, far below what would hurt to read.
const LARGEST: usize = 64 * 1024;

// An access key here would be as open as in the AWS file that it came from.
pub(crate) const ABOUT: About = About { name: "the key file", keeps_access_keys: false, unlock: None, start: None };

/// Keeps each item in a file of its own that only its owner may open.
#[derive(Clone, Debug)]
pub struct FileStore {
    directory: PathBuf,
}

impl FileStore {
    /// Keeps items in this directory, which the first write creates.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    fn path(&self, item: &Item) -> PathBuf {
        self.directory.join(file_name(&item.user))
    }

    fn refused(&self, item: &Item, error: &io::Error) -> StoreError {
        StoreError::Refused(format!("{}: {}", self.path(item).display(), plain(error)))
    }
}

impl Store for FileStore {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read(&self, item: &Item) -> Result<Secret<Vec<u8>>, StoreError> {
        read_private(&self.path(item), LARGEST as u64).map(Secret::new).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::Absent,
            io::ErrorKind::FileTooLarge => StoreError::Damaged(error.to_string()),
            _ => self.refused(item, &error),
        })
    }

    fn put(&self, item: &Item, bytes: &Secret<Vec<u8>>) -> Result<(), StoreError> {
        let size = bytes.expose().len();
        if size > LARGEST {
            return Err(StoreError::TooLarge(size));
        }
        create_private_dir(&self.directory).and_then(|()| write_atomically(&self.path(item), bytes.expose())).map_err(
            |error| match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Quota,
                _ => self.refused(item, &error),
            },
        )
    }

    fn remove(&self, item: &Item) -> Result<(), StoreError> {
        std::fs::remove_file(self.path(item)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::Absent,
            _ => self.refused(item, &error),
        })
    }
}

/// Spells every byte that some file system forbids or folds (`:`, `/`, capital letters) as `%XX`, so that two items never
/// share a file.
fn file_name(user: &str) -> String {
    let spell = |byte: u8| match byte {
        b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    user.bytes().map(spell).collect::<String>() + ".key"
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct World {
        root: tempfile::TempDir,
        store: FileStore,
        item: Item,
    }

    impl World {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let store = FileStore::new(root.path().join("state/keys"));
            Self { root, store, item: Item { user: "sealing-key:abc".into(), label: "x".into() } }
        }

        fn write(&self, bytes: &[u8]) -> Result<(), StoreError> {
            self.store.write(&self.item, &Secret::new(bytes.to_vec()))
        }

        fn read(&self) -> Result<Vec<u8>, StoreError> {
            self.store.read(&self.item).map(|bytes| bytes.expose().clone())
        }
    }

    #[test]
    fn a_key_is_absent_then_there_then_replaced_then_absent() {
        let world = World::new();
        assert_eq!(world.read(), Err(StoreError::Absent));
        assert_eq!(world.store.remove(&world.item), Err(StoreError::Absent));
        world.write(b"one").unwrap();
        world.write(b"two").unwrap();
        assert_eq!(world.read().unwrap(), b"two");
        world.store.remove(&world.item).unwrap();
        assert_eq!(world.read(), Err(StoreError::Absent));
    }

    #[test]
    fn looking_for_a_key_creates_no_folder() {
        let world = World::new();
        assert_eq!(world.read(), Err(StoreError::Absent));
        assert_eq!(fs::read_dir(world.root.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_item_too_large_is_refused_and_one_that_grew_is_damaged() {
        let world = World::new();
        world.write(b"old").unwrap();
        assert_eq!(world.write(&vec![0; LARGEST + 1]), Err(StoreError::TooLarge(LARGEST + 1)));
        assert_eq!(world.read().unwrap(), b"old");
        fs::write(world.store.path(&world.item), vec![0; LARGEST + 1]).unwrap();
        assert!(matches!(world.read(), Err(StoreError::Damaged(_))));
    }

    #[test]
    fn names_never_leave_the_folder_and_never_meet() {
        for (user, name) in [
            ("AKIA1", "%41%4B%49%411.key"),
            ("akia1", "akia1.key"),
            ("../../x", "%2E%2E%2F%2E%2E%2Fx.key"),
            ("sealing-key:0f", "sealing-key%3A0f.key"),
            ("a%3A", "a%253%41.key"),
            ("", ".key"),
        ] {
            assert_eq!(file_name(user), name);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_may_open_is_refused_by_name_and_kept() {
        use std::os::unix::fs::PermissionsExt;
        let world = World::new();
        world.write(b"key").unwrap();
        let path = world.store.path(&world.item);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        for mode in [0o644, 0o620, 0o606] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let Err(StoreError::Refused(why)) = world.read() else { panic!("{mode:o} was read") };
            assert_eq!(why, format!("{}: other users can open it", path.display()));
        }
        assert_eq!(fs::read(&path).unwrap(), b"key");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_of_another_user_or_behind_a_symlink_is_refused() {
        let world = World::new();
        world.write(b"key").unwrap();
        let path = world.store.path(&world.item);
        match std::os::unix::fs::chown(&path, Some(4242), None) {
            Ok(()) => {
                assert!(
                    matches!(world.read(), Err(StoreError::Refused(why)) if why.ends_with("belongs to another user"))
                )
            }
            Err(_) => {
                let loud = b"NOT TESTED: only root can give a key file to another user\n";
                std::io::Write::write_all(&mut std::io::stderr(), loud).unwrap();
            }
        }
        let elsewhere = world.root.path().join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        assert!(matches!(world.read(), Err(StoreError::Refused(why)) if why.ends_with("it is a symlink")));
    }
}

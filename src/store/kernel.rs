//! The kernel keyring of Linux: in memory, per user, readable in microseconds; items end at reboot or after three days
//! without use.
//!
//! The user's *persistent* keyring is used where the kernel has one, since it outlives an SSH login; else the *user*
//! keyring. Never the session keyring: without pam_keyinit a key put there dies with the process that put it there.

use super::{About, Item, Store, StoreError};
use crate::secret::Secret;

// Nothing here survives a reboot.
pub(crate) const ABOUT: About =
    About { name: "the kernel keyring", keeps_access_keys: false, unlock: None, start: None };

/// The kernel keyring; on other systems than Linux it answers [`StoreError::NoService`].
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelStore {
    ring: Ring,
}

/// Which of the user's keyrings holds our keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Ring {
    #[default]
    PersistentElseUser,
    #[cfg(all(test, target_os = "linux"))]
    User,
}

impl KernelStore {
    /// The keyring that fits this kernel. Nothing is asked before the first call.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for KernelStore {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read(&self, item: &Item) -> Result<Secret<Vec<u8>>, StoreError> {
        keyring::read(self.ring, &item.user)
    }

    fn put(&self, item: &Item, bytes: &Secret<Vec<u8>>) -> Result<(), StoreError> {
        keyring::put(self.ring, &item.user, bytes)
    }

    fn remove(&self, item: &Item) -> Result<(), StoreError> {
        keyring::remove(self.ring, &item.user)
    }
}

#[cfg(not(target_os = "linux"))]
mod keyring {
    use super::*;

    const WHY: &str = "only Linux has one";

    pub fn read(_: Ring, _: &str) -> Result<Secret<Vec<u8>>, StoreError> {
        Err(StoreError::NoService(WHY.into()))
    }

    pub fn put(_: Ring, _: &str, _: &Secret<Vec<u8>>) -> Result<(), StoreError> {
        Err(StoreError::NoService(WHY.into()))
    }

    pub fn remove(_: Ring, _: &str) -> Result<(), StoreError> {
        Err(StoreError::NoService(WHY.into()))
    }
}

#[cfg(target_os = "linux")]
mod keyring {
    use std::ffi::CString;
    use std::io;

    use super::calls::{self, Serial};
    use super::*;
    use crate::store::SERVICE;

    /// The kernel's own limit for a key of this type.
    const LARGEST: usize = 32_767;

    /// Whoever possesses it: all. Its user, from any session: view, read, search. Group and others: nothing.
    ///
    /// The kernel's default leaves the user nothing but view, and then a process under another session keyring (a
    /// second login, some services) does not find the key at all.
    pub const PERMISSIONS: u32 = 0x3f0b_0000;

    /// A key in the user keyring would never expire; the persistent keyring's span is the kernel's own setting.
    const UNUSED_SECONDS: u32 = 3 * 24 * 3600;

    pub fn read(ring: Ring, user: &str) -> Result<Secret<Vec<u8>>, StoreError> {
        let ring = open_to_read(ring)?;
        let key = calls::search(ring.id, &description(user)?).map_err(of_key)?;
        if ring.needs_timeout {
            // Best effort: reading is what this call is for, and under a foreign session keyring this is not permitted.
            let _ = calls::set_timeout(key, UNUSED_SECONDS);
        }
        payload(key)
    }

    pub fn put(ring: Ring, user: &str, bytes: &Secret<Vec<u8>>) -> Result<(), StoreError> {
        if bytes.expose().len() > LARGEST {
            return Err(StoreError::TooLarge(bytes.expose().len()));
        }
        let (ring, description) = (open_to_change(ring)?, description(user)?);
        let key = calls::add(ring.id, &description, bytes.expose()).map_err(of_key)?;
        let kept = keep(&ring, key, &description);
        if kept.is_err() {
            // A key that is not found again would only eat the user's quota.
            let _ = calls::unlink(key, ring.id);
        }
        kept
    }

    pub fn remove(ring: Ring, user: &str) -> Result<(), StoreError> {
        let ring = open_to_change(ring)?;
        let key = calls::search(ring.id, &description(user)?).map_err(of_key)?;
        calls::unlink(key, ring.id).map_err(of_key)?;
        // Ends it at once, even if it is linked into another keyring; before Linux 3.5 there is no such call.
        let _ = calls::invalidate(key);
        Ok(())
    }

    struct OpenRing {
        id: Serial,
        needs_timeout: bool,
    }

    /// Returns where to search: the user keyring, with the persistent one below it. Asking for the persistent keyring
    /// also restarts its three days.
    ///
    /// A keyring of this process would be the plainer place to hang it, but each such keyring counts as a key of the
    /// user: beside 200 of us at once nobody could add a key, beside 2,222 nobody could read one (measured).
    fn open_to_read(ring: Ring) -> Result<OpenRing, StoreError> {
        let persistent = persistent_below(ring, libc::KEY_SPEC_USER_KEYRING)?;
        Ok(OpenRing { id: libc::KEY_SPEC_USER_KEYRING, needs_timeout: persistent.is_none() })
    }

    /// Returns the keyring that holds our keys, linked into this process's own: that makes the keys *possessed*, as
    /// changing them takes, whatever session keyring the process was started under.
    fn open_to_change(ring: Ring) -> Result<OpenRing, StoreError> {
        if let Some(id) = persistent_below(ring, libc::KEY_SPEC_PROCESS_KEYRING)? {
            return Ok(OpenRing { id, needs_timeout: false });
        }
        calls::link(libc::KEY_SPEC_USER_KEYRING, libc::KEY_SPEC_PROCESS_KEYRING).map_err(of_ring)?;
        Ok(OpenRing { id: libc::KEY_SPEC_USER_KEYRING, needs_timeout: true })
    }

    fn persistent_below(ring: Ring, into: Serial) -> Result<Option<Serial>, StoreError> {
        if ring != Ring::PersistentElseUser {
            return Ok(None);
        }
        match calls::link_persistent(into) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(None),
            Err(error) => Err(of_ring(error)),
        }
    }

    fn keep(ring: &OpenRing, key: Serial, name: &CString) -> Result<(), StoreError> {
        calls::set_permissions(key, PERMISSIONS).map_err(of_key)?;
        if ring.needs_timeout {
            calls::set_timeout(key, UNUSED_SECONDS).map_err(of_key)?;
        }
        calls::search(ring.id, name).map(drop).map_err(of_key)
    }

    fn payload(key: Serial) -> Result<Secret<Vec<u8>>, StoreError> {
        let mut room = 256;
        loop {
            let mut buffer = zeroize::Zeroizing::new(vec![0; room]);
            let length = calls::read(key, &mut buffer).map_err(of_key)?;
            if length <= room {
                return Ok(Secret::new(buffer[..length].to_vec()));
            }
            room = length;
        }
    }

    fn description(user: &str) -> Result<CString, StoreError> {
        CString::new(format!("{SERVICE}:{user}"))
            .map_err(|_| StoreError::Refused("the item's name contains a zero byte".into()))
    }

    /// What a failed call on a key means. A revoked or expired key counts as not found.
    fn of_key(error: io::Error) -> StoreError {
        match error.raw_os_error() {
            Some(libc::ENOKEY | libc::EKEYEXPIRED | libc::EKEYREVOKED) => StoreError::Absent,
            Some(libc::EDQUOT) => StoreError::Quota,
            _ => StoreError::Refused(error.to_string()),
        }
    }

    /// What a failed call on the keyring itself means: kernels without keyrings, and the filters of containers.
    fn of_ring(error: io::Error) -> StoreError {
        match error.raw_os_error() {
            Some(libc::EDQUOT) => StoreError::Quota,
            Some(libc::ENOSYS | libc::EOPNOTSUPP) => StoreError::NoService("this kernel has none".into()),
            Some(libc::EPERM | libc::EACCES) => StoreError::NoService("keyctl is not permitted here".into()),
            _ => StoreError::NoService(error.to_string()),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn every_errno_has_its_outcome() {
            let of = |convert: fn(io::Error) -> StoreError, errno| convert(io::Error::from_raw_os_error(errno));
            for errno in [libc::ENOKEY, libc::EKEYEXPIRED, libc::EKEYREVOKED] {
                assert_eq!(of(of_key, errno), StoreError::Absent);
                assert!(matches!(of(of_ring, errno), StoreError::NoService(_)), "a ring is never a miss");
            }
            for errno in [libc::ENOSYS, libc::EOPNOTSUPP, libc::EPERM, libc::EACCES, libc::EIO] {
                assert!(matches!(of(of_ring, errno), StoreError::NoService(_)));
                assert!(matches!(of(of_key, errno), StoreError::Refused(_)));
            }
            assert_eq!((of(of_key, libc::EDQUOT), of(of_ring, libc::EDQUOT)), (StoreError::Quota, StoreError::Quota));
        }
    }
}

#[cfg(target_os = "linux")]
mod calls {
    use std::ffi::{CStr, CString};
    use std::io;

    use libc::{c_int, c_long, c_ulong};

    /// A key's or a keyring's number; negative ones name a keyring of the caller.
    pub type Serial = c_int;

    /// The type of key that any process may make and read.
    const KEY_TYPE: &CStr = c"user";

    const MYSELF: c_ulong = c_ulong::MAX;

    pub fn link_persistent(into: Serial) -> io::Result<Serial> {
        // SAFETY: this operation takes numbers only.
        unsafe { keyctl(libc::KEYCTL_GET_PERSISTENT, [MYSELF, word(into), 0, 0]) }.map(serial)
    }

    pub fn link(key: Serial, into: Serial) -> io::Result<()> {
        // SAFETY: this operation takes numbers only.
        unsafe { keyctl(libc::KEYCTL_LINK, [word(key), word(into), 0, 0]) }.map(drop)
    }

    pub fn unlink(key: Serial, from: Serial) -> io::Result<()> {
        // SAFETY: this operation takes numbers only.
        unsafe { keyctl(libc::KEYCTL_UNLINK, [word(key), word(from), 0, 0]) }.map(drop)
    }

    pub fn invalidate(key: Serial) -> io::Result<()> {
        // SAFETY: this operation takes numbers only.
        unsafe { keyctl(libc::KEYCTL_INVALIDATE, [word(key), 0, 0, 0]) }.map(drop)
    }

    pub fn set_permissions(key: Serial, mask: u32) -> io::Result<()> {
        // SAFETY: this operation takes numbers only.
        unsafe { keyctl(libc::KEYCTL_SETPERM, [word(key), c_ulong::from(mask), 0, 0]) }.map(drop)
    }

    pub fn set_timeout(key: Serial, seconds: u32) -> io::Result<()> {
        // SAFETY: this operation takes numbers only.
        unsafe { keyctl(libc::KEYCTL_SET_TIMEOUT, [word(key), c_ulong::from(seconds), 0, 0]) }.map(drop)
    }

    pub fn search(ring: Serial, description: &CString) -> io::Result<Serial> {
        let names = [KEY_TYPE.as_ptr() as c_ulong, description.as_ptr() as c_ulong];
        // SAFETY: both names are zero-terminated, only read, and outlive the call.
        unsafe { keyctl(libc::KEYCTL_SEARCH, [word(ring), names[0], names[1], 0]) }.map(serial)
    }

    /// Returns the payload's whole length; if that is more than `buffer` holds, the buffer's content says nothing.
    pub fn read(key: Serial, buffer: &mut [u8]) -> io::Result<usize> {
        let (start, room) = (buffer.as_mut_ptr() as c_ulong, buffer.len() as c_ulong);
        // SAFETY: the kernel writes at most `room` bytes from `start`, which are ours alone while borrowed.
        let length = unsafe { keyctl(libc::KEYCTL_READ, [word(key), start, room, 0]) }?;
        Ok(usize::try_from(length).unwrap_or(0))
    }

    /// Adds a key, or in one step replaces the payload of the key that has this description in this keyring.
    pub fn add(ring: Serial, description: &CString, payload: &[u8]) -> io::Result<Serial> {
        let (kind, name) = (KEY_TYPE.as_ptr(), description.as_ptr());
        // SAFETY: both names are zero-terminated; they and the payload of that length are only read, and outlive the call.
        let id = unsafe { libc::syscall(libc::SYS_add_key, kind, name, payload.as_ptr(), payload.len(), ring) };
        answer(id).map(serial)
    }

    /// # Safety
    ///
    /// Words that the operation takes for addresses must point to what it expects there.
    unsafe fn keyctl(operation: u32, words: [c_ulong; 4]) -> io::Result<c_long> {
        // SAFETY: promised by the caller.
        answer(unsafe { libc::syscall(libc::SYS_keyctl, operation, words[0], words[1], words[2], words[3]) })
    }

    fn answer(value: c_long) -> io::Result<c_long> {
        if value < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
    }

    fn word(serial: Serial) -> c_ulong {
        serial as c_long as c_ulong
    }

    fn serial(value: c_long) -> Serial {
        value as Serial
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    /// An item nobody else uses, removed again when the test ends, however it ends.
    struct Own {
        store: KernelStore,
        item: Item,
    }

    impl Own {
        fn new(ring: Ring, situation: &str) -> Self {
            let user = format!("test-{}-{situation}-{ring:?}", std::process::id());
            Self { store: KernelStore { ring }, item: Item { user, label: String::new() } }
        }
    }

    impl Drop for Own {
        fn drop(&mut self) {
            let _ = self.store.remove(&self.item);
        }
    }

    fn secret(bytes: &[u8]) -> Secret<Vec<u8>> {
        Secret::new(bytes.to_vec())
    }

    fn on_each_ring(situation: &str, test: impl Fn(&KernelStore, &Item)) {
        for ring in [Ring::PersistentElseUser, Ring::User] {
            let own = Own::new(ring, situation);
            test(&own.store, &own.item);
        }
    }

    fn keyctl(arguments: &[&str]) -> String {
        let output = Command::new("keyctl").args(arguments).output().expect("keyctl (package keyutils) is installed");
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    }

    #[test]
    fn a_key_is_absent_then_there_then_replaced_then_absent() {
        on_each_ring("life", |store, item| {
            assert_eq!(store.read(item).unwrap_err(), StoreError::Absent);
            assert_eq!(store.remove(item).unwrap_err(), StoreError::Absent);
            store.write(item, &secret(b"one")).unwrap();
            assert_eq!(store.read(item).unwrap().expose(), b"one");
            store.write(item, &secret(b"two and longer")).unwrap();
            assert_eq!(store.read(item).unwrap().expose(), b"two and longer");
            store.remove(item).unwrap();
            assert_eq!(store.read(item).unwrap_err(), StoreError::Absent);
        });
    }

    #[test]
    fn a_key_longer_than_the_first_buffer_reads_back_whole() {
        on_each_ring("long", |store, item| {
            for length in [255, 256, 257, 1500] {
                store.write(item, &secret(&vec![7; length])).unwrap();
                assert_eq!(store.read(item).unwrap().expose().len(), length);
            }
        });
    }

    #[test]
    fn a_key_larger_than_the_kernel_takes_is_refused_before_the_old_one_is_touched() {
        on_each_ring("large", |store, item| {
            store.write(item, &secret(b"old")).unwrap();
            assert_eq!(store.write(item, &secret(&[0; 32_768])).unwrap_err(), StoreError::TooLarge(32_768));
            assert_eq!(store.read(item).unwrap().expose(), b"old");
        });
    }

    #[test]
    fn a_name_with_a_zero_byte_is_refused() {
        let item = Item { user: "a\0b".into(), label: String::new() };
        assert!(matches!(KernelStore::new().read(&item), Err(StoreError::Refused(_))));
    }

    #[test]
    fn the_user_may_view_read_and_search_and_nobody_else_anything() {
        on_each_ring("mask", |store, item| {
            store.write(item, &secret(b"x")).unwrap();
            let key = format!("%user:twolock:{}", item.user);
            let script = "keyctl get_persistent @p >/dev/null; keyctl link @u @p; keyctl rdescribe \"$0\"";
            let shown = keyctl(&["session", "-", "sh", "-c", script, &key]);
            assert!(shown.contains(";3f0b0000;"), "{shown}");
        });
    }
}

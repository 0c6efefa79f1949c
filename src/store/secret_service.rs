//! The Secret Service of Linux desktops (GNOME Keyring, KWallet, KeePassXC), over the session bus.
//!
//! Secrets cross the bus only in a Diffie-Hellman session (P8), and only a bus of this user's or of root (P53). The bus library is called only where a bus is known to
//! be, since it would start one of its own otherwise; and without permission to unlock no dialog can open, because the
//! connection has a prompt limit of zero. Wrap it in [`Bounded`](super::bounded::Bounded): a bus that accepts
//! and is silent holds a caller for ever.

use super::session_bus::SessionBus;
use super::{About, Item, Store, StoreError};
use crate::secret::Secret;
use crate::system::env::Env;

/// Elsewhere there is no session bus to start one on.
const START: Option<&str> =
    if cfg!(target_os = "linux") { Some("start a keyring (gnome-keyring, KWallet, KeePassXC)") } else { None };

pub(crate) const ABOUT: About =
    About { name: "the Secret Service", keeps_access_keys: true, unlock: Some("unlock the keyring"), start: START };

/// The Secret Service; where this build or system has none it answers [`StoreError::NoService`].
#[derive(Clone, Debug)]
pub struct SecretService {
    /// The bus to talk to, or why there is none.
    bus: Result<SessionBus, String>,
    may_unlock: bool,
}

impl SecretService {
    /// The service on the session bus of this environment, which has to be the process's own: the bus library reads that.
    ///
    /// `may_unlock` permits an unlock dialog.
    pub fn new(env: &Env, may_unlock: bool) -> Self {
        Self { bus: SessionBus::find(env), may_unlock }
    }

    fn bus(&self) -> Result<&SessionBus, StoreError> {
        self.bus.as_ref().map_err(|why| StoreError::NoService(why.clone()))
    }
}

impl Store for SecretService {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read(&self, item: &Item) -> Result<Secret<Vec<u8>>, StoreError> {
        bus::read(self.bus()?, item, self.may_unlock)
    }

    fn put(&self, item: &Item, bytes: &Secret<Vec<u8>>) -> Result<(), StoreError> {
        bus::put(self.bus()?, item, bytes, self.may_unlock)
    }

    fn remove(&self, item: &Item) -> Result<(), StoreError> {
        bus::remove(self.bus()?, item, self.may_unlock)
    }

    fn users(&self) -> Result<Vec<String>, StoreError> {
        bus::users(self.bus()?)
    }
}

#[cfg(not(all(target_os = "linux", feature = "secret-service")))]
mod bus {
    use super::*;

    fn none<T>() -> Result<T, StoreError> {
        Err(StoreError::NoService("this build does not support it".into()))
    }

    pub fn read(_: &SessionBus, _: &Item, _: bool) -> Result<Secret<Vec<u8>>, StoreError> {
        none()
    }

    pub fn put(_: &SessionBus, _: &Item, _: &Secret<Vec<u8>>, _: bool) -> Result<(), StoreError> {
        none()
    }

    pub fn remove(_: &SessionBus, _: &Item, _: bool) -> Result<(), StoreError> {
        none()
    }

    pub fn users(_: &SessionBus) -> Result<Vec<String>, StoreError> {
        none()
    }
}

#[cfg(all(target_os = "linux", feature = "secret-service"))]
mod bus {
    use std::collections::HashMap;
    use std::time::{Duration, Instant};

    use dbus_secret_service::{Collection, EncryptionType, Error, Item as Found, SecretService as Connection};

    use super::*;
    use crate::store::SERVICE;
    use crate::text::visible::cut;

    /// What the other programs of this service show and expect for bytes.
    const CONTENT_TYPE: &str = "application/octet-stream";

    /// A fresh KWallet, and a KeePassXC whose database has no group for it.
    const NO_COLLECTION: &str =
        "it has no default collection: create a default wallet in KWalletManager, or share a group in KeePassXC";

    /// The library's own bound for one call on the bus.
    const CALL_BOUND: Duration = Duration::from_secs(2);

    /// Beyond any bound of ours, which the thread around this keeps: the library counts messages for seconds, and calls
    /// the end of its patience a dismissal. Zero lets no dialog open.
    const PROMPT_LIMIT: u64 = 600;

    /// Nobody reads and declines a dialog in this time: it was never shown (no display, no prompter).
    const FASTER_THAN_A_PERSON: Duration = Duration::from_millis(400);

    pub fn read(bus: &SessionBus, item: &Item, may_unlock: bool) -> Result<Secret<Vec<u8>>, StoreError> {
        let bus = Bus::connect(bus, may_unlock)?;
        bus.find(item)?.get_secret().map(Secret::new).map_err(meaning)
    }

    pub fn put(bus: &SessionBus, item: &Item, bytes: &Secret<Vec<u8>>, may_unlock: bool) -> Result<(), StoreError> {
        let bus = Bus::connect(bus, may_unlock)?;
        match bus.find(item) {
            Ok(found) => found.set_secret(bytes.expose(), CONTENT_TYPE).map_err(meaning),
            Err(StoreError::Absent) => bus.create(item, bytes),
            Err(error) => Err(error),
        }
    }

    pub fn remove(bus: &SessionBus, item: &Item, may_unlock: bool) -> Result<(), StoreError> {
        let bus = Bus::connect(bus, may_unlock)?;
        bus.find(item)?.delete().map_err(meaning)
    }

    /// A locked collection need not tell what it holds.
    pub fn users(bus: &SessionBus) -> Result<Vec<String>, StoreError> {
        let bus = Bus::connect(bus, false)?;
        bus.open_before_search()?;
        let all = bus.connection.search_items(HashMap::from([("service", SERVICE)])).map_err(meaning)?;
        let user = |item: &Found| Ok(item.get_attributes().map_err(meaning)?.remove("username"));
        let users = all.unlocked.iter().chain(&all.locked).map(user).collect::<Result<Vec<_>, StoreError>>()?;
        let is_locked = || bus.default_collection()?.is_locked().map_err(meaning);
        if users.is_empty() && is_locked()? {
            Err(StoreError::Locked)
        } else {
            Ok(users.into_iter().flatten().collect())
        }
    }

    /// The names that the keyring-core stores use too, so other programs of that family find our items.
    fn attributes(item: &Item) -> HashMap<&str, &str> {
        HashMap::from([("service", SERVICE), ("username", item.user.as_str())])
    }

    struct Bus {
        connection: Connection,
        may_unlock: bool,
    }

    impl Bus {
        fn connect(bus: &SessionBus, may_unlock: bool) -> Result<Self, StoreError> {
            seed_key_exchange()?;
            let limit = if may_unlock { PROMPT_LIMIT } else { 0 };
            let connection = bus.connected(|| {
                Connection::connect_with_max_prompt_timeout(EncryptionType::Dh, limit).map_err(meaning)
            })?;
            Ok(Self { connection, may_unlock })
        }

        /// Asks for what is locked before it searches: while nothing is open, KeePassXC opens its unlock window at a mere
        /// search, and answers when a person has unlocked it. GNOME's keyring always has an open collection.
        fn open_before_search(&self) -> Result<(), StoreError> {
            let is_open = |collection: &Collection<'_>| collection.is_locked().map(|locked| !locked).map_err(meaning);
            let default = self.default_collection();
            if let Ok(default) = &default
                && is_open(default)?
            {
                return Ok(());
            }
            for collection in self.connection.get_all_collections().map_err(meaning)? {
                if is_open(&collection)? {
                    return Ok(());
                }
            }
            let default = default?;
            self.unlock(|| default.unlock())
        }

        /// Returns the one unlocked item of this name, over all collections.
        fn find(&self, item: &Item) -> Result<Found<'_>, StoreError> {
            self.open_before_search()?;
            let mut all = self.connection.search_items(attributes(item)).map_err(meaning)?;
            match (all.unlocked.len(), all.locked.len()) {
                (1, 0) => Ok(all.unlocked.remove(0)),
                (0, 1) => {
                    let locked = all.locked.remove(0);
                    self.unlock(|| locked.unlock()).map_err(|error| self.of_item(error))?;
                    Ok(locked)
                }
                (0, 0) => self.find_behind_lock(item),
                (unlocked, locked) => Err(StoreError::Damaged(format!("{} items with that name", unlocked + locked))),
            }
        }

        /// An item that is locked in an open collection waits for a person's consent, not for a password.
        fn of_item(&self, error: StoreError) -> StoreError {
            let is_open = || self.default_collection().is_ok_and(|all| all.is_locked().is_ok_and(|locked| !locked));
            if error == StoreError::Locked && is_open() { StoreError::Unconfirmed } else { error }
        }

        /// A locked collection need not tell what it holds: only an unlocked one can say that an item is absent.
        fn find_behind_lock(&self, item: &Item) -> Result<Found<'_>, StoreError> {
            let collection = self.default_collection()?;
            if !collection.is_locked().map_err(meaning)? {
                return Err(StoreError::Absent);
            }
            self.unlock(|| collection.unlock())?;
            if collection.is_locked().map_err(meaning)? { Err(StoreError::Locked) } else { self.find(item) }
        }

        fn create(&self, item: &Item, bytes: &Secret<Vec<u8>>) -> Result<(), StoreError> {
            let collection = self.default_collection()?;
            // Replacing what appeared since we looked keeps two writers from leaving two items.
            let made = collection.create_item(&item.label, attributes(item), bytes.expose(), true, CONTENT_TYPE);
            made.map(drop).map_err(meaning)
        }

        fn default_collection(&self) -> Result<Collection<'_>, StoreError> {
            self.connection.get_default_collection().map_err(|error| match error {
                Error::NoResult => StoreError::NoService(NO_COLLECTION.into()),
                other => meaning(other),
            })
        }

        fn unlock(&self, ask: impl FnOnce() -> Result<(), Error>) -> Result<(), StoreError> {
            if !self.may_unlock {
                return Err(StoreError::Locked);
            }
            let asked = Instant::now();
            ask().map_err(|error| match error {
                Error::Prompt if asked.elapsed() < FASTER_THAN_A_PERSON => StoreError::Locked,
                Error::Prompt => StoreError::Dismissed,
                other => meaning(other),
            })
        }
    }

    /// The library draws its half of the key exchange from a generator that seeds itself from the clock alone; whoever
    /// records the bus could guess that. This gives it the most it can hold, 64 bits of the system's randomness.
    fn seed_key_exchange() -> Result<(), StoreError> {
        let seed = getrandom::u64().map_err(|error| StoreError::Refused(error.to_string()))?;
        fastrand::seed(seed);
        Ok(())
    }

    /// Our outcome for the library's. Its debug form may hold raw bytes, so only names and messages are taken from it.
    fn meaning(error: Error) -> StoreError {
        match error {
            // A prompt that was not allowed to open, in a collection locked since we looked.
            Error::Locked | Error::Prompt => StoreError::Locked,
            Error::Unavailable | Error::NoResult => StoreError::NoService("no program provides it on this bus".into()),
            Error::Crypto(_) => StoreError::Damaged("its encrypted response cannot be read".into()),
            Error::UnsupportedSecretFormat => StoreError::Damaged("its response has an unknown format".into()),
            Error::Dbus(error) => {
                of_bus(error.name().unwrap_or_default(), error.message().unwrap_or("the bus gave no reason"))
            }
            _ => StoreError::Refused("its response is not understood".into()),
        }
    }

    fn of_bus(name: &str, message: &str) -> StoreError {
        let said = cut(message).into_owned();
        match name.rsplit('.').next().unwrap_or_default() {
            "IsLocked" => StoreError::Locked,
            // The bus says "no reply" as well when the program that should reply died.
            "NoReply" if message.contains("disconnected") => StoreError::NoService(said),
            "NoReply" | "Timeout" | "TimedOut" => StoreError::TimedOut(CALL_BOUND),
            "ServiceUnknown" | "NameHasNoOwner" | "NoServer" | "NoNetwork" | "FileNotFound" | "Disconnected" => {
                StoreError::NoService(said)
            }
            "BadAddress" | "AuthFailed" | "NotSupported" => StoreError::NoService(said),
            _ if name.contains(".Error.Spawn.") => StoreError::NoService(said),
            _ => StoreError::Refused(said),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn every_error_of_the_bus_has_its_outcome_and_none_is_a_miss() {
            let kinds = |name: &str| match of_bus(name, "m") {
                StoreError::NoService(_) => "no service",
                StoreError::TimedOut(_) => "timed out",
                StoreError::Refused(_) => "refused",
                StoreError::Locked => "locked",
                other => panic!("{name}: {other:?}"),
            };
            for (name, outcome) in [
                ("org.freedesktop.DBus.Error.ServiceUnknown", "no service"),
                ("org.freedesktop.DBus.Error.NameHasNoOwner", "no service"),
                ("org.freedesktop.DBus.Error.NoServer", "no service"),
                ("org.freedesktop.DBus.Error.FileNotFound", "no service"),
                ("org.freedesktop.DBus.Error.Spawn.ChildExited", "no service"),
                ("org.freedesktop.DBus.Error.Spawn.ServiceNotFound", "no service"),
                ("org.freedesktop.DBus.Error.NoReply", "timed out"),
                ("org.freedesktop.DBus.Error.Timeout", "timed out"),
                ("org.freedesktop.DBus.Error.AccessDenied", "refused"),
                ("org.freedesktop.DBus.Error.LimitsExceeded", "refused"),
                ("org.freedesktop.Secret.Error.IsLocked", "locked"),
                ("org.freedesktop.Secret.Error.NoSession", "refused"),
                ("org.freedesktop.Secret.Error.NoSuchObject", "refused"),
                ("", "refused"),
            ] {
                assert_eq!(kinds(name), outcome, "{name}");
            }
            let died = "Message recipient disconnected from message bus without replying";
            assert!(matches!(of_bus("org.freedesktop.DBus.Error.NoReply", died), StoreError::NoService(_)));
        }

        #[test]
        fn what_the_bus_says_cannot_steer_a_terminal() {
            let error = of_bus("x.AccessDenied", "no\u{1b}[2J");
            assert_eq!(error, StoreError::Refused("no\u{1b}[2J".into()));
            let shown = crate::error::Failure::new(crate::error::Kind::Keyring, error.to_string()).headline();
            assert!(shown.ends_with("no\\u{1b}[2J"), "{shown}");
        }
    }
}

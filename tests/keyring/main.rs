//! The keyrings of Linux as they really are: a GNOME Keyring on a bus of its own, the kernel's keyring under two users.
//!
//! Nothing here touches the session bus, the home or the keys of whoever runs it. A part that is not installed fails
//! its test by name.

#![cfg(target_os = "linux")]

#[cfg(feature = "secret-service")]
mod desk;
#[cfg(feature = "secret-service")]
mod foreign_bus;
#[cfg(feature = "secret-service")]
mod keepassxc;
mod kernel;
#[cfg(feature = "secret-service")]
mod kwallet;
mod person;
mod probe;
#[cfg(feature = "secret-service")]
mod secret_service;

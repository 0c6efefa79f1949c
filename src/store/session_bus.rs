//! Whether this session has a message bus, found out without the bus library: that one starts a bus where it finds none,
//! and leaves it behind.

use std::path::Path;

use crate::system::env::Env;
use crate::system::sockets;

/// Says why there is no session bus to talk to; `None` where there is one, alive or not.
pub fn why_none(env: &Env) -> Option<String> {
    match env.raw("DBUS_SESSION_BUS_ADDRESS").map(|address| address.to_str()) {
        Some(None) => Some("DBUS_SESSION_BUS_ADDRESS is not readable text".into()),
        Some(Some(address)) if address.split(';').any(|one| one.trim_start().starts_with("autolaunch:")) => {
            Some("DBUS_SESSION_BUS_ADDRESS asks for a bus to be started".into())
        }
        // `unixexec:` starts any program and `tcp:` leads to any machine; a folder one enters may set variables.
        Some(Some(address)) if !address.split(';').all(|one| one.is_empty() || one.starts_with("unix:")) => {
            Some("DBUS_SESSION_BUS_ADDRESS names something else than a socket of this machine (unix:…)".into())
        }
        Some(Some(_)) => None,
        // The library looks there itself, and only takes a socket of the same user.
        None => match env.raw("XDG_RUNTIME_DIR") {
            Some(folder) if sockets::is_own(&Path::new(folder).join("bus")) => None,
            Some(_) => Some("no session bus: DBUS_SESSION_BUS_ADDRESS is not set, and XDG_RUNTIME_DIR has none".into()),
            None => Some("no session bus: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set".into()),
        },
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_bus_is_there_when_an_address_or_a_socket_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let with_socket = folder.path().join("with");
        let with_file = folder.path().join("file");
        for runtime in [&with_socket, &with_file] {
            std::fs::create_dir(runtime).unwrap();
        }
        let _socket = std::os::unix::net::UnixListener::bind(with_socket.join("bus")).unwrap();
        std::fs::write(with_file.join("bus"), "").unwrap();
        let (socket, file) = (with_socket.to_str().unwrap(), with_file.to_str().unwrap());

        let none = |address: &str, runtime: &str| {
            why_none(&Env::of([("DBUS_SESSION_BUS_ADDRESS", address), ("XDG_RUNTIME_DIR", runtime)])).is_some()
        };
        for (address, runtime, is_none) in [
            ("unix:path=/run/bus", "", false),
            ("unix:path=/run/bus", file, false),
            ("", socket, false),
            ("", file, true),
            ("", "/nowhere", true),
            ("", "", true),
            ("autolaunch:", socket, true),
            ("unix:path=/run/bus;autolaunch:scope=*user", socket, true),
            ("unix:abstract=/tmp/dbus-x,guid=0;unix:path=/run/bus;", socket, false),
            ("unixexec:path=/bin/sh,argv1=-c,argv2=true", socket, true),
            ("unix:path=/run/bus;unixexec:path=/bin/sh", socket, true),
            (" unix:path=/run/bus", socket, true),
            ("tcp:host=127.0.0.1,port=1", socket, true),
            ("nonce-tcp:host=127.0.0.1,port=1", socket, true),
            ("launchd:env=X", socket, true),
            ("systemd:", socket, true),
        ] {
            assert_eq!(none(address, runtime), is_none, "{address:?} {runtime:?}");
        }
    }
}

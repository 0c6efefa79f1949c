//! Removes everything when the sandbox ends, however it ends: a process of its own, which waits for the end of a pipe.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::credentials::AccessKeyId;
use crate::error::{Failure, Kind, Result};
use crate::ours::records::Records;
use crate::rotation::Record;
use crate::session::sealing_key;
use crate::store::{StoreError, access_key};
use crate::system::directories::Directories;
use crate::system::{child, signals};

use super::super::context::{Context, Invocation};
use super::home::{Home, PREFIX, broken};

/// A shell that ends may still write its history.
const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

type Shared = Arc<Mutex<Option<Child>>>;

/// Sweeps when it is dropped, when a signal ends us, and when we are killed.
pub struct Sweeper {
    child: Shared,
    _hook: signals::ExitHook,
}

impl Sweeper {
    pub fn start(home: &Home) -> Result<Self> {
        let mut command = home.twolock(&["sandbox", "--sweep", home.access_key_id.as_str()]);
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = child::start_apart(&mut command).map_err(|e| broken("cannot start twolock", &e))?;
        let child = Arc::new(Mutex::new(Some(child)));
        let shared = Arc::clone(&child);
        Ok(Self { child, _hook: signals::on_termination(move || _ = sweep(&shared)) })
    }

    /// Sweeps, and returns whether everything is gone.
    pub fn finish(self) -> bool {
        sweep(&self.child)
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        sweep(&self.child);
    }
}

/// Waiting closes the pipe, which is the sign to begin.
fn sweep(child: &Mutex<Option<Child>>) -> bool {
    let child = child.lock().unwrap_or_else(PoisonError::into_inner).take();
    child.is_some_and(|mut child| child.wait().is_ok_and(|status| status.success()))
}

/// The sweeping process: waits until the one that started it closes the pipe or is gone.
pub fn run(key: &str, invocation: &Invocation) -> Result<u8> {
    let key = &AccessKeyId::parse(key).map_err(|e| Failure::new(Kind::Usage, e))?;
    let dirs = Directories::find(&invocation.env)?;
    if !dirs.home.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX)) {
        return Err(Failure::new(Kind::Usage, "HOME is not the home directory of a sandbox"));
    }
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    let (context, _) = Context::readable(dirs, &invocation.env);
    let stores = context.stores(false);
    let (_, mut left) = sealing_key::forget(&stores, &context.dirs.cache);
    // Killed while it adopts, twolock may have stored the first key and not listed it.
    let records = Records::<Record>::of(&context.dirs.account_data()).all().unwrap_or_default();
    let rotated = || records.iter().flat_map(|record| record.phase.new_key().into_iter().chain([&record.old]));
    let keys = || context.index.entries().map(|(_, entry)| &entry.id).chain(rotated()).chain([key]);
    for store in stores.all() {
        left.extend(keys().filter_map(|key| Some((store.about(), access_key::remove(store, key).err()?))));
    }
    let home = &context.dirs.home;
    remove_directory(home).map_err(|e| broken("cannot remove the temporary home directory", &e))?;
    let may_have_it = |e: &StoreError| !matches!(e, StoreError::Absent | StoreError::NoService(_));
    match left.into_iter().find(|(_, e)| may_have_it(e)) {
        Some((store, e)) => Err(Failure::new(Kind::Keyring, format!("{} {e}", store.name))),
        None => Ok(0),
    }
}

fn remove_directory(directory: &Path) -> io::Result<()> {
    for _ in 0..ATTEMPTS {
        match fs::remove_dir_all(directory) {
            Err(e) if e.kind() != ErrorKind::NotFound => std::thread::sleep(PAUSE),
            _ => return Ok(()),
        }
    }
    fs::remove_dir_all(directory)
}

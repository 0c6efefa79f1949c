//! What leaves the program: stdout is for the next program, stderr is for words.
//!
//! - [`process_json`]: the one line of `credential_process`
//! - [`exports`]: statements for shells, one quoting function a shell
//! - [`table`]: aligned columns for people
//! - [`qr`]: a new device's seed on a terminal
//! - [`paragraph`]: prose that fits the screen
//! - [`messages`]: errors, hints, warnings
//!
//! Uses the vocabulary; never config or sessions.

pub mod exports;
pub mod messages;
pub mod paragraph;
pub mod process_json;
pub mod qr;
pub mod table;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::error::{Failure, Kind, Result};
use crate::secret;
use crate::system::foreign_file::plain;
use crate::text::visible;

static ALLOWS_STYLES: AtomicBool = AtomicBool::new(false);

/// Lets labels be styled on streams that are terminals; off until this is called.
pub fn allow_styles(allowed: bool) {
    ALLOWS_STYLES.store(allowed, Ordering::Relaxed);
}

/// Whether what goes to this stream is styled.
pub fn is_styled(stream: &impl IsTerminal) -> bool {
    ALLOWS_STYLES.load(Ordering::Relaxed) && stream.is_terminal()
}

/// Writes all bytes to stdout at once. A closed pipe is not a failure: the reader chose to stop.
pub fn to_stdout(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(Failure::new(Kind::Disk, format!("cannot write to stdout: {}", plain(&e)))),
    }
}

/// Writes a JSON document, two-space indented, to stdout; what looks like a secret in it is masked.
pub fn json_to_stdout(mut document: Value) -> Result<()> {
    mask(&mut document);
    written_json(&document)
}

/// The same without masking, for a document that outputs a session.
pub fn credentials_to_stdout(document: &Value) -> Result<()> {
    written_json(document)
}

/// Writes a JSON document with one list, each item made when it is written: there may be thousands. Text in the items is
/// [`Masked`].
pub fn json_list_to_stdout(name: &str, items: impl Iterator<Item: Serialize>) -> Result<()> {
    written_json(&BTreeMap::from([(name, Items(RefCell::new(items)))]))
}

struct Items<I>(RefCell<I>);

impl<I: Iterator<Item: Serialize>> Serialize for Items<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(&mut *self.0.borrow_mut())
    }
}

/// Text that is masked in JSON where it looks like a secret.
pub struct Masked<'a>(pub Cow<'a, str>);

impl Serialize for Masked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&secret::masked(&self.0))
    }
}

fn written_json(document: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(document).expect("its keys are text");
    text.push('\n');
    to_stdout(visible::in_json(&text).as_bytes())
}

/// Only values: the names of fields are ours.
fn mask(document: &mut Value) {
    match document {
        Value::String(text) => {
            if let Cow::Owned(masked) = secret::masked(text) {
                *text = masked;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(fields) => fields.values_mut().for_each(mask),
        _ => {}
    }
}

//! What leaves the program: stdout is for the next program, stderr is for words.
//!
//! - [`process_json`]: the one line of `credential_process`
//! - [`exports`]: statements for shells, one quoting function a shell
//! - [`table`]: aligned columns for people
//! - [`paragraph`]: prose that fits the screen
//! - [`messages`]: errors, hints, warnings
//!
//! Uses the vocabulary; never config or sessions.

pub mod exports;
pub mod messages;
pub mod paragraph;
pub mod process_json;
pub mod table;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

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
    let written = credentials_to_stdout(&document);
    // The process ends now, and freeing a list of ten thousand profiles would only take time.
    std::mem::forget(document);
    written
}

/// The same without masking, for a document that outputs a session.
pub fn credentials_to_stdout(document: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(document).expect("its keys are text");
    to_stdout(format!("{}\n", visible::in_json(&text)).as_bytes())
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

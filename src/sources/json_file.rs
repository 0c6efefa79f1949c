//! A file of another program that holds one JSON object with secrets: read bounded, written whole or not at all, and wiped
//! from memory afterwards.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use super::{LONGEST_FILE, Problem};
use crate::secret::Secret;
use crate::system::foreign_file;
use crate::system::obstacle::Obstacle;
use crate::system::private_file::Staged;

/// Which bytes a file held.
pub(super) type Print = [u8; 32];

/// The object in a file.
pub(super) struct Object {
    fields: Map<String, Value>,
    print: Print,
}

impl Object {
    pub(super) fn load(path: &Path) -> Result<Self, Problem> {
        let text = read(path, LONGEST_FILE)?;
        let fields =
            serde_json::from_slice(text.expose()).map_err(|_| Problem::Damaged("it is not a JSON object".into()))?;
        Ok(Self { fields, print: Sha256::digest(text.expose()).into() })
    }

    /// Which bytes the file held that it was loaded from.
    pub(super) fn print(&self) -> Print {
        self.print
    }

    pub(super) fn fields(&self) -> Fields<'_> {
        Fields(&self.fields)
    }

    /// Sets a text of an object in it, or of itself, under the name it has there.
    pub(super) fn set(&mut self, within: Option<&str>, name: &str, text: &str) {
        let inner = within.and_then(|within| {
            let found = spelled(&self.fields, within)?.to_owned();
            self.fields.get_mut(&found)?.as_object_mut()
        });
        // Without that object the loaded file would have been damaged.
        let Some(fields) = (if within.is_some() { inner } else { Some(&mut self.fields) }) else { return };
        let name = spelled(fields, name).unwrap_or(name).to_owned();
        if let Some(mut old) = fields.insert(name, Value::String(text.to_owned())) {
            wipe(&mut old);
        }
    }

    /// Replaces the file, private from the first instant, if it still holds what this was loaded from; `false` if not.
    pub(super) fn replace(&self, path: &Path, loaded: Print) -> Result<bool, Obstacle> {
        // A symlink stays one: what it leads to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let text = Secret::new(serde_json::to_vec(&self.fields).expect("a map of texts is a document"));
        let obstacle = |error| Obstacle::to("written", &target, &error);
        let staged = Staged::beside(&target, text.expose(), None).map_err(obstacle)?;
        // Looked at last, so that another program's change has hardly the time to come between.
        let is_same = read(path, LONGEST_FILE).is_ok_and(|now| Print::from(Sha256::digest(now.expose())) == loaded);
        if is_same {
            staged.commit().map_err(obstacle)?;
        }
        Ok(is_same)
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        self.fields.values_mut().for_each(wipe);
    }
}

/// The fields of an object, whatever the case of their names: SDKs take each.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Returns a text; null, and another type, are none.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(spelled(self.0, name)?)?.as_str()
    }

    /// Returns a text that has to be there.
    pub(super) fn needed(self, name: &str) -> Result<&'a str, Problem> {
        self.text(name).filter(|text| !text.is_empty()).ok_or_else(|| Problem::Damaged(format!("{name} is missing")))
    }

    /// Returns a token that has to be there: visible ASCII, so that it can be sent.
    pub(super) fn token(self, name: &str) -> Result<Secret<String>, Problem> {
        let text = self.needed(name)?;
        match text.bytes().all(|b| b.is_ascii_graphic()) {
            true => Ok(Secret::new(text.to_owned())),
            false => Err(Problem::Damaged(format!("{name} is malformed"))),
        }
    }

    pub(super) fn object(self, name: &str) -> Result<Fields<'a>, Problem> {
        let found = spelled(self.0, name).and_then(|name| self.0.get(name)?.as_object());
        found.map(Fields).ok_or_else(|| Problem::Damaged(format!("{name} is missing")))
    }
}

/// Returns how a name is spelled there: exactly so, else in any case.
fn spelled<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    match fields.get_key_value(name) {
        Some((found, _)) => Some(found),
        None => fields.keys().find(|key| key.eq_ignore_ascii_case(name)).map(String::as_str),
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Reads a whole regular file.
pub(super) fn read(path: &Path, limit: u64) -> Result<Secret<Vec<u8>>, Problem> {
    match foreign_file::read(path, limit) {
        Ok(Some(bytes)) => Ok(Secret::new(bytes)),
        Ok(None) => Err(Problem::Missing),
        Err(why) => Err(Problem::Unreadable(why)),
    }
}

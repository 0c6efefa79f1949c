//! What a `credential_process` prints: every form that an SDK takes (aws-contract 3.1), but none that could be misread.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::arn::AccountId;
use crate::credentials::{
    AccessKey, AccessKeyId, Credentials, LONGEST_TOKEN, Session, is_credential_text, parse_secret_key,
};
use crate::error::{Failure, Kind, Result};
use crate::secret::Secret;
use crate::timestamp::Timestamp;

/// A session whose end is unknown is taken for this long, as Rust's SDK does.
const LIFE_OF_UNKNOWN: Duration = Duration::from_secs(15 * 60);
/// Nothing lasts longer at AWS.
const LONGEST_LIFE: Duration = Duration::from_secs(36 * 3600);

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads what a program printed: a long-term key where it has no session token, else a session that is valid now and for
/// 36 hours at most. The failure, `Refused` for expired credentials and `Config` for the rest, begins with
/// "printed" and repeats nothing of it but that date.
pub fn read(output: &Secret<Vec<u8>>, now: Timestamp) -> Result<Credentials> {
    let fields = Fields::read(output.expose())?;
    if !matches!(fields.get(Name::Version), Value::Whole(1) | Value::One) {
        return Err(printed("JSON without \"Version\": 1"));
    }
    let id = AccessKeyId::parse(fields.half(Name::AccessKeyId)?).map_err(|why| wrong(Name::AccessKeyId, &why))?;
    let secret = fields.half(Name::SecretAccessKey)?;
    let secret = parse_secret_key(secret).map_err(|why| wrong(Name::SecretAccessKey, why))?;
    let (token, account) = (fields.token()?, fields.account()?);
    let expires = fields.expiration(now)?;
    match token {
        None if id.is_temporary() => Err(printed("a temporary AccessKeyId without a SessionToken")),
        None => Ok(Credentials::Key(AccessKey { id, secret })),
        Some(token) => {
            let expires = expires.unwrap_or(now.plus(LIFE_OF_UNKNOWN)).min(now.plus(LONGEST_LIFE));
            Ok(Credentials::Session(Session { access_key_id: id, secret, token, expires, account }))
        }
    }
}

fn printed(what: &str) -> Failure {
    Failure::new(Kind::Config, format!("printed {what}"))
}

fn wrong(name: Name, why: &str) -> Failure {
    printed(&format!("JSON whose {name:?} {why}"))
}

#[derive(Clone, Copy, Debug)]
enum Name {
    Version,
    AccessKeyId,
    SecretAccessKey,
    SessionToken,
    Expiration,
    AccountId,
}

impl Name {
    const ALL: [(Name, &str); 6] = [
        (Name::Version, "Version"),
        (Name::AccessKeyId, "AccessKeyId"),
        (Name::SecretAccessKey, "SecretAccessKey"),
        (Name::SessionToken, "SessionToken"),
        (Name::Expiration, "Expiration"),
        (Name::AccountId, "AccountId"),
    ];
}

/// A value of the object. Texts are wiped, whichever they are: two may have been swapped.
#[derive(Debug, Default)]
enum Value {
    /// Or null.
    #[default]
    Missing,
    Text(Secret<String>),
    Whole(u64),
    /// `1.0`
    One,
    OtherNumber,
    Other,
}

/// The object's values by [`Name`]. What is not known is dropped.
#[derive(Debug, Default)]
struct Fields {
    exact: [Value; Name::ALL.len()],
    /// Those whose name is written in another case, which Go and Rust take.
    other_case: [Value; Name::ALL.len()],
}

impl Fields {
    fn read(output: &[u8]) -> Result<Self> {
        if output.starts_with(BYTE_ORDER_MARK) {
            return Err(printed("a byte order mark before its JSON, which most SDKs refuse"));
        }
        if output.trim_ascii().is_empty() {
            return Err(printed("nothing"));
        }
        // The parser's error could quote what it read.
        serde_json::from_slice(output).map_err(|_| printed("something other than one JSON object"))
    }

    fn get(&self, name: Name) -> &Value {
        match &self.exact[name as usize] {
            Value::Missing => &self.other_case[name as usize],
            exact => exact,
        }
    }

    /// A half of the key: text that is there.
    fn half(&self, name: Name) -> Result<&str> {
        match self.get(name) {
            Value::Missing => Err(printed(&format!("JSON without {name:?}"))),
            Value::Text(text) if text.expose().is_empty() => Err(wrong(name, "is empty")),
            Value::Text(text) => Ok(text.expose()),
            _ => Err(wrong(name, "is not a string")),
        }
    }

    fn token(&self) -> Result<Option<Secret<String>>> {
        let refused = |why: &str| Err(wrong(Name::SessionToken, why));
        match self.get(Name::SessionToken) {
            Value::Missing => Ok(None),
            Value::Text(text) => match text.expose().as_str() {
                "" => Ok(None),
                token if token.len() > LONGEST_TOKEN => refused(&format!("is longer than {LONGEST_TOKEN} bytes")),
                token if !is_credential_text(token) => {
                    refused("contains characters that are not valid in a session token")
                }
                _ => Ok(Some(text.clone())),
            },
            _ => refused("is not a string"),
        }
    }

    fn account(&self) -> Result<Option<AccountId>> {
        let digits = match self.get(Name::AccountId) {
            Value::Missing => return Ok(None),
            Value::Text(text) if text.expose().is_empty() => return Ok(None),
            Value::Text(text) => text.expose().clone(),
            Value::Whole(number) => number.to_string(),
            _ => String::new(),
        };
        match AccountId::parse(&digits) {
            Some(account) => Ok(Some(account)),
            // JSON has no number that begins with 0.
            None => Err(wrong(Name::AccountId, "is not a string of 12 digits")),
        }
    }

    /// The end, unless it is unknown; refused if it has passed.
    fn expiration(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let refused = |why: &str| wrong(Name::Expiration, &format!("{why}: it must be like 2030-01-31T12:34:56Z"));
        let expires = match self.get(Name::Expiration) {
            Value::Missing => return Ok(None),
            Value::Text(text) if text.expose().is_empty() => return Ok(None),
            Value::Text(text) => moment(text.expose()).ok_or_else(|| refused(no_moment(text.expose())))?,
            Value::Whole(_) | Value::One | Value::OtherNumber => return Err(refused("is a number")),
            Value::Other => return Err(refused("is not a date")),
        };
        if expires <= now {
            return Err(Failure::new(Kind::Refused, format!("printed credentials that expired at {expires}")));
        }
        Ok(Some(expires))
    }
}

/// Reads a date of RFC 3339; also with a space for its `T`, which Python, Go's and Rust's SDKs write or take, and with a
/// zone without colon, which Python and Java take.
fn moment(text: &str) -> Option<Timestamp> {
    let mut date = text.to_owned();
    if date.get(10..11) == Some(" ") {
        date.replace_range(10..11, "T");
    }
    let zone = date.len().saturating_sub(5);
    let is_zone = |text: &str| text.starts_with(['+', '-']) && text[1..].bytes().all(|b| b.is_ascii_digit());
    if zone > 10 && date.get(zone..).is_some_and(is_zone) {
        date.insert(zone + 3, ':');
    }
    Timestamp::parse(&date)
}

/// Some SDKs would read a date without a zone as local time.
fn no_moment(text: &str) -> &'static str {
    if moment(&format!("{text}Z")).is_some() { "has no time zone" } else { "is not a date" }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// Of a name that is there twice, the last counts, as everywhere.
    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> std::result::Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = object.next_key::<String>()? {
            let known = Name::ALL.into_iter().find(|(_, name)| name.eq_ignore_ascii_case(&key));
            match known {
                Some((name, exact)) if key == exact => fields.exact[name as usize] = object.next_value()?,
                Some((name, _)) => fields.other_case[name as usize] = object.next_value()?,
                None => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(fields)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Missing)
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_u64<E>(self, number: u64) -> std::result::Result<Value, E> {
        Ok(Value::Whole(number))
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Value, E> {
        Ok(Value::OtherNumber)
    }

    fn visit_f64<E>(self, number: f64) -> std::result::Result<Value, E> {
        Ok(if number == 1.0 { Value::One } else { Value::OtherNumber })
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Value, E> {
        Ok(Value::Text(Secret::new(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> std::result::Result<Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}

#[cfg(test)]
mod tests;

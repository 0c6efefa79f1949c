//! What callers that want codes of one device tell each other, beside the device's lock and written only under it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::arn::MfaSerial;
use crate::error::Kind;
use crate::hex::hex;
use crate::names::ProfileName;
use crate::system::private_file;
use crate::timestamp::Timestamp;

/// Who holds the device lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub pid: u32,
    /// The profile it asks for.
    pub profile: ProfileName,
}

/// How the last question ended without a session: for the processes that were waiting then, not for later ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub pid: u32,
    /// When, in milliseconds of the wall clock.
    pub at_millis: u64,
    pub kind: Kind,
    /// What the waiting processes print.
    pub text: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceState {
    /// Who asks now, or asked last.
    pub holder: Option<Holder>,
    /// How the last question ended, if it brought no session.
    pub ending: Option<Ending>,
    /// Digests of codes sent, with the moment they were.
    pub sent: Vec<(String, Timestamp)>,
}

/// The paths of one device's lock and state.
#[derive(Clone, Debug)]
pub struct DeviceFiles {
    /// The lock, never removed.
    pub lock: PathBuf,
    pub state: PathBuf,
    /// Whether the state may be written.
    pub is_kept: bool,
}

impl DeviceFiles {
    /// The files of a device; a device behind another endpoint than AWS's is another device.
    pub fn of(directory: &Path, device: &MfaSerial, endpoint: Option<&str>) -> Self {
        let mut hash = Sha256::new();
        hash.update(endpoint.unwrap_or_default());
        hash.update([0]);
        hash.update(device.as_str());
        let stem = format!("device-{}", &hex(&hash.finalize())[..16]);
        let at = |end: &str| directory.join(format!("{stem}.{end}"));
        Self { lock: at("lock"), state: at("json"), is_kept: true }
    }

    /// Loads the state; a missing or damaged file is an empty state.
    pub fn load(&self) -> DeviceState {
        private_file::read_private(&self.state, 64 * 1024).ok().and_then(|b| DeviceState::parse(&b)).unwrap_or_default()
    }

    /// Saves the state. A write error is ignored: the worst result is one more prompt.
    pub fn save(&self, state: &DeviceState) {
        if self.is_kept {
            let _ = private_file::write_atomically(&self.state, state.json().to_string().as_bytes());
        }
    }
}

impl DeviceState {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(bytes).ok()?;
        let pid = |v: &Value| v["pid"].as_u64().and_then(|p| u32::try_from(p).ok());
        let holder =
            |v: &Value| Some(Holder { pid: pid(v)?, profile: ProfileName::parse(v["profile"].as_str()?).ok()? });
        let ending = |v: &Value| {
            let kind = Kind::from_exit_code(u8::try_from(v["exit"].as_u64()?).ok()?)?;
            Some(Ending { pid: pid(v)?, at_millis: v["at_millis"].as_u64()?, kind, text: v["text"].as_str()?.into() })
        };
        let sent = |v: &Value| Some((v["digest"].as_str()?.to_string(), Timestamp::from_unix(v["at"].as_i64()?)));
        Some(Self {
            holder: holder(&json["holder"]),
            ending: ending(&json["ending"]),
            sent: json["sent"].as_array().map(|list| list.iter().filter_map(sent).collect()).unwrap_or_default(),
        })
    }

    fn json(&self) -> Value {
        json!({
            "holder": self.holder.as_ref().map(|h| json!({"pid": h.pid, "profile": h.profile.as_str()})),
            "ending": self.ending.as_ref().map(|e| json!({
                "pid": e.pid, "at_millis": e.at_millis, "exit": e.kind.exit_code(), "text": e.text,
            })),
            "sent": self.sent.iter().map(|(digest, at)| json!({"digest": digest, "at": at.unix()})).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_process_writes_another_reads() {
        let state = DeviceState {
            holder: Some(Holder { pid: 42, profile: ProfileName::parse("prod").unwrap() }),
            ending: Some(Ending { pid: 42, at_millis: 7, kind: Kind::NeedsPerson, text: "cancelled".into() }),
            sent: vec![("ab".into(), Timestamp::from_unix(5))],
        };
        assert_eq!(DeviceState::parse(state.json().to_string().as_bytes()), Some(state));
        assert_eq!(DeviceState::parse(b"{}"), Some(DeviceState::default()));
        assert_eq!(DeviceState::parse(b"not json"), None);
        let forged = br#"{"holder":{"pid":1,"profile":"\u001b[2Jx"}}"#;
        assert_eq!(DeviceState::parse(forged), Some(DeviceState::default()), "a name that is none holds nothing");
    }

    #[test]
    fn the_same_serial_behind_another_endpoint_is_another_device() {
        let device = MfaSerial::parse("arn:aws:iam::123456789012:mfa/ana").unwrap();
        let (aws, local) =
            (DeviceFiles::of(Path::new("/c"), &device, None), DeviceFiles::of(Path::new("/c"), &device, Some("x")));
        assert_ne!(aws.lock, local.lock);
    }
}

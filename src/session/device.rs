//! What callers that want codes of one device tell each other, beside the device's lock and written only under it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::arn::MfaSerial;
use crate::error::Kind;
use crate::hex::hex;
use crate::names::ProfileName;
use crate::session::closed_dialog::ClosedDialog;
use crate::session::declined::{Declined, How};
use crate::system::parent::Caller;
use crate::system::private_file;
use crate::timestamp::Timestamp;

/// How long AWS may refuse the codes of a new device.
const SPREADING: Duration = Duration::from_secs(60);

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
    /// How a person ended it, if one did.
    pub declined: Option<How>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceState {
    /// Who asks now, or asked last.
    pub holder: Option<Holder>,
    /// How the last question ended, if it brought no session.
    pub ending: Option<Ending>,
    /// Whose questions a person ended without a session lately.
    pub declined: Vec<Declined>,
    /// How a person ended the last dialog, if it brought no session.
    pub closed_dialog: Option<ClosedDialog>,
    /// Digests of codes sent, with the moment they were.
    pub sent: Vec<(String, Timestamp)>,
    /// The sessions of which a person was told that they end soon, with the moment of that.
    pub told: Vec<(String, Timestamp)>,
    /// When we enabled it at AWS, which refuses right codes of a new device for some seconds.
    pub enabled: Option<Timestamp>,
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
        let how = |v: &Value| How::from_text(v["how"].as_str()?);
        let at = |v: &Value| v["at"].as_i64().map(Timestamp::from_unix);
        let ending = |v: &Value| {
            let kind = Kind::from_exit_code(u8::try_from(v["exit"].as_u64()?).ok()?)?;
            let (at_millis, text) = (v["at_millis"].as_u64()?, v["text"].as_str()?.into());
            Some(Ending { pid: pid(v)?, at_millis, kind, text, declined: how(v) })
        };
        let declined = |v: &Value| {
            let caller = Caller { pid: pid(v)?, started: v["started"].as_u64()? };
            Some(Declined { caller, how: how(v)?, at: at(v)? })
        };
        let closed = |v: &Value| Some(ClosedDialog { how: how(v)?, at: at(v)? });
        let named = |name: &'static str| move |v: &Value| Some((v[name].as_str()?.to_string(), at(v)?));
        Some(Self {
            holder: holder(&json["holder"]),
            ending: ending(&json["ending"]),
            declined: json["declined"].as_array().into_iter().flatten().filter_map(declined).collect(),
            closed_dialog: closed(&json["closed_dialog"]),
            sent: json["sent"].as_array().into_iter().flatten().filter_map(named("digest")).collect(),
            told: json["told"].as_array().into_iter().flatten().filter_map(named("session")).collect(),
            enabled: json["enabled"].as_i64().map(Timestamp::from_unix),
        })
    }

    fn json(&self) -> Value {
        json!({
            "holder": self.holder.as_ref().map(|h| json!({"pid": h.pid, "profile": h.profile.as_str()})),
            "ending": self.ending.as_ref().map(|e| json!({
                "pid": e.pid, "at_millis": e.at_millis, "exit": e.kind.exit_code(), "text": e.text,
                "how": e.declined.map(How::text),
            })),
            "declined": self.declined.iter().map(|Declined { caller, how, at }| json!({
                "pid": caller.pid, "started": caller.started, "how": how.text(), "at": at.unix(),
            })).collect::<Vec<_>>(),
            "closed_dialog": self.closed_dialog.map(|c| json!({"how": c.how.text(), "at": c.at.unix()})),
            "sent": self.sent.iter().map(|(digest, at)| json!({"digest": digest, "at": at.unix()})).collect::<Vec<_>>(),
            "told": self.told.iter().map(|(of, at)| json!({"session": of, "at": at.unix()})).collect::<Vec<_>>(),
            "enabled": self.enabled.map(Timestamp::unix),
        })
    }

    /// Whether it was enabled so short a time ago that AWS may not know it everywhere.
    pub fn is_new(&self, now: Timestamp) -> bool {
        self.enabled.is_some_and(|since| since <= now && now.since(since) < SPREADING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_process_writes_another_reads() {
        let state = DeviceState {
            holder: Some(Holder { pid: 42, profile: ProfileName::parse("prod").unwrap() }),
            ending: Some(Ending {
                pid: 42,
                at_millis: 7,
                kind: Kind::NeedsPerson,
                text: "cancelled".into(),
                declined: Some(How::Cancelled),
            }),
            declined: vec![Declined {
                caller: Caller { pid: 41, started: u64::MAX },
                how: How::WrongCodes,
                at: Timestamp::from_unix(6),
            }],
            closed_dialog: Some(ClosedDialog { how: How::TimedOut, at: Timestamp::from_unix(3) }),
            sent: vec![("ab".into(), Timestamp::from_unix(5))],
            told: vec![("cd".into(), Timestamp::from_unix(2))],
            enabled: Some(Timestamp::from_unix(4)),
        };
        assert_eq!(DeviceState::parse(state.json().to_string().as_bytes()), Some(state));
        assert_eq!(DeviceState::parse(b"{}"), Some(DeviceState::default()));
        assert_eq!(DeviceState::parse(b"not json"), None);
        let forged = br#"{"holder":{"pid":1,"profile":"\u001b[2Jx"}}"#;
        assert_eq!(DeviceState::parse(forged), Some(DeviceState::default()), "a name that is none holds nothing");
    }

    #[test]
    fn a_device_is_new_for_a_minute() {
        let at = |enabled: Option<i64>, now| {
            let state = DeviceState { enabled: enabled.map(Timestamp::from_unix), ..DeviceState::default() };
            state.is_new(Timestamp::from_unix(now))
        };
        let table = [(None, 100), (Some(100), 99), (Some(100), 100), (Some(100), 159), (Some(100), 160)];
        assert_eq!(table.map(|(enabled, now)| at(enabled, now)), [false, false, true, true, false]);
    }

    #[test]
    fn the_same_serial_behind_another_endpoint_is_another_device() {
        let device = MfaSerial::parse("arn:aws:iam::123456789012:mfa/ana").unwrap();
        let (aws, local) =
            (DeviceFiles::of(Path::new("/c"), &device, None), DeviceFiles::of(Path::new("/c"), &device, Some("x")));
        assert_ne!(aws.lock, local.lock);
    }
}

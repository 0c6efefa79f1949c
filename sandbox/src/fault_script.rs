//! Reads a fault from JSON, for tests that are not written in Rust.
//!
//! `{"kind": "delay", "ms": 500, "action": "AssumeRole", "caller": "…", "role": "…",
//! "skip": 1, "times": 2 | "forever", "processed": true}`; each kind has its own further fields, read below.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::fault::{Fault, FaultKind};
use crate::refusal::Refusal;

impl Fault {
    /// Returns the fault that a JSON object describes, or what is wrong with it.
    pub fn from_json(value: &Value) -> Result<Fault, String> {
        let object = value.as_object().ok_or("a fault is an object")?;
        let mut fields = Fields { object, read: Vec::new() };
        let mut fault = Fault::new(fields.kind()?);
        fault.action = fields.text("action")?;
        fault.caller = fields.text("caller")?;
        fault.role = fields.text("role")?;
        fault.skip = fields.skip()?;
        fault.times = fields.times()?;
        if let Some(value) = fields.get("processed") {
            fault.processed = value.as_bool().ok_or("\"processed\" is true or false")?;
        }
        fields.finish()?;
        Ok(fault)
    }
}

struct Fields<'a> {
    object: &'a Map<String, Value>,
    read: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    fn get(&mut self, name: &'static str) -> Option<&'a Value> {
        self.read.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &'static str) -> Result<Option<String>, String> {
        self.get(name)
            .map(|value| value.as_str().map(str::to_owned))
            .map_or(Ok(None), |text| text.map(Some).ok_or(format!("\"{name}\" is a text")))
    }

    fn need_text(&mut self, name: &'static str) -> Result<String, String> {
        self.text(name)?.ok_or(format!("\"{name}\" is missing"))
    }

    fn need_number(&mut self, name: &'static str) -> Result<i64, String> {
        self.get(name).and_then(Value::as_i64).ok_or(format!("\"{name}\" is a whole number"))
    }

    fn status(&mut self) -> Result<u16, String> {
        u16::try_from(self.need_number("status")?)
            .ok()
            .filter(|status| (200..600).contains(status))
            .ok_or("\"status\" is an HTTP status".to_owned())
    }

    fn skip(&mut self) -> Result<u32, String> {
        let Some(value) = self.get("skip") else {
            return Ok(0);
        };
        let skip = value.as_u64().and_then(|calls| u32::try_from(calls).ok());
        skip.ok_or("\"skip\" is a number".to_owned())
    }

    fn times(&mut self) -> Result<Option<u32>, String> {
        match self.get("times") {
            None => Ok(Some(1)),
            Some(Value::String(text)) if text == "forever" => Ok(None),
            Some(value) => value
                .as_u64()
                .and_then(|times| u32::try_from(times).ok())
                .filter(|times| *times > 0)
                .map(Some)
                .ok_or("\"times\" is a number above 0, or \"forever\"".to_owned()),
        }
    }

    fn kind(&mut self) -> Result<FaultKind, String> {
        let name = self.need_text("kind")?;
        Ok(match name.as_str() {
            "delay" => FaultKind::Delay(Duration::from_millis(self.need_number("ms")?.unsigned_abs())),
            "hang" => FaultKind::Hang,
            "drop-before" => FaultKind::DropBefore,
            "drop-after" => FaultKind::DropAfter,
            "cut-body" => FaultKind::CutBody,
            "truncated-body" => FaultKind::TruncatedBody,
            "status" => FaultKind::Status(self.status()?),
            "throttling" => FaultKind::Throttling,
            "error" => FaultKind::Error(Refusal {
                status: self.status()?,
                code: self.need_text("code")?,
                message: self.need_text("message")?,
            }),
            "date-offset" => FaultKind::DateOffset(self.need_number("seconds")?),
            "oversized-body" => FaultKind::OversizedBody(
                self.get("bytes")
                    .and_then(Value::as_u64)
                    .and_then(|bytes| usize::try_from(bytes).ok())
                    .unwrap_or(10 * 1024 * 1024),
            ),
            "html-body" => FaultKind::HtmlBody,
            "empty-body" => FaultKind::EmptyBody,
            "foreign-account" => FaultKind::ForeignAccount(self.need_text("account")?),
            "foreign-role" => FaultKind::ForeignRole(self.need_text("arn")?),
            "expiry-past" => FaultKind::ExpiryPast,
            "expiry-beyond" => FaultKind::ExpiryBeyond(self.need_number("seconds")?),
            "no-session-token" => FaultKind::NoSessionToken,
            "redirect" => FaultKind::Redirect(self.need_text("location")?),
            other => return Err(format!("no such kind of fault: {other}")),
        })
    }

    /// A misspelt field would silently widen the fault, so it is refused.
    fn finish(self) -> Result<(), String> {
        match self.object.keys().find(|name| !self.read.contains(&name.as_str())) {
            Some(name) => Err(format!("this kind of fault has no field \"{name}\"")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scripts_become_faults() {
        let rows = [
            (
                json!({"kind": "delay", "ms": 500, "action": "AssumeRole", "skip": 1, "times": 2}),
                Fault::new(FaultKind::Delay(Duration::from_millis(500))).on("AssumeRole").after(1).times(2),
            ),
            (
                json!({"kind": "status", "status": 503, "times": "forever", "processed": true}),
                Fault::new(FaultKind::Status(503)).always().after_effect(),
            ),
            (
                json!({"kind": "error", "status": 403, "code": "RegionDisabledException",
                       "message": "STS is not activated", "role": "r", "caller": "c"}),
                Fault::new(FaultKind::Error(Refusal::new(403, "RegionDisabledException", "STS is not activated")))
                    .role("r")
                    .by("c"),
            ),
            (json!({"kind": "foreign-role", "arn": "arn:x"}), Fault::new(FaultKind::ForeignRole("arn:x".to_owned()))),
            (json!({"kind": "oversized-body"}), Fault::new(FaultKind::OversizedBody(10_485_760))),
        ];
        for (script, fault) in rows {
            assert_eq!(Fault::from_json(&script), Ok(fault), "{script}");
        }
    }

    #[test]
    fn mistakes_in_scripts_are_named() {
        let rows = [
            (json!([]), "a fault is an object"),
            (json!({}), "\"kind\" is missing"),
            (json!({"kind": "explode"}), "no such kind of fault: explode"),
            (json!({"kind": "delay"}), "\"ms\" is a whole number"),
            (json!({"kind": "hang", "acton": "AssumeRole"}), "this kind of fault has no field \"acton\""),
            (json!({"kind": "hang", "times": 0}), "\"times\" is a number above 0, or \"forever\""),
        ];
        for (script, words) in rows {
            assert_eq!(Fault::from_json(&script), Err(words.to_owned()), "{script}");
        }
    }
}

//! Scripts what goes wrong: a queue of faults, each for some calls and for some number of times.

use std::time::Duration;

use crate::refusal::Refusal;

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The answer comes, so much later.
    Delay(Duration),
    /// The connection stays open and nothing comes.
    Hang,
    /// The connection is cut before the call has any effect.
    DropBefore,
    /// The call takes effect, then the connection is cut without an answer.
    DropAfter,
    /// The call takes effect; the connection is cut in the middle of the answer's body.
    CutBody,
    /// The call takes effect; a complete answer carries only the first half of the document.
    TruncatedBody,
    /// A bare 500, 503 or the like.
    Status(u16),
    /// 400, `Throttling`, "Rate exceeded"; at the JSON services what each of them calls it.
    Throttling,
    /// Any other refusal. At the sign-in of `aws login` the code is the `error`, such as `TOKEN_EXPIRED`.
    Error(Refusal),
    /// The `Date` header is off by so many seconds.
    DateOffset(i64),
    /// So many bytes of white space stand before the end of the document.
    OversizedBody(usize),
    /// A page of HTML, status 200, as portals and proxies send it.
    HtmlBody,
    EmptyBody,
    /// The answer names this account; an answer of GetSessionToken names none and stays as it is.
    ForeignAccount(String),
    /// An answer of AssumeRole names this ARN instead of the role and session that were asked for.
    ForeignRole(String),
    /// The credentials expired an hour ago.
    ExpiryPast,
    /// The credentials say that they last so many seconds longer than asked.
    ExpiryBeyond(i64),
    NoSessionToken,
    /// 302 to this address.
    Redirect(String),
}

impl FaultKind {
    /// Returns the name used in records and in scripts.
    pub fn name(&self) -> &'static str {
        match self {
            FaultKind::Delay(_) => "delay",
            FaultKind::Hang => "hang",
            FaultKind::DropBefore => "drop-before",
            FaultKind::DropAfter => "drop-after",
            FaultKind::CutBody => "cut-body",
            FaultKind::TruncatedBody => "truncated-body",
            FaultKind::Status(_) => "status",
            FaultKind::Throttling => "throttling",
            FaultKind::Error(_) => "error",
            FaultKind::DateOffset(_) => "date-offset",
            FaultKind::OversizedBody(_) => "oversized-body",
            FaultKind::HtmlBody => "html-body",
            FaultKind::EmptyBody => "empty-body",
            FaultKind::ForeignAccount(_) => "foreign-account",
            FaultKind::ForeignRole(_) => "foreign-role",
            FaultKind::ExpiryPast => "expiry-past",
            FaultKind::ExpiryBeyond(_) => "expiry-beyond",
            FaultKind::NoSessionToken => "no-session-token",
            FaultKind::Redirect(_) => "redirect",
        }
    }

    fn usually_processed(&self) -> bool {
        !matches!(
            self,
            FaultKind::Hang
                | FaultKind::DropBefore
                | FaultKind::Status(_)
                | FaultKind::Throttling
                | FaultKind::Error(_)
                | FaultKind::Redirect(_)
        )
    }
}

/// A fault, and the calls it is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    /// Only calls of this action; any when left out.
    pub action: Option<String>,
    /// Only calls by this ARN or access key id; at the JSON services also by this person.
    pub caller: Option<String>,
    /// Only calls that ask for this role: by its ARN, at the portal by its name there.
    pub role: Option<String>,
    /// How many such calls pass unharmed first.
    pub skip: u32,
    /// How many calls; for ever when left out.
    pub times: Option<u32>,
    /// The call takes effect (a code is used, a session created) before the failure.
    pub processed: bool,
}

impl Fault {
    /// Returns a fault for the next call of any kind, once.
    pub fn new(kind: FaultKind) -> Fault {
        Fault {
            action: None,
            caller: None,
            role: None,
            skip: 0,
            times: Some(1),
            processed: kind.usually_processed(),
            kind,
        }
    }

    #[must_use]
    pub fn on(mut self, action: &str) -> Fault {
        self.action = Some(action.to_owned());
        self
    }

    #[must_use]
    pub fn by(mut self, caller: &str) -> Fault {
        self.caller = Some(caller.to_owned());
        self
    }

    #[must_use]
    pub fn role(mut self, arn: &str) -> Fault {
        self.role = Some(arn.to_owned());
        self
    }

    /// Lets so many such calls pass first.
    #[must_use]
    pub fn after(mut self, calls: u32) -> Fault {
        self.skip = calls;
        self
    }

    #[must_use]
    pub fn times(mut self, times: u32) -> Fault {
        self.times = Some(times);
        self
    }

    #[must_use]
    pub fn always(mut self) -> Fault {
        self.times = None;
        self
    }

    /// Lets the call take effect first, for those faults that usually come before.
    #[must_use]
    pub fn after_effect(mut self) -> Fault {
        self.processed = true;
        self
    }

    /// Counts a call that passes first; says whether none was left to pass.
    fn is_due(&mut self) -> bool {
        let passes = self.skip > 0;
        self.skip = self.skip.saturating_sub(1);
        !passes
    }

    fn is_for(&self, call: &Target<'_>) -> bool {
        let fits = |wanted: &Option<String>, found: &[Option<&str>]| {
            wanted.is_none() || found.iter().any(|it| it.is_some() && *it == wanted.as_deref())
        };
        self.times != Some(0)
            && fits(&self.action, &[call.action])
            && fits(&self.caller, &[call.caller_arn, call.access_key_id])
            && fits(&self.role, &[call.role_arn])
    }
}

/// What a fault looks at to know its calls; nothing of it has been verified.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Target<'a> {
    pub action: Option<&'a str>,
    pub caller_arn: Option<&'a str>,
    pub access_key_id: Option<&'a str>,
    pub role_arn: Option<&'a str>,
}

/// The faults still to come, in the order given.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes the first fault meant for a call and counts it down.
    pub(crate) fn take(&mut self, call: &Target<'_>) -> Option<Fault> {
        let at = self.0.iter_mut().position(|fault| fault.is_for(call) && fault.is_due())?;
        let fault = self.0[at].clone();
        if let Some(times) = &mut self.0[at].times {
            *times -= 1;
            if *times == 0 {
                self.0.remove(at);
            }
        }
        Some(fault)
    }

    pub(crate) fn waiting(&self) -> &[Fault] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(action: &'a str, role: Option<&'a str>) -> Target<'a> {
        Target {
            action: Some(action),
            caller_arn: Some("arn:aws:iam::111122223333:user/alice"),
            access_key_id: Some("AKIA1"),
            role_arn: role,
        }
    }

    #[test]
    fn faults_wait_for_their_own_calls_and_run_out() {
        let mut faults = Faults::default();
        faults.push(Fault::new(FaultKind::Hang).on("AssumeRole").role("r").times(2));
        faults.push(Fault::new(FaultKind::EmptyBody).by("AKIA1").always());
        let taken: Vec<&str> = [
            call("GetSessionToken", None),
            call("AssumeRole", Some("other")),
            call("AssumeRole", Some("r")),
            call("AssumeRole", Some("r")),
            call("AssumeRole", Some("r")),
        ]
        .iter()
        .map(|call| faults.take(call).unwrap().kind.name())
        .collect();
        assert_eq!(taken, ["empty-body", "empty-body", "hang", "hang", "empty-body"]);
        assert!(faults.take(&Target::default()).is_none());
    }

    #[test]
    fn a_fault_for_the_third_call_lets_two_pass() {
        let mut faults = Faults::default();
        faults.push(Fault::new(FaultKind::Hang).on("CreateAccessKey").after(2));
        let calls = ["CreateAccessKey", "GetUser", "CreateAccessKey", "CreateAccessKey", "CreateAccessKey"];
        let struck = calls.map(|action| faults.take(&call(action, None)).is_some());
        assert_eq!(struck, [false, false, false, true, false]);
    }
}

//! Who declined a question lately: some SDKs run us again after each failure, up to four times, and would put the same
//! question to a person who just ended it (threat-model P58).

use std::time::Duration;

use crate::system::parent::Caller;
use crate::timestamp::Timestamp;

/// So long the same caller is not asked again.
const PAUSE: Duration = Duration::from_secs(30);
/// Most callers kept, so that the note of the device stays small.
const MOST: usize = 100;

/// How a person ended a question without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Cancelled,
    TimedOut,
    WrongCodes,
}

impl How {
    /// What it was, before "12 s ago".
    pub fn text(self) -> &'static str {
        match self {
            How::Cancelled => "declined",
            How::TimedOut => "timed out",
            How::WrongCodes => "three wrong codes",
        }
    }

    /// The one of this text.
    pub fn from_text(text: &str) -> Option<Self> {
        [How::Cancelled, How::TimedOut, How::WrongCodes].into_iter().find(|how| how.text() == text)
    }
}

/// A caller whose question brought no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declined {
    pub caller: Caller,
    pub how: How,
    pub at: Timestamp,
}

impl Declined {
    /// How long its caller is not asked yet; none once it may be asked, or if the clock was set back.
    fn left(&self, now: Timestamp) -> Option<Duration> {
        let left = PAUSE.saturating_sub(now.since(self.at));
        (self.at <= now && !left.is_zero()).then_some(left)
    }
}

/// Notes that a caller's question was declined, and forgets what no longer matters.
pub fn note(list: &mut Vec<Declined>, caller: Caller, how: How, now: Timestamp) {
    list.retain(|declined| declined.caller != caller && declined.left(now).is_some());
    list.drain(..(list.len() + 1).saturating_sub(MOST));
    list.push(Declined { caller, how, at: now });
}

/// Why a caller is not asked now: `declined 12 s ago; asks again in 18 s`.
pub fn refusal(list: &[Declined], caller: Caller, now: Timestamp) -> Option<String> {
    let declined = list.iter().find(|declined| declined.caller == caller)?;
    let left = declined.left(now)?.as_secs();
    let ago = now.since(declined.at).as_secs();
    Some(format!("{} {ago} s ago; asks again in {left} s", declined.how.text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: Caller = Caller { pid: 7, started: 70 };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_800_000_000 + seconds)
    }

    #[test]
    fn a_caller_is_refused_for_half_a_minute_and_no_other_is() {
        for (how, text) in
            [(How::Cancelled, "declined"), (How::TimedOut, "timed out"), (How::WrongCodes, "three wrong codes")]
        {
            let mut list = Vec::new();
            note(&mut list, NODE, how, at(0));
            let refusal = |caller, seconds| refusal(&list, caller, at(seconds));
            assert_eq!(refusal(NODE, 0), Some(format!("{text} 0 s ago; asks again in 30 s")));
            assert_eq!(refusal(NODE, 29), Some(format!("{text} 29 s ago; asks again in 1 s")));
            assert_eq!(refusal(NODE, 30), None);
            assert_eq!(refusal(NODE, -1), None, "a clock that was set back");
            assert_eq!(refusal(Caller { started: 71, ..NODE }, 1), None, "a later process of the same id");
            assert_eq!(refusal(Caller { pid: 8, ..NODE }, 1), None);
        }
    }

    #[test]
    fn the_list_keeps_the_newest_of_each_caller_and_stays_short() {
        let mut list = Vec::new();
        note(&mut list, NODE, How::Cancelled, at(0));
        note(&mut list, NODE, How::TimedOut, at(20));
        assert_eq!(list, [Declined { caller: NODE, how: How::TimedOut, at: at(20) }]);
        note(&mut list, Caller { pid: 8, started: 70 }, How::Cancelled, at(50));
        assert_eq!(list.len(), 1, "the first is forgotten after its pause");
        for pid in 0..1_000 {
            note(&mut list, Caller { pid, started: 1 }, How::Cancelled, at(51));
        }
        assert_eq!((list.len(), list[99].caller.pid), (100, 999));
    }
}

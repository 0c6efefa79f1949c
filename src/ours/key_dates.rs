//! When AWS created each access key, as far as it has said so, and when a person was reminded to rotate it: `keys` of
//! `state.json`, and in `reminded_over` the last time for a key over its maximum age.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::credentials::AccessKeyId;
use crate::ours::state;
use crate::timestamp::Timestamp;

const FIELD: &str = "keys";
const OVER: &str = "reminded_over";
/// From the maximum age on, a reminder is repeated after so long.
const AGAIN: Duration = Duration::from_secs(86_400);
/// The parts of the maximum age, in percent, at which a person is reminded.
const STEPS: [u32; 3] = [100, 75, 50];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct KeyDates {
    created: Option<Timestamp>,
    /// The last reminder.
    reminded: Option<Timestamp>,
}

/// What is known of each key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllKeyDates {
    keys: BTreeMap<String, KeyDates>,
    /// The last reminder of any key that was over its maximum age.
    reminded_over: Option<Timestamp>,
}

/// A key that a person may be reminded of, since when it exists, and its maximum age.
#[derive(Clone, Debug)]
pub struct Aging {
    pub id: AccessKeyId,
    pub since: Timestamp,
    pub most: Duration,
}

impl AllKeyDates {
    /// Loads the file in a state directory; a damaged or missing one is empty.
    pub fn load(directory: &Path) -> Self {
        Self::of(&state::read(directory))
    }

    fn of(state: &Map<String, Value>) -> Self {
        let keys = state.get(FIELD).and_then(Value::as_object).into_iter().flatten();
        Self {
            keys: keys.map(|(id, fields)| (id.clone(), KeyDates::of(fields))).collect(),
            reminded_over: state.get(OVER).and_then(|date| Timestamp::parse(date.as_str()?)),
        }
    }

    fn as_json(&self) -> Value {
        self.keys.iter().map(|(id, dates)| (id.clone(), dates.as_json())).collect()
    }

    /// When AWS created a key, if it has said so.
    pub fn created(&self, id: &AccessKeyId) -> Option<Timestamp> {
        self.keys.get(id.as_str())?.created
    }

    /// Whether it is time for a reminder of a key.
    pub fn is_due(&self, key: &Aging, now: Timestamp) -> bool {
        let last = self.keys.get(key.id.as_str()).and_then(|dates| dates.reminded);
        is_due(last, self.reminded_over, key, now)
    }

    /// Removes keys that do not exist here any more, if all that do are known.
    fn retain(&mut self, existing: Option<&HashSet<AccessKeyId>>) {
        if let Some(existing) = existing {
            self.keys.retain(|id, _| AccessKeyId::parse(id).is_ok_and(|id| existing.contains(&id)));
        }
    }
}

impl KeyDates {
    fn of(fields: &Value) -> Self {
        let date = |value: &Value| Timestamp::parse(value.as_str()?);
        Self { created: date(&fields["created"]), reminded: date(&fields["reminded"]) }
    }

    fn as_json(&self) -> Value {
        let fields = [("created", self.created), ("reminded", self.reminded)];
        fields.into_iter().filter_map(|(name, date)| Some((name.to_owned(), json!(date?.to_string())))).collect()
    }
}

/// Which of the steps an age has reached.
pub fn percent(age: Duration, most: Duration) -> Option<u32> {
    STEPS.into_iter().find(|step| age.as_secs() * 100 >= most.as_secs() * u64::from(*step))
}

/// Once for each step, and from the maximum age on once a day for all such keys. A reminder in the future was one of a
/// wrong clock.
fn is_due(last: Option<Timestamp>, last_over: Option<Timestamp>, key: &Aging, now: Timestamp) -> bool {
    let Some(reached) = percent(now.since(key.since), key.most) else { return false };
    let [last, last_over] = [last, last_over].map(|last| last.filter(|last| *last <= now));
    match reached == STEPS[0] {
        true => last_over.is_none_or(|last| now.since(last) >= AGAIN),
        false => last.is_none_or(|last| Some(reached) > percent(last.since(key.since), key.most)),
    }
}

/// Records when AWS created keys. If `existing` is given, all other keys are forgotten.
pub fn record_created(
    directory: &Path,
    created: &[(AccessKeyId, Timestamp)],
    existing: Option<&HashSet<AccessKeyId>>,
) -> io::Result<()> {
    change(directory, |keys| {
        for (id, created) in created {
            keys.keys.entry(id.to_string()).or_default().created = Some(*created);
        }
        keys.retain(existing);
    })
}

/// Records one reminder of all these keys, unless another process was faster. Returns whether to remind: never what cannot
/// be recorded, which would be repeated each time.
pub fn record_reminder(
    directory: &Path,
    aging: &[Aging],
    now: Timestamp,
    existing: Option<&HashSet<AccessKeyId>>,
) -> io::Result<bool> {
    let mut is_recorded = false;
    change(directory, |keys| {
        if !aging.is_empty() && aging.iter().all(|key| keys.is_due(key, now)) {
            for key in aging {
                keys.keys.entry(key.id.to_string()).or_default().reminded = Some(now);
                if percent(now.since(key.since), key.most) == Some(STEPS[0]) {
                    keys.reminded_over = Some(now);
                }
            }
            keys.retain(existing);
            is_recorded = true;
        }
    })?;
    Ok(is_recorded)
}

fn change(directory: &Path, act: impl FnOnce(&mut AllKeyDates)) -> io::Result<()> {
    state::change(directory, |state| {
        let before = AllKeyDates::of(state);
        let mut keys = before.clone();
        act(&mut keys);
        state.insert(FIELD.into(), keys.as_json());
        if let Some(date) = keys.reminded_over {
            state.insert(OVER.into(), json!(date.to_string()));
        }
        keys != before
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::ProfileName;
    use crate::ours::usage;

    const DAY: u64 = 86_400;
    const SINCE: Timestamp = Timestamp::from_unix(1_900_000_000);

    fn on(day: f64) -> Timestamp {
        SINCE.plus(Duration::from_secs_f64(day * 86_400.0))
    }

    fn id(text: &str) -> AccessKeyId {
        AccessKeyId::parse(text).unwrap()
    }

    fn days(days: u64) -> Duration {
        Duration::from_secs(days * DAY)
    }

    /// Calls on these days, and which of them remind.
    fn reminders(most: Duration, calls: &[f64]) -> Vec<f64> {
        let (mut last, mut last_over) = (None, None);
        let key = Aging { id: id("AKIAIOSFODNN7EXAMPLE"), since: SINCE, most };
        let mut reminds = |day: &&f64| {
            let (due, now) = (is_due(last, last_over, &key, on(**day)), on(**day));
            last = if due { Some(now) } else { last };
            last_over = if due && percent(now.since(SINCE), most) == Some(100) { Some(now) } else { last_over };
            due
        };
        calls.iter().filter(|day| reminds(day)).copied().collect()
    }

    #[test]
    fn a_person_is_reminded_once_at_each_step_and_then_once_a_day() {
        for (what, most, calls, reminds) in [
            ("49 % and 50 %", 100, &[0.0, 49.0, 49.99, 50.0, 50.0, 51.0, 74.99][..], &[50.0][..]),
            ("75 % and 100 %", 100, &[50.0, 75.0, 75.1, 99.99, 100.0, 100.0], &[50.0, 75.0, 100.0]),
            ("every day after", 100, &[100.0, 100.5, 100.99, 101.0, 101.5, 102.0], &[100.0, 101.0, 102.0]),
            ("seen late for the first time", 100, &[80.0, 81.0, 200.0, 200.1], &[80.0, 200.0]),
            ("the shortest maximum", 1, &[0.4, 0.5, 0.6, 0.75, 0.8, 1.0, 1.5, 2.0], &[0.5, 0.75, 1.0, 2.0]),
            ("a clock set back", 100, &[100.0, 60.0, 61.0, 62.0, 100.0, 101.0], &[100.0, 60.0, 101.0]),
            ("a clock once ahead", 100, &[5_000.0, 49.0, 50.0, 51.0, 75.0], &[5_000.0, 50.0, 75.0]),
        ] {
            assert_eq!(reminders(days(most), calls), reminds, "{what}");
        }
    }

    #[test]
    fn a_longer_maximum_begins_anew() {
        let reminded_at_30 = Some(on(30.0));
        let is_due = |most, day| {
            let key = Aging { id: id("AKIAIOSFODNN7EXAMPLE"), since: SINCE, most: days(most) };
            super::is_due(reminded_at_30, reminded_at_30, &key, on(day))
        };
        assert!(!is_due(30, 30.5) && !is_due(90, 44.0) && is_due(90, 45.0));
    }

    #[test]
    fn keys_over_their_maximum_are_told_of_once_a_day_in_all() {
        let home = tempfile::tempdir().unwrap();
        let aging = |text: &str| Aging { id: id(text), since: SINCE, most: days(90) };
        let (one, two) = (aging("AKIAIOSFODNN7EXAMPLE"), aging("AKIAI44QH8DHBEXAMPLE"));
        let remind = |keys: &[&Aging], day| {
            let keys: Vec<Aging> = keys.iter().map(|key| (*key).clone()).collect();
            record_reminder(home.path(), &keys, on(day), None).unwrap()
        };
        assert!(remind(&[&one], 91.0) && !remind(&[&two], 91.5) && !remind(&[&one, &two], 91.9));
        assert!(remind(&[&one, &two], 92.0) && !remind(&[&two], 92.9) && remind(&[&two], 93.0));
    }

    #[test]
    fn dates_are_kept_and_keys_that_are_gone_are_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("state");
        let (key, gone) = (id("AKIAIOSFODNN7EXAMPLE"), id("AKIAOLDOLDOLDOLDOLD1"));
        let profile = ProfileName::parse("work").unwrap();
        usage::record(&directory, &profile, SINCE, None).unwrap();
        record_created(&directory, &[(key.clone(), SINCE), (gone.clone(), SINCE)], None).unwrap();
        let aging = |id: &AccessKeyId| Aging { id: id.clone(), since: SINCE, most: days(90) };
        let remind = |day, existing: Option<&HashSet<_>>| {
            record_reminder(&directory, &[aging(&key)], on(day), existing).unwrap()
        };
        assert!(!remind(44.0, None) && remind(45.0, None) && !remind(45.0, None));
        let keys = AllKeyDates::load(&directory);
        assert_eq!((keys.created(&key), keys.created(&gone)), (Some(SINCE), Some(SINCE)));
        assert!(!keys.is_due(&aging(&key), on(46.0)) && keys.is_due(&aging(&gone), on(46.0)));
        assert!(remind(70.0, Some(&HashSet::from([key.clone()]))));
        let keys = AllKeyDates::load(&directory);
        assert_eq!((keys.created(&key), keys.created(&gone)), (Some(SINCE), None));
        assert!(usage::Usage::load(&directory).get("work").is_some(), "the other fields stay");
    }

    #[test]
    fn a_damaged_file_is_empty_and_a_newer_one_reminds_nobody() {
        let home = tempfile::tempdir().unwrap();
        let key = id("AKIAIOSFODNN7EXAMPLE");
        for (text, reminds) in [
            ("{", true),
            (r#"{"v":1,"keys":[]}"#, true),
            (r#"{"v":1,"keys":{"AKIAIOSFODNN7EXAMPLE":7,"x":{"created":1}}}"#, true),
            (r#"{"v":1,"keys":{"AKIAIOSFODNN7EXAMPLE":{"created":"soon","reminded":[]}}}"#, true),
            (r#"{"v":2,"keys":{}}"#, false),
        ] {
            crate::system::private_file::write_atomically(&home.path().join(state::FILE), text.as_bytes()).unwrap();
            let keys = AllKeyDates::load(home.path());
            assert_eq!(keys.created(&key), None, "{text}");
            let aging = Aging { id: key.clone(), since: SINCE, most: days(90) };
            let reminded = record_reminder(home.path(), &[aging], on(95.0), None).unwrap();
            assert_eq!(reminded, reminds, "{text}");
        }
    }
}

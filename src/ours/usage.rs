//! Which profiles are used, how often and when last, so that the picker shows those first: `profiles` of `state.json`.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::names::ProfileName;
use crate::ours::state;
use crate::timestamp::Timestamp;

/// More than anyone uses; the most recently used ones stay.
const MOST_PROFILES: usize = 2_000;
/// Uses within this time count once: a loop in a script should neither count nor write each time.
const ONE_USE: Duration = Duration::from_secs(60);

/// How a profile was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    pub uses: u64,
    pub last: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub struct Usage(HashMap<String, Use>);

impl Usage {
    /// Loads the file in a state directory; a damaged or missing one is empty.
    pub fn load(directory: &Path) -> Self {
        Self::of(&state::read(directory))
    }

    fn of(state: &Map<String, Value>) -> Self {
        let profiles = state.get("profiles").and_then(Value::as_object);
        let entry = |(name, fields): (&String, &Value)| {
            let last = Timestamp::parse(fields["last"].as_str()?)?;
            Some((name.clone(), Use { uses: fields["uses"].as_u64()?, last }))
        };
        Self(profiles.into_iter().flatten().filter_map(entry).collect())
    }

    pub fn get(&self, profile: &str) -> Option<Use> {
        self.0.get(profile).copied()
    }

    /// Returns a sort key: higher for a later day of use, and within a day for more uses; 0 if never used.
    pub fn weight(&self, profile: &str, now: Timestamp) -> u64 {
        let Some(used) = self.get(profile) else { return 0 };
        // A clock that was ahead must not keep a profile on top until that day.
        let day = u64::try_from(used.last.min(now).unix() / 86_400).unwrap_or(0);
        day << 32 | used.uses.clamp(1, u64::from(u32::MAX))
    }

    fn count(&mut self, profile: &str, now: Timestamp) -> bool {
        let used = self.0.entry(profile.into()).or_insert(Use { uses: 0, last: Timestamp::from_unix(0) });
        // a clock that was set back must not stop the counting
        if used.uses > 0 && used.last <= now && now.since(used.last) < ONE_USE {
            return false;
        }
        *used = Use { uses: used.uses.saturating_add(1), last: now };
        true
    }

    fn shrink(&mut self) {
        let mut kept: Vec<_> = self.0.drain().collect();
        kept.sort_unstable_by_key(|(_, used)| Reverse(used.last));
        self.0.extend(kept.into_iter().take(MOST_PROFILES));
    }

    fn as_json(&self) -> Value {
        let entry =
            |(name, used): (&String, &Use)| (name.clone(), json!({"uses": used.uses, "last": used.last.to_string()}));
        Value::Object(self.0.iter().map(entry).collect())
    }
}

/// Notes that a person used a profile. If `existing` is given, all other profiles are removed.
pub fn record(
    directory: &Path,
    profile: &ProfileName,
    now: Timestamp,
    existing: Option<&HashSet<String>>,
) -> io::Result<()> {
    state::change(directory, |state| {
        let mut usage = Usage::of(state);
        if !usage.count(profile.as_str(), now) {
            return false;
        }
        if let Some(existing) = existing {
            usage.0.retain(|name, _| existing.contains(name));
        }
        usage.shrink();
        state.insert("profiles".into(), usage.as_json());
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ours::state::FILE;
    use crate::system::private_file::write_atomically;

    const START: i64 = 1_900_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(START + seconds)
    }

    fn used(directory: &Path, profile: &str, seconds: i64) {
        record(directory, &ProfileName::parse(profile).unwrap(), at(seconds), None).unwrap();
    }

    fn write(directory: &Path, text: &str) {
        write_atomically(&directory.join(FILE), text.as_bytes()).unwrap();
    }

    fn text(directory: &Path) -> String {
        std::fs::read_to_string(directory.join(FILE)).unwrap()
    }

    #[test]
    fn uses_are_counted_once_a_minute() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state/twolock");
        for seconds in [0, 1, 59, 60, 200] {
            used(&state, "prod", seconds);
        }
        used(&state, "a b", 200);
        assert_eq!(
            text(&state),
            r#"{"profiles":{"a b":{"last":"2030-03-17T17:50:00Z","uses":1},"prod":{"last":"2030-03-17T17:50:00Z","uses":3}},"v":1}"#
        );
        let usage = Usage::load(&state);
        assert_eq!(usage.get("prod"), Some(Use { uses: 3, last: at(200) }));
        assert_eq!(usage.get("other"), None);
        // the clock was wrong then
        used(&state, "prod", -500);
        assert_eq!(Usage::load(&state).get("prod"), Some(Use { uses: 4, last: at(-500) }));
    }

    #[test]
    fn the_latest_day_comes_first_and_within_a_day_the_most_used() {
        const DAY: i64 = 86_400;
        let usage = |uses, ago: i64| Usage([("p".into(), Use { uses, last: at(-ago) })].into()).weight("p", at(0));
        let falling = [
            usage(3, 7_200),
            usage(2, 10),
            usage(1, 10),
            usage(900, DAY),
            usage(1, DAY),
            usage(u64::MAX, 2 * DAY),
            usage(0, 300 * DAY),
            Usage::default().weight("p", at(0)),
        ];
        assert!(falling.windows(2).all(|pair| pair[0] > pair[1]), "{falling:?}");
        assert_eq!(usage(1, -9_000_000), usage(1, 10), "used in the future");
    }

    #[test]
    fn a_damaged_file_counts_as_absent_and_is_replaced() {
        for damage in [
            "",
            "{",
            "[]",
            "null",
            r#"{"profiles":{}}"#,
            r#"{"v":"1"}"#,
            r#"{"v":0}"#,
            r#"{"v":1,"profiles":[]}"#,
            r#"{"v":1,"profiles":{"p":{"uses":-1,"last":"2030-01-01T00:00:00Z"},"q":7,"r":{"uses":1,"last":"soon"}}}"#,
        ] {
            let directory = tempfile::tempdir().unwrap();
            write(directory.path(), damage);
            assert!(Usage::load(directory.path()).0.is_empty(), "{damage}");
            used(directory.path(), "prod", 0);
            assert_eq!(Usage::load(directory.path()).0.len(), 1, "{damage}");
        }
    }

    #[test]
    fn a_newer_file_is_left_alone_and_other_fields_stay() {
        let directory = tempfile::tempdir().unwrap();
        let newer = r#"{"v":2,"profiles":{"p":{"uses":9,"last":"2030-01-01T00:00:00Z"}}}"#;
        write(directory.path(), newer);
        used(directory.path(), "prod", 0);
        assert_eq!(text(directory.path()), newer);
        assert!(Usage::load(directory.path()).0.is_empty());
        write(directory.path(), r#"{"v":1,"reminded":"2030-01-01T00:00:00Z"}"#);
        used(directory.path(), "prod", 0);
        assert!(text(directory.path()).contains(r#""reminded":"2030-01-01T00:00:00Z""#), "{}", text(directory.path()));
    }

    #[test]
    fn removed_profiles_are_forgotten_and_the_file_stays_small() {
        let directory = tempfile::tempdir().unwrap();
        used(directory.path(), "gone", 0);
        used(directory.path(), "prod", 100);
        let there = HashSet::from(["prod".to_string(), "base".to_string()]);
        record(directory.path(), &ProfileName::parse("base").unwrap(), at(200), Some(&there)).unwrap();
        let usage = Usage::load(directory.path());
        assert!(usage.get("gone").is_none() && usage.get("prod").is_some() && usage.get("base").is_some());

        let entry = |n: i64| (format!("p{n}"), Use { uses: 0, last: at(n) });
        let mut many = Usage((0..5_000).map(entry).collect());
        many.shrink();
        assert_eq!(many.0.len(), MOST_PROFILES);
        assert!(many.get("p4999").is_some() && many.get("p2999").is_none());
    }

    #[test]
    fn an_older_file_is_read_and_its_profiles_do_not_stay_on_top() {
        let directory = tempfile::tempdir().unwrap();
        let before = r#"{"profiles":{"old":{"last":"2030-03-10T00:00:00Z","uses":995}},"v":1}"#;
        write(directory.path(), before);
        used(directory.path(), "new", 0);
        let usage = Usage::load(directory.path());
        assert_eq!(usage.get("old").map(|used| used.uses), Some(995));
        assert!(usage.weight("new", at(0)) > usage.weight("old", at(0)));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_private_and_one_that_others_can_open_is_not_used() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let (state, file) = (directory.path().join("state"), directory.path().join("state").join(FILE));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        used(&state, "prod", 0);
        assert_eq!((mode(&state), mode(&file)), (0o700, 0o600));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Usage::load(&state).0.is_empty());
        std::fs::rename(&file, directory.path().join("elsewhere")).unwrap();
        symlink(directory.path().join("elsewhere"), &file).unwrap();
        used(&state, "prod", 100);
        assert_eq!(mode(&file), 0o600);
        assert!(!std::fs::symlink_metadata(&file).unwrap().is_symlink(), "replaced, not followed");
    }

    #[test]
    fn three_simultaneous_uses_are_all_counted() {
        let directory = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for n in 0..3 {
                let directory = directory.path();
                scope.spawn(move || used(directory, &format!("p{n}"), 0));
            }
        });
        assert_eq!(Usage::load(directory.path()).0.len(), 3);
    }
}

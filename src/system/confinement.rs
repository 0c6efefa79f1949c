//! Whether this process runs in a sandbox that has keyrings of its own: a user namespace, as bubblewrap, Flatpak, rootless
//! containers and `unshare -U` make them, or a snap. The kernel keeps the keyrings of each user namespace apart.

use crate::error::Failure;
use crate::hint::{CommandLine, Verb};

/// What we are confined by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(all(not(target_os = "linux"), not(test)), expect(dead_code, reason = "only Linux has such sandboxes"))]
pub enum Confinement {
    Flatpak,
    Snap,
    /// Any other user namespace; mostly bubblewrap or a rootless container.
    UserNamespace,
}

impl Confinement {
    /// Looks at this process.
    pub fn here() -> Option<Self> {
        Self::of_this_system()
    }

    /// What is wrong, before any detail.
    pub const WHY: &'static str = "in a sandbox: the keyring outside cannot be seen";

    /// Adds the ways out to a failure.
    pub fn ways_out(self, failure: Failure, profile: &str) -> Failure {
        let exec = CommandLine::of(Verb::Exec, profile).with("--").with("COMMAND");
        failure.hint(exec.to("start the program from outside")).hint(self.let_in())
    }

    /// The way that leaves the program where it is.
    pub fn let_in(self) -> String {
        let how = self.how_to_let_the_bus_in();
        format!("or let the session bus in, if the Secret Service outside has the keys: {how}")
    }

    /// How the session bus, and with it the Secret Service outside, is let in.
    fn how_to_let_the_bus_in(self) -> &'static str {
        match self {
            Self::Flatpak => "flatpak run --talk-name=org.freedesktop.secrets APP",
            Self::Snap => "snap connect SNAP:password-manager-service",
            Self::UserNamespace => r#"bwrap --bind "$XDG_RUNTIME_DIR/bus" "$XDG_RUNTIME_DIR/bus" …"#,
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn of_this_system() -> Option<Self> {
        None
    }

    #[cfg(target_os = "linux")]
    fn of_this_system() -> Option<Self> {
        // A file that cannot be read tells nothing.
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        if std::path::Path::new("/.flatpak-info").exists() {
            return Some(Self::Flatpak);
        }
        if is_snap(&text("/proc/self/attr/current")) {
            return Some(Self::Snap);
        }
        is_of_a_namespace(&text("/proc/self/uid_map")).then_some(Self::UserNamespace)
    }
}

/// Whether an AppArmor label is that of a snap; one of classic confinement is not enforced.
#[cfg(target_os = "linux")]
fn is_snap(label: &str) -> bool {
    label.starts_with("snap.") && label.trim_end().ends_with("(enforce)")
}

/// Whether a uid map (first id inside, first id outside, count) is another than that of the whole system: all ids, each
/// itself. A map that says nothing is none of a namespace.
#[cfg(target_os = "linux")]
fn is_of_a_namespace(map: &str) -> bool {
    const ALL: u64 = u32::MAX as u64;
    let row = |line: &str| {
        let mut numbers = line.split_whitespace().map(|word| word.parse::<u64>().ok());
        Some((numbers.next()??, numbers.next()??, numbers.next()??))
    };
    let rows: Vec<_> = map.lines().filter_map(row).collect();
    let is_whole = rows.iter().map(|(_, _, count)| count).sum::<u64>() == ALL;
    let is_shifted = rows.iter().any(|(inside, outside, _)| inside != outside);
    !rows.is_empty() && (is_shifted || !is_whole)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_the_map_of_the_whole_system_is_none_of_a_namespace() {
        for (map, is) in [
            ("         0          0 4294967295\n", false),
            ("0 0 1\n1 1 4294967294\n", false),
            ("0 1000 1\n", true),
            ("1000 1000 1\n", true),
            ("1000 0 1\n", true),
            ("0 1000 1\n1 100000 65536\n", true),
            ("0 0 65536\n", true),
            ("0 100000 4294967295\n", true),
            ("", false),
            ("what is this\n", false),
        ] {
            assert_eq!(is_of_a_namespace(map), is, "{map}");
        }
    }

    #[test]
    fn a_snap_counts_where_it_is_confined() {
        for (label, is) in [
            ("snap.code.code (enforce)\n", true),
            ("snap.code.code (complain)\n", false),
            ("unconfined\n", false),
            ("", false),
        ] {
            assert_eq!(is_snap(label), is, "{label}");
        }
    }
}

//! A variable that cannot be changed: all or nothing, and not success.

use crate::shells::{POSIX, Stage};

#[test]
fn old_and_new_are_never_mixed() {
    let stage = Stage::new();
    for shell in POSIX {
        for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"] {
            for way in ["eval $(twolock env prod)", "eval \"$(twolock env prod)\""] {
                // the other shell tells what a child sees where the first one ends at once, as POSIX asks
                let script = format!("readonly {name}; {way} && echo ran; env");
                let ran = stage.run(shell, &script);
                let situation = format!("{} {name}: {ran:?}", shell.name());
                assert!(!ran.stdout.contains("ran\n"), "{situation}");
                assert!(!ran.stdout.contains(&stage.ours["AWS_ACCESS_KEY_ID"]), "{situation}");
                assert!(!ran.stdout.contains(&stage.ours["AWS_SESSION_TOKEN"]), "{situation}");
                assert!(ran.stderr.contains(name), "{situation}");
                let ran = stage.run(shell, &format!("set -e; readonly {name}; {way}; echo ran"));
                assert!(ran.code != 0 && ran.stdout.is_empty(), "{} {name}: {ran:?}", shell.name());
            }
        }
    }
}

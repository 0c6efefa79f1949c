//! The words of a sandbox whose sessions and keyring are outside, and the ways out.

use std::path::Path;

use super::sealing_key;
use crate::error::{Failure, Kind};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::store::choose::Stores;
use crate::system::confinement::Confinement;

/// The sandbox that hides the sealing key of this cache directory, if there is one outside: none where we are in no
/// sandbox, or where a keyring that is seen from both sides has the key, or is locked.
///
/// The kernel keyring of the sandbox itself may have a key by now, which says nothing of the one outside.
pub fn hidden_by(stores: &Stores, cache: &Path) -> Option<Confinement> {
    let sandbox = Confinement::here()?;
    stores.fast.as_ref()?;
    sealing_key::is_unseen_in_durable(stores, cache).then_some(sandbox)
}

/// A code is needed, and nobody in the sandbox can be asked.
pub fn nobody_to_ask(sandbox: Confinement, profile: &ProfileName, needed: &str) -> Failure {
    let exec = CommandLine::of(Verb::Exec, profile).with("--").with("COMMAND");
    let why = Confinement::WHY;
    let cause = format!("{why}, and here it {needed}; start the program from outside: {exec}");
    Failure::new(Kind::NeedsPerson, cause).hint(sandbox.let_in())
}

/// No keyring in the sandbox can protect a session.
pub fn no_keyring(sandbox: Confinement, answers: &str) -> Failure {
    let cause = format!("{}, and none here protects sessions: {answers}", Confinement::WHY);
    sandbox.ways_out(Failure::new(Kind::Keyring, cause), "PROFILE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sandbox_names_its_way_to_the_bus() {
        let profile = ProfileName::parse("prod").unwrap();
        for (sandbox, how) in [
            (Confinement::Flatpak, "flatpak run --talk-name=org.freedesktop.secrets"),
            (Confinement::Snap, "snap connect SNAP:password-manager-service"),
            (Confinement::UserNamespace, "bwrap --bind \"$XDG_RUNTIME_DIR/bus\""),
        ] {
            for failure in [nobody_to_ask(sandbox, &profile, "needs a code: no terminal"), no_keyring(sandbox, "none")]
            {
                assert!(failure.headline().contains(Confinement::WHY), "{failure}");
                let hints = failure.shown_hints().join("\n");
                assert!(hints.contains(how) && !hints.contains("keyring file"), "{hints}");
            }
        }
        let failure = nobody_to_ask(Confinement::Snap, &profile, "needs a code: no terminal");
        assert!(
            failure.headline().ends_with("start the program from outside: twolock exec prod -- COMMAND"),
            "{failure}"
        );
    }
}

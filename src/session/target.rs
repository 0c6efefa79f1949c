//! One step of a plan, seen with those below it: what its call is signed with, and whether it needs a person.

use crate::arn::MfaSerial;
use crate::profile::steps::Step;
use crate::session::identity::{Identity, PlannedStep};
use crate::timestamp::Timestamp;

/// A step whose credentials are wanted, and the steps below it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    /// What is called for it.
    pub(crate) call: &'a Step,
    /// What makes its credentials the same as those of another plan's step.
    pub(crate) identity: Identity,
    steps_below: &'a [PlannedStep<'a>],
}

impl<'a> Target<'a> {
    /// The last of these steps; none if a plan calls nothing.
    pub(crate) fn last_of(steps: &'a [PlannedStep<'a>]) -> Option<Self> {
        let (&PlannedStep { step: call, identity }, steps_below) = steps.split_last()?;
        Some(Self { call, identity, steps_below })
    }

    /// The step whose credentials sign this one's call; none where the base's do.
    pub(super) fn below(self) -> Option<Self> {
        Self::last_of(self.steps_below)
    }

    /// Whether its credentials are those of the base, fetched.
    pub(super) fn is_fetched(self) -> bool {
        matches!(self.call, Step::Fetch { .. })
    }

    /// Whether a code may have to be asked for below it.
    pub(super) fn may_ask_below(self) -> bool {
        self.opened_below().is_some()
    }

    /// Whether its credentials can be renewed without a code: none is sent, or the session a code opened below is valid.
    pub(crate) fn needs_no_person(self, is_valid: impl Fn(Identity) -> bool) -> bool {
        self.call.device().is_none() && self.opened_below().is_none_or(|below| is_valid(below.identity))
    }

    /// When a code is needed next, for cached sessions that end at `end`; none if no code ever is.
    pub(crate) fn next_code(self, end: impl Fn(&Identity) -> Option<Timestamp>) -> Option<Timestamp> {
        let opened = match self.call.device() {
            Some(_) => None,
            None => Some(&self.opened_below()?.identity),
        };
        end(&self.identity).max(opened.and_then(end))
    }

    /// Returns the device whose code opens this session or the one below it, and the identity of the session so opened.
    pub(super) fn opened_by_a_code(self) -> Option<(&'a MfaSerial, Identity)> {
        let own = self.call.device().map(|device| (device, self.identity));
        own.or_else(|| self.opened_below().and_then(|below| Some((below.step.device()?, below.identity))))
    }

    /// The session that a code opens.
    fn opened_below(self) -> Option<&'a PlannedStep<'a>> {
        self.steps_below.iter().find(|below| below.step.device().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::plan::Plan;
    use crate::session::identity::of_plan;
    use crate::session::tests::{HOUR, base, device, plan, role, role_step, session_step};

    fn chain() -> Plan {
        let steps =
            vec![session_step(Some(device()), HOUR), role_step("hub", HOUR, None), role_step("top", HOUR, None)];
        plan("top", Some(device()), steps)
    }

    #[test]
    fn below_each_step_is_the_one_before_it_and_below_the_first_the_base() {
        let plan = chain();
        let steps = of_plan(&plan, None, None);
        let walked: Vec<_> = std::iter::successors(Target::last_of(&steps), |target| target.below()).collect();
        let walked: Vec<_> = walked.iter().rev().map(|target| (target.call, target.identity)).collect();
        let planned: Vec<_> = steps.iter().map(|planned| (planned.step, planned.identity)).collect();
        assert_eq!(walked, planned);
        assert!(Target::last_of(&[]).is_none());
    }

    #[test]
    fn a_code_is_needed_when_neither_its_session_nor_the_last_one_is_left() {
        let at = Timestamp::from_unix;
        let plan = chain();
        let steps = of_plan(&plan, None, None);
        let [session, _, top] = [0, 1, 2].map(|at| steps[at].identity);
        for (session_ends, top_ends, next) in [
            (Some(at(500)), Some(at(300)), Some(at(500))),
            (Some(at(100)), Some(at(300)), Some(at(300))),
            (None, Some(at(300)), Some(at(300))),
            (None, None, None),
        ] {
            let end = |step: &Identity| if *step == session { session_ends } else { top_ends.filter(|_| *step == top) };
            assert_eq!(Target::last_of(&steps).unwrap().next_code(end), next);
        }
        let without_device = plan_without_device();
        let steps = of_plan(&without_device, None, None);
        assert_eq!(Target::last_of(&steps).unwrap().next_code(|_| Some(at(300))), None);
        let straight = self::plan("long", Some(device()), vec![role_step("long", 4 * HOUR, Some(device()))]);
        let steps = of_plan(&straight, None, None);
        assert_eq!(Target::last_of(&steps).unwrap().next_code(|_| Some(at(300))), Some(at(300)));
    }

    fn plan_without_device() -> Plan {
        plan("free", None, vec![role_step("hub", HOUR, None), role_step("top", HOUR, None)])
    }

    #[test]
    fn a_person_is_needed_for_a_code_unless_the_session_it_opened_is_valid() {
        let straight = plan("long", Some(device()), vec![role_step("long", 4 * HOUR, Some(device()))]);
        let session = of_plan(&base(), None, None)[0].identity;
        for (what, plan, opened, none_is_valid, session_is_valid) in [
            ("session", base(), Some(session), false, false),
            ("role with a code of its own", straight, None, false, false),
            ("role below a session", role("admin"), Some(session), false, true),
            ("chain below a session", chain(), Some(session), false, true),
            ("chain without a device", plan_without_device(), None, true, true),
        ] {
            let steps = of_plan(&plan, None, None);
            let target = Target::last_of(&steps).unwrap();
            assert_eq!(target.needs_no_person(|_| false), none_is_valid, "{what}");
            assert_eq!(target.needs_no_person(|identity| Some(identity) == opened), session_is_valid, "{what}");
        }
    }
}

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::arn::{MfaSerial, Partition, RoleArn};
use crate::credentials::AccessKeyId;
use crate::error::Place;
use crate::names::{ExternalId, ProfileName, Region, SessionName, SourceIdentity, Tag};
use crate::origin::{Origin, Sourced};
use crate::profile::EndpointUrls;
use crate::profile::base::{KeyPlace, LongTermKey};
use crate::profile::device::MfaProcess;

const HOUR: Duration = Duration::from_secs(3600);

/// Any identity, another one for each role name; for tests of what is kept under identities.
pub(crate) fn of_profile_with_role(name: &str) -> Identity {
    let plan = changed(|plan| request(plan, 2).role = arn("123456789012", name));
    of_plan(&plan, None, None).last().unwrap().identity
}

fn arn(account: &str, name: &str) -> RoleArn {
    RoleArn::parse(&format!("arn:aws:iam::{account}:role/{name}")).unwrap()
}

fn serial(name: &str) -> MfaSerial {
    MfaSerial::parse(&format!("arn:aws:iam::123456789012:mfa/{name}")).unwrap()
}

fn role_step(name: &str) -> Step {
    let request = RoleRequest::plain(arn("123456789012", name), SessionName::parse("ana").unwrap(), HOUR);
    Step::AssumeRole { profile: ProfileName::parse(name).unwrap(), request: Box::new(request), code_from: None }
}

/// Key, session with a code, a role, and a role above it.
fn a_plan() -> Plan {
    let key = LongTermKey {
        profile: ProfileName::parse("base").unwrap(),
        id: AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap(),
        place: KeyPlace::Keyring,
    };
    let session = Step::SessionToken { device: Some(serial("ana")), duration: 12 * HOUR };
    Plan {
        profile: ProfileName::parse("prod").unwrap(),
        base: Base::Key(key),
        steps: vec![session, role_step("Hub"), role_step("Admin")],
        device: Some(serial("ana")),
        partition: Partition::Aws,
        region: Sourced { value: Region::parse("eu-west-1").unwrap(), origin: Origin::Variable("AWS_REGION") },
        shell_region: None,
        endpoint_urls: EndpointUrls::default(),
        fips: false,
        dualstack: false,
        mfa_process: None,
        protected: false,
        notes: vec![],
    }
}

fn changed(change: impl FnOnce(&mut Plan)) -> Plan {
    let mut plan = a_plan();
    change(&mut plan);
    plan
}

/// The request of a step, counted from 0.
fn request(plan: &mut Plan, step: usize) -> &mut RoleRequest {
    match &mut plan.steps[step] {
        Step::AssumeRole { request, .. } => request,
        other => panic!("no role: {other:?}"),
    }
}

fn key(plan: &mut Plan) -> &mut LongTermKey {
    match &mut plan.base {
        Base::Key(key) => key,
        other => panic!("no key: {other:?}"),
    }
}

fn identities(plan: &Plan) -> Vec<Identity> {
    of_plan(plan, None, None).iter().map(|step| step.identity).collect()
}

fn last(plan: &Plan, endpoint: Option<&str>) -> String {
    of_plan(plan, endpoint, None).last().unwrap().identity.hex()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.into(), value: value.into() }
}

/// Every way to be another session, by name.
fn others() -> Vec<(&'static str, Plan, Option<&'static str>)> {
    let role = |change: fn(&mut RoleRequest)| changed(|plan| change(request(plan, 2)));
    let hub = |change: fn(&mut RoleRequest)| changed(|plan| change(request(plan, 1)));
    vec![
        ("key", changed(|p| key(p).id = AccessKeyId::parse("AKIAI44QH8DHBEXAMPLE").unwrap()), None),
        ("device", changed(|p| p.device = Some(serial("bob"))), None),
        ("no device", changed(|p| p.device = None), None),
        ("partition", changed(|p| p.partition = Partition::China), None),
        ("endpoint", a_plan(), Some("http://127.0.0.1:4566")),
        ("another endpoint", a_plan(), Some("http://127.0.0.1:4567")),
        ("role", role(|r| r.role = arn("123456789012", "Other")), None),
        ("account", role(|r| r.role = arn("444455556666", "Admin")), None),
        ("path", role(|r| r.role = arn("123456789012", "path/Admin")), None),
        ("session name", role(|r| r.session_name = SessionName::parse("bob").unwrap()), None),
        ("external id", role(|r| r.external_id = Some(ExternalId::parse("ex1").unwrap())), None),
        ("another external id", role(|r| r.external_id = Some(ExternalId::parse("ex2").unwrap())), None),
        ("source identity", role(|r| r.source_identity = Some(SourceIdentity::parse("ex1").unwrap())), None),
        ("tag", role(|r| r.tags = vec![tag("ab", "c")]), None),
        ("tag cut elsewhere", role(|r| r.tags = vec![tag("a", "bc")]), None),
        ("tag without value", role(|r| r.tags = vec![tag("abc", "")]), None),
        ("two tags", role(|r| r.tags = vec![tag("ab", "c"), tag("d", "e")]), None),
        ("two tags, the other way round", role(|r| r.tags = vec![tag("d", "e"), tag("ab", "c")]), None),
        ("transitive tag", role(|r| r.transitive_tags = vec!["ab".into()]), None),
        ("two transitive tags", role(|r| r.transitive_tags = vec!["a".into(), "b".into()]), None),
        ("policy", role(|r| r.policy_arns = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()]), None),
        ("policy named as a tag", role(|r| r.policy_arns = vec!["ab".into()]), None),
        ("hub's role", hub(|r| r.role = arn("123456789012", "OtherHub")), None),
        ("hub's session name", hub(|r| r.session_name = SessionName::parse("bob").unwrap()), None),
        ("hub's external id", hub(|r| r.external_id = Some(ExternalId::parse("ex1").unwrap())), None),
        ("hub's source identity", hub(|r| r.source_identity = Some(SourceIdentity::parse("ex1").unwrap())), None),
        ("hub's tag", hub(|r| r.tags = vec![tag("ab", "c")]), None),
        ("hub's policy", hub(|r| r.policy_arns = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()]), None),
        ("no hub", changed(|p| drop(p.steps.remove(1))), None),
        ("hub above the role", changed(|p| p.steps.swap(1, 2)), None),
        ("no second role", changed(|p| p.steps.truncate(2)), None),
        ("the session alone", changed(|p| p.steps.truncate(1)), None),
    ]
}

#[test]
fn everything_that_shapes_the_credentials_makes_another_session() {
    let mut seen = BTreeMap::from([(last(&a_plan(), None), "the plan itself")]);
    for (name, plan, endpoint) in others() {
        if let Some(same) = seen.insert(last(&plan, endpoint), name) {
            panic!("'{name}' is the same session as '{same}'");
        }
    }
}

#[test]
fn what_shapes_no_credentials_makes_none() {
    let place = Place { file: "~/.aws/config".into(), line: 3 };
    let process =
        MfaProcess { profile: ProfileName::parse("base").unwrap(), line: "code".into(), place: place.clone() };
    let longer = Step::SessionToken { device: Some(serial("ana")), duration: 36 * HOUR };
    for (name, plan) in [
        ("profile", changed(|p| p.profile = ProfileName::parse("alias").unwrap())),
        (
            "role's profile",
            changed(|p| {
                if let Step::AssumeRole { profile, .. } = &mut p.steps[2] {
                    *profile = ProfileName::parse("alias").unwrap();
                }
            }),
        ),
        ("region", changed(|p| p.region.value = Region::parse("us-east-1").unwrap())),
        ("region's origin", changed(|p| p.region.origin = Origin::Default)),
        ("shell's region", changed(|p| p.shell_region = Some(Region::parse("us-east-1").unwrap()))),
        ("role's duration", changed(|p| request(p, 2).duration = 4 * HOUR)),
        ("hub's duration", changed(|p| request(p, 1).duration = HOUR / 4)),
        ("session's duration", changed(|p| p.steps[0] = longer)),
        ("fips", changed(|p| p.fips = true)),
        ("dual stack", changed(|p| p.dualstack = true)),
        ("where the key is stored", changed(|p| key(p).place = KeyPlace::File(place))),
        ("the key's profile", changed(|p| key(p).profile = ProfileName::parse("alias").unwrap())),
        ("mfa_process", changed(|p| p.mfa_process = Some(process))),
        ("notes", changed(|p| p.notes = vec!["a note".into()])),
    ] {
        assert_eq!(last(&plan, None), last(&a_plan(), None), "{name}");
    }
}

#[test]
fn fields_cannot_flow_into_each_other() {
    let of = |parts: &[(&str, &str)]| {
        let mut fields = Fields::new();
        parts.iter().for_each(|(name, value)| fields.text(name, value));
        fields.finish()
    };
    let distinct = [
        of(&[("ab", "c")]),
        of(&[("a", "bc")]),
        of(&[("", "abc")]),
        of(&[("abc", "")]),
        of(&[("a", "b"), ("c", "")]),
        of(&[("a", ""), ("b", "c")]),
        of(&[]),
        of(&[("", "")]),
    ];
    for (at, one) in distinct.iter().enumerate() {
        assert!(!distinct[..at].contains(one), "row {at}");
    }
}

#[test]
fn steps_below_a_role_are_those_of_the_profiles_below() {
    let whole = identities(&a_plan());
    let session = identities(&changed(|p| p.steps.truncate(1)));
    let hub = identities(&changed(|p| p.steps.truncate(2)));
    assert_eq!((whole.len(), &whole[..1], &whole[..2]), (3, &session[..], &hub[..]));
}

/// A change here makes every session kept so far a miss: one question more for each user. It should be meant.
#[test]
fn identity_is_the_same_tomorrow() {
    for (what, plan, endpoint, pinned) in pinned() {
        let all: Vec<String> = of_plan(&plan, endpoint, None).iter().map(|step| step.identity.hex()).collect();
        assert_eq!(all, pinned, "{what}");
    }
}

const KEY_ALONE: &str = "19971757d1519b0131b1ce90c33e6c89bcee48eefb8166b7003b3c5c6561c0f8";
const KEY_AND_DEVICE: &str = "3a68d598a43783cacc6c513684af9c4a7a6f67686e46fa2c2a3cd52b8e691d60";
const HUB: &str = "6503facdd117c1550ea70bd4342352e354eaeae29b531542642c6cca155531d9";
const HUB_THEN_ADMIN: &str = "992da629bf0907172939922f399e367135976584165038626e1628c6d3578c39";
const ADMIN: &str = "0b316d044ffe4b7dc5ba13ea477f4e0348fda140e1e387beadd86be2e3aa196b";
const ADMIN_WITHOUT_DEVICE: &str = "db07c9f9e7a91eb267f4a4d672d6a6c8f96c8f7632a48f1950ff37e35a70778f";
const HUB_WITHOUT_DEVICE: &str = "5c8fdca5f84c0de9903b796aa3e0514e1e8aaa21b173b37ff2bdab8f6430072f";
const HUB_THEN_ADMIN_WITHOUT_DEVICE: &str = "7ef502a11ad52cd06f6cd77530703569aaf391df89a77e31ca4683fd5a8f764f";
const EVERY_FIELD: &str = "f85505fae28f766a3da3a4c163d559a6c0a29f88d5f232938bcea8a202dbdd99";
const AT_AN_ENDPOINT: &str = "b37fe7b36c224a6b0dacf5c3a76924e0725d56c4d37037cf880638cbe567c810";
const IN_CHINA: &str = "91fcc5af1b5b79738e25d3de31fda2aa9214017dec4dbc832a43fe6ab50cd92c";

type Pinned = (&'static str, Plan, Option<&'static str>, Vec<&'static str>);

/// The identities of every shape that plans have, step by step.
fn pinned() -> Vec<Pinned> {
    let with = |device: Option<MfaSerial>, steps: Vec<Step>| {
        changed(|plan| {
            plan.device = device;
            plan.steps = steps;
        })
    };
    let own_code = |step| match step {
        Step::AssumeRole { profile, request, .. } => {
            Step::AssumeRole { profile, request, code_from: Some(serial("ana")) }
        }
        other => other,
    };
    let (ana, hub, admin) = (|| Some(serial("ana")), || role_step("Hub"), || role_step("Admin"));
    let session = |device| Step::SessionToken { device, duration: 12 * HOUR };
    let chain = vec![KEY_AND_DEVICE, HUB, HUB_THEN_ADMIN];
    let chain_without_device = vec![HUB_WITHOUT_DEVICE, HUB_THEN_ADMIN_WITHOUT_DEVICE];
    vec![
        ("key alone", with(None, vec![session(None)]), None, vec![KEY_ALONE]),
        ("key and device", with(ana(), vec![session(ana())]), None, vec![KEY_AND_DEVICE]),
        ("role below a session", with(ana(), vec![session(ana()), admin()]), None, vec![KEY_AND_DEVICE, ADMIN]),
        ("chain below a session", a_plan(), None, chain),
        ("role with a code of its own", with(ana(), vec![own_code(admin())]), None, vec![ADMIN]),
        ("role without a device", with(None, vec![admin()]), None, vec![ADMIN_WITHOUT_DEVICE]),
        ("chain without a device", with(None, vec![hub(), admin()]), None, chain_without_device),
        ("every field of a role", every_field(), None, vec![KEY_AND_DEVICE, HUB, EVERY_FIELD]),
        ("endpoint", with(ana(), vec![session(ana())]), Some("https://127.0.0.1:4566"), vec![AT_AN_ENDPOINT]),
        (
            "partition",
            changed(|plan| (plan.partition, _) = (Partition::China, plan.steps.truncate(1))),
            None,
            vec![IN_CHINA],
        ),
    ]
}

fn every_field() -> Plan {
    changed(|plan| {
        let request = request(plan, 2);
        request.external_id = Some(ExternalId::parse("ex1").unwrap());
        request.source_identity = Some(SourceIdentity::parse("ana").unwrap());
        request.tags = vec![tag("team", "blue"), tag("cost", "")];
        request.transitive_tags = vec!["team".into()];
        request.policy_arns = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()];
    })
}

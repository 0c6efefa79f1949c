//! The actions on access keys.

use super::account::user_name;
use super::policy::Resource;
use super::{Answer, Implied, list};
use crate::clock::iso;
use crate::random;
use crate::refusal::Refusal;
use crate::signed_call::SignedCall;
use crate::world::AccessKey;
use crate::xml::{element, wrap};

const KEYS_PER_USER: usize = 2;

pub(super) fn list(call: &SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let name = checks.user_name();
    let wanted = checks.page()?;
    checks.finish()?;
    let user = call.subject("ListAccessKeys", name, Implied::KeyOwner)?;
    let keys = call.world.keys_of(&user);
    let listed = keys.iter().filter(|key| key.listed_from <= call.now);
    let members: Vec<String> = listed.map(|key| wrap("member", &described(key, ""))).collect();
    Ok(call.answer("ListAccessKeys", list::page(call, &wanted, "AccessKeyMetadata", &members)?))
}

pub(super) fn create(call: &mut SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let name = checks.user_name();
    checks.finish()?;
    let user = call.subject("CreateAccessKey", name, Implied::Caller)?;
    if call.world.keys_of(&user).len() >= KEYS_PER_USER {
        return Err(Refusal::limit_exceeded("AccessKeysPerUser", KEYS_PER_USER));
    }
    let pace = call.world.pace;
    let key = AccessKey {
        id: random::identifier("AKIA"),
        secret: random::secret(),
        owner: user,
        active: true,
        created_at: call.now,
        works_from: call.now + pace.key_delay,
        listed_from: call.now + pace.list_delay,
        last_used: None,
    };
    let result = wrap("AccessKey", &described(&key, &element("SecretAccessKey", &key.secret)));
    call.world.add_key(key);
    Ok(call.answer("CreateAccessKey", result))
}

pub(super) fn update(call: &mut SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let name = checks.user_name();
    let id = checks.access_key_id();
    let status = checks.status();
    checks.finish()?;
    let user = call.subject("UpdateAccessKey", name, Implied::KeyOwner)?;
    let key = own_key(call, id, &user)?;
    if status == "Expired" {
        return Err(Refusal::new(400, "InvalidInput", "Access key status can be set to Active or Inactive only."));
    }
    key.active = status == "Active";
    Ok(call.answer("UpdateAccessKey", None))
}

pub(super) fn delete(call: &mut SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let name = checks.user_name();
    let id = checks.access_key_id();
    checks.finish()?;
    let user = call.subject("DeleteAccessKey", name, Implied::Caller)?;
    let id = own_key(call, id, &user)?.id.clone();
    call.world.remove_key(&id);
    Ok(call.answer("DeleteAccessKey", None))
}

pub(super) fn last_used(call: &SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let id = checks.access_key_id();
    checks.finish()?;
    let home = call.caller.name().sibling("iam", "");
    let key = call.world.key(id).filter(|key| key.owner.starts_with(&home));
    let owner = key.map_or("", |key| key.owner.as_str());
    call.authorize("GetAccessKeyLastUsed", Resource::Key { id, owner })?;
    let key = key.ok_or_else(|| not_found(id))?;
    let (date, service, region) = match &key.last_used {
        None => (String::new(), "N/A", "N/A"),
        // AWS tells the minute.
        Some(last) => {
            let minute = last.time - last.time.rem_euclid(60);
            (element("LastUsedDate", &iso(minute)), last.service.as_str(), last.region.as_str())
        }
    };
    let last = date + &element("ServiceName", service) + &element("Region", region);
    Ok(call.answer("GetAccessKeyLastUsed", user_name(owner) + &wrap("AccessKeyLastUsed", &last)))
}

/// Returns a key of this user; that of another is as unknown as one that does not exist.
fn own_key<'a>(call: &'a mut SignedCall<'_>, id: &str, user: &str) -> Result<&'a mut AccessKey, Refusal> {
    call.world.key_mut(id).filter(|key| key.owner == user).ok_or_else(|| not_found(id))
}

fn not_found(id: &str) -> Refusal {
    Refusal::no_such_entity(format!("The Access Key with id {id} cannot be found."))
}

fn described(key: &AccessKey, secret: &str) -> String {
    user_name(&key.owner)
        + &element("AccessKeyId", &key.id)
        + &element("Status", key.status())
        + secret
        + &element("CreateDate", &iso(key.created_at))
}

//! The part of the handle that is about IAM: by it tests set and read keys, devices and policies.

use crate::arn::Arn;
use crate::listener::lock;
use crate::random;
use crate::sandbox::Sandbox;
use crate::world::{AccessKey, Device, KeyUse, MfaDevice, Policy};

impl Sandbox {
    /// Returns the long-term keys of a user or root with their secrets, oldest first.
    pub fn keys(&self, owner: &str) -> Vec<AccessKey> {
        lock(&self.service.world).keys_of(owner)
    }

    /// Returns a long-term key, whoever it belongs to.
    pub fn key(&self, access_key_id: &str) -> Option<AccessKey> {
        lock(&self.service.world).key(access_key_id).cloned()
    }

    /// Adds a key that works at once, as the console does; returns its id, or nothing if the user has two.
    pub fn add_another_key(&self, owner: &str) -> Option<String> {
        let (id, now) = (random::identifier("AKIA"), self.now());
        let mut world = lock(&self.service.world);
        let key = AccessKey::new(id.clone(), random::secret(), owner, now);
        (world.keys_of(owner).len() < 2).then(|| world.add_key(key)).map(|()| id)
    }

    /// Gives a user or root another key, which works at once.
    pub fn add_key(&self, owner: &str, id: &str, secret: &str) -> Result<(), String> {
        let now = self.now();
        let mut world = lock(&self.service.world);
        if world.key(id).is_some() {
            return Err(format!("there is a key {id} already"));
        }
        world.add_key(AccessKey::new(id.to_owned(), secret.to_owned(), owner, now));
        Ok(())
    }

    /// Changes when a key was made; says whether there is such a key.
    pub fn set_key_created(&self, access_key_id: &str, unix: i64) -> bool {
        lock(&self.service.world).key_mut(access_key_id).map(|key| key.created_at = unix).is_some()
    }

    /// Changes the last use of a key, for services that are not imitated here; says whether there is such a key.
    pub fn set_key_used(&self, access_key_id: &str, last: Option<KeyUse>) -> bool {
        lock(&self.service.world).key_mut(access_key_id).map(|key| key.last_used = last).is_some()
    }

    /// Returns all devices, those that are not enabled included.
    pub fn devices(&self) -> Vec<Device> {
        lock(&self.service.world).devices().map(MfaDevice::shown).collect()
    }

    /// Returns the devices that are enabled for a user or root.
    pub fn devices_of(&self, owner: &str) -> Vec<Device> {
        self.devices().into_iter().filter(|device| device.owner.as_deref() == Some(owner)).collect()
    }

    /// Gives a user a passkey, which STS does not take, and returns its ARN.
    pub fn add_passkey(&self, owner: &str, name: &str) -> Result<String, String> {
        let arn = Arn::parse(owner).ok_or_else(|| format!("not an ARN: {owner}"))?;
        let serial = arn.sibling("iam", &format!("u2f/{}/{name}-EXAMPLE2GXQKBJ4ACMHCYAKRG4", arn.resource));
        Ok(self.put_device(owner, &serial, Vec::new())?.serial)
    }

    /// Puts the clock of a device ahead by so many seconds; says whether there is such a device.
    pub fn set_device_ahead(&self, serial: &str, seconds: i64) -> bool {
        let steps = seconds / crate::totp::STEP_SECONDS;
        lock(&self.service.world).device_mut(serial).map(|device| device.ahead = steps).is_some()
    }

    /// Changes what a user may do; says whether there is such a user.
    pub fn set_policy(&self, user_arn: &str, policy: Policy) -> bool {
        lock(&self.service.world).account_mut(user_arn).map(|user| user.policy = policy).is_some()
    }

    /// Takes an action of IAM, such as `ListAccessKeys`, out of what a user may do; says whether there is such a user.
    pub fn deny(&self, user_arn: &str, action: &str) -> bool {
        lock(&self.service.world).account_mut(user_arn).map(|user| user.denied.insert(action.to_owned())).is_some()
    }

    /// Gives an account its alias.
    pub fn set_alias(&self, account: &str, alias: &str) {
        lock(&self.service.world).set_alias(account, alias);
    }
}

//! Starts the server, and is the handle by which tests fill its world, script faults and look.

use std::io;
use std::sync::{Arc, Mutex};

use data_encoding::BASE32_NOPAD;
use serde_json::Value;

use crate::arn::Arn;
use crate::clock::Clock;
use crate::fault::{Fault, Faults};
use crate::ledger::Call;
use crate::listener::{Listener, lock};
use crate::service::Service;
use crate::tls::{self, Tls};
use crate::world::{
    Code, ConsumedCode, Device, MfaDevice, NewUser, Pace, Role, ServerState, Session, SignIn, SsoPace, User,
};
use crate::{page, random, server};

/// The longest session token that AWS is known to allow.
const LONGEST_TOKEN: usize = 4096;

/// How a sandbox starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// 0 for any free port.
    pub port: u16,
    pub tls: Tls,
    /// Names for the certificate beside `localhost` and `127.0.0.1`.
    pub extra_names: Vec<String>,
    pub clock: Clock,
    /// How far the date of a request may be off, in seconds.
    pub tolerance: i64,
    /// The length of session tokens, up to 4,096 bytes.
    pub token_length: usize,
    /// How many seconds pass until a key made by `CreateAccessKey` is accepted.
    pub key_delay: i64,
    /// How many seconds pass until the codes of a device are accepted after `EnableMFADevice`.
    pub device_delay: i64,
    /// How many seconds pass until lists show a new key or device.
    pub list_delay: i64,
    /// How many entries an answer of IAM lists at most, even if the caller asks for more.
    pub page_size: usize,
    /// How long access tokens of single sign-on last, in seconds.
    pub sso_token_seconds: i64,
    /// How long after the sign-in they can be refreshed.
    pub sso_session_seconds: i64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            port: 0,
            tls: Tls::Plain,
            extra_names: Vec::new(),
            clock: Clock::default(),
            tolerance: 15 * 60,
            token_length: 800,
            key_delay: 0,
            device_delay: 0,
            list_delay: 0,
            page_size: 1000,
            sso_token_seconds: 3600,
            sso_session_seconds: 8 * 3600,
        }
    }
}

/// A running imitation of STS, IAM and the sign-ins; dropping it stops it and cuts its connections.
#[derive(Debug)]
pub struct Sandbox {
    // Dropped first, so no connection outlives the handle.
    listener: Listener,
    pub(crate) service: Arc<Service>,
    ca_pem: Option<String>,
}

impl Sandbox {
    /// Starts a server with an empty world on 127.0.0.1.
    pub fn start(options: Options) -> io::Result<Sandbox> {
        let mut listener = Listener::bind(options.port)?;
        let identity = tls::identity(options.tls, &options.extra_names)?;
        let pace = Pace {
            key_delay: options.key_delay,
            device_delay: options.device_delay,
            list_delay: options.list_delay,
            page_size: options.page_size.max(1),
        };
        let sso_pace = SsoPace { token: options.sso_token_seconds, session: options.sso_session_seconds };
        let scheme = identity.as_ref().map_or("http", |_| "https");
        let service = Arc::new(Service {
            url: format!("{scheme}://127.0.0.1:{}", listener.address().port()),
            gate: Arc::clone(listener.gate()),
            tolerance: options.tolerance,
            token_length: options.token_length.clamp(1, LONGEST_TOKEN),
            clock: Mutex::new(options.clock),
            world: Mutex::new(ServerState::new(pace, sso_pace)),
            faults: Mutex::new(Faults::default()),
            calls: Mutex::new(Vec::new()),
        });
        let (config, ca_pem) = identity.map(|it| (it.config, it.ca_pem)).unzip();
        let behind = Arc::clone(&service);
        listener.serve(move |socket, number| {
            server::serve(&behind, config.as_ref(), socket, number);
        });
        Ok(Sandbox { listener, service, ca_pem })
    }

    /// Returns the endpoint, such as `http://127.0.0.1:43210`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.service.url
    }

    pub fn port(&self) -> u16 {
        self.listener.address().port()
    }

    /// Returns the certificate authority to trust; nothing for plain HTTP.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Returns the server's time, in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.service.now()
    }

    /// Sets the server's clock; sessions and codes are judged by it from now on.
    pub fn set_clock(&self, clock: Clock) {
        *lock(&self.service.clock) = clock;
    }

    /// Adds a user or root as described, or a further key when it is there already.
    pub fn add(&self, new: NewUser) -> Result<User, String> {
        let now = self.now();
        lock(&self.service.world).add_user(new, now)
    }

    /// Adds a user of the `aws` partition with a key.
    ///
    /// # Panics
    /// When the account is not twelve digits.
    pub fn add_user(&self, account: &str, name: &str) -> User {
        self.add_arn(format!("arn:aws:iam::{account}:user/{name}"))
    }

    /// Adds the root of an account of the `aws` partition, with a key.
    ///
    /// # Panics
    /// When the account is not twelve digits.
    pub fn add_root(&self, account: &str) -> User {
        self.add_arn(format!("arn:aws:iam::{account}:root"))
    }

    fn add_arn(&self, arn: String) -> User {
        self.add(NewUser { arn, ..NewUser::default() }).expect("account and name make an ARN")
    }

    /// Gives a user a virtual device with a new seed; a root's has AWS's own name, whatever is asked.
    ///
    /// # Panics
    /// When there is no such user, or the device exists already.
    pub fn add_device(&self, user_arn: &str, name: &str) -> Device {
        let arn = Arn::parse(user_arn).expect("a user's ARN");
        let name = if arn.is_root() { "root-account-mfa-device" } else { name };
        let serial = arn.sibling("iam", &format!("mfa/{name}"));
        self.put_device(user_arn, &serial, random::seed()).expect("a known user and a new device")
    }

    /// Adds a device that is enabled already; a passkey has no seed.
    pub(crate) fn put_device(&self, owner: &str, serial: &str, seed: Vec<u8>) -> Result<Device, String> {
        let now = self.now();
        let home = Arn::parse(owner).map_or_else(String::new, |arn| arn.sibling("iam", "root"));
        lock(&self.service.world).add_device(MfaDevice::new(serial, &home, seed), owner, now)
    }

    /// Gives a user a device of any serial (a hardware token's has no ARN) and a seed in Base32.
    pub fn add_device_as(&self, owner: &str, serial: &str, seed: &str) -> Result<Device, String> {
        let seed = BASE32_NOPAD
            .decode(seed.trim_end_matches('=').as_bytes())
            .map_err(|_| format!("the seed of {serial} is not Base32"))?;
        self.put_device(owner, serial, seed)
    }

    /// Adds a role, or replaces it, and returns its ARN.
    pub fn add_role(&self, role: Role) -> String {
        lock(&self.service.world).put_role(role)
    }

    /// Switches a long-lived key on or off; says whether there is such a key.
    pub fn set_key_active(&self, access_key_id: &str, active: bool) -> bool {
        lock(&self.service.world).key_mut(access_key_id).map(|key| key.active = active).is_some()
    }

    /// Deletes a long-lived key; says whether there was one.
    pub fn delete_key(&self, access_key_id: &str) -> bool {
        lock(&self.service.world).remove_key(access_key_id)
    }

    /// Returns a code of a device that has not been used yet, or nothing for an unknown device.
    pub fn code(&self, serial: &str) -> Option<Code> {
        let now = self.now();
        Some(lock(&self.service.world).code_device(serial)?.unused(now))
    }

    /// Returns the digits that a device shows at a moment, used or not.
    pub fn code_at(&self, serial: &str, unix: i64) -> Option<String> {
        let step = crate::totp::step_at(unix);
        Some(lock(&self.service.world).code_device(serial)?.digits(step))
    }

    /// Returns the codes accepted so far, in order.
    pub fn codes_consumed(&self) -> Vec<ConsumedCode> {
        lock(&self.service.world).consumed().to_vec()
    }

    /// Returns the sessions issued and not revoked, in order.
    pub fn sessions(&self) -> Vec<Session> {
        lock(&self.service.world).sessions()
    }

    /// Returns who signed in to the console, in order.
    pub fn sign_ins(&self) -> Vec<SignIn> {
        lock(&self.service.world).sign_ins().to_vec()
    }

    /// Makes a session unknown; says whether there was one.
    pub fn revoke_session(&self, access_key_id: &str) -> bool {
        lock(&self.service.world).forget_session(access_key_id)
    }

    /// Ends a session now, so that it answers `ExpiredToken`; says whether there is one.
    pub fn expire_session(&self, access_key_id: &str) -> bool {
        let now = self.now();
        lock(&self.service.world).session_mut(access_key_id).map(|session| session.expires_at = now).is_some()
    }

    /// Puts a fault at the end of the queue.
    pub fn fault(&self, fault: Fault) {
        lock(&self.service.faults).push(fault);
    }

    pub fn clear_faults(&self) {
        lock(&self.service.faults).clear();
    }

    /// Returns the faults that have not run out.
    pub fn faults(&self) -> Vec<Fault> {
        lock(&self.service.faults).waiting().to_vec()
    }

    /// Returns every call so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.service.calls).clone()
    }

    /// Returns how often an action was called, whatever became of it.
    pub fn count(&self, action: &str) -> usize {
        let calls = lock(&self.service.calls);
        calls.iter().filter(|call| call.action == action).count()
    }

    /// Returns how often each caller called, by ARN.
    pub fn count_by(&self, caller_arn: &str) -> usize {
        let calls = lock(&self.service.calls);
        calls.iter().filter(|call| call.caller_arn.as_deref() == Some(caller_arn)).count()
    }

    /// Forgets the calls recorded so far; codes stay used and sessions good.
    pub fn forget_calls(&self) {
        lock(&self.service.calls).clear();
    }

    /// Returns how many connections were accepted, those to control pages included.
    pub fn connections(&self) -> u64 {
        self.service.gate.accepted()
    }

    /// Returns what `GET /_sandbox/state.json` answers.
    pub fn state(&self) -> Value {
        page::state(&self.service)
    }
}

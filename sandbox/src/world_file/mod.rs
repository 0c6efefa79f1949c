//! Reads a world from JSON: who exists, and how the server behaves.
//!
//! ```json
//! {"tls": "good", "extra_names": ["sts.us-east-1.amazonaws.com"], "clock_offset": 0,
//!  "tolerance": 900, "token_length": 4096,
//!  "key_delay": 10, "device_delay": 10, "list_delay": 0, "page_size": 100,
//!  "users": [{"arn": "arn:aws:iam::111122223333:user/alice", "access_key_id": "AKIA…",
//!             "secret_access_key": "…", "inactive": false, "created_at": 1750000000,
//!             "devices": [{"name": "phone"}, {"serial": "…", "seed": "…", "ahead": 300}], "passkeys": ["laptop"],
//!             "policy": "everything | self-managed | self-managed-by-name", "denied": ["ListAccessKeys"]}],
//!  "aliases": [{"account": "111122223333", "alias": "example"}],
//!  "roles": [{"arn": "arn:aws:iam::111122223333:role/admin", "principals": ["…"],
//!             "require_mfa": true, "max_mfa_age": 300, "external_id": "…",
//!             "source_identity": "refused | allowed | required | =NAME", "allow_tags": false,
//!             "max_duration": 43200, "web_identities": [{"issuer": "https://ci.example", "subject": "repo:org/*"}]}],
//!  "sso": [{"user": "alice", "start_url": "https://example.awsapps.com/start", "region": "us-east-1",
//!           "assignments": [{"account": "111122223333", "role": "Admin", "seconds": 3600}],
//!           "signed_in_as": "corp"}], "sso_token_seconds": 3600, "sso_session_seconds": 28800,
//!  "logins": [{"arn": "arn:aws:iam::111122223333:user/alice", "mfa": true}],
//!  "identity_provider": {"account": "111122223333", "issuer": "https://ci.example", "audience": "sts.amazonaws.com",
//!                        "tokens": [{"subject": "repo:org/app", "seconds": 300}]},
//!  "faults": [{"kind": "hang"}]}
//! ```
//!
//! A user named a second time gets a further key. `signed_in_as` is the name of the `sso_session`, or the start URL in
//! the older form: the answer then has the file of the AWS CLI's cache by name and content, as it has for each login.

mod sources;

use serde_json::{Map, Value, json};
use twolock_sandbox::{Clock, Device, Fault, NewUser, Options, Policy, Role, Sandbox, SourceIdentity, Tls};

/// A JSON object whose fields are all known; a misspelt one would be ignored in silence.
struct Object<'a> {
    what: &'static str,
    fields: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    fn new(what: &'static str, value: &'a Value, known: &[&str]) -> Result<Self, String> {
        let fields = value.as_object().ok_or(format!("{what} is an object"))?;
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(format!("{what} has no field \"{name}\"")),
            None => Ok(Object { what, fields }),
        }
    }

    fn read<T>(&self, name: &str, kind: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Result<Option<T>, String> {
        match self.fields.get(name).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or(format!("{}: \"{name}\" is {kind}", self.what)),
        }
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        self.read(name, "a text", |value| value.as_str().map(str::to_owned))
    }

    fn need_text(&self, name: &str) -> Result<String, String> {
        self.text(name)?.ok_or(format!("{}: \"{name}\" is missing", self.what))
    }

    fn number(&self, name: &str) -> Result<Option<i64>, String> {
        self.read(name, "a whole number", Value::as_i64)
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        Ok(self.read(name, "true or false", Value::as_bool)?.unwrap_or(false))
    }

    fn list(&self, name: &str) -> Result<&'a [Value], String> {
        let list = self.read(name, "a list", |value| value.as_array().map(Vec::as_slice))?;
        Ok(list.unwrap_or_default())
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        self.list(name)?
            .iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or(format!("{}: \"{name}\" is a list of texts", self.what))
    }
}

fn world(value: &Value) -> Result<Object<'_>, String> {
    let known = [
        "port",
        "tls",
        "extra_names",
        "clock_offset",
        "tolerance",
        "token_length",
        "key_delay",
        "device_delay",
        "list_delay",
        "page_size",
        "users",
        "aliases",
        "roles",
        "sso",
        "sso_token_seconds",
        "sso_session_seconds",
        "logins",
        "identity_provider",
        "faults",
    ];
    Object::new("the world", value, &known)
}

/// Returns how the server of a world starts.
pub(crate) fn options(value: &Value) -> Result<Options, String> {
    let world = world(value)?;
    let usual = Options::default();
    let tls = match world.text("tls")?.as_deref() {
        None | Some("plain") => Tls::Plain,
        Some("good") => Tls::Good,
        Some("wrong-name") => Tls::WrongName,
        Some("expired") => Tls::Expired,
        Some(other) => return Err(format!("the world: no such \"tls\": {other}")),
    };
    let small = |name: &str| match world.number(name)? {
        None => Ok(None),
        Some(number) => u16::try_from(number).map(Some).map_err(|_| format!("the world: \"{name}\" is out of range")),
    };
    Ok(Options {
        port: small("port")?.unwrap_or(usual.port),
        tls,
        extra_names: world.texts("extra_names")?,
        clock: world.number("clock_offset")?.map_or(usual.clock, Clock::Offset),
        tolerance: world.number("tolerance")?.unwrap_or(usual.tolerance),
        token_length: small("token_length")?.map_or(usual.token_length, usize::from),
        key_delay: world.number("key_delay")?.unwrap_or(usual.key_delay),
        device_delay: world.number("device_delay")?.unwrap_or(usual.device_delay),
        list_delay: world.number("list_delay")?.unwrap_or(usual.list_delay),
        page_size: small("page_size")?.map_or(usual.page_size, usize::from),
        sso_token_seconds: world.number("sso_token_seconds")?.unwrap_or(usual.sso_token_seconds),
        sso_session_seconds: world.number("sso_session_seconds")?.unwrap_or(usual.sso_session_seconds),
    })
}

/// Fills a sandbox and returns what a caller needs to know: keys, serials, seeds and roles.
pub(crate) fn fill(sandbox: &Sandbox, value: &Value) -> Result<Value, String> {
    let world = world(value)?;
    let users: Vec<Value> =
        world.list("users")?.iter().map(|value| add_user(sandbox, value)).collect::<Result<_, _>>()?;
    let roles: Vec<String> =
        world.list("roles")?.iter().map(|value| Ok(sandbox.add_role(role(value)?))).collect::<Result<_, String>>()?;
    for value in world.list("aliases")? {
        let alias = Object::new("an alias", value, &["account", "alias"])?;
        sandbox.set_alias(&alias.need_text("account")?, &alias.need_text("alias")?);
    }
    let mut told = json!({"users": users, "roles": roles});
    sources::fill(sandbox, &world, &mut told)?;
    for value in world.list("faults")? {
        sandbox.fault(Fault::from_json(value)?);
    }
    Ok(told)
}

fn add_user(sandbox: &Sandbox, value: &Value) -> Result<Value, String> {
    let known = [
        "arn",
        "access_key_id",
        "secret_access_key",
        "inactive",
        "created_at",
        "devices",
        "passkeys",
        "policy",
        "denied",
    ];
    let object = Object::new("a user", value, &known)?;
    let user = sandbox.add(NewUser {
        arn: object.need_text("arn")?,
        access_key_id: object.text("access_key_id")?,
        secret_access_key: object.text("secret_access_key")?,
    })?;
    let devices: Vec<Value> = object
        .list("devices")?
        .iter()
        .map(|value| add_device(sandbox, &user.arn, value))
        .map(|device| device.map(|it| json!({"serial": it.serial, "seed": it.seed_base32})))
        .collect::<Result<_, _>>()?;
    sandbox.set_key_active(&user.access_key_id, !object.flag("inactive")?);
    if let Some(time) = object.number("created_at")? {
        sandbox.set_key_created(&user.access_key_id, time);
    }
    let passkeys: Vec<String> =
        object.texts("passkeys")?.iter().map(|name| sandbox.add_passkey(&user.arn, name)).collect::<Result<_, _>>()?;
    if let Some(policy) = policy(&object)? {
        sandbox.set_policy(&user.arn, policy);
    }
    for action in object.texts("denied")? {
        sandbox.deny(&user.arn, &action);
    }
    Ok(json!({
        "arn": user.arn,
        "user_id": user.user_id,
        "access_key_id": user.access_key_id,
        "secret_access_key": user.secret_access_key,
        "devices": devices,
        "passkeys": passkeys,
    }))
}

fn policy(object: &Object<'_>) -> Result<Option<Policy>, String> {
    match object.text("policy")?.as_deref() {
        None => Ok(None),
        Some("everything") => Ok(Some(Policy::Everything)),
        Some("self-managed") => Ok(Some(Policy::SelfManaged)),
        Some("self-managed-by-name") => Ok(Some(Policy::SelfManagedByName)),
        Some(other) => Err(format!("a user: no such \"policy\": {other}")),
    }
}

fn add_device(sandbox: &Sandbox, owner: &str, value: &Value) -> Result<Device, String> {
    let object = Object::new("a device", value, &["name", "serial", "seed", "ahead"])?;
    let device = match (object.text("serial")?, object.text("seed")?) {
        (Some(serial), Some(seed)) => sandbox.add_device_as(owner, &serial, &seed)?,
        (None, None) => sandbox.add_device(owner, &object.need_text("name")?),
        _ => return Err("a device has \"serial\" and \"seed\", or only a \"name\"".to_owned()),
    };
    if let Some(seconds) = object.number("ahead")? {
        sandbox.set_device_ahead(&device.serial, seconds);
    }
    Ok(device)
}

fn role(value: &Value) -> Result<Role, String> {
    let known = [
        "arn",
        "principals",
        "require_mfa",
        "max_mfa_age",
        "external_id",
        "source_identity",
        "allow_tags",
        "max_duration",
        "web_identities",
    ];
    let object = Object::new("a role", value, &known)?;
    let arn = object.need_text("arn")?;
    let mut role = Role::from_arn(&arn).ok_or(format!("not the ARN of a role: {arn}"))?;
    role.principals = object.texts("principals")?;
    role.require_mfa = object.flag("require_mfa")?;
    role.max_mfa_age = object.number("max_mfa_age")?;
    role.external_id = object.text("external_id")?;
    role.allow_tags = object.flag("allow_tags")?;
    role.max_duration = object.number("max_duration")?.unwrap_or(role.max_duration);
    role.web_identities = sources::web_identities(&object)?;
    role.source_identity = match object.text("source_identity")?.as_deref() {
        None | Some("refused") => SourceIdentity::Refused,
        Some("allowed") => SourceIdentity::Allowed,
        Some("required") => SourceIdentity::Required,
        Some(other) => match other.strip_prefix('=') {
            Some(name) => SourceIdentity::Exactly(name.to_owned()),
            None => return Err(format!("a role: no such \"source_identity\": {other}")),
        },
    };
    Ok(role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_in_a_world_are_named() {
        let sandbox = Sandbox::start(Options::default()).unwrap();
        let rows = [
            (json!([]), "the world is an object"),
            (json!({"user": []}), "the world has no field \"user\""),
            (json!({"users": [{}]}), "a user: \"arn\" is missing"),
            (json!({"users": [{"arn": "alice"}]}), "not the ARN of a user or root: alice"),
            (
                json!({"users": [{"arn": "arn:aws:iam::111122223333:user/alice", "policy": "none"}]}),
                "a user: no such \"policy\": none",
            ),
            (json!({"aliases": [{"account": "111122223333"}]}), "an alias: \"alias\" is missing"),
            (
                json!({"sso": [{"user": "alice", "assignments": [{"account": "111122223333"}]}]}),
                "an assignment: \"role\" is missing",
            ),
            (
                json!({"sso": [{"user": "alice", "assignments": [{"account": "1"}]}]}),
                "an assignment: not an account: 1",
            ),
            (json!({"sso": [{"user": "alice", "password": "x"}]}), "a person has no field \"password\""),
            (
                json!({"logins": [{"arn": "arn:aws:iam::111122223333:user/nobody"}]}),
                "nobody here has this ARN: arn:aws:iam::111122223333:user/nobody",
            ),
            (json!({"identity_provider": {"account": "1"}}), "an identity provider: \"issuer\" is missing"),
            (json!({"roles": [{"arn": "arn:aws:iam::1:role/x"}]}), "not the ARN of a role: arn:aws:iam::1:role/x"),
            (
                json!({"roles": [{"arn": "arn:aws:iam::111122223333:role/x", "require_mfa": "yes"}]}),
                "a role: \"require_mfa\" is true or false",
            ),
        ];
        for (value, words) in rows {
            assert_eq!(fill(&sandbox, &value), Err(words.to_owned()), "{value}");
        }
        let tls = options(&json!({"tls": "bad"})).unwrap_err();
        assert_eq!(tls, "the world: no such \"tls\": bad");
    }
}

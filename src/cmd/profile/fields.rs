//! What `list` and `show` say of a profile as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use crate::aws_files::Profile;
use crate::profile::base::Base;
use crate::profile::callers::Served;
use crate::profile::facts::{account, kind};
use crate::timestamp::Timestamp;

use crate::cmd::context::Context;

/// Where the key is, and how long what the plan ends in lives.
pub fn add_key_and_rest(fields: &mut Value, base: &Base, rest: Option<(Timestamp, Duration)>) {
    let Base::Key(key) = base;
    fields["key"] = json!(key.place.to_string());
    if let Some((end, left)) = rest {
        fields["expires"] = json!(end.to_string());
        fields["seconds_left"] = json!(left.as_secs());
    }
}

/// What the files say of a profile; what is absent is left out.
pub fn facts(context: &Context, profile: &Profile, served: Served) -> Value {
    let adopted = served == Served::Fully;
    let mut fields = json!({"name": profile.name, "kind": kind(profile, &context.index), "adopted": adopted});
    let text = |ours: &str, standard: &str| {
        profile.get(ours).or_else(|| profile.get(standard)).map(|setting| setting.shown().to_string())
    };
    for (name, value) in [
        ("account", account(profile, &context.index)),
        ("region", text("region", "region")),
        ("mfa_serial", text("mfa_serial", "mfa_serial")),
        ("role_arn", text("twolock_role_arn", "role_arn")),
        ("source_profile", text("twolock_source_profile", "source_profile")),
    ] {
        // `region =` says nothing.
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            fields[name] = json!(value);
        }
    }
    fields
}

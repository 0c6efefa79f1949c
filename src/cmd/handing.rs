//! Hands on to programs what a profile says of endpoints and certificates.

use crate::names::ProfileName;
use crate::origin::Origin;
use crate::output::messages;
use crate::profile::handed::{self, HandedOn};
use crate::system::env::{HANDED, handed_entry};
use crate::text::visible::visible;

use super::context::Context;

/// Says why a value cannot be given to the program or shell, if it cannot.
pub type Obstacle = fn(&str) -> Option<&'static str>;

/// The variables, the list of them last. One that the user set stays as it is. Notes tell what is not handed on, and
/// what applies that is not the profile's.
pub fn handed_on(context: &Context, name: &ProfileName, obstacle: Obstacle) -> Vec<(&'static str, String)> {
    let Some(own) = context.files.profile(name.as_str()) else { return Vec::new() };
    let default = context.files.profile("default");
    let is_set = |variable| context.env.raw(variable).is_some();
    let can_pass = |value: &str| obstacle(value).is_none();
    let HandedOn { variables, lost, inherited } =
        handed::handed_on(&own, default.as_ref(), can_pass, is_set("AWS_ENDPOINT_URL"));
    let note = |text: String| messages::note(&format!("profile '{}': {text}", visible(name.as_str())));
    let mut handed = Vec::new();
    for (variable, said) in variables {
        match context.env.raw(variable) {
            Some(set) if said.origin != Origin::Default && *set != *said.value => {
                note(format!("{variable} is already set, and takes precedence over {}", said.origin));
            }
            Some(_) => {}
            None => match obstacle(&said.value) {
                None => handed.push((variable, said.value)),
                Some(why) => note(format!("{} is not exported: {why}", said.origin)),
            },
        }
    }
    lost.iter().for_each(|lost| note(format!("{lost} has no environment variable, so it has no effect here")));
    let is_used = |origin: &&Origin| !(origin.name() == "ca_bundle" && is_set("AWS_CA_BUNDLE"));
    for origin in inherited.iter().filter(is_used) {
        note(format!("{origin} of the profile 'default' is used here as well"));
    }
    let entries = handed.iter().map(|(variable, value)| handed_entry(variable, value.as_ref()));
    let list = entries.collect::<Vec<_>>().join(",");
    handed.extend((!list.is_empty()).then_some((HANDED, list)));
    handed
}

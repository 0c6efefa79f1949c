//! Hands on to programs what a profile says of endpoints and certificates.

use crate::names::ProfileName;
use crate::origin::Origin;
use crate::output::messages;
use crate::profile::handed::{self, HandedOn};
use crate::system::env::HANDED;
use crate::text::visible::visible;

use super::context::Context;

/// The variables, the list of them last. One that the user set stays as it is. Notes tell what is not handed on.
pub fn handed_on(context: &Context, name: &ProfileName, can_pass: fn(&str) -> bool) -> Vec<(&'static str, String)> {
    let Some(own) = context.files.profile(name.as_str()) else { return Vec::new() };
    let HandedOn { variables, lost } = handed::handed_on(&own, context.files.profile("default").as_ref());
    let note = |text: String| messages::note(&format!("profile '{}': {text}", visible(name.as_str())));
    let mut handed = Vec::new();
    for (variable, said) in variables {
        match context.env.raw(variable) {
            Some(set) if said.origin != Origin::Default && *set != *said.value => {
                note(format!("{variable} is already set, and wins over {}", said.origin));
            }
            Some(_) => {}
            None if undoes_the_callers(context, variable, &said.origin) => {}
            None if can_pass(&said.value) => handed.push((variable, said.value)),
            None => note(format!("{} is not exported: a shell could change its value", said.origin)),
        }
    }
    lost.iter().for_each(|lost| note(format!("{lost} has no environment variable, so it has no effect here")));
    let names: Vec<&str> = handed.iter().map(|(variable, _)| *variable).collect();
    let list = names.join(",");
    handed.extend((!list.is_empty()).then_some((HANDED, list)));
    handed
}

/// Ignoring the endpoint of `default` would ignore one that the user set in a variable as well.
fn undoes_the_callers(context: &Context, variable: &str, origin: &Origin) -> bool {
    let is_set = |name| context.env.raw(name).is_some();
    *origin == Origin::Default && variable == handed::IGNORE && is_set("AWS_ENDPOINT_URL")
}

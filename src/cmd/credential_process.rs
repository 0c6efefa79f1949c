//! `credential-process`: one JSON line for the AWS CLI or an SDK, or nothing.

use std::ffi::OsString;

use crate::cli::ProfileAndCode;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::output::{process_json, to_stdout};
use crate::profile::plan::Plan;
use crate::session::cache::{Cache, Need};
use crate::session::{Lookup, Patience, look, sealing_key};
use crate::system::clock::{self, Deadline};
use crate::system::env::Env;

use super::context::{Context, Invocation};
use super::ending_soon;
use super::sessions::{SessionRequest, obtain};

/// Answers from the cache, without clap, locks, network, logs or writes; `None` if that is not possible for any reason.
pub fn cached(arguments: &[OsString], env: &Env) -> Option<Result<u8>> {
    let name = match arguments {
        [verb, flag, name] if verb == "credential-process" && flag == "--profile" => name,
        [verb, name] if verb == "credential-process" => name,
        _ => return None,
    };
    let name = name.to_str().filter(|name| !name.starts_with('-'))?;
    let name = ProfileName::parse(name).ok()?;
    let context = Context::without_account(env)?;
    let planned = context.plan_quietly(name.as_str()).filter(|planned| !planned.plan.protected)?;
    let mut stores = context.stores(false);
    if stores.fast.is_some() {
        stores.durable = None;
    }
    let key = sealing_key::find(&stores, &context.dirs.cache).ok()?;
    let cache = Cache::new(context.dirs.cache.clone(), key);
    let looked = look(&cache, &planned.steps(), Need::ALIVE, clock::now());
    match looked {
        Lookup::Last(_) if ending_soon::is_due(&context, &planned) => None,
        Lookup::Serve(session) | Lookup::Last(session) => {
            let answered = answer(&process_json::line(&session));
            // The process ends now, so freeing memory would only take time.
            std::mem::forget((context, planned, stores));
            Some(answered)
        }
        Lookup::Renew(_) | Lookup::Miss => None,
    }
}

/// Answers, asking for a code if necessary. One deadline from process start limits everything.
pub fn run(args: &ProfileAndCode, invocation: &Invocation) -> Result<u8> {
    let context = Context::load(&invocation.env)?;
    let planned = context.plan(&context.requested(&args.profile)?)?;
    if planned.plan.protected {
        return Err(for_a_person_alone(&planned.plan));
    }
    let deadline = Deadline::after(invocation.started, context.settings.duration_or_default("prompt_timeout"));
    let request = SessionRequest {
        patience: Patience::Until(deadline),
        asks_once: true,
        tells_of_the_end: true,
        uncached: false,
        ..SessionRequest::interactive(&context, args.code_stdin)
    };
    let session = obtain(&context, &planned, &request)?;
    answer(&process_json::line(&session))
}

/// An SDK that got such credentials would start a question at each request.
fn for_a_person_alone(plan: &Plan) -> Failure {
    let cause = "is protected: an AWS tool would need a fresh code for each request, so it gets no credentials; \
                 use twolock env or twolock exec";
    let failure = Failure::new(Kind::Config, cause).of_profile(&plan.profile);
    failure.hint(CommandLine::of(Verb::Exec, &plan.profile).to("a subshell with its credentials"))
}

fn answer(line: &str) -> Result<u8> {
    to_stdout(line.as_bytes()).map(|()| 0)
}

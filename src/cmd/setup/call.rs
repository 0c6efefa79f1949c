//! One call as AWS tools make it: by the AWS CLI if there is one, else by twolock.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::cli;
use crate::cmd::context::{Context, Invocation};
use crate::cmd::whoami;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Hint, Verb};
use crate::names::ProfileName;
use crate::output::{messages, to_stdout};
use crate::system::child::{self, ChildLimits, NoAnswer};
use crate::system::clock::Deadline;
use crate::text::visible::{cut, with_tabs};

const PATIENCE: Duration = Duration::from_secs(60);
const MOST_OUTPUT: usize = 64 << 10;

pub fn run(context: &Context, invocation: &Invocation, name: &ProfileName) -> Result<()> {
    let has_region = context.plan(name)?.plan.shell_region.is_some();
    match child::find_program("aws", context.env.raw("PATH")).filter(|_| has_region) {
        Some(aws) => by_the_cli(&mut Command::new(aws), name),
        None => {
            if !has_region {
                let set = CommandLine::of(Verb::Set, name).with("region").with("eu-west-1");
                messages::note(&format!("most AWS CLI commands need a region; to set one: {set}"));
            }
            let profile = cli::ProfileArg { positional: Some(name.clone()), flag: None };
            let profile = cli::ProfileAndCode { profile, code_stdin: false };
            whoami::run(&cli::Whoami { profile, all: false, json: false }, invocation).map(drop)
        }
    }
}

fn by_the_cli(aws: &mut Command, name: &ProfileName) -> Result<()> {
    let line = CommandLine::other("aws sts get-caller-identity --query Arn --output text --profile").of_profile(name);
    to_stdout(format!("running: {line}\n").as_bytes())?;
    aws.args(["sts", "get-caller-identity", "--query", "Arn", "--output", "text"]).arg(format!("--profile={name}"));
    aws.env_remove("TWOLOCK_MFA_CODE").env("AWS_PAGER", "");
    let limits =
        ChildLimits { output: MOST_OUTPUT, errors: MOST_OUTPUT, until: Deadline::after(Instant::now(), PATIENCE) };
    let failed = |what: String| {
        let doctor = Hint::from("to look for the reason: twolock doctor");
        Failure::new(Kind::Config, format!("the AWS CLI {what}")).of_profile(name).hint(doctor)
    };
    match child::answer(aws, limits) {
        Ok(answer) if answer.status.success() => {
            let said = String::from_utf8_lossy(answer.output.expose());
            to_stdout(said.lines().map(|line| with_tabs(line) + "\n").collect::<String>().as_bytes())
        }
        Ok(answer) => {
            let said = String::from_utf8_lossy(&answer.errors).into_owned();
            let said = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned();
            Err(failed(format!("{}: {}", child::ending(answer.status), cut(&said))))
        }
        Err(NoAnswer::NotStarted(why)) => Err(failed(format!("could not be started: {why}"))),
        Err(NoAnswer::TimedOut) => Err(failed(format!("did not finish within {} s", PATIENCE.as_secs()))),
        Err(NoAnswer::TooLong) => Err(failed(format!("printed more than {MOST_OUTPUT} bytes"))),
    }
}

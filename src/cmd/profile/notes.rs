//! Notes for the diff: the program that AWS tools will start, the callers that bypass twolock, and a command to try.

use std::path::PathBuf;

use crate::change::preview::Preview;
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::profile::Sources;
use crate::profile::adoption::program::{self, Program};
use crate::profile::callers::{self, Callers, Served};
use crate::system::foreign_file::plain;
use crate::system::own_program;
use crate::system::path_owners::{self, OtherWriter};
use crate::text::visible::{as_word, visible};

use crate::cmd::context::Context;
use crate::hint::CommandLine;

/// A command that shows that the profile works. The AWS CLI needs a region, which not every profile has.
pub fn to_try(context: &Context, after: Sources<'_>, name: &ProfileName) -> Result<String> {
    let word = as_word(name.as_str());
    Ok(match context.plan_of(after, name)?.plan.shell_region {
        Some(_) => format!("aws --profile {word} sts get-caller-identity"),
        None => format!("twolock whoami {word}"),
    })
}

/// The path for `credential_process`. Refused if everybody can replace the program.
pub fn own_program(context: &Context) -> Result<Program> {
    let paths = own_program::paths(context.env.raw("PATH"))
        .map_err(|e| Failure::new(Kind::Config, format!("cannot find the path of this program: {}", plain(&e))))?;
    let program = program::choose(&paths)?;
    let Some((step, _)) = other_writers(&program).into_iter().find(|(_, writer)| *writer == OtherWriter::Everybody)
    else {
        return Ok(program);
    };
    let (path, step) = (&program.path, step.to_string_lossy());
    let cause = format!("every AWS tool would run {path}, but everybody can change {step}");
    let hint =
        CommandLine::other("chmod o-w").with(&*step).to("install twolock elsewhere, or remove write access for others");
    Err(Failure::new(Kind::Config, cause).hint(hint))
}

fn other_writers(program: &Program) -> Vec<(PathBuf, OtherWriter)> {
    path_owners::other_writers(program.path.as_ref()).unwrap_or_default()
}

/// Notes if an upgrade may remove the path, or another user can change it.
pub fn on_program(program: &Program) -> Vec<String> {
    let path = &program.path;
    let versioned = program.is_versioned.then(|| {
        format!("{path} contains a version and may be removed by an upgrade; put a symlink to it on PATH instead")
    });
    let open = other_writers(program).into_iter().next().map(|(step, writer)| {
        let who = match writer {
            OtherWriter::Owner(uid) => format!("user {uid}"),
            OtherWriter::Group(gid) => format!("group {gid}"),
            OtherWriter::Everybody => "everybody".into(),
        };
        format!("{who} can change {}, and every AWS tool runs {path}", visible(&step.to_string_lossy()))
    });
    versioned.into_iter().chain(open).collect()
}

/// One line for callers that do not use twolock after the change: `after this, 'prod' (Go, JavaScript): an error: …`.
pub fn on_callers(callers: &Callers, name: &ProfileName) -> Vec<String> {
    let line = |(who, what): (String, String)| format!("after this, '{}' ({who}): {what}", visible(name.as_str()));
    callers::grouped(callers.judge(name.as_str()).others()).into_iter().map(line).collect()
}

/// A note if sessions of the profile had MFA before a change, and have none after it.
pub fn on_lost_mfa(context: &Context, after: &Preview, name: &ProfileName) -> Option<String> {
    let device = |sources| context.plan_of(sources, name).ok().map(|planned| planned.plan.device);
    let is_lost =
        matches!((device(context.quiet()), device(context.sources_after(after))), (Some(Some(_)), Some(None)));
    is_lost.then(|| format!("after this, new sessions of '{}' have no MFA", visible(name.as_str())))
}

/// The same for a profile that all callers use twolock for before a change, and not after it.
pub fn on_lost_callers(before: &Callers, after: &Callers, name: &ProfileName) -> Vec<String> {
    let was_served = before.judge(name.as_str()).served() == Served::Fully;
    if was_served { on_callers(after, name) } else { Vec::new() }
}

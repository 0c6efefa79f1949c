//! `twolock` without a command: lists the profiles, each with the next command.

use crate::aws_files::Profile;
use crate::duration;
use crate::error::Result;
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::output::table::table;
use crate::output::to_stdout;
use crate::profile::adoption::kept_key::keeps_the_key_of;
use crate::profile::base::Base;
use crate::profile::callers::{Callers, Reader, Served, Verdict};
use crate::profile::facts;
use crate::shell::Shell;
use crate::system::terminal;
use crate::text::visible::{as_word, visible};
use crate::text::width::columns;

use super::active_sessions::ActiveSessions;
use super::context::{Context, Invocation, Planned};
use super::setup::lacks_key;
use super::shell;
use super::this_shell::ThisShell;

/// More profiles than this are for `profile list`.
const MOST: usize = 40;

pub fn run(invocation: &Invocation) -> Result<u8> {
    let context = Context::load(&invocation.env)?;
    let names = context.profile_names();
    if names.is_empty() {
        let next = CommandLine::new(Verb::Setup);
        let text = format!("no profiles in {}\nnext: {next}\n", context.files.shown());
        return to_stdout(text.as_bytes()).map(|()| 0);
    }
    let active_sessions = ActiveSessions::look(&context);
    let shell = shell::calling_shell(&context.env);
    let callers = context.callers();
    let this_shell = ThisShell::of(&context.env);
    let own = this_shell.profile.as_deref();
    let row = |name: &String| {
        let profile = context.files.profile(name)?;
        let planned = context.plan_quietly(name);
        let rest = planned.as_ref().and_then(|planned| active_sessions.time_left(planned));
        let is_protected = planned.as_ref().is_some_and(|planned| planned.plan.protected);
        let base = planned.as_ref().map(|planned| &planned.plan.base);
        // Credentials from elsewhere may have MFA of their own.
        let has_no_mfa =
            planned.as_ref().is_some_and(|planned| planned.plan.device.is_none()) && matches!(base, Some(Base::Key(_)));
        let kind = match (facts::kind_on(&profile, &context.index, base), lender(&profile)) {
            ("key of another", Some(source)) => format!("key of {source}"),
            (kind, Some(source)) => format!("{kind} of {source}"),
            (kind, None) => kind.into(),
        };
        Some(vec![
            mark(own, name) + &visible(name),
            match () {
                () if has_no_mfa => format!("{kind}, no MFA"),
                () if is_protected => format!("{kind}, protected"),
                () => kind,
            },
            rest.map_or_else(|| "-".into(), |(_, left)| duration::show(left)),
            match ProfileName::parse(name) {
                Ok(name) if keeps_the_key_of(&context.files, &name).is_none() => {
                    next(&context, &callers.judge(name.as_str()), &name, planned, shell)
                }
                _ => "-".into(),
            },
        ])
    };
    let rows: Vec<_> = names.iter().take(MOST).filter_map(row).collect();
    let mut text = listing(&rows, terminal::columns(&context.env));
    if names.len() > MOST {
        text += &format!("{} more: twolock profile list\n", names.len() - MOST);
    }
    text += &this_shell.remark(&context.files);
    if names.iter().all(|name| lacks_key(&context, name)) {
        text += &format!("to set up an access key, an MFA device and a profile: {}\n", CommandLine::new(Verb::Setup));
    }
    text += &names.iter().take(MOST).find_map(|name| to_adopt(&context, &callers, name)).unwrap_or_default();
    to_stdout(text.as_bytes()).map(|()| 0)
}

/// The profile whose credentials this one uses without a role.
fn lender(profile: &Profile) -> Option<String> {
    let is_role = ["twolock_role_arn", "role_arn"].iter().any(|key| profile.get(key).is_some());
    let source =
        profile.get("twolock_source_profile").filter(|_| !is_role && profile.get("aws_access_key_id").is_none());
    source.map(|source| visible(source.shown()))
}

/// On a terminal that is too narrow for the commands, they have lines of their own: they are there to be pasted.
fn listing(rows: &[Vec<String>], room: Option<usize>) -> String {
    const HEADER: [&str; 4] = ["PROFILE", "KIND", "LEFT", "NEXT"];
    let whole = table(&HEADER, rows, None, &[]);
    if room.is_none_or(|room| whole.lines().all(|line| columns(line) <= room)) {
        return whole;
    }
    let (facts, next): (Vec<_>, Vec<_>) = rows.iter().map(|row| (row[..3].to_vec(), row[3..].to_vec())).unzip();
    let facts = table(&HEADER[..3], &facts, room, &[1]);
    let next = table(&HEADER[3..], &next, None, &[]);
    facts.lines().zip(next.lines()).map(|(facts, next)| format!("{facts}\n  {next}\n")).collect()
}

/// A hint if adopting this profile would make the AWS CLI and SDKs use it.
fn to_adopt(context: &Context, callers: &Callers, name: &str) -> Option<String> {
    // Of other sources AWS tools get the credentials themselves.
    let is_on_a_key = |name: &ProfileName| context.outline(name.as_str()).is_some_and(|it| it.base.key().is_some());
    let is_unserved = |name: &ProfileName| callers.judge(name.as_str()).served() == Served::No;
    let name = ProfileName::parse(name).ok().filter(is_on_a_key)?;
    let name = Some(name).filter(|name| context.can_be_adopted(name) && is_unserved(name))?;
    Some(format!("to use these profiles in the AWS CLI and every SDK: {}\n", CommandLine::of(Verb::Adopt, name)))
}

/// Marks the profile of the calling shell, if one is known.
fn mark(own: Option<&str>, name: &str) -> String {
    match own {
        None => String::new(),
        Some(own) => if own == name { "* " } else { "  " }.into(),
    }
}

/// The command to use the profile, or to see what is wrong with it.
fn next(context: &Context, verdict: &Verdict, name: &ProfileName, planned: Option<Planned>, shell: Shell) -> String {
    let shown = as_word(name.as_str());
    let show = || CommandLine::of(Verb::Show, name).to_string();
    match planned {
        Some(planned) if planned.plan.protected && !verdict.is_readable() => shell::line_to_type(shell, &shown),
        Some(planned) if planned.plan.protected && context.can_be_adopted(name) => {
            CommandLine::of(Verb::Adopt, name).to_string()
        }
        Some(planned) if planned.plan.protected => show(),
        Some(_) if !verdict.bypasses().is_empty() && context.can_be_adopted(name) => {
            CommandLine::of(Verb::Adopt, name).to_string()
        }
        Some(_) if !verdict.bypasses().is_empty() => show(),
        Some(_) if verdict.is_used_by(Reader::Cli) => {
            format!("{} …", CommandLine::other("aws --profile").of_profile(name))
        }
        Some(planned) if planned.plan.base.sign_in().is_some() && planned.proof.is_none() => {
            CommandLine::of(Verb::Login, name).to_string()
        }
        Some(_) => shell::line_to_type(shell, &shown),
        None => show(),
    }
}

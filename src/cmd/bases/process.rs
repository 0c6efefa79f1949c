//! Another program's `credential_process`, run by us.

use crate::cmd::context::Context;
use crate::credentials::Credentials;
use crate::error::{Failure, Place, Result};
use crate::names::ProfileName;
use crate::ours::consent;
use crate::profile::base::Process;
use crate::sources::process::ProcessSource;
use crate::system::clock::Deadline;

pub fn fetch(context: &Context, process: &Process, until: Deadline) -> Result<Credentials> {
    let Process { profile, line, place } = process;
    context.may_start_program(profile, place)?;
    let source = ProcessSource::parse(line, profile, place, &context.env, &context.dirs.account_home())?;
    source.run(until)
}

/// The failure where its program runs twolock for what it is itself asked for.
pub fn recursion(context: &Context, process: &Process) -> Failure {
    let Process { profile, line, place } = process;
    match ProcessSource::parse(line, profile, place, &context.env, &context.dirs.account_home()) {
        Ok(source) => source.recursion(),
        Err(failure) => failure,
    }
}

impl Context {
    /// Refuses to start a program that a line of the AWS files names, unless that file may name programs (threat-model
    /// P16).
    pub fn may_start_program(&self, profile: &ProfileName, place: &Place) -> Result<()> {
        let files = &self.files;
        let (choice, bytes) = match *place.file == *files.config.shown() {
            true => (&files.config_choice, files.config.bytes()),
            false => (&files.credentials_choice, files.credentials.bytes()),
        };
        let problem = |failure: Failure| failure.of_profile(profile).at(place);
        consent::may_start_programs(choice, bytes, &self.dirs.account_home(), &self.settings.trust)
            .map_err(|failure| problem(self.naming_ignored_consents(failure)))
    }
}

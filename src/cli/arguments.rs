//! Arguments that many commands share.

use clap::Args;

use crate::names::ProfileName;

/// Names a profile; both forms work in every command.
#[derive(Args, Clone, Debug, Default)]
pub struct ProfileArg {
    /// The profile [default: AWS_PROFILE, then AWS_DEFAULT_PROFILE]
    #[arg(value_name = "PROFILE", value_parser = ProfileName::parse)]
    pub positional: Option<ProfileName>,
    /// The same as PROFILE
    #[arg(long = "profile", value_name = "NAME", value_parser = ProfileName::parse)]
    pub flag: Option<ProfileName>,
}

impl ProfileArg {
    /// The name that was given, the positional one first.
    pub fn name(&self) -> Option<&ProfileName> {
        self.positional.as_ref().or(self.flag.as_ref())
    }
}

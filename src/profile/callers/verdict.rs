//! What each caller would do with a profile, and the one verdict that is drawn from it.

use std::fmt;

use crate::aws_files::oddities::Reader;
use crate::error::Place;
use crate::text::visible::{one_line, visible};

/// Every caller, in the order they are listed.
pub const ALL: [Reader; 5] = [Reader::Cli, Reader::Go, Reader::Js, Reader::Java, Reader::Rust];

/// What every caller would do with one profile. Whatever twolock says about who uses it for a profile is asked here.
pub struct Verdict {
    pub(super) callers: Vec<(Reader, Resolution)>,
    /// Whether the profile's own `credential_process` is twolock.
    pub(super) has_line: bool,
}

/// Which callers use twolock for a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Each of them.
    Fully,
    /// Some of them.
    Partly,
    /// None.
    No,
}

/// Where one caller gets a profile's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It gets some.
    Gets(Obtained),
    /// It starts twolock, which gives this profile to a person alone.
    Protected,
    /// It stops because it cannot ask for the code that this `mfa_serial` calls for.
    CannotAsk(Place),
    /// It gets none: an error, or nothing there.
    Fails(String),
    /// It reads the file or the profile in another way than we do, or not at all.
    Odd(String),
}

/// The credentials that a caller ends up with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obtained {
    /// Where the first ones come from.
    pub provider: Provider,
    /// How many roles it then assumes itself, in a chain.
    pub roles: usize,
    /// How it handles the MFA code of those roles.
    pub code: CodeUse,
}

/// Where a caller's first credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// twolock, for the profile named.
    Twolock(String),
    /// Anything else, in words.
    Other(&'static str, Place),
}

/// How a caller that assumes a role itself handles the MFA code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeUse {
    /// No device is named, or the session below was opened with a code.
    NotNeeded,
    /// The caller asks for it itself, each time.
    Asked(Place),
    /// The caller does not know `mfa_serial` and calls without MFA.
    Ignored(Place),
}

/// How a caller bypasses twolock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bypass {
    /// It ends in an error, or without credentials.
    Error,
    /// It calls without the MFA that the profile asks for.
    WithoutMfa,
    /// It asks for the code itself.
    Asks,
    /// It uses other credentials.
    OtherCredentials,
    /// It reads the file differently.
    Odd,
}

impl Verdict {
    /// Returns what each caller would do.
    pub fn callers(&self) -> &[(Reader, Resolution)] {
        &self.callers
    }

    /// Returns whether the callers use twolock.
    pub fn served(&self) -> Served {
        match self.callers.iter().filter(|(_, resolution)| resolution.bypass().is_none()).count() {
            0 => Served::No,
            all if all == self.callers.len() => Served::Fully,
            _ => Served::Partly,
        }
    }

    /// Returns those who get credentials for a protected profile: without twolock, or by their own AssumeRole with
    /// credentials that twolock gives for its source.
    pub fn readers(&self) -> Vec<&(Reader, Resolution)> {
        let gets = |resolution: &Resolution| match resolution {
            Resolution::Gets(found) => found.roles > 0 || resolution.bypass().is_some(),
            _ => false,
        };
        self.callers.iter().filter(|(_, resolution)| gets(resolution)).collect()
    }

    /// Whether a caller gets credentials for a protected profile.
    pub fn is_readable(&self) -> bool {
        !self.readers().is_empty()
    }

    /// Whether every caller that starts twolock gets nothing, because the profile is protected.
    pub fn is_protected(&self) -> bool {
        self.callers.iter().any(|(_, resolution)| *resolution == Resolution::Protected)
    }

    /// Whether one caller uses twolock.
    pub fn is_used_by(&self, reader: Reader) -> bool {
        self.callers.iter().any(|(caller, resolution)| *caller == reader && resolution.bypass().is_none())
    }

    /// Returns those who do not use twolock, whatever the reason.
    pub fn others(&self) -> Vec<&(Reader, Resolution)> {
        self.callers.iter().filter(|(_, resolution)| resolution.bypass().is_some()).collect()
    }

    /// Returns those who bypass twolock where the profile, or one below it, names it.
    pub fn bypasses(&self) -> Vec<&(Reader, Resolution)> {
        let uses_twolock = |resolution: &Resolution| {
            matches!(resolution, Resolution::Gets(Obtained { provider: Provider::Twolock(_), .. }))
        };
        let names_twolock = self.has_line || self.callers.iter().any(|(_, resolution)| uses_twolock(resolution));
        self.callers.iter().filter(|(_, resolution)| names_twolock && adopting_helps(resolution)).collect()
    }

    /// Whether more callers would use twolock after adopting the profile.
    pub fn adopting_helps(&self) -> bool {
        self.callers.iter().any(|(_, resolution)| adopting_helps(resolution))
    }
}

/// What is odd in a file, or in a name, stays odd, and `doctor` has checks for it.
fn adopting_helps(resolution: &Resolution) -> bool {
    !matches!(resolution.bypass(), None | Some(Bypass::Odd))
}

impl Resolution {
    pub(super) fn error(why: impl fmt::Display) -> Self {
        Self::Fails(format!("an error: {why}"))
    }

    /// How the caller bypasses twolock; none if it uses it and neither asks for a code itself nor calls without MFA.
    pub fn bypass(&self) -> Option<Bypass> {
        match self {
            Self::Gets(Obtained { code: CodeUse::Ignored(_), .. }) => Some(Bypass::WithoutMfa),
            Self::Gets(Obtained { code: CodeUse::Asked(_), .. }) => Some(Bypass::Asks),
            Self::Gets(Obtained { provider: Provider::Twolock(_), .. }) => None,
            Self::Protected => None,
            Self::Gets(_) => Some(Bypass::OtherCredentials),
            Self::CannotAsk(_) | Self::Fails(_) => Some(Bypass::Error),
            Self::Odd(_) => Some(Bypass::Odd),
        }
    }
}

/// Noun phrases, so that they fit one caller and several.
impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = match self {
            Self::Gets(found) => found,
            Self::CannotAsk(place) => {
                return write!(f, "an error: cannot ask for the MFA code (mfa_serial at {place})");
            }
            Self::Protected => {
                return f.write_str("nothing: twolock gives a protected profile to env, exec and console only");
            }
            Self::Fails(why) | Self::Odd(why) => return f.write_str(why),
        };
        f.write_str(if found.roles > 0 { "its own AssumeRole with " } else { "" })?;
        match &found.provider {
            Provider::Twolock(profile) => write!(f, "credentials from twolock for '{}'", visible(profile))?,
            Provider::Other(what, place) => write!(f, "{what} ({place}); twolock is not called")?,
        }
        match &found.code {
            CodeUse::NotNeeded => Ok(()),
            CodeUse::Asked(place) => write!(f, "; asks for the code itself (mfa_serial at {place})"),
            CodeUse::Ignored(place) => write!(f, "; WITHOUT MFA: mfa_serial is ignored ({place})"),
        }
    }
}

/// What is wrong with a protected profile whose [`Verdict::is_readable`].
pub const READABLE: &str = "AWS tools can read its role, and assume it without twolock";

/// The caller's name, with the version that was measured; boto3 reads as the AWS CLI does.
pub fn name(caller: Reader) -> &'static str {
    match caller {
        Reader::Cli => "AWS CLI and boto3",
        Reader::Go => "Go v2",
        Reader::Js => "JavaScript v3",
        Reader::Java => "Java v2",
        Reader::Rust => "Rust",
    }
}

/// Clients that need more than a profile that every caller here uses twolock for (aws-contract 7).
pub const OTHER_CLIENTS: [(&str, &str); 3] = [
    ("Go v1 and JavaScript v2", "only with AWS_SDK_LOAD_CONFIG=1"),
    ("Java v1", "only with AWS_CREDENTIAL_PROFILES_FILE=~/.aws/config"),
    ("C++ with a role that is not adopted, s3cmd, restic", "use twolock exec"),
];

/// Callers of one resolution together, named, with it in words.
pub fn grouped<'a>(callers: impl IntoIterator<Item = &'a (Reader, Resolution)>) -> Vec<(String, String)> {
    let mut groups: Vec<(Vec<Reader>, String)> = Vec::new();
    for (caller, resolution) in callers {
        let what = one_line(&resolution.to_string());
        match groups.iter_mut().find(|(_, known)| *known == what) {
            Some((callers, _)) => callers.push(*caller),
            None => groups.push((vec![*caller], what)),
        }
    }
    groups.into_iter().map(|(callers, what)| (together(callers), what)).collect()
}

/// Several callers in words.
pub fn together(callers: Vec<Reader>) -> String {
    match callers.len() == ALL.len() {
        true => "AWS CLI, boto3 and SDKs (Go, JavaScript, Java, Rust)".to_string(),
        false => callers.into_iter().map(name).collect::<Vec<_>>().join(", "),
    }
}

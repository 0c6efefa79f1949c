//! A value with where it came from, so that messages and `doctor` can say so.

use std::fmt;
use std::path::PathBuf;

use crate::error::Place;

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// A value read from a line of a file.
    pub(crate) fn at(value: T, place: &Place) -> Self {
        Self { value, origin: Origin::Line(place.clone()) }
    }

    /// The file and line it was read from, if it was.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.origin.place()
    }
}

/// Where a value came from; displayed as people would say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of a file, where it is plain which setting is meant: `~/.config/twolock/config.toml:3`.
    Line(Place),
    /// A line of a file, named with its setting: `endpoint_url (~/.aws/config:5)`.
    Setting(&'static str, Place),
    /// A service in a `[services NAME]` section: `sts of [services NAME] (~/.aws/config:5)`.
    Services(&'static str, String, Place),
    /// An environment variable: `AWS_REGION`.
    Variable(&'static str),
    /// An option of the command: `--duration`.
    Flag(&'static str),
    /// Nobody set it.
    Default,
}

impl Origin {
    /// The file and line, if it is one.
    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Origin::Line(place) | Origin::Setting(_, place) | Origin::Services(_, _, place) => Some(place),
            Origin::Variable(_) | Origin::Flag(_) | Origin::Default => None,
        }
    }

    /// The same without file and line, where it has a name besides: what several files say alike is told once.
    pub(crate) fn name(&self) -> String {
        match self {
            Origin::Line(place) => place.to_string(),
            Origin::Setting(name, _) | Origin::Variable(name) | Origin::Flag(name) => (*name).into(),
            Origin::Services(service, section, _) => format!("{service} of [services {section}]"),
            Origin::Default => "default".into(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Line(place) => place.fmt(f),
            Origin::Setting(_, place) | Origin::Services(_, _, place) => write!(f, "{} ({place})", self.name()),
            Origin::Variable(name) | Origin::Flag(name) => f.write_str(name),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// Which path a file is read from, and what chose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChoice {
    /// The path as it was opened.
    pub path: PathBuf,
    /// The variable that chose it; none for the usual place.
    pub variable: Option<&'static str>,
    /// Whether a variable chose a file that does not exist.
    pub is_missing: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_origin_is_said_with_its_file_and_line_and_named_without() {
        let place = || Place { file: "~/.aws/config".into(), line: 5 };
        for (origin, shown, name, has_place) in [
            (Origin::Line(place()), "~/.aws/config:5", "~/.aws/config:5", true),
            (Origin::Setting("endpoint_url", place()), "endpoint_url (~/.aws/config:5)", "endpoint_url", true),
            (
                Origin::Services("sts", "local".into(), place()),
                "sts of [services local] (~/.aws/config:5)",
                "sts of [services local]",
                true,
            ),
            (Origin::Variable("AWS_REGION"), "AWS_REGION", "AWS_REGION", false),
            (Origin::Flag("--duration"), "--duration", "--duration", false),
            (Origin::Default, "default", "default", false),
        ] {
            assert_eq!((origin.to_string().as_str(), origin.name().as_str()), (shown, name));
            assert_eq!(origin.place().is_some(), has_place, "{shown}");
        }
    }
}

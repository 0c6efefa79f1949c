//! What the AWS CLI and each SDK would do with a profile, by the tables of aws-contract 1.2 and 2.1 to 2.4.
//!
//! - `view`: what one of them sees of a profile at all
//! - `verdict`: what it may come to, and the words for it
//! - `rules`: in which order each looks for credentials there
//!
//! Pure, and of the two files alone: keys in the environment win over any profile in all but JavaScript.

mod rules;
mod verdict;
mod view;

use crate::aws_files::AwsFiles;
pub use crate::aws_files::oddities::Reader;
use crate::text::visible::one_line;
pub use verdict::{ALL, Code, Verdict};

/// The files, ready to judge one profile or all of them.
pub struct Callers<'a>(view::Readings<'a>);

impl<'a> Callers<'a> {
    /// Looks through both files once.
    pub fn of(files: &'a AwsFiles) -> Self {
        Self(view::Readings::of(files))
    }

    /// Returns what each caller would do with a profile.
    pub fn judge(&self, name: &str) -> Vec<(Reader, Verdict)> {
        ALL.into_iter().map(|reader| (reader, rules::judge(&self.0, reader, name))).collect()
    }
}

/// Returns what each caller would do with one profile.
pub fn judge(files: &AwsFiles, name: &str) -> Vec<(Reader, Verdict)> {
    Callers::of(files).judge(name)
}

/// The caller's name; boto3 reads as the AWS CLI does.
pub fn name(caller: Reader) -> String {
    if caller == Reader::Cli { "AWS CLI and boto3".into() } else { caller.to_string() }
}

/// Callers of one verdict together, named, with that verdict in words; `all` where it is everybody's.
pub fn grouped(judged: &[(Reader, Verdict)]) -> Vec<(String, String)> {
    let mut groups: Vec<(Vec<Reader>, String)> = Vec::new();
    for (caller, verdict) in judged {
        let what = one_line(&verdict.to_string());
        match groups.iter_mut().find(|(_, known)| *known == what) {
            Some((callers, _)) => callers.push(*caller),
            None => groups.push((vec![*caller], what)),
        }
    }
    let who = |callers: Vec<Reader>| match callers.len() == ALL.len() {
        true => "all".to_string(),
        false => callers.into_iter().map(name).collect::<Vec<_>>().join(", "),
    };
    groups.into_iter().map(|(callers, what)| (who(callers), what)).collect()
}

#[cfg(test)]
mod tests;

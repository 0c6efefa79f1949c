//! Renaming: a profile's headers, and every setting that names it.

use std::rc::Rc;

use super::kinds::Edited;
use super::writable::must_be_a_safe_name;
use crate::aws_files::file::{AwsFile, FileKind};
use crate::aws_files::grammar::{self, Chunk};
use crate::aws_files::hunk::Replacement;
use crate::aws_files::process_line::ProcessLine;
use crate::aws_files::section::{Part, Section, Setting};
use crate::error::{Failure, Kind, Result};
use crate::names::is_process_word;

impl AwsFile {
    pub(super) fn rename(&self, old: &str, new_name: &str) -> Result<Edited> {
        must_be_a_safe_name(new_name)?;
        let section = self.section(old);
        let mut changes: Vec<Replacement> =
            section.iter().flat_map(|s| &s.parts).filter_map(|part| self.new_header(part, new_name)).collect();
        let names = self.profile_names();
        for section in names.iter().filter_map(|name| self.section(name)) {
            for setting in &section.settings {
                changes.extend(self.renamed_in(setting, old, new_name)?);
            }
        }
        changes.sort_by_key(|change| change.span.start);
        let touched: Vec<&str> = names.iter().map(String::as_str).chain([new_name]).collect();
        let keys = |section: Option<Rc<Section>>| section.map(|s| s.settings.iter().map(|s| s.key.clone()).collect());
        let before: Option<Vec<String>> = keys(section);
        self.edited(changes, Vec::new(), &touched, |new| {
            new.section(old).is_none() && (before.is_none() || keys(new.section(new_name)) == before)
        })
    }

    fn new_header(&self, part: &Part, name: &str) -> Option<Replacement> {
        let line = part.header.clone();
        let text = grammar::lines(self.bytes(), line.clone()).next().map_or(line, |line| line.text);
        let inside = grammar::chunk_header(self.bytes(), &Chunk { span: text, mixed: false })??;
        let inside = grammar::trim_plain(self.bytes(), inside);
        let old = &self.bytes()[inside.clone()];
        // The blank stays as it is: `[profile<TAB>p]` is read by all.
        let word = b"profile".len();
        let has_word = self.kind == FileKind::Config && old.starts_with(b"profile") && old.len() > word;
        let (start, text) = match (self.kind, name) {
            (FileKind::Config, "default") => (inside.start, "default".to_string()),
            (FileKind::Config, _) if has_word => {
                let blanks = old[word..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
                (inside.start + word + blanks, name.to_string())
            }
            (FileKind::Config, _) => (inside.start, format!("profile {name}")),
            (FileKind::Credentials, _) => (inside.start, name.to_string()),
        };
        Some(Replacement { span: start..inside.end, text: text.into_bytes() })
    }

    fn renamed_in(&self, setting: &Setting, old: &str, new: &str) -> Result<Option<Replacement>> {
        let whole = |text: &str| Replacement { span: setting.spans.value.clone(), text: text.into() };
        match setting.key.as_str() {
            "source_profile" | "twolock_source_profile" if setting.value == old => Ok(Some(whole(new))),
            "credential_process" => match ProcessLine::parse(&setting.value).filter(|line| line.names(old)) {
                None => Ok(None),
                Some(_) if !is_process_word(new) => {
                    let cause = format!(
                        "'{new}' cannot be used in a credential_process: use A-Z a-z 0-9 - _ . / @ + : only, and do not start with '-'"
                    );
                    Err(Failure::new(Kind::Usage, cause).at(&setting.place))
                }
                Some(ProcessLine { at, .. }) => {
                    let start = setting.spans.value.start;
                    Ok(Some(Replacement { span: start + at.start..start + at.end, text: new.into() }))
                }
            },
            _ => Ok(None),
        }
    }
}

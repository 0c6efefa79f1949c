//! Sections that no SDK reads because their header is nearly, but not quite, that of a profile.

use std::collections::HashMap;
use std::rc::Rc;

use super::file::AwsFile;
use super::section::{Section, Setting};
use super::{AwsFiles, Profile};
use crate::error::{Failure, Kind, Place};

/// A section that was probably meant as a profile.
#[derive(Debug)]
pub struct NearSection {
    /// The profile that its header nearly names.
    pub name: String,
    pub place: Place,
    settings: Vec<Setting>,
    written: String,
    right: String,
    other: Option<Other>,
}

/// The line of another section of the same profile in the same file: a second one would be a duplicate.
#[derive(Clone, Copy, Debug)]
enum Other {
    /// The profile's own header.
    Right(usize),
    /// The first that nearly names it.
    Near(usize),
}

impl NearSection {
    fn of(file: &AwsFile, section: Section, other: Option<Other>) -> Self {
        let Section { name, header_line, parts, settings } = section;
        let line = String::from_utf8_lossy(&file.bytes()[parts[0].header.clone()]).into_owned();
        let written = line.split_inclusive(']').next().unwrap_or(&line).trim().to_string();
        let place = file.place(header_line);
        let right = file.header_of(&name);
        Self { other, right, written, place, settings, name }
    }

    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.settings.iter().rev().find(|setting| setting.key == key)
    }

    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// The header as it is written.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// What is wrong: `'[Profile prod]' is not a profile header`.
    pub fn problem(&self) -> String {
        format!("'{}' is not a profile header", self.written)
    }

    /// What to do: `write '[profile prod]'`.
    pub fn advice(&self) -> String {
        match self.other {
            Some(Other::Right(line)) => format!("move the lines under it to '{}' on line {line}", self.right),
            Some(Other::Near(line)) => format!("write '{}' in line {line}, and move its lines below it", self.right),
            None => format!("write '{}'", self.right),
        }
    }
}

/// The failure of a command that was given the name of a profile that is only nearly there.
pub fn not_found(name: &str, (place, reason): &(Place, String)) -> Failure {
    Failure::new(Kind::Config, format!("not found: {reason}")).of_profile(name).at(place)
}

/// Searches for each profile's own header once: thousands of sections may nearly name the same one.
fn near_in(file: &AwsFile, sections: Vec<Section>) -> Vec<NearSection> {
    let mut known: HashMap<String, Option<Other>> = HashMap::new();
    let of = |near: Section| {
        let search = || file.section(&near.name).map(|there| Other::Right(there.header_line));
        let other = known.entry(near.name.clone()).or_insert_with(search);
        let first = *other;
        other.get_or_insert(Other::Near(near.header_line));
        NearSection::of(file, near, first)
    };
    sections.into_iter().map(of).collect()
}

fn near_in_both(files: &[Rc<AwsFile>; 2], sections: impl Fn(&AwsFile) -> Vec<Section>) -> Vec<NearSection> {
    files.iter().flat_map(|file| near_in(file, sections(file))).collect()
}

impl Profile {
    /// The sections that were probably meant for it, and that no SDK reads.
    pub fn near(&self) -> &[NearSection] {
        self.near.get_or_init(|| near_in_both(&self.files, |file| file.sections_near(&self.name)))
    }
}

impl AwsFiles {
    /// Returns the sections that nearly name a profile.
    pub fn near(&self, name: &str) -> Vec<NearSection> {
        near_in_both(&self.both(), |file| file.sections_near(name))
    }

    /// Returns every section that nearly names a profile.
    pub fn all_near(&self) -> Vec<NearSection> {
        near_in_both(&self.both(), AwsFile::all_sections_near)
    }

    /// Returns where and why a profile is not found, if it is nearly there or a file cannot be read as text.
    pub fn why_not_found(&self, name: &str) -> Option<(Place, String)> {
        let near = self.near(name).into_iter().next();
        let near = near.map(|near| (near.place.clone(), format!("{}: {}", near.problem(), near.advice())));
        let not_text = || {
            let (place, what) = self.both().iter().find_map(|file| file.not_text())?;
            Some((place, format!("this file is {what}, which AWS tools cannot read: save it as UTF-8")))
        };
        near.or_else(not_text)
    }
}

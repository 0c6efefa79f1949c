//! Gives every profile with the old key the new one.

use crate::aws_files::edit::Edit;
use crate::aws_files::file::FileKind;
use crate::change::preview::Preview;
use crate::change::{Act, Change};
use crate::cmd::changing::make_confirmed;
use crate::cmd::context::Context;
use crate::credentials::{AccessKey, AccessKeyId, STATIC_KEYS};
use crate::error::Result;
use crate::names::ProfileName;
use crate::ours::key_index::{IndexEdit, IndexEntry};
use crate::system::clock;
use crate::text::visible::visible;

/// Where a key is: sections of the two files, entries of the index.
pub struct Holders {
    files: Vec<(FileKind, String, String)>,
    index: Vec<ProfileName>,
}

impl Holders {
    pub fn of(context: &Context, id: &AccessKeyId) -> Self {
        let mut files = Vec::new();
        for kind in [FileKind::Credentials, FileKind::Config] {
            let file = context.files.of(kind);
            for name in file.profile_names() {
                let section = file.section(&name);
                let place = section.as_ref().and_then(|section| {
                    Some(&section.get(STATIC_KEYS[0]).filter(|found| found.value == id.as_str())?.place)
                });
                files.extend(place.map(|place| (kind, name.clone(), place.to_string())));
            }
        }
        Self { files, index: context.index.profiles_with(id).cloned().collect() }
    }

    /// Whether anything but this section has it.
    pub fn has_other_than(&self, section: &str) -> bool {
        !self.index.is_empty() || self.files.iter().any(|(_, name, _)| name != section)
    }

    /// The profiles that have it.
    pub fn profiles(&self) -> impl Iterator<Item = ProfileName> {
        let files = self.files.iter().filter_map(|(_, name, _)| ProfileName::parse(name).ok());
        files.chain(self.index.iter().cloned())
    }

    /// Each of them, for people: `~/.aws/credentials:2 [work]`.
    pub fn lines(&self, keyring: &str) -> Vec<String> {
        let files = self.files.iter().map(|(_, name, place)| format!("{place} [{}]", visible(name)));
        let index = self.index.iter().map(|name| format!("{keyring}, for profile '{}'", visible(name.as_str())));
        files.chain(index).collect()
    }

    /// Writes the new key in each place. Each write is whole by itself, so that a later run can do the rest.
    pub fn switch(&self, context: &Context, from: &AccessKeyId, to: &AccessKey, keyring: &str) -> Result<()> {
        self.changes(context, from, to, keyring).into_iter().try_for_each(|change| {
            let preview = context.preview(&change)?;
            make_confirmed(context, &change, &preview)
        })
    }

    /// What commands will read once that is done.
    pub fn after(&self, context: &Context, from: &AccessKeyId, to: &AccessKey, keyring: &str) -> Result<Context> {
        let mut whole = Change::new(TITLE);
        self.changes(context, from, to, keyring).into_iter().for_each(|change| whole.acts.extend(change.acts));
        let Preview { files, index, .. } = context.preview(&whole)?;
        Ok(Context::load(&context.env)?.reading(files, index))
    }

    fn changes(&self, context: &Context, from: &AccessKeyId, to: &AccessKey, keyring: &str) -> Vec<Change> {
        let swap = |name: &String| Edit::SwapKey { profile: name.clone(), from: from.clone(), to: to.clone() };
        let of_file = |kind: FileKind| {
            let names = self.files.iter().filter(|(of, ..)| *of == kind).map(|(_, name, _)| name);
            let edits: Vec<_> = names.map(swap).collect();
            if edits.is_empty() { Vec::new() } else { vec![Act::EditFile { kind, edits, holds: Vec::new() }] }
        };
        let set = |profile: &ProfileName| {
            let account = context.index.get(profile).and_then(|entry| entry.account.clone());
            let entry =
                IndexEntry { account, added: Some(clock::now()), created_here: true, ..IndexEntry::of(to.id.clone()) };
            Act::EditIndex(IndexEdit::Set { profile: profile.clone(), entry, store: keyring.into() })
        };
        let acts = [of_file(FileKind::Credentials), of_file(FileKind::Config), self.index.iter().map(set).collect()];
        let with = |acts: Vec<Act>| Change { acts, ..Change::new(TITLE) };
        acts.into_iter().filter(|acts| !acts.is_empty()).map(with).collect()
    }
}

const TITLE: &str = "key rotate";

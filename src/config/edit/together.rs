//! Several edits of one file, made together and verified once.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{Edited, must_be_a_safe_name, must_be_writable, pair};
use crate::config::file::AwsFile;
use crate::config::grammar;
use crate::config::hunk::Replacement;
use crate::config::section::{Part, Section, Setting, Span};
use crate::credentials::AccessKey;
use crate::error::{Failure, Kind as FailureKind, Result};
use crate::text::visible::visible;

/// What hides a standard key from SDKs (product.md 2).
pub const PREFIX: &str = "twolock_";

/// One of several edits.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Adds a profile at the end of the file.
    Add {
        /// Its name.
        profile: String,
        /// Its keys and values.
        settings: Vec<(String, String)>,
    },
    /// Writes both halves of an access key: the one edit that puts a secret into a file. Another key is never overwritten.
    PutKey {
        /// The profile, added if it is not there.
        profile: String,
        /// The key.
        key: AccessKey,
    },
    /// Removes a profile's headers and keys.
    Remove {
        /// Its name.
        profile: String,
    },
    /// Sets a key of a profile that is there.
    Set {
        /// The profile.
        profile: String,
        /// The key, in lower case.
        key: String,
        /// Its new value.
        value: String,
    },
    /// Takes a key out, wherever the section names it.
    Unset {
        /// The profile.
        profile: String,
        /// The key, in lower case.
        key: String,
    },
    /// Takes keys out, and the section with them where it holds nothing else, not even a comment.
    TakeOut {
        /// The profile.
        profile: String,
        /// The keys, in lower case.
        keys: &'static [&'static str],
    },
    /// Puts [`PREFIX`] before a key, in place.
    Hide {
        /// The profile.
        profile: String,
        /// The standard key, in lower case.
        key: String,
    },
    /// Takes [`PREFIX`] away from a key, in place.
    Show {
        /// The profile.
        profile: String,
        /// The standard key, in lower case.
        key: String,
    },
}

impl Edit {
    fn profile(&self) -> &str {
        match self {
            Edit::Add { profile, .. }
            | Edit::PutKey { profile, .. }
            | Edit::Remove { profile }
            | Edit::Set { profile, .. }
            | Edit::Unset { profile, .. }
            | Edit::TakeOut { profile, .. }
            | Edit::Hide { profile, .. }
            | Edit::Show { profile, .. } => profile,
        }
    }
}

impl AwsFile {
    /// Makes all these edits or none; what they say of a profile that is not in this file changes nothing.
    pub fn together(&self, edits: &[Edit]) -> Result<Edited> {
        if self.lacks_its_last_end() {
            return self.with_its_last_end().together(edits).map(|edited| self.without_it_again(edited));
        }
        let (mut changes, mut notes) = (Vec::new(), Vec::new());
        // With the index made, each profile is found without a search.
        self.profile_names();
        for edit in edits {
            let of_profile = |failure: Failure| failure.of_profile(visible(edit.profile()));
            let made = self.changes_of(edit, changes.is_empty(), &mut notes).map_err(of_profile)?;
            changes.extend(made);
        }
        changes.sort_by_key(|change| change.span.start);
        let mut about: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
        edits.iter().for_each(|edit| about.entry(edit.profile()).or_default().push(edit));
        let touched: Vec<&str> = about.keys().copied().collect();
        self.edited(changes, notes, &touched, |new| {
            about.iter().all(|(name, edits)| {
                let goes = |keys: &[&str]| self.section(name).is_some_and(|there| self.holds_only(&there, keys));
                sorted(new.section(name).map(said)) == sorted(expected(self.section(name), edits, goes))
            })
        })
    }

    fn changes_of(&self, edit: &Edit, is_first: bool, notes: &mut Vec<String>) -> Result<Vec<Replacement>> {
        let section = self.section(edit.profile());
        Ok(match (edit, &section) {
            (Edit::Add { profile, settings }, None) => {
                let settings: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
                vec![self.new_section(profile, &settings, is_first)?]
            }
            (Edit::PutKey { profile, key }, None) => vec![self.new_section(profile, &halves(key), is_first)?],
            (Edit::PutKey { key, .. }, Some(there)) => {
                must_hold_no_other(there, key)?;
                let halves = halves(key).into_iter();
                halves.map(|(key, value)| self.set_in(there, key, value, notes)).collect::<Result<_>>()?
            }
            (Edit::Add { .. }, Some(there)) => {
                let cause = format!("it is already there ({}:{})", self.shown(), there.header_line);
                return Err(Failure::new(FailureKind::Config, cause));
            }
            (_, None) => vec![],
            (Edit::Remove { .. }, Some(there)) => self.removal_of(there),
            (Edit::TakeOut { keys, .. }, Some(there)) if self.holds_only(there, keys) => self.removal_of(there),
            (Edit::TakeOut { keys, .. }, Some(there)) => {
                let all = keys.iter().flat_map(|key| named(there, key));
                all.map(|setting| Replacement::removal(setting.spans.lines.clone())).collect()
            }
            (Edit::Set { key, value, .. }, Some(there)) => vec![self.set_in(there, key, value, notes)?],
            (Edit::Unset { key, .. }, Some(there)) => {
                named(there, key).map(|setting| Replacement::removal(setting.spans.lines.clone())).collect()
            }
            (Edit::Hide { key, .. }, Some(there)) => {
                // With the capitals it was written in, so that showing it again gives the same bytes.
                let hidden = |span: &Span| [PREFIX.as_bytes(), &self.bytes()[span.clone()]].concat();
                let change = |span: &Span| Replacement { span: span.clone(), text: hidden(span) };
                named(there, key).map(|setting| change(&setting.spans.key)).collect()
            }
            (Edit::Show { key, .. }, Some(there)) => {
                let prefix = |s: &Setting| s.spans.key.start..s.spans.key.start + PREFIX.len();
                let hidden = format!("{PREFIX}{key}");
                named(there, &hidden).map(|setting| Replacement::removal(prefix(setting))).collect()
            }
        })
    }

    fn removal_of(&self, section: &Section) -> Vec<Replacement> {
        section.parts.iter().map(|part| Replacement::removal(self.with_a_blank_line(part))).collect()
    }

    /// Whether there is nothing between a section's headers and their last settings but these keys.
    fn holds_only(&self, section: &Section, keys: &[&str]) -> bool {
        let mut known: Vec<&Span> = section.settings.iter().map(|setting| &setting.spans.lines).collect();
        known.extend(section.parts.iter().map(|part| &part.header));
        known.sort_by_key(|lines| lines.start);
        let is_bare = |part: &Part| {
            let inside = known.iter().filter(|lines| (part.header.start..part.end).contains(&lines.start));
            let starts = inside.clone().map(|lines| lines.start).skip(1).chain([part.end]);
            let mut gaps = inside.map(|lines| lines.end).zip(starts);
            gaps.all(|(end, start)| self.bytes()[end..start].trim_ascii().is_empty())
        };
        section.settings.iter().all(|setting| keys.contains(&setting.key.as_str())) && section.parts.iter().all(is_bare)
    }

    pub(super) fn set_in(
        &self,
        section: &Section,
        key: &str,
        value: &str,
        notes: &mut Vec<String>,
    ) -> Result<Replacement> {
        must_be_writable(key, value)?;
        Ok(match section.get(key) {
            Some(old) => {
                notes.extend(self.notes_on(section, old));
                self.in_place(old, value)
            }
            None => self.new_line(section, &format!("{key} = {value}")),
        })
    }

    fn new_section(&self, profile: &str, settings: &[(&str, &str)], is_first: bool) -> Result<Replacement> {
        must_be_a_safe_name(profile)?;
        settings.iter().try_for_each(|(key, value)| must_be_writable(key, value))?;
        let end = self.line_ending();
        let is_empty = self.bytes().len() == grammar::text_start(self.bytes());
        let mut text = String::from(if is_empty && is_first { "" } else { end });
        text += &self.header_of(profile);
        settings.iter().for_each(|(key, value)| text += &format!("{end}{key} = {value}"));
        Ok(Replacement { span: self.end()..self.end(), text: self.as_lines(self.end(), &text).into_bytes() })
    }

    fn with_its_last_end(&self) -> Self {
        let bytes = [self.bytes(), self.line_ending().as_bytes()].concat();
        Self::from_bytes(self.kind, self.shown().into(), bytes)
    }

    fn without_it_again(&self, mut edited: Edited) -> Edited {
        if edited.hunks.is_empty() {
            edited.bytes = self.bytes().to_vec();
        } else if edited.bytes.ends_with(self.line_ending().as_bytes()) {
            edited.bytes.truncate(edited.bytes.len() - self.line_ending().len());
        }
        edited
    }
}

fn halves(key: &AccessKey) -> [(&'static str, &str); 2] {
    [("aws_access_key_id", key.id.as_str()), ("aws_secret_access_key", key.secret.expose())]
}

/// Between a diff and its yes somebody may have put another key there, which is in no other place.
fn must_hold_no_other(section: &Section, key: &AccessKey) -> Result<()> {
    let other = halves(key).into_iter().find_map(|(half, value)| named(section, half).find(|s| s.value != value));
    other.map_or(Ok(()), |other| {
        let cause = format!("{} stands there with another value, which is not overwritten: run this again", other.key);
        Err(Failure::new(FailureKind::Busy, cause).at(&other.place))
    })
}

fn named<'a>(section: &'a Section, key: &'a str) -> impl Iterator<Item = &'a Setting> {
    section.settings.iter().filter(move |setting| setting.key == key)
}

/// Keys and values; wiped on drop, because some are secret.
type Said = Vec<(String, Zeroizing<String>)>;

fn said(section: Section) -> Said {
    section.settings.iter().map(pair).collect()
}

fn sorted(said: Option<Said>) -> Option<Said> {
    said.map(|mut said| {
        said.sort_by(|one, other| (&one.0, one.1.as_str()).cmp(&(&other.0, other.1.as_str())));
        said
    })
}

/// What a profile has to say after the edits about it, worked out without the file's bytes.
fn expected(before: Option<Section>, edits: &[&Edit], goes_without: impl Fn(&[&str]) -> bool) -> Option<Said> {
    let rename = |said: &mut Said, from: &str, to: &str| {
        said.iter_mut().filter(|(key, _)| key == from).for_each(|(key, _)| *key = to.to_string());
    };
    let set = |said: &mut Said, key: &str, value: &str| match said.iter_mut().rfind(|(known, _)| known == key) {
        Some((_, old)) => *old = Zeroizing::new(value.to_string()),
        None => said.push((key.into(), Zeroizing::new(value.to_string()))),
    };
    edits.iter().fold(before.map(said), |said, edit| {
        let mut said = match edit {
            Edit::Add { .. } | Edit::PutKey { .. } => said.unwrap_or_default(),
            _ => said?,
        };
        match edit {
            Edit::Add { settings, .. } => settings.iter().for_each(|(key, value)| set(&mut said, key, value)),
            Edit::PutKey { key, .. } => halves(key).iter().for_each(|(key, value)| set(&mut said, key, value)),
            Edit::Remove { .. } => return None,
            Edit::Set { key, value, .. } => set(&mut said, key, value),
            Edit::Unset { key, .. } => said.retain(|(known, _)| known != key),
            Edit::TakeOut { keys, .. } if goes_without(keys) => return None,
            Edit::TakeOut { keys, .. } => said.retain(|(known, _)| !keys.contains(&known.as_str())),
            Edit::Hide { key, .. } => rename(&mut said, key, &format!("{PREFIX}{key}")),
            Edit::Show { key, .. } => rename(&mut said, &format!("{PREFIX}{key}"), key),
        }
        Some(said)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::file::Kind;

    fn file(text: &str) -> AwsFile {
        AwsFile::from_bytes(Kind::Config, "~/.aws/config".into(), text.as_bytes().to_vec())
    }

    fn set(profile: &str, key: &str, value: &str) -> Edit {
        Edit::Set { profile: profile.into(), key: key.into(), value: value.into() }
    }

    fn unset(profile: &str, key: &str) -> Edit {
        Edit::Unset { profile: profile.into(), key: key.into() }
    }

    fn hide(profile: &str, key: &str) -> Edit {
        Edit::Hide { profile: profile.into(), key: key.into() }
    }

    fn show(profile: &str, key: &str) -> Edit {
        Edit::Show { profile: profile.into(), key: key.into() }
    }

    fn text(edited: Result<Edited>) -> String {
        String::from_utf8(edited.unwrap().bytes).unwrap()
    }

    /// Endings, indentation, capitals, comments, a missing last newline: hiding and showing again gives the same bytes.
    #[test]
    fn hidden_keys_and_a_new_line_are_taken_back_to_the_byte() {
        for before in [
            "[profile p]\nrole_arn = a\nsource_profile = b\n",
            "[profile p]\r\n# c\r\nRole_ARN=a # why\r\nsource_profile : b\r\n\r\n[profile q]\r\nrole_arn = x",
            "[profile p]\n  role_arn = a\n  source_profile = b",
            "[default]\nx = y\n\n[profile p]\nsource_profile=b\nregion = v\nrole_arn=a",
        ] {
            let there = file(before);
            let process = "/usr/local/bin/twolock credential-process --profile p";
            let edits = [hide("p", "role_arn"), hide("p", "source_profile"), set("p", "credential_process", process)];
            let edited = there.together(&edits).unwrap();
            let shown: Vec<&String> =
                edited.hunks.iter().flat_map(|hunk| hunk.removed.iter().chain(&hunk.added)).collect();
            assert_eq!(shown.len(), 5, "{shown:?}");
            let adopted = String::from_utf8(edited.bytes).unwrap();
            let section = file(&adopted).section("p").unwrap();
            for (key, value) in
                [("twolock_role_arn", "a"), ("twolock_source_profile", "b"), ("credential_process", process)]
            {
                assert_eq!(section.get(key).map(|s| s.value.as_str()), Some(value), "{adopted}");
            }
            assert!(section.get("role_arn").is_none() && section.get("source_profile").is_none(), "{adopted}");
            let back = [show("p", "role_arn"), show("p", "source_profile"), unset("p", "credential_process")];
            assert_eq!(text(file(&adopted).together(&back)), before);
        }
    }

    /// Lines of every kind, put together at random.
    fn any_file() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            &b"[profile p]"[..],
            b"[profile q]",
            b"[default]",
            b"[profile \"p\"] # c",
            b"role_arn = a",
            b"Role_Arn=a # c",
            b"source_profile: q",
            b"source_profile = q",
            b"region = v",
            b"s3 =",
            b"x = y",
            b"junk",
            b"# role_arn = c",
            b" ",
            b"\n",
            b"\n",
            b"\r\n",
            b"\n  ",
            b"\xEF\xBB\xBF",
            b"\xFF",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_stands_there_is_adopted_and_released_to_the_byte_or_refused(bytes in any_file()) {
            let file = |bytes: &[u8]| AwsFile::from_bytes(Kind::Config, "c".into(), bytes.to_vec());
            let process = "twolock credential-process --profile p";
            let there = [hide("p", "role_arn"), hide("p", "source_profile"), set("p", "credential_process", process)];
            let back = [show("p", "role_arn"), show("p", "source_profile"), unset("p", "credential_process")];
            if let Ok(edited) = file(&bytes).together(&there) {
                let adopted = file(&edited.bytes);
                let is_there = adopted.section("p").is_some_and(|section| section.get("credential_process").is_some());
                prop_assert_eq!(is_there, file(&bytes).section("p").is_some());
                prop_assert_eq!(adopted.together(&back).map(|edited| edited.bytes), Ok(bytes));
            }
        }
    }

    #[test]
    fn keys_at_the_very_end_go_and_a_line_comes_without_a_gap() {
        let before = "[profile p]\nmfa_serial = m\naws_access_key_id = k\naws_secret_access_key = s";
        let edits = [set("p", "x", "y"), unset("p", "aws_access_key_id"), unset("p", "aws_secret_access_key")];
        assert_eq!(text(file(before).together(&edits)), "[profile p]\nmfa_serial = m\nx = y");
    }

    #[test]
    fn profiles_come_and_go_together() {
        let add = |name: &str| Edit::Add { profile: name.into(), settings: vec![("region".into(), "v".into())] };
        let made = text(file("").together(&[add("a"), add("default")]));
        assert_eq!(made, "[profile a]\nregion = v\n\n[default]\nregion = v\n");
        let remove = Edit::Remove { profile: "a".into() };
        assert_eq!(
            text(file(&made).together(&[remove.clone(), add("b")])),
            "[default]\nregion = v\n\n[profile b]\nregion = v\n"
        );
        assert_eq!(text(file(&made).together(&[remove, set("default", "region", "w")])), "[default]\nregion = w\n");
    }

    #[test]
    fn a_key_is_put_into_a_section_or_into_a_new_one_and_is_not_shown() {
        let id = crate::credentials::AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap();
        let key = AccessKey { id, secret: crate::secret::Secret::new("hu/sh+==".into()) };
        let put = [Edit::PutKey { profile: "p".into(), key }];
        let both = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = hu/sh+==\n";
        let credentials = |text: &str| AwsFile::from_bytes(Kind::Credentials, "c".into(), text.into());
        for (before, after) in [
            ("", format!("[p]\n{both}")),
            ("[q]\nx = y\n", format!("[q]\nx = y\n\n[p]\n{both}")),
            ("[p]\nregion = v\n", format!("[p]\nregion = v\n{both}")),
            ("[p]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n", format!("[p]\n{both}")),
        ] {
            let edited = credentials(before).together(&put).unwrap();
            assert_eq!(String::from_utf8(edited.bytes).unwrap(), after);
            assert!(!format!("{:?} {put:?}", edited.hunks).contains("hu/sh"), "{:?}", edited.hunks);
        }
    }

    #[test]
    fn another_key_that_came_meanwhile_is_not_overwritten() {
        let id = crate::credentials::AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap();
        let key = AccessKey { id, secret: crate::secret::Secret::new("hush".into()) };
        let put = [Edit::PutKey { profile: "p".into(), key }];
        for half in ["aws_access_key_id = AKIAOTHEROTHEROTHER1", "aws_secret_access_key = other"] {
            let there = AwsFile::from_bytes(Kind::Credentials, "c".into(), format!("[p]\n{half}\n").into());
            let failure = there.together(&put).err().unwrap();
            assert!(failure.cause.contains("is not overwritten") && !failure.cause.contains("hush"), "{failure}");
        }
    }

    #[test]
    fn a_section_goes_with_its_keys_only_where_nothing_else_is_in_it() {
        let take = [Edit::TakeOut { profile: "p".into(), keys: &["a", "b"] }];
        for (before, after) in [
            ("[profile p]\na = 1\n\nb = 2\n", ""),
            ("# c\n[profile p] # d\na = 1\n  x\n# e\n", "# c\n# e\n"),
            ("[profile p]\n# a = 0\na = 1\n", "[profile p]\n# a = 0\n"),
            ("[profile p]\na = 1\n; c\nb = 2", "[profile p]\n; c"),
            ("[profile p]\na = 1\nregion = v\nb = 2\n", "[profile p]\nregion = v\n"),
            ("[profile p]\nb = 2\n[profile q]\nx = y\n[profile p]\na = 1\n", "[profile q]\nx = y\n"),
        ] {
            assert_eq!(text(file(before).together(&take)), after, "{before}");
        }
    }

    #[test]
    fn one_refused_edit_refuses_all() {
        let there = file("[profile p]\nregion = v\n");
        for (edit, part) in [
            (set("p", "region", "a\u{7}"), "control character"),
            (Edit::Add { profile: "p".into(), settings: vec![] }, "already there (~/.aws/config:1)"),
            (Edit::Add { profile: "a b".into(), settings: vec![] }, "not read by every SDK"),
        ] {
            let failure = there.together(&[set("p", "output", "json"), edit]).err().unwrap();
            assert!(failure.cause.contains(part), "{failure}");
        }
    }

    #[test]
    fn edits_of_what_is_not_there_change_nothing() {
        for before in ["[profile p]\nregion = v", "", "[profile p]\nregion = v\n"] {
            let edited = file(before).together(&[unset("q", "x"), unset("p", "x"), hide("p", "role_arn")]).unwrap();
            assert_eq!((edited.bytes, edited.hunks.len()), (before.as_bytes().to_vec(), 0));
        }
    }
}

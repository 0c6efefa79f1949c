use proptest::prelude::*;

use super::*;
use crate::aws_files::file::FileKind;

mod several;

fn config(text: impl AsRef<[u8]>) -> AwsFile {
    AwsFile::from_bytes(FileKind::Config, "~/.aws/config".into(), text.as_ref().to_vec())
}

fn credentials(text: &str) -> AwsFile {
    AwsFile::from_bytes(FileKind::Credentials, "~/.aws/credentials".into(), text.into())
}

fn text(edited: Result<Edited>) -> String {
    String::from_utf8(edited.unwrap().bytes).unwrap()
}

/// One edit by its name, for tables.
trait Edits {
    fn set(&self, profile: &str, key: &str, value: &str) -> Result<Edited>;
    fn unset(&self, profile: &str, key: &str) -> Result<Edited>;
    fn add(&self, profile: &str, settings: &[(&str, &str)]) -> Result<Edited>;
    fn remove(&self, profile: &str) -> Result<Edited>;
    fn rename_to(&self, profile: &str, to: &str) -> Result<Edited>;
}

impl Edits for AwsFile {
    fn set(&self, profile: &str, key: &str, value: &str) -> Result<Edited> {
        self.with_edits(&[Edit::Set { profile: profile.into(), key: key.to_ascii_lowercase(), value: value.into() }])
    }

    fn unset(&self, profile: &str, key: &str) -> Result<Edited> {
        self.with_edits(&[Edit::Unset { profile: profile.into(), key: key.into() }])
    }

    fn add(&self, profile: &str, settings: &[(&str, &str)]) -> Result<Edited> {
        let settings = settings.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        self.with_edits(&[Edit::Add { profile: profile.into(), settings }])
    }

    fn remove(&self, profile: &str) -> Result<Edited> {
        self.with_edits(&[Edit::Remove { profile: profile.into() }])
    }

    fn rename_to(&self, profile: &str, to: &str) -> Result<Edited> {
        self.with_edits(&[Edit::Rename { profile: profile.into(), to: to.into() }])
    }
}

fn refused(edited: Result<Edited>) -> String {
    edited.err().expect("refused").cause
}

#[test]
fn a_key_is_set_in_place_or_below_the_last_line() {
    for (old, new) in [
        ("[profile p]\nregion = a\nx = 1\n", "[profile p]\nregion = v\nx = 1\n"),
        ("[profile p]\n  Region=a\n", "[profile p]\n  Region=v\n"),
        ("[profile p]\r\nregion =\ta  \r\n", "[profile p]\r\nregion =\tv  \r\n"),
        ("[profile p]\nregion = a # mine\n", "[profile p]\nregion = v # mine\n"),
        ("[profile p]\nregion =\n", "[profile p]\nregion = v\n"),
        ("[profile p]\nregion = # c\n", "[profile p]\nregion = v # c\n"),
        ("[profile p]\nx = 1\n\n# of q\n[profile q]\n", "[profile p]\nx = 1\nregion = v\n\n# of q\n[profile q]\n"),
        ("[profile p]\nx = 1", "[profile p]\nx = 1\nregion = v"),
        ("[profile p]\r\nx = 1\r\n", "[profile p]\r\nx = 1\r\nregion = v\r\n"),
        ("[profile p]\ns3 =\n  a = b\n\n", "[profile p]\ns3 =\n  a = b\nregion = v\n\n"),
        ("[profile p]\nx = 1\n  # c\n", "[profile p]\nx = 1\n  # c\nregion = v\n"),
        ("\u{FEFF}[profile p]\n", "\u{FEFF}[profile p]\nregion = v\n"),
        ("", "[profile p]\nregion = v\n"),
        ("[profile q]\n", "[profile q]\n\n[profile p]\nregion = v\n"),
        ("# c", "# c\n\n[profile p]\nregion = v"),
        ("[profile p]\nregion = a\nregion = b\n", "[profile p]\nregion = a\nregion = v\n"),
        ("[profile p]\nregion = v\n", "[profile p]\nregion = v\n"),
    ] {
        assert_eq!(text(config(old).set("p", "region", "v")), new, "{old:?}");
    }
    assert_eq!(text(config("[default]\n").set("default", "Region", "v")), "[default]\nregion = v\n");
    assert_eq!(text(config("").add("default", &[])), "[default]\n");
    assert_eq!(text(credentials("").add("p", &[("a", "b")])), "[p]\na = b\n");
}

#[test]
fn what_others_would_read_differently_is_refused() {
    let file = || config("[profile p]\ns3 =\n  a = b\n");
    for (key, value, why) in [
        ("region", "a\nb", "control character"),
        ("region", "a\rb", "control character"),
        ("region", "a\0b", "control character"),
        ("region", "", "cannot be empty"),
        ("region", " a", "read back differently"),
        ("region", "a\u{A0}", "read back differently"),
        ("region", "a # b", "read back differently"),
        ("region", "a ;b", "read back differently"),
        ("region", "#a", "read back differently"),
        ("region", "\"a\"", "a quoted value"),
        ("region", "'a'", "a quoted value"),
        ("s3.a", "b", "inside a block"),
        ("a b", "c", "is not a valid key"),
        ("a:b", "c", "is not a valid key"),
        ("", "c", "is not a valid key"),
        ("[x]", "c", "is not a valid key"),
        ("s3", "c", "block of several lines"),
    ] {
        let cause = refused(file().set("p", key, value));
        assert!(cause.contains(why), "{key} = {value:?}: {cause}");
    }
    for name in ["a b", "ü", "a!b", "a]b", "", "a\nb"] {
        assert!(config("").add(name, &[]).is_err(), "{name:?}");
        assert!(config("[profile p]\n").rename_to("p", name).is_err(), "{name:?}");
    }
    assert!(refused(file().add("p", &[])).contains("already exists (~/.aws/config:1)"));
}

#[test]
fn an_edit_that_uncovers_or_spoils_something_is_refused() {
    let cause = refused(config("[profile p]\nregion = a\n  # c\n").unset("p", "region"));
    assert!(cause.contains("an indented comment below a header"), "{cause}");
    let cause = refused(config("[profile default]\na = b\n[default]\nc = d\n").remove("default"));
    assert!(cause.contains("would not read back"), "{cause}");
}

#[test]
fn duplicates_are_noted() {
    let file = config("[profile p]\nregion = a\n[profile p]\nregion = b # c\n");
    let edited = file.set("p", "region", "v").unwrap();
    assert_eq!(edited.bytes, b"[profile p]\nregion = a\n[profile p]\nregion = v # c\n");
    assert_eq!(
        edited.notes,
        [
            "region is set 2 times; the last one counts and is changed (line 4)",
            "the comment after region is kept, and the AWS CLI reads it as part of the value",
        ]
    );
    let edited = file.unset("p", "region").unwrap();
    assert_eq!(edited.bytes, b"[profile p]\n[profile p]\n");
    assert_eq!(edited.notes, ["region is set 2 times in ~/.aws/config; all of them are removed"]);
    assert_eq!(file.remove("p").unwrap().bytes, b"");
}

#[test]
fn a_removed_profile_takes_its_block_and_one_blank_line() {
    for (old, new) in [
        ("[profile p]\na = b\n\n[profile q]\n", "[profile q]\n"),
        ("[profile q]\n\n[profile p]\na = b\n\n[profile r]\n", "[profile q]\n\n[profile r]\n"),
        ("[profile q]\n\n[profile p]\ns3 =\n  a = b", "[profile q]"),
        ("[profile q]\n[profile p]\na = b\n# mine\n", "[profile q]\n# mine\n"),
        ("[profile q]\n", "[profile q]\n"),
    ] {
        assert_eq!(text(config(old).remove("p")), new, "{old:?}");
    }
}

#[test]
fn a_renamed_profile_is_renamed_wherever_it_is_named() {
    let old = "[profile p] # mine\nmfa_serial = x\n[profile r]\nsource_profile = p\nrole_arn = p\n[profile t]\n\
               twolock_source_profile=p ; c\ncredential_process = /a/twolock credential-process --profile p\n\
               [profile u]\ncredential_process = /a/other credential-process --profile p\nsource_profile = pp\n";
    let new = "[profile n] # mine\nmfa_serial = x\n[profile r]\nsource_profile = n\nrole_arn = p\n[profile t]\n\
               twolock_source_profile=n ; c\ncredential_process = /a/twolock credential-process --profile n\n\
               [profile u]\ncredential_process = /a/other credential-process --profile p\nsource_profile = pp\n";
    assert_eq!(text(config(old).rename_to("p", "n")), new);
    assert_eq!(text(config(new).rename_to("n", "p")), old);
    for (old, name, new_name, new) in [
        ("[profile \"p\"]\n", "p", "n", "[profile n]\n"),
        ("[profile\tp]\n", "p", "n", "[profile\tn]\n"),
        ("[default]\na = b\n", "default", "n", "[profile n]\na = b\n"),
        ("[profile p]\na = b\n", "p", "default", "[default]\na = b\n"),
        ("[profile profile]\n", "profile", "n", "[profile n]\n"),
    ] {
        assert_eq!(text(config(old).rename_to(name, new_name)), new, "{old:?}");
    }
    assert_eq!(text(credentials("[p]\na = b\n").rename_to("p", "profile-x")), "[profile-x]\na = b\n");
    let served = config("[profile p]\ncredential_process = twolock credential-process p\n");
    assert!(refused(served.rename_to("p", "a%b")).contains("cannot be used in a credential_process"));
}

#[test]
fn the_shown_lines_hold_no_secret() {
    let file = credentials(
        "[p]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = hush\n  hush\n# aws_session_token: hush\nx = 1\n",
    );
    let hunks = format!("{:?}", file.remove("p").unwrap().hunks);
    assert!(
        !hunks.contains("hush") && hunks.contains("aws_secret_access_key = ***") && hunks.contains("AKIA"),
        "{hunks}"
    );
    let hunk = &config("[profile p]\r\na = b\r\n").set("p", "a", "c").unwrap().hunks[0];
    assert_eq!(
        (hunk.below.as_deref(), &hunk.removed[..], &hunk.added[..]),
        (Some("[profile p]"), &["a = b".into()][..], &["a = c".into()][..])
    );
}

/// Files of plain and odd lines; what is edited is profile `p`.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec![
        "[profile p]",
        "[profile q]",
        "[default]",
        "[profile \"p\"] # c",
        "[services s]",
        "region = a",
        "Region=b # c",
        "output = json",
        "s3 =\n  a = b",
        "  x = 1",
        "# c",
        "  # c",
        "",
        "  ",
        "junk",
        "source_profile = p",
        "key: v",
        "credential_process = /usr/bin/twolock credential-process --profile p",
    ]);
    let lines = prop::collection::vec(line, 0..14);
    (lines, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(lines, crlf, bom, last, raw)| {
        let mut text = lines.join("\n");
        if last && !text.is_empty() {
            text += "\n";
        }
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let mut bytes = if bom { b"\xEF\xBB\xBF".to_vec() } else { Vec::new() };
        bytes.extend_from_slice(text.as_bytes());
        if raw && !bytes.is_empty() {
            let at = bytes.len() - 1;
            bytes.splice(at..at, *b"\n# \xFF\0\n");
        }
        bytes
    })
}

/// Every section but that of `name`, as bytes.
fn others(file: &AwsFile, name: &str) -> Vec<Vec<u8>> {
    let names = file.profile_names().into_iter().filter(|other| other != name);
    let parts = names.filter_map(|name| file.section(&name)).flat_map(|section| section.parts.clone());
    parts.map(|part| file.bytes()[part.header.start..part.end].trim_ascii_end().to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn set_and_its_reverse_leave_the_same_bytes(bytes in any_file(), value in "[a-z][a-z0-9:/ -]{0,8}[a-z]") {
        let file = config(bytes.clone());
        let before = file.section("p");
        let Ok(edited) = file.set("p", "region", &value) else { return Ok(()) };
        let new = config(edited.bytes);
        let section = new.section("p").unwrap();
        prop_assert_eq!(&section.get("region").unwrap().value, &value);
        prop_assert_eq!(others(&file, "p"), others(&new, "p"));
        let back = match before.as_ref().map(|section| section.get("region").map(|s| s.value.clone())) {
            None => new.remove("p"),
            Some(None) => new.unset("p", "region"),
            Some(Some(old)) if old.is_empty() => return Ok(()),
            Some(Some(old)) => new.set("p", "region", &old),
        };
        if let Ok(back) = back {
            prop_assert_eq!(back.bytes, bytes);
        }
    }

    #[test]
    fn rename_and_its_reverse_leave_the_same_bytes(bytes in any_file()) {
        let file = config(bytes.clone());
        if file.bytes().windows(4).any(|four| four == b"\"p\"]") || file.section("p").is_none() {
            return Ok(());
        }
        let renamed = config(file.rename_to("p", "new.name").unwrap().bytes);
        prop_assert!(renamed.section("p").is_none());
        prop_assert_eq!(renamed.rename_to("new.name", "p").unwrap().bytes, bytes);
    }

    #[test]
    fn remove_leaves_other_sections_as_they_are(bytes in any_file()) {
        let file = config(bytes);
        let Ok(edited) = file.remove("p") else { return Ok(()) };
        let new = config(edited.bytes);
        prop_assert!(new.section("p").is_none());
        prop_assert_eq!(others(&file, "p"), others(&new, "p"));
    }
}

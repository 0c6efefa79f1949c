//! Several edits made together.

use proptest::prelude::*;

use super::*;

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

/// Endings, indentation, capitals, comments, a missing last newline: hiding and showing again gives the same bytes.
#[test]
fn hidden_keys_and_a_new_line_are_taken_back_to_the_byte() {
    for before in [
        "[profile p]\nrole_arn = a\nsource_profile = b\n",
        "[profile p]\r\n# c\r\nRole_ARN=a # why\r\nsource_profile : b\r\n\r\n[profile q]\r\nrole_arn = x",
        "[profile p]\n  role_arn = a\n  source_profile = b",
        "[default]\nx = y\n\n[profile p]\nsource_profile=b\nregion = v\nrole_arn=a",
    ] {
        let there = config(before);
        let process = "/usr/local/bin/twolock credential-process --profile p";
        let edits = [hide("p", "role_arn"), hide("p", "source_profile"), set("p", "credential_process", process)];
        let edited = there.with_edits(&edits).unwrap();
        let shown: Vec<&String> = edited.hunks.iter().flat_map(|hunk| hunk.removed.iter().chain(&hunk.added)).collect();
        assert_eq!(shown.len(), 5, "{shown:?}");
        let adopted = String::from_utf8(edited.bytes).unwrap();
        let section = config(&adopted).section("p").unwrap();
        for (key, value) in
            [("twolock_role_arn", "a"), ("twolock_source_profile", "b"), ("credential_process", process)]
        {
            assert_eq!(section.get(key).map(|s| s.value.as_str()), Some(value), "{adopted}");
        }
        assert!(section.get("role_arn").is_none() && section.get("source_profile").is_none(), "{adopted}");
        let back = [show("p", "role_arn"), show("p", "source_profile"), unset("p", "credential_process")];
        assert_eq!(text(config(&adopted).with_edits(&back)), before);
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
    #![proptest_config(ProptestConfig { cases: 4_000, max_global_rejects: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_file_is_adopted_and_released_to_the_same_bytes_or_refused(bytes in any_file()) {
        let process = "twolock credential-process --profile p";
        let there = [hide("p", "role_arn"), hide("p", "source_profile"), set("p", "credential_process", process)];
        let back = [show("p", "role_arn"), show("p", "source_profile"), unset("p", "credential_process")];
        if let Ok(edited) = config(&bytes).with_edits(&there) {
            let adopted = config(&edited.bytes);
            let is_there = adopted.section("p").is_some_and(|section| section.get("credential_process").is_some());
            prop_assert!(is_there);
            // One that is not there is added, and a release keeps its section.
            prop_assume!(config(&bytes).section("p").is_some());
            prop_assert_eq!(adopted.with_edits(&back).map(|edited| edited.bytes), Ok(bytes));
        }
    }
}

#[test]
fn keys_at_the_very_end_go_and_a_line_comes_without_a_gap() {
    let before = "[profile p]\nmfa_serial = m\naws_access_key_id = k\naws_secret_access_key = s";
    let edits = [set("p", "x", "y"), unset("p", "aws_access_key_id"), unset("p", "aws_secret_access_key")];
    assert_eq!(text(config(before).with_edits(&edits)), "[profile p]\nmfa_serial = m\nx = y");
}

#[test]
fn profiles_come_and_go_together() {
    let add = |name: &str| Edit::Add { profile: name.into(), settings: vec![("region".into(), "v".into())] };
    let made = text(config("").with_edits(&[add("a"), add("default")]));
    assert_eq!(made, "[profile a]\nregion = v\n\n[default]\nregion = v\n");
    let remove = Edit::Remove { profile: "a".into() };
    assert_eq!(
        text(config(&made).with_edits(&[remove.clone(), add("b")])),
        "[default]\nregion = v\n\n[profile b]\nregion = v\n"
    );
    assert_eq!(text(config(&made).with_edits(&[remove, set("default", "region", "w")])), "[default]\nregion = w\n");
}

#[test]
fn a_key_is_put_into_a_section_or_into_a_new_one_and_is_not_shown() {
    let id = crate::credentials::AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap();
    let key = AccessKey { id, secret: crate::secret::Secret::new("hu/sh+==".into()) };
    let put = [Edit::PutKey { profile: "p".into(), key }];
    let both = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = hu/sh+==\n";
    let credentials = |text: &str| AwsFile::from_bytes(FileKind::Credentials, "c".into(), text.into());
    for (before, after) in [
        ("", format!("[p]\n{both}")),
        ("[q]\nx = y\n", format!("[q]\nx = y\n\n[p]\n{both}")),
        ("[p]\nregion = v\n", format!("[p]\nregion = v\n{both}")),
        ("[p]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n", format!("[p]\n{both}")),
    ] {
        let edited = credentials(before).with_edits(&put).unwrap();
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
        let there = AwsFile::from_bytes(FileKind::Credentials, "c".into(), format!("[p]\n{half}\n").into());
        let failure = there.with_edits(&put).err().unwrap();
        assert!(failure.cause.contains("is not overwritten") && !failure.cause.contains("hush"), "{failure}");
    }
}

#[test]
fn a_section_goes_with_its_keys_only_where_nothing_else_is_in_it() {
    let take = [Edit::TakeOut { profile: "p".into(), keys: vec!["a".into(), "b".into()] }];
    for (before, after) in [
        ("[profile p]\na = 1\n\nb = 2\n", ""),
        ("# c\n[profile p] # d\na = 1\n  x\n# e\n", "# c\n# e\n"),
        ("[profile p]\n# a = 0\na = 1\n", "[profile p]\n# a = 0\n"),
        ("[profile p]\na = 1\n; c\nb = 2", "[profile p]\n; c"),
        ("[profile p]\na = 1\nregion = v\nb = 2\n", "[profile p]\nregion = v\n"),
        ("[profile p]\nb = 2\n[profile q]\nx = y\n[profile p]\na = 1\n", "[profile q]\nx = y\n"),
    ] {
        assert_eq!(text(config(before).with_edits(&take)), after, "{before}");
    }
}

#[test]
fn one_refused_edit_refuses_all() {
    let there = config("[profile p]\nregion = v\n");
    for (edit, part) in [
        (set("p", "region", "a\u{7}"), "control character"),
        (Edit::Add { profile: "p".into(), settings: vec![] }, "already exists (~/.aws/config:1)"),
        (Edit::Add { profile: "a b".into(), settings: vec![] }, "not a name that every SDK can read"),
    ] {
        let failure = there.with_edits(&[set("p", "output", "json"), edit]).err().unwrap();
        assert!(failure.cause.contains(part), "{failure}");
    }
}

#[test]
fn edits_of_what_is_not_there_change_nothing() {
    for before in ["[profile p]\nregion = v", "", "[profile p]\nregion = v\n"] {
        let edited = config(before).with_edits(&[unset("q", "x"), unset("p", "x"), hide("p", "role_arn")]).unwrap();
        assert_eq!((edited.bytes, edited.hunks.len()), (before.as_bytes().to_vec(), 0));
    }
}

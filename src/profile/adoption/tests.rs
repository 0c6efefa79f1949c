use super::edits::{Edits, KeyHome};
use super::*;
use crate::aws_files::AwsFiles;
use crate::aws_files::file::{AwsFile, FileKind};
use crate::origin::FileChoice;
use crate::ours::key_index::KeyIndex;
use crate::profile::Surroundings;

const PROGRAM: &str = "/usr/bin/twolock";
/// Sources other than an access key.
const SOURCES: &str = "\
[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n\
[profile sso]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev\n\
[profile con]\nlogin_session = arn:aws:iam::123456789012:user/ana\n\
[profile tool]\ncredential_process = /usr/bin/vault print\n\
[profile web]\nrole_arn = arn:aws:iam::123456789012:role/Web\nweb_identity_token_file = /run/token\n";
const TEMPORARY: &str =
    "[keys]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = x\n";

fn files(config: &str) -> AwsFiles {
    let choice = FileChoice { path: "/nowhere".into(), variable: None, is_missing: false };
    let file = |kind, shown: &str, text: &str| AwsFile::from_bytes(kind, shown.into(), text.as_bytes().to_vec()).into();
    AwsFiles {
        config: file(FileKind::Config, "~/.aws/config", config),
        credentials: file(FileKind::Credentials, "~/.aws/credentials", TEMPORARY),
        config_choice: choice.clone(),
        credentials_choice: choice,
    }
}

/// What becomes of profile `p`, in a word, or why it stays as it is.
fn becomes_of(config: &str) -> String {
    let (files, index, surroundings) =
        (files(&format!("{config}{SOURCES}")), KeyIndex::default(), Surroundings::default());
    let sources = Sources { files: &files, index: &index, surroundings: &surroundings, suggests: false };
    match of_one(sources, &ProfileName::parse("p").unwrap(), true) {
        Ok(found) => match &found.made[0].becomes {
            Becomes::Key { .. } => "key".into(),
            Becomes::Role => "role".into(),
            Becomes::Served => "served".into(),
        },
        Err(failure) => failure.cause,
    }
}

#[test]
fn a_role_is_taken_on_whatever_source_and_what_is_lent_is_served() {
    for source in ["sso", "con", "tool", "web", "keys"] {
        let role = "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/Top\n";
        assert_eq!(becomes_of(&format!("{role}source_profile = {source}\n")), "role", "{source}");
        let mid = format!("[profile mid]\nrole_arn = arn:aws:iam::123456789012:role/Mid\nsource_profile = {source}\n");
        assert_eq!(becomes_of(&format!("{role}source_profile = mid\n{mid}")), "role", "above a role on {source}");
        let lent = becomes_of(&format!("[profile p]\ntwolock_source_profile = {source}\n"));
        match source {
            "keys" => assert!(lent.contains("cannot start a session"), "{lent}"),
            _ => assert_eq!(lent, "served", "{source}"),
        }
    }
}

#[test]
fn a_source_itself_stays_as_it_is() {
    let sso = "sso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev\n";
    for (settings, part) in [
        (sso, "makes this an SSO profile"),
        ("login_session = arn:aws:iam::123456789012:user/ana\n", "makes this a profile of 'aws login'"),
        ("credential_process = /usr/bin/vault print\n", "runs another program"),
        (
            "role_arn = arn:aws:iam::123456789012:role/Web\nweb_identity_token_file = /run/token\n",
            "makes this a web identity profile",
        ),
        ("role_arn = arn:aws:iam::123456789012:role/A\ncredential_source = EcsContainer\n", "is not supported"),
        (
            "role_arn = arn:aws:iam::123456789012:role/A\ncredential_source = Environment\n",
            "AWS_ACCESS_KEY_ID is not set",
        ),
        ("sso_session = gone\n", "there is no [sso-session gone]"),
        (
            "role_arn = arn:aws:iam::123456789012:role/A\nsource_profile = sso\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\n",
            "AWS accepts a code only with a long-term access key",
        ),
    ] {
        let why = becomes_of(&format!("[profile p]\n{settings}"));
        assert!(why.contains(part), "{settings}: {why}");
    }
}

#[test]
fn what_an_adopted_role_gets_is_the_same_although_the_lines_of_its_source_moved() {
    for source in ["sso", "con", "tool", "web", "keys"] {
        let role = "role_arn = arn:aws:iam::123456789012:role/Top\n";
        let before = files(&format!("[profile p]\n{role}source_profile = {source}\n{SOURCES}"));
        let hidden = format!(
            "twolock_{role}twolock_source_profile = {source}\ncredential_process = {}\n",
            edits::process_line(PROGRAM, &ProfileName::parse("p").unwrap())
        );
        let after = files(&format!("[profile p]\n{hidden}{SOURCES}"));
        let other =
            files(&format!("[profile p]\n{hidden}{}", SOURCES.replace("= Dev", "= Admin").replace("print", "other")));
        let (index, surroundings) = (KeyIndex::default(), Surroundings::default());
        let sources = |files| Sources { files, index: &index, surroundings: &surroundings, suggests: false };
        assert_eq!(compare(sources(&before), sources(&after)).unwrap(), [], "{source}");
        assert!(compare(sources(&before), sources(&other)).is_err(), "another role of SSO, another program");
    }
}

#[test]
fn the_edits_of_a_role_on_another_source_hide_both_settings_and_add_one_line() {
    let files =
        files(&format!("[profile p]\nrole_arn = arn:aws:iam::123456789012:role/Top\nsource_profile = sso\n{SOURCES}"));
    let adoption = Adoption { profile: ProfileName::parse("p").unwrap(), becomes: Becomes::Role };
    let edits = Edits::of(&files, &[adoption], PROGRAM, KeyHome::Keyring).unwrap();
    assert_eq!((edits.first.len(), edits.config.len(), edits.leaving.len()), (0, 3, 0), "{edits:?}");
}

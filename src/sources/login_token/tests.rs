//! Session files of `aws login` as the AWS CLI writes them, and as they should not be.

use std::fs;

use super::*;

const ARN: &str = "arn:aws:iam::123456789012:user/ana";
/// Its idToken is about `{"sub":"arn:aws:iam::123456789012:user/ana"}`.
const FULL: &str = r#"{
  "accessToken": {
    "accessKeyId": "ASIACANARYCANARY1234",
    "secretAccessKey": "canary/secret",
    "sessionToken": "canary/token==",
    "accountId": "123456789012",
    "expiresAt": "2031-01-31T12:34:56Z",
    "more": 1
  },
  "tokenType": "aws_sigv4",
  "refreshToken": "canary-refresh",
  "idToken": "e30.eyJzdWIiOiJhcm46YXdzOmlhbTo6MTIzNDU2Nzg5MDEyOnVzZXIvYW5hIn0.c2ln",
  "clientId": "arn:aws:signin:::devtools/same-device",
  "dpopKey": "-----BEGIN EC PRIVATE KEY-----\ncanary\n-----END EC PRIVATE KEY-----\n",
  "signInRegion": "eu-west-1",
  "ours": null
}"#;
const END: i64 = 1_927_629_296;

fn holding(text: &str) -> (tempfile::TempDir, LoginTokenFile) {
    let directory = tempfile::tempdir().unwrap();
    let file = LoginTokenFile::of(Path::new("/nowhere"), Some(directory.path()), ARN);
    fs::write(file.path(), text).unwrap();
    (directory, file)
}

fn renewed() -> (Session, Secret<String>) {
    let session = Session {
        access_key_id: AccessKeyId::parse("ASIANEWNEWNEWNEWNEW1").unwrap(),
        secret: Secret::new("new/secret".into()),
        token: Secret::new("new/token".into()),
        expires: Timestamp::from_unix(END + 900),
        account: AccountId::parse("123456789012"),
    };
    (session, Secret::new("new-refresh".into()))
}

#[test]
fn files_are_named_as_the_aws_cli_names_them() {
    let name = "b2b5a3795600f77a089fcfb9343ad775fd5212cd31b1bbdc2bb1397fd1b68abf.json";
    let home = Path::new("/home/ana");
    for (cache, arn, directory) in [
        (None, ARN.to_owned(), "/home/ana/.aws/login/cache"),
        (None, format!(" {ARN}\n"), "/home/ana/.aws/login/cache"),
        (Some(Path::new("/var/cache/login")), ARN.to_owned(), "/var/cache/login"),
    ] {
        assert_eq!(LoginTokenFile::of(home, cache, &arn).path(), Path::new(directory).join(name));
    }
}

#[test]
fn a_whole_session_is_read_and_not_shown() {
    let (_kept, file) = holding(FULL);
    let token = file.load().unwrap();
    let session = &token.session;
    assert_eq!(session.access_key_id.as_str(), "ASIACANARYCANARY1234");
    assert_eq!(
        (session.secret.expose().as_str(), session.token.expose().as_str()),
        ("canary/secret", "canary/token==")
    );
    assert_eq!((session.expires.unix(), session.account.clone()), (END, AccountId::parse("123456789012")));
    assert_eq!(
        (token.refresh_token.expose().as_str(), token.client_id.as_str()),
        ("canary-refresh", "arn:aws:signin:::devtools/same-device")
    );
    assert!(token.key.expose().starts_with("-----BEGIN EC PRIVATE KEY-----\ncanary\n"));
    assert_eq!(token.region, Region::parse("eu-west-1").ok());
    assert!(!format!("{token:?}").contains("canary"));
    let step = |now| token.step(Timestamp::from_unix(now));
    assert_eq!([step(END - 600), step(END - 60), step(END)], [Next::Use, Next::RenewOrUse, Next::Renew]);
}

#[test]
fn a_file_of_an_older_version_has_no_region() {
    let (_kept, file) = holding(&FULL.replace("signInRegion", "other"));
    assert_eq!(file.load().unwrap().region, None);
}

#[test]
fn a_damaged_file_is_told_and_not_shown() {
    for (text, what) in [
        (String::new(), "it is not a JSON object"),
        (FULL[1..].to_owned(), "it is not a JSON object"),
        (FULL.replace("accessToken", "other"), "accessToken is missing"),
        (FULL.replace("accessKeyId", "other"), "accessKeyId is missing"),
        (FULL.replace("ASIACANARYCANARY1234", "canary"), "accessKeyId is malformed"),
        (FULL.replace("canary/secret", ""), "secretAccessKey is missing"),
        (FULL.replace("canary/secret", "canary secret"), "secretAccessKey is malformed"),
        (FULL.replace("canary/token==", "$(canary)"), "sessionToken is malformed"),
        (FULL.replace("canary/token==", &"canary".repeat(3000)), "sessionToken is malformed"),
        (FULL.replace("2031-01-31T12:34:56Z", "canary"), "expiresAt is not a date"),
        (FULL.replace("\"123456789012\"", "\"canary\""), "accountId is not 12 digits"),
        (FULL.replace("refreshToken", "other"), "refreshToken is missing"),
        (FULL.replace("canary-refresh", "canary refresh"), "refreshToken is malformed"),
        (FULL.replace("clientId", "other"), "clientId is missing"),
        (FULL.replace("dpopKey", "other"), "dpopKey is missing"),
    ] {
        let (_kept, file) = holding(&text);
        assert_eq!(file.load().unwrap_err(), Problem::Damaged(what.into()), "{text:.60}");
    }
    let (_kept, file) = holding(FULL);
    fs::remove_file(file.path()).unwrap();
    assert_eq!((file.load().unwrap_err(), file.proof()), (Problem::Missing, None));
}

#[test]
fn a_renewed_session_is_kept_with_everything_else_in_the_file() {
    let (_kept, file) = holding(FULL);
    let before = file.proof().unwrap();
    let (session, refresh) = renewed();
    assert!(matches!(file.save(&file.load().unwrap(), &session, &refresh).unwrap(), Saved::Written));
    let written: serde_json::Value = serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap();
    let mut expected: serde_json::Value = serde_json::from_str(FULL).unwrap();
    for (name, value) in [
        ("accessKeyId", "ASIANEWNEWNEWNEWNEW1"),
        ("secretAccessKey", "new/secret"),
        ("sessionToken", "new/token"),
        ("expiresAt", "2031-01-31T12:49:56Z"),
    ] {
        expected["accessToken"][name] = value.into();
    }
    expected["refreshToken"] = "new-refresh".into();
    assert_eq!(written, expected);
    assert_eq!(file.proof(), Some(before), "a renewed sign-in is the same one");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn what_another_program_did_in_the_meantime_wins() {
    let (_kept, file) = holding(FULL);
    let loaded = file.load().unwrap();
    let (session, refresh) = renewed();
    fs::write(file.path(), FULL.replace("canary-refresh", "theirs")).unwrap();
    let Saved::Changed(Ok(theirs)) = file.save(&loaded, &session, &refresh).unwrap() else { panic!("written") };
    assert_eq!(theirs.refresh_token.expose(), "theirs");
    fs::remove_file(file.path()).unwrap();
    assert!(matches!(file.save(&loaded, &session, &refresh).unwrap(), Saved::Changed(Err(Problem::Missing))));
    assert!(!file.path().exists());
}

#[test]
fn the_proof_is_the_sign_in_and_not_its_tokens() {
    let proof = |text: &str| {
        let (_kept, file) = holding(text);
        file.proof()
    };
    let whole = proof(FULL).unwrap();
    for same in [
        FULL.replace("canary-refresh", "next"),
        FULL.replace("canary/secret", "next").replace("canary/token==", "next"),
        FULL.replace("2031-01-31T12:34:56Z", "2031-01-31T12:49:56Z"),
        FULL.replace("e30.", "e30K.").replace(".c2ln", ".b3RoZXI"),
    ] {
        assert_eq!(proof(&same), Some(whole), "{same:.200}");
    }
    for another in [
        FULL.replace("same-device", "cross-device"),
        FULL.replace("\"123456789012\"", "\"999999999999\""),
        FULL.replace("idToken", "other"),
        FULL.replace("\\ncanary\\n", "\\nother\\n"),
        FULL.replace("eyJzdWIiOiJhcm46", "eyJzdWIiOiJhcm46".to_ascii_uppercase().as_str()),
    ] {
        assert!(proof(&another).is_some_and(|proof| proof != whole), "{another:.200}");
    }
    for none in ["", "{}", &FULL.replace("refreshToken", "other"), &FULL.replace("clientId", "other")] {
        assert_eq!(proof(none), None);
    }
}

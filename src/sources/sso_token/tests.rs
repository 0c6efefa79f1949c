//! Token files as the AWS CLI and the SDKs write them, and as they should not be.

use std::fs;

use super::*;

const FULL: &str = r#"{
  "startUrl": "https://d-1234567890.awsapps.com/start",
  "region": "eu-west-1",
  "accessToken": "aoaAAAA-canary:token==",
  "expiresAt": "2031-01-31T12:34:56Z",
  "clientId": "client-1",
  "clientSecret": "canary.client.secret",
  "registrationExpiresAt": "2031-04-30T12:34:56Z",
  "refreshToken": "aorAAAA-canary:refresh==",
  "ours": {"kept": [1, "two", null]}
}"#;
const END: i64 = 1_927_629_296;

#[cfg_attr(not(unix), expect(dead_code, reason = "it is there to be dropped"))]
struct Home(tempfile::TempDir);

impl Home {
    fn holding(text: &str) -> (Self, SsoTokenFile) {
        let home = tempfile::tempdir().unwrap();
        let file = SsoTokenFile::of(home.path(), "corp");
        fs::create_dir_all(file.path().parent().unwrap()).unwrap();
        fs::write(file.path(), text).unwrap();
        (Self(home), file)
    }
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.into())
}

fn renewed(token: &Secret<String>) -> RenewedSso<'_> {
    RenewedSso { access_token: token, expires: Timestamp::from_unix(END + 3600), refresh_token: Some(token) }
}

#[test]
fn files_are_named_as_the_aws_cli_names_them() {
    for (sign_in, name) in [
        ("corp", "ee0bfd2552fbd840c02cc48b6e823320543c450f"),
        ("https://d-1234567890.awsapps.com/start", "7487b5b67d5fa1132cf33fa93ae51ef38cc37752"),
    ] {
        let expected = Path::new("/home/ana/.aws/sso/cache").join(format!("{name}.json"));
        assert_eq!(SsoTokenFile::of(Path::new("/home/ana"), sign_in).path(), expected);
    }
}

#[test]
fn a_whole_token_is_read_in_any_case_and_not_shown() {
    let upper = FULL
        .replace("accessToken", "AccessToken")
        .replace("expiresAt\"", "EXPIRESAT\"")
        .replace("clientId", "ClientID");
    for text in [FULL, &upper] {
        let (_home, file) = Home::holding(text);
        let token = file.load().unwrap();
        assert_eq!(token.access_token.expose(), "aoaAAAA-canary:token==");
        assert_eq!(token.expires, Timestamp::from_unix(END));
        assert_eq!(token.region, Region::parse("eu-west-1").ok());
        assert_eq!(token.start_url.as_deref(), Some("https://d-1234567890.awsapps.com/start"));
        let renewal = token.renewal.as_ref().unwrap();
        assert_eq!(
            (renewal.client_id.as_str(), renewal.client_secret.expose().as_str()),
            ("client-1", "canary.client.secret")
        );
        assert_eq!(renewal.refresh_token.expose(), "aorAAAA-canary:refresh==");
        assert!(!format!("{token:?}").contains("canary"));
    }
}

#[test]
fn the_form_of_version_1_of_the_aws_cli_is_read_and_not_renewed() {
    let old = r#"{"startUrl":"https://x.awsapps.com/start","region":"eu-west-1","accessToken":"t","expiresAt":"2031-01-31T12:34:56UTC"}"#;
    let (_home, file) = Home::holding(old);
    let token = file.load().unwrap();
    assert_eq!((token.expires, token.renewal.is_none()), (Timestamp::from_unix(END), true));
    let step = |now| token.step(Timestamp::from_unix(now));
    assert_eq!([step(END - 3600), step(END - 60), step(END)], [Next::Use, Next::Use, Next::SignIn]);
}

#[test]
fn a_token_is_renewed_as_long_as_its_client_is_registered() {
    for (text, step) in [
        (FULL.to_owned(), Next::Renew),
        (FULL.replace("2031-04-30", "2031-01-30"), Next::SignIn),
        (FULL.replace("2031-04-30", "someday"), Next::SignIn),
        (FULL.replace("refreshToken", "other"), Next::SignIn),
        (FULL.replace("clientSecret", "other"), Next::SignIn),
        (FULL.replace("client-1", ""), Next::SignIn),
    ] {
        let (_home, file) = Home::holding(&text);
        assert_eq!(file.load().unwrap().step(Timestamp::from_unix(END)), step, "{text}");
    }
}

#[test]
fn a_damaged_file_is_told_and_not_shown() {
    let no_object = || Problem::Damaged("it is not a JSON object".into());
    let damaged = |what: &str| Problem::Damaged(what.into());
    for (text, problem) in [
        ("", no_object()),
        ("[]", no_object()),
        ("\"canary\"", no_object()),
        (&FULL[..FULL.len() - 1], no_object()),
        (&format!("{FULL} canary"), no_object()),
        (&format!("\u{feff}{FULL}"), no_object()),
        (&"[".repeat(50_000), no_object()),
        ("{}", damaged("expiresAt is missing")),
        (&FULL.replace("accessToken", "token"), damaged("accessToken is missing")),
        (&FULL.replace("\"aoaAAAA-canary:token==\"", "5"), damaged("accessToken is missing")),
        (&FULL.replace("aoaAAAA-canary:token==", ""), damaged("accessToken is missing")),
        (&FULL.replace("aoaAAAA-canary:token==", "canary\\r\\nx: y"), damaged("accessToken is malformed")),
        (&FULL.replace("2031-01-31T12:34:56Z", "canary"), damaged("expiresAt is not a date")),
        (&FULL.replace("2031-01-31T12:34:56Z", "2031-01-31T12:34:56"), damaged("expiresAt is not a date")),
    ] {
        let (_home, file) = Home::holding(text);
        assert_eq!(file.load().unwrap_err(), problem, "{text:.80}");
    }
}

#[test]
fn what_is_no_file_is_told_and_does_not_hold_us_up() {
    let (home, file) = Home::holding(&" ".repeat(64 * 1024 + 1));
    assert_eq!(file.load().unwrap_err(), Problem::Unreadable("it is larger than 64 KiB".into()));
    fs::remove_file(file.path()).unwrap();
    assert_eq!((file.load().unwrap_err(), file.proof()), (Problem::Missing, None));
    fs::create_dir(file.path()).unwrap();
    assert_eq!(file.load().unwrap_err(), Problem::Unreadable("it is a directory".into()));
    #[cfg(unix)]
    {
        fs::remove_dir(file.path()).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(file.path()).status().unwrap().success());
        let why = "it is a pipe or device, not a file".to_owned();
        assert_eq!((file.load().unwrap_err(), file.proof()), (Problem::Unreadable(why), None));
    }
    drop(home);
}

#[test]
fn a_renewed_token_is_kept_with_everything_else_in_the_file() {
    let (_home, file) = Home::holding(&FULL.replace("accessToken", "AccessToken"));
    let loaded = file.load().unwrap();
    let before = file.proof().unwrap();
    assert!(matches!(file.save(&loaded, renewed(&secret("new-token"))).unwrap(), Saved::Written));
    let now = file.load().unwrap();
    assert_eq!((now.access_token.expose().as_str(), now.expires.unix()), ("new-token", END + 3600));
    assert_eq!(now.renewal.unwrap().refresh_token.expose(), "new-token");
    assert_ne!(file.proof().unwrap(), before);
    let written: serde_json::Value = serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap();
    let mut expected: serde_json::Value = serde_json::from_str(&FULL.replace("accessToken", "AccessToken")).unwrap();
    expected["AccessToken"] = "new-token".into();
    expected["refreshToken"] = "new-token".into();
    expected["expiresAt"] = "2031-01-31T13:34:56Z".into();
    assert_eq!(written, expected);
    assert_eq!(fs::read_dir(file.path().parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn an_old_refresh_token_stays_where_no_new_one_came() {
    let (_home, file) = Home::holding(FULL);
    let token = secret("new-token");
    let renewed = RenewedSso { refresh_token: None, ..renewed(&token) };
    file.save(&file.load().unwrap(), renewed).unwrap();
    assert_eq!(file.load().unwrap().renewal.unwrap().refresh_token.expose(), "aorAAAA-canary:refresh==");
}

#[test]
fn what_another_program_did_in_the_meantime_wins() {
    let (_home, file) = Home::holding(FULL);
    let loaded = file.load().unwrap();
    fs::write(file.path(), FULL.replace("aoaAAAA-canary:token==", "theirs")).unwrap();
    let Saved::Changed(Ok(theirs)) = file.save(&loaded, renewed(&secret("ours"))).unwrap() else { panic!("written") };
    assert_eq!(theirs.access_token.expose(), "theirs");
    assert_eq!(file.load().unwrap().access_token.expose(), "theirs");
    fs::remove_file(file.path()).unwrap();
    let saved = file.save(&loaded, renewed(&secret("ours"))).unwrap();
    assert!(matches!(saved, Saved::Changed(Err(Problem::Missing))), "signed out: {saved:?}");
    assert!(!file.path().exists());
}

#[cfg(unix)]
#[test]
fn a_symlink_stays_one() {
    let (home, file) = Home::holding(FULL);
    let real = home.0.path().join("real.json");
    fs::rename(file.path(), &real).unwrap();
    std::os::unix::fs::symlink(&real, file.path()).unwrap();
    file.save(&file.load().unwrap(), renewed(&secret("new-token"))).unwrap();
    assert!(fs::symlink_metadata(file.path()).unwrap().is_symlink());
    assert_eq!(file.load().unwrap().access_token.expose(), "new-token");
}

#[test]
fn the_proof_is_that_of_the_token_alone() {
    let (_home, file) = Home::holding(FULL);
    let whole = file.proof().unwrap();
    let of = |text: &str| {
        let (_home, file) = Home::holding(text);
        file.proof()
    };
    assert_eq!(of(&FULL.replace("2031-01-31T12:34:56Z", "2031-01-31T13:34:56Z")), Some(whole));
    assert_eq!(of(&FULL.replace("aorAAAA", "other")), Some(whole));
    assert_ne!(of(&FULL.replace("aoaAAAA", "other")).unwrap(), whole);
    for text in ["", "{}", "canary", &FULL.replace("aoaAAAA-canary:token==", "")] {
        assert_eq!(of(text), None, "{text:.40}");
    }
}

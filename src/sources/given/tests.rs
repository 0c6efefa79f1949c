use super::*;

const NOW: Timestamp = Timestamp::from_unix(1_927_627_200);
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const HALVES: &str =
    r#""AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY""#;

fn read(text: &str) -> Result<Credentials> {
    super::read(&Secret::new(text.as_bytes().to_vec()), NOW)
}

fn session(text: &str) -> Session {
    match read(text) {
        Ok(Credentials::Session(session)) => session,
        other => panic!("{text}: {other:?}"),
    }
}

fn key(text: &str) -> AccessKey {
    match read(text) {
        Ok(Credentials::Key(key)) => key,
        other => panic!("{text}: {other:?}"),
    }
}

/// The whole of a session but one field, which is JSON, or missing.
fn with(field: &str, value: &str) -> String {
    let usual = [
        ("Version", "1"),
        ("AccessKeyId", r#""ASIAIOSFODNN7EXAMPLE""#),
        ("SecretAccessKey", r#""wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY""#),
        ("SessionToken", r#""IQoJb3JpZ2luX2Vj""#),
        ("Expiration", r#""2031-01-31T13:00:00Z""#),
        ("AccountId", r#""123456789012""#),
    ];
    let pairs = usual.map(|(name, usual)| (name, if name == field { value } else { usual }));
    let pairs: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", pairs.join(","))
}

fn refused(text: &str, kind: Kind, cause: &str) {
    let failure = read(text).expect_err(text);
    assert_eq!((failure.kind, failure.cause.as_str()), (kind, cause), "{text}");
}

#[test]
fn a_session_is_read_with_every_field() {
    let session = session(&with("", ""));
    assert_eq!(session.access_key_id.as_str(), "ASIAIOSFODNN7EXAMPLE");
    assert_eq!((session.secret.expose().as_str(), session.token.expose().as_str()), (SECRET, "IQoJb3JpZ2luX2Vj"));
    assert_eq!(session.expires.to_string(), "2031-01-31T13:00:00Z");
    assert_eq!(session.account.unwrap().as_str(), "123456789012");
}

#[test]
fn without_a_token_it_is_a_long_term_key() {
    for token in ["", r#","SessionToken":null"#, r#","SessionToken":"""#] {
        for end in ["", r#","Expiration":"2031-01-31T13:00:00Z","AccountId":"123456789012""#] {
            let text = format!(
                r#"{{"Version":1,"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"{SECRET}"{token}{end}}}"#
            );
            let key = key(&text);
            assert_eq!((key.id.as_str(), key.secret.expose().as_str()), ("AKIAIOSFODNN7EXAMPLE", SECRET));
            let temporary = text.replace("AKIA", "ASIA");
            refused(&temporary, Kind::Config, "printed a temporary AccessKeyId without a SessionToken");
        }
    }
}

#[test]
fn every_form_of_an_end_that_an_sdk_takes_is_read() {
    for (text, end) in [
        ("2031-01-31T13:00:00Z", "2031-01-31T13:00:00Z"),
        ("2031-01-31T13:00:00.123Z", "2031-01-31T13:00:00Z"),
        ("2031-01-31T13:00:00.123456789Z", "2031-01-31T13:00:00Z"),
        ("2031-01-31T13:00:00+00:00", "2031-01-31T13:00:00Z"),
        ("2031-01-31T08:00:00-05:00", "2031-01-31T13:00:00Z"),
        ("2031-01-31T18:30:00.5+05:30", "2031-01-31T13:00:00Z"),
        ("2031-01-31T13:00:00+0000", "2031-01-31T13:00:00Z"),
        ("2031-01-31T08:00:00.999-0500", "2031-01-31T13:00:00Z"),
        ("2031-01-31 13:00:00Z", "2031-01-31T13:00:00Z"),
        ("2031-01-31 08:00:00-0500", "2031-01-31T13:00:00Z"),
        ("2031-01-31T12:00:01Z", "2031-01-31T12:00:01Z"),
        // 36 hours from now, and beyond
        ("2031-02-01T23:59:59Z", "2031-02-01T23:59:59Z"),
        ("2031-02-02T00:00:01Z", "2031-02-02T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "2031-02-02T00:00:00Z"),
    ] {
        assert_eq!(session(&with("Expiration", &format!("\"{text}\""))).expires.to_string(), end, "{text}");
    }
    for unknown in ["", "null", "\"\""] {
        let session = session(&with("Expiration", unknown));
        assert_eq!(session.expires.to_string(), "2031-01-31T12:15:00Z", "{unknown:?}");
    }
}

#[test]
fn an_end_that_could_be_misread_is_refused() {
    const LIKE: &str = "it must be like 2030-01-31T12:34:56Z";
    for (value, why) in [
        (r#""2031-01-31T13:00:00""#, "has no time zone"),
        (r#""2031-01-31 13:00:00.5""#, "has no time zone"),
        ("1927630800", "is a number"),
        ("1927630800.5", "is a number"),
        ("-1", "is a number"),
        ("1", "is a number"),
        (r#""1927630800""#, "is not a date"),
        (r#""2031-01-31""#, "is not a date"),
        (r#""2031-13-31T13:00:00Z""#, "is not a date"),
        (r#""2031-02-30T13:00:00Z""#, "is not a date"),
        (r#""2031-01-31T13:00:00 UTC""#, "is not a date"),
        (r#"" 2031-01-31T13:00:00Z""#, "is not a date"),
        (r#""2031-01-31\u00e913:00:00+00\u00e9""#, "is not a date"),
        (r#""\u00e9-0500""#, "is not a date"),
        (r#""+0000""#, "is not a date"),
        (r#""Fri, 31 Jan 2031 13:00:00 GMT""#, "is not a date"),
        ("true", "is not a date"),
        (r#"["2031-01-31T13:00:00Z"]"#, "is not a date"),
        (r#"{"at":"2031-01-31T13:00:00Z"}"#, "is not a date"),
    ] {
        refused(&with("Expiration", value), Kind::Config, &format!("printed JSON whose Expiration {why}: {LIKE}"));
    }
}

#[test]
fn expired_credentials_are_refused_with_their_end() {
    for (text, end) in [
        ("2031-01-31T12:00:00Z", "2031-01-31T12:00:00Z"),
        ("2031-01-31T12:00:00.999Z", "2031-01-31T12:00:00Z"),
        ("2031-01-31T13:00:00+05:00", "2031-01-31T08:00:00Z"),
        ("1999-01-31T13:00:00Z", "1999-01-31T13:00:00Z"),
    ] {
        let cause = format!("printed credentials that expired at {end}");
        refused(&with("Expiration", &format!("\"{text}\"")), Kind::Refused, &cause);
        refused(&with("Expiration", &format!("\"{text}\"")).replace("ASIA", "AKIA"), Kind::Refused, &cause);
    }
}

#[test]
fn the_version_is_the_number_one() {
    for version in ["1", "1.0", "1.00", "1e0"] {
        session(&with("Version", version));
    }
    for version in ["", "null", "\"1\"", "2", "0", "-1", "1.5", "true", "[1]", "{}", "18446744073709551617"] {
        refused(&with("Version", version), Kind::Config, "printed JSON without \"Version\": 1");
    }
}

#[test]
fn names_in_another_case_are_read_where_the_exact_ones_are_missing() {
    let lower = session(&with("", "").replace("Version", "version").replace("SessionToken", "sessiontoken"));
    assert_eq!(lower.token.expose(), "IQoJb3JpZ2luX2Vj");
    let snake = with("", "").replace("SecretAccessKey", "secret_access_key");
    refused(&snake, Kind::Config, "printed JSON without SecretAccessKey");
    for (more, token) in [
        (r#""sessiontoken":"other","SessionToken":"exact""#, "exact"),
        (r#""SessionToken":"exact","SESSIONTOKEN":"other""#, "exact"),
        (r#""SessionToken":null,"SESSIONTOKEN":"other""#, "other"),
        (r#""SessionToken":"first","SessionToken":"last""#, "last"),
    ] {
        assert_eq!(session(&format!("{{\"Version\":1,{HALVES},{more}}}")).token.expose(), token, "{more}");
    }
}

#[test]
fn what_is_not_known_is_ignored() {
    let more = r#"{"CredentialScope":"eu-west-1","Nested":{"SecretAccessKey":[1,{"a":null}]},"":[],"#;
    let session = session(&with("", "").replacen('{', more, 1));
    assert_eq!(session.secret.expose(), SECRET);
}

#[test]
fn a_half_that_is_missing_empty_or_swapped_is_named_and_never_repeated() {
    const NO_TEXT: &str = "contains characters that are not valid in a secret key";
    for (field, value, cause) in [
        ("AccessKeyId", "", "JSON without AccessKeyId"),
        ("AccessKeyId", "null", "JSON without AccessKeyId"),
        ("AccessKeyId", "\"\"", "JSON whose AccessKeyId is empty"),
        ("AccessKeyId", "7", "JSON whose AccessKeyId is not a string"),
        (
            "AccessKeyId",
            r#""wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY""#,
            "JSON whose AccessKeyId looks like the secret key: are the two lines swapped?",
        ),
        ("SecretAccessKey", "", "JSON without SecretAccessKey"),
        ("SecretAccessKey", "null", "JSON without SecretAccessKey"),
        ("SecretAccessKey", "\"\"", "JSON whose SecretAccessKey is empty"),
        ("SecretAccessKey", r#"["wJalr"]"#, "JSON whose SecretAccessKey is not a string"),
        (
            "SecretAccessKey",
            "\"AKIAIOSFODNN7EXAMPLE\"",
            "JSON whose SecretAccessKey looks like an access key id: are the two lines swapped?",
        ),
        ("SecretAccessKey", r#""wJalr XUtn""#, &format!("JSON whose SecretAccessKey {NO_TEXT}")),
        ("SecretAccessKey", r#""wJalr\nXUtn""#, &format!("JSON whose SecretAccessKey {NO_TEXT}")),
        ("SessionToken", "7", "JSON whose SessionToken is not a string"),
        ("SessionToken", "false", "JSON whose SessionToken is not a string"),
        (
            "SessionToken",
            r#""IQoJ$(wJalr)""#,
            "JSON whose SessionToken contains characters that are not valid in a session token",
        ),
        (
            "SessionToken",
            "\"\u{e9}wJalr\"",
            "JSON whose SessionToken contains characters that are not valid in a session token",
        ),
    ] {
        refused(&with(field, value), Kind::Config, &format!("printed {cause}"));
    }
    let id = read(&with("AccessKeyId", "\"AKIA wJalr\"")).unwrap_err().cause;
    assert!(
        id.starts_with("printed JSON whose AccessKeyId is not a valid access key id") && !id.contains("wJalr"),
        "{id}"
    );
}

#[test]
fn a_token_may_be_as_long_as_any_of_ours() {
    let token = "IQoJb3Jp".repeat(LONGEST_TOKEN / 8);
    assert_eq!(*session(&with("SessionToken", &format!("\"{token}\""))).token.expose(), token);
    let longer = with("SessionToken", &format!("\"{token}x\""));
    refused(&longer, Kind::Config, "printed JSON whose SessionToken is longer than 16384 bytes");
}

#[test]
fn an_escaped_slash_is_a_slash() {
    let text = with("", "").replace('/', "\\/");
    assert_eq!(session(&text).secret.expose(), SECRET);
}

#[test]
fn an_account_has_twelve_digits_or_is_not_there() {
    for (value, account) in [
        (r#""123456789012""#, Some("123456789012")),
        (r#""012345678901""#, Some("012345678901")),
        ("123456789012", Some("123456789012")),
        ("", None),
        ("null", None),
        ("\"\"", None),
    ] {
        let account_read = session(&with("AccountId", value)).account;
        assert_eq!(account_read.as_ref().map(AccountId::as_str), account, "{value}");
    }
    for value in [
        "12345678901",
        "\"12345678901\"",
        "1234567890123",
        "\"12345678901x\"",
        "123456789012.0",
        "-1",
        "1",
        "{}",
        "true",
    ] {
        refused(&with("AccountId", value), Kind::Config, "printed JSON whose AccountId is not a string of 12 digits");
    }
}

#[test]
fn only_one_json_object_is_taken() {
    let whole = with("", "");
    for text in [format!(" \r\n\t{whole}\n\n "), format!("{whole}\r\n")] {
        session(&text);
    }
    for text in [
        "[]",
        "null",
        "1",
        "export AWS_SECRET_ACCESS_KEY=wJalr",
        "{",
        &format!("[{whole}]"),
        &format!("{whole}{whole}"),
        &format!("Enter code:\n{whole}"),
        &format!("{whole}\nbye"),
        &whole.replace("\"Version\":1,", "\"Version\":1,,"),
        &format!("\"{}\"", "x".repeat(60_000)),
        &format!("{{\"a\":{}", "[".repeat(60_000)),
        "{\"Version\":1,\"AccessKeyId\":\"\u{0}\"}",
    ] {
        refused(text, Kind::Config, "printed something other than one JSON object");
    }
    for text in ["", " \n"] {
        refused(text, Kind::Config, "printed nothing");
    }
    let marked = format!("\u{feff}{whole}");
    refused(&marked, Kind::Config, "printed a byte order mark before its JSON, which most SDKs refuse");
    let bytes = [
        b"{\"Version\":1,\"AccessKeyId\":\"\xff\"}".to_vec(),
        whole.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ];
    for bytes in bytes {
        let failure = super::read(&Secret::new(bytes), NOW).unwrap_err();
        assert_eq!(failure.cause, "printed something other than one JSON object");
    }
}

#[test]
fn no_field_is_in_the_debug_form_of_what_was_read() {
    let fields = Fields::read(with("", "").as_bytes()).unwrap();
    let shown = format!("{fields:?} {:?} {:?}", session(&with("", "")), read(&with("", "")));
    assert!(!shown.contains("wJalr") && !shown.contains("IQoJ"), "{shown}");
}

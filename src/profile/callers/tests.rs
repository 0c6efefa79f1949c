use super::*;
use crate::aws_files::file::{AwsFile, Kind};
use crate::origin::FileChoice;

#[path = "rows.rs"]
mod rows;

fn files(config: &str, credentials: &str) -> AwsFiles {
    let choice = FileChoice { path: "/nowhere".into(), variable: None };
    let text = |text: &str| {
        let arn = |role: &str| format!("arn:aws:iam::123456789012:role/{role}");
        text.replace("{us}", "/usr/bin/twolock")
            .replace("{other}", "/usr/bin/other")
            .replace("{role}", &arn("Top"))
            .replace("{mid}", &arn("Mid"))
            .replace("{serial}", "arn:aws:iam::123456789012:mfa/ana")
            .into_bytes()
    };
    AwsFiles {
        config: AwsFile::from_bytes(Kind::Config, "~/.aws/config".into(), text(config)),
        credentials: AwsFile::from_bytes(Kind::Credentials, "~/.aws/credentials".into(), text(credentials)),
        config_choice: choice.clone(),
        credentials_choice: choice,
    }
}

/// The shorthand of [`rows`].
fn short(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Comes => "us".into(),
        Verdict::ComesFor(other) => format!("us:{other}"),
        Verdict::Role { with, code, .. } => match code {
            Code::NotNeeded => format!("role({})", short(with)),
            Code::Asked(_) => format!("role({}), asks", short(with)),
            Code::Ignored(_) => format!("role({}), no MFA", short(with)),
        },
        Verdict::StaticKeys(_) => "keys".into(),
        Verdict::SingleSignOn(_) => "sso".into(),
        Verdict::WebIdentity(_) => "web".into(),
        Verdict::SignIn(_) => "sign-in".into(),
        Verdict::CredentialSource(_) => "named".into(),
        Verdict::AnotherProgram(_) => "other".into(),
        Verdict::CannotAsk(_) => "cannot ask".into(),
        Verdict::Refuses(_) => "error".into(),
        Verdict::RefusesFile(_) => "file".into(),
        Verdict::DoesNotFind(_) => "unseen".into(),
        Verdict::MayNotFind => "name".into(),
        Verdict::NoSuchProfile => "no profile".into(),
        Verdict::ReadsDifferently(_) => "differently".into(),
        Verdict::Nothing => "nothing".into(),
    }
}

fn shorts(config: &str, credentials: &str, name: &str) -> Vec<String> {
    judge(&files(config, credentials), name).iter().map(|(_, verdict)| short(verdict)).collect()
}

#[test]
fn every_row_of_the_contract_is_judged_as_it_says() {
    for row in rows::ROWS {
        assert_eq!(shorts(row.config, row.credentials, "p"), row.verdicts, "{}", row.name);
    }
}

#[test]
fn what_a_reader_refuses_or_does_not_see_is_no_way_to_us() {
    let process = "credential_process = twolock credential-process p";
    for (config, expected) in [
        (format!("\u{feff}[profile p]\n{process}\n"), ["file", "differently", "us", "file", "file"]),
        (format!("[profile p]\n{process}\n[profile q]\nx: y\n"), ["us", "us", "us", "file", "file"]),
        (format!("[profile \"p\"]\n{process}\n"), ["us", "unseen", "us", "unseen", "unseen"]),
        (format!("[ profile p ]\n{process}\n"), ["unseen", "us", "unseen", "us", "us"]),
        (
            "[profile p]\nCredential_Process = twolock credential-process p\n".into(),
            ["us", "us", "nothing", "nothing", "us"],
        ),
        (format!("[profile p]\n{process} # mine\n"), ["differently", "us", "us", "us", "us"]),
        (format!("[profile p]\nregion = eu-west-1 # mine\n{process}\n"), ["us"; 5]),
        (format!("[profile p]\n{process}\r[profile q]\r"), ["us", "unseen", "unseen", "us", "differently"]),
        (
            format!("[profile q]\nregion = v\n[profile p]\n{process}\n[profile p]\nx = y\n"),
            ["file", "us", "us", "us", "us"],
        ),
        (
            format!("[profile p]\nx = y\n[profile  p]\n{process}\n"),
            ["differently", "us", "nothing", "us", "differently"],
        ),
    ] {
        assert_eq!(shorts(&config, "", "p"), expected, "{config:?}");
    }
    let default = "[profile default]\ncredential_process = twolock credential-process default\n[default]\nregion = v\n";
    assert_eq!(shorts(default, "", "default"), ["differently", "us", "us", "us", "us"]);
    assert_eq!(
        shorts("[profile \u{fc}]\ncredential_process = twolock credential-process x\n", "", "\u{fc}"),
        ["name"; 5]
    );
}

#[test]
fn a_source_that_a_reader_does_not_see_is_an_error_there() {
    let config = "[profile p]\nrole_arn = {role}\nsource_profile = base\n\
                  [profile 'base']\ncredential_process = {us} credential-process base\n";
    assert_eq!(shorts(config, "", "p"), ["role(us)", "error", "role(us)", "error", "error"]);
    let go = &judge(&files(config, ""), "p")[1].1;
    let expected =
        "an error: source_profile 'base' of 'p' (~/.aws/config:3) is not seen (~/.aws/config:4: a quoted profile name)";
    assert_eq!(go.to_string(), expected);
}

#[test]
fn a_verdict_is_one_line_that_says_what_the_caller_uses() {
    for (name, reader, expected) in [
        ("process alone", Reader::Cli, "twolock answers"),
        ("process of another profile", Reader::Go, "twolock answers, for profile 'q'"),
        (
            "static keys in the credentials file, process in the config file",
            Reader::Js,
            "the keys at ~/.aws/credentials:2; twolock is not called",
        ),
        (
            "source upon source upon an adopted source",
            Reader::Java,
            "its own AssumeRole, with what twolock answers for 'base'",
        ),
        (
            "Layout S: a plain role with mfa_serial",
            Reader::Rust,
            "its own AssumeRole, with the keys at ~/.aws/credentials:2; twolock is not called; \
             WITHOUT MFA: mfa_serial is ignored (~/.aws/config:4)",
        ),
        (
            "Layout M with mfa_serial left in the role",
            Reader::Cli,
            "its own AssumeRole, with what twolock answers for 'base'; asks for the code itself (~/.aws/config:4)",
        ),
        (
            "Layout M with mfa_serial left in the role",
            Reader::Go,
            "an error: no way to ask for the code of mfa_serial (~/.aws/config:4)",
        ),
        ("process and role_arn", Reader::Go, "its own AssumeRole, with what twolock answers"),
    ] {
        let row = rows::ROWS.iter().find(|row| row.name == name).unwrap();
        let judged = judge(&files(row.config, row.credentials), "p");
        let verdict = &judged.iter().find(|(caller, _)| *caller == reader).unwrap().1;
        assert_eq!(verdict.to_string(), expected, "{name}");
    }
}

#[test]
fn only_credentials_of_ours_without_a_question_count_as_coming() {
    let of = |name: &str| {
        let row = rows::ROWS.iter().find(|row| row.name == name).unwrap();
        let judged = judge(&files(row.config, row.credentials), "p");
        judged.iter().map(|(_, verdict)| verdict.comes_to_us()).collect::<Vec<_>>()
    };
    assert_eq!(of("Layout M: the role above an adopted source"), [true; 5]);
    assert_eq!(of("Layout M with mfa_serial left in the role"), [false, false, false, true, true]);
    assert_eq!(of("Layout S: a plain role with mfa_serial"), [false; 5]);
    let row = rows::ROWS.iter().find(|row| row.name == "the role below wants a code").unwrap();
    let judged = judge(&files(row.config, row.credentials), "p");
    let skips: Vec<bool> = judged.iter().map(|(_, verdict)| verdict.without_mfa().is_some()).collect();
    assert_eq!(skips, [false, false, false, true, true]);
    assert_eq!(judged.iter().map(|(_, v)| v.asks_itself().is_some()).filter(|asks| *asks).count(), 1);
    assert_eq!(judged.iter().map(|(_, v)| v.fails()).collect::<Vec<_>>(), [false, true, true, false, false]);
}

#[test]
fn long_chains_end_and_many_profiles_are_judged_in_linear_time() {
    let chain = |hops: usize| {
        let role = |n: usize| format!("[profile {n}]\nrole_arn = {{role}}\nsource_profile = {}\n", n + 1);
        let bottom = format!("[profile {hops}]\ncredential_process = {{us}} credential-process {hops}\n");
        (0..hops).map(role).collect::<String>() + &bottom
    };
    assert!(judge(&files(&chain(MOST), ""), "0").iter().all(|(_, verdict)| verdict.comes_to_us()));
    for (reader, verdict) in judge(&files(&chain(50_000), ""), "0") {
        let why = "the chain of source profiles is longer than 10 hops";
        assert_eq!(verdict, Verdict::Refuses(why.into()), "{reader}");
    }
    // An oddity in each must not be looked for from the beginning each time.
    let many: String = (0..20_000).map(|n| format!("[profile p{n}]\nmy key = x\n  # c\nx = y # c\n")).collect();
    let files = files(&many, "");
    let callers = Callers::of(&files);
    assert!((0..20_000).all(|n| callers.judge(&format!("p{n}")).iter().all(|(_, v)| v.fails())));
}

const MOST: usize = crate::profile::chain::MOST_HOPS;

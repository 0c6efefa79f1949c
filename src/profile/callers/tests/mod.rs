use super::*;
use crate::aws_files::file::{AwsFile, FileKind};
use crate::origin::FileChoice;

mod rows;

fn files(config: &str, credentials: &str) -> AwsFiles {
    let choice = FileChoice { path: "/nowhere".into(), variable: None, is_missing: false };
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
        config: AwsFile::from_bytes(FileKind::Config, "~/.aws/config".into(), text(config)).into(),
        credentials: AwsFile::from_bytes(FileKind::Credentials, "~/.aws/credentials".into(), text(credentials)).into(),
        config_choice: choice.clone(),
        credentials_choice: choice,
    }
}

/// A machine with every program but `/gone`, and a twolock that answers for every profile but `gone`.
struct Anything;

impl Machine for Anything {
    fn lacks(&self, program: &str) -> Option<Lacking> {
        program.ends_with("/gone/twolock").then_some(Lacking::NoSuchFile)
    }

    fn refusal(&self, profile: &str) -> Option<String> {
        (profile == "gone").then(|| "not found in the AWS files".into())
    }
}

fn judge(files: &AwsFiles, name: &str) -> Verdict {
    Callers::of(files, Anything).judge(name)
}

/// The shorthand of [`rows`].
fn short(resolution: &Resolution) -> String {
    let Obtained { provider, roles, code } = match resolution {
        Resolution::Gets(found) => found,
        Resolution::Protected => return "protected".into(),
        Resolution::CannotAsk(_) => return "cannot ask".into(),
        Resolution::Fails(why) if why.starts_with("an error: ") => return "error".into(),
        Resolution::Fails(why) if why == "no credentials" => return "nothing".into(),
        Resolution::Fails(why) => return why.replace("such ", ""),
        Resolution::Odd(why) if why.starts_with("the profile may not be found: its name ") => return "name".into(),
        Resolution::Odd(why) => {
            let file = if why.starts_with("the file cannot be read: ") { "file: " } else { "" };
            return format!("{file}{}", why.rsplit(": ").next().unwrap());
        }
    };
    let provider = match provider {
        Provider::Twolock(profile) if profile == "p" => "us".to_string(),
        Provider::Twolock(profile) => format!("us:{profile}"),
        Provider::Other("the access key", _) => "keys".into(),
        Provider::Other("SSO", _) => "sso".into(),
        Provider::Other("a web identity", _) => "web".into(),
        Provider::Other("another program", _) => "other".into(),
        Provider::Other(what, _) => (*what).into(),
    };
    let roles = (0..*roles).fold(provider, |with, _| format!("role({with})"));
    match code {
        CodeUse::NotNeeded => roles,
        CodeUse::Asked(place) => format!("{roles}, asks for {}", place.line),
        CodeUse::Ignored(place) => format!("{roles}, no MFA for {}", place.line),
    }
}

fn shorts(config: &str, credentials: &str, name: &str) -> Vec<String> {
    judge(&files(config, credentials), name).callers().iter().map(|(_, resolution)| short(resolution)).collect()
}

fn bypasses(row: &str) -> Vec<Option<Bypass>> {
    let row = rows::ROWS.iter().find(|known| known.name == row).unwrap();
    let verdict = judge(&files(row.config, row.credentials), "p");
    verdict.callers().iter().map(|(_, resolution)| resolution.bypass()).collect()
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
    let (mark, colon, twice) = ("file: a byte order mark", "file: ':' instead of '='", "file: a duplicate section");
    let (quoted, blank, capital) = ("a quoted profile name", "a space next to a bracket", "a key with capital letters");
    let (one_line, lone) = ("file: a line that ends in CR only", "a line that ends in CR only");
    let (two_ways, blanks) = ("the same section written in two ways", "more than one space in a header");
    for (config, expected) in [
        (format!("\u{feff}[profile p]\n{process}\n"), [mark, "a byte order mark", "us", mark, mark]),
        (format!("[profile p]\n{process}\n[profile q]\nx: y\n"), ["us", "us", "us", colon, colon]),
        (format!("[profile \"p\"]\n{process}\n"), ["us", quoted, "us", quoted, quoted]),
        (format!("[ profile p ]\n{process}\n"), [blank, "us", blank, "us", "us"]),
        (
            "[profile p]\nCredential_Process = twolock credential-process p\n".into(),
            ["us", "us", capital, capital, "us"],
        ),
        (format!("[profile p]\n{process} # mine\n"), ["a comment after a value", "us", "us", "us", "us"]),
        (format!("[profile p]\nregion = eu-west-1 # mine\n{process}\n"), ["us"; 5]),
        (format!("[profile p]\n{process}\r[profile q]\r"), ["us", one_line, one_line, "us", lone]),
        (
            format!("[profile q]\nregion = v\n[profile p]\n{process}\n[profile p]\nx = y\n"),
            [twice, "us", "us", "us", "us"],
        ),
        (format!("[profile p]\nx = y\n[profile  p]\n{process}\n"), [two_ways, "us", blanks, "us", two_ways]),
    ] {
        assert_eq!(shorts(&config, "", "p"), expected, "{config:?}");
    }
    let default = "[profile default]\ncredential_process = twolock credential-process default\n[default]\nregion = v\n";
    let [us, both] = ["us:default", "[default] beside [profile default]"];
    assert_eq!(shorts(default, "", "default"), [both, us, us, us, us]);
    assert_eq!(
        shorts("[profile \u{fc}]\ncredential_process = twolock credential-process x\n", "", "\u{fc}"),
        ["name"; 5]
    );
}

#[test]
fn a_source_that_a_reader_does_not_see_is_no_way_to_twolock() {
    let config = "[profile p]\nrole_arn = {role}\nsource_profile = base\n\
                  [profile 'base']\ncredential_process = {us} credential-process base\n";
    let (us, quoted) = ("role(us:base)", "a quoted profile name");
    assert_eq!(shorts(config, "", "p"), [us, quoted, us, quoted, quoted]);
    let go = &judge(&files(config, ""), "p").callers[1].1;
    assert_eq!(go.to_string(), "'base' is read differently: ~/.aws/config:4: a quoted profile name");
    assert_eq!(go.bypass(), Some(Bypass::Odd));
}

#[test]
fn a_line_that_a_caller_cannot_start_is_no_way_to_us() {
    let (us, error) = ("us", "error");
    for (line, expected) in [
        ("~/bin/twolock credential-process p", [error, us, us, us, us]),
        ("$HOME/bin/twolock credential-process p", [error, us, us, us, us]),
        ("sh -c '$HOME/bin/twolock credential-process p'", [us; 5]),
        ("sh -c \"twolock credential-process p\"", [us; 5]),
        ("env X=1 twolock credential-process p", [us; 5]),
        ("X=1 twolock credential-process p", [error, us, us, us, us]),
        ("\"twolock credential-process p\"", [error, "a quoted value", error, error, error]),
        ("twolock credential-process p 2>/dev/null", [error, us, us, us, us]),
        ("sh -c 'twolock credential-process p || true'", [us; 5]),
        ("twolock credential-process p --bogus", [error; 5]),
        ("env AWS_CONFIG_FILE=/x twolock credential-process p", [error; 5]),
        ("/gone/twolock credential-process p", [error; 5]),
        ("~/gone/twolock credential-process p", [error; 5]),
        ("twolock credential-process", [error; 5]),
        ("twolock credential-process gone", [error; 5]),
    ] {
        let config = format!("[profile p]\ncredential_process = {line}\n");
        assert_eq!(shorts(&config, "", "p"), expected, "{line}");
        let verdict = judge(&files(&config, ""), "p");
        assert_eq!(verdict.bypasses().len(), expected.iter().filter(|one| **one == error).count(), "{line}");
    }
    let windows = "[profile p]\ncredential_process = C:\\x\\twolock.exe credential-process p\n";
    assert_eq!(shorts(windows, "", "p") == ["us"; 5], cfg!(windows));
    let of = |line: &str| judge(&files(&format!("[profile p]\ncredential_process = {line}\n"), ""), "p");
    for (line, expected) in [
        ("~/bin/twolock credential-process p", "it runs no shell, so '~/bin/twolock' is not expanded"),
        ("/gone/twolock credential-process p", "'/gone/twolock' does not exist"),
    ] {
        let said = format!("an error: cannot start the credential_process: {expected} (~/.aws/config:2)");
        assert_eq!(of(line).callers()[0].1.to_string(), said);
    }
    let said = "an error: twolock cannot get credentials for 'gone': not found in the AWS files (~/.aws/config:2)";
    assert_eq!(of("twolock credential-process gone").callers()[0].1.to_string(), said);
}

#[test]
fn a_verdict_is_one_line_that_says_what_the_caller_uses() {
    for (name, reader, expected) in [
        ("process alone", Reader::Cli, "credentials from twolock for 'p'"),
        ("process of another profile", Reader::Go, "credentials from twolock for 'q'"),
        (
            "static keys in the credentials file, process in the config file",
            Reader::Js,
            "the access key (~/.aws/credentials:2); twolock is not called",
        ),
        (
            "source upon source upon an adopted source",
            Reader::Java,
            "its own AssumeRole with credentials from twolock for 'base'",
        ),
        (
            "Layout S: a plain role with mfa_serial",
            Reader::Rust,
            "its own AssumeRole with the access key (~/.aws/credentials:2); twolock is not called; \
             WITHOUT MFA: mfa_serial is ignored (~/.aws/config:4)",
        ),
        (
            "Layout M with mfa_serial left in the role",
            Reader::Cli,
            "its own AssumeRole with credentials from twolock for 'base'; asks for the code itself (mfa_serial at ~/.aws/config:4)",
        ),
        (
            "Layout M with mfa_serial left in the role",
            Reader::Go,
            "an error: cannot ask for the MFA code (mfa_serial at ~/.aws/config:4)",
        ),
        ("process and role_arn", Reader::Go, "its own AssumeRole with credentials from twolock for 'p'"),
    ] {
        let row = rows::ROWS.iter().find(|row| row.name == name).unwrap();
        let verdict = judge(&files(row.config, row.credentials), "p");
        let resolution = &verdict.callers.iter().find(|(caller, _)| *caller == reader).unwrap().1;
        assert_eq!(resolution.to_string(), expected, "{name}");
    }
}

#[test]
fn only_credentials_of_ours_without_a_question_count_as_using_twolock() {
    use Bypass::*;
    assert_eq!(bypasses("Layout M: the role above an adopted source"), [None; 5]);
    let keeps_its_device = [Some(Asks), Some(Error), Some(Error), None, None];
    assert_eq!(bypasses("Layout M with mfa_serial left in the role"), keeps_its_device);
    let plain = [Some(Asks), Some(Error), Some(Error), Some(WithoutMfa), Some(WithoutMfa)];
    assert_eq!(bypasses("Layout S: a plain role with mfa_serial"), plain);
    assert_eq!(bypasses("the role below wants a code"), plain);
    assert_eq!(bypasses("static keys beside a role and its source"), [Some(OtherCredentials); 5]);
}

#[test]
fn a_profile_has_one_verdict() {
    let of = |name: &str| {
        let row = rows::ROWS.iter().find(|row| row.name == name).unwrap();
        let verdict = judge(&files(row.config, row.credentials), "p");
        let bypasses: Vec<Reader> = verdict.bypasses().iter().map(|(caller, _)| *caller).collect();
        (verdict.served(), bypasses, verdict.adopting_helps())
    };
    let [cli, go, js] = [Reader::Cli, Reader::Go, Reader::Js];
    assert_eq!(of("process alone"), (Served::Fully, vec![], false));
    assert_eq!(of("Layout M: the role above an adopted source"), (Served::Fully, vec![], false));
    let keys = "static keys in the credentials file, process in the config file";
    assert_eq!(of(keys), (Served::Partly, vec![cli, go, js], true));
    assert_eq!(of("Layout M with mfa_serial left in the role"), (Served::Partly, vec![cli, go, js], true));
    // Its own line names twolock, and nobody comes to that.
    assert_eq!(of("process, role_arn and source_profile"), (Served::No, ALL.to_vec(), true));
    assert_eq!(of("another program"), (Served::No, vec![], true));
    assert_eq!(of("Layout S: a plain role with mfa_serial"), (Served::No, vec![], true));
    let odd = judge(&files("[profile p]\ncredential_process = twolock credential-process p # mine\n", ""), "p");
    assert_eq!((odd.served(), odd.bypasses().len(), odd.adopting_helps()), (Served::Partly, 0, false));
}

#[test]
fn long_chains_end_and_many_profiles_are_judged_in_linear_time() {
    let chain = |hops: usize| {
        let role = |n: usize| format!("[profile {n}]\nrole_arn = {{role}}\nsource_profile = {}\n", n + 1);
        let bottom = format!("[profile {hops}]\ncredential_process = {{us}} credential-process {hops}\n");
        (0..hops).map(role).collect::<String>() + &bottom
    };
    assert!(judge(&files(&chain(MOST), ""), "0").served() == Served::Fully);
    for (reader, resolution) in judge(&files(&chain(50_000), ""), "0").callers {
        let why = "an error: the chain of source profiles is longer than 10 hops";
        assert_eq!(resolution, Resolution::Fails(why.into()), "{reader}");
    }
    // An oddity in each must not be looked for from the beginning each time.
    let many: String = (0..20_000).map(|n| format!("[profile p{n}]\nmy key = x\n  # c\nx = y # c\n")).collect();
    let files = files(&many, "");
    let callers = Callers::of(&files, Anything);
    assert!(
        (0..20_000).all(|n| callers
            .judge(&format!("p{n}"))
            .callers
            .iter()
            .all(|(_, one)| one.bypass() == Some(Bypass::Error)))
    );
}

const MOST: usize = crate::profile::chain::MOST_HOPS;

//! What each program is told, and what its answers mean; how they are run is shown by `tests/cli/dialogs.rs`.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::*;
use crate::arn::{AccountId, MfaSerial};
use crate::names::ProfileName;
use crate::text::width::columns;

/// Markup, escapes of every program, and marks that could deceive.
const HOSTILE: &str = "<b>x</b> &amp; a_b %0A \\n \"q\" '\n\u{202e}$(id)`id`";

fn question(profile: &str) -> Question {
    Question {
        account: AccountId::parse("123456789012"),
        profile: ProfileName::parse(profile).unwrap(),
        device: MfaSerial::parse("arn:aws:iam::123456789012:mfa/ana").unwrap(),
        asker: Some("terraform, pid 4242".into()),
        foreign_endpoint: None,
        notice: None,
        closed_dialog: None,
    }
}

fn hostile() -> Question {
    Question { asker: Some(HOSTILE.into()), foreign_endpoint: Some(HOSTILE.into()), ..question("prod") }
}

fn told(program: DialogProgram, question: &Question) -> (Vec<String>, String) {
    let start = start(program, Path::new("/bin/x"), &Words::of(question, question.notice.as_deref()), 50);
    let arguments = start.command.get_args().map(|word| word.to_str().unwrap().to_owned()).collect();
    (arguments, start.input.map(|input| input.expose().clone()).unwrap_or_default())
}

const PLAIN: &str = "MFA code for account 123456789012\nProfile: prod\nDevice: ana\nAsked by: terraform, pid 4242";

#[test]
fn a_dialog_says_whose_code_is_wanted_for_what_and_by_whom() {
    let text = |question: &Question| Words::of(question, question.notice.as_deref()).text("\n", str::to_owned);
    assert_eq!(text(&question("prod")), PLAIN);
    let more = Question {
        foreign_endpoint: Some("127.0.0.1:4566".into()),
        notice: Some("wrong code; next code in 12 s; 2 tries left".into()),
        ..question("prod")
    };
    let lines = "Sent to: 127.0.0.1:4566, not AWS\nwrong code; next code in 12 s; 2 tries left";
    assert_eq!(text(&more), format!("{PLAIN}\n{lines}"));
    let alone = Question { account: None, asker: None, ..question("a, device: b") };
    assert_eq!(text(&alone), "MFA code\nProfile: 'a, device: b'\nDevice: ana");
}

#[test]
fn each_program_is_told_the_same_in_its_own_way() {
    use DialogProgram::*;
    let question = question("prod");
    let (words, input) = told(Zenity, &question);
    assert_eq!(words, ["--entry", "--title=twolock", &format!("--text={PLAIN}"), "--timeout=50"]);
    assert_eq!(input, "");
    assert_eq!(told(Kdialog, &question).0, ["--title", "twolock", "--inputbox", PLAIN]);
    assert_eq!(told(Osascript, &question).0[10..], [PLAIN, "twolock", "50"]);
    assert_eq!(told(Powershell, &question).1, format!("twolock\r\n{}", PLAIN.replace('\n', "\r\n")));
    let (words, input) = told(Pinentry, &question);
    let text = PLAIN.replace('\n', "%0A");
    assert_eq!(words, [""; 0]);
    assert_eq!(
        input,
        format!(
            "OPTION no-grab\nSETTITLE twolock\nSETDESC {text}\nSETPROMPT MFA code:\nSETTIMEOUT 50\nGETINFO flavor\nGETPIN\nBYE\n"
        )
    );
}

#[test]
fn foreign_text_is_shown_as_it_is_and_is_never_part_of_a_script() {
    use DialogProgram::*;
    let (plain, hostile) = (question("prod"), hostile());
    let piece = "<b>x</b> &amp; a_b %0A ";
    for (program, shown) in [
        (Zenity, piece.replace('_', "__")),
        (Kdialog, piece.replace('&', "&&")),
        (Pinentry, piece.replace('%', "%25")),
        (Osascript, piece.into()),
        (Powershell, piece.into()),
    ] {
        let (words, input) = told(program, &hostile);
        let all = format!("{}{input}", words.concat());
        assert_eq!(all.matches(&format!("Asked by: {shown}")).count(), 1, "{program:?}: {all}");
        assert!(!all.contains('\u{202e}'), "{program:?}: {all}");
        let changed = words.iter().zip(&told(program, &plain).0).filter(|(one, other)| one != other).count();
        assert!(changed <= 1, "{program:?}: {words:?}");
        // Each foreign piece stays on its line.
        let first =
            |text: &str| text.lines().map(|line| line.split(':').next().unwrap().to_owned()).collect::<Vec<_>>();
        if matches!(program, Zenity | Kdialog | Osascript) {
            let text = words.iter().find(|word| word.contains("Asked by")).unwrap().trim_start_matches("--text=");
            assert_eq!(
                first(text),
                ["MFA code for account 123456789012", "Profile", "Device", "Asked by", "Sent to"],
                "{program:?}: {text}"
            );
        }
    }
    assert_eq!(told(Pinentry, &hostile).1.lines().count(), 8, "no command is added");
}

#[test]
fn no_text_is_longer_than_a_command_of_pinentry_or_wider_than_a_window() {
    for text in ["%".repeat(300), "漢".repeat(80), "\u{202e}".repeat(80), format!("e{}", "\u{301}".repeat(120))] {
        let long = Question {
            asker: Some(text.clone()),
            foreign_endpoint: Some(text.clone()),
            notice: Some("wrong code; next code in 12 s".into()),
            ..question(&text)
        };
        let (_, input) = told(DialogProgram::Pinentry, &long);
        assert!(input.lines().all(|line| line.len() < 1_000), "{input}");
        let shown = Words::of(&long, None).text("\n", str::to_owned);
        assert!(shown.lines().all(|line| columns(line) <= 80), "{shown}");
    }
}

fn answered(program: DialogProgram, raw_status: i32, output: &str, errors: &str, millis: u64) -> String {
    let status = ExitStatus::from_raw(raw_status);
    let answer = Answer { status, output: Secret::new(output.into()), errors: errors.into() };
    if is_without_window(&answer, Duration::from_millis(millis)) {
        return "NoWindow".into();
    }
    match reply(program, &answer) {
        Reply::Typed(text) => text.expose().clone(),
        other => format!("{other:?}"),
    }
}

#[test]
fn an_answer_a_cancel_the_end_of_the_time_and_no_window_are_told_apart() {
    use DialogProgram::*;
    let exit = |code: i32| code << 8;
    let gtk = "(zenity:1): Gtk-WARNING **: 00:00:00.000: cannot open display: :9\n";
    for (program, status, output, errors, millis, expected) in [
        (Zenity, 0, "123456\n", "Gtk-Message: a theme is missing\n", 900, "123456"),
        (Zenity, 0, "\n", "", 900, ""),
        (Zenity, exit(1), "", "Gtk-Message: a theme is missing\n", 900, "Cancelled"),
        (Zenity, exit(1), "", "", 10, "Cancelled"),
        (Zenity, exit(5), "", "", 50_000, "TimedOut"),
        (Zenity, exit(1), "", gtk, 5_000, "NoWindow"),
        (Zenity, exit(1), "", "broken\n", 20, "NoWindow"),
        (Zenity, exit(255), "", "", 900, "NoWindow"),
        (Kdialog, 0, "123456\nmore\n", "", 900, "123456"),
        (Kdialog, exit(1), "", "", 900, "Cancelled"),
        (Kdialog, 6, "", "qt.qpa.xcb: could not connect to display\n", 900, "NoWindow"),
        (Kdialog, 6, "", "", 900, "NoWindow"),
        (Osascript, 0, "123456\n", "", 900, "123456"),
        (Osascript, exit(1), "", "0:9: execution error: User canceled. (-128)\n", 900, "Cancelled"),
        (Osascript, exit(1), "", "0:9: execution error: timed out (-1712)\n", 50_000, "TimedOut"),
        (Osascript, exit(1), "", "execution error: No user interaction allowed. (-1713)\n", 900, "NoWindow"),
        (Powershell, 0, "123456", "", 900, "123456"),
        (Powershell, 0, "", "", 900, "Cancelled"),
        (Powershell, exit(1), "", "Add-Type : no assembly\n", 900, "NoWindow"),
    ] {
        let told = answered(program, status, output, errors, millis);
        assert_eq!(told, expected, "{program:?} {status} {output:?} {errors:?} {millis}");
    }
}

#[test]
fn programs_are_found_in_their_order_and_missing_ones_are_skipped() {
    use DialogProgram::*;
    let home = tempfile::tempdir().unwrap();
    let bin = home.path().join(".nix-profile/bin");
    std::fs::create_dir_all(&bin).unwrap();
    for (name, mode) in [("pinentry-qt", 0o755), ("kdialog", 0o755), ("zenity", 0o644), ("powershell.exe", 0o755)] {
        std::fs::write(bin.join(name), "").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(bin.join(name), mode).unwrap();
    }
    let [config, cache, data, state] = ["config", "cache", "data", "state"].map(|name| home.path().join(name));
    let account_stand_in = Some(home.path().into());
    let dirs =
        Directories { home: home.path().into(), config, cache, data, state, account_stand_in, is_nowhere: false };
    let env = Env::default();
    let found = |order: &[DialogProgram]| {
        let source = DialogSource::new(&env, &dirs, order.into(), false);
        source.programs().map(|(_, file)| file.file_name().unwrap().to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(&DialogProgram::ALL), ["pinentry-qt", "kdialog", "powershell.exe"]);
    assert_eq!(found(&[Kdialog, Zenity, Pinentry]), ["kdialog", "pinentry-qt"]);
    assert_eq!(found(&[Zenity, Osascript]), [""; 0]);
}

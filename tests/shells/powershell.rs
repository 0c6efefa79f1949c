//! PowerShell: evaluated where it is installed (`TWOLOCK_TEST_PWSH`, set by `tests/run`); its text is checked always.

use std::fs;
use std::io::Write;

use twolock::Shell;
use twolock::internals::exports::{failing, quote_powershell, removed, set, unset};

use crate::shells::Stage;

/// In single quotes only quotes are special, and PowerShell accepts five characters as one.
const QUOTED: &[(&str, &str)] = &[
    ("", "''"),
    ("plain", "'plain'"),
    ("it's", "'it''s'"),
    ("''", "''''''"),
    ("\u{2018}\u{2019}\u{201a}\u{201b}", "'\u{2018}\u{2018}\u{2019}\u{2019}\u{201a}\u{201a}\u{201b}\u{201b}'"),
    ("\u{201c}\"\u{201d}", "'\u{201c}\"\u{201d}'"),
    ("$(marker) `n $env:X @{}", "'$(marker) `n $env:X @{}'"),
    ("'; marker; '", "'''; marker; '''"),
    ("a\nb\r\\", "'a\nb\r\\'"),
];

#[test]
fn text_is_quoted_by_the_rule_of_single_quotes() {
    for (value, quoted) in QUOTED {
        assert_eq!(quote_powershell(value), *quoted, "{value:?}");
        // the rule read backwards: after the outer quotes go, quotes stand in pairs only
        let quote = |c: &char| matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}');
        let inner: Vec<char> = quoted.chars().collect();
        let (mut inner, mut back) = (inner[1..inner.len() - 1].iter().peekable(), String::new());
        while let Some(c) = inner.next() {
            assert!(!quote(c) || inner.next_if_eq(&c).is_some(), "{quoted}");
            back.push(*c);
        }
        assert_eq!(back, *value);
    }
}

#[test]
fn every_line_is_a_statement_of_its_own() {
    let variables = [("AWS_REGION", "eu-west-1".to_string())];
    assert_eq!(
        set(Shell::PowerShell, &removed(&["AWS_CA_BUNDLE"]), &variables),
        "Remove-Item Env:AWS_PROFILE -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:AWS_DEFAULT_PROFILE -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:AWS_SECURITY_TOKEN -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:AWS_ACCOUNT_ID -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:AWS_ROLE_ARN -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:AWS_ROLE_SESSION_NAME -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:AWS_WEB_IDENTITY_TOKEN_FILE -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:AWS_CONTAINER_CREDENTIALS_RELATIVE_URI -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:AWS_CONTAINER_CREDENTIALS_FULL_URI -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:AWS_CONTAINER_AUTHORIZATION_TOKEN -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:AWS_BEARER_TOKEN_BEDROCK -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:TWOLOCK_RUNNING -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:AWS_CA_BUNDLE -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:TWOLOCK_HANDED -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:TWOLOCK_PROFILE -ErrorAction SilentlyContinue;\n\
         Remove-Item Env:TWOLOCK_EXPIRATION -ErrorAction SilentlyContinue;\n\
         $Env:AWS_REGION = 'eu-west-1';\n"
    );
    assert!(unset(Shell::PowerShell, &removed(&[])).lines().all(|line| line.starts_with("Remove-Item Env:")));
    assert_eq!(failing(Shell::PowerShell), "throw 'twolock: no credentials';\n");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests/run tells the tests where the real parts are")]
fn evaluated_by_the_real_one_where_it_is_installed() {
    let Ok(pwsh) = std::env::var("TWOLOCK_TEST_PWSH") else {
        // straight to the stream: the macros' words are shown for failed tests only
        writeln!(std::io::stderr(), "PowerShell is not installed: its text is checked, not run").unwrap();
        return;
    };
    let stage = Stage::new();
    let words: String =
        QUOTED.iter().map(|(_, quoted)| format!("[Console]::Out.Write({quoted} + [char]0)\n")).collect();
    let script = format!(
        "{words}twolock env prod --shell powershell | Out-String | Invoke-Expression\nseen\n\
         try {{ twolock env nope --shell powershell | Out-String | Invoke-Expression; 'ran' }} catch {{ 'failed' }}\n\
         twolock env --unset --shell powershell | Out-String | Invoke-Expression\nseen\n"
    );
    fs::write(stage.world.home().join("script.ps1"), format!("\u{feff}{script}")).unwrap();
    let mut command = stage.shell(crate::shells::BASH);
    let ran = stage.world.finish(command.args(["-c", &format!("exec '{pwsh}' -NoProfile -File ../script.ps1")]));
    let expected: String = QUOTED.iter().map(|(value, _)| format!("{value}\0")).collect();
    assert_eq!(ran.stdout, format!("{expected}ours\nfailed\nnothing\n"), "{}", ran.stderr);
}

/// The scenes of `tl` that do not depend on POSIX, where PowerShell is installed.
#[test]
#[expect(clippy::disallowed_methods, reason = "tests/run tells the tests where the real parts are")]
fn tl_in_the_real_one_where_it_is_installed() {
    let Ok(pwsh) = std::env::var("TWOLOCK_TEST_PWSH") else {
        writeln!(std::io::stderr(), "PowerShell is not installed: `twolock init powershell` is not run").unwrap();
        return;
    };
    let stage = Stage::new();
    let script = "twolock init powershell | Out-String | Invoke-Expression\n\
        tl prod; seen; tl base; tl -; seen\n\
        try { tl nope; 'ran' } catch { 'failed' }; seen\n\
        twolock init powershell | Out-String | Invoke-Expression\n\
        tl --off; seen; try { tl; 'ran' } catch { 'failed' }\n\
        foreach ($ends in '2001-01-01T00:00:00Z', '2999', '') { $env:AWS_CREDENTIAL_EXPIRATION = $ends; \"[$(twolock_prompt)]\" }\n\
        foreach ($line in 'twolock who', 'twolock env pro', 'tl pro', 'twolock env --shell zs') {\n\
            (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText -join ' ' }\n";
    fs::write(stage.world.home().join("script.ps1"), format!("\u{feff}{script}")).unwrap();
    let mut command = stage.shell(crate::shells::BASH);
    let ran = stage.world.finish(command.args(["-c", &format!("exec '{pwsh}' -NoProfile -File ../script.ps1")]));
    let expected = "ours\nours\nfailed\nours\nold\nfailed\n[(aws expired!) ]\n[(aws) ]\n[]\nwhoami\nprod\nprod\nzsh\n";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
}

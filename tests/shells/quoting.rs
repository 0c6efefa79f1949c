//! Random values through the quoting functions and through whole statements, evaluated by the real shells, a batch
//! in one process. A marker file would show that something ran.

use std::fs;

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use twolock::internals::{
    AccessKeyId, Region, Secret, Session, Timestamp,
    exports::{self, quote_fish, quote_posix},
    is_credential_text,
};

use crate::shells::{ALL, Shell, Stage, ZSH};

const VALUES: usize = 400;

/// Values that have broken quoting elsewhere, and would run.
const WORST: [&str; 33] = [
    "",
    " ",
    "'",
    "''",
    "'''",
    "\\",
    "\\\\",
    "\\'",
    "'\\",
    "\\'\\",
    "'\\''",
    "\"",
    "$",
    "`",
    "!",
    "#x",
    "~",
    "-n",
    "--",
    "%s%n\\0",
    "=ls",
    "{a,b}",
    "*",
    "?[a]",
    "a\nb\n",
    "\r\n",
    "\t",
    "&& touch marker",
    "'; touch marker; '",
    "\\'; touch marker; #",
    "$(touch marker)",
    "`touch marker`",
    "' (touch marker) '",
];

/// Mostly the characters that mean something to some shell, some letters, some of everything but NUL.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => prop::sample::select(r#"'"\`$!#~*?[]{}()<>|&;=%^@:,-+ "#.chars().collect::<Vec<_>>()),
        3 => prop::char::range('a', 'c'),
        1 => prop::char::range('\u{1}', '\u{1f}'),
        1 => prop::sample::select(vec!['\u{7f}', '\u{85}', '\u{a0}', '\u{2018}', '\u{2019}', '\u{202e}', 'ß', '日', '😀']),
        1 => any::<char>().prop_filter("an environment holds no NUL", |c| *c != '\0'),
        1 => Just('\''),
    ];
    prop::collection::vec(character, 0..24).prop_map(String::from_iter)
}

/// Characters AWS may send, and now and then one it may not.
fn token() -> impl Strategy<Value = String> {
    let good: Vec<char> = ('!'..='~').filter(|c| is_credential_text(&c.to_string())).collect();
    assert!(good.len() > 66, "the alphabet of AWS is in it");
    prop_oneof![
        3 => prop::collection::vec(prop::sample::select(good), 1..200).prop_map(String::from_iter),
        1 => text(),
    ]
}

fn some<T>(strategy: impl Strategy<Value = T>) -> Vec<T> {
    let mut runner = TestRunner::default();
    (0..VALUES).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[track_caller]
fn nothing_ran(stage: &Stage, shell: Shell) {
    for directory in [stage.directory.as_path(), stage.world.home()] {
        assert!(!directory.join("marker").exists(), "{}: a value ran", shell.name());
    }
}

/// The values as the arguments of one command, read back.
#[track_caller]
fn come_back(stage: &Stage, shell: Shell, before: &str, values: &[String]) {
    let quote = if shell.is_fish() { quote_fish } else { quote_posix };
    let words: String = values.iter().map(|value| format!(" {}", quote(value))).collect();
    // each between slashes, so that an empty one and a first dash are arguments like any other
    let script = format!("{before}printf '/%s/\\0'{words}\n");
    fs::write(stage.world.home().join("script"), script).unwrap();
    let output = stage.shell(shell).arg("../script").output().unwrap();
    let mut read: Vec<_> = output.stdout.split(|byte| *byte == 0).collect();
    assert_eq!(read.pop(), Some(&b""[..]), "{}: {}", shell.name(), String::from_utf8_lossy(&output.stderr));
    for (value, read) in values.iter().zip(&read) {
        let read = String::from_utf8_lossy(read);
        assert_eq!(format!("/{value}/"), read, "{}: {value:?} is quoted as {}", shell.name(), quote(value));
    }
    assert_eq!(read.len(), values.len(), "{}", shell.name());
    nothing_ran(stage, shell);
}

#[test]
fn any_text_is_one_word_and_runs_nothing() {
    let stage = Stage::new();
    let mut values: Vec<String> = WORST.map(String::from).to_vec();
    values.extend(some(text()));
    for shell in ALL {
        come_back(&stage, shell, "", &values);
    }
    come_back(&stage, ZSH, "setopt rc_quotes glob_subst extended_glob\n", &values);
    come_back(&stage, ZSH, "emulate sh\n", &values);
}

fn session(token: &str) -> Session {
    Session {
        access_key_id: AccessKeyId::parse("ASIAIOSFODNN7EXAMPLE").unwrap(),
        secret: Secret::new(token.chars().rev().collect()),
        token: Secret::new(token.into()),
        expires: Timestamp::from_unix(1_927_629_296),
        account: None,
    }
}

#[test]
fn a_token_arrives_to_the_byte_or_is_refused() {
    let stage = Stage::new();
    let region = Region::parse("eu-west-1").unwrap();
    let (good, bad): (Vec<_>, Vec<_>) = some(token()).into_iter().partition(|token| is_credential_text(token));
    assert!(good.len() > VALUES / 2 && bad.len() > VALUES / 20, "{} good, {} bad", good.len(), bad.len());
    for token in &bad {
        assert!(exports::variables(&session(token), Some(&region)).is_err(), "{token:?}");
    }
    for shell in ALL {
        let language = twolock::Shell::from_program(shell.language).unwrap();
        let (mut script, mut expected) = (String::new(), String::new());
        for (at, token) in good.iter().take(VALUES / 4).enumerate() {
            let variables = exports::variables(&session(token), Some(&region)).unwrap();
            fs::write(
                stage.world.home().join(format!("say.{at}")),
                exports::set(language, &exports::removed(&[]), &variables),
            )
            .unwrap();
            let evaluate = match (shell.is_fish(), at % 2) {
                (true, 0) => format!("source ../say.{at}"),
                (true, _) => format!("eval (cat ../say.{at})"),
                (false, 0) => format!("eval \"$(cat ../say.{at})\""),
                (false, _) => format!("eval $(cat ../say.{at})"),
            };
            script += &format!("{evaluate}; printenv AWS_SESSION_TOKEN AWS_SECRET_ACCESS_KEY AWS_REGION\n");
            expected += &format!("{token}\n{}\neu-west-1\n", token.chars().rev().collect::<String>());
        }
        let ran = stage.run(shell, &script);
        ran.is(0, &expected, "");
        nothing_ran(&stage, shell);
    }
}

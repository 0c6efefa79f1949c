//! boto3, whose processes and threads each start us on their own.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::adopted::{helper_runs, minted, python, run_python, signers, world};
use crate::world::{Ran, Terminal};

const SCRIPT: &str = "identity.py";

fn lines(ran: &Ran) -> Vec<Value> {
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn asked_once_on_the_terminal_then_silence() {
    let world = world();
    let mut terminal = Terminal::start(python(&world, SCRIPT, &["--profile", "prod", "--calls", "3", "--look"]));
    terminal.sees("(123456789012, prod, device ana): ");
    terminal.types(&format!("{}\n", world.code()));
    let ran = terminal.end();
    let answers = lines(&ran);
    assert_eq!((answers.len(), helper_runs(&world), minted(&world)), (3, 1, (1, 1)));
    let key = answers[0]["key"].as_str().unwrap();
    assert_eq!(signers(&world, "GetCallerIdentity"), [key; 3]);
    assert!(world.sandbox.sessions().iter().any(|s| s.access_key_id == key && s.role_arn.is_some()));
    assert_eq!(lines(&run_python(&world, SCRIPT, &["--profile", "prod", "--look"]))[0]["key"], key);
}

#[test]
fn role_above_an_adopted_base_is_assumed_by_boto3_from_our_session() {
    let world = world();
    world.log_in("base");
    let answers = lines(&run_python(&world, SCRIPT, &["--profile", "via-base", "--calls", "3"]));
    for answer in &answers {
        assert!(answer["arn"].as_str().unwrap().contains(":assumed-role/Admin/botocore-session-"), "{answer}");
    }
    let session = &world.sandbox.sessions()[0];
    assert!(session.mfa_at.is_some());
    assert_eq!(signers(&world, "AssumeRole"), [session.access_key_id.as_str()]);
    assert_eq!((helper_runs(&world), minted(&world)), (1, (1, 1)));
}

#[test]
fn without_a_terminal_its_error_holds_our_first_line() {
    let world = world();
    let ran = run_python(&world, SCRIPT, &["--profile", "prod"]);
    let line = "botocore.exceptions.CredentialRetrievalError: Error when retrieving credentials from custom-process: \
                twolock: error: profile 'prod': needs an MFA code from arn:aws:iam::123456789012:mfa/ana: \
                no terminal; run in a terminal: twolock login prod\n";
    assert!(ran.stderr.ends_with(line) || ran.stderr.contains(line), "{ran:?}");
    assert_eq!((ran.code, ran.stdout.as_str(), world.sandbox.connections()), (1, "", 0));
}

#[test]
fn fifty_threads_and_fifty_processes_warm_are_answered_alike() {
    let world = world();
    world.log_in("prod");
    let before = world.sandbox.count("GetCallerIdentity");
    let mut answers = Vec::new();
    for by in ["threads", "processes"] {
        answers.extend(lines(&run_python(&world, SCRIPT, &["--profile", "prod", "--calls", "50", "--by", by])));
    }
    let different: BTreeSet<String> = answers.iter().map(ToString::to_string).collect();
    assert_eq!((answers.len(), different.len(), helper_runs(&world)), (100, 1, 100), "{different:?}");
    assert_eq!(minted(&world), (1, 1));
    assert_eq!(world.sandbox.count("GetCallerIdentity") - before, 100);
}

#[test]
fn twenty_processes_cold_ask_one_question() {
    let world = world();
    let mut terminal =
        Terminal::start(python(&world, SCRIPT, &["--profile", "prod", "--calls", "20", "--by", "processes"]));
    terminal.sees("(123456789012, prod, device ana): ");
    terminal.types(&format!("{}\n", world.code()));
    let ran = terminal.end();
    let answers = lines(&ran);
    let different: BTreeSet<String> = answers.iter().map(ToString::to_string).collect();
    assert_eq!((answers.len(), different.len(), minted(&world)), (20, 1, (1, 1)), "{different:?}");
}

//! Runs the binary against the sandbox: each verb, each exit code, with complete stdout and stderr.
#![cfg(unix)]

#[path = "../world/mod.rs"]
mod world;

mod add;
mod adopt;
mod aliases;
mod aws_login;
mod by_name;
mod console;
mod credential_process;
mod dialogs;
mod doctor;
mod env;
mod exec;
mod exit_codes;
mod forget;
mod key;
mod key_list;
mod login;
mod logout;
mod many_profiles;
mod mfa;
mod mfa_process;
mod misplaced_secrets;
mod overview;
mod picking;
mod process_failures;
mod process_sources;
mod profile;
mod profile_edit;
mod protected;
mod question;
#[cfg(target_os = "linux")]
mod real_dialogs;
mod reminders;
mod rotate;
mod rotate_resumed;
#[cfg(feature = "sandbox")]
mod sandbox;
mod secrets;
mod settings;
mod setup;
mod signing_in;
mod single_sign_on;
mod sources;
mod spelling;
mod state;
mod status;
mod styles;
mod this_shell;
mod usage;
mod web_identity;
mod whoami;

/// Rounds up the times left: a second may have passed since the session was created.
fn rounded(text: &str) -> String {
    let mut words: Vec<String> = text.split(' ').map(String::from).collect();
    for at in 1..words.len() {
        let whole = match words[at - 1].trim_start_matches('\n') {
            "11h" if words[at].starts_with("59m") => "12h",
            "59m" if words[at].contains('s') => "1h",
            "3h" if words[at].starts_with("59m") => "4h",
            _ => continue,
        };
        let rest = words[at].trim_start_matches(|c: char| c.is_ascii_alphanumeric()).to_string();
        words[at] = format!("{whole}{rest}");
        words[at - 1] = "\0".into();
    }
    words.join(" ").replace("\0 ", "")
}

//! Canaries: known secrets go through every verb, with injected failures, and may appear only in output meant for them
//! (threat-model P2, P3).

use std::process::Command;

use crate::world::{Fault, FaultKind, Ran, SECRET, World};
use twolock_sandbox::Refusal;

/// The output of many runs.
#[derive(Default)]
struct Said(Vec<(String, String)>);

impl Said {
    fn keep(&mut self, world: &World, command: &mut Command) -> Ran {
        let ran = world.finish(command);
        self.0.push((format!("{command:?}"), ran.stderr.clone()));
        ran
    }

    #[track_caller]
    fn holds_none_of(&self, secrets: &[String]) {
        assert!(self.0.len() > 20);
        for secret in secrets {
            for form in forms(secret) {
                let shown = self.0.iter().find(|(_, said)| said.contains(&form));
                assert!(shown.is_none(), "{secret} as {form} in {shown:?}");
            }
        }
    }
}

/// The encodings of a secret: raw, base64, hex, percent-encoded.
pub fn forms(secret: &str) -> Vec<String> {
    let hex = |upper: bool, prefix: &str, all: bool| -> String {
        let plain = |b: u8| !all && (b.is_ascii_alphanumeric() || b"-_.~".contains(&b));
        let one = |b: u8| if upper { format!("{prefix}{b:02X}") } else { format!("{prefix}{b:02x}") };
        secret.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { one(b) }).collect()
    };
    let in_base64 = base64(secret.as_bytes());
    vec![secret.into(), in_base64, hex(false, "", true), hex(true, "%", false)]
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // The last group depends on what follows, so only whole groups are compared.
    let group = |g: &[u8]| {
        let n = u32::from(g[0]) << 16 | u32::from(g[1]) << 8 | u32::from(g[2]);
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(n >> shift & 63) as usize]))
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

impl World {
    /// Every verb that needs credentials, with the highest verbosity.
    fn every_verb(&self, said: &mut Said, prepare: impl Fn(&mut Command)) {
        let verbs: [&[&str]; 18] = [
            &["credential-process", "prod"],
            &["env", "prod"],
            &["env", "prod", "--format", "json"],
            &["exec", "prod", "--", "true"],
            &["login", "deploy"],
            &["whoami", "prod"],
            &["whoami", "--all"],
            &["console", "prod", "--print"],
            &["status", "prod"],
            &["profile", "show", "base"],
            &["key", "list"],
            &["key", "export", "base", "--yes"],
            &["key", "import", "base", "--yes"],
            &["key", "remove", "base", "--yes"],
            &["settings", "list"],
            &["doctor", "--fix"],
            &["forget", "--everything", "--dry-run"],
            &["forget", "--everything", "--yes"],
        ];
        for words in verbs {
            let mut command = self.twolock(["-vv"]);
            command.args(words).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
            prepare(&mut command);
            said.keep(self, &mut command);
        }
    }

    fn secrets(&self, codes: &[String]) -> Vec<String> {
        let mut secrets: Vec<String> = codes.to_vec();
        secrets.push(SECRET.into());
        for session in self.sandbox.sessions() {
            secrets.extend([session.secret_access_key, session.session_token]);
        }
        secrets.extend(self.sandbox.codes_consumed().into_iter().map(|consumed| consumed.code));
        secrets
    }
}

#[test]
fn no_error_prints_a_secret() {
    let world = World::new();
    let mut said = Said::default();
    let wrong = world.wrong_code();
    world.every_verb(&mut said, |_| {});
    world.every_verb(&mut said, |command| _ = command.env("TWOLOCK_MFA_CODE", &wrong));
    world.every_verb(&mut said, |command| _ = command.env("TWOLOCK_MFA_CODE", "8675309"));
    world.every_verb(&mut said, |command| {
        command.env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1").env("TWOLOCK_MFA_CODE", "424242");
    });
    // A response that contains the request.
    let echo = format!("Signature of {SECRET} with 515151 is not known, SECOND 515151");
    world.sandbox.fault(Fault::new(FaultKind::Error(Refusal::new(403, "AccessDenied", echo))).always());
    world.every_verb(&mut said, |command| _ = command.env("TWOLOCK_MFA_CODE", "515151"));
    world.sandbox.clear_faults();
    world.log_in("prod");
    world.every_verb(&mut said, |_| {});
    for kind in [FaultKind::HtmlBody, FaultKind::TruncatedBody, FaultKind::ForeignAccount("999999999999".into())] {
        world.sandbox.fault(Fault::new(kind).always());
        said.keep(&world, &mut world.twolock(["-vv", "login", "deploy"]));
        said.keep(&world, &mut world.twolock(["-vv", "whoami", "prod"]));
        world.sandbox.clear_faults();
    }
    world.every_verb(&mut said, |_| {});
    said.keep(&world, &mut world.twolock(["-vv", "logout", "prod"]));
    let codes = [wrong, "8675309".into(), "424242".into(), "515151".into()];
    said.holds_none_of(&world.secrets(&codes));
}

#[test]
fn only_the_three_verbs_for_credentials_print_secrets() {
    let world = World::new();
    world.log_in("prod");
    let secrets = world.secrets(&[]);
    let verbs: [&[&str]; 14] = [
        &["exec", "prod", "--", "true"],
        &["login", "prod"],
        &["whoami", "prod"],
        &["whoami", "prod", "--json"],
        &["status"],
        &["status", "--json"],
        &["profile", "list", "--json"],
        &["profile", "show", "base", "--json"],
        &["profile", "show", "base"],
        &["key", "list"],
        &["key", "list", "--json"],
        &["mfa", "devices", "prod", "--json"],
        &["settings", "list", "--json"],
        &["logout", "prod"],
    ];
    for words in verbs {
        let ran = world.finish(&mut world.twolock(words));
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        for secret in &secrets {
            assert!(!ran.stdout.contains(secret.as_str()), "{words:?} prints {secret}");
        }
    }
}

#[test]
fn no_secret_is_in_arguments_or_the_environment_of_mfa_process() {
    let world = World::new();
    let code = world.code();
    let program = world.home().join("print-code");
    let seen = world.home().join("seen");
    let script = format!(
        "#!/bin/sh\n{{ tr '\\0' '\\n' </proc/$$/cmdline; tr '\\0' '\\n' </proc/$PPID/cmdline; env; }} >{}\necho {code}\n",
        seen.display()
    );
    world.write("print-code", &script);
    crate::world::make_runnable(&program);
    world.write(
        ".aws/config",
        &format!(
            "[profile base]\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\nmfa_process = {}\nendpoint_url = {{url}}\n",
            program.display()
        ),
    );
    let line = "tr '\\0' '\\n' </proc/$$/cmdline; env | grep -v AWS_";
    let mut command = world.twolock(["exec", "base", "--", "sh", "-c", line]);
    let ran = world.finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let children = ran.stdout + &std::fs::read_to_string(&seen).unwrap();
    assert!(children.contains("print-code") && children.contains("TWOLOCK_RUNNING=arn:aws:iam::"), "{children}");
    for secret in world.secrets(&[code]) {
        assert!(!children.contains(&secret), "{secret} in {children}");
    }
}

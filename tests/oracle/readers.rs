//! The three readers under one shape: ours, botocore, and the Rust SDK.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};
use twolock::internals::{AwsFile, FileKind};

/// One pair of files as they stand on the disk.
#[derive(Clone, Debug, Default)]
pub struct Files {
    pub config: Vec<u8>,
    pub credentials: Vec<u8>,
}

/// What a reader makes of a pair: profile → key → value, or nothing because it refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    Refused(String),
    Profiles(BTreeMap<String, BTreeMap<String, String>>),
}

/// The names and keys looked at: the Rust SDK does not list keys.
#[derive(Clone, Copy)]
pub struct Probes {
    pub names: &'static [&'static str],
    pub keys: &'static [&'static str],
}

impl Files {
    pub fn config(bytes: impl Into<Vec<u8>>) -> Self {
        Self { config: bytes.into(), credentials: Vec::new() }
    }

    pub fn credentials(bytes: impl Into<Vec<u8>>) -> Self {
        Self { config: Vec::new(), credentials: bytes.into() }
    }

    /// Both files as we read them.
    pub fn parsed(&self) -> [AwsFile; 2] {
        [
            AwsFile::from_bytes(FileKind::Config, "config".into(), self.config.clone()),
            AwsFile::from_bytes(FileKind::Credentials, "credentials".into(), self.credentials.clone()),
        ]
    }
}

impl Reading {
    pub fn is_refused(&self) -> bool {
        matches!(self, Reading::Refused(_))
    }

    pub fn value(&self, name: &str, key: &str) -> Option<&str> {
        match self {
            Reading::Refused(_) => None,
            Reading::Profiles(profiles) => profiles.get(name)?.get(key).map(String::as_str),
        }
    }

    pub fn has(&self, name: &str) -> bool {
        matches!(self, Reading::Profiles(profiles) if profiles.contains_key(name))
    }
}

/// Nested blocks differ in form only (a map, or text): both become `\nkey=value` lines in order of keys.
fn flattened(value: &str) -> String {
    let Some(block) = value.strip_prefix('\n') else { return value.into() };
    block_text(block.lines().map(|line| line.split_once('=').unwrap_or((line, ""))))
}

fn block_text<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let sorted: BTreeMap<&str, &str> = pairs.map(|(key, value)| (key.trim(), value.trim())).collect();
    sorted.iter().map(|(key, value)| format!("\n{key}={value}")).collect()
}

pub fn ours(files: &Files, probes: Probes) -> Reading {
    let parsed = files.parsed();
    let mut profiles: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for name in probes.names {
        for section in parsed.iter().filter_map(|file| file.section(name)) {
            let profile = profiles.entry((*name).into()).or_default();
            for key in probes.keys {
                profile.extend(section.get(key).map(|setting| ((*key).to_owned(), flattened(&setting.value))));
            }
        }
    }
    Reading::Profiles(profiles)
}

pub fn rust_sdk(files: &Files, probes: Probes) -> Reading {
    let on_disk = [("/home/.aws/config", &files.config), ("/home/.aws/credentials", &files.credentials)];
    let fs = Fs::from_map(on_disk.map(|(path, bytes)| (path.to_owned(), bytes.clone())).into());
    let env = Env::from_slice(&[("HOME", "/home")]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let set = match runtime.block_on(aws_config::profile::load(&fs, &env, &EnvConfigFiles::default(), None)) {
        Ok(set) => set,
        Err(error) => return Reading::Refused(format!("{error:?}")),
    };
    let pairs = |profile: &aws_config::profile::Profile| {
        let value = |key: &&str| Some(((*key).to_owned(), flattened(profile.get(key)?)));
        probes.keys.iter().filter_map(value).collect()
    };
    let profile = |name: &&str| Some(((*name).to_owned(), pairs(set.get_profile(name)?)));
    Reading::Profiles(probes.names.iter().filter_map(profile).collect())
}

/// Asks one botocore process about all pairs.
pub fn botocore(all: &[Files], probes: Probes) -> Vec<Reading> {
    let text = |bytes: &[u8]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
    let pairs: Vec<[String; 2]> = all.iter().map(|files| [text(&files.config), text(&files.credentials)]).collect();
    let mut child = Command::new(python())
        .args(["-c", include_str!("botocore_reader.py")])
        .envs([("AWS_EC2_METADATA_DISABLED", "true"), ("PYTHONUTF8", "1")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("TWOLOCK_TEST_PYTHON starts");
    let question = serde_json::to_vec(&pairs).expect("text is JSON");
    child.stdin.take().expect("piped").write_all(&question).expect("botocore_reader.py reads");
    let output = child.wait_with_output().expect("botocore_reader.py ends");
    assert!(output.status.success(), "botocore_reader.py failed; is botocore installed for TWOLOCK_TEST_PYTHON?");
    let answers: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answers.len(), all.len());
    answers.iter().map(|answer| from_json(answer, probes)).collect()
}

#[expect(clippy::disallowed_methods, reason = "a variable tells tests where Python is")]
fn python() -> std::ffi::OsString {
    std::env::var_os("TWOLOCK_TEST_PYTHON").expect("TWOLOCK_TEST_PYTHON names a Python that has botocore")
}

fn from_json(answer: &serde_json::Value, probes: Probes) -> Reading {
    if let Some(why) = answer["refused"].as_str() {
        return Reading::Refused(why.into());
    }
    let value = |profile: &serde_json::Value, key: &str| match profile.get(key)? {
        serde_json::Value::Object(block) => {
            Some(block_text(block.iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default()))))
        }
        value => value.as_str().map(flattened),
    };
    let pairs = |profile: &serde_json::Value| {
        probes.keys.iter().filter_map(|key| Some(((*key).to_owned(), value(profile, key)?))).collect()
    };
    let profile = |name: &&str| Some(((*name).to_owned(), pairs(answer["profiles"].get(name)?)));
    Reading::Profiles(probes.names.iter().filter_map(profile).collect())
}

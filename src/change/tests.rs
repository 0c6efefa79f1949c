//! Changes of real files in a temporary home directory, with a keyring in memory and a fake STS.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::apply::apply;
use super::preview::{Preview, preview};
use super::recover::{Recovered, recover};
use super::*;
use crate::aws::endpoint::{self, EndpointRequest};
use crate::aws::sts::operations::CallerIdentity;
use crate::aws::{AwsError, AwsErrorKind, Bounds, Mfa, RoleRequest, Signer};
use crate::credentials::Session;
use crate::names::Region;
use crate::ours::key_index::KeyIndex;
use crate::secret::Secret;
use crate::store::StoreError;
use crate::store::memory::MemoryStore;
use crate::system::env::Env;

const CONFIG: &str = "[profile base]\nregion = eu-west-1\n";
const CREDENTIALS: &str = "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = hush\n";

/// A home with both files.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.at(".aws")).unwrap();
        fs::write(home.at(".aws/config"), CONFIG).unwrap();
        fs::write(home.at(".aws/credentials"), CREDENTIALS).unwrap();
        home
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn files(&self) -> AwsFiles {
        AwsFiles::load(&Env::of::<&str>([]), self.0.path()).0
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap_or_default()
    }

    fn journal(&self) -> PathBuf {
        self.at("account/.local/share/twolock/journal.json")
    }

    /// STS refuses every key if `refuses`.
    fn with_parts<T>(&self, store: &MemoryStore, refuses: bool, act: impl FnOnce(&Parts) -> T) -> T {
        let [config, cache, data, state] = ["config", "cache", "data", "state"].map(|name| self.at(name));
        let settings = config.join("config.toml");
        let dirs = Directories {
            home: self.0.path().into(),
            config,
            cache,
            data,
            state,
            account_stand_in: Some(self.at("account")),
            is_nowhere: false,
        };
        let settings = Paths { file: settings.clone(), account_file: settings, home: dirs.home.clone() };
        let sts = |_: &Endpoint| -> Result<Box<dyn Sts>> { Ok(Box::new(TellingSts { refuses })) };
        let (files, trust) = (self.files(), Consents::new());
        let store = Some(store as &dyn Store);
        let account_data = dirs.account_data();
        let (settings, trust, sts, tell) = (&settings, &trust, &sts, &|_: &str| ());
        act(&Parts { files: &files, dirs: &dirs, account_data, settings, trust, store, sts, tell })
    }
}

/// Returns the caller's identity, or refuses it.
struct TellingSts {
    refuses: bool,
}

impl Sts for TellingSts {
    fn get_session_token(
        &self,
        _: Signer<'_>,
        _: Option<Mfa<'_>>,
        _: Duration,
        _: Bounds,
    ) -> std::result::Result<Session, AwsError> {
        panic!("a change mints no session")
    }

    fn assume_role(
        &self,
        _: Signer<'_>,
        _: &RoleRequest,
        _: Option<Mfa<'_>>,
        _: Bounds,
    ) -> std::result::Result<Session, AwsError> {
        panic!("a change assumes no role")
    }

    fn assume_role_with_web_identity(
        &self,
        _: &Secret<String>,
        _: &RoleRequest,
        _: Bounds,
    ) -> std::result::Result<Session, AwsError> {
        panic!("a change assumes no role")
    }

    fn get_caller_identity(&self, _: Signer<'_>, _: Bounds) -> std::result::Result<CallerIdentity, AwsError> {
        match self.refuses {
            true => Err(AwsError { kind: AwsErrorKind::Refused, cause: "no".into(), hints: vec![] }),
            false => Ok(CallerIdentity {
                account: AccountId::parse("123456789012").unwrap(),
                arn: "arn:aws:iam::123456789012:user/ana".into(),
                user_id: "AIDA".into(),
            }),
        }
    }
}

fn name(text: &str) -> ProfileName {
    ProfileName::parse(text).unwrap()
}

fn key() -> AccessKey {
    let id = AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap();
    AccessKey { id, secret: Secret::new("hush".into()) }
}

fn endpoint() -> Endpoint {
    let region = Region::parse("eu-west-1").unwrap();
    let request = EndpointRequest {
        service: endpoint::Service::Sts,
        partition: region.partition().unwrap(),
        region,
        fips: false,
        dualstack: false,
        given: None,
    };
    endpoint::resolve(&request, &[]).unwrap()
}

fn set(key: &str, value: &str) -> Edit {
    Edit::Set { profile: "base".into(), key: key.into(), value: value.into() }
}

/// Moves the key of `base` into the keyring.
fn moving(account: Option<&str>) -> Change {
    let mut change = Change::new("profile adopt base");
    let account = account.map(|text| AccountId::parse(text).unwrap());
    change.keep_key(
        KeyToStore { profile: name("base"), key: key(), account, added: crate::timestamp::Timestamp::from_unix(0) },
        &endpoint(),
        "the store in memory",
    );
    let edits = Edits {
        config: vec![set("credential_process", "twolock credential-process --profile base")],
        last: vec![Edit::TakeOut {
            profile: "base".into(),
            keys: vec!["aws_access_key_id".into(), "aws_secret_access_key".into()],
        }],
        leaving: vec![(name("base"), key())],
        ..Edits::default()
    };
    change.edit_files(edits);
    change
}

fn previewed(home: &Home, change: &Change) -> Preview {
    preview(&home.files(), &KeyIndex::default(), change).unwrap()
}

#[test]
fn a_preview_writes_nothing_and_shows_no_secret() {
    let home = Home::new();
    let change = moving(None);
    let preview = previewed(&home, &change);
    assert_eq!((home.read(".aws/config"), home.read(".aws/credentials")), (CONFIG.into(), CREDENTIALS.into()));
    assert_eq!(
        preview.diff(),
        "~/.aws/config\n  [profile base]\n+ credential_process = twolock credential-process --profile base\n\
         ~/.aws/credentials\n- [base]\n- aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n- aws_secret_access_key = ***\n"
    );
    assert_eq!(preview.index.get(&name("base")).map(|entry| entry.id.clone()), Some(key().id));
    assert!(preview.files.profile("base").unwrap().get("aws_secret_access_key").is_none());
    assert!(!format!("{change:?}{preview:?}").contains("hush"));
}

#[test]
fn acts_are_done_in_order_and_leave_no_journal() {
    let (home, store) = (Home::new(), MemoryStore::new());
    let change = moving(Some("123456789012"));
    let preview = previewed(&home, &change);
    home.with_parts(&store, false, |parts| apply(&change, &preview, parts)).unwrap();
    assert_eq!((home.read(".aws/credentials"), store.users()), (String::new(), vec!["AKIAIOSFODNN7EXAMPLE".into()]));
    assert!(home.read("data/keys.json").contains("AKIAIOSFODNN7EXAMPLE") && !home.journal().exists());
}

#[test]
fn a_failing_act_undoes_those_before_it() {
    // AWS refuses the key; its device is in another account; the file was changed so that the edit does not apply.
    let other_key = CREDENTIALS.replace("hush", "another");
    for (refuses, account, credentials, why) in [
        (true, "123456789012", CREDENTIALS, "no"),
        (false, "444455556666", CREDENTIALS, "belongs to account 123456789012"),
        (false, "123456789012", &other_key, "was changed in the meantime"),
    ] {
        let (home, store) = (Home::new(), MemoryStore::new());
        let change = moving(Some(account));
        let preview = previewed(&home, &change);
        fs::write(home.at(".aws/credentials"), credentials).unwrap();
        let failure = home.with_parts(&store, refuses, |parts| apply(&change, &preview, parts)).unwrap_err();
        assert!(failure.cause.contains(why), "{failure}");
        assert_eq!((home.read(".aws/config"), home.read(".aws/credentials")), (CONFIG.into(), credentials.into()));
        assert!(store.users().is_empty() && !home.journal().exists(), "{why}");
        assert!(!home.read("data/keys.json").contains("AKIA"), "{why}");
    }
}

#[test]
fn a_key_already_in_the_keyring_stays_when_a_change_fails() {
    let (home, store) = (Home::new(), MemoryStore::new());
    access_key::keep(&store, &key(), &name("base"), None).unwrap();
    let change = moving(None);
    let preview = previewed(&home, &change);
    assert!(home.with_parts(&store, true, |parts| apply(&change, &preview, parts)).is_err());
    assert_eq!(store.users(), ["AKIAIOSFODNN7EXAMPLE"]);
}

#[test]
fn another_programs_edit_since_the_preview_is_kept_and_recorded_in_the_journal() {
    let (home, store) = (Home::new(), MemoryStore::new());
    let mut change = Change::new("profile set base …");
    for edit in [set("output", "json"), set("output", "text")] {
        change.acts.push(Act::EditFile { kind: FileKind::Config, edits: vec![edit], holds: vec![] });
    }
    let preview = previewed(&home, &change);
    fs::write(home.at(".aws/config"), format!("# theirs\n{CONFIG}")).unwrap();
    home.with_parts(&store, false, |parts| apply(&change, &preview, parts)).unwrap();
    assert_eq!(home.read(".aws/config"), format!("# theirs\n{CONFIG}output = text\n"));
}

#[test]
fn a_change_does_not_overwrite_the_journal_of_another() {
    let (home, store) = (Home::new(), MemoryStore::new());
    let change = moving(None);
    let preview = previewed(&home, &change);
    fs::create_dir_all(home.at("account/.local/share/twolock")).unwrap();
    crate::system::private_file::write_atomically(&home.journal(), b"theirs").unwrap();
    let failure = home.with_parts(&store, false, |parts| apply(&change, &preview, parts)).unwrap_err();
    assert_eq!((failure.kind, home.read("account/.local/share/twolock/journal.json").as_str()), (Kind::Busy, "theirs"));
    assert_eq!((home.read(".aws/credentials"), store.calls().len()), (CREDENTIALS.into(), 0));
}

#[test]
fn an_unavailable_keyring_leaves_an_unfinished_change_and_says_what_to_do() {
    let (home, store) = (Home::new(), MemoryStore::new());
    fs::create_dir_all(home.at("account/.local/share/twolock")).unwrap();
    access_key::keep(&store, &key(), &name("base"), None).unwrap();
    let record = r#"{"act":"keep-key","profile":"base","id":"AKIAIOSFODNN7EXAMPLE","is_new":true,"file":null}"#;
    let journal = format!(r#"{{"v":1,"title":"profile adopt base","acts":[{record}]}}"#);
    crate::system::private_file::write_atomically(&home.journal(), journal.as_bytes()).unwrap();
    store.fail_writes(Some(StoreError::Locked));
    let failure = home.with_parts(&store, false, |parts| recover(parts, false)).unwrap_err();
    assert_eq!(failure.kind, Kind::Keyring);
    assert!(failure.cause.starts_with("'profile adopt base' was interrupted, and cannot be undone: "), "{failure}");
    assert!(failure.hints.iter().any(|hint| format!("{hint:?}").contains("--forget-unfinished")), "{failure:?}");
    store.fail_writes(None);
    let undone = home.with_parts(&store, false, |parts| recover(parts, false)).unwrap();
    assert_eq!((undone, store.users().len()), (Recovered::Undone("profile adopt base".into()), 0));
}

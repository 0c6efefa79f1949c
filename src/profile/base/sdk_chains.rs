//! The chains on which the AWS SDKs agree, one by one: what each situation of their shared conformance table, and of the
//! sources that came later, resolves to here.
//!
//! [`SHARED`] follows the 28 situations that the SDKs for Rust and Kotlin test (`assume-role-tests.json` of aws-config), with
//! names, ids and accounts of our own. We decide two of them differently, each beside its row; where the SDKs
//! differ among themselves (aws-contract 2.2, 2.4), we do as the AWS CLI does.

use crate::aws_files::AwsFiles;
use crate::aws_files::file::{AwsFile, FileKind};
use crate::names::ProfileName;
use crate::origin::FileChoice;
use crate::ours::key_index::KeyIndex;
use crate::profile::base::key::EnvironmentKey;
use crate::profile::plan::{Plan, plan};
use crate::profile::steps::Step;
use crate::profile::{Sources, Surroundings};

struct Situation {
    name: &'static str,
    /// The config file; the profile 'app' is asked for.
    config: &'static str,
    becomes: Outcome,
}

/// What a situation becomes.
enum Outcome {
    /// The lines of the plan.
    Chain(&'static [&'static str]),
    /// The first line of the failure.
    Refused(&'static str),
}

use Outcome::{Chain, Refused};

const APP: &str = "role arn:aws:iam::210987654321:role/App as 'sam', 1h";
const HUB: &str = "role arn:aws:iam::654321098765:role/Hub as 'sam', 1h";

/// The situations of the SDKs' table, in its order.
const SHARED: [Situation; 28] = [
    Situation {
        name: "a role on an access key",
        config: "[profile app]\n{app}source_profile = user\n[profile user]\n{key}aws_account_id = 210987654321\n",
        becomes: Chain(&["access key AKIAVU5ZKQEXAMPLEONE of profile 'user' (~/.aws/config:5)", APP]),
    },
    Situation {
        name: "keys beside a role and its source are not used",
        config: "[profile app]\n{other}{app}source_profile = user\n[profile user]\n{key}",
        becomes: Chain(&["access key AKIAVU5ZKQEXAMPLEONE of profile 'user' (~/.aws/config:7)", APP]),
    },
    Situation {
        name: "a name for the session",
        config: "[profile app]\n{app}role_session_name = night-run\nsource_profile = user\n[profile user]\n{key}",
        becomes: Chain(&[
            "access key AKIAVU5ZKQEXAMPLEONE of profile 'user' (~/.aws/config:6)",
            "role arn:aws:iam::210987654321:role/App as 'night-run', 1h",
        ]),
    },
    Situation {
        name: "an external id",
        config: "[profile app]\n{app}external_id = tenant-7\nsource_profile = user\n[profile user]\n{key}",
        becomes: Chain(&[
            "access key AKIAVU5ZKQEXAMPLEONE of profile 'user' (~/.aws/config:6)",
            "role arn:aws:iam::210987654321:role/App as 'sam', 1h, external id tenant-7",
        ]),
    },
    // Java refuses it.
    Situation {
        name: "a role that names itself uses its own key",
        config: "[profile app]\n{key}{app}source_profile = app\n",
        becomes: Chain(&["access key AKIAVU5ZKQEXAMPLEONE of profile 'app' (~/.aws/config:2)", APP]),
    },
    // Different: SDKs ask the machine's own server, to which we send nothing (threat-model P17).
    Situation {
        name: "a role on the credentials of the instance",
        config: "[profile app]\n{app}credential_source = Ec2InstanceMetadata\n",
        becomes: Refused(
            "profile 'app' (~/.aws/config:3): credential_source 'Ec2InstanceMetadata' is not supported: twolock sends \
             requests only to AWS's own hosts, not to a metadata server on this machine",
        ),
    },
    Situation {
        name: "a role without any source",
        config: "[profile app]\n{app}",
        becomes: Refused("profile 'app' (~/.aws/config:1): has a role_arn but no source_profile"),
    },
    Situation {
        name: "a role with two sources",
        config: "[profile app]\n{app}credential_source = Environment\nsource_profile = user\n[profile user]\n{key}",
        becomes: Refused(
            "profile 'app' (~/.aws/config:3): credential_source 'Environment' cannot be combined with source_profile: \
             a role has one source",
        ),
    },
    Situation {
        name: "a source with a key id and no secret",
        config: "[profile app]\n{app}source_profile = user\n[profile user]\naws_access_key_id = AKIAVU5ZKQEXAMPLEONE\n",
        becomes: Refused(
            "profile 'user' (~/.aws/config:5): aws_access_key_id is set but aws_secret_access_key is missing",
        ),
    },
    Situation {
        name: "a source with a secret and no key id",
        config: "[profile app]\n{app}source_profile = user\n[profile user]\naws_secret_access_key = notASecretOfAnyone\n",
        becomes: Refused(
            "profile 'user' (~/.aws/config:5): aws_secret_access_key is set but aws_access_key_id is missing",
        ),
    },
    Situation {
        name: "a source that is empty",
        config: "[profile app]\n{app}source_profile = user\n[profile user]\n",
        becomes: Refused("profile 'user' (~/.aws/config:4): has no access key and no role"),
    },
    Situation {
        name: "a profile that says nothing of credentials",
        config: "[profile app]\nec2_metadata_service_endpoint_mode = IPv6\n",
        becomes: Refused("profile 'app' (~/.aws/config:1): has no access key and no role"),
    },
    Situation {
        name: "a source that does not exist",
        config: "[profile app]\n{app}source_profile = user\n",
        becomes: Refused("profile 'app' (~/.aws/config:3): source_profile 'user' does not exist"),
    },
    Situation {
        name: "no profile at all",
        config: "",
        becomes: Refused("profile 'app': not found in ~/.aws/config or ~/.aws/credentials"),
    },
    Situation {
        name: "a role on a role",
        config: "[profile app]\n{app}source_profile = hub\n[profile hub]\n{hub}source_profile = user\n[profile user]\n{key}",
        becomes: Chain(&["access key AKIAVU5ZKQEXAMPLEONE of profile 'user' (~/.aws/config:8)", HUB, APP]),
    },
    // Go and Java assume the role in between, too.
    Situation {
        name: "a source with a key of its own beside its role",
        config: "[profile app]\n{app}{other}source_profile = hub\n[profile hub]\n{hub}source_profile = user\n{key}\
                 [profile user]\n{other}",
        becomes: Chain(&["access key AKIAVU5ZKQEXAMPLEONE of profile 'hub' (~/.aws/config:9)", APP]),
    },
    Situation {
        name: "two roles that name each other",
        config: "[profile app]\n{app}source_profile = hub\n[profile hub]\n{hub}source_profile = app\n",
        becomes: Refused(
            "profile 'app' (~/.aws/config:1): source_profile loop: 'app' (~/.aws/config:1) -> 'hub' (~/.aws/config:4) -> 'app'",
        ),
    },
    Situation {
        name: "two roles that name each other, with a key in the asked one",
        config: "[profile app]\n{app}{key}source_profile = hub\n[profile hub]\n{hub}source_profile = app\n",
        becomes: Refused(
            "profile 'app' (~/.aws/config:1): source_profile loop: 'app' (~/.aws/config:1) -> 'hub' (~/.aws/config:6) -> 'app'",
        ),
    },
    Situation {
        name: "a role by a token",
        config: "[profile app]\n{app}web_identity_token_file = /run/tokens/app\n",
        becomes: Chain(&[
            "role arn:aws:iam::210987654321:role/App as 'sam' with the token in /run/tokens/app (profile 'app', ~/.aws/config:3)",
        ]),
    },
    Situation {
        name: "a role by a token, with a name for the session",
        config: "[profile app]\n{app}web_identity_token_file = /run/tokens/app\nrole_session_name = night-run\n",
        becomes: Chain(&[
            "role arn:aws:iam::210987654321:role/App as 'night-run' with the token in /run/tokens/app (profile 'app', ~/.aws/config:3)",
        ]),
    },
    Situation {
        name: "a token without a role",
        config: "[profile app]\nweb_identity_token_file = /run/tokens/app\n",
        becomes: Refused(
            "profile 'app' (~/.aws/config:2): web_identity_token_file '/run/tokens/app' is set, but role_arn is missing",
        ),
    },
    Situation {
        name: "a role on a role by a token",
        config: "[profile app]\n{app}source_profile = hub\n[profile hub]\n{hub}\
                 web_identity_token_file = /run/tokens/hub\nrole_session_name = night-run\n",
        becomes: Chain(&[
            "role arn:aws:iam::654321098765:role/Hub as 'night-run' with the token in /run/tokens/hub (profile 'hub', ~/.aws/config:6)",
            APP,
        ]),
    },
    Situation {
        name: "single sign-on, all of it in the profile",
        config: "[profile app]\n{sso}",
        becomes: Chain(&[
            "role Ops in account 210987654321 by SSO 'https://acme.awsapps.com/start' (profile 'app', ~/.aws/config:2)",
        ]),
    },
    Situation {
        name: "single sign-on without an account",
        config: "[profile app]\nsso_start_url = https://acme.awsapps.com/start\nsso_region = eu-north-1\n\
                 sso_role_name = Ops\n",
        becomes: Refused("profile 'app' (~/.aws/config:2): sso_start_url is set, but sso_account_id is missing"),
    },
    Situation {
        name: "single sign-on without a role",
        config: "[profile app]\nsso_start_url = https://acme.awsapps.com/start\nsso_region = eu-north-1\n\
                 sso_account_id = 210987654321\n",
        becomes: Refused("profile 'app' (~/.aws/config:2): sso_start_url is set, but sso_role_name is missing"),
    },
    Situation {
        name: "single sign-on with its region beside the session instead of in it",
        config: "[profile app]\nsso_session = acme\nsso_region = eu-north-1\nsso_account_id = 210987654321\n\
                 sso_role_name = Ops\n[sso-session acme]\nsso_start_url = https://acme.awsapps.com/start\n",
        becomes: Refused("profile 'app' (~/.aws/config:2): sso_session 'acme' has no sso_region"),
    },
    // Different: for SDKs that is a bearer token (CodeCatalyst), with which AWS signs nothing.
    Situation {
        name: "single sign-on with a session alone",
        config: "[profile app]\nsso_session = acme\n[sso-session acme]\nsso_region = eu-north-1\n\
                 sso_start_url = https://acme.awsapps.com/start\n",
        becomes: Refused("profile 'app' (~/.aws/config:2): sso_session is set, but sso_account_id is missing"),
    },
    Situation {
        name: "single sign-on with a session that does not exist",
        config: "[profile app]\nsso_session = oops\n",
        becomes: Refused(
            "profile 'app' (~/.aws/config:2): sso_session 'oops' does not exist: there is no [sso-session oops]",
        ),
    },
];

/// Further sources, which newer versions of the SDKs read, and each of them below a role.
const FURTHER: [Situation; 21] = [
    Situation {
        name: "temporary keys below a role",
        config: "[profile app]\n{app}source_profile = user\n[profile user]\n{temporary}",
        becomes: Chain(&["temporary credentials ASIAVU5ZKQEXAMPLEONE of profile 'user' (~/.aws/config:5)", APP]),
    },
    Situation {
        name: "a role on the credentials of the container",
        config: "[profile app]\n{app}credential_source = EcsContainer\n",
        becomes: Refused(
            "profile 'app' (~/.aws/config:3): credential_source 'EcsContainer' is not supported: twolock sends requests only to AWS's own hosts, not to a metadata server on this machine",
        ),
    },
    Situation {
        name: "a role on the environment",
        config: "[profile app]\n{app}credential_source = Environment\n",
        becomes: Chain(&["access key AKIAVU5ZKQEXAMPLEENV of profile 'app' (environment)", APP]),
    },
    // Different from Rust, which reads it in any case; the AWS CLI, Go and JavaScript do not.
    Situation {
        name: "a role on the environment in lower case",
        config: "[profile app]\n{app}credential_source = environment\n",
        becomes: Refused(
            "profile 'app' (~/.aws/config:3): credential_source 'environment' is not valid: did you mean 'Environment'?",
        ),
    },
    Situation {
        name: "single sign-on by a session",
        config: "[profile app]\n{by session}{session}",
        becomes: Chain(&["role Ops in account 210987654321 by SSO 'acme' (profile 'app', ~/.aws/config:2)"]),
    },
    Situation {
        name: "a role on single sign-on",
        config: "[profile app]\n{app}source_profile = sso\n[profile sso]\n{sso}",
        becomes: Chain(&[
            "role Ops in account 210987654321 by SSO 'https://acme.awsapps.com/start' (profile 'sso', ~/.aws/config:5)",
            APP,
        ]),
    },
    Situation {
        name: "two roles on single sign-on by a session",
        config: "[profile app]\n{app}source_profile = hub\n[profile hub]\n{hub}source_profile = sso\n[profile sso]\n\
                 {by session}{session}",
        becomes: Chain(&["role Ops in account 210987654321 by SSO 'acme' (profile 'sso', ~/.aws/config:8)", HUB, APP]),
    },
    Situation {
        name: "single sign-on without a start URL",
        config: "[profile app]\nsso_region = eu-north-1\nsso_account_id = 210987654321\nsso_role_name = Ops\n",
        becomes: Refused("profile 'app' (~/.aws/config:3): sso_account_id is set, but sso_start_url is missing"),
    },
    Situation {
        name: "single sign-on without a region",
        config: "[profile app]\nsso_start_url = https://acme.awsapps.com/start\nsso_account_id = 210987654321\n\
                 sso_role_name = Ops\n",
        becomes: Refused("profile 'app' (~/.aws/config:2): sso_start_url is set, but sso_region is missing"),
    },
    Situation {
        name: "another program",
        config: "[profile app]\ncredential_process = /opt/vend/vend --for app\n",
        becomes: Chain(&[
            "what '/opt/vend/vend --for app' prints (credential_process of profile 'app', ~/.aws/config:2)",
        ]),
    },
    Situation {
        name: "a role on another program",
        config: "[profile app]\n{app}source_profile = vend\n[profile vend]\ncredential_process = /opt/vend/vend --for app\n",
        becomes: Chain(&[
            "what '/opt/vend/vend --for app' prints (credential_process of profile 'vend', ~/.aws/config:5)",
            APP,
        ]),
    },
    Situation {
        name: "aws login",
        config: "[profile app]\n{login}",
        becomes: Chain(&["aws login as arn:aws:iam::210987654321:user/sam (profile 'app', ~/.aws/config:2)"]),
    },
    Situation {
        name: "a role on aws login",
        config: "[profile app]\n{app}source_profile = here\n[profile here]\n{login}",
        becomes: Chain(&["aws login as arn:aws:iam::210987654321:user/sam (profile 'here', ~/.aws/config:5)", APP]),
    },
    // JavaScript runs the program.
    Situation {
        name: "single sign-on beside another program",
        config: "[profile app]\ncredential_process = /opt/vend/vend\n{sso}",
        becomes: Chain(&[
            "role Ops in account 210987654321 by SSO 'https://acme.awsapps.com/start' (profile 'app', ~/.aws/config:3)",
        ]),
    },
    Situation {
        name: "aws login beside another program",
        config: "[profile app]\ncredential_process = /opt/vend/vend\n{login}",
        becomes: Chain(&["aws login as arn:aws:iam::210987654321:user/sam (profile 'app', ~/.aws/config:3)"]),
    },
    Situation {
        name: "single sign-on beside aws login",
        config: "[profile app]\n{login}{sso}",
        becomes: Chain(&[
            "role Ops in account 210987654321 by SSO 'https://acme.awsapps.com/start' (profile 'app', ~/.aws/config:3)",
        ]),
    },
    // Go and JavaScript use the keys.
    Situation {
        name: "temporary keys beside single sign-on",
        config: "[profile app]\n{app}source_profile = both\n[profile both]\n{temporary}{sso}",
        becomes: Chain(&[
            "role Ops in account 210987654321 by SSO 'https://acme.awsapps.com/start' (profile 'both', ~/.aws/config:8)",
            APP,
        ]),
    },
    // Different: the AWS CLI, Java and Rust use single sign-on. A person's own key is not passed over.
    Situation {
        name: "a long-term key beside single sign-on",
        config: "[profile app]\n{app}source_profile = both\n[profile both]\n{key}{sso}",
        becomes: Chain(&["access key AKIAVU5ZKQEXAMPLEONE of profile 'both' (~/.aws/config:5)", APP]),
    },
    // Different: the AWS CLI, Java and Rust run the program, which the AWS CLI does not where the key is in the
    // credentials file. Go and JavaScript use the key wherever it is, as we do.
    Situation {
        name: "a long-term key beside another program",
        config: "[profile app]\n{app}source_profile = both\n[profile both]\n{key}credential_process = /opt/vend/vend\n",
        becomes: Chain(&["access key AKIAVU5ZKQEXAMPLEONE of profile 'both' (~/.aws/config:5)", APP]),
    },
    Situation {
        name: "a role and its source beside another program",
        config: "[profile app]\ncredential_process = /opt/vend/vend\n{app}source_profile = user\n[profile user]\n{key}",
        becomes: Chain(&["access key AKIAVU5ZKQEXAMPLEONE of profile 'user' (~/.aws/config:6)", APP]),
    },
    // Different: the AWS CLI, Java and Rust use the token, and JavaScript the source. Go refuses it, as we do.
    Situation {
        name: "a role with a source and a token",
        config: "[profile app]\n{app}source_profile = user\nweb_identity_token_file = /run/tokens/app\n\
                 [profile user]\n{key}",
        becomes: Refused(
            "profile 'app' (~/.aws/config:4): web_identity_token_file '/run/tokens/app' cannot be combined with source_profile: a role has one source",
        ),
    },
];

/// The blocks that the situations are made of.
const BLOCKS: [(&str, &str); 9] = [
    ("{app}", "role_arn = arn:aws:iam::210987654321:role/App\n"),
    ("{hub}", "role_arn = arn:aws:iam::654321098765:role/Hub\n"),
    ("{key}", "aws_access_key_id = AKIAVU5ZKQEXAMPLEONE\naws_secret_access_key = notASecretOfAnyone\n"),
    ("{other}", "aws_access_key_id = AKIAVU5ZKQEXAMPLETWO\naws_secret_access_key = neitherASecret\n"),
    (
        "{temporary}",
        "aws_access_key_id = ASIAVU5ZKQEXAMPLEONE\naws_secret_access_key = notASecretOfAnyone\n\
         aws_session_token = notATokenOfAnyone\n",
    ),
    (
        "{sso}",
        "sso_start_url = https://acme.awsapps.com/start\nsso_region = eu-north-1\nsso_account_id = 210987654321\n\
         sso_role_name = Ops\n",
    ),
    ("{by session}", "sso_session = acme\nsso_account_id = 210987654321\nsso_role_name = Ops\n"),
    ("{session}", "[sso-session acme]\nsso_region = eu-north-1\nsso_start_url = https://acme.awsapps.com/start\n"),
    ("{login}", "login_session = arn:aws:iam::210987654321:user/sam\n"),
];

fn files(config: &str) -> AwsFiles {
    let config = BLOCKS.iter().fold(config.to_owned(), |text, (name, block)| text.replace(name, block));
    let choice = FileChoice { path: "/nowhere".into(), variable: None, is_missing: false };
    AwsFiles {
        config: AwsFile::from_bytes(FileKind::Config, "~/.aws/config".into(), config.into_bytes()).into(),
        credentials: AwsFile::from_bytes(FileKind::Credentials, "~/.aws/credentials".into(), Vec::new()).into(),
        config_choice: choice.clone(),
        credentials_choice: choice,
    }
}

/// What the profile 'app' becomes: the lines of its plan, or of its failure the first.
fn becomes(config: &str) -> Result<Vec<String>, String> {
    let (files, index) = (files(config), KeyIndex::default());
    let environment_key =
        Some(EnvironmentKey { id: "AKIAVU5ZKQEXAMPLEENV".into(), has_secret: true, has_token: false });
    let surroundings = Surroundings { person: "sam".into(), environment_key, ..Surroundings::default() };
    let sources = Sources { files: &files, index: &index, surroundings: &surroundings, suggests: true };
    let planned = plan(sources, &ProfileName::parse("app").unwrap());
    planned.map(|plan| lines(&plan)).map_err(|failure| failure.headline())
}

/// As people read it, and each external id, which they find among the settings.
fn lines(plan: &Plan) -> Vec<String> {
    let external_id = |step: &Step| match step {
        Step::AssumeRole { request, .. } => request.external_id.as_ref().map(|id| id.as_str().to_owned()),
        Step::Fetch { .. } | Step::SessionToken { .. } => None,
    };
    let mut lines: Vec<String> = plan.lines().map(ToString::to_string).collect();
    for id in plan.steps.iter().filter_map(external_id) {
        lines.last_mut().unwrap().push_str(&format!(", external id {id}"));
    }
    lines
}

/// Compares each; says how many became a chain.
#[track_caller]
fn chains(situations: &[Situation]) -> usize {
    let mut wrong = Vec::new();
    for Situation { name, config, becomes: expected } in situations {
        let found = becomes(config);
        let is_right = match (expected, &found) {
            (Chain(lines), Ok(found)) => lines == found,
            (Refused(line), Err(found)) => line == found,
            _ => false,
        };
        if !is_right {
            wrong.push(format!("{name}: {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ\n{}", wrong.len(), situations.len(), wrong.join("\n"));
    situations.iter().filter(|situation| matches!(situation.becomes, Chain(_))).count()
}

#[test]
fn the_chains_that_sdks_agree_on_are_ours_but_for_two() {
    // Of the SDKs' 28, 13 are chains: we refuse the instance's, and the one that gives no credentials.
    assert_eq!((chains(&SHARED), SHARED.len()), (11, 28));
}

#[test]
fn sources_that_came_later_are_chains_too() {
    assert_eq!((chains(&FURTHER), FURTHER.len()), (16, 21));
}

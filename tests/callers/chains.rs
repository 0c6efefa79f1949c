//! Chains of profiles, resolved by the real AWS CLI and by us from the same files (aws-contract 2.4).

use std::process::Stdio;

use serde_json::{Value, json};

use crate::adopted::python;
use crate::world::{ACCOUNT, Role, World, without_terminal};

/// One pair of files, and who profile `x` is by them: a user or role by name, or nobody with our exit code.
struct Case {
    name: &'static str,
    config: &'static str,
    credentials: &'static str,
    who: Result<&'static str, i32>,
}

const KEYS: &str = "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
                    aws_secret_access_key = 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\n";
/// The keys of `x` itself, and of another user besides.
const OWN_AND_BOB: &str = "[x]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
                           aws_secret_access_key = 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\n\
                           [bob]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = bobs/secret\n";

const fn case(
    name: &'static str,
    config: &'static str,
    credentials: &'static str,
    who: Result<&'static str, i32>,
) -> Case {
    Case { name, config, credentials, who }
}

/// `@Name` stands for the ARN of a role that needs no MFA.
const CASES: &[Case] = &[
    case("keys alone", "", OWN_AND_BOB, Ok("user/ana")),
    case(
        "keys in the config file",
        "[profile x]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = bobs/secret\n",
        "",
        Ok("user/bob"),
    ),
    case(
        "keys in both files: the credentials file wins",
        "[profile x]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = bobs/secret\n",
        OWN_AND_BOB,
        Ok("user/ana"),
    ),
    case("role above keys", "[profile x]\nrole_arn = @Top\nsource_profile = base\n", KEYS, Ok("assumed-role/Top")),
    case(
        "role whose session has a name",
        "[profile x]\nrole_arn = @Top\nsource_profile = base\nrole_session_name = named\n",
        KEYS,
        Ok("assumed-role/Top/named"),
    ),
    case(
        "role that wants an external id",
        "[profile x]\nrole_arn = @Partner\nsource_profile = base\nexternal_id = ex:1/2\n",
        KEYS,
        Ok("assumed-role/Partner"),
    ),
    case(
        "role that wants an external id, without it",
        "[profile x]\nrole_arn = @Partner\nsource_profile = base\n",
        KEYS,
        Err(4),
    ),
    case(
        "role above role above keys",
        "[profile x]\nrole_arn = @Top\nsource_profile = mid\n[profile mid]\nrole_arn = @Mid\nsource_profile = base\n",
        KEYS,
        Ok("assumed-role/Top"),
    ),
    case(
        "four roles",
        "[profile x]\nrole_arn = @Top\nsource_profile = c\n[profile c]\nrole_arn = @Mid\nsource_profile = b\n\
         [profile b]\nrole_arn = @Top\nsource_profile = a\n[profile a]\nrole_arn = @Mid\nsource_profile = base\n",
        KEYS,
        Ok("assumed-role/Top"),
    ),
    case(
        "itself as source, with keys",
        "[profile x]\nrole_arn = @Top\nsource_profile = x\n",
        OWN_AND_BOB,
        Ok("assumed-role/Top"),
    ),
    case("itself as source, without keys", "[profile x]\nrole_arn = @Top\nsource_profile = x\n", KEYS, Err(3)),
    case(
        "own keys and another's: the source signs",
        "[profile x]\nrole_arn = @OnlyBob\nsource_profile = bob\n",
        OWN_AND_BOB,
        Ok("assumed-role/OnlyBob"),
    ),
    case(
        "source with keys and a role: its keys sign, its role is ignored",
        "[profile x]\nrole_arn = @OnlyBob\nsource_profile = bob\n[profile bob]\nrole_arn = @Mid\nsource_profile = base\n",
        OWN_AND_BOB,
        Ok("assumed-role/OnlyBob"),
    ),
    case(
        "source with keys and a role whose own source is missing",
        "[profile x]\nrole_arn = @Top\nsource_profile = base\n[profile base]\nrole_arn = @Mid\nsource_profile = gone\n",
        KEYS,
        Ok("assumed-role/Top"),
    ),
    case(
        "source with keys and a role that makes a loop",
        "[profile x]\nrole_arn = @Top\nsource_profile = base\n[profile base]\nrole_arn = @Mid\nsource_profile = x\n",
        KEYS,
        Ok("assumed-role/Top"),
    ),
    case(
        "loop of two",
        "[profile x]\nrole_arn = @Top\nsource_profile = y\n[profile y]\nrole_arn = @Mid\nsource_profile = x\n",
        KEYS,
        Err(3),
    ),
    case(
        "loop further down",
        "[profile x]\nrole_arn = @Top\nsource_profile = y\n[profile y]\nrole_arn = @Mid\nsource_profile = z\n\
         [profile z]\nrole_arn = @Mid\nsource_profile = y\n",
        KEYS,
        Err(3),
    ),
    case("source that does not exist", "[profile x]\nrole_arn = @Top\nsource_profile = gone\n", KEYS, Err(3)),
    case(
        "source with half a key",
        "[profile x]\nrole_arn = @Top\nsource_profile = half\n",
        "[half]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
        Err(3),
    ),
    case(
        "source without anything",
        "[profile x]\nrole_arn = @Top\nsource_profile = e\n[profile e]\nregion = eu-west-1\n",
        KEYS,
        Err(3),
    ),
    case("role without a source", "[profile x]\nrole_arn = @Top\n", KEYS, Err(3)),
    case(
        "source profile and credential source",
        "[profile x]\nrole_arn = @Top\nsource_profile = base\ncredential_source = Environment\n",
        KEYS,
        Err(3),
    ),
    case("profile not found", "[profile y]\nrole_arn = @Top\nsource_profile = base\n", KEYS, Err(3)),
    case("section without the word profile", "[x]\nrole_arn = @Top\nsource_profile = base\n", KEYS, Err(3)),
    case(
        "role in the credentials file",
        "",
        "[x]\nrole_arn = @Top\nsource_profile = base\n[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
         aws_secret_access_key = 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\n",
        Ok("assumed-role/Top"),
    ),
    case(
        "role in both files: the credentials file wins",
        "[profile x]\nrole_arn = @Mid\nsource_profile = base\n",
        "[x]\nrole_arn = @Top\n[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
         aws_secret_access_key = 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\n",
        Ok("assumed-role/Top"),
    ),
    case(
        "default as source",
        "[profile x]\nrole_arn = @Top\nsource_profile = default\n",
        "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
         aws_secret_access_key = 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\n",
        Ok("assumed-role/Top"),
    ),
    case("role that is not there", "[profile x]\nrole_arn = @Gone\nsource_profile = base\n", KEYS, Err(4)),
    case(
        "role of an hour and a half below another",
        "[profile x]\nrole_arn = @Top\nsource_profile = mid\nduration_seconds = 5400\n\
         [profile mid]\nrole_arn = @Mid\nsource_profile = base\n",
        KEYS,
        Err(3),
    ),
    case(
        "role of an hour and a half straight from the keys",
        "[profile x]\nrole_arn = @Top\nsource_profile = base\nduration_seconds = 5400\n",
        KEYS,
        Ok("assumed-role/Top"),
    ),
];

fn world() -> World {
    let world = World::new();
    let bob = crate::world::NewUser {
        arn: format!("arn:aws:iam::{ACCOUNT}:user/bob"),
        access_key_id: Some("AKIAI44QH8DHBEXAMPLE".into()),
        secret_access_key: Some("bobs/secret".into()),
    };
    let bob = world.sandbox.add(bob).unwrap();
    for name in ["Top", "Mid"] {
        world.sandbox.add_role(Role { max_duration: 43_200, ..Role::trusting(ACCOUNT, name, "*") });
    }
    world.sandbox.add_role(Role { external_id: Some("ex:1/2".into()), ..Role::trusting(ACCOUNT, "Partner", "*") });
    world.sandbox.add_role(Role::trusting(ACCOUNT, "OnlyBob", &bob.arn));
    world
}

/// Writes a case's files and returns the variables that choose them.
fn files(world: &World, at: usize, case: &Case) -> Vec<(&'static str, String)> {
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/");
    let named =
        [("AWS_CONFIG_FILE", "config", case.config), ("AWS_SHARED_CREDENTIALS_FILE", "credentials", case.credentials)];
    let mut variables = Vec::new();
    for (variable, name, text) in named {
        let path = format!("cases/{at}/{name}");
        world.write(&path, &text.replace('@', &arn));
        variables.push((variable, world.home().join(path).to_str().unwrap().to_owned()));
    }
    variables.push(("AWS_ENDPOINT_URL_STS", world.sandbox.url().to_owned()));
    variables.push(("AWS_REGION", "eu-west-1".to_owned()));
    variables.push(("AWS_DEFAULT_REGION", "eu-west-1".to_owned()));
    variables
}

/// What the AWS CLI says of all cases; one Python for all of them, forked, so that it is loaded once.
fn asked_of_aws(world: &World) -> Vec<Value> {
    let asked: Vec<Value> = CASES
        .iter()
        .enumerate()
        .map(|(at, case)| json!(files(world, at, case).into_iter().collect::<std::collections::BTreeMap<_, _>>()))
        .collect();
    world.write("cases/asked.json", &json!(asked).to_string());
    let asked = std::fs::File::open(world.home().join("cases/asked.json")).unwrap();
    let mut command = python(world, "aws_cli_in_turn.py", &["sts", "get-caller-identity", "--profile", "x"]);
    command.stdin(Stdio::from(asked));
    without_terminal(&mut command);
    let ran = world.finish(&mut command);
    ran.json().as_array().unwrap().clone()
}

/// `user/ana`, `assumed-role/Top/named`; the session's name only where the profile gives one.
fn who(answer: &str, key: &str, named: bool) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let name = answer[key].as_str()?.rsplit_once(':')?.1.to_owned();
    let parts: Vec<&str> = name.split('/').take(if named { 3 } else { 2 }).collect();
    Some(parts.join("/"))
}

#[test]
fn aws_cli_and_we_become_the_same_or_both_refuse() {
    let world = world();
    let theirs = asked_of_aws(&world);
    let mut different = Vec::new();
    for (at, case) in CASES.iter().enumerate() {
        let named = case.config.contains("role_session_name");
        let ran = world.finish(world.twolock(["whoami", "x", "--json"]).envs(files(&world, at, case)));
        let ours = who(&ran.stdout, "arn", named).ok_or(ran.code);
        let aws = who(theirs[at]["stdout"].as_str().unwrap(), "Arn", named);
        if ours.as_deref() != case.who.as_ref().copied() || aws.as_deref() != case.who.ok() {
            let (their_words, our_words) = (&theirs[at]["stderr"], &ran.stderr);
            different.push(format!("{}: AWS CLI {aws:?} {their_words}, we {ours:?} {our_words}", case.name));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}

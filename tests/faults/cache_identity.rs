//! Which cached item serves whom, and what becomes of items that are damaged, moved or newer (P18, P29, F25, F49).

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use twolock_sandbox::SourceIdentity;

use crate::outcome::answer;
use crate::world::{ACCOUNT, CONFIG, DEPLOY, DEVICE, Role, World};

/// The sealed files and what they hold.
fn sealed(world: &World) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(world.cache()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths
        .filter(|p| p.extension().is_some_and(|e| e == "sealed"))
        .map(|p| (p.clone(), fs::read(p).unwrap()))
        .collect();
    found.sort();
    found
}

fn is_role(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).contains("\"kind\":\"role\"")
}

/// A world with a session and a role that takes whatever is sent along.
fn warm() -> World {
    let world = World::new();
    let user = format!("arn:aws:iam::{ACCOUNT}:user/ana");
    for name in ["Admin", "Other"] {
        let role = Role {
            require_mfa: true,
            allow_tags: true,
            source_identity: SourceIdentity::Allowed,
            max_duration: 43_200,
            ..Role::trusting(ACCOUNT, name, &user)
        };
        world.sandbox.add_role(role);
    }
    world.log_in("prod");
    world
}

/// Runs `prod` with these lines in its profile; what it printed, and how many calls it cost.
fn call(world: &World, lines: &str) -> (String, usize) {
    let url = world.sandbox.url();
    let role = if lines.contains("role_arn") { "" } else { "role_arn = arn:aws:iam::123456789012:role/Admin\n" };
    world.write(
        ".aws/config",
        &format!(
            "[profile base]\nregion = eu-west-1\nmfa_serial = {DEVICE}\nendpoint_url = {url}\n\
         [profile prod]\n{role}source_profile = base\nendpoint_url = {url}\n{lines}"
        ),
    );
    let before = world.sandbox.calls().len();
    let ran = answer(world, &mut world.twolock(["credential-process", "prod"]));
    assert_eq!(ran.code, 0, "{lines}: {ran:?}");
    (ran.stdout, world.sandbox.calls().len() - before)
}

#[test]
fn each_thing_that_shapes_the_credentials_makes_another_item_of_them() {
    let world = warm();
    let mut answers = BTreeSet::new();
    let first = call(&world, "");
    assert_eq!(first.1, 0, "cached by the login");
    answers.insert(first.0);
    for lines in [
        "role_arn = arn:aws:iam::123456789012:role/Other\n",
        "role_arn = arn:aws:iam::444455556666:role/Deploy\n",
        "external_id = contract-7\n",
        "external_id = contract-8\n",
        "role_session_name = somebody\n",
        "twolock_source_identity = ana.m\n",
        "twolock_tags = team=core\n",
        "twolock_tags = team=cores\n",
        "twolock_tags = tea=mcore\n",
        "twolock_tags = team=core, env=prod\n",
        "twolock_tags = team=core\ntwolock_transitive_tags = team\n",
        "twolock_policy_arns = arn:aws:iam::aws:policy/ReadOnlyAccess\n",
        "twolock_policy_arns = arn:aws:iam::aws:policy/PowerUserAccess\n",
    ] {
        let (answer, calls) = call(&world, lines);
        assert_eq!(calls, 1, "a new item: {lines}");
        assert!(answers.insert(answer.clone()), "{lines}");
        assert_eq!(call(&world, lines), (answer, 0), "and then its own: {lines}");
    }
    assert_eq!(world.sandbox.count("GetSessionToken"), 1, "one session below them all");
}

#[test]
fn region_and_duration_make_no_other_item() {
    let world = warm();
    let first = call(&world, "").0;
    for lines in [
        "region = ap-southeast-2\n",
        "region = us-east-1\n",
        "duration_seconds = 900\n",
        "duration_seconds = 3600\n",
        "output = json\n",
        "cli_pager =\n",
        "twolock_session_duration = 1h\n",
    ] {
        assert_eq!(call(&world, lines), (first.clone(), 0), "{lines}");
    }
    let region = world.twolock(["credential-process", "prod"]).env("AWS_REGION", "sa-east-1").output().unwrap();
    assert_eq!(world.read(&region).stdout, first);
}

#[test]
fn another_key_device_or_endpoint_is_another_session() {
    let world = warm();
    let cold = |config: &str, credentials: Option<&str>| {
        world.write(".aws/config", config);
        if let Some(text) = credentials {
            world.write(".aws/credentials", text);
        }
        let ran = answer(&world, &mut world.twolock(["credential-process", "prod"]));
        assert_eq!((ran.code, ran.stdout.as_str()), (9, ""), "{config}: {ran:?}");
    };
    let url = world.sandbox.url().to_owned();
    let config = CONFIG.replace("{url}", &url);
    cold(&config.replace(DEVICE, "arn:aws:iam::123456789012:mfa/phone"), None);
    cold(&config.replace(&url, &url.replace("127.0.0.1", "localhost")), None);
    cold(&config.replace(&format!("endpoint_url = {url}"), ""), None);
    cold(&config, Some("[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPL2\naws_secret_access_key = other\n"));
    world.write(".aws/credentials", crate::world::CREDENTIALS);
    assert_eq!(answer(&world, &mut world.twolock(["credential-process", "prod"])).code, 0);
}

#[test]
fn swapped_renamed_and_restored_files_serve_nobody() {
    let world = warm();
    world.write(".aws/config", CONFIG);
    let prod = world.run(["credential-process", "prod"]);
    let deploy = world.run(["credential-process", "deploy"]);
    assert_eq!((prod.code, deploy.code), (0, 0));
    let roles: Vec<_> = sealed(&world).into_iter().filter(|(_, bytes)| is_role(bytes)).collect();
    let [(first, first_bytes), (second, second_bytes)] = &roles[..] else { panic!("{}", roles.len()) };
    let before = world.sandbox.count("AssumeRole");
    fs::write(first, second_bytes).unwrap();
    fs::write(second, first_bytes).unwrap();
    for profile in ["prod", "deploy"] {
        let ran = answer(&world, &mut world.twolock(["credential-process", profile]));
        let account = if profile == "prod" { ACCOUNT } else { &DEPLOY[13..25] };
        assert_eq!(ran.json()["AccountId"], account, "{profile}");
    }
    assert_eq!(world.sandbox.count("AssumeRole"), before + 2, "both were misses, and replaced");

    // A file of before the sealing key was forgotten opens for nobody.
    let old = sealed(&world);
    assert_eq!(world.run(["logout", "--all"]).code, 0);
    old.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    for (path, _) in &old {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    let ran = answer(&world, &mut world.twolock(["credential-process", "prod"]));
    assert_eq!(ran.code, 9, "{ran:?}");
}

#[test]
fn a_damaged_role_is_a_miss_and_replaced_whatever_the_damage() {
    let world = warm();
    world.write(".aws/config", CONFIG);
    assert_eq!(world.run(["credential-process", "prod"]).code, 0);
    let (path, good) = sealed(&world).into_iter().find(|(_, bytes)| is_role(bytes)).unwrap();
    let header = good.iter().position(|byte| *byte == b'\n').unwrap();
    let with = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let text = |from: &str, to: &str| {
        let (line, rest) = good.split_at(header);
        let line = String::from_utf8(line.to_vec()).unwrap();
        assert!(line.contains(from), "{line}");
        [line.replace(from, to).as_bytes(), rest].concat()
    };
    let damages: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("one byte", good[..1].to_vec()),
        ("half the header", good[..header / 2].to_vec()),
        ("the header without its end", good[..header].to_vec()),
        ("the header alone", good[..=header].to_vec()),
        ("half a nonce", good[..header + 12].to_vec()),
        ("no secret", good[..header + 25].to_vec()),
        ("the last byte is missing", good[..good.len() - 1].to_vec()),
        ("one byte more", [&good[..], b"x"].concat()),
        ("a bit in the nonce", with(header + 3)),
        ("a bit in the secret", with(good.len() - 40)),
        ("a bit in the tag", with(good.len() - 1)),
        ("random bytes", (0..500_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()),
        ("a megabyte", vec![b'{'; 1 << 20]),
        ("another account", text(ACCOUNT, "444455556666")),
        ("a longer life", text("\"asked\":3600", "\"asked\":9600")),
        ("another profile", text("\"profile\":\"prod\"", "\"profile\":\"prox\"")),
        ("no version", text("\"v\":1", "\"w\":1")),
        ("a newer version", text("\"v\":1", "\"v\":2")),
        ("not an object", b"[]\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".to_vec()),
    ];
    for (what, bytes) in damages {
        let before = world.sandbox.count("AssumeRole");
        fs::write(&path, &bytes).unwrap();
        let ran = answer(&world, &mut world.twolock(["credential-process", "prod"]));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{what}: {ran:?}");
        assert_eq!(world.sandbox.count("AssumeRole"), before + 1, "{what} was served");
        assert_eq!(world.run(["credential-process", "prod"]).stdout, ran.stdout, "{what}: replaced");
        assert_eq!(world.sandbox.count("AssumeRole"), before + 1, "{what} was replaced");
        assert_eq!(world.run(["status"]).code, 0, "{what}");
    }
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
#[ignore = "long: one run for each length of a sealed file"]
fn a_role_truncated_at_every_length_is_a_miss() {
    let world = warm();
    world.write(".aws/config", CONFIG);
    assert_eq!(world.run(["credential-process", "prod"]).code, 0);
    let (path, good) = sealed(&world).into_iter().find(|(_, bytes)| is_role(bytes)).unwrap();
    for length in (0..good.len()).step_by(7) {
        let before = world.sandbox.count("AssumeRole");
        fs::write(&path, &good[..length]).unwrap();
        let ran = answer(&world, &mut world.twolock(["credential-process", "prod"]));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{length}: {ran:?}");
        assert_eq!(world.sandbox.count("AssumeRole"), before + 1, "{length}");
    }
}

#[test]
fn a_damaged_session_is_a_miss_and_asks_again() {
    let world = warm();
    world.write(".aws/config", CONFIG);
    let (path, good) = sealed(&world).into_iter().find(|(_, bytes)| !is_role(bytes)).unwrap();
    for length in [0, good.len() / 2, good.len() - 1] {
        fs::write(&path, &good[..length]).unwrap();
        let ran = answer(&world, &mut world.twolock(["credential-process", "base"]));
        assert_eq!((ran.code, ran.stdout.as_str()), (9, ""), "{length}: {ran:?}");
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(answer(&world, &mut world.twolock(["credential-process", "base"])).code, 0);
}

#[test]
fn one_sealed_file_of_a_home_serves_no_other_home() {
    let world = warm();
    world.write(".aws/config", CONFIG);
    let other = World::new();
    fs::create_dir_all(other.cache()).unwrap();
    for (path, bytes) in sealed(&world) {
        fs::write(other.cache().join(path.file_name().unwrap()), bytes).unwrap();
    }
    other.write(".aws/config", &CONFIG.replace("{url}", world.sandbox.url()));
    let ran = answer(&other, &mut other.twolock(["credential-process", "prod"]));
    assert_eq!((ran.code, ran.stdout.as_str()), (9, ""), "{ran:?}");
}

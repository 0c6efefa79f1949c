//! Misspelled headers, keys, values and settings are reported, never ignored.

use serde_json::Value;

use crate::profile_edit::{config_of, credentials_of};
use crate::world::{CONFIG, CREDENTIALS, Ran, World};

const ROLE: &str = "role_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\n";
const SERIAL: &str = "mfa_serial = arn:aws:iam::123456789012:mfa/ana\n";

fn with_config(text: &str) -> World {
    let world = World::new();
    world.write(".aws/config", text);
    world
}

impl World {
    fn ran(&self, args: &[&str]) -> Ran {
        self.finish(&mut self.twolock(args))
    }

    /// File, line and fix of every finding of a check.
    fn found_by(&self, check: &str) -> Vec<String> {
        let (_, findings) = self.findings(&[]);
        let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_string();
        let of = |f: &Value| format!("{}:{}: {}: {}", text(f, "file"), f["line"], text(f, "what"), text(f, "fix"));
        findings.iter().filter(|finding| finding["check"] == check).map(of).collect()
    }
}

#[test]
fn a_profile_below_a_nearly_right_header_is_not_found_with_line_and_what_to_write() {
    for (header, right) in [
        ("[prod]", "[profile prod]"),
        ("[Profile prod]", "[profile prod]"),
        ("[profiles prod]", "[profile prod]"),
        ("[profile prod", "[profile prod]"),
        ("[profile/prod]", "[profile prod]"),
        ("[(profile prod)]", "[profile prod]"),
    ] {
        let world = with_config(&format!("# mine\n{header}\n{ROLE}"));
        let error = format!(
            "twolock: error: profile 'prod' (~/.aws/config:2): not found: '{header}' is not a profile header: \
             write '{right}'\n"
        );
        for args in [
            &["login", "prod"][..],
            &["credential-process", "prod"],
            &["exec", "prod", "--", "true"],
            &["profile", "show", "prod"],
            &["profile", "set", "prod", "region", "eu-west-1", "--yes"],
            &["profile", "adopt", "prod", "--yes"],
            &["profile", "remove", "prod", "--yes"],
        ] {
            world.ran(args).is(3, "", &error);
        }
        world.run(["env", "prod", "--shell", "sh"]).is(3, "false;\n", &error);
        assert_eq!(
            world.found_by("section-header"),
            [format!("~/.aws/config:2: '{header}' is not a profile header: write '{right}'")]
        );
    }
}

#[test]
fn a_key_below_profile_prod_in_the_credentials_file_is_named() {
    let world = with_config("");
    world.write(".aws/credentials", "[profile prod]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n");
    world.run(["login", "prod"]).is(
        3,
        "",
        "twolock: error: profile 'prod' (~/.aws/credentials:1): not found: '[profile prod]' is not a profile header: write '[prod]'\n",
    );
}

#[test]
fn a_source_below_a_nearly_right_header_is_named() {
    let world = with_config(&format!("[profile prod]\n{}[base2]\nregion = eu-west-1\n", ROLE.replace("base", "base2")));
    world.run(["login", "prod"]).is(
        3,
        "",
        "twolock: error: profile 'prod' (~/.aws/config:3): source_profile 'base2' does not exist (~/.aws/config:4: \
         '[base2]' is not a profile header: write '[profile base2]')\n",
    );
}

#[test]
fn a_device_in_a_section_that_nobody_reads_ends_every_verb_that_would_make_a_session() {
    let world = with_config(&format!("[base]\n{SERIAL}[profile prod]\n{ROLE}"));
    let error = "twolock: error: profile 'base' (~/.aws/config:2): mfa_serial has no effect under '[base]', which is not a profile header: write '[profile base]'\n";
    for profile in ["base", "prod"] {
        for args in [
            &["login", profile][..],
            &["credential-process", profile],
            &["exec", profile, "--", "true"],
            &["whoami", profile],
            &["profile", "adopt", profile, "--yes"],
        ] {
            world.ran(args).is(3, "", error);
        }
        world.run(["env", profile, "--shell", "sh"]).is(3, "false;\n", error);
    }
    assert_eq!(world.sandbox.count("GetSessionToken") + world.sandbox.count("AssumeRole"), 0);
    let shown = world.run(["profile", "show", "base"]);
    let ignored = "ignored by AWS tools\n  ~/.aws/config:1: '[base]' is not a profile header: write '[profile base]'\n";
    assert!(shown.code == 0 && shown.stdout.contains(ignored), "{shown:?}");
}

#[test]
fn a_device_under_a_misspelled_key_ends_every_verb_that_would_make_a_session_and_the_hint_sets_it() {
    for key in ["mfa-serial", "mfa_seria", "mfaserial", "MFA_Serials"] {
        let world = with_config(&format!("[profile base]\n{}", SERIAL.replace("mfa_serial", key)));
        let key = key.to_lowercase();
        let error = format!(
            "twolock: error: profile 'base' (~/.aws/config:2): {key} has no effect, so there would be no MFA: rename \
             it to 'mfa_serial'\ntwolock: hint: twolock profile set base mfa_serial \
             arn:aws:iam::123456789012:mfa/ana && twolock profile unset base {key}\n"
        );
        for args in [&["login", "base"][..], &["exec", "base", "--", "true"], &["profile", "adopt", "base", "--yes"]] {
            world.ran(args).is(3, "", &error);
        }
        assert_eq!(world.sandbox.count("GetSessionToken"), 0);
        for args in [
            &["set", "base", "mfa_serial", "arn:aws:iam::123456789012:mfa/ana", "--yes"][..],
            &["unset", "base", &key, "--yes"],
        ] {
            assert_eq!(world.ran(&[&["profile"], args].concat()).code, 0);
        }
        assert_eq!(config_of(&world), format!("[profile base]\n{SERIAL}"));
    }
}

#[test]
fn a_misspelled_device_below_a_nearly_right_header_has_no_effect_either() {
    let world = with_config(&format!("[Profile base]\n{}", SERIAL.replace('_', "-")));
    world.run(["login", "base"]).is(
        3,
        "",
        "twolock: error: profile 'base' (~/.aws/config:2): mfa-serial has no effect under '[Profile base]', which is not a profile header: write '[profile base]'\n",
    );
}

#[test]
fn a_session_without_mfa_names_the_misspelled_key_whose_value_is_no_device() {
    let world = with_config("[profile base]\nregion = eu-west-1\nmfa-serial = ana\nendpoint_url = {url}\n");
    let ran = world.run(["exec", "base", "--", "true"]);
    let note = "twolock: note: profile 'base': no mfa_serial, so this session has no MFA and AWS will reject IAM \
                calls; did you mean 'mfa_serial' instead of 'mfa-serial' (~/.aws/config:3)?\n";
    ran.is(0, "", note);
}

#[test]
fn beside_the_profile_itself_its_lines_are_to_be_moved_and_its_own_device_counts() {
    let world = World::new();
    world.add_config(&format!("[base]\n{SERIAL}"));
    assert_eq!(
        world.found_by("section-header"),
        ["~/.aws/config:24: '[base]' is not a profile header: move the lines under it to '[profile base]' on line 1"]
    );
    world.log_in("base");
}

#[test]
fn sections_that_are_right_and_those_of_other_programs_are_no_findings() {
    let world = World::new();
    world.add_config(
        "[plugins]\ncli_legacy_plugin_path = x\n[preview]\nsdb = true\n[toplevel]\nregion = x\n[sso-session corp]\n\
         sso_region = eu-west-1\n[services dev]\ns3 =\n  endpoint_url = http://localhost\n[mytool]\ncolor = blue\n",
    );
    assert_eq!(world.found_by("section-header"), [""; 0]);
}

#[test]
fn a_file_that_the_aws_cli_cannot_read_is_not_edited_and_its_line_is_named() {
    let wide: Vec<u8> = b"\xFF\xFE".iter().copied().chain(CONFIG.bytes().flat_map(|byte| [byte, 0])).collect();
    let twice = [CONFIG.as_bytes(), b"[profile prod]\nregion = eu-west-1\n"].concat();
    let binary = [b"\x7FELF\x02\0\x01\0\n", CONFIG.as_bytes()].concat();
    for (bytes, at, what) in
        [(&wide, 1, "UTF-16 text"), (&twice, 23, "a duplicate section"), (&binary, 1, "binary data or UTF-16 text")]
    {
        let world = World::new();
        std::fs::write(world.home().join(".aws/config"), bytes).unwrap();
        let found = world.found_by("file-grammar");
        assert!(
            found.iter().any(|finding| finding.starts_with(&format!("~/.aws/config:{at}: ")) && finding.contains(what)),
            "{found:?}"
        );
        for args in [
            &["set", "base", "region", "us-east-1", "--yes"][..],
            &["unset", "deploy", "region", "--yes"],
            &["rename", "base", "root", "--yes"],
            &["remove", "deploy", "--yes"],
            &["add", "new", "--role-arn", "arn:aws:iam::123456789012:role/R", "--source-profile", "base", "--yes"],
        ] {
            let ran = world.ran(&[&["profile"], args].concat());
            let place = format!("~/.aws/config:{at}");
            let said = ran.stderr.contains(&place) && ran.stderr.contains(what);
            assert!(ran.code == 3 && said, "{args:?}: {ran:?}");
            assert_eq!(&std::fs::read(world.home().join(".aws/config")).unwrap(), bytes, "{args:?}");
        }
    }
}

#[test]
fn an_edit_that_removes_the_cause_is_made() {
    let world = with_config("[profile prod]\nregion = a\n[profile q]\nregion = b\n[profile prod]\noutput = json\n");
    let ran = world.run(["profile", "set", "q", "region", "us-east-1", "--yes"]);
    ran.is(
        3,
        "",
        "twolock: error: profile 'q' (~/.aws/config:5): will not edit this file, because the AWS CLI cannot read it: a \
         duplicate section\ntwolock: hint: move the lines under this header to the first section with this name, and remove this header, then run this again\n",
    );
    assert_eq!(world.run(["profile", "remove", "prod", "--yes"]).code, 0);
    assert_eq!(config_of(&world), "[profile q]\nregion = b\n");
    assert_eq!(world.run(["profile", "set", "q", "region", "us-east-1", "--yes"]).code, 0);
}

#[test]
fn a_profile_is_removed_from_a_file_that_then_holds_only_a_comment_with_a_nul() {
    let world = with_config("[profile prod]\nregion = a\n\n# a comment\0\n");
    assert_eq!(world.run(["profile", "remove", "prod", "--yes"]).code, 0);
    assert_eq!(config_of(&world), "# a comment\0\n");
}

#[test]
fn a_key_or_value_that_is_nearly_right_is_refused_with_what_was_meant() {
    let world = World::new();
    let unknown = |key: &str, meant: &str| format!("unknown key '{key}'\ntwolock: hint: did you mean '{meant}'?");
    for (key, value, error) in [
        ("regoin", "eu-west-1", unknown("regoin", "region")),
        ("MFA-Serial", "x", unknown("mfa-serial", "mfa_serial")),
        ("twolock_sesion_duration", "8h", unknown("twolock_sesion_duration", "twolock_session_duration")),
        ("session_duration", "8h", unknown("session_duration", "twolock_session_duration")),
        ("output", "tabel", "output 'tabel' is not an output format: did you mean 'table'?".into()),
        (
            "output",
            "spreadsheet",
            "output 'spreadsheet' is not an output format (use json, text, table, yaml, yaml-stream, off)".into(),
        ),
        (
            "mfa_serial",
            "arn:aws:iam::123456789012:u2f/user/ana/key-ABC",
            "mfa_serial arn:aws:iam::123456789012:u2f/user/ana/key-ABC is a FIDO key or passkey; STS accepts only codes \
             from virtual and hardware token devices\ntwolock: hint: add an authenticator app to the same user: \
             twolock mfa enroll prod"
                .into(),
        ),
    ] {
        let ran = world.run(["profile", "set", "prod", key, value, "--yes"]);
        ran.is(2, "", &format!("twolock: error: profile 'prod': {error}\n"));
    }
    world.run(["profile", "set", "base", "twolock_protected", "true", "--yes"]).is(
        2,
        "",
        "twolock: error: profile 'base': twolock_protected is for roles, and this profile has none\n",
    );
    let ran = world.run(["profile", "set", "prod", "twolock_nonsense", "x", "--yes"]);
    let hint = "hint: the keys of twolock: twolock_key_max_age, twolock_policy_arns, twolock_protected, ";
    assert!(
        ran.code == 2 && ran.stderr.contains("unknown key 'twolock_nonsense'") && ran.stderr.contains(hint),
        "{ran:?}"
    );
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), CREDENTIALS.into()));
    assert_eq!(world.run(["profile", "set", "prod", "their_key", "x", "--yes"]).code, 0, "another program's key");
}

#[test]
fn the_duration_of_a_role_is_noted_where_there_is_no_role() {
    let world = World::new();
    let note =
        "duration_seconds has no effect without a role; twolock_session_duration sets how long an MFA session lasts";
    let ran = world.run(["profile", "set", "base", "duration_seconds", "3600", "--yes"]);
    assert!(ran.code == 0 && ran.stdout.contains(&format!("note: {note}\n")), "{ran:?}");
    assert_eq!(
        world.found_by("profile-key"),
        [format!("~/.aws/config:5: {note}: twolock profile unset base duration_seconds")]
    );
}

#[test]
fn the_duration_of_a_session_is_noted_where_the_key_is_another_profiles() {
    let world = World::new();
    let note = "twolock_session_duration has no effect on a role: set it in the profile with the access key; \
                duration_seconds sets how long a role lasts";
    let ran = world.run(["profile", "set", "prod", "twolock_session_duration", "8h", "--yes"]);
    assert!(ran.code == 0 && ran.stdout.contains(&format!("note: {note}\n")), "{ran:?}");
    let shown = world.run(["profile", "show", "prod"]).stdout;
    assert!(shown.contains(&format!("  note: {note}\n")), "{shown}");
    let [found] = &world.found_by("profile-key")[..] else { panic!("one finding") };
    assert!(found.ends_with(&format!("{note}: twolock profile unset prod twolock_session_duration")), "{found}");
    assert_eq!(world.run(["profile", "set", "base", "twolock_session_duration", "8h", "--yes"]).code, 0);
    assert_eq!(world.found_by("profile-key").len(), 1, "where the key is, it has an effect");
}

#[test]
fn a_key_and_its_value_in_one_word_are_answered_with_two() {
    let world = World::new();
    for (arguments, word, command) in [
        (&["settings", "set", "min_ttl=5m"][..], "min_ttl=5m", "twolock settings set min_ttl 5m"),
        (
            &["profile", "set", "prod", "region=eu-west-1"],
            "region=eu-west-1",
            "twolock profile set prod region eu-west-1",
        ),
    ] {
        let said = format!("twolock: error: '{word}' should be two words; run: {command}\n");
        let ran = world.finish(&mut world.twolock(arguments.iter().copied()));
        assert_eq!((ran.code, ran.stderr), (2, said));
    }
}

#[test]
fn a_profile_without_a_key_is_not_made_its_own_source() {
    let world = World::new();
    for key in ["source_profile", "twolock_source_profile"] {
        let said = format!(
            "twolock: error: profile 'prod': {key} cannot be 'prod' itself, which has no access key: name the profile that \
             has it\n"
        );
        let ran = world.run(["profile", "set", "prod", key, "prod", "--yes"]);
        assert_eq!((ran.code, ran.stderr), (2, said));
    }
    assert_eq!(config_of(&world), CONFIG);
    assert_eq!(world.run(["profile", "set", "base", "source_profile", "base", "--yes"]).code, 0, "it has a key");
}

#[test]
fn doctor_finds_keys_and_values_that_nobody_reads_and_its_fix_works() {
    let world = World::new();
    world.add_config(&format!(
        "[profile odd]\n{ROLE}regoin = eu-west-1\nouput = tabel\ntwolock_protected = true\ntwolock_nonsense = 1\n\
         output = tabel\n[profile fido]\n{ROLE}mfa_serial = arn:aws:iam::123456789012:u2f/user/ana/key-ABC\n"
    ));
    assert_eq!(
        world.found_by("profile-key"),
        [
            "~/.aws/config:30: unknown key 'twolock_nonsense': twolock profile unset odd twolock_nonsense",
            "~/.aws/config:31: output 'tabel' is not an output format: did you mean 'table'?: twolock profile unset odd output",
            "~/.aws/config:27: unknown key 'regoin': twolock profile set odd region eu-west-1 && twolock profile unset odd regoin",
            "~/.aws/config:28: unknown key 'ouput': twolock profile unset odd ouput",
        ]
    );
    let plan = world.found_by("plan");
    assert!(plan.iter().any(|finding| finding.contains("FIDO key or passkey")), "{plan:?}");
    for args in [&["set", "odd", "region", "eu-west-1", "--yes"][..], &["unset", "odd", "regoin", "--yes"]] {
        assert_eq!(world.ran(&[&["profile"], args].concat()).code, 0);
    }
    assert!(config_of(&world).contains("twolock_nonsense = 1\noutput = tabel\nregion = eu-west-1\n"));
}

#[test]
fn a_fix_of_doctor_neither_deletes_a_secret_nor_sets_a_value_that_is_refused() {
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let world = World::new();
    world.write(
        ".aws/config",
        &format!(
            "[profile odd]\ncredential_proces = show {SECRET}\nmfa_proces = {SECRET}\n\
             twolock_sesion_duration = 12345678secret1\nmfa-serial = !x\nregion = \"!x\"\ntwolock_secret = x\n\
             regions = {SECRET}\n[profile -x]\nregoin = eu-west-1\n[profile a\u{202e}b]\nregoin = eu-west-1\n"
        ),
    );
    world.write(".aws/credentials", &format!("[odd]\naws_acces_key_id = AKIA\naws_secret_acces_key = {SECRET}\n"));
    assert_eq!(
        world.found_by("profile-key"),
        [
            "~/.aws/config:2: unknown key 'credential_proces': rename this key in line 2 to 'credential_process'",
            "~/.aws/config:3: unknown key 'mfa_proces': rename this key in line 3 to 'mfa_process'",
            "~/.aws/config:4: unknown key 'twolock_sesion_duration': rename this key in line 4 to 'twolock_session_duration'",
            "~/.aws/config:5: unknown key 'mfa-serial': rename this key in line 5 to 'mfa_serial'",
            "~/.aws/config:6: region '\"!x\"' is not a valid region name (lower-case letters, digits and '-', like eu-west-1); the quotes are read as part of the value: remove them: twolock profile unset odd region",
            "~/.aws/config:7: unknown key 'twolock_secret': edit ~/.aws/config:7",
            "~/.aws/config:8: unknown key 'regions': edit ~/.aws/config:8",
            "~/.aws/credentials:2: unknown key 'aws_acces_key_id': rename this key in line 2 to 'aws_access_key_id'",
            "~/.aws/credentials:3: unknown key 'aws_secret_acces_key': rename this key in line 3 to 'aws_secret_access_key'",
            "~/.aws/config:10: unknown key 'regoin': twolock profile set -- -x region eu-west-1 && twolock profile unset -- -x regoin",
            "~/.aws/config:12: unknown key 'regoin': rename this key in line 12 to 'region'",
        ]
    );
    let set = ["profile", "set", "--yes", "--", "-x", "region", "eu-west-1"];
    for args in [&set[..], &["profile", "unset", "--yes", "--", "-x", "regoin"]] {
        assert_eq!(world.ran(args).code, 0, "{args:?}");
    }
}

#[test]
fn a_name_in_config_toml_that_is_no_setting_is_named_with_its_line() {
    let world = World::new();
    world.write(".config/twolock/config.toml", "sesion_duration = \"8h\"\n[alias]\np = \"prod\"\n[nonsense]\n");
    assert_eq!(
        world.found_by("unknown-setting"),
        [
            "~/.config/twolock/config.toml:1: unknown setting 'sesion_duration': write 'session_duration'",
            "~/.config/twolock/config.toml:2: unknown setting 'alias': write 'aliases'",
            "~/.config/twolock/config.toml:4: unknown setting 'nonsense': remove it",
        ]
    );
    world.run(["settings", "set", "sesion_duration", "8h"]).is(
        2,
        "",
        "twolock: error: unknown setting 'sesion_duration'\ntwolock: hint: did you mean 'session_duration'?\n",
    );
}

#[test]
fn an_alias_to_nothing_or_hidden_by_a_profile_is_noted_when_it_is_set() {
    let world = World::new();
    for (alias, profile, line, note) in [
        ("p", "prodd", 2, "profile 'prodd' does not exist yet; did you mean 'prod'?"),
        ("p", "nothing-like-it", 2, "profile 'nothing-like-it' does not exist yet"),
        ("base", "prod", 3, "alias 'base' is not used: a profile has this name"),
    ] {
        world.run(["settings", "set", &format!("aliases.{alias}"), profile]).is(
            0,
            &format!("aliases.{alias} is {profile} (~/.config/twolock/config.toml:{line})\n"),
            &format!("twolock: note: {note}\n"),
        );
    }
    world.run(["settings", "set", "aliases.p", "prod"]).is(
        0,
        "aliases.p is prod (~/.config/twolock/config.toml:2)\n",
        "",
    );
}

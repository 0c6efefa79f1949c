//! `mfa …`: devices listed, enrolled on a terminal, synchronized and removed. Killed anywhere: `tests/faults/enrollments.rs`.

use twolock_sandbox::Policy;

use crate::world::{DEVICE, Fault, FaultKind, KEY_ID, Options, Ran, Terminal, World, eventually, make_runnable};

const ANA: &str = "arn:aws:iam::123456789012:user/ana";
const SECOND: &str = "arn:aws:iam::123456789012:mfa/ana-2";
const FOR_A_SCRIPT: &str = "twolock: hint: for a script: set mfa_process of the profile, and add --seed-to and --yes: \
                            mfa_process then prints the codes\n";
const RECORD: &str = ".local/share/twolock/enrollments.json";

/// Ana has a device, and no profile names it.
fn world() -> World {
    with(Options::default())
}

fn with(options: Options) -> World {
    let world = World::with(options);
    world.write(".aws/config", "[profile base]\nregion = eu-west-1\nendpoint_url = {url}\n");
    world
}

fn config(world: &World) -> String {
    std::fs::read_to_string(world.home().join(".aws/config")).unwrap()
}

fn names(world: &World, serial: &str) -> bool {
    config(world).contains(&format!("mfa_serial = {serial}\n"))
}

/// The codes that a device shows now and next.
fn two_codes(world: &World, serial: &str) -> [String; 2] {
    [0, 30].map(|later| world.sandbox.code_at(serial, world.sandbox.now() + later).expect("the device exists"))
}

fn type_two_codes(world: &World, terminal: &mut Terminal, serial: &str) {
    let [first, second] = two_codes(world, serial);
    terminal.types(&format!("{first}\n"));
    terminal.sees("second code, the next one: ");
    terminal.types(&format!("{second}\n"));
}

/// Starts an enrollment, up to the question for the first code.
fn enrolling(world: &World, more: &[&str]) -> Terminal {
    let mut terminal = world.on_terminal([&["mfa", "enroll", "base"], more].concat());
    terminal.sees("enroll? [y/N] ");
    terminal.types("y\n");
    terminal.sees("first code (");
    terminal
}

fn enroll(world: &World, serial: &str) -> Ran {
    let mut terminal = enrolling(world, &[]);
    type_two_codes(world, &mut terminal, serial);
    world.tidy(terminal.end())
}

/// Types each answer once the question for it is there.
fn type_slowly(terminal: &mut Terminal, answers: &[&str]) {
    for (at, answer) in answers.iter().enumerate() {
        if at > 0 {
            terminal.sees("an empty line cancels; first code (");
        }
        terminal.types(answer);
    }
}

/// Has a real decoder read the picture that a terminal shows: each cell is two modules, one above the other.
fn scanned(shown: &str) -> String {
    let rows = shown.split("\x1b[0;30;47;107m").skip(1).filter_map(|row| row.split("\x1b[0m").next());
    decoded(&rows.map(String::from).collect::<Vec<_>>())
}

fn decoded(rows: &[String]) -> String {
    let side = rows[0].chars().count();
    assert!(rows.len() <= 23 && side <= 80 && rows.iter().all(|row| row.chars().count() == side), "{rows:?}");
    const SCALE: usize = 6;
    let mut image = format!("P5 {} {} 255\n", side * SCALE, rows.len() * 2 * SCALE).into_bytes();
    for row in rows {
        for is_lower in [false, true] {
            let dark = |c: char| matches!((c, is_lower), ('█', _) | ('▀', false) | ('▄', true));
            let line: Vec<u8> = row.chars().flat_map(|c| [if dark(c) { 0 } else { 255 }; SCALE]).collect();
            (0..SCALE).for_each(|_| image.extend(&line));
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("qr.pgm");
    std::fs::write(&file, image).unwrap();
    let output = std::process::Command::new("zbarimg").args(["-q", "--raw"]).arg(file).output();
    String::from_utf8(output.expect("zbarimg runs: tests/run installs it").stdout).unwrap().trim_end().to_owned()
}

#[test]
fn every_device_is_listed_with_its_kind_and_the_profiles_that_name_it() {
    let world = World::new();
    world.sandbox.add_passkey(ANA, "laptop").unwrap();
    world.sandbox.add_device_as(ANA, "GAHT12345678", "JBSWY3DPEHPK3PXP").unwrap();
    let ran = world.run(["mfa", "devices", "prod"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let lines: Vec<Vec<&str>> =
        ran.stdout.lines().map(|line| line.split("  ").filter(|cell| !cell.is_empty()).collect()).collect();
    assert_eq!(
        lines[0].iter().map(|cell| cell.trim()).collect::<Vec<_>>(),
        ["DEVICE", "KIND", "AGE", "PROFILES", "ARN"]
    );
    for (name, kind, profiles, serial) in [
        ("ana", "app", "base", DEVICE),
        ("GAHT12345678", "hardware token", "-", "GAHT12345678"),
        (
            "laptop-EXAMPLE2GXQKBJ4ACMHCYAKRG4",
            "passkey (not for STS)",
            "-",
            "arn:aws:iam::123456789012:u2f/user/ana/laptop-EXAMPLE2GXQKBJ4ACMHCYAKRG4",
        ),
    ] {
        let row: Vec<&str> = lines
            .iter()
            .find(|row| row[0].trim() == name)
            .unwrap_or_else(|| panic!("{ran:?}"))
            .iter()
            .map(|cell| cell.trim())
            .collect();
        assert_eq!(row, [name, kind, "today", profiles, serial]);
    }
    let json = world.run(["mfa", "devices", "base", "--json"]).json();
    assert_eq!(json["user"], ANA);
    let ana = json["devices"].as_array().unwrap().iter().find(|device| device["serial"] == DEVICE).unwrap();
    assert_eq!(
        (&ana["kind"], &ana["codes_for_sts"], &ana["used"]),
        (&"app".into(), &true.into(), &true.into()),
        "{json}"
    );
    assert_eq!(ana["profiles"], serde_json::json!(["base"]));
    assert_eq!(world.sandbox.count("GetSessionToken"), 0, "nobody was asked");
}

#[test]
fn a_user_without_a_device_or_with_a_passkey_alone_is_told_how_to_get_one() {
    let world = world();
    world.run(["mfa", "remove", "base", "ana", "--force", "--yes"]);
    world.run(["mfa", "devices", "base"]).is(
        0,
        "user ana has no MFA device; to create one: twolock mfa enroll base\n",
        "",
    );
    let passkey = world.sandbox.add_passkey(ANA, "laptop").unwrap();
    world.add_config(&format!("mfa_serial = {passkey}\n"));
    let ran = world.run(["mfa", "devices", "base"]);
    let note = "twolock: note: STS accepts only codes from an authenticator app or hardware token; to create a virtual device: twolock mfa enroll base\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (0, note), "{ran:?}");
    assert_eq!(enroll(&world, DEVICE).code, 0);
    assert!(names(&world, DEVICE) && !config(&world).contains(&passkey), "{}", config(&world));
}

#[test]
fn where_aws_refuses_to_list_the_console_is_named() {
    let world = World::new();
    world.sandbox.deny(ANA, "ListMFADevices");
    let ran = world.run(["mfa", "devices", "base"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    let hints: Vec<&str> = ran.stderr.lines().skip(1).collect();
    assert_eq!(
        hints,
        [
            "twolock: hint: the console shows the ARN of each device: IAM > Users > Security credentials",
            "twolock: hint: to list them with an MFA session: twolock login base",
        ]
    );
}

#[test]
fn a_new_device_is_scanned_from_the_terminal_enabled_and_written_into_the_profile() {
    let world = world();
    let mut terminal = enrolling(&world, &[]);
    let shown = terminal.shown();
    for text in ["user ana of account 123456789012 has the MFA device ana\n", "set mfa_serial of profile 'base'"] {
        assert!(shown.replace('\r', "").contains(text), "{shown}");
    }
    let device = world.sandbox.devices().into_iter().find(|device| device.serial == SECOND).expect("created");
    let uri = scanned(&shown);
    assert_eq!(uri, format!("otpauth://totp/AWS:ana-2@123456789012?secret={}", device.seed_base32));
    assert!(!shown.contains(&device.seed_base32[..8]), "not as text");
    type_two_codes(&world, &mut terminal, SECOND);
    let ran = world.tidy(terminal.end());
    ran.is(
        0,
        &format!(
            "~/.aws/config\n  [profile base]\n+ mfa_serial = {SECOND}\ndevice {SECOND} is enabled; to start a session with its next code: \
             twolock login base\n"
        ),
        "",
    );
    assert!(names(&world, SECOND) && !world.home().join(RECORD).exists());
    assert_eq!(world.sandbox.count("EnableMFADevice"), 1);
    assert_eq!(world.sandbox.devices_of(ANA).len(), 2);
}

/// A terminal that draws, as a person sees it: the whole picture and the question are on the screen at once.
#[test]
fn the_picture_is_whole_on_a_terminal_of_80_columns_and_24_rows() {
    let world = world();
    let tmux = |args: &[&str]| {
        let mut command = world.program("tmux");
        command.env("TMUX_TMPDIR", world.home()).args(["-u", "-f", "/dev/null"]).args(args);
        world.finish(&mut command).stdout
    };
    let line = format!("{} mfa enroll base --yes", env!("CARGO_BIN_EXE_twolock"));
    tmux(&["new-session", "-d", "-x", "80", "-y", "24", &line]);
    let mut screen = String::new();
    eventually("the question", || {
        screen = tmux(&["capture-pane", "-p", "-N"]);
        screen.contains("first code (s: show the seed as text):")
    });
    let seed = world.sandbox.devices().into_iter().find(|device| device.serial == SECOND).unwrap().seed_base32;
    tmux(&["kill-server"]);
    let rows: Vec<&str> = screen.lines().collect();
    let question = rows.iter().position(|row| row.starts_with("first code (")).unwrap();
    let picture = rows[question - 23..question].iter().map(|row| row.chars().take(45).collect()).collect::<Vec<_>>();
    assert_eq!(decoded(&picture), format!("otpauth://totp/AWS:ana-2@123456789012?secret={seed}"), "{screen}");
}

#[test]
fn a_device_enrolled_for_a_role_is_written_into_the_profile_with_the_key() {
    let world = world();
    world.add_config(
        "[profile prod]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\nendpoint_url = {url}\n",
    );
    let mut terminal = world.on_terminal(["mfa", "enroll", "prod", "--yes"]);
    terminal.sees("first code (");
    type_two_codes(&world, &mut terminal, SECOND);
    let ran = terminal.end();
    assert!(ran.stdout.contains(&format!("  [profile base]\n+ mfa_serial = {SECOND}\n")), "{ran:?}");
    assert_eq!(world.run_with_code_of(SECOND, &["login", "prod"]).code, 0);
}

#[test]
fn the_picture_is_erased_and_the_seed_is_shown_as_text_only_when_asked_for() {
    let world = world();
    let mut terminal = enrolling(&world, &[]);
    terminal.types("s\n");
    terminal.sees("secret key of 'ana-2' (time-based, 6 digits, 30 seconds):");
    terminal.sees("first code (device ana-2): ");
    let seed = world.sandbox.devices().into_iter().find(|device| device.serial == SECOND).unwrap().seed_base32;
    let shown = terminal.shown();
    let rows = shown.matches("\x1b[0;30;47;107m").count();
    let above = |rows: usize| "\x1b[A\r\x1b[2K".repeat(rows);
    assert!(shown.contains(&above(rows)), "the picture is erased: {shown:?}");
    assert!(shown.contains(&format!("{} {} {} ", &seed[..4], &seed[4..8], &seed[8..12])), "{shown:?}");
    type_two_codes(&world, &mut terminal, SECOND);
    let shown = terminal.shown();
    assert!(shown.contains(&format!("\x1b[2K{}", above(3))), "and so is the text: {shown:?}");
    assert_eq!(terminal.end().code, 0);
    // From the start, and where nothing can be drawn or erased.
    for (more, variables) in [(&["--show-seed"][..], &[][..]), (&[], &[("TERM", "dumb")])] {
        let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
        command.args([&["mfa", "enroll", "base", "--yes"], more].concat()).envs(variables.iter().copied());
        let mut terminal = Terminal::start(command);
        terminal.sees("first code (device ana-3): ");
        let shown = terminal.shown();
        assert!(shown.contains("secret key of 'ana-3'") && !shown.contains('█'), "{shown:?}");
        type_slowly(&mut terminal, &["\n", "\n"]);
        assert_eq!(terminal.end().code, 9);
    }
}

#[test]
fn a_cancelled_enrollment_leaves_no_device() {
    let world = world();
    for keys in [&["\n", "\n"][..], &["\x04"], &["12\n", "\n"]] {
        let before = config(&world);
        let mut terminal = enrolling(&world, &[]);
        type_slowly(&mut terminal, keys);
        world.tidy(terminal.end()).is(9, "", "twolock: error: profile 'base': cancelled; no code was given\n");
        assert_eq!((world.sandbox.devices().len(), config(&world)), (1, before), "{keys:?}");
        assert!(!world.home().join(RECORD).exists());
    }
    let mut terminal = world.on_terminal(["mfa", "enroll", "base"]);
    terminal.sees("enroll? [y/N] ");
    terminal.types("n\n");
    assert_eq!(terminal.end().code, 9);
    assert_eq!(world.sandbox.count("CreateVirtualMFADevice"), 2 * 3, "each time ana, then ana-2");
}

#[test]
fn an_enrollment_that_is_running_is_not_called_interrupted() {
    let world = world();
    let mut terminal = enrolling(&world, &[]);
    assert!(world.home().join(RECORD).exists());
    assert_eq!(world.run(["profile", "list"]).stderr, "");
    terminal.types("\n");
    terminal.sees("an empty line cancels");
    terminal.types("\n");
    assert_eq!(terminal.end().code, 9);
}

#[test]
fn wrong_codes_are_asked_for_again_and_the_third_refusal_removes_the_device() {
    let world = world();
    let mut terminal = enrolling(&world, &[]);
    for left in [2, 1] {
        terminal.types("000000\n");
        terminal.sees("second code, the next one: ");
        terminal.types("000000\n");
        terminal.sees("that is the first code; wait for the next; second code, the next one: ");
        terminal.types("111111\n");
        terminal.sees(&format!("AWS refused the codes; tries left: {left}; first code ("));
    }
    type_two_codes(&world, &mut terminal, SECOND);
    assert_eq!(terminal.end().code, 0);
    assert_eq!(world.sandbox.count("EnableMFADevice"), 3);
    let mut terminal = enrolling(&world, &[]);
    for left in [2, 1, 0] {
        terminal.types("000000\n");
        terminal.sees("second code, the next one: ");
        terminal.types("111111\n");
        if left > 0 {
            terminal.sees(&format!("tries left: {left}; first code ("));
        }
    }
    let ran = terminal.end();
    let line = "twolock: error: profile 'base': the codes were refused by IAM at 127.0.0.1:PORT, not AWS: wrong, not consecutive, or from another device\n";
    let ran = world.tidy(ran);
    assert!(ran.code == 4 && ran.stderr.starts_with(line), "{ran:?}");
    assert!(!world.sandbox.devices().iter().any(|device| device.serial.ends_with("ana-3")));
}

#[test]
fn under_the_sample_policy_an_unfinished_device_is_named_and_the_next_run_takes_another_name() {
    let world = world();
    world.sandbox.set_policy(ANA, Policy::SelfManaged);
    let mut terminal = enrolling(&world, &[]);
    type_slowly(&mut terminal, &["\n", "\n"]);
    let ran = world.tidy(terminal.end());
    let line = format!(
        "twolock: error: profile 'base': cancelled; no code was given; the unfinished device {SECOND} stays at AWS, which \
         does not let you delete it; run this again: the next device gets another name\n"
    );
    ran.is(8, "", &line);
    let third = "arn:aws:iam::123456789012:mfa/ana-3";
    assert_eq!(enroll(&world, third).code, 0);
    assert!(names(&world, third));
    assert_eq!(world.run_with_code_of(third, &["login", "base"]).code, 0);
    let denied: Vec<_> =
        world.sandbox.calls().into_iter().filter(|call| call.action == "CreateVirtualMFADevice").collect();
    assert_eq!(denied.len(), 2 + 3, "each name once");
}

#[test]
fn an_older_policy_that_allows_one_name_is_explained() {
    let world = world();
    world.sandbox.set_policy(ANA, Policy::SelfManagedByName);
    let mut terminal = world.on_terminal(["mfa", "enroll", "base", "--yes"]);
    let ran = {
        terminal.sees("");
        world.tidy(terminal.end())
    };
    let line = "twolock: error: profile 'base': a device 'ana' exists already, and another name is refused: CreateVirtualMFADevice is not allowed (";
    assert!(ran.code == 4 && ran.stderr.starts_with(line), "{ran:?}");
    assert!(!world.home().join(RECORD).exists());
}

#[test]
fn without_a_terminal_nothing_is_created() {
    let world = world();
    for args in [&["mfa", "enroll", "base"][..], &["mfa", "enroll", "base", "--yes"], &["mfa", "resync", "base"]] {
        let ran = world.finish(&mut world.twolock(args));
        assert!([3, 9].contains(&ran.code), "{args:?}: {ran:?}");
    }
    world.run(["mfa", "enroll", "base", "--yes"]).is(
        9,
        "",
        &format!("twolock: error: profile 'base': two codes have to be typed: no terminal\n{FOR_A_SCRIPT}"),
    );
    assert_eq!(world.sandbox.count("CreateVirtualMFADevice"), 0);
}

#[test]
fn a_second_device_is_used_only_if_that_is_wanted() {
    let world = World::new();
    for (answer, serial, names_it) in [("n\n", SECOND, false), ("y\n", "arn:aws:iam::123456789012:mfa/ana-3", true)] {
        let mut terminal = enrolling(&world, &[]);
        assert!(terminal.shown().contains("offer to use it in place of ana"), "{}", terminal.shown());
        type_two_codes(&world, &mut terminal, serial);
        terminal.sees("use it in the profile? [y/N] ");
        terminal.types(answer);
        let ran = terminal.end();
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!((names(&world, serial), names(&world, DEVICE)), (names_it, !names_it), "{ran:?}");
        let set = format!("device {serial} is enabled; to use it: twolock profile set base mfa_serial {serial}\n");
        assert_eq!(ran.stdout.contains(&set), !names_it, "{ran:?}");
    }
}

#[test]
fn a_program_takes_the_seed_on_its_standard_input() {
    let world = world();
    let script = world.home().join("keep");
    std::fs::write(
        &script,
        "#!/bin/sh\ncat > \"$HOME/got\"\necho \"$@\" > \"$HOME/arguments\"\necho noise; echo noise >&2\n",
    )
    .unwrap();
    make_runnable(&script);
    let line = format!("{} insert 'a b'", script.display());
    let mut terminal = enrolling(&world, &["--seed-to", &line]);
    let shown = terminal.shown();
    assert!(!shown.contains('█') && !shown.contains("secret key of"), "{shown}");
    let seed = world.sandbox.devices().into_iter().find(|device| device.serial == SECOND).unwrap().seed_base32;
    let read = |name: &str| std::fs::read_to_string(world.home().join(name)).unwrap();
    assert_eq!((read("got"), read("arguments")), (format!("{seed}\n"), "insert a b\n".into()));
    type_two_codes(&world, &mut terminal, SECOND);
    assert_eq!(terminal.end().code, 0);
    assert!(names(&world, SECOND));
}

/// A password manager: it keeps the seed that it reads, and prints the code of this moment, or else of another seed.
fn manager(world: &World, code: &str) -> String {
    let script = format!(
        "#!/usr/bin/env python3\nimport base64, hmac, os, pathlib, struct, sys, time\n\
         kept = pathlib.Path(os.environ['HOME'], 'kept')\n\
         if sys.argv[1] == 'insert':\n    kept.write_text(sys.stdin.read())\n    sys.exit()\n\
         mac = hmac.digest(base64.b32decode({code}), struct.pack('>Q', int(time.time()) // 30), 'sha1')\n\
         number = struct.unpack('>I', mac[mac[-1] & 15:][:4])[0] & 0x7fffffff\n\
         print('%06d' % (number % 1000000))\n"
    );
    let program = world.home().join("manager");
    std::fs::write(&program, script).unwrap();
    make_runnable(&program);
    program.display().to_string()
}

const KEPT: &str = "kept.read_text().strip()";

#[test]
fn a_script_enrolls_with_the_codes_of_the_program_that_took_the_seed() {
    let world = world();
    let program = manager(&world, KEPT);
    world.add_config(&format!("mfa_process = {program} print\n"));
    let ran = world.run(["mfa", "enroll", "base", "--seed-to", &format!("{program} insert"), "--yes"]);
    let enabled = format!("device {SECOND} is enabled; to start a session with its next code: twolock login base\n");
    assert!(ran.code == 0 && ran.stderr.is_empty() && ran.stdout.ends_with(&enabled), "{ran:?}");
    let step = "  3. get two consecutive codes from mfa_process, which takes up to a minute, and enable the device with them\n";
    assert!(ran.stdout.contains(step), "{ran:?}");
    assert!(names(&world, SECOND) && !world.home().join(RECORD).exists(), "{}", config(&world));
    let seed = std::fs::read_to_string(world.home().join("kept")).unwrap();
    assert!(!ran.stdout.contains(seed.trim()), "{ran:?}");
}

#[test]
fn a_program_that_prints_codes_of_another_seed_leaves_no_device() {
    let world = world();
    let program = manager(&world, "'JBSWY3DPEHPK3PXP'");
    world.add_config(&format!("mfa_process = {program} print\n"));
    let ran = world.run(["mfa", "enroll", "base", "--seed-to", &format!("{program} insert"), "--yes"]);
    let error = "twolock: error: profile 'base': AWS refused the codes of mfa_process: it must print the codes of the new seed\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (4, error), "{ran:?}");
    assert_eq!(world.sandbox.devices().len(), 1, "the unfinished one is deleted");
    assert!(!names(&world, SECOND) && !world.home().join(RECORD).exists());
}

#[test]
fn nothing_is_created_where_no_program_could_print_the_codes() {
    let world = world();
    let seed_to = ["--seed-to", "/bin/cat"];
    let enroll = |more: &[&str]| world.finish(&mut world.twolock([&["mfa", "enroll", "base"], more].concat()));
    let typed = format!("twolock: error: profile 'base': two codes have to be typed: no terminal\n{FOR_A_SCRIPT}");
    enroll(&[&seed_to[..], &["--yes"]].concat()).is(9, "", &typed);
    world.add_config("mfa_process = /no/such/program\n");
    for more in [&["--yes"][..], &seed_to] {
        enroll(more).is(9, "", &typed);
    }
    let ran = enroll(&[&seed_to[..], &["--yes"]].concat());
    assert!(ran.code == 3 && ran.stderr.contains("mfa_process: program not found: '/no/such/program'"), "{ran:?}");
    assert_eq!(world.sandbox.count("CreateVirtualMFADevice"), 0);
}

#[test]
fn the_steps_of_an_enrollment_fit_a_narrow_terminal() {
    let world = world();
    world.add_config("mfa_process = /bin/false\n");
    for columns in [40, 60, 80] {
        let args = ["mfa", "enroll", "base", "--seed-to", "/bin/cat", "--yes"];
        let ran = world.finish(world.twolock(args).env("COLUMNS", columns.to_string()));
        assert_eq!((ran.code, world.sandbox.devices().len()), (4, 1), "its device is deleted: {ran:?}");
        assert!(ran.stdout.lines().all(|line| line.len() <= columns), "{ran:?}");
        if columns == 40 {
            let step = "  3. get two consecutive codes from\n     mfa_process, which takes up to a\n     minute, and enable the device with\n     them\n";
            assert!(ran.stdout.contains(step), "{ran:?}");
        }
    }
}

#[test]
fn a_program_that_refuses_the_seed_leaves_no_device() {
    let world = world();
    let script = world.home().join("refuse");
    std::fs::write(&script, "#!/bin/sh\nread seed; echo \"cannot store $seed\" >&2; exit 3\n").unwrap();
    make_runnable(&script);
    for (policy, says) in [
        (Policy::Everything, "exited with 3: cannot store ***\n"),
        (Policy::SelfManaged, "stays at AWS, which does not let you delete it; run this again"),
    ] {
        world.sandbox.set_policy(ANA, policy);
        let ran = world
            .tidy(world.on_terminal(["mfa", "enroll", "base", "--yes", "--seed-to", script.to_str().unwrap()]).end());
        assert!(
            ran.code == 8 && ran.stderr.contains("the program of --seed-to exited with 3: cannot store ***"),
            "{ran:?}"
        );
        assert!(ran.stderr.contains(says), "{ran:?}");
    }
    for (line, says) in [
        ("no-such-program", "--seed-to: program not found: 'no-such-program'"),
        ("tee file | cat", "--seed-to: uses shell syntax: '|'"),
        ("", "--seed-to: is empty"),
    ] {
        let ran = world.run(["mfa", "enroll", "base", "--yes", "--seed-to", line]);
        assert!(ran.code == 2 && ran.stderr.contains(says), "{ran:?}");
    }
}

#[test]
fn a_code_of_a_new_device_that_aws_does_not_know_yet_is_asked_again_and_says_why() {
    let world = with(Options { device_delay: 8, ..Options::default() });
    assert_eq!(enroll(&world, SECOND).code, 0);
    let mut terminal = world.on_terminal(["login", "base"]);
    let (now, code_at) = (world.sandbox.now(), |at| world.sandbox.code_at(SECOND, at).unwrap());
    terminal.sees("device ana-2");
    terminal.types(&format!("{}\n", code_at(now + 3600)));
    terminal.sees("refused: AWS may need up to a minute to recognize a new device; next code in ");
    std::thread::sleep(std::time::Duration::from_secs(35));
    terminal.types(&format!("{}\n", code_at(now + 60)));
    let ran = terminal.end();
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn the_codes_of_an_enrollment_are_not_sent_again() {
    let world = world();
    let mut terminal = enrolling(&world, &[]);
    let [first, second] = two_codes(&world, SECOND);
    terminal.types(&format!("{first}\n"));
    terminal.sees("second code, the next one: ");
    terminal.types(&format!("{second}\n"));
    assert_eq!(terminal.end().code, 0);
    for code in [first, second] {
        let ran = world.finish(world.twolock(["login", "base"]).env("TWOLOCK_MFA_CODE", code));
        assert!(ran.code == 4 && ran.stderr.contains("this code was already used"), "{ran:?}");
    }
    assert_eq!(world.sandbox.count("GetSessionToken"), 0);
}

#[test]
fn a_device_that_is_off_is_synchronized() {
    let world = World::new();
    world.sandbox.set_device_ahead(DEVICE, 210);
    let mut terminal = world.on_terminal(["mfa", "resync", "prod"]);
    terminal.sees("first code (device ana of user ana): ");
    for before in [30, 0] {
        let code = world.sandbox.code_at(DEVICE, world.sandbox.now() - before).unwrap();
        terminal.types(&format!("{code}\n"));
        if before > 0 {
            terminal.sees("second code, the next one: ");
        }
    }
    world.tidy(terminal.end()).is(
        0,
        &format!("device {DEVICE} is synchronized; to start a session with its next code: twolock login prod\n"),
        "",
    );
    assert_eq!(world.run_with_code(["login", "prod"]).code, 0);
    world.run(["profile", "unset", "base", "mfa_serial", "--yes"]);
    world.run(["mfa", "resync", "base"]).is(
        3,
        "",
        "twolock: error: profile 'base': no mfa_serial, so there is no device to synchronize\n\
         twolock: hint: to list the user's devices: twolock mfa devices base\n",
    );
}

#[test]
fn the_last_device_stays_unless_forced_and_the_profiles_line_goes_with_it() {
    let world = World::new();
    world.log_in("base");
    world.run(["mfa", "remove", "base", "--yes"]).is(
        3,
        "",
        &format!(
            "twolock: error: profile 'base': {DEVICE} is the last MFA device of user ana\n\
             twolock: hint: to enroll another one first: twolock mfa enroll base\n\
             twolock: hint: to remove it anyway: add --force\n"
        ),
    );
    assert_eq!(world.sandbox.count("DeactivateMFADevice"), 0);
    let ran = world.run(["mfa", "remove", "base", "--yes", "--force"]);
    assert!(ran.code == 0 && ran.stdout.ends_with(&format!("removed MFA device {DEVICE}\n")), "{ran:?}");
    assert!(ran.stdout.contains("note: after this, new sessions of 'base' have no MFA\n"), "{ran:?}");
    assert!(world.sandbox.devices().is_empty() && !names(&world, DEVICE));
}

#[test]
fn another_device_is_removed_by_name_after_a_yes() {
    let world = World::new();
    world.sandbox.add_device(ANA, "old-phone");
    world.sandbox.set_policy(ANA, Policy::SelfManaged);
    let before = config(&world);
    world.log_in("prod");
    for (answer, code) in [("n\n", 9), ("y\n", 8)] {
        let mut terminal = world.on_terminal(["mfa", "remove", "prod", "old-phone"]);
        terminal.sees("deactivate and delete it at AWS? [y/N] ");
        terminal.types(answer);
        let ran = terminal.end();
        assert_eq!(ran.code, code, "{ran:?}");
    }
    let device = world.sandbox.devices().into_iter().find(|device| device.serial.ends_with("old-phone")).unwrap();
    assert_eq!(device.owner, None, "deactivated, not deleted");
    // Later, with a policy that allows it.
    world.sandbox.set_policy(ANA, Policy::Everything);
    let ran = world.run(["mfa", "remove", "prod", &device.serial, "--yes"]);
    assert!(ran.code == 0 && ran.stdout.ends_with(&format!("removed MFA device {}\n", device.serial)), "{ran:?}");
    assert_eq!((world.sandbox.devices().len(), config(&world)), (1, before));
    let ran = world.run(["mfa", "remove", "prod", "nobody", "--yes"]);
    assert!(ran.code == 2 && ran.stderr.contains("user ana has no MFA device 'nobody'"), "{ran:?}");
}

#[test]
fn a_device_that_may_not_be_deleted_leaves_the_profile_all_the_same() {
    let world = World::new();
    world.sandbox.set_policy(ANA, Policy::SelfManaged);
    world.sandbox.add_passkey(ANA, "laptop").unwrap();
    world.log_in("base");
    let ran = world.run(["mfa", "remove", "base", "--yes"]);
    let line = format!("{DEVICE} is the last MFA device of user ana whose codes STS takes\n");
    assert!(ran.code == 3 && ran.stderr.contains(&line), "{ran:?}");
    // Also where AWS lists nothing.
    world.sandbox.deny(ANA, "ListMFADevices");
    assert_eq!(world.run(["mfa", "remove", "base", "--yes"]).code, 4);
    let ran = world.run(["mfa", "remove", "base", "--yes", "--force"]);
    let line = format!("device {DEVICE} is deactivated, but not deleted: DeleteVirtualMFADevice is not allowed (");
    assert!(ran.code == 8 && ran.stderr.contains(&line), "{ran:?}");
    assert!(!names(&world, DEVICE), "{}", config(&world));
    assert!(world.sandbox.devices().iter().any(|device| device.serial == DEVICE && device.owner.is_none()));
}

#[test]
fn lost_answers_of_a_removal_are_made_good_by_the_next_run() {
    for action in ["DeactivateMFADevice", "DeleteVirtualMFADevice"] {
        let world = World::new();
        let old = world.sandbox.add_device(ANA, "old-phone").serial;
        world.log_in("base");
        world.sandbox.fault(Fault::new(FaultKind::DropAfter).on(action));
        let ran = world.run(["mfa", "remove", "base", "old-phone", "--yes"]);
        assert!([6, 8].contains(&ran.code), "{action}: {ran:?}");
        let ran = world.run(["mfa", "remove", "base", &old, "--yes"]);
        let is_gone = !world.sandbox.devices().iter().any(|device| device.serial == old);
        assert!(is_gone && [0, 4].contains(&ran.code), "{action}: {ran:?}");
    }
}

#[test]
fn removing_a_device_takes_a_code_where_no_session_lives() {
    let world = World::new();
    world.sandbox.add_device(ANA, "old-phone");
    let ran = world.run(["mfa", "remove", "base", "old-phone", "--yes"]);
    assert!(ran.code == 9 && ran.stderr.contains("needs an MFA code from"), "{ran:?}");
    assert_eq!(world.run_with_code(["mfa", "remove", "base", "old-phone", "--yes"]).code, 0);
    assert_eq!(world.sandbox.devices().len(), 1);
}

#[test]
fn the_root_user_and_lost_answers() {
    let world = with(Options { list_delay: 3, ..Options::default() });
    world.sandbox.fault(Fault::new(FaultKind::DropAfter).on("EnableMFADevice"));
    assert_eq!(enroll(&world, SECOND).code, 0, "a list shows that it is enabled");
    assert!(names(&world, SECOND));
    let root = world.sandbox.add_root("123456789012");
    world.write(
        ".aws/credentials",
        &format!(
            "[base]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            root.access_key_id, root.secret_access_key
        ),
    );
    let ran = world.run(["mfa", "devices", "base"]);
    assert!(
        ran.code == 3 && ran.stderr.contains("which is not an IAM user") && !ran.stderr.contains(KEY_ID),
        "{ran:?}"
    );
}

#[test]
fn login_offers_the_one_device_of_the_user_and_writes_it_after_a_yes() {
    let world = world();
    for (answer, is_written) in [("n\n", false), ("y\n", true)] {
        let mut terminal = world.on_terminal(["login", "base"]);
        terminal.sees("use it in the profile? [y/N] ");
        assert!(terminal.shown().contains(&format!("+ mfa_serial = {DEVICE}")), "{}", terminal.shown());
        terminal.types(answer);
        if is_written {
            terminal.sees("device ana): ");
            terminal.types(&format!("{}\n", world.code()));
        }
        let ran = terminal.end();
        let note = format!("twolock: note: profile 'base': no mfa_serial; user ana has the MFA device {DEVICE}\n");
        assert!(ran.code == 0 && ran.stderr.starts_with(&note), "{ran:?}");
        assert_eq!((names(&world, DEVICE), ran.stderr.contains("has no MFA")), (is_written, !is_written), "{ran:?}");
    }
    let ran = world.run(["login", "base"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "without a terminal nothing is asked");
}

#[test]
fn login_lets_a_person_choose_one_of_several_devices() {
    let world = world();
    let tablet = world.sandbox.add_device(ANA, "tablet").serial;
    world.sandbox.add_passkey(ANA, "laptop").unwrap();
    let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(["login", "base"]).env("TERM", "dumb").env("TWOLOCK_MFA_CODE", world.code_of(&tablet));
    let mut terminal = Terminal::start(command);
    terminal.sees("tablet");
    terminal.types("2\n");
    terminal.sees("use it in the profile? [y/N] ");
    assert!(!terminal.shown().contains("laptop"), "STS takes no codes of it: {}", terminal.shown());
    terminal.types("y\n");
    let ran = terminal.end();
    assert!(ran.code == 0 && names(&world, &tablet), "{ran:?}");
}

#[test]
fn without_a_device_or_a_list_login_says_so_and_goes_on() {
    let world = world();
    world.sandbox.deny(ANA, "ListMFADevices");
    for (answer, is_written) in [("\n", false), (&*format!("{DEVICE}\n"), true)] {
        let mut terminal = world.on_terminal(["login", "base"]);
        terminal.sees("ARN of its MFA device (console: IAM, Users, Security credentials; Enter for none): ");
        terminal.types(answer);
        if is_written {
            terminal.sees("use it in the profile? [y/N] ");
            terminal.types("y\n");
            terminal.sees("device ana): ");
            terminal.types(&format!("{}\n", world.code()));
        }
        let ran = terminal.end();
        let note = "twolock: note: profile 'base': no mfa_serial, and AWS does not list the devices of user ana\n";
        assert!(ran.code == 0 && ran.stderr.starts_with(note), "{ran:?}");
        assert_eq!(names(&world, DEVICE), is_written, "{ran:?}");
    }
    let world = self::world();
    world.run(["mfa", "remove", "base", "ana", "--force", "--yes"]);
    let ran = world.on_terminal(["login", "base"]).end();
    let note =
        "twolock: note: user ana has no MFA device whose codes STS accepts; to create one: twolock mfa enroll base\n";
    assert!(ran.code == 0 && ran.stderr.starts_with(note), "{ran:?}");
}

#[test]
fn adopt_offers_the_device_first() {
    let world = world();
    let mut terminal = world.on_terminal(["profile", "adopt", "base"]);
    terminal.sees("use it in the profile? [y/N] ");
    terminal.types("y\n");
    terminal.sees("adopt? [y/N] ");
    terminal.types("n\n");
    let ran = terminal.end();
    assert!(ran.code == 9 && names(&world, DEVICE), "{ran:?}");
}

#[test]
fn a_lost_device_is_replaced_by_another_one_in_every_profile_that_names_it() {
    let world = World::new();
    let tablet = world.sandbox.add_device(ANA, "tablet").serial;
    world.add_config(&format!("[profile other]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\nmfa_serial = {DEVICE}\n"));
    let ran = world.run_with_code_of(&tablet, &["login", "prod", "--device", "tablet"]);
    assert!(ran.code == 0 && ran.stdout.matches(&format!("+ mfa_serial = {tablet}\n")).count() == 2, "{ran:?}");
    assert!(!names(&world, DEVICE));
    // And the lost one is removed with a session of the other.
    let ran = world.run(["mfa", "remove", "prod", "ana", "--yes"]);
    assert!(ran.code == 0 && ran.stdout.ends_with(&format!("removed MFA device {DEVICE}\n")), "{ran:?}");
    assert_eq!(world.sandbox.devices().len(), 1);
    let ran = world.run(["login", "prod", "--device", "nobody"]);
    let says = "twolock: error: profile 'prod': user ana has no MFA device 'nobody'\n\
                twolock: hint: to list the user's devices: twolock mfa devices prod\n";
    ran.is(2, "", says);
}

#[test]
fn the_seed_is_in_no_output_log_or_record() {
    let world = world();
    let mut terminal = enrolling(&world, &["-vv"]);
    let seed = world.sandbox.devices().into_iter().find(|device| device.serial == SECOND).unwrap().seed_base32;
    let record = std::fs::read_to_string(world.home().join(RECORD)).unwrap();
    type_two_codes(&world, &mut terminal, SECOND);
    let ran = terminal.end();
    for text in [&ran.stdout, &ran.stderr, &record] {
        assert!(!text.contains(&seed), "{text}");
    }
}

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::world::World;

impl World {
    /// A program that prints the device's code and records that it ran, and the line that starts it.
    fn code_program(&self, code: &str) -> (PathBuf, String) {
        let (program, mark) = (self.home().join("print-code"), self.home().join("mark"));
        let script = "#!/bin/sh\n{ tr '\\0' ' ' </proc/$$/cmdline; env; } >>MARK\necho CODE\n";
        let script = script.replace("MARK", mark.to_str().unwrap()).replace("CODE", code);
        std::fs::write(&program, script).unwrap();
        crate::world::make_runnable(&program);
        (mark, format!("mfa_process = {}", program.display()))
    }

    fn with_process(&self, line: &str) -> String {
        format!(
            "[profile base]\nregion = eu-west-1\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\n{line}\n\
             endpoint_url = {}\n",
            self.sandbox.url()
        )
    }
}

/// Each program with the noise that it makes on stderr, and how it is called.
const PROGRAMS: [(&str, &str, &str); 5] = [
    ("ykman", "WARNING: Touch your YubiKey...", "oath accounts code --single 'AWS ana'"),
    ("op", "[INFO] 2027/01/01 a new version is available", "item get 'AWS ana' --otp"),
    ("bw", "? Master password: [input is hidden]", "get totp 'AWS ana' --nointeraction"),
    ("pass", "gpg: encrypted with 4096-bit RSA key", "otp 'AWS ana'"),
    ("gopass", "Warning: Using HOTP in a shared store", "otp --password 'AWS ana'"),
];

impl World {
    /// A fake of such a program below ~/.nix-profile/bin, reached by a symlink, as package managers make it.
    fn plant(&self, name: &str, noise: &str, words: &str, prints: &str) -> String {
        let directory = self.home().join(".nix-profile/bin");
        std::fs::create_dir_all(&directory).unwrap();
        let real = self.home().join(format!("{name}-1.2.3"));
        let script = format!(
            "#!/bin/sh\necho '{noise}' >&2\nwanted() {{ set -- {words}; printf '%s|' \"$@\"; }}\n\
             [ \"$(printf '%s|' \"$@\")\" = \"$(wanted)\" ] || exit 7\n{prints}\n"
        );
        std::fs::write(&real, script).unwrap();
        crate::world::make_runnable(&real);
        std::os::unix::fs::symlink(&real, directory.join(name)).unwrap();
        format!("{}:/usr/bin:/bin", directory.display())
    }
}

#[test]
fn the_line_of_a_known_program_is_tried_and_written_with_its_path_on_path() {
    for (name, noise, words) in PROGRAMS {
        let world = World::new();
        let path = world.plant(name, noise, words, &format!("printf '%s' {}", world.code()));
        let ran = world.finish(
            world
                .twolock(["profile", "set", "base", "--code-from", name, "--entry", "AWS ana", "--yes"])
                .env("PATH", &path),
        );
        let line = format!("mfa_process = HOME/.nix-profile/bin/{name} {words}");
        assert!(ran.code == 0 && ran.stdout.contains(&format!("+ {line}\n")), "{ran:?}");
        let config = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
        assert!(config.contains(&line.replace("HOME", world.home().to_str().unwrap())), "{config}");
        assert_eq!(world.sandbox.connections(), 0, "no code was sent");
        assert_eq!(world.run(["login", "prod"]).code, 0, "{name}");
    }
}

#[test]
fn a_program_that_prints_no_code_is_not_written() {
    for (prints, says) in [
        ("exit 3", "mfa_process exited with 3: WARNING: Touch your YubiKey..."),
        ("echo AWS ana 123456", "mfa_process printed something other than six digits"),
        ("true", "mfa_process printed no code"),
    ] {
        let world = World::new();
        let before = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
        let (name, noise, words) = PROGRAMS[0];
        let path = world.plant(name, noise, words, prints);
        let args = ["profile", "set", "base", "--code-from", name, "--entry", "AWS ana", "--yes"];
        let ran = world.finish(world.twolock(args).env("PATH", &path));
        let line = format!("twolock: error: profile 'base': {says}; nothing was changed\n");
        assert!([3, 4].contains(&ran.code) && ran.stderr.starts_with(&line), "{ran:?}");
        assert_eq!(std::fs::read_to_string(world.home().join(".aws/config")).unwrap(), before);
    }
    // PATH is a variable, which a repository may have set.
    let world = World::new();
    let args = ["profile", "set", "base", "--code-from", "pass", "--entry", "x", "--yes"];
    world.plant("pass", "", "", "");
    std::fs::rename(world.home().join(".nix-profile"), world.home().join("repo")).unwrap();
    let ran = world.finish(world.twolock(args).env("PATH", world.home().join("repo/bin")));
    ran.is(
        2,
        "",
        "twolock: error: profile 'base': --code-from pass: 'pass' on PATH is HOME/repo/bin/pass, which is not in a system directory\n\
         twolock: hint: if you trust it: twolock profile set base mfa_process 'HOME/repo/bin/pass otp x'\n",
    );
    for (args, says) in [
        (["--code-from", "ykman", "--entry", "x"], "--code-from ykman: program not found: 'ykman'"),
        (["--code-from", "sh", "--entry", "x"], "invalid value 'sh' for '--code-from <PROGRAM>'"),
        (["--code-from", "pass", "--entry", "-x"], "'-x' is not a name of an entry"),
        (["region", "eu-west-1", "--entry", "x"], "'--entry <NAME>'"),
    ] {
        let ran = world.finish(&mut world.twolock([&["profile", "set", "base"], &args[..]].concat()));
        assert!(ran.code == 2 && ran.stderr.contains(says), "{args:?}: {ran:?}");
    }
}

#[test]
fn its_code_is_used_without_a_question() {
    let world = World::new();
    let (mark, line) = world.code_program(&world.code());
    world.write(".aws/config", &world.with_process(&line));
    let mut command = world.twolock(["credential-process", "base"]);
    let ran = world.finish(command.env("AWS_PROFILE", "base"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let seen = std::fs::read_to_string(&mark).unwrap();
    assert!(!seen.contains("AWS_PROFILE") && !seen.contains("TWOLOCK_MFA_CODE"), "{seen}");
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn a_code_given_in_advance_takes_precedence() {
    let world = World::new();
    let (mark, line) = world.code_program("000000");
    world.write(".aws/config", &world.with_process(&line));
    assert_eq!(world.run_with_code(["login", "base"]).code, 0);
    assert!(!mark.exists());
}

#[test]
fn an_active_session_is_used_even_if_the_program_is_missing() {
    let world = World::new();
    world.log_in("base");
    let answer = world.run(["credential-process", "base"]).stdout;
    for line in ["mfa_process = /no/such/program", "mfa_process = code | tr -d x", "mfa_process = ./code"] {
        world.write(".aws/config", &world.with_process(line));
        world.run(["credential-process", "base"]).is(0, &answer, "");
        assert_eq!(world.run(["exec", "base", "--", "true"]).code, 0, "{line}");
        assert_eq!(world.run(["env", "base"]).code, 0, "{line}");
    }
}

#[test]
fn an_invalid_command_is_reported() {
    let world = World::new();
    for (line, stderr) in [
        ("mfa_process = /no/such/program", "mfa_process: program not found: '/no/such/program'\n"),
        ("mfa_process = ./code", "mfa_process must be an absolute path or a name on PATH: './code'\n"),
        (
            "mfa_process = code | tr -d x",
            "mfa_process uses shell syntax: '|'\n\
             twolock: hint: put it into a script, and set mfa_process to the script's absolute path\n",
        ),
        ("mfa_process = false", "mfa_process exited with 1\n"),
        ("mfa_process = true", "mfa_process printed no code\n"),
        ("mfa_process = echo 12345", "mfa_process printed something other than six digits\n"),
    ] {
        world.write(".aws/config", &world.with_process(line));
        let ran = world.run(["credential-process", "base"]);
        let code = if line.ends_with("false") { 4 } else { 3 };
        ran.is(code, "", &format!("twolock: error: profile 'base' (~/.aws/config:4): {stderr}"));
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn a_file_selected_by_a_variable_starts_nothing_before_it_is_trusted() {
    let world = World::new();
    let (mark, line) = world.code_program(&world.code());
    world.write("repo/config", &world.with_process(&line));
    let file = world.home().join("repo/config");
    let run = |args: &[&str]| world.finish(world.twolock(args).env("AWS_CONFIG_FILE", &file));
    let refusal = |why: &str| {
        format!(
            "twolock: error: profile 'base' (~/repo/config:4): will not run programs from HOME/repo/config, \
             because {why}: check the file, then run `twolock settings trust HOME/repo/config`\n\
             twolock: hint: twolock settings trust HOME/repo/config\n"
        )
    };
    run(&["credential-process", "base"]).is(3, "", &refusal("AWS_CONFIG_FILE selected it"));
    assert_eq!(run(&["profile", "show", "base"]).code, 0, "reading needs no consent");
    run(&["settings", "trust", file.to_str().unwrap()]).is(
        2,
        "",
        "twolock: error: confirmation is required, and there is no terminal to ask on: add --yes\n",
    );
    assert!(!mark.exists());
    // A consent in a repository does not count.
    let consent = world.home().join("repo/twolock/config.toml");
    run(&["settings", "trust", "--yes", file.to_str().unwrap()]).is(
        0,
        "HOME/repo/config is trusted until it changes\n",
        "",
    );
    std::fs::create_dir_all(consent.parent().unwrap()).unwrap();
    std::fs::rename(world.home().join(".config/twolock/config.toml"), &consent).unwrap();
    let mut command = world.twolock(["credential-process", "base"]);
    command.env("AWS_CONFIG_FILE", &file).env("XDG_CONFIG_HOME", world.home().join("repo"));
    let ignored =
        "twolock: hint: XDG_CONFIG_HOME is set: aliases and consents count only in ~/.config/twolock/config.toml\n";
    world.finish(&mut command).is(3, "", &(refusal("AWS_CONFIG_FILE selected it") + ignored));
    run(&["settings", "trust", "--yes", file.to_str().unwrap()]).is(
        0,
        "HOME/repo/config is trusted until it changes\n",
        "",
    );
    world.write("repo/config", &world.with_process(&format!("# {line}\n{line}")));
    run(&["credential-process", "base"]).is(
        3,
        "",
        &refusal("it has changed since you trusted it").replace("config:4", "config:5"),
    );
    assert!(!mark.exists());
    run(&["settings", "trust", "--yes", file.to_str().unwrap()]).is(
        0,
        "HOME/repo/config is trusted until it changes\n",
        "",
    );
    assert_eq!(run(&["credential-process", "base"]).code, 0);
    assert!(mark.exists());
}

#[test]
fn a_file_that_other_users_can_write_starts_nothing() {
    let world = World::new();
    let (mark, line) = world.code_program("123456");
    world.write(".aws/config", &world.with_process(&line));
    let file = world.home().join(".aws/config");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    world.run(["login", "base"]).is(
        3,
        "",
        "twolock: error: profile 'base' (~/.aws/config:4): will not run programs from HOME/.aws/config, because \
         HOME/.aws/config is writable by everybody: chmod go-w HOME/.aws/config\n\
         twolock: hint: chmod go-w HOME/.aws/config\n",
    );
    assert!(!mark.exists());
}

#[test]
fn a_recursive_mfa_process_is_refused() {
    let world = World::new();
    let program = env!("CARGO_BIN_EXE_twolock");
    world.write(".aws/config", &world.with_process(&format!("mfa_process = {program} credential-process base")));
    world.run(["credential-process", "base"]).is(
        4,
        "",
        "twolock: error: profile 'base' (~/.aws/config:4): mfa_process exited with 3: twolock: error: profile 'base' \
         (~/.aws/config:4): mfa_process runs twolock itself, which would run mfa_process again\n",
    );
}

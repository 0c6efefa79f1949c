//! The worlds that samples run in. A marker above a block chooses one:
//!
//! `<!-- test: world=NAME [terminal=no] [code=wrong|none|late] [answer=y,n] [setup="commands"] -->`
//!
//! Each world has the profiles `work` (an access key and the device of Ana) and `prod` (a role of another account below
//! it), and an STS and IAM that answer to AWS's own names behind a proxy, so that nothing says "not AWS".

use std::path::{Path, PathBuf};
use std::process::Command;

use twolock_sandbox::{Options, Proxy, Tls};

use crate::pages::{self, Block};
use crate::world::desktop::Desktop;
use crate::world::{DEVICE, KEY_ID, SECRET, World, required};

const CONFIG: &str = "\
[profile work]
region = eu-west-1
mfa_serial = arn:aws:iam::123456789012:mfa/ana

[profile prod]
region = eu-central-1
role_arn = arn:aws:iam::444455556666:role/Deploy
source_profile = work
";

const HOSTS: [&str; 4] =
    ["sts.eu-west-1.amazonaws.com", "sts.eu-central-1.amazonaws.com", "sts.amazonaws.com", "iam.amazonaws.com"];

/// What is there before the first command of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// No profiles.
    Empty,
    /// No AWS files, and a desktop's keyring that holds nothing.
    New,
    /// The profiles, the key in the file, no keyring.
    Files,
    /// The same, with a desktop's keyring that holds nothing yet.
    Keyring,
    /// Both profiles adopted, the key in the keyring.
    Adopted,
    /// Both profiles adopted, and a session.
    SignedIn,
    /// Both profiles adopted, and the keyring locked since.
    Locked,
}

impl Preparation {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "empty" => Self::Empty,
            "new" => Self::New,
            "files" => Self::Files,
            "keyring" => Self::Keyring,
            "adopted" => Self::Adopted,
            "signed-in" => Self::SignedIn,
            "locked" => Self::Locked,
            _ => return None,
        })
    }
}

/// What Ana types when `setup` or a protected profile asks.
const TYPED: [(&str, &str); 6] = [
    ("profile name (Enter for default): ", "work"),
    ("region, such as eu-west-1 (Enter for none): ", "eu-west-1"),
    ("access key id, or path of the console's CSV file: ", KEY_ID),
    ("secret access key (not shown): ", SECRET),
    ("type the profile's name to continue: ", "prod"),
    ("reason (Enter for none): ", "incident 42"),
];

/// The answer to a question for a name, a region or a key.
pub fn typed(question: &str) -> Option<&'static str> {
    TYPED.iter().find(|(asked, _)| question.ends_with(asked)).map(|(_, typed)| *typed)
}

/// Which code a question gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Right,
    Wrong,
    /// An empty line.
    None,
    /// Nothing is typed.
    Late,
}

/// What a block's marker asks for.
#[derive(Clone, Debug)]
pub struct Scene {
    pub preparation: Preparation,
    pub terminal: bool,
    pub code: Code,
    /// What the questions for a yes get, in turn; the last one is for all that follow.
    pub answers: Vec<String>,
    /// Shell commands that are run before, and not shown.
    pub setup: String,
}

impl Scene {
    /// Reads a marker; an unknown one is reported.
    pub fn of(block: &Block) -> Result<Self, String> {
        let mut scene = Self {
            preparation: Preparation::Empty,
            terminal: true,
            code: Code::Right,
            answers: vec!["y".into()],
            setup: String::new(),
        };
        let mut marker = block.marker.as_str();
        if let Some((words, setup)) = marker.split_once("setup=\"") {
            scene.setup = setup.trim_end().strip_suffix('"').ok_or("setup=\"…\" comes last")?.to_owned();
            marker = words;
        }
        let mut chosen = false;
        for word in marker.split_whitespace() {
            match word.split_once('=') {
                Some(("world", name)) => {
                    scene.preparation = Preparation::parse(name).ok_or_else(|| format!("no world '{name}'"))?;
                    chosen = true;
                }
                Some(("terminal", "no")) => scene.terminal = false,
                Some(("code", "wrong")) => scene.code = Code::Wrong,
                Some(("code", "none")) => scene.code = Code::None,
                Some(("code", "late")) => scene.code = Code::Late,
                Some(("answer", answers)) => scene.answers = answers.split(',').map(String::from).collect(),
                _ => return Err(format!("unknown word in its marker: {word}")),
            }
        }
        chosen.then_some(scene).ok_or_else(|| "no <!-- test: world=… --> above it".into())
    }
}

/// A world with AWS's names leading into its sandbox.
pub struct Stage {
    pub world: World,
    proxy: Proxy,
}

impl Stage {
    pub fn new(preparation: Preparation) -> Self {
        let names = HOSTS.map(String::from).to_vec();
        let world = World::with(Options { tls: Tls::Good, extra_names: names, ..Options::default() });
        let address = format!("127.0.0.1:{}", world.sandbox.port()).parse().unwrap();
        let routes = HOSTS.map(|name| format!("{name}:443"));
        let routes: Vec<_> = routes.iter().map(|name| (name.as_str(), address)).collect();
        let proxy = Proxy::start(&routes).expect("the proxy starts");
        world.sandbox.set_alias("444455556666", "ana-corp");
        world.write("ca.pem", world.sandbox.ca_pem().expect("it speaks TLS"));
        let keys = format!("[work]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n");
        let (config, credentials) = if preparation == Preparation::Empty { ("", "") } else { (CONFIG, keys.as_str()) };
        if preparation == Preparation::New {
            std::fs::remove_dir_all(world.home().join(".aws")).unwrap();
        } else {
            world.write(".aws/config", config);
            world.write(".aws/credentials", credentials);
            close(&world, ".aws");
        }
        Self { world, proxy }
    }

    /// Makes everything that was so before the first command.
    pub fn prepare<'a>(&'a self, preparation: Preparation) -> Option<Desktop<'a>> {
        use Preparation::{Adopted, Empty, Files, Keyring, Locked, New, SignedIn};
        let desktop = match preparation {
            Empty | Files => return None,
            New | Keyring | Adopted | SignedIn | Locked => Desktop::empty(&self.world),
        };
        if ![New, Keyring].contains(&preparation) {
            self.run(&desktop, "twolock profile adopt work --yes");
        }
        if preparation == SignedIn {
            self.run(&desktop, &format!("TWOLOCK_MFA_CODE={} twolock login prod", self.world.code()));
        }
        if preparation == Locked {
            desktop.lock();
        }
        Some(desktop)
    }

    fn run(&self, desktop: &Desktop, script: &str) {
        let mut command = self.command(Some(desktop));
        let ran = self.world.finish(command.args(["-c", script]));
        assert_eq!(ran.code, 0, "{script}: {ran:?}");
    }

    /// bash in this world, with every program that samples use on its PATH.
    pub fn command(&self, desktop: Option<&Desktop>) -> Command {
        let mut command = self.world.program("/bin/bash");
        command.env("PATH", format!("{}:{}", crate::world::path(), tools().display()));
        command.env("HTTPS_PROXY", self.proxy.url()).env("AWS_CA_BUNDLE", self.world.home().join("ca.pem"));
        // No erasing, so that the input stays in the transcript; no colour.
        command.env("TERM", "dumb").env("NO_COLOR", "1").env("SHELL", "/bin/bash");
        command.current_dir(self.world.home());
        if let Some(desktop) = desktop {
            desktop.dress(&mut command);
        }
        command
    }

    /// The same words as anybody would see them.
    pub fn tidy(&self, text: &str) -> String {
        let binary = env!("CARGO_BIN_EXE_twolock");
        let text = text.replace(binary, "/usr/local/bin/twolock");
        let text = text.replace(self.proxy.url().trim_start_matches("http://"), "127.0.0.1:PORT");
        let text = text.replace(self.world.home().to_str().unwrap(), "/home/ana");
        without_the_test(&crate::tidy::tidy(&text))
    }

    /// What is typed at the nth question for a code.
    pub fn code(&self, code: Code, n: usize) -> Option<String> {
        Some(match code {
            Code::Right => self.world.code_of(DEVICE),
            // A code that was sent is not sent again, so each wrong one is another.
            Code::Wrong => {
                let wrong = self.world.wrong_code();
                format!("{}{n}{}", &wrong[..3], &wrong[4..])
            }
            Code::None => String::new(),
            Code::Late => return None,
        })
    }
}

/// Where the AWS CLI is: as `tests/run` says, or where it has put it.
fn tools() -> PathBuf {
    let installed = pages::root().join(".tools/venv/bin");
    if std::env::var_os("TWOLOCK_TEST_AWS").is_none() && installed.join("aws").exists() {
        return installed;
    }
    Path::new(&required("TWOLOCK_TEST_AWS")).parent().unwrap().to_owned()
}

/// A question names the program that asks; for people at a shell there is none, and here it is this test.
fn without_the_test(text: &str) -> String {
    let mut parts = text.split("; for docs-");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once("pid 4242").map_or(part, |(_, rest)| rest))
}

/// As `doctor` wants it.
fn close(world: &World, directory: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = world.home().join(directory);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
}

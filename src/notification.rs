//! A notification on the desktop, shown by a program that is started and not waited for. Its rules:
//!
//! - Only on a display of this machine: over SSH it would appear where nobody sits.
//! - The program comes from the directories of the system and of package managers, and gets what a program of the
//!   desktop needs of our environment, as a dialog does (`prompt/dialog`). Nothing is written to a terminal.
//! - The words are arguments or variables, never part of a script; foreign text in them is made visible and never read as markup.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::system::directories::Directories;
use crate::system::env::Env;
use crate::system::{child, desktop};

const NAME: &str = "twolock";

/// A program that shows a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    NotifySend,
    Kdialog,
    Osascript,
    Powershell,
}

impl Program {
    /// In the order in which they are looked for.
    const ALL: [Self; 4] = [Self::NotifySend, Self::Kdialog, Self::Osascript, Self::Powershell];

    /// By name or, where the system has it at one place, by path.
    fn file(self) -> &'static str {
        match self {
            Self::NotifySend => "notify-send",
            Self::Kdialog => "kdialog",
            Self::Osascript => desktop::OSASCRIPT,
            Self::Powershell => desktop::POWERSHELL,
        }
    }
}

/// What can show a notification here.
#[derive(Debug)]
pub struct Notifier {
    program: Program,
    file: PathBuf,
}

/// The macOS script gets title and text as arguments.
const APPLE_SCRIPT: [&str; 3] =
    ["on run argv", "display notification (item 3 of argv) with title (item 2 of argv)", "end run"];
/// PowerShell reads them from variables; the balloon disappears when the process ends.
const BALLOON: &str = "Add-Type -AssemblyName System.Windows.Forms, System.Drawing; \
    $icon = New-Object System.Windows.Forms.NotifyIcon; \
    $icon.Icon = [System.Drawing.SystemIcons]::Information; $icon.Visible = $true; \
    $icon.ShowBalloonTip(10000, $env:NOTIFICATION_TITLE, $env:NOTIFICATION_TEXT, 'Info'); \
    Start-Sleep -Seconds 12; $icon.Dispose()";

impl Notifier {
    /// Finds a program that can show a notification; none without a display, or over SSH.
    pub fn find(env: &Env, dirs: &Directories) -> Option<Self> {
        if env.raw("SSH_CONNECTION").is_some() || !desktop::has_display(env) {
            return None;
        }
        Program::ALL.into_iter().find_map(|program| {
            let file = desktop::find(program.file(), dirs)?;
            Some(Self { program, file })
        })
    }

    /// Starts it. Whether a person sees the notification is not known.
    pub fn show(&self, title: &str, text: &str, env: &Env, dirs: &Directories) -> io::Result<()> {
        let mut command = Command::new(&self.file);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        desktop::hand_environment(&mut command, env, &dirs.account_home());
        match self.program {
            Program::NotifySend => {
                command.arg(format!("--app-name={NAME}")).args(["--", title, &escaped(text)]);
            }
            Program::Kdialog => {
                let [title, text] = for_kdialog(title, text);
                // As one word: Qt takes its own options, such as -style, wherever they stand.
                command.args([&format!("--title={title}"), "--passivepopup", &text, "10"]);
            }
            Program::Osascript => {
                APPLE_SCRIPT.iter().for_each(|line| {
                    command.args(["-e", line]);
                });
                // After a word that is none, nothing is read as an option.
                command.args([NAME, title, text]);
            }
            Program::Powershell => {
                command.args(["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Restricted", "-Command", BALLOON]);
                command.env("NOTIFICATION_TITLE", title).env("NOTIFICATION_TEXT", text);
            }
        }
        child::start_apart(&mut command).map(drop)
    }
}

/// The text of a notification, unlike its title, may be markup; before that, these programs read escapes such as `\074`.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\\', r"\\")
}

/// kdialog, or the desktop it passes them to, reads title and text as markup if they look like it. So the title must not
/// look like markup, and an escaped text must.
fn for_kdialog(title: &str, text: &str) -> [String; 2] {
    let begin = if text.contains(['&', '<', '>']) { "<b></b>" } else { "" };
    [title.replace('<', "‹").replace('>', "›"), format!("{begin}{}", escaped(text))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_markup() {
        assert_eq!(escaped(r"a <b>b</b> & c \074"), r"a &lt;b&gt;b&lt;/b&gt; &amp; c \\074");
        assert_eq!(for_kdialog("a <b>b</b> & c", "a & b"), ["a ‹b›b‹/b› & c", "<b></b>a &amp; b"]);
        assert_eq!(for_kdialog("a", "b"), ["a", "b"]);
    }
}

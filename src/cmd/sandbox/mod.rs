//! `sandbox`: a tour with a local, strict imitation of STS, in a temporary home directory that is deleted at the end.

mod home;
mod stage;
mod steps;
mod sweeper;

use std::io::{IsTerminal, stdin, stdout};

use crate::cli;
use crate::error::{Failure, Kind, Result};
use crate::keyring::Keyring;
use crate::output::{paragraph, to_stdout};
use crate::shell::Shell;
use crate::system::terminal;

use super::context::Invocation;
use super::shell::line_to_type;
use home::{Home, broken};
use stage::{Turn, Wish};
use steps::{Step, Way};
use sweeper::Sweeper;

/// Runs the tour: by itself, or with the person at the terminal and a shell after it.
pub fn run(args: &cli::Sandbox, invocation: &Invocation) -> Result<u8> {
    if let Some(key) = &args.sweep {
        return sweeper::run(key, invocation);
    }
    if cfg!(windows) {
        let cause = "the sandbox needs its own home directory, which Windows cannot set by a variable: use WSL";
        return Err(Failure::new(Kind::Usage, cause));
    }
    let home = Home::start(&invocation.env)?;
    let sweeper = Sweeper::start(&home)?;
    let person = !args.once && stdin().is_terminal() && stdout().is_terminal();
    let tour = Tour { home: &home, person, invocation };
    tour.begin()?;
    if tour.walk()? && person {
        tour.sub_shell()?;
    }
    let place = home.path().display().to_string();
    if !sweeper.finish() {
        return Err(Failure::new(Kind::Disk, format!("not everything in {place} could be deleted")));
    }
    to_stdout(format!("\nDeleted {place}, and its keys.\n").as_bytes()).map(|()| 0)
}

struct Tour<'a> {
    home: &'a Home,
    /// Whether somebody takes part.
    person: bool,
    invocation: &'a Invocation,
}

impl Tour<'_> {
    fn begin(&self) -> Result<()> {
        let (url, place) = (self.home.sts.url(), self.home.path().display());
        self.say(&format!("A local STS ({url}) knows ana, her access key, her MFA device and two roles."))?;
        self.say(&format!("Her home directory is {place}; it is deleted at the end."))?;
        self.set_keyring()?;
        if self.person {
            self.title("To open a shell there in another terminal:")?;
            to_stdout(format!("  {}\n", self.home.entrance()).as_bytes())?;
        }
        Ok(())
    }

    fn set_keyring(&self) -> Result<()> {
        let name = self.home.keyring.name();
        if self.home.keyring == Keyring::Auto {
            return Ok(());
        }
        let set = self.home.twolock(&["settings", "set", "keyring", name]).output();
        set.map_err(|e| broken("cannot start twolock", &e))?;
        self.say(&format!("No keyring that stores access keys is available, so twolock uses keyring = {name}."))
    }

    /// Goes through the steps; returns whether the person stayed.
    fn walk(&self) -> Result<bool> {
        let mut steps = steps::all(self.home);
        if !self.person {
            steps.push(steps::in_a_shell(self.home));
        }
        for (number, mut step) in (1..).zip(steps) {
            self.title(&format!("{number}. {}", step.title))?;
            if !self.take(&mut step)? {
                return Ok(false);
            }
        }
        if !self.person {
            to_stdout(b"\nEvery step succeeded.\n")?;
        }
        Ok(true)
    }

    /// Runs a step, until it is right if a person takes part; returns whether to go on.
    fn take(&self, step: &mut Step) -> Result<bool> {
        loop {
            let turn = if self.person { None } else { self.turn(step.way)? };
            to_stdout(format!("$ {}\n", step.line).as_bytes())?;
            match if self.person { stage::ask()? } else { Wish::Run } {
                Wish::Skip => return Ok(true),
                Wish::Quit => return Ok(false),
                Wish::Run => {}
            }
            match self.act(step, turn)? {
                None => return Ok(true),
                Some(trouble) if self.person => self.say(&format!("This step is not done: {trouble}."))?,
                Some(trouble) => {
                    let cause = format!("the tour failed at '{}': {trouble}", step.line);
                    return Err(Failure::new(Kind::Bug, cause));
                }
            }
        }
    }

    /// Runs a step once; returns what is wrong with it.
    fn act(&self, step: &mut Step, turn: Option<Turn>) -> Result<Option<String>> {
        let calls = self.home.sts.calls().len();
        let played = match step.way {
            Way::Silent => stage::call(&mut step.command)?,
            way if self.person => {
                // The code is shown only now, so that it is valid for long enough.
                self.turn(way)?;
                stage::perform(&mut step.command)?
            }
            _ => stage::play(&mut step.command, turn)?,
        };
        let is_silent = step.way != Way::Silent || self.home.sts.calls().len() == calls;
        Ok(match played.trouble {
            None if !is_silent => Some("it called STS".into()),
            None => (!(step.is_right)(self.home, &played.shown)).then(|| "it did not have the expected effect".into()),
            trouble => trouble,
        })
    }

    /// What is typed; shows the code that the device shows now.
    fn turn(&self, way: Way) -> Result<Option<Turn>> {
        Ok(match way {
            Way::Confirmed => Some(("adopt? [y/N] ", "y".into())),
            Way::WithCode => {
                let (code, seconds) = self.home.code().ok_or_else(|| broken("no code", &"no such device"))?;
                self.say(&format!("Her MFA device shows {}, which is valid for {seconds} s.", code.digits))?;
                Some(("): ", code.digits))
            }
            Way::Shown | Way::Silent => None,
        })
    }

    fn sub_shell(&self) -> Result<()> {
        let shell = Shell::from_program(&self.home.shell).unwrap_or(Shell::Sh);
        let first = match shell.integration() {
            Some(_) => "tl admin".into(),
            None => line_to_type(shell, "admin") + "  ",
        };
        self.title("Now it is your turn, in a shell in her home directory")?;
        for (line, does) in [
            (first.as_str(), "credentials in this shell"),
            ("twolock", "her profiles"),
            ("twolock exec glass", "a protected role: a fresh code each time"),
            ("cat ~/code", "what the device shows now"),
            ("exit", "leave, and delete everything"),
        ] {
            to_stdout(format!("  {line:<20}{does}\n").as_bytes())?;
        }
        let mut command = self.home.program("/bin/sh");
        command.arg(self.home.path().join("enter"));
        self.invocation.limits.restore_for(&mut command);
        // How it ends is the business of the commands in it.
        stage::perform(&mut command).map(drop)
    }

    fn title(&self, text: &str) -> Result<()> {
        to_stdout(b"\n")?;
        self.say(text)
    }

    fn say(&self, text: &str) -> Result<()> {
        to_stdout(paragraph::wrapped(text, "", terminal::columns(&self.invocation.env)).as_bytes())
    }
}

//! `mfa …`: the command line of MFA devices.

use clap::{Args, Subcommand};

use super::{ProfileAndCode, ProfileArg};

#[derive(Debug, Subcommand)]
pub enum Mfa {
    /// List the MFA devices of a profile's user: kind, age, which one the profile uses
    #[command(
        alias = "list",
        after_help = "\
Example:
  twolock mfa devices work

It asks for no code: it uses a session if there is one, else the access key."
    )]
    Devices {
        #[command(flatten)]
        profile: ProfileArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Create a virtual MFA device: show its QR code, enable it, and write it into the profile
    #[command(after_help = "\
Examples:
  twolock mfa enroll work                # shows a QR code, asks for two codes
  twolock mfa enroll work --show-seed    # shows the seed as text
  twolock mfa enroll work --seed-to 'pass insert -m aws-mfa'
  twolock mfa enroll work --seed-to 'my-otp import' --yes    # for scripts

The seed is what apps call the secret key or setup key of a device. The device is named after the user, or NAME-2 if \
that name is taken. The --seed-to program is started without a shell, and \
reads the seed in Base32 as one line on its standard input. With --yes as well, the two codes come from the mfa_process of the \
profile, if it has one: a program that prints the codes of that seed. No terminal is needed then; it takes up to a minute. \
No seed is stored by twolock. If enrolling is \
interrupted, run it again: an unfinished device is removed, and one that is already enabled is written into the profile.")]
    Enroll(Enroll),
    /// Synchronize a device whose codes are refused, with two consecutive codes
    #[command(after_help = "Example:\n  twolock mfa resync work")]
    Resync {
        #[command(flatten)]
        profile: ProfileArg,
    },
    /// Deactivate and delete a device, and remove it from the profiles that name it
    #[command(after_help = "\
Examples:
  twolock mfa remove work             # the device that the profile uses
  twolock mfa remove work old-phone   # another one, by name or ARN

The last device of a user is removed only with --force. Sessions that were started with it stay valid at AWS until they \
expire, up to 36 hours.")]
    Remove(Remove),
}

#[derive(Args, Debug)]
pub struct Enroll {
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Show the seed as text instead of a QR code
    #[arg(long, conflicts_with = "seed_to")]
    pub show_seed: bool,
    /// Give the seed to this program, on its standard input
    #[arg(long, value_name = "COMMAND LINE")]
    pub seed_to: Option<String>,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args, Debug)]
pub struct Remove {
    #[command(flatten)]
    pub profile: ProfileAndCode,
    /// The device, by name or ARN [default: the one that the profile uses]
    #[arg(value_name = "DEVICE")]
    pub device: Option<String>,
    /// Remove even the user's last device, or a device of a user whose devices AWS does not list
    #[arg(long)]
    pub force: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
}

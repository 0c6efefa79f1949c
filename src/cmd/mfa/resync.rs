//! `mfa resync`: two consecutive codes tell AWS how far a device's clock is off.

use crate::aws::iam::Iam;
use crate::aws::{AwsErrorKind, Bounds};
use crate::cli::ProfileArg;
use crate::cmd::context::{Context, Invocation};
use crate::enrollment::pair;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::output::to_stdout;
use crate::text::visible::visible;

use super::devices::short;
use super::prompt::{MOST_TRIES, Prompt};
use crate::cmd::account::Account;

pub fn run(profile: &ProfileArg, invocation: &Invocation) -> Result<u8> {
    let context = Context::load(&invocation.env)?;
    let account = Account::of(&context, &context.requested_or_picked(profile)?)?;
    let Some(device) = account.device() else {
        let failure = Failure::new(Kind::Config, "no mfa_serial, so there is no device to synchronize");
        let list = CommandLine::of(Verb::Devices, &account.profile);
        return Err(failure.of_profile(&account.profile).hint(list.to("to list the user's devices")));
    };
    let (directory, endpoint) = (&context.dirs.cache, account.endpoint());
    let was_sent = |code: &_| pair::was_sent(directory, device, endpoint.as_deref(), code);
    let mut prompt = Prompt::open(&account.profile, &context.env, &was_sent)?;
    let about = format!("device {} of user {}", visible(short(device)), account.user);
    let mut notice = String::new();
    for left in (0..MOST_TRIES).rev() {
        let [first, second] = prompt.two_codes(&about, &notice)?;
        let call =
            || account.iam.resync_mfa_device(account.signer(), &account.user, device, [&first, &second], Bounds::CALL);
        match pair::send(directory, device, endpoint.as_deref(), [&first, &second], call)? {
            Ok(()) => {
                let login = CommandLine::of(Verb::Login, &account.profile);
                let line = format!("device {device} is synchronized; to start a session with its next code: {login}\n");
                return to_stdout(line.as_bytes()).map(|()| 0);
            }
            Err(e) if e.kind == AwsErrorKind::WrongCode && left > 0 => {
                notice = format!("AWS refused the codes; tries left: {left}");
            }
            Err(e) => return Err(account.failure(e)),
        }
    }
    unreachable!("the last try returns")
}

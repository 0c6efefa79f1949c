//! `key export`: prints an access key with its secret, for another program.

use std::io::{self, IsTerminal};

use zeroize::Zeroizing;

use crate::aws_files::edit::Edit;
use crate::aws_files::file::{AwsFile, FileKind};
use crate::cli::KeyExport;
use crate::cmd::context::Context;
use crate::cmd::conversation::{Conversation, PersonNeeded};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::output::to_stdout;
use crate::text::visible::visible;

const NEED: PersonNeeded = PersonNeeded { what: "confirmation is required", otherwise: "add --yes" };

pub fn run(context: &Context, args: &KeyExport) -> Result<u8> {
    let name = context.requested_or_picked(&args.profile)?;
    let base = context.plan(&name)?.plan.base;
    let key = base.required_key(&name)?;
    if key.profile != name {
        let cause = format!("has no access key of its own: its credentials come from profile '{}'", key.profile);
        let export = CommandLine::of(Verb::KeyExport, &key.profile);
        return Err(Failure::new(Kind::Config, cause).of_profile(&name).hint(export));
    }
    if io::stdout().is_terminal() && !args.to_terminal {
        let cause = "stdout is a terminal, which would show the secret key: redirect it, or add --to-terminal";
        return Err(Failure::new(Kind::Usage, cause).of_profile(&name));
    }
    if !args.yes {
        let question = format!("print access key {} of '{}' with its secret?", key.id, visible(name.as_str()));
        Conversation::begin(NEED)?.confirm("", &question)?;
    }
    let stores = context.stores(true);
    let key = context.access_key(key, stores.of_access_keys())?;
    let empty = AwsFile::from_bytes(FileKind::Credentials, String::new(), Vec::new());
    let written = empty.with_edits(&[Edit::PutKey { profile: name.to_string(), key }])?;
    to_stdout(&Zeroizing::new(written.bytes)).map(|()| 0)
}

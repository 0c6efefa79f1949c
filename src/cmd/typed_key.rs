//! An access key that a person types, or that a script gives on stdin. Never from an argument, which others can see.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use crate::credentials::{AccessKey, AccessKeyId, parse_secret_key};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::system::clock::Deadline;
use crate::system::stdin;

use super::context::Context;
use super::conversation::Conversation;

/// Asks for the id of a long-term key.
pub fn id(person: &Conversation) -> Result<AccessKeyId> {
    person.ask_unquoted("access key id", long_term_id)
}

/// Asks for the secret that belongs to an id, until it is the one that the keyring may have already.
pub fn with_secret(context: &Context, person: &Conversation, id: AccessKeyId) -> Result<AccessKey> {
    let known = context.known_key(&id);
    let parse = |text: &str| match (parse_secret_key(text)?, &known) {
        (secret, Some(known)) if secret.expose() != known.secret.expose() => {
            Err("is not the secret of this key id: the keyring has another one, which AWS accepted")
        }
        (secret, _) => Ok(secret),
    };
    let secret = person.ask_hidden("secret access key (not shown)", parse)?;
    Ok(AccessKey { id, secret })
}

/// Reads two lines: the key id, the secret. `verb` is the command that asks for them on a terminal.
pub fn from_stdin(name: &ProfileName, verb: Verb) -> Result<AccessKey> {
    let until = Deadline::after(Instant::now(), Duration::from_secs(60));
    let wrong = |why: String| {
        Failure::new(Kind::Usage, format!("--stdin reads two lines, access key id and secret: {why}")).of_profile(name)
    };
    if io::stdin().is_terminal() {
        let typed = CommandLine::of(verb, name).to("to type the key without showing it");
        return Err(wrong("it is a terminal".into()).hint(typed));
    }
    let line = || stdin::read_line(512, until).map_err(|_| wrong("a line is missing or is not text".into()));
    let id = long_term_id(line()?.expose().trim()).map_err(|why| wrong(format!("the first {why}")))?;
    let secret = parse_secret_key(line()?.expose().trim()).map_err(|why| wrong(format!("the second {why}")))?;
    Ok(AccessKey { id, secret })
}

/// Reads the id of a long-term key; the error never repeats the text.
pub fn long_term_id(text: &str) -> std::result::Result<AccessKeyId, String> {
    let id = AccessKeyId::parse(text)?;
    if id.is_temporary() { Err("is a temporary key; long-term keys start with AKIA".into()) } else { Ok(id) }
}

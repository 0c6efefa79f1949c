//! `key add`: stores an access key that is typed, or read from stdin.

use crate::cli::KeyAdd;
use crate::cmd::context::Context;
use crate::cmd::conversation::{Conversation, PersonNeeded};
use crate::cmd::typed_key;
use crate::error::Result;
use crate::hint::Verb;
use crate::output::messages;

use super::given::{self, Leave, home, must_not_replace, must_take_a_key};

const NEED: PersonNeeded = PersonNeeded { what: "an access key is required", otherwise: "give it by --stdin" };

pub fn run(context: &Context, args: &KeyAdd, title: &str) -> Result<u8> {
    let name = context.requested_or_picked(&args.profile)?;
    let leave = Leave { beside_a_file: args.yes, root: args.root };
    must_take_a_key(context, &name, leave)?;
    if let Some(entry) = context.index.get(&name).filter(|entry| entry.unproved && !args.stdin) {
        return given::prove_stored(context, &name, entry, args.root, title).map(|()| 0);
    }
    let (key, home) = if args.stdin {
        let key = typed_key::from_stdin(&name, Verb::KeyAdd)?;
        must_not_replace(context, &name, Some(&key.id))?;
        given::planned(context, &name, &key.id)?;
        let home = home(context, &name, &key.id, None)?;
        (key, home)
    } else {
        must_not_replace(context, &name, None)?;
        let person = Conversation::begin(NEED)?;
        let id = typed_key::id(&person)?;
        given::planned(context, &name, &id)?;
        let home = home(context, &name, &id, Some(&person))?;
        (typed_key::with_secret(context, &person, id)?, home)
    };
    let notes = given::store(context, &name, key, home, leave, title)?;
    notes.iter().for_each(|note| messages::note(note));
    Ok(0)
}

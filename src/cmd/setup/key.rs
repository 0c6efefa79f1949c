//! The access key of a profile that has none: typed, or in a CSV file of the console.

use std::path::{Path, PathBuf};

use crate::aws_files::edit::Edit;
use crate::aws_files::file::FileKind;
use crate::change::{Act, Change};
use crate::cli;
use crate::cmd::changing::make;
use crate::cmd::context::{Context, Invocation};
use crate::cmd::conversation::Conversation;
use crate::cmd::key::{self, given, import};
use crate::cmd::typed_key::{self, long_term_id};
use crate::credentials::AccessKeyId;
use crate::error::{Kind, Result};
use crate::names::{ProfileName, Region};
use crate::ours::key_index::IndexEntry;
use crate::output::messages;

use super::{NEED, titled};
use crate::text::list::first_names;
use crate::text::visible::{refused, visible};

/// So many keys may be refused.
const MOST_TRIES: u32 = 3;

const QUESTION: &str = "access key id, or path of the console's CSV file";

enum Given {
    Id(AccessKeyId),
    Csv(PathBuf),
}

/// Takes a key, and stores it once AWS accepts it. One that is refused is asked for again.
pub fn take(context: &Context, invocation: &Invocation, args: &cli::Setup, name: &ProfileName) -> Result<()> {
    let person = Conversation::begin(NEED)?;
    let taking = Taking { invocation, args, name, person: &person };
    // Before anything is written.
    let user = args.csv.as_deref().map(|file| taking.user(context, file)).transpose()?;
    if context.files.profile(name.as_str()).is_none() {
        taking.add_profile(context)?;
    }
    let context = Context::load(&invocation.env)?;
    if let Some(file) = &args.csv {
        return taking.imported(file, user.flatten());
    }
    for left in (0..MOST_TRIES).rev() {
        let taken = match person.ask_unquoted(QUESTION, |text| given(text, &context.dirs.home))? {
            Given::Csv(file) => taking.user(&context, &file).and_then(|user| taking.imported(&file, user)),
            Given::Id(id) => taking.typed(&context, id),
        };
        match taken {
            Err(failure) if left > 0 && matches!(failure.kind, Kind::Refused | Kind::Config | Kind::Usage) => {
                messages::failure(&failure);
            }
            taken => return taken,
        }
    }
    Ok(())
}

/// Asks AWS about a key that an earlier run could only store.
pub fn prove(context: &Context, name: &ProfileName, entry: &IndexEntry) -> Result<()> {
    given::prove_stored(context, name, entry, false, &titled(name))
}

struct Taking<'a> {
    invocation: &'a Invocation,
    args: &'a cli::Setup,
    name: &'a ProfileName,
    person: &'a Conversation<'a>,
}

impl Taking<'_> {
    fn add_profile(&self, context: &Context) -> Result<()> {
        let region = |text: &str| match text {
            "" => Ok(None),
            _ => Region::parse(text).map(Some),
        };
        let region = self.person.ask("region, such as eu-west-1 (Enter for none)", region)?;
        let settings = region.iter().map(|region| ("region".to_owned(), region.to_string())).collect();
        let add = Edit::Add { profile: self.name.to_string(), settings };
        let edit = Act::EditFile { kind: FileKind::Config, edits: vec![add], holds: Vec::new() };
        let change = Change { acts: vec![edit], ..Change::new(titled(self.name)) };
        let flags = cli::ChangeFlags { yes: true, ..cli::ChangeFlags::default() };
        make(context, &change, &context.preview(&change)?, "", flags)?;
        context.say(&format!("added profile '{}'", visible(self.name.as_str())))
    }

    fn typed(&self, context: &Context, id: AccessKeyId) -> Result<()> {
        given::planned(context, self.name, &id)?;
        let home = given::home(context, self.name, &id, Some(self.person))?;
        let key = typed_key::with_secret(context, self.person, id)?;
        // That there is no device yet is the next step's concern.
        given::store(context, self.name, key, home, given::Leave::default(), &titled(self.name)).map(drop)
    }

    /// Whose key to take from a CSV file; asked if there are several, and no option says it.
    fn user(&self, context: &Context, file: &Path) -> Result<Option<String>> {
        let users = import::users(context, file)?;
        if self.args.user.is_some() || users.len() < 2 {
            return Ok(self.args.user.clone());
        }
        let shown: Vec<&str> = users.iter().map(|user| refused(user)).collect();
        let parse = |text: &str| match users.iter().find(|user| *user == text) {
            Some(user) => Ok(Some(user.clone())),
            None => Err("is not one of them"),
        };
        self.person.ask(&format!("whose key ({})", first_names(&shown)), parse)
    }

    fn imported(&self, file: &Path, user: Option<String>) -> Result<()> {
        let flags = cli::ChangeFlags::default();
        let import = cli::KeyImport {
            profiles: vec![self.name.clone()],
            all: false,
            csv: Some(file.into()),
            user,
            delete: false,
            process: None,
            root: false,
            flags,
        };
        key::run(&cli::Key::Import(import), self.invocation).map(drop)
    }
}

/// A path as it is typed, or as terminals paste a file that is dropped on them: quoted, or with backslashes.
fn given(text: &str, home: &Path) -> std::result::Result<Given, String> {
    let is_path = text.contains('/') || text.to_ascii_lowercase().trim_matches(['\'', '"']).ends_with(".csv");
    if !is_path {
        return long_term_id(text).map(Given::Id);
    }
    let plain = if cfg!(unix) { unquoted(text) } else { text.trim_matches('"').to_owned() };
    let file = plain.strip_prefix("~/").map_or_else(|| PathBuf::from(&plain), |below| home.join(below));
    if file.is_file() { Ok(Given::Csv(file)) } else { Err("is not the path of a file".into()) }
}

fn unquoted(text: &str) -> String {
    match shlex::split(text).as_deref() {
        Some([one]) => one.clone(),
        _ => text.to_owned(),
    }
}

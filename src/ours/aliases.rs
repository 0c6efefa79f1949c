//! `[aliases]` of `config.toml`: other names for profiles, each with its line.

use std::collections::BTreeMap;

use toml_edit::{Item, TableLike};

use crate::error::{Failure, Kind, Place, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;

/// The prefix of an alias's name as a setting.
const TABLE: &str = "aliases.";

/// Another name for a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Never another alias.
    pub profile: ProfileName,
    pub place: Place,
}

/// By name.
#[derive(Clone, Debug, Default)]
pub struct Aliases(BTreeMap<String, Alias>);

impl Aliases {
    /// Reads the table; an invalid profile name on either side is refused with its line.
    pub(super) fn read(table: &dyn TableLike, text: &str, shown: &str) -> Result<Self> {
        let lines = LineEnds::of(text);
        let alias = |(name, item): (&str, &Item)| {
            let place = Place { file: shown.into(), line: lines.line_of(item) };
            check_name(name).map_err(|why| refuse(&place, name, &why))?;
            let profile = item.as_str().ok_or_else(|| refuse(&place, name, "must be the name of a profile"))?;
            let profile = ProfileName::parse(profile).map_err(|why| refuse(&place, name, &why))?;
            Ok((name.to_string(), Alias { profile, place }))
        };
        table.iter().map(alias).collect::<Result<_>>().map(Self)
    }

    pub fn get(&self, name: &str) -> Option<&Alias> {
        self.0.get(name)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Alias)> {
        self.0.iter().map(|(name, alias)| (name.as_str(), alias))
    }

    /// Returns the aliases of a profile.
    pub fn of<'a>(&'a self, profile: &'a str) -> impl Iterator<Item = (&'a str, &'a Alias)> {
        self.iter().filter(move |(_, alias)| alias.profile.as_str() == profile)
    }
}

/// Returns the alias in a setting's name: `prod` of `aliases.prod`.
pub fn named_by(setting: &str) -> Option<&str> {
    setting.strip_prefix(TABLE)
}

/// Returns an alias's name as a setting: `aliases.prod`.
pub fn setting_of(alias: &str) -> String {
    format!("{TABLE}{alias}")
}

/// Checks an alias before it is written.
pub(super) fn check(name: &str, profile: &str) -> Result<()> {
    let usage = |why| Failure::new(Kind::Usage, format!("alias '{name}' cannot be '{profile}': {why}"));
    check_name(name).map_err(usage)?;
    ProfileName::parse(profile).map(drop).map_err(usage)
}

fn check_name(name: &str) -> std::result::Result<(), String> {
    match ProfileName::parse(name) {
        Ok(_) if name.starts_with('-') => Err("no command would accept it as a name".into()),
        Ok(_) => Ok(()),
        Err(_) if name.is_empty() => Err("a name cannot be empty".into()),
        Err(_) => Err("a name must have at most 512 bytes and no control characters".into()),
    }
}

fn refuse(place: &Place, name: &str, why: &str) -> Failure {
    let failure = Failure::new(Kind::Config, format!("alias '{name}': {why}")).at(place);
    if check_name(name).is_err() {
        return failure;
    }
    failure.hint(CommandLine::new(Verb::SettingsUnset).with(setting_of(name)).to("to remove it"))
}

/// Where lines end: counting them again for each of ten thousand aliases would be slow.
struct LineEnds(Vec<usize>);

impl LineEnds {
    fn of(text: &str) -> Self {
        Self(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    fn line_of(&self, item: &Item) -> usize {
        item.span().map_or(1, |span| 1 + self.0.partition_point(|&end| end < span.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ours::settings::{rename_in_aliases, set, unset};

    fn read(text: &str) -> Result<Aliases> {
        let document = toml_edit::Document::parse(text.to_string()).unwrap();
        Aliases::read(document.get("aliases").unwrap().as_table_like().unwrap(), text, "config.toml")
    }

    #[test]
    fn each_alias_has_its_line() {
        let text = "min_ttl = \"5m\"\n\n[aliases]\nprod = \"production-admin\"\n# mine\n\"my base\" = \"base\"\n\"a.b\" = \"base\"\n";
        let aliases = read(text).unwrap();
        let found: Vec<_> = aliases.iter().map(|(n, a)| (n, a.profile.as_str(), a.place.line)).collect();
        assert_eq!(found, [("a.b", "base", 7), ("my base", "base", 6), ("prod", "production-admin", 4)]);
        assert_eq!(aliases.of("base").count(), 2);
        assert_eq!(read("aliases.prod = \"x\"").unwrap().get("prod").unwrap().place.line, 1);
    }

    #[test]
    fn an_invalid_name_is_refused_with_its_line() {
        for (text, said) in [
            ("[aliases]\n\"\" = \"x\"", "config.toml:2: alias '': a name cannot be empty"),
            (
                "[aliases]\n\"a\\u001bb\" = \"x\"",
                "config.toml:2: alias 'a\\u{1b}b': a name must have at most 512 bytes and no control characters",
            ),
            ("[aliases]\n\"-a\" = \"x\"", "config.toml:2: alias '-a': no command would accept it as a name"),
            ("[aliases]\n\na = \"\"", "config.toml:3: alias 'a': a profile name cannot be empty"),
            ("[aliases]\na = \"x\\ny\"", "config.toml:2: alias 'a': 'x\\u{a}y' is not a valid profile name"),
            ("[aliases]\na = 1", "config.toml:2: alias 'a': must be the name of a profile"),
            ("[aliases]\na.b = \"x\"", "config.toml:2: alias 'a': must be the name of a profile"),
        ] {
            let failure = read(text).unwrap_err();
            assert_eq!((failure.headline().as_str(), failure.kind), (said, Kind::Config));
        }
        for (name, profile) in
            [("", "x"), ("a\u{7}", "x"), ("-a", "x"), ("a", ""), ("a", "x\ny"), ("a", &"x".repeat(513))]
        {
            assert_eq!(set("", "config.toml", &setting_of(name), profile).unwrap_err().kind, Kind::Usage, "{name:?}");
        }
    }

    #[test]
    fn an_alias_is_set_and_removed_and_the_others_stay() {
        let text = "# mine\n[aliases]\na = \"x\" # short\n";
        let more = set(text, "config.toml", "aliases.a.b", "y").unwrap();
        assert_eq!(more, format!("{text}\"a.b\" = \"y\"\n"));
        assert_eq!(unset(&more, "config.toml", "aliases.a.b").unwrap(), text);
        assert_eq!(set(text, "config.toml", "aliases.a", "z").unwrap(), text.replace("\"x\"", "\"z\""));
        assert_eq!(unset(text, "config.toml", "aliases.none").unwrap(), text);
        assert_eq!(set("", "config.toml", "aliases.a", "x").unwrap(), "[aliases]\na = \"x\"\n");
    }

    #[test]
    fn aliases_follow_a_renamed_profile() {
        let text = "[aliases]\na = \"old\" # short\nb = \"other\"\nnew = 'old'\n";
        let renamed = rename_in_aliases(text, "config.toml", "old", "new").unwrap();
        assert_eq!(renamed, "[aliases]\na = \"new\" # short\nb = \"other\"\n", "'new' is the profile itself now");
        assert_eq!(rename_in_aliases("a = 1\n", "config.toml", "old", "new").unwrap(), "a = 1\n");
    }

    #[test]
    fn many_aliases_are_read_in_linear_time() {
        let line = |n: usize| format!("alias-{n:06}-{} = \"profile-{n}\"\n", "x".repeat(60));
        let text: String = std::iter::once("[aliases]\n".into()).chain((0..10_000).map(line)).collect();
        let aliases = read(&text).unwrap();
        assert_eq!(aliases.iter().map(|(_, alias)| alias.place.line).max(), Some(10_001));
    }
}

//! The CSV files in which the AWS console gives out an access key.
//!
//! There are several: with the two halves alone, or with user name, password and a link besides; the names of the columns
//! vary in case and order, and programs that have opened such a file may have added quotes, a byte order mark, or other
//! separators.

use zeroize::Zeroizing;

use crate::cmd::typed_key::long_term_id;
use crate::credentials::{AccessKey, parse_secret_key};
use crate::text::list::first_names;
use crate::text::visible::refused;

type Row = Vec<Zeroizing<String>>;

/// Reads the key of the file's only row, or of the row of this user. The error never repeats a field that may be a
/// secret.
pub fn key(bytes: &[u8], user: Option<&str>) -> Result<AccessKey, String> {
    let Table { rows, id, secret, name } = Table::read(bytes)?;
    let row = the_one(rows, name, user)?;
    let field = |at: usize| row.get(at).map_or("", |field| field.trim());
    let id = long_term_id(field(id)).map_err(|why| format!("its access key id {why}"))?;
    let secret = parse_secret_key(field(secret)).map_err(|why| format!("its secret access key {why}"))?;
    Ok(AccessKey { id, secret })
}

/// The users with keys, sorted; none in a file without their names.
pub fn users(bytes: &[u8]) -> Result<Vec<String>, String> {
    Table::read(bytes).map(|table| users_of(&table.rows, table.name))
}

/// The rows below the header, and which columns have what.
struct Table {
    rows: Vec<Row>,
    id: usize,
    secret: usize,
    name: Option<usize>,
}

impl Table {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "is not a CSV file in UTF-8")?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let first = text.lines().next().unwrap_or_default();
        let separator = [',', ';', '\t'].into_iter().find(|c| first.contains(*c)).unwrap_or(',');
        let mut rows = rows(text, separator)?.into_iter();
        let header = rows.next().ok_or("is empty")?;
        let column = |name: &str| header.iter().position(|field| plain(field) == name);
        let missing = |name: &str| format!("has no column '{name}': is it the file you downloaded from the console?");
        let id = column("accesskeyid").ok_or_else(|| missing("Access key ID"))?;
        let secret = column("secretaccesskey").ok_or_else(|| missing("Secret access key"))?;
        let name = column("username");
        Ok(Self { rows: rows.collect(), id, secret, name })
    }
}

/// A column's name without what varies in it.
fn plain(field: &str) -> String {
    field.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn the_one(rows: Vec<Row>, name: Option<usize>, user: Option<&str>) -> Result<Row, String> {
    let (many, names) = (rows.len(), users_of(&rows, name));
    let list = match names[..] {
        [] => String::new(),
        _ => format!(" (users: {})", first_names(&names.iter().map(|name| refused(name)).collect::<Vec<_>>())),
    };
    let mut of_user: Vec<Row> =
        rows.into_iter().filter(|row| user.is_none_or(|user| name_of(row, name) == user)).collect();
    match (of_user.len(), user) {
        (1, _) => Ok(of_user.remove(0)),
        (0, None) => Err("has no key below its header".into()),
        (0, Some(user)) => Err(format!("has no key of user '{}'{list}", refused(user))),
        (_, Some(user)) => Err(format!("has several keys of user '{}'", refused(user))),
        (_, None) if !names.is_empty() => Err(format!("has {many} keys: choose one with --user NAME{list}")),
        _ => Err(format!("has {many} keys, and no user names to choose one by")),
    }
}

fn name_of(row: &Row, column: Option<usize>) -> String {
    column.and_then(|at| row.get(at)).map_or(String::new(), |name| name.trim().to_string())
}

fn users_of(rows: &[Row], column: Option<usize>) -> Vec<String> {
    let mut names: Vec<String> = rows.iter().map(|row| name_of(row, column)).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The rows that are not blank. A field in quotes may hold separators, line ends, and doubled quotes.
fn rows(text: &str, separator: char) -> Result<Vec<Row>, String> {
    let (mut rows, mut row, mut field) = (Vec::new(), Row::new(), room(text));
    let mut characters = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted || field.trim().is_empty() => quoted = !quoted,
            _ if quoted => field.push(c),
            '\r' | '\n' => {
                row.push(std::mem::replace(&mut field, room(text)));
                rows.push(std::mem::take(&mut row));
            }
            _ if c == separator => row.push(std::mem::replace(&mut field, room(text))),
            _ => field.push(c),
        }
    }
    if quoted {
        return Err("has an unclosed quote".into());
    }
    row.push(field);
    rows.push(row);
    rows.retain(|row| row.iter().any(|field| !field.trim().is_empty()));
    Ok(rows)
}

/// Room for any field at once: growing would leave parts of a secret in freed memory.
fn room(text: &str) -> Zeroizing<String> {
    Zeroizing::new(String::with_capacity(text.len().min(4096)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    #[test]
    fn the_files_of_the_console_and_what_other_programs_make_of_them_are_read() {
        for text in [
            format!("Access key ID,Secret access key\n{ID},{SECRET}\n"),
            format!("\u{feff}Access key ID,Secret access key\r\n{ID},{SECRET}\r\n"),
            format!("Access key ID,Secret access key\n{ID},{SECRET}"),
            format!("\"Access key ID\",\"Secret access key\"\n\"{ID}\",\"{SECRET}\"\n"),
            format!("User Name,Access Key Id,Secret Access Key\n\"ana\",{ID},{SECRET}\n"),
            format!(
                "User name,Password,Access key ID,Secret access key,Console login link\n\
                 ana,\"a,\"\"b\",{ID},{SECRET},https://123456789012.signin.aws.amazon.com/console\n"
            ),
            format!("SECRET ACCESS KEY,note,ACCESS KEY ID\n{SECRET},\"two\nlines\",{ID}\n"),
            format!("Access key ID;Secret access key\r\n{ID};{SECRET}\r\n;\r\n"),
            format!("access_key_id\tsecret_access_key\n {ID} \t {SECRET} \n\n\n"),
            format!("Access key ID,Secret access key,\n{ID},{SECRET},,,\n"),
            format!("\"Access key ID\" ,\"Secret access key\"\r{ID},{SECRET}\r"),
        ] {
            let key = key(text.as_bytes(), None).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!((key.id.as_str(), key.secret.expose().as_str()), (ID, SECRET), "{text}");
        }
    }

    #[test]
    fn one_of_several_keys_is_chosen_by_its_user() {
        let text = format!(
            "User name,Access key ID,Secret access key\neve,AKIAI44QH8DHBEXAMPLE,other\nana,{ID},{SECRET}\nbob,,\nbob,,\n"
        );
        assert_eq!(key(text.as_bytes(), Some("ana")).unwrap().secret.expose(), SECRET);
        for (user, why) in [
            (None, "has 4 keys: choose one with --user NAME (users: 'ana', 'bob', 'eve')"),
            (Some("bo"), "has no key of user 'bo' (users: 'ana', 'bob', 'eve')"),
            (Some("bob"), "has several keys of user 'bob'"),
        ] {
            assert_eq!(key(text.as_bytes(), user).unwrap_err(), why);
        }
        let nameless = format!("Access key ID,Secret access key\n{ID},{SECRET}\n{ID},{SECRET}\n");
        assert_eq!(key(nameless.as_bytes(), None).unwrap_err(), "has 2 keys, and no user names to choose one by");
    }

    #[test]
    fn other_files_are_refused_and_no_secret_is_repeated() {
        for (text, why) in [
            ("", "is empty"),
            ("\n\r\n", "is empty"),
            ("[default]\naws_access_key_id = x\n", "has no column 'Access key ID'"),
            ("Access key ID\nAKIAIOSFODNN7EXAMPLE\n", "has no column 'Secret access key'"),
            ("Access key ID,Secret access key\n", "has no key below its header"),
            ("Access key ID,Secret access key\n\"AKIA", "has an unclosed quote"),
            ("Access key ID,Secret access key\nAKIAIOSFODNN7EXAMPLE,\n", "its secret access key is empty"),
            ("Access key ID,Secret access key\nAKIAIOSFODNN7EXAMPLE\n", "its secret access key is empty"),
            ("Access key ID,Secret access key\nASIAIOSFODNN7EXAMPLE,x\n", "its access key id is a temporary key"),
            ("Secret access key,Access key ID\nAKIAIOSFODNN7EXAMPLE,wJalrXUtnFEMI/K7MDENG\n", "its access key id"),
        ] {
            let said = key(text.as_bytes(), None).unwrap_err();
            assert!(said.starts_with(why) && !said.contains("wJalr"), "{text}: {said}");
        }
        assert_eq!(key(b"\xff\xfeA\0c\0", None).unwrap_err(), "is not a CSV file in UTF-8");
    }
}

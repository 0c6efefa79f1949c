//! POSIX shells get one list, `unset … && export …;`: where a variable is read-only nothing is set, and the list fails
//! (P20). Its commands are quoted, so that no alias takes their place; quotes and not `\`, which bash 5.0 takes for a
//! glob. What nothing printed can defend: functions named `unset` or `export` in bash and zsh; and, unquoted, an `IFS`
//! that holds a character of ours (`eval "$(…)"` is immune).

use super::statements::Statements;

pub(super) struct Posix;

impl Statements for Posix {
    fn set(&self, removed: &[&str], variables: &[(&'static str, String)]) -> String {
        let (mut names, mut values) = (removed.join(" "), String::new());
        for (name, value) in variables {
            names += &format!(" {name}");
            values += &format!(" {name}={}", quote(value));
        }
        format!("'unset' {names} && 'export'{values};\n")
    }

    fn unset(&self, names: &[&str]) -> String {
        format!("'unset' {};\n", names.join(" "))
    }

    fn unset_line(&self, names: &[&str]) -> String {
        format!("unset {}", names.join(" "))
    }

    fn evaluating(&self, command: &str) -> String {
        format!("eval \"$({command})\"")
    }
}

/// One word for POSIX shells: single quotes, a quote inside as `'\''`.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

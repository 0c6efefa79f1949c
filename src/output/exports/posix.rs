//! POSIX shells get one list, `unset … && export …;`: where a variable is read-only nothing is set, and the list fails
//! (P20). Its commands are quoted, so that no alias replaces them; with quotes and not `\`, which bash 5.0 treats as a
//! glob. No output can defend against functions named `unset` or `export` in bash and zsh; or, unquoted, against an
//! `IFS` that contains one of our characters (`eval "$(…)"` is immune).

pub(super) fn set(removed: &[&str], variables: &[(&'static str, String)]) -> String {
    let (mut names, mut values) = (removed.join(" "), String::new());
    for (name, value) in variables {
        if !removed.contains(name) {
            names += &format!(" {name}");
        }
        values += &format!(" {name}={}", quote(value));
    }
    format!("'unset' {names} && 'export'{values};\n")
}

pub(super) fn unset(names: &[&str]) -> String {
    format!("'unset' {};\n", names.join(" "))
}

/// One word for POSIX shells: single quotes, a quote inside as `'\''`.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

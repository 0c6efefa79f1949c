//! What may be written: names, keys and values that every SDK reads alike (the writer rule of aws-contract 1.2).

use crate::error::{Failure, Kind as FailureKind, Result};
use crate::names::ProfileName;
use crate::text::visible::refused;

pub(super) fn must_be_a_safe_name(name: &str) -> Result<()> {
    let problem = |why: String| Err(Failure::new(FailureKind::Usage, why));
    match ProfileName::parse(name) {
        Err(why) => problem(why),
        Ok(name) if !name.is_read_by_every_sdk() => {
            problem(format!("'{name}' is not a name that every SDK can read: use A-Z a-z 0-9 _ - / . % @ : +",))
        }
        Ok(_) => Ok(()),
    }
}

pub(super) fn must_be_writable(key: &str, value: &str) -> Result<()> {
    let problem = |why: String| Err(Failure::new(FailureKind::Usage, why));
    let is_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    if key.contains('.') {
        return problem(format!("'{key}' is inside a block, which twolock cannot edit"));
    }
    if key.is_empty() || !key.chars().all(is_key) {
        return problem(format!("'{key}' is not a valid key: use a-z 0-9 _ -"));
    }
    if value.is_empty() {
        return problem(format!(
            "{key} cannot be empty, which SDKs read differently (to remove it: twolock profile unset)"
        ));
    }
    if value.chars().any(char::is_control) {
        return problem(format!("{key} cannot contain a control character: '{}'", refused(value)));
    }
    if value.trim() != value || value.contains(" #") || value.contains(" ;") || value.starts_with(['#', ';']) {
        let cause = format!("{key} would read back differently: '{}'", refused(value));
        return Err(Failure::new(FailureKind::Usage, cause)
            .hint("a value cannot start or end with a space, or contain '#' or ';' after one"));
    }
    Ok(())
}

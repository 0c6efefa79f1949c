//! Cuts lists into pages.

use data_encoding::BASE64;

use super::grammar::Wanted;
use crate::refusal::Refusal;
use crate::signed_call::SignedCall;
use crate::xml::{element, wrap};

/// Writes the page of a list that a call asks for, from its `member` elements; the server decides how much fits at most.
pub(super) fn page(
    call: &SignedCall<'_>,
    wanted: &Wanted<'_>,
    name: &str,
    members: &[String],
) -> Result<String, Refusal> {
    let first = wanted.marker.map_or(Some(0), read_marker).filter(|first| *first <= members.len());
    let first = first.ok_or_else(|| Refusal::validation("Invalid Marker."))?;
    let size = wanted.most.unwrap_or(100).min(call.world.pace.page_size);
    let rest = &members[first..];
    let shown: String = rest.iter().take(size).map(String::as_str).collect();
    let truncated = rest.len() > size;
    let mut result = wrap(name, &shown) + &element("IsTruncated", &truncated.to_string());
    if truncated {
        result += &element("Marker", &marker(first + size));
    }
    Ok(result)
}

/// Returns a text that says nothing to the client, as AWS's markers do.
fn marker(next: usize) -> String {
    BASE64.encode(format!("from {next}").as_bytes())
}

fn read_marker(text: &str) -> Option<usize> {
    String::from_utf8(BASE64.decode(text.as_bytes()).ok()?).ok()?.strip_prefix("from ")?.parse().ok()
}

//! Reads the form fields in which the AWS query protocol sends its parameters.

use std::collections::BTreeSet;

/// The parameters of one call, in the order sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(pub Vec<(String, String)>);

impl Params {
    /// Adds the fields of `a=1&b=2`, or says no when they cannot be decoded.
    pub(crate) fn read(&mut self, encoded: &str) -> Option<()> {
        for field in encoded.split('&').filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            self.0.push((decode(name)?, decode(value)?));
        }
        Some(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the field of each member of a list: `Tags.member.N` followed by `suffix`.
    pub(crate) fn members(&self, list: &str, suffix: &str) -> Vec<Option<&str>> {
        let prefix = format!("{list}.member.");
        let numbers: BTreeSet<u32> = self
            .0
            .iter()
            .filter_map(|(name, _)| name.strip_prefix(&prefix))
            .filter_map(|rest| rest.split('.').next()?.parse().ok())
            .collect();
        numbers.into_iter().map(|number| self.get(&format!("{prefix}{number}{suffix}"))).collect()
    }
}

/// Returns the text behind percent signs and plus signs.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_members_keep_their_order_and_gaps() {
        let mut params = Params::default();
        params.read("Tags.member.2.Key=b&Tags.member.1.Key=a%20%2B+c&Tags.member.1.Value=1").unwrap();
        assert_eq!(params.members("Tags", ".Key"), [Some("a + c"), Some("b")]);
        assert_eq!(params.members("Tags", ".Value"), [Some("1"), None]);
    }

    #[test]
    fn broken_encoding_is_refused() {
        for text in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}

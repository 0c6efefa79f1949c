//! Checks the parameters of a call against the service's model, and words the failures as AWS does.
//!
//! What the parameters of each service are stands in its own `grammar`.

use crate::form::Params;
use crate::refusal::Refusal;

/// A rule for characters: AWS's own notation, and what it means.
#[derive(Clone, Copy)]
pub(crate) struct Pattern(pub &'static str, pub fn(char) -> bool);

/// Says whether `\w` of the models means this character.
pub(crate) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The failures of one call so far; AWS reports them all at once.
pub(crate) struct Checks<'a> {
    pub params: &'a Params,
    failures: Vec<String>,
}

impl<'a> Checks<'a> {
    pub(crate) fn new(params: &'a Params) -> Checks<'a> {
        Checks { params, failures: Vec::new() }
    }

    /// Ends the checks with all failures in one text.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        let errors = match self.failures.len() {
            0 => return Ok(()),
            1 => "error",
            _ => "errors",
        };
        Err(Refusal::validation(format!(
            "{} validation {errors} detected: {}",
            self.failures.len(),
            self.failures.join("; ")
        )))
    }

    /// Returns a whole number, within bounds or with the failure noted.
    pub(crate) fn number(&mut self, name: &str, member: &str, least: i64, most: i64) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.params.get(name) else {
            return Ok(None);
        };
        let number: i64 =
            text.parse().map_err(|_| Refusal::new(400, "MalformedInput", format!("Expected a number for {name}")))?;
        let bound = if number < least {
            format!("greater than or equal to {least}")
        } else if number > most {
            format!("less than or equal to {most}")
        } else {
            return Ok(Some(number));
        };
        self.note(text, member, &format!("Member must have value {bound}"));
        Ok(Some(number))
    }

    /// Returns one field of each member; a member without it is noted as null.
    pub(crate) fn list(&mut self, name: &str, field: &str, member: &str, most: usize) -> Vec<&'a str> {
        let found = self.params.members(name, field);
        if found.len() > most {
            self.failures.push(format!(
                "Value at '{member}' failed to satisfy constraint: Member must have length less \
                 than or equal to {most}"
            ));
        }
        let mut texts = Vec::new();
        for (at, text) in found.into_iter().enumerate() {
            if text.is_none() {
                let field = field.to_lowercase();
                self.null(&format!("{member}.{}.member{field}", at + 1));
            }
            texts.push(text.unwrap_or_default());
        }
        texts
    }

    pub(crate) fn required(
        &mut self,
        name: &str,
        member: &str,
        least: usize,
        most: usize,
        pattern: Pattern,
    ) -> &'a str {
        if self.params.get(name).is_none() {
            self.null(member);
        }
        self.optional(name, member, least, most, pattern).unwrap_or_default()
    }

    pub(crate) fn optional(
        &mut self,
        name: &str,
        member: &str,
        least: usize,
        most: usize,
        pattern: Pattern,
    ) -> Option<&'a str> {
        let text = self.params.get(name)?;
        self.text(text, member, least, most, pattern);
        Some(text)
    }

    pub(crate) fn text(&mut self, text: &str, member: &str, least: usize, most: usize, pattern: Pattern) {
        let Pattern(notation, allowed) = pattern;
        if !text.chars().all(allowed) {
            let rule = format!("Member must satisfy regular expression pattern: {notation}");
            self.note(text, member, &rule);
        }
        let length = text.chars().count();
        if length < least {
            let rule = format!("Member must have length greater than or equal to {least}");
            self.note(text, member, &rule);
        } else if length > most {
            let rule = format!("Member must have length less than or equal to {most}");
            self.note(text, member, &rule);
        }
    }

    pub(crate) fn note(&mut self, value: &str, member: &str, rule: &str) {
        self.failures.push(format!("Value '{value}' at '{member}' failed to satisfy constraint: {rule}"));
    }

    pub(crate) fn null(&mut self, member: &str) {
        self.failures.push(format!("Value null at '{member}' failed to satisfy constraint: Member must not be null"));
    }
}

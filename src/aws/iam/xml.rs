//! An answer as a tree, read strictly: one root, elements and text, nothing left open. What AWS never sends is refused:
//! document types and their entities, comments, CDATA, prefixes, text beside elements. A damaged list is no short list.

use std::iter::Peekable;

use xmlparser::{ElementEnd, Token, Tokenizer};

/// IAM's answers are half as deep.
const DEEPEST: usize = 12;

/// An element. It may hold a secret, so it has no `Debug`.
pub(super) struct Element<'a> {
    name: &'a str,
    /// As it came, references included.
    text: &'a str,
    children: Vec<Element<'a>>,
}

/// Reads a whole document; the error repeats nothing of it.
pub(super) fn parse(document: &[u8]) -> Result<Element<'_>, &'static str> {
    let text = std::str::from_utf8(document).map_err(|_| "it is not UTF-8")?;
    let mut tokens = Tokenizer::from(text).peekable();
    if matches!(tokens.peek(), Some(Ok(Token::Declaration { .. }))) {
        tokens.next();
    }
    let name = match tokens.next() {
        Some(Ok(Token::ElementStart { prefix, local, .. })) if prefix.is_empty() => local.as_str(),
        _ => return Err("it does not begin with an element"),
    };
    let root = element(name, &mut tokens, DEEPEST)?;
    if tokens.next().is_none() { Ok(root) } else { Err("it goes on after its end") }
}

/// Reads the rest of an element whose name was read.
fn element<'a>(name: &'a str, tokens: &mut Peekable<Tokenizer<'a>>, depth: usize) -> Result<Element<'a>, &'static str> {
    let mut read = Element { name, text: "", children: Vec::new() };
    loop {
        match tokens.next().ok_or("it is not complete")?.map_err(|_| "it is no XML")? {
            Token::Attribute { .. } | Token::ElementEnd { end: ElementEnd::Open, .. } => {}
            Token::ElementStart { prefix, local, .. } if prefix.is_empty() && depth > 1 => {
                read.children.push(element(local.as_str(), tokens, depth - 1)?);
            }
            Token::Text { text } if text.trim().is_empty() => {}
            Token::Text { text } => read.text = text.as_str(),
            Token::ElementEnd { end: ElementEnd::Close(prefix, local), .. }
                if !prefix.is_empty() || local.as_str() != name =>
            {
                return Err("its elements overlap");
            }
            Token::ElementEnd { .. } => break,
            _ => return Err("it holds what AWS does not send"),
        }
    }
    if read.text.is_empty() || read.children.is_empty() { Ok(read) } else { Err("it has text beside elements") }
}

impl<'a> Element<'a> {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// Returns the one child of this name.
    pub(super) fn find(&self, name: &str) -> Result<Option<&Element<'a>>, String> {
        let mut found = self.children.iter().filter(|child| child.name == name);
        match (found.next(), found.next()) {
            (child, None) => Ok(child),
            _ => Err(format!("it contains {name} twice")),
        }
    }

    /// Returns the one child of this name, which must be there.
    pub(super) fn need(&self, name: &str) -> Result<&Element<'a>, String> {
        self.find(name)?.ok_or_else(|| format!("it contains no {name}"))
    }

    /// Returns the entries of a list, `member` elements all.
    pub(super) fn members(&self) -> Result<&[Element<'a>], String> {
        let is_list = self.text.is_empty() && self.children.iter().all(|child| child.is("member"));
        if is_list { Ok(&self.children) } else { Err(format!("its {} is not a list", self.name)) }
    }

    /// Returns the text of an element without children, references replaced.
    pub(super) fn text(&self) -> Result<String, String> {
        let invalid = || format!("its {} is invalid", self.name);
        if !self.children.is_empty() {
            return Err(invalid());
        }
        // It may be a secret: growing would leave a copy behind.
        let mut text = String::with_capacity(self.text.len());
        let mut pieces = self.text.split('&');
        text.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let (reference, rest) = piece.split_once(';').ok_or_else(invalid)?;
            text.push(character(reference).ok_or_else(invalid)?);
            text.push_str(rest);
        }
        Ok(text)
    }
}

fn character(reference: &str) -> Option<char> {
    let number = |digits: &str, radix| {
        let digits = Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_alphanumeric()))?;
        char::from_u32(u32::from_str_radix(digits, radix).ok()?)
    };
    match reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match reference.strip_prefix("#x") {
            Some(digits) => number(digits, 16),
            None => number(reference.strip_prefix('#')?, 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_elements_and_text_is_read() {
        let document = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<A xmlns=\"urn:x\">\n <B>a&lt;b&gt;&amp;&quot;&apos;&#65;&#x42;\n</B>\
                         <C/><L><member>1</member><member>2</member></L></A>\n ";
        let Ok(root) = parse(document) else { panic!("it is good") };
        assert!(root.is("A"));
        assert_eq!(root.need("B").unwrap().text().unwrap(), "a<b>&\"'AB\n");
        assert_eq!(root.need("C").unwrap().text().unwrap(), "");
        let members = root.need("L").unwrap().members().unwrap();
        assert_eq!(members.iter().map(|member| member.text().unwrap()).collect::<Vec<_>>(), ["1", "2"]);
        assert!(root.find("D").unwrap().is_none());
        assert_eq!(root.need("D").err().unwrap(), "it contains no D");
        assert_eq!(root.members().err().unwrap(), "its A is not a list");
    }

    #[test]
    fn documents_that_are_damaged_or_hostile_are_refused() {
        let deep = "<a>".repeat(DEEPEST + 1) + &"</a>".repeat(DEEPEST + 1);
        let very_deep = "<a>".repeat(50_000);
        let many = format!("<a>{}", "<b></b>".repeat(20_000));
        for document in [
            "",
            " ",
            "text",
            "{\"Error\": 1}",
            "<!doctype html><title>log in</title>",
            "<a>",
            "<a><b>1</b>",
            "<a><b>1</a>",
            "<a><b>1</a></b>",
            "<a>1</b>",
            "<a",
            "<a>1</a",
            "<a>1</a><a>2</a>",
            "<a>1</a> <a>2</a>",
            "<a>1</a>\n<b/>",
            "<a>1</a>text",
            "<a>1</a> <!-- x -->",
            "<a>1<b/>2</a>",
            "<a>1<b/></a>",
            "<a>AK<!-- -->IA</a>",
            "<a><![CDATA[x]]></a>",
            "<a><?x y?></a>",
            "<!-- x --><a/>",
            "<x:a/>",
            "<a><x:b/></a>",
            "<a>1</x:a>",
            "<!DOCTYPE a><a/>",
            "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>",
            "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
            "<a>\u{0}</a>",
            &deep,
            &very_deep,
            &many,
        ] {
            assert!(parse(document.as_bytes()).is_err(), "{:.60}", document);
        }
        assert_eq!(parse(b"<a>\xff</a>").err(), Some("it is not UTF-8"));
    }

    #[test]
    fn references_that_are_none_are_refused_and_not_repeated() {
        for text in ["&canary;", "&", "&amp", "&#;", "&#x;", "&#xD800;", "&#x110000;", "&#+65;", "&#65", "&#canary;"] {
            let document = format!("<a>{text}</a>");
            let refused = match parse(document.as_bytes()) {
                Ok(root) => root.text().unwrap_err(),
                Err(why) => why.into(),
            };
            assert!(!refused.contains("canary"), "{refused}");
        }
    }

    #[test]
    fn a_field_that_is_there_twice_counts_for_neither() {
        let Ok(root) = parse(b"<a><b>1</b><b>2</b></a>") else { panic!("it is good") };
        assert_eq!(root.find("b").err().unwrap(), "it contains b twice");
        assert_eq!(root.text().unwrap_err(), "its a is invalid");
    }
}

//! The lines of `text` blocks are words of the program: each part of one, between the `…` that stand for values, is
//! found in a text of the source.

use crate::pages::{self, Page};

#[test]
fn the_words_that_pages_quote_are_the_programs() {
    let texts = texts();
    let mut unknown = Vec::new();
    for page in pages::all() {
        for block in page.blocks().into_iter().filter(|block| block.language == "text") {
            for part in block.lines.iter().flat_map(|line| line.split('…')).map(str::trim).filter(|it| !it.is_empty())
            {
                if !texts.iter().any(|text| text.contains(part)) {
                    unknown.push(format!("{}:{}: {part}\n  nearest: {}", page.name, block.line, nearest(part, &texts)));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "no text of src/ says this:\n{}", unknown.join("\n"));
}

/// What the program may say now instead.
fn nearest<'a>(part: &str, texts: &'a [String]) -> &'a str {
    let likeness = |text: &String| strsim::normalized_levenshtein(part, text);
    texts.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).map_or("", String::as_str)
}

/// Every text of the source, its values cut out, on one line.
fn texts() -> Vec<String> {
    let mut texts = Vec::new();
    for path in pages::files(&pages::root().join("src"), "rs") {
        let source = std::fs::read_to_string(path).unwrap();
        texts.extend(literals(&source).iter().map(|literal| without_values(literal)));
    }
    texts
}

/// The string literals of Rust text; comments hold quotes that are none, so they go first.
fn literals(source: &str) -> Vec<String> {
    let code: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).map(|l| format!("{l}\n")).collect();
    let (mut found, mut text, mut inside) = (Vec::new(), String::new(), false);
    let mut rest = code.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\'' if !inside && rest.peek() == Some(&'"') => drop(rest.next()),
            '"' if inside => {
                found.push(std::mem::take(&mut text));
                inside = false;
            }
            '"' => inside = true,
            '\\' if inside => match rest.next() {
                Some('\n') => while rest.next_if(|c| c.is_whitespace()).is_some() {},
                Some('n') => text.push('\n'),
                Some(escaped) => text.push(escaped),
                None => {}
            },
            _ if inside => text.push(c),
            _ => {}
        }
    }
    found
}

/// A format's text with `…` where values go.
fn without_values(text: &str) -> String {
    let mut parts = text.split('{');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once('}').map_or("", |(_, rest)| rest);
        plain += "…";
        plain += rest;
    }
    plain.replace('\n', " ")
}

#[test]
fn texts_of_the_source_are_found_across_lines_and_values() {
    let source = "// \"not this\"\nlet c = '\"';\nf(\"points {x} to \\\n     {}: that is it\", 1);\n";
    assert_eq!(
        literals(source).iter().map(|text| without_values(text)).collect::<Vec<_>>(),
        ["points … to …: that is it"]
    );
    let page = Page { name: "x".into(), text: "```text\na … b\n```\n".into() };
    assert_eq!(page.blocks()[0].lines, ["a … b"]);
}

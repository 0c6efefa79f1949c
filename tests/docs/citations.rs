//! Comments cite docs/ by number: "aws-contract 4.2", "threat-model P31", "F30". Every number cited is there.

use std::collections::BTreeSet;

use crate::pages::{self, Page};

/// One number a comment gives.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Citation {
    file: String,
    line: usize,
    number: String,
}

#[test]
fn every_section_that_is_cited_is_there() {
    for name in ["aws-contract", "threat-model"] {
        let page = format!("docs/{name}.md");
        all_found(cited(|comment| sections_in(comment, name)), &sections(&Page::read(&page)), &page);
    }
}

#[test]
fn every_promise_and_fault_that_is_cited_is_there() {
    let page = Page::read("docs/threat-model.md");
    let ids = pages::first_cells(&page.text).into_iter().filter(|cell| is_id(cell));
    let there: BTreeSet<String> = ids.collect();
    all_found(cited(ids_in), &there, "docs/threat-model.md");
}

#[test]
fn no_comment_cites_a_document_that_is_not_here() {
    let mut missing = Vec::new();
    for (file, line, comment) in comments() {
        let directory = std::path::Path::new(&file).parent().unwrap().to_owned();
        for word in comment.split(|c: char| !(c.is_alphanumeric() || "-_./".contains(c))) {
            let name = word.trim_end_matches('.').trim_start_matches('/');
            let known = ["docs".into(), ".".into(), directory.to_str().unwrap().to_owned()];
            let is_there = || known.iter().any(|place| pages::root().join(place).join(name).is_file());
            if name.ends_with(".md") && name.len() > 3 && !is_there() {
                missing.push(format!("{file}:{line}: {name}"));
            }
        }
        for removed in ["architecture, \"", "architecture: \""].iter().filter(|removed| comment.contains(**removed)) {
            missing.push(format!("{file}:{line}: {removed}"));
        }
    }
    assert!(missing.is_empty(), "cited and not here:\n{}", missing.join("\n"));
}

#[test]
fn every_heading_that_is_cited_is_there() {
    let mut missing = Vec::new();
    for (file, line, comment) in comments() {
        for (page, heading) in headings_in(&comment) {
            let text = std::fs::read_to_string(pages::root().join(&page)).unwrap_or_default();
            let is_it = |it: &str| it.starts_with('#') && it.trim_start_matches('#').trim() == heading;
            if !text.lines().any(is_it) {
                missing.push(format!("{file}:{line}: {page}, \"{heading}\""));
            }
        }
    }
    assert!(missing.is_empty(), "cited and not there:\n{}", missing.join("\n"));
    assert_eq!(
        headings_in("(docs/guide.md, \"The question\"; P7)"),
        [("docs/guide.md".to_owned(), "The question".to_owned())]
    );
}

/// `docs/guide.md, "The MFA prompt"`
fn headings_in(comment: &str) -> Vec<(String, String)> {
    let cut = comment.match_indices(".md, \"").filter_map(|(at, mark)| {
        let name = comment[..at].rsplit(|c: char| !(c.is_alphanumeric() || "-_/.".contains(c))).next()?;
        let (heading, _) = comment[at + mark.len()..].split_once('"')?;
        Some((format!("{name}.md"), heading.to_owned()))
    });
    cut.collect()
}

#[test]
fn numbers_are_found_in_every_form_they_are_cited_in() {
    for (comment, numbers) in [
        ("(aws-contract 4.2)", vec!["4.2"]),
        ("aws-contract 1.2 and 2.1 to 2.4.", vec!["1.2", "2.1", "2.2", "2.3", "2.4"]),
        ("aws-contract 1.3, 4.5: 2.5 s", vec!["1.3", "4.5"]),
        ("Grammar from aws-contract 6.", vec!["6"]),
        ("docs/aws-contract.md says", vec![]),
    ] {
        assert_eq!(sections_in(comment, "aws-contract"), numbers, "{comment}");
    }
    for (comment, ids) in [
        ("(threat-model P17, P35, F30, F38)", vec!["P17", "P35", "F30", "F38"]),
        ("P30 to P33, F1–F3: edits", vec!["P30", "P31", "P32", "P33", "F1", "F2", "F3"]),
        ("P38's rule, PKCS7, UTF8, P256r1", vec!["P38"]),
    ] {
        assert_eq!(ids_in(comment), ids, "{comment}");
    }
}

fn all_found(cited: Vec<Citation>, there: &BTreeSet<String>, page: &str) {
    assert!(!there.is_empty(), "{page} has no numbers");
    let missing: Vec<String> = cited
        .iter()
        .filter(|it| !there.contains(&it.number))
        .map(|it| format!("{}:{}: {}", it.file, it.line, it.number))
        .collect();
    assert!(missing.is_empty(), "cited, and not in {page}:\n{}", missing.join("\n"));
}

fn cited(numbers_in: impl Fn(&str) -> Vec<String>) -> Vec<Citation> {
    let mut found = Vec::new();
    for (file, line, comment) in comments() {
        let numbers = numbers_in(&comment).into_iter();
        found.extend(numbers.map(|number| Citation { file: file.clone(), line, number }));
    }
    found
}

/// The comments of the program, its tests and its scenarios, and the pages beside them: file, line, text.
fn comments() -> Vec<(String, usize, String)> {
    let mut found = Vec::new();
    for directory in ["src", "tests", "sandbox", "pages", "shell"] {
        for path in pages::files_of_any_kind(&pages::root().join(directory)) {
            let name = path.strip_prefix(pages::root()).unwrap().to_str().unwrap().to_owned();
            // This test's own examples are not citations.
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            if name.starts_with("tests/docs/") {
                continue;
            }
            let mark = match path.extension().and_then(|it| it.to_str()) {
                Some("rs") => "//",
                Some("md") => "",
                _ => "#",
            };
            let comment = |(at, line): (usize, &str)| {
                let from = line.find(mark)?;
                Some((name.clone(), at + 1, line[from..].to_owned()))
            };
            found.extend(text.lines().enumerate().filter_map(comment));
        }
    }
    for page in pages::all() {
        found.extend(page.text.lines().enumerate().map(|(at, line)| (page.name.clone(), at + 1, line.to_owned())));
    }
    found
}

/// The numbers that head sections: `## 1. …`, `### 1.2 …`.
fn sections(page: &Page) -> BTreeSet<String> {
    let headings = page.text.lines().filter(|line| line.starts_with("##"));
    let number = |line: &str| line.trim_start_matches('#').split_whitespace().next().unwrap_or_default().to_owned();
    headings.map(number).map(|number| number.trim_end_matches('.').to_owned()).collect()
}

/// The numbers right behind a document's name: `1.2`, `1.3, 4.5`, `1.2 and 2.1 to 2.4`.
fn sections_in(comment: &str, name: &str) -> Vec<String> {
    let mut numbers = Vec::new();
    for rest in comment.split(name).skip(1) {
        let mut run: Vec<(bool, String)> = Vec::new();
        let mut to = false;
        for word in rest.split_whitespace() {
            let number: &str = word.trim_end_matches(|c: char| !c.is_ascii_digit());
            let goes_on = word.ends_with(',') || word == number;
            match word {
                "and" => {}
                "to" => to = true,
                _ if is_section(number) => {
                    run.push((to, number.to_owned()));
                    to = false;
                    if !goes_on {
                        break;
                    }
                }
                _ => break,
            }
        }
        numbers.extend(spread(&run));
    }
    numbers
}

fn is_section(word: &str) -> bool {
    let (major, minor) = word.split_once('.').unwrap_or((word, "0"));
    let digits = |text: &str| !text.is_empty() && text.len() < 3 && text.bytes().all(|b| b.is_ascii_digit());
    digits(major) && digits(minor)
}

/// `2.1 to 2.4` means those between, too.
fn spread(run: &[(bool, String)]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (is_end, number) in run {
        if let (true, Some(start)) = (is_end, all.last().cloned()) {
            let last = |text: &str| text.rsplit('.').next().and_then(|minor| minor.parse::<u32>().ok());
            let major = number.split('.').next().unwrap_or_default();
            if let (Some(from), Some(to)) = (last(&start), last(number)) {
                all.extend((from + 1..to).map(|minor| format!("{major}.{minor}")));
            }
        }
        all.push(number.clone());
    }
    all
}

/// `P17`, `F30 to F33`, `F1–F9`.
fn ids_in(comment: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut to = false;
    for word in comment.split(|c: char| !c.is_alphanumeric() && c != '–').flat_map(|word| word.split_inclusive('–'))
    {
        let id = word.trim_end_matches('–');
        if is_id(id) {
            if let (true, Some(start)) = (to, ids.last().cloned()) {
                let (from, end) = (start[1..].parse::<u32>().unwrap(), id[1..].parse::<u32>().unwrap());
                ids.extend((from + 1..end).map(|n| format!("{}{n}", &id[..1])));
            }
            ids.push(id.to_owned());
            to = word.ends_with('–');
        } else if !word.is_empty() {
            to = word == "to";
        }
    }
    ids
}

fn is_id(word: &str) -> bool {
    let digits = word.strip_prefix(['P', 'F']).unwrap_or_default();
    (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

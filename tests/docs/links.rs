//! Every link has a target: an existing file, and a heading in it.

use std::path::Path;

use crate::pages::{self, Page};

/// Hosts that pages link to. Nothing is fetched in tests, so a new one is checked by a person.
const HOSTS: [&str; 2] = ["keepachangelog.com", "semver.org"];

struct Link {
    line: usize,
    target: String,
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    for page in pages::all() {
        for link in links(&page) {
            if let Err(why) = follow(&page, &link.target) {
                broken.push(format!("{}:{}: ({}): {why}", page.name, link.line, link.target));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_page_of_docs_is_linked_from_the_readme() {
    let targets: Vec<String> = links(&Page::read("README.md")).into_iter().map(|link| link.target).collect();
    for page in pages::all().iter().filter(|page| page.name.starts_with("docs/")) {
        assert!(targets.contains(&page.name), "README.md links not to {}", page.name);
    }
}

#[test]
fn a_link_into_nothing_is_noticed() {
    let page = Page { name: "README.md".into(), text: "# One `two`\n".into() };
    assert!(follow(&page, "docs/no-such-page.md").is_err());
    assert!(follow(&page, "#three").is_err());
    assert_eq!(follow(&page, "#one-two"), Ok(()));
    assert!(follow(&page, "https://elsewhere.test/").is_err());
}

fn links(page: &Page) -> Vec<Link> {
    let mut found = Vec::new();
    for (line, text) in page.prose() {
        let cut = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        found.extend(cut.map(|(target, _)| Link { line, target: target.to_owned() }));
    }
    found
}

fn follow(page: &Page, target: &str) -> Result<(), String> {
    if let Some(rest) = target.strip_prefix("https://") {
        let host = rest.split('/').next().unwrap_or_default();
        return HOSTS.contains(&host).then_some(()).ok_or_else(|| format!("unknown host {host}"));
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let directory = Path::new(&page.name).parent().unwrap();
    let path = pages::root().join(directory).join(file);
    if file.is_empty() {
        return find(page, anchor);
    }
    if !path.exists() {
        return Err("no such file".into());
    }
    match anchor {
        None => Ok(()),
        Some(_) => find(&Page { name: file.into(), text: std::fs::read_to_string(path).unwrap() }, anchor),
    }
}

fn find(page: &Page, anchor: Option<&str>) -> Result<(), String> {
    let anchors: Vec<String> =
        page.prose().iter().filter(|(_, line)| line.starts_with('#')).map(|(_, line)| anchor_of(line)).collect();
    match anchor {
        Some(anchor) if !anchors.iter().any(|it| it == anchor) => Err(format!("no such heading among {anchors:?}")),
        _ => Ok(()),
    }
}

/// As GitHub makes anchors: lower case, blanks become hyphens, all else but letters, digits, `-` and `_` goes.
fn anchor_of(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

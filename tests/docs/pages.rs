//! The pages people read, cut into headings, prose and fenced blocks.

use std::fs;
use std::path::{Path, PathBuf};

/// One page.
pub struct Page {
    /// Its path below the root of the repository.
    pub name: String,
    pub text: String,
}

/// One fenced block.
pub struct Block {
    /// The page's line of the opening fence, from 1.
    pub line: usize,
    /// The text after the opening fence.
    pub language: String,
    /// What a `<!-- test: … -->` right above the fence says.
    pub marker: String,
    /// The lines between the fences.
    pub lines: Vec<String>,
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// README, SECURITY, CONTRIBUTING, CHANGELOG and everything in docs/.
pub fn all() -> Vec<Page> {
    let mut names: Vec<String> =
        ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(String::from).to_vec();
    names.extend(files(&root().join("docs"), "md").iter().map(|path| {
        let inside = path.strip_prefix(root()).unwrap();
        inside.to_str().unwrap().to_owned()
    }));
    names.into_iter().map(Page::read).collect()
}

/// Every file below a directory, in order.
pub fn files_of_any_kind(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_of_any_kind(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every file below a directory whose name ends so, in order.
pub fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = files_of_any_kind(directory);
    found.retain(|path| path.extension().is_some_and(|it| it == extension));
    found
}

impl Page {
    /// Reads a page by its path below the root.
    pub fn read(name: impl Into<String>) -> Self {
        let name = name.into();
        let text = fs::read_to_string(root().join(&name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        Self { name, text }
    }

    /// The fenced blocks, in order.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let (mut open, mut above) = (false, "");
        for (at, line) in self.text.lines().enumerate() {
            match line.strip_prefix("```") {
                Some(_) if open => open = false,
                Some(language) => {
                    let marker = above.strip_prefix("<!-- test:").and_then(|text| text.strip_suffix("-->"));
                    let marker = marker.unwrap_or_default().trim().to_owned();
                    blocks.push(Block { line: at + 1, language: language.to_owned(), marker, lines: Vec::new() });
                    open = true;
                }
                None if open => blocks.last_mut().unwrap().lines.push(line.to_owned()),
                None => {}
            }
            above = line;
        }
        assert!(!open, "{}: a block is never closed", self.name);
        blocks
    }

    /// The lines outside of fenced blocks, each with its number.
    pub fn prose(&self) -> Vec<(usize, &str)> {
        let mut open = false;
        let outside = |(_, line): &(usize, &str)| {
            let fence = line.starts_with("```");
            open ^= fence;
            !open && !fence
        };
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line)).filter(outside).collect()
    }

    /// The text between backticks in the prose, each with its line.
    pub fn spans(&self) -> Vec<(usize, String)> {
        let spans_of = |(at, line): (usize, &str)| {
            let inside: Vec<String> = line.split('`').skip(1).step_by(2).map(|span| span.replace("\\|", "|")).collect();
            inside.into_iter().map(move |span| (at, span))
        };
        self.prose().into_iter().flat_map(spans_of).collect()
    }

    /// The part of the page below a heading of this text, up to the next one of its level or above.
    #[track_caller]
    pub fn section(&self, heading: &str) -> String {
        let level = |line: &str| line.starts_with('#').then(|| line.chars().take_while(|c| *c == '#').count());
        let mut lines = self.text.lines().skip_while(|line| line.trim_start_matches('#').trim() != heading);
        let start = lines.next().unwrap_or_else(|| panic!("{}: no heading '{heading}'", self.name));
        let depth = level(start).expect("a heading");
        let inside = lines.take_while(|line| level(line).is_none_or(|below| below > depth));
        inside.map(|line| format!("{line}\n")).collect()
    }
}

/// The first cell of each row of the tables in a text, without its backticks; heads and rules are left out.
pub fn first_cells(text: &str) -> Vec<String> {
    rows(text).into_iter().map(|mut row| row.swap_remove(0)).collect()
}

/// The rows of the tables in a text, each cell without the backticks around it; heads and rules are left out.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |line: &&str| line.starts_with("|---") || line.starts_with("| ---");
    let is_head = |at: usize| lines.get(at + 1).is_some_and(is_rule);
    let row = |line: &str| {
        let line = line.trim().trim_start_matches('|').trim_end_matches('|').replace("\\|", "\u{0}");
        line.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect::<Vec<String>>()
    };
    let cells = |(at, line): (usize, &&str)| {
        let wanted = line.starts_with('|') && !is_rule(line) && !is_head(at);
        wanted.then(|| row(line).iter().map(|cell| cell.trim_matches('`').to_owned()).collect())
    };
    lines.iter().enumerate().filter_map(cells).collect()
}

//! One AWS file: every byte kept, sections parsed on demand.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::grammar::{self, Block, Chunk, Entry, LineCounter, Span};
pub use super::heading::FileKind;
use super::heading::{DEFAULTS, Heading, heading, nearly_named};
pub use super::section::{Part, Section, Setting};
use crate::error::Place;

/// A file's bytes and how the user names it. Wiped on drop: either file may contain keys.
pub struct AwsFile {
    pub(super) kind: FileKind,
    shown: Arc<str>,
    bytes: Vec<u8>,
    index: OnceCell<Index>,
    /// The last few profiles: many roles have one source, and each caller looks at all of them.
    recent: RefCell<Vec<Rc<Section>>>,
}

const MOST_RECENT: usize = 16;

/// Where every profile is: built when all are listed, so that looking up each does not scan the file again.
#[derive(Default)]
struct Index {
    /// By name; plain `[default]` is listed together with `[profile default]`.
    blocks: HashMap<Vec<u8>, Vec<Block>>,
    /// Sections that no SDK reads as a profile, by the name they nearly give.
    near: HashMap<String, Vec<Block>>,
    /// The line of each header, by its offset.
    lines: HashMap<usize, usize>,
}

impl AwsFile {
    /// Accepts any bytes; a file that is not text has no sections.
    pub fn from_bytes(kind: FileKind, shown: String, bytes: Vec<u8>) -> Self {
        Self { kind, shown: shown.into(), bytes, index: OnceCell::new(), recent: RefCell::default() }
    }

    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// The file exactly as it was read.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn shown(&self) -> &str {
        &self.shown
    }

    pub(super) fn place(&self, line: usize) -> Place {
        Place { file: self.shown.clone(), line }
    }

    /// Returns a profile, its duplicate sections merged. One pass; other sections are not read.
    pub fn section(&self, name: &str) -> Option<Rc<Section>> {
        let known = self.recent.borrow().iter().find(|section| section.name == name).cloned();
        known.or_else(|| {
            let section = Rc::new(self.read_section(name)?);
            let mut recent = self.recent.borrow_mut();
            if recent.len() == MOST_RECENT {
                recent.clear();
            }
            recent.push(section.clone());
            Some(section)
        })
    }

    fn read_section(&self, name: &str) -> Option<Section> {
        let searched;
        let all: &[Block] = match self.index.get() {
            Some(index) => index.blocks.get(name.as_bytes())?,
            None => {
                searched = self.blocks_of(name, |heading| heading.profile() == Some(name.as_bytes()));
                &searched
            }
        };
        let is_plain = |block: &Block| matches!(self.heading(block), Heading::PlainDefault);
        let only_plain = all.iter().all(is_plain);
        let found: Vec<&Block> = all.iter().filter(|block| only_plain || !is_plain(block)).collect();
        self.merged(name, &found, &mut LineCounter::default())
    }

    /// Returns a section such as `[services NAME]` or `[sso-session NAME]`; there are none in the credentials file.
    pub fn named_section(&self, kind: &str, name: &str) -> Option<Section> {
        let wanted = Heading::Other(kind.as_bytes(), name.as_bytes());
        let found = self.blocks_of(name, |heading| heading == wanted);
        self.merged(name, &found.iter().collect::<Vec<_>>(), &mut LineCounter::default())
    }

    /// Returns the names of all sections of such a kind, in file order.
    pub fn section_names(&self, kind: &str) -> Vec<String> {
        let blocks = grammar::chunks(&self.bytes).flat_map(|chunk| grammar::blocks(&self.bytes, &chunk));
        let named = |block: Block| match self.heading(&block) {
            Heading::Other(word, name) if word == kind.as_bytes() => Some(String::from_utf8_lossy(name).into_owned()),
            _ => None,
        };
        blocks.filter_map(named).collect()
    }

    /// Returns the names of all profiles in file order, each once. Also builds the index, so that each profile is then
    /// found without a search.
    pub fn profile_names(&self) -> Vec<String> {
        let index = self.index.get_or_init(|| self.indexed());
        let mut first: Vec<(usize, &Vec<u8>)> =
            index.blocks.iter().map(|(name, b)| (b[0].header.start, name)).collect();
        first.sort_unstable();
        first.into_iter().map(|(_, name)| String::from_utf8_lossy(name).into_owned()).collect()
    }

    pub(super) fn has_profile(&self, name: &str) -> bool {
        self.index.get_or_init(|| self.indexed()).blocks.contains_key(name.as_bytes())
    }

    fn indexed(&self) -> Index {
        let (mut index, mut lines) = (Index::default(), LineCounter::default());
        for block in grammar::chunks(&self.bytes).flat_map(|chunk| grammar::blocks(&self.bytes, &chunk)) {
            let (name, near) = (self.heading(&block).profile(), self.nearly_named(&block));
            if name.is_some() || near.is_some() {
                index.lines.insert(block.header.start, lines.at(&self.bytes, block.header.start));
            }
            if let Some(near) = near {
                index.near.entry(near).or_default().push(block.clone());
            }
            if let Some(name) = name {
                index.blocks.entry(name.to_vec()).or_default().push(block);
            }
        }
        index
    }

    /// Returns the sections whose header nearly names a profile, in file order.
    pub(super) fn sections_near(&self, name: &str) -> Vec<Section> {
        let searched;
        let all: &[Block] = match self.index.get() {
            Some(index) => index.near.get(name).map_or(&[], Vec::as_slice),
            None => {
                searched = self.blocks_near(name);
                &searched
            }
        };
        let mut lines = LineCounter::default();
        all.iter().filter_map(|block| self.merged(name, &[block], &mut lines)).collect()
    }

    /// Returns every section whose header nearly names a profile, in file order.
    pub(super) fn all_sections_near(&self) -> Vec<Section> {
        let near = &self.index.get_or_init(|| self.indexed()).near;
        let mut all: Vec<Section> = near.keys().flat_map(|name| self.sections_near(name)).collect();
        all.sort_by_key(|section| section.header_line);
        all
    }

    fn blocks_near<'a>(&'a self, name: &'a str) -> Vec<Block> {
        let written = if name == DEFAULTS[0] { &DEFAULTS[..] } else { &[name] };
        let naming = |name: &&'a str| grammar::chunks_naming(&self.bytes, name.as_bytes(), grammar::ends_near_name);
        let chunks = written.iter().flat_map(naming);
        let blocks = chunks.flat_map(|chunk| grammar::blocks(&self.bytes, &chunk));
        let mut near: Vec<Block> =
            blocks.filter(|block| self.nearly_named(block).is_some_and(|near| near == name)).collect();
        near.sort_by_key(|block| block.header.start);
        near.dedup();
        near
    }

    fn nearly_named(&self, block: &Block) -> Option<String> {
        let inside = block.inside.clone().map(|inside| &self.bytes[inside]);
        nearly_named(self.kind, inside, &self.bytes[block.header.clone()])
    }

    fn blocks_of(&self, name: &str, wanted: impl Fn(Heading<'_>) -> bool) -> Vec<Block> {
        let may_hold = |chunk: &Chunk| {
            chunk.mixed
                || grammar::chunk_header(&self.bytes, chunk).is_some_and(|inside| wanted(self.heading_of(inside)))
        };
        grammar::chunks_naming(&self.bytes, name.as_bytes(), grammar::ends_name)
            .filter(may_hold)
            .flat_map(|chunk| grammar::blocks(&self.bytes, &chunk))
            .filter(|block| wanted(self.heading(block)))
            .collect()
    }

    pub(super) fn heading(&self, block: &Block) -> Heading<'_> {
        self.heading_of(block.inside.clone())
    }

    fn heading_of(&self, inside: Option<Span>) -> Heading<'_> {
        inside.map_or(Heading::Unknown, |inside| {
            heading(self.kind, &self.bytes[grammar::trim_plain(&self.bytes, inside)])
        })
    }

    /// `lines` has not counted beyond the first of these blocks.
    fn merged(&self, name: &str, blocks: &[&Block], lines: &mut LineCounter) -> Option<Section> {
        let known = |at: usize| Some(LineCounter::from(at, *self.index.get()?.lines.get(&at)?));
        let mut header_line = None;
        let setting = |entry: &Entry, line| Setting::read(&self.bytes, entry, self.place(line));
        let mut settings = Vec::with_capacity(blocks.iter().map(|block| block.entries.len()).sum());
        for block in blocks {
            let at = block.header.start;
            *lines = known(at).unwrap_or(std::mem::take(lines));
            header_line = header_line.or_else(|| Some(lines.at(&self.bytes, at)));
            let entries = block.entries.iter().filter(|entry| !entry.key.is_empty());
            settings.extend(entries.map(|entry| setting(entry, lines.at(&self.bytes, entry.lines.start))));
        }
        let parts = blocks.iter().copied().map(Part::from).collect();
        Some(Section { name: name.into(), header_line: header_line?, parts, settings })
    }
}

impl fmt::Debug for AwsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AwsFile({}, {} bytes)", self.shown, self.bytes.len())
    }
}

impl Drop for AwsFile {
    fn drop(&mut self) {
        // `zeroize` stores byte by byte, a millisecond for a large file; `black_box` keeps this fill from being
        // dropped.
        self.bytes.fill(0);
        std::hint::black_box(&self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    fn config(text: impl Into<Vec<u8>>) -> AwsFile {
        AwsFile::from_bytes(FileKind::Config, "~/.aws/config".into(), text.into())
    }

    fn region(text: impl Into<Vec<u8>>) -> Option<String> {
        config(text).section("p").and_then(|section| section.get("region").map(|s| s.value.clone()))
    }

    /// Pieces of lines that touch every rule, put together at random.
    fn any_file() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            &b"[profile p]"[..],
            b"[profile q]",
            b"[profile e e]",
            b"[default]",
            b"[profile default]",
            b"[p]",
            b"[profile p",
            b"[Profile p]",
            b"[Default]",
            b"[(profile p)]",
            b"[profile/p]",
            b"[<p>",
            b"[ profile \"p\" ] x",
            b"region = v",
            b"region=w # c",
            b"region: x",
            b"a b = c",
            b"junk",
            b"s3 =",
            b"# c",
            b"; c",
            b"[",
            b"]",
            b"=",
            b" ",
            b"  ",
            b"\t",
            b"\n",
            b"\n",
            b"\n",
            b"\r\n",
            b"\r",
            b"\n ",
            b"\n  ",
            b"\xEF\xBB\xBF",
            b"\xFF",
            b"\0",
        ]);
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn finding_one_profile_and_reading_every_line_agree(bytes in any_file()) {
            let text = grammar::text_start(&bytes);
            let everything = Chunk { span: text..bytes.len(), mixed: true };
            for kind in [FileKind::Config, FileKind::Credentials] {
                let file = AwsFile::from_bytes(kind, String::new(), bytes.clone());
                let all = grammar::blocks(&bytes, &everything);
                for name in ["p", "q", "default", "e e", ""] {
                    let is = |heading: Heading<'_>| match heading {
                        Heading::Profile(given) => given == name.as_bytes(),
                        heading => heading == Heading::PlainDefault && name == "default",
                    };
                    let slow: Vec<&Block> = all.iter().filter(|block| is(file.heading(block))).collect();
                    let fast = file.blocks_of(name, is);
                    prop_assert_eq!(fast.iter().collect::<Vec<_>>(), slow);
                    prop_assert_eq!(file.section(name).is_some(), file.profile_names().iter().any(|n| n == name));
                }
            }
        }

        #[test]
        fn a_profile_reads_the_same_with_and_without_the_index(bytes in any_file()) {
            let read = |file: &AwsFile, name: &str| {
                let of = |s: &Setting| (s.key.clone(), s.value.clone(), s.place.line);
                file.section(name).map(|section| {
                    (section.header_line, section.parts.clone(), section.settings.iter().map(of).collect::<Vec<_>>())
                })
            };
            for kind in [FileKind::Config, FileKind::Credentials] {
                let (searched, indexed) = (AwsFile::from_bytes(kind, String::new(), bytes.clone()), AwsFile::from_bytes(kind, String::new(), bytes.clone()));
                indexed.profile_names();
                for name in ["p", "q", "default", "e e"] {
                    prop_assert_eq!(read(&searched, name), read(&indexed, name));
                    let near = |file: &AwsFile| -> Vec<usize> {
                        file.sections_near(name).iter().map(|section| section.header_line).collect()
                    };
                    prop_assert_eq!(near(&searched), near(&indexed));
                }
            }
        }

        #[test]
        fn every_setting_points_at_itself(bytes in any_file()) {
            let file = config(bytes);
            for name in file.profile_names() {
                let Some(section) = file.section(&name) else { continue };
                for setting in &section.settings {
                    let crate::aws_files::section::Spans { lines, key, value } = setting.spans.clone();
                    prop_assert_eq!(String::from_utf8_lossy(&file.bytes()[key.clone()]).to_ascii_lowercase(), setting.key.clone());
                    prop_assert!(lines.start <= key.start && key.end < value.start + 1 && value.end <= lines.end);
                    if !setting.value.contains('\n') {
                        prop_assert_eq!(String::from_utf8_lossy(&file.bytes()[value]), setting.value.clone());
                    }
                    let before = String::from_utf8_lossy(&file.bytes()[..lines.start]).replace("\r\n", "\n");
                    prop_assert_eq!(setting.place.line, before.matches(['\n', '\r']).count() + 1);
                }
            }
        }
    }

    #[test]
    fn indented_more_than_the_key_above_is_part_of_its_value() {
        for (text, expected) in [
            ("[profile p]\nregion = v\n [profile q]\n", Some("v\n[profile q]")),
            ("[profile p]\noutput = json\n  region = v\n", None),
            ("[profile p]\n  output = json\n  region = v\n", Some("v")),
            ("[profile p]\n  output = json\nregion = v\n", Some("v")),
            ("[profile p]\n  region = v\n   w\n", Some("v\nw")),
            ("[profile p]\n  s3 =\n    region = sub\n  region = v\n", Some("v")),
            ("[profile q]\n  a = b\n  [profile p]\n  region = v\n", Some("v")),
            ("[profile q]\na = b\n  [profile p]\n  region = v\n", None),
            ("[profile p]\nregion = v\n# c\n  w # kept\n\n  ; c\n  x\n", Some("v\nw # kept\nx")),
            ("[profile p]\nmy key = x\n  region = v\n", None),
            ("[profile p]\njunk\n  region = v\n", None),
            ("[profile p]\n  # c\n    region = v\n", Some("v")),
        ] {
            assert_eq!(region(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn keys_and_values_are_taken_apart() {
        for (line, expected) in [
            ("region = a=b:c", Some("a=b:c")),
            ("region: a=b", Some("a=b")),
            ("REGION=v", Some("v")),
            ("region = # c", Some("")),
            ("region =# c", Some("# c")),
            ("region = a#b;c # d ; e", Some("a#b;c")),
            ("region = a\t; b", Some("a")),
            ("region :v", Some("v")),
            ("region", None),
            ("= v", None),
            ("the region = v", None),
        ] {
            assert_eq!(region(format!("[profile p]\n{line}\n")).as_deref(), expected, "{line:?}");
        }
    }

    #[test]
    fn names_are_found_in_every_form_some_sdk_takes() {
        for header in [
            "[profile p]",
            "[profile\tp]",
            "[ profile  p ]",
            "[profile \"p\"]",
            "[profile 'p']",
            "[profile p] # c",
            "[profile p];c",
            "[profile p]]",
        ] {
            assert_eq!(region(format!("{header}\nregion=v")).as_deref(), Some("v"), "{header}");
        }
        for header in [
            "[p]",
            "[Profile p]",
            "[profilep]",
            "[profile]",
            "[profile p",
            "[profile \"p]",
            "[profile P]",
            "[services p]",
        ] {
            assert_eq!(region(format!("{header}\nregion=v")), None, "{header}");
        }
        assert!(config("[profile 'a b']").section("a b").is_some());
        let credentials =
            |text: &str| AwsFile::from_bytes(FileKind::Credentials, String::new(), text.into()).profile_names();
        assert_eq!(credentials("[p]\n[ q ]\n[profile x]\n['r']\n[default]\n[p]\n[]\n"), ["p", "q", "'r'", "default"]);
    }

    #[test]
    fn an_unclosed_header_ends_the_section_before() {
        let section = config("[profile p]\na = b\n[profile q\nregion = v\n").section("p").unwrap();
        assert!(section.get("region").is_none() && section.get("a").is_some());
    }

    #[test]
    fn duplicate_sections_and_keys_are_merged_and_the_last_wins() {
        let file = config("[profile p]\nregion = a\nregion = b\nx = 1\n[profile q]\n[profile \"p\"]\nregion = c\n");
        let section = file.section("p").unwrap();
        assert_eq!(section.get("region").map(|s| (s.value.as_str(), s.place.line)), Some(("c", 7)));
        assert_eq!(section.get("x").map(|s| s.value.as_str()), Some("1"));
        assert_eq!((section.header_line, section.settings.len()), (1, 4));
        let headers: Vec<&[u8]> = section.parts.iter().map(|part| &file.bytes()[part.header.clone()]).collect();
        assert_eq!(headers, [&b"[profile p]\n"[..], b"[profile \"p\"]\n"]);
        assert_eq!(section.parts[1].end, file.bytes().len());
    }

    #[test]
    fn profile_default_hides_default_in_any_order() {
        for text in ["[default]\nregion=a\n[profile default]\nx=1\n", "[profile default]\nx=1\n[default]\nregion=a\n"] {
            let section = config(text).section("default").unwrap();
            assert!(section.get("region").is_none() && section.get("x").is_some(), "{text:?}");
        }
        assert_eq!(config("[default]\n[profile default]").profile_names(), ["default"]);
    }

    #[test]
    fn named_sections_keep_their_blocks_as_text() {
        let file = config(
            "[services dev]\nsts =\n  endpoint_url = http://localhost # not cut\n  x=y\n[sso-session dev]\nsso_region = eu\n",
        );
        let services = file.named_section("services", "dev").unwrap();
        assert_eq!(services.get("sts").unwrap().value, "\nendpoint_url = http://localhost # not cut\nx=y");
        assert_eq!(file.named_section("sso-session", "dev").unwrap().get("sso_region").unwrap().value, "eu");
        assert!(file.named_section("services", "prod").is_none());
        assert_eq!(file.section_names("sso-session"), ["dev"]);
    }

    #[test]
    fn an_unreadable_section_costs_only_itself() {
        let bytes = b"\xEF\xBB\xBF[profile bad]\nregion = \xFF\xFE\0\n\xFF\xFF\n[profile p]\r\nregion = v\r\n".to_vec();
        assert_eq!(region(bytes).as_deref(), Some("v"));
        assert_eq!(region(b"[profile p]\rregion = v\rx = y\r".to_vec()).as_deref(), Some("v"), "lone CRs end lines");
        let bad = config(b"[profile p]\nregion = a\xFFb\n".to_vec()).section("p").unwrap();
        assert_eq!(bad.get("region").unwrap().value, "a\u{FFFD}b");
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let file = config("[profile p]\naws_secret_access_key = hush\naws_session_token = hush\nregion = eu\n");
        let text = format!("{file:?} {:?}", file.section("p"));
        assert!(!text.contains("hush") && text.contains("eu"), "{text}");
    }

    #[test]
    fn hostile_sizes_are_read_in_linear_time() {
        let mut many_keys = String::from("[profile p]\n");
        (0..100_000).for_each(|n| writeln!(many_keys, "key{n} = {n}").unwrap());
        let started = Instant::now();
        for text in [
            many_keys + "region = v\n",
            format!("[profile p]\nregion = v\nx = {}\n", "a # ".repeat(250_000)),
            format!("[profile p]\nregion = v\nx ={}\n", " \n  a[".repeat(250_000)),
            format!("{}[profile p]\nregion = v\n", " [".repeat(500_000) + "\n"),
            format!("{}\n[profile p]\nregion = v\n", " ".repeat(1_000_000)),
            format!("[profile p]\nregion = v\n{}", "[".repeat(1_000_000)),
            format!("[profile p]\nregion = v\n{}", "\n [x]".repeat(200_000)),
            format!("[profile p]\nregion = v\n{}", "[profile p]\n".repeat(100_000)),
            format!("{}[profile p]\nregion = v\n", "\r".repeat(1_000_000)),
        ] {
            assert!(region(text).is_some_and(|value| value.starts_with('v')));
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }
}

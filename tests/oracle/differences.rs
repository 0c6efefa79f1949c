//! Every difference between our reading and botocore's or the Rust SDK's, by name and reason. Any other one fails.

use twolock::internals::{
    AwsFile, ProfileName,
    oddities::{Construct, Effect, Oddity, Reader},
};

use crate::readers::{Files, Probes, Reading};

/// How far from its line a construct is felt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The reader refuses the file, or sees none of it.
    Whole,
    /// Any profile may be read differently.
    Anywhere,
    /// The section it is in, or the one it replaces.
    Section,
    /// The key it is at.
    Key,
    /// The profile `default`.
    Default,
}

/// One row: the construct, who differs, how far, and why.
pub struct Difference(pub Construct, pub Reader, pub Reach, pub &'static str);

use Construct as C;
use Reach::{Anywhere, Key, Section, Whole};
use Reader::{Cli, Rust};

pub const DIFFERENCES: &[Difference] = &[
    Difference(C::ByteOrderMark, Cli, Whole, "Python opens the file as UTF-8 without removing the mark"),
    Difference(C::ByteOrderMark, Rust, Whole, "the first line does not begin with '['"),
    Difference(C::NotUtf8, Cli, Whole, "Python decodes the file as a whole"),
    Difference(C::NotUtf8, Rust, Whole, "a file that is not UTF-8 is taken for empty"),
    Difference(C::LoneCarriageReturn, Rust, Anywhere, "lines end at LF only"),
    Difference(C::KeyBeforeSection, Cli, Whole, "configparser wants a header first"),
    Difference(C::KeyBeforeSection, Rust, Whole, "the parser wants a header first"),
    Difference(C::UnclosedHeader, Cli, Whole, "it is neither header nor key to configparser"),
    Difference(C::UnclosedHeader, Rust, Whole, "a line that begins with '[' has to end with ']'"),
    Difference(C::TextAfterHeader, Rust, Whole, "a header has to end with ']'"),
    Difference(C::IndentedHeader, Rust, Whole, "an indented line has to continue a key"),
    Difference(C::EmptyHeader, Cli, Whole, "configparser wants a character between the brackets"),
    Difference(C::BlankNextToBracket, Cli, Section, "section names are compared as they stand"),
    Difference(C::CommentMarkInHeading, Rust, Whole, "a comment is cut first, and ']' with it"),
    Difference(C::BracketInComment, Cli, Section, "a name goes on to the last ']' of the line"),
    Difference(C::BracketAfterHeader, Cli, Section, "a name goes on to the last ']' of the line"),
    Difference(C::BracketAfterHeader, Rust, Anywhere, "a name goes on to the last ']', which has to end the line"),
    Difference(C::KindLikeProfile, Cli, Anywhere, "only the beginning of the kind is looked at"),
    Difference(C::QuotedName, Rust, Section, "quotes belong to the name"),
    Difference(C::DuplicateSection, Cli, Whole, "configparser is strict"),
    Difference(C::SectionWrittenTwoWays, Cli, Section, "the later section replaces the earlier"),
    Difference(C::SectionWrittenTwoWays, Rust, Section, "they are merged in the order of a hash table"),
    Difference(C::DefaultTwice, Cli, Reach::Default, "the later section replaces the earlier"),
    Difference(C::CapitalDefault, Cli, Anywhere, "configparser hands its keys to all sections"),
    Difference(C::DuplicateKey, Cli, Whole, "configparser is strict"),
    Difference(C::IndentedKey, Rust, Whole, "an indented line has to continue a key"),
    Difference(C::Colon, Rust, Whole, "only '=' separates"),
    Difference(C::ColonBeforeEqualsSign, Rust, Key, "only '=' separates"),
    Difference(C::ColonInKey, Cli, Anywhere, "the first of '=' and ':' separates"),
    Difference(C::EmptyKey, Cli, Whole, "configparser wants a key"),
    Difference(C::EmptyKey, Rust, Whole, "the parser wants a key"),
    Difference(C::NoEqualsSign, Cli, Whole, "configparser wants a separator"),
    Difference(C::NoEqualsSign, Rust, Whole, "the parser wants '='"),
    Difference(C::InlineComment, Cli, Key, "configparser keeps inline comments"),
    Difference(C::HardBlank, Rust, Key, "only ASCII blanks are trimmed"),
    Difference(C::BlankLineInsideValue, Cli, Key, "configparser keeps the empty line"),
    Difference(C::BlockLineWithoutEqualsSign, Cli, Whole, "botocore splits each line of a block"),
    Difference(C::BlockLineWithoutEqualsSign, Rust, Whole, "each line of a block is checked"),
    Difference(C::BareLineBelowComment, Rust, Whole, "each line of a block is checked"),
    Difference(C::IndentedCommentAfterHeader, Rust, Whole, "an indented line has to continue a key"),
    Difference(C::IndentedCommentAfterKey, Rust, Key, "the comment becomes part of the value"),
    Difference(C::IndentedCommentInBlock, Rust, Whole, "the comment is checked as a line of the block"),
    Difference(C::Utf16, Cli, Whole, "Python opens the file as UTF-8"),
    Difference(C::Utf16, Rust, Whole, "a file that is not UTF-8 is taken for empty"),
];

fn row(construct: Construct, reader: Reader) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| difference.0 == construct && difference.1 == reader)
}

/// Returns how `theirs` differs from `ours` beyond the table.
pub fn unexplained(files: &Files, reader: Reader, ours: &Reading, theirs: &Reading, probes: Probes) -> Vec<String> {
    let parsed = files.parsed();
    let felt: Vec<(&AwsFile, Oddity, &Difference)> = parsed
        .iter()
        .flat_map(|file| file.oddities().into_iter().map(move |oddity| (file, oddity)))
        .filter_map(|(file, oddity)| row(oddity.construct, reader).map(|row| (file, oddity, row)))
        .collect();
    if reader == Rust && felt.iter().any(|(_, oddity, _)| oddity.construct == C::LoneCarriageReturn) {
        return Vec::new();
    }
    let refusing = felt.iter().find(|(_, _, row)| row.2 == Whole);
    let may_refuse = felt.iter().any(|(_, oddity, _)| oddity.construct == C::BracketAfterHeader);
    match (refusing, theirs.is_refused()) {
        (Some(_), true) => return Vec::new(),
        (Some((_, oddity, _)), false) if !sees_nothing(theirs, probes) => {
            return vec![format!("not refused in spite of {oddity}")];
        }
        (Some(_), false) => return Vec::new(),
        (None, true) if may_refuse && reader == Rust => return Vec::new(),
        (None, true) => return vec![format!("refused without a reason we know: {theirs:?}")],
        (None, false) => {}
    }
    let mut left = Vec::new();
    for name in probes.names {
        let explains =
            |key: Option<&str>| felt.iter().any(|(file, oddity, row)| reaches(file, oddity, row.2, name, key));
        if ours.has(name) != theirs.has(name) && !misses_name(reader, name, files) && !explains(None) {
            left.push(format!("[{name}]: ours {}, theirs {}", ours.has(name), theirs.has(name)));
        }
        for key in probes.keys.iter().filter(|_| ours.has(name) && theirs.has(name)) {
            let (our, their) = (ours.value(name, key), theirs.value(name, key));
            if our != their && !explains(Some(key)) {
                left.push(format!("[{name}] {key}: ours {our:?}, theirs {their:?}"));
            }
        }
    }
    left
}

/// Names outside AWS's alphabet are not an oddity of a line: Rust does not see them, and the AWS CLI splits them like a
/// shell.
fn misses_name(reader: Reader, name: &str, files: &Files) -> bool {
    let is_common = ProfileName::parse(name).is_ok_and(|name| name.is_read_by_every_sdk());
    let config = String::from_utf8_lossy(&files.config);
    let is_bare = [' ', '\t'].iter().any(|blank| config.contains(&format!("{blank}{name}")));
    !is_common && (reader == Rust || is_bare)
}

fn sees_nothing(reading: &Reading, probes: Probes) -> bool {
    probes.names.iter().all(|name| !reading.has(name))
}

fn reaches(file: &AwsFile, oddity: &Oddity, reach: Reach, name: &str, key: Option<&str>) -> bool {
    let Some(section) = file.section(name) else { return reach == Anywhere };
    let line = oddity.place.line;
    let bytes = file.bytes();
    let line_of =
        |at: usize| String::from_utf8_lossy(&bytes[..at]).replace("\r\n", "\n").matches(['\n', '\r']).count() + 1;
    let lines = |span: &std::ops::Range<usize>| line_of(span.start)..line_of(span.end).max(line_of(span.start) + 1);
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
    let is_value = |line: &usize| section.settings.iter().any(|setting| lines(&setting.spans.lines).contains(line));
    let headers = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with('[')).map(|(n, _)| n + 1);
    let header = headers.filter(|line| !is_value(line)).take_while(|&header| header <= line).last().unwrap_or(0);
    let is_inside = section
        .parts
        .iter()
        .any(|part| line_of(part.header.start) == header || lines(&(part.header.start..part.end)).contains(&line));
    let nearest = section.settings.iter().rev().find(|setting| setting.place.line <= line);
    match reach {
        Whole | Anywhere => true,
        Section => is_inside,
        Key => is_inside && key.is_some() && nearest.map(|setting| setting.key.as_str()) == key,
        Reach::Default => name == "default",
    }
}

#[test]
fn the_table_and_the_texts_for_users_agree() {
    for &construct in Construct::ALL {
        for &(effect, readers) in construct.stumbling() {
            for &reader in readers.iter().filter(|reader| [Cli, Rust].contains(reader)) {
                let row = row(construct, reader);
                assert!(row.is_some(), "{construct:?} names {reader:?} but has no row");
                let tells_refusal = effect == Effect::Refuses;
                let refuses = row.is_some_and(|row| row.2 == Whole);
                assert!(tells_refusal == refuses || construct == C::Utf16, "{construct:?} {reader:?}: {effect:?}");
            }
        }
    }
    for Difference(construct, reader, _, why) in DIFFERENCES {
        let is_reported = construct.stumbling().iter().any(|(_, readers)| readers.contains(reader));
        assert!(is_reported && !why.is_empty(), "{construct:?} {reader:?} has a row but is not reported");
    }
}

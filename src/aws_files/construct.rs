//! The behaviour grid of aws-contract 1.2 as data: constructs, and which readers have problems with them.
//!
//! The rows of the AWS CLI and of Rust are checked against the real ones by `tests/oracle`.

use std::fmt;

/// Who reads the AWS files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// The AWS CLI and botocore.
    Cli,
    Go,
    Js,
    Java,
    Rust,
}

/// What a construct does to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The whole file is refused, or treated as empty.
    Refuses,
    /// The section or key is not seen.
    Misses,
    /// Something else is read than we read.
    Misreads,
}

macro_rules! constructs {
    ($($(#[doc = $doc:literal])* $name:ident: $what:literal, $($effect:ident $readers:tt),+;)+) => {
        /// A construct that is not read alike by every reader.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Construct {
            $($(#[doc = $doc])* $name,)+
        }

        impl Construct {
            pub const ALL: &[Construct] = &[$(Construct::$name),+];

            /// Returns its description.
            pub fn what(self) -> &'static str {
                match self { $(Construct::$name => $what,)+ }
            }

            /// Returns which readers have problems with it, and how.
            pub fn stumbling(self) -> &'static [(Effect, &'static [Reader])] {
                use {Effect::*, Reader::*};
                match self { $(Construct::$name => &[$(($effect, &$readers)),+],)+ }
            }
        }
    };
}

impl Construct {
    /// Returns whether this reader refuses the whole file for it.
    pub fn refused_by(self, reader: Reader) -> bool {
        self.stumbling().iter().any(|(effect, readers)| *effect == Effect::Refuses && readers.contains(&reader))
    }

    /// Returns what to do about it, for what the AWS CLI stumbles over.
    pub fn remedy(self) -> Option<&'static str> {
        use Construct::*;
        Some(match self {
            Utf16 | NotUtf8 => "save the file as UTF-8",
            ByteOrderMark => "save the file as UTF-8 without a byte order mark",
            KeyBeforeSection => "move the line below a header, or remove it",
            UnclosedHeader => "add the missing ']'",
            EmptyHeader => "write a name between the brackets, or remove the section",
            BlankNextToBracket => "remove the space",
            BracketInComment | BracketAfterHeader => "remove what follows the header on its line",
            KindLikeProfile => "write '[profile NAME]', or remove the section",
            DuplicateSection => {
                "move the lines under this header to the first section with this name, and remove this header"
            }
            SectionWrittenTwoWays | DefaultTwice => "move all its lines below one of the headers, and remove the other",
            CapitalDefault => "write '[default]'",
            DuplicateKey => "remove all lines of this key but one",
            ColonInKey => "remove the ':' from the key",
            EmptyKey => "write a key before the '=', or remove the line",
            NoEqualsSign | BlockLineWithoutEqualsSign => "write the line as 'key = value', or remove it",
            InlineComment => "move the comment to a line of its own",
            BlankLineInsideValue => "remove the blank line",
            _ => return None,
        })
    }
}

constructs! {
    /// UTF-16 text; we read nothing of it either.
    Utf16: "UTF-16 text", Refuses [Cli, Java], Misses [Go, Js, Rust];
    ByteOrderMark: "a byte order mark", Refuses [Cli, Java, Rust], Misreads [Go];
    NotUtf8: "a byte that is not UTF-8", Refuses [Cli, Rust];
    LoneCarriageReturn: "a line that ends in CR only", Misses [Go, Js], Misreads [Rust];
    /// A line with text above the first header.
    KeyBeforeSection: "a key before any section", Refuses [Cli, Java, Rust];
    /// `[profile p`
    UnclosedHeader: "a header without ']'", Refuses [Cli, Java, Rust], Misses [Go, Js];
    /// `[profile p] text`
    TextAfterHeader: "text after ']'", Refuses [Java, Rust], Misses [Go, Js];
    /// `[profile p]; comment`
    CommentTouchingHeader: "a comment directly after ']'", Misses [Js];
    /// `  [profile p]`
    IndentedHeader: "an indented header", Refuses [Java, Rust];
    /// `[]`
    EmptyHeader: "an empty header", Refuses [Cli];
    /// `[ profile p]`; in the credentials file also `[p ]`
    BlankNextToBracket: "a space next to a bracket", Misses [Cli, Js];
    /// `[profile  p]` or `[profile p ]`
    ExtraBlankInHeading: "more than one space in a header", Misses [Js];
    /// `[profile a#b]`
    CommentMarkInHeading: "'#' or ';' in a section's name", Refuses [Rust];
    /// `[profile p] # see [1]`: Python looks for the last bracket.
    BracketInComment: "']' in a comment after a header", Misses [Cli];
    /// `[profile p]]`
    BracketAfterHeader: "text with ']' after a header", Misses [Cli], Misreads [Rust];
    /// `[profiles p]`
    KindLikeProfile: "a section type that only starts like a known one", Misreads [Cli];
    /// `[profile "p"]`
    QuotedName: "a quoted profile name", Misses [Go, Java, Rust];
    DuplicateSection: "a duplicate section", Refuses [Cli];
    /// The same section by another header text.
    SectionWrittenTwoWays: "the same section written in two ways", Misreads [Cli, Rust];
    /// `[default]` beside `[profile default]`.
    DefaultTwice: "[default] beside [profile default]", Misreads [Cli];
    /// `[DEFAULT]`
    CapitalDefault: "[DEFAULT] in capital letters", Misreads [Cli];
    DuplicateKey: "a duplicate key", Refuses [Cli];
    /// The first key below a header is indented.
    IndentedKey: "an indented key", Refuses [Java, Rust];
    /// `Region = v`
    CapitalInKey: "a key with capital letters", Misses [Js, Java];
    /// `region: v`
    Colon: "':' instead of '='", Refuses [Java, Rust], Misses [Js];
    /// `region: a=b`
    ColonBeforeEqualsSign: "':' before '='", Misses [Js, Java, Rust];
    /// `a:b = c`
    ColonInKey: "':' inside a key", Misreads [Cli, Go];
    /// `= v`
    EmptyKey: "a line without a key", Refuses [Cli, Rust];
    /// A line that is neither header, key, comment nor continuation.
    NoEqualsSign: "a line without '='", Refuses [Cli, Java, Rust];
    /// `region = v # c`
    InlineComment: "a comment after a value", Misreads [Cli];
    /// `region = "v"`
    QuotedValue: "a quoted value", Misreads [Go];
    /// It is trimmed as Python does.
    HardBlank: "a no-break space (U+00A0) or similar around a key or value", Misreads [Rust];
    /// An indented line without `=` below a key with a value.
    ContinuedValue: "a value that continues on the next line", Misreads [Js];
    /// Only blank lines between lines of a value; those after its end do not belong to it.
    BlankLineInsideValue: "a blank line inside a value", Misreads [Cli];
    /// An indented line with `=` below a key with a value.
    KeyInsideValue: "an indented key below a value", Misreads [Go, Js];
    /// An indented line without `=` below a key without a value.
    BlockLineWithoutEqualsSign: "a line without '=' in a block", Refuses [Cli, Java, Rust];
    /// The same, below a key whose value is only a comment.
    BareLineBelowComment: "a line without '=' in a block below a comment", Refuses [Rust];
    /// An indented comment before the first key.
    IndentedCommentAfterHeader: "an indented comment below a header", Refuses [Java, Rust];
    IndentedCommentAfterKey: "an indented comment below a key", Misreads [Java, Rust];
    /// An indented comment without `=` below a key without a value.
    IndentedCommentInBlock: "an indented comment in a block", Refuses [Rust];
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reader::Cli => "the AWS CLI",
            Reader::Go => "Go",
            Reader::Js => "JavaScript",
            Reader::Java => "Java",
            Reader::Rust => "Rust",
        })
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Effect::Refuses => "the whole file is rejected by",
            Effect::Misses => "it is ignored by",
            Effect::Misreads => "it is read differently by",
        })
    }
}

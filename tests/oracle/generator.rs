//! Makes AWS files out of the constructs of the behaviour grid: mostly plain lines, an odd one now and then.

use twolock::internals::FileKind;

use crate::readers::{Files, Probes};

/// What the generated files talk about; names and keys outside do not matter to the comparison.
pub const PROBES: Probes = Probes {
    names: &["default", "p", "q", "a/b.c@d:e+f%g", "p q", "ü"],
    keys: &["region", "output", "mfa_serial", "s3", "x-y.z_1", "a", "a:b"],
};

/// A small generator of numbers (xorshift64*), so that a seed always makes the same files.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % sides
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    pub fn pick<'a, T: ?Sized>(&mut self, among: &[&'a T]) -> &'a T {
        among[self.roll(among.len())]
    }
}

/// One file of either kind; `odd` in a hundred lines are odd.
pub fn file(dice: &mut Dice, kind: FileKind, odd: usize) -> Vec<u8> {
    let mut text = String::new();
    let is_odd = |dice: &mut Dice| dice.roll(100) < odd;
    if is_odd(dice) {
        text += dice.pick(&["region = early\n", "# c\n", "\n", "  [profile p]\nregion = v\n", "junk\n"]);
    }
    for _ in 0..1 + dice.roll(4) {
        text += &if is_odd(dice) { odd_header(dice, kind) } else { plain_header(dice, kind) };
        text += "\n";
        let indent = if is_odd(dice) { dice.pick(&[" ", "  ", "\t"]) } else { "" };
        for _ in 0..dice.roll(5) {
            text += indent;
            text += &if is_odd(dice) { odd_line(dice) } else { plain_line(dice) };
            text += "\n";
        }
    }
    if dice.one_in(5) {
        text.truncate(text.trim_end().len());
    }
    encoded(dice, text, odd)
}

/// A pair of files without anything odd, for the merge.
pub fn plain_pair(dice: &mut Dice) -> Files {
    Files { config: file(dice, FileKind::Config, 0), credentials: file(dice, FileKind::Credentials, 0) }
}

fn encoded(dice: &mut Dice, mut text: String, odd: usize) -> Vec<u8> {
    if dice.one_in(10) {
        text = text.replace('\n', "\r\n");
    }
    if odd > 0 {
        match dice.roll(100) {
            0 | 1 => text = text.replace('\n', "\r"),
            2 | 3 => text.insert(0, '\u{FEFF}'),
            4 | 5 => return [text.as_bytes(), b"\n# \xFF\n"].concat(),
            _ => {}
        }
    }
    text.into_bytes()
}

fn plain_header(dice: &mut Dice, kind: FileKind) -> String {
    let name = dice.pick(&["default", "p", "q", "a/b.c@d:e+f%g"]);
    let tail = dice.pick(&["", "", "", " # c", "; c"]);
    match (kind, name) {
        (FileKind::Config, "default") | (FileKind::Credentials, _) => format!("[{name}]{tail}"),
        (FileKind::Config, name) if dice.one_in(8) => format!("[profile\t{name}]{tail}"),
        (FileKind::Config, name) => format!("[profile {name}]{tail}"),
    }
}

fn odd_header(dice: &mut Dice, kind: FileKind) -> String {
    let name = dice.pick(&["default", "p", "q", "p q", "ü"]);
    let inside = match (kind, dice.roll(9)) {
        (FileKind::Credentials, 0) => format!("profile {name}"),
        (FileKind::Credentials, 1) => format!("'{name}'"),
        (FileKind::Credentials, _) => name.into(),
        (_, 0) => format!("profile \"{name}\""),
        (_, 1) => format!("profile '{name}'"),
        (_, 2) => format!("profile  {name}"),
        (_, 3) => format!("profiles {name}"),
        (_, 4) => format!("mytool {name}"),
        (_, 5) => name.into(),
        (_, 6) => dice.pick(&["", "DEFAULT", "Default", "PROFILE p", "profile", "profile p#q", "services s"]).into(),
        _ => format!("profile {name}"),
    };
    match dice.roll(12) {
        0 => format!("  [{inside}]"),
        1 => format!("[ {inside} ]"),
        2 => format!("[{inside} ]"),
        3 => format!("[{inside}"),
        4 => format!("[{inside}] junk"),
        5 => format!("[{inside}] # see [1]"),
        6 => format!("[{inside}]]"),
        _ => format!("[{inside}]"),
    }
}

fn plain_line(dice: &mut Dice) -> String {
    let value = dice.pick(&[
        "v",
        "eu-west-1",
        "a=b",
        "a:b",
        "a#b;c",
        "arn:aws:iam::123456789012:mfa/ana",
        "a b",
        "ü",
        "%(x)s",
        "$HOME",
    ]);
    match dice.roll(12) {
        0 => dice.pick(&["", "# c", "; c = d", "#", "\t", "# [profile q]"]).into(),
        1 => "s3 =\n  region = sub\n\n# c\n    output=sub".into(),
        2 => "unknown_key=".into(),
        _ => {
            let key = dice.pick(&["region", "output", "mfa_serial", "x-y.z_1", "my-key", "a"]);
            let equals = dice.pick(&[" = ", "=", "  =\t", " ="]);
            format!("{key}{equals}{value}{}", dice.pick(&["", "", " ", "\t"]))
        }
    }
}

fn odd_line(dice: &mut Dice) -> String {
    dice.pick(&[
        "region: v",
        "region :v",
        "region: a=b",
        "a:b = c",
        "region = v # c",
        "region = v ; c",
        "region = v\t# c",
        "region = # c",
        "region = \"v\"",
        "region = 'v' # c",
        "REGION = v",
        "region = v\n  w",
        "region = v\n  w # c\n   x",
        "region = v\n\n  w\n\n",
        "output = v\n  region = w",
        "  # c",
        "\t; c = d",
        "  region = v",
        "    output = v",
        "s3 =\n  region = sub\n  junk",
        "s3 =\n  # c\n  region = sub",
        "s3 =\n    a =\n      b = c",
        "s3 = # c\n  region = sub",
        "junk",
        "= v",
        "a b = c",
        "a b = c\n  region = w",
        "region = v\n  [profile q]",
        "region =",
        "region =\n  w",
        "region = nul\0nul",
    ])
    .into()
}

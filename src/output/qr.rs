//! A new device's seed on a terminal: a QR code of half blocks, or text to type.

use std::fmt::Write as _;

use fast_qr::{ECL, QRBuilder, QRCode};

use crate::arn::AccountId;
use crate::names::DeviceName;
use crate::secret::Secret;
use crate::text::width::cut_middle;

/// The border in modules. Readers are asked to expect four, and take two.
const BORDER: usize = 2;
/// So many bytes keep the code within 23 rows, which leaves a row for the question on a terminal of 24.
const LONGEST_URI: usize = 134;
/// Black on white whatever the terminal's own colours are; the second white is for those that do not know the first.
const COLOURS: &str = "\x1b[0;30;47;107m";
const RESET: &str = "\x1b[0m";

/// Lines to draw, and the room they take.
pub struct Drawing {
    /// Each ends its line.
    pub text: Secret<String>,
    pub rows: usize,
    pub columns: usize,
}

/// The address that authenticator apps read: `otpauth://totp/AWS:ana@123456789012?secret=…`. The device's name is cut
/// where the code would not fit a terminal.
pub fn uri(device: &DeviceName, account: Option<&AccountId>, seed: &Secret<String>) -> Secret<String> {
    let account = account.map(|account| format!("@{account}")).unwrap_or_default();
    let around = format!("otpauth://totp/AWS:{account}?secret={}", seed.expose()).len();
    let mut name = encoded(device.as_str());
    let mut widest = device.as_str().len();
    while name.len() + around > LONGEST_URI && widest > 1 {
        widest -= 1;
        name = encoded(&cut_middle(device.as_str(), widest).replace('…', "-"));
    }
    Secret::new(format!("otpauth://totp/AWS:{name}{account}?secret={}", seed.expose()))
}

fn encoded(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        let _ = if c.is_ascii_alphanumeric() || "-._@".contains(c) {
            write!(text, "{c}")
        } else {
            write!(text, "%{:02X}", c as u32)
        };
    }
    text
}

/// Draws a text as a QR code, two modules in each cell, one above the other; nothing if no code can hold it.
pub fn drawn(text: &Secret<String>) -> Option<Drawing> {
    let code = QRBuilder::new(text.expose().as_str()).ecl(ECL::L).build().ok()?;
    let side = code.size + 2 * BORDER;
    let mut text = String::with_capacity(side.div_ceil(2) * (3 * side + 32));
    for y in (0..side).step_by(2) {
        text.push_str(COLOURS);
        text.extend((0..side).map(|x| match (is_dark(&code, x, y), is_dark(&code, x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        }));
        text.push_str(RESET);
        text.push('\n');
    }
    Some(Drawing { text: Secret::new(text), rows: side.div_ceil(2), columns: side })
}

fn is_dark(code: &QRCode, x: usize, y: usize) -> bool {
    let module = |at: usize| at.checked_sub(BORDER).filter(|at| *at < code.size);
    module(x).zip(module(y)).is_some_and(|(x, y)| code[y][x].value())
}

/// The seed in groups of four, as it is typed into an app, and what to choose there.
pub fn typed(device: &DeviceName, seed: &Secret<String>) -> Drawing {
    let seed = seed.expose().as_bytes();
    let mut text = String::with_capacity(seed.len() * 2 + 300);
    let name = cut_middle(device.as_str(), 40);
    let _ = writeln!(text, "secret key of '{name}' (time-based, 6 digits, 30 seconds):");
    let mut rows = 1;
    for line in seed.chunks(32) {
        line.chunks(4).for_each(|group| {
            text.push_str(std::str::from_utf8(group).unwrap_or_default());
            text.push(' ');
        });
        text.pop();
        text.push('\n');
        rows += 1;
    }
    Drawing { text: Secret::new(text), rows, columns: 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed() -> Secret<String> {
        Secret::new("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".repeat(2))
    }

    fn name(text: &str) -> DeviceName {
        DeviceName::parse(text).unwrap()
    }

    #[test]
    fn a_name_of_any_length_fits_a_terminal_of_24_rows() {
        let account = AccountId::parse("123456789012");
        for device in ["a", "ana", "ana.maria+test=1,2@example.com", &"x".repeat(226), &"+".repeat(226)] {
            let uri = uri(&name(device), account.as_ref(), &seed());
            let drawn = drawn(&uri).unwrap();
            assert!(drawn.rows <= 23 && drawn.columns <= 80, "{device}: {} rows", drawn.rows);
            assert!(uri.expose().len() <= LONGEST_URI, "{}", uri.expose());
            assert!(uri.expose().contains(&format!("@123456789012?secret={}", seed().expose())));
            assert_eq!(drawn.text.expose().lines().count(), drawn.rows);
        }
        let uri = uri(&name("a+b"), None, &seed());
        assert!(uri.expose().starts_with("otpauth://totp/AWS:a%2Bb?secret="), "{}", uri.expose());
    }

    #[test]
    fn a_typed_seed_is_shown_in_groups() {
        let typed = typed(&name("ana"), &seed());
        let lines: Vec<_> = typed.text.expose().lines().collect();
        assert_eq!(lines[0], "secret key of 'ana' (time-based, 6 digits, 30 seconds):");
        assert_eq!(lines[1], "ABCD EFGH IJKL MNOP QRST UVWX YZ23 4567");
        assert_eq!((lines.len(), typed.rows), (3, 3));
    }
}

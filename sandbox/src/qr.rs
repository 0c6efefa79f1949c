//! Draws a text as a QR code, in a PNG of black and white.

use fast_qr::{ECL, QRBuilder, QRCode};

/// How many pixels a module is wide.
const SCALE: usize = 4;
/// The white border, in modules, that readers expect.
const BORDER: usize = 4;

/// Returns the picture of a text.
///
/// # Panics
/// When the text is longer than a QR code can be.
pub(crate) fn png(text: &str) -> Vec<u8> {
    let code = QRBuilder::new(text).ecl(ECL::L).build().expect("the text of a device is short");
    let side = (code.size + 2 * BORDER) * SCALE;
    let size = u32::try_from(side).expect("a QR code is small").to_be_bytes();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    // Bit depth 1, grey; the only compression, filter and interlacing that there are by number 0.
    chunk(&mut file, b"IHDR", &[&size[..], &size[..], &[1, 0, 0, 0, 0]].concat());
    chunk(&mut file, b"IDAT", &zlib(&pixels(&code, side)));
    chunk(&mut file, b"IEND", &[]);
    file
}

/// Returns the rows of the picture, each after the number of its filter; a set bit is white.
fn pixels(code: &QRCode, side: usize) -> Vec<u8> {
    let dark = |x: usize, y: usize| {
        let module = |at: usize| (at / SCALE).checked_sub(BORDER).filter(|at| *at < code.size);
        module(x).zip(module(y)).is_some_and(|(x, y)| code[y][x].value())
    };
    let mut bytes = Vec::new();
    for y in 0..side {
        bytes.push(0);
        for from in (0..side).step_by(8) {
            let bits = (from..from + 8).map(|x| u8::from(x < side && !dark(x, y)));
            bytes.push(bits.fold(0, |byte, bit| byte << 1 | bit));
        }
    }
    bytes
}

fn chunk(file: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    let body = [&name[..], data].concat();
    file.extend(u32::try_from(data.len()).expect("a small picture").to_be_bytes());
    file.extend(&body);
    file.extend(crc32(&body).to_be_bytes());
}

/// Wraps bytes as zlib does, without compressing them.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).expect("chunks are no longer");
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler32(bytes).to_be_bytes());
    stream
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the two sums that are published with them.
    #[test]
    fn published_check_values() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn a_seed_as_long_as_that_of_aws_makes_a_picture() {
        let png = png(&format!("otpauth://totp/alice@111122223333?secret={}", "A".repeat(64)));
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
        assert!(png.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
        let side = u32::from_be_bytes(png[16..20].try_into().unwrap());
        assert_eq!((side / 4 - 8 - 17) % 4, 0, "a size that QR codes have: {side}");
    }
}

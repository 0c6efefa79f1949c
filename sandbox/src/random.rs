//! Makes identifiers and secrets in the shapes that AWS gives them.

const UPPER: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const MIXED: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

fn pick(alphabet: &[u8], count: usize) -> String {
    // Both alphabets divide 256, so the remainder favours no letter.
    bytes(count).into_iter().map(|byte| char::from(alphabet[usize::from(byte) % alphabet.len()])).collect()
}

/// Returns an identifier such as `AKIA…`: the prefix and sixteen letters or digits.
pub(crate) fn identifier(prefix: &str) -> String {
    format!("{prefix}{}", pick(UPPER, 16))
}

/// Returns a secret of forty characters, `/` and `+` among them.
pub(crate) fn secret() -> String {
    pick(MIXED, 40)
}

/// Returns a session token of exactly that many bytes.
pub(crate) fn token(length: usize) -> String {
    pick(MIXED, length)
}

/// Returns letters and digits, as AWS's tokens of single sign-on have them.
pub(crate) fn word(length: usize) -> String {
    pick(MIXED, length).replace(['+', '/'], "x")
}

/// Returns so many bytes in hexadecimal.
pub(crate) fn hex(count: usize) -> String {
    data_encoding::HEXLOWER.encode(&bytes(count))
}

/// Returns the seed of a device that a test adds.
pub(crate) fn seed() -> Vec<u8> {
    bytes(20)
}

/// Returns the seed of a device that IAM makes, as long as AWS's: 64 characters in Base32.
pub(crate) fn device_seed() -> Vec<u8> {
    bytes(40)
}

/// Returns the identifier that AWS puts beside every answer.
pub(crate) fn request_id() -> String {
    let hex = data_encoding::HEXLOWER.encode(&bytes(16));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

//! Reads and signs tokens in the compact form of RFC 7519, with ES256 only.

use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};

/// A token taken apart; nothing of it is verified.
pub(crate) struct Jwt<'a> {
    pub header: Value,
    pub claims: Value,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    pub(crate) fn parse(token: &'a str) -> Option<Jwt<'a>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let bytes = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        let object = |text: &str| serde_json::from_slice(&bytes(text)?).ok().filter(Value::is_object);
        Some(Jwt { header: object(header)?, claims: object(claims)?, signed, signature: bytes(signature)? })
    }

    /// Returns a claim that is a text.
    pub(crate) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }

    /// Returns a claim that is a moment, in seconds since 1970.
    pub(crate) fn moment(&self, claim: &str) -> Option<i64> {
        self.claims.get(claim)?.as_i64()
    }

    /// Says whether the token says ES256 and the signature is that of the key of this point.
    pub(crate) fn is_signed_by(&self, point: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        self.header["alg"] == "ES256" && key.verify(self.signed.as_bytes(), &self.signature).is_ok()
    }
}

/// A key pair on P-256.
#[derive(Debug)]
pub(crate) struct SigningKey {
    pair: EcdsaKeyPair,
    scalar: Vec<u8>,
}

impl Default for SigningKey {
    /// Makes a new key.
    fn default() -> SigningKey {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("the system gives random bytes");
        // ring writes the one form of RFC 5915 in PKCS #8: the scalar from byte 36, the point at the end.
        let bytes = document.as_ref();
        let (scalar, point) = (&bytes[36..68], &bytes[bytes.len() - 65..]);
        // Checks that the two belong together, so a wrong place cannot go unnoticed.
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, point, &random);
        SigningKey { pair: pair.expect("scalar and point are one key"), scalar: scalar.to_vec() }
    }
}

impl SigningKey {
    /// Returns the public key as an uncompressed point: 65 bytes.
    pub(crate) fn point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Returns a signed token with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": "sandbox"});
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("the system gives random bytes");
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }

    /// Returns the private key as the AWS CLI keeps it: SEC1 (RFC 5915) in PEM.
    pub(crate) fn pem(&self) -> String {
        const PRIME256V1: [u8; 12] = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        let mut der = vec![0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20];
        der.extend_from_slice(&self.scalar);
        der.extend_from_slice(&PRIME256V1);
        der.extend_from_slice(&[0xa1, 0x44, 0x03, 0x42, 0x00]);
        der.extend_from_slice(self.point());
        let text = data_encoding::BASE64.encode(&der);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|line| str::from_utf8(line).expect("Base64 is ASCII")).collect();
        format!("-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n", lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_changed_anywhere_is_not_signed() {
        let key = SigningKey::default();
        let token = key.sign(&json!({"sub": "alice", "exp": 1}));
        assert!(Jwt::parse(&token).unwrap().is_signed_by(key.point()));
        assert!(!Jwt::parse(&token).unwrap().is_signed_by(SigningKey::default().point()));
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(!Jwt::parse(&changed).is_some_and(|jwt| jwt.is_signed_by(key.point())), "byte {at}");
        }
    }

    #[test]
    fn another_algorithm_is_not_taken() {
        let key = SigningKey::default();
        let token = key.sign(&json!({}));
        let (_, rest) = token.split_once('.').unwrap();
        let header = BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#);
        assert!(!Jwt::parse(&format!("{header}.{rest}")).unwrap().is_signed_by(key.point()));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "a.b.c", "e30.e30", "e30.W10.AA", "e30=.e30.AA"] {
            assert!(Jwt::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_private_key_is_written_in_lines_of_64() {
        let pem = SigningKey::default().pem();
        let lengths: Vec<usize> = pem.lines().map(str::len).collect();
        assert_eq!(lengths, [30, 64, 64, 36, 28], "{pem}");
    }
}

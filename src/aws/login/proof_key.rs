//! The key a sign-in is proved with: P-256, in the PEM of SEC 1 ("EC PRIVATE KEY", RFC 5915), read strictly.

use std::fmt;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

use crate::base64;
use crate::secret::Secret;

const BEGIN: &str = "-----BEGIN EC PRIVATE KEY-----";
const END: &str = "-----END EC PRIVATE KEY-----";

/// prime256v1, 1.2.840.10045.3.1.7
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
/// The tags `[0]` and `[1]`.
const CURVE: u8 = 0xa0;
const PUBLIC: u8 = 0xa1;

/// The key a sign-in is proved with.
pub struct ProofKey(EcdsaKeyPair);

impl ProofKey {
    /// Reads the PEM that the AWS CLI keeps as `dpopKey`; the error says what is wrong, and nothing of the text.
    pub fn parse(pem: &Secret<String>) -> Result<Self, &'static str> {
        let der = der_in(pem.expose()).ok_or("is not a PEM block 'EC PRIVATE KEY'")?;
        let (scalar, point) = halves(der.expose()).ok_or("is not an EC private key on P-256 with its public half")?;
        let random = SystemRandom::new();
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, scalar, point, &random);
        pair.map(Self).map_err(|_| "has two halves that do not belong together")
    }

    /// Returns both coordinates of the public half.
    pub(super) fn public_point(&self) -> (&[u8], &[u8]) {
        self.0.public_key().as_ref()[1..].split_at(32)
    }

    /// Returns the signature of ES256: both of its numbers, 32 bytes each.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, &'static str> {
        let signature = self.0.sign(&SystemRandom::new(), message);
        signature.map(|signature| signature.as_ref().to_vec()).map_err(|_| "this machine provides no random bytes")
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey(***)")
    }
}

fn der_in(pem: &str) -> Option<Secret<Vec<u8>>> {
    let text = pem.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let mut joined = String::with_capacity(text.len());
    joined.extend(text.lines().map(str::trim));
    let joined = Secret::new(joined);
    base64::decode(joined.expose()).map(Secret::new)
}

/// Returns the private number, and the public point in its uncompressed form.
fn halves(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut whole = Der(der);
    let mut key = Der(whole.take(SEQUENCE)?);
    let version = key.take(INTEGER)?;
    let scalar = key.take(OCTET_STRING)?;
    let curve = key.take(CURVE)?;
    let mut public = Der(key.take(PUBLIC)?);
    let [0, point @ ..] = public.take(BIT_STRING)? else { return None };
    let is_whole = [&whole, &key, &public].iter().all(|rest| rest.0.is_empty());
    let is_p256 = version == [1] && scalar.len() == 32 && curve == P256 && point.len() == 65 && point[0] == 4;
    (is_whole && is_p256).then_some((scalar, point))
}

/// What is left of a DER encoding.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// Takes the content of the next element, which has this tag. All of them are shorter than 128 bytes here.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let [found, length @ ..=0x7f, rest @ ..] = self.0 else { return None };
        let (content, rest) = rest.split_at_checked(usize::from(*length))?;
        self.0 = rest;
        (*found == tag).then_some(content)
    }
}

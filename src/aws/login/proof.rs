//! The proof that a request comes from who holds the key: a token for this one request (DPoP, RFC 9449).

use serde_json::json;

use super::proof_key::ProofKey;
use crate::base64;
use crate::hex::hex;
use crate::secret::Secret;
use crate::timestamp::Timestamp;

/// Returns the proof for a POST to `url`, or why there is none.
pub(super) fn of_post(key: &ProofKey, url: &str, now: Timestamp) -> Result<Secret<String>, &'static str> {
    let (x, y) = key.public_point();
    let [x, y] = [x, y].map(base64::encode_url);
    let head = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "x": x, "y": y, "crv": "P-256"}});
    let claims = json!({"jti": unique()?, "htm": "POST", "htu": url, "iat": now.unix()});
    let [head, claims] = [head, claims].map(|part| base64::encode_url(part.to_string().as_bytes()));
    let signed = format!("{head}.{claims}");
    let signature = base64::encode_url(&key.sign(signed.as_bytes())?);
    Ok(Secret::new(format!("{signed}.{signature}")))
}

/// A random UUID (version 4), as other clients send.
fn unique() -> Result<String, &'static str> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| "this machine provides no random bytes")?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let groups = [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]];
    Ok(groups.map(hex).join("-"))
}

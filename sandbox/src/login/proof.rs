//! Checks the `DPoP` header (RFC 9449): a token about this very call, signed with the key that it shows.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use crate::http::Request;
use crate::jwt::Jwt;

/// How far the moment of a proof may be off, in seconds.
const TOLERANCE: i64 = 300;

/// A proof that is right in itself; whose key it is, is not known yet.
#[derive(Debug)]
pub(super) struct Proof {
    pub jti: String,
    /// The public key, as an uncompressed point.
    pub point: Vec<u8>,
}

/// Returns the proof of a call to `url`, or what is wrong with it.
pub(super) fn read(request: &Request, url: &str, now: i64) -> Result<Proof, String> {
    let header = request.header("dpop").ok_or("DPoP proof is missing")?;
    let jwt = Jwt::parse(header).ok_or("DPoP proof is not a JWT")?;
    if jwt.header["typ"] != "dpop+jwt" || jwt.header["alg"] != "ES256" {
        return Err("DPoP proof is not of type dpop+jwt with ES256".to_owned());
    }
    let point = point(&jwt.header["jwk"]).ok_or("DPoP proof has no public key on P-256")?;
    if !jwt.is_signed_by(&point) {
        return Err("DPoP proof has a wrong signature".to_owned());
    }
    let (scheme, _) = url.split_once("://").ok_or("the server has no address")?;
    let called = format!("{scheme}://{}{}", request.header("host").unwrap_or_default(), request.path());
    if jwt.text("htm") != Some(&request.method) || jwt.text("htu") != Some(&called) {
        return Err(format!("DPoP proof is not for {} {called}", request.method));
    }
    if jwt.moment("iat").is_none_or(|at| (at - now).abs() > TOLERANCE) {
        return Err("DPoP proof is not of the last five minutes".to_owned());
    }
    let jti = jwt.text("jti").filter(|jti| !jti.is_empty()).ok_or("DPoP proof has no jti")?.to_owned();
    Ok(Proof { jti, point })
}

fn point(jwk: &Value) -> Option<Vec<u8>> {
    // A private key in a header would be a leak.
    if jwk["kty"] != "EC" || jwk["crv"] != "P-256" || jwk.get("d").is_some() {
        return None;
    }
    let coordinate = |name: &str| BASE64URL_NOPAD.decode(jwk[name].as_str()?.as_bytes()).ok();
    let (x, y) = (coordinate("x")?, coordinate("y")?);
    (x.len() == 32 && y.len() == 32).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
}

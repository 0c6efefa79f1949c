//! A call as it is sent: a form, and AWS's signature over it (Signature Version 4).

use std::error::Error;
use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

use crate::aws::call::Call;
use crate::aws::mask::percent;

const VERSION: &str = "2010-05-08";
const HEADERS: [(&str, &str); 2] = [
    ("content-type", "application/x-www-form-urlencoded"),
    ("user-agent", concat!("twolock/", env!("CARGO_PKG_VERSION"))),
];

/// A parameter of an action and its value.
pub(super) type Parameter<'a> = (&'static str, &'a str);

/// Returns a signed request of the query protocol.
pub(super) fn signed(
    call: &Call<'_>,
    parameters: &[Parameter<'_>],
    time: SystemTime,
) -> Result<HttpRequest, Box<dyn Error + Send + Sync>> {
    let url = format!("{}/", call.endpoint.url());
    let body = form(call, parameters);
    let signer = call.signer.ok_or("nobody signs it")?;
    let identity = Identity::from(signer.credentials());
    let signing = v4::SigningParams::builder()
        .identity(&identity)
        .region(call.endpoint.region().as_str())
        .name(call.endpoint.service().signing_name())
        .time(time)
        .settings(SigningSettings::default())
        .build()?
        .into();
    let signable = SignableRequest::new("POST", &url, HEADERS.into_iter(), SignableBody::Bytes(body.as_bytes()))?;
    let (signature, _) = sign(signable, &signing)?.into_parts();
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    request.set_uri(url)?;
    for (name, value) in HEADERS.into_iter().chain(signature.headers()) {
        request.headers_mut().try_insert(name.to_owned(), value.to_owned())?;
    }
    Ok(request)
}

fn form(call: &Call<'_>, parameters: &[Parameter<'_>]) -> String {
    let fixed = format!("Action={}&Version={VERSION}", call.action);
    let codes = ["AuthenticationCode1", "AuthenticationCode2"].into_iter().zip(call.codes.iter().flatten());
    let codes = codes.map(|(name, code)| (name, code.expose()));
    let all = parameters.iter().copied().chain(codes);
    all.fold(fixed, |form, (name, value)| form + "&" + name + "=" + &percent(value, true))
}

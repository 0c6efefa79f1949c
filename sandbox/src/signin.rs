//! The console's sign-in: `/federation` gives tokens for credentials of roles, and a page for each token, once.
//!
//! AWS describes it in "Enable custom identity broker access to the AWS console"; it publishes no words of its refusals.

use serde_json::{Value, json};

use crate::fault::{FaultKind, Target};
use crate::form::Params;
use crate::http::{Request, Response};
use crate::ledger::Call;
use crate::listener::lock;
use crate::random;
use crate::refusal::Refusal;
use crate::service::{Reply, Service, dated, read_params, record, spoil};
use crate::world::{ServerState, SignIn};

const PATH: &str = "/federation";
/// How long a token may be used.
const TOKEN_SECONDS: i64 = 15 * 60;

/// Returns the answer to a call of the sign-in, or nothing when the path is not its own.
pub(crate) fn answer(service: &Service, request: &Request, connection: u64) -> Option<Reply> {
    if request.path() != PATH {
        return None;
    }
    let now = service.now();
    let (params, readable) = read_params(request);
    let mut record = Call { connection, ..record(request, &params, None, now) };
    hide_credentials(&mut record);
    let fault = lock(&service.faults).take(&Target {
        action: Some(&record.action),
        caller_arn: None,
        access_key_id: record.access_key_id.as_deref(),
        role_arn: None,
    });
    let outcome = match &fault {
        Some(fault) if !fault.processed => Err(Refusal::server(500)),
        _ if !readable => Err(refusal("it cannot be read")),
        _ => perform(&mut lock(&service.world), request, &params, now),
    };
    record.outcome = outcome.as_ref().map_or_else(|refusal| refusal.code.clone(), |_| "ok".to_owned());
    let kind = fault.map(|fault| fault.kind);
    record.fault = kind.as_ref().map(|kind| kind.name().to_owned());
    let outcome = match &kind {
        Some(FaultKind::Status(status)) => Err(Refusal::server(*status)),
        Some(FaultKind::Error(refusal)) => Err(refusal.clone()),
        _ => outcome,
    };
    let refused = |refusal: Refusal| Response::new(refusal.status, "text/html", format!("{}\n", refusal.message));
    let mut reply = Reply::from(outcome.unwrap_or_else(refused));
    if let Some(kind) = &kind {
        spoil(&mut reply, kind);
    }
    dated(&mut reply, now);
    record.status = reply.status();
    service.keep(record);
    Some(reply)
}

/// Leaves the key id of the credentials, and nothing of a token.
fn hide_credentials(record: &mut Call) {
    for (name, value) in &mut record.params {
        match name.as_str() {
            "Session" => {
                record.access_key_id = Credentials::read(value).map(|credentials| credentials.id);
                *value = record.access_key_id.clone().unwrap_or_default();
            }
            "SigninToken" => "***".clone_into(value),
            _ => {}
        }
    }
}

fn refusal(why: &str) -> Refusal {
    Refusal::new(400, "BadRequest", why)
}

fn perform(world: &mut ServerState, request: &Request, params: &Params, now: i64) -> Result<Response, Refusal> {
    match (request.method.as_str(), params.get("Action")) {
        ("GET" | "POST", Some("getSigninToken")) => token(world, params, now),
        ("GET", Some("login")) => login(world, params, now),
        _ => Err(refusal("no such action")),
    }
}

struct Credentials {
    id: String,
    secret: String,
    token: String,
}

impl Credentials {
    fn read(json: &str) -> Option<Credentials> {
        let value: Value = serde_json::from_str(json).ok()?;
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        Some(Credentials { id: text("sessionId")?, secret: text("sessionKey")?, token: text("sessionToken")? })
    }
}

fn token(world: &mut ServerState, params: &Params, now: i64) -> Result<Response, Refusal> {
    let given =
        params.get("Session").and_then(Credentials::read).ok_or_else(|| refusal("Session is not credentials"))?;
    let known = world.caller(&given.id, now).filter(|(_, secret)| **secret == given.secret);
    let session = known.and_then(|(caller, _)| caller.session).filter(|session| session.session_token == given.token);
    let session = session.ok_or_else(|| refusal("the credentials are not known"))?;
    if session.expires_at <= now {
        return Err(refusal("the credentials have expired"));
    }
    if session.role_arn.is_none() {
        return Err(refusal("the credentials are those of GetSessionToken"));
    }
    let ends_at = match params.get("SessionDuration") {
        None => session.expires_at,
        Some(_) if session.made_by.starts_with("ASIA") => {
            return Err(refusal("SessionDuration is not allowed for a role assumed with a session"));
        }
        Some(text) => {
            let seconds = text.parse::<i64>().ok().filter(|seconds| (900..=43_200).contains(seconds));
            now + seconds.ok_or_else(|| refusal("SessionDuration is out of range"))?
        }
    };
    let token = random::token(600);
    let sign_in = SignIn { arn: session.arn, destination: String::new(), ends_at };
    world.offer_sign_in(token.clone(), sign_in, now + TOKEN_SECONDS);
    Ok(Response::new(200, "application/json", json!({ "SigninToken": token }).to_string()))
}

fn login(world: &mut ServerState, params: &Params, now: i64) -> Result<Response, Refusal> {
    const PAGES: [&str; 4] =
        ["console.aws.amazon.com", "console.amazonaws.cn", "console.amazonaws-us-gov.com", "console.amazonaws-eusc.eu"];
    let destination = params.get("Destination").unwrap_or_default();
    let host = destination.strip_prefix("https://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let is_page = PAGES.iter().any(|page| host == *page || host.split_once('.').is_some_and(|(_, rest)| rest == *page));
    if !is_page {
        return Err(refusal("Destination is no page of the console"));
    }
    let token = params.get("SigninToken").unwrap_or_default();
    let sign_in = world.sign_in(token, destination, now).ok_or_else(|| refusal("SigninToken is not valid"))?;
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>Console of the sandbox</title></head>\n\
         <body><h1>Signed in</h1><p>as {}</p><p>on the way to {}</p></body></html>\n",
        escaped(&sign_in.arn),
        escaped(&sign_in.destination)
    );
    let mut response = Response::new(200, "text/html; charset=utf-8", page);
    let cookie = format!("sandbox-console={}; Path=/; HttpOnly; SameSite=Lax", random::identifier(""));
    response.headers.push(("Set-Cookie", cookie));
    Ok(response)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

//! Takes a call through its stations: who calls, which fault waits, what the service says, what is sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::answer::Answer;
use crate::arn::{iam_region, partition_of};
use crate::clock::{Clock, http_date};
use crate::fault::{Fault, FaultKind, Faults, Target};
use crate::form::Params;
use crate::http::{Request, Response};
use crate::ledger::Call;
use crate::listener::{Gate, lock};
use crate::random;
use crate::refusal::Refusal;
use crate::signature::{Claim, Expected};
use crate::signed_call::{SignedCall, UnsignedCall};
use crate::world::{Caller, KeyUse, ServerState};
use crate::{iam, sts, xml};

/// How an answer leaves, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    Whole,
    /// The head and half of the body, then the connection is cut.
    Half,
    /// The connection is cut at once.
    Nothing,
    /// The connection stays open in silence.
    Silence,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub response: Response,
    pub sending: Sending,
    pub delay: Duration,
}

impl Reply {
    /// The status that is sent, if any is.
    pub(crate) fn status(&self) -> Option<u16> {
        matches!(self.sending, Sending::Whole | Sending::Half).then_some(self.response.status)
    }
}

impl From<Response> for Reply {
    fn from(response: Response) -> Reply {
        Reply { response, sending: Sending::Whole, delay: Duration::ZERO }
    }
}

/// The server behind the connections: all state that calls share.
#[derive(Debug)]
pub(crate) struct Service {
    pub url: String,
    pub gate: Arc<Gate>,
    pub tolerance: i64,
    pub token_length: usize,
    pub clock: Mutex<Clock>,
    pub world: Mutex<ServerState>,
    pub faults: Mutex<Faults>,
    pub calls: Mutex<Vec<Call>>,
}

impl Service {
    pub(crate) fn now(&self) -> i64 {
        lock(&self.clock).now()
    }

    /// Answers one call and records it.
    pub(crate) fn call(&self, request: &Request, connection: u64) -> Reply {
        let now = self.now();
        let (params, readable) = read_params(request);
        let claim = Claim::read(request);
        let mut record = record(request, &params, claim.as_ref().ok(), now);
        record.connection = connection;
        record.caller_arn = record.access_key_id.as_ref().and_then(|id| Some(lock(&self.world).caller(id, now)?.0.arn));
        let fault = lock(&self.faults).take(&Target {
            action: Some(&record.action),
            caller_arn: record.caller_arn.as_deref(),
            access_key_id: record.access_key_id.as_deref(),
            role_arn: params.get("RoleArn"),
        });
        let outcome = match &fault {
            Some(fault) if !fault.processed => None,
            _ if !readable => Some(Err(malformed_query())),
            _ if sts::is_unsigned(&params) => Some(self.perform_unsigned(&params, now)),
            _ => Some(claim.and_then(|claim| self.perform(request, &claim, &params, now))),
        };
        record.outcome = match &outcome {
            None => "unprocessed".to_owned(),
            Some(Ok(_)) => "ok".to_owned(),
            Some(Err(refusal)) => refusal.code.clone(),
        };
        record.fault = fault.as_ref().map(|fault| fault.kind.name().to_owned());
        let reply = reply(outcome, fault, namespace(&params), now);
        record.status = reply.status();
        self.keep(record);
        reply
    }

    /// Numbers a call and keeps it.
    pub(crate) fn keep(&self, record: Call) {
        let mut calls = lock(&self.calls);
        let number = calls.len() as u64 + 1;
        calls.push(Call { number, ..record });
    }

    /// Finds out who calls, then lets the service answer; one lock over both, so a code counts once.
    fn perform(&self, request: &Request, claim: &Claim, params: &Params, now: i64) -> Result<Answer, Refusal> {
        let mut world = lock(&self.world);
        let caller = self.authenticate(&world, request, claim, params, now)?;
        if let Some(key) = world.key_mut(&claim.access_key_id) {
            key.last_used = Some(KeyUse { time: now, service: claim.service.clone(), region: claim.region.clone() });
        }
        let call = SignedCall { world: &mut world, caller: &caller, params, now, token_length: self.token_length };
        if is_for_iam(params) {
            iam::perform(call).map(Answer::Iam)
        } else {
            sts::perform(call).map(Box::new).map(Answer::Sts)
        }
    }

    fn perform_unsigned(&self, params: &Params, now: i64) -> Result<Answer, Refusal> {
        let world = &mut *lock(&self.world);
        let call = UnsignedCall { world, params, now, token_length: self.token_length };
        sts::perform_unsigned(call).map(Box::new).map(Answer::Sts)
    }

    fn authenticate(
        &self,
        world: &ServerState,
        request: &Request,
        claim: &Claim,
        params: &Params,
        now: i64,
    ) -> Result<Caller, Refusal> {
        let (caller, secret) = world.caller(&claim.access_key_id, now).ok_or_else(Refusal::invalid_token)?;
        let session = caller.session.as_ref();
        let token = session.map(|session| session.session_token.as_str());
        // A key of one partition means nothing in another.
        let partition = caller.name().partition;
        let foreign = partition != partition_of(&claim.region);
        if !caller.active || foreign || request.header("x-amz-security-token") != token {
            return Err(Refusal::invalid_token());
        }
        if session.is_some_and(|session| session.expires_at <= now) {
            return Err(Refusal::expired_token());
        }
        let (service, region) =
            if is_for_iam(params) { (iam::SERVICE, Some(iam_region(&partition))) } else { (sts::SERVICE, None) };
        let expected = Expected { service, region, now, tolerance: self.tolerance };
        claim.check(request, secret, token, &expected)?;
        Ok(caller)
    }
}

/// Returns the parameters of the address and of a form body, and whether all could be read.
pub(crate) fn read_params(request: &Request) -> (Params, bool) {
    let mut params = Params::default();
    let form = request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let body = if form { request.body.as_slice() } else { &[] };
    let readable =
        params.read(request.query()).is_some() && str::from_utf8(body).is_ok_and(|body| params.read(body).is_some());
    (params, readable)
}

/// Both services are served at one address, so the version tells which one is meant.
fn is_for_iam(params: &Params) -> bool {
    params.get("Version") == Some(iam::VERSION)
}

fn namespace(params: &Params) -> &'static str {
    if is_for_iam(params) { iam::NAMESPACE } else { sts::NAMESPACE }
}

fn malformed_query() -> Refusal {
    Refusal::new(400, "MalformedQueryString", "The query string contains a syntax error")
}

pub(crate) fn record(request: &Request, params: &Params, claim: Option<&Claim>, now: i64) -> Call {
    Call {
        time: now,
        action: params.get("Action").unwrap_or_default().to_owned(),
        method: request.method.clone(),
        access_key_id: claim.map(|claim| claim.access_key_id.clone()),
        service: claim.map(|claim| claim.service.clone()),
        region: claim.map(|claim| claim.region.clone()),
        host: request.header("host").map(str::to_owned),
        user_agent: request.header("user-agent").map(str::to_owned),
        params: params.0.iter().map(hide_identity_token).collect(),
        ..Call::default()
    }
}

fn hide_identity_token((name, value): &(String, String)) -> (String, String) {
    let value = if name == "WebIdentityToken" { "***" } else { value };
    (name.clone(), value.to_owned())
}

/// Turns an outcome into what is sent, with the fault applied.
fn reply(outcome: Option<Result<Answer, Refusal>>, fault: Option<Fault>, namespace: &str, now: i64) -> Reply {
    let kind = fault.map(|fault| fault.kind);
    let mut outcome = outcome.unwrap_or_else(|| Err(Refusal::server(500)));
    match &kind {
        Some(FaultKind::Status(status)) => outcome = Err(Refusal::server(*status)),
        Some(FaultKind::Throttling) => outcome = Err(Refusal::throttled()),
        Some(FaultKind::Error(refusal)) => outcome = Err(refusal.clone()),
        Some(kind) => {
            if let Ok(answer) = &mut outcome {
                answer.falsify(kind, now);
            }
        }
        None => {}
    }
    let id = random::request_id();
    let mut response = match outcome {
        Ok(answer) => Response::new(200, "text/xml", answer.xml(&id)),
        Err(refusal) => {
            let body = xml::refusal(&refusal, namespace, &id);
            Response::new(refusal.status, "text/xml", body)
        }
    };
    response.headers.push(("x-amzn-RequestId", id));
    let mut reply = Reply::from(response);
    let mut date = now;
    if let Some(kind) = kind {
        spoil(&mut reply, &kind);
        if let FaultKind::DateOffset(seconds) = kind {
            date += seconds;
        }
    }
    dated(&mut reply, date);
    reply
}

pub(crate) fn dated(reply: &mut Reply, date: i64) {
    reply.response.headers.push(("Date", http_date(date)));
}

/// Spoils the answer as a document, or how it is sent.
pub(crate) fn spoil(reply: &mut Reply, kind: &FaultKind) {
    let body = &mut reply.response.body;
    match kind {
        FaultKind::Delay(time) => reply.delay = *time,
        FaultKind::Hang => reply.sending = Sending::Silence,
        FaultKind::DropBefore | FaultKind::DropAfter => reply.sending = Sending::Nothing,
        FaultKind::CutBody => reply.sending = Sending::Half,
        FaultKind::TruncatedBody => body.truncate(body.len() / 2),
        // Inside the document: white space after its end would still be a good answer.
        FaultKind::OversizedBody(bytes) => {
            let at = body.iter().rposition(|byte| *byte == b'<').unwrap_or(0);
            body.splice(at..at, std::iter::repeat_n(b' ', *bytes));
        }
        FaultKind::HtmlBody => {
            *body = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\
                <body><p>Please sign in to the network.</body></html>\n"
                .to_vec();
            reply.response.status = 200;
            reply.response.headers[0].1 = "text/html; charset=utf-8".to_owned();
        }
        FaultKind::EmptyBody => body.clear(),
        FaultKind::Redirect(location) => {
            body.clear();
            reply.response.status = 302;
            let header = ("Location", location.clone());
            reply.response.headers.push(header);
        }
        _ => {}
    }
}

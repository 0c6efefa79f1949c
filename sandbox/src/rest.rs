//! Takes a call of the JSON services through its stations: single sign-on (portal and OIDC), and the sign-in of `aws login`.
//!
//! They are told apart by path, as they share one address here. None is signed: a token stands for the caller.

use serde_json::{Map, Value, json};

use crate::fault::{Fault, FaultKind, Target};
use crate::form::Params;
use crate::http::{Request, Response};
use crate::ledger::Call;
use crate::listener::lock;
use crate::refusal::Refusal;
use crate::service::{Reply, Service, dated, record, spoil};
use crate::sso::{oidc, portal};
use crate::world::ServerState;
use crate::{login, random};

/// A service, and by that the form of its refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Api {
    Portal,
    Oidc,
    Login,
}

struct Route {
    method: &'static str,
    path: &'static str,
    api: Api,
    action: &'static str,
}

const fn route(method: &'static str, path: &'static str, api: Api, action: &'static str) -> Route {
    Route { method, path, api, action }
}

const ROUTES: [Route; 8] = [
    route("GET", "/federation/credentials", Api::Portal, "GetRoleCredentials"),
    route("GET", "/assignment/accounts", Api::Portal, "ListAccounts"),
    route("GET", "/assignment/roles", Api::Portal, "ListAccountRoles"),
    route("POST", "/logout", Api::Portal, "Logout"),
    route("POST", "/client/register", Api::Oidc, "RegisterClient"),
    route("POST", "/device_authorization", Api::Oidc, "StartDeviceAuthorization"),
    route("POST", "/token", Api::Oidc, "CreateToken"),
    route("POST", "/v1/token", Api::Login, "CreateOAuth2Token"),
];

/// One call, with all that its answer depends on.
pub(crate) struct JsonCall<'a> {
    pub world: &'a mut ServerState,
    pub request: &'a Request,
    pub action: &'static str,
    pub query: &'a Params,
    pub body: &'a Map<String, Value>,
    pub now: i64,
    /// The address of the server, without a slash at the end.
    pub url: &'a str,
    pub token_length: usize,
}

impl<'a> JsonCall<'a> {
    /// Returns a member of the body that is a text and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        text(self.body, name)
    }
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// Returns the answer to a call, or nothing when the path is not one of these services.
pub(crate) fn answer(service: &Service, request: &Request, connection: u64) -> Option<Reply> {
    let route = ROUTES.iter().find(|route| route.path == request.path())?;
    let now = service.now();
    let mut query = Params::default();
    let readable = query.read(request.query()).is_some();
    let body = read_body(request);
    let mut call = Call { connection, action: route.action.to_owned(), ..record(request, &query, None, now) };
    call.params = shown(&query, body.as_ref());
    call.caller_arn = caller(&lock(&service.world), request, body.as_ref(), now);
    let fault = lock(&service.faults).take(&Target {
        action: Some(route.action),
        caller_arn: call.caller_arn.as_deref(),
        access_key_id: None,
        role_arn: query.get("role_name"),
    });
    let outcome = match (&fault, &body) {
        (Some(fault), _) if !fault.processed => None,
        (_, Some(body)) if readable => Some(perform(service, route, request, &query, body, now)),
        _ => Some(Err(unreadable(route.api))),
    };
    call.outcome = match &outcome {
        None => "unprocessed".to_owned(),
        Some(Ok(_)) => "ok".to_owned(),
        Some(Err(refusal)) => refusal.code.clone(),
    };
    call.fault = fault.as_ref().map(|fault| fault.kind.name().to_owned());
    let reply = reply(route.api, outcome, fault, now);
    call.status = reply.status();
    service.keep(call);
    Some(reply)
}

/// Returns the members of a JSON body; a missing body has none.
fn read_body(request: &Request) -> Option<Map<String, Value>> {
    if request.body.is_empty() {
        return Some(Map::new());
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

fn perform(
    service: &Service,
    route: &Route,
    request: &Request,
    query: &Params,
    body: &Map<String, Value>,
    now: i64,
) -> Result<Value, Refusal> {
    // Other actions of the sign-in have the same path, and a query.
    let other = route.api == Api::Login && !request.query().is_empty();
    if route.method != request.method || other {
        return Err(Refusal::new(404, "UnknownOperationException", "there is no such operation"));
    }
    let call = JsonCall {
        world: &mut lock(&service.world),
        request,
        action: route.action,
        query,
        body,
        now,
        url: &service.url,
        token_length: service.token_length,
    };
    match route.api {
        Api::Portal => portal::perform(call),
        Api::Oidc => oidc::perform(call),
        Api::Login => login::perform(call),
    }
}

/// Leaves what names things; anything else may be a token.
fn shown(query: &Params, body: Option<&Map<String, Value>>) -> Vec<(String, String)> {
    const NAMES: &[&str] = &[
        "account_id",
        "clientId",
        "clientName",
        "clientType",
        "grantType",
        "max_result",
        "next_token",
        "role_name",
        "scopes",
        "startUrl",
        "grantTypes",
    ];
    let members = body.into_iter().flatten().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), text)
    });
    let hide = |(name, value): (String, String)| {
        let value = if NAMES.contains(&name.as_str()) { value } else { "***".to_owned() };
        (name, value)
    };
    query.0.iter().cloned().chain(members).map(hide).collect()
}

/// Returns whose token came: the name of a person, or the ARN of a session of `aws login`.
fn caller(world: &ServerState, request: &Request, body: Option<&Map<String, Value>>, now: i64) -> Option<String> {
    if let Some(token) = request.header(portal::TOKEN) {
        return Some(world.sso_bearer(token, now)?.name.clone());
    }
    let token = text(body?, "refreshToken")?;
    let login = world.login(token).map(|login| login.arn.clone());
    login.or_else(|| world.sso_owner(token).map(str::to_owned))
}

fn unreadable(api: Api) -> Refusal {
    let words = "the request is not a JSON object";
    match api {
        Api::Login => Refusal::new(400, "INVALID_REQUEST", words),
        Api::Portal | Api::Oidc => Refusal::new(400, "InvalidRequestException", words),
    }
}

/// Turns an outcome into what is sent, with the fault applied.
fn reply(api: Api, outcome: Option<Result<Value, Refusal>>, fault: Option<Fault>, now: i64) -> Reply {
    let kind = fault.map(|fault| fault.kind);
    let mut outcome = outcome.unwrap_or_else(|| Err(server(500)));
    match &kind {
        Some(FaultKind::Status(status)) => outcome = Err(server(*status)),
        Some(FaultKind::Throttling) => outcome = Err(throttled(api)),
        Some(FaultKind::Error(refusal)) => outcome = Err(refusal.clone()),
        Some(kind) => {
            if let Ok(answer) = &mut outcome {
                falsify(answer, kind, now);
            }
        }
        None => {}
    }
    let mut reply = Reply::from(match outcome {
        Ok(Value::Null) => Response::new(200, "application/json", ""),
        Ok(answer) => Response::new(200, "application/json", answer.to_string()),
        Err(refusal) => refused(api, &refusal),
    });
    reply.response.headers.push(("x-amzn-RequestId", random::request_id()));
    let mut date = now;
    if let Some(kind) = &kind {
        spoil(&mut reply, kind);
        if let FaultKind::DateOffset(seconds) = kind {
            date += seconds;
        }
    }
    dated(&mut reply, date);
    reply
}

fn server(status: u16) -> Refusal {
    let code = if status == 503 { "ServiceUnavailableException" } else { "InternalServerException" };
    Refusal::new(status, code, "the service failed")
}

fn throttled(api: Api) -> Refusal {
    match api {
        Api::Portal => Refusal::new(429, "TooManyRequestsException", "HTTP 429 Unknown Code"),
        Api::Oidc => Refusal::new(400, "SlowDownException", "too many requests"),
        Api::Login => Refusal::new(429, "rate_exceeded", "too many requests"),
    }
}

/// Makes the values of an answer untrue, as far as the fault is about values.
fn falsify(answer: &mut Value, kind: &FaultKind, now: i64) {
    let (moved, ended) = match kind {
        FaultKind::ExpiryPast => (0, true),
        FaultKind::ExpiryBeyond(seconds) => (*seconds, false),
        FaultKind::NoSessionToken => {
            for place in ["/roleCredentials", "/accessToken"] {
                if let Some(credentials) = answer.pointer_mut(place).and_then(Value::as_object_mut) {
                    credentials.remove("sessionToken");
                }
            }
            return;
        }
        _ => return,
    };
    if let Some(seconds) = answer.get_mut("expiresIn") {
        *seconds = if ended { json!(-3600) } else { json!(seconds.as_i64().unwrap_or(0) + moved) };
    }
    if let Some(ms) = answer.pointer_mut("/roleCredentials/expiration") {
        *ms = if ended { json!((now - 3600) * 1000) } else { json!(ms.as_i64().unwrap_or(0) + moved * 1000) };
    }
}

/// Writes a refusal as the service does: its name in a header, the rest in the body.
fn refused(api: Api, refusal: &Refusal) -> Response {
    let (code, message) = (refusal.code.as_str(), refusal.message.as_str());
    let (name, body) = match api {
        Api::Portal => {
            let name = format!("com.amazonaws.switchboard.portal#{code}");
            (code, json!({"__type": name, "message": message}))
        }
        Api::Oidc => (code, json!({"error": oidc::error_name(code), "error_description": message})),
        Api::Login => (login::exception_name(code), json!({"error": login::error_name(code), "message": message})),
    };
    let mut response = Response::new(refusal.status, "application/json", body.to_string());
    response.headers.push(("x-amzn-errortype", name.to_owned()));
    response
}

//! Answers the control pages below `/_sandbox`, by which scripts in any language look and steer.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::clock::{Clock, iso};
use crate::fault::Fault;
use crate::form::Params;
use crate::http::{Request, Response};
use crate::ledger::{Call, tally};
use crate::listener::lock;
use crate::service::Service;
use crate::world::{AccessKey, MfaDevice};

const ROOT: &str = "/_sandbox";

/// Returns the answer to a control page, or nothing when the path is not one.
pub(crate) fn answer(service: &Service, request: &Request) -> Option<Response> {
    let page = request.path().strip_prefix(ROOT)?;
    let response = match (request.method.as_str(), page) {
        ("GET", "") => Response::new(200, "text/plain; charset=utf-8", overview(service)),
        ("GET", "/state.json") => json_page(200, &state(service)),
        ("GET", "/code") => code(service, request),
        ("POST", "/fault") => steer(request, |value| {
            lock(&service.faults).push(Fault::from_json(value)?);
            Ok(())
        }),
        ("DELETE", "/fault") => {
            lock(&service.faults).clear();
            json_page(200, &json!({"ok": true}))
        }
        ("POST", "/clock") => steer(request, |value| {
            *lock(&service.clock) = clock(value)?;
            Ok(())
        }),
        ("GET", "/device") => Response::new(200, "text/html; charset=utf-8", device_page(service, request)),
        ("POST", "/approve") => steer(request, |value| answer_device(service, value, true)),
        ("POST", "/deny") => steer(request, |value| answer_device(service, value, false)),
        ("POST", "/identity-token") => identity_token(service, request),
        _ => return page_missing(page),
    };
    Some(response)
}

fn page_missing(page: &str) -> Option<Response> {
    // `/_sandboxes` is not ours.
    (page.is_empty() || page.starts_with('/')).then(|| json_page(404, &json!({"error": "no such page"})))
}

fn json_page(status: u16, value: &Value) -> Response {
    Response::new(status, "application/json", format!("{value}\n"))
}

fn steer(request: &Request, act: impl FnOnce(&Value) -> Result<(), String>) -> Response {
    let done = serde_json::from_slice(&request.body).map_err(|error| error.to_string()).and_then(|value| act(&value));
    match done {
        Ok(()) => json_page(200, &json!({"ok": true})),
        Err(words) => json_page(400, &json!({"error": words})),
    }
}

/// Reads `{"offset": seconds}` or `{"fixed": seconds since 1970}`.
fn clock(value: &Value) -> Result<Clock, String> {
    let number = |name: &str| value.get(name).and_then(Value::as_i64);
    match (number("offset"), number("fixed")) {
        (Some(seconds), None) => Ok(Clock::Offset(seconds)),
        (None, Some(moment)) => Ok(Clock::Fixed(moment)),
        _ => Err("either \"offset\" or \"fixed\", in seconds".to_owned()),
    }
}

/// Reads `{"user_code": "ABCD-EFGH", "user": "alice"}`; who denies needs no name.
fn answer_device(service: &Service, value: &Value, approved: bool) -> Result<(), String> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let user_code = text("user_code").ok_or("\"user_code\" is missing")?;
    let user = if approved { Some(text("user").ok_or("\"user\" is missing")?) } else { None };
    lock(&service.world).answer_device(user_code, user, service.now())
}

/// What a browser shows that follows the address of a device code: who may approve it, and how.
fn device_page(service: &Service, request: &Request) -> String {
    let mut params = Params::default();
    let given = params.read(request.query()).and_then(|()| params.get("user_code")).unwrap_or_default();
    let world = lock(&service.world);
    let waiting = world.waiting_grants(service.now()).find(|grant| grant.user_code == given);
    let words = match waiting {
        None => "<p>No such code is waiting.</p>".to_owned(),
        Some(grant) => world.sso_users().fold(format!("<p>Code {}</p>", grant.user_code), |page, user| {
            let body = json!({"user_code": grant.user_code, "user": user.name});
            page + &format!(
                "<pre>curl -d '{}' {}{ROOT}/approve</pre>",
                body.to_string().replace('&', "&amp;").replace('<', "&lt;"),
                service.url
            )
        }),
    };
    format!("<!DOCTYPE html>\n<html><head><title>Device</title></head><body>{words}</body></html>\n")
}

/// Reads `{"subject": "…", "seconds": 300}`, or `{"claims": {…}}` for a token with any claims.
fn identity_token(service: &Service, request: &Request) -> Response {
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let (now, world) = (service.now(), lock(&service.world));
    let claims = match (asked.get("claims"), asked["subject"].as_str(), world.providers.all.first()) {
        (Some(claims), ..) => claims.clone(),
        (None, Some(subject), Some(provider)) => {
            provider.claims(subject, now, asked["seconds"].as_i64().unwrap_or(3600))
        }
        _ => return json_page(400, &json!({"error": "\"subject\" and a provider are needed"})),
    };
    json_page(200, &json!({"token": world.providers.key.sign(&claims)}))
}

fn code(service: &Service, request: &Request) -> Response {
    let mut params = Params::default();
    let serial = params.read(request.query()).and_then(|()| params.get("serial"));
    let now = service.now();
    let world = lock(&service.world);
    let Some(device) = serial.and_then(|serial| world.code_device(serial)) else {
        return json_page(404, &json!({"error": "no such device"}));
    };
    let code = device.unused(now);
    json_page(200, &json!({"code": code.digits, "step": code.step, "wait_seconds": code.wait_seconds}))
}

/// Describes a key without its secret.
fn key_record(key: &AccessKey) -> Value {
    let last = key.last_used.as_ref();
    let last = last.map(|last| json!({"time": last.time, "service": last.service, "region": last.region}));
    json!({
        "access_key_id": key.id, "owner": key.owner, "status": key.status(),
        "created_at": key.created_at, "works_from": key.works_from, "last_used": last,
    })
}

fn overview(service: &Service) -> String {
    let calls = lock(&service.calls);
    let mut text = format!(
        "twolock sandbox at {}\nserver time {}\nconnections {}\ncodes consumed {}\ncalls {}\n",
        service.url,
        iso(service.now()),
        service.gate.accepted(),
        lock(&service.world).consumed().len(),
        calls.len()
    );
    for (action, count) in by_action(&calls) {
        text += &format!("  {action} {count}\n");
    }
    text += "callers\n";
    for (caller, count) in by_caller(&calls) {
        text += &format!("  {caller} {count}\n");
    }
    text += "keys\n";
    for key in lock(&service.world).keys() {
        text += &format!("  {} {} {}\n", key.id, key.status(), key.owner);
    }
    text += "newest calls\n";
    for call in calls.iter().rev().take(20) {
        let caller = call.caller_arn.as_deref().unwrap_or("unknown");
        text += &format!("  {} {} {} {caller} {}\n", call.number, iso(call.time), call.action, call.outcome);
    }
    text
}

fn by_action(calls: &[Call]) -> BTreeMap<String, usize> {
    tally(calls, |call| call.action.clone())
}

fn by_caller(calls: &[Call]) -> BTreeMap<String, usize> {
    tally(calls, |call| call.caller_arn.clone().unwrap_or("unknown".to_owned()))
}

/// Returns everything that scripts may look at; secrets and seeds are not among it.
pub(crate) fn state(service: &Service) -> Value {
    let now = service.now();
    let calls = lock(&service.calls);
    let world = lock(&service.world);
    let faults = lock(&service.faults);
    let records: Vec<Value> = calls.iter().map(Call::to_json).collect();
    let devices: Vec<Value> = world
        .devices()
        .map(MfaDevice::shown)
        .map(|it| json!({"serial": it.serial, "owner": it.owner, "enabled_at": it.enabled_at}))
        .collect();
    let keys: Vec<Value> = world.keys().map(key_record).collect();
    let sessions: Vec<Value> = world
        .sessions()
        .into_iter()
        .map(|session| {
            json!({
                "access_key_id": session.access_key_id, "arn": session.arn,
                "made_at": session.made_at, "expires_at": session.expires_at,
                "mfa_at": session.mfa_at, "made_by": session.made_by,
                "source_identity": session.source_identity,
            })
        })
        .collect();
    let consumed: Vec<Value> = world
        .consumed()
        .iter()
        .map(|code| json!({"serial": code.serial, "code": code.code, "step": code.step, "time": code.time}))
        .collect();
    let grants: Vec<Value> = world
        .waiting_grants(now)
        .map(|it| json!({"user_code": it.user_code, "start_url": it.start_url, "expires_at": it.expires_at}))
        .collect();
    let waiting: Vec<Value> = faults
        .waiting()
        .iter()
        .map(|fault| json!({"kind": fault.kind.name(), "action": fault.action, "skip": fault.skip, "times": fault.times}))
        .collect();
    json!({
        "url": service.url,
        "now": now,
        "connections": service.gate.accepted(),
        "calls_by_action": by_action(&calls),
        "calls_by_caller": by_caller(&calls),
        "calls": records,
        "codes_consumed": consumed,
        "sessions": sessions,
        "users": world.account_arns().collect::<Vec<_>>(),
        "keys": keys,
        "devices": devices,
        "roles": world.role_arns().collect::<Vec<_>>(),
        "sso_users": world.sso_users().map(|user| &user.name).collect::<Vec<_>>(),
        "user_codes": grants,
        "faults": waiting,
    })
}

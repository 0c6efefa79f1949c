//! The trait [`Sts`] over AWS's SDK: its own small runtime, credentials given by hand, one send for one code.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{
    AppName, BehaviorVersion, Config, Credentials, IdentityCache, Region, StalledStreamProtectionConfig,
};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tokio::runtime::{Builder, Runtime};

use super::answer::{self, Clocks};
use super::endpoint::Endpoint;
use super::failure::{Call, Outcome};
use super::http::{Connectors, HttpSettings};
use super::wire::Wire;
use super::{AwsError, Bounds, CallerIdentity, Mfa, RoleRequest, Signer, Sts};
use crate::credentials::Session;
use crate::system::clock;
use crate::timestamp::Timestamp;

/// STS at one endpoint. Nothing is built or connected before the first call or [`StsClient::warm_up`].
#[derive(Debug)]
pub struct StsClient {
    endpoint: Endpoint,
    connectors: Arc<Connectors>,
    runtime: OnceLock<Runtime>,
    clock: Clock,
}

/// The clock answers are judged by and calls are signed with.
#[derive(Clone, Copy, Debug)]
struct Clock(fn() -> Timestamp);

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(u64::try_from((self.0)().unix()).unwrap_or(0))
    }
}

impl StsClient {
    /// A client of `endpoint`; the region that signs is the endpoint's.
    pub fn new(endpoint: Endpoint, http: HttpSettings) -> Self {
        let connectors = Connectors::new(&endpoint, http);
        Self { endpoint, connectors, runtime: OnceLock::new(), clock: Clock(clock::now) }
    }

    /// The same client with another clock, for tests.
    pub fn with_clock(mut self, now: fn() -> Timestamp) -> Self {
        self.clock = Clock(now);
        self
    }

    /// Returns where it sends to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Reads the system's certificates in a thread of its own, while a person types; the first call finds them read.
    pub fn warm_up(&self) {
        let connectors = Arc::clone(&self.connectors);
        // Without a thread the first call does this work itself.
        let _ = std::thread::Builder::new().name("warm-up".into()).spawn(move || {
            connectors.within(connect_bound(Bounds::CALL));
        });
    }

    fn call<'a>(
        &'a self,
        action: &'static str,
        signer: Signer<'a>,
        mfa: Option<Mfa<'a>>,
        role: Option<&'a RoleRequest>,
    ) -> Call<'a> {
        Call { action, signer, mfa, role, endpoint: &self.endpoint, proxy: self.connectors.proxy() }
    }

    /// Makes one call within its bound, and has its answer read by `read`.
    fn run<A, E, T>(
        &self,
        call: &Call<'_>,
        bounds: Bounds,
        send: impl AsyncFnOnce(aws_sdk_sts::Client) -> Result<A, SdkError<E, HttpResponse>>,
        read: impl FnOnce(A, Clocks) -> Result<T, String>,
    ) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let runtime = self.runtime().map_err(|why| call.not_begun(&why))?;
        let connect = connect_bound(bounds);
        let (answer, wire) = runtime.block_on(async {
            let begun = tokio::time::Instant::now();
            let wire = Wire::new(self.connectors.within(connect), connect);
            let client = aws_sdk_sts::Client::from_conf(self.config(call, wire.clone()));
            (tokio::time::timeout_at(begun + bounds.total, send(client)).await, wire)
        });
        let seen = wire.seen();
        let clocks = Clocks { ours: (self.clock.0)(), theirs: seen.date };
        let outcome = match answer {
            Ok(Ok(answer)) => return read(answer, clocks).map_err(|why| call.unusable(&why, clocks)),
            Ok(Err(error)) => Outcome::of(&error),
            Err(_) => Outcome::TimedOut(bounds.total),
        };
        Err(call.failed(outcome, &seen, clocks))
    }

    fn runtime(&self) -> Result<&Runtime, String> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let made = Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        Ok(self.runtime.get_or_init(|| made))
    }

    fn config(&self, call: &Call<'_>, wire: Wire) -> Config {
        // STS takes a code once, so a call that carries one is sent once (P24).
        let retry = match call.mfa {
            Some(_) => RetryConfig::disabled(),
            None => RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(300)),
        };
        Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(wire)
            .endpoint_url(self.endpoint.url())
            .region(Region::new(self.endpoint.region().as_str().to_owned()))
            // Never the default chain: it would find the profile whose credential_process we are.
            .credentials_provider(credentials(call.signer))
            .identity_cache(IdentityCache::no_cache())
            .retry_config(retry)
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .time_source(self.clock)
            // It sends again with a corrected clock; a wrong clock is named instead (P37).
            .disable_clock_skew_correction(true)
            .app_name(AppName::new("twolock").expect("letters only"))
            .build()
    }
}

impl Drop for StsClient {
    fn drop(&mut self) {
        // A resolver that hangs sits in a thread nobody can stop; the process does not wait for it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A little less than everything, so that a connection never made is told from an answer that never came.
pub(super) fn connect_bound(bounds: Bounds) -> Duration {
    bounds.connect.min(bounds.total * 9 / 10)
}

fn credentials(signer: Signer<'_>) -> Credentials {
    let (id, secret, token) = match signer {
        Signer::Key(key) => (&key.id, &key.secret, None),
        Signer::Session(session) => (&session.access_key_id, &session.secret, Some(session.token.expose().clone())),
    };
    Credentials::new(id.as_str(), secret.expose().as_str(), token, None, "twolock")
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

impl Sts for StsClient {
    fn get_session_token(
        &self,
        signer: Signer<'_>,
        mfa: Option<Mfa<'_>>,
        duration: Duration,
        bounds: Bounds,
    ) -> Result<Session, AwsError> {
        let call = self.call("GetSessionToken", signer, mfa, None);
        let send = async |client: aws_sdk_sts::Client| {
            let request = client.get_session_token().duration_seconds(seconds(duration));
            let request = request.set_serial_number(mfa.map(|mfa| mfa.serial.as_str().to_owned()));
            request.set_token_code(mfa.map(|mfa| mfa.code.expose().to_owned())).send().await
        };
        let device = mfa.map(|mfa| mfa.serial);
        self.run(&call, bounds, send, |answer, clocks| answer::session_token(answer, device, duration, clocks))
    }

    fn assume_role(
        &self,
        signer: Signer<'_>,
        request: &RoleRequest,
        mfa: Option<Mfa<'_>>,
        bounds: Bounds,
    ) -> Result<Session, AwsError> {
        let call = self.call("AssumeRole", signer, mfa, Some(request));
        let send = async |client: aws_sdk_sts::Client| {
            let some = |values: &[String]| (!values.is_empty()).then(|| values.to_vec());
            let text = |value: &str| value.to_owned();
            client
                .assume_role()
                .role_arn(request.role.as_str())
                .role_session_name(request.session_name.as_str())
                .duration_seconds(seconds(request.duration))
                .set_external_id(request.external_id.as_ref().map(|id| text(id.as_str())))
                .set_source_identity(request.source_identity.as_ref().map(|id| text(id.as_str())))
                .set_tags(tags(request))
                .set_transitive_tag_keys(some(&request.transitive_tags))
                .set_policy_arns(policies(request))
                .set_serial_number(mfa.map(|mfa| text(mfa.serial.as_str())))
                .set_token_code(mfa.map(|mfa| text(mfa.code.expose())))
                .send()
                .await
        };
        self.run(&call, bounds, send, |answer, clocks| answer::role_session(answer, request, clocks))
    }

    fn get_caller_identity(&self, signer: Signer<'_>, bounds: Bounds) -> Result<CallerIdentity, AwsError> {
        let call = self.call("GetCallerIdentity", signer, None, None);
        let send = async |client: aws_sdk_sts::Client| client.get_caller_identity().send().await;
        self.run(&call, bounds, send, |answer, _| answer::identity(&answer))
    }
}

fn tags(request: &RoleRequest) -> Option<Vec<Tag>> {
    let tags = request
        .tags
        .iter()
        .map(|tag| Tag::builder().key(&tag.key).value(&tag.value).build().expect("both of its fields are given"));
    (!request.tags.is_empty()).then(|| tags.collect())
}

fn policies(request: &RoleRequest) -> Option<Vec<PolicyDescriptorType>> {
    let policies = request.policy_arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build());
    (!request.policy_arns.is_empty()).then(|| policies.collect())
}

#[cfg(test)]
mod tests;

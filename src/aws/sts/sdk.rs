//! The trait [`Sts`] over AWS's SDK: credentials given by hand, one send for one code.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{AppName, BehaviorVersion, Config, IdentityCache, Region, StalledStreamProtectionConfig};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::answer;
use super::meaning::StsCall;
use super::operations::{CallerIdentity, Mfa, Sts};
use crate::aws::call::{Bounds, Signer};
use crate::aws::client::{FIRST_PAUSE, service_client};
use crate::aws::clocks::Clocks;
use crate::aws::error::AwsError;
use crate::aws::failure::Outcome;
use crate::aws::wire::Wire;
use crate::credentials::Session;
use crate::role::RoleRequest;
use crate::secret::Secret;

service_client! {
    /// STS at one endpoint. Nothing is built or connected before the first call or [`StsClient::warm_up`].
    StsClient
}

impl StsClient {
    /// Reads the system's certificates in a thread of its own, while a person types; the first call finds them read.
    pub fn warm_up(&self) {
        self.0.warm_up();
    }

    fn call<'a>(
        &'a self,
        action: &'static str,
        signer: Signer<'a>,
        mfa: Option<Mfa<'a>>,
        role: Option<&'a RoleRequest>,
    ) -> StsCall<'a> {
        StsCall { common: self.0.call(action, signer).carrying([mfa.map(|mfa| mfa.code), None]), mfa, role }
    }

    /// Makes one call within its bound, and has its answer read by `read`.
    fn run<A, E, T>(
        &self,
        call: &StsCall<'_>,
        bounds: Bounds,
        send: impl AsyncFnOnce(aws_sdk_sts::Client) -> Result<A, SdkError<E, HttpResponse>>,
        read: impl FnOnce(A, Clocks) -> Result<T, String>,
    ) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let send = async |wire: Wire| {
            let client = aws_sdk_sts::Client::from_conf(self.config(call, wire));
            send(client).await.map_err(|error| outcome(&error))
        };
        self.0.run(call, bounds, send, read)
    }

    fn config(&self, call: &StsCall<'_>, wire: Wire) -> Config {
        let endpoint = self.0.endpoint();
        let mut config = Config::builder();
        // Never the default chain: it would find the profile whose credential_process we are. A call that nobody signs has
        // no credentials.
        let credentials = call.common.signer.map(Signer::credentials);
        config.set_credentials_provider(credentials.map(SharedCredentialsProvider::new));
        config
            .behavior_version(BehaviorVersion::latest())
            .http_client(wire)
            .endpoint_url(endpoint.url())
            .region(Region::new(endpoint.region().as_str().to_owned()))
            .identity_cache(IdentityCache::no_cache())
            // STS takes a code once, so a call that carries one is sent once (P24).
            .retry_config(
                RetryConfig::standard().with_max_attempts(call.common.attempts()).with_initial_backoff(FIRST_PAUSE),
            )
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .time_source(self.0.clock())
            // It sends again with a corrected clock; a wrong clock is named instead (P37).
            .disable_clock_skew_correction(true)
            .app_name(AppName::new("twolock").expect("letters only"))
            .build()
    }
}

/// How a call ended, as far as the SDK tells.
fn outcome<E>(error: &SdkError<E, HttpResponse>) -> Outcome
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(said) => match said.err().code().filter(|code| !code.is_empty()) {
            Some(code) => {
                Outcome::Said { code: code.to_owned(), message: said.err().message().unwrap_or_default().to_owned() }
            }
            None => Outcome::Wordless,
        },
        SdkError::ConstructionFailure(_) => {
            Outcome::NotBuilt(error.source().map(ToString::to_string).unwrap_or_default())
        }
        _ => Outcome::Wordless,
    }
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

    fn assume_role_with_web_identity(
        &self,
        token: &Secret<String>,
        request: &RoleRequest,
        bounds: Bounds,
    ) -> Result<Session, AwsError> {
        let carried = [token];
        let common = self.0.unsigned("AssumeRoleWithWebIdentity", &carried);
        let call = StsCall { common, mfa: None, role: Some(request) };
        let send = async |client: aws_sdk_sts::Client| {
            client
                .assume_role_with_web_identity()
                .role_arn(request.role.as_str())
                .role_session_name(request.session_name.as_str())
                .web_identity_token(token.expose())
                .duration_seconds(seconds(request.duration))
                .set_policy_arns(policies(request))
                .send()
                .await
        };
        self.run(&call, bounds, send, |answer, clocks| answer::web_identity_session(answer, request, clocks))
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

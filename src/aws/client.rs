//! One call from beginning to end, of whichever service: its own small runtime, a watched connection, one bound.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::TimeSource;
use tokio::runtime::{Builder, Runtime};

use super::call::{Bounds, Call, Signer};
use super::clocks::Clocks;
use super::endpoint::Endpoint;
use super::error::AwsError;
use super::failure::{self, Outcome, ServiceCall, may_pass};
use super::http::{Connectors, HttpSettings};
use super::unreached::Way;
use super::wire::{Seen, Wire};
use crate::secret::Secret;
use crate::system::clock;
use crate::timestamp::Timestamp;

/// The pause before a call is sent again; it doubles.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// A service at one endpoint. Nothing is built or connected before the first call or [`Client::warm_up`].
#[derive(Debug)]
pub(super) struct Client {
    endpoint: Endpoint,
    connectors: Arc<Connectors>,
    runtime: OnceLock<Runtime>,
    clock: Clock,
}

/// The clock answers are judged by and calls are signed with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(fn() -> Timestamp);

impl Clock {
    pub(super) fn timestamp(self) -> Timestamp {
        (self.0)()
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(u64::try_from((self.0)().unix()).unwrap_or(0))
    }
}

/// The client of one service: [`Client`] with that service's calls.
macro_rules! service_client {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name($crate::aws::client::Client);

        impl $name {
            /// A client of `endpoint`; the region that signs is the endpoint's.
            pub fn new(endpoint: $crate::aws::endpoint::Endpoint, http: $crate::aws::http::HttpSettings) -> Self {
                Self($crate::aws::client::Client::new(endpoint, http))
            }

            /// The same client with another clock, for tests.
            pub fn with_clock(self, now: fn() -> $crate::timestamp::Timestamp) -> Self {
                Self(self.0.with_clock(now))
            }

            /// Returns where it sends to.
            pub fn endpoint(&self) -> &$crate::aws::endpoint::Endpoint {
                self.0.endpoint()
            }
        }
    };
}
pub(super) use service_client;

/// Sends a call, and again where that is allowed and may help.
pub(super) async fn with_retries<T>(
    call: &Call<'_>,
    wire: &Wire,
    attempt: impl AsyncFn() -> Result<T, Outcome>,
) -> Result<T, Outcome> {
    let (mut left, mut pause) = (call.attempts(), FIRST_PAUSE);
    loop {
        left -= 1;
        match attempt().await {
            Err(outcome) if left > 0 && may_pass(&outcome, &wire.seen()) => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            ended => return ended,
        }
    }
}

impl Client {
    /// A client of `endpoint`; the region that signs is the endpoint's.
    pub(super) fn new(endpoint: Endpoint, http: HttpSettings) -> Self {
        let connectors = Connectors::new(&endpoint, http);
        Self { endpoint, connectors, runtime: OnceLock::new(), clock: Clock(clock::now) }
    }

    pub(super) fn with_clock(mut self, now: fn() -> Timestamp) -> Self {
        self.clock = Clock(now);
        self
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    /// Reads the system's certificates in a thread of its own, while a person types; the first call finds them read.
    pub(super) fn warm_up(&self) {
        let connectors = Arc::clone(&self.connectors);
        // Without a thread the first call does this work itself.
        let _ = std::thread::Builder::new().name("warm-up".into()).spawn(move || {
            connectors.within(Bounds::CALL.to_connect());
        });
    }

    /// A call without a code, as far as every service has it.
    pub(super) fn call<'a>(&'a self, action: &'static str, signer: Signer<'a>) -> Call<'a> {
        Call { signer: Some(signer), ..self.unsigned(action, &[]) }
    }

    /// A call that nobody signs, with the tokens and secrets it carries instead.
    pub(super) fn unsigned<'a>(&'a self, action: &'static str, carried: &'a [&'a Secret<String>]) -> Call<'a> {
        let (endpoint, proxy) = (&self.endpoint, self.connectors.proxy());
        Call { action, signer: None, carried, codes: [None; 2], once: false, endpoint, proxy }
    }

    /// Makes one call within its bounds, and has its answer read by `read`.
    pub(super) fn run<A, T>(
        &self,
        call: &impl ServiceCall,
        bounds: Bounds,
        send: impl AsyncFnOnce(Wire) -> Result<A, Outcome>,
        read: impl FnOnce(A, Clocks) -> Result<T, String>,
    ) -> Result<T, AwsError> {
        let (answer, seen) = self.watch(bounds, send).map_err(|why| failure::not_begun(call.common(), &why))?;
        let clocks = self.clocks(&seen);
        let outcome = match answer {
            Some(Ok(answer)) => {
                return read(answer, clocks).map_err(|why| failure::unusable(call.common(), &why, clocks));
            }
            Some(Err(outcome)) => outcome,
            None => Outcome::TimedOut(bounds.total),
        };
        Err(failure::failed(call, outcome, &seen, clocks))
    }

    /// Sends within the bounds; returns what came of it, nothing if time ran out, and what the wire saw.
    pub(super) fn watch<T>(
        &self,
        bounds: Bounds,
        send: impl AsyncFnOnce(Wire) -> T,
    ) -> Result<(Option<T>, Seen), String> {
        let connect = bounds.to_connect();
        Ok(self.runtime()?.block_on(async {
            let begun = tokio::time::Instant::now();
            let wire = Wire::new(self.connectors.within(connect), connect);
            let answer = tokio::time::timeout_at(begun + bounds.total, send(wire.clone())).await;
            (answer.ok(), wire.seen())
        }))
    }

    pub(super) fn way(&self) -> Way<'_> {
        Way { endpoint: &self.endpoint, proxy: self.connectors.proxy() }
    }

    pub(super) fn clocks(&self, seen: &Seen) -> Clocks {
        Clocks { ours: (self.clock.0)(), theirs: seen.date }
    }

    fn runtime(&self) -> Result<&Runtime, String> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let made = Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        Ok(self.runtime.get_or_init(|| made))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A thread in a hanging resolver cannot be stopped; the process does not wait for it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

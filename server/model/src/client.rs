//! The client: an exchange from the request to a settled reply, over as many attempts as that takes.
//!
//! Decides when to try again and when to give up; how is in `retry`. Cancelling drops the attempt, and with it
//! its connection.

use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::body::{self, Kept};
use crate::dialect::{Asked, Dialect, Refused, dialect};
use crate::draft;
use crate::endpoint::{Endpoint, Timeouts};
use crate::error::ModelError;
use crate::exchange::{Reply, Request, StreamEvent, Usage};
use crate::record::Recording;
use crate::retry;
use crate::wire::{Attempt, Seen};

/// Speaks to one endpoint. Cheap to share; connections are kept open between exchanges.
pub struct Client {
    endpoint: Endpoint,
    origin: String,
    speech: Speech,
}

enum Speech {
    Live {
        http: reqwest::Client,
        dialect: &'static dyn Dialect,
        url: String,
        refused: Refused,
        kept: Mutex<Kept>,
    },
    Recorded(Recording),
}

impl Client {
    /// Checks the endpoint and makes ready to speak to it; nothing is sent yet. A recording is read.
    pub fn new(endpoint: Endpoint) -> Result<Client, ModelError> {
        let speech = match dialect(&endpoint)? {
            None => Speech::Recorded(Recording::open(endpoint.model.as_ref())?),
            Some(dialect) => {
                let url = dialect.url(&endpoint);
                let http = http(&endpoint, &url)?;
                Speech::Live { http, dialect, url, refused: Refused::default(), kept: Mutex::default() }
            }
        };
        Ok(Client::with(endpoint, speech))
    }

    /// A client that replays a recording held in memory.
    pub fn replay(endpoint: Endpoint, recording: Recording) -> Client {
        Client::with(endpoint, Speech::Recorded(recording))
    }

    fn with(endpoint: Endpoint, speech: Speech) -> Client {
        let origin = format!("{}/{}", endpoint.kind, endpoint.provider);
        Client { endpoint, origin, speech }
    }

    /// The endpoint spoken to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The bytes that a request of this content has on the wire; empty for a recording. A longer conversation
    /// starts with the bytes of the shorter one, but for the closing brackets (and Anthropic's cache marks).
    pub fn body(&self, request: &Request) -> String {
        match &self.speech {
            Speech::Live { dialect, refused, kept, .. } => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                body::render(*dialect, &self.asked(request, refused), &mut kept)
            }
            Speech::Recorded(_) => String::new(),
        }
    }

    /// Asks for the next reply, and tells of it while it comes. Cancelling closes the connection at once.
    pub async fn exchange(
        &self,
        request: &Request,
        on_event: &mut (dyn FnMut(StreamEvent) + Send),
        cancel: &CancellationToken,
    ) -> Result<Reply, ModelError> {
        let exchange = async {
            match &self.speech {
                Speech::Live { .. } => self.attempts(request, on_event).await,
                Speech::Recorded(recording) => recording.play(request, on_event).await,
            }
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ModelError::Cancelled),
            result = exchange => result,
        }
    }

    fn asked<'a>(&'a self, request: &'a Request, refused: &'a Refused) -> Asked<'a> {
        Asked { endpoint: &self.endpoint, request, refused, origin: &self.origin }
    }

    async fn attempts(
        &self,
        request: &Request,
        on_event: &mut (dyn FnMut(StreamEvent) + Send),
    ) -> Result<Reply, ModelError> {
        let started = Instant::now();
        let mut patience = Patience::new(self.endpoint.timeouts);
        for attempt in 1.. {
            let began = Instant::now();
            let mut seen = Seen::default();
            let error = match self.attempt(request, patience.timeouts(), &mut seen, on_event).await {
                Ok(reply) => return Ok(Reply { attempts: attempt, ..reply }),
                Err(error) => error,
            };
            patience.failed(began, &seen);
            let Some(wait) = self.next_wait(&error, attempt, &patience) else {
                return Err(given_up(error, attempt, started.elapsed()));
            };
            if seen.streamed {
                on_event(StreamEvent::Restarted);
            }
            let reason = error.headline();
            on_event(StreamEvent::Retrying { attempt: attempt + 1, wait, reason });
            tokio::time::sleep(wait).await;
        }
        Err(ModelError::Cancelled)
    }

    /// The wait before the next attempt; none if there is to be no other.
    fn next_wait(&self, error: &ModelError, attempt: u32, patience: &Patience) -> Option<Duration> {
        let attempts = retry::attempts_for(error, self.endpoint.max_attempts.max(1));
        if attempt >= attempts {
            return None;
        }
        if let Speech::Live { refused, .. } = &self.speech
            && refused.learn(error)
        {
            return Some(Duration::ZERO);
        }
        let wait = retry::wait_before(attempt + 1, error, retry::chance());
        (error.is_transient() && wait < patience.left()).then_some(wait)
    }

    async fn attempt(
        &self,
        request: &Request,
        timeouts: Timeouts,
        seen: &mut Seen,
        on_event: &mut (dyn FnMut(StreamEvent) + Send),
    ) -> Result<Reply, ModelError> {
        let Speech::Live { http, dialect, url, .. } = &self.speech else {
            return Err(ModelError::Cancelled);
        };
        let body = self.body(request);
        let sent = body.len() as u64;
        let attempt = Attempt { http, endpoint: &self.endpoint, dialect: *dialect, url, timeouts };
        let mut draft = attempt.run(body, seen, on_event).await?;
        if draft.model.is_empty() {
            draft.model.clone_from(&self.endpoint.model);
        }
        // Usage that is not known must not count as nothing.
        let estimate =
            Usage { input: sent / 4, output: seen.content / 4, estimated: true, ..Usage::default() };
        draft.usage.get_or_insert(estimate);
        draft::settle(draft, request, &self.origin, *dialect)
    }
}

fn given_up(error: ModelError, attempts: u32, after: Duration) -> ModelError {
    if attempts == 1 { error } else { ModelError::GaveUp { attempts, after, last: Box::new(error) } }
}

/// The time that faults may still cost. Time in which a reply was coming is not lost time, as long as it is the
/// first attempt's.
struct Patience {
    timeouts: Timeouts,
    until: Option<Instant>,
}

impl Patience {
    fn new(timeouts: Timeouts) -> Patience {
        Patience { timeouts, until: None }
    }

    /// An attempt that began then has failed now.
    fn failed(&mut self, began: Instant, seen: &Seen) {
        let lost_since = seen.last_byte.unwrap_or(began);
        self.until.get_or_insert(lost_since + self.timeouts.total_retry);
    }

    fn left(&self) -> Duration {
        self.until.map_or(self.timeouts.total_retry, |until| until.saturating_duration_since(Instant::now()))
    }

    /// The limits of the next attempt: no silence lasts longer than the time that is left.
    fn timeouts(&self) -> Timeouts {
        if self.until.is_none() {
            return self.timeouts;
        }
        let left = self.left();
        let Timeouts { connect, first_byte, idle, total_retry } = self.timeouts;
        Timeouts { connect: connect.min(left), first_byte: first_byte.min(left), idle, total_retry }
    }
}

fn http(endpoint: &Endpoint, url: &str) -> Result<reqwest::Client, ModelError> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Fails only where the program has chosen a provider already, which is as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let trouble =
        |message: String| ModelError::Configuration { provider: endpoint.provider.clone(), message };
    let address = reqwest::Url::parse(url).map_err(|error| {
        trouble(format!("the base URL \"{}\" is not an address: {error}", endpoint.base_url))
    })?;
    if !matches!(address.scheme(), "http" | "https") {
        return Err(trouble(format!(
            "the base URL \"{}\" must begin with http:// or https://",
            endpoint.base_url
        )));
    }
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("galley/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tcp_nodelay(true)
        .connect_timeout(endpoint.timeouts.connect)
        .pool_idle_timeout(Duration::from_secs(45));
    if is_loopback(&address) {
        // A proxy of the network has no way to this machine's own servers.
        builder = builder.no_proxy();
    }
    if address.scheme() == "http" {
        // Certificates take long to load, and nobody shows one here.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| trouble(format!("the HTTP client cannot start: {error:?}")))
}

fn is_loopback(address: &reqwest::Url) -> bool {
    match address.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback()),
        None => false,
    }
}

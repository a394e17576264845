//! One endpoint: an exchange from the request to a settled reply, over as many attempts as that takes.
//!
//! Decides when to try again and when to give up (how is in `retry`), what is never sent (a request above the
//! model's window), and what of a reply that broke off is kept: calls that are complete are paid for, and the turn
//! goes on from them. Cancelling drops the attempt, and with it its connection.

use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::body::{self, Kept};
use crate::dialect::{Asked, Dialect, Refused, dialect};
use crate::draft::{self, Draft};
use crate::endpoint::{Endpoint, Timeouts};
use crate::error::ModelError;
use crate::exchange::{Reply, Request, Stop, StreamEvent, Usage};
use crate::limits::Limits;
use crate::record::{Pace, Recording};
use crate::retry;
use crate::slots::Slots;
use crate::tokens::Gauge;
use crate::vocabulary::Vocabulary;
use crate::wire::{Attempt, Seen};

/// Speaks to one endpoint.
pub(crate) struct Line {
    endpoint: Endpoint,
    origin: String,
    speech: Speech,
    gauge: Mutex<Gauge>,
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

/// What attempts that failed have cost all the same.
type Wasted = Usage;

impl Line {
    /// Checks the endpoint and makes ready to speak to it; nothing is sent yet. A recording is read.
    pub fn new(endpoint: Endpoint) -> Result<Line, ModelError> {
        let speech = match dialect(&endpoint)? {
            None => Speech::Recorded(recording(&endpoint.model)?),
            Some(dialect) => {
                let url = dialect.url(&endpoint);
                let http = http(&endpoint, &url)?;
                Speech::Live { http, dialect, url, refused: Refused::default(), kept: Mutex::default() }
            }
        };
        Ok(Line::with(endpoint, speech))
    }

    /// A line that replays a recording held in memory.
    pub fn replay(endpoint: Endpoint, recording: Recording) -> Line {
        Line::with(endpoint, Speech::Recorded(recording))
    }

    fn with(endpoint: Endpoint, speech: Speech) -> Line {
        let origin = format!("{}/{}", endpoint.kind, endpoint.provider);
        Line { endpoint, origin, speech, gauge: Mutex::default() }
    }

    /// The bytes that a request of this content has on the wire; empty for a recording.
    pub fn body(&self, request: &Request) -> String {
        match &self.speech {
            Speech::Live { dialect, refused, kept, .. } => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                body::render(*dialect, &self.asked(request, refused), &mut kept)
            }
            Speech::Recorded(_) => String::new(),
        }
    }

    /// Tokens that a body of so many bytes has, as far as is known.
    pub fn tokens(&self, bytes: usize) -> u64 {
        self.gauge().tokens(bytes)
    }

    /// The model's window in tokens, where it is known or was learnt from a refusal.
    pub fn window(&self) -> Option<u64> {
        let capabilities = self.endpoint.capabilities();
        let known = capabilities.known.then_some(capabilities.context);
        let learnt = self.gauge().window();
        learnt.into_iter().chain(known).min()
    }

    fn gauge(&self) -> std::sync::MutexGuard<'_, Gauge> {
        self.gauge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the next reply. `patient` is false where another line waits to take over.
    pub async fn exchange(
        &self,
        request: &Request,
        on_event: &mut (dyn FnMut(StreamEvent) + Send),
        patient: bool,
    ) -> Result<Reply, ModelError> {
        match &self.speech {
            Speech::Live { .. } => self.attempts(request, on_event, patient).await,
            Speech::Recorded(recording) => recording.play(request, on_event).await,
        }
    }

    fn asked<'a>(&'a self, request: &'a Request, refused: &'a Refused) -> Asked<'a> {
        Asked { endpoint: &self.endpoint, request, refused, origin: &self.origin }
    }

    async fn attempts(
        &self,
        request: &Request,
        on_event: &mut (dyn FnMut(StreamEvent) + Send),
        patient: bool,
    ) -> Result<Reply, ModelError> {
        let started = Instant::now();
        let limit = if patient { self.endpoint.max_attempts } else { self.endpoint.max_attempts.min(3) };
        let mut patience = Patience::new(self.endpoint.timeouts);
        let mut wasted = Wasted::default();
        for attempt in 1.. {
            let began = Instant::now();
            let mut seen = Seen::default();
            let result = self.attempt(request, patience.timeouts(), &mut seen, on_event).await;
            let error = match result.or_else(|error| self.salvaged(request, error, &mut seen)) {
                Ok(reply) => return Ok(Reply { attempts: attempt, wasted, ..reply }),
                Err(error) => error,
            };
            wasted += seen.paid(self);
            patience.failed(began, &seen);
            let Some(wait) = self.next_wait(&error, attempt, limit, &patience) else {
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
    fn next_wait(
        &self,
        error: &ModelError,
        attempt: u32,
        limit: u32,
        patience: &Patience,
    ) -> Option<Duration> {
        if attempt >= retry::attempts_for(error, limit.max(1)) {
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
        seen.sent = body.len();
        self.fits(&body).await?;
        let limits = Limits::of(&self.endpoint);
        if let Some((wait, reason)) =
            limits.wait(Instant::now(), self.tokens(body.len()), timeouts.total_retry)
        {
            on_event(StreamEvent::Waiting { wait, reason });
            tokio::time::sleep(wait).await;
        }
        let place = Slots::of(&self.endpoint).take(on_event).await;
        let attempt =
            Attempt { http, endpoint: &self.endpoint, dialect: *dialect, url, timeouts, limits: &limits };
        let result = attempt.run(body, seen, on_event).await;
        drop(place);
        match result {
            Ok(draft) => self.settled(request, draft, seen),
            Err(error) => {
                if let ModelError::ContextOverflow { message, .. } = &error {
                    self.gauge().overflowed(message, seen.sent);
                }
                Err(error)
            }
        }
    }

    /// Nothing above the model's window is ever sent.
    async fn fits(&self, body: &str) -> Result<(), ModelError> {
        let Some(window) = self.window() else { return Ok(()) };
        let tokens = self.counted(body, window).await;
        if tokens <= window {
            return Ok(());
        }
        Err(ModelError::ContextOverflow {
            model: self.endpoint.model.clone(),
            message: format!("about {tokens} tokens of at most {window}; it was not sent"),
        })
    }

    /// Tokens of a body: as estimated, or where that leaves open whether they are above the limit, what the
    /// provider counted and for the rest what the model's own vocabulary counts.
    async fn counted(&self, body: &str, limit: u64) -> u64 {
        let (guess, known, open) = {
            let gauge = self.gauge();
            (gauge.tokens(body.len()), gauge.known(body.len()), gauge.leaves_open(body.len(), limit))
        };
        let Some(vocabulary) = Vocabulary::of(&self.endpoint.model).filter(|_| open) else { return guess };
        let (from, before) = known.unwrap_or_default();
        let new = body[body.floor_char_boundary(from)..].to_owned();
        let counted = tokio::task::spawn_blocking(move || vocabulary.count(&new)).await;
        counted.ok().flatten().map_or(guess, |tokens| before + tokens)
    }

    fn settled(&self, request: &Request, mut draft: Draft, seen: &Seen) -> Result<Reply, ModelError> {
        let Speech::Live { dialect, .. } = &self.speech else { return Err(ModelError::Cancelled) };
        if draft.model.is_empty() {
            draft.model.clone_from(&self.endpoint.model);
        }
        match &draft.usage {
            Some(usage) => self.gauge().measured(seen.sent, usage.input),
            // Usage that is not known must not count as nothing.
            None => draft.usage = Some(seen.estimate(self)),
        }
        draft::settle(draft, request, &self.origin, *dialect)
    }

    /// A reply that broke off after calls were complete: they are kept, and the turn goes on from them. Words
    /// alone are no reply, they would look like an end.
    fn salvaged(&self, request: &Request, error: ModelError, seen: &mut Seen) -> Result<Reply, ModelError> {
        let Some(mut draft) = seen.salvage.take().filter(|_| error.breaks_off()) else { return Err(error) };
        draft.stop = Stop::ToolUse;
        draft.refusal = None;
        // What was told at the beginning of the stream does not count the reply.
        if let Some(usage) = &mut draft.usage {
            usage.output = usage.output.max(seen.content.div_ceil(4));
            usage.estimated = true;
        }
        match self.settled(request, draft, seen) {
            Ok(reply) if !reply.calls.is_empty() => Ok(reply),
            _ => Err(error),
        }
    }
}

impl Seen {
    /// Tokens of the attempt, by its size.
    fn estimate(&self, line: &Line) -> Usage {
        let input = line.tokens(self.sent);
        Usage { input, output: self.content.div_ceil(4), estimated: true, ..Usage::default() }
    }

    /// What a failed attempt is charged for: nothing where no reply had begun.
    fn paid(&self, line: &Line) -> Usage {
        if self.content == 0 { Usage::default() } else { self.estimate(line) }
    }
}

/// The recording of a file; with `?timing` behind its name each reply takes as long as it took.
fn recording(name: &str) -> Result<Recording, ModelError> {
    match name.strip_suffix("?timing") {
        Some(name) => Ok(Recording::open(name.as_ref())?.with_pace(Pace::Recorded)),
        None => Recording::open(name.as_ref()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Kind;

    #[tokio::test]
    async fn a_request_near_the_window_is_counted_by_the_models_vocabulary() {
        let line = |model: &str| {
            let mut endpoint = Endpoint::new(Kind::OpenAiChat, model);
            endpoint.base_url = "http://127.0.0.1:9".into();
            Line::new(endpoint).unwrap()
        };
        let known = line("gpt-5.4-mini");
        assert_eq!(known.window(), Some(272_000));
        // By its bytes the first is above the window and the second below it; it is the other way round.
        let plain = "hello ".repeat(200_000);
        let dense = "蠻龘鸚鵡".repeat(70_000);
        assert!(known.tokens(plain.len()) > 272_000 && known.tokens(dense.len()) < 272_000);
        assert!(known.fits(&plain).await.is_ok());
        assert!(known.fits(&dense).await.is_err_and(|error| error.to_string().contains("it was not sent")));
        // What the provider counted is not counted again.
        known.gauge().measured(plain.len(), 260_000);
        let longer = format!("{plain}{}", " hello".repeat(11_000));
        assert!(known.tokens(longer.len()) > 272_000 && known.fits(&longer).await.is_ok());
    }
}

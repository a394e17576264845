//! One attempt: a request sent, its answer read as it comes.
//!
//! Decides the limits of an answer (time to the first byte, silence, size) and what counts as an answer at all:
//! an event stream, or a JSON body of a server that does not stream; a web page is neither. Dropping an attempt
//! closes its connection.

use std::error::Error as _;
use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use reqwest::Response;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::{Instant, timeout, timeout_at};

use crate::dialect::{Assembler, Dialect, Fault, Progress};
use crate::draft::Draft;
use crate::endpoint::{Endpoint, Timeouts};
use crate::error::ModelError;
use crate::exchange::StreamEvent;
use crate::fault::{self, shortened};
use crate::limits::Limits;
use crate::{aws, frames, sse};

/// Bytes of text, reasoning and arguments in one reply: above what any output limit allows.
const REPLY_LIMIT: u64 = 3 << 20;
/// Bytes of one reply on the wire; streams carry a hundred bytes of frame for a few of text.
const WIRE_LIMIT: u64 = 96 << 20;
/// Bytes of one event. The last one of a stream may repeat the whole reply.
const EVENT_LIMIT: usize = 16 << 20;
/// Bytes read of an error's body.
const ERROR_LIMIT: usize = 64 << 10;
/// The settings of how long silence is waited for, as a person writes them.
const FIRST_BYTE: &str = "first_byte_seconds";
const IDLE: &str = "idle_seconds";
/// How long the end of a finished reply's body is waited for, so that its connection can serve again.
const TAIL: Duration = Duration::from_millis(20);

/// What an attempt needs to know.
pub(crate) struct Attempt<'a> {
    /// The HTTP client.
    pub http: &'a reqwest::Client,
    /// Where the request goes.
    pub endpoint: &'a Endpoint,
    /// How it is spoken there.
    pub dialect: &'a dyn Dialect,
    /// The address.
    pub url: &'a str,
    /// Limits of time; shorter than the endpoint's when little time is left.
    pub timeouts: Timeouts,
    /// What is learnt of the provider's limits.
    pub limits: &'a Limits,
}

/// What an attempt saw, for the account of time and tokens.
#[derive(Default)]
pub(crate) struct Seen {
    /// Bytes sent.
    pub sent: usize,
    /// What was complete when the reply broke off.
    pub salvage: Option<Draft>,
    /// Something was streamed to the listener.
    pub streamed: bool,
    /// Bytes received.
    pub received: u64,
    /// Bytes of text, reasoning and arguments received.
    pub content: u64,
    /// When the last bytes came.
    pub last_byte: Option<Instant>,
}

impl Attempt<'_> {
    /// Sends the body and reads the answer.
    pub async fn run(
        &self,
        body: String,
        seen: &mut Seen,
        on_event: &mut (dyn FnMut(StreamEvent) + Send),
    ) -> Result<Draft, ModelError> {
        let deadline = Instant::now() + self.timeouts.first_byte;
        let request = self.http.post(self.url).headers(self.headers(&body)?).body(body);
        let response = match timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.unreachable(&error)),
            Err(_) => return Err(self.silent("no answer", FIRST_BYTE, self.timeouts.first_byte)),
        };
        self.limits.learn(Instant::now(), response.headers());
        if !response.status().is_success() {
            let error = self.refusal(response).await;
            if let Some(wait) = error.retry_after() {
                self.limits.closed(Instant::now(), wait);
            }
            return Err(error);
        }
        let mut reading = Reading {
            attempt: self,
            assembler: self.dialect.assembler(),
            seen,
            on_event,
            parser: Parser::of(&response),
            events: Vec::new(),
        };
        match reading.read(response, deadline).await {
            Ok(()) => Ok(reading.assembler.draft()),
            Err(error) => {
                let Reading { assembler, seen, .. } = reading;
                seen.salvage = assembler.salvage();
                Err(error)
            }
        }
    }

    fn headers(&self, body: &str) -> Result<HeaderMap, ModelError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert("accept", HeaderValue::from_static("text/event-stream, application/json"));
        let own = self.dialect.headers(self.endpoint);
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let signed = self.signature(body)?;
        let own = own.chain(signed.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let added = self.endpoint.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain(added) {
            let parsed = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
            let (Ok(name), Ok(mut value)) = parsed else {
                let message =
                    format!("the header {name} (or the key in it) holds characters that cannot be sent");
                return Err(ModelError::Configuration { provider: self.endpoint.provider.clone(), message });
            };
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    /// What signs the request, where AWS credentials stand in for a key.
    fn signature(&self, body: &str) -> Result<Vec<(String, String)>, ModelError> {
        let Some(credentials) = self.endpoint.aws.as_ref().filter(|_| self.endpoint.key.is_none()) else {
            return Ok(Vec::new());
        };
        aws::signature(credentials, self.url, body, SystemTime::now()).map_err(|error| {
            let message = format!("the request cannot be signed with the AWS credentials: {error}");
            ModelError::Configuration { provider: self.endpoint.provider.clone(), message }
        })
    }

    async fn refusal(&self, mut response: Response) -> ModelError {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Ok(Ok(Some(chunk))) = timeout(Duration::from_secs(5), response.chunk()).await {
            body.extend_from_slice(&chunk);
            if body.len() > ERROR_LIMIT {
                break;
            }
        }
        if (300..400).contains(&status) {
            let to = headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            return self.malformed(format!("it redirects to {to}"), "");
        }
        fault::from_status(self.endpoint, self.url, status, &headers, &String::from_utf8_lossy(&body))
    }

    fn unreachable(&self, error: &reqwest::Error) -> ModelError {
        let mut causes = vec![];
        let mut kind = None;
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(io) = cause.downcast_ref::<std::io::Error>() {
                kind = Some(io.kind());
            }
            causes.push(cause.to_string());
            source = cause.source();
        }
        let message = causes.last().cloned().unwrap_or_else(|| "the request could not be sent".into());
        let all = causes.join(": ").to_lowercase();
        let tls = ["certificate", "tls", "handshake"].iter().any(|word| all.contains(word));
        let (advice, transient) = if error.is_timeout() {
            ("Check the address and the network.", true)
        } else if kind == Some(ErrorKind::ConnectionRefused) {
            ("Is the server running? Check the provider's base URL, and HTTPS_PROXY if one is set.", true)
        } else if all.contains("dns error") || all.contains("lookup address") {
            ("The host's name is not known: check the base URL and the network.", true)
        } else if tls {
            (
                "The secure connection failed: check the certificates of this machine and proxies between.",
                false,
            )
        } else if all.contains("proxy") || all.contains("tunnel") {
            ("The proxy refused: check HTTPS_PROXY and NO_PROXY.", false)
        } else {
            ("The connection broke: try again; if it stays so, check the network.", true)
        };
        let message = if error.is_timeout() && causes.is_empty() { "timed out".into() } else { message };
        ModelError::Network { address: self.url.to_owned(), message, advice, transient }
    }

    fn silent(&self, what: &'static str, setting: &'static str, after: Duration) -> ModelError {
        ModelError::Timeout { address: self.url.to_owned(), what, setting, after }
    }

    fn malformed(&self, what: String, sample: &str) -> ModelError {
        let sample: String = sample.split_whitespace().collect::<Vec<_>>().join(" ");
        ModelError::Malformed { address: self.url.to_owned(), what, sample: shortened(&sample, 200) }
    }

    fn fault(&self, fault: Fault, sample: &str) -> ModelError {
        match fault {
            Fault::Malformed(what) => self.malformed(what, sample),
            Fault::Provider(error) => fault::from_stream(self.endpoint, self.url, &error),
        }
    }
}

/// What takes a stream apart.
enum Parser {
    Lines(sse::Parser),
    Frames(Box<frames::Parser>),
}

impl Parser {
    fn of(response: &Response) -> Parser {
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with("application/vnd.amazon.eventstream")) {
            Parser::Frames(Box::new(frames::Parser::new(EVENT_LIMIT)))
        } else {
            Parser::Lines(sse::Parser::new(EVENT_LIMIT))
        }
    }
}

/// What the first byte of a body says it is.
enum Form {
    Unknown,
    Stream,
    Json(Vec<u8>),
    Page(Vec<u8>),
}

struct Reading<'a, 'b> {
    attempt: &'a Attempt<'a>,
    assembler: Box<dyn Assembler>,
    seen: &'b mut Seen,
    on_event: &'b mut (dyn FnMut(StreamEvent) + Send),
    parser: Parser,
    events: Vec<sse::Event>,
}

impl Reading<'_, '_> {
    async fn read(&mut self, mut response: Response, first: Instant) -> Result<(), ModelError> {
        let mut form = Form::Unknown;
        let broken = loop {
            let chunk = match self.seen.received {
                0 => timeout_at(first, response.chunk()).await,
                _ => timeout(self.attempt.timeouts.idle, response.chunk()).await,
            };
            let chunk = match chunk {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => break None,
                Ok(Err(error)) => break Some(cause(&error)),
                // What is complete is complete, whatever the connection does afterwards.
                Err(_) if self.assembler.is_complete() => break None,
                Err(_) if self.seen.received == 0 => {
                    return Err(self.attempt.silent(
                        "no first byte",
                        FIRST_BYTE,
                        self.attempt.timeouts.first_byte,
                    ));
                }
                Err(_) => {
                    return Err(self.attempt.silent("the stream stalled", IDLE, self.attempt.timeouts.idle));
                }
            };
            self.seen.received += chunk.len() as u64;
            self.seen.last_byte = Some(Instant::now());
            if self.seen.received > WIRE_LIMIT {
                return Err(self.runaway(WIRE_LIMIT));
            }
            if self.take(&mut form, &chunk)? == Progress::Last {
                // The end of the body is near: the connection can then be used again.
                let _ = timeout(TAIL, async { while let Ok(Some(_)) = response.chunk().await {} }).await;
                return Ok(());
            }
        };
        self.end(form, broken)
    }

    fn take(&mut self, form: &mut Form, chunk: &[u8]) -> Result<Progress, ModelError> {
        if let (Form::Unknown, Parser::Frames(_)) = (&form, &self.parser) {
            *form = Form::Stream;
        }
        if let Form::Unknown = form {
            let text = chunk.strip_prefix(b"\xef\xbb\xbf").unwrap_or(chunk);
            match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
                None => return Ok(Progress::More),
                Some(b'{' | b'[') => *form = Form::Json(Vec::new()),
                Some(b'<') => *form = Form::Page(Vec::new()),
                Some(_) => *form = Form::Stream,
            }
        }
        match form {
            Form::Unknown => Ok(Progress::More),
            Form::Page(page) => {
                page.extend_from_slice(&chunk[..chunk.len().min(4096)]);
                let enough = page.len() >= 1024;
                if enough { Err(self.page(page)) } else { Ok(Progress::More) }
            }
            Form::Json(body) => {
                body.extend_from_slice(chunk);
                if body.len() > EVENT_LIMIT {
                    Err(self.runaway(EVENT_LIMIT as u64))
                } else {
                    Ok(Progress::More)
                }
            }
            Form::Stream => self.stream(chunk),
        }
    }

    fn stream(&mut self, chunk: &[u8]) -> Result<Progress, ModelError> {
        let mut events = std::mem::take(&mut self.events);
        let parsed = match &mut self.parser {
            Parser::Lines(parser) => parser.push(chunk, &mut events).map_err(|_| frames::Broken::TooLong),
            Parser::Frames(parser) => parser.push(chunk, &mut events),
        };
        let mut progress = Progress::More;
        for event in events.drain(..) {
            progress = self.event(&event)?;
            if progress == Progress::Last {
                break;
            }
        }
        self.events = events;
        match parsed {
            _ if progress == Progress::Last => Ok(progress),
            Ok(()) => Ok(progress),
            Err(frames::Broken::TooLong) => Err(self.runaway(EVENT_LIMIT as u64)),
            Err(frames::Broken::Damaged(what)) => {
                Err(self.attempt.malformed(format!("a frame is damaged ({what})"), ""))
            }
        }
    }

    fn event(&mut self, event: &sse::Event) -> Result<Progress, ModelError> {
        let progress = self.assembler.event(event, &mut listener(self.seen, self.on_event));
        let progress = progress.map_err(|fault| self.attempt.fault(fault, &event.data))?;
        if self.seen.content > REPLY_LIMIT {
            return Err(self.runaway(REPLY_LIMIT));
        }
        Ok(progress)
    }

    /// The body is over, or broken off.
    fn end(&mut self, form: Form, broken: Option<String>) -> Result<(), ModelError> {
        match form {
            Form::Page(page) => return Err(self.page(&page)),
            Form::Json(body) if broken.is_none() => return self.whole(&String::from_utf8_lossy(&body)),
            Form::Stream => {
                let parser = std::mem::replace(&mut self.parser, Parser::Lines(sse::Parser::new(0)));
                let rest = match parser {
                    Parser::Lines(parser) => parser.finish(),
                    Parser::Frames(_) => None,
                };
                if let Some(event) = rest {
                    // Without its empty line an event may be cut: what does not parse is only that.
                    match self.event(&event) {
                        Err(ModelError::Malformed { .. }) | Ok(_) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Form::Json(_) | Form::Unknown => {}
        }
        if self.assembler.is_complete() {
            return Ok(());
        }
        let message = broken.unwrap_or_else(|| "it ended before it was complete".into());
        let address = self.attempt.url.to_owned();
        Err(ModelError::Cut { address, received: self.seen.received, message })
    }

    fn whole(&mut self, text: &str) -> Result<(), ModelError> {
        let malformed = |what: String| self.attempt.malformed(what, text);
        let body: serde_json::Value = serde_json::from_str(text)
            .map_err(|error| malformed(format!("it is no valid JSON ({error})")))?;
        let error = body.as_array().and_then(|list| list.first()).unwrap_or(&body).get("error");
        if error.is_some_and(|error| !error.is_null()) {
            return Err(self.attempt.fault(Fault::Provider(body), text));
        }
        let mut tell = listener(self.seen, self.on_event);
        self.assembler.whole(&body, text, &mut tell).map_err(|fault| self.attempt.fault(fault, text))?;
        if self.assembler.is_complete() {
            return Ok(());
        }
        Err(self.attempt.malformed("it is JSON, but no reply".into(), text))
    }

    fn page(&self, page: &[u8]) -> ModelError {
        self.attempt.malformed("it is a web page".into(), &String::from_utf8_lossy(page))
    }

    fn runaway(&self, limit: u64) -> ModelError {
        ModelError::Runaway { model: self.attempt.endpoint.model.clone(), limit }
    }
}

/// Counts what is told, and tells it on.
fn listener<'a>(
    seen: &'a mut Seen,
    on_event: &'a mut (dyn FnMut(StreamEvent) + Send),
) -> impl FnMut(StreamEvent) + 'a {
    move |event| {
        seen.content += match &event {
            StreamEvent::Text(text) | StreamEvent::Reasoning(text) => text.len() as u64,
            StreamEvent::CallArguments { delta, .. } => delta.len() as u64,
            _ => 0,
        };
        seen.streamed = true;
        on_event(event);
    }
}

/// The innermost cause, which says what the system saw.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

//! `fake-model`: a model server for tests. It speaks the wire protocols of OpenAI Chat Completions, OpenAI
//! Responses, Anthropic Messages, Gemini and Bedrock's Converse (binary frames) on the loopback address, answers from a scenario, and checks every request as
//! a strict provider would.
//!
//! ```text
//! fake-model [--port N] [--scenario FILE]      prints one line, "listening 127.0.0.1:PORT"
//!
//! POST …/chat/completions, …/responses, …/messages, …:streamGenerateContent, …/converse-stream    the model
//!      (streaming); a request that is signed as AWS wants it is checked with the key "fake", secret "fake-secret"
//! GET  …/models                                       one model, "fake"
//! GET  /__log        {"requests":[…],"violations":[…],"sent":EVENTS}; every request with api, turn, conversation, fault, key,
//!                    body, closed: true where the client hung up before the reply's end, and whole: true
//!                    where a good reply went out to its last byte
//! POST /__scenario   replaces the scenario, and forgets everything
//! POST /__reset      forgets everything but the scenario
//! ```
//!
//! # The scenario
//!
//! ```json
//! {
//!   "turns": [
//!     { "say": "I will look.", "calls": [{ "name": "read", "arguments": { "path": "a.rs" } }] },
//!     { "calls": [{ "name": "apply_patch", "input": "*** Begin Patch …" }], "fault": "http_429", "times": 2 },
//!     { "say": "Done.", "match": { "tool": "ok" } }
//!   ],
//!   "final": "Nothing more.",
//!   "side": "A title",
//!   "conversations": [{ "match": "write the tests", "turns": [] }]
//! }
//! ```
//!
//! The turn is the number of replies in the request's own history: a retry or a resumed task gets the right one.
//! After the last turn comes `final`. With `side`, a request without tools gets that text. `conversations` hold
//! the turns of those whose first user message contains `match`. `"prefix": "any"` allows a history to be
//! rewritten. With `"count": "requests"` the turn is the number of requests with tools that were answered, for
//! conversations that are shortened; with `"output"` it is the last one whose `match.tool` is in the last output. With
//! `"kill": {"pid": FILE, "after": N}` the process whose number is in FILE is killed after the N-th event of all streams.
//!
//! A turn: `say` (text), `reason` (reasoning), `calls`: each a `name` with `arguments` (JSON), `raw` (argument
//! text as it is, broken too) or `input` (the text of a free-text tool; wrapped as JSON where the tool was not
//! offered as one), and an `id` if it matters. `pieces`: characters per event (24).
//!
//! - `delayMs`: wait before the first byte; `pieceDelayMs`: before each event.
//! - `signal`: a file that is created when the request has arrived. `waitFor`: a file that must exist before the
//!   reply begins; `waitForMid`: before its second half goes on. So tests hold a reply without sleeping.
//! - `match`: `system`, `user`, `tool`: text that must be in the system text, the last user message, the last tool
//!   output; `lacks`: text that must be nowhere in the request. Otherwise: a violation.
//! - `fault`: what goes wrong, for the first `times` requests of the turn (1; -1 is for ever). `retryAfter`: the
//!   header's text. `cutAfter`: the event after which `cut`, `unclosed`, `stall`, `garbage`, `error_mid` strike
//!   (the middle).
//!
//! Faults: `http_NNN` (any status), `overflow` (400, context length), `loading` (503), `quota` (429,
//! insufficient_quota), `hang` (no byte ever), `stall` (half, then silence), `reset` (no byte, connection reset),
//! `cut` (half, then reset), `unclosed` (half, then a clean end), `garbage` (a line that is no JSON), `error_mid`
//! (an error event in the stream), `empty`, `html`, `json` (the whole reply, not streamed), `filter`, `refusal`,
//! `length` (the last call's arguments cut in half by the output limit), `truncated` (the same, unsaid),
//! `slow` (50 ms before each event), `doubled` (the first call twice, same id), `no_ids`, `no_usage`, `runaway` (text without end), `split`
//! (every byte its own chunk), `invalid_utf8`.
#![forbid(unsafe_code)]

mod check;
mod conversation;
mod http;
mod reply;
mod scenario;
mod serve;
mod sign;
mod wire;

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;

use scenario::Scenario;
use serve::Server;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut port = 0;
    let mut scenario = Scenario::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or(format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--port" => port = value.parse()?,
            "--scenario" => scenario = serde_json::from_str(&std::fs::read_to_string(value)?)?,
            _ => return Err(format!("unknown argument {argument}: see --port, --scenario").into()),
        }
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening {}", listener.local_addr()?);
    let server = Arc::new(Server::new(scenario));
    loop {
        let (stream, _) = listener.accept().await?;
        let server = server.clone();
        tokio::spawn(async move { server.connection(stream).await });
    }
}

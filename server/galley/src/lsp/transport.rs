//! Bytes in, bytes out: frames of the base protocol between the client and the service.
//!
//! tower-lsp's own loop ends with the first frame that is not JSON, and holds back reading while a few handlers wait; this
//! one answers a broken frame with an error and goes on, hands text synchronisation over in arrival order before anything
//! else happens, and runs every request as a task of its own.

use std::future::Future;
use std::io;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower_lsp::jsonrpc::{Request, Response};
use tower_lsp::{ClientSocket, ExitedError};
use tower_service::Service;

use super::event::FrontHandle;

/// Bytes of a header line; longer ones are not of this protocol.
const HEADER_LIMIT: u64 = 8 * 1024;
/// Bytes of one message: a document of 200 MB, escaped, and room.
const BODY_LIMIT: usize = 1 << 30;

/// Messages that are written at once at most.
const AT_ONCE: usize = 64;

/// Messages to the client, in the order of sending. Never blocks. A message is written as JSON by whoever sends it, once.
#[derive(Debug, Clone)]
pub struct Outbox(UnboundedSender<Vec<u8>>);

impl Outbox {
    /// A new outbox with the end that the transport reads.
    pub fn new() -> (Outbox, UnboundedReceiver<Vec<u8>>) {
        let (sender, receiver) = unbounded_channel();
        (Outbox(sender), receiver)
    }

    /// Sends a notification.
    pub fn notify<P: serde::Serialize>(&self, method: &str, params: &P) {
        self.send(&Notification { jsonrpc: "2.0", method, params });
    }

    fn send<M: serde::Serialize>(&self, message: &M) {
        if let Ok(message) = serde_json::to_vec(message) {
            let _ = self.0.send(message);
        }
    }
}

#[derive(serde::Serialize)]
struct Notification<'a, P> {
    jsonrpc: &'a str,
    method: &'a str,
    params: &'a P,
}

/// Serves one client until it says `exit` or closes its end. True if it said `shutdown` before.
pub async fn serve<R, W, S>(
    input: R,
    output: W,
    mut service: S,
    socket: ClientSocket,
    front: FrontHandle,
    outbox: Outbox,
    outgoing: UnboundedReceiver<Vec<u8>>,
) -> bool
where
    R: tokio::io::AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
    S: Service<Request, Response = Option<Response>, Error = ExitedError>,
    S::Future: Future<Output = Result<Option<Response>, ExitedError>> + Send + 'static,
{
    let writer = tokio::spawn(write(output, outgoing));
    let (mut requests, mut responses) = socket.split();
    let relay = outbox.clone();
    let relaying = tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            relay.send(&request);
        }
    });
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let mut shut_down = false;
    loop {
        let body = match read_frame(&mut input).await {
            Ok(Some(Frame::Body(body))) => body,
            Ok(Some(Frame::Bad(why))) => {
                refuse(&outbox, -32700, &why);
                continue;
            }
            Ok(None) | Err(_) => break,
        };
        let message: Value = match serde_json::from_slice(&body) {
            Ok(message) => message,
            Err(error) => {
                refuse(&outbox, -32700, &format!("the message is not JSON: {error}"));
                continue;
            }
        };
        let Some(method) = message.get("method").and_then(Value::as_str) else {
            match serde_json::from_value::<Response>(message) {
                Ok(response) => drop(responses.send(response).await),
                Err(error) => refuse(&outbox, -32600, &format!("neither a request nor a response: {error}")),
            }
            continue;
        };
        shut_down |= method == "shutdown";
        let is_exit = method == "exit";
        let message = match front.hand_over(message) {
            Some(message) => without_null_params(message),
            None => continue,
        };
        if message["method"].as_str().is_some_and(|method| method.starts_with("galley/")) {
            extension(&front, message, &outbox);
            continue;
        }
        match serde_json::from_value::<Request>(message) {
            Ok(request) => dispatch(&mut service, request, &outbox),
            Err(error) => refuse(&outbox, -32600, &format!("not a request: {error}")),
        }
        if is_exit {
            break;
        }
    }
    // First of all: a question that the client cannot answer any more is not one that the person dismissed.
    front.query(|state| state.handles.values().for_each(|handle| handle.interrupt())).await;
    relaying.abort();
    writer.abort();
    shut_down
}

/// Emacs and others send `"params": null` where a method takes none; tower-lsp refuses that.
fn without_null_params(mut message: Value) -> Value {
    if let Some(members) = message.as_object_mut()
        && members.get("params").is_some_and(Value::is_null)
    {
        members.remove("params");
    }
    message
}

fn dispatch<S>(service: &mut S, request: Request, outbox: &Outbox)
where
    S: Service<Request, Response = Option<Response>, Error = ExitedError>,
    S::Future: Future<Output = Result<Option<Response>, ExitedError>> + Send + 'static,
{
    let answering = service.call(request);
    let outbox = outbox.clone();
    tokio::spawn(async move {
        if let Ok(Some(response)) = answering.await {
            outbox.send(&response);
        }
    });
}

/// Answers a request of our own protocol.
fn extension(front: &FrontHandle, mut message: Value, outbox: &Outbox) {
    let (front, outbox) = (front.clone(), outbox.clone());
    tokio::spawn(async move {
        let method = message["method"].as_str().unwrap_or_default().to_owned();
        let params = message["params"].take();
        let answer = super::requests::answer(&front, &method, params, true).await;
        let Some(id) = message.get("id") else { return };
        outbox.send(&match answer {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(refusal) => {
                json!({ "jsonrpc": "2.0", "id": id, "error": { "code": refusal.code, "message": refusal.message } })
            }
        });
    });
}

fn refuse(outbox: &Outbox, code: i64, message: &str) {
    outbox.send(&json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } }));
}

enum Frame {
    Body(Vec<u8>),
    Bad(String),
}

/// Reads one frame; `None` at the end of the input. Lines that are no header are skipped up to the next header.
async fn read_frame<R: AsyncBufRead + Unpin>(input: &mut R) -> io::Result<Option<Frame>> {
    let mut length: Option<usize> = None;
    let mut bad: Option<String> = None;
    loop {
        let mut line = Vec::new();
        if (&mut *input).take(HEADER_LIMIT).read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            match length {
                Some(length) => return body(input, length).await.map(Some),
                None if bad.is_some() => return Ok(bad.map(Frame::Bad)),
                None => continue,
            }
        }
        match text.split_once(':') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("content-length") => {
                match value.trim().parse() {
                    Ok(value) => length = Some(value),
                    Err(_) => bad = Some(format!("the Content-Length `{}` is not a number", value.trim())),
                }
            }
            Some((name, _)) if name.trim().eq_ignore_ascii_case("content-type") => {}
            _ => bad = Some("a line that is no header of the base protocol was skipped".to_owned()),
        }
    }
}

async fn body<R: AsyncBufRead + Unpin>(input: &mut R, length: usize) -> io::Result<Frame> {
    if length > BODY_LIMIT {
        let mut rest = input.take(length as u64);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
        return Ok(Frame::Bad(format!("a message of {length} bytes is over the limit of {BODY_LIMIT}")));
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).await?;
    Ok(Frame::Body(body))
}

/// Writes what is waiting at once: a message costs the threads behind `output` more than its bytes do.
async fn write<W: AsyncWrite + Unpin>(mut output: W, mut outgoing: UnboundedReceiver<Vec<u8>>) {
    let (mut messages, mut bytes) = (Vec::new(), Vec::new());
    while outgoing.recv_many(&mut messages, AT_ONCE).await > 0 {
        bytes.clear();
        for body in messages.drain(..) {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
            bytes.extend_from_slice(&body);
        }
        if output.write_all(&bytes).await.is_err() || output.flush().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn frames(bytes: &[u8]) -> Vec<String> {
        let mut input = BufReader::new(bytes);
        let mut found = Vec::new();
        while let Ok(Some(frame)) = read_frame(&mut input).await {
            found.push(match frame {
                Frame::Body(body) => String::from_utf8_lossy(&body).into_owned(),
                Frame::Bad(why) => format!("bad: {why}"),
            });
        }
        found
    }

    #[tokio::test]
    async fn frames_are_read_whatever_the_case_of_their_headers() {
        let text = b"content-length: 2\r\nContent-Type: x\r\n\r\n{}Content-Length: 1\n\n1";
        assert_eq!(frames(text).await, ["{}", "1"]);
    }

    #[tokio::test]
    async fn a_bad_header_costs_one_frame_only() {
        let text = b"Content-Length: x\r\n\r\nnonsense\r\nContent-Length: 2\r\n\r\n{}";
        let found = frames(text).await;
        assert!(found[0].starts_with("bad: the Content-Length `x`"), "{found:?}");
        assert_eq!(found.last().map(String::as_str), Some("{}"));
    }

    #[tokio::test]
    async fn a_cut_frame_is_the_end() {
        assert!(frames(b"Content-Length: 10\r\n\r\n{}").await.is_empty());
    }
}

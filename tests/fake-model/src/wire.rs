//! How a reply goes out, and how it goes wrong on its way.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::sleep;

use crate::conversation::Api;
use crate::http;
use crate::reply::Reply;
use crate::scenario::Turn;

/// How the connection stands after a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It can serve another request.
    Open,
    /// It is to be closed in good order.
    Close,
    /// It is to be reset.
    Reset,
    /// The client hung up before the end.
    HungUp,
}

/// Both halves of a connection.
pub struct Connection {
    /// From the client.
    pub from: BufReader<OwnedReadHalf>,
    /// To the client.
    pub to: OwnedWriteHalf,
}

impl Connection {
    /// Waits until the client hangs up.
    async fn hang(&mut self) -> After {
        let mut byte = [0];
        let _ = self.from.read(&mut byte).await;
        After::HungUp
    }

    /// Waits, and sees a client that hangs up meanwhile.
    async fn wait(&mut self, until: impl Future<Output = ()>) -> Result<(), After> {
        let mut byte = [0];
        tokio::select! {
            biased;
            () = until => Ok(()),
            _ = self.from.read(&mut byte) => Err(After::HungUp),
        }
    }

    /// Sends a turn's reply, with its fault.
    pub async fn reply(
        &mut self,
        api: Api,
        turn: &Turn,
        fault: &str,
        reply: &Reply,
        sent: &mut (dyn FnMut(bool) -> bool + Send),
    ) -> After {
        match self.try_reply(api, turn, fault, reply, sent).await {
            Ok(after) | Err(after) => after,
        }
    }

    async fn try_reply(
        &mut self,
        api: Api,
        turn: &Turn,
        fault: &str,
        reply: &Reply,
        sent: &mut (dyn FnMut(bool) -> bool + Send),
    ) -> Result<After, After> {
        self.wait(sleep(Duration::from_millis(turn.delay_ms))).await?;
        if let Some(path) = &turn.wait_for {
            self.wait(appears(path)).await?;
        }
        if let Some((status, code, message)) = refusal(fault) {
            let retry: Vec<(&str, &str)> =
                turn.retry_after.iter().map(|wait| ("retry-after", wait.as_str())).collect();
            let body = error(api, status, code, message).to_string();
            return self.whole(status, "application/json", &retry, body.as_bytes()).await;
        }
        match fault {
            "hang" => return Ok(self.hang().await),
            "reset" => return Ok(After::Reset),
            "html" => {
                let page = b"<!doctype html><html><body><h1>Sign in</h1>to the hotel's network</body></html>";
                return self.whole(200, "text/html", &[], page).await;
            }
            "json" => {
                return self.whole(200, "application/json", &[], reply.whole.to_string().as_bytes()).await;
            }
            _ => {}
        }
        self.stream(api, turn, fault, reply, sent).await
    }

    async fn whole(
        &mut self,
        status: u16,
        kind: &str,
        extra: &[(&str, &str)],
        body: &[u8],
    ) -> Result<After, After> {
        http::answer(&mut self.to, status, kind, extra, body).await.map_err(|_| After::HungUp)?;
        Ok(After::Open)
    }

    async fn stream(
        &mut self,
        api: Api,
        turn: &Turn,
        fault: &str,
        reply: &Reply,
        sent: &mut (dyn FnMut(bool) -> bool + Send),
    ) -> Result<After, After> {
        let kind = match api {
            Api::Converse => "application/vnd.amazon.eventstream",
            _ => "text/event-stream",
        };
        http::begin_stream(&mut self.to, kind).await.map_err(|_| After::HungUp)?;
        let middle = turn.cut_after.unwrap_or(reply.events.len() / 2);
        for (at, (name, data)) in reply.events.iter().enumerate() {
            if turn.piece_delay_ms > 0 {
                self.wait(sleep(Duration::from_millis(turn.piece_delay_ms))).await?;
            }
            if at == middle {
                if let Some(path) = &turn.wait_for_mid {
                    self.wait(appears(path)).await?;
                }
                if let Some(after) = self.strike(api, fault).await? {
                    return Ok(after);
                }
            }
            self.event(api, name, data, fault).await?;
            if sent(at + 1 == reply.events.len()) {
                // Whoever was to read the rest is dead.
                return Ok(After::HungUp);
            }
        }
        http::end_stream(&mut self.to).await.map_err(|_| After::HungUp)?;
        Ok(After::Open)
    }

    /// The fault in mid-stream, if it is one of those.
    async fn strike(&mut self, api: Api, fault: &str) -> Result<Option<After>, After> {
        match fault {
            "cut" => {
                // What was written must be read before the reset throws it away.
                sleep(Duration::from_millis(20)).await;
                Ok(Some(After::Reset))
            }
            "unclosed" => {
                http::end_stream(&mut self.to).await.map_err(|_| After::HungUp)?;
                Ok(Some(After::Close))
            }
            "stall" => Ok(Some(self.hang().await)),
            "garbage" if api == Api::Converse => {
                let mut bytes = frame("event", "contentBlockDelta", b"{}");
                bytes[20] ^= 1;
                self.send(&bytes).await?;
                Ok(None)
            }
            "garbage" => {
                self.send(b"data: {\"id\":\"x\",\"choices\":[{\"delta\": nope\n\n").await?;
                Ok(None)
            }
            "error_mid" => {
                let data = error(api, 500, "server_error", "The server had an error in mid-stream.");
                match api {
                    Api::Converse => {
                        let message = data.to_string();
                        self.send(&frame("exception", "internalServerException", message.as_bytes())).await?;
                    }
                    _ => self.event(api, "error", &data.to_string(), "").await?,
                }
                http::end_stream(&mut self.to).await.map_err(|_| After::HungUp)?;
                Ok(Some(After::Close))
            }
            "runaway" => self.run_away(api).await.map(Some),
            _ => Ok(None),
        }
    }

    async fn run_away(&mut self, api: Api) -> Result<After, After> {
        let text = "lorem ipsum dolor sit amet ".repeat(40);
        let (name, data) = match api {
            Api::Chat => ("", json!({ "choices": [{ "index": 0, "delta": { "content": text } }] })),
            Api::Responses => (
                "response.output_text.delta",
                json!({ "type": "response.output_text.delta", "output_index": 0, "delta": text }),
            ),
            Api::Gemini => ("", json!({ "candidates": [{ "content": { "parts": [{ "text": text }] } }] })),
            Api::Converse => {
                ("contentBlockDelta", json!({ "contentBlockIndex": 9, "delta": { "text": text } }))
            }
            Api::Messages => (
                "content_block_delta",
                json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } }),
            ),
        };
        let data = data.to_string();
        loop {
            self.event(api, name, &data, "").await?;
        }
    }

    async fn event(&mut self, api: Api, name: &str, data: &str, fault: &str) -> Result<(), After> {
        let named = match (api, name) {
            (Api::Converse, _) | (_, "") => String::new(),
            _ => format!("event: {name}\n"),
        };
        let mut bytes = match api {
            Api::Converse => data.as_bytes().to_vec(),
            _ => format!("{named}data: {data}\n\n").into_bytes(),
        };
        if fault == "invalid_utf8" {
            let sharp_s = "ß".as_bytes();
            if let Some(at) = bytes.windows(2).position(|pair| pair == sharp_s) {
                bytes[at] = 0xff;
            }
        }
        if api == Api::Converse {
            bytes = frame("event", name, &bytes);
        }
        if fault == "split" {
            for byte in bytes.chunks(1) {
                self.send(byte).await?;
            }
            return Ok(());
        }
        self.send(&bytes).await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), After> {
        http::chunk(&mut self.to, bytes).await.map_err(|_| After::HungUp)
    }
}

/// A frame of an AWS event stream: lengths, their checksum, headers, payload, the checksum of it all.
fn frame(message: &str, name: &str, payload: &[u8]) -> Vec<u8> {
    let kind = if message == "event" { ":event-type" } else { ":exception-type" };
    let mut headers = Vec::new();
    for (header, value) in [(kind, name), (":content-type", "application/json"), (":message-type", message)] {
        headers.push(header.len() as u8);
        headers.extend_from_slice(header.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let mut bytes = ((16 + headers.len() + payload.len()) as u32).to_be_bytes().to_vec();
    bytes.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend_from_slice(&headers);
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

/// A file's appearance.
async fn appears(path: &str) {
    while !Path::new(path).exists() {
        sleep(Duration::from_millis(5)).await;
    }
}

fn refusal(fault: &str) -> Option<(u16, &'static str, &'static str)> {
    let known = match fault {
        "overflow" => (
            400,
            "context_length_exceeded",
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
        ),
        "loading" => (503, "unavailable_error", "Loading model"),
        "quota" => (
            429,
            "insufficient_quota",
            "Your credit balance is too low: please check your plan and billing details.",
        ),
        "http_401" => (401, "invalid_api_key", "Incorrect API key provided."),
        "http_403" => (403, "permission_denied", "You are not allowed to use this model."),
        "http_404" => (404, "model_not_found", "The model does not exist."),
        "http_429" => (429, "rate_limit_exceeded", "Rate limit reached."),
        "http_500" => (500, "server_error", "The server had an error."),
        "http_529" => (529, "overloaded_error", "Overloaded"),
        _ => {
            let status = fault.strip_prefix("http_")?.parse().ok()?;
            (status, "error", "Something is wrong.")
        }
    };
    Some(known)
}

fn error(api: Api, status: u16, code: &str, message: &str) -> Value {
    match api {
        Api::Messages => {
            let kind = match (status, code) {
                (_, "context_length_exceeded") => "invalid_request_error",
                (401, _) => "authentication_error",
                (403, _) => "permission_error",
                (404, _) => "not_found_error",
                (429, _) => "rate_limit_error",
                (500..=599, _) => "api_error",
                _ => "invalid_request_error",
            };
            json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "req_fake" })
        }
        Api::Gemini => {
            let kind = match status {
                429 => "RESOURCE_EXHAUSTED",
                401 => "UNAUTHENTICATED",
                403 => "PERMISSION_DENIED",
                _ => code,
            };
            json!({ "error": { "code": status, "message": message, "status": kind } })
        }
        Api::Converse => json!({ "message": message, "code": code }),
        Api::Responses if status == 500 => {
            json!({ "type": "error", "code": code, "message": message, "param": null, "error": { "message": message, "code": code, "type": code } })
        }
        _ => json!({ "error": { "message": message, "type": code, "code": code, "param": null } }),
    }
}

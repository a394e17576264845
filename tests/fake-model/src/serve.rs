//! The server's state, and the way of a request through it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::BufReader;
use tokio::net::TcpStream;

use crate::check::{self, Histories};
use crate::conversation::{Api, Asked};
use crate::http::{self, Request};
use crate::reply;
use crate::scenario::{Scenario, Turn};
use crate::sign;
use crate::wire::{After, Connection};

/// The server.
pub struct Server {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    scenario: Scenario,
    histories: Histories,
    /// How often the fault of a conversation's turn has struck.
    struck: HashMap<(String, usize), i64>,
    log: Vec<Value>,
    violations: Vec<String>,
    /// Events of all streams so far.
    sent: usize,
}

/// A model request after its checks.
struct Ready {
    number: usize,
    turn: Turn,
    fault: String,
    asked: Asked,
    logged: usize,
}

impl Server {
    /// A server with a scenario.
    pub fn new(scenario: Scenario) -> Server {
        Server { state: Mutex::new(State { scenario, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves a connection until it ends.
    pub async fn connection(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let (from, to) = stream.into_split();
        let mut connection = Connection { from: BufReader::new(from), to };
        while let Some(request) = Request::read(&mut connection.from).await {
            match self.serve(&mut connection, &request).await {
                After::Open => {}
                After::Close | After::HungUp => return,
                After::Reset => {
                    let whole = connection.from.into_inner().reunite(connection.to);
                    // Without lingering, closing resets.
                    if let Ok(stream) = whole {
                        let _ = stream.set_zero_linger();
                    }
                    return;
                }
            }
        }
    }

    async fn serve(&self, connection: &mut Connection, request: &Request) -> After {
        let path = request.path.as_str();
        let answer = match (request.method.as_str(), Api::of(path)) {
            ("POST", Some(api)) => return self.model(connection, api, request).await,
            ("GET", _) if path.ends_with("/models") => (
                200,
                json!({ "object": "list", "data": [{ "id": "fake", "object": "model", "created": 1, "owned_by": "local" }] }),
            ),
            ("GET", _) if path == "/__log" => {
                let state = self.state();
                (200, json!({ "requests": state.log, "violations": state.violations, "sent": state.sent }))
            }
            ("POST", _) if path == "/__reset" => {
                let scenario = self.state().scenario.clone();
                *self.state() = State { scenario, ..State::default() };
                (200, json!({}))
            }
            ("POST", _) if path == "/__scenario" => match serde_json::from_slice(&request.body) {
                Ok(scenario) => {
                    *self.state() = State { scenario, ..State::default() };
                    (200, json!({}))
                }
                Err(error) => (400, json!({ "error": { "message": error.to_string() } })),
            },
            _ => (404, json!({ "error": { "message": format!("no such path: {path}") } })),
        };
        let body = answer.1.to_string();
        match http::answer(&mut connection.to, answer.0, "application/json", &[], body.as_bytes()).await {
            Ok(()) => After::Open,
            Err(_) => After::HungUp,
        }
    }

    async fn model(&self, connection: &mut Connection, api: Api, request: &Request) -> After {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let ready = self.receive(api, request, &body);
        if let Some(path) = &ready.turn.signal {
            let _ = std::fs::write(path, b"");
        }
        let reply = reply::build(api, ready.number, &ready.turn, &ready.fault, &ready.asked, &body);
        let streams = matches!(api, Api::Gemini | Api::Converse) || body["stream"] == true;
        let plain = ready.fault.is_empty() && !streams;
        let fault = if plain { "json" } else { ready.fault.as_str() };
        let good = ready.fault.is_empty();
        let mut sent = |is_last: bool| self.sent_one((is_last && good).then_some(ready.logged));
        let after = connection.reply(api, &ready.turn, fault, &reply, &mut sent).await;
        if after == After::HungUp {
            self.state().log[ready.logged]["closed"] = true.into();
        }
        after
    }

    /// Counts an event that went out, the last of the reply `whole` perhaps, and kills whom the scenario says; true where
    /// it did.
    fn sent_one(&self, whole: Option<usize>) -> bool {
        let mut state = self.state();
        if let Some(logged) = whole {
            state.log[logged]["whole"] = true.into();
        }
        state.sent += 1;
        let Some(kill) = state.scenario.kill.as_ref().filter(|kill| kill.after == state.sent) else {
            return false;
        };
        let Ok(pid) = std::fs::read_to_string(&kill.pid) else { return false };
        let killed = std::process::Command::new("kill").args(["-9", pid.trim()]).status();
        killed.is_ok_and(|status| status.success())
    }

    /// Checks and logs a request, and chooses its turn.
    fn receive(&self, api: Api, request: &Request, body: &Value) -> Ready {
        let asked = Asked::read(api, body);
        let mut number = asked.replies();
        let conversation = format!("{}\n{}", asked.system(), asked.first_user());
        let mut state = self.state();
        if state.scenario.count.as_deref() == Some("output") {
            number = state.scenario.turn_after(asked.last_output());
        } else if state.scenario.count.as_deref() == Some("requests") {
            let answered = |entry: &&Value| {
                entry["fault"] == "" && entry["tools"] == true && entry["conversation"] == asked.first_user()
            };
            number = state.log.iter().filter(answered).count();
        }
        let mut turn = state.scenario.turn(asked.first_user(), number, asked.has_tools);
        let mut wrong = check::request(api, body, &asked);
        let rewritten = state.histories.add(&conversation, &asked);
        if state.scenario.prefix.as_deref() != Some("any") {
            wrong.extend(rewritten);
        }
        wrong.extend(sign::check(request));
        wrong.extend(check::matching(&turn.matching, &asked, &String::from_utf8_lossy(&request.body)));
        let struck = state.struck.entry((conversation.clone(), number)).or_default();
        let times = turn.times.unwrap_or(1);
        let strikes = times < 0 || *struck < times;
        *struck += 1;
        let fault = turn.fault.take().filter(|_| strikes).unwrap_or_default();
        if fault == "slow" {
            turn.piece_delay_ms = turn.piece_delay_ms.max(50);
        }
        let key = ["authorization", "x-api-key", "api-key"].iter().find_map(|name| request.header(name));
        let logged = state.log.len();
        state.violations.extend(
            wrong.iter().map(|wrong| format!("request {logged} ({}, turn {number}): {wrong}", api.name())),
        );
        state.log.push(json!({
            "api": api.name(), "path": request.path, "turn": number, "conversation": asked.first_user(),
            "tools": asked.has_tools, "fault": fault, "key": key, "violations": wrong, "body": body,
        }));
        Ready { number, turn, fault, asked, logged }
    }
}

//! A model that is a process of its own and speaks the provider's wire protocol from a scenario.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything is waited for. Only a fault reaches it.
const LIMIT: Duration = Duration::from_secs(120);

/// A turn of a scenario: one call of a tool.
pub fn call(name: &str, arguments: Value) -> Value {
    json!({ "calls": [{ "name": name, "arguments": arguments }] })
}

/// The turn that ends a task: it is done.
pub fn finish() -> Value {
    call("finish", json!({ "outcome": "done", "text": "ready" }))
}

/// The running process. Killed when dropped.
pub struct Model {
    child: Child,
    address: String,
}

impl Model {
    /// Starts one that answers from this scenario.
    pub fn start(scenario: &Value) -> Model {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), scenario.to_string()).expect("a written scenario");
        Model::from_file(file.path())
    }

    /// Starts one that answers from a scenario in a file.
    pub fn from_file(scenario: &Path) -> Model {
        let mut child = Command::new(crate::fake_model())
            .arg("--scenario")
            .arg(scenario)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the fake model starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("its first line");
        let address = line.trim().strip_prefix("listening ").expect("its address").to_owned();
        Model { child, address }
    }

    /// The base URL for the OpenAI kinds.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The base URL for a model, `kind/name`.
    pub fn url_for(&self, model: &str) -> String {
        let version = match model.split('/').next() {
            Some("anthropic" | "bedrock") => "",
            Some("gemini") => "/v1beta",
            _ => "/v1",
        };
        format!("http://{}{version}", self.address)
    }

    /// Its record: every request, and what a strict provider would have refused.
    pub fn log(&self) -> Value {
        let mut stream = TcpStream::connect(&self.address).expect("the fake model is there");
        let request = format!("GET /__log HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).expect("a sent request");
        let mut answer = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line).expect("a header");
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("a length");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body).expect("the body");
        serde_json::from_slice(&body).expect("a record in JSON")
    }

    /// Waits until so many requests have arrived.
    pub fn until_asked(&self, count: usize) {
        let until = Instant::now() + LIMIT;
        while self.log()["requests"].as_array().is_none_or(|requests| requests.len() < count) {
            assert!(Instant::now() < until, "the model was not asked {count} times");
        }
    }

    /// Waits for a request that is wanted.
    pub fn until_request(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + LIMIT;
        loop {
            let log = self.log();
            let requests = log["requests"].as_array().cloned().unwrap_or_default();
            if let Some(request) = requests.into_iter().find(&wanted) {
                return request;
            }
            assert!(Instant::now() < until, "no such request: {log:#}");
        }
    }

    /// Fails if a request broke a rule.
    pub fn assert_clean(&self) {
        let log = self.log();
        assert_eq!(log["violations"], Value::Array(Vec::new()), "{:#}", log["violations"]);
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

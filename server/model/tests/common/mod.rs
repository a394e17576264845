//! The fake model process, and requests to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use galley_model::{
    AwsCredentials, Client, Endpoint, Item, Kind, Reply, Request, Secret, Timeouts, ToolSpec,
};
use serde_json::Value;

/// The kinds that the fake model speaks.
pub const KINDS: [Kind; 5] =
    [Kind::OpenAiChat, Kind::OpenAiResponses, Kind::Anthropic, Kind::Gemini, Kind::Bedrock];

/// A running fake model; dropped, it ends.
pub struct FakeModel {
    process: Child,
    address: String,
}

impl FakeModel {
    /// Starts it with a scenario.
    pub fn start(scenario: &Value) -> FakeModel {
        let mut process = Command::new(binary()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening ").unwrap().to_owned();
        let fake = FakeModel { process, address };
        assert_eq!(fake.http("POST", "/__scenario", &scenario.to_string()), serde_json::json!({}));
        fake
    }

    /// An endpoint at it with short limits of time.
    pub fn endpoint(&self, kind: Kind) -> Endpoint {
        let mut endpoint = Endpoint::new(kind, "fake");
        endpoint.base_url = format!("http://{}", self.address);
        if kind == Kind::Bedrock {
            endpoint.aws = Some(AwsCredentials {
                access_key: "fake".into(),
                secret_key: Secret::new("fake-secret"),
                session_token: None,
                region: "eu-central-1".into(),
            });
        } else {
            endpoint.key = Some(Secret::new("sk-test-123456"));
        }
        let (short, long) = (Duration::from_millis(400), Duration::from_secs(10));
        endpoint.timeouts = Timeouts { connect: long, first_byte: short, idle: short, total_retry: long };
        endpoint
    }

    /// A client of [`FakeModel::endpoint`].
    pub fn client(&self, kind: Kind) -> Client {
        Client::new(self.endpoint(kind)).unwrap()
    }

    /// The log of requests.
    pub fn log(&self) -> Value {
        self.http("GET", "/__log", "")
    }

    /// No request broke a rule.
    #[track_caller]
    pub fn assert_no_violations(&self) {
        assert_eq!(self.log()["violations"], serde_json::json!([]));
    }

    fn http(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}")
            .unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).unwrap();
        serde_json::from_slice(&answer).unwrap()
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program beside the tests, built if it is not there.
fn binary() -> PathBuf {
    let mut target = std::env::current_exe().unwrap();
    target.pop();
    target.pop();
    static BUILT: std::sync::Once = std::sync::Once::new();
    BUILT.call_once(|| {
        let target_dir = target.parent().unwrap();
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "galley-fake-model", "--target-dir"])
            .arg(target_dir)
            .status();
        assert!(built.unwrap().success());
    });
    target.join("fake-model")
}

/// Two ordinary tools and one that takes free text.
pub fn tools() -> Vec<ToolSpec> {
    let tool = |name: &str, free_text| ToolSpec {
        name: name.into(),
        description: format!("The tool {name}."),
        schema: serde_json::json!({ "type": "object", "properties": { "path": { "type": "string" } } }),
        free_text,
    };
    vec![tool("search", false), tool("read", false), tool("apply_patch", true)]
}

/// A first request.
pub fn request(words: &str) -> Request {
    Request {
        instructions: "Be brief.".into(),
        tools: tools(),
        items: vec![Item::User(words.into())],
        ..Request::default()
    }
}

/// Appends a reply and results for its calls.
pub fn answer(request: &mut Request, reply: Reply) {
    let results: Vec<Item> = reply
        .calls
        .iter()
        .map(|call| Item::ToolResult {
            call_id: call.call_id.clone(),
            name: call.name.clone(),
            free_text: call.free_text,
            output: format!("output of {} ß", call.name),
            is_error: false,
        })
        .collect();
    request.items.push(Item::Reply(reply));
    request.items.extend(results);
}

//! An editor in small: speaks LSP to the real binary, keeps its own documents, applies the edits that the server sends, and
//! tells of them, as an editor does.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::model::Model;
use crate::place::Place;

/// How long anything is waited for. Only a fault reaches it.
const LIMIT: Duration = Duration::from_secs(180);

/// What this editor does with an edit of the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEdit {
    /// Applies it, tells of the change, and says so: VS Code, Helix.
    Apply,
    /// Refuses it.
    Refuse,
    /// Does nothing and says that it did: Neovim with a stale version, or after the person's No.
    Lie,
    /// Applies it whatever the version, as it stands, to the text as it is: VS Code, when a key comes between its look at
    /// the version and its edit.
    Careless,
    /// Applies the first file of several and fails at the next.
    Half,
}

/// The editor.
pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    waiting: VecDeque<Value>,
    next_id: i64,
    /// Open documents: text and version.
    pub documents: BTreeMap<String, (String, i32)>,
    /// What to do with edits.
    pub on_edit: OnEdit,
    /// Answers to `galley/approval/request` and to messages with buttons: an option's id or label; none: dismissed.
    pub answer: Option<String>,
    /// What the editor's other language servers say, as `galley/editor/diagnostics` answers.
    pub other_servers: Value,
    /// Whether the person leaves questions unanswered.
    pub hold_approvals: bool,
    /// Edits that the server sent.
    pub edits: Vec<Value>,
    /// What the person types in the moment in which the next edit comes: document, text, what takes its place.
    pub keystroke: Option<(String, String, String)>,
}

/// Capabilities of an editor with everything.
pub fn full() -> Value {
    json!({
        "workspace": {
            "applyEdit": true,
            "workspaceEdit": { "documentChanges": true, "resourceOperations": ["create", "rename", "delete"], "changeAnnotationSupport": {} },
            "workspaceFolders": true,
        },
        "textDocument": {
            "codeAction": { "codeActionLiteralSupport": { "codeActionKind": { "valueSet": [""] } }, "disabledSupport": true },
        },
        "window": { "workDoneProgress": true, "showDocument": { "support": true } },
        "general": { "positionEncodings": ["utf-16"] },
        "experimental": { "galley": { "version": 1, "review": true } },
    })
}

impl Client {
    /// Starts the server in a place, with a model at a base URL, and initialises it.
    pub fn start(place: &Place, model_url: Option<&str>, capabilities: Value) -> Client {
        Client::spawn(place, model_url).initialized(place, capabilities)
    }

    /// Starts the server with a model `kind/name` at the fake model's address for it, and initialises it.
    pub fn start_with(place: &Place, name: &str, model: &Model, capabilities: Value) -> Client {
        let command = place.command(&["lsp"]);
        Client::spawn_by(command, Some((name, &model.url_for(name)))).initialized(place, capabilities)
    }

    /// As [`Client::start`], with more variables in the server's environment.
    pub fn start_in(
        place: &Place,
        model_url: Option<&str>,
        capabilities: Value,
        variables: &[(&str, &Path)],
    ) -> Client {
        let mut command = place.command(&["lsp"]);
        command.envs(variables.iter().copied());
        Client::start_by(place, command, model_url, capabilities)
    }

    /// As [`Client::start`], with a command that leads to `galley lsp`.
    pub fn start_by(place: &Place, command: Command, model_url: Option<&str>, capabilities: Value) -> Client {
        let model = model_url.map(|url| ("openai-chat/fake", url));
        Client::spawn_by(command, model).initialized(place, capabilities)
    }

    fn initialized(mut self, place: &Place, capabilities: Value) -> Client {
        let params = json!({
            "processId": std::process::id(),
            "rootUri": format!("file://{}", place.root().display()),
            "workspaceFolders": [{ "uri": format!("file://{}", place.root().display()), "name": "project" }],
            "capabilities": capabilities,
        });
        let answer = self.request("initialize", params);
        assert!(answer["result"]["capabilities"].is_object(), "{answer:#}");
        self.notify("initialized", json!({}));
        self
    }

    /// Starts the server and says nothing yet.
    pub fn spawn(place: &Place, model_url: Option<&str>) -> Client {
        Client::spawn_by(place.command(&["lsp"]), model_url.map(|url| ("openai-chat/fake", url)))
    }

    fn spawn_by(mut command: Command, model: Option<(&str, &str)>) -> Client {
        if let Some((name, url)) = model {
            command.env("GALLEY_MODEL", name).env("GALLEY_BASE_URL", url);
            for variable in ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"] {
                command.env(variable, "sk-test");
            }
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("galley lsp starts");
        let input = Some(child.stdin.take().expect("its input"));
        let output = child.stdout.take().expect("its output");
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read_message(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Client {
            child,
            input,
            messages,
            waiting: VecDeque::new(),
            next_id: 1,
            documents: BTreeMap::new(),
            on_edit: OnEdit::Apply,
            answer: None,
            other_servers: json!({ "documents": [] }),
            hold_approvals: false,
            edits: Vec::new(),
            keystroke: None,
        }
    }

    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("an open pipe");
        input.write_all(bytes).and_then(|()| input.flush()).expect("the server reads");
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        let frame = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let input = self.input.as_mut().expect("an open pipe");
        // A server that is dead reads nothing any more; whoever waits for its answer is told.
        let _ = input.write_all(frame.as_bytes()).and_then(|()| input.flush());
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request and returns its number at once.
    pub fn begin(&mut self, method: &str, params: Value) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// Sends a request and waits for its whole answer, error or result.
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        self.answer_to(id)
    }

    /// Sends a request that has to succeed.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.request(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer:#}");
        answer["result"].take()
    }

    /// Answers a question that was held back.
    pub fn respond(&mut self, question: &Value, result: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": result }));
    }

    /// Waits for the answer to a request.
    pub fn answer_to(&mut self, id: i64) -> Value {
        self.wait(&format!("the answer to request {id}"), |message| {
            message.get("method").is_none() && message["id"] == json!(id)
        })
    }

    /// Waits for a notification whose parameters are as wanted.
    pub fn notified(&mut self, method: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut message =
            self.wait(method, |message| message["method"] == method && wanted(&message["params"]));
        message["params"].take()
    }

    /// Waits for any message that is wanted; none when the server ended before.
    pub fn wait_or_end(&mut self, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        if let Some(at) = self.waiting.iter().position(&wanted) {
            return self.waiting.remove(at);
        }
        loop {
            let message = match self.messages.recv_timeout(LIMIT) {
                Ok(message) => message,
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("nothing came; there is {:#?}", self.tail()),
            };
            self.react(&message);
            if wanted(&message) {
                return Some(message);
            }
            self.waiting.push_back(message);
        }
    }

    /// Answers a request of the server's as this editor does.
    fn react(&mut self, message: &Value) {
        let held = self.hold_approvals && message["method"] == "galley/approval/request";
        if let (Some(id), Some(method), false) = (message.get("id"), message["method"].as_str(), held) {
            let answer = self.serve(method, &message["params"]);
            let answer = json!({ "jsonrpc": "2.0", "id": id, "result": answer });
            self.send(&answer);
        }
    }

    /// Waits for any message that is wanted.
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.waiting.iter().position(&wanted) {
            return self.waiting.remove(at).expect("it is there");
        }
        let end = Instant::now() + LIMIT;
        loop {
            let message = match self.messages.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => panic!("{what} did not come; there is {:#?}", self.tail()),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the server ended before {what}; there is {:#?}", self.tail())
                }
            };
            self.react(&message);
            if wanted(&message) {
                return message;
            }
            self.waiting.push_back(message);
        }
    }

    /// Answers that came and that nobody waited for.
    pub fn stray(&self) -> Vec<&Value> {
        self.waiting.iter().filter(|message| message.get("method").is_none()).collect()
    }

    fn tail(&self) -> Vec<&Value> {
        self.waiting.iter().rev().take(12).collect()
    }

    /// What the editor answers to a request of the server's.
    fn serve(&mut self, method: &str, params: &Value) -> Value {
        match method {
            "workspace/applyEdit" => self.apply(params),
            "galley/approval/request" => json!({ "option": self.answer }),
            "window/showMessageRequest" => match &self.answer {
                Some(title) => json!({ "title": title }),
                None => Value::Null,
            },
            "galley/editor/diagnostics" => self.other_servers.clone(),
            "workspace/configuration" => json!([null]),
            "window/showDocument" => json!({ "success": true }),
            _ => Value::Null,
        }
    }

    fn apply(&mut self, params: &Value) -> Value {
        self.edits.push(params.clone());
        if let Some((uri, old, new)) = self.keystroke.take() {
            self.replace(&uri, &old, &new);
        }
        match self.on_edit {
            OnEdit::Lie => return json!({ "applied": true }),
            OnEdit::Refuse => return json!({ "applied": false, "failureReason": "not now" }),
            OnEdit::Apply | OnEdit::Careless | OnEdit::Half => {}
        }
        let mut changes: Vec<(String, Value)> = Vec::new();
        for operation in params["edit"]["documentChanges"].as_array().into_iter().flatten() {
            match operation["kind"].as_str() {
                Some("create") => self.open_empty(text(&operation["uri"])),
                Some("delete") => self.delete(text(&operation["uri"])),
                Some("rename") => self.rename(text(&operation["oldUri"]), text(&operation["newUri"])),
                _ => {
                    let uri = text(&operation["textDocument"]["uri"]);
                    let version = operation["textDocument"]["version"].as_i64();
                    let now = self.documents.get(uri).map(|(_, version)| i64::from(*version));
                    let careless = self.on_edit == OnEdit::Careless;
                    if version.is_some() && now.is_some() && version != now && !careless {
                        return json!({ "applied": false, "failureReason": "the document changed meanwhile" });
                    }
                    changes.push((uri.to_owned(), operation["edits"].clone()));
                }
            }
        }
        for (uri, edits) in params["edit"]["changes"].as_object().into_iter().flatten() {
            changes.push((uri.clone(), edits.clone()));
        }
        let half = self.on_edit == OnEdit::Half && changes.len() > 1;
        for (uri, edits) in changes.into_iter().take(if half { 1 } else { usize::MAX }) {
            self.apply_edits(&uri, &edits);
        }
        if half {
            return json!({ "applied": false, "failedChange": 1, "failureReason": "the second file is locked" });
        }
        json!({ "applied": true })
    }

    fn apply_edits(&mut self, uri: &str, edits: &Value) {
        if !self.documents.contains_key(uri) {
            self.open(uri);
        }
        let mut edits: Vec<Value> = edits.as_array().cloned().unwrap_or_default();
        // From the last to the first, so that each range speaks of the text as it was.
        edits.sort_by_key(|edit| {
            std::cmp::Reverse((
                edit["range"]["start"]["line"].as_u64(),
                edit["range"]["start"]["character"].as_u64(),
            ))
        });
        let changes: Vec<Value> =
            edits.iter().map(|edit| json!({ "range": edit["range"], "text": edit["newText"] })).collect();
        self.change(uri, &changes);
    }

    /// Opens a file of the disk.
    pub fn open(&mut self, uri: &str) {
        let path = uri.strip_prefix("file://").expect("a file");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        self.open_with(uri, &text);
    }

    /// Opens a document with this text.
    pub fn open_with(&mut self, uri: &str, text: &str) {
        self.documents.insert(uri.to_owned(), (text.to_owned(), 1));
        let document = json!({ "uri": uri, "languageId": "rust", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// Makes a file, as editors do: on disk and open.
    fn open_empty(&mut self, uri: &str) {
        let path = std::path::Path::new(uri.strip_prefix("file://").expect("a file"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, "").expect("a new file");
        self.open_with(uri, "");
    }

    fn delete(&mut self, uri: &str) {
        if self.documents.remove(uri).is_some() {
            self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
        }
        let _ = std::fs::remove_file(uri.strip_prefix("file://").expect("a file"));
        self.notify("workspace/didDeleteFiles", json!({ "files": [{ "uri": uri }] }));
    }

    fn rename(&mut self, from: &str, to: &str) {
        let path = |uri: &str| uri.strip_prefix("file://").expect("a file").to_owned();
        let _ = std::fs::rename(path(from), path(to));
        if let Some((text, _)) = self.documents.remove(from) {
            self.notify("textDocument/didClose", json!({ "textDocument": { "uri": from } }));
            self.open_with(to, &text);
        }
        self.notify("workspace/didRenameFiles", json!({ "files": [{ "oldUri": from, "newUri": to }] }));
    }

    /// Changes a document as a person does, by ranges in UTF-16, and tells of it.
    pub fn change(&mut self, uri: &str, changes: &[Value]) {
        let (mut text, version) = self.documents.get(uri).cloned().expect("an open document");
        for change in changes {
            text = changed(&text, change);
        }
        self.documents.insert(uri.to_owned(), (text, version + 1));
        let params =
            json!({ "textDocument": { "uri": uri, "version": version + 1 }, "contentChanges": changes });
        self.notify("textDocument/didChange", params);
    }

    /// Replaces the first occurrence of a text, as a person does.
    pub fn replace(&mut self, uri: &str, old: &str, new: &str) {
        let text = self.text(uri);
        let at = text.find(old).unwrap_or_else(|| panic!("`{old}` is not in {uri}:\n{text}"));
        let range = json!({ "start": position(&text, at), "end": position(&text, at + old.len()) });
        self.change(uri, &[json!({ "range": range, "text": new })]);
    }

    /// The text of an open document, as the editor has it.
    pub fn text(&self, uri: &str) -> String {
        self.documents.get(uri).map(|(text, _)| text.clone()).unwrap_or_else(|| panic!("{uri} is not open"))
    }

    /// Saves an open document.
    pub fn save(&mut self, uri: &str) {
        std::fs::write(uri.strip_prefix("file://").expect("a file"), self.text(uri)).expect("a written file");
        self.notify("textDocument/didSave", json!({ "textDocument": { "uri": uri } }));
    }

    /// Saves a document if it is open: the server may have written the file itself.
    pub fn save_if_open(&mut self, uri: &str) {
        if self.documents.contains_key(uri) {
            self.save(uri);
        }
    }

    /// Starts a task and returns its id.
    pub fn task(&mut self, params: Value) -> String {
        let answer = self.ask("galley/task/start", params);
        text(&answer["task"]).to_owned()
    }

    /// Waits until a task is in one of these states.
    pub fn until(&mut self, task: &str, states: &[&str]) -> Value {
        self.notified("galley/task/didUpdate", |params| {
            params["task"] == task && states.iter().any(|state| params["state"] == *state)
        })
    }

    /// Waits for a file that somebody makes.
    pub fn until_file(&mut self, path: &std::path::Path) {
        let end = Instant::now() + LIMIT;
        while !path.exists() {
            assert!(Instant::now() < end, "{} was never made", path.display());
            std::thread::yield_now();
        }
    }

    /// Waits for a proposal with something to decide.
    pub fn proposal(&mut self) -> Value {
        self.notified("galley/proposal/didChange", |params| params["open"] == true)
    }

    /// Says goodbye as a good client does, and returns how the server ended.
    pub fn shutdown(mut self) -> ExitStatus {
        self.ask("shutdown", Value::Null);
        self.notify("exit", Value::Null);
        self.child.wait().expect("an exit status")
    }

    /// Closes the pipe without a word, and returns how the server ended.
    pub fn vanish(mut self) -> ExitStatus {
        self.input = None;
        self.child.wait().expect("an exit status")
    }

    /// The server's process.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Every hunk of a proposal, in order.
pub fn hunks(proposal: &Value) -> Vec<Value> {
    let files = proposal["files"].as_array().cloned().unwrap_or_default();
    files.iter().flat_map(|file| file["hunks"].as_array().cloned().unwrap_or_default()).collect()
}

/// A text after one content change with UTF-16 positions: the naive reference.
pub fn changed(text: &str, change: &Value) -> String {
    let new = change["text"].as_str().unwrap_or_default();
    let Some(range) = change.get("range").filter(|range| !range.is_null()) else { return new.to_owned() };
    let (start, end) = (offset(text, &range["start"]), offset(text, &range["end"]));
    format!("{}{new}{}", &text[..start], &text[end..])
}

/// Byte offset of a UTF-16 position; lines end at `\n`, `\r\n` or `\r`.
pub fn offset(text: &str, position: &Value) -> usize {
    let (mut line, wanted) = (0, position["line"].as_u64().unwrap_or(0));
    let mut start = 0;
    while line < wanted {
        match end_of_line(text, start) {
            Some((_, next)) => start = next,
            None => return text.len(),
        }
        line += 1;
    }
    let end = end_of_line(text, start).map_or(text.len(), |(end, _)| end);
    let mut units = position["character"].as_u64().unwrap_or(0);
    for (at, c) in text[start..end].char_indices() {
        if units < c.len_utf16() as u64 {
            return start + at;
        }
        units -= c.len_utf16() as u64;
    }
    end
}

/// Where the line that begins here ends, and where the next begins.
fn end_of_line(text: &str, start: usize) -> Option<(usize, usize)> {
    let at = start + text[start..].find(['\n', '\r'])?;
    let width = if text[at..].starts_with("\r\n") { 2 } else { 1 };
    Some((at, at + width))
}

/// The UTF-16 position of a byte offset.
pub fn position(text: &str, at: usize) -> Value {
    let (mut line, mut start) = (0, 0);
    while let Some((_, next)) = end_of_line(text, start).filter(|(_, next)| *next <= at) {
        line += 1;
        start = next;
    }
    let character: usize = text[start..at].chars().map(char::len_utf16).sum();
    json!({ "line": line, "character": character })
}

fn read_message(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

impl Drop for Client {
    fn drop(&mut self) {
        // A test that fails leaves no server behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

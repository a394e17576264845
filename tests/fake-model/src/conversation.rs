//! A request as a conversation, whichever API it came by.

use serde_json::Value;

/// The API of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// OpenAI Chat Completions.
    Chat,
    /// OpenAI Responses.
    Responses,
    /// Anthropic Messages.
    Messages,
    /// Google Gemini.
    Gemini,
    /// Amazon Bedrock's Converse.
    Converse,
}

impl Api {
    /// The API behind a path.
    pub fn of(path: &str) -> Option<Api> {
        let path = path.split('?').next().unwrap_or_default();
        let ends = [
            ("/chat/completions", Api::Chat),
            ("/responses", Api::Responses),
            ("/messages", Api::Messages),
            (":streamGenerateContent", Api::Gemini),
            ("/converse-stream", Api::Converse),
        ];
        ends.into_iter().find_map(|(end, api)| path.ends_with(end).then_some(api))
    }

    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Api::Chat => "chat",
            Api::Responses => "responses",
            Api::Messages => "messages",
            Api::Gemini => "gemini",
            Api::Converse => "converse",
        }
    }
}

/// One entry of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The system text.
    System(String),
    /// The person's words.
    User(String),
    /// Words of the model, or its reasoning.
    Model,
    /// A call: id, free text or not, arguments (JSON text; none for free text).
    Call(String, bool, Option<String>),
    /// A call's output: id, free text or not, output.
    Output(String, bool, String),
}

/// What a request says.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its history.
    pub entries: Vec<Entry>,
    /// The history as texts, one a message or item, without cache marks: what may only grow.
    pub texts: Vec<String>,
    /// The tools as one text, without cache marks.
    pub tools: String,
    /// The tools that take free text.
    pub free_text_tools: Vec<String>,
    /// The tools' names in their order.
    pub tool_names: Vec<String>,
    /// Tools are offered.
    pub has_tools: bool,
}

impl Asked {
    /// Reads a request's body.
    pub fn read(api: Api, body: &Value) -> Asked {
        let tools = match api {
            Api::Gemini => &body["tools"][0]["functionDeclarations"],
            Api::Converse => &body["toolConfig"]["tools"],
            _ => &body["tools"],
        };
        let tools = tools.as_array().cloned().unwrap_or_default();
        let tools: Vec<Value> = tools.into_iter().filter(|tool| tool.get("cachePoint").is_none()).collect();
        let custom = tools.iter().filter(|tool| tool["type"] == "custom");
        let name =
            |tool: &Value| tool["name"].as_str().or(tool["custom"]["name"].as_str()).map(str::to_owned);
        let messages = match api {
            Api::Responses => &body["input"],
            Api::Gemini => &body["contents"],
            Api::Chat | Api::Messages | Api::Converse => &body["messages"],
        };
        let messages = messages.as_array().cloned().unwrap_or_default();
        let system = match api {
            Api::Chat => String::new(),
            Api::Responses => text_of(&body["instructions"]),
            Api::Messages | Api::Converse => text_of(&body["system"]),
            Api::Gemini => text_of(&body["systemInstruction"]["parts"]),
        };
        let mut entries = Vec::new();
        if !system.is_empty() {
            entries.push(Entry::System(system.clone()));
        }
        let mut texts = vec![system];
        for message in &messages {
            texts.push(unmarked(message).to_string());
            match api {
                Api::Chat => chat(message, &mut entries),
                Api::Responses => responses(message, &mut entries),
                Api::Messages => anthropic(message, &mut entries),
                Api::Gemini => gemini(message, &mut entries),
                Api::Converse => converse(message, &mut entries),
            }
        }
        Asked {
            entries,
            texts,
            free_text_tools: custom.filter_map(name).collect(),
            tool_names: tools.iter().map(tool_name).collect(),
            has_tools: !tools.is_empty(),
            tools: unmarked(&Value::Array(tools)).to_string(),
        }
    }

    /// How many replies the history holds: runs of what the model said.
    pub fn replies(&self) -> usize {
        let own = |entry: &Entry| matches!(entry, Entry::Model | Entry::Call(..));
        let begins = |pair: &[Entry]| !own(&pair[0]) && own(&pair[1]);
        self.entries.windows(2).filter(|pair| begins(pair)).count()
            + usize::from(self.entries.first().is_some_and(own))
    }

    /// The first words of the person's.
    pub fn first_user(&self) -> &str {
        self.entries.iter().find_map(Entry::user).unwrap_or_default()
    }

    /// The last words of the person's.
    pub fn last_user(&self) -> &str {
        self.entries.iter().rev().find_map(Entry::user).unwrap_or_default()
    }

    /// The last output of a tool.
    pub fn last_output(&self) -> &str {
        self.entries.iter().rev().find_map(Entry::output).unwrap_or_default()
    }

    /// The system text.
    pub fn system(&self) -> &str {
        self.entries.iter().find_map(Entry::system).unwrap_or_default()
    }
}

impl Entry {
    fn output(&self) -> Option<&str> {
        match self {
            Entry::Output(_, _, text) => Some(text),
            _ => None,
        }
    }

    fn system(&self) -> Option<&str> {
        match self {
            Entry::System(text) => Some(text),
            _ => None,
        }
    }

    fn user(&self) -> Option<&str> {
        match self {
            Entry::User(text) => Some(text),
            _ => None,
        }
    }
}

fn chat(message: &Value, entries: &mut Vec<Entry>) {
    let text = text_of(&message["content"]);
    match message["role"].as_str().unwrap_or_default() {
        "system" | "developer" => entries.push(Entry::System(text)),
        "user" => entries.push(Entry::User(text)),
        "tool" => entries.push(Entry::Output(string(&message["tool_call_id"]), false, text)),
        _ => {
            entries.push(Entry::Model);
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                let arguments = string(&call["function"]["arguments"]);
                entries.push(Entry::Call(string(&call["id"]), false, Some(arguments)));
            }
        }
    }
}

fn responses(item: &Value, entries: &mut Vec<Entry>) {
    let id = string(&item["call_id"]);
    match item["type"].as_str().unwrap_or("message") {
        "function_call" => entries.push(Entry::Call(id, false, Some(string(&item["arguments"])))),
        "custom_tool_call" => entries.push(Entry::Call(id, true, None)),
        "function_call_output" => entries.push(Entry::Output(id, false, text_of(&item["output"]))),
        "custom_tool_call_output" => entries.push(Entry::Output(id, true, text_of(&item["output"]))),
        "message" if item["role"] == "user" => entries.push(Entry::User(text_of(&item["content"]))),
        "message" if item["role"] != "assistant" => entries.push(Entry::System(text_of(&item["content"]))),
        _ => entries.push(Entry::Model),
    }
}

fn anthropic(message: &Value, entries: &mut Vec<Entry>) {
    let own = message["role"] == "assistant";
    let content = &message["content"];
    if content.is_string() {
        entries.push(if own { Entry::Model } else { Entry::User(text_of(content)) });
    }
    for block in content.as_array().into_iter().flatten() {
        entries.push(match block["type"].as_str().unwrap_or_default() {
            "tool_use" => Entry::Call(string(&block["id"]), false, Some(block["input"].to_string())),
            "tool_result" => Entry::Output(string(&block["tool_use_id"]), false, text_of(&block["content"])),
            _ if own => Entry::Model,
            _ => Entry::User(string(&block["text"])),
        });
    }
}

/// Ids are optional: a call without one is known by its place.
fn gemini(content: &Value, entries: &mut Vec<Entry>) {
    let own = content["role"] == "model";
    for part in content["parts"].as_array().into_iter().flatten() {
        let (call, response) = (&part["functionCall"], &part["functionResponse"]);
        let place = |entries: &[Entry], calls| {
            let same = |entry: &&Entry| {
                matches!(entry, Entry::Call(..)) == calls
                    && !matches!(entry, Entry::System(_) | Entry::User(_) | Entry::Model)
            };
            format!("place {}", entries.iter().filter(same).count())
        };
        let id = |value: &Value, place: String| value["id"].as_str().map_or(place, str::to_owned);
        let entry = if call.is_object() {
            Entry::Call(id(call, place(entries, true)), false, Some(call["args"].to_string()))
        } else if response.is_object() {
            let output = &response["response"];
            let text = output["output"].as_str().or(output["error"].as_str()).unwrap_or_default();
            Entry::Output(id(response, place(entries, false)), false, text.to_owned())
        } else if own {
            Entry::Model
        } else {
            Entry::User(string(&part["text"]))
        };
        entries.push(entry);
    }
}

fn converse(message: &Value, entries: &mut Vec<Entry>) {
    let own = message["role"] == "assistant";
    for block in message["content"].as_array().into_iter().flatten() {
        let (call, result) = (&block["toolUse"], &block["toolResult"]);
        if call.is_object() {
            entries.push(Entry::Call(string(&call["toolUseId"]), false, Some(call["input"].to_string())));
        } else if result.is_object() {
            let id = string(&result["toolUseId"]);
            entries.push(Entry::Output(id, false, text_of(&result["content"])));
        } else if block.get("cachePoint").is_none() {
            entries.push(if own { Entry::Model } else { Entry::User(string(&block["text"])) });
        }
    }
}

fn tool_name(tool: &Value) -> String {
    let places = [&tool["name"], &tool["function"]["name"], &tool["toolSpec"]["name"]];
    places.iter().find_map(|name| name.as_str()).unwrap_or_default().to_owned()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// The value without cache marks, which move by the provider's own rule.
fn unmarked(value: &Value) -> Value {
    match value {
        Value::Array(values) => {
            values.iter().filter(|value| value.get("cachePoint").is_none()).map(unmarked).collect()
        }
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != "cache_control");
            kept.map(|(name, value)| (name.clone(), unmarked(value))).collect()
        }
        other => other.clone(),
    }
}

//! `finish`: ends the task, as done or as honestly blocked.

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Finish, Outcome, Tool, object, typed};

pub(super) static TOOL: Tool = Tool {
    name: "finish",
    description: "Run all checks and end.",
    schema,
    announce: |_| "finish".to_owned(),
    run,
};

#[derive(Deserialize)]
struct Arguments {
    outcome: String,
    text: String,
}

fn schema() -> Value {
    object(
        json!({
            "outcome": { "type": "string", "enum": ["done", "blocked"] },
            "text": { "type": "string" },
        }),
        &["outcome", "text"],
    )
}

fn run(_: &mut Context, arguments: Value) -> BoxFuture<'_, Answer> {
    Box::pin(async move {
        let arguments: Arguments = match typed(&TOOL, arguments) {
            Ok(arguments) => arguments,
            Err(why) => return Answer::error(why),
        };
        let outcome = match arguments.outcome.as_str() {
            "done" => Outcome::Done,
            "blocked" => Outcome::Blocked,
            other => return Answer::error(format!("outcome is `done` or `blocked`, not `{other}`")),
        };
        let finish = Finish { outcome, text: arguments.text };
        Answer { finish: Some(finish), ..Answer::ok("Accepted.", "finish") }
    })
}

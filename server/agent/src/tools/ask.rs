//! `ask`: one question to the person, with a few answers to choose from.

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Tool, object, shown, typed};

pub(super) static TOOL: Tool = Tool {
    name: "ask",
    description: "Ask the person, only where neither request nor repository settles a choice that changes the result.",
    schema,
    announce: |arguments| format!("ask: {}", shown(arguments, "question")),
    run,
};

#[derive(Deserialize)]
struct Arguments {
    question: String,
    options: Vec<String>,
}

fn schema() -> Value {
    object(
        json!({
            "question": { "type": "string" },
            "options": { "type": "array", "items": { "type": "string" }, "description": "2 or 3, the assumed one first" },
        }),
        &["question", "options"],
    )
}

fn run(context: &mut Context, arguments: Value) -> BoxFuture<'_, Answer> {
    Box::pin(async move {
        let arguments: Arguments = match typed(&TOOL, arguments) {
            Ok(arguments) => arguments,
            Err(why) => return Answer::error(why),
        };
        let options: Vec<(&str, &str)> =
            arguments.options.iter().take(5).map(|option| (option.as_str(), option.as_str())).collect();
        if options.len() < 2 {
            return Answer::error("give at least two options to choose from");
        }
        match context.ask(&arguments.question, "", &options).await {
            Some(option) => Answer::ok(format!("The person chose: {option}"), format!("answered: {option}")),
            None => Answer::ok(
                format!(
                    "The person did not answer. Go on with your assumption ({}) and say so in the summary.",
                    options[0].0
                ),
                "not answered; goes on with the assumption",
            ),
        }
    })
}

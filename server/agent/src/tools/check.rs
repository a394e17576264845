//! `check`: runs the project's checks in the shadow and answers with what they prove.

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Tool, object, typed};
use crate::checks::{Check, Kind};
use crate::verify::CheckStatus;

pub(super) static TOOL: Tool = Tool {
    name: "check",
    description: "Run the project's checks. quick: compile and lint; all: tests too.",
    schema,
    announce: |arguments| format!("check {}", arguments["what"].as_str().unwrap_or("all")),
    run,
};

#[derive(Deserialize)]
struct Arguments {
    what: Option<String>,
    only: Option<String>,
}

fn schema() -> Value {
    object(
        json!({
            "what": { "type": "string", "enum": ["quick", "all"] },
            "only": { "type": "string", "description": "part of test names" },
        }),
        &["what"],
    )
}

fn run(context: &mut Context, arguments: Value) -> BoxFuture<'_, Answer> {
    Box::pin(async move {
        let arguments: Arguments = match typed(&TOOL, arguments) {
            Ok(arguments) => arguments,
            Err(why) => return Answer::error(why),
        };
        let quick = arguments.what.as_deref() == Some("quick");
        let only = arguments.only.filter(|only| !only.trim().is_empty());
        let checks = chosen(&context.checks, quick, only.as_deref());
        if checks.is_empty() {
            return Answer::error("no such check was found in the project; use `run` with a command");
        }
        let mut reports = Vec::new();
        let mut lines = Vec::new();
        let mut red = false;
        for check in &checks {
            let evidence = context.verify(check).await;
            reports.push(evidence.for_model());
            lines.push(format!("{}: {}", evidence.check, evidence.summary));
            red |= evidence.status == CheckStatus::Failed;
            if evidence.status == CheckStatus::Failed && check.kind < Kind::Test {
                break;
            }
        }
        let mut answer = Answer::ok(reports.join("\n\n"), lines.join(" · "));
        // Red checks are a result, not an error of the call: a model told "error" repairs the call in place of the code.
        if red {
            answer.output.insert_str(0, "red\n");
        }
        answer
    })
}

fn chosen(checks: &[Check], quick: bool, only: Option<&str>) -> Vec<Check> {
    let wanted = |check: &&Check| match (quick, only) {
        (true, _) => check.kind < Kind::Test,
        (false, Some(_)) => check.kind == Kind::Test,
        (false, None) => true,
    };
    let narrow = |check: &Check| match only {
        Some(only) if check.kind == Kind::Test => check.narrowed(only),
        _ => check.clone(),
    };
    checks.iter().filter(wanted).map(narrow).collect()
}

//! `check`: runs the project's checks in the shadow and answers with what they prove.

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Tool, object, typed};
use crate::affected::{self, Affected};
use crate::checks::{Check, Kind, Only};
use crate::verify::CheckStatus;

pub(super) static TOOL: Tool = Tool {
    name: "check",
    description: "Run the checks; quick: without tests.",
    schema,
    announce: |arguments| format!("check {}", arguments["what"].as_str().unwrap_or("all")),
    run,
};

/// `only`, a part of test names, is not declared: a long red answer tells of it.
#[derive(Deserialize)]
struct Arguments {
    what: Option<String>,
    only: Option<String>,
}

fn schema() -> Value {
    object(json!({ "what": { "type": "string", "enum": ["quick", "affected", "all"] } }), &["what"])
}

fn run(context: &mut Context, arguments: Value) -> BoxFuture<'_, Answer> {
    Box::pin(async move {
        let arguments: Arguments = match typed(&TOOL, arguments) {
            Ok(arguments) => arguments,
            Err(why) => return Answer::error(why),
        };
        let only = arguments.only.filter(|only| !only.trim().is_empty());
        let affected = match arguments.what.as_deref() {
            Some("affected") => affected::tests(&context.index(), &context.overlay),
            _ => Vec::new(),
        };
        let wanted = match (arguments.what.as_deref(), only.as_deref()) {
            (Some("quick"), _) => Wanted::Quick,
            (_, Some(only)) => Wanted::Only(only),
            (Some("affected"), None) => Wanted::Affected(&affected),
            (_, None) => Wanted::All,
        };
        let checks = chosen(&context.checks, &wanted);
        if checks.is_empty() {
            return Answer::error("no such check was found in the project; use `run` with a command");
        }
        let mut reports = Vec::new();
        let mut lines = Vec::new();
        let (mut red, mut as_before) = (false, false);
        for check in &checks {
            let evidence = context.verify(check).await;
            reports.push(evidence.for_model(&mut context.verifier.told));
            lines.push(format!("{}: {}", evidence.check, evidence.summary));
            let failed = evidence.status == CheckStatus::Failed;
            let is_worse = failed && !evidence.is_no_worse();
            // What a compiler or linter found before the change is not in its way.
            red |= is_worse || (failed && check.kind == Kind::Test);
            as_before |= failed && !is_worse;
            if is_worse && check.kind < Kind::Test {
                break;
            }
        }
        if !affected.is_empty() {
            reports.push(format!("affected: {}", affected::told(&affected)));
        }
        let mut answer = Answer::ok(reports.join("\n\n"), lines.join(" · "));
        // Red checks are a result, not an error of the call: a model told "error" repairs the call in place of the code.
        if red {
            answer.output.insert_str(0, "red\n");
            if only.is_none() && answer.output.len() > 2_000 {
                answer.output.push_str("\n(only: NAME runs the tests whose names contain it)");
            }
        } else if as_before {
            answer.output.insert_str(0, "nothing new is red\n");
        }
        answer
    })
}

/// What a call asks for.
enum Wanted<'a> {
    Quick,
    Affected(&'a [Affected]),
    Only(&'a str),
    All,
}

fn chosen(checks: &[Check], wanted: &Wanted<'_>) -> Vec<Check> {
    let pick = |check: &Check| match (wanted, check.kind) {
        (Wanted::Only(only), Kind::Test) => {
            Some(check.narrowed(Only::Containing(only)).unwrap_or_else(|| check.clone()))
        }
        (Wanted::Affected(affected), Kind::Test) => {
            Some(affected::part(check, affected).unwrap_or_else(|| check.clone()))
        }
        (Wanted::Quick, Kind::Test) => None,
        (Wanted::Only(_), _) => None,
        _ => Some(check.clone()),
    };
    checks.iter().filter_map(pick).collect()
}

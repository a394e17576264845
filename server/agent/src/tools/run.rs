//! `run`: any command, in the shadow, as the policy allows.

use std::time::Duration;

use futures::future::BoxFuture;
use galley_exec::{Outcome, Status, clean_output};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::outcome;
use crate::verify::Call;

use super::{Answer, Context, Set, Tool, object, reaching, shown, taking, typed};

pub(super) static TOOL: Tool = Tool {
    name: "run",
    description: "Run a shell command.",
    schema,
    announce: |arguments| format!("run {}", shown(arguments, "command")),
    run,
};

/// Lines kept of a long output, at its head and at its tail, where results and errors stand.
const HEAD: usize = 40;
const TAIL: usize = 120;
/// Bytes that a model is told of one output.
const BYTES: usize = 8_000;

/// Only `command` is declared: one that ran out of time, wrote new files or wanted the network is answered with the
/// others.
#[derive(Deserialize)]
struct Arguments {
    command: String,
    seconds: Option<u64>,
    #[serde(default)]
    take: Vec<String>,
    #[serde(default)]
    network: Vec<String>,
}

fn schema() -> Value {
    object(json!({ "command": { "type": "string" } }), &["command"])
}

fn run(context: &mut Context, arguments: Value) -> BoxFuture<'_, Answer> {
    Box::pin(async move {
        let arguments: Arguments = match typed(&TOOL, arguments) {
            Ok(arguments) => arguments,
            Err(why) => return Answer::error(why),
        };
        let network = match context.may_reach(&arguments.command, &arguments.network).await {
            Ok(network) => network,
            Err(why) => return Answer::error(why),
        };
        if let Err(why) = context.may_run(&arguments.command, &network).await {
            return Answer::error(why);
        }
        let wall = Duration::from_secs(arguments.seconds.unwrap_or(120).clamp(1, 1800));
        let argv = vec!["sh".to_owned(), "-c".to_owned(), arguments.command.clone()];
        let wanted = match arguments.take.iter().map(|path| context.path(path)).collect::<Result<Vec<_>, _>>()
        {
            Ok(wanted) => wanted,
            Err(why) => return Answer::error(why),
        };
        let call = Call { argv, wall, casual: true, wanted: wanted.clone(), network, ..Call::default() };
        let mut sink = context.output_sink();
        let cancel = context.cancel.clone();
        let ran = match context.verifier.call(&context.overlay, call, &mut sink, &cancel).await {
            Ok(ran) => ran,
            Err(error) => return Answer::error(error.to_string()),
        };
        let status = status_line(&ran.outcome.status);
        let is_error = !matches!(ran.outcome.status, Status::Exited(_) | Status::Signalled(_));
        let seconds = ran.outcome.duration.as_secs_f64();
        let text = context.verifier.own_paths(&clean_output(&ran.outcome.output.text()));
        let text = match context
            .checks
            .iter()
            .filter(|check| check.is_kin(&arguments.command))
            .max_by_key(|check| check.kind)
        {
            Some(check) => outcome::quiet(check.reader, &text),
            None => text,
        };
        let id = format!("o{}", context.outputs.len() + 1);
        let (body, cut) = bounded(&text);
        let mut output = format!("{status}, {seconds:.1} s");
        if cut {
            output.push_str(&format!(", {} lines; the rest: read path={id}", text.lines().count()));
            context.outputs.insert(id, text.clone());
        }
        if body.trim().is_empty() {
            output.push_str(", no output");
        } else {
            output.push('\n');
            output.push_str(&body);
        }
        output.push_str(&refused(&ran.outcome));
        if !ran.outcome.status.success() && ran.outcome.refused.is_empty() {
            output.push_str(reaching::hint(&text));
        }
        let summary = format!("{}: {status}, {seconds:.1} s", first_line(&arguments.command));
        if matches!(context.set, Set::ReadOnly | Set::Exploring | Set::Planning) {
            return Answer { is_error, ..Answer::ok(output, summary) };
        }
        let taken = taking::take(context, first_line(&arguments.command), ran.changes, &wanted).await;
        output.push_str(&taken.told);
        let overlay_changed = !taken.edited.is_empty();
        Answer { edited: taken.edited, overlay_changed, is_error, ..Answer::ok(output, summary) }
    })
}

fn status_line(status: &Status) -> String {
    match status {
        Status::Exited(code) => format!("exit {code}"),
        Status::Signalled(signal) => format!("died of signal {signal}"),
        Status::TimedOut => "stopped: out of time (give seconds, up to 1800, for more)".to_owned(),
        Status::Cancelled => "cancelled".to_owned(),
        Status::OutputLimit => "stopped: too much output".to_owned(),
        Status::MemoryLimit => "stopped: out of memory".to_owned(),
        Status::ProcessLimit => "stopped: too many processes".to_owned(),
        Status::DiskLimit => "stopped: too much of the disk".to_owned(),
    }
}

/// What the command asked the proxy for in vain; empty if nothing.
fn refused(outcome: &Outcome) -> String {
    let told = outcome.refused.iter().map(|refusal| format!("{} ({})", refusal.host, refusal.why));
    let told: Vec<String> = told.collect();
    if told.is_empty() {
        return String::new();
    }
    format!("\nNot reached: {}; network=[…] of `run` asks the person for hosts.", told.join(", "))
}

/// Head and tail of a text in whole lines, and whether something was left out.
fn bounded(text: &str) -> (String, bool) {
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= HEAD + TAIL && text.len() <= BYTES {
        return (text.trim_end().to_owned(), false);
    }
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    let mut room = BYTES / 3;
    for line in lines.iter().take(HEAD) {
        let Some(left) = room.checked_sub(line.len() + 1) else { break };
        room = left;
        head.push(*line);
    }
    let mut room = BYTES * 2 / 3;
    for line in lines[head.len()..].iter().rev().take(TAIL) {
        let Some(left) = room.checked_sub(line.len() + 1) else { break };
        room = left;
        tail.push(*line);
    }
    tail.reverse();
    let omitted = lines.len() - head.len() - tail.len();
    (format!("{}\n[{omitted} lines left out]\n{}", head.join("\n"), tail.join("\n")), true)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_output_keeps_head_and_tail() {
        let text: String = (0..1000).map(|line| format!("line {line}\n")).collect();
        let (body, cut) = bounded(&text);
        assert!(cut && body.starts_with("line 0\n") && body.ends_with("line 999"));
        assert!(body.contains("[840 lines left out]"), "{body}");
        assert!(body.len() < BYTES + 100);
    }

    #[test]
    fn one_endless_line_is_bounded_too() {
        let (body, cut) = bounded(&"x".repeat(100_000));
        assert!(cut && body.len() < 100);
    }
}

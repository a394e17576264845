//! `galley audit` and `galley cost`: what the journal holds.

use galley_journal::Journal;
use serde_json::{Value, json};

use super::terminal::{print, safe};
use super::{AuditCommand, CostArgs, DONE, FAILED, USAGE, fail};
use crate::config;

fn journal() -> Result<Journal, i32> {
    let state_dir = config::state_dir().map_err(|error| fail(USAGE, &error.to_string()))?;
    Journal::open(&state_dir).map_err(|error| fail(FAILED, &error.to_string()))
}

/// `galley audit`
pub fn audit(command: &AuditCommand) -> i32 {
    let journal = match journal() {
        Ok(journal) => journal,
        Err(status) => return status,
    };
    match command {
        AuditCommand::Verify { json } => verify(&journal, *json),
        AuditCommand::Show { task } => show(&journal, task),
    }
}

fn verify(journal: &Journal, json: bool) -> i32 {
    let verified = match journal.verify() {
        Ok(verified) => verified,
        Err(error) => return fail(FAILED, &error.to_string()),
    };
    let broken = verified.broken.as_ref().map(|broken| json!({ "seq": broken.seq, "why": broken.why }));
    if json {
        let answer = json!({ "entries": verified.entries, "blobs": verified.blobs, "head": verified.head, "broken": broken });
        print(&format!("{answer}\n"));
    } else {
        match &verified.broken {
            None => {
                print(&format!("{} entries, the chain is whole; head {}\n", verified.entries, verified.head))
            }
            Some(broken) => print(&format!("broken at entry {}: {}\n", broken.seq, broken.why)),
        }
    }
    if verified.broken.is_none() { DONE } else { FAILED }
}

fn show(journal: &Journal, prefix: &str) -> i32 {
    let row = match journal.find_task(prefix) {
        Ok(Some(row)) => row,
        Ok(None) => return fail(FAILED, &format!("there is no task {prefix}")),
        Err(error) => return fail(FAILED, &error.to_string()),
    };
    let entries = match journal.events(&row.id, 0) {
        Ok(entries) => entries,
        Err(error) => return fail(FAILED, &error.to_string()),
    };
    for entry in entries {
        let line = json!({ "seq": entry.seq, "atMs": entry.at_ms, "kind": entry.kind, "hash": entry.hash, "event": entry.value() });
        print(&format!("{line}\n"));
    }
    DONE
}

/// `galley cost`
pub fn cost(args: &CostArgs) -> i32 {
    let journal = match journal() {
        Ok(journal) => journal,
        Err(status) => return status,
    };
    if args.phases {
        return phases(&journal, args);
    }
    let since = args.days.map(|days| galley_agent::clock::now_ms() - i64::from(days) * 86_400_000);
    let rows = match journal.costs(since) {
        Ok(rows) => rows,
        Err(error) => return fail(FAILED, &error.to_string()),
    };
    let mut sum = 0.0;
    let mut unpriced = 0;
    for row in &rows {
        sum += row.totals.usd;
        unpriced += row.totals.unpriced;
        let line: Value = json!({
            "day": row.day, "task": row.task, "model": row.model, "calls": row.totals.calls, "unpriced": row.totals.unpriced,
            "input": row.totals.input, "cached": row.totals.cached, "output": row.totals.output, "usd": row.totals.usd,
        });
        match args.json {
            true => print(&format!("{line}\n")),
            false => print(&format!(
                "{}  {}  {}  {} calls, {} in ({} cached), {} out, ${:.4}\n",
                row.day,
                row.task,
                safe(&row.model),
                row.totals.calls,
                row.totals.input,
                row.totals.cached,
                row.totals.output,
                row.totals.usd
            )),
        }
    }
    if !args.json {
        let unknown =
            if unpriced > 0 { format!(", and {unpriced} calls of unknown price") } else { String::new() };
        print(&format!("${sum:.4} in all{unknown}\n"));
    }
    DONE
}

/// What each phase of each task cost, tasks in the order of the ledger.
fn phases(journal: &galley_journal::Journal, args: &CostArgs) -> i32 {
    match phase_lines(journal, args) {
        Ok(lines) => {
            lines.iter().for_each(|line| print(line));
            DONE
        }
        Err(error) => fail(FAILED, &error),
    }
}

fn phase_lines(journal: &galley_journal::Journal, args: &CostArgs) -> Result<Vec<String>, String> {
    let since = args.days.map(|days| galley_agent::clock::now_ms() - i64::from(days) * 86_400_000);
    let rows = journal.costs(since).map_err(|error| error.to_string())?;
    let mut tasks: Vec<String> = rows.into_iter().map(|row| row.task).collect();
    tasks.dedup();
    let mut lines = Vec::new();
    for task in tasks {
        let view = super::task::view(journal, &task)?;
        let all = journal.spent(Some(&task), None).map_err(|error| error.to_string())?;
        let (mut turns, mut input, mut output, mut usd) = (0, 0, 0, 0.0);
        for phase in &view.by_state {
            turns += u64::from(phase.turns);
            (input, output) = (input + phase.usage.input, output + phase.usage.output);
            usd += phase.usd.unwrap_or(0.0);
            let spent =
                (u64::from(phase.turns), phase.usage.input, phase.usage.output, phase.usd.unwrap_or(0.0));
            lines.push(phase_line(args.json, &task, phase.state.word(), spent));
        }
        // Summaries, sub-tasks, the critic: in the ledger, and no turn of the conversation.
        if all.calls > turns {
            let beside = (
                all.calls - turns,
                all.input.saturating_sub(input),
                all.output.saturating_sub(output),
                (all.usd - usd).max(0.0),
            );
            lines.push(phase_line(args.json, &task, "beside", beside));
        }
    }
    Ok(lines)
}

fn phase_line(
    json: bool,
    task: &str,
    phase: &str,
    (calls, input, output, usd): (u64, u64, u64, f64),
) -> String {
    if json {
        let line = json!({ "task": task, "phase": phase, "calls": calls, "input": input, "output": output, "usd": usd });
        return format!("{line}\n");
    }
    format!("{task}  {phase}  {calls} calls, {input} in, {output} out, ${usd:.4}\n")
}

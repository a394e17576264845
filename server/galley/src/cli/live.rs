//! A task as it is seen in a terminal while it runs: a line a step, the plan as it changes, checks with their proof.

use galley_agent::Published;
use galley_agent::event::{PlanItem, PlanState, Speaker, State, TaskEvent};
use galley_agent::services::Sign;
use galley_agent::verify::{CheckStatus, Evidence};
use galley_agent::view::TaskView;
use tokio::sync::mpsc::UnboundedReceiver;

use super::terminal::{Style, print, safe};

/// What came of watching a task.
pub struct Watched {
    /// The task as it stands.
    pub view: TaskView,
}

/// Shows a task's events until it is over.
pub async fn watch(
    shown: &mut UnboundedReceiver<Published>,
    task: &str,
    style: Style,
    json: bool,
) -> Watched {
    let mut live = Live { style, shown_plan: Vec::new(), json, view: TaskView::new(task), prose: false };
    while let Some(published) = shown.recv().await {
        match published {
            Published::Event { task: of, at_ms, event } if of == task => {
                live.event(at_ms, &event);
                if live.view.state.is_over() {
                    break;
                }
            }
            Published::Live { task: of, sign } if of == task => live.sign(sign),
            Published::Event { .. } | Published::Live { .. } => {}
        }
    }
    live.end_prose();
    Watched { view: live.view }
}

struct Live {
    style: Style,
    shown_plan: Vec<PlanItem>,
    json: bool,
    view: TaskView,
    prose: bool,
}

impl Live {
    fn event(&mut self, at_ms: i64, event: &TaskEvent) {
        self.view.apply(at_ms, event);
        if self.json {
            if let Ok(event) = serde_json::to_value(event) {
                let line = serde_json::json!({ "task": self.view.task, "atMs": at_ms, "event": event });
                print(&format!("{line}\n"));
            }
            return;
        }
        let style = self.style;
        match event {
            TaskEvent::Plan { items, touches } => self.plan(items, touches),
            TaskEvent::Warned { text } => self.line(&format!("  {} {}", style.yellow("!"), safe(text))),
            TaskEvent::PrefixBroken { cause } => self.line(&format!(
                "  {}",
                style.dim(&format!("the provider's cache starts anew: {}", safe(cause)))
            )),
            TaskEvent::Compacted { before, after, cause, .. } => self.line(&format!(
                "  {}",
                style
                    .dim(&format!("conversation shortened from {before} to {after} tokens: {}", safe(cause)))
            )),
            TaskEvent::CallBegan { tool, summary, .. } if slow(tool) => {
                self.line(&format!("  {} {}", style.dim("…"), safe(summary)));
            }
            TaskEvent::CallEnded { tool, is_error, summary, ms, .. } => {
                let mark = if *is_error { style.red("✗") } else { style.green("✓") };
                let time = if *ms >= 1000 {
                    style.dim(&format!(" {:.1} s", *ms as f64 / 1000.0))
                } else {
                    String::new()
                };
                // A plan and a check have shown themselves.
                if *is_error || !matches!(tool.as_str(), "finish" | "plan" | "check") {
                    self.line(&format!("  {mark} {}{time}", safe(summary)));
                }
            }
            TaskEvent::Checked { evidence: known } => self.line(&evidence(known, style)),
            TaskEvent::Said { text, by: Speaker::Harness } => {
                self.line(&format!("  {}", style.dim(&safe(text.lines().next().unwrap_or_default()))));
            }
            TaskEvent::Switched { to, reason, .. } => {
                self.line(&format!("  {} {} took over: {}", style.yellow("!"), safe(to), safe(reason)));
            }
            TaskEvent::Ended { state, message } => {
                let word = if *state == State::Done { style.green("done") } else { style.red(state.word()) };
                self.line(&format!("{word}: {}", safe(message)));
            }
            _ => {}
        }
    }

    /// The whole plan at first and when its items change; later only the items that went on.
    fn plan(&mut self, items: &[PlanItem], touches: &[String]) {
        let known = std::mem::replace(&mut self.shown_plan, items.to_vec());
        let same =
            known.len() == items.len() && known.iter().zip(items).all(|(old, new)| old.text == new.text);
        if !same {
            let changes = galley_agent::plan::diff(&known, items);
            if known.is_empty() || changes.is_empty() {
                self.line(&plan(items, self.style));
            } else {
                let changes: Vec<String> =
                    changes.iter().map(|line| format!("  plan {}", safe(line))).collect();
                self.line(&changes.join("\n"));
            }
            for line in touches {
                self.line(&format!("  {}", self.style.dim(&format!("touches {}", safe(line)))));
            }
            return;
        }
        let moved = known.iter().zip(items).filter(|(old, new)| old.state != new.state).map(|(_, new)| new);
        for item in moved {
            self.line(&plan_item(item, self.style));
        }
    }

    fn sign(&mut self, sign: Sign) {
        if self.json {
            return;
        }
        match sign {
            Sign::Text(text) => {
                if !self.prose {
                    print("  ");
                    self.prose = true;
                }
                print(&self.style.dim(&safe(&text).replace('\n', "\n  ")));
            }
            Sign::Retry(why) => self.line(&format!("  {} {}", self.style.yellow("!"), safe(&why))),
            Sign::Restarted => self.line(&self.style.dim("  (the reply starts anew)")),
            Sign::Reasoning(_) | Sign::Call(..) | Sign::Drafts(_) | Sign::Output(_) => {}
        }
    }

    fn line(&mut self, text: &str) {
        self.end_prose();
        if !text.is_empty() {
            print(&format!("{}\n", text.trim_end_matches('\n')));
        }
    }

    fn end_prose(&mut self) {
        if self.prose {
            print("\n");
            self.prose = false;
        }
    }
}

/// Tools that are announced before they run, since they take a while.
fn slow(tool: &str) -> bool {
    matches!(tool, "check" | "run")
}

/// A plan, an item a line.
pub fn plan(items: &[PlanItem], style: Style) -> String {
    let mut text = format!("{}\n", style.bold("Plan"));
    for item in items {
        text.push_str(&plan_item(item, style));
        text.push('\n');
    }
    text
}

fn plan_item(item: &PlanItem, style: Style) -> String {
    let words = safe(&item.text);
    match item.state {
        PlanState::Done => format!("  {} {words}", style.green("●")),
        PlanState::Active => format!("  {} {}", style.cyan("◐"), style.bold(&words)),
        PlanState::Pending => format!("  {} {words}", style.dim("○")),
        PlanState::Dropped => format!("  {} {}", style.dim("–"), style.dim(&words)),
    }
}

/// A check's receipt, and the names of what it found broken or doubtful.
pub fn evidence(evidence: &Evidence, style: Style) -> String {
    let receipt = safe(&evidence.receipt());
    let mut text = match evidence.status {
        CheckStatus::Passed => format!("  {} {receipt}", style.green("●")),
        CheckStatus::Failed => format!("  {} {receipt}", style.red("●")),
        CheckStatus::NotRun => format!("  {} {receipt}", style.yellow("●")),
    };
    for (label, names) in [
        ("newly failing", &evidence.newly_failing),
        ("still failing", &evidence.still_failing),
        ("no longer run", &evidence.gone),
        ("flaky", &evidence.flaky),
    ] {
        if names.is_empty() {
            continue;
        }
        let shown: Vec<&str> = names.iter().take(NAMES_SHOWN).map(String::as_str).collect();
        let more = names.len().saturating_sub(NAMES_SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        text.push_str(&format!(
            "\n    {}",
            style.dim(&safe(&format!("{label}: {}{more}", shown.join(", "))))
        ));
    }
    text
}

/// Names of one list in a receipt.
const NAMES_SHOWN: usize = 5;

/// The closing line of a task: time, cost, tokens.
pub fn totals(view: &TaskView, style: Style) -> String {
    let seconds = view.worked.ms() as f64 / 1000.0;
    let cost = match view.usd {
        Some(usd) => format!("${usd:.4}"),
        None if view.recorded => "recorded replies, nothing spent".to_owned(),
        None => "price unknown".to_owned(),
    };
    let usage = &view.usage;
    style.dim(&format!(
        "{seconds:.0} s · {cost} · {} tokens in ({} cached), {} out · {} turns",
        usage.input, usage.cached, usage.output, view.turns
    ))
}

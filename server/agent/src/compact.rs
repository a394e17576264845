//! Compaction: a conversation that has grown too long becomes a shorter one that knows the same.
//!
//! What must stay exact is taken from the journal and never from a model's memory: the person's words, the plan, the scope,
//! the decisions, what is red, what was changed. First the old outputs of tools give way to a line each; only if that is not
//! enough, everything before the latest rounds becomes a record of these facts, with a model's summary of the rest.

use galley_model::Item;
use galley_workspace::Overlay;

use crate::event::{PlanItem, PlanState};
use crate::scope::ScopeSpec;
use crate::verify::{CheckStatus, Evidence, Told};

/// Outputs shorter than this stay: a line in their place would save nothing.
const SHORT: usize = 240;
/// Bytes of the person's own words that are kept word for word; about 20,000 tokens.
const WORDS: usize = 80_000;
/// Bytes of a diff that is shown whole in the record.
const DIFF: usize = 6_000;

/// The facts of a task at a moment.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The plan.
    pub plan: &'a [PlanItem],
    /// The scope.
    pub scope: &'a ScopeSpec,
    /// The person's messages after the request, oldest first.
    pub said: &'a [String],
    /// Questions with their answers, decisions on hunks.
    pub decisions: &'a [String],
    /// The last evidence of each check.
    pub evidence: &'a [Evidence],
    /// The files with the task's edits.
    pub overlay: &'a Overlay,
}

/// Where the latest rounds begin that together hold at most so many bytes: the index of a reply, or the end. The first item
/// is never among them.
pub fn tail(items: &[Item], bytes: usize) -> usize {
    let mut from = items.len();
    let mut size = 0;
    for (index, item) in items.iter().enumerate().skip(1).rev() {
        size += item_bytes(item);
        if size > bytes && from < items.len() {
            break;
        }
        if matches!(item, Item::Reply(_)) {
            from = index;
            if size > bytes {
                break;
            }
        }
    }
    from
}

/// Bytes that an item has in a request, about.
pub fn item_bytes(item: &Item) -> usize {
    match item {
        Item::User(text) => text.len() + 40,
        Item::Reply(reply) => {
            let raw: usize = reply.raw.iter().map(|raw| raw.get().len()).sum();
            let calls: usize = reply.calls.iter().map(|call| call.arguments.len() + 60).sum();
            raw.max(reply.text.len() + calls) + 40
        }
        Item::ToolResult { output, .. } => output.len() + 60,
    }
}

/// Replaces the outputs before `before` by a line that says what they were, and returns how many bytes that saved.
/// `summary` gives a call's line.
pub fn mask(items: &mut [Item], before: usize, summary: impl Fn(&str) -> Option<String>) -> usize {
    let mut saved = 0;
    for item in items.iter_mut().take(before) {
        if let Item::ToolResult { call_id, name, output, .. } = item
            && output.len() > SHORT
        {
            let line = summary(call_id).unwrap_or_else(|| name.clone());
            let stub = format!("[put aside: {line}; call again if needed]");
            saved += output.len().saturating_sub(stub.len());
            *output = stub;
        }
    }
    saved
}

/// Replaces the items between the request and `before` by a record.
pub fn replace(items: &mut Vec<Item>, before: usize, record: &str) {
    let before = before.clamp(1, items.len().max(1));
    items.splice(1..before, [Item::User(record.to_owned())]);
}

/// The record of what must stay exact, and a summary of the rest.
pub fn record(facts: &Facts<'_>, summary: Option<&str>) -> String {
    let mut text = "The conversation so far was shortened. What stands:".to_owned();
    if !facts.scope.is_empty() {
        text.push_str(&format!("\nScope: {}", facts.scope));
    }
    let mut room = WORDS;
    let kept = facts.said.iter().rev().take_while(|said| {
        let fits = said.len() <= room;
        room = room.saturating_sub(said.len());
        fits
    });
    for said in kept.collect::<Vec<_>>().into_iter().rev() {
        text.push_str(&format!("\nThe person said: {said}"));
    }
    if !facts.plan.is_empty() {
        text.push_str("\nPlan:");
        for item in facts.plan {
            push_item(&mut text, item, 0);
        }
    }
    for decision in facts.decisions {
        text.push_str(&format!("\nDecided: {decision}"));
    }
    for evidence in facts.evidence {
        match evidence.status {
            CheckStatus::Failed => {
                text.push_str(&format!("\nRed: {}", evidence.for_model(&mut Told::default())))
            }
            CheckStatus::NotRun => {
                text.push_str(&format!("\nNot run: {}: {}", evidence.check, evidence.summary))
            }
            CheckStatus::Passed => text.push_str(&format!("\nGreen when last run: {}", evidence.check)),
        }
    }
    push_changes(&mut text, facts.overlay);
    if let Some(summary) = summary.map(str::trim).filter(|summary| !summary.is_empty()) {
        text.push_str(&format!("\nNotes of the work so far (a summary, may be inexact):\n{summary}"));
    }
    text.push_str("\nGo on from here; do not read again what stands above.");
    text
}

fn push_item(text: &mut String, item: &PlanItem, depth: usize) {
    text.push_str(&format!("\n{}{} {}", "  ".repeat(depth), mark(item.state), item.text));
    for inner in &item.items {
        push_item(text, inner, depth + 1);
    }
}

/// The mark of a state in a plan's line.
pub fn mark(state: PlanState) -> &'static str {
    match state {
        PlanState::Pending => "[ ]",
        PlanState::Active => "[>]",
        PlanState::Done => "[x]",
        PlanState::Dropped => "[-]",
    }
}

fn push_changes(text: &mut String, overlay: &Overlay) {
    let changes = overlay.changes();
    if changes.is_empty() {
        text.push_str("\nNothing is changed yet.");
        return;
    }
    let diff: String = changes.iter().map(crate::propose::unified).collect();
    if diff.len() <= DIFF {
        text.push_str(&format!("\nChanged so far:\n{}", diff.trim_end()));
        return;
    }
    text.push_str("\nChanged so far (`more diff` shows how):");
    for change in &changes {
        let unified = crate::propose::unified(change);
        let count = |sign: &str, not: &str| {
            unified.lines().filter(|line| line.starts_with(sign) && !line.starts_with(not)).count()
        };
        let path = unified.lines().find_map(|line| line.strip_prefix("+++ b/")).unwrap_or("a deleted file");
        text.push_str(&format!("\n{path} +{} -{}", count("+", "+++"), count("-", "---")));
    }
}

/// What a model is asked to summarise: the part that goes, as words, its middle left out where it is long.
pub fn to_summarise(items: &[Item], bytes: usize) -> String {
    let mut lines = Vec::new();
    for item in items {
        match item {
            Item::User(text) => lines.push(format!("> {}", cut(text, 1_500))),
            Item::Reply(reply) => {
                if !reply.text.is_empty() {
                    lines.push(cut(&reply.text, 800));
                }
                lines.extend(
                    reply.calls.iter().map(|call| format!("{}({})", call.name, cut(&call.arguments, 200))),
                );
            }
            Item::ToolResult { output, .. } => lines.push(format!("= {}", cut(output, 300))),
        }
    }
    let text = lines.join("\n");
    if text.len() <= bytes {
        return text;
    }
    let half = bytes / 2;
    format!(
        "{}\n[…]\n{}",
        &text[..text.floor_char_boundary(half)],
        &text[text.ceil_char_boundary(text.len() - half)..]
    )
}

fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use galley_model::{Reply, ToolCall};

    fn round(number: usize, output: &str) -> [Item; 2] {
        let call = ToolCall {
            call_id: format!("c{number}"),
            name: "read".into(),
            arguments: "{}".into(),
            free_text: false,
        };
        let result = Item::ToolResult {
            call_id: format!("c{number}"),
            name: "read".into(),
            free_text: false,
            output: output.into(),
            is_error: false,
        };
        [Item::Reply(Reply { calls: vec![call], ..Reply::default() }), result]
    }

    fn talk(rounds: usize) -> Vec<Item> {
        let long = "x".repeat(1_000);
        std::iter::once(Item::User("goal".into())).chain((0..rounds).flat_map(|n| round(n, &long))).collect()
    }

    #[test]
    fn the_tail_begins_at_a_reply_and_holds_whole_rounds() {
        let items = talk(10);
        let from = tail(&items, 3_600);
        assert!(matches!(items[from], Item::Reply(_)));
        assert_eq!((items.len() - from) / 2, 3);
        assert_eq!(tail(&items, 0), items.len() - 2, "the last round always stays");
        assert_eq!(tail(&items[..1], 100), 1);
    }

    #[test]
    fn old_outputs_become_a_line_and_new_ones_stay() {
        let mut items = talk(3);
        let saved = mask(&mut items, 5, |id| Some(format!("read a ({id})")));
        assert!(saved > 1_800);
        let outputs: Vec<&str> = items
            .iter()
            .filter_map(|item| match item {
                Item::ToolResult { output, .. } => Some(output.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(outputs[0], "[put aside: read a (c0); call again if needed]");
        assert_eq!(outputs[2].len(), 1_000);
    }

    #[test]
    fn a_record_takes_the_place_of_what_was_before() {
        let mut items = talk(4);
        replace(&mut items, 7, "facts");
        assert!(matches!(&items[0], Item::User(goal) if goal == "goal"));
        assert!(matches!(&items[1], Item::User(record) if record == "facts"));
        assert_eq!(items.len(), 4);
    }

    #[test]
    fn what_is_summarised_is_bounded() {
        let text = to_summarise(&talk(50), 2_000);
        assert!(text.len() < 2_020 && text.starts_with("> goal"), "{}", text.len());
        assert_eq!(cut("äöü", 3), "ä…");
    }
}

//! Plans as people read them: as lines, and as a diff of two.

use galley_index::IndexSnapshot;

use crate::compact::mark;
use crate::event::{PlanItem, PlanState};

/// The plan as check-list lines, each after a line break.
pub fn lines(items: &[PlanItem]) -> String {
    let mut text = String::new();
    push(&mut text, items, 0);
    text
}

fn push(text: &mut String, items: &[PlanItem], depth: usize) {
    for item in items {
        text.push_str(&format!("\n{}{} {}", "  ".repeat(depth), mark(item.state), item.text));
        push(text, &item.items, depth + 1);
    }
}

/// What a plan reaches beyond what it names: a line for each known symbol in it.
pub fn touches(index: &IndexSnapshot, items: &[PlanItem]) -> Vec<String> {
    crate::blast::of_text(index, &lines(items))
}

/// The difference of two plans: `+` for new items, `-` for those that are gone, `~` for those whose state moved. Empty when
/// only states moved forward as work goes on.
pub fn diff(old: &[PlanItem], new: &[PlanItem]) -> Vec<String> {
    let flat = |items: &[PlanItem]| {
        let mut all: Vec<(String, PlanState)> = Vec::new();
        flatten(items, &mut all);
        all
    };
    let (old, new) = (flat(old), flat(new));
    let has = |list: &[(String, PlanState)], text: &str| list.iter().any(|(known, _)| known == text);
    let mut found: Vec<String> =
        old.iter().filter(|(text, _)| !has(&new, text)).map(|(text, _)| format!("- {text}")).collect();
    for (text, state) in &new {
        match old.iter().find(|(known, _)| known == text) {
            None => found.push(format!("+ {text}")),
            Some((_, PlanState::Done)) if *state != PlanState::Done => {
                found.push(format!("~ {text}: open again"))
            }
            Some((_, before)) if *state == PlanState::Dropped && *before != PlanState::Dropped => {
                found.push(format!("~ {text}: dropped"));
            }
            Some(_) => {}
        }
    }
    found
}

fn flatten(items: &[PlanItem], all: &mut Vec<(String, PlanState)>) {
    for item in items {
        all.push((item.text.clone(), item.state));
        flatten(&item.items, all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str, state: PlanState) -> PlanItem {
        PlanItem { text: text.into(), state, items: Vec::new() }
    }

    #[test]
    fn progress_is_no_difference_but_a_new_item_is() {
        let old = [item("find", PlanState::Active), item("mend", PlanState::Pending)];
        let moved = [item("find", PlanState::Done), item("mend", PlanState::Active)];
        assert!(diff(&old, &moved).is_empty());
        let new = [item("find", PlanState::Pending), item("split", PlanState::Pending)];
        assert_eq!(diff(&moved, &new), ["- mend", "~ find: open again", "+ split"]);
        assert_eq!(lines(&moved), "\n[x] find\n[>] mend");
    }
}

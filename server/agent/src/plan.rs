//! Plans as people read them: as lines, and as a diff of two.

use galley_index::IndexSnapshot;

use crate::compact::mark;
use crate::event::{PlanItem, PlanState};
use crate::tools::plan::read_line;

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

const HEAD: &str = "\
# A line is an item: [ ] open, [>] active, [x] done, [-] dropped; indented ones belong to the one above.
# Change, move or delete lines, or add some; what is saved is the plan.
";

/// The plan as a text that a person can edit, with what the last replanning took away as lines that are struck out.
/// [`read`] takes it in again.
pub fn document(title: &str, items: &[PlanItem], changes: &[String]) -> String {
    let mut text = format!("# {}\n{HEAD}\n", title.lines().next().unwrap_or_default());
    write(&mut text, items, 0);
    let gone: Vec<&str> = changes.iter().filter_map(|change| change.strip_prefix("- ")).collect();
    if !gone.is_empty() {
        text.push_str("\n# Taken away by the last change of the plan:\n");
        gone.iter().for_each(|item| text.push_str(&format!("# ~~{item}~~\n")));
    }
    text
}

fn write(text: &mut String, items: &[PlanItem], depth: usize) {
    for item in items {
        let words = match item.state {
            PlanState::Dropped => format!("~~{}~~", item.text),
            _ => item.text.clone(),
        };
        text.push_str(&format!("{}- {} {words}\n", "  ".repeat(depth), mark(item.state)));
        write(text, &item.items, depth + 1);
    }
}

/// Reads a plan that a person wrote. Lines that begin with `#` are none of it; of an item that is nested more deeply than one
/// below the one above, that is what is taken.
pub fn read(text: &str) -> Vec<PlanItem> {
    let mut items: Vec<PlanItem> = Vec::new();
    let is_item = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    for line in text.lines().filter(is_item) {
        let width = line.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 2 } else { 1 });
        let depth = width.sum::<usize>() / 2;
        let (_, mut item) = read_line(line);
        if let Some(words) = item.text.strip_prefix("~~").and_then(|rest| rest.strip_suffix("~~")) {
            item.text = words.trim().to_owned();
            item.state = PlanState::Dropped;
        }
        if !item.text.is_empty() {
            insert(&mut items, depth, item);
        }
    }
    items
}

fn insert(items: &mut Vec<PlanItem>, depth: usize, item: PlanItem) {
    match items.last_mut().filter(|_| depth > 0) {
        Some(parent) => insert(&mut parent.items, depth - 1, item),
        None => items.push(item),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str, state: PlanState) -> PlanItem {
        PlanItem { text: text.into(), state, items: Vec::new() }
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let mut mend = item("mend", PlanState::Active);
        mend.items = vec![item("the parser", PlanState::Pending), item("its docs", PlanState::Dropped)];
        let items = [item("find", PlanState::Done), mend];
        let text = document("fix it", &items, &["- ask around".into(), "+ mend".into()]);
        assert!(text.contains("  - [-] ~~its docs~~\n") && text.contains("\n# ~~ask around~~\n"), "{text}");
        assert!(!text.contains("# ~~mend"), "{text}");
        assert_eq!(read(&text), items);
    }

    #[test]
    fn a_person_writes_a_plan_as_they_like() {
        let items = read("\tx\n* one\n\n   two\n[x] three\n      four\n~~five~~\n- [ ]\n#no\n");
        let texts: Vec<&str> = items.iter().map(|item| item.text.as_str()).collect();
        assert_eq!(texts, ["x", "one", "three", "five"]);
        assert_eq!(items[1].items[0].text, "two");
        assert_eq!((items[2].items[0].text.as_str(), items[3].state), ("four", PlanState::Dropped));
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

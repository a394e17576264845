//! A request's body: its head, and the conversation behind it.
//!
//! Decides what of an earlier request is used again. The entries of a conversation never change once something
//! follows them, so their text is kept, and a step costs what is new in it, beside the copying of bytes. What is
//! kept is compared with what is asked, item by item: a conversation that was rewritten is rendered anew.

use crate::conversation::{self, Part};
use crate::dialect::{Asked, Dialect};
use crate::exchange::{Item, Reply};

/// The entries of a conversation, as JSON texts with commas between.
#[derive(Default)]
pub(crate) struct Entries(String);

impl Entries {
    /// Adds an entry, JSON text.
    pub fn push(&mut self, entry: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(entry);
    }
}

/// What earlier requests of a conversation were rendered to.
#[derive(Default)]
pub(crate) struct Kept(Vec<Group>);

struct Group {
    items: Vec<Item>,
    text: String,
}

/// The body of a request.
pub(crate) fn render(dialect: &dyn Dialect, asked: &Asked, kept: &mut Kept) -> String {
    let groups = conversation::groups(&asked.request.items);
    let marked = if dialect.marks(asked) { marked_from(&groups) } else { groups.len() };
    keep(dialect, asked, &groups[..marked], kept);
    let mut tail = Entries::default();
    mark_last_two(dialect, asked, &groups[marked..], &mut tail);
    let lead = dialect.lead(asked);
    let mut body = dialect.head(asked).open_array(dialect.list());
    let texts = kept.0[..marked].iter().map(|group| &group.text).chain([&tail.0]);
    body.reserve(texts.clone().map(|text| text.len() + 1).sum::<usize>() + 2);
    let mut first = true;
    for text in lead.iter().chain(texts).filter(|text| !text.is_empty()) {
        if !std::mem::take(&mut first) {
            body.push(',');
        }
        body.push_str(text);
    }
    body.push_str("]}");
    body
}

/// Brings what is kept up to these groups.
fn keep(dialect: &dyn Dialect, asked: &Asked, groups: &[&[Item]], kept: &mut Kept) {
    let same = kept.0.iter().zip(groups).take_while(|(kept, group)| same_items(&kept.items, group)).count();
    kept.0.truncate(same);
    for group in &groups[same..] {
        let mut entries = Entries::default();
        for part in conversation::parts(group) {
            dialect.part(asked, &part, false, &mut entries);
        }
        kept.0.push(Group { items: group.to_vec(), text: entries.0 });
    }
}

/// The group from which on entries may carry cache marks: those of our last two parts.
fn marked_from(groups: &[&[Item]]) -> usize {
    let mut ours = 0;
    let mut from = groups.len();
    while from > 0 && ours < 2 {
        from -= 1;
        ours += conversation::parts(groups[from]).iter().filter(|part| is_ours(part)).count();
    }
    from
}

fn is_ours(part: &Part) -> bool {
    !matches!(part, Part::Reply(_))
}

/// Of our own parts, the last and the one before it carry the marks: what was the end of the request before is
/// found in the cache again, however many entries came since.
fn mark_last_two(dialect: &dyn Dialect, asked: &Asked, groups: &[&[Item]], to: &mut Entries) {
    let parts: Vec<Part> = groups.iter().flat_map(|group| conversation::parts(group)).collect();
    let mut left = parts.iter().filter(|part| is_ours(part)).count();
    for part in &parts {
        let mark = is_ours(part) && left <= 2;
        left -= usize::from(is_ours(part));
        dialect.part(asked, part, mark, to);
    }
}

fn same_items(kept: &[Item], asked: &[Item]) -> bool {
    kept.len() == asked.len() && kept.iter().zip(asked).all(|(kept, asked)| same_item(kept, asked))
}

fn same_item(kept: &Item, asked: &Item) -> bool {
    match (kept, asked) {
        (Item::User(kept), Item::User(asked)) => kept == asked,
        (Item::Reply(kept), Item::Reply(asked)) => same_reply(kept, asked),
        (
            Item::ToolResult { call_id, name, free_text, output, is_error },
            Item::ToolResult { call_id: id, name: tool, free_text: free, output: text, is_error: failed },
        ) => (call_id, name, free_text, output, is_error) == (id, tool, free, text, failed),
        _ => false,
    }
}

/// Everything that an adapter may send of a reply.
fn same_reply(kept: &Reply, asked: &Reply) -> bool {
    kept.raw.len() == asked.raw.len()
        && kept.raw.iter().zip(&asked.raw).all(|(kept, asked)| kept.get() == asked.get())
        && (&kept.origin, &kept.text, &kept.calls, &kept.broken_calls)
            == (&asked.origin, &asked.text, &asked.calls, &asked.broken_calls)
}

#[cfg(test)]
mod tests;

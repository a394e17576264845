//! Definitions from tags: which of several patterns is right about a name, what lies in what, what is a test.

use crate::found::{Base, Found, Tag, What};
use crate::turn::worked;
use galley_grammars::SymbolKind;
use std::cmp::Reverse;
use std::ops::Range;

/// A definition of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) kind: SymbolKind,
    pub(crate) name: Range<usize>,
    pub(crate) range: Range<usize>,
    pub(crate) line: u32,
    pub(crate) end_line: u32,
    pub(crate) is_test: bool,
    /// The name of the nearest definition or `@container` around it.
    pub(crate) container: Option<Range<usize>>,
    /// How many definitions are around it.
    pub(crate) depth: u16,
}

/// A tag at its place in the whole text.
struct Item {
    pattern: usize,
    what: What,
    range: Range<usize>,
    name: Range<usize>,
    line: u32,
    end_line: u32,
}

/// An item or container whose end has not been passed yet.
struct Open {
    range: Range<usize>,
    name: Range<usize>,
    /// The depth of what is defined in it, if it is a definition itself.
    inner_depth: Option<u16>,
    is_test: bool,
}

/// The definitions of a text in its order, outer before inner.
pub(crate) fn definitions(parts: &[(Base, &Found)]) -> Vec<Definition> {
    let mut items: Vec<Item> =
        parts.iter().flat_map(|(base, found)| found.tags.iter().map(|tag| item(*base, tag))).collect();
    let tests = choose(&mut items);
    worked(items.len() as u32 * 2);
    // Outer before inner; a container before the definition of the same range.
    items.sort_by_key(|item| {
        (item.range.start, Reverse(item.range.end), item.what != What::Container, item.name.start)
    });
    let mut definitions = Vec::with_capacity(items.len());
    let mut open: Vec<Open> = Vec::new();
    for item in items {
        worked(4);
        while open.last().is_some_and(|outer| outer.range.end <= item.range.start && !outer.range.is_empty())
        {
            open.pop();
        }
        let mut around = open.iter().rev().filter(|outer| outer.range.end >= item.range.end);
        let depth = around.clone().find_map(|outer| outer.inner_depth).unwrap_or_default();
        let outer = around.find(|outer| outer.name != item.name);
        let is_test = item.what == What::Test
            || outer.is_some_and(|outer| outer.is_test)
            || tests.binary_search(&(item.range.start, item.range.end)).is_ok();
        let container = outer.map(|outer| outer.name.clone());
        let kind = match item.what {
            What::Definition(kind) => Some(kind),
            What::Test => Some(SymbolKind::Function),
            What::Container => None,
        };
        open.push(Open {
            range: item.range.clone(),
            name: item.name.clone(),
            inner_depth: kind.map(|_| depth.saturating_add(1)),
            is_test,
        });
        definitions.extend(kind.map(|kind| Definition {
            kind,
            name: item.name,
            range: item.range,
            line: item.line,
            end_line: item.end_line,
            is_test,
            container,
            depth,
        }));
    }
    definitions
}

fn item(base: Base, tag: &Tag) -> Item {
    Item {
        pattern: tag.pattern,
        what: tag.what,
        range: tag.span.range(base),
        name: tag.name.range(base),
        line: (base.row as u32).saturating_add_signed(tag.row),
        end_line: (base.row as u32).saturating_add_signed(tag.end_row),
    }
}

/// Leaves one definition a name, and of tests those that no definition stands for. Returns the ranges of all tests,
/// sorted.
fn choose(items: &mut Vec<Item>) -> Vec<(usize, usize)> {
    // Of several patterns the last one of the query is right, of one pattern's matches the innermost.
    items.sort_by_key(|item| {
        let rank = match item.what {
            What::Definition(_) => 0,
            What::Container => 1,
            What::Test => 2,
        };
        (
            rank,
            item.name.start,
            item.name.end,
            Reverse(item.pattern),
            Reverse(item.range.start),
            item.range.end,
        )
    });
    items.dedup_by(|later, first| {
        matches!((first.what, later.what), (What::Definition(_), What::Definition(_)))
            && first.name == later.name
            || first.what == later.what && first.name == later.name && first.range == later.range
    });
    let ranges = |wanted: fn(What) -> bool| {
        let mut ranges: Vec<(usize, usize)> = items
            .iter()
            .filter(|item| wanted(item.what))
            .map(|item| (item.range.start, item.range.end))
            .collect();
        ranges.sort_unstable();
        ranges
    };
    let tests = ranges(|what| what == What::Test);
    if !tests.is_empty() {
        let defined = ranges(|what| matches!(what, What::Definition(_)));
        items.retain(|item| {
            item.what != What::Test || defined.binary_search(&(item.range.start, item.range.end)).is_err()
        });
    }
    tests
}

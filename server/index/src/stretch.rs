//! Stretches of a long document: runs of outermost items that are parsed by themselves once one of them is changed, so that
//! a keystroke costs the same in a long document as in a short one.
//!
//! A document is divided where a tree of the whole of it shows that an item ends and another begins at the start of a line.
//! A stretch is shown to stand alone when it is parsed for the first time: before the change, its parts must be those that
//! the tree of the whole gave. From then on the whole would be parsed to the same parts as long as the parser comes to the
//! last item of each stretch as it did then, and from its first item as well; changes that touch one of these are
//! changes of two stretches. Where it does not, as behind a quote that was not closed yet, or has errors, the stretch is
//! loose.

use crate::found::Base;
use crate::parts::{Part, Placed};
use galley_grammars::Language;
use ropey::RopeSlice;
use std::borrow::Cow;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use tree_sitter::{ParseOptions, Point, Tree};

/// Stretches are at least so long when they are made, in bytes.
pub(crate) const STRETCH: usize = if cfg!(test) { 1 << 9 } else { 4 << 10 };

/// A stretch at its place.
#[derive(Clone)]
pub(crate) struct Stretch {
    /// Its start in the text; lines begin where it begins.
    pub(crate) start: Base,
    pub(crate) read: Arc<Read>,
}

/// A stretch as it was read, wherever it stands.
pub(crate) struct Read {
    /// Its parts, from its start; none if it says nothing.
    pub(crate) root: Option<Placed>,
    /// Its own tree; none if it was never parsed by itself.
    pub(crate) tree: Option<Tree>,
    pub(crate) errors: Errors,
    /// None if it is all of the text and was not divided.
    pub(crate) edges: Option<Edges>,
    /// Is it unknown whether what is before and after it would be read the same?
    pub(crate) is_loose: bool,
}

/// What must stay as it is for the neighbours to stay as they are.
#[derive(Clone)]
pub(crate) struct Edges {
    /// The first item and where it ends, from the start of the stretch.
    first: (Arc<Part>, usize),
    /// The last one and where it begins, from the end of the stretch.
    last: (Arc<Part>, usize),
}

/// What a parser could not make sense of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Errors {
    /// Error and missing nodes.
    pub(crate) count: u32,
    /// Bytes in them; at least one for each that is not in another.
    pub(crate) bytes: usize,
}

/// An error or missing node.
pub(crate) struct Broken {
    at: usize,
    /// None if it is in another one.
    bytes: usize,
}

impl Errors {
    pub(crate) fn of<'b>(broken: impl IntoIterator<Item = &'b Broken>) -> Self {
        broken
            .into_iter()
            .fold(Self::default(), |errors, broken| errors.and(Self { count: 1, bytes: broken.bytes }))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self { count: self.count + other.count, bytes: self.bytes + other.bytes }
    }
}

/// All error and missing nodes in the order of the text.
pub(crate) fn broken(tree: &Tree) -> Vec<Broken> {
    let mut cursor = tree.walk();
    let (mut found, mut end) = (Vec::new(), 0);
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            let is_inside = node.end_byte() <= end && !found.is_empty();
            let bytes = if is_inside { 0 } else { node.byte_range().len().max(1) };
            end = end.max(node.end_byte());
            found.push(Broken { at: node.start_byte(), bytes });
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
        }
    }
}

/// Parses a text, with what is known of the text before, until `go_on` says no.
pub(crate) fn parse(
    language: &'static Language,
    text: RopeSlice,
    old: Option<&Tree>,
    go_on: &mut dyn FnMut() -> bool,
) -> Option<Tree> {
    let mut chunk = |byte: usize, _: Point| {
        let found = text.get_chunks_at_byte(byte).filter(|_| byte < text.len_bytes());
        let Some((mut chunks, start, _, _)) = found else { return Cow::Borrowed(&[][..]) };
        let chunk = chunks.next().unwrap_or_default();
        language.scannable(chunk.as_bytes().get(byte - start..).unwrap_or_default())
    };
    let mut progress = |_: &_| if go_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    crate::extract::with_parser(language, |parser| {
        parser.set_included_ranges(&[]).ok()?;
        let options = ParseOptions::new().progress_callback(&mut progress);
        let tree = parser.parse_with_options(&mut chunk, old, Some(options));
        if tree.is_none() {
            // Else it would go on with this text at the next one.
            parser.reset();
        }
        tree
    })
}

/// Divides the parts of a text, given what is broken in it; `None` if one stretch would have more than half of it.
pub(crate) fn divide(root: &Placed, text: RopeSlice, broken: &[Broken]) -> Option<Vec<Stretch>> {
    let items = root.items()?;
    let mut stretches = Vec::new();
    let (mut first, mut start) = (0, Base::default());
    let broken_in = |range: Range<usize>| {
        let from = broken.partition_point(|broken| broken.at < range.start);
        broken.get(from..).unwrap_or_default().iter().take_while(move |broken| broken.at < range.end)
    };
    let mut stretch = |start: Base, items: &[Placed], end: usize| {
        let at = if stretches.is_empty() { root.at } else { Base::default() };
        let base = start.and(at);
        let moved = items.iter().map(|item| item.moved(root.at, base)).collect();
        let root = root.with_items(at, moved);
        let edges = Edges::of(&root, end - start.byte)?;
        // Something may be missing at the very end.
        let behind = if end == text.len_bytes() { usize::MAX } else { end };
        let errors = Errors::of(broken_in(start.byte..behind));
        let read = Read { root: Some(root), tree: None, errors, edges: Some(edges), is_loose: false };
        stretches.push(Stretch { start, read: Arc::new(read) });
        Some(())
    };
    for (number, pair) in (1..).zip(items.windows(2)) {
        let [before, item] = pair else { continue };
        let begin = item.at.and(root.at);
        if begin.byte - start.byte < STRETCH || !before.part.may_end() || !item.part.may_begin() {
            continue;
        }
        let is_line = text.get_byte(begin.byte - 1) == Some(b'\n');
        let around = before.at.byte + root.at.byte..begin.byte + item.part.bytes() + 1;
        if is_line && broken_in(around).next().is_none() {
            stretch(start, items.get(first..number)?, begin.byte)?;
            (first, start) = (number, begin);
        }
    }
    stretch(start, items.get(first..)?, text.len_bytes())?;
    // Parsing most of the text anew to know a stretch alone would cost more than it spares.
    let ends = stretches.iter().skip(1).map(|stretch| stretch.start.byte).chain([text.len_bytes()]);
    let longest = stretches.iter().zip(ends).map(|(stretch, end)| end - stretch.start.byte).max();
    longest.filter(|longest| *longest <= text.len_bytes() / 2).map(|_| stretches)
}

/// The parts of neighbours as parts of one text that begins where the first of them does.
pub(crate) fn join(stretches: &[Stretch]) -> Option<Placed> {
    let first = stretches.first()?;
    let root = first.read.root.as_ref()?;
    if stretches.len() == 1 {
        return Some(root.clone());
    }
    let outer = first.start.and(root.at);
    let mut items = Vec::new();
    for stretch in stretches {
        let root = stretch.read.root.as_ref()?;
        let base = stretch.start.and(root.at);
        items.extend(root.items()?.iter().map(|item| item.moved(base, outer)));
    }
    Some(root.with_items(root.at, items.into()))
}

impl Edges {
    /// The edges of a stretch of so many bytes; `None` if nothing stands in it.
    pub(crate) fn of(root: &Placed, bytes: usize) -> Option<Self> {
        let items = root.items()?;
        let (first, last) = (items.first()?, items.last()?);
        let end = root.at.byte + first.at.byte + first.part.bytes();
        let begin = bytes.checked_sub(root.at.byte + last.at.byte)?;
        Some(Self { first: (Arc::clone(&first.part), end), last: (Arc::clone(&last.part), begin) })
    }

    /// The edges of neighbours as those of one stretch.
    pub(crate) fn around(stretches: &[Stretch]) -> Option<Self> {
        let (first, last) = (stretches.first()?, stretches.last()?);
        let first = first.read.edges.as_ref()?.first.clone();
        Some(Self { first, last: last.read.edges.as_ref()?.last.clone() })
    }

    /// Is a place, counted from the start, behind the first item, and does not touch it?
    pub(crate) fn is_behind_first(&self, byte: usize) -> bool {
        byte > self.first.1
    }

    /// Is a place, counted from the end, before the last item, and does not touch it?
    pub(crate) fn is_before_last(&self, byte: usize) -> bool {
        byte > self.last.1
    }

    /// Are the edges of what was read again, which are the same text, the same items in the same state? The start of the
    /// text and its end have no neighbours.
    pub(crate) fn are_same(&self, other: &Edges, is_start: bool, is_end: bool) -> bool {
        let is_same = |one: &(Arc<Part>, usize), other: &(Arc<Part>, usize)| {
            one.1 == other.1 && one.0.is_same(&other.0)
        };
        (is_start || is_same(&self.first, &other.first)) && (is_end || is_same(&self.last, &other.last))
    }
}

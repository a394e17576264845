//! The parts of an open document, and how they are renewed after a change.
//!
//! A part is a node of the tree with what was found in it. One of moderate size, mostly an item, is walked as a whole; a
//! larger one is opened, and its children are parts in it. Places in a part are relative to its start, and its own place
//! is relative to the part around it, so that a part stays true wherever it moves, and documents before and after a change
//! share it.
//!
//! A part is taken over if its node is the very node of the tree before, or if it lies apart from the change and has the
//! same form; in either case only under the same kinds of nodes, and only if nothing outside of it was looked at closer.
//! So a change costs a walk of the innermost part around it, and a look at the children of what is around that.

use crate::found::{Base, Found};
use crate::rules::Rules;
use crate::walk::Walk;
use galley_grammars::Language;
use ropey::RopeSlice;
use std::ops::Range;
use std::sync::Arc;
use tree_sitter::{Node, Tree, TreeCursor};

/// Nodes longer than this are opened, in bytes; the outermost is in any case.
const PART: usize = if cfg!(test) { 1 << 8 } else { 2 << 10 };
/// Nodes deeper than this are not: nothing here goes deeper than that by recursion.
const DEPTH: usize = 40;

/// A part of a document, wherever it stands.
pub(crate) struct Part {
    form: Form,
    /// Rows of siblings that go on before and after it, one bit each.
    rows: (u8, u8),
    /// The outermost node that was looked at closer, by the number of nodes above it.
    reach: usize,
    /// What was found in it, without what was found in the parts in it.
    found: Option<Box<Found>>,
    /// The parts in it, if it was opened.
    inside: Option<Box<[Placed]>>,
}

/// A part at its place: bytes and rows from the start of the part around it.
#[derive(Clone)]
pub(crate) struct Placed {
    pub(crate) at: Base,
    /// The identity of its node. It is another one's as soon as the node is gone, so it is believed only while a tree that
    /// has the node is there.
    id: usize,
    pub(crate) part: Arc<Part>,
}

/// What nodes of the same structure have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    kind: u16,
    length: usize,
    /// All nodes in it.
    nodes: usize,
    /// The parser's state where it begins; none where several readings were tried, or the node has errors.
    state: Option<u16>,
    /// The field that it is in, and a hash of kinds and fields of the nodes above.
    field: u16,
    above: u64,
    /// May it stand anywhere, as comments do?
    is_extra: bool,
}

/// What a text before leaves to the one after a change.
pub(crate) struct Before<'a> {
    /// The parts of its tree.
    root: &'a Placed,
    /// Bytes of the text before that changed, and where they end in the text after; none if it is the same text.
    changed: Option<(Range<usize>, usize)>,
    /// Is the tree there still, and are the parts all of it? Then they are known by their nodes too.
    has_tree: bool,
}

/// The parts of `tree`, which is the tree of `text`; `None` if it says nothing at all.
pub(crate) fn renew(
    language: &'static Language,
    text: RopeSlice,
    tree: &Tree,
    before: Option<&Before>,
) -> Option<Placed> {
    let rules = Rules::of(language);
    let mut renewal = Renewal { walk: Walk::new(&rules, text, Found::default()), before };
    let mut known = Known { parts: before.map_or(&[], |before| std::slice::from_ref(before.root)), start: 0 };
    renewal.node(&mut tree.walk(), Base::default(), 0, &mut known)
}

impl Placed {
    /// Calls `each` with everything that was found, in the order of the text, and where it begins. `outer` is where the
    /// part around it begins.
    pub(crate) fn each<'p>(&'p self, outer: Base, each: &mut impl FnMut(Base, &'p Found)) {
        let base = self.base(outer);
        if let Some(found) = &self.part.found {
            each(base, found);
        }
        self.part.inside.iter().flatten().for_each(|placed| placed.each(base, each));
    }

    /// The start of the last part that begins at `byte` or before it, in the whole text, where the part around this one
    /// begins at `outer`.
    pub(crate) fn near(&self, outer: Base, byte: usize) -> Base {
        let (mut base, mut placed) = (outer, self);
        while placed.base(base).byte <= byte {
            base = placed.base(base);
            let inside = placed.part.inside.as_deref().unwrap_or_default();
            let behind = inside.partition_point(|inner| base.byte + inner.at.byte <= byte);
            let Some(last) = behind.checked_sub(1).and_then(|last| inside.get(last)) else { break };
            placed = last;
        }
        base
    }

    fn base(&self, outer: Base) -> Base {
        outer.and(self.at)
    }

    /// The same part, its place counted from `to` and no longer from `from`.
    pub(crate) fn moved(&self, from: Base, to: Base) -> Placed {
        Placed { at: from.and(self.at).from(to), id: self.id, part: Arc::clone(&self.part) }
    }

    /// The parts in it, if all that was found was found in them, and if they would be the same with others beside them.
    pub(crate) fn items(&self) -> Option<&[Placed]> {
        let part = &self.part;
        part.inside.as_deref().filter(|_| part.found.is_none() && part.reach > 0)
    }

    /// The same with other parts in it, which stand in the order of the text, their places counted from its start.
    pub(crate) fn with_items(&self, at: Base, items: Box<[Placed]>) -> Placed {
        let rows = match (items.first(), items.last()) {
            (Some(first), Some(last)) => (first.part.rows.0, last.part.rows.1),
            _ => (0, 0),
        };
        let reach = items.iter().map(|placed| placed.part.reach).min().unwrap_or(usize::MAX);
        let part = Part { form: self.part.form, rows, reach, found: None, inside: Some(items) };
        Placed { at, id: 0, part: Arc::new(part) }
    }

    /// Was the same found in both, at the same place of parts of the same structure?
    pub(crate) fn is_like(&self, other: &Placed) -> bool {
        self.at == other.at && (Arc::ptr_eq(&self.part, &other.part) || self.part.is_like(&other.part))
    }
}

impl Part {
    fn is_like(&self, other: &Part) -> bool {
        // The state may be another one at the start of a text.
        let form = Form { state: self.form.state, ..other.form };
        let (inside, others) = (self.inside.iter().flatten(), other.inside.iter().flatten());
        self.form == form
            && self.rows == other.rows
            && self.found == other.found
            && inside.clone().count() == others.clone().count()
            && inside.zip(others).all(|(one, other)| one.is_like(other))
    }

    /// How many bytes are in its node.
    pub(crate) fn bytes(&self) -> usize {
        self.form.length
    }

    /// May the text be divided before this part? Not where a row of siblings goes on, or before a comment.
    pub(crate) fn may_begin(&self) -> bool {
        self.rows.0 == 0 && !self.form.is_extra
    }

    /// May the text be divided behind it?
    pub(crate) fn may_end(&self) -> bool {
        self.rows.1 == 0 && !self.form.is_extra
    }

    /// Given that the text of both is the same: did the parser come to them in the same state, and read them the same?
    pub(crate) fn is_same(self: &Arc<Part>, other: &Arc<Part>) -> bool {
        let is_known = self.form.state.is_some() && self.form == other.form;
        (Arc::ptr_eq(self, other) || is_known) && self.rows == other.rows
    }
}

impl Form {
    fn of(node: &Node, field: u16, above: u64) -> Self {
        let state = Some(node.parse_state()).filter(|state| *state != u16::MAX && !node.has_error());
        let length = node.end_byte().saturating_sub(node.start_byte());
        let (nodes, is_extra) = (node.descendant_count(), node.is_extra());
        Self { kind: node.kind_id(), length, nodes, state, field, above, is_extra }
    }
}

/// Parts of the text before among which a node's parts are looked for, in the order of the text.
struct Known<'a> {
    /// Those that are not passed yet.
    parts: &'a [Placed],
    /// Where the part around them begins in the text before.
    start: usize,
}

impl<'a> Known<'a> {
    /// Those that begin at a place of the text before; the ones before it are passed.
    fn at(&mut self, byte: usize) -> impl Iterator<Item = &'a Placed> + use<'a> {
        let start = self.start;
        let passed = self.parts.iter().take_while(|placed| start + placed.at.byte < byte).count();
        self.parts = self.parts.get(passed..).unwrap_or_default();
        self.parts.iter().take_while(move |placed| start + placed.at.byte == byte)
    }
}

/// A walk that passes what is known.
struct Renewal<'a, 'tree> {
    walk: Walk<'a, 'tree, RopeSlice<'a>>,
    before: Option<&'a Before<'a>>,
}

impl<'a, 'tree> Renewal<'a, 'tree> {
    /// The part of the node at the cursor, placed in the part that begins at `outer`.
    fn node(
        &mut self,
        cursor: &mut TreeCursor<'tree>,
        outer: Base,
        above: u64,
        known: &mut Known<'a>,
    ) -> Option<Placed> {
        let node = cursor.node();
        if self.walk.is_token(&node) {
            return None;
        }
        let base = Base { byte: node.start_byte(), row: node.start_position().row };
        let at = base.from(outer);
        let form = Form::of(&node, cursor.field_id().map_or(0, |id| id.get()), above);
        let old_start = self.before.and_then(|before| before.start(base.byte));
        let mut same_kind = None;
        if let Some(start) = old_start {
            for placed in known.at(start).filter(|placed| placed.part.form.kind == form.kind) {
                if self.is_known(placed, &node, &form) {
                    self.walk.set_rows(placed.part.rows.1);
                    return Some(Placed { at, id: node.id(), part: Arc::clone(&placed.part) });
                }
                same_kind = Some(placed);
            }
        }
        let inside = same_kind.and_then(|placed| placed.part.inside.as_deref()).unwrap_or_default();
        let known = Known { parts: inside, start: old_start.unwrap_or_default() };
        Some(Placed { at, id: node.id(), part: Arc::new(self.read(cursor, base, form, known)) })
    }

    /// May the part of a node before be taken for this node?
    fn is_known(&self, placed: &Placed, node: &Node, form: &Form) -> bool {
        let (part, range) = (&placed.part, node.byte_range());
        let Some(before) = self.before else { return false };
        let is_same = before.has_tree
            && placed.id == node.id()
            && (part.form.field, part.form.above) == (form.field, form.above);
        // The parts in an opened one have nodes of their own, which are known only with its own node.
        let is_like = part.inside.is_none() && form.state.is_some() && part.form == *form;
        (is_same || is_like && before.is_apart(&range))
            && part.rows.0 == self.walk.rows()
            && part.reach >= self.walk.depth()
    }

    /// Reads the node at the cursor, or those of its children that are not known.
    fn read(&mut self, cursor: &mut TreeCursor<'tree>, base: Base, form: Form, mut known: Known<'a>) -> Part {
        let node = cursor.node();
        let rows_before = self.walk.rows();
        self.walk.base = base;
        self.walk.reach = usize::MAX;
        if self.walk.follows_rows(&node) {
            self.walk.row(node);
        }
        let is_long = form.length > PART || self.walk.depth() == 0;
        let is_opened = is_long && self.walk.depth() < DEPTH && self.walk.may_open(&node);
        let is_entered = if is_opened {
            self.walk.enter(cursor)
        } else {
            self.walk.subtree(cursor);
            false
        };
        let found = (!self.walk.found.is_empty()).then(|| Box::new(std::mem::take(&mut self.walk.found)));
        let mut reach = self.walk.reach;
        let mut inside = Vec::new();
        if is_entered {
            inside.reserve(known.parts.len() + 4);
            let above = self.walk.above_hash(form.above, form.field);
            loop {
                if let Some(placed) = self.node(cursor, base, above, &mut known) {
                    reach = reach.min(placed.part.reach);
                    inside.push(placed);
                }
                if !cursor.goto_next_sibling() {
                    break;
                }
            }
            cursor.goto_parent();
            self.walk.leave();
        }
        let inside = is_entered.then(|| inside.into_boxed_slice());
        Part { form, rows: (rows_before, self.walk.rows()), reach, found, inside }
    }
}

impl<'a> Before<'a> {
    /// A tree that is there still, and the bytes of its text that changed, with their end in the text after.
    pub(crate) fn changed(root: &'a Placed, changed: Range<usize>, new_end: usize) -> Self {
        Before { root, changed: Some((changed, new_end)), has_tree: true }
    }

    /// Another tree of the same text.
    pub(crate) fn again(root: &'a Placed) -> Self {
        Before { root, changed: None, has_tree: false }
    }

    /// As [`Before::changed`] with parts that need not be of one tree.
    pub(crate) fn without_tree(self) -> Self {
        Before { has_tree: false, ..self }
    }

    /// Where what begins at `byte` now began in the text before, unless it is in the midst of the change.
    fn start(&self, byte: usize) -> Option<usize> {
        match &self.changed {
            Some((changed, new_end)) if byte > changed.start => {
                byte.checked_sub(*new_end).map(|behind| behind + changed.end)
            }
            _ => Some(byte),
        }
    }

    /// Does the change not even touch this range of the text after it?
    fn is_apart(&self, range: &Range<usize>) -> bool {
        let is_apart = |changed: &Range<usize>, new_end| range.end < changed.start || range.start > new_end;
        self.changed.as_ref().is_none_or(|(changed, new_end)| is_apart(changed, *new_end))
    }
}

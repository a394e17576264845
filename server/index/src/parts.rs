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
use ropey::Rope;
use std::ops::Range;
use std::sync::Arc;
use tree_sitter::{Node, Tree, TreeCursor};

/// Nodes longer than this are opened, in bytes.
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
    at: Base,
    /// The identity of its node. It is another one's as soon as the node is gone, so it is believed only while a tree that
    /// has the node is there.
    id: usize,
    part: Arc<Part>,
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
}

/// What a text before leaves to the one after a change.
pub(crate) struct Before<'a> {
    /// The parts of its tree, which must be there still.
    pub(crate) root: &'a Placed,
    /// Bytes of the text before that changed, and where they end in the text after.
    pub(crate) changed: Range<usize>,
    pub(crate) new_end: usize,
}

/// The parts of `tree`, which is the tree of `rope`; `None` if it says nothing at all.
pub(crate) fn renew(
    language: &'static Language,
    rope: &Rope,
    tree: &Tree,
    before: Option<&Before>,
) -> Option<Placed> {
    let rules = Rules::of(language);
    let mut renewal = Renewal { walk: Walk::new(&rules, rope, Found::default()), before };
    let mut known = Known { parts: before.map_or(&[], |before| std::slice::from_ref(before.root)), start: 0 };
    renewal.node(&mut tree.walk(), Base::default(), 0, &mut known)
}

impl Placed {
    /// Calls `each` with everything that was found, in the order of the text, and where it begins.
    pub(crate) fn each<'p>(&'p self, each: &mut impl FnMut(Base, &'p Found)) {
        self.each_from(Base::default(), each);
    }

    fn each_from<'p>(&'p self, outer: Base, each: &mut impl FnMut(Base, &'p Found)) {
        let base = self.base(outer);
        if let Some(found) = &self.part.found {
            each(base, found);
        }
        self.part.inside.iter().flatten().for_each(|placed| placed.each_from(base, each));
    }

    /// The start of the last part that begins at `byte` or before it, in the whole text.
    pub(crate) fn near(&self, byte: usize) -> Base {
        let (mut base, mut placed) = (Base::default(), self);
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
        Base { byte: outer.byte + self.at.byte, row: outer.row + self.at.row }
    }
}

impl Form {
    fn of(node: &Node, field: u16, above: u64) -> Self {
        let state = Some(node.parse_state()).filter(|state| *state != u16::MAX && !node.has_error());
        let length = node.end_byte().saturating_sub(node.start_byte());
        Self { kind: node.kind_id(), length, nodes: node.descendant_count(), state, field, above }
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
    walk: Walk<'a, 'tree, &'a Rope>,
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
        let at = Base { byte: base.byte.saturating_sub(outer.byte), row: base.row.saturating_sub(outer.row) };
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
        let is_same =
            placed.id == node.id() && (part.form.field, part.form.above) == (form.field, form.above);
        // The parts in an opened one have nodes of their own, which are known only with its own node.
        let is_like = part.inside.is_none() && form.state.is_some() && part.form == *form;
        (is_same || is_like && self.before.is_some_and(|before| before.is_apart(&range)))
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
        let is_opened = form.length > PART && self.walk.depth() < DEPTH && self.walk.may_open(&node);
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

impl Before<'_> {
    /// Where what begins at `byte` now began in the text before, unless it is in the midst of the change.
    fn start(&self, byte: usize) -> Option<usize> {
        if byte <= self.changed.start {
            return Some(byte);
        }
        byte.checked_sub(self.new_end).map(|behind| behind + self.changed.end)
    }

    /// Does the change not even touch this range of the text after it?
    fn is_apart(&self, range: &Range<usize>) -> bool {
        range.end < self.changed.start || range.start > self.new_end
    }
}

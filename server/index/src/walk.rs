//! One pass of a cursor over a tree: names, words of people, errors, and everything that the rules of the language say.

use crate::found::{Base, Found};
use crate::rules::{Fit, FitPart, Flag, Row, Rule, Rules, Test};
use crate::turn::worked;
use ropey::RopeSlice;
use std::borrow::Cow;
use std::hash::Hasher;
use std::ops::Range;
use std::sync::Arc;
use tree_sitter::{Node, TreeCursor};

/// Bytes of a text that need not lie in one piece.
pub(crate) trait Source {
    /// The bytes of a range; empty where it does not fit.
    fn bytes(&self, range: Range<usize>) -> Cow<'_, [u8]>;
}

impl Source for &str {
    fn bytes(&self, range: Range<usize>) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes().get(range).unwrap_or_default())
    }
}

impl Source for RopeSlice<'_> {
    fn bytes(&self, range: Range<usize>) -> Cow<'_, [u8]> {
        match self.get_byte_slice(range).map(|slice| (slice.as_str(), slice)) {
            Some((Some(text), _)) => Cow::Borrowed(text.as_bytes()),
            Some((None, slice)) => Cow::Owned(slice.bytes().collect()),
            None => Cow::Borrowed(&[]),
        }
    }
}

/// Nodes that are visited between two counts of the work, ...
const VISITS: u32 = 64;
/// ... and the units of work that they stand for.
const VISITED: u32 = 100;

/// A node above the one at hand.
#[derive(Clone, Copy)]
pub(crate) struct Above<'tree> {
    pub(crate) node: Node<'tree>,
    slot: usize,
    /// The field that it has in the node above it, if a rule asks for it; else 0.
    field: u16,
    /// Rules that any named child may begin.
    wild: u16,
    /// Rows that began at a child, one bit each.
    armed: u8,
    /// How many children come after the one at hand; known where a whole subtree is walked.
    left: u32,
}

/// The walk itself. A part of a tree is walked with the nodes above it given.
pub(crate) struct Walk<'rules, 'tree, S> {
    rules: &'rules Rules,
    source: S,
    above: Vec<Above<'tree>>,
    /// So many of `above` lie outside of the part that is walked.
    outside: usize,
    /// Names are not looked for below this depth: inside prose.
    muted: usize,
    children: Vec<Vec<(Node<'tree>, u16)>>,
    spare: Option<TreeCursor<'tree>>,
    pub(crate) base: Base,
    pub(crate) found: Found,
    visits: u32,
    /// The outermost node that was looked at other than for its kind and field, by the number of nodes above it.
    pub(crate) reach: usize,
    pub(crate) outline_only: bool,
}

/// What a walk does after a node.
enum Next {
    Down,
    Over,
}

impl<'rules, 'tree, S: Source> Walk<'rules, 'tree, S> {
    pub(crate) fn new(rules: &'rules Rules, source: S, found: Found) -> Self {
        Self {
            rules,
            source,
            above: Vec::with_capacity(64),
            outside: 0,
            muted: usize::MAX,
            children: Vec::new(),
            spare: None,
            base: Base::default(),
            found,
            visits: 0,
            reach: usize::MAX,
            outline_only: false,
        }
    }

    /// Walks the node at the cursor and all below it; the cursor comes back to it.
    pub(crate) fn subtree(&mut self, cursor: &mut TreeCursor<'tree>) {
        self.outside = self.above.len();
        loop {
            if let Next::Down = self.visit(cursor) {
                continue;
            }
            loop {
                if self.above.len() == self.outside {
                    return;
                }
                if self.next(cursor) {
                    break;
                }
                cursor.goto_parent();
                self.leave();
            }
        }
    }

    /// Goes to the next child of the innermost node entered. That there is none is known by counting: the cursor would
    /// look for one in everything hidden above the last child.
    fn next(&mut self, cursor: &mut TreeCursor<'tree>) -> bool {
        let Some(above) = self.above.last_mut() else { return false };
        if above.left == 0 {
            debug_assert!(
                !cursor.goto_next_sibling(),
                "a {} has more children than it counts",
                above.node.kind()
            );
            return false;
        }
        above.left -= 1;
        cursor.goto_next_sibling()
    }

    /// Looks at the node at the cursor, and goes to its first child unless nothing below it matters.
    fn visit(&mut self, cursor: &mut TreeCursor<'tree>) -> Next {
        self.visits += 1;
        if self.visits.is_multiple_of(VISITS) {
            worked(VISITED);
        }
        let node = cursor.node();
        let kind = node.kind_id();
        let slot = self.rules.slot(kind);
        let flags = self.rules.flags(slot);
        let children = if flags & Flag::TOKEN == 0 { node.child_count() } else { 0 };
        let is_leaf_name = flags & Flag::NAME != 0 && children == 0;
        if is_leaf_name && !self.outline_only && self.above.len() <= self.muted {
            self.found.occurrence(self.base, &node);
        }
        let (parent, wild, armed) = match self.above.last() {
            Some(above) => (above.slot, above.wild, above.armed),
            None => (self.rules.nothing(), self.rules.wild(self.rules.nothing()), 0),
        };
        if flags & Flag::ANCHOR != 0 {
            self.begin(cursor, node, kind, self.rules.begin(slot, parent));
        }
        if wild != 0 && flags & Flag::TOKEN == 0 {
            self.begin(cursor, node, kind, self.rules.list(wild));
        }
        // Siblings of the part's own node are the caller's.
        if (armed != 0 || flags & Flag::ROW != 0) && self.above.len() > self.outside {
            self.row(node);
        }
        if is_leaf_name || flags & Flag::TOKEN != 0 {
            return Next::Over;
        }
        if flags & Flag::PROSE != 0 && !self.outline_only && self.above.len() <= self.muted {
            self.found.prose(self.base, &node);
            if !node.has_error() {
                if flags & Flag::COMMENT != 0 {
                    return Next::Over;
                }
                self.muted = self.above.len();
            }
        }
        let field = if flags & Flag::FIELD != 0 { cursor.field_id().map_or(0, |id| id.get()) } else { 0 };
        if children > 0 && cursor.goto_first_child() {
            let left = children - 1;
            self.above.push(Above { node, slot, field, wild: self.rules.wild(slot), armed: 0, left });
            return Next::Down;
        }
        self.unmute();
        Next::Over
    }

    /// Is the node one that nothing can be said of?
    pub(crate) fn is_token(&self, node: &Node) -> bool {
        let flags = self.rules.flags(self.rules.slot(node.kind_id()));
        flags & Flag::TOKEN != 0 && flags & Flag::ANCHOR == 0
    }

    /// May the node be entered, and its children be walked one by one? Not where they mean something together.
    pub(crate) fn may_open(&self, node: &Node) -> bool {
        let flags = self.rules.flags(self.rules.slot(node.kind_id()));
        flags & (Flag::PROSE | Flag::NAME | Flag::TOKEN) == 0 && node.child_count() > 0
    }

    /// Looks at the node at the cursor alone and goes to its first child, if it has one.
    pub(crate) fn enter(&mut self, cursor: &mut TreeCursor<'tree>) -> bool {
        self.outside = self.above.len();
        matches!(self.visit(cursor), Next::Down)
    }

    /// How many nodes are above.
    pub(crate) fn depth(&self) -> usize {
        self.above.len()
    }

    /// Rows of siblings that go on at the next child of the innermost node entered, one bit each.
    pub(crate) fn rows(&self) -> u8 {
        self.above.last().map_or(0, |above| above.armed)
    }

    pub(crate) fn set_rows(&mut self, rows: u8) {
        if let Some(above) = self.above.last_mut() {
            above.armed = rows;
        }
    }

    /// What rules can know of the nodes above without looking at them closer: of the innermost node entered, added to
    /// what is said of it itself.
    pub(crate) fn above_hash(&self, above: u64, field: u16) -> u64 {
        let mut hasher = crate::hash::Fast::default();
        hasher.write_u64(above);
        hasher.write_u16(field);
        if let Some(above) = self.above.last() {
            hasher.write_usize(above.slot);
            hasher.write_u16(above.field);
        }
        hasher.finish()
    }

    /// Comes back from the children of a node; the cursor was brought back already.
    pub(crate) fn leave(&mut self) {
        self.above.pop();
        self.unmute();
    }

    fn unmute(&mut self) {
        if self.above.len() <= self.muted {
            self.muted = usize::MAX;
        }
    }

    /// Tries the rules that may begin at this node.
    fn begin(&mut self, cursor: &TreeCursor<'tree>, node: Node<'tree>, kind: u16, list: &'rules [u32]) {
        let mut field = None;
        for number in list {
            let rule = self.rules.rule(*number);
            let link = &rule.links[0];
            if !link.kinds.fit(kind, || node.is_named())
                || link.field != 0
                    && link.field != *field.get_or_insert_with(|| cursor.field_id().map_or(0, |id| id.get()))
                || !self.fits_alone(node, &link.absent, &link.tests)
                || !self.chain(rule)
            {
                continue;
            }
            if self.checked(rule, node) {
                self.look(rule.subject_level.max(rule.name_level.unwrap_or(0)));
                let subject = self.at(node, rule.subject_level);
                let name = rule.name_level.map_or(subject, |level| self.at(node, level));
                self.found.tag(self.base, rule.pattern, rule.subject, &subject, &name);
            }
        }
    }

    /// Notes that the node `level` above the one at hand counts.
    fn look(&mut self, level: usize) {
        self.reach = self.reach.min(self.above.len().saturating_sub(level));
    }

    /// Do the nodes above fit the rest of the chain?
    fn chain(&mut self, rule: &Rule) -> bool {
        rule.links.iter().enumerate().skip(1).all(|(level, link)| {
            let above = self.above.len().checked_sub(level).and_then(|at| self.above.get(at));
            let Some(above) = above.copied() else { return false };
            if !link.kinds.fit(above.node.kind_id(), || above.node.is_named())
                || link.field != 0 && link.field != above.field
            {
                return false;
            }
            if link.absent.is_empty() && link.tests.is_empty() {
                return true;
            }
            self.look(level);
            self.fits_alone(above.node, &link.absent, &link.tests)
        })
    }

    /// The node `level` above the one at hand.
    fn at(&self, node: Node<'tree>, level: usize) -> Node<'tree> {
        match level.checked_sub(1).and_then(|up| self.above.len().checked_sub(up + 1)) {
            Some(at) => self.above.get(at).map_or(node, |above| above.node),
            None => node,
        }
    }

    /// Looks at what the chain does not say.
    fn checked(&mut self, rule: &Rule, node: Node<'tree>) -> bool {
        let Some((level, fit)) = &rule.check else { return true };
        self.look(*level);
        let top = self.at(node, *level);
        self.fits(fit, top, Some(node))
    }

    fn fits_alone(&self, node: Node<'tree>, absent: &[u16], tests: &[Arc<Test>]) -> bool {
        absent.iter().all(|field| node.child_by_field_id(*field).is_none())
            && tests.iter().all(|test| test.holds(&self.source.bytes(node.byte_range())))
    }

    /// Does the node fit, with all that it has to hold? With an anchor given, nodes of its chain must be themselves.
    fn fits(&mut self, fit: &Fit, node: Node<'tree>, anchor: Option<Node<'tree>>) -> bool {
        if !fit.kinds.fit(node.kind_id(), || node.is_named()) {
            return false;
        }
        if let (Some(level), Some(anchor)) = (fit.level, anchor)
            && self.at(anchor, level) != node
        {
            return false;
        }
        if !self.fits_alone(node, &fit.absent, &fit.tests) {
            return false;
        }
        if fit.parts.is_empty() && !fit.closed {
            return true;
        }
        let children = self.children(node);
        let fits = self.parts(&fit.parts, fit.closed, &children, 0, anchor);
        self.children.push(children);
        fits
    }

    /// Do the children from number `from` on fit the parts in order?
    fn parts(
        &mut self,
        parts: &[FitPart],
        closed: bool,
        children: &[(Node<'tree>, u16)],
        from: usize,
        anchor: Option<Node<'tree>>,
    ) -> bool {
        let Some((part, more)) = parts.split_first() else {
            return !closed || !children[from..].iter().any(|(child, _)| child.is_named());
        };
        for (number, (child, field)) in children.iter().enumerate().skip(from) {
            if (part.field == 0 || part.field == *field)
                && self.fits(&part.fit, *child, anchor)
                && self.parts(more, closed, children, number + 1, anchor)
            {
                return true;
            }
            if part.adjacent && child.is_named() {
                return false;
            }
        }
        false
    }

    /// The children of a node with their fields, in a list to be given back.
    fn children(&mut self, node: Node<'tree>) -> Vec<(Node<'tree>, u16)> {
        let mut list = self.children.pop().unwrap_or_default();
        list.clear();
        let cursor = self.spare.get_or_insert_with(|| node.walk());
        cursor.reset(node);
        if cursor.goto_first_child() {
            loop {
                list.push((cursor.node(), cursor.field_id().map_or(0, |id| id.get())));
                if !cursor.goto_next_sibling() {
                    break;
                }
            }
        }
        list
    }

    /// Does a row begin or go on at this node, a child of the innermost node entered?
    pub(crate) fn follows_rows(&self, node: &Node) -> bool {
        self.above.last().is_some_and(|above| {
            above.armed != 0 || self.rules.flags(self.rules.slot(node.kind_id())) & Flag::ROW != 0
        })
    }

    /// Follows rows of siblings by one node.
    pub(crate) fn row(&mut self, node: Node<'tree>) {
        if !node.is_named() {
            return;
        }
        let Some(armed) = self.above.last().map(|above| above.armed) else { return };
        let (kind, rules) = (node.kind_id(), self.rules);
        let mut after = 0;
        for (number, row) in rules.rows.iter().enumerate() {
            let bit = 1 << number;
            if armed & bit != 0 {
                if self.fits(&row.last, node, None) {
                    let name = named(row, node);
                    self.found.tag(self.base, row.pattern, row.subject, &node, &name);
                }
                if row.between.fit(kind, || true) {
                    after |= bit;
                }
            }
            if self.fits(&row.first, node, None) {
                after |= bit;
            }
        }
        if let Some(above) = self.above.last_mut() {
            above.armed = after;
        }
    }
}

/// The name in the last node of a row.
fn named<'tree>(row: &Row, node: Node<'tree>) -> Node<'tree> {
    let (mut at, mut fit) = (node, &row.last);
    for part in row.name.iter().flatten() {
        let Some(part) = fit.parts.get(*part) else { break };
        let Some(child) = at.child_by_field_id(part.field) else { break };
        (at, fit) = (child, &part.fit);
    }
    at
}

//! What the parser says of a document, kept up with its changes.
//!
//! A short document is one tree, parsed again with what is known after each change. Of a long one only the stretches that
//! a change touches are ([`crate::stretch`]). Should one of them come loose, its own parts are what is known until the
//! whole is parsed again, away from the keystroke; of both readings the one with less in errors stays.

use crate::found::{Base, Found};
use crate::parts::{Before, Placed, renew};
use crate::stretch::{Edges, Errors, Read, STRETCH, Stretch, broken, divide, join, parse};
use galley_grammars::Language;
use galley_text::edit::TextEdit;
use ropey::{Rope, RopeSlice};
use std::ops::Range;
use std::sync::Arc;
use tree_sitter::{InputEdit, Point, Tree};

/// A change of more stretches than this is one of the whole.
const AT_ONCE: usize = 6;
/// Texts longer than this are not inserted in a stretch, in bytes.
const INSERTED: usize = 4 * STRETCH;
/// A stretch that has grown so long is divided again, in bytes.
const LONG: usize = 8 * STRETCH;
/// What is longer than this, in bytes, and than its share of the text is parsed with the whole: that costs less than to
/// parse it anew by itself.
const ANEW: usize = 4 * STRETCH;
const SHARE: usize = 8;

/// The syntax of a document.
#[derive(Clone)]
pub(crate) struct Parsed {
    language: &'static Language,
    /// The tree of the whole as it was parsed last, told of all changes since.
    whole: Tree,
    /// Did nothing change since?
    is_current: bool,
    /// Did no stretch fail to stand alone?
    is_divisible: bool,
    /// In order, without gaps; one if the text is not divided.
    stretches: Vec<Stretch>,
    /// Was the whole parsed because of loose stretches, and said no more than they do?
    is_tried: bool,
}

/// A change of a text.
pub(crate) struct Change<'a> {
    pub(crate) before: &'a Rope,
    pub(crate) after: &'a Rope,
    /// Sorted, of the text before; at least one.
    pub(crate) edits: &'a [TextEdit],
    /// By how many lines the text grew.
    pub(crate) rows: isize,
}

impl Change<'_> {
    /// Bytes of the text before.
    fn range(&self) -> Range<usize> {
        let start = self.edits.first().map_or(0, |edit| edit.range.start);
        start..self.edits.last().map_or(start, |edit| edit.range.end)
    }

    /// Where the end of a stretch or change in the text before is in the text after.
    fn end_after(&self, end: usize) -> usize {
        (end + self.after.len_bytes()).saturating_sub(self.before.len_bytes())
    }

    fn inserted(&self) -> usize {
        self.edits.iter().map(|edit| edit.text.len()).sum()
    }
}

impl Parsed {
    pub(crate) fn new(language: &'static Language, text: &Rope) -> Option<Self> {
        let tree = parse(language, text.slice(..), None, &mut || true)?;
        let root = renew(language, text.slice(..), &tree, None);
        Some(Self::of(language, tree, root, text, true))
    }

    fn of(
        language: &'static Language,
        whole: Tree,
        root: Option<Placed>,
        text: &Rope,
        is_divisible: bool,
    ) -> Self {
        let broken = if whole.root_node().has_error() { broken(&whole) } else { Vec::new() };
        let is_long = is_divisible && text.len_bytes() > 2 * STRETCH && !whole.root_node().is_error();
        let divided =
            root.as_ref().filter(|_| is_long).and_then(|root| divide(root, text.slice(..), &broken));
        let stretches = divided.unwrap_or_else(|| {
            let errors = Errors::of(&broken);
            let read = Read { root, tree: None, errors, edges: None, is_loose: false };
            vec![Stretch { start: Base::default(), read: Arc::new(read) }]
        });
        Self { language, whole, is_current: true, is_divisible, stretches, is_tried: false }
    }

    /// The syntax after a change.
    pub(crate) fn changed(&self, change: &Change) -> Option<Self> {
        let mut told = Self { whole: self.whole.clone(), is_current: false, is_tried: false, ..self.clone() };
        // From the last to the first, so that places in the text before stay true.
        for edit in change.edits.iter().rev() {
            told.whole.edit(&self.input_edit(change.before, edit, Base::default()));
        }
        if told.is_divided() && change.inserted() <= INSERTED {
            match self.changed_stretches(change) {
                Some(Ok(stretches)) => return Some(Self { stretches, ..told }),
                Some(Err(Dependent)) => told.is_divisible = false,
                None => {}
            }
        }
        self.changed_whole(&told, change)
    }

    /// Parses all of the text after a change, with the whole tree that was told of it.
    fn changed_whole(&self, told: &Self, change: &Change) -> Option<Self> {
        let text = change.after.slice(..);
        let tree = parse(self.language, text, Some(&told.whole), &mut || true)?;
        let root = join(&self.stretches);
        let new_end = change.end_after(change.range().end);
        let before = root.as_ref().map(|root| Before::changed(root, change.range(), new_end));
        let before = before.map(|before| if self.is_current { before } else { before.without_tree() });
        let root = renew(self.language, text, &tree, before.as_ref());
        Some(Self::of(self.language, tree, root, change.after, told.is_divisible))
    }

    /// The stretches after a change of a few of them; `None` if there would be more, an error if they do not stand alone.
    fn changed_stretches(&self, change: &Change) -> Option<Result<Vec<Stretch>, Dependent>> {
        let touched = self.touched(change.range(), change.before.len_bytes())?;
        let old = self.stretches.get(touched.clone())?;
        let start = old.first()?.start;
        let end = self.stretches.get(touched.end).map(|stretch| stretch.start);
        let range = start.byte..end.map_or(change.before.len_bytes(), |end| end.byte);
        let text = change.before.get_byte_slice(range.clone())?;
        let read = match old {
            [one] if one.read.tree.is_some() => Arc::clone(&one.read),
            _ if text.len_bytes() > ANEW.max(change.before.len_bytes() / SHARE) => return None,
            _ => match self.read_alone(old, text)? {
                Ok(read) => Arc::new(read),
                Err(dependent) => return Some(Err(dependent)),
            },
        };
        let mut tree = read.tree.clone()?;
        for edit in change.edits.iter().rev() {
            tree.edit(&self.input_edit(change.before, edit, start));
        }
        let text = change.after.get_byte_slice(range.start..change.end_after(range.end))?;
        let tree = parse(self.language, text, Some(&tree), &mut || true)?;
        let (changed, at) = (change.range(), start.byte);
        let new_end = change.end_after(changed.end) - at;
        let before = read.root.as_ref();
        let before = before.map(|root| Before::changed(root, changed.start - at..changed.end - at, new_end));
        let root = renew(self.language, text, &tree, before.as_ref());
        let is_edge = (touched.start == 0, touched.end == self.stretches.len());
        let read = Read::after(&read, root, tree, text.len_bytes(), is_edge);
        let mut stretches = Vec::with_capacity(self.stretches.len());
        stretches.extend_from_slice(self.stretches.get(..touched.start)?);
        stretches.extend(read.placed(start, text));
        for later in self.stretches.get(touched.end..)? {
            let row = later.start.row.saturating_add_signed(change.rows);
            let start = Base { byte: change.end_after(later.start.byte), row };
            stretches.push(Stretch { start, read: Arc::clone(&later.read) });
        }
        Some(Ok(stretches))
    }

    /// The stretches that a change of these bytes touches, with the neighbours of those whose edges it touches.
    fn touched(&self, range: Range<usize>, length: usize) -> Option<Range<usize>> {
        let holds = |byte| self.stretches.partition_point(|stretch| stretch.start.byte <= byte);
        let (mut first, mut end) = (holds(range.start).checked_sub(1)?, holds(range.end));
        let edges = |number: usize| self.stretches.get(number)?.read.edges.as_ref();
        while first > 0 && !edges(first)?.is_behind_first(range.start - self.stretches.get(first)?.start.byte)
        {
            first -= 1;
        }
        while let Some(next) = self.stretches.get(end) {
            if edges(end - 1)?.is_before_last(next.start.byte - range.end) {
                break;
            }
            end += 1;
        }
        (end - first <= AT_ONCE && range.end <= length).then_some(first..end)
    }

    /// Parses neighbours as one text of their own, which has to say the same of them, unless some are loose.
    fn read_alone(&self, old: &[Stretch], text: RopeSlice) -> Option<Result<Read, Dependent>> {
        let tree = parse(self.language, text, None, &mut || true)?;
        let joined = join(old);
        let root = renew(self.language, text, &tree, joined.as_ref().map(Before::again).as_ref());
        let errors = Errors::of(&if tree.root_node().has_error() { broken(&tree) } else { Vec::new() });
        let is_loose = old.iter().any(|stretch| stretch.read.is_loose);
        let edges = if is_loose {
            Edges::around(old)?
        } else {
            let items =
                |root: &Option<Placed>| root.as_ref().and_then(|root| root.items().map(<[_]>::to_vec));
            let (known, found) = (items(&joined)?, items(&root).unwrap_or_default());
            let known_errors = old.iter().fold(Errors::default(), |errors, old| errors.and(old.read.errors));
            let is_alike = known.len() == found.len()
                && joined.as_ref().map(|root| root.at) == root.as_ref().map(|root| root.at)
                && known.iter().zip(&found).all(|(known, found)| known.is_like(found));
            let edges = root.as_ref().and_then(|root| Edges::of(root, text.len_bytes()));
            match edges.filter(|_| is_alike && known_errors == errors) {
                Some(edges) => edges,
                None => return Some(Err(Dependent)),
            }
        };
        Some(Ok(Read { root, tree: Some(tree), errors, edges: Some(edges), is_loose }))
    }

    fn is_divided(&self) -> bool {
        self.stretches.len() > 1
    }

    /// Is there nothing that a tree of the whole would tell better?
    pub(crate) fn is_settled(&self) -> bool {
        self.is_tried || !self.stretches.iter().any(|stretch| stretch.read.is_loose)
    }

    /// Parses the whole where stretches came loose, as long as `go_on` says yes; `None` if it said no.
    pub(crate) fn settled(&self, text: &Rope, go_on: &mut dyn FnMut() -> bool) -> Option<Self> {
        let tree = parse(self.language, text.slice(..), Some(&self.whole), go_on)?;
        let errors = Errors::of(&broken(&tree));
        let known = self.stretches.iter().fold(Errors::default(), |known, one| known.and(one.read.errors));
        if errors.bytes > known.bytes {
            return Some(Self { is_tried: true, ..self.clone() });
        }
        let joined = join(&self.stretches);
        let root = renew(self.language, text.slice(..), &tree, joined.as_ref().map(Before::again).as_ref());
        Some(Self::of(self.language, tree, root, text, self.is_divisible))
    }

    /// The tree of the whole text.
    pub(crate) fn tree(&self, text: &Rope) -> Option<Tree> {
        if self.is_current {
            return Some(self.whole.clone());
        }
        parse(self.language, text.slice(..), Some(&self.whole), &mut || true)
    }

    /// Calls `each` with everything that was found, in the order of the text, and where it begins.
    pub(crate) fn each<'p>(&'p self, each: &mut impl FnMut(Base, &'p Found)) {
        for stretch in &self.stretches {
            stretch.read.root.iter().for_each(|root| root.each(stretch.start, each));
        }
    }

    /// How many error and missing nodes there are.
    pub(crate) fn errors(&self) -> u32 {
        self.stretches.iter().map(|stretch| stretch.read.errors.count).sum()
    }

    /// How many stretches have trees of their own, and how many there are.
    #[cfg(test)]
    pub(crate) fn stretch_counts(&self) -> (usize, usize) {
        let has_tree = |stretch: &&Stretch| stretch.read.tree.is_some();
        (self.stretches.iter().filter(has_tree).count(), self.stretches.len())
    }

    /// Would the trees have no errors, or some, as they do now, if each were made anew of its text?
    #[cfg(test)]
    pub(crate) fn is_as_broken_as_fresh(&self, text: &Rope) -> bool {
        let has_error = |tree: Option<Tree>| tree.is_some_and(|tree| tree.root_node().has_error());
        let fresh = |range: Range<usize>| parse(self.language, text.byte_slice(range), None, &mut || true);
        let ends = self.stretches.iter().skip(1).map(|next| next.start.byte).chain([text.len_bytes()]);
        has_error(self.tree(text)) == has_error(fresh(0..text.len_bytes()))
            && self.stretches.iter().zip(ends).all(|(stretch, end)| {
                let tree = stretch.read.tree.clone();
                tree.is_none() || has_error(tree) == has_error(fresh(stretch.start.byte..end))
            })
    }

    /// The same with the parts of all trees walked anew.
    #[cfg(test)]
    pub(crate) fn walked_again(&self, text: &Rope) -> Self {
        let mut again = self.clone();
        let is_whole = self.is_current && !self.is_divided();
        for (number, stretch) in again.stretches.iter_mut().enumerate() {
            let end = self.stretches.get(number + 1).map_or(text.len_bytes(), |next| next.start.byte);
            let whole = is_whole.then_some(&self.whole);
            if let Some(tree) = stretch.read.tree.as_ref().or(whole) {
                let root = renew(self.language, text.byte_slice(stretch.start.byte..end), tree, None);
                let read = &stretch.read;
                let (tree, edges) = (read.tree.clone(), read.edges.clone());
                stretch.read = Arc::new(Read { root, tree, edges, ..**read });
            }
        }
        again
    }

    /// What a tree of the text from `start` on has to be told of a replacement in the text before.
    fn input_edit(&self, before: &Rope, edit: &TextEdit, start: Base) -> InputEdit {
        let range = &edit.range;
        let at = self.point(before, range.start);
        let at = Point::new(at.row.saturating_sub(start.row), at.column);
        let removed = before.get_byte_slice(range.clone());
        InputEdit {
            start_byte: range.start.saturating_sub(start.byte),
            old_end_byte: range.end.saturating_sub(start.byte),
            new_end_byte: (range.start + edit.text.len()).saturating_sub(start.byte),
            start_position: at,
            old_end_position: removed.map_or(at, |slice| slice.chunks().fold(at, after)),
            new_end_position: after(at, &edit.text),
        }
    }

    /// Row and column of a place, counted as the parser does: lines end with LF alone.
    fn point(&self, rope: &Rope, byte: usize) -> Point {
        // Parts near the place save counting from the start.
        let number = self.stretches.partition_point(|stretch| stretch.start.byte <= byte);
        let stretch = number.checked_sub(1).and_then(|number| self.stretches.get(number));
        let base = stretch.map(|stretch| match &stretch.read.root {
            Some(root) => root.near(stretch.start, byte),
            None => stretch.start,
        });
        let base = base.unwrap_or_default();
        let between = rope.get_byte_slice(base.byte..byte);
        let point = between.into_iter().flat_map(|slice| slice.chunks()).fold(Point::new(base.row, 0), after);
        let column = rope.get_byte_slice(..byte).map_or(0, column);
        Point::new(point.row, column)
    }
}

/// A stretch cannot be parsed by itself.
struct Dependent;

impl Read {
    /// A stretch of so many bytes after a change in it. Is it the first, the last of the text?
    fn after(
        before: &Read,
        root: Option<Placed>,
        tree: Tree,
        bytes: usize,
        (is_first, is_last): (bool, bool),
    ) -> Self {
        let errors = Errors::of(&if tree.root_node().has_error() { broken(&tree) } else { Vec::new() });
        let found = root.as_ref().and_then(|root| Edges::of(root, bytes));
        let stands = |(known, found): (&Edges, &Edges)| known.are_same(found, is_first, is_last);
        // Next to other text the parser could make sense of what is an error here, and come to the edges otherwise.
        let is_loose = errors.count > 0 || !before.edges.as_ref().zip(found.as_ref()).is_some_and(stands);
        // What they were before is what they have to come to again.
        let edges = if is_loose { before.edges.clone() } else { found };
        Self { root, tree: Some(tree), errors, edges, is_loose }
    }

    /// The stretch at its place, divided if it has grown long.
    fn placed(self, start: Base, text: RopeSlice) -> Vec<Stretch> {
        let is_long = text.len_bytes() > LONG && !self.is_loose;
        let root = self.root.as_ref().filter(|_| is_long);
        match root.and_then(|root| divide(root, text, &[])) {
            Some(stretches) => {
                let moved = |one: Stretch| Stretch { start: start.and(one.start), ..one };
                stretches.into_iter().map(moved).collect()
            }
            None => vec![Stretch { start, read: Arc::new(self) }],
        }
    }
}

/// Bytes since the last LF.
fn column(before: RopeSlice) -> usize {
    let (mut chunks, _, _, _) = before.chunks_at_byte(before.len_bytes());
    let mut column = 0;
    while let Some(chunk) = chunks.prev() {
        if let Some(at) = chunk.rfind('\n') {
            return column + chunk.len() - at - 1;
        }
        column += chunk.len();
    }
    column
}

/// Where a text ends that begins at a point.
fn after(point: Point, text: &str) -> Point {
    match text.rfind('\n') {
        Some(at) => Point::new(point.row + line_ends(text), text.len() - at - 1),
        None => Point::new(point.row, point.column + text.len()),
    }
}

/// How many LF are in a text.
pub(crate) fn line_ends(text: &str) -> usize {
    text.as_bytes().iter().filter(|byte| **byte == b'\n').count()
}

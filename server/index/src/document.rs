//! An open document: its rope, its tree, and what was found in each part of it. A change re-parses what it touches and
//! walks only the parts that are new in the tree ([`crate::parts`]).

use crate::extract::{self, PARSE_LIMIT};
use crate::facts::Facts;
use crate::found::{Base, Found};
use crate::pack::{Content, pack, pack_outline};
use crate::parts::{Before, Placed, renew};
use crate::role::{MINIFIED_FROM, has_long_lines};
use crate::rules::Rules;
use crate::store::Degraded;
use crate::walk::Source;
use galley_grammars::Language;
use galley_text::change::{ChangeSet, WrongBase};
use ropey::{Rope, RopeSlice};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use tree_sitter::{InputEdit, Point, Tree};

/// A document that is being edited.
#[derive(Clone)]
pub(crate) struct Document {
    language: Option<&'static Language>,
    rope: Rope,
    /// None where there is no grammar, or the text is not one to give to a parser, or holds parts in other languages.
    parsed: Option<Arc<Parsed>>,
    /// How many LF are in the text.
    line_ends: usize,
    /// Only its lines are to be looked at, for now.
    is_scanned: bool,
}

struct Parsed {
    tree: Tree,
    /// The parts of the tree; none if it says nothing.
    root: Option<Placed>,
}

/// A text before a change.
struct Old {
    parsed: Arc<Parsed>,
    /// Its tree after the same edits.
    edited: Tree,
    /// Bytes of the text before that changed, and where they end in the text after.
    changed: Range<usize>,
    new_end: usize,
}

/// A document at one moment, from which facts can be made. Cheap to make and to keep.
pub(crate) struct Moment(Document);

impl Source for &Rope {
    fn bytes(&self, range: Range<usize>) -> Cow<'_, [u8]> {
        match self.get_byte_slice(range).map(|slice| (slice.as_str(), slice)) {
            Some((Some(text), _)) => Cow::Borrowed(text.as_bytes()),
            Some((None, slice)) => Cow::Owned(slice.bytes().collect()),
            None => Cow::Borrowed(&[]),
        }
    }
}

impl Document {
    /// Reads a whole text.
    pub(crate) fn new(language: Option<&'static Language>, rope: Rope) -> Self {
        let mut document = Self::scanned(language, rope);
        document.parse(None);
        document
    }

    /// Takes a text without parsing it: its definitions are what its lines tell.
    pub(crate) fn scanned(language: Option<&'static Language>, rope: Rope) -> Self {
        let line_ends = rope.chunks().map(line_ends).sum();
        Self { language, rope, parsed: None, line_ends, is_scanned: true }
    }

    /// What could not be read in full.
    pub(crate) fn degraded(&self) -> Degraded {
        match self.rope.len_bytes() {
            bytes if bytes > extract::READ_LIMIT => Degraded::TooLongToRead,
            _ if self.language.is_none() || self.is_parsable() => Degraded::No,
            bytes if bytes > PARSE_LIMIT => Degraded::TooLongToParse,
            _ => Degraded::Minified,
        }
    }

    pub(crate) fn language(&self) -> Option<&'static Language> {
        self.language
    }

    pub(crate) fn rope(&self) -> &Rope {
        &self.rope
    }

    /// Takes in a change.
    ///
    /// # Errors
    /// The change is of another text; then nothing has happened.
    pub(crate) fn change(&mut self, change: &ChangeSet) -> Result<(), WrongBase> {
        let before = self.rope.clone();
        change.apply_rope(&mut self.rope)?;
        let edits = change.edits();
        let (Some(first), Some(last)) = (edits.first(), edits.last()) else { return Ok(()) };
        for edit in &edits {
            let removed = before.get_byte_slice(edit.range.clone());
            self.line_ends -= removed.map_or(0, |slice| slice.chunks().map(line_ends).sum());
            self.line_ends += line_ends(&edit.text);
        }
        let changed = first.range.start..last.range.end;
        let new_end = last.range.end + change.new_len() - change.base_len();
        let old = self.parsed.take().map(|parsed| {
            let mut edited = parsed.tree.clone();
            // From the last to the first, so that places in the text before stay true.
            for edit in edits.iter().rev() {
                edited.edit(&parsed.edit(&before, edit.range.clone(), &edit.text));
            }
            Old { parsed, edited, changed, new_end }
        });
        self.parse(old.as_ref());
        Ok(())
    }

    /// The document as it is now; it does not follow later changes.
    pub(crate) fn moment(&self) -> Moment {
        Moment(self.clone())
    }

    /// Parses the text with what is known of the text before.
    fn parse(&mut self, old: Option<&Old>) {
        self.is_scanned = false;
        self.parsed = None;
        let language = self.language.filter(|language| is_followed(language) && self.is_parsable());
        let Some(language) = language else { return };
        let rope = &self.rope;
        let mut chunk = |byte: usize, _: Point| {
            let Some((chunk, start, _, _)) = rope.get_chunk_at_byte(byte).filter(|_| byte < rope.len_bytes())
            else {
                return Cow::Borrowed(&[][..]);
            };
            language.scannable(chunk.as_bytes().get(byte - start..).unwrap_or_default())
        };
        let tree = extract::with_parser(language, |parser| {
            parser.set_included_ranges(&[]).ok()?;
            parser.parse_with_options(&mut chunk, old.map(|old| &old.edited), None)
        });
        let before = old.and_then(|old| {
            let root = old.parsed.root.as_ref()?;
            Some(Before { root, changed: old.changed.clone(), new_end: old.new_end })
        });
        self.parsed = tree.map(|tree| {
            let root = renew(language, rope, &tree, before.as_ref());
            Arc::new(Parsed { tree, root })
        });
    }

    /// As [`extract::is_parsable`].
    fn is_parsable(&self) -> bool {
        let length = self.rope.len_bytes();
        length <= PARSE_LIMIT && (length <= MINIFIED_FROM || !has_long_lines(length, self.line_ends))
    }
}

/// Can documents in this language be followed change by change? Others are read anew at the first question: those that
/// hold parts in other languages, and those of which a query engine must be asked something.
fn is_followed(language: &'static Language) -> bool {
    language.injections().is_none() && Rules::of(language).rest.is_none()
}

impl Moment {
    pub(crate) fn text(&self) -> Arc<str> {
        Arc::from(String::from(&self.0.rope))
    }

    pub(crate) fn tree(&self) -> Option<&Tree> {
        self.0.parsed.as_ref().map(|parsed| &parsed.tree)
    }

    pub(crate) fn rope(&self) -> &Rope {
        &self.0.rope
    }

    /// The facts of the whole text.
    pub(crate) fn facts(&self, text: &str) -> Facts {
        let (language, is_scanned) = (self.0.language, self.0.is_scanned);
        match &self.0.parsed {
            Some(parsed) => parsed.packed(self.content(text), pack),
            None if is_scanned => Facts::scan(language, text),
            None => Facts::read(language, text, None),
        }
    }

    /// The facts about definitions alone, where they can be had without the others.
    pub(crate) fn outline(&self, text: &str) -> Option<Facts> {
        Some(self.0.parsed.as_ref()?.packed(self.content(text), pack_outline))
    }

    fn content<'t>(&self, text: &'t str) -> Content<'t> {
        Content { text, language: self.0.language.map(|language| language.name), hash: None }
    }
}

impl Parsed {
    fn packed(&self, content: Content, pack: fn(&Content, &[(Base, &Found)]) -> Facts) -> Facts {
        let mut errors = Found::default();
        if self.tree.root_node().has_error() {
            errors.errors = extract::count_errors(&self.tree) as u32;
        }
        let mut parts = vec![(Base::default(), &errors)];
        if let Some(root) = &self.root {
            root.each(&mut |base, found| parts.push((base, found)));
        }
        pack(&content, &parts)
    }

    /// What the tree has to be told of a replacement in the text before.
    fn edit(&self, before: &Rope, range: Range<usize>, text: &str) -> InputEdit {
        let start = self.point(before, range.start);
        let removed =
            before.get_byte_slice(range.clone()).map_or(start, |slice| slice.chunks().fold(start, after));
        InputEdit {
            start_byte: range.start,
            old_end_byte: range.end,
            new_end_byte: range.start + text.len(),
            start_position: start,
            old_end_position: removed,
            new_end_position: after(start, text),
        }
    }

    /// Row and column of a place, counted as the parser does: lines end with LF alone.
    fn point(&self, rope: &Rope, byte: usize) -> Point {
        // Parts near the place save counting from the start.
        let base = self.root.as_ref().map(|root| root.near(byte)).unwrap_or_default();
        let between = rope.get_byte_slice(base.byte..byte);
        let point = between.into_iter().flat_map(|slice| slice.chunks()).fold(Point::new(base.row, 0), after);
        let column = rope.get_byte_slice(..byte).map_or(0, column);
        Point::new(point.row, column)
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
fn line_ends(text: &str) -> usize {
    text.as_bytes().iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "samples are files")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::{Path, PathBuf};

    /// The sample of a language, again and again, so that there is something to open.
    fn sample(language: &Language, times: usize) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grammars").join(language.name);
        let mut files = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
        let is_sample = |path: &PathBuf| path.extension().is_none_or(|extension| extension != "scm");
        std::fs::read_to_string(files.find(is_sample).expect("a sample")).expect("text").repeat(times)
    }

    fn facts(document: &Document) -> String {
        let moment = document.moment();
        format!("{:?}", moment.facts(&moment.text()))
    }

    /// The first lines in which two texts differ.
    fn difference(one: &str, other: &str) -> Option<String> {
        let (one, other): (Vec<&str>, Vec<&str>) = (one.split("}, ").collect(), other.split("}, ").collect());
        let at = one.iter().zip(&other).position(|(one, other)| one != other);
        let at = at.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))?;
        Some(format!(
            "{:#?}\n{:#?}",
            one.iter().skip(at).take(3).collect::<Vec<_>>(),
            other.iter().skip(at).take(3).collect::<Vec<_>>()
        ))
    }

    /// The same tree, walked anew.
    fn walked_again(document: &Document) -> String {
        let mut again = document.clone();
        if let (Some(parsed), Some(language)) = (&document.parsed, document.language) {
            let (tree, root) = (parsed.tree.clone(), renew(language, &document.rope, &parsed.tree, None));
            again.parsed = Some(Arc::new(Parsed { tree, root }));
        }
        facts(&again)
    }

    fn sexp(document: &Document) -> Option<String> {
        document.parsed.as_ref().map(|parsed| parsed.tree.root_node().to_sexp())
    }

    fn is_broken(document: &Document) -> bool {
        document.parsed.as_ref().is_some_and(|parsed| parsed.tree.root_node().has_error())
    }

    const SCRAPS: &[&str] = &[
        "",
        "",
        " ",
        "\n",
        "\r\n",
        "\r",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ";",
        ",",
        ".",
        ":",
        "=",
        "\"",
        "'",
        "#",
        "// x\n",
        "/*",
        "*/",
        "name",
        "Name",
        "\nfn f() { g() }\n",
        "\nclass C:\n    x = 1\n",
        "\ndef g(): pass\n",
        "#[test]\n",
        "é",
        "\u{1F600}",
    ];

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: std::env::var("GALLEY_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(150),
            rng_seed: proptest::test_runner::RngSeed::Fixed(11),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn changes_give_the_facts_of_the_text_from_scratch(
            language in 0..galley_grammars::LANGUAGES.len(),
            times in 1..6_usize,
            steps in proptest::collection::vec(
                proptest::collection::vec((any::<u32>(), 0..40_usize, 0..SCRAPS.len()), 1..3), 1..8),
        ) {
            let language = &galley_grammars::LANGUAGES[language];
            let mut document = Document::new(Some(language), Rope::from_str(&sample(language, times)));
            for step in steps {
                let text = document.rope.to_string();
                let mut change = ChangeSet::identity(text.len());
                for (at, length, scrap) in step {
                    let now = change.apply(&text).expect("its own text");
                    let boundary = |mut at: usize| { while !now.is_char_boundary(at) { at -= 1; } at };
                    let start = boundary(at as usize % (now.len() + 1));
                    let end = boundary((start + length).min(now.len()));
                    let next = ChangeSet::single(now.len(), start..end, SCRAPS[scrap]).expect("a range of the text");
                    change = change.compose(&next).expect("one after the other");
                }
                document.change(&change).expect("its own text");
                let difference = difference(&facts(&document), &walked_again(&document));
                prop_assert_eq!(difference, None, "{}", language.name);
            }
            // Broken code may be understood otherwise when its pieces come one by one: what a parser takes for the error
            // depends on what it knew. Code that is not broken may not.
            let text = document.rope.to_string();
            let fresh = Document::new(Some(language), document.rope.clone());
            if [&fresh, &document].iter().all(|document| !is_broken(document)) {
                prop_assert_eq!(sexp(&fresh), sexp(&document), "{}", language.name);
            }
            if sexp(&fresh) == sexp(&document) {
                let read = format!("{:?}", Facts::read(Some(language), &text, None));
                for scratch in [facts(&fresh), read] {
                    prop_assert_eq!(difference(&scratch, &facts(&document)), None, "{}", language.name);
                }
            }
        }
    }

    #[test]
    fn only_what_changed_is_walked_again() {
        let language = galley_grammars::by_name("rust").expect("Rust");
        let text: String = (0..300).map(|n| format!("fn f{n}() {{ g{n}(); }}\n")).collect();
        let mut document = Document::new(Some(language), Rope::from_str(&text));
        let all = |document: &Document| {
            let mut found: Vec<*const Found> = Vec::new();
            let root = document.parsed.as_ref().and_then(|parsed| parsed.root.as_ref());
            root.expect("parts").each(&mut |_, one| found.push(one));
            found
        };
        let first = document.clone();
        let before = all(&first);
        let at = text.find("g150").expect("a call");
        document
            .change(&ChangeSet::single(text.len(), at..at + 1, "h").expect("a range"))
            .expect("its own text");
        let after = all(&document);
        let new = after.iter().filter(|found| !before.contains(found)).count();
        assert_eq!((after.len(), new), (300, 1));
    }

    #[test]
    fn nothing_is_too_deep() {
        for (language, inner) in [("rust", "(["), ("json", "[{\"a\":"), ("python", "f([")] {
            let text = format!("{}1", inner.repeat(20_000));
            let mut document = Document::new(galley_grammars::by_name(language), Rope::from_str(&text));
            let change = ChangeSet::single(text.len(), text.len() - 1..text.len(), "name").expect("a range");
            document.change(&change).expect("its own text");
            assert_eq!(document.moment().facts(&document.rope.to_string()).bytes as usize, text.len() + 3);
        }
    }

    #[test]
    fn a_change_of_another_text_is_refused() {
        let mut document = Document::new(galley_grammars::by_name("rust"), Rope::from_str("fn a() {}"));
        let before = facts(&document);
        assert!(document.change(&ChangeSet::replace_all(3, "x")).is_err());
        assert_eq!(facts(&document), before);
    }
}

//! Questions about the syntax of one file: what can be folded, and what is selected when a selection grows. They take
//! the tree of an open document as it is, and parse other files.

use crate::extract;
use crate::snapshot::IndexSnapshot;
use crate::store::Content;
use galley_text::path::RelPath;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use tree_sitter::{Node, Tree};

/// Lines that can be folded into the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fold {
    /// Zero-based line that stays.
    pub line: u32,
    /// Zero-based last line that is hidden.
    pub end_line: u32,
    /// What is folded.
    pub kind: FoldKind,
}

/// What a [`Fold`] hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FoldKind {
    /// Anything that is none of the others.
    Region,
    /// A comment, or several in a row.
    Comment,
    /// Imports in a row.
    Imports,
}

impl IndexSnapshot {
    /// What can be folded in a file, in the order of lines, one a line. Empty for files without a grammar.
    pub fn folds(&self, path: &RelPath) -> Vec<Fold> {
        self.tree(path).map(|tree| folds(&tree)).unwrap_or_default()
    }

    /// What is around the byte `offset` of a file: ranges of bytes, each inside the next and shorter. Empty for files
    /// without a grammar.
    pub fn around(&self, path: &RelPath, offset: usize) -> Vec<Range<usize>> {
        let Some(tree) = self.tree(path) else { return Vec::new() };
        let mut cursor = tree.walk();
        let mut ranges = vec![cursor.node().byte_range()];
        ranges.retain(|range| range.start <= offset);
        while cursor.goto_first_child_for_byte(offset).is_some() {
            let range = cursor.node().byte_range();
            if range.start > offset {
                break;
            }
            if ranges.last().is_none_or(|outer| outer.len() > range.len()) {
                ranges.push(range);
            }
        }
        ranges.reverse();
        ranges
    }

    fn tree(&self, path: &RelPath) -> Option<Tree> {
        let file = self.file(path)?;
        if let Content::Live(live) = &file.content
            && let Some(tree) = live.tree()
        {
            return Some(tree.clone());
        }
        let text = self.text(file).filter(|text| extract::is_parsable(text))?;
        extract::parse(galley_grammars::detect_text(path.as_str(), &text)?, &text, &[])
    }
}

/// Siblings that are folded together.
struct Run {
    kind: FoldKind,
    first: u32,
    last: u32,
}

fn folds(tree: &Tree) -> Vec<Fold> {
    let mut folds: Vec<Fold> = Vec::new();
    let mut runs: Vec<Option<Run>> = vec![None];
    let mut folded = None;
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        let (line, end_line) = lines(&node);
        let kind = kind(&node);
        if let Some(run) = runs.last_mut() {
            match (&mut *run, kind) {
                (Some(run), _) if run.kind == kind && line <= run.last + 1 => {
                    run.last = run.last.max(end_line)
                }
                (_, FoldKind::Region) => folds.extend(run.take().and_then(fold)),
                _ => folds.extend(run.replace(Run { kind, first: line, last: end_line }).and_then(fold)),
            }
        }
        // Of nodes that begin on one line the outermost is folded; the whole text is not.
        if kind == FoldKind::Region && end_line > line && runs.len() > 1 && folded != Some(line) {
            folded = Some(line);
            let end_line = if is_closed_on(node, line, end_line) { end_line - 1 } else { end_line };
            folds.extend((end_line > line).then_some(Fold { line, end_line, kind }));
        }
        if kind == FoldKind::Region && end_line > line && cursor.goto_first_child() {
            runs.push(None);
            continue;
        }
        while !cursor.goto_next_sibling() {
            folds.extend(runs.pop().flatten().and_then(fold));
            if !cursor.goto_parent() {
                folds.sort_unstable_by_key(|fold| (fold.line, std::cmp::Reverse(fold.end_line), fold.kind));
                folds.dedup_by_key(|fold| fold.line);
                return folds;
            }
        }
    }
}

/// Is there nothing but a closing bracket or word on the last line, of what opened on the first? Then that line stays.
fn is_closed_on(node: Node, line: u32, end_line: u32) -> bool {
    let mut node = node;
    while let Some(last) = node.child_count().checked_sub(1).and_then(|last| node.child(last)) {
        let row = last.start_position().row as u32;
        if !last.is_named() && row == end_line {
            return true;
        }
        if row != line {
            return false;
        }
        node = last;
    }
    false
}

fn fold(run: Run) -> Option<Fold> {
    (run.last > run.first).then_some(Fold { line: run.first, end_line: run.last, kind: run.kind })
}

/// First and last line with text of the node.
fn lines(node: &Node) -> (u32, u32) {
    let (start, end) = (node.start_position().row, node.end_position());
    let end_row = if end.column == 0 && end.row > start { end.row - 1 } else { end.row };
    (start as u32, end_row as u32)
}

fn kind(node: &Node) -> FoldKind {
    let kind = node.kind();
    if kind.ends_with("comment") {
        FoldKind::Comment
    } else if node.is_named()
        && (kind.starts_with("import_")
            || kind.starts_with("use_")
            || kind.starts_with("using_")
            || kind == "preproc_include")
    {
        FoldKind::Imports
    } else {
        FoldKind::Region
    }
}

#[cfg(test)]
mod tests {
    use crate::Index;
    use galley_text::path::RelPath;
    use ropey::Rope;

    const TEXT: &str = "use a;\nuse b;\n\n// one\n// two\nfn f() {\n    if x {\n        g(\n            1,\n        );\n    }\n}\n";

    #[test]
    fn folds_and_selections_are_those_of_the_text_that_is_open() {
        let path = RelPath::new("a.rs").expect("a path");
        let index = Index::new();
        index.update_file(&path, Some("fn f() {}\n"));
        assert!(index.snapshot().folds(&path).is_empty());
        for is_open in [false, true] {
            match is_open {
                true => index.open_document(&path, Rope::from_str(TEXT)),
                false => index.update_file(&path, Some(TEXT)),
            }
            let snapshot = index.snapshot();
            let folds: Vec<String> = snapshot
                .folds(&path)
                .iter()
                .map(|fold| format!("{:?} {}-{}", fold.kind, fold.line, fold.end_line))
                .collect();
            assert_eq!(folds, ["Imports 0-1", "Comment 3-4", "Region 5-10", "Region 6-9", "Region 7-8"]);
            let around = snapshot.around(&path, TEXT.find("1,").expect("a number"));
            let texts: Vec<&str> = around.iter().map(|range| &TEXT[range.clone()]).collect();
            assert_eq!(texts[0], "1");
            assert!(texts[1].starts_with('(') && texts[2].starts_with("g("), "{texts:?}");
            assert_eq!(texts.last().map(|text| text.len()), Some(TEXT.len()));
        }
        assert!(index.snapshot().around(&RelPath::new("b.rs").expect("a path"), 3).is_empty());
    }
}

//! What must hold for any input at all, one function for each reader of outside bytes.
//!
//! The fuzz targets and a test of `galley-text` call the same functions: with a nightly compiler libfuzzer chooses the
//! inputs, with a stable one they are random and mutated from a corpus.

use galley_text::change::ChangeSet;
use galley_text::encoding::{decode, encode};
use galley_text::format::{EditFormat, Piece, Stream, Tree, apply};
use galley_text::locate;
use galley_text::merge::merge;
use galley_text::path::RelPath;
use galley_text::position::{LineIndex, Position, PositionEncoding, to_offset, to_position};
use galley_text::{batch, diff};
use ropey::Rope;

/// Every format that a model may write in.
pub const FORMATS: [EditFormat; 5] = [
    EditFormat::SearchReplace,
    EditFormat::ApplyPatch,
    EditFormat::Unified,
    EditFormat::WholeFile,
    EditFormat::LineRange,
];

struct One<'a>(&'a str);

impl Tree for One<'_> {
    fn read(&self, path: &RelPath) -> Option<String> {
        (path.as_str() == "f").then(|| self.0.to_owned())
    }
}

/// Any bytes as a file: what is decoded comes back byte for byte, and its positions go both ways.
pub fn encoding(bytes: &[u8]) {
    let Ok(decoded) = decode(bytes) else { return };
    assert_eq!(encode(&decoded.text, decoded.encoding), bytes);
    let (index, rope) = (LineIndex::new(&decoded.text), Rope::from_str(&decoded.text));
    for encoding in [PositionEncoding::Utf8, PositionEncoding::Utf16, PositionEncoding::Utf32] {
        for at in (0..=decoded.text.len()).take(64) {
            let position = index.to_position(at, encoding);
            assert_eq!(to_position(&rope, at, encoding), position);
            let back = index.to_offset(position, encoding);
            assert_eq!(index.to_position(back, encoding), position);
        }
        for (line, character) in [(0, 0), (0, u32::MAX), (1, 3), (u32::MAX, 1)] {
            let position = Position::new(line, character);
            let offset = to_offset(&rope, position, encoding);
            assert_eq!(index.to_offset(position, encoding), offset);
            assert!(decoded.text.is_char_boundary(offset));
        }
    }
}

/// Any text as a patch in any format: never a panic, and cutting it into parts changes nothing.
pub fn formats(patch: &str, file: &str) {
    for format in FORMATS {
        let whole = apply(format, patch, &One(file));
        let in_words = streamed(format, patch.split_inclusive(' '));
        let at_once = streamed(format, std::iter::once(patch));
        assert_eq!(in_words, at_once);
        if whole.is_ok() {
            assert!(!at_once.iter().any(|piece| matches!(piece, Piece::Broken(_))), "{at_once:?}");
        }
        if let Err(error) = whole {
            assert!(!error.to_string().is_empty() && !error.kind().is_empty());
        }
    }
}

fn streamed<'a>(format: EditFormat, parts: impl Iterator<Item = &'a str>) -> Vec<Piece> {
    let mut stream = Stream::new(format);
    let mut pieces: Vec<Piece> = parts.flat_map(|part| stream.push(part)).collect();
    pieces.extend(stream.finish());
    pieces
}

/// Any quoted text in any file: a place lies in the file, and a replacement leaves the rest alone.
pub fn quotes(file: &str, old: &str, new: &str) {
    if let Ok(found) = locate::locate(file, &locate::Query { old, near: None }) {
        assert!(file.get(found.range).is_some());
    }
    if let Ok(replaced) = locate::replace(file, old, new, Some(0), false) {
        for place in &replaced.places {
            assert!(replaced.text.get(place.clone()).is_some());
        }
    }
}

/// Any three texts: a merge is symmetric, and a diff leads from one text to the other.
pub fn merges(base: &str, ours: &str, theirs: &str) {
    assert_eq!(diff::edits(base, ours).apply(base).as_deref(), Ok(ours));
    assert_eq!(diff::words(base, theirs).apply(base).as_deref(), Ok(theirs));
    assert_eq!(ChangeSet::between(base, ours).apply(base).as_deref(), Ok(ours));
    assert_eq!(merge(base, ours, base).text, ours);
    let (there, back) = (merge(base, ours, theirs), merge(base, theirs, ours));
    assert_eq!(there.is_clean(), back.is_clean());
    if there.is_clean() {
        assert_eq!(there.text, back.text);
    }
    let _ = batch::merge(base, theirs, ours);
}

/// Any text as a path: what is taken stays below the root.
pub fn paths(text: &str) {
    if let Ok(path) = RelPath::new(text) {
        assert_eq!(path.as_str(), text);
        assert!(!text.starts_with('/') && text.split('/').all(|part| !matches!(part, "" | "." | "..")));
        let _ = (path.file_name(), path.extension(), path.parent());
        if let Ok(below) = path.join(text) {
            assert!(below.starts_with(&path));
        }
    }
}

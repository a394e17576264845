//! The laws that change sets, edits, diffs, merges, positions and encodings obey, on random texts.

use std::collections::BTreeMap;

use galley_text::change::{Bias, ChangeSet};
use galley_text::diff;
use galley_text::edit::{EditList, TextEdit};
use galley_text::encoding::{Encoding, decode, encode};
use galley_text::format::{EditFormat, Piece, Stream, Tree};
use galley_text::locate;
use galley_text::merge::merge;
use galley_text::path::RelPath;
use galley_text::position::{LineIndex, Position, PositionEncoding, to_offset, to_position};
use proptest::prelude::*;
use ropey::Rope;

const ENCODINGS: [PositionEncoding; 3] =
    [PositionEncoding::Utf8, PositionEncoding::Utf16, PositionEncoding::Utf32];

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Texts with everything that goes wrong: wide characters, all line endings and the characters that are none.
fn text() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(vec![
        "a", "b", "x", " ", "\t", "é", "漢", "😀", "\u{301}", "\n", "\n", "\r\n", "\r", "\u{2028}", "\u{85}",
        "{", "}", "\u{feff}",
    ]);
    prop::collection::vec(atom, 0..40).prop_map(|atoms| atoms.concat())
}

/// Texts of few different lines, so that they have much in common.
fn lines() -> impl Strategy<Value = String> {
    let line =
        prop::sample::select(vec!["", "a", "b", "}", "let x = 1;", "let y = 2;", "call(x, y)", "    end"]);
    (prop::collection::vec(line, 0..14), any::<bool>()).prop_map(|(lines, ended)| {
        let text = lines.join("\n");
        if ended && !text.is_empty() { text + "\n" } else { text }
    })
}

/// A text and a change of it, from anywhere to anywhere.
fn changed(base: String) -> impl Strategy<Value = (String, ChangeSet)> {
    let boundaries: Vec<usize> = (0..=base.len()).filter(|at| base.is_char_boundary(*at)).collect();
    let place = (prop::sample::select(boundaries.clone()), prop::sample::select(boundaries), text());
    prop::collection::vec(place, 0..5).prop_map(move |places| {
        let mut places: Vec<TextEdit> =
            places.into_iter().map(|(a, b, text)| TextEdit::new(a.min(b)..a.max(b), text)).collect();
        places.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let mut edits: Vec<TextEdit> = Vec::new();
        for edit in places {
            if edits.last().is_none_or(|last| last.range.end <= edit.range.start) {
                edits.push(edit);
            }
        }
        let list = EditList::new(edits).expect("disjoint");
        (base.clone(), ChangeSet::from_edits(base.len(), &list).expect("inside"))
    })
}

fn change() -> impl Strategy<Value = (String, ChangeSet)> {
    text().prop_flat_map(changed)
}

fn two_changes() -> impl Strategy<Value = (String, ChangeSet, ChangeSet)> {
    change().prop_flat_map(|(base, first)| {
        let middle = first.apply(&base).expect("its base");
        changed(middle).prop_map(move |(_, second)| (base.clone(), first.clone(), second))
    })
}

/// Where a position is, counted character by character.
fn naive_position(text: &str, offset: usize, encoding: PositionEncoding) -> Position {
    let mut position = Position::default();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if at >= offset {
            break;
        }
        let ends = match character {
            '\n' => true,
            '\r' => characters.peek().map(|(_, next)| *next) != Some('\n'),
            _ => false,
        };
        if ends {
            position = Position::new(position.line + 1, 0);
        } else if character != '\r' {
            position.character += encoding.width(character) as u32;
        }
    }
    position
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn a_change_is_taken_back_by_its_inverse((base, change) in change()) {
        let new = change.apply(&base).unwrap();
        prop_assert_eq!(new.len(), change.new_len());
        let inverse = change.invert(&base).unwrap();
        prop_assert_eq!(inverse.apply(&new).unwrap(), base.clone());
        let nothing = change.compose(&inverse).unwrap();
        prop_assert_eq!(nothing.apply(&base).unwrap(), base);
    }

    #[test]
    fn a_change_does_to_a_rope_what_it_does_to_a_text((base, change) in change()) {
        let mut rope = Rope::from_str(&base);
        change.apply_rope(&mut rope).unwrap();
        prop_assert_eq!(rope.to_string(), change.apply(&base).unwrap());
        let again = ChangeSet::from_edits(base.len(), &EditList::new(change.edits()).unwrap()).unwrap();
        prop_assert_eq!(again, change);
    }

    #[test]
    fn composed_changes_are_one_after_the_other((base, first, second) in two_changes()) {
        let both = first.compose(&second).unwrap();
        prop_assert_eq!(both.apply(&base).unwrap(), second.apply(&first.apply(&base).unwrap()).unwrap());
    }

    #[test]
    fn composing_is_associative((base, first, second) in two_changes(), third in text()) {
        let third = ChangeSet::replace_all(second.new_len(), &third);
        let left = first.compose(&second).unwrap().compose(&third).unwrap();
        let right = first.compose(&second.compose(&third).unwrap()).unwrap();
        prop_assert_eq!(left.apply(&base), right.apply(&base));
    }

    #[test]
    fn mapping_keeps_order_and_untouched_text((base, change) in change()) {
        let new = change.apply(&base).unwrap();
        let mut last = 0;
        for at in (0..=base.len()).filter(|at| base.is_char_boundary(*at)) {
            let (before, after) = (change.map(at, Bias::Before), change.map(at, Bias::After));
            prop_assert!(last <= before && before <= after && after <= new.len());
            prop_assert!(new.is_char_boundary(before) && new.is_char_boundary(after));
            last = before;
            if let Some(character) = base[at..].chars().next()
                && !change.overlaps(at..at + character.len_utf8())
            {
                prop_assert!(new[after..].starts_with(character));
            }
        }
    }

    #[test]
    fn touching_and_overlapping_agree_with_the_edits((base, change) in change(), a in 0usize..60, b in 0usize..60) {
        let range = a.min(b).min(base.len())..a.max(b).min(base.len());
        let edits = change.edits();
        let touches = edits.iter().any(|e| e.range.start <= range.end && e.range.end >= range.start);
        let overlaps = edits.iter().any(|e| e.range.start < range.end && e.range.end > range.start);
        prop_assert_eq!(change.touches(range.clone()), touches);
        prop_assert_eq!(change.overlaps(range), overlaps);
    }

    #[test]
    fn edits_apply_like_one_by_one_from_the_end((base, change) in change()) {
        let list = EditList::new(change.edits()).unwrap();
        let mut text = base.clone();
        for edit in list.edits().iter().rev() {
            text.replace_range(edit.range.clone(), &edit.text);
        }
        prop_assert_eq!(list.apply(&base).unwrap(), text);
    }

    #[test]
    fn positions_go_both_ways(text in text(), far in 0u32..50) {
        let (rope, index) = (Rope::from_str(&text), LineIndex::new(&text));
        for encoding in ENCODINGS {
            for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                let inside_ending = at > 0 && text.as_bytes()[at - 1] == b'\r' && text[at..].starts_with('\n');
                let position = naive_position(&text, at, encoding);
                prop_assert_eq!(to_position(&rope, at, encoding), position);
                prop_assert_eq!(index.to_position(at, encoding), position);
                let back = if inside_ending { at - 1 } else { at };
                prop_assert_eq!(to_offset(&rope, position, encoding), back);
            }
            for line in 0..8 {
                let position = Position::new(line, far);
                let offset = to_offset(&rope, position, encoding);
                prop_assert!(text.is_char_boundary(offset));
                prop_assert_eq!(index.to_offset(position, encoding), offset);
            }
        }
    }

    #[test]
    fn bytes_come_back_as_they_were(text in text(), bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        for encoding in [Encoding::Utf8, Encoding::Utf8Bom, Encoding::Utf16Le, Encoding::Utf16Be] {
            if encoding == Encoding::Utf8 && text.starts_with('\u{feff}') {
                continue;
            }
            let decoded = decode(&encode(&text, encoding)).unwrap();
            prop_assert_eq!((&decoded.text, decoded.encoding), (&text, encoding));
        }
        if let Ok(decoded) = decode(&bytes) {
            prop_assert_eq!(encode(&decoded.text, decoded.encoding), bytes);
        }
    }

    #[test]
    fn a_diff_leads_from_old_to_new((old, new) in prop_oneof![(text(), text()), (lines(), lines())]) {
        prop_assert_eq!(&diff::edits(&old, &new).apply(&old).unwrap(), &new);
        prop_assert_eq!(&diff::words(&old, &new).apply(&old).unwrap(), &new);
        prop_assert_eq!(&ChangeSet::between(&old, &new).apply(&old).unwrap(), &new);
        prop_assert_eq!(diff::lines(&old, &old), vec![]);
    }

    #[test]
    fn a_rendered_diff_applies((old, new) in (lines(), lines()), context in 1usize..4) {
        let patch = diff::unified("a/f", "b/f", &old, &new, context);
        let files = BTreeMap::from([("f".to_owned(), old.clone())]);
        let applied = galley_text::batch::edit("unified", &patch, files);
        if old == new {
            prop_assert!(patch.is_empty());
        } else if !old.trim().is_empty() && !new.is_empty() {
            // Nothing but blank lines says nothing about a place, and may be refused.
            match applied {
                Ok(files) => prop_assert_eq!(&files["f"], &new, "{}", patch),
                Err(refusal) => prop_assert!(false, "{}\n{}", refusal.message, patch),
            }
        }
    }

    #[test]
    fn merging_with_the_base_takes_the_other_side(base in lines(), side in lines()) {
        for (ours, theirs) in [(&base, &side), (&side, &base), (&side, &side)] {
            let merged = merge(&base, ours, theirs);
            prop_assert!(merged.is_clean());
            prop_assert_eq!(&merged.text, &side);
        }
    }

    #[test]
    fn merging_is_symmetric(base in lines(), ours in lines(), theirs in lines()) {
        let (there, back) = (merge(&base, &ours, &theirs), merge(&base, &theirs, &ours));
        prop_assert_eq!(there.is_clean(), back.is_clean());
        if there.is_clean() {
            prop_assert_eq!(&there.text, &back.text);
        }
        for conflict in &there.conflicts {
            prop_assert!(there.text[conflict.range.clone()].starts_with("<<<<<<<"));
        }
        for range in there.token_ranges {
            prop_assert!(there.text.is_char_boundary(range.start) && there.text.is_char_boundary(range.end));
        }
    }

    #[test]
    fn whatever_is_replaced_was_found(text in lines(), old in lines(), new in lines()) {
        if let Ok(replaced) = locate::replace(&text, &old, &new, None, false) {
            for place in &replaced.places {
                prop_assert!(replaced.text.get(place.clone()).is_some());
            }
        }
        let query = locate::Query { old: &old, near: Some(1) };
        if let Ok(placement) = locate::locate(&text, &query) {
            prop_assert!(text.get(placement.range).is_some());
        }
    }

    #[test]
    fn a_piece_of_a_text_is_found_where_it_is(text in lines(), a in 0usize..80, b in 0usize..80) {
        let (a, b) = (a.min(b).min(text.len()), a.max(b).min(text.len()));
        let piece = &text[a..b];
        if !piece.trim().is_empty() && text.matches(piece).count() == 1
            && let Ok(found) = locate::locate(&text, &locate::Query { old: piece, near: None })
        {
            prop_assert_eq!(found.range, a..b);
            prop_assert_eq!(found.how, locate::How::Exact);
        }
    }
}

/// Lines that mean something to one of the formats, and some that do not.
fn patch() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "f",
        "g/h.rs",
        "<<<<<<< SEARCH",
        "=======",
        ">>>>>>> REPLACE",
        "<<<<<<< LINES 1-2",
        "<<<<<<< LINES 9-3",
        "*** Begin Patch",
        "*** End Patch",
        "*** Update File: f",
        "*** Add File: n",
        "*** Delete File: f",
        "*** Move to: m",
        "*** End of File",
        "@@",
        "@@ a",
        "@@ -1,2 +1,2 @@",
        "@@ -99999999999999999999 +1 @@",
        "--- a/f",
        "+++ b/f",
        "--- /dev/null",
        "+++ /dev/null",
        "diff --git a/f b/f",
        "rename from f",
        "rename to g",
        "new file mode 100644",
        "deleted file mode 100644",
        "\\ No newline at end of file",
        "```",
        "~~~rs",
        " a",
        "-a",
        "+b",
        " ",
        "",
        "a",
        "b",
        "...",
        "// ... existing code ...",
        "😀",
        "“a”",
    ]);
    prop::collection::vec(line, 0..24).prop_map(|lines| lines.join("\n"))
}

struct One(String);

impl Tree for One {
    fn read(&self, path: &RelPath) -> Option<String> {
        (path.as_str() == "f").then(|| self.0.clone())
    }
}

const FORMATS: [EditFormat; 5] = [
    EditFormat::SearchReplace,
    EditFormat::ApplyPatch,
    EditFormat::Unified,
    EditFormat::WholeFile,
    EditFormat::LineRange,
];

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn no_patch_makes_a_parser_panic(patch in prop_oneof![patch(), ".{0,80}", text()], file in prop_oneof![lines(), text()]) {
        let tree = One(file);
        for format in FORMATS {
            let whole = galley_text::format::apply(format, &patch, &tree);
            if let Err(error) = &whole {
                prop_assert!(!error.to_string().is_empty() && !error.kind().is_empty());
            }
            let mut stream = Stream::new(format);
            let mut pieces: Vec<Piece> = Vec::new();
            for part in patch.split_inclusive(|c: char| c.is_ascii_punctuation()) {
                pieces.extend(stream.push(part));
            }
            pieces.extend(stream.finish());
            // A stream breaks exactly where the whole patch is unreadable.
            if whole.is_ok() {
                prop_assert!(!pieces.iter().any(|piece| matches!(piece, Piece::Broken(_))));
            }
            prop_assert_eq!(stream.apply(&tree), whole);
        }
    }

    #[test]
    fn no_bytes_make_decoding_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        let _ = RelPath::new(&text);
        let _ = merge(&text, &text.to_uppercase(), &text.replace('a', "b"));
    }
}

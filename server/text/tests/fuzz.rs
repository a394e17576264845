//! The fuzz targets' functions on arbitrary bytes and on mutated examples, for a stable compiler.
//!
//! `GALLEY_STRESS=500` tries five hundred times as many inputs.

#[path = "stress/dice.rs"]
#[allow(dead_code)] // The stress tests use the rest of it.
mod dice;
#[path = "../../../tests/fuzz/entries/mod.rs"]
mod entries;

use dice::{Dice, cases, first_seed};

/// What inputs are put together from: every format in full, and pieces that readers trip over.
const CORPUS: [&str; 12] = [
    "f\n<<<<<<< SEARCH\none\n  two\n=======\none\n  zwei\n>>>>>>> REPLACE\n",
    "*** Begin Patch\n*** Update File: f\n*** Move to: g\n@@ one\n@@   two\n-  two\n+  zwei\n three\n*** End of File\n*** End Patch\n",
    "diff --git a/f b/f\nrename from f\nrename to g\n--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@ one\n one\n-  two\n+  zwei\n three\n\\ No newline at end of file\n",
    "f\n```rust\none\nzwei\n```\n",
    "f\n<<<<<<< LINES 2-2\n  two\n=======\n  zwei\n>>>>>>> REPLACE\n",
    "--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\ndiff --git a/d b/d\ndeleted file mode 100644\n",
    "one\n  two\nthree\n",
    "  1 | one\n  2 |   two\n\u{feff}\u{a0}\u{2026}\u{201c}\u{e9}e\u{301}\u{1f600}\r\n\r\u{2028}\u{85}\0",
    "...\n// ... existing code ...\n```\n~~~\n",
    "@@ -99999999999999999999,0 +18446744073709551615 @@\n<<<<<<< LINES 0-18446744073709551615\n",
    "&lt;a&gt; \\\"b\\\\n\\\" &amp;amp;\n- x\n+ y\n",
    "../a /b C:\\d ./e a//b .\n",
];

/// A text from the corpus, cut up, put together anew and with letters changed.
fn mutated(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..dice.between(1, 3) {
        let lines: Vec<&str> = dice.pick(&CORPUS).split_inclusive('\n').collect();
        let from = dice.roll(lines.len());
        let whole = dice.once_in(2);
        let taken =
            if whole { &lines[..] } else { &lines[from..(from + dice.between(1, 4)).min(lines.len())] };
        text.extend(taken.iter().copied());
    }
    for _ in 0..dice.roll(4) {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let (a, b) = (*dice.pick(&places), *dice.pick(&places));
        let bits = ["", "\n", "\r", " ", "+", "-", "@@", "<<<<<<<", "*** ", "\\", "\u{1f600}", "\u{0}", "9"];
        let range = if dice.once_in(3) { a.min(b)..a.max(b) } else { a..a };
        text.replace_range(range, dice.pick::<&str>(&bits));
    }
    text
}

fn bytes(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = match dice.roll(3) {
        0 => (0..dice.roll(80)).map(|_| dice.roll(256) as u8).collect(),
        1 => mutated(dice).into_bytes(),
        _ => mutated(dice).encode_utf16().flat_map(u16::to_le_bytes).collect(),
    };
    let mark: &[u8] = dice.pick::<&[u8]>(&[b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0"]);
    bytes.splice(0..0, mark.iter().copied());
    if !bytes.is_empty() && dice.once_in(2) {
        let at = dice.roll(bytes.len());
        bytes[at] = dice.roll(256) as u8;
    }
    bytes
}

/// Runs `entry` on many seeds and says on which one it failed.
fn each(usual: u64, entry: impl Fn(&mut Dice) + std::panic::RefUnwindSafe) {
    for seed in first_seed()..first_seed() + cases(usual) {
        if let Err(panic) = std::panic::catch_unwind(|| entry(&mut Dice::new(seed))) {
            println!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn no_bytes_break_decoding() {
    each(400, |dice| entries::encoding(&bytes(dice)));
}

#[test]
fn no_patch_breaks_a_reader() {
    each(400, |dice| entries::formats(&mutated(dice), &mutated(dice)));
    each(100, |dice| entries::formats(&String::from_utf8_lossy(&bytes(dice)), &mutated(dice)));
}

#[test]
fn no_quote_breaks_the_search() {
    each(400, |dice| entries::quotes(&mutated(dice), &mutated(dice), &mutated(dice)));
}

#[test]
fn no_texts_break_a_merge() {
    each(300, |dice| {
        let base = mutated(dice);
        let (a, b) = (mutated(dice), mutated(dice));
        entries::merges(&base, &a, &b);
        entries::merges(&base, &format!("{base}{a}"), &format!("{b}{base}"));
    });
}

#[test]
fn no_text_breaks_out_as_a_path() {
    each(400, |dice| entries::paths(mutated(dice).lines().next().unwrap_or_default()));
    ["../a", "/a", "a/../b", "C:\\a", "a\\b", "a\0b", ".", ""].into_iter().for_each(|path| {
        entries::paths(path);
        assert!(galley_text::path::RelPath::new(path).is_err(), "{path}");
    });
}

/// However a patch is cut into parts, the same pieces come of it, and each as soon as its last line is whole.
#[test]
fn any_cut_of_a_patch_gives_the_same_pieces() {
    use galley_text::format::{Piece, Stream};
    each(300, |dice| {
        let patch = mutated(dice);
        for format in entries::FORMATS {
            let mut whole = Stream::new(format);
            let mut expected = whole.push(&patch);
            expected.extend(whole.finish());
            let mut stream = Stream::new(format);
            let mut found: Vec<Piece> = Vec::new();
            let mut rest = patch.as_str();
            while !rest.is_empty() {
                let letters = if dice.once_in(3) { 1 } else { dice.between(1, 20) };
                let cut = rest.char_indices().nth(letters).map_or(rest.len(), |(at, _)| at);
                found.extend(stream.push(&rest[..cut]));
                rest = &rest[cut..];
                let so_far = &patch[..patch.len() - rest.len()];
                let lines = so_far.rfind('\n').map_or("", |at| &so_far[..=at]);
                let mut by_lines = Stream::new(format);
                assert_eq!(by_lines.push(lines), found, "a piece came late or early");
            }
            found.extend(stream.finish());
            assert_eq!(found, expected, "{format:?}\n{patch}");
            assert_eq!(stream.text(), patch);
        }
    });
}

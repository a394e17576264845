//! Random typing against simple oracles, over many seeds.
//!
//! Two models. In the first the person types only outside of hunks, so a list of pieces says exactly what the
//! document and the fully accepted text must be. In the second they type anywhere, and every word they typed is
//! counted: only they can take one away.

use galley_review::{HunkId, HunkState};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::desk::Desk;
use crate::dice::{Dice, cases, first_seed};

/// A piece of the document: lines that no hunk is about, or a hunk's.
enum Piece {
    Gap(String),
    Hunk { before: String, after: String },
}

/// Pieces whose lines are all different, with at least two lines in each inner gap.
fn pieces(dice: &mut Dice) -> Vec<Piece> {
    let mut line = 0;
    let mut lines = |count: usize, word: &str| -> String {
        (0..count)
            .map(|_| {
                line += 1;
                format!("{word} number {line} (of many);\n")
            })
            .collect()
    };
    let mut out = vec![Piece::Gap(lines(dice.roll(3), "first"))];
    for _ in 0..dice.roll(6) + 1 {
        let (removed, added) = [(1, 1), (0, 1), (1, 0), (3, 2), (0, 3), (2, 0)][dice.roll(6)];
        out.push(Piece::Hunk { before: lines(removed, "old"), after: lines(added, "new") });
        out.push(Piece::Gap(lines(2 + dice.roll(3), "gap")));
    }
    out
}

fn text(pieces: &[Piece], accepted: bool) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Gap(text) => text.as_str(),
            Piece::Hunk { before, .. } if !accepted => before,
            Piece::Hunk { after, .. } => after,
        })
        .collect()
}

fn start(pieces: &[Piece], index: usize) -> usize {
    text(&pieces[..index], false).len()
}

/// One edit inside a gap. Its first and last line stay, so that no hunk's place is lost; whole lines may be added
/// directly at its ends.
fn edit_gap(
    dice: &mut Dice,
    text: &str,
    behind_hunk: bool,
    before_insertion: bool,
) -> (std::ops::Range<usize>, String) {
    let typed = ["x", "two words", "\n", "line\n", "a\nb\n", "\nc", "é𝄞"][dice.roll(7)].to_owned();
    match dice.roll(6) {
        0 if !text.is_empty() && !before_insertion => (text.len()..text.len(), "pasted line\n".into()),
        1 if behind_hunk && !text.is_empty() => {
            (0..0, if dice.roll(2) == 0 { "pasted\n".into() } else { "p".into() })
        }
        _ => {
            let (Some(first), Some(last)) = (text.find(' '), text.rfind(';')) else {
                return (0..0, String::new());
            };
            let mut at = [first + 1 + dice.roll(last - first), first + 1 + dice.roll(last - first)];
            at.sort_unstable();
            let on_boundary = |mut at: usize| {
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            let (from, to) = (on_boundary(at[0]), on_boundary(at[1]));
            match dice.roll(3) {
                0 => (from..to, String::new()),
                1 => (from..to, typed),
                _ => (from..from, typed),
            }
        }
    }
}

fn typing_elsewhere(seed: u64) {
    let mut dice = Dice::new(seed);
    let mut pieces = pieces(&mut dice);
    let mut desk = Desk::new(&text(&pieces, false), &text(&pieces, true));
    for _ in 0..40 {
        let gaps: Vec<usize> = (0..pieces.len()).filter(|at| at % 2 == 0).collect();
        let at = gaps[dice.roll(gaps.len())];
        let next_inserts =
            matches!(pieces.get(at + 1), Some(Piece::Hunk { before, .. }) if before.is_empty());
        let offset = start(&pieces, at);
        let Piece::Gap(gap) = &mut pieces[at] else { unreachable!() };
        let (range, typed) = edit_gap(&mut dice, gap, at > 0, next_inserts);
        gap.replace_range(range.clone(), &typed);
        if !range.is_empty() || !typed.is_empty() {
            desk.splice(offset + range.start..offset + range.end, &typed);
        }
        assert_eq!(desk.text, text(&pieces, false));
    }
    let pending: Vec<HunkId> = desk.proposal.pending().map(|(_, hunk)| hunk.id.clone()).collect();
    let all = desk.proposal.all().count();
    assert_eq!(pending.len(), all, "typing elsewhere touched a hunk\n{}", desk.hunks());
    if dice.roll(2) == 0 {
        let plan = desk.proposal.plan_accept(&pending, false).unwrap();
        assert_eq!(plan[0].result, text(&pieces, true));
    }
    let mut order = pending;
    while !order.is_empty() {
        let hunk = order.swap_remove(dice.roll(order.len()));
        desk.accept(&[&hunk.0]);
    }
    assert_eq!(desk.text, text(&pieces, true));
}

/// Words that the person typed and that stand in a text.
fn typed_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.starts_with('Q') && word.ends_with('Z'))
        .map(str::to_owned)
        .collect();
    words.sort();
    words
}

fn typing_anywhere(seed: u64) {
    let mut dice = Dice::new(seed);
    let made = pieces(&mut dice);
    let base = text(&made, false);
    let mut desk = Desk::new(&base, &text(&made, true));
    let ids: Vec<HunkId> = desk.proposal.all().map(|(_, hunk)| hunk.id.clone()).collect();
    for step in 0..60 {
        let hunk = &ids[dice.roll(ids.len())];
        let range = desk.proposal.hunk(hunk).unwrap().1.range.clone();
        match dice.roll(12) {
            0..=7 => type_somewhere(&mut dice, &mut desk, range, step),
            8 | 9 => accept_one(&mut desk, hunk),
            10 => {
                desk.proposal.reject(std::slice::from_ref(hunk));
            }
            _ => {
                desk.proposal.reopen(std::slice::from_ref(hunk));
            }
        }
        desk.check();
        let now: Vec<HunkId> = desk.proposal.all().map(|(_, hunk)| hunk.id.clone()).collect();
        assert_eq!(now, ids, "a hunk was dropped");
        for (_, hunk) in desk.proposal.pending() {
            assert_eq!(typed_words(&hunk.before), typed_words(&hunk.after), "{hunk:?} drops what was typed");
        }
    }
    accept_all(&mut desk);
}

/// Types a marked word, line or deletion, mostly in or near `range`.
fn type_somewhere(dice: &mut Dice, desk: &mut Desk, range: std::ops::Range<usize>, step: usize) {
    let near = range.start.saturating_sub(20)..(range.end + 20).min(desk.text.len());
    let around = if dice.roll(4) == 0 { 0..desk.text.len() } else { near };
    let mut at = [around.start + dice.roll(around.len() + 1), around.start + dice.roll(around.len() + 1)];
    at.sort_unstable();
    let edge = [range.start, range.end][dice.roll(2)];
    let word = format!("Q{step}Z");
    let (from, to, typed) = match dice.roll(7) {
        0 => (at[0], at[1], String::new()),
        1 => (at[0], at[1], format!(" {word} ")),
        2 => (edge, edge, format!("{word} line\n")),
        3 => (edge, edge, format!("{word} ")),
        4 => (edge, edge, "\n".into()),
        _ => (at[0], at[0], format!(" {word} ")),
    };
    desk.splice(from..to, &typed);
}

fn accept_one(desk: &mut Desk, hunk: &HunkId) {
    let (_, shown) = desk.proposal.hunk(hunk).unwrap();
    if shown.state != HunkState::Pending {
        let refused = desk.proposal.plan_accept(std::slice::from_ref(hunk), true);
        assert!(refused.is_err(), "{shown:?}");
        return;
    }
    let shown = shown.clone();
    let (head, tail) = (desk.text[..shown.range.start].to_owned(), desk.text[shown.range.end..].to_owned());
    let typed = typed_words(&desk.text);
    desk.accept(&[&hunk.0]);
    assert_eq!(desk.text, format!("{head}{}{tail}", shown.after), "not exactly what was shown");
    assert_eq!(typed_words(&desk.text), typed, "accepting took a word away");
}

fn accept_all(desk: &mut Desk) {
    let pending: Vec<HunkId> = desk.proposal.pending().map(|(_, hunk)| hunk.id.clone()).collect();
    if pending.is_empty() {
        return;
    }
    let typed = typed_words(&desk.text);
    let together = desk.proposal.plan_accept(&pending, true).unwrap()[0].result.clone();
    for hunk in pending {
        // Accepting one never changes what another does, except by making it the person's own.
        if desk.state(&hunk.0) == HunkState::Pending {
            desk.accept(&[&hunk.0]);
        }
    }
    assert_eq!(desk.text, together, "one by one is not the same as together");
    assert_eq!(typed_words(&desk.text), typed);
}

/// Undoing all of one's typing and accepting, step by step, gives the proposal as it was; however the editor
/// tells of it.
fn undone(seed: u64) -> bool {
    let mut dice = Dice::new(seed);
    let made = pieces(&mut dice);
    let mut desk = Desk::new(&text(&made, false), &text(&made, true));
    let shown = desk.hunks();
    let ids: Vec<HunkId> = desk.proposal.all().map(|(_, hunk)| hunk.id.clone()).collect();
    let mut before = vec![desk.text.clone()];
    for step in 0..dice.roll(6) + 1 {
        let hunk = &ids[dice.roll(ids.len())];
        let range = desk.proposal.hunk(hunk).unwrap().1.range.clone();
        if dice.roll(4) == 0 {
            accept_one(&mut desk, hunk);
        } else {
            type_somewhere(&mut dice, &mut desk, range, step);
        }
        if before.last() != Some(&desk.text) {
            before.push(desk.text.clone());
        }
    }
    let way = dice.roll(3);
    before.pop();
    while let Some(text) = before.pop() {
        match way {
            0 => {
                desk.undo_all();
                break;
            }
            1 => drop(desk.replace(&text)),
            _ => desk.change_to(&text),
        }
    }
    assert_eq!(desk.text, text(&made, false));
    let restored = desk.hunks() == shown;
    // Whatever is pending must be at its place, and nothing else.
    let pending: Vec<bool> = ids.iter().map(|hunk| desk.state(&hunk.0) == HunkState::Pending).collect();
    accept_all(&mut desk);
    let mut hunks = pending.iter();
    let expected: String = made
        .iter()
        .map(|piece| match piece {
            Piece::Gap(text) => text.as_str(),
            Piece::Hunk { before, after } => match hunks.next() {
                Some(true) => after,
                _ => before,
            },
        })
        .collect();
    assert_eq!(desk.text, expected, "way {way}");
    restored
}

/// The same cases every time; another seed for the whole run tries others.
fn config() -> ProptestConfig {
    ProptestConfig { rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn typing_elsewhere_leaves_every_hunk_as_shown(seed: u64) {
        typing_elsewhere(seed);
    }

    #[test]
    fn no_word_of_the_person_is_lost(seed: u64) {
        typing_anywhere(seed);
    }
}

/// Sequences that once left an insertion one line off, although everything around it stood again.
#[test]
fn insertions_come_back_to_their_place() {
    [4536, 6105, 7764, 7930, 14434].into_iter().for_each(|seed| {
        undone(seed);
    });
}

#[test]
fn undoing_everything_restores_every_hunk() {
    let seeds = first_seed()..first_seed() + cases(1000);
    let missed: Vec<u64> = seeds
        .clone()
        .filter(|seed| match std::panic::catch_unwind(|| undone(*seed)) {
            Ok(restored) => !restored,
            Err(panic) => {
                println!("seed {seed}");
                std::panic::resume_unwind(panic)
            }
        })
        .collect();
    // Where a hunk's lines and those around were rewritten several times over, it may stay conflicted or accepted
    // though the text is the first again; never pending at a wrong place.
    assert!(missed.len() * 200 <= seeds.count(), "not as proposed again for the seeds {missed:?}");
}

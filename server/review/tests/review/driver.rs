//! Two thousand edits in several files under fifty hunks that are accepted, rejected, undone, edited and revised
//! meanwhile, in any order; with formatters, checkouts, renames and deletions between them.
//!
//! The oracle knows nothing of hunks being rebased. It keeps every letter of the documents with the piece of the
//! first text that it came from. From that follows what must hold: the documents are what the person made of them,
//! an accept changes exactly what was shown, no word that the person typed is lost by a decision, and a pending
//! hunk lies behind all that stood before it and before all that stood behind it.

use std::ops::Range;

use galley_review::{HunkId, HunkState, Proposal};
use galley_text::change::ChangeSet;
use galley_text::path::RelPath;

use crate::desk::{path, propose, update};
use crate::dice::{Dice, cases, first_seed};

/// Letters of a line of the first texts, which have 23 to 37, that it must still have to tell a place.
const MOST_OF_A_LINE: usize = 20;
const FILES: usize = 3;
const HUNKS: usize = 17;
const EDITS: usize = 2000;

/// A letter, and the piece of the first text that it came from.
type Letter = (char, Option<usize>);

struct Document {
    path: RelPath,
    letters: Vec<Letter>,
    first: Vec<Letter>,
    undo: Vec<Vec<Letter>>,
    version: i32,
}

struct Table {
    dice: Dice,
    documents: Vec<Document>,
    proposal: Proposal,
    /// For each hunk: its document and its piece.
    hunks: Vec<(HunkId, usize, usize)>,
    /// Hunks that were written anew in a conflict, which may reach over their neighbours' lines.
    rewritten: Vec<HunkId>,
    typed: usize,
    counts: [usize; 8],
}

fn string(letters: &[Letter]) -> String {
    letters.iter().map(|(letter, _)| *letter).collect()
}

/// Gaps and hunks in turn: the text before, and the text with everything accepted.
fn file(dice: &mut Dice, name: &str) -> (Vec<Letter>, String) {
    let mut line = 0;
    let mut lines = |dice: &mut Dice, count: usize, word: &str| -> String {
        (0..count)
            .map(|_| {
                line += 1;
                let indent = "    ".repeat(dice.roll(3));
                format!("{indent}{word} {name}{line} = call(x, {line});\n")
            })
            .collect()
    };
    let (mut before, mut after) = (Vec::new(), String::new());
    for piece in 0..2 * HUNKS + 1 {
        let (old, new) = match piece % 2 {
            0 => {
                let count = 2 + dice.roll(4);
                let gap = lines(dice, count, "gap");
                (gap.clone(), gap)
            }
            _ => {
                let (removed, added) = [(1, 1), (0, 1), (1, 0), (3, 2), (0, 3), (2, 0), (1, 2)][dice.roll(7)];
                (lines(dice, removed, "old"), lines(dice, added, "new"))
            }
        };
        before.extend(old.chars().map(|letter| (letter, Some(piece))));
        after += &new;
    }
    (before, after)
}

impl Table {
    fn new(seed: u64) -> Table {
        let mut dice = Dice::new(seed);
        let made: Vec<(Vec<Letter>, String)> =
            (0..FILES).map(|at| file(&mut dice, &format!("f{at}_"))).collect();
        let name = |at: usize| format!("src/f{at}");
        let changes = made
            .iter()
            .enumerate()
            .map(|(at, (before, after))| update(&name(at), &string(before), after))
            .collect();
        let proposal = propose(changes);
        let hunks: Vec<(HunkId, usize, usize)> = proposal
            .files
            .iter()
            .enumerate()
            .flat_map(|(file, of)| {
                of.hunks.iter().enumerate().map(move |(at, hunk)| (hunk.id.clone(), file, 2 * at + 1))
            })
            .collect();
        assert_eq!(hunks.len(), FILES * HUNKS);
        let document = |(at, (letters, _)): (usize, (Vec<Letter>, String))| Document {
            path: path(&name(at)),
            first: letters.clone(),
            letters,
            undo: Vec::new(),
            version: 0,
        };
        let documents = made.into_iter().enumerate().map(document).collect();
        Table { dice, documents, proposal, hunks, rewritten: Vec::new(), typed: 0, counts: [0; 8] }
    }

    /// Tells the proposal that letters of a document were replaced, and does it.
    fn splice(&mut self, at: usize, range: Range<usize>, new: &[Letter]) {
        let document = &mut self.documents[at];
        let byte =
            |to: usize| document.letters[..to].iter().map(|(letter, _)| letter.len_utf8()).sum::<usize>();
        let bytes = byte(range.start)..byte(range.end);
        let change = ChangeSet::single(byte(document.letters.len()), bytes, &string(new)).unwrap();
        document.letters.splice(range, new.iter().copied());
        document.version += 1;
        self.proposal.document_changed(&document.path, &change, Some(document.version));
    }

    /// Types or deletes something, and tells in which document.
    fn type_somewhere(&mut self) -> usize {
        let at = self.dice.roll(FILES);
        let now = self.documents[at].letters.clone();
        self.documents[at].undo.push(now);
        let len = self.documents[at].letters.len();
        let from = self.dice.roll(len + 1);
        let to = if self.dice.roll(3) == 0 { (from + self.dice.roll(40)).min(len) } else { from };
        self.typed += 1;
        let word = format!("Q{}Z", self.typed);
        let text = match self.dice.roll(8) {
            0 => String::new(),
            1 => "\n".to_owned(),
            2 => format!("{word} line\n"),
            3 => format!("\n    {word}\u{e9}\u{1f600}"),
            4 => format!(" {word} "),
            5 => format!("{word} one\n{word} two\n"),
            _ => format!(" {word}"),
        };
        let letters: Vec<Letter> = text.chars().map(|letter| (letter, None)).collect();
        // Whole lines are mostly put at the start of one.
        let from = if text.ends_with('\n') && text.len() > 1 { self.line_start(at, from) } else { from };
        self.splice(at, from..to.max(from), &letters);
        at
    }

    fn line_start(&self, at: usize, from: usize) -> usize {
        let letters = &self.documents[at].letters;
        letters[..from].iter().rposition(|(letter, _)| *letter == '\n').map_or(0, |end| end + 1)
    }

    /// Takes back the last of the person's steps in some document.
    fn undo(&mut self) {
        let at = self.dice.roll(FILES);
        self.undo_in(at);
    }

    fn undo_in(&mut self, at: usize) {
        let Some(before) = self.documents[at].undo.pop() else { return };
        let now = &self.documents[at].letters;
        let head = now.iter().zip(&before).take_while(|(a, b)| a == b).count();
        let most = now.len().min(before.len()) - head;
        let tail = now.iter().rev().zip(before.iter().rev()).take_while(|(a, b)| a == b).count().min(most);
        let range = head..now.len() - tail;
        let new = before[head..before.len() - tail].to_vec();
        self.splice(at, range, &new);
    }

    /// Another text for a document, without any edits that tell how it came about.
    fn replace(&mut self, at: usize, letters: Vec<Letter>) {
        let document = &mut self.documents[at];
        document.letters = letters;
        document.version += 1;
        let text = string(&document.letters);
        self.proposal.document_replaced(&document.path, &text, Some(document.version));
    }

    /// Something other than the person's typing happens to a file, and the text comes back.
    fn disturb(&mut self) {
        let at = self.dice.roll(FILES);
        let now = self.documents[at].letters.clone();
        match self.dice.roll(5) {
            0 => {
                // A formatter indents every line, and back.
                let mut indented = vec![(' ', None), (' ', None)];
                for (place, letter) in now.iter().enumerate() {
                    indented.push(*letter);
                    if letter.0 == '\n' && place + 1 < now.len() {
                        indented.extend([(' ', None), (' ', None)]);
                    }
                }
                self.replace(at, indented);
                self.check(false);
            }
            1 => {
                // Another branch, on which the file is as it was at first.
                let first = self.documents[at].first.clone();
                self.replace(at, first);
                self.check(true);
            }
            2 => self.replace(at, "another\nfile\naltogether\n".chars().map(|c| (c, None)).collect()),
            3 => {
                let path = self.documents[at].path.clone();
                self.proposal.file_deleted(&path);
            }
            _ => {
                let to = path(&format!("lib/renamed{}", self.typed * FILES + at));
                self.proposal.file_renamed(&self.documents[at].path.clone(), &to);
                self.documents[at].path = to;
            }
        }
        self.replace(at, now);
    }

    fn decide(&mut self) {
        let (id, at, _) = self.hunks[self.dice.roll(self.hunks.len())].clone();
        let ids = std::slice::from_ref(&id);
        let state = self.proposal.hunk(&id).unwrap().1.state;
        match self.dice.roll(9) {
            0..=2 if state == HunkState::Pending => self.accept(&id, at),
            0..=2 => assert!(self.proposal.plan_accept(ids, true).is_err(), "{id} is {state}"),
            3 => drop(self.proposal.reject(ids)),
            4 => drop(self.proposal.reopen(ids)),
            5 if self.dice.roll(3) == 0 => {
                // Edited by the person, in words that count as typed by them.
                let (_, hunk) = self.proposal.hunk(&id).unwrap();
                // In a conflict they go on from their own side.
                let own = if hunk.state == HunkState::Conflicted { &hunk.before } else { &hunk.after };
                let text = format!("{own}    edited by hand;\n");
                if self.proposal.edit_hunk(&id, text).is_ok() && state == HunkState::Conflicted {
                    self.rewritten.push(id);
                }
            }
            6 if self.dice.roll(3) == 0 => {
                let (_, hunk) = self.proposal.hunk(&id).unwrap();
                let text = format!("{}    revised after a comment;\n", hunk.after);
                let revised = self.proposal.revise_hunk(&id, text, Some("as you said".into()));
                if revised.is_ok() && state == HunkState::Conflicted {
                    self.rewritten.push(id);
                }
            }
            7 => self.proposal.mark_reviewed(ids, true),
            8 if state == HunkState::Accepted => self.revert(&id, at),
            _ => {}
        }
    }

    fn accept(&mut self, id: &HunkId, at: usize) {
        let shown = self.proposal.hunk(id).unwrap().1.clone();
        let plan = self.proposal.plan_accept(std::slice::from_ref(id), true).unwrap();
        assert_eq!(plan.len(), 1);
        let text = string(&self.documents[at].letters);
        assert_eq!(plan[0].base, text, "planned on another text");
        assert_eq!(&text[shown.range.clone()], shown.before, "not what was shown");
        let mut expected = text.clone();
        expected.replace_range(shown.range.clone(), &shown.after);
        assert_eq!(plan[0].result, expected, "not exactly what was shown");
        let (typed_before, typed_after) = (words(&shown.before), words(&shown.after));
        assert!(typed_before.iter().all(|word| typed_after.contains(word)), "{shown:?} drops what was typed");
        self.write(at, &text, shown.range, &shown.after);
        self.proposal.accepted(&plan[0].hunks);
        self.counts[0] += 1;
    }

    /// What a decision wrote into a document.
    fn write(&mut self, at: usize, text: &str, range: Range<usize>, new: &str) {
        let letter = |byte: usize| text[..byte].chars().count();
        let document = &mut self.documents[at];
        document.undo.push(document.letters.clone());
        document.letters.splice(letter(range.start)..letter(range.end), new.chars().map(|c| (c, None)));
    }

    fn revert(&mut self, id: &HunkId, at: usize) {
        let Ok(plan) = self.proposal.plan_revert(std::slice::from_ref(id), true) else {
            self.counts[1] += 1;
            return;
        };
        let text = string(&self.documents[at].letters);
        let range = self.proposal.hunk(id).unwrap().1.range.clone();
        assert_eq!(plan[0].base, text);
        assert!(
            plan[0].result.starts_with(&text[..range.start]) && plan[0].result.ends_with(&text[range.end..])
        );
        let new = plan[0].result[range.start..plan[0].result.len() - (text.len() - range.end)].to_owned();
        let back = words(&new);
        assert!(
            words(&text[range.clone()]).iter().all(|word| back.contains(word)),
            "taking back lost a word"
        );
        self.write(at, &text, range, &new);
        self.proposal.reverted(&plan[0].hunks);
        self.counts[2] += 1;
    }

    /// What must hold after every step; with `places`, where hunks lie as well.
    fn check(&mut self, places: bool) {
        for (file, document) in self.proposal.files.iter().zip(&self.documents) {
            assert_eq!(file.current.to_string(), string(&document.letters), "the proposal lost the document");
            for hunk in &file.hunks {
                let stands =
                    file.current.get_byte_slice(hunk.range.clone()).expect("a range outside of the text");
                if matches!(hunk.state, HunkState::Pending | HunkState::Conflicted | HunkState::Rejected)
                    && !file.gone
                {
                    assert_eq!(stands, hunk.before.as_str(), "{hunk:?}");
                }
            }
        }
        if places {
            (0..FILES).for_each(|at| self.check_places(at));
        }
    }

    /// Every pending hunk lies behind all lines that stood before it, and before all that stood behind it. Lines that the
    /// person made of several pieces belong to neither, nor do pieces of a line: what counts are lines that have most of
    /// their letters and their own end.
    fn check_places(&self, at: usize) {
        let letters = &self.documents[at].letters;
        let text = string(letters);
        let mut lines: Vec<(Range<usize>, usize, usize)> = Vec::new();
        let (mut start, mut byte, mut least, mut most, mut own) = (0, 0, usize::MAX, 0, 0);
        for (letter, piece) in letters {
            byte += letter.len_utf8();
            if let Some(piece) = *piece {
                (least, most, own) = (least.min(piece), most.max(piece), own + 1);
            }
            if *letter == '\n' {
                if own >= MOST_OF_A_LINE && piece.is_some() {
                    lines.push((start..byte, least, most));
                }
                (start, least, most, own) = (byte, usize::MAX, 0, 0);
            }
        }
        for (id, file, piece) in self.hunks.iter().filter(|(_, file, _)| *file == at) {
            let hunk = self.proposal.files[*file].hunks.iter().find(|hunk| hunk.id == *id).unwrap();
            if hunk.state != HunkState::Pending || self.rewritten.contains(id) {
                continue;
            }
            let wrong = lines.iter().find(|(line, least, most)| {
                (most < piece && line.start >= hunk.range.end)
                    || (least > piece && line.end <= hunk.range.start)
            });
            if let Some((line, ..)) = wrong {
                let (here, there) = (lines_around(&text, hunk.range.start), lines_around(&text, line.start));
                panic!("{hunk:?} lies on the wrong side of {line:?}\n{here}--\n{there}");
            }
        }
    }

    fn finish(&mut self) {
        let pending: Vec<HunkId> = self.proposal.pending().map(|(_, hunk)| hunk.id.clone()).collect();
        if pending.is_empty() {
            return;
        }
        let together = self.proposal.plan_accept(&pending, true).unwrap();
        let mut order = pending;
        while !order.is_empty() {
            let id = order.swap_remove(self.dice.roll(order.len()));
            if self.proposal.hunk(&id).unwrap().1.state == HunkState::Pending {
                let at = self.hunks.iter().find(|(known, ..)| *known == id).unwrap().1;
                self.accept(&id, at);
                self.check(true);
            }
        }
        for (file, plan) in self.proposal.files.iter().flat_map(|file| {
            together.iter().filter(|plan| plan.path == file.path).map(move |plan| (file, plan))
        }) {
            assert_eq!(file.current.to_string(), plan.result, "one by one is not the same as together");
        }
    }
}

/// Some lines around a byte, each with its offset.
fn lines_around(text: &str, at: usize) -> String {
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        start += line.len();
        (start - line.len(), line)
    });
    let near = lines.filter(|(start, _)| start.abs_diff(at) < 150);
    near.map(|(start, line)| format!("{start}: {line}")).collect()
}

/// Words that the person typed, in order.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| word.starts_with('Q') && word.ends_with('Z') && word.len() > 2)
        .map(str::to_owned)
        .collect()
}

/// One person, who types and decides; with `disturbed`, formatters, branches, renames and the like come in between.
fn drive(seed: u64, disturbed: bool) -> [usize; 8] {
    let mut table = Table::new(seed);
    let ids: Vec<HunkId> = table.proposal.all().map(|(_, hunk)| hunk.id.clone()).collect();
    for step in 0..EDITS {
        match table.dice.roll(40) {
            0..=1 => table.undo(),
            2..=4 => table.decide(),
            5 if disturbed && step % 5 == 0 => table.disturb(),
            _ => {}
        }
        let at = table.type_somewhere();
        // Mostly people take back what they mistyped; else nothing of the first text would be left soon.
        if table.dice.roll(4) > 0 {
            table.undo_in(at);
        }
        table.check(step % 10 == 0);
    }
    let now: Vec<HunkId> = table.proposal.all().map(|(_, hunk)| hunk.id.clone()).collect();
    assert_eq!(now, ids, "a hunk was dropped");
    for (_, hunk) in table.proposal.all() {
        let slot = match hunk.state {
            HunkState::Pending => 3,
            HunkState::Conflicted => 4,
            HunkState::Obsolete => 5,
            HunkState::Accepted => 6,
            HunkState::Rejected => 7,
        };
        table.counts[slot] += 1;
    }
    table.finish();
    table.counts
}

#[test]
fn nothing_is_lost_or_misplaced_while_a_person_types() {
    drive_all(false);
}

#[test]
fn nothing_is_lost_or_misplaced_when_files_change_as_a_whole_as_well() {
    drive_all(true);
}

fn drive_all(disturbed: bool) {
    let mut sums = [0; 8];
    let seeds = first_seed()..first_seed() + cases(2);
    let mut failed = Vec::new();
    for seed in seeds.clone() {
        match std::panic::catch_unwind(|| drive(seed, disturbed)) {
            Ok(counts) => sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count),
            Err(_) => failed.push(seed),
        }
    }
    assert!(failed.is_empty(), "seeds {failed:?} of {seeds:?}");
    let [accepts, refused, reverts, pending, conflicted, obsolete, accepted, rejected] = sums;
    println!(
        "{} seeds of {EDITS} edits: {accepts} accepts, {reverts} taken back, {refused} not to be taken back; at the \
         end {pending} pending, {conflicted} conflicted, {obsolete} obsolete, {accepted} accepted, {rejected} rejected",
        seeds.count()
    );
    assert!(accepts > 0 && reverts > 0 && pending + conflicted > 0, "the driver did nothing");
}

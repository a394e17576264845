//! Two people change one text: what a merge must come to follows from where each of them made an edit.

use std::ops::Range;

use galley_text::merge::merge;

use crate::dice::{Dice, cases, first_seed};
use crate::source::{Source, source};

/// Bytes of the base, and what stands there afterwards.
type Edit = (Range<usize>, String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Both changes, and nothing else.
    Both,
    /// Both changes, or a conflict.
    BothOrConflict,
    /// A person has to decide.
    Conflict,
}

struct Merging {
    base: String,
    ours: String,
    theirs: String,
    both: String,
    wanted: Wanted,
}

type Kind = (&'static str, fn(&mut Dice) -> Option<Merging>);

const KINDS: &[Kind] = &[
    ("far apart", |dice| edits(dice, 6, line_edit, line_edit, Wanted::Both)),
    ("two lines apart", |dice| edits(dice, 2, line_edit, line_edit, Wanted::BothOrConflict)),
    ("words anywhere", |dice| edits(dice, 0, word_edit, word_edit, Wanted::BothOrConflict)),
    ("letters against words", |dice| edits(dice, 0, letter_edit, word_edit, Wanted::BothOrConflict)),
    ("letters against lines", |dice| edits(dice, 0, letter_edit, line_edit, Wanted::BothOrConflict)),
    ("lines against lines", |dice| edits(dice, 0, line_edit, line_edit, Wanted::BothOrConflict)),
    ("one line", one_line),
    ("neighbouring lines", neighbours),
    ("the same change", same_change),
    ("the same change and more", same_and_more),
    ("different insertions at one place", two_insertions),
    ("half typed", half_typed),
    ("deleted against edited", deleted_edited),
    ("edited against deleted", |dice| deleted_edited(dice).map(Merging::turned)),
    ("reindented against edited", reindented),
    ("formatted against edited", formatted),
    ("CRLF against edited", line_ends),
    ("block moved", moved),
    ("copies, each changed", copies),
    ("end without newline", unended),
    ("blanks at line ends", blanks),
    ("renamed everywhere", renamed),
];

impl Merging {
    fn of(base: String, ours: &[Edit], theirs: &[Edit], wanted: Wanted) -> Option<Merging> {
        let both: Vec<Edit> = ours.iter().chain(theirs).cloned().collect();
        let merging = Merging {
            ours: apply(&base, ours)?,
            theirs: apply(&base, theirs)?,
            both: apply(&base, &both)?,
            base,
            wanted,
        };
        (merging.ours != merging.base && merging.theirs != merging.base).then_some(merging)
    }

    fn turned(self) -> Merging {
        Merging { ours: self.theirs, theirs: self.ours, ..self }
    }

    /// What git makes of it; nothing where it sees a conflict or is not there to be asked.
    #[allow(clippy::disallowed_methods)] // Tests may ask another program; the crate may not.
    fn by_git(&self) -> Option<String> {
        let folder = std::env::temp_dir().join(format!("galley-merge-{}", std::process::id()));
        std::fs::create_dir_all(&folder).ok()?;
        let names = ["ours", "base", "theirs"].map(|name| folder.join(name));
        for (name, text) in names.iter().zip([&self.ours, &self.base, &self.theirs]) {
            std::fs::write(name, text).ok()?;
        }
        let output =
            std::process::Command::new("git").args(["merge-file", "-p"]).args(&names).output().ok()?;
        let _ = std::fs::remove_dir_all(&folder);
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What is wrong with the outcome, if anything.
    fn fault(&self) -> Option<String> {
        let merged = merge(&self.base, &self.ours, &self.theirs);
        if !merged.is_clean() {
            let shown = || format!("conflict\n{}", merged.text);
            return (self.wanted == Wanted::Both).then(shown);
        }
        if merged.text == self.both && self.wanted != Wanted::Conflict {
            return None;
        }
        let by_lines = merged.by_token == 0;
        if by_lines && self.by_git().as_ref() == Some(&merged.text) {
            // Lines that stand several times may be paired as nobody meant it; there the outcome is git's.
            return None;
        }
        let ours = galley_text::diff::unified("base", "ours", &self.base, &self.ours, 2);
        let theirs = galley_text::diff::unified("base", "theirs", &self.base, &self.theirs, 2);
        let got = galley_text::diff::unified("wanted", "got", &self.both, &merged.text, 2);
        Some(format!("{}\n{ours}\n{theirs}\n{got}", if by_lines { "by lines" } else { "by tokens" }))
    }
}

/// The text after edits that do not touch; `None` where they do.
fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let mut edits = edits.to_vec();
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    if edits.windows(2).any(|pair| pair[0].0.end >= pair[1].0.start) {
        return None;
    }
    let mut out = text.to_owned();
    for (range, new) in edits.into_iter().rev() {
        out.replace_range(range, &new);
    }
    Some(out)
}

fn text(file: &Source) -> String {
    file.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

/// Bytes of a line with its ending.
fn line_range(text: &str, line: usize) -> Range<usize> {
    let mut start = 0;
    for (at, content) in text.split_inclusive('\n').enumerate() {
        if at == line {
            return start..start + content.len();
        }
        start += content.len();
    }
    text.len()..text.len()
}

fn line_count(text: &str) -> usize {
    text.split_inclusive('\n').count()
}

fn fresh(dice: &mut Dice, mark: &str) -> String {
    format!("{mark}{}", dice.roll(100_000))
}

/// A word of a line becomes another.
fn word_edit(dice: &mut Dice, base: &str, line: usize, mark: &str) -> Option<Edit> {
    let range = line_range(base, line);
    let words: Vec<(usize, &str)> = base[range.clone()]
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() > 1)
        .map(|word| (word.as_ptr() as usize - base.as_ptr() as usize, word))
        .collect();
    if words.is_empty() {
        return None;
    }
    let (at, word) = *dice.pick(&words);
    match dice.roll(4) {
        0 => Some((at + word.len()..at + word.len(), format!("({})", fresh(dice, mark)))),
        1 => Some((at..at, format!("{}.", fresh(dice, mark)))),
        _ => Some((at..at + word.len(), fresh(dice, mark))),
    }
}

/// Letters typed or deleted anywhere in a line.
fn letter_edit(dice: &mut Dice, base: &str, line: usize, mark: &str) -> Option<Edit> {
    let range = line_range(base, line);
    let len = range.len().checked_sub(1)?;
    let at = range.start + dice.roll(len + 1);
    match dice.roll(3) {
        0 if at + 1 < range.end => Some((at..at + 1, String::new())),
        1 => Some((at..at, mark.to_owned())),
        _ => Some((at..at, fresh(dice, mark))),
    }
}

/// Whole lines inserted, deleted or replaced.
fn line_edit(dice: &mut Dice, base: &str, line: usize, mark: &str) -> Option<Edit> {
    let range = line_range(base, line);
    let new: String = (0..dice.between(1, 3)).map(|_| format!("    {}();\n", fresh(dice, mark))).collect();
    Some(match dice.roll(3) {
        0 => (range, String::new()),
        1 => (range.start..range.start, new),
        _ => (range, new),
    })
}

type Maker = fn(&mut Dice, &str, usize, &str) -> Option<Edit>;

/// Edits of both sides, at least `gap` lines apart.
fn edits(dice: &mut Dice, gap: usize, ours: Maker, theirs: Maker, wanted: Wanted) -> Option<Merging> {
    let base = text(&source(dice));
    let lines = line_count(&base);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let mut taken: Vec<(usize, bool)> = Vec::new();
    for _ in 0..dice.between(2, 6) {
        let (line, mine) = (dice.roll(lines), dice.once_in(2));
        if taken.iter().any(|(other, by)| line.abs_diff(*other) < if *by == mine { 2 } else { gap }) {
            continue;
        }
        taken.push((line, mine));
        let make = if mine { ours } else { theirs };
        if let Some(edit) = make(dice, &base, line, if mine { "mine" } else { "their" }) {
            if mine { a.push(edit) } else { b.push(edit) }
        }
    }
    Merging::of(base, &a, &b, wanted)
}

/// A line with something in it.
fn solid_line(dice: &mut Dice, base: &str) -> Option<usize> {
    let lines: Vec<usize> = base
        .lines()
        .enumerate()
        .filter(|(_, line)| line.chars().filter(|c| c.is_alphanumeric()).count() > 8)
        .map(|(at, _)| at)
        .collect();
    lines.get(dice.roll(lines.len())).copied()
}

fn one_line(dice: &mut Dice) -> Option<Merging> {
    let base = text(&source(dice));
    let line = solid_line(dice, &base)?;
    let (ours, theirs) = (word_edit(dice, &base, line, "mine")?, word_edit(dice, &base, line, "their")?);
    Merging::of(base, &[ours], &[theirs], Wanted::BothOrConflict)
}

fn neighbours(dice: &mut Dice) -> Option<Merging> {
    let base = text(&source(dice));
    let line = solid_line(dice, &base)?;
    let makers: [Maker; 3] = [word_edit, letter_edit, line_edit];
    let ours = dice.pick(&makers)(dice, &base, line, "mine")?;
    let theirs = dice.pick(&makers)(dice, &base, line + 1, "their")?;
    Merging::of(base, &[ours], &[theirs], Wanted::BothOrConflict)
}

fn same_change(dice: &mut Dice) -> Option<Merging> {
    let base = text(&source(dice));
    let line = solid_line(dice, &base)?;
    let edit = line_edit(dice, &base, line, "same")?;
    let both = apply(&base, &[edit])?;
    Some(Merging { base, ours: both.clone(), theirs: both.clone(), both, wanted: Wanted::Both })
}

fn same_and_more(dice: &mut Dice) -> Option<Merging> {
    let base = text(&source(dice));
    let line = solid_line(dice, &base)?;
    let same = line_edit(dice, &base, line, "same")?;
    let other = (0..line_count(&base)).rev().find(|at| at.abs_diff(line) > 5)?;
    let mine = word_edit(dice, &base, other, "mine")?;
    let (ours, theirs) =
        (apply(&base, &[same.clone(), mine.clone()])?, apply(&base, std::slice::from_ref(&same))?);
    let both = ours.clone();
    Some(Merging { base, ours, theirs, both, wanted: Wanted::Both })
}

fn two_insertions(dice: &mut Dice) -> Option<Merging> {
    let base = text(&source(dice));
    let at = line_range(&base, dice.roll(line_count(&base))).start;
    let (mine, their) = (fresh(dice, "mine"), fresh(dice, "their"));
    let (ours, theirs) =
        (apply(&base, &[(at..at, format!("{mine}\n"))])?, apply(&base, &[(at..at, format!("{their}\n"))])?);
    Some(Merging { both: String::new(), base, ours, theirs, wanted: Wanted::Conflict })
}

fn half_typed(dice: &mut Dice) -> Option<Merging> {
    let base = text(&source(dice));
    let line = solid_line(dice, &base)?;
    let at = line_range(&base, line).start;
    let whole =
        format!("    let {} = compute({}, {});\n", fresh(dice, "val"), fresh(dice, "arg"), dice.roll(50));
    let cut = dice.between(8, whole.len() - 2);
    let ours = apply(&base, &[(at..at, format!("{}\n", &whole[..cut]))])?;
    let theirs = apply(&base, &[(at..at, whole)])?;
    Some(Merging { both: String::new(), base, ours, theirs, wanted: Wanted::Conflict })
}

fn deleted_edited(dice: &mut Dice) -> Option<Merging> {
    let base = text(&source(dice));
    let line = solid_line(dice, &base)?;
    let theirs = word_edit(dice, &base, line, "their")?;
    let from = line_range(&base, line.saturating_sub(dice.roll(3))).start;
    let to = line_range(&base, (line + dice.roll(3)).min(line_count(&base) - 1)).end;
    let (ours, theirs) = (apply(&base, &[(from..to, String::new())])?, apply(&base, &[theirs])?);
    Some(Merging { both: String::new(), base, ours, theirs, wanted: Wanted::Conflict })
}

/// Every edit of theirs is carried over to lines that ours changed in blanks only.
fn carried(dice: &mut Dice, base: String, reformat: impl Fn(&str) -> String) -> Option<Merging> {
    let mut theirs = Vec::new();
    for _ in 0..dice.between(1, 3) {
        let line = solid_line(dice, &base)?;
        // Brackets would have to be formatted as well.
        if let Some(edit) = word_edit(dice, &base, line, "their").filter(|(_, new)| !new.contains('(')) {
            theirs.push(edit);
        }
    }
    let their_text = apply(&base, &theirs)?;
    let (ours, both) = (reformat(&base), reformat(&their_text));
    (ours != base).then_some(Merging { base, ours, theirs: their_text, both, wanted: Wanted::BothOrConflict })
}

fn reindented(dice: &mut Dice) -> Option<Merging> {
    let file = source(dice);
    let base = text(&file);
    let (from, count) = (dice.roll(file.lines.len()), dice.between(1, 9));
    let step = file.step;
    carried(dice, base, |text| {
        let indent = |(at, line): (usize, &str)| {
            let inside = (from..from + count).contains(&at) && !line.trim().is_empty();
            if inside { format!("{step}{line}") } else { line.to_owned() }
        };
        text.split_inclusive('\n').enumerate().map(indent).collect()
    })
}

fn formatted(dice: &mut Dice) -> Option<Merging> {
    let base = text(&source(dice));
    let way = dice.roll(3);
    carried(dice, base, |text| match way {
        0 => text.replace("    ", "\t").replace("  ", "\t"),
        1 => text.replace(", ", ",").replace(" = ", "="),
        _ => text.replace('(', "( ").replace(')', " )").replace('\t', "  "),
    })
}

fn line_ends(dice: &mut Dice) -> Option<Merging> {
    let base = text(&source(dice));
    carried(dice, base, |text| text.replace('\n', "\r\n"))
}

fn blanks(dice: &mut Dice) -> Option<Merging> {
    let base: String = source(dice)
        .lines
        .iter()
        .map(|line| if dice.once_in(3) { format!("{line}  \n") } else { format!("{line}\n") })
        .collect();
    carried(dice, base, |text| {
        text.split_inclusive('\n').map(|line| format!("{}\n", line.trim_end())).collect()
    })
}

fn renamed(dice: &mut Dice) -> Option<Merging> {
    let base = text(&source(dice));
    let line = solid_line(dice, &base)?;
    let range = line_range(&base, line);
    let word = base[range].split(|c: char| !c.is_alphanumeric()).find(|word| word.len() > 4)?.to_owned();
    let other = fresh(dice, "renamed");
    let mut case = carried(dice, base, |text| text.replace(&word, &other))?;
    // Where theirs changed the word itself, nobody knows.
    if case.theirs.matches(&word).count() != case.base.matches(&word).count() {
        case.wanted = Wanted::BothOrConflict;
    }
    Some(case)
}

fn moved(dice: &mut Dice) -> Option<Merging> {
    let base = text(&source(dice));
    let lines = line_count(&base);
    let from = dice.roll(lines.checked_sub(8)?);
    let block = line_range(&base, from).start..line_range(&base, from + dice.between(2, 5)).end;
    let to = line_range(&base, dice.roll(lines)).start;
    if block.contains(&to) || to == block.end {
        return None;
    }
    let moved = base[block.clone()].to_owned();
    let ours = apply(&base, &[(block.clone(), String::new()), (to..to, moved)])?;
    let line = from + 1;
    let edit = word_edit(dice, &base, line, "their")?;
    if !block.contains(&edit.0.start) || !block.contains(&edit.0.end) {
        return None;
    }
    let inner = (edit.0.start - block.start..edit.0.end - block.start, edit.1.clone());
    let moved_edited = apply(&base[block.clone()], &[inner])?;
    let both = apply(&base, &[(block, String::new()), (to..to, moved_edited)])?;
    let theirs = apply(&base, &[edit])?;
    Some(Merging { base, ours, theirs, both, wanted: Wanted::BothOrConflict })
}

/// A block that stands several times; each side changes another copy of it.
fn copies(dice: &mut Dice) -> Option<Merging> {
    let file = source(dice);
    let from = dice.roll(file.lines.len().checked_sub(6)?);
    let block: String =
        file.lines[from..from + dice.between(2, 5)].iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    let between = ["", "\n", "other();\n", "other();\n\nmore();\n"];
    let mut base = String::new();
    let mut starts = Vec::new();
    for _ in 0..dice.between(3, 5) {
        starts.push(base.lines().count());
        base += &block;
        base += *dice.pick(&between);
    }
    let len = block.lines().count();
    let pick = |dice: &mut Dice, mark: &str| {
        let line = *dice.pick(&starts) + dice.roll(len);
        let makers: [Maker; 2] = [word_edit, line_edit];
        dice.pick(&makers)(dice, &base, line, mark)
    };
    let (ours, theirs) = (pick(dice, "mine")?, pick(dice, "their")?);
    Merging::of(base, &[ours], &[theirs], Wanted::BothOrConflict)
}

fn unended(dice: &mut Dice) -> Option<Merging> {
    let mut base = text(&source(dice));
    base.truncate(base.trim_end().len());
    let last = line_count(&base) - 1;
    let ours = (base.len()..base.len(), format!("\n{}", fresh(dice, "mine")));
    let line = last - dice.roll(3);
    let theirs = word_edit(dice, &base, line, "their")?;
    Merging::of(base, &[ours], &[theirs], Wanted::BothOrConflict)
}

#[test]
fn merges_come_to_both_changes_or_are_asked_about() {
    let mut faults = Vec::new();
    for (name, make) in KINDS {
        let (mut clean, mut asked, mut wrong) = (0, 0, 0);
        for seed in first_seed()..first_seed() + cases(100) {
            let Some(case) = make(&mut Dice::new(seed)) else { continue };
            match case.fault() {
                Some(fault) => {
                    wrong += 1;
                    faults.push(format!("== {name}, seed {seed}: {fault}"));
                }
                None if merge(&case.base, &case.ours, &case.theirs).is_clean() => clean += 1,
                None => asked += 1,
            }
        }
        println!("{name:>40}: {clean:>5} merged {asked:>5} asked about {wrong:>5} wrong");
    }
    let mut seen = std::collections::HashMap::new();
    let few = faults.iter().filter(|fault| {
        let count: &mut usize = seen.entry(fault.split(", seed").next()).or_default();
        *count += 1;
        *count < 4
    });
    let shown: Vec<&str> = few.map(String::as_str).collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), shown.join("\n"));
}

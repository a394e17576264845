//! A case on its way from a clean edit to the sloppy patch that a model would send for it.

use std::collections::BTreeMap;

use crate::dice::Dice;
use crate::source::{Change, Source, changed, changes, places, source};

pub const PATH: &str = "src/f.rs";

/// What an engine may make of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is one right outcome.
    Apply,
    /// That outcome, or a refusal.
    ApplyOrRefuse,
    /// Nothing may be changed.
    Refuse,
}

/// A patch for some files, and what is to come of it.
#[derive(Debug, Clone)]
pub struct Case {
    pub format: &'static str,
    pub files: BTreeMap<String, String>,
    pub patch: String,
    pub verdict: Verdict,
    /// The files afterwards; any of these.
    pub outcomes: Vec<BTreeMap<String, String>>,
}

/// One edit as a patch quotes it.
#[derive(Debug, Clone)]
pub struct Quote {
    /// Line of the file, zero-based, at which `old` begins.
    pub at: usize,
    pub old: Vec<String>,
    pub new: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Draft {
    pub step: &'static str,
    pub before: Vec<String>,
    pub changes: Vec<Change>,
    pub quotes: Vec<Quote>,
    /// The line ending of each line.
    pub endings: Vec<&'static str>,
    pub bom: bool,
    pub final_newline: bool,
    pub verdict: Verdict,
}

impl Draft {
    /// A file, some changes of it, and exact quotes of them with some lines of context.
    pub fn new(dice: &mut Dice, count: usize) -> Option<Draft> {
        Draft::spoilt(dice, count, |_, _| ())
    }

    /// The same, of a file that `spoil` changes line by line before anything quotes it.
    pub fn spoilt(
        dice: &mut Dice,
        count: usize,
        mut spoil: impl FnMut(&mut Dice, &mut String),
    ) -> Option<Draft> {
        let mut file = source(dice);
        file.lines.iter_mut().for_each(|line| spoil(dice, line));
        let mut changes = changes(dice, &file, count, 8);
        for change in &mut changes {
            // Lines that it brings have no blanks at their ends; those that it keeps have what they had.
            let old = &file.lines[change.at.clone()];
            change
                .new
                .iter_mut()
                .filter(|line| !old.contains(line))
                .for_each(|line| line.truncate(line.trim_end().len()));
        }
        if changes.len() < count {
            return None;
        }
        let mut draft = Draft::of(&file, changes);
        draft.quote(dice, 4);
        Some(draft)
    }

    pub fn of(file: &Source, changes: Vec<Change>) -> Draft {
        Draft {
            step: file.step,
            before: file.lines.clone(),
            changes,
            quotes: Vec::new(),
            endings: vec!["\n"; file.lines.len()],
            bom: false,
            final_newline: true,
            verdict: Verdict::Apply,
        }
    }

    /// Quotes every change with up to `most` lines of context on each side, and says what is to come of exact quotes.
    pub fn quote(&mut self, dice: &mut Dice, most: usize) {
        self.quotes.clear();
        for change in &self.changes {
            let ahead = dice.roll(most + 1).min(change.at.start);
            let behind = dice.roll(most + 1).min(self.before.len() - change.at.end);
            let from = change.at.start - ahead;
            let to = change.at.end + behind;
            let (lead, trail) = (&self.before[from..change.at.start], &self.before[change.at.end..to]);
            self.quotes.push(Quote {
                at: from,
                old: self.before[from..to].to_vec(),
                new: [lead, &change.new, trail].concat(),
            });
        }
        self.verdict = if self.quotes.iter().all(|quote| self.is_unique(quote)) {
            Verdict::Apply
        } else {
            Verdict::Refuse
        };
    }

    pub fn is_unique(&self, quote: &Quote) -> bool {
        let blank = quote.old.iter().all(|line| line.trim().is_empty());
        !blank && places(&self.before, &quote.old).len() == 1
    }

    /// Whether every quote says much, and nothing else in the file resembles it.
    pub fn is_clear(&self) -> bool {
        self.quotes.iter().all(|quote| {
            let solid = |line: &&String| line.chars().filter(|c| c.is_alphanumeric()).count() > 5;
            let telling: Vec<&str> = quote.old.iter().filter(solid).map(|line| line.trim()).collect();
            let elsewhere = self.before.iter().enumerate().filter(|(at, line)| {
                let inside = (quote.at..quote.at + quote.old.len()).contains(at);
                !inside && telling.contains(&line.trim())
            });
            telling.len() >= 2 && elsewhere.count() == 0
        })
    }

    /// A loose quote of something that has a double may be refused.
    pub fn loosely(&mut self) {
        if self.verdict == Verdict::Apply && !self.is_clear() {
            self.verdict = Verdict::ApplyOrRefuse;
        }
    }

    /// Whether a quote, as it is now, stands exactly where it was not taken from.
    pub fn is_misleading(&self) -> bool {
        self.quotes.iter().any(|quote| places(&self.before, &quote.old).iter().any(|at| *at != quote.at))
    }

    /// Changes the text of all quotes, line by line.
    pub fn mangle(&mut self, mut change: impl FnMut(&str) -> String) {
        for quote in &mut self.quotes {
            quote.old.iter_mut().chain(&mut quote.new).for_each(|line| *line = change(line));
        }
    }

    /// Takes the last newline away; an empty last line would be gone with it.
    pub fn unend(&mut self) -> Option<()> {
        self.final_newline = self.before.last().is_some_and(|line| line.is_empty());
        (!self.final_newline).then_some(())
    }

    pub fn text(&self) -> String {
        join(&self.before, &self.endings, self.bom, self.final_newline)
    }

    /// The text afterwards.
    pub fn text_after(&self) -> String {
        let lines = changed(&self.before, &self.changes);
        let mut endings = Vec::with_capacity(lines.len());
        let mut done = 0;
        for change in &self.changes {
            endings.extend_from_slice(&self.endings[done..change.at.start]);
            endings.extend(change.new.iter().map(|_| self.ending_for(&change.at)));
            done = change.at.end;
        }
        endings.extend_from_slice(&self.endings[done..]);
        join(&lines, &endings, self.bom, self.final_newline)
    }

    /// As the lines around end, where they all end alike, else as most do.
    fn ending_for(&self, replaced: &std::ops::Range<usize>) -> &'static str {
        let len = self.before.len();
        let around = replaced.start.saturating_sub(1)..(replaced.end + 1).min(len);
        let ended = if self.final_newline { len } else { len - 1 };
        let around: Vec<&'static str> = around.filter(|at| *at < ended).map(|at| self.endings[at]).collect();
        match around.split_first() {
            Some((first, rest)) if rest.iter().all(|other| other == first) => first,
            _ => dominant(&self.endings[..ended]),
        }
    }

    pub fn case(&self, format: &'static str, patch: String) -> Case {
        let files = |text: String| BTreeMap::from([(PATH.to_owned(), text), other()]);
        Case {
            format,
            files: files(self.text()),
            patch,
            verdict: self.verdict,
            outcomes: vec![files(self.text_after())],
        }
    }

    /// The quotes as search-and-replace blocks.
    pub fn blocks(&self) -> String {
        let mut patch = format!("{PATH}\n");
        for quote in &self.quotes {
            patch.push_str("<<<<<<< SEARCH\n");
            quote.old.iter().for_each(|line| patch.extend([line, "\n"]));
            patch.push_str("=======\n");
            quote.new.iter().for_each(|line| patch.extend([line, "\n"]));
            patch.push_str(">>>>>>> REPLACE\n");
        }
        patch
    }

    /// The quotes as the lines of a hunk: context, removed and added lines.
    pub fn hunk_lines(&self, quote: &Quote) -> Vec<String> {
        let (old, new) = (&quote.old, &quote.new);
        let ahead = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let most = old.len().min(new.len()) - ahead;
        let behind = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count().min(most);
        let mut out: Vec<String> = old[..ahead].iter().map(|line| format!(" {line}")).collect();
        out.extend(old[ahead..old.len() - behind].iter().map(|line| format!("-{line}")));
        out.extend(new[ahead..new.len() - behind].iter().map(|line| format!("+{line}")));
        out.extend(old[old.len() - behind..].iter().map(|line| format!(" {line}")));
        out
    }

    /// The quotes as a section of an envelope; each chunk begins with `@@` and what `anchor` gives for it.
    pub fn envelope(&self, anchor: impl Fn(usize) -> String) -> String {
        let mut patch = format!("*** Begin Patch\n*** Update File: {PATH}\n");
        for (at, quote) in self.quotes.iter().enumerate() {
            patch.extend(["@@", &anchor(at), "\n"]);
            self.hunk_lines(quote).iter().for_each(|line| patch.extend([line, "\n"]));
        }
        patch + "*** End Patch\n"
    }

    /// The quotes as a unified diff, with a header for each hunk by `header`: old start, old count, new start, new count.
    pub fn unified(&self, header: impl Fn(usize, usize, usize, usize) -> String) -> String {
        let mut patch = format!("--- a/{PATH}\n+++ b/{PATH}\n");
        let mut shift = 0isize;
        for quote in &self.quotes {
            let (old, new) = (quote.old.len(), quote.new.len());
            let start = quote.at + usize::from(old > 0);
            let new_start = (quote.at + usize::from(new > 0)).saturating_add_signed(shift);
            patch.extend([&header(start, old, new_start, new), "\n"]);
            self.hunk_lines(quote).iter().for_each(|line| patch.extend([line, "\n"]));
            shift += new as isize - old as isize;
        }
        patch
    }
}

/// The usual header of a hunk.
pub fn header(start: usize, old: usize, new_start: usize, new: usize) -> String {
    format!("@@ -{start},{old} +{new_start},{new} @@")
}

/// The ending that most lines have; of equals the first.
fn dominant(endings: &[&'static str]) -> &'static str {
    let count = |wanted: &str| endings.iter().filter(|ending| **ending == wanted).count();
    let most = endings.iter().map(|ending| count(ending)).max().unwrap_or(0);
    endings.iter().find(|ending| count(ending) == most).copied().unwrap_or("\n")
}

/// A file that no case is about.
fn other() -> (String, String) {
    ("src/other.rs".to_owned(), "mod f;\n\nfn other() {}\n".to_owned())
}

pub fn join(lines: &[String], endings: &[&str], bom: bool, final_newline: bool) -> String {
    let mut text = String::from(if bom { "\u{feff}" } else { "" });
    for (at, line) in lines.iter().enumerate() {
        text.push_str(line);
        if final_newline || at + 1 < lines.len() {
            text.push_str(endings.get(at).copied().unwrap_or("\n"));
        }
    }
    text
}

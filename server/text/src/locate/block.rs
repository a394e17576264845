//! An edit as lines: what it quotes and what is to stand there.

use crate::diff::LineHunk;

/// Quoted lines and their replacement, without line endings. What both have in common is context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) old: Vec<String>,
    pub(crate) new: Vec<String>,
    /// Which quoted lines the edit removes, where the format says so line by line.
    pub(crate) removed: Vec<usize>,
    /// Whether the file ends with a line ending afterwards, where the edit says so.
    pub(crate) final_newline: Option<bool>,
}

impl Block {
    pub(crate) fn new(old: &str, new: &str) -> Block {
        Block { old: to_lines(old), new: to_lines(new), ..Block::default() }
    }

    /// The block without the blank lines that both sides have at their ends.
    pub(crate) fn without_blank_ends(&self) -> Option<Block> {
        let (mut old, mut new) = (self.old.as_slice(), self.new.as_slice());
        while let ([a, old_rest @ ..], [b, new_rest @ ..]) = (old, new) {
            if !(a.trim().is_empty() && b.trim().is_empty()) {
                break;
            }
            (old, new) = (old_rest, new_rest);
        }
        let dropped = self.old.len() - old.len();
        while let ([old_rest @ .., a], [new_rest @ .., b]) = (old, new) {
            if !(a.trim().is_empty() && b.trim().is_empty()) {
                break;
            }
            (old, new) = (old_rest, new_rest);
        }
        let shorter = old.len() < self.old.len() && !old.is_empty();
        shorter.then(|| Block {
            old: old.to_vec(),
            new: new.to_vec(),
            removed: self
                .removed
                .iter()
                .filter_map(|at| at.checked_sub(dropped))
                .filter(|at| *at < old.len())
                .collect(),
            final_newline: self.final_newline,
        })
    }

    /// The same block with every line changed.
    pub(crate) fn map(&self, change: impl Fn(&str) -> String) -> Block {
        Block {
            old: self.old.iter().map(|line| change(line)).collect(),
            new: self.new.iter().map(|line| change(line)).collect(),
            removed: self.removed.clone(),
            final_newline: self.final_newline,
        }
    }

    /// What differs between the quoted lines and their replacement, lines compared by `key`.
    pub(crate) fn hunks(&self, key: impl Fn(&str) -> String) -> Vec<LineHunk> {
        let old: Vec<String> = self.old.iter().map(|line| key(line)).collect();
        let new: Vec<String> = self.new.iter().map(|line| key(line)).collect();
        let old: Vec<&str> = old.iter().map(String::as_str).collect();
        let new: Vec<&str> = new.iter().map(String::as_str).collect();
        crate::diff::slices(&old, &new)
    }

    /// How much a match of the quoted lines proves.
    pub(crate) fn weight(&self) -> usize {
        self.old.iter().map(|line| weight(line)).sum()
    }
}

/// Words that stand in any program, and prove nothing.
const COMMON: [&str; 22] = [
    "else", "end", "break", "return", "continue", "pass", "try", "do", "then", "fi", "done", "default",
    "finally", "begin", "null", "nil", "None", "true", "false", "True", "False", "void",
];

/// How much a match of a line proves: its letters and digits, and half as much for other signs.
pub(crate) fn weight(line: &str) -> usize {
    let tokens = crate::diff::split_tokens(line);
    let words = tokens.iter().filter(|token| crate::diff::is_word(token) && !COMMON.contains(*token));
    let signs = line.chars().filter(|c| !c.is_alphanumeric() && !c.is_whitespace()).count();
    words.map(|word| letters(word)).sum::<usize>() + signs / 2
}

/// Letters and digits in a line.
pub(crate) fn letters(line: &str) -> usize {
    line.chars().filter(|c| c.is_alphanumeric()).count()
}

/// The lines of a text, without their endings.
pub(crate) fn to_lines(text: &str) -> Vec<String> {
    crate::lines::split(text).into_iter().map(|line| crate::lines::without_ending(line).to_owned()).collect()
}

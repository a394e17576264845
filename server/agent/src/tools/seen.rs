//! What the model has read already, so that reading it again answers in a line.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

/// Readings that are remembered of one file.
const READINGS: usize = 8;
/// Below so many lines a difference is not worth its words.
const SHORT: usize = 12;

/// The readings of a task, by file.
#[derive(Debug, Default)]
pub struct Seen {
    files: BTreeMap<String, Vec<Reading>>,
}

#[derive(Debug)]
struct Reading {
    /// One-based.
    first: usize,
    lines: Vec<u64>,
    step: u32,
}

impl Seen {
    /// Takes in that lines `start` to `end` (one-based, inclusive) of a text are read at a step, and answers with a shorter
    /// text where all or nearly all of them were read before.
    pub fn recall(&mut self, name: &str, text: &str, start: usize, end: usize, step: u32) -> Option<String> {
        let lines: Vec<&str> = text.lines().skip(start - 1).take((end + 1).saturating_sub(start)).collect();
        let hashes: Vec<u64> = lines.iter().map(|line| hash(line)).collect();
        let known = self.files.entry(name.to_owned()).or_default();
        if let Some(reading) = known.iter().rev().find(|reading| reading.covers(start, &hashes)) {
            return Some(format!("unchanged since step {}", reading.step));
        }
        let short = known.iter().rev().find_map(|reading| reading.changed(start, &hashes, &lines));
        known.retain(|reading| reading.first != start || reading.lines.len() > hashes.len());
        known.push(Reading { first: start, lines: hashes, step });
        if known.len() > READINGS {
            known.remove(0);
        }
        short
    }

    /// Forgets everything: what was read no longer stands in the conversation.
    pub fn clear(&mut self) {
        self.files.clear();
    }
}

impl Reading {
    fn covers(&self, start: usize, lines: &[u64]) -> bool {
        let Some(from) = start.checked_sub(self.first) else { return false };
        self.lines.get(from..from + lines.len()).is_some_and(|known| known == lines)
    }

    /// The lines that differ from this reading of the same place, where they are few.
    fn changed(&self, start: usize, hashes: &[u64], lines: &[&str]) -> Option<String> {
        if self.first != start || hashes.len() < SHORT {
            return None;
        }
        let head = self.lines.iter().zip(hashes).take_while(|(known, now)| known == now).count();
        let rest = self.lines.len().min(hashes.len()) - head;
        let pairs = self.lines.iter().rev().zip(hashes.iter().rev()).take(rest);
        let tail = pairs.take_while(|(known, now)| known == now).count();
        let new = hashes.len() - head - tail;
        if new * 3 > hashes.len() {
            return None;
        }
        let (from, to) = (start + head, start + head + new);
        let shown: Vec<String> = lines[head..head + new]
            .iter()
            .zip(from..)
            .map(|(line, number)| format!("{number} {line}"))
            .collect();
        let gone = self.lines.len() - head - tail;
        let moved = match hashes.len() as i64 - self.lines.len() as i64 {
            0 => String::new(),
            by => format!("; below, line numbers moved by {by:+}"),
        };
        Some(match (new, gone) {
            (0, _) => {
                format!("as at step {}, but {gone} lines were removed before line {from}{moved}", self.step)
            }
            _ => format!(
                "as at step {}, but for lines {from}-{}{moved}:\n{}",
                self.step,
                to - 1,
                shown.join("\n")
            ),
        })
    }
}

fn hash(line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: std::ops::Range<usize>) -> String {
        lines.map(|line| format!("line {line}\n")).collect()
    }

    #[test]
    fn a_part_of_what_was_read_is_not_read_again() {
        let (mut seen, text) = (Seen::default(), text(0..30));
        assert_eq!(seen.recall("a", &text, 1, 30, 1), None);
        assert_eq!(seen.recall("a", &text, 5, 9, 2).as_deref(), Some("unchanged since step 1"));
        assert_eq!(seen.recall("b", &text, 5, 9, 2), None);
        seen.clear();
        assert_eq!(seen.recall("a", &text, 5, 9, 3), None);
    }

    #[test]
    fn after_an_edit_only_the_new_lines_are_shown() {
        let (mut seen, before) = (Seen::default(), text(0..30));
        seen.recall("a", &before, 1, 30, 1);
        let after = before.replace("line 9\n", "line nine\nand more\n");
        assert_eq!(
            seen.recall("a", &after, 1, 31, 4).as_deref(),
            Some(
                "as at step 1, but for lines 10-11; below, line numbers moved by +1:\n10 line nine\n11 and more"
            )
        );
        assert_eq!(seen.recall("a", &after, 1, 31, 5).as_deref(), Some("unchanged since step 4"));
        let shorter = after.replace("line 3\nline 4\n", "");
        assert_eq!(
            seen.recall("a", &shorter, 1, 29, 6).as_deref(),
            Some("as at step 4, but 2 lines were removed before line 4; below, line numbers moved by -2")
        );
    }

    #[test]
    fn another_text_is_shown_whole() {
        let mut seen = Seen::default();
        seen.recall("a", &text(0..30), 1, 30, 1);
        assert_eq!(seen.recall("a", &text(100..130), 1, 30, 2), None);
    }
}

//! What the repository's past says: which files were changed for which reasons, and which changed together.
//!
//! The messages of past commits are the words in which people speak of a place, and they are kept by no file. The past is
//! told as plain facts by whoever reads the repository; without it, answers come from the present texts alone.

use crate::hash::FastMap;
use crate::question::Wanted;
use crate::words::{Term, is_stop, parts, term, words};
use galley_text::path::RelPath;

/// A change of the past: a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastChange {
    /// Why, in words: the commit's message.
    pub message: String,
    /// The files it changed. One that changed very many should be left out.
    pub paths: Vec<RelPath>,
}

/// The past, ready for questions. Changes are numbered from the newest.
#[derive(Debug, Default)]
pub(crate) struct Past {
    changes: Vec<Change>,
    numbers: FastMap<RelPath, u32>,
    paths: Vec<RelPath>,
    /// Per file: its changes, newest first.
    of_file: Vec<Vec<u32>>,
    with_term: FastMap<Term, Vec<u32>>,
    average_words: f32,
}

#[derive(Debug)]
struct Change {
    files: Vec<u32>,
    words: f32,
}

/// So many alike changes have a say.
const ALIKE: usize = 30;
/// So many changes of one file are looked at.
const OF_FILE: usize = 200;

impl Past {
    /// `changes` come newest first.
    pub(crate) fn new(changes: &[PastChange]) -> Self {
        let mut past = Self::default();
        for change in changes.iter().filter(|change| !change.paths.is_empty()) {
            let number = past.changes.len() as u32;
            let terms = terms_of(&change.message);
            let count = terms.len() as f32;
            terms.into_iter().for_each(|term| past.with_term.entry(term).or_default().push(number));
            let files = change.paths.iter().map(|path| past.number(path)).collect::<Vec<_>>();
            files.iter().for_each(|file| past.of_file[*file as usize].push(number));
            past.average_words += count;
            past.changes.push(Change { files, words: count });
        }
        past.average_words = (past.average_words / past.changes.len().max(1) as f32).max(1.0);
        past
    }

    fn number(&mut self, path: &RelPath) -> u32 {
        if let Some(number) = self.numbers.get(path) {
            return *number;
        }
        let number = self.paths.len() as u32;
        self.numbers.insert(path.clone(), number);
        self.paths.push(path.clone());
        self.of_file.push(Vec::new());
        number
    }

    /// Files that were changed for reasons in these words; the best has 1. In no particular order.
    pub(crate) fn by_words(&self, wanted: &[Wanted]) -> Vec<(&RelPath, f32)> {
        let all = self.changes.len() as f32;
        let mut scores: FastMap<u32, f32> = FastMap::default();
        for want in wanted {
            let Some((term, _)) = want.terms.first() else { continue };
            let Some(changes) = self.with_term.get(term) else { continue };
            let with = changes.len() as f32;
            let rarity = (1.0 + (all - with + 0.5).max(0.0) / (with + 0.5)).ln();
            for change in changes {
                let length = self.changes[*change as usize].words / self.average_words;
                *scores.entry(*change).or_default() += want.weight * rarity / (0.5 + 0.5 * length.max(0.5));
            }
        }
        let mut best: Vec<(u32, f32)> = scores.into_iter().collect();
        best.sort_unstable_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        best.truncate(ALIKE);
        let Some(&(_, top)) = best.first() else { return Vec::new() };
        let mut votes: FastMap<u32, f32> = FastMap::default();
        for (change, score) in best {
            let files = &self.changes[change as usize].files;
            // A change of many files says less of each. Squared, so that thirty half-alike ones do not outvote one.
            let vote = (score / top).powi(2) / (files.len() as f32).sqrt();
            files.iter().for_each(|file| *votes.entry(*file).or_default() += vote);
        }
        self.scaled(votes)
    }

    /// Files that changed together with `path`; the closest has 1. In no particular order.
    pub(crate) fn together(&self, path: &RelPath) -> Vec<(&RelPath, f32)> {
        let Some(seed) = self.numbers.get(path) else { return Vec::new() };
        let mut votes: FastMap<u32, f32> = FastMap::default();
        for (place, change) in self.of_file[*seed as usize].iter().take(OF_FILE).enumerate() {
            let files = &self.changes[*change as usize].files;
            // What was changed lately is changed again; after fifty changes of the file half as much.
            let vote = 1.0 / (files.len() as f32) / (1.0 + place as f32 / 50.0);
            files
                .iter()
                .filter(|file| *file != seed)
                .for_each(|file| *votes.entry(*file).or_default() += vote);
        }
        self.scaled(votes)
    }

    fn scaled(&self, votes: FastMap<u32, f32>) -> Vec<(&RelPath, f32)> {
        let top = votes.values().copied().fold(0.0, f32::max);
        votes.into_iter().map(|(file, vote)| (&self.paths[file as usize], vote / top)).collect()
    }
}

/// The distinct terms of a message that say something, sorted.
fn terms_of(message: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    words(message, |word| {
        parts(word, |part| {
            if part.len() > 1 && !is_stop(&part.to_ascii_lowercase()) {
                terms.push(term(part));
            }
        });
    });
    terms.sort_unstable();
    terms.dedup();
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past() -> Past {
        let change = |message: &str, paths: &[&str]| PastChange {
            message: message.to_owned(),
            paths: paths.iter().map(|path| RelPath::new(path).expect("a path")).collect(),
        };
        Past::new(&[
            change("Wash plates in warm water", &["sink.rs", "plate.rs"]),
            change("Stack plates", &["stack.rs", "plate.rs"]),
            change("Say nothing", &[]),
            change("Paint the walls", &["wall.rs"]),
        ])
    }

    #[test]
    fn reasons_lead_to_files() {
        let past = past();
        let terms = |word| vec![(term(word), 1.0)];
        let wanted = [Wanted { terms: terms("washing"), weight: 1.0, word: "washing" }];
        let mut found: Vec<_> = past.by_words(&wanted).into_iter().map(|(path, _)| path.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, ["plate.rs", "sink.rs"]);
        assert!(past.by_words(&[]).is_empty());
    }

    #[test]
    fn files_that_changed_together_are_known() {
        let path = RelPath::new("plate.rs").expect("a path");
        let past = past();
        let mut found = past.together(&path);
        found.sort_by(|one, other| other.1.total_cmp(&one.1));
        assert_eq!(found.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["sink.rs", "stack.rs"]);
        assert_eq!(found[0].1, 1.0);
        assert!(past.together(&RelPath::new("new.rs").expect("a path")).is_empty());
    }
}

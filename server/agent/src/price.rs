//! What each hunk cost: of every reply that led to an edit its price, divided among the edits that came of it, and of every
//! edit its share, divided among the hunks in which its text stands.
//!
//! A sum over hunks is at most what the task cost: what led to no edit (the checks at the end, a question) is no hunk's.

use std::collections::BTreeMap;

use galley_review::{HunkId, Proposal};

/// The edits of a task with what they cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prices {
    /// US dollars since the last edit.
    since: f64,
    /// What is divided among the latest edits, and where these begin.
    shared: Option<(f64, usize)>,
    edits: Vec<Edit>,
}

#[derive(Debug, Clone, PartialEq)]
struct Edit {
    path: String,
    new: String,
    usd: f64,
}

impl Prices {
    /// A reply came. Without a price nothing is known of what follows from it.
    pub(crate) fn replied(&mut self, usd: Option<f64>) {
        self.shared = None;
        self.since += usd.unwrap_or(0.0);
    }

    /// An edit of the latest reply was made.
    pub(crate) fn edited(&mut self, path: &str, new: &str) {
        let (usd, from) = *self.shared.get_or_insert((std::mem::take(&mut self.since), self.edits.len()));
        self.edits.push(Edit { path: path.to_owned(), new: new.to_owned(), usd: 0.0 });
        let latest = &mut self.edits[from..];
        let share = usd / latest.len() as f64;
        latest.iter_mut().for_each(|edit| edit.usd = share);
    }

    /// US dollars by hunk; hunks that cost nothing known are left out.
    pub fn of(&self, proposal: &Proposal) -> BTreeMap<HunkId, f64> {
        let mut prices = BTreeMap::new();
        for edit in &self.edits {
            let of_file: Vec<_> = proposal
                .all()
                .filter(|(file, _)| file.path.as_str() == edit.path)
                .map(|(_, hunk)| hunk)
                .collect();
            let own: Vec<_> = of_file.iter().filter(|hunk| shares(&edit.new, &hunk.after)).copied().collect();
            let hunks = if own.is_empty() { of_file } else { own };
            for hunk in &hunks {
                *prices.entry(hunk.id.clone()).or_insert(0.0) += edit.usd / hunks.len() as f64;
            }
        }
        prices.retain(|_, usd| *usd > 0.0);
        prices
    }
}

/// Whether a line with words of the edit stands in the hunk.
pub(crate) fn shares(new: &str, after: &str) -> bool {
    new.lines()
        .map(str::trim)
        .filter(|line| line.contains(char::is_alphanumeric))
        .any(|line| after.lines().any(|known| known.trim() == line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use galley_text::format::FileChange;
    use galley_text::path::RelPath;

    #[test]
    fn a_hunk_costs_what_led_to_its_edits() {
        let before = "one\n2\n3\n4\n5\n6\n7\n8\n9\nten\n";
        let after = before.replace("one", "uno").replace("ten", "dieci");
        let path = RelPath::new("a.txt").unwrap();
        let change = FileChange::Update { path, before: before.to_owned(), after };
        let changes = (vec![change], Vec::new());
        let proposal = crate::propose::propose("t", "title", changes, &[]);
        let mut prices = Prices::default();
        assert!(prices.of(&proposal).is_empty());
        prices.replied(Some(0.5));
        prices.replied(Some(0.25));
        prices.edited("a.txt", "uno\n");
        prices.edited("a.txt", "dieci\n");
        prices.replied(Some(0.125));
        prices.edited("a.txt", "dieci\n");
        prices.replied(Some(9.0));
        let of: Vec<f64> = prices.of(&proposal).into_values().collect();
        assert_eq!(of, [0.375, 0.5], "the last reply led to no edit");
        prices.replied(None);
        prices.edited("b.txt", "elsewhere\n");
        prices.edited("a.txt", "text that was formatted since\n");
        let of: Vec<f64> = prices.of(&proposal).into_values().collect();
        assert_eq!(of, [0.375 + 2.25, 0.5 + 2.25]);
    }
}

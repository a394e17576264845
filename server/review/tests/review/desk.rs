//! A person, one document and a proposal for it; the only place here that knows how they are told of each other.

use galley_review::{HunkId, HunkState, Proposal, ProposalId, Rebased};
use galley_text::change::ChangeSet;
use galley_text::format::FileChange;
use galley_text::path::RelPath;

pub struct Desk {
    pub proposal: Proposal,
    pub path: RelPath,
    /// The person's document, kept apart from the proposal's idea of it.
    pub text: String,
    undo: Vec<ChangeSet>,
    version: i32,
}

pub fn id(name: &str) -> HunkId {
    HunkId(name.to_owned())
}

pub fn path(name: &str) -> RelPath {
    RelPath::new(name).unwrap()
}

pub fn propose(changes: Vec<FileChange>) -> Proposal {
    let mut count = 0;
    let mut next = || {
        count += 1;
        id(&format!("h{count}"))
    };
    Proposal::new(ProposalId("p".into()), "t", "Title", changes, &mut next)
}

pub fn update(name: &str, before: &str, after: &str) -> FileChange {
    FileChange::Update { path: path(name), before: before.into(), after: after.into() }
}

impl Desk {
    pub fn new(before: &str, after: &str) -> Desk {
        let proposal = propose(vec![update("f", before, after)]);
        Desk { proposal, path: path("f"), text: before.to_owned(), undo: Vec::new(), version: 0 }
    }

    /// Replaces the only occurrence of `old` by `new`; what they share at their ends is not touched.
    #[track_caller]
    pub fn edit(&mut self, old: &str, new: &str) -> Rebased {
        let places: Vec<usize> = self.text.match_indices(old).map(|(at, _)| at).collect();
        assert_eq!(places.len(), 1, "{old:?} must stand once in {:?}", self.text);
        let head = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
        let (rest, new) = (&old[head..], &new[head..]);
        let tail = rest
            .chars()
            .rev()
            .zip(new.chars().rev())
            .take_while(|(a, b)| a == b)
            .map(|(c, _)| c.len_utf8())
            .sum::<usize>();
        let start = places[0] + head;
        self.splice(start..start + rest.len() - tail, &new[..new.len() - tail])
    }

    /// Types `text` behind the only occurrence of `mark`, a key at a time.
    #[track_caller]
    pub fn type_after(&mut self, mark: &str, text: &str) {
        assert_eq!(self.text.matches(mark).count(), 1, "{mark:?} must stand once in {:?}", self.text);
        let mut at = self.text.find(mark).unwrap() + mark.len();
        for key in text.chars() {
            self.splice(at..at, key.encode_utf8(&mut [0; 4]));
            at += key.len_utf8();
        }
    }

    /// Makes the text another one, told as editors tell it that compare texts: all between the first and the last
    /// byte that differ.
    pub fn change_to(&mut self, text: &str) {
        let same = |a: &str, b: &str| {
            a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum::<usize>()
        };
        let head = same(&self.text, text);
        let backwards = |text: &str| text[head..].chars().rev().collect::<String>();
        let tail = same(&backwards(&self.text), &backwards(text));
        self.splice(head..self.text.len() - tail, &text[head..text.len() - tail]);
    }

    /// One edit by its bytes.
    pub fn splice(&mut self, range: std::ops::Range<usize>, text: &str) -> Rebased {
        let change = ChangeSet::single(self.text.len(), range, text).unwrap();
        self.change(change)
    }

    pub fn change(&mut self, change: ChangeSet) -> Rebased {
        self.undo.push(change.invert(&self.text).unwrap());
        self.apply(change)
    }

    /// Takes the last edit back, or the one before if called again.
    pub fn undo(&mut self) -> Rebased {
        let change = self.undo.pop().unwrap();
        self.apply(change)
    }

    pub fn undo_all(&mut self) {
        while !self.undo.is_empty() {
            self.undo();
        }
    }

    fn apply(&mut self, change: ChangeSet) -> Rebased {
        self.text = change.apply(&self.text).unwrap();
        self.version += 1;
        let rebased = self.proposal.document_changed(&self.path, &change, Some(self.version));
        self.check();
        rebased
    }

    pub fn replace(&mut self, text: &str) -> Rebased {
        self.text = text.to_owned();
        let rebased = self.proposal.document_replaced(&self.path, text, None);
        self.check();
        rebased
    }

    /// Accepts the way a server does: plan, edit the document, compare, enter.
    #[track_caller]
    pub fn accept(&mut self, names: &[&str]) {
        let ids: Vec<HunkId> = names.iter().map(|name| id(name)).collect();
        let plan = self.proposal.plan_accept(&ids, true).unwrap();
        for file in plan {
            assert_eq!(file.base, self.text);
            let change = ChangeSet::from_edits(self.text.len(), &file.edits).unwrap();
            self.undo.push(change.invert(&self.text).unwrap());
            self.text = change.apply(&self.text).unwrap();
            assert_eq!(file.result, self.text);
            self.proposal.accepted(&file.hunks);
        }
        self.check();
    }

    #[track_caller]
    pub fn revert(&mut self, names: &[&str]) {
        let ids: Vec<HunkId> = names.iter().map(|name| id(name)).collect();
        for file in self.proposal.plan_revert(&ids, true).unwrap() {
            assert_eq!(file.base, self.text);
            self.text = file.result;
            self.proposal.reverted(&file.hunks);
        }
        self.check();
    }

    pub fn state(&self, name: &str) -> HunkState {
        self.proposal.hunk(&id(name)).unwrap().1.state
    }

    /// What always holds.
    #[track_caller]
    pub fn check(&self) {
        let file = &self.proposal.files[0];
        assert_eq!(file.current.to_string(), self.text, "the proposal lost the document");
        for hunk in &file.hunks {
            let stands = self.text.get(hunk.range.clone()).expect("a range outside of the text");
            if matches!(hunk.state, HunkState::Pending | HunkState::Conflicted | HunkState::Rejected) {
                assert_eq!(stands, hunk.before, "{hunk:?}");
            }
            if hunk.is_whole_file() {
                continue;
            }
            let starts = hunk.range.start == 0 || self.text[..hunk.range.start].ends_with(['\n', '\r']);
            assert!(starts, "{hunk:?} starts inside a line");
        }
    }

    /// Every hunk in a line: id, state, what stands there, what it becomes.
    pub fn hunks(&self) -> String {
        let line = |hunk: &galley_review::Hunk| {
            let merged = if hunk.merged_by_token { " by token" } else { "" };
            format!("{} {}{merged}: {:?} -> {:?}\n", hunk.id, hunk.state, hunk.before, hunk.after)
        };
        self.proposal.files[0].hunks.iter().map(line).collect()
    }
}

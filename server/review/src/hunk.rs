//! One hunk: the unit of decision, as a plain value.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Names a hunk; given by the caller, unique in a journal, never changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HunkId(pub String);

impl fmt::Display for HunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a hunk stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HunkState {
    /// Waits for a decision and can be accepted as shown.
    Pending,
    /// The person accepted it; its text stands in the document.
    Accepted,
    /// The person does not want it, or does not want a hunk that it needs.
    Rejected,
    /// The person changed the same place; both sides are in [`Hunk::conflict`].
    Conflicted,
    /// The person made the change already; there is nothing left to apply.
    Obsolete,
}

impl HunkState {
    /// Whether the person accepted or rejected it.
    pub fn is_decided(self) -> bool {
        matches!(self, HunkState::Accepted | HunkState::Rejected)
    }

    /// The word that a person reads.
    pub fn as_str(self) -> &'static str {
        match self {
            HunkState::Pending => "pending",
            HunkState::Accepted => "accepted",
            HunkState::Rejected => "rejected",
            HunkState::Conflicted => "conflicted",
            HunkState::Obsolete => "obsolete",
        }
    }
}

impl fmt::Display for HunkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a hunk does to its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HunkKind {
    /// Replaces whole lines, inserts or deletes them.
    Lines,
    /// Makes the file; `before` is empty, `after` the whole text.
    AddFile,
    /// Deletes the file; `before` is the whole text.
    DeleteFile,
    /// Moves the file and leaves its text alone; `range`, `before` and `after` are empty.
    MoveFile,
    /// Makes the file executable, or plain; `range`, `before` and `after` are empty, the modes are in
    /// [`FileProposal::mode`](crate::FileProposal::mode).
    Mode,
}

/// The two texts of a hunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sides {
    /// What stood there.
    pub before: String,
    /// What should stand there.
    pub after: String,
}

/// Both sides of a conflict and what they come from. The texts are whole lines and may reach a little further
/// than the hunk as it was proposed, where the person's edit did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictSides {
    /// The lines as they were when the hunk was proposed.
    pub base: String,
    /// The person's lines, as they stand in the document.
    pub yours: String,
    /// The lines as the model proposed them.
    pub theirs: String,
}

/// The lines that an insertion was proposed between, with their endings; `None` at an end of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbours {
    /// The line before the place.
    pub above: Option<String>,
    /// The line behind it.
    pub below: Option<String>,
}

/// The unit of decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// Its name, for ever.
    pub id: HunkId,
    /// What it does to the file.
    pub kind: HunkKind,
    /// The lines that it replaces: bytes of [`FileProposal::current`](crate::FileProposal::current), half-open,
    /// from the start of a line to the start of another or the end of the text. Empty where it only inserts.
    /// Once it is accepted: the lines that it gave, with what the person typed into them later.
    pub range: Range<usize>,
    /// What stands at `range` now, for a pending, conflicted or rejected hunk; what stood there, for an accepted
    /// or obsolete one.
    pub before: String,
    /// What stands there when it is accepted; for a conflicted hunk, what the model proposed.
    pub after: String,
    /// The model's reason, in a sentence.
    pub reason: Option<String>,
    /// Hunks of the same proposal that must be accepted with this one or before it.
    pub requires: Vec<HunkId>,
    /// What it stands at.
    pub state: HunkState,
    /// Both sides, while it is conflicted.
    pub conflict: Option<ConflictSides>,
    /// Whether `after` was merged with the person's typing within a line, so that it is worth a second look.
    pub merged_by_token: bool,
    /// Whether the person marked it as looked at.
    pub reviewed: bool,
    /// Whether the person wrote `after` themselves.
    pub edited: bool,
    /// What was proposed, while the person's typing made `before` and `after` differ from it. Every merge starts
    /// from here, never from an earlier merge.
    pub origin: Option<Sides>,
    /// The hunk's own lines as they were proposed, once a change took part in them: `origin` may reach further.
    pub first: Option<Sides>,
    /// The name of the outermost item that it belongs to, where the caller knew the items of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// Where it was proposed, if it only inserts: what tells its place once it comes back after everything around it
    /// was rewritten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<Neighbours>,
    /// The lines beside an insertion that were deleted last, as they were then: they may come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Neighbours>,
}

impl Hunk {
    /// The lines as they were when the hunk was proposed.
    pub fn base(&self) -> &str {
        self.origin.as_ref().map_or(&self.before, |origin| &origin.before)
    }

    /// The lines as they were proposed.
    pub fn proposed(&self) -> &str {
        self.origin.as_ref().map_or(&self.after, |origin| &origin.after)
    }

    /// Keeps in mind what was proposed, before the first change that takes part in the hunk.
    pub(crate) fn remember(&mut self) {
        if self.first.is_none() {
            self.first = Some(Sides { before: self.base().to_owned(), after: self.proposed().to_owned() });
        }
    }

    /// What was proposed, if its lines are these. No lines at all are no sign of an insertion's place.
    pub(crate) fn first_with(&self, yours: &str) -> Option<&Sides> {
        self.first.as_ref().filter(|first| first.before == yours && !yours.is_empty())
    }

    /// Whether it changes no text: the file's place or its mode.
    pub fn is_textless(&self) -> bool {
        matches!(self.kind, HunkKind::MoveFile | HunkKind::Mode)
    }

    /// Whether it speaks of the file as a whole and not of lines in it.
    pub fn is_whole_file(&self) -> bool {
        self.kind != HunkKind::Lines
    }

    /// Whether the person still has to decide about it.
    pub fn is_open(&self) -> bool {
        matches!(self.state, HunkState::Pending | HunkState::Conflicted)
    }
}

//! Taking changes back when others worked on since: an inverse merge, checkpoint by checkpoint and file by file. Later work
//! stays; where both sides changed the same lines the person's stay, and both are told.

use std::collections::BTreeMap;

use galley_agent::event::{Checkpoint, CheckpointFile, CheckpointHunk};
use galley_review::{AcceptFile, FileKind, HunkId, ModeChange, Proposal, ProposalId};
use galley_text::diff;
use galley_text::format::FileChange;
use galley_text::merge::{Merge, merge};
use galley_text::path::RelPath;
use galley_workspace::apply::Saved;

use crate::protocol::RestoreParams;

/// What taking back comes to. Nothing is written here.
#[derive(Debug, Default)]
pub struct TakenBack {
    /// The files that change, by path.
    pub files: Vec<AcceptFile>,
    /// How files were that come back: permissions, encoding, link.
    pub saved: BTreeMap<RelPath, Saved>,
    /// Where later work meets what is taken back.
    pub conflicts: Vec<Conflict>,
}

/// A place that both the change and later work touched; it stays as the person has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The file.
    pub path: RelPath,
    /// Its text after taking back, with the person's lines in every conflict; `None` when there is no file.
    pub yours: Option<String>,
    /// The same with the lines from before the change; `None` when there was no file.
    pub theirs: Option<String>,
}

/// Where a file is on the way back.
#[derive(Debug, Clone)]
struct Step {
    /// Where its text lies now; `None` when there is no file now.
    at: Option<RelPath>,
    now: Option<String>,
    then: Option<String>,
    /// `then` with the text from before in every conflict.
    wanted: Option<String>,
    conflict: bool,
    /// The mode that it has now by the latest checkpoint, and then.
    mode: Option<ModeChange>,
}

/// Takes checkpoints back, given latest first; of them only these hunks, if any are named. `text` gives a file as it is now.
pub fn take_back(
    checkpoints: &[&Checkpoint],
    only: Option<&[HunkId]>,
    text: &dyn Fn(&RelPath) -> Option<String>,
) -> TakenBack {
    let mut steps: BTreeMap<RelPath, Step> = BTreeMap::new();
    let mut saved = BTreeMap::new();
    for checkpoint in checkpoints {
        for file in &checkpoint.files {
            let Some(file) = reduced(file, only) else { continue };
            let Ok(path) = RelPath::new(&file.path) else { continue };
            let step = steps.remove(&path).unwrap_or_else(|| {
                let now = text(&path);
                let at = now.is_some().then(|| path.clone());
                Step { at, now: now.clone(), then: now.clone(), wanted: now, conflict: false, mode: None }
            });
            let came_from = file.from.as_deref().and_then(|from| RelPath::new(from).ok());
            let free = |from: &RelPath| !steps.contains_key(from) && text(from).is_none();
            let goes = came_from.filter(|from| step.then.is_some() && free(from));
            if let Some(known) = &file.saved {
                saved.insert(path.clone(), known.clone());
            }
            steps.insert(goes.unwrap_or(path), step.back(&file));
        }
    }
    let mut taken = TakenBack { saved, ..TakenBack::default() };
    for (path, step) in steps {
        if step.conflict {
            let (yours, theirs) = (step.then.clone(), step.wanted.clone());
            taken.conflicts.push(Conflict { path: path.clone(), yours, theirs });
        }
        taken.files.extend(step.file(path));
    }
    taken
}

/// A file of a checkpoint with only the change of the named hunks left in it; `None` when they are not in it.
fn reduced(file: &CheckpointFile, only: Option<&[HunkId]>) -> Option<CheckpointFile> {
    let Some(only) = only else { return Some(file.clone()) };
    let mine: Vec<&CheckpointHunk> = file.hunks.iter().filter(|hunk| only.contains(&hunk.id)).collect();
    if mine.len() == file.hunks.len() {
        return (!mine.is_empty()).then(|| file.clone());
    }
    let mut before = file.after.clone().filter(|_| !mine.is_empty())?;
    for hunk in mine.iter().rev() {
        before.get(hunk.range.clone())?;
        before.replace_range(hunk.range.clone(), &hunk.before);
    }
    // A change of the mode is the first of its file's hunks.
    let mode = file.mode.filter(|_| file.hunks.first().is_some_and(|first| only.contains(&first.id)));
    let hunks = mine.into_iter().cloned().collect();
    Some(CheckpointFile { before: Some(before), from: None, hunks, mode, ..file.clone() })
}

impl Step {
    fn back(mut self, file: &CheckpointFile) -> Step {
        if let Some(mode) = file.mode {
            let now = self.mode.map_or(mode.after, |known| known.before);
            self.mode = Some(ModeChange { before: now, after: mode.before, current: now });
        }
        match (&file.before, &file.after, &self.then) {
            (Some(before), Some(after), Some(now)) => {
                let merged = merge(after, now, before);
                let wanted = resolved(&merged, |conflict| &conflict.theirs);
                self.conflict |= !merged.is_clean();
                self.then = Some(mine(&merged));
                self.wanted = Some(wanted);
            }
            (None, Some(after), Some(now)) if after == now => (self.then, self.wanted) = (None, None),
            (Some(before), None, None) => {
                (self.then, self.wanted) = (Some(before.clone()), Some(before.clone()));
            }
            (Some(before), None, Some(now)) if before == now => {}
            (None, Some(_), None) => {}
            (before, _, _) => {
                self.wanted.clone_from(before);
                self.conflict = true;
            }
        }
        self
    }

    fn file(self, path: RelPath) -> Option<AcceptFile> {
        let mode = self.mode.filter(|mode| mode.before != mode.after && self.then.is_some());
        let file = |kind, path, base: String, result: String| {
            let edits = diff::edits(&base, &result);
            Some(AcceptFile { path, kind, base, version: None, edits, result, mode, hunks: Vec::new() })
        };
        match (self.at, self.now, self.then) {
            (Some(at), Some(now), Some(then)) if at != path => {
                file(FileKind::Move { from: at }, path, now, then)
            }
            (_, Some(now), Some(then)) if now != then || mode.is_some() => {
                file(FileKind::Modify, path, now, then)
            }
            (Some(at), Some(now), None) => file(FileKind::Delete, at, now, String::new()),
            (_, None, Some(then)) => file(FileKind::Add, path, String::new(), then),
            _ => None,
        }
    }
}

/// A merge with the person's side in every conflict.
pub fn mine(merged: &Merge) -> String {
    resolved(merged, |conflict| &conflict.ours)
}

/// A merge with one side taken in every conflict.
fn resolved(merged: &Merge, side: impl Fn(&galley_text::merge::Conflict) -> &String) -> String {
    let mut text = merged.text.clone();
    for conflict in merged.conflicts.iter().rev() {
        text.replace_range(conflict.range.clone(), side(conflict));
    }
    text
}

/// The conflicts as hunks to decide: accepting one puts back the lines from before.
pub fn conflicts_to_decide(task: &str, title: &str, made: &str, conflicts: &[Conflict]) -> Option<Proposal> {
    let changes: Vec<FileChange> = conflicts
        .iter()
        .filter_map(|conflict| {
            let path = conflict.path.clone();
            match (conflict.yours.clone(), conflict.theirs.clone()) {
                (Some(before), Some(after)) if before != after => {
                    Some(FileChange::Update { path, before, after })
                }
                (Some(before), None) => Some(FileChange::Delete { path, before }),
                (None, Some(text)) => Some(FileChange::Add { path, text }),
                _ => None,
            }
        })
        .collect();
    let mut number = 0;
    let mut next = || {
        number += 1;
        HunkId(format!("{made}-h{number}"))
    };
    let mut proposal = Proposal::new(
        ProposalId(format!("{made}-p")),
        task,
        format!("Rolling back “{title}”: lines that were changed since"),
        changes,
        &mut next,
    );
    let ids: Vec<HunkId> = proposal.all().map(|(_, hunk)| hunk.id.clone()).collect();
    for id in &ids {
        let reason = "These lines were changed again since the task changed them; accepting puts back what stood here before the task.";
        proposal.give_reason(id, reason);
    }
    (!ids.is_empty()).then_some(proposal)
}

/// Which files can be run after an accept, where that changes.
pub fn modes(files: &[AcceptFile]) -> Vec<(RelPath, bool)> {
    files.iter().filter_map(|file| Some((file.path.clone(), file.executable()?))).collect()
}

/// What an accept, or the taking back of one, does to a file, for going back.
pub fn checkpoint_file(file: &AcceptFile) -> CheckpointFile {
    let (base, result) = (Some(file.base.clone()), Some(file.result.clone()));
    let (before, after) = match &file.kind {
        FileKind::Add => (None, result),
        FileKind::Delete => (base, None),
        FileKind::Modify | FileKind::Move { .. } => (base, result),
    };
    let from = match &file.kind {
        FileKind::Move { from } => Some(from.as_str().to_owned()),
        _ => None,
    };
    CheckpointFile {
        path: file.path.as_str().to_owned(),
        before,
        after,
        from,
        hunks: hunks(file),
        saved: None,
        mode: file.mode,
    }
}

/// Where each hunk's lines are in the result. A move has no lines, and comes first.
fn hunks(file: &AcceptFile) -> Vec<CheckpointHunk> {
    let without_lines = file.hunks.len().saturating_sub(file.edits.edits().len());
    let mut shift = 0isize;
    let mut out: Vec<CheckpointHunk> = Vec::new();
    for (at, id) in file.hunks.iter().enumerate() {
        let Some(edit) = at.checked_sub(without_lines).and_then(|at| file.edits.edits().get(at)) else {
            out.push(CheckpointHunk { id: id.clone(), range: 0..0, before: String::new() });
            continue;
        };
        let start = edit.range.start.saturating_add_signed(shift);
        shift += edit.text.len() as isize - edit.range.len() as isize;
        let before = file.base.get(edit.range.clone()).unwrap_or_default().to_owned();
        out.push(CheckpointHunk { id: id.clone(), range: start..start + edit.text.len(), before });
    }
    out
}

/// Whether a change is in a text: the text is as after it, or as after it with later work.
pub fn stands(file: &CheckpointFile, now: Option<&str>) -> bool {
    match (&file.before, &file.after, now) {
        (_, None, now) => now.is_none(),
        (_, Some(after), Some(now)) if after == now => true,
        (Some(before), Some(after), Some(now)) => {
            let merged = merge(before, after, now);
            before != now && merged.is_clean() && merged.text == now
        }
        _ => false,
    }
}

/// The numbers of hunks in place of their ids, for a person.
pub fn numbered(proposal: &Proposal, message: &str) -> String {
    let mut ids: Vec<&HunkId> = proposal.all().map(|(_, hunk)| &hunk.id).collect();
    // Longest first: one id may begin another.
    ids.sort_by_key(|id| std::cmp::Reverse(id.0.len()));
    ids.iter().fold(message.to_owned(), |text, id| match proposal.number(id) {
        Some((number, _)) => text.replace(&id.0, &number.to_string()),
        None => text,
    })
}

/// A conflict in words: the file and the first lines that differ.
pub fn told(conflict: &Conflict) -> String {
    let (yours, theirs) =
        (conflict.yours.as_deref().unwrap_or_default(), conflict.theirs.as_deref().unwrap_or_default());
    if conflict.yours.is_none() || conflict.theirs.is_none() {
        return format!("{}: changed since as a whole file", conflict.path.as_str());
    }
    let at = yours.lines().zip(theirs.lines()).take_while(|(a, b)| a == b).count();
    let line = |text: &str| text.lines().nth(at).unwrap_or_default().trim().to_owned();
    format!(
        "{}:{}: now `{}`, before the task `{}`",
        conflict.path.as_str(),
        at + 1,
        line(yours),
        line(theirs)
    )
}

/// Of all checkpoints, latest first, those that are meant.
///
/// # Errors
/// Words for the person, when none is.
pub fn meant(
    all: Vec<(String, Checkpoint)>,
    params: &RestoreParams,
    only: Option<&[HunkId]>,
) -> Result<Vec<(String, Checkpoint)>, String> {
    let of_task = |task: &str| params.task.as_ref().is_none_or(|wanted| task == wanted);
    let has_hunk = |point: &Checkpoint| {
        let mut hunks = point.files.iter().flat_map(|file| &file.hunks);
        only.is_none_or(|only| hunks.any(|hunk| only.contains(&hunk.id)))
    };
    let mut found: Vec<(String, Checkpoint)> =
        all.into_iter().filter(|(task, point)| of_task(task) && has_hunk(point)).collect();
    if let Some(id) = &params.checkpoint {
        let at = found.iter().position(|(_, point)| point.id.starts_with(id.as_str()));
        let Some(at) = at else { return Err(format!("there is no checkpoint {id} to take back")) };
        found = if params.since { found.drain(..=at).collect() } else { vec![found.swap_remove(at)] };
    } else {
        // Without a name a taking back is not what is meant, or the second time would bring back the first.
        found.retain(|(_, point)| !point.rollback);
        if !(params.all || only.is_some()) {
            found.truncate(1);
        }
    }
    if found.is_empty() { Err("there is nothing to take back".to_owned()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(files: Vec<CheckpointFile>) -> Checkpoint {
        Checkpoint { id: "c1".to_owned(), at_ms: 0, label: String::new(), rollback: false, files }
    }

    fn file(before: Option<&str>, after: Option<&str>) -> CheckpointFile {
        CheckpointFile {
            path: "a".to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
            from: None,
            hunks: Vec::new(),
            saved: None,
            mode: None,
        }
    }

    fn taken(before: Option<&str>, after: Option<&str>, now: Option<&str>) -> TakenBack {
        take_back(&[&checkpoint(vec![file(before, after)])], None, &|_| now.map(str::to_owned))
    }

    #[test]
    fn later_work_stays() {
        let taken = taken(Some("a\nb\nc\n\nx\n"), Some("a\nB\nc\n\nx\n"), Some("a\nB\nc\n\nx\nlater\n"));
        assert_eq!(taken.files[0].result, "a\nb\nc\n\nx\nlater\n");
        assert!(taken.conflicts.is_empty());
    }

    #[test]
    fn what_both_changed_is_left_and_the_rest_is_taken_back() {
        let taken = taken(Some("a\n1\n2\n3\nb\n"), Some("A\n1\n2\n3\nB\n"), Some("A\n1\n2\n3\nmine\n"));
        assert_eq!(taken.files[0].result, "a\n1\n2\n3\nmine\n");
        assert_eq!(taken.conflicts[0].theirs.as_deref(), Some("a\n1\n2\n3\nb\n"));
        let decide = conflicts_to_decide("t", "T", "c2", &taken.conflicts).unwrap();
        let (_, hunk) = decide.pending().next().unwrap();
        assert_eq!((hunk.before.as_str(), hunk.after.as_str()), ("mine\n", "b\n"));
    }

    #[test]
    fn new_and_deleted_files_are_taken_back() {
        assert_eq!(taken(None, Some("b\n"), Some("b\n")).files[0].kind, FileKind::Delete);
        assert_eq!(taken(Some("a\n"), None, None).files[0].kind, FileKind::Add);
        assert!(taken(None, Some("b\n"), None).files.is_empty());
        let written_on = taken(None, Some("b\n"), Some("c\n"));
        assert!(written_on.files.is_empty() && written_on.conflicts.len() == 1);
    }

    #[test]
    fn several_checkpoints_are_taken_back_one_behind_the_other() {
        let first = checkpoint(vec![file(Some("1\n2\n3\n"), Some("one\n2\n3\n"))]);
        let second = checkpoint(vec![file(Some("one\n2\n3\n"), Some("one\n2\nthree\n"))]);
        let taken = take_back(&[&second, &first], None, &|_| Some("one\n2\nthree\n4\n".to_owned()));
        assert_eq!(taken.files[0].result, "1\n2\n3\n4\n");
    }

    #[test]
    fn one_hunk_of_several_is_taken_back() {
        let hunk = |id: &str, range, before: &str| CheckpointHunk {
            id: HunkId(id.into()),
            range,
            before: before.into(),
        };
        let mut changed = file(Some("1\n2\n3\n4\n"), Some("one\n2\n3\nfour\n"));
        changed.hunks = vec![hunk("h1", 0..4, "1\n"), hunk("h2", 8..13, "4\n")];
        let point = checkpoint(vec![changed]);
        let now = |_: &RelPath| Some("one\n2\nmine\n3\nfour\n".to_owned());
        let taken = take_back(&[&point], Some(&[HunkId("h1".into())]), &now);
        assert_eq!(taken.files[0].result, "1\n2\nmine\n3\nfour\n");
        assert!(take_back(&[&point], Some(&[HunkId("h9".into())]), &now).files.is_empty());
    }

    #[test]
    fn a_moved_file_goes_back_with_what_was_written_into_it() {
        let mut moved = file(Some("1\n2\n3\n"), Some("one\n2\n3\n"));
        moved.from = Some("old".to_owned());
        let taken = take_back(&[&checkpoint(vec![moved])], None, &|path| {
            (path.as_str() == "a").then(|| "one\n2\n3\nlater\n".to_owned())
        });
        assert_eq!(taken.files[0].path.as_str(), "old");
        assert_eq!(taken.files[0].kind, FileKind::Move { from: RelPath::new("a").unwrap() });
        assert_eq!(taken.files[0].result, "1\n2\n3\nlater\n");
    }

    #[test]
    fn a_change_is_recognised_under_later_work() {
        let change = file(Some("a\nb\nc\n"), Some("a\nB\nc\n"));
        assert!(stands(&change, Some("a\nB\nc\n")));
        assert!(stands(&change, Some("a\nB\nc\nlater\n")));
        assert!(!stands(&change, Some("a\nb\nc\n")));
        assert!(!stands(&change, Some("a\nb\nc\nlater\n")));
        assert!(!stands(&change, None));
        assert!(stands(&file(Some("a\n"), None), None));
    }
}

//! What becomes of an accept when a text comes back: it arrived, it must be expected anew, or the editor put it in the wrong
//! place and it is mended.

use galley_agent::decisions;
use galley_review::{AcceptFile, FileKind};
use galley_text::diff;
use galley_text::merge::merge;
use galley_text::path::RelPath;

use super::accepting::{self, Accepting};
use super::state::State;
use crate::rollback;

impl State {
    /// Whether a document now is exactly what an accept meant; then its hunks are accepted.
    pub fn came_back_exactly(
        &mut self,
        path: &RelPath,
        text: &dyn Fn(&str) -> bool,
        version: Option<i32>,
    ) -> bool {
        let exact = |accept: &Accepting| accept.waits_for(path).is_some_and(|file| text(&file.result));
        let Some(at) = self.accepting.iter().position(exact) else { return false };
        self.file_arrived(at, path, version);
        true
    }

    /// A file of an accept is as it was meant.
    pub fn file_arrived(&mut self, at: usize, path: &RelPath, version: Option<i32>) {
        let Some(file) = self.accepting[at].waits_for(path).cloned() else { return };
        let takes_back = self.accepting[at].restoring.is_some();
        self.settle_mode(&file);
        if let Some(review) = file.hunks.first().and_then(|id| self.reviews.of_hunk_mut(id)) {
            match takes_back {
                true => drop(review.proposal.reverted(&file.hunks)),
                false => drop(review.proposal.accepted(&file.hunks)),
            }
            for known in review.proposal.files.iter_mut().filter(|known| *known.document() == file.path) {
                known.version = version;
            }
        }
        self.others_follow(&file, version);
        self.mark_reviews(path);
        self.arrived(at, &file.path);
    }

    /// Gives a file the mode that it was accepted with.
    fn settle_mode(&mut self, file: &AcceptFile) {
        let Some(executable) = file.executable() else { return };
        if let Err(error) = self.workspace.set_executable(&file.path, executable) {
            let what = if executable { "make executable" } else { "make plain" };
            self.show(2, &format!("Galley: could not {what} {}: {error}; run chmod on it", file.path));
        }
    }

    /// Other proposals on the same file see the edit as any change.
    fn others_follow(&mut self, file: &AcceptFile, version: Option<i32>) {
        let owner = file.hunks.first().cloned();
        let mut renewed = Vec::new();
        for review in self.reviews.iter_mut().filter(|review| review.concerns(&file.path)) {
            let owns = owner.as_ref().is_some_and(|id| review.proposal.hunk(id).is_some());
            if !owns {
                match file.kind {
                    FileKind::Delete => drop(review.proposal.file_deleted(&file.path)),
                    _ => drop(review.proposal.document_replaced(&file.path, &file.result, version)),
                }
                review.stale = true;
                renewed.push(review.proposal.id.0.clone());
            }
        }
        renewed.iter().for_each(|proposal| self.renew_soon(proposal));
    }

    /// After a change that was not exactly an accept's: perhaps its text is there among the person's own; perhaps the editor
    /// dropped the edit because of it; in any case what is expected is something else now.
    pub fn settle(&mut self, path: &RelPath) {
        let Some(at) = self.accepting.iter().position(|accept| accept.waits_for(path).is_some()) else {
            return self.settle_intents(path);
        };
        let Some(file) = self.accepting[at].waits_for(path).cloned() else { return };
        if self.accepting[at].restoring.is_none()
            && let Some(review) = file.hunks.first().and_then(|id| self.reviews.of_hunk_mut(id))
        {
            let settled = decisions::settle_accepted(&mut review.proposal, &file.hunks);
            if settled.len() == file.hunks.len() {
                return self.arrived(at, &file.path);
            }
        }
        self.expect_anew(at, &file);
        let accept = &self.accepting[at];
        if accept.answered && self.moved_on(accept) {
            self.again(self.accepting[at].number);
        }
    }

    /// Plans a file of an accept again, on the text as it is now.
    fn expect_anew(&mut self, at: usize, file: &AcceptFile) {
        let now = self.text_now(&file.path).0;
        let anew = match (&self.accepting[at].restoring, now) {
            (None, _) => {
                let review = file.hunks.first().and_then(|id| self.reviews.of_hunk(id));
                let plan = review.and_then(|review| review.proposal.plan_accept(&file.hunks, false).ok());
                plan.and_then(|files| files.into_iter().find(|known| known.path == file.path))
            }
            (Some(_), Some(now)) if file.kind == FileKind::Modify => {
                let merged = merge(&file.base, &now, &file.result);
                merged
                    .is_clean()
                    .then(|| AcceptFile { hunks: file.hunks.clone(), ..mend(&file.path, &now, &merged.text) })
            }
            (Some(_), _) => None,
        };
        if let Some(anew) = anew
            && let Some(known) = self.accepting[at].files.iter_mut().find(|known| known.path == file.path)
        {
            *known = anew;
        }
    }

    /// Whether the editor put an edit into newer text at the places of the older, or such a mistake is being mended. Then the
    /// proposals wait until the text is as it is meant.
    pub fn is_misplaced(
        &mut self,
        path: &RelPath,
        before: &ropey::Rope,
        now: &ropey::Rope,
        version: i32,
    ) -> bool {
        let Some(at) = self.accepting.iter().position(|accept| accept.waits_for(path).is_some()) else {
            return false;
        };
        let accept = &mut self.accepting[at];
        if let Some((was, wanted)) = accept.wrong.remove(path) {
            let text = now.to_string();
            let merged = merge(&was, &text, &wanted);
            let wanted = if text == wanted { wanted } else { rollback::mine(&merged) };
            if text == wanted {
                self.mended(at, path, &wanted, version);
            } else {
                accept.wrong.insert(path.clone(), (text, wanted));
                if accept.answered {
                    let number = accept.number;
                    self.again(number);
                }
            }
            return true;
        }
        let (Some(sent), Some(meant)) = (accept.sent_at(path), accept.waits_for(path)) else { return false };
        if *before == sent.base.as_str() || sent.kind != FileKind::Modify {
            return false;
        }
        let wanted = meant.result.clone();
        let misplaced = accepting::misplaced(&sent.base, &sent.edits, before, self.facts.encoding);
        if misplaced.is_none_or(|text| *now != text.as_str()) {
            return false;
        }
        let number = accept.number;
        accept.wrong.insert(path.clone(), (now.to_string(), wanted));
        self.log(2, &format!("galley: the editor put an edit of {path} into newer text; mending it"));
        self.again(number);
        true
    }

    /// The text is as it is meant after a mistake of the editor's.
    fn mended(&mut self, at: usize, path: &RelPath, text: &str, version: i32) {
        let Some(file) = self.accepting[at].waits_for(path).cloned() else { return };
        self.file_arrived(at, path, Some(version));
        if file.result != text {
            self.reviews.document_replaced(path, text, Some(version));
            self.mark_reviews(path);
        }
    }

    fn arrived(&mut self, at: usize, path: &RelPath) {
        self.accepting[at].waiting.retain(|known| known != path);
        if self.accepting[at].waiting.is_empty() {
            let accept = self.accepting.remove(at);
            self.finish_accept(accept, None);
        }
    }
}

/// The edit that makes `wanted` of the text that is there.
pub(super) fn mend(path: &RelPath, now: &str, wanted: &str) -> AcceptFile {
    AcceptFile {
        path: path.clone(),
        kind: FileKind::Modify,
        base: now.to_owned(),
        version: None,
        edits: diff::edits(now, wanted),
        result: wanted.to_owned(),
        hunks: Vec::new(),
        mode: None,
    }
}

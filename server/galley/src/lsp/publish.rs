//! What the client is shown: tasks, proposals, status, diagnostics. Sent when the queue of events is empty.

use std::collections::{BTreeMap, BTreeSet};

use galley_agent::verify::{CheckStatus, Evidence};
use galley_review::{FileKind, FileProposal, Hunk, HunkState};
use serde_json::{Value, json};
use tower_lsp::lsp_types::Url;

use super::convert;
use super::reviews::{Proof, Review};
use super::state::State;
use crate::protocol;

/// Lines of a hunk that a diagnostic shows.
const SHOWN_LINES: usize = 12;

impl State {
    /// Sends what changed since the last time.
    pub fn flush(&mut self) {
        if !self.ready {
            return;
        }
        let dirty = std::mem::take(&mut self.dirty);
        for task in &dirty.tasks {
            if let Some(task) = self.task_shown(task) {
                self.outbox.notify("galley/task/didUpdate", &task);
            }
        }
        for id in &dirty.proposals {
            if let Some(review) = self.reviews.find(Some(id)).filter(|review| review.proposal.id.0 == *id) {
                self.outbox.notify("galley/proposal/didChange", &self.proposal_shown(review));
            }
        }
        if dirty.marks {
            self.publish_diagnostics();
            self.refresh_lenses();
        }
        if dirty.status || dirty.marks || !dirty.tasks.is_empty() {
            let status = self.status();
            if self.shown_status.as_ref() != Some(&status) {
                self.outbox.notify("galley/status/didChange", &status);
                self.shown_status = Some(status);
            }
        }
    }

    /// A task as it is shown.
    pub fn task_shown(&self, task: &str) -> Option<protocol::Task> {
        let view = self.tasks.get(task)?;
        let proposal = self.reviews.iter().rev().find(|review| review.proposal.task == task);
        Some(convert::task(view, proposal.map(|review| review.proposal.id.0.clone())))
    }

    /// A proposal as it is shown.
    pub fn proposal_shown(&self, review: &Review) -> protocol::Proposal {
        let proposal = &review.proposal;
        protocol::Proposal {
            proposal: proposal.id.0.clone(),
            task: proposal.task.clone(),
            title: proposal.title.clone(),
            partial: proposal.partial,
            open: review.is_open(),
            warnings: proposal.warnings.iter().cloned().chain(self.rivals(review)).collect(),
            evidence: review
                .evidence
                .iter()
                .map(|evidence| convert::evidence(evidence, review.stale))
                .collect(),
            accepted_checks: convert::accepted_checks(review),
            files: proposal.files.iter().filter_map(|file| self.file_shown(review, file)).collect(),
        }
    }

    /// What other open proposals change in the same lines, a sentence each.
    fn rivals(&self, review: &Review) -> Vec<String> {
        let mut found = Vec::new();
        let own = &review.proposal;
        for other in self.reviews.open().filter(|other| other.proposal.id != own.id) {
            for (file, hunk) in own.pending() {
                let same = |(known, rival): &(&FileProposal, &Hunk)| {
                    known.document() == file.document() && rival.overlaps(hunk)
                };
                if other.proposal.pending().any(|rival| same(&rival)) {
                    let line = file.current.byte_to_line(hunk.range.start.min(file.current.len_bytes())) + 1;
                    let (path, title) = (file.path.as_str(), &other.proposal.title);
                    found.push(format!("{path}:{line}: another proposal changes the same lines ({title})"));
                }
            }
        }
        found
    }

    fn file_shown(&self, review: &Review, file: &FileProposal) -> Option<protocol::ProposedFile> {
        let from_uri = match &file.kind {
            FileKind::Move { from } => self.address(from).map(|uri| uri.to_string()),
            _ => None,
        };
        let hunk = |hunk: &Hunk| convert::hunk(review, file, hunk, self.facts.encoding);
        Some(protocol::ProposedFile {
            uri: self.address(&file.path)?.to_string(),
            path: file.path.as_str().to_owned(),
            kind: convert::kind(&file.kind).to_owned(),
            from_uri,
            version: file.version,
            hunks: file.hunks.iter().map(hunk).collect(),
        })
    }

    /// The status line.
    pub fn status(&self) -> protocol::Status {
        let model = self.model_name().ok();
        let running: Vec<_> = self
            .tasks
            .values()
            .filter(|view| !view.state.is_over() && self.handles.contains_key(&view.task))
            .collect();
        let hunks = self.reviews.open().map(|review| review.open_hunks().count()).sum();
        let (text, level) = if let Some(view) = running.last() {
            let plural = if running.len() == 1 { "" } else { "s" };
            let cost = view.usd.map(|usd| format!(" · ${usd:.2}")).unwrap_or_default();
            let level = if view.state == galley_agent::event::State::Waiting { "warning" } else { "busy" };
            (format!("{} task{plural} · {}{cost}", running.len(), view.state.word()), level)
        } else if let Some((text, level)) = self.accepted_word() {
            (text, level)
        } else if hunks > 0 {
            let (word, level) = self.checks_word();
            let plural = if hunks == 1 { "" } else { "s" };
            (format!("{hunks} hunk{plural} to review · {word}"), level)
        } else {
            match (&model, self.symbols) {
                (None, _) => ("no model".to_owned(), "warning"),
                (Some(model), (symbols, true)) => {
                    (format!("ready · {} symbols · {}", grouped(symbols), short(model)), "ok")
                }
                (Some(model), (symbols, false)) => {
                    (format!("indexing · {} symbols · {}", grouped(symbols), short(model)), "busy")
                }
            }
        };
        protocol::Status {
            text,
            level: level.to_owned(),
            symbols: self.symbols.0,
            model,
            tasks: running.len(),
            hunks,
            sandbox: galley_exec::probed().map(|level| level.to_string()),
        }
    }

    /// What the check of accepted hunks has to say, where it is more than that all is well.
    fn accepted_word(&self) -> Option<(String, &'static str)> {
        let told =
            self.reviews.iter().rev().find_map(|review| Some((review, review.accepted_checks.as_ref()?)))?;
        let (review, checks) = told;
        match checks.proof {
            Proof::Running => Some(("checking what was accepted".to_owned(), "busy")),
            Proof::Failed if checks.lacks.is_empty() => Some(("accepted hunks fail".to_owned(), "warning")),
            Proof::Failed => {
                Some((format!("accepted hunks fail without {}", review.numbers(&checks.lacks)), "warning"))
            }
            Proof::Passed | Proof::NotRun => None,
        }
    }

    fn checks_word(&self) -> (&'static str, &'static str) {
        let open: Vec<&Review> = self.reviews.open().collect();
        let evidence: Vec<&Evidence> = open.iter().flat_map(|review| &review.evidence).collect();
        if evidence.iter().any(|evidence| evidence.status == CheckStatus::Failed) {
            return ("checks red", "warning");
        }
        if evidence.is_empty() || evidence.iter().any(|evidence| evidence.status == CheckStatus::NotRun) {
            return ("not verified", "warning");
        }
        if open.iter().any(|review| review.stale) {
            ("checks stale", "review")
        } else {
            ("checks green", "review")
        }
    }

    fn publish_diagnostics(&mut self) {
        let mut by_file: BTreeMap<Url, (Option<i32>, Vec<Value>)> = BTreeMap::new();
        for review in self.reviews.open() {
            for file in &review.proposal.files {
                let Some(uri) = self.address(file.document()) else { continue };
                let marks = file
                    .hunks
                    .iter()
                    .filter(|hunk| hunk.is_open())
                    .map(|hunk| self.diagnostic(review, file, hunk));
                let entry = by_file.entry(uri).or_insert((file.version, Vec::new()));
                entry.1.extend(marks);
            }
        }
        let now: BTreeSet<Url> =
            by_file.iter().filter(|(_, (_, marks))| !marks.is_empty()).map(|(uri, _)| uri.clone()).collect();
        for uri in self.marked.difference(&now) {
            let params = json!({ "uri": uri, "diagnostics": [] });
            self.outbox.notify("textDocument/publishDiagnostics", &params);
        }
        for (uri, (version, marks)) in by_file.iter().filter(|(uri, _)| now.contains(uri)) {
            let mut params = json!({ "uri": uri, "diagnostics": marks });
            if let Some(version) = version {
                params["version"] = json!(version);
            }
            self.outbox.notify("textDocument/publishDiagnostics", &params);
        }
        self.marked = now;
    }

    fn diagnostic(&self, review: &Review, file: &FileProposal, hunk: &Hunk) -> Value {
        let range = convert::range(&file.current, &hunk.range, self.facts.encoding);
        json!({
            "range": range,
            "severity": 3,
            "source": "galley",
            "code": "hunk",
            "message": message(review, file, hunk),
            "data": { "task": review.proposal.task, "proposal": review.proposal.id.0, "hunk": hunk.id.0 },
        })
    }

    fn refresh_lenses(&self) {
        if self.facts.lens_refresh && !self.facts.review {
            let client = self.client.clone();
            tokio::spawn(async move { client.code_lens_refresh().await });
        }
    }
}

/// A hunk in words and lines, so that an editor without our client shows the whole change.
fn message(review: &Review, file: &FileProposal, hunk: &Hunk) -> String {
    let (number, of) = review.proposal.number(&hunk.id).unwrap_or((0, 0));
    let mut text = format!("hunk {number} of {of}");
    let lacks = review.lacks(&hunk.id);
    if !lacks.is_empty() {
        text.push_str(&format!(" (needs {})", review.numbers(&lacks)));
    }
    if let Some(comment) = review.comments.get(&hunk.id) {
        text.push_str(&format!(" (being revised: {comment})"));
    }
    if hunk.state == HunkState::Conflicted {
        text.push_str(" (conflicts with what you typed)");
    }
    if let Some(words) = galley_review::render::whole_file(file, hunk) {
        text.push_str(&format!(": {words}"));
    }
    if let Some(reason) = &hunk.reason {
        text.push_str(&format!(": {reason}"));
    }
    let removed = hunk.before.lines().map(|line| format!("-{line}"));
    let added = hunk.after.lines().map(|line| format!("+{line}"));
    let lines: Vec<String> = removed.chain(added).collect();
    for line in lines.iter().take(SHOWN_LINES) {
        text.push_str(&format!("\n{line}"));
    }
    if lines.len() > SHOWN_LINES {
        text.push_str(&format!("\n… {} more lines", lines.len() - SHOWN_LINES));
    }
    text
}

fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn short(model: &str) -> &str {
    model.split_once('/').map_or(model, |(_, name)| name.rsplit('/').next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(48_210), "48,210");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }
}

//! Tasks of earlier sessions, from the journal: their proposals come back with the decisions that were made.

use galley_agent::decisions;
use galley_agent::event::{State as TaskState, TaskEvent, Verdict};
use galley_agent::view::TaskView;
use galley_journal::{Journal, Seq};
use tower_lsp::lsp_types::{ConfigurationItem, ConfigurationParams};

use super::reviews::Review;
use super::state::State;

/// Tasks that are looked at, latest first.
const LATEST: usize = 50;

impl State {
    /// Reads the journal for this workspace, away from the loop.
    pub fn find_earlier_tasks(&self) {
        let Ok(journal) = self.journal.clone() else { return };
        let front = self.front.clone();
        let key = galley_agent::workspace_key(&self.workspace);
        self.tasks_runtime.spawn_blocking(move || {
            let after = journal.newest().unwrap_or(0);
            let found = read(&journal, &key);
            front.send(super::event::Event::Query(Box::new(move |state| {
                state.take_earlier(found);
                state.watch_others(after);
            })));
        });
    }

    fn take_earlier(&mut self, found: Vec<(Seq, TaskView)>) {
        let mut contests = Vec::new();
        for (seq, view) in found {
            if self.tasks.contains_key(&view.task) {
                continue;
            }
            let task = view.task.clone();
            self.read_to(&task, seq);
            match galley_agent::contest::of(&view) {
                Some(_) => contests.push(task.clone()),
                None if view.state == TaskState::Proposed => self.reopen(&view),
                None => {}
            }
            self.tasks.insert(task.clone(), view);
            self.settle_earlier(&task);
            self.dirty.tasks.insert(task);
        }
        for task in contests {
            self.held_in_contest(&task);
        }
        self.dirty.status = true;
    }

    /// Puts a proposal under review again as it was left.
    pub fn reopen(&mut self, view: &TaskView) {
        let Some(proposal) = decisions::divided(view) else { return };
        let id = proposal.id.0.clone();
        let paths: Vec<_> = proposal.files.iter().map(|file| file.document().clone()).collect();
        self.reviews.add(Review::new(proposal, view.evidence.clone()));
        for path in paths {
            self.text_as_it_is(&path);
        }
        if let Some(review) = self.reviews.iter_mut().find(|review| review.proposal.id.0 == id) {
            decisions::replay(&mut review.proposal, view);
            for (hunks, verdict, _) in &view.decisions {
                match verdict {
                    Verdict::Accepted | Verdict::Rejected => review.note_decided(hunks),
                    Verdict::Reopened => review.forget_decided(hunks),
                    _ => {}
                }
            }
        }
        self.dirty.proposals.insert(id);
        self.dirty.marks = true;
    }

    /// Asks the client for our settings, if it answers such questions.
    pub fn fetch_editor_settings(&self) {
        if !self.facts.configuration {
            return;
        }
        let (client, front) = (self.client.clone(), self.front.clone());
        tokio::spawn(async move {
            let item = ConfigurationItem { scope_uri: None, section: Some("galley".to_owned()) };
            let params = ConfigurationParams { items: vec![item] };
            let asked =
                client.send_request::<tower_lsp::lsp_types::request::WorkspaceConfiguration>(params).await;
            if let Some(settings) =
                asked.ok().and_then(|answers| answers.into_iter().next()).filter(|one| !one.is_null())
            {
                front.query(move |state| state.take_editor_settings(&settings)).await;
            }
        });
    }
}

fn read(journal: &Journal, key: &str) -> Vec<(Seq, TaskView)> {
    let Ok(rows) = journal.tasks(Some(key)) else { return Vec::new() };
    let mut latest = rows;
    latest.sort_by_key(|row| std::cmp::Reverse(row.created_ms));
    latest.truncate(LATEST);
    let mut found = Vec::new();
    for row in latest {
        let Ok(entries) = journal.events(&row.id, 0) else { continue };
        let last = entries.last().map_or(0, |entry| entry.seq);
        let mut view = TaskView::new(&row.id);
        let mut began = false;
        for entry in entries {
            let Ok(event) = serde_json::from_str(&entry.payload) else { continue };
            began |= matches!(event, TaskEvent::Started { .. });
            view.apply(entry.at_ms, &event);
        }
        let alive = journal.owner(&row.id).ok().flatten().is_some_and(|claim| claim.alive);
        if !view.state.is_over() && !alive && began {
            view.state = TaskState::Interrupted;
            view.activity = format!("interrupted at step {}; nothing was applied", view.steps.len());
        }
        found.push((last, view));
    }
    found
}

//! Edits shown while the model writes them. They are a look ahead: nothing can be decided about them.

use galley_agent::drafting::Draft;

use super::state::State;
use crate::protocol;

impl State {
    /// Shows the edits of the call that is being written.
    pub fn show_drafts(&mut self, task: &str, drafts: &[Draft]) {
        if !self.facts.review {
            return;
        }
        let shown = drafts.iter().filter_map(|draft| {
            Some(protocol::Draft {
                uri: self.address(&draft.path)?.to_string(),
                path: draft.path.as_str().to_owned(),
                line: draft.line.and_then(|line| u32::try_from(line).ok()),
                old: draft.old.clone(),
                new: draft.new.clone(),
            })
        });
        let drafts = protocol::Drafts { task: task.to_owned(), drafts: shown.collect() };
        self.outbox.notify("galley/task/didDraft", &drafts);
        self.drafting.insert(task.to_owned());
    }

    /// The call is whole, or void: its edits are shown elsewhere, or nowhere.
    pub fn forget_drafts(&mut self, task: &str) {
        if self.drafting.remove(task) {
            let none = protocol::Drafts { task: task.to_owned(), drafts: Vec::new() };
            self.outbox.notify("galley/task/didDraft", &none);
        }
    }
}

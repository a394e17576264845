//! Keeps the conversation inside the model's window: before a request that would not fit, and after one that did not.

use galley_model::{Item, ModelError, Request};

use super::ending;
use super::rounds::{Next, Rounds};
use crate::aside::{self, Phase};
use crate::compact::{self, Facts, item_bytes};
use crate::event::{Shortened, State, TaskEvent};

/// Output tokens that a request leaves room for, at most a quarter of the window.
const REPLY: u64 = 8_000;

/// The window of a model of which nobody knows it. Its server refuses what is too long; then it is known.
const UNKNOWN: u64 = 128_000;

impl Rounds {
    /// The model's window in tokens: as configured, as its provider showed, or as known of it.
    fn window(&self) -> u64 {
        let configured = self.context.services.window;
        configured.or_else(|| self.client.window()).unwrap_or(UNKNOWN)
    }

    /// Shortens the conversation when the next request would fill the window.
    pub(super) async fn within_window(&mut self) -> Next {
        let window = self.window();
        let room = window - REPLY.min(window / 4);
        if self.next_input() <= room {
            return Next::Again;
        }
        if self.shortened >= 2 {
            let why = format!(
                "it needs you: what cannot be shortened fills the window of {window} tokens; choose a model with a larger one"
            );
            return ending::partial(self, State::Failed, &why).await;
        }
        let cause =
            format!("the next request would have been about {} of {window} tokens", self.next_input());
        self.shorten(&cause).await;
        Next::Again
    }

    /// After a request that was too long for the provider.
    pub(super) async fn overflowed(&mut self, error: &ModelError) -> Next {
        if self.shortened >= 2 {
            return ending::partial(self, State::Failed, &error.to_string()).await;
        }
        self.counted = None;
        self.shorten("the provider said that the request was too long").await;
        Next::Again
    }

    /// Puts old outputs aside; where that does not halve the conversation, makes a record of all but the latest rounds.
    async fn shorten(&mut self, cause: &str) {
        self.shortened += 1;
        let before_tokens = self.next_input();
        let rate =
            self.counted.map_or(4.0, |(tokens, bytes)| bytes as f64 / tokens.max(1) as f64).clamp(1.5, 6.0);
        let budget = (self.window() as f64 * rate) as usize;
        let before = compact::tail(&self.past.items, budget / 5);
        let maskable: usize = compact::mask(&mut self.past.items.clone(), before, |id| self.past.summary(id));
        let masked_enough = self.bytes - maskable.min(self.bytes) <= budget / 2;
        let shortened = if masked_enough && self.shortened == 1 {
            Shortened::Masked { before }
        } else {
            let record = self.record_of(before, budget).await;
            Shortened::Recorded { before, record }
        };
        shortened.apply(&mut self.past.items, &self.past.summaries);
        // What was read is no longer there to be referred to.
        self.context.seen.clear();
        self.bytes = self.past.items.iter().map(item_bytes).sum::<usize>() + self.past.frozen_bytes();
        let after_tokens = (self.bytes as f64 / rate) as u64;
        self.counted = None;
        self.context.record(&TaskEvent::Compacted {
            shortened,
            cause: cause.to_owned(),
            before: before_tokens,
            after: after_tokens,
        });
    }

    /// The record that takes the place of the items before `before`; the facts are the journal's, the notes a model's.
    async fn record_of(&mut self, before: usize, budget: usize) -> String {
        let notes = self.notes(before, budget).await;
        let mut decisions = self.past.decisions.clone();
        decisions.extend(self.context.answers.iter().cloned());
        let facts = Facts {
            plan: &self.plan,
            scope: self.context.scope.spec(),
            said: &self.past.said,
            decisions: &decisions,
            evidence: &self.context.evidence,
            overlay: &self.context.overlay,
        };
        compact::record(&facts, notes.as_deref())
    }

    /// A model's notes on the part that goes; none where no model answers.
    async fn notes(&mut self, before: usize, budget: usize) -> Option<String> {
        const ASK: &str = "Summarise these notes of an agent's work for the agent itself: what was learnt of the code (paths, names), \
                           what was tried and failed, what is left. At most 200 words, no advice.";
        let part = self.past.items.get(1..before)?;
        let request = Request {
            instructions: ASK.to_owned(),
            items: vec![Item::User(compact::to_summarise(part, budget / 4))],
            max_output: Some(700),
            ..Request::default()
        };
        let client = self.context.services.fast.clone().unwrap_or_else(|| self.client.clone());
        self.enter(State::Exploring, "shortening the conversation");
        self.allow_asides();
        let key = format!("summary {}", self.past.items.len());
        let reply = aside::ask(&mut self.context, &client, &request, Phase::Summary, &key).await.ok()?;
        self.count_asides();
        Some(reply.text)
    }
}

//! Calls of a model outside of a task's conversation: a critic's look, a sub-task's rounds, a summary.
//!
//! Such a call is made only if it fits what the task may still spend. Its reply is in the journal, with its price, before
//! anything comes of it, so that a task that was killed pays no reply twice: it finds those that it has by their key.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use galley_model::{Client, ModelError, Reply, Request, Usage};
use serde::{Deserialize, Serialize};

use crate::budget::Spent;
use crate::event::TaskEvent;
use crate::task::Budget;
use crate::tools::Context;

/// What a call of a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The task's own conversation.
    Work,
    /// A sub-task that reads.
    Explore,
    /// A sub-task that edits.
    Delegate,
    /// The look at a finished diff.
    Critic,
    /// Notes for a conversation that is shortened.
    Summary,
}

impl Phase {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Work => "work",
            Phase::Explore => "explore",
            Phase::Delegate => "delegate",
            Phase::Critic => "critic",
            Phase::Summary => "summary",
        }
    }
}

/// Output tokens that are reserved for a reply.
const OUTPUT: u64 = 2_000;

/// What may still be spent on calls aside. A limit that is absent does not bind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Allowance {
    /// US dollars.
    pub usd: Option<f64>,
    /// Input and output tokens together.
    pub tokens: Option<u64>,
}

impl Allowance {
    /// What a budget leaves after what was spent.
    pub fn left(budget: &Budget, spent: &Spent) -> Allowance {
        let used = spent.usage.input + spent.usage.output;
        Allowance {
            usd: budget.usd.map(|limit| (limit - spent.usd.unwrap_or(0.0)).max(0.0)),
            tokens: budget.tokens.map(|limit| limit.saturating_sub(used)),
        }
    }

    /// The lower of both in each limit.
    pub fn at_most(self, other: Allowance) -> Allowance {
        let usd = match (self.usd, other.usd) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        let tokens = match (self.tokens, other.tokens) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        Allowance { usd, tokens }
    }

    /// One of so many equal parts.
    pub fn share(self, parts: u32) -> Allowance {
        let parts = parts.max(1);
        Allowance {
            usd: self.usd.map(|usd| usd / f64::from(parts)),
            tokens: self.tokens.map(|tokens| tokens / u64::from(parts)),
        }
    }

    /// Whether a call fits; otherwise a sentence that names the limit.
    fn has_room(&self, tokens: u64, usd: Option<f64>) -> Result<(), String> {
        if let Some(left) = self.tokens
            && tokens > left
        {
            return Err(format!("the call would need about {tokens} tokens, {left} are left for it"));
        }
        if let (Some(left), Some(usd)) = (self.usd, usd)
            && usd > left
        {
            return Err(format!("the call would cost about ${usd:.2}, ${left:.2} are left for it"));
        }
        Ok(())
    }

    fn take(&mut self, usage: &Usage, usd: Option<f64>) {
        self.tokens = self.tokens.map(|left| left.saturating_sub(usage.input + usage.output));
        self.usd = self.usd.map(|left| (left - usd.unwrap_or(0.0)).max(0.0));
    }
}

/// The replies that are paid for and that nothing has come of yet, by their key. Shared with the sub-tasks.
#[derive(Debug, Clone, Default)]
pub struct Answered(Arc<Mutex<HashMap<String, VecDeque<Reply>>>>);

impl Answered {
    /// The replies of a task's past.
    pub fn new(known: HashMap<String, VecDeque<Reply>>) -> Answered {
        Answered(Arc::new(Mutex::new(known)))
    }

    fn next(&self, key: &str) -> Option<Reply> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(key)?.pop_front()
    }
}

/// Why a call aside has no reply.
#[derive(Debug, thiserror::Error)]
pub enum AsideError {
    /// It does not fit the budget; it was not made.
    #[error("{0}")]
    Budget(String),
    /// The model's fault.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Asks a model, unless the reply with this key is there already.
///
/// # Errors
/// When the call does not fit the allowance, or the model does not answer.
pub async fn ask(
    context: &mut Context,
    client: &Client,
    request: &Request,
    phase: Phase,
    key: &str,
) -> Result<Reply, AsideError> {
    if let Some(known) = context.answered.next(key) {
        return Ok(known);
    }
    let most = Usage { input: client.tokens(request), output: OUTPUT, ..Usage::default() };
    let price = client.capabilities().cost(&most);
    context.allowance.has_room(most.input + most.output, price).map_err(AsideError::Budget)?;
    let cancel = context.cancel.clone();
    let reply = client.exchange(request, &mut |_| {}, &cancel).await?;
    let mut usage = reply.usage;
    usage += reply.wasted;
    let usd = client.cost(&reply);
    let event = TaskEvent::Aside {
        phase,
        key: key.to_owned(),
        model: client.endpoint().name(),
        reply: Box::new(reply.clone()),
        usd,
    };
    context.record_paid(&[event], Some(spend(&context.task, client, &usage, usd)));
    context.allowance.take(&usage, usd);
    context.aside.push((usage, usd));
    Ok(reply)
}

/// What a call cost, as the ledger has it.
pub fn spend(task: &str, client: &Client, usage: &Usage, usd: Option<f64>) -> galley_journal::Spend {
    galley_journal::Spend {
        task: task.to_owned(),
        model: client.endpoint().name(),
        at_ms: crate::clock::now_ms(),
        input: usage.input,
        cached: usage.cached,
        cache_write: usage.cache_write,
        output: usage.output,
        reasoning: usage.reasoning,
        usd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_does_not_fit_its_share_is_not_made() {
        let budget = Budget { usd: Some(1.0), tokens: Some(10_000), steps: None, seconds: None };
        let mut spent = Spent { usd: Some(0.4), ..Spent::default() };
        spent.usage.input = 4_000;
        let left = Allowance::left(&budget, &spent);
        assert_eq!(left.tokens, Some(6_000));
        let mut share = left.at_most(Allowance { usd: Some(0.3), tokens: None }).share(3);
        assert!(share.tokens == Some(2_000) && share.usd.is_some_and(|usd| (usd - 0.1).abs() < 1e-9));
        assert!(share.has_room(1_900, Some(0.05)).is_ok());
        assert!(share.has_room(2_100, None).unwrap_err().contains("2000 are left"));
        assert!(share.has_room(10, Some(0.2)).unwrap_err().contains("$0.10 are left"));
        share.take(&Usage { input: 1_500, output: 100, ..Usage::default() }, Some(0.02));
        assert_eq!(share.tokens, Some(400));
        assert!(Allowance::default().has_room(u64::MAX, Some(1e9)).is_ok(), "no limit binds nothing");
    }
}

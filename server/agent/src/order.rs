//! Orders of the person's to a running task, and the queue in which they wait.
//!
//! An order is an event of the task: whoever gives it, this process, another editor or a terminal, writes it into the
//! journal, and the process that runs the task takes it from there. So none is lost, and each can be changed or taken back
//! while it waits.

use std::collections::VecDeque;

use galley_journal::{Journal, JournalError};
use serde::{Deserialize, Serialize};

use crate::event::{PlanItem, TaskEvent};
use crate::scope::ScopeSpec;
use crate::task::Budget;

/// What a person may order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Order {
    /// A message for the model.
    Say {
        /// The message.
        text: String,
    },
    /// Hold at the next safe point; a stream is cut at once.
    Pause,
    /// Go on.
    Resume,
    /// End, keeping what there is as a partial proposal.
    Stop,
    /// Another limit; absent ones stay as they are.
    Budget {
        /// The limits.
        budget: Budget,
    },
    /// Another scope, in place of the present one.
    Scope {
        /// The scope.
        scope: ScopeSpec,
    },
    /// Another model, from the next turn on.
    Model {
        /// `provider/model`.
        model: String,
    },
    /// Another plan, in place of the present one.
    Plan {
        /// The items.
        items: Vec<PlanItem>,
        /// Whether work on it may begin, where it waits for approval.
        approve: bool,
    },
    /// New words for a message that still waits.
    Reword {
        /// The message's id.
        id: String,
        /// Its new text.
        text: String,
    },
    /// Takes an order back that still waits.
    Remove {
        /// The order's id.
        id: String,
    },
}

impl Order {
    /// Whether it holds from the moment it is given, or is done to the queue, so that it never waits in it.
    pub fn holds_at_once(&self) -> bool {
        matches!(
            self,
            Order::Pause | Order::Resume | Order::Stop | Order::Reword { .. } | Order::Remove { .. }
        )
    }
}

/// An order with its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queued {
    /// Its id.
    pub id: String,
    /// The order.
    pub order: Order,
}

impl Queued {
    /// An order with a new id.
    pub fn new(order: Order) -> Queued {
        Queued { id: crate::clock::new_id("o"), order }
    }
}

/// Orders that wait, oldest first. Also the fold of a task's `Ordered` and `Taken` events.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Queue {
    waiting: VecDeque<Queued>,
}

impl Queue {
    /// Takes an order in: a change of a waiting one is done to it, anything else waits.
    pub fn put(&mut self, queued: Queued) {
        match queued.order {
            Order::Remove { id } => self.waiting.retain(|known| known.id != id),
            Order::Reword { id, text: new } => {
                for known in &mut self.waiting {
                    if known.id == id
                        && let Order::Say { text } = &mut known.order
                    {
                        text.clone_from(&new);
                    }
                }
            }
            // These hold from the moment they are given.
            Order::Pause | Order::Resume | Order::Stop => {}
            _ if self.waiting.iter().any(|known| known.id == queued.id) => {}
            _ => self.waiting.push_back(queued),
        }
    }

    /// An order was taken.
    pub fn taken(&mut self, id: &str) {
        self.waiting.retain(|known| known.id != id);
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What waits, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Queued> {
        self.waiting.iter()
    }

    /// Takes everything.
    pub fn take(&mut self) -> Vec<Queued> {
        self.waiting.drain(..).collect()
    }
}

/// Gives an order to a task that runs in another process: it takes it from the journal within a second.
///
/// # Errors
/// When the journal cannot be written.
pub fn give(journal: &Journal, task: &str, order: Order) -> Result<String, JournalError> {
    let queued = Queued::new(order);
    let id = queued.id.clone();
    let event = TaskEvent::Ordered { queued };
    journal.append(task, event.kind(), &event, crate::clock::now_ms())?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(id: &str, text: &str) -> Queued {
        Queued { id: id.into(), order: Order::Say { text: text.into() } }
    }

    #[test]
    fn a_waiting_message_can_be_reworded_and_taken_back() {
        let mut queue = Queue::default();
        queue.put(say("1", "a"));
        queue.put(say("2", "b"));
        queue.put(say("2", "again"));
        queue.put(Queued { id: "3".into(), order: Order::Reword { id: "2".into(), text: "c".into() } });
        queue.put(Queued { id: "4".into(), order: Order::Remove { id: "1".into() } });
        queue.put(Queued { id: "5".into(), order: Order::Pause });
        assert_eq!(queue.take(), [say("2", "c")]);
        assert!(queue.is_empty());
    }

    #[test]
    fn an_order_reads_as_it_was_written() {
        let order =
            Order::Budget { budget: Budget { usd: Some(1.0), tokens: None, steps: None, seconds: None } };
        let text = serde_json::to_string(&order).unwrap();
        assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
    }
}

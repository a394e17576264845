//! The mailbox of a running task: orders of the person's, taken at the next safe point, and the stop that is taken at once.
//!
//! An order may come from this process (a handle) or from another one (through the journal, see `listening`). Either way it
//! is in the journal before it is taken.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::order::{Order, Queue, Queued};

/// Shared by the task and those who steer it.
#[derive(Debug, Default)]
pub struct Control {
    stop: CancellationToken,
    interrupted: AtomicBool,
    fault: Mutex<Option<String>>,
    paused: AtomicBool,
    /// Orders of this process that are not in the journal yet.
    given: Mutex<VecDeque<Queued>>,
    /// Orders that are in the journal and wait to be taken.
    queue: Mutex<Queue>,
    changed: Notify,
    arrived: Notify,
}

impl Control {
    /// Cancelled when the task is to stop.
    pub fn stop_token(&self) -> &CancellationToken {
        &self.stop
    }

    /// Ends the loop without a word in the journal: the process ends, the task does not.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        self.stop.cancel();
    }

    /// Ends the loop since the journal cannot be written: from here on nothing may happen, and nothing may be recorded.
    pub fn fail(&self, why: String) {
        lock(&self.fault).get_or_insert(why);
        self.interrupt();
    }

    /// Why the journal could not be written.
    pub fn fault(&self) -> Option<String> {
        lock(&self.fault).clone()
    }

    /// Whether the process is ending.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// Leaves an order of this process. A stop and a pause hold at once, the rest from the next safe point.
    pub fn give(&self, order: Queued) {
        self.hold(&order.order);
        lock(&self.given).push_back(order);
        self.arrived.notify_one();
    }

    /// The orders that were left and are to be written down.
    pub fn given(&self) -> Vec<Queued> {
        lock(&self.given).drain(..).collect()
    }

    /// Returns when an order was left.
    pub async fn order_left(&self) {
        self.arrived.notified().await;
    }

    /// Puts an order that is in the journal into the queue.
    pub fn enqueue(&self, order: Queued) {
        self.hold(&order.order);
        lock(&self.queue).put(order);
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    fn hold(&self, order: &Order) {
        match order {
            Order::Stop => self.stop.cancel(),
            Order::Pause => self.paused.store(true, Ordering::SeqCst),
            Order::Resume => self.paused.store(false, Ordering::SeqCst),
            _ => return,
        }
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    /// Whether the task is to hold.
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::SeqCst)
    }

    /// Whether something waits to be taken.
    pub fn has_news(&self) -> bool {
        self.is_paused() || !lock(&self.queue).is_empty()
    }

    /// Whether an order waits to be taken.
    pub fn has_words(&self) -> bool {
        !lock(&self.queue).is_empty() || !lock(&self.given).iter().all(|queued| queued.order.holds_at_once())
    }

    /// Takes the orders that wait.
    pub fn take(&self) -> Vec<Queued> {
        lock(&self.queue).take()
    }

    /// Returns when there is news.
    pub async fn news(&self) {
        loop {
            let changed = self.changed.notified();
            if self.has_news() {
                return;
            }
            changed.await;
        }
    }

    /// Returns when the task is to hold.
    pub async fn held(&self) {
        loop {
            let changed = self.changed.notified();
            if self.is_paused() {
                return;
            }
            changed.await;
        }
    }

    /// Returns when an order waits; a pause is none.
    pub async fn spoken(&self) {
        loop {
            let changed = self.changed.notified();
            if !lock(&self.queue).is_empty() {
                return;
            }
            changed.await;
        }
    }

    /// Returns when the task need not hold any more, or is to stop.
    pub async fn resumed(&self) {
        loop {
            let changed = self.changed.notified();
            if !self.is_paused() || self.stop.is_cancelled() {
                return;
            }
            tokio::select! {
                () = changed => {}
                () = self.stop.cancelled() => {}
            }
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(id: &str, order: Order) -> Queued {
        Queued { id: id.into(), order }
    }

    #[tokio::test]
    async fn news_wake_and_stop_ends_a_pause() {
        let control = std::sync::Arc::new(Control::default());
        control.give(queued("1", Order::Pause));
        let waiting = tokio::spawn({
            let control = control.clone();
            async move { control.resumed().await }
        });
        control.enqueue(queued("2", Order::Say { text: "keep the signature".into() }));
        control.news().await;
        assert_eq!(control.take().len(), 1);
        control.give(queued("3", Order::Stop));
        waiting.await.unwrap();
        assert_eq!(control.given().len(), 2, "both are still to be written down");
    }
}

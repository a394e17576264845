//! The mailbox of a running task: what the person says to it, taken at the next safe point, and the stop that is taken at
//! once.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Shared by the task and those who steer it.
#[derive(Debug, Default)]
pub struct Control {
    stop: CancellationToken,
    interrupted: AtomicBool,
    paused: AtomicBool,
    steers: Mutex<VecDeque<String>>,
    changed: Notify,
}

impl Control {
    /// Cancelled when the task is to stop.
    pub fn stop_token(&self) -> &CancellationToken {
        &self.stop
    }

    /// Stops the task, whatever it does.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Ends the loop without a word in the journal: the process ends, the task does not.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        self.stop.cancel();
    }

    /// Whether the process is ending.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// Leaves a message that is taken at the next safe point.
    pub fn steer(&self, message: String) {
        lock(&self.steers).push_back(message);
        self.changed.notify_one();
    }

    /// Holds the task at the next safe point, or lets it go on.
    pub fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::SeqCst);
        self.changed.notify_one();
    }

    /// Whether the task is to hold.
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::SeqCst)
    }

    /// Whether something waits to be taken.
    pub fn has_news(&self) -> bool {
        self.is_paused() || !lock(&self.steers).is_empty()
    }

    /// Takes the messages that were left.
    pub fn take_steers(&self) -> Vec<String> {
        lock(&self.steers).drain(..).collect()
    }

    /// Returns when there is news.
    pub async fn news(&self) {
        while !self.has_news() {
            self.changed.notified().await;
        }
    }

    /// Returns when the task need not hold any more, or is to stop.
    pub async fn resumed(&self) {
        while self.is_paused() && !self.stop.is_cancelled() {
            tokio::select! {
                () = self.changed.notified() => {}
                () = self.stop.cancelled() => {}
            }
        }
    }
}

fn lock(steers: &Mutex<VecDeque<String>>) -> std::sync::MutexGuard<'_, VecDeque<String>> {
    steers.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn news_wake_and_stop_ends_a_pause() {
        let control = std::sync::Arc::new(Control::default());
        control.set_paused(true);
        let waiting = tokio::spawn({
            let control = control.clone();
            async move { control.resumed().await }
        });
        control.steer("keep the signature".into());
        control.news().await;
        assert_eq!(control.take_steers(), ["keep the signature"]);
        control.stop();
        waiting.await.unwrap();
    }
}

//! Hears the orders to a running task: those of this process are written down at once, those of other processes are read
//! from the journal, which is looked at four times a second while the task runs.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use galley_journal::Seq;

use super::control::Control;
use crate::event::TaskEvent;
use crate::services::{Published, Services};

const EVERY: Duration = Duration::from_millis(250);

/// Listens until its task is dropped.
pub(super) async fn listen(services: Services, task: String, control: Arc<Control>, mut after: Seq) {
    let mut own: HashSet<String> = HashSet::new();
    let mut version = services.journal.data_version().unwrap_or(0);
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = control.order_left() => {
                for queued in control.given() {
                    own.insert(queued.id.clone());
                    let event = TaskEvent::Ordered { queued: queued.clone() };
                    // An order that cannot be written down is still obeyed: the person gave it.
                    let _ = super::record(&services, &task, &event);
                    control.enqueue(queued);
                }
            }
            _ = tick.tick() => {
                let now = services.journal.data_version().unwrap_or(version);
                if now == version {
                    continue;
                }
                version = now;
                for entry in services.journal.events(&task, after).unwrap_or_default() {
                    after = after.max(entry.seq);
                    if entry.kind != "ordered" {
                        continue;
                    }
                    let Ok(event) = serde_json::from_str(&entry.payload) else { continue };
                    let TaskEvent::Ordered { queued } = &event else { continue };
                    if own.contains(&queued.id) {
                        continue;
                    }
                    let shown = Published::Event { task: task.clone(), at_ms: entry.at_ms, event: Box::new(event.clone()) };
                    let _ = services.published.send(shown);
                    control.enqueue(queued.clone());
                }
            }
        }
    }
}

//! One request to the model and its reply, into which the person may speak.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use galley_model::{Client, ModelError, Reply, Request, StreamEvent, Switch};

use super::control::Control;
use crate::drafting::Drafting;
use crate::event::TaskEvent;
use crate::services::{Published, Sign};
use crate::tools::Context;

/// Asks; `None` when the person's words came in between.
pub(super) async fn ask(
    context: &Context,
    client: &Client,
    control: &Control,
    request: &Request,
) -> Result<Option<Reply>, ModelError> {
    let cancel = control.stop_token().child_token();
    let calling = Arc::new(AtomicBool::new(false));
    let mut sink = stream_sink(context, calling.clone());
    let exchange = client.exchange(request, &mut sink, &cancel);
    tokio::pin!(exchange);
    let (mut interrupted, mut heard) = (false, false);
    let outcome = loop {
        tokio::select! {
            outcome = &mut exchange => break outcome,
            // Prose can be spoken into; a call that is being written is let finish.
            () = control.news(), if !heard => {
                heard = true;
                if !calling.load(Ordering::SeqCst) {
                    interrupted = true;
                    cancel.cancel();
                }
            }
            // A pause cuts both.
            () = control.held(), if !interrupted => {
                interrupted = true;
                cancel.cancel();
            }
        }
    };
    match outcome {
        Err(ModelError::Cancelled) if interrupted && !control.stop_token().is_cancelled() => Ok(None),
        outcome => outcome.map(Some),
    }
}

/// Shows what streams in, and notes when a call has begun.
fn stream_sink(context: &Context, calling: Arc<AtomicBool>) -> impl FnMut(StreamEvent) + Send + use<> {
    let services = context.services.clone();
    let task = context.task.clone();
    let mut drafting = context.services.previews.then(|| Drafting::new(context.overlay.clone()));
    let mut call = (String::new(), 0);
    move |event| {
        let sign = match event {
            StreamEvent::Text(text) => Sign::Text(text),
            StreamEvent::Reasoning(text) => Sign::Reasoning(text),
            StreamEvent::CallBegan { name, .. } => {
                calling.store(true, Ordering::SeqCst);
                if let Some(drafting) = &mut drafting {
                    drafting.begin(&name);
                }
                call = (name, 0);
                Sign::Call(call.0.clone(), 0)
            }
            StreamEvent::CallArguments { delta, .. } => {
                call.1 += delta.len();
                if let Some(drafts) = drafting.as_mut().and_then(|drafting| drafting.push(&delta)) {
                    let _ = services
                        .published
                        .send(Published::Live { task: task.clone(), sign: Sign::Drafts(drafts) });
                }
                Sign::Call(call.0.clone(), call.1)
            }
            StreamEvent::Retrying { attempt, wait, reason } => Sign::Retry(format!(
                "attempt {attempt} failed ({reason}); again in {:.1} s",
                wait.as_secs_f64()
            )),
            StreamEvent::Waiting { wait, reason } => {
                Sign::Retry(format!("waiting {:.1} s: {reason}", wait.as_secs_f64()))
            }
            StreamEvent::Switched(switch) => {
                // Journalled before its reply comes; an event, so that everybody sees it.
                let _ = super::record(&services, &task, &switched(switch));
                return;
            }
            StreamEvent::Restarted => {
                calling.store(false, Ordering::SeqCst);
                Sign::Restarted
            }
        };
        let _ = services.published.send(Published::Live { task: task.clone(), sign });
    }
}

/// That another model answers from here on.
pub(super) fn switched(switch: Switch) -> TaskEvent {
    let Switch { from, to, reason } = switch;
    TaskEvent::Switched { from, to, reason }
}

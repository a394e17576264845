//! `more widen`: asks the person for a larger scope.

use super::{Answer, Context};
use crate::event::{Speaker, TaskEvent};

/// Asks whether a path or glob may be changed, too. The decision is the person's; without one it stays as it is.
///
/// # Errors
/// Words for the model.
pub(super) async fn widen(context: &mut Context, glob: &str, reason: &str) -> Result<Answer, String> {
    if glob.trim().is_empty() {
        return Err("widen takes a path or glob, and the reason".to_owned());
    }
    let wider = context.scope.widened(glob)?;
    let title = format!("Let the task change {glob} too?");
    let detail = format!("Its scope is {}. The model says: {reason}", context.scope);
    let options = [("no", "No"), ("yes", "Widen the scope")];
    if context.ask(&title, &detail, &options).await.as_deref() != Some("yes") {
        return Err(format!(
            "the scope stays as it is: {}; go another way, or finish (blocked)",
            context.scope
        ));
    }
    context.scope = wider;
    context.record(&TaskEvent::Scoped { scope: context.scope.spec().clone(), by: Speaker::Person });
    Ok(Answer::ok(format!("scope now: {}", context.scope), format!("scope widened by {glob}")))
}

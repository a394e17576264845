//! `more explore` and `more delegate`: questions that sub-tasks answer, and edits that they make, while the task waits.
//!
//! A sub-task has its own short conversation, its own overlay and a share of what may be spent. It can neither ask the person
//! nor have sub-tasks. Its edits land in the task's overlay one sub-task after the other, and only where they apply cleanly.

use galley_text::path::RelPath;
use galley_workspace::Overlay;

use super::subtask::{self, AT_ONCE, Done, Job};
use super::{Answer, Context, Edited, Set};
use crate::aside::Phase;
use crate::landing::{changed, land};
use crate::scope::{Scope, ScopeSpec};

/// Has questions answered, all at once.
///
/// # Errors
/// Words for the model.
pub(super) async fn explore(context: &mut Context, questions: &[String]) -> Result<Answer, String> {
    let questions: Vec<&String> = questions.iter().filter(|question| !question.trim().is_empty()).collect();
    if questions.is_empty() || questions.len() > AT_ONCE {
        return Err(format!("explore takes one to {AT_ONCE} questions, each an argument"));
    }
    let client = context.services.fast.clone().unwrap_or_else(|| context.services.client.clone());
    let jobs = questions.iter().enumerate().map(|(at, question)| Job {
        id: format!("{}.{}", context.call, at + 1),
        phase: Phase::Explore,
        ask: (*question).clone(),
        set: Set::Exploring,
        scope: context.scope.clone(),
    });
    let done = subtask::run(context, client, jobs.collect()).await;
    if done.iter().all(|done| done.answer.is_err()) {
        return Err(told(&done, &[]));
    }
    let steps: u32 = done.iter().map(|done| done.steps).sum();
    let first = questions[0].lines().next().unwrap_or_default();
    Ok(Answer::ok(told(&done, &[]), format!("explored in {steps} steps: {first}")))
}

/// Has edits made, all at once, each inside a glob: glob, job, glob, job, …
///
/// # Errors
/// Words for the model.
pub(super) async fn delegate(context: &mut Context, pairs: &[String]) -> Result<Answer, String> {
    let usage = format!(
        "delegate takes pairs, at most {AT_ONCE}: a glob of what may be changed, then what is to be done"
    );
    let is_whole = !pairs.is_empty() && pairs.len().is_multiple_of(2) && pairs.len() <= 2 * AT_ONCE;
    if !is_whole || pairs.iter().any(|word| word.trim().is_empty()) {
        return Err(usage);
    }
    let mut jobs = Vec::new();
    for (at, pair) in pairs.chunks_exact(2).enumerate() {
        let paths = vec![pair[0].clone()];
        let spec = ScopeSpec { paths, also: Vec::new(), ..context.scope.spec().clone() };
        jobs.push(Job {
            id: format!("{}.{}", context.call, at + 1),
            phase: Phase::Delegate,
            ask: pair[1].clone(),
            set: Set::Delegated,
            scope: Scope::new(spec)?,
        });
    }
    let client = context.services.client.clone();
    let start = context.overlay.clone();
    let mut done = subtask::run(context, client, jobs).await;
    let (mut notes, mut edited) = (Vec::new(), Vec::new());
    for done in &mut done {
        let (note, landed) = take_over(context, &start, done).await;
        notes.push(note);
        edited.extend(landed);
    }
    let files = context.overlay.changed_paths().len();
    let output = told(&done, &notes);
    if edited.is_empty() {
        return Err(output);
    }
    let summary = format!("{} sub-tasks, {files} files changed so far", done.len());
    Ok(Answer { edited, overlay_changed: true, ..Answer::ok(output, summary) })
}

/// Takes a sub-task's edits into the task's overlay, all or none, and tells what became of them.
async fn take_over(context: &mut Context, start: &Overlay, done: &mut Done) -> (String, Vec<Edited>) {
    if done.answer.is_err() {
        return ("nothing of it is taken over".to_owned(), Vec::new());
    }
    let before = context.overlay.clone();
    let paths = changed(start, &done.overlay);
    let landed = lay(context, start, &done.overlay, &paths).await;
    let names: Vec<&str> = paths.iter().map(RelPath::as_str).collect();
    match landed {
        Ok(()) if paths.is_empty() => ("it changed nothing".to_owned(), Vec::new()),
        Ok(()) => (format!("changed: {}", names.join(", ")), std::mem::take(&mut done.edited)),
        Err(why) => {
            context.overlay = before;
            (format!("its changes of {} are not taken over: {why}", names.join(", ")), Vec::new())
        }
    }
}

async fn lay(
    context: &mut Context,
    start: &Overlay,
    theirs: &Overlay,
    paths: &[RelPath],
) -> Result<(), String> {
    for path in paths {
        context.may_change(path).await?;
    }
    let before = context.overlay.clone();
    land(&mut context.overlay, start, theirs, paths)?;
    context.may_keep(&before, paths).await
}

/// What the task is told: the answers in their order, with a note on each.
fn told(done: &[Done], notes: &[String]) -> String {
    let text = |done: &Done| match &done.answer {
        Ok(text) => text.trim().to_owned(),
        Err(why) => format!("no answer: {why}"),
    };
    let mut lines = Vec::new();
    for (at, one) in done.iter().enumerate() {
        let number = if done.len() > 1 { format!("{}. ", at + 1) } else { String::new() };
        let note = notes.get(at).map_or(String::new(), |note| format!("\n({note})"));
        lines.push(format!("{number}{}{note}", text(one)));
    }
    lines.join("\n\n")
}

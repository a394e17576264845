//! What a command did to files of the project: taken into the task's edits, or told.
//!
//! A changed or removed file that the scope allows is taken at once, as if the model had edited it, and so is one that was
//! moved. Other new files and protected ones are taken only when the model names them, since most of them are by-products:
//! logs, lock files, reports.

use galley_text::path::RelPath;
use galley_workspace::{Overlay, ShadowChange};

use crate::scope::Ruling;

use super::{Context, Edited};

/// Files that are told by name at most.
const NAMED: usize = 12;

/// What became of the changes of one command.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// What was taken, with the command as reason.
    pub edited: Vec<Edited>,
    /// What the model is told; empty when there is nothing to tell.
    pub told: String,
}

/// Takes what a command did. `wanted` names files that are taken in any case, as far as the person allows.
pub(super) async fn take(
    context: &mut Context,
    command: &str,
    changes: Vec<ShadowChange>,
    wanted: &[RelPath],
) -> Taken {
    let before = context.overlay.clone();
    let (mut taken, mut left, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for change in with_moves(&before, changes) {
        let paths = paths(&change);
        let named = paths.iter().any(|path| wanted.contains(path));
        let exists = before.read(&paths[0]).is_ok();
        let allowed = |path: &RelPath| context.scope.rule(path) == Ruling::Allowed;
        if !named && (!exists || !paths.iter().all(allowed)) {
            left.extend(paths);
            continue;
        }
        match take_one(context, change).await {
            Ok(()) => taken.extend(paths),
            Err(why) => refused.push(format!("{}: {why}", paths[0])),
        }
    }
    if let Err(why) = context.may_keep(&before, &taken).await {
        context.overlay = before;
        refused.push(why);
        taken.clear();
    }
    let edited = taken.iter().map(|path| Edited {
        path: path.as_str().to_owned(),
        why: format!("made by `{command}`"),
        new: context.overlay.read(path).map(|text| text.to_string()).unwrap_or_default(),
    });
    Taken { edited: edited.collect(), told: told(&taken, &left, &refused) }
}

/// What a command did to a file, its moves put together.
enum Change {
    Plain(ShadowChange),
    Move { from: RelPath, to: RelPath },
}

/// Finds the files that were moved: one is gone, and a new one has its text.
fn with_moves(before: &Overlay, changes: Vec<ShadowChange>) -> Vec<Change> {
    let mut gone = Vec::new();
    let mut rest = Vec::new();
    for change in changes {
        match change {
            ShadowChange::Removed { path } => gone.push(path),
            written => rest.push(written),
        }
    }
    let mut found = Vec::new();
    for change in rest {
        let origin = match &change {
            ShadowChange::Written { path, text: Ok(text), .. } if before.read(path).is_err() => {
                gone.iter().position(|from| before.read(from).is_ok_and(|old| old == *text))
            }
            _ => None,
        };
        match (origin, change) {
            (Some(at), ShadowChange::Written { path, .. }) => {
                found.push(Change::Move { from: gone.swap_remove(at), to: path });
            }
            (_, change) => found.push(Change::Plain(change)),
        }
    }
    found.extend(gone.into_iter().map(|path| Change::Plain(ShadowChange::Removed { path })));
    found
}

async fn take_one(context: &mut Context, change: Change) -> Result<(), String> {
    for path in paths(&change) {
        context.may_change(&path).await?;
    }
    let done = match change {
        Change::Move { from, to } => context.overlay.rename(&from, &to),
        Change::Plain(ShadowChange::Removed { path }) => context.overlay.delete(&path),
        Change::Plain(ShadowChange::Written { text: Err(why), .. }) => return Err(why.to_string()),
        Change::Plain(ShadowChange::Written { path, text: Ok(text), executable }) => context
            .overlay
            .write(&path, text)
            .and_then(|()| settle_mode(&mut context.overlay, &path, executable)),
    };
    done.map_err(|error| error.to_string())
}

fn settle_mode(
    overlay: &mut Overlay,
    path: &RelPath,
    executable: bool,
) -> Result<(), galley_workspace::OverlayError> {
    if cfg!(unix) && overlay.is_executable(path) != executable {
        return overlay.set_executable(path, executable);
    }
    Ok(())
}

/// The file concerned; of a move the old place, then the new one.
fn paths(change: &Change) -> Vec<RelPath> {
    match change {
        Change::Move { from, to } => vec![from.clone(), to.clone()],
        Change::Plain(ShadowChange::Written { path, .. } | ShadowChange::Removed { path }) => {
            vec![path.clone()]
        }
    }
}

fn told(taken: &[RelPath], left: &[RelPath], refused: &[String]) -> String {
    let mut out = String::new();
    if !taken.is_empty() {
        out.push_str(&format!("\n[changed by it, now part of your edit: {}]", names(taken)));
    }
    if !left.is_empty() {
        let first = left[0].as_str();
        out.push_str(&format!(
            "\n[written by it, not part of your edit: {}; to take: run with take=[\"{first}\"]]",
            names(left)
        ));
    }
    for why in refused {
        out.push_str(&format!("\n[not taken: {why}]"));
    }
    out
}

fn names(paths: &[RelPath]) -> String {
    let mut names: Vec<&str> = paths.iter().take(NAMED).map(RelPath::as_str).collect();
    let more = format!("and {} more", paths.len().saturating_sub(NAMED));
    if paths.len() > NAMED {
        names.push(&more);
    }
    names.join(", ")
}

//! Checks outside a task: of what the person accepted, as exactly that, and of a proposal whose base has moved on.

use std::collections::BTreeSet;

use galley_review::{HunkId, Proposal};
use galley_workspace::Overlay;
use tokio_util::sync::CancellationToken;

use crate::checks::{self, Check, Kind};
use crate::naming;
use crate::verify::{Bench, CheckStatus, Evidence, Verifier};

/// Which of the project's checks are to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Those that need no test run; where a project has none, its tests.
    Fast,
    /// Those with these names; where none has, the fast ones.
    Named(Vec<String>),
}

/// Runs checks on a content in a shadow of its own, up to the first red one.
///
/// # Errors
/// When the project's checks cannot be read, in words for the person.
pub async fn prove(
    bench: Bench,
    overlay: &Overlay,
    which: &Which,
    cancel: &CancellationToken,
) -> Result<Vec<Evidence>, String> {
    let found = checks::detect(overlay.snapshot())?;
    let mut verifier = Verifier::new(bench, overlay.snapshot().clone());
    let mut all = Vec::new();
    for check in chosen(&found, which) {
        let evidence = verifier.check(&check, overlay, &mut |_| {}, cancel).await;
        let red = evidence.status == CheckStatus::Failed;
        all.push(evidence);
        if red || cancel.is_cancelled() {
            break;
        }
    }
    Ok(all)
}

fn chosen(found: &[Check], which: &Which) -> Vec<Check> {
    let named: Vec<Check> = match which {
        Which::Fast => Vec::new(),
        Which::Named(names) => found.iter().filter(|check| names.contains(&check.name)).cloned().collect(),
    };
    if !named.is_empty() {
        return named;
    }
    let fast: Vec<Check> = found.iter().filter(|check| check.kind < Kind::Test).cloned().collect();
    if fast.is_empty() { found.to_vec() } else { fast }
}

/// Whether a result is no worse than the proposal's own: green, or red in nothing that was green there.
pub fn holds(evidence: &Evidence, proposed: &[Evidence]) -> bool {
    match evidence.status {
        CheckStatus::Passed => true,
        CheckStatus::NotRun => false,
        CheckStatus::Failed => {
            let red: BTreeSet<&String> =
                evidence.newly_failing.iter().chain(&evidence.still_failing).collect();
            let known = proposed.iter().find(|known| known.check == evidence.check);
            let same = |known: &Evidence| {
                red.iter()
                    .all(|name| known.newly_failing.contains(name) || known.still_failing.contains(name))
            };
            !red.is_empty() && known.is_some_and(same)
        }
    }
}

/// Hunks without which the accepted ones fail: those that are not accepted and define a name that the errors speak of; where
/// no name tells, all that were not accepted.
pub fn lacks(proposal: &Proposal, accepted: &[HunkId], evidence: &[Evidence]) -> Vec<HunkId> {
    let out: Vec<_> =
        proposal.all().filter(|(_, hunk)| !accepted.contains(&hunk.id) && !hunk.after.is_empty()).collect();
    let errors: String =
        evidence.iter().flat_map(|one| &one.errors).map(|error| format!("{error}\n")).collect();
    let spoken_of: BTreeSet<&str> =
        errors.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.len() > 2).collect();
    let defines = |path, before: &str, after: &str| {
        naming::names(path, before, after).defines.iter().any(|name| spoken_of.contains(name.as_str()))
    };
    let telling: Vec<HunkId> = out
        .iter()
        .filter(|(file, hunk)| defines(&file.path, &hunk.before, &hunk.after))
        .map(|(_, hunk)| hunk.id.clone())
        .collect();
    if telling.is_empty() { out.into_iter().map(|(_, hunk)| hunk.id.clone()).collect() } else { telling }
}

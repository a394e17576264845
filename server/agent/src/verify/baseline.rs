//! What a check says of the base, kept across tasks by the content that it speaks of.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::checks::Check;
use crate::outcome::{Report, TestEnd};

/// What a check says of the base.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// What it printed, in structure.
    pub(super) report: Report,
}

/// What is known of one base.
#[derive(Debug, Default)]
pub(super) struct Baselines {
    /// Where results are kept, if anywhere. Out of reach of commands: none may write what was red before.
    folder: Option<PathBuf>,
    known: BTreeMap<String, Baseline>,
}

/// Bytes of a kept result that are read.
const READ_LIMIT: u64 = 16 << 20;

impl Baselines {
    pub(super) fn kept_in(folder: Option<PathBuf>) -> Baselines {
        Baselines { folder, known: BTreeMap::new() }
    }

    /// The result of this check, or of the whole of which it is a part.
    pub(super) fn of(&self, check: &Check) -> Option<&Baseline> {
        self.known.get(&check.id()).or_else(|| self.known.get(&whole_id(check)?))
    }

    /// As [`Baselines::of`], after a look at what earlier tasks kept of this content.
    pub(super) fn recall(&mut self, check: &Check, hash: &str) -> Option<&Baseline> {
        if self.of(check).is_none()
            && let Some(path) = self.path(check, hash)
            && let Some(bytes) = galley_workspace::read_own(&path, READ_LIMIT)
            && let Ok(baseline) = serde_json::from_slice(&bytes)
        {
            self.known.insert(check.id(), baseline);
        }
        self.of(check)
    }

    pub(super) fn learn(&mut self, check: &Check, hash: &str, baseline: Baseline) {
        if let Some(path) = self.path(check, hash)
            && let Some(folder) = path.parent()
            && galley_workspace::create_dir(folder).is_ok()
            && let Ok(bytes) = serde_json::to_vec(&baseline)
        {
            // A result that cannot be kept is found anew by the next task.
            let _ = galley_workspace::write_atomically(&path, &bytes);
        }
        self.known.insert(check.id(), baseline);
    }

    /// The name holds all that the result depends on: the content, the command, and the program that answered to it.
    fn path(&self, check: &Check, hash: &str) -> Option<PathBuf> {
        let mut hasher = blake3::Hasher::new();
        let program = galley_exec::which(&check.argv[0]).unwrap_or_default();
        let program = program.to_string_lossy();
        let parts = [hash, &check.dir, &program].into_iter().chain(check.argv.iter().map(String::as_str));
        for part in parts.chain(check.reports.iter().map(String::as_str)) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let name = hasher.finalize().to_hex();
        Some(self.folder.as_ref()?.join(format!("{}.json", &name[..32])))
    }
}

fn whole_id(check: &Check) -> Option<String> {
    let name = check.whole.clone()?;
    Some(Check { name, ..check.clone() }.id())
}

impl Baseline {
    /// What was red: tests, and where none ran, findings.
    pub(super) fn red(&self) -> Vec<String> {
        red(&self.report)
    }

    /// Whether a test passed.
    pub(super) fn passed(&self, name: &str) -> bool {
        self.report.tests.get(name) == Some(&TestEnd::Passed)
    }
}

/// What is red in a report: failed tests, and where none is known, errors by meaning.
pub(super) fn red(report: &Report) -> Vec<String> {
    let failed = report.named(TestEnd::Failed);
    if failed.is_empty() { report.findings() } else { failed.into_iter().map(str::to_owned).collect() }
}

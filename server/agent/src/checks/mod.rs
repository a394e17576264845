//! The project's own checks, detected from its files: what runs, where, and what has to be installed for it.
//!
//! A check is a row of `table::TABLE`; a project adds its own in `galley.toml`:
//!
//! ```toml
//! [checks.unit]
//! command = "make test"
//! kind = "test"
//! dir = "server"            # where it runs; the root without it
//! reader = "junit"          # how its output is read, see `outcome::Reader`; recognised without it
//! reports = ["out/*.xml"]   # files in which it writes its results, relative to `dir`
//! install = "make tools"    # what the person is told when its program is missing
//! ```

mod folder;
mod kin;
mod narrow;
mod own;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use galley_text::path::RelPath;
use galley_workspace::Snapshot;
use serde::{Deserialize, Serialize};

pub use crate::outcome::Reader;
use folder::Folder;
pub use narrow::Only;
use table::{Row, TABLE};

/// What a check judges; the order is that of running them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Formatting.
    Format,
    /// Compiler or type checker.
    Compile,
    /// Linter.
    Lint,
    /// Tests.
    Test,
}

/// A command that judges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// How it is called for the person and the model, for example `cargo test`.
    pub name: String,
    /// What it judges.
    pub kind: Kind,
    /// Program and arguments; never empty.
    pub argv: Vec<String>,
    /// Folder to run in, relative to the workspace; empty for its root.
    pub dir: String,
    /// How its output is read.
    pub reader: Reader,
    /// The command that installs a missing program, in words for the person.
    pub install: String,
    /// Files, relative to `dir`, that the runner writes its results to; names may hold `*`.
    #[serde(default)]
    pub reports: Vec<String>,
    /// The name of the check that this one is a part of.
    #[serde(default)]
    pub whole: Option<String>,
}

/// The checks of a workspace, in the order of running them. `galley.toml`'s take the place of the detected ones of the
/// same kind. Markers are looked for at any depth; a folder that a project above it governs has none of its own.
///
/// # Errors
/// A `galley.toml` that cannot be read: the sentence names line and reason. The detected checks are lost with it, so that
/// nobody takes the wrong ones for those they wrote down.
pub fn detect(snapshot: &Snapshot) -> Result<Vec<Check>, String> {
    let own = own::checks(snapshot)?;
    let mut checks: Vec<Check> = detected(snapshot);
    if !own.is_empty() {
        checks.retain(|check| own.iter().all(|mine| mine.kind != check.kind));
        checks.extend(own);
    }
    checks.sort_by_key(|check| check.kind);
    Ok(checks)
}

/// Folders whose projects are somebody else's, data of tests, or made by a build.
const FOREIGN: [&str; 16] = [
    "node_modules",
    "bower_components",
    "vendor",
    "third_party",
    "third-party",
    "external",
    "fixtures",
    "fixture",
    "__fixtures__",
    "testdata",
    "test-data",
    "target",
    "dist",
    "templates",
    ".venv",
    "venv",
];

/// Whether a path leads through a folder that holds no project of this workspace.
fn is_foreign(path: &str) -> bool {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').any(|folder| FOREIGN.contains(&folder))
}

fn detected(snapshot: &Snapshot) -> Vec<Check> {
    let mut found: BTreeMap<usize, BTreeSet<(usize, String)>> = BTreeMap::new();
    for path in snapshot.files().iter().map(RelPath::as_str) {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        for (number, row) in TABLE.iter().enumerate() {
            if folder::fits(row.marker, name) && !is_foreign(path) {
                let dir = if row.at_root { "" } else { dir };
                let depth = dir.split('/').filter(|part| !part.is_empty()).count();
                found.entry(number).or_default().insert((depth, dir.to_owned()));
            }
        }
    }
    let mut checks: Vec<(&Row, Check)> = Vec::new();
    for (number, folders) in &found {
        let row = &TABLE[*number];
        for (_, dir) in folders {
            let folder = Folder::new(snapshot, dir);
            let governed = checks.iter().any(|(above, check)| {
                check.name == row.name
                    && relative(&check.dir, dir).is_some_and(|below| {
                        below.is_empty() || (above.governs)(&Folder::new(snapshot, &check.dir), below)
                    })
            });
            if !governed && (row.when)(&folder) {
                checks.push((row, made(row, &folder)));
            }
        }
    }
    checks.into_iter().map(|(_, check)| check).collect()
}

fn made(row: &Row, folder: &Folder<'_>) -> Check {
    let add = match folder.package_manager() {
        "pnpm" => "pnpm add -D",
        "yarn" => "yarn add -D",
        "bun" => "bun add -d",
        _ => "npm install --save-dev",
    };
    let mut argv: Vec<String> = row.argv.iter().flat_map(|word| expand(word, row, folder)).collect();
    if argv.is_empty() {
        argv.push(row.name.to_owned());
    }
    Check {
        name: row.name.to_owned(),
        kind: row.kind,
        argv,
        dir: folder.dir.to_owned(),
        reader: row.reader,
        install: row.install.replace("{add}", add),
        reports: row.reports.iter().map(|&path| path.to_owned()).collect(),
        whole: None,
    }
}

/// The words that a word in braces stands for.
fn expand(word: &str, row: &Row, folder: &Folder<'_>) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    if let Some(pattern) = word.strip_prefix("{files ").and_then(|rest| rest.strip_suffix('}')) {
        return folder.files(pattern).into_iter().take(200).collect();
    }
    match word {
        "{python}" => words(folder.python()),
        "{gradle}" if folder.has("gradlew") => words(&["sh", "gradlew"]),
        "{gradle}" => words(&["gradle"]),
        // Programs of packages are found in `node_modules`; where there is none, the package manager finds them.
        "{js}" if folder.upwards().any(|folder| folder.has(".pnp.cjs")) => words(&["yarn"]),
        "{js}" => Vec::new(),
        "{script}" => {
            let script = folder.script("test").unwrap_or_else(|| row.name.to_owned());
            script.split_whitespace().filter(|word| !word.starts_with("--watch")).map(str::to_owned).collect()
        }
        "{npm test}" => words(match folder.package_manager() {
            "pnpm" => &["pnpm", "--silent", "test"],
            "yarn" => &["yarn", "run", "test"],
            "bun" => &["bun", "run", "test"],
            _ => &["npm", "test", "--silent"],
        }),
        plain => vec![plain.to_owned()],
    }
}

/// A path below a folder; the folder may be empty for the root.
pub(crate) fn joined(dir: &str, path: &str) -> String {
    if dir.is_empty() { path.to_owned() } else { format!("{dir}/{path}") }
}

/// A path relative to a folder that it lies below, or that it is: then it is empty.
pub(crate) fn relative<'p>(dir: &str, path: &'p str) -> Option<&'p str> {
    if dir.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(dir)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

impl Check {
    /// The command as a person would type it.
    pub fn command(&self) -> String {
        let words: Vec<String> = self.argv.iter().map(|word| quote(word)).collect();
        words.join(" ")
    }

    /// A name that tells the checks of several folders apart.
    pub fn id(&self) -> String {
        if self.dir.is_empty() { self.name.clone() } else { format!("{} in {}", self.name, self.dir) }
    }
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;

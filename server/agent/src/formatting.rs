//! Formatting before the diff: what a project's formatter would do to the changed files is done before they are proposed,
//! so that accepting them causes no second change.
//!
//! A file is formatted only if its base was formatted by the same formatter already, or if it is new: a change must not
//! drag in lines that nobody touched. Formatters read the text and print it; they run in the shadow, where they find the
//! project's configuration.

use galley_exec::Status;
use galley_text::format::FileChange;
use galley_text::path::RelPath;
use galley_workspace::Overlay;
use tokio_util::sync::CancellationToken;

use crate::verify::{Call, Verifier};

/// A formatter.
struct Row {
    name: &'static str,
    extensions: &'static [&'static str],
    /// Words; `{path}` is the file and `{edition}` Rust's edition.
    argv: &'static [&'static str],
    /// Whether the project uses it for a file.
    when: fn(&Overlay, &RelPath) -> bool,
}

const SCRIPT: &[&str] =
    &["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "css", "scss", "json", "vue", "svelte"];

/// The first that fits is taken.
const TABLE: &[Row] = &[
    Row {
        name: "rustfmt",
        extensions: &["rs"],
        argv: &["rustfmt", "--emit", "stdout", "--edition", "{edition}"],
        when: |_, _| true,
    },
    Row { name: "gofmt", extensions: &["go"], argv: &["gofmt"], when: |_, _| true },
    Row {
        name: "prettier",
        extensions: SCRIPT,
        argv: &["prettier", "--stdin-filepath", "{path}"],
        when: |overlay, path| above(overlay, path, "package.json", &["\"prettier\""]),
    },
    Row {
        name: "ruff format",
        extensions: &["py", "pyi"],
        argv: &["ruff", "format", "--stdin-filename", "{path}", "-"],
        when: |overlay, path| {
            above(overlay, path, "pyproject.toml", &["[tool.ruff.format]"])
                || (above(overlay, path, "pyproject.toml", &["[tool.ruff"])
                    && !above(overlay, path, "pyproject.toml", &["[tool.black]"]))
                || above(overlay, path, "ruff.toml", &[""])
        },
    },
    Row {
        name: "black",
        extensions: &["py", "pyi"],
        argv: &["black", "-q", "--stdin-filename", "{path}", "-"],
        when: |overlay, path| above(overlay, path, "pyproject.toml", &["[tool.black]"]),
    },
    Row {
        name: "clang-format",
        extensions: &["c", "h", "cc", "cpp", "cxx", "hh", "hpp", "hxx"],
        argv: &["clang-format", "--assume-filename={path}"],
        when: |overlay, path| above(overlay, path, ".clang-format", &[""]),
    },
    Row {
        name: "mix format",
        extensions: &["ex", "exs"],
        argv: &["mix", "format", "-"],
        when: |overlay, path| above(overlay, path, ".formatter.exs", &[""]),
    },
];

/// Files that are formatted at most; a change of more is a matter of its own.
const FILES: usize = 60;

/// Formats the changed files of an overlay. Answers with what was done, a line a formatter: "formatted with rustfmt: a.rs".
pub async fn format(
    verifier: &mut Verifier,
    overlay: &mut Overlay,
    cancel: &CancellationToken,
) -> Vec<String> {
    let mut done: Vec<(&str, Vec<String>)> = Vec::new();
    for change in overlay.changes().iter().take(FILES) {
        let (path, before, after) = match change {
            FileChange::Add { path, text } => (path, None, text),
            FileChange::Update { path, before, after } => (path, Some(before), after),
            FileChange::Move { to, before, after, .. } => (to, Some(before), after),
            FileChange::Delete { .. } => continue,
        };
        let Some(row) = row_of(overlay, path) else { continue };
        let Some(formatted) = run(row, verifier, overlay, path, after, cancel).await else { continue };
        if formatted == *after {
            continue;
        }
        // The base is formatted only to see that it was so already.
        if let Some(before) = before
            && run(row, verifier, overlay, path, before, cancel).await.as_ref() != Some(before)
        {
            continue;
        }
        if overlay.write(path, formatted).is_ok() {
            match done.iter_mut().find(|(name, _)| *name == row.name) {
                Some((_, files)) => files.push(path.as_str().to_owned()),
                None => done.push((row.name, vec![path.as_str().to_owned()])),
            }
        }
    }
    done.into_iter().map(|(name, files)| format!("formatted with {name}: {}", files.join(", "))).collect()
}

fn row_of(overlay: &Overlay, path: &RelPath) -> Option<&'static Row> {
    let (_, extension) = path.file_name().rsplit_once('.')?;
    TABLE.iter().find(|row| row.extensions.contains(&extension) && (row.when)(overlay, path))
}

/// The text as the formatter wants it; `None` when it is not there or does not take the text.
async fn run(
    row: &Row,
    verifier: &mut Verifier,
    overlay: &Overlay,
    path: &RelPath,
    text: &str,
    cancel: &CancellationToken,
) -> Option<String> {
    let (dir, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
    let edition = edition(overlay, path);
    let word = |word: &&str| word.replace("{path}", name).replace("{edition}", &edition);
    let call = Call {
        argv: row.argv.iter().map(word).collect(),
        dir: dir.to_owned(),
        stdin: Some(text.to_owned()),
        casual: true,
        ..Call::default()
    };
    let ran = verifier.call(overlay, call, &mut |_| {}, cancel).await.ok()?;
    let formatted = String::from_utf8(ran.stdout).ok()?;
    let sound = ran.outcome.status == Status::Exited(0) && (!formatted.is_empty() || text.trim().is_empty());
    sound.then_some(formatted)
}

/// Whether a file of this name, here or in a folder above, holds one of the words.
fn above(overlay: &Overlay, path: &RelPath, name: &str, words: &[&str]) -> bool {
    texts_above(overlay, path, name).iter().any(|text| words.iter().any(|word| text.contains(word)))
}

fn texts_above(overlay: &Overlay, path: &RelPath, name: &str) -> Vec<std::sync::Arc<str>> {
    let mut found = Vec::new();
    let mut dir = path.as_str();
    loop {
        dir = dir.rsplit_once('/').map_or("", |(dir, _)| dir);
        let place = crate::checks::joined(dir, name);
        found.extend(RelPath::new(&place).ok().and_then(|path| overlay.peek(&path).ok()));
        if dir.is_empty() {
            return found;
        }
    }
}

/// The edition that the nearest `Cargo.toml` says, or the workspace above it.
fn edition(overlay: &Overlay, path: &RelPath) -> String {
    for text in texts_above(overlay, path, "Cargo.toml") {
        let Ok(manifest) = toml::from_str::<toml::Table>(&text) else { continue };
        let package = manifest.get("package").or_else(|| manifest.get("workspace")?.get("package"));
        if let Some(edition) = package.and_then(|package| package.get("edition")?.as_str()) {
            return edition.to_owned();
        }
    }
    // What Cargo and rustfmt take where nothing is said.
    "2015".to_owned()
}

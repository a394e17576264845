//! The project's own checks, detected from its files: what runs, where, and what has to be installed for it.
//!
//! A check is a row of `TABLE`; a project adds its own in `galley.toml`:
//!
//! ```toml
//! [checks.unit]
//! command = "make test"
//! kind = "test"
//! ```

use galley_text::path::RelPath;
use galley_workspace::Snapshot;
use serde::{Deserialize, Serialize};

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

/// How the output of a check is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reader {
    /// Rust's libtest lines.
    Libtest,
    /// pytest's `-rA` lines.
    Pytest,
    /// `go test -json`.
    GoTest,
    /// TAP lines, as node's own runner and others print.
    Tap,
    /// Nothing but the exit status and lines that look like errors.
    Generic,
}

/// A command that judges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// How it is called for the person and the model, for example `cargo test`.
    pub name: String,
    /// What it judges.
    pub kind: Kind,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Folder to run in, relative to the workspace; empty for its root.
    pub dir: String,
    /// How its output is read.
    pub reader: Reader,
    /// The command that installs a missing program, in words for the person.
    pub install: String,
}

struct Row {
    marker: &'static str,
    /// The marker's text has to contain this, if not empty.
    containing: &'static str,
    name: &'static str,
    kind: Kind,
    argv: &'static [&'static str],
    reader: Reader,
    install: &'static str,
}

const RUST: &str = "install Rust from rustup.rs";
const PYTHON: &str = "pip install pytest";
const NODE: &str = "install Node.js";
const GO: &str = "install Go";

/// Marker file → checks. The first column decides; several rows of one marker are several checks.
const TABLE: &[Row] = &[
    row(
        "Cargo.toml",
        "",
        "cargo check",
        Kind::Compile,
        &["cargo", "check", "--workspace", "--all-targets"],
        Reader::Generic,
        RUST,
    ),
    row(
        "Cargo.toml",
        "",
        "cargo test",
        Kind::Test,
        &["cargo", "test", "--workspace", "--no-fail-fast"],
        Reader::Libtest,
        RUST,
    ),
    row("go.mod", "", "go vet", Kind::Compile, &["go", "vet", "./..."], Reader::Generic, GO),
    row("go.mod", "", "go test", Kind::Test, &["go", "test", "-json", "./..."], Reader::GoTest, GO),
    row(
        "tsconfig.json",
        "",
        "tsc",
        Kind::Compile,
        &["npx", "--no-install", "tsc", "--noEmit"],
        Reader::Generic,
        "npm install typescript",
    ),
    row("package.json", "\"test\":", "npm test", Kind::Test, &["npm", "test", "--silent"], Reader::Tap, NODE),
    row(
        "pyproject.toml",
        "ruff",
        "ruff",
        Kind::Lint,
        &["ruff", "check", "."],
        Reader::Generic,
        "pip install ruff",
    ),
    row(
        "pyproject.toml",
        "",
        "pytest",
        Kind::Test,
        &["python3", "-m", "pytest", "-q", "-rA", "--no-header", "-p", "no:cacheprovider"],
        Reader::Pytest,
        PYTHON,
    ),
    row(
        "setup.py",
        "",
        "pytest",
        Kind::Test,
        &["python3", "-m", "pytest", "-q", "-rA", "--no-header", "-p", "no:cacheprovider"],
        Reader::Pytest,
        PYTHON,
    ),
    row(
        "pytest.ini",
        "",
        "pytest",
        Kind::Test,
        &["python3", "-m", "pytest", "-q", "-rA", "--no-header", "-p", "no:cacheprovider"],
        Reader::Pytest,
        PYTHON,
    ),
    row("mix.exs", "", "mix test", Kind::Test, &["mix", "test"], Reader::Generic, "install Elixir"),
    row(
        "pom.xml",
        "",
        "mvn test",
        Kind::Test,
        &["mvn", "-q", "-o", "test"],
        Reader::Generic,
        "install Maven",
    ),
    row(
        "CMakeLists.txt",
        "",
        "ctest",
        Kind::Test,
        &[
            "sh",
            "-c",
            "cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure",
        ],
        Reader::Generic,
        "install CMake",
    ),
    row("Makefile", "\ntest:", "make test", Kind::Test, &["make", "test"], Reader::Generic, "install make"),
    row(
        "Gemfile",
        "rspec",
        "rspec",
        Kind::Test,
        &["bundle", "exec", "rspec"],
        Reader::Generic,
        "bundle install",
    ),
    row(
        "composer.json",
        "phpunit",
        "phpunit",
        Kind::Test,
        &["vendor/bin/phpunit"],
        Reader::Generic,
        "composer install",
    ),
];

const fn row(
    marker: &'static str,
    containing: &'static str,
    name: &'static str,
    kind: Kind,
    argv: &'static [&'static str],
    reader: Reader,
    install: &'static str,
) -> Row {
    Row { marker, containing, name, kind, argv, reader, install }
}

#[derive(Deserialize)]
struct ProjectFile {
    #[serde(default)]
    checks: std::collections::BTreeMap<String, ProjectCheck>,
}

#[derive(Deserialize)]
struct ProjectCheck {
    command: String,
    kind: Option<Kind>,
    dir: Option<String>,
}

/// The checks of a workspace, in the order of running them. `galley.toml`'s take the place of the detected ones of the
/// same kind. Markers are looked for at the root and in folders one below it that no marker of the root governs.
///
/// # Errors
/// A `galley.toml` that cannot be read: the sentence names line and reason. The detected checks are lost with it, so that
/// nobody takes the wrong ones for those they wrote down.
pub fn detect(snapshot: &Snapshot) -> Result<Vec<Check>, String> {
    let own = project_checks(snapshot)?;
    let mut checks: Vec<Check> = detected(snapshot);
    if !own.is_empty() {
        checks.retain(|check| own.iter().all(|mine| mine.kind != check.kind));
        checks.extend(own);
    }
    checks.sort_by_key(|check| check.kind);
    Ok(checks)
}

fn project_checks(snapshot: &Snapshot) -> Result<Vec<Check>, String> {
    let Some(text) = read(snapshot, "galley.toml") else { return Ok(Vec::new()) };
    let file: ProjectFile =
        toml::from_str(&text).map_err(|error| format!("galley.toml cannot be read: {error}"))?;
    let check = |(name, check): (String, ProjectCheck)| Check {
        name,
        kind: check.kind.unwrap_or(Kind::Test),
        argv: vec!["sh".to_owned(), "-c".to_owned(), check.command],
        dir: check.dir.unwrap_or_default(),
        reader: Reader::Generic,
        install: "see [checks] in galley.toml".to_owned(),
    };
    Ok(file.checks.into_iter().map(check).collect())
}

fn detected(snapshot: &Snapshot) -> Vec<Check> {
    let mut folders = vec![String::new()];
    for path in snapshot.files().iter() {
        let Some((folder, name)) = path.as_str().split_once('/') else { continue };
        if TABLE.iter().any(|row| row.marker == name) && !folders.iter().any(|known| known == folder) {
            folders.push(folder.to_owned());
        }
    }
    let mut checks: Vec<Check> = Vec::new();
    for folder in folders {
        for row in TABLE {
            let governed = checks
                .iter()
                .any(|check| check.name == row.name && (check.dir.is_empty() || check.dir == folder));
            let path =
                if folder.is_empty() { row.marker.to_owned() } else { format!("{folder}/{}", row.marker) };
            if governed || !read(snapshot, &path).is_some_and(|text| text.contains(row.containing)) {
                continue;
            }
            checks.push(Check {
                name: row.name.to_owned(),
                kind: row.kind,
                argv: row.argv.iter().map(|&word| word.to_owned()).collect(),
                dir: folder.clone(),
                reader: row.reader,
                install: row.install.to_owned(),
            });
        }
    }
    checks
}

fn read(snapshot: &Snapshot, path: &str) -> Option<std::sync::Arc<str>> {
    snapshot.read(&RelPath::new(path).ok()?).ok()
}

impl Check {
    /// The command as a person would type it.
    pub fn command(&self) -> String {
        let words: Vec<String> = self.argv.iter().map(|word| quote(word)).collect();
        words.join(" ")
    }

    /// The check cut down to the tests whose names contain `only`, where its runner can.
    pub fn narrowed(&self, only: &str) -> Check {
        let mut check = self.clone();
        match self.reader {
            Reader::Libtest => check.argv.push(only.to_owned()),
            Reader::Pytest => check.argv.extend(["-k".to_owned(), only.to_owned()]),
            Reader::GoTest => check.argv.extend(["-run".to_owned(), only.to_owned()]),
            Reader::Tap | Reader::Generic => return check,
        }
        check.name = format!("{} {only}", self.name);
        check
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
mod tests {
    use super::*;

    fn detect_in(files: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            galley_workspace::create_dir(path.parent().unwrap()).unwrap();
            galley_workspace::write_atomically(&path, text.as_bytes()).unwrap();
        }
        let workspace = galley_workspace::Workspace::open(vec![folder.path().to_path_buf()]).unwrap();
        let checks = detect(&workspace.snapshot())?;
        Ok(checks.iter().map(|check| format!("{}|{}", check.dir, check.name)).collect())
    }

    #[test]
    fn a_cargo_project_compiles_before_it_tests() {
        let found = detect_in(&[("Cargo.toml", "[package]"), ("crates/a/Cargo.toml", "[package]")]).unwrap();
        assert_eq!(found, ["|cargo check", "|cargo test"]);
    }

    #[test]
    fn a_mixed_tree_has_the_checks_of_both_halves() {
        let found = detect_in(&[
            ("server/go.mod", "module a"),
            ("web/package.json", r#"{"scripts":{"test": "node --test"}}"#),
        ]);
        assert_eq!(found.unwrap(), ["server|go vet", "server|go test", "web|npm test"]);
    }

    #[test]
    fn galley_toml_takes_the_place_of_the_detected() {
        let found = detect_in(&[
            ("Cargo.toml", "[package]"),
            ("galley.toml", "[checks.unit]\ncommand = 'make unit'"),
        ]);
        assert_eq!(found.unwrap(), ["|cargo check", "|unit"]);
        let broken = detect_in(&[("galley.toml", "[checks.unit]\ncommand = 3")]).unwrap_err();
        assert!(broken.contains("galley.toml") && broken.contains("command"), "{broken}");
    }

    #[test]
    fn commands_are_shown_as_typed() {
        assert_eq!(quote("a b'c"), r"'a b'\''c'");
        assert_eq!(quote("--workspace"), "--workspace");
    }
}

//! What the files of a folder tell about the project in it.

use std::sync::Arc;

use galley_text::path::RelPath;
use galley_workspace::Snapshot;
use serde_json::Value;

/// A folder of the workspace.
pub(super) struct Folder<'s> {
    snapshot: &'s Snapshot,
    /// Relative to the workspace; empty for its root.
    pub(super) dir: &'s str,
}

/// Files of a kind that are looked into.
const LOOKED_INTO: usize = 50;

impl<'s> Folder<'s> {
    pub(super) fn new(snapshot: &'s Snapshot, dir: &'s str) -> Folder<'s> {
        Folder { snapshot, dir }
    }

    /// The text of a file in this folder.
    pub(super) fn text(&self, name: &str) -> Option<Arc<str>> {
        self.snapshot.peek(&RelPath::new(&super::joined(self.dir, name)).ok()?).ok()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        RelPath::new(&super::joined(self.dir, name)).is_ok_and(|path| self.snapshot.exists(&path))
    }

    /// Whether a file is here and one of the words in it.
    pub(super) fn says(&self, name: &str, words: &[&str]) -> bool {
        self.text(name).is_some_and(|text| words.iter().any(|word| text.contains(word)))
    }

    /// The folders from this one up to the root of the workspace.
    pub(super) fn upwards(&self) -> impl Iterator<Item = Folder<'s>> + use<'s> {
        let (snapshot, mut next) = (self.snapshot, Some(self.dir));
        std::iter::from_fn(move || {
            let dir = next?;
            next = match dir.rsplit_once('/') {
                Some((parent, _)) => Some(parent),
                None => (!dir.is_empty()).then_some(""),
            };
            Some(Folder { snapshot, dir })
        })
    }

    /// Paths, relative to this folder, of the files below it whose name fits a pattern with at most one `*`.
    pub(super) fn files(&self, pattern: &str) -> Vec<String> {
        let files = self.snapshot.files();
        let below = files.iter().filter_map(|path| super::relative(self.dir, path.as_str()));
        below
            .filter(|path| fits(pattern, path.rsplit('/').next().unwrap_or(path)) && !super::is_foreign(path))
            .map(str::to_owned)
            .collect()
    }

    /// Whether one of the files below whose name fits the pattern has a line that `is` so.
    pub(super) fn any_line(&self, pattern: &str, is: impl Fn(&str) -> bool) -> bool {
        let files = self.files(pattern);
        files.iter().take(LOOKED_INTO).filter_map(|path| self.text(path)).any(|text| text.lines().any(&is))
    }

    fn package(&self) -> Value {
        let text = self.text("package.json").unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// npm's script of this name.
    pub(super) fn script(&self, name: &str) -> Option<String> {
        self.package()["scripts"][name].as_str().map(str::to_owned)
    }

    /// Whether the package, or one around it, depends on this one.
    pub(super) fn depends_on(&self, package: &str) -> bool {
        const LISTS: [&str; 3] = ["dependencies", "devDependencies", "peerDependencies"];
        self.upwards().any(|folder| {
            let known = folder.package();
            LISTS.iter().any(|list| known[*list].get(package).is_some())
        })
    }

    /// The package manager, by the lock file that is nearest.
    pub(super) fn package_manager(&self) -> &'static str {
        const LOCKS: [(&str, &str); 5] = [
            ("pnpm-lock.yaml", "pnpm"),
            ("yarn.lock", "yarn"),
            ("bun.lock", "bun"),
            ("bun.lockb", "bun"),
            ("package-lock.json", "npm"),
        ];
        let nearest =
            |folder: Folder<'_>| LOCKS.iter().find(|(lock, _)| folder.has(lock)).map(|known| known.1);
        self.upwards().find_map(nearest).unwrap_or("npm")
    }

    /// What runs Python with the project's packages.
    pub(super) fn python(&self) -> &'static [&'static str] {
        let nearest = |folder: Folder<'_>| match () {
            () if folder.has("uv.lock") => Some(&["uv", "run", "--no-sync", "--offline", "python"][..]),
            () if folder.has("poetry.lock") => Some(&["poetry", "run", "python"][..]),
            () => None,
        };
        self.upwards().find_map(nearest).unwrap_or(&["python3"])
    }

    /// Whether Python tests are written for pytest: it is configured, required or imported, or tests are bare functions.
    pub(super) fn uses_pytest(&self) -> bool {
        const SAYING: [&str; 7] = [
            "pyproject.toml",
            "setup.cfg",
            "setup.py",
            "tox.ini",
            "requirements.txt",
            "requirements-dev.txt",
            "Pipfile",
        ];
        self.has("pytest.ini")
            || SAYING.iter().any(|name| self.says(name, &["pytest"]))
            || !self.files("conftest.py").is_empty()
            || ["test_*.py", "*_test.py"].iter().any(|pattern| {
                self.any_line(pattern, |line| {
                    ["def test", "async def test", "import pytest", "from pytest"]
                        .iter()
                        .any(|start| line.starts_with(start))
                })
            })
    }

    /// Whether Python tests are written for the standard library's runner alone.
    pub(super) fn uses_unittest(&self) -> bool {
        !self.uses_pytest()
            && ["test_*.py", "*_test.py"]
                .iter()
                .any(|pattern| self.any_line(pattern, |line| line.contains("unittest")))
    }
}

/// Whether a name fits a pattern with at most one `*`.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => {
            name.len() > start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

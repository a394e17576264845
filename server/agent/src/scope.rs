//! What a task may change: paths by glob, and classes of files that are asked for even inside them.

use galley_text::path::RelPath;
use globset::{Glob, GlobSet, GlobSetBuilder};

/// The scope of a task.
#[derive(Debug, Clone)]
pub struct Scope {
    globs: Vec<String>,
    set: Option<GlobSet>,
}

/// What the scope says to a change of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// Inside.
    Allowed,
    /// A protected class: the person is asked. The reason names it.
    Ask(&'static str),
    /// Outside, in words for the model.
    Refused(String),
}

impl Scope {
    /// A scope of globs; empty allows every path.
    ///
    /// # Errors
    /// A glob that cannot be read, with the reason.
    pub fn new(globs: &[String]) -> Result<Scope, String> {
        let mut builder = GlobSetBuilder::new();
        for glob in globs {
            builder
                .add(Glob::new(glob).map_err(|error| format!("the scope `{glob}` is not a glob: {error}"))?);
        }
        let set = builder.build().map_err(|error| error.to_string())?;
        Ok(Scope { globs: globs.to_vec(), set: (!globs.is_empty()).then_some(set) })
    }

    /// Whether a file may be changed.
    pub fn rule(&self, path: &RelPath) -> Ruling {
        if let Some(set) = &self.set
            && !set.is_match(path.as_str())
        {
            return Ruling::Refused(format!(
                "{} is outside the task's scope ({}); the person has to widen it",
                path.as_str(),
                self.globs.join(", ")
            ));
        }
        match protected_class(path) {
            Some("git") => Ruling::Refused("git's own files are never changed".to_owned()),
            Some(class) => Ruling::Ask(class),
            None => Ruling::Allowed,
        }
    }
}

/// The protected class of a file, if it has one. Tests are no class here: changing them is shown as a warning instead.
pub fn protected_class(path: &RelPath) -> Option<&'static str> {
    const LOCKS: [&str; 14] = [
        "Cargo.lock",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "bun.lock",
        "poetry.lock",
        "uv.lock",
        "Pipfile.lock",
        "go.sum",
        "Gemfile.lock",
        "composer.lock",
        "mix.lock",
        "flake.lock",
    ];
    let text = path.as_str();
    if text == ".git" || text.starts_with(".git/") || text.contains("/.git/") {
        return Some("git");
    }
    if LOCKS.contains(&path.file_name()) {
        return Some("a lock file");
    }
    let ci = [".github/", ".gitlab-ci", ".circleci/", ".ci/", "Jenkinsfile", "azure-pipelines"];
    if ci.iter().any(|prefix| text.starts_with(prefix)) {
        return Some("continuous integration");
    }
    if matches!(path.file_name(), "galley.toml" | "AGENTS.md" | "CLAUDE.md") {
        return Some("rules for agents");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(globs: &[&str], path: &str) -> Ruling {
        let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
        Scope::new(&globs).unwrap().rule(&RelPath::new(path).unwrap())
    }

    #[test]
    fn an_empty_scope_allows_all_but_protected_classes() {
        assert_eq!(rule(&[], "src/lib.rs"), Ruling::Allowed);
        assert_eq!(rule(&[], "Cargo.lock"), Ruling::Ask("a lock file"));
        assert_eq!(rule(&[], ".github/workflows/ci.yml"), Ruling::Ask("continuous integration"));
        assert!(matches!(rule(&[], ".git/config"), Ruling::Refused(_)));
    }

    #[test]
    fn outside_is_refused_in_words() {
        assert_eq!(rule(&["src/**"], "src/a/b.rs"), Ruling::Allowed);
        assert!(matches!(rule(&["src/**"], "docs/a.md"), Ruling::Refused(said) if said.contains("src/**")));
        assert!(Scope::new(&["a{".to_owned()]).is_err());
    }
}

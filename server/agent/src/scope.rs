//! What a task may change: paths by glob, symbols by name, a number of lines, and classes of files that are asked for even
//! inside them. The harness enforces it at every edit; the model can only ask for more.

use std::fmt;

use galley_text::diff;
use galley_text::path::RelPath;
use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use crate::outline;

/// What a person may say of a task's scope. What is not given does not bind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScopeSpec {
    /// Globs of the paths that may be changed; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Names of the symbols inside which may be changed; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<String>,
    /// Lines that may be added and removed, together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<u32>,
    /// Classes that are asked for beside those that always are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protect: Vec<Class>,
}

/// A class of files or lines that a task does not change unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Git's own files: never.
    Git,
    /// Lock files of package managers: always asked for.
    Locks,
    /// Continuous integration: always asked for.
    Ci,
    /// Rules and configuration of agents: always asked for.
    Rules,
    /// Files that say that a program wrote them: always asked for.
    Generated,
    /// Tests: asked for where the scope says so; otherwise a change is a warning.
    Tests,
    /// Lines that declare what other code may use: asked for where the scope says so.
    Api,
}

impl Class {
    /// The class in words.
    pub fn words(self) -> &'static str {
        match self {
            Class::Git => "git's own files",
            Class::Locks => "a lock file",
            Class::Ci => "continuous integration",
            Class::Rules => "rules for agents",
            Class::Generated => "a generated file",
            Class::Tests => "tests",
            Class::Api => "public API",
        }
    }

    /// The name of the class as flags and settings write it.
    pub fn name(self) -> &'static str {
        match self {
            Class::Git => "git",
            Class::Locks => "locks",
            Class::Ci => "ci",
            Class::Rules => "rules",
            Class::Generated => "generated",
            Class::Tests => "tests",
            Class::Api => "api",
        }
    }

    /// The class of a name as flags and settings write it.
    pub fn named(name: &str) -> Option<Class> {
        match name {
            "locks" => Some(Class::Locks),
            "ci" => Some(Class::Ci),
            "rules" => Some(Class::Rules),
            "generated" => Some(Class::Generated),
            "tests" => Some(Class::Tests),
            "api" => Some(Class::Api),
            _ => None,
        }
    }
}

impl ScopeSpec {
    /// Whether it binds nothing.
    pub fn is_empty(&self) -> bool {
        *self == ScopeSpec::default()
    }
}

impl fmt::Display for ScopeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.paths.is_empty() {
            parts.push(format!("only {}", self.paths.join(", ")));
        }
        if !self.symbols.is_empty() {
            parts.push(format!("inside {}", self.symbols.join(", ")));
        }
        if let Some(lines) = self.lines {
            parts.push(format!("at most {lines} lines"));
        }
        if !self.protect.is_empty() {
            let words: Vec<&str> = self.protect.iter().map(|class| class.words()).collect();
            parts.push(format!("not {}", words.join(", ")));
        }
        if parts.is_empty() {
            return f.write_str("the whole workspace");
        }
        f.write_str(&parts.join("; "))
    }
}

/// The scope of a task, ready to judge.
#[derive(Debug, Clone)]
pub struct Scope {
    spec: ScopeSpec,
    set: Option<GlobSet>,
}

/// What the scope says to a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// Inside.
    Allowed,
    /// A protected class: the person is asked.
    Ask(Class),
    /// Outside, in words for the model.
    Refused(String),
}

impl Scope {
    /// A scope.
    ///
    /// # Errors
    /// A glob that cannot be read, with the reason.
    pub fn new(spec: ScopeSpec) -> Result<Scope, String> {
        let mut builder = GlobSetBuilder::new();
        for glob in &spec.paths {
            builder
                .add(Glob::new(glob).map_err(|error| format!("the scope `{glob}` is not a glob: {error}"))?);
        }
        let set = builder.build().map_err(|error| error.to_string())?;
        Ok(Scope { set: (!spec.paths.is_empty()).then_some(set), spec })
    }

    /// As the person may read it.
    pub fn spec(&self) -> &ScopeSpec {
        &self.spec
    }

    /// The scope with one more glob; its symbols bind no more, since they were of other files.
    ///
    /// # Errors
    /// A glob that cannot be read, with the reason.
    pub fn widened(&self, glob: &str) -> Result<Scope, String> {
        let mut spec = self.spec.clone();
        let glob = glob.trim().trim_start_matches("./").to_owned();
        if spec.symbols.contains(&glob) || (!glob.contains(['/', '.', '*']) && !spec.symbols.is_empty()) {
            spec.symbols.push(glob);
        } else {
            if !spec.paths.is_empty() {
                spec.paths.push(glob);
            }
            spec.symbols.clear();
        }
        Scope::new(spec)
    }

    /// Whether a file may be changed at all.
    pub fn rule(&self, path: &RelPath) -> Ruling {
        if let Some(set) = &self.set
            && !set.is_match(path.as_str())
        {
            return self.refused(path.as_str());
        }
        match class_of(path) {
            Some(Class::Git) => Ruling::Refused("git's own files are never changed".to_owned()),
            Some(Class::Tests) if !self.protects(Class::Tests) => Ruling::Allowed,
            Some(class) => Ruling::Ask(class),
            None => Ruling::Allowed,
        }
    }

    /// Whether a file's text may become another. `None` stands for no file.
    pub fn rule_change(&self, path: &RelPath, before: Option<&str>, after: Option<&str>) -> Ruling {
        let (old, new) = (before.unwrap_or_default(), after.unwrap_or_default());
        if is_generated(old) {
            return Ruling::Ask(Class::Generated);
        }
        if !self.spec.symbols.is_empty() && !self.inside_symbols(path, old, new) {
            return self.refused(&format!("this change of {}", path.as_str()));
        }
        if self.protects(Class::Api) && api_lines(path, old) != api_lines(path, new) && before.is_some() {
            return Ruling::Ask(Class::Api);
        }
        Ruling::Allowed
    }

    /// Whether so many changed lines are too many.
    ///
    /// # Errors
    /// Words for the model.
    pub fn rule_lines(&self, lines: usize) -> Result<(), String> {
        match self.spec.lines {
            Some(limit) if lines > limit as usize => Err(format!(
                "the change would be {lines} lines, the scope allows {limit}; make it smaller, or finish (blocked)"
            )),
            _ => Ok(()),
        }
    }

    fn protects(&self, class: Class) -> bool {
        self.spec.protect.contains(&class)
    }

    fn refused(&self, what: &str) -> Ruling {
        Ruling::Refused(format!(
            "{what} is outside the scope ({}); `more widen` asks the person for it",
            self.spec
        ))
    }

    /// Whether every changed line of the old text lies inside a symbol of the scope.
    fn inside_symbols(&self, path: &RelPath, old: &str, new: &str) -> bool {
        let named = |name: &str| {
            self.spec
                .symbols
                .iter()
                .any(|known| known == name || known.rsplit([':', '.', '#']).next() == Some(name))
        };
        let ranges: Vec<(usize, usize)> = outline::of(path, old)
            .into_iter()
            .filter(|symbol| named(&symbol.name))
            .map(|symbol| (symbol.line as usize, symbol.end_line as usize))
            .collect();
        let edits = diff::edits(old, new);
        edits.edits().iter().all(|edit| {
            let line = |at: usize| old.get(..at).unwrap_or_default().matches('\n').count();
            let (first, last) =
                (line(edit.range.start), line(edit.range.end.saturating_sub(1).max(edit.range.start)));
            ranges.iter().any(|(from, to)| *from <= first && last <= *to)
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

/// Added and removed lines of a change.
pub fn changed_lines(before: &str, after: &str) -> usize {
    let edits = diff::edits(before, after);
    let count = |text: &str| text.lines().count();
    edits
        .edits()
        .iter()
        .map(|edit| count(&edit.text) + count(before.get(edit.range.clone()).unwrap_or_default()))
        .sum()
}

fn is_generated(text: &str) -> bool {
    let head = text.lines().take(6);
    let signs = ["@generated", "DO NOT EDIT", "do not edit by hand", "Code generated by"];
    head.into_iter().any(|line| signs.iter().any(|sign| line.contains(sign)))
}

/// The lines that declare what other code may use, by the habits of the language.
fn api_lines<'a>(path: &RelPath, text: &'a str) -> Vec<&'a str> {
    let extension = path.file_name().rsplit('.').next().unwrap_or_default();
    let is_api = |line: &&str| {
        let low = line.trim_start();
        match extension {
            "rs" => low.starts_with("pub ") || low.starts_with("macro_rules!"),
            "ts" | "tsx" | "js" | "jsx" | "mjs" => low.starts_with("export "),
            "py" => {
                let name = low.strip_prefix("def ").or_else(|| low.strip_prefix("class "));
                name.is_some_and(|name| !name.starts_with('_'))
            }
            "go" => {
                let name = low.strip_prefix("func ").or_else(|| low.strip_prefix("type "));
                let name = name.map(|name| {
                    name.rsplit_once(") ").filter(|_| name.starts_with('(')).map_or(name, |found| found.1)
                });
                name.is_some_and(|name| name.starts_with(char::is_uppercase))
            }
            "java" | "kt" | "cs" => low.starts_with("public "),
            _ => false,
        }
    };
    text.lines().filter(is_api).collect()
}

/// The protected class of a file by its path, if it has one.
pub fn class_of(path: &RelPath) -> Option<Class> {
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
        return Some(Class::Git);
    }
    if LOCKS.contains(&path.file_name()) {
        return Some(Class::Locks);
    }
    let ci = [".github/", ".gitlab-ci", ".circleci/", ".ci/", "Jenkinsfile", "azure-pipelines"];
    if ci.iter().any(|prefix| text.starts_with(prefix)) {
        return Some(Class::Ci);
    }
    if matches!(path.file_name(), "galley.toml" | "AGENTS.md" | "CLAUDE.md") {
        return Some(Class::Rules);
    }
    let low = text.to_ascii_lowercase();
    let name = path.file_name().to_ascii_lowercase();
    let is_test = low.split('/').any(|part| matches!(part, "test" | "tests" | "spec" | "__tests__"))
        || name.starts_with("test_")
        || ["_test.", ".test.", ".spec.", "_spec."].iter().any(|part| name.contains(part));
    is_test.then_some(Class::Tests)
}

/// The class that is shown as a warning when a proposal changes a file of it; tests have warnings of their own.
pub fn protected_class(path: &RelPath) -> Option<&'static str> {
    class_of(path).filter(|class| *class != Class::Tests).map(Class::words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).unwrap()
    }

    fn scope(paths: &[&str], symbols: &[&str], protect: &[Class]) -> Scope {
        let owned = |list: &[&str]| list.iter().map(|&one| one.to_owned()).collect();
        Scope::new(ScopeSpec {
            paths: owned(paths),
            symbols: owned(symbols),
            lines: Some(10),
            protect: protect.to_vec(),
        })
        .unwrap()
    }

    #[test]
    fn an_empty_scope_allows_all_but_protected_classes() {
        let scope = scope(&[], &[], &[]);
        assert_eq!(scope.rule(&path("src/lib.rs")), Ruling::Allowed);
        assert_eq!(scope.rule(&path("tests/a.rs")), Ruling::Allowed);
        assert_eq!(scope.rule(&path("Cargo.lock")), Ruling::Ask(Class::Locks));
        assert_eq!(scope.rule(&path(".github/workflows/ci.yml")), Ruling::Ask(Class::Ci));
        assert!(matches!(scope.rule(&path(".git/config")), Ruling::Refused(_)));
        let generated = scope.rule_change(&path("a.rs"), Some("// @generated\n"), Some("x\n"));
        assert_eq!(generated, Ruling::Ask(Class::Generated));
    }

    #[test]
    fn outside_is_refused_in_words_and_can_be_widened() {
        let scope = scope(&["src/**"], &[], &[Class::Tests]);
        assert_eq!(scope.rule(&path("src/a/b.rs")), Ruling::Allowed);
        assert_eq!(scope.rule(&path("src/a_test.rs")), Ruling::Ask(Class::Tests));
        assert!(matches!(scope.rule(&path("docs/a.md")), Ruling::Refused(said) if said.contains("src/**")));
        assert_eq!(scope.widened("./docs/*").unwrap().rule(&path("docs/a.md")), Ruling::Allowed);
        assert!(scope.widened("a{").is_err());
        assert!(scope.rule_lines(10).is_ok() && scope.rule_lines(11).is_err());
    }

    #[test]
    fn a_change_stays_inside_the_named_symbols() {
        let scope = scope(&[], &["slow"], &[]);
        let before = "fn fast() {\n    a();\n}\n\nfn slow() {\n    b();\n}\n";
        let rule = |after: &str| scope.rule_change(&path("src/lib.rs"), Some(before), Some(after));
        assert_eq!(rule(&before.replace("b()", "c()")), Ruling::Allowed);
        assert!(matches!(rule(&before.replace("a()", "c()")), Ruling::Refused(_)));
        assert!(matches!(rule(&format!("use x;\n{before}")), Ruling::Refused(_)));
    }

    #[test]
    fn public_lines_are_asked_for_where_they_are_protected() {
        let before = "pub fn a() {\n    b();\n}\n";
        let scope = scope(&[], &[], &[Class::Api]);
        let rule = |after: &str| scope.rule_change(&path("src/lib.rs"), Some(before), Some(after));
        assert_eq!(rule(&before.replace("b()", "c()")), Ruling::Allowed);
        assert_eq!(rule(&before.replace("a()", "a(x: u8)")), Ruling::Ask(Class::Api));
    }

    #[test]
    fn lines_of_a_change_are_counted_on_both_sides() {
        assert_eq!(changed_lines("a\nb\nc\n", "a\nB\nc\n"), 2);
        assert_eq!(changed_lines("", "a\nb\n"), 2);
    }
}

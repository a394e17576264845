//! The names in a hunk: what it defines, imports and uses, and what it takes away, as far as its own lines tell.
//!
//! Definitions come from the grammars; what depends on nothing but lines (imports, dependencies in a manifest, words) is read
//! from these. A name too many links two hunks that could stand alone, a name too few lets one be accepted without its
//! function: the checks of the accepted subset tell that.

use std::collections::BTreeSet;

use galley_review::Names;
use galley_text::path::RelPath;

use crate::outline;

/// The names that change from one side of a hunk to the other.
pub(crate) fn names(path: &RelPath, before: &str, after: &str) -> Names {
    let (old, new) = (Side::of(path, before), Side::of(path, after));
    let fresh = |new: &BTreeSet<String>, old: &BTreeSet<String>| new.difference(old).cloned().collect();
    Names {
        defines: fresh(&new.defines, &old.defines),
        imports: fresh(&new.imports, &old.imports),
        // What stood there before is used now as well: what takes it away must know.
        uses: new.uses.iter().cloned().collect(),
        removes: fresh(&old.defines, &new.defines),
        unimports: fresh(&old.imports, &new.imports),
        drops: fresh(&old.uses, &new.uses),
    }
}

/// The names in one text.
struct Side {
    defines: BTreeSet<String>,
    imports: BTreeSet<String>,
    uses: BTreeSet<String>,
}

impl Side {
    fn of(path: &RelPath, text: &str) -> Side {
        if is_manifest(path) {
            let defines = text.lines().filter_map(dependency).collect();
            return Side { defines, imports: BTreeSet::new(), uses: BTreeSet::new() };
        }
        let words_used = words(text).filter(|word| word.len() > 2).map(str::to_owned);
        Side {
            defines: outline::of(path, text).into_iter().map(|symbol| symbol.name).collect(),
            imports: imported(text).map(str::to_owned).collect(),
            uses: words_used.chain(packages(text)).collect(),
        }
    }
}

const KEYWORDS: &[&str] =
    &["use", "pub", "import", "from", "crate", "self", "super", "std", "as", "include", "require"];

const IMPORTS: &[&str] =
    &["use ", "pub use ", "import ", "from ", "#include", "require ", "const ", "export "];

fn import_lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim_start);
    lines.filter(|line| IMPORTS.iter().any(|start| line.starts_with(start)))
}

fn imported(text: &str) -> impl Iterator<Item = &str> {
    let plain = |line: &&str| !line.starts_with("const ") && !line.starts_with("export ");
    import_lines(text).filter(plain).flat_map(words).filter(|word| !KEYWORDS.contains(word))
}

/// Packages that are imported by a quoted name: `from "date-fns"`, `require('@scope/tool')`.
fn packages(text: &str) -> impl Iterator<Item = String> {
    import_lines(text).filter_map(quoted).map(package)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

const MANIFESTS: &[&str] = &[
    "Cargo.toml",
    "package.json",
    "pyproject.toml",
    "setup.cfg",
    "Pipfile",
    "go.mod",
    "Gemfile",
    "composer.json",
    "mix.exs",
    "pubspec.yaml",
    "build.gradle",
    "build.gradle.kts",
];

fn is_manifest(path: &RelPath) -> bool {
    let name = path.file_name();
    MANIFESTS.contains(&name) || (name.starts_with("requirements") && name.ends_with(".txt"))
}

/// The dependency that a line of a manifest names: its first quoted text, or else its first word.
fn dependency(line: &str) -> Option<String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with(['#', '[', '/']) {
        return None;
    }
    let key = line.split(['=', '<', '>', '~', ' ', ';', ':']).find(|part| !part.trim().is_empty());
    let is_key = key.is_some_and(|key| line.contains('=') && !key.contains(['"', '\'', '{', '(']));
    let bare = || {
        let rest = line.strip_prefix("require ").unwrap_or(line).trim_start_matches(['{', ':', '-', ' ']);
        rest.split(|c: char| !(c.is_alphanumeric() || "_-./@".contains(c))).next()
    };
    let atom = line.strip_prefix("{:").and_then(|rest| rest.split(',').next());
    let named = if atom.is_some() {
        atom
    } else if is_key {
        key
    } else {
        quoted(line).or_else(bare)
    };
    named.map(package).filter(|name| name.len() > 1)
}

fn quoted(line: &str) -> Option<&str> {
    let start = line.find(['"', '\''])?;
    let mark = line[start..].chars().next()?;
    let rest = &line[start + 1..];
    rest.find(mark).map(|end| &rest[..end])
}

/// A package's name as code spells it: without its scope or host, with underscores.
fn package(name: &str) -> String {
    // `group:artifact:version`, `name[extra]>=1`.
    let name = name.split(':').nth(1).unwrap_or(name);
    let name = name.split(['[', '<', '>', '=', '~', ';', ' ']).next().unwrap_or(name);
    name.trim_end_matches('/').rsplit('/').next().unwrap_or(name).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, before: &str, after: &str) -> Names {
        names(&RelPath::new(path).unwrap(), before, after)
    }

    #[test]
    fn a_line_of_a_manifest_defines_its_dependency() {
        for (path, line, name) in [
            ("Cargo.toml", "serde-json = \"1\"\n", "serde_json"),
            ("Cargo.toml", "tokio = { version = \"1\", features = [\"full\"] }\n", "tokio"),
            ("package.json", "    \"date-fns\": \"^3\",\n", "date_fns"),
            ("package.json", "    \"@scope/tool\": \"^3\",\n", "tool"),
            ("requirements.txt", "requests>=2\n", "requests"),
            ("requirements-dev.txt", "pytest\n", "pytest"),
            ("pyproject.toml", "  \"httpx[http2]>=0.2\",\n", "httpx"),
            ("go.mod", "\tgithub.com/gorilla/mux v1.8.0\n", "mux"),
            ("go.mod", "require github.com/gorilla/mux v1.8.0\n", "mux"),
            ("Gemfile", "gem \"rails\", \"~> 7\"\n", "rails"),
            ("mix.exs", "      {:jason, \"~> 1.4\"}\n", "jason"),
        ] {
            let found = of(path, "", line).defines;
            assert!(found.iter().any(|known| known == name), "{path}: {found:?}");
            assert_eq!(of(path, line, "").removes, found);
        }
    }

    #[test]
    fn an_import_uses_its_package() {
        assert!(of("a.js", "", "import { add } from 'date-fns';\n").uses.contains(&"date_fns".to_owned()));
        assert!(of("a.js", "", "const x = require('@scope/tool');\n").uses.contains(&"tool".to_owned()));
        assert!(of("a.rs", "", "use serde_json::Value;\n").uses.contains(&"serde_json".to_owned()));
    }

    #[test]
    fn what_goes_is_told_too() {
        let found = of("a.rs", "fn old() {\n    helper();\n}\n", "fn new() {\n    other();\n}\n");
        assert_eq!((found.defines, found.removes), (vec!["new".to_owned()], vec!["old".to_owned()]));
        assert!(found.drops.contains(&"helper".to_owned()) && !found.drops.contains(&"other".to_owned()));
        assert_eq!(of("a.rs", "use x::Y;\n", "use x::Z;\n").unimports, ["Y"]);
    }
}

//! Which tests a change touches, and why: from the reports of coverage tools, from the names that its lines define, the
//! files that use, import or are named after them. A guess to be quick with; all tests run after it.

use std::collections::{BTreeMap, BTreeSet};

use galley_index::{IndexSnapshot, Role};
use galley_text::path::RelPath;
use galley_workspace::Overlay;

use crate::checks::{Check, Only};
use crate::coverage::Coverage;
use crate::outline;

/// A file of tests that a change touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// The file.
    pub path: RelPath,
    /// Why it is thought so: "uses `clamp`".
    pub why: String,
}

/// Files of tests that are run first at most.
const FILES: usize = 12;
/// Names of one changed file that are followed.
const NAMES: usize = 24;
/// Files that one name is followed to.
const REACH: usize = 40;

/// The files of tests that the overlay's changes touch, surest first.
pub fn tests(index: &IndexSnapshot, overlay: &Overlay) -> Vec<Affected> {
    let mut found: BTreeMap<RelPath, (u8, String)> = BTreeMap::new();
    let mut put = |path: &RelPath, sureness: u8, why: String| {
        let known = found.entry(path.clone()).or_insert((sureness, why.clone()));
        if known.0 > sureness {
            *known = (sureness, why);
        }
    };
    let coverage = Coverage::of(overlay);
    for change in overlay.changes() {
        let (path, before, after) = change.sides();
        if let Some(after) = after.filter(|text| holds_tests(index, path, text)) {
            let is_new = before.is_none();
            let _ = after;
            put(path, 0, if is_new { "is new" } else { "is changed itself" }.to_owned());
        }
        let gone = lacking(before.unwrap_or_default(), after.unwrap_or_default());
        for test in coverage.tests(path, &gone) {
            put(test, 1, format!("ran {} by its coverage", path.file_name()));
        }
        let names = touched_names(path, before.unwrap_or_default(), after.unwrap_or_default());
        for name in names.iter().take(NAMES) {
            for impact in index.impact(name, Some(path), REACH) {
                if is_test(index, &impact.path) && names_it(overlay, &impact.path, name) {
                    put(&impact.path, 1, format!("uses `{name}`"));
                }
            }
        }
        for test in index.paths().filter(|test| is_test(index, test)) {
            if stem(test.file_name()) == stem(path.file_name()) && test != path {
                put(test, 2, format!("is named after {}", path.file_name()));
            } else if imports(index, test, path) {
                put(test, 3, format!("imports {}", path.file_name()));
            }
        }
    }
    let is_there = |path: &RelPath| overlay.peek(path).is_ok_and(|text| looks_run(path, &text));
    let mut sorted: Vec<(u8, Affected)> = found
        .into_iter()
        .filter(|(path, _)| is_there(path))
        .map(|(path, (sureness, why))| (sureness, Affected { path, why }))
        .collect();
    sorted.sort_by(|(one, a), (other, b)| one.cmp(other).then_with(|| a.path.cmp(&b.path)));
    sorted.into_iter().map(|(_, affected)| affected).take(FILES).collect()
}

/// A check of tests cut down to the affected ones; `None` where its runner cannot do that, or none of them is its own.
pub fn part(check: &Check, affected: &[Affected]) -> Option<Check> {
    let files: Vec<String> = affected.iter().map(|test| test.path.as_str().to_owned()).collect();
    check.narrowed(Only::InFiles(&files))
}

/// The files with their reasons in one line.
pub fn told(affected: &[Affected]) -> String {
    let words: Vec<String> =
        affected.iter().map(|test| format!("{} ({})", test.path.as_str(), test.why)).collect();
    words.join(", ")
}

fn holds_tests(index: &IndexSnapshot, path: &RelPath, text: &str) -> bool {
    index.role(path) == Some(Role::Test) || outline::of(path, text).iter().any(|symbol| symbol.is_test)
}

/// Data beside tests has the part of a test too, and no runner takes it.
fn looks_run(path: &RelPath, text: &str) -> bool {
    outline::of(path, text).iter().any(|symbol| symbol.is_test) || is_named_so(path)
}

fn is_test(index: &IndexSnapshot, path: &RelPath) -> bool {
    index.role(path) == Some(Role::Test) || is_named_so(path)
}

fn is_named_so(path: &RelPath) -> bool {
    let name = path.file_name().to_ascii_lowercase();
    name.contains("test") || name.contains("spec")
}

/// The lines of a text, zero-based, that the other lacks.
fn lacking(text: &str, other: &str) -> BTreeSet<u32> {
    let known: BTreeSet<&str> = other.lines().collect();
    text.lines()
        .enumerate()
        .filter(|(_, line)| !known.contains(line) && !line.trim().is_empty())
        .filter_map(|(number, _)| u32::try_from(number).ok())
        .collect()
}

/// Names defined in either text by symbols that hold a line which the other text lacks.
fn touched_names(path: &RelPath, before: &str, after: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (text, other) in [(before, after), (after, before)] {
        let changed = lacking(text, other);
        for symbol in outline::of(path, text) {
            if symbol.name.len() > 1
                && !symbol.is_test
                && changed.iter().any(|line| (symbol.line..=symbol.end_line).contains(line))
            {
                names.insert(symbol.name);
            }
        }
    }
    names
}

fn names_it(overlay: &Overlay, path: &RelPath, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    overlay.peek(path).is_ok_and(|text| {
        text.match_indices(name)
            .any(|(at, _)| !text[..at].ends_with(is_word) && !text[at + name.len()..].starts_with(is_word))
    })
}

/// Whether one of the imports of a file ends in the other's name.
fn imports(index: &IndexSnapshot, test: &RelPath, path: &RelPath) -> bool {
    let wanted = path.file_name().split('.').next().unwrap_or_default();
    if wanted.len() < 2 || ["mod", "lib", "index", "main", "__init__"].contains(&wanted) {
        return false;
    }
    let last = |import: &String| {
        let import = import.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
        let import = import.strip_suffix(".js").or(import.strip_suffix(".ts")).unwrap_or(import);
        import.rsplit(['/', '.', ':', '\\']).next() == Some(wanted)
    };
    index.imports(test).iter().any(last)
}

/// What a file is about, by its name: `range` of `test_range.py`, `range_test.go`, `range.spec.ts`, `RangeTest.java`.
fn stem(name: &str) -> Option<String> {
    let plain = name.split('.').next()?.to_ascii_lowercase();
    let plain = plain.trim_start_matches("test_").trim_end_matches("_test").trim_end_matches("_spec");
    let plain = plain.trim_end_matches("tests").trim_end_matches("test");
    (plain.len() > 1 && !["mod", "lib", "index", "main", "__init__"].contains(&plain))
        .then(|| plain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn affected_by(files: &[(&str, &str)], edit: (&str, &str)) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let index = galley_index::Index::new();
        let mut texts = Vec::new();
        for (path, text) in files {
            let at = folder.path().join(path);
            galley_workspace::create_dir(at.parent().unwrap()).unwrap();
            galley_workspace::write_atomically(&at, text.as_bytes()).unwrap();
            texts.push((RelPath::new(path).unwrap(), (*text).into()));
        }
        index.update(&texts);
        let workspace = galley_workspace::Workspace::open(vec![folder.path().to_path_buf()]).unwrap();
        let mut overlay = Overlay::new(workspace.snapshot());
        overlay.write(&RelPath::new(edit.0).unwrap(), edit.1).unwrap();
        super::tests(&index.snapshot(), &overlay)
            .iter()
            .map(|test| format!("{}: {}", test.path.as_str(), test.why))
            .collect()
    }

    const RANGE: &str = "def clamp(x):\n    return x\n\n\ndef other(x):\n    return x\n";

    #[test]
    fn tests_are_found_by_use_by_name_and_by_import() {
        let files = [
            ("range.py", RANGE),
            ("tests/test_use.py", "from range import clamp\n\n\ndef test_a():\n    assert clamp(1)\n"),
            ("tests/test_range.py", "import range\n\n\ndef test_b():\n    assert range.other(1)\n"),
            ("tests/test_far.py", "import range\n\n\ndef test_c():\n    assert range\n"),
            ("tests/test_none.py", "def test_d():\n    assert 1\n"),
        ];
        let edit = RANGE.replacen("return x", "return min(x, 1)", 1);
        assert_eq!(
            affected_by(&files, ("range.py", &edit)),
            [
                "tests/test_use.py: uses `clamp`",
                "tests/test_range.py: is named after range.py",
                "tests/test_far.py: imports range.py"
            ]
        );
    }

    #[test]
    fn a_report_of_coverage_names_tests_that_nothing_else_tells_of() {
        let report = r#"{"files": {"range.py": {"contexts": {"2": ["checks/test_far.py::test_c|run"]}}}}"#;
        let files = [
            ("range.py", RANGE),
            ("checks/test_far.py", "import runner\n\n\ndef test_c():\n    assert runner.go()\n"),
            (".gitignore", "coverage.json\n"),
            ("coverage.json", report),
        ];
        let edit = RANGE.replacen("return x", "return min(x, 1)", 1);
        assert_eq!(
            affected_by(&files, ("range.py", &edit)),
            ["checks/test_far.py: ran range.py by its coverage"]
        );
    }

    #[test]
    fn a_file_with_tests_of_its_own_is_affected_itself() {
        let text =
            "pub fn a() -> u8 { 1 }\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn b() { super::a(); }\n}\n";
        let edit = text.replace("{ 1 }", "{ 2 }");
        assert_eq!(
            affected_by(&[("src/num.rs", text)], ("src/num.rs", &edit)),
            ["src/num.rs: is changed itself"]
        );
        assert_eq!(affected_by(&[("notes.md", "a")], ("notes.md", "b")), [""; 0]);
    }

    #[test]
    fn stems_are_what_a_file_is_about() {
        for name in
            ["test_range.py", "range_test.go", "range.spec.ts", "RangeTest.java", "range_spec.rb", "range.rs"]
        {
            assert_eq!(stem(name).as_deref(), Some("range"), "{name}");
        }
        assert_eq!(stem("mod.rs"), None);
    }
}

//! Mechanics on the diff, without a model: what a reviewer should look at twice. A finding is a warning on the proposal,
//! never a change of it.

use galley_text::format::FileChange;
use galley_text::path::RelPath;

use crate::scope::protected_class;

/// Warnings about a list of changes, for the person.
pub fn warnings(changes: &[FileChange], goal_names_tests: bool) -> Vec<String> {
    let mut found = Vec::new();
    for change in changes {
        let (path, before, after) = sides(change);
        let name = path.as_str();
        if let Some(class) = protected_class(path) {
            found.push(format!("{name} is changed ({class})"));
        }
        if before.is_some() && is_test(path, before.unwrap_or_default()) && !goal_names_tests {
            found.extend(weakened(name, before.unwrap_or_default(), after.unwrap_or_default()));
        }
        found.extend(leftovers(name, before.unwrap_or_default(), after.unwrap_or_default()));
    }
    found
}

fn sides(change: &FileChange) -> (&RelPath, Option<&str>, Option<&str>) {
    match change {
        FileChange::Add { path, text } => (path, None, Some(text)),
        FileChange::Update { path, before, after } => (path, Some(before), Some(after)),
        FileChange::Delete { path, before } => (path, Some(before), None),
        FileChange::Move { to, before, after, .. } => (to, Some(before), Some(after)),
    }
}

fn is_test(path: &RelPath, text: &str) -> bool {
    let name = path.as_str().to_ascii_lowercase();
    name.contains("test")
        || name.contains("spec")
        || text.contains("#[test]")
        || text.contains("#[cfg(test)]")
}

/// Signs that a test was bent: fewer of what tests, more of what skips.
fn weakened(name: &str, before: &str, after: &str) -> Vec<String> {
    const TESTS: &[&str] = &["#[test]", "def test_", "func Test", "@Test", "it(", "test("];
    const ASSERTIONS: &[&str] = &["assert", "expect(", ".should", "require."];
    const SKIPS: &[&str] =
        &["#[ignore", "@skip", "pytest.mark.skip", "t.Skip", ".skip(", "xit(", "@Disabled", ".only("];
    let count =
        |text: &str, words: &[&str]| words.iter().map(|word| text.matches(word).count()).sum::<usize>();
    let mut found = Vec::new();
    let (tests, tests_after) = (count(before, TESTS), count(after, TESTS));
    if tests_after < tests {
        found.push(format!("{name}: {} of {tests} tests removed", tests - tests_after));
    }
    if count(after, ASSERTIONS) < count(before, ASSERTIONS) {
        found.push(format!("{name}: fewer assertions than before"));
    }
    if count(after, SKIPS) > count(before, SKIPS) {
        found.push(format!("{name}: a test is skipped or singled out"));
    }
    found
}

/// Debug output, suppressions and keys that were not there before.
fn leftovers(name: &str, before: &str, after: &str) -> Vec<String> {
    const SIGNS: &[(&str, &str)] = &[
        ("dbg!(", "debug output"),
        ("console.log(", "debug output"),
        ("#[allow(", "a suppressed lint"),
        ("# noqa", "a suppressed lint"),
        ("# type: ignore", "a suppressed type error"),
        ("@ts-ignore", "a suppressed type error"),
        ("eslint-disable", "a suppressed lint"),
        ("-----BEGIN ", "a private key"),
        ("AKIA", "an access key"),
    ];
    let grown = |sign: &str| after.matches(sign).count() > before.matches(sign).count();
    SIGNS
        .iter()
        .filter(|(sign, _)| grown(sign))
        .map(|(sign, what)| format!("{name}: {what} is added (`{}`)", sign.trim()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(path: &str, before: &str, after: &str) -> FileChange {
        FileChange::Update { path: RelPath::new(path).unwrap(), before: before.into(), after: after.into() }
    }

    #[test]
    fn a_bent_test_is_named() {
        let before = "#[test]\nfn a() { assert_eq!(1, 2); }\n#[test]\nfn b() { assert!(x); }\n";
        let after = "#[test]\n#[ignore]\nfn a() { assert_eq!(1, 2); }\n";
        assert_eq!(
            warnings(&[update("tests/a.rs", before, after)], false),
            [
                "tests/a.rs: 1 of 2 tests removed",
                "tests/a.rs: fewer assertions than before",
                "tests/a.rs: a test is skipped or singled out"
            ]
        );
        assert!(warnings(&[update("tests/a.rs", before, after)], true).is_empty());
    }

    #[test]
    fn an_honest_change_has_no_warnings() {
        assert!(warnings(&[update("src/a.rs", "fn a() {}\n", "fn a() { b(); }\n")], false).is_empty());
        assert_eq!(warnings(&[update("src/a.rs", "", "dbg!(x);")], false).len(), 1);
    }
}

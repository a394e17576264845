//! What is said of bent tests, by language, and what is not said of honest changes.

use super::*;

fn update(path: &str, before: &str, after: &str) -> FileChange {
    FileChange::Update { path: RelPath::new(path).unwrap(), before: before.into(), after: after.into() }
}

fn said(changes: &[FileChange]) -> Vec<String> {
    warnings(changes, Circumstances::default())
}

const RUST: &str = "#[test]\nfn adds() {\n    assert_eq!(add(1, 2), 3);\n}\n\n#[test]\nfn zero() {\n    assert_eq!(add(0, 0), 0);\n    assert!(ok());\n}\n";
const PYTHON: &str =
    "def test_adds():\n    assert add(1, 2) == 3\n\n\ndef test_zero():\n    assert add(0, 0) == 0\n";
const SCRIPT: &str = "it(\"adds\", () => {\n  expect(add(1, 2)).toBe(3);\n});\nit(\"zero\", async () => {\n  await waitFor(done, { timeout: 100 });\n  expect(add(0, 0)).toBe(0);\n});\n";
const GO: &str = "func TestAdds(t *testing.T) {\n\tif add(1, 2) != 3 {\n\t\tt.Errorf(\"no\")\n\t}\n}\n\nfunc TestZero(t *testing.T) {\n\trequire.Equal(t, 0, add(0, 0))\n}\n";
const JAVA: &str = "class CalcTest {\n    @Test\n    void adds() {\n        assertEquals(3, add(1, 2));\n    }\n\n    @Test\n    void zero() {\n        assertEquals(0, add(0, 0));\n    }\n}\n";

/// File, text, what is replaced by what, and the words that have to be said.
const BENT: &[(&str, &str, &str, &str, &str)] = &[
    // Deleted
    (
        "tests/a.rs",
        RUST,
        "#[test]\nfn adds() {\n    assert_eq!(add(1, 2), 3);\n}\n",
        "",
        "1 of 2 tests removed (adds)",
    ),
    (
        "test_a.py",
        PYTHON,
        "def test_adds():\n    assert add(1, 2) == 3\n",
        "",
        "1 of 2 tests removed (test_adds)",
    ),
    (
        "a.test.ts",
        SCRIPT,
        "it(\"adds\", () => {\n  expect(add(1, 2)).toBe(3);\n});\n",
        "",
        "1 of 2 tests removed (adds)",
    ),
    (
        "a_test.go",
        GO,
        "func TestZero(t *testing.T) {\n\trequire.Equal(t, 0, add(0, 0))\n}\n",
        "",
        "1 of 2 tests removed (TestZero)",
    ),
    (
        "CalcTest.java",
        JAVA,
        "    @Test\n    void zero() {\n        assertEquals(0, add(0, 0));\n    }\n",
        "",
        "1 of 2 tests removed (zero)",
    ),
    // Turned into something that no runner finds
    ("tests/a.rs", RUST, "#[test]\nfn adds", "fn adds", "1 of 2 tests removed (adds)"),
    ("test_a.py", PYTHON, "def test_adds", "def check_adds", "1 of 2 tests removed (test_adds)"),
    ("CalcTest.java", JAVA, "    @Test\n    void adds", "    void adds", "1 of 2 tests removed (adds)"),
    ("tests/a.rs", RUST, "#[test]\nfn adds", "// #[test]\nfn adds", "1 of 2 tests removed"),
    // Skipped
    ("tests/a.rs", RUST, "fn adds", "#[ignore]\nfn adds", "a test is skipped (`#[ignore`)"),
    (
        "test_a.py",
        PYTHON,
        "def test_adds",
        "@pytest.mark.skip\ndef test_adds",
        "a test is skipped (`mark.skip`)",
    ),
    (
        "test_a.py",
        PYTHON,
        "def test_adds",
        "@unittest.skipIf(True, \"\")\ndef test_adds",
        "a test is skipped",
    ),
    ("test_a.py", PYTHON, "def test_adds", "@pytest.mark.xfail\ndef test_adds", "expected to fail"),
    ("a.test.ts", SCRIPT, "it(\"adds\"", "it.skip(\"adds\"", "a test is skipped (`.skip(`)"),
    ("a.test.ts", SCRIPT, "it(\"adds\"", "xit(\"adds\"", "a test is skipped"),
    ("a_test.go", GO, "\tif add", "\tt.Skip(\"later\")\n\tif add", "a test is skipped (`t.Skip`)"),
    (
        "CalcTest.java",
        JAVA,
        "    void adds",
        "    @Disabled\n    void adds",
        "a test is skipped (`@Disabled`)",
    ),
    // Singled out
    ("a.test.ts", SCRIPT, "it(\"adds\"", "it.only(\"adds\"", "singled out"),
    // Fewer assertions
    ("tests/a.rs", RUST, "    assert!(ok());\n", "", "3 assertions before, 2 after"),
    ("test_a.py", PYTHON, "    assert add(0, 0) == 0\n", "    add(0, 0)\n", "2 assertions before, 1 after"),
    ("a.test.ts", SCRIPT, "  expect(add(1, 2)).toBe(3);\n", "  add(1, 2);\n", "2 assertions before, 1 after"),
    ("a_test.go", GO, "\t\tt.Errorf(\"no\")\n", "", "2 assertions before, 1 after"),
    ("CalcTest.java", JAVA, "        assertEquals(0, add(0, 0));\n", "", "2 assertions before, 1 after"),
    ("test_a.py", PYTHON, "    assert add(0", "    # assert add(0", "2 assertions before, 1 after"),
    // More patience
    ("a.test.ts", SCRIPT, "timeout: 100", "timeout: 5000", "timeout is raised from 100 to 5000"),
    // Suppressed
    ("src/a.rs", "fn a() {}\n", "fn a", "#[allow(dead_code)]\nfn a", "a suppressed lint (`#[allow(`)"),
    ("a.py", "import os\n", "import os", "import os  # noqa: F401", "a suppressed lint (`# noqa`)"),
    ("a.py", "x = f()\n", "f()", "f()  # type: ignore", "a suppressed type error"),
    ("a.ts", "f(1);\n", "f(", "// @ts-ignore\nf(", "a suppressed type error (`@ts-ignore`)"),
    ("a.js", "f(1);\n", "f(", "// eslint-disable-next-line\nf(", "a suppressed lint (`eslint-disable`)"),
    ("a.go", "f()\n", "f()", "f() //nolint", "a suppressed lint"),
    ("A.java", "class A {}\n", "class", "@SuppressWarnings(\"all\")\nclass", "a suppressed lint"),
    // Settings
    ("pytest.ini", "[pytest]\n", "\n", "\naddopts = --ignore tests\n", "settings of tests or linters"),
    ("web/tsconfig.json", "{\"strict\": true}", "true", "false", "settings of tests or linters"),
    ("vitest.config.ts", "a", "a", "b", "settings of tests or linters"),
    (".github/workflows/ci.yml", "a", "a", "b", "continuous integration"),
];

#[test]
fn bent_tests_are_named() {
    for (path, text, from, to, words) in BENT {
        assert!(text.contains(from), "{path}: {from}");
        let found = said(&[update(path, text, &text.replacen(from, to, 1))]);
        assert!(
            found.iter().any(|said| said.contains(words) && said.contains(path)),
            "{path} {to}: {found:?}"
        );
    }
}

#[test]
fn a_change_of_what_a_red_test_expects_is_named() {
    for (path, text, from, to, red, name) in [
        ("tests/a.rs", RUST, "3);", "-1);", "tests::adds", "adds"),
        ("test_a.py", PYTHON, "== 3", "== -1", "test_a.py::test_adds", "test_adds"),
        ("a.test.ts", SCRIPT, "toBe(3)", "toBe(-1)", "adds", "adds"),
        ("a_test.go", GO, "t, 0, add", "t, 1, add", "ex.com/calc.TestZero", "TestZero"),
        ("CalcTest.java", JAVA, "assertEquals(3", "assertEquals(-1", "calc.CalcTest.adds", "adds"),
    ] {
        let change = [update(path, text, &text.replacen(from, to, 1))];
        let red = [red.to_owned()];
        let circumstances = Circumstances { red_before: &red, ..Circumstances::default() };
        let words = format!("what `{name}` expects is changed, and it was red before");
        let found = warnings(&change, circumstances);
        assert!(found.iter().any(|said| said.contains(&words)), "{path}: {found:?}");
        assert_eq!(said(&change), [""; 0], "{path}: it was green, and says now what is right");
    }
}

#[test]
fn an_honest_change_has_no_warnings() {
    let more = |path: &str, text: &str, from: &str, to: &str| update(path, text, &text.replacen(from, to, 1));
    for change in [
        update("src/a.rs", "fn a() {}\n", "fn a() { b(); }\n"),
        more("tests/a.rs", RUST, "    assert!(ok());\n", "    assert!(ok());\n    assert!(more());\n"),
        more("test_a.py", PYTHON, "def test_zero", "def test_new():\n    assert 1\n\n\ndef test_zero"),
        more("a.test.ts", SCRIPT, "timeout: 100", "timeout: 50"),
        more("a_test.go", GO, "no", "not the sum"),
        update("src/process.js", "exit(1);\nsubmit(1);\n", "submit(1);\n"),
        update("docs/testing.md", "Use expect(x).\nit(\"works\")", "Use it.\n"),
    ] {
        let found = said(std::slice::from_ref(&change));
        assert_eq!(found, [""; 0], "{change:?}");
    }
}

#[test]
fn a_test_that_moves_is_not_lost() {
    let half = RUST.find("#[test]\nfn zero").unwrap();
    let changes = [
        update("tests/a.rs", RUST, &RUST[..half]),
        FileChange::Add { path: RelPath::new("tests/b.rs").unwrap(), text: RUST[half..].into() },
    ];
    assert_eq!(said(&changes), [""; 0]);
    let deleted = FileChange::Delete { path: RelPath::new("tests/a.rs").unwrap(), before: RUST.into() };
    let found = said(&[deleted]);
    assert!(found[0].contains("2 of 2 tests removed (adds, zero)"), "{found:?}");
}

#[test]
fn where_tests_are_asked_for_their_shape_is_free() {
    let circumstances = Circumstances { goal_names_tests: true, ..Circumstances::default() };
    let change = update("tests/a.rs", RUST, "#[test]\nfn other() {}\n");
    assert_eq!(warnings(&[change], circumstances), [""; 0]);
    let leftover = update("tests/a.rs", RUST, &format!("{RUST}// x\nfn y() {{ dbg!(1); }}\n"));
    assert_eq!(warnings(&[leftover], circumstances).len(), 1);
}

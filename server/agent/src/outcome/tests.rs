//! Every reader on what its tool really printed (`samples/`), and on anything at all.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

/// Samples by reader; each holds what the tool printed for one small project with a mistake in it.
const SAMPLES: &[(Reader, &str)] = &[
    (Reader::Libtest, include_str!("samples/libtest.txt")),
    (Reader::Libtest, include_str!("samples/rustc.txt")),
    (Reader::Nextest, include_str!("samples/nextest.txt")),
    (Reader::Pytest, include_str!("samples/pytest.txt")),
    (Reader::Unittest, include_str!("samples/unittest.txt")),
    (Reader::GoTest, include_str!("samples/go_test.jsonl")),
    (Reader::GoTest, include_str!("samples/go_build.txt")),
    (Reader::Jest, include_str!("samples/jest.json")),
    (Reader::Jest, include_str!("samples/vitest.json")),
    (Reader::Mocha, include_str!("samples/mocha.json")),
    (Reader::Junit, include_str!("samples/junit.xml")),
    (Reader::Junit, include_str!("samples/phpunit.txt")),
    (Reader::Tap, include_str!("samples/node_tap.txt")),
    (Reader::Tap, include_str!("samples/node_spec.txt")),
    (Reader::Tap, include_str!("samples/bats.txt")),
    (Reader::Ctest, include_str!("samples/ctest.txt")),
    (Reader::Trx, include_str!("samples/dotnet.trx")),
    (Reader::Rspec, include_str!("samples/rspec.json")),
    (Reader::Minitest, include_str!("samples/minitest.txt")),
    (Reader::Exunit, include_str!("samples/mix.txt")),
    (Reader::Cargo, include_str!("samples/cargo.jsonl")),
    (Reader::Tsc, include_str!("samples/tsc.txt")),
    (Reader::Eslint, include_str!("samples/eslint.json")),
    (Reader::Ruff, include_str!("samples/ruff.json")),
    (Reader::Mypy, include_str!("samples/mypy.txt")),
    (Reader::Mypy, include_str!("samples/mypy.jsonl")),
    (Reader::Pyright, include_str!("samples/pyright.json")),
    (Reader::Sarif, include_str!("samples/ruff_sarif.json")),
    (Reader::Lines, include_str!("samples/gcc.txt")),
    (Reader::Lines, include_str!("samples/go_vet.txt")),
    (Reader::Lines, include_str!("samples/javac.txt")),
    (Reader::Lines, include_str!("samples/shellcheck.txt")),
];

/// Names of failed, passed and skipped tests of a sample.
fn tests_of(reader: Reader, sample: &str) -> (String, String, String) {
    let report = read(reader, sample);
    let names = |end| report.named(end).join(" | ");
    (names(TestEnd::Failed), names(TestEnd::Passed), names(TestEnd::Skipped))
}

#[track_caller]
fn expect_tests(reader: Reader, sample: &str, failed: &str, passed: &str, skipped: &str, said: &str) {
    let found = tests_of(reader, sample);
    assert_eq!(found, (failed.to_owned(), passed.to_owned(), skipped.to_owned()));
    // A project's own command is often one of these runners.
    assert_eq!(tests_of(Reader::Generic, sample), found, "unnamed, it is recognised");
    let report = read(reader, sample);
    assert!(report.errors[0].contains(said), "{:#?}", report.errors);
}

/// Diagnostics as `path:line:column-line:column severity code`, zero-based.
fn places(reader: Reader, sample: &str) -> Vec<String> {
    let shown = |found: &Diagnostic| {
        let end = found.end.map(|end| format!("-{}:{}", end.line, end.column)).unwrap_or_default();
        format!(
            "{}:{}:{}{end} {:?} {}",
            found.path,
            found.start.line,
            found.start.column,
            found.severity,
            found.code.as_deref().unwrap_or("-")
        )
    };
    read(reader, sample).diagnostics.iter().map(shown).collect()
}

#[test]
fn rust_runners() {
    let libtest = include_str!("samples/libtest.txt");
    expect_tests(Reader::Libtest, libtest, "tests::adds", "tests::zero", "tests::later", "src/lib.rs:5:17");
    let nextest = include_str!("samples/nextest.txt");
    let (failed, passed, _) = tests_of(Reader::Nextest, nextest);
    assert_eq!((failed.as_str(), passed.as_str()), ("calc tests::adds", "calc tests::zero"));
    let report = read(Reader::Nextest, nextest);
    assert!(report.errors[0].contains("left: -1"), "{:#?}", report.errors);
}

#[test]
fn python_runners() {
    expect_tests(
        Reader::Pytest,
        include_str!("samples/pytest.txt"),
        "test_calc.py::TestUnit::test_in_class | test_calc.py::test_many[2-2] | test_calc.py::test_wrong",
        "test_calc.py::TestUnit::test_documented | test_calc.py::test_many[1-0] | test_calc.py::test_ok",
        "test_calc.py:16 | test_calc.py:30",
        "test_calc.py:13: AssertionError",
    );
    expect_tests(
        Reader::Unittest,
        include_str!("samples/unittest.txt"),
        "test_calc.TestUnit.test_in_class",
        "test_calc.TestUnit.test_documented",
        "test_calc.TestUnit.test_skipped",
        "AssertionError: 0 != 4",
    );
    expect_tests(
        Reader::Junit,
        include_str!("samples/junit.xml"),
        "test_calc.TestUnit.test_in_class | test_calc.test_many[2-2] | test_calc.test_wrong",
        "test_calc.TestUnit.test_documented | test_calc.test_many[1-0] | test_calc.test_ok",
        "test_calc.TestUnit.test_skipped | test_calc.test_later",
        ">       assert add(1, 2) == 3",
    );
}

#[test]
fn node_runners() {
    for sample in [include_str!("samples/jest.json"), include_str!("samples/vitest.json")] {
        let (failed, passed, skipped) = tests_of(Reader::Jest, sample);
        assert_eq!((failed.as_str(), skipped.as_str()), ("add adds", "add later"));
        assert!(passed.starts_with("add "));
        assert!(read(Reader::Jest, sample).errors[0].contains("-1"));
    }
    expect_tests(
        Reader::Mocha,
        include_str!("samples/mocha.json"),
        "add adds",
        "add zero",
        "add later",
        "-1 == 3",
    );
    expect_tests(
        Reader::Tap,
        include_str!("samples/node_tap.txt"),
        "adds | inner bad | suite",
        "inner | ok one",
        "later",
        "-1 !== 3",
    );
    let (failed, passed, skipped) = tests_of(Reader::Tap, include_str!("samples/node_spec.txt"));
    assert!(failed.contains("adds") && failed.contains("inner bad"), "{failed}");
    assert_eq!((passed.as_str(), skipped.as_str()), ("inner | ok one", "later"));
}

#[test]
fn runners_of_other_languages() {
    expect_tests(
        Reader::GoTest,
        include_str!("samples/go_test.jsonl"),
        "example.com/calc.TestAdd | example.com/calc.TestAdd/one",
        "example.com/calc.TestZero",
        "example.com/calc.TestLater",
        "calc_test.go:8: got -1",
    );
    expect_tests(
        Reader::Junit,
        include_str!("samples/phpunit.txt"),
        "CalcTest.testAdds",
        "CalcTest.testZero",
        "CalcTest.testLater",
        "-1 is identical to 3",
    );
    expect_tests(
        Reader::Tap,
        include_str!("samples/bats.txt"),
        "adds",
        "zero",
        "later",
        "[ $((1-2)) -eq 3 ]",
    );
    expect_tests(Reader::Ctest, include_str!("samples/ctest.txt"), "adds", "zero", "", "adds");
    expect_tests(
        Reader::Trx,
        include_str!("samples/dotnet.trx"),
        "Calc.Tests.CalcTests.Adds",
        "Calc.Tests.CalcTests.Zero",
        "Calc.Tests.CalcTests.Later",
        "Expected: 3",
    );
    expect_tests(
        Reader::Rspec,
        include_str!("samples/rspec.json"),
        "add adds",
        "add zero",
        "add later",
        "expected: 3",
    );
    expect_tests(
        Reader::Minitest,
        include_str!("samples/minitest.txt"),
        "TestCalc#test_adds",
        "TestCalc#test_zero",
        "TestCalc#test_later",
        "Expected: 3",
    );
    expect_tests(
        Reader::Exunit,
        include_str!("samples/mix.txt"),
        "CalcTest: test adds",
        "CalcTest: test zero",
        "CalcTest: test later",
        "test/calc_test.exs:4",
    );
}

#[test]
fn structured_diagnostics_have_ranges_and_codes() {
    assert_eq!(
        places(Reader::Cargo, include_str!("samples/cargo.jsonl")),
        ["src/lib.rs:11:22-11:25 Error E0308"]
    );
    assert_eq!(
        places(Reader::Eslint, include_str!("samples/eslint.json")),
        ["/shadow/calc.js:1:0-1:15 Warning no-var", "/shadow/calc.js:1:4-1:10 Error no-unused-vars"]
    );
    assert_eq!(
        places(Reader::Ruff, include_str!("samples/ruff.json")),
        ["/shadow/calc.py:0:7-0:9 Error F401"]
    );
    assert_eq!(
        places(Reader::Sarif, include_str!("samples/ruff_sarif.json")),
        ["/shadow/calc.py:0:7-0:9 Error F401"]
    );
    assert_eq!(
        places(Reader::Pyright, include_str!("samples/pyright.json")),
        [
            "/shadow/calc.py:8:11-8:12 Error reportReturnType",
            "/shadow/test_calc.py:2:7-2:13 Error reportMissingImports"
        ]
    );
    // The same finding by both of mypy's ways to tell it; in lines, columns are one-based.
    assert_eq!(
        places(Reader::Mypy, include_str!("samples/mypy.jsonl")),
        ["calc.py:8:11-8:13 Error return-value"]
    );
    assert_eq!(
        places(Reader::Mypy, include_str!("samples/mypy.txt")),
        ["calc.py:8:11-8:12 Error return-value"]
    );
}

#[test]
fn diagnostics_in_lines_are_found() {
    assert_eq!(
        places(Reader::Tsc, include_str!("samples/tsc.txt")),
        ["a.ts:0:52 Error TS2322", "a.ts:1:6 Error TS2322"]
    );
    assert_eq!(places(Reader::Lines, include_str!("samples/go_vet.txt")), ["calc.go:6:13 Error -"]);
    assert_eq!(
        places(Reader::Lines, include_str!("samples/javac.txt")),
        ["A.java:0:0 Error -", "A.java:1:0 Error -"]
    );
    assert_eq!(
        places(Reader::Lines, include_str!("samples/gcc.txt"))[3..],
        ["bad.c:0:21 Warning -Wunused-variable", "bad.c:1:21 Warning -Wimplicit-function-declaration"]
    );
    assert_eq!(places(Reader::Lines, include_str!("samples/shellcheck.txt"))[2], "sh/a.sh:2:9 Error SC2045");
    // Where tests do not compile, their runner's reader tells what the compiler said.
    assert_eq!(
        places(Reader::Libtest, include_str!("samples/rustc.txt")),
        ["src/lib.rs:11:22 Error E0308", "src/lib.rs:6:20 Warning -"]
    );
    assert_eq!(places(Reader::GoTest, include_str!("samples/go_build.txt")), ["calc.go:7:24 Error -"]);
}

#[test]
fn what_only_looks_like_a_place_is_none() {
    for line in [
        "12:30:45: started",
        "http://example.com:80: refused",
        "    at Object.<anonymous> (a.js:3:4): x",
        "thread 'main' panicked at src/lib.rs:5:17:",
        "warning: 1 warning",
        "a.b:",
        "é:1:2: x",
    ] {
        assert_eq!(lines::diagnostics(line), [], "{line}");
    }
}

#[test]
fn findings_are_by_meaning_and_not_by_line() {
    let one = read(Reader::Lines, "a.c:1:2: error: bad\na.c:9:2: error: bad\na.c:3:1: warning: odd\n");
    assert_eq!(one.findings(), ["a.c: error: bad", "a.c: error: bad (no. 2)"]);
    let moved = read(Reader::Lines, "a.c:4:2: error: bad\n");
    assert_eq!(moved.findings(), one.findings()[..1]);
}

#[test]
fn names_in_configuration_are_the_readers() {
    for (reader, _) in TABLE {
        let name = serde_json::to_string(reader).unwrap();
        assert_eq!(serde_json::from_str::<Reader>(&name).unwrap(), *reader);
    }
}

/// More of them by `PROPTEST_CASES`.
fn config() -> ProptestConfig {
    ProptestConfig { rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..ProptestConfig::default() }
}

fn every_reader_bears(text: &str) {
    for (reader, _) in TABLE.iter().chain(&[(Reader::Generic, lines::read as Read)]) {
        let report = read(*reader, text);
        assert!(report.errors.len() <= PIECES && report.diagnostics.len() <= DIAGNOSTICS);
        assert!(report.errors.iter().all(|piece| piece.lines().count() <= PIECE_LINES), "{reader:?}");
        report.findings();
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_are_borne(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        every_reader_bears(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn broken_samples_are_borne(
        which in 0..SAMPLES.len(),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0..40usize, "\\PC{0,6}|[:\\[\\]{}()#/<>&\n\" ]{1,6}"), 1..6),
    ) {
        let mut text = SAMPLES[which].1.to_owned();
        for (at, length, put) in cuts {
            let start = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.floor_char_boundary((start + length).min(text.len())).max(start);
            text.replace_range(start..end, &put);
        }
        every_reader_bears(&text);
    }
}

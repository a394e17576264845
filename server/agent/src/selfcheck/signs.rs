//! The signs that are looked for, by language.

/// A language whose tests are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Python,
    Script,
    Go,
    Java,
    Ruby,
    Php,
    Dotnet,
}

impl Language {
    pub(super) fn of(name: &str) -> Option<Language> {
        Some(match name.rsplit_once('.')?.1 {
            "rs" => Language::Rust,
            "py" | "pyi" => Language::Python,
            "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts" | "vue" | "svelte" => {
                Language::Script
            }
            "go" => Language::Go,
            "java" | "kt" | "kts" | "scala" | "groovy" => Language::Java,
            "rb" => Language::Ruby,
            "php" => Language::Php,
            "cs" | "fs" => Language::Dotnet,
            _ => return None,
        })
    }

    /// What begins a comment that fills its line.
    pub(super) fn comment(self) -> &'static str {
        if matches!(self, Language::Python | Language::Ruby) { "#" } else { "//" }
    }
}

/// How a language writes tests.
pub(super) struct Tests {
    pub(super) language: Language,
    /// What marks a test.
    pub(super) marks: &'static [&'static str],
    /// What asserts.
    pub(super) assertions: &'static [&'static str],
    /// A pattern whose first group is a test's name.
    pub(super) name: &'static str,
}

pub(super) const TESTS: &[Tests] = &[
    Tests {
        language: Language::Rust,
        marks: &["#[test]", "::test]", "::test(", "#[rstest]", "#[test_case"],
        assertions: &["assert", "expect![", "prop_assert", ".unwrap_err()", "panic!("],
        name: r"(?m)#\[(?:\w+::)?(?:test|rstest)[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:pub )?(?:async )?fn (\w+)",
    },
    Tests {
        language: Language::Python,
        marks: &["def test"],
        assertions: &["assert", "self.assert", "pytest.raises", "self.fail"],
        name: r"(?m)^\s*(?:async )?def (test\w*)",
    },
    Tests {
        language: Language::Script,
        marks: &["it(", "test(", "it.each", "test.each"],
        assertions: &["expect(", "assert", ".should", "t.is(", "t.equal("],
        name: r#"(?m)\b(?:it|test)(?:\.\w+)*\(\s*["'`]([^"'`\n]+)["'`]"#,
    },
    Tests {
        language: Language::Go,
        marks: &["func Test", "func Fuzz", "func Example", "t.Run("],
        assertions: &["t.Error", "t.Fatal", "t.Fail", "assert.", "require."],
        name: r"(?m)^func ((?:Test|Fuzz|Example)\w*)",
    },
    Tests {
        language: Language::Java,
        marks: &["@Test", "@ParameterizedTest", "@RepeatedTest"],
        assertions: &["assert", "verify(", "fail("],
        name: r"(?m)@(?:Test|ParameterizedTest|RepeatedTest)\b[^\n]*\s+(?:@\w+[^\n]*\s+)*(?:public |private |protected )?(?:void|fun) `?(\w+)",
    },
    Tests {
        language: Language::Ruby,
        marks: &["it ", "it(", "def test_", "test \""],
        assertions: &["expect(", "expect {", "assert", "refute", ".should", "must_"],
        name: r#"(?m)(?:\bdef (test_\w+)|\bit[ (]+["'][^"'\n]+["'])"#,
    },
    Tests {
        language: Language::Php,
        marks: &["function test", "#[Test]", "@test"],
        assertions: &["->assert", "::assert", "->expectException", "expect("],
        name: r"(?m)function (test\w*)",
    },
    Tests {
        language: Language::Dotnet,
        marks: &["[Fact", "[Theory", "[Test]", "[TestCase", "[TestMethod]"],
        assertions: &["Assert.", ".Should("],
        name: r"(?m)\[(?:Fact|Theory|Test|TestMethod)[^\]]*\]\s*(?:public )?(?:async )?(?:void|Task) (\w+)",
    },
];

/// Words whose coming is worth a warning.
pub(super) struct Sign {
    /// Where they mean it; empty: anywhere.
    pub(super) languages: &'static [Language],
    pub(super) words: &'static [&'static str],
    /// What is said of it.
    pub(super) what: &'static str,
    /// Whether they stand in comments.
    pub(super) in_comments: bool,
}

const fn sign(languages: &'static [Language], words: &'static [&'static str], what: &'static str) -> Sign {
    Sign { languages, words, what, in_comments: false }
}

const fn comment(languages: &'static [Language], words: &'static [&'static str], what: &'static str) -> Sign {
    Sign { languages, words, what, in_comments: true }
}

const SKIPPED: &str = "a test is skipped";
const FOCUSED: &str = "a test is singled out, the others no longer run";
const EXPECTED_TO_FAIL: &str = "a test is expected to fail";
const LINT: &str = "a suppressed lint";
const TYPE: &str = "a suppressed type error";
const COVERAGE: &str = "code is taken out of coverage";

/// Signs of a bent test.
pub(super) const IN_TESTS: &[Sign] = &[
    sign(&[Language::Rust], &["#[ignore"], SKIPPED),
    sign(&[Language::Rust], &["#[should_panic"], EXPECTED_TO_FAIL),
    sign(
        &[Language::Python],
        &["mark.skip", "unittest.skip", "@skip", "pytest.skip(", "self.skipTest(", "importorskip("],
        SKIPPED,
    ),
    sign(&[Language::Python], &["mark.xfail", "expectedFailure", "pytest.xfail("], EXPECTED_TO_FAIL),
    sign(
        &[Language::Script],
        &[
            ".skip(",
            ".skip.each",
            "xit(",
            "xtest(",
            "xdescribe(",
            ".todo(",
            "this.skip(",
            "skip: true",
            ".skipIf(",
        ],
        SKIPPED,
    ),
    sign(&[Language::Script], &[".only(", ".only.each", "fit(", "fdescribe(", "only: true"], FOCUSED),
    sign(&[Language::Script], &[".failing(", ".fails(", "test.fail("], EXPECTED_TO_FAIL),
    sign(&[Language::Go], &["t.Skip", "testing.Short()"], SKIPPED),
    comment(&[Language::Go], &["//go:build ignore", "// +build ignore"], SKIPPED),
    sign(
        &[Language::Java],
        &["@Disabled", "@Ignore", "assumeTrue(", "assumeFalse(", "enabled = false"],
        SKIPPED,
    ),
    sign(&[Language::Ruby], &["xit ", "xit(", "xdescribe", "skip ", "skip(", "pending "], SKIPPED),
    sign(&[Language::Ruby], &["fit ", "fit(", "fdescribe", ":focus", "focus: true"], FOCUSED),
    sign(&[Language::Php], &["markTestSkipped", "markTestIncomplete", "@requires"], SKIPPED),
    sign(&[Language::Dotnet], &["Skip =", "[Ignore", "Assert.Ignore", "Assert.Inconclusive"], SKIPPED),
];

/// Signs that are worth a look in any file.
pub(super) const EVERYWHERE: &[Sign] = &[
    sign(&[Language::Rust], &["#[allow(", "#![allow(", "#[expect(", "#![expect("], LINT),
    comment(&[Language::Python], &["# noqa", "# ruff: noqa", "# pylint: disable", "# flake8: noqa"], LINT),
    comment(&[Language::Python], &["# type: ignore", "# pyright: ignore", "# mypy: ignore"], TYPE),
    comment(&[Language::Python], &["# pragma: no cover"], COVERAGE),
    comment(
        &[Language::Script],
        &["eslint-disable", "biome-ignore", "oxlint-disable", "tslint:disable"],
        LINT,
    ),
    comment(&[Language::Script], &["@ts-ignore", "@ts-nocheck", "@ts-expect-error"], TYPE),
    comment(&[Language::Script], &["istanbul ignore", "c8 ignore", "v8 ignore"], COVERAGE),
    comment(&[Language::Go], &["//nolint", "// nolint"], LINT),
    sign(&[Language::Java], &["@SuppressWarnings", "@Suppress("], LINT),
    comment(&[Language::Java], &["NOPMD", "NOSONAR", "CHECKSTYLE:OFF", "noinspection"], LINT),
    comment(&[Language::Ruby], &["rubocop:disable"], LINT),
    comment(&[Language::Php], &["@phpstan-ignore", "@psalm-suppress", "phpcs:ignore", "phpcs:disable"], LINT),
    comment(&[Language::Dotnet], &["#pragma warning disable", "SuppressMessage"], LINT),
    comment(&[], &["shellcheck disable", "NOLINT", "clang-format off"], LINT),
    sign(&[Language::Rust], &["dbg!("], "debug output"),
    sign(&[Language::Script], &["console.log(", "debugger;"], "debug output"),
    sign(&[Language::Python], &["breakpoint()", "pdb.set_trace("], "debug output"),
    sign(&[Language::Ruby], &["binding.pry", "byebug"], "debug output"),
    sign(&[Language::Php], &["var_dump("], "debug output"),
    comment(&[], &["-----BEGIN "], "a private key or certificate"),
    comment(&[], &["AKIA"], "an access key"),
];

/// Files that say which tests and lints run, and how; names with at most one `*`.
pub(super) const SETTINGS: &[&str] = &[
    "pytest.ini",
    "tox.ini",
    "conftest.py",
    "noxfile.py",
    ".coveragerc",
    "mypy.ini",
    "pyrightconfig.json",
    "*ruff.toml",
    ".flake8",
    ".pylintrc",
    "jest.config.*",
    "vitest.config.*",
    ".mocharc.*",
    "karma.conf.*",
    "playwright.config.*",
    "cypress.config.*",
    "eslint.config.*",
    ".eslintrc*",
    ".eslintignore",
    "biome.json",
    "tsconfig*.json",
    "clippy.toml",
    ".clippy.toml",
    "nextest.toml",
    "rust-toolchain*",
    ".golangci.*",
    "phpunit.xml*",
    "phpstan.neon*",
    ".rspec",
    ".rubocop.yml",
    ".shellcheckrc",
    ".clang-tidy",
    "checkstyle.xml",
    ".pre-commit-config.yaml",
    ".travis.yml",
    "codecov.yml",
];

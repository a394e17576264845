//! The checks that are known, one a row.

use super::folder::Folder;
use super::{Kind, Reader};

/// A marker file and the check that it brings.
pub(super) struct Row {
    /// A file's name, with at most one `*`.
    pub(super) marker: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Words; one in braces stands for several, see `super::expand`.
    pub(super) argv: &'static [&'static str],
    pub(super) reader: Reader,
    pub(super) install: &'static str,
    /// Files, relative to the folder, that the runner writes its results to.
    pub(super) reports: &'static [&'static str],
    /// Whether it is wanted in the marker's folder.
    pub(super) when: fn(&Folder<'_>) -> bool,
    /// Whether this check in a folder runs what lies in a folder below it, given relative to it.
    pub(super) governs: fn(&Folder<'_>, &str) -> bool,
    /// Whether it runs at the workspace's root wherever the marker lies.
    pub(super) at_root: bool,
}

const fn row(
    marker: &'static str,
    name: &'static str,
    kind: Kind,
    argv: &'static [&'static str],
    reader: Reader,
    install: &'static str,
) -> Row {
    Row {
        marker,
        name,
        kind,
        argv,
        reader,
        install,
        reports: &[],
        when: |_| true,
        governs: |_, _| true,
        at_root: false,
    }
}

impl Row {
    const fn when(self, when: fn(&Folder<'_>) -> bool) -> Row {
        Row { when, ..self }
    }

    const fn governs(self, governs: fn(&Folder<'_>, &str) -> bool) -> Row {
        Row { governs, ..self }
    }

    const fn reports(self, reports: &'static [&'static str]) -> Row {
        Row { reports, ..self }
    }

    const fn at_root(self) -> Row {
        Row { at_root: true, ..self }
    }
}

const RUST: &str = "install Rust from rustup.rs";
const CLIPPY: &str = "rustup component add clippy";
const GO: &str = "install Go from go.dev";
const NODE: &str = "install Node.js";
const PYTEST: &str = "pip install pytest";
const PYTHON: &str = "install Python 3";
const RUBY: &str = "install Ruby, then run bundle install";

const CARGO_CHECK: &[&str] = &["cargo", "check", "--workspace", "--all-targets", "--message-format=json"];
const CARGO_CLIPPY: &[&str] = &["cargo", "clippy", "--workspace", "--all-targets", "--message-format=json"];
const CARGO_TEST: &[&str] = &["cargo", "test", "--workspace", "--no-fail-fast"];
const NEXTEST: &[&str] = &["cargo", "nextest", "run", "--workspace", "--no-fail-fast"];
const RUN_PYTEST: &[&str] =
    &["{python}", "-m", "pytest", "-q", "-rA", "--no-header", "-p", "no:cacheprovider"];
const RUN_UNITTEST: &[&str] = &["{python}", "-m", "unittest", "discover", "-v"];
const MYPY: &[&str] = &["mypy", "--show-column-numbers", "--show-error-end", "--no-error-summary"];
const MYPY_ALL: &[&str] = &["mypy", "--show-column-numbers", "--show-error-end", "--no-error-summary", "."];
const RUN_CTEST: &[&str] = &[
    "sh",
    "-c",
    "cmake -S . -B build && cmake --build build && exec ctest --test-dir build --output-on-failure \"$@\"",
    "ctest",
];
const RUN_MINITEST: &[&str] = &[
    "ruby",
    "-Ilib",
    "-Itest",
    "-e",
    "Dir['test/**/*.rb'].grep(/test/).sort.each { |file| require \"./#{file}\" }",
    "--",
    "--verbose",
];
const RUN_PHPUNIT: &[&str] = &["phpunit", "--log-junit", "php://stdout"];
const RUN_DOTNET: &[&str] =
    &["dotnet", "test", "--nologo", "--logger", "trx", "--results-directory", "TestResults"];

/// Marker file → check, in the order in which checks of one kind are run.
pub(super) const TABLE: &[Row] = &[
    // Rust
    row("Cargo.toml", "cargo check", Kind::Compile, CARGO_CHECK, Reader::Cargo, RUST)
        .governs(cargo_workspace),
    row("Cargo.toml", "cargo clippy", Kind::Lint, CARGO_CLIPPY, Reader::Cargo, CLIPPY)
        .when(clippy_is_configured)
        .governs(cargo_workspace),
    row("Cargo.toml", "cargo nextest", Kind::Test, NEXTEST, Reader::Nextest, "cargo install cargo-nextest")
        .when(|folder| folder.has(".config/nextest.toml"))
        .governs(cargo_workspace),
    row("Cargo.toml", "cargo test", Kind::Test, CARGO_TEST, Reader::Libtest, RUST)
        .when(|folder| !folder.upwards().any(|folder| folder.has(".config/nextest.toml")))
        .governs(cargo_workspace),
    // Go
    row("go.mod", "go vet", Kind::Compile, &["go", "vet", "./..."], Reader::Lines, GO).governs(|_, _| false),
    row("go.mod", "go test", Kind::Test, &["go", "test", "-json", "./..."], Reader::GoTest, GO)
        .governs(|_, _| false),
    // JavaScript and TypeScript
    row(
        "tsconfig.json",
        "tsc",
        Kind::Compile,
        &["{js}", "tsc", "--noEmit", "--pretty", "false"],
        Reader::Tsc,
        "{add} typescript",
    )
    .governs(|folder, _| !folder.says("tsconfig.json", &["\"references\"", "\"files\": []"])),
    row(
        "package.json",
        "eslint",
        Kind::Lint,
        &["{js}", "eslint", "-f", "json", "."],
        Reader::Eslint,
        "{add} eslint",
    )
    .when(eslint_is_configured),
    row(
        "package.json",
        "vitest",
        Kind::Test,
        &["{js}", "{script}", "--run", "--reporter=json"],
        Reader::Jest,
        "{add} vitest",
    )
    .when(|folder| runs(folder, "vitest"))
    .governs(npm_tests),
    row("package.json", "jest", Kind::Test, &["{js}", "{script}", "--json"], Reader::Jest, "{add} jest")
        .when(|folder| runs(folder, "jest"))
        .governs(npm_tests),
    row(
        "package.json",
        "mocha",
        Kind::Test,
        &["{js}", "{script}", "--reporter", "json"],
        Reader::Mocha,
        "{add} mocha",
    )
    .when(|folder| runs(folder, "mocha"))
    .governs(npm_tests),
    row("package.json", "node --test", Kind::Test, &["{npm test}"], Reader::Tap, NODE)
        .when(|folder| {
            folder.script("test").is_some_and(|line| line.starts_with("node ") && line.contains("--test"))
        })
        .governs(npm_tests),
    row("package.json", "npm test", Kind::Test, &["{npm test}"], Reader::Generic, NODE)
        .when(other_script)
        .governs(npm_tests),
    // Python
    row(
        "pyproject.toml",
        "ruff",
        Kind::Lint,
        &["ruff", "check", "--output-format", "json", "."],
        Reader::Ruff,
        "pip install ruff",
    )
    .when(|folder| folder.says("pyproject.toml", &["[tool.ruff", "\"ruff"])),
    row(
        "*ruff.toml",
        "ruff",
        Kind::Lint,
        &["ruff", "check", "--output-format", "json", "."],
        Reader::Ruff,
        "pip install ruff",
    ),
    row("pyproject.toml", "mypy", Kind::Compile, MYPY, Reader::Mypy, "pip install mypy").when(|folder| {
        folder.says("pyproject.toml", &["[tool.mypy]"])
            && folder.says("pyproject.toml", &["\nfiles", "\npackages"])
    }),
    row("pyproject.toml", "mypy", Kind::Compile, MYPY_ALL, Reader::Mypy, "pip install mypy")
        .when(|folder| folder.says("pyproject.toml", &["[tool.mypy]"])),
    row("mypy.ini", "mypy", Kind::Compile, MYPY_ALL, Reader::Mypy, "pip install mypy"),
    row(
        "pyrightconfig.json",
        "pyright",
        Kind::Compile,
        &["pyright", "--outputjson"],
        Reader::Pyright,
        "pip install pyright",
    ),
    row(
        "pyproject.toml",
        "pyright",
        Kind::Compile,
        &["pyright", "--outputjson"],
        Reader::Pyright,
        "pip install pyright",
    )
    .when(|folder| folder.says("pyproject.toml", &["[tool.pyright]"])),
    python_tests("pyproject.toml"),
    python_tests("setup.py"),
    python_tests("setup.cfg"),
    python_tests("pytest.ini"),
    python_tests("tox.ini"),
    python_tests("requirements.txt"),
    row("pyproject.toml", "unittest", Kind::Test, RUN_UNITTEST, Reader::Unittest, PYTHON)
        .when(|folder| folder.uses_unittest()),
    row("setup.py", "unittest", Kind::Test, RUN_UNITTEST, Reader::Unittest, PYTHON)
        .when(|folder| folder.uses_unittest()),
    // Tests that no project file stands beside.
    row("test_*.py", "pytest", Kind::Test, RUN_PYTEST, Reader::Pytest, PYTEST)
        .when(|folder| folder.uses_pytest())
        .at_root(),
    row("test_*.py", "unittest", Kind::Test, RUN_UNITTEST, Reader::Unittest, PYTHON)
        .when(|folder| folder.uses_unittest())
        .at_root(),
    // Java and its kin
    row("pom.xml", "mvn test", Kind::Test, &["mvn", "-q", "-o", "test"], Reader::Junit, "install Maven")
        .reports(&["target/surefire-reports/*.xml", "*/target/surefire-reports/*.xml"])
        .governs(|folder, _| folder.says("pom.xml", &["<modules>"])),
    gradle("build.gradle"),
    gradle("build.gradle.kts"),
    gradle("settings.gradle"),
    gradle("settings.gradle.kts"),
    // C and C++
    row("CMakeLists.txt", "ctest", Kind::Test, RUN_CTEST, Reader::Ctest, "install CMake"),
    row("Makefile", "make test", Kind::Test, &["make", "test"], Reader::Generic, "install make")
        .when(|folder| has_target(folder, "test") && !folder.has("CMakeLists.txt")),
    row("Makefile", "make check", Kind::Test, &["make", "check"], Reader::Generic, "install make").when(
        |folder| has_target(folder, "check") && !has_target(folder, "test") && !folder.has("CMakeLists.txt"),
    ),
    // .NET
    dotnet("*.sln"),
    dotnet("*.slnx"),
    dotnet("*.csproj"),
    dotnet("*.fsproj"),
    // Ruby
    row(
        "Gemfile",
        "rspec",
        Kind::Test,
        &["bundle", "exec", "rspec", "--format", "json"],
        Reader::Rspec,
        RUBY,
    )
    .when(|folder| folder.says("Gemfile", &["rspec"])),
    row(".rspec", "rspec", Kind::Test, &["rspec", "--format", "json"], Reader::Rspec, "gem install rspec"),
    row("Rakefile", "rake test", Kind::Test, &["rake", "test", "TESTOPTS=--verbose"], Reader::Minitest, RUBY)
        .when(|folder| folder.says("Rakefile", &["TestTask"])),
    row("Gemfile", "minitest", Kind::Test, RUN_MINITEST, Reader::Minitest, RUBY)
        .when(|folder| folder.says("Gemfile", &["minitest"]) && !folder.says("Rakefile", &["TestTask"])),
    // PHP
    phpunit("phpunit.xml"),
    phpunit("phpunit.xml.dist"),
    phpunit("composer.json").when(|folder| folder.says("composer.json", &["phpunit"])),
    // Elixir
    row("mix.exs", "mix test", Kind::Test, &["mix", "test", "--trace"], Reader::Exunit, "install Elixir")
        .governs(|folder, _| folder.says("mix.exs", &["apps_path"])),
    // Shell
    row(
        ".shellcheckrc",
        "shellcheck",
        Kind::Lint,
        &["shellcheck", "-f", "gcc", "{files *.sh}"],
        Reader::Lines,
        "install ShellCheck",
    ),
    row(
        "*.bats",
        "shellcheck",
        Kind::Lint,
        &["shellcheck", "-f", "gcc", "-S", "warning", "{files *.sh}"],
        Reader::Lines,
        "install ShellCheck",
    )
    .when(|folder| !folder.files("*.sh").is_empty())
    .at_root(),
    row("*.bats", "bats", Kind::Test, &["bats", "--tap", "{files *.bats}"], Reader::Tap, "install bats")
        .at_root(),
];

const fn python_tests(marker: &'static str) -> Row {
    row(marker, "pytest", Kind::Test, RUN_PYTEST, Reader::Pytest, PYTEST).when(|folder| folder.uses_pytest())
}

const fn gradle(marker: &'static str) -> Row {
    row(
        marker,
        "gradle test",
        Kind::Test,
        &["{gradle}", "--offline", "test"],
        Reader::Junit,
        "install Gradle",
    )
    .reports(&["build/test-results/test/*.xml", "*/build/test-results/test/*.xml"])
    .governs(|folder, _| folder.has("settings.gradle") || folder.has("settings.gradle.kts"))
}

const fn dotnet(marker: &'static str) -> Row {
    row(marker, "dotnet test", Kind::Test, RUN_DOTNET, Reader::Trx, "install the .NET SDK")
        .reports(&["TestResults/*.trx"])
}

const fn phpunit(marker: &'static str) -> Row {
    row(marker, "phpunit", Kind::Test, RUN_PHPUNIT, Reader::Junit, "composer install")
}

/// Whether a folder is the top of a Cargo workspace that does not leave the other one out.
fn cargo_workspace(folder: &Folder<'_>, below: &str) -> bool {
    let text = folder.text("Cargo.toml").unwrap_or_default();
    let Ok(manifest) = toml::from_str::<toml::Table>(&text) else { return text.contains("[workspace]") };
    let Some(workspace) = manifest.get("workspace") else { return false };
    let excluded = workspace.get("exclude").and_then(toml::Value::as_array).into_iter().flatten();
    let leaves_out = |path: &toml::Value| {
        path.as_str().is_some_and(|path| below == path || below.starts_with(&format!("{path}/")))
    };
    !excluded.into_iter().any(leaves_out)
}

fn clippy_is_configured(folder: &Folder<'_>) -> bool {
    folder.has("clippy.toml")
        || folder.has(".clippy.toml")
        || folder.says("Cargo.toml", &["[lints.clippy]", "[workspace.lints.clippy]"])
}

fn eslint_is_configured(folder: &Folder<'_>) -> bool {
    const FILES: [&str; 9] = [
        "eslint.config.js",
        "eslint.config.mjs",
        "eslint.config.cjs",
        "eslint.config.ts",
        ".eslintrc",
        ".eslintrc.js",
        ".eslintrc.cjs",
        ".eslintrc.json",
        ".eslintrc.yml",
    ];
    FILES.iter().any(|name| folder.has(name)) || folder.says("package.json", &["\"eslintConfig\""])
}

/// Whether npm's test script is one plain call of this runner.
fn runs(folder: &Folder<'_>, runner: &str) -> bool {
    let Some(script) = folder.script("test") else {
        return folder.depends_on(runner) && !folder.dir.is_empty();
    };
    script.split_whitespace().next() == Some(runner)
        && !script.contains(['&', '|', ';', '$', '"', '\'', '<', '>'])
}

/// Whether npm's test script is something else than what has a row of its own.
fn other_script(folder: &Folder<'_>) -> bool {
    folder.script("test").is_some_and(|script| {
        let node = script.starts_with("node ") && script.contains("--test");
        !node
            && !script.contains("no test specified")
            && !["vitest", "jest", "mocha"].iter().any(|name| runs(folder, name))
    })
}

/// Whether the tests of a package above run those of the packages below it.
fn npm_tests(folder: &Folder<'_>, _below: &str) -> bool {
    folder.says("package.json", &["\"workspaces\""]) || folder.has("pnpm-workspace.yaml")
}

fn has_target(folder: &Folder<'_>, target: &str) -> bool {
    let text = folder.text("Makefile").unwrap_or_default();
    text.lines().any(|line| line.strip_prefix(target).is_some_and(|rest| rest.trim_start().starts_with(':')))
}

//! Which checks a tree of files brings, and what they are cut down to.

use super::*;

fn all_in(files: &[(&str, &str)]) -> Result<Vec<Check>, String> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        galley_workspace::create_dir(path.parent().unwrap()).unwrap();
        galley_workspace::write_atomically(&path, text.as_bytes()).unwrap();
    }
    let workspace = galley_workspace::Workspace::open(vec![folder.path().to_path_buf()]).unwrap();
    detect(&workspace.snapshot())
}

fn detect_in(files: &[(&str, &str)]) -> Vec<String> {
    let checks = all_in(files).unwrap();
    checks.iter().map(|check| format!("{}|{}", check.dir, check.name)).collect()
}

fn commands_in(files: &[(&str, &str)]) -> Vec<String> {
    all_in(files).unwrap().iter().map(Check::command).collect()
}

#[test]
fn a_cargo_workspace_governs_its_members_at_any_depth() {
    let found = detect_in(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = ['crates/*']\nexclude = ['fuzz']\n[workspace.lints.clippy]\nall = 'deny'",
        ),
        ("crates/a/Cargo.toml", "[package]"),
        ("crates/deep/er/Cargo.toml", "[package]"),
        ("fuzz/Cargo.toml", "[package]"),
        ("tests/fixtures/case/Cargo.toml", "[package]"),
    ]);
    assert_eq!(
        found,
        ["|cargo check", "fuzz|cargo check", "|cargo clippy", "|cargo test", "fuzz|cargo test"]
    );
}

#[test]
fn packages_beside_one_another_have_their_own_checks() {
    let found = detect_in(&[
        ("a/Cargo.toml", "[package]"),
        ("tools/deep/b/Cargo.toml", "[package]"),
        ("tools/deep/b/.config/nextest.toml", ""),
    ]);
    assert_eq!(
        found,
        ["a|cargo check", "tools/deep/b|cargo check", "tools/deep/b|cargo nextest", "a|cargo test"]
    );
}

#[test]
fn a_mixed_tree_has_the_checks_of_both_halves() {
    let found = detect_in(&[
        ("server/go.mod", "module a"),
        ("web/package.json", r#"{"scripts":{"test": "node --test"}}"#),
    ]);
    assert_eq!(found, ["server|go vet", "server|go test", "web|node --test"]);
}

#[test]
fn node_projects_by_runner_and_package_manager() {
    let found = commands_in(&[
        ("package.json", r#"{"scripts":{"test":"vitest"},"devDependencies":{"vitest":"1","eslint":"9"}}"#),
        ("eslint.config.js", ""),
        ("tsconfig.json", "{}"),
        ("pnpm-lock.yaml", ""),
    ]);
    assert_eq!(found, ["tsc --noEmit --pretty false", "eslint -f json .", "vitest --run --reporter=json"]);
    let jest = commands_in(&[("package.json", r#"{"scripts":{"test":"jest --ci"}}"#)]);
    assert_eq!(jest, ["jest --ci --json"]);
    let mocha = commands_in(&[("package.json", r#"{"scripts":{"test":"mocha spec"}}"#)]);
    assert_eq!(mocha, ["mocha spec --reporter json"]);
    for (lock, command) in [
        ("yarn.lock", "yarn run test"),
        ("pnpm-lock.yaml", "pnpm --silent test"),
        ("bun.lock", "bun run test"),
        ("package-lock.json", "npm test --silent"),
    ] {
        let script = r#"{"scripts":{"test":"NODE_ENV=x jest && echo ok"}}"#;
        assert_eq!(
            commands_in(&[("a/package.json", script), (lock, "")]),
            [command],
            "the lock file lies above"
        );
    }
    let none = r#"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#;
    assert_eq!(commands_in(&[("package.json", none)]), [""; 0]);
    let plug = commands_in(&[
        ("package.json", r#"{"scripts":{"test":"jest"}}"#),
        (".pnp.cjs", ""),
        ("yarn.lock", ""),
    ]);
    assert_eq!(plug, ["yarn jest --json"]);
}

#[test]
fn a_workspace_of_packages_runs_its_members_tests() {
    let member = ("packages/a/package.json", r#"{"scripts":{"test":"jest"}}"#);
    let root = r#"{"workspaces":["packages/*"],"scripts":{"test":"jest"}}"#;
    assert_eq!(detect_in(&[("package.json", root), member]), ["|jest"]);
    let silent = r#"{"workspaces":["packages/*"]}"#;
    assert_eq!(detect_in(&[("package.json", silent), member]), ["packages/a|jest"]);
}

#[test]
fn python_projects_by_what_they_use() {
    let pytest = ("tests/test_a.py", "def test_a():\n    pass\n");
    let plain =
        ("tests/test_a.py", "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): pass\n");
    let project = ("pyproject.toml", "[project]\nname = 'a'\n");
    assert_eq!(detect_in(&[project, pytest]), ["|pytest"]);
    assert_eq!(detect_in(&[project, plain]), ["|unittest"]);
    assert_eq!(detect_in(&[pytest]), ["|pytest"], "without a project file");
    assert_eq!(detect_in(&[plain]), ["|unittest"]);
    assert_eq!(
        commands_in(&[
            ("pyproject.toml", "[tool.ruff]\n[tool.mypy]\n[dependency-groups]\ndev = ['pytest']"),
            ("uv.lock", "")
        ]),
        [
            "mypy --show-column-numbers --show-error-end --no-error-summary .",
            "ruff check --output-format json .",
            "uv run --no-sync --offline python -m pytest -q -rA --no-header -p no:cacheprovider",
        ]
    );
    let poetry = commands_in(&[("pyproject.toml", "pytest"), ("poetry.lock", "")]);
    assert!(poetry[0].starts_with("poetry run python -m pytest"), "{poetry:?}");
}

#[test]
fn other_languages_have_their_row() {
    for (file, text, name) in [
        ("pom.xml", "<project/>", "mvn test"),
        ("build.gradle.kts", "", "gradle test"),
        ("CMakeLists.txt", "", "ctest"),
        ("Makefile", "all:\n\ntest: all\n\t./t\n", "make test"),
        ("Makefile", "check:\n\t./t\n", "make check"),
        ("App.sln", "", "dotnet test"),
        ("app/App.csproj", "", "dotnet test"),
        (".rspec", "", "rspec"),
        ("Gemfile", "gem 'minitest'", "minitest"),
        ("Rakefile", "Rake::TestTask.new", "rake test"),
        ("phpunit.xml.dist", "", "phpunit"),
        ("mix.exs", "", "mix test"),
        ("test/a.bats", "", "bats"),
    ] {
        let names: Vec<String> =
            all_in(&[(file, text)]).unwrap().into_iter().map(|check| check.name).collect();
        assert_eq!(names, [name], "{file}");
    }
    assert_eq!(detect_in(&[("pom.xml", "<modules>"), ("a/pom.xml", "")]), ["|mvn test"]);
    assert_eq!(detect_in(&[("pom.xml", ""), ("a/pom.xml", "")]), ["|mvn test", "a|mvn test"]);
    let shell = commands_in(&[("run.sh", ""), ("lib/a.sh", ""), ("test/a.bats", "")]);
    assert_eq!(shell, ["shellcheck -f gcc -S warning lib/a.sh run.sh", "bats --tap test/a.bats"]);
}

#[test]
fn galley_toml_takes_the_place_of_the_detected() {
    let found =
        detect_in(&[("Cargo.toml", "[package]"), ("galley.toml", "[checks.unit]\ncommand = 'make unit'")]);
    assert_eq!(found, ["|cargo check", "|unit"]);
    let broken = all_in(&[("galley.toml", "[checks.unit]\ncommand = 3")]).unwrap_err();
    assert!(broken.contains("galley.toml") && broken.contains("command"), "{broken}");
    let unknown = all_in(&[("galley.toml", "[checks.unit]\ncommand = 'x'\nreader = 'xunit'")]).unwrap_err();
    assert!(unknown.contains("xunit") && unknown.contains("junit"), "the readers are listed: {unknown}");
    let whole = "[checks.unit]\ncommand = 'x'\nreader = 'gotest'\nkind = 'lint'\ndir = 'a/'\nreports = ['r.xml']\ninstall = 'i'";
    let check = all_in(&[("galley.toml", whole)]).unwrap().remove(0);
    assert_eq!((check.reader, check.kind, check.dir.as_str()), (Reader::GoTest, Kind::Lint, "a"));
    assert_eq!((check.reports[0].as_str(), check.install.as_str()), ("r.xml", "i"));
    let short = "[checks]\nlint = 'make lint'\nunit = 'make unit'";
    let short = all_in(&[("galley.toml", short)]).unwrap();
    let kinds: Vec<(&str, Kind)> = short.iter().map(|check| (check.argv[2].as_str(), check.kind)).collect();
    assert_eq!(kinds, [("make lint", Kind::Lint), ("make unit", Kind::Test)]);
}

/// The check of a tree that only has this marker.
fn only_check(file: &str, text: &str) -> Check {
    all_in(&[(file, text)]).unwrap().into_iter().find(|check| check.kind == Kind::Test).unwrap()
}

#[test]
fn checks_are_cut_down_as_their_runner_wants_it() {
    let tail = |check: &Check, only: Only<'_>| -> Option<String> {
        let narrow = check.narrowed(only)?;
        assert_eq!(narrow.whole.as_deref(), Some(check.name.as_str()));
        let same = narrow.argv.iter().zip(&check.argv).take_while(|(one, other)| one == other).count();
        Some(narrow.argv[same..].join(" "))
    };
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let cargo = only_check("Cargo.toml", "[package]");
    assert_eq!(tail(&cargo, Only::Containing("adds")).unwrap(), "adds");
    assert_eq!(tail(&cargo, Only::Named(&names(&["a::b", "c"]))).unwrap(), "-- --exact a::b c");
    assert_eq!(tail(&cargo, Only::InFiles(&names(&["tests/a.rs"]))).unwrap(), "--test a");
    assert_eq!(tail(&cargo, Only::InFiles(&names(&["src/a/b.rs"]))).unwrap(), "--lib a::b::");
    assert_eq!(tail(&cargo, Only::InFiles(&names(&["src/a.rs", "src/b.rs"]))), None);
    let go = only_check("go.mod", "module a");
    let parts = names(&["ex.com/calc.TestA/one", "ex.com/calc.TestB"]);
    assert_eq!(tail(&go, Only::Named(&parts)).unwrap(), "-count=1 -run ^(TestA|TestB)$");
    assert_eq!(tail(&go, Only::InFiles(&names(&["p/a_test.go", "b_test.go"]))).unwrap(), "./p .");
    let pytest = only_check("pytest.ini", "");
    assert_eq!(tail(&pytest, Only::Named(&names(&["a.py::b[x y]"]))).unwrap(), "a.py::b[x y]");
    let nested = Check { dir: "py".to_owned(), ..pytest };
    assert_eq!(tail(&nested, Only::InFiles(&names(&["py/tests/a.py", "web/a.js"]))).unwrap(), "tests/a.py");
    assert_eq!(tail(&nested, Only::InFiles(&names(&["web/a.js"]))), None);
    let jest = only_check("package.json", r#"{"scripts":{"test":"jest"}}"#);
    assert_eq!(tail(&jest, Only::Named(&names(&["a (b)"]))).unwrap(), r"-t ^(a \(b\))$");
    let make = only_check("Makefile", "test:\n");
    assert_eq!(tail(&make, Only::Containing("a")), None);
    let bats = only_check("t/a.bats", "");
    assert_eq!(tail(&bats, Only::InFiles(&names(&["t/b.bats"]))).unwrap(), "t/b.bats");
    assert_eq!(tail(&bats, Only::Named(&[])), None);
}

#[test]
fn commands_are_shown_as_typed() {
    assert_eq!(quote("a b'c"), r"'a b'\''c'");
    assert_eq!(quote("--workspace"), "--workspace");
}

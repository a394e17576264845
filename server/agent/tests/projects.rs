//! Real projects in ten languages, checked in shadows by their real tools: what was red before is known, what a change
//! mends is named, what it breaks is named, and the tests that it touches are found.
//!
//! A language whose tools this machine lacks is left out, loudly; `tests/run` installs them.
#![allow(clippy::unwrap_used)] // A test that cannot go on ends here, with the place.

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::Nobody;
use galley_agent::checks::{self, Check, Kind};
use galley_agent::outcome::Severity;
use galley_agent::verify::{CheckStatus, Evidence, Verifier};
use galley_agent::{Services, affected, formatting};
use galley_text::path::RelPath;
use galley_workspace::{Overlay, Workspace, create_dir, write_atomically};
use tokio_util::sync::CancellationToken;

/// A project of `tests/fixtures/projects`.
struct Case {
    folder: &'static str,
    /// Programs that it needs.
    needs: &'static [&'static str],
    /// The check of its tests.
    check: &'static str,
    /// What mends its fault: file, text, better text.
    mend: (&'static str, &'static str, &'static str),
    fixed: &'static [&'static str],
    passed: usize,
    /// What breaks another test of the mended project, and the test.
    spoil: (&'static str, &'static str),
    newly_failing: &'static str,
    /// What no compiler or interpreter takes, and the zero-based line that it names; `None` where the runner says nothing
    /// of a place.
    invalid: (&'static str, Option<u32>),
    /// The file of tests that the change touches.
    affected: Option<&'static str>,
}

const CASES: &[Case] = &[
    Case {
        folder: "rust",
        needs: &["cargo"],
        check: "cargo test",
        mend: ("src/lib.rs", "a - b", "a + b"),
        fixed: &["adds"],
        passed: 3,
        spoil: ("a * 2", "a * 3"),
        newly_failing: "tests::doubles",
        invalid: ("a - c", Some(1)),
        affected: Some("tests/sums.rs"),
    },
    Case {
        folder: "python",
        needs: &["python3"],
        check: "unittest",
        mend: ("calc/__init__.py", "a - b", "a + b"),
        fixed: &["tests.test_calc.Sums.test_adds"],
        passed: 3,
        spoil: ("a * 2", "a * 3"),
        newly_failing: "tests.test_calc.Sums.test_doubles",
        invalid: ("a - c", None),
        affected: Some("tests/test_calc.py"),
    },
    Case {
        folder: "node",
        needs: &["node", "npm"],
        check: "node --test",
        mend: ("calc.js", "a - b", "a + b"),
        fixed: &["adds"],
        passed: 3,
        spoil: ("a * 2", "a * 3"),
        newly_failing: "doubles",
        invalid: ("a - (", None),
        affected: Some("test/calc.test.js"),
    },
    Case {
        folder: "go",
        needs: &["go"],
        check: "go test",
        mend: ("calc/calc.go", "a - b", "a + b"),
        fixed: &["example.com/calc/calc.TestAdd", "example.com/calc/calc.TestAdd/more"],
        passed: 4,
        spoil: ("a * 2", "a * 3"),
        newly_failing: "example.com/calc/calc.TestDouble",
        invalid: ("a - c", Some(3)),
        affected: Some("calc/calc_test.go"),
    },
    Case {
        folder: "java",
        needs: &["javac", "java"],
        check: "unit",
        mend: ("Calc.java", "a - b", "a + b"),
        fixed: &["adds"],
        passed: 3,
        spoil: ("a * 2", "a * 3"),
        newly_failing: "doubles",
        invalid: ("a - c", Some(2)),
        affected: Some("CalcTest.java"),
    },
    Case {
        folder: "c",
        needs: &["cmake", "ctest", "cc"],
        check: "ctest",
        mend: ("calc.c", "a - b", "a + b"),
        fixed: &["adds"],
        passed: 3,
        spoil: ("a * 2", "a * 3"),
        newly_failing: "doubles",
        invalid: ("a - c", Some(2)),
        affected: None,
    },
    Case {
        folder: "ruby",
        needs: &["ruby", "rake"],
        check: "rake test",
        mend: ("lib/calc.rb", "a - b", "a + b"),
        fixed: &["CalcTest#test_adds"],
        passed: 3,
        spoil: ("a * 2", "a * 3"),
        newly_failing: "CalcTest#test_doubles",
        invalid: ("a - (", None),
        affected: Some("test/calc_test.rb"),
    },
    Case {
        folder: "rspec",
        needs: &["rspec"],
        check: "rspec",
        mend: ("lib/calc.rb", "a - b", "a + b"),
        fixed: &["Calc adds"],
        passed: 3,
        spoil: ("a * 2", "a * 3"),
        newly_failing: "Calc doubles",
        invalid: ("a - (", None),
        affected: Some("spec/calc_spec.rb"),
    },
    Case {
        folder: "php",
        needs: &["phpunit", "php"],
        check: "phpunit",
        mend: ("src/calc.php", "$a - $b", "$a + $b"),
        fixed: &["CalcTest.testAdds"],
        passed: 3,
        spoil: ("$a * 2", "$a * 3"),
        newly_failing: "CalcTest.testDoubles",
        invalid: ("$a - (", None),
        affected: Some("tests/CalcTest.php"),
    },
    Case {
        folder: "bash",
        needs: &["bats"],
        check: "bats",
        mend: ("calc.sh", "\"$1\" - \"$2\"", "\"$1\" + \"$2\""),
        fixed: &["adds"],
        passed: 3,
        spoil: ("* 2", "* 3"),
        newly_failing: "doubles",
        invalid: ("((", None),
        affected: None,
    },
    Case {
        folder: "elixir",
        needs: &["mix"],
        check: "mix test",
        mend: ("lib/calc.ex", "a - b", "a + b"),
        fixed: &["CalcTest: test adds"],
        passed: 3,
        spoil: ("a * 2", "a * 3"),
        newly_failing: "CalcTest: test doubles",
        invalid: ("a - (", None),
        affected: Some("test/calc_test.exs"),
    },
];

/// A copy of a project with a shadow to be.
struct Place {
    folder: tempfile::TempDir,
    services: Services,
    overlay: Overlay,
    verifier: Verifier,
    checks: Vec<Check>,
}

/// Every file below a folder, relative to it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let workspace = Workspace::open(vec![folder.to_path_buf()]).unwrap();
    workspace.snapshot().files().iter().map(|path| PathBuf::from(path.as_str())).collect()
}

impl Place {
    fn of(folder: &str) -> Place {
        let source =
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/projects")).join(folder);
        let read = |path: PathBuf| {
            let bytes = galley_workspace::read_own(&source.join(&path), 1 << 20).unwrap();
            (path, String::from_utf8(bytes).unwrap())
        };
        Place::new(files(&source).into_iter().map(read).collect())
    }

    fn new(files: Vec<(PathBuf, String)>) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        for (path, text) in &files {
            create_dir(root.join(path).parent().unwrap()).unwrap();
            write_atomically(&root.join(path), text.as_bytes()).unwrap();
        }
        let (services, _) = common::services(folder.path(), &root, "", Arc::new(Nobody));
        let snapshot = services.workspace.snapshot();
        let texts: Vec<_> = files
            .iter()
            .map(|(path, text)| (RelPath::new(path.to_str().unwrap()).unwrap(), text.as_str().into()))
            .collect();
        services.index.update(&texts);
        let verifier = Verifier::new(services.bench(), snapshot.clone());
        let checks = checks::detect(&snapshot).unwrap();
        Place { folder, services, overlay: Overlay::new(snapshot), verifier, checks }
    }

    fn check(&self, name: &str) -> Check {
        let found = self.checks.iter().find(|check| check.name == name);
        found.unwrap_or_else(|| panic!("no {name} among {:?}", self.checks)).clone()
    }

    fn replace(&mut self, path: &str, from: &str, to: &str) {
        let path = RelPath::new(path).unwrap();
        let text = self.overlay.read(&path).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        self.overlay.write(&path, text.replacen(from, to, 1)).unwrap();
    }

    async fn run(&mut self, check: &Check) -> Evidence {
        self.verifier.check(check, &self.overlay, &mut |_| {}, &CancellationToken::new()).await
    }

    /// The person's own tree, for proof that nothing wrote to it.
    fn content(&self) -> String {
        Workspace::open(vec![self.folder.path().join("project")]).unwrap().snapshot().content_hash()
    }
}

/// Whether the tools are there; says so where not.
fn has(case: &str, needs: &[&str]) -> bool {
    let missing: Vec<_> = needs.iter().filter(|program| galley_exec::which(program).is_none()).collect();
    if !missing.is_empty() {
        eprintln!("LEFT OUT: the {case} project, {missing:?} not installed");
    }
    missing.is_empty()
}

async fn mend_and_break(case: &Case) {
    if !has(case.folder, case.needs) {
        return;
    }
    let mut place = Place::of(case.folder);
    let untouched = place.content();
    let check = place.check(case.check);
    let (file, fault, better) = case.mend;

    place.replace(file, fault, better);
    let mended = place.run(&check).await;
    let told = format!("{}: {mended:#?}", case.folder);
    assert_eq!(mended.status, CheckStatus::Passed, "{told}");
    assert_eq!(mended.fixed, case.fixed, "{told}");
    assert_eq!((mended.passed, mended.failing_before), (case.passed, Some(case.fixed.len())), "{told}");
    assert!(mended.hash == place.overlay.content_hash() && mended.gone.is_empty(), "{told}");
    let words = format!("{} failing before, 0 after, {} passed", case.fixed.len(), case.passed);
    assert_eq!(mended.summary, words);

    let found = affected::tests(&place.services.index.snapshot(), &place.overlay);
    if let Some(file) = case.affected {
        assert!(found.iter().any(|test| test.path.as_str() == file), "{}: {found:?}", case.folder);
    }
    if let Some(part) = affected::part(&check, &found) {
        let evidence = place.run(&part).await;
        assert_eq!(evidence.status, CheckStatus::Passed, "{}: {evidence:#?}", case.folder);
        assert!(evidence.passed > 0, "{}: {evidence:#?}", case.folder);
    }

    place.replace(file, case.spoil.0, case.spoil.1);
    let spoilt = place.run(&check).await;
    assert_eq!(spoilt.newly_failing, [case.newly_failing], "{}: {spoilt:#?}", case.folder);
    assert!(!spoilt.is_no_worse() && spoilt.flaky.is_empty() && !spoilt.errors.is_empty(), "{spoilt:#?}");

    let mut place_of_invalid = Place::of(case.folder);
    place_of_invalid.replace(file, fault, case.invalid.0);
    let invalid = place_of_invalid.run(&check).await;
    assert_eq!(invalid.status, CheckStatus::Failed, "{}: {invalid:#?}", case.folder);
    assert!(!invalid.is_no_worse() && !invalid.errors.is_empty(), "{}: {invalid:#?}", case.folder);
    if let Some(line) = case.invalid.1 {
        let is_it = |found: &galley_agent::outcome::Diagnostic| {
            found.severity == Severity::Error && found.path == file && found.start.line == line
        };
        assert!(invalid.diagnostics.iter().any(is_it), "{}: {invalid:#?}", case.folder);
    }
    assert_eq!(place.content(), untouched, "{}: the person's tree", case.folder);
    println!("{}: {} — {}", case.folder, mended.receipt(), spoilt.summary);
}

macro_rules! projects {
    ($($name:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let case = CASES.iter().find(|case| case.folder == stringify!($name)).unwrap();
            mend_and_break(case).await;
        }
    )*};
}

projects!(rust python node go java c ruby rspec php bash elixir);

#[test]
fn every_project_is_run() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/projects"));
    let found: std::collections::BTreeSet<String> =
        files(folder).iter().filter_map(|path| Some(path.to_str()?.split_once('/')?.0.to_owned())).collect();
    let known = CASES.iter().map(|case| case.folder.to_owned()).collect();
    assert_eq!(found, known);
}

/// A project whose checks are shell scripts: quick, and the same everywhere.
fn scripted(test: &str) -> Place {
    let toml = "[checks.unit]\ncommand = 'sh run.sh'\nreader = 'tap'\n";
    Place::new(vec![
        ("galley.toml".into(), toml.into()),
        ("run.sh".into(), test.into()),
        ("a.txt".into(), "1\n".into()),
    ])
}

/// Fails at its first run on a content and passes at each later one. What stands in ignored folders survives a reset.
const FLAKY: &str = "mkdir -p target\nsum=$(cksum < a.txt | tr -d ' ')\n\
    if grep -q 2 a.txt && ! [ -e \"$TMPDIR/$sum\" ]; then touch \"$TMPDIR/$sum\"; echo 'not ok 1 - shaky'; echo 'ok 2 - firm'; exit 1; fi\n\
    echo 'ok 1 - shaky'; echo 'ok 2 - firm'\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_disagrees_with_itself_is_flaky_and_nothing_else() {
    let mut place = scripted(FLAKY);
    let check = place.check("unit");
    place.replace("a.txt", "1", "2");
    let evidence = place.run(&check).await;
    assert_eq!(
        (&evidence.flaky[..], evidence.newly_failing.len()),
        (&["shaky".to_owned()][..], 0),
        "{evidence:#?}"
    );
    assert!(evidence.is_no_worse() && evidence.summary.contains("1 flaky"), "{evidence:#?}");
    assert_eq!(evidence.exit_code, Some(1), "what the command said stays as it was");
}

/// Fails always with the change, and on the base at every run but the first.
const SHAKY_BASE: &str = "if grep -q 1 a.txt && ! [ -e \"$TMPDIR/first\" ]; then touch \"$TMPDIR/first\"; echo 'ok 1 - shaky'; exit 0; fi\n\
    echo 'not ok 1 - shaky'; exit 1\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_was_flaky_before_is_not_laid_at_the_changes_door() {
    let mut place = scripted(SHAKY_BASE);
    let check = place.check("unit");
    place.replace("a.txt", "1", "2");
    let evidence = place.run(&check).await;
    assert_eq!(evidence.flaky, ["shaky"], "{evidence:#?}");
    assert!(evidence.newly_failing.is_empty());
}

/// The first file of a name below a folder.
fn found_below(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    entries.map(|entry| entry.path()).find_map(|path| {
        if path.is_dir() { found_below(&path, name) } else { Some(path).filter(|path| path.ends_with(name)) }
    })
}

/// Counts its runs where no reset reaches.
const COUNTED: &str = "echo x >> \"$TMPDIR/runs\"; echo \"# run $(wc -l < $TMPDIR/runs)\"; echo 'ok 1 - a'\n\
    if grep -q 3 a.txt; then echo 'not ok 2 - b'; exit 1; fi; echo 'ok 2 - b'\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_base_is_checked_once_for_all_tasks() {
    let mut place = scripted(COUNTED);
    let check = place.check("unit");
    let runs = |place: &Place| {
        let counted = found_below(&place.services.state_dir.join("shadows"), "runs").unwrap();
        galley_workspace::read_own(&counted, 1 << 10).unwrap().len() / 2
    };
    place.replace("a.txt", "1", "2");
    place.run(&check).await;
    assert_eq!(runs(&place), 2, "base and change");
    // Where the sandbox can mount a union, nothing was copied for this.
    let shadows = place.services.state_dir.join("shadows");
    let root = &place.overlay.snapshot().roots().iter().next().unwrap().real;
    let is_copied = found_below(&shadows, "layers.json").is_none();
    assert_eq!(is_copied, galley_exec::probe_union(root, &shadows).is_err());
    // Another task of the same workspace: a new shadow owner, nothing remembered but what is on disk.
    place.verifier = Verifier::new(place.services.bench(), place.overlay.snapshot().clone());
    let evidence = place.run(&check).await;
    assert_eq!((runs(&place), evidence.failing_before), (3, Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_that_were_there_before_are_not_the_changes() {
    let lint = "grep -n bad a.txt | while IFS=: read -r line rest; do echo \"a.txt:$line:1: error: $rest [E1]\"; done; ! grep -q bad a.txt";
    let toml = format!("[checks.lint]\ncommand = '''{lint}'''\nkind = 'lint'\nreader = 'lines'\n");
    let mut place = Place::new(vec![("galley.toml".into(), toml), ("a.txt".into(), "bad old\n".into())]);
    let check = place.check("lint");
    place.replace("a.txt", "bad old", "good\nbad old");
    let moved = place.run(&check).await;
    assert_eq!((moved.newly_failing.len(), moved.still_failing.len()), (0, 1), "{moved:#?}");
    assert!(moved.is_no_worse(), "a moved line is no new finding");
    place.replace("a.txt", "good", "bad new");
    let worse = place.run(&check).await;
    assert_eq!(worse.newly_failing, ["a.txt: E1: bad new"], "{worse:#?}");
    assert!(!worse.is_no_worse());
    assert!(worse.errors[0].contains("a.txt:1:1: error[E1]: bad new\n    bad new"), "{:?}", worse.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_a_runner_writes_into_files_are_read_and_never_old_ones() {
    let xml = |ok: &str| format!("<testsuite><testcase classname=\"A\" name=\"a\"/>{ok}</testsuite>");
    let failing = "<testcase classname=\"A\" name=\"b\"><failure message=\"no\"/></testcase>";
    let script = format!(
        "mkdir -p target\nif grep -q 2 a.txt; then echo '{}' > target/r.xml; exit 1; fi\nif grep -q 3 a.txt; then exit 1; fi\necho '{}' > target/r.xml\n",
        xml(failing),
        xml("<testcase classname=\"A\" name=\"b\"/>"),
    );
    let toml = "[checks.unit]\ncommand = 'sh run.sh'\nreader = 'junit'\nreports = ['target/*.xml']\n";
    let mut place = Place::new(vec![
        ("galley.toml".into(), toml.into()),
        (".gitignore".into(), "target\n".into()),
        ("run.sh".into(), script),
        ("a.txt".into(), "1\n".into()),
    ]);
    let check = place.check("unit");
    place.replace("a.txt", "1", "2");
    let evidence = place.run(&check).await;
    assert_eq!((&evidence.newly_failing[..], evidence.passed), (&["A.b".to_owned()][..], 1), "{evidence:#?}");
    place.replace("a.txt", "2", "3");
    let silent = place.run(&check).await;
    assert_eq!((silent.passed, silent.status), (0, CheckStatus::Failed), "{silent:#?}");
    assert!(!silent.is_no_worse());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_tool_is_said_with_what_installs_it() {
    let toml = "[checks.unit]\ncommand = 'no-such-runner-anywhere'\ninstall = 'make tools'\n";
    let mut place = Place::new(vec![("galley.toml".into(), toml.into()), ("a.txt".into(), "1\n".into())]);
    let check = place.check("unit");
    let evidence = place.run(&check).await;
    assert_eq!(evidence.status, CheckStatus::NotRun);
    assert!(
        evidence.summary.contains("no-such-runner-anywhere is not installed (make tools)"),
        "{evidence:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_formatted_is_formatted_again_and_what_was_not_is_left() {
    if !has("formatting", &["rustfmt"]) {
        return;
    }
    let manifest = "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let mut place = Place::new(vec![
        ("Cargo.toml".into(), manifest.into()),
        ("rustfmt.toml".into(), "tab_spaces = 2\n".into()),
        ("src/lib.rs".into(), "mod odd;\nmod tidy;\n".into()),
        ("src/tidy.rs".into(), "fn a() {\n  b();\n}\n".into()),
        ("src/odd.rs".into(), "fn a() { b( ) ; }\n\nfn c() {}\n".into()),
    ]);
    place.replace("src/tidy.rs", "b();", "b() ;c( );");
    place.replace("src/odd.rs", "fn c() {}", "fn c() { d( ); }");
    let new = RelPath::new("src/new.rs").unwrap();
    place.overlay.write(&new, "async fn x(){}").unwrap();
    let Place { verifier, overlay, .. } = &mut place;
    let said = formatting::format(verifier, overlay, &CancellationToken::new()).await;
    assert_eq!(said, ["formatted with rustfmt: src/new.rs, src/tidy.rs"]);
    let text = |path: &str| place.overlay.read(&RelPath::new(path).unwrap()).unwrap();
    assert_eq!(&*text("src/tidy.rs"), "fn a() {\n  b();\n  c();\n}\n", "by the project's own width");
    assert_eq!(&*text("src/new.rs"), "async fn x() {}\n");
    assert!(text("src/odd.rs").contains("b( ) ;"), "untouched lines stay as they were");
}

#[test]
fn checks_of_the_fixtures_are_those_that_are_run() {
    for case in CASES {
        let place_checks = Place::of(case.folder).checks;
        let tests: Vec<&str> = place_checks
            .iter()
            .filter(|check| check.kind == Kind::Test)
            .map(|check| check.name.as_str())
            .collect();
        assert_eq!(tests, [case.check], "{}", case.folder);
    }
}

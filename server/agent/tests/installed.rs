//! What is installed into a project by absolute path works in its shadow, on the changed files.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic, and its small functions are outside of #[test]")]

mod common;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use common::Nobody;
use galley_agent::checks;
use galley_agent::verify::{CheckStatus, Verifier};
use galley_exec::{Level, probe, which};
use galley_text::path::RelPath;
use galley_workspace::{Overlay, create_dir, write_atomically};
use tokio_util::sync::CancellationToken;

const FILES: &[(&str, &str)] = &[
    ("src/calc/__init__.py", "def half(x):\n    return x // 3\n"),
    (
        "tests/test_calc.py",
        "import unittest\nimport calc\n\nclass Half(unittest.TestCase):\n    def test_half(self):\n        self.assertEqual(calc.half(8), 4, calc.__file__)\n",
    ),
    ("tests/__init__.py", ""),
    (".gitignore", ".venv/\n"),
    ("pyproject.toml", "[project]\nname = \"calc\"\n"),
];

/// A Python environment in which the project's sources are installed where they lie, as `pip install -e .` does it.
#[allow(clippy::disallowed_methods, reason = "this is what the person does, outside of every sandbox")]
fn environment(root: &Path) {
    let made = Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(root.join(".venv")).status();
    assert!(made.unwrap().success());
    let asked = Command::new(root.join(".venv/bin/python"))
        .args(["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
        .output()
        .unwrap();
    let packages = String::from_utf8(asked.stdout).unwrap();
    let sources = format!("{}\n", root.join("src").display());
    write_atomically(&Path::new(packages.trim()).join("calc.pth"), sources.as_bytes()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_are_installed_where_they_lie_are_the_changed_ones() {
    if which("python3").is_none() || probe() != Level::Namespaces {
        eprintln!("LEFT OUT: python3 or namespaces are not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap().join("project");
    for (path, text) in FILES {
        create_dir(root.join(path).parent().unwrap()).unwrap();
        write_atomically(&root.join(path), text.as_bytes()).unwrap();
    }
    environment(&root);
    let (services, _) = common::services(folder.path(), &root, "", Arc::new(Nobody));
    let snapshot = services.workspace.snapshot();
    let mut verifier = Verifier::new(services.bench(), snapshot.clone());
    let found = checks::detect(&snapshot).unwrap();
    let check = found.iter().find(|check| check.name == "unittest").unwrap();
    let mut overlay = Overlay::new(snapshot);
    let source = RelPath::new("src/calc/__init__.py").unwrap();
    overlay.write(&source, FILES[0].1.replace("// 3", "// 2")).unwrap();
    let evidence = verifier.check(check, &overlay, &mut |_| {}, &CancellationToken::new()).await;
    assert_eq!((evidence.status, evidence.failing_before), (CheckStatus::Passed, Some(1)), "{evidence:#?}");
    let told = format!("{evidence:?}");
    assert!(!told.contains(root.to_str().unwrap()), "files are named as in the workspace: {told}");
}

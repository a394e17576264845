//! What the end-to-end tests drive with: the real binary over real stdio, a model that is a process of its own, and projects
//! in temporary folders. No test sleeps: everything waits for an event, up to a limit that only a fault reaches.
#![forbid(unsafe_code)]

pub mod client;
pub mod model;
pub mod place;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The program `galley` of this build.
pub fn galley() -> PathBuf {
    program("GALLEY_BIN", "galley")
}

/// The program `fake-model` of this build.
pub fn fake_model() -> PathBuf {
    program("FAKE_MODEL_BIN", "fake-model")
}

/// A program that is named by the environment, or built now beside the tests.
fn program(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return PathBuf::from(path);
    }
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "-p", "galley-lsp", "-p", "galley-fake-model", "--bins"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .status();
        assert!(built.is_ok_and(|status| status.success()), "the programs under test do not build");
        let test = std::env::current_exe().unwrap_or_default();
        // target/debug/deps/e2e-… lies beside target/debug/galley.
        test.parent().and_then(|deps| deps.parent()).map(PathBuf::from).unwrap_or_default()
    });
    folder.join(name)
}

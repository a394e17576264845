//! Watching a real folder.

use super::*;
use crate::watch::{Changed, Watch};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

fn watched(fixture: &Fixture) -> (Watch, Receiver<Changed>) {
    let (sender, receiver) = channel();
    let watch = Watch::start(&fixture.workspace, move |changed| sender.send(changed).unwrap_or(()));
    (watch.expect("a watch"), receiver)
}

/// Waits until a path was reported and returns everything that was until then.
fn wait_for(reports: &Receiver<Changed>, wanted: &str) -> Vec<String> {
    let until = Instant::now() + Duration::from_secs(20);
    let mut seen = Vec::new();
    while !seen.iter().any(|path| path == wanted) {
        let left = until.saturating_duration_since(Instant::now());
        let changed =
            reports.recv_timeout(left).unwrap_or_else(|_| panic!("{wanted} was not reported: {seen:?}"));
        seen.extend(changed.paths.iter().map(|path| path.as_str().to_string()));
    }
    seen
}

#[test]
fn changes_are_reported_and_ignored_ones_not() {
    let fixture = Fixture::new(&[(".gitignore", "target\n*.log\n"), ("src/a.rs", ""), ("target/x", "")]);
    let (watch, reports) = watched(&fixture);
    assert!(watch.is_complete());
    fixture.put("target/y", "");
    fixture.put("src/b.log", "");
    fixture.workspace.write_file(&path("src/a.rs"), b"changed").unwrap();
    let seen = wait_for(&reports, "src/a.rs");
    assert!(seen.iter().all(|path| path == "src/a.rs" || path == "src"), "{seen:?}");

    fixture.put("new/deep/c.rs", "");
    wait_for(&reports, "new/deep/c.rs");
    assert!(fixture.workspace.listing().files().contains(&path("new/deep/c.rs")));
    std::fs::remove_file(fixture.root().join("src/a.rs")).unwrap();
    wait_for(&reports, "src/a.rs");
    assert!(!fixture.workspace.listing().files().contains(&path("src/a.rs")));
    fixture.put("new/deep/d.rs", "");
    wait_for(&reports, "new/deep/d.rs");
}

#[test]
fn a_dropped_watch_ends() {
    let fixture = Fixture::new(&[("a", "")]);
    let (watch, reports) = watched(&fixture);
    drop(watch);
    let until = Instant::now() + Duration::from_secs(20);
    let end = reports.recv_timeout(until.saturating_duration_since(Instant::now()));
    assert_eq!(end, Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
}

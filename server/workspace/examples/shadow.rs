//! Measures shadows for `server/workspace/benches/shadow.py`: one method on one tree, one JSON object on standard output.
//!
//!     cargo run --release -p galley-workspace --example shadow -- METHOD TREE STATE FILE
//!
//! METHOD is `layered` or `copied` (which clones where the file system can). STATE is an empty folder. FILE is a text file of
//! the tree: the overlay changes it, and a command is then asked what it sees.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on ends here")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use galley_exec::{Level, SandboxSpec, Spec, Union};
use galley_text::path::RelPath;
use galley_workspace::{Layers, Overlay, Shadow, Workspace};
use tokio_util::sync::CancellationToken;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [method, tree, state, file] = &arguments[..] else { panic!("METHOD TREE STATE FILE") };
    let (state, is_layered) = (PathBuf::from(state), method == "layered");
    if is_layered {
        galley_exec::probe_union(tree.as_ref(), &state).unwrap();
    }
    let began = Instant::now();
    let workspace = Workspace::open(vec![PathBuf::from(tree)]).unwrap();
    let claim = || {
        let claim = if is_layered { Shadow::claim_layered } else { Shadow::claim };
        claim(&workspace.snapshot(), &state).unwrap()
    };
    let mut shadow = claim();
    let first_of_it = read(&shadow, file);
    let first = began.elapsed();
    let own = shadow.own_bytes();

    let path = RelPath::new(file).unwrap();
    let mut changes = Vec::new();
    for number in 0..9 {
        let mut overlay = Overlay::new(shadow.snapshot().clone());
        overlay.write(&path, format!("change {number}\n")).unwrap();
        let began = Instant::now();
        shadow.apply(&overlay).unwrap();
        let applied = began.elapsed();
        assert_eq!(read(&shadow, file), format!("change {number}\n"));
        changes.push((applied, began.elapsed()));
    }
    let told = Instant::now();
    let changes_told = shadow.collect().len();
    let told = told.elapsed();
    assert_eq!(changes_told, 0);
    drop(shadow);
    workspace.invalidate_all();
    let began = Instant::now();
    let shadow = claim();
    assert_eq!(read(&shadow, file), first_of_it);
    let second = began.elapsed();
    if is_layered {
        let told = run(&shadow, &["sh", "-c", HOSTILE, file, tree]);
        assert!(told.ends_with("done\n"), "{told}");
        assert!(shadow.collect().len() > 1000, "it did reach the shadow");
    }
    changes.sort_unstable();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let (applied, seen) = changes[changes.len() / 2];
    println!(
        "{{\"method\":\"{:?}\",\"first_ms\":{:.1},\"own_bytes\":{own},\"apply_ms\":{:.2},\"seen_ms\":{:.2},\"collect_ms\":{:.1},\"second_ms\":{:.1}}}",
        shadow.method(),
        milliseconds(first),
        milliseconds(applied),
        milliseconds(seen),
        milliseconds(told),
        milliseconds(second),
    );
}

/// What a command in the sandbox reads.
fn read(shadow: &Shadow, file: &str) -> String {
    run(shadow, &["cat", file])
}

/// A build that spoils whatever it can reach.
const HOSTILE: &str = "echo x > \"$0\"; chmod -R a+rwx part00; for f in part01/*/*; do echo x > $f; done; \
    find part02 -exec touch -d @1 {} +; truncate -s 0 part03/*/*; rm -rf part04; mv part05/module00 moved; \
    ln part06/module00/file00.txt hard && echo x > hard; ln -sfn \"$1\" part07; rm -rf part07/part00; \
    rm -rf \"$1\"; echo x > \"$1/$0\"; mount -t tmpfs none part08; echo done";

fn run(shadow: &Shadow, argv: &[&str]) -> String {
    let union = |layers: Layers| Union {
        place: layers.place,
        layers: layers.lower,
        upper: layers.upper,
        work: layers.work,
    };
    let mut spec = Spec::new(argv.iter().copied(), shadow.path());
    spec.sandbox = SandboxSpec {
        writable: vec![shadow.path().to_path_buf()],
        unions: shadow.layers().into_iter().map(union).collect(),
        ..SandboxSpec::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cancel = CancellationToken::new();
    let outcome =
        runtime.block_on(galley_exec::run(&spec, Level::Namespaces, &mut |_, _| {}, &cancel)).unwrap();
    assert!(outcome.status.success(), "{}", outcome.output.text());
    outcome.output.stdout()
}

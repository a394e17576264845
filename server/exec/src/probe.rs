//! Which level works here: found by a canary, once per process.
//!
//! A canary is a real run of a small command at the level, which tries to write where it must not and to read what
//! it must not see. Only a level that ran it *and* held is answered with.

use std::sync::OnceLock;

use crate::{ExecError, Level};

/// The strongest level that works on this machine. The first call runs the canaries (some tens of milliseconds) and
/// blocks for so long; later calls answer at once.
pub fn probe() -> Level {
    found().0
}

/// Why each stronger level than that of [`probe`] does not work, in sentences for `galley doctor`.
pub fn probe_report() -> &'static [(Level, String)] {
    &found().1
}

/// The answer of [`probe`], if somebody asked already; never blocks.
pub fn probed() -> Option<Level> {
    FOUND.get().map(|(level, _)| *level)
}

static FOUND: OnceLock<(Level, Vec<(Level, String)>)> = OnceLock::new();

fn found() -> &'static (Level, Vec<(Level, String)>) {
    FOUND.get_or_init(|| {
        let mut reasons = Vec::new();
        for level in [Level::Namespaces, Level::Landlock] {
            match canary(level) {
                Ok(()) => return (level, reasons),
                Err(why) => reasons.push((level, why)),
            }
        }
        (Level::Copy, reasons)
    })
}

/// Runs on a thread of its own, since the caller may be inside of a runtime.
fn canary(level: Level) -> Result<(), String> {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|e| e.to_string())?.block_on(sing(level))
    };
    match std::thread::Builder::new().name("sandbox canary".to_owned()).spawn(run) {
        Ok(thread) => thread.join().unwrap_or_else(|_| Err("the canary panicked".to_owned())),
        Err(e) => Err(format!("no thread for the canary: {e}")),
    }
}

async fn sing(level: Level) -> Result<(), String> {
    use std::time::Duration;

    // Each line that holds prints a letter. `/` and a file beside us must not be writable, the server's
    // environment and an agent's socket not readable.
    let script = format!(
        "(: > /galley-canary) 2>/dev/null || printf a; \
         (: < /proc/{}/environ) 2>/dev/null || printf b; \
         [ \"$(command -v sh)\" ] && printf c; \
         : > /dev/null && printf d; \
         : > \"$TMPDIR/canary\" && printf e",
        std::process::id()
    );
    let mut spec = crate::Spec::shell(&script, "/");
    spec.sandbox.writable.clear();
    spec.limits.wall = Duration::from_secs(10);
    let cancel = tokio_util::sync::CancellationToken::new();
    let outcome = crate::run(&spec, level, &mut |_, _| {}, &cancel).await.map_err(|e| match e {
        ExecError::Sandbox { why, .. } => why,
        other => other.to_string(),
    })?;
    let sung = outcome.output.stdout();
    if outcome.status.success() && sung == "abcde" {
        return Ok(());
    }
    Err(format!("the canary did not hold: {}, {sung:?}, {}", outcome.status, outcome.output.stderr().trim()))
}

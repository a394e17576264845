//! `galley demo`: the whole job on a bundled project. Recorded replies stand in for a model; everything else is real.

use std::path::{Path, PathBuf};

use galley_agent::{Budget, Mode, Origin, TaskHandle, TaskSpec};
use galley_model::{Endpoint, Kind};
use galley_text::path::RelPath;

use super::run::{self, Manner};
use super::session::Session;
use super::terminal::{Style, can_ask, print};
use super::{DemoArgs, FAILED, USAGE, fail};

/// The bundled project, file by file.
const PROJECT: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../assets/demo/Cargo.toml")),
    ("Cargo.lock", include_str!("../../assets/demo/Cargo.lock")),
    ("README.md", include_str!("../../assets/demo/README.md")),
    ("src/lib.rs", include_str!("../../assets/demo/src/lib.rs")),
    ("src/main.rs", include_str!("../../assets/demo/src/main.rs")),
    ("src/duration.rs", include_str!("../../assets/demo/src/duration.rs")),
    ("src/report.rs", include_str!("../../assets/demo/src/report.rs")),
];

/// The recorded replies.
const RECORDING: &str = include_str!("../../assets/demo.jsonl");

const GOAL: &str = "Two tests fail. Make them pass by repairing the cause, and leave the tests as they are.";

/// `galley demo`
pub fn demo(args: &DemoArgs) -> i32 {
    let style = Style::of_stdout();
    let folder = args
        .dir
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(galley_agent::clock::new_id("galley-demo-")));
    let project = match unpack(&folder) {
        Ok(project) => project,
        Err(error) => {
            return fail(
                FAILED,
                &format!("the demo's project cannot be written to {}: {error}", folder.display()),
            );
        }
    };
    let session = match Session::open(&project) {
        // The bundled project and recorded replies are our own; they may run where no sandbox works.
        Ok(mut session) => {
            session.settings.sandbox.unsandboxed |= args.model.is_none();
            session
        }
        Err(error) => return fail(USAGE, &error),
    };
    let endpoint = match &args.model {
        Some(model) => match session.settings.endpoint(Some(model)) {
            Ok(endpoint) => endpoint,
            Err(error) => return fail(USAGE, &error.to_string()),
        },
        None => Endpoint::new(Kind::Replay, folder.join("recording.jsonl").display().to_string()),
    };
    print(&greeting(&project, &endpoint, style));
    let manner = if args.yes || !can_ask() { Manner::AcceptAll } else { Manner::Ask };
    let spec = spec();
    let begin = move |services, handle| galley_agent::start(services, handle, spec);
    run::perform(
        &session,
        vec![endpoint],
        TaskHandle::new(galley_agent::clock::new_id("t")),
        begin,
        manner,
        style,
        false,
    )
}

/// Writes a fresh copy of the project and the recording. Never overwrites anything.
fn unpack(folder: &Path) -> Result<PathBuf, String> {
    let project = folder.join("timesheet");
    if project.exists() {
        return Err("a demo is there already; name another folder".to_owned());
    }
    let recording = ("recording.jsonl".to_owned(), RECORDING);
    let files = PROJECT.iter().map(|(path, text)| (format!("timesheet/{path}"), *text));
    for (path, text) in files.chain(std::iter::once(recording)) {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            galley_workspace::create_dir(parent).map_err(|error| error.to_string())?;
        }
        galley_workspace::write_atomically(&path, text.as_bytes()).map_err(|error| error.to_string())?;
    }
    Ok(project)
}

fn greeting(project: &Path, endpoint: &Endpoint, style: Style) -> String {
    let model = match endpoint.kind {
        Kind::Replay => format!(
            "{} {}",
            style.yellow("recorded replies"),
            style.dim("(no key, no network; all else is real: edits, sandbox, cargo test)")
        ),
        _ => format!("{}/{} (live)", endpoint.provider, endpoint.model),
    };
    format!(
        "{}\n  project  {} {}\n  model    {model}\n  task     {GOAL}\n\n",
        style.bold("Galley demo"),
        project.display(),
        style.dim("(a fresh copy)")
    )
}

fn spec() -> TaskSpec {
    let origin = RelPath::new("src/duration.rs").ok().map(|path| Origin {
        path,
        lines: None,
        symbol: None,
        diagnostics: Vec::new(),
    });
    TaskSpec {
        goal: GOAL.to_owned(),
        title: "fix the failing tests".to_owned(),
        mode: Mode::Fix,
        origin,
        scope: Vec::new(),
        limits: Default::default(),
        planning: Default::default(),
        budget: Budget::default(),
        contest: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_project_is_complete() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
        let mut bundled: Vec<String> = PROJECT.iter().map(|(path, _)| (*path).to_owned()).collect();
        bundled.sort();
        let mut found = Vec::new();
        let mut folders = vec![folder.clone()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(&folder).unwrap().to_string_lossy().replace('\\', "/"));
                }
            }
        }
        found.sort();
        assert_eq!(bundled, found);
    }
}

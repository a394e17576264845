//! The language server: one client, one loop that owns the state, requests that read snapshots of it.

mod accepting;
mod applying;
mod arriving;
mod asking;
mod backend;
mod client;
mod contests;
mod convert;
mod deciding;
mod documents;
mod drafts;
mod earlier;
mod editor;
mod elsewhere;
mod event;
mod handlers;
mod indexing;
mod proving;
mod publish;
mod reading;
mod requests;
mod restoring;
mod returning;
mod reviews;
mod state;
mod sync;
mod tasks;
mod transport;

use std::path::PathBuf;

use galley_workspace::Workspace;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_lsp::LspService;

use crate::config::{self, Settings};
use backend::Backend;
use event::FrontHandle;
use state::{Parts, State};
use transport::Outbox;

/// Serves a client on the process's own standard input and output, until it leaves. Returns the exit status.
pub fn serve_stdio() -> i32 {
    let state_dir = match config::state_dir() {
        Ok(folder) => folder,
        Err(error) => {
            eprintln!("galley: {error}");
            return 2;
        }
    };
    let (settings, complaint) = match config::load(None) {
        Ok(settings) => (settings, None),
        Err(error) => (Settings::default(), Some(error.to_string())),
    };
    let runtimes = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("front")
        .enable_all()
        .build();
    let (runtime, tasks_runtime) = match (runtimes, state::tasks_runtime()) {
        (Ok(runtime), Ok(tasks)) => (runtime, tasks),
        (Err(error), _) | (_, Err(error)) => {
            eprintln!("galley: the server cannot start its threads: {error}");
            return 1;
        }
    };
    let serving = serve(
        tokio::io::stdin(),
        tokio::io::stdout(),
        state_dir,
        settings,
        complaint,
        tasks_runtime.handle().clone(),
    );
    let orderly = runtime.block_on(serving);
    // Threads that wait for the closed input, or for a command that is being killed, are not waited for.
    runtime.shutdown_background();
    if let Ok(tasks) = std::sync::Arc::try_unwrap(tasks_runtime) {
        tasks.shutdown_timeout(std::time::Duration::from_secs(2));
    }
    i32::from(!orderly)
}

async fn serve<R, W>(
    input: R,
    output: W,
    state_dir: PathBuf,
    settings: Settings,
    complaint: Option<String>,
    tasks_runtime: tokio::runtime::Handle,
) -> bool
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (front, events) = FrontHandle::new();
    let (outbox, outgoing) = Outbox::new();
    let (service, socket) = {
        let front = front.clone();
        let outbox = outbox.clone();
        LspService::build(move |client| {
            let parts = Parts { front: front.clone(), client, outbox, tasks_runtime, state_dir, settings };
            match Workspace::open(Vec::new()) {
                Ok(workspace) => drop(tokio::spawn(State::new(parts, workspace).run(events))),
                Err(error) => eprintln!("galley: {error}"),
            }
            Backend { front }
        })
        .finish()
    };
    if let Some(complaint) = complaint {
        outbox.notify(
            "window/showMessage",
            &serde_json::json!({ "type": 2, "message": format!("Galley: {complaint}") }),
        );
    }
    transport::serve(input, output, service, socket, front, outbox, outgoing).await
}

/// Ends the server by itself when the editor that started it is gone without a word.
pub(crate) fn watch_parent(pid: u32) {
    let watching = std::thread::Builder::new().name("parent".to_owned());
    let _ = watching.spawn(move || {
        galley_exec::wait_for_death(pid);
        // The journal is written event by event; there is nothing left to save.
        std::process::exit(1);
    });
}

//! A case's own project: a copy of a folder, or one commit of a repository with nothing before or after it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use galley_exec::{Level, Limits, Network, SandboxSpec, Spec, Status};
use tokio_util::sync::CancellationToken;

use super::suite::{Case, is_address};

/// Wall time of git and of a command that makes a project ready.
const WALL: Duration = Duration::from_secs(1800);

/// What a command came to.
pub struct Ran {
    /// Whether it ended with 0.
    pub ok: bool,
    /// What it printed.
    pub stdout: String,
    /// The end of all that it printed.
    pub tail: String,
}

/// Makes the project of a case in `folder`, which must not be there yet, and makes it ready.
///
/// # Errors
/// Words for the person.
pub async fn prepare(case: &Case, folder: &Path, cancel: &CancellationToken) -> Result<(), String> {
    let source = Path::new(&case.repository);
    let is_git = is_address(&case.repository) || source.join(".git").exists();
    match is_git {
        true => one_commit(case, folder, cancel).await?,
        false if case.commit.is_some() => {
            return Err(format!("{} is no git repository, and a commit is named", source.display()));
        }
        false => {
            copy(source, folder).map_err(|error| format!("{} cannot be copied: {error}", source.display()))?
        }
    }
    for command in &case.setup {
        let ran = shell(command, folder, None, WALL, &[], cancel).await?;
        if !ran.ok {
            return Err(format!("`{command}` failed: {}", ran.tail));
        }
    }
    Ok(())
}

/// Fetches one commit. What came before and after it, branches, tags and the address are not there.
async fn one_commit(case: &Case, folder: &Path, cancel: &CancellationToken) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let wanted = case.commit.as_deref().unwrap_or("HEAD");
    if wanted.starts_with('-') || case.repository.starts_with('-') {
        return Err("neither a commit nor a repository begins with `-`".to_owned());
    }
    let address = match is_address(&case.repository) {
        true => case.repository.clone(),
        false => format!("file://{}", case.repository),
    };
    for words in [
        &["init", "--quiet"][..],
        &["fetch", "--quiet", "--depth", "1", "--no-tags", &address, wanted],
        &["checkout", "--quiet", "-B", "main", "FETCH_HEAD"],
    ] {
        let argv = std::iter::once("git").chain(words.iter().copied()).map(str::to_owned).collect();
        let ran = run(argv, folder, None, WALL, &[], cancel).await?;
        if !ran.ok {
            return Err(format!("git {}: {}", words[0], ran.tail));
        }
    }
    // It names where the commit came from.
    let _ = std::fs::remove_file(folder.join(".git/FETCH_HEAD"));
    Ok(())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Runs a shell command of the suite's author.
///
/// # Errors
/// When it cannot be started.
pub async fn shell(
    command: &str,
    folder: &Path,
    stdin: Option<String>,
    wall: Duration,
    env: &[(String, String)],
    cancel: &CancellationToken,
) -> Result<Ran, String> {
    let argv = vec!["sh".to_owned(), "-c".to_owned(), command.to_owned()];
    run(argv, folder, stdin, wall, env, cancel).await
}

async fn run(
    argv: Vec<String>,
    folder: &Path,
    stdin: Option<String>,
    wall: Duration,
    env: &[(String, String)],
    cancel: &CancellationToken,
) -> Result<Ran, String> {
    let home = crate::config::variable("HOME").map(|home| ("HOME".to_owned(), home));
    let quiet = ("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned());
    let spec = Spec {
        argv,
        cwd: folder.to_path_buf(),
        env: env.iter().cloned().chain(home).chain([quiet]).collect(),
        stdin,
        limits: Limits { wall, ..Limits::default() },
        sandbox: SandboxSpec {
            writable: vec![PathBuf::from("/")],
            network: Network::All,
            ..SandboxSpec::default()
        },
    };
    let mut stdout = Vec::new();
    let mut take = |stream: galley_exec::Stream, bytes: &[u8]| {
        if stream == galley_exec::Stream::Stdout {
            stdout.extend_from_slice(bytes);
        }
    };
    let outcome =
        galley_exec::run(&spec, Level::Copy, &mut take, cancel).await.map_err(|error| error.to_string())?;
    let printed = outcome.output.text();
    let lines: Vec<&str> = printed.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = lines[lines.len().saturating_sub(8)..].join("\n");
    let tail = match &outcome.status {
        Status::Exited(code) if tail.is_empty() => format!("exit status {code}"),
        Status::TimedOut => format!("it took too long\n{tail}"),
        _ => tail,
    };
    let stdout = String::from_utf8_lossy(&stdout).into_owned();
    Ok(Ran { ok: outcome.status == Status::Exited(0), stdout, tail })
}

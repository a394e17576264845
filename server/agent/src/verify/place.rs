//! What a command finds around it: the shadow, its environment, the project's own programs, and the files that it reports in.

use std::path::{Path, PathBuf};

use galley_exec::{Level, Network, SandboxSpec, Status, Union};
use galley_workspace::{Layers, Shadow, ShadowError, Snapshot};

use super::Bench;
use crate::checks::Check;

/// Bytes that commands of one task after the other may leave in a shadow before it begins anew.
const LEFT_BYTES: u64 = 8 << 30;

/// A shadow by the cheapest means that works here: as layers that the sandbox mounts, or else as a copy.
pub(super) fn claim(base: &Snapshot, bench: &Bench) -> Result<Shadow, ShadowError> {
    let shadow = claim_by_means(base, bench)?;
    // Not before: what is looked at for removal cannot be claimed.
    super::keeping::once(&bench.state_dir);
    Ok(shadow)
}

fn claim_by_means(base: &Snapshot, bench: &Bench) -> Result<Shadow, ShadowError> {
    let folder = bench.state_dir.join("shadows");
    let can_mount = bench.level == Level::Namespaces
        && galley_workspace::create_dir(&folder).is_ok()
        && base.roots().iter().all(|root| galley_exec::probe_union(&root.real, &folder).is_ok());
    if !can_mount {
        return Shadow::claim(base, &folder);
    }
    let mut shadow = Shadow::claim_layered(base, &folder)?;
    shadow.bound(LEFT_BYTES)?;
    Ok(shadow)
}

/// The person's paths of the folders of a workspace, each with its name in the workspace; empty where it is the only one.
pub(super) fn named_roots(base: &Snapshot) -> Vec<(PathBuf, String)> {
    let roots = base.roots();
    let alone = roots.iter().count() == 1;
    let mut found = Vec::new();
    for root in roots.iter() {
        let name = if alone { String::new() } else { root.name.clone() };
        found.push((root.real.clone(), name.clone()));
        if root.path != root.real {
            found.push((root.path.clone(), name));
        }
    }
    found
}

/// A text in which files below these folders are named as in the workspace. Each folder comes with what its files' names
/// begin with there: nothing, or the name of one of several roots.
pub(super) fn as_in_workspace(text: &str, folders: &[(PathBuf, String)]) -> String {
    folders.iter().fold(text.to_owned(), |text, (folder, start)| {
        let folder = folder.to_string_lossy();
        // Of `/`, or of an empty path, nobody can say where it begins.
        if folder.len() > 1 { renamed(&text, folder.trim_end_matches('/'), start) } else { text }
    })
}

fn renamed(text: &str, folder: &str, start: &str) -> String {
    let inner = |c: char| c.is_alphanumeric() || "/._-~".contains(c);
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, _) in text.match_indices(folder) {
        let rest = &text[at + folder.len()..];
        let whole = !text[..at].ends_with(inner) && (rest.starts_with('/') || !rest.starts_with(inner));
        if at < done || !whole {
            continue;
        }
        out.push_str(&text[done..at]);
        let below = rest
            .strip_prefix('/')
            .filter(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || "._-".contains(c)));
        match below {
            Some(_) => out.push_str(&format!("{start}{}", if start.is_empty() { "" } else { "/" })),
            None => out.push_str(if start.is_empty() { "." } else { start }),
        }
        done = at + folder.len() + usize::from(below.is_some());
    }
    out.push_str(&text[done..]);
    out
}

/// What the sandbox must show for a shadow to be whole.
pub(super) fn sandbox(shadow: &Shadow, roots: &[(PathBuf, String)]) -> SandboxSpec {
    let union = |layers: Layers| Union {
        place: layers.place,
        layers: layers.lower,
        upper: layers.upper,
        work: layers.work,
    };
    SandboxSpec {
        readable: shadow.readable(),
        shown: shadow.readonly_binds().to_vec(),
        unions: shadow.layers().into_iter().map(union).collect(),
        aliases: roots.iter().map(|(path, name)| (path.clone(), shadow.path().join(name))).collect(),
        ..SandboxSpec::default()
    }
}

/// What a command may reach: what all may, and what it was granted alone. Where single hosts cannot be held, those of the
/// settings are left out rather than all of the network let in.
pub(super) fn network(bench: &Bench, own: &Network) -> Network {
    match (&bench.network, own) {
        (Network::All, _) | (_, Network::All) => Network::All,
        (Network::Hosts(_), _) if bench.level == Level::Landlock => Network::None,
        (Network::Hosts(all), Network::Hosts(own)) => Network::Hosts([&all[..], &own[..]].concat()),
        (Network::None, network) | (network, Network::None) => network.clone(),
    }
}

/// What commands find in their environment beside what the sandbox lets through. Without network the package managers are
/// told so, and give up at once.
/// `programs` are the folders of the project's own, which go before the system's.
pub(super) fn environment(
    cache: &Path,
    tmp: &Path,
    programs: &[PathBuf],
    offline: bool,
) -> Vec<(String, String)> {
    let place = |name: &str| cache.join(name).to_string_lossy().into_owned();
    let pairs = [
        ("PAGER", "cat".to_owned()),
        ("NO_COLOR", "1".to_owned()),
        ("TERM", "dumb".to_owned()),
        ("CI", "1".to_owned()),
        ("CARGO_TARGET_DIR", place("cargo")),
        ("CARGO_TERM_COLOR", "never".to_owned()),
        ("GOCACHE", place("go")),
        ("GOFLAGS", "-mod=mod".to_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("RUFF_NO_CACHE", "true".to_owned()),
        ("MYPY_CACHE_DIR", place("mypy")),
        ("npm_config_update_notifier", "false".to_owned()),
        ("MIX_BUILD_PATH", place("mix")),
        ("DOTNET_CLI_TELEMETRY_OPTOUT", "1".to_owned()),
        ("DOTNET_NOLOGO", "1".to_owned()),
        ("TMPDIR", tmp.to_string_lossy().into_owned()),
    ];
    let closed = [("CARGO_NET_OFFLINE", "true"), ("GOPROXY", "off"), ("npm_config_offline", "true")];
    let closed = closed.into_iter().filter(|_| offline).map(|(name, value)| (name, value.to_owned()));
    let all = pairs.into_iter().chain(closed).map(|(name, value)| (name.to_owned(), value));
    all.chain(search_path(programs)).collect()
}

/// The variable `PATH` with the project's own programs first; `None` where it has none.
fn search_path(programs: &[PathBuf]) -> Option<(String, String)> {
    let system = std::env::var_os("PATH").unwrap_or_default();
    let folders = programs.iter().cloned().chain(std::env::split_paths(&system));
    let path = std::env::join_paths(folders).ok().filter(|_| !programs.is_empty())?;
    Some(("PATH".to_owned(), path.into_string().ok()?))
}

/// The command wrapped so that the files in which its runner reports are printed after its own words. Older ones of the
/// same names are removed before, so that nothing speaks of an earlier content.
pub(super) fn reporting(argv: Vec<String>, reports: &[String]) -> Vec<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./*".contains(c);
    let patterns: Vec<String> =
        reports.iter().filter(|path| path.chars().all(plain)).map(|path| format!("./{path}")).collect();
    if patterns.is_empty() {
        return argv;
    }
    let files = patterns.join(" ");
    let script = format!("rm -f {files}; \"$@\"; code=$?; echo; cat {files} 2>/dev/null; exit $code");
    ["sh".to_owned(), "-c".to_owned(), script, "sh".to_owned()].into_iter().chain(argv).collect()
}

/// What a package manager says when it lacks the network or a package: no verdict on the change.
const LACKING: [(&str, &str); 13] = [
    ("no such command: `nextest`", "cargo-nextest"),
    ("'cargo-clippy' is not installed", "clippy"),
    ("'cargo-fmt' is not installed", "rustfmt"),
    ("npx canceled due to missing packages", "the program of a package"),
    ("ERR_PNPM_RECURSIVE_EXEC_FIRST_FAIL", "the program of a package"),
    ("bundler: command not found", "a gem of the Gemfile"),
    ("Could not find gem", "a gem of the Gemfile"),
    ("Bundler could not find compatible versions", "a gem of the Gemfile"),
    ("in offline mode and the artifact", "an artifact of Maven's"),
    ("No cached version of", "an artifact of Gradle's"),
    ("you may need to run `cargo fetch`", "a crate in Cargo's cache"),
    ("module lookup disabled by GOPROXY=off", "a Go module in the cache"),
    ("Unchecked dependencies for environment", "a dependency of Mix"),
];

/// The tool that a check stumbled over because this machine lacks it: that is no verdict on the change.
pub(super) fn missing_tool(status: &Status, output: &str) -> Option<String> {
    let Status::Exited(code) = status else { return None };
    if *code == 0 {
        return None;
    }
    if let Some((_, what)) = LACKING.iter().find(|(said, _)| output.contains(said)) {
        return Some((*what).to_owned());
    }
    let runner =
        output.lines().find_map(|line| line.split_once(": No module named ")).filter(|(program, _)| {
            // `python3: No module named pytest` is Python's word on `-m`; an import error of the project's is a verdict.
            program.ends_with(|c: char| c.is_ascii_digit()) || program.ends_with("python")
        });
    let name = match (runner, code) {
        (Some((_, name)), _) => name,
        // The shell's own word: `sh: 1: tsc: not found`, `bash: tsc: command not found`.
        (None, 127) => {
            let said = |line: &'static str| move |text: &str| text.strip_suffix(line).map(str::to_owned);
            let line = output
                .lines()
                .find_map(|text| said(": command not found")(text).or_else(|| said(": not found")(text)))?;
            return line.rsplit(' ').next().map(trimmed).filter(|name| !name.is_empty());
        }
        (None, _) => return None,
    };
    Some(trimmed(name)).filter(|name| !name.is_empty())
}

fn trimmed(name: &str) -> String {
    name.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

/// Words for a tool that is not there.
pub(super) fn not_installed(tool: &str, check: &Check) -> String {
    format!("{tool} is not installed ({})", check.install)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_no_verdict() {
        let missing = |code, output| missing_tool(&Status::Exited(code), output);
        assert_eq!(missing(1, "/usr/bin/python3: No module named pytest\n").as_deref(), Some("pytest"));
        assert_eq!(missing(127, "sh: 1: tsc: not found\n").as_deref(), Some("tsc"));
        assert_eq!(missing(127, "sh: line 1: bats: command not found\n").as_deref(), Some("bats"));
        assert_eq!(missing(101, "error: no such command: `nextest`\n").as_deref(), Some("cargo-nextest"));
        assert_eq!(missing(1, "E   ModuleNotFoundError: No module named 'calc'\n"), None, "a verdict");
        assert_eq!(missing(1, "1 failed\n"), None);
        assert_eq!(missing(0, "No module named x"), None);
    }

    #[test]
    fn files_are_named_as_in_the_workspace() {
        let folders = [("/src", ""), ("/w/a b/two", "two")];
        let folders = folders.map(|(folder, start)| (PathBuf::from(folder), start.to_owned()));
        for (printed, named) in [
            ("/src/a.py:3: no", "a.py:3: no"),
            ("in \"/src/a.py\" and (/src/b.py)", "in \"a.py\" and (b.py)"),
            ("rootdir: /src\n", "rootdir: .\n"),
            ("rootdir: /src/\n", "rootdir: ./\n"),
            ("/usr/src/a.h and /srcs/b.h", "/usr/src/a.h and /srcs/b.h"),
            ("/w/a b/two/x.c:1 /w/a b/two", "two/x.c:1 two"),
        ] {
            assert_eq!(as_in_workspace(printed, &folders), named);
        }
        let top = [(PathBuf::from("/"), String::new())];
        assert_eq!(as_in_workspace("/a/b", &top), "/a/b");
    }

    #[test]
    fn a_report_file_that_could_be_a_command_is_left_out() {
        let argv = vec!["mvn".to_owned()];
        assert_eq!(reporting(argv.clone(), &["a; rm b".to_owned()]), argv);
        let wrapped = reporting(argv, &["target/*.xml".to_owned()]);
        assert_eq!(wrapped[3..], ["sh", "mvn"]);
        assert!(wrapped[2].starts_with("rm -f ./target/*.xml; "), "{}", wrapped[2]);
    }
}

//! `galley doctor`: what is found, what is missing, and the command that mends it.

use galley_agent::checks::{self, Check};
use galley_agent::verify::own;
use galley_model::Endpoint;
use galley_workspace::Workspace;
use serde_json::json;

use super::terminal::{Style, print};
use super::{DONE, FAILED, RootArgs};
use crate::config;

struct Finding {
    what: &'static str,
    well: bool,
    found: String,
    mend: Option<String>,
}

/// `galley doctor`
pub fn doctor(args: &RootArgs) -> i32 {
    let mut findings = models(args);
    findings.extend([state(), sandbox(), shadows(args)]);
    findings.extend(toolchains(args));
    let style = Style::of_stdout();
    for finding in &findings {
        if args.json {
            let line = json!({ "what": finding.what, "well": finding.well, "found": finding.found, "mend": finding.mend });
            print(&format!("{line}\n"));
            continue;
        }
        let mark = if finding.well { style.green("✓") } else { style.yellow("!") };
        print(&format!("{mark} {:<10} {}\n", finding.what, finding.found));
        if let Some(mend) = &finding.mend {
            print(&format!("{:13}{}\n", "", style.cyan(mend)));
        }
    }
    if findings.iter().all(|finding| finding.well) { DONE } else { FAILED }
}

/// The main model, and those that take over from it; then the other roles.
fn models(args: &RootArgs) -> Vec<Finding> {
    let found = config::load(Some(&args.root)).and_then(|settings| {
        let mut endpoints: Vec<(&str, Endpoint)> =
            settings.chain(None)?.into_iter().map(|endpoint| ("model", endpoint)).collect();
        for (role, chain) in settings.other_roles()? {
            endpoints.extend(chain.into_iter().map(|endpoint| (role.word(), endpoint)));
        }
        Ok(endpoints)
    });
    match found {
        Err(error) => vec![Finding { what: "model", well: false, found: error.to_string(), mend: None }],
        Ok(endpoints) => endpoints.into_iter().map(|(what, endpoint)| model(what, &endpoint)).collect(),
    }
}

fn model(what: &'static str, endpoint: &Endpoint) -> Finding {
    let local = ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| endpoint.base_url.contains(host));
    let variable = endpoint.key_variable.clone().filter(|_| !endpoint.has_key() && !local);
    let mend = variable.map(|variable| format!("export {variable}=…"));
    let known = endpoint.capabilities();
    let window =
        if known.known { format!("window {}", known.context) } else { "window not known".to_owned() };
    let price = match known.prices {
        Some(prices) => format!("${}/{} per million tokens in/out", prices.base.input, prices.base.output),
        // Not free: only not known, so that no limit in dollars can bind.
        None => "price unknown: limits in dollars do not bind".to_owned(),
    };
    let found = format!("{} at {} ({window}; {price})", endpoint.name(), endpoint.base_url);
    Finding { what, well: mend.is_none(), found, mend }
}

fn state() -> Finding {
    let opened = config::state_dir().map_err(|error| error.to_string()).and_then(|folder| {
        galley_journal::Journal::open(&folder).map_err(|error| error.to_string()).map(|_| folder)
    });
    match opened {
        Ok(folder) => {
            Finding { what: "journal", well: true, found: folder.display().to_string(), mend: None }
        }
        Err(error) => Finding { what: "journal", well: false, found: error, mend: None },
    }
}

fn sandbox() -> Finding {
    let level = galley_exec::probe();
    let why = galley_exec::probe_report()
        .iter()
        .map(|(level, why)| format!("{level}: {why}"))
        .collect::<Vec<_>>()
        .join("; ");
    let mend = (!level.is_sandboxed())
        .then(|| "commands will be asked for; allow user namespaces or Landlock to sandbox them".to_owned());
    let found = if why.is_empty() { level.to_string() } else { format!("{level} ({why})") };
    Finding { what: "sandbox", well: mend.is_none(), found, mend }
}

/// By which means commands get a tree of their own, and what the kept ones take of the disk.
fn shadows(args: &RootArgs) -> Finding {
    let means = || {
        let folder = config::state_dir().map_err(|error| error.to_string())?.join("shadows");
        galley_workspace::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let bytes = galley_workspace::shadow::disk_bytes(&folder);
        let means = match galley_exec::probe_union(&args.root, &folder) {
            Ok(()) => "a union over the files, nothing is copied".to_owned(),
            Err(why) => format!("copies, or clones where the file system has them ({why})"),
        };
        Ok(format!("{means}; {} MB kept in {}", bytes / 1_000_000, folder.display()))
    };
    match means() {
        Ok(found) => Finding { what: "shadows", well: true, found, mend: None },
        Err(error) => Finding { what: "shadows", well: false, found: error, mend: None },
    }
}

fn toolchains(args: &RootArgs) -> Vec<Finding> {
    // Programs of the project are looked for by absolute paths.
    let root = args.root.canonicalize().unwrap_or_else(|_| args.root.clone());
    let checks = Workspace::open(vec![args.root.clone()])
        .map_err(|error| error.to_string())
        .and_then(|workspace| checks::detect(&workspace.snapshot()));
    match checks {
        Err(error) => vec![Finding { what: "checks", well: false, found: error, mend: None }],
        Ok(checks) if checks.is_empty() => {
            let mend = Some("write one into galley.toml, below [checks]: test = \"…\"".to_owned());
            vec![Finding {
                what: "checks",
                well: false,
                found: "no check was found in this folder".to_owned(),
                mend,
            }]
        }
        Ok(checks) => checks
            .iter()
            .map(|check| {
                let dir = root.join(&check.dir);
                let argv = own::with_own_program(check.argv.clone(), &root, &check.dir, &[]);
                let program = argv.first().map_or("", String::as_str);
                // One with a `/` is of the project, relative to the check's folder.
                let there = match program.contains('/') {
                    true => dir.join(program).is_file(),
                    false => galley_exec::which(program).is_some(),
                };
                let mend = (!there).then(|| check.install.clone());
                Finding { what: "check", well: there, found: Check { argv, ..check.clone() }.command(), mend }
            })
            .collect(),
    }
}

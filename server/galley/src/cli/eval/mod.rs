//! `galley eval`: a suite of cases, some at a time, here or handed to other machines.

mod case;
mod prepare;
mod suite;

use std::collections::HashSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::terminal::{Style, print, safe};
use super::{CANCELLED, DONE, EvalArgs, FAILED, STOPPED, USAGE, fail};
use case::{Assignment, Outcome};

/// Wall time of a case that is handed to another machine.
const HANDED: Duration = Duration::from_secs(4 * 3600);

/// `galley eval`
pub fn eval(args: &EvalArgs) -> i32 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &error.to_string()),
    };
    let status = runtime.block_on(async {
        let cancel = CancellationToken::new();
        let token = cancel.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                token.cancel();
            }
        });
        match (&args.suite, args.case) {
            (_, true) => one(args, &cancel).await,
            (Some(suite), false) => whole(args, suite, &cancel).await,
            (None, false) => fail(USAGE, "name a suite: galley eval SUITE"),
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(2));
    status
}

/// Runs the one case on standard input, as somebody else's runner asks for it.
async fn one(args: &EvalArgs, cancel: &CancellationToken) -> i32 {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string());
    let read = read.and_then(|_| serde_json::from_str(&text).map_err(|error| error.to_string()));
    let assignment: Assignment = match read {
        Ok(assignment) => assignment,
        Err(error) => return fail(USAGE, &format!("no case on standard input: {error}")),
    };
    let place = match Place::new(args.keep.as_deref()) {
        Ok(place) => place,
        Err(error) => return fail(FAILED, &error),
    };
    let outcome = case::perform(&assignment, &place.folder, cancel).await;
    print(&format!("{}\n", line(&outcome)));
    if outcome.resolved { DONE } else { FAILED }
}

async fn whole(args: &EvalArgs, path: &Path, cancel: &CancellationToken) -> i32 {
    let suite = match suite::read(path) {
        Ok(suite) => suite,
        Err(error) => return fail(USAGE, &error),
    };
    let results = args.results.clone().unwrap_or_else(|| path.with_extension("results.jsonl"));
    let (mut outcomes, done) = match earlier(&results) {
        Ok(found) => found,
        Err(error) => return fail(USAGE, &error),
    };
    let place = match Place::new(args.keep.as_deref()) {
        Ok(place) => Arc::new(place),
        Err(error) => return fail(FAILED, &error),
    };
    let models: Vec<Option<String>> = match args.model.is_empty() {
        true => vec![None],
        false => args.model.iter().cloned().map(Some).collect(),
    };
    let named = |outcome: &Outcome| {
        suite.cases.iter().any(|case| case.id == outcome.case)
            && models.iter().any(|model| model.as_deref().unwrap_or_default() == outcome.model)
    };
    outcomes.retain(named);
    let style = Style::of_stdout();
    for outcome in &outcomes {
        show(outcome, args.json, style, true);
    }
    let assignments = models.iter().flat_map(|model| {
        suite.cases.iter().map(move |case| {
            let mut case = case.clone();
            case.max_usd = args.max_usd.or(case.max_usd);
            case.max_steps = args.max_steps.or(case.max_steps);
            Assignment { case, model: model.clone() }
        })
    });
    let open: Vec<Assignment> = assignments
        .filter(|known| !done.contains(&(known.case.id.clone(), known.model.clone().unwrap_or_default())))
        .collect();
    let total = open.len();
    let mut spent: f64 = outcomes.iter().filter_map(|outcome| outcome.usd).sum();
    let mut waiting = open.into_iter();
    let mut running = futures::stream::FuturesUnordered::new();
    let mut made = 0;
    loop {
        let may_spend = args.max_total_usd.is_none_or(|limit| spent < limit);
        while running.len() < args.jobs.max(1) && may_spend && !cancel.is_cancelled() {
            let Some(assignment) = waiting.next() else { break };
            let (place, runner, cancel) = (place.clone(), args.runner.clone(), cancel.clone());
            running.push(async move {
                match runner {
                    Some(runner) => handed(&assignment, &runner, &place.folder, &cancel).await,
                    None => case::perform(&assignment, &place.folder, &cancel).await,
                }
            });
        }
        let Some(outcome) = running.next().await else { break };
        made += 1;
        if cancel.is_cancelled() {
            continue;
        }
        spent += outcome.usd.unwrap_or(0.0);
        // In the file before it is shown: what is seen is kept.
        if let Err(error) = keep(&results, &outcome) {
            return fail(FAILED, &format!("{} cannot be written: {error}", results.display()));
        }
        show(&outcome, args.json, style, false);
        outcomes.push(outcome);
    }
    if !args.json {
        print(&table(&outcomes, style));
    }
    match () {
        () if cancel.is_cancelled() => CANCELLED,
        () if made < total => fail(STOPPED, &format!("stopped at its budget: ${spent:.2} spent")),
        () if outcomes.iter().all(|outcome| outcome.resolved) => DONE,
        () => FAILED,
    }
}

/// Hands a case to the runner's command: the case on its standard input, the result as a line of its output.
async fn handed(assignment: &Assignment, runner: &str, place: &Path, cancel: &CancellationToken) -> Outcome {
    let text = match serde_json::to_string(assignment) {
        Ok(text) => text,
        Err(error) => return Outcome::error(assignment, error.to_string()),
    };
    let command = runner.replace("{case}", &assignment.case.id);
    // The runner is the person's own command: it has the whole environment, keys included.
    let env: Vec<(String, String)> = std::env::vars().collect();
    let ran = match prepare::shell(&command, place, Some(text), HANDED, &env, cancel).await {
        Ok(ran) => ran,
        Err(error) => return Outcome::error(assignment, format!("the runner: {error}")),
    };
    let read = |line: &str| serde_json::from_str::<Outcome>(line).ok();
    let outcome =
        ran.stdout.lines().rev().filter_map(read).find(|outcome| outcome.case == assignment.case.id);
    outcome.unwrap_or_else(|| Outcome::error(assignment, format!("the runner gave no result: {}", ran.tail)))
}

/// The results that are there, and the cases with the models that need not be run again.
#[allow(clippy::type_complexity, reason = "two lists of one file")]
fn earlier(results: &Path) -> Result<(Vec<Outcome>, HashSet<(String, String)>), String> {
    let text = match std::fs::read_to_string(results) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(format!("{} cannot be read: {error}", results.display())),
    };
    // A last line that was cut off is a case that is run again.
    let read = |line: &str| serde_json::from_str::<Outcome>(line).ok().filter(|outcome| !outcome.error);
    let outcomes: Vec<Outcome> = text.lines().filter_map(read).collect();
    let done = outcomes.iter().map(|outcome| (outcome.case.clone(), outcome.model.clone())).collect();
    Ok((outcomes, done))
}

fn keep(results: &Path, outcome: &Outcome) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).read(true).open(results)?;
    // After a line that was cut off a new one begins.
    let whole = std::fs::read(results)?.last().is_none_or(|byte| *byte == b'\n');
    let start = if whole { "" } else { "\n" };
    file.write_all(format!("{start}{}\n", line(outcome)).as_bytes())?;
    file.sync_data()
}

fn line(outcome: &Outcome) -> String {
    json!(outcome).to_string()
}

fn show(outcome: &Outcome, as_json: bool, style: Style, earlier: bool) {
    if as_json {
        print(&format!("{}\n", line(outcome)));
        return;
    }
    let mark = if outcome.resolved { style.green("✓") } else { style.red("✗") };
    let model = if outcome.model.is_empty() { String::new() } else { format!(" ({})", safe(&outcome.model)) };
    let note = if earlier { style.dim(" (from before)") } else { String::new() };
    print(&format!("{mark} {}{model}{note}\n", safe(&outcome.case)));
    if let Some(failure) = &outcome.failure {
        print(&format!("    {}\n", safe(failure)));
    }
}

/// A row a model.
fn table(outcomes: &[Outcome], style: Style) -> String {
    let mut models: Vec<&str> = outcomes.iter().map(|outcome| outcome.model.as_str()).collect();
    models.sort_unstable();
    models.dedup();
    let head = format!(
        "\n{:<32} {:>9} {:>10} {:>7} {:>9} {:>9} {:>8} {:>6}\n",
        "model", "resolved", "in", "cached", "out", "USD", "seconds", "steps"
    );
    let mut text = style.bold(&head);
    for model in models {
        let of = || outcomes.iter().filter(|outcome| outcome.model == model);
        let (input, cached): (u64, u64) =
            of().fold((0, 0), |sum, one| (sum.0 + one.input, sum.1 + one.cached));
        let usd: Option<f64> = of().filter_map(|one| one.usd).reduce(|sum, one| sum + one);
        let steps: u32 = of().map(|one| one.steps).sum();
        text.push_str(&format!(
            "{:<32} {:>9} {:>10} {:>6.0}% {:>9} {:>9} {:>8.0} {:>6}\n",
            if model.is_empty() { "as configured".to_owned() } else { safe(model) },
            format!("{} of {}", of().filter(|one| one.resolved).count(), of().count()),
            input,
            100.0 * cached as f64 / input.max(1) as f64,
            of().map(|one| one.output).sum::<u64>(),
            usd.map_or("–".to_owned(), |usd| format!("{usd:.4}")),
            of().map(|one| one.seconds).sum::<f64>(),
            steps,
        ));
    }
    text
}

/// Where the projects of the cases lie; removed at the end, unless they are to be kept.
struct Place {
    folder: PathBuf,
    keep: bool,
}

impl Place {
    fn new(keep: Option<&Path>) -> Result<Place, String> {
        let folder = match keep {
            Some(folder) => folder.to_path_buf(),
            None => std::env::temp_dir().join(format!("galley-eval-{}", galley_agent::clock::new_id("e"))),
        };
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Place { folder, keep: keep.is_some() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_taken_up_past_a_line_that_was_cut_off() {
        let folder = std::env::temp_dir().join(galley_agent::clock::new_id("results"));
        let outcome = |case: &str, error| Outcome { case: case.into(), error, ..Outcome::default() };
        keep(&folder, &outcome("a", false)).unwrap();
        keep(&folder, &outcome("b", true)).unwrap();
        let mut file = std::fs::OpenOptions::new().append(true).open(&folder).unwrap();
        file.write_all(b"{\"case\":\"c\",\"reso").unwrap();
        keep(&folder, &outcome("d", false)).unwrap();
        let (outcomes, done) = earlier(&folder).unwrap();
        std::fs::remove_file(&folder).unwrap();
        let names: Vec<&str> = outcomes.iter().map(|outcome| outcome.case.as_str()).collect();
        assert_eq!(names, ["a", "d"], "what could not be run is run again");
        assert!(done.contains(&("d".to_owned(), String::new())));
    }

    #[test]
    fn the_table_sums_by_model() {
        let one =
            Outcome { model: "a/b".into(), resolved: true, input: 1000, cached: 750, ..Outcome::default() };
        let two = Outcome { model: "a/b".into(), input: 1000, usd: Some(0.5), ..Outcome::default() };
        let text = table(&[one, two], Style::plain());
        assert!(text.contains("1 of 2") && text.contains("38%") && text.contains("0.5000"), "{text}");
    }
}

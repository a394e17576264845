//! `galley eval`: cases from a repository at a commit, judged by what nobody sees before, taken up again, handed to others.

use galley_e2e::model::{Model, finish};
use galley_e2e::place::{Place, stderr, stdout};
use serde_json::{Value, json};

fn edit(old: &str, new: &str) -> Value {
    let arguments = json!({ "path": "value.sh", "old": old, "new": new, "why": "asked" });
    json!({ "calls": [{ "name": "edit", "arguments": arguments }] })
}

/// A repository whose second commit has the answer, and a suite beside it.
fn place() -> (Place, String) {
    let place = Place::new(&[("value.sh", "echo 1\n")]);
    place.git(&["init", "--quiet"]);
    place.git(&["add", "."]);
    place.git(&["commit", "--quiet", "-m", "the question"]);
    let commit = place.git(&["rev-parse", "HEAD"]).trim().to_owned();
    place.write("value.sh", "echo 2\n");
    place.git(&["commit", "--quiet", "-am", "the answer"]);
    std::fs::create_dir(place.beside("plain")).unwrap();
    std::fs::write(place.beside("plain/value.sh"), "echo 1\n").unwrap();
    std::fs::write(place.beside("judge.sh"), "test \"$(sh value.sh)\" = \"$(cat wanted)\"\n").unwrap();
    let suite = format!(
        "[[case]]\nid = 'right'\nrepository = 'project'\ncommit = '{commit}'\nrequest = 'case right: print 2'\n\
         setup = ['echo 2 > wanted']\ncheck = ['sh hidden/judge.sh']\n\
         hidden = {{ 'hidden/judge.sh' = 'judge.sh' }}\n\
         [[case]]\nid = 'wrong'\nrepository = 'plain'\nrequest = 'case wrong: print 2'\nsetup = ['echo 2 > wanted']\n\
         check = ['true', 'sh hidden/judge.sh']\nhidden = {{ 'hidden/judge.sh' = 'judge.sh' }}\n"
    );
    std::fs::write(place.beside("suite.toml"), suite).unwrap();
    (place, commit)
}

fn model() -> Model {
    Model::start(&json!({ "conversations": [
        { "match": "case right", "turns": [edit("echo 1", "echo 2"), finish()] },
        { "match": "case wrong", "turns": [edit("echo 1", "echo 3"), finish()] },
    ] }))
}

fn eval(place: &Place, model: &Model, arguments: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let suite = place.beside("suite.toml");
    let mut command = place.command(&[&["eval", "--json", suite.to_str().unwrap()], arguments].concat());
    command
        .env("GALLEY_MODEL", "openai-chat/fake")
        .env("GALLEY_BASE_URL", model.url())
        .env("OPENAI_API_KEY", "sk-test");
    let output = command.output().unwrap();
    let mut lines: Vec<Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.sort_by_key(|line| line["case"].to_string());
    (output.status.code(), lines, stderr(&output))
}

#[test]
fn cases_are_judged_by_what_was_hidden_and_taken_up_where_they_stood() {
    let (place, commit) = place();
    let answer = place.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let (model, kept) = (model(), place.beside("kept"));
    let (status, lines, said) = eval(&place, &model, &["--jobs", "2", "--keep", kept.to_str().unwrap()]);
    assert_eq!((status, lines.len()), (Some(1), 2), "{said}");
    assert_eq!((&lines[0]["case"], &lines[0]["resolved"]), (&json!("right"), &json!(true)), "{lines:#?}");
    assert_eq!((&lines[0]["steps"], &lines[0]["failure"]), (&json!(2), &Value::Null));
    assert!(lines[0]["input"].as_u64() > Some(0) && lines[0]["seconds"].as_f64() > Some(0.0), "{lines:#?}");
    assert_eq!(lines[1]["resolved"], false);
    assert!(lines[1]["failure"].as_str().unwrap().contains("`sh hidden/judge.sh` failed"), "{lines:#?}");
    // The model saw neither what judges it nor anything that came later.
    let log = model.log().to_string();
    assert!(!log.contains("judge.sh") && !log.contains("the answer"), "{log}");
    let case = std::fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path().join("right"));
    let case = case.into_iter().find(|path| path.exists()).unwrap();
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git").args(arguments).current_dir(&case).output().unwrap();
        (output.status.success(), stdout(&output).trim().to_owned())
    };
    assert_eq!(git(&["log", "--all", "--format=%H"]), (true, commit));
    assert!(!git(&["cat-file", "-e", &answer]).0, "the commit that came later is there");
    assert_eq!(git(&["remote"]), (true, String::new()));
    assert_eq!(place.read("value.sh"), "echo 2\n", "the repository itself is untouched");
    // Again: everything is known, and no model is asked.
    let asked = model.log()["requests"].as_array().unwrap().len();
    let (status, again, _) = eval(&place, &model, &[]);
    assert_eq!((status, &again), (Some(1), &lines));
    assert_eq!(model.log()["requests"].as_array().unwrap().len(), asked);
    // What is not in the results is run, and only that.
    let results = place.beside("suite.results.jsonl");
    std::fs::write(&results, format!("{}\n{{\"case\":\"wr", lines[0])).unwrap();
    let (_, third, _) = eval(&place, &model, &[]);
    assert_eq!((&third[0], &third[1]["resolved"]), (&lines[0], &json!(false)));
    assert!(model.log()["requests"].as_array().unwrap().len() > asked);
}

/// The runner is a shell in namespaces of its own: another machine in small.
#[cfg(target_os = "linux")]
#[test]
fn a_runner_is_handed_each_case_and_gives_its_result() {
    let (place, _) = place();
    let (model, seen) = (model(), place.beside("seen"));
    let unshare = "unshare --user --map-root-user --mount --uts --ipc --pid --fork --mount-proc";
    let inside = std::process::Command::new("sh").args(["-c", &format!("{unshare} true")]).status().unwrap();
    if !inside.success() {
        eprintln!("no namespaces on this machine; the runner was not tried");
        return;
    }
    let runner = format!(
        "{unshare} sh -c 'echo {{case}} $$ $(readlink /proc/self/ns/uts) >> {}; exec {} eval --case'",
        seen.display(),
        galley_e2e::galley().display()
    );
    let (status, lines, said) = eval(&place, &model, &["--runner", &runner, "--jobs", "2"]);
    assert_eq!(status, Some(1), "{said}");
    assert_eq!([&lines[0]["resolved"], &lines[1]["resolved"]], [&json!(true), &json!(false)], "{lines:#?}");
    let seen = std::fs::read_to_string(&seen).unwrap();
    let own = std::fs::read_link("/proc/self/ns/uts").unwrap().display().to_string();
    assert_eq!(seen.lines().count(), 2, "{seen}");
    assert!(seen.contains("right 1 ") && !seen.contains(&own), "{seen}");
    // A runner that gives nothing is an error of that case, to be tried again.
    std::fs::remove_file(place.beside("suite.results.jsonl")).unwrap();
    let (status, lines, _) = eval(&place, &model, &["--runner", "echo no such host >&2; exit 255"]);
    assert_eq!((status, &lines[0]["error"]), (Some(1), &json!(true)));
    assert!(lines[0]["failure"].as_str().unwrap().contains("no such host"), "{lines:#?}");
}

#[test]
fn a_suite_that_cannot_be_read_is_a_usage_error_and_a_budget_stops_it() {
    let (place, _) = place();
    let model = model();
    let (status, lines, said) = eval(&place, &model, &["--max-total-usd", "0"]);
    assert_eq!((status, lines.len()), (Some(3), 0), "{said}");
    assert!(said.contains("stopped at its budget"), "{said}");
    std::fs::write(place.beside("suite.toml"), "[[case]]\nid = 'x'\n").unwrap();
    let (status, _, said) = eval(&place, &model, &[]);
    assert_eq!(status, Some(2));
    assert!(said.contains("case `x`: it has no request"), "{said}");
    assert_eq!(model.log()["requests"], json!([]));
}

//! Decisions and their way back, through editors that stumble, processes that die, and later work.

use galley_e2e::client::{Client, OnEdit, full, hunks};
use galley_e2e::model::Model;
use galley_e2e::place::Place;
use serde_json::{Value, json};

const A: &str = "fn one() {\n    1\n}\n\nfn two() {\n    2\n}\n\nfn three() {\n    3\n}\n";
const B: &str = "fn four() {\n    4\n}\n\nfn five() {\n    5\n}\n";

fn edit(path: &str, old: &str, new: &str) -> Value {
    json!({ "name": "edit", "arguments": { "why": "better", "edits": [{ "path": path, "old": old, "new": new }] } })
}

fn finish() -> Value {
    json!({ "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": "made" } }] })
}

struct Desk {
    place: Place,
    client: Client,
    model: Model,
    proposal: Value,
    task: String,
    a: String,
    b: String,
}

fn desk_with(place: Place, turns: Value) -> Desk {
    let model = Model::start(&json!({ "turns": turns }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let (a, b) = (place.uri("a.rs"), place.uri("b.rs"));
    client.open(&a);
    let task = client.task(json!({ "goal": "improve" }));
    let proposal = client.proposal();
    Desk { place, client, model, proposal, task, a, b }
}

/// Two hunks in `a.rs`, which is open, and one in `b.rs`, which is not.
fn desk() -> Desk {
    let calls = json!([
        edit("a.rs", "    1\n", "    10\n"),
        edit("a.rs", "    3\n", "    30\n"),
        edit("b.rs", "    4\n", "    40\n")
    ]);
    let revision =
        json!({ "calls": [edit("a.rs", "    30", "    300")], "match": { "user": "three hundred" } });
    desk_with(
        Place::new(&[("a.rs", A), ("b.rs", B)]),
        json!([{ "calls": calls }, finish(), revision, finish()]),
    )
}

fn accept(client: &mut Client, hunks: &[&Value]) -> Value {
    let ids: Vec<&Value> = hunks.iter().map(|hunk| &hunk["hunk"]).collect();
    client.ask("galley/hunk/accept", json!({ "hunks": ids }))
}

#[test]
fn a_key_in_the_same_moment_is_kept_and_the_accept_is_sent_anew() {
    let Desk { mut client, proposal, a, place: _place, model: _model, .. } = desk();
    client.keystroke = Some((a.clone(), "fn one".into(), "// typed\nfn one".into()));
    let answer = accept(&mut client, &[&hunks(&proposal)[1]]);
    assert_eq!(answer["applied"], true, "{answer}");
    assert_eq!(client.text(&a), format!("// typed\n{}", A.replace("    3\n", "    30\n")));
    assert_eq!(client.edits.len(), 2);
}

#[test]
fn an_edit_put_into_newer_text_is_mended() {
    let Desk { mut client, proposal, a, place: _place, model: _model, .. } = desk();
    client.on_edit = OnEdit::Careless;
    client.keystroke = Some((a.clone(), "fn one".into(), "// typed\n// more\nfn one".into()));
    let answer = accept(&mut client, &[&hunks(&proposal)[1]]);
    assert_eq!(answer["applied"], true, "{answer}");
    assert_eq!(client.text(&a), format!("// typed\n// more\n{}", A.replace("    3\n", "    30\n")));
}

#[test]
fn half_an_edit_is_told_and_the_rest_stays_pending() {
    let Desk { mut client, proposal, a, b, place: _place, model: _model, .. } = desk();
    client.open(&b);
    client.on_edit = OnEdit::Half;
    let answer = client.ask("galley/hunk/accept", json!({ "proposal": proposal["proposal"] }));
    assert_eq!(answer["applied"], false);
    let reason = answer["reason"].as_str().unwrap();
    assert!(reason.contains("locked") && reason.contains("done in a.rs, not in b.rs"), "{reason}");
    assert_eq!(answer["hunks"].as_array().unwrap().len(), 2);
    assert!(client.text(&a).contains("    10\n") && client.text(&b) == B);
    client.on_edit = OnEdit::Apply;
    assert_eq!(accept(&mut client, &[&hunks(&proposal)[2]])["applied"], true);
    assert_eq!(client.text(&b), B.replace("    4\n", "    40\n"));
}

#[test]
fn a_comment_on_a_finished_task_revises_one_hunk_and_leaves_the_decisions() {
    let Desk { mut client, proposal, a, model, place: _place, .. } = desk();
    let all = hunks(&proposal);
    accept(&mut client, &[&all[0]]);
    client.ask("galley/hunk/reject", json!({ "hunks": [all[2]["hunk"]], "reason": "b is not ours" }));
    client.ask("galley/hunk/comment", json!({ "hunk": all[1]["hunk"], "text": "make it three hundred" }));
    let revised = client.notified("galley/proposal/didChange", |params| {
        hunks(params).iter().any(|hunk| hunk["after"].as_str().is_some_and(|after| after.contains("300")))
    });
    let now = hunks(&revised);
    let told: Vec<_> =
        now.iter().map(|hunk| (hunk["hunk"].clone(), hunk["state"].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [
            (all[0]["hunk"].clone(), "accepted"),
            (all[1]["hunk"].clone(), "pending"),
            (all[2]["hunk"].clone(), "rejected")
        ]
    );
    assert_eq!(accept(&mut client, &[&now[1]])["applied"], true);
    assert_eq!(client.text(&a), A.replace("    1\n", "    10\n").replace("    3\n", "    300\n"));
    let said = model.log().to_string();
    assert!(
        said.contains("b is not ours") && said.contains("do not bring it back"),
        "the model is told: {said}"
    );
}

#[test]
fn decisions_are_taken_back_one_by_one() {
    let Desk { mut client, proposal, a, place: _place, model: _model, .. } = desk();
    let all = hunks(&proposal);
    accept(&mut client, &[&all[0]]);
    client.ask("galley/hunk/reject", json!({ "hunks": [all[1]["hunk"]] }));
    let undone = client.ask("galley/hunk/undo", json!({}));
    assert_eq!(undone["hunks"], json!([all[1]["hunk"]]), "{undone}");
    client.replace(&a, "fn two", "// later\nfn two");
    let undone = client.ask("galley/hunk/undo", json!({}));
    assert_eq!((undone["applied"].clone(), undone["hunks"].clone()), (json!(true), json!([all[0]["hunk"]])));
    assert_eq!(client.text(&a), A.replace("fn two", "// later\nfn two"));
    let now = client.ask("galley/proposal/get", json!({}));
    assert!(hunks(&now).iter().all(|hunk| hunk["state"] == "pending"), "{now}");
    assert_eq!(accept(&mut client, &[&all[0]])["applied"], true);
}

#[test]
fn marks_and_prerequisites_are_shown() {
    let Desk { mut client, proposal, place: _place, model: _model, .. } = desk();
    let first = hunks(&proposal)[0]["hunk"].clone();
    client.ask("galley/hunk/mark", json!({ "hunks": [first], "reviewed": true }));
    let now = client.ask("galley/proposal/get", json!({}));
    assert_eq!(hunks(&now)[0]["reviewed"], true);
    assert_eq!(hunks(&now)[0]["neededBy"], json!([]));
}

#[test]
fn an_accept_cut_off_by_death_is_settled_by_the_text() {
    let Desk { place, mut client, proposal, a, model, .. } = desk();
    client.on_edit = OnEdit::Lie;
    // The server dies after it sent the edit and before it saw the text.
    client.begin("galley/hunk/accept", json!({ "hunks": [hunks(&proposal)[0]["hunk"]] }));
    client.wait("the edit", |message| message["method"] == "workspace/applyEdit");
    client.child().kill().unwrap();
    drop(client);
    place.write("a.rs", &A.replace("    1\n", "    10\n"));
    let mut client = Client::start(&place, Some(&model.url()), full());
    client.open(&a);
    let now = client.notified("galley/proposal/didChange", |params| hunks(params)[0]["state"] == "accepted");
    assert_eq!(hunks(&now)[1]["state"], "pending");
    let list = client.ask("galley/checkpoint/list", json!({}));
    assert_eq!(list["checkpoints"].as_array().unwrap().len(), 1, "{list}");
    let back = client.ask("galley/checkpoint/restore", json!({}));
    assert_eq!(back["applied"], true, "{back}");
    assert_eq!(client.text(&a), A);
}

#[test]
fn a_rollback_leaves_later_work_shows_what_both_changed_and_can_be_taken_back() {
    let Desk { mut client, proposal, task, a, place: _place, model: _model, .. } = desk();
    client.ask("galley/hunk/accept", json!({ "proposal": proposal["proposal"] }));
    client.until(&task, &["done"]);
    client.replace(&a, "    30\n", "    31\n");
    client.replace(&a, "    2\n", "    22\n");
    let back = client.ask("galley/checkpoint/restore", json!({ "task": task, "all": true }));
    assert_eq!(back["applied"], true, "{back}");
    assert!(back["conflicts"][0].as_str().unwrap().starts_with("a.rs:"), "{back}");
    let kept = A.replace("    2\n", "    22\n").replace("    3\n", "    31\n");
    assert_eq!(client.text(&a), kept);
    // What both changed is a hunk to decide.
    let decide = client.notified("galley/proposal/didChange", |params| {
        params["open"] == true && params["proposal"] != proposal["proposal"]
    });
    assert_eq!(hunks(&decide)[0]["before"], "    31\n");
    assert_eq!(hunks(&decide)[0]["after"], "    3\n");
    client.ask("galley/hunk/reject", json!({ "proposal": decide["proposal"] }));
    // The rollback is a checkpoint of its own.
    let list = client.ask("galley/checkpoint/list", json!({}));
    let last = list["checkpoints"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["label"], "rolled back");
    let forth = client.ask("galley/checkpoint/restore", json!({ "checkpoint": last["checkpoint"] }));
    assert_eq!(forth["applied"], true, "{forth}");
    assert_eq!(
        client.text(&a),
        A.replace("    1\n", "    10\n").replace("    2\n", "    22\n").replace("    3\n", "    31\n")
    );
}

#[test]
fn what_git_keeps_is_never_touched_by_accepts_and_rollbacks() {
    let place = Place::new(&[("a.rs", A), ("b.rs", B), ("staged.rs", "old\n"), ("tool.rs", "#!/bin/sh\n")]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(place.root().join("tool.rs"), std::fs::Permissions::from_mode(0o755))
            .unwrap();
        std::os::unix::fs::symlink("b.rs", place.root().join("link.rs")).unwrap();
    }
    place.git(&["init", "-q"]);
    place.git(&["add", "."]);
    place.git(&["commit", "-qm", "first"]);
    place.write("staged.rs", "stashed\n");
    place.git(&["stash", "-q"]);
    place.write("staged.rs", "staged\n");
    place.git(&["add", "staged.rs"]);
    place.write("untracked.txt", "mine\n");
    let kept = |place: &Place| {
        [
            place.git(&["ls-files", "-s"]),
            place.git(&["stash", "list"]),
            place.git(&["rev-parse", "HEAD", "stash@{0}"]),
            place.read("untracked.txt"),
            place.git(&["diff", "--cached"]),
        ]
    };
    let before = kept(&place);
    let calls = json!([
        edit("a.rs", "    1\n", "    10\n"),
        edit("b.rs", "    4\n", "    40\n"),
        edit("new/c.rs", "", "fn c() {}\n"),
        { "name": "more", "arguments": { "call": ["delete", "tool.rs"] } },
    ]);
    let Desk { place, client, model: _model, .. } = desk_with(place, json!([{ "calls": calls }, finish()]));
    drop(client);
    // From the terminal, without any editor.
    let review = place.galley(&["run", "--help"]);
    assert!(review.status.success());
    let mut emacs = Client::start(&place, None, json!({ "workspace": { "applyEdit": false } }));
    let proposal = emacs.proposal();
    let answer = emacs.request("galley/hunk/accept", json!({ "proposal": proposal["proposal"] }));
    assert_eq!(answer["result"]["applied"], true, "{answer}");
    assert!(emacs.shutdown().success());
    assert!(!place.root().join("tool.rs").exists(), "{proposal:#}");
    assert_eq!(place.read("new/c.rs"), "fn c() {}\n");
    assert_eq!(place.read("b.rs"), B.replace("    4\n", "    40\n"));
    assert_eq!(kept(&place), before);
    let rolled = place.galley(&["rollback"]);
    assert!(rolled.status.success(), "{}", String::from_utf8_lossy(&rolled.stderr));
    assert_eq!(kept(&place), before);
    assert_eq!(place.git(&["status", "--porcelain"]), "M  staged.rs\n?? untracked.txt\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(place.root().join("tool.rs")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "an executable file comes back executable");
        assert!(std::fs::symlink_metadata(place.root().join("link.rs")).unwrap().is_symlink());
    }
}

/// A pseudo-random sequence, the same in every run of a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % n.max(1)
    }
}

/// Files of numbered functions; each hunk rewrites the body of every third.
fn many(files: usize) -> (Vec<(String, String)>, Vec<Value>) {
    let mut texts = Vec::new();
    let mut calls = Vec::new();
    for file in 0..files {
        let path = format!("f{file}.rs");
        let body = |number: usize| {
            format!("fn f{file}_{number}() {{\n    let old{file}_{number} = {number};\n}}\n\n")
        };
        texts.push((path.clone(), (0..18).map(body).collect::<String>()));
        for number in (0..18).step_by(3) {
            let old = format!("    let old{file}_{number} = {number};\n");
            calls.push(edit(&path, &old, &format!("    let new{file}_{number} = {number}0;\n    more();\n")));
        }
    }
    (texts, calls)
}

#[test]
fn random_typing_between_random_decisions_loses_nothing() {
    let seeds: u64 = std::env::var("GALLEY_E2E_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(2);
    for seed in 1..=seeds {
        random_review(seed, 300);
    }
}

/// The person types only marks of their own, in lines of their own; the oracle is the list of these marks, and per hunk
/// which of its two texts has to stand there.
fn random_review(seed: u64, edits: usize) {
    let (texts, calls) = many(3);
    let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let place = Place::new(&files);
    let model = Model::start(&json!({ "turns": [{ "calls": calls }, finish()] }));
    let mut client = Client::start(&place, Some(&model.url()), full());
    let uris: Vec<String> = texts.iter().map(|(path, _)| place.uri(path)).collect();
    uris.iter().for_each(|uri| client.open(uri));
    client.task(json!({ "goal": "improve" }));
    let all = hunks(&client.proposal());
    assert_eq!(all.len(), 18);
    let mut dice = Dice(seed);
    let mut marks: Vec<(usize, String)> = Vec::new();
    let mut accepted = vec![false; all.len()];
    let mut rejected = vec![false; all.len()];
    for step in 0..edits {
        let file = dice.below(uris.len());
        match dice.below(10) {
            0..=5 => {
                let text = client.text(&uris[file]);
                // At the start of a function or of the blank line behind it: beside hunks, never in them.
                let starts: Vec<usize> = text
                    .match_indices("fn f")
                    .map(|(at, _)| at)
                    .filter(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n')
                    .collect();
                let at = starts[dice.below(starts.len())];
                let mark = format!("// {step} ü😀\n");
                let place = galley_e2e::client::position(&text, at);
                client.change(
                    &uris[file],
                    &[json!({ "range": { "start": place, "end": place }, "text": mark })],
                );
                marks.push((file, mark));
            }
            6 if !marks.is_empty() => {
                let (file, mark) = marks.swap_remove(dice.below(marks.len()));
                client.replace(&uris[file], &mark, "");
            }
            7 => {
                let at = dice.below(all.len());
                if !accepted[at] && !rejected[at] {
                    if dice.below(2) == 0 {
                        let careless = dice.below(2) == 0;
                        client.on_edit = if careless { OnEdit::Careless } else { OnEdit::Apply };
                        let mark = format!("// key {step}\n");
                        let of_file = at / 6;
                        client.keystroke = Some((
                            uris[of_file].clone(),
                            format!("fn f{of_file}_1("),
                            format!("{mark}fn f{of_file}_1("),
                        ));
                        marks.push((of_file, mark));
                    }
                    let answer = accept(&mut client, &[&all[at]]);
                    assert_eq!(answer["applied"], true, "seed {seed}, step {step}: {answer}");
                    accepted[at] = true;
                }
            }
            8 => {
                let at = dice.below(all.len());
                if !accepted[at] && !rejected[at] {
                    client.ask("galley/hunk/reject", json!({ "hunks": [all[at]["hunk"]] }));
                    rejected[at] = true;
                }
            }
            _ => {
                let at = dice.below(all.len());
                if accepted[at] || rejected[at] {
                    let undone = client.ask("galley/hunk/undo", json!({ "hunks": [all[at]["hunk"]] }));
                    assert_eq!(undone["applied"], true, "seed {seed}, step {step}: {undone}");
                    (accepted[at], rejected[at]) = (false, false);
                }
            }
        }
    }
    for (file, uri) in uris.iter().enumerate() {
        let text = client.text(uri);
        for (_, mark) in marks.iter().filter(|(of, _)| *of == file) {
            assert_eq!(text.matches(mark.as_str()).count(), 1, "seed {seed}: {mark:?} in\n{text}");
        }
        let mut bare = text.clone();
        marks
            .iter()
            .filter(|(of, _)| *of == file)
            .for_each(|(_, mark)| bare = bare.replacen(mark.as_str(), "", 1));
        let mut wanted = texts[file].1.clone();
        for number in (0..18).step_by(3).filter(|number| accepted[file * 6 + number / 3]) {
            let old = format!("    let old{file}_{number} = {number};\n");
            wanted = wanted.replace(&old, &format!("    let new{file}_{number} = {number}0;\n    more();\n"));
        }
        assert_eq!(bare, wanted, "seed {seed}: file {file}");
        let server = client.ask("galley/document/text", json!({ "uri": uri }));
        assert_eq!(server["text"], text.as_str());
    }
    client.shutdown();
}

/// A project whose check fails when `b.txt` uses what `a.txt` does not have.
fn dependent() -> Desk {
    let script = "if grep -q helper b.txt && ! grep -q helper a.txt; then echo 'error: helper is not there'; exit 1; fi\n";
    let checks = "[checks.fits]\ncommand = \"sh fits.sh\"\nkind = \"compile\"\n";
    let place =
        Place::new(&[("a.txt", "one\n"), ("b.txt", "two\n"), ("fits.sh", script), ("galley.toml", checks)]);
    let calls = json!([edit("a.txt", "one\n", "helper\n"), edit("b.txt", "two\n", "use helper\n")]);
    let mut desk = desk_with(place, json!([{ "calls": calls }, finish()]));
    (desk.a, desk.b) = (desk.place.uri("a.txt"), desk.place.uri("b.txt"));
    assert_eq!(desk.proposal["evidence"][0]["status"], "passed", "{:#}", desk.proposal);
    desk
}

#[test]
fn exactly_the_accepted_hunks_are_checked_and_what_they_lack_is_said() {
    let Desk { mut client, proposal, place: _place, model: _model, .. } = dependent();
    let all = hunks(&proposal);
    assert_eq!(accept(&mut client, &[&all[1]])["applied"], true, "the accept does not wait for the check");
    let failed =
        client.notified("galley/proposal/didChange", |params| params["acceptedChecks"]["state"] == "failed");
    assert_eq!(failed["acceptedChecks"]["lacks"], json!([all[0]["hunk"]]), "{failed:#}");
    let said = client.notified("window/showMessage", |params| params["type"] == 2);
    assert!(said["message"].as_str().unwrap().contains("they lack hunk 1"), "{said}");
    assert_eq!(accept(&mut client, &[&all[0]])["applied"], true);
    let passed =
        client.notified("galley/proposal/didChange", |params| params["acceptedChecks"]["state"] == "passed");
    assert_eq!(passed["acceptedChecks"]["hunks"].as_array().unwrap().len(), 2);
}

#[test]
fn where_it_is_wanted_the_check_comes_before_and_what_fails_is_not_applied() {
    let Desk { mut client, proposal, b, place: _place, model: _model, .. } = dependent();
    client.open(&b);
    let all = hunks(&proposal);
    let before = json!({ "settings": { "galley": { "reviewCheck": "before" } } });
    client.notify("workspace/didChangeConfiguration", before);
    let refused = accept(&mut client, &[&all[1]]);
    assert_eq!(refused["applied"], false, "{refused}");
    assert!(refused["reason"].as_str().unwrap().contains("they lack hunk 1"), "{refused}");
    assert_eq!(client.text(&b), "two\n");
    let all_ids = json!({ "hunks": [all[0]["hunk"], all[1]["hunk"]] });
    assert_eq!(client.ask("galley/hunk/accept", all_ids)["applied"], true);
    assert_eq!(client.text(&b), "use helper\n");
}

#[test]
fn proof_is_stale_the_moment_the_text_changes_and_is_renewed_when_typing_rests() {
    let Desk { mut client, b, place: _place, model: _model, .. } = dependent();
    client.open(&b);
    client.replace(&b, "two\n", "two\n\nmine\n");
    client.notified("galley/proposal/didChange", |params| params["evidence"][0]["stale"] == true);
    let renewed =
        client.notified("galley/proposal/didChange", |params| params["evidence"][0]["stale"] == false);
    assert_eq!(renewed["evidence"][0]["status"], "passed");
}

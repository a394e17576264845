//! `kill -9` at any moment: the task is resumed to the same proposal, no answered call of the model is paid for twice, no
//! command that must not be repeated runs twice, and the journal is whole.
//!
//! The moments are chosen by a seed: after an event of the journal, after an event of a reply's stream, after a time.
//! `GALLEY_CHAOS_POINTS` is their number (24), `GALLEY_CHAOS_SEED` the seed (1).
//!
//! A reply is paid for when its last byte is sent, and it is never asked for again once it is in the journal. What a kill
//! between the two costs cannot be avoided by the one who is killed; these kills are counted, and told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use galley_e2e::client::{Client, full};
use galley_e2e::model::Model;
use galley_e2e::place::{Place, stdout};
use galley_journal::Journal;
use serde_json::{Value, json};

/// When the process is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// After so many new events of the journal.
    Journal(u64),
    /// After so many events of replies' streams, by the model itself: in the first life only.
    Stream(usize),
    /// After so many microseconds.
    Time(u64),
}

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

/// A task with its model.
struct Script {
    name: &'static str,
    start: Value,
    answer: Option<&'static str>,
    scenario: Value,
    config: &'static str,
    /// Whether `galley run` is killed in place of the server.
    terminal: bool,
}

fn call(name: &str, arguments: Value) -> Value {
    json!({ "calls": [{ "name": name, "arguments": arguments }], "pieces": 9, "pieceDelayMs": 1 })
}

fn edit(path: &str, old: &str, new: &str) -> Value {
    call("edit", json!({ "path": path, "old": old, "new": new, "why": format!("{old} becomes {new}") }))
}

fn finish() -> Value {
    call("finish", json!({ "outcome": "done", "text": "ready" }))
}

const FILES: &[(&str, &str)] = &[
    ("a.txt", "one\ntwo\nthree\n"),
    ("b.txt", "four\nfive\nsix\n"),
    ("check.sh", "grep -q bad a.txt && { echo 'a.txt is bad'; exit 1; }; exit 0\n"),
    ("galley.toml", "[checks.fits]\ncommand = 'sh check.sh'\n"),
];

fn scripts() -> Vec<Script> {
    let plain = |name, start, turns: Vec<Value>| Script {
        name,
        start,
        answer: None,
        scenario: json!({ "turns": turns, "prefix": "any" }),
        config: "",
        terminal: false,
    };
    let edits = || {
        vec![
            json!({ "say": "I look at both files first.", "pieces": 5, "pieceDelayMs": 1, "calls": [
                { "name": "read", "arguments": { "path": "a.txt" } }, { "name": "read", "arguments": { "path": "b.txt" } }] }),
            edit("a.txt", "two", "zwei"),
            edit("b.txt", "five", "fünf"),
            edit("a.txt", "three", "drei"),
            finish(),
        ]
    };
    let once = "echo ran >> \"$TMPDIR/ran-once\"; echo done";
    let after = |output: &str, mut turn: Value| {
        turn["match"] = json!({ "tool": output });
        turn
    };
    let mut long: Vec<Value> = (0..14)
        .map(|at| {
            let turn = call("read", json!({ "path": format!("long{at}.txt") }));
            if at == 0 { turn } else { after(&format!("{} lorem", at - 1), turn) }
        })
        .collect();
    long.push(after("13 lorem", edit("a.txt", "two", "zwei")));
    long.push(after("applied", finish()));
    vec![
        plain("edits", json!({ "goal": "translate" }), edits()),
        Script { terminal: true, ..plain("edits in a terminal", json!({ "goal": "translate" }), edits()) },
        plain(
            "red, then repaired",
            json!({ "goal": "change a" }),
            vec![
                edit("a.txt", "two", "bad"),
                finish(),
                edit("a.txt", "bad", "good"),
                call("check", json!({})),
                finish(),
            ],
        ),
        Script {
            answer: Some("once"),
            ..plain(
                "a command that the person allows",
                json!({ "goal": "run it" }),
                vec![call("run", json!({ "command": once })), edit("a.txt", "one", "eins"), finish()],
            )
        },
        Script {
            answer: Some("start"),
            ..plain(
                "a plan that is approved",
                json!({ "goal": "plan it", "plan": "ask" }),
                vec![
                    call("read", json!({ "path": "a.txt" })),
                    call("plan", json!({ "items": ["[ ] change a.txt", "[ ] check"] })),
                    edit("a.txt", "one", "eins"),
                    call("plan", json!({ "items": ["[x] change a.txt", "[>] check"] })),
                    finish(),
                ],
            )
        },
        Script {
            scenario: json!({ "turns": long, "prefix": "any", "count": "output", "side": "Nothing found so far." }),
            config: "context_tokens = 4000\n",
            ..plain("a conversation that is shortened", json!({ "goal": "read all" }), Vec::new())
        },
    ]
}

/// A script in a place of its own.
struct Stage<'a> {
    script: &'a Script,
    place: Place,
    model: Model,
    task: Option<String>,
    /// Kills that hit.
    kills: u32,
    /// Replies that were sent to the last byte and lost to a kill before they were in the journal.
    lost: u64,
    /// The moments of these kills.
    told: Vec<Moment>,
}

/// What a script came to.
#[derive(Debug, PartialEq)]
struct Outcome {
    state: Value,
    hunks: Vec<(String, String, String)>,
    evidence: Vec<(String, Value)>,
}

/// A process under test.
enum Subject {
    Server(Box<Client>),
    Terminal(Child, Receiver<String>),
}

impl<'a> Stage<'a> {
    fn new(script: &'a Script, moments: &[Moment]) -> Stage<'a> {
        let place = Place::new(FILES);
        for file in 0..14 {
            place.write(
                &format!("long{file}.txt"),
                &format!("{file} lorem ipsum dolor sit amet\n").repeat(40),
            );
        }
        std::fs::write(place.beside("config.toml"), script.config).unwrap();
        let mut scenario = script.scenario.clone();
        if let Some(Moment::Stream(after)) = moments.first() {
            scenario["kill"] = json!({ "pid": place.beside("pid"), "after": after });
        }
        Stage {
            script,
            place,
            model: Model::start(&scenario),
            task: None,
            kills: 0,
            lost: 0,
            told: Vec::new(),
        }
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.place.state()).unwrap()
    }

    /// One life of the process: begins or goes on with the task, up to its end or the kill. True where the task came to its
    /// end.
    fn live(&mut self, moment: Option<Moment>) -> bool {
        let base = self.journal().newest().unwrap();
        let known = self.task.clone().filter(|task| self.journal().task(task).unwrap().is_some());
        if self.is_over() {
            return true;
        }
        let mut subject =
            if self.script.terminal { self.in_terminal(known.as_deref()) } else { self.in_server() };
        let pid = match &mut subject {
            Subject::Server(client) => client.child().id(),
            Subject::Terminal(child, _) => child.id(),
        };
        let aim = self.place.beside("pid.new");
        std::fs::write(&aim, pid.to_string()).unwrap();
        std::fs::rename(&aim, self.place.beside("pid")).unwrap();
        let (done, over) = channel::<()>();
        let killer = moment.map(|moment| {
            let state = self.place.state();
            std::thread::spawn(move || kill_at(moment, pid, &state, base, &over))
        });
        let ended = match &mut subject {
            Subject::Server(client) => Stage::serve(self.script, &mut self.task, known, client),
            Subject::Terminal(_, lines) => {
                let mut ended = false;
                while let Ok(line) = lines.recv_timeout(Duration::from_secs(120)) {
                    let line: Value = serde_json::from_str(&line).unwrap_or_default();
                    if let Some(task) = line["task"].as_str() {
                        self.task = Some(task.to_owned());
                    }
                    ended |= !line["event"]["proposed"].is_null() || !line["event"]["ended"].is_null();
                }
                ended
            }
        };
        drop(done);
        if let Some(killer) = killer {
            killer.join().unwrap();
        }
        match subject {
            Subject::Server(client) => drop(client),
            Subject::Terminal(mut child, _) => drop(child.wait().unwrap()),
        }
        if !ended {
            self.kills += 1;
        }
        let before = self.lost;
        self.after_death();
        if self.lost > before {
            self.told.extend(moment);
        }
        ended
    }

    fn in_server(&self) -> Subject {
        Subject::Server(Box::new(Client::start_in(
            &self.place,
            Some(&self.model.url()),
            full(),
            &[("GALLEY_CONFIG", &self.place.beside("config.toml"))],
        )))
    }

    fn in_terminal(&self, known: Option<&str>) -> Subject {
        let goal = self.script.start["goal"].as_str().unwrap();
        let arguments: Vec<&str> = match known {
            Some(task) => vec!["task", "resume", "--json", task],
            None => vec!["run", "--json", goal],
        };
        let mut command = self.place.command(&arguments);
        command
            .env("GALLEY_MODEL", "openai-chat/fake")
            .env("GALLEY_BASE_URL", self.model.url())
            .env("OPENAI_API_KEY", "sk-test");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        });
        Subject::Terminal(child, lines)
    }

    /// Starts or resumes the task as a person does, and answers its questions. True where it came to its end.
    fn serve(script: &Script, task: &mut Option<String>, known: Option<String>, client: &mut Client) -> bool {
        client.answer = script.answer.map(str::to_owned);
        let of = |message: &Value, task: &str, states: &[&str]| {
            message["method"] == "galley/task/didUpdate"
                && message["params"]["task"] == task
                && states.iter().any(|state| message["params"]["state"] == *state)
        };
        let over = ["proposed", "done", "failed", "cancelled"];
        match known {
            Some(known) => {
                let states = [&over[..], &["interrupted"]].concat();
                let Some(shown) = client.wait_or_end(|message| of(message, &known, &states)) else {
                    return false;
                };
                if shown["params"]["state"] == "interrupted" {
                    client.begin("galley/task/resume", json!({ "task": known }));
                } else {
                    return true;
                }
            }
            None => {
                let id = client.begin("galley/task/start", script.start.clone());
                let answer = client
                    .wait_or_end(|message| message.get("method").is_none() && message["id"] == json!(id));
                let Some(answer) = answer else { return false };
                *task = answer["result"]["task"].as_str().map(str::to_owned);
            }
        }
        let task = task.clone().unwrap();
        client.wait_or_end(|message| of(message, &task, &over)).is_some()
    }

    /// Whether the task came to its end, though perhaps nobody was told.
    fn is_over(&self) -> bool {
        let known = self.task.as_ref().and_then(|task| self.journal().task(task).unwrap());
        known.is_some_and(|row| row.state == "proposed")
    }

    /// What must hold whenever the process is dead.
    fn after_death(&mut self) {
        let journal = self.journal();
        let verified = journal.verify().unwrap();
        assert_eq!(verified.broken, None, "{}", self.script.name);
        let sent = self.sent();
        let kept = self.kept(&journal);
        assert!(
            sent >= kept + self.lost,
            "{}: {sent} sent, {kept} kept, {} lost",
            self.script.name,
            self.lost
        );
        self.lost = sent - kept;
    }

    /// Replies that the model sent to the last byte, summaries included.
    fn sent(&self) -> u64 {
        let log = self.model.log();
        let whole = log["requests"].as_array().unwrap().iter().filter(|request| request["whole"] == true);
        whole.count() as u64
    }

    /// Replies that the journal keeps: those of the conversation, and the notes that went into its records.
    fn kept(&self, journal: &Journal) -> u64 {
        let Some(task) = &self.task else { return 0 };
        let events = journal.events(task, 0).unwrap();
        let is_kept = |kind: &str, payload: &str| {
            kind == "reply" || kind == "compacted" && payload.contains("\"recorded\"")
        };
        events.iter().filter(|event| is_kept(&event.kind, &event.payload)).count() as u64
    }

    fn outcome(&self) -> Outcome {
        let task = self.task.as_ref().unwrap();
        let shown = stdout(&self.place.galley(&["task", "show", task, "--json"]));
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let files = shown["proposal"]["files"].as_array().cloned().unwrap_or_default();
        let hunks = files.iter().flat_map(|file| {
            let path = text(&file["path"]);
            let hunks = file["hunks"].as_array().cloned().unwrap_or_default();
            hunks.into_iter().map(move |hunk| (path.clone(), text(&hunk["before"]), text(&hunk["after"])))
        });
        let evidence = shown["evidence"].as_array().cloned().unwrap_or_default();
        Outcome {
            state: shown["state"].clone(),
            hunks: hunks.collect(),
            evidence: evidence.iter().map(|known| (text(&known["check"]), known["status"].clone())).collect(),
        }
    }

    /// How often the command ran that must not be repeated.
    fn ran(&self) -> usize {
        fn lines(folder: &Path) -> usize {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let count = |path: std::path::PathBuf| match path.file_name() {
                Some(name) if name == "ran-once" => std::fs::read_to_string(&path).unwrap().lines().count(),
                _ if path.is_dir() && !path.is_symlink() => lines(&path),
                _ => 0,
            };
            entries.map(|entry| count(entry.path())).sum()
        }
        lines(&self.place.state())
    }
}

/// Kills a process at a moment, unless it came to its end before.
fn kill_at(moment: Moment, pid: u32, state: &Path, base: u64, over: &Receiver<()>) {
    let ended = |wait: Duration| over.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected);
    match moment {
        Moment::Stream(_) => return,
        Moment::Time(micros) => {
            if ended(Duration::from_micros(micros)) {
                return;
            }
        }
        Moment::Journal(count) => {
            let journal = Journal::open(state).unwrap();
            while journal.newest().unwrap() < base + count {
                if ended(Duration::from_micros(50)) {
                    return;
                }
            }
        }
    }
    let _ = std::process::Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
}

/// What an undisturbed run is like.
struct Measure {
    outcome: Outcome,
    events: u64,
    streamed: u64,
    micros: u64,
    replies: u64,
}

fn undisturbed(script: &Script) -> Measure {
    let mut stage = Stage::new(script, &[]);
    let began = Instant::now();
    assert!(stage.live(None), "{} does not come to its end", script.name);
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap();
    let outcome = stage.outcome();
    assert_eq!(outcome.state, "proposed", "{}: {outcome:?}", script.name);
    assert_eq!(stage.lost, 0);
    let log = stage.model.log();
    Measure {
        outcome,
        events: stage.journal().newest().unwrap(),
        streamed: log["sent"].as_u64().unwrap(),
        micros,
        replies: stage.sent(),
    }
}

fn moment(dice: &mut Dice, measure: &Measure, first: bool) -> Moment {
    match dice.below(if first { 3 } else { 2 }) {
        0 => Moment::Journal(1 + dice.below(measure.events)),
        1 => Moment::Time(dice.below(measure.micros)),
        _ => Moment::Stream(1 + usize::try_from(dice.below(measure.streamed)).unwrap()),
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn a_task_killed_at_any_moment_comes_to_the_same_proposal_and_pays_nothing_twice() {
    let (points, seed) = (number("GALLEY_CHAOS_POINTS", 24), number("GALLEY_CHAOS_SEED", 1));
    let scripts = scripts();
    let measures: Vec<Measure> = scripts.iter().map(undisturbed).collect();
    let mut dice = Dice(seed);
    let (mut kills, mut lost, mut runs) = (0, 0, 0);
    let mut costly = Vec::new();
    let mut by_script: BTreeMap<&str, u32> = BTreeMap::new();
    while kills < points {
        let at = usize::try_from(runs % scripts.len() as u64).unwrap();
        let (script, measure) = (&scripts[at], &measures[at]);
        runs += 1;
        let wanted = 1 + dice.below(3).min(points - kills - 1);
        let moments: Vec<Moment> = (0..wanted).map(|life| moment(&mut dice, measure, life == 0)).collect();
        let mut stage = Stage::new(script, &moments);
        let mut over = false;
        for moment in &moments {
            over = over || stage.live(Some(*moment));
        }
        over = over || stage.live(None);
        let told = format!("{} (seed {seed}, run {runs}, {moments:?})", script.name);
        assert!(over, "{told}: no end");
        assert_eq!(stage.outcome(), measure.outcome, "{told}");
        // Every reply is in the journal once; what was sent beyond that was lost to kills, one each at most.
        let replies = stage.kept(&stage.journal());
        assert_eq!(stage.sent(), replies + stage.lost, "{told}");
        assert!(stage.lost <= u64::from(stage.kills), "{told}: {} lost", stage.lost);
        if script.scenario["count"].is_null() {
            assert_eq!(replies, measure.replies, "{told}");
        }
        assert!(stage.ran() <= 1, "{told}: the command ran {} times", stage.ran());
        kills += u64::from(stage.kills);
        lost += stage.lost;
        costly.append(&mut stage.told);
        *by_script.entry(script.name).or_default() += stage.kills;
    }
    println!(
        "{kills} kills in {runs} runs, {lost} between a reply's last byte and its entry in the journal {costly:?}; {by_script:?}"
    );
}

//! What a task costs in tokens, counted by a real tokenizer on the bytes that were sent.

use galley_e2e::model::Model;
use galley_e2e::place::{Place, stderr};
use serde_json::{Value, json};

/// Tokens of the tools, the system text and each message as they stand in a request, whichever family it is of.
fn tokens(body: &Value) -> usize {
    let vocabulary = tiktoken::get_encoding("o200k_base").unwrap();
    let count = |text: &str| vocabulary.count(text);
    let parts =
        ["messages", "input", "contents"].into_iter().filter_map(|list| body[list].as_array()).flatten();
    let frozen = ["tools", "instructions", "system", "systemInstruction"].map(|field| &body[field]);
    frozen.into_iter().filter(|part| !part.is_null()).chain(parts).map(|part| count(&part.to_string())).sum()
}

const LIB: &str = r#"//! Turns titles into slugs.

/// A slug of at most `limit` characters, cut at a word's end.
pub fn slug(title: &str, limit: usize) -> String {
    let mut slug = String::new();
    for word in words(title) {
        let more = if slug.is_empty() { word.len() } else { word.len() + 1 };
        if slug.len() + more >= limit {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word);
    }
    slug
}

fn words(title: &str) -> impl Iterator<Item = String> + '_ {
    title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// A slug that no other of `taken` has: a number is added where it is needed.
pub fn unique(title: &str, limit: usize, taken: &[String]) -> String {
    let plain = slug(title, limit);
    if !taken.contains(&plain) {
        return plain;
    }
    let mut number = 2;
    loop {
        let ending = format!("-{number}");
        let mut slug = slug(title, limit.saturating_sub(ending.len()));
        slug.push_str(&ending);
        if !taken.contains(&slug) {
            return slug;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{slug, unique};

    #[test]
    fn words_are_joined() {
        assert_eq!(slug("Hello, World", 20), "hello-world");
    }

    #[test]
    fn a_slug_may_be_as_long_as_the_limit() {
        assert_eq!(slug("one two three", 7), "one-two");
    }

    #[test]
    fn it_is_cut_at_a_words_end() {
        assert_eq!(slug("one two three", 9), "one-two");
    }

    #[test]
    fn a_taken_slug_gets_a_number() {
        let taken = ["one".to_string(), "one-2".to_string()];
        assert_eq!(unique("One", 10, &taken), "one-3");
    }
}
"#;

const CARGO: &str = "[package]\nname = \"slug\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";

fn run(place: &Place, model: &Model, name: &str, arguments: &[&str]) -> Vec<Value> {
    let mut command = place.command(&[&["run"], arguments].concat());
    command
        .env("GALLEY_MODEL", name)
        .env("GALLEY_BASE_URL", model.url_for(name))
        .env("GALLEY_API_KEY_ENV", "FAKE_KEY")
        .env("FAKE_KEY", "sk-test");
    let output = command.output().unwrap();
    let log = model.log();
    assert!(output.status.success(), "{}", stderr(&output));
    let requests = log["requests"].as_array().unwrap();
    requests.iter().map(|request| request["body"].clone()).collect()
}

/// Six turns that look, read, mend and test, with the everyday set. The best peer with one tool needs 7,366 tokens for such a
/// task, the best with four 9,292.
#[test]
fn a_small_task_of_six_turns_is_cheap() {
    for kind in ["openai-chat", "anthropic", "gemini"] {
        six_turns(kind, 7_366);
    }
    // What this family answers goes back item by item as it came, with ids and states that the others do not have.
    six_turns("openai-responses", 7_700);
}

fn six_turns(kind: &str, limit: usize) {
    let place = Place::new(&[("Cargo.toml", CARGO), ("src/lib.rs", LIB)]);
    let call = |say: &str, name: &str, arguments: Value| json!({ "say": say, "calls": [{ "name": name, "arguments": arguments }] });
    let model = Model::start(&json!({ "turns": [
        call("I look around.", "run", json!({ "command": "ls -1 ." })),
        call("I look for the limit.", "search", json!({ "query": "limit", "path": "src" })),
        call("I read the file.", "read", json!({ "path": "src/lib.rs" })),
        call("The comparison is off by one.", "edit", json!({
            "path": "src/lib.rs", "old": "        if slug.len() + more >= limit {", "new": "        if slug.len() + more > limit {",
            "why": "A slug that is exactly as long as the limit still fits.",
        })),
        call("I run the tests.", "run", json!({ "command": "cargo test" })),
        { "say": "A slug may now be as long as the limit; all tests pass." },
    ] }));
    let goal = "The test a_slug_may_be_as_long_as_the_limit fails. Find the cause and fix it.";
    let bodies = run(&place, &model, &format!("{kind}/fake"), &["--apply", goal]);
    model.assert_clean();
    let each: Vec<usize> = bodies.iter().map(tokens).collect();
    println!("{kind}, tokens of the six requests: {each:?}, together {}", each.iter().sum::<usize>());
    assert_eq!(each.len(), 6, "{kind}");
    assert!(each[0] <= 1_000, "{kind} {each:?}");
    assert!(each.iter().sum::<usize>() < limit, "{kind} {each:?}");
    assert!(place.read("src/lib.rs").contains("more > limit"));
}

/// Every set of tools, with rules of the repository, a scope and a place.
#[test]
fn the_first_prompt_is_small_with_every_set_of_tools() {
    for (name, arguments, limit) in [
        ("fake", &["look"][..], 1_000),
        ("gpt-5.1-codex", &["look"][..], 1_000),
        ("fake", &["--plan=auto", "look"][..], 1_000),
        (
            "fake",
            &[
                "--scope",
                "src/**",
                "--scope-symbol",
                "slug",
                "--max-lines",
                "40",
                "--protect",
                "tests",
                "look",
            ][..],
            1_500,
        ),
    ] {
        let place = Place::new(&[
            ("Cargo.toml", CARGO),
            ("src/lib.rs", LIB),
            ("AGENTS.md", "Names are in English.\n"),
        ]);
        let end =
            json!({ "calls": [{ "name": "finish", "arguments": { "outcome": "done", "text": "looked" } }] });
        let model = Model::start(&json!({ "turns": [end.clone(), end] }));
        let mut command = place.command(&[&["run"], arguments].concat());
        command
            .env("GALLEY_MODEL", format!("openai-chat/{name}"))
            .env("GALLEY_BASE_URL", model.url())
            .env("OPENAI_API_KEY", "sk-test");
        command.output().unwrap();
        let log = model.log();
        let first = tokens(&log["requests"][0]["body"]);
        println!("{name} {arguments:?}: {first} tokens in the first request");
        assert!(first > 0 && first <= limit, "{name} {arguments:?}: {first}");
    }
}

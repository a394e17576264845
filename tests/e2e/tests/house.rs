//! The house itself: the direction between the crates, and texts that are made from code.

use std::collections::BTreeSet;

use galley_e2e::place::{Place, repository, stdout};

/// The table of `server/ARCHITECTURE.md`, as data: crate, folder, what it may use of ours.
const MAY_USE: &[(&str, &str, &[&str])] = &[
    ("galley-grammars", "grammars", &[]),
    ("galley-text", "server/text", &[]),
    ("galley-review", "server/review", &["galley-text"]),
    ("galley-index", "server/index", &["galley-text", "galley-grammars"]),
    ("galley-workspace", "server/workspace", &["galley-text", "galley-index"]),
    ("galley-model", "server/model", &[]),
    ("galley-exec", "server/exec", &[]),
    ("galley-journal", "server/journal", &[]),
    (
        "galley-agent",
        "server/agent",
        &[
            "galley-text",
            "galley-review",
            "galley-index",
            "galley-workspace",
            "galley-model",
            "galley-exec",
            "galley-journal",
        ],
    ),
];

/// What a crate must never import of others: pure crates no async, processes or network; nobody but the front the protocol.
const NEVER: &[(&str, &[&str])] = &[
    ("server/text", &["tokio", "reqwest", "rusqlite", "tree-sitter", "tower-lsp", "lsp-types", "ignore"]),
    ("server/review", &["tokio", "reqwest", "rusqlite", "tree-sitter", "tower-lsp", "lsp-types", "ignore"]),
    ("server/index", &["reqwest", "tower-lsp", "lsp-types", "rusqlite"]),
    ("server/workspace", &["reqwest", "tower-lsp", "lsp-types", "rusqlite"]),
    ("server/model", &["tree-sitter", "tower-lsp", "lsp-types", "rusqlite"]),
    ("server/exec", &["reqwest", "tower-lsp", "lsp-types", "rusqlite"]),
    ("server/journal", &["reqwest", "tower-lsp", "lsp-types", "tokio"]),
    ("server/agent", &["reqwest", "tower-lsp", "lsp-types", "rusqlite", "tree-sitter"]),
];

fn dependencies(folder: &str) -> BTreeSet<String> {
    let path = repository().join(folder).join("Cargo.toml");
    let manifest: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (key, value) in &manifest {
        if key == "dependencies" {
            names.extend(value.as_table().unwrap().keys().cloned());
        }
        if key == "target" {
            for target in value.as_table().unwrap().values() {
                let found = target.get("dependencies").and_then(toml::Value::as_table);
                names.extend(found.into_iter().flat_map(|table| table.keys().cloned()));
            }
        }
    }
    names
}

#[test]
fn crates_use_only_what_the_table_allows() {
    for (name, folder, allowed) in MAY_USE {
        for dependency in dependencies(folder).iter().filter(|dependency| dependency.starts_with("galley-")) {
            assert!(allowed.contains(&dependency.as_str()), "{name} may not use {dependency}");
        }
    }
}

#[test]
fn crates_never_import_what_is_not_theirs_to_touch() {
    for (folder, forbidden) in NEVER {
        let found = dependencies(folder);
        for name in *forbidden {
            assert!(!found.contains(*name), "{folder} must never import {name}");
        }
    }
}

#[test]
fn the_top_level_holds_the_agreed_and_nothing_else() {
    let listed = std::process::Command::new("git").args(["ls-files"]).current_dir(repository()).output();
    let Ok(listed) = listed else { return };
    let agreed = ["Cargo.toml", "Cargo.lock", "server", "editors", "grammars", "tests", "README.md"];
    for path in stdout(&listed).lines() {
        let top = path.split('/').next().unwrap_or_default();
        assert!(
            agreed.contains(&top) || top.starts_with('.') || top.starts_with("LICENSE"),
            "{top} is not agreed on"
        );
    }
}

#[test]
fn the_protocol_has_a_schema() {
    let place = Place::new(&[]);
    let output = place.galley(&["protocol", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(schema["version"], 1);
    assert!(schema["messages"]["galley/hunk/accept params"].is_object());
}

/// What both clients show, and so must know in full.
const SHOWN: [&str; 10] = [
    "Task",
    "PlanItem",
    "Step",
    "Usage",
    "Proposal",
    "ProposedFile",
    "Hunk",
    "Conflict",
    "Evidence",
    "Status",
];

#[test]
fn the_clients_types_know_every_field_that_the_server_sends() {
    let place = Place::new(&[]);
    let schema: serde_json::Value =
        serde_json::from_str(&stdout(&place.galley(&["protocol", "schema"]))).unwrap();
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).unwrap();
    let typescript = read("editors/vscode/src/protocol.ts");
    let lua = read("editors/neovim/lua/galley/protocol.lua");
    for name in SHOWN {
        let properties =
            schema["$defs"][name]["properties"].as_object().unwrap_or_else(|| panic!("no {name}"));
        for field in properties.keys() {
            let in_typescript =
                [format!("{field}:"), format!("{field}?:")].iter().any(|form| typescript.contains(form));
            assert!(in_typescript, "protocol.ts lacks {name}.{field}");
            let in_lua = [format!("@field {field} "), format!("@field {field}? ")]
                .iter()
                .any(|form| lua.contains(form));
            assert!(in_lua, "protocol.lua lacks {name}.{field}");
        }
    }
}

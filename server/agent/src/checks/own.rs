//! The checks that a project writes down itself: the table `[checks]` of `galley.toml`.
//!
//! ```toml
//! [checks]
//! test = "make unit"                  # what it judges follows from the name; otherwise it is a test
//!
//! [checks.types]
//! command = "make typecheck"
//! kind = "compile"                    # format, compile, lint, test
//! dir = "web"                         # where it runs
//! reader = "tsc"                      # how its output is read
//! ```

use std::collections::BTreeMap;
use std::fmt;

use galley_text::path::RelPath;
use galley_workspace::Snapshot;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::{Check, Kind};
use crate::outcome::Reader;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    checks: BTreeMap<String, Written>,
}

/// A check as a table, or as its command alone.
struct Written(Table);

#[derive(Deserialize)]
struct Table {
    command: String,
    kind: Option<Kind>,
    dir: Option<String>,
    reader: Option<Reader>,
    #[serde(default)]
    reports: Vec<String>,
    install: Option<String>,
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Written, D::Error> {
        from.deserialize_any(CommandOrTable)
    }
}

/// Not an untagged enum, whose errors would name neither the field nor what is wrong with it.
struct CommandOrTable;

impl<'de> Visitor<'de> for CommandOrTable {
    type Value = Written;

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("a command, or a table with a command")
    }

    fn visit_str<E: Error>(self, command: &str) -> Result<Written, E> {
        let command = command.to_owned();
        Ok(Written(Table {
            command,
            kind: None,
            dir: None,
            reader: None,
            reports: Vec::new(),
            install: None,
        }))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Written, M::Error> {
        Table::deserialize(MapAccessDeserializer::new(map)).map(Written)
    }
}

/// What the workspace's `galley.toml` lists, by name.
///
/// # Errors
/// The file cannot be read: the sentence names line and reason.
pub(super) fn checks(snapshot: &Snapshot) -> Result<Vec<Check>, String> {
    let text = RelPath::new("galley.toml").ok().and_then(|path| snapshot.read(&path).ok());
    let Some(text) = text else { return Ok(Vec::new()) };
    let file: File = toml::from_str(&text).map_err(|error| format!("galley.toml cannot be read: {error}"))?;
    Ok(file.checks.into_iter().map(|(name, Written(table))| check(name, table)).collect())
}

fn check(name: String, table: Table) -> Check {
    Check {
        kind: table.kind.unwrap_or_else(|| kind_of(&name)),
        name,
        argv: vec!["sh".to_owned(), "-c".to_owned(), table.command],
        dir: table.dir.map(|dir| dir.trim_matches('/').to_owned()).unwrap_or_default(),
        reader: table.reader.unwrap_or(Reader::Generic),
        install: table.install.unwrap_or_else(|| "see [checks] in galley.toml".to_owned()),
        reports: table.reports,
        whole: None,
    }
}

/// What a check of this name judges, if nothing else is said.
fn kind_of(name: &str) -> Kind {
    match name {
        "format" | "fmt" => Kind::Format,
        "compile" | "build" | "types" | "typecheck" => Kind::Compile,
        "lint" => Kind::Lint,
        _ => Kind::Test,
    }
}

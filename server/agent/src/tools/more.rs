//! `more`: the rarer tools behind one, so that the everyday prompt stays small.

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Edited, Tool, object, typed};

pub(super) static TOOL: Tool = Tool {
    name: "more",
    description: "Rarer tools, arguments after the name: list, outline, delete, move, undo, diff, impact, diagnostics, explore, delegate, ask, widen.",
    schema,
    announce: |arguments| {
        let call: Vec<&str> =
            arguments["call"].as_array().into_iter().flatten().filter_map(Value::as_str).take(2).collect();
        call.join(" ").lines().next().unwrap_or_default().to_owned()
    },
    run,
};

/// The description where nothing may be written.
pub(super) const READING: &str =
    "Rarer tools, arguments after the name: list, outline, impact, diagnostics, explore, ask.";

/// Entries of a listing.
const ENTRIES: usize = 200;

#[derive(Deserialize)]
struct Arguments {
    call: Vec<String>,
}

impl Arguments {
    /// All words after the tool's name.
    fn rest(&self) -> &[String] {
        self.call.get(1..).unwrap_or_default()
    }

    /// The word at a place after the tool's name.
    fn at(&self, place: usize) -> &str {
        self.call.get(place + 1).map_or("", String::as_str)
    }
}

fn schema() -> Value {
    object(json!({ "call": { "type": "array", "items": { "type": "string" } } }), &["call"])
}

fn run(context: &mut Context, arguments: Value) -> BoxFuture<'_, Answer> {
    Box::pin(async move {
        let arguments: Arguments = match typed(&TOOL, arguments) {
            Ok(arguments) => arguments,
            Err(why) => return Answer::error(why),
        };
        let tool = arguments.call.first().map_or("", String::as_str);
        if WRITING.contains(&tool) && !context.set.writes() {
            return Answer::error(format!("there is no `{tool}` here: nothing may be changed now"));
        }
        let answer = match tool {
            "list" => Ok(list(context, arguments.at(0))),
            "outline" => outline(context, arguments.at(0)),
            "delete" => delete(context, arguments.at(0)).await,
            "move" | "rename" => rename(context, &arguments).await,
            "diff" => Ok(diff_so_far(context)),
            "impact" => Ok(impact(context, arguments.at(0))),
            "diagnostics" => super::diagnostics::diagnostics(context, arguments.at(0)).await,
            "undo" => undo(context, arguments.at(0)),
            "explore" => super::explore::explore(context, arguments.rest()).await,
            "delegate" => super::explore::delegate(context, arguments.rest()).await,
            "ask" => super::ask::ask(context, arguments.rest()).await,
            "widen" => super::widen::widen(context, arguments.at(0), arguments.at(1)).await,
            other => Err(format!(
                "there is no `{other}` here; known: list, outline, delete, move, undo, diff, impact, diagnostics, explore, delegate, ask, widen"
            )),
        };
        answer.unwrap_or_else(Answer::error)
    })
}

/// What changes the overlay or what it may hold.
const WRITING: &[&str] = &["delegate", "delete", "move", "rename", "undo", "widen"];

fn list(context: &Context, folder: &str) -> Answer {
    let folder = folder.trim().trim_start_matches("./").trim_end_matches('/');
    let prefix = if folder.is_empty() || folder == "." { String::new() } else { format!("{folder}/") };
    let mut entries: Vec<(String, usize)> = Vec::new();
    for path in context.overlay.files().iter() {
        let Some(rest) = path.as_str().strip_prefix(&prefix) else { continue };
        let name = match rest.split_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => rest.to_owned(),
        };
        match entries.last_mut().filter(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => entries.push((name, 1)),
        }
    }
    if entries.is_empty() {
        return Answer::error(format!("no files under `{folder}`"));
    }
    let total = entries.len();
    let shown: Vec<String> = entries
        .into_iter()
        .take(ENTRIES)
        .map(|(name, count)| if name.ends_with('/') { format!("{name} ({count} files)") } else { name })
        .collect();
    let cut = if total > ENTRIES { format!("{ENTRIES} of {total} entries\n") } else { String::new() };
    Answer::ok(format!("{cut}{}", shown.join("\n")), format!("list {prefix}: {total} entries"))
}

fn outline(context: &Context, path: &str) -> Result<Answer, String> {
    let path = context.path(path)?;
    let text = context.overlay.read(&path).map_err(|error| format!("{}: {error}", path.as_str()))?;
    let symbols = crate::outline::of(&path, &text);
    if symbols.is_empty() {
        let lines = text.lines().count();
        return Err(format!("no symbols are known in {}; read its {lines} lines", path.as_str()));
    }
    Ok(Answer::ok(
        super::read::outline_text(&symbols),
        format!("outline of {}, {} symbols", path.as_str(), symbols.len()),
    ))
}

async fn delete(context: &mut Context, path: &str) -> Result<Answer, String> {
    let path = context.path(path)?;
    context.may_change(&path).await?;
    context.overlay.delete(&path).map_err(|error| error.to_string())?;
    let name = path.as_str().to_owned();
    let edited = vec![Edited { path: name.clone(), why: String::new(), new: String::new() }];
    Ok(Answer {
        edited,
        overlay_changed: true,
        ..Answer::ok(format!("deleted {name}"), format!("deleted {name}"))
    })
}

async fn rename(context: &mut Context, arguments: &Arguments) -> Result<Answer, String> {
    let (from, to) = (context.path(arguments.at(0))?, context.path(arguments.at(1))?);
    context.may_change(&from).await?;
    context.may_change(&to).await?;
    context.overlay.rename(&from, &to).map_err(|error| error.to_string())?;
    let said = format!("moved {} to {}", from.as_str(), to.as_str());
    let edited = vec![Edited { path: to.as_str().to_owned(), why: String::new(), new: String::new() }];
    Ok(Answer { edited, overlay_changed: true, ..Answer::ok(said.clone(), said) })
}

fn diff_so_far(context: &Context) -> Answer {
    let mut text = String::new();
    for change in context.overlay.changes() {
        text.push_str(&crate::propose::unified(&change));
    }
    if text.is_empty() {
        return Answer::ok("no changes", "diff: no changes");
    }
    let lines = text.lines().count();
    let cut: String = text.lines().take(400).map(|line| format!("{line}\n")).collect();
    Answer::ok(cut, format!("diff, {lines} lines"))
}

fn impact(context: &Context, symbol: &str) -> Answer {
    let found = context.index().impact(symbol, None, 30);
    if found.is_empty() {
        return Answer::ok(
            format!("nothing known refers to `{symbol}`"),
            format!("impact of {symbol}: nothing"),
        );
    }
    let lines: Vec<String> = found
        .iter()
        .map(|impact| format!("{}:{} {}", impact.path.as_str(), impact.line + 1, kind_word(impact.kind)))
        .collect();
    Answer::ok(lines.join("\n"), format!("impact of {symbol}: {} places", found.len()))
}

fn kind_word(kind: galley_index::ImpactKind) -> &'static str {
    match kind {
        galley_index::ImpactKind::Reference => "reference",
        galley_index::ImpactKind::Test => "test",
        galley_index::ImpactKind::Dependent => "dependent",
    }
}

fn undo(context: &mut Context, path: &str) -> Result<Answer, String> {
    let path = context.path(path)?;
    context.overlay.revert(&path);
    let said = format!("{} is as at the start", path.as_str());
    let edited = Vec::new();
    Ok(Answer { edited, overlay_changed: true, ..Answer::ok(said.clone(), said) })
}

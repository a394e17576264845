//! `search`: text, symbols, files, or words that describe what is sought.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use galley_index::IndexSnapshot;
use galley_index::search::{Hit, Hits, Place, TextQuery};
use galley_text::path::RelPath;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Tool, object, shown, typed};

pub(super) static TOOL: Tool = Tool {
    name: "search",
    description: "Search; text is a regex.",
    schema,
    announce: |arguments| format!("search {}", shown(arguments, "query")),
    run,
};

/// Hits that are shown, and bytes of an answer.
const HITS: usize = 30;
const BYTES: usize = 4_800;
/// Characters of a shown line.
const WIDTH: usize = 200;

#[derive(Deserialize)]
struct Arguments {
    query: String,
    kind: Option<String>,
    path: Option<String>,
}

fn schema() -> Value {
    object(
        json!({
            "query": { "type": "string" },
            "kind": { "type": "string", "enum": ["text", "symbol", "file", "words"] },
            "path": { "type": "string" },
        }),
        &["query"],
    )
}

fn run(context: &mut Context, arguments: Value) -> BoxFuture<'_, Answer> {
    Box::pin(async move {
        let arguments: Arguments = match typed(&TOOL, arguments) {
            Ok(arguments) => arguments,
            Err(why) => return Answer::error(why),
        };
        if arguments.query.trim().is_empty() {
            return Answer::error("the query is empty");
        }
        match arguments.kind.as_deref().unwrap_or("text") {
            "text" => text(context, &arguments),
            "symbol" => symbols(context, &arguments.query),
            "file" => files(context, &arguments.query),
            "words" => words(context, &arguments.query),
            other => Answer::error(format!("kind is text, symbol, file or words, not `{other}`")),
        }
    })
}

fn text(context: &Context, arguments: &Arguments) -> Answer {
    let globs = arguments.path.iter().map(|path| glob(path)).filter(|glob| !glob.is_empty()).collect();
    let mut query = TextQuery {
        pattern: arguments.query.clone(),
        regex: true,
        globs,
        limit: 400,
        ..TextQuery::default()
    };
    let overlay = &context.overlay;
    let (list, known) = (overlay.files(), context.index());
    let read = |path: &RelPath, bytes: &mut Vec<u8>| overlay.bytes(path, bytes);
    let differs = |path: &RelPath| overlay.is_apart(path);
    let place = Place { list: &list, read: &read, index: Some(&known), differs: &differs };
    let found = galley_index::search::search(&place, &query).or_else(|_| {
        // What is no regular expression was meant as it stands.
        query.regex = false;
        galley_index::search::search(&place, &query)
    });
    match found {
        Err(error) => Answer::error(error.to_string()),
        Ok(hits) if hits.hits.is_empty() => nothing(context, arguments, hits.searched),
        Ok(hits) => {
            let summary = format!(
                "search {}: {} in {}",
                shorten(&arguments.query),
                counted(hits.total(), "hit"),
                counted(hits.files.len(), "file")
            );
            Answer::ok(listed(context, &hits), summary)
        }
    }
}

fn nothing(context: &Context, arguments: &Arguments, searched: usize) -> Answer {
    let near: Vec<String> = context
        .index()
        .symbols_by_name(&arguments.query, 5)
        .into_iter()
        .map(|found| found.symbol.name)
        .collect();
    let hint = if near.is_empty() { String::new() } else { format!("; similar names: {}", near.join(", ")) };
    Answer::ok(
        format!("no hit in {searched} files{hint}"),
        format!("search {}: no hit", shorten(&arguments.query)),
    )
}

/// Hits grouped by file, the file with the most first, each with the symbol around it.
fn listed(context: &Context, hits: &Hits) -> String {
    let mut by_file: BTreeMap<&RelPath, Vec<&Hit>> = BTreeMap::new();
    for hit in &hits.hits {
        by_file.entry(&hit.path).or_default().push(hit);
    }
    let mut order: Vec<(&RelPath, usize)> = hits.files.iter().map(|(path, count)| (path, *count)).collect();
    order.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let (mut body, mut shown, mut rest) = (String::new(), 0, Vec::new());
    for (path, count) in order {
        if shown >= HITS || body.len() >= BYTES {
            rest.push(format!("{} ({count})", path.as_str()));
            continue;
        }
        body.push_str(&format!("{}\n", path.as_str()));
        for hit in by_file.get(path).into_iter().flatten() {
            if shown >= HITS || body.len() >= BYTES {
                break;
            }
            shown += 1;
            body.push_str(&line(context, hit));
        }
    }
    if hits.total() > shown {
        let more = if rest.is_empty() {
            String::new()
        } else {
            format!("; also in {}", rest.iter().take(20).cloned().collect::<Vec<_>>().join(", "))
        };
        return format!("{shown} of {} hits, narrow by path or pattern{more}\n{body}", hits.total());
    }
    body
}

fn line(context: &Context, hit: &Hit) -> String {
    let within =
        context.index().enclosing(&hit.path, hit.range.start).map(|symbol| format!(" [{}]", symbol.name));
    let text: String = hit.text.trim().chars().take(WIDTH).collect();
    format!("{}{} {text}\n", hit.line + 1, within.unwrap_or_default())
}

/// What is missing while the index is still being made, as a line to put behind an answer.
fn unread(index: &IndexSnapshot) -> String {
    match index.unread() {
        0 => String::new(),
        unread => format!(
            "\n(still reading {}; there definitions only, as far as lines tell)",
            counted(unread, "file")
        ),
    }
}

fn symbols(context: &Context, query: &str) -> Answer {
    let index = context.index();
    let found = index.symbols(query, HITS);
    if found.is_empty() {
        let unread = unread(&index);
        return Answer::ok(
            format!("no symbol like `{query}`{unread}"),
            format!("symbol {}: none", shorten(query)),
        );
    }
    let lines: Vec<String> = found
        .iter()
        .map(|found| format!("{}:{} {}", found.path.as_str(), found.symbol.line + 1, found.symbol.signature))
        .collect();
    let text = lines.join("\n") + &unread(&index);
    Answer::ok(text, format!("symbol {}: {} found", shorten(query), found.len()))
}

fn files(context: &Context, query: &str) -> Answer {
    let listed = context.overlay.files();
    let wanted = query.to_lowercase();
    let mut found: Vec<String> = Vec::new();
    // What holds the words as they stand comes first, then what holds their letters.
    for path in listed.iter().filter(|path| path.as_str().to_lowercase().contains(&wanted)) {
        found.push(path.as_str().to_owned());
    }
    if found.is_empty() {
        let near = galley_index::find_paths(listed.iter(), query, HITS);
        found = near.into_iter().map(|(path, _)| path.as_str().to_owned()).collect();
    }
    if found.is_empty() {
        use galley_text::format::Tree;
        found = context.overlay.near_paths(query);
    }
    let total = found.len();
    found.truncate(2 * HITS);
    let summary = format!("files {}: {total}", shorten(query));
    if total == 0 {
        return Answer::ok(format!("no file like `{query}`"), summary);
    }
    let cut = if total > found.len() { format!("{} of {total}\n", found.len()) } else { String::new() };
    Answer::ok(format!("{cut}{}", found.join("\n")), summary)
}

fn words(context: &Context, query: &str) -> Answer {
    let index = context.index();
    let found = index.rank(query, 10);
    if found.is_empty() {
        return Answer::ok("nothing ranks for these words", format!("words {}: nothing", shorten(query)));
    }
    let lines: Vec<String> =
        found.iter().map(|file| format!("{} ({})", file.path.as_str(), file.why)).collect();
    let text = lines.join("\n") + &unread(&index);
    Answer::ok(text, format!("words {}: {} files", shorten(query), found.len()))
}

/// A folder as a glob of what is in it; a glob as it is.
fn glob(path: &str) -> String {
    let path = path.trim().trim_start_matches("./").trim_end_matches('/');
    let is_glob = path.contains(['*', '?', '[', '{']);
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    if path.is_empty() || path == "." || is_glob || is_file {
        return if path == "." { String::new() } else { path.to_owned() };
    }
    format!("{path}/**")
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn shorten(query: &str) -> String {
    let mut text: String = query.chars().take(40).collect();
    if query.chars().count() > 40 {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_means_what_is_in_it() {
        assert_eq!(glob("./src/"), "src/**");
        assert_eq!(glob("src/lib.rs"), "src/lib.rs");
        assert_eq!(glob("**/*.rs"), "**/*.rs");
        assert_eq!(glob("."), "");
    }
}

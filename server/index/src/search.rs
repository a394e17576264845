//! Text search over a read function, so that overlays and unsaved buffers come before the disk. The result holds the
//! lines that ripgrep prints for the same pattern and flags: a match never reaches over a line end, `^` and `$` are
//! those of a line, and a line counts once however often it matches.

use galley_text::path::RelPath;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// How letters compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Case {
    /// As written.
    #[default]
    Sensitive,
    /// Upper and lower case are one.
    Insensitive,
    /// Insensitive if the pattern has no upper-case letter.
    Smart,
}

/// What to look for, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextQuery {
    /// The text or the regular expression.
    pub pattern: String,
    /// Is `pattern` a regular expression (in the syntax of the `regex` crate, as ripgrep's)?
    pub regex: bool,
    /// How letters compare.
    pub case: Case,
    /// Only where the match stands between word boundaries, as ripgrep's `-w`.
    pub word: bool,
    /// Globs as ripgrep's `-g`: a file is searched if it matches one of those without `!` (or there is none) and none of
    /// those with. A glob without `/` speaks of the file name; a folder's path alone means all below it.
    pub globs: Vec<String>,
    /// At most so many lines are listed; the counts go on. 0 means no limit.
    pub limit: usize,
}

/// One line that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The file.
    pub path: RelPath,
    /// Zero-based line.
    pub line: u32,
    /// Bytes of the first match, from the beginning of the line, half-open.
    pub range: Range<usize>,
    /// The line without its end.
    pub text: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hits {
    /// Lines, in order of the file list and of the text.
    pub hits: Vec<Hit>,
    /// Matching lines per file, in order of the file list, including those past the limit.
    pub files: Vec<(RelPath, usize)>,
    /// Files looked into.
    pub searched: usize,
    /// Were lines left out because of the limit?
    pub truncated: bool,
}

impl Hits {
    /// Matching lines in all files.
    pub fn total(&self) -> usize {
        self.files.iter().map(|(_, count)| count).sum()
    }
}

/// Why a query cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// The regular expression is not one.
    #[error("the pattern is not a regular expression: {0}; to find it word for word, search without regex")]
    Pattern(String),
    /// A glob is not one.
    #[error("the glob {glob:?} cannot be used: {reason}")]
    Glob {
        /// The glob as given.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Searches the files of `list`, in its order, as `read` gives them; what it does not give is passed over.
pub fn search(
    read: impl Fn(&RelPath) -> Option<Arc<str>>,
    list: &[RelPath],
    query: &TextQuery,
) -> Result<Hits, SearchError> {
    search_until(read, list, query, &|| false)
}

/// As [`search`], and stops between files once `cancelled` says so; what was found until then is returned.
pub fn search_until(
    read: impl Fn(&RelPath) -> Option<Arc<str>>,
    list: &[RelPath],
    query: &TextQuery,
    cancelled: &dyn Fn() -> bool,
) -> Result<Hits, SearchError> {
    let regex = compile(query)?;
    let globs = Globs::new(&query.globs)?;
    let limit = if query.limit == 0 { usize::MAX } else { query.limit };
    let mut hits = Hits::default();
    for path in list.iter().filter(|path| globs.admit(path)) {
        if cancelled() {
            hits.truncated = true;
            break;
        }
        let Some(text) = read(path) else { continue };
        hits.searched += 1;
        let mut count = 0;
        matching_lines(&regex, &text, |line, start, range| {
            count += 1;
            if hits.hits.len() < limit {
                let text = line_at(&text, start).trim_end_matches(['\n', '\r']).to_owned();
                hits.hits.push(Hit { path: path.clone(), line, range, text });
            } else {
                hits.truncated = true;
            }
        });
        if count > 0 {
            hits.files.push((path.clone(), count));
        }
    }
    Ok(hits)
}

fn compile(query: &TextQuery) -> Result<Regex, SearchError> {
    let mut pattern = if query.regex { query.pattern.clone() } else { regex::escape(&query.pattern) };
    if query.word {
        pattern = format!(r"\b{{start-half}}(?:{pattern})\b{{end-half}}");
    }
    let insensitive = match query.case {
        Case::Sensitive => false,
        Case::Insensitive => true,
        Case::Smart => !has_upper_case(&query.pattern, query.regex),
    };
    RegexBuilder::new(&pattern)
        .multi_line(true)
        .case_insensitive(insensitive)
        .size_limit(50 << 20)
        .build()
        .map_err(|error| {
            SearchError::Pattern(error.to_string().lines().last().unwrap_or_default().trim().to_owned())
        })
}

/// Escapes such as `\W` and `\S` do not make a pattern sensitive.
fn has_upper_case(pattern: &str, regex: bool) -> bool {
    let mut escaped = false;
    pattern.chars().any(|character| {
        let counts = !escaped && character.is_uppercase();
        escaped = regex && !escaped && character == '\\';
        counts
    })
}

/// Calls `each` with the number of every matching line, its byte offset, and the first match in it.
///
/// The whole text is searched at once, which lets the regex library look for its literals with vector
/// instructions; only the line of a candidate is looked at again, alone, because a match may have reached over its end.
fn matching_lines(regex: &Regex, text: &str, mut each: impl FnMut(u32, usize, Range<usize>)) {
    let (mut at, mut line, mut counted) = (0, 0_u32, 0);
    while at < text.len() {
        let Some(found) = regex.find_at(text, at) else { return };
        let start = text[..found.start()].rfind('\n').map_or(0, |end| end + 1).max(at);
        if start >= text.len() {
            return;
        }
        let whole = line_at(text, start);
        let bare = whole.strip_suffix('\n').unwrap_or(whole);
        if let Some(inside) = regex.find(bare) {
            line += text.as_bytes()[counted..start].iter().filter(|byte| **byte == b'\n').count() as u32;
            counted = start;
            each(line, start, inside.range());
        }
        at = start + whole.len();
    }
}

fn line_at(text: &str, start: usize) -> &str {
    let rest = &text[start..];
    rest.find('\n').map_or(rest, |end| &rest[..=end])
}

/// Compiled globs of a query.
struct Globs {
    only: Option<globset::GlobSet>,
    never: globset::GlobSet,
}

impl Globs {
    fn new(globs: &[String]) -> Result<Self, SearchError> {
        let (mut only, mut never) = (globset::GlobSetBuilder::new(), globset::GlobSetBuilder::new());
        let mut any = false;
        for glob in globs {
            let (builder, pattern) = match glob.strip_prefix('!') {
                Some(pattern) => (&mut never, pattern),
                None => {
                    any = true;
                    (&mut only, glob.as_str())
                }
            };
            for form in forms(pattern) {
                let built = globset::GlobBuilder::new(&form).literal_separator(true).build();
                builder.add(built.map_err(|error| wrong(glob, &error))?);
            }
        }
        let finish = |builder: globset::GlobSetBuilder| builder.build().map_err(|error| wrong("", &error));
        Ok(Self { only: if any { Some(finish(only)?) } else { None }, never: finish(never)? })
    }

    fn admit(&self, path: &RelPath) -> bool {
        let path = path.as_str();
        self.only.as_ref().is_none_or(|only| only.is_match(path)) && !self.never.is_match(path)
    }
}

fn wrong(glob: &str, error: &globset::Error) -> SearchError {
    SearchError::Glob { glob: glob.to_owned(), reason: error.kind().to_string() }
}

/// A glob means the path itself and all below it; without an inner `/` it may stand at any depth.
fn forms(pattern: &str) -> [String; 2] {
    let pattern = pattern.trim_start_matches("./");
    let bare = pattern.trim_end_matches('/');
    let anchored = bare.trim_start_matches('/');
    let rooted = if bare.starts_with('/') || anchored.contains('/') {
        anchored.to_owned()
    } else {
        format!("**/{anchored}")
    };
    [rooted.clone(), format!("{rooted}/**")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, query: &TextQuery) -> Vec<(u32, Range<usize>)> {
        let path = RelPath::new("a.txt").expect("a path");
        let hits = search(|_| Some(text.into()), &[path], query).expect("a query");
        hits.hits.into_iter().map(|hit| (hit.line, hit.range)).collect()
    }

    fn regex(pattern: &str) -> TextQuery {
        TextQuery { pattern: pattern.into(), regex: true, ..TextQuery::default() }
    }

    #[test]
    fn a_line_counts_once_and_matches_stay_inside_it() {
        assert_eq!(lines("aa aa\nb\naa", &regex("a")), [(0, 0..1), (2, 0..1)]);
        assert_eq!(lines("a\nb\na b\n", &regex(r"a\s+b")), [(2, 0..3)]);
        assert_eq!(lines("ab\ncb\n", &regex(r"^[^x]*$")), [(0, 0..2), (1, 0..2)]);
        assert_eq!(lines("one\n\ntwo\n", &regex("^$")), [(1, 0..0)]);
        assert_eq!(lines("x\n", &regex("")), [(0, 0..0)]);
        assert_eq!(lines("", &regex("")), []);
        assert_eq!(lines("foo\nbar", &regex("foo[^a]")), []);
    }

    #[test]
    fn literal_word_and_case() {
        let query = |pattern: &str, case, word| TextQuery {
            pattern: pattern.into(),
            case,
            word,
            ..TextQuery::default()
        };
        assert_eq!(lines("a.b\naxb\n", &query("a.b", Case::Sensitive, false)), [(0, 0..3)]);
        assert_eq!(lines("Stack\nstack\nstacks", &query("stack", Case::Smart, true)), [(0, 0..5), (1, 0..5)]);
        assert_eq!(lines("Stack\nstack", &query("Stack", Case::Smart, false)), [(0, 0..5)]);
        assert_eq!(lines("ÄB\näb", &query("äb", Case::Insensitive, false)).len(), 2);
    }

    #[test]
    fn globs_choose_files() {
        let paths = ["src/a.rs", "src/in/b.rs", "c.md"].map(|path| RelPath::new(path).expect("a path"));
        let chosen = |globs: &[&str]| -> Vec<String> {
            let globs =
                Globs::new(&globs.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>()).expect("globs");
            paths.iter().filter(|path| globs.admit(path)).map(|path| path.as_str().to_owned()).collect()
        };
        assert_eq!(chosen(&[]).len(), 3);
        assert_eq!(chosen(&["*.rs"]), ["src/a.rs", "src/in/b.rs"]);
        assert_eq!(chosen(&["src/*.rs"]), ["src/a.rs"]);
        assert_eq!(chosen(&["src"]), ["src/a.rs", "src/in/b.rs"]);
        assert_eq!(chosen(&["src", "!in"]), ["src/a.rs"]);
        assert_eq!(chosen(&["!*.md"]), ["src/a.rs", "src/in/b.rs"]);
    }

    #[test]
    fn mistakes_are_told() {
        let path = [RelPath::new("a").expect("a path")];
        let error = search(|_| None, &path, &regex("(")).expect_err("no pattern");
        assert!(error.to_string().contains("search without regex"), "{error}");
    }
}

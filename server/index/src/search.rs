//! Text search over a function that gives bytes, so that overlays and unsaved buffers come before the disk. The result
//! holds the lines that ripgrep prints for the same pattern and flags, because lines are matched by ripgrep's own
//! libraries: a match never reaches over a line end, a line counts once however often it matches, a file is searched up
//! to its first NUL, marks of byte order are understood.
//!
//! Where an index is at hand, its grams say which files may match at all; only those are opened.

use crate::grams::lists::Found;
use crate::grams::{Needs, pattern};
use crate::snapshot::IndexSnapshot;
use crate::store::{Content, Opaque, Pack};
use galley_text::path::RelPath;
use grep_matcher::Matcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering as Order;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    /// Files that the answer covers.
    pub searched: usize,
    /// Files that were read for it.
    pub read: usize,
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

/// Where a search looks.
pub struct Place<'p> {
    /// The files, in the order of their paths.
    pub list: &'p [RelPath],
    /// Puts the bytes of a file, a buffer's before the disk's, into an empty vector; `false` passes the file over.
    pub read: &'p (dyn Fn(&RelPath, &mut Vec<u8>) -> bool + Sync),
    /// What may be known of these files.
    pub index: Option<&'p IndexSnapshot>,
    /// Says of which files the text may be another than the index knows; they are read in any case.
    pub differs: &'p (dyn Fn(&RelPath) -> bool + Sync),
}

impl<'p> Place<'p> {
    /// Files of which nothing is known: all are read.
    pub fn unknown(
        list: &'p [RelPath],
        read: &'p (dyn Fn(&RelPath, &mut Vec<u8>) -> bool + Sync),
    ) -> Place<'p> {
        Place { list, read, index: None, differs: &|_| true }
    }
}

/// Searches files; what matches comes in the order of the list.
pub fn search(place: &Place, query: &TextQuery) -> Result<Hits, SearchError> {
    search_until(place, query, &|| false)
}

/// As [`search`], and stops between files once `cancelled` says so; what was found until then is returned.
pub fn search_until(
    place: &Place,
    query: &TextQuery,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Hits, SearchError> {
    let matcher = compile(query)?;
    let globs = Globs::new(&query.globs)?;
    let limit = if query.limit == 0 { usize::MAX } else { query.limit };
    let is_known_out = known_out(place, query);
    let mut searched = 0;
    let mut candidates = Vec::new();
    for (number, path) in place.list.iter().enumerate() {
        if globs.admit(path) {
            searched += 1;
            if !is_known_out[number] {
                candidates.push(path);
            }
        }
    }
    let looking = Looking { matcher: &matcher, limit, read: place.read, cancelled };
    let mut hits = Hits { searched, ..Hits::default() };
    for (path, found) in looking.at_all(&candidates) {
        hits.read += usize::from(found.was_read);
        hits.truncated |= !found.was_read && cancelled();
        if found.count > 0 {
            let room = limit - hits.hits.len();
            hits.truncated |= found.count > found.hits.len().min(room);
            hits.hits.extend(found.hits.into_iter().take(room));
            hits.files.push((path.clone(), found.count));
        }
    }
    Ok(hits)
}

/// Per file of the list: does the index say that it cannot match?
fn known_out(place: &Place, query: &TextQuery) -> Vec<bool> {
    let mut out = vec![false; place.list.len()];
    let Some(index) = place.index else { return out };
    let mut admitted = Admitted::new(needs(query));
    let mut files: Vec<_> = index.files().collect();
    if index.is_layered() {
        files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    }
    let mut files = files.into_iter().peekable();
    for (number, path) in place.list.iter().enumerate() {
        let mut order = Order::Greater;
        while let Some(file) = files.peek() {
            order = file.path.cmp(path);
            if order != Order::Less {
                break;
            }
            files.next();
        }
        let is_out = match files.peek().filter(|_| order == Order::Equal) {
            Some(file) => !admitted.has(file),
            None => index.parts.opaque.get(path).is_some_and(|file| file.why == Opaque::Binary),
        };
        out[number] = is_out && !(place.differs)(path);
    }
    out
}

/// Which contents a pattern's needs admit; lists are looked up once per pack.
struct Admitted {
    needs: Needs,
    /// The few packs that were asked, and of each which of its contents may match; `None` for all.
    packs: Vec<(Arc<Pack>, Option<Vec<bool>>)>,
}

impl Admitted {
    fn new(needs: Needs) -> Admitted {
        Admitted { needs, packs: Vec::new() }
    }

    fn has(&mut self, file: &crate::segment::File) -> bool {
        if self.needs == Needs::Nothing {
            return true;
        }
        match &file.content {
            Content::Live(_) => true,
            Content::Held(_) => {
                file.grams.as_ref().is_none_or(|pieces| pieces.iter().any(|grams| grams.admits(&self.needs)))
            }
            Content::Stored(stored) => {
                let Some((pack, number)) = stored.place() else { return true };
                let known = self.packs.iter().position(|(known, _)| Arc::ptr_eq(known, pack));
                let known = known.unwrap_or_else(|| {
                    self.packs.push((Arc::clone(pack), in_pack(pack, &self.needs)));
                    self.packs.len() - 1
                });
                let which = self.packs[known].1.as_ref();
                which.is_none_or(|which| which.get(number as usize).copied().unwrap_or(true))
            }
        }
    }
}

/// Per content of a pack: may it match? `None` if all may.
fn in_pack(pack: &Pack, needs: &Needs) -> Option<Vec<bool>> {
    let Found::Only(pieces) = pack.lists()?.find(needs) else { return None };
    let mut which = vec![false; pack.len()];
    for number in pieces.into_iter().filter_map(|piece| pack.of_piece(piece)) {
        which[number as usize] = true;
    }
    Some(which)
}

fn needs(query: &TextQuery) -> Needs {
    // Grams know no case; what is insensitive needs less, so that in doubt it counts as that.
    let insensitive = query.case != Case::Sensitive;
    pattern::needs(&expression(query), insensitive)
}

fn expression(query: &TextQuery) -> String {
    if query.regex { query.pattern.clone() } else { regex_syntax::escape(&query.pattern) }
}

fn compile(query: &TextQuery) -> Result<RegexMatcher, SearchError> {
    let mut builder = RegexMatcherBuilder::new();
    builder.multi_line(true).line_terminator(Some(b'\n')).word(query.word).size_limit(50 << 20);
    match query.case {
        Case::Sensitive => &mut builder,
        Case::Insensitive => builder.case_insensitive(true),
        Case::Smart => builder.case_smart(true),
    };
    builder.build(&expression(query)).map_err(|error| {
        SearchError::Pattern(error.to_string().lines().last().unwrap_or_default().trim().to_owned())
    })
}

/// What one file holds.
#[derive(Default)]
struct InFile {
    was_read: bool,
    count: usize,
    hits: Vec<Hit>,
}

struct Looking<'l> {
    matcher: &'l RegexMatcher,
    limit: usize,
    read: &'l (dyn Fn(&RelPath, &mut Vec<u8>) -> bool + Sync),
    cancelled: &'l (dyn Fn() -> bool + Sync),
}

/// A thread more for so many files.
const PER_THREAD: usize = 32;

impl Looking<'_> {
    /// Looks into files, on several threads if there are many.
    fn at_all<'f>(&self, files: &[&'f RelPath]) -> Vec<(&'f RelPath, InFile)> {
        let threads =
            std::thread::available_parallelism().map_or(1, usize::from).min(files.len() / PER_THREAD + 1);
        let (next, listed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let look = || {
            let (mut counting, mut listing) = (searcher(false), searcher(true));
            let (mut bytes, mut done) = (Vec::new(), Vec::new());
            loop {
                // What is listed is read before a number is taken: it then speaks of earlier files only, and lines behind
                // the limit need not be made.
                let room = self.limit.saturating_sub(listed.load(Ordering::Acquire));
                let number = next.fetch_add(1, Ordering::AcqRel);
                let Some(path) = files.get(number) else { return done };
                let searcher = if room == 0 { &mut counting } else { &mut listing };
                let found = self.at(path, room, searcher, &mut bytes);
                listed.fetch_add(found.hits.len(), Ordering::AcqRel);
                done.push((number, found));
            }
        };
        let mut all: Vec<(usize, InFile)> = if threads == 1 {
            look()
        } else {
            std::thread::scope(|scope| {
                let lookers: Vec<_> = (0..threads).map(|_| scope.spawn(look)).collect();
                lookers.into_iter().flat_map(|looker| looker.join().unwrap_or_default()).collect()
            })
        };
        all.sort_unstable_by_key(|(number, _)| *number);
        all.into_iter().map(|(number, found)| (files[number], found)).collect()
    }

    /// Looks into one file and lists up to `room` of its lines.
    fn at(&self, path: &RelPath, room: usize, searcher: &mut Searcher, bytes: &mut Vec<u8>) -> InFile {
        bytes.clear();
        if (self.cancelled)() || !(self.read)(path, bytes) {
            return InFile::default();
        }
        let mut found = InFile { was_read: true, ..InFile::default() };
        if self.is_surely_without(bytes) {
            return found;
        }
        let sink = Lines { matcher: self.matcher, room, path, found: &mut found };
        // A slice is searched without copying; but what a NUL cuts off is decided piece by piece, as for a stream.
        let is_plain = memchr::memchr(0, bytes).is_none();
        let searched = match is_plain {
            true => searcher.search_slice(self.matcher, bytes, sink),
            false => searcher.search_reader(self.matcher, &bytes[..], sink),
        };
        // Bytes in memory fail in one way only: a text marked as UTF-16 that is none. What was found before counts.
        let _ = searched;
        found
    }

    /// One look at all bytes says that no line matches, where lines are not looked at one by one. A mark of byte order
    /// means that these are not the bytes to look at.
    fn is_surely_without(&self, bytes: &[u8]) -> bool {
        let is_marked =
            [&b"\xEF\xBB\xBF"[..], b"\xFF\xFE", b"\xFE\xFF"].iter().any(|mark| bytes.starts_with(mark));
        !is_marked
            && self.matcher.line_terminator().is_some()
            && self.matcher.shortest_match(bytes).is_ok_and(|found| found.is_none())
    }
}

fn searcher(numbers_lines: bool) -> Searcher {
    SearcherBuilder::new().line_number(numbers_lines).binary_detection(BinaryDetection::quit(0)).build()
}

/// Takes the lines that match.
struct Lines<'s> {
    matcher: &'s RegexMatcher,
    room: usize,
    path: &'s RelPath,
    found: &'s mut InFile,
}

impl Sink for Lines<'_> {
    type Error = std::io::Error;

    fn matched(&mut self, _: &Searcher, line: &SinkMatch<'_>) -> Result<bool, std::io::Error> {
        self.found.count += 1;
        if self.found.hits.len() < self.room {
            let bare = line.bytes().strip_suffix(b"\n").unwrap_or(line.bytes());
            let range =
                self.matcher.find(bare).ok().flatten().map_or(0..0, |found| found.start()..found.end());
            let text = String::from_utf8_lossy(bare.strip_suffix(b"\r").unwrap_or(bare)).into_owned();
            let number = line.line_number().unwrap_or(1).saturating_sub(1);
            let line = u32::try_from(number).unwrap_or(u32::MAX);
            self.found.hits.push(Hit { path: self.path.clone(), line, range, text });
        }
        Ok(true)
    }
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
        self.only.as_ref().is_none_or(|only| only.is_match(path))
            && (self.never.is_empty() || !self.never.is_match(path))
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
        let read = |_: &RelPath, bytes: &mut Vec<u8>| {
            bytes.extend(text.bytes());
            true
        };
        let hits = search(&Place::unknown(&[path], &read), query).expect("a query");
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
        let error = search(&Place::unknown(&path, &|_, _| false), &regex("(")).expect_err("no pattern");
        assert!(error.to_string().contains("search without regex"), "{error}");
    }
}

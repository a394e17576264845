//! Words: how identifiers, comments and questions are cut into comparable terms.
//!
//! `parseHTTPHeader`, `parse_http_header` and "parse HTTP header" share their terms. A term is lower case and lightly
//! stemmed, so that "requests" finds `request`; a whole identifier of several parts is a term of its own too, because
//! a question that names it exactly should find it first.

use crate::hash::short;

/// A term as it is kept: 32 bits of its text.
pub(crate) type Term = u32;

/// Words of the question that say nothing about where to look.
const STOP: &[&str] = &[
    "about",
    "above",
    "actually",
    "add",
    "added",
    "adding",
    "adds",
    "after",
    "again",
    "all",
    "allow",
    "allows",
    "also",
    "always",
    "an",
    "and",
    "another",
    "any",
    "are",
    "as",
    "at",
    "avoid",
    "be",
    "because",
    "been",
    "before",
    "behavior",
    "being",
    "below",
    "between",
    "both",
    "bug",
    "bugs",
    "but",
    "by",
    "can",
    "cannot",
    "case",
    "cases",
    "cause",
    "caused",
    "causes",
    "change",
    "changed",
    "changes",
    "commit",
    "correct",
    "correctly",
    "could",
    "currently",
    "did",
    "do",
    "does",
    "doesn",
    "doing",
    "don",
    "done",
    "due",
    "each",
    "either",
    "else",
    "ensure",
    "etc",
    "even",
    "every",
    "existing",
    "expected",
    "fail",
    "fails",
    "few",
    "first",
    "fix",
    "fixed",
    "fixes",
    "fixing",
    "following",
    "for",
    "from",
    "get",
    "gets",
    "give",
    "given",
    "going",
    "good",
    "had",
    "happen",
    "happens",
    "has",
    "have",
    "having",
    "hence",
    "here",
    "how",
    "however",
    "if",
    "implement",
    "implemented",
    "improve",
    "in",
    "instead",
    "into",
    "introduced",
    "is",
    "isn",
    "issue",
    "issues",
    "it",
    "its",
    "just",
    "let",
    "like",
    "ll",
    "longer",
    "look",
    "lot",
    "made",
    "make",
    "makes",
    "making",
    "many",
    "may",
    "maybe",
    "might",
    "more",
    "most",
    "much",
    "must",
    "need",
    "needed",
    "needs",
    "never",
    "new",
    "no",
    "not",
    "note",
    "now",
    "of",
    "off",
    "old",
    "on",
    "once",
    "one",
    "only",
    "or",
    "other",
    "otherwise",
    "our",
    "out",
    "over",
    "per",
    "previous",
    "previously",
    "problem",
    "properly",
    "provide",
    "rather",
    "re",
    "really",
    "related",
    "remove",
    "removed",
    "removes",
    "result",
    "same",
    "see",
    "seem",
    "seems",
    "should",
    "shouldn",
    "similar",
    "simply",
    "since",
    "so",
    "some",
    "still",
    "such",
    "support",
    "supports",
    "sure",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "therefore",
    "these",
    "they",
    "thing",
    "things",
    "this",
    "those",
    "though",
    "thus",
    "to",
    "too",
    "two",
    "under",
    "unless",
    "until",
    "up",
    "update",
    "us",
    "use",
    "used",
    "useful",
    "uses",
    "using",
    "very",
    "via",
    "want",
    "was",
    "wasn",
    "way",
    "we",
    "well",
    "were",
    "what",
    "when",
    "where",
    "whether",
    "which",
    "while",
    "who",
    "why",
    "will",
    "with",
    "without",
    "won",
    "work",
    "working",
    "works",
    "would",
    "wrong",
    "yet",
    "you",
    "your",
];

/// Is the lower-case word one that says nothing?
pub(crate) fn is_stop(word: &str) -> bool {
    word.len() < 2 || STOP.binary_search(&word).is_ok()
}

/// Calls `each` with every maximal run of letters, digits and `_` that begins with a letter or `_`, and with numbers
/// such as 404 that may tell something.
pub(crate) fn words<'a>(text: &'a str, mut each: impl FnMut(&'a str)) {
    let bytes = text.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let mut at = 0;
    while at < bytes.len() {
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && is_word(bytes[at]) {
            at += 1;
        }
        let number = bytes[start].is_ascii_digit();
        let telling = (3..=8).contains(&(at - start)) && bytes[start..at].iter().all(u8::is_ascii_digit);
        if at - start <= 80 && (!number || telling) {
            each(&text[start..at]);
        }
    }
}

/// Calls `each` with the parts of an identifier: cut at `_`, before an upper-case letter that follows a lower-case
/// one, before the last of several upper-case letters that a lower-case one follows, and between letters and digits.
pub(crate) fn parts<'a>(word: &'a str, mut each: impl FnMut(&'a str)) {
    let bytes = word.as_bytes();
    let class = |byte: u8| match byte {
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        b'_' => 0,
        _ => 3,
    };
    let mut start = 0;
    for at in 0..=bytes.len() {
        let cut = at == bytes.len()
            || at > start && {
                let (before, here) = (class(bytes[at - 1]), class(bytes[at]));
                match (before, here) {
                    (0, _) | (_, 0) => true,
                    (1, 1) => bytes.get(at + 1).is_some_and(|next| class(*next) == 3),
                    (1, 3) => false,
                    _ => before != here,
                }
            };
        if cut {
            if at > start && bytes[start] != b'_' {
                each(&word[start..at]);
            }
            start = at;
        }
    }
}

/// The term of one part: lower case, without the commonest endings.
pub(crate) fn term(part: &str) -> Term {
    let mut buffer = [0_u8; 80];
    let Some(room) = buffer.get_mut(..part.len()) else { return short(part) };
    room.copy_from_slice(part.as_bytes());
    room.make_ascii_lowercase();
    let stem = stem_length(room);
    short(std::str::from_utf8(&room[..stem]).unwrap_or(part))
}

/// The term of a whole identifier, in lower case, unstemmed; apart from the terms of parts by its mark.
pub(crate) fn whole(word: &str) -> Term {
    let mut lower = word.to_ascii_lowercase();
    lower.retain(|c| c != '_');
    short(&lower) ^ 0x5555_0000
}

/// How many bytes of a lower-case word its stem has. Deliberately timid: joining too much costs more than too little.
fn stem_length(word: &[u8]) -> usize {
    let length = word.len();
    let ends = |suffix: &str| word.ends_with(suffix.as_bytes());
    if length >= 6 && ends("ies") {
        return length - 2;
    }
    if length >= 5 && (ends("sses") || ends("xes") || ends("ches") || ends("shes")) {
        return length - 2;
    }
    if length >= 7 && ends("ing") {
        return without_double(word, length - 3);
    }
    if length >= 6 && ends("ed") && !ends("eed") {
        return without_double(word, length - 2);
    }
    if length >= 4 && ends("s") && !ends("ss") && !ends("us") && !ends("is") {
        return strip_e(word, length - 1);
    }
    strip_e(word, length)
}

/// "parse", "parsing", "parsed" meet at "pars"; "stopped" and "stop" at "stop".
fn without_double(word: &[u8], length: usize) -> usize {
    let doubled = length >= 2
        && word[length - 1] == word[length - 2]
        && !matches!(word[length - 1], b'l' | b's' | b'z');
    strip_e(word, if doubled { length - 1 } else { length })
}

fn strip_e(word: &[u8], length: usize) -> usize {
    if length >= 5 && word[length - 1] == b'e' { length - 1 } else { length }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(word: &str) -> Vec<&str> {
        let mut found = Vec::new();
        parts(word, |part| found.push(part));
        found
    }

    #[test]
    fn identifiers_are_cut_where_a_reader_would() {
        assert_eq!(cut("parseHTTPHeader"), ["parse", "HTTP", "Header"]);
        assert_eq!(cut("parse_http_header"), ["parse", "http", "header"]);
        assert_eq!(cut("__init__"), ["init"]);
        assert_eq!(cut("utf8Decoder2"), ["utf", "8", "Decoder", "2"]);
        assert_eq!(cut("größeÄndern"), ["größeÄndern"]);
        assert_eq!(cut("_"), [] as [&str; 0]);
    }

    #[test]
    fn endings_do_not_part_words() {
        for (one, other) in [
            ("requests", "request"),
            ("parsing", "parse"),
            ("stopped", "stop"),
            ("caches", "cache"),
            ("entries", "entry"),
        ] {
            let equal = term(one) == term(other);
            assert!(equal || one == "entries" || one == "caches", "{one} {other}");
        }
        assert_ne!(term("class"), term("clas"));
    }

    #[test]
    fn stop_words_are_sorted() {
        assert!(STOP.is_sorted(), "binary search needs order: {:?}", STOP.windows(2).find(|w| w[0] > w[1]));
    }
}

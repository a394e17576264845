//! The first tier: definitions from the first words of lines, without a parser. It is right about most code that is
//! indented as people indent it, costs a small part of a parse, and stands in until the parsed facts are there; for texts
//! that are too large to be parsed it is all there is.

use crate::found::{Found, NAME_LIMIT, Occurrence, Span, Tag, What};
use crate::turn::worked;
use galley_grammars::{Language, SymbolKind as Kind};

/// Words that may stand before the one that says what is defined.
const BEFORE: &[&str] = &[
    "pub",
    "export",
    "default",
    "async",
    "public",
    "private",
    "protected",
    "static",
    "abstract",
    "final",
    "override",
    "virtual",
    "inline",
    "extern",
    "unsafe",
    "const",
    "open",
    "data",
    "sealed",
    "internal",
    "partial",
    "readonly",
    "declare",
    "suspend",
    "local",
    "inner",
    "case",
    "implicit",
    "lazy",
    "mutable",
    "create",
    "CREATE",
    "or",
    "OR",
    "replace",
    "REPLACE",
    "constexpr",
    "typedef",
    "companion",
    "fileprivate",
    "mutating",
    "rec",
    "crate",
    "super",
];

/// So many words are looked at before a line is left.
const WORDS: usize = 7;

/// What the words of a language define.
struct Keywords {
    languages: &'static [&'static str],
    /// The word, what it defines, and whether only without indentation.
    words: &'static [(&'static str, Kind, bool)],
    /// What `type name(…) {` defines, if anything.
    calls: Option<Kind>,
}

const KEYWORDS: &[Keywords] = &[
    Keywords {
        languages: &["rust", "zig"],
        words: &[
            ("fn", Kind::Function, false),
            ("struct", Kind::Struct, false),
            ("enum", Kind::Enum, false),
            ("trait", Kind::Trait, false),
            ("mod", Kind::Module, false),
            ("type", Kind::Type, false),
            ("union", Kind::Struct, false),
            ("const", Kind::Constant, true),
            ("static", Kind::Variable, true),
            ("macro_rules", Kind::Macro, false),
        ],
        calls: None,
    },
    Keywords {
        languages: &["python", "ruby", "elixir", "julia", "r", "lua", "bash"],
        words: &[
            ("def", Kind::Function, false),
            ("class", Kind::Class, false),
            ("module", Kind::Module, false),
            ("defmodule", Kind::Module, false),
            ("defp", Kind::Function, false),
            ("defmacro", Kind::Macro, false),
            ("function", Kind::Function, false),
            ("struct", Kind::Struct, false),
            ("macro", Kind::Macro, false),
        ],
        calls: None,
    },
    Keywords {
        languages: &["javascript", "typescript", "tsx", "vue", "svelte"],
        words: &[
            ("function", Kind::Function, false),
            ("class", Kind::Class, false),
            ("interface", Kind::Interface, false),
            ("enum", Kind::Enum, false),
            ("type", Kind::Type, true),
            ("namespace", Kind::Module, false),
            ("const", Kind::Constant, true),
            ("let", Kind::Variable, true),
            ("var", Kind::Variable, true),
        ],
        calls: Some(Kind::Method),
    },
    Keywords {
        languages: &["go"],
        words: &[
            ("func", Kind::Function, false),
            ("type", Kind::Type, false),
            ("const", Kind::Constant, true),
            ("var", Kind::Variable, true),
            ("package", Kind::Module, true),
        ],
        calls: None,
    },
    Keywords {
        languages: &["java", "csharp", "kotlin", "scala", "swift", "dart", "php"],
        words: &[
            ("class", Kind::Class, false),
            ("interface", Kind::Interface, false),
            ("enum", Kind::Enum, false),
            ("record", Kind::Struct, false),
            ("struct", Kind::Struct, false),
            ("object", Kind::Class, false),
            ("trait", Kind::Trait, false),
            ("protocol", Kind::Interface, false),
            ("fun", Kind::Function, false),
            ("func", Kind::Function, false),
            ("def", Kind::Function, false),
            ("function", Kind::Function, false),
            ("namespace", Kind::Module, false),
            ("typealias", Kind::Type, false),
        ],
        calls: Some(Kind::Method),
    },
    Keywords {
        languages: &["c", "cpp"],
        words: &[
            ("struct", Kind::Struct, false),
            ("union", Kind::Struct, false),
            ("enum", Kind::Enum, false),
            ("class", Kind::Class, false),
            ("namespace", Kind::Module, false),
            ("#define", Kind::Macro, true),
        ],
        calls: Some(Kind::Function),
    },
    Keywords {
        languages: &["haskell", "elm", "ocaml", "ocaml_interface"],
        words: &[
            ("type", Kind::Type, true),
            ("data", Kind::Type, true),
            ("newtype", Kind::Type, true),
            ("class", Kind::Interface, true),
            ("module", Kind::Module, false),
            ("let", Kind::Function, true),
        ],
        calls: None,
    },
    Keywords {
        languages: &["protobuf", "sql"],
        words: &[
            ("message", Kind::Struct, false),
            ("service", Kind::Interface, false),
            ("enum", Kind::Enum, false),
            ("rpc", Kind::Method, false),
            ("table", Kind::Table, false),
            ("TABLE", Kind::Table, false),
            ("view", Kind::Table, false),
            ("VIEW", Kind::Table, false),
            ("function", Kind::Function, false),
            ("FUNCTION", Kind::Function, false),
        ],
        calls: None,
    },
];

/// Words before a parenthesis that define nothing.
const CONTROL: &[&str] = &[
    "if",
    "for",
    "while",
    "switch",
    "return",
    "else",
    "new",
    "throw",
    "catch",
    "do",
    "case",
    "await",
    "yield",
    "typeof",
    "delete",
    "sizeof",
    "defined",
    "elif",
    "foreach",
    "using",
    "lock",
    "synchronized",
    "super",
    "this",
    "with",
    "function",
    "when",
    "try",
    "in",
    "of",
    "not",
    "and",
    "or",
    "assert",
    "void",
    "goto",
];

/// A definition whose end has not come yet.
struct Open {
    tag: usize,
    indent: usize,
}

/// Finds definitions in a text.
pub(crate) fn scan(language: &Language, text: &str, found: &mut Found) {
    let Some(keywords) = KEYWORDS.iter().find(|table| table.languages.contains(&language.name)) else {
        return;
    };
    let mut open: Vec<Open> = Vec::new();
    let mut start = 0;
    for (row, line) in text.split_inclusive('\n').enumerate() {
        let trimmed = line.trim_start_matches([' ', '\t']);
        let indent = line.len() - trimmed.len();
        let content = trimmed.trim_end();
        if content.starts_with('}') || content == "end" {
            close(found, &mut open, indent, start + line.trim_end().len(), row);
        } else if let Some((kind, name)) = line_defines(keywords, content, indent) {
            close(found, &mut open, indent, start, row.saturating_sub(1));
            let name =
                Span { start: (start + indent + name.start) as i32, end: (start + indent + name.end) as i32 };
            open.push(Open { tag: found.tags.len(), indent });
            let span = Span { start: (start + indent) as i32, end: (start + line.trim_end().len()) as i32 };
            let length = (name.end - name.start) as u8;
            found.occurrences.push(Occurrence { start: name.start as u32, length, uses: 0 });
            let what = What::Definition(kind);
            found.tags.push(Tag { pattern: 0, what, span, name, row: row as i32, end_row: row as i32 });
        }
        start += line.len();
        worked(1);
    }
    let rows = found.tags.last().map_or(0, |tag| tag.row as usize) + 1;
    close(found, &mut open, 0, start, rows.max(text.lines().count()).saturating_sub(1));
}

/// Ends what is indented as much or more. What began on the line before keeps its one line.
fn close(found: &mut Found, open: &mut Vec<Open>, indent: usize, end: usize, row: usize) {
    while let Some(last) = open.pop_if(|last| last.indent >= indent) {
        if let Some(tag) = found.tags.get_mut(last.tag) {
            tag.span.end = tag.span.end.max(end as i32);
            tag.end_row = tag.end_row.max(row as i32);
        }
    }
}

/// What a line without its indentation defines, and where in it the name is.
fn line_defines(keywords: &Keywords, line: &str, indent: usize) -> Option<(Kind, std::ops::Range<usize>)> {
    let first = *line.as_bytes().first()?;
    if !(first.is_ascii_alphabetic() || first == b'_' || first == b'#' || first >= 0x80) {
        return None;
    }
    let mut at = 0;
    for _ in 0..WORDS {
        let word = word_at(line, at)?;
        let text = &line[word.clone()];
        let known = keywords.words.iter().find(|(known, _, _)| *known == text);
        if let Some((_, kind, outermost)) = known.filter(|(_, _, outermost)| !outermost || indent == 0) {
            let next = after_keyword(line, word.end).and_then(|at| word_at(line, at));
            let next =
                next.filter(|next| !keywords.words.iter().any(|(known, _, _)| *known == &line[next.clone()]));
            match next {
                Some(name) if is_defined(keywords, *kind, line, *outermost) => return named(*kind, name),
                _ if !BEFORE.contains(&text) => break,
                _ => {}
            }
        } else if !BEFORE.contains(&text) {
            break;
        }
        // `pub(crate)`
        at = line[word.end..].find(|c: char| c.is_alphanumeric() || c == '_').map(|next| word.end + next)?;
    }
    let kind = keywords.calls.filter(|_| line.ends_with('{') || indent == 0 && line.ends_with([')', ',']))?;
    called(line, kind, indent)
}

fn named(kind: Kind, name: std::ops::Range<usize>) -> Option<(Kind, std::ops::Range<usize>)> {
    (name.len() <= NAME_LIMIT).then_some((kind, name))
}

/// `struct name;` and `struct name *x` of C say nothing new.
fn is_defined(keywords: &Keywords, kind: Kind, line: &str, outermost: bool) -> bool {
    !keywords.languages.contains(&"c")
        || outermost
        || kind == Kind::Module
        || line.ends_with('{')
        || !line.contains([';', '('])
}

/// The word at or soon after a place: letters, digits, `_`, `$`, and `#` before them.
fn word_at(line: &str, at: usize) -> Option<std::ops::Range<usize>> {
    let rest = line.get(at..)?;
    let start = at + rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let body = line[start..].strip_prefix('#').map_or(start, |_| start + 1);
    let end = body + line[body..].find(|c| !is_word(c)).unwrap_or(line.len() - body);
    (end > body).then_some(start..end)
}

/// Where the name stands after its keyword: behind `!`, `*` and a receiver in parentheses.
fn after_keyword(line: &str, at: usize) -> Option<usize> {
    let rest = line[at..].trim_start_matches(['!', '*', ' ', '\t']);
    if !rest.starts_with('(') {
        return Some(line.len() - rest.len());
    }
    rest.find(')').map(|close| line.len() - rest.len() + close + 1)
}

/// The name of a function whose line says no more than `type name(`.
fn called(line: &str, kind: Kind, indent: usize) -> Option<(Kind, std::ops::Range<usize>)> {
    let before = line.split_once('(')?.0.trim_end();
    if before.contains(['=', '"', '\'', '.', ';', '{', '+', '?']) {
        return None;
    }
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let start = before
        .rfind(|c| !is_word(c))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let name = start..before.len();
    let first = before.split([' ', '\t']).next().unwrap_or_default();
    // A function of C has a type before its name, a method of JavaScript need not.
    let is_alone = start == 0 && (kind != Kind::Method || indent == 0);
    if name.is_empty() || is_alone || CONTROL.contains(&first) || CONTROL.contains(&&before[name.clone()]) {
        return None;
    }
    if before[name.clone()].starts_with(|c: char| c.is_ascii_digit()) { None } else { named(kind, name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(language: &str, text: &str) -> Vec<String> {
        let mut found = Found::default();
        scan(galley_grammars::by_name(language).expect("a language"), text, &mut found);
        let line = |tag: &Tag| {
            let What::Definition(kind) = tag.what else { panic!("a definition") };
            format!(
                "{kind} {} {}-{}",
                &text[tag.name.start as usize..tag.name.end as usize],
                tag.row,
                tag.end_row
            )
        };
        found.tags.iter().map(line).collect()
    }

    #[test]
    fn first_words_of_lines_tell_definitions() {
        let rust = "pub(crate) struct A {\n    x: u8,\n}\nimpl A {\n    pub const fn f(&self) {\n        g();\n    }\n}\nconst N: u8 = 1;\n";
        assert_eq!(names("rust", rust), ["struct A 0-2", "function f 4-6", "constant N 8-8"]);
        let python = "class A:\n    async def f(self):\n        pass\n\n    x = 1\ndef g(): pass\n";
        assert_eq!(names("python", python), ["class A 0-4", "function f 1-4", "function g 5-5"]);
        let c = "#define N 1\nstruct s {\n  int x;\n};\nstruct s *next(struct s *it)\n{\n  if (it) {\n  }\n}\nint f(int a) {\n}\nint g(void);\n";
        assert_eq!(names("c", c), ["macro N 0-0", "struct s 1-3", "function next 4-8", "function f 9-10"]);
        let script = "export default class A {\n  constructor(x) {\n  }\n  async f() {\n    if (x) {\n    }\n  }\n}\nexport const g = () => 1;\n";
        assert_eq!(
            names("typescript", script),
            ["class A 0-7", "method constructor 1-2", "method f 3-6", "constant g 8-8"]
        );
        let go = "package a\nfunc (s *S) F() {\n}\ntype S struct {\n}\n";
        assert_eq!(names("go", go), ["module a 0-0", "function F 1-2", "type S 3-4"]);
    }
}

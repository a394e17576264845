//! From a line of shell to its simple commands, as a POSIX shell with the common extensions of bash reads it.
//!
//! Nothing is expanded: a word knows its text as written and whether the shell would compute something in it. Every
//! command that the line can run is in the result, from subshells, substitutions, here-documents and bodies of
//! functions too. What the parser does not understand is noted, and a noted line is never allowed unasked.

use std::iter::Peekable;
use std::str::Chars;

/// Deeper nesting is noted instead of followed.
const DEPTH: usize = 24;
/// Longer lines are noted instead of read.
const LENGTH: usize = 64 << 10;

/// One word of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// Its text without quotes; what would be expanded stands as written.
    pub text: String,
    /// Whether the shell computes a part of it: variables, substitutions, braces.
    pub computed: bool,
    /// Whether it has an unquoted `*`, `?` or `[`.
    pub glob: bool,
    /// Whether any of it was quoted; a quoted word is no keyword, and a quoted `~` no home.
    pub quoted: bool,
}

/// A redirection: its sign without the number, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    pub sign: String,
    pub target: Word,
}

/// A simple command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Simple {
    /// Variables set in front of it.
    pub assignments: Vec<(String, Word)>,
    pub words: Vec<Word>,
    pub redirects: Vec<Redirect>,
    /// Index of the command whose output it reads.
    pub reads_from: Option<usize>,
    /// Index of the command in whose words it stands as a substitution.
    pub inside: Option<usize>,
}

/// All simple commands of a line, and what was not understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub commands: Vec<Simple>,
    pub notes: Vec<&'static str>,
    /// Names of functions that the line defines.
    pub functions: Vec<String>,
}

/// Parses a line; never fails, but notes what it could not read.
pub(super) fn parse(text: &str) -> Line {
    let mut line = Line::default();
    if text.len() > LENGTH {
        line.notes.push("the command is too long to be judged");
    } else if text.contains('\0') {
        line.notes.push("the command holds a NUL character");
    } else {
        let mut parser =
            Parser { rest: text.chars().peekable(), line, depth: 0, inside: None, heredocs: vec![] };
        parser.list(None);
        line = parser.line;
    }
    line
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    line: Line,
    depth: usize,
    inside: Option<usize>,
    /// Ends of here-documents that begin at the next line: delimiter, whether tabs are cut, whether it is literal.
    heredocs: Vec<(String, bool, bool)>,
}

/// Words that only structure a line; the command begins behind them.
const KEYWORDS: &[&str] =
    &["if", "then", "else", "elif", "fi", "while", "until", "do", "done", "{", "}", "!", "time", "coproc"];

impl Parser<'_> {
    fn note(&mut self, note: &'static str) {
        if !self.line.notes.contains(&note) {
            self.line.notes.push(note);
        }
    }

    /// Reads commands up to `end` (or the end of the text).
    fn list(&mut self, end: Option<char>) {
        self.depth += 1;
        if self.depth > DEPTH {
            self.note("the command is nested too deeply to be judged");
            self.rest.by_ref().for_each(drop);
        }
        let mut reads_from = None;
        loop {
            let before = self.line.commands.len();
            let closed = self.simple(reads_from, end);
            let made = (self.line.commands.len() > before).then_some(before);
            if closed {
                break;
            }
            reads_from = match self.rest.next() {
                None => {
                    if end.is_some() {
                        self.note("a bracket is never closed");
                    }
                    break;
                }
                Some('|') => match self.rest.next_if(|c| matches!(c, '|' | '&')) {
                    Some('|') => None,
                    _ => made.or(reads_from),
                },
                Some(separator @ ('&' | ';')) => {
                    while self.rest.next_if_eq(&separator).is_some() {}
                    None
                }
                Some('\n') => {
                    self.skip_heredocs();
                    None
                }
                Some(_) => {
                    self.note("a bracket stands where none belongs");
                    None
                }
            };
        }
        self.depth -= 1;
    }

    /// Reads one simple command; true if the closing `end` was met.
    fn simple(&mut self, reads_from: Option<usize>, end: Option<char>) -> bool {
        // Substitutions inside of the words refer to this place.
        let place = self.line.commands.len();
        self.line.commands.push(Simple { reads_from, inside: self.inside, ..Simple::default() });
        let mut closed = false;
        loop {
            self.skip_blanks();
            match self.rest.peek() {
                None | Some('|' | ';' | '\n') => break,
                Some('&') => {
                    if !self.redirect_both(place) {
                        break;
                    }
                }
                Some('#') => self.skip_comment(),
                Some('(') => self.bracket(place, reads_from),
                Some(')') => {
                    if end == Some(')') {
                        self.rest.next();
                        closed = true;
                    }
                    break;
                }
                Some('<' | '>') => self.redirect(place),
                Some(_) => self.place_word(place),
            }
        }
        self.drop_empty(place);
        closed
    }

    /// Removes the command begun at `place` if nothing was in it (and nothing refers to it).
    fn drop_empty(&mut self, place: usize) {
        let command = &self.line.commands[place];
        let empty =
            command.words.is_empty() && command.assignments.is_empty() && command.redirects.is_empty();
        if empty && self.line.commands.len() == place + 1 {
            self.line.commands.pop();
        }
    }

    fn place_word(&mut self, place: usize) {
        let word = self.word(place);
        let command = &mut self.line.commands[place];
        if command.words.is_empty() {
            if !word.quoted && KEYWORDS.contains(&word.text.as_str()) {
                return;
            }
            if let Some((name, value)) = assignment(&word) {
                command.assignments.push((name, value));
                return;
            }
            if !word.quoted
                && matches!(word.text.as_str(), "case" | "for" | "select" | "function" | "[[" | "((")
            {
                self.note("the command has a loop, a choice or a function, whose words are not followed");
            }
        }
        let digits = !word.quoted && !word.text.is_empty() && word.text.bytes().all(|b| b.is_ascii_digit());
        let redirects = matches!(self.rest.peek(), Some('<' | '>'));
        if !(digits && redirects) {
            self.line.commands[place].words.push(word);
        }
    }

    /// `(` at the beginning is a subshell, after one word a function, elsewhere a mistake.
    fn bracket(&mut self, place: usize, reads_from: Option<usize>) {
        self.rest.next();
        let words = &self.line.commands[place].words;
        match words.len() {
            0 => {
                let inner = self.line.commands.len();
                self.list(Some(')'));
                if let (Some(first), Some(from)) = (self.line.commands.get_mut(inner), reads_from) {
                    first.reads_from.get_or_insert(from);
                }
            }
            1 => {
                let name = words[0].text.clone();
                self.skip_blanks();
                if self.rest.next_if_eq(&')').is_none() {
                    self.note("a bracket stands where none belongs");
                }
                self.note("the command defines a function");
                self.line.functions.push(name);
                self.line.commands[place].words.clear();
            }
            _ => self.note("a bracket stands where none belongs"),
        }
    }

    /// `&>` and `&>>`; false if the `&` is a separator.
    fn redirect_both(&mut self, place: usize) -> bool {
        let mut ahead = self.rest.clone();
        ahead.next();
        if ahead.next() != Some('>') {
            return false;
        }
        self.rest.next();
        self.redirect(place);
        true
    }

    fn redirect(&mut self, place: usize) {
        let mut sign = String::new();
        while let Some(c) = self.rest.next_if(|c| matches!(c, '<' | '>')) {
            sign.push(c);
            if sign.len() == 3 {
                break;
            }
        }
        if matches!(sign.as_str(), "<" | ">") && self.rest.peek() == Some(&'(') {
            self.rest.next();
            self.nested(place);
            let word = Word { text: "/dev/fd/63".to_owned(), computed: true, ..Word::default() };
            self.line.commands[place].words.push(word);
            return;
        }
        let heredoc = sign == "<<";
        let cut_tabs = heredoc && self.rest.next_if_eq(&'-').is_some();
        if let Some(c) = self.rest.next_if(|c| matches!(c, '&' | '|')) {
            sign.push(c);
        }
        self.skip_blanks();
        if matches!(self.rest.peek(), None | Some('\n' | ';' | '|' | '&' | '<' | ')')) {
            self.note("a redirection leads nowhere");
        }
        let target = self.word(place);
        if heredoc {
            self.heredocs.push((target.text.clone(), cut_tabs, target.quoted));
        }
        self.line.commands[place].redirects.push(Redirect { sign, target });
    }

    /// Reads the bodies of the here-documents that were announced on the line just ended.
    fn skip_heredocs(&mut self) {
        for (delimiter, cut_tabs, literal) in std::mem::take(&mut self.heredocs) {
            let mut body = String::new();
            loop {
                let mut line = String::new();
                let mut ended = true;
                for c in self.rest.by_ref() {
                    if c == '\n' {
                        ended = false;
                        break;
                    }
                    line.push(c);
                }
                let shown = if cut_tabs { line.trim_start_matches('\t') } else { &line };
                if shown == delimiter {
                    break;
                }
                if ended {
                    self.note("a here-document never ends");
                    break;
                }
                body.push_str(&line);
                body.push('\n');
            }
            if !literal {
                self.substitutions_in(&body);
            }
        }
    }

    /// Judges the substitutions in a text that the shell treats as if in double quotes.
    fn substitutions_in(&mut self, text: &str) {
        if !text.contains('`') && !text.contains("$(") {
            return;
        }
        let place = self.line.commands.len().saturating_sub(1);
        self.within(text, |parser| {
            let mut word = Word::default();
            while let Some(c) = parser.rest.next() {
                match c {
                    '\\' => drop(parser.rest.next()),
                    '$' => parser.dollar(&mut word, place, true),
                    '`' => parser.backticks(&mut word, place),
                    _ => {}
                }
            }
        });
    }

    /// Runs `read` on another text, with the same results.
    fn within(&mut self, text: &str, read: impl FnOnce(&mut Parser<'_>)) {
        let depth = self.depth + 1;
        if depth > DEPTH {
            return self.note("the command is nested too deeply to be judged");
        }
        let mut inner = Parser {
            rest: text.chars().peekable(),
            line: std::mem::take(&mut self.line),
            depth,
            inside: self.inside,
            heredocs: vec![],
        };
        read(&mut inner);
        self.line = inner.line;
    }

    /// Reads a list up to `)`, as a substitution in the command at `place`.
    fn nested(&mut self, place: usize) {
        let outer = self.inside.replace(place);
        self.list(Some(')'));
        self.inside = outer;
    }

    fn word(&mut self, place: usize) -> Word {
        let mut word = Word::default();
        let mut brace = 0usize;
        while let Some(&c) = self.rest.peek() {
            if matches!(c, ' ' | '\t' | '\r' | '\n' | '|' | '&' | ';' | '(' | ')' | '<' | '>') {
                break;
            }
            self.rest.next();
            match c {
                '\\' => match self.rest.next() {
                    Some('\n') | None => {}
                    Some(escaped) => {
                        word.quoted = true;
                        word.text.push(escaped);
                    }
                },
                '\'' => self.single(&mut word),
                '"' => self.double(&mut word, place),
                '$' => self.dollar(&mut word, place, false),
                '`' => self.backticks(&mut word, place),
                _ => {
                    word.glob |= matches!(c, '*' | '?' | '[');
                    match c {
                        '{' => brace = word.text.len() + 1,
                        ',' | '.' if brace > 0 => word.computed |= c == ',' || word.text.ends_with('.'),
                        _ => {}
                    }
                    word.text.push(c);
                }
            }
        }
        word
    }

    fn single(&mut self, word: &mut Word) {
        word.quoted = true;
        loop {
            match self.rest.next() {
                None => return self.note("a quote is never closed"),
                Some('\'') => return,
                Some(c) => word.text.push(c),
            }
        }
    }

    fn double(&mut self, word: &mut Word, place: usize) {
        word.quoted = true;
        loop {
            match self.rest.next() {
                None => return self.note("a quote is never closed"),
                Some('"') => return,
                Some('\\') => match self.rest.next() {
                    Some('\n') | None => {}
                    Some(c @ ('$' | '`' | '"' | '\\')) => word.text.push(c),
                    Some(c) => word.text.extend(['\\', c]),
                },
                Some('$') => self.dollar(word, place, true),
                Some('`') => self.backticks(word, place),
                Some(c) => word.text.push(c),
            }
        }
    }

    /// What follows a `$`.
    fn dollar(&mut self, word: &mut Word, place: usize, in_double: bool) {
        match self.rest.peek() {
            Some('(') => {
                self.rest.next();
                word.computed = true;
                word.text.push_str("$()");
                // Arithmetic looks like a subshell in a substitution and is read as one: too strict at worst.
                self.nested(place);
            }
            Some('{') => {
                self.rest.next();
                word.computed = true;
                let inner = self.braced();
                word.text.push_str(&format!("${{{inner}}}"));
                self.substitutions_in(&inner);
            }
            Some('\'') if !in_double => {
                self.rest.next();
                self.ansi(word);
            }
            Some('"') if !in_double => {
                self.rest.next();
                self.double(word, place);
            }
            Some(c)
                if c.is_ascii_alphanumeric()
                    || matches!(c, '_' | '?' | '!' | '$' | '@' | '*' | '#' | '-') =>
            {
                word.computed = true;
                word.text.push('$');
            }
            _ => word.text.push('$'),
        }
    }

    /// The inside of `${…}`.
    fn braced(&mut self) -> String {
        let (mut inner, mut open) = (String::new(), 1);
        while let Some(c) = self.rest.next() {
            match c {
                '{' => open += 1,
                '}' => open -= 1,
                '\\' => {
                    inner.push(c);
                    inner.extend(self.rest.next());
                    continue;
                }
                _ => {}
            }
            if open == 0 {
                return inner;
            }
            inner.push(c);
        }
        self.note("a bracket is never closed");
        inner
    }

    /// `$'…'`: escapes as in C.
    fn ansi(&mut self, word: &mut Word) {
        word.quoted = true;
        loop {
            match self.rest.next() {
                None => return self.note("a quote is never closed"),
                Some('\'') => return,
                Some('\\') => match self.rest.next() {
                    Some(c @ ('\\' | '\'' | '"' | '?')) => word.text.push(c),
                    Some('n') => word.text.push('\n'),
                    Some('t') => word.text.push('\t'),
                    // Numbers and the rest are not decoded: the word counts as computed.
                    _ => word.computed = true,
                },
                Some(c) => word.text.push(c),
            }
        }
    }

    fn backticks(&mut self, word: &mut Word, place: usize) {
        word.computed = true;
        word.text.push_str("$()");
        let mut inner = String::new();
        loop {
            match self.rest.next() {
                None => {
                    self.note("a quote is never closed");
                    break;
                }
                Some('`') => break,
                Some('\\') => match self.rest.next() {
                    Some(c @ ('`' | '\\' | '$')) => inner.push(c),
                    Some(c) => inner.extend(['\\', c]),
                    None => {}
                },
                Some(c) => inner.push(c),
            }
        }
        let outer = self.inside.replace(place);
        self.within(&inner, |parser| parser.list(None));
        self.inside = outer;
    }

    fn skip_blanks(&mut self) {
        loop {
            if self.rest.next_if(|c| matches!(c, ' ' | '\t' | '\r')).is_some() {
                continue;
            }
            let mut ahead = self.rest.clone();
            if ahead.next() == Some('\\') && ahead.next() == Some('\n') {
                self.rest = ahead;
                continue;
            }
            return;
        }
    }

    fn skip_comment(&mut self) {
        while self.rest.next_if(|&c| c != '\n').is_some() {}
    }
}

/// Splits `NAME=value` (or `NAME+=value`).
fn assignment(word: &Word) -> Option<(String, Word)> {
    let (name, value) = word.text.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let first = name.chars().next()?;
    let is_name = (first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name.to_owned(), Word { text: value.to_owned(), ..word.clone() }))
}

#[cfg(test)]
mod tests;

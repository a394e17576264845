//! Reads the text of a `tags.scm` into patterns, as far as the walk can follow them. What it cannot express (repeated
//! children, several names, supertypes) is left to the query engine, pattern by pattern.
//!
//! The text is that of a query that compiles; on any other the reader gives up on what it does not understand.

/// One node of a pattern: an alternative of a choice has the captures of the choice too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    pub(crate) captures: Vec<String>,
    /// Fields that the node must not have.
    pub(crate) absent: Vec<String>,
    pub(crate) parts: Vec<Part>,
    /// No named sibling may follow the last part.
    pub(crate) closed: bool,
}

/// Which nodes a shape fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `_`
    Any,
    /// `(_)`
    Named,
    /// Any of these: the name, and whether it is a named kind (`(x)`) or a token (`"x"`).
    OneOf(Vec<(String, bool)>),
}

/// A child of a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) field: Option<String>,
    /// No named sibling may lie between the part before, or the start, and this one.
    pub(crate) adjacent: bool,
    pub(crate) shape: Shape,
}

/// What stands after `#` in a pattern: a condition on the text of captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) name: String,
    pub(crate) capture: String,
    pub(crate) arguments: Vec<String>,
}

/// A pattern of a query, its choices written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// Its text, for the query engine.
    pub(crate) source: String,
    /// `None` where it is beyond this reader.
    pub(crate) forms: Option<Vec<Form>>,
    pub(crate) conditions: Vec<Condition>,
}

/// One way to fit a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// One node with what it holds.
    Single(Shape),
    /// A node, then any number of siblings of the kinds between, then the last one, nothing else named in between.
    Row { first: Shape, between: Kind, last: Shape },
}

/// So many ways to write out the choices of one pattern, at most.
const FORMS: usize = 256;

/// Reads all patterns of a query, in order.
pub(crate) fn read(source: &str) -> Vec<Pattern> {
    let tokens = tokens(source);
    let mut reader = Reader { tokens: &tokens, at: 0, conditions: Vec::new(), failed: false };
    let mut patterns = Vec::new();
    while reader.at < tokens.len() {
        let (start, before) = (tokens[reader.at].start, reader.at);
        reader.conditions.clear();
        reader.failed = false;
        let item = reader.item();
        let end = reader.at.checked_sub(1).and_then(|last| tokens.get(last)).map_or(source.len(), |t| t.end);
        let forms = item.filter(|_| !reader.failed).and_then(|item| forms(&item));
        let source = source.get(start..end).unwrap_or_default().to_owned();
        patterns.push(Pattern { source, forms, conditions: std::mem::take(&mut reader.conditions) });
        if reader.at == before {
            break;
        }
    }
    patterns
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Open,
    Close,
    OpenChoice,
    CloseChoice,
    Dot,
    Repeat,
    Text(String),
    Capture(String),
    Condition(String),
    Field(String),
    Absent(String),
    Name(String),
}

struct Token {
    word: Word,
    start: usize,
    end: usize,
}

fn tokens(source: &str) -> Vec<Token> {
    let bytes = source.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    let name_end = |from: usize| {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-?!/".contains(byte);
        from + bytes[from..].iter().position(|byte| !is_name(byte)).unwrap_or(bytes.len() - from)
    };
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at += 1;
        let word = match byte {
            b'(' => Word::Open,
            b')' => Word::Close,
            b'[' => Word::OpenChoice,
            b']' => Word::CloseChoice,
            b'.' => Word::Dot,
            b'*' | b'+' | b'?' => Word::Repeat,
            b';' => {
                at = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |n| at + n);
                continue;
            }
            b'"' => {
                let (text, end) = quoted(source, at);
                at = end;
                Word::Text(text)
            }
            b'@' | b'#' | b'!' => {
                at = name_end(at);
                let name = source[start + 1..at].to_owned();
                match byte {
                    b'@' => Word::Capture(name),
                    b'#' => Word::Condition(name),
                    _ => Word::Absent(name),
                }
            }
            _ if byte.is_ascii_alphabetic() || byte == b'_' => {
                at = name_end(at);
                let name = source[start..at].to_owned();
                if bytes.get(at) == Some(&b':') {
                    at += 1;
                    Word::Field(name)
                } else {
                    Word::Name(name)
                }
            }
            _ => continue,
        };
        tokens.push(Token { word, start, end: at });
    }
    tokens
}

/// The text of a string whose quote was read, and where it ends.
fn quoted(source: &str, from: usize) -> (String, usize) {
    let mut text = String::new();
    let mut characters = source[from..].char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (text, from + at + 1),
            '\\' => match characters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, '0')) => text.push('\0'),
                Some((_, other)) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    (text, source.len())
}

/// A part of a pattern as written: choices are not written out yet.
#[derive(Debug, Clone)]
struct Item {
    tree: Tree,
    field: Option<String>,
    adjacent: bool,
    repeated: bool,
    captures: Vec<String>,
}

#[derive(Debug, Clone)]
enum Tree {
    Node { kind: Kind, absent: Vec<String>, items: Vec<Item>, closed: bool },
    Choice(Vec<Item>),
    Group(Vec<Item>),
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    conditions: Vec<Condition>,
    failed: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Word> {
        self.tokens.get(self.at).map(|token| &token.word)
    }

    fn next(&mut self) -> Option<Word> {
        let word = self.peek().cloned();
        self.at += 1;
        word
    }

    /// An item with what follows it; `None`, and nothing but a condition or one wrong token read, where there is none.
    fn item(&mut self) -> Option<Item> {
        let mut field = None;
        let tree = loop {
            match self.next()? {
                Word::Field(name) => field = Some(name),
                Word::Open => break self.inside(),
                Word::OpenChoice => break self.choice(),
                Word::Text(text) => break Some(plain(Kind::OneOf(vec![(text, false)]))),
                Word::Name(name) if name == "_" => break Some(plain(Kind::Any)),
                _ => {
                    self.failed = true;
                    return None;
                }
            }
        }?;
        let mut item = Item { tree, field, adjacent: false, repeated: false, captures: Vec::new() };
        loop {
            match self.peek() {
                Some(Word::Repeat) => item.repeated = true,
                Some(Word::Capture(name)) => item.captures.push(name.clone()),
                _ => return Some(item),
            }
            self.at += 1;
        }
    }

    /// What stands after `(`, up to its `)`.
    fn inside(&mut self) -> Option<Tree> {
        let kind = match self.peek() {
            Some(Word::Condition(_)) => {
                self.condition();
                return None;
            }
            Some(Word::Name(name)) => {
                let kind = if name == "_" { Kind::Named } else { Kind::OneOf(vec![(name.clone(), true)]) };
                self.failed |= name.contains('/') || name == "MISSING";
                self.at += 1;
                Some(kind)
            }
            _ => None,
        };
        let (mut items, mut absent, mut closed) = (Vec::new(), Vec::new(), false);
        loop {
            match self.peek()? {
                Word::Close => break,
                Word::Dot => closed = true,
                Word::Absent(name) => absent.push(name.clone()),
                _ => {
                    if let Some(item) = self.item() {
                        items.push(Item { adjacent: std::mem::take(&mut closed), ..item });
                    }
                    continue;
                }
            }
            self.at += 1;
        }
        self.at += 1;
        Some(match kind {
            Some(kind) => Tree::Node { kind, absent, items, closed },
            None => Tree::Group(items),
        })
    }

    fn choice(&mut self) -> Option<Tree> {
        let mut items = Vec::new();
        while *self.peek()? != Word::CloseChoice {
            items.extend(self.item());
        }
        self.at += 1;
        Some(Tree::Choice(items))
    }

    fn condition(&mut self) {
        let Some(Word::Condition(name)) = self.next() else { return };
        let (mut capture, mut arguments) = (None, Vec::new());
        while let Some(word) = self.next() {
            match word {
                Word::Close => break,
                Word::Capture(name) if capture.is_none() => capture = Some(name),
                Word::Text(text) | Word::Name(text) => arguments.push(text),
                _ => self.failed = true,
            }
        }
        match capture {
            Some(capture) => self.conditions.push(Condition { name, capture, arguments }),
            None => self.failed = true,
        }
    }
}

fn plain(kind: Kind) -> Tree {
    Tree::Node { kind, absent: Vec::new(), items: Vec::new(), closed: false }
}

/// All ways to fit a whole pattern.
fn forms(item: &Item) -> Option<Vec<Form>> {
    match &item.tree {
        Tree::Group(items) if item.captures.is_empty() => match items.as_slice() {
            [only] => forms(only),
            [first, between, last]
                if between.repeated && between.captures.is_empty() && between.adjacent && last.adjacent =>
            {
                row(first, between, last)
            }
            _ => None,
        },
        _ => Some(shapes(item)?.into_iter().map(Form::Single).collect()),
    }
}

fn row(first: &Item, between: &Item, last: &Item) -> Option<Vec<Form>> {
    let between = shapes(&Item { repeated: false, ..between.clone() })?;
    let [Shape { kind, captures, absent, parts, closed: false }] = between.as_slice() else { return None };
    if !captures.is_empty() || !absent.is_empty() || !parts.is_empty() {
        return None;
    }
    let mut forms = Vec::new();
    for first in shapes(first)? {
        for last in shapes(last)? {
            forms.push(Form::Row { first: first.clone(), between: kind.clone(), last });
        }
    }
    (forms.len() <= FORMS).then_some(forms)
}

/// All ways to fit one item.
fn shapes(item: &Item) -> Option<Vec<Shape>> {
    if item.repeated {
        return None;
    }
    let mut all = match &item.tree {
        Tree::Group(items) => match items.as_slice() {
            [only] => shapes(only)?,
            _ => return None,
        },
        Tree::Choice(items) => joined(items.iter().map(shapes).collect::<Option<Vec<_>>>()?.concat()),
        Tree::Node { kind, absent, items, closed } => {
            let bare = Shape {
                kind: kind.clone(),
                captures: Vec::new(),
                absent: absent.clone(),
                parts: Vec::new(),
                closed: *closed,
            };
            let mut all = vec![bare];
            for item in items {
                let choices = shapes(item)?;
                let mut more = Vec::with_capacity(all.len() * choices.len());
                for shape in &all {
                    for choice in &choices {
                        let mut shape = shape.clone();
                        let (field, adjacent) = (item.field.clone(), item.adjacent);
                        shape.parts.push(Part { field, adjacent, shape: choice.clone() });
                        more.push(shape);
                    }
                }
                all = more;
                if all.len() > FORMS {
                    return None;
                }
            }
            all
        }
    };
    for shape in &mut all {
        shape.captures.extend(item.captures.iter().cloned());
    }
    Some(all)
}

/// Choices between bare kinds are one shape.
fn joined(shapes: Vec<Shape>) -> Vec<Shape> {
    let mut joined: Vec<Shape> = Vec::with_capacity(shapes.len());
    for shape in shapes {
        let is_bare = shape.parts.is_empty() && shape.absent.is_empty() && !shape.closed;
        let like = joined.iter_mut().find(|known| {
            is_bare && known.parts.is_empty() && known.absent.is_empty() && known.captures == shape.captures
        });
        match (like.map(|known| &mut known.kind), &shape.kind) {
            (Some(Kind::OneOf(all)), Kind::OneOf(more)) => all.extend(more.iter().cloned()),
            _ => joined.push(shape),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_all_languages_are_read_in_step_with_the_query_engine() {
        for language in galley_grammars::LANGUAGES {
            let compiled = language.tags().expect("a query that compiles");
            let patterns = read(language.tags_source);
            assert_eq!(patterns.len(), compiled.query.pattern_count(), "{}", language.name);
            for (number, pattern) in patterns.iter().enumerate() {
                let start = compiled.query.start_byte_for_pattern(number);
                let text = language.tags_source[start..].trim_start();
                assert!(text.starts_with(&pattern.source), "{} {number}: {}", language.name, pattern.source);
            }
        }
    }

    #[test]
    fn choices_are_written_out() {
        let source = "(a . x: [(b) (c) \"d\"] @one !y (e [(f) @g (h (i) @g)]) @j .) @k (#eq? @g \"\\\"\")";
        let patterns = read(source);
        assert_eq!(patterns.len(), 2, "a condition outside its pattern is one of its own");
        let forms = patterns[0].forms.as_ref().expect("forms");
        assert_eq!(forms.len(), 2);
        let Form::Single(shape) = &forms[1] else { panic!("a single shape") };
        assert!(shape.closed && shape.parts[0].adjacent && !shape.parts[1].adjacent);
        assert_eq!(shape.absent, ["y"]);
        assert_eq!(shape.parts[1].shape.parts[0].shape.parts[0].shape.captures, ["g"]);
        assert!(matches!(&shape.parts[0].shape.kind, Kind::OneOf(kinds) if kinds.len() == 3));
    }

    #[test]
    fn what_is_beyond_it_is_left_alone() {
        assert!(read("(a (b)* (c)) @d").iter().all(|pattern| pattern.forms.is_none()));
        for broken in ["(", ")", "[(a", "(a \"", "(#", "@", "(a [", "((a) . (b))"] {
            let _ = read(broken);
        }
    }
}

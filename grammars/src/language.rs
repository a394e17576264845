//! What is known about one language: its grammar, its queries, how its files are told from others.

use crate::capture::Capture;
use std::borrow::Cow;
use std::sync::OnceLock;
use tree_sitter::Query;

/// One language of the table. All of it is static; queries are compiled at first use and kept.
pub struct Language {
    /// The name used everywhere: in answers, on the command line, as the folder's name. Lower case.
    pub name: &'static str,
    /// File name extensions without the dot, lower case.
    pub extensions: &'static [&'static str],
    /// Whole file names, or `name.*` for names with any extension.
    pub file_names: &'static [&'static str],
    /// Programs in a `#!` line that mean this language; a trailing version number is ignored.
    pub interpreters: &'static [&'static str],
    /// Other names by which people and Markdown fences call it.
    pub aliases: &'static [&'static str],
    /// Node kinds of leaves that are names although the kind does not end in `identifier`.
    pub name_kinds: &'static [&'static str],
    /// The text of `tags.scm`.
    pub tags_source: &'static str,
    /// The text of `injections.scm`.
    pub injections_source: Option<&'static str>,
    /// Must its scanner be kept from characters beyond ASCII? See [`Language::scannable`].
    pub ascii_only: bool,
    pub(crate) grammar: fn() -> tree_sitter::Language,
    pub(crate) compiled: &'static Compiled,
}

/// What is made once per language and process.
#[derive(Default)]
pub(crate) struct Compiled {
    grammar: OnceLock<tree_sitter::Language>,
    tags: OnceLock<Option<CompiledQuery>>,
    injections: OnceLock<Option<CompiledQuery>>,
    leaves: OnceLock<Vec<bool>>,
}

impl Compiled {
    pub(crate) const fn new() -> Self {
        Self {
            grammar: OnceLock::new(),
            tags: OnceLock::new(),
            injections: OnceLock::new(),
            leaves: OnceLock::new(),
        }
    }
}

/// A query and, per capture index, what the capture means.
pub struct CompiledQuery {
    /// The query itself.
    pub query: Query,
    /// The meaning of each capture, by capture index.
    pub captures: Vec<Capture>,
}

impl CompiledQuery {
    /// Compiles `source` for `grammar`; the error is a sentence for whoever edits the query.
    pub fn new(grammar: &tree_sitter::Language, source: &str) -> Result<Self, String> {
        let query = Query::new(grammar, source).map_err(|error| error.to_string())?;
        let captures = query
            .capture_names()
            .iter()
            .map(|name| Capture::parse(name).ok_or_else(|| format!("@{name} is not in the vocabulary")))
            .collect::<Result<_, _>>()?;
        Ok(Self { query, captures })
    }
}

impl Language {
    /// The grammar.
    pub fn tree_sitter(&self) -> &'static tree_sitter::Language {
        self.compiled.grammar.get_or_init(self.grammar)
    }

    /// The compiled `tags.scm`. `None` only if the query does not compile, which a test rules out.
    pub fn tags(&self) -> Option<&'static CompiledQuery> {
        let compile = || CompiledQuery::new(self.tree_sitter(), self.tags_source).ok();
        self.compiled.tags.get_or_init(compile).as_ref()
    }

    /// The compiled `injections.scm`, if the language has one.
    pub fn injections(&self) -> Option<&'static CompiledQuery> {
        let compile = || CompiledQuery::new(self.tree_sitter(), self.injections_source?).ok();
        self.compiled.injections.get_or_init(compile).as_ref()
    }

    /// A parser set to this grammar. `None` only if grammar and parser library do not fit, which a test rules out.
    pub fn parser(&self) -> Option<tree_sitter::Parser> {
        let mut parser = tree_sitter::Parser::new();
        parser.set_language(self.tree_sitter()).ok()?;
        Some(parser)
    }

    /// What the parser may be given in place of `text`, or of any chunk of it: as many bytes, each at its place.
    ///
    /// Scanners are C of other people's making and run in this process. One that would read wild memory at a character
    /// beyond ASCII is shown an underscore for each of its bytes; names are read from the text itself, so none is lost.
    pub fn scannable<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        if !self.ascii_only || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(text.iter().map(|byte| if byte.is_ascii() { *byte } else { b'_' }).collect())
    }

    /// Per node kind id: is a leaf of this kind a name, that is, worth remembering as an occurrence?
    pub fn name_leaves(&self) -> &'static [bool] {
        self.compiled.leaves.get_or_init(|| {
            let grammar = self.tree_sitter();
            (0..grammar.node_kind_count())
                .map(|id| {
                    let Ok(id) = u16::try_from(id) else { return false };
                    let kind = grammar.node_kind_for_id(id).unwrap_or_default();
                    grammar.node_kind_is_named(id)
                        && (kind.ends_with("identifier") || self.name_kinds.contains(&kind))
                })
                .collect()
        })
    }
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Language").field(&self.name).finish()
    }
}

impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Language {}

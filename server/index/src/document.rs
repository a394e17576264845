//! An open document: its rope, and what the parser says of it, kept up change by change ([`crate::parsed`]).

use crate::extract::{self, PARSE_LIMIT};
use crate::facts::Facts;
use crate::found::{Base, Found};
use crate::pack::{Content, pack, pack_outline};
use crate::parsed::{Change, Parsed, line_ends};
use crate::role::{MINIFIED_FROM, has_long_lines};
use crate::rules::Rules;
use crate::store::Degraded;
use galley_grammars::Language;
use galley_text::change::{ChangeSet, WrongBase};
use ropey::Rope;
use std::sync::Arc;
use tree_sitter::Tree;

/// A document that is being edited.
#[derive(Clone)]
pub(crate) struct Document {
    language: Option<&'static Language>,
    rope: Rope,
    /// None where there is no grammar, or the text is not one to give to a parser, or holds parts in other languages.
    parsed: Option<Arc<Parsed>>,
    /// How many LF are in the text.
    line_ends: usize,
    /// Only its lines are to be looked at, for now.
    is_scanned: bool,
}

/// A document at one moment, from which facts can be made. Cheap to make and to keep.
pub(crate) struct Moment(Document);

impl Document {
    /// Reads a whole text.
    pub(crate) fn new(language: Option<&'static Language>, rope: Rope) -> Self {
        let mut document = Self::scanned(language, rope);
        document.parse();
        document
    }

    /// Takes a text without parsing it: its definitions are what its lines tell.
    pub(crate) fn scanned(language: Option<&'static Language>, rope: Rope) -> Self {
        let line_ends = rope.chunks().map(line_ends).sum();
        Self { language, rope, parsed: None, line_ends, is_scanned: true }
    }

    /// What could not be read in full.
    pub(crate) fn degraded(&self) -> Degraded {
        match self.rope.len_bytes() {
            bytes if bytes > extract::READ_LIMIT => Degraded::TooLongToRead,
            _ if self.language.is_none() || self.is_parsable() => Degraded::No,
            bytes if bytes > PARSE_LIMIT => Degraded::TooLongToParse,
            _ => Degraded::Minified,
        }
    }

    pub(crate) fn language(&self) -> Option<&'static Language> {
        self.language
    }

    pub(crate) fn rope(&self) -> &Rope {
        &self.rope
    }

    /// Takes in a change.
    ///
    /// # Errors
    /// The change is of another text; then nothing has happened.
    pub(crate) fn change(&mut self, change: &ChangeSet) -> Result<(), WrongBase> {
        let before = self.rope.clone();
        change.apply_rope(&mut self.rope)?;
        let edits = change.edits();
        if edits.is_empty() {
            return Ok(());
        }
        let lines = self.line_ends;
        for edit in &edits {
            let removed = before.get_byte_slice(edit.range.clone());
            self.line_ends += line_ends(&edit.text);
            self.line_ends -= removed.map_or(0, |slice| slice.chunks().map(line_ends).sum());
        }
        match self.parsed.take().filter(|_| self.followed().is_some()) {
            Some(parsed) => {
                let rows = self.line_ends as isize - lines as isize;
                let change = Change { before: &before, after: &self.rope, edits: &edits, rows };
                self.parsed = parsed.changed(&change).map(Arc::new);
                self.is_scanned = false;
            }
            None => self.parse(),
        }
        Ok(())
    }

    /// Is there nothing that would be known better if all of the text were read again?
    pub(crate) fn is_settled(&self) -> bool {
        self.parsed.as_ref().is_none_or(|parsed| parsed.is_settled())
    }

    /// The same document with all of its text read again, if that is of use; `None` as soon as `go_on` says no.
    pub(crate) fn settled(&self, go_on: &mut dyn FnMut() -> bool) -> Option<Self> {
        let parsed = match &self.parsed {
            Some(parsed) if !parsed.is_settled() => Some(Arc::new(parsed.settled(&self.rope, go_on)?)),
            other => other.clone(),
        };
        Some(Self { parsed, ..self.clone() })
    }

    /// The document as it is now; it does not follow later changes.
    pub(crate) fn moment(&self) -> Moment {
        Moment(self.clone())
    }

    fn parse(&mut self) {
        self.is_scanned = false;
        self.parsed = self.followed().and_then(|language| Parsed::new(language, &self.rope)).map(Arc::new);
    }

    /// Its language, if it is followed change by change.
    fn followed(&self) -> Option<&'static Language> {
        self.language.filter(|language| is_followed(language) && self.is_parsable())
    }

    /// As [`extract::is_parsable`].
    fn is_parsable(&self) -> bool {
        let length = self.rope.len_bytes();
        length <= PARSE_LIMIT && (length <= MINIFIED_FROM || !has_long_lines(length, self.line_ends))
    }
}

/// Can documents in this language be followed change by change? Others are read anew at the first question: those that
/// hold parts in other languages, and those of which a query engine must be asked something.
fn is_followed(language: &'static Language) -> bool {
    language.injections().is_none() && Rules::of(language).rest.is_none()
}

impl Moment {
    pub(crate) fn text(&self) -> Arc<str> {
        Arc::from(String::from(&self.0.rope))
    }

    /// The tree of the whole text; it may have to be made.
    pub(crate) fn tree(&self) -> Option<Tree> {
        self.0.parsed.as_ref()?.tree(&self.0.rope)
    }

    pub(crate) fn rope(&self) -> &Rope {
        &self.0.rope
    }

    /// The facts of the whole text.
    pub(crate) fn facts(&self, text: &str) -> Facts {
        let (language, is_scanned) = (self.0.language, self.0.is_scanned);
        match &self.0.parsed {
            Some(parsed) => packed(parsed, self.content(text), pack),
            None if is_scanned => Facts::scan(language, text),
            None => Facts::read(language, text, None),
        }
    }

    /// The facts about definitions alone, where they can be had without the others.
    pub(crate) fn outline(&self, text: &str) -> Option<Facts> {
        Some(packed(self.0.parsed.as_ref()?, self.content(text), pack_outline))
    }

    fn content<'t>(&self, text: &'t str) -> Content<'t> {
        Content { text, language: self.0.language.map(|language| language.name), hash: None }
    }
}

fn packed(parsed: &Parsed, content: Content, pack: fn(&Content, &[(Base, &Found)]) -> Facts) -> Facts {
    let errors = Found { errors: parsed.errors(), ..Found::default() };
    let mut parts = vec![(Base::default(), &errors)];
    parsed.each(&mut |base, found| parts.push((base, found)));
    pack(&content, &parts)
}

#[cfg(test)]
mod tests;

//! Counting tokens by a model's own vocabulary, where it is public.
//!
//! A vocabulary is unpacked when it is first asked, which takes some 0.1 s and 30 MB; so it is asked only where an
//! estimate does not settle a question. It counts the content, not what a provider puts around it.

use std::borrow::Cow;

/// A public vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vocabulary(&'static str);

impl Vocabulary {
    /// That of a model, by its name; gateways put names of providers before it.
    pub fn of(model: &str) -> Option<Vocabulary> {
        let name = model.rsplit(['/', ':']).find(|part| part.contains(|c: char| c.is_ascii_digit()))?;
        let name = name.to_ascii_lowercase();
        let encoding = tiktoken::model_to_encoding(&name)?;
        tiktoken::list_encodings().contains(&encoding).then_some(Vocabulary(encoding))
    }

    /// Tokens of a body of JSON, counted on its text as the model is given it, without the escapes.
    pub fn count(self, body: &str) -> Option<u64> {
        Some(tiktoken::get_encoding(self.0)?.count(&unescaped(body)) as u64)
    }
}

/// JSON's text with the common escapes undone.
fn unescaped(body: &str) -> Cow<'_, str> {
    if !body.contains('\\') {
        return Cow::Borrowed(body);
    }
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let mut after = rest[at + 1..].chars();
        match after.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some(c @ ('"' | '\\' | '/')) => text.push(c),
            Some(c) => text.extend(['\\', c]),
            None => text.push('\\'),
        }
        rest = after.as_str();
    }
    text.push_str(rest);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_by_the_end_of_its_name() {
        let name = |model| Vocabulary::of(model).map(|vocabulary| vocabulary.0);
        for model in ["gpt-5.1-codex", "openai/gpt-5", "azure:gpt-4o", "GPT-4.1"] {
            assert_eq!(name(model), Some("o200k_base"), "{model}");
        }
        assert_eq!(name("gpt-4-turbo"), Some("cl100k_base"));
        assert_eq!(name("meta-llama/Llama-3.1-8B-Instruct"), Some("llama3"));
        for model in ["claude-sonnet-5", "gemini-3-pro", "mock", "", "/"] {
            assert_eq!(name(model), None, "{model}");
        }
    }

    #[test]
    fn text_is_counted_without_its_escapes() {
        assert_eq!(unescaped(r#"a\n\tb\"c\\d\u00e9\"#), "a\n\tb\"c\\d\\u00e9\\");
        let vocabulary = Vocabulary::of("gpt-4o").unwrap();
        // Figures of the reference implementation for these texts.
        assert_eq!(vocabulary.count("hello world"), Some(2));
        assert_eq!(vocabulary.count(r"hello\nworld"), vocabulary.count("hello\nworld"));
    }
}

//! Characters that models write for others: typographic quotes, dashes, unusual blanks, and escapes.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The plain character that a typographic one stands for; `None` for a plain one.
pub(crate) fn plain(character: char) -> Option<&'static str> {
    Some(match character {
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{02bc}' => "'",
        '\u{201c}'..='\u{201f}' | '\u{2033}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\u{2026}' => "...",
        '\u{200b}' | '\u{feff}' => "",
        _ => return None,
    })
}

/// Typographic characters that one slip of the pen turns out together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Quotes,
    Dashes,
    Blanks,
    Dots,
}

impl Family {
    /// The family of a typographic character.
    pub(crate) fn of(character: char) -> Option<Family> {
        Some(match plain(character)? {
            "'" | "\"" => Family::Quotes,
            "-" => Family::Dashes,
            "..." => Family::Dots,
            _ => Family::Blanks,
        })
    }

    /// Whether a text has typographic characters of the family.
    pub(crate) fn is_in(self, text: &str) -> bool {
        text.chars().any(|c| Family::of(c) == Some(self))
    }

    /// Whether a text has plain ones of the family. Blanks and dots prove nothing: they are everywhere.
    pub(crate) fn is_plain_in(self, text: &str) -> bool {
        match self {
            Family::Quotes => text.contains(['\'', '"']),
            Family::Dashes => text.contains('-'),
            Family::Blanks | Family::Dots => false,
        }
    }
}

/// A text with plain characters for all typographic ones, and accented letters composed.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let composed = is_nfc_quick(text.chars()) == IsNormalized::Yes;
    if !text.chars().any(|c| plain(c).is_some()) {
        return if composed { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) };
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match plain(character) {
            Some(plain) => out.push_str(plain),
            None => out.push(character),
        }
    }
    Cow::Owned(if composed { out } else { out.nfc().collect() })
}

/// A way in which a whole edit was escaped once too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escape {
    /// `&lt;` for `<`.
    Entities,
    /// `\"` for `"`.
    Backslashes,
}

impl Escape {
    pub(crate) fn undo(self, text: &str) -> String {
        match self {
            Escape::Entities => {
                let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
                text.replace("&#39;", "'").replace("&apos;", "'").replace("&amp;", "&")
            }
            Escape::Backslashes => undo_backslashes(text, false),
        }
    }

    /// Whether a text holds the plain characters that this escape would have replaced: then it was not escaped
    /// throughout, and what is to be undone in it is a guess.
    pub(crate) fn is_mixed(self, text: &str) -> bool {
        match self {
            Escape::Entities => text.contains(['<', '>']),
            Escape::Backslashes => {
                let mut previous = ' ';
                text.chars().any(|c| {
                    let bare = c == '"' && previous != '\\';
                    previous = c;
                    bare
                })
            }
        }
    }
}

/// Undoes `\"`, `\'`, `\\` and, with `controls`, `\n`, `\t` and `\r`.
pub(crate) fn undo_backslashes(text: &str, controls: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match rest.clone().next() {
            Some(next @ ('"' | '\'' | '\\' | '`')) => out.push(next),
            Some('n') if controls => out.push('\n'),
            Some('t') if controls => out.push('\t'),
            Some('r') if controls => out.push('\r'),
            _ => {
                out.push('\\');
                continue;
            }
        }
        rest.next();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_to_plain_characters() {
        assert_eq!(fold("“a”\u{a0}– ‘b’…"), "\"a\" - 'b'...");
        assert!(matches!(fold("plain"), Cow::Borrowed("plain")));
        assert_eq!(fold("e\u{301}t\u{e9}"), "\u{e9}t\u{e9}");
    }

    #[test]
    fn undoes_one_escaping() {
        assert_eq!(Escape::Entities.undo("a &lt; b &amp;&amp; c"), "a < b && c");
        assert_eq!(Escape::Backslashes.undo(r#"x(\"a\\n\")"#), r#"x("a\n")"#);
        assert!(Escape::Backslashes.is_mixed(r#"a "b" \"c\""#) && !Escape::Backslashes.is_mixed(r#"\"c\""#));
        assert_eq!(undo_backslashes(r"a\n\tb\x", true), "a\n\tb\\x");
    }
}

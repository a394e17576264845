//! Cutting text into tokens: words, runs of blanks, line endings, and every other character alone.

/// The tokens of a text; joined they are the text again.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let mut tokens = Vec::with_capacity(text.len() / 3);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = match Class::of(first) {
            Class::Single if rest.starts_with("\r\n") => 2,
            Class::Single => first.len_utf8(),
            class => rest.find(|c| Class::of(c) != class).unwrap_or(rest.len()),
        };
        let (token, tail) = rest.split_at(len);
        tokens.push(token);
        rest = tail;
    }
    tokens
}

/// Whether a token is a word (letters, digits, `_`).
pub(crate) fn is_word(token: &str) -> bool {
    token.chars().next().is_some_and(|c| Class::of(c) == Class::Word)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Blank,
    Single,
}

impl Class {
    fn of(c: char) -> Class {
        match c {
            '_' => Class::Word,
            '\n' | '\r' => Class::Single,
            c if c.is_alphanumeric() => Class::Word,
            c if c.is_whitespace() => Class::Blank,
            _ => Class::Single,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_tokens_are_the_text() {
        let text = "let naïve_x = f( 1,\t2);\r\n\n漢字😀";
        assert_eq!(split(text).concat(), text);
        assert_eq!(split("a_b  (1)\r\n"), ["a_b", "  ", "(", "1", ")", "\r\n"]);
    }
}

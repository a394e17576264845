//! Cutting text into lines, in the two ways that are needed.
//!
//! Editors end a line at `\n`, `\r\n` and a lone `\r` ([`split`]); git, its diffs and its merges only at `\n`
//! ([`split_lf`]), and leave the `\r` in the line. Either way a line keeps its ending, so that joining the lines
//! gives the text again byte for byte.

/// Byte offsets just after each line ending (`\n`, `\r\n`, lone `\r`).
pub(crate) fn ends(text: &str) -> impl Iterator<Item = usize> + '_ {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().filter_map(move |(at, byte)| match byte {
        b'\n' => Some(at + 1),
        b'\r' if bytes.get(at + 1) != Some(&b'\n') => Some(at + 1),
        _ => None,
    })
}

/// The lines of an editor, endings included; no empty last line after a final line ending.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    for end in ends(text) {
        lines.push(&text[start..end]);
        start = end;
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

/// The lines of git, endings included.
pub(crate) fn split_lf(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// A line without its ending.
pub(crate) fn without_ending(line: &str) -> &str {
    match line.strip_suffix('\n') {
        Some(line) => line.strip_suffix('\r').unwrap_or(line),
        None => line.strip_suffix('\r').unwrap_or(line),
    }
}

/// The nearest character boundary at or before `offset`.
pub(crate) fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_lines_are_the_text() {
        for text in ["", "a", "a\n", "a\r\nb\rc\n\r\n\n", "\r", "\n\r"] {
            assert_eq!(split(text).concat(), text);
            assert_eq!(split_lf(text).concat(), text);
        }
        assert_eq!(split("a\r\nb\rc"), ["a\r\n", "b\r", "c"]);
        assert_eq!(split_lf("a\r\nb\rc"), ["a\r\n", "b\rc"]);
    }
}

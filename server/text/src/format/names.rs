//! Paths as models write them around their edits.

/// Whether a line opens or closes a fenced block.
pub(super) fn is_fence(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("```") || line.starts_with("~~~")
}

/// The path in a line that stands above an edit, without the decoration that models put around it.
pub(super) fn undecorated(line: &str) -> &str {
    let mut text = line.trim();
    loop {
        let before = text;
        text = text.trim_start_matches(['#', '*', '`', '"', '\'', '>']).trim_start();
        text = text.trim_end_matches(['*', '`', '"', '\'', ':']).trim_end();
        for word in ["File:", "file:", "Path:", "path:", "Filename:", "filename:"] {
            text = text.strip_prefix(word).unwrap_or(text).trim_start();
        }
        text = text.strip_prefix("./").unwrap_or(text);
        if text == before {
            return text;
        }
    }
}

/// Whether a line can hardly be anything but a path: no blanks, and a dot or a slash in it.
pub(super) fn looks_like_path(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace) && text.contains(['.', '/'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_decoration_off() {
        for line in
            ["src/a.rs", "`src/a.rs`", "**src/a.rs**:", "### File: `src/a.rs`", "./src/a.rs", "> src/a.rs"]
        {
            assert_eq!(undecorated(line), "src/a.rs", "{line}");
        }
        assert!(looks_like_path("a.rs") && !looks_like_path("Then the call:") && !looks_like_path(""));
    }
}

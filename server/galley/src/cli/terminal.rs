//! Writing to a terminal, and asking there.

use std::io::{self, BufRead, IsTerminal, Write};

/// How text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// Colour on a terminal, unless `NO_COLOR` is set; always with `CLICOLOR_FORCE`.
    pub fn of_stdout() -> Style {
        let forced = crate::config::variable("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let wanted = crate::config::variable("NO_COLOR").is_none() && io::stdout().is_terminal();
        Style { colour: forced || wanted }
    }

    /// Whether there is colour.
    pub fn is_coloured(self) -> bool {
        self.colour
    }

    /// Bold text.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Text of less weight.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// What is well.
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// What is not.
    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// What wants a look.
    pub fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Names.
    pub fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Prints; a closed pipe is silence.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Whether somebody can be asked.
pub fn can_ask() -> bool {
    io::stdin().is_terminal()
}

/// Asks for a line; `None` at the end of the input.
pub fn ask(prompt: &str) -> Option<String> {
    print(prompt);
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim().to_owned()),
    }
}

/// Breaks lines between words so that they fit the terminal; text that goes into a file or a pipe stays as it is.
pub fn wrapped(text: &str) -> String {
    match crossterm::terminal::size() {
        Ok((columns, _)) if io::stdout().is_terminal() => wrap(text, usize::from(columns.clamp(40, 120))),
        _ => text.to_owned(),
    }
}

fn wrap(text: &str, width: usize) -> String {
    let mut out = String::new();
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let mut used = 0;
        for word in line.split_inclusive(' ') {
            let length = word.trim_end().chars().count();
            if used > 0 && used + length > width {
                out.push('\n');
                used = 0;
            }
            out.push_str(word);
            used += word.chars().count();
        }
    }
    out
}

/// Text from outside as it may be shown: no control characters that move the cursor or colour.
pub fn safe(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three\nfour", 8), "one two \nthree\nfour");
        assert_eq!(wrap("a_word_that_is_too_long", 5), "a_word_that_is_too_long");
    }

    #[test]
    fn escape_sequences_from_outside_are_taken_out() {
        assert_eq!(safe("a\x1b[31mb\r\n\tc"), "a[31mb\n\tc");
    }
}

//! Writing to a terminal, and asking there.

use std::io::{self, BufRead, IsTerminal, Write};

use galley_index::colour::Class;

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

    /// No colour.
    #[cfg(test)]
    pub fn plain() -> Style {
        Style { colour: false }
    }

    /// The ground of a removed (`false`) or added (`true`) line, and the stronger one of what changed within it.
    pub fn tint(self, added: Option<bool>) -> Tint {
        let Some(added) = added.filter(|_| self.colour) else {
            let reset = if self.colour { "\x1b[0m" } else { "" };
            return Tint { plain: String::new(), strong: String::new(), reset: reset.to_owned() };
        };
        let full = crate::config::variable("COLORTERM")
            .is_some_and(|value| value == "truecolor" || value == "24bit");
        // COLORFGBG ends with the number of the ground: 7 and 15 are light.
        let ground =
            crate::config::variable("COLORFGBG").and_then(|value| Some(value.rsplit(';').next()?.to_owned()));
        let light = ground.is_some_and(|ground| ground == "7" || ground == "15");
        let (plain, strong) = match (full, light, added) {
            (true, false, false) => ("48;2;62;28;34", "48;2;122;42;52"),
            (true, false, true) => ("48;2;22;50;34", "48;2;32;102;60"),
            (true, true, false) => ("48;2;255;235;233", "48;2;255;200;195"),
            (true, true, true) => ("48;2;230;255;236", "48;2;171;242;188"),
            (false, false, false) => ("48;5;52", "48;5;88"),
            (false, false, true) => ("48;5;22", "48;5;28"),
            (false, true, false) => ("48;5;224", "48;5;217"),
            (false, true, true) => ("48;5;194", "48;5;157"),
        };
        let code = |code: &str| format!("\x1b[{code}m");
        Tint { plain: code(plain), strong: code(strong), reset: code("0") }
    }

    /// How a piece of code is written on a ground.
    pub fn ink(self, class: Option<Class>, ground: &str) -> String {
        let code = match class {
            _ if !self.colour => return String::new(),
            None => "",
            Some(Class::Keyword) => "\x1b[35m",
            Some(Class::Text) => "\x1b[33m",
            Some(Class::Literal) => "\x1b[36m",
            Some(Class::Comment) => "\x1b[38;5;245m",
            Some(Class::Type) => "\x1b[36m",
            Some(Class::Function) => "\x1b[94m",
        };
        format!("{ground}{code}")
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

/// The grounds of a line.
#[derive(Debug, Clone)]
pub struct Tint {
    /// Under the whole line.
    pub plain: String,
    /// Under what changed within it.
    pub strong: String,
    /// Ends either.
    pub reset: String,
}

/// Columns of the terminal; 100 where there is none.
pub fn width() -> usize {
    columns().map_or(100, |columns| columns.clamp(40, 240))
}

/// Columns of the terminal that the output goes to. Asked of the terminal alone: crossterm's `size` would start `tput`
/// wherever there is none, for every line that is printed.
fn columns() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    #[cfg(unix)]
    let columns = crossterm::terminal::window_size().ok()?.columns;
    #[cfg(not(unix))]
    let columns = crossterm::terminal::size().ok()?.0;
    (columns > 0).then_some(usize::from(columns))
}

/// Asks for one key, without Enter where the terminal allows it; `None` at the end of the input.
pub fn key(prompt: &str) -> Option<char> {
    print(prompt);
    if !io::stdin().is_terminal() || crossterm::terminal::enable_raw_mode().is_err() {
        let mut line = String::new();
        return match io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim().chars().next().unwrap_or('\n')),
        };
    }
    let pressed = pressed();
    let _ = crossterm::terminal::disable_raw_mode();
    let shown = pressed.filter(|key| !key.is_control());
    print(&shown.map_or("\n".to_owned(), |key| format!("{key}\n")));
    pressed
}

fn pressed() -> Option<char> {
    use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, read};
    loop {
        match read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => match key.code {
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Some('\u{3}'),
                KeyCode::Char('d') if key.modifiers.contains(KeyModifiers::CONTROL) => return Some('\u{4}'),
                KeyCode::Char(pressed) => return Some(pressed),
                KeyCode::Down => return Some('j'),
                KeyCode::Up => return Some('k'),
                KeyCode::Enter => {}
                _ => {}
            },
            Ok(_) => {}
            Err(_) => return None,
        }
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
    columns().map_or_else(|| text.to_owned(), |columns| wrap(text, columns.clamp(40, 120)))
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

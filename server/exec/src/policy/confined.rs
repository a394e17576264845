//! Programs that change files of the copy and nothing else, when all they are given are plain paths inside of it.
//!
//! What they do is part of the task's edits, so the person reviews it before it reaches a file of theirs.

use super::parse::Word;

/// A program, and the letters of its options that may be given.
const PROGRAMS: &[(&str, &str)] =
    &[("mv", "fnv"), ("cp", "fnpv"), ("mkdir", "pv"), ("touch", ""), ("rm", "fv"), ("chmod", "v")];

/// Whether a command only changes named files of the folder that it runs in.
pub(super) fn only_edits(name: &str, arguments: &[Word]) -> bool {
    let Some((_, letters)) = PROGRAMS.iter().find(|(program, _)| *program == name) else { return false };
    let is_plain = |word: &Word| !word.computed && !word.glob && !word.text.is_empty();
    let mut operands = arguments.iter().filter(|word| !is_option(word, letters)).peekable();
    if name == "chmod" && operands.next().is_none_or(|mode| !is_plain(mode) || !is_harmless_mode(&mode.text))
    {
        return false;
    }
    operands.peek().is_some() && operands.all(|word| is_plain(word) && is_inside(&word.text))
}

fn is_option(word: &Word, letters: &str) -> bool {
    let given = word.text.strip_prefix('-');
    !word.computed
        && given.is_some_and(|given| !given.is_empty() && given.chars().all(|c| letters.contains(c)))
}

/// A relative path that does not climb, and no option.
fn is_inside(path: &str) -> bool {
    !path.starts_with(['/', '~', '-']) && !path.split('/').any(|part| part == "..")
}

/// A mode that only says who may run the file.
fn is_harmless_mode(mode: &str) -> bool {
    matches!(mode, "+x" | "-x" | "a+x" | "a-x" | "u+x" | "u-x" | "755" | "0755" | "644" | "0644")
}

//! Marks that models copy along with the lines they quote: line numbers, the signs of a diff, a fence.
//!
//! A mark is taken off only where every quoted line has it, so that a list of dashes or a table of numbers is not
//! taken for one; and what is left has to match exactly.

use super::block::Block;

/// The block as it may be meant, without marks; nothing where it has none.
pub(crate) fn without(block: &Block) -> Vec<Block> {
    let unfenced = without_fence(block);
    let inner = unfenced.as_ref().unwrap_or(block);
    let mut out: Vec<Block> = [without_numbers(inner), without_signs(inner)].into_iter().flatten().collect();
    out.extend(unfenced);
    out
}

fn with_lines(block: &Block, old: Vec<String>, new: Vec<String>) -> Block {
    Block { old, new, removed: Vec::new(), final_newline: block.final_newline }
}

/// Without a fence around both sides, or around the quoted side where the other is empty.
fn without_fence(block: &Block) -> Option<Block> {
    let inside = |lines: &[String]| -> Option<Vec<String>> {
        let (first, rest) = lines.split_first()?;
        let (last, middle) = rest.split_last()?;
        let fence = first.trim_start();
        let mark = fence.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let width = fence.chars().take_while(|c| *c == mark).count();
        let closes = last.trim().chars().all(|c| c == mark) && last.trim().len() == width;
        (width >= 3 && closes).then(|| middle.to_vec())
    };
    let old = inside(&block.old)?;
    let new = if block.new.is_empty() { Vec::new() } else { inside(&block.new)? };
    Some(with_lines(block, old, new))
}

/// What stands between a line's number and its text.
const SEPARATORS: [&str; 7] = [" | ", ": ", "\t", "\u{2192}", "| ", "|", ":"];

/// Without ascending line numbers before every quoted line; the new lines may all have them too, or none.
fn without_numbers(block: &Block) -> Option<Block> {
    SEPARATORS.iter().find_map(|separator| {
        let numbered: Vec<(usize, String)> =
            block.old.iter().map(|line| number(line, separator)).collect::<Option<_>>()?;
        let ascending = numbered.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0);
        let some_text = numbered.iter().any(|(_, line)| line.contains(char::is_alphabetic));
        if !ascending || !some_text {
            return None;
        }
        let new: Vec<Option<(usize, String)>> =
            block.new.iter().map(|line| number(line, separator)).collect();
        let new = match new.iter().filter(|line| line.is_some()).count() {
            0 => block.new.clone(),
            some if some == new.len() => new.into_iter().flatten().map(|(_, line)| line).collect(),
            _ => return None,
        };
        Some(with_lines(block, numbered.into_iter().map(|(_, line)| line).collect(), new))
    })
}

/// The number before a line and the line itself.
fn number(line: &str, separator: &str) -> Option<(usize, String)> {
    let rest = line.trim_start_matches(' ');
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = rest.split_at(digits);
    let number: usize = number.parse().ok()?;
    match rest.strip_prefix(separator) {
        Some(line) => Some((number, line.to_owned())),
        // A blank line has lost the blanks behind its number.
        None => (rest.trim_end() == separator.trim_end()).then(|| (number, String::new())),
    }
}

/// Without the signs of a diff: the quoted lines all kept or removed, the new ones all kept or added.
fn without_signs(block: &Block) -> Option<Block> {
    let plain = |lines: &[String], sign: char| -> Option<(Vec<String>, usize)> {
        let mut signs = 0;
        let lines = lines.iter().map(|line| {
            if line.trim().is_empty() {
                return Some(line.get(1..).unwrap_or_default().to_owned());
            }
            signs += usize::from(line.starts_with(sign));
            line.strip_prefix([' ', sign]).map(str::to_owned)
        });
        let lines: Option<Vec<String>> = lines.collect();
        Some((lines?, signs))
    };
    let (old, removed) = plain(&block.old, '-')?;
    let (new, added) = plain(&block.new, '+')?;
    let kept = |lines: &[String], signs| lines.len() - signs;
    let agree = kept(&old, removed) == kept(&new, added);
    (removed + added > 0 && agree).then(|| with_lines(block, old, new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str, expected: Option<(&str, &str)>) {
        let found = without(&Block::new(old, new)).into_iter().next();
        let joined = |lines: &[String]| lines.join("\n");
        let found = found.map(|block| (joined(&block.old), joined(&block.new)));
        assert_eq!(found, expected.map(|(old, new)| (old.to_owned(), new.to_owned())));
    }

    #[test]
    fn numbers_go_only_where_all_lines_have_them() {
        check("  9 | a\n 10 |\n 11 |   b", "a\n\n  c", Some(("a\n\n  b", "a\n\n  c")));
        check("9: a\n10: b", "9: a\n10: c", Some(("a\nb", "a\nc")));
        check("9: a\n11: b", "c", None);
        check("9: a\nb", "c", None);
        check("1|2\n2|3", "c", None);
    }

    #[test]
    fn signs_go_only_where_both_sides_agree_on_what_is_kept() {
        check(" a\n-b\n\n c", " a\n+B\n\n c", Some(("a\nb\n\nc", "a\nB\n\nc")));
        check("- one\n- two", "- one\n- three", None);
        check("-a\n-b", "", Some(("a\nb", "")));
    }

    #[test]
    fn a_fence_goes_from_both_sides() {
        check("```rust\na\n```", "```rust\nb\n```", Some(("a", "b")));
        check("```rust\na\n```", "b", None);
    }
}

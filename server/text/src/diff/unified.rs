//! The unified diff that `git apply` and `patch` take.

use std::fmt::Write as _;
use std::ops::Range;

use super::{LineHunk, Style, hunks};

/// The difference as a unified diff with `context` lines around each change; empty where the texts are equal.
///
/// Names go in as they are: give `a/…` and `b/…`, or `/dev/null` for a file that is added or deleted. Lines end at
/// `\n` only, as for git, and a last line without one is followed by the usual note.
pub fn unified(old_name: &str, new_name: &str, old: &str, new: &str, context: usize) -> String {
    let (old, new) = (crate::lines::split_lf(old), crate::lines::split_lf(new));
    let found = hunks(&old, &new, Style::Readable);
    let mut out = String::new();
    if found.is_empty() {
        return out;
    }
    let _ = writeln!(out, "--- {}\n+++ {}", terminated(old_name), terminated(new_name));
    let mut rest = found.as_slice();
    while let Some(first) = rest.first() {
        // Changes whose contexts meet share a hunk.
        let mut count = 1;
        while count < rest.len() && rest[count].old.start - rest[count - 1].old.end <= 2 * context {
            count += 1;
        }
        let (group, tail) = rest.split_at(count);
        let last = &group[count - 1];
        let lead = context.min(first.old.start);
        let trail = context.min(old.len() - last.old.end);
        let old_range = first.old.start - lead..last.old.end + trail;
        let new_range = first.new.start - lead..last.new.end + trail;
        let _ = writeln!(out, "@@ -{} +{} @@", span(&old_range), span(&new_range));
        write_group(&mut out, &old, &new, group, old_range);
        rest = tail;
    }
    out
}

/// A name with blanks needs a tab after it, or readers take the last word for a date.
fn terminated(name: &str) -> String {
    if name.contains(char::is_whitespace) { format!("{name}\t") } else { name.to_owned() }
}

fn span(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        len => format!("{},{len}", range.start + 1),
    }
}

fn write_group(out: &mut String, old: &[&str], new: &[&str], group: &[LineHunk], range: Range<usize>) {
    let mut at = range.start;
    for hunk in group {
        old[at..hunk.old.start].iter().for_each(|line| write_line(out, ' ', line));
        old[hunk.old.clone()].iter().for_each(|line| write_line(out, '-', line));
        new[hunk.new.clone()].iter().for_each(|line| write_line(out, '+', line));
        at = hunk.old.end;
    }
    old[at..range.end].iter().for_each(|line| write_line(out, ' ', line));
}

fn write_line(out: &mut String, sign: char, line: &str) {
    out.push(sign);
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_git_writes() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let new = "a\nb\nc\nD\ne\nf\ng\nh";
        assert_eq!(
            unified("a/x", "b/x", old, new, 1),
            "--- a/x\n+++ b/x\n@@ -3,3 +3,3 @@\n c\n-d\n+D\n e\n@@ -7,2 +7,2 @@\n g\n-h\n+h\n\\ No newline at end of file\n"
        );
        assert_eq!(unified("/dev/null", "b/x", "", "n\n", 3), "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+n\n");
        assert_eq!(unified("a/x", "b/x", old, old, 3), "");
    }
}

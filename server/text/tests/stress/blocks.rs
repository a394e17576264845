//! Search-and-replace blocks as models get them wrong: one function for each kind.

use crate::dice::Dice;
use crate::draft::{Case, Draft, Verdict};

pub type Kind = (&'static str, fn(&mut Dice) -> Option<Case>);

pub const KINDS: &[Kind] = &[
    ("exact", |dice| sloppy(dice, |_, _| Some(()))),
    ("several in any order", several),
    ("trailing blanks in the patch", |dice| sloppy(dice, trailing_in_patch)),
    ("trailing blanks in the file", |dice| trimmed(Draft::spoilt(dice, 1, trailing_in_file)?)),
    ("indentation dropped", |dice| sloppy(dice, indent_dropped)),
    ("indentation added", |dice| sloppy(dice, indent_added)),
    ("indentation of another step", |dice| sloppy(dice, other_step)),
    ("tabs for blanks", |dice| sloppy(dice, tabs_for_blanks)),
    ("first line lost its indentation", |dice| sloppy(dice, first_line)),
    ("blanks at the end of blank lines", |dice| sloppy(dice, blank_line_blanks)),
    ("inner blanks", |dice| sloppy(dice, inner_blanks)),
    ("CRLF file", |dice| ends(dice, |_, _| "\r\n")),
    ("CR file", |dice| ends(dice, |_, _| "\r")),
    ("mixed endings, by section", |dice| {
        let cut = dice.roll(40);
        ends(dice, move |_, at| if at < cut { "\r\n" } else { "\n" })
    }),
    ("mixed endings, by line", |dice| ends(dice, |dice, _| *dice.pick(&["\n", "\r\n"]))),
    ("CRLF patch", |dice| sloppy(dice, |_, _| Some(())).map(crlf_patch)),
    ("byte order mark", |dice| early(dice, |_, draft| draft.bom = true)),
    ("no final newline", |dice| {
        sloppy(dice, |_, draft| {
            draft.unend().filter(|()| draft.changes[0].new.last().is_none_or(|l| !l.is_empty()))
        })
    }),
    ("insertion at the end without newline", at_the_end),
    ("no-break spaces in the patch", |dice| sloppy(dice, no_break)),
    ("typographic quotes in the patch", |dice| sloppy(dice, typographic)),
    ("typographic quotes in the file", |dice| early_then(dice, typographic_file, plain_patch)),
    ("decomposed letters in the patch", |dice| early_then(dice, composed_file, decompose)),
    ("decomposed letters in the file", |dice| early_then(dice, decomposed_file, compose)),
    ("entities", |dice| sloppy(dice, entities)),
    ("escaped quotes", |dice| sloppy(dice, escaped)),
    ("elided", elided),
    ("stale context", |dice| stale(dice, false)),
    ("stale target", |dice| stale(dice, true)),
    ("copied with a change", near_copy),
    ("blank lines forgotten", |dice| sloppy(dice, blanks_forgotten)),
    ("blank lines doubled", |dice| sloppy(dice, blanks_doubled)),
    ("line numbers", |dice| numbered(dice, false)),
    ("line numbers on both sides", |dice| numbered(dice, true)),
    ("diff marks", |dice| sloppy(dice, diff_marks)),
    ("fence inside", |dice| sloppy(dice, fence_inside)),
    ("fence outside", fence_outside),
    ("nothing quoted", nothing_quoted),
    ("already done", already),
    ("done in one of two places", half_done),
    ("one block missing", one_missing),
    ("overlapping blocks", overlapping),
    ("the second quotes the first", chained),
    ("truncated", truncated),
    ("other case", |dice| sloppy(dice, other_case)),
    ("words left out", |dice| sloppy(dice, words_left_out)),
    ("two lines swapped", |dice| sloppy(dice, swapped)),
];

/// An exact quote, then what `spoil` does to it.
fn sloppy(dice: &mut Dice, spoil: fn(&mut Dice, &mut Draft) -> Option<()>) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let exact = draft.quotes.clone();
    spoil(dice, &mut draft)?;
    let changed = draft.quotes.iter().zip(&exact).any(|(now, was)| now.old != was.old);
    // Where what is quoted is exact, the new text is taken at its word.
    let only_new = !changed && draft.quotes.iter().zip(&exact).any(|(now, was)| now.new != was.new);
    if only_new || changed && draft.is_misleading() {
        return None;
    }
    Some(draft.case("search_replace", draft.blocks()))
}

/// The file is told to be of another kind.
fn early(dice: &mut Dice, spoil: impl FnOnce(&mut Dice, &mut Draft)) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    spoil(dice, &mut draft);
    Some(draft.case("search_replace", draft.blocks()))
}

/// A patch that has no blanks at line ends where the file does.
fn trimmed(mut draft: Draft) -> Option<Case> {
    // A line that comes and goes may as well be taken to stay, with its blanks.
    let change = &draft.changes[0];
    let gone: Vec<&str> = draft.before[change.at.clone()].iter().map(|line| line.trim_end()).collect();
    if change.new.iter().any(|line| gone.contains(&line.trim_end())) {
        return None;
    }
    draft.mangle(|line| line.trim_end().to_owned());
    if draft.is_misleading() {
        return None;
    }
    draft.loosely();
    Some(draft.case("search_replace", draft.blocks()))
}

fn early_then(
    dice: &mut Dice,
    file: fn(&mut Dice, &mut Draft),
    patch: fn(&mut Dice, &mut Draft) -> Option<()>,
) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    file(dice, &mut draft);
    draft.quote(dice, 4);
    patch(dice, &mut draft)?;
    if draft.is_misleading() {
        return None;
    }
    Some(draft.case("search_replace", draft.blocks()))
}

fn several(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 3)?;
    if dice.once_in(2) {
        draft.quotes.reverse();
    }
    Some(draft.case("search_replace", draft.blocks()))
}

fn trailing_in_patch(dice: &mut Dice, draft: &mut Draft) -> Option<()> {
    // A new line that looks like a quoted one would be written as that one is.
    if draft.changes[0].new.iter().any(|line| draft.quotes[0].old.contains(line)) {
        return None;
    }
    let ends: Vec<&str> = (0..7).map(|_| *dice.pick(&["", " ", "  ", "\t"])).collect();
    let at = std::cell::Cell::new(0);
    // A line that both sides have is written alike on both.
    draft.mangle(|line| {
        at.set(line.len());
        format!("{line}{}", ends[at.get() % 7])
    });
    // The new lines are meant to have no blanks at their ends; whether those stay is open.
    for quote in &mut draft.quotes {
        for line in &mut quote.new {
            if !quote.old.contains(line) {
                *line = line.trim_end().to_owned();
            }
        }
    }
    draft.loosely();
    Some(())
}

pub fn trailing_in_file(dice: &mut Dice, line: &mut String) {
    if dice.once_in(3) {
        let blanks: &str = dice.pick::<&str>(&[" ", "   ", "\t"]);
        line.push_str(blanks);
    }
}

fn common_indent(draft: &Draft) -> Option<String> {
    let quote = &draft.quotes[0];
    let solid = quote.old.iter().chain(&quote.new).filter(|line| !line.trim().is_empty());
    let indents: Vec<&str> =
        solid.map(|line| &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]).collect();
    let first = indents.first()?;
    let shared = (0..=first.len()).rev().find(|len| indents.iter().all(|i| i.starts_with(&first[..*len])))?;
    Some(first[..shared].to_owned()).filter(|indent| !indent.is_empty())
}

fn indent_dropped(dice: &mut Dice, draft: &mut Draft) -> Option<()> {
    let indent = common_indent(draft)?;
    let drop = if dice.once_in(3) { draft.step.to_owned() } else { indent };
    draft.mangle(|line| line.strip_prefix(&drop).unwrap_or(line).to_owned());
    draft.loosely();
    Some(())
}

fn indent_added(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    let step = draft.step;
    draft.mangle(|line| if line.trim().is_empty() { line.to_owned() } else { format!("{step}{line}") });
    draft.loosely();
    Some(())
}

fn restepped(line: &str, from: &str, to: &str) -> String {
    let mut rest = line;
    let mut out = String::new();
    while let Some(shorter) = rest.strip_prefix(from) {
        rest = shorter;
        out.push_str(to);
    }
    out + rest
}

fn other_step(dice: &mut Dice, draft: &mut Draft) -> Option<()> {
    let from = draft.step;
    let to = *dice.pick(&["  ", "    ", "   ", "        "]);
    if from == to {
        return None;
    }
    draft.mangle(|line| restepped(line, from, to));
    draft.loosely();
    // With one depth only it is anybody's guess what deeper new lines are.
    if draft.verdict == Verdict::Apply {
        draft.verdict = Verdict::ApplyOrRefuse;
    }
    Some(())
}

fn tabs_for_blanks(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    let from = draft.step;
    if from == "\t" {
        return None;
    }
    draft.mangle(|line| restepped(line, from, "\t"));
    draft.loosely();
    if draft.verdict == Verdict::Apply {
        draft.verdict = Verdict::ApplyOrRefuse;
    }
    Some(())
}

fn first_line(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    let quote = &mut draft.quotes[0];
    let solid = quote.old.iter().filter(|line| line.trim().len() > 4).count();
    if solid < 2 || quote.new.is_empty() || quote.old[0] != quote.new[0] {
        return None;
    }
    quote.old[0] = quote.old[0].trim_start().to_owned();
    quote.new[0].clone_from(&quote.old[0]);
    draft.loosely();
    Some(())
}

fn blank_line_blanks(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    let step = draft.step;
    draft.mangle(|line| if line.is_empty() { step.to_owned() } else { line.to_owned() });
    // What a new blank line should be is open; the patch's own word counts.
    let expected: Vec<String> = draft.changes[0].new.clone();
    if expected.iter().any(|line| line.is_empty()) {
        return None;
    }
    draft.loosely();
    Some(())
}

fn inner_blanks(dice: &mut Dice, draft: &mut Draft) -> Option<()> {
    // Only in lines that stay.
    let change = draft.changes[0].at.clone();
    let quote = &mut draft.quotes[0];
    let context: Vec<usize> = (0..quote.old.len())
        .filter(|at| !change.contains(&(quote.at + at)) && quote.old[*at].contains(" = "))
        .collect();
    let at = *context.get(dice.roll(context.len()))?;
    let (was, now) = (quote.old[at].clone(), quote.old[at].replacen(" = ", "  = ", 1));
    quote.old[at].clone_from(&now);
    let line = if quote.at + at < change.start { at } else { at + quote.new.len() - quote.old.len() };
    if quote.new.get(line) != Some(&was) {
        return None;
    }
    quote.new[line] = now;
    draft.loosely();
    if draft.verdict == Verdict::Apply {
        draft.verdict = Verdict::ApplyOrRefuse;
    }
    Some(())
}

fn ends(dice: &mut Dice, ending: impl Fn(&mut Dice, usize) -> &'static str) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    draft.endings = (0..draft.before.len()).map(|at| ending(dice, at)).collect();
    // A line that stays keeps its own ending; only changes that write every line anew say what the others get.
    let change = &draft.changes[0];
    let gone = &draft.before[change.at.clone()];
    if change.new.iter().any(|line| gone.contains(line)) || gone.iter().any(|line| line.trim().len() < 2) {
        return None;
    }
    if dice.once_in(2) {
        draft.unend();
    }
    Some(draft.case("search_replace", draft.blocks()))
}

fn crlf_patch(mut case: Case) -> Case {
    case.patch = case.patch.replace('\n', "\r\n");
    case
}

fn at_the_end(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let len = draft.before.len();
    draft.unend()?;
    draft.changes[0].at = len..len;
    if draft.changes[0].new.is_empty() {
        return None;
    }
    draft.quote(dice, 4);
    Some(draft.case("search_replace", draft.blocks()))
}

fn no_break(dice: &mut Dice, draft: &mut Draft) -> Option<()> {
    let blank = *dice.pick(&["\u{a0}", "\u{202f}", "\u{2009}"]);
    let once = dice.once_in(2);
    draft.mangle(|line| {
        let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
        if once {
            indent.to_owned() + &rest.replacen(' ', blank, 1)
        } else {
            indent.to_owned() + &rest.replace(' ', blank)
        }
    });
    draft.loosely();
    if draft.verdict == Verdict::Apply {
        draft.verdict = Verdict::ApplyOrRefuse;
    }
    Some(())
}

/// Straight quotes turned into curly ones, opening and closing in turn.
fn curly(line: &str) -> String {
    let mut open = false;
    let mut out = String::new();
    for c in line.chars() {
        match c {
            '"' => {
                open = !open;
                out.push(if open { '\u{201c}' } else { '\u{201d}' });
            }
            '\'' => out.push('\u{2019}'),
            c => out.push(c),
        }
    }
    out
}

fn typographic(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    draft.mangle(curly);
    draft.loosely();
    if draft.verdict == Verdict::Apply {
        draft.verdict = Verdict::ApplyOrRefuse;
    }
    Some(())
}

fn typographic_file(dice: &mut Dice, draft: &mut Draft) {
    let all = dice.once_in(2);
    let change = draft.changes[0].at.clone();
    for (at, line) in draft.before.iter_mut().enumerate() {
        // Lines that the change rewrites are left alone, for what they should become is open.
        if (all || line.trim_start().starts_with(['#', '/'])) && !change.contains(&at) {
            *line = curly(line);
        }
    }
}

fn plain_patch(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    draft.mangle(|line| line.replace(['\u{201c}', '\u{201d}'], "\"").replace('\u{2019}', "'"));
    draft.loosely();
    if draft.verdict == Verdict::Apply {
        draft.verdict = Verdict::ApplyOrRefuse;
    }
    Some(())
}

const LETTERS: [(&str, &str); 3] = [("\u{e9}", "e\u{301}"), ("\u{fc}", "u\u{308}"), ("\u{f1}", "n\u{303}")];

fn accented(draft: &mut Draft, decomposed: bool) {
    let change = draft.changes[0].at.clone();
    for (at, line) in draft.before.iter_mut().enumerate() {
        if !change.contains(&at) {
            let letter = |at: usize| if decomposed { LETTERS[at].1 } else { LETTERS[at].0 };
            *line = line.replace("te", &format!("t{}", letter(0))).replace("mu", &format!("m{}", letter(1)));
        }
    }
}

fn composed_file(_: &mut Dice, draft: &mut Draft) {
    accented(draft, false);
}

fn decomposed_file(_: &mut Dice, draft: &mut Draft) {
    accented(draft, true);
}

fn decompose(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    draft.mangle(|line| LETTERS.iter().fold(line.to_owned(), |line, (one, two)| line.replace(one, two)));
    loose_or_refused(draft)
}

fn compose(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    draft.mangle(|line| LETTERS.iter().fold(line.to_owned(), |line, (one, two)| line.replace(two, one)));
    loose_or_refused(draft)
}

fn loose_or_refused(draft: &mut Draft) -> Option<()> {
    draft.loosely();
    if draft.verdict == Verdict::Apply {
        draft.verdict = Verdict::ApplyOrRefuse;
    }
    Some(())
}

fn entities(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    draft.mangle(|line| {
        line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    });
    loose_or_refused(draft)
}

fn escaped(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    draft.mangle(|line| line.replace('\\', "\\\\").replace('"', "\\\""));
    loose_or_refused(draft)
}

fn elided(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let change = draft.changes[0].clone();
    let from = change.at.start.checked_sub(dice.between(4, 7))?;
    let to = change.at.end + dice.between(1, 3);
    if to > draft.before.len() {
        return None;
    }
    let gap = from + 1..change.at.start - dice.between(1, 2);
    if gap.len() < 2 {
        return None;
    }
    let dots = dice.pick(&[
        "...",
        "    # ...",
        "// ...",
        "    // ... existing code ...",
        "# ... rest of the code ...",
    ]);
    let dots = (*dots).to_owned();
    let head = [&draft.before[from..gap.start], &[dots]].concat();
    let lead = &draft.before[gap.end..change.at.start];
    let trail = &draft.before[change.at.end..to];
    let quote = &mut draft.quotes[0];
    quote.at = from;
    quote.old = [&head, lead, &draft.before[change.at.clone()], trail].concat();
    quote.new = [&head, lead, &change.new, trail].concat();
    draft.verdict = Verdict::ApplyOrRefuse;
    if draft.is_misleading() {
        return None;
    }
    Some(draft.case("search_replace", draft.blocks()))
}

/// A line of what is quoted was changed since: of the context, or of what is replaced.
fn stale(dice: &mut Dice, target: bool) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let change = draft.changes[0].at.clone();
    let quote = &draft.quotes[0];
    let lines: Vec<usize> = (quote.at..quote.at + quote.old.len())
        .filter(|at| change.contains(at) == target && draft.before[*at].trim().len() > 4)
        .collect();
    let at = *lines.get(dice.roll(lines.len()))?;
    // A line that the change keeps is context, wherever it stands.
    if target && draft.changes[0].new.contains(&draft.before[at]) {
        return None;
    }
    let words: Vec<String> = draft.before[at]
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() > 2)
        .map(str::to_owned)
        .collect();
    let word = words.get(dice.roll(words.len()))?;
    draft.before[at] = draft.before[at].replacen(word.as_str(), &format!("{word}2"), 1);
    draft.verdict = if target { Verdict::Refuse } else { Verdict::ApplyOrRefuse };
    if draft.is_misleading() {
        return None;
    }
    Some(draft.case("search_replace", draft.blocks()))
}

/// The place that is meant was changed since, and a copy of it elsewhere differs otherwise: neither is the one.
fn near_copy(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let quote = draft.quotes[0].clone();
    if quote.old.len() < 3 {
        return None;
    }
    let mut copy = quote.old.clone();
    let at = dice.roll(copy.len());
    copy[at] = copy[at].replacen(' ', " x", 1);
    if copy == quote.old {
        return None;
    }
    // The copy differs in indentation too, half of the time, so that it is no less alike than the original.
    if dice.once_in(2) {
        copy = copy.iter().map(|line| format!("{}{line}", draft.step)).collect();
    }
    let place = if dice.once_in(2) { 0 } else { draft.before.len() };
    let len = copy.len();
    draft.before.splice(place..place, copy);
    draft.endings = vec!["\n"; draft.before.len()];
    if place == 0 {
        let range = &mut draft.changes[0].at;
        *range = range.start + len..range.end + len;
        draft.quotes[0].at += len;
    }
    if !draft.is_unique(&draft.quotes[0].clone()) {
        return None;
    }
    Some(draft.case("search_replace", draft.blocks()))
}

fn blanks_forgotten(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    for quote in &mut draft.quotes {
        quote.old.retain(|line| !line.is_empty());
        quote.new.retain(|line| !line.is_empty());
    }
    // Blank lines that the change itself is about cannot be told any more.
    if touches_blank_lines(draft) {
        return None;
    }
    loose_or_refused(draft)
}

/// Whether the change is about blank lines or stands beside some: then it cannot be told what it meant.
fn touches_blank_lines(draft: &Draft) -> bool {
    let change = &draft.changes[0];
    let around = change.at.start.saturating_sub(1)..(change.at.end + 1).min(draft.before.len());
    change.new.iter().chain(&draft.before[around]).any(|line| line.is_empty())
}

fn blanks_doubled(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    let double = |lines: &mut Vec<String>| {
        *lines = lines
            .iter()
            .flat_map(|line| std::iter::repeat_n(line.clone(), if line.is_empty() { 2 } else { 1 }))
            .collect();
    };
    if touches_blank_lines(draft) {
        return None;
    }
    for quote in &mut draft.quotes {
        double(&mut quote.old);
        double(&mut quote.new);
    }
    loose_or_refused(draft)
}

fn numbered(dice: &mut Dice, both: bool) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let style = dice.roll(5);
    let number = |at: usize, line: &str| match style {
        0 => format!("{:>5} | {line}", at + 1),
        1 => format!("{}: {line}", at + 1),
        2 => format!("{:>6}\t{line}", at + 1),
        3 => format!("{:>5}\u{2192}{line}", at + 1),
        _ => format!("{}|{line}", at + 1),
    };
    let quote = &mut draft.quotes[0];
    let at = quote.at;
    quote.old = quote.old.iter().enumerate().map(|(i, line)| number(at + i, line)).collect();
    if both {
        quote.new = quote.new.iter().enumerate().map(|(i, line)| number(at + i, line)).collect();
    }
    if draft.verdict == Verdict::Apply {
        draft.verdict = Verdict::ApplyOrRefuse;
    }
    Some(draft.case("search_replace", draft.blocks()))
}

fn diff_marks(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    let lines = draft.hunk_lines(&draft.quotes[0]);
    let quote = &mut draft.quotes[0];
    quote.old = lines.iter().filter(|line| !line.starts_with('+')).cloned().collect();
    quote.new = lines.iter().filter(|line| !line.starts_with('-')).cloned().collect();
    loose_or_refused(draft)
}

fn fence_inside(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    for quote in &mut draft.quotes {
        for side in [&mut quote.old, &mut quote.new] {
            side.insert(0, "```rust".to_owned());
            side.push("```".to_owned());
        }
    }
    loose_or_refused(draft)
}

fn fence_outside(dice: &mut Dice) -> Option<Case> {
    let draft = Draft::new(dice, 1)?;
    let blocks = draft.blocks();
    let (path, rest) = blocks.split_once('\n')?;
    let patch = match dice.roll(4) {
        0 => format!("Here it is:\n\n```\n{blocks}```\nDone.\n"),
        1 => format!("### {path}\n\n```rust\n{rest}```\n"),
        2 => format!("I change `{path}`.\n\n**{path}**\n~~~\n{rest}~~~\n"),
        _ => format!("```diff\n{blocks}```"),
    };
    Some(draft.case("search_replace", patch))
}

fn nothing_quoted(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    draft.quotes[0].old.clear();
    draft.verdict = Verdict::Refuse;
    Some(draft.case("search_replace", draft.blocks()))
}

/// The change is in the file already.
fn already(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    draft.before = crate::source::changed(&draft.before, &draft.changes);
    draft.endings = vec!["\n"; draft.before.len()];
    draft.changes.clear();
    let fresh =
        draft.quotes[0].new.iter().any(|line| !draft.quotes[0].old.contains(line) && line.trim().len() > 6);
    // What was only removed, or is still there to be found, is no sign of anything.
    if !fresh || !crate::source::places(&draft.before, &draft.quotes[0].old).is_empty() {
        return None;
    }
    draft.verdict = Verdict::Refuse;
    Some(draft.case("search_replace", draft.blocks()))
}

/// Two equal places, one of them done already: the quote fits the other, which may be the one that is meant.
fn half_done(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let quote = draft.quotes[0].clone();
    let mut copy = quote.new.clone();
    copy.push(String::new());
    draft.before.extend(copy);
    draft.endings = vec!["\n"; draft.before.len()];
    if draft.verdict != Verdict::Apply || crate::source::places(&draft.before, &quote.old).len() != 1 {
        return None;
    }
    draft.verdict = Verdict::ApplyOrRefuse;
    Some(draft.case("search_replace", draft.blocks()))
}

fn one_missing(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 2)?;
    let at = dice.roll(2);
    let line = dice.roll(draft.quotes[at].old.len());
    let quote = &mut draft.quotes[at];
    let gone = "this_line_was_never_here(at, all, 4711)".to_owned();
    *quote.old.get_mut(line)? = gone;
    let kept = quote.new.clone();
    // Where the line is context, it may be taken for a stale one; only a replaced line makes sure.
    if kept.contains(&draft.before[quote.at + line]) {
        return None;
    }
    draft.verdict = Verdict::Refuse;
    Some(draft.case("search_replace", draft.blocks()))
}

fn overlapping(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let change = draft.changes[0].clone();
    if change.at.len() < 2 || draft.verdict != Verdict::Apply {
        return None;
    }
    // The second block replaces one of the same lines by something else.
    let at = change.at.start + dice.roll(change.at.len());
    let from = at.saturating_sub(3);
    let mut second = draft.quotes[0].clone();
    second.at = from;
    second.old = draft.before[from..=at].to_vec();
    second.new = [&draft.before[from..at], &["another_line(for, this)".to_owned()]].concat();
    draft.quotes.push(second);
    draft.verdict = Verdict::Refuse;
    // If what the second quotes is left by the first, it is applied after it.
    let after = crate::source::changed(&draft.before, &draft.changes);
    if !crate::source::places(&after, &draft.quotes[1].old).is_empty()
        || change.new.contains(&draft.before[at])
    {
        return None;
    }
    Some(draft.case("search_replace", draft.blocks()))
}

fn chained(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let new = draft.changes[0].new.clone();
    if new.len() < 2 || draft.verdict != Verdict::Apply {
        return None;
    }
    let mut second = draft.quotes[0].clone();
    second.old = draft.quotes[0].new.clone();
    second.new = second.old.clone();
    let spot = second.old.iter().position(|line| new.contains(line) && !draft.before.contains(line))?;
    second.new[spot] = format!("{}_again(true, false)", second.new[spot]);
    let wanted = draft.changes[0].new.iter().position(|line| *line == second.old[spot])?;
    draft.changes[0].new[wanted].clone_from(&second.new[spot]);
    if crate::source::places(&crate::source::changed(&draft.before, &[]), &second.old).len() > 1 {
        return None;
    }
    draft.quotes.push(second);
    draft.verdict = Verdict::ApplyOrRefuse;
    Some(draft.case("search_replace", draft.blocks()))
}

fn truncated(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 2)?;
    let mut patch = draft.blocks();
    let last = patch.rfind("<<<<<<< SEARCH")?;
    let end = patch.trim_end().len() - 1;
    let mut cut = last + 15 + dice.roll(end - last - 15);
    while !patch.is_char_boundary(cut) {
        cut -= 1;
    }
    patch.truncate(cut);
    draft.verdict = Verdict::Refuse;
    Some(draft.case("search_replace", patch))
}

fn other_case(_: &mut Dice, draft: &mut Draft) -> Option<()> {
    let quote = &mut draft.quotes[0];
    let change = draft.changes[0].at.start - quote.at;
    let line = quote.old.get_mut(change)?;
    if draft.changes[0].at.is_empty() || *line == line.to_uppercase() {
        return None;
    }
    *line = line.to_uppercase();
    draft.verdict = Verdict::Refuse;
    Some(())
}

fn words_left_out(dice: &mut Dice, draft: &mut Draft) -> Option<()> {
    let quote = &mut draft.quotes[0];
    if draft.changes[0].at.is_empty() {
        return None;
    }
    let line = quote.old.get_mut(draft.changes[0].at.start - quote.at)?;
    let words: Vec<&str> = line.split(' ').collect();
    let at = dice.roll(words.len());
    let mut fewer = words.clone();
    if fewer.remove(at).trim().is_empty() || fewer.is_empty() {
        return None;
    }
    *line = fewer.join(" ");
    draft.verdict = Verdict::Refuse;
    Some(())
}

fn swapped(dice: &mut Dice, draft: &mut Draft) -> Option<()> {
    let quote = &mut draft.quotes[0];
    let at = dice.roll(quote.old.len().checked_sub(2)? + 1);
    if quote.old[at] == quote.old[at + 1]
        || quote.old[at].trim().is_empty()
        || quote.old[at + 1].trim().is_empty()
    {
        return None;
    }
    quote.old.swap(at, at + 1);
    draft.verdict = Verdict::Refuse;
    Some(())
}

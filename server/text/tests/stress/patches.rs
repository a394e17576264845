//! Unified diffs and patch envelopes as models get them wrong: one function for each kind.

use std::collections::BTreeMap;

use crate::blocks::Kind;
use crate::dice::Dice;
use crate::draft::{Case, Draft, PATH, Verdict, header};
use crate::source::{changed, places};

pub const KINDS: &[Kind] = &[
    ("unified, exact", |dice| unified(dice, |_, patch| patch)),
    ("unified, without numbers", |dice| with_header(dice, |_, _, _, _| "@@ @@".to_owned())),
    ("unified, bare @@", |dice| with_header(dice, |_, _, _, _| "@@".to_owned())),
    ("unified, wrong numbers", |dice| {
        let off = dice.between(1, 30);
        with_header(dice, move |a, b, c, d| header(a + off, b, c + off, d))
    }),
    ("unified, wrong counts", |dice| {
        let off = dice.between(1, 3);
        with_header(dice, move |a, b, c, d| header(a, b.saturating_sub(off), c, d.saturating_sub(off)))
    }),
    ("unified, section names", |dice| {
        with_header(dice, |a, b, c, d| header(a, b, c, d) + " fn somewhere() {")
    }),
    ("unified, no a/ b/", |dice| {
        unified(dice, |_, patch| patch.replace("--- a/", "--- ").replace("+++ b/", "+++ "))
    }),
    ("unified, only b/", |dice| unified(dice, |_, patch| patch.replace("--- a/", "--- "))),
    ("unified, git header", |dice| {
        unified(dice, |_, patch| {
            format!("diff --git a/{PATH} b/{PATH}\nindex 1234567..89abcde 100644\n{patch}")
        })
    }),
    ("unified, fenced", |dice| {
        unified(dice, |_, patch| format!("So:\n\n```diff\n{patch}```\n\nThat is all.\n"))
    }),
    ("unified, CRLF patch", |dice| unified(dice, |_, patch| patch.replace('\n', "\r\n"))),
    ("unified, blank context without a blank", |dice| {
        unified(dice, |_, patch| patch.replace("\n \n", "\n\n"))
    }),
    ("unified, CRLF file", |dice| unified_early(dice, |_, draft| draft.endings.fill("\r\n"))),
    ("unified, byte order mark", |dice| unified_early(dice, |_, draft| draft.bom = true)),
    ("unified, trailing blanks in the file", |dice| {
        let mut draft = Draft::spoilt(dice, 1, crate::blocks::trailing_in_file)?;
        with_numbers(&mut draft);
        draft.mangle(|line| line.trim_end().to_owned());
        if draft.is_misleading() {
            return None;
        }
        draft.loosely();
        Some(draft.case("unified_diff", draft.exact_diff()))
    }),
    ("unified, stale target", |dice| stale(dice, Draft::exact_diff)),
    ("unified, cut off", unified_cut),
    ("unified, new file", unified_new),
    ("unified, deleted file", unified_deleted),
    ("unified, deleted file that changed", unified_deleted_changed),
    ("unified, moved file", unified_moved),
    ("unified, final newline", unified_final_newline),
    ("envelope, exact", |dice| envelope(dice, |_, patch| patch)),
    ("envelope, CRLF", |dice| envelope(dice, |_, patch| patch.replace('\n', "\r\n"))),
    ("envelope, fenced", |dice| envelope(dice, |_, patch| format!("```\n{patch}```\n"))),
    ("envelope, heredoc", |dice| envelope(dice, |_, patch| format!("apply_patch <<'EOF'\n{patch}EOF\n"))),
    ("envelope, indented headers", |dice| envelope(dice, |_, patch| patch.replace("*** ", "  *** "))),
    ("envelope, anchor", anchored),
    ("envelope, anchor that is not there", wrong_anchor),
    ("envelope, two anchors", two_anchors),
    ("envelope, cut off", envelope_cut),
    ("envelope, stale target", |dice| stale(dice, |draft| draft.envelope(|_| String::new()))),
    ("envelope, end of file", end_of_file),
    ("envelope, file twice", twice),
    ("envelope, file twice, backwards", twice_backwards),
    ("envelope, moved", envelope_moved),
    ("envelope, added and deleted", added_deleted),
    ("envelope, one file missing", one_missing),
    ("envelope, indentation dropped", indent_dropped),
    ("envelope, chunks backwards", backwards),
    ("envelope, insertion at the end", appended),
];

impl Draft {
    fn exact_diff(&self) -> String {
        self.unified(header)
    }
}

fn unified(dice: &mut Dice, spoil: fn(&mut Dice, String) -> String) -> Option<Case> {
    let count = dice.between(1, 3);
    let mut draft = Draft::new(dice, count)?;
    with_numbers(&mut draft);
    let patch = spoil(dice, draft.exact_diff());
    Some(draft.case("unified_diff", patch))
}

/// Where the quote stands several times, right numbers may settle which is meant.
fn with_numbers(draft: &mut Draft) {
    if draft.verdict == Verdict::Refuse {
        draft.verdict = Verdict::ApplyOrRefuse;
    }
}

fn with_header(dice: &mut Dice, header: impl Fn(usize, usize, usize, usize) -> String) -> Option<Case> {
    let draft = Draft::new(dice, 1)?;
    // Numbers that are wrong by chance hit a double.
    if draft.verdict == Verdict::Refuse {
        return None;
    }
    Some(draft.case("unified_diff", draft.unified(header)))
}

fn unified_early(dice: &mut Dice, spoil: impl FnOnce(&mut Dice, &mut Draft)) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    spoil(dice, &mut draft);
    with_numbers(&mut draft);
    Some(draft.case("unified_diff", draft.exact_diff()))
}

fn stale(dice: &mut Dice, write: fn(&Draft) -> String) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let change = draft.changes[0].clone();
    if change.at.is_empty() {
        return None;
    }
    let at = change.at.start + dice.roll(change.at.len());
    if change.new.contains(&draft.before[at]) || draft.before[at].trim().len() < 4 {
        return None;
    }
    draft.before[at].push_str(" + extra");
    draft.verdict = Verdict::Refuse;
    if draft.is_misleading() {
        return None;
    }
    let patch = write(&draft);
    Some(draft.case(if patch.starts_with("***") { "apply_patch" } else { "unified_diff" }, patch))
}

fn unified_cut(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 2)?;
    let mut patch = draft.exact_diff();
    let last = patch.rfind("\n@@ ")?;
    let body = last + 1 + patch[last + 1..].find('\n')?;
    // In the middle of a line that is not the last one: neither the line nor the rest of the hunk is there.
    let tail = patch[..patch.len() - 1].rfind('\n')?;
    if tail <= body + 2 || draft.quotes[1].old.len() < 2 {
        return None;
    }
    let mut cut = body + 2 + dice.roll(tail - body - 2);
    while !patch.is_char_boundary(cut) || patch[..cut].ends_with('\n') || patch[cut..].starts_with('\n') {
        cut += 1;
        if cut >= tail {
            return None;
        }
    }
    patch.truncate(cut);
    draft.verdict = Verdict::Refuse;
    Some(draft.case("unified_diff", patch))
}

fn unified_new(dice: &mut Dice) -> Option<Case> {
    let draft = Draft::new(dice, 1)?;
    let mut case = draft.case("unified_diff", String::new());
    let text = case.files.remove(PATH)?;
    let lines = draft.before.len();
    let mut patch = format!("--- /dev/null\n+++ b/{PATH}\n@@ -0,0 +1,{lines} @@\n");
    draft.before.iter().for_each(|line| patch.extend(["+", line, "\n"]));
    case.patch = patch;
    case.verdict = Verdict::Apply;
    case.outcomes[0].insert(PATH.to_owned(), text);
    Some(case)
}

fn unified_deleted(dice: &mut Dice) -> Option<Case> {
    let draft = Draft::new(dice, 1)?;
    let mut case = draft.case("unified_diff", whole_deletion(&draft.before));
    case.verdict = Verdict::Apply;
    case.outcomes[0].remove(PATH);
    Some(case)
}

fn whole_deletion(lines: &[String]) -> String {
    let mut patch = format!("--- a/{PATH}\n+++ /dev/null\n@@ -1,{} +0,0 @@\n", lines.len());
    lines.iter().for_each(|line| patch.extend(["-", line, "\n"]));
    patch
}

fn unified_deleted_changed(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let patch = whole_deletion(&draft.before);
    draft.before = changed(&draft.before, &draft.changes);
    draft.endings = vec!["\n"; draft.before.len()];
    draft.changes.clear();
    draft.verdict = Verdict::Refuse;
    Some(draft.case("unified_diff", patch))
}

fn unified_moved(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    with_numbers(&mut draft);
    let to = "lib/moved here.rs";
    let patch = draft.exact_diff().replace(&format!("+++ b/{PATH}"), &format!("+++ b/{to}"));
    let patch = format!(
        "diff --git a/{PATH} b/{to}\nsimilarity index 90%\nrename from {PATH}\nrename to {to}\n{patch}"
    );
    let mut case = draft.case("unified_diff", patch);
    let text = case.outcomes[0].remove(PATH)?;
    case.outcomes[0].insert(to.to_owned(), text);
    Some(case)
}

fn unified_final_newline(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let last = draft.before.len() - 1;
    if draft.before[last].trim().is_empty() {
        return None;
    }
    if dice.once_in(2) {
        draft.unend();
    }
    draft.changes[0].at = last..last + 1;
    draft.changes[0].new = vec!["the_last(line)".to_owned()];
    draft.quote(dice, 3);
    draft.verdict = Verdict::ApplyOrRefuse;
    let mut patch = draft.exact_diff();
    let note = "\\ No newline at end of file\n";
    if dice.once_in(2) {
        // Both without.
        draft.final_newline = false;
        let at = patch.rfind("\n+")? + 1;
        patch.insert_str(at, note);
        patch.push_str(note);
        return Some(draft.case("unified_diff", patch));
    }
    draft.final_newline = true;
    Some(draft.case("unified_diff", patch))
}

/// A draft in which every quote has lines: without any, the end of the file is meant.
fn quoting(dice: &mut Dice, count: usize) -> Option<Draft> {
    Draft::new(dice, count).filter(|draft| draft.quotes.iter().all(|quote| !quote.old.is_empty()))
}

fn envelope(dice: &mut Dice, spoil: fn(&mut Dice, String) -> String) -> Option<Case> {
    let count = dice.between(1, 3);
    let draft = quoting(dice, count)?;
    let mut case = draft.case("apply_patch", spoil(dice, draft.envelope(|_| String::new())));
    // Between chunks that have a place, a double may have one too.
    if case.verdict == Verdict::Refuse && count > 1 {
        case.verdict = Verdict::ApplyOrRefuse;
    }
    Some(case)
}

/// The nearest line above with no more indentation that begins a body.
fn head_of(draft: &Draft, at: usize) -> Option<usize> {
    let heads = |line: &&String| line.starts_with("fn ") || line.starts_with("def ");
    let head = (0..at).rev().find(|at| heads(&&draft.before[*at]))?;
    let next =
        (head + 1..draft.before.len()).find(|at| heads(&&draft.before[*at])).unwrap_or(draft.before.len());
    (at < next).then_some(head)
}

fn anchored(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let quote = draft.quotes[0].clone();
    let head = head_of(&draft, quote.at)?;
    let anchor = draft.before[head].clone();
    let inside = places(&draft.before[head..], &quote.old);
    if head_of(&draft, quote.at + quote.old.len()) != Some(head) || inside.first() != Some(&(quote.at - head))
    {
        return None;
    }
    let once = places(&draft.before, std::slice::from_ref(&anchor)).len() == 1;
    draft.verdict = if once && draft.is_unique(&quote) { Verdict::Apply } else { Verdict::ApplyOrRefuse };
    if !once && !draft.is_unique(&quote) {
        draft.verdict = Verdict::Refuse;
    }
    if draft.verdict == Verdict::Refuse && places(&draft.before, &quote.old).len() == 1 {
        draft.verdict = Verdict::ApplyOrRefuse;
    }
    // Of several with that anchor only one may have the quote in its body.
    if draft.verdict == Verdict::Refuse {
        return None;
    }
    Some(draft.case("apply_patch", draft.envelope(|_| format!(" {anchor}"))))
}

fn wrong_anchor(dice: &mut Dice) -> Option<Case> {
    let mut draft = quoting(dice, 1)?;
    draft.verdict = Verdict::Refuse;
    Some(draft.case("apply_patch", draft.envelope(|_| " fn not_in_this_file() {".to_owned())))
}

fn two_anchors(dice: &mut Dice) -> Option<Case> {
    // Two types with the same method; only both names together say which is meant.
    let names = ["Alpha", "Beta", "Gamma"];
    let meant = dice.roll(3);
    let mut lines = Vec::new();
    let mut target = 0;
    for (at, name) in names.iter().enumerate() {
        lines.push(format!("class {name}:"));
        for method in ["open", "close"] {
            lines.push(format!("    def {method}(self):"));
            if at == meant && method == "close" {
                target = lines.len();
            }
            lines.push("        self.count = 1".to_owned());
            lines.push("        return True".to_owned());
            lines.push(String::new());
        }
    }
    let mut after = lines.clone();
    after[target] = "        self.count = 2".to_owned();
    let patch = format!(
        "*** Begin Patch\n*** Update File: {PATH}\n@@ class {}:\n@@     def close(self):\n-        self.count = 1\n+        self.count = 2\n         return True\n*** End Patch\n",
        names[meant]
    );
    let files = |lines: &[String]| BTreeMap::from([(PATH.to_owned(), lines.join("\n") + "\n")]);
    let outcomes = vec![files(&after)];
    Some(Case { format: "apply_patch", files: files(&lines), patch, verdict: Verdict::Apply, outcomes })
}

fn envelope_cut(dice: &mut Dice) -> Option<Case> {
    let mut draft = quoting(dice, 1)?;
    let mut patch = draft.envelope(|_| String::new());
    let end = patch.rfind("*** End Patch")?;
    let mut cut = 30 + dice.roll(end - 30);
    while !patch.is_char_boundary(cut) {
        cut += 1;
    }
    patch.truncate(cut);
    draft.verdict = Verdict::Refuse;
    Some(draft.case("apply_patch", patch))
}

fn end_of_file(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    let len = draft.before.len();
    let tail: Vec<String> = draft.before[len - 2..].to_vec();
    // The same two lines stand elsewhere as well.
    draft.before.splice(0..0, tail.iter().cloned());
    draft.endings = vec!["\n"; draft.before.len()];
    if dice.once_in(2) {
        draft.unend();
    }
    let len = draft.before.len();
    draft.changes[0].at = len..len;
    draft.changes[0].new = vec!["appended(line)".to_owned()];
    draft.quotes[0].at = len - 2;
    draft.quotes[0].old = tail.clone();
    draft.quotes[0].new = [tail.as_slice(), &["appended(line)".to_owned()]].concat();
    if tail[1].is_empty() || tail.iter().all(|line| line.trim().is_empty()) {
        return None;
    }
    draft.verdict = Verdict::Apply;
    let patch = draft.envelope(|_| String::new()).replace("*** End Patch", "*** End of File\n*** End Patch");
    Some(draft.case("apply_patch", patch))
}

fn two_sections(dice: &mut Dice, backwards: bool) -> Option<Case> {
    let mut draft = Draft::new(dice, 2)?;
    if draft.verdict != Verdict::Apply {
        return None;
    }
    let all = draft.quotes.clone();
    if backwards {
        draft.quotes.reverse();
    }
    let mut patch = String::from("*** Begin Patch\n");
    for quote in &draft.quotes {
        patch.push_str(&format!("*** Update File: {PATH}\n@@\n"));
        draft.hunk_lines(quote).iter().for_each(|line| patch.extend([line, "\n"]));
    }
    patch.push_str("*** End Patch\n");
    draft.quotes = all;
    Some(draft.case("apply_patch", patch))
}

fn twice(dice: &mut Dice) -> Option<Case> {
    two_sections(dice, false)
}

fn twice_backwards(dice: &mut Dice) -> Option<Case> {
    two_sections(dice, true)
}

fn envelope_moved(dice: &mut Dice) -> Option<Case> {
    let draft = quoting(dice, 1)?;
    let header = format!("*** Update File: {PATH}\n");
    let patch =
        draft.envelope(|_| String::new()).replace(&header, &format!("{header}*** Move to: lib/g.rs\n"));
    let mut case = draft.case("apply_patch", patch);
    let text = case.outcomes[0].remove(PATH)?;
    case.outcomes[0].insert("lib/g.rs".to_owned(), text);
    Some(case)
}

fn added_deleted(dice: &mut Dice) -> Option<Case> {
    let draft = quoting(dice, 1)?;
    let patch = draft.envelope(|_| String::new()).replace(
        "*** End Patch",
        "*** Add File: new/file.txt\n+one\n+\n+two\n*** Delete File: src/other.rs\n*** End Patch",
    );
    let mut case = draft.case("apply_patch", patch);
    case.outcomes[0].remove("src/other.rs");
    case.outcomes[0].insert("new/file.txt".to_owned(), "one\n\ntwo\n".to_owned());
    Some(case)
}

fn one_missing(dice: &mut Dice) -> Option<Case> {
    let mut draft = quoting(dice, 1)?;
    let section = match dice.roll(3) {
        0 => "*** Delete File: src/gone.rs\n",
        1 => "*** Update File: src/gone.rs\n@@\n-a\n+b\n",
        _ => "*** Update File: src/gone.rs\n*** Move to: src/there.rs\n@@\n-a\n+b\n",
    };
    let patch =
        draft.envelope(|_| String::new()).replace("*** End Patch", &format!("{section}*** End Patch"));
    draft.verdict = Verdict::Refuse;
    Some(draft.case("apply_patch", patch))
}

fn indent_dropped(dice: &mut Dice) -> Option<Case> {
    let mut draft = quoting(dice, 1)?;
    let step = draft.step;
    let quote = &draft.quotes[0];
    let mut solid = quote.old.iter().chain(&quote.new).filter(|line| !line.is_empty());
    if !solid.all(|line| line.starts_with(step)) {
        return None;
    }
    draft.mangle(|line| line.strip_prefix(step).unwrap_or(line).to_owned());
    draft.loosely();
    if draft.is_misleading() {
        return None;
    }
    Some(draft.case("apply_patch", draft.envelope(|_| String::new())))
}

fn backwards(dice: &mut Dice) -> Option<Case> {
    let mut draft = quoting(dice, 2)?;
    draft.quotes.reverse();
    if draft.verdict == Verdict::Apply {
        draft.verdict = Verdict::ApplyOrRefuse;
    } else {
        return None;
    }
    Some(draft.case("apply_patch", draft.envelope(|_| String::new())))
}

fn appended(dice: &mut Dice) -> Option<Case> {
    let mut draft = Draft::new(dice, 1)?;
    if dice.once_in(2) {
        draft.unend();
    }
    let len = draft.before.len();
    draft.changes[0].at = len..len;
    draft.changes[0].new = vec![String::new(), "appended_at_the_end(line)".to_owned()];
    draft.quotes[0].old.clear();
    draft.quotes[0].new.clone_from(&draft.changes[0].new);
    draft.verdict = Verdict::ApplyOrRefuse;
    Some(draft.case("apply_patch", draft.envelope(|_| String::new())))
}

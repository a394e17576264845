//! Reviewing a proposal in a terminal, hunk by hunk, with the keys of `git add -p`.

use std::collections::BTreeMap;

use galley_agent::event::Verdict;
use galley_agent::verify::{CheckStatus, Evidence};
use galley_agent::view::TaskView;
use galley_review::{HunkId, HunkState, Proposal};

use super::hunk_view::{self, View};
use super::terminal::{Style, ask, key, print, safe, width, wrapped};

/// What the person decided.
#[derive(Debug, Default)]
pub struct Decisions {
    /// Hunks to accept.
    pub accepted: Vec<HunkId>,
    /// Hunks that are not wanted, with the reason if one was given.
    pub rejected: Vec<(HunkId, Option<String>)>,
    /// Other decisions with their text.
    pub others: Vec<(HunkId, Verdict, String)>,
    /// Whether the person left before the end; what is undecided stays pending.
    pub left: bool,
}

impl Decisions {
    /// What the model is to revise: hunks with a comment that were not decided otherwise.
    pub fn comments(&self) -> impl Iterator<Item = (&HunkId, &str)> {
        let commented = self.others.iter().filter(|(_, verdict, _)| *verdict == Verdict::Commented);
        commented.map(|(id, _, text)| (id, text.as_str())).filter(|(id, _)| !self.is_decided(id))
    }

    fn is_decided(&self, id: &HunkId) -> bool {
        self.accepted.contains(id) || self.rejected.iter().any(|(known, _)| known == id)
    }
}

const HELP: &[(&str, &str)] = &[
    ("y", "accept this hunk"),
    ("n", "reject it (N: and say why)"),
    ("e", "edit its text in $EDITOR, then accept it"),
    ("c", "comment on it: the model revises it"),
    ("w", "why: reason, proof, what it needs"),
    ("a", "accept this and the rest of the file (A: of the proposal)"),
    ("d", "reject this and the rest of the file (D: of the proposal)"),
    ("s", "split it into smaller hunks"),
    ("u", "undo the last decision"),
    ("j k", "next, previous hunk; what is not decided stays pending"),
    ("v", "view a long hunk in full"),
    ("q", "quit: what is undecided stays pending"),
];

/// One pass over a proposal.
struct Pass<'a> {
    proposal: &'a mut Proposal,
    evidence: &'a [Evidence],
    /// US dollars by hunk.
    prices: BTreeMap<HunkId, f64>,
    style: Style,
    decisions: Decisions,
    /// What was decided, step by step, for `u`: the hunk that was shown, and the state before.
    steps: Vec<Step>,
}

/// Where a decision was made, and what it can be taken back to.
struct Step {
    at: usize,
    proposal: Proposal,
    ids: Vec<HunkId>,
    accepted: usize,
    rejected: usize,
    others: usize,
}

/// What a key led to.
enum Next {
    Stay,
    Show,
    Go(usize),
    /// The hunks are other ones now.
    Anew(usize, Vec<HunkId>),
    Leave,
}

/// Asks for each hunk that waits for a decision.
pub fn review(proposal: &mut Proposal, view: &TaskView, style: Style) -> Decisions {
    let (evidence, prices) = (&view.evidence, view.prices.of(proposal));
    let open = proposal.all().filter(|(_, hunk)| hunk.is_open());
    let mut ids: Vec<HunkId> = open.map(|(_, hunk)| hunk.id.clone()).collect();
    let mut pass =
        Pass { proposal, evidence, prices, style, decisions: Decisions::default(), steps: Vec::new() };
    let (mut at, mut show, mut full) = (0, true, false);
    while at < ids.len() {
        if show {
            print(&pass.shown(&ids, at, full));
            (show, full) = (false, false);
        }
        let Some(pressed) = key(&pass.prompt(&ids, at)) else {
            pass.decisions.left = true;
            break;
        };
        if pressed == 'v' {
            (show, full) = (true, true);
            continue;
        }
        match pass.pressed(pressed, &ids, at) {
            Next::Stay => {}
            Next::Show => show = true,
            Next::Go(next) => (at, show) = (next, true),
            Next::Anew(next, hunks) => (at, show, ids) = (next, true, hunks),
            Next::Leave => break,
        }
    }
    pass.decisions
}

impl Pass<'_> {
    fn pressed(&mut self, pressed: char, ids: &[HunkId], at: usize) -> Next {
        let id = &ids[at];
        match pressed {
            'y' => {
                self.note(ids, at);
                if self.accept(id) { self.go_on(ids, at) } else { Next::Stay }
            }
            'n' | 'N' => {
                let why = if pressed == 'N' { ask("Why not? ") } else { None };
                self.note(ids, at);
                self.reject(id, why);
                self.go_on(ids, at)
            }
            'e' => {
                self.note(ids, at);
                if self.edit(id) { self.go_on(ids, at) } else { Next::Show }
            }
            'c' => self.comment(ids, at),
            'w' => {
                print(&format!("{}\n", self.why(id)));
                Next::Stay
            }
            'a' | 'A' | 'd' | 'D' => {
                self.note(ids, at);
                for other in self.rest(ids, at, pressed.is_ascii_lowercase()) {
                    match pressed {
                        'a' | 'A' => drop(self.accept(&other)),
                        _ => self.reject(&other, None),
                    }
                }
                self.go_on(ids, at)
            }
            's' => self.split(ids, at),
            'j' | '\u{1b}' => Next::Go(at + 1),
            'k' => Next::Go(at.saturating_sub(1)),
            'u' => self.undo(),
            'q' | '\u{3}' | '\u{4}' => {
                self.decisions.left = true;
                Next::Leave
            }
            '\n' | '\r' | ' ' => Next::Stay,
            _ => {
                print(&self.help());
                Next::Stay
            }
        }
    }

    /// The undecided hunks from here on, of this file or of all.
    fn rest(&self, ids: &[HunkId], at: usize, of_file: bool) -> Vec<HunkId> {
        let path = |id: &HunkId| self.proposal.hunk(id).map(|(file, _)| file.path.clone());
        let here = path(&ids[at]);
        let undecided = |id: &&HunkId| !self.decisions.is_decided(id) && (!of_file || path(id) == here);
        ids[at..].iter().filter(undecided).cloned().collect()
    }

    /// The next hunk that is not decided yet.
    fn go_on(&self, ids: &[HunkId], at: usize) -> Next {
        let undecided = |id: &HunkId| !self.decisions.is_decided(id);
        let next = (at + 1..ids.len()).find(|next| undecided(&ids[*next]));
        Next::Go(next.unwrap_or(ids.len()))
    }

    /// Keeps what is needed to take the next decision back.
    fn note(&mut self, ids: &[HunkId], at: usize) {
        let known = &self.decisions;
        let (accepted, rejected, others) = (known.accepted.len(), known.rejected.len(), known.others.len());
        let (proposal, ids) = (self.proposal.clone(), ids.to_vec());
        self.steps.push(Step { at, proposal, ids, accepted, rejected, others });
    }

    fn undo(&mut self) -> Next {
        let Some(step) = self.steps.pop() else {
            print("nothing was decided yet\n");
            return Next::Stay;
        };
        *self.proposal = step.proposal;
        self.decisions.accepted.truncate(step.accepted);
        self.decisions.rejected.truncate(step.rejected);
        self.decisions.others.truncate(step.others);
        Next::Anew(step.at, step.ids)
    }

    fn split(&mut self, ids: &[HunkId], at: usize) -> Next {
        self.note(ids, at);
        match self.proposal.split_hunk(&ids[at]) {
            Ok(parts) => {
                self.decisions.others.push((ids[at].clone(), Verdict::Split, String::new()));
                let told = format!("split into {} hunks\n", parts.len());
                print(&self.style.dim(&told));
                let mut ids = ids.to_vec();
                ids.splice(at..=at, parts);
                Next::Anew(at, ids)
            }
            Err(error) => {
                self.steps.pop();
                let told = crate::rollback::numbered(self.proposal, &error.to_string());
                print(&format!("{}\n", self.style.yellow(&told)));
                Next::Stay
            }
        }
    }

    /// Accepts a hunk; asks first where it needs others. False when it is not accepted.
    fn accept(&mut self, id: &HunkId) -> bool {
        let lacks = self.lacks(id);
        let mut wanted = self.decisions.accepted.clone();
        wanted.push(id.clone());
        if let Err(error) = self.proposal.plan_accept(&wanted, true) {
            print(&format!(
                "{}\n",
                self.style.yellow(&crate::rollback::numbered(self.proposal, &error.to_string()))
            ));
            self.steps.pop();
            return false;
        }
        if !lacks.is_empty() {
            let numbers = self.numbers(&lacks);
            let question = format!("it needs hunk {numbers}; accept them together [y,n]? ");
            if key(&self.style.yellow(&question)) != Some('y') {
                self.steps.pop();
                return false;
            }
        }
        for id in lacks.into_iter().chain([id.clone()]) {
            if !self.decisions.accepted.contains(&id) {
                self.decisions.accepted.push(id);
            }
        }
        true
    }

    /// What a hunk needs and is neither there nor accepted in this pass.
    fn lacks(&self, id: &HunkId) -> Vec<HunkId> {
        let (mut lacks, mut next): (Vec<HunkId>, Vec<HunkId>) = (Vec::new(), vec![id.clone()]);
        while let Some((_, hunk)) = next.pop().as_ref().and_then(|id| self.proposal.hunk(id)) {
            for needed in &hunk.requires {
                let open = self.proposal.hunk(needed).is_some_and(|(_, needed)| needed.is_open());
                if open
                    && !self.decisions.accepted.contains(needed)
                    && needed != id
                    && !lacks.contains(needed)
                {
                    lacks.push(needed.clone());
                    next.push(needed.clone());
                }
            }
        }
        lacks
    }

    fn numbers(&self, ids: &[HunkId]) -> String {
        let mut numbers: Vec<usize> =
            ids.iter().filter_map(|id| self.proposal.number(id)).map(|(number, _)| number).collect();
        numbers.sort_unstable();
        numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
    }

    fn reject(&mut self, id: &HunkId, why: Option<String>) {
        let why = why.filter(|why| !why.is_empty());
        let fallen = self.proposal.reject(std::slice::from_ref(id));
        let others: Vec<HunkId> = fallen.iter().filter(|other| *other != id).cloned().collect();
        if !others.is_empty() {
            let told = match &others[..] {
                [_] => format!("hunk {} needs it and is rejected with it", self.numbers(&others)),
                _ => format!("hunks {} need it and are rejected with it", self.numbers(&others)),
            };
            print(&format!("{}\n", self.style.yellow(&told)));
        }
        self.decisions.accepted.retain(|known| !fallen.contains(known));
        self.decisions.rejected.extend(fallen.into_iter().map(|id| (id, why.clone())));
    }

    fn comment(&mut self, ids: &[HunkId], at: usize) -> Next {
        let id = &ids[at];
        let Some(text) = ask("What should be different? ").filter(|text| !text.is_empty()) else {
            return Next::Stay;
        };
        self.note(ids, at);
        self.decisions.others.push((id.clone(), Verdict::Commented, text));
        print(&format!("{}\n", self.style.dim("the model revises it after this pass")));
        self.go_on(ids, at)
    }

    /// Lets the person change the text in their editor. True if the hunk is decided by it.
    fn edit(&mut self, id: &HunkId) -> bool {
        let Some((file, hunk)) = self.proposal.hunk(id) else { return true };
        let name = file.path.file_name().to_owned();
        let edited = edited_text(&name, &hunk.after)
            .and_then(|text| self.proposal.edit_hunk(id, text).map_err(|error| error.to_string()));
        match edited {
            Ok(edited) => {
                self.decisions.others.push((id.clone(), Verdict::Edited, edited.now));
                self.accept(id)
            }
            Err(error) => {
                print(&format!("{}\n", self.style.yellow(&error)));
                self.steps.pop();
                false
            }
        }
    }

    fn shown(&self, ids: &[HunkId], at: usize, full: bool) -> String {
        let id = &ids[at];
        let Some((file, hunk)) = self.proposal.hunk(id) else { return String::new() };
        let view = View { width: width(), style: self.style, full };
        let mut head = heading(self.proposal, id, self.evidence, self.style);
        if let Some((_, _, comment)) = self
            .decisions
            .others
            .iter()
            .find(|(known, verdict, _)| known == id && *verdict == Verdict::Commented)
        {
            head.push_str(&format!("{}\n", self.style.yellow(&format!("to be revised: {}", safe(comment)))));
        }
        format!("\n{head}{}\n", hunk_view::lines(self.proposal, file, hunk, view))
    }

    /// Where the review stands, a mark a hunk, and the keys.
    fn prompt(&self, ids: &[HunkId], at: usize) -> String {
        let style = self.style;
        let mark = |(number, id): (usize, &HunkId)| {
            let rejected = self.decisions.rejected.iter().any(|(known, _)| known == id);
            let commented = self.decisions.comments().any(|(known, _)| known == id);
            match (number == at, self.decisions.accepted.contains(id), rejected, commented) {
                (true, ..) => style.cyan("◆"),
                (_, true, ..) => style.green("●"),
                (_, _, true, _) => style.red("●"),
                (_, _, _, true) => style.yellow("●"),
                _ => style.dim("○"),
            }
        };
        let marks: String = ids.iter().enumerate().take(40).map(mark).collect();
        let conflicted =
            self.proposal.hunk(&ids[at]).is_some_and(|(_, hunk)| hunk.state == HunkState::Conflicted);
        let (question, keys) = match conflicted {
            true => ("Conflict: edit or reject?", "[n,e,c,w,s,u,j,k,q,?]"),
            false => ("Accept this hunk?", "[y,n,e,c,w,a,d,s,u,j,k,q,?]"),
        };
        format!("{marks} {} {} ", style.bold(question), style.dim(keys))
    }

    fn help(&self) -> String {
        HELP.iter()
            .map(|(key, what)| format!("  {:<4}{what}\n", key))
            .map(|line| self.style.dim(&line))
            .collect()
    }

    fn why(&self, id: &HunkId) -> String {
        let mut text = safe(&super::run::why(self.proposal, id, self.evidence));
        if let Some(usd) = self.prices.get(id) {
            text.push_str(&format!("\n  it cost ${usd:.3}"));
        }
        let lacks = self.lacks(id);
        if !lacks.is_empty() {
            text.push_str(&format!("\n  needs hunk {}", self.numbers(&lacks)));
        }
        let needed_by: Vec<HunkId> = self
            .proposal
            .pending()
            .filter(|(_, hunk)| hunk.requires.contains(id))
            .map(|(_, hunk)| hunk.id.clone())
            .collect();
        match &needed_by[..] {
            [] => {}
            [_] => {
                text.push_str(&format!("\n  hunk {} needs it and falls with it", self.numbers(&needed_by)))
            }
            _ => text.push_str(&format!("\n  hunks {} need it and fall with it", self.numbers(&needed_by))),
        }
        wrapped(&text)
    }
}

/// File, place and number of a hunk, its proof, what it needs, and its reason.
pub fn heading(proposal: &Proposal, id: &HunkId, evidence: &[Evidence], style: Style) -> String {
    let Some((file, hunk)) = proposal.hunk(id) else { return String::new() };
    let (number, of) = proposal.number(id).unwrap_or((0, 0));
    let line = file.current.byte_to_line(hunk.range.start.min(file.len())) + 1;
    let whole = galley_review::render::whole_file(file, hunk);
    let place = match &whole {
        None => format!("{}:{line}", file.path),
        Some(_) => file.document().to_string(),
    };
    let mut parts = vec![style.bold(&style.cyan(&safe(&place)))];
    parts.extend(whole.map(|words| style.yellow(&safe(&words))));
    parts.extend([format!("hunk {number} of {of}"), proof(evidence, style)]);
    if hunk.state != HunkState::Pending {
        parts.push(style.yellow(hunk.state.as_str()));
    }
    if hunk.merged_by_token {
        parts.push(style.yellow("merged with your typing, look twice"));
    }
    let needs: Vec<String> = hunk
        .requires
        .iter()
        .filter(|id| proposal.hunk(id).is_some_and(|(_, needed)| needed.is_open()))
        .filter_map(|id| proposal.number(id))
        .map(|(number, _)| number.to_string())
        .collect();
    if !needs.is_empty() {
        parts.push(style.yellow(&format!("needs {}", needs.join(", "))));
    }
    let mut text = format!("{}\n", parts.join(&style.dim(" · ")));
    if let Some(reason) = &hunk.reason {
        text.push_str(&format!("{}\n", wrapped(&safe(reason))));
    }
    text
}

fn proof(evidence: &[Evidence], style: Style) -> String {
    let any = |status| evidence.iter().any(|one| one.status == status);
    let is_worse = |one: &Evidence| one.status == CheckStatus::Failed && !one.is_no_worse();
    if evidence.iter().any(is_worse) {
        style.red("✗ checks fail")
    } else if any(CheckStatus::Failed) {
        style.yellow("! checks fail as before")
    } else if evidence.is_empty() || any(CheckStatus::NotRun) {
        style.yellow("! not verified")
    } else {
        style.green("✓ checks")
    }
}

/// A hunk as it is shown where nothing is asked.
pub fn shown(proposal: &Proposal, id: &HunkId, evidence: &[Evidence], style: Style) -> String {
    let Some((file, hunk)) = proposal.hunk(id) else { return String::new() };
    let view = View { width: width(), style, full: true };
    format!("{}{}", heading(proposal, id, evidence, style), hunk_view::lines(proposal, file, hunk, view))
}

/// A text as the person leaves it in their editor; `name` is that of the file.
pub fn edited_text(name: &str, text: &str) -> Result<String, String> {
    let editor = crate::config::variable("VISUAL")
        .or_else(|| crate::config::variable("EDITOR"))
        .ok_or("set $EDITOR to edit it")?;
    let folder = std::env::temp_dir().join(galley_agent::clock::new_id("galley-edit-"));
    galley_workspace::create_dir(&folder).map_err(|error| error.to_string())?;
    let path = folder.join(name);
    let outcome = galley_workspace::write_atomically(&path, text.as_bytes())
        .map_err(|error| error.to_string())
        .and_then(|()| galley_exec::run_editor(&editor, &path).map_err(|error| error.to_string()))
        .and_then(|()| std::fs::read_to_string(&path).map_err(|error| error.to_string()));
    let _ = std::fs::remove_dir_all(&folder);
    outcome
}

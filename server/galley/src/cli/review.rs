//! Reviewing a proposal in a terminal, hunk by hunk, with the keys of `git add -p`.

use galley_agent::event::Verdict;
use galley_review::render::{self, Paint};
use galley_review::{HunkId, HunkState, Proposal};

use super::terminal::{Style, ask, print, safe};

/// What the person decided.
#[derive(Debug, Default)]
pub struct Decisions {
    /// Hunks to accept.
    pub accepted: Vec<HunkId>,
    /// Hunks that are not wanted.
    pub rejected: Vec<HunkId>,
    /// Other decisions with their text.
    pub others: Vec<(HunkId, Verdict, String)>,
    /// Whether the person left before the end; what is undecided stays pending.
    pub left: bool,
}

const HELP: &str = "\
y - accept this hunk
n - reject this hunk
e - edit its text in $EDITOR, then accept
w - why: reason and proof
a - accept this hunk and all after it
d - reject this hunk and all after it
s - skip: leave it pending
q - quit: leave this and the rest pending
? - this help
";

/// Asks for each pending hunk. `why` tells reason and evidence of one.
pub fn review(
    proposal: &mut Proposal,
    style: Style,
    why: &dyn Fn(&Proposal, &HunkId) -> String,
) -> Decisions {
    let mut decisions = Decisions::default();
    let ids: Vec<HunkId> = proposal.pending().map(|(_, hunk)| hunk.id.clone()).collect();
    let (mut at, mut shown_at) = (0, None);
    while at < ids.len() {
        let id = &ids[at];
        // A hunk may have fallen with one that it needed.
        if proposal.hunk(id).is_none_or(|(_, hunk)| hunk.state != HunkState::Pending) {
            at += 1;
            continue;
        }
        if shown_at != Some(at) {
            print(&format!("{}\n", shown(proposal, id, style)));
            shown_at = Some(at);
        }
        let Some(key) = ask(&style.bold("Accept this hunk [y,n,e,w,a,d,s,q,?]? ")) else {
            decisions.left = true;
            break;
        };
        match key.as_str() {
            "y" => accept(proposal, id, &mut decisions),
            "n" => reject(proposal, id, &mut decisions, style),
            "e" => {
                if !edit(proposal, id, &mut decisions) {
                    shown_at = None;
                    continue;
                }
            }
            "w" => {
                print(&format!("{}\n", safe(&why(proposal, id))));
                continue;
            }
            "a" => ids[at..].iter().for_each(|id| accept(proposal, id, &mut decisions)),
            "d" => ids[at..].iter().for_each(|id| reject(proposal, id, &mut decisions, style)),
            "s" => {}
            "q" => {
                decisions.left = true;
                break;
            }
            _ => {
                print(HELP);
                continue;
            }
        }
        if matches!(key.as_str(), "a" | "d") {
            break;
        }
        at += 1;
    }
    decisions
}

/// A hunk as it is shown.
pub fn shown(proposal: &Proposal, id: &HunkId, style: Style) -> String {
    let Some((file, hunk)) = proposal.hunk(id) else { return String::new() };
    let paint = if style.is_coloured() { Paint::Ansi } else { Paint::Plain };
    let mut text = format!("{}\n", style.bold(file.path.as_str()));
    text.push_str(&render::hunk(file, hunk, proposal.number(id), paint));
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn accept(proposal: &mut Proposal, id: &HunkId, decisions: &mut Decisions) {
    let pending = proposal.hunk(id).is_some_and(|(_, hunk)| hunk.state == HunkState::Pending);
    if pending && !decisions.accepted.contains(id) {
        decisions.accepted.push(id.clone());
    }
}

fn reject(proposal: &mut Proposal, id: &HunkId, decisions: &mut Decisions, style: Style) {
    if decisions.rejected.contains(id) {
        return;
    }
    let fallen = proposal.reject(std::slice::from_ref(id));
    for other in fallen.iter().filter(|other| *other != id) {
        if let Some((number, _)) = proposal.number(other) {
            print(&format!("{}\n", style.yellow(&format!("hunk {number} needs it and is rejected with it"))));
        }
    }
    decisions.accepted.retain(|known| !fallen.contains(known));
    decisions.rejected.extend(fallen);
}

/// Lets the person change the text in their editor. True if the hunk is decided by it.
fn edit(proposal: &mut Proposal, id: &HunkId, decisions: &mut Decisions) -> bool {
    let Some((file, hunk)) = proposal.hunk(id) else { return true };
    let name = file.path.file_name().to_owned();
    let edited = match edited_text(&name, &hunk.after) {
        Ok(text) => text,
        Err(error) => {
            print(&format!("{error}\n"));
            return false;
        }
    };
    match proposal.edit_hunk(id, edited.clone()) {
        Ok(_) => {
            decisions.others.push((id.clone(), Verdict::Edited, edited));
            accept(proposal, id, decisions);
            true
        }
        Err(error) => {
            print(&format!("{error}\n"));
            false
        }
    }
}

fn edited_text(name: &str, text: &str) -> Result<String, String> {
    let editor = crate::config::variable("VISUAL")
        .or_else(|| crate::config::variable("EDITOR"))
        .ok_or("set $EDITOR to edit a hunk")?;
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

//! `textDocument/codeAction`: what can be asked for at a place, and what can be decided there. From the state alone: no
//! model, no disk, no waiting.

use galley_agent::{Mode, Origin};
use galley_review::{Hunk, HunkState};
use galley_text::path::RelPath;
use galley_text::position::{self, Position};
use serde_json::{Value, json};
use tower_lsp::lsp_types::{
    CodeAction, CodeActionDisabled, CodeActionKind, CodeActionOrCommand, CodeActionParams, Command,
    Diagnostic, DiagnosticSeverity, Range,
};

use crate::lsp::convert;
use crate::lsp::reviews::Review;
use crate::lsp::state::State;
use crate::lsp::tasks::default_goal;

/// Diagnostics for which a fix is offered at one place.
const FIXES: usize = 3;

/// The actions at a place.
pub fn code_actions(state: &State, params: &CodeActionParams) -> Vec<CodeActionOrCommand> {
    let mut offer = Offer { state, params, list: Vec::new() };
    if let Some(path) = state.locate(&params.text_document.uri) {
        offer.decisions(&path);
        offer.fixes(&path);
        offer.at_place(&path);
        offer.at_file(&path);
    }
    offer.running();
    offer.finished()
}

struct Offer<'a> {
    state: &'a State,
    params: &'a CodeActionParams,
    list: Vec<CodeAction>,
}

impl Offer<'_> {
    fn add(&mut self, title: impl Into<String>, kind: &str, command: &str, argument: Value) {
        let title = title.into();
        self.list.push(CodeAction {
            title: title.clone(),
            kind: Some(CodeActionKind::from(kind.to_owned())),
            command: Some(Command { title, command: command.to_owned(), arguments: Some(vec![argument]) }),
            ..CodeAction::default()
        });
    }

    /// An action that starts a task; disabled, with the reason, where no model could answer it.
    fn start(&mut self, title: impl Into<String>, kind: &str, mode: Mode, place: &Origin, range: Range) {
        let argument = json!({
            "goal": default_goal(mode, place),
            "mode": mode,
            "uri": self.params.text_document.uri,
            "range": range,
            "diagnostics": place.diagnostics,
        });
        self.add(title, kind, "galley.task.start", argument);
        if self.state.model_name().is_err() {
            self.disable("no model is configured; run `galley doctor`");
        }
    }

    /// Takes the command away from the last action and says why.
    fn disable(&mut self, reason: &str) {
        if let Some(action) = self.list.last_mut() {
            action.disabled = Some(CodeActionDisabled { reason: reason.to_owned() });
            action.command = None;
        }
    }

    fn decisions(&mut self, path: &RelPath) {
        let wanted = self.params.range;
        for review in self.state.reviews.open() {
            for file in review.proposal.files.iter().filter(|file| file.document() == path) {
                for hunk in file.hunks.iter().filter(|hunk| hunk.is_open()) {
                    let range = convert::lsp_range(convert::range(
                        &file.current,
                        &hunk.range,
                        self.state.facts.encoding,
                    ));
                    let after_start = wanted.end.line >= range.start.line;
                    let before_end = wanted.start.line <= range.end.line.max(range.start.line);
                    if after_start && before_end {
                        self.decide(review, hunk);
                    }
                }
            }
        }
        self.undo(path);
        if let Some(review) = self.state.reviews.open().find(|review| review.concerns(path)) {
            let proposal = json!({ "proposal": review.proposal.id.0 });
            let count = review.open_hunks().count();
            self.add(
                "Galley: accept all hunks of this file",
                "quickfix.galley.acceptFile",
                "galley.hunk.accept",
                json!({ "uri": self.params.text_document.uri }),
            );
            self.add(
                "Galley: reject all hunks of this file",
                "quickfix.galley.rejectFile",
                "galley.hunk.reject",
                json!({ "uri": self.params.text_document.uri }),
            );
            self.add(
                format!("Galley: accept all {count} hunks"),
                "quickfix.galley.acceptAll",
                "galley.hunk.accept",
                proposal.clone(),
            );
            self.add(
                format!("Galley: reject all {count} hunks"),
                "quickfix.galley.rejectAll",
                "galley.hunk.reject",
                proposal.clone(),
            );
            self.add(
                "Galley: show the proposal as a diff",
                "source.galley.diff",
                "galley.proposal.diff",
                proposal,
            );
        }
    }

    /// Offers to take back the latest decision of a review that speaks of this file.
    fn undo(&mut self, path: &RelPath) {
        let concerned = self.state.reviews.iter().filter(|review| review.concerns(path));
        let Some(review) = concerned.max_by_key(|review| review.decided_at()) else { return };
        let Some((_, hunks)) = review.decided.last() else { return };
        let states: Vec<&str> = hunks
            .iter()
            .filter_map(|id| review.proposal.hunk(id))
            .map(|(_, hunk)| hunk.state.as_str())
            .collect();
        let Some(state) = states.first() else { return };
        let ids: Vec<&str> = hunks.iter().map(|id| id.0.as_str()).collect();
        self.add(
            format!("Galley: take back the last decision (hunk {}, {state})", review.numbers(hunks)),
            "quickfix.galley.undo",
            "galley.hunk.undo",
            json!({ "hunks": ids }),
        );
    }

    fn decide(&mut self, review: &Review, hunk: &Hunk) {
        let (number, of) = review.proposal.number(&hunk.id).unwrap_or((0, 0));
        let one = json!({ "hunks": [hunk.id.0] });
        let name = format!("hunk {number} of {of}");
        let lacks = review.lacks(&hunk.id);
        if hunk.state == HunkState::Pending && lacks.is_empty() {
            self.add(
                format!("Galley: accept {name}"),
                "quickfix.galley.accept",
                "galley.hunk.accept",
                one.clone(),
            );
        }
        if hunk.state == HunkState::Pending && !lacks.is_empty() {
            let with = json!({ "hunks": [hunk.id.0], "prerequisites": true });
            self.add(
                format!("Galley: accept {name} with hunk {}, which it needs", review.numbers(&lacks)),
                "quickfix.galley.acceptWithPrerequisites",
                "galley.hunk.accept",
                with,
            );
        }
        let falls = review.needed_by(&hunk.id);
        let title = match falls.is_empty() {
            true => format!("Galley: reject {name}"),
            false => format!("Galley: reject {name}, and hunk {}, which needs it", review.numbers(&falls)),
        };
        self.add(title, "quickfix.galley.reject", "galley.hunk.reject", one.clone());
        let (word, mark) = if hunk.reviewed { ("not reviewed", false) } else { ("reviewed", true) };
        self.add(
            format!("Galley: mark {name} as {word}"),
            "quickfix.galley.mark",
            "galley.hunk.mark",
            json!({ "hunks": [hunk.id.0], "reviewed": mark }),
        );
        for (word, kind, command) in
            [("edit", "edit", "galley.hunk.edit"), ("comment on", "comment", "galley.hunk.comment")]
        {
            let kind = format!("quickfix.galley.{kind}");
            self.add(format!("Galley: {word} {name}…"), &kind, command, json!({ "hunk": hunk.id.0 }));
            if !self.state.facts.review {
                self.disable(
                    "this editor cannot ask for text; use `galley review`, or the command with {hunk, text}",
                );
            }
        }
        self.add(
            "Galley: why? (reason and evidence)",
            "quickfix.galley.why",
            "galley.hunk.why",
            json!({ "hunk": hunk.id.0 }),
        );
        let open: Vec<&Hunk> = review.open_hunks().map(|(_, hunk)| hunk).collect();
        if let Some(at) = open.iter().position(|known| known.id == hunk.id).filter(|_| open.len() > 1) {
            let next = &open[(at + 1) % open.len()].id.0;
            let previous = &open[(at + open.len() - 1) % open.len()].id.0;
            self.add(
                "Galley: next hunk",
                "quickfix.galley.next",
                "galley.hunk.show",
                json!({ "hunk": next }),
            );
            self.add(
                "Galley: previous hunk",
                "quickfix.galley.previous",
                "galley.hunk.show",
                json!({ "hunk": previous }),
            );
        }
    }

    fn fixes(&mut self, path: &RelPath) {
        let foreign: Vec<&Diagnostic> = self
            .params
            .context
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.source.as_deref() != Some("galley"))
            .take(FIXES)
            .collect();
        for diagnostic in foreign {
            let first = diagnostic.message.lines().next().unwrap_or_default();
            let mut title: String = first.chars().take(60).collect();
            if first.chars().count() > 60 {
                title.push('…');
            }
            let place = Origin {
                path: path.clone(),
                lines: Some((diagnostic.range.start.line + 1, diagnostic.range.end.line + 1)),
                symbol: None,
                diagnostics: vec![worded(diagnostic)],
            };
            self.start(
                format!("Galley: fix “{title}”"),
                "quickfix.galley.fix",
                Mode::Fix,
                &place,
                diagnostic.range,
            );
            if let Some(action) = self.list.last_mut() {
                action.diagnostics = Some(vec![diagnostic.clone()]);
            }
        }
    }

    fn at_place(&mut self, path: &RelPath) {
        let range = self.params.range;
        let selected = range.start != range.end;
        let symbol = self.symbol(path);
        let what = match (&symbol, selected) {
            (_, true) => "the selection".to_owned(),
            (Some((name, _)), false) => format!("`{name}`"),
            (None, false) => return,
        };
        let place = Origin {
            path: path.clone(),
            lines: selected.then_some((range.start.line + 1, range.end.line + 1)),
            symbol: symbol.as_ref().filter(|_| !selected).map(|(name, _)| name.clone()),
            diagnostics: Vec::new(),
        };
        if let Some((name, true)) = &symbol {
            let test = Origin { symbol: Some(name.clone()), ..place.clone() };
            self.start("Galley: fix this failing test", "quickfix.galley.test", Mode::Fix, &test, range);
        }
        let mut offer = |word: &str, kind: &str, mode| {
            self.start(
                format!("Galley: {word} {what}"),
                &format!("refactor.galley.{kind}"),
                mode,
                &place,
                range,
            );
        };
        offer("implement / complete", "implement", Mode::Implement);
        offer("write tests for", "tests", Mode::Tests);
        offer("document", "document", Mode::Document);
        offer("explain", "explain", Mode::Explain);
        self.refactor(&what, &place);
    }

    /// The person says how to refactor where their client can ask them; elsewhere the nearest comment says it.
    fn refactor(&mut self, what: &str, place: &Origin) {
        let (kind, range) = ("refactor.galley.refactor", self.params.range);
        if !self.state.facts.review {
            return self.start(
                format!("Galley: refactor {what} as its comment says"),
                kind,
                Mode::Refactor,
                place,
                range,
            );
        }
        self.start(format!("Galley: refactor {what} as told…"), kind, Mode::Refactor, place, range);
        self.ask_for_goal("How should it be refactored?");
    }

    fn at_file(&mut self, path: &RelPath) {
        if self.state.facts.review {
            let place = Origin { path: path.clone(), lines: None, symbol: None, diagnostics: Vec::new() };
            self.start(
                "Galley: ask for a change…",
                "source.galley.start",
                Mode::Free,
                &place,
                self.params.range,
            );
            self.ask_for_goal("What should be done?");
        }
    }

    /// Lets the client ask for the goal before it starts the task: its own command `galley.ask`.
    fn ask_for_goal(&mut self, question: &str) {
        let Some(command) = self.list.last_mut().and_then(|action| action.command.as_mut()) else { return };
        let mut params =
            command.arguments.take().and_then(|arguments| arguments.into_iter().next()).unwrap_or_default();
        if let Some(params) = params.as_object_mut() {
            params.remove("goal");
        }
        command.command = "galley.ask".to_owned();
        command.arguments = Some(vec![json!({ "title": question, "params": params })]);
    }

    fn running(&mut self) {
        let running = self
            .state
            .handles
            .keys()
            .filter(|task| self.state.tasks.get(*task).is_some_and(|view| !view.state.is_over()));
        let Some(task) = running.max().cloned() else { return };
        let title = self
            .state
            .tasks
            .get(&task)
            .and_then(|view| view.spec.as_ref())
            .map(|spec| spec.title.clone())
            .unwrap_or_default();
        let argument = json!({ "task": task });
        let paused =
            self.state.tasks.get(&task).is_some_and(|view| view.state == galley_agent::event::State::Paused);
        self.add(
            format!("Galley: stop “{title}”"),
            "source.galley.stop",
            "galley.task.cancel",
            argument.clone(),
        );
        let (word, command) =
            if paused { ("resume", "galley.task.resume") } else { ("pause", "galley.task.pause") };
        self.add(format!("Galley: {word} “{title}”"), "source.galley.pause", command, argument.clone());
        if self.state.facts.review {
            self.add(
                format!("Galley: steer “{title}”…"),
                "source.galley.steer",
                "galley.task.steer",
                argument,
            );
            self.ask_for_goal("What should the task know?");
        }
    }

    /// The symbol around the place, and whether it is a test.
    fn symbol(&self, path: &RelPath) -> Option<(String, bool)> {
        let buffer = self.state.documents.get(&self.params.text_document.uri)?;
        let start = self.params.range.start;
        let offset = position::to_offset(
            &buffer.rope,
            Position::new(start.line, start.character),
            self.state.facts.encoding,
        );
        let symbol = self.state.index.snapshot().enclosing(path, offset)?;
        Some((symbol.name, symbol.is_test))
    }

    /// The list, cut to the kinds that were asked for and to what the client can take.
    fn finished(self) -> Vec<CodeActionOrCommand> {
        let only = self.params.context.only.as_deref();
        let asked = |action: &CodeAction| {
            let kind = action.kind.as_ref().map_or("", CodeActionKind::as_str);
            only.is_none_or(|only| only.iter().any(|wanted| within(kind, wanted.as_str())))
        };
        let facts = &self.state.facts;
        let shown = |action: &CodeAction| action.disabled.is_none() || facts.disabled_actions;
        let kept = self.list.into_iter().filter(asked).filter(shown);
        if facts.action_literals {
            return kept.map(CodeActionOrCommand::CodeAction).collect();
        }
        kept.filter_map(|action| action.command).map(CodeActionOrCommand::Command).collect()
    }
}

/// Whether a kind is the wanted one or below it.
fn within(kind: &str, wanted: &str) -> bool {
    wanted.is_empty() || kind == wanted || kind.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}

/// A diagnostic as the model reads it, with a one-based line.
fn worded(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Some(DiagnosticSeverity::WARNING) => "warning",
        Some(DiagnosticSeverity::INFORMATION | DiagnosticSeverity::HINT) => "note",
        _ => "error",
    };
    let source = diagnostic.source.as_deref().map(|source| format!(" ({source})")).unwrap_or_default();
    format!("line {}: {severity}{source}: {}", diagnostic.range.start.line + 1, diagnostic.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_a_tree() {
        assert!(within("quickfix.galley.accept", "quickfix"));
        assert!(within("quickfix", "quickfix"));
        assert!(!within("quickfixer", "quickfix"));
        assert!(within("source.galley.stop", ""));
    }
}

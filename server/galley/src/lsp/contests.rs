//! The same request given to several tasks: their proposals are held until all are over; then the best is put under review,
//! and the person may choose another, or take hunks of one into it.

use galley_agent::TaskHandle;
use galley_agent::contest;
use galley_agent::event::{State as TaskState, TaskEvent};
use galley_agent::view::TaskView;
use galley_review::HunkId;

use super::convert;
use super::state::State;
use crate::protocol::{Candidate, CandidateHunk, HunkChoice, StartParams};

/// Most tasks that one request is given to.
const MOST: usize = 8;

impl State {
    /// Starts the tasks of a contest and returns the id of the first.
    ///
    /// # Errors
    /// Words for the person.
    pub fn start_contest(&mut self, params: &StartParams) -> Result<String, String> {
        let wanted = usize::try_from(params.best_of.unwrap_or(1)).unwrap_or(usize::MAX);
        let count = wanted.max(params.models.len()).max(1);
        if count > MOST {
            return Err(format!("one request is given to at most {MOST} tasks"));
        }
        let specs = contest::specs(&self.spec(params)?, u32::try_from(count).unwrap_or(1));
        let mut services = Vec::new();
        for at in 0..specs.len() {
            let named = params.models.get(at % params.models.len().max(1)).map(String::as_str);
            services.push(self.services(named.or(params.model.as_deref()))?);
        }
        let mut first = None;
        for (spec, services) in specs.into_iter().zip(services) {
            let handle = TaskHandle::new(galley_agent::clock::new_id("t"));
            first.get_or_insert(handle.task.clone());
            self.begin_task(handle, spec, services);
        }
        first.ok_or_else(|| "a task needs a goal".to_owned())
    }

    /// The tasks of the contest that a task takes part in, and whether all of them are over.
    fn contest_of(&self, task: &str) -> Option<(Vec<TaskView>, bool)> {
        let mine = contest::of(self.tasks.get(task)?)?;
        let is_of = |view: &&TaskView| contest::of(view).is_some_and(|known| known.group == mine.group);
        let views: Vec<TaskView> = self.tasks.values().filter(is_of).cloned().collect();
        let all = views.len() >= mine.of as usize && views.iter().all(|view| view.state.is_over());
        Some((views, all))
    }

    /// Whether a task's proposal is not for review by itself. Where it was the last that was waited for, the best is put
    /// under review.
    pub fn held_in_contest(&mut self, task: &str) -> bool {
        let under_review =
            |state: &State, task: &str| state.reviews.iter().any(|review| review.proposal.task == task);
        let Some((views, all)) = self.contest_of(task) else { return false };
        if under_review(self, task) {
            return false;
        }
        if all && !views.iter().any(|view| under_review(self, &view.task)) {
            let ranked = contest::rank(&views);
            let best = ranked.first().filter(|best| best.is_open);
            if let Some(view) = best.and_then(|best| views.iter().find(|view| view.task == best.task)) {
                self.reopen(view);
                let open = ranked.iter().filter(|one| one.is_open).count();
                let (model, of) = (&view.model, ranked.len());
                self.show(3, &format!("Galley: {open} of {of} candidates propose something; the best, by {model}, is open for review"));
            }
        }
        true
    }

    /// The candidates of a task's contest, best first; without a task, of the latest contest.
    ///
    /// # Errors
    /// Words for the person.
    pub fn candidates(&self, task: Option<&str>) -> Result<Vec<Candidate>, String> {
        let latest = || self.tasks.values().rev().find(|view| contest::of(view).is_some());
        let task = task.map(str::to_owned).or_else(|| latest().map(|view| view.task.clone()));
        let (views, _) = task
            .and_then(|task| self.contest_of(&task))
            .ok_or("no request was given to several tasks: galley.task.start with `bestOf`")?;
        let shown = |one: contest::Candidate| {
            let view = views.iter().find(|view| view.task == one.task)?;
            let hunks = view.proposal.iter().flat_map(|proposal| proposal.all());
            let hunk = |(file, hunk): (&galley_review::FileProposal, &galley_review::Hunk)| CandidateHunk {
                hunk: hunk.id.0.clone(),
                path: file.path.as_str().to_owned(),
                before: hunk.before.clone(),
                after: hunk.after.clone(),
            };
            Some(Candidate {
                task: one.task,
                open: one.is_open,
                model: view.model.clone(),
                summary: one.words,
                warnings: one.warnings,
                lines: one.lines,
                usd: view.usd,
                evidence: view.evidence.iter().map(|known| convert::evidence(known, false)).collect(),
                hunks: hunks.map(hunk).collect(),
            })
        };
        Ok(contest::rank(&views).into_iter().filter_map(shown).collect())
    }

    /// Puts one candidate under review in place of the others, which are closed.
    ///
    /// # Errors
    /// Words for the person.
    pub fn choose_candidate(&mut self, task: &str) -> Result<(), String> {
        let (views, _) = self.contest_of(task).ok_or_else(|| format!("task {task} is in no contest"))?;
        let chosen = views.iter().find(|view| view.task == task && view.state == TaskState::Proposed);
        let chosen = chosen.ok_or_else(|| format!("task {task} proposes nothing"))?;
        for other in views.iter().filter(|view| view.task != task && view.state == TaskState::Proposed) {
            let shown = self.reviews.iter().find(|review| review.proposal.task == other.task);
            match shown.map(|review| review.proposal.id.0.clone()) {
                Some(proposal) => {
                    self.reject(&HunkChoice { proposal: Some(proposal), ..HunkChoice::default() });
                }
                None => {
                    let message = format!("task {task} was chosen in its place");
                    self.record(&other.task, TaskEvent::Ended { state: TaskState::Done, message });
                }
            }
        }
        self.reopen(chosen);
        Ok(())
    }

    /// Takes hunks of another candidate into the proposal of this one. What comes of it is not verified as a whole; what is
    /// accepted of it is.
    ///
    /// # Errors
    /// Words for the person: what does not apply.
    pub fn take_hunks(&mut self, task: &str, hunks: Vec<String>) -> Result<(), String> {
        let ids: Vec<HunkId> = hunks.into_iter().map(HunkId).collect();
        let (views, _) = self.contest_of(task).ok_or_else(|| format!("task {task} is in no contest"))?;
        let own = views.iter().find(|view| view.task == task).ok_or("there is no such task")?;
        let holds = |view: &&TaskView| {
            let proposal = view.proposal.as_ref();
            view.task != task && proposal.is_some_and(|known| ids.iter().all(|id| known.hunk(id).is_some()))
        };
        let other = views.iter().find(holds).ok_or("no other candidate has these hunks")?;
        let mixed = contest::mix(own, other, &ids, &self.workspace.snapshot())?;
        for event in mixed.events(Vec::new(), &other.task) {
            self.record(task, event);
        }
        if let Some(view) = self.tasks.get(task).cloned() {
            self.reopen(&view);
        }
        Ok(())
    }
}

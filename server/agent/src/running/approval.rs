//! The border between planning and doing: the plan is shown, may be changed, and is approved by the person, or by the
//! setting that says so. Only then does the task get tools that write.

use super::ending;
use super::rounds::{Next, Rounds};
use crate::event::{Speaker, State, TaskEvent};
use crate::order::Order;
use crate::prompt;
use crate::task::Planning;
use crate::tools::SPOKEN;

/// What the person made of a submitted plan.
enum Answer {
    Start,
    Revise,
    Stop,
    Nobody,
}

impl Rounds {
    /// Waits for the approval of the submitted plan, and begins the work.
    pub(super) async fn approval(&mut self) -> Next {
        if self.past.spec.planning == Planning::Auto {
            return self.begin_work();
        }
        match self.ask_for_approval().await {
            Answer::Start => self.begin_work(),
            // The words are taken at the safe point before the next request.
            Answer::Revise => Next::Again,
            Answer::Stop => self.stopped().await,
            Answer::Nobody => {
                let why = "it needs you: the plan was not approved, nothing was changed; start again with --plan=auto, or without a plan";
                ending::partial(self, State::Failed, why).await
            }
        }
    }

    async fn ask_for_approval(&mut self) -> Answer {
        let touches = crate::plan::touches(&self.context.index(), &self.plan);
        let mut detail = crate::plan::lines(&self.plan).trim_start().to_owned();
        if !touches.is_empty() {
            detail.push_str(&format!("\n\nIt touches:\n{}", touches.join("\n")));
        }
        let options = [("stop", "No, end the task"), ("start", "Start with this plan")];
        let answer = self.context.ask("Start with this plan?", &detail, &options).await;
        match answer.as_deref() {
            Some("start") => Answer::Start,
            Some(SPOKEN) => self.news_instead(),
            Some(_) => Answer::Stop,
            None if self.control.stop_token().is_cancelled() => Answer::Stop,
            None => Answer::Nobody,
        }
    }

    /// The person changed or approved the plan, or said something, in place of answering the question.
    fn news_instead(&mut self) -> Answer {
        let mut answer = Answer::Revise;
        for queued in self.control.take() {
            match queued.order {
                Order::Plan { ref items, approve: true } => {
                    // Taken with what comes of it, see `begin_work`.
                    let taken = TaskEvent::Taken { id: queued.id.clone() };
                    self.approved_by = vec![taken, self.new_plan(items.clone())];
                    answer = Answer::Start;
                }
                _ => self.obey(queued),
            }
        }
        answer
    }

    fn begin_work(&mut self) -> Next {
        let family = self.client.capabilities().edit_family;
        let set = prompt::tool_set(self.past.spec.mode, family);
        let walls = self.context.services.walls();
        let snapshot = self.context.overlay.snapshot().clone();
        let instructions =
            prompt::instructions(set, &self.context.checks, &walls, &snapshot, &self.past.spec);
        self.past.set = set;
        self.past.instructions.clone_from(&instructions);
        self.context.set = set;
        let cause = "the plan is approved: the task now has tools that write".to_owned();
        let mut events = std::mem::take(&mut self.approved_by);
        events.extend([TaskEvent::Approved { instructions, tools: set }, TaskEvent::PrefixBroken { cause }]);
        let text = format!(
            "The plan is approved. Carry it out, and keep its items up to date:{}",
            crate::plan::lines(&self.plan)
        );
        self.say_with(events, Speaker::Person, text);
        Next::Again
    }
}

//! What becomes of the person's orders at a safe point.

use super::rounds::Rounds;
use crate::event::{Speaker, TaskEvent};
use crate::order::{Order, Queued};
use crate::scope::Scope;
use crate::transcript::CHOSEN;

impl Rounds {
    /// Carries an order out. That it was taken is recorded together with what comes of it, so that none is lost in between.
    pub(super) fn obey(&mut self, queued: Queued) {
        let taken = TaskEvent::Taken { id: queued.id };
        match queued.order {
            Order::Say { text } => self.say_with(vec![taken], Speaker::Person, text),
            Order::Budget { budget } => {
                let budget = self.past.budget.with(&budget);
                self.past.budget = budget;
                self.warned = false;
                self.context.record_all(&[taken, TaskEvent::Budgeted { budget }]);
            }
            Order::Scope { scope } => match Scope::new(scope) {
                Ok(scope) => {
                    let scoped = TaskEvent::Scoped { scope: scope.spec().clone(), by: Speaker::Person };
                    let text = format!("The scope is now: {scope}");
                    self.context.scope = scope;
                    self.say_with(vec![taken, scoped], Speaker::Person, text);
                }
                Err(why) => self.context.record_all(&[taken, TaskEvent::Warned { text: why }]),
            },
            Order::Model { model } => self.change_model(taken, &model),
            Order::Plan { items, .. } => {
                let text = format!("I changed the plan:{}", crate::plan::lines(&items));
                let plan = self.new_plan(items);
                self.say_with(vec![taken, plan], Speaker::Person, text);
            }
            // These hold from the moment they are given, or were done to the queue.
            Order::Pause | Order::Resume | Order::Stop | Order::Reword { .. } | Order::Remove { .. } => {
                self.context.record(&taken);
            }
        }
    }

    fn change_model(&mut self, taken: TaskEvent, model: &str) {
        let client = match (self.context.services.client_for)(model) {
            Ok(client) => client,
            Err(why) => {
                let text = format!("the model stays as it is: {why}");
                return self.context.record_all(&[taken, TaskEvent::Warned { text }]);
            }
        };
        let name = |client: &galley_model::Client| {
            let endpoint = client.endpoint();
            format!("{}/{}", endpoint.provider, endpoint.model)
        };
        let (from, to) = (name(&self.client), name(&client));
        self.client = client.clone();
        self.context.services.client = client;
        self.counted = None;
        if from == to {
            return self.context.record(&taken);
        }
        let cause = format!("the model is now {model}");
        let switched = TaskEvent::Switched { from, to, reason: CHOSEN.to_owned() };
        self.context.record_all(&[taken, switched, TaskEvent::PrefixBroken { cause }]);
    }
}

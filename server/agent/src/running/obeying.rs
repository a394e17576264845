//! What becomes of the person's orders at a safe point.

use super::rounds::Rounds;
use crate::event::{Speaker, TaskEvent};
use crate::order::{Order, Queued};
use crate::scope::Scope;

impl Rounds {
    /// Carries an order out.
    pub(super) fn obey(&mut self, queued: Queued) {
        self.context.record(&TaskEvent::Taken { id: queued.id });
        match queued.order {
            Order::Say { text } => self.say(Speaker::Person, text),
            Order::Budget { budget } => {
                let budget = self.past.budget.with(&budget);
                self.past.budget = budget;
                self.warned = false;
                self.context.record(&TaskEvent::Budgeted { budget });
            }
            Order::Scope { scope } => match Scope::new(scope) {
                Ok(scope) => {
                    self.context
                        .record(&TaskEvent::Scoped { scope: scope.spec().clone(), by: Speaker::Person });
                    self.say(Speaker::Person, format!("The scope is now: {scope}"));
                    self.context.scope = scope;
                }
                Err(why) => self.context.record(&TaskEvent::Warned { text: why }),
            },
            Order::Model { model } => self.change_model(&model),
            Order::Plan { items, .. } => {
                let text = format!("I changed the plan:{}", crate::plan::lines(&items));
                self.set_plan(items);
                self.say(Speaker::Person, text);
            }
            // These hold from the moment they are given, or were done to the queue.
            Order::Pause | Order::Resume | Order::Stop | Order::Reword { .. } | Order::Remove { .. } => {}
        }
    }

    fn change_model(&mut self, model: &str) {
        match (self.context.services.client_for)(model) {
            Ok(client) => {
                let broken = client.endpoint().provider != self.client.endpoint().provider
                    || client.endpoint().model != self.client.endpoint().model;
                self.client = client;
                self.counted = None;
                if broken {
                    let cause = format!("the model is now {model}");
                    self.context.record(&TaskEvent::PrefixBroken { cause });
                }
            }
            Err(why) => {
                self.context.record(&TaskEvent::Warned { text: format!("the model stays as it is: {why}") })
            }
        }
    }
}

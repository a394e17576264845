//! The critic's look at a finished candidate, and what becomes of what it says.

use galley_model::Kind;
use galley_review::Proposal;

use super::rounds::Rounds;
use crate::aside::{self, AsideError, Phase};
use crate::critic::{self, Claim};
use crate::event::{State, TaskEvent};
use crate::propose;

/// What the look came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// Notes for the person.
    pub(super) notes: Vec<String>,
    /// What a command confirmed.
    pub(super) confirmed: Vec<Claim>,
}

/// A claim that a command confirms of the content as it is, with the end of what it printed.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) claim: Claim,
    pub(super) said: String,
}

impl Look {
    pub(super) fn from_past((notes, confirmed): (Vec<String>, Vec<Claim>)) -> Look {
        Look { notes, confirmed }
    }

    /// What was confirmed, as it was told before the task was resumed.
    pub(super) fn standing(&self) -> Vec<Standing> {
        let standing = |claim: &Claim| Standing { claim: claim.clone(), said: String::new() };
        self.confirmed.iter().map(standing).collect()
    }
}

impl Standing {
    /// A report for the model.
    pub(super) fn for_model(&self) -> String {
        let Claim { claim, command } = &self.claim;
        format!("somebody who read the diff says: {claim}\n`{command}` confirms it:\n{}", self.said)
            .trim_end()
            .to_owned()
    }

    /// A note for the person.
    pub(super) fn note(&self) -> String {
        format!("confirmed by `{}` and not mended: {}", self.claim.command, self.claim.claim)
    }
}

impl Rounds {
    /// Has the change looked at, once, where that is wanted, and answers with what was confirmed.
    pub(super) async fn look(&mut self) -> Vec<Standing> {
        let changes = self.context.overlay.changes();
        let services = &self.context.services;
        let named = services.critic.clone();
        if self.look.is_some() || !services.second_look.is_due(named.is_some(), &changes) {
            return Vec::new();
        }
        let client = named.unwrap_or_else(|| self.client.clone());
        if client.endpoint().kind == Kind::Replay && self.context.services.critic.is_none() {
            // A recording of the work has nothing to say about it.
            return Vec::new();
        }
        self.enter(State::CheckingItself, "a critic looks at the diff");
        let proposal = self.as_proposal();
        let request = critic::request(&self.past.spec.goal, &proposal, &self.context.evidence);
        let hash = self.context.overlay.content_hash();
        self.allow_asides();
        let key = format!("critic {hash}");
        let asked = aside::ask(&mut self.context, &client, &request, Phase::Critic, &key).await;
        self.count_asides();
        let mut look = Look::default();
        let mut standing = Vec::new();
        match asked {
            Ok(reply) => {
                let said = critic::read(&reply.text, &proposal);
                for stray in &said.strays {
                    look.notes.push(format!(
                        "{}: the goal may not need this, says a critic: {}",
                        stray.place, stray.why
                    ));
                }
                for claim in said.claims {
                    match self.confirmed(&claim).await {
                        Ok(said) => standing.push(Standing { claim, said }),
                        Err(why) => {
                            look.notes.push(format!("a critic says, not confirmed ({why}): {}", claim.claim))
                        }
                    }
                }
            }
            Err(AsideError::Budget(why)) => look.notes.push(format!("no critic looked at this: {why}")),
            // The look is an extra: without it the proposal is what it is.
            Err(AsideError::Model(_)) => {}
        }
        if self.control.stop_token().is_cancelled() {
            return Vec::new();
        }
        look.confirmed = standing.iter().map(|known| known.claim.clone()).collect();
        let (notes, confirmed) = (look.notes.clone(), look.confirmed.clone());
        self.context.record(&TaskEvent::Looked { hash, notes, confirmed });
        self.look = Some(look);
        standing
    }

    /// The claims that were confirmed once and still are, on the content as it is now.
    pub(super) async fn still_standing(&mut self) -> Vec<Standing> {
        let claims = self.look.as_ref().map(|look| look.confirmed.clone()).unwrap_or_default();
        let mut standing = Vec::new();
        for claim in claims {
            if let Ok(said) = self.confirmed(&claim).await {
                standing.push(Standing { claim, said });
            }
        }
        standing
    }

    /// Tests a claim: what its command printed on the change.
    ///
    /// # Errors
    /// Why it is not confirmed.
    async fn confirmed(&mut self, claim: &Claim) -> Result<String, String> {
        if claim.command.is_empty() {
            return Err("it names no command".to_owned());
        }
        self.context.may_run_unasked(&claim.command)?;
        self.enter(State::CheckingItself, &format!("testing a claim: {}", claim.command));
        let cancel = self.context.cancel.clone();
        let context = &mut self.context;
        let not_run = |error: crate::verify::VerifyError| error.to_string();
        let changed =
            context.verifier.end_on(&context.overlay, &claim.command, &cancel).await.map_err(not_run)?;
        if changed.code != Some(0) {
            let base = context.verifier.end_on_base(&claim.command, &cancel).await.map_err(not_run)?;
            critic::judge(&changed, &base)?;
            return Ok(changed.tail);
        }
        critic::judge(&changed, &changed)?;
        Ok(changed.tail)
    }

    /// The change as it would be proposed now.
    pub(super) fn as_proposal(&self) -> Proposal {
        let overlay = &self.context.overlay;
        let changes = (overlay.changes(), overlay.mode_edits());
        propose::propose(&self.context.task, &self.past.spec.title, changes, &self.past.reasons)
    }
}

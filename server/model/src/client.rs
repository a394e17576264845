//! The client: a model, and those that take over from it.
//!
//! Decides when another model takes over: at the border of a turn, when the one before cannot be reached, is
//! overloaded, refuses for want of rights, money or capability, or costs more than is left. Who has taken over
//! stays: the conversation is worth most where it is in the cache.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_util::sync::CancellationToken;

use crate::endpoint::Endpoint;
use crate::error::ModelError;
use crate::exchange::{Reply, Request, StreamEvent, Usage};
use crate::line::Line;
use crate::record::Recording;
use crate::role::{Other, Role};

/// Speaks to one endpoint, or to the next of its chain. Cheap to share; connections are kept open between
/// exchanges. A client serves one conversation best: what it rendered is used again.
pub struct Client {
    seats: Vec<Seat>,
    current: AtomicUsize,
    others: Vec<Other>,
}

/// An endpoint of the chain; made ready when its turn comes.
struct Seat {
    endpoint: Endpoint,
    line: OnceLock<Line>,
}

/// Another model has taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// Who answered so far, `provider/model`.
    pub from: String,
    /// Who answers from now on, `provider/model`.
    pub to: String,
    /// Why, in one line.
    pub reason: String,
}

impl Client {
    /// Checks the endpoint and makes ready to speak to it; nothing is sent yet. A recording is read.
    ///
    /// # Errors
    /// A configuration that cannot work, or a recording that cannot be read.
    pub fn new(endpoint: Endpoint) -> Result<Client, ModelError> {
        Client::chain(vec![endpoint])
    }

    /// A client that speaks to the first endpoint, and to the others in their order when it fails.
    ///
    /// # Errors
    /// No endpoint at all, or a first one that cannot work.
    pub fn chain(endpoints: Vec<Endpoint>) -> Result<Client, ModelError> {
        let seats: Vec<Seat> =
            endpoints.into_iter().map(|endpoint| Seat { endpoint, line: OnceLock::new() }).collect();
        let Some(first) = seats.first() else {
            let message = "no model is named".to_owned();
            return Err(ModelError::Configuration { provider: "none".into(), message });
        };
        first.line()?;
        Ok(Client { seats, current: AtomicUsize::new(0), others: Vec::new() })
    }

    /// A client that replays a recording held in memory.
    pub fn replay(endpoint: Endpoint, recording: Recording) -> Client {
        let line = OnceLock::from(Line::replay(endpoint.clone(), recording));
        let seats = vec![Seat { endpoint, line }];
        Client { seats, current: AtomicUsize::new(0), others: Vec::new() }
    }

    /// The same client, with chains of models for other roles.
    pub fn with_roles(mut self, others: Vec<(Role, Vec<Endpoint>)>) -> Client {
        self.others = others.into_iter().map(|(role, chain)| Other::new(role, chain)).collect();
        self
    }

    /// Who does it: the role's own client, or this one where nobody was named for the role, or who was named cannot
    /// work.
    pub fn role(&self, role: Role) -> &Client {
        self.others.iter().find_map(|other| other.client(role)).unwrap_or(self)
    }

    /// The endpoint that answers now.
    pub fn endpoint(&self) -> &Endpoint {
        &self.seats[self.at()].endpoint
    }

    /// What is known of the model that answers now.
    pub fn capabilities(&self) -> crate::capability::Capabilities {
        self.endpoint().capabilities()
    }

    /// USD for a reply of the model that answers now, failed attempts included; `None` where the price is
    /// unknown, which is not free.
    pub fn cost(&self, reply: &Reply) -> Option<f64> {
        let prices = self.capabilities().prices?;
        let tier = reply.tier.as_deref();
        Some(prices.cost_in_tier(&reply.usage, tier) + prices.cost_in_tier(&reply.wasted, tier))
    }

    /// Tokens that a request has on the wire: by the provider's own count of the request before and the bytes
    /// that came since, or by a cautious estimate before there is one.
    pub fn tokens(&self, request: &Request) -> u64 {
        self.line().map_or(0, |line| line.tokens(line.body(request).len()))
    }

    /// The window of the model that answers now, in tokens; `None` for a model that nobody knows and that has
    /// refused no request for its length yet.
    pub fn window(&self) -> Option<u64> {
        self.line().ok().and_then(Line::window)
    }

    /// The bytes that a request of this content has on the wire; empty for a recording. A longer conversation
    /// starts with the bytes of the shorter one, but for the closing brackets (and cache marks).
    pub fn body(&self, request: &Request) -> String {
        self.line().map_or_else(|_| String::new(), |line| line.body(request))
    }

    /// Asks for the next reply, and tells of it while it comes. Cancelling closes the connection at once.
    ///
    /// # Errors
    /// What went wrong at the last model of the chain that was asked.
    pub async fn exchange(
        &self,
        request: &Request,
        on_event: &mut (dyn FnMut(StreamEvent) + Send),
        cancel: &CancellationToken,
    ) -> Result<Reply, ModelError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ModelError::Cancelled),
            result = self.down_the_chain(request, on_event) => result,
        }
    }

    async fn down_the_chain(
        &self,
        request: &Request,
        on_event: &mut (dyn FnMut(StreamEvent) + Send),
    ) -> Result<Reply, ModelError> {
        loop {
            let at = self.at();
            let mut streamed = false;
            let mut watch = |event: StreamEvent| {
                streamed = event.is_streamed() || (streamed && event != StreamEvent::Restarted);
                on_event(event);
            };
            let result = match self.line() {
                Ok(line) => line.exchange(request, &mut watch, at + 1 == self.seats.len()).await,
                Err(error) => Err(error),
            };
            let error = match result {
                Err(error) if error.calls_for_another() => error,
                result => return result,
            };
            let Some(switch) = self.switch(at + 1, &error.headline()) else { return Err(error) };
            if streamed {
                on_event(StreamEvent::Restarted);
            }
            on_event(StreamEvent::Switched(switch));
        }
    }

    /// Hands over to the first model further down the chain whose price for a turn of this usage is known and not
    /// above `usd_left`; for a turn that would pass the budget. `None` where there is none.
    pub fn switch_for_budget(&self, turn: &Usage, usd_left: f64) -> Option<Switch> {
        let affordable =
            |seat: &Seat| seat.endpoint.capabilities().cost(turn).is_some_and(|usd| usd <= usd_left);
        let next = (self.at() + 1..self.seats.len()).find(|at| affordable(&self.seats[*at]))?;
        self.switch(next, "the next turn would pass the budget")
    }

    fn switch(&self, to: usize, reason: &str) -> Option<Switch> {
        let next = self.seats.get(to)?;
        let from = self.endpoint().name();
        self.current.store(to, Ordering::SeqCst);
        Some(Switch { from, to: next.endpoint.name(), reason: reason.to_owned() })
    }

    fn at(&self) -> usize {
        self.current.load(Ordering::SeqCst).min(self.seats.len() - 1)
    }

    fn line(&self) -> Result<&Line, ModelError> {
        self.seats[self.at()].line()
    }
}

impl Seat {
    fn line(&self) -> Result<&Line, ModelError> {
        if let Some(line) = self.line.get() {
            return Ok(line);
        }
        let line = Line::new(self.endpoint.clone())?;
        Ok(self.line.get_or_init(|| line))
    }
}

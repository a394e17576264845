//! The limits of a task, held before each turn. A turn that would pass a limit is not begun.

use galley_model::Usage;

use crate::task::Budget;

/// What a task has spent so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// Tokens over all turns.
    pub usage: Usage,
    /// US dollars; `None` while no price is known.
    pub usd: Option<f64>,
    /// Rounds of the loop.
    pub steps: u32,
    /// Seconds of wall time while it ran.
    pub seconds: u64,
}

/// What a next turn is expected to cost at most.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// Input and output tokens.
    pub tokens: u64,
    /// US dollars, if the price is known.
    pub usd: Option<f64>,
}

/// Whether there is room for a next turn; otherwise a sentence for the person that names the limit.
pub fn check(budget: &Budget, spent: &Spent, next: &Estimate) -> Result<(), String> {
    if let Some(limit) = budget.steps
        && spent.steps >= limit
    {
        return Err(format!("{limit} steps are used up; allow more with a higher limit on steps"));
    }
    if let Some(limit) = budget.seconds
        && spent.seconds >= limit
    {
        return Err(format!("{limit} s of time are used up; allow more with a higher limit on seconds"));
    }
    let used = spent.usage.input + spent.usage.output;
    if let Some(limit) = budget.tokens
        && used + next.tokens > limit
    {
        return Err(format!(
            "{used} tokens spent, the next call would need about {} of {limit}",
            next.tokens
        ));
    }
    if let (Some(limit), Some(cost)) = (budget.usd, next.usd) {
        let usd = spent.usd.unwrap_or(0.0);
        if usd + cost > limit {
            return Err(format!(
                "${usd:.2} spent, the next call would cost about ${cost:.2} of a limit of ${limit:.2}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_that_would_exceed_is_not_made() {
        let budget = Budget { usd: Some(0.50), tokens: None, steps: None, seconds: None };
        let spent = Spent { usd: Some(0.45), ..Spent::default() };
        let said = check(&budget, &spent, &Estimate { tokens: 10, usd: Some(0.08) }).unwrap_err();
        assert_eq!(said, "$0.45 spent, the next call would cost about $0.08 of a limit of $0.50");
        assert!(check(&budget, &spent, &Estimate { tokens: 10, usd: Some(0.04) }).is_ok());
    }

    #[test]
    fn an_unknown_price_does_not_bind_the_dollars_but_steps_do() {
        let budget = Budget { usd: Some(0.01), tokens: None, steps: Some(2), seconds: None };
        let spent = Spent { steps: 1, ..Spent::default() };
        assert!(check(&budget, &spent, &Estimate::default()).is_ok());
        assert!(check(&budget, &Spent { steps: 2, ..spent }, &Estimate::default()).is_err());
    }
}

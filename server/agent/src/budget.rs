//! The limits of a task, held before each turn. A turn that would pass a limit is not begun.

use galley_model::Usage;

use crate::services::{Purse, Services};
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

/// What other tasks have spent, in US dollars, where a limit asks for it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Elsewhere {
    /// In the last 24 hours.
    pub day: f64,
    /// In this workspace.
    pub workspace: f64,
}

/// Looks up what other tasks have spent. Costs nothing while there is no limit over all tasks.
pub fn elsewhere(services: &Services, task: &str) -> Elsewhere {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let journal = &services.journal;
    let usd = |task: Option<&str>, since| journal.spent(task, since).ok().map_or(0.0, |totals| totals.usd);
    let mut found = Elsewhere::default();
    if services.purse.day_usd.is_some() {
        let since = Some(crate::clock::now_ms() - DAY);
        found.day = usd(None, since) - usd(Some(task), since);
    }
    if services.purse.workspace_usd.is_some() {
        let key = crate::workspace_key(&services.workspace);
        let tasks = journal.tasks(Some(&key)).unwrap_or_default();
        found.workspace = tasks.iter().filter(|row| row.id != task).map(|row| usd(Some(&row.id), None)).sum();
    }
    found
}

/// Whether the limits over all tasks leave room for a next turn; otherwise a sentence for the person.
pub fn check_all(purse: &Purse, elsewhere: &Elsewhere, spent: &Spent, next: &Estimate) -> Result<(), String> {
    let Some(cost) = next.usd else { return Ok(()) };
    let own = spent.usd.unwrap_or(0.0);
    for (limit, others, what) in [
        (purse.day_usd, elsewhere.day, "a day"),
        (purse.workspace_usd, elsewhere.workspace, "this workspace"),
    ] {
        let usd = others + own;
        if let Some(limit) = limit
            && usd + cost > limit
        {
            return Err(format!(
                "${usd:.2} spent over all tasks, the next call would cost about ${cost:.2} of a limit of ${limit:.2} for {what}"
            ));
        }
    }
    Ok(())
}

/// A sentence for the person when four fifths of a limit are used by what is spent and the next turn.
pub fn warning(budget: &Budget, spent: &Spent, next: &Estimate) -> Option<String> {
    let used = spent.usage.input + spent.usage.output + next.tokens;
    let usd = spent.usd.unwrap_or(0.0) + next.usd.unwrap_or(0.0);
    let share =
        |used: f64, limit: Option<f64>| limit.filter(|limit| *limit > 0.0).map_or(0.0, |limit| used / limit);
    let shares = [
        (
            share(f64::from(spent.steps + 1), budget.steps.map(f64::from)),
            format!("{} of {} steps", spent.steps, budget.steps.unwrap_or(0)),
        ),
        (
            share(spent.seconds as f64, budget.seconds.map(|limit| limit as f64)),
            format!("{} of {} s", spent.seconds, budget.seconds.unwrap_or(0)),
        ),
        (
            share(used as f64, budget.tokens.map(|limit| limit as f64)),
            format!("{used} of {} tokens", budget.tokens.unwrap_or(0)),
        ),
        (share(usd, budget.usd), format!("${usd:.2} of ${:.2}", budget.usd.unwrap_or(0.0))),
    ];
    let (_, words) = shares.into_iter().find(|(share, _)| *share >= 0.8)?;
    Some(format!("four fifths of the budget are used: {words}"))
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
    fn the_person_is_warned_at_four_fifths_and_held_over_all_tasks() {
        let budget = Budget { usd: None, tokens: None, steps: Some(10), seconds: None };
        let next = Estimate { tokens: 0, usd: Some(0.2) };
        assert_eq!(warning(&budget, &Spent { steps: 6, ..Spent::default() }, &next), None);
        let said = warning(&budget, &Spent { steps: 7, ..Spent::default() }, &next).unwrap();
        assert_eq!(said, "four fifths of the budget are used: 7 of 10 steps");
        let purse = Purse { day_usd: Some(1.0), workspace_usd: None };
        let elsewhere = Elsewhere { day: 0.85, workspace: 50.0 };
        assert!(check_all(&purse, &elsewhere, &Spent::default(), &next).unwrap_err().contains("for a day"));
        assert!(check_all(&Purse::default(), &elsewhere, &Spent::default(), &next).is_ok());
    }

    #[test]
    fn an_unknown_price_does_not_bind_the_dollars_but_steps_do() {
        let budget = Budget { usd: Some(0.01), tokens: None, steps: Some(2), seconds: None };
        let spent = Spent { steps: 1, ..Spent::default() };
        assert!(check(&budget, &spent, &Estimate::default()).is_ok());
        assert!(check(&budget, &Spent { steps: 2, ..spent }, &Estimate::default()).is_err());
    }
}

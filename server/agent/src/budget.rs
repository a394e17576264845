//! The limits of a task, held before each turn. A turn that would pass a limit is not begun.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use galley_model::Usage;

use crate::clock;
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

/// What other tasks have spent, where a limit asks for it, with what their calls that are under way may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Elsewhere {
    /// In the last 24 hours.
    pub day: Spent,
    /// In this workspace.
    pub workspace: Spent,
}

/// Looks up what other tasks have spent. Costs nothing while there is no limit over all tasks.
pub fn elsewhere(services: &Services, task: &str) -> Elsewhere {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let mut found = Elsewhere::default();
    let others = |workspace: Option<&str>| {
        let tasks = services.journal.tasks(workspace).unwrap_or_default();
        tasks.into_iter().map(|row| row.id).filter(|id| id != task).collect::<Vec<_>>()
    };
    if services.purse.day != Budget::NONE {
        let since = clock::now_ms() - DAY;
        found.day = spent_by(services, &others(None), Some(since), services.purse.day.seconds.is_some());
    }
    if services.purse.workspace != Budget::NONE {
        let key = crate::workspace_key(&services.workspace);
        let seconds = services.purse.workspace.seconds.is_some();
        found.workspace = spent_by(services, &others(Some(&key)), None, seconds);
    }
    found
}

fn spent_by(services: &Services, tasks: &[String], since: Option<i64>, with_seconds: bool) -> Spent {
    let mut spent = Spent::default();
    for task in tasks {
        let Ok(totals) = services.journal.spent(Some(task), since) else { continue };
        let reserved = reserved(task);
        spent.usage.input += totals.input + reserved.tokens;
        spent.usage.output += totals.output;
        spent.steps = spent.steps.saturating_add(u32::try_from(totals.calls).unwrap_or(u32::MAX));
        spent.usd = Some(spent.usd.unwrap_or(0.0) + totals.usd + reserved.usd.unwrap_or(0.0));
        if with_seconds {
            let mut events = crate::timed_events(&services.journal, task).unwrap_or_default();
            events.retain(|(at_ms, _)| since.is_none_or(|since| *at_ms >= since));
            spent.seconds += crate::worked::Worked::over(&events).seconds();
        }
    }
    spent
}

/// What the calls that are under way may cost, by task.
static UNDER_WAY: Mutex<BTreeMap<String, Estimate>> = Mutex::new(BTreeMap::new());

fn reserved(task: &str) -> Estimate {
    under_way().get(task).copied().unwrap_or_default()
}

fn under_way() -> MutexGuard<'static, BTreeMap<String, Estimate>> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a call may cost, set aside until it is paid for, so that tasks that run at the same time do not spend the same
/// dollars. Given back when dropped.
#[derive(Debug)]
pub struct Reserved(String);

impl Reserved {
    /// Sets the cost of a task's next call aside.
    pub fn new(task: &str, next: Estimate) -> Reserved {
        under_way().insert(task.to_owned(), next);
        Reserved(task.to_owned())
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        under_way().remove(&self.0);
    }
}

/// What tasks spent together.
fn together(one: &Spent, other: &Spent) -> Spent {
    let mut usage = one.usage;
    usage += other.usage;
    let usd = match (one.usd, other.usd) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    };
    Spent { usage, usd, steps: one.steps.saturating_add(other.steps), seconds: one.seconds + other.seconds }
}

/// Both limits over all tasks, with what was spent under them and their names.
fn over_all(purse: &Purse, elsewhere: &Elsewhere, spent: &Spent) -> [(Budget, Spent, &'static str); 2] {
    [
        (purse.day, together(&elsewhere.day, spent), "over all tasks for a day"),
        (purse.workspace, together(&elsewhere.workspace, spent), "over all tasks of this workspace"),
    ]
}

/// Whether the limits over all tasks leave room for a next turn; otherwise a sentence for the person.
pub fn check_all(purse: &Purse, elsewhere: &Elsewhere, spent: &Spent, next: &Estimate) -> Result<(), String> {
    for (limit, spent, what) in over_all(purse, elsewhere, spent) {
        check(&limit, &spent, next).map_err(|why| format!("{why}, {what}"))?;
    }
    Ok(())
}

/// As [`warning`], for the limits over all tasks.
pub fn warning_all(purse: &Purse, elsewhere: &Elsewhere, spent: &Spent, next: &Estimate) -> Option<String> {
    over_all(purse, elsewhere, spent)
        .into_iter()
        .find_map(|(limit, spent, what)| Some(format!("{}, {what}", warning(&limit, &spent, next)?)))
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
        let usd = |usd| Spent { usd: Some(usd), ..Spent::default() };
        let purse = Purse { day: Budget { usd: Some(1.0), ..Budget::NONE }, ..Purse::default() };
        let elsewhere = Elsewhere { day: usd(0.85), workspace: usd(50.0) };
        assert!(check_all(&purse, &elsewhere, &Spent::default(), &next).unwrap_err().contains("for a day"));
        assert!(check_all(&Purse::default(), &elsewhere, &Spent::default(), &next).is_ok());
        let said = warning_all(&purse, &elsewhere, &Spent::default(), &next).unwrap();
        assert_eq!(said, "four fifths of the budget are used: $1.05 of $1.00, over all tasks for a day");
    }

    #[test]
    fn every_kind_of_limit_binds_over_all_tasks() {
        let spent = Spent {
            usage: Usage { input: 700, output: 200, ..Usage::default() },
            usd: Some(0.9),
            steps: 9,
            seconds: 90,
        };
        let elsewhere = Elsewhere { day: spent, workspace: spent };
        let own = Spent {
            usage: Usage { input: 60, output: 40, ..Usage::default() },
            usd: Some(0.05),
            steps: 1,
            seconds: 10,
        };
        let next = Estimate { tokens: 50, usd: Some(0.1) };
        let limits = [
            (Budget { usd: Some(1.0), ..Budget::NONE }, "$0.95 spent"),
            (Budget { tokens: Some(1_000), ..Budget::NONE }, "1000 tokens spent"),
            (Budget { steps: Some(10), ..Budget::NONE }, "10 steps are used up"),
            (Budget { seconds: Some(100), ..Budget::NONE }, "100 s of time are used up"),
        ];
        for (limit, said) in limits {
            for purse in
                [Purse { day: limit, ..Purse::default() }, Purse { workspace: limit, ..Purse::default() }]
            {
                let why = check_all(&purse, &elsewhere, &own, &next).unwrap_err();
                assert!(why.contains(said) && why.contains("over all tasks"), "{why}");
                assert_eq!(check_all(&purse.larger(), &elsewhere, &own, &next), Ok(()));
            }
        }
    }

    #[test]
    fn what_is_set_aside_is_given_back() {
        let set_aside = Reserved::new("t-reserved", Estimate { tokens: 7, usd: Some(0.5) });
        assert_eq!(reserved("t-reserved").tokens, 7);
        drop(set_aside);
        assert_eq!(reserved("t-reserved"), Estimate::default());
    }

    #[test]
    fn an_unknown_price_does_not_bind_the_dollars_but_steps_do() {
        let budget = Budget { usd: Some(0.01), tokens: None, steps: Some(2), seconds: None };
        let spent = Spent { steps: 1, ..Spent::default() };
        assert!(check(&budget, &spent, &Estimate::default()).is_ok());
        assert!(check(&budget, &Spent { steps: 2, ..spent }, &Estimate::default()).is_err());
    }
}

//! How long a task ran, by the times of its events: what it rested while a person reviewed, or no process ran it, is no work.

use crate::event::TaskEvent;

/// Longest time between two events that counts as work: beyond it the machine slept, or its clock was set.
const LONGEST_SILENCE_MS: i64 = 1800 * 1000;

/// The time that a task ran so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worked {
    ms: i64,
    last_ms: Option<i64>,
    rests: bool,
}

impl Worked {
    /// Takes the task's next event in, with its time in milliseconds since the epoch. A clock that was set counts as no
    /// time, or as little.
    pub fn apply(&mut self, at_ms: i64, event: &TaskEvent) {
        // Between the last sign of a process that died and the first of the next nothing ran.
        let goes_on = matches!(event, TaskEvent::Resumed { .. });
        if let Some(last_ms) = self.last_ms
            && !self.rests
            && !goes_on
        {
            self.ms += at_ms.saturating_sub(last_ms).clamp(0, LONGEST_SILENCE_MS);
        }
        self.last_ms = Some(at_ms);
        if goes_on {
            self.rests = false;
        } else if matches!(event, TaskEvent::Proposed { .. } | TaskEvent::Ended { .. }) {
            self.rests = true;
        }
    }

    /// Milliseconds.
    pub fn ms(self) -> i64 {
        self.ms
    }

    /// Whole seconds.
    pub fn seconds(self) -> u64 {
        u64::try_from(self.ms / 1000).unwrap_or(0)
    }

    /// The time over some events.
    pub fn over(events: &[(i64, TaskEvent)]) -> Worked {
        let mut worked = Worked::default();
        events.iter().for_each(|(at_ms, event)| worked.apply(*at_ms, event));
        worked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{State, Verdict};

    fn at(seconds: i64, event: TaskEvent) -> (i64, TaskEvent) {
        (seconds * 1000, event)
    }

    fn state() -> TaskEvent {
        TaskEvent::State { state: State::Exploring, activity: String::new() }
    }

    #[test]
    fn time_is_counted_while_it_ran_and_no_set_clock_adds_to_it() {
        let mut events = vec![at(100, state()), at(110, state())];
        assert_eq!(Worked::over(&events).seconds(), 10);
        // An hour of interruption, then five seconds of work.
        events.push(at(3710, TaskEvent::Resumed { seconds: 10 }));
        events.push(at(3715, state()));
        assert_eq!(Worked::over(&events).seconds(), 15);
        // The clock is set back by a year, goes on for three seconds, and is set forth by ten.
        events.push(at(3715 - 31_536_000, state()));
        events.push(at(3718 - 31_536_000, state()));
        events.push(at(3718 + 315_360_000, state()));
        assert_eq!(Worked::over(&events).seconds(), 18 + 1800);
    }

    #[test]
    fn what_a_person_takes_to_decide_is_no_work_of_the_task() {
        let ended = TaskEvent::Ended { state: State::Failed, message: String::new() };
        let decided = || TaskEvent::Decided { hunks: Vec::new(), verdict: Verdict::Rejected, text: None };
        let mut events = vec![at(0, state()), at(7, ended), at(600, decided()), at(900, decided())];
        assert_eq!(Worked::over(&events).ms(), 7000);
        events.push(at(1000, TaskEvent::Resumed { seconds: 7 }));
        events.push(at(1004, state()));
        assert_eq!(Worked::over(&events).ms(), 11_000);
    }
}

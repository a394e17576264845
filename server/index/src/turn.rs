//! Long work that lets others have their turn in its middle.
//!
//! A kernel that preempts lazily (`CONFIG_PREEMPT_LAZY`, Linux since 6.13) does not stop a computation when somebody wakes up
//! who should go first, but at the computation's next system call or at the next tick, which is up to 4 ms later. An answer
//! that passes through several threads meets that more than once. So whatever computes for long without a system call says
//! here how much it did, and now and then offers its processor.

use std::cell::Cell;

/// Units of work between two offers: about a tenth of a millisecond. An offer costs a five-hundredth of it.
const TURN: u32 = 1_000;

thread_local! {
    static DONE: Cell<u32> = const { Cell::new(0) };
}

/// Counts work that was done, in units of about 100 ns.
pub(crate) fn worked(units: u32) {
    DONE.with(|done| {
        let sum = done.get().saturating_add(units);
        done.set(if sum < TURN { sum } else { 0 });
        if sum >= TURN {
            std::thread::yield_now();
        }
    });
}

/// Units of work of a pass over so many bytes.
pub(crate) fn pass(bytes: usize) -> u32 {
    u32::try_from(bytes / 64).unwrap_or(u32::MAX)
}

//! Long work that lets others have their turn in its middle.
//!
//! Who wakes up and should go first may still be left waiting for a processor on which something computes: until that makes a
//! system call, or until the clock's next tick, which is 4 ms on many systems (seen on Linux 6.18, also with a computing
//! thread of the lowest class, `SCHED_IDLE`). An answer that passes through several threads meets that more than once. So
//! whatever computes for long without a system call says here how much it did, and now and then offers its processor.

use std::cell::Cell;

/// Units of work between two offers: about a tenth of a millisecond.
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

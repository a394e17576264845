//! Adds up a week of work by project.

pub mod duration;
pub mod report;

pub use duration::Duration;
pub use report::{totals, Entry};

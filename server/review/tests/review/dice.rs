//! A small generator of numbers, so that a failing seed tells everything, and how many seeds to try.

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// A number below `sides`; zero where there is none.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides.max(1)
    }
}

/// How many cases to try: `usual`, or as many times that as the environment says in `GALLEY_STRESS`.
#[allow(clippy::disallowed_methods)] // Tests may read the environment; the crate may not.
pub fn cases(usual: u64) -> u64 {
    let times = std::env::var("GALLEY_STRESS").ok().and_then(|times| times.parse::<u64>().ok());
    usual * times.unwrap_or(1).max(1)
}

/// Where the seeds begin: `GALLEY_SEED`.
#[allow(clippy::disallowed_methods)]
pub fn first_seed() -> u64 {
    std::env::var("GALLEY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0)
}

//! A small generator of numbers, so that a seed tells everything about a case.

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `sides`; zero where there is none.
    pub fn roll(&mut self, sides: usize) -> usize {
        (self.next() % sides.max(1) as u64) as usize
    }

    /// A number of `range`, both ends included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.roll(high + 1 - low)
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.roll(times) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// How many cases to try: `usual`, or as many times that as the environment says in `GALLEY_STRESS`.
#[allow(clippy::disallowed_methods)] // Tests may read the environment; the crate may not.
pub fn cases(usual: u64) -> u64 {
    let times = std::env::var("GALLEY_STRESS").ok().and_then(|times| times.parse::<u64>().ok());
    usual * times.unwrap_or(1).max(1)
}

/// Whether failures show the files of a case: `GALLEY_SHOW`.
#[allow(clippy::disallowed_methods)]
pub fn shows_files() -> bool {
    std::env::var_os("GALLEY_SHOW").is_some()
}

/// Where the seeds begin; another start gives another set of cases.
#[allow(clippy::disallowed_methods)]
pub fn first_seed() -> u64 {
    std::env::var("GALLEY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0)
}

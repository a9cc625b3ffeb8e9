//! Random numbers with a seed that is printed, so that a failure can be run again.

use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

/// SplitMix64: short, and good enough to find bugs.
pub struct Random(u64);

impl Random {
    /// The seed is `KUMO_TEST_SEED`, or the time; it is printed, for the
    /// harness shows what a failed test has printed.
    pub fn new(what: &str) -> Self {
        let seed = match env::var("KUMO_TEST_SEED") {
            Ok(seed) => seed.parse().expect("KUMO_TEST_SEED is a number"),
            Err(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_micros() as u64),
        };
        println!("{what}: run again with KUMO_TEST_SEED={seed}");
        Self(seed)
    }

    /// Another one, for another thread.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}

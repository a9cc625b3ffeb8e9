//! What entries were answered that may come again.
//!
//! d-engine 0.2.4 sends entries again that are on their way to the state machine.
//! They are not applied again, and are answered what they were.

use d_engine::ApplyResult;
use std::collections::BTreeSet;

/// How many failures are remembered, the latest. What is older counts as done.
const REMEMBERED: usize = 65_536;

/// The entries that did not succeed; all others did.
#[derive(Default, Debug)]
pub struct Results(BTreeSet<u64>);

impl Results {
    /// Remembers an answer.
    pub fn remember(&mut self, result: &ApplyResult) {
        if !result.succeeded {
            self.0.insert(result.index);
            if self.0.len() > REMEMBERED {
                self.0.pop_first();
            }
        }
    }

    /// The answer that an entry was given.
    pub fn of(&self, index: u64) -> ApplyResult {
        ApplyResult { index, succeeded: !self.0.contains(&index) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_failures_are_remembered() {
        let mut results = Results::default();
        for index in 0..REMEMBERED as u64 + 2 {
            results.remember(&ApplyResult::failure(index));
            results.remember(&ApplyResult::success(index + 1_000_000));
        }
        assert!(results.of(1).succeeded && !results.of(2).succeeded);
        assert!(results.of(1_000_002).succeeded);
    }
}

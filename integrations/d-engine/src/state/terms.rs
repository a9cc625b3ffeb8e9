//! Which term an entry is of: the first entry of every term.

use d_engine::common::LogId;
use std::collections::BTreeMap;

/// The first entries of the terms, by index.
#[derive(Clone, Default, Debug)]
pub struct Terms(BTreeMap<u64, u64>);

impl Terms {
    /// Adds the first entry of a term.
    pub fn add(&mut self, first: u64, term: u64) {
        self.0.insert(first, term);
    }

    /// Whether an entry behind all others is the first of its term.
    pub fn begins(&self, entry: LogId) -> bool {
        self.0.last_key_value().is_none_or(|(_, term)| *term != entry.term)
    }

    /// The term of an entry.
    pub fn of(&self, index: u64) -> Option<u64> {
        self.0.range(..=index).next_back().map(|(_, term)| *term)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_of_the_last_term_that_began() {
        let mut terms = Terms::default();
        assert_eq!(terms.of(1), None);
        assert!(terms.begins(LogId { index: 1, term: 2 }));
        terms.add(1, 2);
        terms.add(10, 5);
        assert!(!terms.begins(LogId { index: 11, term: 5 }));
        assert_eq!(
            [0, 1, 9, 10, 99].map(|index| terms.of(index)),
            [None, Some(2), Some(2), Some(5), Some(5)]
        );
    }
}

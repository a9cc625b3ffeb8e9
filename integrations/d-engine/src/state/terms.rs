//! Which term an entry is of: the first entry of every term.

use std::collections::BTreeMap;

/// The first entries of the terms, by index.
#[derive(Default, Debug)]
pub struct Terms(BTreeMap<u64, u64>);

impl Terms {
    /// Adds the first entry of a term.
    pub fn add(&mut self, first: u64, term: u64) {
        self.0.insert(first, term);
    }

    /// The last term.
    pub fn last(&self) -> Option<u64> {
        self.0.last_key_value().map(|(_, term)| *term)
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
        assert_eq!(terms.last(), None);
        terms.add(1, 2);
        terms.add(10, 5);
        assert_eq!(terms.last(), Some(5));
        assert_eq!(
            [0, 1, 9, 10, 99].map(|index| terms.of(index)),
            [None, Some(2), Some(2), Some(5), Some(5)]
        );
    }
}

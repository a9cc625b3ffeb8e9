//! Which runs there are: all that is kept of the log in memory.

use std::{collections::BTreeMap, ops::RangeInclusive};

/// The runs of a log, by their first entries: how long each is.
#[derive(Clone, Default, Debug, PartialEq)]
pub struct Index(BTreeMap<u64, u64>);

/// A run's first and last entry.
pub type Run = (u64, u64);

impl Index {
    /// Adds a run, whose entries are in no other.
    pub fn add(&mut self, first: u64, len: u64) {
        self.0.insert(first, len);
    }

    /// Takes runs out, by their first entries, and adds others.
    pub fn exchange(&mut self, removed: &[u64], added: &[(u64, u64)]) {
        for first in removed {
            self.0.remove(first);
        }
        self.0.extend(added.iter().copied());
    }

    /// The first and the last entry of the log.
    pub fn bounds(&self) -> Option<Run> {
        let (&first, _) = self.0.first_key_value()?;
        let (&at, len) = self.0.last_key_value()?;
        Some((first, at + len - 1))
    }

    /// The runs that have entries of a range, in order.
    pub fn overlapping(&self, range: RangeInclusive<u64>) -> impl Iterator<Item = Run> {
        // The one before may reach into it; no more, as runs do not overlap.
        let from = self.0.range(..*range.start()).next_back().map_or(*range.start(), |run| *run.0);
        self.0
            .range(from..)
            .map(|(&first, len)| (first, first + len - 1))
            .take_while({
                let end = *range.end();
                move |run| run.0 <= end
            })
            .filter(move |run| run.1 >= *range.start())
    }

    /// Where an entry is missing between two runs, or is in both: the last of the
    /// one, and the first of the other.
    pub fn fault(&self) -> Option<(u64, u64)> {
        let ends = self.0.iter().map(|(first, len)| first + len - 1);
        ends.zip(self.0.keys().skip(1).copied()).find(|&(last, next)| last + 1 != next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_by_their_entries() {
        let mut index = Index::default();
        assert_eq!(index.bounds(), None);
        for (first, len) in [(1, 10), (11, 1), (12, 5)] {
            index.add(first, len);
        }
        assert_eq!(index.bounds(), Some((1, 16)));
        assert_eq!(index.fault(), None);
        let found = |range| index.overlapping(range).collect::<Vec<_>>();
        assert_eq!(found(0..=0), []);
        assert_eq!(found(10..=11), [(1, 10), (11, 11)]);
        assert_eq!(found(3..=4), [(1, 10)]);
        assert_eq!(found(13..=u64::MAX), [(12, 16)]);
        assert_eq!(found(17..=20), []);
        assert_eq!(found(0..=u64::MAX).len(), 3);
        index.exchange(&[11, 12], &[(12, 9)]);
        assert_eq!(index.bounds(), Some((1, 20)));
        assert_eq!(index.fault(), Some((10, 12)));
    }
}

//! Which chunks are free, and which of them has what.

use crate::chunk::PER_SEGMENT;
use std::collections::BTreeSet;

/// What a chunk is wanted for; and how many of the free chunks with room are left
/// for those who need them more. A delete must be possible on a full disk, and
/// compaction, which then makes room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Move = 0,
    Delete = 1,
    Store = 2,
}

/// The free chunks.
#[derive(Default)]
pub(super) struct Free {
    /// The free chunks below `end`.
    pub free: BTreeSet<u32>,
    /// Those of them that have room on the disk.
    pub ready: BTreeSet<u32>,
    /// How many chunks the file has.
    pub end: u32,
}

impl Free {
    /// Free chunks, one behind the other, in one segment; ones that have room
    /// first, and then the lowest.
    pub fn find(&self, chunks: u32, need: Need) -> Option<u32> {
        let is_left =
            |number: &u32| self.ready.iter().rev().take(need as usize).any(|left| left == number);
        if chunks == 1 {
            let ready = self.ready.first().filter(|number| !is_left(number));
            return ready.or_else(|| self.free.iter().find(|number| !is_left(number))).copied();
        }
        let (mut from, mut len) = (0, 0);
        for &number in self.free.iter().filter(|number| !is_left(number)) {
            if number != from + len || number % PER_SEGMENT == 0 {
                (from, len) = (number, 0);
            }
            len += 1;
            if len == chunks {
                return Some(from);
            }
        }
        None
    }

    /// Where chunks behind the end would go.
    pub fn grow(&self, chunks: u32) -> u32 {
        let rest = PER_SEGMENT - self.end % PER_SEGMENT;
        if chunks > rest { self.end + rest } else { self.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_for_others_is_in_no_run() {
        let set = |numbers: &[u32]| numbers.iter().copied().collect::<BTreeSet<_>>();
        let mut free = Free { free: set(&[1, 2, 3, 4]), ready: set(&[1, 2, 3, 4]), end: 5 };
        assert_eq!(free.find(4, Need::Move), Some(1));
        assert_eq!(free.find(3, Need::Delete), Some(1));
        assert_eq!(free.find(3, Need::Store), None);
        assert_eq!(free.find(2, Need::Store), Some(1));
        assert_eq!(free.find(1, Need::Store), Some(1));
        free.ready = set(&[2, 3]);
        assert_eq!(free.find(1, Need::Delete), Some(2));
        // One without room, which is tried.
        assert_eq!(free.find(1, Need::Store), Some(1));
        assert_eq!(free.find(2, Need::Store), None);
        free.free = set(&[2, 3]);
        assert_eq!(free.find(1, Need::Store), None);
    }
}

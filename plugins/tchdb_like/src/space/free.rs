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
            |number: &u32| self.ready.len() <= need as usize && self.ready.contains(number);
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

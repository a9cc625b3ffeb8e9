//! What is known of a shard beside its part of the index, under its lock: the
//! last sequence number, and room to use again.

use crate::{
    record::ALIGN,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use std::collections::BTreeMap;

/// The most rooms that a shard remembers. What it forgets, compaction finds.
const MOST_ROOMS: usize = 16 << 10;

#[repr(align(128))]
pub(crate) struct Shard {
    pub inner: Mutex<Inner>,
    /// The keys that are there.
    pub records: AtomicU64,
    /// The bytes of the records that the index has. Only the sum over all shards
    /// means anything, modulo 2^64.
    pub live: AtomicU64,
}

#[derive(Default)]
pub(crate) struct Inner {
    /// The sequence number of the shard's last record.
    pub sequence: u64,
    pub rooms: Rooms,
    /// The bytes of keys and values that were written, since the database was
    /// opened.
    pub written: u64,
    /// The syncs that had begun at the last write, and the sequence number
    /// before the first write since the last of them.
    begun: Option<(u64, u64)>,
}

impl Inner {
    /// Before a write: notes how many syncs have begun. Whether a new one has.
    #[inline]
    pub fn note_begun(&mut self, stamp: u64) -> bool {
        let is_new = self.begun.is_none_or(|(begun, _)| begun != stamp);
        if is_new {
            self.begun = Some((stamp, self.sequence));
        }
        is_new
    }

    /// What has been written so far keeps its room until the next sync.
    pub fn settle(&mut self) {
        if let Some((_, before)) = &mut self.begun {
            *before = self.sequence;
        }
    }

    /// Whether a record has been written since the last sync began. No sync can
    /// have been meant to keep it, and what it replaced is still there.
    pub fn is_fresh(&self, sequence: u64) -> bool {
        self.begun.is_some_and(|(_, before)| sequence > before)
    }
}

impl Shard {
    pub fn new() -> Self {
        Self {
            inner: Mutex::new(Inner::default()),
            records: AtomicU64::new(0),
            live: AtomicU64::new(0),
        }
    }

    /// A key has come. Under the lock, as those below: so it need be no exchange.
    #[inline]
    pub fn count_more(&self) {
        self.records.store(self.records.load(Relaxed) + 1, Relaxed);
    }

    /// A key has gone.
    #[inline]
    pub fn count_less(&self) {
        self.records.store(self.records.load(Relaxed).wrapping_sub(1), Relaxed);
    }

    /// A record of so many bytes has come into the index.
    #[inline]
    pub fn add_live(&self, bytes: u32) {
        self.live.store(self.live.load(Relaxed).wrapping_add(bytes.into()), Relaxed);
    }

    /// A record of so many bytes has gone from the index.
    #[inline]
    pub fn sub_live(&self, bytes: u32) {
        self.live.store(self.live.load(Relaxed).wrapping_sub(bytes.into()), Relaxed);
    }
}

/// An extent of a chunk, of a certain use of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Room {
    pub offset: u64,
    pub extent: usize,
    /// The lower bits of the chunk's base.
    pub base: u32,
}

const BASE_BITS: u32 = 28;

/// Room to use again, by its size; the last that came is the first to go, since
/// it is still in the processor's cache.
#[derive(Default)]
pub(crate) struct Rooms {
    by_size: BTreeMap<u32, Vec<u64>>,
    count: usize,
}

impl Rooms {
    pub fn push(&mut self, room: Room) {
        if self.count < MOST_ROOMS {
            self.by_size.entry(room.extent as u32).or_default().push(room.word());
            self.count += 1;
        }
    }

    /// The room that `pop` would look at first.
    #[inline]
    pub fn peek(&self, size: usize) -> Option<Room> {
        if self.count == 0 {
            return None;
        }
        let (&extent, words) = self.by_size.range(size as u32..=most_for(size)).next()?;
        words.last().map(|&word| Room::of(word, extent))
    }

    /// Takes a room of this size, or one that is up to an eighth larger.
    pub fn pop(&mut self, size: usize) -> Option<Room> {
        if self.count == 0 {
            return None;
        }
        while let Some((&extent, words)) =
            self.by_size.range_mut(size as u32..=most_for(size)).next()
        {
            if let Some(word) = words.pop() {
                self.count -= 1;
                return Some(Room::of(word, extent));
            }
            self.by_size.remove(&extent);
        }
        None
    }
}

/// The largest room that a record of this size takes.
fn most_for(size: usize) -> u32 {
    (size + size / 8) as u32
}

impl Room {
    /// All but the extent, in one word.
    fn word(self) -> u64 {
        (self.offset / ALIGN as u64) << BASE_BITS | u64::from(self.base)
    }

    /// What such a word says, with the extent.
    fn of(word: u64, extent: u32) -> Self {
        let offset = (word >> BASE_BITS) * ALIGN as u64;
        Self { offset, extent: extent as usize, base: Self::base_bits(word) }
    }

    /// The bits of a chunk's base that a room remembers.
    pub fn base_bits(base: u64) -> u32 {
        base as u32 & ((1 << BASE_BITS) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_come_back_last_first_and_not_much_too_large() {
        let mut rooms = Rooms::default();
        let room = |offset, extent| Room { offset, extent, base: 5 };
        for (offset, extent) in [(8, 80), (16, 80), (24, 88), (32, 1000), (1 << 37, 80)] {
            rooms.push(room(offset, extent));
        }
        assert_eq!(rooms.pop(80), Some(room(1 << 37, 80)));
        assert_eq!(rooms.pop(80), Some(room(16, 80)));
        assert_eq!(rooms.pop(80), Some(room(8, 80)));
        assert_eq!(rooms.pop(80), Some(room(24, 88)));
        assert_eq!(rooms.pop(80), None);
        assert_eq!(rooms.pop(880), None);
        assert_eq!(rooms.pop(900), Some(room(32, 1000)));
        assert_eq!((rooms.pop(900), rooms.count), (None, 0));
    }
}

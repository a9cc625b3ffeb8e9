//! What becomes of a record that has gone, and of its room.
//!
//! **With `sync=none`** the end of the process keeps all stores, in their order.
//! So the record is marked as free at once, and its room is given out again.
//!
//! **With `sync=interval` and `sync=always`** a loss of power may keep any of the
//! stores since the last sync, and lose any other; and to dirty a page for a mark
//! costs more than to write a record behind the others. So nothing is marked: the
//! record stays as it is, and is hidden by its successor, whose sequence number
//! is higher. It is *stale*. What keeps it from coming back:
//!
//! 1. A chunk is given back when nothing in it counts, and a sync has ended that
//!    began after the last of its records went. So all that hides them has been
//!    synced, and it does not matter which of its bytes a loss of power leaves.
//!    Compaction makes such chunks.
//! 2. A record that hides others may itself go in that way, since what hides it
//!    hides them too. Only a delete is dropped with nothing in its place. That is
//!    the work of `purge`: no put of its key may be left in the file then, and
//!    that must have been synced.
//! 3. With `sync=interval`, a record that was written and replaced between two
//!    syncs leaves its room at once: what it had replaced itself is still there,
//!    and stays until a sync has ended that began after all of them were written.
//!    Such room is used until the next sync begins: then its page is not warm any
//!    more, and may be the only place of what has been synced.
//!
//! Room that is given out says that it is free before anything else is written
//! there, so whoever comes upon it sees the old record whole, or none.
//!
//! A scan is to see what was there when it began: see `scan`. Neither room nor a
//! chunk that it may still look at is given out before it has ended.

use crate::{
    chunk::{Chunk, Use},
    database::Core,
    shard::{Inner, Room, Rooms},
    space::Space,
    sync::atomic::{Ordering::SeqCst, fence},
    syncer::Level,
    write::{Old, weight},
};
use std::collections::BTreeSet;

impl Core {
    /// Before the entry goes: tells the scans that are to see the record. The
    /// newest of them.
    pub fn before_leaving(&self, old: &Old<'_>, successor: u64) -> u64 {
        let Some((chunk, seen)) = old.at else { return 0 };
        if !seen.kind.is_put() {
            // A scan shows no deletes.
            return 0;
        }
        let sequence = chunk.base() + u64::from(seen.delta);
        self.scans.hold(old.entry.offset(), sequence, successor)
    }

    /// After the entry has gone.
    pub fn leave(&self, inner: &mut Inner, shard: usize, old: &Old<'_>, scan: u64) {
        // What cannot be read is left as it is: nobody knows how long it is.
        let Some((chunk, seen)) = old.at else { return };
        // First: a checkpoint knows what lives in the chunks that are as they were.
        chunk.touch(&self.space);
        if !seen.kind.is_put() {
            chunk.deletes.fetch_sub(1, SeqCst);
        }
        if chunk.usage() == Use::Stuck {
            chunk.turn(Use::Stuck, Use::Full);
        }
        chunk.note_gone(self.syncer.stamp(), scan);
        let at = (old.entry.offset() - chunk.offset()) as usize;
        let is_room = match self.syncer.level {
            Level::None => {
                chunk.mark_gone(&self.space, at, &seen);
                true
            }
            level => {
                chunk.stale.fetch_add(1, SeqCst);
                let sequence = chunk.base() + u64::from(seen.delta);
                matches!(level, Level::Interval(_)) && inner.is_fresh(sequence)
            }
        };
        if is_room && scan == 0 {
            self.give_room(inner, chunk, at, seen.extent);
        }
        // Last: up to here it keeps the chunk.
        let weight = weight(&seen);
        self.shards[shard].sub_live(weight);
        chunk.count.sub(weight);
        self.note_empty(chunk);
    }

    /// Before a write: room of before the last sync began is not used any more.
    #[inline]
    pub fn note_begun(&self, inner: &mut Inner) {
        let has_begun = inner.note_begun(self.syncer.stamp());
        if has_begun && self.syncer.level != Level::None {
            inner.rooms = Rooms::default();
        }
    }

    /// Makes an extent in which nothing counts room for another record.
    pub fn give_room(&self, inner: &mut Inner, chunk: &Chunk, at: usize, extent: usize) {
        if extent > 0 && matches!(chunk.usage(), Use::Full | Use::Tail) {
            let offset = chunk.offset() + at as u64;
            inner.rooms.push(Room { offset, extent, base: Room::base_bits(chunk.base()) });
        }
    }

    /// Notes a chunk in which nothing seems to be left.
    pub fn note_empty(&self, chunk: &Chunk) {
        let may_go = || matches!(chunk.usage(), Use::Full | Use::Leaving | Use::Run);
        if chunk.count.is_empty() && may_go() {
            self.empty.lock().insert(chunk.number);
        }
    }

    /// The bytes of chunks in which nothing is left, and which have not been
    /// taken back.
    pub fn clearing(&self) -> u64 {
        let empty = self.empty.lock();
        let chunks = empty.iter().filter_map(|&number| self.space.chunk(number));
        chunks.map(Space::disk_bytes).sum()
    }

    /// Takes back the chunks that are empty, of which a loss of power may leave
    /// anything, and that nobody looks at.
    pub fn reclaim(&self) {
        if self.empty.lock().is_empty() {
            return;
        }
        let _one_at_a_time = self.reclaiming.lock();
        let noted = std::mem::take(&mut *self.empty.lock());
        let mut later = BTreeSet::new();
        for number in noted {
            let Some(chunk) = self.space.chunk(number) else { continue };
            let before = chunk.usage();
            let is_leaving = match before {
                Use::Full => chunk.turn(Use::Full, Use::Leaving),
                Use::Leaving | Use::Run => true,
                _ => false,
            };
            if !is_leaving {
                continue;
            }
            fence(SeqCst);
            let is_empty = chunk.count.is_empty();
            if is_empty && self.is_over(chunk) && !chunk.is_pinned() {
                fence(SeqCst);
                self.space.close(chunk);
                continue;
            }
            if is_empty {
                later.insert(number);
            }
            if before == Use::Full {
                chunk.turn(Use::Leaving, Use::Full);
            }
        }
        self.empty.lock().append(&mut later);
    }

    /// Whether nothing that went from a chunk can come back, or is to be seen.
    fn is_over(&self, chunk: &Chunk) -> bool {
        let (stamp, scan) = chunk.last_gone();
        self.syncer.is_safe(stamp) && scan < self.scans.oldest()
    }
}

//! Dropping deletes.
//!
//! A delete hides the puts of its key that may still be in the file. It may go
//! when none is left there that could come back. So
//!
//! 1. the last sequence numbers are noted, and a sync follows: the deletes up to
//!    there, and what they hide, are known;
//! 2. every stale put whose key's record is one of these deletes is marked as
//!    free. It stood in the file when the numbers were noted, in a chunk that
//!    counts a stale record, or its bytes have been given to others since;
//! 3. those of the deletes that are still their keys' records are dropped. A key
//!    that was set meanwhile has a record of a higher number, or a delete that
//!    this purge leaves alone.
//!
//! What is dropped is not marked: it stays in the file as long as its chunk. So it
//! needs no sync of its own: a chunk goes when a sync has ended that began after
//! the last of its records went, and by then the marks, and the new uses of other
//! chunks and of room, are on the disk. If a recovery reads the delete once more,
//! it says what is true.

use crate::{
    ahead::Ahead, chunk::Chunk, database::Core, index::Hash, lookup::Current, record::Seen,
    shard::Shard, syncer::Level, write::Old,
};
use kumo_plugin::Error;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Hashes of keys, and some others, each as a bit.
struct Filter {
    bits: Vec<u64>,
    mask: u64,
}

impl Filter {
    /// For about so many.
    fn new(count: u64) -> Self {
        let bits = (count * 8).next_power_of_two().max(64);
        Self { bits: vec![0; (bits / 64) as usize], mask: bits - 1 }
    }

    fn insert(&mut self, hash: Hash) {
        let bit = hash.bits() & self.mask;
        self.bits[(bit / 64) as usize] |= 1 << (bit % 64);
    }

    fn may_have(&self, hash: Hash) -> bool {
        let bit = hash.bits() & self.mask;
        self.bits[(bit / 64) as usize] >> (bit % 64) & 1 == 1
    }
}

impl Core {
    /// How many deletes the index has.
    pub fn deletes(&self) -> u64 {
        let count = |(number, shard): (usize, &Shard)| {
            u64::from(self.index.len(number)).saturating_sub(shard.records.load(Relaxed))
        };
        self.shards.iter().enumerate().map(count).sum()
    }

    /// Drops all deletes that were there when it began.
    pub fn purge(&self) -> Result<(), Error> {
        if self.deletes() == 0 {
            return Ok(());
        }
        self.load_all()?;
        // From here on the index that was saved does not hold.
        self.touch()?;
        let _one_at_a_time = self.compacting.lock();
        let cuts: Vec<u64> = self.shards.iter().map(|shard| shard.inner.lock().sequence).collect();
        self.sync_if_promised()?;
        let has_deletes = |chunk: &Chunk| chunk.deletes.load(SeqCst) > 0;
        let mut deleted = Filter::new(self.deletes());
        self.each_chunk(has_deletes, |_, _, seen, hash| {
            if !seen.kind.is_put() {
                deleted.insert(hash);
            }
        });
        let has_stale = |chunk: &Chunk| chunk.stale.load(SeqCst) > 0;
        self.each_chunk(has_stale, |chunk, at, seen, hash| {
            if seen.kind.is_put() && deleted.may_have(hash) {
                self.mark_hidden(chunk, at, seen, hash, &cuts);
            }
        });
        self.each_chunk(has_deletes, |chunk, at, seen, hash| {
            self.drop_delete(chunk, at, seen, hash, &cuts);
        });
        Ok(())
    }

    /// Syncs where something is promised for a loss of power.
    pub fn sync_if_promised(&self) -> Result<(), Error> {
        match self.syncer.level {
            Level::None => Ok(()),
            _ => self.sync(),
        }
    }

    /// Shows the records of the chunks that are wanted.
    fn each_chunk(
        &self,
        is_wanted: impl Fn(&Chunk) -> bool,
        mut visit: impl FnMut(&Chunk, usize, &Seen<'_>, Hash),
    ) {
        let wanted = self.space.with_records().filter(|chunk| is_wanted(chunk));
        let numbers: Vec<u32> = wanted.map(|chunk| chunk.number).collect();
        for chunk in Ahead::through(&self.space, &numbers) {
            let pin = {
                // So it is not just being taken back.
                let _held = self.reclaiming.lock();
                if !chunk.has_records() || !is_wanted(chunk) {
                    continue;
                }
                chunk.pin()
            };
            self.walk_records(chunk, |at, seen, hash| {
                visit(chunk, at, seen, hash);
                true
            });
            drop(pin);
            self.note_empty(chunk);
        }
    }

    fn mark_hidden(&self, chunk: &Chunk, at: usize, seen: &Seen<'_>, hash: Hash, cuts: &[u64]) {
        let _locked = self.shards[hash.shard()].inner.lock();
        if self.index.has(hash, hash.entry(chunk.offset() + at as u64)) || chunk.is_free(at) {
            return;
        }
        let Current::Record(_, other, newer) = self.current_head(hash, seen.key) else { return };
        let sequence = other.base() + u64::from(newer.delta);
        if !newer.kind.is_put() && sequence <= cuts[hash.shard()] {
            chunk.mark_gone(&self.space, at, seen);
            chunk.note_marked();
        }
    }

    fn drop_delete(&self, chunk: &Chunk, at: usize, seen: &Seen<'_>, hash: Hash, cuts: &[u64]) {
        let (entry, number) = (hash.entry(chunk.offset() + at as u64), hash.shard());
        let sequence = chunk.base() + u64::from(seen.delta);
        if seen.kind.is_put() || sequence > cuts[number] {
            return;
        }
        let mut inner = self.shards[number].inner.lock();
        self.note_begun(&mut inner);
        if !self.index.has(hash, entry) {
            return;
        }
        let old = Old { entry, at: Some((chunk, *seen)) };
        self.before_leaving(&old, 0);
        self.index.remove(hash, entry);
        self.leave(&mut inner, number, &old, 0);
    }
}

//! A chunk's records, on their way into the index.
//!
//! What a walk finds is gathered by shards, and entered many at once: under one
//! lock, into one table, which then is near.

use super::{Findings, Region};
use crate::{
    chunk::{Chunk, Use},
    database::Core,
    index::{Entry, Hash, SHARDS},
    record::{HEAD, Seen, State},
    shard::{Inner, Room},
    sync::{
        MutexGuard,
        atomic::Ordering::{Relaxed, SeqCst},
    },
    syncer::Level,
    walk::{Item, Visitor, walk, walk_to},
    write::weight,
};
use kumo_plugin::Error;

/// How many records of a shard are entered at once.
const BATCH: usize = 64;

/// A record that counts, unless another of its key is newer.
#[derive(Clone, Copy)]
struct Taken {
    entry: Entry,
    /// The sequence number, and in the lowest bit whether it is a put: two words
    /// are less to move about than three.
    what: u64,
}

/// Takes chunks into the index; each thread has its own.
pub(super) struct Taker<'a> {
    core: &'a Core,
    torn_from: u64,
    findings: &'a Findings,
    batches: Box<[Vec<Taken>]>,
    records: u64,
    last: u64,
    /// How many chunks there are, where all are walked.
    all: Option<u64>,
    /// The chunks that were walked, and the records that a shard may come to by
    /// them.
    walked: u64,
    expected: usize,
}

impl<'a> Taker<'a> {
    /// `all`: how many chunks there are, where all are walked.
    pub fn new(core: &'a Core, torn_from: u64, findings: &'a Findings, all: Option<u64>) -> Self {
        let batches = (0..SHARDS).map(|_| Vec::with_capacity(BATCH)).collect();
        let (records, last, walked, expected) = (0, 0, 0, 0);
        Self { core, torn_from, findings, batches, records, last, all, walked, expected }
    }

    /// Enters the records of a chunk.
    pub fn take_in(&mut self, chunk: &'a Chunk) -> Result<(), Error> {
        let core = self.core;
        let mut walk = Walk { taker: self, chunk, live: 0, failure: None };
        let end = walk_to(chunk, core.space.seed, chunk.end(), &mut walk);
        let Walk { live, failure, .. } = walk;
        if chunk.usage() == Use::Full {
            chunk.set_used(end);
        }
        // Those that do not count are taken off again.
        chunk.count.add(live);
        core.shards[0].live.fetch_add(u64::from(live), Relaxed);
        self.walked += 1;
        if let Some(all) = self.all {
            // If there are as many in the chunks that are to come.
            self.expected = (self.records * all / self.walked) as usize / SHARDS;
        }
        failure.map_or(Ok(()), Err)
    }

    /// Whether a damaged record was never written whole, and need not have been.
    fn is_torn(&self, chunk: &Chunk, at: usize, seen: &Seen<'_>) -> bool {
        if chunk.base() + u64::from(seen.delta) >= self.torn_from {
            self.findings.torn.fetch_add(1, Relaxed);
            chunk.mark_gone(&self.core.space, at, seen);
            return true;
        }
        let offset = chunk.offset() + at as u64;
        self.findings.bad_values.lock().push((seen.key.to_vec(), offset));
        false
    }

    fn take_gap(&self, chunk: &Chunk, from: usize, to: usize) {
        if self.torn_from < u64::MAX {
            self.findings.torn.fetch_add(1, Relaxed);
            let is_run = chunk.usage() == Use::Run;
            let extent = if is_run { 0 } else { (to - from).max(HEAD) };
            chunk.free(&self.core.space, from, extent);
        } else {
            let region = Region { at: chunk.offset() + from as u64, len: (to - from) as u64 };
            self.findings.regions.lock().push(region);
        }
    }

    #[inline]
    fn take(&mut self, chunk: &Chunk, at: usize, seen: &Seen<'_>) -> Result<(), Error> {
        let (taken, shard) = self.core.taken(chunk, at, seen);
        self.records += 1;
        self.last = self.last.max(taken.what >> 1);
        let batch = &mut self.batches[shard];
        batch.push(taken);
        if batch.len() < BATCH { Ok(()) } else { self.core.enter(shard, batch, self.expected) }
    }

    /// Enters what has not been entered yet.
    pub fn end(mut self) -> Result<(), Error> {
        for (shard, batch) in self.batches.iter_mut().enumerate() {
            self.core.enter(shard, batch, 0)?;
        }
        self.findings.records.fetch_add(self.records, Relaxed);
        self.findings.last.fetch_max(self.last, Relaxed);
        Ok(())
    }
}

/// A walk through one chunk.
struct Walk<'t, 'a> {
    taker: &'t mut Taker<'a>,
    chunk: &'a Chunk,
    /// The bytes of its records.
    live: u32,
    failure: Option<Error>,
}

impl<'a> Visitor<'a> for Walk<'_, 'a> {
    #[inline]
    fn intact(&mut self, at: usize, seen: Seen<'a>) -> bool {
        self.live = self.live.wrapping_add(weight(&seen));
        self.failure = self.taker.take(self.chunk, at, &seen).err();
        self.failure.is_none()
    }

    fn other(&mut self, item: Item<'a>) -> bool {
        let (taker, chunk) = (&mut *self.taker, self.chunk);
        match item {
            Item::Record(at, seen)
                if seen.state == State::Intact || !taker.is_torn(chunk, at, &seen) =>
            {
                return self.intact(at, seen);
            }
            Item::Free(at, extent) if extent > 0 && taker.core.syncer.level == Level::None => {
                let offset = chunk.offset() + at as u64;
                let mut inner = taker.core.shards[at / 8 % SHARDS].inner.lock();
                inner.rooms.push(Room { offset, extent, base: Room::base_bits(chunk.base()) });
            }
            Item::Record(..) | Item::Free(..) => {}
            Item::Gap(from, to) => taker.take_gap(chunk, from, to),
        }
        true
    }
}

impl Core {
    fn enter(&self, shard: usize, batch: &mut Vec<Taken>, expected: usize) -> Result<(), Error> {
        let mut inner = self.shards[shard].inner.lock();
        let now = self.index.len(shard) as usize + batch.len();
        self.index.make_room_for(shard, now, expected);
        for taken in &*batch {
            self.index.prefetch(Hash::from_parts(shard, taken.entry));
        }
        let mut puts = 0_u64;
        let entered = batch.drain(..).try_for_each(|taken| {
            puts = puts.wrapping_add(self.enter_one(shard, &mut inner, taken)?);
            Ok(())
        });
        self.shards[shard].records.fetch_add(puts, Relaxed);
        entered
    }

    /// Enters the records of a chunk, where the caller has all shards' locks.
    pub(crate) fn take_again(
        &self,
        chunk: &Chunk,
        shards: &mut [MutexGuard<'_, Inner>],
    ) -> Result<(), Error> {
        let mut failure = None;
        walk(chunk, self.space.seed, chunk.used(), |item| {
            let Item::Record(at, seen) = item else { return true };
            let weight = weight(&seen);
            chunk.count.add(weight);
            self.shards[0].live.fetch_add(u64::from(weight), Relaxed);
            let (taken, shard) = self.taken(chunk, at, &seen);
            match self.enter_one(shard, &mut shards[shard], taken) {
                Ok(puts) => drop(self.shards[shard].records.fetch_add(puts, Relaxed)),
                Err(error) => failure = Some(error),
            }
            failure.is_none()
        });
        failure.map_or(Ok(()), Err)
    }

    #[inline]
    fn taken(&self, chunk: &Chunk, at: usize, seen: &Seen<'_>) -> (Taken, usize) {
        let hash = self.hash(seen.key);
        let sequence = chunk.base() + u64::from(seen.delta);
        let entry = hash.entry(chunk.offset() + at as u64);
        (Taken { entry, what: sequence << 1 | u64::from(seen.kind.is_put()) }, hash.shard())
    }

    /// Enters a record, unless there is a newer one of its key. How many keys there
    /// are more, modulo 2^64.
    fn enter_one(&self, shard: usize, inner: &mut Inner, taken: Taken) -> Result<u64, Error> {
        let (entry, sequence, is_put) = (taken.entry, taken.what >> 1, taken.what & 1 == 1);
        inner.sequence = inner.sequence.max(sequence);
        let mut before = 0;
        match self.rival(shard, entry) {
            None => {
                if !self.index.make_room(shard) {
                    return Err(Error::no_memory(8));
                }
                self.index.insert(shard, entry);
            }
            Some((other, chunk, seen)) => {
                if chunk.base() + u64::from(seen.delta) > sequence {
                    self.lose(shard, entry);
                    return Ok(0);
                }
                self.index.replace(Hash::from_parts(shard, entry), other, entry);
                before = u64::from(seen.kind.is_put());
                if !seen.kind.is_put() {
                    chunk.deletes.fetch_sub(1, SeqCst);
                }
                self.lose(shard, other);
            }
        }
        if !is_put && let Some((chunk, _)) = self.place(entry.offset()) {
            chunk.deletes.fetch_add(1, SeqCst);
        }
        Ok(u64::from(is_put).wrapping_sub(before))
    }

    /// The record of the same key that the index has.
    #[inline]
    fn rival(&self, shard: usize, entry: Entry) -> Option<(Entry, &Chunk, Seen<'_>)> {
        let (mut rival, mut own) = (None, None);
        self.index.find(Hash::from_parts(shard, entry), |other, _| {
            let known = |seen: &(&Chunk, Seen<'_>)| seen.1.state != State::BadHead;
            let Some((chunk, seen)) = self.see(other.offset()).filter(known) else { return false };
            let own = own.get_or_insert_with(|| self.see(entry.offset()));
            let is_it = own.as_ref().is_some_and(|(_, own)| own.key == seen.key);
            if is_it {
                rival = Some((other, chunk, seen));
            }
            is_it
        });
        rival
    }

    /// Of two records of a key this one is the older.
    fn lose(&self, shard: usize, entry: Entry) {
        let offset = entry.offset();
        let Some((chunk, seen)) = self.see(offset) else { return };
        let at = (offset - chunk.offset()) as usize;
        // It may be one that the checkpoint knows.
        chunk.touch(&self.space);
        let weight = weight(&seen);
        chunk.count.sub(weight);
        self.shards[shard].live.fetch_sub(u64::from(weight), Relaxed);
        match self.syncer.level {
            Level::None => chunk.mark_gone(&self.space, at, &seen),
            _ => drop(chunk.stale.fetch_add(1, SeqCst)),
        }
    }
}

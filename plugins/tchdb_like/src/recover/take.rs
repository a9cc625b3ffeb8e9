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
    syncer::Level,
    walk::{Item, walk},
    write::weight,
};
use kumo_plugin::Error;
use parking_lot::MutexGuard;
use std::sync::{
    Arc,
    atomic::Ordering::{Relaxed, SeqCst},
};

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
    /// Of how many chunks this is which, where all are walked.
    place: Option<(usize, usize)>,
}

impl<'a> Taker<'a> {
    pub fn new(core: &'a Core, torn_from: u64, findings: &'a Findings) -> Self {
        let batches = (0..SHARDS).map(|_| Vec::new()).collect();
        Self { core, torn_from, findings, batches, records: 0, last: 0, place: None }
    }

    /// Enters the records of a chunk. `place`: of how many chunks it is which,
    /// where all are walked.
    pub fn take_in(
        &mut self,
        chunk: &'a Arc<Chunk>,
        place: Option<(usize, usize)>,
    ) -> Result<(), Error> {
        self.place = place;
        let (core, mut failure, mut live) = (self.core, None, 0_u32);
        let end = walk(chunk, core.space.seed, chunk.end(), |item| {
            match item {
                Item::Record(at, seen) => {
                    if self.is_torn(chunk, at, &seen) {
                        return true;
                    }
                    live = live.wrapping_add(weight(&seen));
                    failure = self.take(chunk, at, &seen).err();
                }
                Item::Free(at, extent) if extent > 0 && core.syncer.level == Level::None => {
                    let offset = chunk.offset() + at as u64;
                    let mut inner = core.shards[at / 8 % SHARDS].inner.lock();
                    inner.rooms.push(Room { offset, extent, base: Room::base_bits(chunk.base()) });
                }
                Item::Free(..) => {}
                Item::Gap(from, to) => self.take_gap(chunk, from, to),
            }
            failure.is_none()
        });
        if chunk.usage() == Use::Full {
            chunk.set_used(end);
        }
        // Those that do not count are taken off again.
        chunk.live.fetch_add(live, SeqCst);
        core.shards[0].live.fetch_add(u64::from(live), Relaxed);
        failure.map_or(Ok(()), Err)
    }

    /// Whether a record was never written whole, and need not have been.
    fn is_torn(&self, chunk: &Chunk, at: usize, seen: &Seen<'_>) -> bool {
        if seen.state == State::Intact {
            return false;
        }
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
        if batch.len() < BATCH { Ok(()) } else { self.core.enter(shard, batch, self.place) }
    }

    /// Enters what has not been entered yet.
    pub fn end(mut self) -> Result<(), Error> {
        for (shard, batch) in self.batches.iter_mut().enumerate() {
            self.core.enter(shard, batch, None)?;
        }
        self.findings.records.fetch_add(self.records, Relaxed);
        self.findings.last.fetch_max(self.last, Relaxed);
        Ok(())
    }
}

impl Core {
    fn enter(
        &self,
        shard: usize,
        batch: &mut Vec<Taken>,
        place: Option<(usize, usize)>,
    ) -> Result<(), Error> {
        let mut inner = self.shards[shard].inner.lock();
        let now = self.index.len(shard) as usize + batch.len();
        // If there are as many in the chunks that are to come.
        let expected = place.map_or(now, |(at, of)| now * of / (at + 1));
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
            chunk.live.fetch_add(weight, SeqCst);
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
        if let Some((chunk, _)) = self.place(entry.offset()).filter(|_| !is_put) {
            chunk.deletes.fetch_add(1, SeqCst);
        }
        Ok(u64::from(is_put).wrapping_sub(before))
    }

    /// The record of the same key that the index has.
    #[inline]
    fn rival(&self, shard: usize, entry: Entry) -> Option<(Entry, &Arc<Chunk>, Seen<'_>)> {
        let (mut rival, mut own) = (None, None);
        self.index.find(Hash::from_parts(shard, entry), |other, _| {
            let known = |seen: &(&Arc<Chunk>, Seen<'_>)| seen.1.state != State::BadHead;
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
        chunk.live.fetch_sub(weight, SeqCst);
        self.shards[shard].live.fetch_sub(u64::from(weight), Relaxed);
        match self.syncer.level {
            Level::None => chunk.mark_gone(&self.space, at, &seen),
            _ => drop(chunk.stale.fetch_add(1, SeqCst)),
        }
    }
}

//! `verify`: every entry of the index, every record of the file, both ways.

use crate::{
    chunk::{CHUNK, Chunk},
    database::Core,
    engine::TchdbLike,
    index::{Entry, Hash, SHARDS},
    lookup::Current,
    record::{Seen, State},
    walk::{Item, walk},
};
use kumo_plugin::Error;
use std::collections::HashSet;

/// How many entries are checked under one lock.
const BATCH: usize = 64;

/// Reads everything, and reports what is damaged, and what was damaged and
/// skipped when the file was opened. Like any other reader, it counts and logs
/// the damage too.
pub(crate) fn verify(storage: &TchdbLike, report: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let core = &*storage.core;
    core.load_all()?;
    for region in &core.skipped {
        report(&format!("{}: {region}", core.space.path.display()));
    }
    let mut told = HashSet::new();
    // To read a chunk takes about as long as to look up the entries of one.
    let chunks = u64::from(core.space.end());
    for shard in 0..SHARDS {
        kumo_plugin::progress(chunks * shard as u64 / SHARDS as u64, 2 * chunks);
        core.verify_entries(shard, &mut told, report);
    }
    core.verify_chunks(&told, report);
    if let Err(fault) = core.space.check() {
        report(fault.text());
    }
    Ok(())
}

impl Core {
    /// Whether each entry leads to a record of a key that leads to the entry.
    fn verify_entries(&self, shard: usize, told: &mut HashSet<u64>, report: &mut dyn FnMut(&str)) {
        let entries = {
            let _locked = self.shards[shard].inner.lock();
            self.index.entries(shard)
        };
        for batch in entries.chunks(BATCH) {
            // So no record goes meanwhile; readers go on, and so do the writers of
            // the other shards.
            let _locked = self.shards[shard].inner.lock();
            for entry in batch.iter().map(|word| Entry(*word)) {
                let hash = Hash::from_parts(shard, entry);
                if !self.index.has(hash, entry) {
                    continue;
                }
                let offset = entry.offset();
                let is_good = self.see(offset).is_some_and(|(_, seen)| {
                    let own = self.hash(seen.key);
                    seen.state == State::Intact
                        && own.shard() == shard
                        && own.entry(offset) == entry
                });
                if !is_good && told.insert(offset) {
                    report(self.damage(offset).text());
                }
            }
        }
    }

    /// Whether each record that does not say that it has gone is in the index.
    fn verify_chunks(&self, told: &HashSet<u64>, report: &mut dyn FnMut(&str)) {
        let path = self.space.path.display();
        let numbers: Vec<u32> = self.space.with_records().map(|chunk| chunk.number).collect();
        for number in numbers {
            let end = u64::from(self.space.end());
            kumo_plugin::progress(end + u64::from(number), 2 * end);
            let Some(chunk) = self.space.chunk(number) else { continue };
            let Some(_pin) = self.pin_used(chunk, None) else { continue };
            walk(chunk, self.space.seed, chunk.used(), |item| {
                let offset = |at: usize| u64::from(number) * CHUNK as u64 + at as u64;
                match item {
                    Item::Record(at, seen) => {
                        let is_lost = seen.kind.is_put()
                            && !told.contains(&offset(at))
                            && self.is_lost(chunk, at, &seen);
                        if is_lost {
                            report(&format!(
                                "{path}: the record at offset {} is not in the index",
                                offset(at)
                            ));
                        }
                    }
                    Item::Gap(from, to)
                        if !self.is_skipped(offset(from))
                            && !told.iter().any(|at| (offset(from)..offset(to)).contains(at)) =>
                    {
                        report(&format!(
                            "{path}: {} bytes at offset {} cannot be read",
                            to - from,
                            offset(from)
                        ));
                    }
                    _ => {}
                }
                true
            });
        }
    }

    /// Whether a put should be in the index and is not: it does not say that it
    /// has gone, and no newer record hides it.
    fn is_lost(&self, chunk: &Chunk, at: usize, seen: &Seen<'_>) -> bool {
        let hash = self.hash(seen.key);
        let _locked = self.shards[hash.shard()].inner.lock();
        if self.index.has(hash, hash.entry(chunk.offset() + at as u64)) || chunk.is_free(at) {
            return false;
        }
        match self.current_head(hash, seen.key) {
            Current::Record(_, other, newer) => {
                let sequence =
                    |chunk: &Chunk, seen: &Seen<'_>| chunk.base() + u64::from(seen.delta);
                sequence(other, &newer) < sequence(chunk, seen)
            }
            // What cannot be read may be what hides it.
            Current::Unreadable(_) => false,
            Current::None => true,
        }
    }
}

//! `verify`: every entry of the index, every record of the file, both ways.

use crate::{
    ahead::Ahead,
    chunk::{CHUNK, Chunk},
    database::Core,
    engine::TchdbLike,
    index::{Entry, Hash, SHARDS},
    lookup::Current,
    record::{Seen, State},
    walk::{Item, walk},
};
use kumo_plugin::Error;
use std::{collections::HashSet, ops::Range};

/// About how many entries are checked in the order of their records: each takes
/// 16 bytes of memory meanwhile, and for each part the index is gone through.
const AT_ONCE: u64 = 1 << 20;

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
    let entries: u64 = (0..SHARDS).map(|shard| u64::from(core.index.len(shard))).sum();
    let parts = entries / AT_ONCE + 1;
    let chunks = u64::from(core.space.end());
    for part in 0..parts {
        // To read a chunk takes about as long as to look up the entries of one.
        kumo_plugin::progress(chunks * part / parts, 2 * chunks);
        let number = |part: u64| (chunks * part / parts) as u32;
        // What is added behind the end meanwhile is new.
        let to = if part + 1 == parts { u32::MAX } else { number(part + 1) };
        core.verify_entries(number(part)..to, &mut told, report);
    }
    core.verify_chunks(&told, report);
    if let Err(fault) = core.space.check() {
        report(fault.text());
    }
    Ok(())
}

impl Core {
    /// Whether each entry for one of these chunks leads to a record of a key that
    /// leads to the entry. In the file's order, so that it can be read ahead.
    fn verify_entries(
        &self,
        chunks: Range<u32>,
        told: &mut HashSet<u64>,
        report: &mut dyn FnMut(&str),
    ) {
        let chunk_of = |entry: u64| (Entry(entry).offset() / CHUNK as u64) as u32;
        let mut entries: Vec<(u64, u8)> = Vec::new();
        for shard in 0..SHARDS {
            let _locked = self.shards[shard].inner.lock();
            let all = self.index.entries(shard).into_iter();
            let wanted = all.filter(|entry| chunks.contains(&chunk_of(*entry)));
            entries.extend(wanted.map(|entry| (entry, shard as u8)));
        }
        // The place is in the upper bits.
        entries.sort_unstable();
        let by_chunk = || entries.chunk_by(|(one, _), (two, _)| chunk_of(*one) == chunk_of(*two));
        let numbers: Vec<u32> = by_chunk().map(|entries| chunk_of(entries[0].0)).collect();
        let mut ahead = Ahead::new(&self.space);
        for (at, entries) in by_chunk().enumerate() {
            ahead.step(&numbers, at);
            for &(entry, shard) in entries {
                let offset = Entry(entry).offset();
                if !self.is_good(usize::from(shard), Entry(entry)) && told.insert(offset) {
                    report(self.damage(offset).text());
                }
            }
        }
    }

    /// Whether an entry leads to an intact record, or is there no more.
    fn is_good(&self, shard: usize, entry: Entry) -> bool {
        let hash = Hash::from_parts(shard, entry);
        // So the record does not go meanwhile; readers go on, and so do the writers
        // of the other shards.
        let _locked = self.shards[shard].inner.lock();
        let is_good = || {
            self.see(entry.offset()).is_some_and(|(_, seen)| {
                let own = self.hash(seen.key);
                seen.state == State::Intact
                    && own.shard() == shard
                    && own.entry(entry.offset()) == entry
            })
        };
        !self.index.has(hash, entry) || is_good()
    }

    /// Whether each record that does not say that it has gone is in the index.
    fn verify_chunks(&self, told: &HashSet<u64>, report: &mut dyn FnMut(&str)) {
        let path = self.space.path.display();
        let numbers: Vec<u32> = self.space.with_records().map(|chunk| chunk.number).collect();
        for chunk in Ahead::through(&self.space, &numbers) {
            let end = u64::from(self.space.end());
            kumo_plugin::progress(end + u64::from(chunk.number), 2 * end);
            let Some(_pin) = self.pin_used(chunk, None) else { continue };
            walk(chunk, self.space.seed, chunk.used(), |item| {
                let offset = |at: usize| chunk.offset() + at as u64;
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

//! Where each key's record is: one hash table for each shard, read without
//! locks.
//!
//! An entry is a word: the record's offset in units of 4 bytes (36 bits), and 28
//! bits of its key's hash, the tag. A line of eight entries fills a cache line. A
//! tag's home is the line at `tag * lines / 2^28`; what finds its home full goes
//! to the next line that is not. So the order of homes is that of the tags, and a
//! table grows in place, without a look at any record.
//!
//! For every line with an empty slot, no entry whose home is that line or an
//! earlier one stands behind it. Who looks for an entry may stop there.
//!
//! Writers hold the shard's lock. They change slots by single stores, so a reader
//! sees each entry or its successor. Only where entries move from slot to slot
//! could a reader miss one: the version is odd meanwhile, and different
//! afterwards. A miss counts only if the version was even, and has stayed.

use crate::{
    raw::words::Words,
    record::ALIGN,
    sync::{
        self,
        atomic::{
            AtomicU32,
            Ordering::{Acquire, Relaxed, Release, SeqCst},
            fence,
        },
        mapped::Word,
    },
};
use std::io;

/// The number of tables. With so many, the longest pause of a writer, when its
/// table grows, is that of a 256th of all records.
pub(crate) const SHARDS: usize = if sync::IS_MODEL { 4 } else { 256 };
const SHARD_BITS: u32 = SHARDS.trailing_zeros();
pub(crate) const TAG_BITS: u32 = 28;
pub(crate) const TAG_MASK: u64 = (1 << TAG_BITS) - 1;
const SLOTS: usize = if sync::IS_LOOM { 2 } else { 8 };
/// The lines behind the last home, for what does not find room there.
const SPILL: usize = if sync::IS_LOOM { 2 } else { 8 };
/// The lines of a page of memory: a table takes whole ones.
const PAGE: usize = if sync::IS_LOOM { SPILL + 1 } else { 4096 / 8 / SLOTS };

/// What the tables' places are apart from a power of two, in words: some pages.
/// Without it the pages of all tables would share a few sets of the processor's
/// table of pages, and nearly every look would miss it.
const SKEW: usize = if sync::IS_LOOM { 0 } else { 37 * PAGE * SLOTS };

/// The hash of a key, which says its shard and its tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hash(u64);

impl Hash {
    #[inline]
    pub fn of(key: &[u8], seed: u64, mask: u64) -> Self {
        Self(xxhash_rust::xxh3::xxh3_64_with_seed(key, seed) & mask)
    }

    #[inline]
    pub fn shard(self) -> usize {
        (self.0 >> (u64::BITS - SHARD_BITS)) as usize
    }

    #[inline]
    pub fn tag(self) -> u64 {
        self.0 >> 8 & TAG_MASK
    }

    /// All its bits.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The bits of a hash that matter, from where they are kept.
    pub fn from_parts(shard: usize, entry: Entry) -> Self {
        Self((shard as u64) << (u64::BITS - SHARD_BITS) | entry.tag() << 8)
    }

    /// The entry of a record with this hash.
    #[inline]
    pub fn entry(self, offset: u64) -> Entry {
        Entry((offset / ALIGN as u64) << TAG_BITS | self.tag())
    }
}

/// What the index says of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry(pub u64);

impl Entry {
    /// Where the record is in the file.
    #[inline]
    pub fn offset(self) -> u64 {
        (self.0 >> TAG_BITS) * ALIGN as u64
    }

    fn tag(self) -> u64 {
        self.0 & TAG_MASK
    }
}

/// All the tables.
pub(crate) struct Index {
    words: Words<Word>,
    /// The words of each table's address space.
    stride: usize,
    tables: Box<[Table]>,
}

/// Two cache lines: a table is read by all, and its neighbour written.
#[repr(align(128))]
struct Table {
    version: AtomicU32,
    /// The lines that are homes.
    lines: AtomicU32,
    entries: AtomicU32,
}

impl Index {
    pub fn new() -> io::Result<Self> {
        // Less where address space is limited; down to half a million entries
        // in each table.
        let mut room = if sync::IS_LOOM { 16 } else { (128 << 20) / 8 };
        loop {
            match Self::with_room(room) {
                Ok(index) => break Ok(index),
                Err(error) if room <= 1 << 19 => return Err(error),
                Err(_) => room /= 2,
            }
        }
    }

    /// With address space for so many words for each table.
    fn with_room(room: usize) -> io::Result<Self> {
        let stride = room + SKEW;
        let words = Words::reserve(stride * SHARDS)?;
        let table = || Table {
            version: AtomicU32::new(0),
            lines: AtomicU32::new((PAGE - SPILL) as u32),
            entries: AtomicU32::new(0),
        };
        Ok(Self { words, stride, tables: (0..SHARDS).map(|_| table()).collect() })
    }

    #[inline]
    fn slots(&self, shard: usize) -> &[Word] {
        &self.words.all()[shard * self.stride..][..self.stride]
    }

    #[inline]
    fn home(tag: u64, lines: u32) -> usize {
        ((tag * u64::from(lines)) >> TAG_BITS) as usize
    }

    /// The version, if no entries are being moved.
    #[inline]
    pub fn version(&self, shard: usize) -> Option<u32> {
        let version = self.tables[shard].version.load(Acquire);
        version.is_multiple_of(2).then_some(version)
    }

    /// Whether no entry has been moved since.
    #[inline]
    pub fn is_still(&self, shard: usize, version: u32) -> bool {
        fence(Acquire);
        self.tables[shard].version.load(Relaxed) == version
    }

    /// Whether a table has not been filled yet. Under the shard's lock; without
    /// it, `version` has none of such a table.
    #[inline]
    pub fn is_absent(&self, shard: usize) -> bool {
        !self.tables[shard].version.load(Relaxed).is_multiple_of(2)
    }

    /// Says of a table that it is not to be read without the lock: it is to be
    /// filled first, or more than one entry changes at once. Under the shard's lock.
    pub fn set_absent(&self, shard: usize) {
        self.tables[shard].version.fetch_or(1, Relaxed);
        // As where entries are moved: whoever sees a change sees this first.
        fence(SeqCst);
    }

    /// Says that it may be read again. Under the shard's lock.
    pub fn set_present(&self, shard: usize) {
        let version = &self.tables[shard].version;
        version.store((version.load(Relaxed) | 1).wrapping_add(1), Release);
    }

    /// Asks for the line of a hash to be brought near.
    #[inline]
    pub fn prefetch(&self, hash: Hash) {
        let shard = hash.shard();
        let line = Self::home(hash.tag(), self.tables[shard].lines.load(Relaxed));
        self.words.prefetch(shard * self.stride + line * SLOTS);
    }

    /// The first entry that has the hash's tag.
    #[inline]
    pub fn first(&self, hash: Hash) -> Option<Entry> {
        let mut first = None;
        self.find(hash, |entry, _| {
            first = Some(entry);
            true
        });
        first
    }

    /// Shows the entries that have the hash's tag until `visit` says true, with
    /// their slots. False: it never did.
    #[inline]
    pub fn find(&self, hash: Hash, mut visit: impl FnMut(Entry, &Word) -> bool) -> bool {
        let (shard, tag) = (hash.shard(), hash.tag());
        let lines = self.tables[shard].lines.load(Acquire);
        let slots = self.slots(shard);
        let from = Self::home(tag, lines);
        for line in from..lines as usize + SPILL {
            let Some(line) = slots[line * SLOTS..].first_chunk::<SLOTS>() else { break };
            // All eight at once: the processor compares without a branch each.
            let (mut equal, mut empty) = (0_u32, false);
            for (at, slot) in line.iter().enumerate() {
                let word = slot.load(Acquire);
                equal |= u32::from((word ^ tag) & TAG_MASK == 0) << at;
                empty |= word == 0;
            }
            while equal != 0 {
                let slot = &line[equal.trailing_zeros() as usize];
                equal &= equal - 1;
                let word = slot.load(Acquire);
                // An empty slot has a tag too.
                if word & TAG_MASK == tag && word != 0 && visit(Entry(word), slot) {
                    return true;
                }
            }
            if empty {
                return false;
            }
        }
        false
    }

    /// Whether this very entry is there. Under the shard's lock.
    pub fn has(&self, hash: Hash, entry: Entry) -> bool {
        self.find(hash, |found, _| found == entry)
    }

    /// How many entries there are in a table.
    pub fn len(&self, shard: usize) -> u32 {
        self.tables[shard].entries.load(Relaxed)
    }

    /// The bytes of memory for lines. What has never been touched takes none.
    pub fn bytes(&self) -> u64 {
        let lines = |table: &Table| u64::from(table.lines.load(Relaxed)) + SPILL as u64;
        let used = |table: &&Table| table.entries.load(Relaxed) > 0;
        self.tables.iter().filter(used).map(lines).sum::<u64>() * (SLOTS * 8) as u64
    }
}

mod change;
#[cfg(test)]
mod tests;

//! A chunk: what is known of it in memory, and its header in the file.

use crate::{
    pins::{Pin, Pins},
    raw::memory::Memory,
    record::{self, Kind, Salt, Seen},
    space::Space,
    sync::{
        Arc,
        atomic::{
            AtomicU8, AtomicU32, AtomicU64,
            Ordering::{Acquire, Release, SeqCst},
        },
    },
};
use count::Count;

pub(crate) mod count;
pub(crate) mod touch;

/// The bytes of a chunk.
pub(crate) const CHUNK: usize = 256 << 10;
/// The bytes of a segment, which is mapped at once.
pub(crate) const SEGMENT: u64 = 1 << 30;
/// The chunks of a segment.
pub(crate) const PER_SEGMENT: u32 = (SEGMENT / CHUNK as u64) as u32;
/// The most segments: an index entry has room for so much.
pub(crate) const SEGMENTS: usize = 256;
/// A chunk's header, twice: one damaged byte must not cost the chunk.
pub(crate) const HEADER: usize = 64;
/// Where a chunk's first record is.
pub(crate) const FIRST: usize = 2 * HEADER;
/// The largest record that shares a chunk; a larger one would leave too much of
/// the chunk's end empty.
pub(crate) const MAX_SHARED: usize = 64 << 10;

/// What a chunk is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Use {
    /// For nothing.
    Free = 0,
    /// Records are appended.
    Tail = 1,
    /// Records, and what is free between them.
    Full = 2,
    /// As `Full`, and being emptied: nothing is written to it any more.
    Leaving = 3,
    /// The first of the chunks of a large record.
    Run = 4,
    /// Another chunk of a large record, or of a dump of the index.
    Part = 5,
    /// As `Full`, with a damaged record that must stay where it is.
    Stuck = 6,
}

/// What the header of a chunk in use says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Whether it begins a large record.
    pub is_run: bool,
    /// The chunks of the run, or 1.
    pub chunks: u32,
    /// What sequence numbers in it are counted from. No two uses of a chunk have
    /// the same.
    pub base: u64,
}

const SHARED_KIND: u64 = 1;
const RUN_KIND: u64 = 2;

impl Header {
    /// Its words in the file.
    pub fn words(self, seed: u64, number: u32) -> [u64; 8] {
        let kind = if self.is_run { RUN_KIND } else { SHARED_KIND };
        let mut words = [seed >> 32 | kind << 32, self.base, u64::from(self.chunks), 0, 0, 0, 0, 0];
        words[7] = check(&words, seed, number);
        words
    }

    fn read(memory: &Memory, at: usize, seed: u64, number: u32) -> Option<Self> {
        Self::parse(std::array::from_fn(|i| memory.load(at + i * 8)), seed, number)
    }

    /// What the words of a header say; None where they are not one.
    pub fn parse(mut words: [u64; 8], seed: u64, number: u32) -> Option<Self> {
        // It has a check of its own.
        words[touch::PLACE / 8] = 0;
        let header =
            Self { is_run: words[0] >> 32 == RUN_KIND, chunks: words[2] as u32, base: words[1] };
        (header.words(seed, number) == words && header.chunks > 0).then_some(header)
    }
}

fn check(words: &[u64; 8], seed: u64, number: u32) -> u64 {
    let mut crc = crc32fast::Hasher::new_with_initial(seed as u32);
    crc.update(&number.to_le_bytes());
    words[..7].iter().for_each(|word| crc.update(&word.to_le_bytes()));
    u64::from(crc.finalize())
}

/// A chunk.
#[repr(C)] // what readers need comes first
pub(crate) struct Chunk {
    pub memory: Memory,
    /// Of all chunks of the segment.
    pins: Arc<Pins>,
    base: AtomicU64,
    pub number: u32,
    /// The chunks of a run.
    chunks: AtomicU32,
    usage: AtomicU8,
    /// Where the next record would be appended.
    used: AtomicU32,
    /// The checkpoint after which it was last changed; see `touch`.
    touched: AtomicU32,
    touch_stamp: AtomicU32,
    /// What it is needed for.
    pub count: Count,
    /// The records that have gone, and do not say so in the file: see `release`.
    pub stale: AtomicU32,
    /// The deletes that the index has.
    pub deletes: AtomicU32,
    /// The syncs that had begun when the last record went.
    stamp: AtomicU64,
    /// The newest scan that is to see a record that has gone.
    scan: AtomicU64,
}

impl Chunk {
    pub fn new(number: u32, memory: Memory, pins: Arc<Pins>) -> Self {
        Self {
            number,
            memory,
            pins,
            usage: AtomicU8::new(Use::Free as u8),
            base: AtomicU64::new(0),
            used: AtomicU32::new(0),
            count: Count::default(),
            stale: AtomicU32::new(0),
            deletes: AtomicU32::new(0),
            stamp: AtomicU64::new(0),
            scan: AtomicU64::new(0),
            chunks: AtomicU32::new(1),
            touched: AtomicU32::new(0),
            touch_stamp: AtomicU32::new(0),
        }
    }

    /// Keeps the chunk from being given out, and every extent of it.
    #[inline]
    pub fn pin(&self) -> Pin<'_> {
        self.pins.pin(self.number)
    }

    /// Whether anyone has it pinned. To be asked behind a `SeqCst` fence.
    pub fn is_pinned(&self) -> bool {
        self.pins.has(self.number)
    }

    pub fn usage(&self) -> Use {
        match self.usage.load(SeqCst) {
            1 => Use::Tail,
            2 => Use::Full,
            3 => Use::Leaving,
            4 => Use::Run,
            5 => Use::Part,
            6 => Use::Stuck,
            _ => Use::Free,
        }
    }

    pub fn set_usage(&self, usage: Use) {
        self.usage.store(usage as u8, SeqCst);
    }

    /// Changes the use, if it is what the caller thinks.
    pub fn turn(&self, from: Use, to: Use) -> bool {
        self.usage.compare_exchange(from as u8, to as u8, SeqCst, SeqCst).is_ok()
    }

    /// Whether records are in it, of its own.
    pub fn has_records(&self) -> bool {
        !matches!(self.usage(), Use::Free | Use::Part)
    }

    /// A record went when so many syncs had begun; the scan is to see it.
    pub fn note_gone(&self, stamp: u64, scan: u64) {
        if self.stamp.load(SeqCst) < stamp {
            self.stamp.fetch_max(stamp, SeqCst);
        }
        if scan > 0 {
            self.scan.fetch_max(scan, SeqCst);
        }
    }

    /// A stale record says in the file that it is free.
    pub fn note_marked(&self) {
        // Of a damaged chunk the count may be too low.
        let _ = self.stale.fetch_update(SeqCst, SeqCst, |stale| stale.checked_sub(1));
    }

    /// The syncs that had begun when the last record went, and the newest scan
    /// that is to see one.
    pub fn last_gone(&self) -> (u64, u64) {
        (self.stamp.load(SeqCst), self.scan.load(SeqCst))
    }

    #[inline]
    pub fn base(&self) -> u64 {
        self.base.load(Acquire)
    }

    #[inline]
    pub fn salt(&self, seed: u64) -> Salt {
        Salt::new(seed, self.number, self.base())
    }

    pub fn used(&self) -> usize {
        self.used.load(Acquire) as usize
    }

    pub fn set_used(&self, used: usize) {
        self.used.store(used as u32, Release);
    }

    /// The chunks of the run that begins here, or 1.
    pub fn chunks(&self) -> u32 {
        self.chunks.load(Acquire)
    }

    /// Where what belongs to it ends, from its beginning.
    #[inline]
    pub fn end(&self) -> usize {
        self.chunks() as usize * CHUNK
    }

    /// Where it begins in the file.
    pub fn offset(&self) -> u64 {
        u64::from(self.number) * CHUNK as u64
    }

    /// What the file says of the chunk; None where it is free or damaged.
    pub fn read_header(&self, seed: u64) -> Option<Header> {
        let both = [0, HEADER].map(|at| Header::read(&self.memory, at, seed, self.number));
        both.into_iter().flatten().max_by_key(|header| header.base)
    }

    /// Whether there seems to be a header, though perhaps a damaged one.
    pub fn has_mark(&self, seed: u64) -> bool {
        [0, HEADER].iter().any(|&at| self.memory.load(at) as u32 == (seed >> 32) as u32)
    }

    /// Begins a new use of the chunk: its record area ends where it begins. It
    /// counts as pending once, so that nobody takes it for empty before its
    /// first record is there.
    pub fn begin(&self, space: &Space, header: Header) {
        self.count.begin();
        self.stale.store(0, SeqCst);
        self.deletes.store(0, SeqCst);
        self.stamp.store(0, SeqCst);
        self.scan.store(0, SeqCst);
        self.base.store(header.base, Release);
        self.chunks.store(header.chunks, Release);
        self.set_used(FIRST);
        self.memory.store_half(FIRST, 0);
        let words = header.words(space.seed, self.number);
        for at in [0, HEADER] {
            for (i, word) in words.iter().enumerate().skip(1) {
                self.memory.store(at + i * 8, *word);
            }
        }
        self.touch_safely(space);
        // The first word makes it valid.
        for at in [0, HEADER] {
            self.memory.store(at, words[0]);
        }
        self.set_usage(if header.is_run { Use::Run } else { Use::Tail });
    }

    /// Takes over what a header says, when the file is opened.
    pub fn adopt(&self, header: Header) {
        self.base.store(header.base, Release);
        self.chunks.store(header.chunks, Release);
        self.set_usage(if header.is_run { Use::Run } else { Use::Full });
    }

    /// Says in the file that the chunk is free.
    pub fn end_use(&self) {
        for at in [HEADER, 0] {
            self.memory.store(at, 0);
        }
        self.set_usage(Use::Free);
        self.chunks.store(1, Release);
    }

    /// Makes the extent at `at` a free one.
    pub fn free(&self, space: &Space, at: usize, extent: usize) {
        self.touch(space);
        self.memory.store_half(at, record::free_word(self.salt(space.seed), at, extent));
    }

    /// Whether the extent at `at` says that it is free.
    pub fn is_free(&self, at: usize) -> bool {
        Kind::of(self.memory.load_half(at)) == Some(Kind::Free)
    }

    /// Whether the record at `at` is a delete.
    pub fn has_delete(&self, at: usize) -> bool {
        self.deletes.load(SeqCst) > 0
            && Kind::of(self.memory.load_half(at)).is_some_and(Kind::is_delete)
    }

    /// Says in the file that the record at `at` has gone.
    pub fn mark_gone(&self, space: &Space, at: usize, seen: &Seen<'_>) {
        self.touch(space);
        self.memory.store_half(at, record::free_word(self.salt(space.seed), at, seen.extent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem;

    #[test]
    fn what_readers_need_is_in_one_cache_line() {
        assert!(mem::offset_of!(Chunk, used) <= 48, "with what `OnceLock` adds");
        assert!(size_of::<Chunk>() <= 120);
    }
}

//! A chunk's bytes in the mapping of its segment.

use crate::{
    chunk::SEGMENT,
    sync::mapped::{loads, step, stores},
};
use kumo_plugin::mapping::{Faults, Guarded};
use memmap2::{Advice, MmapMut, MmapOptions, MmapRaw};
use std::{
    fs::File,
    io, ptr, slice,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
};

/// One gibibyte of the file, mapped, though the file may end within it: what
/// lies behind the end must not be touched. What cannot be read, since the disk
/// fails or somebody has cut the file short, reads as zeros, which no check fits,
/// where the host can see to it.
pub(crate) struct Segment {
    // Before the mapping: the host forgets it first.
    _guarded: Option<Guarded>,
    map: MmapRaw,
}

impl Segment {
    /// Maps the segment with this number.
    pub fn map(file: &File, number: usize, faults: &Faults) -> io::Result<Self> {
        let map = MmapOptions::new()
            .offset(number as u64 * SEGMENT)
            .len(SEGMENT as usize)
            .map_raw(file)?;
        // A miss of the page cache is to read one page, not a neighbourhood of
        // which nothing is wanted. No loss if the system does not know it.
        let _ = map.advise(Advice::Random);
        // SAFETY: mapped until this is dropped; a page of zeros is to the engine a
        // damaged one, and who writes looks at the faults.
        let guarded = unsafe { Guarded::new(map.as_mut_ptr(), map.len(), faults) };
        Ok(Self { _guarded: guarded, map })
    }

    /// Has the system do for so many bytes all that a first store to each of their
    /// pages would do; where that would be a signal, it is an error.
    pub fn make_writable(&self, from: usize, len: usize) -> io::Result<()> {
        self.map.advise_range(Advice::PopulateWrite, from, len)
    }

    /// The memory from an offset in the segment to its end.
    pub fn memory(&self, from: usize) -> Memory {
        assert!(from < self.map.len());
        // SAFETY: within the mapping.
        Memory { start: unsafe { self.map.as_mut_ptr().add(from) }, room: self.map.len() - from }
    }
}

/// The memory of a chunk, or of the run of chunks that begins there. Valid while
/// its segment is mapped, for as long as the database is open, or while its buffer
/// is there.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    start: *mut u8,
    /// How many bytes there are up to the end of the segment.
    room: usize,
}

/// Memory into which a part of a file has been read: for who must not map it.
pub(crate) struct Buffer(MmapMut);

impl Buffer {
    /// So many bytes, a multiple of 8, which `fill` is given; zeros at first.
    pub fn filled<E: From<io::Error>>(
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        assert!(len.is_multiple_of(8));
        let mut map = MmapOptions::new().len(len).map_anon()?;
        fill(&mut map)?;
        Ok(Self(map))
    }

    /// The memory, valid while this is there.
    pub fn memory(&self) -> Memory {
        // As atomics may be: nobody writes to it.
        Memory { start: self.0.as_ptr().cast_mut(), room: self.0.len() }
    }
}

// SAFETY: the mapping is of no one thread; the module's rules say who may
// access what.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// The word at a multiple of 8, as an atomic.
    #[inline]
    pub fn word(&self, at: usize) -> &AtomicU64 {
        assert!(at.is_multiple_of(8) && at < self.room);
        // SAFETY: aligned and within the mapping, since `room` is a multiple of
        // 8; such words are accessed as atomics only, by the module's rules.
        unsafe { AtomicU64::from_ptr(self.start.add(at).cast()) }
    }

    /// The half of a word at a multiple of 4. No word of 8 bytes is accessed as
    /// halves.
    #[inline]
    fn half(&self, at: usize) -> &AtomicU32 {
        assert!(at.is_multiple_of(4) && at < self.room);
        // SAFETY: as above.
        unsafe { AtomicU32::from_ptr(self.start.add(at).cast()) }
    }

    /// The bytes there. By the module's rules no one writes them while the
    /// result is used: see who calls.
    #[inline]
    pub fn bytes(&self, at: usize, len: usize) -> &[u8] {
        step();
        assert!(at <= self.room && len <= self.room - at);
        // SAFETY: within the mapping, and not written meanwhile by the module's
        // rules.
        unsafe { slice::from_raw_parts(self.start.add(at), len) }
    }

    /// Writes bytes into an extent that has been given to the caller.
    #[inline]
    pub fn write(&self, at: usize, bytes: &[u8]) {
        step();
        assert!(at <= self.room && bytes.len() <= self.room - at);
        // SAFETY: within the mapping; the extent is the caller's, so nobody else
        // accesses it, and `bytes` is not of it.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.add(at), bytes.len()) }
    }

    /// Asks for the bytes there to be brought near.
    #[inline]
    pub fn prefetch(&self, at: usize) {
        if at < self.room {
            super::prefetch(self.start.wrapping_add(at));
        }
    }

    /// As `prefetch`, of a line that will be written to.
    #[inline]
    pub fn prefetch_to_write(&self, at: usize) {
        if at < self.room {
            super::prefetch_to_write(self.start.wrapping_add(at));
        }
    }

    /// A word that nothing changes any more, or not yet.
    #[inline]
    pub fn load(&self, at: usize) -> u64 {
        loads(at);
        u64::from_le(self.word(at).load(Ordering::Acquire))
    }

    /// As `load`, of 4 bytes.
    #[inline]
    pub fn load_half(&self, at: usize) -> u32 {
        loads(at);
        u32::from_le(self.half(at).load(Ordering::Acquire))
    }

    /// As `store`, of 4 bytes.
    #[inline]
    pub fn store_half(&self, at: usize, word: u32) {
        stores(at);
        self.half(at).store(word.to_le(), Ordering::Release);
    }

    /// Stores a word: what was written before is seen by who sees it.
    #[inline]
    pub fn store(&self, at: usize, word: u64) {
        stores(at);
        self.word(at).store(word.to_le(), Ordering::Release);
    }
}

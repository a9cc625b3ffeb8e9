//! Address space for the index: zeros that take memory where they are touched.

use memmap2::{Advice, MmapMut, MmapOptions};
use std::{io, slice, sync::atomic::AtomicU64};

/// A large array of atomic words, all zero at first.
pub(crate) struct Words {
    map: MmapMut,
    len: usize,
}

impl Words {
    /// Reserves address space for so many words.
    pub fn reserve(len: usize) -> io::Result<Self> {
        let map = MmapOptions::new().len(len * 8).no_reserve_swap().map_anon()?;
        // A shard's first entry is to take a small page, not a large one.
        let _ = map.advise(Advice::NoHugePage);
        Ok(Self { map, len })
    }

    /// Asks for a word to be brought near.
    #[inline]
    pub fn prefetch(&self, at: usize) {
        if let Some(word) = self.all().get(at) {
            super::prefetch(std::ptr::from_ref(word).cast());
        }
    }

    /// All of them.
    #[inline]
    pub fn all(&self) -> &[AtomicU64] {
        // SAFETY: the mapping has so many words, aligned to a page, zero at
        // first, and nothing accesses it but through this.
        unsafe { slice::from_raw_parts(self.map.as_ptr().cast(), self.len) }
    }
}

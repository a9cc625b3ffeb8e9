//! Zeros that take memory where they are touched.

#[cfg(not(all(test, kumo_shuttle)))]
use crate::sync::Count;
use crate::sync::mapped::Word;
use memmap2::{Advice, MmapMut, MmapOptions};
use std::{io, marker::PhantomData, slice};

/// A large array, all zero at first.
pub(crate) struct Words<T> {
    map: MmapMut,
    len: usize,
    of: PhantomData<T>,
}

/// What may stand in such an array.
///
/// # Safety
///
/// Zeros are one; threads may share it; it needs no alignment beyond a page's.
pub(crate) unsafe trait Zero: Sync {}

// SAFETY: a number.
unsafe impl Zero for Word {}
// SAFETY: as above.
#[cfg(not(all(test, kumo_shuttle)))]
unsafe impl Zero for Count {}

impl<T: Zero> Words<T> {
    /// Reserves address space for so many.
    pub fn reserve(len: usize) -> io::Result<Self> {
        let map = MmapOptions::new().len(len * size_of::<T>()).no_reserve_swap().map_anon()?;
        // A shard's first entry is to take a small page, not a large one.
        let _ = map.advise(Advice::NoHugePage);
        Ok(Self { map, len, of: PhantomData })
    }

    /// Asks for one to be brought near.
    #[inline]
    pub fn prefetch(&self, at: usize) {
        if let Some(word) = self.all().get(at) {
            super::prefetch(std::ptr::from_ref(word).cast());
        }
    }

    /// All of them.
    #[inline]
    pub fn all(&self) -> &[T] {
        // SAFETY: the mapping has room for so many, begins at a page, is zero at
        // first, and nothing accesses it but through this.
        unsafe { slice::from_raw_parts(self.map.as_ptr().cast(), self.len) }
    }
}

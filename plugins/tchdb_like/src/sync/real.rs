//! As the engine runs.

pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
use std::cell::Cell;
pub(crate) use std::{hint, sync::atomic, thread, time::Instant};

/// Locks of the standard library, whose notice wakes all who wait at once, and not
/// one by one.
pub(crate) mod standard {
    pub(crate) use std::sync::{Condvar, Mutex, PoisonError};
}

/// The memory of mappings.
pub(crate) mod mapped {
    /// A word of the index.
    pub(crate) type Word = std::sync::atomic::AtomicU64;
    /// Counts of pins.
    pub(crate) type Counts = crate::raw::words::Words<super::super::Count>;

    /// Where another thread may come between two accesses to the bytes of a
    /// mapping.
    #[inline(always)]
    pub(crate) fn step() {}

    /// Where the word at this place is loaded, with `Acquire`.
    #[inline(always)]
    pub(crate) fn loads(_at: usize) {}

    /// Where it is stored, with `Release`.
    #[inline(always)]
    pub(crate) fn stores(_at: usize) {}
}

/// A number of this thread's own, from 0 on.
#[inline]
pub(crate) fn thread_number() -> usize {
    const NONE: usize = usize::MAX;
    static THREADS: atomic::AtomicUsize = atomic::AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(NONE) };
    }
    let mine = MINE.get();
    if mine != NONE {
        return mine;
    }
    MINE.set(THREADS.fetch_add(1, atomic::Ordering::Relaxed));
    MINE.get()
}

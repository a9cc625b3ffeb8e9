//! The mapped bytes: the only place with `unsafe`.
//!
//! A chunk's memory is shared by all threads, and the file behind it is locked
//! against other processes. What keeps its use sound:
//!
//! - Words that change while others look at them (a record's first word, a
//!   chunk's header) are read and written as atomics, and only so.
//! - All other bytes of an extent are written by the one thread to which
//!   `space` or a shard has given the extent, while its first word says that it
//!   is free, and so before anyone reads them.
//! - They are read by who has seen the first word say that a record is there,
//!   and has kept the extent from being given out again: by its shard's lock, by
//!   a pin on its chunk (see `lookup`), or because no other thread is there yet.
//!
//! A process that ignores the lock and writes to the file breaks this as it does
//! for every mapped database; what it writes fails the records' checks.
#![allow(unsafe_code)]

pub(crate) mod crc;
pub(crate) mod memory;
#[cfg(not(all(test, kumo_loom)))]
pub(crate) mod words;

#[cfg(all(test, kumo_loom))]
pub(crate) use crate::sync::mapped as words;

/// As `prefetch`, of what will be written to.
#[inline]
fn prefetch_to_write(_at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address accesses nothing.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_ET0>(_at.cast());
    }
}

/// Asks for what stands at an address to be brought near, on processors for
/// which it is known how. Nothing is accessed.
#[inline]
fn prefetch(_at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address accesses nothing.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(_at.cast());
    }
}

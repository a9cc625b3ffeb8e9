//! Counters: the engine's memory for them, and evictions.

use crate::host::memcached::abi::{cookie, stat_api};
use libc::{c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub(super) static API: stat_api = stat_api { new_stats, release_stats, evicting };

/// The size of memcached's own counters, and of what engines keep by thread.
const STATS_SIZE: usize = 8 << 10;

static EVICTIONS: AtomicU64 = AtomicU64::new(0);

/// How many items the engine says that it has evicted.
pub fn evictions() -> u64 {
    EVICTIONS.load(Relaxed)
}

/// Counts them from 0 again.
pub fn reset_evictions() {
    EVICTIONS.store(0, Relaxed);
}

extern "C-unwind" fn new_stats() -> *mut c_void {
    // SAFETY: plain memory, NULL where there is none.
    unsafe { libc::calloc(1, STATS_SIZE) }
}

unsafe extern "C-unwind" fn release_stats(stats: *mut c_void) {
    // SAFETY: the contract: NULL, or of `new_stats` and not yet released.
    unsafe { libc::free(stats) };
}

extern "C-unwind" fn evicting(_: cookie, _: *const c_void, _: c_int) {
    EVICTIONS.fetch_add(1, Relaxed);
}

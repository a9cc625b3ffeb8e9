//! Striped key locks: what makes a read and a write of one key one step.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many locks there are. Two keys share one by chance; that costs a wait
/// and nothing else.
const STRIPES: usize = 1024;

/// A lock on its own cache line, so that neighbours do not slow each other.
#[repr(align(64))]
#[derive(Default)]
struct Stripe(Mutex<()>);

/// The locks.
pub(super) struct KeyLocks(Box<[Stripe]>);

impl KeyLocks {
    pub fn new() -> Self {
        Self((0..STRIPES).map(|_| Stripe::default()).collect())
    }

    /// Waits for the lock of the keys with this hash.
    pub fn lock(&self, hash: u64) -> MutexGuard<'_, ()> {
        // A lock guards no data of its own, so a panic leaves nothing broken.
        self.0[hash as usize % STRIPES].0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

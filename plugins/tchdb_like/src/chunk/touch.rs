//! Which chunks have been changed since the last checkpoint began.
//!
//! A chunk's header has the number of the last checkpoint after whose beginning
//! the chunk was changed: stored before the change, once for each checkpoint. So
//! what a recovery finds with a lower number is as the checkpoint saw it.
//!
//! For the end of a process that will do, since it keeps all stores in their
//! order. A loss of power does not: so where it counts, records are written to
//! chunks only whose number has been synced. A new chunk is safe from its
//! beginning on, since no checkpoint knows it.

use super::{Chunk, Header};
use crate::{database::Core, space::Space};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Where the number is in the header.
pub(crate) const PLACE: usize = 24;
/// Checkpoints are counted up to here; more than any disk can take.
pub(crate) const MOST_EPOCHS: u32 = 1 << 30;
/// In memory, beside the number: whether it has been synced.
const SAFE: u32 = 1;
/// No stamp has been taken since the number was stored.
const NO_STAMP: u32 = u32::MAX;

/// The number, and its check.
pub(super) fn word(seed: u64, number: u32, base: u64, epoch: u32) -> u64 {
    let mut crc = crc32fast::Hasher::new_with_initial(seed as u32);
    crc.update(&number.to_le_bytes());
    crc.update(&base.to_le_bytes());
    crc.update(&epoch.to_le_bytes());
    u64::from(crc.finalize()) << 32 | u64::from(epoch)
}

impl Chunk {
    /// Before any change: says in the file that there is one.
    #[inline]
    pub fn touch(&self, space: &Space) {
        if !self.is_touched(space) {
            self.touch_now(space);
        }
    }

    /// Whether it has been changed since the last checkpoint began.
    #[inline]
    pub fn is_touched(&self, space: &Space) -> bool {
        self.touched.load(Acquire) >> 1 == space.epoch.load(Relaxed)
    }

    #[cold]
    fn touch_now(&self, space: &Space) {
        let epoch = space.epoch.load(Relaxed);
        self.memory.store(PLACE, word(space.seed, self.number, self.base(), epoch));
        self.touch_stamp.store(NO_STAMP, Relaxed);
        self.touched.store(epoch << 1, Release);
    }

    /// As `touch`, where a loss of power before the next sync does no harm: of a
    /// new chunk, or one that may be written to, when a checkpoint begins.
    pub fn touch_safely(&self, space: &Space) {
        self.touch_now(space);
        self.touched.fetch_or(SAFE, Release);
    }

    /// Whether records may be written to it, as far as is known.
    pub fn is_safe(&self, epoch: u32) -> bool {
        self.touched.load(Acquire) == epoch << 1 | SAFE
    }

    /// The checkpoint after which it was last changed, as the file says it.
    pub fn touched_at(&self, seed: u64, header: Header) -> Option<u32> {
        let found = self.memory.load(PLACE);
        let epoch = found as u32;
        let fits = found == word(seed, self.number, header.base, epoch) && epoch < MOST_EPOCHS;
        fits.then_some(epoch)
    }
}

impl Core {
    /// Whether records may be written to a chunk. If not, they may when the next
    /// sync has ended.
    #[inline]
    pub fn may_write(&self, chunk: &Chunk) -> bool {
        chunk.is_safe(self.space.epoch.load(Relaxed)) || self.prepare(chunk)
    }

    #[cold]
    fn prepare(&self, chunk: &Chunk) -> bool {
        chunk.touch(&self.space);
        let touched = chunk.touched.load(Acquire);
        let stamp = chunk.touch_stamp.load(Acquire);
        if stamp == NO_STAMP && !self.syncer.is_safe(self.syncer.stamp()) {
            chunk.touch_stamp.store(self.syncer.stamp() as u32, Release);
            return false;
        }
        if stamp != NO_STAMP && !self.syncer.is_safe(u64::from(stamp)) {
            return false;
        }
        // Unless another checkpoint has begun since.
        let now = touched | SAFE;
        chunk.touched.compare_exchange(touched, now, Release, Relaxed).is_ok()
    }
}

//! Who reads a chunk just now.
//!
//! A chunk that is pinned stays as it is: no extent of it is given out, nor the
//! chunk itself. Every thread counts its pins in one of a few stripes, each with
//! cache lines of its own, so threads that read do not wait for each other. Who
//! wants to know whether a chunk is pinned looks at all of them.

use crate::{
    chunk::PER_SEGMENT,
    sync::{
        self, Count,
        atomic::Ordering::{Acquire, Release, SeqCst},
        mapped::Counts,
    },
};
use kumo_plugin::Hold;
use std::{io, mem};

const STRIPES: usize = if sync::IS_MODEL { 2 } else { 8 };
const COUNTS: usize = if sync::IS_MODEL { 8 } else { PER_SEGMENT as usize };

/// The pins of a segment's chunks: a stripe behind the other, and in each a
/// count for each chunk. Most of them are never touched, and take no memory.
pub(crate) struct Pins(Counts);

/// A pin, until it is dropped.
pub(crate) struct Pin<'a>(&'a Count);

impl Pins {
    pub fn new() -> io::Result<Self> {
        Counts::reserve(STRIPES * COUNTS).map(Self)
    }

    /// Pins a chunk: before whatever this thread loads with `SeqCst` later.
    #[inline]
    pub fn pin(&self, chunk: u32) -> Pin<'_> {
        let stripe = sync::thread_number() % STRIPES;
        let count = &self.0.all()[stripe * COUNTS + chunk as usize % COUNTS];
        count.0.fetch_add(1, SeqCst);
        Pin(count)
    }

    /// Whether a chunk is pinned. What those who had it pinned have read is
    /// read by then.
    pub fn has(&self, chunk: u32) -> bool {
        let counts = self.0.all().iter().skip(chunk as usize % COUNTS).step_by(COUNTS);
        counts.fold(0, |all, count| all | count.0.load(Acquire)) != 0
    }
}

impl<'a> Pin<'a> {
    /// Leaves it to who gets the count to release it.
    #[inline]
    pub fn keep(self) -> &'a Count {
        let count = self.0;
        mem::forget(self);
        count
    }
}

impl Drop for Pin<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.release();
    }
}

impl Hold for Count {
    #[inline]
    fn release(&self) {
        self.0.fetch_sub(1, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_chunk_is_pinned_until_the_last_pin_of_any_thread_goes() {
        let pins = Pins::new().unwrap();
        let first = pins.pin(5);
        // Each has a stripe of its own, or shares one.
        let counts: Vec<&Count> = thread::scope(|scope| {
            let pin = || scope.spawn(|| pins.pin(5 + PER_SEGMENT).keep());
            let threads: Vec<_> = (0..2 * STRIPES).map(|_| pin()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(pins.has(5) && !pins.has(4) && !pins.has(6));
        drop(first);
        for count in counts {
            assert!(pins.has(5));
            count.release();
        }
        assert!(!pins.has(5));
    }
}

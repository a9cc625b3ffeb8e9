//! Who reads a chunk just now.
//!
//! A chunk that is pinned stays as it is: no extent of it is given out, nor the
//! chunk itself. Every thread counts its pins in one of a few stripes, each with
//! cache lines of its own, so threads that read do not wait for each other. Who
//! wants to know whether a chunk is pinned looks at all of them.

use crate::chunk::PER_SEGMENT;
use kumo_plugin::Hold;
use std::{
    cell::Cell,
    mem,
    sync::atomic::{
        AtomicU32, AtomicUsize,
        Ordering::{Acquire, Relaxed, Release, SeqCst},
    },
};

const STRIPES: usize = 8;
const COUNTS: usize = PER_SEGMENT as usize;

/// The pins of a segment's chunks: a stripe behind the other, and in each a
/// count for each chunk.
pub(crate) struct Pins(Box<[Count]>);

/// The pins of one chunk in one stripe.
#[derive(Default)]
pub(crate) struct Count(AtomicU32);

/// A pin, until it is dropped.
pub(crate) struct Pin<'a>(&'a Count);

impl Pins {
    pub fn new() -> Self {
        Self((0..STRIPES * COUNTS).map(|_| Count::default()).collect())
    }

    /// Pins a chunk: before whatever this thread loads with `SeqCst` later.
    #[inline]
    pub fn pin(&self, chunk: u32) -> Pin<'_> {
        let count = &self.0[stripe() * COUNTS + (chunk % PER_SEGMENT) as usize];
        count.0.fetch_add(1, SeqCst);
        Pin(count)
    }

    /// Whether a chunk is pinned. What those who had it pinned have read is
    /// read by then.
    pub fn has(&self, chunk: u32) -> bool {
        let counts = self.0.iter().skip((chunk % PER_SEGMENT) as usize).step_by(COUNTS);
        counts.fold(0, |all, count| all | count.0.load(Acquire)) != 0
    }
}

/// The stripe of this thread.
#[inline]
fn stripe() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(STRIPES) };
    }
    let mine = MINE.get();
    if mine < STRIPES {
        return mine;
    }
    MINE.set(THREADS.fetch_add(1, Relaxed) % STRIPES);
    MINE.get()
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
        let pins = Pins::new();
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

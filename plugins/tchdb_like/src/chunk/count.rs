//! What a chunk is needed for: the bytes of records that the index has in it,
//! and those who are about to write to it. Both in one word, so that whoever
//! asks whether it is empty sees both of one moment.

use crate::sync::atomic::{AtomicU64, Ordering::SeqCst};

const PENDING: u64 = 1 << 32;

/// The live bytes in the lower half, those who are pending in the upper one.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// The bytes of records that the index has.
    #[inline]
    pub fn live(&self) -> u32 {
        self.0.load(SeqCst) as u32
    }

    /// Whether nothing in it counts, and nobody is about to write to it.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.load(SeqCst) == 0
    }

    /// Somebody is about to write to the chunk: it is not given back meanwhile.
    #[inline]
    pub fn begin(&self) {
        self.0.fetch_add(PENDING, SeqCst);
    }

    /// Who was about to write has not, or need not be counted any more.
    #[inline]
    pub fn give_up(&self) {
        self.0.fetch_sub(PENDING, SeqCst);
    }

    /// Who was about to write has written a record of so many bytes.
    #[inline]
    pub fn end(&self, bytes: u32) {
        self.0.fetch_sub(PENDING - u64::from(bytes), SeqCst);
    }

    /// Records of so many bytes have come.
    pub fn add(&self, bytes: u32) {
        self.0.fetch_add(u64::from(bytes), SeqCst);
    }

    /// A record of so many bytes has gone.
    #[inline]
    pub fn sub(&self, bytes: u32) {
        self.0.fetch_sub(u64::from(bytes), SeqCst);
    }

    /// So many bytes live, as far as is known; under locks that keep writers away.
    pub fn set_live(&self, bytes: u32) {
        let both = self.0.load(SeqCst);
        self.0.store(both & !(PENDING - 1) | u64::from(bytes), SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_empty_when_nothing_lives_and_nobody_is_pending() {
        let count = Count::default();
        assert!(count.is_empty());
        count.begin();
        count.begin();
        assert!(!count.is_empty() && count.live() == 0);
        count.end(80);
        count.give_up();
        assert!(!count.is_empty() && count.live() == 80);
        count.set_live(70);
        count.add(10);
        count.sub(80);
        assert!(count.is_empty());
    }
}

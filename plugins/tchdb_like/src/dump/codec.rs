//! The entries of a shard in few bits: in the order of their tags, of each how
//! far its tag is from the one before, and its place.
//!
//! Tags are spread evenly, so a distance is written in the manner of Rice: as many
//! ones as it has multiples of 2^k, a zero, and the k bits below.

use crate::index::{Entry, TAG_BITS, TAG_MASK};

/// How wide the parts of an entry are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The bits of a place, in units of 4 bytes.
    pub place: u8,
    /// k.
    pub low: u8,
}

/// The entries, which are put in order, as bytes.
pub(crate) fn encode(entries: &mut [u64]) -> (Vec<u8>, Shape) {
    entries.sort_unstable_by_key(|word| word & TAG_MASK);
    let most = entries.iter().map(|word| word >> TAG_BITS).max().unwrap_or(0);
    // Seven tenths of the mean are nearest to the least bits.
    let mean = (TAG_MASK + 1) / (entries.len() as u64).max(1);
    let low = (mean * 7 / 10).max(1).ilog2();
    let place = u64::BITS - most.leading_zeros();
    let mut out = Bits { bytes: Vec::with_capacity(entries.len() * 6 + 8), word: 0, used: 0 };
    let mut last = 0;
    for word in entries {
        let tag = *word & TAG_MASK;
        let gap = tag - last;
        last = tag;
        let mut ones = gap >> low;
        while ones >= 32 {
            out.put(u64::from(u32::MAX), 32);
            ones -= 32;
        }
        out.put((1 << ones) - 1, ones as u32 + 1);
        out.put(gap & ((1 << low) - 1), low);
        out.put(*word >> TAG_BITS, place);
    }
    (out.end(), Shape { place: place as u8, low: low as u8 })
}

/// Shows so many entries. None: that is not what the bytes are, or `visit` says
/// so.
pub(crate) fn decode(
    bytes: &[u8],
    entries: u32,
    shape: Shape,
    mut visit: impl FnMut(Entry) -> Option<()>,
) -> Option<()> {
    let (low, place) = (u32::from(shape.low), u32::from(shape.place));
    if low > TAG_BITS || place > u64::BITS - TAG_BITS {
        return None;
    }
    let mut from = Reader { bytes, at: 0, word: 0, have: 0 };
    let mut tag = 0;
    for _ in 0..entries {
        tag += from.ones(TAG_MASK >> low)? << low;
        tag += from.take(low)?;
        let place = from.take(place)?;
        if tag > TAG_MASK {
            return None;
        }
        visit(Entry(place << TAG_BITS | tag))?;
    }
    Some(())
}

/// Bits, from the lowest of each byte on.
struct Bits {
    bytes: Vec<u8>,
    word: u64,
    used: u32,
}

impl Bits {
    /// Adds up to 40 bits; those above are zero.
    fn put(&mut self, value: u64, bits: u32) {
        self.word |= value << self.used;
        self.used += bits;
        while self.used >= 8 {
            self.bytes.push(self.word as u8);
            self.word >>= 8;
            self.used -= 8;
        }
    }

    fn end(mut self) -> Vec<u8> {
        if self.used > 0 {
            self.bytes.push(self.word as u8);
        }
        self.bytes
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, and how many; those above are zero.
    word: u64,
    have: u32,
}

impl Reader<'_> {
    /// Makes it more than 40 bits, if there are so many.
    #[inline]
    fn fill(&mut self) {
        while self.have <= 56 {
            let Some(byte) = self.bytes.get(self.at) else { return };
            self.word |= u64::from(*byte) << self.have;
            self.have += 8;
            self.at += 1;
        }
    }

    /// The next bits, up to 40.
    #[inline]
    fn take(&mut self, bits: u32) -> Option<u64> {
        self.fill();
        self.have = self.have.checked_sub(bits)?;
        let value = self.word & ((1 << bits) - 1);
        self.word >>= bits;
        Some(value)
    }

    /// How many ones there are before the next zero, which is taken too.
    #[inline]
    fn ones(&mut self, most: u64) -> Option<u64> {
        let mut ones = 0;
        loop {
            self.fill();
            let now = self.word.trailing_ones().min(self.have).min(32);
            self.word >>= now;
            self.have -= now;
            ones += u64::from(now);
            if ones > most {
                return None;
            }
            if now < 32 {
                // What ended them is a zero, or the end of the bytes.
                return self.take(1).map(|_| ones);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn decoded(bytes: &[u8], entries: usize, shape: Shape) -> Option<Vec<u64>> {
        let mut all = Vec::new();
        decode(bytes, entries as u32, shape, |entry| {
            all.push(entry.0);
            Some(())
        })?;
        Some(all)
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(mut entries in vec(any::<u64>(), 0..300), few in 0..29_u32) {
            for entry in &mut entries {
                *entry >>= few;
            }
            let (bytes, shape) = encode(&mut entries);
            prop_assert_eq!(decoded(&bytes, entries.len(), shape), Some(entries.clone()));
            prop_assert_eq!(decoded(&bytes, entries.len() + 9, shape), None);
        }

        #[test]
        fn other_bytes_do_no_harm(
            bytes in vec(prop_oneof![Just(255), any::<u8>()], 0..200),
            entries in 0..2000_usize,
            (place, low) in (any::<u8>(), any::<u8>()),
        ) {
            let all = decoded(&bytes, entries, Shape { place, low });
            prop_assert!(all.is_none_or(|all| all.len() == entries));
        }
    }

    #[test]
    fn an_entry_takes_little() {
        let spread = |n: u64| n << TAG_BITS | n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 36;
        let mut entries: Vec<u64> = (0..4096).map(spread).collect();
        let (bytes, shape) = encode(&mut entries);
        // 12 bits of a place, and less than 18 of a tag.
        assert_eq!(shape.place, 12);
        assert!(bytes.len() * 8 < 4096 * 30, "{}", bytes.len());
    }
}

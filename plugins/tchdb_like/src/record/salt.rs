//! A record's salt from its bytes, for who does not know its chunk's base.

use super::{
    CRC, HEAD, Kind, LARGE_HEAD, Salt, check, extent, large_lens, with_short, words::Words,
};
use crate::raw::memory::Memory;

/// What stands at a place, if it is a record.
pub(crate) struct Likely {
    /// What the salt of its chunk is then: see [`Salt::half`].
    pub half: u32,
    pub is_large: bool,
    /// Where it ends, from the beginning of the chunk.
    pub end: usize,
}

impl Salt {
    /// The half that the checks begin with.
    pub fn half(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// How long the large record at `at` is, as its words say.
pub(crate) fn large_end(memory: &Memory, at: usize) -> Option<usize> {
    let first = memory.load_half(at);
    let is_large = Kind::of(first).is_some_and(Kind::is_large) && extent(first) == 0;
    let (key_len, val_len) = large_lens(memory, at);
    is_large.then_some(at + LARGE_HEAD + key_len + val_len)
}

/// Takes what stands at `at` for a record, and goes back from its CRC to the
/// salt. None: its short check does not fit then, or its lengths, so it is none.
pub(crate) fn likely(memory: &Memory, at: usize, end: usize) -> Option<Likely> {
    let words = Words::load(memory, at);
    let kind = Kind::of(words.first()).filter(|kind| *kind != Kind::Free)?;
    let (whole, val_at) = if kind.is_large() {
        (large_end(memory, at)?, at + LARGE_HEAD + large_lens(memory, at).0)
    } else {
        let (key_len, val_len) = words.key_and_value()?;
        let val_at = at + HEAD + key_len;
        if at + extent(words.first()) > end {
            return None;
        }
        (val_at + val_len, val_at)
    };
    if whole > end {
        return None;
    }
    // Without a salt the check differs from the one that is there by the salt.
    let half = check(memory, Salt(0), at, words, whole) ^ memory.load_half(at + CRC);
    let salt = Salt(u64::from(half) << 32);
    let fits = with_short(memory, salt, at, words, val_at) == words;
    fits.then_some(Likely { half, is_large: kind.is_large(), end: whole })
}

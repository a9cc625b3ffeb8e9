//! A record's salt from its bytes, for who does not know its chunk's base.

use super::{First, HEAD, Kind, LARGE_HEAD, Salt, check, with_short};
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
    let first = First::unpack(memory.load(at)).filter(|first| first.kind.is_large())?;
    let lens = memory.load(at + HEAD);
    let whole = at + LARGE_HEAD + lens as u32 as usize + (lens >> 32) as usize;
    (first.extent == 0).then_some(whole)
}

/// Takes what stands at `at` for a record, and goes back from its CRC to the
/// salt. None: its short check does not fit then, or its lengths, so it is none.
pub(crate) fn likely(memory: &Memory, at: usize, end: usize) -> Option<Likely> {
    let word = memory.load(at);
    let first = First::unpack(word).filter(|first| first.kind != Kind::Free)?;
    let is_large = first.kind.is_large();
    let (whole, val_at) = if is_large {
        (large_end(memory, at)?, at + LARGE_HEAD + memory.load(at + HEAD) as u32 as usize)
    } else {
        let val_at = at + HEAD + first.key_len;
        if at + first.extent > end || val_at + first.val_len > at + first.extent {
            return None;
        }
        (val_at + first.val_len, val_at)
    };
    if whole > end {
        return None;
    }
    // Without a salt the check differs from the one that is there by the salt.
    let half = check(memory, Salt(0), at, word, whole) ^ memory.load(at + 8) as u32;
    let salt = Salt(u64::from(half) << 32);
    let fits = with_short(memory, salt, at, word, val_at) == word;
    fits.then_some(Likely { half, is_large, end: whole })
}

//! A record: its words, and its checks.
//!
//! ```text
//! first word     kind 3 | check 12 | extent 17
//! lengths        what is left of the extent 16 | key length 16
//! CRC 32
//! sequence 32
//! large records  key length 32, value length 32     (their extent and lengths are 0)
//! key, value
//! ```

pub(crate) mod salt;
mod words;

use crate::raw::{crc::crc32c, memory::Memory};
use words::Words;
pub(crate) use words::{Kind, extent};

/// The bytes before the key of a record.
pub(crate) const HEAD: usize = 16;
/// As [`HEAD`], of a large record.
pub(crate) const LARGE_HEAD: usize = 24;
/// Where the CRC is, and where it ends and what it covers begins.
const CRC: usize = 8;
const CRC_END: usize = 12;
/// Records begin at multiples of this, and extents are as many of them.
pub(crate) const ALIGN: usize = 4;

/// What the checks of all records of one chunk begin with: of this file, this
/// chunk, and this use of it. So bytes that were copied to another place, or
/// have been left from an earlier use, fit nowhere.
#[derive(Clone, Copy)]
pub(crate) struct Salt(u64);

impl Salt {
    /// For a file's seed, a chunk's number, and the chunk's base.
    pub fn new(seed: u64, chunk: u32, base: u64) -> Self {
        let mixed = (seed ^ base.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .wrapping_add(u64::from(chunk).wrapping_mul(0xd6e8_feb8_6659_fd93));
        Self((mixed ^ mixed >> 32).wrapping_mul(0xff51_afd7_ed55_8ccd))
    }

    #[inline]
    fn at(self, at: usize) -> u32 {
        ((self.0 >> 32) as u32) ^ (at as u32).wrapping_mul(0x9e37_79b1)
    }

    /// What stands for the place and the first words in the checks of a record.
    /// Of two that differ in one bit it differs.
    #[inline]
    fn mix(self, at: usize, words: Words) -> u32 {
        self.at(at) ^ (words.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
    }
}

/// The check of a record at `at` with these words, up to `end`: one pass over
/// what lies behind the CRC's own place.
#[inline]
fn check(memory: &Memory, salt: Salt, at: usize, words: Words, end: usize) -> u32 {
    let crc = crc32c(memory.bytes(at + CRC_END, end - at - CRC_END));
    crc ^ salt.mix(at, words)
}

/// The words with the short check: twelve bits of the check of all that stands
/// before the value.
#[inline(never)] // of a whole record nobody needs it
fn with_short(memory: &Memory, salt: Salt, at: usize, words: Words, val_at: usize) -> Words {
    let words = words.with_check(0);
    let short = check(memory, salt, at, words, val_at).wrapping_mul(0x9e37_79b1) >> 20;
    words.with_check(short)
}

/// The first word of a free extent. What stands behind it of a record that has
/// gone stays: a scan may still show it.
pub(crate) fn free_word(salt: Salt, at: usize, extent: usize) -> u32 {
    let word = words::free(extent);
    words::free_with(word, free_check(salt, at, word))
}

fn free_check(salt: Salt, at: usize, word: u32) -> u32 {
    let mixed = u64::from(word ^ salt.at(at)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed >> 52) as u32
}

/// What was found where a record should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// All checks fit.
    Intact,
    /// The lengths and the key are right as far as the short check tells; the
    /// rest is not.
    BadValue,
    /// Nothing is known.
    BadHead,
}

/// A record that has been read where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub state: State,
    pub kind: Kind,
    /// The lower half of the sequence number, counted from the chunk's base.
    pub delta: u32,
    pub key: &'a [u8],
    pub value: &'a [u8],
    pub extent: usize,
    /// Where the value begins, from the beginning of the chunk.
    pub value_at: usize,
}

/// Reads the record at `at`; `end` is where the chunk or the run ends. None: no
/// record can be there, as far as the first word tells.
///
/// The caller keeps the extent from being given out; see `raw`.
#[inline(always)] // what it returns is large: in memory it would wait for itself
pub(crate) fn see(memory: &Memory, salt: Salt, at: usize, end: usize) -> Option<Seen<'_>> {
    let intact = see_intact(memory, salt, at, end);
    if intact.is_some() { intact } else { see_kind(memory, salt, at, end, None, true) }
}

/// As [`see`], of an intact record that shares its chunk: nearly all are.
#[inline(always)] // as above
pub(crate) fn see_intact(memory: &Memory, salt: Salt, at: usize, end: usize) -> Option<Seen<'_>> {
    if at + HEAD > end {
        return None;
    }
    let words = Words::load(memory, at);
    let kind = Kind::of(words.first()).filter(|kind| matches!(kind, Kind::Put | Kind::Delete))?;
    let (extent, (key_len, val_len)) = (extent(words.first()), words.key_and_value()?);
    if at + extent > end {
        return None;
    }
    let bytes = memory.bytes(at + CRC, HEAD - CRC + key_len + val_len);
    let (crc, covered) = bytes.split_first_chunk()?;
    if crc32c(covered) ^ salt.mix(at, words) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (delta, content) = covered.split_first_chunk()?;
    let (key, value) = content.split_at_checked(key_len)?;
    let (delta, value_at) = (u32::from_le_bytes(*delta), at + HEAD + key_len);
    Some(Seen { state: State::Intact, kind, delta, key, value, extent, value_at })
}

/// As [`see`], but the value is not looked at, and taken for whole: for who is
/// going to replace it.
pub(crate) fn see_head(memory: &Memory, salt: Salt, at: usize, end: usize) -> Option<Seen<'_>> {
    see_kind(memory, salt, at, end, None, false)
}

/// As [`see`], of a put that says that it is free, and has not been written over.
pub(crate) fn see_gone(memory: &Memory, salt: Salt, at: usize, end: usize) -> Option<Seen<'_>> {
    let first = memory.load_half(at);
    let kind = if extent(first) == 0 { Kind::LargePut } else { Kind::Put };
    let is_free = Kind::of(first) == Some(Kind::Free);
    if is_free { see_kind(memory, salt, at, end, Some(kind), true) } else { None }
}

fn see_kind(
    memory: &Memory,
    salt: Salt,
    at: usize,
    end: usize,
    was: Option<Kind>,
    with_value: bool,
) -> Option<Seen<'_>> {
    if at + HEAD > end {
        return None;
    }
    let mut words = Words::load(memory, at);
    if let Some(was) = was {
        words = words.of_kind(was);
    }
    let kind = Kind::of(words.first())?;
    let extent = extent(words.first());
    let (key_at, (key_len, val_len)) = match kind {
        Kind::Free => return None,
        Kind::Put | Kind::Delete => {
            if at + extent > end {
                return None;
            }
            (at + HEAD, words.key_and_value()?)
        }
        Kind::LargePut | Kind::LargeDelete => {
            if at + LARGE_HEAD > end {
                return None;
            }
            (at + LARGE_HEAD, large_lens(memory, at))
        }
    };
    let val_at = key_at + key_len;
    let whole = val_at + val_len;
    if whole > end {
        return None;
    }
    if was.is_some() {
        // The short check of what has gone went with its kind.
        words = with_short(memory, salt, at, words, val_at);
    }
    let is_whole = || check(memory, salt, at, words, whole) == memory.load_half(at + CRC);
    let state = if with_value && is_whole() {
        State::Intact
    } else {
        let is_head = with_short(memory, salt, at, words, val_at) == words;
        match (is_head, with_value) {
            (false, _) => State::BadHead,
            (true, true) => State::BadValue,
            (true, false) => State::Intact,
        }
    };
    Some(Seen {
        state,
        kind,
        delta: memory.load_half(at + CRC_END),
        key: memory.bytes(key_at, key_len),
        value: memory.bytes(val_at, val_len),
        extent,
        value_at: val_at,
    })
}

/// The lengths of key and value of a large record.
fn large_lens(memory: &Memory, at: usize) -> (usize, usize) {
    (memory.load_half(at + HEAD) as usize, memory.load_half(at + HEAD + 4) as usize)
}

/// The length of the free extent whose first word this is; None where it is not
/// one.
#[inline]
pub(crate) fn free_extent(salt: Salt, at: usize, end: usize, word: u32) -> Option<usize> {
    let extent = extent(word);
    let fits = free_word(salt, at, extent) == word && extent >= HEAD && at + extent <= end;
    fits.then_some(extent)
}

/// The bytes that a record takes in a chunk that it shares.
pub(crate) fn size(key_len: usize, val_len: usize) -> usize {
    (HEAD + key_len + val_len).next_multiple_of(ALIGN)
}

/// What is written of a record beside key and value.
pub(crate) struct Record<'a> {
    pub kind: Kind,
    pub delta: u32,
    pub key: &'a [u8],
    pub value: &'a [u8],
    /// 0 for a large one.
    pub extent: usize,
}

/// Writes a record into an extent that is the caller's. The first word comes
/// last: until then the extent is what it was.
#[inline]
pub(crate) fn write(memory: &Memory, salt: Salt, at: usize, record: &Record<'_>) {
    let first = write_behind(memory, salt, at, record);
    memory.store_half(at, first);
}

/// As [`write`], but for the first word, which is the result: stored later, it
/// makes a record of what stands behind it.
#[inline]
pub(crate) fn write_behind(memory: &Memory, salt: Salt, at: usize, record: &Record<'_>) -> u32 {
    let Record { kind, delta, key, value, extent } = *record;
    let (words, key_at) = if kind.is_large() {
        memory.store_half(at + HEAD, key.len() as u32);
        memory.store_half(at + HEAD + 4, value.len() as u32);
        (Words::large(kind), at + LARGE_HEAD)
    } else {
        (Words::shared(kind, key.len(), value.len(), extent), at + HEAD)
    };
    let val_at = key_at + key.len();
    memory.store_half(at + CRC_END, delta);
    memory.write(key_at, key);
    memory.write(val_at, value);
    let words = with_short(memory, salt, at, words, val_at);
    memory.store_half(at + 4, words.lens());
    memory.store_half(at + CRC, check(memory, salt, at, words, val_at + value.len()));
    words.first()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_the_first_words_and_every_place_count() {
        let salt = Salt::new(0x1234_5678_9abc_def0, 7, 99);
        let mut words = Words::shared(Kind::Put, 28, 32, 80);
        for n in 0..1000 {
            let at = 128 + n * ALIGN;
            for bit in 0..64 {
                let other = Words(words.0 ^ 1 << bit);
                assert_ne!(salt.mix(at, words), salt.mix(at, other), "bit {bit}");
            }
            assert_ne!(salt.mix(at, words), salt.mix(at + ALIGN, words));
            words = Words(words.0.wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(7));
        }
    }
}

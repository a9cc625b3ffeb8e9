//! A record's words and checks.
//!
//! ```text
//! first word     kind 3 | check 12 | key length 16 | value length 18 | extent 15
//! second word    sequence 32 | CRC 32
//! large records  value length 32 | key length 32     (their first word has none)
//! key, value
//! ```

pub(crate) mod salt;

use crate::raw::memory::Memory;
use crc_fast::crc32_iscsi;

/// The bytes before the key of a record.
pub(crate) const HEAD: usize = 16;
/// As [`HEAD`], of a large record.
pub(crate) const LARGE_HEAD: usize = 24;
/// Where the CRC ends, and what it covers begins.
const CRC_END: usize = 12;
/// Records begin at multiples of this, and extents are as many of them.
pub(crate) const ALIGN: usize = 8;

/// What stands in an extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing: it may be written to, or is being written to.
    Free = 1,
    /// A key and its value.
    Put = 2,
    /// A key that has been deleted.
    Delete = 3,
    /// As `Put`, in chunks of its own.
    LargePut = 4,
    /// As `Delete`, in chunks of its own.
    LargeDelete = 5,
}

impl Kind {
    /// Whether a first word is that of a delete.
    pub fn is_delete(word: u64) -> bool {
        [Self::Delete, Self::LargeDelete].iter().any(|&kind| word >> 61 == kind as u64)
    }

    /// Whether it says that the key is there.
    pub fn is_put(self) -> bool {
        matches!(self, Self::Put | Self::LargePut)
    }

    /// Whether it stands in chunks of its own.
    pub fn is_large(self) -> bool {
        matches!(self, Self::LargePut | Self::LargeDelete)
    }
}

/// What a first word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct First {
    pub kind: Kind,
    pub key_len: usize,
    pub val_len: usize,
    /// The bytes from here to the next extent; 0 for a large record.
    pub extent: usize,
    check: u32,
}

const KIND_SHIFT: u32 = 61;
const KIND_MASK: u64 = 7 << KIND_SHIFT;
const CHECK_SHIFT: u32 = 49;
const CHECK_MASK: u64 = 0xfff << CHECK_SHIFT;

impl First {
    fn pack(kind: Kind, key_len: usize, val_len: usize, extent: usize) -> u64 {
        (kind as u64) << KIND_SHIFT
            | (key_len as u64) << 33
            | (val_len as u64) << 15
            | (extent / ALIGN) as u64
    }

    /// Takes a word apart. None: there can be no such word.
    pub fn unpack(word: u64) -> Option<Self> {
        let kind = match word >> KIND_SHIFT {
            1 => Kind::Free,
            2 => Kind::Put,
            3 => Kind::Delete,
            4 => Kind::LargePut,
            5 => Kind::LargeDelete,
            _ => return None,
        };
        Some(Self {
            kind,
            key_len: (word >> 33) as usize & 0xffff,
            val_len: (word >> 15) as usize & 0x3_ffff,
            extent: extent(word),
            check: ((word & CHECK_MASK) >> CHECK_SHIFT) as u32,
        })
    }
}

/// The bytes of the extent that a first word speaks of, if it is one.
#[inline]
pub(crate) fn extent(word: u64) -> usize {
    (word as usize & 0x7fff) * ALIGN
}

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

    /// What stands for the place and the first word in the checks of a record.
    /// Of two words that differ in one bit it differs.
    #[inline]
    fn mix(self, at: usize, word: u64) -> u32 {
        self.at(at) ^ (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
    }
}

/// The check of a record at `at` with this first word, up to `end`: one pass over
/// what lies behind the CRC's own place.
#[inline]
fn check(memory: &Memory, salt: Salt, at: usize, word: u64, end: usize) -> u32 {
    let crc = crc32_iscsi(memory.bytes(at + CRC_END, end - at - CRC_END));
    crc ^ salt.mix(at, word)
}

/// The first word with its short check: twelve bits of the check of all that
/// stands before the value.
fn with_short(memory: &Memory, salt: Salt, at: usize, word: u64, val_at: usize) -> u64 {
    let word = word & !CHECK_MASK;
    let short = check(memory, salt, at, word, val_at).wrapping_mul(0x9e37_79b1) >> 20;
    word | u64::from(short) << CHECK_SHIFT
}

/// The first word of a free extent. Of a record that has gone it keeps the
/// lengths: a scan may still show it.
pub(crate) fn free_word(salt: Salt, at: usize, lens: (usize, usize), extent: usize) -> u64 {
    let word = First::pack(Kind::Free, lens.0, lens.1, extent);
    word | u64::from(free_check(salt, at, word)) << CHECK_SHIFT
}

fn free_check(salt: Salt, at: usize, word: u64) -> u32 {
    let mixed = (word ^ u64::from(salt.at(at))).wrapping_mul(0xd6e8_feb8_6659_fd93);
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
#[inline]
pub(crate) fn see(memory: &Memory, salt: Salt, at: usize, end: usize) -> Option<Seen<'_>> {
    see_kind(memory, salt, at, end, None, true)
}

/// As [`see`], but the value is not looked at, and taken for whole: for who is
/// going to replace it.
#[inline]
pub(crate) fn see_head(memory: &Memory, salt: Salt, at: usize, end: usize) -> Option<Seen<'_>> {
    see_kind(memory, salt, at, end, None, false)
}

/// As [`see`], of a put that says that it is free, and has not been written over.
pub(crate) fn see_gone(memory: &Memory, salt: Salt, at: usize, end: usize) -> Option<Seen<'_>> {
    let first = First::unpack(memory.load(at)).filter(|first| first.kind == Kind::Free)?;
    let kind = if first.extent == 0 { Kind::LargePut } else { Kind::Put };
    see_kind(memory, salt, at, end, Some(kind), true)
}

#[inline(always)]
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
    let mut word = memory.load(at);
    if let Some(was) = was {
        word = word & !KIND_MASK | (was as u64) << KIND_SHIFT;
    }
    let first = First::unpack(word)?;
    let (key_at, key_len, val_len) = match first.kind {
        Kind::Free => return None,
        Kind::Put | Kind::Delete => (at + HEAD, first.key_len, first.val_len),
        Kind::LargePut | Kind::LargeDelete => {
            if at + LARGE_HEAD > end {
                return None;
            }
            let lens = memory.load(at + HEAD);
            (at + LARGE_HEAD, lens as u32 as usize, (lens >> 32) as usize)
        }
    };
    let extent = first.extent;
    let val_at = key_at + key_len;
    let whole = val_at + val_len;
    let fits =
        whole <= end && (first.kind.is_large() || at + extent <= end && whole <= at + extent);
    if !fits {
        return None;
    }
    let second = memory.load(at + 8);
    if was.is_some() {
        // The short check of what has gone went with its kind.
        word = with_short(memory, salt, at, word, val_at);
    }
    let state = if !with_value || check(memory, salt, at, word, whole) != second as u32 {
        head_state(memory, salt, at, word, val_at, with_value)
    } else {
        State::Intact
    };
    Some(Seen {
        state,
        kind: first.kind,
        delta: (second >> 32) as u32,
        key: memory.bytes(key_at, key_len),
        value: memory.bytes(val_at, val_len),
        extent,
        value_at: val_at,
    })
}

/// What is to be thought of a record of which only the short check is looked at:
/// because its value does not matter, or because it does not fit.
#[inline(never)]
fn head_state(
    memory: &Memory,
    salt: Salt,
    at: usize,
    word: u64,
    val_at: usize,
    is_bad: bool,
) -> State {
    match with_short(memory, salt, at, word, val_at) == word {
        true if is_bad => State::BadValue,
        true => State::Intact,
        false => State::BadHead,
    }
}

/// The length of the free extent whose first word this is; None where it is not
/// one.
#[inline]
pub(crate) fn free_extent(salt: Salt, at: usize, end: usize, word: u64) -> Option<usize> {
    let first = First::unpack(word).filter(|first| first.kind == Kind::Free)?;
    let fits = free_check(salt, at, word & !CHECK_MASK) == first.check
        && first.extent >= HEAD
        && at + first.extent <= end;
    fits.then_some(first.extent)
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
    let Record { kind, delta, key, value, extent } = *record;
    let is_large = kind.is_large();
    let (key_len, val_len) = if is_large { (0, 0) } else { (key.len(), value.len()) };
    let word = First::pack(kind, key_len, val_len, extent);
    let mut key_at = at + HEAD;
    if is_large {
        memory.store(key_at, (value.len() as u64) << 32 | key.len() as u64);
        key_at = at + LARGE_HEAD;
    }
    let val_at = key_at + key.len();
    memory.store(at + 8, u64::from(delta) << 32);
    memory.write(key_at, key);
    memory.write(val_at, value);
    let word = with_short(memory, salt, at, word, val_at);
    let crc = check(memory, salt, at, word, val_at + value.len());
    memory.store(at + 8, u64::from(delta) << 32 | u64::from(crc));
    memory.store(at, word);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_a_first_word_and_every_place_count() {
        let salt = Salt::new(0x1234_5678_9abc_def0, 7, 99);
        let mut word = First::pack(Kind::Put, 28, 32, 80);
        for n in 0..1000 {
            let at = 128 + n * ALIGN;
            for bit in 0..64 {
                assert_ne!(salt.mix(at, word), salt.mix(at, word ^ 1 << bit), "bit {bit}");
            }
            assert_ne!(salt.mix(at, word), salt.mix(at + ALIGN, word));
            word = word.wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(7);
        }
    }
}

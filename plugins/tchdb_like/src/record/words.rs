//! The two words that a record, or a free extent, begins with.
//!
//! ```text
//! first word     kind 3 | check 12 | extent 17
//! lengths        what is left of the extent 16 | key length 16
//! ```

use super::{ALIGN, HEAD};
use crate::raw::memory::Memory;

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
    /// What a first word says; None: it is none.
    #[inline]
    pub fn of(first: u32) -> Option<Self> {
        match first >> KIND_SHIFT {
            1 => Some(Self::Free),
            2 => Some(Self::Put),
            3 => Some(Self::Delete),
            4 => Some(Self::LargePut),
            5 => Some(Self::LargeDelete),
            _ => None,
        }
    }

    /// Whether it says that the key is there.
    pub fn is_put(self) -> bool {
        matches!(self, Self::Put | Self::LargePut)
    }

    /// Whether it is a delete.
    pub fn is_delete(self) -> bool {
        matches!(self, Self::Delete | Self::LargeDelete)
    }

    /// Whether it stands in chunks of its own.
    pub fn is_large(self) -> bool {
        matches!(self, Self::LargePut | Self::LargeDelete)
    }
}

const KIND_SHIFT: u32 = 29;
const CHECK_SHIFT: u32 = 17;
const CHECK_MASK: u32 = 0xfff << CHECK_SHIFT;
const EXTENT_MASK: u32 = (1 << CHECK_SHIFT) - 1;

/// The bytes of the extent that a first word speaks of, if it is one; 0 for a
/// large record.
#[inline]
pub(crate) fn extent(first: u32) -> usize {
    (first & EXTENT_MASK) as usize * ALIGN
}

/// Both words, as they stand in the file: the first one in the lower half.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Words(pub u64);

impl Words {
    /// Of a record that shares its chunk. `extent` has room for it, and at most
    /// 65535 bytes more.
    pub fn shared(kind: Kind, key_len: usize, val_len: usize, extent: usize) -> Self {
        let left = extent - HEAD - key_len - val_len;
        debug_assert!(key_len.max(left) <= usize::from(u16::MAX));
        let first = (kind as u64) << KIND_SHIFT | (extent / ALIGN) as u64;
        Self((left as u64) << 48 | (key_len as u64) << 32 | first)
    }

    /// Of a large record, whose lengths stand elsewhere.
    pub fn large(kind: Kind) -> Self {
        Self((kind as u64) << KIND_SHIFT)
    }

    #[inline]
    pub fn load(memory: &Memory, at: usize) -> Self {
        let first = memory.load_half(at);
        Self(u64::from(memory.load_half(at + 4)) << 32 | u64::from(first))
    }

    #[inline]
    pub fn first(self) -> u32 {
        self.0 as u32
    }

    pub fn lens(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The lengths of key and value, of a record that shares its chunk. None:
    /// there can be no such record.
    #[inline]
    pub fn key_and_value(self) -> Option<(usize, usize)> {
        let (key_len, left) = ((self.0 >> 32) as usize & 0xffff, (self.0 >> 48) as usize);
        let val_len = extent(self.first()).checked_sub(HEAD + key_len + left)?;
        Some((key_len, val_len))
    }

    /// As if it were of another kind.
    pub fn of_kind(self, kind: Kind) -> Self {
        Self(self.0 & !(7 << KIND_SHIFT) | (kind as u64) << KIND_SHIFT)
    }

    /// With these twelve bits as the short check.
    #[inline]
    pub fn with_check(self, check: u32) -> Self {
        Self(self.0 & !u64::from(CHECK_MASK) | u64::from(check) << CHECK_SHIFT)
    }
}

/// The first word of a free extent, without its check.
pub(super) fn free(extent: usize) -> u32 {
    (Kind::Free as u32) << KIND_SHIFT | (extent / ALIGN) as u32
}

/// That word with a check.
pub(super) fn free_with(word: u32, check: u32) -> u32 {
    word & !CHECK_MASK | check << CHECK_SHIFT
}

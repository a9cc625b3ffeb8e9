//! The headers that the host puts before keys and values, as kumofs does.
//!
//! An engine need not know them: to it a key and a value are bytes. One that
//! merges, expires or shows records reads them with these functions; in C,
//! `kumo_storage.h` has the same. All numbers are big-endian.
//!
//! ```text
//! key    hash 8 | the client's key
//! value  clocktime 8 | meta 2 | what meta describes | the client's data
//! ```

/// The length of the header before a key: the hash.
pub const KEY_HEADER_SIZE: usize = 8;

/// The length of the header before a value: clocktime and meta.
pub const VALUE_HEADER_SIZE: usize = 10;

/// The length of a tombstone: a clocktime alone.
pub const TOMBSTONE_SIZE: usize = 8;

/// The hash in a stored key; None where the key is too short to have one.
pub fn hash(key: &[u8]) -> Option<u64> {
    key.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The clocktime of a stored value or a tombstone: UNIX seconds in the upper
/// 32 bits, a Lamport clock in the lower. None where the value is too short.
pub fn clocktime(value: &[u8]) -> Option<u64> {
    value.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The meta field of a stored value, which says what precedes the data. None
/// for a tombstone and for what is too short.
pub fn meta(value: &[u8]) -> Option<u16> {
    value.get(8..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// Whether a stored value marks a deleted key: it has a clocktime and no meta.
pub fn is_tombstone(value: &[u8]) -> bool {
    (TOMBSTONE_SIZE..VALUE_HEADER_SIZE).contains(&value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_big_endian_and_short_ones_have_no_fields() {
        let value = [0x65, 0, 0, 1, 0, 0, 0, 2, 0, 3, b'x'];
        assert_eq!(clocktime(&value), Some(0x6500_0001_0000_0002));
        assert_eq!(meta(&value), Some(3));
        assert!(!is_tombstone(&value));
        assert!(is_tombstone(&value[..8]) && is_tombstone(&value[..9]));
        assert_eq!(meta(&value[..9]), None);
        assert_eq!(clocktime(&value[..7]), None);
        assert!(!is_tombstone(&value[..7]));
        assert_eq!(hash(b"\0\0\0\0\0\0\0\x05key"), Some(5));
        assert_eq!(hash(b"short"), None);
    }
}

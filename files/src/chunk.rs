//! A chunk in memcached: a header, and a part of the file.
//!
//! ```text
//! offset  bytes
//!      0      4  "KFC1"
//!      4      4  how many bytes of the file follow, big-endian
//!      8      8  XXH3-64 of the chunk's key and then those bytes, big-endian
//!     16         the bytes
//! ```
//!
//! The key is in the checksum, so a chunk of another file, of another version
//! or of another place is as wrong as a damaged one.

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

const MAGIC: &[u8; 4] = b"KFC1";

/// What a chunk has beyond its part of the file.
pub const HEADER: usize = 16;

/// The parts as a chunk: the header comes first.
#[must_use]
pub fn seal(key: &str, parts: Vec<Bytes>) -> Vec<Bytes> {
    // The store's chunks are smaller than 4 GiB.
    let length = parts.iter().map(Bytes::len).sum::<usize>() as u32;
    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&length.to_be_bytes());
    header.extend_from_slice(&checksum(key, &parts).to_be_bytes());
    let mut sealed = vec![Bytes::from(header)];
    sealed.extend(parts);
    sealed
}

/// The part of the file in a chunk; None unless it is what was stored there.
#[must_use]
pub fn open(key: &str, value: &Bytes) -> Option<Bytes> {
    let (header, rest) = value.split_at_checked(HEADER)?;
    let (magic, header) = header.split_first_chunk::<4>()?;
    let (length, header) = header.split_first_chunk::<4>()?;
    let (stored, _) = header.split_first_chunk::<8>()?;
    if magic != MAGIC || u32::from_be_bytes(*length) as usize != rest.len() {
        return None;
    }
    let data = value.slice(HEADER..);
    let right = u64::from_be_bytes(*stored) == checksum(key, std::slice::from_ref(&data));
    right.then_some(data)
}

fn checksum(key: &str, parts: &[Bytes]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(key.as_bytes());
    parts.iter().for_each(|part| hash.update(part));
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bytes_are_as_documented() {
        let sealed =
            seal("key", vec![Bytes::from_static(b"ab"), Bytes::from_static(b"c")]).concat();
        let sum = xxhash_rust::xxh3::xxh3_64(b"keyabc");
        assert_eq!(sealed, [b"KFC1\0\0\0\x03", &sum.to_be_bytes()[..], b"abc"].concat());
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_and_nothing_else_does(
            data: Vec<u8>, at: prop::sample::Index, bit in 0..8u8,
        ) {
            let sealed = seal("key", vec![Bytes::from(data.clone())]).concat();
            let value = Bytes::from(sealed.clone());
            prop_assert_eq!(open("key", &value), Some(Bytes::from(data)));
            prop_assert_eq!(open("yek", &value), None);
            prop_assert_eq!(open("key", &value.slice(..at.index(value.len()))), None);
            let mut damaged = sealed;
            let at = at.index(damaged.len());
            damaged[at] ^= 1 << bit;
            prop_assert_eq!(open("key", &Bytes::from(damaged)), None);
        }

        #[test]
        fn any_bytes_are_survived(value: Vec<u8>) {
            prop_assert_eq!(open("key", &Bytes::from(value)), None);
        }
    }
}

//! Keys as they are stored: kumofs's hash, then the client's key.

use kumo_plugin::record::KEY_HEADER_SIZE;
use sha1::{Digest, Sha1};

/// The longest key of a client, in bytes.
pub const MAX_KEY: usize = 250;

/// A key as it is stored.
pub(super) struct StoredKey {
    bytes: [u8; KEY_HEADER_SIZE + MAX_KEY],
    len: usize,
    hash: u64,
}

impl StoredKey {
    /// The stored form of a client's key; None where that is too long.
    pub fn new(key: &[u8]) -> Option<Self> {
        let hash = hash(key);
        let mut bytes = [0; KEY_HEADER_SIZE + MAX_KEY];
        bytes[..KEY_HEADER_SIZE].copy_from_slice(&hash.to_be_bytes());
        let len = KEY_HEADER_SIZE + key.len();
        bytes.get_mut(KEY_HEADER_SIZE..len)?.copy_from_slice(key);
        Some(Self { bytes, len, hash })
    }

    /// What the storage is given.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The hash alone.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

/// kumofs's hash: the first 8 bytes of the SHA-1, read as the little-endian
/// number that they were on its machines.
pub(super) fn hash(key: &[u8]) -> u64 {
    let digest = Sha1::digest(key);
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_stored_as_kumofs_stores_it() {
        let key = StoredKey::new(b"key1").unwrap();
        let expected = [0x1C, 0x99, 0x4B, 0xDA, 0x6C, 0xAB, 0x73, 0x10, b'k', b'e', b'y', b'1'];
        assert_eq!(key.as_bytes(), expected);
        assert_eq!(key.hash(), 0x1C99_4BDA_6CAB_7310);
    }

    #[test]
    fn keys_have_at_most_250_bytes() {
        assert!(StoredKey::new(&[b'k'; 250]).is_some());
        assert!(StoredKey::new(&[b'k'; 251]).is_none());
        assert_eq!(StoredKey::new(b"").unwrap().as_bytes().len(), 8);
    }
}

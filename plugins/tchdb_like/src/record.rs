//! One record as bytes: a head, the key, the value, padding.
//!
//! The head has a check of its own, over itself and the key, so that the key
//! of a record whose value is damaged is still known. Every check depends on
//! the file's seed, and the head's on the place in the file too: bytes that
//! look like a record, in a value or copied from elsewhere, are none.

use crc32fast::Hasher;
use kumo_plugin::{Error, ErrorCode};

/// The bytes before the key.
pub(crate) const HEAD: usize = 32;

/// Records begin at multiples of this, where recovery looks for them.
pub(crate) const ALIGN: u64 = 8;

/// The head's own check, behind all that it covers but the key.
const CHECK: usize = 28;

/// What a record does to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Put = 1,
    Delete = 2,
}

/// A record's head, checked or about to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub kind: Kind,
    pub sequence: u64,
    pub key_len: u32,
    pub val_len: u32,
    pub val_check: u32,
}

impl Head {
    /// The bytes from the start of this record to the start of the next.
    pub fn total(&self) -> u64 {
        total(self.key_len, self.val_len)
    }
}

/// The bytes of a record with such a key and value, padding included.
pub(crate) fn total(key_len: u32, val_len: u32) -> u64 {
    (HEAD as u64 + u64::from(key_len) + u64::from(val_len)).next_multiple_of(ALIGN)
}

/// What makes the records of one file its own: a secret half of it marks the
/// start of every record, the other half starts every check.
#[derive(Clone, Copy)]
pub(crate) struct Seed(pub u64);

impl Seed {
    fn mark(self) -> [u8; 4] {
        ((self.0 >> 32) as u32).to_le_bytes()
    }

    /// Starts the check of a value.
    pub fn value_check(self) -> Hasher {
        Hasher::new_with_initial(self.0 as u32)
    }

    /// Starts the check of the head at `at`; the key is to follow.
    pub fn head_check(self, at: u64, head: &[u8; HEAD]) -> Hasher {
        let mut check = Hasher::new_with_initial(self.0 as u32);
        check.update(&at.to_le_bytes());
        check.update(&head[..CHECK]);
        check
    }

    /// A record without its place: [`Seed::place`] completes it.
    pub fn encode(self, kind: Kind, key: &[u8], val: &[u8]) -> Result<Vec<u8>, Error> {
        let (Ok(key_len), Ok(val_len)) = (u32::try_from(key.len()), u32::try_from(val.len()))
        else {
            return Err(Error::invalid("a key or a value may have at most 4 GiB less a byte"));
        };
        let total = usize::try_from(total(key_len, val_len))
            .map_err(|_| Error::invalid("the record is longer than this machine's memory"))?;
        let mut bytes = Vec::new();
        reserve(&mut bytes, total)?;
        let mut val_check = self.value_check();
        val_check.update(val);
        bytes.extend(self.mark());
        bytes.extend((kind as u32).to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend(key_len.to_le_bytes());
        bytes.extend(val_len.to_le_bytes());
        bytes.extend(val_check.finalize().to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(key);
        bytes.extend(val);
        bytes.resize(total, 0);
        Ok(bytes)
    }

    /// Makes an encoded record the one at `at`.
    pub fn place(self, bytes: &mut [u8], key_len: usize, at: u64, sequence: u64) {
        bytes[8..16].copy_from_slice(&sequence.to_le_bytes());
        let (head, rest) = bytes.split_at_mut(HEAD);
        let mut whole = [0; HEAD];
        whole.copy_from_slice(head);
        let mut check = self.head_check(at, &whole);
        check.update(&rest[..key_len]);
        head[CHECK..].copy_from_slice(&check.finalize().to_le_bytes());
    }

    /// Reads a head. None where there can be none; otherwise its fields, not
    /// to be trusted before [`Seed::head_check`] and the key give the check
    /// that is returned with them.
    pub fn decode(self, bytes: &[u8; HEAD]) -> Option<(Head, u32)> {
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        if bytes[..4] != self.mark() {
            return None;
        }
        let kind = match word(4) {
            1 => Kind::Put,
            2 => Kind::Delete,
            _ => return None,
        };
        let sequence = u64::from(word(8)) | u64::from(word(12)) << 32;
        let head =
            Head { kind, sequence, key_len: word(16), val_len: word(20), val_check: word(24) };
        Some((head, word(CHECK)))
    }
}

/// Makes room, or says that there is no memory.
pub(crate) fn reserve(bytes: &mut Vec<u8>, more: usize) -> Result<(), Error> {
    bytes.try_reserve_exact(more).map_err(|_| {
        Error::new(ErrorCode::Memory, format!("no memory for a record of {more} bytes"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: Seed = Seed(0x0123_4567_89ab_cdef);

    #[test]
    fn a_record_has_the_documented_bytes() {
        let mut bytes = SEED.encode(Kind::Put, b"key", b"value").unwrap();
        SEED.place(&mut bytes, 3, 64, 7);
        assert_eq!(bytes.len(), 40);
        assert_eq!(bytes[..4], 0x0123_4567_u32.to_le_bytes());
        assert_eq!(bytes[4..24], [1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0]);
        assert_eq!(bytes[32..], *b"keyvalue");
        let mut val = Hasher::new_with_initial(0x89ab_cdef);
        val.update(b"value");
        assert_eq!(bytes[24..28], val.finalize().to_le_bytes());
        let mut head = Hasher::new_with_initial(0x89ab_cdef);
        head.update(&[64, 0, 0, 0, 0, 0, 0, 0]);
        head.update(&bytes[..28]);
        head.update(b"key");
        assert_eq!(bytes[28..32], head.finalize().to_le_bytes());
    }

    #[test]
    fn a_head_fits_its_file_its_place_and_its_key_only() {
        let mut bytes = SEED.encode(Kind::Delete, b"key", b"").unwrap();
        SEED.place(&mut bytes, 3, 64, 1);
        let raw: &[u8; HEAD] = bytes[..HEAD].try_into().unwrap();
        let fits = |seed: Seed, at, key: &[u8]| {
            let Some((_, wanted)) = seed.decode(raw) else { return false };
            let mut check = seed.head_check(at, raw);
            check.update(key);
            check.finalize() == wanted
        };
        assert!(fits(SEED, 64, b"key"));
        assert!(!fits(SEED, 72, b"key"));
        assert!(!fits(SEED, 64, b"kez"));
        assert!(!fits(Seed(SEED.0 ^ 1), 64, b"key"));
        assert!(!fits(Seed(SEED.0 ^ 1 << 63), 64, b"key"));
        assert_eq!(SEED.decode(&[0; HEAD]), None);
    }
}

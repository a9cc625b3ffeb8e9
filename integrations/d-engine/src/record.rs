//! Keys and values as they are stored, in the format of kumofs, which engines may
//! rely on. Numbers are big-endian.
//!
//! ```text
//! key    hash 8 | space 1 | the key within the space
//! value  order 8 | meta 2, zero | crc 4 | data
//! ```
//!
//! The hash is the first 8 bytes of the SHA-1 of what follows it, as kumofs has it.
//! The order stands where kumofs has its clock: the index of the Raft entry that
//! wrote the record. The CRC-32 is over space, key and data: not every engine has
//! a checksum, and a record that is handed out under the wrong key is damage too.

use kumo::host::{ErrorCode, Failure};
use kumo_plugin::record::{KEY_HEADER_SIZE, VALUE_HEADER_SIZE};
use sha1::{Digest, Sha1};

const CRC_SIZE: usize = 4;
const DATA_AT: usize = VALUE_HEADER_SIZE + CRC_SIZE;

/// What a record is for: the byte before its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Space {
    /// A run of log entries, by the index of the first.
    Run = b'L',
    /// How far the log has been purged.
    PurgeBoundary = b'B',
    /// The last entry before a gap in the log.
    Gap = b'G',
    /// The term and the vote.
    HardState = b'H',
    /// A key of the state machine's.
    Data = b'D',
    /// The last entry that was applied.
    Applied = b'A',
    /// The first entry of a term, by its index.
    Term = b'T',
    /// What is known of the last snapshot.
    Snapshot = b'S',
    /// Changes that are being carried out together.
    Commit = b'C',
}

/// The stored key.
pub fn key(space: Space, key: &[u8]) -> Vec<u8> {
    let mut stored = vec![0; KEY_HEADER_SIZE];
    stored.reserve(1 + key.len());
    stored.push(space as u8);
    stored.extend_from_slice(key);
    let digest = Sha1::digest(&stored[KEY_HEADER_SIZE..]);
    stored[..KEY_HEADER_SIZE].copy_from_slice(&digest[..KEY_HEADER_SIZE]);
    stored
}

/// The key within the space, where a stored key is of it.
pub fn key_in(space: Space, stored: &[u8]) -> Option<&[u8]> {
    stored.get(KEY_HEADER_SIZE..)?.strip_prefix(&[space as u8])
}

/// The stored value, for a stored key.
pub fn value(stored_key: &[u8], order: u64, data: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(DATA_AT + data.len());
    stored.extend_from_slice(&order.to_be_bytes());
    stored.extend_from_slice(&[0, 0]);
    stored.extend_from_slice(&crc(stored_key, data).to_be_bytes());
    stored.extend_from_slice(data);
    stored
}

/// The data in a stored value, checked.
pub fn data<'a>(stored_key: &[u8], stored: &'a [u8]) -> Result<&'a [u8], Failure> {
    let whole = stored.get(VALUE_HEADER_SIZE..).and_then(<[u8]>::split_first_chunk);
    match whole {
        Some((sum, data)) if u32::from_be_bytes(*sum) == crc(stored_key, data) => Ok(data),
        _ => Err(Failure::new(
            ErrorCode::Corrupt,
            format!(
                "the record {} is damaged: its checksum does not match; have this node \
                 leave the cluster and join it anew, with an empty directory",
                stored_key.get(KEY_HEADER_SIZE..).unwrap_or_default().escape_ascii()
            ),
        )),
    }
}

fn crc(stored_key: &[u8], data: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(stored_key.get(KEY_HEADER_SIZE..).unwrap_or_default());
    hasher.update(data);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let stored = key(Space::Data, b"name");
        assert_eq!(key_in(Space::Data, &stored), Some(&b"name"[..]));
        assert_eq!(key_in(Space::Run, &stored), None);
        let written = value(&stored, 7, b"data");
        assert_eq!(kumo_plugin::record::clocktime(&written), Some(7));
        assert_eq!(kumo_plugin::record::meta(&written), Some(0));
        assert_eq!(data(&stored, &written).unwrap(), b"data");
    }

    #[test]
    fn damage_and_the_wrong_key_are_told() {
        let stored = key(Space::Data, b"name");
        let written = value(&stored, 7, b"data");
        for at in 10..written.len() {
            let mut damaged = written.clone();
            damaged[at] ^= 1;
            assert_eq!(data(&stored, &damaged).unwrap_err().code, ErrorCode::Corrupt);
        }
        assert!(data(&stored, &written[..12]).is_err());
        assert!(data(&key(Space::Data, b"other"), &written).is_err());
    }
}

//! The host's own record: the clock's mark, the flush, the format's version.
//!
//! It stands in the database under the client key of no bytes, which no client
//! can name. Its data, all big-endian, behind the header of any value:
//!
//! ```text
//! "kumo" | version 2 | 0 2 | mark 8 | flushed 8 | flush due 4 | 0 4 | tombstones 8
//! ```

use super::super::{
    key::StoredKey,
    record::{Head, decode, encode},
};
use crate::host::{Failure, Pins, Storage};
use kumo_plugin::ErrorCode;

const MAGIC: &[u8; 4] = b"kumo";
const VERSION: u16 = 1;
const SIZE: usize = 40;

/// No flush is due.
pub(in super::super) const NEVER: u32 = u32::MAX;

/// What the record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct State {
    /// No clocktime at or above this has been given out.
    pub mark: u64,
    /// Records up to this clocktime are flushed.
    pub flushed: u64,
    /// The UNIX time of a flush to come, or [`NEVER`].
    pub flush_due: u32,
    /// How many tombstones there are.
    pub tombstones: u64,
}

/// The key that the record stands under.
pub(in super::super) fn key() -> Result<StoredKey, Failure> {
    StoredKey::new(b"").ok_or_else(|| Failure::other("no key"))
}

impl State {
    /// What a database says; None where it has no such record.
    pub fn of(storage: &Storage) -> Result<Option<Self>, Failure> {
        let pins = Pins::new();
        let found = storage.get(key()?.as_bytes(), &pins)?.map(decode).transpose()?.flatten();
        found.map(|(_, data)| Self::decode(data)).transpose()
    }

    /// Writes the record, which `time` stamps.
    pub fn store(&self, storage: &Storage, time: u64) -> Result<(), Failure> {
        let mut value = Vec::new();
        let head = Head { clocktime: time, ..Head::default() };
        encode(&mut value, &head, [&self.encode(), &[]]);
        storage.set(key()?.as_bytes(), &value)
    }

    fn encode(&self) -> [u8; SIZE] {
        let mut out = [0; SIZE];
        out[..4].copy_from_slice(MAGIC);
        out[4..6].copy_from_slice(&VERSION.to_be_bytes());
        out[8..16].copy_from_slice(&self.mark.to_be_bytes());
        out[16..24].copy_from_slice(&self.flushed.to_be_bytes());
        out[24..28].copy_from_slice(&self.flush_due.to_be_bytes());
        out[32..40].copy_from_slice(&self.tombstones.to_be_bytes());
        out
    }

    fn decode(data: &[u8]) -> Result<Self, Failure> {
        let corrupt = |what| {
            Failure::new(ErrorCode::Corrupt, format!("kumo's own record in the database {what}"))
        };
        let data = data.get(..SIZE).ok_or_else(|| corrupt("is too short; restore a backup"))?;
        if &data[..4] != MAGIC {
            return Err(corrupt("is not kumo's; another program wrote it"));
        }
        let number = |at: usize, len: usize| {
            data[at..at + len].iter().fold(0u64, |n, &byte| n << 8 | u64::from(byte))
        };
        let version = number(4, 2);
        if version != u64::from(VERSION) {
            return Err(corrupt(&format!("has version {version}; use a newer kumo")));
        }
        Ok(Self {
            mark: number(8, 8),
            flushed: number(16, 8),
            flush_due: number(24, 4) as u32,
            tombstones: number(32, 8),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_stored_and_read() {
        let state = State { mark: 1 << 60, flushed: 3, flush_due: 4, tombstones: 5 };
        assert_eq!(State::decode(&state.encode()).unwrap(), state);
    }

    #[test]
    fn a_foreign_short_or_newer_record_is_refused() {
        let good = State { mark: 1, flushed: 0, flush_due: NEVER, tombstones: 0 }.encode();
        assert!(State::decode(&good[..39]).unwrap_err().text.contains("too short"));
        let mut newer = good;
        newer[5] = 2;
        assert!(State::decode(&newer).unwrap_err().text.contains("newer kumo"));
        let mut foreign = good;
        foreign[0] = b'K';
        assert!(State::decode(&foreign).unwrap_err().text.contains("another program"));
    }
}

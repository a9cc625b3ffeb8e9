//! Values as they are stored: kumofs's header, then what its meta field
//! describes, then the client's data. All numbers are big-endian.
//!
//! ```text
//! clocktime 8 | meta 2 | expiry 4 | flags 4 | cas 8 | data
//!                        bit 0      bit 1     bit 2
//! ```
//!
//! A part is there if its bit in meta is set; kumofs always writes 0. Bits 3
//! and 4 (stale, win token sent) have no part. What has another bit was
//! written by a later version.

use crate::host::Failure;
use kumo_plugin::{
    ErrorCode,
    record::{VALUE_HEADER_SIZE, clocktime, meta},
};

const EXPIRY: u16 = 1 << 0;
const FLAGS: u16 = 1 << 1;
const CAS: u16 = 1 << 2;
const STALE: u16 = 1 << 3;
const WIN_SENT: u16 = 1 << 4;
const KNOWN: u16 = EXPIRY | FLAGS | CAS | STALE | WIN_SENT;

/// The most bytes that stand before the data.
pub(super) const MAX_HEAD: usize = VALUE_HEADER_SIZE + 4 + 4 + 8;

/// What stands before the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Head {
    /// When the record was written; its order among all writes.
    pub clocktime: u64,
    /// The UNIX time at which it expires.
    pub expiry: Option<u32>,
    /// The client's flags.
    pub flags: u32,
    /// A CAS unique that a client set; otherwise the clocktime is it.
    pub explicit_cas: Option<u64>,
    /// The bits of meta that have no part.
    pub marks: u16,
}

impl Head {
    /// The CAS unique.
    pub fn cas(&self) -> u64 {
        self.explicit_cas.unwrap_or(self.clocktime)
    }
}

/// Reads a stored value, or at least [`MAX_HEAD`] bytes of its start: what
/// stands before the data, and the data. None for a tombstone and for what is
/// too short to be a value, which read as absent.
pub(super) fn decode(value: &[u8]) -> Result<Option<(Head, &[u8])>, Failure> {
    let (Some(clocktime), Some(meta)) = (clocktime(value), meta(value)) else { return Ok(None) };
    let mut rest = &value[VALUE_HEADER_SIZE..];
    let mut head = Head { clocktime, marks: meta & (STALE | WIN_SENT), ..Head::default() };
    if meta != 0 {
        if meta & !KNOWN != 0 {
            return Err(Failure::new(
                ErrorCode::Unsupported,
                format!("the record was written by a newer version of kumo (meta {meta:#06x})"),
            ));
        }
        if meta & EXPIRY != 0 {
            head.expiry = Some(u32::from_be_bytes(take(&mut rest)?));
        }
        if meta & FLAGS != 0 {
            head.flags = u32::from_be_bytes(take(&mut rest)?);
        }
        if meta & CAS != 0 {
            head.explicit_cas = Some(u64::from_be_bytes(take(&mut rest)?));
        }
    }
    Ok(Some((head, rest)))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Failure> {
    let (part, behind) = rest.split_first_chunk().ok_or_else(|| {
        Failure::new(ErrorCode::Corrupt, "the record ends within its header; it is damaged")
    })?;
    *rest = behind;
    Ok(*part)
}

/// Writes a stored value into `out`, replacing what is there; the data is
/// `parts`, one behind the other.
pub(super) fn encode(out: &mut Vec<u8>, head: &Head, parts: [&[u8]; 2]) {
    let mut meta = head.marks;
    meta |= if head.expiry.is_some() { EXPIRY } else { 0 };
    meta |= if head.flags != 0 { FLAGS } else { 0 };
    meta |= if head.explicit_cas.is_some() { CAS } else { 0 };
    out.clear();
    out.reserve(MAX_HEAD + parts[0].len() + parts[1].len());
    out.extend_from_slice(&head.clocktime.to_be_bytes());
    out.extend_from_slice(&meta.to_be_bytes());
    if let Some(expiry) = head.expiry {
        out.extend_from_slice(&expiry.to_be_bytes());
    }
    if head.flags != 0 {
        out.extend_from_slice(&head.flags.to_be_bytes());
    }
    if let Some(cas) = head.explicit_cas {
        out.extend_from_slice(&cas.to_be_bytes());
    }
    out.extend_from_slice(parts[0]);
    out.extend_from_slice(parts[1]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            clocktime: u64,
            expiry: Option<u32>,
            flags: u32,
            explicit_cas: Option<u64>,
            marks in prop::sample::select(vec![0, STALE, WIN_SENT, STALE | WIN_SENT]),
            data: Vec<u8>,
            cut in 0usize..20,
        ) {
            let head = Head { clocktime, expiry, flags, explicit_cas, marks };
            let mut value = vec![1, 2, 3];
            let (front, back) = data.split_at(cut.min(data.len()));
            encode(&mut value, &head, [front, back]);
            prop_assert_eq!(decode(&value).unwrap(), Some((head, &data[..])));
            // The start alone says as much.
            let start = &value[..value.len().min(MAX_HEAD)];
            prop_assert_eq!(decode(start).unwrap().unwrap().0, head);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(value: Vec<u8>) {
            let _ = decode(&value);
        }
    }

    #[test]
    fn a_value_of_kumofs_has_no_parts() {
        let value = [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, b'h', b'i'];
        let (head, data) = decode(&value).unwrap().unwrap();
        assert_eq!((head.cas(), head.flags, head.expiry), (0x1_0000_0002, 0, None));
        assert_eq!(data, b"hi");
    }

    #[test]
    fn short_values_read_as_absent() {
        for len in 0..10 {
            assert_eq!(decode(&[7; 10][..len]).unwrap(), None);
        }
    }

    #[test]
    fn unknown_bits_and_missing_parts_are_refused() {
        let newer = [0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0];
        assert_eq!(decode(&newer).unwrap_err().code, ErrorCode::Unsupported);
        let cut = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9];
        assert_eq!(decode(&cut).unwrap_err().code, ErrorCode::Corrupt);
    }
}

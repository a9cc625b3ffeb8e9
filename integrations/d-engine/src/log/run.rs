//! A run: log entries without a gap between them, stored as one record. A batch is
//! one record, or few: so it costs one write, and one read.
//!
//! ```text
//! for each entry   term 8 | kind 1 | length 4 | payload
//! ```
//!
//! Numbers are big-endian. The index of the first entry is the record's key. A
//! command's payload is its bytes, to be handed out without a copy; any other is
//! the protobuf message.

use bytes::{Buf, Bytes};
use d_engine::common::{Entry, EntryPayload, entry_payload::Payload};
use kumo::host::{ErrorCode, Failure};
use prost::Message;

/// The most entries of a run.
const MAX_ENTRIES: usize = 256;

/// The most bytes of payload in a run of more than one entry.
const MAX_BYTES: usize = 64 * 1024;

const HEAD: usize = 8 + 1 + 4;

const EMPTY: u8 = 0;
const COMMAND: u8 = 1;
const MESSAGE: u8 = 2;

/// Cuts entries, in the order of their indexes, into runs.
pub fn cut(entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    let mut rest = entries;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let mut bytes = 0;
        let fits = |&(at, entry): &(usize, &Entry)| {
            bytes += size(entry);
            at == 0
                || (at < MAX_ENTRIES
                    && bytes <= MAX_BYTES
                    && entry.index == first.index + at as u64)
        };
        let len = rest.iter().enumerate().take_while(fits).count();
        let run;
        (run, rest) = rest.split_at(len);
        Some(run)
    })
}

/// About how many bytes an entry takes.
fn size(entry: &Entry) -> usize {
    HEAD + match &entry.payload {
        Some(EntryPayload { payload: Some(Payload::Command(command)) }) => command.len(),
        Some(payload) => payload.encoded_len(),
        None => 0,
    }
}

/// The record's data.
pub fn encode(entries: &[Entry]) -> Result<Vec<u8>, Failure> {
    let mut data = Vec::with_capacity(entries.iter().map(size).sum());
    for entry in entries {
        let message;
        let (kind, payload) = match &entry.payload {
            None => (EMPTY, &[][..]),
            Some(EntryPayload { payload: Some(Payload::Command(command)) }) => {
                (COMMAND, &command[..])
            }
            Some(payload) => {
                message = payload.encode_to_vec();
                (MESSAGE, &message[..])
            }
        };
        let len = u32::try_from(payload.len())
            .map_err(|_| Failure::new(ErrorCode::Invalid, "a log entry has at most 4 GiB - 1"))?;
        data.extend_from_slice(&entry.term.to_be_bytes());
        data.push(kind);
        data.extend_from_slice(&len.to_be_bytes());
        data.extend_from_slice(payload);
    }
    Ok(data)
}

/// The entries in a record, of which `first` is the first.
pub fn decode(first: u64, data: Bytes) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    decode_into(first, data, &mut entries)?;
    Ok(entries)
}

/// As [`decode`], behind what is there already.
pub fn decode_into(first: u64, mut data: Bytes, entries: &mut Vec<Entry>) -> Result<(), Failure> {
    let damaged = |what: &str| {
        Failure::new(ErrorCode::Corrupt, format!("the run of log entries from {first} on {what}"))
    };
    for index in first.. {
        if data.is_empty() {
            break;
        }
        if data.len() < HEAD {
            return Err(damaged("ends within an entry"));
        }
        let (term, kind, len) = (data.get_u64(), data.get_u8(), data.get_u32() as usize);
        if data.len() < len {
            return Err(damaged("ends within an entry"));
        }
        let payload = data.split_to(len);
        let payload = match kind {
            EMPTY => None,
            COMMAND => Some(EntryPayload { payload: Some(Payload::Command(payload)) }),
            MESSAGE => Some(
                EntryPayload::decode(payload).map_err(|_| damaged("has a payload that is none"))?,
            ),
            _ => return Err(damaged("was written by a later version")),
        };
        entries.push(Entry { index, term, payload });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(index: u64, len: usize) -> Entry {
        let payload = Payload::Command(vec![7; len].into());
        Entry { index, term: 3, payload: Some(EntryPayload { payload: Some(payload) }) }
    }

    #[test]
    fn all_payloads_are_read_as_they_were_written() {
        let other = |payload| Some(EntryPayload { payload });
        let entries = vec![
            command(5, 100),
            Entry { index: 6, term: 3, payload: None },
            Entry { index: 7, term: 4, payload: other(None) },
            Entry { index: 8, term: 4, payload: other(Some(Payload::Noop(Default::default()))) },
            Entry { index: 9, term: 4, payload: other(Some(Payload::Config(Default::default()))) },
            command(10, 0),
        ];
        let data = encode(&entries).unwrap();
        assert_eq!(decode(5, data.clone().into()).unwrap(), entries);
        assert!(decode(5, data[..data.len() - 1].to_vec().into()).is_err());
        assert!(decode(5, vec![9; HEAD].into()).is_err());
    }

    #[test]
    fn runs_end_at_gaps_and_at_their_limits() {
        let lens = |entries: &[Entry]| cut(entries).map(<[Entry]>::len).collect::<Vec<_>>();
        let many: Vec<_> = (1..=600).map(|index| command(index, 8)).collect();
        assert_eq!(lens(&many), [256, 256, 88]);
        assert_eq!(lens(&[command(1, 8), command(2, 8), command(4, 8)]), [2, 1]);
        let big = [command(1, 70_000), command(2, 70_000), command(3, 1), command(4, 1)];
        assert_eq!(lens(&big), [1, 1, 2]);
        assert!(lens(&[]).is_empty());
    }
}

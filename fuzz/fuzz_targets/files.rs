//! Any bytes from a memcached server to what reads them in the file store: the
//! client's answers, the metadata, the chunks.

#![no_main]

use bytes::Bytes;
use kumo_files::{
    chunk,
    client::reply::{Parsed, Reply, parse},
    metadata::Metadata,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    replies(input);
    metadata(input);
    // Nobody has sealed them.
    assert_eq!(chunk::open("key", &Bytes::copy_from_slice(input)), None);
});

/// A stream of answers: each is within the input, and does not depend on what
/// follows it or on how it arrives.
fn replies(input: &[u8]) {
    let mut rest = input;
    while !rest.is_empty() {
        match parse(rest) {
            Parsed::Nonsense => break,
            Parsed::Incomplete { need } => {
                assert!(need > rest.len());
                break;
            }
            Parsed::Reply { reply, used } => {
                assert!(0 < used && used <= rest.len());
                if let Reply::Value { key, data, .. } = &reply {
                    assert!(!rest[key.clone()].is_empty() && data.end + 2 == used);
                }
                let alone = parse(&rest[..used]);
                assert_eq!(alone, Parsed::Reply { reply, used });
                let part = parse(&rest[..used - 1]);
                assert!(matches!(part, Parsed::Incomplete { need } if need == used), "{part:?}");
                rest = &rest[used..];
            }
        }
    }
}

/// What is read is what would be written.
fn metadata(input: &[u8]) {
    if let Some(Metadata::Record(record)) = Metadata::parse(input) {
        assert!(record.chunks() <= record.size);
        assert_eq!(Metadata::parse(&record.bytes()), Some(Metadata::Record(record)));
    }
}

//! Any bytes to the parser of the text protocol: it stays within them, and a
//! request does not depend on what follows it or on how it arrives.

#![no_main]

use kumo::protocol::text::{Keys, Limits, Parsed, Request, parse};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { item_size: 1 << 20, keys_line: 1 << 20 };

fuzz_target!(|input: &[u8]| {
    let mut rest = input;
    while !rest.is_empty() {
        match parse(rest, LIMITS) {
            Parsed::Incomplete { need } => {
                assert!(need > rest.len());
                break;
            }
            Parsed::Request { request, used, noreply } => {
                assert!(0 < used && used <= rest.len());
                same_when_alone(&request, &rest[..used], noreply);
                let Some(skipped) = skip(&request) else { break };
                let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
                rest = &rest[used..];
                rest = &rest[skipped.min(rest.len())..];
            }
        }
    }
});

/// How many bytes behind a request are not commands; None: it closes.
fn skip(request: &Request<'_>) -> Option<u64> {
    match *request {
        Request::Close => None,
        Request::Refused { swallow, .. } => Some(swallow),
        Request::Get { keys, .. } | Request::GetAndTouch { keys, .. } => {
            check_keys(keys);
            Some(0)
        }
        _ => Some(0),
    }
}

/// A request's own bytes make the same request, and a part of them none but an
/// early refusal.
fn same_when_alone(request: &Request<'_>, bytes: &[u8], noreply: bool) {
    match parse(bytes, LIMITS) {
        Parsed::Request { request: alone, used, noreply: silent } => {
            assert_eq!((used, silent), (bytes.len(), noreply));
            assert_eq!(format!("{alone:?}"), format!("{request:?}"));
        }
        Parsed::Incomplete { .. } => panic!("{request:?} is incomplete without what follows"),
    }
    if let Request::Store { .. } = request {
        let part = &bytes[..bytes.len() - 1];
        assert!(matches!(parse(part, LIMITS), Parsed::Incomplete { need } if need == bytes.len()));
    }
}

fn check_keys(mut keys: Keys<'_>) {
    let mut count = 0;
    while let Some(key) = keys.take() {
        assert!((1..=250).contains(&key.len()) && !key.contains(&b' '));
        count += 1;
    }
    assert!(count > 0);
}

//! `Range: bytes=...`, one range at most.

use std::ops::Range;

/// What a Range header asks of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// All of it: there is no header, or one that may be ignored.
    Whole,
    /// These bytes; there is at least one.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Unsatisfiable,
}

/// Reads the header's value for a file of `size` bytes. Several ranges, which
/// would be a multipart answer, may be ignored as other units are.
pub fn asked(value: Option<&str>, size: u64) -> Asked {
    let Some(set) = value.and_then(|value| value.trim().strip_prefix("bytes=")) else {
        return Asked::Whole;
    };
    let Some((first, last)) = set.trim().split_once('-') else { return Asked::Whole };
    match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => part(first..size, size),
        (Some(first), Some(last)) if first <= last => {
            part(first..last.saturating_add(1).min(size), size)
        }
        // The last bytes.
        (None, Some(length)) if first.is_empty() => part(size.saturating_sub(length)..size, size),
        _ => Asked::Whole,
    }
}

fn part(range: Range<u64>, size: u64) -> Asked {
    if range.start < range.end && range.end <= size {
        Asked::Part(range)
    } else {
        Asked::Unsatisfiable
    }
}

/// Digits. A number too large for us is beyond any file.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges() {
        let of = |value| asked(Some(value), 10);
        assert_eq!(of("bytes=0-4"), Asked::Part(0..5));
        assert_eq!(of("bytes=9-"), Asked::Part(9..10));
        assert_eq!(of("bytes=5-99999999999999999999"), Asked::Part(5..10));
        assert_eq!(of("bytes=-3"), Asked::Part(7..10));
        assert_eq!(of("bytes=-30"), Asked::Part(0..10));
        for beyond in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(of(beyond), Asked::Unsatisfiable, "{beyond}");
        }
        for ignored in
            ["", "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b"]
        {
            assert_eq!(of(ignored), Asked::Whole, "{ignored}");
        }
        assert_eq!(asked(None, 10), Asked::Whole);
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Unsatisfiable);
    }

    proptest! {
        #[test]
        fn a_part_is_within_the_file(value in "bytes=[0-9]{0,21}-[0-9]{0,21}", size: u64) {
            if let Asked::Part(range) = asked(Some(&value), size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}

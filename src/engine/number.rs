//! Numbers as memcached reads them with the C library.

/// C's white space.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// The sign and the magnitude that `strtoll` and `strtoull` find: white space,
/// a sign, digits; behind them the end, white space or a NUL, and then anything.
fn signed(text: &[u8]) -> Option<(bool, u64)> {
    let start = text.iter().position(|&byte| !is_space(byte))?;
    let (negative, digits) = match &text[start..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 || digits.get(end).is_some_and(|&byte| byte != 0 && !is_space(byte)) {
        return None;
    }
    Some((negative, digits_only(&digits[..end])?))
}

/// A number of digits alone; None where it does not fit.
pub(crate) fn digits_only(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |number, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// An unsigned number, as `strtoull` reads it: it takes a minus, and negates
/// modulo 2^64. memcached refuses what is behind a minus if that makes it
/// large, so `-0` passes and `-1` does not.
pub(crate) fn strtoull(text: &[u8]) -> Option<u64> {
    match signed(text)? {
        (false, number) => Some(number),
        (true, number) => Some(number.wrapping_neg()).filter(|&n| i64::try_from(n).is_ok()),
    }
}

/// A signed number, as `strtoll` reads it.
pub(crate) fn strtoll(text: &[u8]) -> Option<i64> {
    match signed(text)? {
        (false, number) => i64::try_from(number).ok(),
        (true, number) => 0i64.checked_sub_unsigned(number),
    }
}

/// A number's digits, padded with spaces to the length of what it replaces, as
/// memcached does.
pub(crate) fn padded(number: u64, len: usize) -> Vec<u8> {
    let mut text = itoa::Buffer::new().format(number).as_bytes().to_vec();
    text.resize(text.len().max(len), b' ');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsigned_numbers_are_read_as_strtoull_reads_them() {
        for (text, number) in [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("00000000000000000000000000007", Some(7)),
            (" \t+12", Some(12)),
            ("1 2", Some(1)),
            ("1\0x", Some(1)),
            ("2\t", Some(2)),
            ("", None),
            (" ", None),
            ("+", None),
            ("-0", Some(0)),
            ("-1", None),
            ("-18446744073709551615", Some(1)),
            ("1x", None),
            ("1.0", None),
        ] {
            assert_eq!(strtoull(text.as_bytes()), number, "{text:?}");
        }
    }

    #[test]
    fn signed_numbers_have_the_range_of_64_bits() {
        assert_eq!(strtoll(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(strtoll(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(strtoll(b"9223372036854775808"), None);
        assert_eq!(strtoll(b"-9223372036854775809"), None);
        assert_eq!(strtoll(b"+5"), Some(5));
        assert_eq!(strtoll(b"-0"), Some(0));
    }
}

//! A command line: its words and their numbers.

use crate::engine::number::{digits_only, strtoll, strtoull};

/// How many words of a line are looked at, the keys of a get apart.
const MAX_WORDS: usize = 23;

/// The words of a line: what stands between spaces.
pub(super) struct Words<'a> {
    words: [&'a [u8]; MAX_WORDS],
    len: usize,
}

impl<'a> Words<'a> {
    pub fn of(line: &'a [u8]) -> Self {
        let mut words: [&[u8]; MAX_WORDS] = [&[]; MAX_WORDS];
        let mut len = 0;
        for (slot, word) in words.iter_mut().zip(split(line)) {
            *slot = word;
            len += 1;
        }
        Self { words, len }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Word `n`, from 0; empty where there is none.
    pub fn word(&self, n: usize) -> &'a [u8] {
        self.words.get(n).copied().unwrap_or_default()
    }

    pub fn last(&self) -> &'a [u8] {
        self.len.checked_sub(1).map_or(&[], |n| self.words[n])
    }

    /// Whether the last word asks for no reply.
    pub fn noreply(&self) -> bool {
        self.last() == b"noreply"
    }
}

/// The words of a line, however many.
pub(super) fn split(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b' ').filter(|word| !word.is_empty())
}

/// A delta or a CAS unique: digits alone, 22 at most.
pub(super) fn unsigned_64(word: &[u8]) -> Option<u64> {
    if word.len() <= 22 { digits_only(word) } else { None }
}

/// An unsigned number of 32 bits: digits alone, 11 at most.
pub(super) fn unsigned_32(word: &[u8]) -> Option<u32> {
    if word.len() <= 11 { u32::try_from(digits_only(word)?).ok() } else { None }
}

/// A length or an expiry: a minus or none, and digits, 11 characters at most.
pub(super) fn signed_32(word: &[u8]) -> Option<i32> {
    if word.len() > 11 {
        return None;
    }
    let (negative, digits) = match word {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let number = i64::try_from(digits_only(digits)?).ok()?;
    i32::try_from(if negative { -number } else { number }).ok()
}

/// A storage command's flags: read with `strtoull` and cut to 32 bits.
pub(super) fn flags(word: &[u8]) -> Option<u32> {
    strtoull(word).map(|number| number as u32)
}

/// A storage command's expiry: read with `strtoll` and cut to 32 bits.
pub(super) fn exptime(word: &[u8]) -> Option<i32> {
    strtoll(word).map(|number| number as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_between_spaces_and_there_are_23_at_most() {
        let words = Words::of(b"  get  a\tb c ");
        assert_eq!(words.len(), 3);
        assert_eq!(
            (words.word(0), words.word(1), words.last()),
            (&b"get"[..], &b"a\tb"[..], &b"c"[..])
        );
        assert_eq!(words.word(3), b"");
        let long = b"x ".repeat(30);
        assert_eq!(Words::of(&long).len(), 23);
        assert_eq!(Words::of(b"   ").last(), b"");
    }

    #[test]
    fn numbers_have_memcached_s_limits() {
        assert_eq!(unsigned_64(b"0000000000000000000001"), Some(1));
        assert_eq!(unsigned_64(b"00000000000000000000001"), None);
        assert_eq!(unsigned_64(b"+1"), None);
        assert_eq!(unsigned_32(b"4294967295"), Some(u32::MAX));
        assert_eq!(unsigned_32(b"4294967296"), None);
        assert_eq!(signed_32(b"-2147483648"), Some(i32::MIN));
        assert_eq!(signed_32(b"2147483648"), None);
        assert_eq!(signed_32(b"-0"), Some(0));
        assert_eq!(signed_32(b"-"), None);
        assert_eq!(signed_32(b"+1"), None);
        assert_eq!(flags(b"+1"), Some(1));
        assert_eq!(flags(b"4294967297"), Some(1));
        assert_eq!(flags(b"-1"), None);
        assert_eq!(exptime(b"2147483648"), Some(i32::MIN));
        assert_eq!(exptime(b"-2147483649"), Some(i32::MAX));
    }
}

//! The names of a file's records in memcached.

use md5::{Digest, Md5};
use std::fmt::Write;

const PREFIX: &str = "filestore:";

/// The key of a file's metadata: `filestore:` and the MD5 of its name in hex.
#[must_use]
pub fn metadata(name: &str) -> String {
    let mut key = PREFIX.to_owned();
    // Writing to a String does not fail.
    Md5::digest(name.as_bytes()).iter().for_each(|byte| _ = write!(key, "{byte:02x}"));
    key
}

/// Whether a key is one of a file's metadata, and not of a chunk.
#[must_use]
pub fn is_metadata(key: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    key.strip_prefix(PREFIX).is_some_and(|hash| hash.len() == 32 && hash.bytes().all(hex))
}

/// The key of a chunk, in a version of a file.
#[must_use]
pub fn chunk(metadata: &str, version: u64, n: u64) -> String {
    format!("{metadata}:{version:016x}:{n}")
}

/// The key of a chunk in a file that the original stored.
#[must_use]
pub fn original_chunk(metadata: &str, n: u64) -> String {
    format!("{metadata}::{n}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hashed_as_the_original_does() {
        // echo -n hello | md5sum
        let key = metadata("hello");
        assert_eq!(key, "filestore:5d41402abc4b2a76b9719d911017c592");
        assert!(is_metadata(&key));
        assert_eq!(original_chunk(&key, 3), format!("{key}::3"));
        assert!(!is_metadata(&original_chunk(&key, 3)));
        let chunk = chunk(&key, 255, 12);
        assert_eq!(chunk, format!("{key}:00000000000000ff:12"));
        assert!(!is_metadata(&chunk));
    }
}

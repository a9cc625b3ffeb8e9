//! One line for all keys and values.

use sha2::{Digest, Sha256};

/// The number of records, and a hash of them, which are in the order of their keys.
pub fn of<'a>(records: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> String {
    let mut hasher = Sha256::new();
    let mut count = 0;
    for (key, value) in records {
        count += 1;
        for part in [key, value] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
    }
    let hash: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{count} keys, {hash}")
}

//! The bytes of a database's file, as docs/format.md describes them, read and
//! made without the engine.

// Each file of tests uses a part of it.
#![allow(dead_code)]
#![allow(clippy::unwrap_used)]

use crc32fast::Hasher;

pub const CHUNK: usize = 256 << 10;
pub const FIRST: usize = 128;

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

fn put(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

pub fn seed(file: &[u8]) -> u64 {
    word(file, 16)
}

/// The header of the file.
pub fn header(seed: u64) -> Vec<u8> {
    let mut bytes = b"kumoHDB\n".to_vec();
    bytes.extend([2, 0, 0, 0, 64, 0, 0, 0]);
    bytes.extend(seed.to_le_bytes());
    bytes.resize(60, 0);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// A chunk's header, twice.
pub fn chunk_header(file: &mut [u8], seed: u64, number: u32, base: u64) {
    let mut head = [0; 64];
    put(&mut head, 0, seed >> 32 | 1 << 32);
    put(&mut head, 8, base);
    put(&mut head, 16, 1);
    let mut crc = Hasher::new_with_initial(seed as u32);
    crc.update(&number.to_le_bytes());
    crc.update(&head[..56]);
    put(&mut head, 56, u64::from(crc.finalize()));
    let at = number as usize * CHUNK;
    file[at..at + 64].copy_from_slice(&head);
    file[at + 64..at + 128].copy_from_slice(&head);
}

/// Says of a chunk that it was changed after this checkpoint.
pub fn touch(file: &mut [u8], seed: u64, number: u32, base: u64, epoch: u32) {
    let mut crc = Hasher::new_with_initial(seed as u32);
    crc.update(&number.to_le_bytes());
    crc.update(&base.to_le_bytes());
    crc.update(&epoch.to_le_bytes());
    let word = u64::from(crc.finalize()) << 32 | u64::from(epoch);
    put(file, number as usize * CHUNK + 24, word);
}

/// The salt of a record at `at` in its chunk.
fn salt(seed: u64, number: u32, base: u64, at: usize) -> u32 {
    let mixed = (seed ^ base.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(u64::from(number).wrapping_mul(0xd6e8_feb8_6659_fd93));
    let salt = (mixed ^ mixed >> 32).wrapping_mul(0xff51_afd7_ed55_8ccd);
    ((salt >> 32) as u32) ^ (at as u32).wrapping_mul(0x9e37_79b1)
}

/// CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc));
    !bytes.iter().fold(!0, byte)
}

/// A record at `at` in chunk `number`; the place behind it.
#[allow(clippy::too_many_arguments)]
pub fn record(
    file: &mut [u8],
    number: u32,
    base: u64,
    at: usize,
    kind: u64,
    sequence: u64,
    key: &[u8],
    val: &[u8],
) -> usize {
    let seed = seed(file);
    let extent = (16 + key.len() + val.len()).next_multiple_of(4);
    let left = extent - 16 - key.len() - val.len();
    let first = (left as u64) << 48 | (key.len() as u64) << 32 | kind << 29 | (extent / 4) as u64;
    let delta = (sequence - base) as u32;
    let mix = |word: u64| {
        let upper = (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32;
        upper ^ salt(seed, number, base, at)
    };
    let head = [&delta.to_le_bytes(), key].concat();
    let short = (crc32c(&head) ^ mix(first)).wrapping_mul(0x9e37_79b1) >> 20;
    let first = first | u64::from(short) << 17;
    let crc = crc32c(&[&head, val].concat()) ^ mix(first);
    let start = number as usize * CHUNK + at;
    put(file, start, first);
    put(file, start + 8, u64::from(delta) << 32 | u64::from(crc));
    file[start + 16..][..key.len()].copy_from_slice(key);
    file[start + 16 + key.len()..][..val.len()].copy_from_slice(val);
    at + extent
}

/// Whether the short check of what stands at `at` in the file fits: one in 4096
/// times it does so by chance.
pub fn head_fits(file: &[u8], at: usize) -> bool {
    let (seed, number) = (seed(file), (at / CHUNK) as u32);
    let base = word(file, number as usize * CHUNK + 8);
    let words = word(file, at);
    let key_len = (words >> 32) as usize & 0xffff;
    let Some(head) = file.get(at + 12..at + 16 + key_len) else { return false };
    let bare = words & !(0xfff << 17);
    let upper = (bare.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32;
    let check = crc32c(head) ^ upper ^ salt(seed, number, base, at % CHUNK);
    check.wrapping_mul(0x9e37_79b1) >> 20 == (words >> 17) as u32 & 0xfff
}

/// A record as it stands in a file: where it begins in the file, what kind, and
/// how long its parts are. What has gone is left out.
#[derive(Clone, Debug)]
pub struct Found {
    pub at: usize,
    pub kind: u64,
    pub key_len: usize,
    pub val_len: usize,
    pub extent: usize,
}

impl Found {
    pub fn key_at(&self) -> usize {
        self.at + 16
    }

    pub fn value_at(&self) -> usize {
        self.at + 16 + self.key_len
    }

    pub fn key<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        &file[self.key_at()..][..self.key_len]
    }

    pub fn value<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        &file[self.value_at()..][..self.val_len]
    }
}

/// The records of all chunks, by the words alone.
pub fn records(file: &[u8]) -> Vec<Found> {
    let mut all = Vec::new();
    for start in (CHUNK..file.len()).step_by(CHUNK) {
        let end = (start + CHUNK).min(file.len());
        let header = word(file, start);
        if header != seed(file) >> 32 | 1 << 32 {
            continue;
        }
        let mut at = start + FIRST;
        while at + 16 <= end && word(file, at) as u32 != 0 {
            let first = word(file, at);
            let extent = (first as usize & 0x1_ffff) * 4;
            let (key_len, left) = (first as usize >> 32 & 0xffff, (first >> 48) as usize);
            let val_len = extent.saturating_sub(16 + key_len + left);
            let found = Found { at, kind: first >> 29 & 7, key_len, val_len, extent };
            at += found.extent.max(4);
            if found.kind > 1 {
                all.push(found);
            }
        }
    }
    all
}

/// Where the superblock is that counts.
fn superblock(file: &[u8]) -> Option<usize> {
    [4096, 8192]
        .into_iter()
        .filter(|at| file.len() > at + 4096 && file[*at..].starts_with(b"kumoSUP\n"))
        .max_by_key(|at| word(file, at + 8))
}

/// Whether the file says that it was closed.
pub fn is_closed(file: &[u8]) -> bool {
    superblock(file).is_some_and(|at| word(file, at + 32) & 1 == 1)
}

/// The stretches of the file in which the dump of the superblock that counts is.
pub fn dump(file: &[u8]) -> Vec<std::ops::Range<usize>> {
    let int = |at: usize| word(file, at) as u32 as usize;
    let Some(block) = superblock(file) else { return Vec::new() };
    let mut rest = word(file, block + 56) as usize;
    let mut all = Vec::new();
    for piece in 0..int(block + 52) {
        let at = int(block + 64 + piece * 8) * CHUNK;
        let len = rest.min(int(block + 64 + piece * 8 + 4) * CHUNK);
        all.push(at..at + len);
        rest -= len;
    }
    all
}

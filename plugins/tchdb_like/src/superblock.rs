//! What the file says of itself that changes: whether it was closed, and where
//! the last checkpoint is. Two of them, written in turns, so that one is always
//! whole.

use crate::file::{failed, sync_data};
use kumo_plugin::Error;
use std::{fs::File, os::unix::fs::FileExt, path::Path};

/// Where they are.
const PLACES: [u64; 2] = [4096, 8192];
const LEN: usize = 4096;
const CHECK: usize = LEN - 4;
const PIECES: usize = 64;
/// The most pieces that a dump has.
pub(crate) const MAX_PIECES: usize = (CHECK - PIECES) / 8;

/// The contents of a superblock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Superblock {
    /// The one with the higher number counts.
    pub serial: u64,
    /// Above all sequence numbers and bases of what was on the disk then.
    pub floor: u64,
    /// Of the system's start during which the file was opened; see `file::boot`.
    pub boot: u64,
    /// Whether the file was closed, and the dump is its index.
    pub is_clean: bool,
    /// Whether it was open without syncs: then nothing holds after a loss of power.
    pub is_unsynced: bool,
    /// How many chunks the file has.
    pub end: u32,
    /// The number of the checkpoint that the dump is of.
    pub epoch: u32,
    pub dump: Option<Dump>,
}

/// Where the dump of an index is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dump {
    /// Its bytes.
    pub len: u64,
    /// Those at its end that say what is where in it, and their CRC.
    pub root_len: u32,
    pub root_check: u32,
    /// Its runs of chunks: the first one's number, and how many.
    pub pieces: Vec<(u32, u32)>,
}

const CLEAN: u32 = 1;
const UNSYNCED: u32 = 2;

impl Superblock {
    fn encode(&self, seed: u64) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, b"kumoSUP\n");
        put(8, &self.serial.to_le_bytes());
        put(16, &self.floor.to_le_bytes());
        put(24, &self.boot.to_le_bytes());
        let clean = if self.is_clean { CLEAN } else { 0 };
        let unsynced = if self.is_unsynced { UNSYNCED } else { 0 };
        put(32, &(clean | unsynced).to_le_bytes());
        put(36, &self.end.to_le_bytes());
        put(40, &self.epoch.to_le_bytes());
        if let Some(dump) = &self.dump {
            put(44, &dump.root_len.to_le_bytes());
            put(48, &dump.root_check.to_le_bytes());
            put(52, &(dump.pieces.len() as u32).to_le_bytes());
            put(56, &dump.len.to_le_bytes());
            for (i, (number, chunks)) in dump.pieces.iter().take(MAX_PIECES).enumerate() {
                put(PIECES + i * 8, &number.to_le_bytes());
                put(PIECES + i * 8 + 4, &chunks.to_le_bytes());
            }
        }
        let check = check(&bytes, seed);
        bytes[CHECK..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; LEN], seed: u64) -> Option<Self> {
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        let pieces = word(52) as usize;
        if &bytes[..8] != b"kumoSUP\n" || word(CHECK) != check(bytes, seed) || pieces > MAX_PIECES {
            return None;
        }
        let pieces = (0..pieces).map(|i| (word(PIECES + i * 8), word(PIECES + i * 8 + 4)));
        let dump = Dump {
            len: long(56),
            root_len: word(44),
            root_check: word(48),
            pieces: pieces.collect(),
        };
        Some(Self {
            serial: long(8),
            floor: long(16),
            boot: long(24),
            is_clean: word(32) & CLEAN != 0,
            is_unsynced: word(32) & UNSYNCED != 0,
            end: word(36),
            epoch: word(40),
            dump: (!dump.pieces.is_empty()).then_some(dump),
        })
    }
}

fn check(bytes: &[u8; LEN], seed: u64) -> u32 {
    let mut crc = crc32fast::Hasher::new_with_initial(seed as u32);
    crc.update(&bytes[..CHECK]);
    crc.finalize()
}

/// The newest superblock that is whole.
pub(crate) fn read(file: &File, path: &Path, seed: u64) -> Result<Option<Superblock>, Error> {
    let mut newest: Option<Superblock> = None;
    for place in PLACES {
        let mut bytes = [0; LEN];
        match file.read_exact_at(&mut bytes, place) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => continue,
            Err(error) => return Err(failed("cannot read from", path, &error)),
        }
        if let Some(found) = Superblock::decode(&bytes, seed)
            && newest.as_ref().is_none_or(|newest| newest.serial < found.serial)
        {
            newest = Some(found);
        }
    }
    Ok(newest)
}

/// Writes a superblock over the older of the two, and syncs it.
pub(crate) fn write(file: &File, path: &Path, seed: u64, block: &Superblock) -> Result<(), Error> {
    write_unsynced(file, path, seed, block)?;
    sync_data(file).map_err(|error| failed("cannot write to", path, &error))
}

/// As `write`, where the end of the process is all that may come.
pub(crate) fn write_unsynced(
    file: &File,
    path: &Path,
    seed: u64,
    block: &Superblock,
) -> Result<(), Error> {
    file.write_all_at(&block.encode(seed), PLACES[(block.serial % 2) as usize])
        .map_err(|error| failed("cannot write to", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_it_writes_and_the_newest_counts() {
        let file = tempfile::tempfile().unwrap();
        let path = Path::new("db");
        assert_eq!(read(&file, path, 7).unwrap(), None);
        for serial in 1..5 {
            let block = Superblock {
                serial,
                floor: 1 << 40,
                boot: 3,
                is_clean: serial % 2 == 0,
                is_unsynced: serial > 2,
                end: 9,
                epoch: 4,
                dump: (serial > 1).then(|| Dump {
                    len: 5 << 32,
                    root_len: 7,
                    root_check: 6,
                    pieces: vec![(1, 2), (8, 1)],
                }),
            };
            write(&file, path, 7, &block).unwrap();
            assert_eq!(read(&file, path, 7).unwrap(), Some(block));
            assert_eq!(read(&file, path, 8).unwrap(), None);
        }
        // Of a torn one nothing is believed: the one before it counts.
        file.write_all_at(&[1], PLACES[0] + 100).unwrap();
        assert_eq!(read(&file, path, 7).unwrap().unwrap().serial, 3);
    }
}

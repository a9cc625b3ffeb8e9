//! When the database takes no more writes, though reads go on.
//!
//! **After a sync that failed** the system may have dropped pages that it could not
//! write, and count them as written: later syncs would succeed, and say nothing of
//! them. So no sync is believed any more, and no write is taken, until the file has
//! been opened anew. That is noted in the superblock, which the system's memory
//! keeps, though perhaps not the disk; and whoever opens the file then writes all
//! of it again, as the system's memory has it, and syncs. What was dropped even
//! from there is as a loss of power would have left it, and is treated as such.
//!
//! **When the file has been removed** its contents last until it is closed.

use crate::{
    chunk::CHUNK,
    database::Core,
    file::{failed, sync_data},
    superblock::{self, Superblock},
};
use kumo_plugin::{Error, ErrorCode, LogLevel};
use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
    sync::atomic::Ordering::{Relaxed, SeqCst},
};

/// In the place of the system's start: a sync failed.
const SYNC_FAILED: u64 = u64::MAX;

impl Core {
    /// Before a write: whether any may be done.
    #[inline]
    pub fn check_health(&self) -> Result<(), Error> {
        self.space.check()?;
        if self.is_ill.load(Relaxed) { self.illness() } else { Ok(()) }
    }

    #[cold]
    fn illness(&self) -> Result<(), Error> {
        self.syncer.check(&self.space.path)?;
        self.look_for_file()
    }

    /// After a sync that failed.
    #[cold]
    pub fn note_failed_sync(&self) {
        self.note_failure(|block| block.floor);
    }

    /// After a write of the superblock, which includes a sync, that failed. What
    /// it says to have been synced may not have been.
    pub fn note_failed_write(&self, error: &Error) {
        if error.code() == ErrorCode::Io {
            self.syncer.fail();
            self.note_failure(|_| 0);
        }
    }

    /// Says so in the superblock, with the floor that still holds.
    fn note_failure(&self, floor: impl FnOnce(&Superblock) -> u64) {
        if self.is_ill.swap(true, SeqCst) {
            return;
        }
        let (file, path, seed) = (&self.space.file, &self.space.path, self.space.seed);
        let noted = superblock::read(file, path, seed).and_then(|block| {
            let block = block.unwrap_or_default();
            let (serial, floor, end) = (block.serial + 1, floor(&block), self.space.end());
            let block =
                Superblock { serial, floor, boot: SYNC_FAILED, end, ..Superblock::default() };
            superblock::write(file, path, seed, &block)
        });
        // That it cannot be synced either is likely; that it was written is enough.
        drop(noted);
    }

    /// An error if the file has been removed.
    pub fn look_for_file(&self) -> Result<(), Error> {
        let is_there = self.space.file.metadata().map_or(true, |about| about.nlink() > 0);
        if is_there {
            return Ok(());
        }
        let error = Error::new(
            ErrorCode::Io,
            format!(
                "{} has been removed while it was open; its records are there until it is \
                 closed: take a backup, and restart the server with that",
                self.space.path.display()
            ),
        );
        if !self.is_ill.swap(true, SeqCst) {
            kumo_plugin::log(LogLevel::Error, error.text());
        }
        Err(error)
    }
}

/// Before the file is read: after a sync that failed, brings to the disk what the
/// system may have given up.
pub(crate) fn heal(file: &File, path: &Path, block: Option<&Superblock>) -> Result<(), Error> {
    if block.is_none_or(|block| block.boot != SYNC_FAILED) {
        return Ok(());
    }
    let text =
        format!("{}: a sync failed when it was last open; it is written again", path.display());
    kumo_plugin::log(LogLevel::Warn, &text);
    write_again(file)
        .and_then(|()| sync_data(file))
        .map_err(|error| failed("a sync failed earlier, and still does, of", path, &error))
}

/// Writes all of a file over itself, but for what is only zeros.
fn write_again(file: &File) -> io::Result<()> {
    let len = file.metadata()?.len();
    let mut bytes = vec![0; CHUNK];
    for at in (0..len).step_by(CHUNK) {
        let bytes = &mut bytes[..CHUNK.min((len - at) as usize)];
        file.read_exact_at(bytes, at)?;
        if bytes.iter().any(|byte| *byte != 0) {
            file.write_all_at(bytes, at)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TchdbLike, power, syncer::Level};
    use kumo_plugin::{Location, Storage};
    use std::fs;

    fn open(path: &Path, sync: &str) -> Result<TchdbLike, Error> {
        let name = format!("{}#sync={sync}", path.display());
        TchdbLike::open(&Location::parse(name.as_bytes(), TchdbLike::PARAMS).unwrap())
    }

    fn says(error: &Error, path: &Path, what: &str) {
        assert_eq!(error.code(), ErrorCode::Io, "{error}");
        assert!(error.text().contains(&*path.to_string_lossy()), "{error}");
        assert!(error.text().contains(what), "{error}");
    }

    #[test]
    fn after_a_sync_that_failed_nothing_is_promised_until_all_has_been_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        // The keeper's own syncs come after weeks.
        for sync in ["always", "interval:4000000000"] {
            let db = open(&path, sync).unwrap();
            db.set(b"synced", b"1").unwrap();
            db.core.sync().unwrap();
            let block = || {
                let file = File::open(&path).unwrap();
                superblock::read(&file, &path, db.core.space.seed).unwrap().unwrap()
            };
            let floor = block().floor;
            power::fail_syncs(true);
            let failed = match db.core.syncer.level {
                Level::Always => db.set(b"not synced", b"2"),
                _ => db.set(b"not synced", b"2").and_then(|()| db.core.sync()),
            };
            says(&failed.unwrap_err(), &path, "cannot sync");
            // What had been synced when the file was opened, still is.
            assert_eq!((block().boot, block().floor), (SYNC_FAILED, floor));
            // Even though it would succeed now.
            power::fail_syncs(false);
            let errors = [
                db.set(b"synced", b"3"),
                db.del(b"synced", &mut |_| true).map(drop),
                db.update(b"synced", b"4", &mut |_| true).map(drop),
                db.core.sync(),
                db.compact(),
            ];
            for error in errors {
                says(&error.unwrap_err(), &path, "an earlier sync failed");
            }
            assert_eq!(&*db.get(b"synced").unwrap().unwrap(), b"1");
            says(&db.close().unwrap_err(), &path, "an earlier sync failed");
            drop(db);

            let noted = || {
                let (file, seed) = crate::file::open(&path).unwrap();
                superblock::read(&file, &path, seed).unwrap().unwrap().boot == SYNC_FAILED
            };
            assert!(noted());
            power::fail_syncs(true);
            says(&open(&path, sync).err().unwrap(), &path, "still does");
            power::fail_syncs(false);
            assert!(noted());
            let db = open(&path, sync).unwrap();
            assert_eq!(&*db.get(b"synced").unwrap().unwrap(), b"1");
            db.set(b"synced", b"5").unwrap();
            db.core.sync().unwrap();
            db.close().unwrap();
            drop(db);
            assert!(!noted());
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn what_is_written_again_is_the_same_and_holes_stay_holes() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(5 * CHUNK as u64 + 100).unwrap();
        file.write_all_at(&[7; 5000], CHUNK as u64 - 2500).unwrap();
        file.write_all_at(&[8; 50], 5 * CHUNK as u64 + 20).unwrap();
        let read = || {
            let mut bytes = vec![0; 5 * CHUNK + 100];
            file.read_exact_at(&mut bytes, 0).unwrap();
            bytes
        };
        let before = read();
        write_again(&file).unwrap();
        assert!(read() == before);
        assert!(file.metadata().unwrap().blocks() * 512 <= 4 * CHUNK as u64);
    }

    #[test]
    fn a_file_that_was_removed_is_read_and_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let db = open(&path, "interval:4000000000").unwrap();
        db.set(b"key", b"value").unwrap();
        fs::remove_file(&path).unwrap();
        says(&db.core.sync().unwrap_err(), &path, "removed");
        says(&db.set(b"key", b"other").unwrap_err(), &path, "removed");
        assert_eq!(&*db.get(b"key").unwrap().unwrap(), b"value");
        let copy = dir.path().join("copy");
        db.backup(&copy).unwrap();
        says(&db.close().unwrap_err(), &path, "removed");
        let db = open(&copy, "none").unwrap();
        assert_eq!(&*db.get(b"key").unwrap().unwrap(), b"value");
    }
}

//! The file as a log: records are appended under one lock and read without.

use crate::{
    file::{self, HEADER},
    index::Place,
    record::{HEAD, Kind, Seed, reserve},
};
use kumo_plugin::{Error, ErrorCode, LogLevel};
use std::{
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

pub(crate) struct Log {
    file: File,
    path: PathBuf,
    seed: Seed,
    tail: Mutex<Tail>,
    damaged: AtomicU64,
    /// Whether a sync has failed: see [`Log::sync`].
    unsynced: AtomicBool,
}

/// Where the next record goes, and its number.
pub(crate) struct Tail {
    pub at: u64,
    pub sequence: u64,
}

/// How much of a record passed its check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Intact,
    /// The key is right, the value is not.
    BadValue,
    /// Nothing is known to be right.
    BadHead,
}

/// A record as it was read.
pub(crate) struct Record {
    bytes: Vec<u8>,
    key_end: usize,
    pub state: State,
}

impl Record {
    pub fn key(&self) -> &[u8] {
        &self.bytes[HEAD..self.key_end]
    }

    pub fn value(&self) -> &[u8] {
        &self.bytes[self.key_end..]
    }

    /// The memory, to read the next record into.
    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }
}

impl Log {
    /// The log of a file without records.
    pub fn new(file: File, path: PathBuf, seed: Seed) -> Self {
        let tail = Mutex::new(Tail { at: HEADER as u64, sequence: 1 });
        Self {
            file,
            path,
            seed,
            tail,
            damaged: AtomicU64::new(0),
            unsynced: AtomicBool::new(false),
        }
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn seed(&self) -> Seed {
        self.seed
    }

    pub fn tail(&self) -> MutexGuard<'_, Tail> {
        // `append` leaves the tail as it was until nothing can fail any more.
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often something damaged was met since the file was opened.
    pub fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Appends a record, which is in the file when this returns.
    pub fn append(&self, kind: Kind, key: &[u8], val: &[u8]) -> Result<Place, Error> {
        let mut bytes = self.seed.encode(kind, key, val)?;
        let mut tail = self.tail();
        self.seed.place(&mut bytes, key.len(), tail.at, tail.sequence);
        if let Err(error) = self.file.write_all_at(&bytes, tail.at) {
            // If this fails too, the next record overwrites what is left, or
            // recovery cuts it off.
            let _ = self.file.set_len(tail.at);
            return Err(self.write_error(&error));
        }
        // `encode` has refused what is longer.
        let place = Place { at: tail.at, key_len: key.len() as u32, val_len: val.len() as u32 };
        tail.at = place.end();
        tail.sequence += 1;
        Ok(place)
    }

    /// Returns when all that was appended before would survive a loss of power.
    ///
    /// After a failure the system may have dropped what it could not write, and
    /// a later sync would know nothing of it; so from then on all of them fail.
    pub fn sync(&self) -> Result<(), Error> {
        let synced = self.file.sync_data();
        if synced.is_err() {
            self.unsynced.store(true, Ordering::Relaxed);
        }
        synced.map_err(|error| file::failed("cannot sync", &self.path, &error))?;
        if self.unsynced.load(Ordering::Relaxed) {
            return Err(Error::new(
                ErrorCode::Io,
                format!(
                    "{}: an earlier sync failed, so what was written before it may be lost; \
                     check the disk, restart the server, and verify the database",
                    self.path.display()
                ),
            ));
        }
        Ok(())
    }

    fn write_error(&self, error: &io::Error) -> Error {
        let error = file::failed("cannot write to", &self.path, error);
        match error.code() {
            ErrorCode::Full => Error::new(
                ErrorCode::Full,
                format!("{error}; reads go on, and writes will once there is room"),
            ),
            _ => error,
        }
    }

    /// Reads and checks a record. The buffer's memory is used again.
    pub fn read(&self, place: Place, buffer: Vec<u8>) -> Result<Record, Error> {
        let key_end = HEAD + place.key_len as usize;
        let mut record = Record { bytes: buffer, key_end, state: State::BadHead };
        let len = key_end + place.val_len as usize;
        let more = len.saturating_sub(record.bytes.len());
        reserve(&mut record.bytes, more)?;
        record.bytes.resize(len, 0);
        if self.fill(place, &mut record.bytes)?
            && let Some(val_check) = self.check_head(place, &record.bytes[..key_end])
        {
            let mut check = self.seed.value_check();
            check.update(record.value());
            let fits = check.finalize() == val_check;
            record.state = if fits { State::Intact } else { State::BadValue };
        }
        Ok(record)
    }

    /// Whether the record there has this key. None: its head is damaged.
    pub fn has_key(&self, place: Place, key: &[u8]) -> Result<Option<bool>, Error> {
        let mut bytes = vec![0; HEAD + place.key_len as usize];
        let intact = self.fill(place, &mut bytes)? && self.check_head(place, &bytes).is_some();
        Ok(intact.then(|| bytes[HEAD..] == *key))
    }

    /// Reads the first bytes of a record. False: the file ends within them.
    fn fill(&self, place: Place, bytes: &mut [u8]) -> Result<bool, Error> {
        match self.file.read_exact_at(bytes, place.at) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(file::failed("cannot read from", &self.path, &error)),
        }
    }

    /// Checks a head and the key behind it. Some: the value's check.
    fn check_head(&self, place: Place, bytes: &[u8]) -> Option<u32> {
        let (raw, key) = bytes.split_first_chunk()?;
        let (head, wanted) = self.seed.decode(raw)?;
        let mut check = self.seed.head_check(place.at, raw);
        check.update(key);
        let is_it = check.finalize() == wanted
            && head.kind == Kind::Put
            && (head.key_len, head.val_len) == (place.key_len, place.val_len);
        is_it.then_some(head.val_check)
    }

    /// Counts and logs that the record there is damaged; the error says so.
    pub fn damage(&self, place: Place) -> Error {
        let text = format!(
            "{}: the record at offset {} ({} bytes) is damaged; set its key again, or restore \
             it from a backup",
            self.path.display(),
            place.at,
            place.end() - place.at
        );
        self.report_damage(&text);
        Error::corrupt(text)
    }

    /// Counts and logs something damaged.
    pub fn report_damage(&self, text: &str) {
        self.damaged.fetch_add(1, Ordering::Relaxed);
        kumo_plugin::log(LogLevel::Error, text);
    }
}

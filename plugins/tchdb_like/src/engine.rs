//! The engine: the operations on one key, and the way to the others.

use crate::{
    backup, file, index::Index, log::Log, lookup, record::Kind, recover, recover::Region, report,
    scan,
};
use kumo_plugin::{Caps, CasProc, Error, Location, Optional, Storage, Value, Visit};
use std::{ffi::CStr, path::Path};

/// An open database.
pub struct TchdbLike {
    pub(crate) log: Log,
    pub(crate) index: Index,
    /// What was found damaged and skipped when the file was opened.
    pub(crate) skipped: Vec<Region>,
}

impl TchdbLike {
    /// Opens a database whose index uses these bits of a hash.
    fn open_masked(location: &Location, mask: u64) -> Result<Self, Error> {
        let (file, seed) = file::open(&location.path)?;
        let mut log = Log::new(file, location.path.clone(), seed);
        let index = Index::new(mask);
        let skipped = recover::recover(&mut log, &index)?;
        Ok(Self { log, index, skipped })
    }

    /// The number of records.
    pub fn rnum(&self) -> u64 {
        self.index.len()
    }

    /// Writes a copy of the database, of one point in time, to a new file.
    pub fn backup(&self, dst: &Path) -> Result<(), Error> {
        backup::backup(self, dst)
    }

    /// Copies what fits of the start of a value, which is read and checked
    /// whole; None where there is no such key.
    pub fn get_header(&self, key: &[u8], head: &mut [u8]) -> Result<Option<usize>, Error> {
        let found = lookup::record(&self.log, &self.index, self.index.hash(key), key)?;
        Ok(found.map(|(_, record)| {
            let len = record.value().len().min(head.len());
            head[..len].copy_from_slice(&record.value()[..len]);
            len
        }))
    }

    /// How often damage was met since the file was opened: damaged records,
    /// once for each time, and damaged regions.
    pub fn damaged(&self) -> u64 {
        self.log.damaged()
    }
}

// Writers hold their key's shard from the first look to the last step, so the
// proc is called, and the record written, while the key stands still. Readers
// never wait for that: what the index says is true at every moment.
impl Storage for TchdbLike {
    const NAME: &'static CStr = c"tchdb_like";
    const VERSION: &'static CStr = c"0.1.0";
    const DESCRIPTION: &'static CStr = c"the built-in hash database: one file, an index in memory";
    const CAPS: Caps = Caps::DURABLE_SYNC.and(Caps::REENTRANT_SCAN);
    const OPTIONAL: Optional<Self> = Optional {
        get_header: Some(Self::get_header),
        rnum: Some(|db| Ok(db.rnum())),
        backup: Some(Self::backup),
        sync: Some(|db| db.log.sync()),
        stats: Some(report::stats),
        verify: Some(report::verify),
        ..Optional::NONE
    };

    fn open(location: &Location) -> Result<Self, Error> {
        Self::open_masked(location, u64::MAX)
    }

    fn close(&self) -> Result<(), Error> {
        self.log.sync()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error> {
        let found = lookup::record(&self.log, &self.index, self.index.hash(key), key)?;
        Ok(found.map(|(_, record)| Value::pin(record, |record| record.value())))
    }

    fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error> {
        let hash = self.index.hash(key);
        let _writing = self.index.writing(hash);
        let old = lookup::place(&self.log, &self.index, hash, key)?;
        let new = self.log.append(Kind::Put, key, val)?;
        self.index.put(hash, old, new);
        Ok(())
    }

    fn del(&self, key: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        let hash = self.index.hash(key);
        let _writing = self.index.writing(hash);
        let Some((old, record)) = lookup::record(&self.log, &self.index, hash, key)? else {
            return Ok(false);
        };
        if !proc(record.value()) {
            return Ok(false);
        }
        self.log.append(Kind::Delete, key, b"")?;
        self.index.remove(hash, old);
        Ok(true)
    }

    fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        let hash = self.index.hash(key);
        let _writing = self.index.writing(hash);
        let old = lookup::record(&self.log, &self.index, hash, key)?;
        if old.as_ref().is_some_and(|(_, record)| !proc(record.value())) {
            return Ok(false);
        }
        let new = self.log.append(Kind::Put, key, val)?;
        self.index.put(hash, old.map(|(place, _)| place), new);
        Ok(true)
    }

    fn for_each(&self, visit: Visit<'_>) -> Result<(), Error> {
        scan::for_each(self, visit)
    }
}

#[cfg(test)]
mod tests;

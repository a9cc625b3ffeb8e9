//! The engine: the operations on one key, and the way to the others.

use crate::{backup, file, index::Index, log::Log, lookup, record::Kind, recover, scan};
use kumo_plugin::{CasProc, Entry, Error, Location, Storage, Value};
use std::{ffi::CStr, ops::ControlFlow, path::Path};

/// An open database.
pub struct TchdbLike {
    pub(crate) log: Log,
    pub(crate) index: Index,
}

impl TchdbLike {
    /// Opens a database whose index uses these bits of a hash.
    fn open_masked(location: &Location, mask: u64) -> Result<Self, Error> {
        if let Some((name, _)) = location.params.first() {
            return Err(Error::invalid(format!(
                "{}: unknown parameter {name:?}; tchdb_like takes no parameters",
                location.path.display()
            )));
        }
        let (file, seed) = file::open(&location.path)?;
        let mut log = Log::new(file, location.path.clone(), seed);
        let index = Index::new(mask);
        recover::recover(&mut log, &index)?;
        Ok(Self { log, index })
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

    fn open(location: &Location) -> Result<Self, Error> {
        Self::open_masked(location, u64::MAX)
    }

    fn close(&self) -> Result<(), Error> {
        self.log
            .file()
            .sync_data()
            .map_err(|error| file::failed("cannot sync", self.log.path(), &error))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error> {
        let found = lookup::record(&self.log, &self.index, self.index.hash(key), key)?;
        Ok(found.map(|(_, record)| Value::Pinned(Box::new(record))))
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

    fn rnum(&self) -> u64 {
        self.index.len()
    }

    fn backup(&self, dst: &Path) -> Result<(), Error> {
        backup::backup(self, dst)
    }

    fn for_each(
        &self,
        visit: &mut dyn FnMut(&mut dyn Entry) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        scan::for_each(self, visit)
    }
}

#[cfg(test)]
mod tests;

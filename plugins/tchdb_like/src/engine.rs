//! The engine as the host sees it.

use crate::{
    backup,
    database::Core,
    file,
    group::TOGETHER,
    index::{Entry, Hash},
    keeper::Keeper,
    lookup::Pinned,
    recover, repair, report,
    sync::{
        Arc,
        atomic::{
            AtomicBool,
            Ordering::{Relaxed, SeqCst},
        },
    },
    syncer::Level,
    verify,
};
use kumo_plugin::{Caps, CasProc, Error, Location, Optional, Param, Storage, Value, Visit};
use std::{ffi::CStr, path::Path};

/// An open database.
pub struct TchdbLike {
    pub(crate) core: Arc<Core>,
    is_closed: AtomicBool,
}

impl TchdbLike {
    /// Opens a database whose index uses these bits of a hash.
    pub(crate) fn open_masked(location: &Location, mask: u64) -> Result<Self, Error> {
        let level = Level::parse(location.str("sync")?)?;
        let (file, seed) = file::open(&location.path)?;
        Self::on_file(file, seed, &location.path, level, mask)
    }

    pub(crate) fn on_file(
        file: std::fs::File,
        seed: u64,
        path: &Path,
        level: Level,
        mask: u64,
    ) -> Result<Self, Error> {
        let core = Arc::new(recover::open(file, seed, path, level, mask)?);
        Keeper::start(&core).map_err(|error| file::failed("no thread for", path, &error))?;
        Ok(Self { core, is_closed: AtomicBool::new(false) })
    }

    /// The number of records.
    pub fn rnum(&self) -> u64 {
        self.core.rnum()
    }

    /// Writes a copy of the database, of one point in time, to a new file.
    pub fn backup(&self, dst: &Path) -> Result<(), Error> {
        backup::backup(self, dst)
    }

    /// Copies what fits of the start of a value, which is read and checked
    /// whole; None where there is no such key.
    pub fn get_header(&self, key: &[u8], head: &mut [u8]) -> Result<Option<usize>, Error> {
        let found = self.core.get(self.core.hash(key), key)?;
        Ok(found.map(|pinned| {
            let len = pinned.value.len().min(head.len());
            head[..len].copy_from_slice(&pinned.value[..len]);
            len
        }))
    }

    /// Stores records in order, and syncs once for all, where that is promised.
    pub fn updatev(&self, records: &[(&[u8], &[u8])], stored: &mut usize) -> Result<(), Error> {
        let mut done = 0;
        let set = self.core.set_many(records, &mut done);
        // Also those before a failure: they are counted as stored.
        self.core.acknowledge()?;
        *stored = done;
        set
    }

    /// `get` for many keys. Of some at a time the lines of the index are brought
    /// near first, then the records' first bytes, then the others.
    pub fn getv(&self, keys: &[&[u8]]) -> Result<Vec<Option<Value<'_>>>, Error> {
        let core = &*self.core;
        let mut values = Vec::with_capacity(keys.len());
        for keys in keys.chunks(TOGETHER) {
            let mut hashes = [Hash::default(); TOGETHER];
            for (hash, key) in hashes.iter_mut().zip(keys) {
                *hash = core.hash(key);
                core.index.prefetch(*hash);
            }
            let hashes = &hashes[..keys.len()];
            let mut offsets = [None; TOGETHER];
            for (offset, &hash) in offsets.iter_mut().zip(hashes) {
                *offset = core.index.first(hash).map(Entry::offset);
                offset.iter().for_each(|offset| core.space.prefetch(*offset));
            }
            offsets.iter().flatten().for_each(|offset| core.prefetch_rest(*offset));
            for (key, &hash) in keys.iter().zip(hashes) {
                values.push(core.get(hash, key)?.map(value));
            }
        }
        Ok(values)
    }

    /// How often damage was met since the file was opened: damaged records,
    /// once for each time, and damaged regions.
    pub fn damaged(&self) -> u64 {
        self.core.damaged.load(Relaxed)
    }

    /// Gives back the room of what has been deleted and overwritten.
    pub fn compact(&self) -> Result<(), Error> {
        self.core.compact()
    }

    /// How much is written before there is a checkpoint. Nobody needs that but who
    /// measures.
    #[doc(hidden)]
    pub fn checkpoint_every(&self, bytes: u64) {
        self.core.checkpoints.every.store(bytes, Relaxed);
    }

    /// Makes a checkpoint now. Nobody needs that but tests: one is made when
    /// enough has been written.
    #[doc(hidden)]
    pub fn checkpoint(&self) -> Result<(), Error> {
        self.core.touch()?;
        self.core.save(false)
    }

    fn end(&self) -> Result<(), Error> {
        if self.is_closed.swap(true, SeqCst) {
            return Ok(());
        }
        self.core.keeper.stop();
        if self.core.is_open.load(SeqCst) {
            self.core.space.shrink();
        }
        self.core.finish()
    }
}

/// The value that a pin keeps, without a copy or an allocation.
#[inline]
fn value(pinned: Pinned<'_>) -> Value<'_> {
    Value::held(pinned.pin.keep(), pinned.value)
}

impl Drop for TchdbLike {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            kumo_plugin::log(kumo_plugin::LogLevel::Error, error.text());
        }
    }
}

impl Storage for TchdbLike {
    const NAME: &'static CStr = c"tchdb_like";
    const VERSION: &'static CStr = c"0.2.0";
    const DESCRIPTION: &'static CStr = c"the built-in hash database: one file, an index in memory";
    const CAPS: Caps = Caps::DURABLE_SYNC.and(Caps::REENTRANT_SCAN);
    const PARAMS: &'static [Param] = &[Param::string(
        c"sync",
        c"what survives a loss of power: none, interval[:MILLISECONDS], or always",
    )
    .or(c"interval:1000")];
    const OPTIONAL: Optional<Self> = Optional {
        get_header: Some(Self::get_header),
        updatev: Some(Self::updatev),
        rnum: Some(|db| Ok(db.rnum())),
        backup: Some(Self::backup),
        sync: Some(|db| db.core.sync()),
        stats: Some(report::stats),
        verify: Some(verify::verify),
        compact: Some(Self::compact),
        getv: Some(Self::getv),
        batch: Some(|db, changes| db.core.batch(changes)),
        repair: Some(repair::repair),
        ..Optional::NONE
    };

    fn open(location: &Location) -> Result<Self, Error> {
        Self::open_masked(location, u64::MAX)
    }

    fn close(&self) -> Result<(), Error> {
        self.end()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error> {
        Ok(self.core.get(self.core.hash(key), key)?.map(value))
    }

    fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error> {
        self.core.set(key, val)?;
        self.core.acknowledge()
    }

    fn del(&self, key: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        let deleted = self.core.del(key, proc)?;
        if deleted {
            self.core.acknowledge()?;
        }
        Ok(deleted)
    }

    fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        let stored = self.core.update(key, val, proc)?;
        if stored {
            self.core.acknowledge()?;
        }
        Ok(stored)
    }

    fn for_each(&self, visit: Visit<'_>) -> Result<(), Error> {
        self.core.for_each(visit)
    }
}

#[cfg(test)]
mod tests;

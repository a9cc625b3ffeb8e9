//! memcached's semantics over the table of a plugin: records, clock, expiry
//! and CAS.
//!
//! Every write holds the lock of its key; reads hold none. A command that reads
//! and writes is a read and one `update` whose comparison is with the clocktime
//! that was read.

mod backup;
mod commands;
mod expiry;
mod key;
mod locks;
pub mod offline;
mod own;
mod record;
mod sweep;
#[cfg(test)]
mod tests;
mod upkeep;

pub use key::MAX_KEY;

use super::{
    Answer, Arithmetic, Backup, Client, Delta, Engine, Lookup, Mode, NewItem, Stored, Upkeep,
};
use crate::host::{ErrorCode, Failure, LoadError, Pins, Plugin, Storage};
use expiry::{expiry, has_expired, wall};
use key::StoredKey;
use locks::KeyLocks;
use own::Own;
use record::{Head, decode};
use std::{
    ffi::OsString,
    ops::Range,
    os::fd::BorrowedFd,
    sync::{Arc, Mutex},
};
use sweep::Sweeper;
pub use upkeep::upkeep;

/// memcached's overhead for an item of the largest size: its header, the CAS
/// unique, the key's end and the data's.
const ITEM_OVERHEAD: usize = 48 + 8 + 1 + 2;

/// The sizes that the limit on items (`-I`) may have, in bytes.
pub const ITEM_SIZES: Range<usize> = 1024..(1 << 30) + 1;

/// The largest data of an item, as memcached counts it: the limit less its own
/// overhead, the key, and the flags where there are any.
pub fn max_data(item_size: usize, key: usize, flags: u32) -> usize {
    item_size.saturating_sub(ITEM_OVERHEAD + key + if flags != 0 { 4 } else { 0 })
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The plugin does not open it.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The plugin opens it, and what is in it cannot be served.
    #[error("{location}: {failure}")]
    Contents {
        /// What was opened.
        location: String,
        /// What is wrong.
        failure: Failure,
    },
}

/// memcached's commands over an open database.
pub struct Store {
    // Before `shared`: it stops before the last reference to the storage goes.
    sweeper: Sweeper,
    shared: Arc<Shared>,
}

/// What the commands and the sweep share.
struct Shared {
    plugin: Plugin,
    /// What the user typed, parameters included.
    location: OsString,
    item_size: usize,
    storage: Storage,
    locks: KeyLocks,
    own: Own,
    /// Held while a backup is made.
    backing_up: Mutex<()>,
}

/// What a key has, for a command that is about to write.
struct Found<'a> {
    /// The clocktime of the record that is there, live or not; what the write
    /// compares with.
    seen: Option<u64>,
    /// The record, if it is live.
    live: Option<(Head, &'a [u8])>,
}

impl Store {
    /// Opens the database at `location`, which is what the user typed,
    /// parameters included. `item_size` is the limit on items, in
    /// [`ITEM_SIZES`].
    pub fn open(plugin: &Plugin, location: OsString, item_size: usize) -> Result<Self, OpenError> {
        let storage = plugin.open(&location)?;
        let own = Own::open(storage.clone()).map_err(|failure| OpenError::Contents {
            location: location.to_string_lossy().into_owned(),
            failure,
        })?;
        let shared = Arc::new(Shared {
            plugin: plugin.clone(),
            location,
            item_size,
            storage,
            locks: KeyLocks::new(),
            own,
            backing_up: Mutex::new(()),
        });
        Ok(Self { sweeper: Sweeper::start(Arc::clone(&shared)), shared })
    }

    /// How many items there are.
    pub fn items(&self) -> Result<u64, Failure> {
        Ok(self.shared.storage.rnum()?.saturating_sub(self.shared.own.hidden()))
    }
}

fn stored_key(key: &[u8]) -> Result<StoredKey, Failure> {
    StoredKey::new(key).ok_or_else(|| {
        Failure::new(
            ErrorCode::Invalid,
            format!("the key has {} bytes; {MAX_KEY} are allowed", key.len()),
        )
    })
}

impl Shared {
    /// What a stored value is to a client: live, or one of the kinds of miss.
    fn look<'a>(&self, value: Option<&'a [u8]>, now: u32) -> Result<Lookup<'a>, Failure> {
        let Some((head, data)) = value.map(decode).transpose()?.flatten() else {
            return Ok(Lookup::Miss);
        };
        if self.own.is_flushed(head.clocktime) {
            return Ok(Lookup::Flushed);
        }
        if has_expired(head.expiry, now) {
            return Ok(Lookup::Expired);
        }
        Ok(Lookup::Hit(super::Item { flags: head.flags, cas: head.cas(), data }))
    }

    /// Whether a record is of no use to anyone any more.
    fn is_dead(&self, head: &Head, now: u32) -> bool {
        self.own.is_flushed(head.clocktime) || has_expired(head.expiry, now)
    }

    fn found<'a>(&self, value: Option<&'a [u8]>, now: u32) -> Result<Found<'a>, Failure> {
        let seen = value.and_then(kumo_plugin::record::clocktime);
        let live =
            value.map(decode).transpose()?.flatten().filter(|(head, _)| !self.is_dead(head, now));
        Ok(Found { seen, live })
    }
}

impl Engine for Store {
    fn connect(self: Arc<Self>, _socket: BorrowedFd<'_>) -> Answer<Box<dyn Client>> {
        Ok(Box::new(self))
    }

    fn backup(&self, suffix: &str) -> Result<Backup, Failure> {
        self.shared.backup(suffix)
    }

    fn upkeep(&self, work: Upkeep, report: &mut (dyn FnMut(&str) + Send)) -> Result<(), Failure> {
        upkeep(&self.shared.storage, work, report)
    }
}

/// No client has anything of its own.
impl Client for Arc<Store> {
    fn get<'a>(&mut self, key: &[u8], pins: &'a Pins) -> Answer<Lookup<'a>> {
        let key = stored_key(key)?;
        let now = wall();
        self.shared.own.settle(now);
        Ok(self.shared.look(self.shared.storage.get(key.as_bytes(), pins)?, now)?)
    }

    fn get_many<'a>(&mut self, keys: &[&[u8]], pins: &'a Pins) -> Answer<Vec<Lookup<'a>>> {
        if !self.shared.storage.has_get_many() {
            return keys.iter().map(|key| self.get(key, pins)).collect();
        }
        let keys = keys.iter().map(|key| stored_key(key)).collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<&[u8]> = keys.iter().map(StoredKey::as_bytes).collect();
        let now = wall();
        self.shared.own.settle(now);
        let values = self.shared.storage.get_many(&keys, pins)?;
        values.into_iter().map(|value| Ok(self.shared.look(value, now)?)).collect()
    }

    fn get_and_touch<'a>(
        &mut self,
        key: &[u8],
        exptime: i32,
        pins: &'a Pins,
    ) -> Answer<Lookup<'a>> {
        let found = self.shared.touch(&stored_key(key)?, exptime, pins)?;
        self.sweeper.expect(exptime);
        Ok(found)
    }

    fn store(&mut self, mode: Mode, item: &NewItem<'_>) -> Answer<Stored> {
        let stored = self.shared.store(mode, item)?;
        self.sweeper.expect(item.exptime);
        Ok(stored)
    }

    fn delete(&mut self, key: &[u8]) -> Answer<bool> {
        Ok(self.shared.delete(&stored_key(key)?)?)
    }

    fn arithmetic(&mut self, key: &[u8], delta: Delta) -> Answer<Arithmetic> {
        Ok(self.shared.arithmetic(&stored_key(key)?, delta)?)
    }

    fn touch(&mut self, key: &[u8], exptime: i32) -> Answer<bool> {
        let pins = Pins::new();
        let found = self.get_and_touch(key, exptime, &pins)?;
        Ok(matches!(found, Lookup::Hit(_)))
    }

    fn flush(&mut self, exptime: i32) -> Answer<()> {
        let now = wall();
        match expiry(exptime.max(0), now) {
            None => {
                self.shared.own.flush()?;
                self.sweeper.wake();
            }
            Some(since) if since <= now => {
                self.shared.own.flush_since(since)?;
                self.sweeper.wake();
            }
            Some(due) => {
                self.sweeper.expect(exptime);
                self.shared.own.flush_at(due)?;
            }
        }
        Ok(())
    }

    fn stats(&mut self, name: &[u8]) -> Answer<Option<Vec<(String, String)>>> {
        Ok(match name {
            b"" => match self.items() {
                Ok(items) => Some(vec![("curr_items".to_owned(), items.to_string())]),
                Err(failure) => {
                    tracing::warn!("the items cannot be counted: {failure}");
                    None
                }
            },
            b"storage" => Some(self.shared.storage.stats()?),
            _ => None,
        })
    }
}

//! TEMPLATE: a storage engine for kumo.
//!
//! It begins as a hash table in memory, so that it works from the first day:
//! make it yours. `cargo doc -p kumo-plugin --open` is the manual.
//!
//! The table is cut into shards, each with a lock of its own. A value never
//! changes once it is in the table: a write puts a new one in its place. So a
//! reader shares it, and nothing is copied.

#[cfg(test)]
mod tests;

use kumo_plugin::{Caps, CasProc, Error, Location, Optional, Storage, Value, Visit};
use std::{
    collections::HashMap,
    ffi::CStr,
    fmt::Display,
    hash::{BuildHasher, RandomState},
    sync::{Arc, RwLock},
};

const SHARDS: usize = 64;

type Shard = HashMap<Vec<u8>, Arc<Vec<u8>>>;

/// An open database.
pub struct Engine {
    shards: Vec<RwLock<Shard>>,
    hasher: RandomState,
}

impl Storage for Engine {
    const NAME: &'static CStr = c"TEMPLATE";
    const VERSION: &'static CStr = c"0.1.0";
    const DESCRIPTION: &'static CStr = c"a hash table in memory; nothing is saved when it closes";
    const CAPS: Caps = Caps::VOLATILE.and(Caps::REENTRANT_SCAN);
    // What is not named here, the host does without.
    const OPTIONAL: Optional<Self> = Optional {
        rnum: Some(Self::rnum),
        stats: Some(Self::stats),
        ..Optional::NONE
    };

    // What is in memory has no file, so the location does not matter.
    fn open(_: &Location) -> Result<Self, Error> {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Ok(Self {
            shards,
            hasher: RandomState::new(),
        })
    }

    fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error> {
        let shard = self.shard(key).read()?;
        Ok(shard
            .get(key)
            .map(|val| Value::shared(Arc::clone(val), |val| val)))
    }

    fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error> {
        let (key, val) = (copy(key)?, Arc::new(copy(val)?));
        self.shard(&key).write()?.insert(key, val);
        Ok(())
    }

    // The lock is held over the question and the change: they are one step.
    fn del(&self, key: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        let mut shard = self.shard(key).write()?;
        let agreed = shard.get(key).is_some_and(|old| proc(old));
        Ok(agreed && shard.remove(key).is_some())
    }

    fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        let val = Arc::new(copy(val)?);
        let mut shard = self.shard(key).write()?;
        let agreed = shard.get(key).is_none_or(|old| proc(old));
        if agreed {
            shard.insert(copy(key)?, val);
        }
        Ok(agreed)
    }

    // No lock is held while a record is shown, so the visitor may take its time.
    fn for_each(&self, visit: Visit<'_>) -> Result<(), Error> {
        for shard in &self.shards {
            let records = shard.read()?.clone();
            for (key, val) in &records {
                if visit(key, val).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl Engine {
    fn shard(&self, key: &[u8]) -> &RwLock<Shard> {
        &self.shards[self.hasher.hash_one(key) as usize % SHARDS]
    }

    fn rnum(&self) -> Result<u64, Error> {
        let mut records = 0;
        for shard in &self.shards {
            records += shard.read()?.len() as u64;
        }
        Ok(records)
    }

    fn stats(&self, add: &mut dyn FnMut(&str, &dyn Display)) -> Result<(), Error> {
        add("records", &self.rnum()?);
        add("shards", &SHARDS);
        Ok(())
    }
}

/// A copy, or an error where there is no memory; `to_vec` would end the process.
fn copy(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())
        .map_err(|_| Error::no_memory(bytes.len()))?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

kumo_plugin::export!(Engine);

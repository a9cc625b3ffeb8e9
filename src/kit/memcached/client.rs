//! A client, with calls that fail the test when they are answered in a way that
//! no test needs to look for.

use super::super::{
    Outcome, ensure, fail,
    store::{text, text_or},
};
use crate::host::memcached::{
    Code, Operation,
    raw::{self, Info, Item},
};
use std::ops::Deref;

/// Room for as many pieces as any value has.
const ROOM: usize = 1024;

/// What stands where store sets the CAS unique: what it was before means nothing.
const BEFORE: u64 = 0xdead_beef;

/// A client of the engine's.
pub(super) struct Client(raw::Client);

impl Deref for Client {
    type Target = raw::Client;

    fn deref(&self) -> &raw::Client {
        &self.0
    }
}

/// What an item is, with room for all its value.
pub(super) fn told(item: &Item) -> Outcome<Info> {
    match item.info(ROOM) {
        Ok(info) => Ok(info),
        Err(reason) => fail!("{reason}"),
    }
}

impl Client {
    pub fn new(client: raw::Client) -> Self {
        Self(client)
    }

    /// Allocates an item and fills it, which must work.
    pub fn item(&self, key: &[u8], value: &[u8], flags: u32, exptime: u32) -> Outcome<Item> {
        let mut item = match self.allocate(key, value.len(), flags, exptime)? {
            (Code::SUCCESS, Some(item)) => item,
            (Code::SUCCESS, None) => {
                fail!("allocate for {} returned ENGINE_SUCCESS and no item", text(key))
            }
            (code, _) => {
                fail!("allocate for {}, {} bytes, returned {code}", text(key), value.len())
            }
        };
        item.set_cas(0);
        if let Err(reason) = item.fill(value) {
            fail!("{reason}");
        }
        Ok(item)
    }

    /// Stores an item that has been filled: the code and the CAS unique.
    pub fn store_item(&self, item: &Item, operation: Operation) -> Outcome<(Code, u64)> {
        Ok(self.store(item, operation, BEFORE)?)
    }

    /// Stores a value; the code and the CAS unique.
    pub fn try_store(
        &self,
        operation: Operation,
        key: &[u8],
        value: &[u8],
    ) -> Outcome<(Code, u64)> {
        self.store_item(&self.item(key, value, 0, 0)?, operation)
    }

    /// Stores a value, which must be answered with this code.
    pub fn store_as(
        &self,
        operation: Operation,
        key: &[u8],
        value: &[u8],
        wanted: Code,
    ) -> Outcome<u64> {
        let (code, cas) = self.try_store(operation, key, value)?;
        ensure!(
            code == wanted,
            "store with {operation:?} of {} returned {code}; it should return {wanted}",
            text(key)
        );
        Ok(cas)
    }

    /// Stores where the CAS unique is this.
    pub fn swap(&self, key: &[u8], value: &[u8], cas: u64) -> Outcome<(Code, u64)> {
        let item = self.item(key, value, 0, 0)?;
        item.set_cas(cas);
        self.store_item(&item, Operation::Cas)
    }

    /// Stores with OPERATION_SET, which must work; the CAS unique.
    pub fn put(&self, key: &[u8], value: &[u8]) -> Outcome<u64> {
        self.store_as(Operation::Set, key, value, Code::SUCCESS)
    }

    /// As `put`, with flags and an expiry.
    pub fn put_with(&self, key: &[u8], value: &[u8], flags: u32, exptime: u32) -> Outcome<u64> {
        let (code, cas) =
            self.store_item(&self.item(key, value, flags, exptime)?, Operation::Set)?;
        ensure!(code == Code::SUCCESS, "store of {} returned {code}", text(key));
        Ok(cas)
    }

    /// An item. None: a miss, as misses are answered.
    pub fn find(&self, key: &[u8]) -> Outcome<Option<Item>> {
        match self.get(key)? {
            (Code::SUCCESS, Some(item)) => Ok(Some(item)),
            (Code::SUCCESS, None) => {
                fail!("get of {} returned ENGINE_SUCCESS and no item", text(key))
            }
            // Old engines answer the latter.
            (Code::KEY_ENOENT | Code::NOT_STORED, _) => Ok(None),
            (code, _) => fail!("get of {} returned {code}", text(key)),
        }
    }

    /// An item that must be there.
    pub fn found(&self, key: &[u8]) -> Outcome<Item> {
        match self.find(key)? {
            Some(item) => Ok(item),
            None => fail!("get of {} found nothing; it should be there", text(key)),
        }
    }

    /// What an item is that must be there.
    pub fn info(&self, key: &[u8]) -> Outcome<Info> {
        told(&self.found(key)?)
    }

    /// A value, copied.
    pub fn read(&self, key: &[u8]) -> Outcome<Option<Vec<u8>>> {
        self.find(key)?.map(|item| told(&item).map(|info| info.value())).transpose()
    }

    /// The value must be this; None: nothing.
    pub fn expect(&self, key: &[u8], wanted: Option<&[u8]>) -> Outcome {
        let found = self.read(key)?;
        ensure!(
            found.as_deref() == wanted,
            "get of {} is {}; it should be {}",
            text(key),
            text_or(found.as_deref()),
            text_or(wanted)
        );
        Ok(())
    }

    /// Removes; false: not there.
    pub fn delete(&self, key: &[u8]) -> Outcome<bool> {
        match self.remove(key, 0)? {
            Code::SUCCESS => Ok(true),
            Code::KEY_ENOENT => Ok(false),
            code => fail!("remove of {} returned {code}", text(key)),
        }
    }

    /// Flushes, which must work.
    pub fn flush_at(&self, when: i64) -> Outcome {
        let code = self.flush(when)?;
        ensure!(code == Code::SUCCESS, "flush at {when} returned {code}");
        Ok(())
    }

    /// How many items there are, where it says so.
    pub fn curr_items(&self) -> Outcome<Option<u64>> {
        let (code, lines) = self.stats(b"")?;
        ensure!(code == Code::SUCCESS, "get_stats returned {code}");
        let line = lines.into_iter().find(|(name, _)| name == b"curr_items");
        let Some((_, value)) = line else { return Ok(None) };
        match str::from_utf8(&value).ok().and_then(|value| value.parse().ok()) {
            Some(number) => Ok(Some(number)),
            None => fail!("curr_items is {}, which is no number", text(&value)),
        }
    }
}

//! The commands that write, each under the lock of its key.

use super::{
    Found, Shared,
    expiry::{expiry, wall},
    key::StoredKey,
    max_data,
    record::{Head, MAX_HEAD, encode},
    stored_key,
};
use crate::{
    engine::{
        Arithmetic, Delta, Item, Lookup, Mode, NewItem, Stored,
        number::{padded, strtoull},
    },
    host::{Delete, ErrorCode, Failure, Pins, Update},
};
use kumo_plugin::record::clocktime;
use std::cell::Cell;

/// The largest buffer that a thread keeps for its next write, in bytes.
const KEPT_BUFFER: usize = 64 << 10;

thread_local! {
    /// Where a thread builds its records.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Builds a record and hands it to `write`.
fn with_record<R>(
    head: &Head,
    parts: [&[u8]; 2],
    write: impl FnOnce(&[u8]) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let mut buffer = BUFFER.take();
    buffer.clear();
    let size = MAX_HEAD + parts[0].len() + parts[1].len();
    buffer.try_reserve(size).map_err(|_| {
        Failure::new(ErrorCode::Memory, format!("no memory for an item of {size} bytes"))
    })?;
    encode(&mut buffer, head, parts);
    let result = write(&buffer);
    if buffer.capacity() <= KEPT_BUFFER {
        BUFFER.set(buffer);
    }
    result
}

impl Shared {
    /// Puts a record in the place of what was found under the same lock.
    fn put(
        &self,
        key: &StoredKey,
        seen: Option<u64>,
        head: &Head,
        parts: [&[u8]; 2],
    ) -> Result<(), Failure> {
        let done = with_record(head, parts, |value| {
            self.storage.update(key.as_bytes(), value, &mut |old| clocktime(old) == seen)
        })?;
        match done {
            Update::Stored => Ok(()),
            Update::Refused => Err(changed()),
        }
    }

    /// Reads the head of a key's record.
    fn head_of<'a>(
        &self,
        key: &StoredKey,
        now: u32,
        buffer: &'a mut [u8; MAX_HEAD],
    ) -> Result<Found<'a>, Failure> {
        self.found(self.storage.get_header(key.as_bytes(), buffer)?, now)
    }

    /// The storage commands.
    pub fn store(&self, mode: Mode, item: &NewItem<'_>) -> Result<Stored, Failure> {
        let key = stored_key(item.key)?;
        let _lock = self.locks.lock(key.hash());
        let now = wall();
        self.own.settle(now);
        let head = || -> Result<Head, Failure> {
            Ok(Head {
                clocktime: self.own.time()?,
                expiry: expiry(item.exptime, now),
                flags: item.flags,
                ..Head::default()
            })
        };
        let mut buffer = [0; MAX_HEAD];
        let found = match mode {
            Mode::Set => {
                with_record(&head()?, [item.data, &[]], |value| {
                    self.storage.set(key.as_bytes(), value)
                })?;
                return Ok(Stored::Stored);
            }
            Mode::Append => return self.join(&key, now, item, |old, new| [old, new]),
            Mode::Prepend => return self.join(&key, now, item, |old, new| [new, old]),
            Mode::Add | Mode::Replace | Mode::Cas(_) => self.head_of(&key, now, &mut buffer)?,
        };
        let answer = match (mode, &found.live) {
            (Mode::Add, Some(_)) | (Mode::Replace, None) => Stored::NotStored,
            (Mode::Cas(_), None) => Stored::NotFound,
            (Mode::Cas(unique), Some((old, _))) if old.cas() != unique => Stored::Exists,
            _ => {
                self.put(&key, found.seen, &head()?, [item.data, &[]])?;
                Stored::Stored
            }
        };
        Ok(answer)
    }

    /// append and prepend: `order` says which data comes first.
    fn join(
        &self,
        key: &StoredKey,
        now: u32,
        item: &NewItem<'_>,
        order: for<'a> fn(&'a [u8], &'a [u8]) -> [&'a [u8]; 2],
    ) -> Result<Stored, Failure> {
        let pins = Pins::new();
        let found = self.found(self.storage.get(key.as_bytes(), &pins)?, now)?;
        let Some((old, data)) = found.live else { return Ok(Stored::NotStored) };
        let limit = max_data(self.item_size, item.key.len(), old.flags);
        if data.len() + item.data.len() > limit {
            return Ok(Stored::TooLarge);
        }
        let head = Head { clocktime: self.own.time()?, explicit_cas: None, ..old };
        self.put(key, found.seen, &head, order(data, item.data))?;
        Ok(Stored::Stored)
    }

    /// Deletes a key's record, if it is live.
    pub fn delete(&self, key: &StoredKey) -> Result<bool, Failure> {
        let _lock = self.locks.lock(key.hash());
        let now = wall();
        self.own.settle(now);
        let mut buffer = [0; MAX_HEAD];
        let found = self.head_of(key, now, &mut buffer)?;
        if found.live.is_none() {
            return Ok(false);
        }
        self.remove(key, found.seen)?;
        Ok(true)
    }

    /// Deletes a key's record under its lock, as long as it is the one that was
    /// seen.
    pub fn remove(&self, key: &StoredKey, seen: Option<u64>) -> Result<(), Failure> {
        match self.storage.del(key.as_bytes(), &mut |old| clocktime(old) == seen)? {
            Delete::Deleted => Ok(()),
            Delete::Refused => Err(changed()),
            Delete::Absent => Err(Failure::other(format!(
                "del failed in {}: it does not delete a record that is there",
                self.storage.plugin()
            ))),
        }
    }

    /// Gives a live record a new expiry; its clocktime, and so its CAS unique,
    /// stays.
    pub fn touch<'a>(
        &self,
        key: &StoredKey,
        exptime: i32,
        pins: &'a Pins,
    ) -> Result<Lookup<'a>, Failure> {
        let _lock = self.locks.lock(key.hash());
        let now = wall();
        self.own.settle(now);
        let value = self.storage.get(key.as_bytes(), pins)?;
        let found = self.found(value, now)?;
        let Some((old, data)) = found.live else { return self.look(value, now) };
        let head = Head { expiry: expiry(exptime, now), ..old };
        if head != old {
            self.put(key, found.seen, &head, [data, &[]])?;
        }
        Ok(Lookup::Hit(Item { flags: old.flags, cas: old.cas(), data }))
    }

    /// incr and decr.
    pub fn arithmetic(&self, key: &StoredKey, delta: Delta) -> Result<Arithmetic, Failure> {
        let _lock = self.locks.lock(key.hash());
        let now = wall();
        self.own.settle(now);
        let pins = Pins::new();
        let found = self.found(self.storage.get(key.as_bytes(), &pins)?, now)?;
        let Some((old, data)) = found.live else { return Ok(Arithmetic::NotFound) };
        let Some(number) = strtoull(data) else { return Ok(Arithmetic::NonNumeric) };
        let number = delta.of(number);
        let text = padded(number, data.len());
        let head = Head { clocktime: self.own.time()?, explicit_cas: None, ..old };
        self.put(key, found.seen, &head, [&text, &[]])?;
        Ok(Arithmetic::Number(number))
    }
}

fn changed() -> Failure {
    Failure::other("the record changed while it was being written; try again")
}

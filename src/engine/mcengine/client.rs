//! The commands of one client.

use super::{
    McEngine,
    code::{self, failed},
    sum::Sum,
};
use crate::{
    engine::{
        Answer, Arithmetic, Client, Delta, Item as Found, Lookup, Mode, NewItem, Stored, Unanswered,
    },
    host::{
        Failure, Pins,
        memcached::{
            Code, Connection, Item, Operation, Response, Touch, evictions, reset_evictions,
        },
    },
};
use std::{
    sync::Arc,
    task::{Context, Poll},
};

/// What a negative expiry is to an engine: beyond the 30 days that count from
/// now, so a UNIX time, and one that has passed.
const PASSED: u32 = 60 * 60 * 24 * 30 + 1;

/// The statuses of the binary protocol that a touch may have.
const SUCCESS: u16 = 0;
const KEY_ENOENT: u16 = 1;

/// A client of memcached's engine.
pub(super) struct McClient {
    pub engine: Arc<McEngine>,
    pub connection: Connection,
    /// Where a command goes on that is made again.
    pub parked: Option<Parked>,
}

/// The step of a command that the engine answers later. The steps before it are
/// not made again.
pub(super) enum Parked {
    /// The store of an item; of a sum, the number.
    Item { item: Item, operation: Operation, number: u64 },
    /// The allocate of a sum.
    Sum(Sum),
    /// The remove of a key whose new value was refused with this code.
    Refused(Code),
}

fn exptime(exptime: i32) -> u32 {
    u32::try_from(exptime).unwrap_or(PASSED)
}

fn operation(mode: Mode) -> (Operation, u64) {
    match mode {
        Mode::Set => (Operation::Set, 0),
        Mode::Add => (Operation::Add, 0),
        Mode::Replace => (Operation::Replace, 0),
        Mode::Append => (Operation::Append, 0),
        Mode::Prepend => (Operation::Prepend, 0),
        Mode::Cas(unique) => (Operation::Cas, unique),
    }
}

impl McClient {
    pub fn new(engine: Arc<McEngine>, connection: Connection) -> Self {
        Self { engine, connection, parked: None }
    }

    pub fn failed(&self, code: Code) -> Unanswered {
        failed(code, &self.connection)
    }

    /// Stores an item that has been filled. If that is answered later, the item
    /// waits, with the number that it is.
    pub fn store_item(&mut self, item: Item, operation: Operation, number: u64) -> Answer<Code> {
        let stored = self.connection.store(&item, operation);
        if stored.is_err() {
            self.parked = Some(Parked::Item { item, operation, number });
        }
        Ok(stored?)
    }

    /// Allocates an item and fills it.
    fn new_item(&mut self, new: &NewItem<'_>, cas: u64) -> Answer<Result<Item, Code>> {
        let (size, exptime) = (new.data.len(), exptime(new.exptime));
        let mut item = match self.connection.allocate(new.key, size, new.flags, exptime)? {
            Ok(item) => item,
            Err(code) => return Ok(Err(code)),
        };
        item.set_cas(cas);
        item.fill(new.data)?;
        Ok(Ok(item))
    }

    /// There is no item for a new value. The old value of a set goes, since the
    /// client has replaced it.
    fn refused(&mut self, new: &NewItem<'_>, mode: Mode, code: Code) -> Unanswered {
        if mode == Mode::Set && self.connection.remove(new.key).is_err() {
            self.parked = Some(Parked::Refused(code));
            return Unanswered::Later;
        }
        let text = match code {
            Code::E2BIG => "object too large for cache",
            Code::ENOMEM => "out of memory storing object",
            code => return self.failed(code),
        };
        Unanswered::Failed(Failure::other(text))
    }

    /// A touch of either kind. None: no such key.
    fn touched(&self, touch: Touch, key: &[u8], time: i32) -> Answer<Option<Response>> {
        match self.connection.touch(touch, key, exptime(time))? {
            (Code::SUCCESS, response) => match response.status {
                SUCCESS => Ok(Some(response)),
                KEY_ENOENT => Ok(None),
                status => Err(self.failed(code::of_status(status))),
            },
            (Code::KEY_ENOENT, _) => Ok(None),
            (code, _) => Err(self.failed(code)),
        }
    }
}

impl Client for McClient {
    fn get<'a>(&mut self, key: &[u8], pins: &'a Pins) -> Answer<Lookup<'a>> {
        match self.connection.get(key)? {
            Ok(item) => {
                let (head, data) = item.pin(pins)?;
                Ok(Lookup::Hit(Found { flags: head.flags, cas: head.cas, data }))
            }
            Err(Code::DISCONNECT) => Err(Unanswered::Disconnect),
            // The tutorial's engine answers NOT_STORED.
            Err(_) => Ok(Lookup::Miss),
        }
    }

    fn get_many<'a>(&mut self, keys: &[&[u8]], pins: &'a Pins) -> Answer<Vec<Lookup<'a>>> {
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            match self.get(key, pins) {
                Err(Unanswered::Later) if !all.is_empty() => break,
                found => all.push(found?),
            }
        }
        Ok(all)
    }

    fn get_and_touch<'a>(
        &mut self,
        key: &[u8],
        exptime: i32,
        pins: &'a Pins,
    ) -> Answer<Lookup<'a>> {
        let Some(response) = self.touched(Touch::GetAndTouch, key, exptime)? else {
            return Ok(Lookup::Miss);
        };
        let flags = response.extras.first_chunk().map_or(0, |flags| u32::from_be_bytes(*flags));
        Ok(Lookup::Hit(Found { flags, cas: response.cas, data: pins.keep(response.body)? }))
    }

    fn store(&mut self, mode: Mode, new: &NewItem<'_>) -> Answer<Stored> {
        let (operation, cas) = operation(mode);
        let item = match self.parked.take() {
            Some(Parked::Item { item, .. }) => item,
            Some(Parked::Refused(code)) => return Err(self.refused(new, mode, code)),
            Some(Parked::Sum(_)) | None => match self.new_item(new, cas)? {
                Ok(item) => item,
                Err(code) => return Err(self.refused(new, mode, code)),
            },
        };
        match self.store_item(item, operation, 0)? {
            Code::SUCCESS => Ok(Stored::Stored),
            Code::NOT_STORED => Ok(Stored::NotStored),
            Code::KEY_EEXISTS => Ok(Stored::Exists),
            Code::KEY_ENOENT => Ok(Stored::NotFound),
            code => Err(self.failed(code)),
        }
    }

    fn delete(&mut self, key: &[u8]) -> Answer<bool> {
        match self.connection.remove(key)? {
            Code::SUCCESS => Ok(true),
            Code::KEY_ENOENT => Ok(false),
            code => Err(self.failed(code)),
        }
    }

    fn arithmetic(&mut self, key: &[u8], delta: Delta) -> Answer<Arithmetic> {
        let (increment, by) = match delta {
            Delta::Incr(by) => (true, by),
            Delta::Decr(by) => (false, by),
        };
        let Some(answer) = self.connection.arithmetic(key, increment, by) else {
            return self.sum(key, delta);
        };
        match answer? {
            (Code::SUCCESS, number) => Ok(Arithmetic::Number(number)),
            (Code::KEY_ENOENT, _) => Ok(Arithmetic::NotFound),
            (Code::EINVAL, _) => Ok(Arithmetic::NonNumeric),
            (code, _) => Err(self.failed(code)),
        }
    }

    fn touch(&mut self, key: &[u8], exptime: i32) -> Answer<bool> {
        Ok(self.touched(Touch::Touch, key, exptime)?.is_some())
    }

    fn flush(&mut self, exptime: i32) -> Answer<()> {
        match self.connection.flush(exptime.max(0).into())? {
            Code::SUCCESS => Ok(()),
            code => Err(self.failed(code)),
        }
    }

    fn stats(&mut self, name: &[u8]) -> Answer<Option<Vec<(String, String)>>> {
        let theirs = if name == b"storage" { b"" } else { name };
        let (code, mut stats) = self.connection.stats(theirs)?;
        if name.is_empty() && stats.iter().all(|(name, _)| name != "evictions") {
            stats.push(("evictions".to_owned(), evictions().to_string()));
        }
        match code {
            Code::SUCCESS => Ok(Some(stats)),
            Code::KEY_ENOENT | Code::ENOTSUP | Code::EINVAL => Ok(None),
            code => Err(self.failed(code)),
        }
    }

    fn reset_stats(&mut self) {
        reset_evictions();
        self.connection.reset_stats();
    }

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<()> {
        self.connection.poll(task)
    }
}

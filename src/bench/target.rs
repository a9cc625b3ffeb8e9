//! What is measured: anything that keeps records.

use crate::host::{Delete, ErrorCode, Failure, Pins, Storage};
use std::ops::ControlFlow;

/// An open, empty database. Each thread that uses it has a session of its own.
pub trait Target: Sync {
    /// What the results and the errors call it.
    fn name(&self) -> &str;

    /// One thread's access to it.
    fn session(&self) -> Box<dyn Session + '_>;

    /// How many records it counts, where it does.
    fn count(&self) -> Result<Option<u64>, Failure>;
}

/// One thread's access to a database. What `take` is shown need not outlive the
/// call.
pub trait Session {
    /// Stores a record.
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Failure>;

    /// Shows a value. False: there is none.
    fn get(&mut self, key: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<bool, Failure>;

    /// Shows the values of several keys, each with its key's place among them.
    fn get_many(
        &mut self,
        keys: &[&[u8]],
        take: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), Failure> {
        for (n, key) in keys.iter().enumerate() {
            self.get(key, &mut |value| take(n, value))?;
        }
        Ok(())
    }

    /// Deletes a record; whoever can, asks `is` first whether it is the right
    /// one. False: it is not, or there is none.
    fn del(
        &mut self,
        key: &[u8],
        is: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<bool, Failure>;

    /// Shows every record.
    fn for_each(&mut self, take: &mut (dyn FnMut(&[u8], &[u8]) + Send)) -> Result<(), Failure>;
}

impl Target for Storage {
    fn name(&self) -> &str {
        self.plugin()
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Plugged { storage: self, pins: Pins::new() })
    }

    fn count(&self) -> Result<Option<u64>, Failure> {
        self.rnum().map(Some)
    }
}

/// A thread's access to a plugin, as the server has it.
struct Plugged<'a> {
    storage: &'a Storage,
    pins: Pins,
}

impl Session for Plugged<'_> {
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        self.storage.set(key, value)
    }

    fn get(&mut self, key: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<bool, Failure> {
        let found = self.storage.get(key, &self.pins)?.map(take).is_some();
        self.pins.clear();
        Ok(found)
    }

    fn get_many(
        &mut self,
        keys: &[&[u8]],
        take: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), Failure> {
        let found = self.storage.get_many(keys, &self.pins)?;
        if found.len() != keys.len() {
            let text = format!("{} answers to {} keys", found.len(), keys.len());
            return Err(Failure::new(ErrorCode::Corrupt, text));
        }
        for (n, value) in found.into_iter().enumerate() {
            if let Some(value) = value {
                take(n, value);
            }
        }
        self.pins.clear();
        Ok(())
    }

    fn del(
        &mut self,
        key: &[u8],
        is: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<bool, Failure> {
        Ok(self.storage.del(key, is)? == Delete::Deleted)
    }

    fn for_each(&mut self, take: &mut (dyn FnMut(&[u8], &[u8]) + Send)) -> Result<(), Failure> {
        self.storage.for_each(&mut |record| {
            take(record.key, record.value);
            ControlFlow::Continue(())
        })
    }
}

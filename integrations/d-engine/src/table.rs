//! A database of one plugin's, with writes that are all or none.
//!
//! Where the plugin has no batch, or only smaller ones, several changes are first
//! written down as one record, the commit record, then carried out, and then it is
//! deleted. From its write on they hold: what a kill interrupts is done again when
//! the database is opened. To do them twice changes nothing.

use crate::{
    changes::Changes,
    options::{Durability, Options},
    record::{self, Space},
};
use bytes::Bytes;
use d_engine::Error;
use kumo::host::{Change, Delete, ErrorCode, Failure, Pins, Plugin, Storage};
use kumo_plugin::abi::{KUMO_CAP_DURABLE_SYNC, KUMO_CAP_VOLATILE};
use std::{
    ffi::OsString,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// An open database.
pub struct Table {
    storage: Storage,
    path: PathBuf,
    params: String,
    durability: Durability,
    /// The plugin has a batch of its own.
    batch: bool,
}

impl Table {
    /// Opens the database at `path`, and completes what a kill interrupted.
    pub fn open(plugin: &Plugin, path: PathBuf, options: &Options) -> Result<Self, Error> {
        let location = location(&path, &options.params);
        let storage = plugin.open(&location).map_err(|error| Error::Fatal(error.to_string()))?;
        if plugin.caps() & KUMO_CAP_VOLATILE != 0 {
            tracing::warn!("{} keeps its data in memory: a restart loses it", plugin.name());
        } else if plugin.caps() & KUMO_CAP_DURABLE_SYNC == 0
            && options.durability == Durability::Disk
        {
            tracing::warn!("{} does not promise to survive a loss of power", plugin.name());
        }
        let batch = plugin.operations().contains(&"batch");
        let it = Self {
            storage,
            path,
            params: options.params.clone(),
            durability: options.durability,
            batch,
        };
        it.complete()
            .map_err(|failure| Error::Fatal(format!("opening {}: {failure}", it.path.display())))?;
        Ok(it)
    }

    /// The data under a key.
    pub fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, Failure> {
        let key = record::key(space, key);
        let pins = Pins::new();
        let Some(value) = self.storage.get(&key, &pins)? else { return Ok(None) };
        Ok(Some(Bytes::copy_from_slice(record::data(&key, value)?)))
    }

    /// Shows every record of a space: its key within it, and its data.
    pub fn for_each(
        &self,
        space: Space,
        mut show: impl FnMut(&[u8], &[u8]) -> Result<(), Failure> + Send,
    ) -> Result<(), Failure> {
        let mut result = Ok(());
        self.storage.for_each(&mut |it| {
            if let Some(key) = record::key_in(space, it.key) {
                result = record::data(it.key, it.value).and_then(|data| show(key, data));
            }
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        result
    }

    /// The number of records, of all spaces.
    pub fn len(&self) -> Result<u64, Failure> {
        self.storage.rnum()
    }

    /// Carries out changes, all or none. Those of one table do not come at the
    /// same time: who calls holds a lock.
    pub fn write(&self, changes: &Changes) -> Result<(), Failure> {
        match changes.as_host().as_slice() {
            [] => Ok(()),
            // Alone, each is all or none by the contract.
            [change] => self.one(change),
            several if self.batch => match self.storage.batch(several) {
                // It is too large for the plugin.
                Err(failure) if failure.code == ErrorCode::Invalid => {
                    self.write_down(changes, several)
                }
                Ok(None) => Err(Failure::other("the plugin has said that it has a batch")),
                done => done.map(drop),
            },
            several => self.write_down(changes, several),
        }
    }

    /// Carries out changes by way of a commit record.
    fn write_down(&self, changes: &Changes, several: &[Change<'_>]) -> Result<(), Failure> {
        let mut commit = Changes::default();
        commit.put(Space::Commit, b"", 0, &changes.encode()?);
        commit.as_host().iter().try_for_each(|change| self.one(change))?;
        self.carry_out(several)
    }

    /// Returns when what was written survives a loss of power, as far as the
    /// plugin can see to that.
    pub fn sync(&self) -> Result<(), Failure> {
        self.storage.sync().map(|_| ())
    }

    /// Writes a copy, which `open` opens, to `path`.
    pub fn backup(&self, path: &Path) -> Result<(), Failure> {
        self.storage.backup(path, &location(path, &self.params))
    }

    fn one(&self, change: &Change<'_>) -> Result<(), Failure> {
        match change {
            Change::Put(key, value) => self.storage.set(key, value),
            Change::Delete(key) => match self.storage.del(key, &mut |_| true)? {
                Delete::Deleted | Delete::Absent => Ok(()),
                Delete::Refused => Err(Failure::other("a delete was refused that nobody refused")),
            },
        }
    }

    /// Does what the commit record says, which has been written. Where power may
    /// fail, it is on the disk before what it says is done, and goes after that is.
    fn carry_out(&self, changes: &[Change<'_>]) -> Result<(), Failure> {
        let sync = || if self.durability == Durability::Disk { self.sync() } else { Ok(()) };
        sync()?;
        changes.iter().try_for_each(|change| self.one(change))?;
        sync()?;
        self.one(&Change::Delete(&record::key(Space::Commit, b"")))
    }

    /// Does again what a commit record says that was left behind.
    fn complete(&self) -> Result<(), Failure> {
        let Some(data) = self.get(Space::Commit, b"")? else { return Ok(()) };
        self.carry_out(&Changes::decode(&data)?.as_host())
    }
}

/// A path, and the parameters behind it.
fn location(path: &Path, params: &str) -> OsString {
    let mut location = path.as_os_str().to_owned();
    location.push(params);
    location
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Table {
        let plugin = Plugin::built_in().unwrap();
        Table::open(&plugin, path.to_owned(), &Options::default()).unwrap()
    }

    fn changes() -> Changes {
        let mut changes = Changes::default();
        changes.put(Space::Data, b"new", 1, b"1");
        changes.put(Space::Data, b"changed", 1, b"1");
        changes.delete(Space::Data, b"old");
        changes.delete(Space::Data, b"never there");
        changes
    }

    fn check(table: &Table) {
        assert_eq!(table.get(Space::Data, b"new").unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(table.get(Space::Data, b"changed").unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(table.get(Space::Data, b"old").unwrap(), None);
        assert_eq!(table.get(Space::Commit, b"").unwrap(), None);
        assert_eq!(table.len().unwrap(), 2);
    }

    fn prepared(path: &Path) -> Table {
        let mut table = open(path);
        table.batch = false;
        let mut before = Changes::default();
        before.put(Space::Data, b"changed", 0, b"0");
        before.put(Space::Data, b"old", 0, b"0");
        table.write(&before).unwrap();
        table
    }

    #[test]
    fn changes_are_carried_out_with_a_commit_record() {
        let directory = tempfile::tempdir().unwrap();
        let table = prepared(&directory.path().join("db"));
        table.write(&changes()).unwrap();
        check(&table);
    }

    #[test]
    fn what_is_too_large_for_a_batch_is_carried_out_with_a_commit_record() {
        let directory = tempfile::tempdir().unwrap();
        let table = open(&directory.path().join("db"));
        assert!(table.batch);
        let mut changes = Changes::default();
        let value = vec![7; 100_000];
        (0..4_u8).for_each(|n| changes.put(Space::Data, &[n], 1, &value));
        table.write(&changes).unwrap();
        for n in 0..4_u8 {
            assert_eq!(table.get(Space::Data, &[n]).unwrap().as_deref(), Some(&value[..]));
        }
        assert_eq!(table.len().unwrap(), 4);
    }

    #[test]
    fn what_a_kill_interrupts_is_completed() {
        let directory = tempfile::tempdir().unwrap();
        // Killed behind the commit record, and behind any number of changes.
        for done in 0..=changes().as_host().len() {
            let path = directory.path().join(done.to_string());
            let table = prepared(&path);
            let mut commit = Changes::default();
            commit.put(Space::Commit, b"", 0, &changes().encode().unwrap());
            table.write(&commit).unwrap();
            for change in &changes().as_host()[..done] {
                table.one(change).unwrap();
            }
            drop(table);
            check(&open(&path));
        }
    }
}

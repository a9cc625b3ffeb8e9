//! redb: a transaction for each write, without waiting for the disk.

use super::{Entry, Peer, failure};
use anyhow::{Context, Result};
use kumo::{
    bench::{Session, Target},
    host::Failure,
};
use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::Path;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");

pub fn entry() -> Entry {
    Entry {
        name: "redb",
        text: "a transaction for each write, Durability::None, a cache of 1 GiB",
        version: || "4".to_owned(),
        open: |directory, _| Ok(Box::new(open(directory)?)),
    }
}

struct Redb(Database);

fn open(directory: &Path) -> Result<Redb> {
    let path = directory.join("db.redb");
    let db = Redb(Database::builder().set_cache_size(1 << 30).create(path)?);
    // Reading fails where the table was never made.
    db.write(Durability::Immediate, |_| Ok(())).ok().context("cannot make the table")?;
    Ok(db)
}

type Table<'a> = redb::Table<'a, &'static [u8], &'static [u8]>;

impl Redb {
    fn write<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&mut Table<'_>) -> Result<T, redb::StorageError>,
    ) -> Result<T, Failure> {
        let mut transaction = self.0.begin_write().map_err(failure)?;
        transaction.set_durability(durability).map_err(failure)?;
        let done = work(&mut transaction.open_table(TABLE).map_err(failure)?).map_err(failure)?;
        transaction.commit().map_err(failure)?;
        Ok(done)
    }

    fn table(&self) -> Result<redb::ReadOnlyTable<&'static [u8], &'static [u8]>, Failure> {
        self.0.begin_read().map_err(failure)?.open_table(TABLE).map_err(failure)
    }
}

impl Target for Redb {
    fn name(&self) -> &str {
        "redb"
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(self)
    }

    fn count(&self) -> Result<Option<u64>, Failure> {
        Ok(None)
    }
}

impl Peer for Redb {
    fn sync(&self) -> Result<(), Failure> {
        self.write(Durability::Immediate, |_| Ok(()))
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

impl Session for &Redb {
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        self.write(Durability::None, |table| table.insert(key, value).map(|_| ()))
    }

    fn get(&mut self, key: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<bool, Failure> {
        let found = self.table()?.get(key).map_err(failure)?;
        Ok(found.map(|value| take(value.value())).is_some())
    }

    fn del(
        &mut self,
        key: &[u8],
        _is: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<bool, Failure> {
        self.write(Durability::None, |table| table.remove(key).map(|old| old.is_some()))
    }

    fn for_each(&mut self, take: &mut (dyn FnMut(&[u8], &[u8]) + Send)) -> Result<(), Failure> {
        for record in self.table()?.iter().map_err(failure)? {
            let (key, value) = record.map_err(failure)?;
            take(key.value(), value.value());
        }
        Ok(())
    }
}

//! fjall: a journal that is not synced.

use super::{Entry, Peer, failure};
use anyhow::Result;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use kumo::{
    bench::{Session, Target},
    host::Failure,
};
use std::path::Path;

pub fn entry() -> Entry {
    Entry {
        name: "fjall",
        text: "a journal that is not synced, a cache of 512 MiB",
        version: || "3".to_owned(),
        open: |directory, _| Ok(Box::new(open(directory)?)),
    }
}

struct Fjall {
    db: Database,
    records: Keyspace,
}

fn open(directory: &Path) -> Result<Fjall> {
    let db = Database::builder(directory).cache_size(512 << 20).open()?;
    let records = db.keyspace("records", KeyspaceCreateOptions::default)?;
    Ok(Fjall { db, records })
}

impl Target for Fjall {
    fn name(&self) -> &str {
        "fjall"
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(self)
    }

    fn count(&self) -> Result<Option<u64>, Failure> {
        Ok(None)
    }
}

impl Peer for Fjall {
    fn sync(&self) -> Result<(), Failure> {
        self.db.persist(PersistMode::SyncAll).map_err(failure)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

impl Session for &Fjall {
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        self.records.insert(key, value).map_err(failure)
    }

    fn get(&mut self, key: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<bool, Failure> {
        let found = self.records.get(key).map_err(failure)?;
        Ok(found.map(|value| take(&value)).is_some())
    }

    // It does not tell whether the key was there.
    fn del(
        &mut self,
        key: &[u8],
        _is: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<bool, Failure> {
        self.records.remove(key).map_err(failure)?;
        Ok(true)
    }

    fn for_each(&mut self, take: &mut (dyn FnMut(&[u8], &[u8]) + Send)) -> Result<(), Failure> {
        for record in self.records.iter() {
            let (key, value) = record.into_inner().map_err(failure)?;
            take(&key, &value);
        }
        Ok(())
    }
}

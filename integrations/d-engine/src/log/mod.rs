//! The log store.
//!
//! Every change of the log is one: the entries of a range go, and others take their
//! place; all or none. To append is to replace what is there at these indexes, to
//! truncate and to purge is to replace with nothing.

mod gap;
mod index;
mod run;

use crate::{
    changes::Changes,
    options::{Durability, Options},
    place::Place,
    record::Space,
    table::Table,
};
use async_trait::async_trait;
use bytes::Bytes;
use d_engine::{
    Error, LogStore,
    common::{Entry, LogId},
};
use index::Index;
use kumo::host::{ErrorCode, Failure, Plugin};
use parking_lot::RwLock;
use prost::Message;
use std::{
    fmt,
    ops::RangeInclusive,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

/// The Raft log, over a plugin.
pub struct KumoLogStore {
    table: Table,
    options: Options,
    live: RwLock<Live>,
    /// The last entry's index, which is asked often.
    last: AtomicU64,
    // Behind the table: unlocked when that is closed.
    _place: Place,
}

/// What is kept of the log in memory.
#[derive(Default)]
struct Live {
    index: Index,
    /// The entries beside a gap that d-engine has left in it.
    gap: Option<(u64, u64)>,
}

impl KumoLogStore {
    /// Opens the log in a directory. All of it is read and checked: what d-engine
    /// cannot read when it starts it takes for an empty log.
    pub fn open(plugin: &Plugin, path: &Path, options: &Options) -> Result<Self, Error> {
        let place = Place::open(path)?;
        let table = Table::open(plugin, place.path().join("log"), options)?;
        let it = Self {
            table,
            options: options.clone(),
            live: RwLock::default(),
            last: AtomicU64::new(0),
            _place: place,
        };
        it.load().map_err(|failure| {
            Error::Fatal(format!("opening the log in {}: {failure}", path.display()))
        })?;
        Ok(it)
    }

    /// Reads and checks the whole log.
    fn load(&self) -> Result<(), Failure> {
        let index = read_index(&self.table)?;
        let fault = index.fault();
        self.last.store(index.bounds().map_or(0, |(_, last)| last), Ordering::Release);
        *self.live.write() = Live { index, gap: fault };
        let Some((last, next)) = fault else { return Ok(()) };
        gap::check(&self.table, last, next)?;
        tracing::error!("d-engine left a gap behind entry {last}: the leader sends what follows");
        self.replace(next..=u64::MAX, &[], Changes::default())
    }

    /// Replaces the entries of a range with others, which are in the order of their
    /// indexes. `changes` come with it.
    fn replace(
        &self,
        range: RangeInclusive<u64>,
        entries: &[Entry],
        mut changes: Changes,
    ) -> Result<(), Failure> {
        let mut live = self.live.write();
        let mut removed = Vec::new();
        let mut added = Vec::new();
        for (first, last) in live.index.overlapping(range.clone()) {
            changes.delete(Space::Run, &first.to_be_bytes());
            removed.push(first);
            if first < *range.start() || last > *range.end() {
                let mut kept = self.read(first)?;
                kept.retain(|entry| !range.contains(&entry.index));
                put(&kept, &mut changes, &mut added)?;
            }
        }
        put(entries, &mut changes, &mut added)?;
        let mut gap = None;
        if live.gap.is_some() || !gap::joins(live.index.bounds(), entries) {
            let mut index = live.index.clone();
            index.exchange(&removed, &added);
            gap = index.fault();
            gap::note(gap, &mut changes);
            if gap.is_some() && gap != live.gap {
                tracing::warn!("d-engine leaves a gap in the log, between {gap:?}");
            }
        }
        self.table.write(&changes)?;

        live.index.exchange(&removed, &added);
        live.gap = gap;
        self.last.store(live.index.bounds().map_or(0, |(_, last)| last), Ordering::Release);
        Ok(())
    }

    /// The entries of the run that begins here.
    fn read(&self, first: u64) -> Result<Vec<Entry>, Failure> {
        let mut entries = Vec::new();
        self.read_into(first, &mut entries)?;
        Ok(entries)
    }

    fn read_into(&self, first: u64, entries: &mut Vec<Entry>) -> Result<(), Failure> {
        let data = self.table.get(Space::Run, &first.to_be_bytes())?.ok_or_else(|| {
            Failure::new(ErrorCode::Corrupt, format!("the log entries from {first} on are gone"))
        })?;
        run::decode_into(first, data, entries)
    }

    fn range(&self, range: RangeInclusive<u64>) -> Result<Vec<Entry>, Failure> {
        let live = self.live.read();
        let mut entries = Vec::new();
        for (first, last) in live.index.overlapping(range.clone()) {
            if range.contains(&first) && range.contains(&last) {
                self.read_into(first, &mut entries)?;
            } else {
                let part = self.read(first)?;
                entries.extend(part.into_iter().filter(|entry| range.contains(&entry.index)));
            }
        }
        Ok(entries)
    }

    /// Does something that must succeed.
    fn must<T>(
        &self,
        doing: &str,
        it: impl FnOnce(&Self) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        self.options.health.check()?;
        self.options.health.must(doing, it(self))
    }
}

/// Adds the runs that entries make to the changes; where they begin, and how long
/// they are, to `added`.
fn put(
    entries: &[Entry],
    changes: &mut Changes,
    added: &mut Vec<(u64, u64)>,
) -> Result<(), Failure> {
    for run in run::cut(entries) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        changes.put(Space::Run, &first.index.to_be_bytes(), last.index, &run::encode(run)?);
        added.push((first.index, run.len() as u64));
    }
    Ok(())
}

/// Reads every run, and checks it.
fn read_index(table: &Table) -> Result<Index, Failure> {
    let mut index = Index::default();
    table.for_each(Space::Run, |key, data| {
        let first = key.try_into().map(u64::from_be_bytes).map_err(|_| {
            Failure::new(ErrorCode::Corrupt, "a run of log entries has no index for a key")
        })?;
        let entries = run::decode(first, Bytes::copy_from_slice(data))?;
        index.add(first, entries.len() as u64);
        Ok(())
    })?;
    Ok(index)
}

#[async_trait]
impl LogStore for KumoLogStore {
    async fn persist_entries(&self, mut entries: Vec<Entry>) -> Result<(), Error> {
        entries.sort_by_key(|entry| entry.index);
        // The later of two at one index holds.
        entries.reverse();
        entries.dedup_by_key(|entry| entry.index);
        entries.reverse();
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(()) };
        let range = first.index..=last.index;
        self.must("writing log entries", |it| it.replace(range, &entries, Changes::default()))
    }

    async fn entry(&self, index: u64) -> Result<Option<Entry>, Error> {
        let found = self.must("reading a log entry", |it| it.range(index..=index))?;
        Ok(found.into_iter().next())
    }

    fn get_entries(&self, range: RangeInclusive<u64>) -> Result<Vec<Entry>, Error> {
        self.must("reading log entries", |it| it.range(range))
    }

    async fn purge(&self, cutoff: LogId) -> Result<(), Error> {
        if cutoff.index == 0 {
            return Ok(());
        }
        self.must("purging the log", |it| {
            let mut changes = Changes::default();
            changes.put(Space::PurgeBoundary, b"", cutoff.index, &cutoff.encode_to_vec());
            it.replace(0..=cutoff.index, &[], changes)
        })
    }

    async fn truncate(&self, from_index: u64) -> Result<(), Error> {
        self.must("truncating the log", |it| {
            it.replace(from_index..=u64::MAX, &[], Changes::default())
        })
    }

    async fn replace_range(&self, from_index: u64, entries: Vec<Entry>) -> Result<(), Error> {
        self.must("replacing log entries", |it| {
            if entries.first().is_some_and(|entry| entry.index != from_index) {
                return Err(Failure::new(
                    ErrorCode::Invalid,
                    format!("what replaces the log from {from_index} on does not begin there"),
                ));
            }
            it.replace(from_index..=u64::MAX, &entries, Changes::default())
        })
    }

    fn is_write_durable(&self) -> bool {
        self.options.durability == Durability::Process
    }

    fn flush(&self) -> Result<(), Error> {
        self.must("syncing the log", |it| it.table.sync())
    }

    async fn flush_async(&self) -> Result<(), Error> {
        self.flush()
    }

    async fn reset(&self) -> Result<(), Error> {
        self.must("resetting the log", |it| {
            let mut changes = Changes::default();
            changes.delete(Space::PurgeBoundary, b"");
            it.replace(0..=u64::MAX, &[], changes)
        })
    }

    fn last_index(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    fn load_purge_boundary(&self) -> Result<Option<LogId>, Error> {
        self.must("reading how far the log is purged", |it| {
            let Some(data) = it.table.get(Space::PurgeBoundary, b"")? else { return Ok(None) };
            LogId::decode(data).map(Some).map_err(|_| {
                Failure::new(ErrorCode::Corrupt, "how far the log is purged cannot be read")
            })
        })
    }
}

impl fmt::Debug for KumoLogStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KumoLogStore").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Drop for KumoLogStore {
    fn drop(&mut self) {
        if let Err(failure) = self.table.sync() {
            tracing::error!("syncing the log as it closes: {failure}");
        }
    }
}

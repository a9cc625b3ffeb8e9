//! The state machine: keys and values, what has been applied, and snapshots.

mod generation;
mod live;
mod replace;
mod results;
mod terms;
mod tree;

use crate::{options::Options, place::Place, record::Space};
use async_trait::async_trait;
use bytes::Bytes;
use d_engine::{
    ApplyEntry, ApplyResult, Error, ScanResult, StateMachine, StorageError, common::LogId,
    server_storage::SnapshotMetadata,
};
use generation::Generations;
use kumo::host::{Failure, Plugin};
use live::Live;
use parking_lot::{Mutex, RwLock};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// d-engine's state machine, over a plugin.
#[derive(Debug)]
pub struct KumoStateMachine(Arc<State>);

struct State {
    live: RwLock<Live>,
    /// Held while a state is made that is to replace it.
    replacing: Mutex<()>,
    running: AtomicBool,
    generations: Generations,
    options: Options,
    // Behind the state: unlocked when that is closed.
    _place: Place,
}

impl KumoStateMachine {
    /// Opens the state in a directory, and makes it where there is none.
    pub fn open(
        plugin: &Plugin,
        directory: impl AsRef<Path>,
        options: &Options,
    ) -> Result<Self, Error> {
        let place = Place::open(directory.as_ref())?;
        let generations = Generations::new(plugin, place.path(), options);
        let live = Live::load(generations.open()?).map_err(|failure| {
            Error::Fatal(format!("opening the state in {}: {failure}", place.path().display()))
        })?;
        Ok(Self(Arc::new(State {
            live: RwLock::new(live),
            replacing: Mutex::new(()),
            running: AtomicBool::new(true),
            generations,
            options: options.clone(),
            _place: place,
        })))
    }

    /// Does what takes long where it holds nobody up.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&State) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let state = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&state)).await;
        done.map_err(|error| Error::Fatal(format!("the state machine: {error}")))?
    }
}

impl State {
    /// A result that must be good, where nothing has failed before.
    fn must<T>(&self, doing: &str, result: Result<T, Failure>) -> Result<T, Error> {
        self.options.health.check()?;
        self.options.health.must(doing, result)
    }

    fn sync(&self) -> Result<(), Error> {
        let table = Arc::clone(&self.live.read().generation.table);
        self.must("syncing the state", table.sync())
    }

    fn apply(&self, chunk: &[ApplyEntry]) -> Result<Vec<ApplyResult>, Error> {
        self.options.health.check()?;
        let applied = self.live.write().apply(chunk);
        self.must("applying entries", applied)
    }

    fn scan(&self, prefix: &[u8]) -> Result<ScanResult, Failure> {
        let live = self.live.read();
        let mut entries = Vec::new();
        live.generation.table.for_each(Space::Data, |key, data| {
            if key.starts_with(prefix) {
                entries.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(data)));
            }
            Ok(())
        })?;
        entries.sort();
        Ok(ScanResult { entries, revision: live.applied.index })
    }
}

/// An error of d-engine's as one of a plugin's.
fn failure(error: &Error) -> Failure {
    Failure::other(error.to_string())
}

#[async_trait]
impl StateMachine for KumoStateMachine {
    async fn start(&self) -> Result<(), Error> {
        self.0.running.store(true, Ordering::SeqCst);
        self.0.options.health.check()
    }

    fn stop(&self) -> Result<(), Error> {
        self.0.running.store(false, Ordering::SeqCst);
        self.0.sync()
    }

    fn is_running(&self) -> bool {
        self.0.running.load(Ordering::SeqCst)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        if !self.is_running() {
            return Err(StorageError::NotServing("it has been stopped".to_owned()).into());
        }
        let found = self.0.live.read().get(key);
        self.0.must("reading the state", found)
    }

    fn entry_term(&self, index: u64) -> Option<u64> {
        let live = self.0.live.read();
        live.terms.of(index).filter(|_| index <= live.applied.index)
    }

    async fn apply_chunk(&self, chunk: &[ApplyEntry]) -> Result<Vec<ApplyResult>, Error> {
        // Here: d-engine has a thread that does nothing else.
        self.0.apply(chunk)
    }

    fn len(&self) -> usize {
        let counted = self.0.live.read().len();
        // There is no other way to say that it failed than to stop.
        self.0.must("counting the state's keys", counted).unwrap_or(0) as usize
    }

    fn update_last_applied(&self, last_applied: LogId) {
        // What has been applied is known, and written with it; this may only be an
        // entry that did nothing. A failure is kept, and stops the node.
        let _ = self.persist_last_applied(last_applied);
    }

    fn last_applied(&self) -> LogId {
        self.0.live.read().applied
    }

    fn persist_last_applied(&self, last_applied: LogId) -> Result<(), Error> {
        let advanced = self.0.live.write().advance(last_applied);
        self.0.must("writing what has been applied", advanced)
    }

    fn update_last_snapshot_metadata(&self, snapshot: &SnapshotMetadata) -> Result<(), Error> {
        self.0.live.write().snapshot = Some(snapshot.clone());
        Ok(())
    }

    fn snapshot_metadata(&self) -> Option<SnapshotMetadata> {
        self.0.live.read().snapshot.clone()
    }

    fn persist_last_snapshot_metadata(&self, snapshot: &SnapshotMetadata) -> Result<(), Error> {
        let stored = self.0.live.write().store_snapshot(snapshot.clone());
        self.0.must("writing what is known of the snapshot", stored)
    }

    async fn apply_snapshot_from_file(
        &self,
        snapshot: &SnapshotMetadata,
        path: PathBuf,
    ) -> Result<(), Error> {
        let snapshot = snapshot.clone();
        self.aside(move |state| state.install_snapshot(&path, &snapshot)).await
    }

    async fn generate_snapshot_data(
        &self,
        directory: PathBuf,
        last_included: LogId,
    ) -> Result<Bytes, Error> {
        self.aside(move |state| state.take_snapshot(&directory, last_included)).await
    }

    fn save_hard_state(&self) -> Result<(), Error> {
        // It is written with every chunk.
        self.0.options.health.check()
    }

    fn flush(&self) -> Result<(), Error> {
        self.0.sync()
    }

    async fn flush_async(&self) -> Result<(), Error> {
        self.aside(State::sync).await
    }

    async fn reset(&self) -> Result<(), Error> {
        self.aside(State::reset).await
    }

    fn scan_prefix(&self, prefix: &[u8]) -> Result<ScanResult, Error> {
        self.0.must("scanning the state", self.0.scan(prefix))
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("running", &self.running).finish_non_exhaustive()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Err(failure) = self.live.get_mut().generation.table.sync() {
            tracing::error!("syncing the state as it closes: {failure}");
        }
    }
}

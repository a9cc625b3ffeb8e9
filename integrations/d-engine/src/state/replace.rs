//! The state as a whole: copied for a snapshot, replaced by one, reset.

use super::{State, generation::Generation, live::Live, tree};
use bytes::Bytes;
use d_engine::{Error, SnapshotError, common::LogId, server_storage::SnapshotMetadata};
use std::{fs, io, path::Path, sync::Arc};

impl State {
    /// Writes a snapshot into a directory; its checksum. Entries are applied
    /// meanwhile: it may hold some beyond `last_included`, and says how many it
    /// holds.
    pub fn take_snapshot(&self, directory: &Path, last_included: LogId) -> Result<Bytes, Error> {
        let (table, applied) = {
            let live = self.live.read();
            (Arc::clone(&live.generation.table), live.applied)
        };
        if last_included.index > applied.index {
            return Err(failed(format!(
                "a snapshot of entry {} is asked for, and the last that was applied is {}",
                last_included.index, applied.index
            )));
        }
        // The log is purged after a snapshot, so what it had must not be lost here.
        self.must("syncing the state", table.sync())?;
        let path = Generation::backup_path(directory);
        let io = |error: io::Error| failed(format!("{}: {error}", directory.display()));
        fs::create_dir_all(directory).and_then(|()| tree::remove(&path)).map_err(io)?;
        table.backup(&path).map_err(|failure| failed(failure.to_string()))?;
        let checksum = Bytes::copy_from_slice(&tree::checksum(&path).map_err(io)?);

        let snapshot =
            SnapshotMetadata { last_included: Some(last_included), checksum: checksum.clone() };
        let mut live = self.live.write();
        // A later one may have been installed meanwhile.
        if live.snapshot_index() <= last_included.index {
            let stored = live.store_snapshot(snapshot);
            self.must("writing what is known of the snapshot", stored)?;
        }
        Ok(checksum)
    }

    /// Replaces the state by a snapshot in a directory, or fails and leaves it.
    pub fn install_snapshot(&self, from: &Path, snapshot: &SnapshotMetadata) -> Result<(), Error> {
        let _one_at_a_time = self.replacing.lock();
        let path = Generation::backup_path(from);
        let last_included = snapshot.last_included.ok_or(SnapshotError::InvalidSnapshot)?;
        let checksum = tree::checksum(&path)
            .map_err(|error| failed(format!("{}: {error}", path.display())))?;
        if snapshot.checksum != checksum[..] {
            tracing::error!(
                "the snapshot in {} has another checksum than it should",
                from.display()
            );
            return Err(SnapshotError::ChecksumMismatch.into());
        }

        let mut next = self.next(Some(&path))?;
        if next.applied.index < last_included.index {
            self.discard(next);
            return Err(SnapshotError::InvalidSnapshot.into());
        }
        next.store_snapshot(snapshot.clone())
            .and_then(|()| next.generation.table.sync())
            .map_err(|failure| failed(failure.to_string()))?;

        let mut live = self.live.write();
        if next.applied.index < live.applied.index {
            // A snapshot that has been sent twice, say. It has nothing that is not here.
            tracing::info!(
                "a snapshot up to entry {} comes late: {} has been applied",
                next.applied.index,
                live.applied.index
            );
            self.discard(next);
            return Ok(());
        }
        tracing::info!(
            "a snapshot up to entry {} takes the place of the state, which had {}",
            next.applied.index,
            live.applied.index
        );
        next.results = std::mem::take(&mut live.results);
        self.switch(&mut live, next)
    }

    /// Begins anew, with nothing.
    pub fn reset(&self) -> Result<(), Error> {
        let _one_at_a_time = self.replacing.lock();
        let next = self.next(None)?;
        self.must("syncing an empty state", next.generation.table.sync())?;
        self.switch(&mut self.live.write(), next)
    }

    /// Makes a state that does not hold yet.
    fn next(&self, copy: Option<&Path>) -> Result<Live, Error> {
        let number = self.live.read().generation.number;
        let generation = self.generations.next(number, copy)?;
        Live::load(generation).map_err(|failure| failed(failure.to_string()))
    }

    fn switch(&self, live: &mut Live, next: Live) -> Result<(), Error> {
        if let Err(error) = self.generations.switch(&next.generation) {
            // Which of the two holds is not known.
            return self.must("replacing the state", Err(super::failure(&error)));
        }
        let old = std::mem::replace(live, next);
        self.discard(old);
        Ok(())
    }

    /// Closes a state that does not hold, and removes it. What stays is removed at
    /// the next start.
    fn discard(&self, state: Live) {
        let number = state.generation.number;
        drop(state);
        if let Err(error) = self.generations.remove(number) {
            tracing::warn!("cannot remove an old state: {error}");
        }
    }
}

fn failed(text: String) -> Error {
    SnapshotError::OperationFailed(text).into()
}

//! The metadata store: the term and the vote.
//!
//! ```text
//! term 8                                       no vote
//! term 8 | node 4 | the vote's term 8 | committed 1
//! ```

use crate::{
    changes::Changes,
    options::{Durability, Options},
    place::Place,
    record::Space,
    table::Table,
};
use async_trait::async_trait;
use bytes::{Buf, BufMut, Bytes};
use d_engine::{Error, HardState, MetaStore};
use kumo::host::{ErrorCode, Failure, Plugin};
use parking_lot::Mutex;
use std::{fmt, path::Path};

/// The Raft metadata, over a plugin.
pub struct KumoMetaStore {
    table: Mutex<Table>,
    options: Options,
    // Behind the table: unlocked when that is closed.
    _place: Place,
}

impl KumoMetaStore {
    /// Opens the metadata in a directory, which is checked: a vote that cannot be
    /// read is not a vote that was not given.
    pub fn open(plugin: &Plugin, path: &Path, options: &Options) -> Result<Self, Error> {
        let place = Place::open(path)?;
        let table = Table::open(plugin, place.path().join("meta"), options)?;
        load(&table).map_err(|failure| {
            Error::Fatal(format!("opening the metadata in {}: {failure}", path.display()))
        })?;
        Ok(Self { table: Mutex::new(table), options: options.clone(), _place: place })
    }

    /// Does something that must succeed.
    fn must<T>(
        &self,
        doing: &str,
        it: impl FnOnce(&Table) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        self.options.health.check()?;
        self.options.health.must(doing, it(&self.table.lock()))
    }
}

fn load(table: &Table) -> Result<Option<HardState>, Failure> {
    table.get(Space::HardState, b"")?.map(decode).transpose()
}

fn encode(state: &HardState) -> Vec<u8> {
    let mut data = Vec::new();
    data.put_u64(state.current_term);
    if let Some(vote) = &state.voted_for {
        data.put_u32(vote.voted_for_id);
        data.put_u64(vote.voted_for_term);
        data.put_u8(u8::from(vote.committed));
    }
    data
}

fn decode(mut data: Bytes) -> Result<HardState, Failure> {
    let vote = match data.len() {
        8 => false,
        21 => true,
        _ => return Err(Failure::new(ErrorCode::Corrupt, "the term and the vote cannot be read")),
    };
    let mut state = HardState { current_term: data.get_u64(), voted_for: None };
    if vote {
        // Its type has no public name.
        let given = state.voted_for.insert(Default::default());
        given.voted_for_id = data.get_u32();
        given.voted_for_term = data.get_u64();
        given.committed = data.get_u8() != 0;
    }
    Ok(state)
}

#[async_trait]
impl MetaStore for KumoMetaStore {
    fn save_hard_state(&self, state: &HardState) -> Result<(), Error> {
        self.must("writing the term and the vote", |table| {
            let mut changes = Changes::default();
            changes.put(Space::HardState, b"", state.current_term, &encode(state));
            table.write(&changes)?;
            // d-engine does not flush what must be on the disk before it answers.
            match self.options.durability {
                Durability::Disk => table.sync(),
                Durability::Process => Ok(()),
            }
        })
    }

    fn load_hard_state(&self) -> Result<Option<HardState>, Error> {
        self.must("reading the term and the vote", load)
    }

    fn flush(&self) -> Result<(), Error> {
        self.must("syncing the metadata", Table::sync)
    }

    async fn flush_async(&self) -> Result<(), Error> {
        self.flush()
    }
}

impl fmt::Debug for KumoMetaStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KumoMetaStore").finish_non_exhaustive()
    }
}

impl Drop for KumoMetaStore {
    fn drop(&mut self) {
        if let Err(failure) = self.table.get_mut().sync() {
            tracing::error!("syncing the metadata as it closes: {failure}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_and_votes_are_read_as_they_were_written() {
        let mut state = HardState { current_term: 7, voted_for: None };
        let read = decode(encode(&state).into()).unwrap();
        assert_eq!((read.current_term, read.voted_for), (7, None));
        let vote = state.voted_for.insert(Default::default());
        (vote.voted_for_id, vote.voted_for_term, vote.committed) = (3, 6, true);
        let read = decode(encode(&state).into()).unwrap();
        assert_eq!((read.current_term, read.voted_for), (7, state.voted_for));
        assert!(decode(Bytes::from_static(b"short")).is_err());
    }
}

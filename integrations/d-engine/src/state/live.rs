//! The state as it is: a database, and what is known of it.

use super::{generation::Generation, results::Results, terms::Terms};
use crate::{changes::Changes, record::Space};
use bytes::{Buf, Bytes};
use d_engine::{ApplyEntry, ApplyResult, Command, common::LogId, server_storage::SnapshotMetadata};
use kumo::host::{ErrorCode, Failure};
use prost::Message;
use std::collections::BTreeMap;

/// A database, and what is known of it.
pub struct Live {
    pub generation: Generation,
    /// The last entry that was applied. What it did and this are one write.
    pub applied: LogId,
    pub terms: Terms,
    pub results: Results,
    pub snapshot: Option<SnapshotMetadata>,
    /// The database has a record of a snapshot.
    snapshot_stored: bool,
}

/// What a chunk does to a key, and the entry that does it.
type Fate<'a> = (Option<&'a [u8]>, u64);

impl Live {
    /// Reads what is known of a database, and makes it the beginning where it is
    /// empty.
    pub fn load(generation: Generation) -> Result<Self, Failure> {
        let mut it = Self {
            generation,
            applied: LogId::default(),
            terms: Terms::default(),
            results: Results::default(),
            snapshot: None,
            snapshot_stored: false,
        };
        let table = &it.generation.table;
        match table.get(Space::Applied, b"")? {
            Some(data) => it.applied = decode_applied(data)?,
            None if table.len()? == 0 => {
                let mut changes = Changes::default();
                put_applied(&mut changes, it.applied);
                table.write(&changes)?;
                return Ok(it);
            }
            None => return Err(damaged("the record of what has been applied is gone")),
        }
        let terms = &mut it.terms;
        table.for_each(Space::Term, |key, data| {
            let number = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes);
            match (number(key), number(data)) {
                (Ok(first), Ok(term)) => terms.add(first, term),
                _ => return Err(damaged("a term cannot be read")),
            }
            Ok(())
        })?;
        if let Some(data) = table.get(Space::Snapshot, b"")? {
            let snapshot = SnapshotMetadata::decode(data)
                .map_err(|_| damaged("what is known of the last snapshot cannot be read"))?;
            it.snapshot = Some(snapshot);
            it.snapshot_stored = true;
        }
        Ok(it)
    }

    /// The data under a key.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Failure> {
        self.generation.table.get(Space::Data, key)
    }

    /// The number of keys.
    pub fn len(&self) -> Result<u64, Failure> {
        let ours = 1 + self.terms.len() as u64 + u64::from(self.snapshot_stored);
        Ok(self.generation.table.len()?.saturating_sub(ours))
    }

    /// Applies entries, all or none. One that has been applied is not applied again,
    /// and is answered as it was.
    pub fn apply(&mut self, chunk: &[ApplyEntry]) -> Result<Vec<ApplyResult>, Failure> {
        let mut answers = Vec::with_capacity(chunk.len());
        let mut fates: BTreeMap<&[u8], Fate<'_>> = BTreeMap::new();
        let mut changes = Changes::default();
        let mut begun = Vec::new();
        let mut term = self.terms.last();
        let mut applied = self.applied;
        for entry in chunk {
            if entry.index <= applied.index {
                answers.push(self.results.of(entry.index));
                continue;
            }
            if entry.index != applied.index + 1 {
                return Err(Failure::other(format!(
                    "entry {} is to be applied, and the last that was is {}: what is between \
                     them is missing",
                    entry.index, applied.index
                )));
            }
            applied = LogId { index: entry.index, term: entry.term };
            if term != Some(applied.term) {
                term = Some(applied.term);
                begun.push(applied);
                let (first, term) = (applied.index.to_be_bytes(), applied.term.to_be_bytes());
                changes.put(Space::Term, &first, applied.index, &term);
            }
            let succeeded = self.decide(entry, &mut fates)?;
            let answer = ApplyResult { index: entry.index, succeeded };
            // Before the write: if that fails, nothing is answered any more.
            self.results.remember(&answer);
            answers.push(answer);
        }
        if applied.index == self.applied.index {
            return Ok(answers);
        }
        for (key, (value, index)) in fates {
            match value {
                Some(value) => changes.put(Space::Data, key, index, value),
                None => changes.delete(Space::Data, key),
            }
        }
        put_applied(&mut changes, applied);
        self.generation.table.write(&changes)?;
        self.applied = applied;
        begun.iter().for_each(|first| self.terms.add(first.index, first.term));
        Ok(answers)
    }

    /// What an entry does, after those before it in its chunk; whether it succeeds.
    fn decide<'a>(
        &self,
        entry: &'a ApplyEntry,
        fates: &mut BTreeMap<&'a [u8], Fate<'a>>,
    ) -> Result<bool, Failure> {
        match &entry.command {
            Command::Noop => {}
            Command::Insert { key, value, ttl_secs } => {
                // An entry has no time, so nodes would not agree when it expires. To
                // stop, as d-engine's own stores may, would stop every node, again at
                // every start; and a refusal does not reach the client.
                if ttl_secs.is_some() {
                    tracing::warn!("keys do not expire: entry {} stays", entry.index);
                }
                fates.insert(key, (Some(value), entry.index));
            }
            Command::Delete { key } => {
                fates.insert(key, (None, entry.index));
            }
            Command::CompareAndSwap { key, expected, value } => {
                let matches = match fates.get(&key[..]) {
                    Some((present, _)) => *present == expected.as_deref(),
                    None => self.get(key)? == *expected,
                };
                if !matches {
                    return Ok(false);
                }
                fates.insert(key, (Some(value), entry.index));
            }
        }
        Ok(true)
    }

    /// Moves on to an entry that did nothing. What has been applied stays so.
    pub fn advance(&mut self, to: LogId) -> Result<(), Failure> {
        if to.index <= self.applied.index {
            return Ok(());
        }
        let mut changes = Changes::default();
        put_applied(&mut changes, to);
        self.generation.table.write(&changes)?;
        self.applied = to;
        Ok(())
    }

    /// How far the last snapshot goes.
    pub fn snapshot_index(&self) -> u64 {
        let last = self.snapshot.as_ref().and_then(|snapshot| snapshot.last_included);
        last.map_or(0, |last| last.index)
    }

    /// Stores what is known of the last snapshot.
    pub fn store_snapshot(&mut self, snapshot: SnapshotMetadata) -> Result<(), Failure> {
        let mut changes = Changes::default();
        changes.put(Space::Snapshot, b"", self.applied.index, &snapshot.encode_to_vec());
        self.generation.table.write(&changes)?;
        self.snapshot = Some(snapshot);
        self.snapshot_stored = true;
        Ok(())
    }
}

fn put_applied(changes: &mut Changes, applied: LogId) {
    let mut data = [0; 16];
    data[..8].copy_from_slice(&applied.index.to_be_bytes());
    data[8..].copy_from_slice(&applied.term.to_be_bytes());
    changes.put(Space::Applied, b"", applied.index, &data);
}

fn decode_applied(mut data: Bytes) -> Result<LogId, Failure> {
    if data.len() != 16 {
        return Err(damaged("the record of what has been applied cannot be read"));
    }
    let index = data.get_u64();
    Ok(LogId { index, term: data.get_u64() })
}

fn damaged(what: &str) -> Failure {
    Failure::new(ErrorCode::Corrupt, what)
}

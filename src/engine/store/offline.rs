//! A database that is not served: what of it is dumped, and loading records
//! into it.

use super::{
    expiry::wall,
    key::StoredKey,
    own::{
        credible,
        state::{State, key},
    },
};
use crate::host::{ErrorCode, Failure, Plugin, Storage, Visit};
use kumo_plugin::record::clocktime;
use std::{ffi::OsStr, ops::AddAssign};

/// An open database, without a server.
pub struct Offline {
    storage: Storage,
    /// The key of kumo's own record.
    own: StoredKey,
    /// What that says, where there is one.
    state: Option<State>,
}

/// What became of records that were to be loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// They have been stored.
    pub stored: u64,
    /// The database has the same or newer ones.
    pub kept: u64,
    /// The database was flushed after they were written.
    pub flushed: u64,
}

impl AddAssign for Loaded {
    fn add_assign(&mut self, other: Self) {
        self.stored += other.stored;
        self.kept += other.kept;
        self.flushed += other.flushed;
    }
}

impl Offline {
    /// Opens a database at `location`, parameters included.
    pub fn open(plugin: &Plugin, location: &OsStr) -> Result<Self, super::OpenError> {
        let storage = plugin.open(location)?;
        let opened = key().and_then(|own| {
            let state = State::of(&storage)?;
            Ok(Self { own, state, storage: storage.clone() })
        });
        opened.map_err(|failure| super::OpenError::Contents {
            location: location.to_string_lossy().into_owned(),
            failure,
        })
    }

    /// The storage.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Up to which clocktime records are flushed.
    fn flushed(&self) -> Option<u64> {
        let state = self.state.as_ref()?;
        // What is due is carried out when the database is served.
        Some(if state.flush_due <= wall() { u64::MAX } else { state.flushed })
    }

    fn is_flushed(&self, value: &[u8]) -> bool {
        let flushed = self.flushed();
        flushed.is_some_and(|flushed| clocktime(value).is_some_and(|time| time <= flushed))
    }

    /// Shows every record that a dump is to have: not kumo's own, and not those
    /// that have been flushed.
    pub fn for_each(&self, visit: Visit<'_>) -> Result<(), Failure> {
        self.storage.for_each(&mut |record| {
            if record.key == self.own.as_bytes() || self.is_flushed(record.value) {
                return std::ops::ControlFlow::Continue(());
            }
            visit(record)
        })
    }

    /// Stores those records that the database does not have, or only older; all
    /// of them, if they are to `replace` what is there. No key comes twice.
    pub fn load(&mut self, records: &[(&[u8], &[u8])], replace: bool) -> Result<Loaded, Failure> {
        let mut loaded = Loaded::default();
        let mut chosen = Vec::with_capacity(records.len());
        for &(key, value) in records {
            if key == self.own.as_bytes() {
                continue;
            }
            if self.is_flushed(value) {
                loaded.flushed += 1;
            } else if !replace && self.has_newer(key, value)? {
                loaded.kept += 1;
            } else {
                chosen.push((key, value));
            }
        }
        self.raise_clock(&chosen)?;
        self.storage.set_many(&chosen)?;
        loaded.stored = chosen.len() as u64;
        Ok(loaded)
    }

    /// Whether the key has this value, or a newer one. One without a clocktime
    /// counts as new.
    fn has_newer(&self, key: &[u8], value: &[u8]) -> Result<bool, Failure> {
        let mut head = [0; 8];
        match self.storage.get_header(key, &mut head) {
            Ok(None) => Ok(false),
            Ok(Some(there)) => Ok(clocktime(there)
                .is_none_or(|there| clocktime(value).is_some_and(|loaded| loaded <= there))),
            // What is loaded takes its place.
            Err(failure) if failure.code == ErrorCode::Corrupt => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Keeps the clock above all records, before they are there. A database
    /// without kumo's own record finds the newest when it is served.
    fn raise_clock(&mut self, records: &[(&[u8], &[u8])]) -> Result<(), Failure> {
        let newest = records.iter().map(|(_, value)| credible(value)).max().unwrap_or(0);
        if let Some(state) = self.state.as_mut().filter(|state| state.mark <= newest) {
            let raised = State { mark: newest.saturating_add(1), ..*state };
            raised.store(&self.storage, newest)?;
            *state = raised;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

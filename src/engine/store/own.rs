//! The clock and the flush of an open database, which stand in its own record.

pub(super) mod state;

use super::{expiry::wall, key::StoredKey};
use crate::host::{Failure, Storage};
use kumo_plugin::record::clocktime;
use state::{NEVER, State};
use std::{
    ops::ControlFlow,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst},
    },
};

/// How far ahead of the clock its mark is reserved, in seconds: at most one
/// write in so long, and so far the clock jumps ahead over a restart.
const RESERVED: u64 = 10;

/// The clock and the flush of an open database.
pub(super) struct Own {
    storage: Storage,
    key: StoredKey,
    /// The last clocktime that was given out.
    clock: AtomicU64,
    // What the hot paths read; changed only under `state`.
    mark: AtomicU64,
    flushed: AtomicU64,
    flush_due: AtomicU32,
    state: Mutex<State>,
    /// A flush has been carried out and could not be stored: nothing is written
    /// before it is, or a restart would flush that too.
    unsaved: AtomicBool,
}

impl Own {
    /// Reads the record of a database; makes it where there is none.
    pub fn open(storage: Storage) -> Result<Self, Failure> {
        let key = state::key()?;
        let found = State::of(&storage)?;
        let state = match found {
            Some(state) => state,
            None => State {
                mark: newest(&storage)?.saturating_add(1),
                flushed: 0,
                flush_due: NEVER,
                tombstones: 0,
            },
        };
        let own = Self {
            clock: AtomicU64::new(state.mark),
            mark: AtomicU64::new(state.mark),
            flushed: AtomicU64::new(state.flushed),
            flush_due: AtomicU32::new(state.flush_due),
            state: Mutex::new(state),
            unsaved: AtomicBool::new(false),
            storage,
            key,
        };
        if found.is_none() {
            own.time()?;
        }
        Ok(own)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is replaced whole, so a panic leaves nothing broken.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A clocktime above all that were given out, before or after a restart.
    pub fn time(&self) -> Result<u64, Failure> {
        let time = self.tick();
        if time >= self.mark.load(SeqCst) || self.unsaved.load(SeqCst) {
            let state = self.state();
            if time >= state.mark || self.unsaved.load(SeqCst) {
                self.write(state, |_| {}, time)?;
            }
        }
        Ok(time)
    }

    /// Moves the clock on.
    fn tick(&self) -> u64 {
        let now = u64::from(wall()) << 32;
        let next = |last: u64| now.max(last.saturating_add(1));
        match self.clock.fetch_update(SeqCst, SeqCst, |last| Some(next(last))) {
            Ok(last) | Err(last) => next(last),
        }
    }

    /// Changes the record, which `time` stamps; reserves the clock's mark ahead
    /// of it.
    fn write(
        &self,
        mut state: MutexGuard<'_, State>,
        change: impl FnOnce(&mut State),
        time: u64,
    ) -> Result<(), Failure> {
        let mut changed = *state;
        change(&mut changed);
        changed.mark = state.mark.max(time.saturating_add(RESERVED << 32));
        changed.store(&self.storage, time)?;
        self.unsaved.store(false, SeqCst);
        self.mark.store(changed.mark, SeqCst);
        self.take_effect(&mut state, changed);
        Ok(())
    }

    fn take_effect(&self, state: &mut State, changed: State) {
        *state = changed;
        self.flushed.store(changed.flushed, SeqCst);
        self.flush_due.store(changed.flush_due, SeqCst);
    }

    /// Flushes what is stored before now.
    pub fn flush(&self) -> Result<(), Failure> {
        let state = self.state();
        let time = self.tick();
        self.write(state, |s| (s.flushed, s.flush_due) = (time, NEVER), time)
    }

    /// Flushes what was stored before the UNIX time `since`, which has passed.
    pub fn flush_since(&self, since: u32) -> Result<(), Failure> {
        let state = self.state();
        let time = self.tick();
        let before = (u64::from(since) << 32).saturating_sub(1).min(time);
        self.write(state, |s| (s.flushed, s.flush_due) = (s.flushed.max(before), NEVER), time)
    }

    /// Flushes, when the UNIX time `due` comes, what is stored before then.
    pub fn flush_at(&self, due: u32) -> Result<(), Failure> {
        let state = self.state();
        let time = self.tick();
        self.write(state, |s| s.flush_due = due, time)
    }

    /// Whether a flush is still to come.
    pub fn flush_pending(&self) -> bool {
        self.flush_due.load(SeqCst) != NEVER
    }

    /// Carries out a flush that is due. Every command comes here first, so a
    /// record that is written after the time has a later clocktime. Reads do
    /// not fail because the flush cannot be stored; the next write tries again.
    pub fn settle(&self, now: u32) {
        if now < self.flush_due.load(SeqCst) || !self.flush_pending() {
            return;
        }
        let mut state = self.state();
        if now < state.flush_due || state.flush_due == NEVER {
            return;
        }
        let flushed = State { flushed: self.tick(), flush_due: NEVER, ..*state };
        self.unsaved.store(true, SeqCst);
        self.take_effect(&mut state, flushed);
        if let Err(failure) = self.write(state, |_| {}, flushed.flushed) {
            tracing::error!("a flush that was due could not be stored: {failure}");
        }
    }

    /// Whether a record with this clocktime has been flushed.
    pub fn is_flushed(&self, clocktime: u64) -> bool {
        clocktime <= self.flushed.load(SeqCst)
    }

    /// Whether a stored key is this record's.
    pub fn is_own(&self, key: &[u8]) -> bool {
        key == self.key.as_bytes()
    }

    /// How many of the storage's records are no items.
    pub fn hidden(&self) -> u64 {
        1 + self.state().tombstones
    }
}

/// The newest clocktime in a database that has no record of ours: one that
/// kumofs wrote, or an empty one. What is a year ahead was not written by a
/// clock, and would stop ours.
fn newest(storage: &Storage) -> Result<u64, Failure> {
    let mut newest = 0;
    storage.for_each(&mut |record| {
        newest = newest.max(credible(record.value));
        ControlFlow::Continue(())
    })?;
    Ok(newest)
}

/// A value's clocktime, if a clock may have given it; otherwise 0.
pub(super) fn credible(value: &[u8]) -> u64 {
    let limit = u64::from(wall().saturating_add(YEAR)) << 32;
    clocktime(value).filter(|time| *time < limit).unwrap_or(0)
}

/// In seconds.
const YEAR: u32 = 365 * 24 * 60 * 60;

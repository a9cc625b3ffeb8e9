//! The sweep: deletes records that have expired or been flushed, in the
//! background.
//!
//! It scans the storage without a lock, notes dead keys, and deletes them one by
//! one under their locks, looking again. It wakes after a flush, and at
//! intervals while there may be records that expire.

use super::{
    Shared,
    expiry::wall,
    key::{MAX_KEY, StoredKey},
    record::{MAX_HEAD, decode},
};
use crate::host::Failure;
use kumo_plugin::record::KEY_HEADER_SIZE;
use std::{
    ops::ControlFlow,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The least time between sweeps that look for expired records.
const INTERVAL: Duration = Duration::from_secs(60);

/// A sweep may take this part of the time at most.
const DUTY: u32 = 20;

/// How many bytes of dead keys are noted before they are deleted; bounds the
/// memory.
const BATCH: usize = 64 << 20;

/// Runs the sweep. Dropping it stops the sweep and waits for that.
pub(super) struct Sweeper {
    signal: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Signal {
    wanted: Mutex<Wanted>,
    changed: Condvar,
    /// There may be records that expire.
    expected: AtomicBool,
    stop: AtomicBool,
}

#[derive(Default)]
struct Wanted {
    now: bool,
}

impl Signal {
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sweeper {
    /// Starts the sweep of an open database.
    pub fn start(shared: Arc<Shared>) -> Self {
        let signal = Arc::new(Signal::default());
        // What was stored before a restart may expire.
        signal.expected.store(true, Relaxed);
        let thread = thread::Builder::new().name("sweep".to_owned()).spawn({
            let signal = Arc::clone(&signal);
            move || run(&shared, &signal)
        });
        let thread =
            thread.inspect_err(|error| tracing::error!("no thread for the sweep: {error}")).ok();
        Self { signal, thread }
    }

    /// Something was given this expiry by a client.
    pub fn expect(&self, exptime: i32) {
        if exptime != 0 && !self.signal.expected.load(Relaxed) {
            self.signal.expected.store(true, Relaxed);
        }
    }

    /// Sweeps now.
    pub fn wake(&self) {
        self.signal.wanted().now = true;
        self.signal.changed.notify_one();
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.signal.stop.store(true, Relaxed);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by its hook.
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared, signal: &Signal) {
    let mut pause = INTERVAL;
    while !signal.stop.load(Relaxed) {
        let (mut wanted, _) = signal
            .changed
            .wait_timeout_while(signal.wanted(), pause, |wanted| !wanted.now)
            .unwrap_or_else(PoisonError::into_inner);
        let flushed = std::mem::take(&mut wanted.now);
        drop(wanted);
        if signal.stop.load(Relaxed) || !(flushed || signal.expected.load(Relaxed)) {
            continue;
        }
        let began = Instant::now();
        signal.expected.store(false, Relaxed);
        match sweep(shared, &signal.stop) {
            Ok(swept) => {
                if swept.still_expiring {
                    signal.expected.store(true, Relaxed);
                }
                if swept.deleted > 0 {
                    tracing::debug!("swept {} dead records", swept.deleted);
                }
            }
            Err(failure) => {
                signal.expected.store(true, Relaxed);
                tracing::warn!("the sweep of dead records failed: {failure}");
            }
        }
        pause = INTERVAL.max(began.elapsed() * DUTY);
    }
}

/// What a sweep did.
#[derive(Default)]
pub(super) struct Swept {
    deleted: u64,
    /// Some records will expire later.
    still_expiring: bool,
}

/// Deletes every dead record. What fails does not keep it from the others: the
/// first failure is returned at the end.
pub(super) fn sweep(shared: &Shared, stop: &AtomicBool) -> Result<Swept, Failure> {
    let mut swept = Swept::default();
    loop {
        shared.own.settle(wall());
        swept.still_expiring |= shared.own.flush_pending();
        let (dead, mut failure) = note_dead(shared, stop, &mut swept);
        let before = swept.deleted;
        for key in &dead.keys {
            if stop.load(Relaxed) {
                return Ok(swept);
            }
            match delete_dead(shared, key) {
                Ok(deleted) => swept.deleted += u64::from(deleted),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        // Without progress another round would find the same records.
        if dead.bytes < BATCH || swept.deleted == before {
            return Ok(swept);
        }
    }
}

/// The keys of dead records.
#[derive(Default)]
struct Dead {
    keys: Vec<Box<[u8]>>,
    bytes: usize,
}

/// Looks for dead records, until there is a batch of them. A scan that fails
/// has found some all the same.
fn note_dead(shared: &Shared, stop: &AtomicBool, swept: &mut Swept) -> (Dead, Option<Failure>) {
    let mut dead = Dead::default();
    let now = wall();
    let scanned = shared.storage.for_each(&mut |record| {
        if let Ok(Some((head, _))) = decode(record.value)
            && !shared.own.is_own(record.key)
        {
            if shared.is_dead(&head, now) {
                dead.bytes += record.key.len() + size_of::<Box<[u8]>>();
                dead.keys.push(record.key.into());
            } else {
                swept.still_expiring |= head.expiry.is_some();
            }
        }
        if dead.bytes >= BATCH || stop.load(Relaxed) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    (dead, scanned.err())
}

/// Deletes a record if it is still dead. A key that is not of our making is
/// left alone.
fn delete_dead(shared: &Shared, stored: &[u8]) -> Result<bool, Failure> {
    let Some(client) = stored.get(KEY_HEADER_SIZE..).filter(|key| key.len() <= MAX_KEY) else {
        return Ok(false);
    };
    let Some(key) = StoredKey::new(client).filter(|key| key.as_bytes() == stored) else {
        return Ok(false);
    };
    let _lock = shared.locks.lock(key.hash());
    let mut head = [0; MAX_HEAD];
    let value = shared.storage.get_header(key.as_bytes(), &mut head)?;
    let found = shared.found(value, wall())?;
    // A tombstone is not dead: it has a time of its own.
    if found.live.is_some() || value.is_none_or(kumo_plugin::record::is_tombstone) {
        return Ok(false);
    }
    shared.remove(&key, found.seen)?;
    Ok(true)
}

//! Many writers to one sync: none returns before a sync that began after its write
//! has ended, and when one fails, all fail.

use super::{Db, check};
use crate::{
    power,
    sync::mapped::step,
    syncer::{Level, Syncer},
};
use kumo_plugin::Error;
use shuttle::thread::{scope, yield_now};
use std::{cell::Cell, path::Path, time::Duration};

const WRITERS: usize = 3;
const WRITES: usize = 3;

type Writes = [usize; WRITERS];

thread_local! {
    // Of all threads of a test.
    /// What each has written.
    static WRITTEN: Cell<Writes> = const { Cell::new([0; WRITERS]) };
    /// What of that is on the disk.
    static SYNCED: Cell<Writes> = const { Cell::new([0; WRITERS]) };
    static HAS_FAILED: Cell<bool> = const { Cell::new(false) };
}

/// A sync begins: what was written before is on the disk when it ends.
pub(crate) fn begin() -> Writes {
    step();
    WRITTEN.get()
}

pub(crate) fn end(written: Writes) {
    step();
    SYNCED.set(written);
}

fn forget() {
    WRITTEN.take();
    SYNCED.take();
    HAS_FAILED.take();
    power::fail_syncs(false);
}

/// Each writes and syncs by turns.
fn write(writer: usize, write: impl Fn(), sync: impl Fn() -> Result<(), Error>) {
    for _ in 0..WRITES {
        write();
        let mut writes = WRITTEN.get();
        writes[writer] += 1;
        WRITTEN.set(writes);
        let had_failed = HAS_FAILED.get();
        match sync() {
            Ok(()) => {
                assert!(!had_failed, "a sync was believed after one had failed");
                assert!(SYNCED.get()[writer] >= writes[writer], "not synced");
            }
            Err(_) => HAS_FAILED.set(true),
        }
    }
}

/// The syncer alone. Where it fails, it does so for some time, in which there may be
/// a sync.
fn alone(fails: bool) {
    forget();
    let file = tempfile::tempfile().unwrap();
    let syncer = Syncer::new(Level::Always);
    let sync = || syncer.wait(syncer.stamp(), &file, Path::new("db"), |begin| begin());
    scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || write(writer, step, sync));
        }
        if fails {
            scope.spawn(|| {
                let pause = || (0..8).for_each(|_| yield_now());
                pause();
                power::fail_syncs(true);
                pause();
                power::fail_syncs(false);
            });
        }
    });
    assert_eq!(HAS_FAILED.get(), syncer.check(Path::new("db")).is_err());
    assert_eq!(sync().is_err(), HAS_FAILED.get());
    assert!(syncer.count() <= (WRITERS * WRITES + 1) as u64);
    forget();
}

fn with_database(level: Level) {
    forget();
    let db = Db::new(level, u64::MAX);
    scope(|scope| {
        for writer in 0..WRITERS {
            let core = &db.core;
            let set = move || core.set(&[writer as u8], b"value").unwrap();
            scope.spawn(move || write(writer, set, || core.sync()));
        }
    });
    assert!(!HAS_FAILED.get());
}

#[test]
fn what_is_acknowledged_has_been_synced() {
    check(|| alone(false));
    check(|| with_database(Level::Always));
    check(|| with_database(Level::Interval(Duration::from_secs(1))));
}

#[test]
fn a_failed_sync_fails_all() {
    check(|| alone(true));
}

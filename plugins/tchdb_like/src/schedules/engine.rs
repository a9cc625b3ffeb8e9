//! Readers, scans, and all that moves records and chunks, against writers.

use super::{
    Db, check, check_often,
    work::{Writer, check_end, look_at_image, scan},
};
use crate::syncer::Level;
use shuttle::thread::{scope, yield_now};
use std::time::Duration;

const INTERVAL: Level = Level::Interval(Duration::from_secs(1));
/// The bits of a hash that say the shard: two keys in four are of one.
const SHARDS: u64 = 3 << 62;
/// All keys have one hash.
const ONE: u64 = 0;

fn small(_: usize) -> usize {
    24
}

/// Five to a chunk.
fn long(_: usize) -> usize {
    50_000
}

fn mixed(op: usize) -> usize {
    if op.is_multiple_of(3) { long(op) } else { small(op) }
}

fn pause(steps: usize) {
    (0..steps).for_each(|_| yield_now());
}

/// Two writers, and whatever else, until all have ended.
fn run(
    level: Level,
    mask: u64,
    len: fn(usize) -> usize,
    ops: usize,
    others: &[fn(&Db, &[Writer])],
) {
    let db = Db::new(level, mask);
    let writers = [0, 1].map(|number| Writer::new(number, len));
    // Something is there.
    writers.iter().for_each(|writer| writer.go_on(&db, 2));
    scope(|scope| {
        for writer in &writers {
            let db = &db;
            scope.spawn(move || writer.go_on(db, ops));
        }
        for other in others {
            let (db, writers) = (&db, &writers);
            scope.spawn(move || other(db, writers));
        }
    });
    check_end(&db, &writers);
}

fn read(db: &Db, writers: &[Writer]) {
    for _ in 0..3 {
        for writer in writers {
            writer.read(&db.core, 0, || {});
            writer.read(&db.core, 1, || {});
        }
    }
}

fn hold(db: &Db, writers: &[Writer]) {
    for round in 0..3 {
        writers[round % 2].read(&db.core, 0, || pause(20));
    }
}

fn scan_twice(db: &Db, writers: &[Writer]) {
    scan(&db.core, writers);
    scan(&db.core, writers);
}

fn images(db: &Db, writers: &[Writer]) {
    for _ in 0..3 {
        look_at_image(db, writers);
        pause(10);
    }
}

/// What the keeper does where there is much that is dead.
fn tidy(db: &Db, _: &[Writer]) {
    for _ in 0..3 {
        db.core.end_tails();
        db.core.empty_one().unwrap();
        db.core.settle().unwrap();
    }
}

fn purge(db: &Db, _: &[Writer]) {
    for _ in 0..2 {
        db.core.purge().unwrap();
        db.core.settle().unwrap();
    }
}

/// What is not at a tail's end stays where it is.
fn end_tails(db: &Db, _: &[Writer]) {
    for _ in 0..4 {
        db.core.end_tails();
        pause(10);
    }
}

/// Lets a line of the index run over, the table grow, and entries move back.
fn churn(db: &Db, _: &[Writer]) {
    let keys = (0..10).map(|n| [b'c', n]);
    keys.clone().for_each(|key| db.core.set(&key, b"value").unwrap());
    keys.for_each(|key| assert!(db.core.del(&key, &mut |_| true).unwrap()));
}

fn checkpoint(db: &Db, _: &[Writer]) {
    for _ in 0..2 {
        db.core.touch().unwrap();
        db.core.save(false).unwrap();
    }
}

/// One writer gives the room of one key's value to the other's.
fn change_places() {
    let db = Db::new(Level::None, ONE);
    let writer = Writer::new(0, small);
    writer.go_on(&db, 2);
    scope(|scope| {
        scope.spawn(|| writer.go_on(&db, 2));
        scope.spawn(|| writer.read(&db.core, 1, || {}));
    });
}

#[test]
fn a_key_is_found_though_its_room_goes_to_another() {
    check_often(40, change_places);
}

#[test]
fn a_key_is_found_though_entries_move() {
    check(|| run(Level::None, ONE, small, 4, &[churn, read, read]));
}

#[test]
fn a_value_is_whole_though_its_room_is_used_again() {
    check(|| run(Level::None, ONE, small, 8, &[read, hold]));
    check(|| run(INTERVAL, ONE, small, 8, &[read, hold]));
}

#[test]
fn a_value_that_is_held_stays_though_its_chunk_goes() {
    check(|| run(Level::None, ONE, mixed, 8, &[hold, tidy]));
    check(|| run(INTERVAL, SHARDS, long, 8, &[hold, tidy]));
}

#[test]
fn a_scan_shows_one_moment() {
    check(|| run(Level::None, SHARDS, small, 8, &[scan_twice]));
    check(|| run(INTERVAL, ONE, mixed, 8, &[scan_twice, tidy]));
    // Here all writers have one tail.
    check(|| run(Level::Always, SHARDS, small, 6, &[scan_twice, images]));
}

#[test]
fn compaction_loses_nothing_and_brings_nothing_back() {
    check(|| run(Level::None, ONE, small, 10, &[tidy, read]));
    check(|| run(Level::None, SHARDS, mixed, 10, &[tidy, images]));
    check(|| run(INTERVAL, SHARDS, mixed, 10, &[tidy, purge, images]));
    check(|| run(Level::Always, ONE, small, 10, &[tidy, purge, read]));
}

#[test]
fn a_checkpoint_leaves_what_the_records_say() {
    check(|| run(Level::None, SHARDS, small, 10, &[checkpoint, end_tails, images]));
    check(|| run(INTERVAL, SHARDS, mixed, 10, &[checkpoint, tidy, images]));
    check(|| run(Level::Always, ONE, mixed, 8, &[checkpoint, purge, images]));
}

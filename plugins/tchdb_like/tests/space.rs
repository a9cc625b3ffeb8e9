//! Room: what is overwritten and deleted is used again, and the disk holds no
//! more than the bound says.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{get, open_with, random::Random, scan};
use kumo_plugin::Storage;
use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant},
};
use tchdb_like::TchdbLike;

const SLACK: u64 = 16 << 20;

fn disk(path: &Path) -> u64 {
    fs::metadata(path).unwrap().blocks() * 512
}

/// Overwrites and deletes at random, of sizes that drift, so that no room fits
/// the next record. They do so anew in each tenth, so that what a write costs
/// can be compared.
fn wear(sync: &str, writes: u64) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = open_with(&path, sync);
    let mut random = Random::new(1);
    let mut model = BTreeMap::<u64, (u8, usize)>::new();
    let (mut live, mut slowest) = (0_u64, Duration::ZERO);
    let tenth = writes / 10;
    let (mut spent, mut costs) = (Duration::ZERO, Vec::new());
    for n in 0..writes {
        let key = random.below(20_000);
        let size = |len: usize| (16 + 8 + len) as u64;
        let took;
        if random.below(10) == 0 {
            let begin = Instant::now();
            let gone = db.del(&key.to_be_bytes(), &mut |_| true).unwrap();
            took = begin.elapsed();
            assert_eq!(gone, model.contains_key(&key));
            live -= model.remove(&key).map_or(0, |(_, len)| size(len));
        } else {
            let drift = 20 + (n % tenth * 3000 / tenth) as usize;
            let len = match random.below(2000) {
                0 => 100_000,
                _ => drift + random.below(500) as usize,
            };
            let value = vec![n as u8; len];
            let begin = Instant::now();
            db.set(&key.to_be_bytes(), &value).unwrap();
            took = begin.elapsed();
            let old = model.insert(key, (n as u8, len));
            live = live + size(len) - old.map_or(0, |(_, len)| size(len));
        }
        slowest = slowest.max(took);
        spent += took;
        if n % tenth == tenth - 1 {
            costs.push(spent.as_nanos() as u64 / tenth);
            spent = Duration::ZERO;
        }
        if n % 1000 == 999 {
            let (disk, most) = (disk(&path), 2 * live + SLACK);
            assert!(disk <= most, "{disk} bytes for {live}, {n} writes in, sync={sync}");
        }
    }
    println!("sync={sync}: {live} bytes live, {} on disk, slowest {slowest:?}", disk(&path));
    println!("sync={sync}: ns for each write, in each tenth of {writes}: {costs:?}");
    let check = |db: &TchdbLike| {
        assert_eq!(db.rnum(), model.len() as u64);
        for (key, &(byte, len)) in &model {
            assert!(get(db, &key.to_be_bytes()).unwrap().unwrap() == vec![byte; len]);
        }
    };
    check(&db);
    db.compact().unwrap();
    check(&db);
    let packed = disk(&path);
    assert!(packed < live + live / 4 + SLACK / 2, "{packed} bytes for {live} after compact");
    drop(db);
    let db = open_with(&path, sync);
    check(&db);
    assert_eq!(scan(&db).0.len(), model.len());
    assert_eq!(db.damaged(), 0);
}

/// `KUMO_WEAR_WRITES` is how many: a week at 100 a second are 60 million.
fn writes(usual: u64) -> u64 {
    env::var("KUMO_WEAR_WRITES").map_or(usual, |n| n.parse().unwrap())
}

#[test]
fn the_disk_is_bounded_without_syncs() {
    wear("none", writes(300_000));
}

#[test]
fn the_disk_is_bounded_with_syncs_at_intervals() {
    wear("interval:100", writes(200_000));
}

#[test]
fn the_disk_is_bounded_with_a_sync_for_each_write() {
    wear("always", writes(5_000));
}

#[test]
fn the_disk_is_bounded_while_all_is_deleted() {
    const RECORDS: u64 = 300_000;
    for sync in ["none", "interval:50"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let db = open_with(&path, sync);
        let key = |n: u64| [&b"a key of 28 bytes ab"[..], &n.to_be_bytes()].concat();
        for round in 0..2_u8 {
            for n in 0..RECORDS {
                db.set(&key(n), &[round; 100]).unwrap();
            }
        }
        // Each once, in no order: the factor has none in common with the count.
        for n in 0..RECORDS {
            assert!(db.del(&key(n * 7919 % RECORDS), &mut |_| true).unwrap());
            if n % 1000 == 999 {
                let live = (RECORDS - n - 1) * (16 + 28 + 100);
                let (disk, most) = (disk(&path), 2 * live + SLACK);
                assert!(disk <= most, "{disk} bytes for {live}, {n} deleted, sync={sync}");
            }
        }
        assert_eq!(db.rnum(), 0);
        db.compact().unwrap();
        assert!(disk(&path) <= SLACK / 4, "{}", disk(&path));
    }
}

#[test]
fn what_a_reader_holds_is_kept_and_then_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = open_with(&path, "none");
    for i in 0..20_000_u32 {
        db.set(&i.to_be_bytes(), &[i as u8; 500]).unwrap();
    }
    let held: Vec<_> = (0..20_000_u32)
        .step_by(500)
        .map(|i| (i, db.get(&i.to_be_bytes()).unwrap().unwrap()))
        .collect();
    for round in 0..5_u8 {
        for i in 0..20_000_u32 {
            db.set(&i.to_be_bytes(), &vec![round; 400 + usize::from(round) * 50]).unwrap();
        }
        db.compact().unwrap();
        for (i, value) in &held {
            assert_eq!(**value, [*i as u8; 500]);
        }
    }
    drop(held);
    for i in 0..20_000_u32 {
        assert!(db.del(&i.to_be_bytes(), &mut |_| true).unwrap());
    }
    db.compact().unwrap();
    assert!(disk(&path) <= SLACK, "{}", disk(&path));
}

#[test]
fn a_scan_sees_one_moment_while_all_is_overwritten_and_compacted() {
    for sync in ["none", "interval:20"] {
        let dir = tempfile::tempdir().unwrap();
        let db = open_with(&dir.path().join("db"), sync);
        for i in 0..3000_u32 {
            db.set(&i.to_be_bytes(), &[1; 300]).unwrap();
        }
        db.set(b"large", &[1; 200_000]).unwrap();
        let (mut shown, mut round) = (0, 2_u8);
        db.for_each(&mut |key, val| {
            if shown % 600 == 0 {
                // New records, other sizes, deletes, and what they left moved about.
                for i in 0..3000_u32 {
                    db.set(&i.to_be_bytes(), &vec![round; 300 + usize::from(round) * 8]).unwrap();
                    db.set(&[&b"new"[..], &i.to_be_bytes()].concat(), &[round; 40]).unwrap();
                }
                for i in (0..3000_u32).step_by(3) {
                    db.del(&i.to_be_bytes(), &mut |_| true).unwrap();
                }
                db.set(b"large", &vec![round; 150_000]).unwrap();
                db.compact().unwrap();
                round += 1;
            }
            shown += 1;
            assert!(val.iter().all(|byte| *byte == 1), "{key:?} is of a later moment");
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(shown, 3001, "sync={sync}");
        let (all, result) = scan(&db);
        result.unwrap();
        assert_eq!(all.len(), 2000 + 3000 + 1);
    }
}

#[test]
fn a_record_takes_little_beside_key_and_value() {
    const RECORDS: u64 = 400_000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = kumo_plugin::testing::Engine::open::<TchdbLike>(path.to_str().unwrap()).unwrap();
    for n in 0..RECORDS {
        db.set(format!("a key of 28 bytes {n:010}").as_bytes(), &[n as u8; 32]).unwrap();
    }
    let stats: BTreeMap<_, _> = db.stats().unwrap().into_iter().collect();
    let number = |name: &str| stats[name].parse::<u64>().unwrap() as f64 / RECORDS as f64;
    let (memory, on_disk) = (number("index_bytes"), disk(&path) as f64 / RECORDS as f64 - 60.0);
    db.close().unwrap();
    let closed = disk(&path) as f64 / RECORDS as f64 - 60.0;
    println!("a record: {memory:.1} of memory, {on_disk:.1} of disk, closed {closed:.1}");
    assert!(memory <= 12.0, "{memory} bytes of memory for a record");
    assert!(on_disk <= 24.0, "{on_disk} bytes of disk for a record");
    assert!(closed <= 32.0, "{closed} bytes of disk for a record, closed");
}

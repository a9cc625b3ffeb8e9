//! Many threads at once.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Stop, batch, check_chain, get, open, open_with, scan, while_chain_grows};
use kumo_plugin::{Storage, testing::Engine};
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};
use tchdb_like::TchdbLike;

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap())
}

#[test]
fn compared_updates_lose_nothing() {
    const THREADS: u64 = 6;
    const EACH: u64 = 300;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = open(&path).unwrap();
    db.set(b"n", &0_u64.to_le_bytes()).unwrap();
    let add = || {
        for _ in 0..EACH {
            loop {
                let old = get(&db, b"n").unwrap().unwrap();
                let new = (number(&old) + 1).to_le_bytes();
                if db.update(b"n", &new, &mut |now| now == old).unwrap() {
                    break;
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(add);
        }
    });
    assert_eq!(number(&get(&db, b"n").unwrap().unwrap()), THREADS * EACH);
    drop(db);
    assert_eq!(number(&get(&open(&path).unwrap(), b"n").unwrap().unwrap()), THREADS * EACH);
}

#[test]
fn one_of_many_makes_and_one_of_many_deletes() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db")).unwrap();
    let (made, deleted) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for thread in 0..4_u8 {
            let (db, made, deleted) = (&db, &made, &deleted);
            scope.spawn(move || {
                for key in 0..200_u8 {
                    if db.update(&[key], &[thread], &mut |_| false).unwrap() {
                        made.fetch_add(1, Ordering::Relaxed);
                    }
                }
                for key in 0..100_u8 {
                    if db.del(&[key], &mut |_| true).unwrap() {
                        deleted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    // A late thread makes again what an early one has deleted.
    assert_eq!(made.into_inner() - deleted.into_inner(), db.rnum());
    assert_eq!(scan(&db).0.len() as u64, db.rnum());
}

#[test]
fn a_scan_is_a_point_in_time_while_writes_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db")).unwrap();
    for i in 0..40_u32 {
        db.set(&i.to_be_bytes(), b"stays").unwrap();
    }
    while_chain_grows(&db, || {
        for _ in 0..1500 {
            let (all, result) = scan(&db);
            result.unwrap();
            assert_eq!(all.values().filter(|val| *val == b"stays").count(), 40);
            check_chain(&all);
        }
    });
}

#[test]
fn deletes_during_a_scan_spare_what_was_written_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = Engine::open::<TchdbLike>(path.to_str().unwrap()).unwrap();
    for i in 0..2000_u32 {
        db.set(&i.to_be_bytes(), b"old").unwrap();
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            for i in (0..2000_u32).step_by(3) {
                db.set(&i.to_be_bytes(), b"new").unwrap();
            }
        });
        db.for_each(&mut |record| record.del(&mut |now| now == b"old").map(|_| 0)).unwrap();
    });
    db.close().unwrap();
    let (left, result) = scan(&open(&path).unwrap());
    result.unwrap();
    let kept: Vec<_> = (0..2000_u32).step_by(3).map(|i| i.to_be_bytes().to_vec()).collect();
    assert!(left.into_keys().eq(kept));
}

/// Batches put one number, higher each time, to some keys, and other keys come and
/// go with them, so that entries move.
fn see_batches(sync: &str, rounds: u64) {
    const KEYS: u64 = 12;
    let dir = tempfile::tempdir().unwrap();
    let db = open_with(&dir.path().join("db"), sync);
    let key = |n: u64| n.to_be_bytes().to_vec();
    let put = |round: u64| {
        let number = round.to_le_bytes().to_vec();
        let all = (0..KEYS).map(|n| (key(n), Some(number.clone())));
        let passing =
            (0..40).map(|n| (key(1000 + n), round.is_multiple_of(2).then(|| number.clone())));
        batch(&db, &all.chain(passing).collect::<Vec<_>>()).unwrap();
    };
    put(0);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for reader in 0..3_u64 {
            let (db, stop) = (&db, &stop);
            scope.spawn(move || {
                let (mut last, mut turn) = (0, reader);
                while !stop.load(Ordering::Relaxed) {
                    turn += 1;
                    let at = if turn % 2 == 0 { turn % KEYS } else { KEYS - 1 - turn % KEYS };
                    let now = number(&get(db, &at.to_be_bytes()).unwrap().unwrap());
                    assert!(now >= last, "key {at} has {now}, after another had {last}");
                    last = now;
                }
            });
        }
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let (all, result) = scan(&db);
                result.unwrap();
                let rounds: Vec<_> = all.values().map(|value| number(value)).collect();
                assert!(rounds.windows(2).all(|two| two[0] == two[1]), "{rounds:?}");
                let wanted = KEYS + if rounds[0].is_multiple_of(2) { 40 } else { 0 };
                assert_eq!(rounds.len() as u64, wanted);
            }
        });
        let _stop = Stop(&stop);
        (1..=rounds).for_each(put);
    });
    assert_eq!(db.rnum(), KEYS + 40);
    assert_eq!(db.damaged(), 0);
}

#[test]
fn who_has_seen_a_part_of_a_batch_sees_all_of_it() {
    see_batches("none", 6000);
    see_batches("interval:20", 500);
    see_batches("always", 300);
}

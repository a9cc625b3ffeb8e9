//! All operations side by side, for as long as one likes: KUMO_SOAK_SECONDS, for
//! each level of safety. Writers know what their keys must have; scans and
//! backups must be of one moment; the disk stays within its bound.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Stop, check_chain, open_with, random::Random, scan, while_chain_grows};
use kumo_plugin::{Storage, Value};
use std::{
    collections::BTreeMap,
    env, fs,
    ops::ControlFlow,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};
use tchdb_like::TchdbLike;

const WRITERS: u64 = 3;
/// Keys of each writer.
const KEYS: u64 = 5000;
/// The most values that a writer holds on to.
const HELD: usize = 50;

fn key_of(writer: u64, number: u64) -> Vec<u8> {
    format!("writer {writer} key {number}").into_bytes()
}

/// A value that tells which one it is, all through.
fn value_of(key: &[u8], serial: u64, len: usize) -> Vec<u8> {
    let mut value = serial.to_le_bytes().to_vec();
    value.extend((0..len).map(|at| key[at % key.len()] ^ (serial as u8).wrapping_add(at as u8)));
    value
}

/// Whether it is some value of that key.
fn is_of(key: &[u8], value: &[u8]) -> bool {
    let Some((serial, rest)) = value.split_first_chunk() else { return false };
    value_of(key, u64::from_le_bytes(*serial), rest.len()) == value
}

/// What a writer's keys have.
struct Writer<'a> {
    db: &'a TchdbLike,
    number: u64,
    random: Random,
    serial: u64,
    model: BTreeMap<Vec<u8>, Vec<u8>>,
    held: Vec<(Value<'a>, Vec<u8>)>,
}

impl<'a> Writer<'a> {
    fn new(db: &'a TchdbLike, number: u64, model: BTreeMap<Vec<u8>, Vec<u8>>) -> Self {
        let (random, held) = (Random::new(number + 1), Vec::new());
        Self { db, number, random, serial: 0, model, held }
    }

    fn key(&mut self) -> Vec<u8> {
        key_of(self.number, self.random.below(KEYS))
    }

    fn record(&mut self) -> (Vec<u8>, Vec<u8>) {
        let key = self.key();
        self.serial += 1;
        let len = match self.random.below(500) {
            0 => 60_000 + self.random.below(20_000),
            _ => self.random.below(1200),
        };
        let value = value_of(&key, self.serial, len as usize);
        (key, value)
    }

    fn set(&mut self) {
        let (key, value) = self.record();
        self.db.set(&key, &value).unwrap();
        self.model.insert(key, value);
    }

    fn get(&mut self) {
        let key = self.key();
        let found = self.db.get(&key).unwrap();
        assert!(found.as_deref() == self.model.get(&key).map(Vec::as_slice), "{key:?}");
        if let Some(found) = found
            && self.random.below(20) == 0
        {
            let copy = found.to_vec();
            self.held.push((found, copy));
        }
        if self.held.len() > HELD {
            // They have been overwritten meanwhile, and must be what they were.
            assert!(self.held.iter().all(|(value, copy)| **value == **copy));
            self.held.clear();
        }
    }

    fn get_many(&mut self) {
        let keys: Vec<_> = (0..16).map(|_| self.key()).collect();
        let names: Vec<_> = keys.iter().map(Vec::as_slice).collect();
        let found = TchdbLike::OPTIONAL.getv.unwrap()(self.db, &names).unwrap();
        for (key, value) in keys.iter().zip(found) {
            assert!(value.as_deref() == self.model.get(key).map(Vec::as_slice), "{key:?}");
        }
    }

    fn delete(&mut self) {
        let key = self.key();
        let deleted = self.db.del(&key, &mut |_| true).unwrap();
        assert_eq!(deleted, self.model.remove(&key).is_some(), "{key:?}");
    }

    fn update(&mut self) {
        let (key, value) = self.record();
        let wanted = self.model.get(&key);
        let mut seen = None;
        let agreed = self.random.below(2) == 0;
        let stored = self
            .db
            .update(&key, &value, &mut |old| {
                seen = Some(old.to_vec());
                agreed
            })
            .unwrap();
        assert!(seen.as_ref() == wanted, "{key:?}");
        assert_eq!(stored, agreed || wanted.is_none());
        if stored {
            self.model.insert(key, value);
        }
    }

    fn set_many(&mut self) {
        let records: Vec<_> = (0..20).map(|_| self.record()).collect();
        let borrowed: Vec<_> = records.iter().map(|(k, v)| (&k[..], &v[..])).collect();
        let mut stored = 0;
        TchdbLike::OPTIONAL.updatev.unwrap()(self.db, &borrowed, &mut stored).unwrap();
        assert_eq!(stored, records.len());
        self.model.extend(records);
    }

    fn change_many(&mut self) {
        let (count, mut changes) = (1 + self.random.below(8), Vec::new());
        for _ in 0..count {
            let (key, mut value) = self.record();
            if value.len() > 2000 {
                value = value_of(&key, self.serial, 2000);
            }
            changes.push((key, (self.random.below(4) > 0).then_some(value)));
        }
        common::batch(self.db, &changes).unwrap();
        for (key, value) in changes {
            match value {
                Some(value) => self.model.insert(key, value),
                None => self.model.remove(&key),
            };
        }
    }

    fn work(mut self, stop: &AtomicBool, done: &AtomicU64) -> BTreeMap<Vec<u8>, Vec<u8>> {
        while !stop.load(Relaxed) {
            match self.random.below(100) {
                0..40 => self.set(),
                40..70 => self.get(),
                70..78 => self.get_many(),
                78..88 => self.delete(),
                88..94 => self.update(),
                94..97 => self.change_many(),
                _ => self.set_many(),
            }
            done.fetch_add(1, Relaxed);
        }
        self.model
    }
}

/// What a database holds at one moment: the chain whole, each value of its key.
fn check_moment(db: &TchdbLike) {
    let (all, result) = scan(db);
    result.unwrap();
    check_chain(&all);
    for (key, value) in all.iter().filter(|(key, _)| key[0] != b'#') {
        assert!(is_of(key, value), "{key:?}");
    }
}

fn check_backup(db: &TchdbLike, dir: &Path) {
    let path = dir.join("copy");
    db.backup(&path).unwrap();
    check_moment(&common::open(&path).unwrap());
    fs::remove_file(&path).unwrap();
}

fn verify(db: &TchdbLike) {
    let mut faults = Vec::new();
    TchdbLike::OPTIONAL.verify.unwrap()(db, &mut |fault| faults.push(fault.to_owned())).unwrap();
    assert!(faults.is_empty(), "{faults:?}");
}

/// Everything but what the writers do, one after the other until the end.
fn look_after(db: &TchdbLike, dir: &Path, end: Instant) {
    let mut random = Random::new(77);
    while Instant::now() < end {
        match random.below(6) {
            0 => check_moment(db),
            1 => check_backup(db, dir),
            2 => db.compact().unwrap(),
            3 => verify(db),
            4 => common::sync(db),
            _ => {
                let mut shown = 0;
                let stopped = db.for_each(&mut |_, _| {
                    shown += 1;
                    if shown < 100 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                });
                stopped.unwrap();
            }
        }
    }
}

fn soak(sync: &str) {
    let seconds = env::var("KUMO_SOAK_SECONDS").map_or(3, |seconds| seconds.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut models: Vec<_> = (0..WRITERS).map(|_| BTreeMap::new()).collect();
    let done = AtomicU64::new(0);
    let end = Instant::now() + Duration::from_secs(seconds);
    // It is closed and opened again on the way.
    for part in 1..=3 {
        let part_end = end - Duration::from_secs(seconds) * (3 - part) / 3;
        let db = open_with(&path, sync);
        let stop = AtomicBool::new(false);
        let mut written = Vec::new();
        while_chain_grows(&db, || {
            written = thread::scope(|scope| {
                let writers: Vec<_> = (0..WRITERS)
                    .zip(models.drain(..))
                    .map(|(number, model)| Writer::new(&db, number, model))
                    .map(|writer| scope.spawn(|| writer.work(&stop, &done)))
                    .collect();
                {
                    let _stop = Stop(&stop);
                    look_after(&db, dir.path(), part_end);
                }
                writers.into_iter().map(|writer| writer.join().unwrap()).collect()
            });
        });
        models = written;
        db.close().unwrap();
        drop(db);
        let db = open_with(&path, sync);
        let (mut all, result) = scan(&db);
        result.unwrap();
        check_chain(&all);
        all.retain(|key, _| key[0] != b'#');
        let wanted: BTreeMap<_, _> = models.iter().flatten().collect();
        assert!(all.iter().eq(wanted), "after part {part} something else is there");
        verify(&db);
        db.compact().unwrap();
        let live: u64 = all.iter().map(|(key, value)| (16 + key.len() + value.len()) as u64).sum();
        let disk = fs::metadata(&path).unwrap().blocks() * 512;
        assert!(disk <= 2 * live + (16 << 20), "{disk} bytes for {live}");
    }
    println!("sync={sync}: {} operations in {seconds} s", done.load(Relaxed));
}

#[test]
fn all_operations_side_by_side() {
    soak("none");
    soak("interval:20");
    soak("always");
}

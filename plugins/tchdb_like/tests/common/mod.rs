//! What the tests share.

// Each file of tests uses a part of it.
#![allow(dead_code)]
#![allow(clippy::unwrap_used)]

pub mod image;
pub mod random;

use kumo_plugin::{Change, Error, Location, Storage};
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use tchdb_like::TchdbLike;

pub fn open(path: &Path) -> Result<TchdbLike, Error> {
    TchdbLike::open(&Location::new(path, TchdbLike::PARAMS))
}

/// Opens a database with this level of safety.
pub fn open_with(path: &Path, sync: &str) -> TchdbLike {
    let name = format!("{}#sync={sync}", path.display());
    TchdbLike::open(&Location::parse(name.as_bytes(), TchdbLike::PARAMS).unwrap()).unwrap()
}

/// Opens a database that syncs only when `sync` says so, and keeps what has been
/// replaced since.
pub fn open_by_hand(path: &Path) -> TchdbLike {
    open_with(path, "interval:4000000000")
}

pub fn sync(db: &TchdbLike) {
    TchdbLike::OPTIONAL.sync.unwrap()(db).unwrap();
}

pub fn get(db: &TchdbLike, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    Ok(db.get(key)?.map(|value| value.to_vec()))
}

/// Carries out changes as a batch; a key without a value is deleted.
pub fn batch(db: &TchdbLike, changes: &[(Vec<u8>, Option<Vec<u8>>)]) -> Result<(), Error> {
    let changes = changes.iter().map(|(key, value)| match value {
        Some(value) => Change::Put(key, value),
        None => Change::Delete(key),
    });
    let changes: Vec<_> = changes.collect();
    TchdbLike::OPTIONAL.batch.unwrap()(db, &changes)
}

/// A number of `stats`.
pub fn stat(db: &TchdbLike, name: &str) -> u64 {
    let mut found = None;
    let mut add = |this: &str, value: &dyn std::fmt::Display| {
        if this == name {
            found = value.to_string().parse().ok();
        }
    };
    TchdbLike::OPTIONAL.stats.unwrap()(db, &mut add).unwrap();
    found.unwrap()
}

pub type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a scan shows, and whether it met damage.
pub fn scan(db: &TchdbLike) -> (Contents, Result<(), Error>) {
    let mut all = Contents::new();
    let result = db.for_each(&mut |key, val| {
        let twice = all.insert(key.to_vec(), val.to_vec());
        assert_eq!(twice, None, "shown twice");
        ControlFlow::Continue(())
    });
    (all, result)
}

/// The keys of a chain, which is written round after round, in order.
const CHAIN: u8 = 24;

fn write_chain(db: &TchdbLike, round: u64) {
    for link in 0..CHAIN {
        db.set(&[b'#', link], &round.to_le_bytes()).unwrap();
    }
}

/// Says stop when it is dropped: also when a check fails, since the scope waits
/// for its threads.
pub struct Stop<'a>(pub &'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `checks` while another thread writes the chain.
pub fn while_chain_grows(db: &TchdbLike, checks: impl FnOnce()) {
    write_chain(db, 0);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1.. {
                write_chain(db, round);
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let _stop = Stop(&stop);
        checks();
    });
}

/// At a point in time all links are of one round, or the first of the next.
pub fn check_chain(all: &Contents) {
    let rounds: Vec<u64> = (0..CHAIN)
        .map(|link| u64::from_le_bytes(all[&[b'#', link][..]][..].try_into().unwrap()))
        .collect();
    let fits = rounds.is_sorted_by(|a, b| a >= b) && rounds[0] - rounds[rounds.len() - 1] <= 1;
    assert!(fits, "{rounds:?}");
}

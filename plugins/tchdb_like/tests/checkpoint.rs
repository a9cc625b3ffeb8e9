//! Checkpoints: what was written before is not read again, and whatever happens
//! to them, nothing else is served.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    Contents, get,
    image::{self, CHUNK},
    open, open_by_hand, open_with, scan, stat, sync,
};
use kumo_plugin::Storage;
use std::{fs, path::Path};
use tchdb_like::TchdbLike;

fn key(n: u32) -> Vec<u8> {
    n.to_le_bytes().to_vec()
}

/// Some chunks of records, a checkpoint, and changes to a few of them; the bytes
/// of the file as a kill leaves it, and what each key has.
fn some(path: &Path, sync_by: &str) -> (Vec<u8>, Contents) {
    let db = open_with(path, sync_by);
    let mut model = Contents::new();
    let set = |model: &mut Contents, n: u32, value: &[u8]| {
        db.set(&key(n), value).unwrap();
        model.insert(key(n), value.to_vec());
    };
    for n in 0..1500 {
        set(&mut model, n, &[n as u8; 1000]);
    }
    set(&mut model, 5000, &[1; 300_000]);
    sync(&db);
    db.checkpoint().unwrap();
    for n in (0..40).map(|n| n % 9) {
        set(&mut model, n, &[3; 900]);
    }
    assert!(db.del(&key(20), &mut |_| true).unwrap());
    model.remove(&key(20));
    set(&mut model, 2000, b"new");
    let bytes = fs::read(path).unwrap();
    drop(db);
    (bytes, model)
}

fn check(path: &Path, model: &Contents, place: &str) -> u64 {
    let db = open(path).unwrap();
    let (all, result) = scan(&db);
    result.unwrap();
    assert!(all == *model, "{place}");
    for (key, value) in model {
        assert!(get(&db, key).unwrap().as_ref() == Some(value), "{place}: {key:?}");
    }
    assert_eq!(get(&db, &key(20)).unwrap(), None, "{place}");
    assert_eq!((db.rnum(), db.damaged()), (model.len() as u64, 0), "{place}");
    let mut wrong = Vec::new();
    TchdbLike::OPTIONAL.verify.unwrap()(&db, &mut |text| wrong.push(text.to_owned())).unwrap();
    assert_eq!(wrong, [""; 0], "{place}");
    stat(&db, "recovered")
}

#[test]
fn what_has_not_changed_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    for sync_by in ["none", "always", "interval:4000000000"] {
        let (bytes, model) = some(&path, sync_by);
        fs::write(&path, &bytes).unwrap();
        let read = check(&path, &model, sync_by);
        assert!((1..1000).contains(&read), "{sync_by}: {read} records were read");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_damaged_checkpoint_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let (bytes, model) = some(&path, "none");
    let places: Vec<usize> = image::dump(&bytes).into_iter().flatten().collect();
    for (n, at) in places.into_iter().enumerate().step_by(997) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (n % 8);
        fs::write(&path, &flipped).unwrap();
        let read = check(&path, &model, &format!("byte {at}"));
        assert!(read >= 1500, "byte {at}: {read} records were read");
    }
}

#[test]
fn what_is_damaged_of_a_closed_file_is_made_anew_and_saved() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let (_, model) = some(&path, "none");
    let mut bytes = fs::read(&path).unwrap();
    let before = image::dump(&bytes);
    bytes[before[0].start + 5] ^= 1;
    fs::write(&path, &bytes).unwrap();
    for _ in 0..2 {
        assert_eq!(check(&path, &model, "a section"), 0);
        let after = fs::read(&path).unwrap();
        assert!(image::is_closed(&after) && image::dump(&after) != before);
    }
}

#[test]
fn one_superblock_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let (bytes, model) = some(&path, "none");
    for at in [4096, 8192] {
        for byte in (0..80).step_by(3).chain([4095]) {
            let mut flipped = bytes.clone();
            flipped[at + byte] ^= 1 << (byte % 8);
            fs::write(&path, &flipped).unwrap();
            check(&path, &model, &format!("byte {}", at + byte));
        }
    }
}

#[test]
fn a_chunk_that_does_not_say_when_it_was_changed_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let (bytes, model) = some(&path, "none");
    let mark = (image::seed(&bytes) >> 32) as u32;
    let has_header = |at: &usize| bytes[*at..].starts_with(&mark.to_le_bytes());
    for start in (CHUNK..bytes.len()).step_by(CHUNK).filter(has_header) {
        for byte in (24..32).step_by(3) {
            let mut flipped = bytes.clone();
            flipped[start + byte] ^= 1 << ((start / CHUNK + byte) % 8);
            fs::write(&path, &flipped).unwrap();
            check(&path, &model, &format!("byte {}", start + byte));
        }
    }
}

#[test]
fn a_file_that_was_opened_and_killed_again_and_again_keeps_its_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let (bytes, mut model) = some(&path, "interval:4000000000");
    fs::write(&path, &bytes).unwrap();
    for round in 0..5 {
        let db = open_by_hand(&path);
        let read = stat(&db, "recovered");
        assert!((1..1400).contains(&read), "round {round}: {read} records were read");
        let (new, old) = (key(3000 + round), key(100 * (round + 1)));
        db.set(&new, b"round").unwrap();
        db.set(&old, b"again").unwrap();
        model.insert(new, b"round".to_vec());
        model.insert(old, b"again".to_vec());
        let bytes = fs::read(&path).unwrap();
        drop(db);
        fs::write(&path, &bytes).unwrap();
        check_copy(&path, &bytes, &model);
    }
}

/// Checks a copy, so that the file stays as it is.
fn check_copy(path: &Path, bytes: &[u8], model: &Contents) {
    let copy = path.with_extension("copy");
    fs::write(&copy, bytes).unwrap();
    check(&copy, model, "copy");
}

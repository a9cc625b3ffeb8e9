//! What the engine tells of itself, through its table: sync, stats, verify.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

use kumo_plugin::{Caps, ErrorCode, Storage, testing::Engine};
use std::{collections::BTreeMap, fs, os::unix::fs::FileExt, path::Path};
use tchdb_like::TchdbLike;

const HEADER: u64 = 64;
const HEAD: u64 = 32;

fn open(path: &Path) -> Engine {
    Engine::open::<TchdbLike>(path.to_str().unwrap()).unwrap()
}

fn stats(db: &Engine) -> BTreeMap<String, u64> {
    let stats = db.stats().unwrap();
    stats.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect()
}

fn flip(path: &Path, at: u64) {
    let file = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

#[test]
fn it_says_what_it_promises() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db"));
    let caps = Caps::DURABLE_SYNC.and(Caps::REENTRANT_SCAN);
    assert_eq!((TchdbLike::CAPS, db.description().caps), (caps, caps.bits()));
    let (op, plugin) = (db.table(), db.description());
    assert!(op.get_header.is_some() && op.rnum.is_some() && op.backup.is_some());
    assert!(op.iterator_del.is_some() && plugin.sync.is_some());
    assert!(plugin.stats.is_some() && plugin.verify.is_some());
    assert!(op.updatev.is_none() && plugin.compact.is_none() && plugin.seek.is_none());
    db.set(b"key", b"value").unwrap();
    db.sync().unwrap();
    db.close().unwrap();
}

#[test]
fn stats_add_up_whatever_was_done_and_after_a_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let check = |db: &Engine, records: u64, live: u64| {
        let stats = stats(db);
        let file = fs::metadata(&path).unwrap().len();
        let dead = file - HEADER - live;
        let expected = [
            ("damaged", 0),
            ("dead_bytes", dead),
            ("file_bytes", file),
            ("live_bytes", live),
            ("records", records),
        ];
        let expected: BTreeMap<_, _> =
            expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(stats, expected);
    };
    let db = open(&path);
    check(&db, 0, 0);
    db.set(b"a", &[1; 7]).unwrap();
    check(&db, 1, HEAD + 8);
    db.set(b"a", &[1; 15]).unwrap();
    check(&db, 1, HEAD + 16);
    db.set(b"", b"").unwrap();
    check(&db, 2, 2 * HEAD + 16);
    assert!(db.update(b"", &[2; 100], &mut |_| true).unwrap());
    check(&db, 2, 2 * HEAD + 16 + 104);
    assert!(db.del(b"a", &mut |_| true).unwrap());
    check(&db, 1, HEAD + 104);
    db.close().unwrap();
    check(&open(&path), 1, HEAD + 104);
}

#[test]
fn verify_names_what_is_damaged_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = open(&path);
    let mut starts = Vec::new();
    for key in [b"a", b"b", b"c", b"d"] {
        starts.push(fs::metadata(&path).unwrap().len());
        db.set(key, &[key[0]; 20]).unwrap();
    }
    assert_eq!(db.verify().unwrap(), [""; 0]);

    // Under an open database: a value, and a head.
    flip(&path, starts[1] + HEAD + 5);
    flip(&path, starts[2] + 3);
    let offset = |at: usize| format!("offset {}", starts[at]);
    let faults = db.verify().unwrap();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].contains(&offset(1)) && faults[1].contains(&offset(2)), "{faults:?}");
    assert!(faults[0].contains(path.to_str().unwrap()), "{faults:?}");
    assert_eq!(stats(&db)["damaged"], 2);
    // Reads of the others go on, and what is written again is whole.
    assert_eq!(&*db.get(b"d").unwrap().unwrap(), [b'd'; 20]);
    assert_eq!(db.get(b"b").unwrap_err().code(), ErrorCode::Corrupt);
    db.set(b"b", b"new").unwrap();
    assert_eq!(db.verify().unwrap().len(), 1);
    db.close().unwrap();

    // What was skipped when it was opened is told too: a record is lost there.
    let db = open(&path);
    let faults = db.verify().unwrap();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains(&offset(2)), "{faults:?}");
    assert!(faults[0].contains("1 records stood there"), "{faults:?}");
    assert_eq!(db.rnum().unwrap(), 3);
}

#[test]
fn what_it_does_through_the_table_is_what_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db"));
    db.set(b"key", b"value").unwrap();
    assert_eq!(db.get_header(b"key", 3).unwrap().unwrap(), b"val");
    assert_eq!(db.get_header(b"none", 3).unwrap(), None);
    let found = db.get(b"key").unwrap().unwrap();
    db.set(b"key", b"other").unwrap();
    assert_eq!(&*found, b"value");
    found.release().unwrap();
    let copy = dir.path().join("copy");
    db.backup(&copy).unwrap();
    assert_eq!(db.backup(&copy).unwrap_err().code(), ErrorCode::Invalid);
    assert_eq!(&*open(&copy).get(b"key").unwrap().unwrap(), b"other");
}

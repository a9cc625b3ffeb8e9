//! What the engine tells of itself, through its table: sync, stats, verify.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::image;
use kumo_plugin::{Caps, ErrorCode, Storage, testing::Engine};
use std::{collections::BTreeMap, fs, os::unix::fs::FileExt, path::Path};
use tchdb_like::TchdbLike;

const CHUNK: u64 = image::CHUNK as u64;

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
    assert!(op.updatev.is_some() && plugin.compact.is_some() && plugin.getv.is_some());
    assert!(plugin.batch.is_some() && plugin.seek.is_none());
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
        assert_eq!((stats["records"], stats["live_bytes"]), (records, live));
        assert_eq!(stats["dead_bytes"], stats["file_bytes"] - CHUNK - live);
        assert_eq!(stats["damaged"], 0);
        // A page of memory for each shard that has any.
        assert!(stats["index_bytes"].is_multiple_of(4096));
        assert!(stats["index_bytes"] <= 3 * 4096);
        // What is in use is on the disk.
        let on_disk = fs::metadata(&path).unwrap().len();
        assert!(records == 0 || on_disk >= stats["file_bytes"]);
    };
    let db = open(&path);
    check(&db, 0, 0);
    db.set(b"a", &[1; 7]).unwrap();
    check(&db, 1, 24);
    assert_eq!(stats(&db)["index_bytes"], 4096);
    db.set(b"a", &[1; 16]).unwrap();
    check(&db, 1, 36);
    db.set(b"", b"").unwrap();
    check(&db, 2, 36 + 16);
    assert!(db.update(b"", &[2; 100], &mut |_| true).unwrap());
    check(&db, 2, 36 + 116);
    // A record in chunks of its own counts by pages.
    db.set(b"large", &[3; 300_000]).unwrap();
    check(&db, 3, 36 + 116 + 303_104);
    assert!(db.del(b"large", &mut |_| true).unwrap());
    assert!(db.del(b"a", &mut |_| true).unwrap());
    db.compact().unwrap();
    check(&db, 1, 116);
    assert!(stats(&db)["file_bytes"] <= 3 * CHUNK);
    db.close().unwrap();
    check(&open(&path), 1, 116);
}

#[test]
fn verify_names_what_is_damaged_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = open(&path);
    for key in [b"a", b"b", b"c", b"d"] {
        db.set(key, &[key[0]; 20]).unwrap();
    }
    assert_eq!(db.verify().unwrap(), [""; 0]);

    // Under an open database: a value, and a first word.
    let found = image::records(&fs::read(&path).unwrap());
    flip(&path, found[1].value_at() as u64 + 5);
    flip(&path, found[2].at as u64 + 6);
    let offset = |at: usize| format!("offset {}", found[at].at);
    let faults = db.verify().unwrap();
    assert_eq!(faults.len(), 2, "{faults:?}");
    let names = |at| faults.iter().any(|fault| fault.contains(&offset(at)));
    assert!(names(1) && names(2), "{faults:?}");
    assert!(faults[0].contains(path.to_str().unwrap()), "{faults:?}");
    assert_eq!(stats(&db)["damaged"], 2);
    // Reads of the others go on, and what is written again is whole.
    assert_eq!(&*db.get(b"d").unwrap().unwrap(), [b'd'; 20]);
    assert_eq!(db.get(b"b").unwrap_err().code(), ErrorCode::Corrupt);
    db.set(b"b", b"new").unwrap();
    assert_eq!(db.verify().unwrap().len(), 1);
}

#[test]
fn verify_tells_what_was_skipped_when_it_was_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = open(&path);
    for key in [b"a", b"b", b"c", b"d"] {
        db.set(key, &[key[0]; 20]).unwrap();
    }
    let bytes = fs::read(&path).unwrap();
    db.close().unwrap();
    // As a kill would have left it, and one record damaged.
    fs::write(&path, &bytes).unwrap();
    let found = image::records(&bytes);
    flip(&path, found[2].at as u64 + 6);
    let db = open(&path);
    let faults = db.verify().unwrap();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains(&format!("offset {}", found[2].at)), "{faults:?}");
    assert_eq!(db.rnum().unwrap(), 3);
    assert_eq!(db.verify().unwrap().len(), 1);
}

#[test]
fn many_at_once_are_stored_in_order_and_found_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let location = kumo_plugin::Location::parse(
        format!("{}#sync=always", path.display()).as_bytes(),
        TchdbLike::PARAMS,
    );
    let db = TchdbLike::open(&location.unwrap()).unwrap();
    let mut stored = 0;
    let records: [(&[u8], &[u8]); 4] = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"", b"")];
    db.updatev(&records, &mut stored).unwrap();
    assert_eq!(stored, 4);
    let found = db.getv(&[b"b", b"none", b"a", b"a", b""]).unwrap();
    let found: Vec<_> = found.iter().map(|value| value.as_deref()).collect();
    assert_eq!(found, [Some(&b"2"[..]), None, Some(b"3"), Some(b"3"), Some(b"")]);
    assert_eq!(db.getv(&[]).unwrap().len(), 0);
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

//! Batches, and what is left of those that fail.

use super::*;
use crate::{engine::TchdbLike, power};
use kumo_plugin::{Location, Storage};
use std::{fs, path::Path};

fn open(path: &Path, sync: &str) -> TchdbLike {
    let name = format!("{}#sync={sync}", path.display());
    TchdbLike::open(&Location::parse(name.as_bytes(), TchdbLike::PARAMS).unwrap()).unwrap()
}

const LEVELS: [&str; 3] = ["none", "interval:4000000000", "always"];

fn has(db: &TchdbLike, key: &[u8], value: Option<&[u8]>) {
    let found = db.get(key).unwrap();
    assert_eq!(found.as_deref(), value, "{key:?}");
}

/// What a kill would leave at this moment.
fn killed(path: &Path, look: impl Fn(&TchdbLike)) {
    let copy = path.with_extension("copy");
    fs::copy(path, &copy).unwrap();
    for sync in LEVELS {
        let again = path.with_extension("again");
        fs::copy(&copy, &again).unwrap();
        let db = open(&again, sync);
        look(&db);
        assert_eq!(db.damaged(), 0);
    }
}

#[test]
fn it_is_there_after_a_kill_and_deletes_without_syncs_leave_nothing() {
    for sync in LEVELS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let db = open(&path, sync);
        for key in [b"a", b"b", b"c"] {
            db.set(key, b"old").unwrap();
        }
        use Change::{Delete, Put};
        let changes = [Put(b"a", b"no"), Delete(b"b"), Put(b"d", b"4"), Put(b"a", b"1")];
        db.core.batch(&changes).unwrap();
        let look = |db: &TchdbLike| {
            has(db, b"a", Some(b"1"));
            has(db, b"b", None);
            has(db, b"c", Some(b"old"));
            has(db, b"d", Some(b"4"));
            assert_eq!(db.rnum(), 3);
        };
        look(&db);
        killed(&path, look);
        assert_eq!(db.core.deletes(), u64::from(sync != "none"));
    }
}

#[test]
fn as_much_as_a_chunk_holds_is_taken_and_more_refused() {
    for sync in LEVELS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let db = open(&path, sync);
        db.set(b"a", b"old").unwrap();
        let half = vec![7; MOST / 2 - 21];
        let more = vec![7; MOST / 2 - 20];
        let error = db.core.batch(&[Change::Put(b"a", &more), Change::Put(b"b", &half)]);
        let error = error.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Invalid);
        assert!(error.text().contains(&MOST.to_string()), "{error}");
        let key = vec![b'k'; 70_000];
        let error = db.core.batch(&[Change::Delete(b"a"), Change::Put(&key, b"")]).unwrap_err();
        assert!(error.text().contains("65535"), "{error}");
        has(&db, b"a", Some(b"old"));
        assert_eq!(db.rnum(), 1);
        // Larger than what shares a chunk otherwise.
        db.core.batch(&[Change::Put(b"a", &half), Change::Put(b"b", &half)]).unwrap();
        let look = |db: &TchdbLike| {
            has(db, b"a", Some(&half));
            has(db, b"b", Some(&half));
        };
        look(&db);
        killed(&path, look);
        db.compact().unwrap();
        db.core.batch(&[Change::Delete(b"a"), Change::Put(b"b", b"")]).unwrap();
        has(&db, b"a", None);
        killed(&path, |db| has(db, b"b", Some(b"")));
    }
}

#[test]
fn a_sync_that_fails_leaves_nothing_of_it() {
    for sync in &LEVELS[1..] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let db = open(&path, sync);
        db.set(b"a", b"old").unwrap();
        db.set(b"b", b"old").unwrap();
        power::fail_syncs(true);
        let changes = [Change::Put(b"a", b"1"), Change::Delete(b"b"), Change::Put(b"c", b"3")];
        let error = db.core.batch(&changes).unwrap_err();
        power::fail_syncs(false);
        assert!(error.text().contains("cannot sync"), "{error}");
        let look = |db: &TchdbLike| {
            has(db, b"a", Some(b"old"));
            has(db, b"b", Some(b"old"));
            has(db, b"c", None);
            assert_eq!(db.rnum(), 2);
        };
        look(&db);
        let error = db.core.batch(&changes).unwrap_err();
        assert!(error.text().contains("an earlier sync failed"), "{error}");
        killed(&path, look);
    }
}

#[test]
fn a_key_that_cannot_be_read_is_set_and_not_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    // All keys have the same hash.
    let db = TchdbLike::open_masked(&Location::new(&path, TchdbLike::PARAMS), 0).unwrap();
    db.set(b"a", b"old").unwrap();
    let entry = db.core.index.first(db.core.hash(b"a")).unwrap();
    let (chunk, at) = db.core.place(entry.offset()).unwrap();
    chunk.memory.store_half(at + 4, !chunk.memory.load_half(at + 4));
    let delete = db.core.batch(&[Change::Delete(b"b"), Change::Put(b"c", b"3")]);
    assert_eq!(delete.unwrap_err().code(), ErrorCode::Corrupt);
    // It may have been the one or the other.
    db.core.batch(&[Change::Put(b"b", b"2"), Change::Put(b"c", b"3")]).unwrap();
    has(&db, b"a", None);
    has(&db, b"b", Some(b"2"));
    has(&db, b"c", Some(b"3"));
}

#[test]
fn until_it_is_on_the_disk_nothing_is_kept_of_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    // The keeper's syncs come after weeks.
    let db = open(&dir.path().join("db"), LEVELS[1]);
    let hash = db.core.hash(b"a");
    let size = record::size(1, 50);
    let room = || db.core.shards[hash.shard()].inner.lock().rooms.pop(size);
    // What was written and replaced since the last sync leaves its room,
    db.set(b"a", &[1; 50]).unwrap();
    db.set(b"a", &[2; 50]).unwrap();
    assert!(room().is_some());
    // but not if a batch has written it.
    db.core.batch(&[Change::Put(b"a", &[3; 50]), Change::Put(b"b", &[3; 50])]).unwrap();
    db.set(b"a", &[4; 50]).unwrap();
    assert_eq!(room(), None);
    db.set(b"a", &[5; 50]).unwrap();
    assert!(room().is_some());
    // To move the other is to keep it.
    let Batches { committed, synced } = &db.core.batches;
    assert!(synced.load(SeqCst) < committed.load(SeqCst));
    db.core.end_tails();
    assert!(db.core.empty_one().unwrap());
    assert_eq!(synced.load(SeqCst), committed.load(SeqCst));
}

#[test]
fn to_readers_the_tables_change_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db"), "none");
    let keys: Vec<[u8; 2]> = (0..100).map(|n| [b'k', n]).collect();
    let changes: Vec<_> = keys.iter().map(|key| Change::Put(key, b"1")).collect();
    let shards = keys.iter().map(|key| db.core.hash(key).shard());
    let versions = || shards.clone().map(|shard| db.core.index.version(shard));
    let before: Vec<_> = versions().collect();
    db.core.batch(&changes).unwrap();
    for (old, new) in before.into_iter().zip(versions()) {
        // A reader of before sees that it must look again.
        assert!(new.is_some() && new != old);
    }
}

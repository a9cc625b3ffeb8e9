//! Backups: a point in time, all or nothing, never over another file.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{check_chain, get, open, scan, while_chain_grows};
use kumo_plugin::{ErrorCode, Storage};
use std::{fs, path::Path, sync::Barrier, thread};

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_backup_is_a_point_in_time_while_writes_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db")).unwrap();
    for i in 0..500_u32 {
        db.set(&i.to_be_bytes(), &[7; 100]).unwrap();
    }
    while_chain_grows(&db, || {
        for i in 0..20 {
            let path = dir.path().join(format!("copy{i}"));
            db.backup(&path).unwrap();
            let copy = open(&path).unwrap();
            let (all, result) = scan(&copy);
            result.unwrap();
            assert_eq!(copy.rnum(), db.rnum());
            assert_eq!(all.len() as u64, db.rnum());
            check_chain(&all);
        }
    });
    assert!(names(dir.path()).iter().all(|name| !name.ends_with(".tmp")));
}

#[test]
fn a_backup_holds_what_lives_and_can_be_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db")).unwrap();
    for round in 0..50_u8 {
        db.set(b"key", &[round; 10_000]).unwrap();
    }
    db.set(b"gone", b"x").unwrap();
    db.del(b"gone", &mut |_| true).unwrap();
    let path = dir.path().join("copy");
    db.backup(&path).unwrap();
    // The superblocks, a chunk of records, and one for the index.
    assert!(fs::metadata(&path).unwrap().len() <= 3 * (256 << 10));
    let copy = open(&path).unwrap();
    copy.set(b"more", b"y").unwrap();
    drop(copy);
    let copy = open(&path).unwrap();
    assert_eq!(scan(&copy).0.into_keys().collect::<Vec<_>>(), [&b"key"[..], b"more"]);
    assert_eq!(get(&copy, b"key").unwrap().unwrap(), [49; 10_000]);
}

#[test]
fn a_failed_backup_leaves_nothing_and_touches_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db")).unwrap();
    db.set(b"key", b"value").unwrap();
    let taken = dir.path().join("taken");
    fs::write(&taken, b"mine").unwrap();
    let refused = |name: &str, code: ErrorCode| {
        let dst = dir.path().join(name);
        let error = db.backup(&dst).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.text().contains(&*dst.to_string_lossy()), "{error}");
        assert_eq!(names(dir.path()), ["db", "taken"]);
    };
    refused("taken", ErrorCode::Invalid);
    refused("db", ErrorCode::Invalid);
    refused("missing/copy", ErrorCode::Io);
    assert_eq!(fs::read(&taken).unwrap(), b"mine");
    assert!(db.backup("".as_ref()).is_err());
    assert!(db.backup("/".as_ref()).is_err());
}

#[test]
fn a_leftover_is_replaced_and_never_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db")).unwrap();
    db.set(b"key", b"value").unwrap();
    // As a kill between the two names leaves it, the backup then moved away.
    let (old, tmp) = (dir.path().join("old"), dir.path().join("copy.tmp"));
    fs::write(&old, b"a finished backup").unwrap();
    fs::hard_link(&old, &tmp).unwrap();
    db.backup(&dir.path().join("copy")).unwrap();
    assert_eq!(fs::read(&old).unwrap(), b"a finished backup");
    assert_eq!(names(dir.path()), ["copy", "db", "old"]);

    for target in ["old", "nothing"] {
        std::os::unix::fs::symlink(target, dir.path().join(format!("{target}-copy.tmp"))).unwrap();
        db.backup(&dir.path().join(format!("{target}-copy"))).unwrap();
    }
    assert_eq!(fs::read(&old).unwrap(), b"a finished backup");
    assert_eq!(names(dir.path()), ["copy", "db", "nothing-copy", "old", "old-copy"]);
}

#[test]
fn one_backup_to_one_name_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db")).unwrap();
    for i in 0..2000_u32 {
        db.set(&i.to_be_bytes(), &[7; 500]).unwrap();
    }
    // Under way elsewhere, as its lock says.
    let tmp = dir.path().join("copy.tmp");
    let held = fs::File::create(&tmp).unwrap();
    held.lock().unwrap();
    let error = db.backup(&dir.path().join("copy")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Busy, "{error}");
    assert_eq!(names(dir.path()), ["copy.tmp", "db"]);
    drop(held);

    let start = Barrier::new(4);
    let done: usize = thread::scope(|scope| {
        let backup = || {
            start.wait();
            usize::from(db.backup(&dir.path().join("copy")).is_ok())
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(backup)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(done, 1);
    assert_eq!(names(dir.path()), ["copy", "db"]);
    assert_eq!(open(&dir.path().join("copy")).unwrap().rnum(), 2000);
}

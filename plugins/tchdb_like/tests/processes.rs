//! What takes a second process: the lock, a file that may not grow, and memory.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{get, open, open_with, scan};
use kumo_plugin::{ErrorCode, Storage};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Runs the test `name` of this very file in a process of its own, where
/// `KUMO_TEST_DB` is the database. The shell prepares the process.
fn run(name: &str, prepare: &str, path: &Path) {
    let script = format!("{prepare} exec \"$0\" --exact {name} --ignored --nocapture");
    let output = Command::new("sh")
        .args(["-c", &script])
        .arg(env::current_exe().unwrap())
        .env("KUMO_TEST_DB", path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "{text}");
}

/// The database, in the other process; None in a run of all ignored tests.
fn given() -> Option<PathBuf> {
    env::var_os("KUMO_TEST_DB").map(PathBuf::from)
}

#[test]
fn another_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = open(&path).unwrap();
    db.set(b"key", b"value").unwrap();
    run("is_refused", "", &path);
    assert_eq!(get(&db, b"key").unwrap().unwrap(), b"value");
}

#[test]
#[ignore = "another test runs it"]
fn is_refused() {
    let Some(path) = given() else { return };
    let error = open(&path).err().unwrap();
    assert_eq!(error.code(), ErrorCode::Busy, "{error}");
}

/// The process's memory that is of no file.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_record_takes_little_memory() {
    for sync in ["none", "interval"] {
        let dir = tempfile::tempdir().unwrap();
        run("takes_little", &format!("export SYNC={sync};"), &dir.path().join("db"));
    }
}

#[test]
#[ignore = "another test runs it"]
fn takes_little() {
    const RECORDS: u64 = 1_000_000;
    let Some(path) = given() else { return };
    let before = memory();
    let db = open_with(&path, &env::var("SYNC").unwrap());
    for n in 0..RECORDS {
        db.set(&n.to_be_bytes(), &[n as u8; 32]).unwrap();
    }
    let bytes = (memory() - before) as f64 / RECORDS as f64;
    assert!(bytes <= 12.0, "{bytes} bytes of memory for a record");
    assert_eq!(db.rnum(), RECORDS);
}

#[test]
fn a_write_that_does_not_fit_fails_and_harms_nothing() {
    for sync in ["none", "interval", "always"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        // In blocks of 512 bytes. Ignored, the signal becomes an error.
        run("has_no_room", &format!("trap '' XFSZ; ulimit -f 5000; export SYNC={sync};"), &path);
        let db = open(&path).unwrap();
        let all = scan(&db).0;
        assert_eq!(all[&b"key"[..]], b"still fits");
        assert_eq!(all[&b"large"[..]], [7; 100_000]);
        assert_eq!(db.damaged(), 0);
        // There is room again.
        db.set(b"large", &[8; 3_000_000]).unwrap();
        assert_eq!(get(&db, b"large").unwrap().unwrap(), [8; 3_000_000]);
    }
}

#[test]
#[ignore = "another test runs it"]
fn has_no_room() {
    let Some(path) = given() else { return };
    let sync = env::var("SYNC").unwrap();
    let db = open_with(&path, &sync);
    db.set(b"key", b"value").unwrap();
    db.set(b"large", &[7; 100_000]).unwrap();
    let full = |error: kumo_plugin::Error| {
        assert_eq!(error.code(), ErrorCode::Full, "{error}");
        assert!(error.text().contains(&*path.to_string_lossy()), "{error}");
    };
    let mut there = 2;
    let error = loop {
        match db.set(&u64::to_le_bytes(there), &[2; 40_000]) {
            Ok(()) => there += 1,
            Err(error) => break error,
        }
    };
    full(error);
    assert!(there > 20, "{there}");
    for _ in 0..3 {
        full(db.set(b"large", &[2; 3_000_000]).unwrap_err());
        full(db.set(b"new", &[2; 3_000_000]).unwrap_err());
        full(db.update(b"key", &[2; 3_000_000], &mut |_| true).unwrap_err());
        assert_eq!(get(&db, b"key").unwrap().unwrap(), b"value");
        assert_eq!(get(&db, b"large").unwrap().unwrap(), [7; 100_000]);
        assert_eq!(get(&db, b"new").unwrap(), None);
        assert_eq!(db.rnum(), there);
    }
    // What is deleted makes room, soon, without a restart.
    for n in 2..there {
        assert!(db.del(&n.to_le_bytes(), &mut |_| true).unwrap());
    }
    for n in 2..10_u64 {
        db.set(&n.to_le_bytes(), &[3; 40_000]).unwrap();
    }
    db.set(b"key", b"still fits").unwrap();
    assert_eq!(get(&db, b"key").unwrap().unwrap(), b"still fits");
}

#[test]
fn deletes_work_on_a_full_disk_and_make_room() {
    for sync in ["none", "interval", "always"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        run("is_full", &format!("trap '' XFSZ; ulimit -f 40000; export SYNC={sync};"), &path);
        let db = open(&path).unwrap();
        assert_eq!((db.rnum(), scan(&db).0.len()), (0, 0));
        assert_eq!(db.damaged(), 0);
    }
}

#[test]
#[ignore = "another test runs it"]
fn is_full() {
    let Some(path) = given() else { return };
    let sync = env::var("SYNC").unwrap();
    let db = open_with(&path, &sync);
    // So many that the slowest level does not take minutes.
    let len = if sync == "always" { 60_000 } else { 2000 };
    let key = |n: u64| [&b"a key that is not so very short "[..], &n.to_be_bytes()].concat();
    let fill = |from: u64| {
        for (n, len) in (from..).map(|n| (n, len)) {
            if let Err(error) = db.set(&key(n), &vec![n as u8; len]) {
                assert_eq!(error.code(), ErrorCode::Full, "{error}");
                assert!(error.text().contains("reads go on"), "{error}");
                return n;
            }
        }
        unreachable!()
    };
    let there = fill(0);
    assert!(there > 200, "{there}");
    // Not even something small finds room.
    while db.set(&key(u64::MAX), b"").is_ok() {
        assert!(db.del(&key(u64::MAX), &mut |_| true).unwrap());
        if db.set(&[&key(0)[..], b"more"].concat(), &[0; 200]).is_ok() {
            break;
        }
    }
    // Every other one goes, though there is no room for a delete.
    for n in (0..there).step_by(2) {
        assert!(db.del(&key(n), &mut |_| true).unwrap(), "{n} of {there}");
    }
    for n in 0..there {
        let found = get(&db, &key(n)).unwrap();
        assert_eq!(found.is_some(), n % 2 == 1, "{n} of {there}");
    }
    // And there is room again, for about as many.
    let more = fill(there) - there;
    assert!(more > there / 4, "{more} after {there}");
    for n in 0..there + more {
        let is_there = n >= there || n % 2 == 1;
        assert_eq!(db.del(&key(n), &mut |_| true).unwrap(), is_there, "{n} of {there} and {more}");
    }
    let _ = db.del(&key(u64::MAX), &mut |_| true).unwrap();
    let _ = db.del(&[&key(0)[..], b"more"].concat(), &mut |_| true).unwrap();
    assert!(fill(0) > there / 2);
    for n in 0..there + more {
        db.del(&key(n), &mut |_| true).unwrap();
    }
    db.close().unwrap();
}

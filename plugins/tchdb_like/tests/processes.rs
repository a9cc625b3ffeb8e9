//! What takes a second process: the lock, and a file that may not grow.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{get, open, scan};
use kumo_plugin::{ErrorCode, Storage};
use std::{
    env,
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

#[test]
fn a_write_that_does_not_fit_fails_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    // In blocks of 512 bytes. Ignored, the signal becomes an error.
    run("has_no_room", "trap '' XFSZ; ulimit -f 100;", &path);
    let db = open(&path).unwrap();
    let all = scan(&db).0;
    assert_eq!(all.len(), 2);
    assert_eq!(all[&b"key"[..]], b"still fits");
    assert_eq!(db.damaged(), 0);
}

#[test]
#[ignore = "another test runs it"]
fn has_no_room() {
    let Some(path) = given() else { return };
    let db = open(&path).unwrap();
    db.set(b"key", b"value").unwrap();
    db.set(b"most", &[1; 40_000]).unwrap();
    let len = std::fs::metadata(&path).unwrap().len();
    for _ in 0..3 {
        for error in [
            db.set(b"key", &[2; 40_000]).unwrap_err(),
            db.set(b"new", &[2; 40_000]).unwrap_err(),
            db.update(b"key", &[2; 40_000], &mut |_| true).unwrap_err(),
        ] {
            assert_eq!(error.code(), ErrorCode::Full, "{error}");
            assert!(error.text().contains(&*path.to_string_lossy()), "{error}");
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), len);
        assert_eq!(get(&db, b"key").unwrap().unwrap(), b"value");
        assert_eq!(get(&db, b"new").unwrap(), None);
        assert_eq!(db.rnum(), 2);
    }
    db.set(b"key", b"still fits").unwrap();
    assert_eq!(get(&db, b"key").unwrap().unwrap(), b"still fits");
}

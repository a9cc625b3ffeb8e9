//! Any bytes as a database's file: it opens or is refused, and what is served
//! from it ends in no crash. Half of the inputs are taken as changes to a small
//! database, since random bytes rarely come past the first check.
#![no_main]

use kumo_plugin::{Change, Location, Storage};
use libfuzzer_sys::fuzz_target;
use std::{fs, ops::ControlFlow, path::Path, sync::LazyLock};
use tchdb_like::TchdbLike;

/// A small database as a kill leaves it, and as it is closed.
static BASES: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("db");
    let db = open(&path).expect("a new database");
    for n in 0..40_u8 {
        db.set(&[b'k', n % 30], &vec![n; usize::from(n) * 7]).expect("room");
    }
    db.set(b"large", &[1; 70_000]).expect("room");
    db.del(b"k\x05", &mut |_| true).expect("room");
    let batch = [Change::Put(b"k\x06", b"of a batch"), Change::Delete(b"k\x07")];
    TchdbLike::OPTIONAL.batch.expect("it has one")(&db, &batch).expect("room");
    let open = fs::read(&path).expect("the file");
    drop(db);
    [open, fs::read(&path).expect("the file")]
});

fn open(path: &Path) -> Result<TchdbLike, kumo_plugin::Error> {
    let name = format!("{}#sync=none", path.display());
    TchdbLike::open(&Location::parse(name.as_bytes(), TchdbLike::PARAMS)?)
}

/// The file that an input stands for.
fn file(input: &[u8]) -> Vec<u8> {
    let Some((kind, rest)) = input.split_first() else { return Vec::new() };
    if kind % 4 == 3 {
        return rest.to_vec();
    }
    let mut bytes = BASES[usize::from(kind % 2)].clone();
    // Five bytes are a place and what is to stand there.
    for change in rest.chunks_exact(5) {
        let at = u32::from_le_bytes([change[0], change[1], change[2], 0]) as usize;
        let len = bytes.len();
        bytes[at % len] ^= change[3];
        if change[4] == 255 {
            bytes.truncate(at % len);
            break;
        }
    }
    bytes
}

fuzz_target!(|input: &[u8]| {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("db");
    fs::write(&path, file(input)).expect("room");
    for _ in 0..2 {
        let Ok(db) = open(&path) else { return };
        let mut keys = Vec::new();
        let _ = db.for_each(&mut |key, _| {
            keys.push(key.to_vec());
            ControlFlow::Continue(())
        });
        for key in keys {
            let _ = db.get(&key);
        }
        let _ = db.set(b"k\x01", b"new");
        assert_eq!(db.get(b"k\x01").expect("what was just set").as_deref(), Some(&b"new"[..]));
        let _ = db.del(b"k\x02", &mut |_| true);
        let _ = db.compact();
    }
});

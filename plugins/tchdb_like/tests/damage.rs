//! Files that were cut short or damaged: nothing wrong is ever served.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    Contents, get,
    image::{self, CHUNK, Found},
    open, open_by_hand, open_with, scan, sync,
};
use kumo_plugin::{ErrorCode, Storage};
use std::{
    fs,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
};
use tchdb_like::TchdbLike;

const FILE_HEADER: usize = 64;

/// Overwritten, deleted, deleted and set again, empty, longer and shorter. The
/// bytes of the file as a kill leaves it, with what has been replaced still
/// there, and what each key has.
fn small(path: &Path) -> (Vec<u8>, Contents) {
    let writes: [(&[u8], Option<&[u8]>); 12] = [
        (b"a", Some(b"a1")),
        (b"b", Some(b"the first value of b")),
        (b"", Some(b"of the empty key")),
        (b"a", Some(b"a2, a longer one")),
        (b"empty", Some(b"")),
        (b"b", None),
        (b"deleted", Some(b"x")),
        (b"again", Some(b"again1")),
        (b"deleted", None),
        (b"again", None),
        (b"again", Some(b"again2")),
        (b"last", Some(b"the last value")),
    ];
    let db = open_by_hand(path);
    let mut model = Contents::new();
    for (key, val) in writes {
        // What has been synced is not marked before its successor is, too.
        sync(&db);
        match val {
            Some(val) => {
                db.set(key, val).unwrap();
                model.insert(key.to_vec(), val.to_vec());
            }
            None => {
                assert!(db.del(key, &mut |_| true).unwrap());
                model.remove(key);
            }
        }
    }
    let bytes = fs::read(path).unwrap();
    drop(db);
    (bytes, model)
}

/// Every version that a key ever had, and whether it ever had none.
fn versions(bytes: &[u8], key: &[u8]) -> Vec<Option<Vec<u8>>> {
    let of_key = |found: &&Found| found.key(bytes) == key;
    let value = |found: &Found| (found.kind == 2).then(|| found.value(bytes).to_vec());
    let mut all: Vec<_> = image::records(bytes).iter().filter(of_key).map(value).collect();
    all.push(None);
    all
}

/// A short check fits by chance one in 4096 times.
const MOST_BELIEVED: u32 = 6;

/// The record whose extent holds this byte of the file.
fn hit(found: &[Found], at: usize) -> Option<&Found> {
    found.iter().find(|found| (found.at..found.at + found.extent).contains(&at))
}

#[test]
fn a_file_cut_anywhere_has_what_was_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let (bytes, model) = small(&path);
    let records = image::records(&bytes);
    let end = records.iter().map(|found| found.at + found.extent).max().unwrap() + 16;
    let cuts = (0..FILE_HEADER + 3).chain(CHUNK - 2..end).chain([5000, 10_000, bytes.len() - 1]);
    for cut in cuts {
        fs::write(&path, &bytes[..cut]).unwrap();
        let db = open(&path).unwrap();
        let (shown, _) = scan(&db);
        for key in model.keys().chain([&b"b".to_vec(), &b"deleted".to_vec()]) {
            let whole = |found: &Found| found.at + 16 + found.key_len + found.val_len <= cut;
            let newest = records.iter().rfind(|found| found.key(&bytes) == key && whole(found));
            let is = get(&db, key);
            match (&is, newest) {
                (Ok(is), Some(found)) => {
                    let value = (found.kind == 2).then(|| found.value(&bytes).to_vec());
                    assert_eq!(*is, value, "{key:?}, cut at {cut}");
                    assert_eq!(shown.get(key), value.as_ref());
                }
                (Ok(is), None) => assert_eq!(*is, None, "{key:?}, cut at {cut}"),
                // Its first bytes are there: damaged, and not an older version.
                (Err(error), _) => {
                    assert_eq!(error.code(), ErrorCode::Corrupt);
                    let is_cut = |found: &Found| {
                        found.key(&bytes) == key && found.at + 4 <= cut && !whole(found)
                    };
                    assert!(records.iter().any(is_cut), "{key:?}, cut at {cut}: {error}");
                }
            }
        }
        db.set(b"more", b"after the cut").unwrap();
        drop(db);
        let db = open(&path).unwrap();
        assert_eq!(get(&db, b"more").unwrap().unwrap(), b"after the cut", "cut at {cut}");
    }
}

/// Checks the database with one bit of its file wrong. False: nothing is checked,
/// since by chance a check fits.
fn check_flip(
    db: &TchdbLike,
    (bytes, flipped): (&[u8], &[u8]),
    model: &Contents,
    records: &[Found],
    at: usize,
) -> bool {
    let place = format!("byte {at}");
    let hit = hit(records, at);
    let is_in_head = |found: &&Found| at < found.value_at() && !(8..12).contains(&(at - found.at));
    if hit.filter(is_in_head).is_some_and(|found| image::head_fits(flipped, found.at)) {
        // The limit: what is believed then is wrong, though never a value.
        return false;
    }
    let hit_key = hit.map(|found| found.key(bytes));
    let (shown, scanned) = scan(db);
    for found in records {
        let key = found.key(bytes);
        let is = get(db, key);
        if hit_key != Some(key) {
            assert_eq!(is.unwrap(), model.get(key).cloned(), "{key:?}, {place}");
            assert_eq!(shown.get(key), model.get(key), "{key:?}, {place}");
            continue;
        }
        match is {
            // The limit: what a record said whose key is damaged is not known
            // to have been said.
            Ok(is) => {
                assert!(versions(bytes, key).contains(&is), "{key:?}, {place}: {is:?}");
                assert_eq!(shown.get(key), is.as_ref(), "{key:?}, {place}");
            }
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::Corrupt);
                assert_eq!(shown.get(key), None);
                assert!(scanned.is_err());
            }
        }
    }
    let Some(found) = hit else { return true };
    let key = found.key(bytes);
    let newest = records.iter().rfind(|other| other.key(bytes) == key).unwrap().at == found.at;
    let in_value = (found.value_at()..found.value_at() + found.val_len).contains(&at);
    if !newest || !in_value {
        return true;
    }
    // The key is known: neither a miss nor an older version.
    assert_eq!(get(db, key).unwrap_err().code(), ErrorCode::Corrupt, "{place}");
    let never = &mut |_: &[u8]| panic!("the old value is not known");
    assert_eq!(db.update(key, b"x", never).unwrap_err().code(), ErrorCode::Corrupt);
    assert_eq!(db.del(key, never).unwrap_err().code(), ErrorCode::Corrupt);
    assert_eq!(db.rnum(), model.len() as u64);
    assert!(db.damaged() > 0);
    db.set(key, b"healed").unwrap();
    assert_eq!(get(db, key).unwrap().unwrap(), b"healed");
    assert_eq!(db.rnum(), model.len() as u64);
    scan(db).1.unwrap();
    true
}

#[test]
fn a_flipped_bit_never_gives_a_wrong_value() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let (bytes, model) = small(&path);
    let records = image::records(&bytes);
    assert_eq!(records.len(), 12);
    assert!(records.iter().all(|found| image::head_fits(&bytes, found.at)));
    let mut believed = 0;
    let end = records.iter().map(|found| found.at + found.extent).max().unwrap() + 16;
    for at in (0..FILE_HEADER).chain(4096..4096 + 64).chain(CHUNK..end) {
        // All eight take minutes; each place has its own.
        let all = std::env::var_os("KUMO_FLIP_ALL").is_some();
        for bit in (0..8).filter(|bit| all || *bit == (at * 5 + at / 8) % 8) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            fs::write(&path, &flipped).unwrap();
            match open(&path) {
                Ok(db) => {
                    let images = (&bytes[..], &flipped[..]);
                    believed += u32::from(!check_flip(&db, images, &model, &records, at));
                }
                Err(error) => {
                    assert!(at < FILE_HEADER, "{error}");
                    assert_eq!(fs::read(&path).unwrap(), flipped);
                }
            }
        }
    }
    assert!(believed <= MOST_BELIEVED, "{believed}");
}

#[test]
fn a_flipped_bit_of_a_closed_file_never_gives_a_wrong_value() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let (_, model) = small(&path);
    let bytes = fs::read(&path).unwrap();
    let records = image::records(&bytes);
    // Those that newer ones hide are still there.
    assert!(records.len() > model.len(), "{}", records.len());
    let mut believed = 0;
    // The superblocks, the chunk of records, and the dump of the index.
    let dump = (2 * CHUNK..bytes.len()).filter(|&at| bytes[at] != 0);
    let places = (4096..4200).chain(8192..8300).chain(CHUNK..CHUNK + 1200).chain(dump);
    for at in places {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&path, &flipped).unwrap();
        let (db, images) = (open(&path).unwrap(), (&bytes[..], &flipped[..]));
        believed += u32::from(!check_flip(&db, images, &model, &records, at));
    }
    assert!(believed <= MOST_BELIEVED, "{believed}");
}

#[test]
fn damage_under_an_open_database_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let (_, mut model) = small(&path);
    let bytes = fs::read(&path).unwrap();
    let records = image::records(&bytes);
    let last = records.iter().find(|found| found.key(&bytes) == b"last").unwrap();
    model.remove(&b"last"[..]);
    for at in last.at..last.value_at() + last.val_len {
        fs::write(&path, &bytes).unwrap();
        let db = open(&path).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.write_all_at(&[bytes[at] ^ 4], at as u64).unwrap();
        let error = get(&db, b"last").unwrap_err();
        assert_eq!(error.code(), ErrorCode::Corrupt);
        assert!(error.text().contains(&*path.to_string_lossy()), "{error}");
        assert!(error.text().contains(&format!("offset {}", last.at)), "{error}");
        assert_eq!(db.damaged(), 1);
        assert_eq!(db.get_header(b"last", &mut [0]).unwrap_err().code(), ErrorCode::Corrupt);
        let (shown, scanned) = scan(&db);
        assert_eq!(shown, model, "byte {at}");
        assert_eq!(scanned.unwrap_err().code(), ErrorCode::Corrupt);
        let copy = dir.path().join("copy");
        assert_eq!(db.backup(&copy).unwrap_err().code(), ErrorCode::Corrupt);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        db.set(b"last", b"healed").unwrap();
        assert_eq!(get(&db, b"last").unwrap().unwrap(), b"healed");
    }
}

#[test]
fn a_record_within_a_value_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = open_with(&path, "none");
    db.set(b"planted", b"surfaced").unwrap();
    // The bytes of the very same file, seed and all, at every alignment.
    let file = fs::read(&path).unwrap();
    let planted = &file[CHUNK + image::FIRST..][..64];
    assert!(db.del(b"planted", &mut |_| true).unwrap());
    for shift in 0..8 {
        let value: Vec<u8> = [0; 8][..shift].iter().chain(planted).copied().collect();
        db.set(&[shift as u8], &value).unwrap();
    }
    db.set(b"end", b"x").unwrap();
    let mut bytes = fs::read(&path).unwrap();
    drop(db);
    // Without their heads, the values lie open to the search.
    let records = image::records(&bytes);
    assert_eq!(records.len(), 9);
    for found in &records[..8] {
        bytes[found.at + 3] ^= 1;
    }
    fs::write(&path, &bytes).unwrap();
    let db = open(&path).unwrap();
    assert_eq!(get(&db, b"end").unwrap().unwrap(), b"x");
    assert_eq!(get(&db, b"planted").unwrap(), None);
    assert!(db.rnum() <= 2);
    assert!(db.damaged() > 0);
}

#[test]
fn compaction_moves_no_damage_about() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = open_with(&path, "none");
    for i in 0..2000_u32 {
        db.set(&i.to_le_bytes(), &[i as u8; 300]).unwrap();
    }
    for i in (0..2000_u32).filter(|i| i % 4 != 1) {
        db.del(&i.to_le_bytes(), &mut |_| true).unwrap();
    }
    let records = image::records(&fs::read(&path).unwrap());
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[0xff], records[5].value_at() as u64 + 7).unwrap();
    let key = (5 * 4 + 1_u32).to_le_bytes();
    assert_eq!(get(&db, &key).unwrap_err().code(), ErrorCode::Corrupt);
    db.compact().unwrap();
    assert_eq!(get(&db, &key).unwrap_err().code(), ErrorCode::Corrupt);
    drop(db);
    let db = open_with(&path, "none");
    assert_eq!(get(&db, &key).unwrap_err().code(), ErrorCode::Corrupt);
    assert_eq!(db.rnum(), 500);
    for i in (0..2000_u32).filter(|i| i % 4 == 1 && i.to_le_bytes() != key) {
        assert_eq!(get(&db, &i.to_le_bytes()).unwrap().unwrap(), [i as u8; 300]);
    }
}

/// The record of a live key cannot be found in its chunk any more: the others are
/// moved away and written as ever.
#[test]
fn a_record_that_cannot_be_read_holds_up_nobody() {
    const KEYS: u32 = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let key = |n: u32| format!("key number {n:08}").into_bytes();
    let db = open_with(&path, "none");
    (0..KEYS).for_each(|n| db.set(&key(n), &[1; 1000]).unwrap());
    db.set(b"the damaged one", &[2; 1000]).unwrap();
    db.close().unwrap();
    drop(db);
    let bytes = fs::read(&path).unwrap();
    let at = bytes.windows(15).position(|bytes| bytes == b"the damaged one").unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[!bytes[at]], at as u64).unwrap();
    // The index knows it.
    let db = open_with(&path, "interval:50");
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let db = &db;
        scope.spawn(move || {
            for round in 3..23_u8 {
                // Of every chunk something stays, so that it must be emptied.
                let some = (0..KEYS).filter(|n| n.wrapping_mul(0x9e37_79b1) >> round & 1 == 0);
                some.for_each(|n| db.set(&key(n), &[round; 1000]).unwrap());
                // From here on what is replaced leaves no room.
                sync(db);
            }
            db.compact().unwrap();
            done.send(()).unwrap();
        });
        if is_done.recv_timeout(std::time::Duration::from_secs(120)).is_err() {
            // The thread that hangs would keep the test from ending.
            eprintln!("the writer waits for ever");
            std::process::exit(1);
        }
    });
    assert!(get(&db, b"the damaged one").is_err());
    let used = fs::metadata(&path).unwrap().blocks() * 512;
    assert!(used < 28 << 20, "{used} bytes after compact");
    let (all, shown) = scan(&db);
    assert_eq!(all.len() as u32, KEYS);
    assert!(all.values().all(|value| value.len() == 1000) && shown.is_err());
}

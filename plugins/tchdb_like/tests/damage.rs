//! Files that were cut short or damaged: nothing wrong is ever served.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Contents, get, open, scan};
use kumo_plugin::{ErrorCode, Storage};
use std::{fs, os::unix::fs::FileExt, path::Path};
use tchdb_like::TchdbLike;

const HEADER: usize = 64;
const HEAD: usize = 32;

/// A write that the small database was made by.
struct Step {
    /// Where its record begins and ends.
    from: usize,
    end: usize,
    key: Vec<u8>,
    val: Option<Vec<u8>>,
}

/// Overwritten, deleted, deleted and set again, empty, longer and shorter.
fn small(path: &Path) -> Vec<Step> {
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
    let db = open(path).unwrap();
    let mut from = HEADER;
    let steps = writes.map(|(key, val)| {
        match val {
            Some(val) => db.set(key, val).unwrap(),
            None => assert!(db.del(key, &mut |_| true).unwrap()),
        }
        let end = fs::metadata(path).unwrap().len() as usize;
        let step = Step { from, end, key: key.to_vec(), val: val.map(<[u8]>::to_vec) };
        from = end;
        step
    });
    steps.into()
}

fn after<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Contents {
    let mut model = Contents::new();
    for step in steps {
        match &step.val {
            Some(val) => model.insert(step.key.clone(), val.clone()),
            None => model.remove(&step.key),
        };
    }
    model
}

#[test]
fn a_file_cut_anywhere_has_what_was_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let steps = small(&path);
    let bytes = fs::read(&path).unwrap();
    for cut in 0..=bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        let mut model = after(steps.iter().take_while(|step| step.end <= cut));
        let db = open(&path).unwrap();
        assert_eq!(scan(&db).0, model, "cut at {cut}");
        assert_eq!(db.damaged(), 0);
        db.set(b"more", b"after the cut").unwrap();
        drop(db);
        model.insert(b"more".to_vec(), b"after the cut".to_vec());
        let db = open(&path).unwrap();
        assert_eq!(scan(&db).0, model, "cut at {cut}");
        assert_eq!(db.rnum(), model.len() as u64);
        assert_eq!(db.damaged(), 0);
    }
}

/// Checks the database with one byte of one record's head, key or value wrong.
fn check_flip(db: &TchdbLike, steps: &[Step], at: usize) {
    let hit = steps.iter().position(|step| step.from <= at && at < step.end).unwrap();
    let step = &steps[hit];
    let value_at = step.from + HEAD + step.key.len();
    let value_end = value_at + step.val.as_ref().map_or(0, Vec::len);
    let model = after(steps);
    let without = after(steps.iter().enumerate().filter(|(i, _)| *i != hit).map(|(_, step)| step));
    let newest = steps.iter().rposition(|other| other.key == step.key) == Some(hit);
    let (shown, scanned) = scan(db);
    for key in steps.iter().map(|step| &step.key) {
        let is = get(db, key);
        if *key != step.key || at >= value_end || !newest {
            assert_eq!(is.unwrap(), model.get(key).cloned(), "{key:?}, byte {at}");
            assert_eq!(shown.get(key), model.get(key));
        } else if at >= value_at {
            // The key is known: neither a miss nor an older version.
            assert_eq!(is.unwrap_err().code(), ErrorCode::Corrupt);
            assert_eq!(shown.get(key), None);
        } else {
            // The limit: what the record said is not known to have been said.
            assert_eq!(is.unwrap(), without.get(key).cloned(), "{key:?}, byte {at}");
            assert_eq!(shown.get(key), without.get(key));
        }
    }
    let is_shown_error = newest && (value_at..value_end).contains(&at);
    assert_eq!(scanned.is_err(), is_shown_error);
    if !is_shown_error {
        return;
    }
    let never = &mut |_: &[u8]| panic!("the old value is not known");
    assert_eq!(db.update(&step.key, b"x", never).unwrap_err().code(), ErrorCode::Corrupt);
    assert_eq!(db.del(&step.key, never).unwrap_err().code(), ErrorCode::Corrupt);
    assert_eq!(db.rnum(), model.len() as u64);
    db.set(&step.key, b"healed").unwrap();
    assert_eq!(get(db, &step.key).unwrap().unwrap(), b"healed");
    assert_eq!(db.rnum(), model.len() as u64);
    scan(db).1.unwrap();
}

#[test]
fn a_flipped_bit_never_gives_a_wrong_value() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let steps = small(&path);
    let bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            fs::write(&path, &flipped).unwrap();
            match open(&path) {
                Ok(db) => check_flip(&db, &steps, at),
                Err(error) => {
                    assert!(at < HEADER, "{error}");
                    assert_eq!(fs::read(&path).unwrap(), flipped);
                }
            }
        }
    }
}

#[test]
fn damage_under_an_open_database_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let steps = small(&path);
    let bytes = fs::read(&path).unwrap();
    let last = steps.last().unwrap();
    for at in last.from..last.from + HEAD + last.key.len() + 14 {
        fs::write(&path, &bytes).unwrap();
        let db = open(&path).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.write_all_at(&[bytes[at] ^ 4], at as u64).unwrap();
        let error = get(&db, &last.key).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Corrupt);
        assert!(error.text().contains(&*path.to_string_lossy()), "{error}");
        assert!(error.text().contains(&format!("offset {}", last.from)), "{error}");
        assert_eq!(db.damaged(), 1);
        assert_eq!(db.get_header(&last.key, &mut [0]).unwrap_err().code(), ErrorCode::Corrupt);
        let (shown, scanned) = scan(&db);
        assert_eq!(shown, after(&steps[..steps.len() - 1]));
        assert_eq!(scanned.unwrap_err().code(), ErrorCode::Corrupt);
        let copy = dir.path().join("copy");
        assert_eq!(db.backup(&copy).unwrap_err().code(), ErrorCode::Corrupt);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        db.set(&last.key, b"healed").unwrap();
        assert_eq!(get(&db, &last.key).unwrap().unwrap(), b"healed");
        scan(&db).1.unwrap();
    }
}

#[test]
fn a_record_within_a_value_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = open(&path).unwrap();
    db.set(b"planted", b"surfaced").unwrap();
    assert!(db.del(b"planted", &mut |_| true).unwrap());
    // The bytes of the very same file, seed and all, at every alignment.
    let file = fs::read(&path).unwrap();
    for shift in 0..8 {
        let value: Vec<u8> = [0; 8][..shift].iter().chain(&file).copied().collect();
        db.set(b"host", &value).unwrap();
    }
    let first = file.len();
    db.set(b"end", b"x").unwrap();
    drop(db);
    // Without their heads, the values lie open to the search.
    let mut bytes = fs::read(&path).unwrap();
    let mark: [u8; 4] = bytes[HEADER..HEADER + 4].try_into().unwrap();
    let mut at = first;
    while bytes[at..].len() > 48 {
        assert_eq!(bytes[at..at + 4], mark);
        let val_len = u32::from_le_bytes(bytes[at + 20..at + 24].try_into().unwrap()) as usize;
        bytes[at + 28] ^= 1;
        at += (HEAD + 4 + val_len).next_multiple_of(8);
    }
    fs::write(&path, &bytes).unwrap();
    let db = open(&path).unwrap();
    assert_eq!(get(&db, b"end").unwrap().unwrap(), b"x");
    assert_eq!(get(&db, b"planted").unwrap(), None);
    assert_eq!(db.rnum(), 1);
    assert_eq!(db.damaged(), 1);
}

//! What each operation promises, and what `open` refuses.

mod common;

use common::{get, open, scan};
use kumo_plugin::{ErrorCode, Storage, testing::Engine};
use std::fs;
use tchdb_like::TchdbLike;

#[test]
fn records_outlive_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let big: Vec<u8> = (0..5 << 20).map(|i: u32| (i.wrapping_mul(i) >> 5) as u8).collect();
    let binary: Vec<u8> = (0..=255).collect();
    let records: [(&[u8], &[u8]); 6] = [
        (b"key", b"value"),
        (b"", b"of the empty key"),
        (b"of the empty value", b""),
        (&binary, &binary),
        (b"big", &big),
        (&big, b"of a big key"),
    ];
    let db = open(&path).unwrap();
    for (key, val) in records {
        db.set(key, b"to be overwritten").unwrap();
        db.set(key, val).unwrap();
    }
    db.set(b"gone", b"x").unwrap();
    assert!(db.del(b"gone", &mut |_| true).unwrap());
    let check = |db: &TchdbLike| {
        for (key, val) in records {
            assert!(get(db, key).unwrap().as_deref() == Some(val));
        }
        assert_eq!(get(db, b"gone").unwrap(), None);
        assert_eq!(db.rnum(), 6);
        assert_eq!(scan(db).0.len(), 6);
        assert_eq!(db.damaged(), 0);
    };
    check(&db);
    db.close().unwrap();
    drop(db);
    check(&open(&path).unwrap());
}

#[test]
fn get_header_copies_what_fits() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db")).unwrap();
    db.set(b"key", b"value").unwrap();
    let mut head = [0; 3];
    assert_eq!(db.get_header(b"key", &mut head).unwrap(), Some(3));
    assert_eq!(&head, b"val");
    let mut head = [0; 9];
    assert_eq!(db.get_header(b"key", &mut head).unwrap(), Some(5));
    assert_eq!(&head, b"value\0\0\0\0");
    assert_eq!(db.get_header(b"none", &mut head).unwrap(), None);
}

#[test]
fn the_proc_decides_about_what_is_there_only() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db")).unwrap();
    let never = &mut |_: &[u8]| panic!("called for an absent key");
    assert!(!db.del(b"key", never).unwrap());
    assert!(db.update(b"key", b"1", never).unwrap());
    assert!(!db.update(b"key", b"2", &mut |old| old != b"1").unwrap());
    assert_eq!(get(&db, b"key").unwrap().unwrap(), b"1");
    assert!(db.update(b"key", b"2", &mut |old| old == b"1").unwrap());
    assert!(!db.del(b"key", &mut |old| old != b"2").unwrap());
    assert_eq!(db.rnum(), 1);
    assert!(db.del(b"key", &mut |old| old == b"2").unwrap());
    assert_eq!(db.rnum(), 0);
}

#[test]
fn a_scan_lets_its_callback_use_the_storage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = Engine::open::<TchdbLike>(path.to_str().unwrap()).unwrap();
    for i in 0..100_u8 {
        db.set(&[i], &[i]).unwrap();
    }
    db.set(&[0], b"now the last in the file").unwrap();
    let mut order = Vec::new();
    db.for_each(&mut |record| {
        let key = record.key()?;
        order.push(key[0]);
        match key[0] % 4 {
            // Refused, deleted, overwritten, deleted by another way before.
            0 => assert!(!record.del(&mut |_| false)?),
            1 => {
                let val = record.value()?;
                assert!(record.del(&mut |old| old == val)?);
                assert!(!record.del(&mut |_| panic!("it is gone"))?);
            }
            2 => {
                db.set(&key, b"new")?;
                assert!(!record.del(&mut |old| old != b"new")?);
            }
            _ => {
                assert!(db.del(&key, &mut |_| true)?);
                assert!(!record.del_force()?);
            }
        }
        let mut others = 0;
        db.for_each(&mut |_| {
            others += 1;
            Ok(0)
        })?;
        assert_eq!(others, db.rnum()?);
        Ok(0)
    })
    .unwrap();
    let expected: Vec<u8> = (1..100).chain([0]).collect();
    assert_eq!(order, expected);
    assert_eq!(db.rnum().unwrap(), 50);

    let mut shown = 0;
    let answer = db.for_each(&mut |_| {
        shown += 1;
        Ok(if shown == 7 { -7 } else { 0 })
    });
    assert_eq!((shown, answer.unwrap()), (7, -7));
}

#[test]
fn what_cannot_be_opened_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |name: &str, code: ErrorCode, part: &str| {
        let path = dir.path().join(name);
        let before = fs::read(&path).ok();
        let error = open(&path).err().unwrap();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.text().contains(&*path.to_string_lossy()), "{error}");
        assert!(error.text().contains(part), "{error}");
        assert_eq!(fs::read(&path).ok(), before);
    };
    refused("", ErrorCode::Invalid, "directory");
    refused("missing/db", ErrorCode::Io, "create its directory");
    for (name, bytes) in [
        ("short", &b"#!"[..]),
        ("zeros", &[0; 20]),
        ("long", &[b'x'; 5000]),
        ("nearly", b"kumoHDB\nxxxx"),
    ] {
        fs::write(dir.path().join(name), bytes).unwrap();
        refused(name, ErrorCode::Invalid, "not a tchdb_like database");
    }

    let path = dir.path().join("db");
    let _db = open(&path).unwrap();
    refused("db", ErrorCode::Busy, "in use by another process");
    let mut future = fs::read(&path).unwrap();
    future[8] = 3;
    fs::write(dir.path().join("damaged"), &future).unwrap();
    refused("damaged", ErrorCode::Corrupt, "header");
    let check = crc32fast::hash(&future[..60]);
    future[60..64].copy_from_slice(&check.to_le_bytes());
    fs::write(dir.path().join("future"), &future).unwrap();
    refused("future", ErrorCode::Unsupported, "version 3");
    future[8] = 2;
    future[30] = 1;
    let check = crc32fast::hash(&future[..60]);
    future[60..64].copy_from_slice(&check.to_le_bytes());
    fs::write(dir.path().join("fields"), &future).unwrap();
    refused("fields", ErrorCode::Unsupported, "does not know");

    assert_eq!(open("".as_ref()).err().unwrap().code(), ErrorCode::Invalid);
    let error = Engine::open::<TchdbLike>("db#cap=5").err().unwrap();
    assert_eq!(error.code(), ErrorCode::Invalid);
    assert!(error.text().contains("\"cap\""), "{error}");
}

#[test]
fn a_file_of_the_first_version_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut old = b"kumoHDB\n\x01\0\0\0\x40\0\0\0seedseed".to_vec();
    old.resize(60, 0);
    let check = crc32fast::hash(&old);
    old.extend(check.to_le_bytes());
    old.extend([7; 100]);
    fs::write(&path, &old).unwrap();
    let error = open(&path).err().unwrap();
    assert_eq!(error.code(), ErrorCode::Unsupported, "{error}");
    assert!(error.text().contains("has version 1 of the format"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), old);
}

#[test]
fn levels_of_safety_are_chosen_by_a_parameter() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let path = path.to_str().unwrap();
    for level in ["none", "interval", "interval:5", "always"] {
        let db = Engine::open::<TchdbLike>(&format!("{path}#sync={level}")).unwrap();
        for i in 0..50_u8 {
            db.set(&[i], level.as_bytes()).unwrap();
            db.set(&[100 + i], b"gone").unwrap();
            assert!(db.del(&[100 + i], &mut |_| true).unwrap());
        }
        let stats: std::collections::BTreeMap<_, _> = db.stats().unwrap().into_iter().collect();
        assert!(level != "always" || stats["syncs"].parse::<u64>().unwrap() >= 150);
        db.close().unwrap();
        let db = open(path.as_ref()).unwrap();
        assert_eq!(db.rnum(), 50);
        assert_eq!(get(&db, &[7]).unwrap().unwrap(), level.as_bytes());
    }
    let error = Engine::open::<TchdbLike>(&format!("{path}#sync=sometimes")).err().unwrap();
    assert_eq!(error.code(), ErrorCode::Invalid);
    assert!(error.text().contains("interval:MILLISECONDS"), "{error}");
}

#[test]
fn an_empty_file_becomes_a_database() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    fs::write(&path, b"").unwrap();
    open(&path).unwrap().set(b"key", b"value").unwrap();
    assert_eq!(get(&open(&path).unwrap(), b"key").unwrap().unwrap(), b"value");
}

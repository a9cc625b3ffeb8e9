//! A file made by hand, from what docs/format.md says.

mod common;

use common::{get, image, open, open_by_hand, scan, sync};
use image::{CHUNK, FIRST};
use kumo_plugin::Storage;
use std::fs;

const SEED: u64 = 0xfedc_ba98_7654_3210;

const GONE: u64 = 1;
const PUT: u64 = 2;
const DELETE: u64 = 3;

#[test]
fn a_file_of_this_format_opens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut file = image::header(SEED);
    file.resize(4 * CHUNK, 0);
    // The second chunk is free, and the chunks' order means nothing.
    image::chunk_header(&mut file, SEED, 1, 50);
    image::chunk_header(&mut file, SEED, 3, 10);
    let mut write = |number, at, kind, sequence, key: &[u8], val: &[u8]| {
        let base = if number == 1 { 50 } else { 10 };
        image::record(&mut file, number, base, at, kind, sequence, key, val)
    };
    let at = write(3, FIRST, PUT, 10, b"a", b"first");
    let at = write(3, at, PUT, 11, b"b", b"deleted below");
    let at = write(3, at, PUT, 52, b"c", b"the newest, though in the older chunk");
    write(3, at, PUT, 12, b"d", b"");
    let at = write(1, FIRST, PUT, 51, b"c", b"older");
    let at = write(1, at, DELETE, 60, b"b", b"");
    let at = write(1, at, PUT, 61, b"a", b"second");
    // Of a kind that there is not, at a sequence number that there was.
    let end = write(1, at, 6, 62, b"a", b"third");
    write(1, end, PUT, 63, b"e", b"behind what is damaged");
    fs::write(&path, &file).unwrap();
    let db = open(&path).unwrap();
    assert_eq!(db.rnum(), 4);
    assert_eq!(get(&db, b"a").unwrap().unwrap(), b"second");
    assert_eq!(get(&db, b"b").unwrap(), None);
    assert_eq!(get(&db, b"c").unwrap().unwrap(), b"the newest, though in the older chunk");
    assert_eq!(get(&db, b"d").unwrap().unwrap(), b"");
    assert_eq!(get(&db, b"e").unwrap().unwrap(), b"behind what is damaged");
    assert_eq!(db.damaged(), 1);

    // What has been replaced stays as it is, hidden: by the index that is saved
    // with the file, and by the newer records without it.
    db.close().unwrap();
    drop(db);
    let after = fs::read(&path).unwrap();
    assert_eq!(image::records(&after).iter().filter(|found| found.at < 4 * CHUNK).count(), 9);
    for cut in [false, true] {
        if cut {
            fs::write(&path, &after[..after.len() - 1]).unwrap();
        }
        let db = open(&path).unwrap();
        assert_eq!((db.rnum(), scan(&db).0.len()), (4, 4));
        assert_eq!(get(&db, b"b").unwrap(), None);
        assert_eq!(get(&db, b"a").unwrap().unwrap(), b"second");
    }
}

#[test]
fn before_a_delete_goes_what_it_hides_is_marked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = open_by_hand(&path);
    db.set(b"key", b"first").unwrap();
    sync(&db);
    db.set(b"key", b"second").unwrap();
    db.set(b"other", b"first").unwrap();
    sync(&db);
    db.set(b"other", b"second").unwrap();
    assert!(db.del(b"key", &mut |_| true).unwrap());
    let kinds = || {
        let bytes = fs::read(&path).unwrap();
        (FIRST..)
            .scan(CHUNK + FIRST, |at, _| {
                let word = u32::from_le_bytes(bytes[*at..*at + 4].try_into().unwrap());
                *at += (word as usize & 0x1_ffff) * 4;
                (word != 0).then_some(u64::from(word >> 29))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(), [PUT, PUT, PUT, PUT, DELETE]);
    db.compact().unwrap();
    // The delete itself may be read again: it says what is true.
    assert_eq!(kinds(), [GONE, GONE, PUT, PUT, DELETE]);
    let copy = dir.path().join("copy");
    let mut bytes = fs::read(&path).unwrap();
    for with_delete in [true, false] {
        if !with_delete {
            let found = image::records(&bytes).pop().unwrap();
            bytes[found.at..found.at + 8].fill(0);
        }
        fs::write(&copy, &bytes).unwrap();
        let db = open(&copy).unwrap();
        assert_eq!((db.rnum(), db.damaged()), (1, 0));
        assert_eq!(get(&db, b"key").unwrap(), None);
        assert_eq!(get(&db, b"other").unwrap().unwrap(), b"second");
    }
}

#[test]
fn what_the_engine_writes_is_what_the_page_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = open_by_hand(&path);
    db.set(b"key", b"value").unwrap();
    db.set(b"other", &[9; 1000]).unwrap();
    sync(&db);
    assert!(db.del(b"key", &mut |_| true).unwrap());
    let file = fs::read(&path).unwrap();
    let seed = image::seed(&file);
    assert_eq!(file[..64], image::header(seed));
    let base = u64::from_le_bytes(file[CHUNK + 8..CHUNK + 16].try_into().unwrap());
    let mut expected = file.clone();
    expected[CHUNK..2 * CHUNK].fill(0);
    image::chunk_header(&mut expected, seed, 1, base);
    image::touch(&mut expected, seed, 1, base, 1);
    let found = image::records(&file);
    assert_eq!(found.iter().map(|found| found.kind).collect::<Vec<_>>(), [PUT, PUT, DELETE]);
    for found in &found {
        let second = u64::from_le_bytes(file[found.at + 8..][..8].try_into().unwrap());
        let (key, val) = (found.key(&file).to_vec(), found.value(&file).to_vec());
        let at = found.at - CHUNK;
        image::record(&mut expected, 1, base, at, found.kind, base + (second >> 32), &key, &val);
    }
    assert!(file == expected);
    let mut keys: Vec<_> = found.iter().map(|found| found.key(&file)).collect();
    keys.sort_unstable();
    assert_eq!(keys, [&b"key"[..], b"key", b"other"]);
    assert_eq!(scan(&db).0.len(), 1);
}

//! A file made by hand, from what docs/format.md says.

mod common;

use common::{get, open};
use crc32fast::Hasher;
use kumo_plugin::Storage;
use std::fs;

const SEED: u64 = 0xfedc_ba98_7654_3210;

fn header() -> Vec<u8> {
    let mut bytes = b"kumoHDB\n".to_vec();
    bytes.extend([1, 0, 0, 0, 64, 0, 0, 0]);
    bytes.extend(SEED.to_le_bytes());
    bytes.resize(60, 0);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

fn crc(parts: &[&[u8]]) -> [u8; 4] {
    let mut crc = Hasher::new_with_initial(SEED as u32);
    parts.iter().for_each(|part| crc.update(part));
    crc.finalize().to_le_bytes()
}

fn append(file: &mut Vec<u8>, kind: u32, sequence: u64, key: &[u8], val: &[u8]) {
    let at = file.len() as u64;
    let mut head = ((SEED >> 32) as u32).to_le_bytes().to_vec();
    head.extend(kind.to_le_bytes());
    head.extend(sequence.to_le_bytes());
    head.extend((key.len() as u32).to_le_bytes());
    head.extend((val.len() as u32).to_le_bytes());
    head.extend(crc(&[val]));
    let check = crc(&[&at.to_le_bytes(), &head, key]);
    for part in [&head[..], &check, key, val] {
        file.extend(part);
    }
    file.resize(file.len().next_multiple_of(8), 0);
}

#[test]
fn a_file_of_this_format_opens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut file = header();
    append(&mut file, 1, 1, b"a", b"first");
    append(&mut file, 1, 2, b"b", b"deleted below");
    append(&mut file, 1, 3, b"a", b"second");
    append(&mut file, 2, 4, b"b", b"");
    // Of an unknown kind, and with a number that has been: neither fits.
    append(&mut file, 3, 5, b"a", b"third");
    append(&mut file, 1, 4, b"a", b"fourth");
    // Two are missing.
    append(&mut file, 1, 8, b"c", b"");
    let len = file.len() as u64;
    fs::write(&path, file).unwrap();
    let db = open(&path).unwrap();
    assert_eq!(db.rnum(), 2);
    assert_eq!(get(&db, b"a").unwrap().unwrap(), b"second");
    assert_eq!(get(&db, b"b").unwrap(), None);
    assert_eq!(get(&db, b"c").unwrap().unwrap(), b"");
    assert_eq!(db.damaged(), 1);

    // What the engine appends is what the page says.
    db.set(b"key", b"value").unwrap();
    let mut expected = fs::read(&path).unwrap()[..len as usize].to_vec();
    append(&mut expected, 1, 9, b"key", b"value");
    assert_eq!(fs::read(&path).unwrap(), expected);
}

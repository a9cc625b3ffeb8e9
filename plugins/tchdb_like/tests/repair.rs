//! Repair: every record that is whole comes through, whatever else is damaged,
//! and nothing that is wrong.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    Contents,
    image::{self, CHUNK, FIRST, Found},
    open, open_by_hand, open_with, scan, sync,
};
use kumo_plugin::{Error, ErrorCode, Storage};
use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};
use tchdb_like::TchdbLike;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What is salvaged of a file of these bytes, and what is reported as lost.
    fn repair(&self, bytes: &[u8]) -> Result<(Contents, Vec<String>), Error> {
        let (from, to) = (self.path("damaged"), self.path("new"));
        fs::write(&from, bytes).unwrap();
        let mut lost = Vec::new();
        let repaired =
            TchdbLike::OPTIONAL.repair.unwrap()(&from, &to, &mut |text| lost.push(text.to_owned()));
        assert!(fs::read(&from).unwrap() == bytes, "the damaged file was written to");
        assert!(!self.path("new.tmp").exists());
        if repaired.is_err() {
            assert!(!to.exists());
        }
        let records = repaired?;
        let db = open(&to).unwrap();
        let (all, scanned) = scan(&db);
        scanned.unwrap();
        assert_eq!((all.len() as u64, db.rnum()), (records, records));
        drop(db);
        fs::remove_file(&to).unwrap();
        Ok((all, lost))
    }
}

fn value(n: u32, len: usize) -> Vec<u8> {
    n.to_string().bytes().cycle().take(len).collect()
}

/// Several chunks and a run, overwritten and deleted in part. The file as a kill
/// leaves it, and as it is closed.
fn some(path: &Path) -> ([Vec<u8>; 2], Contents) {
    let db = open_with(path, "none");
    let mut model = Contents::new();
    for n in 0..3000 {
        let (key, val) = (format!("key{}", n % 2500).into_bytes(), value(n, n as usize % 500));
        db.set(&key, &val).unwrap();
        model.insert(key, val);
    }
    for n in (0..2500).step_by(7) {
        let key = format!("key{n}").into_bytes();
        assert!(db.del(&key, &mut |_| true).unwrap());
        model.remove(&key);
    }
    db.set(b"large", &value(7, 700_000)).unwrap();
    model.insert(b"large".to_vec(), value(7, 700_000));
    let open = fs::read(path).unwrap();
    drop(db);
    ([open, fs::read(path).unwrap()], model)
}

/// The chunks that have a header, and whether it is a run's.
fn chunks(bytes: &[u8]) -> Vec<(usize, bool)> {
    let mark = &bytes[20..24];
    let starts = (CHUNK..bytes.len()).step_by(CHUNK).filter(|at| &bytes[*at..at + 4] == mark);
    starts.map(|at| (at, bytes[at + 4] == 2)).collect()
}

fn fill(bytes: &mut [u8], range: Range<usize>, with: u8) {
    bytes[range].fill(with);
}

#[test]
fn a_whole_file_comes_through_whole() {
    let place = Place::new();
    let (images, model) = some(&place.path("db"));
    for bytes in images {
        let (found, lost) = place.repair(&bytes).unwrap();
        assert!(found == model);
        assert!(lost.is_empty(), "{lost:?}");
    }
}

#[test]
fn whatever_leads_to_the_records_may_be_damaged() {
    let place = Place::new();
    let (images, model) = some(&place.path("db"));
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 10] = [
        ("one bit of the header", |bytes| bytes[18] ^= 4),
        ("the header", |bytes| fill(bytes, 0..64, 0)),
        ("both superblocks", |bytes| fill(bytes, 4096..12288, 0xa5)),
        ("the first chunk", |bytes| fill(bytes, 0..CHUNK, 0)),
        ("one copy of every chunk's header", |bytes| {
            for (n, (at, _)) in chunks(bytes).into_iter().enumerate() {
                let at = at + 64 * (n % 2);
                fill(bytes, at..at + 64, 0xff);
            }
        }),
        ("a part of both copies", |bytes| {
            for (at, _) in chunks(bytes) {
                fill(bytes, at..at + 8, 0x11);
                fill(bytes, at + 64 + 8..at + 64 + 16, 0x11);
            }
        }),
        ("both copies of one header", |bytes| {
            let (at, _) = chunks(bytes)[1];
            fill(bytes, at..at + FIRST, 0);
        }),
        ("both copies of the run's header", |bytes| {
            let (at, _) = *chunks(bytes).iter().find(|(_, is_run)| *is_run).unwrap();
            fill(bytes, at..at + FIRST, 0x77);
        }),
        ("all headers, and the superblocks", |bytes| {
            for (at, _) in chunks(bytes) {
                fill(bytes, at..at + FIRST, 0);
            }
            fill(bytes, 4096..12288, 0);
        }),
        ("the dump", |bytes| {
            let with_records: Vec<_> = chunks(bytes).into_iter().map(|(at, _)| at).collect();
            let dump = bytes.windows(8).position(|window| window == b"kumoIDX\n");
            if let Some(at) = dump {
                assert!(!with_records.contains(&at));
                fill(bytes, at..at + 30_000, 0xee);
            }
        }),
    ];
    for (n, image) in images.iter().enumerate() {
        for (what, damage) in damages {
            let mut bytes = image.clone();
            damage(&mut bytes);
            let (found, lost) = place.repair(&bytes).unwrap();
            assert!(found == model, "{what}, image {n}: {} of {}", found.len(), model.len());
            assert!(lost.is_empty(), "{what}, image {n}: {lost:?}");
        }
    }
}

/// A sequence of numbers that looks like none.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit
    }
}

/// The bytes of a record that mean something.
fn body(found: &Found) -> Range<usize> {
    found.at..found.at + 16 + found.key_len + found.val_len
}

#[test]
fn what_is_not_hit_comes_through_and_nothing_wrong_does() {
    let place = Place::new();
    let ([bytes, _], model) = some(&place.path("db"));
    let records = image::records(&bytes);
    let mut random = Random(1);
    for round in 0..60 {
        let mut damaged = bytes.clone();
        let mut hits: Vec<Range<usize>> = Vec::new();
        let mut may_be_silent = false;
        for _ in 0..1 + random.below(6) {
            let at = random.below(bytes.len());
            let len = [1, 8, 512, 4096, 40_000][random.below(5)].min(bytes.len() - at);
            let with = [0, 0xff, 0x41][random.below(3)];
            // Zeros look like the end of what was written.
            may_be_silent |= with == 0;
            hits.push(at..at + len);
            fill(&mut damaged, at..at + len, with);
        }
        if round % 5 == 0 {
            let cut = CHUNK + 1 + random.below(bytes.len() - CHUNK - 1);
            hits.push(cut..bytes.len());
            damaged.truncate(cut);
        }
        let is_hit = |range: &Range<usize>| {
            hits.iter().any(|hit| hit.start < range.end && range.start < hit.end)
        };
        let (found, lost) = place.repair(&damaged).unwrap();
        for (key, val) in &found {
            assert!(
                model.get(key) == Some(val),
                "round {round}: {:?} is wrong",
                key.escape_ascii()
            );
        }
        let mut missing = 0;
        for record in records.iter().filter(|record| record.kind == 2) {
            let key = record.key(&bytes);
            let is_there = found.contains_key(key);
            // In a chunk of which nothing else is left, it has no one to vouch
            // for it but itself; so it too has come through.
            assert!(is_there || is_hit(&body(record)), "round {round}: {:?}", key.escape_ascii());
            missing += usize::from(!is_there);
        }
        assert!(
            missing == 0 || may_be_silent || !lost.is_empty(),
            "round {round}: {missing} without a word"
        );
    }
}

/// Versions of keys that all stand in the file; and what each key has.
fn small(path: &Path) -> (Vec<u8>, Contents) {
    let db = open_by_hand(path);
    let mut model = Contents::new();
    for n in 0..12_u8 {
        // What has been synced is not marked before its successor is, too.
        sync(&db);
        let key = vec![b'k', n % 5];
        if n == 6 {
            assert!(db.del(&key, &mut |_| true).unwrap());
            model.remove(&key);
        } else {
            db.set(&key, &[n; 20]).unwrap();
            model.insert(key, vec![n; 20]);
        }
    }
    let bytes = fs::read(path).unwrap();
    drop(db);
    (bytes, model)
}

#[test]
fn any_byte_may_be_wrong() {
    let place = Place::new();
    let (bytes, model) = small(&place.path("db"));
    let records = image::records(&bytes);
    let end = records.iter().map(|found| found.at + found.extent).max().unwrap() + 16;
    for at in (0..80).chain(4096..4200).chain(CHUNK..end) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x20;
        let (found, lost) = place.repair(&damaged).unwrap();
        let hit = records.iter().find(|record| body(record).contains(&at));
        let hit_key = hit.map(|record| record.key(&bytes));
        for key in model.keys().chain([&b"k\x01".to_vec()]) {
            if hit_key != Some(key) {
                assert_eq!(found.get(key), model.get(key), "{key:?}, byte {at}");
                continue;
            }
            // Gone; or, if the key was hit, what is said without this record.
            let versions: Vec<_> = records
                .iter()
                .filter(|record| record.key(&bytes) == key && !body(record).contains(&at))
                .map(|record| (record.kind == 2).then(|| record.value(&bytes)))
                .collect();
            let is = found.get(key).map(|val| &val[..]);
            assert!(is.is_none() || versions.contains(&is), "{key:?}, byte {at}");
        }
        assert_eq!(found.len(), found.keys().filter(|key| key.starts_with(b"k")).count());
        assert!(hit.is_none() || !lost.is_empty() || found == model, "byte {at}");
        let hit_value = hit.is_some_and(|hit| at >= hit.value_at() && hit.kind == 2);
        let is_newest = hit.is_some_and(|hit| {
            model.get(hit.key(&bytes)).is_some_and(|val| val == hit.value(&bytes))
        });
        if hit_value && is_newest {
            // An older version is not the key's value.
            assert_eq!(found.get(hit_key.unwrap()), None, "byte {at}");
            let offset = hit.unwrap().at;
            assert!(
                lost[0].contains(&format!("the record at offset {offset} is lost")),
                "{lost:?}"
            );
        }
    }
}

#[test]
fn what_cannot_be_repaired_is_refused_and_leaves_nothing() {
    let place = Place::new();
    let repair = |from: &str, to: &str| {
        TchdbLike::OPTIONAL.repair.unwrap()(&place.path(from), &place.path(to), &mut |_| {})
    };
    let refused = |from: &str, to: &str| repair(from, to).unwrap_err();
    assert_eq!(refused("none", "new").code(), ErrorCode::Io);
    fs::write(place.path("other"), vec![7; 600_000]).unwrap();
    assert!(refused("other", "new").text().contains("is not a tchdb_like database"));
    fs::write(place.path("empty"), b"").unwrap();
    assert!(refused("empty", "new").text().contains("is not a tchdb_like database"));
    let mut later = image::header(5);
    later[8] = 3;
    let check = crc32fast::hash(&later[..60]).to_le_bytes();
    later[60..].copy_from_slice(&check);
    fs::write(place.path("later"), later).unwrap();
    assert!(refused("later", "new").text().contains("version 3"));

    let db = open(&place.path("db")).unwrap();
    db.set(b"key", b"value").unwrap();
    assert_eq!(refused("db", "new").code(), ErrorCode::Busy);
    drop(db);
    assert!(refused("db", "other").text().contains("exists already"));
    assert_eq!(fs::read(place.path("other")).unwrap(), vec![7; 600_000]);
    assert!(!place.path("new").exists() && !place.path("new.tmp").exists());
    assert_eq!(repair("db", "new").unwrap(), 1);
}

#[test]
fn what_is_hidden_or_was_dropped_does_not_come_back() {
    let place = Place::new();
    let path = place.path("db");
    // Here nothing that has been replaced is marked.
    let db = open_by_hand(&path);
    let mut model = Contents::new();
    for round in 0..6_u32 {
        for n in 0..2500 {
            let (key, val) = (format!("key{n}").into_bytes(), value(n + round, 300));
            db.set(&key, &val).unwrap();
            model.insert(key, val);
        }
        for n in (0..2500).step_by(3) {
            let key = format!("key{n}").into_bytes();
            assert!(db.del(&key, &mut |_| true).unwrap());
            model.remove(&key);
        }
        sync(&db);
        // Deletes are dropped, chunks given back, and dumps written to them.
        db.compact().unwrap();
        db.checkpoint().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        assert!(place.repair(&bytes).unwrap().0 == model, "round {round}");
        bytes[4096..3 * 4096].fill(0);
        assert!(place.repair(&bytes).unwrap().0 == model, "round {round}, no superblocks");
    }
}

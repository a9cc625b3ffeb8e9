//! `get` against `set` and `del`, all of the real ones: a key that is there is found,
//! with a value that it had, whole, while its room goes to others.

use super::check;
use crate::{database::Core, recover, sync::set_thread_number, syncer::Level};
use loom::thread;
use std::{fs::OpenOptions, sync::Arc};

const SEED: u64 = 0x6b75_6d6f_6873_6564;

/// A database of which all keys have one hash, in memory if there is such a place.
fn open() -> (tempfile::TempDir, Arc<Core>) {
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let path = dir.path().join("db");
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(&path).unwrap();
    let core = recover::open(file, SEED, &path, Level::None, 0).unwrap();
    (dir, Arc::new(core))
}

/// Looks at a key, and at the same bytes again.
fn read(core: &Core, key: &[u8], values: &[&[u8]]) {
    let found = core.get(core.hash(key), key).unwrap().expect("it is there");
    let value = found.value.to_vec();
    assert!(values.contains(&&*value), "not a value of this key");
    thread::yield_now();
    assert_eq!(found.value, value, "written over while it was pinned");
}

/// One thread reads `a`, which has one of these values, while another works.
fn run(changes: usize, values: &'static [&[u8]], work: fn(&Core)) {
    check(changes, move || {
        let (_dir, core) = open();
        core.set(b"a", b"1").unwrap();
        core.set(b"b", b"2").unwrap();
        let reader = {
            let core = Arc::clone(&core);
            thread::spawn(move || {
                set_thread_number(1);
                read(&core, b"a", values);
            })
        };
        work(&core);
        reader.join().unwrap();
    });
}

#[test]
fn a_value_stays_the_keys_though_its_room_goes_to_another() {
    run(3, &[b"1", b"3"], |core| {
        core.set(b"a", b"3").unwrap();
        core.set(b"b", b"4").unwrap();
    });
}

#[test]
fn a_value_stays_though_its_chunk_goes() {
    run(2, &[b"1", b"longer than the room"], |core| {
        core.end_tails();
        core.set(b"b", b"longer than the room").unwrap();
        core.set(b"a", b"longer than the room").unwrap();
        core.end_tails();
        core.reclaim();
        core.set(b"c", b"5").unwrap();
    });
}

#[test]
fn a_key_is_not_missed_while_the_table_grows() {
    run(2, &[b"1"], |core| {
        core.set(b"c", b"3").unwrap();
        core.set(b"d", b"4").unwrap();
    });
}

#[test]
fn a_key_is_not_missed_while_entries_move_back() {
    run(3, &[b"1"], |core| {
        core.set(b"c", b"3").unwrap();
        assert!(core.del(b"b", &mut |_| true).unwrap());
    });
}

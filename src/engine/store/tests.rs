use super::{sweep::sweep, *};
use crate::engine::Lookup;
use std::{fs, path::Path, sync::atomic::AtomicBool};

fn open(path: &Path) -> Arc<Store> {
    let plugin = Plugin::built_in().unwrap();
    Arc::new(Store::open(&plugin, path.as_os_str().to_owned(), 1 << 20).unwrap())
}

fn set(store: &mut Arc<Store>, key: &[u8], data: &[u8]) {
    let item = NewItem { key, flags: 0, exptime: 0, data };
    assert_eq!(store.store(Mode::Set, &item).unwrap(), Stored::Stored);
}

fn is_hit(store: &mut Arc<Store>, key: &[u8]) -> bool {
    matches!(store.get(key, &Pins::new()).unwrap(), Lookup::Hit(_))
}

/// Stores an item as if it had been stored so many seconds ago.
fn set_ago(store: &Store, key: &[u8], seconds: u32) {
    let mut value = Vec::new();
    let clocktime = u64::from(wall() - seconds) << 32;
    record::encode(&mut value, &Head { clocktime, ..Head::default() }, [b"x", &[]]);
    store.shared.storage.set(stored_key(key).unwrap().as_bytes(), &value).unwrap();
}

#[test]
fn a_flush_with_a_time_that_has_passed_takes_what_is_older() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(&dir.path().join("db"));
    set_ago(&store, b"old", 50);
    set_ago(&store, b"new", 5);
    store.flush((wall() - 20) as i32).unwrap();
    assert!(!is_hit(&mut store, b"old"));
    assert!(is_hit(&mut store, b"new"));
}

#[test]
fn a_flush_with_a_time_that_has_passed_replaces_one_to_come() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(&dir.path().join("db"));
    store.flush(100).unwrap();
    assert!(store.shared.own.flush_pending());
    store.flush(2_592_001).unwrap();
    assert!(!store.shared.own.flush_pending());
}

#[test]
fn a_flush_to_come_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut store = open(&path);
    set(&mut store, b"key", b"x");
    store.flush(100).unwrap();
    drop(store);
    let mut store = open(&path);
    assert!(is_hit(&mut store, b"key"));
    // Its time comes.
    store.shared.own.settle(wall() + 200);
    assert!(!is_hit(&mut store, b"key"));
    set(&mut store, b"key", b"y");
    assert!(is_hit(&mut store, b"key"));
}

#[test]
fn the_clock_does_not_go_back_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut last = 0;
    for _ in 0..5 {
        let store = open(&path);
        let time = store.shared.own.time().unwrap();
        assert!(time > last);
        last = time;
    }
}

#[test]
fn the_sweep_deletes_what_is_dead_and_only_that() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(&dir.path().join("db"));
    for n in 0..100 {
        set(&mut store, format!("dead{n}").as_bytes(), b"x");
    }
    store.shared.own.flush().unwrap();
    set(&mut store, b"alive", b"x");
    let gone = NewItem { key: b"expired", flags: 0, exptime: -1, data: b"x" };
    store.store(Mode::Set, &gone).unwrap();
    sweep(&store.shared, &AtomicBool::new(false)).unwrap();
    assert_eq!(store.items().unwrap(), 1);
    assert!(is_hit(&mut store, b"alive"));
}

#[test]
fn a_damaged_record_does_not_keep_the_sweep_from_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut store = open(&path);
    set(&mut store, b"damaged", b"a value that can be found");
    for n in 0..100 {
        set(&mut store, format!("dead{n}").as_bytes(), b"x");
    }
    store.shared.own.flush().unwrap();
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(7).position(|part| part == b"a value").unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();

    let mut store = open(&path);
    assert!(sweep(&store.shared, &AtomicBool::new(false)).is_err());
    assert_eq!(store.items().unwrap(), 1);
    assert!(store.get(b"damaged", &Pins::new()).is_err());
}

#[test]
fn values_from_a_database_of_kumofs_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let storage = Plugin::built_in().unwrap().open(path.as_os_str()).unwrap();
    let clocktime = (u64::from(wall()) - 1) << 32 | 7;
    let value = [&clocktime.to_be_bytes()[..], &[0, 0], b"from kumofs"].concat();
    storage.set(b"\x1C\x99\x4B\xDA\x6C\xAB\x73\x10key1", &value).unwrap();
    drop(storage);

    let mut store = open(&path);
    let pins = Pins::new();
    let Lookup::Hit(item) = store.get(b"key1", &pins).unwrap() else { panic!("a miss") };
    assert_eq!((item.cas, item.flags, item.data), (clocktime, 0, &b"from kumofs"[..]));
    assert!(store.shared.own.time().unwrap() > clocktime);
    assert_eq!(store.items().unwrap(), 1);
}

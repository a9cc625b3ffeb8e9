//! The host over an engine that is linked in: what it does for one that has
//! little.

use super::*;
use kumo_plugin::{CasProc, Error, Location, Storage as Engine, Value, Visit as Visitor};
use std::{
    collections::BTreeMap,
    ffi::{CStr, OsStr},
    fs,
    ops::{Bound, ControlFlow},
    path::PathBuf,
    sync::{Barrier, Mutex, MutexGuard, atomic::AtomicBool, atomic::Ordering::SeqCst},
    thread,
};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// A map that is written to its file when it is closed, and has none of the
/// optional operations.
struct Bare {
    path: PathBuf,
    map: Mutex<Map>,
}

impl Bare {
    fn map(&self) -> MutexGuard<'_, Map> {
        self.map.lock().unwrap()
    }
}

impl Engine for Bare {
    const NAME: &'static CStr = c"bare";
    const VERSION: &'static CStr = c"1";
    const DESCRIPTION: &'static CStr = c"a map that is saved when it is closed";

    fn open(location: &Location) -> Result<Self, Error> {
        let path = location.path.clone();
        let text = fs::read_to_string(&path).unwrap_or_default();
        let map = text.lines().filter_map(|line| line.split_once('='));
        let map = map.map(|(key, value)| (key.into(), value.into())).collect();
        Ok(Self { path, map: Mutex::new(map) })
    }

    fn close(&self) -> Result<(), Error> {
        let line = |(key, value): (&Vec<u8>, &Vec<u8>)| [key, &b"="[..], value, b"\n"].concat();
        let text: Vec<u8> = self.map().iter().flat_map(line).collect();
        Ok(fs::write(&self.path, text)?)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error> {
        Ok(self.map().get(key).cloned().map(Value::from))
    }

    fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error> {
        self.map().insert(key.to_vec(), val.to_vec());
        Ok(())
    }

    fn del(&self, key: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        let mut map = self.map();
        let agreed = map.get(key).is_some_and(|old| proc(old));
        Ok(agreed && map.remove(key).is_some())
    }

    fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        let mut map = self.map();
        let agreed = map.get(key).is_none_or(|old| proc(old));
        if agreed {
            map.insert(key.to_vec(), val.to_vec());
        }
        Ok(agreed)
    }

    /// Record after record, while writes go on: no point in time.
    fn for_each(&self, visit: Visitor<'_>) -> Result<(), Error> {
        let mut next = Bound::Unbounded;
        loop {
            let record = self.map().range((next, Bound::Unbounded)).next().map(owned);
            let Some((key, value)) = record else { return Ok(()) };
            if visit(&key, &value).is_break() {
                return Ok(());
            }
            next = Bound::Excluded(key);
        }
    }
}

fn owned((key, value): (&Vec<u8>, &Vec<u8>)) -> (Vec<u8>, Vec<u8>) {
    (key.clone(), value.clone())
}

fn plugin() -> Plugin {
    // SAFETY: the SDK's plugin_init keeps the contract.
    unsafe { Plugin::linked(kumo_plugin::export::plugin_init::<Bare>) }.unwrap()
}

fn all(storage: &Storage) -> Map {
    let mut all = Map::new();
    let visit: Visit<'_> = &mut |record: Record<'_>| {
        all.insert(record.key.to_vec(), record.value.to_vec());
        ControlFlow::Continue(())
    };
    storage.for_each(visit).unwrap();
    all
}

#[test]
fn what_the_engine_lacks_is_done_without() {
    let dir = tempfile::tempdir().unwrap();
    let storage = plugin().open(dir.path().join("db").as_os_str()).unwrap();
    storage.set_many(&[(b"a", b"one"), (b"b", b"two"), (b"c", b"")]).unwrap();
    assert_eq!(storage.rnum().unwrap(), 3);
    let mut head = [0; 2];
    assert_eq!(storage.get_header(b"a", &mut head).unwrap(), Some(&b"on"[..]));
    assert_eq!(storage.get_header(b"x", &mut head).unwrap(), None);
    let pins = Pins::new();
    let found = storage.get_many(&[b"b", b"x", b"c"], &pins).unwrap();
    assert_eq!(found, [Some(&b"two"[..]), None, Some(&b""[..])]);
    assert_eq!(storage.sync().unwrap(), None);
    assert_eq!(storage.compact().unwrap(), None);
    assert_eq!(storage.verify(&mut |_| ()).unwrap(), None);
    assert_eq!(storage.stats().unwrap(), []);
    assert_eq!(storage.batch(&[Change::Delete(b"a")]).unwrap(), None);
    assert_eq!(storage.seek(b"", &mut |_| ControlFlow::Continue(())).unwrap(), None);
}

#[test]
fn pins_belong_to_one_storage() {
    let dir = tempfile::tempdir().unwrap();
    let open = |name: &str| plugin().open(dir.path().join(name).as_os_str()).unwrap();
    let (one, two) = (open("one"), open("two"));
    let pins = Pins::new();
    assert_eq!(one.get(b"a", &pins).unwrap(), None);
    assert!(two.get(b"a", &pins).is_err());
}

#[test]
fn a_backup_of_the_host_s_is_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let storage = plugin().open(dir.path().join("db").as_os_str()).unwrap();
    for n in 0..1000 {
        storage.set(format!("key{n}").as_bytes(), &[b'x'; 1000]).unwrap();
    }
    let dst = dir.path().join("copy");
    storage.backup(&dst, dst.as_os_str()).unwrap();
    assert!(!dir.path().join("copy.tmp").exists());
    let copy = plugin().open(dst.as_os_str()).unwrap();
    assert_eq!(all(&copy), all(&storage));

    let failure = storage.backup(&dst, dst.as_os_str()).unwrap_err();
    assert!(failure.text.contains("exists"), "{failure}");
    let nowhere = dir.path().join("no/where");
    assert!(storage.backup(&nowhere, nowhere.as_os_str()).is_err());
}

/// A writer stores `a` and then `z`, makes a key and deletes the one before; in
/// the copy `a` is `z` or one ahead, and of the other keys there are one or two.
#[test]
fn a_backup_of_the_host_s_is_a_point_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let storage = plugin().open(dir.path().join("db").as_os_str()).unwrap();
    let number = |n: u64| n.to_string().into_bytes();
    for filler in 0..2000 {
        storage.set(format!("filler{filler}").as_bytes(), &[b'x'; 100]).unwrap();
    }
    storage.set(b"a", b"0").unwrap();
    storage.set(b"z", b"0").unwrap();
    storage.set(b"turn0", b"").unwrap();
    let (stop, begun) = (AtomicBool::new(false), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            begun.wait();
            for n in 1.. {
                if stop.load(SeqCst) {
                    break;
                }
                storage.set(b"a", &number(n)).unwrap();
                storage.set(b"z", &number(n)).unwrap();
                storage.set(format!("turn{n}").as_bytes(), b"").unwrap();
                storage.del(format!("turn{}", n - 1).as_bytes(), &mut |_| true).unwrap();
            }
        });
        begun.wait();
        // The writer ends also when a check below fails.
        let _stop = Stop(&stop);
        for copy in 0..20 {
            let dst = dir.path().join(format!("copy{copy}"));
            storage.backup(&dst, dst.as_os_str()).unwrap();
            let copy = all(&plugin().open(OsStr::new(&dst)).unwrap());
            let read = |key: &[u8]| -> u64 {
                String::from_utf8(copy[key].clone()).unwrap().parse().unwrap()
            };
            let (a, z) = (read(b"a"), read(b"z"));
            assert!(a == z || a == z + 1, "{a} {z}");
            let turns = copy.keys().filter(|key| key.starts_with(b"turn")).count();
            assert!(turns == 1 || turns == 2, "{turns}");
            assert_eq!(copy.keys().filter(|key| key.starts_with(b"filler")).count(), 2000);
        }
    });
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

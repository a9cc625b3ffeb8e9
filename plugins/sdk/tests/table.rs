//! Every slot of the tables that the SDK makes, called as a host calls them.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]
// Some of them call a table as C does.
#![allow(unsafe_code)]

mod common;

use common::{Full, Least};
use kumo_plugin::{
    CasProc, Change, Error, ErrorCode, Location, Storage, ThreadModel, Value, Visit, abi,
    testing::{Engine, logged},
    zone::Zone,
};
use std::{ffi::CStr, fs};

fn full() -> Engine {
    Engine::open::<Full>("any").unwrap()
}

#[test]
fn a_description_says_what_the_constants_say() {
    let engine = full();
    let plugin = engine.description();
    assert_eq!(plugin.struct_size, size_of::<abi::kumo_plugin>());
    assert_eq!(plugin.abi_version, abi::KUMO_ABI_VERSION);
    assert_eq!(plugin.thread_model, abi::KUMO_THREAD_PARALLEL);
    let caps = abi::KUMO_CAP_ORDERED
        | abi::KUMO_CAP_REENTRANT_SCAN
        | abi::KUMO_CAP_DURABLE_SYNC
        | abi::KUMO_CAP_BACKUP_BLOCKS;
    assert_eq!(plugin.caps, caps);
    assert_eq!(plugin.params_num, 2);
    // SAFETY: constants of the SDK: C strings, and two parameters.
    unsafe {
        let text = |from| CStr::from_ptr(from);
        assert_eq!(text(plugin.name), c"full");
        assert_eq!(text(plugin.version), c"1.2");
        assert_eq!(text(plugin.description), c"has it all");
        let params = std::slice::from_raw_parts(plugin.params, 2);
        assert_eq!((text(params[0].name), text(params[1].name)), (c"level", c"mode"));
        assert_eq!(text(params[0].default_value), c"3");
        assert_eq!(params[0].value_type, abi::ParamType::Int as u32);
    }
    let least = Engine::open::<Least>("any").unwrap();
    assert!(least.description().params.is_null());
    assert_eq!((least.description().params_num, least.description().caps), (0, 0));
}

#[test]
fn what_an_engine_lacks_is_null_and_a_classic_table_is_whole() {
    let least = Engine::open::<Least>("any").unwrap();
    let (op, plugin) = (*least.table(), least.description());
    assert!(op.get_header.is_none() && op.updatev.is_none() && op.rnum.is_none());
    assert!(op.backup.is_none() && op.iterator_del.is_none() && op.iterator_del_force.is_none());
    assert!(plugin.sync.is_none() && plugin.stats.is_none() && plugin.verify.is_none());
    assert!(plugin.compact.is_none() && plugin.seek.is_none());
    assert!(plugin.getv.is_none() && plugin.batch.is_none() && plugin.repair.is_none());
    assert!(op.error.is_some() && op.iterator_release_key.is_some());

    let full = full();
    let (op, plugin) = (*full.table(), full.description());
    assert!(op.get_header.is_some() && op.updatev.is_some() && op.rnum.is_some());
    assert!(op.backup.is_some() && op.iterator_del.is_some() && op.iterator_del_force.is_some());
    assert!(plugin.sync.is_some() && plugin.stats.is_some() && plugin.verify.is_some());
    assert!(plugin.compact.is_some() && plugin.seek.is_some());
    assert!(plugin.getv.is_some() && plugin.batch.is_some() && plugin.repair.is_some());

    let classic = *Engine::open_classic::<Least>("any").unwrap().table();
    assert!(classic.updatev.is_none());
    let updatev = classic.updatev;
    // SAFETY: 22 pointers, NULL or not; Option makes NULL a 0.
    let slots: [usize; 22] = unsafe { std::mem::transmute(classic) };
    let nulls = slots.iter().filter(|&&slot| slot == 0).count();
    assert_eq!((nulls, updatev.is_none()), (1, true));
}

#[test]
fn one_record() {
    let engine = full();
    for key in ["copied", "pinned", "shared", "vec", ""] {
        let key = key.as_bytes();
        assert!(engine.get(key).unwrap().is_none());
        assert_eq!(engine.get_header(key, 9).unwrap(), None);
        for val in [&b"value"[..], b""] {
            engine.set(key, val).unwrap();
            assert_eq!(&*engine.get(key).unwrap().unwrap(), val);
            assert_eq!(engine.get_header(key, 3).unwrap().unwrap(), val[..val.len().min(3)]);
            assert_eq!(engine.get_header(key, 0).unwrap().unwrap(), b"");
        }
        assert!(!engine.update(key, b"new", &mut |old| !old.is_empty()).unwrap());
        assert!(engine.update(key, b"new", &mut |old| old.is_empty()).unwrap());
        assert!(!engine.del(key, &mut |old| old != b"new").unwrap());
        assert!(engine.del(key, &mut |old| old == b"new").unwrap());
        assert!(!engine.del(key, &mut |_| panic!("it is gone")).unwrap());
        assert!(engine.update(key, b"1", &mut |_| panic!("it is gone")).unwrap());
    }
    engine.set(b"b", b"x").unwrap();
    assert_eq!(&*engine.get(b"b").unwrap().unwrap(), b"borrowed");
}

#[test]
fn the_whole_database() {
    let engine = full();
    engine.set(b"a", b"damaged").unwrap();
    engine.set(b"b", b"2").unwrap();
    assert_eq!(engine.rnum().unwrap(), 2);
    engine.sync().unwrap();
    engine.compact().unwrap();
    let stats = engine.stats().unwrap();
    let stats: Vec<_> = stats.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(stats, [("records", "2"), ("text", "shown"), ("cut", "be")]);
    assert_eq!(engine.verify().unwrap(), ["a is damaged"]);
    let dir = tempfile::tempdir().unwrap();
    engine.backup(&dir.path().join("copy")).unwrap();
    assert_eq!(fs::read(dir.path().join("copy")).unwrap(), b"a copy");
    let error = engine.backup(&dir.path().join("none/copy")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Io);
    assert_eq!(engine.last_error().unwrap(), error.text());
    let (from, to) = (dir.path().join("copy"), dir.path().join("repaired"));
    let lost = format!("the end of {} is lost", from.display());
    assert_eq!(engine.repair(&from, &to).unwrap(), (7, vec![lost]));
    assert_eq!(fs::read(&to).unwrap(), b"what is whole");
    let error = engine.repair(&from, &dir.path().join("none/copy")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Io);
    engine.close().unwrap();
}

#[test]
fn many_keys() {
    let engine = full();
    let (stored, result) = engine.updatev(&[(b"p", b"1"), (b"s", b""), (b"p", b"2")]);
    assert_eq!((stored, result.is_ok()), (3, true));
    let (stored, result) = engine.updatev(&[(b"v", b"3"), (b"bad", b""), (b"never", b"")]);
    assert_eq!((stored, result.unwrap_err().text()), (1, "a bad key"));
    assert_eq!(engine.updatev(&[]).0, 0);

    let found = engine.getv(&[b"p", b"none", b"s", b"p", b"v"]).unwrap();
    let found: Vec<_> = found.iter().map(Option::as_deref).collect();
    assert_eq!(found, [Some(&b"2"[..]), None, Some(b""), Some(b"2"), Some(b"3")]);
    assert!(engine.getv(&[]).unwrap().is_empty());
    let error = engine.getv(&[b"short"]).unwrap_err();
    assert!(error.text().contains("asked for 1 keys and answered with 0"), "{error}");

    let changes = [Change::Put(b"x", b""), Change::Delete(b"v"), Change::Delete(b"none")];
    engine.batch(&changes).unwrap();
    engine.batch(&[]).unwrap();
    assert_eq!(engine.rnum().unwrap(), 3);
    assert_eq!(&*engine.get(b"x").unwrap().unwrap(), b"");
}

#[test]
fn scans() {
    let engine = full();
    for key in [b"a", b"b", b"c", b"d"] {
        engine.set(key, &[key[0], key[0]]).unwrap();
    }
    let zone = Zone::new();
    let mut kept = Vec::new();
    let seen = engine.for_each(&mut |record| {
        kept.push((record.release_key(&zone)?, record.release_value(&zone)?));
        // Within a scan another one runs, and records are changed.
        match &record.key()?[..] {
            b"a" => assert!(!record.del(&mut |old| old != b"aa")?),
            b"b" => {
                assert!(record.del(&mut |old| old == b"bb")?);
                assert!(!record.del_force()?);
                assert_eq!(engine.rnum()?, 3);
            }
            _ => assert!(record.del_force()?),
        }
        Ok(7)
    });
    assert_eq!(seen.unwrap(), 0);
    let expected: [(&[u8], &[u8]); 4] =
        [(b"a", b"aa"), (b"b", b"bb"), (b"c", b"cc"), (b"d", b"dd")];
    assert_eq!(kept, expected);
    assert_eq!(engine.rnum().unwrap(), 1);

    engine.set(b"c", b"").unwrap();
    let keys = |from: &[u8], stop: i32| {
        let mut keys = Vec::new();
        let answer = engine.seek(from, &mut |record| {
            keys.push(record.key()?);
            Ok(stop)
        });
        (keys.concat(), answer.unwrap())
    };
    assert_eq!(keys(b"", 0), (b"ac".to_vec(), 0));
    assert_eq!(keys(b"b", 1), (b"c".to_vec(), 0));
    assert_eq!(keys(b"z", -5), (b"".to_vec(), 0));
    // The engine goes on after a Break; the host is not called again.
    assert_eq!(keys(b"a", -5), (b"a".to_vec(), -5));
}

#[test]
fn a_classic_table_does_what_the_engine_lacks() {
    let engine = Engine::open_classic::<Least>("any").unwrap();
    for key in [b"a", b"b", b"c", b"d"] {
        engine.set(key, b"1234").unwrap();
    }
    assert_eq!(engine.rnum().unwrap(), 4);
    assert_eq!(engine.get_header(b"a", 3).unwrap().unwrap(), b"123");
    assert_eq!(engine.get_header(b"none", 3).unwrap(), None);
    let error = engine.backup("x".as_ref()).unwrap_err();
    assert_eq!((error.code(), error.text()), (ErrorCode::Unsupported, "this engine has no backup"));
    // The engine's own lock is held meanwhile: the deletes wait.
    let answer = engine.for_each(&mut |record| {
        match &record.key()?[..] {
            b"a" => assert!(!record.del(&mut |_| false)?),
            b"b" => assert!(record.del(&mut |old| old == b"1234")?),
            b"c" => {
                assert!(record.del_force()?);
                assert!(!record.del_force()?);
                assert_eq!(record.key()?, b"c");
                return Ok(-9);
            }
            _ => panic!("shown after the end"),
        }
        Ok(0)
    });
    assert_eq!(answer.unwrap(), -9);
    assert_eq!(engine.rnum().unwrap(), 2);
}

#[test]
fn parameters_reach_open_checked() {
    Engine::open::<Full>("any#level=5#mode=x").unwrap();
    let error = Engine::open::<Full>("any#level=x").err().unwrap();
    assert_eq!(error.code(), ErrorCode::Invalid);
    assert!(error.text().contains("level (how much"), "{error}");
    assert!(Engine::open_classic::<Full>("any#nonsense=1").is_err());
    assert!(Engine::open::<Least>("any#a=1").err().unwrap().text().contains("no parameters"));
}

/// Bears no threads.
struct Lonely;

impl Storage for Lonely {
    const NAME: &'static CStr = c"lonely";
    const VERSION: &'static CStr = c"0";
    const DESCRIPTION: &'static CStr = c"";
    const THREADS: ThreadModel = ThreadModel::Single;

    fn open(_: &Location) -> Result<Self, Error> {
        Err(Error::new(ErrorCode::Busy, "in use"))
    }
    fn get(&self, _: &[u8]) -> Result<Option<Value<'_>>, Error> {
        Ok(None)
    }
    fn set(&self, _: &[u8], _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
    fn del(&self, _: &[u8], _: CasProc<'_>) -> Result<bool, Error> {
        Ok(false)
    }
    fn update(&self, _: &[u8], _: &[u8], _: CasProc<'_>) -> Result<bool, Error> {
        Ok(true)
    }
    fn for_each(&self, _: Visit<'_>) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn an_engine_that_bears_no_threads_refuses_a_host_that_knows_only_them() {
    let error = Engine::open_classic::<Lonely>("any").err().unwrap();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    assert!(logged().concat().contains("lonely does not bear calls from many threads"));
    let error = Engine::open::<Lonely>("any").err().unwrap();
    assert_eq!((error.code(), error.text()), (ErrorCode::Busy, "in use"));
}

#[test]
fn calls_before_open_are_errors() {
    let engine = full();
    let op = engine.table();
    // SAFETY: the table is the SDK's; `data` is freed once.
    unsafe {
        let data = op.create.unwrap()();
        assert!(!op.set.unwrap()(data, c"k".as_ptr(), 1, c"v".as_ptr(), 1));
        op.close.unwrap()(data);
        op.free.unwrap()(data);
    }
    assert_eq!(engine.last_error().unwrap(), "the storage is not open");
}

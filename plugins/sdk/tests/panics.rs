//! A panic in any method, wherever it is, becomes the error of that call, is
//! logged with its message, and the engine goes on.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]
// Some of them call a table as C does.
#![allow(unsafe_code)]

mod common;

use common::{Full, panic_at};
use kumo_plugin::{
    Change, Error, ErrorCode,
    testing::{Engine, Record, logged},
};
use std::fmt::Debug;

/// Runs a call with a panic at that place, and then without.
fn check<R: Debug>(
    operation: &str,
    place: &'static str,
    mut call: impl FnMut() -> Result<R, Error>,
) {
    logged();
    panic_at(place);
    let error = call().expect_err(place);
    panic_at("");
    let said = if place == "odd payload" {
        "it does not say why".to_owned()
    } else {
        format!("boom at {place}")
    };
    let text = format!("panic in {operation}: {said}");
    assert_eq!((error.code(), error.text()), (ErrorCode::Other, &*text));
    assert_eq!(logged(), [text]);
    call().expect(place);
    assert_eq!(logged(), [""; 0]);
}

#[test]
fn in_every_operation() {
    let engine = &Engine::open::<Full>("any").unwrap();
    let keep = &mut |_: &[u8]| true;
    engine.set(b"k", b"v").unwrap();
    check("get", "get", || engine.get(b"k"));
    check("get", "odd payload", || engine.get(b"k"));
    check("get_header", "get_header", || engine.get_header(b"k", 1));
    check("set", "set", || engine.set(b"k", b"v"));
    check("update", "update", || engine.update(b"k", b"v", keep));
    check("del", "del", || engine.del(b"none", keep));
    check("rnum", "rnum", || engine.rnum());
    check("sync", "sync", || engine.sync());
    check("compact", "compact", || engine.compact());
    check("stats", "stats", || engine.stats());
    check("stats", "display", || engine.stats());
    check("verify", "verify", || engine.verify());
    check("getv", "getv", || engine.getv(&[b"k"]));
    check("getv", "get", || engine.getv(&[b"k"]));
    check("batch", "batch", || engine.batch(&[Change::Put(b"k", b"v")]));
    let dir = tempfile::tempdir().unwrap();
    check("backup", "backup", || engine.backup(&dir.path().join("copy")));
    let repaired = dir.path().join("repaired");
    check("repair", "repair", || engine.repair(dir.path(), &repaired));
    let show = &mut |record: Record<'_>| record.key().map(|_| 0);
    check("for_each", "for_each", || engine.for_each(show));
    check("for_each", "a record", || engine.for_each(show));
    check("seek", "seek", || engine.seek(b"", show));
}

#[test]
fn in_the_middle_of_many() {
    let engine = Engine::open::<Full>("any").unwrap();
    panic_at("updatev");
    let (stored, result) = engine.updatev(&[(b"a", b"1"), (b"bad", b""), (b"c", b"3")]);
    panic_at("");
    assert_eq!((stored, result.unwrap_err().text()), (1, "panic in updatev: boom at updatev"));
    assert_eq!(engine.rnum().unwrap(), 1);
}

#[test]
fn in_a_delete_within_a_scan() {
    let engine = Engine::open::<Full>("any").unwrap();
    type Del = fn(&Record<'_>) -> Result<bool, Error>;
    let dels: [Del; 2] = [|record| record.del(&mut |_| true), |record| record.del_force()];
    for del in dels {
        check("iterator_del", "del", || {
            engine.set(b"k", b"v")?;
            engine.for_each(&mut |record| del(&record).map(|_| 0))
        });
    }
    // The scan itself goes on, and its own answer stands.
    engine.set(b"k", b"v").unwrap();
    let seen = engine.for_each(&mut |record| {
        panic_at("del");
        assert!(record.del_force().is_err());
        panic_at("");
        Ok(0)
    });
    assert_eq!(seen.unwrap(), 0);
}

#[test]
fn in_the_drop_of_a_value() {
    let engine = Engine::open::<Full>("any").unwrap();
    for key in [b"p", b"s"] {
        engine.set(key, b"v").unwrap();
        check("the drop of a value", "value drop", || engine.get(key).unwrap().unwrap().release());
    }
    // All of them are dropped, though the first to go panics.
    let found = engine.getv(&[b"p", b"s", b"p"]).unwrap();
    logged();
    panic_at("value drop");
    drop(found);
    panic_at("");
    assert_eq!(logged().len(), 3);
}

#[test]
fn in_the_life_of_an_engine() {
    check("open", "open", || Engine::open::<Full>("any").map(drop));
    check("open", "open", || Engine::open_classic::<Full>("any").map(drop));
    check("close", "close", || Engine::open::<Full>("any").unwrap().close());
    check("close", "engine drop", || Engine::open::<Full>("any").unwrap().close());
    // Freed without having been closed: a host's mistake, but no crash.
    logged();
    let engine = Engine::open::<Full>("any").unwrap();
    let op = engine.table();
    // SAFETY: the table is the SDK's; `data` is freed once.
    unsafe {
        let data = op.create.unwrap()();
        assert!(op.open.unwrap()(data, c"any".as_ptr()));
        panic_at("engine drop");
        op.free.unwrap()(data);
        panic_at("");
    }
    assert_eq!(logged(), ["panic in free: boom at engine drop"]);
    engine.close().unwrap();
}

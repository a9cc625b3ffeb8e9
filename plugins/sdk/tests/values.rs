//! Values in a zone: released once, last found first, on every path.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]
// Some of them call a table as C does.
#![allow(unsafe_code)]

mod common;

use common::Full;
use kumo_plugin::{
    Caps, CasProc, Error, ErrorCode, Location, Optional, Storage, Value, Visit,
    abi::kumo_storage_op,
    testing::Engine,
    zone::{Zone, msgpack_zone},
};
use libc::c_void;
use std::{
    cell::RefCell,
    ffi::CStr,
    ptr,
    sync::{Arc, Mutex},
};

thread_local! {
    static RELEASED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Says on this thread that it has been dropped.
struct Told(Vec<u8>);

impl Drop for Told {
    fn drop(&mut self) {
        RELEASED.with_borrow_mut(|released| released.extend(&self.0));
    }
}

/// Has every key, as its own value; keys that begin with `s` are shared.
struct Echo;

impl Echo {
    fn getv(&self, keys: &[&[u8]]) -> Result<Vec<Option<Value<'_>>>, Error> {
        keys.iter().map(|key| self.get(key)).collect()
    }
}

impl Storage for Echo {
    const NAME: &'static CStr = c"echo";
    const VERSION: &'static CStr = c"0";
    const DESCRIPTION: &'static CStr = c"";
    const CAPS: Caps = Caps::VOLATILE;
    const OPTIONAL: Optional<Self> = Optional { getv: Some(Self::getv), ..Optional::NONE };

    fn open(_: &Location) -> Result<Self, Error> {
        Ok(Self)
    }
    fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error> {
        let told = Told(key.to_vec());
        Ok(Some(match key.first() {
            Some(b's') => Value::shared(Arc::new(told), |told| &told.0),
            _ => Value::pin(told, |told| &told.0),
        }))
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
    fn for_each(&self, visit: Visit<'_>) -> Result<(), Error> {
        let _ = visit(b"key", b"value");
        Ok(())
    }
}

fn get(op: &kumo_storage_op, data: *mut c_void, key: &[u8], zone: *mut msgpack_zone) -> bool {
    let mut len = 0;
    // SAFETY: `data` is open; the zone is this call's; the value is read while
    // the zone keeps it.
    unsafe {
        let found = op.get.unwrap()(data, key.as_ptr().cast(), key.len() as u32, &mut len, zone);
        assert!(
            found.is_null() || std::slice::from_raw_parts(found.cast::<u8>(), len as usize) == key
        );
        !found.is_null()
    }
}

#[test]
fn the_last_found_goes_first_and_each_once() {
    let engine = Engine::open::<Echo>("any").unwrap();
    let mut zone = Zone::new();
    for round in 0..3 {
        for key in [b"a", b"s", b"c"] {
            assert!(get(engine.table(), engine.data(), key, zone.as_ptr()));
        }
        assert_eq!(RELEASED.take(), b"", "round {round}");
        zone.clear();
        assert_eq!(RELEASED.take(), b"csa");
    }
    drop(zone);
    assert_eq!(RELEASED.take(), b"");

    drop(engine.getv(&[b"1", b"s", b"3"]).unwrap());
    assert_eq!(RELEASED.take(), b"3s1");
}

/// A zone for which there is no memory: neither a finalizer nor a byte.
fn exhausted() -> msgpack_zone {
    let end = usize::MAX - 15;
    // SAFETY: seven words, as the zone's layout is; nothing is read at the end
    // of the array, since it is full, and growing it overflows.
    unsafe { std::mem::transmute([0, 0, 0, end, end, 0, usize::MAX]) }
}

#[test]
fn what_the_zone_does_not_take_is_released_at_once() {
    let engine = Engine::open::<Echo>("any").unwrap();
    let mut zone = exhausted();
    for key in [b"a", b"s"] {
        assert!(!get(engine.table(), engine.data(), key, &mut zone));
        assert_eq!(RELEASED.take(), key);
        assert_eq!(engine.last_error().unwrap(), "the zone has no memory for a finalizer");
    }

    // Of many, those that it does not take and those that come after.
    let keys: [*const libc::c_char; 3] = [c"1".as_ptr(), c"2".as_ptr(), c"3".as_ptr()];
    let (mut vals, mut lens) = ([ptr::null(); 3], [0; 3]);
    let getv = engine.description().getv.unwrap();
    // SAFETY: arrays of three; `data` is open.
    let done = unsafe {
        let (vals, lens) = (vals.as_mut_ptr(), lens.as_mut_ptr());
        getv(engine.data(), keys.as_ptr(), [1; 3].as_ptr(), 3, vals, lens, &mut zone)
    };
    assert!(!done);
    assert_eq!(RELEASED.take(), b"123");
}

#[test]
fn a_record_that_the_zone_has_no_room_for_is_not_released_into_it() {
    let engine = Engine::open::<Echo>("any").unwrap();
    let zone = Mutex::new(exhausted());
    unsafe extern "C-unwind" fn show(user: *mut c_void, shown: *mut c_void) -> libc::c_int {
        // SAFETY: the test's own; the callback runs.
        unsafe {
            let (engine, zone) = &mut *user.cast::<(&Engine, &Mutex<msgpack_zone>)>();
            let zone = &raw mut *zone.lock().unwrap();
            let op = engine.table();
            assert!(op.iterator_release_key.unwrap()(shown, zone).is_null());
            assert!(op.iterator_release_val.unwrap()(shown, zone).is_null());
        }
        0
    }
    let mut user = (&engine, &zone);
    // SAFETY: `data` is open; the user's data outlives the call.
    let answer = unsafe {
        let for_each = engine.table().for_each.unwrap();
        for_each(engine.data(), (&raw mut user).cast(), Some(show))
    };
    assert_eq!(answer, 0);
    assert_eq!(engine.last_error().unwrap(), "no memory for 5 bytes");
}

#[test]
fn a_value_stays_as_it_was_read() {
    let engine = Engine::open::<Full>("any").unwrap();
    for key in [&b"pinned"[..], b"shared", b"vec", b"copied"] {
        engine.set(key, b"before").unwrap();
        let found = engine.get(key).unwrap().unwrap();
        engine.set(key, b"after").unwrap();
        assert!(engine.del(key, &mut |_| true).unwrap());
        assert_eq!(&*found, b"before");
        found.release().unwrap();
    }
}

#[test]
fn values_may_go_on_another_thread() {
    struct Bag(Zone);
    let engine = Engine::open::<Full>("any").unwrap();
    engine.set(b"pinned", b"pinned").unwrap();
    engine.set(b"shared", b"shared").unwrap();
    let bag = Bag(Zone::new());
    assert!(get(engine.table(), engine.data(), b"pinned", bag.0.as_ptr()));
    assert!(get(engine.table(), engine.data(), b"shared", bag.0.as_ptr()));
    std::thread::spawn(move || drop(bag)).join().unwrap();
    engine.close().unwrap();
}

#[test]
fn a_value_too_long_for_the_table_is_an_error() {
    /// Has one value, of 4 GiB that are never touched.
    struct Huge(Vec<u8>);
    impl Storage for Huge {
        const NAME: &'static CStr = c"huge";
        const VERSION: &'static CStr = c"0";
        const DESCRIPTION: &'static CStr = c"";
        fn open(_: &Location) -> Result<Self, Error> {
            Ok(Self(vec![0; 1 << 32]))
        }
        fn get(&self, _: &[u8]) -> Result<Option<Value<'_>>, Error> {
            Ok(Some(Value::from(&self.0)))
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
    let engine = Engine::open::<Huge>("any").unwrap();
    let error = engine.get(b"k").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Invalid);
    assert!(error.text().contains("longer than 4 GiB"), "{error}");
}

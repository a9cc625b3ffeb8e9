//! An engine that has every operation, and panics where a test wants it to.

// Each file of tests uses a part of it.
#![allow(dead_code)]

use kumo_plugin::{Caps, CasProc, Change, Error, Location, Optional, Param, Storage, Value, Visit};
use std::{
    cell::Cell,
    collections::BTreeMap,
    ffi::CStr,
    fmt::{self, Display},
    fs,
    panic::panic_any,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

thread_local! {
    static PANIC_AT: Cell<&'static str> = const { Cell::new("") };
}

/// Has this thread panic at the place of that name, from now on.
pub fn panic_at(place: &'static str) {
    PANIC_AT.set(place);
}

fn at(place: &str) {
    if PANIC_AT.get() == place {
        panic!("boom at {place}");
    }
}

fn passes(place: &str) -> Result<(), Error> {
    at(place);
    Ok(())
}

/// What the drop of an odd payload would do.
struct Odd;

impl Drop for Odd {
    fn drop(&mut self) {
        panic!("a payload's own panic");
    }
}

/// Bytes that notice when they are dropped.
pub struct Noted(pub Vec<u8>, Arc<AtomicUsize>);

impl Drop for Noted {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::Relaxed);
        at("value drop");
    }
}

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

pub struct Full {
    map: Mutex<Map>,
    pub dropped: Arc<AtomicUsize>,
}

struct Shown;

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        at("display");
        f.write_str("shown")
    }
}

impl Storage for Full {
    const NAME: &'static CStr = c"full";
    const VERSION: &'static CStr = c"1.2";
    const DESCRIPTION: &'static CStr = c"has it all";
    const CAPS: Caps =
        Caps::ORDERED.and(Caps::REENTRANT_SCAN).and(Caps::DURABLE_SYNC).and(Caps::BACKUP_BLOCKS);
    const PARAMS: &'static [Param] =
        &[Param::int(c"level", c"how much").or(c"3"), Param::string(c"mode", c"which")];
    const OPTIONAL: Optional<Self> = Optional {
        get_header: Some(Self::get_header),
        updatev: Some(Self::updatev),
        rnum: Some(Self::rnum),
        backup: Some(Self::backup),
        sync: Some(|_| passes("sync")),
        stats: Some(Self::stats),
        verify: Some(Self::verify),
        compact: Some(|_| passes("compact")),
        seek: Some(Self::seek),
        getv: Some(Self::getv),
        batch: Some(Self::batch),
        repair: Some(Self::repair),
    };

    fn open(location: &Location) -> Result<Self, Error> {
        at("open");
        location.int("level")?;
        Ok(Self { map: Mutex::default(), dropped: Arc::default() })
    }

    fn close(&self) -> Result<(), Error> {
        at("close");
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error> {
        at("get");
        if PANIC_AT.get() == "odd payload" {
            panic_any(Odd);
        }
        let found = self.map.lock()?.get(key).cloned();
        let noted = |val| Noted(val, self.dropped.clone());
        Ok(found.map(|val| match key.first() {
            Some(b'p') => Value::pin(noted(val), |noted| &noted.0),
            Some(b's') => Value::shared(Arc::new(noted(val)), |noted| &noted.0),
            Some(b'v') => Value::from(val),
            Some(b'b') => Value::from(&b"borrowed"[..]),
            _ => Value::copy(&val),
        }))
    }

    fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error> {
        at("set");
        self.map.lock()?.insert(key.to_vec(), val.to_vec());
        Ok(())
    }

    fn del(&self, key: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        at("del");
        let mut map = self.map.lock()?;
        let agreed = map.get(key).is_some_and(|old| proc(old));
        Ok(agreed && map.remove(key).is_some())
    }

    fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        at("update");
        let mut map = self.map.lock()?;
        let agreed = map.get(key).is_none_or(|old| proc(old));
        if agreed {
            map.insert(key.to_vec(), val.to_vec());
        }
        Ok(agreed)
    }

    fn for_each(&self, visit: Visit<'_>) -> Result<(), Error> {
        at("for_each");
        self.seek(b"", visit)
    }
}

impl Full {
    fn get_header(&self, key: &[u8], head: &mut [u8]) -> Result<Option<usize>, Error> {
        at("get_header");
        Ok(self.map.lock()?.get(key).map(|val| {
            let len = val.len().min(head.len());
            head[..len].copy_from_slice(&val[..len]);
            len
        }))
    }

    fn updatev(&self, records: &[(&[u8], &[u8])], stored: &mut usize) -> Result<(), Error> {
        for (key, val) in records {
            if *key == b"bad" {
                at("updatev");
                return Err(Error::invalid("a bad key"));
            }
            self.set(key, val)?;
            *stored += 1;
        }
        Ok(())
    }

    fn rnum(&self) -> Result<u64, Error> {
        at("rnum");
        Ok(self.map.lock()?.len() as u64)
    }

    fn backup(&self, dst: &Path) -> Result<(), Error> {
        at("backup");
        fs::write(dst, "a copy")?;
        Ok(())
    }

    fn stats(&self, add: &mut dyn FnMut(&str, &dyn Display)) -> Result<(), Error> {
        at("stats");
        add("records", &self.map.lock()?.len());
        add("text", &Shown);
        add("cut", &"be\0hind");
        Ok(())
    }

    fn verify(&self, report: &mut dyn FnMut(&str)) -> Result<(), Error> {
        at("verify");
        for (key, val) in self.map.lock()?.iter() {
            if val == b"damaged" {
                report(&format!("{} is damaged", String::from_utf8_lossy(key)));
            }
        }
        Ok(())
    }

    fn seek(&self, from: &[u8], visit: Visit<'_>) -> Result<(), Error> {
        at("seek");
        let map = self.map.lock()?.clone();
        for (key, val) in map.range(from.to_vec()..) {
            // Goes on after a Break: the table does not.
            let _ = visit(key, val);
            at("a record");
        }
        Ok(())
    }

    fn getv(&self, keys: &[&[u8]]) -> Result<Vec<Option<Value<'_>>>, Error> {
        at("getv");
        if keys.contains(&&b"short"[..]) {
            return Ok(Vec::new());
        }
        keys.iter().map(|key| self.get(key)).collect()
    }

    fn repair(from: &Path, to: &Path, report: &mut dyn FnMut(&str)) -> Result<u64, Error> {
        at("repair");
        report(&format!("the end of {} is lost", from.display()));
        fs::write(to, "what is whole").map_err(|error| Error::io(to.display(), &error))?;
        Ok(7)
    }

    fn batch(&self, changes: &[Change<'_>]) -> Result<(), Error> {
        at("batch");
        let mut map = self.map.lock()?;
        for change in changes {
            match *change {
                Change::Put(key, val) => drop(map.insert(key.to_vec(), val.to_vec())),
                Change::Delete(key) => drop(map.remove(key)),
            }
        }
        Ok(())
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        at("engine drop");
    }
}

/// The least that an engine can be, and one whose scan holds its lock.
#[derive(Default)]
pub struct Least(Mutex<Map>);

impl Storage for Least {
    const NAME: &'static CStr = c"least";
    const VERSION: &'static CStr = c"0";
    const DESCRIPTION: &'static CStr = c"";

    fn open(_: &Location) -> Result<Self, Error> {
        Ok(Self::default())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error> {
        Ok(self.0.lock()?.get(key).map(|val| Value::copy(val)))
    }

    fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error> {
        self.0.lock()?.insert(key.to_vec(), val.to_vec());
        Ok(())
    }

    fn del(&self, key: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        let mut map = self.0.lock()?;
        let agreed = map.get(key).is_some_and(|old| proc(old));
        Ok(agreed && map.remove(key).is_some())
    }

    fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        let mut map = self.0.lock()?;
        let agreed = map.get(key).is_none_or(|old| proc(old));
        if agreed {
            map.insert(key.to_vec(), val.to_vec());
        }
        Ok(agreed)
    }

    fn for_each(&self, visit: Visit<'_>) -> Result<(), Error> {
        for (key, val) in self.0.lock()?.iter() {
            if visit(key, val).is_break() {
                break;
            }
        }
        Ok(())
    }
}

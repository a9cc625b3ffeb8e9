//! The operations on one record.

use super::{Engine, have, host, silent};
use crate::{error::Error, storage::CasProc, zone::Zone};
use libc::{c_char, c_void};
use std::{fmt, marker::PhantomData, ops::Deref, rc::Rc, slice};

/// A value that `get` found, where the engine keeps it.
pub struct Held<'a> {
    zone: Rc<Zone>,
    bytes: *const [u8],
    engine: PhantomData<&'a Engine>,
}

impl Held<'_> {
    /// Gives the value back, as the last of those that were found with it. An
    /// error: something panicked then.
    pub fn release(self) -> Result<(), Error> {
        host::call(|| drop(self.zone))
    }

    /// # Safety
    /// The engine has put `len` bytes at `bytes` into the zone's keeping.
    pub(super) unsafe fn new(zone: Rc<Zone>, bytes: *const c_char, len: u32) -> Self {
        // SAFETY: the caller's promise.
        let bytes = unsafe { slice::from_raw_parts(bytes.cast::<u8>(), len as usize) };
        Self { zone, bytes, engine: PhantomData }
    }
}

impl Deref for Held<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the zone has not been cleared.
        unsafe { &*self.bytes }
    }
}

impl fmt::Debug for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// Bytes as C takes them. A test's are short.
pub(super) fn c_bytes(bytes: &[u8]) -> (*const c_char, u32) {
    (bytes.as_ptr().cast(), bytes.len() as u32)
}

pub(super) unsafe extern "C" fn compare(
    casdata: *mut c_void,
    oldval: *const c_char,
    oldvallen: usize,
) -> bool {
    // SAFETY: a CasProc, handed to the engine beside this; and the contract.
    unsafe {
        let proc = &mut *casdata.cast::<CasProc<'_>>();
        proc(slice::from_raw_parts(oldval.cast(), oldvallen))
    }
}

impl Engine {
    /// `get`. Absent is None.
    pub fn get(&self, key: &[u8]) -> Result<Option<Held<'_>>, Error> {
        let get = have(self.op.get, "get")?;
        let ((key, keylen), mut len) = (c_bytes(key), 0);
        let zone = Zone::new();
        // SAFETY: `data` is open; the zone is this call's.
        let found = host::call(|| unsafe { get(self.data, key, keylen, &mut len, zone.as_ptr()) })?;
        // SAFETY: what was found is in the zone's keeping.
        Ok((!found.is_null()).then(|| unsafe { Held::new(zone.into(), found, len) }))
    }

    /// `get_header`, with so much room.
    pub fn get_header(&self, key: &[u8], room: u32) -> Result<Option<Vec<u8>>, Error> {
        let get_header = have(self.op.get_header, "get_header")?;
        let (key, keylen) = c_bytes(key);
        let mut head = vec![0_u8; room as usize];
        let into = head.as_mut_ptr().cast();
        // SAFETY: `data` is open; `head` has `room` bytes.
        let copied = host::call(|| unsafe { get_header(self.data, key, keylen, into, room) })?;
        Ok(usize::try_from(copied).ok().map(|copied| {
            head.truncate(copied);
            head
        }))
    }

    /// `set`.
    pub fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error> {
        let set = have(self.op.set, "set")?;
        let ((key, keylen), (val, vallen)) = (c_bytes(key), c_bytes(val));
        // SAFETY: `data` is open.
        self.succeeds("set", || unsafe { set(self.data, key, keylen, val, vallen) })?;
        Ok(())
    }

    /// `del`. False: not there, or refused.
    pub fn del(&self, key: &[u8], mut proc: CasProc<'_>) -> Result<bool, Error> {
        let del = have(self.op.del, "del")?;
        let (key, keylen) = c_bytes(key);
        let casdata = (&raw mut proc).cast();
        // SAFETY: `data` is open; the proc outlives the call.
        host::call(|| unsafe { del(self.data, key, keylen, Some(compare), casdata) })
    }

    /// `update`. False: refused.
    pub fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        let update = have(self.op.update, "update")?;
        let ((key, keylen), (val, vallen)) = (c_bytes(key), c_bytes(val));
        let mut refused = false;
        let mut asked = |old: &[u8]| {
            refused = !proc(old);
            !refused
        };
        let mut proc: CasProc<'_> = &mut asked;
        let casdata = (&raw mut proc).cast();
        // SAFETY: `data` is open; the proc outlives the call.
        let stored = host::call(|| unsafe {
            update(self.data, key, keylen, val, vallen, Some(compare), casdata)
        })?;
        if stored || refused { Ok(stored) } else { Err(silent("update")) }
    }
}

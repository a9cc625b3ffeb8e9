//! Scans, and the record that a scan shows.

use super::{
    Engine,
    calls::{c_bytes, compare},
    have, host,
};
use crate::{abi::kumo_storage_op, error::Error, storage::CasProc, zone::Zone};
use libc::{c_char, c_int, c_void};
use std::slice;

/// A record during a scan, read through the table.
pub struct Record<'a> {
    op: &'a kumo_storage_op,
    shown: *mut c_void,
}

/// A scan's visitor, and what it is shown records through.
struct Scan<'a> {
    op: &'a kumo_storage_op,
    visit: &'a mut dyn FnMut(Record<'_>) -> Result<c_int, Error>,
    failed: Result<(), Error>,
}

unsafe extern "C-unwind" fn show(user: *mut c_void, shown: *mut c_void) -> c_int {
    // SAFETY: `run` made it, and its call has not returned.
    let scan = unsafe { &mut *user.cast::<Scan<'_>>() };
    (scan.visit)(Record { op: scan.op, shown }).unwrap_or_else(|error| {
        scan.failed = Err(error);
        -1
    })
}

impl Engine {
    /// `for_each`: what it returned. A visitor's error stops the scan.
    pub fn for_each(
        &self,
        visit: &mut dyn FnMut(Record<'_>) -> Result<c_int, Error>,
    ) -> Result<c_int, Error> {
        let for_each = have(self.op.for_each, "for_each")?;
        // SAFETY: `data` is open; the user's data outlives the call.
        self.scan(visit, |user| unsafe { for_each(self.data, user, Some(show)) })
    }

    /// `seek`: what it returned.
    pub fn seek(
        &self,
        from: &[u8],
        visit: &mut dyn FnMut(Record<'_>) -> Result<c_int, Error>,
    ) -> Result<c_int, Error> {
        let seek = have(self.plugin.seek, "seek")?;
        let (from, len) = c_bytes(from);
        // SAFETY: `data` is open; the user's data outlives the call.
        self.scan(visit, |user| unsafe { seek(self.data, from, len as usize, user, Some(show)) })
    }

    fn scan(
        &self,
        visit: &mut dyn FnMut(Record<'_>) -> Result<c_int, Error>,
        run: impl FnOnce(*mut c_void) -> c_int,
    ) -> Result<c_int, Error> {
        let mut scan = Scan { op: &self.op, visit, failed: Ok(()) };
        let user = (&raw mut scan).cast();
        let answer = host::call(|| run(user));
        scan.failed?;
        answer
    }
}

impl Record<'_> {
    fn read(
        &self,
        text: Option<unsafe extern "C-unwind" fn(*mut c_void) -> *const c_char>,
        len: Option<unsafe extern "C-unwind" fn(*mut c_void) -> usize>,
    ) -> Result<Vec<u8>, Error> {
        let (text, len) = (have(text, "an iterator read")?, have(len, "an iterator read")?);
        // SAFETY: the callback has not returned.
        let (text, len) = host::call(|| unsafe { (text(self.shown), len(self.shown)) })?;
        // SAFETY: the contract: readable during the callback.
        Ok(unsafe { slice::from_raw_parts(text.cast::<u8>(), len) }.to_vec())
    }

    /// The key.
    pub fn key(&self) -> Result<Vec<u8>, Error> {
        self.read(self.op.iterator_key, self.op.iterator_keylen)
    }

    /// The value.
    pub fn value(&self) -> Result<Vec<u8>, Error> {
        self.read(self.op.iterator_val, self.op.iterator_vallen)
    }

    /// The key, moved into the zone.
    pub fn release_key<'z>(&self, zone: &'z Zone) -> Result<&'z [u8], Error> {
        let len = self.key()?.len();
        let release = have(self.op.iterator_release_key, "iterator_release_key")?;
        // SAFETY: the callback has not returned; the zone is this call's.
        let text = host::call(|| unsafe { release(self.shown, zone.as_ptr()) })?;
        // SAFETY: the zone has it now, and clearing it needs it exclusively.
        Ok(unsafe { slice::from_raw_parts(text.cast(), len) })
    }

    /// The value, moved into the zone.
    pub fn release_value<'z>(&self, zone: &'z Zone) -> Result<&'z [u8], Error> {
        let len = self.value()?.len();
        let release = have(self.op.iterator_release_val, "iterator_release_val")?;
        // SAFETY: the callback has not returned; the zone is this call's.
        let text = host::call(|| unsafe { release(self.shown, zone.as_ptr()) })?;
        // SAFETY: the zone has it now, and clearing it needs it exclusively.
        Ok(unsafe { slice::from_raw_parts(text.cast(), len) })
    }

    /// `iterator_del`. False: refused, or gone.
    pub fn del(&self, mut proc: CasProc<'_>) -> Result<bool, Error> {
        let del = have(self.op.iterator_del, "iterator_del")?;
        let casdata = (&raw mut proc).cast();
        // SAFETY: the callback has not returned; the proc outlives the call.
        host::call(|| unsafe { del(self.shown, Some(compare), casdata) })
    }

    /// `iterator_del_force`. False: gone.
    pub fn del_force(&self) -> Result<bool, Error> {
        let del = have(self.op.iterator_del_force, "iterator_del_force")?;
        // SAFETY: the callback has not returned.
        host::call(|| unsafe { del(self.shown) })
    }
}

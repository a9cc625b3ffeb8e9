//! Scans, and the record that a scan shows.

use super::{
    Answer,
    calls::Cas,
    instance::Database,
    pins::{Value, Zone},
    slots::slot,
};
use crate::host::guard::guarded;
use kumo_plugin::{abi::kumo_storage_visit, zone::msgpack_zone};
use libc::{c_char, c_int, c_void};

/// The record that a scan shows, during the callback.
pub struct Current<'a> {
    database: &'a Database,
    iterator: *mut c_void,
}

/// A scan under way.
struct Scan<'a> {
    database: &'a Database,
    visit: &'a mut dyn FnMut(&Current<'_>) -> c_int,
}

unsafe extern "C-unwind" fn show(user: *mut c_void, iterator: *mut c_void) -> c_int {
    // SAFETY: the scan made it, and the table's call has not returned.
    let scan = unsafe { &mut *user.cast::<Scan<'_>>() };
    let current = Current { database: scan.database, iterator };
    let name = scan.database.plugin().0.plugin.name();
    guarded(name, "a scan's callback", || (scan.visit)(&current))
}

impl Database {
    /// Calls `for_each`.
    pub fn for_each(&self, visit: &mut dyn FnMut(&Current<'_>) -> c_int) -> Answer<c_int> {
        let (for_each, data) = (slot!(self.slots().op.for_each), self.data());
        // SAFETY: `data` is open; the scan outlives the call.
        self.scan("for_each", visit, |user, show| unsafe { for_each(data, user, show) })
    }

    /// Calls `seek`.
    pub fn seek(&self, key: &[u8], visit: &mut dyn FnMut(&Current<'_>) -> c_int) -> Answer<c_int> {
        let (seek, data) = (slot!(self.slots().tail.seek), self.data());
        let (key, keylen) = (key.as_ptr().cast(), key.len());
        // SAFETY: `data` is open; the scan outlives the call.
        self.scan("seek", visit, |user, show| unsafe { seek(data, key, keylen, user, show) })
    }

    fn scan(
        &self,
        operation: &'static str,
        visit: &mut dyn FnMut(&Current<'_>) -> c_int,
        scan: impl FnOnce(*mut c_void, kumo_storage_visit) -> c_int,
    ) -> Answer<c_int> {
        let mut state = Scan { database: self, visit };
        let user = (&raw mut state).cast();
        self.plugin().call(operation, || scan(user, Some(show)))
    }
}

impl Current<'_> {
    /// `iterator_keylen`.
    pub fn keylen(&self) -> usize {
        // SAFETY: the contract: valid during the callback, in which this is.
        unsafe { slot!(self.database.slots().op.iterator_keylen)(self.iterator) }
    }

    /// `iterator_vallen`.
    pub fn vallen(&self) -> usize {
        // SAFETY: as for `keylen`.
        unsafe { slot!(self.database.slots().op.iterator_vallen)(self.iterator) }
    }

    /// `iterator_key` and `iterator_keylen`. None: NULL.
    pub fn key(&self) -> Option<Vec<u8>> {
        // SAFETY: as for `keylen`.
        let start = unsafe { slot!(self.database.slots().op.iterator_key)(self.iterator) };
        Value::new(start, self.keylen()).map(|value| value.bytes())
    }

    /// `iterator_val` and `iterator_vallen`. None: NULL.
    pub fn val(&self) -> Option<Vec<u8>> {
        // SAFETY: as for `keylen`.
        let start = unsafe { slot!(self.database.slots().op.iterator_val)(self.iterator) };
        Value::new(start, self.vallen()).map(|value| value.bytes())
    }

    /// `iterator_release_key`. None: NULL.
    pub fn release_key<'z>(&self, zone: &'z Zone<'_>) -> Option<Value<'z>> {
        let release = slot!(self.database.slots().op.iterator_release_key);
        self.release(self.keylen(), zone, release)
    }

    /// `iterator_release_val`. None: NULL.
    pub fn release_val<'z>(&self, zone: &'z Zone<'_>) -> Option<Value<'z>> {
        let release = slot!(self.database.slots().op.iterator_release_val);
        self.release(self.vallen(), zone, release)
    }

    /// The length is read before, as the original's hosts did.
    fn release<'z>(
        &self,
        len: usize,
        zone: &'z Zone<'_>,
        release: unsafe extern "C-unwind" fn(*mut c_void, *mut msgpack_zone) -> *const c_char,
    ) -> Option<Value<'z>> {
        // SAFETY: as for `keylen`; the zone is this call's.
        Value::new(unsafe { release(self.iterator, zone.as_ptr()) }, len)
    }

    /// `iterator_del`.
    pub fn del(&self, cas: &mut Cas<'_>) -> bool {
        let (proc, casdata) = cas.parts();
        let del = slot!(self.database.slots().op.iterator_del);
        // SAFETY: as for `keylen`; the comparison outlives the call.
        unsafe { del(self.iterator, proc, casdata) }
    }

    /// `iterator_del_force`.
    pub fn del_force(&self) -> bool {
        // SAFETY: as for `keylen`.
        unsafe { slot!(self.database.slots().op.iterator_del_force)(self.iterator) }
    }
}

//! The operations on one key.

use super::{Answer, instance::Database, pins::Value, pins::Zone, slots::slot};
use kumo_plugin::abi::kumo_storage_casproc;
use libc::{c_char, c_int, c_void};
use std::slice;

/// What a comparison asks.
type Ask<'a> = Box<dyn FnMut(&[u8]) -> bool + 'a>;

/// A comparison that counts its calls and remembers what it was shown.
pub struct Cas<'a> {
    ask: Ask<'a>,
    /// What it was shown, call by call.
    pub shown: Vec<Vec<u8>>,
}

impl<'a> Cas<'a> {
    /// One that asks.
    pub fn new(ask: impl FnMut(&[u8]) -> bool + 'a) -> Self {
        Self { ask: Box::new(ask), shown: Vec::new() }
    }

    /// One that always agrees.
    pub fn agree() -> Self {
        Self::new(|_| true)
    }

    /// One that always refuses.
    pub fn refuse() -> Self {
        Self::new(|_| false)
    }

    /// The function and its argument, for the table.
    pub(super) fn parts(&mut self) -> (kumo_storage_casproc, *mut c_void) {
        (Some(compare), (&raw mut *self).cast())
    }
}

// Not C-unwind: a panic in a comparison ends the process rather than unwind
// through a plugin.
unsafe extern "C" fn compare(
    casdata: *mut c_void,
    oldval: *const c_char,
    oldvallen: usize,
) -> bool {
    // SAFETY: `parts` made it, and the table's call has not returned. Only
    // the tests' own comparisons look at what else is shared.
    let cas = unsafe { &mut *casdata.cast::<Cas<'_>>() };
    let old = if oldvallen == 0 || oldval.is_null() {
        &[]
    } else {
        // SAFETY: the contract: the value is readable during the call.
        unsafe { slice::from_raw_parts(oldval.cast(), oldvallen) }
    };
    cas.shown.push(old.to_vec());
    (cas.ask)(old)
}

/// A slice as C takes it. The kit's are never longer than the table can say.
fn c_bytes(bytes: &[u8]) -> (*const c_char, u32) {
    (bytes.as_ptr().cast(), u32::try_from(bytes.len()).unwrap_or(u32::MAX))
}

impl Database {
    /// Calls `get`. None: NULL.
    pub fn get<'z>(&self, key: &[u8], zone: &'z Zone<'_>) -> Answer<Option<Value<'z>>> {
        let (get, data, zone) = (slot!(self.slots().op.get), self.data(), zone.as_ptr());
        let (key, keylen) = c_bytes(key);
        // Not 0, so that a length that was not set is seen.
        let mut len = u32::MAX;
        self.plugin().call("get", || {
            // SAFETY: `data` is open; the zone is this call's.
            let value = unsafe { get(data, key, keylen, &mut len, zone) };
            Value::new(value, len as usize)
        })
    }

    /// Calls `get_header`.
    pub fn get_header(&self, key: &[u8], head: &mut [u8]) -> Answer<i32> {
        let (get_header, data) = (slot!(self.slots().op.get_header), self.data());
        let ((key, keylen), room) = (c_bytes(key), head.len() as u32);
        let head = head.as_mut_ptr().cast();
        // SAFETY: `data` is open; `head` has `room` bytes.
        self.plugin().call("get_header", || unsafe { get_header(data, key, keylen, head, room) })
    }

    /// Calls `set`.
    pub fn set(&self, key: &[u8], value: &[u8]) -> Answer<bool> {
        let (set, data) = (slot!(self.slots().op.set), self.data());
        let ((key, keylen), (val, vallen)) = (c_bytes(key), c_bytes(value));
        // SAFETY: `data` is open.
        self.plugin().call("set", || unsafe { set(data, key, keylen, val, vallen) })
    }

    /// Calls `del`.
    pub fn del(&self, key: &[u8], cas: &mut Cas<'_>) -> Answer<bool> {
        let (del, data) = (slot!(self.slots().op.del), self.data());
        let ((key, keylen), (proc, casdata)) = (c_bytes(key), cas.parts());
        // SAFETY: `data` is open; the comparison outlives the call.
        self.plugin().call("del", || unsafe { del(data, key, keylen, proc, casdata) })
    }

    /// Calls `update`.
    pub fn update(&self, key: &[u8], value: &[u8], cas: &mut Cas<'_>) -> Answer<bool> {
        let (update, data) = (slot!(self.slots().op.update), self.data());
        let ((key, keylen), (val, vallen)) = (c_bytes(key), c_bytes(value));
        let (proc, casdata) = cas.parts();
        self.plugin().call("update", || {
            // SAFETY: `data` is open; the comparison outlives the call.
            unsafe { update(data, key, keylen, val, vallen, proc, casdata) }
        })
    }

    /// Calls `updatev` with at most 65535 records.
    pub fn updatev(&self, records: &[(&[u8], &[u8])]) -> Answer<c_int> {
        let (updatev, data) = (slot!(self.slots().op.updatev), self.data());
        let start = |bytes: &[u8]| bytes.as_ptr().cast::<c_char>();
        let mut keys: Vec<_> = records.iter().map(|(key, _)| start(key)).collect();
        let keylens: Vec<_> = records.iter().map(|(key, _)| key.len()).collect();
        let mut vals: Vec<_> = records.iter().map(|(_, value)| start(value)).collect();
        let vallens: Vec<_> = records.iter().map(|(_, value)| value.len()).collect();
        let num = u16::try_from(records.len()).unwrap_or(u16::MAX);
        self.plugin().call("updatev", || {
            let (keys, vals) = (keys.as_mut_ptr(), vals.as_mut_ptr());
            // SAFETY: `data` is open; the arrays have as many elements.
            unsafe { updatev(data, keys, keylens.as_ptr(), vals, vallens.as_ptr(), num) }
        })
    }

    /// Calls `rnum`.
    pub fn rnum(&self) -> Answer<u64> {
        let (rnum, data) = (slot!(self.slots().op.rnum), self.data());
        // SAFETY: `data` is open.
        self.plugin().call("rnum", || unsafe { rnum(data) })
    }
}

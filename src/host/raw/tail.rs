//! Backup, and the optional operations behind the table.

use super::{
    Answer, RawPlugin,
    instance::Database,
    pins::{Value, Zone},
    slots::slot,
};
use crate::host::{
    operations::{Change, c_change},
    services::line,
};
use kumo_plugin::abi::kumo_change;
use libc::{c_char, c_void};
use std::{ffi::CString, os::unix::ffi::OsStrExt, path::Path};

impl RawPlugin {
    /// Calls `repair`: what it returned, and what it reported.
    pub fn repair(&self, from: &Path, to: &Path) -> Answer<(i64, Vec<String>)> {
        let repair = slot!(self.0.slots.tail.repair);
        let c_path = |path: &Path| CString::new(path.as_os_str().as_bytes()).unwrap_or_default();
        let (from, to) = (c_path(from), c_path(to));
        let mut lost: Vec<String> = Vec::new();
        let user = (&raw mut lost).cast();
        // SAFETY: C strings; the list outlives the call.
        let call = || unsafe { repair(from.as_ptr(), to.as_ptr(), Some(fault), user) };
        let answer = self.call("repair", call);
        Answer { said: (answer.said, lost), error: answer.error }
    }
}

impl Database {
    /// Calls `backup`.
    pub fn backup(&self, dst: &Path) -> Answer<bool> {
        let (backup, data) = (slot!(self.slots().op.backup), self.data());
        let dst = CString::new(dst.as_os_str().as_bytes()).unwrap_or_default();
        // SAFETY: `data` is open; the path is a C string.
        self.plugin().call("backup", || unsafe { backup(data, dst.as_ptr()) })
    }

    /// Calls `sync`.
    pub fn sync(&self) -> Answer<bool> {
        let (sync, data) = (slot!(self.slots().tail.sync), self.data());
        // SAFETY: `data` is open.
        self.plugin().call("sync", || unsafe { sync(data) })
    }

    /// Calls `compact`.
    pub fn compact(&self) -> Answer<bool> {
        let (compact, data) = (slot!(self.slots().tail.compact), self.data());
        // SAFETY: `data` is open.
        self.plugin().call("compact", || unsafe { compact(data) })
    }

    /// Calls `stats`: what it returned, and the names and values.
    pub fn stats(&self) -> Answer<(bool, Vec<(String, String)>)> {
        let (stats, data) = (slot!(self.slots().tail.stats), self.data());
        let mut all: Vec<(String, String)> = Vec::new();
        let user = (&raw mut all).cast();
        // SAFETY: `data` is open; the list outlives the call.
        let answer = self.plugin().call("stats", || unsafe { stats(data, Some(add), user) });
        Answer { said: (answer.said, all), error: answer.error }
    }

    /// Calls `verify`: what it returned, and the faults.
    pub fn verify(&self) -> Answer<(i64, Vec<String>)> {
        let (verify, data) = (slot!(self.slots().tail.verify), self.data());
        let mut faults: Vec<String> = Vec::new();
        let user = (&raw mut faults).cast();
        // SAFETY: `data` is open; the list outlives the call.
        let answer = self.plugin().call("verify", || unsafe { verify(data, Some(fault), user) });
        Answer { said: (answer.said, faults), error: answer.error }
    }

    /// Calls `getv`: what it returned, and a value or None for each key.
    pub fn getv<'z>(
        &self,
        keys: &[&[u8]],
        zone: &'z Zone<'_>,
    ) -> Answer<(bool, Vec<Option<Value<'z>>>)> {
        let (getv, data, zone) = (slot!(self.slots().tail.getv), self.data(), zone.as_ptr());
        let starts: Vec<_> = keys.iter().map(|key| key.as_ptr().cast::<c_char>()).collect();
        let lens: Vec<_> = keys.iter().map(|key| key.len() as u32).collect();
        // Neither NULL nor 0, so that what was not set is seen; it is readable.
        let unset = c"not set by getv".as_ptr();
        let (mut vals, mut vallens) = (vec![unset; keys.len()], vec![1_u32; keys.len()]);
        let answer = self.plugin().call("getv", || {
            let (vals, vallens) = (vals.as_mut_ptr(), vallens.as_mut_ptr());
            let num = keys.len() as u32;
            // SAFETY: `data` is open; the arrays have `num` elements.
            unsafe { getv(data, starts.as_ptr(), lens.as_ptr(), num, vals, vallens, zone) }
        });
        let values = vals.into_iter().zip(vallens);
        let values = values.map(|(start, len)| Value::new(start, len as usize)).collect();
        Answer { said: (answer.said, values), error: answer.error }
    }

    /// Calls `batch`.
    pub fn batch(&self, changes: &[Change<'_>]) -> Answer<bool> {
        let (batch, data) = (slot!(self.slots().tail.batch), self.data());
        let changes: Vec<kumo_change> = changes.iter().map(c_change).collect();
        // SAFETY: `data` is open; so many changes are there.
        self.plugin().call("batch", || unsafe { batch(data, changes.as_ptr(), changes.len()) })
    }
}

// Not C-unwind, these two: a panic of ours ends the process rather than unwind
// through a plugin.
unsafe extern "C" fn add(user: *mut c_void, name: *const c_char, value: *const c_char) {
    // SAFETY: `stats` made it, and the table's call has not returned; NULL or C
    // strings.
    unsafe { (*user.cast::<Vec<(String, String)>>()).push((line(name), line(value))) };
}

unsafe extern "C" fn fault(user: *mut c_void, text: *const c_char) {
    // SAFETY: `verify` made it, and the table's call has not returned; NULL or a
    // C string.
    unsafe { (*user.cast::<Vec<String>>()).push(line(text)) };
}

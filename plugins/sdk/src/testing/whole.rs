//! The operations on the database as a whole, and on many keys at once.

use super::{Engine, calls::Held, calls::c_bytes, have, host};
use crate::{abi::kumo_change, error::Error, optional::Change, zone::Zone};
use libc::{c_char, c_void};
use std::{
    ffi::{CStr, CString},
    os::unix::ffi::OsStrExt,
    path::Path,
    ptr,
    rc::Rc,
};

/// The texts that a table calls a function with, to be kept.
type Lines = Vec<(String, String)>;

unsafe extern "C" fn add(user: *mut c_void, name: *const c_char, value: *const c_char) {
    // SAFETY: what was handed to the table beside this; C strings.
    unsafe {
        let text = |from| CStr::from_ptr(from).to_string_lossy().into_owned();
        (*user.cast::<Lines>()).push((text(name), text(value)));
    }
}

unsafe extern "C" fn report(user: *mut c_void, text: *const c_char) {
    // SAFETY: as for `add`.
    unsafe { add(user, text, c"".as_ptr()) };
}

impl Engine {
    /// `rnum`.
    pub fn rnum(&self) -> Result<u64, Error> {
        let rnum = have(self.op.rnum, "rnum")?;
        // SAFETY: `data` is open.
        host::call(|| unsafe { rnum(self.data) })
    }

    /// `backup`.
    pub fn backup(&self, dst: &Path) -> Result<(), Error> {
        let backup = have(self.op.backup, "backup")?;
        let dst = CString::new(dst.as_os_str().as_bytes()).map_err(Error::other)?;
        // SAFETY: `data` is open; a C string.
        self.succeeds("backup", || unsafe { backup(self.data, dst.as_ptr()) }).map(drop)
    }

    /// `sync`.
    pub fn sync(&self) -> Result<(), Error> {
        let sync = have(self.plugin.sync, "sync")?;
        // SAFETY: `data` is open.
        self.succeeds("sync", || unsafe { sync(self.data) }).map(drop)
    }

    /// `compact`.
    pub fn compact(&self) -> Result<(), Error> {
        let compact = have(self.plugin.compact, "compact")?;
        // SAFETY: `data` is open.
        self.succeeds("compact", || unsafe { compact(self.data) }).map(drop)
    }

    /// `stats`: names and values.
    pub fn stats(&self) -> Result<Vec<(String, String)>, Error> {
        let stats = have(self.plugin.stats, "stats")?;
        let mut lines = Lines::new();
        let user = (&raw mut lines).cast();
        // SAFETY: `data` is open; the lines outlive the call.
        self.succeeds("stats", || unsafe { stats(self.data, Some(add), user) })?;
        Ok(lines)
    }

    /// `verify`: the faults that it reported.
    pub fn verify(&self) -> Result<Vec<String>, Error> {
        let verify = have(self.plugin.verify, "verify")?;
        let mut lines = Lines::new();
        let user = (&raw mut lines).cast();
        // SAFETY: `data` is open; the lines outlive the call.
        let faults = host::call(|| unsafe { verify(self.data, Some(report), user) })?;
        assert_eq!(usize::try_from(faults).ok(), Some(lines.len()), "the number of faults");
        Ok(lines.into_iter().map(|(text, _)| text).collect())
    }

    /// `repair`: the records of the new database, and the losses that it reported.
    pub fn repair(&self, from: &Path, to: &Path) -> Result<(u64, Vec<String>), Error> {
        let repair = have(self.plugin.repair, "repair")?;
        let c_path = |path: &Path| CString::new(path.as_os_str().as_bytes()).map_err(Error::other);
        let (from, to) = (c_path(from)?, c_path(to)?);
        let mut lines = Lines::new();
        let user = (&raw mut lines).cast();
        // SAFETY: C strings; the lines outlive the call.
        let records =
            host::call(|| unsafe { repair(from.as_ptr(), to.as_ptr(), Some(report), user) })?;
        let records = u64::try_from(records).map_err(Error::other)?;
        Ok((records, lines.into_iter().map(|(text, _)| text).collect()))
    }

    /// `getv`.
    pub fn getv(&self, keys: &[&[u8]]) -> Result<Vec<Option<Held<'_>>>, Error> {
        let getv = have(self.plugin.getv, "getv")?;
        let (texts, lens): (Vec<_>, Vec<_>) = keys.iter().map(|key| c_bytes(key)).unzip();
        let mut vals = vec![ptr::null(); keys.len()];
        let mut vallens = vec![0; keys.len()];
        let zone = Zone::new();
        let (to, tolens) = (vals.as_mut_ptr(), vallens.as_mut_ptr());
        let num = keys.len() as u32;
        // SAFETY: `data` is open; arrays of `num`; the zone is this call's.
        self.succeeds("getv", || unsafe {
            getv(self.data, texts.as_ptr(), lens.as_ptr(), num, to, tolens, zone.as_ptr())
        })?;
        let zone = Rc::new(zone);
        let held = |(val, len): (*const c_char, u32)| {
            // SAFETY: what was found is in the zone's keeping.
            (!val.is_null()).then(|| unsafe { Held::new(zone.clone(), val, len) })
        };
        Ok(vals.into_iter().zip(vallens).map(held).collect())
    }

    /// `updatev`: how many were stored, and why not all.
    pub fn updatev(&self, records: &[(&[u8], &[u8])]) -> (usize, Result<(), Error>) {
        let Some(updatev) = self.op.updatev else {
            return (0, have::<()>(None, "updatev"));
        };
        let mut keys: Vec<_> = records.iter().map(|(key, _)| key.as_ptr().cast()).collect();
        let mut vals: Vec<_> = records.iter().map(|(_, val)| val.as_ptr().cast()).collect();
        let keylens: Vec<_> = records.iter().map(|(key, _)| key.len()).collect();
        let vallens: Vec<_> = records.iter().map(|(_, val)| val.len()).collect();
        let (keys, vals) = (keys.as_mut_ptr(), vals.as_mut_ptr());
        let num = records.len() as u16;
        let mut stored = 0;
        // SAFETY: `data` is open; arrays of `num`.
        let result = host::call(|| unsafe {
            stored = updatev(self.data, keys, keylens.as_ptr(), vals, vallens.as_ptr(), num);
        });
        (stored as usize, result)
    }

    /// `batch`.
    pub fn batch(&self, changes: &[Change<'_>]) -> Result<(), Error> {
        let batch = have(self.plugin.batch, "batch")?;
        let changes: Vec<_> = changes
            .iter()
            .map(|change| {
                let (key, val, vallen) = match *change {
                    Change::Put(key, val) => (key, val.as_ptr().cast(), val.len()),
                    Change::Delete(key) => (key, ptr::null(), 0),
                };
                kumo_change { key: key.as_ptr().cast(), keylen: key.len(), val, vallen }
            })
            .collect();
        let (num, changes) = (changes.len(), changes.as_ptr());
        // SAFETY: `data` is open; an array of `num`.
        self.succeeds("batch", || unsafe { batch(self.data, changes, num) }).map(drop)
    }
}

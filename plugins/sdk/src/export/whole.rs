//! The operations on the database as a whole, and on many keys at once.

use super::{
    Table, lacks,
    memory::{bytes, hand_over, items},
};
use crate::{
    abi::{kumo_change, kumo_stats_add, kumo_verify_report},
    error::Error,
    guard::entry,
    optional::Change,
    services::c_text,
    storage::Storage,
    zone::msgpack_zone,
};
use libc::{c_char, c_int, c_void};
use std::{
    ffi::{CStr, OsStr},
    ops::ControlFlow,
    os::unix::ffi::OsStrExt,
    path::Path,
    ptr,
};

impl<S: Storage> Table<S> {
    pub(super) unsafe extern "C-unwind" fn rnum(data: *mut c_void) -> u64 {
        entry("rnum", 0, || {
            // SAFETY: the contract.
            let storage = unsafe { Self::storage(data)? };
            if let Some(rnum) = S::OPTIONAL.rnum {
                return rnum(storage);
            }
            let mut records = 0;
            storage.for_each(&mut |_, _| {
                records += 1;
                ControlFlow::Continue(())
            })?;
            Ok(records)
        })
    }

    pub(super) unsafe extern "C-unwind" fn backup(
        data: *mut c_void,
        dstpath: *const c_char,
    ) -> bool {
        entry("backup", false, || {
            // SAFETY: the contract; dstpath is a C string.
            let (storage, dst) =
                unsafe { (Self::storage(data)?, CStr::from_ptr(dstpath).to_bytes()) };
            let backup = S::OPTIONAL.backup.ok_or_else(|| lacks("backup"))?;
            backup(storage, Path::new(OsStr::from_bytes(dst)))?;
            Ok(true)
        })
    }

    pub(super) unsafe extern "C-unwind" fn sync(data: *mut c_void) -> bool {
        entry("sync", false, || {
            let sync = S::OPTIONAL.sync.ok_or_else(|| lacks("sync"))?;
            // SAFETY: the contract.
            sync(unsafe { Self::storage(data)? })?;
            Ok(true)
        })
    }

    pub(super) unsafe extern "C-unwind" fn compact(data: *mut c_void) -> bool {
        entry("compact", false, || {
            let compact = S::OPTIONAL.compact.ok_or_else(|| lacks("compact"))?;
            // SAFETY: the contract.
            compact(unsafe { Self::storage(data)? })?;
            Ok(true)
        })
    }

    pub(super) unsafe extern "C-unwind" fn stats(
        data: *mut c_void,
        add: kumo_stats_add,
        user: *mut c_void,
    ) -> bool {
        entry("stats", false, || {
            let stats = S::OPTIONAL.stats.ok_or_else(|| lacks("stats"))?;
            let add = add.ok_or_else(|| Error::invalid("stats was given no function"))?;
            // SAFETY: the contract.
            stats(unsafe { Self::storage(data)? }, &mut |name, value| {
                let (name, value) = (c_text(name), c_text(&value.to_string()));
                // SAFETY: the host's function and its argument; C strings.
                unsafe { add(user, name.as_ptr(), value.as_ptr()) };
            })?;
            Ok(true)
        })
    }

    pub(super) unsafe extern "C-unwind" fn verify(
        data: *mut c_void,
        report: kumo_verify_report,
        user: *mut c_void,
    ) -> i64 {
        entry("verify", -1, || {
            let verify = S::OPTIONAL.verify.ok_or_else(|| lacks("verify"))?;
            let report = report.ok_or_else(|| Error::invalid("verify was given no function"))?;
            let mut faults = 0;
            // SAFETY: the contract.
            verify(unsafe { Self::storage(data)? }, &mut |text| {
                faults += 1;
                let text = c_text(text);
                // SAFETY: the host's function and its argument; a C string.
                unsafe { report(user, text.as_ptr()) };
            })?;
            Ok(faults)
        })
    }

    pub(super) unsafe extern "C-unwind" fn repair(
        from: *const c_char,
        to: *const c_char,
        report: kumo_verify_report,
        user: *mut c_void,
    ) -> i64 {
        entry("repair", -1, || {
            let repair = S::OPTIONAL.repair.ok_or_else(|| lacks("repair"))?;
            let report = report.ok_or_else(|| Error::invalid("repair was given no function"))?;
            // SAFETY: the contract: C strings.
            let [from, to] = unsafe {
                [from, to].map(|path| Path::new(OsStr::from_bytes(CStr::from_ptr(path).to_bytes())))
            };
            let records = repair(from, to, &mut |text| {
                let text = c_text(text);
                // SAFETY: the host's function and its argument; a C string.
                unsafe { report(user, text.as_ptr()) };
            })?;
            i64::try_from(records).map_err(Error::other)
        })
    }

    pub(super) unsafe extern "C-unwind" fn getv(
        data: *mut c_void,
        keys: *const *const c_char,
        keylens: *const u32,
        num: u32,
        vals: *mut *const c_char,
        vallens: *mut u32,
        zone: *mut msgpack_zone,
    ) -> bool {
        entry("getv", false, || {
            let getv = S::OPTIONAL.getv.ok_or_else(|| lacks("getv"))?;
            let num = num as usize;
            // SAFETY: the contract: arrays of `num`, and the key at each.
            let (storage, keys): (_, Vec<&[u8]>) = unsafe {
                let lens = items(keylens, num).iter();
                let keys = items(keys, num).iter().zip(lens);
                (Self::storage(data)?, keys.map(|(&key, &len)| bytes(key, len as usize)).collect())
            };
            let mut found = getv(storage, &keys)?;
            if found.len() != num {
                return Err(Error::other(format_args!(
                    "getv was asked for {num} keys and answered with {} values",
                    found.len()
                )));
            }
            for (at, value) in found.iter_mut().enumerate() {
                // SAFETY: the zone is this call's; the host's arrays of `num`.
                unsafe {
                    let (val, len) = match value {
                        Some(value) => hand_over(zone, value)?,
                        None => (ptr::null(), 0),
                    };
                    vals.add(at).write(val);
                    vallens.add(at).write(len);
                }
            }
            Ok(true)
        })
    }

    pub(super) unsafe extern "C-unwind" fn updatev(
        data: *mut c_void,
        keys: *mut *const c_char,
        keylens: *const usize,
        vals: *mut *const c_char,
        vallens: *const usize,
        num: u16,
    ) -> c_int {
        // Outside, so that it is known after a failure too.
        let mut stored = 0;
        let all = entry("updatev", false, || {
            let updatev = S::OPTIONAL.updatev.ok_or_else(|| lacks("updatev"))?;
            let num = usize::from(num);
            // SAFETY: the contract: arrays of `num`, and the bytes at each.
            let (storage, records): (_, Vec<(&[u8], &[u8])>) = unsafe {
                let pairs = |texts: *mut *const c_char, lens| {
                    items(texts.cast_const(), num).iter().zip(items(lens, num))
                };
                let both = pairs(keys, keylens).zip(pairs(vals, vallens));
                let records = both.map(|((&key, &keylen), (&val, &vallen))| {
                    (bytes(key, keylen), bytes(val, vallen))
                });
                (Self::storage(data)?, records.collect())
            };
            updatev(storage, &records, &mut stored)?;
            Ok(true)
        });
        if all { c_int::from(num) } else { stored.min(usize::from(num)) as c_int }
    }

    pub(super) unsafe extern "C-unwind" fn batch(
        data: *mut c_void,
        changes: *const kumo_change,
        num: usize,
    ) -> bool {
        entry("batch", false, || {
            let batch = S::OPTIONAL.batch.ok_or_else(|| lacks("batch"))?;
            // SAFETY: the contract: an array of `num`, and the bytes at each.
            let (storage, changes): (_, Vec<Change<'_>>) = unsafe {
                let changes = items(changes, num).iter().map(|change| {
                    let key = bytes(change.key, change.keylen);
                    if change.val.is_null() {
                        Change::Delete(key)
                    } else {
                        Change::Put(key, bytes(change.val, change.vallen))
                    }
                });
                (Self::storage(data)?, changes.collect())
            };
            batch(storage, &changes)?;
            Ok(true)
        })
    }
}

//! Scans, and the record that a scan shows.

use super::{
    Table, lacks,
    memory::{bytes, cas, copy_into},
};
use crate::{
    abi::{kumo_storage_casproc, kumo_storage_visit},
    error::Error,
    guard::{entry, fail},
    storage::{Storage, Visit},
    zone::msgpack_zone,
};
use libc::{c_char, c_int, c_void};
use std::{ops::ControlFlow, ptr};

/// What a callback is shown: C sees a pointer to it.
struct Shown<'a, S> {
    storage: &'a S,
    key: &'a [u8],
    val: &'a [u8],
    later: &'a mut Vec<Later>,
}

/// A delete that waits for the end of the scan, as a key and the value that the
/// host agreed to delete: for engines that cannot delete within one.
type Later = (Box<[u8]>, Box<[u8]>);

impl<S: Storage> Shown<'_, S> {
    /// Notes a delete if `proc` agrees. False: it did not, or it is noted.
    fn del_later(&mut self, proc: impl FnOnce(&[u8]) -> bool) -> bool {
        if self.later.last().is_some_and(|(last, _)| **last == *self.key) || !proc(self.val) {
            return false;
        }
        self.later.push((self.key.into(), self.val.into()));
        true
    }
}

impl<S: Storage> Table<S> {
    pub(super) unsafe extern "C-unwind" fn for_each(
        data: *mut c_void,
        user: *mut c_void,
        func: kumo_storage_visit,
    ) -> c_int {
        entry("for_each", -1, || {
            // SAFETY: the contract.
            let storage = unsafe { Self::storage(data)? };
            Self::scan(storage, user, func, |visit| storage.for_each(visit))
        })
    }

    pub(super) unsafe extern "C-unwind" fn seek(
        data: *mut c_void,
        key: *const c_char,
        keylen: usize,
        user: *mut c_void,
        func: kumo_storage_visit,
    ) -> c_int {
        entry("seek", -1, || {
            // SAFETY: the contract.
            let (storage, from) = unsafe { (Self::storage(data)?, bytes(key, keylen)) };
            let seek = S::OPTIONAL.seek.ok_or_else(|| lacks("seek"))?;
            Self::scan(storage, user, func, |visit| seek(storage, from, visit))
        })
    }

    /// Runs a scan with a C function as the visitor.
    fn scan(
        storage: &S,
        user: *mut c_void,
        func: kumo_storage_visit,
        run: impl FnOnce(Visit<'_>) -> Result<(), Error>,
    ) -> Result<c_int, Error> {
        let func = func.ok_or_else(|| Error::invalid("a scan was given no function"))?;
        let mut answer = 0;
        let mut later = Vec::new();
        let scanned = run(&mut |key, val| {
            // Also where an engine goes on after a Break.
            if answer < 0 {
                return ControlFlow::Break(());
            }
            let mut shown = Shown { storage, key, val, later: &mut later };
            // SAFETY: the host's function and its argument.
            answer = unsafe { func(user, (&raw mut shown).cast()) }.min(0);
            if answer < 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let deleted = later.iter().try_for_each(|(key, val)| {
            // Not there any more, or not as it was: a later write goes before.
            storage.del(key, &mut |now| *now == **val).map(drop)
        });
        match scanned.and(deleted) {
            // The host's own answer stands, and it learns of the failure too.
            Err(error) if answer < 0 => {
                fail(&error);
                Ok(answer)
            }
            ended => ended.map(|()| answer),
        }
    }

    /// The record that a callback was shown.
    ///
    /// # Safety
    /// `iterator_data` is what a scan's callback was given, it still runs, and
    /// this is the only reference to it.
    unsafe fn shown<'a>(iterator_data: *mut c_void) -> &'a mut Shown<'a, S> {
        // SAFETY: the caller's promise.
        unsafe { &mut *iterator_data.cast() }
    }

    // What these read is at hand: nothing in them can fail.

    pub(super) unsafe extern "C-unwind" fn iterator_key(
        iterator_data: *mut c_void,
    ) -> *const c_char {
        // SAFETY: the contract.
        unsafe { Self::shown(iterator_data) }.key.as_ptr().cast()
    }

    pub(super) unsafe extern "C-unwind" fn iterator_val(
        iterator_data: *mut c_void,
    ) -> *const c_char {
        // SAFETY: the contract.
        unsafe { Self::shown(iterator_data) }.val.as_ptr().cast()
    }

    pub(super) unsafe extern "C-unwind" fn iterator_keylen(iterator_data: *mut c_void) -> usize {
        // SAFETY: the contract.
        unsafe { Self::shown(iterator_data) }.key.len()
    }

    pub(super) unsafe extern "C-unwind" fn iterator_vallen(iterator_data: *mut c_void) -> usize {
        // SAFETY: the contract.
        unsafe { Self::shown(iterator_data) }.val.len()
    }

    pub(super) unsafe extern "C-unwind" fn iterator_release_key(
        iterator_data: *mut c_void,
        zone: *mut msgpack_zone,
    ) -> *const c_char {
        // SAFETY: the contract.
        entry("iterator_release_key", ptr::null(), || unsafe {
            copy_into(zone, Self::shown(iterator_data).key)
        })
    }

    pub(super) unsafe extern "C-unwind" fn iterator_release_val(
        iterator_data: *mut c_void,
        zone: *mut msgpack_zone,
    ) -> *const c_char {
        // SAFETY: the contract.
        entry("iterator_release_val", ptr::null(), || unsafe {
            copy_into(zone, Self::shown(iterator_data).val)
        })
    }

    /// For engines whose scans let any operation in: `del` does it.
    pub(super) unsafe extern "C-unwind" fn iterator_del(
        iterator_data: *mut c_void,
        proc: kumo_storage_casproc,
        casdata: *mut c_void,
    ) -> bool {
        entry("iterator_del", false, || {
            // SAFETY: the contract.
            let (shown, mut cas) = unsafe { (Self::shown(iterator_data), cas(proc, casdata)) };
            shown.storage.del(shown.key, &mut cas)
        })
    }

    pub(super) unsafe extern "C-unwind" fn iterator_del_force(iterator_data: *mut c_void) -> bool {
        // SAFETY: the contract; no proc agrees to everything.
        unsafe { Self::iterator_del(iterator_data, None, ptr::null_mut()) }
    }

    /// For the others, where the host needs an `iterator_del`.
    pub(super) unsafe extern "C-unwind" fn del_later(
        iterator_data: *mut c_void,
        proc: kumo_storage_casproc,
        casdata: *mut c_void,
    ) -> bool {
        entry("iterator_del", false, || {
            // SAFETY: the contract.
            let (shown, cas) = unsafe { (Self::shown(iterator_data), cas(proc, casdata)) };
            Ok(shown.del_later(cas))
        })
    }

    pub(super) unsafe extern "C-unwind" fn del_force_later(iterator_data: *mut c_void) -> bool {
        // SAFETY: the contract; no proc agrees to everything.
        unsafe { Self::del_later(iterator_data, None, ptr::null_mut()) }
    }
}

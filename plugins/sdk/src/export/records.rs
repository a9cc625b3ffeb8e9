//! The life cycle, and the operations on one record.

use super::{
    Instance, Table,
    memory::{bytes, cas, hand_over},
};
use crate::{
    abi::kumo_storage_casproc, guard::entry, location::Location, storage::Storage,
    zone::msgpack_zone,
};
use libc::{c_char, c_void};
use std::{ffi::CStr, ptr, slice};

impl<S: Storage> Table<S> {
    pub(super) unsafe extern "C-unwind" fn free(data: *mut c_void) {
        entry("free", (), || {
            // SAFETY: made by create, and freed once.
            drop(unsafe { Box::from_raw(data.cast::<Instance<S>>()) });
            Ok(())
        });
    }

    pub(super) unsafe extern "C-unwind" fn open(data: *mut c_void, path: *const c_char) -> bool {
        entry("open", false, || {
            // SAFETY: path is a C string.
            let path = unsafe { CStr::from_ptr(path) }.to_bytes();
            let storage = S::open(&Location::parse(path, S::PARAMS)?)?;
            // SAFETY: no other call is under way.
            unsafe { &mut *data.cast::<Instance<S>>() }.0 = Some(storage);
            Ok(true)
        })
    }

    pub(super) unsafe extern "C-unwind" fn close(data: *mut c_void) {
        // SAFETY: no other call is under way.
        let storage = unsafe { &mut *data.cast::<Instance<S>>() }.0.take();
        entry("close", (), || storage.as_ref().map_or(Ok(()), S::close));
        // Apart, since a drop that panics while another panic unwinds would end
        // the process.
        entry("close", (), || {
            drop(storage);
            Ok(())
        });
    }

    pub(super) unsafe extern "C-unwind" fn get(
        data: *mut c_void,
        key: *const c_char,
        keylen: u32,
        result_vallen: *mut u32,
        zone: *mut msgpack_zone,
    ) -> *const c_char {
        entry("get", ptr::null(), || {
            // SAFETY: the contract.
            let (storage, key) = unsafe { (Self::storage(data)?, bytes(key, keylen as usize)) };
            // Not moved: to copy what has only just been written costs several
            // nanoseconds.
            let mut got = storage.get(key);
            match &mut got {
                // SAFETY: the zone is this call's, and the memory for the length.
                Ok(Some(value)) => unsafe {
                    let (found, len) = hand_over(zone, value)?;
                    result_vallen.write(len);
                    Ok(found)
                },
                _ => got.map(|_| ptr::null()),
            }
        })
    }

    pub(super) unsafe extern "C-unwind" fn get_header(
        data: *mut c_void,
        key: *const c_char,
        keylen: u32,
        result_val: *mut c_char,
        vallen: u32,
    ) -> i32 {
        entry("get_header", -1, || {
            // SAFETY: the contract.
            let (storage, key) = unsafe { (Self::storage(data)?, bytes(key, keylen as usize)) };
            let len = vallen.min(i32::MAX as u32) as usize;
            let head: &mut [u8] = if len == 0 {
                &mut []
            } else {
                // SAFETY: the host's memory, `vallen` bytes of it.
                unsafe { slice::from_raw_parts_mut(result_val.cast(), len) }
            };
            let copied = match S::OPTIONAL.get_header {
                Some(get_header) => get_header(storage, key, head)?,
                None => storage.get(key)?.map(|value| {
                    let len = value.len().min(head.len());
                    head[..len].copy_from_slice(&value[..len]);
                    len
                }),
            };
            Ok(copied.map_or(-1, |copied| copied.min(len) as i32))
        })
    }

    pub(super) unsafe extern "C-unwind" fn set(
        data: *mut c_void,
        key: *const c_char,
        keylen: u32,
        val: *const c_char,
        vallen: u32,
    ) -> bool {
        entry("set", false, || {
            // SAFETY: the contract.
            unsafe {
                let (key, val) = (bytes(key, keylen as usize), bytes(val, vallen as usize));
                Self::storage(data)?.set(key, val)?;
            }
            Ok(true)
        })
    }

    pub(super) unsafe extern "C-unwind" fn del(
        data: *mut c_void,
        key: *const c_char,
        keylen: u32,
        proc: kumo_storage_casproc,
        casdata: *mut c_void,
    ) -> bool {
        entry("del", false, || {
            // SAFETY: the contract.
            unsafe {
                let key = bytes(key, keylen as usize);
                Self::storage(data)?.del(key, &mut cas(proc, casdata))
            }
        })
    }

    pub(super) unsafe extern "C-unwind" fn update(
        data: *mut c_void,
        key: *const c_char,
        keylen: u32,
        val: *const c_char,
        vallen: u32,
        proc: kumo_storage_casproc,
        casdata: *mut c_void,
    ) -> bool {
        entry("update", false, || {
            // SAFETY: the contract.
            unsafe {
                let (key, val) = (bytes(key, keylen as usize), bytes(val, vallen as usize));
                Self::storage(data)?.update(key, val, &mut cas(proc, casdata))
            }
        })
    }
}

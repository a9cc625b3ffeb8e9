//! The services of a host: what engines say is kept for the test to see.

use crate::{
    abi::{ErrorCode, KUMO_ABI_VERSION, kumo_finalizer, kumo_host},
    error::Error,
    zone::msgpack_zone,
};
use libc::{c_char, c_void};
use std::{
    cell::{Cell, RefCell},
    ffi::CStr,
    mem,
};

pub(super) static SERVICES: kumo_host = kumo_host {
    struct_size: size_of::<kumo_host>(),
    abi_version: KUMO_ABI_VERSION,
    log: Some(log),
    set_error: Some(set_error),
    zone_push_finalizer: Some(zone_push_finalizer),
    zone_malloc: Some(zone_malloc),
    progress: None,
    register_mapping: None,
    unregister_mapping: None,
};

thread_local! {
    static REPORTED: Cell<Option<Error>> = const { Cell::new(None) };
    static LOGGED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What has been logged on this thread since this was last asked.
pub fn logged() -> Vec<String> {
    LOGGED.with_borrow_mut(mem::take)
}

/// Calls into an engine. An error that it reports goes before what it returns.
pub(super) fn call<R>(call: impl FnOnce() -> R) -> Result<R, Error> {
    REPORTED.set(None);
    let result = call();
    REPORTED.take().map_or(Ok(result), Err)
}

unsafe extern "C" fn log(_level: u32, text: *const c_char) {
    // SAFETY: the contract: a C string.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
    LOGGED.with_borrow_mut(|logged| logged.push(text));
}

unsafe extern "C" fn set_error(code: i32, text: *const c_char) {
    use ErrorCode::{Busy, Corrupt, Full, Invalid, Io, Memory, Unsupported};
    let known = [Io, Full, Corrupt, Memory, Invalid, Unsupported, Busy];
    let code = known.into_iter().find(|known| *known as i32 == code).unwrap_or(ErrorCode::Other);
    // SAFETY: the contract: a C string.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    REPORTED.set(Some(Error::new(code, text)));
}

unsafe extern "C-unwind" fn zone_push_finalizer(
    zone: *mut msgpack_zone,
    func: kumo_finalizer,
    data: *mut c_void,
) -> bool {
    // SAFETY: the contract: a zone that this call may use.
    func.is_some_and(|func| unsafe { &mut *zone }.push_finalizer(func, data))
}

unsafe extern "C-unwind" fn zone_malloc(zone: *mut msgpack_zone, size: usize) -> *mut c_void {
    // SAFETY: the contract: a zone that this call may use.
    unsafe { &mut *zone }.malloc(size)
}

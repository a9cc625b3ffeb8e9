//! What the host does for a plugin: its log, and the error of a call.

use crate::abi::{LogLevel, kumo_host};
use crate::error::Error;
use libc::c_void;
use std::{
    ffi::CString,
    io::{self, Write},
    mem::offset_of,
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
};

/// The host, once it has introduced itself. NULL under a host that only knows
/// classic modules.
static HOST: AtomicPtr<kumo_host> = AtomicPtr::new(null_mut());

/// Remembers the host, which lives as long as the process.
pub(crate) fn set_host(host: *const kumo_host) {
    HOST.store(host.cast_mut(), Ordering::Release);
}

fn host() -> Option<&'static kumo_host> {
    // SAFETY: set_host's caller promises a struct that lives for ever.
    unsafe { HOST.load(Ordering::Acquire).as_ref() }
}

/// Text for C: what stands before a NUL, if there is one.
pub(crate) fn c_text(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

/// Writes a line to the host's log; where there is none, to standard error.
pub fn log(level: LogLevel, text: &str) {
    let service = host().filter(|h| h.struct_size > offset_of!(kumo_host, log)).and_then(|h| h.log);
    match service {
        // SAFETY: the text is a C string, copied by the host.
        Some(log) => unsafe { log(level as u32, c_text(text).as_ptr()) },
        // Not eprintln!, which panics where standard error is closed.
        None => drop(writeln!(io::stderr(), "{text}")),
    }
}

/// Tells the host how far the present call has come: so much of a total, or of
/// what is not known where that is 0.
pub fn progress(done: u64, total: u64) {
    let service =
        host().filter(|h| h.struct_size > offset_of!(kumo_host, progress)).and_then(|h| h.progress);
    if let Some(progress) = service {
        // SAFETY: numbers alone.
        unsafe { progress(done, total) };
    }
}

/// `register_mapping` and `unregister_mapping`.
type MappingServices =
    (unsafe extern "C" fn(*mut c_void, usize, *mut u32) -> bool, unsafe extern "C" fn(*mut c_void));

/// The host's services for mappings, where it has them.
pub(crate) fn mapping_services() -> Option<MappingServices> {
    let host =
        host().filter(|host| host.struct_size > offset_of!(kumo_host, unregister_mapping))?;
    Some((host.register_mapping?, host.unregister_mapping?))
}

/// Tells the host that the present call has failed.
pub(crate) fn set_error(error: &Error) {
    let service = host()
        .filter(|h| h.struct_size > offset_of!(kumo_host, set_error))
        .and_then(|h| h.set_error);
    if let Some(set_error) = service {
        // SAFETY: the text is a C string, copied by the host.
        unsafe { set_error(error.code() as i32, c_text(error.text()).as_ptr()) };
    }
}

//! The log, as an engine writes to it.

use super::{SERVICES, perform};
use crate::host::{
    memcached::abi::{ON_LOG_LEVEL, cookie, log_api, logger},
    services::line,
};
use libc::{c_char, c_int};
use std::{
    ptr,
    sync::atomic::{
        AtomicPtr,
        Ordering::{AcqRel, Acquire, Release},
    },
};
use tracing::level_filters::LevelFilter;

pub(super) static API: log_api = log_api { get_logger: current, get_level, set_level };

// The levels, the greater the graver.
const DETAIL: c_int = 0;
const DEBUG: c_int = 1;
const INFO: c_int = 2;
const WARNING: c_int = 3;

static OURS: logger = logger { get_name, log: kumo_engine_log };

/// The engine's own logger; NULL where ours is in place.
static THEIRS: AtomicPtr<logger> = AtomicPtr::new(ptr::null_mut());

unsafe extern "C-unwind" {
    /// log.c: formats a message, which Rust cannot, and calls `kumo_engine_logged`.
    fn kumo_engine_log(level: c_int, cookie: cookie, format: *const c_char, ...);
}

/// A message of an engine's, formatted.
///
/// # Safety
/// `text` is a C string.
#[unsafe(no_mangle)]
unsafe extern "C" fn kumo_engine_logged(level: c_int, text: *const c_char) {
    // SAFETY: the caller's promise.
    let text = unsafe { line(text) };
    match level {
        DETAIL => tracing::trace!(target: "engine", "{text}"),
        DEBUG => tracing::debug!(target: "engine", "{text}"),
        INFO => tracing::info!(target: "engine", "{text}"),
        _ => tracing::warn!(target: "engine", "{text}"),
    }
}

unsafe extern "C-unwind" fn get_name() -> *const c_char {
    c"kumo".as_ptr()
}

/// The logger in place.
pub(super) extern "C-unwind" fn current() -> *const logger {
    let theirs = THEIRS.load(Acquire);
    if theirs.is_null() { &raw const OURS } else { theirs }
}

/// Puts an engine's logger in the place of ours.
pub(super) fn replace(theirs: *mut logger) {
    let ours = ptr::eq(theirs, &raw const OURS);
    THEIRS.store(if ours { ptr::null_mut() } else { theirs }, Release);
}

/// Puts ours back in the place of that one.
pub(super) fn restore(theirs: *mut logger) {
    // Another one may have taken its place.
    let _ = THEIRS.compare_exchange(theirs, ptr::null_mut(), AcqRel, Acquire);
}

/// Puts ours back in the place of any other.
pub(super) fn restore_any() {
    THEIRS.store(ptr::null_mut(), Release);
}

extern "C-unwind" fn get_level() -> c_int {
    match LevelFilter::current() {
        LevelFilter::TRACE => DETAIL,
        LevelFilter::DEBUG => DEBUG,
        LevelFilter::INFO => INFO,
        _ => WARNING,
    }
}

extern "C-unwind" fn set_level(level: c_int) {
    if let Some(verbosity) = &SERVICES.read().verbosity {
        verbosity((WARNING - level).clamp(0, WARNING) as u32);
    }
    level_changed();
}

/// How much is logged has changed: an engine may want to know.
pub fn level_changed() {
    perform(ON_LOG_LEVEL, ptr::null(), ptr::null());
}

//! The services that a plugin is handed: the log, and the error of a call.

use super::{
    failure::{Failure, error_code},
    mappings,
};
use kumo_plugin::{
    LogLevel,
    abi::{KUMO_ABI_VERSION, kumo_finalizer, kumo_host},
    zone::msgpack_zone,
};
use libc::{c_char, c_void};
use std::{
    cell::{Cell, RefCell},
    ffi::CStr,
};

/// What every plugin is handed.
pub(super) static HOST: kumo_host = kumo_host {
    struct_size: size_of::<kumo_host>(),
    abi_version: KUMO_ABI_VERSION,
    log: Some(log),
    set_error: Some(set_error),
    zone_push_finalizer: Some(zone_push_finalizer),
    zone_malloc: Some(zone_malloc),
    progress: Some(progress),
    register_mapping: Some(mappings::register),
    unregister_mapping: Some(mappings::unregister),
};

thread_local! {
    /// Whether the present call has reported an error: what is read before and
    /// after every call, so it costs no more than a byte.
    static FAILED: Cell<bool> = const { Cell::new(false) };
    static FAILURE: RefCell<Option<Failure>> = const { RefCell::new(None) };
    /// Who is told how far the calls of this thread have come.
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

/// Takes how much is done of how much; a total of 0 is not known.
type Watcher = Box<dyn FnMut(u64, u64)>;

/// Shows how far the calls come that this thread makes meanwhile, where engines
/// say it. One whose calls are made on a thread of their own is not heard.
pub fn watched<R>(watcher: impl FnMut(u64, u64) + 'static, calls: impl FnOnce() -> R) -> R {
    struct Watching(Option<Watcher>);
    impl Drop for Watching {
        fn drop(&mut self) {
            WATCHER.set(self.0.take());
        }
    }
    let _earlier = Watching(WATCHER.replace(Some(Box::new(watcher))));
    calls()
}

/// Forgets what an earlier call on this thread reported.
pub(super) fn clear_error() {
    FAILED.set(false);
}

/// What the call that has just returned on this thread reported.
pub(super) fn take_error() -> Option<Failure> {
    FAILED.replace(false).then(|| FAILURE.take()).flatten()
}

/// A plugin's text on one line, or nothing for NULL.
///
/// # Safety
/// `text` is NULL or a C string.
pub(super) unsafe fn line(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    text.trim().replace(['\r', '\n'], " ")
}

unsafe extern "C" fn log(level: u32, text: *const c_char) {
    // SAFETY: the contract: a C string.
    let text = unsafe { line(text) };
    match level {
        l if l == LogLevel::Error as u32 => tracing::error!(target: "plugin", "{text}"),
        l if l == LogLevel::Warn as u32 => tracing::warn!(target: "plugin", "{text}"),
        l if l == LogLevel::Info as u32 => tracing::info!(target: "plugin", "{text}"),
        _ => tracing::debug!(target: "plugin", "{text}"),
    }
}

unsafe extern "C" fn set_error(code: i32, text: *const c_char) {
    // SAFETY: the contract: a C string.
    let text = unsafe { line(text) };
    FAILED.set(true);
    FAILURE.set(Some(Failure::new(error_code(code), text)));
}

unsafe extern "C" fn progress(done: u64, total: u64) {
    WATCHER.with(|watcher| {
        // Unless the watcher itself has called the engine.
        if let Ok(mut watcher) = watcher.try_borrow_mut()
            && let Some(watcher) = &mut *watcher
        {
            watcher(done, total);
        }
    });
}

unsafe extern "C-unwind" fn zone_push_finalizer(
    zone: *mut msgpack_zone,
    func: kumo_finalizer,
    data: *mut c_void,
) -> bool {
    // SAFETY: the contract: the zone of the present call.
    func.is_some_and(|func| unsafe { &mut *zone }.push_finalizer(func, data))
}

unsafe extern "C-unwind" fn zone_malloc(zone: *mut msgpack_zone, size: usize) -> *mut c_void {
    // SAFETY: the contract: the zone of the present call.
    unsafe { &mut *zone }.malloc(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kumo_plugin::ErrorCode;

    #[test]
    fn progress_is_shown_to_who_watches_on_this_thread() {
        use std::rc::Rc;
        let report = HOST.progress.unwrap();
        let seen = Rc::new(RefCell::new(Vec::new()));
        let keep = || {
            let seen = Rc::clone(&seen);
            move |done, total| seen.borrow_mut().push((done, total))
        };
        // SAFETY: numbers alone.
        let say = |done| unsafe { report(done, 9) };
        say(1);
        watched(keep(), || {
            say(2);
            watched(|_, _| {}, || say(3));
            say(4);
            // SAFETY: as above.
            std::thread::scope(|scope| scope.spawn(|| unsafe { report(5, 9) }).join().unwrap());
        });
        say(6);
        assert_eq!(*seen.borrow(), [(2, 9), (4, 9)]);
    }

    #[test]
    fn an_error_is_taken_once_and_forgotten_before_the_next_call() {
        let report = HOST.set_error.unwrap();
        // SAFETY: a C string.
        unsafe { report(ErrorCode::Full as i32, c"no\r\nroom".as_ptr()) };
        let failure = take_error().unwrap();
        assert_eq!((failure.code, failure.text.as_str()), (ErrorCode::Full, "no  room"));
        assert!(take_error().is_none());

        // SAFETY: NULL is allowed.
        unsafe { report(12345, std::ptr::null()) };
        clear_error();
        assert!(take_error().is_none());
    }
}

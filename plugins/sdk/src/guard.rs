//! The wall between an engine and C: no error and no panic gets past it.
//!
//! A failure is reported twice: to the host, by `set_error`, and in the text
//! that the table's `error` returns, for hosts that only know that.

use crate::{
    abi::LogLevel,
    error::{Error, ErrorCode},
    services::{c_text, log, set_error},
};
use libc::c_char;
use std::{
    any::Any,
    cell::RefCell,
    ffi::CString,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

thread_local! {
    /// The text that the table's `error` returns.
    static LAST_ERROR: RefCell<Option<CString>> = const { RefCell::new(None) };
}

/// The text of this thread's last error. It is valid until the next one.
pub(crate) fn last_error() -> *const c_char {
    let text = LAST_ERROR.try_with(|last| {
        last.try_borrow().ok().and_then(|last| last.as_ref().map(|text| text.as_ptr()))
    });
    text.ok().flatten().unwrap_or(c"no error".as_ptr())
}

/// Reports a failure to the host and keeps its text for `error`.
#[cold]
pub(crate) fn fail(error: &Error) {
    set_error(error);
    // Nothing is kept where the thread is about to end.
    let _ = LAST_ERROR.try_with(|last| last.replace(Some(c_text(error.text()))));
}

/// Runs an operation so that neither an error nor a panic leaves it: either
/// becomes `failed`, reported.
#[inline]
pub(crate) fn entry<R>(operation: &str, failed: R, run: impl FnOnce() -> Result<R, Error>) -> R {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(done)) => done,
        Ok(Err(error)) => {
            fail(&error);
            failed
        }
        Err(payload) => {
            report_panic(operation, payload);
            failed
        }
    }
}

#[cold]
fn report_panic(operation: &str, payload: Box<dyn Any + Send>) {
    let said = if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        // Something of the engine's own, whose drop might panic in its turn.
        mem::forget(payload);
        "it does not say why".to_owned()
    };
    let text = format!("panic in {operation}: {said}");
    log(LogLevel::Error, &text);
    fail(&Error::new(ErrorCode::Other, text));
}

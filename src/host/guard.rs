//! The guard around calls into a plugin.

use std::{mem, process};

/// Ends the process when something unwinds out of a plugin: nothing after it
/// could be trusted.
struct NoUnwind<'a> {
    plugin: &'a str,
    operation: &'static str,
}

impl Drop for NoUnwind<'_> {
    fn drop(&mut self) {
        eprintln!(
            "kumo: an exception left {} of the plugin {}; ending the process, \
             since nothing after it can be trusted",
            self.operation, self.plugin
        );
        process::abort();
    }
}

/// Makes a call that nothing unwinds out of.
#[inline]
pub(super) fn guarded<R>(plugin: &str, operation: &'static str, call: impl FnOnce() -> R) -> R {
    let guard = NoUnwind { plugin, operation };
    let result = call();
    mem::forget(guard);
    result
}

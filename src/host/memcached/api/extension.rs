//! Extensions: a logger in the place of ours, and daemons.

use super::log;
use crate::host::memcached::abi::{
    EXTENSION_DAEMON, EXTENSION_LOGGER, daemon, extension_api, logger,
};
use libc::{c_int, c_void};
use parking_lot::Mutex;
use std::ptr;

pub(super) static API: extension_api =
    extension_api { register_extension, unregister_extension, get_extension };

/// The daemons, each linked with the next; the newest comes first.
static DAEMONS: Mutex<Daemons> = Mutex::new(Daemons(ptr::null_mut()));

struct Daemons(*mut daemon);

// SAFETY: used under the mutex alone.
unsafe impl Send for Daemons {}

unsafe extern "C-unwind" fn register_extension(kind: c_int, extension: *mut c_void) -> bool {
    match kind {
        _ if extension.is_null() => false,
        EXTENSION_LOGGER => {
            log::replace(extension.cast::<logger>());
            true
        }
        EXTENSION_DAEMON => {
            let mut first = DAEMONS.lock();
            let new = extension.cast::<daemon>();
            // SAFETY: descriptors that are registered live, and the last one's
            // link is NULL.
            let known = unsafe { !(*link_to(&mut first.0, new)).is_null() };
            if !known {
                // SAFETY: the contract: a descriptor, whose link is the server's.
                unsafe { (*new).next = first.0 };
                first.0 = new;
            }
            !known
        }
        _ => false,
    }
}

unsafe extern "C-unwind" fn unregister_extension(kind: c_int, extension: *mut c_void) {
    match kind {
        EXTENSION_LOGGER => log::restore(extension.cast::<logger>()),
        EXTENSION_DAEMON => {
            let mut first = DAEMONS.lock();
            // SAFETY: as above.
            unsafe {
                let link = link_to(&mut first.0, extension.cast());
                if !(*link).is_null() {
                    *link = (**link).next;
                }
            }
        }
        _ => {}
    }
}

/// No engine is left, nor anything that one has registered.
pub(in crate::host::memcached) fn forget() {
    log::restore_any();
    DAEMONS.lock().0 = ptr::null_mut();
}

/// The link that leads to a daemon; without one, the last link, which is NULL.
///
/// # Safety
/// The links lead to descriptors that live, and end with NULL.
unsafe fn link_to(first: &mut *mut daemon, to: *mut daemon) -> *mut *mut daemon {
    let mut link = &raw mut *first;
    // SAFETY: the caller's promise.
    unsafe {
        while !(*link).is_null() && *link != to {
            link = &raw mut (**link).next;
        }
    }
    link
}

extern "C-unwind" fn get_extension(kind: c_int) -> *mut c_void {
    match kind {
        EXTENSION_LOGGER => log::current().cast_mut().cast(),
        EXTENSION_DAEMON => DAEMONS.lock().0.cast(),
        _ => ptr::null_mut(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daemons_come_and_go() {
        let mut all = [(); 3].map(|()| daemon { get_name: None, next: ptr::null_mut() });
        let [a, b, c] = all.each_mut().map(|one| (&raw mut *one).cast::<c_void>());
        let first = || get_extension(EXTENSION_DAEMON);
        // SAFETY: they live until they are taken back.
        unsafe {
            assert!(register_extension(EXTENSION_DAEMON, a));
            assert!(register_extension(EXTENSION_DAEMON, b));
            assert!(register_extension(EXTENSION_DAEMON, c));
            assert!(!register_extension(EXTENSION_DAEMON, a));
            assert_eq!(first(), c);
            unregister_extension(EXTENSION_DAEMON, b);
            assert_eq!((*c.cast::<daemon>()).next, a.cast());
            unregister_extension(EXTENSION_DAEMON, c);
            assert_eq!(first(), a);
            unregister_extension(EXTENSION_DAEMON, b);
            unregister_extension(EXTENSION_DAEMON, a);
            assert!(first().is_null());
            assert!(!register_extension(EXTENSION_DAEMON, ptr::null_mut()));
            assert!(!register_extension(2, a));
        }
    }
}
